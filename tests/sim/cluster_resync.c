// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the shell does for a resync, on the real stores: pins, maps, digests,
 * and writing to the shadow. Reads and writes of chunks take the disk's time,
 * and a read may fail.
 *
 * A digest here is 64 bits of the block, twice: the bytes are stamps, which
 * differ whenever blocks do.
 */
#include <stdlib.h>

#include "cluster_resync.h"
#include "cluster_store.h"
#include "copy.h"
#include "wire.h"

#define CL_CHUNK_BLOCKS 16

static_assert(CL_CHUNK_BLOCKS == 1U << QBD_CHUNK_SHIFT_MIN);

/* Work on a chunk, or on all of a DIFF's. */
struct cl_copy {
	struct list_head link; /* in s->copies, as long as it waits */
	struct cl_world *w;
	u32 node;
	u32 shard;
	struct qbd_action act;
	u32 left;
	int err;
	u64 due_ns; /* it has not begun: a worker is busy until then */
	u64 mark; /* reads of home before this one have to end */
	bool written;
	struct qbd_copy_fill fill;
	struct qbd_copy_chunk chunk[QBD_DIFF_MAX];
	u8 *buf;
};

static void cl_digest(const u8 *block, u8 digest[QBD_DIGEST_BYTES])
{
	u64 hash = 0xcbf29ce484222325ULL, word;
	u32 i;

	for (i = 0; i < QBD_BLOCK_SIZE; i += sizeof(word)) {
		memcpy(&word, block + i, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 29;
	}
	memcpy(digest, &hash, sizeof(hash));
	memcpy(digest + sizeof(hash), &hash, sizeof(hash));
}

static u8 *cl_copy_chunk(struct cl_copy *copy, u32 place)
{
	return copy->buf + (size_t)place * CL_CHUNK_BLOCKS * QBD_BLOCK_SIZE;
}

static struct cl_copy *cl_copy_new(struct cl_world *w, u32 node, u32 shard,
				   const struct qbd_action *act, u32 chunks)
{
	struct cl_copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		abort();
	copy->buf = calloc(chunks, (size_t)CL_CHUNK_BLOCKS * QBD_BLOCK_SIZE);
	if (!copy->buf)
		abort();
	copy->w = w;
	copy->node = node;
	copy->shard = shard;
	copy->act = *act;
	cl_payload_get(act->msg.payload);
	list_add_tail(&copy->link, &w->node[node].store->copies);
	return copy;
}

static void cl_copy_free(struct cl_copy *copy)
{
	list_del(&copy->link);
	cl_payload_put(copy->act.msg.payload);
	free(copy->buf);
	free(copy);
}

/* The node crashes, or the store goes: nobody waits for any of it. */
void cl_copies_drop(struct cl_store *s)
{
	struct cl_copy *copy, *next;

	list_for_each_entry_safe(copy, next, &s->copies, link)
		cl_copy_free(copy);
}

static void cl_copy_send(struct cl_copy *copy, struct qbd_msg *msg, u32 to)
{
	struct qbd_action act = { .kind = QBD_ACT_SEND, .node = to };

	act.msg = *msg;
	cl_net_send(copy->w, copy->node, copy->shard, &act, msg->payload);
}

/* --- reading ------------------------------------------------------------ */

/* All of a copy's reads have ended: go on. */
static void cl_copy_read(struct cl_copy *copy);

static void cl_copy_io_end(struct cl_io *io)
{
	struct cl_copy *copy = io->copy;
	int err = io->err;

	cl_io_free(io);
	if (err)
		copy->err = err;
	if (!--copy->left)
		cl_copy_read(copy);
}

static void cl_copy_io(struct cl_copy *copy, enum qbd_disk_op op, u64 block,
		       u32 blocks, u8 *buf)
{
	struct cl_store *s = copy->w->node[copy->node].store;
	struct qbd_extent extent = { block, blocks };
	struct cl_io *io = cl_io_new(copy->w, s, 0, cl_copy_io_end);

	io->copy = copy;
	copy->left++;
	cl_io_submit(io, op, false, &extent, 1, buf);
}

/* Does the disk fail to read it? */
static bool cl_copy_unread(struct cl_world *w, u32 node)
{
	return w->node[node].read_eio && cl_chance(w, 50);
}

/* --- the source --------------------------------------------------------- */

/* Which blocks of a chunk differ from the target's digests? */
static u32 cl_copy_compare(struct cl_copy *copy, u32 place,
			   struct qbd_msg_diff_reply *reply)
{
	const struct qbd_copy_chunk *chunk = &copy->chunk[place];
	const struct cl_payload *digests = copy->act.msg.payload;
	u8 digest[QBD_DIGEST_BYTES];
	const u8 *block;
	bool differs;
	u32 i, nr = 0;

	for (i = 0; i < chunk->blocks; i++) {
		block = cl_copy_chunk(copy, place) + (size_t)i * QBD_BLOCK_SIZE;
		if (chunk->all) {
			differs = true;
		} else if (chunk->zero) {
			differs = !mem_is_zero(block, QBD_BLOCK_SIZE);
		} else {
			cl_digest(block, digest);
			differs = memcmp(digest,
					 digests->data +
						 (size_t)(chunk->digest + i) *
							 QBD_DIGEST_BYTES,
					 QBD_DIGEST_BYTES) != 0;
		}
		if (!differs)
			continue;
		reply->differs[i / 64] |= 1ULL << i % 64;
		nr++;
	}
	return nr;
}

static void cl_copy_answer(struct cl_copy *copy, u32 place)
{
	const struct qbd_copy_chunk *chunk = &copy->chunk[place];
	struct cl_store *s = copy->w->node[copy->node].store;
	struct cl_payload *payload = NULL;
	struct qbd_msg reply;
	u32 i, nr, at = 0;

	qbd_diff_reply(&copy->act.msg, place, &reply);
	reply.diff_reply.status = copy->err ? QBD_STATUS_EIO : QBD_STATUS_OK;
	if (!qbd_store_pin_holds(s->core, s->slot[copy->shard],
				 copy->act.msg.diff.seq) &&
	    !QBD_MUTANT(pin_not_looked_at))
		reply.diff_reply.status = QBD_STATUS_GONE;
	if (reply.diff_reply.status == QBD_STATUS_OK) {
		nr = cl_copy_compare(copy, place, &reply.diff_reply);
		payload = nr ? cl_payload_new(copy->w, nr) : NULL;
		for (i = 0; payload && i < chunk->blocks; i++)
			if (qbd_diff_has(&reply.diff_reply, i))
				memcpy(payload->data +
					       (size_t)at++ * QBD_BLOCK_SIZE,
				       cl_copy_chunk(copy, place) +
					       (size_t)i * QBD_BLOCK_SIZE,
				       QBD_BLOCK_SIZE);
		reply.payload_bytes = nr * QBD_BLOCK_SIZE;
		copy->w->counts.copied += nr;
	}
	reply.payload = payload;
	if (payload)
		reply.diff_reply.crc = qbd_payload_crc(~0U, payload->data,
						       reply.payload_bytes);
	cl_copy_send(copy, &reply, copy->act.node);
	cl_payload_put(payload);
}

/* A DIFF came. */
static void cl_copy_diff(struct cl_copy *copy)
{
	struct cl_store *s = copy->w->node[copy->node].store;
	const struct qbd_msg *msg = &copy->act.msg;
	u32 i;

	copy->left = 1;
	if (cl_copy_unread(copy->w, copy->node))
		copy->err = -EIO;
	for (i = 0; i < msg->diff.nr; i++) {
		struct qbd_copy_chunk *chunk = &copy->chunk[i];

		if (qbd_copy_source(s->core, s->slot[copy->shard], msg, i,
				    chunk))
			copy->err = -ENODATA;
		else if (chunk->block)
			cl_copy_io(copy, QBD_DISK_READ, chunk->block,
				   chunk->blocks, cl_copy_chunk(copy, i));
	}
	if (!--copy->left)
		cl_copy_read(copy);
}

/* --- the target --------------------------------------------------------- */

/* A DIFF is to be sent. */
static void cl_copy_digest(struct cl_copy *copy)
{
	struct cl_store *s = copy->w->node[copy->node].store;
	struct qbd_copy_chunk chunk = { .zero = true };
	u32 i;

	copy->left = 1;
	for (i = 0; i < copy->act.msg.diff.nr; i++) {
		if (qbd_copy_digest(s->core, s->slot[copy->shard], copy->act.id,
				    &copy->act.msg, i, &chunk)) {
			copy->err = -ENODATA;
			break;
		}
		if (!chunk.zero && cl_copy_unread(copy->w, copy->node)) {
			chunk.all = true;
			copy->act.msg.diff.all |= 1U << i;
		}
		copy->chunk[i] = chunk;
		if (!chunk.zero && !chunk.all)
			cl_copy_io(copy, QBD_DISK_READ, chunk.block,
				   chunk.blocks, cl_copy_chunk(copy, i));
	}
	if (!--copy->left)
		cl_copy_read(copy);
}

static void cl_copy_digested(struct cl_copy *copy)
{
	struct qbd_msg *msg = &copy->act.msg;
	struct cl_payload *payload = NULL;
	u32 i, k;

	if (copy->err)
		return; /* asked again by the clock */
	for (i = 0; i < msg->diff.nr; i++) {
		const struct qbd_copy_chunk *chunk = &copy->chunk[i];

		if (chunk->zero || chunk->all)
			continue;
		if (!payload)
			payload = cl_payload_new(copy->w, 1);
		payload->raw = true;
		for (k = 0; k < chunk->blocks; k++)
			cl_digest(cl_copy_chunk(copy, i) +
					  (size_t)k * QBD_BLOCK_SIZE,
				  payload->data + (size_t)(chunk->digest + k) *
							  QBD_DIGEST_BYTES);
	}
	msg->payload = payload;
	if (payload) {
		msg->payload_bytes = QBD_BLOCK_SIZE;
		msg->diff.crc =
			qbd_payload_crc(~0U, payload->data, QBD_BLOCK_SIZE);
	}
	cl_copy_send(copy, msg, copy->act.node);
}

static void cl_copy_told(struct cl_copy *copy, int err)
{
	struct qbd_msg msg = copy->act.msg;
	struct cl_world *w = copy->w;
	u32 node = copy->node, shard = copy->shard;

	cl_copy_free(copy);
	msg.payload = NULL;
	cl_rep_step(w, node, shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_SHADOWED,
						 .err = err,
						 .msg = &msg });
}

