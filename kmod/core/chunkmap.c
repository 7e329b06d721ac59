// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of a replica; see chunkmap.h.
 *
 * What happens to one chunk and one page.  Which chunks a record touches is
 * for slot.c, what a checkpoint makes of them for home.c.
 */
#include "env.h"
#include "chunkmap.h"

/**
 * qbd_map_page_init() - start with no chunk mapped
 * @page: zero-filled
 * @owner: replica id
 * @no: logical page number
 * @nr_chunks: chunks of the shard that are on it
 */
void qbd_map_page_init(struct qbd_map_page *page, u64 owner, u32 no,
		       u32 nr_chunks)
{
	page->owner = owner;
	page->no = no;
	page->nr_chunks = nr_chunks;
}

/**
 * qbd_map_page_decode() - take over what the disk says
 * @page: fresh from qbd_map_page_init()
 * @alloc: learns which chunks are in use
 * @disk: QBD_MAP_ENTRIES entries of a page that was verified
 *
 * Return: 0; -EUCLEAN if they can not be true.
 */
int qbd_map_page_decode(struct qbd_map_page *page, struct qbd_alloc *alloc,
			const struct qbd_disk_map *disk)
{
	u32 i;

	for (i = 0; i < QBD_MAP_ENTRIES; i++) {
		struct qbd_chunk *chunk = &page->chunk[i];
		u32 flags = le32_to_cpu(disk[i].flags);
		int error;

		chunk->last = le64_to_cpu(disk[i].last);
		chunk->phys = le32_to_cpu(disk[i].phys);
		if (flags & ~QBD_MAP_ALL)
			return -EUCLEAN;
		if (i >= page->nr_chunks &&
		    (chunk->last || chunk->phys || flags))
			return -EUCLEAN;
		if (!(flags & QBD_MAP_MAPPED)) {
			if (chunk->phys)
				return -EUCLEAN;
			continue;
		}
		error = qbd_alloc_load(alloc, chunk->phys);
		if (error)
			return error;
		chunk->state = QBD_CHUNK_MAPPED;
	}
	return 0;
}

/**
 * qbd_map_page_encode() - make the entries of a map page on the disk
 * @page: the page
 * @block: all of it is written; the head is left for qbd_meta_seal()
 */
void qbd_map_page_encode(const struct qbd_map_page *page, void *block)
{
	struct qbd_disk_map *disk;
	u32 i;

	memset(block, 0, QBD_BLOCK_SIZE);
	disk = qbd_map_page_entries(block);
	for (i = 0; i < page->nr_chunks; i++) {
		const struct qbd_chunk *chunk = &page->chunk[i];

		disk[i].last = cpu_to_le64(chunk->last);
		if (!(chunk->state & QBD_CHUNK_MAPPED))
			continue;
		disk[i].phys = cpu_to_le32(chunk->phys);
		disk[i].flags = cpu_to_le32(QBD_MAP_MAPPED);
	}
}

/**
 * qbd_chunk_pend() - a record that may need a home for it was accepted
 * @chunk: the chunk
 * @alloc: has room for a reservation if the chunk needs one
 */
void qbd_chunk_pend(struct qbd_chunk *chunk, struct qbd_alloc *alloc)
{
	if (!qbd_chunk_pending(chunk) && qbd_chunk_wants_home(chunk))
		qbd_alloc_reserve(alloc);
	chunk->state += QBD_CHUNK_PENDING_ONE;
}

/**
 * qbd_chunk_unpend() - such a record went home, or was truncated
 * @chunk: the chunk
 * @alloc: takes the reservation back if there was one
 */
void qbd_chunk_unpend(struct qbd_chunk *chunk, struct qbd_alloc *alloc)
{
	if (QBD_CORE_BUG(!qbd_chunk_pending(chunk)))
		return;
	chunk->state -= QBD_CHUNK_PENDING_ONE;
	if (!qbd_chunk_pending(chunk) && qbd_chunk_wants_home(chunk))
		qbd_alloc_unreserve(alloc);
}

