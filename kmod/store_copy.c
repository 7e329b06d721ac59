// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks of a resync, in the kernel's store; see store_copy.h. The core says
 * which blocks on the device (core/copy.h); here they are read, compared and
 * written.
 *
 * A chunk is read into pages of the pools, none of which anybody waits for: if
 * there are none, the other side is told so, or asks again by its clock.
 */
#include <crypto/blake2s.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include "core/block.h"
#include "core/wire.h"
#include "store_copy.h"
#include "store_object.h"

/* --- within a step ----------------------------------------------------- */

/**
 * qbd_kstore_copy_pin() - as qbd_copy_pin()
 * @store: the store
 * @slot: slot of the replica
 * @info: filled in
 *
 * Return: see there; -ESHUTDOWN if the store is not ACTIVE.
 */
int qbd_kstore_copy_pin(struct qbd_store *store, u32 slot,
			struct qbd_pin_info *info)
{
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
					  qbd_copy_pin(store->core, slot, info);
	spin_unlock(&store->lock);
	if (err == -EAGAIN)
		qbd_apply_kick(store);
	return err;
}

/**
 * qbd_kstore_copy_map() - as qbd_copy_map()
 * @store: the store
 * @slot: slot of the replica
 * @seq: which pin
 * @have: index after which
 * @from: first chunk to be looked at; then the first that was not
 * @entry: filled in
 *
 * Return: see there.
 */
int qbd_kstore_copy_map(struct qbd_store *store, u32 slot, u64 seq, u64 have,
			u32 *from, struct qbd_map_entry entry[QBD_MAP_MAX])
{
	int nr = -ENODATA;

	spin_lock(&store->lock);
	if (!__qbd_kstore_ready(store))
		nr = qbd_copy_map(store->core, slot, seq, have,
				  QBD_COPY_MAP_LOOKS, from, entry);
	spin_unlock(&store->lock);
	return nr;
}

/**
 * qbd_kstore_copy_config() - as qbd_copy_config()
 * @store: the store
 * @slot: slot of the replica
 * @seq: which pin
 * @payload: one block, filled in with its CRC
 *
 * Return: see there.
 */
int qbd_kstore_copy_config(struct qbd_store *store, u32 slot, u64 seq,
			   struct qbd_payload *payload)
{
	void *block = kmap_local_page(payload->page[0]);
	int err = -ENODATA;

	spin_lock(&store->lock);
	if (!__qbd_kstore_ready(store))
		err = qbd_copy_config(store->core, slot, seq, block);
	spin_unlock(&store->lock);
	if (!err)
		payload->crc = qbd_payload_crc(~0U, block, QBD_BLOCK_SIZE);
	kunmap_local(block);
	return err;
}

/**
 * qbd_kstore_copy_unpin() - the pin of a replica is not needed any more
 * @store: the store
 * @slot: slot of the replica
 */
void qbd_kstore_copy_unpin(struct qbd_store *store, u32 slot)
{
	spin_lock(&store->lock);
	if (!__qbd_kstore_ready(store))
		qbd_store_unpin(store->core, slot);
	spin_unlock(&store->lock);
	qbd_apply_kick(store);
}

/**
 * qbd_kstore_copy_shadow() - as qbd_copy_shadow()
 * @store: the store
 * @slot: slot of the replica
 * @info: the pin of the source
 * @config: the replica set as of then, from the wire
 * @seq: filled in
 *
 * Return: see there; -ESHUTDOWN.
 */
int qbd_kstore_copy_shadow(struct qbd_store *store, u32 slot,
			   const struct qbd_pin_info *info,
			   const struct qbd_payload *config, u64 *seq)
{
	const void *block = kmap_local_page(config->page[0]);
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_copy_shadow(store->core, slot, info, block, seq);
	spin_unlock(&store->lock);
	kunmap_local(block);
	/* what it has in the log is to go home */
	if (err == -EAGAIN)
		qbd_apply_kick(store);
	return err;
}

/**
 * qbd_kstore_copy_look() - as qbd_copy_look()
 * @store: the store
 * @slot: slot of the replica
 * @entry: what the source says of a chunk
 *
 * Return: see there; -ESHUTDOWN.
 */
