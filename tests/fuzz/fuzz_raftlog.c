// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening hostile directories. The input is a program that makes one: files of
 * any name the store knows, pages and records with any numbers, all checksums
 * right or not. None may crash the open, a damaged one is not changed, and what
 * was opened once can be opened again, is the same, and takes a batch.
 */
#include "fuzz_bytes.h"
#include "raftlog/image.h"
#include "raftlog/raftlog.h"
#include "sim/raftlog_disk.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_FILE 16384

static const struct raftlog_identity fuzz_id = {
	.cluster = { 1 },
	.server = 2,
	.conf = { .nr = 1, .old = 1, .id = { 2 } },
};

static struct {
	struct ld_disk disk;
	struct raftlog_env env;
	struct raftlog_report report;
	struct raft_slot slot[256];
	u8 pool[64 * 1024];
	u8 file[FUZZ_FILE];
	u32 chain;
} fz;

static void fuzz_must(bool good)
{
	if (!good)
		abort();
}

static void fuzz_slots(struct fuzz_input *in)
{
	struct raft_hard hard;
	u32 i;

	for (i = 0; i < 2; i++) {
		/* at its end a store stops; nobody gets there */
		hard.generation = fuzz_number(in) % RAFT_NUMBER_MAX / 2;
		hard.term = fuzz_number(in);
		hard.vote = fuzz_number(in);
		hard.known = fuzz_number(in);
		rl_slot_encode(&fuzz_id, &hard, fz.file + i * RAFTLOG_PAGE);
	}
	ld_put(&fz.disk, RL_STATE, fz.file, 2 * RAFTLOG_PAGE);
}

/* Records that follow each other, or nearly. */
static void fuzz_segment(struct fuzz_input *in)
{
	struct raft_entry entry = { .type = RAFT_ENTRY_DATA };
	u32 nr = fuzz_byte(in) % 16, at = RAFTLOG_PAGE;
	u64 first = fuzz_number(in), next = first;
	char name[RAFTLOG_NAME_MAX];
	u8 how = fuzz_byte(in);
	u8 data[64] = { 0 };
	int len;

	if (!(how & 1))
		fz.chain = how;
	memset(fz.file, 0, sizeof(fz.file));
	rl_segment_encode(&fuzz_id, first, fz.chain, fz.file);
	entry.pos.term = fuzz_number(in);
	entry.data = data;
	while (nr--) {
		how = fuzz_byte(in);
		entry.pos.index = how & 1 ? fuzz_number(in) : next;
		entry.pos.term += how >> 6 & 1;
		entry.type = how & 8 ? RAFT_ENTRY_CONFIG : RAFT_ENTRY_DATA;
		entry.bytes = how >> 4 & 3;
		next = entry.pos.index + 1;
		len = raft_entry_encode(&entry, &fz.chain, fz.file + at,
					sizeof(fz.file) - at);
		if (len > 0)
			at += len;
	}
	rl_segment_name(name, how & 4 ? fuzz_number(in) : first);
	ld_put(&fz.disk, name, fz.file, how & 2 ? at : sizeof(fz.file));
}

static void fuzz_snapshot(struct fuzz_input *in)
{
	struct raft_snap snap = { .conf = fuzz_id.conf };
	u8 how = fuzz_byte(in), content[64] = { how };
	u32 at = RAFTLOG_PAGE, chain = 0, part;
	char name[RAFTLOG_NAME_MAX];
	u64 have = 0;

	snap.pos.term = fuzz_number(in);
	snap.pos.index = fuzz_number(in);
	snap.bytes = how & 1 ? fuzz_number(in) : 1 + how % 40;
	snap.conf.index = fuzz_byte(in) & 1 ? snap.pos.index : 0;
	snap.id = raftlog_digest(RAFTLOG_DIGEST, content,
				 min_t(u64, snap.bytes, sizeof(content)));
	memset(fz.file, 0, sizeof(fz.file));
	rl_snap_encode(&fuzz_id, &snap, fz.file);
	while (have < min_t(u64, snap.bytes, sizeof(content)) && in->left) {
		part = 1 + fuzz_byte(in) % 32;
		part = (u32)min_t(u64, part, sizeof(content) - have);
		at += rl_piece_encode(content + have, part, &chain,
				      fz.file + at);
		have += part;
	}
	rl_snap_name(name, &snap);
	ld_put(&fz.disk, how & 2 ? RL_INCOMING : name, fz.file, at);
}

