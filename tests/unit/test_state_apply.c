// SPDX-License-Identifier: GPL-2.0-only
/*
 * Apply is total: any bytes have a result, and what changed is said.
 */
#include "state_world.h"

static u32 raw(struct sw *w, const void *data, u32 bytes)
{
	state_apply(w->s, data, bytes, &w->res, &w->delta);
	sw_keeps_rules(w);
	return w->res.why;
}

TEST(no_command)
{
	struct state_cmd init = sw_init_cmd();
	struct sw w = { .s = sw_state(&SW_LIMITS) };
	u8 data[128] = { 0 };
	int bytes;

	EXPECT_EQ(STATE_WHY_BAD, raw(&w, data, 0));
	EXPECT_EQ(STATE_WHY_BAD, raw(&w, data, 31));
	EXPECT_EQ(STATE_WHY_UNKNOWN, raw(&w, data, 128));
	bytes = state_command_encode(&init, data, sizeof(data));
	EXPECT_EQ(STATE_WHY_BAD, raw(&w, data, bytes - 1));
	EXPECT_EQ(STATE_WHY_BAD, raw(&w, data, bytes + 1));
	data[1] = STATE_CMD_NR;
	EXPECT_EQ(STATE_WHY_UNKNOWN, raw(&w, data, bytes));
	data[1] = STATE_CMD_NODE_REMOVE;
	EXPECT_EQ(STATE_WHY_BAD, raw(&w, data, bytes));
	EXPECT_EQ(STATE_WHY_NO_CLUSTER, raw(&w, data, 36));
	data[1] = STATE_CMD_CLUSTER_INIT;
	data[31] = 0x80; /* a clock that would never be passed again */
	EXPECT_EQ(STATE_WHY_BAD, raw(&w, data, bytes));
	EXPECT_EQ(0, state_cluster(w.s)->applied);
	EXPECT_EQ(0, state_cluster(w.s)->now_ms);
	data[31] = 0;
	EXPECT_EQ(0, raw(&w, data, bytes));
	EXPECT_EQ(STATE_WHY_CLUSTER, raw(&w, data, bytes));
}

TEST(random_bytes)
{
	struct sw w;
	u8 data[256];
	u32 i, j, bytes;

	sw_begin(&w, &SW_LIMITS, 4);
	for (i = 0; i < 20000; i++) {
		bytes = th_rand() % sizeof(data);
		for (j = 0; j < bytes; j++)
			data[j] = th_rand() % 4 ? 0 : th_rand();
		data[0] = 1;
		data[1] = th_rand() % (STATE_CMD_NR + 1);
		data[8] = w.client;
		data[16] = i;
		state_apply(w.s, data, bytes, &w.res, NULL);
		ASSERT_LT(w.res.why, STATE_WHYS_NR);
		if (i % 16 == 0)
			sw_keeps_rules(&w);
	}
}

TEST(clock_never_goes_back)
{
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 1);
	w.now_ms = 5000;
	SW_OK(&w, NODE_STATE, .node = 1, .state = STATE_NODE_ACTIVE);
	w.now_ms = 4000;
	SW_OK(&w, NODE_STATE, .node = 1, .state = STATE_NODE_ACTIVE);
	EXPECT_EQ(5000, state_cluster(w.s)->now_ms);
}

TEST(deltas)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .name = "big",
				 .shift = SW_SHIFT,
				 .size = 40 * SW_SHARD,
				 .copies = 1 };
	struct sw w;
	u32 i;

	sw_begin(&w, &SW_LIMITS, 8);
	ASSERT_EQ(0, sw_do(&w, cmd));
	ASSERT_EQ(1, w.delta.nr);
	EXPECT_EQ(STATE_KIND_VOLUME, w.delta.item[0].kind);
	EXPECT_EQ(1, w.delta.item[0].id);
	ASSERT_EQ(0, sw_place(&w, 1, 0, 40, 1, 8));
	EXPECT_EQ(41, w.delta.nr);
	EXPECT_EQ(STATE_KIND_SHARD, w.delta.item[7].kind);
	EXPECT_EQ(7, w.delta.item[7].number);
	EXPECT_EQ(STATE_WHY_NO_VOLUME, SW_DO(&w, VOLUME_DELETE, .volume = 9));
	EXPECT_EQ(0, w.delta.nr);
	/* more than fits: everything may have changed */
	w.s->delta = &w.delta;
	for (i = 0; i <= STATE_DELTA_MAX; i++)
		state_touch(w.s, STATE_KIND_JOB, i, 0);
	EXPECT_TRUE(w.delta.all);
	w.s->delta = NULL;
}

TEST_HARNESS_MAIN
