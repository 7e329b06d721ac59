// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others see of a server: raft/look.c.
 */
#include "raft_input.h"

TEST(seen)
{
	FILE *out = fopen("/dev/null", "w");
	struct raft_snap snap;

	ASSERT_TRUE(out);
	rt_input("init id=3 conf=123 term=1", out);
	EXPECT_EQ(RAFT_FOLLOWER, raft_role(&rt.raft));
	EXPECT_EQ(0, raft_leader(&rt.raft));
	EXPECT_NE(U64_MAX, raft_deadline(&rt.raft));
	rt_input("append from=1 pos=0.0 e=1:-,1:!123+4,1:a commit=1", out);
	EXPECT_EQ(1, raft_leader(&rt.raft));
	EXPECT_EQ(1, raft_term(&rt.raft));
	EXPECT_EQ(3, raft_log(&rt.raft)->last);
	EXPECT_EQ(4, raft_config(&rt.raft)->nr);
	EXPECT_EQ(0, raft_snapshot(&rt.raft)->pos.index);
	EXPECT_EQ(0, raft_counters(&rt.raft)->bad);
	/* with the committed configuration, not the latest */
	ASSERT_EQ(0, raft_snapshot_begin(&rt.raft, 1, &snap));
	EXPECT_EQ(3, snap.conf.nr);
	EXPECT_EQ(-EAGAIN, raft_snapshot_begin(&rt.raft, 2, &snap));
	/* who joined does not know yet what the cluster began with */
	rt_input("init id=4", out);
	rt_input("append from=1 term=1 pos=0.0 e=1:-,1:!123+4 commit=1", out);
	EXPECT_EQ(-EAGAIN, raft_snapshot_begin(&rt.raft, 1, &snap));
	rt_input("append from=1 pos=1.2 commit=2", out);
	EXPECT_EQ(0, raft_snapshot_begin(&rt.raft, 2, &snap));
	rt_input("init id=3 conf=123 damaged", out);
	EXPECT_EQ(U64_MAX, raft_deadline(&rt.raft));
	fclose(out);
}

TEST(names)
{
	EXPECT_STREQ("follower", raft_role_name(RAFT_FOLLOWER));
	EXPECT_STREQ("stopped", raft_role_name(RAFT_STOPPED));
	EXPECT_STREQ("?", raft_role_name(RAFT_STOPPED + 1));
}

TEST_HARNESS_MAIN
