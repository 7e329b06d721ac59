// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log goes on as another one's: all of it is there, under another server and
 * lineage, with what follows; and the first one is what it was.
 */
#include <unistd.h>

#include "raftlog_bed.h"

static const struct raftlog_identity other = { .cluster = { 0xc1 },
					       .server = 9,
					       .lineage = 7 };

static struct {
	char path[64];
	struct raftlog_env env;
	struct raftlog_report report;
	struct rl_image img;
} to;

/* A real directory: the lock of a simulated one is taken once. */
static void to_begin(void)
{
	snprintf(to.path, sizeof(to.path), "/tmp/qbd-carry-XXXXXX");
	ASSERT_TRUE(mkdtemp(to.path));
	ASSERT_EQ(0, raftlog_posix_open(to.path, false, &to.env));
}

static void to_unlink(void *arg, const char *name)
{
	to.env.unlink(to.env.dir, name);
}

static void to_end(void)
{
	to.env.list(to.env.dir, to_unlink, NULL);
	raftlog_posix_close(&to.env);
	EXPECT_EQ(0, rmdir(to.path));
}

/* Everything of rb, and two entries behind it. */
static int carry(struct raft_pos *last)
{
	struct raft_config conf = { .nr = 1, .old = 1, .id = { 9 } };
	u8 members[RAFT_CONF_BYTES_MAX];
	struct raft_entry more[2] = {
		{ .type = RAFT_ENTRY_CONFIG, .data = members },
		{ .type = RAFT_ENTRY_DATA, .bytes = 4, .data = "last" }
	};
	u64 before = ld_hash(&rb.disk);
	struct rl_image img;
	int err;

	ASSERT_EQ(0, rb.env.lock(rb.env.dir));
	rl_image_read(&img, &rb.env, &rb.report);
	ASSERT_TRUE(rl_image_good(&img));
	*last = raftlog_last(&img);
	more[0].bytes = raft_conf_encode(&conf, members, sizeof(members));
	more[0].pos = (struct raft_pos){ 9, last->index + 1 };
	more[1].pos = (struct raft_pos){ 9, last->index + 2 };
	err = raftlog_carry(&img, &to.env, &other, more, 2, &to.report);
	rl_image_free(&img);
	ld_kill(&rb.disk);
	EXPECT_EQ(before, ld_hash(&rb.disk));
	return err;
}

/* What is there, for whoever opens it next. */
static void look(u64 snap, u64 last)
{
	struct raft_config conf;
	u32 i, configs = 0;

	raftlog_posix_close(&to.env);
	ASSERT_EQ(0, raftlog_posix_open(to.path, false, &to.env));
	rl_image_read(&to.img, &to.env, &to.report);
	ASSERT_EQ(0, to.img.err);
	ASSERT_TRUE(rl_image_good(&to.img));
	EXPECT_EQ(0, to.report.total);
	EXPECT_EQ(9, to.img.id.server);
	EXPECT_EQ(7, to.img.id.lineage);
	EXPECT_EQ(0, to.img.id.conf.nr);
	EXPECT_EQ(9, to.img.hard.term);
	EXPECT_EQ(0, to.img.hard.vote);
	EXPECT_EQ(last, to.img.hard.known);
	EXPECT_EQ(last, to.img.last.index);
	EXPECT_EQ(9, to.img.last.term);
	EXPECT_EQ(snap, to.img.snap.snap.pos.index);
	EXPECT_EQ(last - snap, to.img.nr_entries);
	for (i = 0; i < to.img.nr_entries; i++) {
		const struct raft_entry *entry = &to.img.entry[i];

		EXPECT_EQ(snap + 1 + i, entry->pos.index);
		if (entry->type == RAFT_ENTRY_CONFIG) {
			configs++;
			EXPECT_EQ(0, raft_conf_decode(entry->data, entry->bytes,
						      &conf));
			EXPECT_EQ(9, conf.id[0]);
		} else if (entry->pos.index < last) {
			EXPECT_EQ((u8)entry->pos.index,
				  *(const u8 *)entry->data);
		}
	}
	EXPECT_EQ(1, configs);
	rl_image_free(&to.img);
}

/* More than one batch, and than one segment there. */
TEST(without_a_snapshot)
{
	struct raft_pos last;

	rb_format();
	to_begin();
	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, rb_state(3, 5));
	ASSERT_EQ(0, rb_append(2, 5, 900));
	ASSERT_EQ(0, rb_append(3, 40, 300));
	rb_close();
	EXPECT_EQ(0, carry(&last));
	EXPECT_EQ(45, last.index);
	EXPECT_EQ(3, last.term);
	look(0, 47);
	to_end();
}

TEST(with_a_snapshot)
{
	struct raft_pos last;

	rb_format();
	to_begin();
	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, rb_state(3, 0));
	ASSERT_EQ(0, rb_append(3, 40, 300));
	ASSERT_EQ(0, rb_take(3, 30));
	ASSERT_EQ(0, rb_drop(20));
	rb_close();
	EXPECT_EQ(0, carry(&last));
	EXPECT_EQ(40, last.index);
	look(30, 42);
	to_end();
}

/* The log ends where the snapshot does. */
TEST(nothing_but_a_snapshot)
{
	struct raft_pos last;

	rb_format();
	to_begin();
	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, rb_state(3, 0));
	ASSERT_EQ(0, rb_append(3, 32, 300));
	ASSERT_EQ(0, rb_take(3, 32));
	rb_close();
	EXPECT_EQ(0, carry(&last));
	EXPECT_EQ(32, last.index);
	look(32, 34);
	to_end();
}

/* What a first try left is of no use, and in nobody's way. */
TEST(tried_again)
{
	struct raft_pos last;
	int file;

	rb_format();
	to_begin();
	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, rb_state(3, 0));
	ASSERT_EQ(0, rb_append(3, 4, 300));
	rb_close();
	ASSERT_EQ(0, carry(&last));
	file = to.env.open(to.env.dir, "whatever", RAFTLOG_CREATE);
	ASSERT_GE(file, 0);
	to.env.close(to.env.dir, file);
	EXPECT_EQ(0, carry(&last));
	look(0, 6);
	to_end();
}

TEST_HARNESS_MAIN
