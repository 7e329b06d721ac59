// SPDX-License-Identifier: GPL-2.0-only
/* core/store.c: acceptance, payloads, reading, failure, the end of a store. */
#include "harness.h"
#include "bed.h"

/* As many chunks as the smallest of these devices has. */
#define SMALL_BLOCKS 1024U

FIXTURE(store)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 slot;
};

FIXTURE_SETUP(store)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->slot = bed_replica(self->bed, 5);
}

FIXTURE_TEARDOWN(store)
{
	bed_free(self->bed);
}

static int put(FIXTURE_DATA(store) * self, u32 block, u32 blocks)
{
	return bed_append(self->bed, self->slot, QBD_OP_WRITE, block, blocks);
}

/* Appends a ZERO record after @change; it must not be accepted. */
static void refuse(FIXTURE_DATA(store) * self, struct qbd_desc change)
{
	struct qbd_desc desc = change;

	desc.replica = 5;
	EXPECT_EQ(-EINVAL,
		  qbd_store_append(self->core, self->slot, &desc, NULL, NULL));
	EXPECT_EQ(2, self->core->slot[self->slot].last.index);
}

TEST_F(store, records_continue_the_history)
{
	struct qbd_desc good = { .op = QBD_OP_ZERO,
				 .index = 3,
				 .term = 4,
				 .aux0 = 4,
				 .block = 1,
				 .blocks = 1 };
	struct qbd_desc desc;

	ASSERT_LE(0, bed_append_term(self->bed, self->slot, 4));
	ASSERT_LE(0, put(self, 0, 1));
	desc = good;
	desc.index = 4;
	refuse(self, desc);
	desc.index = 2;
	refuse(self, desc);
	desc = good;
	desc.term = 3;
	refuse(self, desc);
	desc = good;
	desc.aux0 = 3;
	refuse(self, desc);
	desc = good;
	desc.blocks = 0;
	refuse(self, desc);
	desc.block = BED_SHARD_BLOCKS - 1;
	desc.blocks = 2;
	refuse(self, desc);
	desc.block = U32_MAX;
	refuse(self, desc);
	desc = good;
	desc.flags = QBD_REC_RELOG;
	refuse(self, desc);
	desc = good;
	desc.op = QBD_OP_PROMISE;
	refuse(self, desc);
	/* A write without a payload, a CONFIG record without a set. */
	desc = good;
	desc.op = QBD_OP_WRITE;
	desc.payload_blocks = 1;
	refuse(self, desc);
	desc.op = QBD_OP_CONFIG;
	refuse(self, desc);
	EXPECT_LE(0, qbd_store_append(self->core, self->slot,
				      &(struct qbd_desc){ .replica = 5,
							  .op = QBD_OP_ZERO,
							  .index = 3,
							  .term = 4,
							  .aux0 = 4,
							  .block = 1,
							  .blocks = 1 },
				      NULL, NULL));
}

TEST_F(store, what_can_not_be_looked_up)
{
	struct qbd_found found;
	u32 no = self->slot;

	EXPECT_EQ(-ENOENT, qbd_store_lookup(self->core, 6, 0, 1, &found));
	EXPECT_EQ(-EINVAL, qbd_store_lookup(self->core, no, 0, 0, &found));
	EXPECT_EQ(-EINVAL, qbd_store_lookup(self->core, no, BED_SHARD_BLOCKS, 1,
					    &found));
	EXPECT_EQ(-EINVAL,
		  qbd_store_lookup(self->core, no, U32_MAX, U32_MAX, &found));
	EXPECT_EQ(0, qbd_store_lookup(self->core, no, BED_SHARD_BLOCKS - 1, 1,
				      &found));
}

TEST_F(store, extents_of_an_answer)
{
	struct qbd_found found;

	ASSERT_LE(0, put(self, 10, 4));
	ASSERT_EQ(0, qbd_store_lookup(self->core, self->slot, 0, 100, &found));
	EXPECT_EQ(QBD_FOUND_ZERO, found.kind);
	EXPECT_EQ(10, found.blocks);
	ASSERT_EQ(0, qbd_store_lookup(self->core, self->slot, 12, 100, &found));
	EXPECT_EQ(QBD_FOUND_LOG, found.kind);
	EXPECT_EQ(2, found.blocks);
	EXPECT_EQ(2, found.offset);
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	/* At home it reaches to the end of the chunk. */
	ASSERT_EQ(0, qbd_store_lookup(self->core, self->slot, 12, 100, &found));
	EXPECT_EQ(QBD_FOUND_HOME, found.kind);
	EXPECT_EQ(BED_CHUNK_BLOCKS - 12, found.blocks);
	EXPECT_EQ(12, (found.block -
		       qbd_layout_chunk_block(&self->core->super.layout, 0)) %
			      BED_CHUNK_BLOCKS);
}

