/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request of the block layer to one shard, in flight.
 *
 * A request of the block layer becomes one struct qbd_request, or two if it
 * is a discard over the border of two shards; it ends when both have.
 *
 * WHO ENDS IT. @rq is the right to end it: whoever takes the pointer out with
 * qbd_request_take() does, and nobody else touches the caller's pages. The
 * regular way is the leader's COMPLETE; a forced detach, a crash of the node
 * or a deadline steal it at any time. The struct lives on, for those who still
 * name it: the leader's cookie, and a read of the store that is under way,
 * which reads into pages of our own for that very reason.
 *
 * References: the leader from submission until COMPLETE (while it is held,
 * the shard's list instead), and the read of the store.
 */
#ifndef QBD_REQUEST_H
#define QBD_REQUEST_H

#include <linux/blk-mq.h>
#include <linux/bvec.h>
#include <linux/list.h>
#include <linux/refcount.h>

#include "limits.h"
#include "store.h"

struct qbd_shard;
struct qbd_volume;

/**
 * struct qbd_tag - what we keep in each request of the block layer
 * @parts: struct qbd_request of it that have not ended, plus the submitter
 * @status: first error
 */
struct qbd_tag {
	atomic_t parts;
	int status;
};

/**
 * struct qbd_request - see the top of this file
 * @entry: in shard->reqs; empty when stolen or done [shard->lock]
 * @held_entry: in shard->held, else empty [shard->lock]
 * @rq: the right to end it, NULL when taken [atomic]
 * @refs: see the top of this file [atomic]
 * @shard: which shard, referenced [const]
 * @id: number of the request in the volume, for traces [const]
 * @index: index of its record, for traces [shard->lock]
 * @queued_ns: when it came, BOOTTIME [const]
 * @op: enum qbd_rec_op; 0 = read [const]
 * @rec_flags: QBD_REC_* [const]
 * @block: first block in the shard [const]
 * @blocks: length [const]
 * @crc: of the payload [const]
 * @payload: write: bytes, until the leader has taken them; read: where to
 * @lead_gen: which of the shard's leaders has taken it [shard->lock]
 * @read_id: id of the read of the store
 * @read: the read of the store
 * @bvec: its pages
 * @inline_bvec: the same, for small ones
 */
struct qbd_request {
	struct list_head entry;
	struct list_head held_entry;
	struct request *rq;
	refcount_t refs;
	struct qbd_shard *shard;
	u64 id;
	u64 index;
	u64 queued_ns;
	u8 op;
	u8 rec_flags;
	u32 block;
	u32 blocks;
	u32 crc;
	struct qbd_payload *payload;
	u32 lead_gen;
	u64 read_id;
	struct qbd_store_read read;
	struct bio_vec *bvec;
	struct bio_vec inline_bvec[QBD_REQUEST_BVECS_INLINE];
};

/**
 * struct qbd_request_spec - what a request is to be
 * @shard: which shard
 * @rq: the block layer's request
 * @id: number of it in the volume
 * @op: enum qbd_rec_op; 0 = read
 * @block: first block in the shard
 * @blocks: length
 */
struct qbd_request_spec {
	struct qbd_shard *shard;
	struct request *rq;
	u64 id;
	u8 op;
	u32 block;
	u32 blocks;
};

int qbd_request_module_init(void);
void qbd_request_module_exit(void);
struct qbd_request *qbd_request_alloc(const struct qbd_request_spec *spec,
				      struct qbd_pool *pool);
void qbd_request_get(struct qbd_request *req);
void qbd_request_put(struct qbd_request *req);
void qbd_request_fill(struct qbd_request *req);
void qbd_request_read_back(struct request *rq,
			   const struct qbd_payload *payload);
struct request *qbd_request_take(struct qbd_request *req);
void qbd_request_part_end(struct request *rq, int err);
blk_status_t qbd_request_status(int err);

#endif /* QBD_REQUEST_H */