/* What differs over what there was, and then to the disk. */
static void cl_copy_write(struct cl_copy *copy)
{
	const struct qbd_msg_diff_reply *reply = &copy->act.msg.diff_reply;
	const struct cl_payload *payload = copy->act.msg.payload;
	u8 *chunk = cl_copy_chunk(copy, 0);
	u32 i, at = 0;

	for (i = 0; i < copy->fill.blocks; i++)
		if (qbd_diff_has(reply, i))
			memcpy(chunk + (size_t)i * QBD_BLOCK_SIZE,
			       payload->data + (size_t)at++ * QBD_BLOCK_SIZE,
			       QBD_BLOCK_SIZE);
	copy->written = true;
	cl_copy_io(copy, QBD_DISK_WRITE, copy->fill.to, copy->fill.blocks,
		   chunk);
}

/* A DIFF_REPLY came. */
static void cl_copy_shadow(struct cl_copy *copy)
{
	struct cl_store *s = copy->w->node[copy->node].store;
	const struct qbd_action *act = &copy->act;
	struct qbd_copy_fill *fill = &copy->fill;
	int err;

	cl_store_pages(s);
	err = qbd_copy_fill(s->core, s->slot[copy->shard], act->id, &act->msg,
			    act->index, fill);
	if (err || !fill->to) {
		cl_copy_told(copy, err);
		return;
	}
	/* its own bytes are read too: only what differs is sent */
	if (!fill->whole)
		fill->from = fill->to;
	copy->mark = s->read_seq;
	if (fill->from)
		cl_copy_io(copy, QBD_DISK_READ, fill->from, fill->blocks,
			   cl_copy_chunk(copy, 0));
}

