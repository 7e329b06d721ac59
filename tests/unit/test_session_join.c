// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joining with a token: good, wrong, expired, used, unknown; what its bearer
 * may say, and whom he believes.
 */
#include "session_rogue.h"

FIXTURE(join)
{
	struct world world;
	struct session_join_options options;
	struct session_join *join;
	unsigned int done;
	enum session_why why;
	char answer[128];
	size_t answer_bytes;
};

static void join_done(void *arg, enum session_why why, const void *data,
		      size_t bytes)
{
	struct th_fix_join *self = arg;

	self->done++;
	self->why = why;
	self->answer_bytes = bytes;
	if (bytes && bytes < sizeof(self->answer))
		memcpy(self->answer, data, bytes);
}

FIXTURE_SETUP(join)
{
	world_init(&self->world, 2);
	self->world.node[1].answers = true;
	self->world.node[2].answers = true;
	self->options.token = self->world.token;
	self->options.addr[0] = self->world.node[1].at;
	self->options.nr_addrs = 1;
	self->options.data = "my key";
	self->options.bytes = 6;
	self->options.timeout_ms = 10000;
	self->options.done = join_done;
	self->options.arg = self;
}

FIXTURE_TEARDOWN(join)
{
	world_free(&self->world);
}

#define NODE(id) (&self->world.node[id])
#define WAIT(cond) WORLD_WAIT(&self->world, cond)

static void try_it(struct th_fix_join *self)
{
	self->done = 0;
	ASSERT_EQ(0, session_join_begin(&self->join, self->world.loop,
					&self->options));
	WAIT(self->done);
}

TEST_F(join, good)
{
	char text[TOKEN_TEXT];

	/* as it is carried */
	token_format(text, &self->world.token);
	ASSERT_EQ(0, token_parse(text, &self->options.token));
	try_it(self);
	EXPECT_EQ(SESSION_WHY_NONE, self->why);
	EXPECT_EQ(10, self->answer_bytes);
	EXPECT_EQ(0, memcmp("yes my key", self->answer, 10));
	EXPECT_EQ(1, NODE(1)->joins);
	EXPECT_EQ(self->world.token.id, NODE(1)->join_token);
	EXPECT_EQ(0, world_half_open(&self->world, 1));
}

TEST_F(join, twice)
{
	try_it(self);
	EXPECT_EQ(SESSION_WHY_NONE, self->why);
	try_it(self);
	EXPECT_EQ(SESSION_WHY_TOKEN, self->why);
	EXPECT_EQ(0, self->answer_bytes);
	EXPECT_EQ(1, NODE(1)->joins);
	EXPECT_EQ(1, world_refused(&self->world, 1, SESSION_WHY_TOKEN));
}

/* Outside it looks the same, whatever is wrong with the token. */
TEST_F(join, wrong_expired_unknown)
{
	self->options.token.secret[3] ^= 4;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_TOKEN, self->why);
	self->options.token = self->world.token;
	self->options.token.id ^= 1;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_TOKEN, self->why);
	self->options.token = self->world.token;
	self->world.token_expired = true;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_TOKEN, self->why);
	EXPECT_EQ(3, world_refused(&self->world, 1, SESSION_WHY_TOKEN));
	EXPECT_EQ(0, NODE(1)->joins);
	self->world.token_expired = false;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_NONE, self->why);
}

/* Two come with one token before it is used: one of them gets it. */
TEST_F(join, two_at_once)
{
	struct th_fix_join other = { .options = self->options };

	other.options.arg = &other;
	other.options.addr[0] = NODE(2)->at;
	ASSERT_EQ(0, session_join_begin(&other.join, self->world.loop,
					&other.options));
	try_it(self);
	WAIT(other.done);
	EXPECT_EQ(1, (self->answer[0] == 'y') + (other.answer[0] == 'y'));
}

/* The cluster proves that it made the token: its id, seen on a wire, is not it.
 */
TEST_F(join, an_impostor)
{
	self->world.token.secret[0] ^= 1;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_TOKEN, self->why);
	EXPECT_EQ(0, NODE(1)->joins);
	EXPECT_EQ(0, self->answer_bytes);
}

