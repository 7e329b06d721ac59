// SPDX-License-Identifier: GPL-2.0-only
/*
 * The target of a resync: a replica that becomes a copy of another one. See
 * resync.h.
 *
 * What is under way is a handful of chunks, each in a slot:
 *
 *	MAP_REPLY -> LOOK -> DIFF -> ASKED -> WRITE -> free
 *			`---------------------------->
 *
 * Nothing that comes is trusted to be an answer to what was asked: it has to
 * name the source, the attempt, the pin, and a chunk that waits for it.
 */
#include "replica_parts.h"
#include "wire.h"

/* --- the leader --------------------------------------------------------- */

/* How far it has come, to whoever gives the orders now. */
static void qbd_resync_say(const struct qbd_replica_core *rep,
			   struct qbd_actions *acts)
{
	const struct qbd_resync *sync = &rep->resync;
	struct qbd_msg_resync_reply *reply;
	struct qbd_msg *msg;

	msg = qbd_replica_send(rep, rep->promise.node, QBD_MSG_RESYNC_REPLY,
			       acts);
	if (!msg)
		return;
	msg->session = sync->order;
	reply = &msg->resync_reply;
	reply->source = sync->source;
	reply->at = sync->pin.at;
	reply->bytes = sync->bytes;
	reply->chunks = sync->chunks;
	reply->status = QBD_STATUS_BUSY;
	if (sync->state == QBD_RESYNC_DONE)
		reply->status = QBD_STATUS_OK;
	else if (sync->state == QBD_RESYNC_NONE)
		reply->status = sync->status;
	qbd_replica_stamp(rep, msg);
}

/* The source need not keep its pin for this replica any more. */
static void qbd_resync_unpin(const struct qbd_replica_core *rep,
			     struct qbd_actions *acts)
{
	const struct qbd_resync *sync = &rep->resync;
	struct qbd_msg *msg;

	if (!sync->pin.seq)
		return;
	msg = qbd_replica_send(rep, sync->node, QBD_MSG_UNPIN, acts);
	if (!msg)
		return;
	msg->replica = sync->source;
	msg->session = sync->session;
	msg->unpin.target = rep->cfg.replica;
	msg->unpin.seq = sync->pin.seq;
}

/* Nobody waits for chunks any more; what is being written still is. */
static void qbd_resync_forget(struct qbd_resync *sync)
{
	u32 i;

	for (i = 0; i < QBD_RESYNC_SLOTS; i++)
		if (sync->slot[i].state != QBD_RESYNC_WRITE)
			sync->slot[i].state = QBD_RESYNC_FREE;
	sync->mapped = false;
	sync->mapping = false;
	sync->from = 0;
	sync->settled = 0;
	sync->asked_ns = 0;
}

/* This source is of no use, or there is no room: the leader has to know. */
static void qbd_resync_fail(struct qbd_replica_core *rep, u32 status,
			    struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;

	qbd_resync_unpin(rep, acts);
	qbd_resync_forget(sync);
	sync->state = QBD_RESYNC_NONE;
	sync->status = status;
	qbd_resync_say(rep, acts);
}

/* From the beginning, with what the source has now. */
static void qbd_resync_again(struct qbd_replica_core *rep)
{
	struct qbd_resync *sync = &rep->resync;

	qbd_resync_forget(sync);
	memset(&sync->pin, 0, sizeof(sync->pin));
	sync->session = rep->cfg.incarnation + ++rep->resyncs;
	sync->state = QBD_RESYNC_PIN;
}

/**
 * qbd_replica_resync() - a RESYNC came
 * @rep: the replica
 * @event: the RESYNC
 * @acts: actions of the step
 *
 * One of a new session is a new order, with another source perhaps; the same
 * once more is a question, also when it is over: as an order it would truncate
 * what was logged and acknowledged since. A replica whose map lost a page can't
 * say what it lacks by an index, so it is no target.
 */
