// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tail of the log: how far it moves, and what it may not pass.
 *
 * Records that are home stay in the log for catch-up as long as there is
 * room.  When there is not, the tail moves on, segment by segment, past all
 * that is home or void, and past control records, which the replica table
 * carries.  What may not go home stops it.  Only when the log is still too
 * full then, such records are taken along: they are logged again at the head,
 * and the tail passes the old copies when the new ones are durable (V2).  One
 * batch at a time, out of a reserve that nobody else touches, so that a full
 * log can always be freed of what is void.
 *
 * Re-logging gains nothing when all that is in the log is pinned; it is done
 * only while there is something else to get rid of.
 *
 * Context: under the store's lock.  A call looks at one segment, or moves
 * QBD_STORE_STEP records.
 */
#include "env.h"
#include "store_core.h"

/* Would more than @eighths of the log be in use if the tail were there? */
static bool qbd_tail_above(const struct qbd_store_core *core, u64 seg, u64 rec,
			   u32 eighths)
{
	struct qbd_lpos at;
	u64 used;

	qbd_ring_seg_lpos(&core->ring, seg, &at);
	used = core->ring.head.lpos - at.lpos + core->ring.waiting;
	if (used > qbd_ring_usable(&core->ring) * eighths / 8)
		return true;
	return core->index.end - rec >
	       (u64)qbd_rec_usable(&core->index) * eighths / 8;
}

/**
 * qbd_tail_pressed() - does the tail have to move?
 * @core: the store
 *
 * Return: true if the log is too full.
 */
bool qbd_tail_pressed(const struct qbd_store_core *core)
{
	return qbd_tail_above(core, core->ring.seg_first, core->index.first, 6);
}

/**
 * qbd_tail_begin() - begin to choose how far the tail moves
 * @core: the store
 */
void qbd_tail_begin(struct qbd_store_core *core)
{
	struct qbd_ckpt_tail *tail = &core->ckpt.tail;

	memset(tail, 0, sizeof(*tail));
	tail->seg = core->ring.seg_first;
	tail->rec = core->index.first;
}

/* May the tail not pass this record? */
static bool qbd_tail_pinned(const struct qbd_store_core *core, u32 id)
{
	const struct qbd_rec *rec = &core->index.rec[id];
	const struct qbd_slot *slot = &core->slot[rec->slot];

	if (rec->dead || !qbd_op_has_index(rec->desc.op) ||
	    slot->state != QBD_SLOT_USED || QBD_MUTANT(relog_skipped))
		return false;
	return rec->desc.index > slot->frozen.index;
}

/*
 * Does the tail have to wait for something that is under way?  For a DELETE
 * that this checkpoint was too late for, and the records of that replica; for
 * void records as long as what voids them is not logged: a power cut would
 * leave neither.
 */
static bool qbd_tail_waits(const struct qbd_store_core *core, u32 id)
{
	const struct qbd_rec *rec = &core->index.rec[id];
	const struct qbd_slot *slot = &core->slot[rec->slot];

	if (slot->table.replica != rec->desc.replica)
		return false;
	if (slot->state == QBD_SLOT_DELETED && !QBD_MUTANT(delete_lost_at_tail))
		return rec->desc.op == QBD_OP_DELETE ||
		       (qbd_op_has_index(rec->desc.op) &&
			rec->desc.index > slot->frozen.index);
	return rec->dead && slot->cuts_waiting;
}

/*
 * Is there something in the log that re-logging would get rid of?  Counted
 * are records, payload and seals, not the headers of records: how many of
 * these the copies will need is not known, and what is not live is gone after
 * one round of the log, so that this comes to an end.
 */
static bool qbd_tail_relog_gains(const struct qbd_store_core *core)
{
	const struct qbd_ring *ring = &core->ring;
	u64 recs = core->index.wait - core->index.first;
	u64 headers = ring->seg_end - ring->seg_first - ring->nr_seals;
	u64 blocks = qbd_ring_used(ring) - headers -
		     (QBD_MUTANT(seals_uncounted) ? ring->nr_seals : 0);

	recs -= min_t(u64, recs, core->live_recs);
	blocks -= min(blocks, core->live_blocks);
	return recs + blocks > ring->control_reserve / 2;
}

