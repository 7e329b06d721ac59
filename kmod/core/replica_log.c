// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of a replica: does a record continue what is here, which records
 * have to go, what may be acknowledged, and what may go home.
 */
#include "replica_parts.h"

#define QBD_HINT_STEPS 4096 /* records looked at for one hint */

/**
 * qbd_replica_term_at() - term of a record here
 * @rep: the replica
 * @index: its index
 *
 * The store is asked only for what it said is durable: of what is newer it may
 * not have heard yet, or still have another version that is being truncated.
 *
 * Return: the term; 0 for index 0, for one above the last, and for one that is
 * no longer in the log.
 */
u64 qbd_replica_term_at(const struct qbd_replica_core *rep, u64 index)
{
	u32 i;

	if (!index || index > rep->last.index)
		return 0;
	if (index == rep->last.index)
		return rep->last.term;
	if (index <= rep->durable)
		return rep->cfg.ops->term_at(rep->cfg.ctx, index);
	for (i = rep->nr_runs; i; i--)
		if (rep->run[i - 1].first <= index)
			return rep->run[i - 1].term;
	return 0;
}

/**
 * qbd_replica_hint() - where could two histories meet?
 * @rep: the replica
 * @pos: a position of the other history that is not one of this
 * @floor: index up to which the two are known to be the same, 0 = unknown
 *
 * Records of one term are the same in all histories, from the first on. So
 * the last record here that is not above @pos, neither in index nor in term,
 * is the best guess; each exchange skips one term.
 *
 * Return: a position of this history.
 */
struct qbd_pos qbd_replica_hint(const struct qbd_replica_core *rep,
				struct qbd_pos pos, u64 floor)
{
	u64 index = min(pos.index, rep->last.index);
	u64 term = qbd_replica_term_at(rep, index);
	u32 steps = 0;

	while (index > floor && term > pos.term && ++steps <= QBD_HINT_STEPS)
		term = qbd_replica_term_at(rep, --index);
	return (struct qbd_pos){ .term = term, .index = term ? index : 0 };
}

/*
 * Does this history contain @prev?
 *
 * S4: without this check C, which holds a stale (4,20), takes (6,21) from L@6,
 * acks 21, and is counted for (6,20) too, which it does not have.
 */
static bool qbd_replica_matches(const struct qbd_replica_core *rep,
				struct qbd_pos prev)
{
	u64 term;

	if (!prev.index)
		return true;
	if (prev.index > rep->last.index)
		return false;
	if (QBD_MUTANT(no_prev_check))
		return true;
	term = qbd_replica_term_at(rep, prev.index);
	/* no longer in the log: it went home, so it is committed */
	return term == prev.term || (!term && prev.index <= rep->bound);
}

/* Records above @index have gone: was the newest CONFIG record among them? */
static void qbd_replica_config_cut(struct qbd_replica_core *rep, u64 index)
{
	if (rep->logged_index <= index)
		return;
	rep->logged_index = index;
	rep->logged = 0;
}

/**
 * qbd_replica_truncate() - records above an index are void
 * @rep: the replica
 * @index: the last one that stays
 * @term: by order of the leader of this term
 * @acts: actions of the step
 *
 * The one place where anything is truncated, for takeover and reconnect alike:
 * the leader's record at @index + 1 is not the one that is here. For a resync
 * too: see resync.h.
 *
 * Return: false if it could not be.
 */
bool qbd_replica_truncate(struct qbd_replica_core *rep, u64 index, u64 term,
			  struct qbd_actions *acts)
{
	struct qbd_pos last = { .index = index };
	struct qbd_action *act;

	if (index < rep->bound) {
		/* S1: what may have gone home is never void */
		qbd_replica_fail(rep, -EUCLEAN, acts);
		return false;
	}
	act = qbd_actions_add(acts, QBD_ACT_LOG_TRUNCATE);
	if (!act)
		return false;
	last.term = qbd_replica_term_at(rep, index);
	rep->mark = min(rep->mark, index);
	rep->full_at = min(rep->full_at, index);
	act->index = index;
	act->term = term;
	rep->last = last;
	rep->durable = min(rep->durable, index);
	rep->keep = rep->truncates ? min(rep->keep, index) : index;
	rep->truncates++;
	qbd_replica_config_cut(rep, index);
	while (rep->nr_runs && rep->run[rep->nr_runs - 1].first > index)
		rep->nr_runs--;
	return true;
}