TEST_F(join, several_addresses)
{
	self->options.addr[0] = world_loopback(1, 1);
	self->options.addr[1] = NODE(1)->at;
	self->options.nr_addrs = 2;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_NONE, self->why);
}

/* Nobody there: until the time is over, and no longer. */
TEST_F(join, nobody)
{
	uint64_t begin_ns = loop_now(self->world.loop);

	self->options.addr[0] = world_loopback(1, 1);
	self->options.timeout_ms = 300;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_NETWORK, self->why);
	EXPECT_GE(loop_now(self->world.loop) - begin_ns, 300 * WORLD_MS);
	EXPECT_LE(loop_now(self->world.loop) - begin_ns, 3000 * WORLD_MS);
}

TEST_F(join, no_answer)
{
	NODE(1)->answers = false;
	self->options.timeout_ms = 300;
	try_it(self);
	EXPECT_EQ(SESSION_WHY_SLOW, self->why);
	EXPECT_EQ(1, NODE(1)->joins);
	/* an answer to who is gone */
	world_pass(&self->world, 50);
	EXPECT_EQ(-ENOENT,
		  session_join_answer(NODE(1)->net, NODE(1)->joiner, "x", 1));
	EXPECT_EQ(-ENOENT, session_join_answer(NODE(1)->net, 0, "x", 1));
}

TEST_F(join, late_answer)
{
	char *much = calloc(1, SESSION_JOIN_BYTES_MAX + 1);

	NODE(1)->answers = false;
	self->options.bytes = SESSION_JOIN_BYTES_MAX;
	self->options.data = much;
	ASSERT_EQ(0, session_join_begin(&self->join, self->world.loop,
					&self->options));
	WAIT(NODE(1)->joins);
	EXPECT_EQ(-EMSGSIZE,
		  session_join_answer(NODE(1)->net, NODE(1)->joiner, much,
				      SESSION_JOIN_BYTES_MAX + 1));
	EXPECT_EQ(0, session_join_answer(NODE(1)->net, NODE(1)->joiner, much,
					 SESSION_JOIN_BYTES_MAX));
	WAIT(self->done);
	EXPECT_EQ(SESSION_WHY_NONE, self->why);
	EXPECT_EQ(SESSION_JOIN_BYTES_MAX, self->answer_bytes);
	free(much);
}

TEST_F(join, cancelled)
{
	ASSERT_EQ(0, session_join_begin(&self->join, self->world.loop,
					&self->options));
	session_join_cancel(self->join);
	NODE(1)->answers = false;
	ASSERT_EQ(0, session_join_begin(&self->join, self->world.loop,
					&self->options));
	WAIT(NODE(1)->joins);
	session_join_cancel(self->join);
	world_pass(&self->world, 100);
	EXPECT_EQ(0, self->done);
	EXPECT_EQ(0, world_half_open(&self->world, 1));
}

TEST_F(join, options_are_checked)
{
	self->options.bytes = SESSION_JOIN_BYTES_MAX + 1;
	EXPECT_EQ(-EMSGSIZE, session_join_begin(&self->join, self->world.loop,
						&self->options));
	self->options.bytes = 0;
	self->options.nr_addrs = 0;
	EXPECT_EQ(-EINVAL, session_join_begin(&self->join, self->world.loop,
					      &self->options));
	self->options.nr_addrs = SESSION_LISTENS_MAX + 1;
	EXPECT_EQ(-EINVAL, session_join_begin(&self->join, self->world.loop,
					      &self->options));
	self->options.nr_addrs = 1;
	self->options.timeout_ms = 0;
	EXPECT_EQ(-EINVAL, session_join_begin(&self->join, self->world.loop,
					      &self->options));
	self->options.timeout_ms = 3000;
	try_it(self);
	EXPECT_EQ(4, self->answer_bytes); /* of nothing: "yes " */
}

/* --- the bearer of a token may join, and nothing else -------------------- */

static void bearer_dial(struct th_fix_join *self, struct rogue *rogue)
{
	rogue->shaken = false;
	rogue->ended = false;
	rogue->refused = SESSION_WHY_NONE;
	rogue->conn = conn_dial(&rogue->hub, &rogue_ops, rogue, &NODE(1)->at,
				&self->world.token,
				loop_now(self->world.loop) + 5000 * WORLD_MS);
	ASSERT_TRUE(rogue->conn);
	WAIT(rogue->shaken);
}