TEST_F(store, payloads_in_and_out)
{
	int id = put(self, 0, 1);
	void *payload;

	ASSERT_LE(0, id);
	/* Not before it is on stable media. */
	EXPECT_NULL(qbd_store_payload_drop(self->core, id));
	bed_commit(self->bed);
	EXPECT_EQ(-ENOENT, qbd_store_payload_set(self->core, id, self));
	payload = qbd_store_payload_drop(self->core, id);
	ASSERT_TRUE(payload);
	EXPECT_NULL(qbd_store_payload_drop(self->core, id));
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->slot, 0));
	EXPECT_EQ(0, qbd_store_payload_set(self->core, id, payload));
	bed_settle(self->bed, self->slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(0, self->bed->payloads);
	id = bed_append(self->bed, self->slot, QBD_OP_ZERO, 0, 1);
	bed_commit(self->bed);
	EXPECT_EQ(-ENOENT, qbd_store_payload_set(self->core, id, self));
}

/* Who does not take what is released is told to wait. */
TEST_F(store, released_payloads_are_taken)
{
	struct qbd_releases *r = &self->core->releases;

	r->end = r->first + r->mask / 2 + 1;
	EXPECT_EQ(-EAGAIN, qbd_store_room(self->core, QBD_ROOM_RELOG, 1));
	r->end--;
	EXPECT_EQ(0, qbd_store_room(self->core, QBD_ROOM_RELOG, 1));
	r->end = r->first;
}

TEST_F(store, reserves_of_the_index)
{
	struct qbd_rec_index *index = &self->core->index;
	u64 first = index->first;
	const u32 size = index->mask + 1;

	index->first = index->end + 1 + QBD_SEG_DESCS - size;
	EXPECT_EQ(-EAGAIN, qbd_store_room(self->core, QBD_ROOM_USER, 1));
	EXPECT_EQ(0, qbd_store_room(self->core, QBD_ROOM_CONTROL, 1));
	index->first--;
	EXPECT_EQ(-EAGAIN, qbd_store_room(self->core, QBD_ROOM_CONTROL, 1));
	EXPECT_EQ(0, qbd_store_room(self->core, QBD_ROOM_RELOG, 1));
	EXPECT_TRUE(self->core->starved);
	index->first = index->end + 1 + 2 * QBD_SEG_DESCS - size;
	EXPECT_EQ(0, qbd_store_room(self->core, QBD_ROOM_USER, 1));
	index->first = first;
}

TEST_F(store, the_first_failure_counts)
{
	EXPECT_EQ(0, qbd_store_error(self->core));
	qbd_store_fail(self->core, -EIO);
	qbd_store_fail(self->core, -EUCLEAN);
	EXPECT_EQ(-EIO, qbd_store_error(self->core));
	EXPECT_EQ(-EIO, put(self, 0, 1));
	EXPECT_EQ(-EIO, bed_read(self->bed, self->slot, 0));
	EXPECT_EQ(-EIO, qbd_store_delete(self->core, self->slot, 1));
}

/* All that was handed over comes back, once: bed_free() looks. */
TEST_F(store, everything_comes_back)
{
	u32 i;

	for (i = 0; i < 20; i++)
		ASSERT_LE(0, put(self, i * 40, 1));
	bed_commit(self->bed);
	ASSERT_LE(0, put(self, 0, 1));
	EXPECT_EQ(21, self->bed->payloads);
	ASSERT_EQ(0, bed_reopen(self->bed));
	EXPECT_EQ(0, self->bed->payloads);
	EXPECT_EQ(bed_fill(20), bed_read(self->bed, self->slot, 19 * 40));
}