/* Remember the term of the record at @index, which is about to be logged. */
static bool qbd_replica_run_add(struct qbd_replica_core *rep, u64 term,
				u64 index)
{
	struct qbd_run *run = rep->run;
	u32 nr = rep->nr_runs;

	if (nr && run[nr - 1].term == term)
		return true;
	while (nr > 1 && run[1].first <= rep->durable + 1) {
		memmove(run, run + 1, (nr - 1) * sizeof(*run));
		nr--;
	}
	rep->nr_runs = nr;
	if (nr == QBD_REPLICA_RUNS)
		return false;
	run[nr] = (struct qbd_run){ .term = term, .first = index };
	rep->nr_runs++;
	return true;
}

/*
 * Is there no room in memory for one more record? Without this bound a leader
 * that does not keep to its window, or a disk that hangs, makes this node keep
 * records until it has no memory; those without payload need no pages, whose
 * pool has an end.
 */
static bool qbd_replica_crowded(const struct qbd_replica_core *rep,
				const struct qbd_msg *msg)
{
	u64 records = rep->last.index - rep->durable;
	u64 bytes = rep->old_bytes + rep->new_bytes;

	if (!records)
		return false;
	return records >= 2 * (u64)rep->cfg.window_records ||
	       bytes + msg->payload_bytes > 2 * (u64)rep->cfg.window_bytes;
}

/*
 * The bytes of records that are not durable, without a list of their lengths:
 * in two parts, before and after a mark, of which the older one is forgotten
 * when all of it is durable. At most what was sent in two windows.
 */
static void qbd_replica_count(struct qbd_replica_core *rep)
{
	if (rep->durable < rep->mark)
		return;
	rep->old_bytes = rep->durable < rep->last.index ? rep->new_bytes : 0;
	rep->new_bytes = 0;
	rep->mark = rep->last.index;
}

/*
 * Does the record's range lie within this replica? An OPEN of another size was
 * refused, so a leader that keeps to its own never asks for more. One that
 * does must not be the end of this replica, whose store would refuse it.
 */
static bool qbd_replica_in_range(const struct qbd_replica_core *rep,
				 const struct qbd_msg_append *append)
{
	return append->block <= rep->cfg.blocks &&
	       append->blocks <= rep->cfg.blocks - append->block;
}

/* Have the record of an APPEND logged; it follows the last one here. */
static void qbd_replica_log(struct qbd_replica_core *rep,
			    const struct qbd_replica_event *event,
			    struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	struct qbd_action *act;

	if (!qbd_replica_run_add(rep, msg->append.pos.term,
				 msg->append.pos.index)) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_BUSY, acts);
		return;
	}
	act = qbd_actions_add(acts, QBD_ACT_LOG_APPEND);
	if (!act)
		return;
	act->msg = *msg;
	rep->new_bytes += msg->payload_bytes;
	rep->last = msg->append.pos;
	rep->matched = max(rep->matched, rep->last.index);
	if (msg->append.op == QBD_OP_CONFIG) {
		/* in a fill the epoch is the leader's, not the record's */
		rep->logged = msg->flags & QBD_WIRE_FILL ? 0 : msg->epoch;
		rep->logged_index = rep->last.index;
	}
	if (QBD_MUTANT(ack_before_persist)) {
		rep->durable = rep->last.index;
		rep->ack_due = true;
	}
}

/*
 * Take the record of an APPEND whose previous one is here. The same (term,
 * index) is the same record: drop it. Another term at this index: from here on
 * this history is not the leader's.
 */
