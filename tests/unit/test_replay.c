// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/replay.c and core/proof.c: where the log ends, what damage costs.
 *
 * Logs are written by hand (image.h), damaged, and opened. Replicas 5 and 6
 * have slots 0 and 1.
 */
#include "harness.h"
#include "image.h"

FIXTURE(replay)
{
	struct image *img;
	u64 seg[16]; /* where the segments begin */
};

/* seg 0: both replicas; 1: promises; 2: 5 writes 1, 2; 3: 6 writes 1 */
FIXTURE_SETUP(replay)
{
	struct image *img = malloc(sizeof(*img));

	self->img = img;
	image_format(img, IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	img->super.flags = 0;
	image_super(img);
	image_create(img, 5, 0);
	image_create(img, 6, 1);
	self->seg[0] = image_commit(img);
	image_promise(img, 5, 3);
	image_promise(img, 6, 3);
	self->seg[1] = image_commit(img);
	image_write(img, 5, 3, 1, 0, 10);
	image_write(img, 5, 3, 2, 3, 11);
	self->seg[2] = image_commit(img);
	image_write(img, 6, 3, 1, 0, 20);
	self->seg[3] = image_commit(img);
}

FIXTURE_TEARDOWN(replay)
{
	image_free(self->img);
	free(self->img);
}

static struct qbd_store_replica rep(struct image *img, u32 slot)
{
	struct qbd_store_replica replica;

	memset(&replica, 0, sizeof(replica));
	if (qbd_store_replica_get(img->core, slot, &replica))
		replica.table.flags = 0;
	return replica;
}

static u32 flags(struct image *img, u32 slot)
{
	return rep(img, slot).table.flags & ~QBD_REPLICA_USED;
}

#define SUSPECT (QBD_REPLICA_SUSPECT | QBD_REPLICA_NONVOTING)
#define EXPECT_POS(exp_term, exp_index, pos)          \
	do {                                          \
		struct qbd_pos seen_pos = (pos);      \
		EXPECT_EQ(exp_term, seen_pos.term);   \
		EXPECT_EQ(exp_index, seen_pos.index); \
	} while (0)

static void cut(struct image *img, u64 replica, u64 index)
{
	image_rec(img,
		  (struct qbd_desc){ .replica = replica,
				     .term = 4,
				     .index = index,
				     .op = QBD_OP_TRUNCATE },
		  0);
}

static void damage(struct image *img, u64 lpos, u32 byte)
{
	image_lpos(img, lpos)[byte] ^= 0x10;
}

TEST_F(replay, a_whole_log)
{
	struct image *img = self->img;
	struct qbd_found found;
	int id;

	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(0, img->nr_findings);
	EXPECT_EQ(4, img->open.replay.nr_segs);
	EXPECT_EQ(7, img->open.replay.nr_recs);
	EXPECT_EQ(img->at.lpos, img->open.replay.at.lpos);
	EXPECT_EQ(img->at.prev_crc, img->open.replay.at.prev_crc);
	EXPECT_POS(3, 2, rep(img, 0).last);
	EXPECT_POS(3, 2, rep(img, 0).durable);
	EXPECT_POS(3, 1, rep(img, 1).last);
	EXPECT_EQ(3, rep(img, 0).table.promise.term);
	EXPECT_EQ(3000, rep(img, 0).table.promise.nonce);
	EXPECT_EQ(0, flags(img, 0) | flags(img, 1));
	id = qbd_store_log_get(img->core, 0, 2);
	ASSERT_GE(id, 0);
	EXPECT_EQ(self->seg[2] + 3, qbd_store_rec(img->core, (u32)id)->lpos);
	ASSERT_EQ(0, qbd_store_lookup(img->core, 0, 10, 3, &found));
	EXPECT_EQ(QBD_FOUND_LOG, found.kind);
	EXPECT_EQ(1, found.blocks);
	/* The new superblock knows all of it. */
	EXPECT_EQ(5, qbd_store_super(img->core)->known.seq);
}

TEST_F(replay, a_torn_tail_is_cut)
{
	struct image *img = self->img;

	damage(img, self->seg[3] + 2, 5);
	ASSERT_EQ(0, image_open_rw(img));
	ASSERT_EQ(1, img->nr_findings);
	EXPECT_EQ(QBD_FIND_TORN, img->finding[0].kind);
	EXPECT_EQ(self->seg[3], img->finding[0].first);
	EXPECT_TRUE(img->open.replay.torn);
	EXPECT_EQ(self->seg[3], img->open.replay.at.lpos);
	EXPECT_EQ(0, rep(img, 1).last.index);
	EXPECT_EQ(2, rep(img, 0).last.index);
	EXPECT_EQ(0, flags(img, 0) | flags(img, 1));
}

TEST_F(replay, a_torn_header_is_the_end)
{
	struct image *img = self->img;

	damage(img, self->seg[3], 4000);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(0, img->nr_findings);
	EXPECT_EQ(self->seg[3], img->open.replay.at.lpos);
	EXPECT_EQ(0, flags(img, 0) | flags(img, 1));
}

/* S5 b: what was cut stays cut, even if it turns out to be whole. */
TEST_F(replay, a_cut_segment_never_comes_back)
{
	struct image *img = self->img;

	damage(img, self->seg[3] + 2, 5);
	ASSERT_EQ(0, image_open_rw(img));
	damage(img, self->seg[3] + 2, 5);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(self->seg[3], img->open.replay.at.lpos);
	EXPECT_EQ(0, rep(img, 1).last.index);
}

/* S5 a: of two segments under way at once the first one was torn. */
TEST_F(replay, a_pipeline_is_not_damage)
{
	struct image *img = self->img;

	img->durable_lag = 1;
	image_commit(img);
	damage(img, self->seg[3] + 2, 5);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_FIND_TORN, img->finding[0].kind);
	EXPECT_EQ(self->seg[3], img->open.replay.at.lpos);
	EXPECT_EQ(0, flags(img, 0) | flags(img, 1));
}

