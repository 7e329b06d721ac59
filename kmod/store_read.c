// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of blocks of a replica.
 *
 * The core says where the newest version of each block is; a read goes in
 * waves of a few such pieces: looked up with the lock held once, then zeroed,
 * copied from payloads in memory, or read from home straight into the
 * caller's pages.  A piece whose payload is only in the log is a wave alone.
 * The end of a wave's bios queues the next wave; no thread waits.
 *
 * Blocks that are at home when they are looked up may get a newer version
 * while they are being read, but nobody overwrites their home: see HOME READS
 * in store_object.h.
 *
 * Context: work items of the reads' queue, which has WQ_MEM_RECLAIM.
 */
#include <linux/bvec.h>
#include <linux/highmem.h>
#include <linux/sched/mm.h>
#include "fault.h"
#include "store_object.h"

/**
 * qbd_read_enter() - a read of any kind begins
 * @store: the store; is referenced
 *
 * Return: true if the store is ACTIVE: the read counts, and the core stays
 * until qbd_read_leave().
 */
bool qbd_read_enter(struct qbd_store *store)
{
	bool active;

	qbd_assert_process();
	qbd_kstore_get(store);
	spin_lock(&store->lock);
	active = store->state == QBD_STORE_ACTIVE;
	if (active)
		atomic_inc(&store->reads);
	spin_unlock(&store->lock);
	return active;
}

/**
 * qbd_read_leave() - it has ended
 * @store: the store; the reference is dropped
 * @counted: what qbd_read_enter() said
 */
void qbd_read_leave(struct qbd_store *store, bool counted)
{
	if (counted && atomic_dec_and_test(&store->reads))
		wake_up_all(&store->reads_wait);
	qbd_kstore_put(store);
}

/* --- bytes ------------------------------------------------------------- */

/* The next @blocks of the caller's pages. */
static struct bvec_iter qbd_read_take(struct qbd_store_read *read, u32 blocks)
{
	struct bvec_iter part = read->iter;

	part.bi_size = blocks << QBD_BLOCK_SHIFT;
	bvec_iter_advance(read->bvec, &read->iter, part.bi_size);
	return part;
}

/* The next piece of a page out of @part. Return: false at its end. */
static bool qbd_read_next(const struct qbd_store_read *read,
			  struct bvec_iter *part, struct bio_vec *bv)
{
	if (!part->bi_size)
		return false;
	*bv = bvec_iter_bvec(read->bvec, *part);
	bvec_iter_advance(read->bvec, part, bv->bv_len);
	return true;
}

static void qbd_read_zero(struct qbd_store_read *read, u32 blocks)
{
	struct bvec_iter part = qbd_read_take(read, blocks);
	struct bio_vec bv;

	while (qbd_read_next(read, &part, &bv))
		memzero_bvec(&bv);
}

static void qbd_read_copy(struct qbd_store_read *read,
			  const struct qbd_payload *payload,
			  const struct qbd_found *found)
{
	struct bvec_iter part = qbd_read_take(read, found->blocks);
	u32 from = found->offset << QBD_BLOCK_SHIFT;
	struct bio_vec bv;
	u32 done, len;

	while (qbd_read_next(read, &part, &bv)) {
		for (done = 0; done < bv.bv_len; done += len, from += len) {
			len = min_t(u32, bv.bv_len - done,
				    QBD_BLOCK_SIZE - offset_in_page(from));
			memcpy_page(bv.bv_page, bv.bv_offset + done,
				    payload->page[from >> QBD_BLOCK_SHIFT],
				    offset_in_page(from), len);
		}
	}
}

/* Pages of the caller may be cut anywhere; bios are cut where blocks end. */
static void qbd_read_home(struct qbd_store_read *read,
			  struct qbd_bio_group *group,
			  const struct qbd_found *found)
{
	const u32 pieces = QBD_BLOCK_SIZE / SECTOR_SIZE + 1;
	struct bvec_iter part = qbd_read_take(read, found->blocks);
	struct qbd_bio_build build;
	struct bio_vec bv;
	u32 done = 0;

	qbd_build_start(&build, group, REQ_OP_READ, found->block,
			found->blocks + pieces);
	while (qbd_read_next(read, &part, &bv)) {
		if (!offset_in_page(done))
			qbd_build_room(&build, pieces);
		qbd_build_add(&build, bv.bv_page, bv.bv_offset, bv.bv_len);
		done += bv.bv_len;
	}
	qbd_build_end(&build);
}

