// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores: added once, counted opens, removed for ever.
 */
#include "state_world.h"

FIXTURE(store)
{
	struct sw w;
};

FIXTURE_SETUP(store)
{
	sw_begin(&self->w, &SW_LIMITS, 3);
}

FIXTURE_TEARDOWN(store)
{
}

static u32 report(struct sw *w, u32 node, u32 store, u64 opens, u64 free_bytes)
{
	static struct sw_lines lines;

	sw_lines_begin(&lines);
	state_put(&lines.out, store, 4);
	state_put(&lines.out, opens, 8);
	state_put(&lines.out, free_bytes, 8);
	return SW_DO(w, STORE_REPORT, .node = node,
		     .rest = sw_lines_rest(&lines));
}

TEST_F(store, added_once)
{
	struct sw *w = &self->w;

	EXPECT_EQ(STATE_WHY_STORE_TAKEN,
		  SW_DO(w, STORE_ADD, .node = 2, .uuid = { 1, 5 }, .size = 1));
	sw_text_is(w, "the store is known: id 1 on node n0");
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, STORE_ADD, .node = 2, .size = 1));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, STORE_ADD, .node = 2, .uuid = { 9 }));
	EXPECT_EQ(STATE_WHY_NO_NODE,
		  SW_DO(w, STORE_ADD, .node = 9, .uuid = { 9 }, .size = 1));
	SW_OK(w, STORE_ADD, .node = 2, .uuid = { 9 }, .size = 1);
	EXPECT_EQ(4, w->res.arg[0]);
	EXPECT_EQ(2, state_store_by_uuid(w->s, (u8[16]){ 9 })->node);
}

/* S11: an old copy of a store is not let in. */
TEST_F(store, rolled_back)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, report(w, 1, 1, 5, 1ULL << 40));
	EXPECT_EQ(64ULL << 30, state_store_by_id(w->s, 1)->free);
	EXPECT_EQ(0, report(w, 1, 1, 5, 7));
	EXPECT_EQ(7, state_store_by_id(w->s, 1)->free);
	EXPECT_EQ(STATE_WHY_STORE_ROLLED_BACK, report(w, 1, 1, 4, 9));
	sw_text_is(w, "store 01050000000000000000000000000000 was opened 5 "
		      "times, now it says 4: an old copy of it?");
	EXPECT_EQ(7, state_store_by_id(w->s, 1)->free);
	EXPECT_EQ(STATE_WHY_BAD, report(w, 2, 1, 6, 9));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, STORE_REPORT, .node = 1,
				       .rest = { (const u8 *)"x", 1 }));
	EXPECT_EQ(5, state_store_by_id(w->s, 1)->opens);
}

TEST_F(store, gone_since)
{
	struct sw *w = &self->w;
	const struct state_store *store = state_store_by_id(w->s, 1);

	w->now_ms = 2000;
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_GONE);
	w->now_ms = 3000;
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_FAILED);
	EXPECT_EQ(2000, store->gone_ms);
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_ACTIVE);
	EXPECT_EQ(0, store->gone_ms);
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, STORE_STATE, .store = 1,
				       .state = STATE_STORE_REMOVED));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, STORE_STATE, .store = 1));
}

/* One that never comes back stays lost, whoever says what of it. */
TEST_F(store, lost_for_good)
{
	static const u8 others[] = { STATE_STORE_ACTIVE, STATE_STORE_FAILED,
				     STATE_STORE_GONE, STATE_STORE_DRAINING };
	struct sw *w = &self->w;
	const struct state_store *store = state_store_by_id(w->s, 1);
	u32 i;

	/* as a server of level 1 says */
	EXPECT_EQ(STATE_WHY_BAD,
		  SW_DO(w, STORE_STATE, .store = 1, .state = STATE_STORE_LOST));
	SW_OK(w, CLUSTER_SET, .what = STATE_SET_LEVEL, .value = 2);
	w->now_ms = 2000;
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_LOST);
	EXPECT_EQ(2000, store->gone_ms);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_EQ(STATE_WHY_STORE_STATE,
			  SW_DO(w, STORE_STATE, .store = 1,
				.state = others[i]));
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_LOST);
	EXPECT_EQ(STATE_STORE_LOST, store->state);
	SW_OK(w, STORE_REMOVE, .store = 1);
	EXPECT_EQ(STATE_STORE_REMOVED, store->state);
}

TEST_F(store, takes_nothing_new)
{
	struct sw *w = &self->w;
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .name = "v",
				 .size = SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = 1 };

	ASSERT_EQ(0, sw_do(w, cmd));
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_DRAINING);
	EXPECT_EQ(STATE_WHY_STORE_STATE, sw_place(w, 1, 0, 1, 1, 1));
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_ACTIVE);
	SW_OK(w, NODE_STATE, .node = 1, .state = STATE_NODE_DRAINING);
	EXPECT_EQ(STATE_WHY_NODE_STATE, sw_place(w, 1, 0, 1, 1, 1));
	SW_OK(w, NODE_STATE, .node = 1, .state = STATE_NODE_ACTIVE);
	EXPECT_EQ(0, sw_place(w, 1, 0, 1, 1, 1));
}

TEST_F(store, removed_for_ever)
{
	struct sw *w = &self->w;

	sw_volume(w, "db1", 2, 3, 3);
	EXPECT_EQ(STATE_WHY_STORE_HOLDS, SW_DO(w, STORE_REMOVE, .store = 1));
	/* what is on it is not wanted any more: a dead store may go */
	SW_OK(w, VOLUME_DELETE, .volume = 1);
	SW_OK(w, STORE_REMOVE, .store = 1);
	EXPECT_EQ(2, state_volume_by_id(w->s, 1)->left);
	EXPECT_EQ(STATE_WHY_STORE_REMOVED,
		  SW_DO(w, STORE_ADD, .node = 1, .uuid = { 1, 5 }, .size = 1));
	EXPECT_EQ(STATE_WHY_STORE_STATE, SW_DO(w, STORE_REMOVE, .store = 1));
	SW_OK(w, STORE_REMOVE, .store = 2);
	SW_OK(w, STORE_REMOVE, .store = 3);
	EXPECT_TRUE(!state_volume_by_id(w->s, 1));
	EXPECT_EQ(0, w->s->stores);
}

TEST_HARNESS_MAIN
