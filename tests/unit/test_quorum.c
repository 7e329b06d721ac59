// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quorums: sizes, joint sets, and that any two of them meet.
 */
#include "harness.h"
#include "quorum.h"

static void make(struct qbd_set *set, u32 nr)
{
	struct qbd_member member[QBD_SET_MAX];
	u32 i;

	for (i = 0; i < nr; i++)
		member[i] = (struct qbd_member){ 100 + i, 1 + i };
	ASSERT_EQ(0, qbd_set_init(set, 3, member, nr));
}

/* Joint: `old` of the first members, `next` of the last, `nr` in all. */
static void make_joint(struct qbd_set *set, u32 nr, u32 old, u32 next)
{
	u32 i;

	memset(set, 0, sizeof(*set));
	set->nr = nr;
	set->old = (1U << old) - 1;
	set->next = ((1U << next) - 1) << (nr - next);
	for (i = 0; i < nr; i++)
		set->member[i] = (struct qbd_member){ 100 + i, 1 + i };
	ASSERT_EQ(0, qbd_set_check(set));
}

TEST(majorities)
{
	static const u32 size[] = { 0, 1, 2, 2, 3, 3, 4, 4 };
	struct qbd_set set;
	u32 nr;

	for (nr = 1; nr <= QBD_SET_MAX; nr++) {
		make(&set, nr);
		EXPECT_FALSE(qbd_quorum_has(&set, (1U << (size[nr] - 1)) - 1));
		EXPECT_TRUE(qbd_quorum_has(&set, (1U << size[nr]) - 1));
	}
}

TEST(any_two_meet)
{
	struct qbd_set set;
	u32 nr, a, b;

	for (nr = 1; nr <= QBD_SET_MAX; nr++) {
		make(&set, nr);
		for (a = 0; a < 1U << nr; a++)
			for (b = 0; b < 1U << nr; b++)
				ASSERT_TRUE((a & b) ||
					    !qbd_quorum_has(&set, a) ||
					    !qbd_quorum_has(&set, b));
	}
}

TEST(joint_takes_both)
{
	struct qbd_set set;
	u64 index[QBD_MEMBERS_MAX] = { 9, 8, 7, 3, 2, 1 };

	make_joint(&set, 6, 3, 3);
	EXPECT_FALSE(qbd_quorum_has(&set, 0x07));
	EXPECT_FALSE(qbd_quorum_has(&set, 0x38));
	EXPECT_TRUE(qbd_quorum_has(&set, 0x1b));
	EXPECT_EQ(2, qbd_quorum_index(&set, index));
	set.next = 0;
	EXPECT_EQ(8, qbd_quorum_index(&set, index));
}

TEST(index_is_what_a_quorum_has)
{
	u64 index[QBD_MEMBERS_MAX], reached;
	struct qbd_set set;
	u32 round, i;
	u16 mask, above;

	for (round = 0; round < 5000; round++) {
		u32 nr = 1 + th_rand() % QBD_SET_MAX;

		if (round % 2)
			make(&set, nr);
		else
			make_joint(&set, nr, 1 + th_rand() % nr,
				   1 + th_rand() % nr);
		mask = 0;
		above = 0;
		for (i = 0; i < QBD_MEMBERS_MAX; i++)
			index[i] = th_rand() % 10;
		reached = qbd_quorum_index(&set, index);
		for (i = 0; i < set.nr; i++) {
			mask |= (index[i] >= reached) << i;
			above |= (index[i] > reached) << i;
		}
		ASSERT_TRUE(qbd_quorum_has(&set, mask));
		ASSERT_FALSE(qbd_quorum_has(&set, above));
	}
}

