// SPDX-License-Identifier: GPL-2.0-only
/* core/tail.c: retention, a full log, records that are logged again. */
#include "harness.h"
#include "bed.h"

FIXTURE(tail)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 a;
	u32 b;
};

FIXTURE_SETUP(tail)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->a = bed_replica(self->bed, 5);
	self->b = bed_replica(self->bed, 6);
}

FIXTURE_TEARDOWN(tail)
{
	bed_free(self->bed);
}

static int put(FIXTURE_DATA(tail) * self, u32 slot, u32 block, u32 blocks)
{
	return bed_append(self->bed, slot, QBD_OP_WRITE, block, blocks);
}

/* Commits records until one is refused; they may go home if @settle. */
static u32 fill(FIXTURE_DATA(tail) * self, u32 slot, bool settle)
{
	u32 nr = 0;
	int got;

	while ((got = put(self, slot, nr % 900, 4)) >= 0) {
		bed_commit(self->bed);
		if (settle)
			bed_settle(self->bed, slot);
		nr++;
	}
	ASSERT_EQ(-EAGAIN, got);
	return nr;
}

static void checkpoint(FIXTURE_DATA(tail) * self)
{
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
}

static u64 log_first(FIXTURE_DATA(tail) * self, u32 slot)
{
	return self->core->slot[slot].log_first;
}

TEST_F(tail, what_is_home_is_kept_for_others)
{
	u64 tail = self->core->ring.tail.lpos;
	u32 i;

	for (i = 0; i < 5; i++)
		ASSERT_LE(0, put(self, self->a, i, 2));
	bed_settle(self->bed, self->a);
	checkpoint(self);
	EXPECT_EQ(tail, self->core->ring.tail.lpos);
	EXPECT_EQ(1, log_first(self, self->a));
	for (i = 1; i <= 5; i++)
		EXPECT_LE(0, qbd_store_log_get(self->core, self->a, i));
	/* Without payloads in memory. */
	EXPECT_EQ(0, self->bed->payloads);
}

TEST_F(tail, a_full_log_gets_room)
{
	u64 tail = self->core->ring.tail.lpos;
	u32 nr, i;

	/* The share of one replica is not for what goes home. */
	nr = fill(self, self->a, true);
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
	checkpoint(self);
	EXPECT_LE(0, put(self, self->a, 0, 4));
	nr += 1 + fill(self, self->a, true);
	checkpoint(self);
	EXPECT_LT(tail, self->core->ring.tail.lpos);
	EXPECT_LT(1, log_first(self, self->a));
	/* From there on all are there, before it none. */
	for (i = 1; i <= nr; i++) {
		int id = qbd_store_log_get(self->core, self->a, i);

		ASSERT_EQ(i >= log_first(self, self->a), id >= 0);
	}
	EXPECT_FALSE(qbd_store_log_holds(self->core, tail));
	EXPECT_TRUE(
		qbd_store_log_holds(self->core, self->core->ring.tail.lpos));
}

/* Who has the first record can be given the others: they are in the log. */
TEST_F(tail, the_last_record_that_left_has_a_term)
{
	u32 i;

	ASSERT_LE(0, put(self, self->a, 7, 2));
	bed_settle(self->bed, self->a);
	for (i = 0; i < 4 && log_first(self, self->a) == 1; i++) {
		fill(self, self->b, true);
		checkpoint(self);
	}
	ASSERT_LE(0, bed_append_term(self->bed, self->a, 4));
	ASSERT_LE(0, put(self, self->a, 8, 2));
	bed_settle(self->bed, self->a);
	checkpoint(self);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(3, self->core->slot[self->a].applied.index);
		EXPECT_EQ(2, log_first(self, self->a));
		EXPECT_EQ(-ENOENT, qbd_store_log_get(self->core, self->a, 1));
		EXPECT_EQ(0, qbd_store_term_at(self->core, self->a, 0));
		EXPECT_EQ(1, qbd_store_term_at(self->core, self->a, 1));
		EXPECT_EQ(4, qbd_store_term_at(self->core, self->a, 2));
		EXPECT_EQ(4, qbd_store_term_at(self->core, self->a, 3));
		EXPECT_EQ(0, qbd_store_term_at(self->core, self->a, 4));
		ASSERT_EQ(0, bed_reopen(self->bed));
		self->core = self->bed->core;
	}
}

