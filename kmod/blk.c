// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk-mq: requests of a volume on their way to its shards.
 *
 * A request goes to one shard, a discard or zeroing to one or two. Its bytes
 * are copied and their CRC taken here, in the submitter's context, before the
 * shard gives it a place in history.
 *
 * BLK_MQ_F_BLOCKING: this may sleep for memory. It never submits or waits for
 * a bio: those are only queued while current->bio_list is set. Out of pages,
 * it gives the request back and the block layer comes again by itself.
 *
 * Requests that come together are told apart from the last of them, or their
 * end is told by commit_rqs(): until then their shards are corked, and what
 * goes to peers shares segments. All submitters of a volume share one list of
 * such shards, so another one's end may come early. That costs segments only.
 *
 * SHARDS are looked up without a lock, by the number that follows from the
 * sector. The block layer has compared that with the capacity, which orders
 * nothing: a CPU that saw the capacity of a volume that has grown need not see
 * shards that were stored before. So there is a grace period of RCU between the
 * two stores (volume_grow.c). xa_load() is a read section: if it misses a shard
 * it is over before that grace period is, and then the capacity that was read
 * before it is the old one. A shard stays until the disk has gone, and with it
 * all requests.
 */
#include <linux/blk-mq.h>
#include <linux/sched/mm.h>

#include "request.h"
#include "shard.h"
#include "trace.h"
#include "volume.h"

/* Requests that cross the border between two shards are not longer than one. */
#define QBD_BLK_PARTS_MAX 2

/**
 * struct qbd_blk_parts - what a request of the block layer becomes
 * @nr: number of parts
 * @part: these
 */
struct qbd_blk_parts {
	u32 nr;
	struct qbd_request *part[QBD_BLK_PARTS_MAX];
};

/* enum qbd_rec_op of a request, 0 = read, negative = we do not do that */
static int qbd_blk_op(const struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_READ:
		return 0;
	case REQ_OP_WRITE:
		return QBD_OP_WRITE;
	case REQ_OP_DISCARD:
		return QBD_OP_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return QBD_OP_ZERO;
	default:
		return -EOPNOTSUPP;
	}
}

static void qbd_blk_parts_free(struct qbd_blk_parts *parts)
{
	while (parts->nr)
		qbd_request_put(parts->part[--parts->nr]);
}

static struct qbd_shard *qbd_blk_shard(struct qbd_volume *vol, u64 block)
{
	return xa_load(&vol->shards, block >> vol->shard_shift);
}

/* Everything that may fail: parts and their pages. */
static int qbd_blk_parts_alloc(struct qbd_volume *vol, struct request *rq,
			       u8 op, struct qbd_blk_parts *parts)
{
	u64 block = (blk_rq_pos(rq) << SECTOR_SHIFT) / QBD_BLOCK_SIZE;
	u32 left = blk_rq_bytes(rq) / QBD_BLOCK_SIZE;

	parts->nr = 0;
	while (left) {
		u32 shard_blocks = BIT(vol->shard_shift);
		u32 at = block & (shard_blocks - 1);
		u32 blocks = min(left, shard_blocks - at);
		struct qbd_request_spec spec = {
			.shard = qbd_blk_shard(vol, block),
			.rq = rq,
			.id = atomic64_inc_return(&vol->next_id),
			.op = op,
			.block = at,
			.blocks = blocks,
		};
		struct qbd_request *req = NULL;
		bool sane = parts->nr < QBD_BLK_PARTS_MAX && spec.shard;

		if (!WARN_ON_ONCE(!sane))
			req = qbd_request_alloc(
				&spec, &vol->node->pools.pool[QBD_POOL_LOCAL]);
		if (!req) {
			qbd_blk_parts_free(parts);
			return sane ? -ENOMEM : -EIO;
		}
		parts->part[parts->nr++] = req;
		block += blocks;
		left -= blocks;
	}
	return 0;
}

static void qbd_blk_cork(struct qbd_volume *vol, struct qbd_shard *shard)
{
	if (qbd_shard_cork(shard))
		llist_add(&shard->cork, &vol->corked);
}

/**
 * qbd_blk_uncork() - no more requests come at once: send what waits for that
 * @vol: the volume
 *
 * Context: process, no locks.
 */