void qbd_replica_resync(struct qbd_replica_core *rep,
			const struct qbd_replica_event *event,
			struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	struct qbd_resync *sync = &rep->resync;

	if (!rep->cfg.resync || !qbd_replica_obeys(rep, event, acts) ||
	    msg->session < max(rep->session, sync->order))
		return;
	rep->session = msg->session;
	if (sync->order < msg->session && sync->state != QBD_RESYNC_SWITCH) {
		qbd_resync_unpin(rep, acts);
		qbd_replica_source_end(rep);
		sync->source = msg->resync.source;
		sync->node = msg->resync.node;
		sync->bytes = 0;
		sync->chunks = 0;
		qbd_resync_again(rep);
		sync->state = QBD_RESYNC_NONE;
		sync->status = QBD_STATUS_CORRUPT;
		if (!(rep->flags & QBD_REPLICA_LOST)) {
			sync->state = QBD_RESYNC_UNLOG;
			sync->forgets++;
			qbd_actions_add(acts, QBD_ACT_LOG_FORGET);
		}
	}
	sync->order = msg->session;
	qbd_resync_say(rep, acts);
}

/**
 * qbd_replica_resync_forgot() - a LOG_FORGET was carried out
 * @rep: the replica
 */
void qbd_replica_resync_forgot(struct qbd_replica_core *rep)
{
	struct qbd_resync *sync = &rep->resync;

	if (sync->forgets)
		sync->forgets--;
	if (sync->state == QBD_RESYNC_UNLOG && !sync->forgets)
		sync->state = QBD_RESYNC_PIN;
}

/**
 * qbd_replica_resync_end() - whoever gave the order does not any more
 * @rep: the replica
 *
 * What the shadow has stays for the next one; a switch goes on.
 */
void qbd_replica_resync_end(struct qbd_replica_core *rep)
{
	struct qbd_resync *sync = &rep->resync;

	if (sync->state == QBD_RESYNC_SWITCH && !rep->failed)
		return;
	qbd_resync_forget(sync);
	memset(&sync->pin, 0, sizeof(sync->pin));
	sync->state = QBD_RESYNC_NONE;
	sync->status = QBD_STATUS_GONE;
}

/**
 * qbd_replica_unshadow() - a record is to be logged: is there no shadow?
 * @rep: the replica
 *
 * If there is one it is given up: who sends records has done so with the
 * resync. One that waits for its pin has none yet, and ends too: asking for it,
 * it would truncate each record before it is committed. But while what waits is
 * being forgotten none may come: it would look as if it had been forgotten.
 *
 * Return: true as long as there is one.
 */
bool qbd_replica_unshadow(struct qbd_replica_core *rep)
{
	struct qbd_resync *sync = &rep->resync;

	if (sync->forgets)
		return true;
	if (sync->state == QBD_RESYNC_PIN)
		qbd_replica_resync_end(rep);
	if (!sync->shadowed || QBD_MUTANT(append_beside_shadow))
		return false;
	if (sync->state == QBD_RESYNC_SWITCH)
		return true;
	qbd_replica_resync_end(rep);
	rep->cfg.resync->shadow_drop(rep->cfg.ctx);
	return true;
}

/* --- the source --------------------------------------------------------- */

static struct qbd_msg *qbd_resync_ask(const struct qbd_replica_core *rep,
				      u16 type, enum qbd_action_kind kind,
				      struct qbd_actions *acts)
{
	const struct qbd_resync *sync = &rep->resync;
	struct qbd_msg *msg = qbd_replica_send(rep, sync->node, type, acts);

	if (!msg)
		return NULL;
	acts->act[acts->nr - 1].kind = kind;
	msg->replica = sync->source;
	msg->session = sync->session;
	return msg;
}

/* Was what was asked last asked long enough ago? */
static bool qbd_resync_late(const struct qbd_replica_core *rep)
{
	const struct qbd_resync *sync = &rep->resync;

	return !sync->asked_ns ||
	       rep->now_ns - sync->asked_ns >= rep->cfg.retry_ns;
}

/*
 * Ask for the pin. First the log has to have nothing that is not committed:
 * the switch would leave it behind. See resync.h for why it may go.
 */
static void qbd_resync_ask_pin(struct qbd_replica_core *rep,
			       struct qbd_actions *acts)
{
	struct qbd_msg *msg;

	if (rep->truncates)
		return;
	if (rep->last.index > rep->bound &&
	    !qbd_replica_truncate(rep, rep->bound, rep->promise.term, acts))
		return;
	if (rep->truncates || !qbd_resync_late(rep))
		return;
	msg = qbd_resync_ask(rep, QBD_MSG_PIN, QBD_ACT_SEND, acts);
	if (!msg)
		return;
	msg->pin.target = rep->cfg.replica;
	msg->pin.have = rep->last;
	rep->resync.asked_ns = rep->now_ns;
}

