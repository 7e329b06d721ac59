// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step of the core, and what it leads to.
 */
#include <stdlib.h>

#include "../log.h"
#include "../probe.h"
#include "inner.h"

/**
 * group_tick_set() - have the core called when it wants to be
 * @g: the server
 */
void group_tick_set(struct group *g)
{
	u64 at = raft_deadline(g->raft);

	if (g->state != GROUP_RUNS || at == U64_MAX)
		loop_timer_stop(g->loop, &g->tick);
	else
		loop_timer_set(g->loop, &g->tick, at);
}

/**
 * group_stop() - it takes no part any more
 * @g: the server
 * @state: why
 */
void group_stop(struct group *g, enum group_state state)
{
	if (g->state != GROUP_RUNS)
		return;
	g->state = state;
	loop_timer_stop(g->loop, &g->tick);
	loop_timer_stop(g->loop, &g->retry);
	group_waits_fail(g, U64_MAX, -EREMCHG);
	group_changed(g);
}

static void group_store_failed(struct group *g)
{
	struct raftlog_info info;

	raftlog_look(g->rl, &info);
	log_write(
		LOG_LEVEL_ERROR, "raft-store-failed",
		"server=%llu file=%s op=%s errno=%d hint=\"mend the disk, then restart the daemon\"",
		(unsigned long long)g->opt.id.server, info.file,
		info.op ? info.op : "-", -info.err);
	group_stop(g, GROUP_FAILED);
}

/* What is refused at once is the end of the server as an error later is. */
static void group_submit(struct group *g)
{
	struct raft_update *up = &g->update;
	int err = 0;

	if (up->batch.seq)
		err = raftlog_submit(g->rl, &up->batch, raft_log(g->raft));
	if (!err && up->chunk.snap)
		err = raftlog_chunk(g->rl, &up->chunk);
	if (!err)
		return;
	log_write(
		LOG_LEVEL_ERROR, "raft-store-refused",
		"server=%llu errno=%d reason=\"the log store took no more work\"",
		(unsigned long long)g->opt.id.server, -err);
	group_stop(g, GROUP_FAILED);
}

/**
 * group_apply() - what is committed, unless the machine must not change now
 * @g: the server
 */
void group_apply(struct group *g)
{
	u64 first = g->applied + 1, index;
	struct raft_entry entry;
	struct group_wait *wait;

	if (g->saving || g->loading || g->state != GROUP_RUNS)
		return;
	for (index = first; index <= g->committed; index++) {
		if (RAFT_BUG(raft_log_get(raft_log(g->raft), index, &entry)))
			return;
		wait = group_wait_at(g, index, entry.pos.term);
		if (entry.type != RAFT_ENTRY_DATA) {
			group_changed(g);
		} else if (g->ops->apply(g->arg, index, entry.data, entry.bytes,
					 wait)) {
			group_stop(g, GROUP_FAILED);
			return;
		}
		if (wait)
			group_wait_end(g, wait, 0);
		g->applied = index;
	}
	if (g->applied >= first)
		DTRACE_PROBE3(qbdd, raft_apply, g->opt.id.server, first,
			      g->applied);
	group_reads_ready(g);
}

static void group_carry_out(struct group *g)
{
	struct raft_update *up = &g->update;
	u32 i;

	group_submit(g);
	for (i = 0; i < up->nr_msgs && g->state == GROUP_RUNS; i++)
		group_send(g, &up->msg[i]);
	if (up->restore)
		group_restore(g);
	if (up->apply_last >= up->apply_first)
		g->committed = up->apply_last;
	group_apply(g);
	for (i = 0; i < up->nr_reads; i++)
		group_asked(g, &up->read[i]);
	group_snapshot(g);
}

/**
 * group_step() - something happened
 * @g: the server
 * @event: what, but for the time
 *
 * Return: what raft_step() says, or -EIO if this server has ended.
 */
int group_step(struct group *g, struct raft_event *event)
{
	enum raft_role role = raft_role(g->raft);
	u64 term = raft_term(g->raft), leader = raft_leader(g->raft);
	int err;

	if (g->state != GROUP_RUNS)
		return -EIO;
	if (RAFT_BUG(g->stepping))
		return -EIO;
	g->stepping = true;
	event->now_ns = loop_now(g->loop);
	err = raft_step(g->raft, event, &g->update);
	if (raft_role(g->raft) == RAFT_STOPPED)
		group_store_failed(g);
	else
		group_carry_out(g);
	g->stepping = false;
	if (role != raft_role(g->raft) || term != raft_term(g->raft) ||
	    leader != raft_leader(g->raft))
		group_changed(g);
	DTRACE_PROBE4(qbdd, raft_step, g->opt.id.server, raft_term(g->raft),
		      raft_role(g->raft), raft_leader(g->raft));
	group_tick_set(g);
	return err;
}
