// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical chunks; see alloc.h.
 *
 * The search for a free chunk goes on where the last one was found, so that
 * chunks of one stream lie together and a full scan (64 Ki words for 1 TiB in
 * chunks of 256 KiB) is rare.
 */
#include "env.h"
#include "alloc.h"

/**
 * qbd_alloc_mem_bytes() - memory of the bitmaps
 * @nr: chunks
 *
 * Return: bytes.
 */
size_t qbd_alloc_mem_bytes(u64 nr)
{
	return array_size(2 * BITS_TO_LONGS(nr), sizeof(unsigned long));
}

/**
 * qbd_alloc_init() - start with all chunks free
 * @alloc: to be filled in
 * @nr: chunks
 * @mem: as qbd_alloc_mem_bytes() says, zero-filled
 */
void qbd_alloc_init(struct qbd_alloc *alloc, u64 nr, void *mem)
{
	memset(alloc, 0, sizeof(*alloc));
	alloc->used = mem;
	alloc->freeing = alloc->used + BITS_TO_LONGS(nr);
	alloc->nr = nr;
	alloc->nr_free = nr;
}

/**
 * qbd_alloc_load() - a map on the disk leads to this chunk
 * @alloc: the chunks
 * @phys: chunk
 *
 * Return: 0; -EUCLEAN if there is no such chunk or if another map entry leads
 * to it.
 */
int qbd_alloc_load(struct qbd_alloc *alloc, u64 phys)
{
	if (phys >= alloc->nr || test_bit(phys, alloc->used))
		return -EUCLEAN;
	__set_bit(phys, alloc->used);
	alloc->nr_free--;
	return 0;
}

/**
 * qbd_alloc_room() - chunks that are not promised
 * @alloc: the chunks
 *
 * Chunks that are freeing do not count: they can be promised only to those
 * that they were freed from.
 *
 * Return: reservations that can be made.
 */
u64 qbd_alloc_room(const struct qbd_alloc *alloc)
{
	return alloc->nr_free - min(alloc->nr_free, alloc->nr_reserved);
}

/**
 * qbd_alloc_reserve() - promise a chunk
 * @alloc: the chunks; there is room, or one is freed in the same breath
 */
void qbd_alloc_reserve(struct qbd_alloc *alloc)
{
	alloc->nr_reserved++;
}

/**
 * qbd_alloc_unreserve() - a promise is void
 * @alloc: the chunks
 */
void qbd_alloc_unreserve(struct qbd_alloc *alloc)
{
	if (QBD_CORE_BUG(!alloc->nr_reserved))
		return;
	alloc->nr_reserved--;
}

/**
 * qbd_alloc_take() - take a chunk for a reservation
 * @alloc: the chunks
 * @phys: the chunk taken
 *
 * Return: 0; -EUCLEAN if there is none, which the reservation rules out.
 */
int qbd_alloc_take(struct qbd_alloc *alloc, u32 *phys)
{
	u64 found;

	if (QBD_CORE_BUG(!alloc->nr_free || !alloc->nr_reserved))
		return -EUCLEAN;
	found = find_next_zero_bit(alloc->used, alloc->nr, alloc->cursor);
	if (found >= alloc->nr)
		found = find_next_zero_bit(alloc->used, alloc->nr, 0);
	if (QBD_CORE_BUG(found >= alloc->nr))
		return -EUCLEAN;
	__set_bit(found, alloc->used);
	alloc->cursor = found + 1;
	alloc->nr_free--;
	alloc->nr_reserved--;
	*phys = (u32)found;
	return 0;
}

/**
 * qbd_alloc_free() - a chunk was unmapped
 * @alloc: the chunks
 * @phys: the chunk; it can be taken again when the checkpoint is durable
 */
void qbd_alloc_free(struct qbd_alloc *alloc, u64 phys)
{
	if (QBD_MUTANT(freed_chunk_reused_early)) {
		__clear_bit(phys, alloc->used);
		alloc->nr_free++;
		alloc->cursor = phys;
		return;
	}
	__set_bit(phys, alloc->freeing);
	alloc->nr_freeing++;
}

/**
 * qbd_alloc_settle() - the checkpoint that unmapped chunks is durable
 * @alloc: the chunks
 * @words: words of the bitmap to look at in this call
 *
 * Return: true if it has to be called again.
 */
bool qbd_alloc_settle(struct qbd_alloc *alloc, u32 words)
{
	u64 end = BITS_TO_LONGS(alloc->nr);

	while (alloc->nr_freeing && alloc->settle < end && words--) {
		u64 at = alloc->settle++;
		unsigned long word = alloc->freeing[at];

		alloc->used[at] &= ~word;
		alloc->freeing[at] = 0;
		alloc->nr_free += hweight64(word);
		alloc->nr_freeing -= hweight64(word);
	}
	if (alloc->nr_freeing && alloc->settle < end)
		return true;
	alloc->settle = 0;
	return false;
}