TEST(sets_that_are_none)
{
	struct qbd_member member[QBD_SET_MAX + 1];
	struct qbd_set set;
	u32 i;

	for (i = 0; i <= QBD_SET_MAX; i++)
		member[i] = (struct qbd_member){ 100 + i, 1 + i };
	EXPECT_EQ(-EINVAL, qbd_set_init(&set, 1, member, 0));
	EXPECT_EQ(-EINVAL, qbd_set_init(&set, 1, member, QBD_SET_MAX + 1));
	member[1].node = member[0].node;
	EXPECT_EQ(-EINVAL, qbd_set_init(&set, 1, member, 3));
	member[1].node = 0;
	EXPECT_EQ(-EINVAL, qbd_set_init(&set, 1, member, 3));
	member[1] = (struct qbd_member){ member[0].replica, 9 };
	EXPECT_EQ(-EINVAL, qbd_set_init(&set, 1, member, 3));
	make(&set, 3);
	set.next = 1U << 3;
	EXPECT_EQ(-EINVAL, qbd_set_check(&set));
	make(&set, 3);
	set.old = 0;
	EXPECT_EQ(-EINVAL, qbd_set_check(&set));
	make(&set, 3);
	EXPECT_EQ(1, qbd_set_find(&set, 101));
	EXPECT_EQ(-ENOENT, qbd_set_find(&set, 103));
}

/* A set of replicas 100.. on nodes 1..; bits of the masks are nodes - 1. */
static void make_of(struct qbd_set *set, u64 epoch, u32 old, u32 next, u32 more)
{
	u32 i;

	memset(set, 0, sizeof(*set));
	set->epoch = epoch;
	for (i = 0; i < 6; i++) {
		if (!((old | next | more) & (1U << i)))
			continue;
		set->member[set->nr] = (struct qbd_member){ 100 + i, 1 + i };
		set->old |= (old >> i & 1) << set->nr;
		set->next |= (next >> i & 1) << set->nr;
		set->nr++;
	}
}

TEST(steps)
{
	struct qbd_set from, to;

	make_of(&from, 5, 7, 0, 0);
	make_of(&to, 5, 7, 0, 0x18);
	EXPECT_EQ(0, qbd_set_step(&from, &to)); /* learners */
	EXPECT_EQ(0, qbd_set_step(&to, &from));
	make_of(&to, 4, 7, 0, 0);
	EXPECT_EQ(-ESTALE, qbd_set_step(&from, &to));
	make_of(&to, 5, 3, 0, 0);
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to));
	make_of(&to, 6, 3, 0, 0);
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to)); /* not by itself */
	make_of(&to, 6, 7, 0, 0);
	EXPECT_EQ(0, qbd_set_step(&from, &to)); /* an abort */
	make_of(&to, 6, 7, 14, 0);
	EXPECT_EQ(0, qbd_set_step(&from, &to));
	to.member[1].node = 9;
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to)); /* it moved */
	make_of(&from, 6, 7, 14, 0);
	make_of(&to, 7, 14, 0, 0);
	EXPECT_EQ(0, qbd_set_step(&from, &to));
	make_of(&to, 8, 7, 0, 0);
	EXPECT_EQ(0, qbd_set_step(&from, &to));
	make_of(&to, 8, 11, 0, 0);
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to));
	make_of(&to, 8, 7, 11, 0);
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to));
	make_of(&to, 6, 7, 11, 0);
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to));
	make_of(&to, 8, 0, 0, 0);
	EXPECT_EQ(-EINVAL, qbd_set_step(&from, &to)); /* no set at all */
}

/* Voters of a set by node, so that two sets can be compared. */
static bool has(const struct qbd_set *set, u32 nodes)
{
	u16 mask = 0;
	u32 i;

	for (i = 0; i < set->nr; i++)
		if (nodes >> (set->member[i].node - 1) & 1)
			mask |= 1U << i;
	return qbd_quorum_has(set, mask);
}

/* All sets that may follow each other, of five nodes: their quorums meet. */
TEST(steps_meet)
{
	struct qbd_set from, to;
	u32 old, next, joint, a, b;

	for (old = 1; old < 32; old++) {
		for (next = 1; next < 32; next++) {
			for (joint = 0; joint < 2; joint++) {
				make_of(&from, 5, old, joint ? next : 0, 0);
				make_of(&to, 6, next, joint ? 0 : old, 0);
				if (qbd_set_step(&from, &to))
					continue;
				for (a = 0; a < 32; a++)
					for (b = 0; b < 32; b++)
						ASSERT_TRUE(a & b ||
							    !has(&from, a) ||
							    !has(&to, b));
			}
		}
	}
}

TEST_HARNESS_MAIN
