// SPDX-License-Identifier: GPL-2.0-only
/* core/shadow.c: what a replica is going to be, beside what it is. */
#include "harness.h"
#include "bed.h"

#define C BED_CHUNK_BLOCKS

FIXTURE(shadow)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 slot;
};

FIXTURE_SETUP(shadow)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
}

FIXTURE_TEARDOWN(shadow)
{
	bed_free(self->bed);
}

static void add(FIXTURE_DATA(shadow) * self, u8 op, u32 block, u32 blocks)
{
	ASSERT_LE(0, bed_append(self->bed, self->slot, op, block, blocks));
}

static void checkpoint(FIXTURE_DATA(shadow) * self)
{
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
}

static void reopen(FIXTURE_DATA(shadow) * self)
{
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
}

static int begin(FIXTURE_DATA(shadow) * self, u64 term, u64 index)
{
	struct qbd_pos at = { .term = term, .index = index };
	struct qbd_config config = { .epoch = 7, .nr_old = 1 };

	config.set[0].replica = 5;
	config.set[0].node = 1;
	image_pages(&self->bed->img);
	return qbd_store_shadow(self->core, self->slot, &at, &config);
}

static int set(FIXTURE_DATA(shadow) * self, u32 chunk, u64 last,
	       enum qbd_shadow_kind kind)
{
	image_pages(&self->bed->img);
	return qbd_store_shadow_set(self->core, self->slot, chunk, last, kind);
}

/* The whole chunk becomes this. */
static void put(FIXTURE_DATA(shadow) * self, u32 chunk, u64 last, u8 fill)
{
	struct qbd_shadowed got = { 0 };

	ASSERT_EQ(0, set(self, chunk, last, QBD_SHADOW_DATA));
	ASSERT_EQ(-ENODATA,
		  qbd_store_shadow_get(self->core, self->slot, chunk, &got));
	ASSERT_TRUE(got.own);
	memset(self->bed->img.data + got.block * QBD_BLOCK_SIZE, fill,
	       (size_t)got.blocks * QBD_BLOCK_SIZE);
	ASSERT_EQ(0, qbd_store_shadow_filled(self->core, self->slot, chunk));
}

static void make_switch(FIXTURE_DATA(shadow) * self)
{
	ASSERT_EQ(0, qbd_store_shadow_switch(self->core, self->slot));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
}

static int state(FIXTURE_DATA(shadow) * self)
{
	struct qbd_pos at;

	return qbd_store_shadow_state(self->core, self->slot, &at);
}

static struct qbd_store_replica get(FIXTURE_DATA(shadow) * self)
{
	struct qbd_store_replica have = { 0 };

	EXPECT_EQ(0, qbd_store_replica_get(self->core, self->slot, &have));
	return have;
}

static int is(FIXTURE_DATA(shadow) * self, u32 block)
{
	return bed_read(self->bed, self->slot, block);
}

static u64 last(FIXTURE_DATA(shadow) * self, u32 chunk)
{
	return qbd_slot_chunk(self->core, &self->core->slot[self->slot], chunk)
		->last;
}

/* Four chunks: to be other, none, the same, and left alone. */
static void four(FIXTURE_DATA(shadow) * self)
{
	u32 i;

	for (i = 0; i < 4; i++)
		add(self, QBD_OP_WRITE, i * C, 2);
	checkpoint(self);
}

static void expect_new(FIXTURE_DATA(shadow) * self)
{
	struct qbd_store_replica have = get(self);

	EXPECT_EQ(90, have.last.index);
	EXPECT_EQ(6, have.last.term);
	EXPECT_EQ(90, have.applied.index);
	EXPECT_EQ(90, have.durable.index);
	EXPECT_EQ(90, have.table.commit);
	EXPECT_EQ(91, have.log_first);
	EXPECT_EQ(7, have.table.config.epoch);
	EXPECT_EQ(6, qbd_store_term_at(self->core, self->slot, 90));
	EXPECT_EQ(0x77, is(self, 0));
	EXPECT_EQ(0x77, is(self, C - 1));
	EXPECT_EQ(0, is(self, C));
	EXPECT_EQ(bed_fill(3), is(self, 2 * C));
	EXPECT_EQ(bed_fill(4), is(self, 3 * C));
	EXPECT_EQ(0x55, is(self, 4 * C));
	EXPECT_EQ(80, last(self, 0));
	EXPECT_EQ(81, last(self, 1));
	EXPECT_EQ(82, last(self, 2));
	EXPECT_EQ(4, last(self, 3));
	EXPECT_EQ(90, last(self, 4));
}