static void cl_copy_shadowed(struct cl_copy *copy)
{
	struct cl_store *s = copy->w->node[copy->node].store;
	int err;

	err = qbd_copy_filled(s->core, s->slot[copy->shard], copy->act.id,
			      copy->act.msg.diff_reply.chunk, copy->err);
	cl_copy_told(copy, err);
}

/* --- all of them -------------------------------------------------------- */

static void cl_copy_read(struct cl_copy *copy)
{
	u32 i;

	switch (copy->act.kind) {
	case QBD_ACT_DIFF:
		for (i = 0; i < copy->act.msg.diff.nr; i++)
			cl_copy_answer(copy, i);
		cl_copy_free(copy);
		break;
	case QBD_ACT_DIGEST:
		cl_copy_digested(copy);
		cl_copy_free(copy);
		break;
	default:
		/* a write may have to wait: see cl_copies_run() */
		break;
	}
}

static void cl_copy_start(struct cl_copy *copy)
{
	copy->due_ns = 0;
	switch (copy->act.kind) {
	case QBD_ACT_DIFF:
		cl_copy_diff(copy);
		break;
	case QBD_ACT_DIGEST:
		cl_copy_digest(copy);
		break;
	default:
		cl_copy_shadow(copy);
		break;
	}
}

/* Go on with one. Return: false if it has to wait, or is under way. */
static bool cl_copy_go_on(struct cl_world *w, struct cl_store *s,
			  struct cl_copy *copy)
{
	if (copy->due_ns) {
		if (w->now_ns < copy->due_ns)
			return false;
		cl_copy_start(copy);
		return true;
	}
	if (copy->act.kind != QBD_ACT_SHADOW || copy->left)
		return false;
	if (copy->err || copy->written)
		cl_copy_shadowed(copy);
	else if (!cl_reads_before(s, copy->mark))
		cl_copy_write(copy);
	else
		return false;
	return true;
}