int qbd_kstore_copy_look(struct qbd_store *store, u32 slot,
			 const struct qbd_map_entry *entry)
{
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store);
	if (!err) {
		__qbd_kstore_pages_give(store);
		err = qbd_copy_look(store->core, slot, entry);
	}
	spin_unlock(&store->lock);
	if (err == -ENOMEM)
		qbd_apply_kick(store);
	return err;
}

/**
 * qbd_kstore_copy_switch() - as qbd_store_shadow_switch()
 * @store: the store
 * @slot: slot of the replica
 *
 * Return: see there; -ESHUTDOWN.
 */
int qbd_kstore_copy_switch(struct qbd_store *store, u32 slot)
{
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_shadow_switch(store->core, slot);
	spin_unlock(&store->lock);
	qbd_apply_kick(store);
	return err;
}

/**
 * qbd_kstore_copy_state() - as qbd_store_shadow_state()
 * @store: the store
 * @slot: slot of the replica
 *
 * Return: see there; -ESHUTDOWN.
 */
int qbd_kstore_copy_state(struct qbd_store *store, u32 slot)
{
	struct qbd_pos at;
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_shadow_state(store->core, slot, &at);
	spin_unlock(&store->lock);
	return err;
}

/**
 * qbd_kstore_copy_drop() - as qbd_store_shadow_drop()
 * @store: the store
 * @slot: slot of the replica
 *
 * Return: see there; -ESHUTDOWN.
 */
int qbd_kstore_copy_drop(struct qbd_store *store, u32 slot)
{
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_shadow_drop(store->core, slot);
	spin_unlock(&store->lock);
	qbd_apply_kick(store);
	return err;
}

/* --- I/O --------------------------------------------------------------- */

/**
 * qbd_kstore_copy_enter() - work on chunks begins
 * @store: the store; is referenced, and stays as it is
 *
 * Return: false if the store is not ACTIVE, or has enough of it under way.
 */
bool qbd_kstore_copy_enter(struct qbd_store *store)
{
	if (atomic_inc_return(&store->copies) <= QBD_COPY_JOBS_MAX) {
		if (qbd_read_enter(store))
			return true;
		qbd_read_leave(store, false);
	}
	atomic_dec(&store->copies);
	return false;
}

/**
 * qbd_kstore_copy_leave() - it has ended
 * @store: the store; the reference is dropped
 */
void qbd_kstore_copy_leave(struct qbd_store *store)
{
	atomic_dec(&store->copies);
	qbd_read_leave(store, true);
}

/**
 * struct qbd_copy_io - I/O that is waited for
 * @group: its bios
 * @done: they have ended
 */
struct qbd_copy_io {
	struct qbd_bio_group group;
	struct completion done;
};

static void qbd_copy_io_end(struct qbd_bio_group *group)
{
	struct qbd_copy_io *io = container_of(group, struct qbd_copy_io, group);

	complete(&io->done);
}

static void qbd_copy_io_init(struct qbd_copy_io *io, struct qbd_store *store)
{
	init_completion(&io->done);
	qbd_group_init(&io->group, &store->backend, qbd_copy_io_end);
}

static void qbd_copy_io_add(struct qbd_copy_io *io, blk_opf_t opf, u64 block,
			    const struct qbd_payload *payload, u32 first,
			    u32 blocks)
{
	struct qbd_bio_build build;
	u32 i;

	qbd_build_start(&build, &io->group, opf, block, blocks);
	for (i = 0; i < blocks; i++)
		qbd_build_add(&build, payload->page[first + i], 0,
			      QBD_BLOCK_SIZE);
	qbd_build_end(&build);
}

/*
 * It must end, whatever else has happened: it uses our pages. A bad sector is
 * -ENODATA for the block layer, which here is a pin that has gone.
 */
static int qbd_copy_io_wait(struct qbd_copy_io *io)
{
	qbd_group_submitted(&io->group);
	wait_for_completion(&io->done);
	return io->group.error ? -EIO : 0;
}

static struct qbd_payload *qbd_copy_alloc(struct qbd_store *store,
					  enum qbd_pool_kind kind, u32 blocks)
{
	return qbd_payload_alloc(&store->stores->pools->pool[kind], blocks);
}

/**
 * qbd_kstore_copy_pace() - some blocks are to be read or written
 * @store: the store
 * @blocks: how many
 *
 * Return: nanoseconds to wait before that, so that who writes does not feel it;
 * see core/pace.h.
 */
