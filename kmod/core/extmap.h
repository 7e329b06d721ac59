/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps from ranges of blocks to a number: extents that never overlap, in a
 * balanced tree whose nodes come from a pool that all maps of a store share.
 *
 * Setting a range replaces what was there: extents inside vanish, those that
 * reach in are cut.  Neighbours with the same value are not merged: an extent
 * is then a piece of exactly one record, which the overlay counts on.
 *
 * The tree is AVL: height at most 1.44 log2(n), 25 for the largest pool, so
 * every call is O(log n) but qbd_extmap_set(), which is O(k log n) for the k
 * extents that it replaces: each of them was paid for when it was set.
 * Dropping a whole map is O(1): the pool takes the tree as it is and takes it
 * apart as nodes are needed.
 */
#ifndef QBD_CORE_EXTMAP_H
#define QBD_CORE_EXTMAP_H

#include "env.h"

#define QBD_EXT_NONE U32_MAX

/**
 * struct qbd_ext - an extent
 * @val: what it maps to
 * @start: first block
 * @blocks: length
 * @left: subtree of the extents before it
 * @right: subtree of the extents after it
 * @height: of the tree below and with it
 */
struct qbd_ext {
	u64 val;
	u32 start;
	u32 blocks;
	u32 left;
	u32 right;
	u32 height;
};

/**
 * struct qbd_ext_pool - nodes for the maps of a store
 * @node: the nodes
 * @free: stack of free trees, linked through @val; all their nodes are free
 * @nr_free: nodes in them
 * @nr: all nodes
 */
struct qbd_ext_pool {
	struct qbd_ext *node;
	u32 free;
	u32 nr_free;
	u32 nr;
};

/**
 * struct qbd_extmap - a map
 * @root: its tree
 * @nr: extents in it
 */
struct qbd_extmap {
	u32 root;
	u32 nr;
};

void qbd_ext_pool_init(struct qbd_ext_pool *pool, u32 nr, void *mem);

void qbd_extmap_init(struct qbd_extmap *map);
void qbd_extmap_drop(struct qbd_ext_pool *pool, struct qbd_extmap *map);
int __must_check qbd_extmap_set(struct qbd_ext_pool *pool,
				struct qbd_extmap *map, u32 start, u32 blocks,
				u64 val);
void qbd_extmap_clear_val(struct qbd_ext_pool *pool, struct qbd_extmap *map,
			  u32 start, u32 blocks, u64 val);
const struct qbd_ext *qbd_extmap_next(const struct qbd_ext_pool *pool,
				      const struct qbd_extmap *map, u32 block);

/**
 * qbd_ext_end() - block after an extent
 * @ext: the extent
 *
 * Return: the block.
 */
static inline u32 qbd_ext_end(const struct qbd_ext *ext)
{
	return ext->start + ext->blocks;
}

#endif /* QBD_CORE_EXTMAP_H */
