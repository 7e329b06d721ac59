/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which uncompleted records does a read overlap? (S8)
 *
 * Writes need no ordering of their own: a record's index is its order, and
 * every replica logs, overlays and checkpoints by index.  Reads do: bytes read
 * at index i may show any record up to i, and may be given to the user only
 * when all of those that overlap the range are completed.
 *
 * A table of the highest index per bucket of blocks answers "none" in nearly
 * all cases; only a hit makes the caller look through its records.
 */
#ifndef QBD_CORE_OVERLAP_H
#define QBD_CORE_OVERLAP_H

#include "env.h"

#define QBD_OVERLAP_BUCKETS 256
#define QBD_OVERLAP_SHIFT 3 /* blocks per bucket: 8, 32 KiB */

/**
 * struct qbd_overlap - highest index of any record that touched a bucket
 * @index: by bucket
 */
struct qbd_overlap {
	u64 index[QBD_OVERLAP_BUCKETS];
};

void qbd_overlap_init(struct qbd_overlap *overlap);
void qbd_overlap_add(struct qbd_overlap *overlap, u64 index, u32 block,
		     u32 blocks);
u64 qbd_overlap_max(const struct qbd_overlap *overlap, u32 block, u32 blocks);

/**
 * qbd_overlap_ranges() - do two ranges of blocks overlap?
 * @block_a: first block of one
 * @blocks_a: its length
 * @block_b: first block of the other
 * @blocks_b: its length
 *
 * Return: true if they share a block.
 */
static inline bool qbd_overlap_ranges(u32 block_a, u32 blocks_a, u32 block_b,
				      u32 blocks_b)
{
	return (u64)block_a < (u64)block_b + blocks_b &&
	       (u64)block_b < (u64)block_a + blocks_a;
}

#endif /* QBD_CORE_OVERLAP_H */