u64 qbd_kstore_copy_pace(struct qbd_store *store, u32 blocks)
{
	u64 wait_ns;

	spin_lock(&store->lock);
	wait_ns = qbd_pace_take(&store->pace, ktime_get_ns(),
				blocks * QBD_BLOCK_SIZE);
	spin_unlock(&store->lock);
	return wait_ns;
}

static void qbd_copy_pace(struct qbd_store *store, u32 blocks)
{
	u32 wait_us = (u32)div_u64(qbd_kstore_copy_pace(store, blocks),
				   NSEC_PER_USEC);

	if (wait_us)
		usleep_range_state(wait_us, wait_us + QBD_COPY_PACE_SLACK_US,
				   TASK_IDLE);
}

/* A chunk's bytes; 0 for one that has none, which reads as zero. */
static int qbd_copy_read(struct qbd_store *store, u64 block,
			 struct qbd_payload *payload, u32 blocks)
{
	struct qbd_copy_io io;
	u32 i;

	if (!block) {
		for (i = 0; i < blocks; i++)
			clear_highpage(payload->page[i]);
		return 0;
	}
	qbd_copy_io_init(&io, store);
	qbd_copy_io_add(&io, REQ_OP_READ, block, payload, 0, blocks);
	return qbd_copy_io_wait(&io);
}

static void qbd_copy_digest_of(struct page *page, u8 digest[QBD_DIGEST_BYTES])
{
	const u8 *block = kmap_local_page(page);

	blake2s(digest, block, NULL, QBD_DIGEST_BYTES, QBD_BLOCK_SIZE, 0);
	kunmap_local(block);
}

/* --- the source -------------------------------------------------------- */

static bool qbd_copy_differs(const struct qbd_copy_chunk *chunk,
			     struct page *page, const u8 *digests, u32 at)
{
	u8 digest[QBD_DIGEST_BYTES];
	const u8 *block;
	bool zero;

	if (chunk->all)
		return true;
	if (chunk->zero) {
		block = kmap_local_page(page);
		zero = !memchr_inv(block, 0, QBD_BLOCK_SIZE);
		kunmap_local(block);
		return !zero;
	}
	qbd_copy_digest_of(page, digest);
	return memcmp(digest, digests + at * QBD_DIGEST_BYTES,
		      QBD_DIGEST_BYTES);
}

/* Which blocks differ from what the target has? Return: how many. */
static u32 qbd_copy_compare(const struct qbd_copy_chunk *chunk,
			    const struct qbd_payload *payload,
			    const struct qbd_payload *digests,
			    struct qbd_msg_diff_reply *reply)
{
	const u8 *digest = NULL;
	u32 i, nr = 0;

	if (digests)
		digest = kmap_local_page(digests->page[0]);
	for (i = 0; i < chunk->blocks; i++) {
		if (!qbd_copy_differs(chunk, payload->page[i], digest,
				      chunk->digest + i))
			continue;
		reply->differs[i / 64] |= 1ULL << i % 64;
		nr++;
	}
	if (digests)
		kunmap_local(digest);
	return nr;
}

/* The blocks that differ, in pages of their own. */
static int qbd_copy_collect(struct qbd_store *store,
			    const struct qbd_payload *payload, u32 nr,
			    struct qbd_msg *reply)
{
	struct qbd_payload *out;
	void *block;
	u32 i, at = 0;

	if (!nr)
		return 0;
	out = qbd_copy_alloc(store, QBD_POOL_SEND, nr);
	if (!out)
		return -EAGAIN;
	out->crc = ~0U;
	for (i = 0; at < nr; i++) {
		if (!qbd_diff_has(&reply->diff_reply, i))
			continue;
		copy_highpage(out->page[at], payload->page[i]);
		block = kmap_local_page(out->page[at++]);
		out->crc = qbd_payload_crc(out->crc, block, QBD_BLOCK_SIZE);
		kunmap_local(block);
	}
	reply->payload = out;
	reply->payload_bytes = nr * QBD_BLOCK_SIZE;
	reply->diff_reply.crc = out->crc;
	return 0;
}

/* Is what was read of the pin what it had? */
static bool qbd_copy_holds(struct qbd_store *store, u32 slot, u64 seq)
{
	bool holds;

	spin_lock(&store->lock);
	holds = !__qbd_kstore_ready(store) &&
		qbd_store_pin_holds(store->core, slot, seq);
	spin_unlock(&store->lock);
	return holds;
}

