// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where does a member's history meet the leader's, and how does it get what it
 * lacks? The leader has no log: what is older than its ring is sent by one
 * member to the other; the leader only directs, and believes nothing but the
 * target's own acks.
 *
 * Matching goes like this. A position that is known to be in the leader's
 * history is asked of the member (PROBE); one that the member is known to have
 * is asked of a source (FETCH). Each refusal names the next candidate, below,
 * and skips a term.
 */
#include "leader_parts.h"

/**
 * qbd_leader_probe() - has the member this position of the history?
 * @lead: the leader
 * @member: its number
 * @pos: a position of the leader's history
 * @acts: actions of the step
 *
 * A new session: whatever is under way to the member counts no more.
 */
void qbd_leader_probe(struct qbd_leader_core *lead, u32 member,
		      struct qbd_pos pos, struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	qbd_progress_session(prog, ++lead->session, lead->now_ns);
	prog->asked_ns = lead->now_ns;
	prog->state = QBD_MEMBER_PROBING;
	prog->probe = pos;
	qbd_leader_probe_again(lead, member, acts);
}

/**
 * qbd_leader_probe_again() - no answer for a while: ask once more
 * @lead: the leader
 * @member: its number, PROBING
 * @acts: actions of the step
 *
 * In the same session, as qbd_leader_open_again(). Two answers say the same:
 * what a member has proven in a term it has until the next.
 */
void qbd_leader_probe_again(struct qbd_leader_core *lead, u32 member,
			    struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	struct qbd_msg *msg =
		qbd_leader_send(lead, member, QBD_MSG_APPEND, acts);

	prog->active_ns = lead->now_ns;
	if (!msg)
		return;
	msg->flags |= QBD_WIRE_PROBE;
	msg->append.prev = prog->probe;
	msg->append.pos = prog->probe;
	msg->append.commit = lead->commit;
	msg->append.completed = lead->completed;
}

/* Is it known, without asking anybody, that this is in the history? */
static bool qbd_leader_knows(const struct qbd_leader_core *lead,
			     struct qbd_pos pos)
{
	return !pos.index || qbd_pos_equal(pos, lead->history) ||
	       (pos.term == lead->cfg.term && pos.index > lead->history.index &&
		pos.index < lead->win.end);
}

/**
 * qbd_leader_hope() - whoever could not help a member may be able to now
 * @prog: the member
 */
void qbd_leader_hope(struct qbd_progress *prog)
{
	prog->tried = 0;
	prog->lost = 0;
	prog->unread = false;
	prog->poor = 0;
	prog->retry_ns = 0;
}

/**
 * qbd_leader_match() - find out what a member has of the history
 * @lead: the leader
 * @member: its number
 * @last: a position that the member has: its last, or its hint
 * @acts: actions of the step
 *
 * A member that refuses what a source sent, and has gained nothing by it, will
 * do so again: a record that the source could not read is missing. Asked at
 * once again, the three would keep each other busy for ever.
 */
void qbd_leader_match(struct qbd_leader_core *lead, u32 member,
		      struct qbd_pos last, struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	if (!qbd_pos_equal(last, prog->probe))
		qbd_leader_hope(prog);
	else if (prog->state == QBD_MEMBER_GONE)
		return;
	else if (prog->state == QBD_MEMBER_CATCHUP && prog->source >= 0)
		prog->tried |= 1U << prog->source;
	prog->last = last;
	if (last.term == lead->history.term && last.index > lead->history.index)
		last = lead->history;
	if (qbd_leader_knows(lead, last)) {
		qbd_leader_probe(lead, member, last, acts);
		return;
	}
	qbd_progress_session(prog, ++lead->session, lead->now_ns);
	prog->state = QBD_MEMBER_LAGGING;
	prog->probe = last;
	prog->sent = last;
}

/**
 * qbd_leader_full() - a member's store has no home for a record
 * @lead: the leader
 * @member: its number
 * @nack: what it said
 * @acts: actions of the step
 *
 * It has forgotten what it could not log, so what it said to have received
 * counts no more: where it is now is found out anew, in a new session, and so
 * what it may say once more is old.
 */