TEST_F(tail, a_full_log_has_room_for_promises)
{
	struct qbd_promise promise = { .term = 9, .nonce = 1 };

	fill(self, self->a, false);
	fill(self, self->b, true);
	EXPECT_LE(0, qbd_store_promise(self->core, self->a, &promise));
	EXPECT_LE(0, bed_append_term(self->bed, self->b, 9));
	EXPECT_LE(0, qbd_store_truncate(self->core, self->a, 9, 0));
	bed_commit(self->bed);
}

TEST_F(tail, a_replica_has_half_of_the_log)
{
	const struct qbd_ring *ring = &self->core->ring;
	u64 usable = ring->blocks - ring->relog_reserve - ring->control_reserve;
	u32 nr = fill(self, self->a, false);

	EXPECT_EQ(usable / 2 / 5, nr);
	/* The others go on. */
	EXPECT_LE(0, put(self, self->b, 0, 4));
	ASSERT_LE(0, qbd_store_truncate(self->core, self->a, 2, 0));
	EXPECT_LE(0, put(self, self->a, 0, 4));
}

/* A pinned record is in the way of the tail, and others write on and on. */
TEST_F(tail, a_pinned_record_is_taken_along)
{
	u32 round, i;

	ASSERT_LE(0, put(self, self->a, 7, 2));
	ASSERT_LE(0, bed_append(self->bed, self->a, QBD_OP_ZERO, 8, 1));
	bed_commit(self->bed);
	for (round = 0; round < 12; round++) {
		fill(self, self->b, true);
		for (i = 0; i < 4 && self->core->starved; i++)
			checkpoint(self);
		ASSERT_LE(0, put(self, self->b, 0, 1));
		ASSERT_EQ(bed_fill(1), bed_read(self->bed, self->a, 7));
		ASSERT_EQ(0, bed_read(self->bed, self->a, 8));
	}
	EXPECT_LE(2 * IMAGE_WAL_BLOCKS, self->core->ring.tail.lpos);
	EXPECT_LE(4, self->core->stats.relogged);
	EXPECT_EQ(2, self->core->slot[self->a].live_recs);
	EXPECT_EQ(1, qbd_store_term_at(self->core, self->a, 1));
	EXPECT_EQ(2, self->core->slot[self->a].durable.index);
	EXPECT_EQ(1, log_first(self, self->a));

	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(2, self->core->slot[self->a].last.index);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->a, 7));
	EXPECT_EQ(0, bed_read(self->bed, self->a, 8));
	bed_settle(self->bed, self->a);
	checkpoint(self);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->a, 7));
	EXPECT_EQ(0, self->core->slot[self->a].live_recs);
}

TEST_F(tail, a_payload_is_read_back)
{
	u32 i, loads = 0;
	int id;

	ASSERT_LE(0, put(self, self->a, 7, 2));
	bed_commit(self->bed);
	id = qbd_store_log_get(self->core, self->a, 1);
	free(qbd_store_payload_drop(self->core, id));
	self->bed->payloads--;
	for (i = 0; i < 20 && !self->core->stats.relogged; i++) {
		fill(self, self->b, true);
		checkpoint(self);
		loads += self->bed->nr_io[QBD_IO_LOAD];
	}
	EXPECT_EQ(1, self->core->stats.relogged);
	EXPECT_EQ(1, loads);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->a, 7));
}

