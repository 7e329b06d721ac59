// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a term begins: promises, the choice of the history, recovery, and what
 * refusals mean for the term.
 */
#include "leader_parts.h"

#define QBD_RECOVER_WAITS 16 /* recover_wait_ns grows up to so many times */

/**
 * qbd_leader_open() - ask a member for its promise
 * @lead: the leader
 * @member: its number
 * @acts: actions of the step
 *
 * Sent again on every new connection: the answer says what this life of the
 * replica has (S4).
 */
void qbd_leader_open(struct qbd_leader_core *lead, u32 member,
		     struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	qbd_progress_session(prog, ++lead->session, lead->now_ns);
	prog->asked_ns = lead->now_ns;
	prog->state = QBD_MEMBER_OPENING;
	prog->promised = false;
	prog->version = 0;
	qbd_leader_open_again(lead, member, acts);
}

/**
 * qbd_leader_open_again() - it has not answered for a while: ask once more
 * @lead: the leader
 * @member: its number, OPENING
 * @acts: actions of the step
 *
 * In the same session: with a new one the answer to the OPEN before would not
 * count any more, and a member that is further away than the interval would
 * never get in. Nothing is built on a session before its OPEN is answered, and
 * a connection that is new begins a new one; so it is as if one OPEN had been
 * on its way for longer. That the replica may have another life by the time of
 * the repetition is seen by its acks; see qbd_leader_ack().
 */
void qbd_leader_open_again(struct qbd_leader_core *lead, u32 member,
			   struct qbd_actions *acts)
{
	struct qbd_msg *msg = qbd_leader_send(lead, member, QBD_MSG_OPEN, acts);

	lead->prog[member].active_ns = lead->now_ns;
	if (!msg)
		return;
	msg->open.node = lead->cfg.node;
	msg->open.lease_ms = (u32)div_u64(lead->cfg.lease_ns, NSEC_PER_MSEC);
	msg->open.blocks = lead->cfg.blocks;
	if (lead->cfg.repair)
		msg->flags |= QBD_WIRE_REPAIR;
}

/* The member whose log is the history: the last position is the highest. */
static u32 qbd_leader_best(const struct qbd_leader_core *lead, u16 mask)
{
	u32 best = QBD_MEMBERS_MAX, i;

	for (i = 0; i < lead->cfg.set.nr; i++)
		if ((mask & (1U << i)) &&
		    (best == QBD_MEMBERS_MAX ||
		     qbd_pos_cmp(lead->prog[i].last, lead->prog[best].last) >
			     0))
			best = i;
	return best;
}

/*
 * A read quorum has promised: choose the history and begin it anew.
 *
 * Whatever was completed in an earlier term is durable on a write quorum; one
 * of its members is among those that answered, and of those the one with the
 * highest (term, index) has all of it, for each leader before began its term
 * with a history chosen like this.
 *
 * S2: the choice is made once in a term. If a late answer with a longer log
 * could change it after the term-start record went out, there would be two
 * records (t, i + 1) with different histories before them.
 *
 * The term-start record is what makes the older records commit: see
 * qbd_leader_advance().
 */
static void qbd_leader_choose(struct qbd_leader_core *lead, u16 mask,
			      struct qbd_actions *acts)
{
	u32 best = qbd_leader_best(lead, mask);
	struct qbd_inflight *rec;
	u32 i;

	lead->history = lead->prog[best].last;
	lead->logged = lead->prog[best].config;
	lead->state = QBD_LEADER_RECOVERING;
	lead->recover_ns = lead->now_ns;
	lead->answered = lead->history.index;
	qbd_window_start(&lead->win, lead->history.index + 1);
	rec = qbd_window_push(&lead->win, 0);
	rec->op = QBD_OP_TERM;
	qbd_actions_add(acts, QBD_ACT_PROMISED);
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].state == QBD_MEMBER_WAITING)
			qbd_leader_match(lead, i, lead->prog[i].last, acts);
}

/**
 * qbd_leader_open_reply() - a member promised
 * @lead: the leader
 * @member: its number
 * @msg: its answer
 * @acts: actions of the step
 *
 * What it says to have is not counted for anything but the choice: S4 a, C
 * holds a stale (4,20), the history has (6,20), and "received 20" is true of
 * both. It is compared first.
 */
