// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for a command or a read, and what is asked of a server.
 */
#include <stddef.h>

#include "../probe.h"
#include "inner.h"
#include "raft/state.h"

/* Most are the first of their queue; it has GROUP_WAITS_MAX at most. */
static void group_wait_take(struct group *g, struct group_wait *wait)
{
	struct group_row *row = &g->row[wait->queue];
	struct group_wait **at = &row->first;

	while (*at && *at != wait)
		at = &(*at)->next;
	if (RAFT_BUG(!*at))
		return;
	*at = wait->next;
	if (row->last == &wait->next)
		row->last = at;
	wait->queue = GROUP_NONE;
	g->nr_waits--;
}

/**
 * group_wait_add() - it waits here, behind the others
 * @g: the server
 * @wait: waits nowhere
 * @queue: where
 */
void group_wait_add(struct group *g, struct group_wait *wait,
		    enum group_queue queue)
{
	struct group_row *row = &g->row[queue];

	wait->queue = queue;
	wait->next = NULL;
	*row->last = wait;
	row->last = &wait->next;
	g->nr_waits++;
}

/**
 * group_wait_end() - it is decided: call it, when the step is over
 * @g: the server
 * @wait: waits
 * @err: 0, or why not
 */
void group_wait_end(struct group *g, struct group_wait *wait, int err)
{
	group_wait_take(g, wait);
	wait->err = err;
	group_wait_add(g, wait, GROUP_DONE);
	loop_call_later(g->loop, &g->later);
}

/**
 * group_wait_at() - who waits for this entry?
 * @g: the server
 * @index: it is being applied
 * @term: its term
 *
 * Commands are in order of their places; who waited for another entry at this
 * place, or for one before, did not get it.
 *
 * Return: the one, or NULL.
 */
struct group_wait *group_wait_at(struct group *g, u64 index, u64 term)
{
	struct group_wait *wait;

	while ((wait = g->row[GROUP_COMMANDS].first) && wait->index <= index) {
		if (wait->index == index && wait->term == term)
			return wait;
		group_wait_end(g, wait, -ESTALE);
	}
	return NULL;
}

/**
 * group_waits_fail() - nobody will know
 * @g: the server
 * @through: commands with a place up to here; reads if it is U64_MAX
 * @err: why
 */
void group_waits_fail(struct group *g, u64 through, int err)
{
	static const enum group_queue reads[] = { GROUP_ASKING, GROUP_READING };
	struct group_wait *wait;
	u32 i;

	while ((wait = g->row[GROUP_COMMANDS].first) && wait->index <= through)
		group_wait_end(g, wait, err);
	if (through != U64_MAX)
		return;
	for (i = 0; i < ARRAY_SIZE(reads); i++)
		while ((wait = g->row[reads[i]].first))
			group_wait_end(g, wait, err);
}

/**
 * group_asked() - a read is decided
 * @g: the server
 * @read: which one, and what it has to wait for
 *
 * Cookies are numbers that are used once: whoever forgot a read and asks again
 * must not get the older answer.
 */
void group_asked(struct group *g, const struct raft_read *read)
{
	struct group_wait *wait = g->row[GROUP_ASKING].first;

	while (wait && wait->index != read->cookie)
		wait = wait->next;
	if (!wait)
		return;
	if (read->err) {
		group_wait_end(g, wait, read->err);
		return;
	}
	group_wait_take(g, wait);
	wait->index = read->index;
	group_wait_add(g, wait, GROUP_READING);
	group_reads_ready(g);
}

/**
 * group_reads_ready() - more is applied: which reads may be answered?
 * @g: the server
 */
void group_reads_ready(struct group *g)
{
	struct group_wait *wait, *next;

	for (wait = g->row[GROUP_READING].first; wait; wait = next) {
		next = wait->next;
		if (wait->index <= g->applied)
			group_wait_end(g, wait, 0);
	}
}

/**
 * group_changed() - whoever looks at this server should look again
 * @g: the server
 */
void group_changed(struct group *g)
{
	g->changed = true;
	loop_call_later(g->loop, &g->later);
}

/**
 * group_later() - call who waited, and say what changed
 * @call: the server's
 *
 * Those that end while others are called are for the next turn.
 */
