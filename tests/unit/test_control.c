// SPDX-License-Identifier: GPL-2.0-only
/* core/control.c: replicas are created, promise, are truncated, deleted. */
#include "harness.h"
#include "bed.h"

FIXTURE(control)
{
	struct bed *bed;
	struct qbd_store_core *core;
};

FIXTURE_SETUP(control)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
}

FIXTURE_TEARDOWN(control)
{
	bed_free(self->bed);
}

static void reopen(FIXTURE_DATA(control) * self)
{
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
}

static struct qbd_store_replica get(FIXTURE_DATA(control) * self, u32 slot)
{
	struct qbd_store_replica replica;

	ASSERT_EQ(0, qbd_store_replica_get(self->core, slot, &replica));
	return replica;
}

static int promise(FIXTURE_DATA(control) * self, u32 slot, u64 term, u64 nonce)
{
	struct qbd_promise p = {
		.term = term, .nonce = nonce, .epoch = 1, .node = 2
	};

	return qbd_store_promise(self->core, slot, &p);
}

static void put(FIXTURE_DATA(control) * self, u32 slot, u32 block)
{
	ASSERT_LE(0, bed_append(self->bed, slot, QBD_OP_WRITE, block, 2));
}

TEST_F(control, no_such_replica)
{
	struct qbd_store_replica r;

	EXPECT_EQ(-ENOENT, qbd_store_find(self->core, 5));
	EXPECT_EQ(-ENOENT, qbd_store_replica_get(self->core, 0, &r));
	EXPECT_EQ(-ERANGE,
		  qbd_store_replica_get(self->core, self->core->nr_slots, &r));
	EXPECT_EQ(-ENOENT, promise(self, 0, 1, 1));
	EXPECT_EQ(-ENOENT, qbd_store_truncate(self->core, 0, 1, 0));
	EXPECT_EQ(-ENOENT, qbd_store_delete(self->core, U32_MAX, 1));
	EXPECT_EQ(0, qbd_store_term_at(self->core, 0, 1));
	qbd_store_commit_set(self->core, U32_MAX, 1);
	qbd_store_flags_set(self->core, U32_MAX, QBD_REPLICA_SUSPECT);
}

TEST_F(control, create)
{
	struct qbd_store_replica r;
	int slot;

	ASSERT_LE(0, bed_create(self->bed, 5, BED_SHARD_BLOCKS));
	slot = qbd_store_find(self->core, 5);
	ASSERT_LE(0, slot);
	EXPECT_EQ(-EEXIST, bed_create(self->bed, 5, BED_SHARD_BLOCKS));
	bed_commit(self->bed);
	EXPECT_EQ(0, self->bed->payloads);
	reopen(self);
	ASSERT_EQ(slot, qbd_store_find(self->core, 5));
	r = get(self, slot);
	EXPECT_EQ(BED_SHARD_BLOCKS, r.table.blocks);
	EXPECT_EQ(0, r.last.index);
	EXPECT_EQ(1, r.log_first);
	EXPECT_EQ(1, r.table.config.epoch);
}

/* S11: the id may have promised before the store forgot it. */
TEST_F(control, created_in_a_store_that_was_rolled_back)
{
	struct qbd_table_slot table = {
		.replica = 6,
		.volume = 1,
		.blocks = BED_SHARD_BLOCKS,
		.config = { .epoch = 1,
			    .nr_old = 2,
			    .set = { { .replica = 6, .node = 1 },
				     { .replica = 7, .node = 2 } } },
	};
	static u8 block[QBD_BLOCK_SIZE];
	int id;

	self->core->super.flags |= QBD_SUPER_FORGOT;
	ASSERT_LE(0, bed_create(self->bed, 5, BED_SHARD_BLOCKS));
	id = qbd_store_create(self->core, &table, block, NULL);
	ASSERT_LE(0, id);
	EXPECT_EQ(QBD_REPLICA_USED | QBD_REPLICA_NONVOTING, table.flags);
	EXPECT_EQ(QBD_REPLICA_USED | QBD_REPLICA_NONVOTING,
		  get(self, qbd_store_find(self->core, 6)).table.flags);
	/* the only copy may have been one of several before */
	EXPECT_EQ(QBD_REPLICA_USED | QBD_REPLICA_NONVOTING,
		  get(self, qbd_store_find(self->core, 5)).table.flags);
}

TEST_F(control, a_create_that_was_not_logged)
{
	ASSERT_LE(0, bed_create(self->bed, 5, BED_SHARD_BLOCKS));
	reopen(self);
	EXPECT_EQ(-ENOENT, qbd_store_find(self->core, 5));
}

