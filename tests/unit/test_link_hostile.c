// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links, when the other side is not what it should be: strangers and peers who
 * connect (to node 2, as node 1, or not), and who are connected to (by node 1).
 */
#include <fcntl.h>

#include "link_world.h"

#include "../../daemon/session/gate.h"

FIXTURE(hostile)
{
	struct link_world world;
	int listener;
};

FIXTURE_SETUP(hostile)
{
	world_init(&self->world);
	self->world.keeps = true;
	self->listener = -1;
}

FIXTURE_TEARDOWN(hostile)
{
	world_free(&self->world);
	if (self->listener >= 0)
		close(self->listener);
}

#define V4 "127.0.0.1:1"
#define WAIT(condition) WORLD_WAIT(world, condition)
#define PEER_HOST 9 /* 127.0.0.9: address of node 1 */

static struct link_counts counts(struct link_world *world, u32 id)
{
	struct link_counts counts;

	link_counts(world->node[id].net, &counts);
	return counts;
}

/* --- who connects --------------------------------------------------------- */

static bool knows(struct link_world *world)
{
	struct link_status status;

	return !link_status(world->node[2].net, 1, 0, &status) && status.known;
}

/* Node 2 waits for node 1, which is what a test says. */
static void accept_begin(struct link_world *world)
{
	ASSERT_TRUE(links_addr_parse("127.0.0.9:1", &world->node[1].at));
	world_begin(world, 2, V4);
	world_knows(world, 2, 1, 2);
	WAIT(knows(world));
}

/* What is said to node 2's daemon, and its answer. */
static struct link_msg say(struct link_world *world, u32 from, u32 link)
{
	struct link_msg msg = { .kind = LINK_KIND_ASK, .link = link, .ask = 4 };
	u8 bytes[LINK_MSG_MAX];

	world->mails = 0;
	link_received(world->node[2].net, from, bytes,
		      link_msg_put(bytes, &msg));
	ASSERT_EQ(1, world->mails);
	ASSERT_EQ(from, world->mail[0].to);
	ASSERT_EQ(0, link_msg_get(world->mail[0].data, world->mail[0].bytes,
				  &msg));
	EXPECT_EQ(link, msg.link);
	EXPECT_EQ(4, msg.ask);
	return msg;
}

static struct link_ticket ticket(struct link_world *world, u32 link)
{
	struct link_msg msg = say(world, 1, link);

	ASSERT_EQ(LINK_KIND_TICKET, msg.kind);
	return msg.ticket;
}

static int raw_from(struct link_world *world, u32 net, u32 host)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f000000U |
							     net << 8 | host) };
	union links_addr *at = &world->node[2].at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&from, sizeof(from)));
	ASSERT_EQ(0, connect(fd, &at->any, links_addr_len(at)));
	return fd;
}

static void raw_put(int fd, const void *data, size_t bytes)
{
	ASSERT_EQ((ssize_t)bytes, send(fd, data, bytes, MSG_NOSIGNAL));
}

/* It was closed, and nothing was said. */
static bool raw_closed(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

	ASSERT_LE(got, 0);
	return !got || errno == ECONNRESET;
}

static bool raw_has(int fd, void *to, size_t bytes)
{
	return recv(fd, to, bytes, MSG_DONTWAIT | MSG_PEEK) == (ssize_t)bytes &&
	       recv(fd, to, bytes, MSG_DONTWAIT) == (ssize_t)bytes;
}

struct said {
	u8 bytes[LINK_CLAIM];
};

static struct said claim(u32 from, u32 to, u32 link,
			 const struct link_ticket *with)
{
	struct link_claim claim = { .from = from, .to = to, .link = link };
	struct said said;

	memcpy(claim.name, with->name, LINK_NAME);
	ASSERT_EQ(0, link_claim_put(said.bytes, &claim, with->secret));
	return said;
}

/* The kernel behind it has the socket: it speaks, and is spoken to. */
static void expect_kernel(struct link_world *world, int fd, u32 link,
			  bool speak)
{
	char want[WORLD_HELLO] = "", got[WORLD_HELLO], mine[WORLD_HELLO] = "";

	world_hello(want, 2, 1, link);
	WAIT(raw_has(fd, got, sizeof(got)));
	EXPECT_STREQ(want, got);
	world_hello(mine, 1, 2, link);
	if (speak)
		raw_put(fd, mine, sizeof(mine));
	WAIT(world_is(world, 2, 1, link, LINK_UP));
	EXPECT_TRUE(world->node[2].peer[1].link[link].accept);
}

