// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a resync wants of a store; see copy.h. Decisions about pins, shadows and
 * their chunks, none about bytes.
 */
#include "copy.h"
#include "env.h"
#include "store_core.h"

static u32 qbd_copy_chunks(const struct qbd_store_core *core,
			   const struct qbd_slot *slot)
{
	u32 shift = core->super.layout.chunk_shift;

	return (u32)(((u64)slot->table.blocks + (1U << shift) - 1) >> shift);
}

/* --- the source --------------------------------------------------------- */

/**
 * qbd_copy_pin() - have a replica pinned
 * @core: the store
 * @slot: slot of the replica
 * @info: filled in once it is
 *
 * Return: 0; -EAGAIN: the next checkpoints do it, ask again; -ENOSPC: the last
 * one that was wanted found no chunks; else as qbd_store_pin().
 */
int qbd_copy_pin(struct qbd_store_core *core, u32 slot,
		 struct qbd_pin_info *info)
{
	int err = qbd_store_pin_get(core, slot, &info->at);
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s || err == -EAGAIN)
		return s ? err : -ENOENT;
	if (err == -ENOSPC) {
		/* said once: who asks again may find more room */
		s->pin.error = 0;
		return err;
	}
	if (err) {
		err = qbd_store_pin(core, slot);
		return err == -EBUSY || !err ? -EAGAIN : err;
	}
	info->seq = s->pin.seq;
	info->chunks = qbd_copy_chunks(core, s);
	info->chunk_blocks = 1U << core->super.layout.chunk_shift;
	return 0;
}

/**
 * qbd_copy_map() - chunks of a pin that changed
 * @core: the store
 * @slot: slot of the replica
 * @seq: which pin
 * @have: index after which
 * @most: how many chunks are looked at in this call
 * @from: first chunk to be looked at; then the first that was not
 * @entry: filled in, ascending
 *
 * Return: how many; -ENODATA if there is no such pin any more.
 */
int qbd_copy_map(const struct qbd_store_core *core, u32 slot, u64 seq, u64 have,
		 u32 most, u32 *from, struct qbd_map_entry entry[QBD_MAP_MAX])
{
	struct qbd_pinned pinned;
	int nr = 0;

	if (!qbd_store_pin_holds(core, slot, seq))
		return -ENODATA;
	for (; most && nr < QBD_MAP_MAX; (*from)++, most--) {
		if (qbd_store_pinned(core, slot, *from, &pinned))
			break; /* the end */
		if (pinned.last <= have ||
		    (!pinned.block && QBD_MUTANT(map_forgets_freed)))
			continue;
		entry[nr++] = (struct qbd_map_entry){
			.chunk = *from,
			.flags = pinned.block ? 0 : QBD_MAP_ZERO,
			.last = pinned.last,
		};
	}
	return nr;
}

/**
 * qbd_copy_config() - the replica set as of a pin, for the wire
 * @core: the store
 * @slot: slot of the replica
 * @seq: which pin
 * @block: a block, all of it is filled in
 *
 * Return: 0, or -ENODATA if there is no such pin any more.
 */
int qbd_copy_config(const struct qbd_store_core *core, u32 slot, u64 seq,
		    void *block)
{
	if (!qbd_store_pin_holds(core, slot, seq))
		return -ENODATA;
	memset(block, 0, QBD_BLOCK_SIZE);
	qbd_config_encode(qbd_store_pin_config(core, slot), block);
	return 0;
}

/**
 * qbd_copy_source() - a chunk that a DIFF asks for, as the pin has it
 * @core: the store
 * @slot: slot of the replica
 * @diff: the DIFF
 * @place: which of its chunks
 * @chunk: filled in
 *
 * Return: 0; -ENODATA if there is no such pin any more; -EINVAL if there is no
 * such chunk, or more digests than a block has room for.
 */
int qbd_copy_source(const struct qbd_store_core *core, u32 slot,
		    const struct qbd_msg *diff, u32 place,
		    struct qbd_copy_chunk *chunk)
{
	u16 none = diff->diff.zero | diff->diff.all;
	struct qbd_pinned pinned;
	u32 digests = 0, i;

	if (!qbd_store_pin_holds(core, slot, diff->diff.seq))
		return -ENODATA;
	for (i = 0; i <= place; i++) {
		if (qbd_store_pinned(core, slot, diff->diff.chunk[i], &pinned))
			return -EINVAL;
		chunk->digest = digests;
		if (!(none & (1U << i)))
			digests += pinned.blocks;
	}
	if (digests > QBD_DIFF_BLOCKS_MAX)
		return -EINVAL;
	chunk->block = pinned.block;
	chunk->blocks = pinned.blocks;
	chunk->zero = diff->diff.zero & (1U << place);
	chunk->all = diff->diff.all & (1U << place);
	return 0;
}

/* --- the target --------------------------------------------------------- */

/**
 * qbd_copy_shadow() - begin a shadow, or let the one there is lead further
 * @core: the store
 * @slot: slot of the replica
 * @info: the pin of the source
 * @block: the replica set as of then, from the wire
 * @seq: filled in: which shadow it is
 *
 * Return: 0; -EPROTO if @block can't be read, or the source has other chunks;
 * else as qbd_store_shadow().
 */
