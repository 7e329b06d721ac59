// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log store as the daemon has it: a real directory, the writer's thread, its
 * eventfd, and the reader of snapshots. It is measured, too: with
 * QBD_RAFTLOG_BENCH=DIRECTORY for longer, and there.
 */
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "raftlog_bed.h"

#define WAIT_MS 20000

FIXTURE(dir)
{
	char path[64];
};

/* The names go, then the directory. */
static void gone_each(void *arg, const char *name)
{
	struct raftlog_env *env = arg;

	env->unlink(env->dir, name);
}

static void rb_real(const char *path)
{
	rb.opt =
		(struct raftlog_options){ .id = rb_id, .batch_bytes = 1 << 20 };
	rb.log = (struct raft_log){ .slot = rb.slot,
				    .slots = RB_SLOTS,
				    .pool = rb.pool,
				    .pool_bytes = sizeof(rb.pool) };
	ASSERT_EQ(0, raftlog_posix_open(path, true, &rb.env));
	ASSERT_EQ(0, raftlog_format(&rb.env, &rb_id, &rb.report));
}

FIXTURE_SETUP(dir)
{
	snprintf(self->path, sizeof(self->path), "/tmp/raftlog-XXXXXX");
	ASSERT_TRUE(mkdtemp(self->path));
	rb_real(self->path);
}

FIXTURE_TEARDOWN(dir)
{
	if (rb.store)
		raftlog_close(rb.store);
	rb.env.list(rb.env.dir, gone_each, &rb.env);
	raftlog_posix_close(&rb.env);
	EXPECT_EQ(0, rmdir(self->path));
}

/* As the event loop does. Return: what it says. */
static int await(enum raftlog_kind kind)
{
	struct pollfd fd = { .fd = raftlog_fd(rb.store), .events = POLLIN };
	struct raftlog_done done;
	u64 count;

	for (;;) {
		while (raftlog_poll(rb.store, &done))
			if (done.kind == kind)
				return done.event.err;
		if (poll(&fd, 1, WAIT_MS) != 1 ||
		    read(fd.fd, &count, sizeof(count)) != sizeof(count))
			return -ETIME;
	}
}

static int append(u64 term, u32 nr, u32 bytes)
{
	struct raft_batch batch = { .seq = ++rb.seq,
				    .what = RAFT_STORE_ENTRIES,
				    .first = rb.log.last + 1,
				    .last = rb.log.last + nr };
	static u8 data[1000];
	struct raft_entry entry = { .type = RAFT_ENTRY_DATA,
				    .bytes = bytes,
				    .data = data };

	while (nr--) {
		entry.pos = (struct raft_pos){ term, rb.log.last + 1 };
		ASSERT_EQ(0, raft_log_append(&rb.log, &entry));
	}
	ASSERT_EQ(0, raftlog_submit(rb.store, &batch, &rb.log));
	EXPECT_EQ(-EBUSY, raftlog_submit(rb.store, &batch, &rb.log));
	return await(RAFTLOG_PERSISTED);
}

static int state(u64 term)
{
	struct raft_batch batch = { .seq = ++rb.seq,
				    .what = RAFT_STORE_STATE,
				    .term = term,
				    .vote = 5 };

	ASSERT_EQ(0, raftlog_submit(rb.store, &batch, &rb.log));
	return await(RAFTLOG_PERSISTED);
}

