// SPDX-License-Identifier: GPL-2.0-only
/*
 * Format, open, and what has to be there when a store was opened again.
 *
 * RULES.  After a power cut the store has exactly what was acknowledged, or
 * that and all of the segment that was under way, with the same terms,
 * indexes and bytes; promises never fall; what was promised, created or
 * deleted may be known before it was acknowledged, because a checkpoint
 * carries it.  Without damage no replica loses its vote.  With damage the
 * store refuses to open, or says which replicas are concerned, or is right.
 */
#include "format.h"
#include "store_world.h"

#define QBD_WORLD_BUF_BLOCKS 64

/* Make a store. Return: 0; -ENODEV if the power went meanwhile. */
int qbd_world_format(struct qbd_world *w)
{
	struct qbd_format_options options = {
		.dev_blocks = w->dev_blocks,
		.wal_blocks = w->super.layout.wal_blocks,
		.chunk_shift = w->super.layout.chunk_shift,
		.replicas = QBD_MODEL_REPLICAS,
		.store = { 1 },
		.cluster = { 2 },
		.run = qbd_rng_next(&w->rng) | 1,
	};
	static u8 block[QBD_BLOCK_SIZE];
	struct qbd_format format;
	struct qbd_io io;
	int got;

	memcpy(options.store + 8, &w->rng.state, sizeof(w->rng.state));
	if (qbd_format_plan(&format, &options)) {
		qbd_world_broken(w, "format: refused");
		return -EINVAL;
	}
	while ((got = qbd_format_next(&format, block, &io)) > 0) {
		int error = qbd_world_io_sync(w, &io);

		if (error)
			return error;
	}
	w->super.layout = format.super.layout;
	return got;
}

/* --- open -------------------------------------------------------------- */

static void qbd_open_make_core(struct qbd_world *w, struct qbd_open *open)
{
	size_t bytes = round_up(qbd_store_mem_bytes(&open->super),
				(size_t)QBD_BLOCK_SIZE);

	w->mem = aligned_alloc(QBD_BLOCK_SIZE, bytes);
	if (!w->mem)
		abort();
	memset(w->mem, 0, bytes);
	w->core = qbd_store_init(w->mem, &open->super);
	w->known = false;
	w->super = open->super;
	w->op_of = calloc(w->core->index.mask + 1, sizeof(*w->op_of));
	if (!w->op_of)
		abort();
	qbd_open_core_give(open, w->core);
	qbd_world_pages(w);
}

static void qbd_open_finding(struct qbd_world *w,
			     const struct qbd_finding *finding, bool faults)
{
	qbd_world_trace(w, "finding %s: %llu..%llu of %llu\n",
			qbd_finding_name(finding->kind), finding->first,
			finding->last, finding->replica);
	if (!faults &&
	    qbd_finding_severity(finding->kind) >= QBD_SEVERITY_REPLICA)
		qbd_world_broken(w, "open: damage found where there is none");
}

static int qbd_open_run(struct qbd_world *w, struct qbd_open *open, bool faults)
{
	struct qbd_io io;
	int error;

	for (;;) {
		switch (qbd_open_next(open, &io)) {
		case QBD_OPEN_IO:
			error = qbd_world_io_sync(w, &io);
			if (error == -ENODEV)
				return error;
			qbd_open_io_end(open, error);
			break;
		case QBD_OPEN_CORE:
			qbd_open_make_core(w, open);
			break;
		case QBD_OPEN_PAGES:
			qbd_world_pages(w);
			break;
		case QBD_OPEN_FINDING:
			qbd_open_finding(w, &open->finding, faults);
			break;
		case QBD_OPEN_SEGMENT:
			break;
		case QBD_OPEN_DONE:
			return 0;
		case QBD_OPEN_FAILED:
			qbd_world_trace(w, "open: %d\n", open->error);
			return open->error;
		}
	}
}

/* Run a checkpoint and nothing else. */
static void qbd_open_checkpoint(struct qbd_world *w)
{
	qbd_world_ckpt_begin(w, false);
	while (w->ckpt && !w->off) {
		qbd_world_ckpt_step(w);
		qbd_world_disk_step(w);
	}
}

