// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying out what a shard's machines want done: one function per action, in
 * a table. Called by the pump alone, one action at a time, in order, without
 * locks. Decides nothing, waits for nothing.
 *
 * A message to this node itself goes to the other machine of the shard at
 * once. One to a node without a connection is dropped.
 */
#include <linux/ktime.h>

#include "event.h"
#include "peer.h"
#include "request.h"
#include "shard.h"
#include "shard_set.h"
#include "shard_verify.h"
#include "trace.h"
#include "volume.h"

static void qbd_act_send_self(struct qbd_shard *shard, struct qbd_msg *msg)
{
	qbd_peer_own_msg(&shard->node->self, msg, ktime_get_boottime_ns());
	if (!qbd_msg_to_replica(msg->type)) {
		struct qbd_leader_event event = {
			.kind = QBD_LEADER_MSG,
			.node = shard->node->spec.id,
			.msg = msg,
		};

		qbd_shard_lock(shard);
		if (shard->lead) {
			__qbd_shard_lead_step(shard, &event);
			/* the leader's until PUT */
			if (msg->type == QBD_MSG_READ_REPLY)
				msg->payload = NULL;
		}
		qbd_shard_unlock(shard);
	} else {
		struct qbd_replica_event event = {
			.kind = QBD_REPLICA_MSG,
			.node = shard->node->spec.id,
			.msg = msg,
		};

		qbd_shard_rep_step(shard, &event);
	}
}

/* What a member lacks is sent by another; see core/leader_fill.c. */
static void qbd_act_trace(const struct qbd_msg *msg)
{
	const struct qbd_msg_fetch *fetch = &msg->fetch;
	const struct qbd_msg_fetch_reply *reply = &msg->fetch_reply;

	if (msg->type == QBD_MSG_FETCH)
		trace_qbd_fetch_asked(msg->key.volume, msg->key.shard,
				      fetch->target, msg->term,
				      fetch->have.index, 0);
	else if (msg->type == QBD_MSG_FETCH_REPLY)
		trace_qbd_fetch_sent(msg->key.volume, msg->key.shard,
				     reply->target, msg->term,
				     reply->through.index, (u8)reply->status);
}

static void qbd_act_send(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_act_trace(&act->msg);
	if (act->node == shard->node->spec.id)
		qbd_act_send_self(shard, &act->msg);
	else
		qbd_shard_send(shard, act->node, &act->msg);
	if (act->msg.payload)
		qbd_payload_put(act->msg.payload);
}

static void qbd_act_send_log(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_send_log(shard, act->node, &act->msg);
}

static void qbd_act_read(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_serve(shard, act->node, &act->msg);
}

/* Is the action one of the replica that is here now? */
static bool __qbd_act_alive(const struct qbd_shard *shard)
{
	qbd_assert_shard_locked(shard);
	return shard->store && shard->acting.life == shard->life;
}

static void qbd_act_bound(struct qbd_shard *shard, struct qbd_action *act)
{
	spin_lock(&shard->lock);
	if (__qbd_act_alive(shard))
		qbd_kstore_commit_set(shard->store, shard->slot, act->index);
	spin_unlock(&shard->lock);
}

static void qbd_act_vote(struct qbd_shard *shard, struct qbd_action *act)
{
	spin_lock(&shard->lock);
	if (__qbd_act_alive(shard))
		__qbd_shard_replica_votes(shard);
	spin_unlock(&shard->lock);
}

static void qbd_act_fail(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_replica_fail(shard, shard->acting.life, act->err,
			       "its log is inconsistent");
}

static void qbd_act_complete(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_complete(shard, act->req, act->err, act->payload);
	if (act->payload)
		qbd_payload_put(act->payload);
}

static void qbd_act_put(struct qbd_shard *shard, struct qbd_action *act)
{
	if (act->payload)
		qbd_payload_put(act->payload);
}

static void qbd_act_read_local(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_read_local(shard, act->req, act->id);
}

/* Is the action one of the leader that is here now? */
static bool __qbd_act_leads(const struct qbd_shard *shard)
{
	qbd_assert_shard_locked(shard);
	return shard->lead && shard->acting.lead_gen == shard->lead_gen;
}

/*
 * The volume's gate wants to know, and so does whoever looks at the state. A
 * promise to the former leader opens no gate of this one (S7).
 */
static void qbd_act_report(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_volume *vol;

	spin_lock(&shard->lock);
	__qbd_shard_state_update(shard);
	vol = __qbd_act_leads(shard) ? shard->vol : NULL;
	if (vol)
		qbd_volume_get(vol);
	spin_unlock(&shard->lock);
	if (!vol)
		return;
	qbd_volume_report(vol, shard, act);
	qbd_volume_put(vol);
}

static void qbd_act_ready(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_act_report(shard, act);
	qbd_shard_set_log(shard);
}

static void qbd_act_serving(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_act_report(shard, act);
	qbd_shard_held_retry(shard);
}

static void qbd_act_space(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_held_retry(shard);
}

/**
 * qbd_shard_member_state() - a member's state as the leader sees it, for people
 * @state: enum qbd_member_state
 *
 * Return: the state in the words of the netlink family.
 */