/* Return: false if there is none that can go on. */
static bool cl_copies_step(struct cl_world *w, struct cl_store *s)
{
	struct cl_copy *copy;

	list_for_each_entry(copy, &s->copies, link)
		if (cl_copy_go_on(w, s, copy))
			return true; /* the list may be another one */
	return false;
}

/*
 * What waits for a worker, and writes to shadows, when the reads of home that
 * were before have ended.
 */
void cl_copies_run(struct cl_world *w, struct cl_store *s)
{
	u32 life = w->node[s->node].life;

	while (cl_copies_step(w, s))
		if (w->node[s->node].life != life || !w->node[s->node].open)
			return;
}

/* What is to be done with chunks: at once, or when a worker has time. */
void cl_copy_act(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_action *act)
{
	u32 chunks = act->kind == QBD_ACT_SHADOW ? 1 : act->msg.diff.nr;
	struct cl_copy *copy;

	if (!w->node[node].open || w->node[node].failed ||
	    w->node[node].store->slot[shard] < 0)
		return;
	copy = cl_copy_new(w, node, shard, act, chunks);
	if (w->healing || !cl_chance(w, 20)) {
		cl_copy_start(copy);
		return;
	}
	copy->due_ns = w->now_ns + cl_rand(w, 500 * CL_MS);
}

