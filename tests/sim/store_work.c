// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to a simulated store; see store_work.h.
 *
 * Each step does one thing, chosen at random: a user's or a leader's call, a
 * step of the commit or of the checkpoint, some requests of the disk. Replicas
 * that nobody commits for pin their records in the log, so that it fills up
 * and has to log them again.
 */
#include "store_work.h"

#define QBD_WORK_SETTLE_STEPS 40000
#define QBD_WORK_STEP_NS 20000

static u64 qbd_work_term(const struct qbd_model_replica *r)
{
	return max3((u64)1, r->promise.term, qbd_model_term(r, r->last));
}

/* --- calls ------------------------------------------------------------- */

static void qbd_work_create(struct qbd_world *w, u32 i)
{
	struct qbd_table_slot table = { .replica = w->next_id, .volume = i };
	struct qbd_model_op op = { .kind = QBD_OP_CREATE, .replica = i };
	struct qbd_payload *payload;
	u64 at;
	int id;

	/* The one before it has to be gone, or both may be there. */
	for (at = w->op_first; at < w->op_end; at++)
		if (w->ops[at % QBD_WORLD_OPS].replica == i)
			return;
	table.blocks = (u32)qbd_rng_range(&w->rng, 20, 200);
	table.config.epoch = qbd_rng_range(&w->rng, 1, 9);
	table.config.nr_old = 1;
	table.config.set[0].replica = w->next_id;
	table.config.set[0].node = 1;
	payload = qbd_world_payload(w, 1);
	id = qbd_store_create(w->core, &table, payload->data, payload);
	qbd_world_trace(w, "create %u: %d\n", i, id);
	if (id < 0) {
		qbd_world_payload_free(w, payload);
		if (id == -EINVAL || id == -EEXIST)
			qbd_world_broken(w, "create: refused");
		return;
	}
	op.id = w->next_id++;
	op.rec.blocks = table.blocks;
	op.rec.epoch = table.config.epoch;
	w->told[i] = 0;
	qbd_world_accept(w, id, &op);
}

/* The payload of a record, and its CRC. */
static struct qbd_payload *qbd_work_payload(struct qbd_world *w,
					    const struct qbd_model_rec *rec,
					    struct qbd_config *config,
					    struct qbd_desc *desc)
{
	struct qbd_payload *payload;
	u32 i;

	if (!desc->payload_blocks)
		return NULL;
	payload = qbd_world_payload(w, desc->payload_blocks);
	for (i = 0; i < rec->blocks; i++)
		qbd_model_fill(rec, rec->block + i,
			       payload->data + (size_t)i * QBD_BLOCK_SIZE);
	if (rec->op == QBD_OP_CONFIG) {
		memset(payload->data, 0, QBD_BLOCK_SIZE);
		qbd_config_encode(config, (void *)payload->data);
	}
	desc->crc = qbd_payload_crc(~0U, payload->data,
				    (size_t)payload->blocks * QBD_BLOCK_SIZE);
	return payload;
}

static u32 qbd_work_blocks(struct qbd_world *w, u8 op)
{
	if (op != QBD_OP_WRITE)
		return (u32)qbd_rng_range(&w->rng, 1, 70);
	if (qbd_rng_percent(&w->rng, 60))
		return (u32)qbd_rng_range(&w->rng, 1, 4);
	return (u32)qbd_rng_range(&w->rng, 1, w->core->ring.payload_max);
}

static u8 qbd_work_op(struct qbd_world *w)
{
	u32 what = (u32)qbd_rng_below(&w->rng, 100);

	if (what < 75)
		return QBD_OP_WRITE;
	if (what < 85)
		return QBD_OP_DISCARD;
	if (what < 92)
		return QBD_OP_ZERO;
	return what < 97 ? QBD_OP_TERM : QBD_OP_CONFIG;
}

