// SPDX-License-Identifier: GPL-2.0-only
/*
 * The overlay of a replica; see overlay.h.
 *
 * It knows blocks and indexes, no records: slot.c puts records in and looks
 * them up.  After a truncation the tail map is dropped and made again from
 * the records that are left, by slot.c too.
 */
#include "env.h"
#include "overlay.h"

/**
 * qbd_overlay_init() - start with an empty overlay
 * @overlay: to be filled in
 */
void qbd_overlay_init(struct qbd_overlay *overlay)
{
	qbd_extmap_init(&overlay->tail);
	qbd_extmap_init(&overlay->live);
	qbd_extmap_init(&overlay->going);
}

/**
 * qbd_overlay_drop() - empty an overlay
 * @pool: nodes of its maps
 * @overlay: the overlay
 */
void qbd_overlay_drop(struct qbd_ext_pool *pool, struct qbd_overlay *overlay)
{
	qbd_extmap_drop(pool, &overlay->tail);
	qbd_extmap_drop(pool, &overlay->live);
	qbd_extmap_drop(pool, &overlay->going);
}

/**
 * qbd_overlay_add() - a record came in
 * @pool: nodes of the maps
 * @overlay: the overlay
 * @block: first block of its range
 * @blocks: length of its range
 * @index: its index, higher than all before
 *
 * Return: 0; -ENOMEM without enough nodes.
 */
int qbd_overlay_add(struct qbd_ext_pool *pool, struct qbd_overlay *overlay,
		    u32 block, u32 blocks, u64 index)
{
	return qbd_extmap_set(pool, &overlay->tail, block, blocks, index);
}

/**
 * qbd_overlay_settle() - the bound passed a record
 * @pool: nodes of the maps
 * @overlay: the overlay
 * @block: first block of its range
 * @blocks: length of its range
 * @index: its index; records settle in the order of their indexes
 *
 * Return: 0; -ENOMEM without enough nodes.
 */
int qbd_overlay_settle(struct qbd_ext_pool *pool, struct qbd_overlay *overlay,
		       u32 block, u32 blocks, u64 index)
{
	int error = qbd_extmap_set(pool, &overlay->live, block, blocks, index);

	if (error)
		return error;
	qbd_extmap_clear_val(pool, &overlay->tail, block, blocks, index);
	return 0;
}

/**
 * qbd_overlay_freeze() - a checkpoint takes what has settled
 * @pool: nodes of the maps
 * @overlay: the overlay; no other checkpoint is under way
 */
void qbd_overlay_freeze(struct qbd_ext_pool *pool, struct qbd_overlay *overlay)
{
	qbd_extmap_drop(pool, &overlay->going);
	overlay->going = overlay->live;
	qbd_extmap_init(&overlay->live);
}

/**
 * qbd_overlay_home() - what the checkpoint took is home
 * @pool: nodes of the maps
 * @overlay: the overlay
 */
void qbd_overlay_home(struct qbd_ext_pool *pool, struct qbd_overlay *overlay)
{
	qbd_extmap_drop(pool, &overlay->going);
}

/**
 * qbd_overlay_find() - newest logged version of a block
 * @pool: nodes of the maps
 * @overlay: the overlay
 * @block: the block
 * @blocks: how many blocks the question is about, not 0
 * @version: filled in: what holds for @block, and for how many blocks
 */
void qbd_overlay_find(const struct qbd_ext_pool *pool,
		      const struct qbd_overlay *overlay, u32 block, u32 blocks,
		      struct qbd_version *version)
{
	const struct qbd_extmap *maps[] = { &overlay->tail, &overlay->live,
					    &overlay->going };
	u32 i;

	version->index = 0;
	version->blocks = blocks;
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct qbd_ext *ext =
			qbd_extmap_next(pool, maps[i], block);

		if (!ext || ext->start >= block + version->blocks)
			continue;
		if (ext->start > block) {
			/* Beyond this many a newer map has its say. */
			version->blocks = ext->start - block;
			continue;
		}
		version->index = ext->val;
		version->blocks =
			min(version->blocks, qbd_ext_end(ext) - block);
		return;
	}
}
