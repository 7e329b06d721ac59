// SPDX-License-Identifier: GPL-2.0-only
/* core/pin.c: a replica as it was, while it goes on. */
#include "harness.h"
#include "bed.h"

FIXTURE(pin)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 slot;
};

FIXTURE_SETUP(pin)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
}

FIXTURE_TEARDOWN(pin)
{
	bed_free(self->bed);
}

static void add(FIXTURE_DATA(pin) * self, u8 op, u32 block, u32 blocks)
{
	ASSERT_LE(0, bed_append(self->bed, self->slot, op, block, blocks));
}

static void checkpoint(FIXTURE_DATA(pin) * self)
{
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
}

/* The memory that it takes, and the checkpoint. */
static void pin(FIXTURE_DATA(pin) * self)
{
	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	image_pages(&self->bed->img);
	checkpoint(self);
}

static int held(FIXTURE_DATA(pin) * self)
{
	struct qbd_pos at;
	int got = qbd_store_pin_get(self->core, self->slot, &at);

	return got ?: (int)at.index;
}

static struct qbd_pinned pinned(FIXTURE_DATA(pin) * self, u32 chunk)
{
	struct qbd_pinned got = { 0 };

	EXPECT_EQ(0, qbd_store_pinned(self->core, self->slot, chunk, &got));
	return got;
}

/* What the pin has of a block, -1 if it reads as zero. */
static int was(FIXTURE_DATA(pin) * self, u32 block)
{
	struct qbd_pinned got = pinned(self, block / BED_CHUNK_BLOCKS);
	u64 at = got.block + block % BED_CHUNK_BLOCKS;

	return got.block ? self->bed->img.data[at * QBD_BLOCK_SIZE] : -1;
}

static int is(FIXTURE_DATA(pin) * self, u32 block)
{
	return bed_read(self->bed, self->slot, block);
}

TEST_F(pin, what_was_there_stays)
{
	const u32 c = BED_CHUNK_BLOCKS;
	u64 free;

	add(self, QBD_OP_WRITE, 0, 2);
	add(self, QBD_OP_WRITE, c, 1);
	pin(self);
	EXPECT_EQ(2, held(self));
	free = self->core->alloc.nr_free;
	add(self, QBD_OP_WRITE, 1, 2);
	add(self, QBD_OP_DISCARD, c, c);
	add(self, QBD_OP_WRITE, 2 * c, 1);
	checkpoint(self);
	/* One copied, one kept for the pin, one new. */
	EXPECT_EQ(free - 2, self->core->alloc.nr_free);
	EXPECT_EQ(c - 2, self->core->stats.cloned_blocks);
	EXPECT_EQ(bed_fill(1), is(self, 0));
	EXPECT_EQ(bed_fill(3), is(self, 1));
	EXPECT_EQ(0, is(self, c));
	EXPECT_EQ(bed_fill(5), is(self, 2 * c));
	EXPECT_EQ(bed_fill(1), was(self, 0));
	EXPECT_EQ(bed_fill(1), was(self, 1));
	EXPECT_EQ(0, was(self, 2));
	EXPECT_EQ(bed_fill(2), was(self, c));
	EXPECT_EQ(-1, was(self, 2 * c));
	EXPECT_EQ(1, pinned(self, 0).last);
	EXPECT_EQ(2, pinned(self, 1).last);
	EXPECT_EQ(0, pinned(self, 2).last);
	/* What is not shared any more is written in place. */
	add(self, QBD_OP_WRITE, 5, 1);
	checkpoint(self);
	EXPECT_EQ(free - 2, self->core->alloc.nr_free);
	EXPECT_EQ(c - 2, self->core->stats.cloned_blocks);
	EXPECT_EQ(0, was(self, 5));
	qbd_store_unpin(self->core, self->slot);
	EXPECT_EQ(-EAGAIN, held(self));
	checkpoint(self);
	EXPECT_EQ(-ENOENT, held(self));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(bed_fill(1), is(self, 0));
	EXPECT_EQ(bed_fill(6), is(self, 5));
}

TEST_F(pin, readers_see_the_old_chunk_until_the_new_one_is_filled)
{
	struct qbd_found found;

	add(self, QBD_OP_WRITE, 0, 2);
	pin(self);
	add(self, QBD_OP_WRITE, 8, 1);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_MAP);
	ASSERT_EQ(0, qbd_store_lookup(self->core, self->slot, 0, 4, &found));
	EXPECT_EQ(QBD_FOUND_HOME, found.kind);
	EXPECT_EQ(pinned(self, 0).block, found.block);
	EXPECT_EQ(bed_fill(1), is(self, 0));
	bed_ckpt_until(self->bed, QBD_CKPT_P_IDLE);
	EXPECT_EQ(bed_fill(1), is(self, 0));
	EXPECT_EQ(bed_fill(2), is(self, 8));
	ASSERT_EQ(0, qbd_store_lookup(self->core, self->slot, 0, 4, &found));
	EXPECT_NE(pinned(self, 0).block, found.block);
}

