// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: made here, sent in pieces, received, installed (rule 4).
 *
 * One piece is under way at a time.  The receiver says which byte it wants, so
 * a transfer goes on where it stopped, also from another leader whose snapshot
 * has the same bytes (position, digest and length), and after a crash.  When
 * the last piece is stored the snapshot is installed: the log is what follows
 * it, if it agrees with it, or empty; and it is acknowledged like an append,
 * when the store says that it is the one in use.
 */
#include "state.h"

/**
 * raft_compact() - there is an own snapshot: forget entries
 * @r: the server
 * @snap: it, on stable media
 * @through: the last entry to forget
 *
 * Keep some behind it, for followers that are a little late.
 *
 * Return: 0; -EINVAL: it can not be; -ESTALE: there is a newer one; -EBUSY: one
 * that was received is being installed.
 */
int raft_compact(struct raft *r, const struct raft_snap *snap, u64 through)
{
	if (raft_installing(r))
		return -EBUSY;
	if (snap->pos.index <= r->snap.pos.index)
		return -ESTALE;
	if (snap->pos.index > r->commit || through > snap->pos.index ||
	    !snap->bytes || !snap->conf.nr ||
	    !raft_log_has(&r->log, snap->pos) ||
	    raft_config_check(&snap->conf) ||
	    snap->conf.index > snap->pos.index)
		return -EINVAL;
	r->snap = *snap;
	if (through <= r->log.base.index)
		return 0;
	raft_conf_drop(r, through);
	raft_log_drop(&r->log, through);
	r->dirty |= RAFT_STORE_DROP;
	return 0;
}

/**
 * raft_snapshot_send() - the next piece
 * @r: the leader
 * @member: to whom
 * @up: messages
 */
void raft_snapshot_send(struct raft *r, u32 member, struct raft_update *up)
{
	struct raft_progress *prog = &r->prog[member];
	struct raft_msg *msg;

	if (RAFT_BUG(!r->snap.bytes))
		return;
	if (prog->snap != r->snap.pos.index) {
		prog->snap = r->snap.pos.index;
		prog->offset = 0;
	}
	msg = raft_send(r, up, RAFT_MSG_SNAPSHOT, r->conf.id[member]);
	msg->snap = r->snap;
	msg->index = prog->offset;
	msg->bytes = min((u64)r->opt.chunk_bytes, r->snap.bytes - prog->offset);
	prog->waits = true;
}

static bool raft_snap_same(const struct raft_snap *a, const struct raft_snap *b)
{
	return a->pos.term == b->pos.term && a->pos.index == b->pos.index &&
	       a->id == b->id && a->bytes == b->bytes;
}

/**
 * raft_recv_snapshot_reply() - which byte somebody wants
 * @r: the server
 * @msg: the answer
 */
void raft_recv_snapshot_reply(struct raft *r, const struct raft_msg *msg)
{
	struct raft_progress *prog = raft_progress_of(r, msg->from);

	if (!prog) {
		r->count.stale++;
		return;
	}
	prog->heard_ns = r->now_ns;
	if (prog->flow != RAFT_SNAP || !raft_snap_same(&msg->snap, &r->snap) ||
	    prog->snap != r->snap.pos.index || msg->index >= r->snap.bytes ||
	    msg->index == prog->offset) {
		r->count.stale++;
		return;
	}
	prog->offset = msg->index;
	prog->waits = false;
}

static void raft_snapshot_want(struct raft *r, struct raft_update *up)
{
	struct raft_msg *reply;

	if (!r->leader || !raft_state_durable(r))
		return; /* the leader asks again */
	reply = raft_send(r, up, RAFT_MSG_SNAPSHOT_REPLY, r->leader);
	reply->snap = r->incoming;
	reply->index = r->incoming_bytes;
}

/* It is all here. */
static void raft_install(struct raft *r, struct raft_update *up)
{
	struct raft_pos pos = r->incoming.pos;

	if (pos.index <= r->commit || pos.term > r->term) {
		r->incoming.pos.index = 0;
		return;
	}
	r->count.snapshots++;
	r->snap = r->incoming;
	r->incoming.pos.index = 0;
	r->dirty |= RAFT_STORE_INSTALL | RAFT_STORE_DROP;
	if (raft_log_has(&r->log, pos)) {
		raft_log_drop(&r->log, pos.index);
	} else {
		r->keep = r->dirty & RAFT_STORE_TRUNCATE ?
				  min(r->keep, pos.index) :
				  pos.index;
		r->dirty |= RAFT_STORE_TRUNCATE;
		r->flight.last = min(r->flight.last, pos.index);
		r->count.conflicts++;
		raft_log_reset(&r->log, pos);
		raft_conf_set(r, &r->snap.conf);
	}
	r->base_conf = r->snap.conf;
	r->committed = r->snap.conf;
	if (r->conf.index < r->snap.conf.index)
		raft_conf_set(r, &r->snap.conf);
	r->commit = pos.index;
	r->applied = pos.index;
	r->matched = clamp(r->matched, pos.index, r->log.last);
	r->ack_owed = r->leader && r->leader != r->opt.id;
	up->restore = true;
}

/**
 * raft_recv_snapshot() - a piece of a snapshot
 * @r: the server
 * @msg: the message
 * @up: the piece for the store, or which one is wanted
 *
 * Return: 0.
 */
int raft_recv_snapshot(struct raft *r, const struct raft_msg *msg,
		       struct raft_update *up)
{
	if (msg->snap.pos.index <= r->commit) {
		/* what is committed is in the leader's log */
		r->matched = max(r->matched, msg->snap.pos.index);
		r->ack_owed = true;
		return 0;
	}
	if (r->chunk_bytes || raft_installing(r))
		return 0; /* one is being stored */
	if (!raft_snap_same(&r->incoming, &msg->snap)) {
		r->incoming = msg->snap;
		r->incoming_bytes = 0;
	}
	if (r->incoming_bytes == r->incoming.bytes) {
		raft_install(r, up); /* a crash came in between */
		return 0;
	}
	if (msg->index != r->incoming_bytes) {
		raft_snapshot_want(r, up);
		return 0;
	}
	r->chunk_bytes = msg->bytes;
	up->chunk.snap = &r->incoming;
	up->chunk.offset = msg->index;
	up->chunk.bytes = msg->bytes;
	up->chunk.data = msg->data;
	return 0;
}

/**
 * raft_chunk_stored() - the piece is on stable media
 * @r: the server
 * @event: or it failed: it is asked for again
 * @up: which one is wanted next
 *
 * Return: 0; -EINVAL: there was none; or the error.
 */
int raft_chunk_stored(struct raft *r, const struct raft_event *event,
		      struct raft_update *up)
{
	u32 bytes = r->chunk_bytes;

	if (!bytes)
		return -EINVAL;
	r->chunk_bytes = 0;
	if (event->err)
		return event->err;
	r->incoming_bytes += bytes;
	if (r->incoming_bytes < r->incoming.bytes)
		raft_snapshot_want(r, up);
	else if (r->role != RAFT_LEADER)
		raft_install(r, up);
	else
		r->incoming.pos.index = 0;
	return 0;
}
