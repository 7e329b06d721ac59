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
#define GROUP_POOL_BYTES (8 * 1024 * 1024)
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

/* It may be another one. */
void group_room(struct group *g)
{
	struct raftlog_info info;
	bool full;

	raftlog_look(g->rl, &info);
	full = info.full || g->snap_full;
	if (full != g->full)
		log_write(
			full ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
			full ? "raft-disk-full" : "raft-disk-room",
			"server=%llu reason=\"%s\"",
			(unsigned long long)g->opt.id.server,
			full ? "make room on its disk; it takes no entries meanwhile" :
			       "there is room again");
	g->full = full;
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
	if (g->snap_full)
		group_snapshot(g);
	group_room(g);
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

/* The store has finished something. */
void group_store_ready(struct loop_source *source, uint32_t events)
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

/* All of it is read anew, and applied to an empty machine. */
static void group_restart(struct group *g)
{
	g->again = false;
	if (g->state != GROUP_RUNS)
		return;
	log_write(
		LOG_LEVEL_WARN, "raft-restart",
		"server=%llu reason=\"a snapshot that was received does not fit: from the directory again\"",
		(unsigned long long)g->opt.id.server);
	group_forget_jobs(g);
	group_waits_fail(g, U64_MAX, -EREMCHG);
	g->ops->reset(g->arg);
	group_open_begin(g);
	group_changed(g);
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
 * @env: its directory; it is closed behind group_close(), by the same work
 * @opt: options
 * @ops: machine and sends
 * @arg: for them
 * @group: the server
 *
 * group_ops.opened says when it has begun: 0, also if the log is damaged
 * (group_look()); -ENOMEM; or why the directory or the snapshot can not be
 * used: the report.  The machine is then what the snapshot in use holds;
 * commands behind it follow when somebody leads.
 *
 * Return: 0 or -ENOMEM.
 */
int group_open(struct loop *loop, const struct raftlog_env *env,
	       const struct group_options *opt, const struct group_ops *ops,
	       void *arg, struct group **group)
{
	struct group *g = group_alloc(opt);
	u32 i;

	if (!g)
		return -ENOMEM;
	for (i = 0; i < GROUP_QUEUES; i++)
		g->row[i].last = &g->row[i].first;
	g->loop = loop;
	g->env = env;
	g->ops = ops;
	g->arg = arg;
	g->first = true;
	g->store = (struct loop_source){ .name = "raft-store",
					 .fd = -1,
					 .ready = group_store_ready };
	g->tick = (struct loop_timer){ .name = "raft-tick",
				       .expired = group_tick };
	g->retry = (struct loop_timer){ .name = "raft-retry",
					.expired = group_retry };
	g->later = (struct loop_call){ .name = "raft-later",
				       .run = group_run_later };
	*group = g;
	group_open_begin(g);
	return 0;
}

/**
 * group_close() - a server ends
 * @g: the server
 *
 * Whoever still waits is not called.  Its files are closed beside the loop.
 */
void group_close(struct group *g)
{
	group_forget_jobs(g);
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
	info->store.full |= g->full;
}
