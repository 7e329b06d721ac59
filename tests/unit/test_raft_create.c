// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a store may have, and what it can not: raft/create.c.
 */
#include "raft_input.h"

TEST(trace)
{
	trace_run("tests/traces/raft_create.txt", rt_input);
}

TEST(options)
{
	struct raft_options good = { .id = 1,
				     .election_ns = 100,
				     .beat_ns = 50,
				     .window = 1,
				     .append_entries = 1,
				     .append_bytes = 1,
				     .chunk_bytes = 1,
				     .slot = rt.slot,
				     .slots = 64,
				     .pool = rt.pool,
				     .pool_bytes = 1 };
	struct raft_start start = { 0 };
	struct raft_options bad = good;

	EXPECT_EQ(sizeof(struct raft), raft_size());
	EXPECT_EQ(0, raft_create(&rt.raft, &good, &start));
	bad.id = 0;
	EXPECT_EQ(-EINVAL, raft_create(&rt.raft, &bad, &start));
	bad = good;
	bad.beat_ns = 51;
	EXPECT_EQ(-EINVAL, raft_create(&rt.raft, &bad, &start));
	bad = good;
	bad.slots = 63;
	EXPECT_EQ(-EINVAL, raft_create(&rt.raft, &bad, &start));
	bad = good;
	bad.append_entries = RAFT_APPEND_ENTRIES_MAX + 1;
	EXPECT_EQ(-EINVAL, raft_create(&rt.raft, &bad, &start));
	bad = good;
	bad.pool = NULL;
	EXPECT_EQ(-EINVAL, raft_create(&rt.raft, &bad, &start));
}

TEST_HARNESS_MAIN