/* A part of a shared chunk is zeroed elsewhere, with a reservation. */
TEST_F(pin, zeroing_a_part_needs_a_chunk)
{
	const u32 c = BED_CHUNK_BLOCKS;

	add(self, QBD_OP_WRITE, 0, 2);
	add(self, QBD_OP_WRITE, c, 1);
	add(self, QBD_OP_WRITE, 2 * c, 2);
	pin(self);
	add(self, QBD_OP_ZERO, 1, 2 * c);
	EXPECT_EQ(2, self->core->alloc.nr_reserved);
	add(self, QBD_OP_DISCARD, 2, 1);
	add(self, QBD_OP_DISCARD, c, c);
	EXPECT_EQ(2, self->core->alloc.nr_reserved);
	checkpoint(self);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
	EXPECT_EQ(bed_fill(1), is(self, 0));
	EXPECT_EQ(0, is(self, 1));
	EXPECT_EQ(0, is(self, 2 * c));
	EXPECT_EQ(bed_fill(3), is(self, 2 * c + 1));
	EXPECT_EQ(bed_fill(1), was(self, 1));
	EXPECT_EQ(bed_fill(2), was(self, c));
	EXPECT_EQ(bed_fill(3), was(self, 2 * c));
}

/* The chunks that a record zeroes in part are the first and the last one. */
TEST_F(pin, zeroing_parts_of_two_chunks_needs_two)
{
	u32 i;

	for (i = 0; i < 4; i++)
		add(self, QBD_OP_WRITE, i * BED_CHUNK_BLOCKS, 1);
	pin(self);
	/* One between is nobody else's any more. */
	add(self, QBD_OP_WRITE, BED_CHUNK_BLOCKS, 1);
	checkpoint(self);
	self->core->alloc.nr_reserved = self->core->alloc.nr_free - 1;
	EXPECT_EQ(-ENOSPC, bed_append(self->bed, self->slot, QBD_OP_ZERO, 1,
				      3 * BED_CHUNK_BLOCKS));
	/* Of the chunks between nothing is left. */
	EXPECT_LE(0, bed_append(self->bed, self->slot, QBD_OP_ZERO, 0,
				3 * BED_CHUNK_BLOCKS + 1));
	self->core->alloc.nr_reserved = 1;
	checkpoint(self);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
}

/* What is pending when it is taken gets a reservation, and gives it back. */
TEST_F(pin, pending_records_are_reserved_for)
{
	add(self, QBD_OP_WRITE, 0, 1);
	checkpoint(self);
	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	image_pages(&self->bed->img);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_HOME);
	add(self, QBD_OP_WRITE, 1, 1);
	bed_commit(self->bed);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
	bed_ckpt_until(self->bed, QBD_CKPT_P_IDLE);
	EXPECT_EQ(1, held(self));
	EXPECT_EQ(1, self->core->alloc.nr_reserved);
	qbd_store_unpin(self->core, self->slot);
	/* The record is not committed: this one only takes the pin apart. */
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(-ENOENT, held(self));
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
}

/* The other replicas take all chunks but one, this one the last. */
static void fill_chunks(FIXTURE_DATA(pin) * self)
{
	u32 other = 6, slot = bed_replica(self->bed, other), chunk = 0;

	while (qbd_alloc_room(&self->core->alloc) > 1) {
		if (chunk == BED_SHARD_BLOCKS / BED_CHUNK_BLOCKS) {
			slot = bed_replica(self->bed, ++other);
			chunk = 0;
		}
		ASSERT_LE(0, bed_append(self->bed, slot, QBD_OP_WRITE,
					chunk++ * BED_CHUNK_BLOCKS, 1));
		bed_settle(self->bed, slot);
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	}
	add(self, QBD_OP_WRITE, 0, 1);
	checkpoint(self);
}

TEST_F(pin, none_without_chunks_or_pages)
{
	void *page[64];
	u32 nr = 0;

	bed_free(self->bed);
	self->bed = bed_new(IMAGE_BLOCKS / 2, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
	fill_chunks(self);
	EXPECT_EQ(0, qbd_alloc_room(&self->core->alloc));
	/* What overwrites a chunk that is there needs none. */
	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	image_pages(&self->bed->img);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_HOME);
	add(self, QBD_OP_WRITE, 1, 1);
	bed_commit(self->bed);
	bed_ckpt_until(self->bed, QBD_CKPT_P_IDLE);
	EXPECT_EQ(-ENOSPC, held(self));
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
	checkpoint(self);
	EXPECT_EQ(bed_fill(2), is(self, 1));

	/* With one, it is the records that come later that find no chunk. */
	pin(self);
	EXPECT_EQ(2, held(self));
	EXPECT_EQ(-ENOSPC,
		  bed_append(self->bed, self->slot, QBD_OP_WRITE, 2, 1));
	qbd_store_unpin(self->core, self->slot);
	checkpoint(self);
	add(self, QBD_OP_WRITE, 2, 1);
	checkpoint(self);

	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	EXPECT_LT(0, qbd_store_pin_pages_wanted(self->core));
	while (nr < ARRAY_SIZE(page) &&
	       (page[nr] = qbd_store_page_use(self->core)))
		nr++;
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(-ENOMEM, held(self));
	EXPECT_EQ(0, self->core->pin_pages);
	while (nr--)
		qbd_store_page_give(self->core, page[nr]);
	pin(self);
	EXPECT_EQ(3, held(self));
}