void qbd_leader_open_reply(struct qbd_leader_core *lead, u32 member,
			   const struct qbd_msg *msg, struct qbd_actions *acts)
{
	const struct qbd_msg_open_reply *reply = &msg->open_reply;
	struct qbd_progress *prog = &lead->prog[member];
	u16 mask;

	if (prog->state != QBD_MEMBER_OPENING || msg->session != prog->session)
		return;
	qbd_progress_answered(prog, lead->now_ns);
	prog->promised = true;
	prog->refused = false;
	prog->why = 0;
	prog->voting = !(msg->flags & QBD_WIRE_NONVOTING);
	prog->incarnation = reply->incarnation;
	prog->version = msg->list;
	prog->last = reply->last;
	prog->config = reply->config;
	prog->commit = 0;
	prog->window_bytes = reply->window_bytes;
	prog->window_records = reply->window_records;
	qbd_leader_hope(prog);
	prog->active_ns = lead->now_ns;
	if (QBD_MUTANT(open_reply_counted)) {
		prog->matched = reply->last.index;
		prog->durable = reply->durable;
	}
	if (lead->state != QBD_LEADER_OPENING) {
		if (lead->state != QBD_LEADER_LOST && lead->win.end)
			qbd_leader_match(lead, member, prog->last, acts);
		return;
	}
	prog->state = QBD_MEMBER_WAITING;
	mask = qbd_leader_mask(lead, false) & qbd_set_voters(&lead->cfg.set);
	if (qbd_quorum_has(&lead->cfg.set, mask))
		qbd_leader_choose(lead, mask, acts);
}

/**
 * qbd_leader_serve() - does the shard serve now?
 * @lead: the leader
 * @acts: actions of the step
 *
 * S7: recovered is not enough, the volume's gate has to be open.
 */
void qbd_leader_serve(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	if (lead->state != QBD_LEADER_READY || !lead->gate || lead->cfg.repair)
		return;
	lead->state = QBD_LEADER_SERVING;
	qbd_actions_add(acts, QBD_ACT_SERVING);
}

/**
 * qbd_leader_committed() - the commit index has risen
 * @lead: the leader
 * @acts: actions of the step
 *
 * The first time it is the term-start record: the history is settled, on one
 * version of each block that was in flight when the old leader died.
 */
void qbd_leader_committed(struct qbd_leader_core *lead,
			  struct qbd_actions *acts)
{
	if (lead->state != QBD_LEADER_RECOVERING ||
	    lead->commit <= lead->history.index)
		return;
	lead->state = QBD_LEADER_READY;
	qbd_actions_add(acts, QBD_ACT_READY);
	qbd_leader_serve(lead, acts);
}

static void qbd_leader_need_term(const struct qbd_leader_core *lead, int err,
				 u64 term, struct qbd_actions *acts)
{
	struct qbd_action *act = qbd_actions_add(acts, QBD_ACT_NEED_TERM);

	if (!act)
		return;
	act->err = err;
	act->term = term;
}

/**
 * qbd_leader_recover_gain() - a member has more on stable media than before
 * @lead: the leader
 * @prog: the member
 *
 * A fill may take longer than a recovery is waited for, and is no reason to
 * give up an attach as long as it gets on. Each index counts once for each
 * member, whatever becomes of its sessions: one that begins again and again
 * gets nowhere. So the deadline comes at last.
 */
void qbd_leader_recover_gain(struct qbd_leader_core *lead,
			     struct qbd_progress *prog)
{
	if (prog->durable <= prog->gained)
		return;
	prog->gained = prog->durable;
	if (qbd_leader_recovering(lead))
		lead->recover_ns = lead->now_ns;
}

/**
 * qbd_leader_recover_tick() - does recovery get anywhere?
 * @lead: the leader
 * @acts: actions of the step
 *
 * V6: the only copy of the chosen history may have died. This term can not
 * choose again (S2); a new one can. Asked for with growing patience, for the
 * copy may as well come back.
 */
void qbd_leader_recover_tick(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	if (!qbd_leader_recovering(lead) ||
	    lead->now_ns - lead->recover_ns < lead->recover_wait_ns)
		return;
	lead->recover_ns = lead->now_ns;
	lead->recover_wait_ns = min(lead->recover_wait_ns * 2,
				    lead->cfg.recover_ns * QBD_RECOVER_WAITS);
	qbd_leader_need_term(lead, -ENODATA, 0, acts);
}

