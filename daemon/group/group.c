// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server begins, is looked at, and ends.
 */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "../log.h"
#include "inner.h"

#define GROUP_SLOTS 8192
#define GROUP_SLOTS_MAX BIT(20)
#define GROUP_POOL_BYTES (8 * 1024 * 1024)
#define GROUP_APPEND_BYTES (256 * 1024) /* the pool's bytes, in one message */

static_assert(GROUP_APPEND_BYTES + RAFT_ENTRY_BYTES_MAX +
		      RAFT_APPEND_ENTRIES_MAX * RAFT_ENTRY_HEAD_BYTES +
		      RAFT_MSG_HEAD_BYTES <=
	      GROUP_MSG_BYTES_MAX);

#define GROUP_OF(ptr, member) \
	((struct group *)((char *)(ptr)-offsetof(struct group, member)))

/* A leader on a full disk hands over, to one after the other. */
static void group_hand_over(struct group *g)
{
	const struct raft_config *conf = raft_config(g->raft);
	u32 i;

	for (i = 0; i < conf->nr; i++) {
		g->next_leader = (g->next_leader + 1) % conf->nr;
		if (!group_transfer(g, conf->id[g->next_leader]))
			return;
	}
}

static void group_room(struct group *g)
{
	struct raftlog_info info;

	raftlog_look(g->rl, &info);
	if (info.full != g->full)
		log_write(
			info.full ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
			info.full ? "raft-disk-full" : "raft-disk-room",
			"server=%llu reason=\"%s\"",
			(unsigned long long)g->opt.id.server,
			info.full ?
				"make room on its disk; it takes no entries meanwhile" :
				"there is room again");
	g->full = info.full;
	if (g->full) {
		group_hand_over(g);
		loop_timer_set(g->loop, &g->retry,
			       loop_now(g->loop) + GROUP_RETRY_NS);
	}
	group_changed(g);
}

static void group_retry(struct loop_timer *timer)
{
	struct group *g = GROUP_OF(timer, retry);

	raftlog_retry(g->rl);
	if (!g->full)
		return;
	group_hand_over(g);
	loop_timer_set(g->loop, &g->retry, loop_now(g->loop) + GROUP_RETRY_NS);
}

static void group_tick(struct loop_timer *timer)
{
	struct group *g = GROUP_OF(timer, tick);
	struct raft_event event = { .kind = RAFT_EV_TICK };

	group_step(g, &event);
}

static bool group_chunk_hopeless(int err)
{
	return err == -ESTALE || err == -EBADMSG || err == -EMSGSIZE;
}

static void group_done(struct group *g, struct raftlog_done *done)
{
	switch (done->kind) {
	case RAFTLOG_CHUNK:
		if (group_chunk_hopeless(done->event.err)) {
			g->again = true;
			loop_call_later(g->loop, &g->later);
			return;
		}
		group_step(g, &done->event);
		return;
	case RAFTLOG_PERSISTED:
		group_step(g, &done->event);
		return;
	case RAFTLOG_TAKEN:
		group_taken(g, done);
		return;
	case RAFTLOG_ROOM:
		group_room(g);
		return;
	}
}