/* Open the store. Return: 0; -ENODEV if the power went; or why not. */
int qbd_world_open(struct qbd_world *w, bool faults)
{
	struct qbd_open_config config = {
		.dev_blocks = w->dev_blocks,
		.node = 1,
		.incarnation = qbd_rng_next(&w->rng) | 1,
		.run = qbd_rng_next(&w->rng) | 1,
		.verify_all = qbd_rng_percent(&w->rng, 30),
	};
	struct qbd_open *open = calloc(1, sizeof(*open));
	void *buf = malloc(QBD_WORLD_BUF_BLOCKS * QBD_BLOCK_SIZE);
	int error;

	if (!open || !buf)
		abort();
	qbd_open_init(open, &config, buf, QBD_WORLD_BUF_BLOCKS);
	error = qbd_open_run(w, open, faults);
	qbd_world_trace(w, "open: %d, log %llu..%llu\n", error,
			w->core ? w->core->ring.tail.lpos : 0,
			w->core ? w->core->ring.head.lpos : 0);
	if (!error && open->must_checkpoint)
		qbd_open_checkpoint(w);
	if (w->off)
		error = -ENODEV;
	free(open);
	free(buf);
	return error;
}

/* --- what is found ----------------------------------------------------- */

static const char *qbd_found_promise(const struct qbd_world *w, u32 i,
				     const struct qbd_model_replica *r,
				     const struct qbd_store_replica *have)
{
	const struct qbd_promise *promise = &have->table.promise;

	if (promise->term < r->promise.term)
		return "promise: lost";
	if (promise->term > w->live.replica[i].promise.term)
		return "promise: invented";
	if (promise->term &&
	    promise->nonce != qbd_model_nonce(r->id, promise->term))
		return "promise: to another session";
	if (promise->lease_ms != promise->term % 1000)
		return "promise: with another lease";
	return NULL;
}

/*
 * Where the history of replica @i ends. A replica table that was written while
 * a truncation waited for the log has carried it out, if the store says so.
 */
static u64 qbd_found_last(const struct qbd_world *w,
			  const struct qbd_model_replica *r, u32 i, u64 have)
{
	u64 at;

	for (at = w->op_first; at < w->op_end; at++) {
		const struct qbd_model_op *op = &w->ops[at % QBD_WORLD_OPS];

		if (op->replica == i && op->kind == QBD_OP_TRUNCATE &&
		    op->index == have && have < r->last)
			return have;
	}
	return r->last;
}

/* Is replica @i what @model says? Return: the rule that is broken, or NULL. */
static const char *qbd_found_replica(const struct qbd_world *w,
				     const struct qbd_model *model, u32 i,
				     const struct qbd_store_replica *have)
{
	struct qbd_model_replica cut = model->replica[i], *r = &cut;
	struct qbd_pos last;
	u64 index;

	r->last = qbd_found_last(w, r, i, have->last.index);
	last.term = qbd_model_term(r, r->last);
	last.index = r->last;
	if (have->table.volume != i || have->table.blocks != r->blocks)
		return "replica: another one";
	if (!qbd_pos_equal(have->last, last))
		return have->last.index < last.index ?
			       "history: durable records are lost" :
			       "history: ends otherwise";
	for (index = have->log_first; index <= last.index; index++)
		if (qbd_store_term_at(w->core, qbd_store_find(w->core, r->id),
				      index) != r->rec[index].term)
			return "history: a record is another one";
	if (have->table.config.epoch != qbd_model_epoch(r))
		return "config: another one";
	if (have->applied.term != qbd_model_term(r, have->applied.index))
		return "history: home is ahead of it";
	if (have->applied.index > w->told[i] || have->table.commit > w->told[i])
		return "S1: more went home than was committed";
	return NULL;
}

/* Replicas that the store has and nobody asked for. */
static const char *qbd_found_strangers(const struct qbd_world *w)
{
	u32 slot, i;

	for (slot = 0; slot < w->core->nr_slots; slot++) {
		struct qbd_store_replica have;

		if (qbd_store_replica_get(w->core, slot, &have))
			continue;
		for (i = 0; i < QBD_MODEL_REPLICAS; i++)
			if (w->live.replica[i].id == have.table.replica)
				break;
		if (i == QBD_MODEL_REPLICAS)
			return "replica: came back";
	}
	return NULL;
}

/* Is a truncation of the replica not acknowledged yet? */
static bool qbd_found_cutting(const struct qbd_world *w, u32 i)
{
	u64 at;

	for (at = w->op_first; at < w->op_end; at++)
		if (w->ops[at % QBD_WORLD_OPS].replica == i &&
		    w->ops[at % QBD_WORLD_OPS].kind == QBD_OP_TRUNCATE)
			return true;
	return false;
}