static int qbd_copy_chunk_answer(struct qbd_store *store, u32 slot,
				 const struct qbd_msg *diff,
				 const struct qbd_copy_chunk *chunk,
				 struct qbd_msg *reply)
{
	struct qbd_payload *payload;
	u32 nr;
	int err;

	qbd_copy_pace(store, chunk->blocks);
	payload = qbd_copy_alloc(store, QBD_POOL_SEND, chunk->blocks);
	if (!payload)
		return -EAGAIN;
	err = qbd_copy_read(store, chunk->block, payload, chunk->blocks);
	if (!err) {
		nr = qbd_copy_compare(chunk, payload, diff->payload,
				      &reply->diff_reply);
		if (!qbd_copy_holds(store, slot, diff->diff.seq))
			err = -ENODATA;
		else
			err = qbd_copy_collect(store, payload, nr, reply);
	}
	qbd_payload_put(payload);
	return err;
}

/**
 * qbd_kstore_copy_answer() - answer a DIFF for one of its chunks
 * @store: the store
 * @slot: slot of the replica
 * @diff: the DIFF
 * @place: which of its chunks
 * @reply: filled in; its payload is a reference of the caller's
 *
 * Context: process, waits for I/O.
 */
void qbd_kstore_copy_answer(struct qbd_store *store, u32 slot,
			    const struct qbd_msg *diff, u32 place,
			    struct qbd_msg *reply)
{
	struct qbd_copy_chunk chunk = {};
	int err = -ENODATA;

	qbd_diff_reply(diff, place, reply);
	spin_lock(&store->lock);
	if (!__qbd_kstore_ready(store))
		err = qbd_copy_source(store->core, slot, diff, place, &chunk);
	spin_unlock(&store->lock);
	if (!err)
		err = qbd_copy_chunk_answer(store, slot, diff, &chunk, reply);
	reply->diff_reply.status = qbd_wire_errno_status(err);
	if (err)
		memset(reply->diff_reply.differs, 0,
		       sizeof(reply->diff_reply.differs));
}

/* --- the target -------------------------------------------------------- */

/* Digests of a chunk to their place; -EIO if it can't be read. */
static int qbd_copy_chunk_digest(struct qbd_store *store,
				 const struct qbd_copy_chunk *chunk,
				 struct qbd_payload *digests)
{
	struct qbd_payload *payload;
	u8 *digest;
	u32 i;
	int err;

	qbd_copy_pace(store, chunk->blocks);
	payload = qbd_copy_alloc(store, QBD_POOL_FETCH, chunk->blocks);
	if (!payload)
		return -EAGAIN;
	err = qbd_copy_read(store, chunk->block, payload, chunk->blocks);
	if (err)
		goto put;
	digest = kmap_local_page(digests->page[0]);
	for (i = 0; i < chunk->blocks; i++)
		qbd_copy_digest_of(payload->page[i],
				   digest + (chunk->digest + i) *
						    QBD_DIGEST_BYTES);
	kunmap_local(digest);
put:
	qbd_payload_put(payload);
	return err;
}

static int qbd_copy_chunks_digest(struct qbd_store *store, u32 slot, u64 seq,
				  struct qbd_msg *diff,
				  struct qbd_payload *digests)
{
	struct qbd_copy_chunk chunk = { .zero = true };
	u32 i;
	int err;

	for (i = 0; i < diff->diff.nr; i++) {
		spin_lock(&store->lock);
		err = __qbd_kstore_ready(store) ?:
			      qbd_copy_digest(store->core, slot, seq, diff, i,
					      &chunk);
		spin_unlock(&store->lock);
		if (!err && !chunk.zero)
			err = qbd_copy_chunk_digest(store, &chunk, digests);
		if (err == -EAGAIN || err == -ENODATA || err == -ESHUTDOWN)
			return err;
		/* what can't be read here is wanted as a whole */
		if (err) {
			chunk.all = true;
			diff->diff.all |= 1U << i;
		}
	}
	return 0;
}

/**
 * qbd_kstore_copy_ask() - make the digests for a DIFF
 * @store: the store
 * @slot: slot of the replica
 * @seq: which shadow
 * @diff: the DIFF; its payload is a reference of the caller's
 *
 * Context: process, waits for I/O.
 * Return: 0; -EAGAIN without memory; -ENODATA, -ESHUTDOWN: it is not wanted any
 * more.
 */
