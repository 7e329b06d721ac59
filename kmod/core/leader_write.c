// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: assigned, sent to who is in the live stream, committed by counting,
 * completed, and let go.
 */
#include "leader_parts.h"
#include "store_limits.h"

/**
 * qbd_leader_pos() - position of a record of this leader's history
 * @lead: the leader
 * @index: its index, not below the end of the chosen history
 *
 * Return: the position.
 */
struct qbd_pos qbd_leader_pos(const struct qbd_leader_core *lead, u64 index)
{
	if (index <= lead->history.index)
		return lead->history;
	return (struct qbd_pos){ .term = lead->cfg.term, .index = index };
}

/* Payload blocks of a request. */
static u32 qbd_leader_payload(const struct qbd_leader_event *event)
{
	return event->op == QBD_OP_WRITE ? event->blocks : 0;
}

static bool qbd_leader_write_valid(const struct qbd_leader_core *lead,
				   const struct qbd_leader_event *event)
{
	if (!event->blocks || event->block >= lead->cfg.blocks ||
	    event->blocks > lead->cfg.blocks - event->block ||
	    (event->rec_flags & ~QBD_REC_FUA))
		return false;
	switch (event->op) {
	case QBD_OP_WRITE:
		return event->blocks <= QBD_REC_BLOCKS_MAX;
	case QBD_OP_DISCARD:
	case QBD_OP_ZERO:
		return event->blocks <= QBD_RANGE_BLOCKS_MAX &&
		       !event->payload && !event->crc;
	default:
		return false;
	}
}

/*
 * Is this member, in the live stream, so far behind what a quorum has that it
 * holds a part of the ring? If the ring is full because of it that is half a
 * ring: if it were less, the quorum would be about as slow, and cutting the
 * member off would only cost a catch-up.
 */
static bool qbd_leader_straggles(const struct qbd_leader_core *lead, u32 member,
				 u32 parts)
{
	const struct qbd_progress *prog = &lead->prog[member];
	const struct qbd_window *win = &lead->win;

	if (prog->state != QBD_MEMBER_LIVE || prog->matched >= lead->commit)
		return false;
	return lead->commit - prog->matched > win->mask / parts ||
	       qbd_window_bytes(win, lead->commit) -
			       qbd_window_bytes(win, prog->matched) >
		       win->max_bytes / parts;
}

/*
 * Does somebody hold more than one of @parts parts of the ring who is not
 * needed?
 *
 * P3: a slow member must not slow the others. V4: but one leaves the live
 * stream only while those that stay are a quorum; two slow peers of three,
 * both cut off, would stop writes for good: then the window throttles.
 */
static void qbd_leader_make_room(struct qbd_leader_core *lead, u32 parts)
{
	u16 live = qbd_leader_mask(lead, true);
	u32 i, worst;

	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].pin && lead->prog[i].pin <= lead->commit)
			qbd_leader_lag(lead, i);
	for (;;) {
		worst = QBD_MEMBERS_MAX;
		for (i = 0; i < lead->cfg.set.nr; i++)
			if (qbd_leader_straggles(lead, i, parts) &&
			    (worst == QBD_MEMBERS_MAX ||
			     lead->prog[i].matched < lead->prog[worst].matched))
				worst = i;
		if (worst == QBD_MEMBERS_MAX)
			return;
		live &= ~(1U << worst);
		if (!qbd_quorum_has(&lead->cfg.set, live) &&
		    !QBD_MUTANT(lagging_without_quorum))
			return;
		qbd_leader_lag(lead, worst);
	}
}

/*
 * Records that are not completed take half the ring at most. The other half is
 * for those who are behind: with a writer that always fills the ring nobody
 * who fell out of the live stream would find a place to come in again, for all
 * that is kept for him must be dropped with the next write.
 */
static bool qbd_leader_in_flight_fits(const struct qbd_leader_core *lead,
				      u32 payload_blocks)
{
	const struct qbd_window *win = &lead->win;
	u64 records = win->end - min(win->end, lead->completed + 1);
	u64 bytes = win->end_bytes - qbd_window_bytes(win, lead->completed) +
		    (u64)payload_blocks * QBD_BLOCK_SIZE;

	if (!records)
		return true;
	return records < (win->mask + 1) / 2 && bytes <= win->max_bytes / 2;
}

