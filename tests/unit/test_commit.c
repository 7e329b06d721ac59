// SPDX-License-Identifier: GPL-2.0-only
/* core/commit.c: segments out of what waits, durable when they are written. */
#include "harness.h"
#include "bed.h"

FIXTURE(commit)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 slot;
};

FIXTURE_SETUP(commit)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
}

FIXTURE_TEARDOWN(commit)
{
	bed_free(self->bed);
}

static u64 durable(FIXTURE_DATA(commit) * self)
{
	struct qbd_store_replica replica;

	ASSERT_EQ(0, qbd_store_replica_get(self->core, self->slot, &replica));
	return replica.durable.index;
}

static void put(FIXTURE_DATA(commit) * self, u32 block, u32 blocks)
{
	ASSERT_LE(0, bed_append(self->bed, self->slot, QBD_OP_WRITE, block,
				blocks));
}

TEST_F(commit, nothing_waits)
{
	struct qbd_lpos head = self->core->ring.head;

	self->core->commit.unproven = false;
	EXPECT_FALSE(qbd_commit_wanted(self->core));
	EXPECT_EQ(-EAGAIN, bed_commit_begin(self->bed));
	EXPECT_FALSE(self->core->commit.busy);
	EXPECT_EQ(head.lpos, self->core->ring.head.lpos);
}

TEST_F(commit, a_segment_in_the_order_of_acceptance)
{
	struct qbd_lpos at = self->core->ring.head;
	const struct qbd_seg_plan *plan = &self->bed->plan;
	struct qbd_seg_head head;
	u32 i;

	put(self, 10, 2);
	put(self, 20, 3);
	ASSERT_LE(0, bed_append(self->bed, self->slot, QBD_OP_ZERO, 0, 9));
	EXPECT_TRUE(qbd_commit_wanted(self->core));
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	ASSERT_EQ(0, qbd_seg_decode(self->bed->header, self->core->seed,
				    IMAGE_WAL_BLOCKS, &head));
	EXPECT_TRUE(qbd_seg_follows(&head, &at));
	EXPECT_EQ(at.seq - 1, head.durable_seq);
	ASSERT_EQ(3, head.nr_descs);
	EXPECT_EQ(5, head.payload_blocks);
	ASSERT_EQ(3, plan->nr_recs);
	for (i = 0; i < 3; i++) {
		const struct qbd_rec *rec =
			qbd_store_rec(self->core, plan->rec[i]);
		struct qbd_desc desc;

		qbd_seg_desc(self->bed->header, i, &desc);
		EXPECT_EQ(i + 1, desc.index);
		EXPECT_MEMEQ(&rec->desc, &desc, sizeof(desc));
		EXPECT_EQ(QBD_REC_WRITING, rec->state);
	}
	EXPECT_EQ(at.lpos + 1, qbd_store_rec(self->core, plan->rec[0])->lpos);
	EXPECT_EQ(at.lpos + 3, qbd_store_rec(self->core, plan->rec[1])->lpos);
	bed_commit_end(self->bed, 0);
}

TEST_F(commit, durable_with_the_end_of_the_write)
{
	put(self, 0, 1);
	put(self, 1, 1);
	EXPECT_EQ(4, self->core->ring.waiting);
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	EXPECT_EQ(0, durable(self));
	EXPECT_FALSE(qbd_commit_wanted(self->core));
	EXPECT_EQ(-EBUSY, bed_commit_begin(self->bed));
	/* What comes in meanwhile is for the next one. */
	put(self, 2, 1);
	bed_commit_end(self->bed, 0);
	EXPECT_EQ(2, durable(self));
	EXPECT_EQ(2, self->core->ring.waiting);
	EXPECT_TRUE(qbd_commit_wanted(self->core));
	bed_commit(self->bed);
	EXPECT_EQ(3, durable(self));
	EXPECT_EQ(0, self->core->ring.waiting);
}

TEST_F(commit, a_header_holds_so_many)
{
	u32 i;

	for (i = 0; i < QBD_SEG_DESCS + 3; i++)
		ASSERT_LE(0,
			  bed_append(self->bed, self->slot, QBD_OP_ZERO, i, 1));
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	EXPECT_EQ(QBD_SEG_DESCS, self->bed->plan.nr_recs);
	bed_commit_end(self->bed, 0);
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	EXPECT_EQ(3, self->bed->plan.nr_recs);
	bed_commit_end(self->bed, 0);
}

TEST_F(commit, a_segment_holds_so_much)
{
	u32 half = self->core->ring.payload_max / 2;

	put(self, 0, half);
	put(self, 0, half);
	put(self, 0, 1);
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	EXPECT_EQ(2, self->bed->plan.nr_recs);
	EXPECT_EQ(2 * half, self->bed->plan.head.payload_blocks);
	bed_commit_end(self->bed, 0);
	EXPECT_EQ(2, durable(self));
	bed_commit(self->bed);
	EXPECT_EQ(3, durable(self));
}

