/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every bound of the kernel shell: each with its unit and its reason.
 *
 * One block per part, kept by those who work on that part.  The bounds of the
 * pure core are in core/store_limits.h and its siblings, those of the formats
 * in the uapi headers.
 */
#ifndef QBD_LIMITS_H
#define QBD_LIMITS_H

#include <linux/sizes.h>
#include <linux/qbd_wal.h>

/* --- payload pages (pages.c) ------------------------------------------- */

/* Pages of one payload: the largest record. A page is a block (x86-64). */
#define QBD_PAYLOAD_PAGES_MAX QBD_REC_BLOCKS_MAX

/* Payloads up to this many pages come from the small slab (16 KiB writes). */
#define QBD_PAYLOAD_PAGES_SMALL 4U

/*
 * Pages that a node allocates when it starts and keeps: 16 MiB. The write
 * path lives on these alone when the allocator has nothing to give.
 */
#define QBD_POOL_RESERVE_PAGES 4096U

/* Most pages that a node may own, as a share of all memory: an eighth. */
#define QBD_POOL_MAX_SHIFT 3

/* Payload objects kept in reserve: small ones, and full-size ones. */
#define QBD_POOL_SMALL_MIN 1024
#define QBD_POOL_LARGE_MIN 16

/* Free pages that a CPU keeps for itself: two 128 KiB writes. */
#define QBD_POOL_CPU_FREE 64U

/*
 * Pages that a CPU's limbo holds: released, but a socket still has a
 * reference. 1 MiB, about one send buffer; what does not fit is given back.
 */
#define QBD_POOL_CPU_LIMBO 256U

/* How often limbos are looked at while somebody waits for pages. */
#define QBD_POOL_LIMBO_MS 10U

/* --- stores (store.c and what it drives) ------------------------------- */

/* Stores of one node: more disks than a chassis has. */
#define QBD_STORES_MAX 64U

/* Longest path of a store's device, with its end. */
#define QBD_STORE_PATH_MAX 256

/*
 * How long a log or checkpoint I/O may take before the store counts as
 * failed. The bios are still waited for: the device may yet write to memory.
 */
#define QBD_STORE_IO_TIMEOUT_MS 30000U

/* How long the log is idle before a seal proves its last segment. */
#define QBD_STORE_SEAL_MS 20U

/* How long a checkpoint that is not urgent waits for company. */
#define QBD_STORE_CKPT_IDLE_MS 1000U

/* I/Os of a checkpoint under way at once: enough for a disk's queue. */
#define QBD_STORE_CKPT_DEPTH 32U

/* Pages of records that need reading back during one checkpoint I/O. */
#define QBD_STORE_COPY_PAGES QBD_REC_BLOCKS_MAX

/*
 * Payload pages of one store's durable records kept in memory: 32 MiB. The
 * oldest beyond that are dropped, and read back from the log if needed.
 */
#define QBD_STORE_RAM_PAGES 8192U

/* Payloads dropped or released with the lock held once. */
#define QBD_STORE_BATCH 64U

/* Reads of a store under way at once from its reserve alone. */
#define QBD_STORE_READS_MIN 64

/* Pieces of one read that are looked up with the lock held once. */
#define QBD_STORE_READ_PIECES 16U

/* A read that finds its log records gone starts over at most this often. */
#define QBD_STORE_READ_RETRIES 8U

/* Bios kept in reserve: a segment takes at most six, then the checkpoint's. */
#define QBD_STORE_BIOS_MIN 64

#endif /* QBD_LIMITS_H */
