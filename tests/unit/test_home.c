// SPDX-License-Identifier: GPL-2.0-only
/* core/home.c: what a checkpoint writes home, and what the map says then. */
#include "harness.h"
#include "bed.h"

/* What the device has where nothing was written, see bed.c. */
#define OLD 0xee

FIXTURE(home)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 slot;
};

FIXTURE_SETUP(home)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
}

FIXTURE_TEARDOWN(home)
{
	bed_free(self->bed);
}

static void add(FIXTURE_DATA(home) * self, u8 op, u32 block, u32 blocks)
{
	ASSERT_LE(0, bed_append(self->bed, self->slot, op, block, blocks));
}

static void checkpoint(FIXTURE_DATA(home) * self)
{
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
}

static const struct qbd_chunk *chunk(FIXTURE_DATA(home) * self, u32 no)
{
	return qbd_slot_chunk(self->core, &self->core->slot[self->slot], no);
}

/* What a block of a mapped chunk has at home. */
static u8 at_home(FIXTURE_DATA(home) * self, u32 block)
{
	const struct qbd_chunk *c = chunk(self, block / BED_CHUNK_BLOCKS);
	u64 at = qbd_layout_chunk_block(&self->core->super.layout, c->phys) +
		 block % BED_CHUNK_BLOCKS;

	ASSERT_TRUE(c->state & QBD_CHUNK_MAPPED);
	return self->bed->img.data[at * QBD_BLOCK_SIZE];
}

TEST_F(home, a_new_chunk_is_written_whole)
{
	u32 i;

	add(self, QBD_OP_WRITE, 10, 3);
	add(self, QBD_OP_WRITE, 20, 1);
	checkpoint(self);
	for (i = 0; i < BED_CHUNK_BLOCKS; i++) {
		u8 want = i == 20 ? bed_fill(2) : 0;

		if (i >= 10 && i < 13)
			want = bed_fill(1);
		ASSERT_EQ(want, at_home(self, i));
		ASSERT_EQ(want, bed_read(self->bed, self->slot, i));
	}
	EXPECT_EQ(4, self->core->stats.home_blocks);
	EXPECT_EQ(BED_CHUNK_BLOCKS - 4, self->core->stats.zero_blocks);
	EXPECT_EQ(2, chunk(self, 0)->last);
}

TEST_F(home, only_the_newest_version)
{
	add(self, QBD_OP_WRITE, 0, 8);
	add(self, QBD_OP_WRITE, 2, 2);
	add(self, QBD_OP_WRITE, 0, 8);
	checkpoint(self);
	EXPECT_EQ(8, self->core->stats.home_blocks);
	EXPECT_EQ(1, self->bed->nr_io[QBD_IO_ZERO]);
	EXPECT_EQ(bed_fill(3), at_home(self, 2));
	EXPECT_EQ(3, chunk(self, 0)->last);
}

TEST_F(home, nothing_beyond_the_bound)
{
	add(self, QBD_OP_WRITE, 0, 2);
	add(self, QBD_OP_WRITE, 1, 2);
	bed_commit(self->bed);
	qbd_store_commit_set(self->core, self->slot, 1);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(bed_fill(1), at_home(self, 1));
	EXPECT_EQ(0, at_home(self, 2));
	EXPECT_EQ(1, chunk(self, 0)->last);
	/* Readers see the newest one, home or not. */
	EXPECT_EQ(bed_fill(2), bed_read(self->bed, self->slot, 1));
	EXPECT_EQ(bed_fill(2), bed_read(self->bed, self->slot, 2));
}

TEST_F(home, a_known_chunk_is_written_in_places)
{
	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	add(self, QBD_OP_WRITE, 2, 1);
	checkpoint(self);
	EXPECT_EQ(0, self->bed->nr_io[QBD_IO_ZERO]);
	EXPECT_EQ(5, self->core->stats.home_blocks);
	EXPECT_EQ(bed_fill(1), at_home(self, 1));
	EXPECT_EQ(bed_fill(2), at_home(self, 2));
	EXPECT_EQ(bed_fill(1), at_home(self, 3));
}

TEST_F(home, a_record_in_two_chunks)
{
	add(self, QBD_OP_WRITE, BED_CHUNK_BLOCKS - 2, 5);
	EXPECT_EQ(2, self->core->alloc.nr_reserved);
	checkpoint(self);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
	EXPECT_EQ(0, at_home(self, BED_CHUNK_BLOCKS - 3));
	EXPECT_EQ(bed_fill(1), at_home(self, BED_CHUNK_BLOCKS - 1));
	EXPECT_EQ(bed_fill(1), at_home(self, BED_CHUNK_BLOCKS + 2));
	EXPECT_EQ(0, at_home(self, BED_CHUNK_BLOCKS + 3));
	EXPECT_EQ(0, at_home(self, 2 * BED_CHUNK_BLOCKS - 1));
}

