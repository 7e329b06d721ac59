// SPDX-License-Identifier: GPL-2.0-only
/* core/load.c: what open found goes in; what is missing comes out. */
#include "harness.h"
#include "bed.h"

FIXTURE(load)
{
	struct image img;
	struct qbd_store_core *core;
	struct qbd_lpos at;
};

#define ID 5
#define BLOCKS 1024U

static struct qbd_table_slot table(FIXTURE_DATA(load) * self, u64 id, u32 no)
{
	struct qbd_table_slot t = {
		.replica = id,
		.volume = 1,
		.flags = QBD_REPLICA_USED,
		.blocks = BLOCKS,
		.config = { .epoch = 1, .nr_old = 1 },
	};

	t.meta_pages = qbd_table_map_pages(&self->img.super.layout, BLOCKS);
	t.meta_first =
		self->img.super.layout.meta.table_pages + no * t.meta_pages;
	return t;
}

FIXTURE_SETUP(load)
{
	image_format(&self->img, IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	image_core_init(&self->img, &self->img.super);
	self->core = self->img.core;
	self->at = self->core->ring.head;
	image_pages(&self->img);
}

FIXTURE_TEARDOWN(load)
{
	image_free(&self->img);
}

static void load_table(FIXTURE_DATA(load) * self, u64 applied, u64 commit)
{
	struct qbd_table_slot t = table(self, ID, 0);

	t.applied_index = applied;
	t.applied_term = applied ? 1 : 0;
	t.commit = commit;
	ASSERT_EQ(0, qbd_load_table(self->core, 0, &t));
}

/* A segment with one record. */
static int load(FIXTURE_DATA(load) * self, struct qbd_desc desc)
{
	struct qbd_seg_head head = {
		.lpos = self->at.lpos,
		.seq = self->at.seq,
		.nr_descs = 1,
		.payload_blocks = desc.payload_blocks,
	};

	desc.replica = desc.replica ?: ID;
	ASSERT_EQ(0, qbd_load_seg(self->core, &head));
	qbd_seg_end(&head, &self->at);
	image_pages(&self->img);
	return qbd_load_rec(self->core, &desc, head.lpos + 1, NULL);
}

static void rec(FIXTURE_DATA(load) * self, u64 term, u64 index, u64 prev_term,
		u8 flags)
{
	ASSERT_EQ(0, load(self, (struct qbd_desc){ .op = QBD_OP_WRITE,
						   .term = term,
						   .index = index,
						   .aux0 = prev_term,
						   .block = (u32)index,
						   .blocks = 1,
						   .payload_blocks = 1,
						   .flags = flags }));
}

/* The log ends; @last is what the replica has. */
static void end(FIXTURE_DATA(load) * self, u64 last)
{
	ASSERT_EQ(0, qbd_load_end(self->core, &self->at));
	EXPECT_EQ(last, self->core->slot[0].last.index);
	EXPECT_EQ(last, self->core->slot[0].durable.index);
}

static void expect_gap(FIXTURE_DATA(load) * self, u64 first, u64 last,
		       u64 dropped)
{
	struct qbd_gap gap;

	EXPECT_EQ(first <= last || dropped, qbd_load_gap(self->core, 0, &gap));
	EXPECT_EQ(first, gap.first);
	EXPECT_EQ(last, gap.last);
	EXPECT_EQ(dropped, gap.dropped);
}

TEST_F(load, slots_that_contradict)
{
	struct qbd_table_slot t = table(self, ID, 0);

	ASSERT_EQ(0, qbd_load_table(self->core, 3, &t));
	/* The slot, the replica, its pages, a slot that is none. */
	t = table(self, 6, 1);
	EXPECT_EQ(-EUCLEAN, qbd_load_table(self->core, 3, &t));
	EXPECT_EQ(-EUCLEAN,
		  qbd_load_table(self->core, self->core->nr_slots, &t));
	t.meta_first--;
	EXPECT_EQ(-EUCLEAN, qbd_load_table(self->core, 4, &t));
	t = table(self, ID, 1);
	EXPECT_EQ(-EUCLEAN, qbd_load_table(self->core, 4, &t));
	t = table(self, 6, 1);
	EXPECT_EQ(0, qbd_load_table(self->core, 4, &t));
}

TEST_F(load, a_chain)
{
	load_table(self, 0, 2);
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 2, 1, 0);
	rec(self, 2, 3, 1, 0);
	end(self, 3);
	expect_gap(self, 4, 3, 0);
	EXPECT_EQ(2, self->core->slot[0].last.term);
	EXPECT_EQ(2, self->core->slot[0].table.commit);
	EXPECT_EQ(1, self->core->slot[0].log_first);
	EXPECT_EQ(3, self->core->live_recs);
	EXPECT_EQ(1, self->core->alloc.nr_reserved);
}

