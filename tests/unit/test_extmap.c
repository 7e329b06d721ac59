// SPDX-License-Identifier: GPL-2.0-only
/* core/extmap.c: extents that are cut, replaced and taken out again. */
#include "harness.h"
#include "extmap.h"

#define NODES 600U
#define SPACE 256U

FIXTURE(extmap)
{
	struct qbd_ext_pool pool;
	struct qbd_extmap map;
	struct qbd_ext *mem;
};

FIXTURE_SETUP(extmap)
{
	self->mem = calloc(NODES, sizeof(*self->mem));
	qbd_ext_pool_init(&self->pool, NODES, self->mem);
	qbd_extmap_init(&self->map);
}

FIXTURE_TEARDOWN(extmap)
{
	free(self->mem);
}

static int set(FIXTURE_DATA(extmap) * self, u32 start, u32 blocks, u64 val)
{
	return qbd_extmap_set(&self->pool, &self->map, start, blocks, val);
}

struct piece {
	u32 start;
	u32 blocks;
	u64 val;
};

/* Are the extents exactly these? */
static void expect_map(FIXTURE_DATA(extmap) * self, const struct piece *piece,
		       u32 nr)
{
	u32 at = 0, i;

	EXPECT_EQ(nr, self->map.nr);
	for (i = 0; i < nr; i++) {
		const struct qbd_ext *ext =
			qbd_extmap_next(&self->pool, &self->map, at);

		ASSERT_TRUE(ext);
		EXPECT_EQ(piece[i].start, ext->start);
		EXPECT_EQ(piece[i].blocks, ext->blocks);
		EXPECT_EQ(piece[i].val, ext->val);
		at = qbd_ext_end(ext);
	}
	EXPECT_NULL(qbd_extmap_next(&self->pool, &self->map, at));
	EXPECT_EQ(NODES - nr, self->pool.nr_free);
}

#define EXPECT_MAP(self, ...)                                         \
	do {                                                          \
		static const struct piece pieces[] = { __VA_ARGS__ }; \
		expect_map(self, pieces, ARRAY_SIZE(pieces));         \
	} while (0)

TEST_F(extmap, an_empty_map)
{
	EXPECT_NULL(qbd_extmap_next(&self->pool, &self->map, 0));
	qbd_extmap_clear_val(&self->pool, &self->map, 0, 100, 1);
	expect_map(self, NULL, 0);
}

TEST_F(extmap, next_is_at_or_after)
{
	ASSERT_EQ(0, set(self, 10, 5, 1));
	EXPECT_EQ(10, qbd_extmap_next(&self->pool, &self->map, 0)->start);
	EXPECT_EQ(10, qbd_extmap_next(&self->pool, &self->map, 10)->start);
	EXPECT_EQ(10, qbd_extmap_next(&self->pool, &self->map, 14)->start);
	EXPECT_NULL(qbd_extmap_next(&self->pool, &self->map, 15));
}

TEST_F(extmap, neighbours_stay_apart)
{
	ASSERT_EQ(0, set(self, 10, 5, 1));
	ASSERT_EQ(0, set(self, 15, 5, 1));
	ASSERT_EQ(0, set(self, 5, 5, 1));
	EXPECT_MAP(self, { 5, 5, 1 }, { 10, 5, 1 }, { 15, 5, 1 });
}

TEST_F(extmap, the_same_range_is_replaced)
{
	ASSERT_EQ(0, set(self, 10, 5, 1));
	ASSERT_EQ(0, set(self, 10, 5, 2));
	EXPECT_MAP(self, { 10, 5, 2 });
}

TEST_F(extmap, a_hole_cuts_in_two)
{
	ASSERT_EQ(0, set(self, 10, 10, 1));
	ASSERT_EQ(0, set(self, 14, 2, 2));
	EXPECT_MAP(self, { 10, 4, 1 }, { 14, 2, 2 }, { 16, 4, 1 });
}

TEST_F(extmap, ends_are_cut)
{
	ASSERT_EQ(0, set(self, 10, 10, 1));
	ASSERT_EQ(0, set(self, 19, 3, 2));
	ASSERT_EQ(0, set(self, 8, 3, 3));
	EXPECT_MAP(self, { 8, 3, 3 }, { 11, 8, 1 }, { 19, 3, 2 });
	/* Up to the edge, from the edge. */
	ASSERT_EQ(0, set(self, 11, 1, 4));
	ASSERT_EQ(0, set(self, 18, 1, 5));
	EXPECT_MAP(self, { 8, 3, 3 }, { 11, 1, 4 }, { 12, 6, 1 }, { 18, 1, 5 },
		   { 19, 3, 2 });
}

TEST_F(extmap, many_are_covered)
{
	u32 i;

	for (i = 0; i < 50; i++)
		ASSERT_EQ(0, set(self, i * 4, 3, i));
	ASSERT_EQ(0, set(self, 5, 190, 99));
	EXPECT_MAP(self, { 0, 3, 0 }, { 4, 1, 1 }, { 5, 190, 99 },
		   { 196, 3, 49 });
}

TEST_F(extmap, the_end_of_the_numbers)
{
	ASSERT_EQ(0, set(self, U32_MAX - 10, 10, 1));
	ASSERT_EQ(0, set(self, U32_MAX - 1, 1, 2));
	EXPECT_MAP(self, { U32_MAX - 10, 9, 1 }, { U32_MAX - 1, 1, 2 });
}

