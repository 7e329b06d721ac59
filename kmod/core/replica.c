// SPDX-License-Identifier: GPL-2.0-only
/*
 * One replica of a shard: which event goes where, who may command it, and the
 * form of its answers. See replica.h.
 */
#include "replica_parts.h"

/*
 * The longest lease that may still run from a life before: the one that the
 * promise was made with, for a holder counts on what its OPEN named, or the
 * longest of this life, whichever is longer. This life's alone is not enough: A
 * grants 60 s to L1, is started again with leases of 1.5 s, waits for that long
 * and promises to L2, while L1 reads on.
 */
static u64 qbd_replica_granted(const struct qbd_replica_config *cfg)
{
	u64 lease_ns = cfg->promise.lease_ms * (u64)NSEC_PER_MSEC;

	return max(cfg->max_lease_ns, lease_ns);
}

/**
 * qbd_replica_init() - a replica whose store was just opened
 * @rep: the replica
 * @cfg: what its store knows of it
 * @now_ns: BOOTTIME
 *
 * S9 a: in its life before it may have granted a lease that still runs. It
 * does not remember when, so it takes the longest there is: until then no node
 * but the last holder's gets an answer. Otherwise: L1 is leased by A and B and
 * cut off from C; A restarts within half a second, promises a higher term to L2
 * together with C; L2 completes a write; L1 still serves the old version.
 * For the same reason the version of the list is raised before the replica
 * says a word: heartbeats do not renew what a former life was granted.
 */
void qbd_replica_init(struct qbd_replica_core *rep,
		      const struct qbd_replica_config *cfg, u64 now_ns)
{
	memset(rep, 0, sizeof(*rep));
	rep->cfg = *cfg;
	rep->promise = cfg->promise;
	rep->promised = true;
	rep->last = cfg->last;
	rep->durable = cfg->last.index;
	rep->bound = min(cfg->commit, cfg->last.index);
	rep->flags = cfg->flags;
	rep->epoch = cfg->config_epoch;
	rep->logged = cfg->config_epoch;
	rep->logged_index = cfg->last.index;
	if (!rep->promise.node)
		return;
	cfg->ops->lease_leave(cfg->ctx, rep->promise.node);
	if (!QBD_MUTANT(lease_forgotten_at_start))
		rep->silent_until_ns = now_ns + qbd_replica_granted(cfg);
}

/**
 * qbd_replica_epoch() - config epoch below which nothing is accepted
 * @rep: the replica
 *
 * Return: the highest one it knows.
 */
u64 qbd_replica_epoch(const struct qbd_replica_core *rep)
{
	return max(rep->epoch, rep->promise.epoch);
}

/**
 * qbd_replica_min_term() - term below which nothing is accepted
 * @rep: the replica
 *
 * The term of its last record counts too: somebody obeyed that leader, so this
 * was promised, though the log may have lost the promise to rot, or was made
 * up. A leader below it has no use for a history that ends above it.
 *
 * Return: the highest one promised, or the floor that consensus set.
 */
u64 qbd_replica_min_term(const struct qbd_replica_core *rep)
{
	return max3(rep->promise.term, rep->floor, rep->last.term);
}

/**
 * qbd_replica_send() - a message to the holder of the promise
 * @rep: the replica
 * @node: where it goes
 * @type: enum qbd_wire_type
 * @acts: actions of the step
 *
 * Return: the message, its authority filled in, its body zero; NULL if there
 * was no room.
 */
struct qbd_msg *qbd_replica_send(const struct qbd_replica_core *rep, u32 node,
				 u16 type, struct qbd_actions *acts)
{
	struct qbd_action *act = qbd_actions_add(acts, QBD_ACT_SEND);
	struct qbd_msg *msg;

	if (!act)
		return NULL;
	act->node = node;
	msg = &act->msg;
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->key = rep->cfg.key;
	msg->replica = rep->cfg.replica;
	msg->term = rep->promise.term;
	msg->nonce = rep->promise.nonce;
	msg->epoch = rep->promise.epoch;
	msg->session = rep->session;
	return msg;
}

/**
 * qbd_replica_reply_by() - the answer to a request, by an action of some kind
 * @rep: the replica
 * @node: who asked
 * @to: the request
 * @type: enum qbd_wire_type
 * @kind: SEND, or one that sends more than that
 * @acts: actions of the step
 *
 * It bears the authority of the request, also where it refuses it, so that the
 * one who asked knows it for an answer.
 *
 * Return: the message, its body zero; NULL if there was no room.
 */
