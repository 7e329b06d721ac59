// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strangers and those between: garbage, silence, floods, flipped bytes, what
 * was recorded. Nothing crashes, nothing grows, members get in.
 */
#include <malloc.h>
#include <sys/epoll.h>

#include "session_rogue.h"

FIXTURE(hostile)
{
	struct world world;
};

FIXTURE_SETUP(hostile)
{
	world_init(&self->world, 2);
}

FIXTURE_TEARDOWN(hostile)
{
	world_free(&self->world);
}

#define NODE(id) (&self->world.node[id])
#define WAIT(cond) WORLD_WAIT(&self->world, cond)
#define UP(a, b) world_is_up(&self->world, a, b)

/* A plain connection to a node, from that loopback address. */
static int plain(struct world *world, uint32_t to, uint8_t from)
{
	union links_addr addr = world_loopback(from, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	ASSERT_GE(fd, 0);
	/* many from one address need not wait for free ports */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ASSERT_EQ(0, bind(fd, &addr.any, sizeof(addr.v4)));
	ASSERT_EQ(0, connect(fd, &world->node[to].at.any, sizeof(addr.v4)));
	return fd;
}

/* Did the other side hang up, whatever it said before? */
static bool hung_up(int fd)
{
	char what[4096];
	ssize_t got;

	while ((got = recv(fd, what, sizeof(what), MSG_DONTWAIT)) > 0)
		;
	return got == 0 || errno == ECONNRESET;
}

TEST_F(hostile, garbage)
{
	/* the begin of a ClientHello */
	static const uint8_t shake[] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };
	static const char http[] = "GET / HTTP/1.1\r\nHost: qbd\r\n\r\n";
	uint8_t bytes[600];
	unsigned int i;
	size_t n;
	int fd;

	/* what may be the begin of something is waited for */
	self->world.options.shake_ms = 200;
	world_stop(&self->world, 2);
	world_start(&self->world, 2);
	world_meet_up(&self->world, 1, 2);
	for (i = 0; i < 60; i++) {
		for (n = 0; n < sizeof(bytes); n++)
			bytes[n] = (uint8_t)th_rand();
		if (i % 3 == 1)
			memcpy(bytes, shake, sizeof(shake));
		if (i % 3 == 2)
			memcpy(bytes, http, sizeof(http));
		fd = plain(&self->world, 2, 2);
		ASSERT_GT(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL), 0);
		WAIT(hung_up(fd));
		close(fd);
	}
	for (i = n = 0; i < SESSION_WHYS; i++)
		n += world_refused(&self->world, 2, (enum session_why)i);
	EXPECT_EQ(60, n);
	EXPECT_EQ(0, world_half_open(&self->world, 2));
	EXPECT_TRUE(UP(1, 2) && UP(2, 1));
	EXPECT_EQ(0, NODE(2)->downs[1]);
}

TEST_F(hostile, says_nothing)
{
	uint64_t begin_ns = loop_now(self->world.loop);
	int fd = plain(&self->world, 2, 2);
	int closed = plain(&self->world, 2, 2);

	close(closed);
	WAIT(world_half_open(&self->world, 2));
	WAIT(hung_up(fd));
	EXPECT_GE(loop_now(self->world.loop) - begin_ns, 2900 * WORLD_MS);
	EXPECT_LE(loop_now(self->world.loop) - begin_ns, 5000 * WORLD_MS);
	EXPECT_EQ(1, world_refused(&self->world, 2, SESSION_WHY_SLOW));
	EXPECT_EQ(0, world_half_open(&self->world, 2));
	close(fd);
}

/* One byte at a time is no way around the deadline. */
TEST_F(hostile, says_little)
{
	static const char begin[] =
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	uint64_t begin_ns = loop_now(self->world.loop);
	int fd = plain(&self->world, 2, 2);
	unsigned int i = 0;

	while (!hung_up(fd)) {
		const char *byte = i < 11 ? begin + i : "x";

		send(fd, byte, 1, MSG_NOSIGNAL);
		i++;
		world_pass(&self->world, 20);
		ASSERT_LT(loop_now(self->world.loop) - begin_ns,
			  6000 * WORLD_MS);
	}
	EXPECT_GT(i, 20);
	EXPECT_EQ(1, world_refused(&self->world, 2, SESSION_WHY_SLOW));
	close(fd);
}

