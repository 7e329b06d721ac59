// SPDX-License-Identifier: GPL-2.0-only
/* core/pos.h: the order of positions. */
#include "harness.h"
#include "pos.h"

/* From old to new. */
static const struct qbd_pos sorted[] = {
	{ 0, 0 },
	{ 1, 1 },
	{ 1, 2 },
	{ 1, U64_MAX },
	{ 2, 1 },
	{ 2, 2 },
	{ U32_MAX, U32_MAX },
	{ U64_MAX, 0 },
	{ U64_MAX, 1 },
	{ U64_MAX, 2 },
};

static int sign(int val)
{
	return (val > 0) - (val < 0);
}

TEST(term_then_index)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(sorted); i++)
		for (k = 0; k < ARRAY_SIZE(sorted); k++)
			EXPECT_EQ((i > k) - (i < k),
				  sign(qbd_pos_cmp(sorted[i], sorted[k])));
}

TEST(equal_is_no_order)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(sorted); i++)
		for (k = 0; k < ARRAY_SIZE(sorted); k++)
			EXPECT_EQ(i == k, qbd_pos_equal(sorted[i], sorted[k]));
}

TEST_HARNESS_MAIN