TEST_F(home, a_payload_that_is_only_in_the_log)
{
	u32 i;

	add(self, QBD_OP_WRITE, 5, 3);
	bed_commit(self->bed);
	i = qbd_store_log_get(self->core, self->slot, 1);
	free(qbd_store_payload_drop(self->core, i));
	self->bed->payloads--;
	add(self, QBD_OP_WRITE, 6, 1);
	checkpoint(self);
	EXPECT_EQ(2, self->bed->nr_io[QBD_IO_COPY]);
	EXPECT_EQ(bed_fill(1), at_home(self, 5));
	EXPECT_EQ(bed_fill(2), at_home(self, 6));
	EXPECT_EQ(bed_fill(1), at_home(self, 7));
}

TEST_F(home, a_discarded_chunk_is_freed)
{
	u64 free = self->core->alloc.nr_free;

	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	EXPECT_EQ(free - 1, self->core->alloc.nr_free);
	add(self, QBD_OP_DISCARD, 0, BED_CHUNK_BLOCKS);
	checkpoint(self);
	/* Nothing is written home for it. */
	EXPECT_EQ(0, self->bed->nr_io[QBD_IO_ZERO]);
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(2, chunk(self, 0)->last);
	EXPECT_EQ(0, bed_read(self->bed, self->slot, 1));
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(2, chunk(self, 0)->last);
}

TEST_F(home, a_chunk_discarded_by_pieces)
{
	u64 free = self->core->alloc.nr_free;

	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	add(self, QBD_OP_DISCARD, 10, BED_CHUNK_BLOCKS - 10);
	add(self, QBD_OP_ZERO, 0, 10);
	checkpoint(self);
	EXPECT_EQ(free, self->core->alloc.nr_free);
	/* The newest change is not that of the last block. */
	EXPECT_EQ(3, chunk(self, 0)->last);
}

TEST_F(home, zeroes_in_a_chunk_that_stays)
{
	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	add(self, QBD_OP_ZERO, 1, 2);
	checkpoint(self);
	EXPECT_EQ(1, self->bed->nr_io[QBD_IO_ZERO]);
	EXPECT_EQ(bed_fill(1), at_home(self, 0));
	EXPECT_EQ(0, at_home(self, 1));
	EXPECT_EQ(0, at_home(self, 2));
	EXPECT_EQ(bed_fill(1), at_home(self, 3));
}

/* A replica that was away has to learn of it all the same (S12). */
TEST_F(home, zeroes_where_nothing_is)
{
	u64 free = self->core->alloc.nr_free;

	add(self, QBD_OP_ZERO, 1, 2);
	checkpoint(self);
	EXPECT_EQ(0, self->bed->nr_io[QBD_IO_ZERO]);
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(1, chunk(self, 0)->last);
}

/* Discarded and written again before the checkpoint: all of it is new. */
TEST_F(home, data_over_a_discard)
{
	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	add(self, QBD_OP_DISCARD, 0, BED_CHUNK_BLOCKS);
	add(self, QBD_OP_WRITE, 1, 1);
	checkpoint(self);
	EXPECT_EQ(0, at_home(self, 0));
	EXPECT_EQ(bed_fill(3), at_home(self, 1));
	EXPECT_EQ(0, at_home(self, 2));
	EXPECT_EQ(0, at_home(self, 3));
}

/* The record that writes the chunk again came after the freeze. */
TEST_F(home, a_write_after_a_discard_that_goes)
{
	u64 free = self->core->alloc.nr_free;

	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	add(self, QBD_OP_DISCARD, 0, BED_CHUNK_BLOCKS);
	bed_settle(self->bed, self->slot);
	add(self, QBD_OP_WRITE, 1, 1);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(1, self->core->alloc.nr_reserved);
	EXPECT_EQ(bed_fill(3), bed_read(self->bed, self->slot, 1));
	checkpoint(self);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
	EXPECT_EQ(bed_fill(3), at_home(self, 1));
	EXPECT_EQ(0, at_home(self, 0));
}

/* A shard may end within a chunk: what is left of it is written too. */
TEST_F(home, the_last_chunk_of_a_shard)
{
	u32 blocks = BED_CHUNK_BLOCKS + 10;

	ASSERT_LE(0, bed_create(self->bed, 6, blocks));
	bed_commit(self->bed);
	self->slot = qbd_store_find(self->core, 6);
	add(self, QBD_OP_WRITE, blocks - 1, 1);
	checkpoint(self);
	EXPECT_EQ(0, at_home(self, BED_CHUNK_BLOCKS));
	EXPECT_EQ(bed_fill(1), at_home(self, blocks - 1));
	/* To its end is all of it. */
	add(self, QBD_OP_DISCARD, BED_CHUNK_BLOCKS, 10);
	checkpoint(self);
	EXPECT_FALSE(qbd_chunk_has_home(chunk(self, 1)));
}

/* Neighbours of a chunk keep what they have. */
TEST_F(home, no_write_outside)
{
	const struct qbd_layout *layout = &self->core->super.layout;
	u64 first = qbd_layout_chunk_block(layout, 0), block;
	const struct qbd_chunk *c;

	add(self, QBD_OP_WRITE, 0, 4);
	checkpoint(self);
	c = chunk(self, 0);
	for (block = first; block < IMAGE_BLOCKS; block++) {
		if ((block - first) / BED_CHUNK_BLOCKS == c->phys)
			continue;
		ASSERT_EQ(OLD, self->bed->img.data[block * QBD_BLOCK_SIZE]);
	}
}

TEST_HARNESS_MAIN
