// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of a replica for its leader: blocks for somebody who reads, digests for
 * who compares copies.
 *
 * Without memory the answer is that this replica is busy; without one the
 * leader would wait until its patience ends before it asks elsewhere.
 *
 * DIGESTS are not to be felt by others: they go at the pace of a resync, and
 * count as one; what has to wait waits in a timer, without pages and without a
 * thread; they are made in the queue where those of a resync are made; and they
 * take nothing from the reserve of who reads.
 *
 * Context: the pump; work items of the queues for reads and for copies.
 */
#include <crypto/blake2s.h>
#include <linux/highmem.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include "core/block.h"
#include "shard.h"
#include "store.h"
#include "store_copy.h"

/**
 * struct qbd_serve - a READ under way
 * @read: the read of the store
 * @later: begins it, if it has to wait; goes on when the bytes are there
 * @reserve: comes from the reserve
 * @shard: the shard, referenced
 * @life: the replica that was asked
 * @node: who asked
 * @msg: what for
 * @store: has the replica, referenced; NULL if none has it any more
 * @copying: counts as work on copies in @store
 * @digest: of what was read, if that was asked for
 * @payload: where to
 * @bvec: its pages
 */
struct qbd_serve {
	struct qbd_store_read read;
	struct delayed_work later;
	bool reserve;
	struct qbd_shard *shard;
	u32 life;
	u32 node;
	struct qbd_msg msg;
	struct qbd_store *store;
	bool copying;
	u8 digest[QBD_DIGEST_BYTES];
	struct qbd_payload *payload;
	struct bio_vec bvec[QBD_PAYLOAD_PAGES_MAX];
};

static mempool_t qbd_serve_pool;

int qbd_serve_module_init(void)
{
	return mempool_init_kmalloc_pool(&qbd_serve_pool, QBD_SERVES_MIN,
					 sizeof(struct qbd_serve));
}

void qbd_serve_module_exit(void)
{
	mempool_exit(&qbd_serve_pool);
}

/* The replica that was asked answers, if it is still the one that is here. */
static void qbd_serve_answer(struct qbd_shard *shard, u32 life,
			     const struct qbd_replica_event *event)
{
	qbd_shard_lock(shard);
	if (life == shard->life)
		__qbd_shard_rep_step(shard, event);
	qbd_shard_unlock(shard);
}

static void qbd_serve_busy(struct qbd_shard *shard, u32 life, u32 node,
			   const struct qbd_msg *msg)
{
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_READ_DONE,
		.node = node,
		.err = -EAGAIN,
		.msg = msg,
	};

	qbd_serve_answer(shard, life, &event);
}

static void qbd_serve_free(struct qbd_serve *serve)
{
	if (serve->copying)
		qbd_kstore_copy_leave(serve->store);
	if (serve->store)
		qbd_kstore_put(serve->store);
	qbd_payload_put(serve->payload);
	qbd_shard_put(serve->shard);
	if (serve->reserve)
		mempool_free(serve, &qbd_serve_pool);
	else
		kfree(serve);
}

static u32 qbd_serve_crc(const struct qbd_payload *payload)
{
	u32 crc = ~0U;
	u32 i;

	for (i = 0; i < payload->nr_pages; i++) {
		void *block = kmap_local_page(payload->page[i]);

		crc = qbd_payload_crc(crc, block, QBD_BLOCK_SIZE);
		kunmap_local(block);
	}
	return crc;
}

static bool qbd_serve_is_zero(const struct qbd_payload *payload)
{
	bool zero = true;
	u32 i;

	for (i = 0; i < payload->nr_pages && zero; i++) {
		const void *block = kmap_local_page(payload->page[i]);

		zero = !memchr_inv(block, 0, QBD_BLOCK_SIZE);
		kunmap_local(block);
	}
	return zero;
}

/**
 * qbd_payload_digest() - digest of all bytes of a payload
 * @payload: the payload
 * @digest: filled in; zeros for zeros, which a volume has most of, and which so
 *	cost next to nothing
 */
void qbd_payload_digest(const struct qbd_payload *payload,
			u8 digest[QBD_DIGEST_BYTES])
{
	struct blake2s_state state;
	u32 i;

	memset(digest, 0, QBD_DIGEST_BYTES);
	if (qbd_serve_is_zero(payload))
		return;
	blake2s_init(&state, QBD_DIGEST_BYTES);
	for (i = 0; i < payload->nr_pages; i++) {
		const u8 *block = kmap_local_page(payload->page[i]);

		blake2s_update(&state, block, QBD_BLOCK_SIZE);
		kunmap_local(block);
		cond_resched();
	}
	blake2s_final(&state, digest);
}

