// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets, and what is said about them; see ticket.h.
 */
#include "ticket.h"

#include <errno.h>
#include <string.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "../session/bytes.h"

#define TICKET_VERSION 1
#define TICKET_MAC 32
#define CLAIM_MAGIC 0x316b4c71U /* "qLk1" */
#define PROOF_MAGIC 0x31704c71U /* "qLp1" */
#define CLAIM_NAME_AT 24
#define CLAIM_NONCE_AT 40
#define CLAIM_MAC_AT 56
#define PROOF_NONCE_AT 8
#define PROOF_MAC_AT 24
#define MSG_HEAD 16
#define MSG_SECRET_AT 32
#define MSG_REFUSE 24

/* --- messages ------------------------------------------------------------- */

/**
 * link_msg_put() - a message as bytes
 * @to: where they go
 * @msg: the message
 *
 * Return: how many.
 */
size_t link_msg_put(uint8_t to[LINK_MSG_MAX], const struct link_msg *msg)
{
	memset(to, 0, LINK_MSG_MAX);
	to[0] = (uint8_t)msg->kind;
	to[1] = TICKET_VERSION;
	session_put32(to + 4, msg->link);
	session_put64(to + 8, msg->ask);
	switch (msg->kind) {
	case LINK_KIND_ASK:
		break;
	case LINK_KIND_TICKET:
		memcpy(to + MSG_HEAD, msg->ticket.name, LINK_NAME);
		memcpy(to + MSG_SECRET_AT, msg->ticket.secret, LINK_SECRET);
		return LINK_MSG_MAX;
	case LINK_KIND_REFUSE:
		session_put32(to + MSG_HEAD, (uint32_t)msg->why);
		return MSG_REFUSE;
	}
	return MSG_HEAD;
}

static int msg_refuse_get(const uint8_t *at, struct link_msg *msg)
{
	uint32_t why = session_get32(at + MSG_HEAD);

	if (why < LINK_WHY_PEER || why > LINK_WHY_FAILED ||
	    session_get32(at + MSG_HEAD + 4))
		return -EBADMSG;
	msg->why = (enum link_why)why;
	return 0;
}

/**
 * link_msg_get() - a message of a peer
 * @data: its bytes
 * @bytes: how many
 * @msg: the message
 *
 * Return: 0; -EPROTONOSUPPORT: another version; -EBADMSG: none.
 */
int link_msg_get(const void *data, size_t bytes, struct link_msg *msg)
{
	const uint8_t *at = data;

	memset(msg, 0, sizeof(*msg));
	if (bytes < MSG_HEAD)
		return -EBADMSG;
	if (at[1] != TICKET_VERSION)
		return -EPROTONOSUPPORT;
	if (session_get16(at + 2))
		return -EBADMSG;
	msg->link = session_get32(at + 4);
	msg->ask = session_get64(at + 8);
	if (at[0] == LINK_KIND_ASK && bytes == MSG_HEAD) {
		msg->kind = LINK_KIND_ASK;
		return 0;
	}
	if (at[0] == LINK_KIND_REFUSE && bytes == MSG_REFUSE) {
		msg->kind = LINK_KIND_REFUSE;
		return msg_refuse_get(at, msg);
	}
	if (at[0] != LINK_KIND_TICKET || bytes != LINK_MSG_MAX)
		return -EBADMSG;
	msg->kind = LINK_KIND_TICKET;
	memcpy(msg->ticket.name, at + MSG_HEAD, LINK_NAME);
	memcpy(msg->ticket.secret, at + MSG_SECRET_AT, LINK_SECRET);
	return 0;
}

/**
 * link_why_text() - why there is no ticket, in words
 * @why: why
 *
 * Return: a text.
 */
const char *link_why_text(enum link_why why)
{
	switch (why) {
	case LINK_WHY_PEER:
		return "not, or not yet, a peer of the other node's kernel";
	case LINK_WHY_DIRECTION:
		return "the other node has the lower id, and connects itself";
	case LINK_WHY_NUMBER:
		return "the other node's kernel has fewer links";
	case LINK_WHY_NODE:
		return "the other node's kernel is not there, or another node";
	case LINK_WHY_FAILED:
		return "the other node could not make a ticket";
	}
	return "unknown reason";
}

/* --- tickets -------------------------------------------------------------- */

/**
 * link_ticket_make() - a new ticket
 * @ticket: it
 *
 * Return: 0; -EIO: there is no randomness.
 */
int link_ticket_make(struct link_ticket *ticket)
{
	if (gnutls_rnd(GNUTLS_RND_RANDOM, ticket->name, LINK_NAME) ||
	    gnutls_rnd(GNUTLS_RND_KEY, ticket->secret, LINK_SECRET))
		return -EIO;
	return 0;
}

/**
 * link_ticket_wipe() - nobody can use it any more
 * @ticket: it
 */
void link_ticket_wipe(struct link_ticket *ticket)
{
	gnutls_memset(ticket, 0, sizeof(*ticket));
}

static int ticket_mac(uint8_t to[TICKET_MAC], const uint8_t *secret,
		      const uint8_t *data, size_t bytes)
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret, LINK_SECRET, data,
				bytes, to) ?
		       -EIO :
		       0;
}