static void expect_good(struct link_world *world, int fd,
			const struct said *said, u32 link,
			const struct link_ticket *with)
{
	u8 proof[LINK_PROOF];

	raw_put(fd, said->bytes, LINK_CLAIM);
	WAIT(raw_has(fd, proof, sizeof(proof)));
	EXPECT_EQ(LINK_PROOF, link_proof_check(proof, LINK_PROOF, said->bytes,
					       with->secret));
	expect_kernel(world, fd, link, true);
}

static void expect_refused(struct link_world *world, const void *data,
			   size_t bytes)
{
	u64 refused = counts(world, 2).refused;
	unsigned int adds = world->node[2].adds;
	int fd = raw_from(world, 0, 1);

	raw_put(fd, data, bytes);
	WAIT(raw_closed(fd));
	close(fd);
	EXPECT_EQ(refused + 1, counts(world, 2).refused);
	EXPECT_EQ(0, counts(world, 2).half_open);
	EXPECT_EQ(adds, world->node[2].adds);
}

TEST_F(hostile, a_good_claim_and_the_same_again)
{
	struct link_world *world = &self->world;
	struct link_ticket with;
	struct said said;
	int fd;

	accept_begin(world);
	with = ticket(world, 1);
	said = claim(1, 2, 1, &with);
	fd = raw_from(world, 0, 1);
	expect_good(world, fd, &said, 1, &with);
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(1, 2, 1, &with); /* with another nonce */
	expect_refused(world, said.bytes, LINK_CLAIM);
	EXPECT_EQ(1, counts(world, 2).admitted);
	close(fd);
}

TEST_F(hostile, byte_by_byte)
{
	struct link_world *world = &self->world;
	u8 proof[LINK_PROOF];
	struct link_ticket with;
	struct said said;
	unsigned int i;
	int fd;

	accept_begin(world);
	with = ticket(world, 0);
	said = claim(1, 2, 0, &with);
	fd = raw_from(world, 0, PEER_HOST);
	for (i = 0; i < LINK_CLAIM; i++) {
		raw_put(fd, said.bytes + i, 1);
		loop_turn(world->loop, 0);
		EXPECT_EQ(0, world->node[2].adds);
	}
	WAIT(raw_has(fd, proof, sizeof(proof)));
	expect_kernel(world, fd, 0, true);
	close(fd);
}

/* Claim and HELLO in one piece: the kernel gets its part, all of it. */
TEST_F(hostile, what_follows_the_claim_is_the_kernels)
{
	struct link_world *world = &self->world;
	u8 both[LINK_CLAIM + WORLD_HELLO] = { 0 }, proof[LINK_PROOF];
	struct link_ticket with;
	struct said said;
	int fd;

	accept_begin(world);
	with = ticket(world, 0);
	said = claim(1, 2, 0, &with);
	memcpy(both, said.bytes, LINK_CLAIM);
	world_hello((char *)both + LINK_CLAIM, 1, 2, 0);
	fd = raw_from(world, 0, 1);
	raw_put(fd, both, sizeof(both));
	WAIT(raw_has(fd, proof, sizeof(proof)));
	expect_kernel(world, fd, 0, false);
	close(fd);
}

TEST_F(hostile, claims_that_do_not_hold)
{
	struct link_world *world = &self->world;
	struct link_ticket with, other;
	struct said said;
	unsigned int i;
	int fd;

	accept_begin(world);
	with = ticket(world, 0);
	other = ticket(world, 1);
	said = claim(1, 2, 1, &with); /* another link */
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(1, 2, 2, &with); /* one that there is not */
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(1, 3, 0, &with); /* another node */
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(3, 2, 0, &with); /* of another node */
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(2, 2, 0, &with);
	expect_refused(world, said.bytes, LINK_CLAIM);
	other = with;
	other.secret[31] ^= 1;
	said = claim(1, 2, 0, &other); /* a wrong secret */
	expect_refused(world, said.bytes, LINK_CLAIM);
	other = with;
	other.name[0] ^= 1;
	said = claim(1, 2, 0, &other); /* a wrong name */
	expect_refused(world, said.bytes, LINK_CLAIM);
	memset(&other, 0, sizeof(other));
	said = claim(1, 2, 0, &other);
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(1, 2, 0, &with);
	for (i = 0; i < LINK_CLAIM; i++) {
		said.bytes[i] ^= 0x10;
		expect_refused(world, said.bytes, i < 8 ? i + 1 : LINK_CLAIM);
		said.bytes[i] ^= 0x10;
	}
	/* none of these cost who has the ticket anything */
	fd = raw_from(world, 0, 1);
	expect_good(world, fd, &said, 0, &with);
	close(fd);
}