static void qbd_resync_pinned(struct qbd_replica_core *rep,
			      const struct qbd_msg *msg,
			      struct qbd_actions *acts)
{
	const struct qbd_msg_pin_reply *reply = &msg->pin_reply;
	struct qbd_resync *sync = &rep->resync;
	struct qbd_pin_info info = {
		.seq = reply->seq,
		.at = reply->at,
		.chunks = reply->chunks,
		.chunk_blocks = reply->chunk_blocks,
	};
	int err;

	if (sync->state != QBD_RESYNC_PIN || reply->status == QBD_STATUS_BUSY)
		return;
	if (reply->status == QBD_STATUS_MISMATCH) {
		/* nothing beyond what is here: the source's log has the rest */
		sync->pin.at = rep->last;
		sync->state = QBD_RESYNC_DONE;
		qbd_resync_say(rep, acts);
		return;
	}
	if (reply->status != QBD_STATUS_OK) {
		/* no room there is not this replica's store that is full */
		qbd_resync_fail(rep,
				reply->status == QBD_STATUS_NOSPC ?
					QBD_STATUS_GONE :
					reply->status,
				acts);
		return;
	}
	/* a record may have come meanwhile, or still be on its way to the log
	 */
	if (rep->truncates || rep->last.index > rep->bound ||
	    info.at.index <= rep->last.index)
		return;
	err = rep->cfg.resync->shadow(rep->cfg.ctx, &info, msg->payload,
				      &sync->shadow);
	switch (err) {
	case 0:
		sync->shadowed = true;
		sync->pin = info;
		sync->state = QBD_RESYNC_COPY;
		sync->asked_ns = 0;
		if (QBD_MUTANT(half_copy_reported))
			rep->last = info.at;
		break;
	case -EAGAIN:
	case -EBUSY:
		/* asked again by the clock */
		break;
	case -EINVAL:
		/* another source was further: what it gave is of no use */
		rep->cfg.resync->shadow_drop(rep->cfg.ctx);
		break;
	default:
		qbd_resync_fail(rep, qbd_wire_errno_status(err), acts);
		break;
	}
}

/* --- chunks ------------------------------------------------------------- */

/*
 * One more chunk is as it has to be. The leader looks whether that rises, to
 * find a source that gets nowhere: what an attempt before settled is no gain.
 */
static void qbd_resync_settled(struct qbd_resync *sync)
{
	sync->chunks = max(sync->chunks, ++sync->settled);
}

static u32 qbd_resync_count(const struct qbd_resync *sync,
			    enum qbd_resync_chunk_state state)
{
	u32 i, nr = 0;

	for (i = 0; i < QBD_RESYNC_SLOTS; i++)
		nr += sync->slot[i].state == state;
	return nr;
}

static struct qbd_resync_chunk *
qbd_resync_find(struct qbd_resync *sync, u32 chunk,
		enum qbd_resync_chunk_state state)
{
	u32 i;

	for (i = 0; i < QBD_RESYNC_SLOTS; i++)
		if (sync->slot[i].state == state &&
		    (state == QBD_RESYNC_FREE ||
		     sync->slot[i].entry.chunk == chunk))
			return &sync->slot[i];
	return NULL;
}

static void qbd_resync_ask_map(struct qbd_replica_core *rep,
			       struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;
	struct qbd_msg *msg;

	if (sync->mapped || (sync->mapping && !qbd_resync_late(rep)) ||
	    qbd_resync_count(sync, QBD_RESYNC_FREE) < QBD_MAP_MAX ||
	    !qbd_actions_room(acts))
		return;
	msg = qbd_resync_ask(rep, QBD_MSG_MAP, QBD_ACT_SEND, acts);
	if (!msg)
		return;
	msg->map.seq = sync->pin.seq;
	msg->map.have = rep->last.index;
	msg->map.from = sync->from;
	sync->mapping = true;
	sync->asked_ns = rep->now_ns;
}

/* Does what a source says of a chunk make sense? */
static bool qbd_resync_entry_ok(const struct qbd_replica_core *rep,
				const struct qbd_map_entry *entry)
{
	return entry->last > rep->last.index &&
	       entry->last <= rep->resync.pin.at.index;
}