TEST_F(extmap, a_value_is_taken_out)
{
	ASSERT_EQ(0, set(self, 10, 10, 1));
	ASSERT_EQ(0, set(self, 12, 2, 2));
	ASSERT_EQ(0, set(self, 16, 2, 3));
	ASSERT_EQ(0, set(self, 30, 2, 4));
	qbd_extmap_clear_val(&self->pool, &self->map, 10, 10, 1);
	EXPECT_MAP(self, { 12, 2, 2 }, { 16, 2, 3 }, { 30, 2, 4 });
	/* Gone altogether: nothing to take out. */
	qbd_extmap_clear_val(&self->pool, &self->map, 10, 10, 1);
	EXPECT_MAP(self, { 12, 2, 2 }, { 16, 2, 3 }, { 30, 2, 4 });
}

TEST_F(extmap, without_nodes_nothing_changes)
{
	struct piece piece[NODES];
	u32 i;

	/* Two nodes are what the worst case needs, and what is kept. */
	for (i = 0; i < NODES - 1; i++) {
		piece[i] = (struct piece){ i * 3, 3, i };
		ASSERT_EQ(0, set(self, i * 3, 3, i));
	}
	EXPECT_EQ(1, self->pool.nr_free);
	EXPECT_EQ(-ENOMEM, set(self, 1, 1, 9));
	EXPECT_EQ(-ENOMEM, set(self, 0, SPACE, 9));
	expect_map(self, piece, NODES - 1);
	qbd_extmap_clear_val(&self->pool, &self->map, 0, 3, 0);
	EXPECT_EQ(0, set(self, 4, 1, 9));
	EXPECT_EQ(0, self->pool.nr_free);
	EXPECT_EQ(-ENOMEM, set(self, 4, 1, 10));
}

TEST_F(extmap, a_dropped_map_gives_all_nodes_back)
{
	u32 round, i;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < NODES - 1; i++)
			ASSERT_EQ(0, set(self, i * 2, 1, i));
		qbd_extmap_drop(&self->pool, &self->map);
		expect_map(self, NULL, 0);
		qbd_extmap_drop(&self->pool, &self->map);
		expect_map(self, NULL, 0);
	}
}

/* Height as the balance promises it: no more than 1.44 log2(n). */
TEST_F(extmap, the_tree_stays_flat)
{
	u32 i;

	for (i = 0; i < 512; i++)
		ASSERT_EQ(0, set(self, i, 1, i));
	EXPECT_GE(12, self->pool.node[self->map.root].height);
	for (i = 0; i < 512; i += 2)
		qbd_extmap_clear_val(&self->pool, &self->map, i, 1, i);
	EXPECT_EQ(256, self->map.nr);
	EXPECT_GE(11, self->pool.node[self->map.root].height);
}

/* The depth below a link, with order and balance checked on the way. */
static u32 check_tree(const struct qbd_ext_pool *pool, u32 n, u32 from, u32 to)
{
	const struct qbd_ext *ext = &pool->node[n];
	u32 left, right;

	if (n == QBD_EXT_NONE)
		return 0;
	ASSERT_LE(from, ext->start);
	ASSERT_LE(qbd_ext_end(ext), to);
	left = check_tree(pool, ext->left, from, ext->start);
	right = check_tree(pool, ext->right, qbd_ext_end(ext), to);
	ASSERT_LE(left, right + 1);
	ASSERT_LE(right, left + 1);
	ASSERT_EQ(1 + max(left, right), ext->height);
	return ext->height;
}

/* Random operations against an array that has the owner of each block. */
TEST_F(extmap, like_an_array_of_owners)
{
	u64 owner[SPACE] = { 0 };
	struct piece last[16] = { { 0 } };
	u32 round, i, at;

	for (round = 0; round < 4000; round++) {
		struct piece *p = &last[th_rand() % ARRAY_SIZE(last)];
		bool clear = p->val && th_rand() % 3 == 0;

		if (clear) {
			qbd_extmap_clear_val(&self->pool, &self->map, p->start,
					     p->blocks, p->val);
		} else {
			u32 start = th_rand() % SPACE;
			u32 room = min(SPACE - start, 1U << th_rand() % 8);

			*p = (struct piece){ start, 1 + th_rand() % room,
					     round + 1 };
			ASSERT_EQ(0, set(self, start, p->blocks, p->val));
		}
		for (i = 0; i < SPACE; i++) {
			if (clear && owner[i] == p->val)
				owner[i] = 0;
			else if (!clear && i - p->start < p->blocks)
				owner[i] = p->val;
		}
		if (clear)
			p->val = 0;
		check_tree(&self->pool, self->map.root, 0, SPACE);
		for (i = 0; i < SPACE; i = at) {
			const struct qbd_ext *ext =
				qbd_extmap_next(&self->pool, &self->map, i);

			at = ext ? ext->start : SPACE;
			for (; i < at; i++)
				ASSERT_EQ(0, owner[i]);
			for (; ext && i < qbd_ext_end(ext); i++)
				ASSERT_EQ(ext->val, owner[i]);
			at = i;
		}
	}
	EXPECT_EQ(NODES, self->pool.nr_free + self->map.nr);
}

TEST_HARNESS_MAIN
