// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a replica gives to others: blocks to a leader that reads here, records
 * to another replica that the leader wants filled.
 */
#include "replica_parts.h"

/* It reads beyond the end, which no leader of a volume of this size does. */
static void qbd_replica_read_refuse(const struct qbd_replica_core *rep,
				    const struct qbd_replica_event *event,
				    struct qbd_actions *acts)
{
	struct qbd_msg *reply = qbd_replica_reply(rep, event->node, event->msg,
						  QBD_MSG_READ_REPLY, acts);

	if (!reply)
		return;
	reply->read_reply.id = event->msg->read.id;
	reply->read_reply.status = QBD_STATUS_EIO;
}

/**
 * qbd_replica_read() - a READ came
 * @rep: the replica
 * @event: the READ
 * @acts: actions of the step
 *
 * S8: only a replica that holds all that was completed when the read was sent,
 * and obeys the reader's term, answers. One that lags behind would show an
 * older version than somebody has read before; one whose truncation may not
 * have reached the store yet, a version that never was.
 */
void qbd_replica_read(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	struct qbd_action *act;

	if (!qbd_replica_obeys(rep, event, acts))
		return;
	if (msg->read.block >= rep->cfg.blocks ||
	    msg->read.blocks > rep->cfg.blocks - msg->read.block) {
		qbd_replica_read_refuse(rep, event, acts);
		return;
	}
	if (((rep->flags & QBD_REPLICA_SUSPECT) || rep->truncates ||
	     min(rep->last.index, rep->matched) < msg->read.completed) &&
	    !QBD_MUTANT(read_from_behind)) {
		qbd_replica_nack(rep, event->node, msg, QBD_NACK_BEHIND, acts);
		return;
	}
	act = qbd_actions_add(acts, QBD_ACT_READ);
	if (!act)
		return;
	act->node = event->node;
	act->msg = *msg;
}

/* What was read, its digest, or both. */
static void qbd_replica_read_bytes(const struct qbd_replica_event *event,
				   struct qbd_msg *msg)
{
	const struct qbd_msg *to = event->msg;

	msg->read_reply.status = QBD_STATUS_OK;
	msg->flags |= to->flags & (QBD_WIRE_DIGEST | QBD_WIRE_BARE);
	if (to->flags & QBD_WIRE_DIGEST)
		memcpy(msg->read_reply.digest, event->digest, QBD_DIGEST_BYTES);
	if (to->flags & QBD_WIRE_BARE)
		return;
	msg->read_reply.crc = event->crc;
	msg->payload_bytes = to->read.blocks * QBD_BLOCK_SIZE;
	msg->payload = event->payload;
}

/**
 * qbd_replica_read_done() - the blocks of a READ are there
 * @rep: the replica
 * @event: the READ and how it went
 * @acts: actions of the step
 *
 * S8: the promise is looked at again. While a slow disk was busy a new leader
 * may have truncated and fed this replica: the bytes may be of its term.
 *
 * And so is what they show: the store looks them up in parts, some may be
 * looked up before records that this replica had already taken in reached it.
 */
void qbd_replica_read_done(struct qbd_replica_core *rep,
			   const struct qbd_replica_event *event,
			   struct qbd_actions *acts)
{
	const struct qbd_msg *to = event->msg;
	struct qbd_msg *msg;

	if (to->term != rep->promise.term || to->nonce != rep->promise.nonce) {
		qbd_replica_nack(rep, event->node, to, QBD_NACK_STALE_TERM,
				 acts);
		return;
	}
	if (!event->err && event->first < to->read.completed &&
	    !QBD_MUTANT(read_newest_part)) {
		qbd_replica_nack(rep, event->node, to, QBD_NACK_BEHIND, acts);
		return;
	}
	msg = qbd_replica_reply(rep, event->node, to, QBD_MSG_READ_REPLY, acts);
	if (!msg)
		return;
	msg->read_reply.id = to->read.id;
	msg->read_reply.index = event->pos.index;
	switch (event->err) {
	case 0:
		qbd_replica_read_bytes(event, msg);
		break;
	case -EILSEQ:
		msg->read_reply.status = QBD_STATUS_CORRUPT;
		break;
	case -EAGAIN:
		msg->read_reply.status = QBD_STATUS_BUSY;
		break;
	default:
		msg->read_reply.status = QBD_STATUS_EIO;
		break;
	}
}

/* The answer to a FETCH; @fill or @to says to which. */
static void qbd_replica_fetch_reply(const struct qbd_replica_core *rep,
				    u32 node, const struct qbd_msg *to,
				    u32 status, struct qbd_pos through,
				    struct qbd_actions *acts)
{
	struct qbd_msg *msg =
		qbd_replica_reply(rep, node, to, QBD_MSG_FETCH_REPLY, acts);

