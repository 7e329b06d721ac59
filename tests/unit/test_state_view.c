// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views: what a node has to do, whom it needs, who has to know.
 */
#include "state_sample.h"

static u64 peers(struct sw *w, u32 node)
{
	u64 bits;

	ASSERT_EQ(0, state_view_peers(w->s, node, &bits, 1));
	return bits;
}

/* db1 is on nodes 1, 2, 3; 5 joins; node 2 holds it.  wide goes. */
TEST(peers)
{
	struct sw w;
	u64 bits;

	sample_state(&w);
	EXPECT_EQ(0x1e, peers(&w, 1)); /* 2, 3, 5, and 4 of wide */
	EXPECT_EQ(0x07, peers(&w, 5));
	EXPECT_EQ(0x00, peers(&w, 6)); /* it only has something to delete */
	EXPECT_EQ(-ENOENT, state_view_peers(w.s, 9, &bits, 1));
	SW_OK(&w, ATTACH, .volume = 1, .node = 6, .session = 9,
	      .flags = STATE_ATTACH_FORCE);
	EXPECT_EQ(0x17, peers(&w, 6)); /* it leads, without a copy */
	EXPECT_EQ(0x27, peers(&w, 5));
}

TEST(replicas)
{
	struct state_replica_view view;
	struct state_replicas walk;
	u32 seen[3] = { 0 };
	struct sw w;

	sample_state(&w);
	ASSERT_EQ(0, state_replicas_begin(&walk, w.s, 1));
	while (state_replicas_next(&walk, &view)) {
		seen[view.todo]++;
		if (view.todo == STATE_TODO_DELETE) {
			EXPECT_EQ(2, view.shard.volume);
			continue;
		}
		EXPECT_EQ(1, view.shard.volume);
		EXPECT_EQ(1, view.floor);
		EXPECT_EQ(SW_SHARD, view.bytes);
		EXPECT_EQ(view.shard.number ? 1 : 2, view.shard.epoch);
	}
	EXPECT_EQ(2, seen[STATE_TODO_KEEP]);
	EXPECT_EQ(1, seen[STATE_TODO_DELETE]);
	/* a tombstone: id and epoch, nothing else */
	ASSERT_EQ(0, state_replicas_begin(&walk, w.s, 6));
	ASSERT_TRUE(state_replicas_next(&walk, &view));
	EXPECT_EQ(STATE_TODO_DELETE, view.todo);
	EXPECT_EQ(12, view.replica);
	EXPECT_EQ(1, view.shard.epoch);
	EXPECT_EQ(0, view.shard.nr);
	EXPECT_FALSE(state_replicas_next(&walk, &view));
	EXPECT_EQ(-ENOENT, state_replicas_begin(&walk, w.s, 7));
}

TEST(lookups)
{
	const struct state_volume *volume;
	u32 slot = STATE_NONE, nr = 0, at = 0;
	struct sw w;

	sample_state(&w);
	volume = state_volume_by_name(w.s, "db1");
	EXPECT_EQ(volume, state_volume_by_id(w.s, 1));
	EXPECT_EQ(volume, state_held_walk(w.s, 2, &slot));
	EXPECT_TRUE(!state_held_walk(w.s, 2, &slot));
	slot = STATE_NONE;
	EXPECT_TRUE(!state_held_walk(w.s, 99, &slot));
	while (state_node_walk(w.s, &at))
		nr++;
	EXPECT_EQ(6, nr);
	at = 0;
	EXPECT_EQ(1, state_store_walk(w.s, &at)->id);
	at = 0;
	EXPECT_EQ(1, state_token_walk(w.s, &at)->id);
	at = 0;
	EXPECT_EQ(1, state_job_walk(w.s, &at)->id);
	at = 0;
	EXPECT_EQ(volume, state_volume_walk(w.s, &at));
	EXPECT_TRUE(!state_node_by_name(w.s, "nobody"));
	EXPECT_EQ(-ENOENT,
		  state_view_shard(w.s, 1, 2, &(struct state_shard_view){ 0 }));
}

TEST(audience)
{
	static const struct {
		struct state_item item;
		bool all;
		u64 bits;
	} cases[] = {
		{ { STATE_KIND_CLUSTER, 0, 0 }, true, 0 },
		{ { STATE_KIND_NODE, 0, 3 }, true, 0 },
		{ { STATE_KIND_STORE, 0, 3 }, false, 0x04 },
		{ { STATE_KIND_SHARD, 0, 1 }, false, 0x17 },
		{ { STATE_KIND_SHARD, 1, 1 }, false, 0x07 },
		{ { STATE_KIND_SHARD, 9, 1 }, false, 0 },
		{ { STATE_KIND_VOLUME, 0, 1 }, false, 0x37 },
		{ { STATE_KIND_VOLUME, 0, 9 }, true, 0 }, /* it is gone */
		{ { STATE_KIND_HOLDER, 1, 6 }, false, 0x20 },
		{ { STATE_KIND_JOB, 0, 1 }, false, 0 },
	};
	struct sw w;
	u64 bits;
	u32 i;

	sample_state(&w);
	SW_OK(&w, VOLUME_SET, .volume = 1, .flags = STATE_VOLUME_SET_WANT,
	      .node = 6);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].all,
			  state_view_audience(w.s, &cases[i].item, &bits, 1));
		if (!cases[i].all)
			EXPECT_EQ(cases[i].bits, bits);
	}
}

TEST(counts)
{
	struct state_counts counts;
	struct sw w;

	sample_state(&w);
	state_view_counts(w.s, &counts);
	EXPECT_EQ(6, counts.nodes[STATE_NODE_ACTIVE]);
	EXPECT_EQ(5, counts.stores[STATE_STORE_ACTIVE]);
	EXPECT_EQ(1, counts.stores[STATE_STORE_GONE]);
	EXPECT_EQ(1, counts.volumes[STATE_VOLUME_DELETING]);
	EXPECT_EQ(1, counts.held);
	EXPECT_EQ(3, counts.shards);
	EXPECT_EQ(1, counts.changing);
	EXPECT_EQ(1, counts.tombs);
	EXPECT_EQ(1, counts.jobs);
	EXPECT_EQ(0, counts.unmade);
}

TEST_HARNESS_MAIN