void group_later(struct loop_call *call)
{
	struct group *g =
		(void *)((char *)call - offsetof(struct group, later));
	struct group_wait *wait;
	u32 i;

	if (g->changed) {
		g->changed = false;
		g->ops->changed(g->arg);
	}
	for (i = 0; i < GROUP_WAITS_MAX && (wait = g->row[GROUP_DONE].first);
	     i++) {
		group_wait_take(g, wait);
		wait->done(wait, wait->err);
	}
	if (g->row[GROUP_DONE].first)
		loop_call_later(g->loop, &g->later);
}

/**
 * group_propose() - have a command logged, and applied by all
 * @g: the server
 * @data: the command
 * @bytes: of it
 * @wait: called when it is applied here, or NULL
 *
 * Return: 0; -ENOTCONN: another one leads, or nobody: group_look(); -EBUSY: the
 * leadership is being handed over; -ENOSPC: the log or the disk is full;
 * -EMSGSIZE; -ENOBUFS: too many wait; -EIO: this server has ended.
 */
int group_propose(struct group *g, const void *data, u32 bytes,
		  struct group_wait *wait)
{
	struct raft_event event = { .kind = RAFT_EV_PROPOSE,
				    .data = data,
				    .bytes = bytes };
	int err;

	if (g->full)
		return -ENOSPC;
	if (g->nr_waits >= GROUP_WAITS_MAX)
		return -ENOBUFS;
	err = group_step(g, &event);
	if (!err)
		DTRACE_PROBE3(qbdd, raft_propose, g->opt.id.server,
			      g->update.index, g->update.term);
	if (err || !wait)
		return err;
	/* alone in the group, and quick: it waits for its disk, so not yet */
	if (RAFT_BUG(g->applied >= g->update.index))
		return -EIO;
	wait->index = g->update.index;
	wait->term = g->update.term;
	group_wait_add(g, wait, GROUP_COMMANDS);
	if (g->state != GROUP_RUNS)
		group_wait_end(g, wait, -EREMCHG);
	return 0;
}

/**
 * group_read() - when may the machine be read, and show all that was done?
 * @g: the server
 * @wait: called when it may
 *
 * Return: 0; -ENOTCONN: another one leads; -EAGAIN: it does not know yet what
 * is committed; -ENOBUFS: too many wait; -ENOSPC; -EIO: it has ended.
 */
int group_read(struct group *g, struct group_wait *wait)
{
	struct raft_event event = { .kind = RAFT_EV_READ };
	int err;

	if (g->state != GROUP_RUNS)
		return -EIO;
	if (g->nr_waits >= GROUP_WAITS_MAX)
		return -ENOBUFS;
	/* it may be decided within the step */
	event.cookie = ++g->cookie;
	wait->index = event.cookie;
	group_wait_add(g, wait, GROUP_ASKING);
	err = group_step(g, &event);
	if (err && wait->queue == GROUP_ASKING)
		group_wait_take(g, wait);
	return wait->queue == GROUP_NONE ? err : 0;
}

/**
 * group_forget() - somebody does not want to know any more
 * @g: the server
 * @wait: waits, or not
 *
 * A command is not taken back by that.
 */
void group_forget(struct group *g, struct group_wait *wait)
{
	if (wait->queue != GROUP_NONE)
		group_wait_take(g, wait);
}

/**
 * group_members() - change who is in the group
 * @g: the server
 * @want: whom
 *
 * Return: 0: it is logged; else as raft_conf_change().
 */
int group_members(struct group *g, const struct raft_members *want)
{
	struct raft_event event = { .kind = RAFT_EV_CONFIG, .want = want };

	return g->full ? -ENOSPC : group_step(g, &event);
}

/**
 * group_transfer() - have another server lead
 * @g: the server
 * @to: which one
 *
 * Return: 0: it is tried; else as raft_transfer_begin().
 */
int group_transfer(struct group *g, u64 to)
{
	struct raft_event event = { .kind = RAFT_EV_TRANSFER, .id = to };

	return group_step(g, &event);
}

/**
 * group_caught_up() - has a server nearly all?
 * @g: the leader
 * @server: the server
 *
 * Return: true if it could become a voter.
 */
bool group_caught_up(const struct group *g, u64 server)
{
	return group_leads(g) && raft_caught_up(g->raft, server);
}
