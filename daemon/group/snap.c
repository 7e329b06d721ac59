// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine as bytes: an own snapshot, and one of the leader.
 */
#include <stdlib.h>

#include "../log.h"
#include "inner.h"

static int group_read_all(const struct raftlog *rl,
			  const struct raft_snap *snap, void *data)
{
	struct raftlog_reader *reader;
	u64 at;
	u32 bytes;
	int err = raftlog_snap_open(rl, snap, &reader);

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
 * group_snap_load() - a machine of a snapshot; beside the loop
 * @rl: has it
 * @snap: which one
 * @ops: make it
 * @machine: made
 * @why: why it can not be made, or NULL
 *
 * Return: 0 or why it can not.
 */
int group_snap_load(const struct raftlog *rl, const struct raft_snap *snap,
		    const struct group_ops *ops, void **machine,
		    const char **why)
{
	void *data = malloc(snap->bytes ?: 1);
	int err = data ? group_read_all(rl, snap, data) : -ENOMEM;

	if (!err)
		err = ops->load(data, snap->bytes, machine, why);
	free(data);
	return err;
}

/**
 * group_snap_unusable() - no machine can be made of it
 * @g: the server
 * @snap: which one
 * @err: why
 * @why: in words, or NULL
 */
void group_snap_unusable(const struct group *g, const struct raft_snap *snap,
			 int err, const char *why)
{
	log_write(LOG_LEVEL_ERROR, "raft-snapshot-unusable",
		  "server=%llu index=%llu bytes=%llu errno=%d reason=\"%s\"",
		  (unsigned long long)g->opt.id.server,
		  (unsigned long long)snap->pos.index,
		  (unsigned long long)snap->bytes, -err, why ?: "-");
}

/**
 * group_adopt() - the machine becomes what the snapshot in use holds
 * @g: the server
 * @machine: made of it
 *
 * Who waited for a command that is in it will not know.
 */
void group_adopt(struct group *g, void *machine)
{
	g->ops->adopt(g->arg, machine);
	g->applied = raft_snapshot(g->raft)->pos.index;
	g->committed = max(g->committed, g->applied);
	group_waits_fail(g, g->applied, -EREMCHG);
	group_changed(g);
}

static void group_load_run(struct work_job *job)
{
	struct group_loading *load = (struct group_loading *)job;

	load->err = group_snap_load(load->rl, &load->snap, load->ops,
				    &load->machine, &load->why);
}

/* Return: false: @load->machine is not needed. */
static bool group_loaded(struct group *g, struct group_loading *load)
{
	g->loading = NULL;
	if (g->state != GROUP_RUNS)
		return false;
	/* the leader sent a newer one meanwhile; the file of this may be gone
	 */
	if (load->snap.pos.index != raft_snapshot(g->raft)->pos.index) {
		group_restore(g);
		return false;
	}
	if (load->err) {
		group_snap_unusable(g, &load->snap, load->err, load->why);
		group_stop(g, GROUP_FAILED);
		return false;
	}
	group_adopt(g, load->machine);
	group_apply(g);
	return true;
}

static void group_load_done(struct work_job *job)
{
	struct group_loading *load = (struct group_loading *)job;

	if (!(load->g && group_loaded(load->g, load)) && load->machine)
		load->ops->drop(load->machine);
	free(load);
}

/**
 * group_restore() - have a machine made of the snapshot in use
 * @g: the server
 *
 * Nothing is applied before: entries behind it are not for the machine of now.
 */
void group_restore(struct group *g)
{
	struct group_loading *load;

	if (g->loading)
		return; /* it looks, when it is done, if there is a newer one */
	load = calloc(1, sizeof(*load));
	if (!load) {
		group_snap_unusable(g, raft_snapshot(g->raft), -ENOMEM, NULL);
		group_stop(g, GROUP_FAILED);
		return;
	}
	load->job.run = group_load_run;
	load->job.what = "load a snapshot of the state";
	load->job.done = group_load_done;
	load->g = g;
	load->ops = g->ops;
	load->rl = g->rl;
	load->snap = *raft_snapshot(g->raft);
	g->loading = load;
	work_give(g->opt.work, &load->job);
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
	if (err == -ENOSPC && !g->snap_full && g->state == GROUP_RUNS) {
		/* soon, but not from within a step */
		g->snap_full = true;
		loop_timer_set(g->loop, &g->retry, loop_now(g->loop));
	}
	log_limited(&limit, loop_now(g->loop), LOG_LEVEL_WARN,
		    "raft-snapshot-failed", "server=%llu errno=%d",
		    (unsigned long long)g->opt.id.server, -err);
}

static void group_save_run(struct work_job *job)
{
	struct group_saving *save = (struct group_saving *)job;

	save->err = save->ops->save(save->machine, &save->data, &save->bytes);
}

/* Return: false: @save->data is not needed. */
static bool group_saved(struct group *g, struct group_saving *save)
{
	int err = save->err;

	g->saving = NULL;
	if (g->state != GROUP_RUNS)
		return false;
	if (!err)
		err = raftlog_take(g->rl, &save->snap, save->data, save->bytes);
	if (err)
		group_snapshot_failed(g, err);
	else
		g->taking = save->data;
	group_apply(g);
	return !err;
}

static void group_save_done(struct work_job *job)
{
	struct group_saving *save = (struct group_saving *)job;

	if (!(save->g && group_saved(save->g, save)))
		free(save->data);
	free(save);
}

/**
 * group_snapshot() - take one, if the log is long
 * @g: the server
 */
void group_snapshot(struct group *g)
{
	struct group_saving *save;
	struct raft_snap snap;

	if (g->snap_full && !group_log_long(g))
		g->snap_full = false; /* one of the leader came */
	if (g->state != GROUP_RUNS || g->taking || g->saving || g->loading ||
	    loop_now(g->loop) < g->snap_ns || !group_log_long(g) ||
	    raft_snapshot_begin(g->raft, g->applied, &snap))
		return;
	save = calloc(1, sizeof(*save));
	if (!save) {
		group_snapshot_failed(g, -ENOMEM);
		return;
	}
	save->job.run = group_save_run;
	save->job.what = "save a snapshot of the state";
	save->job.done = group_save_done;
	save->g = g;
	save->ops = g->ops;
	save->machine = g->ops->machine(g->arg);
	save->snap = snap;
	g->saving = save;
	work_give(g->opt.work, &save->job);
}

/**
 * group_forget_jobs() - nobody waits for what is done beside the loop
 * @g: the server
 */
void group_forget_jobs(struct group *g)
{
	if (g->opening)
		g->opening->g = NULL;
	if (g->loading)
		g->loading->g = NULL;
	if (g->saving)
		g->saving->g = NULL;
	g->opening = NULL;
	g->loading = NULL;
	g->saving = NULL;
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
	g->snap_full = false;
	done->event.snap = &done->snap;
	done->event.index = group_keep_from(g, done->snap.pos.index);
	/* an older one, or while another one is installed: of no use any more
	 */
	group_step(g, &done->event);
}
