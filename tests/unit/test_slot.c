// SPDX-License-Identifier: GPL-2.0-only
/* core/slot.c: what a record counts for, from its acceptance to its end. */
#include "harness.h"
#include "bed.h"

FIXTURE(slot)
{
	struct bed *bed;
	struct qbd_store_core *core;
	struct qbd_slot *slot;
	u32 no;
};

FIXTURE_SETUP(slot)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->no = bed_replica(self->bed, 5);
	self->slot = &self->core->slot[self->no];
}

FIXTURE_TEARDOWN(slot)
{
	bed_free(self->bed);
}

static void add(FIXTURE_DATA(slot) * self, u8 op, u32 block, u32 blocks)
{
	ASSERT_LE(0, bed_append(self->bed, self->no, op, block, blocks));
}

TEST_F(slot, a_replica_moves_in)
{
	struct qbd_table_slot table = { .replica = 9,
					.flags = QBD_REPLICA_USED,
					.applied_term = 3,
					.applied_index = 40 };
	struct qbd_slot slot;

	qbd_slot_set(self->core, &slot, &table);
	EXPECT_EQ(QBD_SLOT_USED, slot.state);
	EXPECT_EQ(40, slot.last.index);
	EXPECT_EQ(3, slot.durable.term);
	EXPECT_EQ(40, slot.frozen.index);
	EXPECT_EQ(40, slot.retired);
	EXPECT_EQ(41, slot.log_first);
	EXPECT_EQ(QBD_REC_NONE, slot.list.first);
	table.flags |= QBD_REPLICA_DELETED;
	qbd_slot_set(self->core, &slot, &table);
	EXPECT_EQ(QBD_SLOT_TOMB, slot.state);
}

TEST_F(slot, the_table_of_the_checkpoint_under_way)
{
	struct qbd_table_slot table;

	add(self, QBD_OP_WRITE, 0, 1);
	add(self, QBD_OP_WRITE, 0, 1);
	bed_commit(self->bed);
	qbd_store_commit_set(self->core, self->no, 1);
	ASSERT_EQ(0, qbd_ckpt_begin(self->core, false));
	bed_ckpt_until(self->bed, QBD_CKPT_P_META);
	qbd_slot_table(self->slot, &table);
	EXPECT_EQ(1, table.applied_index);
	EXPECT_EQ(2, table.logged_index);
	EXPECT_EQ(1, table.commit);
	self->slot->state = QBD_SLOT_TOMB;
	qbd_slot_table(self->slot, &table);
	EXPECT_EQ(QBD_REPLICA_DELETED, table.flags & QBD_REPLICA_DELETED);
	self->slot->state = QBD_SLOT_CLEARED;
	qbd_slot_table(self->slot, &table);
	EXPECT_EQ(0, table.replica);
	EXPECT_EQ(0, table.flags);
	self->slot->state = QBD_SLOT_USED;
}

static u32 wanted(FIXTURE_DATA(slot) * self, u32 block, u32 blocks)
{
	struct qbd_desc desc = {
		.op = QBD_OP_WRITE,
		.block = block,
		.blocks = blocks,
	};

	return qbd_slot_chunks_wanted(self->core, self->slot, &desc);
}

TEST_F(slot, chunks_that_a_write_would_need)
{
	const u32 c = BED_CHUNK_BLOCKS;

	image_pages(&self->bed->img);
	ASSERT_EQ(0, qbd_slot_pages_ensure(self->core, self->slot, 0, 1));
	EXPECT_EQ(1, wanted(self, 0, c));
	EXPECT_EQ(2, wanted(self, 1, c));
	EXPECT_EQ(3, wanted(self, c - 1, c + 2));
	/* What others wait for is not counted twice. */
	add(self, QBD_OP_WRITE, c, 1);
	EXPECT_EQ(1, wanted(self, 1, c));
	bed_settle(self->bed, self->no);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(1, wanted(self, 1, c));
	EXPECT_EQ(0, wanted(self, c, c));
}

TEST_F(slot, pages_are_given_first)
{
	void *page;

	while ((page = qbd_store_page_use(self->core)))
		free(page);
	EXPECT_NULL(qbd_slot_chunk(self->core, self->slot, 0));
	EXPECT_EQ(-ENOMEM, qbd_slot_pages_ensure(self->core, self->slot, 0, 1));
	image_pages(&self->bed->img);
	EXPECT_EQ(0, qbd_slot_pages_ensure(self->core, self->slot, 0, 1));
	EXPECT_TRUE(qbd_slot_chunk(self->core, self->slot, 0));
}

TEST_F(slot, who_has_a_page)
{
	u32 first = self->slot->table.meta_first;

	EXPECT_TRUE(qbd_slot_at_pages(self->core, first, 1) == self->slot);
	EXPECT_TRUE(qbd_slot_at_pages(self->core, 0, first + 1) == self->slot);
	EXPECT_NULL(qbd_slot_at_pages(self->core, 0, first));
	EXPECT_NULL(qbd_slot_at_pages(
		self->core, first + self->slot->table.meta_pages, 100));
}

