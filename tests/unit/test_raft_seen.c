// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far a server was: who went back is known, another one is not taken for
 * it.
 */
#include "harness.h"
#include "raft/seen.h"

TEST(behind)
{
	struct raft_seen seen = { 0 };

	EXPECT_FALSE(raft_seen_behind(&seen, 7, 0));
	EXPECT_FALSE(raft_seen_behind(&seen, 7, 5));
	raft_seen_heard(&seen, 7, 5);
	EXPECT_FALSE(raft_seen_behind(&seen, 7, 5));
	EXPECT_FALSE(raft_seen_behind(&seen, 7, 6));
	EXPECT_TRUE(raft_seen_behind(&seen, 7, 4));
	/* what it says when it went back does not count */
	raft_seen_heard(&seen, 7, 4);
	EXPECT_TRUE(raft_seen_behind(&seen, 7, 4));
	/* its node has another server, with a log of its own */
	EXPECT_FALSE(raft_seen_behind(&seen, 8, 1));
	raft_seen_heard(&seen, 8, 1);
	EXPECT_EQ(1, seen.generation);
	EXPECT_FALSE(raft_seen_behind(&seen, 7, 4));
	EXPECT_TRUE(raft_seen_behind(&seen, 8, 0));
}

TEST_HARNESS_MAIN
