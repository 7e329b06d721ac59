// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of records in flight: bounds, and the count of bytes.
 */
#include "harness.h"
#include "window.h"

#include <linux/qbd_wal.h>

TEST(bounded_in_records)
{
	struct qbd_inflight rec[4];
	struct qbd_window win;
	int i;

	ASSERT_EQ(0, qbd_window_init(&win, rec, 4, 1 << 20));
	qbd_window_start(&win, 10);
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(qbd_window_fits(&win, 0));
		qbd_window_push(&win, 0)->block = i;
	}
	EXPECT_FALSE(qbd_window_fits(&win, 0));
	EXPECT_EQ(2, qbd_window_at(&win, 12)->block);
	EXPECT_NULL(qbd_window_at(&win, 14));
	EXPECT_NULL(qbd_window_at(&win, 9));
	qbd_window_pop(&win);
	EXPECT_NULL(qbd_window_at(&win, 10));
	EXPECT_TRUE(qbd_window_fits(&win, 0));
}

TEST(bounded_in_bytes)
{
	struct qbd_inflight rec[8];
	struct qbd_window win;

	ASSERT_EQ(0, qbd_window_init(&win, rec, 8, 4 * QBD_BLOCK_SIZE));
	qbd_window_start(&win, 1);
	/* larger than all the room: only into an empty ring */
	EXPECT_TRUE(qbd_window_fits(&win, 9));
	qbd_window_push(&win, 3);
	EXPECT_TRUE(qbd_window_fits(&win, 1));
	EXPECT_FALSE(qbd_window_fits(&win, 2));
	qbd_window_push(&win, 1);
	EXPECT_FALSE(qbd_window_fits(&win, 1));
	EXPECT_TRUE(qbd_window_fits(&win, 0));
	EXPECT_EQ(0, qbd_window_bytes(&win, 0));
	EXPECT_EQ(3 * QBD_BLOCK_SIZE, qbd_window_bytes(&win, 1));
	EXPECT_EQ(4 * QBD_BLOCK_SIZE, qbd_window_bytes(&win, 2));
	qbd_window_pop(&win);
	EXPECT_EQ(3 * QBD_BLOCK_SIZE, qbd_window_bytes(&win, 1));
	EXPECT_TRUE(qbd_window_fits(&win, 3));
}

TEST(memory_that_will_not_do)
{
	struct qbd_inflight rec[4];
	struct qbd_window win;

	EXPECT_EQ(-EINVAL, qbd_window_init(&win, rec, 3, 1));
	EXPECT_EQ(-EINVAL, qbd_window_init(&win, rec, 1, 1));
	EXPECT_EQ(-EINVAL, qbd_window_init(&win, NULL, 4, 1));
}

TEST_HARNESS_MAIN
