// SPDX-License-Identifier: GPL-2.0-only
/*
 * The source of a resync: a replica that lets others copy it. See resync.h.
 *
 * It answers whoever is told to be a copy by the leader that it obeys itself.
 * Others it leaves alone without a word: who asks has a clock, and the leader
 * that gave the order another source.
 */
#include "replica_parts.h"
#include "wire.h"

/*
 * What a source sends is committed, whoever leads. But one that does not obey
 * the target's leader may be a member of yesterday's set, and its pin older
 * than anybody needs.
 */
static bool qbd_source_serves(const struct qbd_replica_core *rep,
			      const struct qbd_msg *msg)
{
	return rep->cfg.resync && !rep->failed && !rep->flags && rep->opened &&
	       rep->promised && msg->term == rep->promise.term &&
	       msg->nonce == rep->promise.nonce;
}

/* One that is about to be another replica can't be pinned. */
static bool qbd_source_is_target(const struct qbd_replica_core *rep)
{
	const struct qbd_resync *sync = &rep->resync;

	return sync->shadowed || (sync->state != QBD_RESYNC_NONE &&
				  sync->state != QBD_RESYNC_DONE);
}

/* Who asks, or a free place for it; NULL if there is none. */
static struct qbd_pin_user *qbd_source_user(struct qbd_replica_core *rep,
					    u64 target)
{
	struct qbd_pin_user *free = NULL;
	u32 i;

	for (i = 0; i < QBD_PIN_USERS; i++) {
		struct qbd_pin_user *user = &rep->pin_user[i];

		if (user->target == target)
			return user;
		if (!user->target && !free)
			free = user;
	}
	return free;
}

static u32 qbd_source_users(const struct qbd_replica_core *rep)
{
	u32 i, nr = 0;

	for (i = 0; i < QBD_PIN_USERS; i++)
		nr += !!rep->pin_user[i].target;
	return nr;
}

/* Somebody asked in the last while: the pin stays. */
static void qbd_source_used(struct qbd_replica_core *rep, u32 node)
{
	u32 i;

	for (i = 0; i < QBD_PIN_USERS; i++)
		if (rep->pin_user[i].target && rep->pin_user[i].node == node)
			rep->pin_user[i].used_ns = rep->now_ns;
}

/*
 * The pin that is there may have nothing for this target: it is of an attempt
 * before, or others came earlier. Then there has to be another one, and if that
 * has nothing either, this replica's log has all that the target lacks.
 */
static int qbd_source_pin(struct qbd_replica_core *rep,
			  struct qbd_pin_user *user, u64 have,
			  struct qbd_pin_info *info)
{
	const struct qbd_resync_ops *ops = rep->cfg.resync;
	int err = ops->pin(rep->cfg.ctx, info);

	if (err == -EAGAIN)
		user->waited = true;
	if (!err && QBD_MUTANT(pin_named_late))
		info->at = rep->last;
	if (err || info->at.index > have)
		return err;
	if (user->waited)
		return -ESTALE;
	if (qbd_source_users(rep) == 1) {
		ops->unpin(rep->cfg.ctx);
		user->waited = true;
	}
	return -EAGAIN;
}

/**
 * qbd_replica_pin() - a PIN came
 * @rep: the replica
 * @event: the PIN, from the node of a target
 * @acts: actions of the step
 *
 * S12: what the target gets is one state, with an index that is committed.
 */
void qbd_replica_pin(struct qbd_replica_core *rep,
		     const struct qbd_replica_event *event,
		     struct qbd_actions *acts)
{
	const struct qbd_msg_pin *pin = &event->msg->pin;
	struct qbd_pin_info info = { 0 };
	struct qbd_pin_user *user;
	struct qbd_msg *msg;
	int err = -EAGAIN;

	if (!qbd_source_serves(rep, event->msg))
		return;
	user = qbd_source_user(rep, pin->target);
	if (qbd_source_is_target(rep)) {
		err = -ENODATA;
	} else if (user) {
		if (user->session != event->msg->session)
			user->waited = false;
		user->target = pin->target;
		user->node = event->node;
		user->session = event->msg->session;
		user->used_ns = rep->now_ns;
		err = qbd_source_pin(rep, user, pin->have.index, &info);
	}
	msg = qbd_replica_reply_by(rep, event->node, event->msg,
				   QBD_MSG_PIN_REPLY,
				   err ? QBD_ACT_SEND : QBD_ACT_SEND_PIN, acts);
	if (!msg)
		return;
	msg->pin_reply.status = qbd_wire_errno_status(err);
	if (err)
		return;
	msg->payload_bytes = QBD_BLOCK_SIZE;
	msg->pin_reply.seq = info.seq;
	msg->pin_reply.at = info.at;
	msg->pin_reply.chunks = info.chunks;
	msg->pin_reply.chunk_blocks = info.chunk_blocks;
}