/* A thousand from one address: few places, little memory, no harm. */
TEST_F(hostile, flood_from_one)
{
	struct mallinfo2 before, after;
	int fd[1000];
	int i;

	world_meet_up(&self->world, 1, 2);
	before = mallinfo2();
	for (i = 0; i < 1000; i++) {
		fd[i] = plain(&self->world, 2, 2);
		if (i % 2)
			send(fd[i], "\x16\x03\x01\x02", 4, MSG_NOSIGNAL);
		loop_turn(self->world.loop, 0);
		ASSERT_LE(world_half_open(&self->world, 2), 8);
	}
	world_pass(&self->world, 50);
	after = mallinfo2();
	EXPECT_LT(after.uordblks, before.uordblks + 1024 * 1024);
	EXPECT_EQ(992, world_refused(&self->world, 2, SESSION_WHY_CROWD));
	/* the session lives, and another one is made */
	EXPECT_TRUE(UP(1, 2) && UP(2, 1));
	world_stop(&self->world, 1);
	world_start(&self->world, 1);
	NODE(1)->ups[2] = NODE(1)->downs[2];
	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, &NODE(2)->at, 1));
	WAIT(UP(1, 2) && UP(2, 1));
	for (i = 0; i < 1000; i++)
		close(fd[i]);
	WAIT(world_half_open(&self->world, 2) == 0);
}

/* From everywhere, all the time: strangers lose places, peers do not. */
TEST_F(hostile, flood_from_everywhere)
{
	int fd[1000];
	unsigned int most = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		fd[i] = plain(&self->world, 2, (uint8_t)(2 + i % 250));
		if (i % 50 == 0)
			world_pass(&self->world, 1);
		loop_turn(self->world.loop, 0);
		most = world_half_open(&self->world, 2) > most ?
			       world_half_open(&self->world, 2) :
			       most;
	}
	EXPECT_LE(most, 128);
	EXPECT_GT(most, 100);
	EXPECT_GT(world_refused(&self->world, 2, SESSION_WHY_CROWD), 800);
	/* all strangers' places are taken, and yet */
	EXPECT_EQ(128, world_half_open(&self->world, 2));
	world_meet_up(&self->world, 1, 2);
	/* a joiner is a stranger, who gets the place of who waits longest */
	EXPECT_EQ(0, NODE(2)->joins);
	for (i = 0; i < 1000; i++)
		close(fd[i]);
	WAIT(world_half_open(&self->world, 2) == 0);
}

/* Peers' places are more, but not without end either. */
TEST_F(hostile, handshakes_of_many)
{
	struct rogue rogue[40];
	unsigned int up = 0;
	int i;

	NODE(1)->at = NODE(2)->at; /* an address of a peer: 16 places */
	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, &NODE(1)->at, 1));
	for (i = 0; i < 40; i++) {
		rogue_init(&rogue[i], &self->world, 1, 2);
		rogue[i].hello.nonce = 0;
		rogue_dial(&rogue[i], &self->world, 2);
	}
	for (i = 0; i < 40; i++)
		WAIT(rogue[i].shaken || rogue[i].ended);
	WAIT(world_refused(&self->world, 2, SESSION_WHY_CROWD) == 24);
	world_pass(&self->world, 50);
	for (i = 0; i < 40; i++)
		up += rogue[i].shaken && !rogue[i].ended;
	EXPECT_EQ(16, up);
	EXPECT_EQ(24, world_refused(&self->world, 2, SESSION_WHY_CROWD));
	for (i = 0; i < 40; i++)
		rogue_free(&rogue[i]);
}

/* --- between two nodes --------------------------------------------------- */