TEST_F(control, what_can_not_be_created)
{
	EXPECT_EQ(-EINVAL, bed_create(self->bed, 5, 0));
	EXPECT_EQ(-EINVAL, bed_create(self->bed, 0, BED_SHARD_BLOCKS));
	EXPECT_EQ(-ENOSPC, bed_create(self->bed, 5, U32_MAX));
	EXPECT_EQ(-ENOENT, qbd_store_find(self->core, 5));
	EXPECT_EQ(0, self->core->ring.waiting);
}

/* Their map pages are theirs alone. */
TEST_F(control, map_pages_do_not_overlap)
{
	struct qbd_store_replica a, b;

	ASSERT_LE(0, bed_create(self->bed, 1, 1));
	ASSERT_LE(0, bed_create(self->bed, 2, 1));
	a = get(self, 0);
	b = get(self, 1);
	EXPECT_EQ(self->core->super.layout.meta.table_pages,
		  a.table.meta_first);
	EXPECT_EQ(1, a.table.meta_pages);
	EXPECT_EQ(a.table.meta_first + 1, b.table.meta_first);
}

TEST_F(control, slots_come_back)
{
	u64 id = 1;
	u32 rounds = 0;
	int got;

	while ((got = bed_create(self->bed, id, 1)) >= 0) {
		bed_commit(self->bed);
		id++;
	}
	EXPECT_EQ(-ENOSPC, got);
	EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
	ASSERT_LE(0, qbd_store_delete(self->core, 0, 2));
	bed_commit(self->bed);
	/* Now there is hope, and a checkpoint is what it takes. */
	EXPECT_EQ(-EAGAIN, bed_create(self->bed, id, 1));
	while ((got = bed_create(self->bed, id, 1)) == -EAGAIN) {
		ASSERT_EQ(QBD_CKPT_NOW, qbd_ckpt_wanted(self->core));
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
		ASSERT_GT(8, ++rounds);
	}
	EXPECT_LE(0, got);
	EXPECT_EQ(0, qbd_store_find(self->core, id));
}

TEST_F(control, delete)
{
	u64 free;
	u32 slot = bed_replica(self->bed, 5);

	free = self->core->alloc.nr_free;
	put(self, slot, 0);
	bed_settle(self->bed, slot);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	put(self, slot, 100);
	EXPECT_EQ(free - 1, self->core->alloc.nr_free);
	ASSERT_LE(0, qbd_store_delete(self->core, slot, 2));
	EXPECT_EQ(-ENOENT, qbd_store_find(self->core, 5));
	EXPECT_EQ(-ENOENT, qbd_store_delete(self->core, slot, 2));
	EXPECT_EQ(-ENOENT, bed_append(self->bed, slot, QBD_OP_ZERO, 0, 1));
	/* An id is never used twice. */
	EXPECT_EQ(-EEXIST, bed_create(self->bed, 5, 1));
	bed_commit(self->bed);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
	EXPECT_EQ(0, self->core->live_recs);
	EXPECT_EQ(0, self->bed->payloads);
	EXPECT_EQ(-EEXIST, bed_create(self->bed, 5, 1));
	reopen(self);
	EXPECT_EQ(-ENOENT, qbd_store_find(self->core, 5));
	EXPECT_EQ(free, self->core->alloc.nr_free);
}

TEST_F(control, promises_only_rise)
{
	u32 slot = bed_replica(self->bed, 5);

	EXPECT_EQ(-EINVAL, promise(self, slot, 0, 1));
	EXPECT_EQ(-EINVAL, promise(self, slot, 1, 0));
	ASSERT_LE(0, promise(self, slot, 3, 30));
	/* Before it is durable it refuses lower ones (S10). */
	EXPECT_EQ(3, get(self, slot).table.promise.term);
	EXPECT_EQ(-ESTALE, promise(self, slot, 2, 20));
	EXPECT_EQ(-ESTALE, promise(self, slot, 3, 31));
	EXPECT_EQ(3, get(self, slot).table.promise.term);
	EXPECT_EQ(30, get(self, slot).table.promise.nonce);
	EXPECT_LE(0, promise(self, slot, 3, 30));
	ASSERT_LE(0, promise(self, slot, 4, 40));
	bed_commit(self->bed);
	reopen(self);
	EXPECT_EQ(4, get(self, slot).table.promise.term);
	EXPECT_EQ(40, get(self, slot).table.promise.nonce);
	EXPECT_EQ(2, get(self, slot).table.promise.node);
	/* Carried by the table once its record may leave the log. */
	ASSERT_EQ(0, bed_checkpoint(self->bed, true));
	reopen(self);
	EXPECT_EQ(40, get(self, slot).table.promise.nonce);
	EXPECT_EQ(-ESTALE, promise(self, slot, 3, 30));
}

