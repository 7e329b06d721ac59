// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a store is called low, scarce, full, and when no longer.
 */
#include "harness.h"
#include "space.h"

struct point {
	u64 room;
	enum qbd_space level;
};

/* From @level along @way: each step begins where the one before ended. */
static void walk(enum qbd_space level, const struct point *way, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		level = qbd_space_level(level, way[i].room, 1000);
		EXPECT_EQ(way[i].level, level);
	}
}

TEST(there)
{
	static const struct point way[] = {
		{ 1000, QBD_SPACE_PLENTY }, { 200, QBD_SPACE_PLENTY },
		{ 199, QBD_SPACE_LOW },	    { 50, QBD_SPACE_LOW },
		{ 49, QBD_SPACE_SCARCE },   { 1, QBD_SPACE_SCARCE },
		{ 0, QBD_SPACE_FULL },
	};

	walk(QBD_SPACE_PLENTY, way, ARRAY_SIZE(way));
}

TEST(and_back)
{
	static const struct point way[] = {
		{ 1, QBD_SPACE_FULL },	   { 20, QBD_SPACE_FULL },
		{ 21, QBD_SPACE_SCARCE },  { 69, QBD_SPACE_SCARCE },
		{ 70, QBD_SPACE_LOW },	   { 219, QBD_SPACE_LOW },
		{ 220, QBD_SPACE_PLENTY },
	};

	walk(QBD_SPACE_FULL, way, ARRAY_SIZE(way));
}

TEST(all_at_once)
{
	EXPECT_EQ(QBD_SPACE_FULL, qbd_space_level(QBD_SPACE_PLENTY, 0, 1000));
	EXPECT_EQ(QBD_SPACE_SCARCE, qbd_space_level(QBD_SPACE_PLENTY, 9, 1000));
	EXPECT_EQ(QBD_SPACE_PLENTY, qbd_space_level(QBD_SPACE_FULL, 900, 1000));
	EXPECT_EQ(QBD_SPACE_LOW, qbd_space_level(QBD_SPACE_FULL, 100, 1000));
}

/* The smallest store: one chunk, and a few. */
TEST(tiny)
{
	EXPECT_EQ(QBD_SPACE_FULL, qbd_space_level(QBD_SPACE_PLENTY, 0, 1));
	EXPECT_EQ(QBD_SPACE_PLENTY, qbd_space_level(QBD_SPACE_PLENTY, 1, 1));
	EXPECT_EQ(QBD_SPACE_FULL, qbd_space_level(QBD_SPACE_FULL, 1, 8));
	EXPECT_EQ(QBD_SPACE_PLENTY, qbd_space_level(QBD_SPACE_FULL, 2, 8));
}

TEST_HARNESS_MAIN
