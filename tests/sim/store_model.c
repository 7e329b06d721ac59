// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of a store; see store_model.h. Slow and plain on purpose.
 */
#include "rng.h"
#include "store_model.h"

void qbd_model_copy(struct qbd_model *to, const struct qbd_model *from)
{
	u32 i;

	for (i = 0; i < QBD_MODEL_REPLICAS; i++) {
		struct qbd_model_replica *t = &to->replica[i];
		const struct qbd_model_replica *f = &from->replica[i];
		struct qbd_model_rec *rec = t->rec;
		u64 max = t->max;

		if (max < f->last + 1) {
			max = 2 * (f->last + 1);
			rec = realloc(rec, max * sizeof(*rec));
			if (!rec)
				abort();
		}
		*t = *f;
		t->rec = rec;
		t->max = max;
		if (f->rec)
			memcpy(rec, f->rec, (f->last + 1) * sizeof(*rec));
	}
}

void qbd_model_free(struct qbd_model *model)
{
	u32 i;

	for (i = 0; i < QBD_MODEL_REPLICAS; i++)
		free(model->replica[i].rec);
	memset(model, 0, sizeof(*model));
}

static void qbd_model_append(struct qbd_model_replica *replica,
			     const struct qbd_model_op *op)
{
	if (op->index + 1 > replica->max) {
		replica->max = 2 * (op->index + 1);
		replica->rec = realloc(replica->rec,
				       replica->max * sizeof(*replica->rec));
		if (!replica->rec)
			abort();
	}
	replica->rec[op->index] = op->rec;
	replica->last = op->index;
}

void qbd_model_apply(struct qbd_model *model, const struct qbd_model_op *op)
{
	struct qbd_model_replica *replica = &model->replica[op->replica];

	if (op->is_void)
		return;
	switch (op->kind) {
	case QBD_OP_CREATE:
		replica->id = op->id;
		replica->exists = true;
		replica->blocks = op->rec.blocks;
		replica->epoch = op->rec.epoch;
		replica->last = 0;
		memset(&replica->promise, 0, sizeof(replica->promise));
		break;
	case QBD_OP_DELETE:
		replica->exists = false;
		break;
	case QBD_OP_PROMISE:
		replica->promise = op->promise;
		break;
	case QBD_OP_TRUNCATE:
		/* Less is there if what waited was never written. */
		replica->last = min(replica->last, op->index);
		break;
	default:
		qbd_model_append(replica, op);
	}
}

u64 qbd_model_term(const struct qbd_model_replica *replica, u64 index)
{
	return index && index <= replica->last ? replica->rec[index].term : 0;
}

/* Epoch of the newest config logged. */
u64 qbd_model_epoch(const struct qbd_model_replica *replica)
{
	u64 i;

	for (i = replica->last; i; i--)
		if (replica->rec[i].op == QBD_OP_CONFIG)
			return replica->rec[i].epoch;
	return replica->epoch;
}

static bool qbd_model_touches(const struct qbd_model_rec *rec, u32 first,
			      u32 blocks)
{
	return rec->blocks && rec->block < first + blocks &&
	       first < rec->block + rec->blocks;
}

/* Index of the newest version of a block at or below @index, 0 = none. */
u64 qbd_model_version(const struct qbd_model_replica *replica, u32 block,
		      u64 index)
{
	return qbd_model_chunk_last(replica, block, 1, index);
}

u64 qbd_model_chunk_last(const struct qbd_model_replica *replica, u32 first,
			 u32 blocks, u64 index)
{
	u64 i;

	for (i = min(index, replica->last); i; i--)
		if (qbd_model_touches(&replica->rec[i], first, blocks))
			return i;
	return 0;
}

/* What a block of the range of a record reads as; NULL: never written. */
void qbd_model_fill(const struct qbd_model_rec *rec, u32 block, void *buf)
{
	u64 *word = buf;
	u64 seed;
	u32 i;

	if (!rec || rec->op != QBD_OP_WRITE) {
		memset(buf, 0, QBD_BLOCK_SIZE);
		return;
	}
	seed = qbd_rng_mix(rec->seed + (block - rec->block));
	for (i = 0; i < QBD_BLOCK_SIZE / sizeof(*word); i++) {
		word[i] = seed;
		seed += 0x9e3779b97f4a7c15ULL;
	}
}

/* The session that a term belongs to. */
u64 qbd_model_nonce(u64 id, u64 term)
{
	return qbd_rng_mix(id * 1000003 + term) | 1;
}