TEST_F(join, only_joins)
{
	static const struct {
		enum session_class class;
		uint16_t type;
		size_t bytes;
		const char *data;
	} words[] = {
		{ SESSION_URGENT, 1, 1, "x" },
		{ SESSION_NORMAL, 1, 1, "x" },
		{ SESSION_BULK, 1, 1, "x" },
		{ SESSION_NORMAL, 1, 8, "qSj1\1\0\1\0" },
		{ SESSION_CONTROL, SESSION_BEAT, 0, "" },
		{ SESSION_CONTROL, SESSION_HELLO, 0, "" },
		{ SESSION_JOIN, 1, 0, "" },
		{ SESSION_JOIN, 1, 7, "qSj1\1\0\1" },
		{ SESSION_JOIN, 1, 8, "qSj2\1\0\1\0" },
		{ SESSION_JOIN, 2, 8, "qSj1\1\0\1\0" },
	};
	struct rogue rogue;
	size_t i;

	rogue_init(&rogue, &self->world, 2, 1);
	rogue.hello.nonce = 0;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		bearer_dial(self, &rogue);
		ASSERT_EQ(0,
			  conn_send(rogue.conn, words[i].class, words[i].type,
				    words[i].data, words[i].bytes));
		WAIT(rogue.ended);
		EXPECT_EQ(SESSION_WHY_PROTOCOL, rogue.refused);
	}
	EXPECT_EQ(0, NODE(1)->joins + NODE(1)->order + NODE(1)->ups[2]);
	/* of a later version that does not speak ours */
	bearer_dial(self, &rogue);
	ASSERT_EQ(0, conn_send(rogue.conn, SESSION_JOIN, 1, "qSj1\4\0\3\0", 8));
	WAIT(rogue.ended);
	EXPECT_EQ(SESSION_WHY_VERSION, rogue.refused);
	/* of an older one, from when it could not read the log any more */
	session_net_least(NODE(1)->net, SESSION_VERSION + 1);
	session_net_least(NODE(1)->net, 2);
	session_net_least(NODE(1)->net, 1);
	bearer_dial(self, &rogue);
	ASSERT_EQ(0, conn_send(rogue.conn, SESSION_JOIN, 1, "qSj1\1\0\1\0", 8));
	WAIT(rogue.ended);
	EXPECT_EQ(SESSION_WHY_VERSION, rogue.refused);
	/* of one that does; but only once */
	NODE(1)->answers = false;
	bearer_dial(self, &rogue);
	ASSERT_EQ(0, conn_send(rogue.conn, SESSION_JOIN, 1, "qSj1\3\0\1\0", 8));
	WAIT(NODE(1)->joins == 1);
	ASSERT_EQ(0, conn_send(rogue.conn, SESSION_JOIN, 1, "qSj1\3\0\1\0", 8));
	WAIT(rogue.ended);
	EXPECT_EQ(SESSION_WHY_PROTOCOL, rogue.refused);
	EXPECT_EQ(1, NODE(1)->joins);
	rogue_free(&rogue);
}

TEST_F(join, too_many_who_wait)
{
	struct rogue rogue[SESSION_JOINS_MAX + 1];
	int i;

	for (i = 0; i < SESSION_JOINS_MAX; i++) {
		rogue_init(&rogue[i], &self->world, 2, 1);
		rogue[i].hello.nonce = 0;
		bearer_dial(self, &rogue[i]);
		WAIT(world_half_open(&self->world, 1) == 0);
	}
	rogue_init(&rogue[i], &self->world, 2, 1);
	rogue[i].hello.nonce = 0;
	bearer_dial(self, &rogue[i]);
	WAIT(rogue[i].ended);
	EXPECT_EQ(SESSION_WHY_CROWD, rogue[i].refused);
	rogue_free(&rogue[0]);
	WAIT(world_refused(&self->world, 1, SESSION_WHY_CLOSED) == 1);
	bearer_dial(self, &rogue[i]);
	world_pass(&self->world, 50);
	EXPECT_FALSE(rogue[i].ended);
	for (i = 1; i <= SESSION_JOINS_MAX; i++)
		rogue_free(&rogue[i]);
}

TEST_HARNESS_MAIN