static int qbd_work_refused(struct qbd_world *w, u32 chunks, int error)
{
	if (error == -ENOSPC && qbd_alloc_room(&w->core->alloc) >= chunks)
		qbd_world_broken(w, "space: refused though there is some");
	if (error != -EAGAIN && error != -ENOSPC &&
	    error != qbd_store_error(w->core))
		qbd_world_broken(w, "append: refused");
	return error;
}

/* Append what is filled in of @op: what is in it, not its place in history. */
static int qbd_work_put(struct qbd_world *w, struct qbd_model_op *op)
{
	u32 i = op->replica;
	const struct qbd_model_replica *r = &w->live.replica[i];
	struct qbd_desc desc = { .op = op->kind };
	struct qbd_config config = { .nr_old = 1 };
	struct qbd_payload *payload;
	u32 shift = w->super.layout.chunk_shift;
	int id;

	op->index = r->last + 1;
	op->rec.op = op->kind;
	op->rec.term = qbd_work_term(r);
	if (op->kind == QBD_OP_CONFIG) {
		config.epoch = op->rec.epoch;
		config.set[0].replica = r->id;
		config.set[0].node = 1;
		desc.payload_blocks = 1;
	}
	if (op->kind == QBD_OP_WRITE)
		desc.payload_blocks = op->rec.blocks;
	desc.term = op->rec.term;
	desc.index = op->index;
	desc.aux0 = qbd_model_term(r, r->last);
	desc.block = op->rec.block;
	desc.blocks = op->rec.blocks;
	payload = qbd_work_payload(w, &op->rec, &config, &desc);
	id = qbd_store_append(w->core, qbd_store_find(w->core, r->id), &desc,
			      payload,
			      op->kind == QBD_OP_CONFIG ? &config : NULL);
	qbd_world_trace(w, "append %u: (%llu,%llu) op %u %u+%u: %d\n", i,
			desc.term, desc.index, op->kind, desc.block,
			desc.blocks, id);
	if (id < 0) {
		if (payload)
			qbd_world_payload_free(w, payload);
		return qbd_work_refused(w, (desc.blocks >> shift) + 2, id);
	}
	qbd_world_accept(w, id, op);
	return 0;
}

static int qbd_work_append(struct qbd_world *w, u32 i, u8 what)
{
	const struct qbd_model_replica *r = &w->live.replica[i];
	struct qbd_model_op op = { .kind = what, .replica = i };

	op.rec.seed = qbd_rng_next(&w->rng);
	if (what == QBD_OP_CONFIG) {
		op.rec.epoch = qbd_rng_range(&w->rng, 10, 1000);
	} else if (what != QBD_OP_TERM) {
		op.rec.block = (u32)qbd_rng_below(&w->rng, r->blocks);
		op.rec.blocks =
			min(qbd_work_blocks(w, what), r->blocks - op.rec.block);
	}
	return qbd_work_put(w, &op);
}

static int qbd_work_promise(struct qbd_world *w, u32 i, u64 more)
{
	const struct qbd_model_replica *r = &w->live.replica[i];
	struct qbd_model_op op = { .kind = QBD_OP_PROMISE, .replica = i };
	u32 slot = qbd_store_find(w->core, r->id);
	struct qbd_promise promise = { .node = 1, .epoch = 1 };
	int id;

	promise.term = qbd_work_term(r) + more;
	promise.nonce = qbd_model_nonce(r->id, promise.term);
	promise.lease_ms = (u32)promise.term % 1000;
	op.promise = promise;
	id = qbd_store_promise(w->core, slot, &promise);
	qbd_world_trace(w, "promise %u: term %llu: %d\n", i, promise.term, id);
	if (id >= 0)
		qbd_world_accept(w, id, &op);
	promise.nonce += 2;
	if (promise.term == r->promise.term &&
	    qbd_store_promise(w->core, slot, &promise) != -ESTALE &&
	    !qbd_store_error(w->core))
		qbd_world_broken(w, "promise: one term to two sessions");
	return id;
}