void qbd_leader_full(struct qbd_leader_core *lead, u32 member,
		     const struct qbd_msg_nack *nack, struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	if (prog->state < QBD_MEMBER_PROBING ||
	    prog->state > QBD_MEMBER_CATCHUP)
		return;
	qbd_progress_full(prog, nack->hint.index, lead->now_ns,
			  QBD_FULL_AGAIN * lead->cfg.retry_ns);
	if (QBD_MUTANT(full_received_kept))
		return;
	/* the source is not to blame */
	prog->source = -1;
	qbd_leader_match(lead, member, nack->hint, acts);
}

/* A new source: those whom nobody could help need not wait any longer. */
static void qbd_leader_new_source(struct qbd_leader_core *lead)
{
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		struct qbd_progress *prog = &lead->prog[i];

		if (prog->state == QBD_MEMBER_GONE)
			prog->state = QBD_MEMBER_LAGGING;
		if (prog->state == QBD_MEMBER_LAGGING && prog->source < 0)
			qbd_leader_hope(prog);
	}
}

/**
 * qbd_leader_place() - the member proved what it has: where does it belong?
 * @lead: the leader
 * @member: its number
 *
 * Into the live stream if the ring has what follows, else it has to be filled.
 */
void qbd_leader_place(struct qbd_leader_core *lead, u32 member)
{
	struct qbd_progress *prog = &lead->prog[member];
	u64 next = prog->matched + 1;

	if (next >= lead->win.base && next <= lead->win.end) {
		prog->state = QBD_MEMBER_LIVE;
		prog->next = next;
		prog->acked_bytes = qbd_window_bytes(&lead->win, prog->durable);
		prog->sent_bytes = qbd_window_bytes(&lead->win, next - 1);
		prog->pin = 0;
		prog->fetching = false;
		prog->source = -1;
		qbd_leader_hope(prog);
		prog->active_ns = lead->now_ns;
		qbd_leader_new_source(lead);
		return;
	}
	if (prog->matched >= lead->history.index)
		prog->probe = qbd_leader_pos(lead, prog->matched);
	prog->state = QBD_MEMBER_LAGGING;
	prog->sent = prog->probe;
}

/**
 * qbd_leader_moved() - a member that nobody can help got records all the same
 * @lead: the leader
 * @member: its number
 * @acts: actions of the step
 *
 * They were on their way when nobody had what it lacked, and what it lacks now
 * is less. Where it is the ack does not say, but for its index: it is asked.
 * Once for each index: a source may have the same few records, and not those
 * behind them, each time that it is asked.
 *
 * Return: false if it has not got any further.
 */
bool qbd_leader_moved(struct qbd_leader_core *lead, u32 member,
		      struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	if (prog->matched <= prog->moved)
		return false;
	prog->moved = prog->matched;
	if (prog->matched < lead->history.index) {
		qbd_leader_open(lead, member, acts);
		return true;
	}
	qbd_leader_hope(prog);
	qbd_leader_place(lead, member);
	return true;
}

/**
 * qbd_leader_lag() - a member leaves the live stream, or loses its place kept
 * @lead: the leader
 * @member: its number
 *
 * Its session goes on: what it still acks counts, for it has those records.
 */
void qbd_leader_lag(struct qbd_leader_core *lead, u32 member)
{
	struct qbd_progress *prog = &lead->prog[member];

	if (prog->state == QBD_MEMBER_LIVE) {
		prog->state = QBD_MEMBER_LAGGING;
		prog->probe = qbd_leader_pos(lead, prog->matched);
		prog->sent = qbd_leader_pos(lead, prog->next - 1);
		prog->source = -1;
		prog->fetching = false;
		prog->active_ns = lead->now_ns;
	}
	prog->pin = 0;
}

/**
 * qbd_leader_source() - who can send a member what it lacks?
 * @lead: the leader
 * @member: its number
 * @have: index that the source has to be beyond
 * @without: mask of members that have been of no use
 *
 * Somebody in the live stream who has it on stable media; rather not this node,
 * it has enough to do.
 *
 * Return: number of that member, -1 if there is none.
 */
int qbd_leader_source(const struct qbd_leader_core *lead, u32 member, u64 have,
		      u16 without)
{
	int found = -1;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		const struct qbd_progress *prog = &lead->prog[i];

		if (i == member || (without & (1U << i)) ||
		    prog->state != QBD_MEMBER_LIVE || prog->durable <= have)
			continue;
		found = i;
		if (lead->cfg.set.member[i].node != lead->cfg.node)
			break;
	}
	return found;
}