/**
 * qbd_chunk_fill() - the checkpoint begins to write to the chunk
 * @chunk: the chunk; a pending record writes to it
 * @alloc: gives it a physical chunk if it has none of its own
 *
 * Return: 0 or a negative errno.
 */
int qbd_chunk_fill(struct qbd_chunk *chunk, struct qbd_alloc *alloc)
{
	int error;

	if (!qbd_chunk_wants_home(chunk) ||
	    (QBD_MUTANT(written_in_place) && qbd_chunk_has_home(chunk)))
		return 0;
	if (QBD_CORE_BUG(!qbd_chunk_pending(chunk)))
		return -EUCLEAN;
	error = qbd_alloc_take(alloc, &chunk->phys);
	if (error)
		return error;
	if (chunk->state & QBD_CHUNK_SHARED) {
		chunk->state &= ~(QBD_CHUNK_SHARED | QBD_CHUNK_MAPPED);
		chunk->state |= QBD_CHUNK_COW;
	}
	chunk->state |= QBD_CHUNK_NEW;
	return 0;
}

/**
 * qbd_chunk_change() - what the checkpoint did to the chunk is home
 * @chunk: the chunk
 * @alloc: the physical chunks
 * @last: index of the last change that the checkpoint took
 * @unmap: the chunk reads as zero: free it
 */
void qbd_chunk_change(struct qbd_chunk *chunk, struct qbd_alloc *alloc,
		      u64 last, bool unmap)
{
	if (!chunk->last || !QBD_MUTANT(map_last_kept))
		chunk->last = last;
	if (chunk->state & QBD_CHUNK_NEW) {
		chunk->state &= ~(QBD_CHUNK_NEW | QBD_CHUNK_COW);
		chunk->state |= QBD_CHUNK_MAPPED;
	}
	if (unmap && QBD_MUTANT(freed_chunk_forgotten))
		chunk->last = 0;
	if (!unmap || !(chunk->state & QBD_CHUNK_MAPPED))
		return;
	chunk->state &= ~QBD_CHUNK_MAPPED;
	/* The pin keeps it, and pending records their reservation. */
	if (chunk->state & QBD_CHUNK_SHARED &&
	    !QBD_MUTANT(pinned_chunk_freed)) {
		chunk->state &= ~QBD_CHUNK_SHARED;
		chunk->phys = 0;
		return;
	}
	/* Later records want it back: what is freed is promised to them. */
	if (qbd_chunk_pending(chunk))
		qbd_alloc_reserve(alloc);
	qbd_alloc_free(alloc, chunk->phys);
	chunk->phys = 0;
}

/**
 * qbd_chunk_share() - a pin takes what the chunk has
 * @chunk: the chunk, not being filled
 * @alloc: has room for a reservation if something is pending
 */
void qbd_chunk_share(struct qbd_chunk *chunk, struct qbd_alloc *alloc)
{
	if (!(chunk->state & QBD_CHUNK_MAPPED))
		return;
	if (qbd_chunk_pending(chunk) && !QBD_MUTANT(pin_unreserved))
		qbd_alloc_reserve(alloc);
	chunk->state |= QBD_CHUNK_SHARED;
}

/**
 * qbd_chunk_unshare() - a pin lets go of what it has of a chunk
 * @chunk: the chunk, not being filled
 * @pinned: the chunk as it was when the pin was taken
 * @alloc: the physical chunks
 */
void qbd_chunk_unshare(struct qbd_chunk *chunk, const struct qbd_chunk *pinned,
		       struct qbd_alloc *alloc)
{
	if (!(pinned->state & QBD_CHUNK_MAPPED))
		return;
	if (!(chunk->state & QBD_CHUNK_SHARED)) {
		qbd_alloc_free(alloc, pinned->phys);
		return;
	}
	chunk->state &= ~QBD_CHUNK_SHARED;
	if (qbd_chunk_pending(chunk))
		qbd_alloc_unreserve(alloc);
}