/* Said before acceptance: what was accepted has a home. */
TEST(no_space_at_home)
{
	struct bed *bed = bed_new(SMALL_BLOCKS, 256);
	u32 slot = bed_replica(bed, 5);
	struct qbd_store_stats stats;
	u32 nr = 0;
	int got;

	while ((got = bed_append(bed, slot, QBD_OP_WRITE, nr * BED_CHUNK_BLOCKS,
				 1)) >= 0)
		nr++;
	EXPECT_EQ(-ENOSPC, got);
	EXPECT_EQ(bed->core->alloc.nr, nr);
	/* Chunks that are promised can be written to. */
	EXPECT_LE(0, bed_append(bed, slot, QBD_OP_WRITE, 1, 1));
	EXPECT_LE(0,
		  bed_append(bed, slot, QBD_OP_ZERO, nr * BED_CHUNK_BLOCKS, 1));
	qbd_store_stats_get(bed->core, &stats);
	EXPECT_EQ(nr, stats.chunks_reserved);
	bed_settle(bed, slot);
	ASSERT_EQ(0, bed_checkpoint(bed, false));
	EXPECT_EQ(0, bed->core->alloc.nr_free);
	EXPECT_EQ(0, bed->core->alloc.nr_reserved);
	EXPECT_EQ(-ENOSPC, bed_append(bed, slot, QBD_OP_WRITE,
				      nr * BED_CHUNK_BLOCKS, 1));
	ASSERT_LE(0,
		  bed_append(bed, slot, QBD_OP_DISCARD, 0, BED_CHUNK_BLOCKS));
	bed_settle(bed, slot);
	ASSERT_EQ(0, bed_checkpoint(bed, false));
	EXPECT_LE(0, bed_append(bed, slot, QBD_OP_WRITE, nr * BED_CHUNK_BLOCKS,
				1));
	bed_free(bed);
}

/* Nobody but who found no space asks for the checkpoint that frees it. */
TEST(space_of_a_deleted_replica)
{
	struct bed *bed = bed_new(SMALL_BLOCKS, 256);
	u32 slot = bed_replica(bed, 5), filler = bed_replica(bed, 6);
	u32 nr = 0;

	while (bed_append(bed, filler, QBD_OP_WRITE, nr * BED_CHUNK_BLOCKS,
			  1) >= 0)
		nr++;
	bed_settle(bed, filler);
	ASSERT_EQ(0, bed_checkpoint(bed, false));
	ASSERT_EQ(-ENOSPC, bed_append(bed, slot, QBD_OP_WRITE, 0, 1));
	while (qbd_ckpt_wanted(bed->core))
		ASSERT_EQ(0, bed_checkpoint(bed, false));
	ASSERT_LE(0, qbd_store_delete(bed->core, filler, 1));
	bed_commit(bed);
	EXPECT_EQ(0, bed->core->alloc.nr_free);
	EXPECT_EQ(-ENOSPC, bed_append(bed, slot, QBD_OP_WRITE, 0, 1));
	EXPECT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(bed->core));
	while (qbd_ckpt_wanted(bed->core))
		ASSERT_EQ(0, bed_checkpoint(bed, false));
	EXPECT_EQ(nr, bed->core->alloc.nr_free);
	EXPECT_LE(0, bed_append(bed, slot, QBD_OP_WRITE, 0, 1));
	bed_free(bed);
}

static void check(FIXTURE_DATA(store) * self, const u8 *model)
{
	u32 i;

	for (i = 0; i < 300; i++)
		ASSERT_EQ(model[i], bed_read(self->bed, self->slot, i));
}

/* Writes, discards, commits, checkpoints, crashes, against plain memory. */
TEST_F(store, like_plain_memory)
{
	u8 now[300] = { 0 }, durable[300] = { 0 };
	u32 round, i;

	for (round = 0; round < 600; round++) {
		u32 block = th_rand() % 280, what = th_rand() % 20;
		u32 blocks = 1 + th_rand() % 20;
		bool zero = what >= 10;
		u64 index = self->core->slot[self->slot].last.index + 1;
		int got = 0;

		if (what < 13) {
			got = bed_append(self->bed, self->slot,
					 zero ? QBD_OP_ZERO : QBD_OP_WRITE,
					 block, blocks);
			ASSERT_TRUE(got >= 0 || got == -EAGAIN);
			for (i = block; got >= 0 && i < block + blocks; i++)
				now[i] = zero ? 0 : bed_fill(index);
		} else if (what < 19) {
			bed_settle(self->bed, self->slot);
			memcpy(durable, now, sizeof(now));
		} else {
			ASSERT_EQ(0, bed_reopen(self->bed));
			self->core = self->bed->core;
			memcpy(now, durable, sizeof(now));
		}
		if (got == -EAGAIN || what == 18) {
			bed_settle(self->bed, self->slot);
			memcpy(durable, now, sizeof(now));
			ASSERT_EQ(0, bed_checkpoint(self->bed, false));
		}
		check(self, now);
	}
}

TEST_HARNESS_MAIN