/* --- waves ------------------------------------------------------------- */

static void qbd_read_home_ended(struct qbd_store_read *read)
{
	struct qbd_store *store = read->store;
	unsigned long flags;

	if (!read->home)
		return;
	read->home = false;
	/* Pairs with qbd_apply_grace(); see qbd_wait_settle(). */
	spin_lock_irqsave(&store->home_wait.lock, flags);
	if (atomic_dec_and_test(&store->home_reads[read->home_side]))
		wake_up_locked(&store->home_wait);
	spin_unlock_irqrestore(&store->home_wait.lock, flags);
}

static void qbd_read_group_end(struct qbd_bio_group *group)
{
	struct qbd_store_fetch *fetch =
		container_of(group, struct qbd_store_fetch, group);
	struct qbd_store_read *read =
		container_of(fetch, struct qbd_store_read, fetch);

	qbd_read_home_ended(read);
	queue_work(qbd_kstore_read_wq, &fetch->work);
}

/* Look up the next piece. Return: 1 if it ends the wave, or an errno. */
static int __qbd_read_piece(struct qbd_store_read *read, u32 at)
{
	struct qbd_read_piece *piece = &read->piece[read->nr_pieces];
	struct qbd_store *store = read->store;
	const struct qbd_rec *rec;
	int err;

	qbd_assert_store_locked(store);
	err = qbd_store_lookup(store->core, read->slot, at,
			       read->block + read->blocks - at, &piece->found);
	if (err)
		return err;
	piece->payload = NULL;
	if (piece->found.kind == QBD_FOUND_HOME && !read->home) {
		read->home = true;
		read->home_side = store->home_side;
		atomic_inc(&store->home_reads[read->home_side]);
	}
	if (piece->found.kind == QBD_FOUND_LOG) {
		rec = qbd_store_rec(store->core, piece->found.rec);
		if (!rec->payload && read->nr_pieces)
			return 1;
		if (rec->payload)
			piece->payload = qbd_payload_get(rec->payload);
		else
			__qbd_fetch_set(&read->fetch, rec);
	}
	read->nr_pieces++;
	return piece->found.kind == QBD_FOUND_LOG && !piece->payload;
}

static int qbd_read_lookup(struct qbd_store_read *read)
{
	struct qbd_store *store = read->store;
	struct qbd_store_replica replica;
	u32 at = read->at;
	int err = -ESHUTDOWN;

	read->nr_pieces = 0;
	spin_lock(&store->lock);
	if (store->state != QBD_STORE_ACTIVE)
		goto unlock;
	err = qbd_store_replica_get(store->core, read->slot, &replica);
	if (err)
		goto unlock;
	if (at == read->block)
		read->first = replica.last.index;
	read->index = max(read->index, replica.last.index);
	while (!err && at < read->block + read->blocks &&
	       read->nr_pieces < QBD_STORE_READ_PIECES) {
		err = __qbd_read_piece(read, at);
		if (!err)
			at += read->piece[read->nr_pieces - 1].found.blocks;
	}
unlock:
	spin_unlock(&store->lock);
	return min(err, 0);
}

/* Of the wave that failed, the first block that the device had to read. */
static void qbd_read_failed(struct qbd_store_read *read)
{
	const struct qbd_read_piece *piece;
	u32 i, at = read->at;

	for (i = 0; i < read->nr_pieces; i++) {
		piece = &read->piece[i];
		if (piece->found.kind == QBD_FOUND_HOME ||
		    (piece->found.kind == QBD_FOUND_LOG && !piece->payload))
			break;
		at += piece->found.blocks;
	}
	read->bad_block = at;
}

static void qbd_read_forget(struct qbd_store_read *read)
{
	u32 i;

	for (i = 0; i < read->nr_pieces; i++) {
		read->at += read->piece[i].found.blocks;
		qbd_payload_put(read->piece[i].payload);
	}
	read->nr_pieces = 0;
}

