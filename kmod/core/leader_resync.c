// SPDX-License-Identifier: GPL-2.0-only
/*
 * A member that no log reaches any more is told to become a copy of another
 * one; see resync.h for how, and for why it may be told so.
 *
 * The leader gives the order, asks again how far it is, and finds another
 * source when it gets nowhere. When the member says that it is done it is
 * opened anew: what it has then is compared as after any other restart.
 */
#include "leader_parts.h"

/* The order, or the question how far it is: both are the same message. */
static void qbd_leader_resync_ask(struct qbd_leader_core *lead, u32 member,
				  struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	struct qbd_msg *msg =
		qbd_leader_send(lead, member, QBD_MSG_RESYNC, acts);

	prog->active_ns = lead->now_ns;
	if (!msg)
		return;
	msg->resync.source = lead->cfg.set.member[prog->source].replica;
	msg->resync.node = lead->cfg.set.member[prog->source].node;
}

/**
 * qbd_leader_resync_one() - can a member that is GONE become a copy?
 * @lead: the leader
 * @member: its number
 * @acts: actions of the step
 *
 * Only if a record of this term is committed, without that member: it may have
 * to truncate records that are committed, and they have to be on a quorum that
 * it is not in (resync.h). Told while the leader recovers, B truncates its half
 * of what {A, B} committed; A dies, and with B and C a history begins that
 * never heard of it.
 */
void qbd_leader_resync_one(struct qbd_leader_core *lead, u32 member,
			   struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	int source;

	if (!lead->cfg.resync ||
	    (lead->commit <= lead->history.index &&
	     !QBD_MUTANT(resync_in_recovery)) ||
	    lead->state == QBD_LEADER_RELEASING)
		return;
	/* its last record may be of another history: that is no measure */
	source = qbd_leader_source(lead, member, 0, prog->poor);
	if (source < 0)
		return;
	qbd_progress_session(prog, ++lead->session, lead->now_ns);
	prog->state = QBD_MEMBER_RESYNC;
	prog->source = (s8)source;
	prog->copied = 0;
	prog->copied_bytes = 0;
	prog->gain_ns = lead->now_ns;
	qbd_leader_resync_ask(lead, member, acts);
}

/**
 * qbd_leader_resync_lost() - the source is of no use to the member
 * @lead: the leader
 * @member: its number, RESYNC
 *
 * Another one may be. When all have failed the first is tried again after a
 * while: what a disk could not read, or had no room for, may be so no more.
 */
void qbd_leader_resync_lost(struct qbd_leader_core *lead, u32 member)
{
	struct qbd_progress *prog = &lead->prog[member];

	prog->poor |= 1U << prog->source;
	/* what fills it later has nothing to do with this order */
	qbd_progress_session(prog, ++lead->session, lead->now_ns);
	prog->state = QBD_MEMBER_GONE;
	prog->retry_ns = lead->now_ns + QBD_FILL_AGAIN * lead->cfg.retry_ns;
}

/**
 * qbd_leader_resync_reply() - a member says how far it is
 * @lead: the leader
 * @member: its number
 * @msg: its answer
 * @acts: actions of the step
 */
void qbd_leader_resync_reply(struct qbd_leader_core *lead, u32 member,
			     const struct qbd_msg *msg,
			     struct qbd_actions *acts)
{
	const struct qbd_msg_resync_reply *reply = &msg->resync_reply;
	struct qbd_progress *prog = &lead->prog[member];

	if (prog->state != QBD_MEMBER_RESYNC || msg->session != prog->session)
		return;
	qbd_progress_answered(prog, lead->now_ns);
	switch (reply->status) {
	case QBD_STATUS_OK:
		prog->full = false;
		prog->source = -1;
		qbd_leader_open(lead, member, acts);
		break;
	case QBD_STATUS_BUSY:
		if (reply->chunks != prog->copied ||
		    reply->bytes != prog->copied_bytes)
			prog->gain_ns = lead->now_ns;
		prog->copied = reply->chunks;
		prog->copied_bytes = reply->bytes;
		break;
	case QBD_STATUS_NOSPC:
		/* its last record may be of another history */
		qbd_progress_full(prog, prog->gained, lead->now_ns, 0);
		fallthrough;
	default:
		qbd_leader_resync_lost(lead, member);
		break;
	}
}

/**
 * qbd_leader_resync_tick() - does a resync get anywhere?
 * @lead: the leader
 * @member: its number, RESYNC
 * @acts: actions of the step
 */
void qbd_leader_resync_tick(struct qbd_leader_core *lead, u32 member,
			    struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	u64 wait_ns = max(qbd_leader_patience(lead, member),
			  qbd_leader_patience(lead, prog->source));

	if (lead->now_ns - prog->gain_ns >= QBD_RESYNC_PATIENCE * wait_ns)
		qbd_leader_resync_lost(lead, member);
	else if (lead->now_ns - prog->active_ns >= wait_ns)
		qbd_leader_resync_ask(lead, member, acts);
}