static void qbd_serve_end(struct qbd_serve *serve)
{
	const struct qbd_store_read *read = &serve->read;
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_READ_DONE,
		.node = serve->node,
		.err = read->error == -EBADMSG ? -EILSEQ : read->error,
		.first = read->first,
		.pos = { .index = read->index },
		.msg = &serve->msg,
		.payload = serve->payload,
		.digest = serve->digest,
	};

	if (!event.err && !(serve->msg.flags & QBD_WIRE_BARE))
		event.crc = qbd_serve_crc(serve->payload);
	if (!event.err && serve->msg.flags & QBD_WIRE_DIGEST)
		qbd_payload_digest(serve->payload, serve->digest);
	qbd_serve_answer(serve->shard, serve->life, &event);
	qbd_serve_free(serve);
}

static void qbd_serve_sum(struct work_struct *work)
{
	qbd_serve_end(
		container_of(to_delayed_work(work), struct qbd_serve, later));
}

static void qbd_serve_done(struct qbd_store_read *read)
{
	struct qbd_serve *serve = container_of(read, struct qbd_serve, read);

	if (read->error || !(serve->msg.flags & QBD_WIRE_DIGEST)) {
		qbd_serve_end(serve);
		return;
	}
	INIT_DELAYED_WORK(&serve->later, qbd_serve_sum);
	queue_delayed_work(qbd_kstore_copy_wq, &serve->later, 0);
}

/* Pages, and off it goes. */
static void qbd_serve_begin(struct qbd_serve *serve)
{
	struct qbd_pool *pool = &serve->shard->node->pools.pool[QBD_POOL_SEND];
	u32 blocks = serve->msg.read.blocks;
	u32 i;

	serve->payload = qbd_payload_alloc(pool, blocks);
	if (!serve->payload) {
		qbd_serve_busy(serve->shard, serve->life, serve->node,
			       &serve->msg);
		qbd_serve_free(serve);
		return;
	}
	for (i = 0; i < blocks; i++)
		bvec_set_page(&serve->bvec[i], serve->payload->page[i],
			      QBD_BLOCK_SIZE, 0);
	serve->read.store = serve->store;
	serve->read.block = serve->msg.read.block;
	serve->read.blocks = blocks;
	serve->read.bvec = serve->bvec;
	serve->read.done = qbd_serve_done;
	qbd_kstore_read(&serve->read);
}

static void qbd_serve_later(struct work_struct *work)
{
	qbd_serve_begin(
		container_of(to_delayed_work(work), struct qbd_serve, later));
}

/* A digest; it may have to wait. */
static void qbd_serve_digest(struct qbd_serve *serve)
{
	u64 wait_ns;

	serve->copying = qbd_kstore_copy_enter(serve->store);
	if (!serve->copying) {
		qbd_serve_busy(serve->shard, serve->life, serve->node,
			       &serve->msg);
		qbd_serve_free(serve);
		return;
	}
	wait_ns = qbd_kstore_copy_pace(serve->store, serve->msg.read.blocks);
	if (!wait_ns) {
		qbd_serve_begin(serve);
		return;
	}
	INIT_DELAYED_WORK(&serve->later, qbd_serve_later);
	queue_delayed_work(qbd_kstore_copy_wq, &serve->later,
			   nsecs_to_jiffies(wait_ns));
}

static struct qbd_serve *qbd_serve_alloc(bool digest)
{
	struct qbd_serve *serve;

	if (digest)
		serve = kmalloc(sizeof(*serve), GFP_NOWAIT | __GFP_NOWARN);
	else
		serve = mempool_alloc(&qbd_serve_pool,
				      GFP_NOWAIT | __GFP_NOWARN);
	if (!serve)
		return NULL;
	memset(serve, 0, offsetof(struct qbd_serve, bvec));
	serve->reserve = !digest;
	return serve;
}

/**
 * qbd_shard_serve() - read blocks for a leader
 * @shard: the shard; the caller is its pump
 * @node: who asks
 * @msg: the READ
 */
void qbd_shard_serve(struct qbd_shard *shard, u32 node,
		     const struct qbd_msg *msg)
{
	struct qbd_serve *serve = qbd_serve_alloc(msg->flags & QBD_WIRE_DIGEST);

	if (!serve) {
		qbd_serve_busy(shard, shard->acting.life, node, msg);
		return;
	}
	qbd_shard_get(shard);
	serve->shard = shard;
	serve->life = shard->acting.life;
	serve->node = node;
	serve->msg = *msg;
	spin_lock(&shard->lock);
	if (shard->store && serve->life == shard->life)
		serve->store = qbd_kstore_get(shard->store);
	serve->read.slot = shard->slot;
	spin_unlock(&shard->lock);
	if (!serve->store) {
		serve->read.error = -ESHUTDOWN;
		qbd_serve_end(serve);
	} else if (msg->flags & QBD_WIRE_DIGEST) {
		qbd_serve_digest(serve);
	} else {
		qbd_serve_begin(serve);
	}
}
