/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounds of a store: each with its unit and its reason.
 */
#ifndef QBD_CORE_STORE_LIMITS_H
#define QBD_CORE_STORE_LIMITS_H

#include "env.h"

/* Replicas of one store. Some loops under the lock visit them all. */
#define QBD_STORE_REPLICAS_MAX 512U

/*
 * Records in the log index, and segments: 104 and 32 bytes each, so at most
 * 13 MiB of memory per store, with the extents of the overlays.
 */
#define QBD_STORE_RECS_MAX 65536U

/*
 * Blocks of the range of one DISCARD or ZERO record (64 MiB): bounds the map
 * entries and extents that one call visits.
 */
#define QBD_RANGE_BLOCKS_MAX 16384U

/*
 * Records, extents or chunks that one call of the checkpoint handles before
 * it returns QBD_CKPT_MORE: some 10 to 50 microseconds under a spinlock.
 */
#define QBD_STORE_STEP 64U

/* Words of the chunk bitmap that one call of the checkpoint handles. */
#define QBD_STORE_STEP_WORDS 4096U

/*
 * Map pages that one record may need: a range of QBD_RANGE_BLOCKS_MAX blocks
 * in the smallest chunks touches 1025 of them, on six pages.
 */
#define QBD_STORE_SPARE_PAGES 6U

/*
 * Blocks of a chunk, log2: 64 KiB to 1 MiB, which one message can carry, and
 * whose digests one block holds.
 */
#define QBD_CHUNK_SHIFT_MIN 4U
#define QBD_CHUNK_SHIFT_MAX 8U

/* Blocks of the smallest log that there may be: tests use it. */
#define QBD_WAL_BLOCKS_MIN 256U

/*
 * Blocks of the smallest log that is made or opened: a record of 1 MiB has to
 * fit into a segment of it, or each write of that size would fail its replica.
 */
#define QBD_STORE_LOG_BLOCKS_MIN (16U * QBD_REC_BLOCKS_MAX)

/* Metadata pages that are under way at once: 64 KiB of buffers. */
#define QBD_STORE_META_BUFS 16U

/*
 * CONFIG records of one replica that have not gone home: a joint step, its
 * end, and an abort. One step at a time is the protocol's rule (S6).
 */
#define QBD_STORE_CONFIGS 3U

#endif /* QBD_CORE_STORE_LIMITS_H */
