// SPDX-License-Identifier: GPL-2.0-only
/* core/overlay.c: the newest version of a block, through settle and freeze. */
#include "harness.h"
#include "overlay.h"

#define NODES 2000U
#define SPACE 64U

FIXTURE(overlay)
{
	struct qbd_ext_pool pool;
	struct qbd_overlay overlay;
	struct qbd_ext *mem;
};

FIXTURE_SETUP(overlay)
{
	self->mem = calloc(NODES, sizeof(*self->mem));
	qbd_ext_pool_init(&self->pool, NODES, self->mem);
	qbd_overlay_init(&self->overlay);
}

FIXTURE_TEARDOWN(overlay)
{
	free(self->mem);
}

static void add(FIXTURE_DATA(overlay) * self, u32 block, u32 blocks, u64 index)
{
	ASSERT_EQ(0, qbd_overlay_add(&self->pool, &self->overlay, block, blocks,
				     index));
}

static void settle(FIXTURE_DATA(overlay) * self, u32 block, u32 blocks,
		   u64 index)
{
	ASSERT_EQ(0, qbd_overlay_settle(&self->pool, &self->overlay, block,
					blocks, index));
}

static struct qbd_version find(FIXTURE_DATA(overlay) * self, u32 block,
			       u32 blocks)
{
	struct qbd_version version;

	qbd_overlay_find(&self->pool, &self->overlay, block, blocks, &version);
	return version;
}

/* The answer for @block, when the question is about @blocks. */
static void expect_version(FIXTURE_DATA(overlay) * self, u32 block, u32 blocks,
			   u64 index, u32 for_blocks)
{
	struct qbd_version version = find(self, block, blocks);

	EXPECT_EQ(index, version.index);
	EXPECT_EQ(for_blocks, version.blocks);
}

TEST_F(overlay, nothing_is_logged)
{
	expect_version(self, 0, 10, 0, 10);
}

TEST_F(overlay, one_record)
{
	add(self, 10, 4, 1);
	expect_version(self, 0, 5, 0, 5);
	expect_version(self, 0, 20, 0, 10);
	expect_version(self, 9, 2, 0, 1);
	expect_version(self, 10, 20, 1, 4);
	expect_version(self, 12, 1, 1, 1);
	expect_version(self, 13, 20, 1, 1);
	expect_version(self, 14, 6, 0, 6);
}

TEST_F(overlay, a_newer_record_hides)
{
	add(self, 10, 6, 1);
	add(self, 12, 2, 2);
	expect_version(self, 10, 6, 1, 2);
	expect_version(self, 12, 6, 2, 2);
	expect_version(self, 14, 6, 1, 2);
}

/* A piece of a lower map ends where a higher one has its say. */
TEST_F(overlay, the_maps_are_looked_through_from_above)
{
	add(self, 10, 10, 1);
	settle(self, 10, 10, 1);
	qbd_overlay_freeze(&self->pool, &self->overlay);
	add(self, 14, 4, 2);
	settle(self, 14, 4, 2);
	add(self, 16, 1, 3);
	expect_version(self, 8, 12, 0, 2);
	expect_version(self, 10, 10, 1, 4);
	expect_version(self, 14, 10, 2, 2);
	expect_version(self, 16, 10, 3, 1);
	expect_version(self, 17, 10, 2, 1);
	expect_version(self, 18, 10, 1, 2);
}

TEST_F(overlay, settling_moves_a_record)
{
	add(self, 10, 4, 1);
	settle(self, 10, 4, 1);
	EXPECT_EQ(0, self->overlay.tail.nr);
	EXPECT_EQ(1, self->overlay.live.nr);
	expect_version(self, 10, 4, 1, 4);
}

/* What is left of a record that a newer one cut settles, and no more hides. */
TEST_F(overlay, settling_behind_a_newer_record)
{
	add(self, 10, 4, 1);
	add(self, 11, 2, 2);
	settle(self, 10, 4, 1);
	EXPECT_EQ(1, self->overlay.tail.nr);
	expect_version(self, 10, 4, 1, 1);
	expect_version(self, 11, 4, 2, 2);
	expect_version(self, 13, 4, 1, 1);
	/* Truncated: the settled version shows again, whole. */
	qbd_extmap_drop(&self->pool, &self->overlay.tail);
	expect_version(self, 10, 4, 1, 4);
}