/* The member is of no use for now; it is asked again later. */
static void qbd_leader_refused(struct qbd_leader_core *lead, u32 member,
			       u32 why)
{
	struct qbd_progress *prog = &lead->prog[member];

	prog->state = QBD_MEMBER_REFUSED;
	prog->refused = true;
	prog->why = why;
	prog->promised = false;
	prog->version = 0;
	prog->active_ns = lead->now_ns;
	qbd_leader_source_gone(lead, member);
	qbd_leader_read_down(lead, member);
}

/*
 * Members of another size will not change their mind. If there is no quorum
 * without them the attach has to end: waiting for it would look like waiting
 * for a node that is down. Said once: who only wants to grow goes on without.
 */
static void qbd_leader_sizes(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	u16 mask = 0;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].why != QBD_NACK_SIZE)
			mask |= 1U << i;
	if (lead->size_shown || lead->state != QBD_LEADER_OPENING ||
	    qbd_quorum_has(&lead->cfg.set, mask))
		return;
	lead->size_shown = true;
	qbd_leader_need_term(lead, -EFBIG, 0, acts);
}

/* Refusals that are about the term, not about what was asked. */
static bool qbd_leader_nack_term(struct qbd_leader_core *lead, u32 member,
				 const struct qbd_msg_nack *nack,
				 struct qbd_actions *acts)
{
	switch (nack->reason) {
	case QBD_NACK_STALE_TERM:
		if (nack->promise_term <= lead->cfg.term)
			return false; /* below a floor, which fences nobody */
		qbd_leader_lost(lead, nack->promise_term, acts);
		return true;
	case QBD_NACK_TERM_TAKEN:
		qbd_leader_need_term(lead, -ESTALE, 0, acts);
		qbd_leader_lost(lead, 0, acts);
		return true;
	case QBD_NACK_STALE_EPOCH:
		/* a learner may have been made for the set to come */
		if (!lead->epoch_shown &&
		    qbd_set_voters(&lead->cfg.set) & (1U << member) &&
		    nack->promise_epoch > lead->cfg.set.epoch) {
			lead->epoch_shown = true;
			qbd_leader_need_term(lead, -EAGAIN, nack->promise_epoch,
					     acts);
		}
		return false;
	default:
		return false;
	}
}

/**
 * qbd_leader_nack() - a member refused something
 * @lead: the leader
 * @member: its number
 * @msg: the refusal
 * @acts: actions of the step
 *
 * A higher term fences this leader whatever was asked (S7: the shell stops all
 * shards of the volume); the rest counts only for the session it is about.
 */
void qbd_leader_nack(struct qbd_leader_core *lead, u32 member,
		     const struct qbd_msg *msg, struct qbd_actions *acts)
{
	const struct qbd_msg_nack *nack = &msg->nack;
	struct qbd_progress *prog = &lead->prog[member];

	if (nack->request == QBD_MSG_READ)
		qbd_leader_read_refused(lead, member, nack->id);
	if (qbd_leader_nack_term(lead, member, nack, acts) ||
	    msg->session != prog->session)
		return;
	qbd_progress_answered(prog, lead->now_ns);
	switch (nack->reason) {
	case QBD_NACK_MISMATCH:
		if (prog->promised && nack->incarnation != prog->incarnation)
			qbd_leader_open(lead, member, acts); /* as in ack() */
		else if (prog->promised)
			qbd_leader_match(lead, member, nack->hint, acts);
		break;
	case QBD_NACK_FULL:
		if (prog->promised && nack->incarnation != prog->incarnation)
			qbd_leader_open(lead, member, acts); /* as in ack() */
		else if (prog->promised)
			qbd_leader_full(lead, member, nack, acts);
		break;
	case QBD_NACK_NEED_OPEN:
		if (prog->state != QBD_MEMBER_OPENING)
			qbd_leader_open(lead, member, acts);
		break;
	case QBD_NACK_STALE_EPOCH:
		if (nack->promise_epoch <= lead->cfg.set.epoch) {
			/* sent before the set changed */
			qbd_leader_open(lead, member, acts);
			break;
		}
		fallthrough;
	case QBD_NACK_STALE_TERM:
	case QBD_NACK_FAILED:
	case QBD_NACK_UNKNOWN:
	case QBD_NACK_LEASE_LONG:
		qbd_leader_refused(lead, member, nack->reason);
		break;
	case QBD_NACK_SIZE:
		qbd_leader_refused(lead, member, nack->reason);
		qbd_leader_sizes(lead, acts);
		break;
	case QBD_NACK_BUSY:
	case QBD_NACK_BEHIND:
	case QBD_NACK_LEASED:
	default:
		/* asked again by the clock, or elsewhere */
		break;
	}
}