/* Carry out the pieces. Their bios' end comes to the work item again. */
static void qbd_read_wave(struct qbd_store_read *read)
{
	struct qbd_bio_group *group = &read->fetch.group;
	unsigned int noio = memalloc_noio_save();
	struct qbd_read_piece *piece;
	struct blk_plug plug;
	u32 i;

	qbd_group_init(group, &read->store->backend, qbd_read_group_end);
	if (read->home && qbd_fault(QBD_FAULT_READ_ERROR))
		qbd_group_fail(group, -EIO);
	blk_start_plug(&plug);
	for (i = 0; i < read->nr_pieces; i++) {
		piece = &read->piece[i];
		if (piece->found.kind == QBD_FOUND_ZERO)
			qbd_read_zero(read, piece->found.blocks);
		else if (piece->found.kind == QBD_FOUND_LOG)
			qbd_read_copy(read, piece->payload, &piece->found);
		else
			qbd_read_home(read, group, &piece->found);
	}
	blk_finish_plug(&plug);
	memalloc_noio_restore(noio);
	qbd_group_submitted(group);
}

/* A wave has ended. Return: 0 to go on. */
static int qbd_read_wave_end(struct qbd_store_read *read)
{
	struct qbd_store_fetch *fetch = &read->fetch;
	int err = fetch->group.error;

	if (fetch->payload) {
		err = qbd_fetch_end(fetch);
		if (!err)
			qbd_read_copy(read, fetch->payload,
				      &read->piece[0].found);
		qbd_payload_put(fetch->payload);
		fetch->payload = NULL;
		if (err == -ESTALE &&
		    read->retries++ < QBD_STORE_READ_RETRIES) {
			read->nr_pieces = 0;
			return 0;
		}
	}
	if (err) {
		qbd_read_failed(read);
		err = err == -EBADMSG || err == -ESHUTDOWN ? err : -EIO;
	}
	qbd_read_forget(read);
	return err;
}

static void qbd_read_done(struct qbd_store_read *read, int err)
{
	struct qbd_store *store = read->store;
	bool counted = read->counted;

	read->error = err;
	read->done(read);
	qbd_read_leave(store, counted);
}

static void qbd_read_fn(struct work_struct *work)
{
	struct qbd_store_fetch *fetch =
		container_of(work, struct qbd_store_fetch, work);
	struct qbd_store_read *read =
		container_of(fetch, struct qbd_store_read, fetch);
	int err = read->error;

	if (!err && read->nr_pieces)
		err = qbd_read_wave_end(read);
	if (err || read->at == read->block + read->blocks)
		goto done;
	err = qbd_read_lookup(read);
	if (err) {
		qbd_read_home_ended(read);
		qbd_read_forget(read);
		goto done;
	}
	if (read->piece[0].found.kind == QBD_FOUND_LOG &&
	    !read->piece[0].payload) {
		/* Without pages: look it up again when there are some. */
		if (!qbd_fetch_start(fetch))
			read->nr_pieces = 0;
		return;
	}
	qbd_read_wave(read);
	return;
done:
	qbd_read_done(read, err);
}

/**
 * qbd_kstore_read() - read blocks of a replica
 * @read: what, where to; see there
 *
 * Context: process; a shard's lock may be held.
 */
void qbd_kstore_read(struct qbd_store_read *read)
{
	qbd_fetch_init(&read->fetch, read->store, QBD_POOL_FETCH, qbd_read_fn);
	read->error = 0;
	read->bad_block = 0;
	read->first = 0;
	read->index = 0;
	read->at = read->block;
	read->nr_pieces = 0;
	read->retries = 0;
	read->home = false;
	read->iter = (struct bvec_iter){
		.bi_size = read->blocks << QBD_BLOCK_SHIFT,
		.bi_bvec_done = read->skip_bytes,
	};
	read->counted = qbd_read_enter(read->store);
	if (!read->counted)
		read->error = -ESHUTDOWN;
	else if (!read->blocks || read->blocks > QBD_REC_BLOCKS_MAX)
		read->error = -EINVAL;
	queue_work(qbd_kstore_read_wq, &read->fetch.work);
}
