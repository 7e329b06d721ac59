// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/check.c, and the promise that all of the format is made for: whatever
 * byte of a store rots, it is found or does not matter. A store with all that
 * a store can have is damaged byte by byte, and each time what check makes of
 * it is compared with what it was.
 */
#include "check.h"
#include "harness.h"
#include "image.h"

#define REPLICAS 3U
#define SHARD_BLOCKS 1024U

/*
 * What must not change unnoticed of a replica. What its log keeps for catch-up
 * may shrink: each record of that has its own CRC.
 */
struct state {
	struct qbd_store_replica replica;
	u32 content;
};

FIXTURE(check)
{
	struct image *img;
	struct qbd_check *check;
	struct state want[REPLICAS];
	u64 first_lpos;
};

static u8 buf[64 * QBD_BLOCK_SIZE] __aligned(QBD_BLOCK_SIZE);

static int run(struct image *img, struct qbd_check *check)
{
	struct qbd_io io;

	image_close(img);
	img->nr_findings = 0;
	qbd_check_init(check, img->blocks, buf, 64);
	for (;;) {
		switch (qbd_check_next(check, &io)) {
		case QBD_OPEN_IO:
			qbd_open_io_end(&check->open, image_io(img, &io));
			break;
		case QBD_OPEN_CORE:
			image_core_init(img, &check->open.super);
			qbd_open_core_give(&check->open, img->core);
			break;
		case QBD_OPEN_PAGES:
			image_pages(img);
			break;
		case QBD_OPEN_FINDING:
			image_note(img, &check->open.finding);
			break;
		case QBD_OPEN_SEGMENT:
			break;
		case QBD_OPEN_DONE:
			return 0;
		case QBD_OPEN_FAILED:
			return check->open.error;
		}
	}
}

/*
 * Where blocks are found, and what they are if that is the log: a place at
 * home is as good as its contents, which no test here touches.
 */
static u32 found_crc(struct image *img, const struct qbd_found *found, u32 crc)
{
	crc = crc32c(crc, &found->kind, sizeof(found->kind));
	crc = crc32c(crc, &found->blocks, sizeof(found->blocks));
	if (found->kind == QBD_FOUND_HOME)
		crc = crc32c(crc, &found->block, sizeof(found->block));
	if (found->kind == QBD_FOUND_LOG)
		crc = crc32c(
			crc,
			image_lpos(img,
				   qbd_store_rec(img->core, found->rec)->lpos +
					   found->offset),
			(size_t)found->blocks * QBD_BLOCK_SIZE);
	return crc;
}

static void state_get(struct image *img, u32 slot, struct state *state)
{
	struct qbd_found found;
	u32 block;

	memset(state, 0, sizeof(*state));
	if (qbd_store_replica_get(img->core, slot, &state->replica))
		return;
	state->content = ~0U;
	for (block = 0; block < SHARD_BLOCKS; block += found.blocks) {
		if (qbd_store_lookup(img->core, slot, block,
				     SHARD_BLOCKS - block, &found)) {
			/* Only what must not be read can not be looked up. */
			EXPECT_TRUE(state->replica.table.flags &
				    QBD_REPLICA_SUSPECT);
			state->content = 0;
			return;
		}
		state->content = found_crc(img, &found, state->content);
	}
}

static void op(struct image *img, u8 kind, u64 index, u32 block, u32 blocks)
{
	image_rec(img,
		  (struct qbd_desc){ .replica = 6,
				     .term = 3,
				     .index = index,
				     .aux0 = 3,
				     .op = kind,
				     .block = block,
				     .blocks = blocks },
		  0);
}

static void cut(struct image *img, u64 replica, u64 index)
{
	image_rec(img,
		  (struct qbd_desc){ .replica = replica,
				     .term = 4,
				     .index = index,
				     .op = QBD_OP_TRUNCATE },
		  0);
}

