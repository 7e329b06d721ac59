// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests in flight: memory, references, the copy in and out, the end.
 *
 * The only place that touches the pages of the block layer's requests: a
 * write is copied into pages of our own and its CRC taken on the copy while
 * it is in the cache, because the caller may change his pages while the
 * request is under way; a read is copied out of pages of our own, because the
 * device may still write to them when the request was stolen.
 *
 * Context: process. No locks; nothing here waits.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include "core/block.h"
#include "pages.h"
#include "request.h"
#include "shard.h"

static struct kmem_cache *qbd_request_cache;
static mempool_t qbd_request_pool;
static mempool_t qbd_request_bvec_pool;

#define QBD_REQUEST_BVEC_BYTES (QBD_REC_BLOCKS_MAX * sizeof(struct bio_vec))

int qbd_request_module_init(void)
{
	int err;

	qbd_request_cache = KMEM_CACHE(qbd_request, SLAB_HWCACHE_ALIGN);
	if (!qbd_request_cache)
		return -ENOMEM;
	err = mempool_init_slab_pool(&qbd_request_pool, QBD_REQUESTS_MIN,
				     qbd_request_cache);
	if (err)
		goto err_cache;
	err = mempool_init_kmalloc_pool(&qbd_request_bvec_pool,
					QBD_REQUEST_BVECS_MIN,
					QBD_REQUEST_BVEC_BYTES);
	if (err)
		goto err_pool;
	return 0;

err_pool:
	mempool_exit(&qbd_request_pool);
err_cache:
	kmem_cache_destroy(qbd_request_cache);
	return err;
}

void qbd_request_module_exit(void)
{
	mempool_exit(&qbd_request_bvec_pool);
	mempool_exit(&qbd_request_pool);
	kmem_cache_destroy(qbd_request_cache);
}

static void qbd_request_free(struct qbd_request *req)
{
	if (req->payload)
		qbd_payload_put(req->payload);
	if (req->bvec && req->bvec != req->inline_bvec)
		mempool_free(req->bvec, &qbd_request_bvec_pool);
	qbd_shard_put(req->shard);
	mempool_free(req, &qbd_request_pool);
}

/* Point the read of the store at the pages that it fills. */
static int qbd_request_bvec_init(struct qbd_request *req)
{
	u32 i;

	if (req->blocks <= QBD_REQUEST_BVECS_INLINE)
		req->bvec = req->inline_bvec;
	else
		req->bvec = mempool_alloc(&qbd_request_bvec_pool, GFP_NOWAIT);
	if (!req->bvec)
		return -ENOMEM;
	for (i = 0; i < req->blocks; i++)
		bvec_set_page(&req->bvec[i], req->payload->page[i],
			      QBD_BLOCK_SIZE, 0);
	return 0;
}

/**
 * qbd_request_alloc() - a request with the pages that it needs
 * @spec: what it is to be
 * @pool: where the pages come from
 *
 * Never waits: the caller gives the request back to the block layer, which
 * comes again.
 *
 * Return: the request with one reference, NULL if memory is short.
 */
struct qbd_request *qbd_request_alloc(const struct qbd_request_spec *spec,
				      struct qbd_pool *pool)
{
	bool pages = !spec->op || spec->op == QBD_OP_WRITE;
	struct qbd_request *req;

	req = mempool_alloc(&qbd_request_pool, GFP_NOWAIT);
	if (!req)
		return NULL;
	memset(req, 0, offsetof(struct qbd_request, inline_bvec));
	INIT_LIST_HEAD(&req->entry);
	INIT_LIST_HEAD(&req->held_entry);
	refcount_set(&req->refs, 1);
	req->rq = spec->rq;
	req->shard = spec->shard;
	qbd_shard_get(req->shard);
	req->id = spec->id;
	req->op = spec->op;
	req->block = spec->block;
	req->blocks = spec->blocks;
	req->queued_ns = ktime_get_boottime_ns();
	if (spec->rq->cmd_flags & REQ_FUA)
		req->rec_flags = QBD_REC_FUA;
	if (pages)
		req->payload = qbd_payload_alloc(pool, spec->blocks);
	if (pages && !req->payload)
		goto err_free;
	if (!req->op && qbd_request_bvec_init(req))
		goto err_free;
	return req;

err_free:
	qbd_request_free(req);
	return NULL;
}

void qbd_request_get(struct qbd_request *req)
{
	refcount_inc(&req->refs);
}

void qbd_request_put(struct qbd_request *req)
{
	if (refcount_dec_and_test(&req->refs))
		qbd_request_free(req);
}

