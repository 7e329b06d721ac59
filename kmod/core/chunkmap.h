/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of a replica: chunk -> physical chunk and index of its last change.
 *
 * In memory it lies in pages of one block each, handed over by the caller
 * when a chunk is touched first and kept for good; they hold what the map
 * page on the disk has, in host form, and for each chunk what the records
 * need that have not gone home:
 *
 *	pending	records above the last checkpoint that may need a home for the
 *		chunk.  While it is not 0 and there is none that may be
 *		written to, the chunk holds a reservation.
 *	NEW	the checkpoint under way took a physical chunk for it; readers
 *		do not see that before it was filled.
 *	SHARED	the replica's pin has the physical chunk too (see pin.h): who
 *		writes to it takes another one, and so holds a reservation as
 *		if the chunk were not mapped.
 *	COW	with NEW: what readers see is in the chunk that the pin has.
 *
 * In the pages of a shadow (shadow.h) these flags mean something else.
 *
 * The index of the last change stays when a chunk is freed: a replica that
 * was away has to learn of the discard too (S12).
 */
#ifndef QBD_CORE_CHUNKMAP_H
#define QBD_CORE_CHUNKMAP_H

#include "alloc.h"
#include "table.h"

#define QBD_CHUNK_MAPPED BIT(0)
#define QBD_CHUNK_NEW BIT(1)
#define QBD_CHUNK_SHARED BIT(2)
#define QBD_CHUNK_COW BIT(3)
#define QBD_CHUNK_PENDING_SHIFT 8
#define QBD_CHUNK_PENDING_ONE BIT(QBD_CHUNK_PENDING_SHIFT)

/**
 * struct qbd_chunk - a chunk of a replica
 * @last: index of its last change that went home
 * @phys: physical chunk, with QBD_CHUNK_MAPPED or QBD_CHUNK_NEW
 * @state: QBD_CHUNK_* flags, and above them the pending records
 */
struct qbd_chunk {
	u64 last;
	u32 phys;
	u32 state;
};

/**
 * struct qbd_map_page - chunks that share a page
 * @owner: replica id
 * @no: logical page number
 * @nr_chunks: chunks of the shard on this page
 * @reserved: fills the block
 * @chunk: the chunks
 */
struct qbd_map_page {
	u64 owner;
	u32 no;
	u32 nr_chunks;
	u64 reserved[2];
	struct qbd_chunk chunk[QBD_MAP_ENTRIES];
};

static_assert(sizeof(struct qbd_map_page) == QBD_BLOCK_SIZE);

/**
 * qbd_chunk_pending() - records that may need a home for a chunk
 * @chunk: the chunk
 *
 * Return: how many.
 */
static inline u32 qbd_chunk_pending(const struct qbd_chunk *chunk)
{
	return chunk->state >> QBD_CHUNK_PENDING_SHIFT;
}

/**
 * qbd_chunk_has_home() - is there a physical chunk for it?
 * @chunk: the chunk
 *
 * Return: true if so.
 */
static inline bool qbd_chunk_has_home(const struct qbd_chunk *chunk)
{
	return chunk->state & (QBD_CHUNK_MAPPED | QBD_CHUNK_NEW);
}

/**
 * qbd_chunk_wants_home() - does who writes to it need a physical chunk?
 * @chunk: the chunk
 *
 * Return: true if it has none, or one that a pin has too.
 */
static inline bool qbd_chunk_wants_home(const struct qbd_chunk *chunk)
{
	return !qbd_chunk_has_home(chunk) || chunk->state & QBD_CHUNK_SHARED;
}

void qbd_map_page_init(struct qbd_map_page *page, u64 owner, u32 no,
		       u32 nr_chunks);
int __must_check qbd_map_page_decode(struct qbd_map_page *page,
				     struct qbd_alloc *alloc,
				     const struct qbd_disk_map *disk);
void qbd_map_page_encode(const struct qbd_map_page *page, void *block);

void qbd_chunk_pend(struct qbd_chunk *chunk, struct qbd_alloc *alloc);
void qbd_chunk_unpend(struct qbd_chunk *chunk, struct qbd_alloc *alloc);
int __must_check qbd_chunk_fill(struct qbd_chunk *chunk,
				struct qbd_alloc *alloc);
void qbd_chunk_change(struct qbd_chunk *chunk, struct qbd_alloc *alloc,
		      u64 last, bool unmap);
void qbd_chunk_share(struct qbd_chunk *chunk, struct qbd_alloc *alloc);
void qbd_chunk_unshare(struct qbd_chunk *chunk, const struct qbd_chunk *pinned,
		       struct qbd_alloc *alloc);

#endif /* QBD_CORE_CHUNKMAP_H */