int qbd_kstore_copy_ask(struct qbd_store *store, u32 slot, u64 seq,
			struct qbd_msg *diff)
{
	u16 mask = (1U << diff->diff.nr) - 1;
	struct qbd_payload *digests;
	void *block;
	int err;

	digests = qbd_copy_alloc(store, QBD_POOL_SEND, 1);
	if (!digests)
		return -EAGAIN;
	clear_highpage(digests->page[0]);
	err = qbd_copy_chunks_digest(store, slot, seq, diff, digests);
	if (err || (diff->diff.zero | diff->diff.all) == mask) {
		qbd_payload_put(digests);
		return err;
	}
	block = kmap_local_page(digests->page[0]);
	digests->crc = qbd_payload_crc(~0U, block, QBD_BLOCK_SIZE);
	kunmap_local(block);
	diff->payload = digests;
	diff->payload_bytes = QBD_BLOCK_SIZE;
	diff->diff.crc = digests->crc;
	return 0;
}

/* Only the blocks that differ: the others are there already. */
static int qbd_copy_write_some(struct qbd_store *store,
			       const struct qbd_copy_fill *fill,
			       const struct qbd_msg *reply)
{
	struct qbd_copy_io io;
	u32 i, at = 0;

	qbd_copy_io_init(&io, store);
	for (i = 0; i < fill->blocks; i++)
		if (qbd_diff_has(&reply->diff_reply, i))
			qbd_copy_io_add(&io, REQ_OP_WRITE, fill->to + i,
					reply->payload, at++, 1);
	return qbd_copy_io_wait(&io);
}

/* All of it: what differs over what there was. */
static int qbd_copy_write_whole(struct qbd_store *store,
				const struct qbd_copy_fill *fill,
				const struct qbd_msg *reply)
{
	const struct qbd_payload *got = reply->payload;
	struct qbd_payload *payload;
	struct qbd_copy_io io;
	u32 i, at = 0;
	int err;

	payload = qbd_copy_alloc(store, QBD_POOL_FETCH, fill->blocks);
	if (!payload)
		return -EAGAIN;
	/* no need to read what is written over, bad as it may be */
	err = qbd_copy_read(store,
			    got->nr_pages < fill->blocks ? fill->from : 0,
			    payload, fill->blocks);
	if (err)
		goto put;
	for (i = 0; i < fill->blocks; i++)
		if (qbd_diff_has(&reply->diff_reply, i))
			copy_highpage(payload->page[i], got->page[at++]);
	qbd_copy_io_init(&io, store);
	qbd_copy_io_add(&io, REQ_OP_WRITE, fill->to, payload, 0, fill->blocks);
	err = qbd_copy_io_wait(&io);
put:
	qbd_payload_put(payload);
	return err;
}

/**
 * qbd_kstore_copy_fill() - put what a DIFF_REPLY brought into the shadow
 * @store: the store
 * @slot: slot of the replica
 * @seq: which shadow
 * @reply: the DIFF_REPLY
 * @last: index of the chunk's last change
 *
 * The place may have been somebody else's until a moment ago, and be read by
 * who looked it up then: those reads have to end first.
 *
 * Context: process, waits for I/O.
 * Return: 0; -ENOSPC; -EIO; else it is to be asked for again, or not wanted any
 * more.
 */
int qbd_kstore_copy_fill(struct qbd_store *store, u32 slot, u64 seq,
			 const struct qbd_msg *reply, u64 last)
{
	struct qbd_copy_fill fill;
	int err;

	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store);
	if (!err) {
		__qbd_kstore_pages_give(store);
		err = qbd_copy_fill(store->core, slot, seq, reply, last, &fill);
	}
	spin_unlock(&store->lock);
	if (err == -ENOMEM)
		qbd_apply_kick(store);
	if (err || !fill.to)
		return err;
	qbd_copy_pace(store, fill.blocks);
	qbd_apply_grace(store);
	if (fill.whole)
		err = qbd_copy_write_whole(store, &fill, reply);
	else
		err = qbd_copy_write_some(store, &fill, reply);
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
					  qbd_copy_filled(store->core, slot, seq,
							  reply->diff_reply.chunk, err);
	spin_unlock(&store->lock);
	return err;
}