TEST_F(pin, one_at_a_time)
{
	struct qbd_pinned got = { 0 };

	EXPECT_EQ(-ENOENT, qbd_store_pin(self->core, U32_MAX));
	EXPECT_EQ(-ENOENT, held(self));
	EXPECT_EQ(-ENOENT, qbd_store_pinned(self->core, self->slot, 0, &got));
	qbd_store_unpin(self->core, U32_MAX);
	qbd_store_unpin(self->core, self->slot);
	EXPECT_EQ(0, self->core->pins_due);
	add(self, QBD_OP_WRITE, 0, 1);
	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	EXPECT_EQ(-EBUSY, qbd_store_pin(self->core, self->slot));
	EXPECT_EQ(-EAGAIN, held(self));
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
	/* It is not wanted any more, before it is there. */
	qbd_store_unpin(self->core, self->slot);
	EXPECT_EQ(-EBUSY, qbd_store_pin(self->core, self->slot));
	checkpoint(self);
	EXPECT_EQ(-ENOENT, held(self));
	EXPECT_EQ(0, self->core->pins_due);
	pin(self);
	got = pinned(self, 0);
	EXPECT_EQ(-EINVAL,
		  qbd_store_pinned(self->core, self->slot,
				   BED_SHARD_BLOCKS / BED_CHUNK_BLOCKS, &got));
	EXPECT_TRUE(qbd_store_pin_holds(self->core, self->slot, got.seq));
	qbd_store_unpin(self->core, self->slot);
	checkpoint(self);
	EXPECT_FALSE(qbd_store_pin_holds(self->core, self->slot, got.seq));
	pin(self);
	EXPECT_FALSE(qbd_store_pin_holds(self->core, self->slot, got.seq));
	EXPECT_NE(got.seq, pinned(self, 0).seq);
}

/* One that was asked for while a checkpoint runs has what that one took. */
TEST_F(pin, it_has_what_was_committed_before)
{
	add(self, QBD_OP_WRITE, 0, 1);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_HOME);
	add(self, QBD_OP_WRITE, 1, 1);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_store_pin(self->core, self->slot));
	image_pages(&self->bed->img);
	bed_ckpt_until(self->bed, QBD_CKPT_P_IDLE);
	EXPECT_EQ(-EAGAIN, held(self));
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
	checkpoint(self);
	EXPECT_EQ(2, held(self));
}

/*
 * The power goes between home and superblock: a record that is not known to
 * be committed in the next life is home already, and the overlay hides it.
 */
TEST_F(pin, not_of_what_is_half_home)
{
	add(self, QBD_OP_WRITE, 0, 1);
	checkpoint(self);
	add(self, QBD_OP_WRITE, 0, 1);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_MAP);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(1, self->core->slot[self->slot].applied.index);
	EXPECT_EQ(-EAGAIN, qbd_store_pin(self->core, self->slot));
	bed_settle(self->bed, self->slot);
	pin(self);
	EXPECT_EQ(2, held(self));
	EXPECT_EQ(bed_fill(2), was(self, 0));
}

/* Or it is truncated, and so was not home. */
TEST_F(pin, what_is_truncated_was_not_home)
{
	add(self, QBD_OP_WRITE, 0, 1);
	checkpoint(self);
	add(self, QBD_OP_WRITE, 0, 1);
	bed_commit(self->bed);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(-EAGAIN, qbd_store_pin(self->core, self->slot));
	ASSERT_LE(0, qbd_store_truncate(self->core, self->slot, 2, 1));
	pin(self);
	EXPECT_EQ(1, held(self));
	EXPECT_EQ(bed_fill(1), was(self, 0));
}

TEST_F(pin, it_goes_with_its_replica)
{
	u64 free = self->core->alloc.nr_free;

	add(self, QBD_OP_WRITE, 0, 1);
	pin(self);
	add(self, QBD_OP_WRITE, 1, 1);
	checkpoint(self);
	EXPECT_EQ(free - 2, self->core->alloc.nr_free);
	ASSERT_LE(0, qbd_store_delete(self->core, self->slot, 9));
	bed_commit(self->bed);
	EXPECT_EQ(-ENOENT, held(self));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(0, self->core->pins_due);
}

/* What only the pin had is free after a crash. */
TEST_F(pin, none_after_a_crash)
{
	u64 free;

	add(self, QBD_OP_WRITE, 0, 1);
	pin(self);
	free = self->core->alloc.nr_free;
	add(self, QBD_OP_WRITE, 0, 2);
	checkpoint(self);
	EXPECT_EQ(free - 1, self->core->alloc.nr_free);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(-ENOENT, held(self));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(bed_fill(2), is(self, 0));
}

TEST_HARNESS_MAIN
