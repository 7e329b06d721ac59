/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The overlay of a replica: which of its records, that have not gone home,
 * has the newest version of a block.
 *
 * It is three maps from blocks to indexes of records, and a record's pieces
 * are in exactly one of them:
 *
 *	tail	records above the bound; only these can be truncated
 *	live	records at or below the bound, which may go home
 *	going	records that the checkpoint under way takes home
 *
 * Indexes in tail are higher than those in live, these higher than those in
 * going, so the first map that covers a block has its newest version, and
 * going has for each block the newest version at or below the bound that the
 * checkpoint froze (S1), which tail and live may have hidden from readers.
 * Freezing is moving the root of a tree, and so is forgetting what went home.
 *
 * Values are indexes, not ids of records: a re-logged record keeps its index.
 */
#ifndef QBD_CORE_OVERLAY_H
#define QBD_CORE_OVERLAY_H

#include "extmap.h"

/**
 * struct qbd_overlay - newest logged versions of a replica's blocks
 * @tail: above the bound
 * @live: at or below it
 * @going: on their way home
 */
struct qbd_overlay {
	struct qbd_extmap tail;
	struct qbd_extmap live;
	struct qbd_extmap going;
};

/**
 * struct qbd_version - newest logged version of some blocks
 * @index: record that has them, 0 = none has
 * @blocks: for how many blocks this holds
 */
struct qbd_version {
	u64 index;
	u32 blocks;
};

void qbd_overlay_init(struct qbd_overlay *overlay);
void qbd_overlay_drop(struct qbd_ext_pool *pool, struct qbd_overlay *overlay);
int __must_check qbd_overlay_add(struct qbd_ext_pool *pool,
				 struct qbd_overlay *overlay, u32 block,
				 u32 blocks, u64 index);
int __must_check qbd_overlay_settle(struct qbd_ext_pool *pool,
				    struct qbd_overlay *overlay, u32 block,
				    u32 blocks, u64 index);
void qbd_overlay_freeze(struct qbd_ext_pool *pool, struct qbd_overlay *overlay);
void qbd_overlay_home(struct qbd_ext_pool *pool, struct qbd_overlay *overlay);
void qbd_overlay_find(const struct qbd_ext_pool *pool,
		      const struct qbd_overlay *overlay, u32 block, u32 blocks,
		      struct qbd_version *version);

#endif /* QBD_CORE_OVERLAY_H */