TEST_F(commit, what_is_void_is_not_written)
{
	put(self, 0, 1);
	put(self, 1, 4);
	put(self, 2, 4);
	ASSERT_LE(0, qbd_store_truncate(self->core, self->slot, 1, 1));
	bed_release(self->bed);
	EXPECT_EQ(1, self->bed->payloads);
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	EXPECT_EQ(2, self->bed->plan.nr_recs);
	EXPECT_EQ(1, self->bed->plan.head.payload_blocks);
	bed_commit_end(self->bed, 0);
	EXPECT_EQ(0, self->core->ring.waiting);
	EXPECT_FALSE(qbd_commit_wanted(self->core));
	EXPECT_EQ(1, durable(self));
}

TEST_F(commit, void_while_it_is_written)
{
	put(self, 0, 1);
	put(self, 1, 1);
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	ASSERT_LE(0, qbd_store_truncate(self->core, self->slot, 1, 0));
	/* The write needs its payload to the end. */
	bed_release(self->bed);
	EXPECT_EQ(2, self->bed->payloads);
	bed_commit_end(self->bed, 0);
	EXPECT_EQ(0, self->bed->payloads);
	EXPECT_EQ(0, durable(self));
	bed_commit(self->bed);
	EXPECT_EQ(0, self->core->ring.waiting);
}

TEST_F(commit, a_failed_write_fails_the_store)
{
	put(self, 0, 1);
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	bed_commit_end(self->bed, -EIO);
	EXPECT_EQ(0, self->core->slot[self->slot].durable.index);
	EXPECT_EQ(-EIO, qbd_store_error(self->core));
	EXPECT_FALSE(qbd_commit_wanted(self->core));
	EXPECT_EQ(-EIO, bed_commit_begin(self->bed));
	EXPECT_EQ(-EIO, bed_append(self->bed, self->slot, QBD_OP_ZERO, 0, 1));
}

TEST_F(commit, a_seal_proves_the_last_segment)
{
	u64 free, seq;

	put(self, 0, 1);
	EXPECT_FALSE(qbd_commit_seal_wanted(self->core));
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	EXPECT_FALSE(qbd_commit_seal_wanted(self->core));
	seq = self->bed->plan.head.seq;
	bed_commit_end(self->bed, 0);
	free = qbd_ring_free(&self->core->ring);
	ASSERT_TRUE(qbd_commit_seal_wanted(self->core));
	ASSERT_EQ(0, bed_commit_begin(self->bed));
	/* Its block is taken from now on: nobody is promised it. */
	EXPECT_EQ(free - 1, qbd_ring_free(&self->core->ring));
	EXPECT_EQ(QBD_SEG_SEAL, self->bed->plan.head.flags);
	EXPECT_EQ(0, self->bed->plan.nr_recs);
	EXPECT_EQ(seq, self->bed->plan.head.durable_seq);
	/* A record that comes meanwhile is in the next segment. */
	put(self, 1, 1);
	bed_commit_end(self->bed, 0);
	EXPECT_EQ(free - 3, qbd_ring_free(&self->core->ring));
	EXPECT_FALSE(qbd_commit_seal_wanted(self->core));
	EXPECT_EQ(1, durable(self));
	bed_commit(self->bed);
	EXPECT_EQ(2, durable(self));
	EXPECT_TRUE(qbd_commit_seal_wanted(self->core));
}

TEST_F(commit, a_superblock_proves_it_too)
{
	put(self, 0, 1);
	bed_settle(self->bed, self->slot);
	EXPECT_TRUE(qbd_commit_seal_wanted(self->core));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_FALSE(qbd_commit_seal_wanted(self->core));
}

/* Round the end of the log: two extents, and all of it is read back. */
TEST_F(commit, round_the_end)
{
	u32 wraps = 0, i;

	for (i = 0; i < 200; i++) {
		u64 lpos = self->core->ring.head.lpos;
		u64 rest = IMAGE_WAL_BLOCKS - lpos % IMAGE_WAL_BLOCKS;
		const struct qbd_seg_plan *plan = &self->bed->plan;

		put(self, 0, 7);
		ASSERT_EQ(0, bed_commit_begin(self->bed));
		ASSERT_EQ(rest < 8 ? 2 : 1, plan->nr_extents);
		ASSERT_EQ(min_t(u64, rest, 8), plan->extent[0].blocks);
		ASSERT_EQ(8 - plan->extent[0].blocks, plan->extent[1].blocks);
		wraps += plan->nr_extents - 1;
		bed_commit_end(self->bed, 0);
		bed_settle(self->bed, self->slot);
		if (qbd_ckpt_wanted(self->core) != QBD_CKPT_NONE)
			ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	}
	EXPECT_LE(1, wraps);
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	EXPECT_EQ(200, durable(self));
	EXPECT_EQ(bed_fill(200), bed_read(self->bed, self->slot, 6));
}

TEST_HARNESS_MAIN