/* What waits and is void now is never written. */
static void qbd_work_void(struct qbd_world *w, u32 i, u64 index)
{
	u64 at = w->seg_ios ? w->seg_ops : w->op_first;

	for (; at < w->op_end; at++) {
		struct qbd_model_op *op = &w->ops[at % QBD_WORLD_OPS];

		if (op->replica == i && qbd_op_has_index(op->kind) &&
		    op->index > index)
			op->is_void = true;
	}
}

static void qbd_work_truncate(struct qbd_world *w, u32 i)
{
	const struct qbd_model_replica *r = &w->live.replica[i];
	struct qbd_model_op op = { .kind = QBD_OP_TRUNCATE, .replica = i };
	u32 slot = qbd_store_find(w->core, r->id);
	struct qbd_store_replica have;
	int id;

	if (!qbd_store_replica_get(w->core, slot, &have) && have.table.commit &&
	    qbd_store_truncate(w->core, slot, 1, have.table.commit - 1) >= 0)
		qbd_world_broken(w, "truncate: below the bound");
	if (r->last == w->told[i])
		return;
	/* A new leader's word: its records have a higher term. */
	if (qbd_work_promise(w, i, 1) < 0)
		return;
	op.index = w->told[i] + qbd_rng_below(&w->rng, r->last - w->told[i]);
	id = qbd_store_truncate(w->core, slot, qbd_work_term(r), op.index);
	qbd_world_trace(w, "truncate %u: to %llu: %d\n", i, op.index, id);
	if (id < 0)
		return;
	qbd_work_void(w, i, op.index);
	qbd_world_accept(w, id, &op);
}

static void qbd_work_delete(struct qbd_world *w, u32 i)
{
	struct qbd_model_op op = { .kind = QBD_OP_DELETE, .replica = i };
	u64 replica = w->live.replica[i].id;
	int id;

	/* Nobody deletes what he does not know to exist. */
	if (!w->durable.replica[i].exists)
		return;
	id = qbd_store_delete(w->core, qbd_store_find(w->core, replica), 7);
	qbd_world_trace(w, "delete %u: %d\n", i, id);
	if (id >= 0)
		qbd_world_accept(w, id, &op);
}

static void qbd_work_told(struct qbd_world *w, u32 i, u64 index)
{
	qbd_world_trace(w, "commit %u: %llu\n", i, index);
	w->told[i] = max(w->told[i], index);
	qbd_store_commit_set(
		w->core, qbd_store_find(w->core, w->live.replica[i].id), index);
}

static void qbd_work_read(struct qbd_world *w, u32 i)
{
	u32 block = (u32)qbd_rng_below(&w->rng, w->live.replica[i].blocks);
	u32 blocks = (u32)qbd_rng_range(&w->rng, 1, 24);

	qbd_world_read(w, i, block,
		       min(blocks, w->live.replica[i].blocks - block));
}

/* Pins come and go, and are read in between. */
static void qbd_work_pin(struct qbd_world *w)
{
	u32 i = (u32)qbd_rng_below(&w->pin_rng, QBD_MODEL_REPLICAS);
	const struct qbd_model_replica *r = &w->live.replica[i];
	u32 shift = w->super.layout.chunk_shift;
	struct qbd_store_replica have;
	struct qbd_pos at;
	int slot, got;

	slot = qbd_store_find(w->core, r->id);
	if (!r->exists || slot < 0 ||
	    qbd_store_replica_get(w->core, slot, &have))
		return;
	got = qbd_store_pin_get(w->core, slot, &at);
	if (!got && qbd_rng_percent(&w->pin_rng, 80)) {
		qbd_world_read_pin(w, i,
				   (u32)qbd_rng_below(&w->pin_rng, r->blocks) >>
					   shift);
	} else if (!got || got == -EAGAIN) {
		if (!got || qbd_rng_percent(&w->pin_rng, 5))
			qbd_store_unpin(w->core, slot);
		qbd_world_trace(w, "unpin %u: %d\n", i, got);
	} else {
		if (got != -ENOENT && got != -ENOSPC && got != -ENOMEM)
			qbd_world_broken(w, "pin: not taken");
		got = qbd_store_pin(w->core, slot);
		qbd_world_trace(w, "pin %u: %d\n", i, got);
		if (!got)
			w->pin_min[i] = have.table.commit;
		if (got == -EBUSY && qbd_sync_blocks(w, i))
			return;
		if (got && got != -EIO && got != -EAGAIN &&
		    got != qbd_store_error(w->core))
			qbd_world_broken(w, "pin: refused");
	}
}

