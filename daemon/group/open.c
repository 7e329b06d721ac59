// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server's directory is opened and closed, beside the loop.
 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "../log.h"
#include "inner.h"

#define GROUP_SLOTS_MAX BIT(20)
#define GROUP_APPEND_BYTES (256 * 1024) /* the pool's bytes, in one message */

static_assert(GROUP_APPEND_BYTES + RAFT_ENTRY_BYTES_MAX +
		      RAFT_APPEND_ENTRIES_MAX * RAFT_ENTRY_HEAD_BYTES +
		      RAFT_MSG_HEAD_BYTES <=
	      GROUP_MSG_BYTES_MAX);

/**
 * struct group_closing - a store that is closed, beside the loop
 * @job: the work's, first member
 * @rl: it
 * @taking: what its thread reads
 */
struct group_closing {
	struct work_job job;
	struct raftlog *rl;
	void *taking;
};

static void group_close_run(struct work_job *job)
{
	struct group_closing *closing = (struct group_closing *)job;

	raftlog_close(closing->rl);
	free(closing->taking);
}

static void group_close_done(struct work_job *job)
{
	free(job);
}

/* Its thread may be waiting for the disk, and the end waits for the thread. */
static void group_store_close(struct work *work, struct raftlog *rl,
			      void *taking)
{
	struct group_closing *closing = calloc(1, sizeof(*closing));

	/* left open, its directory could not be opened again */
	if (!closing)
		abort();
	closing->job.run = group_close_run;
	closing->job.what = "close the log of the control plane";
	closing->job.done = group_close_done;
	closing->rl = rl;
	closing->taking = taking;
	work_give(work, &closing->job);
}

static void group_quiet(struct group *g)
{
	if (g->store.watched)
		loop_source_remove(g->loop, &g->store);
	loop_timer_stop(g->loop, &g->tick);
	loop_timer_stop(g->loop, &g->retry);
	group_pieces_end(g);
}

/**
 * group_end() - it has no store any more
 * @g: the server
 */
void group_end(struct group *g)
{
	group_quiet(g);
	if (g->rl)
		group_store_close(g->opt.work, g->rl, g->taking);
	g->rl = NULL;
	g->taking = NULL;
}

static int group_create(struct group *g)
{
	struct raft_options opt = { .id = g->opt.id.server,
				    .seed = g->opt.seed,
				    .election_ns = g->opt.election_ns,
				    .beat_ns = g->opt.beat_ns,
				    .window = RAFT_APPEND_ENTRIES_MAX * 4,
				    .append_entries = RAFT_APPEND_ENTRIES_MAX,
				    .append_bytes = GROUP_APPEND_BYTES,
				    .chunk_bytes = RAFT_CHUNK_BYTES_MAX,
				    .slot = g->slot,
				    .slots = g->opt.slots,
				    .pool = g->pool,
				    .pool_bytes = g->opt.pool_bytes };
	struct raft_start start;
	int err;

	raftlog_start(g->rl, &start);
	start.now_ns = loop_now(g->loop);
	err = raft_create(g->raft, &opt, &start);
	if (err == -EUCLEAN) {
		start.damaged = true;
		err = raft_create(g->raft, &opt, &start);
	}
	raftlog_started(g->rl);
	if (err)
		return err;
	g->state = start.damaged ? GROUP_DAMAGED : GROUP_RUNS;
	return 0;
}

/* The newest snapshot was bad, and behind the one before there is more. */
static int group_grow(struct group *g)
{
	struct raft_slot *slot;
	u8 *pool;

	if (g->opt.slots >= GROUP_SLOTS_MAX)
		return -ENOSPC;
	slot = calloc(g->opt.slots * 2ULL, sizeof(*slot));
	pool = malloc(g->opt.pool_bytes * 2);
	if (!slot || !pool) {
		free(slot);
		free(pool);
		return -ENOMEM;
	}
	free(g->slot);
	free(g->pool);
	g->slot = slot;
	g->pool = pool;
	g->opt.slots *= 2;
	g->opt.pool_bytes *= 2;
	return 0;
}

