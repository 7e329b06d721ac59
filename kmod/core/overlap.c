// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of the newest record per bucket of blocks. Never forgets, because
 * an index that is completed by now does no harm: the caller compares.
 */
#include "overlap.h"

/**
 * qbd_overlap_init() - no record yet
 * @overlap: the table
 */
void qbd_overlap_init(struct qbd_overlap *overlap)
{
	memset(overlap, 0, sizeof(*overlap));
}

/* Buckets that a range touches: the first one, and how many. */
static u32 qbd_overlap_buckets(u32 block, u32 blocks, u32 *first)
{
	u32 last;

	*first = block >> QBD_OVERLAP_SHIFT;
	if (!blocks)
		return 0;
	last = (u32)(((u64)block + blocks - 1) >> QBD_OVERLAP_SHIFT);
	return min_t(u32, last - *first + 1, QBD_OVERLAP_BUCKETS);
}

/**
 * qbd_overlap_add() - a record was assigned
 * @overlap: the table
 * @index: its index, higher than all before
 * @block: first block of its range
 * @blocks: length of its range
 */
void qbd_overlap_add(struct qbd_overlap *overlap, u64 index, u32 block,
		     u32 blocks)
{
	u32 first, nr, i;

	nr = qbd_overlap_buckets(block, blocks, &first);
	for (i = 0; i < nr; i++)
		overlap->index[(first + i) % QBD_OVERLAP_BUCKETS] = index;
}

/**
 * qbd_overlap_max() - newest record that may overlap a range
 * @overlap: the table
 * @block: first block of the range
 * @blocks: length of the range
 *
 * Return: an index at or above that of every record that overlaps; 0 = none.
 */
u64 qbd_overlap_max(const struct qbd_overlap *overlap, u32 block, u32 blocks)
{
	u32 first, nr, i;
	u64 index = 0;

	nr = qbd_overlap_buckets(block, blocks, &first);
	for (i = 0; i < nr; i++)
		index = max(index,
			    overlap->index[(first + i) % QBD_OVERLAP_BUCKETS]);
	return index;
}
