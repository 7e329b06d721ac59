// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening the directory of a log store: what it gives out, what it cuts, and
 * what it says about each thing that can be wrong with one.
 */
#include "raftlog_bed.h"

#define SEG1 "segment-0000000000000001"

/* Three segments: entries 1 to 21, seven in each, of term 1. */
static void bed(void)
{
	rb_format();
	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, rb_state(1, 5));
	ASSERT_EQ(0, rb_append(1, 21, 500));
}

static struct raftlog_info look(void)
{
	struct raftlog_info info;

	raftlog_look(rb.store, &info);
	return info;
}

TEST(empty)
{
	rb_format();
	ASSERT_EQ(0, rb_open());
	EXPECT_FALSE(rb.start.damaged);
	EXPECT_EQ(0, rb.start.nr);
	EXPECT_EQ(0, rb.start.term);
	EXPECT_EQ(5, rb.start.snap.conf.id[0]);
	EXPECT_EQ(0, rb.report.total);
	rb_close();
	EXPECT_EQ(-EEXIST, raftlog_format(&rb.env, &rb_id, &rb.report));
}

TEST(what_was_logged_is_there)
{
	u32 i;

	bed();
	EXPECT_EQ(3, look().segments);
	rb_close();
	ld_crash(&rb.disk);
	ASSERT_EQ(0, rb_open());
	EXPECT_EQ(1, rb.start.term);
	EXPECT_EQ(5, rb.start.vote);
	ASSERT_EQ(21, rb.start.nr);
	for (i = 0; i < 21; i++) {
		EXPECT_EQ(i + 1, rb.start.entry[i].pos.index);
		EXPECT_EQ(500, rb.start.entry[i].bytes);
		EXPECT_EQ(i + 1, *(const u8 *)rb.start.entry[i].data);
	}
	EXPECT_EQ(21, look().known);
	rb_close();
}

TEST(two_syncs_for_a_batch)
{
	u64 before;

	bed();
	before = rb.disk.syncs;
	ASSERT_EQ(0, rb_append(1, 1, 10));
	EXPECT_EQ(2, rb.disk.syncs - before);
	before = rb.disk.syncs;
	ASSERT_EQ(0, rb_state(2, 0));
	EXPECT_EQ(2, rb.disk.syncs - before);
	rb_close();
}

TEST(truncate_across_segments)
{
	bed();
	ASSERT_EQ(0, rb_truncate(4));
	EXPECT_EQ(1, look().segments);
	EXPECT_EQ(4, look().known);
	ASSERT_EQ(0, rb_state(2, 5));
	ASSERT_EQ(0, rb_append(2, 2, 500));
	rb_close();
	ld_crash(&rb.disk);
	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(6, rb.start.nr);
	EXPECT_EQ(1, rb.start.entry[3].pos.term);
	EXPECT_EQ(2, rb.start.entry[4].pos.term);
	rb_close();
}

TEST(drop_and_older_snapshot)
{
	char name[RAFTLOG_NAME_MAX];
	struct raft_snap snap;

	bed();
	ASSERT_EQ(0, rb_take(1, 9));
	ASSERT_EQ(0, rb_drop(9));
	EXPECT_EQ(8, look().first); /* whole segments only */
	ASSERT_EQ(0, rb_take(1, 12));
	rb_close();
	snap = rb_snap(1, 12);
	rl_snap_name(name, &snap);
	ASSERT_TRUE(ld_flip(&rb.disk, name, 5000, 1));
	ASSERT_EQ(0, rb_open());
	EXPECT_FALSE(rb.start.damaged);
	EXPECT_TRUE(rb_says(RAFTLOG_ROT, name, "a piece is bad"));
	EXPECT_EQ(9, rb.start.snap.pos.index);
	EXPECT_EQ(21, rb.start.entry[rb.start.nr - 1].pos.index);
	rb_close();
	/* the log does not go back to nothing: the last one may not rot, too */
	snap = rb_snap(1, 9);
	rl_snap_name(name, &snap);
	ASSERT_TRUE(ld_flip(&rb.disk, name, 5000, 1));
	rb_damaged("segment-0000000000000008", "entries are missing");
}

