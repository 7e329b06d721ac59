// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of voters: sizes, quorums that meet, and the two steps of a change.
 */
#include "harness.h"
#include "raft/config.h"

static struct raft_members want(u32 voters, u32 learners, u64 first)
{
	struct raft_members members = { .voters = voters,
					.learners = learners };
	u32 i;

	for (i = 0; i < voters + learners; i++)
		members.id[i] = first + i;
	return members;
}

TEST(majorities)
{
	static const u32 size[] = { 0, 1, 2, 2, 3, 3, 4, 4 };
	u64 index[RAFT_MEMBERS_MAX] = { 70, 60, 50, 40, 30, 20, 10 };
	struct raft_members members;
	struct raft_config conf;
	u32 nr;

	for (nr = 1; nr <= RAFT_VOTERS_MAX; nr++) {
		members = want(nr, 2, 1);
		ASSERT_EQ(0, raft_config_simple(&conf, &members));
		ASSERT_EQ(0, raft_config_check(&conf));
		EXPECT_FALSE(
			raft_quorum_has(&conf, (1U << (size[nr] - 1)) - 1));
		EXPECT_TRUE(raft_quorum_has(&conf, (1U << size[nr]) - 1));
		EXPECT_EQ(80 - 10 * size[nr], raft_quorum_index(&conf, index));
		/* learners are nobody */
		EXPECT_FALSE(raft_quorum_has(&conf, 3U << nr));
	}
	members = want(8, 0, 1);
	EXPECT_EQ(-EINVAL, raft_config_simple(&conf, &members));
	members = want(0, 3, 1);
	EXPECT_EQ(-EINVAL, raft_config_simple(&conf, &members));
	memset(&conf, 0, sizeof(conf));
	EXPECT_FALSE(raft_quorum_has(&conf, 0xffff));
}

/* Each quorum of a joint set meets each of the set before and the one after. */
TEST(joint_meets)
{
	struct raft_members members = want(3, 1, 1);
	struct raft_config from, joint, to;
	u32 a, b, i;

	ASSERT_EQ(0, raft_config_simple(&from, &members));
	members = want(3, 1, 3); /* 3, 4, 5 and learner 6 */
	ASSERT_EQ(0, raft_config_joint(&from, &members, &joint));
	EXPECT_EQ(6, joint.nr);
	EXPECT_EQ(0x07, joint.old);
	EXPECT_EQ(0x1c, joint.next);
	EXPECT_EQ(0x20, joint.learn);
	raft_config_leave(&joint, &to);
	ASSERT_EQ(0, raft_config_check(&to));
	EXPECT_EQ(4, to.nr);
	for (a = 0; a < 64; a++) {
		u16 mask = 0;

		if (!raft_quorum_has(&joint, a))
			continue;
		for (i = 0; i < to.nr; i++)
			if (a >> raft_config_find(&joint, to.id[i]) & 1)
				mask |= 1U << i;
		EXPECT_TRUE(raft_quorum_has(&to, mask));
		for (b = 0; b < 8; b++)
			EXPECT_TRUE((a & b) || !raft_quorum_has(&from, b));
	}
}

TEST(joint_index)
{
	struct raft_members members = want(3, 0, 1);
	struct raft_config from, joint;
	u64 index[RAFT_MEMBERS_MAX] = { 9, 9, 1, 4, 2 };

	raft_config_simple(&from, &members);
	members = want(3, 0, 3);
	ASSERT_EQ(0, raft_config_joint(&from, &members, &joint));
	EXPECT_EQ(2, raft_quorum_index(&joint, index));
	EXPECT_EQ(-EINVAL, raft_config_joint(&joint, &members, &from));
}

/* Learners come and go in one step; a voter can become one. */
TEST(learners)
{
	struct raft_members members = want(3, 0, 1);
	struct raft_config from, to;

	raft_config_simple(&from, &members);
	members = want(3, 2, 1);
	ASSERT_EQ(0, raft_config_joint(&from, &members, &to));
	EXPECT_EQ(0, to.next);
	EXPECT_EQ(0x18, to.learn);
	members = want(2, 1, 1);
	ASSERT_EQ(0, raft_config_joint(&from, &members, &to));
	EXPECT_EQ(0x03, to.next);
	EXPECT_EQ(0x04, to.learn);
	EXPECT_TRUE(raft_config_votes(&to, 3));
	raft_config_leave(&to, &from);
	EXPECT_FALSE(raft_config_votes(&from, 3));
	EXPECT_EQ(3, from.nr);
	EXPECT_FALSE(raft_config_same(&from, &to));
}

TEST(no_room)
{
	struct raft_members members = want(7, 2, 1);
	struct raft_config from, to;

	raft_config_simple(&from, &members);
	members = want(7, 2, 8);
	EXPECT_EQ(0, raft_config_joint(&from, &members, &to));
	members = want(7, 3, 8);
	EXPECT_EQ(-EINVAL, raft_config_joint(&from, &members, &to));
	members.id[1] = members.id[0];
	EXPECT_EQ(-EINVAL, raft_config_joint(&from, &members, &to));
}

TEST(check)
{
	struct raft_members members = want(3, 1, 1);
	struct raft_config good, bad;

	raft_config_simple(&good, &members);
	bad = good;
	bad.id[2] = bad.id[1];
	EXPECT_EQ(-EINVAL, raft_config_check(&bad));
	bad = good;
	bad.id[3] = 0;
	EXPECT_EQ(-EINVAL, raft_config_check(&bad));
	bad = good;
	bad.old |= 0x10;
	EXPECT_EQ(-EINVAL, raft_config_check(&bad));
	bad = good;
	bad.learn |= 1; /* votes and learns */
	EXPECT_EQ(-EINVAL, raft_config_check(&bad));
	bad = good;
	bad.learn = 0; /* nothing at all */
	EXPECT_EQ(-EINVAL, raft_config_check(&bad));
	bad = good;
	bad.old = 0;
	EXPECT_EQ(-EINVAL, raft_config_check(&bad));
}

TEST_HARNESS_MAIN