static void expect_old(FIXTURE_DATA(shadow) * self)
{
	EXPECT_EQ(4, get(self).last.index);
	EXPECT_EQ(bed_fill(1), is(self, 0));
	EXPECT_EQ(bed_fill(2), is(self, C));
	EXPECT_EQ(0, is(self, 4 * C));
	EXPECT_EQ(1, last(self, 0));
	EXPECT_EQ(3, last(self, 2));
}

static void fill(FIXTURE_DATA(shadow) * self)
{
	four(self);
	ASSERT_EQ(0, begin(self, 6, 90));
	put(self, 0, 80, 0x77);
	ASSERT_EQ(0, set(self, 1, 81, QBD_SHADOW_ZERO));
	ASSERT_EQ(0, set(self, 2, 82, QBD_SHADOW_SAME));
	put(self, 4, 90, 0x55);
}

TEST_F(shadow, it_becomes_the_replica)
{
	u64 free;

	fill(self);
	expect_old(self);
	EXPECT_EQ(0, state(self));
	free = self->core->alloc.nr_free;
	make_switch(self);
	EXPECT_EQ(-ENOENT, state(self));
	/* Chunks 0 and 1 gave up the old ones. */
	EXPECT_EQ(free + 2, self->core->alloc.nr_free);
	EXPECT_EQ(0, self->core->pins_due);
	expect_new(self);
	reopen(self);
	expect_new(self);
	/* It goes on from there. */
	add(self, QBD_OP_WRITE, 1, 1);
	checkpoint(self);
	EXPECT_EQ(91, get(self).last.index);
	EXPECT_EQ(0x77, is(self, 0));
	EXPECT_EQ(bed_fill(91), is(self, 1));
}

/* Wherever the power goes, it is the one or the other. */
TEST_F(shadow, one_instant)
{
	enum qbd_ckpt_phase phase;

	for (phase = QBD_CKPT_P_PURGE; phase <= QBD_CKPT_P_POP; phase++) {
		bed_free(self->bed);
		self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
		self->core = self->bed->core;
		self->slot = bed_replica(self->bed, 5);
		fill(self);
		ASSERT_EQ(0, qbd_store_shadow_switch(self->core, self->slot));
		ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
		bed_ckpt_until(self->bed, phase);
		reopen(self);
		EXPECT_EQ(-ENOENT, state(self));
		if (phase <= QBD_CKPT_P_SUPER)
			expect_old(self);
		else
			expect_new(self);
	}
}

/* A chunk that is not wanted any more is free, though nothing else happens. */
TEST_F(shadow, what_it_gives_back_is_free)
{
	u64 free;

	four(self);
	free = self->core->alloc.nr_free;
	ASSERT_EQ(0, begin(self, 6, 90));
	put(self, 0, 80, 0x77);
	ASSERT_EQ(0, set(self, 0, 81, QBD_SHADOW_ZERO));
	EXPECT_EQ(free - 1, self->core->alloc.nr_free);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(free, self->core->alloc.nr_free);
}

/*
 * The log lost 2, and what came after it leads nowhere. The replica is made
 * what others have at 5: its own 5 is still in the log, and is not that one.
 */