/* A later segment says that the bad one was durable: damage, not a tear. */
TEST_F(replay, a_seal_tells_rot_from_a_tear)
{
	struct image *img = self->img;

	image_commit(img); /* the seal */
	damage(img, self->seg[3], 4000);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_SEG));
	EXPECT_EQ(self->seg[3], img->finding[0].first);
	EXPECT_EQ(self->seg[3] + 3, img->finding[0].last);
	EXPECT_EQ(img->at.lpos, img->open.replay.at.lpos);
	/* Whose records they were nobody knows. */
	EXPECT_EQ(SUSPECT, flags(img, 0));
	EXPECT_EQ(SUSPECT, flags(img, 1));
	EXPECT_TRUE(image_found(img, QBD_FIND_UNPROVEN));
	EXPECT_TRUE(image_found(img, QBD_FIND_PROMISE));
	EXPECT_TRUE(img->open.must_checkpoint);
}

TEST_F(replay, a_damaged_record_costs_its_replica)
{
	struct image *img = self->img;

	image_commit(img);
	damage(img, self->seg[3] + 2, 5);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_FIND_REC, img->finding[0].kind);
	EXPECT_EQ(6, img->finding[0].replica);
	EXPECT_EQ(1, img->finding[0].first);
	EXPECT_EQ(2, img->finding[0].blocks);
	EXPECT_EQ(0, flags(img, 0));
	/* It is the last one: no gap shows it, its descriptor does. */
	EXPECT_EQ(SUSPECT, flags(img, 1));
	EXPECT_EQ(0, rep(img, 1).last.index);
}

TEST_F(replay, a_hole_drops_what_is_behind)
{
	struct image *img = self->img;
	u64 seg;

	image_write(img, 5, 3, 3, 3, 30);
	seg = image_commit(img);
	image_write(img, 5, 3, 4, 3, 31);
	image_write(img, 6, 3, 2, 3, 31);
	image_commit(img);
	damage(img, seg + 1, 5);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_REC));
	EXPECT_TRUE(image_found(img, QBD_FIND_GAP));
	EXPECT_EQ(SUSPECT, flags(img, 0));
	EXPECT_POS(3, 2, rep(img, 0).last);
	EXPECT_EQ(0, flags(img, 1));
	EXPECT_POS(3, 2, rep(img, 1).last);
}

