// SPDX-License-Identifier: GPL-2.0-only
/*
 * A simulated replica that missed a part of its history: the records are made
 * up, the chunks that they change are put into its shadow, in any order, and
 * at some time that becomes the replica, or is given up, or the power goes.
 */
#include "store_world.h"

/* What is made up: the history as the others have it. */
static const struct qbd_model_replica *qbd_sync_ahead(const struct qbd_world *w)
{
	return &w->sync.ahead.replica[w->sync.replica];
}

static int qbd_sync_slot(const struct qbd_world *w)
{
	return qbd_store_find(w->core, w->sync.id);
}

static u32 qbd_sync_chunks(const struct qbd_world *w)
{
	return (qbd_sync_ahead(w)->blocks - 1) >> w->super.layout.chunk_shift;
}

static void qbd_sync_make_up(struct qbd_world *w, struct qbd_model_op *op)
{
	static const u8 kind[] = { QBD_OP_WRITE, QBD_OP_WRITE,	 QBD_OP_WRITE,
				   QBD_OP_ZERO,	 QBD_OP_DISCARD, QBD_OP_TERM,
				   QBD_OP_CONFIG };
	const struct qbd_model_replica *r = qbd_sync_ahead(w);
	u64 again = qbd_rng_below(&w->pin_rng, r->last + 1);

	op->rec.seed = qbd_rng_next(&w->pin_rng);
	op->kind = kind[qbd_rng_below(&w->pin_rng, ARRAY_SIZE(kind))];
	if (op->kind == QBD_OP_CONFIG)
		op->rec.epoch = qbd_rng_range(&w->pin_rng, 10, 1000);
	if (op->kind == QBD_OP_TERM || op->kind == QBD_OP_CONFIG)
		return;
	op->rec.block = (u32)qbd_rng_below(&w->pin_rng, r->blocks);
	op->rec.blocks = min((u32)qbd_rng_range(&w->pin_rng, 1, 40),
			     r->blocks - op->rec.block);
	/* Sometimes the very bytes that are there. */
	if (again && qbd_rng_percent(&w->pin_rng, 40) && r->rec[again].blocks) {
		op->rec = r->rec[again];
		op->kind = op->rec.op;
	}
}

/*
 * Up to two dozen records that this replica has not.  Of terms that it has not
 * seen: what it had to give up may be in its log still, and no two records
 * have one term and index.
 */
static void qbd_sync_history(struct qbd_world *w)
{
	struct qbd_model_op op = { .replica = w->sync.replica };
	const struct qbd_model_replica *r = qbd_sync_ahead(w);
	u64 term = max(qbd_model_term(r, r->last), r->promise.term) + 1;
	u32 nr = (u32)qbd_rng_range(&w->pin_rng, 1, 24);

	while (nr--) {
		memset(&op.rec, 0, sizeof(op.rec));
		qbd_sync_make_up(w, &op);
		op.index = r->last + 1;
		op.rec.op = op.kind;
		term += qbd_rng_percent(&w->pin_rng, 10);
		op.rec.term = term;
		qbd_model_apply(&w->sync.ahead, &op);
	}
}

static void qbd_sync_begin(struct qbd_world *w)
{
	u32 i = (u32)qbd_rng_below(&w->pin_rng, QBD_MODEL_REPLICAS);
	struct qbd_config config = { .nr_old = 1 };
	const struct qbd_model_replica *r;
	struct qbd_pos at;
	int slot, got;

	slot = qbd_store_find(w->core, w->live.replica[i].id);
	/* Nobody fills what he does not know to exist. */
	if (!w->live.replica[i].exists || !w->durable.replica[i].exists ||
	    slot < 0)
		return;
	w->sync.replica = i;
	w->sync.id = w->live.replica[i].id;
	qbd_model_copy(&w->sync.ahead, &w->live);
	qbd_sync_history(w);
	r = qbd_sync_ahead(w);
	at.index = r->last;
	at.term = qbd_model_term(r, r->last);
	config.epoch = qbd_model_epoch(r);
	config.set[0].replica = r->id;
	config.set[0].node = 1;
	got = qbd_store_shadow(w->core, slot, &at, &config);
	qbd_world_trace(w, "shadow %u: (%llu,%llu): %d\n", i, at.term, at.index,
			got);
	if (got) {
		if (got != -EAGAIN && got != -EBUSY &&
		    got != qbd_store_error(w->core))
			qbd_world_broken(w, "shadow: refused");
		return;
	}
	w->sync.active = true;
	w->sync.seq++;
	w->sync.next = 0;
	w->sync.writes = 0;
}

static void qbd_sync_end(struct qbd_world *w)
{
	w->sync.active = false;
	w->sync.switching = false;
	w->sync.dropping = false;
}

