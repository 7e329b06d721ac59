// SPDX-License-Identifier: GPL-2.0-only
/* core/share.c: who may have how much of a log. */
#include "harness.h"
#include "bed.h"
#include "store_core.h"

static struct qbd_share divided(u64 usable, u32 nr, u64 least)
{
	struct qbd_share share;

	qbd_share_init(&share, usable, nr, least);
	return share;
}

TEST(a_quarter_is_divided_and_half_is_common)
{
	struct qbd_share share = divided(1600, 4, 10);

	EXPECT_EQ(100, share.own);
	EXPECT_EQ(800, share.common);
	EXPECT_EQ(800, share.most);
	share = divided(1600, 0, 10);
	EXPECT_EQ(400, share.own);
}

TEST(each_has_room_for_the_largest_record)
{
	struct qbd_share share;

	EXPECT_TRUE(qbd_share_init(&share, 1600, 4, 300));
	EXPECT_EQ(300, share.own);
	EXPECT_EQ(0, share.common);
	EXPECT_FALSE(qbd_share_init(&share, 1600, 5, 300));
	EXPECT_EQ(0, share.common);
	/* Then each still has its largest record, as long as it is alone. */
	EXPECT_TRUE(qbd_share_allows(&share, 0, 300));
	EXPECT_FALSE(qbd_share_allows(&share, 0, 301));
}

TEST(who_comes_first_has_the_common_part)
{
	struct qbd_share share = divided(1600, 4, 10);

	EXPECT_TRUE(qbd_share_allows(&share, 0, 800));
	EXPECT_FALSE(qbd_share_allows(&share, 0, 801));
	qbd_share_moved(&share, 0, 800);
	EXPECT_EQ(700, share.over);
	EXPECT_TRUE(qbd_share_allows(&share, 0, 200));
	EXPECT_FALSE(qbd_share_allows(&share, 0, 201));
	qbd_share_moved(&share, 0, 200);
	EXPECT_FALSE(qbd_share_allows(&share, 0, 101));
	/* Its own part is there for each. */
	EXPECT_TRUE(qbd_share_allows(&share, 0, 100));
	EXPECT_TRUE(qbd_share_allows(&share, 99, 1));
	qbd_share_moved(&share, 800, 50);
	EXPECT_TRUE(qbd_share_allows(&share, 0, 101));
	EXPECT_EQ(100, share.over);
}

/* Any order of more and less: what is live is three quarters at most. */
TEST(three_quarters_are_never_exceeded)
{
	u64 held[7] = {};
	struct qbd_share share = divided(1000, ARRAY_SIZE(held), 17);
	u64 sum = 0, needed;
	u32 step, i, j;

	for (step = 0; step < 20000; step++) {
		u64 more = 1 + th_rand() % 17;

		i = th_rand() % ARRAY_SIZE(held);
		if (th_rand() % 8 == 0) {
			u64 less = held[i] ? th_rand() % held[i] : 0;

			qbd_share_moved(&share, held[i], held[i] - less);
			held[i] -= less;
			sum -= less;
		} else if (qbd_share_allows(&share, held[i], more)) {
			qbd_share_moved(&share, held[i], held[i] + more);
			held[i] += more;
			sum += more;
		} else {
			ASSERT_LT(share.own, held[i] + more);
		}
		for (j = 0, needed = 0; j < ARRAY_SIZE(held); j++)
			needed += max(held[j], share.own);
		ASSERT_GE(750, needed);
		ASSERT_GE(750, sum);
	}
}

/* --- of a store -------------------------------------------------------- */

FIXTURE(store)
{
	struct bed *bed;
	struct qbd_store_core *core;
};

FIXTURE_SETUP(store)
{
	self->bed = bed_new(IMAGE_BLOCKS, QBD_WAL_BLOCKS_MIN);
	self->core = self->bed->core;
}

FIXTURE_TEARDOWN(store)
{
	bed_free(self->bed);
}

/* As many replicas as there may be, with ids from 1. Return: how many. */
static u32 crowd(FIXTURE_DATA(store) * self)
{
	u32 nr = 0;

	while (bed_create(self->bed, nr + 1, BED_SHARD_BLOCKS) >= 0) {
		bed_commit(self->bed);
		nr++;
	}
	return nr;
}