/* The records come again from a leader, with the same terms. */
TEST_F(replay, a_hole_that_was_filled)
{
	struct image *img = self->img;
	u64 seg, i;

	image_write(img, 5, 3, 3, 3, 30);
	seg = image_commit(img);
	image_write(img, 5, 3, 4, 3, 31);
	image_commit(img);
	image_commit(img);
	damage(img, seg + 1, 5);
	ASSERT_EQ(0, image_open_rw(img));
	ASSERT_EQ(0, image_checkpoint(img, false));
	image_resume(img);
	for (i = 3; i < 6; i++) {
		image_write(img, 5, 3, i, 3, 30);
		image_commit(img);
	}
	cut(img, 5, 3); /* the first fourth one must not be back with this */
	image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_FALSE(image_found(img, QBD_FIND_GAP));
	EXPECT_POS(3, 3, rep(img, 0).last);
	EXPECT_LT(qbd_store_log_get(img->core, 0, 4), 0);
	/* Whether it may vote again is for the leader to say. */
	EXPECT_EQ(SUSPECT, flags(img, 0));
}

/* A record behind the damage proves those before it, a promise the promise. */
TEST_F(replay, a_lost_header_spares_who_is_proven)
{
	struct image *img = self->img;
	u64 seg;

	image_write(img, 6, 3, 2, 3, 30);
	seg = image_commit(img);
	image_promise(img, 5, 3);
	image_write(img, 5, 3, 3, 3, 31);
	image_commit(img);
	damage(img, seg, 200);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_SEG));
	EXPECT_EQ(0, flags(img, 0));
	EXPECT_POS(3, 3, rep(img, 0).last);
	EXPECT_EQ(SUSPECT, flags(img, 1));
	EXPECT_POS(3, 1, rep(img, 1).last);
}

TEST_F(replay, a_lost_promise_costs_the_vote)
{
	struct image *img = self->img;
	u64 seg;

	image_promise(img, 5, 4);
	seg = image_commit(img);
	image_write(img, 5, 4, 3, 3, 31); /* of term 4: promised, not to whom */
	image_commit(img);
	damage(img, seg, 200);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_REPLICA_NONVOTING, flags(img, 0));
	EXPECT_TRUE(image_found(img, QBD_FIND_PROMISE));
	EXPECT_POS(4, 3, rep(img, 0).last);
}

/* Catch-up brings records of old terms under a promise that may be lost. */
TEST_F(replay, a_lost_promise_behind_old_records)
{
	struct image *img = self->img;
	u64 seg;

	image_promise(img, 5, 4);
	seg = image_commit(img);
	image_write(img, 5, 3, 3, 3, 31);
	image_commit(img);
	damage(img, seg, 200);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_REPLICA_NONVOTING, flags(img, 0));
	EXPECT_TRUE(image_found(img, QBD_FIND_PROMISE));
	EXPECT_POS(3, 3, rep(img, 0).last);
}

/* S5 c: a truncation and what replaced the cut records were in the hole. */
TEST_F(replay, an_index_alone_proves_nothing)
{
	struct image *img = self->img;
	u64 seg;

	cut(img, 5, 1);
	image_write(img, 5, 4, 2, 3, 50);
	seg = image_commit(img);
	image_write(img, 5, 4, 3, 4, 51);
	image_commit(img);
	damage(img, seg, 200);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(SUSPECT, flags(img, 0));
	EXPECT_LE(rep(img, 0).last.index, 2);
	EXPECT_POS(3, 2, rep(img, 0).last);
}

TEST_F(replay, a_truncation)
{
	struct image *img = self->img;

	cut(img, 5, 1);
	image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_POS(3, 1, rep(img, 0).last);
	image_write(img, 5, 4, 2, 3, 50);
	image_commit(img);
	/* The writer is of the run before: its segment does not count. */
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_POS(3, 1, rep(img, 0).last);
	image_resume(img);
	image_write(img, 5, 4, 2, 3, 50);
	image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_POS(4, 2, rep(img, 0).last);
	EXPECT_EQ(0, img->nr_findings);
}

