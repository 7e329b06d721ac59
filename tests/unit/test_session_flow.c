// SPDX-License-Identifier: GPL-2.0-only
/*
 * Much at once: order, priorities, slow and silent peers, what waits.
 */
#include <poll.h>
#include <time.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "session_rogue.h"

#include "../../daemon/session/state.h"

#define MUCH (512 * 1024)

FIXTURE(flow)
{
	struct world world;
	char *much;
};

FIXTURE_SETUP(flow)
{
	world_init(&self->world, 3);
	self->much = calloc(1, SESSION_MSG_MAX + 1);
}

FIXTURE_TEARDOWN(flow)
{
	world_free(&self->world);
	free(self->much);
}

#define NODE(id) (&self->world.node[id])
#define WAIT(cond) WORLD_WAIT(&self->world, cond)
#define UP(a, b) world_is_up(&self->world, a, b)

static uint32_t numbers_seen;

static void number_came(struct world_node *node, uint32_t from, uint16_t type)
{
	(void)from;
	(void)type;
	ASSERT_EQ(numbers_seen, node->last);
	numbers_seen++;
}

/* 20 000 messages and 60 MB, in order, none twice. */
TEST_F(flow, in_order)
{
	uint32_t number = 0;
	uint64_t bytes = 0;

	numbers_seen = 0;
	NODE(2)->on_received = number_came;
	world_meet_up(&self->world, 1, 2);
	while (number < 20000) {
		size_t len = number % 100 ? 4 + number % 700 : 300000;
		int error;

		memcpy(self->much, &number, 4);
		error = session_send(NODE(1)->net, 2, SESSION_NORMAL, 1,
				     self->much, len);
		if (error) {
			ASSERT_EQ(-ENOBUFS, error);
			loop_turn(self->world.loop, 0);
			continue;
		}
		number++;
		bytes += len;
	}
	WAIT(numbers_seen == number);
	EXPECT_EQ(bytes, NODE(2)->bytes[1]);
	EXPECT_EQ(0, NODE(1)->downs[2]);
}

TEST_F(flow, the_longest)
{
	uint64_t begin_ns;

	/* no beat may help to see what is left over from a turn */
	self->world.options.beat_ms = 10000;
	self->world.options.dead_ms = 30000;
	world_stop(&self->world, 1);
	world_stop(&self->world, 2);
	world_start(&self->world, 1);
	world_start(&self->world, 2);
	world_meet_up(&self->world, 1, 2);
	begin_ns = loop_now(self->world.loop);
	EXPECT_EQ(-EMSGSIZE, session_send(NODE(1)->net, 2, SESSION_BULK, 1,
					  self->much, SESSION_MSG_MAX + 1));
	ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_BULK, 1, self->much,
				  SESSION_MSG_MAX));
	WAIT(NODE(2)->got[1]);
	EXPECT_EQ(SESSION_MSG_MAX, NODE(2)->bytes[1]);
	EXPECT_LT(loop_now(self->world.loop) - begin_ns, 8000 * WORLD_MS);
}

/* Four megabytes wait; what is urgent is there before nearly all of them. */
TEST_F(flow, the_urgent_overtakes)
{
	unsigned int i;

	world_meet_up(&self->world, 1, 2);
	for (i = 0; i < 7; i++)
		ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_BULK, 3,
					  self->much, MUCH));
	/* the socket is full of it */
	for (i = 0; i < 3; i++)
		loop_turn(self->world.loop, 0);
	ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_NORMAL, 2, "n", 1));
	ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_URGENT, 1, "u", 1));
	WAIT(NODE(2)->got[3] == 7 && NODE(2)->got[2] && NODE(2)->got[1]);
	EXPECT_LT(NODE(2)->order_of[1], NODE(2)->order_of[2]);
	EXPECT_LE(NODE(2)->order_of[1], 3);
	EXPECT_LE(NODE(2)->order_of[2], 4);
}

/* What waits does so in our queues, where the urgent overtakes; not in TCP. */
TEST_F(flow, little_is_in_the_socket)
{
	struct session_peer *peer;
	struct rogue rogue;
	int unsent = -1;
	int i;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	rogue_init(&rogue, &self->world, 1, 2);
	rogue_dial(&rogue, &self->world, 2);
	WAIT(rogue.hello_came && NODE(2)->ups[1]);
	peer = session_peer_find(NODE(2)->net, 1);
	loop_source_remove(self->world.loop, &peer->session->source);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, conn_send(rogue.conn, SESSION_BULK, 1, self->much,
				       SESSION_MSG_MAX));
	WAIT(!rogue.conn->writable);
	EXPECT_GT(rogue.conn->out.bytes, SESSION_MSG_MAX);
	ASSERT_EQ(0, ioctl(rogue.conn->source.fd, SIOCOUTQNSD, &unsent));
	/* the kernel looks at it once in 64 KiB */
	EXPECT_LE(unsent, CONN_LOWAT + 65536);
	rogue_free(&rogue);
}