/**
 * qbd_leader_scarce() - the node has no pages left
 * @lead: the leader
 *
 * A member that is behind lets go of what is kept for it, long before the ring
 * is full, and has no place kept again before it moves: without pages no write
 * comes that would find the ring full.
 */
void qbd_leader_scarce(struct qbd_leader_core *lead)
{
	u32 i;

	qbd_leader_make_room(lead, QBD_SCARCE_PARTS);
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].state != QBD_MEMBER_LIVE &&
		    !lead->prog[i].pin)
			lead->prog[i].stalled = true;
}

/**
 * qbd_leader_fits() - is there room for a record, or can it be made?
 * @lead: the leader
 * @payload_blocks: its payload
 * @acts: actions of the step
 *
 * Return: true if so.
 */
bool qbd_leader_fits(struct qbd_leader_core *lead, u32 payload_blocks,
		     struct qbd_actions *acts)
{
	if (!qbd_leader_in_flight_fits(lead, payload_blocks))
		return false;
	if (qbd_window_fits(&lead->win, payload_blocks))
		return true;
	qbd_leader_make_room(lead, 2);
	qbd_leader_trim(lead, acts);
	return qbd_window_fits(&lead->win, payload_blocks);
}

/* Why a WRITE can't be taken, 0 if it can. */
static int qbd_leader_write_refusal(struct qbd_leader_core *lead,
				    const struct qbd_leader_event *event,
				    struct qbd_actions *acts)
{
	u32 blocks = qbd_leader_payload(event);

	if (!qbd_leader_write_valid(lead, event))
		return -EINVAL;
	if (lead->state == QBD_LEADER_LOST)
		return lead->stop_err;
	if (lead->state == QBD_LEADER_RELEASING)
		return -ESHUTDOWN;
	if (lead->failing)
		return -EIO;
	if (lead->state != QBD_LEADER_SERVING)
		return -EAGAIN;
	if (qbd_leader_fits(lead, blocks, acts))
		return 0;
	if (!lead->space_wanted || blocks < lead->space_blocks)
		lead->space_blocks = blocks;
	lead->space_wanted = true;
	return -EAGAIN;
}

/**
 * qbd_leader_write() - a request to write, discard or zero
 * @lead: the leader
 * @event: the request
 * @acts: actions of the step
 *
 * The index that it gets here is its place among all others, on all replicas:
 * of two that overlap, the later one wins everywhere.
 *
 * Return: see qbd_leader_step().
 */
int qbd_leader_write(struct qbd_leader_core *lead,
		     const struct qbd_leader_event *event,
		     struct qbd_actions *acts)
{
	int err = qbd_leader_write_refusal(lead, event, acts);
	struct qbd_inflight *rec;

	if (err)
		return err;
	rec = qbd_window_push(&lead->win, qbd_leader_payload(event));
	rec->req = event->req;
	rec->payload = event->payload;
	rec->op = event->op;
	rec->rec_flags = event->rec_flags;
	rec->block = event->block;
	rec->blocks = event->blocks;
	rec->crc = event->crc;
	qbd_overlap_add(&lead->overlap, lead->win.end - 1, event->block,
			event->blocks);
	qbd_leader_verify_wrote(lead, event->block, event->blocks);
	return 0;
}

/* What every APPEND says, with or without a record. */
static void qbd_leader_append_base(struct qbd_leader_core *lead, u32 member,
				   u64 index, struct qbd_msg *msg)
{
	msg->append.prev = qbd_leader_pos(lead, index);
	msg->append.pos = msg->append.prev;
	msg->append.commit = lead->commit;
	msg->append.completed = lead->completed;
	lead->prog[member].commit = lead->commit;
}

/**
 * qbd_leader_notice() - an APPEND without a record
 * @lead: the leader
 * @member: number of a member that has all of the history up to its matched
 *	index
 * @probe: ask for an ack
 * @acts: actions of the step
 *
 * Tells the commit index when there is nothing else to send, and asks for the
 * list version, or for the confirmation of a round.
 */