/* Copies come behind newer records, in any order, and take their place. */
TEST_F(replay, relogged_records_out_of_order)
{
	struct image *img = self->img;
	u64 copy;
	int id;

	image_write(img, 5, 3, 3, 3, 12);
	image_commit(img);
	image_rec(img,
		  (struct qbd_desc){ .replica = 5,
				     .term = 3,
				     .index = 1,
				     .op = QBD_OP_WRITE,
				     .flags = QBD_REC_RELOG,
				     .block = 10,
				     .blocks = 2,
				     .payload_blocks = 2 },
		  0x13);
	copy = image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(0, img->nr_findings);
	EXPECT_POS(3, 3, rep(img, 0).last);
	id = qbd_store_log_get(img->core, 0, 1);
	ASSERT_GE(id, 0);
	EXPECT_EQ(copy + 1, qbd_store_rec(img->core, (u32)id)->lpos);
}

TEST_F(replay, an_unreadable_block)
{
	struct image *img = self->img;
	const struct qbd_layout *layout = &img->super.layout;

	image_commit(img);
	img->unreadable = qbd_layout_lpos_block(layout, self->seg[2] + 4);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_FIND_REC, img->finding[0].kind);
	EXPECT_EQ(-EIO, img->finding[0].error);
	EXPECT_EQ(2, img->finding[0].first);
	EXPECT_EQ(SUSPECT, flags(img, 0));
	EXPECT_POS(3, 1, rep(img, 0).last);
	EXPECT_EQ(0, flags(img, 1));
	EXPECT_POS(3, 1, rep(img, 1).last);
	img->unreadable = qbd_layout_lpos_block(layout, self->seg[2]);
	ASSERT_EQ(0, image_open_ro(img, false));
	EXPECT_EQ(QBD_FIND_SEG, img->finding[0].kind);
	EXPECT_EQ(-EIO, img->finding[0].error);
}

/* Up to "known" all must be there, whatever comes after it. */
TEST_F(replay, damage_before_known)
{
	struct image *img = self->img;

	ASSERT_EQ(0, image_open_rw(img));
	damage(img, self->seg[3], 50);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_FIND_SEG, img->finding[0].kind);
	EXPECT_EQ(self->seg[3] + 3, img->open.replay.at.lpos);
	EXPECT_EQ(SUSPECT, flags(img, 0));
	EXPECT_EQ(SUSPECT, flags(img, 1));
}

TEST_F(replay, the_log_is_another_one)
{
	struct image *img = self->img;

	ASSERT_EQ(0, image_open_ro(img, false));
	img->super.known = img->at;
	img->super.known.prev_crc ^= 1;
	image_super(img);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(QBD_FIND_CHAIN, img->finding[0].kind);
	EXPECT_EQ(SUSPECT, flags(img, 0));
}

TEST_F(replay, a_clean_end_is_the_end)
{
	struct image *img = self->img;

	img->super.known = img->at;
	img->super.flags = QBD_SUPER_CLEAN;
	image_super(img);
	image_write(img, 6, 3, 2, 3, 30);
	image_commit(img);
	ASSERT_EQ(0, image_open_ro(img, false));
	EXPECT_POS(3, 1, rep(img, 1).last);
	EXPECT_EQ(0, img->nr_findings);
}

/* What a checkpoint carried is not lost with the log before it. */
TEST_F(replay, damage_to_what_is_home)
{
	struct image *img = self->img;

	ASSERT_EQ(0, image_open_rw(img));
	qbd_store_commit_set(img->core, 0, 2);
	qbd_store_commit_set(img->core, 1, 1);
	ASSERT_EQ(0, image_checkpoint(img, false));
	EXPECT_EQ(2, rep(img, 0).applied.index);
	EXPECT_EQ(5, qbd_store_super(img->core)->carried);
	damage(img, self->seg[1], 50);
	damage(img, self->seg[3], 50);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_SEG));
	EXPECT_EQ(0, flags(img, 0) | flags(img, 1));
	EXPECT_POS(3, 2, rep(img, 0).last);
	EXPECT_POS(3, 1, rep(img, 1).last);
	EXPECT_EQ(3, rep(img, 0).table.promise.term);
	EXPECT_EQ(3, rep(img, 1).table.promise.term);
}