TEST_F(shadow, not_what_lies_behind_a_gap)
{
	struct qbd_rec *rec;
	u32 i;

	add(self, QBD_OP_WRITE, 0, 1);
	checkpoint(self);
	for (i = 2; i <= 8; i++) {
		add(self, QBD_OP_WRITE, i * C, 1);
		bed_commit(self->bed);
	}
	i = qbd_store_log_get(self->core, self->slot, 2);
	rec = &self->core->index.rec[i];
	/* Its header names another replica then. */
	image_lpos(&self->bed->img, rec->lpos - 1)[100] ^= 1;
	ASSERT_LE(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(1, get(self).last.index);
	ASSERT_EQ(0, begin(self, 6, 5));
	put(self, 0, 5, 0x77);
	make_switch(self);
	reopen(self);
	EXPECT_EQ(5, get(self).last.index);
	EXPECT_EQ(6, qbd_store_term_at(self->core, self->slot, 5));
	EXPECT_EQ(-ENOENT, qbd_store_log_get(self->core, self->slot, 5));
}

TEST_F(shadow, nobody_hears_of_it_before_the_end)
{
	struct qbd_found found;

	fill(self);
	ASSERT_EQ(0, qbd_store_shadow_switch(self->core, self->slot));
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_FLUSH);
	EXPECT_EQ(-EAGAIN, state(self));
	EXPECT_EQ(4, get(self).last.index);
	EXPECT_EQ(4, get(self).durable.index);
	EXPECT_EQ(-EIO, qbd_store_lookup(self->core, self->slot, 0, 1, &found));
	EXPECT_EQ(-EBUSY, begin(self, 7, 99));
	EXPECT_EQ(0, qbd_store_shadow_drop(self->core, self->slot));
	bed_ckpt_until(self->bed, QBD_CKPT_P_IDLE);
	expect_new(self);
}

TEST_F(shadow, what_it_takes_to_begin)
{
	EXPECT_EQ(-EINVAL, begin(self, 1, 0));
	add(self, QBD_OP_WRITE, 0, 1);
	bed_commit(self->bed);
	/* Not home yet. */
	EXPECT_EQ(-EAGAIN, begin(self, 2, 9));
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
	checkpoint(self);
	EXPECT_EQ(-EINVAL, begin(self, 2, 1));
	EXPECT_EQ(-EINVAL, begin(self, 0, 9));
	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	EXPECT_EQ(-EBUSY, begin(self, 2, 9));
	qbd_store_unpin(self->core, self->slot);
	checkpoint(self);
	ASSERT_EQ(0, begin(self, 2, 9));
	EXPECT_EQ(-EBUSY, qbd_store_pin(self->core, self->slot));
	EXPECT_EQ(-EBUSY,
		  bed_append(self->bed, self->slot, QBD_OP_WRITE, 0, 1));
	/* Further, never less far. */
	EXPECT_EQ(-EINVAL, begin(self, 2, 8));
	EXPECT_EQ(0, begin(self, 2, 12));
}

TEST_F(shadow, indexes_that_can_not_be)
{
	four(self);
	EXPECT_EQ(-ENOENT, set(self, 0, 80, QBD_SHADOW_ZERO));
	ASSERT_EQ(0, begin(self, 6, 90));
	EXPECT_EQ(-EINVAL, set(self, 0, 4, QBD_SHADOW_ZERO));
	EXPECT_EQ(-EINVAL, set(self, 0, 91, QBD_SHADOW_ZERO));
	EXPECT_EQ(-ENOENT,
		  set(self, BED_SHARD_BLOCKS / C, 80, QBD_SHADOW_ZERO));
	EXPECT_EQ(-EINVAL, qbd_store_shadow_filled(self->core, self->slot, 0));
	EXPECT_EQ(-EINVAL, qbd_store_shadow_failed(self->core, self->slot, 0));
}

/* A chunk that is written to is in nobody's way, and nobody gets it. */
TEST_F(shadow, writes_end_before_it_does)
{
	u64 free;

	four(self);
	free = self->core->alloc.nr_free;
	ASSERT_EQ(0, begin(self, 6, 90));
	ASSERT_EQ(0, set(self, 0, 80, QBD_SHADOW_DATA));
	EXPECT_EQ(-EBUSY, set(self, 0, 80, QBD_SHADOW_SAME));
	EXPECT_EQ(-EBUSY, set(self, 0, 81, QBD_SHADOW_DATA));
	EXPECT_EQ(-EBUSY, qbd_store_shadow_switch(self->core, self->slot));
	EXPECT_EQ(-EBUSY, qbd_store_shadow_drop(self->core, self->slot));
	EXPECT_EQ(-EBUSY, qbd_store_delete(self->core, self->slot, 9));
	ASSERT_EQ(0, qbd_store_shadow_failed(self->core, self->slot, 0));
	ASSERT_EQ(0, qbd_store_shadow_drop(self->core, self->slot));
	EXPECT_EQ(-EAGAIN, state(self));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(-ENOENT, state(self));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	expect_old(self);
}