void qbd_leader_notice(struct qbd_leader_core *lead, u32 member, bool probe,
		       struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	struct qbd_msg *msg =
		qbd_leader_send(lead, member, QBD_MSG_APPEND, acts);

	if (!msg)
		return;
	qbd_leader_append_base(lead, member, prog->matched, msg);
	if (!probe)
		return;
	msg->flags |= QBD_WIRE_PROBE;
	msg->append.round = lead->round;
	prog->round_sent = lead->round;
}

/* Planted bug: two records that overlap trade places on some replicas. */
static u64 qbd_leader_mutant_swap(const struct qbd_leader_core *lead,
				  u32 member, u64 index)
{
	const struct qbd_inflight *rec, *other;
	u64 pair;

	if (!QBD_MUTANT(overlap_reordered) || !(member & 1))
		return index;
	pair = ((index - 1) ^ 1) + 1;
	rec = qbd_window_at(&lead->win, index);
	other = qbd_window_at(&lead->win, pair);
	if (!other || other->op != QBD_OP_WRITE || rec->op != QBD_OP_WRITE ||
	    other->blocks != rec->blocks || other->block != rec->block)
		return index;
	return pair;
}

static void qbd_leader_send_record(struct qbd_leader_core *lead, u32 member,
				   struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	u64 index = qbd_leader_mutant_swap(lead, member, prog->next);
	const struct qbd_inflight *rec = qbd_window_at(&lead->win, index);
	struct qbd_msg *msg =
		qbd_leader_send(lead, member, QBD_MSG_APPEND, acts);

	if (!msg || !rec)
		return;
	qbd_leader_append_base(lead, member, prog->next - 1, msg);
	msg->append.pos = qbd_leader_pos(lead, prog->next);
	msg->append.op = rec->op;
	msg->append.rec_flags = rec->rec_flags;
	msg->append.block = rec->block;
	msg->append.blocks = rec->blocks;
	msg->append.crc = rec->crc;
	msg->payload_bytes = rec->payload_blocks * QBD_BLOCK_SIZE;
	msg->payload = rec->payload;
	if (prog->matched + 1 == prog->next)
		prog->active_ns = lead->now_ns;
	prog->sent_bytes = qbd_window_bytes(&lead->win, prog->next);
	prog->next++;
}

/**
 * qbd_leader_stream() - send to each live member what it has room for
 * @lead: the leader
 * @acts: actions of the step
 */
void qbd_leader_stream(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	const struct qbd_inflight *rec;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		struct qbd_progress *prog = &lead->prog[i];

		if (prog->state != QBD_MEMBER_LIVE ||
		    qbd_progress_held(prog, lead->now_ns))
			continue;
		while (prog->next < lead->win.end) {
			rec = qbd_window_at(&lead->win, prog->next);
			if (QBD_CORE_BUG(!rec)) {
				qbd_leader_lag(lead, i);
				break;
			}
			if (!qbd_progress_window_open(
				    prog, rec->payload_blocks * QBD_BLOCK_SIZE))
				break;
			if (!qbd_actions_room(acts)) {
				acts->more = true;
				return;
			}
			qbd_leader_send_record(lead, i, acts);
		}
	}
}

/* What a member may be counted for. */
static u64 qbd_leader_counted(const struct qbd_leader_core *lead, u32 member)
{
	const struct qbd_progress *prog = &lead->prog[member];

	if (QBD_MUTANT(lagging_counted) && (prog->state == QBD_MEMBER_LAGGING ||
					    prog->state == QBD_MEMBER_CATCHUP))
		return lead->win.end - 1;
	if (!prog->promised || !(prog->voting || QBD_MUTANT(nonvoting_counted)))
		return 0;
	return QBD_MUTANT(received_counted) ? prog->matched :
					      min(prog->durable, prog->matched);
}

/**
 * qbd_leader_advance() - commit what a write quorum has on stable media
 * @lead: the leader
 * @acts: actions of the step
 *
 * Only records of this term commit by counting, older ones with them (S1):
 * a record of term 4 on a quorum may still be overwritten by a leader whose
 * log ends in term 5, as long as none of term 6 is on that quorum too; told as
 * committed it would go home on some replicas and be truncated on others.
 *
 * With ack=durable what is committed is what is completed.
 */