TEST_F(control, truncate)
{
	u32 slot = bed_replica(self->bed, 5);
	u32 i;

	for (i = 0; i < 3; i++)
		put(self, slot, i);
	ASSERT_LE(0, bed_append_term(self->bed, slot, 2));
	bed_commit(self->bed);
	EXPECT_EQ(-EINVAL, qbd_store_truncate(self->core, slot, 3, 4));
	EXPECT_EQ(-EINVAL, qbd_store_truncate(self->core, slot, 3, 5));
	qbd_store_commit_set(self->core, slot, 1);
	EXPECT_EQ(-EINVAL, qbd_store_truncate(self->core, slot, 3, 0));
	EXPECT_EQ(4, get(self, slot).last.index);
	ASSERT_LE(0, qbd_store_truncate(self->core, slot, 3, 1));
	bed_release(self->bed);
	EXPECT_EQ(1, get(self, slot).last.index);
	EXPECT_EQ(1, get(self, slot).last.term);
	EXPECT_EQ(1, get(self, slot).durable.index);
	EXPECT_EQ(1, get(self, slot).live_recs);
	EXPECT_EQ(0, qbd_store_term_at(self->core, slot, 2));
	EXPECT_EQ(-ENOENT, qbd_store_log_get(self->core, slot, 2));
	/* Older versions show again. */
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, slot, 1));
	EXPECT_EQ(0, bed_read(self->bed, slot, 2));
	bed_commit(self->bed);
	reopen(self);
	EXPECT_EQ(1, get(self, slot).last.index);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, slot, 1));
	EXPECT_EQ(0, bed_read(self->bed, slot, 2));
}

TEST_F(control, truncation_gives_reservations_back)
{
	u32 slot = bed_replica(self->bed, 5);

	put(self, slot, 0);
	/* One record in two chunks, the first of them known already. */
	put(self, slot, BED_CHUNK_BLOCKS - 1);
	EXPECT_EQ(2, self->core->alloc.nr_reserved);
	ASSERT_LE(0, qbd_store_truncate(self->core, slot, 1, 1));
	EXPECT_EQ(1, self->core->alloc.nr_reserved);
	ASSERT_LE(0, qbd_store_truncate(self->core, slot, 1, 0));
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
}

TEST_F(control, the_bound)
{
	u32 slot = bed_replica(self->bed, 5);

	put(self, slot, 0);
	bed_commit(self->bed);
	put(self, slot, 1);
	/* Held back to what is durable, and then it rises by itself. */
	qbd_store_commit_set(self->core, slot, 2);
	EXPECT_EQ(1, get(self, slot).table.commit);
	bed_commit(self->bed);
	EXPECT_EQ(2, get(self, slot).table.commit);
	qbd_store_commit_set(self->core, slot, 1);
	EXPECT_EQ(2, get(self, slot).table.commit);
	/* Not beyond what was accepted when it was told. */
	qbd_store_commit_set(self->core, slot, 100);
	put(self, slot, 2);
	bed_commit(self->bed);
	EXPECT_EQ(2, get(self, slot).table.commit);
	EXPECT_EQ(-EINVAL, qbd_store_truncate(self->core, slot, 1, 1));
}

TEST_F(control, flags_are_written_down)
{
	u32 slot = bed_replica(self->bed, 5);
	const u32 used = QBD_REPLICA_USED;

	qbd_store_flags_set(self->core, slot,
			    QBD_REPLICA_SUSPECT | QBD_REPLICA_NONVOTING);
	EXPECT_EQ(QBD_CKPT_SOON, qbd_ckpt_wanted(self->core));
	EXPECT_EQ(-EIO, bed_read(self->bed, slot, 0));
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
	qbd_store_flags_set(self->core, slot,
			    QBD_REPLICA_SUSPECT | QBD_REPLICA_NONVOTING);
	EXPECT_EQ(QBD_CKPT_NONE, qbd_ckpt_wanted(self->core));
	reopen(self);
	EXPECT_EQ(used | QBD_REPLICA_SUSPECT | QBD_REPLICA_NONVOTING,
		  get(self, slot).table.flags);
	qbd_store_flags_set(self->core, slot, 0);
	EXPECT_EQ(used, get(self, slot).table.flags);
	EXPECT_EQ(0, bed_read(self->bed, slot, 0));
}

TEST_HARNESS_MAIN