TEST_F(hostile, tickets_grow_old)
{
	struct link_world *world = &self->world;
	struct link_ticket with, newer;
	struct said said;
	u64 until;
	int fd;

	world->options.ticket_ms = 100;
	accept_begin(world);
	with = ticket(world, 0);
	until = loop_now(world->loop) + 100 * LOOP_MS;
	said = claim(1, 2, 0, &with);
	WAIT(loop_now(world->loop) >= until);
	expect_refused(world, said.bytes, LINK_CLAIM);
	world_end(world, 2);
	world->options.ticket_ms = 0;
	accept_begin(world);
	/* and the newer one is the one that is good */
	with = ticket(world, 0);
	newer = ticket(world, 0);
	said = claim(1, 2, 0, &with);
	expect_refused(world, said.bytes, LINK_CLAIM);
	said = claim(1, 2, 0, &newer);
	fd = raw_from(world, 0, 1);
	expect_good(world, fd, &said, 0, &newer);
	close(fd);
}

TEST_F(hostile, garbage_silence_and_half_a_claim)
{
	struct link_world *world = &self->world;
	struct link_ticket with;
	struct said said;
	int fd, other;

	world->options.half_ms = 50;
	accept_begin(world);
	with = ticket(world, 0);
	said = claim(1, 2, 0, &with);
	expect_refused(world, "GET / HTTP/1.1\r\n\r\n", 18);
	expect_refused(world, "\0", 1);
	fd = raw_from(world, 0, 1); /* says nothing */
	other = raw_from(world, 0, 1); /* and one that stops in between */
	raw_put(other, said.bytes, LINK_CLAIM - 1);
	WAIT(raw_closed(fd));
	WAIT(raw_closed(other));
	close(fd);
	close(other);
	fd = raw_from(world, 0, 1);
	raw_put(fd, said.bytes, LINK_CLAIM - 1);
	close(fd);
	WAIT(counts(world, 2).refused == 5);
	EXPECT_EQ(0, counts(world, 2).half_open);
	EXPECT_EQ(0, world->node[2].adds);
}

static bool half_open(struct link_world *world, unsigned int nr)
{
	return counts(world, 2).half_open == nr;
}

TEST_F(hostile, a_flood_takes_strangers_places_only)
{
	struct link_world *world = &self->world;
	int fd[GATE_STRANGERS_MAX + 2];
	struct link_ticket with;
	struct said said;
	u32 i, nr = 0;
	int one;

	accept_begin(world);
	/* one source: so many, and no more */
	for (i = 0; i < GATE_STRANGERS_SOURCE_MAX; i++)
		fd[nr++] = raw_from(world, 1, 1);
	WAIT(half_open(world, nr));
	one = raw_from(world, 1, 1);
	WAIT(raw_closed(one));
	close(one);
	/* many sources: all places, then the oldest goes */
	while (nr < GATE_STRANGERS_MAX) {
		fd[nr] = raw_from(world, 2, 1 + nr);
		nr++;
		if (nr % 16 == 0)
			WAIT(half_open(world, nr));
	}
	WAIT(half_open(world, GATE_STRANGERS_MAX));
	EXPECT_FALSE(raw_closed(fd[0]));
	fd[nr++] = raw_from(world, 3, 1);
	WAIT(raw_closed(fd[0]));
	EXPECT_TRUE(half_open(world, GATE_STRANGERS_MAX));
	/* who comes from a peer's address has a place of his own */
	with = ticket(world, 0);
	said = claim(1, 2, 0, &with);
	one = raw_from(world, 0, PEER_HOST);
	expect_good(world, one, &said, 0, &with);
	EXPECT_TRUE(half_open(world, GATE_STRANGERS_MAX));
	close(one);
	while (nr)
		close(fd[--nr]);
	WAIT(half_open(world, 0));
}

