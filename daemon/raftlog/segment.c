// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log: segments are written to, cut, and dropped by the writer. The order
 * in which it happens is in raftlog.h.
 */
#include "store.h"
#include "raft/bytes.h"

static struct rl_seg *rl_tail(struct raftlog *rl)
{
	return rl->nr_segs ? &rl->seg[rl->nr_segs - 1] : NULL;
}

/* Return: the last entry in the log; 0: it is empty. */
u64 rl_log_last(const struct raftlog *rl)
{
	return rl->nr_segs ? rl->seg[rl->nr_segs - 1].last : 0;
}

void rl_seg_publish(struct raftlog *rl)
{
	rl->now.first = rl->nr_segs ? rl->seg[0].first : 0;
	rl->now.last = rl_log_last(rl);
	if (rl->now.last < rl->now.first)
		rl->now.first = 0;
	rl->now.segments = rl->nr_segs;
}

/* The last segment, to be written to. */
static int rl_tail_open(struct raftlog *rl)
{
	char name[RAFTLOG_NAME_MAX];
	int file;

	if (rl->tail_file >= 0)
		return 0;
	rl_segment_name(name, rl_tail(rl)->first);
	file = rl_file_open(rl, name, RAFTLOG_WRITE);
	if (file < 0)
		return file;
	rl->tail_file = file;
	return 0;
}

/* --- append --------------------------------------------------------------- */

/*
 * A new segment is on stable media, with its name, before anything goes into
 * it: what is in it would be gone with the name.
 */
static int rl_seg_begin(struct raftlog *rl, u64 first, u32 chain)
{
	char spare[RAFTLOG_NAME_MAX], name[RAFTLOG_NAME_MAX];
	u8 page[RAFTLOG_PAGE];
	int err;

	rl_file_close(rl, &rl->tail_file);
	err = rl_spare_take(rl, spare);
	if (err)
		return err;
	rl->tail_file = rl_file_open(rl, spare, RAFTLOG_WRITE);
	if (rl->tail_file < 0)
		return rl->tail_file;
	rl_segment_encode(&rl->id, first, chain, page);
	rl_segment_name(name, first);
	err = rl_file_write(rl, rl->tail_file, spare, page, sizeof(page), 0);
	if (!err)
		err = rl_file_sync(rl, rl->tail_file, spare);
	if (!err)
		err = rl_dir_rename(rl, spare, name);
	if (!err && !QBD_MUTANT(raftlog_no_dir_sync_after_rotate))
		err = rl_dir_sync(rl);
	if (err)
		return err;
	if (rl->nr_segs == rl->room_segs) {
		rl->room_segs = max(8U, 2 * rl->room_segs);
		rl->seg = rl_alloc(rl->seg, rl->room_segs * sizeof(*rl->seg));
	}
	rl->seg[rl->nr_segs++] = (struct rl_seg){ .first = first,
						  .last = first - 1,
						  .size = rl->opt.segment_bytes,
						  .used = RAFTLOG_PAGE,
						  .begin = chain,
						  .chain = chain };
	return 0;
}

/* Records that were collected. */
static int rl_tail_write(struct raftlog *rl, u64 *held)
{
	struct rl_seg *tail = rl_tail(rl);
	char name[RAFTLOG_NAME_MAX];
	int err;

	if (!*held)
		return 0;
	rl_segment_name(name, tail->first);
	err = rl_file_write(rl, rl->tail_file, name, rl->wbuf, *held,
			    tail->used);
	tail->used += *held;
	*held = 0;
	return err;
}

static int rl_tail_sync(struct raftlog *rl)
{
	char name[RAFTLOG_NAME_MAX];

	if (QBD_MUTANT(raftlog_ack_before_sync))
		return 0;
	rl_segment_name(name, rl_tail(rl)->first);
	return rl_file_sync(rl, rl->tail_file, name);
}

/* One more entry; @held: bytes of records that are not written yet. */
static int rl_log_entry(struct raftlog *rl, const struct raft_entry *entry,
			u64 *held)
{
	u32 len = raft_entry_bytes(entry->bytes);
	struct rl_seg *tail = rl_tail(rl);
	int err = 0;

	if (tail->used + *held + len > tail->size) {
		err = rl_tail_write(rl, held);
		if (!err)
			err = rl_tail_sync(rl);
		if (!err)
			err = rl_seg_begin(rl, entry->pos.index, tail->chain);
		tail = rl_tail(rl);
	} else if (*held + len > rl->opt.segment_bytes) {
		err = rl_tail_write(rl, held);
	}
	if (err)
		return err;
	raft_entry_encode(entry, &tail->chain, rl->wbuf + *held, len);
	*held += len;
	tail->last = entry->pos.index;
	rl->now.entries++;
	return 0;
}

static int rl_log_forget(struct raftlog *rl);

/* A log that had less than this begins anew; the snapshot has what is between.
 */
static int rl_log_connect(struct raftlog *rl, u64 first)
{
	u64 last = rl_log_last(rl);
	int err;

	if (rl->nr_segs && first == last + 1)
		return rl_tail_open(rl);
	if (first > rl->snap.snap.pos.index + 1 ||
	    (rl->nr_segs && first <= last))
		return rl_fail(rl, -EINVAL, "append", "log");
	err = rl_log_forget(rl);
	return err ?: rl_seg_begin(rl, first, 0);
}

/**
 * rl_log_append() - ENTRIES
 * @rl: the store
 * @batch: which
 * @data: they, as in a message
 * @bytes: of them
 *
 * Return: 0: they are on stable media; or the store has stopped.
 */