/* It was loaded, and the caller dropped it before it was logged again. */
TEST_F(tail, a_payload_dropped_again)
{
	u32 i;

	ASSERT_LE(0, put(self, self->a, 7, 2));
	bed_commit(self->bed);
	for (i = 0; i < 20 && !self->core->stats.relogged; i++) {
		u64 tail = self->core->ring.tail.lpos;
		u64 at;
		int id;

		fill(self, self->b, true);
		ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
		bed_ckpt_until(self->bed, QBD_CKPT_P_RELOG);
		id = qbd_store_log_get(self->core, self->a, 1);
		at = qbd_store_rec(self->core, id)->lpos;
		if (self->core->ckpt.tail.nr) {
			free(qbd_store_payload_drop(self->core, id));
			self->bed->payloads--;
		}
		bed_ckpt_until(self->bed, QBD_CKPT_P_NR);
		/* The tail stays in front of it. */
		ASSERT_LE(tail, self->core->ring.tail.lpos);
		ASSERT_LE(self->core->ring.tail.lpos, at);
		ASSERT_EQ(bed_fill(1), bed_read(self->bed, self->a, 7));
		if (self->core->ckpt.tail.nr)
			break;
	}
	EXPECT_EQ(0, self->core->stats.relogged);
	EXPECT_NE(0, self->core->ckpt.tail.nr);
	checkpoint(self);
	EXPECT_EQ(1, self->core->stats.relogged);
}

/* Until a record of @a is chosen to be logged again, and just has not been. */
static void choose(FIXTURE_DATA(tail) * self)
{
	u32 i;

	ASSERT_LE(0, put(self, self->a, 7, 2));
	bed_commit(self->bed);
	for (i = 0; i < 20; i++) {
		fill(self, self->b, true);
		ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
		bed_ckpt_until(self->bed, QBD_CKPT_P_RELOG);
		if (self->core->ckpt.tail.nr)
			break;
		bed_ckpt_until(self->bed, QBD_CKPT_P_NR);
	}
	ASSERT_EQ(1, self->core->ckpt.tail.nr);
}

/*
 * Voided between being chosen and being logged again, by what is not in the
 * log when the power goes: the table that the checkpoint wrote carries it out.
 */
TEST_F(tail, a_chosen_record_that_is_truncated)
{
	choose(self);
	ASSERT_LE(0, qbd_store_truncate(self->core, self->a, 2, 0));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	EXPECT_EQ(0, self->core->stats.relogged);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(0, self->core->slot[self->a].last.index);
	EXPECT_EQ(0, bed_read(self->bed, self->a, 7));
}

/* The same by a deletion: the table says nothing of one that is not logged. */
TEST_F(tail, a_chosen_record_of_a_replica_that_is_deleted)
{
	choose(self);
	ASSERT_LE(0, qbd_store_delete(self->core, self->a, 7));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	EXPECT_EQ(0, self->core->stats.relogged);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(1, self->core->slot[self->a].last.index);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->a, 7));
}

/* Once the log says that it is void, the tail passes it. */
TEST_F(tail, a_chosen_record_whose_truncation_is_logged)
{
	u64 at;

	choose(self);
	at = qbd_store_rec(self->core, self->core->ckpt.tail.rec_id[0])->lpos;
	ASSERT_LE(0, qbd_store_truncate(self->core, self->a, 2, 0));
	bed_commit(self->bed);
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	EXPECT_EQ(0, self->core->stats.relogged);
	EXPECT_LT(at, self->core->ring.tail.lpos);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(0, self->core->slot[self->a].last.index);
	EXPECT_EQ(0, bed_read(self->bed, self->a, 7));
}

/* Truncated while its copy waits: neither of them counts any more. */
TEST_F(tail, a_copy_that_is_truncated)
{
	choose(self);
	qbd_tail_relog(self->core);
	self->core->ckpt.step++;
	ASSERT_EQ(1, self->core->ckpt.tail.alive);
	ASSERT_LE(0, qbd_store_truncate(self->core, self->a, 2, 0));
	EXPECT_EQ(QBD_CKPT_DONE, bed_ckpt_until(self->bed, QBD_CKPT_P_NR));
	bed_commit(self->bed);
	EXPECT_EQ(0, self->core->ring.waiting);
	EXPECT_EQ(0, self->core->slot[self->a].live_recs);
	ASSERT_EQ(0, bed_reopen(self->bed));
	EXPECT_EQ(0, bed_read(self->bed, self->a, 7));
}

TEST_HARNESS_MAIN
