// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets for links as bytes: messages, claims, proofs.
 */
#include <errno.h>

#include "harness.h"

#include "../../daemon/link/ticket.h"

static const u8 name[LINK_NAME] = "abcdefghijklmno";

static void ticket_of(struct link_ticket *ticket)
{
	unsigned int i;

	memcpy(ticket->name, name, sizeof(name));
	for (i = 0; i < LINK_SECRET; i++)
		ticket->secret[i] = (u8)(i * 5 + 1);
}

static void claim_of(u8 to[LINK_CLAIM], const struct link_ticket *ticket)
{
	struct link_claim claim = { .from = 1, .to = 2, .link = 3 };

	memcpy(claim.name, ticket->name, LINK_NAME);
	ASSERT_EQ(0, link_claim_put(to, &claim, ticket->secret));
}

TEST(messages_as_bytes)
{
	static const u8 ask[] = {
		1, 1, 0, 0, 5, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0
	};
	static const u8 refuse[] = { 3, 1, 0, 0, 5, 0, 0, 0, 9, 1, 0, 0,
				     0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0 };
	struct link_msg msg = { .kind = LINK_KIND_ASK, .link = 5, .ask = 265 };
	u8 to[LINK_MSG_MAX];

	ASSERT_EQ(sizeof(ask), link_msg_put(to, &msg));
	EXPECT_MEMEQ(ask, to, sizeof(ask));
	msg.kind = LINK_KIND_REFUSE;
	msg.why = LINK_WHY_DIRECTION;
	ASSERT_EQ(sizeof(refuse), link_msg_put(to, &msg));
	EXPECT_MEMEQ(refuse, to, sizeof(refuse));
	msg.kind = LINK_KIND_TICKET;
	ticket_of(&msg.ticket);
	ASSERT_EQ(64, link_msg_put(to, &msg));
	EXPECT_EQ(2, to[0]);
	EXPECT_MEMEQ(name, to + 16, LINK_NAME);
	EXPECT_MEMEQ(msg.ticket.secret, to + 32, LINK_SECRET);
}

TEST(messages_come_back)
{
	struct link_msg msg = { .link = 7, .ask = 1ULL << 63, .why = 4 }, seen;
	u8 to[LINK_MSG_MAX + 1];
	size_t bytes, i;

	ticket_of(&msg.ticket);
	for (msg.kind = LINK_KIND_ASK; msg.kind <= LINK_KIND_REFUSE;
	     msg.kind++) {
		bytes = link_msg_put(to, &msg);
		ASSERT_EQ(0, link_msg_get(to, bytes, &seen));
		EXPECT_EQ(msg.kind, seen.kind);
		EXPECT_EQ(msg.link, seen.link);
		EXPECT_EQ(msg.ask, seen.ask);
		if (msg.kind == LINK_KIND_TICKET)
			EXPECT_MEMEQ(&msg.ticket, &seen.ticket,
				     sizeof(msg.ticket));
		if (msg.kind == LINK_KIND_REFUSE)
			EXPECT_EQ(msg.why, seen.why);
		for (i = 0; i < bytes; i++)
			EXPECT_EQ(-EBADMSG, link_msg_get(to, i, &seen));
		to[bytes] = 0;
		EXPECT_EQ(-EBADMSG, link_msg_get(to, bytes + 1, &seen));
	}
}

TEST(messages_that_are_none)
{
	struct link_msg msg = { .kind = LINK_KIND_REFUSE, .why = 1 }, seen;
	u8 to[LINK_MSG_MAX];
	size_t bytes = link_msg_put(to, &msg);

#define WRONG(at, byte, error)                                    \
	do {                                                      \
		u8 old_ = to[at];                                 \
		to[at] = (byte);                                  \
		EXPECT_EQ(error, link_msg_get(to, bytes, &seen)); \
		to[at] = old_;                                    \
	} while (0)
	WRONG(0, 0, -EBADMSG);
	WRONG(0, 4, -EBADMSG);
	WRONG(1, 2, -EPROTONOSUPPORT);
	WRONG(2, 1, -EBADMSG);
	WRONG(3, 1, -EBADMSG);
	WRONG(16, 0, -EBADMSG); /* why? */
	WRONG(16, 6, -EBADMSG);
	WRONG(17, 1, -EBADMSG);
	WRONG(20, 1, -EBADMSG);
	EXPECT_EQ(0, link_msg_get(to, bytes, &seen));
}

TEST(tickets_are_random)
{
	struct link_ticket a, b, none = { 0 };

	ASSERT_EQ(0, link_ticket_make(&a));
	ASSERT_EQ(0, link_ticket_make(&b));
	EXPECT_TRUE(memcmp(a.name, b.name, LINK_NAME));
	EXPECT_TRUE(memcmp(a.secret, b.secret, LINK_SECRET));
	link_ticket_wipe(&a);
	EXPECT_MEMEQ(&none, &a, sizeof(a));
}