static void qbd_resync_mapped(struct qbd_replica_core *rep,
			      const struct qbd_msg *msg,
			      struct qbd_actions *acts)
{
	const struct qbd_msg_map_reply *reply = &msg->map_reply;
	struct qbd_resync *sync = &rep->resync;
	struct qbd_resync_chunk *slot;
	u32 i;

	if (!sync->mapping || reply->from != sync->from)
		return;
	sync->mapping = false;
	if (reply->status != QBD_STATUS_OK) {
		qbd_resync_again(rep);
		return;
	}
	if (reply->next > sync->pin.chunks ||
	    (reply->next == reply->from && reply->next < sync->pin.chunks)) {
		qbd_resync_fail(rep, QBD_STATUS_EIO, acts);
		return;
	}
	for (i = 0; i < reply->nr; i++) {
		slot = qbd_resync_find(sync, 0, QBD_RESYNC_FREE);
		if (!slot || !qbd_resync_entry_ok(rep, &reply->entry[i])) {
			qbd_resync_fail(rep, QBD_STATUS_EIO, acts);
			return;
		}
		slot->entry = reply->entry[i];
		slot->tries = 0;
		slot->state = QBD_RESYNC_LOOK;
	}
	sync->from = reply->next;
	sync->mapped = reply->next == sync->pin.chunks;
}

/*
 * Which of the chunks named have to be compared? Not one that an attempt before
 * still writes to: its digests would be of bytes that are about to change.
 */
static void qbd_resync_look(struct qbd_replica_core *rep,
			    struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;
	u32 i;
	int err;

	for (i = 0; i < QBD_RESYNC_SLOTS; i++) {
		struct qbd_resync_chunk *slot = &sync->slot[i];

		if (slot->state != QBD_RESYNC_LOOK ||
		    (qbd_resync_find(sync, slot->entry.chunk,
				     QBD_RESYNC_WRITE) &&
		     !QBD_MUTANT(look_while_written)))
			continue;
		err = rep->cfg.resync->shadow_look(rep->cfg.ctx, &slot->entry);
		if (err == -ENOMEM || err == -EBUSY)
			continue;
		if (err < 0) {
			qbd_resync_fail(rep, qbd_wire_errno_status(err), acts);
			return;
		}
		slot->state = err ? QBD_RESYNC_DIFF : QBD_RESYNC_FREE;
		if (!err)
			qbd_resync_settled(sync);
	}
}

/*
 * Nobody answered for long: the source is slow, or it got lost. Each time it is
 * waited for twice as long: only the answer to the last one counts, and a
 * source that is far away must not be kept from giving it.
 */
static void qbd_resync_ask_again(struct qbd_replica_core *rep)
{
	u32 i;

	for (i = 0; i < QBD_RESYNC_SLOTS; i++) {
		struct qbd_resync_chunk *slot = &rep->resync.slot[i];

		if (slot->state != QBD_RESYNC_ASKED ||
		    rep->now_ns < slot->again_ns)
			continue;
		slot->state = QBD_RESYNC_DIFF;
		slot->tries = min(slot->tries + 1, QBD_RESYNC_TRIES);
	}
}

/* Some chunks in one DIFF: as many as one block of digests is enough for. */
static void qbd_resync_ask_diff(struct qbd_replica_core *rep, u32 nr,
				struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;
	struct qbd_msg *msg =
		qbd_resync_ask(rep, QBD_MSG_DIFF, QBD_ACT_DIGEST, acts);
	u64 late_ns = QBD_RESYNC_LATE * rep->cfg.retry_ns;
	u32 i;

	if (!msg)
		return;
	acts->act[acts->nr - 1].id = sync->shadow;
	msg->diff.seq = sync->pin.seq;
	msg->diff.id = ++sync->id;
	for (i = 0; i < QBD_RESYNC_SLOTS && msg->diff.nr < nr; i++) {
		struct qbd_resync_chunk *slot = &sync->slot[i];

		if (slot->state != QBD_RESYNC_DIFF)
			continue;
		slot->state = QBD_RESYNC_ASKED;
		slot->again_ns = rep->now_ns + (late_ns << slot->tries);
		slot->id = sync->id;
		msg->diff.chunk[msg->diff.nr++] = slot->entry.chunk;
	}
}

/*
 * Ask for what is to be compared. A DIFF that could have more chunks waits for
 * them as long as the map has more, and there is room to ask for it.
 */