TEST_F(load, what_is_home_is_for_others_only)
{
	load_table(self, 2, 2);
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 2, 1, 0);
	rec(self, 1, 3, 1, 0);
	end(self, 3);
	expect_gap(self, 4, 3, 0);
	EXPECT_EQ(1, self->core->live_recs);
	EXPECT_EQ(1, self->core->slot[0].overlay.tail.nr);
	EXPECT_EQ(1, self->core->slot[0].log_first);
}

TEST_F(load, a_record_is_missing)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 3, 1, 0);
	rec(self, 1, 4, 1, 0);
	end(self, 1);
	expect_gap(self, 2, 2, 2);
	EXPECT_EQ(1, self->core->live_recs);
	EXPECT_EQ(-ENOENT, qbd_store_log_get(self->core, 0, 3));
}

TEST_F(load, a_record_of_another_history)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	rec(self, 3, 2, 2, 0);
	end(self, 1);
	expect_gap(self, 2, 1, 1);
}

TEST_F(load, what_was_committed_is_missing)
{
	load_table(self, 0, 3);
	rec(self, 1, 1, 0, 0);
	end(self, 1);
	expect_gap(self, 2, 3, 0);
	/* The bound is not beyond what there is. */
	EXPECT_EQ(1, self->core->slot[0].table.commit);
}

TEST_F(load, a_damaged_payload)
{
	struct qbd_desc desc = { .replica = ID,
				 .op = QBD_OP_WRITE,
				 .term = 1,
				 .index = 2,
				 .aux0 = 1,
				 .blocks = 1,
				 .payload_blocks = 1 };

	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	ASSERT_EQ(0, qbd_load_lost(self->core, &desc, self->at.lpos));
	rec(self, 1, 3, 1, 0);
	end(self, 1);
	expect_gap(self, 2, 2, 1);
	EXPECT_EQ(3, qbd_rec_used(&self->core->index));
}

/* Copies come behind records with higher indexes. */
TEST_F(load, copies)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 3, 1, 0);
	rec(self, 1, 1, 0, QBD_REC_RELOG);
	rec(self, 1, 2, 1, QBD_REC_RELOG);
	end(self, 3);
	expect_gap(self, 4, 3, 0);
	EXPECT_EQ(3, self->core->live_recs);
	/* The copy counts, the record does not. */
	EXPECT_TRUE(self->core->index.rec[0].dead);
	EXPECT_EQ(2, qbd_store_log_get(self->core, 0, 1));
}

TEST_F(load, a_copy_of_what_was_replaced)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	rec(self, 2, 2, 1, 0);
	rec(self, 1, 2, 1, QBD_REC_RELOG);
	end(self, 2);
	EXPECT_EQ(2, self->core->slot[0].last.term);
}

TEST_F(load, a_truncation)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 2, 1, 0);
	ASSERT_EQ(0, load(self, (struct qbd_desc){ .op = QBD_OP_TRUNCATE,
						   .term = 2,
						   .index = 1 }));
	end(self, 1);
	expect_gap(self, 2, 1, 0);
}

/* The table says what a truncation made of what was logged before it. */
static void load_cut(FIXTURE_DATA(load) * self)
{
	struct qbd_table_slot t = table(self, ID, 0);

	t.logged_term = 1;
	t.logged_index = 1;
	ASSERT_EQ(0, qbd_load_table(self->core, 0, &t));
	self->core->super.carried = self->at.seq + 2;
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 2, 1, 0);
}

TEST_F(load, a_truncation_that_was_not_logged)
{
	load_cut(self);
	end(self, 1);
	expect_gap(self, 2, 1, 0);
}

TEST_F(load, what_was_logged_after_the_table)
{
	load_cut(self);
	rec(self, 1, 3, 1, 0);
	end(self, 3);
}