struct qbd_msg *qbd_replica_reply_by(const struct qbd_replica_core *rep,
				     u32 node, const struct qbd_msg *to,
				     u16 type, enum qbd_action_kind kind,
				     struct qbd_actions *acts)
{
	struct qbd_msg *msg = qbd_replica_send(rep, node, type, acts);

	if (!msg)
		return NULL;
	acts->act[acts->nr - 1].kind = kind;
	msg->term = to->term;
	msg->nonce = to->nonce;
	msg->epoch = to->epoch;
	msg->session = to->session;
	return msg;
}

/**
 * qbd_replica_reply() - the answer to a request
 * @rep: the replica
 * @node: who asked
 * @to: the request
 * @type: enum qbd_wire_type
 * @acts: actions of the step
 *
 * Return: as qbd_replica_reply_by().
 */
struct qbd_msg *qbd_replica_reply(const struct qbd_replica_core *rep, u32 node,
				  const struct qbd_msg *to, u16 type,
				  struct qbd_actions *acts)
{
	return qbd_replica_reply_by(rep, node, to, type, QBD_ACT_SEND, acts);
}

/**
 * qbd_replica_nack() - refuse a request
 * @rep: the replica
 * @node: who asked
 * @to: the request
 * @reason: enum qbd_wire_reason
 * @acts: actions of the step
 *
 * A refused APPEND of catch-up goes to the leader in whose name it came.
 */
void qbd_replica_nack(const struct qbd_replica_core *rep, u32 node,
		      const struct qbd_msg *to, u32 reason,
		      struct qbd_actions *acts)
{
	struct qbd_msg *msg;

	if (to->flags & QBD_WIRE_FILL) {
		if (to->term != rep->promise.term ||
		    to->nonce != rep->promise.nonce)
			return;
		node = rep->promise.node;
	}
	msg = qbd_replica_reply(rep, node, to, QBD_MSG_NACK, acts);
	if (!msg)
		return;
	msg->nack.reason = reason;
	msg->nack.request = to->type;
	/*
	 * Not the floor: that is no promise. Named as one it would end a leader
	 * that all others obey, on the word of a replica without a vote.
	 */
	msg->nack.promise_term = max(rep->promise.term, rep->last.term);
	msg->nack.promise_epoch = qbd_replica_epoch(rep);
	msg->nack.incarnation = rep->cfg.incarnation;
	if (reason == QBD_NACK_UNKNOWN)
		msg->replica = to->replica;
	if (to->type == QBD_MSG_READ)
		msg->nack.id = to->read.id;
	else if (reason == QBD_NACK_SIZE)
		msg->nack.id = rep->cfg.blocks;
	/* what is committed is in every leader's history: no need to go below
	 */
	if (reason == QBD_NACK_MISMATCH || reason == QBD_NACK_FULL)
		msg->nack.hint =
			qbd_replica_hint(rep, to->append.prev, rep->bound);
}

/**
 * qbd_replica_stamp() - state and lease of the replica, into an answer
 * @rep: the replica
 * @msg: the answer, to the holder of the promise
 *
 * V10: every ack renews the lease, so that bulk data ahead of a heartbeat does
 * not expire it. A replica that is not in the list says so by 0.
 */
void qbd_replica_stamp(const struct qbd_replica_core *rep, struct qbd_msg *msg)
{
	struct qbd_lease_stamp stamp =
		rep->cfg.ops->lease_stamp(rep->cfg.ctx, rep->promise.node);

	msg->beat = stamp.beat;
	msg->list = rep->listed ? stamp.version : 0;
	if (rep->flags & QBD_REPLICA_NONVOTING)
		msg->flags |= QBD_WIRE_NONVOTING;
	if (rep->flags & QBD_REPLICA_SUSPECT)
		msg->flags |= QBD_WIRE_SUSPECT;
}