/* The part of a segment that lies in one of our pages, from @done on. */
static struct bio_vec qbd_request_part(const struct bio_vec *bvec, u32 done,
				       u32 at_bytes)
{
	struct bio_vec part = *bvec;

	part.bv_offset += done;
	part.bv_len = min_t(u32, bvec->bv_len - done,
			    QBD_BLOCK_SIZE - at_bytes % QBD_BLOCK_SIZE);
	return part;
}

/* Copy a segment in; take the CRC of each page that is full then. */
static u32 qbd_request_copy_in(struct qbd_payload *payload, u32 at_bytes,
			       const struct bio_vec *bvec)
{
	struct bio_vec part;
	u32 done;

	for (done = 0; done < bvec->bv_len; done += part.bv_len) {
		u32 at = at_bytes + done;
		char *to = kmap_local_page(payload->page[at / QBD_BLOCK_SIZE]);

		part = qbd_request_part(bvec, done, at);
		memcpy_from_bvec(to + at % QBD_BLOCK_SIZE, &part);
		if (at % QBD_BLOCK_SIZE + part.bv_len == QBD_BLOCK_SIZE)
			payload->crc = qbd_payload_crc(payload->crc, to,
						       QBD_BLOCK_SIZE);
		kunmap_local(to);
	}
	return at_bytes + bvec->bv_len;
}

static u32 qbd_request_copy_out(const struct qbd_payload *payload, u32 at_bytes,
				const struct bio_vec *bvec)
{
	struct bio_vec part;
	u32 done;

	for (done = 0; done < bvec->bv_len; done += part.bv_len) {
		u32 at = at_bytes + done;
		char *from =
			kmap_local_page(payload->page[at / QBD_BLOCK_SIZE]);

		part = qbd_request_part(bvec, done, at);
		memcpy_to_bvec(&part, from + at % QBD_BLOCK_SIZE);
		kunmap_local(from);
	}
	return at_bytes + bvec->bv_len;
}

/**
 * qbd_request_fill() - copy the bytes of a write and take their CRC
 * @req: a write whose @rq nobody else can take yet
 */
void qbd_request_fill(struct qbd_request *req)
{
	struct req_iterator iter;
	struct bio_vec bvec;
	u32 at_bytes = 0;

	req->payload->crc = ~0U;
	rq_for_each_segment(bvec, req->rq, iter)
		at_bytes = qbd_request_copy_in(req->payload, at_bytes, &bvec);
	req->crc = req->payload->crc;
}

/**
 * qbd_request_read_back() - copy the bytes of a read to whoever asked
 * @rq: what was taken out of it
 * @payload: the bytes
 */
void qbd_request_read_back(struct request *rq,
			   const struct qbd_payload *payload)
{
	struct req_iterator iter;
	struct bio_vec bvec;
	u32 at_bytes = 0;

	rq_for_each_segment(bvec, rq, iter)
		at_bytes = qbd_request_copy_out(payload, at_bytes, &bvec);
}

/**
 * qbd_request_take() - take the right to end a request
 * @req: the request
 *
 * Return: the block layer's request, NULL if somebody else has taken it.
 */
struct request *qbd_request_take(struct qbd_request *req)
{
	return xchg(&req->rq, NULL);
}

/**
 * qbd_request_status() - the one place that maps errors for the block layer
 * @err: 0 or negative errno
 *
 * Return: the block layer's status.
 */
blk_status_t qbd_request_status(int err)
{
	switch (err) {
	case 0:
		return BLK_STS_OK;
	case -ENOSPC:
		return BLK_STS_NOSPC;
	case -ETIMEDOUT:
		return BLK_STS_TIMEOUT;
	case -EOPNOTSUPP:
		return BLK_STS_NOTSUPP;
	case -EBADMSG:
	case -EILSEQ:
		return BLK_STS_MEDIUM;
	case -EINVAL:
		return BLK_STS_INVAL;
	default:
		return BLK_STS_IOERR;
	}
}

/**
 * qbd_request_part_end() - a part of a block layer's request has ended
 * @rq: taken with qbd_request_take(), or the submitter's own part
 * @err: how
 *
 * The last part ends the whole with the first error. Context: process, no
 * locks: what the end sets off may submit to this device again.
 */
void qbd_request_part_end(struct request *rq, int err)
{
	struct qbd_tag *tag = blk_mq_rq_to_pdu(rq);

	if (err)
		cmpxchg(&tag->status, 0, err);
	/* pairs with the other parts' cmpxchg: full barrier in both */
	if (atomic_dec_and_test(&tag->parts))
		blk_mq_end_request(rq, qbd_request_status(tag->status));
}