static void qbd_replica_take(struct qbd_replica_core *rep,
			     const struct qbd_replica_event *event,
			     struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	struct qbd_pos pos = msg->append.pos;
	u64 term;

	if (pos.index <= rep->last.index) {
		term = qbd_replica_term_at(rep, pos.index);
		if (term == pos.term || (!term && pos.index <= rep->bound)) {
			rep->matched = max(rep->matched, pos.index);
			if (pos.index <= rep->durable)
				rep->ack_due = true;
			return;
		}
		if (rep->truncates == QBD_REPLICA_TRUNCATES) {
			qbd_replica_nack(rep, event->node, msg, QBD_NACK_BUSY,
					 acts);
			return;
		}
		if (!qbd_replica_truncate(rep, pos.index - 1, msg->term, acts))
			return;
	}
	qbd_replica_log(rep, event, acts);
}

/*
 * Does this follow a record for which there was no home? One that continues
 * what is here is tried: it may be another, or need no room. Not while what
 * waits is being forgotten: it would look as if it had been forgotten too.
 */
static bool qbd_replica_unhoused(const struct qbd_replica_core *rep,
				 const struct qbd_msg_append *append)
{
	return rep->full && append->pos.index > rep->last.index &&
	       (rep->resync.forgets || append->prev.index > rep->last.index);
}

/**
 * qbd_replica_append() - an APPEND came
 * @rep: the replica
 * @event: the APPEND, from the leader or, in its name, from another replica
 * @acts: actions of the step
 *
 * A session that the leader has given up may still be on the way, through
 * another connection: it is dropped, its answer would count for nothing.
 *
 * Room is looked at before the record before: all that follow one that was
 * refused are refused like it. Else each of them were a mismatch, and the
 * leader would begin to send all of them again at once, for as long as the disk
 * hangs.
 *
 * Likewise of those that follow one for which the store had no home.
 *
 * A replica with a shadow takes none: one that is in the log, and not home when
 * the shadow becomes the replica, would be lost without a trace.
 */
void qbd_replica_append(struct qbd_replica_core *rep,
			const struct qbd_replica_event *event,
			struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;

	if (!qbd_replica_obeys(rep, event, acts) || msg->session < rep->session)
		return;
	if (!qbd_replica_in_range(rep, &msg->append)) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_SIZE, acts);
		return;
	}
	rep->session = msg->session;
	rep->round = max(rep->round, msg->append.round);
	if (qbd_replica_unhoused(rep, &msg->append)) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_FULL, acts);
		return;
	}
	if (msg->append.pos.index > rep->last.index &&
	    (qbd_replica_crowded(rep, msg) || qbd_replica_unshadow(rep))) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_BUSY, acts);
		return;
	}
	if (!qbd_replica_matches(rep, msg->append.prev)) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_MISMATCH,
				 acts);
		return;
	}
	rep->matched = max(rep->matched, msg->append.prev.index);
	if (msg->append.op)
		qbd_replica_take(rep, event, acts);
	if (rep->failed)
		return;
	if (msg->flags & QBD_WIRE_PROBE)
		rep->ack_due = true;
	if (msg->flags & QBD_WIRE_FILL)
		rep->vouched = max(rep->vouched, msg->append.completed);
	qbd_replica_told(rep, msg->append.commit, acts);
}

/*
 * A replica that may have lost promises or records (S5 c) votes again when
 * consensus said that no promise above the floor can be lost (S11), it obeys a
 * leader at or above the floor, and holds all that this leader committed. A
 * leader tells a commit index only after its own term's first record.
 *
 * Not one whose map lost a page: its log may well hold all that was committed,
 * but blocks that went home before are gone. As a voter it would let a quorum
 * believe in a copy that it does not have.
 */
static void qbd_replica_vote_again(struct qbd_replica_core *rep,
				   struct qbd_actions *acts)
{
	if (!rep->flags || (rep->flags & QBD_REPLICA_LOST) || !rep->floor ||
	    rep->promise.term < rep->floor || !rep->opened || !rep->told ||
	    (min(rep->durable, rep->matched) < rep->told &&
	     !QBD_MUTANT(votes_before_filled)))
		return;
	rep->flags = 0;
	rep->ack_due = true;
	qbd_actions_add(acts, QBD_ACT_LOG_VOTE);
}

