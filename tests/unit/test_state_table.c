// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots and indexes: the lowest free slot, and what is found after objects came
 * and went in any order.
 */
#include "state_world.h"

TEST(lowest_first)
{
	struct state *s = sw_state(&SW_LIMITS);
	u32 i;

	for (i = 0; i < SW_LIMITS.shards; i++)
		EXPECT_EQ(i, state_take(s, STATE_SHARDS));
	EXPECT_EQ(STATE_NONE, state_take(s, STATE_SHARDS));
	state_give(s, STATE_SHARDS, 17);
	state_give(s, STATE_SHARDS, 3);
	EXPECT_FALSE(state_used(s, STATE_SHARDS, 3));
	EXPECT_EQ(4, state_next(s, STATE_SHARDS, 3));
	EXPECT_EQ(3, state_take(s, STATE_SHARDS));
	EXPECT_EQ(17, state_take(s, STATE_SHARDS));
	EXPECT_EQ(STATE_NONE, state_take(s, STATE_SHARDS));
	state_give(s, STATE_SHARDS, 5);
	EXPECT_FALSE(state_take_at(s, STATE_SHARDS, 6));
	EXPECT_FALSE(state_take_at(s, STATE_SHARDS, SW_LIMITS.shards));
	EXPECT_TRUE(state_take_at(s, STATE_SHARDS, 5));
	EXPECT_EQ(STATE_NONE, state_next(s, STATE_SHARDS, SW_LIMITS.shards));
}

/* An index that is emptied and filled at random finds what is there. */
TEST(finds)
{
	struct state *s = sw_state(&SW_LIMITS);
	u32 round, slot, i, max = SW_LIMITS.shards;
	struct state_shard *shard;
	u64 key[64];

	memset(key, 0xff, sizeof(key));
	for (round = 0; round < 20000; round++) {
		slot = th_rand() % max;
		if (state_used(s, STATE_SHARDS, slot)) {
			state_index_del(s, STATE_BY_SHARD, slot);
			state_give(s, STATE_SHARDS, slot);
			key[slot] = U64_MAX;
			continue;
		}
		ASSERT_TRUE(state_take_at(s, STATE_SHARDS, slot));
		shard = state_shard_at(s, slot);
		do {
			shard->volume = th_rand() % 3;
			shard->number = th_rand() % 40;
			key[slot] =
				state_shard_key(shard->volume, shard->number);
		} while (state_find(s, STATE_BY_SHARD, key[slot]) !=
			 STATE_NONE);
		state_index_add(s, STATE_BY_SHARD, slot);
		for (i = 0; i < max; i++)
			if (key[i] != U64_MAX)
				ASSERT_EQ(i, state_find(s, STATE_BY_SHARD,
							key[i]));
	}
	EXPECT_EQ(STATE_NONE, state_find(s, STATE_BY_SHARD, U64_MAX));
}

TEST(names)
{
	struct state *s = sw_state(&SW_LIMITS);
	u32 a = state_take(s, STATE_NODES), b = state_take(s, STATE_NODES);

	strcpy(state_node_at(s, a)->name, "n1");
	strcpy(state_node_at(s, b)->name, "n10");
	state_index_add(s, STATE_BY_NODE_NAME, a);
	state_index_add(s, STATE_BY_NODE_NAME, b);
	EXPECT_EQ(a, state_find_bytes(s, STATE_BY_NODE_NAME, "n1"));
	EXPECT_EQ(b, state_find_bytes(s, STATE_BY_NODE_NAME, "n10"));
	EXPECT_EQ(STATE_NONE, state_find_bytes(s, STATE_BY_NODE_NAME, "n"));
	state_index_del(s, STATE_BY_NODE_NAME, a);
	EXPECT_EQ(STATE_NONE, state_find_bytes(s, STATE_BY_NODE_NAME, "n1"));
	EXPECT_EQ(b, state_find_bytes(s, STATE_BY_NODE_NAME, "n10"));
}

TEST(cells)
{
	EXPECT_EQ(4, state_index_cells(2));
	EXPECT_EQ(8, state_index_cells(4));
	EXPECT_EQ(1U << 22, state_index_cells(2500000));
	EXPECT_EQ(STATE_CHANGES, state_index_table(STATE_BY_CHANGE));
}

TEST_HARNESS_MAIN