static void group_store_ready(struct loop_source *source, uint32_t events)
{
	struct group *g = GROUP_OF(source, store);
	struct raftlog_done done;
	uint64_t count;

	/* only the store writes to it, and level-triggered: no harm if empty */
	if (read(source->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_write(LOG_LEVEL_ERROR, "raft-eventfd", "errno=%d", errno);
	while (g->state == GROUP_RUNS && !g->again &&
	       raftlog_poll(g->rl, &done))
		group_done(g, &done);
}

static void group_end(struct group *g)
{
	if (g->store.watched)
		loop_source_remove(g->loop, &g->store);
	loop_timer_stop(g->loop, &g->tick);
	loop_timer_stop(g->loop, &g->retry);
	group_reader_close(g);
	if (g->rl)
		raftlog_close(g->rl);
	g->rl = NULL;
	free(g->taking); /* behind the store's end: its thread reads it */
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

static int group_load(struct group *g, struct raftlog_report *report)
{
	struct raftlog_options opt = {
		.id = g->opt.id,
		.segment_bytes = g->opt.segment_bytes,
		.batch_bytes = g->opt.pool_bytes +
			       (u64)g->opt.slots * (RAFT_ENTRY_HEAD_BYTES + 8),
	};
	int err = raftlog_open(g->env, &opt, report, &g->rl);

	if (err) {
		g->rl = NULL;
		return err;
	}
	err = group_create(g);
	if (!err)
		return 0;
	raftlog_close(g->rl);
	g->rl = NULL;
	/* what the log in memory holds is what a batch may have: open it anew
	 */
	return err == -ENOSPC && !group_grow(g) ? -EAGAIN : err;
}

/* From what is in the directory; also when the core has to begin anew. */
static int group_begin(struct group *g, struct raftlog_report *report)
{
	int err;

	do {
		err = group_load(g, report);
	} while (err == -EAGAIN);
	if (err || g->state != GROUP_RUNS)
		return err;
	g->applied = 0;
	g->snap_ns = 0;
	g->full = false;
	if (raft_snapshot(g->raft)->pos.index)
		err = group_restore(g);
	if (!err)
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

static void group_restart(struct group *g)
{
	struct raftlog_report report;
	int err;

	g->again = false;
	if (g->state != GROUP_RUNS)
		return;
	log_write(
		LOG_LEVEL_WARN, "raft-restart",
		"server=%llu reason=\"a snapshot that was received does not fit: from the directory again\"",
		(unsigned long long)g->opt.id.server);
	group_end(g);
	group_waits_fail(g, U64_MAX, -EREMCHG);
	g->ops->reset(g->arg);
	err = group_begin(g, &report);
	group_changed(g);
	if (!err)
		return;
	log_write(LOG_LEVEL_ERROR, "raft-restart-failed",
		  "server=%llu errno=%d reason=\"%s\"",
		  (unsigned long long)g->opt.id.server, -err,
		  report.nr ? raftlog_worst(&report)->text : "-");
	g->state = GROUP_FAILED;
	group_end(g);
}

static void group_run_later(struct loop_call *call)
{
	struct group *g = GROUP_OF(call, later);

	group_later(call);
	if (g->again)
		group_restart(g);
}

static struct group *group_alloc(const struct group_options *opt)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->opt = *opt;
	g->opt.slots = opt->slots ?: GROUP_SLOTS;
	g->opt.pool_bytes = opt->pool_bytes ?: GROUP_POOL_BYTES;
	g->raft = calloc(1, raft_size());
	g->slot = calloc(g->opt.slots, sizeof(*g->slot));
	g->pool = malloc(g->opt.pool_bytes);
	if (g->raft && g->slot && g->pool)
		return g;
	free(g->raft);
	free(g->slot);
	free(g->pool);
	free(g);
	return NULL;
}

/**
 * group_open() - a server begins
 * @loop: runs it
 * @env: its directory; outlives it
 * @opt: options
 * @ops: machine and sends
 * @arg: for them
 * @report: what was found in the directory, whatever is returned
 * @group: the server
 *
 * The machine is loaded from the snapshot in use before this returns; commands
 * behind it follow when somebody leads.
 *
 * Return: 0, also if the log is damaged: group_look(); -ENOMEM; or why the
 * directory or the snapshot can not be used: @report.
 */
int group_open(struct loop *loop, const struct raftlog_env *env,
	       const struct group_options *opt, const struct group_ops *ops,
	       void *arg, struct raftlog_report *report, struct group **group)
{
	struct group *g = group_alloc(opt);
	u32 i;
	int err;

	raftlog_report_init(report);
	if (!g)
		return -ENOMEM;
	for (i = 0; i < GROUP_QUEUES; i++)
		g->row[i].last = &g->row[i].first;
	g->loop = loop;
	g->env = env;
	g->ops = ops;
	g->arg = arg;
	g->store = (struct loop_source){ .name = "raft-store",
					 .fd = -1,
					 .ready = group_store_ready };
	g->tick = (struct loop_timer){ .name = "raft-tick",
				       .expired = group_tick };
	g->retry = (struct loop_timer){ .name = "raft-retry",
					.expired = group_retry };
	g->later = (struct loop_call){ .name = "raft-later",
				       .run = group_run_later };
	err = group_begin(g, report);
	if (err) {
		group_close(g);
		return err;
	}
	*group = g;
	return 0;
}

/**
 * group_close() - a server ends
 * @g: the server
 *
 * Whoever still waits is not called.
 */
void group_close(struct group *g)
{
	group_end(g);
	loop_call_stop(g->loop, &g->later);
	free(g->raft);
	free(g->slot);
	free(g->pool);
	free(g);
}

/**
 * group_leads() - does it lead, as far as it knows?
 * @g: the server
 *
 * Return: true if so.
 */
bool group_leads(const struct group *g)
{
	return g->state == GROUP_RUNS && raft_role(g->raft) == RAFT_LEADER;
}

/**
 * group_look() - how is it?
 * @g: the server
 * @info: filled
 */
void group_look(const struct group *g, struct group_info *info)
{
	memset(info, 0, sizeof(*info));
	info->state = g->state;
	info->role = raft_role(g->raft);
	info->term = raft_term(g->raft);
	info->leader = raft_leader(g->raft);
	info->applied = g->applied;
	info->last = raft_log_last(raft_log(g->raft)).index;
	info->last_term = raft_log_last(raft_log(g->raft)).term;
	info->waits = g->nr_waits;
	info->snapshots_failed = g->failed;
	info->conf = *raft_config(g->raft);
	info->count = *raft_counters(g->raft);
	if (g->rl)
		raftlog_look(g->rl, &info->store);
}
