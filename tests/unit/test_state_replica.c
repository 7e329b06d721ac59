// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nodes say of their replicas: late, of others, twice.
 */
#include "state_world.h"

static u64 say(struct sw *w, u8 kind, u32 node, u32 number, u64 replica)
{
	static struct sw_lines lines;

	sw_lines_begin(&lines);
	state_put(&lines.out, 1, 4);
	state_put(&lines.out, number, 2);
	state_put(&lines.out, replica, 8);
	EXPECT_EQ(0, sw_do(w, (struct state_cmd){
				      .kind = kind,
				      .node = node,
				      .rest = sw_lines_rest(&lines) }));
	return w->res.arg[0];
}

/* Replica 1 + 3 * shard + i is on node 1 + (shard + i) % 4. */
TEST(made)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .name = "v",
				 .size = 2 * SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = 3 };
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 4);
	ASSERT_EQ(0, sw_do(&w, cmd));
	ASSERT_EQ(0, sw_place(&w, 1, 0, 2, 3, 4));
	EXPECT_EQ(1, say(&w, STATE_CMD_REPLICA_CREATED, 1, 0, 1));
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_CREATED, 1, 0, 1));
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_CREATED, 1, 0, 2)); /* not his */
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_CREATED, 1, 1, 1));
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_CREATED, 1, 9, 1));
	EXPECT_EQ(5, state_volume_by_id(w.s, 1)->unmade);
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, REPLICA_CREATED, .node = 1,
				       .rest = { (const u8 *)"12345", 5 }));
	EXPECT_EQ(STATE_WHY_NO_NODE, SW_DO(&w, REPLICA_CREATED, .node = 9));
	/* S11: no report takes away what is in use */
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_DELETED, 1, 0, 1));
	EXPECT_EQ(3, state_shard_at(w.s, 0)->nr);
}

TEST(deleted)
{
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 4);
	sw_volume(&w, "v", 2, 3, 4);
	SW_OK(&w, VOLUME_DELETE, .volume = 1);
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_CREATED, 1, 0, 1));
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_DELETED, 1, 0, 2));
	EXPECT_EQ(1, say(&w, STATE_CMD_REPLICA_DELETED, 2, 0, 2));
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_DELETED, 2, 0, 2));
	EXPECT_EQ(1, say(&w, STATE_CMD_REPLICA_DELETED, 1, 0, 1));
	EXPECT_EQ(1, say(&w, STATE_CMD_REPLICA_DELETED, 3, 0, 3));
	EXPECT_EQ(1, w.s->pool[STATE_SHARDS].nr);
	EXPECT_EQ(1, state_volume_by_id(w.s, 1)->left);
}

/* A tombstone, once; and only by the node that has it. */
TEST(tombstone)
{
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 4);
	sw_volume(&w, "v", 1, 3, 4);
	SW_OK(&w, SHARD_PROPOSE, .volume = 1, .epoch = 1, .nr_add = 1,
	      .add = { 4 });
	SW_OK(&w, SHARD_ABORT, .volume = 1, .epoch = 1);
	EXPECT_EQ(1, state_store_by_id(w.s, 4)->nr_tombs);
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_DELETED, 3, 0, 4));
	EXPECT_EQ(1, say(&w, STATE_CMD_REPLICA_DELETED, 4, 0, 4));
	EXPECT_EQ(0, say(&w, STATE_CMD_REPLICA_DELETED, 4, 0, 4));
	EXPECT_EQ(0, w.s->pool[STATE_TOMBS].nr);
}

TEST_HARNESS_MAIN
