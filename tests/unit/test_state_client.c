// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exactly once: requests that come again, too late, or out of order.
 */
#include "state_world.h"

static u32 job(struct sw *w, u64 client, u64 seq)
{
	struct state_cmd cmd = { .kind = STATE_CMD_JOB_ADD,
				 .what = STATE_JOB_DELETE,
				 .client = client,
				 .seq = seq,
				 .now_ms = w->now_ms };

	return sw_raw(w, &cmd);
}

TEST(same_answer)
{
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 1);
	sw_client(&w);
	EXPECT_EQ(0, job(&w, w.client, 1));
	EXPECT_EQ(1, w.res.arg[0]);
	EXPECT_EQ(0, job(&w, w.client, 1));
	EXPECT_EQ(1, w.res.arg[0]);
	EXPECT_EQ(1, w.s->pool[STATE_JOBS].nr);
	/* the next, of that number or of another client, is another one */
	EXPECT_EQ(0, job(&w, w.client, 2));
	EXPECT_EQ(2, w.res.arg[0]);
	EXPECT_EQ(0, job(&w, w.client - 1, 1000));
	EXPECT_EQ(3, w.res.arg[0]);
	/* a refusal is remembered, too: the room that there is now is not his
	 */
	EXPECT_EQ(STATE_WHY_JOBS_FULL, job(&w, w.client, 3));
	w.seq = 3;
	SW_OK(&w, JOB_SET, .id = 1, .state = STATE_JOB_DONE);
	EXPECT_EQ(STATE_WHY_JOBS_FULL, job(&w, w.client, 3));
}

TEST(window)
{
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 1);
	sw_client(&w);
	/* one that was overtaken is done, as long as it is in the window */
	EXPECT_EQ(0, job(&w, w.client, STATE_WINDOW));
	EXPECT_EQ(0, job(&w, w.client, 1));
	EXPECT_EQ(2, w.res.arg[0]);
	EXPECT_EQ(0, job(&w, w.client, 1));
	EXPECT_EQ(2, w.res.arg[0]);
	EXPECT_EQ(0, job(&w, w.client, STATE_WINDOW + 1));
	EXPECT_EQ(STATE_WHY_FORGOTTEN, job(&w, w.client, 1));
	EXPECT_EQ(-ESTALE, state_result_errno(&w.res));
	EXPECT_EQ(3, w.s->pool[STATE_JOBS].nr);
	EXPECT_EQ(STATE_WHY_FORGOTTEN, job(&w, w.client, 0));
	EXPECT_EQ(STATE_WHY_FORGOTTEN, job(&w, w.client, U64_MAX));
	EXPECT_EQ(STATE_WHY_FORGOTTEN, job(&w, 99, 1));
}

/* What was asked can be looked up before anything is logged, and whose it is.
 */
TEST(asked)
{
	struct state_result res;
	struct state_cmd cmd = { .kind = STATE_CMD_CLIENT_OPEN, .node = 7 };
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 1);
	ASSERT_EQ(0, sw_raw(&w, &cmd));
	w.client = w.res.arg[0];
	EXPECT_EQ(7, state_client_node(w.s, w.client));
	EXPECT_EQ(0, state_client_node(w.s, 99));
	EXPECT_FALSE(state_client_asked(w.s, w.client, 5, &res));
	EXPECT_EQ(0, job(&w, w.client, 5));
	ASSERT_TRUE(state_client_asked(w.s, w.client, 5, &res));
	EXPECT_EQ(0, res.why);
	EXPECT_EQ(1, res.arg[0]);
	EXPECT_FALSE(state_client_asked(w.s, w.client, 6, &res));
	EXPECT_EQ(0, job(&w, w.client, 5 + STATE_WINDOW));
	ASSERT_TRUE(state_client_asked(w.s, w.client, 5, &res));
	EXPECT_EQ(STATE_WHY_FORGOTTEN, res.why);
	ASSERT_TRUE(state_client_asked(w.s, 99, 1, &res));
	EXPECT_EQ(STATE_WHY_FORGOTTEN, res.why);
}

/* Who is forgotten does nothing any more, not even what is new. */
TEST(forgotten)
{
	struct sw w;
	u64 first, i;

	sw_begin(&w, &SW_LIMITS, 1);
	first = w.client;
	for (i = 1; i < SW_LIMITS.clients; i++)
		sw_client(&w);
	EXPECT_EQ(0, job(&w, first, 500)); /* the second is the oldest now */
	sw_client(&w);
	EXPECT_EQ(first + SW_LIMITS.clients, w.client);
	EXPECT_EQ(STATE_WHY_FORGOTTEN, job(&w, first + 1, 1));
	EXPECT_EQ(0, job(&w, first, 501));
}

TEST_HARNESS_MAIN