TEST_F(dir, writes_and_reads)
{
	struct raft_snap snap = rb_snap(3, 7);
	struct raftlog_reader *reader;
	u8 seen[3000];

	ASSERT_EQ(0, rb_open());
	raftlog_started(rb.store);
	ASSERT_EQ(0, raftlog_run(rb.store));
	EXPECT_EQ(-EALREADY, raftlog_run(rb.store));
	ASSERT_EQ(0, state(3));
	ASSERT_EQ(0, append(3, 10, 100));
	ASSERT_EQ(0, raftlog_take(rb.store, &snap, rb.content, 3000));
	ASSERT_EQ(0, await(RAFTLOG_TAKEN));
	raftlog_close(rb.store);
	raftlog_posix_close(&rb.env); /* and with it the lock */
	ASSERT_EQ(0, raftlog_posix_open(self->path, false, &rb.env));
	ASSERT_EQ(0, rb_open());
	EXPECT_EQ(3, rb.start.term);
	EXPECT_EQ(7, rb.start.snap.pos.index);
	EXPECT_EQ(10, rb.start.entry[rb.start.nr - 1].pos.index);
	ASSERT_EQ(0, raftlog_snap_open(rb.store, &rb.start.snap, &reader));
	EXPECT_EQ(0, raftlog_snap_read(reader, 1000, seen, 500));
	EXPECT_MEMEQ(rb.content + 1000, seen, 500);
	EXPECT_EQ(0, raftlog_snap_read(reader, 10, seen, 2990));
	EXPECT_MEMEQ(rb.content + 10, seen, 2990);
	EXPECT_EQ(-EINVAL, raftlog_snap_read(reader, 10, seen, 2991));
	raftlog_snap_close(reader);
	snap.id++;
	EXPECT_EQ(-ENOENT, raftlog_snap_open(rb.store, &snap, &reader));
}

TEST_F(dir, one_at_a_time)
{
	struct raftlog_env other;
	struct raftlog *store;

	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, raftlog_posix_open(self->path, false, &other));
	EXPECT_EQ(-EBUSY, raftlog_open(&other, &rb.opt, &rb.report, &store));
	raftlog_posix_close(&other);
}

/* Work that is queued when it ends is done, or not: nobody waits for it. */
TEST_F(dir, ends_with_work)
{
	struct raft_batch batch = { .seq = 1,
				    .what = RAFT_STORE_STATE,
				    .term = 2 };

	ASSERT_EQ(0, rb_open());
	ASSERT_EQ(0, raftlog_run(rb.store));
	ASSERT_EQ(0, raftlog_submit(rb.store, &batch, &rb.log));
	raftlog_close(rb.store);
	raftlog_posix_close(&rb.env);
	ASSERT_EQ(0, raftlog_posix_open(self->path, false, &rb.env));
	ASSERT_EQ(0, rb_open());
	EXPECT_TRUE(rb.start.term == 0 || rb.start.term == 2);
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void bench(u32 batch, u32 rounds)
{
	struct raftlog_info before, after;
	double began = now(), took;
	u32 i;

	raftlog_look(rb.store, &before);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, append(1, batch, 200));
		raft_log_drop(&rb.log, rb.log.last);
	}
	took = now() - began;
	raftlog_look(rb.store, &after);
	TH_LOG("%u entries of 200 bytes in a batch: %.0f entries/s, %.3f "
	       "syncs for each, %.0f us for a batch",
	       batch, batch * rounds / took,
	       (double)(after.syncs - before.syncs) / (batch * rounds),
	       took / rounds * 1e6);
}

TEST(measured)
{
	char own[] = "/tmp/raftlog-XXXXXX";
	const char *path = getenv("QBD_RAFTLOG_BENCH");
	u32 rounds = path ? 300 : 20;

	if (!path)
		path = mkdtemp(own);
	ASSERT_TRUE(path);
	rb_real(path);
	ASSERT_EQ(0, rb_open());
	raftlog_started(rb.store);
	ASSERT_EQ(0, raftlog_run(rb.store));
	ASSERT_EQ(0, state(1));
	bench(1, rounds);
	bench(16, rounds);
	bench(64, rounds);
	raftlog_close(rb.store);
	rb.env.list(rb.env.dir, gone_each, &rb.env);
	raftlog_posix_close(&rb.env);
	EXPECT_EQ(0, rmdir(path));
}

TEST_HARNESS_MAIN