/* --- open ----------------------------------------------------------------- */

static void group_open_run(struct work_job *job)
{
	struct group_opening *open = (struct group_opening *)job;
	struct raft_start start;

	if (open->old)
		raftlog_close(open->old);
	free(open->taking);
	open->err =
		raftlog_open(&open->env, &open->opt, &open->report, &open->rl);
	if (open->err)
		return;
	raftlog_start(open->rl, &start);
	if (!start.damaged && start.snap.pos.index)
		open->load_err = group_snap_load(open->rl, &start.snap,
						 open->ops, &open->machine,
						 &open->why);
}

/* The core has begun: so does the server. */
static int group_begin(struct group *g, struct group_opening *open)
{
	int err;

	if (g->state != GROUP_RUNS)
		return 0;
	if (open->load_err) {
		group_snap_unusable(g, raft_snapshot(g->raft), open->load_err,
				    open->why);
		return open->load_err;
	}
	if (open->machine)
		group_adopt(g, open->machine);
	open->machine = NULL;
	err = raftlog_run(g->rl);
	if (err)
		return err;
	g->store.fd = raftlog_fd(g->rl);
	err = loop_source_add(g->loop, &g->store, EPOLLIN);
	if (err)
		return err;
	group_tick_set(g);
	group_room(g);
	return 0;
}

static void group_restart_failed(struct group *g, int err,
				 const struct raftlog_report *report)
{
	log_write(LOG_LEVEL_ERROR, "raft-restart-failed",
		  "server=%llu errno=%d reason=\"%s\"",
		  (unsigned long long)g->opt.id.server, -err,
		  report->nr ? raftlog_worst(report)->text : "-");
	group_end(g);
}

/* Whoever is told may close the server: nothing of it behind that. */
static void group_opened(struct group *g, struct group_opening *open)
{
	int err = open->err;
	bool first = g->first;

	g->opening = NULL;
	if (!err) {
		g->rl = open->rl;
		err = group_create(g);
		/* what the log in memory holds is what a batch may have */
		if (err == -ENOSPC && !group_grow(g)) {
			group_open_begin(g);
			return;
		}
		if (!err)
			err = group_begin(g, open);
	}
	if (err)
		g->state = GROUP_FAILED;
	g->first = false;
	if (first) {
		g->ops->opened(g->arg, err, &open->report);
		return;
	}
	if (err)
		group_restart_failed(g, err, &open->report);
	group_changed(g);
}

static void group_open_done(struct work_job *job)
{
	struct group_opening *open = (struct group_opening *)job;

	if (open->g)
		group_opened(open->g, open);
	else if (open->rl)
		group_store_close(open->work, open->rl, NULL);
	if (open->machine)
		open->ops->drop(open->machine);
	free(open);
}

/**
 * group_open_begin() - have the directory read
 * @g: the server; a store that it has is closed before
 */
void group_open_begin(struct group *g)
{
	struct group_opening *open = calloc(1, sizeof(*open));

	/* there is no server without, and nobody to say so to */
	if (!open)
		abort();
	group_quiet(g);
	open->job.run = group_open_run;
	open->job.what = "open the log of the control plane";
	open->job.done = group_open_done;
	open->g = g;
	open->work = g->opt.work;
	open->ops = g->ops;
	open->env = *g->env;
	open->opt = (struct raftlog_options){
		.id = g->opt.id,
		.segment_bytes = g->opt.segment_bytes,
		.batch_bytes = g->opt.pool_bytes +
			       (u64)g->opt.slots * (RAFT_ENTRY_HEAD_BYTES + 8),
	};
	open->old = g->rl;
	open->taking = g->taking;
	g->rl = NULL;
	g->taking = NULL;
	g->applied = 0;
	g->committed = 0;
	g->snap_ns = 0;
	g->full = false;
	g->snap_full = false;
	g->state = GROUP_OPENS;
	g->opening = open;
	work_give(g->opt.work, &open->job);
}