/* Why a request other than OPEN is refused, 0 if it is not. */
static u32 qbd_replica_refusal(const struct qbd_replica_core *rep, u32 node,
			       const struct qbd_msg *msg)
{
	if (rep->failed)
		return QBD_NACK_FAILED;
	if (msg->term < qbd_replica_min_term(rep))
		return QBD_NACK_STALE_TERM;
	if (msg->epoch < qbd_replica_epoch(rep))
		return QBD_NACK_STALE_EPOCH;
	if (msg->term > rep->promise.term || !rep->promised || !rep->opened)
		return QBD_NACK_NEED_OPEN;
	if (msg->nonce != rep->promise.nonce)
		return QBD_NACK_TERM_TAKEN;
	if (node != rep->promise.node && !(msg->flags & QBD_WIRE_FILL))
		return QBD_NACK_TERM_TAKEN;
	return 0;
}

/**
 * qbd_replica_obeys() - does this request come from the promise's holder?
 * @rep: the replica
 * @event: the request
 * @acts: actions of the step: the refusal, if not
 *
 * S10: a higher promise refuses appends, reads, fills and fetches of lower
 * terms alike, from the moment it is made in memory; and nothing is accepted
 * in a term before its OPEN was answered, in this life of the replica (a
 * promise read back from the store says nothing of what the leader knows).
 * Without the check an old leader completes writes with this replica that the
 * new one, which read its last index before, knows nothing of.
 *
 * Return: true if so.
 */
bool qbd_replica_obeys(struct qbd_replica_core *rep,
		       const struct qbd_replica_event *event,
		       struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	u32 reason = qbd_replica_refusal(rep, event->node, msg);

	if (QBD_MUTANT(no_term_check) && reason && !rep->failed &&
	    msg->type == QBD_MSG_APPEND) {
		rep->promise.term = msg->term;
		rep->promise.nonce = msg->nonce;
		rep->promise.node = event->node;
		rep->promised = true;
		rep->opened = true;
		reason = 0;
	}
	if (!reason) {
		/* consensus has it, whether its record is here or not (S6) */
		rep->epoch = max(rep->epoch, msg->epoch);
		return true;
	}
	qbd_replica_nack(rep, event->node, msg, reason, acts);
	return false;
}

/**
 * qbd_replica_complain() - refuse what was accepted before, or comes next
 * @rep: the replica, opened
 * @reason: enum qbd_wire_reason
 * @acts: actions of the step
 *
 * Return: the NACK, to the holder of the promise; NULL if there was no room.
 */
struct qbd_msg *qbd_replica_complain(const struct qbd_replica_core *rep,
				     u32 reason, struct qbd_actions *acts)
{
	struct qbd_msg *msg =
		qbd_replica_send(rep, rep->promise.node, QBD_MSG_NACK, acts);

	if (!msg)
		return NULL;
	msg->nack.reason = reason;
	msg->nack.request = QBD_MSG_APPEND;
	msg->nack.promise_term = rep->promise.term;
	msg->nack.promise_epoch = qbd_replica_epoch(rep);
	msg->nack.incarnation = rep->cfg.incarnation;
	return msg;
}

/**
 * qbd_replica_fail() - this replica is of no use any more
 * @rep: the replica
 * @err: negative errno
 * @acts: actions of the step
 *
 * It leaves the list before it says so (S9 b), and never acknowledges again.
 */
void qbd_replica_fail(struct qbd_replica_core *rep, int err,
		      struct qbd_actions *acts)
{
	struct qbd_action *act;

	if (rep->failed)
		return;
	rep->failed = err;
	rep->ack_due = false;
	memset(rep->fill, 0, sizeof(rep->fill));
	qbd_replica_resync_end(rep);
	qbd_replica_source_end(rep);
	qbd_replica_leave(rep);
	act = qbd_actions_add(acts, QBD_ACT_FAIL);
	if (act)
		act->err = err;
	if (rep->opened)
		qbd_replica_complain(rep, QBD_NACK_FAILED, acts);
}

/* What replicas say to each other, and the order for it. */
static void qbd_replica_resync_msg(struct qbd_replica_core *rep,
				   const struct qbd_replica_event *event,
				   struct qbd_actions *acts)
{
	switch (event->msg->type) {
	case QBD_MSG_RESYNC:
		qbd_replica_resync(rep, event, acts);
		break;
	case QBD_MSG_PIN:
		qbd_replica_pin(rep, event, acts);
		break;
	case QBD_MSG_MAP:
		qbd_replica_map(rep, event, acts);
		break;
	case QBD_MSG_DIFF:
		qbd_replica_diff(rep, event, acts);
		break;
	case QBD_MSG_UNPIN:
		qbd_replica_unpin(rep, event);
		break;
	default:
		/* a reply, or between nodes: not for a replica */
		break;
	}
}