int rl_log_append(struct raftlog *rl, const struct raft_batch *batch,
		  const u8 *data, u64 bytes)
{
	struct raft_entry entry;
	u64 at = 0, held = 0, index = batch->first;
	int err = rl_log_connect(rl, batch->first);
	int len;

	while (at < bytes && !err) {
		len = raft_entry_decode(data + at, bytes - at, false, &entry);
		if (RAFT_BUG(len <= 0) || RAFT_BUG(entry.pos.index != index++))
			return rl_fail(rl, -EUCLEAN, "append", "log");
		at += len;
		err = rl_log_entry(rl, &entry, &held);
	}
	if (!err)
		err = rl_tail_write(rl, &held);
	if (!err)
		err = rl_tail_sync(rl);
	if (!err && RAFT_BUG(rl_log_last(rl) != batch->last))
		return rl_fail(rl, -EUCLEAN, "append", "log");
	return err;
}

/* --- truncate ------------------------------------------------------------- */

/* Where entry @keep ends in its segment: it is read, and checked, once more. */
static int rl_seg_find(struct raftlog *rl, struct rl_seg *seg, u64 keep,
		       u64 *used)
{
	struct raft_scan scan = { .at = RAFTLOG_PAGE,
				  .chain = seg->begin,
				  .last = { 0, seg->first - 1 } };
	char name[RAFTLOG_NAME_MAX];
	u8 *buf = rl_alloc(NULL, seg->used);
	u64 got;
	u32 len;
	int err;

	rl_segment_name(name, seg->first);
	err = rl_read(&rl->env, rl->tail_file, buf, seg->used, 0, &got);
	if (err)
		rl_fail(rl, err, "read", name);
	while (!err && scan.last.index < keep) {
		len = rl_record_bytes(buf + scan.at, got - scan.at);
		if (!len || raft_scan_next(&scan, buf, scan.at + len, 0) != 1)
			err = rl_fail(rl, -EUCLEAN, "read", name);
	}
	*used = scan.at;
	seg->chain = scan.chain;
	free(buf);
	return err;
}

/*
 * Later segments go first, the last one before the others: what a crash leaves
 * is a log without a hole, or one whose hole is behind known.
 */
static int rl_log_unlink_behind(struct raftlog *rl, u64 keep)
{
	char name[RAFTLOG_NAME_MAX];
	u32 before = rl->nr_segs;
	int err;

	while (rl->nr_segs && rl_tail(rl)->first > keep) {
		rl_file_close(rl, &rl->tail_file);
		rl_segment_name(name, rl_tail(rl)->first);
		err = rl_dir_unlink(rl, name);
		if (err)
			return err;
		rl->nr_segs--;
	}
	return rl->nr_segs == before ? 0 : rl_dir_sync(rl);
}

/**
 * rl_log_truncate() - TRUNCATE
 * @rl: the store; known is not higher than @keep any more
 * @keep: the last entry that stays
 *
 * If the snapshot has all that stays, none of the log does: the last entry may
 * be another than the snapshot's.  (What is logged behind it is acknowledged,
 * and at the next start taken for the rest of a log from before the snapshot.)
 * That entry is the proof, so it goes when what is behind it is gone.
 *
 * Return: 0: it is so on stable media; or the store has stopped.
 */
int rl_log_truncate(struct raftlog *rl, u64 keep)
{
	char name[RAFTLOG_NAME_MAX];
	struct rl_seg *tail;
	u64 used;
	int err;

	if (!rl->nr_segs)
		return 0;
	err = rl_log_unlink_behind(rl, keep);
	if (err)
		return err;
	if (keep <= rl->snap.snap.pos.index &&
	    !QBD_MUTANT(raftlog_keep_what_clashes))
		return rl_log_unlink_behind(rl, 0);
	tail = rl_tail(rl);
	if (!tail || keep >= tail->last)
		return 0;
	err = rl_tail_open(rl);
	if (!err)
		err = rl_seg_find(rl, tail, keep, &used);
	if (err)
		return err;
	rl_segment_name(name, tail->first);
	if (QBD_MUTANT(raftlog_truncate_one_record))
		tail->used = used + RAFT_ENTRY_HEAD_BYTES;
	err = rl_file_zero(rl, rl->tail_file, name, used, tail->used);
	if (!err)
		err = rl_file_sync(rl, rl->tail_file, name);
	tail->used = used;
	tail->last = keep;
	return err;
}

/* --- drop ----------------------------------------------------------------- */

/* All of the log: the snapshot has it. */
static int rl_log_forget(struct raftlog *rl)
{
	if (!rl->nr_segs)
		return 0;
	if (rl_log_last(rl) > rl->snap.snap.pos.index)
		return rl_fail(rl, -EINVAL, "drop", "log");
	return rl_log_unlink_behind(rl, 0);
}

/**
 * rl_log_drop() - DROP
 * @rl: the store
 * @through: entries up to here are not needed; only whole segments go, and
 *	never the last one
 *
 * Return: 0 or the store has stopped.
 */
int rl_log_drop(struct raftlog *rl, u64 through)
{
	char name[RAFTLOG_NAME_MAX];
	u32 gone = 0;
	int err = 0;

	if (through > rl->snap.snap.pos.index &&
	    !QBD_MUTANT(raftlog_drop_before_snapshot))
		return rl_fail(rl, -EINVAL, "drop", "log");
	while (gone + 1 < rl->nr_segs && rl->seg[gone].last <= through &&
	       !err) {
		rl_segment_name(name, rl->seg[gone].first);
		err = rl_dir_unlink(rl, name);
		gone += !err;
	}
	rl->nr_segs -= gone;
	memmove(rl->seg, rl->seg + gone, rl->nr_segs * sizeof(*rl->seg));
	if (!err && gone)
		err = rl_dir_sync(rl);
	return err ?: rl_older_check(rl);
}