/* Give it up; not as long as a write is under way. */
static void qbd_sync_drop(struct qbd_world *w)
{
	int got = qbd_store_shadow_drop(w->core, qbd_sync_slot(w));

	qbd_world_trace(w, "shadow %u dropped: %d\n", w->sync.replica, got);
	if (!got && w->sync.writes)
		qbd_world_broken(w, "shadow: gone while it is written to");
	w->sync.dropping = got;
	if (got == -EBUSY)
		return;
	/* One that is being switched to stays: then it is looked at later. */
	if (!w->sync.switching)
		qbd_sync_end(w);
}

/* A chunk that is being written. */
struct qbd_sync_write {
	struct qbd_world *w;
	struct list_head link;
	struct qbd_disk_req req;
	u64 seq;
	u32 chunk;
	u8 buf[] __aligned(8);
};

static struct qbd_sync_write *qbd_sync_write_new(struct qbd_world *w, u32 chunk,
						 u32 blocks)
{
	struct qbd_sync_write *write;

	write = calloc(1, sizeof(*write) + (size_t)blocks * QBD_BLOCK_SIZE);
	if (!write)
		abort();
	write->w = w;
	write->seq = w->sync.seq;
	write->chunk = chunk;
	write->req.blocks = blocks;
	list_add_tail(&write->link, &w->sync.write_list);
	return write;
}

static void qbd_sync_write_free(struct qbd_sync_write *write)
{
	list_del(&write->link);
	free(write);
}

/* Their requests are gone with the power. */
void qbd_sync_drop_ios(struct qbd_world *w)
{
	struct qbd_sync_write *write, *next;

	list_for_each_entry_safe(write, next, &w->sync.write_list, link)
		qbd_sync_write_free(write);
}

static void qbd_sync_written(struct qbd_disk_req *req)
{
	struct qbd_sync_write *write = req->ctx;
	struct qbd_world *w = write->w;

	w->eios |= !!req->error;
	if (w->sync.active && write->seq == w->sync.seq) {
		w->sync.writes--;
		if (req->error)
			w->sync.dropping = true;
		if (req->error ?
			    qbd_store_shadow_failed(w->core, qbd_sync_slot(w),
						    write->chunk) :
			    qbd_store_shadow_filled(w->core, qbd_sync_slot(w),
						    write->chunk))
			qbd_world_broken(w, "shadow: a chunk is gone");
		if (w->sync.dropping && !w->sync.writes)
			qbd_sync_drop(w);
	}
	qbd_sync_write_free(write);
}

static void qbd_sync_submit(struct qbd_sync_write *write, u64 block)
{
	write->req.op = QBD_DISK_WRITE;
	write->req.block = block;
	write->req.buf = write->buf;
	write->req.done = qbd_sync_written;
	write->req.ctx = write;
	write->w->sync.writes++;
	qbd_disk_submit(write->w->disk, &write->req, write->w->now_ns);
}

/* What of the chunk is to be, and whether that is what there is. */
static enum qbd_shadow_kind qbd_sync_kind(const struct qbd_world *w, u32 first,
					  u32 blocks, u8 *buf)
{
	const struct qbd_model_replica *now = &w->live.replica[w->sync.replica];
	const struct qbd_model_replica *r = qbd_sync_ahead(w);
	static u8 old[QBD_BLOCK_SIZE], zero[QBD_BLOCK_SIZE];
	bool same = true, zeroes = true;
	u32 i;

	for (i = 0; i < blocks; i++) {
		u64 was = qbd_model_version(now, first + i, now->last);
		u64 is = qbd_model_version(r, first + i, r->last);
		u8 *at = buf + (size_t)i * QBD_BLOCK_SIZE;

		qbd_model_fill(is ? &r->rec[is] : NULL, first + i, at);
		qbd_model_fill(was ? &now->rec[was] : NULL, first + i, old);
		same &= !memcmp(at, old, QBD_BLOCK_SIZE);
		zeroes &= !memcmp(at, zero, QBD_BLOCK_SIZE);
	}
	if (zeroes)
		return QBD_SHADOW_ZERO;
	return same ? QBD_SHADOW_SAME : QBD_SHADOW_DATA;
}

