// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leader's view of the others: what it sends, how much of it at once, what
 * it counts, and whether a quorum still hears it (rules 2, 3, 10).
 *
 * A lost message is noticed by the next heartbeat: who acknowledged nothing
 * since the last one, though entries are under way, is probed again.
 */
#include "state.h"

/* What the leader knows of who was just added. */
static struct raft_progress raft_progress_new(const struct raft *r)
{
	/* Raft lets a leader begin further back; then the clamp is all there is
	 */
	if (QBD_MUTANT(raft_commit_past_log))
		return (struct raft_progress){ .next = r->log.base.index + 1,
					       .heard_ns = r->now_ns };
	return (struct raft_progress){
		.next = r->log.last + 1,
		.heard_ns = r->now_ns,
		.flow = RAFT_PROBE,
	};
}

/**
 * raft_progress_start() - a term begins: nothing is known of anybody
 * @r: the leader
 */
void raft_progress_start(struct raft *r)
{
	u32 i;

	for (i = 0; i < r->conf.nr; i++)
		r->prog[i] = raft_progress_new(r);
	r->round = 0;
	r->nr_wait = 0;
	r->transfer = 0;
}

/**
 * raft_progress_move() - the members get other numbers
 * @r: the leader, with the configuration before
 * @to: the one that follows
 */
void raft_progress_move(struct raft *r, const struct raft_config *to)
{
	struct raft_progress prog[RAFT_MEMBERS_MAX];
	u32 i;
	int at;

	for (i = 0; i < to->nr; i++) {
		at = raft_config_find(&r->conf, to->id[i]);
		prog[i] = at < 0 ? raft_progress_new(r) : r->prog[at];
	}
	memcpy(r->prog, prog, to->nr * sizeof(prog[0]));
}

/**
 * raft_progress_of() - what the leader knows of a server
 * @r: the leader
 * @id: the server
 *
 * Return: it; NULL: not a member, or this is no leader.
 */
struct raft_progress *raft_progress_of(struct raft *r, u64 id)
{
	int at = raft_config_find(&r->conf, id);

	return at < 0 || r->role != RAFT_LEADER ? NULL : &r->prog[at];
}

static bool raft_heard(const struct raft *r, u32 member)
{
	return r->conf.id[member] == r->opt.id ||
	       r->now_ns - r->prog[member].heard_ns < r->opt.election_ns;
}

/**
 * raft_caught_up() - does a server have what a new voter must have?
 * @r: the leader
 * @id: the server
 *
 * Return: true if it is a member, is heard, and has all that is committed.
 */
bool raft_caught_up(const struct raft *r, u64 id)
{
	int at = raft_config_find(&r->conf, id);

	if (at < 0)
		return false;
	return id == r->opt.id ||
	       (raft_heard(r, at) && r->prog[at].match >= r->commit);
}

/* Rule 3: is there still a quorum that hears this leader? */
static bool raft_quorum_heard(const struct raft *r)
{
	u16 mask = 0;
	u32 i;

	for (i = 0; i < r->conf.nr; i++)
		if (raft_heard(r, i))
			mask |= 1U << i;
	return raft_quorum_has(&r->conf, mask);
}

/**
 * raft_leader_commit() - what has a quorum is committed
 * @r: the leader
 *
 * Rule 2: if it is of this term.  All before it is committed with it.
 */
void raft_leader_commit(struct raft *r)
{
	u64 match[RAFT_MEMBERS_MAX] = { 0 };
	u64 own = raft_installing(r) ? 0 : r->log.durable;
	u64 index;
	u32 i;

	if (QBD_MUTANT(raft_own_before_persist))
		own = r->log.last;
	for (i = 0; i < r->conf.nr; i++)
		match[i] = r->conf.id[i] == r->opt.id ? own : r->prog[i].match;
	index = raft_quorum_index(&r->conf, match);
	if (raft_log_term(&r->log, index) == r->term ||
	    QBD_MUTANT(raft_old_term_commit))
		raft_commit_to(r, index);
}

/* Entries from @prog->next on, as many as one message takes; maybe none. */
static void raft_append_send(struct raft *r, u64 to, struct raft_progress *prog,
			     struct raft_update *up)
{
	struct raft_msg *msg = raft_send(r, up, RAFT_MSG_APPEND, to);
	struct raft_entry entry;
	u32 bytes = 0;

	msg->pos.index = prog->next - 1;
	msg->pos.term = raft_log_term(&r->log, msg->pos.index);
	msg->commit = r->commit;
	while (msg->nr < r->opt.append_entries &&
	       !raft_log_get(&r->log, prog->next + msg->nr, &entry)) {
		bytes += entry.bytes;
		if (msg->nr && bytes > r->opt.append_bytes)
			break;
		msg->nr++;
	}
	if (prog->flow == RAFT_STREAM)
		prog->next += msg->nr;
	else
		prog->waits = true;
}

/**
 * raft_sends_flush() - what the others lack, as far as their windows go
 * @r: the leader
 * @up: messages, one for each at most
 */