/* Take a pinned record along. Return: false if the batch is full. */
static bool qbd_tail_take(struct qbd_store_core *core, u32 id)
{
	struct qbd_ckpt_tail *tail = &core->ckpt.tail;
	u32 blocks = tail->blocks + 1 + core->index.rec[id].desc.payload_blocks;

	if (tail->nr == QBD_SEG_DESCS || blocks > core->ring.relog_reserve ||
	    !qbd_ring_has_room(&core->ring, QBD_ROOM_RELOG, blocks) ||
	    qbd_rec_room(&core->index) <= tail->nr)
		return false;
	tail->blocks = blocks;
	tail->rec_id[tail->nr++] = id;
	return true;
}

/* Look at the next segment. Return: false if the tail can not pass it. */
static bool qbd_tail_pass(struct qbd_store_core *core)
{
	struct qbd_ckpt_tail *tail = &core->ckpt.tail;
	const struct qbd_ring_seg *seg = qbd_ring_seg(&core->ring, tail->seg);
	u32 nr = tail->nr;
	u32 blocks = tail->blocks;
	u32 i;

	for (i = 0; i < seg->nr_recs; i++) {
		u32 id = qbd_rec_at(&core->index, tail->rec + i);

		if (!qbd_tail_pinned(core, id) && !qbd_tail_waits(core, id))
			continue;
		if (tail->relog && qbd_tail_pinned(core, id) &&
		    qbd_tail_take(core, id))
			continue;
		/* All of a segment or nothing of it. */
		tail->nr = nr;
		tail->blocks = blocks;
		return false;
	}
	tail->rec += seg->nr_recs;
	tail->seg++;
	tail->moved = true;
	return true;
}

/**
 * qbd_tail_step() - choose how far the tail moves
 * @core: the store; what goes home was frozen
 * @end: set when it is chosen
 *
 * Return: QBD_CKPT_MORE.
 */
enum qbd_ckpt_step qbd_tail_step(struct qbd_store_core *core, bool *end)
{
	struct qbd_ckpt_tail *tail = &core->ckpt.tail;

	*end = true;
	if (tail->seg == core->ring.seg_end)
		return QBD_CKPT_MORE;
	if (!core->want_slot) {
		if (!tail->moved && !qbd_tail_pressed(core))
			return QBD_CKPT_MORE;
		if (!qbd_tail_above(core, tail->seg, tail->rec, 4))
			return QBD_CKPT_MORE;
	}
	*end = false;
	if (qbd_tail_pass(core))
		return QBD_CKPT_MORE;
	*end = true;
	if (tail->relog || !qbd_tail_relog_gains(core))
		return QBD_CKPT_MORE;
	if (!core->want_slot && !qbd_tail_above(core, tail->seg, tail->rec, 6))
		return QBD_CKPT_MORE;
	*end = false;
	tail->relog = true;
	tail->stop_seg = tail->seg;
	tail->stop_rec = tail->rec;
	return QBD_CKPT_MORE;
}

/**
 * qbd_tail_load_step() - have the payloads in memory that are logged again
 * @core: the store
 * @io: filled in if this says QBD_CKPT_IO
 * @end: set when there are no more
 *
 * Return: QBD_CKPT_IO or QBD_CKPT_MORE.
 */
enum qbd_ckpt_step qbd_tail_load_step(struct qbd_store_core *core,
				      struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;

	while (ckpt->step < ckpt->tail.nr) {
		u32 id = ckpt->tail.rec_id[ckpt->step++];
		const struct qbd_rec *rec = &core->index.rec[id];

		if (rec->dead || rec->payload || !rec->desc.payload_blocks)
			continue;
		memset(io, 0, sizeof(*io));
		io->op = QBD_IO_LOAD;
		io->rec = id;
		io->blocks = rec->desc.payload_blocks;
		return QBD_CKPT_IO;
	}
	*end = true;
	return QBD_CKPT_MORE;
}