/* Two runs, two checkpoints, every kind of record, a seal at the end. */
FIXTURE_SETUP(check)
{
	struct image *img = malloc(sizeof(*img));
	u32 i;

	self->img = img;
	self->check = malloc(sizeof(*self->check));
	image_format(img, IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	img->super.flags = 0;
	image_super(img);
	for (i = 0; i < REPLICAS; i++)
		image_create(img, 5 + i, i);
	self->first_lpos = image_commit(img);
	for (i = 0; i < REPLICAS; i++)
		image_promise(img, 5 + i, 3);
	image_commit(img);
	for (i = 1; i < 5; i++) {
		image_write(img, 5, 3, i, i > 1 ? 3 : 0, 10 * i);
		image_write(img, 6, 3, i, i > 1 ? 3 : 0, 100 * i);
		image_commit(img);
	}
	image_write(img, 7, 3, 1, 0, 9);
	image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	ASSERT_EQ(0, img->nr_findings);
	qbd_store_commit_set(img->core, 0, 3);
	qbd_store_commit_set(img->core, 1, 4);
	ASSERT_EQ(0, image_checkpoint(img, false));
	image_resume(img);
	op(img, QBD_OP_DISCARD, 5, 100, 64);
	op(img, QBD_OP_ZERO, 6, 300, 1);
	op(img, QBD_OP_TERM, 7, 0, 0);
	image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	ASSERT_EQ(0, img->nr_findings);
	qbd_store_commit_set(img->core, 1, 6);
	ASSERT_EQ(0, image_checkpoint(img, false));
	image_resume(img);
	image_promise(img, 7, 4);
	image_write(img, 5, 3, 5, 3, 11);
	image_commit(img);
	cut(img, 5, 4);
	image_promise(img, 5, 4);
	image_write(img, 5, 4, 5, 3, 12);
	image_commit(img);
	image_write(img, 7, 4, 2, 3, 500);
	image_write(img, 6, 3, 8, 3, 501);
	image_commit(img);
	image_commit(img);
	ASSERT_EQ(0, run(img, self->check));
	ASSERT_EQ(0, img->nr_findings);
	for (i = 0; i < REPLICAS; i++)
		state_get(img, i, &self->want[i]);
}

FIXTURE_TEARDOWN(check)
{
	image_free(self->img);
	free(self->img);
	free(self->check);
}

static bool pos_same(struct qbd_pos a, struct qbd_pos b)
{
	return a.term == b.term && a.index == b.index;
}

static bool same_state(const struct state *a, const struct state *b)
{
	const struct qbd_table_slot *at = &a->replica.table;
	const struct qbd_table_slot *bt = &b->replica.table;

	return at->replica == bt->replica && at->flags == bt->flags &&
	       at->commit == bt->commit &&
	       at->promise.term == bt->promise.term &&
	       at->promise.nonce == bt->promise.nonce &&
	       at->config.epoch == bt->config.epoch &&
	       pos_same(a->replica.last, b->replica.last) &&
	       pos_same(a->replica.durable, b->replica.durable) &&
	       pos_same(a->replica.applied, b->replica.applied) &&
	       a->content == b->content;
}

/* True if the damage was found. */
static bool judge(struct th_fix_check *self, int error)
{
	struct image *img = self->img;
	struct state state;
	bool same = true;
	u32 i;

	if (error) {
		EXPECT_GT(img->nr_findings, 0);
		return true;
	}
	for (i = 0; i < REPLICAS; i++) {
		state_get(img, i, &state);
		if (same_state(&state, &self->want[i]))
			continue;
		same = false;
		/* Changed: it must not vote, or it must be gone. */
		if (state.replica.table.flags)
			EXPECT_TRUE(state.replica.table.flags &
				    QBD_REPLICA_NONVOTING);
		/* Records gone, or contents: it must not be read. */
		if (state.replica.last.index !=
			    self->want[i].replica.last.index ||
		    (state.replica.table.flags &&
		     state.content != self->want[i].content))
			EXPECT_TRUE(!state.replica.table.flags ||
				    state.replica.table.flags &
					    QBD_REPLICA_SUSPECT);
	}
	EXPECT_TRUE(same || img->nr_findings);
	return img->nr_findings > 0;
}

/* Damages bytes of a block, one at a time; true if all was found. */
static bool rot(struct th_fix_check *self, u64 block, u32 from, u32 step)
{
	u8 *bytes = self->img->data + block * QBD_BLOCK_SIZE;
	bool found = true;
	u32 byte;

	for (byte = from; byte < QBD_BLOCK_SIZE; byte += step) {
		u8 bit = (u8)BIT(th_rand() % 8);

		bytes[byte] ^= bit;
		found &= judge(self, run(self->img, self->check));
		bytes[byte] ^= bit;
		if (th.verdict->failed) {
			TH_LOG("block %llu byte %u", block, byte);
			ASSERT_TRUE(false);
		}
	}
	return found;
}

TEST_F(check, rot_in_a_superblock)
{
	u32 slot;

	for (slot = 0; slot < QBD_SUPER_SLOTS; slot++)
		EXPECT_TRUE(rot(self, qbd_super_block(slot), slot, 11));
}

TEST_F(check, rot_in_metadata)
{
	const struct qbd_meta *meta;
	struct qbd_meta_geom geom;
	u64 block[64];
	u32 nr = 0, no;

	meta = qbd_store_meta(self->img->core);
	geom = meta->geom;
	for (no = 0; no < geom.nr_pages; no++)
		if (meta->cur[no].gen)
			block[nr++] =
				qbd_meta_block(&geom, no, meta->cur[no].gen);
	EXPECT_GE(nr, 4);
	for (no = 0; no < nr; no++) {
		EXPECT_TRUE(rot(self, block[no], no % 13, 13));
		/* The other place is not in force. */
		EXPECT_FALSE(rot(self, block[no] ^ 1, 0, 4000));
	}
}

TEST_F(check, rot_in_the_log)
{
	struct image *img = self->img;
	u64 seal = img->at.lpos - 1;
	u64 lpos;

	for (lpos = self->first_lpos; lpos < seal; lpos++) {
		u64 block = qbd_layout_lpos_block(&img->super.layout, lpos);

		EXPECT_TRUE(rot(self, block, (u32)(lpos % 97), 97));
	}
	/* The last segment, a seal, has nobody to speak for it. */
	EXPECT_FALSE(rot(self, qbd_layout_lpos_block(&img->super.layout, seal),
			 0, 41));
}

/* Fields are near the front of a block. */
TEST_F(check, rot_in_headers)
{
	struct image *img = self->img;
	const struct qbd_layout *layout = &img->super.layout;
	struct qbd_seg_head head;
	u64 lpos, block;
	u32 byte;

	for (lpos = self->first_lpos; lpos < img->at.lpos - 1; lpos++) {
		block = qbd_layout_lpos_block(layout, lpos);
		if (qbd_seg_decode(image_lpos(img, lpos),
				   qbd_block_seed(img->super.store),
				   layout->wal_blocks, &head))
			continue;
		for (byte = (u32)(lpos % 3); byte < 320; byte += 3)
			ASSERT_TRUE(rot(self, block, byte, QBD_BLOCK_SIZE));
	}
}

TEST_F(check, a_block_that_can_not_be_read)
{
	struct image *img = self->img;
	const struct qbd_layout *layout = &img->super.layout;
	u64 block;

	/* All but the empty rest of the log. */
	for (block = 0; block < img->super.layout.data_first; block++) {
		if (block == layout->wal_first + img->at.lpos + 8)
			block = layout->wal_first + layout->wal_blocks;
		img->unreadable = block;
		judge(self, run(img, self->check));
	}
}

TEST_F(check, two_damages)
{
	struct image *img = self->img;
	u64 span = img->at.lpos - 1 - self->first_lpos;
	u32 round;

	for (round = 0; round < 500; round++) {
		u8 *one = image_lpos(img, self->first_lpos + th_rand() % span) +
			  th_rand() % QBD_BLOCK_SIZE;
		u8 *two = image_lpos(img, self->first_lpos + th_rand() % span) +
			  th_rand() % QBD_BLOCK_SIZE;

		if (one == two)
			continue;
		*one ^= 1;
		*two ^= 1;
		ASSERT_TRUE(judge(self, run(img, self->check)));
		*one ^= 1;
		*two ^= 1;
	}
}

TEST_F(check, numbers)
{
	struct image *img = self->img;

	image_write(img, 5, 5, 6, 4, 12); /* nobody promised term 5 */
	image_commit(img);
	ASSERT_EQ(0, run(img, self->check));
	EXPECT_EQ(1, img->nr_findings);
	EXPECT_EQ(QBD_FIND_NUMBERS, img->finding[0].kind);
	EXPECT_EQ(5, img->finding[0].replica);
}

TEST_HARNESS_MAIN