/*
 * Somebody with records for a member. As long as it is not known where the two
 * histories meet, anybody can tell.
 */
static int qbd_leader_fill_source(const struct qbd_leader_core *lead,
				  u32 member)
{
	const struct qbd_progress *target = &lead->prog[member];
	bool met = target->matched >= target->probe.index;

	return qbd_leader_source(lead, member, met ? target->sent.index : 0,
				 target->tried);
}

/* What the source sends is what the target lacks up to here. */
static u64 qbd_leader_fill_limit(const struct qbd_leader_core *lead,
				 const struct qbd_progress *prog)
{
	u64 limit = lead->commit ? lead->commit : lead->history.index;

	return prog->pin ? min(prog->pin - 1, limit) : limit;
}

/*
 * V5: catching up never ends if the head moves on while the last records are
 * sent. So when no more than half a ring of what is committed is missing (in
 * bytes as the records of now have them), the ring is kept from its base on for
 * this member, the source fills up to just before, and the live stream takes
 * over there. What is in flight does not matter: it takes half the ring at most
 * (qbd_leader_in_flight_fits()). So, unless another one is behind as well, the
 * writer has half a ring to go until the place is lost again (V4), and nothing
 * but some catch-up with it.
 */
static void qbd_leader_pin(struct qbd_leader_core *lead,
			   struct qbd_progress *prog)
{
	const struct qbd_window *win = &lead->win;
	u64 missing = lead->commit - min(lead->commit, prog->matched);
	u64 bytes = win->end_bytes - win->base_bytes;

	if (prog->pin || prog->stalled || prog->full || !lead->commit ||
	    missing > (win->mask + 1) / 2 ||
	    missing * bytes > (win->end - win->base) * (win->max_bytes / 2))
		return;
	prog->pin = win->base;
}

/*
 * Records of one FETCH. Two of them are under way, and with what they bring the
 * target has to stay within its window: what goes beyond is refused, and sent
 * again only by the clock. One whose store was full is only tried.
 */
static u32 qbd_leader_fetch_records(const struct qbd_progress *prog)
{
	if (prog->full)
		return 1;
	return min(QBD_FETCH_RECORDS_MAX, max(prog->window_records / 2, 1U));
}

/* Ask a source for the next records; one FETCH ahead of what has arrived. */
static void qbd_leader_fetch(struct qbd_leader_core *lead, u32 member,
			     u64 limit, struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	struct qbd_msg *msg =
		qbd_leader_send(lead, prog->source, QBD_MSG_FETCH, acts);

	if (!msg)
		return;
	if (qbd_leader_recovering(lead))
		msg->flags |= QBD_WIRE_RECOVERY;
	msg->fetch.target = lead->cfg.set.member[member].replica;
	msg->fetch.target_session = prog->session;
	msg->fetch.node = lead->cfg.set.member[member].node;
	msg->fetch.have = prog->sent;
	msg->fetch.limit = max(limit, prog->sent.index);
	msg->fetch.commit = lead->commit;
	msg->fetch.max_records = qbd_leader_fetch_records(prog);
	msg->fetch.max_bytes = min(QBD_FETCH_BYTES_MAX, prog->window_bytes / 2);
	prog->fetching = true;
	/* its patience begins here: what was waited for before was not this */
	prog->active_ns = lead->now_ns;
}

/*
 * May the next FETCH go out? One chunk ahead of what is on stable media there,
 * for its window counts all that is not; and what the live stream sent last is
 * waited for, or the fill would overtake it.
 */
static bool qbd_leader_fetch_due(const struct qbd_leader_core *lead,
				 const struct qbd_progress *prog, u64 limit)
{
	u64 arrived = prog->matched < prog->probe.index ? prog->probe.index :
							  prog->durable;

	if (prog->fetching || lead->now_ns < prog->retry_ns ||
	    qbd_progress_held(prog, lead->now_ns))
		return false;
	if (prog->source < 0 && prog->sent.index > prog->matched &&
	    !qbd_pos_equal(prog->sent, prog->probe))
		return false;
	if (prog->matched && prog->sent.index >= limit)
		return false;
	return prog->sent.index <= arrived + qbd_leader_fetch_records(prog);
}

