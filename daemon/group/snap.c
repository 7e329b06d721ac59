// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine as bytes: an own snapshot, and one of the leader.
 */
#include <stdlib.h>

#include "../log.h"
#include "inner.h"

static int group_read_all(struct group *g, const struct raft_snap *snap,
			  void *data)
{
	struct raftlog_reader *reader;
	u64 at;
	u32 bytes;
	int err = raftlog_snap_open(g->rl, snap, &reader);

	if (err)
		return err;
	for (at = 0; at < snap->bytes && !err; at += bytes) {
		bytes = min(snap->bytes - at, (u64)RAFT_CHUNK_BYTES_MAX);
		err = raftlog_snap_read(reader, at, (u8 *)data + at, bytes);
	}
	raftlog_snap_close(reader);
	return err;
}

/**
 * group_restore() - the machine becomes what the snapshot in use holds
 * @g: the server
 *
 * Who waited for a command that is in it will not know.
 *
 * Return: 0 or why it can not.
 */
int group_restore(struct group *g)
{
	const struct raft_snap *snap = raft_snapshot(g->raft);
	void *data = malloc(snap->bytes ?: 1);
	int err = data ? group_read_all(g, snap, data) : -ENOMEM;

	if (!err)
		err = g->ops->load(g->arg, data, snap->bytes);
	free(data);
	if (err) {
		log_write(LOG_LEVEL_ERROR, "raft-snapshot-unusable",
			  "server=%llu index=%llu bytes=%llu errno=%d",
			  (unsigned long long)g->opt.id.server,
			  (unsigned long long)snap->pos.index,
			  (unsigned long long)snap->bytes, -err);
		return err;
	}
	g->applied = snap->pos.index;
	group_waits_fail(g, g->applied, -EREMCHG);
	group_changed(g);
	return 0;
}

static bool group_log_long(const struct group *g)
{
	const struct raft_log *log = raft_log(g->raft);

	return raft_log_room(log) < log->slots / 2 ||
	       raft_log_space(log) < log->pool_bytes / 2;
}

static void group_snapshot_failed(struct group *g, int err)
{
	static struct log_limit limit;

	g->failed++;
	/* not with each step */
	g->snap_ns = loop_now(g->loop) + GROUP_RETRY_NS;
	log_limited(&limit, loop_now(g->loop), LOG_LEVEL_WARN,
		    "raft-snapshot-failed", "server=%llu errno=%d",
		    (unsigned long long)g->opt.id.server, -err);
}

/**
 * group_snapshot() - take one, if the log is long
 * @g: the server
 */
void group_snapshot(struct group *g)
{
	struct raft_snap snap;
	u64 bytes = 0;
	int err;

	if (g->state != GROUP_RUNS || g->taking ||
	    loop_now(g->loop) < g->snap_ns || !group_log_long(g) ||
	    raft_snapshot_begin(g->raft, g->applied, &snap))
		return;
	err = g->ops->save(g->arg, &g->taking, &bytes);
	if (!err)
		err = raftlog_take(g->rl, &snap, g->taking, bytes);
	if (!err)
		return;
	free(g->taking);
	g->taking = NULL;
	group_snapshot_failed(g, err);
}

/* Entries to keep behind it: a quarter of what there is room for. */
static u64 group_keep_from(const struct group *g, u64 index)
{
	const struct raft_log *log = raft_log(g->raft);
	struct raft_entry entry;
	u64 bytes = 0, keep;

	for (keep = index; keep > log->base.index; keep--) {
		if (index - keep >= log->slots / 4 ||
		    raft_log_get(log, keep, &entry))
			break;
		bytes += entry.bytes;
		if (bytes > log->pool_bytes / 4)
			break;
	}
	return keep;
}

/**
 * group_taken() - an own snapshot is on stable media, or it is not
 * @g: the server
 * @done: says so
 */
void group_taken(struct group *g, struct raftlog_done *done)
{
	free(g->taking);
	g->taking = NULL;
	if (done->event.err) {
		group_snapshot_failed(g, done->event.err);
		return;
	}
	done->event.snap = &done->snap;
	done->event.index = group_keep_from(g, done->snap.pos.index);
	/* an older one, or while another one is installed: of no use any more
	 */
	group_step(g, &done->event);
}