TEST(received_and_gone_on_with)
{
	struct raft_snap snap;

	bed();
	snap = rb_snap(2, 40);
	ASSERT_EQ(0, rb_chunk(&snap, 0, 1000));
	EXPECT_EQ(-ESTALE, rb_chunk(&snap, 2000, 10));
	rb_close();
	ld_crash(&rb.disk);
	ASSERT_EQ(0, rb_open());
	EXPECT_EQ(40, rb.start.partial.pos.index);
	ASSERT_EQ(1000, rb.start.partial_bytes);
	ASSERT_EQ(0, rb_chunk(&snap, 1000, 2000));
	raft_log_reset(&rb.log, snap.pos);
	ASSERT_EQ(0, rb_batch((struct raft_batch){
			     .what = RAFT_STORE_STATE | RAFT_STORE_INSTALL |
				     RAFT_STORE_TRUNCATE | RAFT_STORE_DROP,
			     .term = 2,
			     .snap = snap.pos,
			     .keep = 40,
			     .drop = 40 }));
	EXPECT_EQ(40, look().known);
	ASSERT_EQ(0, rb_append(2, 1, 10));
	rb_close();
	ld_crash(&rb.disk);
	ASSERT_EQ(0, rb_open());
	EXPECT_EQ(40, rb.start.snap.pos.index);
	EXPECT_EQ(1, rb.start.nr);
	EXPECT_EQ(41, rb.start.entry[0].pos.index);
	rb_close();
}

TEST(digest_is_wrong)
{
	struct raft_snap snap;

	bed();
	snap = rb_snap(2, 40);
	snap.id++;
	ASSERT_EQ(0, rb_chunk(&snap, 0, 1000));
	EXPECT_EQ(-EBADMSG, rb_chunk(&snap, 1000, 2000));
	EXPECT_EQ(0, look().err);
	rb_close();
}

TEST(torn_end_is_cut)
{
	int no;

	bed();
	rb_close();
	/* what a batch that was torn leaves: behind the last entry */
	no = ld_find(&rb.disk, "segment-000000000000000f");
	ASSERT_GE(no, 0);
	ASSERT_TRUE(ld_flip(&rb.disk, "segment-000000000000000f", 8000, 1));
	ASSERT_EQ(0, rb_open());
	EXPECT_FALSE(rb.start.damaged);
	EXPECT_EQ(21, rb.start.nr);
	EXPECT_TRUE(rb_says(RAFTLOG_NOTE, "segment-000000000000000f",
			    "torn behind entry 21"));
	EXPECT_EQ(0, rb.disk.inode[no].cur[8000]);
	rb_close();
}

TEST(damage_below_known)
{
	bed();
	rb_close();
	ASSERT_TRUE(ld_flip(&rb.disk, SEG1, 4096 + 40, 1));
	rb_damaged(SEG1, "a record is bad behind 0; up to 21");
}

TEST(damage_in_the_last_record)
{
	bed();
	rb_close();
	ASSERT_TRUE(ld_flip(&rb.disk, "segment-000000000000000f",
			    4096 + 6 * 536 + 40, 1));
	rb_damaged("segment-000000000000000f", "a record is bad behind 20");
}

TEST(segment_missing)
{
	bed();
	rb_close();
	ASSERT_TRUE(ld_remove(&rb.disk, "segment-0000000000000008"));
	rb_damaged("segment-000000000000000f", "entries are missing");
}

TEST(segments_overlap)
{
	int no;

	bed();
	rb_close();
	no = ld_find(&rb.disk, SEG1);
	ASSERT_GE(no, 0);
	/* the second one under the name of an index that the first has */
	ld_put(&rb.disk, "segment-0000000000000005", rb.disk.inode[no].cur,
	       rb.disk.inode[no].size);
	rb_damaged("segment-0000000000000005", "begins at 5, the one before");
}

TEST(slots)
{
	int no;

	bed();
	rb_close();
	no = ld_find(&rb.disk, RL_STATE);
	ASSERT_GE(no, 0);
	/* a file that ends early has lost its second slot */
	rb.disk.inode[no].size = 5000;
	ASSERT_EQ(0, rb_open());
	EXPECT_FALSE(rb.start.damaged);
	EXPECT_EQ(1, rb.start.term);
	EXPECT_EQ(5, rb.start.vote);
	EXPECT_TRUE(rb_says(RAFTLOG_NOTE, RL_STATE, "the other one is good"));
	rb_close();
	ASSERT_TRUE(ld_flip(&rb.disk, RL_STATE, 100, 1));
	ASSERT_TRUE(ld_flip(&rb.disk, RL_STATE, 4200, 1));
	rb_damaged(RL_STATE, "neither slot is good");
	ASSERT_TRUE(ld_remove(&rb.disk, RL_STATE));
	rb_damaged(RL_STATE, "not there");
}