TEST(a_claim_holds_with_its_ticket_alone)
{
	struct link_ticket ticket, other;
	struct link_claim claim;
	u8 bytes[LINK_CLAIM];
	unsigned int i;

	ticket_of(&ticket);
	claim_of(bytes, &ticket);
	ASSERT_EQ(LINK_CLAIM, link_claim_get(bytes, LINK_CLAIM, &claim));
	EXPECT_EQ(1, claim.from);
	EXPECT_EQ(2, claim.to);
	EXPECT_EQ(3, claim.link);
	EXPECT_MEMEQ(name, claim.name, LINK_NAME);
	EXPECT_TRUE(link_claim_holds(bytes, &ticket));
	for (i = 0; i < 8 * LINK_SECRET; i++) {
		other = ticket;
		other.secret[i / 8] ^= (u8)(1U << i % 8);
		EXPECT_FALSE(link_claim_holds(bytes, &other));
	}
	other = ticket;
	other.name[0]++;
	EXPECT_FALSE(link_claim_holds(bytes, &other));
	/* whatever is changed, it is not a claim, or does not hold */
	for (i = 0; i < 8 * LINK_CLAIM; i++) {
		bytes[i / 8] ^= (u8)(1U << i % 8);
		if (link_claim_get(bytes, LINK_CLAIM, &claim) > 0)
			EXPECT_FALSE(link_claim_holds(bytes, &ticket));
		bytes[i / 8] ^= (u8)(1U << i % 8);
	}
	EXPECT_TRUE(link_claim_holds(bytes, &ticket));
}

TEST(two_claims_differ)
{
	struct link_ticket ticket;
	u8 one[LINK_CLAIM], two[LINK_CLAIM];

	ticket_of(&ticket);
	claim_of(one, &ticket);
	claim_of(two, &ticket);
	EXPECT_TRUE(memcmp(one + 40, two + 40, LINK_NONCE));
	EXPECT_TRUE(memcmp(one + 56, two + 56, 32));
}

TEST(a_claim_in_pieces)
{
	struct link_ticket ticket;
	struct link_claim claim;
	u8 bytes[LINK_CLAIM];
	size_t i;

	ticket_of(&ticket);
	claim_of(bytes, &ticket);
	for (i = 0; i < LINK_CLAIM; i++)
		EXPECT_EQ(0, link_claim_get(bytes, i, &claim));
	/* what can not become one is known at once */
	for (i = 0; i < 8; i++) {
		bytes[i] ^= 0x40;
		EXPECT_EQ(-EBADMSG, link_claim_get(bytes, i + 1, &claim));
		bytes[i] ^= 0x40;
	}
	EXPECT_EQ(-EBADMSG, link_claim_get((const u8 *)"GET / HT", 8, &claim));
}

TEST(a_proof_is_of_this_claim_and_secret)
{
	struct link_ticket ticket;
	u8 claim[LINK_CLAIM], other[LINK_CLAIM], proof[LINK_PROOF];
	unsigned int i;

	ticket_of(&ticket);
	claim_of(claim, &ticket);
	claim_of(other, &ticket);
	ASSERT_EQ(0, link_proof_put(proof, claim, ticket.secret));
	EXPECT_EQ(LINK_PROOF,
		  link_proof_check(proof, LINK_PROOF, claim, ticket.secret));
	EXPECT_EQ(-EKEYREJECTED,
		  link_proof_check(proof, LINK_PROOF, other, ticket.secret));
	for (i = 0; i < LINK_PROOF; i++) {
		EXPECT_EQ(0, link_proof_check(proof, i, claim, ticket.secret));
		proof[i] ^= 1;
		EXPECT_LT(link_proof_check(proof, LINK_PROOF, claim,
					   ticket.secret),
			  0);
		proof[i] ^= 1;
	}
	ticket.secret[0] ^= 1;
	EXPECT_EQ(-EKEYREJECTED,
		  link_proof_check(proof, LINK_PROOF, claim, ticket.secret));
	/* what was said is no answer to it */
	EXPECT_EQ(-EBADMSG,
		  link_proof_check(claim, LINK_PROOF, claim, ticket.secret));
}

/* The same by another hand: HMAC-SHA256 of Python's library. */
TEST(a_claim_as_others_make_it)
{
	static const u8 mac[32] = { 0xaa, 0xc1, 0xc1, 0xda, 0x86, 0x95, 0x03,
				    0xed, 0x6f, 0x3a, 0xa1, 0x64, 0xd9, 0x07,
				    0xee, 0xad, 0xd7, 0xb2, 0x58, 0x4d, 0x4a,
				    0xe4, 0x20, 0x3d, 0x06, 0x9c, 0x20, 0x2d,
				    0x7d, 0x48, 0x4f, 0xa5 };
	struct link_ticket ticket;
	u8 bytes[LINK_CLAIM] = { 'q', 'L', 'k', '1', 1, 0, 0, 0, 1, 0, 0, 0,
				 2,   0,   0,	0,   3, 0, 0, 0, 0, 0, 0, 0 };

	ticket_of(&ticket);
	memcpy(bytes + 24, name, LINK_NAME);
	memset(bytes + 40, 0x5a, LINK_NONCE);
	memcpy(bytes + 56, mac, sizeof(mac));
	EXPECT_TRUE(link_claim_holds(bytes, &ticket));
}

TEST_HARNESS_MAIN
