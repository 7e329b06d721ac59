// SPDX-License-Identifier: GPL-2.0-only
/*
 * The promise of a replica: OPEN, the lease that an OPEN has to wait for, and
 * RELEASE. After a promise of term t nobody below t is obeyed, ever.
 */
#include "replica_parts.h"

/**
 * qbd_replica_leave() - stop being one that obeys the promise's node
 * @rep: the replica
 *
 * What was granted to that node before binds this replica further; what is
 * granted later does not (S9 b).
 */
void qbd_replica_leave(struct qbd_replica_core *rep)
{
	u64 until_ns;

	if (!rep->listed)
		return;
	until_ns = rep->cfg.ops->lease_leave(rep->cfg.ctx, rep->promise.node);
	rep->granted_until_ns = max(rep->granted_until_ns, until_ns);
	rep->listed = false;
}

/* Answer the OPEN of the promise: it is durable now. */
static void qbd_replica_answer(struct qbd_replica_core *rep,
			       struct qbd_actions *acts)
{
	struct qbd_msg_open_reply *reply;
	struct qbd_msg *msg;

	rep->opened = true;
	/* With a higher OPEN waiting it may be obeyed, but not renewed (V1). */
	rep->listed = !rep->open.type;
	msg = qbd_replica_send(rep, rep->promise.node, QBD_MSG_OPEN_REPLY,
			       acts);
	if (!msg)
		return;
	reply = &msg->open_reply;
	reply->last = rep->answer;
	reply->durable = min(rep->durable, rep->answer.index);
	reply->commit = min(rep->bound, rep->answer.index);
	reply->incarnation = rep->cfg.incarnation;
	reply->opens = rep->cfg.opens;
	reply->config = rep->logged;
	reply->window_records = rep->cfg.window_records;
	reply->window_bytes = rep->cfg.window_bytes;
	qbd_replica_stamp(rep, msg);
}

/* The in-memory promise: whoever is below is refused from now on. */
static void qbd_replica_rise(struct qbd_replica_core *rep,
			     const struct qbd_msg *open)
{
	rep->promise.term = open->term;
	rep->promise.nonce = open->nonce;
	rep->promise.epoch = max(rep->promise.epoch, open->epoch);
	rep->promise.node = open->open.node;
	rep->promise.lease_ms = open->open.lease_ms;
	rep->session = open->session;
	rep->opened = false;
	rep->released = open->flags & QBD_WIRE_REPAIR;
	rep->matched = 0;
	rep->told = 0;
	rep->vouched = 0;
	rep->round = 0;
	rep->ack_due = false;
	rep->full_session = 0;
	memset(rep->fill, 0, sizeof(rep->fill));
	qbd_replica_resync_end(rep);
	rep->resync.order = 0; /* sessions begin anew with the term */
	qbd_replica_source_end(rep);
}

/*
 * Make a promise.
 *
 * S10: first the promise in memory, then the last index is read, then the
 * promise is made durable, then it is answered. Read before it rises: B notes
 * last=20; (5,21) arrives, nothing speaks against it, A and B ack it, it is
 * completed; B answers last=20; L2 has B and C, and 21 is lost. Answered
 * before it is durable: B crashes, comes back without the promise, and acks to
 * the old leader what the new one's history lacks.
 */
static void qbd_replica_promise(struct qbd_replica_core *rep,
				const struct qbd_msg *open,
				struct qbd_actions *acts)
{
	struct qbd_action *act;

	qbd_replica_leave(rep);
	qbd_replica_rise(rep, open);
	if (!QBD_MUTANT(last_before_promise))
		rep->answer = rep->last;
	if (rep->open.type && rep->open.term <= open->term)
		rep->open.type = 0;
	if (QBD_MUTANT(promise_not_persisted)) {
		rep->promised = true;
		qbd_replica_answer(rep, acts);
		return;
	}
	rep->promised = false;
	act = qbd_actions_add(acts, QBD_ACT_LOG_PROMISE);
	if (!act)
		return;
	act->promise = rep->promise;
}

/**
 * qbd_replica_promised() - a promise is durable
 * @rep: the replica
 * @term: its term
 * @nonce: its nonce
 * @acts: actions of the step
 *
 * Everything that was handed to the store before it is durable too: there is
 * one log. A promise that a higher one has overtaken is not answered.
 */
void qbd_replica_promised(struct qbd_replica_core *rep, u64 term, u64 nonce,
			  struct qbd_actions *acts)
{
	if (rep->failed || term != rep->promise.term ||
	    nonce != rep->promise.nonce || rep->opened)
		return;
	rep->promised = true;
	qbd_replica_answer(rep, acts);
}

/*
 * OPEN of the term that is promised already: the leader connects anew, or this
 * replica does not remember that it answered.
 *
 * S2: only to the attach that it was promised to. L@6 gives (6,21)=x to A, its
 * node reboots, and its daemon, which reads "holder: me, term 6", attaches
 * again. It OPENs B and C, finds (6,20), and gives (6,21)=y to them: two
 * records with one name, which no check finds later.
 */