/*
 * Nobody in the live stream can ever give the member what it lacks. It will not
 * come back this way, and nothing is kept for it any more, until somebody else
 * is in the live stream. What could not be read may be readable later.
 */
static void qbd_leader_give_up(struct qbd_leader_core *lead, u32 member,
			       struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	if (prog->matched > prog->probe.index &&
	    qbd_leader_moved(lead, member, acts))
		return;
	prog->state = QBD_MEMBER_GONE;
	prog->pin = 0;
	prog->retry_ns = U64_MAX;
	if (prog->unread)
		prog->retry_ns =
			lead->now_ns + QBD_FILL_AGAIN * lead->cfg.retry_ns;
}

/*
 * No source just now. Those that failed to answer are asked again after a
 * while, if they are still there: B lost its log after A had said that it has
 * nothing for C; C would wait for B, and B for C.
 */
static void qbd_leader_wait_source(struct qbd_leader_core *lead, u32 member,
				   struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	prog->state = QBD_MEMBER_LAGGING;
	prog->retry_ns = lead->now_ns + lead->cfg.retry_ns;
	prog->tried = prog->lost;
	if ((prog->lost || QBD_MUTANT(gone_too_early)) &&
	    qbd_leader_fill_source(lead, member) < 0)
		qbd_leader_give_up(lead, member, acts);
}

/* One member that is not in the live stream: what can be done for it now? */
static void qbd_leader_feed_one(struct qbd_leader_core *lead, u32 member,
				struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	u64 limit;

	if (prog->matched && prog->matched + 1 >= lead->win.base &&
	    prog->matched >= lead->history.index) {
		qbd_leader_place(lead, member);
		return;
	}
	if (prog->sent.index <= prog->matched &&
	    !qbd_pos_equal(prog->sent, prog->probe)) {
		prog->probe = prog->sent;
		/* of the records that it lacks now nobody said anything yet */
		prog->lost = 0;
		prog->unread = false;
	}
	qbd_leader_pin(lead, prog);
	limit = qbd_leader_fill_limit(lead, prog);
	if (!qbd_leader_fetch_due(lead, prog, limit))
		return;
	if (prog->source < 0)
		prog->source = qbd_leader_fill_source(lead, member);
	if (prog->source < 0) {
		qbd_leader_wait_source(lead, member, acts);
		return;
	}
	prog->state = QBD_MEMBER_CATCHUP;
	qbd_leader_fetch(lead, member, limit, acts);
}

/**
 * qbd_leader_feed() - let members that lag be filled, or copied, by others
 * @lead: the leader
 * @acts: actions of the step
 */
void qbd_leader_feed(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		u8 state = lead->prog[i].state;

		if (state != QBD_MEMBER_LAGGING &&
		    state != QBD_MEMBER_CATCHUP && state != QBD_MEMBER_GONE)
			continue;
		if (!qbd_actions_room(acts)) {
			acts->more = true;
			return;
		}
		if (state == QBD_MEMBER_GONE)
			qbd_leader_resync_one(lead, i, acts);
		else
			qbd_leader_feed_one(lead, i, acts);
	}
}

/* No source any more: back to what the member surely has. */
static void qbd_leader_no_source(struct qbd_progress *prog)
{
	prog->source = -1;
	prog->fetching = false;
	prog->sent = prog->probe;
}

/* The source is of no use to this member: another one has to help. */
static void qbd_leader_drop_source(struct qbd_progress *prog)
{
	if (prog->source >= 0)
		prog->tried |= 1U << prog->source;
	qbd_leader_no_source(prog);
}

/**
 * qbd_leader_source_gone() - a member can't be a source any more
 * @lead: the leader
 * @member: its number
 */
void qbd_leader_source_gone(struct qbd_leader_core *lead, u32 member)
{
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		if (lead->prog[i].source != (s8)member)
			continue;
		if (lead->prog[i].state == QBD_MEMBER_RESYNC)
			qbd_leader_resync_lost(lead, i);
		else
			qbd_leader_drop_source(&lead->prog[i]);
	}
}

/*
 * This source can never give the member what it lacks, and perhaps no other one
 * can; one that merely failed to answer is asked again.
 */
