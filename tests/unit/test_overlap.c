// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of newest records: never below the truth.
 */
#include "harness.h"
#include "overlap.h"

#define RECORDS 64

TEST(ranges)
{
	EXPECT_TRUE(qbd_overlap_ranges(5, 1, 5, 1));
	EXPECT_TRUE(qbd_overlap_ranges(5, 3, 7, 9));
	EXPECT_FALSE(qbd_overlap_ranges(5, 3, 8, 1));
	EXPECT_FALSE(qbd_overlap_ranges(8, 1, 5, 3));
	EXPECT_TRUE(qbd_overlap_ranges(0, U32_MAX, U32_MAX - 1, 1));
	EXPECT_FALSE(qbd_overlap_ranges(U32_MAX, 1, 0, U32_MAX));
}

TEST(neighbours_do_not_meet)
{
	struct qbd_overlap overlap;

	qbd_overlap_init(&overlap);
	qbd_overlap_add(&overlap, 7, 16, 8);
	EXPECT_EQ(7, qbd_overlap_max(&overlap, 23, 1));
	EXPECT_EQ(0, qbd_overlap_max(&overlap, 24, 100));
	EXPECT_EQ(0, qbd_overlap_max(&overlap, 0, 16));
	EXPECT_EQ(7, qbd_overlap_max(&overlap, 0, 17));
}

TEST(never_below_the_truth)
{
	struct qbd_overlap overlap;
	u32 block[RECORDS], blocks[RECORDS], round, i, at, len;
	u64 newest;

	for (round = 0; round < 500; round++) {
		qbd_overlap_init(&overlap);
		for (i = 0; i < RECORDS; i++) {
			block[i] = th_rand() % (1U << 20);
			blocks[i] = 1 + th_rand() % (i % 9 ? 256 : 1U << 20);
			qbd_overlap_add(&overlap, i + 1, block[i], blocks[i]);
		}
		at = th_rand() % (1U << 20);
		len = 1 + th_rand() % 256;
		newest = 0;
		for (i = 0; i < RECORDS; i++)
			if (qbd_overlap_ranges(at, len, block[i], blocks[i]))
				newest = i + 1;
		ASSERT_GE(qbd_overlap_max(&overlap, at, len), newest);
	}
}

TEST_HARNESS_MAIN