/* The next chunk that changed. */
static void qbd_sync_chunk(struct qbd_world *w)
{
	const struct qbd_model_replica *r = qbd_sync_ahead(w);
	u32 shift = w->super.layout.chunk_shift;
	u32 chunk = w->sync.next;
	u32 first = chunk << shift;
	u32 blocks = min(1U << shift, r->blocks - first);
	u64 last = qbd_model_chunk_last(r, first, blocks, r->last);
	struct qbd_shadowed shadowed = { 0 };
	struct qbd_sync_write *write;
	enum qbd_shadow_kind kind;
	int got;

	if (last <= w->live.replica[w->sync.replica].last) {
		w->sync.next++;
		return;
	}
	/* What was freed just now may still be read. */
	if (qbd_world_reads_before(w, w->read_seq))
		return;
	write = qbd_sync_write_new(w, chunk, blocks);
	kind = qbd_sync_kind(w, first, blocks, write->buf);
	got = qbd_store_shadow_set(w->core, qbd_sync_slot(w), chunk, last,
				   kind);
	qbd_world_trace(w, "shadow %u: chunk %u kind %u: %d\n", w->sync.replica,
			chunk, kind, got);
	if (!got && kind == QBD_SHADOW_DATA) {
		if (qbd_store_shadow_get(w->core, qbd_sync_slot(w), chunk,
					 &shadowed) != -ENODATA ||
		    !shadowed.block || !shadowed.own || shadowed.last != last)
			qbd_world_broken(w, "shadow: a chunk has no place");
		w->sync.next++;
		qbd_sync_submit(write, shadowed.block);
		return;
	}
	qbd_sync_write_free(write);
	if (!got)
		w->sync.next++;
	else if (got == -ENOSPC)
		qbd_sync_drop(w);
	else if (got != -ENOMEM)
		qbd_world_broken(w, "shadow: a chunk is refused");
}

/*
 * The store says where the replica is: at the end of what was made up, or where
 * it was. After a power cut, too.
 */
void qbd_sync_found(struct qbd_world *w)
{
	u32 i = w->sync.replica;
	const struct qbd_model_replica *r = qbd_sync_ahead(w);
	struct qbd_store_replica have;

	if (w->sync.switching &&
	    !qbd_store_replica_get(w->core, qbd_sync_slot(w), &have) &&
	    have.applied.index == r->last) {
		u64 index;

		qbd_world_trace(w, "shadow %u is the replica\n", i);
		for (index = w->live.replica[i].last + 1; index <= r->last;
		     index++) {
			struct qbd_model_op op = { .replica = i };

			op.index = index;
			op.rec = r->rec[index];
			op.kind = op.rec.op;
			qbd_model_apply(&w->live, &op);
			qbd_model_apply(&w->durable, &op);
		}
		w->told[i] = r->last;
	}
	qbd_sync_end(w);
}

/* Is it the replica now? Then its history is what was made up. */
void qbd_sync_poll(struct qbd_world *w)
{
	struct qbd_pos at;
	int got;

	if (!w->sync.active || !w->sync.switching || qbd_sync_slot(w) < 0)
		return;
	got = qbd_store_shadow_state(w->core, qbd_sync_slot(w), &at);
	if (got == -EAGAIN)
		return;
	if (!got)
		qbd_world_broken(w, "shadow: not switched to");
	qbd_sync_found(w);
}

/* Does a shadow keep the replica from going on? */
bool qbd_sync_blocks(const struct qbd_world *w, u32 replica)
{
	const struct qbd_slot *slot;
	int no = qbd_store_find(w->core, w->live.replica[replica].id);

	slot = no < 0 ? NULL : &w->core->slot[no];
	return slot && slot->shadow.state != QBD_SHADOW_NONE;
}

/* Whatever there is, let it come to an end. */
void qbd_sync_stop(struct qbd_world *w)
{
	if (w->sync.active && !w->sync.switching)
		qbd_sync_drop(w);
}

void qbd_sync_step(struct qbd_world *w)
{
	if (!w->sync.active) {
		if (qbd_rng_percent(&w->pin_rng, 15))
			qbd_sync_begin(w);
	} else if (qbd_sync_slot(w) < 0) {
		/* Deleted; a power cut may bring it back, switched. */
		if (!w->sync.switching)
			qbd_sync_end(w);
	} else if (w->sync.dropping) {
		return;
	} else if (w->sync.switching) {
		if (qbd_rng_percent(&w->pin_rng, 2))
			qbd_sync_drop(w);
	} else if (qbd_rng_percent(&w->pin_rng, 2)) {
		qbd_sync_drop(w);
	} else if (w->sync.next <= qbd_sync_chunks(w)) {
		qbd_sync_chunk(w);
	} else {
		int got = qbd_store_shadow_switch(w->core, qbd_sync_slot(w));

		qbd_world_trace(w, "shadow %u: switch: %d\n", w->sync.replica,
				got);
		w->sync.switching = !got;
		if (got != (w->sync.writes ? -EBUSY : 0) &&
		    got != qbd_store_error(w->core))
			qbd_world_broken(w, "shadow: no switch");
	}
}