/* A byte of a file that is there; or the file goes, or ends early. */
static void fuzz_damage(struct fuzz_input *in)
{
	u32 no = fuzz_byte(in);
	u64 offset = fuzz_byte(in) | (u64)fuzz_byte(in) << 8;
	u8 mask = fuzz_byte(in);
	struct ld_name *name;

	if (!fz.disk.cur.nr)
		return;
	name = &fz.disk.cur.name[no % fz.disk.cur.nr];
	if (mask == 1)
		ld_remove(&fz.disk, name->name);
	else if (mask == 2)
		fz.disk.inode[name->inode].size =
			min(offset, fz.disk.inode[name->inode].size);
	else
		ld_flip(&fz.disk, name->name, offset, mask);
}

static void fuzz_make(struct fuzz_input *in)
{
	char name[RAFTLOG_NAME_MAX];
	u32 files = 0;

	while (in->left && files++ < 40) {
		switch (fuzz_byte(in) % 6) {
		case 0:
			fuzz_slots(in);
			break;
		case 1:
		case 2:
			fuzz_segment(in);
			break;
		case 3:
			fuzz_snapshot(in);
			break;
		case 4:
			fuzz_damage(in);
			break;
		case 5:
			rl_spare_name(name, fuzz_number(in));
			ld_put(&fz.disk, fuzz_byte(in) & 1 ? name : RL_TAKING,
			       "", 0);
			break;
		}
	}
}

static struct raftlog *fuzz_open(struct raft_start *start)
{
	const struct raftlog_options opt = { .id = fuzz_id,
					     .segment_bytes = 16384,
					     .entry_bytes = 64,
					     .batch_bytes = 4096 };
	u64 before = ld_hash(&fz.disk);
	struct raftlog *rl;
	int err = raftlog_open(&fz.env, &opt, &fz.report, &rl);

	if (!err)
		raftlog_start(rl, start);
	if (err || start->damaged)
		fuzz_must(fz.report.total && ld_hash(&fz.disk) == before);
	if (err)
		ld_kill(&fz.disk);
	return err ? NULL : rl;
}

/* One more entry. */
static void fuzz_log(struct raftlog *rl, const struct raft_start *start)
{
	struct raft_log log = { .slot = fz.slot,
				.slots = ARRAY_SIZE(fz.slot),
				.pool = fz.pool,
				.pool_bytes = sizeof(fz.pool) };
	struct raft_pos last = start->snap.pos;
	struct raft_entry entry = { .type = RAFT_ENTRY_NOOP };
	struct raft_batch batch = { .seq = 1, .what = RAFT_STORE_ENTRIES };
	struct raftlog_done done;

	if (start->nr && start->entry[start->nr - 1].pos.index > last.index)
		last = start->entry[start->nr - 1].pos;
	if (last.index >= RAFT_NUMBER_MAX)
		return;
	raft_log_reset(&log, last);
	entry.pos.index = last.index + 1;
	entry.pos.term = max(last.term, 1ULL);
	fuzz_must(!raft_log_append(&log, &entry));
	batch.first = entry.pos.index;
	batch.last = entry.pos.index;
	fuzz_must(!raftlog_submit(rl, &batch, &log));
	while (raftlog_work(rl))
		;
	fuzz_must(raftlog_poll(rl, &done) && !done.event.err);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { .at = data, .left = size };
	struct raft_start start, again;
	struct raftlog *rl;

	ld_init(&fz.disk, 1, 2 * 1024 * 1024);
	ld_env(&fz.disk, &fz.env);
	fuzz_must(!raftlog_format(&fz.env, &fuzz_id, &fz.report));
	ld_kill(&fz.disk);
	fz.chain = 0;
	fuzz_make(&in);
	rl = fuzz_open(&start);
	if (rl && !start.damaged) {
		raftlog_close(rl);
		ld_crash(&fz.disk);
		rl = fuzz_open(&again);
		fuzz_must(rl && !again.damaged && start.nr == again.nr &&
			  start.term == again.term &&
			  start.snap.pos.index == again.snap.pos.index);
		fuzz_log(rl, &again);
	}
	if (rl)
		raftlog_close(rl);
	ld_free(&fz.disk);
	return 0;
}