static void qbd_work_drop(struct qbd_world *w)
{
	u32 id = (u32)qbd_rng_next(&w->rng) & w->core->index.mask;
	void *payload = qbd_store_payload_drop(w->core, id);

	if (payload)
		qbd_world_payload_free(w, payload);
}

/*
 * A segment was cut off by the power, half written. The leaders have the new
 * terms that the pause brought, send its records again, and the power goes
 * again: the header of the new segment may be lost while its payload, the very
 * bytes that the old header misses, is written.
 */
static void qbd_work_again(struct qbd_world *w)
{
	u32 i;

	for (i = 0; i < w->nr_cut; i++) {
		struct qbd_model_op op = w->cut[i];

		if (!w->live.replica[op.replica].exists ||
		    qbd_work_promise(w, op.replica, 1) < 0 ||
		    qbd_work_put(w, &op))
			break;
	}
	w->nr_cut = 0;
	qbd_world_commit_step(w, false);
	if (qbd_rng_percent(&w->again_rng, 70))
		w->cut_after = qbd_rng_below(&w->again_rng, 3);
}

/* --- choosing ---------------------------------------------------------- */

static void qbd_work_call(struct qbd_world *w)
{
	u32 i = (u32)qbd_rng_below(&w->rng, QBD_MODEL_REPLICAS);
	const struct qbd_model_replica *r = &w->live.replica[i];
	u32 what = (u32)qbd_rng_below(&w->rng, 100);
	bool pinned = w->pinned & (1U << i);

	if (w->op_end - w->op_first > QBD_WORLD_OPS - 8)
		return;
	if (!r->exists) {
		if (i < 4 || what < 10)
			qbd_work_create(w, i);
		return;
	}
	if (what < 50 && qbd_sync_blocks(w, i))
		return;
	if (what < 50)
		qbd_work_append(w, i, qbd_work_op(w));
	else if (what < 70 && !pinned)
		qbd_work_told(w, i,
			      qbd_rng_range(&w->rng, w->told[i], r->last));
	else if (what < 75 && !pinned)
		qbd_work_told(w, i, r->last);
	else if (what < 80)
		qbd_work_promise(w, i, qbd_rng_below(&w->rng, 3));
	else if (what < 84)
		qbd_work_truncate(w, i);
	else if (what < 92)
		qbd_work_read(w, i);
	else if (what < 99)
		qbd_work_drop(w);
	else if (qbd_rng_percent(&w->rng, 20))
		qbd_work_delete(w, i);
}

static void qbd_work_ckpt(struct qbd_world *w)
{
	u32 chance[] = {
		[QBD_CKPT_NONE] = 2,
		[QBD_CKPT_SOON] = 30,
		[QBD_CKPT_NOW] = 80,
	};

	if (w->ckpt)
		qbd_world_ckpt_step(w);
	else if (qbd_rng_percent(&w->rng, chance[qbd_ckpt_wanted(w->core)]))
		qbd_world_ckpt_begin(w, false);
}

/* Who is how busy changes from life to life: each is the slowest at times. */
static void qbd_work_mood(struct qbd_world *w)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(w->mood); i++)
		w->mood[i] = (u32)qbd_rng_range(&w->rng, 1, 12);
}