TEST_F(hostile, who_gets_no_ticket)
{
	struct link_world *world = &self->world;
	struct link_msg msg;

	accept_begin(world);
	msg = say(world, 3, 0); /* not told of */
	EXPECT_EQ(LINK_WHY_PEER, msg.why);
	ASSERT_EQ(0,
		  link_peer_set(world->node[2].net, 3, &world->node[2].at, 1));
	msg = say(world, 3, 0); /* not in the kernel */
	EXPECT_EQ(LINK_WHY_PEER, msg.why);
	world->node[3].at = world->node[2].at;
	world_knows(world, 2, 3, 1);
	link_look(world->node[2].net);
	/* crossed: both want to connect. The higher one must not */
	WAIT((msg = say(world, 3, 0)).why == LINK_WHY_DIRECTION);
	msg = say(world, 1, 2);
	EXPECT_EQ(LINK_WHY_NUMBER, msg.why);
	msg = say(world, 1, 0xffffffff);
	EXPECT_EQ(LINK_WHY_NUMBER, msg.why);
	world->node[2].fake.lineage++;
	fake_happen(&world->node[2].fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_RUNNING);
	WAIT((msg = say(world, 1, 0)).why == LINK_WHY_NODE);
	EXPECT_EQ(0, world->node[2].adds);
}

