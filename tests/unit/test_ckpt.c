// SPDX-License-Identifier: GPL-2.0-only
/* core/ckpt.c: the order of a checkpoint, what rises when, what fails it. */
#include "harness.h"
#include "bed.h"

FIXTURE(ckpt)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 slot;
};

FIXTURE_SETUP(ckpt)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
}

FIXTURE_TEARDOWN(ckpt)
{
	bed_free(self->bed);
}

static void put(FIXTURE_DATA(ckpt) * self, u32 block)
{
	ASSERT_LE(0, bed_append(self->bed, self->slot, QBD_OP_WRITE, block, 1));
}

static struct qbd_slot *slot(FIXTURE_DATA(ckpt) * self)
{
	return &self->core->slot[self->slot];
}

static struct qbd_super super(FIXTURE_DATA(ckpt) * self, u32 no)
{
	struct qbd_super s;

	ASSERT_EQ(0,
		  qbd_super_decode(self->bed->img.data +
					   qbd_super_block(no) * QBD_BLOCK_SIZE,
				   &s));
	return s;
}

TEST_F(ckpt, one_at_a_time)
{
	struct qbd_io io;

	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	EXPECT_EQ(-EBUSY, qbd_ckpt_begin(self->core, false));
	EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	EXPECT_EQ(1, self->core->stats.checkpoints);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	EXPECT_EQ(QBD_CKPT_MORE, qbd_ckpt_next(self->core, &io));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
}

/* Home and metadata, a flush, one superblock slot, the other one. */
TEST_F(ckpt, the_order_of_io)
{
	const struct qbd_io *io = self->bed->io;
	u64 gen = super(self, 0).gen;
	u32 nr, i;

	put(self, 3);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	nr = self->bed->nr_ios;
	ASSERT_LE(5, nr);
	for (i = 0; i < nr - 3; i++) {
		EXPECT_NE(QBD_IO_FLUSH, io[i].op);
		EXPECT_NE(qbd_super_block(0), io[i].block);
		EXPECT_NE(qbd_super_block(1), io[i].block);
	}
	EXPECT_EQ(QBD_IO_FLUSH, io[nr - 3].op);
	for (i = 0; i < QBD_SUPER_SLOTS; i++) {
		EXPECT_EQ(QBD_IO_WRITE, io[nr - 2 + i].op);
		EXPECT_EQ(qbd_super_block(i), io[nr - 2 + i].block);
		EXPECT_TRUE(io[nr - 2 + i].fua);
		EXPECT_EQ(gen + 1, super(self, i).gen);
		EXPECT_EQ(self->core->ring.head.lpos,
			  super(self, i).known.lpos);
	}
}

/* Each phase that describes I/O ends with a wait. */
TEST_F(ckpt, it_waits_between)
{
	enum qbd_ckpt_step step = QBD_CKPT_MORE;
	u32 waits = 0, graces = 0;
	bool open = false;
	struct qbd_io io;

	put(self, 3);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	while (step != QBD_CKPT_DONE) {
		step = qbd_ckpt_next(self->core, &io);
		ASSERT_NE(QBD_CKPT_FAILED, step);
		if (step == QBD_CKPT_IO) {
			bool barrier = io.op == QBD_IO_FLUSH || io.fua;

			/* All that was described before has ended. */
			ASSERT_FALSE(barrier && open);
			ASSERT_EQ(1, graces);
			open = true;
		}
		graces += step == QBD_CKPT_GRACE;
		if (step != QBD_CKPT_WAIT && step != QBD_CKPT_GRACE)
			continue;
		waits += step == QBD_CKPT_WAIT;
		open = false;
		qbd_ckpt_phase_end(self->core, 0);
	}
	/* Home, metadata, flush, two superblocks. */
	EXPECT_LE(5, waits);
	bed_release(self->bed);
}

TEST_F(ckpt, nothing_rises_before_the_superblock)
{
	put(self, 3);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_DONE);
	EXPECT_EQ(1, slot(self)->frozen.index);
	EXPECT_EQ(0, slot(self)->applied.index);
	EXPECT_EQ(1, self->bed->payloads);
	EXPECT_EQ(1, slot(self)->live_recs);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->slot, 3));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	EXPECT_EQ(1, slot(self)->applied.index);
	EXPECT_EQ(1, slot(self)->applied.term);
	EXPECT_EQ(0, self->bed->payloads);
	EXPECT_EQ(0, slot(self)->live_recs);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->slot, 3));
}

/* The power fails at the beginning of each phase: nothing is lost. */
TEST_F(ckpt, a_crash_in_each_phase)
{
	u32 phase, index = 0;

	for (phase = QBD_CKPT_P_DRAIN; phase <= QBD_CKPT_P_END; phase++) {
		put(self, 3);
		put(self, 4);
		index += 2;
		bed_settle(self->bed, self->slot);
		ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
		bed_ckpt_until(self->bed, phase);
		ASSERT_EQ(0, bed_reopen(self->bed));
		self->core = self->bed->core;
		ASSERT_EQ(index, slot(self)->last.index);
		ASSERT_EQ(bed_fill(index - 1),
			  bed_read(self->bed, self->slot, 3));
		ASSERT_EQ(bed_fill(index), bed_read(self->bed, self->slot, 4));
		ASSERT_EQ(phase > QBD_CKPT_P_SUPER ? index : index - 2,
			  slot(self)->applied.index);
		bed_settle(self->bed, self->slot);
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	}
}