static void qbd_resync_ask_diffs(struct qbd_replica_core *rep,
				 struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;
	u32 most = clamp(QBD_DIFF_BLOCKS_MAX / sync->pin.chunk_blocks, 1U,
			 (u32)QBD_DIFF_MAX);
	u32 nr;

	for (;;) {
		nr = qbd_resync_count(sync, QBD_RESYNC_DIFF);
		if (!nr || (nr < most && sync->mapping))
			return;
		if (!qbd_actions_room(acts)) {
			acts->more = true;
			return;
		}
		qbd_resync_ask_diff(rep, min(nr, most), acts);
	}
}

/* Are the blocks that it names all in that chunk? */
static bool qbd_resync_differs_ok(const struct qbd_replica_core *rep,
				  const struct qbd_msg_diff_reply *reply)
{
	u32 blocks = qbd_chunk_blocks(
		rep->cfg.blocks, rep->resync.pin.chunk_blocks, reply->chunk);
	u32 i;

	for (i = blocks; i < QBD_DIFF_BLOCKS_MAX; i++)
		if (qbd_diff_has(reply, i))
			return false;
	return true;
}

/* What a source has of a chunk: it goes to the shadow. */
static void qbd_resync_differs(struct qbd_replica_core *rep,
			       const struct qbd_msg *msg,
			       struct qbd_actions *acts)
{
	const struct qbd_msg_diff_reply *reply = &msg->diff_reply;
	struct qbd_resync *sync = &rep->resync;
	struct qbd_resync_chunk *slot;
	struct qbd_action *act;

	slot = qbd_resync_find(sync, reply->chunk, QBD_RESYNC_ASKED);
	if (!slot || (slot->id != reply->id && !QBD_MUTANT(diff_of_before)))
		return;
	if (reply->status == QBD_STATUS_BUSY) {
		slot->again_ns = rep->now_ns + rep->cfg.retry_ns;
		return;
	}
	if (reply->status == QBD_STATUS_GONE) {
		qbd_resync_again(rep);
		return;
	}
	if (reply->status == QBD_STATUS_OK &&
	    !qbd_resync_differs_ok(rep, reply)) {
		qbd_resync_fail(rep, QBD_STATUS_EIO, acts);
		return;
	}
	if (reply->status != QBD_STATUS_OK) {
		qbd_resync_fail(rep, reply->status, acts);
		return;
	}
	act = qbd_actions_add(acts, QBD_ACT_SHADOW);
	if (!act)
		return;
	act->msg = *msg;
	act->id = sync->shadow;
	act->index = slot->entry.last;
	slot->state = QBD_RESYNC_WRITE;
}

/**
 * qbd_replica_shadowed() - what a DIFF_REPLY brought is in the shadow, or not
 * @rep: the replica
 * @event: which, and how it went
 * @acts: actions of the step
 */
void qbd_replica_shadowed(struct qbd_replica_core *rep,
			  const struct qbd_replica_event *event,
			  struct qbd_actions *acts)
{
	const struct qbd_msg_diff_reply *reply = &event->msg->diff_reply;
	struct qbd_resync *sync = &rep->resync;
	struct qbd_resync_chunk *slot;

	slot = qbd_resync_find(sync, reply->chunk, QBD_RESYNC_WRITE);
	if (!slot)
		return;
	slot->state = QBD_RESYNC_FREE;
	if (sync->state != QBD_RESYNC_COPY || reply->seq != sync->pin.seq ||
	    event->msg->session != sync->session)
		return;
	switch (event->err) {
	case 0:
		sync->bytes += event->msg->payload_bytes;
		qbd_resync_settled(sync);
		break;
	case -EAGAIN:
	case -EBUSY:
	case -ENOMEM:
	case -ENODATA:
	case -ESHUTDOWN:
		/* what came is lost, and asked for once more, not at once */
		slot->state = QBD_RESYNC_ASKED;
		slot->id = 0;
		slot->again_ns = rep->now_ns + rep->cfg.retry_ns;
		break;
	default:
		qbd_resync_fail(rep, qbd_wire_errno_status(event->err), acts);
		break;
	}
}

/**
 * qbd_replica_resync_got() - an answer of a source came
 * @rep: the replica
 * @event: PIN_REPLY, MAP_REPLY or DIFF_REPLY
 * @acts: actions of the step
 *
 * It bears the authority of the question. With a higher term it could name a
 * pin of that term: once that is here no leader below it is obeyed any more.
 */