static void qbd_work_step(struct qbd_world *w)
{
	u32 sum = w->mood[0] + w->mood[1] + w->mood[2] + w->mood[3];
	u32 what = (u32)qbd_rng_below(&w->rng, sum);

	qbd_world_pages(w);
	if (w->pins && qbd_rng_percent(&w->pin_rng, 8))
		qbd_work_pin(w);
	if (w->pins && qbd_rng_percent(&w->pin_rng, 20))
		qbd_sync_step(w);
	if (what < w->mood[0])
		qbd_work_call(w);
	else if (what < w->mood[0] + w->mood[1])
		qbd_world_commit_step(w, qbd_rng_percent(&w->rng, 10));
	else if (what < w->mood[0] + w->mood[1] + w->mood[2])
		qbd_work_ckpt(w);
	else
		qbd_world_disk_step(w);
	qbd_world_release(w);
	if (qbd_store_error(w->core) && !w->eios)
		qbd_world_broken(w, "the store failed without a fault");
}

static bool qbd_work_on(const struct qbd_world *w)
{
	return !w->off && !w->why && !qbd_store_error(w->core);
}

void qbd_work_run(struct qbd_world *w, u32 steps)
{
	qbd_work_mood(w);
	/* One replica in four has no leader for this life. */
	w->pinned = (u32)(qbd_rng_next(&w->rng) & qbd_rng_next(&w->rng));
	if (qbd_rng_percent(&w->rng, 50))
		w->pinned = 0;
	w->pins = qbd_rng_percent(&w->pin_rng, 40);
	w->pin_pages = qbd_rng_percent(&w->pin_rng, 90);
	w->busy = true;
	if (w->again && w->nr_cut)
		qbd_work_again(w);
	while (steps-- && qbd_work_on(w)) {
		w->now_ns += QBD_WORK_STEP_NS;
		qbd_work_step(w);
	}
	w->busy = false;
}

/* Run without new calls until there is nothing left to do. */
static void qbd_work_settle(struct qbd_world *w)
{
	u32 steps = QBD_WORK_SETTLE_STEPS;

	while (qbd_work_on(w) && steps--) {
		bool idle = !w->ckpt && !w->seg_ios;

		if (idle && !qbd_commit_wanted(w->core) &&
		    !qbd_disk_pending(w->disk)) {
			if (qbd_ckpt_wanted(w->core) == QBD_CKPT_NONE)
				return;
			qbd_world_ckpt_begin(w, false);
		}
		qbd_world_commit_step(w, false);
		if (w->ckpt)
			qbd_world_ckpt_step(w);
		qbd_world_disk_step(w);
		qbd_world_release(w);
	}
	if (qbd_work_on(w))
		qbd_world_broken(w, "space: checkpoints never come to an end");
}

/*
 * A pinned replica takes all that it gets, checkpoints or not. So slowly at
 * times that the log is idle after each record, and a seal follows it.
 */
static void qbd_work_hog(struct qbd_world *w, u32 i)
{
	bool seal = qbd_rng_percent(&w->again_rng, 50);
	u32 refused = 0;

	while (refused < 2 && qbd_work_on(w)) {
		qbd_world_pages(w);
		if (qbd_work_append(w, i,
				    seal ? QBD_OP_DISCARD : QBD_OP_WRITE) < 0)
			refused++;
		else
			refused = 0;
		qbd_work_settle(w);
		if (seal && qbd_work_on(w))
			qbd_world_commit_step(w, true);
	}
}

/*
 * When everything is committed, but for what pinned replicas have, each of the
 * others can go on, however many are pinned and whatever they hold: a full log
 * always becomes free (V2).
 */