void qbd_blk_uncork(struct qbd_volume *vol)
{
	struct qbd_shard *shard, *next;

	if (llist_empty(&vol->corked))
		return;
	llist_for_each_entry_safe(shard, next, llist_del_all(&vol->corked),
				  cork)
		qbd_shard_uncork(shard);
}

static void qbd_blk_parts_submit(struct qbd_volume *vol, struct request *rq,
				 struct qbd_blk_parts *parts, bool last)
{
	struct qbd_tag *tag = blk_mq_rq_to_pdu(rq);
	u32 i;

	tag->status = 0;
	/* one is ours, so that the request is there until the last is sent */
	atomic_set(&tag->parts, parts->nr + 1);
	for (i = 0; i < parts->nr; i++) {
		struct qbd_request *req = parts->part[i];

		trace_qbd_request_queued(req->shard->key.volume,
					 req->shard->key.shard, req->id,
					 req->op, req->block, req->blocks);
		if (req->op == QBD_OP_WRITE)
			qbd_request_fill(req);
		if (req->op && !last)
			qbd_blk_cork(vol, req->shard);
		qbd_shard_submit(req->shard, req);
	}
	qbd_request_part_end(rq, 0);
}

/* What was completed is durable: there is nothing to flush. */
static blk_status_t qbd_blk_flush(struct request *rq)
{
	blk_mq_start_request(rq);
	blk_mq_end_request(rq, BLK_STS_OK);
	return BLK_STS_OK;
}

static blk_status_t qbd_blk_queue(struct qbd_volume *vol, struct request *rq,
				  bool last)
{
	struct qbd_blk_parts parts;
	int err;
	int op;

	if (READ_ONCE(vol->dead))
		return BLK_STS_IOERR;
	if (req_op(rq) == REQ_OP_FLUSH)
		return qbd_blk_flush(rq);
	op = qbd_blk_op(rq);
	if (op < 0)
		return BLK_STS_NOTSUPP;
	err = qbd_blk_parts_alloc(vol, rq, op, &parts);
	if (err)
		return err == -ENOMEM ? BLK_STS_RESOURCE : BLK_STS_IOERR;
	blk_mq_start_request(rq);
	qbd_blk_parts_submit(vol, rq, &parts, last);
	return BLK_STS_OK;
}

static blk_status_t qbd_blk_queue_rq(struct blk_mq_hw_ctx *hctx,
				     const struct blk_mq_queue_data *bd)
{
	struct qbd_volume *vol = hctx->queue->queuedata;
	unsigned int noio = memalloc_noio_save();
	blk_status_t status;

	status = qbd_blk_queue(vol, bd->rq, bd->last);
	/* still there: the disk does not go while one of its queues is run */
	if (bd->last)
		qbd_blk_uncork(vol);
	memalloc_noio_restore(noio);
	return status;
}

static void qbd_blk_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	unsigned int noio = memalloc_noio_save();

	qbd_blk_uncork(hctx->queue->queuedata);
	memalloc_noio_restore(noio);
}

/*
 * A request is late. Without a policy for that it waits on, for ever if need
 * be: it can be ended by a forced detach. Else it is stolen from the shards
 * that it is at; a part that is not found is just being ended.
 */
static enum blk_eh_timer_return qbd_blk_timeout(struct request *rq)
{
	struct qbd_volume *vol = rq->q->queuedata;
	u64 first = (blk_rq_pos(rq) << SECTOR_SHIFT) / QBD_BLOCK_SIZE;
	u64 last = first + blk_rq_bytes(rq) / QBD_BLOCK_SIZE - 1;
	bool found = false;
	struct qbd_shard *shard;
	u64 number;

	if (READ_ONCE(vol->options.on_no_quorum) != QBD_ON_NO_QUORUM_ERROR)
		return BLK_EH_RESET_TIMER;
	for (number = first >> vol->shard_shift;
	     number <= last >> vol->shard_shift; number++) {
		shard = xa_load(&vol->shards, number);
		found |= shard && qbd_shard_steal(shard, rq, -ETIMEDOUT);
	}
	return found ? BLK_EH_DONE : BLK_EH_RESET_TIMER;
}

const struct blk_mq_ops qbd_blk_ops = {
	.queue_rq = qbd_blk_queue_rq,
	.commit_rqs = qbd_blk_commit_rqs,
	.timeout = qbd_blk_timeout,
};