void qbd_leader_advance(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	u64 counted[QBD_MEMBERS_MAX] = { 0 };
	u64 commit;
	u32 i;

	if (lead->win.end == 0)
		return;
	for (i = 0; i < lead->cfg.set.nr; i++)
		counted[i] = qbd_leader_counted(lead, i);
	commit = qbd_quorum_index(&lead->cfg.set, counted);
	commit = min(commit, lead->win.end - 1);
	if (commit <= lead->commit ||
	    (commit <= lead->history.index && !QBD_MUTANT(old_term_commit)))
		return;
	lead->commit = commit;
	lead->completed = commit;
	qbd_leader_committed(lead, acts);
}

/**
 * qbd_leader_complete() - end requests
 * @lead: the leader
 * @acts: actions of the step
 *
 * In the order of the index up to the completed one; all of them, in error,
 * when this leader is at its end or has no quorum for too long.
 */
void qbd_leader_complete(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	bool over = lead->state == QBD_LEADER_LOST;
	const struct qbd_inflight *rec;
	struct qbd_action *act;
	int err = 0;

	while (lead->answered + 1 < lead->win.end) {
		if (lead->answered >= lead->completed || over) {
			if (!over && !lead->failing)
				return;
			err = over ? lead->stop_err : -EIO;
		}
		rec = qbd_window_at(&lead->win, lead->answered + 1);
		if (rec && rec->req) {
			if (!qbd_actions_room(acts)) {
				acts->more = true;
				return;
			}
			act = qbd_actions_add(acts, QBD_ACT_COMPLETE);
			if (!act)
				return;
			act->req = rec->req;
			act->err = err;
			act->index = lead->answered + 1;
			act->term = lead->cfg.term;
		}
		lead->answered++;
	}
}

/* Does anybody still need the oldest record? */
static bool qbd_leader_needed(const struct qbd_leader_core *lead)
{
	u64 base = lead->win.base;
	u32 i;

	if (lead->state == QBD_LEADER_LOST)
		return lead->answered < base;
	if (base > lead->completed || base > lead->answered)
		return true;
	for (i = 0; i < lead->cfg.set.nr; i++) {
		const struct qbd_progress *prog = &lead->prog[i];

		if (prog->state == QBD_MEMBER_LIVE && prog->matched < base)
			return true;
		if (prog->pin && prog->pin <= base)
			return true;
	}
	return false;
}

/**
 * qbd_leader_trim() - let go of records that nobody needs
 * @lead: the leader
 * @acts: actions of the step
 */
void qbd_leader_trim(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	const struct qbd_inflight *rec;
	struct qbd_action *act;

	while (lead->win.base < lead->win.end && !qbd_leader_needed(lead)) {
		rec = qbd_window_at(&lead->win, lead->win.base);
		if (rec && rec->payload) {
			if (!qbd_actions_room(acts)) {
				acts->more = true;
				return;
			}
			act = qbd_actions_add(acts, QBD_ACT_PUT);
			if (!act)
				return;
			act->payload = rec->payload;
		}
		qbd_window_pop(&lead->win);
	}
}

/**
 * qbd_leader_space() - may requests that were refused be tried again?
 * @lead: the leader
 * @acts: actions of the step
 *
 * Who holds the ring is looked at again: it may have fallen behind only after
 * the request was refused, when the others went on. Left to the next refusal
 * the request would wait until it is offered again by chance, or by a clock.
 */
void qbd_leader_space(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	bool space = lead->space_wanted && lead->state != QBD_LEADER_LOST &&
		     qbd_leader_fits(lead, lead->space_blocks, acts);

	if (lead->slot_wanted && lead->nr_reads < lead->cfg.nr_reads)
		space = true;
	if (lead->failing || lead->state == QBD_LEADER_LOST)
		space = lead->space_wanted || lead->slot_wanted;
	if (!space)
		return;
	if (!qbd_actions_room(acts)) {
		acts->more = true;
		return;
	}
	lead->space_wanted = false;
	lead->slot_wanted = false;
	qbd_actions_add(acts, QBD_ACT_SPACE);
}