TEST_F(slot, positions_in_their_order)
{
	add(self, QBD_OP_WRITE, 0, 2);
	add(self, QBD_OP_WRITE, 1, 2);
	add(self, QBD_OP_DISCARD, 0, 9);
	EXPECT_EQ(3, self->slot->last.index);
	EXPECT_EQ(0, self->slot->durable.index);
	EXPECT_EQ(4, self->slot->live_blocks);
	EXPECT_EQ(3, self->slot->live_recs);
	qbd_store_commit_set(self->core, self->no, 2);
	EXPECT_EQ(2, self->slot->told);
	EXPECT_EQ(0, self->slot->table.commit);
	EXPECT_EQ(0, self->core->due_recs);
	bed_commit(self->bed);
	EXPECT_EQ(3, self->slot->durable.index);
	EXPECT_EQ(2, self->slot->table.commit);
	qbd_store_commit_set(self->core, self->no, 3);
	EXPECT_EQ(3, self->slot->moved);
	EXPECT_EQ(3, self->core->due_recs);
	EXPECT_EQ(4, self->core->due_blocks);
	EXPECT_EQ(1, self->core->due_discards);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
	EXPECT_EQ(3, self->slot->applied.index);
	EXPECT_EQ(3, self->slot->retired);
	EXPECT_EQ(0, self->core->due_recs);
	EXPECT_EQ(0, self->core->due_blocks);
	EXPECT_EQ(0, self->core->due_discards);
	EXPECT_EQ(0, self->core->live_blocks);
	EXPECT_EQ(1, self->slot->log_first);
}

TEST_F(slot, settles_in_steps)
{
	u32 i;

	for (i = 0; i < 10; i++)
		add(self, QBD_OP_WRITE, i, 1);
	self->slot->table.commit = 10;
	EXPECT_TRUE(qbd_slot_settle(self->core, self->slot, 3));
	EXPECT_EQ(3, self->slot->moved);
	EXPECT_TRUE(qbd_slot_settle(self->core, self->slot, 6));
	EXPECT_FALSE(qbd_slot_settle(self->core, self->slot, 6));
	EXPECT_EQ(10, self->slot->moved);
	EXPECT_EQ(0, self->slot->overlay.tail.nr);
	EXPECT_EQ(10, self->slot->overlay.live.nr);
}

TEST_F(slot, terms)
{
	add(self, QBD_OP_WRITE, 0, 1);
	ASSERT_LE(0, bed_append_term(self->bed, self->no, 4));
	EXPECT_EQ(0, qbd_slot_term_at(self->core, self->slot, 0));
	EXPECT_EQ(1, qbd_slot_term_at(self->core, self->slot, 1));
	EXPECT_EQ(4, qbd_slot_term_at(self->core, self->slot, 2));
	EXPECT_EQ(0, qbd_slot_term_at(self->core, self->slot, 3));
}

TEST_F(slot, configs_are_cut_too)
{
	ASSERT_LE(0, bed_config(self->bed, self->no, 2));
	ASSERT_LE(0, bed_config(self->bed, self->no, 3));
	EXPECT_EQ(1, qbd_slot_config_at(self->slot, 0)->epoch);
	EXPECT_EQ(2, qbd_slot_config_at(self->slot, 1)->epoch);
	EXPECT_EQ(3, qbd_slot_config_at(self->slot, U64_MAX)->epoch);
	qbd_slot_cut(self->core, self->slot, 1);
	EXPECT_EQ(2, qbd_slot_config_at(self->slot, U64_MAX)->epoch);
	qbd_slot_cut(self->core, self->slot, 0);
	EXPECT_EQ(1, qbd_slot_config_at(self->slot, U64_MAX)->epoch);
	EXPECT_EQ(0, self->slot->live_recs);
}

/* Cut at any place: what is left counts as if the rest had never been. */
TEST_F(slot, cut_anywhere)
{
	u32 round, i;

	for (round = 0; round < 60; round++) {
		u8 want[40] = { 0 };
		u64 last = self->slot->last.index;
		u64 keep;

		for (i = 0; i < 8; i++)
			add(self, th_rand() % 4 ? QBD_OP_WRITE : QBD_OP_ZERO,
			    th_rand() % 30, 1 + th_rand() % 8);
		bed_commit(self->bed);
		keep = last + th_rand() % 9;
		qbd_store_commit_set(self->core, self->no,
				     last + th_rand() % (keep - last + 1));
		if (keep < self->slot->last.index)
			ASSERT_LE(0, qbd_store_truncate(self->core, self->no, 1,
							keep));
		bed_settle(self->bed, self->no);
		for (; last++ < keep;) {
			const struct qbd_desc *desc;
			int id = qbd_store_log_get(self->core, self->no, last);

			ASSERT_LE(0, id);
			desc = &qbd_store_rec(self->core, id)->desc;
			for (i = desc->block; i < desc->block + desc->blocks;
			     i++)
				want[i] = desc->op == QBD_OP_WRITE ?
						  bed_fill(last) :
						  255;
		}
		for (i = 0; i < ARRAY_SIZE(want); i++)
			if (want[i])
				ASSERT_EQ(want[i] == 255 ? 0 : want[i],
					  bed_read(self->bed, self->no, i));
		ASSERT_EQ(keep, self->slot->last.index);
		ASSERT_EQ(0, bed_checkpoint(self->bed, false));
		bed_release(self->bed);
		ASSERT_EQ(0, self->core->live_recs);
		ASSERT_EQ(0, self->core->alloc.nr_reserved);
		ASSERT_EQ(0, self->bed->payloads);
	}
}

TEST_HARNESS_MAIN