int qbd_copy_shadow(struct qbd_store_core *core, u32 slot,
		    const struct qbd_pin_info *info, const void *block,
		    u64 *seq)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);
	struct qbd_config config;
	int err;

	if (!s)
		return -ENOENT;
	if (info->chunk_blocks != 1U << core->super.layout.chunk_shift ||
	    info->chunks != qbd_copy_chunks(core, s) ||
	    qbd_config_decode(block, &config))
		return -EPROTO;
	err = qbd_store_shadow(core, slot, &info->at, &config);
	*seq = s->shadow.seq;
	return err;
}

/**
 * qbd_copy_look() - what is to be done for a chunk that changed?
 * @core: the store
 * @slot: slot of the replica
 * @entry: what the source says of it
 *
 * What the shadow has with the same index is the same: it came from another
 * pin, of this source or of another one.
 *
 * Return: 0: nothing any more; 1: its bytes have to be compared; -EBUSY,
 * -ENOMEM or another error of qbd_store_shadow_set().
 */
int qbd_copy_look(struct qbd_store_core *core, u32 slot,
		  const struct qbd_map_entry *entry)
{
	struct qbd_shadowed have;
	int err;

	err = qbd_store_shadow_get(core, slot, entry->chunk, &have);
	if (err)
		return err == -ENODATA ? -EBUSY : err;
	if (have.last == entry->last)
		return 0;
	if (!(entry->flags & QBD_MAP_ZERO))
		return 1;
	return qbd_store_shadow_set(core, slot, entry->chunk, entry->last,
				    QBD_SHADOW_ZERO);
}

/**
 * qbd_copy_digest() - a chunk whose digests are sent to the source
 * @core: the store
 * @slot: slot of the replica
 * @seq: which shadow
 * @diff: the DIFF; @diff.zero is filled in for the chunk
 * @place: which of its chunks, in this order
 * @chunk: filled in; @digest is that of the last one, plus its blocks: begin
 *	with a @chunk of zeroes
 *
 * Return: 0; -ENODATA if it is not worth it any more: no such shadow, or the
 * chunk is written to.
 */
int qbd_copy_digest(const struct qbd_store_core *core, u32 slot, u64 seq,
		    struct qbd_msg *diff, u32 place,
		    struct qbd_copy_chunk *chunk)
{
	struct qbd_shadowed have;

	if (!chunk->zero && !chunk->all)
		chunk->digest += chunk->blocks;
	if (qbd_store_shadow_get(core, slot, diff->diff.chunk[place], &have) ||
	    have.seq != seq)
		return -ENODATA;
	chunk->block = have.block;
	chunk->blocks = have.blocks;
	chunk->zero = !have.block;
	chunk->all = false;
	if (chunk->zero)
		diff->diff.zero |= 1U << place;
	return 0;
}

static bool qbd_copy_same(const struct qbd_msg_diff_reply *reply)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reply->differs); i++)
		if (reply->differs[i])
			return false;
	return true;
}

/**
 * qbd_copy_fill() - what a DIFF_REPLY brought goes to the shadow
 * @core: the store
 * @slot: slot of the replica
 * @seq: which shadow
 * @reply: the DIFF_REPLY
 * @last: index of the chunk's last change
 * @fill: filled in: what the caller has to do
 *
 * If there is something to be written qbd_copy_filled() has to follow.  Until
 * then the chunk is nobody else's.
 *
 * Return: 0; -ENODATA if there is no such shadow any more; -ENOSPC, -ENOMEM,
 * -EBUSY as qbd_store_shadow_set().
 */
int qbd_copy_fill(struct qbd_store_core *core, u32 slot, u64 seq,
		  const struct qbd_msg *reply, u64 last,
		  struct qbd_copy_fill *fill)
{
	const struct qbd_msg_diff_reply *diff = &reply->diff_reply;
	struct qbd_shadowed old, new;
	enum qbd_shadow_kind kind = QBD_SHADOW_DATA;
	int err;

	memset(fill, 0, sizeof(*fill));
	err = qbd_store_shadow_get(core, slot, diff->chunk, &old);
	if (err == -ENODATA)
		return -EBUSY;
	if (err || old.seq != seq)
		return -ENODATA;
	if (qbd_copy_same(diff))
		kind = old.block ? QBD_SHADOW_SAME : QBD_SHADOW_ZERO;
	err = qbd_store_shadow_set(core, slot, diff->chunk, last, kind);
	if (err || kind != QBD_SHADOW_DATA)
		return err;
	err = qbd_store_shadow_get(core, slot, diff->chunk, &new);
	if (QBD_CORE_BUG(err != -ENODATA))
		return -EIO;
	fill->to = new.block;
	fill->blocks = new.blocks;
	fill->whole = !old.own;
	fill->from = old.own ? 0 : old.block;
	return 0;
}

/**
 * qbd_copy_filled() - a chunk has been written, or not
 * @core: the store
 * @slot: slot of the replica
 * @seq: which shadow
 * @chunk: number of the chunk
 * @err: why not, 0 = it was
 *
 * Return: @err, or why it does not matter any more.
 */
int qbd_copy_filled(struct qbd_store_core *core, u32 slot, u64 seq, u32 chunk,
		    int err)
{
	struct qbd_shadowed have;
	int got = qbd_store_shadow_get(core, slot, chunk, &have);

	if (got != -ENODATA || have.seq != seq)
		return -ENODATA;
	if (err)
		got = qbd_store_shadow_failed(core, slot, chunk);
	else
		got = qbd_store_shadow_filled(core, slot, chunk);
	return err ?: got;
}