static void qbd_replica_open_again(struct qbd_replica_core *rep,
				   const struct qbd_replica_event *event,
				   struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;

	if ((msg->nonce != rep->promise.nonce ||
	     event->node != rep->promise.node) &&
	    !QBD_MUTANT(term_reused)) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_TERM_TAKEN,
				 acts);
		return;
	}
	if (QBD_MUTANT(term_reused)) {
		rep->promise.nonce = msg->nonce;
		rep->promise.node = event->node;
	}
	rep->epoch = max(rep->epoch, msg->epoch);
	rep->session = max(rep->session, msg->session);
	rep->answer = rep->last;
	if (rep->promised)
		qbd_replica_answer(rep, acts);
}

/*
 * Must this OPEN wait? It must while the lease of another node may run: that
 * node serves reads and will not hear of a new leader before it ends.
 *
 * V1: from the moment it waits the holder's lease is not renewed by this
 * replica any more, or a healthy kernel whose daemon was given up would be
 * renewed for ever and a forced attach never succeed. Which also is what makes
 * it safe to answer when the time that was granted until now is over.
 */
static bool qbd_replica_must_wait(struct qbd_replica_core *rep,
				  const struct qbd_msg *open, u64 now_ns)
{
	if (!rep->promise.node || rep->promise.node == open->open.node ||
	    rep->released)
		return false;
	qbd_replica_leave(rep);
	if (QBD_MUTANT(pending_open_renews))
		rep->listed = rep->opened;
	return now_ns < max(rep->granted_until_ns, rep->silent_until_ns);
}

/**
 * qbd_replica_open() - an OPEN came
 * @rep: the replica
 * @event: the OPEN
 * @acts: actions of the step
 *
 * A lease that is longer than what this replica keeps silent for after a start
 * is refused: the holder would count on what nobody remembers (S9 a).
 *
 * So is one for a shard of another size, before the promise rises: the volume
 * was attached with a size that its replicas do not have. Else a write beyond
 * the end of this one is acknowledged where it fits, and here a record is
 * missing for ever; or, where it fits nowhere, it is the end of all of them.
 *
 * If it has to wait, the one with the highest term is kept and answered when
 * the time has come; NACK LEASED tells the other side why it is quiet here.
 */
void qbd_replica_open(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	u32 reason = 0;

	if (rep->failed)
		reason = QBD_NACK_FAILED;
	else if (msg->open.node != event->node)
		reason = QBD_NACK_UNKNOWN;
	else if (msg->open.lease_ms * (u64)NSEC_PER_MSEC >
		 rep->cfg.max_lease_ns)
		reason = QBD_NACK_LEASE_LONG;
	else if (msg->term < qbd_replica_min_term(rep))
		reason = QBD_NACK_STALE_TERM;
	else if (msg->epoch < qbd_replica_epoch(rep))
		reason = QBD_NACK_STALE_EPOCH;
	else if (msg->open.blocks != rep->cfg.blocks)
		reason = QBD_NACK_SIZE;
	if (reason) {
		qbd_replica_nack(rep, event->node, msg, reason, acts);
		return;
	}
	if (msg->term == rep->promise.term) {
		qbd_replica_open_again(rep, event, acts);
		return;
	}
	rep->answer = rep->last;
	if (!qbd_replica_must_wait(rep, msg, event->now_ns)) {
		qbd_replica_promise(rep, msg, acts);
		return;
	}
	if (!rep->open.type || rep->open.term <= msg->term)
		rep->open = *msg;
	qbd_replica_nack(rep, event->node, msg, QBD_NACK_LEASED, acts);
}

/**
 * qbd_replica_wakeup() - has the time come for an OPEN that waits?
 * @rep: the replica
 * @now_ns: now
 * @acts: actions of the step
 *
 * While it waited consensus may have named a floor above its term: promised
 * after that, a term would be obeyed again that a lost promise may have fenced
 * (S11). Or the holder may have brought a newer replica set: with the old one
 * the new leader would get nowhere, and the holder would be fenced for it.
 */
void qbd_replica_wakeup(struct qbd_replica_core *rep, u64 now_ns,
			struct qbd_actions *acts)
{
	struct qbd_msg open = rep->open;

	if (!open.type || rep->failed)
		return;
	if (open.term <= rep->promise.term) {
		rep->open.type = 0;
		return;
	}
	if (open.term < rep->floor) {
		rep->open.type = 0;
		qbd_replica_nack(rep, open.open.node, &open,
				 QBD_NACK_STALE_TERM, acts);
		return;
	}
	if (open.epoch < qbd_replica_epoch(rep)) {
		rep->open.type = 0;
		qbd_replica_nack(rep, open.open.node, &open,
				 QBD_NACK_STALE_EPOCH, acts);
		return;
	}
	if (rep->released ||
	    now_ns >= max(rep->granted_until_ns, rep->silent_until_ns))
		qbd_replica_promise(rep, &open, acts);
}

/**
 * qbd_replica_release() - the holder has given up its term
 * @rep: the replica
 * @event: the RELEASE
 * @acts: actions of the step
 *
 * It serves nothing any more and never will in this term, so nobody has to
 * wait for its lease.
 */
void qbd_replica_release(struct qbd_replica_core *rep,
			 const struct qbd_replica_event *event,
			 struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;

	if (!qbd_replica_obeys(rep, event, acts))
		return;
	qbd_replica_told(rep, msg->release.commit, acts);
	qbd_replica_leave(rep);
	rep->released = true;
	qbd_replica_reply(rep, event->node, msg, QBD_MSG_RELEASE_ACK, acts);
	qbd_replica_wakeup(rep, event->now_ns, acts);
}
