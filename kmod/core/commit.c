// SPDX-License-Identifier: GPL-2.0-only
/*
 * Group commit: waiting records become a segment, a written segment makes its
 * records durable.
 *
 * One segment at a time: the next one begins when the last one has ended, and
 * takes all that came in meanwhile.  So each header can say that the segment
 * before it is on stable media, which is what replay needs to tell a torn
 * tail from corruption (S5): there is never more than one segment at risk.
 *
 * A SEAL is a segment without records, written when the log has been idle: it
 * proves the last segment durable, whose loss would look like a torn tail.
 *
 * Context: under the store's lock; visits at most QBD_SEG_DESCS records, and
 * QBD_COMMIT_DEAD_MAX dead ones between them.
 */
#include "env.h"
#include "store_core.h"

/* Dead entries that one call passes by; see qbd_commit_take(). */
#define QBD_COMMIT_DEAD_MAX 4096

/**
 * qbd_commit_wanted() - is there something to commit?
 * @core: the store
 *
 * Return: true if records wait and no segment is under way.
 */
bool qbd_commit_wanted(const struct qbd_store_core *core)
{
	return core->commit.alive && !core->commit.busy && !core->error;
}

/**
 * qbd_commit_seal_wanted() - would a seal prove something?
 * @core: the store
 *
 * For the caller to ask when the log has been idle for a while.
 *
 * Return: true if the last segment written is not proven durable yet.
 */
bool qbd_commit_seal_wanted(const struct qbd_store_core *core)
{
	return core->commit.unproven && !core->commit.alive &&
	       !core->commit.busy && !core->error && !core->closing &&
	       core->super.known.lpos != core->ring.head.lpos &&
	       qbd_ring_seal_fits(&core->ring);
}

/*
 * The next waiting record that is to be written.  Dead entries are passed by,
 * unless they are copies (see qbd_slot_kill()): they are not written, and
 * leave the index with the segment that comes next.
 */
static u32 qbd_commit_take(struct qbd_store_core *core)
{
	u32 nr = QBD_COMMIT_DEAD_MAX;

	while (core->index.wait != core->index.end && nr--) {
		u32 id = qbd_rec_at(&core->index, core->index.wait);

		if (!core->index.rec[id].dead ||
		    core->index.rec[id].desc.flags & QBD_REC_RELOG)
			return id;
		core->index.rec[id].state = QBD_REC_LOGGED;
		core->index.wait++;
	}
	return QBD_REC_NONE;
}

/* Put waiting records into the header until it, or the segment, is full. */
static int qbd_commit_fill(struct qbd_store_core *core, void *header,
			   struct qbd_seg_plan *plan)
{
	u64 lpos = core->ring.head.lpos + 1;
	u32 blocks = 0;
	int error;

	while (plan->nr_recs < QBD_SEG_DESCS) {
		u32 id = qbd_commit_take(core);
		struct qbd_rec *rec;

		if (id == QBD_REC_NONE)
			break;
		rec = &core->index.rec[id];
		if (blocks + rec->desc.payload_blocks > core->ring.payload_max)
			break;
		error = qbd_seg_add(header, &rec->desc);
		if (error)
			return error;
		rec->lpos = lpos + blocks;
		rec->state = QBD_REC_WRITING;
		blocks += rec->desc.payload_blocks;
		plan->rec[plan->nr_recs++] = id;
		core->index.wait++;
	}
	return 0;
}

/**
 * qbd_commit_begin() - make a segment of what waits, or a seal
 * @core: the store
 * @header: QBD_BLOCK_SIZE bytes, filled in: the header block
 * @plan: filled in: what is to be written where
 *
 * Return: 0; -EBUSY while a segment is under way; -EAGAIN if nothing waits
 * and no seal is wanted; else why the store failed.
 */
int qbd_commit_begin(struct qbd_store_core *core, void *header,
		     struct qbd_seg_plan *plan)
{
	struct qbd_commit *commit = &core->commit;
	struct qbd_seg_head *head = &plan->head;
	bool seal = qbd_commit_seal_wanted(core);
	int error;

	if (core->error)
		return core->error;
	if (commit->busy)
		return -EBUSY;
	if (!commit->alive && !seal)
		return -EAGAIN;
	memset(plan, 0, sizeof(*plan));
	qbd_seg_start(header);
	error = seal ? 0 : qbd_commit_fill(core, header, plan);
	if (error)
		goto fail;
	if (!plan->nr_recs && !seal)
		return -EAGAIN;
	head->run = core->super.run;
	head->seq = core->ring.head.seq;
	head->lpos = core->ring.head.lpos;
	head->prev_crc = core->ring.head.prev_crc;
	head->durable_seq = head->seq - 1;
	head->flags = plan->nr_recs ? 0 : QBD_SEG_SEAL;
	error = qbd_seg_finish(header, core->seed, core->ring.blocks, head);
	if (error)
		goto fail;
	plan->nr_extents = qbd_store_log_extents(
		core, head->lpos, qbd_seg_blocks(head), plan->extent);
	commit->head = *head;
	commit->busy = true;
	/* its header is nobody's, and could be promised away until it ends */
	if (seal)
		core->ring.waiting++;
	return 0;
fail:
	qbd_store_fail(core, error);
	return error;
}

/* A record of the segment is on stable media. */
static void qbd_commit_rec(struct qbd_store_core *core, u32 id)
{
	struct qbd_rec *rec = &core->index.rec[id];
	struct qbd_slot *slot = &core->slot[rec->slot];

	rec->state = QBD_REC_LOGGED;
	core->commit.alive--;
	core->ring.waiting -= 1 + rec->desc.payload_blocks;
	if (rec->desc.flags & QBD_REC_RELOG)
		core->ckpt.tail.alive--;
	if (rec->desc.op == QBD_OP_DELETE)
		slot->delete_seq = core->commit.head.seq;
	if (rec->desc.op == QBD_OP_TRUNCATE)
		slot->cuts_waiting--;
	if (rec->dead || !qbd_op_has_index(rec->desc.op)) {
		qbd_store_release(core, id);
		return;
	}
	if (rec->desc.flags & QBD_REC_RELOG)
		return;
	slot->durable.term = rec->desc.term;
	slot->durable.index = rec->desc.index;
	qbd_slot_bound(core, slot);
	qbd_slot_settle(core, slot, 1);
}

/**
 * qbd_commit_end() - the segment under way was written
 * @core: the store
 * @error: 0 if all of it is on stable media; else it fails the store
 *
 * Afterwards, under the same lock, the records of the plan tell what became
 * durable: those that are not dead and no copies (QBD_REC_RELOG).
 */
void qbd_commit_end(struct qbd_store_core *core, int error)
{
	struct qbd_commit *commit = &core->commit;
	bool seal = commit->head.flags & QBD_SEG_SEAL;
	u64 count = commit->first;

	if (QBD_CORE_BUG(!commit->busy))
		return;
	commit->busy = false;
	if (seal)
		core->ring.waiting--;
	if (!error)
		error = qbd_ring_push(&core->ring, &commit->head,
				      seal ? 0 : core->index.wait - count);
	if (error) {
		qbd_store_fail(core, error);
		return;
	}
	core->stats.segments++;
	core->activity++;
	commit->unproven = !seal;
	if (seal)
		return;
	for (; count != core->index.wait; count++) {
		u32 id = qbd_rec_at(&core->index, count);

		if (core->index.rec[id].state == QBD_REC_WRITING)
			qbd_commit_rec(core, id);
	}
	commit->first = core->index.wait;
}