/* Slot and map pages of one that was deleted take a few checkpoints. */
static int join(FIXTURE_DATA(store) * self, u64 replica)
{
	int got = bed_create(self->bed, replica, BED_SHARD_BLOCKS);
	u32 i;

	for (i = 0; i < 4 && got == -EAGAIN; i++) {
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
		got = bed_create(self->bed, replica, BED_SHARD_BLOCKS);
	}
	bed_commit(self->bed);
	return got;
}

/* A replica takes all that it gets. Return: how many records. */
static u32 hog(FIXTURE_DATA(store) * self, u32 slot)
{
	u32 nr = 0, refused = 0;

	while (refused < 2) {
		if (bed_append(self->bed, slot, QBD_OP_WRITE, nr % 900, 3) <
		    0) {
			refused++;
			ASSERT_EQ(0, bed_checkpoint(self->bed, false));
			continue;
		}
		bed_commit(self->bed);
		nr++;
	}
	return nr;
}

TEST_F(store, a_small_log_is_not_for_many)
{
	u32 nr = crowd(self);
	u64 live = qbd_ring_usable(&self->core->ring) * 3 / 4;

	EXPECT_EQ(live / (self->core->ring.payload_max + 1), nr);
	EXPECT_EQ(-ENOSPC, bed_create(self->bed, nr + 1, 1));
	ASSERT_LE(0, qbd_store_delete(self->core, 0, 2));
	EXPECT_EQ(-EAGAIN, bed_create(self->bed, nr + 1, 1));
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
	bed_commit(self->bed);
	EXPECT_LE(0, join(self, nr + 1));
}

/* So slowly that a seal follows each record. */
static void dawdle(FIXTURE_DATA(store) * self, u32 slot)
{
	u32 nr = 0;

	while (bed_append(self->bed, slot, QBD_OP_DISCARD, nr++ % 900, 1) >=
	       0) {
		bed_commit(self->bed);
		if (!qbd_commit_seal_wanted(self->core))
			continue;
		ASSERT_EQ(0, bed_commit_begin(self->bed));
		bed_commit_end(self->bed, 0);
	}
}

/* A replica gets a record in. Return: as qbd_store_append(). */
static int insist(FIXTURE_DATA(store) * self, u32 slot, u32 blocks)
{
	int got = bed_append(self->bed, slot, QBD_OP_WRITE, 0, blocks);
	u32 i;

	for (i = 0; i < 50 && got == -EAGAIN; i++) {
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
		got = bed_append(self->bed, slot, QBD_OP_WRITE, 0, blocks);
	}
	bed_settle(self->bed, slot);
	return got;
}

/* Seals are nobody's: they never keep the log from becoming free. */
TEST_F(store, a_log_of_seals)
{
	u32 nr = crowd(self);
	u32 i;

	/* So that the log has nothing else any more. */
	for (i = 0; i < 40; i++)
		ASSERT_LE(0, insist(self, 0, 16));
	for (i = 0; i < 3 * nr; i++) {
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
		dawdle(self, 1 + i % (nr - 1));
	}
	for (i = 0; i < 40; i++)
		ASSERT_LE(0, insist(self, 0, 16));
}

/* All but one hold what they can, and that one writes on and on. */
TEST_F(store, the_last_one_goes_on)
{
	u32 nr = crowd(self);
	u32 blocks = self->core->ring.payload_max;
	u32 i;

	for (i = 1; i < nr; i++)
		EXPECT_LT(0, hog(self, i));
	for (i = 0; i < 100; i++)
		ASSERT_LE(0, insist(self, 0, blocks));
	EXPECT_LT(nr, self->core->stats.relogged);
}

TEST_F(store, who_joins_waits_for_those_who_hold_too_much)
{
	u32 nr = crowd(self) - 1;
	u64 over;

	ASSERT_LE(0, qbd_store_delete(self->core, nr, 2));
	bed_commit(self->bed);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	ASSERT_LT(0, hog(self, 0));
	over = self->core->share_blocks.over;
	EXPECT_LT(0, over);
	EXPECT_EQ(-EAGAIN, join(self, 99));
	/* What replay finds is counted as it was. */
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(over, self->core->share_blocks.over);
	EXPECT_EQ(-EAGAIN, join(self, 99));
	ASSERT_LE(0, qbd_store_truncate(self->core, 0, 2, 0));
	EXPECT_EQ(0, self->core->share_blocks.over);
	EXPECT_LE(0, join(self, 99));
}

TEST_HARNESS_MAIN