TEST_F(overlay, going_home_is_what_was_settled)
{
	add(self, 0, 4, 1);
	add(self, 4, 4, 2);
	settle(self, 0, 4, 1);
	qbd_overlay_freeze(&self->pool, &self->overlay);
	EXPECT_EQ(1, self->overlay.going.nr);
	EXPECT_EQ(0, self->overlay.live.nr);
	/* It is read from the log until the checkpoint is done. */
	expect_version(self, 0, 8, 1, 4);
	qbd_overlay_home(&self->pool, &self->overlay);
	expect_version(self, 0, 8, 0, 4);
	expect_version(self, 4, 4, 2, 4);
}

/* The checkpoint writes what it froze, whatever comes after (S1). */
TEST_F(overlay, what_is_frozen_does_not_change)
{
	const struct qbd_ext *ext;

	add(self, 0, 4, 1);
	settle(self, 0, 4, 1);
	qbd_overlay_freeze(&self->pool, &self->overlay);
	add(self, 1, 2, 2);
	settle(self, 1, 2, 2);
	ext = qbd_extmap_next(&self->pool, &self->overlay.going, 0);
	ASSERT_TRUE(ext);
	EXPECT_EQ(1, ext->val);
	EXPECT_EQ(4, ext->blocks);
	expect_version(self, 1, 3, 2, 2);
	qbd_overlay_home(&self->pool, &self->overlay);
	expect_version(self, 1, 3, 2, 2);
	expect_version(self, 3, 1, 0, 1);
}

TEST_F(overlay, the_end_of_a_shard)
{
	add(self, U32_MAX - 4, 4, 1);
	expect_version(self, U32_MAX - 8, 8, 0, 4);
	expect_version(self, U32_MAX - 2, 2, 1, 2);
}

TEST_F(overlay, without_nodes)
{
	u32 i;

	for (i = 0; i + 1 < NODES; i++)
		add(self, 2 * i, 1, i + 1);
	EXPECT_EQ(-ENOMEM,
		  qbd_overlay_add(&self->pool, &self->overlay, 0, 1, NODES));
	EXPECT_EQ(-ENOMEM,
		  qbd_overlay_settle(&self->pool, &self->overlay, 0, 1, 1));
	expect_version(self, 0, 1, 1, 1);
	qbd_overlay_drop(&self->pool, &self->overlay);
	EXPECT_EQ(NODES, self->pool.nr_free);
	expect_version(self, 0, 1, 0, 1);
}

struct record {
	u32 block;
	u32 blocks;
};

struct model {
	struct record rec[200]; /* by index, from 1 */
	u64 home;
	u64 frozen;
	u64 settled;
	u64 last;
};

static u64 newest(const struct model *m, u64 from, u64 to, u32 block)
{
	u64 i;

	for (i = to; i > from; i--)
		if (block - m->rec[i].block < m->rec[i].blocks)
			return i;
	return 0;
}

static void check(FIXTURE_DATA(overlay) * self, const struct model *m)
{
	u32 block, i;

	for (block = 0; block < SPACE; block++) {
		struct qbd_version v = find(self, block, SPACE - block);
		const struct qbd_ext *ext = qbd_extmap_next(
			&self->pool, &self->overlay.going, block);
		u64 going = ext && ext->start <= block ? ext->val : 0;

		ASSERT_LE(1, v.blocks);
		for (i = 0; i < v.blocks; i++)
			ASSERT_EQ(newest(m, m->home, m->last, block + i),
				  v.index);
		ASSERT_EQ(newest(m, m->home, m->frozen, block), going);
	}
}

/* Records, a bound that rises, checkpoints, against a look at each record. */
TEST_F(overlay, like_a_list_of_records)
{
	struct model m = { .home = 0 };

	while (m.last + 1 < ARRAY_SIZE(m.rec)) {
		u32 what = th_rand() % 8;
		u32 block = th_rand() % SPACE;
		u32 blocks = 1 + th_rand() % min(SPACE - block, 12U);

		if (what < 4) {
			m.rec[++m.last] = (struct record){ block, blocks };
			add(self, block, blocks, m.last);
		} else if (what < 7 && m.settled < m.last) {
			const struct record *r = &m.rec[++m.settled];

			settle(self, r->block, r->blocks, m.settled);
		} else if (m.frozen == m.home) {
			qbd_overlay_freeze(&self->pool, &self->overlay);
			m.frozen = m.settled;
		} else {
			qbd_overlay_home(&self->pool, &self->overlay);
			m.home = m.frozen;
		}
		check(self, &m);
	}
	qbd_overlay_drop(&self->pool, &self->overlay);
	EXPECT_EQ(NODES, self->pool.nr_free);
}

TEST_HARNESS_MAIN