/**
 * qbd_replica_blank() - had it nothing when this life of it began?
 * @rep: the replica
 *
 * Return: true if it had neither promised nor logged anything.
 */
bool qbd_replica_blank(const struct qbd_replica_core *rep)
{
	return !rep->cfg.promise.term && !rep->cfg.last.index &&
	       !(rep->flags & QBD_REPLICA_LOST);
}

/**
 * qbd_replica_floor() - consensus says which terms there were before
 * @rep: the replica
 * @term: the highest one granted before its store was opened; 0: none, its
 *	volume is new
 * @acts: actions of the step
 *
 * With a volume that is new there is nothing that a blank replica could have
 * forgotten, and nobody who could tell it what was committed: it votes at once.
 * Not because it was made as the only copy: it may have been one of several
 * since, before its store was lost.
 */
void qbd_replica_floor(struct qbd_replica_core *rep, u64 term,
		       struct qbd_actions *acts)
{
	rep->floor = max(rep->floor, term);
	if (!term && rep->flags && !rep->failed && qbd_replica_blank(rep)) {
		rep->flags = 0;
		rep->ack_due = true;
		qbd_actions_add(acts, QBD_ACT_LOG_VOTE);
	}
	qbd_replica_told(rep, 0, acts);
}

/**
 * qbd_replica_told() - how far may records go home?
 * @rep: the replica
 * @commit: commit index that the leader of this term told, 0 = none
 * @acts: actions of the step
 *
 * S1: not beyond what the leader of this term committed, what is durable here,
 * and what is proven to be the same history. Else: C gets "commit 12" while it
 * still has a stale 11 and 12 of term 4; both go home; the leader's truncation
 * takes them from the log but not from their blocks, for ever.
 *
 * A leader that recovers has committed nothing in its term yet, and may have a
 * member filled that lacks more than its log can hold: nothing could go home
 * there, so it could not take the rest, and the term would never get its
 * quorum. The source vouches for what it may itself send home: some leader
 * committed that, so it is in every later one's history, and here as far as
 * this history is proven to be the leader's. For a vote that is not enough.
 */
void qbd_replica_told(struct qbd_replica_core *rep, u64 commit,
		      struct qbd_actions *acts)
{
	struct qbd_action *act;
	u64 bound;

	rep->told = max(rep->told, commit);
	bound = min3(max(rep->told, rep->vouched), rep->durable, rep->matched);
	if (QBD_MUTANT(commit_not_clamped))
		bound = min(rep->told, rep->durable);
	qbd_replica_vote_again(rep, acts);
	if (bound <= rep->bound)
		return;
	rep->bound = bound;
	act = qbd_actions_add(acts, QBD_ACT_BOUND);
	if (act)
		act->index = bound;
}

/**
 * qbd_replica_logged() - records are durable
 * @rep: the replica
 * @pos: the newest of them
 * @acts: actions of the step
 *
 * With a truncation on its way to the medium, what comes back for a record
 * above it is about a record that is void.
 */
void qbd_replica_logged(struct qbd_replica_core *rep, struct qbd_pos pos,
			struct qbd_actions *acts)
{
	u64 index = rep->truncates ? min(pos.index, rep->keep) : pos.index;

	index = min(index, rep->last.index);
	if (rep->failed || index <= rep->durable)
		return;
	rep->durable = index;
	rep->ack_due = true;
	if (index > rep->full_at)
		rep->full = false;
	qbd_replica_count(rep);
	qbd_replica_told(rep, 0, acts);
}

/**
 * qbd_replica_truncated() - the oldest truncation under way is durable
 * @rep: the replica
 */
void qbd_replica_truncated(struct qbd_replica_core *rep)
{
	if (rep->truncates)
		rep->truncates--;
}

/**
 * qbd_replica_unlogged() - records that waited for room were forgotten
 * @rep: the replica
 * @pos: the last one that is left
 *
 * As if it had crashed: they were never durable, and never said to be. The
 * promise that they made way for is not answered yet, and its answer must not
 * name them.
 */