TEST(somebody_elses)
{
	bed();
	EXPECT_EQ(-EBUSY, raftlog_open(&rb.env, &rb.opt, &rb.report,
				       &(struct raftlog *){ NULL }));
	rb_close();
	rb.opt.id.server = 6;
	EXPECT_EQ(-EXDEV, rb_open());
	EXPECT_TRUE(rb_says(RAFTLOG_REFUSE, RL_IDENTITY, "another server"));
	ld_kill(&rb.disk);
	rb.opt.id = rb_id;
	rb.opt.id.lineage++;
	EXPECT_EQ(-EXDEV, rb_open());
	ld_kill(&rb.disk);
	rb.opt.id = rb_id;
	ASSERT_TRUE(ld_remove(&rb.disk, RL_IDENTITY));
	EXPECT_EQ(-ENOENT, rb_open());
	EXPECT_TRUE(rb_says(RAFTLOG_REFUSE, RL_IDENTITY, "identity is lost"));
	ld_kill(&rb.disk);
	EXPECT_EQ(-ENOTEMPTY, raftlog_format(&rb.env, &rb_id, &rb.report));
}

/* A page of a later version, right in all else, is not judged. */
TEST(later_version)
{
	u8 page[RAFTLOG_PAGE];
	__le32 crc;

	bed();
	rb_close();
	rl_segment_encode(&rb_id, 1, 0, page);
	page[8] = 2;
	crc = cpu_to_le32(crc32c(~0U, page + 8, sizeof(page) - 8));
	memcpy(page + 4, &crc, sizeof(crc));
	ld_put(&rb.disk, SEG1, page, sizeof(page));
	EXPECT_EQ(-EPROTONOSUPPORT, rb_open());
	EXPECT_TRUE(rb_says(RAFTLOG_REFUSE, SEG1, "a version"));
}

TEST(full_disk)
{
	u32 i;

	bed();
	rb.disk.free = 0;
	for (i = 0; i < 100 && !look().full; i++)
		ASSERT_EQ(0, rb_append(1, 1, 900));
	EXPECT_TRUE(look().full);
	/* one batch as large as it can be, and hard state, still fit */
	ASSERT_EQ(0, rb_append(1, 17, 900));
	ASSERT_EQ(0, rb_state(2, 1));
	EXPECT_EQ(-ENOSPC, rb_take(1, 9));
	EXPECT_EQ(0, look().err);
	rb.disk.free = 1024 * 1024;
	raftlog_retry(rb.store);
	while (raftlog_work(rb.store))
		;
	EXPECT_FALSE(look().full);
	rb_close();
}

TEST(who_does_not_heed_full_stops)
{
	int err = 0;
	u32 i;

	bed();
	rb.disk.free = 0;
	for (i = 0; i < 60 && !err; i++)
		err = rb_append(1, 1, 900);
	EXPECT_EQ(-ENOSPC, err);
	EXPECT_EQ(-ENOSPC, look().err);
	rb_close();
	rb.disk.free = 1024 * 1024;
	ASSERT_EQ(0, rb_open());
	EXPECT_FALSE(rb.start.damaged);
	rb_close();
}

TEST(stops_for_good)
{
	bed();
	rb.disk.fail_at = rb.disk.ops + 2; /* the sync behind the write */
	EXPECT_EQ(-EIO, rb_append(1, 1, 10));
	EXPECT_EQ(-EIO, look().err);
	EXPECT_STREQ("sync", look().op);
	EXPECT_STREQ("segment-000000000000000f", look().file);
	/* the disk is well again, and nobody asks it */
	EXPECT_EQ(-EIO, rb_state(9, 9));
	rb_close();
	ASSERT_EQ(0, rb_open());
	EXPECT_EQ(1, rb.start.term);
	rb_close();
}

TEST_HARNESS_MAIN