	if (!msg)
		return;
	msg->fetch_reply.target = to->fetch.target;
	msg->fetch_reply.target_session = to->fetch.target_session;
	msg->fetch_reply.status = status;
	msg->fetch_reply.through = through;
}

/* Slot for a FETCH: that of an earlier one for the same target, or a free. */
static struct qbd_fill *qbd_replica_fill_slot(struct qbd_replica_core *rep,
					      u64 target)
{
	struct qbd_fill *free = NULL;
	u32 i;

	for (i = 0; i < QBD_REPLICA_FILLS; i++) {
		struct qbd_fill *fill = &rep->fill[i];

		if (fill->active && fill->fetch.fetch.target == target)
			return fill;
		if (!fill->active && !free)
			free = fill;
	}
	return free;
}

/*
 * Up to here the history of this replica is known to be the leader's. What
 * lies above may be stale, and must not be named as if it were not: the target
 * may have the same stale records, and would count as matching.
 */
static u64 qbd_replica_proven(const struct qbd_replica_core *rep)
{
	return max(rep->matched, rep->bound);
}

/*
 * Can the target go on from @have with records of this log? Not if it has
 * another history; not if what follows is no longer here.
 */
static u32 qbd_replica_fetch_status(const struct qbd_replica_core *rep,
				    struct qbd_pos have, u64 limit)
{
	struct qbd_log_rec rec;
	u64 term;

	if (have.index) {
		if (have.index > qbd_replica_proven(rep))
			return QBD_STATUS_MISMATCH;
		term = qbd_replica_term_at(rep, have.index);
		if (!term)
			return QBD_STATUS_GONE;
		if (term != have.term)
			return QBD_STATUS_MISMATCH;
	}
	if (have.index < limit &&
	    !rep->cfg.ops->log_get(rep->cfg.ctx, have.index + 1, &rec))
		return QBD_STATUS_GONE;
	return QBD_STATUS_OK;
}

/*
 * Where does the history of a target that has @pos meet this one? If that has
 * left the log nobody can tell here. That is not to meet at {0, 0}: taken for
 * it, the leader would look for a source whose log begins with the very first
 * record, and give up a member that another source could fill.
 */
static u32 qbd_replica_fetch_meet(const struct qbd_replica_core *rep,
				  struct qbd_pos *pos)
{
	struct qbd_pos meet = *pos;
	struct qbd_log_rec rec;

	meet.index = min(meet.index, qbd_replica_proven(rep));
	meet = qbd_replica_hint(rep, meet, 0);
	if (!meet.index && !rep->cfg.ops->log_get(rep->cfg.ctx, 1, &rec))
		return QBD_STATUS_GONE;
	*pos = meet;
	return QBD_STATUS_MISMATCH;
}

/**
 * qbd_replica_fetch() - send records to another replica
 * @rep: the replica
 * @event: the FETCH
 * @acts: actions of the step
 *
 * S4: only records at or below this replica's commit bound. B, not yet
 * reconciled in term 6, would hand its stale (4,20) to C in the name of term
 * 6, and C would ack 20. The exception is the leader's own recovery: it names
 * the history it chose, and this replica proved that it has it (matched).
 */
void qbd_replica_fetch(struct qbd_replica_core *rep,
		       const struct qbd_replica_event *event,
		       struct qbd_actions *acts)
{
	const struct qbd_msg_fetch *fetch = &event->msg->fetch;
	struct qbd_pos through = fetch->have;
	struct qbd_fill *fill;
	u64 limit;
	u32 status;

	if (!qbd_replica_obeys(rep, event, acts))
		return;
	qbd_replica_told(rep, fetch->commit, acts);
	limit = rep->bound;
	if (event->msg->flags & QBD_WIRE_RECOVERY)
		limit = max(limit, min(rep->matched, rep->durable));
	if (QBD_MUTANT(fill_uncommitted))
		limit = rep->durable;
	limit = min(limit, fetch->limit);
	status = qbd_replica_fetch_status(rep, fetch->have, limit);
	fill = qbd_replica_fill_slot(rep, fetch->target);
	if (status == QBD_STATUS_OK && !fill)
		status = QBD_STATUS_BUSY;
	if (status != QBD_STATUS_OK || fetch->have.index >= limit) {
		if (status == QBD_STATUS_MISMATCH)
			status = qbd_replica_fetch_meet(rep, &through);
		qbd_replica_fetch_reply(rep, event->node, event->msg, status,
					through, acts);
		return;
	}
	fill->fetch = *event->msg;
	/* it all waits for the log in memory: not so much as somebody likes */
	fill->fetch.fetch.max_records =
		min(fetch->max_records, QBD_FETCH_RECORDS_MAX);
	fill->fetch.fetch.max_bytes =
		min(fetch->max_bytes, QBD_FETCH_BYTES_MAX);
	fill->leader = event->node;
	fill->prev = fetch->have;
	fill->limit = limit;
	fill->records = 0;
	fill->bytes = 0;
	fill->active = true;
}