/* Listens, and passes bytes on; one of them is not what it was. */
struct middle {
	struct world *world;
	int listener;
	int side[2]; /* of the dialer, of the acceptor */
	union links_addr at;
	uint32_t to;
	size_t passed[2];
	ssize_t flip[2]; /* at that byte; -1: none */
	bool cut;
	uint8_t tape[65536]; /* what the dialer said */
	size_t taped;
};

static void middle_init(struct middle *middle, struct world *world, uint32_t to)
{
	socklen_t len = sizeof(middle->at);

	memset(middle, 0, sizeof(*middle));
	middle->world = world;
	middle->to = to;
	middle->side[0] = -1;
	middle->side[1] = -1;
	middle->flip[0] = -1;
	middle->flip[1] = -1;
	middle->at = world_loopback(1, 0);
	middle->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(0, bind(middle->listener, &middle->at.any,
			  sizeof(middle->at.v4)));
	ASSERT_EQ(0, listen(middle->listener, 10));
	ASSERT_EQ(0, getsockname(middle->listener, &middle->at.any, &len));
}

static void middle_hang_up(struct middle *middle)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (middle->side[i] >= 0)
			close(middle->side[i]);
		middle->side[i] = -1;
		middle->passed[i] = 0;
	}
}

static void middle_free(struct middle *middle)
{
	middle_hang_up(middle);
	close(middle->listener);
}

static void middle_pass(struct middle *middle, int from)
{
	uint8_t bytes[16384];
	ssize_t got =
		recv(middle->side[from], bytes, sizeof(bytes), MSG_DONTWAIT);
	size_t at = middle->passed[from];

	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		middle_hang_up(middle);
		return;
	}
	if (got < 0)
		return;
	if (!from && middle->taped + (size_t)got < sizeof(middle->tape)) {
		memcpy(middle->tape + middle->taped, bytes, (size_t)got);
		middle->taped += (size_t)got;
	}
	if (middle->flip[from] >= (ssize_t)at &&
	    middle->flip[from] < (ssize_t)at + got)
		bytes[middle->flip[from] - (ssize_t)at] ^= 1;
	middle->passed[from] += (size_t)got;
	if (send(middle->side[!from], bytes, (size_t)got, MSG_NOSIGNAL) != got)
		middle_hang_up(middle);
}

/* Always true: it does its work when a condition is looked at. */
static bool middle_work(struct middle *middle)
{
	int i;

	if (middle->side[0] < 0 && !middle->cut) {
		middle->side[0] =
			accept4(middle->listener, NULL, NULL, SOCK_NONBLOCK);
		if (middle->side[0] >= 0)
			middle->side[1] = plain(middle->world, middle->to, 1);
	}
	for (i = 0; i < 2; i++)
		if (middle->side[0] >= 0)
			middle_pass(middle, i);
	return true;
}

static void middle_meet(struct world *world, struct middle *middle)
{
	ASSERT_EQ(0, session_peer_set(world->node[2].net, 1, NULL, 0));
	ASSERT_EQ(0, session_peer_set(world->node[1].net, 2, &middle->at, 1));
}

TEST_F(hostile, between_but_honest)
{
	struct middle middle;

	middle_init(&middle, &self->world, 2);
	middle_meet(&self->world, &middle);
	WAIT(middle_work(&middle) && UP(1, 2) && UP(2, 1));
	EXPECT_GT(middle.passed[0], 300);
	middle_free(&middle);
	WAIT(NODE(2)->downs[1]);
}

