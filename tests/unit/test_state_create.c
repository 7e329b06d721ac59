// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: what a state needs, what a full cell costs, and a copy of one.
 */
#include "state_world.h"
#include "state/snapshot.h"

TEST(limits)
{
	struct state_limits limits = SW_LIMITS;
	u64 bytes = state_bytes(&limits);
	struct state *s = sw_map(bytes);

	ASSERT_NE(0, bytes);
	EXPECT_EQ(-ENOSPC, state_create(s, bytes - 1, &limits));
	EXPECT_EQ(0, state_create(s, bytes, &limits));
	EXPECT_EQ(SW_LIMITS.nodes, state_limits(s)->nodes);
	EXPECT_FALSE(state_cluster(s)->made);
	limits.store_slots = 65535; /* a member has 16 bits for it */
	EXPECT_EQ(0, state_bytes(&limits));
	EXPECT_EQ(-EINVAL, state_create(s, bytes, &limits));
	limits = SW_LIMITS;
	limits.node_slots = limits.nodes; /* none for tombstones */
	EXPECT_EQ(0, state_bytes(&limits));
	limits = SW_LIMITS;
	limits.jobs = 0;
	EXPECT_EQ(0, state_bytes(&limits));
}

/* The cell that is promised: 64 bytes a shard, 1 KiB a volume. */
TEST(a_cell_fits)
{
	struct state_limits limits = STATE_LIMITS_CELL;
	double cells = state_index_cells(limits.shards);

	EXPECT_LE(sizeof(struct state_shard) + 3 * 4 + 1.0 / 8 +
			  4 * cells / limits.shards,
		  64.0);
	cells = 2.0 * state_index_cells(limits.volumes);
	EXPECT_LE(sizeof(struct state_volume) + 4 * cells / limits.volumes,
		  1024.0);
	EXPECT_LE((u64)limits.shards * 3,
		  (u64)limits.stores * limits.store_replicas);
	EXPECT_LE(state_bytes(&limits), 400ULL << 20);
}

TEST(clone)
{
	static u8 one[STATE_CHUNK_BYTES_MAX], two[STATE_CHUNK_BYTES_MAX];
	struct state_snapshot from, to;
	struct state *copy;
	struct sw w;
	int bytes;

	sw_begin(&w, &SW_LIMITS, 4);
	sw_volume(&w, "db1", 3, 4, 4);
	SW_OK(&w, ATTACH, .volume = 1, .node = 2, .session = 5);
	copy = sw_map(state_bytes(&SW_LIMITS));
	EXPECT_EQ(-ENOSPC, state_clone(copy, 100, w.s));
	ASSERT_EQ(0, state_clone(copy, state_bytes(&SW_LIMITS), w.s));
	EXPECT_TRUE(!state_check(copy));
	state_snapshot_begin(&from, w.s);
	state_snapshot_begin(&to, copy);
	do {
		bytes = state_snapshot_next(&from, one, sizeof(one));
		ASSERT_EQ(bytes, state_snapshot_next(&to, two, sizeof(two)));
		EXPECT_MEMEQ(one, two, bytes);
	} while (bytes > 0);
	/* the copy goes its own way */
	SW_OK(&w, DETACH, .volume = 1, .node = 2, .term = 1);
	EXPECT_EQ(2, state_volume_by_id(copy, 1)->holder);
	EXPECT_TRUE(!state_check(copy));
	EXPECT_GT(state_bytes_used(w.s), sizeof(struct state));
}

TEST_HARNESS_MAIN