static void qbd_replica_fill_end(const struct qbd_replica_core *rep,
				 struct qbd_fill *fill, u32 status,
				 struct qbd_actions *acts)
{
	fill->active = false;
	qbd_replica_fetch_reply(rep, fill->leader, &fill->fetch, status,
				fill->prev, acts);
}

/* One record to the target, as if the leader had sent it. */
static void qbd_replica_fill_send(const struct qbd_replica_core *rep,
				  const struct qbd_fill *fill,
				  const struct qbd_log_rec *rec,
				  struct qbd_actions *acts)
{
	struct qbd_action *act = qbd_actions_add(acts, QBD_ACT_SEND_LOG);
	const struct qbd_msg *fetch = &fill->fetch;
	struct qbd_msg *msg;

	if (!act)
		return;
	act->node = fetch->fetch.node;
	msg = &act->msg;
	memset(msg, 0, sizeof(*msg));
	msg->type = QBD_MSG_APPEND;
	msg->flags = QBD_WIRE_FILL;
	msg->key = fetch->key;
	msg->replica = fetch->fetch.target;
	msg->term = fetch->term;
	msg->nonce = fetch->nonce;
	msg->epoch = fetch->epoch;
	msg->session = fetch->fetch.target_session;
	msg->payload_bytes = rec->payload_blocks * QBD_BLOCK_SIZE;
	msg->append.prev = fill->prev;
	msg->append.pos = rec->pos;
	msg->append.commit = fetch->fetch.commit;
	msg->append.completed = rep->bound;
	msg->append.op = rec->op;
	msg->append.rec_flags = rec->rec_flags & QBD_REC_FUA;
	msg->append.block = rec->block;
	msg->append.blocks = rec->blocks;
	msg->append.crc = rec->crc;
}

/* The next record of a FETCH, or its end. */
static void qbd_replica_fill_step(const struct qbd_replica_core *rep,
				  struct qbd_fill *fill,
				  struct qbd_actions *acts)
{
	const struct qbd_msg_fetch *fetch = &fill->fetch.fetch;
	struct qbd_log_rec rec;
	u32 bytes;

	if (fill->prev.index >= fill->limit ||
	    fill->records >= fetch->max_records) {
		qbd_replica_fill_end(rep, fill, QBD_STATUS_OK, acts);
		return;
	}
	if (!rep->cfg.ops->log_get(rep->cfg.ctx, fill->prev.index + 1, &rec)) {
		qbd_replica_fill_end(rep, fill, QBD_STATUS_GONE, acts);
		return;
	}
	bytes = rec.payload_blocks * QBD_BLOCK_SIZE;
	if (fill->records && fill->bytes + bytes > fetch->max_bytes) {
		qbd_replica_fill_end(rep, fill, QBD_STATUS_OK, acts);
		return;
	}
	qbd_replica_fill_send(rep, fill, &rec, acts);
	fill->prev = rec.pos;
	fill->records++;
	fill->bytes += bytes;
}

/**
 * qbd_replica_fill() - go on with what others were promised
 * @rep: the replica
 * @acts: actions of the step; as much as there is room for
 */
void qbd_replica_fill(struct qbd_replica_core *rep, struct qbd_actions *acts)
{
	u32 i;

	for (i = 0; i < QBD_REPLICA_FILLS; i++) {
		struct qbd_fill *fill = &rep->fill[i];

		while (fill->active && qbd_actions_room(acts))
			qbd_replica_fill_step(rep, fill, acts);
		if (fill->active)
			acts->more = true;
	}
}

/**
 * qbd_replica_log_bad() - a record to be sent can't be read
 * @rep: the replica
 * @event: the record, and the message that it was for
 * @acts: actions of the step
 *
 * The leader takes another source.
 */
void qbd_replica_log_bad(struct qbd_replica_core *rep,
			 const struct qbd_replica_event *event,
			 struct qbd_actions *acts)
{
	const struct qbd_msg *bad = event->msg;
	struct qbd_msg *msg;
	u32 i;

	for (i = 0; i < QBD_REPLICA_FILLS; i++)
		if (rep->fill[i].active &&
		    rep->fill[i].fetch.fetch.target == bad->replica)
			rep->fill[i].active = false;
	if (rep->failed || bad->term != rep->promise.term ||
	    bad->nonce != rep->promise.nonce)
		return;
	msg = qbd_replica_send(rep, rep->promise.node, QBD_MSG_FETCH_REPLY,
			       acts);
	if (!msg)
		return;
	msg->fetch_reply.target = bad->replica;
	msg->fetch_reply.target_session = bad->session;
	msg->fetch_reply.status = QBD_STATUS_CORRUPT;
	msg->fetch_reply.through = bad->append.prev;
}