/* Connected, and then nobody reads: as a peer that is stopped. */
static int slow_peer(struct world *world, struct rogue *rogue)
{
	rogue_init(rogue, world, 1, 2);
	rogue_dial(rogue, world, 2);
	WORLD_WAIT(world, rogue->hello_came && world->node[2].ups[1]);
	/* its loop goes on, without it */
	loop_source_remove(world->loop, &rogue->conn->source);
	return rogue->conn->source.fd;
}

TEST_F(flow, slow_reader)
{
	struct session_status status;
	struct rogue rogue;
	unsigned int sent = 0;
	uint64_t begin_ns;
	int error;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	slow_peer(&self->world, &rogue);
	while (!(error = session_send(NODE(2)->net, 1, SESSION_BULK, 1,
				      self->much, 100000))) {
		sent++;
		loop_turn(self->world.loop, 0);
	}
	EXPECT_EQ(-ENOBUFS, error);
	/* its queue, and what is in two sockets */
	EXPECT_LT(sent * 100000, OUTBOX_CLASS_MAX + 4 * 1024 * 1024);
	ASSERT_EQ(0, session_peer_status(NODE(2)->net, 1, &status));
	EXPECT_LE(status.queued, OUTBOX_CLASS_MAX + 1000);
	EXPECT_EQ(1, status.refused);
	/* what is urgent has room of its own */
	EXPECT_EQ(0, session_send(NODE(2)->net, 1, SESSION_URGENT, 2, "x", 1));
	/* and others are not held up */
	world_meet_up(&self->world, 2, 3);
	ASSERT_EQ(0, session_send(NODE(2)->net, 3, SESSION_BULK, 4, "x", 1));
	WAIT(NODE(3)->got[4]);
	/* it says nothing either: ended in its time, and all memory is back */
	begin_ns = loop_now(self->world.loop);
	WAIT(NODE(2)->downs[1]);
	EXPECT_LT(loop_now(self->world.loop) - begin_ns, 6000 * WORLD_MS);
	EXPECT_EQ(SESSION_WHY_SILENT, NODE(2)->why[1]);
	ASSERT_EQ(0, session_peer_status(NODE(2)->net, 1, &status));
	EXPECT_EQ(0, status.queued);
	rogue_free(&rogue);
}

TEST_F(flow, all_queues_together)
{
	struct session_counts counts;
	struct rogue rogue;

	self->world.options.queue_bytes = 1024 * 1024;
	world_stop(&self->world, 2);
	world_start(&self->world, 2);
	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	slow_peer(&self->world, &rogue);
	while (!session_send(NODE(2)->net, 1, SESSION_BULK, 1, self->much,
			     100000))
		loop_turn(self->world.loop, 0);
	session_counts(NODE(2)->net, &counts);
	EXPECT_LE(counts.queued, 1024 * 1024);
	EXPECT_GT(counts.queued, 800 * 1024);
	EXPECT_EQ(-ENOBUFS, session_send(NODE(2)->net, 1, SESSION_NORMAL, 1,
					 self->much, 300000));
	EXPECT_EQ(0, session_send(NODE(2)->net, 1, SESSION_URGENT, 1,
				  self->much, 300000));
	rogue_free(&rogue);
	WAIT(NODE(2)->downs[1]);
	session_counts(NODE(2)->net, &counts);
	EXPECT_EQ(0, counts.queued);
}

/* Nothing comes, no end is heard: noticed within dead_ms and a beat. */
TEST_F(flow, goes_silent)
{
	struct rogue rogue;
	uint64_t begin_ns;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	slow_peer(&self->world, &rogue);
	begin_ns = loop_now(self->world.loop);
	WAIT(NODE(2)->downs[1]);
	EXPECT_EQ(SESSION_WHY_SILENT, NODE(2)->why[1]);
	EXPECT_GE(loop_now(self->world.loop) - begin_ns, 1300 * WORLD_MS);
	EXPECT_LE(loop_now(self->world.loop) - begin_ns, 3000 * WORLD_MS);
	WAIT(NODE(2)->state[1] == DETECT_DEAD);
	rogue_free(&rogue);
}

/*
 * A daemon that was stopped looks at what came meanwhile before it says that
 * nothing did.
 */