TEST_F(ckpt, a_freed_chunk_is_not_taken_before_the_end)
{
	u64 free;

	put(self, 3);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	free = self->core->alloc.nr_free;
	ASSERT_LE(0, bed_append(self->bed, self->slot, QBD_OP_DISCARD, 0,
				BED_CHUNK_BLOCKS));
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_FREE);
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(1, self->core->alloc.nr_freeing);
	bed_ckpt_until(self->bed, QBD_CKPT_P_NR);
	EXPECT_EQ(free + 1, self->core->alloc.nr_free);
}

TEST_F(ckpt, what_comes_meanwhile_is_for_the_next)
{
	put(self, 3);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_GRACE);
	put(self, 3);
	bed_settle(self->bed, self->slot);
	bed_ckpt_until(self->bed, QBD_CKPT_P_NR);
	EXPECT_EQ(1, slot(self)->applied.index);
	EXPECT_EQ(1, slot(self)->live_recs);
	EXPECT_EQ(1, self->bed->payloads);
	EXPECT_EQ(bed_fill(2), bed_read(self->bed, self->slot, 3));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(2, slot(self)->applied.index);
	EXPECT_EQ(0, self->bed->payloads);
}

TEST_F(ckpt, without_work_nothing_is_written)
{
	self->core->starved = true;
	ASSERT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(0, self->bed->nr_ios);
	/* Nor is it tried again before something happened. */
	self->core->starved = true;
	EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
	put(self, 0);
	bed_commit(self->bed);
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
}

TEST_F(ckpt, wanted_when_much_is_due)
{
	u32 i;

	for (i = 0; i < IMAGE_WAL_BLOCKS / 8; i++) {
		EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
		put(self, i);
		bed_settle(self->bed, self->slot);
	}
	EXPECT_EQ(QBD_CKPT_SOON, qbd_ckpt_wanted(self->core));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(0, self->core->due_recs);
	EXPECT_EQ(0, self->core->due_blocks);
}

TEST_F(ckpt, close)
{
	put(self, 3);
	bed_settle(self->bed, self->slot);
	/* What waits is written, and nothing is accepted any more. */
	put(self, 4);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, true));
	EXPECT_EQ(-ESHUTDOWN,
		  bed_append(self->bed, self->slot, QBD_OP_ZERO, 0, 1));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	EXPECT_EQ(-ESHUTDOWN, qbd_store_error(self->core));
	EXPECT_EQ(-ESHUTDOWN, qbd_ckpt_begin(self->core, false));
	EXPECT_EQ(QBD_SUPER_CLEAN, super(self, 0).flags & QBD_SUPER_CLEAN);
	EXPECT_EQ(QBD_SUPER_CLEAN, super(self, 1).flags & QBD_SUPER_CLEAN);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(2, slot(self)->last.index);
	EXPECT_EQ(1, slot(self)->applied.index);
	EXPECT_EQ(bed_fill(2), bed_read(self->bed, self->slot, 4));
	/* It is open, so it is not clean any more. */
	EXPECT_EQ(0, super(self, 0).flags & QBD_SUPER_CLEAN);
}

TEST_F(ckpt, a_failed_io_fails_the_store)
{
	struct qbd_io io;

	put(self, 3);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_HOME);
	while (qbd_ckpt_next(self->core, &io) != QBD_CKPT_WAIT)
		;
	qbd_ckpt_phase_end(self->core, -EIO);
	EXPECT_EQ(QBD_CKPT_FAILED, qbd_ckpt_next(self->core, &io));
	EXPECT_EQ(-EIO, qbd_store_error(self->core));
	EXPECT_EQ(-EIO, qbd_ckpt_begin(self->core, false));
	EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
	EXPECT_EQ(-EIO, bed_read(self->bed, self->slot, 3));
	/* It is all still in the log. */
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->slot, 3));
}

TEST_F(ckpt, the_set_of_a_config_record)
{
	const struct qbd_store_stats *stats = &self->core->stats;

	ASSERT_LE(0, bed_config(self->bed, self->slot, 2));
	bed_settle(self->bed, self->slot);
	ASSERT_LE(0, bed_config(self->bed, self->slot, 3));
	EXPECT_EQ(1, slot(self)->table.config.epoch);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(2, slot(self)->table.config.epoch);
	EXPECT_EQ(1, slot(self)->nr_configs);
	EXPECT_EQ(3, qbd_slot_config_at(slot(self), 2)->epoch);
	EXPECT_EQ(2, qbd_slot_config_at(slot(self), 1)->epoch);
	EXPECT_EQ(1, stats->checkpoints);
}

TEST_HARNESS_MAIN
