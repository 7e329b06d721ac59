/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Physical chunks: which are in use, which are promised.
 *
 * A chunk is in use from the moment that a checkpoint, or a shadow, takes it
 * until a checkpoint is durable after it was freed: before that the map on the
 * disk may still lead to its contents.
 *
 * RESERVATIONS.  A record is accepted only with a home for it.  A chunk of a
 * replica that pending records write to, and that is not mapped or shared with
 * a pin, holds one reservation, however many these are (see chunkmap.h).
 * Invariant:
 *
 *	reserved <= free + freeing
 *
 * and what a checkpoint unmapped is free when the next one takes chunks.  So
 * taking a chunk for a reservation never fails.
 */
#ifndef QBD_CORE_ALLOC_H
#define QBD_CORE_ALLOC_H

#include "env.h"

/**
 * struct qbd_alloc - physical chunks of a store
 * @used: bitmap of chunks in use
 * @freeing: bitmap of chunks that are free with the next checkpoint
 * @nr: chunks
 * @nr_free: not in use
 * @nr_reserved: reservations
 * @nr_freeing: bits in @freeing
 * @cursor: where the search for a free chunk goes on
 * @settle: next word of @freeing that qbd_alloc_settle() looks at
 */
struct qbd_alloc {
	unsigned long *used;
	unsigned long *freeing;
	u64 nr;
	u64 nr_free;
	u64 nr_reserved;
	u64 nr_freeing;
	u64 cursor;
	u64 settle;
};

size_t qbd_alloc_mem_bytes(u64 nr);
void qbd_alloc_init(struct qbd_alloc *alloc, u64 nr, void *mem);
int __must_check qbd_alloc_load(struct qbd_alloc *alloc, u64 phys);

u64 qbd_alloc_room(const struct qbd_alloc *alloc);
void qbd_alloc_reserve(struct qbd_alloc *alloc);
void qbd_alloc_unreserve(struct qbd_alloc *alloc);
int __must_check qbd_alloc_take(struct qbd_alloc *alloc, u32 *phys);
void qbd_alloc_free(struct qbd_alloc *alloc, u64 phys);
bool qbd_alloc_settle(struct qbd_alloc *alloc, u32 words);

#endif /* QBD_CORE_ALLOC_H */