/* PIN_REPLY, with the replica set as of the pin. */
void cl_copy_send_pin(struct cl_world *w, u32 node, u32 shard,
		      const struct qbd_action *act)
{
	struct cl_store *s = w->node[node].store;
	struct cl_payload *payload;
	struct qbd_action send = *act;

	if (!w->node[node].open || s->slot[shard] < 0)
		return;
	payload = cl_payload_new(w, 1);
	payload->raw = true;
	if (!qbd_copy_config(s->core, s->slot[shard], act->msg.pin_reply.seq,
			     payload->data)) {
		send.msg.pin_reply.crc =
			qbd_payload_crc(~0U, payload->data, QBD_BLOCK_SIZE);
		cl_net_send(w, node, shard, &send, payload);
	}
	cl_payload_put(payload);
}

/* --- what replicas ask within a step ------------------------------------ */

static struct cl_store *cl_copy_store(const struct cl_ctx *c, u32 *slot)
{
	struct cl_store *s = c->w->node[c->node].store;

	*slot = (u32)s->slot[c->shard];
	return c->w->node[c->node].open ? s : NULL;
}

static int cl_op_pin(void *ctx, struct qbd_pin_info *info)
{
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);
	int err = s ? qbd_copy_pin(s->core, slot, info) : -ESHUTDOWN;

	if (s)
		cl_store_pages(s);
	return err;
}

static int cl_op_pin_map(void *ctx, u64 seq, u64 have, u32 *from,
			 struct qbd_map_entry entry[QBD_MAP_MAX])
{
	const struct cl_ctx *c = ctx;
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	if (!s)
		return -ENODATA;
	return qbd_copy_map(s->core, slot, seq, have, 1 + (u32)cl_rand(c->w, 4),
			    from, entry);
}

static void cl_op_unpin(void *ctx)
{
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	if (s)
		qbd_store_unpin(s->core, slot);
}

static int cl_op_shadow(void *ctx, const struct qbd_pin_info *info,
			const void *config, u64 *seq)
{
	const struct cl_payload *payload = config;
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	if (!s)
		return -ESHUTDOWN;
	return qbd_copy_shadow(s->core, slot, info, payload->data, seq);
}

static int cl_op_look(void *ctx, const struct qbd_map_entry *entry)
{
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	if (!s)
		return -ESHUTDOWN;
	cl_store_pages(s);
	return qbd_copy_look(s->core, slot, entry);
}

static int cl_op_switch(void *ctx)
{
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);
	struct qbd_pos at;
	int err;

	if (!s || qbd_store_shadow_state(s->core, slot, &at))
		return -ESHUTDOWN;
	err = qbd_store_shadow_switch(s->core, slot);
	if (!err)
		s->to[((const struct cl_ctx *)ctx)->shard] = at;
	return err;
}

static int cl_op_state(void *ctx)
{
	struct qbd_pos at;
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	return s ? qbd_store_shadow_state(s->core, slot, &at) : -EAGAIN;
}

static int cl_op_drop(void *ctx)
{
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	return s ? qbd_store_shadow_drop(s->core, slot) : 0;
}

static struct qbd_pos cl_op_switched(void *ctx)
{
	struct qbd_store_replica have = { 0 };
	u32 slot;
	struct cl_store *s = cl_copy_store(ctx, &slot);

	if (s && qbd_store_replica_get(s->core, slot, &have))
		memset(&have, 0, sizeof(have));
	return have.last;
}

const struct qbd_resync_ops cl_resync_ops = {
	.pin = cl_op_pin,
	.pin_map = cl_op_pin_map,
	.unpin = cl_op_unpin,
	.shadow = cl_op_shadow,
	.shadow_look = cl_op_look,
	.shadow_switch = cl_op_switch,
	.shadow_state = cl_op_state,
	.shadow_drop = cl_op_drop,
	.switched = cl_op_switched,
};