/* Any byte of the handshake: no session comes of it, on neither side. */
TEST_F(hostile, a_flipped_byte_of_the_handshake)
{
	struct session_counts counts;
	struct middle middle;
	size_t whole[2];
	ssize_t at;
	int side;

	middle_init(&middle, &self->world, 2);
	middle_meet(&self->world, &middle);
	WAIT(middle_work(&middle) && UP(1, 2) && UP(2, 1));
	whole[0] = middle.passed[0];
	whole[1] = middle.passed[1];
	for (side = 0; side < 2; side++) {
		for (at = 5; at < (ssize_t)whole[side]; at += 41) {
			uint64_t ended;

			world_stop(&self->world, 1);
			WAIT(!UP(2, 1));
			middle_hang_up(&middle);
			world_forget(&self->world);
			middle.flip[side] = at;
			/* a length that grew is waited for */
			self->world.options.shake_ms = 400;
			world_start(&self->world, 1);
			middle_meet(&self->world, &middle);
			do {
				middle_work(&middle);
				loop_turn(self->world.loop,
					  loop_now(self->world.loop) +
						  WORLD_MS);
				session_counts(NODE(1)->net, &counts);
				ended = counts.failed[SESSION_WHY_TLS] +
					counts.failed[SESSION_WHY_NETWORK] +
					counts.failed[SESSION_WHY_KEY] +
					counts.failed[SESSION_WHY_SLOW] +
					counts.failed[SESSION_WHY_CLOSED];
			} while (!ended && !NODE(1)->ups[2]);
			middle.flip[side] = -1;
			if (NODE(1)->ups[2] && NODE(2)->ups[1])
				TH_LOG("side %d byte %d of %d", side, (int)at,
				       (int)whole[side]);
			EXPECT_FALSE(NODE(1)->ups[2] && NODE(2)->ups[1]);
		}
	}
	middle_free(&middle);
}

/* In what is said later: it is not taken, and the session ends. */
TEST_F(hostile, a_flipped_byte_of_a_message)
{
	struct middle middle;
	int i;

	middle_init(&middle, &self->world, 2);
	middle_meet(&self->world, &middle);
	for (i = 1; i <= 4; i++) {
		WAIT(middle_work(&middle) && UP(1, 2) && UP(2, 1));
		middle.flip[0] = (ssize_t)middle.passed[0] + 100 + 13 * i;
		ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_URGENT, 1,
					  middle.tape, 500));
		WAIT(middle_work(&middle) && NODE(2)->downs[1] == i);
		EXPECT_EQ(SESSION_WHY_TLS, NODE(2)->why[1]);
		EXPECT_EQ(0, NODE(2)->order);
		middle.flip[0] = -1;
	}
	middle_free(&middle);
	WAIT(NODE(1)->downs[2] == 4);
}

/* Cut with no end heard, then whole again: back by itself. */
TEST_F(hostile, cut_and_whole_again)
{
	struct middle middle;
	int i;

	middle_init(&middle, &self->world, 2);
	middle_meet(&self->world, &middle);
	for (i = 1; i <= 2; i++) {
		WAIT(middle_work(&middle) && UP(1, 2) && UP(2, 1));
		WAIT(NODE(1)->downs[2] == i && NODE(2)->downs[1] == i);
		EXPECT_EQ(SESSION_WHY_SILENT, NODE(2)->why[1]);
		middle_hang_up(&middle);
	}
	WAIT(middle_work(&middle) && UP(1, 2) && UP(2, 1));
	middle_free(&middle);
	WAIT(NODE(2)->downs[1] == 3);
}

/* What was recorded, HELLO and messages, is said again: worth nothing. */
TEST_F(hostile, replayed)
{
	struct middle middle;
	int fd;

	middle_init(&middle, &self->world, 2);
	middle_meet(&self->world, &middle);
	WAIT(middle_work(&middle) && UP(1, 2) && UP(2, 1));
	ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_URGENT, 1, "x", 1));
	WAIT(middle_work(&middle) && NODE(2)->got[1]);
	middle.cut = true;
	middle_hang_up(&middle);
	WAIT(NODE(2)->downs[1]);
	fd = plain(&self->world, 2, 1);
	ASSERT_EQ((ssize_t)middle.taped,
		  send(fd, middle.tape, middle.taped, MSG_NOSIGNAL));
	WAIT(hung_up(fd));
	EXPECT_EQ(1, NODE(2)->ups[1]);
	EXPECT_EQ(1, NODE(2)->got[1]);
	EXPECT_EQ(1, world_refused(&self->world, 2, SESSION_WHY_TLS));
	close(fd);
	middle_free(&middle);
}

TEST_HARNESS_MAIN