/*
 * The damage is the log's end, so that no segment behind it shows that there
 * was one: the table says that the record was void by then.
 */
TEST_F(replay, a_lost_truncation_at_the_end)
{
	struct image *img = self->img;
	u64 seg;

	cut(img, 5, 1);
	seg = image_commit(img);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_POS(3, 1, rep(img, 0).last);
	qbd_store_commit_set(img->core, 0, 1);
	ASSERT_EQ(0, image_checkpoint(img, false));
	EXPECT_EQ(6, qbd_store_super(img->core)->carried);
	damage(img, seg, 50);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_SEG));
	EXPECT_POS(3, 1, rep(img, 0).last);
	EXPECT_POS(3, 1, rep(img, 1).last);
	EXPECT_EQ(0, flags(img, 0) | flags(img, 1));
}

/* Not home, but the table names the last one: its loss shows. */
TEST_F(replay, damage_to_what_is_not_home)
{
	struct image *img = self->img;

	ASSERT_EQ(0, image_open_rw(img));
	qbd_store_commit_set(img->core, 0, 2);
	ASSERT_EQ(0, image_checkpoint(img, false));
	EXPECT_EQ(0, rep(img, 1).applied.index);
	damage(img, self->seg[3], 50);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(0, flags(img, 0));
	EXPECT_EQ(SUSPECT, flags(img, 1));
	/* A verdict lasts. */
	ASSERT_TRUE(img->open.must_checkpoint);
	ASSERT_EQ(0, image_checkpoint(img, false));
	damage(img, self->seg[3], 50);
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(SUSPECT, flags(img, 1));
}

/* Segments go round the end of the region, header and payload anywhere. */
TEST_F(replay, round_the_end)
{
	struct image *img = self->img;
	u64 start, seal, i;

	for (start = 0; start < 12; start++) {
		img->at.lpos = 3 * IMAGE_WAL_BLOCKS - 8 + start;
		img->at.seq = 100 + 50 * start;
		img->at.prev_crc = 7;
		img->super.tail = img->at;
		img->super.known = img->at;
		img->super.carried = img->at.seq;
		image_super(img);
		image_create(img, 5, 0);
		image_promise(img, 5, 3);
		self->seg[0] = image_commit(img);
		for (i = 1; i < 5; i++) {
			image_write(img, 5, 3, i, i > 1 ? 3 : 0, 4 * i);
			self->seg[i] = image_commit(img);
		}
		seal = image_commit(img);
		ASSERT_EQ(0, image_open_ro(img, true));
		EXPECT_EQ(0, img->nr_findings);
		EXPECT_EQ(seal + 1, img->open.replay.at.lpos);
		EXPECT_POS(3, 4, rep(img, 0).last);
		damage(img, self->seg[2], 77);
		ASSERT_EQ(0, image_open_ro(img, true));
		EXPECT_EQ(QBD_FIND_SEG, img->finding[0].kind);
		EXPECT_EQ(self->seg[3], img->finding[0].last);
		EXPECT_EQ(seal + 1, img->open.replay.at.lpos);
	}
}

TEST_F(replay, a_full_log)
{
	struct image *img = self->img;
	u64 index = 2;

	while (img->at.lpos + 3 <= IMAGE_WAL_BLOCKS) {
		image_write(img, 5, 3, index, 3, 7);
		if (index == 2)
			qbd_seg_start(img->header);
		if (index++ == 2)
			img->payload_blocks = 0;
		else
			image_commit(img);
	}
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(0, img->nr_findings);
	EXPECT_EQ(index - 1, rep(img, 0).last.index);
	EXPECT_EQ(img->at.lpos, img->open.replay.at.lpos);
}

TEST_HARNESS_MAIN