/**
 * qbd_replica_map() - a MAP came
 * @rep: the replica
 * @event: the MAP
 * @acts: actions of the step
 */
void qbd_replica_map(struct qbd_replica_core *rep,
		     const struct qbd_replica_event *event,
		     struct qbd_actions *acts)
{
	const struct qbd_msg_map *map = &event->msg->map;
	struct qbd_msg_map_reply *reply;
	struct qbd_msg *msg;
	int nr;

	if (!qbd_source_serves(rep, event->msg))
		return;
	qbd_source_used(rep, event->node);
	msg = qbd_replica_reply(rep, event->node, event->msg, QBD_MSG_MAP_REPLY,
				acts);
	if (!msg)
		return;
	reply = &msg->map_reply;
	reply->seq = map->seq;
	reply->from = map->from;
	reply->next = map->from;
	nr = rep->cfg.resync->pin_map(rep->cfg.ctx, map->seq, map->have,
				      &reply->next, reply->entry);
	if (nr < 0)
		reply->status = QBD_STATUS_GONE;
	else
		reply->nr = (u32)nr;
}

/**
 * qbd_replica_diff() - a DIFF came
 * @rep: the replica
 * @event: the DIFF
 * @acts: actions of the step
 */
void qbd_replica_diff(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts)
{
	struct qbd_action *act;

	if (!qbd_source_serves(rep, event->msg))
		return;
	qbd_source_used(rep, event->node);
	act = qbd_actions_add(acts, QBD_ACT_DIFF);
	if (!act)
		return;
	act->node = event->node;
	act->msg = *event->msg;
}

/**
 * qbd_diff_reply() - begin the answer to a DIFF
 * @diff: the DIFF
 * @place: which of its chunks
 * @reply: filled in; without blocks so far
 */
void qbd_diff_reply(const struct qbd_msg *diff, u32 place,
		    struct qbd_msg *reply)
{
	*reply = (struct qbd_msg){
		.type = QBD_MSG_DIFF_REPLY,
		.key = diff->key,
		.replica = diff->replica,
		.term = diff->term,
		.nonce = diff->nonce,
		.epoch = diff->epoch,
		.session = diff->session,
		.diff_reply = {
			.seq = diff->diff.seq,
			.id = diff->diff.id,
			.chunk = diff->diff.chunk[place],
		},
	};
}

static void qbd_source_user_gone(struct qbd_replica_core *rep,
				 struct qbd_pin_user *user)
{
	if (!user->target)
		return;
	user->target = 0;
	if (!qbd_source_users(rep))
		rep->cfg.resync->unpin(rep->cfg.ctx);
}

/**
 * qbd_replica_unpin() - an UNPIN came
 * @rep: the replica
 * @event: the UNPIN
 *
 * That of an attempt before may come after the PIN of the next one, over the
 * connection that was there before.
 */
void qbd_replica_unpin(struct qbd_replica_core *rep,
		       const struct qbd_replica_event *event)
{
	const struct qbd_msg_unpin *unpin = &event->msg->unpin;
	u32 i;

	if (!qbd_source_serves(rep, event->msg))
		return;
	for (i = 0; i < QBD_PIN_USERS; i++)
		if (rep->pin_user[i].target == unpin->target &&
		    rep->pin_user[i].session == event->msg->session)
			qbd_source_user_gone(rep, &rep->pin_user[i]);
}

/**
 * qbd_replica_source_tick() - targets that have gone without a word
 * @rep: the replica
 */
void qbd_replica_source_tick(struct qbd_replica_core *rep)
{
	u32 i;

	for (i = 0; i < QBD_PIN_USERS; i++)
		if (rep->now_ns - rep->pin_user[i].used_ns >=
		    QBD_PIN_IDLE * rep->cfg.retry_ns)
			qbd_source_user_gone(rep, &rep->pin_user[i]);
}

/**
 * qbd_replica_source_end() - nobody is served any more
 * @rep: the replica
 */
void qbd_replica_source_end(struct qbd_replica_core *rep)
{
	u32 i;

	for (i = 0; i < QBD_PIN_USERS; i++)
		qbd_source_user_gone(rep, &rep->pin_user[i]);
}
