/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log store on a disk in memory, for its unit tests: batches of entries whose
 * content is their index.
 */
#ifndef QBD_TESTS_RAFTLOG_BED_H
#define QBD_TESTS_RAFTLOG_BED_H

#include "harness.h"
#include "raftlog/image.h"
#include "raftlog/raftlog.h"
#include "sim/raftlog_disk.h"

#define RB_SLOTS 128

static const struct raftlog_identity rb_id = {
	.cluster = { 0xc1 },
	.server = 5,
	.lineage = 2,
	.conf = { .nr = 1, .old = 1, .id = { 5 } },
};

static struct {
	struct ld_disk disk;
	struct raftlog_env env;
	struct raftlog_options opt;
	struct raftlog_report report;
	struct raftlog *store;
	struct raft_start start;
	struct raft_log log;
	struct raft_slot slot[RB_SLOTS];
	u8 pool[64 * 1024];
	u64 seq;
	u8 content[3000];
} rb;

static inline void rb_format(void)
{
	ld_init(&rb.disk, 1, 1024 * 1024);
	ld_env(&rb.disk, &rb.env);
	rb.opt = (struct raftlog_options){ .id = rb_id,
					   .segment_bytes = 8192,
					   .entry_bytes = 1000,
					   .batch_bytes = 16384,
					   .snapshot_bytes = 4096 };
	rb.log = (struct raft_log){ .slot = rb.slot,
				    .slots = RB_SLOTS,
				    .pool = rb.pool,
				    .pool_bytes = sizeof(rb.pool) };
	ASSERT_EQ(0, raftlog_format(&rb.env, &rb_id, &rb.report));
	ld_kill(&rb.disk);
}

static inline int rb_open(void)
{
	int err = raftlog_open(&rb.env, &rb.opt, &rb.report, &rb.store);
	u32 i;

	if (err)
		return err;
	raftlog_start(rb.store, &rb.start);
	raft_log_reset(&rb.log, rb.start.snap.pos);
	for (i = 0; i < rb.start.nr; i++)
		if (rb.start.entry[i].pos.index > rb.start.snap.pos.index)
			raft_log_append(&rb.log, &rb.start.entry[i]);
	rb.log.stored = rb.log.last;
	return 0;
}

static inline void rb_close(void)
{
	if (rb.store)
		raftlog_close(rb.store);
	rb.store = NULL;
	ld_kill(&rb.disk);
}

/* Return: what the store says, when it is done. */
static inline int rb_wait(enum raftlog_kind kind)
{
	struct raftlog_done done;

	while (raftlog_work(rb.store))
		;
	while (raftlog_poll(rb.store, &done))
		if (done.kind == kind)
			return done.event.err;
	return -ETIME;
}

static inline int rb_batch(struct raft_batch batch)
{
	batch.seq = ++rb.seq;
	ASSERT_EQ(0, raftlog_submit(rb.store, &batch, &rb.log));
	return rb_wait(RAFTLOG_PERSISTED);
}

static inline int rb_state(u64 term, u64 vote)
{
	return rb_batch((struct raft_batch){
		.what = RAFT_STORE_STATE, .term = term, .vote = vote });
}

/* @nr entries of @bytes; each is its index. */
static inline int rb_append(u64 term, u32 nr, u32 bytes)
{
	struct raft_batch batch = { .what = RAFT_STORE_ENTRIES,
				    .first = rb.log.last + 1,
				    .last = rb.log.last + nr };
	u8 data[1000];
	struct raft_entry entry = { .type = RAFT_ENTRY_DATA,
				    .bytes = bytes,
				    .data = data };

	while (nr--) {
		entry.pos = (struct raft_pos){ term, rb.log.last + 1 };
		memset(data, (int)entry.pos.index, bytes);
		ASSERT_EQ(0, raft_log_append(&rb.log, &entry));
	}
	rb.log.stored = rb.log.last;
	return rb_batch(batch);
}

static inline int rb_truncate(u64 keep)
{
	raft_log_truncate(&rb.log, keep);
	return rb_batch((struct raft_batch){ .what = RAFT_STORE_TRUNCATE,
					     .keep = keep });
}

static inline int rb_drop(u64 through)
{
	raft_log_drop(&rb.log, through);
	return rb_batch((struct raft_batch){ .what = RAFT_STORE_DROP,
					     .drop = through });
}

static inline struct raft_snap rb_snap(u64 term, u64 index)
{
	struct raft_snap snap = { .pos = { term, index },
				  .bytes = sizeof(rb.content),
				  .conf = rb_id.conf };

	memset(rb.content, (int)index, sizeof(rb.content));
	snap.id = raftlog_digest(RAFTLOG_DIGEST, rb.content, snap.bytes);
	return snap;
}

static inline int rb_take(u64 term, u64 index)
{
	struct raft_snap snap = rb_snap(term, index);

	ASSERT_EQ(0, raftlog_take(rb.store, &snap, rb.content, snap.bytes));
	return rb_wait(RAFTLOG_TAKEN);
}

static inline int rb_chunk(const struct raft_snap *snap, u64 offset, u32 bytes)
{
	struct raft_chunk chunk = { .snap = snap,
				    .offset = offset,
				    .bytes = bytes,
				    .data = rb.content + offset };

	ASSERT_EQ(0, raftlog_chunk(rb.store, &chunk));
	return rb_wait(RAFTLOG_CHUNK);
}

/* Is there such a finding? */
static inline bool rb_says(enum raftlog_severity severity, const char *file,
			   const char *text)
{
	u32 i;

	for (i = 0; i < rb.report.nr; i++)
		if (rb.report.finding[i].severity == severity &&
		    !strcmp(rb.report.finding[i].file, file) &&
		    strstr(rb.report.finding[i].text, text))
			return true;
	for (i = 0; i < rb.report.nr; i++)
		TH_LOG("%s %s:%llu %s",
		       raftlog_severity_name(rb.report.finding[i].severity),
		       rb.report.finding[i].file, rb.report.finding[i].offset,
		       rb.report.finding[i].text);
	return false;
}

/* Opened, it is damaged, says this, and was not touched. */
static inline void rb_damaged(const char *file, const char *text)
{
	u64 before = ld_hash(&rb.disk);

	ASSERT_EQ(0, rb_open());
	EXPECT_TRUE(rb.start.damaged);
	EXPECT_TRUE(rb_says(RAFTLOG_DAMAGE, file, text));
	EXPECT_EQ(-EUCLEAN,
		  raftlog_submit(rb.store,
				 &(struct raft_batch){
					 .seq = 1, .what = RAFT_STORE_STATE },
				 &rb.log));
	rb_close();
	EXPECT_EQ(before, ld_hash(&rb.disk));
}

#endif /* QBD_TESTS_RAFTLOG_BED_H */