/* What changed since is sent once more, the rest is there. */
TEST_F(shadow, it_leads_further)
{
	struct qbd_shadowed got;
	u64 free, block;

	fill(self);
	free = self->core->alloc.nr_free;
	ASSERT_EQ(0, begin(self, 8, 120));
	ASSERT_EQ(0, qbd_store_shadow_get(self->core, self->slot, 0, &got));
	EXPECT_EQ(80, got.last);
	EXPECT_TRUE(got.own);
	block = got.block;
	put(self, 0, 100, 0x66);
	ASSERT_EQ(0, qbd_store_shadow_get(self->core, self->slot, 0, &got));
	EXPECT_EQ(block, got.block);
	/* Equal to what the shadow has, and to what only the replica has. */
	ASSERT_EQ(0, set(self, 4, 110, QBD_SHADOW_SAME));
	ASSERT_EQ(0, set(self, 3, 111, QBD_SHADOW_SAME));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	/* What was the same is other, what was other is none. */
	put(self, 2, 112, 0x44);
	ASSERT_EQ(0, set(self, 1, 113, QBD_SHADOW_SAME));
	EXPECT_EQ(free - 1, self->core->alloc.nr_free);
	make_switch(self);
	reopen(self);
	EXPECT_EQ(120, get(self).last.index);
	EXPECT_EQ(0x66, is(self, 0));
	EXPECT_EQ(0, is(self, C));
	EXPECT_EQ(0x44, is(self, 2 * C));
	EXPECT_EQ(bed_fill(4), is(self, 3 * C));
	EXPECT_EQ(0x55, is(self, 4 * C));
	EXPECT_EQ(100, last(self, 0));
	EXPECT_EQ(113, last(self, 1));
	EXPECT_EQ(112, last(self, 2));
	EXPECT_EQ(111, last(self, 3));
	EXPECT_EQ(110, last(self, 4));
}

/* One that has nothing gets everything. */
TEST_F(shadow, of_an_empty_replica)
{
	ASSERT_EQ(0, begin(self, 3, 50));
	put(self, 15, 50, 0x33);
	ASSERT_EQ(0, set(self, 3, 40, QBD_SHADOW_SAME));
	ASSERT_EQ(0, set(self, 4, 41, QBD_SHADOW_ZERO));
	make_switch(self);
	reopen(self);
	EXPECT_EQ(50, get(self).last.index);
	EXPECT_EQ(0x33, is(self, 15 * C));
	EXPECT_EQ(0, is(self, 3 * C));
	EXPECT_EQ(40, last(self, 3));
	EXPECT_EQ(41, last(self, 4));
	EXPECT_EQ(0, last(self, 0));
}

/*
 * Records of an old history, beyond where the replica is then, were truncated
 * and are in the log still: after a crash they are not part of the new one.
 */
TEST_F(shadow, what_was_truncated_stays_so)
{
	u32 i;

	for (i = 0; i < 8; i++)
		add(self, QBD_OP_WRITE, i * C, 1);
	bed_commit(self->bed);
	ASSERT_LE(0, qbd_store_truncate(self->core, self->slot, 2, 0));
	bed_commit(self->bed);
	ASSERT_EQ(0, begin(self, 3, 4));
	put(self, 0, 4, 0x22);
	make_switch(self);
	reopen(self);
	EXPECT_EQ(4, get(self).last.index);
	EXPECT_EQ(3, get(self).last.term);
	EXPECT_EQ(0x22, is(self, 0));
	EXPECT_EQ(0, is(self, 4 * C));
}

TEST_F(shadow, it_goes_with_its_replica)
{
	u64 free = self->core->alloc.nr_free;

	fill(self);
	ASSERT_LE(0, qbd_store_delete(self->core, self->slot, 9));
	bed_commit(self->bed);
	EXPECT_EQ(-ENOENT, state(self));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(0, self->core->pins_due);
}

TEST_F(shadow, no_space_for_it)
{
	u32 i;

	ASSERT_EQ(0, begin(self, 3, 50));
	self->core->alloc.nr_reserved = self->core->alloc.nr_free - 2;
	for (i = 0; i < 2; i++)
		put(self, i, 50, 0x33);
	EXPECT_EQ(-ENOSPC, set(self, 2, 50, QBD_SHADOW_DATA));
	self->core->alloc.nr_reserved = 0;
	put(self, 2, 50, 0x33);
	make_switch(self);
	EXPECT_EQ(0x33, is(self, 2 * C));
}

TEST_HARNESS_MAIN