/**
 * link_claim_put() - the first bytes of a connection
 * @to: where they go
 * @claim: who connects, and for what; gets a nonce
 * @secret: of the ticket
 *
 * Return: 0; -EIO: the library could not.
 */
int link_claim_put(uint8_t to[LINK_CLAIM], struct link_claim *claim,
		   const uint8_t secret[LINK_SECRET])
{
	if (gnutls_rnd(GNUTLS_RND_NONCE, claim->nonce, LINK_NONCE))
		return -EIO;
	memset(to, 0, LINK_CLAIM);
	session_put32(to, CLAIM_MAGIC);
	session_put16(to + 4, TICKET_VERSION);
	session_put32(to + 8, claim->from);
	session_put32(to + 12, claim->to);
	session_put32(to + 16, claim->link);
	memcpy(to + CLAIM_NAME_AT, claim->name, LINK_NAME);
	memcpy(to + CLAIM_NONCE_AT, claim->nonce, LINK_NONCE);
	return ticket_mac(to + CLAIM_MAC_AT, secret, to, CLAIM_MAC_AT);
}

/* Can these bytes still become what begins with @magic? */
static bool ticket_head(const uint8_t *at, size_t bytes, uint32_t magic)
{
	uint8_t head[8] = { 0 };

	session_put32(head, magic);
	session_put16(head + 4, TICKET_VERSION);
	return !memcmp(at, head, bytes < sizeof(head) ? bytes : sizeof(head));
}

/**
 * link_claim_get() - is this a claim?
 * @at: the first bytes of a connection
 * @bytes: how many there are so far, at most LINK_CLAIM
 * @claim: the claim, if it is one; nothing of it is proved
 *
 * Return: LINK_CLAIM: it is; 0: it may become one; -EBADMSG: it can not.
 */
int link_claim_get(const uint8_t *at, size_t bytes, struct link_claim *claim)
{
	if (!ticket_head(at, bytes, CLAIM_MAGIC))
		return -EBADMSG;
	if (bytes < LINK_CLAIM)
		return 0;
	if (session_get32(at + 20))
		return -EBADMSG;
	claim->from = session_get32(at + 8);
	claim->to = session_get32(at + 12);
	claim->link = session_get32(at + 16);
	memcpy(claim->name, at + CLAIM_NAME_AT, LINK_NAME);
	memcpy(claim->nonce, at + CLAIM_NONCE_AT, LINK_NONCE);
	return LINK_CLAIM;
}

/**
 * link_claim_holds() - is it of who was given this ticket?
 * @claim: the whole claim, as link_claim_get() took it
 * @ticket: the ticket
 *
 * Return: whether it is.
 */
bool link_claim_holds(const uint8_t claim[LINK_CLAIM],
		      const struct link_ticket *ticket)
{
	uint8_t mac[TICKET_MAC];

	return !gnutls_memcmp(claim + CLAIM_NAME_AT, ticket->name, LINK_NAME) &&
	       !ticket_mac(mac, ticket->secret, claim, CLAIM_MAC_AT) &&
	       !gnutls_memcmp(mac, claim + CLAIM_MAC_AT, TICKET_MAC);
}

static int proof_mac(uint8_t mac[TICKET_MAC], const uint8_t *head,
		     const uint8_t *claim, const uint8_t *secret)
{
	uint8_t both[LINK_CLAIM + PROOF_MAC_AT];

	memcpy(both, claim, LINK_CLAIM);
	memcpy(both + LINK_CLAIM, head, PROOF_MAC_AT);
	return ticket_mac(mac, secret, both, sizeof(both));
}

/**
 * link_proof_put() - the answer to a claim
 * @to: where it goes
 * @claim: the whole claim, which holds
 * @secret: of the ticket
 *
 * Return: 0; -EIO: the library could not.
 */
int link_proof_put(uint8_t to[LINK_PROOF], const uint8_t claim[LINK_CLAIM],
		   const uint8_t secret[LINK_SECRET])
{
	memset(to, 0, LINK_PROOF);
	session_put32(to, PROOF_MAGIC);
	session_put16(to + 4, TICKET_VERSION);
	if (gnutls_rnd(GNUTLS_RND_NONCE, to + PROOF_NONCE_AT, LINK_NONCE))
		return -EIO;
	return proof_mac(to + PROOF_MAC_AT, to, claim, secret);
}

/**
 * link_proof_check() - is it of who made the ticket?
 * @at: what came back
 * @bytes: how many bytes so far, at most LINK_PROOF
 * @claim: what was said
 * @secret: of the ticket
 *
 * Return: LINK_PROOF: it is; 0: it may become that; -EBADMSG: it can not;
 * -EKEYREJECTED: it is somebody else's.
 */
int link_proof_check(const uint8_t *at, size_t bytes,
		     const uint8_t claim[LINK_CLAIM],
		     const uint8_t secret[LINK_SECRET])
{
	uint8_t mac[TICKET_MAC];

	if (!ticket_head(at, bytes, PROOF_MAGIC))
		return -EBADMSG;
	if (bytes < LINK_PROOF)
		return 0;
	if (proof_mac(mac, at, claim, secret) ||
	    gnutls_memcmp(mac, at + PROOF_MAC_AT, TICKET_MAC))
		return -EKEYREJECTED;
	return LINK_PROOF;
}