void qbd_replica_unlogged(struct qbd_replica_core *rep, struct qbd_pos pos)
{
	if (pos.index >= rep->last.index)
		return;
	rep->last = pos;
	rep->durable = min(rep->durable, pos.index);
	rep->matched = min(rep->matched, pos.index);
	rep->mark = min(rep->mark, pos.index);
	if (rep->answer.index > pos.index)
		rep->answer = pos;
	qbd_replica_config_cut(rep, pos.index);
	while (rep->nr_runs && rep->run[rep->nr_runs - 1].first > pos.index)
		rep->nr_runs--;
}

/**
 * qbd_replica_full() - the store has no home for what waits to be logged
 * @rep: the replica
 * @acts: actions of the step
 *
 * What waits would hold pages of the node for as long as nobody makes room,
 * and nobody would know why it waits. So it is forgotten, and the leader told.
 * The records that follow it are on their way through the shell: they are
 * forgotten with it, when LOG_FORGET has come after them.
 */
void qbd_replica_full(struct qbd_replica_core *rep, struct qbd_actions *acts)
{
	/* a promise on its way to the log makes room for itself, and would go
	 */
	if (rep->failed || rep->resync.forgets || !rep->promised)
		return;
	if (!qbd_actions_add(acts, QBD_ACT_LOG_FORGET))
		return;
	rep->resync.forgets++;
	rep->full = true;
	rep->full_at = rep->last.index;
}

static void qbd_replica_full_say(struct qbd_replica_core *rep,
				 struct qbd_actions *acts)
{
	struct qbd_msg *msg;

	if (rep->failed || !rep->opened || !rep->promised)
		return;
	rep->full_session = rep->session;
	msg = qbd_replica_complain(rep, QBD_NACK_FULL, acts);
	if (msg)
		msg->nack.hint = rep->last;
}

/**
 * qbd_replica_full_forgot() - what waited was forgotten
 * @rep: the replica
 * @pos: the last record that is left
 * @acts: actions of the step
 *
 * Room may have come before that: then nothing was.
 */
void qbd_replica_full_forgot(struct qbd_replica_core *rep, struct qbd_pos pos,
			     struct qbd_actions *acts)
{
	bool lost = pos.index < rep->last.index;

	qbd_replica_unlogged(rep, pos);
	if (!rep->full || rep->resync.forgets)
		return;
	rep->full = lost;
	rep->full_at = pos.index;
	if (lost)
		qbd_replica_full_say(rep, acts);
}

/**
 * qbd_replica_full_tick() - time went by
 * @rep: the replica
 * @acts: actions of the step
 *
 * The leader is told again as long as it has not begun another session: if it
 * did not hear of it, it waits for acks of what it believes to be on its way to
 * the medium. Not when there is a next record, which may have a home.
 */
void qbd_replica_full_tick(struct qbd_replica_core *rep,
			   struct qbd_actions *acts)
{
	if (rep->full && !rep->resync.forgets &&
	    rep->session == rep->full_session &&
	    rep->last.index == rep->full_at)
		qbd_replica_full_say(rep, acts);
}

/**
 * qbd_replica_ack() - tell the leader how far things are
 * @rep: the replica
 * @acts: actions of the step
 *
 * Only what is proven to be the leader's history, in this term, is named
 * (S4), and durable means that the store said so. Nothing is said in a term
 * whose promise is not durable.
 */
void qbd_replica_ack(const struct qbd_replica_core *rep,
		     struct qbd_actions *acts)
{
	struct qbd_msg *msg;

	if (rep->failed || !rep->opened || !rep->promised)
		return;
	msg = qbd_replica_send(rep, rep->promise.node, QBD_MSG_APPEND_ACK,
			       acts);
	if (!msg)
		return;
	msg->ack.received = min(rep->last.index, rep->matched);
	msg->ack.durable = min(rep->durable, msg->ack.received);
	if (QBD_MUTANT(ack_unmatched)) {
		msg->ack.received = rep->last.index;
		msg->ack.durable = rep->durable;
	}
	msg->ack.round = rep->round;
	msg->ack.incarnation = rep->cfg.incarnation;
	qbd_replica_stamp(rep, msg);
}
