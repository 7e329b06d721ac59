// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state that breaks its rules is seen: each kind of damage, by its name.
 */
#include "state_world.h"

static void begin(struct sw *w)
{
	sw_begin(w, &SW_LIMITS, 4);
	sw_volume(w, "db1", 2, 3, 4);
	sw_volume(w, "db2", 1, 2, 4);
	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 5);
	SW_OK(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = 1, .nr_add = 1,
	      .add = { 4 });
	SW_OK(w, SHARD_PROPOSE, .volume = 2, .epoch = 1, .nr_add = 1,
	      .add = { 4 });
	SW_OK(w, SHARD_ABORT, .volume = 2, .epoch = 1);
}

/* What is broken, and what is said of it. */
#define BREAKS(statement, want)                        \
	do {                                           \
		const char *said;                      \
		struct sw w;                           \
		struct state *s;                       \
		begin(&w);                             \
		s = w.s;                               \
		EXPECT_TRUE(!state_check(s));          \
		statement;                             \
		said = state_check(s);                 \
		EXPECT_STREQ(want, said ?: "nothing"); \
		munmap(s, state_bytes(&SW_LIMITS));    \
	} while (0)

TEST(cluster)
{
	BREAKS(s->cluster.next_replica = 0, "a counter is 0");
	BREAKS(s->cluster.setting[STATE_SET_VOTERS] = 4,
	       "a setting is out of bounds");
	BREAKS(s->cluster.name[0] = '/', "the cluster's name");
	BREAKS(s->cluster.made = 0, "what is no cluster yet has something");
}

TEST(nodes_and_stores)
{
	BREAKS(state_node_at(s, 1)->id = 1, "a node's id");
	BREAKS(state_node_at(s, 1)->state = 9, "a node's state");
	BREAKS(state_node_at(s, 1)->held = STATE_NONE,
	       "number of volumes that are held");
	BREAKS(state_node_at(s, 0)->held = 0,
	       "a list of volumes held is wrong");
	BREAKS(state_node_at(s, 0)->raft = 5, "a node's Raft server");
	BREAKS(strcpy(state_node_at(s, 1)->name, "n0"),
	       "two nodes have one name");
	BREAKS(s->nodes++, "number of nodes");
	BREAKS(state_store_at(s, 0)->node = 2, "a node's store is not its own");
	BREAKS(state_store_at(s, 0)->nr--, "number of replicas");
	BREAKS(s->store_shard[0] = s->store_shard[12 * 3],
	       "a store has a shard that is not there");
	BREAKS(state_store_at(s, 3)->nr_tombs = 0,
	       "a list of tombstones is broken");
	BREAKS(state_store_at(s, 0)->free = U64_MAX, "a store's size");
}

TEST(volumes)
{
	BREAKS(state_volume_at(s, 1)->id = 9, "a volume's id");
	BREAKS(strcpy(state_volume_at(s, 1)->name, "db1"),
	       "two volumes have one name");
	BREAKS(state_volume_at(s, 1)->size++, "a volume's size");
	BREAKS(state_volume_at(s, 1)->unmade++,
	       "a volume is ready and not whole");
	BREAKS(state_volume_at(s, 0)->holder = 3,
	       "a list of volumes held is wrong");
	BREAKS(state_volume_at(s, 0)->session = 0, "a holder without a term");
	BREAKS(state_volume_at(s, 1)->want = 9,
	       "a volume is wanted where there is no node");
	BREAKS(state_volume_at(s, 1)->term = U64_MAX, "a volume's term");
	BREAKS(s->shards_owed++, "number of shards");
}

TEST(shards)
{
	BREAKS(state_shard_at(s, 0)->epoch = 0, "a shard's epoch");
	BREAKS(state_shard_at(s, 0)->number = 1, "a shard's number");
	BREAKS(state_shard_at(s, 0)->volume = 9, "a shard has no volume");
	BREAKS(state_shard_at(s, 0)->flags |= 8,
	       "a replica was made that is none");
	BREAKS(state_shard_at(s, 0)->member[0] = 0, "a replica's id");
	BREAKS(state_shard_at(s, 0)->member[0] |= 1ULL << 40, "a replica's id");
	BREAKS(state_shard_at(s, 0)->member[0] |= 1ULL << 52,
	       "a replica has no store");
	BREAKS(state_shard_at(s, 0)->member[0] =
		       state_shard_at(s, 0)->member[1],
	       "two replicas of a shard are on one node");
	BREAKS(state_change_of(s, 0, NULL)->stage = 0, "a change's stage");
	BREAKS(state_change_of(s, 0, NULL)->stage = STATE_STAGE_JOINT,
	       "a joint set with a replica that is not made");
	BREAKS(state_change_of(s, 0, NULL)->leave = 8,
	       "a change of who is no member");
}

TEST_HARNESS_MAIN