void raft_sends_flush(struct raft *r, struct raft_update *up)
{
	struct raft_progress *prog;
	u32 i;

	for (i = 0; i < r->conf.nr; i++) {
		prog = &r->prog[i];
		if (r->conf.id[i] == r->opt.id)
			continue;
		if (prog->flow != RAFT_SNAP &&
		    prog->next <= r->log.base.index) {
			prog->flow = RAFT_SNAP;
			prog->waits = false;
			prog->snap = 0;
		}
		if (prog->flow == RAFT_SNAP) {
			if (!prog->waits)
				raft_snapshot_send(r, i, up);
		} else if (prog->flow == RAFT_PROBE ?
				   !prog->waits :
				   prog->next <= r->log.last &&
					   prog->next - prog->match <=
						   r->opt.window) {
			raft_append_send(r, r->conf.id[i], prog, up);
		}
	}
}

/**
 * raft_beat_send() - a heartbeat to everybody, with the latest round
 * @r: the leader
 * @up: messages
 */
void raft_beat_send(struct raft *r, struct raft_update *up)
{
	struct raft_msg *msg;
	u32 i;

	for (i = 0; i < r->conf.nr; i++) {
		if (r->conf.id[i] == r->opt.id)
			continue;
		msg = raft_send(r, up, RAFT_MSG_BEAT, r->conf.id[i]);
		msg->round = r->round;
		/* what it has behind its match need not be this log */
		msg->commit = min(r->commit, r->prog[i].match);
		if (QBD_MUTANT(raft_heartbeat_commit_not_clamped))
			msg->commit = r->commit;
	}
}

/**
 * raft_leader_tick() - the time of a leader
 * @r: the leader
 * @up: messages
 */
void raft_leader_tick(struct raft *r, struct raft_update *up)
{
	struct raft_progress *prog;
	u32 i;

	if (r->transfer && r->now_ns >= r->transfer_ns)
		r->transfer = 0;
	if (r->now_ns < r->beat_ns)
		return;
	if (!raft_quorum_heard(r) && !QBD_MUTANT(raft_no_check_quorum)) {
		r->count.stepped_down++;
		raft_follow(r, r->term, 0, up);
		return;
	}
	r->beat_ns = r->now_ns + r->opt.beat_ns;
	for (i = 0; i < r->conf.nr; i++) {
		prog = &r->prog[i];
		if (prog->flow == RAFT_STREAM && !prog->acked &&
		    prog->next > prog->match + 1) {
			prog->flow = RAFT_PROBE;
			prog->next = prog->match + 1;
		}
		prog->acked = false;
		prog->waits = false;
	}
	raft_beat_send(r, up);
}

/* It does not have the entry before what was sent. */
static void raft_append_refused(struct raft *r, struct raft_progress *prog,
				const struct raft_msg *msg)
{
	struct raft_pos agree;

	if (msg->index <= prog->match || prog->flow == RAFT_SNAP ||
	    (prog->flow == RAFT_PROBE && msg->index != prog->next - 1)) {
		r->count.stale++;
		return;
	}
	agree = raft_log_agree(&r->log, msg->pos);
	prog->next = max(prog->match + 1, min(agree.index + 1, msg->index));
	prog->flow = RAFT_PROBE;
	prog->waits = false;
}

/**
 * raft_recv_append_reply() - how far somebody has this log
 * @r: the server
 * @msg: the answer
 *
 * Return: 0 or -EBADMSG.
 */
int raft_recv_append_reply(struct raft *r, const struct raft_msg *msg)
{
	struct raft_progress *prog = raft_progress_of(r, msg->from);

	if (!prog) {
		r->count.stale++;
		return 0;
	}
	if (msg->index > r->log.last || msg->from == r->opt.id)
		return raft_bad(r);
	prog->heard_ns = r->now_ns;
	if (msg->reject) {
		raft_append_refused(r, prog, msg);
		return 0;
	}
	prog->match = max(prog->match, msg->index);
	prog->next = max(prog->next, prog->match + 1);
	prog->acked = true;
	if (prog->flow == RAFT_SNAP && prog->match < r->log.base.index)
		return 0;
	if (prog->flow != RAFT_STREAM)
		prog->next = prog->match + 1;
	prog->flow = RAFT_STREAM;
	prog->waits = false;
	return 0;
}

/**
 * raft_recv_beat_reply() - somebody follows
 * @r: the server
 * @msg: the answer
 *
 * Return: 0; -EBADMSG: a round that was not begun.
 */
int raft_recv_beat_reply(struct raft *r, const struct raft_msg *msg)
{
	struct raft_progress *prog = raft_progress_of(r, msg->from);

	if (!prog) {
		r->count.stale++;
		return 0;
	}
	if (msg->round > r->round)
		return raft_bad(r);
	prog->heard_ns = r->now_ns;
	prog->round = max(prog->round, msg->round);
	return 0;
}