void qbd_replica_resync_got(struct qbd_replica_core *rep,
			    const struct qbd_replica_event *event,
			    struct qbd_actions *acts)
{
	const struct qbd_resync *sync = &rep->resync;
	const struct qbd_msg *msg = event->msg;

	if (rep->failed || msg->term != rep->promise.term ||
	    msg->nonce != rep->promise.nonce || msg->replica != sync->source ||
	    event->node != sync->node || msg->session != sync->session)
		return;
	if (msg->type == QBD_MSG_PIN_REPLY)
		qbd_resync_pinned(rep, msg, acts);
	else if (sync->state != QBD_RESYNC_COPY)
		return;
	else if (msg->type == QBD_MSG_MAP_REPLY &&
		 msg->map_reply.seq == sync->pin.seq)
		qbd_resync_mapped(rep, msg, acts);
	else if (msg->type == QBD_MSG_DIFF_REPLY &&
		 msg->diff_reply.seq == sync->pin.seq)
		qbd_resync_differs(rep, msg, acts);
}

/* --- the switch --------------------------------------------------------- */

static void qbd_resync_copy(struct qbd_replica_core *rep,
			    struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;
	int err;

	if (qbd_actions_room(acts) < 4) {
		acts->more = true;
		return;
	}
	qbd_resync_look(rep, acts);
	if (sync->state != QBD_RESYNC_COPY)
		return;
	qbd_resync_ask_again(rep);
	qbd_resync_ask_map(rep, acts);
	qbd_resync_ask_diffs(rep, acts);
	if (!sync->mapped ||
	    qbd_resync_count(sync, QBD_RESYNC_FREE) < QBD_RESYNC_SLOTS)
		return;
	if (qbd_actions_room(acts) < 2) {
		acts->more = true;
		return;
	}
	err = rep->cfg.resync->shadow_switch(rep->cfg.ctx);
	if (err == -EBUSY)
		return;
	if (err) {
		qbd_resync_fail(rep, QBD_STATUS_EIO, acts);
		return;
	}
	sync->state = QBD_RESYNC_SWITCH;
	qbd_resync_unpin(rep, acts);
}

/*
 * The shadow is the replica now, durably. What the store was told before about
 * the log is about another history, all of it at home.
 */
static void qbd_resync_switched(struct qbd_replica_core *rep,
				struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;
	struct qbd_pos at;

	if (rep->cfg.resync->shadow_state(rep->cfg.ctx) != -ENOENT ||
	    !qbd_actions_room(acts))
		return;
	sync->shadowed = false;
	at = rep->cfg.resync->switched(rep->cfg.ctx);
	if (!qbd_pos_equal(at, sync->pin.at)) {
		sync->pin.seq = 0;
		qbd_resync_fail(rep, QBD_STATUS_EIO, acts);
		return;
	}
	rep->last = at;
	rep->durable = at.index;
	rep->full = false;
	rep->bound = at.index;
	rep->nr_runs = 0;
	rep->mark = at.index;
	rep->old_bytes = 0;
	rep->new_bytes = 0;
	sync->state = QBD_RESYNC_DONE;
	qbd_resync_say(rep, acts);
}

/**
 * qbd_replica_resync_drive() - go on with what there is to do
 * @rep: the replica
 * @acts: actions of the step; as much as there is room for
 */
void qbd_replica_resync_drive(struct qbd_replica_core *rep,
			      struct qbd_actions *acts)
{
	struct qbd_resync *sync = &rep->resync;

	if (rep->failed)
		return;
	switch ((enum qbd_resync_state)sync->state) {
	case QBD_RESYNC_PIN:
		if (qbd_actions_room(acts) < 2)
			acts->more = true;
		else
			qbd_resync_ask_pin(rep, acts);
		break;
	case QBD_RESYNC_COPY:
		qbd_resync_copy(rep, acts);
		break;
	case QBD_RESYNC_SWITCH:
		qbd_resync_switched(rep, acts);
		break;
	case QBD_RESYNC_UNLOG:
		break;
	case QBD_RESYNC_NONE:
	case QBD_RESYNC_DONE:
		if (sync->shadowed &&
		    rep->cfg.resync->shadow_state(rep->cfg.ctx) == -ENOENT)
			sync->shadowed = false;
		break;
	}
}