enum qbd_replica_state qbd_shard_member_state(u8 state)
{
	switch (state) {
	case QBD_MEMBER_LIVE:
		return QBD_REPLICA_STATE_IN_SYNC;
	case QBD_MEMBER_LAGGING:
		return QBD_REPLICA_STATE_LAGGING;
	case QBD_MEMBER_DOWN:
		return QBD_REPLICA_STATE_OFFLINE;
	case QBD_MEMBER_RESYNC:
		return QBD_REPLICA_STATE_RESYNC;
	case QBD_MEMBER_FULL:
		return QBD_REPLICA_STATE_FULL;
	case QBD_MEMBER_GONE:
	case QBD_MEMBER_REFUSED:
		return QBD_REPLICA_STATE_FAILED;
	default:
		return QBD_REPLICA_STATE_RECOVERING;
	}
}

/**
 * qbd_shard_member_why() - why a member refused its leader, for people
 * @reason: enum qbd_wire_reason, 0 = it did not
 *
 * Return: a sentence; NULL if it did not.
 */
const char *qbd_shard_member_why(u8 reason)
{
	switch (reason) {
	case 0:
		return NULL;
	case QBD_NACK_STALE_TERM:
		return "its floor is above this term, attach under a higher one";
	case QBD_NACK_STALE_EPOCH:
		return "it knows a newer replica set";
	case QBD_NACK_FAILED:
		return "it has failed, or its store";
	case QBD_NACK_UNKNOWN:
		return "its node has no such replica";
	case QBD_NACK_LEASE_LONG:
		return "the lease is longer than its node's";
	case QBD_NACK_SIZE:
		return "it has another size than the shard";
	case QBD_NACK_FULL:
		return "its store has no room";
	default:
		return "it refused";
	}
}

static void qbd_act_member(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_REPLICA_STATE,
		.state = qbd_shard_member_state(act->state),
		.reason = qbd_shard_member_why(act->reason),
		.volume = shard->key.volume,
		.shard = shard->key.shard,
		.has_shard = true,
	};

	spin_lock(&shard->lock);
	if (__qbd_act_leads(shard)) {
		notice.replica = act->id;
		notice.term = shard->term;
		qbd_event_emit(shard->node, &notice);
	}
	spin_unlock(&shard->lock);
}

/* A member is new: the leader does not know yet whether it can be reached. */
static void qbd_act_joined(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_shard_link_joined(shard, act->node);
}

/* clang-format off */
static void (*const qbd_act_table[])(struct qbd_shard *,
				     struct qbd_action *) = {
	[QBD_ACT_SEND]		= qbd_act_send,
	[QBD_ACT_SEND_LOG]	= qbd_act_send_log,
	[QBD_ACT_LOG_APPEND]	= qbd_shard_log,
	[QBD_ACT_LOG_PROMISE]	= qbd_shard_log,
	[QBD_ACT_LOG_TRUNCATE]	= qbd_shard_log,
	[QBD_ACT_LOG_FORGET]	= qbd_shard_log_forget,
	[QBD_ACT_LOG_VOTE]	= qbd_act_vote,
	[QBD_ACT_BOUND]		= qbd_act_bound,
	[QBD_ACT_READ]		= qbd_act_read,
	[QBD_ACT_SEND_PIN]	= qbd_shard_send_pin,
	[QBD_ACT_DIFF]		= qbd_shard_copy,
	[QBD_ACT_DIGEST]	= qbd_shard_copy,
	[QBD_ACT_SHADOW]	= qbd_shard_copy,
	[QBD_ACT_FAIL]		= qbd_act_fail,
	[QBD_ACT_COMPLETE]	= qbd_act_complete,
	[QBD_ACT_PUT]		= qbd_act_put,
	[QBD_ACT_READ_LOCAL]	= qbd_act_read_local,
	[QBD_ACT_PROMISED]	= qbd_act_report,
	[QBD_ACT_READY]		= qbd_act_ready,
	[QBD_ACT_SERVING]	= qbd_act_serving,
	[QBD_ACT_SPACE]		= qbd_act_space,
	[QBD_ACT_SUSPENDED]	= qbd_act_report,
	[QBD_ACT_RESUMED]	= qbd_act_serving,
	[QBD_ACT_TERM_LOST]	= qbd_act_report,
	[QBD_ACT_NEED_TERM]	= qbd_act_report,
	[QBD_ACT_RELEASED]	= qbd_act_report,
	[QBD_ACT_MEMBER]	= qbd_act_member,
	[QBD_ACT_JOINED]	= qbd_act_joined,
	[QBD_ACT_CONFIG]	= qbd_shard_set_committed,
	[QBD_ACT_DIFFERS]	= qbd_shard_differs,
	[QBD_ACT_VERIFIED]	= qbd_shard_verified,
};

/* clang-format on */

/**
 * qbd_shard_carry_out() - do what an action says
 * @shard: the shard; the caller is its pump
 * @act: the action; its reference of a payload is used up
 */
void qbd_shard_carry_out(struct qbd_shard *shard, struct qbd_action *act)
{
	if (WARN_ON_ONCE(act->kind >= ARRAY_SIZE(qbd_act_table)))
		return;
	qbd_act_table[act->kind](shard, act);
}