void qbd_work_quiet(struct qbd_world *w)
{
	u32 i;

	if (w->pinned && qbd_rng_percent(&w->rng, 50))
		w->pinned = 0;
	qbd_sync_stop(w);
	qbd_work_settle(w);
	for (i = 0; i < QBD_MODEL_REPLICAS && qbd_work_on(w); i++)
		if (w->live.replica[i].exists && !(w->pinned & (1U << i)))
			qbd_work_told(w, i, w->live.replica[i].last);
	qbd_work_settle(w);
	if (qbd_rng_percent(&w->again_rng, 20))
		for (i = 0; i < QBD_MODEL_REPLICAS && qbd_work_on(w); i++)
			if (w->live.replica[i].exists && w->pinned & (1U << i))
				qbd_work_hog(w, i);
	for (i = 0; i < QBD_MODEL_REPLICAS && qbd_work_on(w); i++) {
		if (!w->live.replica[i].exists || w->pinned & (1U << i))
			continue;
		if (qbd_work_append(w, i, QBD_OP_WRITE) != -EAGAIN)
			continue;
		/* It asked for a checkpoint, which has to help. */
		qbd_work_settle(w);
		if (qbd_work_on(w) &&
		    qbd_work_append(w, i, QBD_OP_WRITE) == -EAGAIN)
			qbd_world_broken(w, "space: a full log stays full");
	}
}

void qbd_work_close(struct qbd_world *w)
{
	u32 steps = QBD_WORK_SETTLE_STEPS;

	qbd_work_settle(w);
	if (!qbd_work_on(w))
		return;
	qbd_world_ckpt_begin(w, true);
	while (w->ckpt && !w->off && !w->why && steps--) {
		qbd_world_commit_step(w, false);
		qbd_world_ckpt_step(w);
		qbd_world_disk_step(w);
		qbd_world_release(w);
	}
	if (w->off || w->why || w->eios)
		return;
	if (w->ckpt || qbd_store_error(w->core) != -ESHUTDOWN)
		qbd_world_broken(w, "close: does not come to an end");
	if (w->op_first != w->op_end)
		qbd_world_broken(w, "close: something was not written");
}

/* --- damage ------------------------------------------------------------ */

/* A block of the log that a later segment, or the superblock, vouches for. */
static u64 qbd_damage_log(struct qbd_world *w)
{
	const struct qbd_ring *ring = &w->core->ring;
	u64 proven = ring->seg_end - ring->seg_first;
	const struct qbd_ring_seg *seg;
	struct qbd_extent extent[2];

	if (proven && w->core->super.known.lpos != ring->head.lpos)
		proven--;
	if (!proven)
		return 0;
	seg = qbd_ring_seg(ring,
			   ring->seg_first + qbd_rng_below(&w->rng, proven));
	qbd_store_log_extents(w->core,
			      seg->lpos + qbd_rng_below(&w->rng, seg->blocks),
			      1, extent);
	return extent[0].block;
}

static u64 qbd_damage_meta(struct qbd_world *w)
{
	const struct qbd_meta *meta = &w->core->meta;
	u32 no = (u32)qbd_rng_below(&w->rng, meta->geom.nr_pages);

	if (!meta->cur[no].gen)
		return 0;
	return qbd_meta_block(&meta->geom, no, meta->cur[no].gen);
}

/*
 * The power goes, and something that was on the medium is damaged. Return:
 * true if it is one of two copies, so that nothing may be lost.
 */
bool qbd_work_damage(struct qbd_world *w)
{
	u32 what = (u32)qbd_rng_below(&w->rng, 3);
	bool super = w->core->ckpt.phase == QBD_CKPT_P_SUPER;
	u64 block = 0;
	u8 bytes[QBD_BLOCK_SIZE];

	if (what == 0 && !super)
		block = qbd_super_block(qbd_rng_below(&w->rng, 2));
	else if (what == 1)
		block = qbd_damage_meta(w);
	else
		block = qbd_damage_log(w);
	if (!w->off)
		qbd_disk_cut(w->disk);
	super = what == 0 && !super;
	if (!block && !super)
		return true; /* nothing is damaged */
	qbd_world_trace(w, "damage block %llu\n", block);
	if (qbd_rng_percent(&w->rng, 50)) {
		qbd_disk_flip(w->disk, block,
			      (u32)qbd_rng_below(&w->rng, QBD_BLOCK_SIZE * 8));
	} else {
		memset(bytes, (int)qbd_rng_below(&w->rng, 2) * 0x5a,
		       sizeof(bytes));
		qbd_disk_poke(w->disk, block, bytes);
	}
	return super;
}