/* The newest record voids what was there, if no truncation says it. */
TEST_F(load, a_new_leader)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	rec(self, 1, 2, 1, 0);
	rec(self, 1, 3, 1, 0);
	rec(self, 2, 2, 1, 0);
	end(self, 2);
	expect_gap(self, 3, 2, 0);
	EXPECT_EQ(2, self->core->slot[0].last.term);
}

TEST_F(load, promises)
{
	struct qbd_desc desc = {
		.op = QBD_OP_PROMISE, .term = 4, .aux0 = 40, .aux2 = 3
	};

	load_table(self, 0, 0);
	ASSERT_EQ(0, load(self, desc));
	/* What the table carried is newer than a record that it passed. */
	desc.term = 3;
	desc.aux0 = 30;
	ASSERT_EQ(0, load(self, desc));
	EXPECT_EQ(4, self->core->slot[0].table.promise.term);
	EXPECT_EQ(40, self->core->slot[0].table.promise.nonce);
}

TEST_F(load, a_deletion)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	ASSERT_EQ(0, load(self, (struct qbd_desc){ .op = QBD_OP_DELETE }));
	rec(self, 1, 2, 1, 0);
	ASSERT_EQ(0, qbd_load_end(self->core, &self->at));
	EXPECT_EQ(-ENOENT, qbd_store_find(self->core, ID));
	EXPECT_EQ(QBD_SLOT_DELETED, self->core->slot[0].state);
	EXPECT_EQ(0, self->core->live_recs);
	EXPECT_EQ(0, self->core->alloc.nr_reserved);
}

TEST_F(load, records_that_can_not_be)
{
	struct qbd_desc desc = { .op = QBD_OP_ZERO,
				 .term = 1,
				 .index = 1,
				 .block = BLOCKS,
				 .blocks = 1 };

	load_table(self, 0, 0);
	EXPECT_EQ(-EUCLEAN, load(self, desc));
	/* Of a replica that nobody knows: in the log, and nowhere else. */
	desc.replica = 99;
	EXPECT_EQ(0, load(self, desc));
	end(self, 0);
}

TEST_F(load, a_head_that_can_not_be)
{
	load_table(self, 0, 0);
	rec(self, 1, 1, 0, 0);
	self->at.lpos--;
	EXPECT_EQ(-EUCLEAN, qbd_load_end(self->core, &self->at));
	self->at.lpos = self->core->ring.tail.lpos + IMAGE_WAL_BLOCKS + 1;
	EXPECT_EQ(-EUCLEAN, qbd_load_end(self->core, &self->at));
	self->at.lpos--;
	EXPECT_EQ(0, qbd_load_end(self->core, &self->at));
}

/* Records that were accepted have a home; if not, something lies. */
TEST_F(load, more_promised_than_free)
{
	u64 i;

	load_table(self, 0, 0);
	for (i = 0; i < self->core->alloc.nr; i++)
		ASSERT_EQ(0, qbd_alloc_load(&self->core->alloc, i));
	rec(self, 1, 1, 0, 0);
	EXPECT_EQ(-EUCLEAN, qbd_load_end(self->core, &self->at));
}

TEST_F(load, map_pages)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8) = { 0 };
	struct qbd_disk_page *head = (struct qbd_disk_page *)block;
	struct qbd_disk_map *disk = qbd_map_page_entries(block);
	u32 no = table(self, ID, 0).meta_first;

	load_table(self, 0, 0);
	disk[1].flags = cpu_to_le32(QBD_MAP_MAPPED);
	disk[1].phys = cpu_to_le32(7);
	/* Of somebody else, and where nobody has a page. */
	head->owner = cpu_to_le64(ID + 1);
	EXPECT_EQ(-EUCLEAN, qbd_load_map(self->core, no, block));
	head->owner = cpu_to_le64(ID);
	EXPECT_EQ(-EUCLEAN, qbd_load_map(self->core, 0, block));
	ASSERT_EQ(0, qbd_load_map(self->core, no, block));
	EXPECT_EQ(-EUCLEAN, qbd_load_map(self->core, no, block));
	EXPECT_EQ(7, qbd_slot_chunk(self->core, self->core->slot, 1)->phys);
	EXPECT_EQ(self->core->alloc.nr - 1, self->core->alloc.nr_free);
}

TEST_HARNESS_MAIN