TEST_F(flow, stopped_itself)
{
	const uint8_t beat[8] = { 0, 0, 0, 0, SESSION_BEAT, 0, 0, 0 };
	struct timespec now;
	uint64_t begin_ns;
	struct rogue rogue;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	slow_peer(&self->world, &rogue);
	begin_ns = loop_now(self->world.loop);
	do {
		poll(NULL, 0, 50); /* pause: nobody turns the loop */
		clock_gettime(CLOCK_BOOTTIME, &now);
	} while ((uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 <
		 begin_ns / WORLD_MS + 1700);
	ASSERT_EQ(0, tls_write(&rogue.conn->tls, beat, sizeof(beat)));
	world_pass(&self->world, 300);
	EXPECT_EQ(0, NODE(2)->downs[1]);
	WAIT(NODE(2)->downs[1]);
	EXPECT_EQ(SESSION_WHY_SILENT, NODE(2)->why[1]);
	rogue_free(&rogue);
}

/* The detector sees silence before the session is ended. */
TEST_F(flow, is_suspected)
{
	struct session_status status;

	world_meet_up(&self->world, 1, 2);
	WAIT(NODE(1)->state[2] == DETECT_ALIVE);
	world_stop(&self->world, 2);
	WAIT(NODE(1)->state[2] == DETECT_SUSPECT);
	WAIT(NODE(1)->state[2] == DETECT_DEAD);
	ASSERT_EQ(0, session_peer_status(NODE(1)->net, 2, &status));
	EXPECT_EQ(1, status.falls);
	EXPECT_EQ(DETECT_DEAD, status.state);
	world_start(&self->world, 2);
	NODE(2)->ups[1] = NODE(2)->downs[1];
	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, &NODE(1)->at, 1));
	WAIT(NODE(1)->state[2] == DETECT_ALIVE);
	EXPECT_TRUE(UP(1, 2));
}

/* --- a member that breaks the rules -------------------------------------- */

struct breach {
	const char *desc;
	bool before_hello;
	enum session_class class;
	uint16_t type;
	size_t bytes;
};

TEST_F(flow, rules_are_kept)
{
	static const struct breach breaches[] = {
		{ "a message before HELLO", true, SESSION_NORMAL, 1, 10 },
		{ "a beat before HELLO", true, SESSION_CONTROL, SESSION_BEAT,
		  0 },
		{ "a HELLO of nothing", true, SESSION_CONTROL, SESSION_HELLO,
		  0 },
		{ "a HELLO of zeroes", true, SESSION_CONTROL, SESSION_HELLO,
		  56 },
		{ "a long HELLO", true, SESSION_CONTROL, SESSION_HELLO, 200 },
		{ "joins with a key", true, SESSION_JOIN, 1, 20 },
		{ "a second HELLO", false, SESSION_CONTROL, SESSION_HELLO, 56 },
		{ "an unknown control", false, SESSION_CONTROL, 77, 0 },
		{ "a beat with more", false, SESSION_CONTROL, SESSION_BEAT, 1 },
		{ "joins as a member", false, SESSION_JOIN, 1, 20 },
	};
	struct rogue rogue;
	unsigned int downs = 0;
	size_t i;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	for (i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
		const struct breach *breach = &breaches[i];

		rogue_init(&rogue, &self->world, 1, 2);
		if (breach->before_hello)
			rogue.hello.nonce = 0;
		rogue.hello.number = i + 1;
		rogue_dial(&rogue, &self->world, 2);
		if (breach->before_hello)
			WAIT(rogue.shaken);
		else
			WAIT(rogue.hello_came);
		ASSERT_EQ(0, conn_send(rogue.conn, breach->class, breach->type,
				       self->much, breach->bytes));
		WAIT(rogue.ended);
		downs += !breach->before_hello;
		if (NODE(2)->downs[1] != downs ||
		    (downs && NODE(2)->why[1] != SESSION_WHY_PROTOCOL))
			TH_LOG("%s", breach->desc);
		EXPECT_EQ(downs, NODE(2)->downs[1]);
		rogue_free(&rogue);
	}
	EXPECT_EQ(SESSION_WHY_PROTOCOL, NODE(2)->why[1]);
	EXPECT_EQ(6, world_refused(&self->world, 2, SESSION_WHY_PROTOCOL));
	EXPECT_EQ(0, NODE(2)->joins);
	EXPECT_EQ(0, NODE(2)->order);
}

/* Bytes in records that are no frames, or only half of one. */
TEST_F(flow, records_are_checked)
{
	static const struct {
		size_t len;
		const char *bytes;
	} records[] = {
		{ 1, "x" },
		{ 7, "\0\0\0\0\1\0\1" },
		{ 8, "\1\0\0\0\1\0\1\0" },
		{ 9, "\0\0\0\0\1\0\1\0x" },
		{ 8, "\0\0\0\0\1\0\x7f\0" },
		{ 16, "\xff\xff\xff\xff\1\0\1\0xxxxxxxx" },
	};
	struct rogue rogue;
	size_t i;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		rogue_init(&rogue, &self->world, 1, 2);
		rogue.hello.number = i + 1;
		rogue_dial(&rogue, &self->world, 2);
		WAIT(rogue.hello_came);
		ASSERT_EQ(0, tls_write(&rogue.conn->tls,
				       (const void *)records[i].bytes,
				       records[i].len));
		WAIT(rogue.ended);
		EXPECT_EQ(i + 1, NODE(2)->downs[1]);
		EXPECT_EQ(SESSION_WHY_PROTOCOL, NODE(2)->why[1]);
		rogue_free(&rogue);
	}
	/* one empty message was in a record with half a frame behind it */
	EXPECT_EQ(1, NODE(2)->order);
}

TEST_HARNESS_MAIN