/*
 * Are all payloads in memory, is there still room?
 *
 * A record that was pinned when it was chosen may have been truncated since,
 * or its replica deleted.  It gets no copy then: behind the record that voids
 * it, a copy would bring it back at replay.  So the tail has to wait for that
 * record as it does for those that were void before: it may never be logged.
 */
static bool qbd_tail_can_relog(const struct qbd_store_core *core)
{
	const struct qbd_ckpt_tail *tail = &core->ckpt.tail;
	u32 i;

	for (i = 0; i < tail->nr; i++) {
		u32 id = tail->rec_id[i];
		const struct qbd_rec *rec = &core->index.rec[id];

		if (qbd_tail_waits(core, id) && !QBD_MUTANT(chosen_then_void))
			return false;
		if (!rec->dead && rec->desc.payload_blocks && !rec->payload)
			return false;
	}
	return qbd_ring_has_room(&core->ring, QBD_ROOM_RELOG, tail->blocks) &&
	       qbd_rec_room(&core->index) >= tail->nr;
}

/**
 * qbd_tail_relog() - log the records in the way again
 * @core: the store
 *
 * A copy takes the place of its record at once: until it is durable the tail
 * does not move, and replay would find the old one.
 */
void qbd_tail_relog(struct qbd_store_core *core)
{
	struct qbd_ckpt_tail *tail = &core->ckpt.tail;
	u32 i;

	if (!qbd_tail_can_relog(core)) {
		/* A payload was dropped, a record voided: next time, then. */
		tail->seg = tail->stop_seg;
		tail->rec = tail->stop_rec;
		tail->moved = tail->seg != core->ring.seg_first;
		return;
	}
	for (i = 0; i < tail->nr; i++) {
		u32 old = tail->rec_id[i];
		struct qbd_rec *rec = &core->index.rec[old];
		struct qbd_slot *slot = &core->slot[rec->slot];
		struct qbd_desc desc = rec->desc;
		u32 id;

		/* Void, and the log says so. */
		if (!qbd_tail_pinned(core, old))
			continue;
		desc.flags |= QBD_REC_RELOG;
		id = qbd_store_push(core, slot, &desc, rec->payload);
		rec->payload = NULL;
		rec->dead = true;
		qbd_rec_replace(&core->index, &slot->list, old, id);
		tail->alive++;
		core->stats.relogged++;
	}
}

/* The oldest record leaves the log. */
static void qbd_tail_pop_rec(struct qbd_store_core *core)
{
	u32 id = qbd_rec_at(&core->index, core->index.first);
	struct qbd_rec *rec = &core->index.rec[id];
	struct qbd_slot *slot = &core->slot[rec->slot];

	if (!rec->dead && qbd_op_has_index(rec->desc.op)) {
		slot->log_first = max(slot->log_first, rec->desc.index + 1);
		/* Its reservations too, if the replica was deleted just now. */
		qbd_slot_kill(core, slot, id);
	}
	qbd_store_release(core, id);
	qbd_rec_pop(&core->index);
}

/**
 * qbd_tail_pop_step() - move the tail to where the superblock says it is
 * @core: the store; both superblock slots are on stable media
 *
 * Return: false at the end.
 */
bool qbd_tail_pop_step(struct qbd_store_core *core)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	u32 nr = QBD_STORE_STEP;

	while (core->ring.seg_first != ckpt->tail.seg && nr--) {
		const struct qbd_ring_seg *seg;

		seg = qbd_ring_seg(&core->ring, core->ring.seg_first);
		/* @step counts the records of the segment that are gone. */
		if (ckpt->step < seg->nr_recs) {
			qbd_tail_pop_rec(core);
			ckpt->step++;
			continue;
		}
		qbd_ring_pop(&core->ring);
		ckpt->step = 0;
	}
	return core->ring.seg_first != ckpt->tail.seg;
}