/* Is the store what @model says? What is marked after damage may differ. */
static const char *qbd_found_store(const struct qbd_world *w,
				   const struct qbd_model *model, bool faults)
{
	u32 i;

	for (i = 0; i < QBD_MODEL_REPLICAS; i++) {
		const struct qbd_model_replica *r = &model->replica[i];
		const struct qbd_model_replica *live = &w->live.replica[i];
		int slot = qbd_store_find(w->core, live->id);
		struct qbd_store_replica have;
		const char *why;

		if (slot < 0) {
			if (r->exists && live->exists && !faults)
				return "replica: lost";
			continue;
		}
		if (qbd_store_replica_get(w->core, slot, &have))
			return "replica: can not be read";
		/* Damage to a DELETE: consensus knows better (S11). */
		if (!r->exists && !live->exists && faults)
			continue;
		if (!r->exists && have.last.index)
			return "replica: has records before it exists";
		if (!r->exists && !live->exists)
			return "replica: came back";
		if (have.table.flags & QBD_REPLICA_NONVOTING && !faults)
			return "replica: lost its vote for nothing";
		if (have.table.flags & QBD_REPLICA_SUSPECT || !r->exists)
			continue;
		/* Being deleted, so that not all was written. */
		if (!live->exists && have.last.index < r->last &&
		    have.last.term == qbd_model_term(r, have.last.index))
			continue;
		/* With damage it may be carried out before it is logged. */
		if (faults && qbd_found_cutting(w, i))
			continue;
		why = qbd_found_replica(w, model, i, &have);
		if (!why && !(have.table.flags & QBD_REPLICA_NONVOTING))
			why = qbd_found_promise(w, i, r, &have);
		if (!why)
			continue;
		qbd_world_trace(w, "replica %u: (%llu,%llu), not (%llu,%llu)\n",
				i, have.last.term, have.last.index,
				qbd_model_term(r, r->last), r->last);
		return why;
	}
	return NULL;
}

/* The segment under way did not survive: what was in it? */
static void qbd_found_cut(struct qbd_world *w)
{
	u64 at;

	w->nr_cut = 0;
	for (at = w->op_first; at < w->seg_ops; at++) {
		const struct qbd_model_op *op = &w->ops[at % QBD_WORLD_OPS];

		if (!op->is_void && qbd_op_has_index(op->kind) &&
		    w->nr_cut < QBD_WORLD_CUT)
			w->cut[w->nr_cut++] = *op;
	}
}

/* From now on @model, and what a checkpoint carried, is what there is. */
static void qbd_found_take(struct qbd_world *w, const struct qbd_model *model)
{
	struct qbd_model now = { 0 };
	u32 i;

	qbd_model_copy(&now, model);
	for (i = 0; i < QBD_MODEL_REPLICAS; i++) {
		struct qbd_model_replica *r = &now.replica[i];
		const struct qbd_model_replica *live = &w->live.replica[i];
		int slot = qbd_store_find(w->core, live->id);
		struct qbd_store_replica have;

		if (slot >= 0 && !r->exists && live->exists) {
			r->id = live->id;
			r->blocks = live->blocks;
			r->epoch = live->epoch;
			r->last = 0;
			w->told[i] = 0;
		}
		r->exists = slot >= 0 && (r->exists || live->exists);
		if (slot < 0)
			continue;
		qbd_store_replica_get(w->core, slot, &have);
		r->last = qbd_found_last(w, r, i, have.last.index);
		if (have.table.flags & QBD_REPLICA_SUSPECT ||
		    (!w->known && qbd_found_cutting(w, i)))
			r->exists = false;
		if (!live->exists)
			r->last = min(r->last, have.last.index);
		r->promise = have.table.promise;
		w->told[i] = min(w->told[i], r->last);
	}
	qbd_model_copy(&w->live, &now);
	qbd_model_copy(&w->durable, &now);
	qbd_model_free(&now);
	w->op_first = 0;
	w->op_end = 0;
	w->seg_ops = 0;
}

/* Is everything there that has to be? Then go on from it. */
void qbd_world_verify(struct qbd_world *w, bool faults)
{
	const char *why, *why_maybe;
	u64 i;

	if (w->sync.active)
		qbd_sync_found(w);
	why = faults ? NULL : qbd_found_strangers(w);
	if (why)
		qbd_world_broken(w, why);
	why = qbd_found_store(w, &w->durable, faults);
	why_maybe = why;
	if (why && w->seg_ops > w->op_first) {
		qbd_model_copy(&w->maybe, &w->durable);
		for (i = w->op_first; i < w->seg_ops; i++)
			qbd_model_apply(&w->maybe, &w->ops[i % QBD_WORLD_OPS]);
		why_maybe = qbd_found_store(w, &w->maybe, faults);
	}
	if (why_maybe) {
		qbd_world_broken(w, why);
		return;
	}
	w->known = !faults;
	if (!why)
		qbd_found_cut(w);
	qbd_found_take(w, why ? &w->maybe : &w->durable);
	for (i = 0; i < QBD_MODEL_REPLICAS && !w->why; i++)
		if (w->live.replica[i].exists) {
			qbd_world_read_all(w, i);
			if (!faults)
				qbd_world_log_check(w, i);
		}
	if (!w->off && !faults)
		qbd_world_audit(w);
}