static void qbd_leader_lost_source(struct qbd_leader_core *lead, u32 member,
				   u32 target, struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[target];

	prog->tried |= 1U << member;
	prog->lost |= 1U << member;
	if (prog->source == (s8)member)
		qbd_leader_no_source(prog);
	if (prog->source >= 0 || prog->tried != prog->lost ||
	    qbd_leader_fill_source(lead, target) >= 0)
		return;
	qbd_leader_give_up(lead, target, acts);
}

/*
 * The source can't read the record after @through. That is so whatever became
 * of the session that it was to be sent in: the target may have refused the
 * next record before this answer came. Rot stays, but an I/O error may go.
 */
static void qbd_leader_fetch_bad(struct qbd_leader_core *lead, u32 member,
				 u32 target, struct qbd_pos through,
				 struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[target];

	if ((prog->state != QBD_MEMBER_CATCHUP &&
	     prog->state != QBD_MEMBER_LAGGING) ||
	    !qbd_pos_equal(through, prog->probe))
		return;
	prog->unread = true;
	qbd_leader_lost_source(lead, member, target, acts);
}

/*
 * The member has another history than the source. The hint is a position of
 * the source's, below what it proved to have of this leader's history; one
 * that can't be is not asked for, it would be taken for proven.
 */
static void qbd_leader_fetch_mismatch(struct qbd_leader_core *lead, u32 member,
				      struct qbd_pos hint,
				      struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	qbd_leader_no_source(prog);
	if ((hint.index > lead->history.index &&
	     !qbd_leader_knows(lead, hint)) ||
	    qbd_pos_equal(hint, prog->probe)) {
		prog->retry_ns = lead->now_ns + lead->cfg.retry_ns;
		return;
	}
	qbd_leader_probe(lead, member, hint, acts);
}

/**
 * qbd_leader_fetch_reply() - a source answered
 * @lead: the leader
 * @member: number of the source
 * @msg: its answer
 * @acts: actions of the step
 */
void qbd_leader_fetch_reply(struct qbd_leader_core *lead, u32 member,
			    const struct qbd_msg *msg, struct qbd_actions *acts)
{
	const struct qbd_msg_fetch_reply *reply = &msg->fetch_reply;
	int target = qbd_set_find(&lead->cfg.set, reply->target);
	struct qbd_progress *prog;

	if (target < 0)
		return;
	prog = &lead->prog[target];
	if (reply->status == QBD_STATUS_CORRUPT) {
		qbd_leader_fetch_bad(lead, member, target, reply->through,
				     acts);
		return;
	}
	if (prog->state != QBD_MEMBER_CATCHUP || prog->source != (s8)member ||
	    prog->session != reply->target_session)
		return;
	prog->fetching = false;
	switch (reply->status) {
	case QBD_STATUS_OK:
		if (reply->through.index > prog->sent.index)
			prog->sent = reply->through;
		else
			qbd_leader_drop_source(prog);
		break;
	case QBD_STATUS_MISMATCH:
		qbd_leader_fetch_mismatch(lead, target, reply->through, acts);
		break;
	case QBD_STATUS_GONE:
		qbd_leader_lost_source(lead, member, target, acts);
		break;
	default:
		qbd_leader_drop_source(prog);
		break;
	}
}

/**
 * qbd_leader_fill_tick() - does a member that is being filled get anywhere?
 * @lead: the leader
 * @member: its number
 *
 * A source may be slow, cut off from the target, or gone without a word. What
 * it could not read it may be able to read later.
 *
 * Nothing is kept meanwhile: the pages are those that all shards of the node
 * write with, and where no write comes, none would make the member let go.
 */
void qbd_leader_fill_tick(struct qbd_leader_core *lead, u32 member)
{
	struct qbd_progress *prog = &lead->prog[member];
	u64 wait_ns = qbd_leader_patience(lead, member);

	if (prog->state == QBD_MEMBER_GONE) {
		if (lead->now_ns >= prog->retry_ns) {
			prog->state = QBD_MEMBER_LAGGING;
			qbd_leader_hope(prog);
		}
		return;
	}
	if (prog->source >= 0)
		wait_ns = max(wait_ns, qbd_leader_patience(lead, prog->source));
	if (lead->now_ns - prog->active_ns < 2 * wait_ns)
		return;
	prog->active_ns = lead->now_ns;
	prog->stalled = true;
	prog->pin = 0;
	qbd_leader_drop_source(prog);
}