TEST_F(hostile, messages_that_are_none)
{
	struct link_world *world = &self->world;
	struct link_msg msg = { .kind = LINK_KIND_TICKET, .link = 0xffffffff };
	u8 bytes[LINK_MSG_MAX];

	accept_begin(world);
	world->mails = 0;
	link_received(world->node[2].net, 1, "", 0);
	link_received(world->node[2].net, 1,
		      "\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 17);
	EXPECT_EQ(2, counts(world, 2).bad);
	/* an answer that nobody waits for */
	link_received(world->node[2].net, 1, bytes, link_msg_put(bytes, &msg));
	msg.link = 0;
	link_received(world->node[2].net, 1, bytes, link_msg_put(bytes, &msg));
	link_received(world->node[2].net, 3, bytes, link_msg_put(bytes, &msg));
	EXPECT_EQ(2, counts(world, 2).bad);
	EXPECT_EQ(0, world->mails);
	EXPECT_TRUE(world_is(world, 2, 1, 0, LINK_DOWN));
}

/* --- who is connected to -------------------------------------------------- */

static void dial_begin(FIXTURE_DATA(hostile) * self)
{
	struct link_world *world = &self->world;
	union links_addr *at = &world->node[2].at;
	socklen_t len = sizeof(*at);

	ASSERT_TRUE(links_addr_parse(V4, at));
	at->v4.sin_port = 0;
	self->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(0, bind(self->listener, &at->any, sizeof(at->v4)));
	ASSERT_EQ(0, listen(self->listener, 8));
	ASSERT_EQ(0, getsockname(self->listener, &at->any, &len));
	world_begin(world, 1, V4);
	world_knows(world, 1, 2, 1);
}

/* Node 1 asks, is given a ticket, and connects; its claim holds. */
static int dialed(FIXTURE_DATA(hostile) * self, struct link_ticket *with,
		  struct said *said)
{
	struct link_world *world = &self->world;
	struct link_claim claim;
	struct link_msg msg;
	u8 bytes[LINK_MSG_MAX];
	int fd = -1;

	WAIT(world->mails);
	world->mails = 0;
	ASSERT_EQ(0, link_msg_get(world->mail[0].data, world->mail[0].bytes,
				  &msg));
	ASSERT_EQ(LINK_KIND_ASK, msg.kind);
	msg.kind = LINK_KIND_TICKET;
	ASSERT_EQ(0, link_ticket_make(with));
	msg.ticket = *with;
	link_received(world->node[1].net, 2, bytes, link_msg_put(bytes, &msg));
	WAIT((fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	WAIT(raw_has(fd, said->bytes, LINK_CLAIM));
	ASSERT_EQ(LINK_CLAIM, link_claim_get(said->bytes, LINK_CLAIM, &claim));
	EXPECT_EQ(1, claim.from);
	EXPECT_EQ(2, claim.to);
	EXPECT_EQ(0, claim.link);
	EXPECT_TRUE(link_claim_holds(said->bytes, with));
	return fd;
}

/* It says that, and nobody believes it. */
static void expect_failed(FIXTURE_DATA(hostile) * self, int fd,
			  const void *data, size_t bytes)
{
	struct link_world *world = &self->world;
	u64 failed = counts(world, 1).failed;

	raw_put(fd, data, bytes);
	WAIT(raw_closed(fd));
	close(fd);
	EXPECT_EQ(failed + 1, counts(world, 1).failed);
	EXPECT_EQ(0, counts(world, 1).dialing);
	EXPECT_EQ(0, world->node[1].adds);
}

TEST_F(hostile, proofs_that_are_none)
{
	struct link_world *world = &self->world;
	struct link_ticket with, other;
	struct said said, old;
	u8 proof[LINK_PROOF];
	int fd;

	dial_begin(self);
	fd = dialed(self, &with, &said);
	expect_failed(self, fd, "SSH-2.0-", 8);
	fd = dialed(self, &with, &said); /* the claim itself */
	expect_failed(self, fd, said.bytes, LINK_PROOF);
	fd = dialed(self, &with, &said);
	other = with;
	other.secret[0] ^= 1;
	ASSERT_EQ(0, link_proof_put(proof, said.bytes, other.secret));
	expect_failed(self, fd, proof, LINK_PROOF);
	old = said;
	fd = dialed(self, &with, &said); /* of another connection */
	ASSERT_EQ(0, link_proof_put(proof, old.bytes, with.secret));
	expect_failed(self, fd, proof, LINK_PROOF);
	fd = dialed(self, &with, &said); /* dies in between */
	ASSERT_EQ(0, link_proof_put(proof, said.bytes, with.secret));
	raw_put(fd, proof, LINK_PROOF - 1);
	close(fd);
	WAIT(counts(world, 1).failed == 5);
	EXPECT_EQ(0, world->node[1].adds);
}

TEST_F(hostile, a_proof_byte_by_byte_and_what_follows)
{
	struct link_world *world = &self->world;
	u8 both[LINK_PROOF + WORLD_HELLO] = { 0 };
	char got[WORLD_HELLO], want[WORLD_HELLO] = "";
	struct link_ticket with;
	struct said said;
	unsigned int i;
	int fd;

	dial_begin(self);
	fd = dialed(self, &with, &said);
	ASSERT_EQ(0, link_proof_put(both, said.bytes, with.secret));
	world_hello((char *)both + LINK_PROOF, 2, 1, 0);
	for (i = 0; i < LINK_PROOF - 1; i++) {
		raw_put(fd, both + i, 1);
		loop_turn(world->loop, 0);
		EXPECT_EQ(0, world->node[1].adds);
	}
	raw_put(fd, both + i, 1 + WORLD_HELLO);
	world_hello(want, 1, 2, 0);
	WAIT(raw_has(fd, got, sizeof(got)));
	EXPECT_STREQ(want, got);
	WAIT(world_is(world, 1, 2, 0, LINK_UP));
	EXPECT_FALSE(world->node[1].peer[2].link[0].accept);
	EXPECT_EQ(1, counts(world, 1).dials);
	close(fd);
}

TEST_F(hostile, who_is_connected_to_says_nothing)
{
	struct link_world *world = &self->world;
	struct link_ticket with;
	struct said said;
	int fd;

	world->options.attempt_ms = 100;
	dial_begin(self);
	fd = dialed(self, &with, &said);
	WAIT(raw_closed(fd));
	close(fd);
	EXPECT_EQ(1, counts(world, 1).failed);
}

TEST_F(hostile, no_ticket_and_why)
{
	struct link_world *world = &self->world;
	struct link_msg msg;
	u8 bytes[LINK_MSG_MAX];

	dial_begin(self);
	WAIT(world->mails);
	ASSERT_EQ(0, link_msg_get(world->mail[0].data, world->mail[0].bytes,
				  &msg));
	world->mails = 0;
	msg.kind = LINK_KIND_REFUSE;
	msg.why = LINK_WHY_PEER;
	link_received(world->node[1].net, 2, bytes, link_msg_put(bytes, &msg));
	EXPECT_EQ(1, counts(world, 1).failed);
	EXPECT_TRUE(world_is(world, 1, 2, 0, LINK_DOWN));
	WAIT(world->mails); /* it asks again */
	/* the answer to the former ask is not one to this */
	link_received(world->node[1].net, 2, bytes, link_msg_put(bytes, &msg));
	EXPECT_TRUE(world_is(world, 1, 2, 0, LINK_ASK));
}

TEST_HARNESS_MAIN