/* An answer of a source names the source. */
static bool qbd_replica_from_source(u16 type)
{
	return type == QBD_MSG_PIN_REPLY || type == QBD_MSG_MAP_REPLY ||
	       type == QBD_MSG_DIFF_REPLY;
}

static void qbd_replica_msg(struct qbd_replica_core *rep,
			    const struct qbd_replica_event *event,
			    struct qbd_actions *acts)
{
	if (qbd_replica_from_source(event->msg->type)) {
		qbd_replica_resync_got(rep, event, acts);
		return;
	}
	if (event->msg->replica != rep->cfg.replica) {
		qbd_replica_nack(rep, event->node, event->msg, QBD_NACK_UNKNOWN,
				 acts);
		return;
	}
	switch (event->msg->type) {
	case QBD_MSG_OPEN:
		qbd_replica_open(rep, event, acts);
		break;
	case QBD_MSG_APPEND:
		qbd_replica_append(rep, event, acts);
		break;
	case QBD_MSG_READ:
		qbd_replica_read(rep, event, acts);
		break;
	case QBD_MSG_FETCH:
		qbd_replica_fetch(rep, event, acts);
		break;
	case QBD_MSG_RELEASE:
		qbd_replica_release(rep, event, acts);
		break;
	default:
		qbd_replica_resync_msg(rep, event, acts);
		break;
	}
}

/**
 * qbd_replica_step() - one event
 * @rep: the replica
 * @event: what happened
 * @acts: where the actions go, see step.h
 */
void qbd_replica_step(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts)
{
	acts->more = false;
	rep->now_ns = max(rep->now_ns, event->now_ns);
	switch (event->kind) {
	case QBD_REPLICA_MSG:
		qbd_replica_msg(rep, event, acts);
		break;
	case QBD_REPLICA_LOGGED:
		qbd_replica_logged(rep, event->pos, acts);
		break;
	case QBD_REPLICA_PROMISED:
		qbd_replica_promised(rep, event->term, event->nonce, acts);
		break;
	case QBD_REPLICA_TRUNCATED:
		qbd_replica_truncated(rep);
		break;
	case QBD_REPLICA_UNLOGGED:
		qbd_replica_unlogged(rep, event->pos);
		break;
	case QBD_REPLICA_FORGOT:
		qbd_replica_resync_forgot(rep);
		qbd_replica_full_forgot(rep, event->pos, acts);
		break;
	case QBD_REPLICA_FULL:
		qbd_replica_full(rep, acts);
		break;
	case QBD_REPLICA_READ_DONE:
		qbd_replica_read_done(rep, event, acts);
		break;
	case QBD_REPLICA_LOG_BAD:
		qbd_replica_log_bad(rep, event, acts);
		break;
	case QBD_REPLICA_SHADOWED:
		qbd_replica_shadowed(rep, event, acts);
		break;
	case QBD_REPLICA_FLOOR:
		qbd_replica_floor(rep, event->term, acts);
		break;
	case QBD_REPLICA_FAILED:
		qbd_replica_fail(rep, event->err, acts);
		break;
	case QBD_REPLICA_TICK:
		qbd_replica_wakeup(rep, event->now_ns, acts);
		qbd_replica_source_tick(rep);
		qbd_replica_full_tick(rep, acts);
		break;
	case QBD_REPLICA_MORE:
		break;
	}
	if (rep->ack_due) {
		rep->ack_due = false;
		qbd_replica_ack(rep, acts);
	}
	qbd_replica_fill(rep, acts);
	qbd_replica_resync_drive(rep, acts);
}

/**
 * qbd_replica_busy() - does time matter much?
 * @rep: the replica
 *
 * Return: true if an OPEN waits, or a resync is under way: TICK at least every
 * eighth of the lease then.
 */
bool qbd_replica_busy(const struct qbd_replica_core *rep)
{
	u8 sync = rep->resync.state;

	return rep->open.type ||
	       (sync != QBD_RESYNC_NONE && sync != QBD_RESYNC_DONE);
}
