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
 * Pages that a node allocates when it starts and keeps: 16 MiB for its own
 * writes, 16 MiB for what peers send, and four of the longest records for each
 * other use. The write path lives on these alone when the allocator has nothing
 * to give.
 */
#define QBD_POOL_LOCAL_RESERVE_PAGES 4096U
#define QBD_POOL_PEER_RESERVE_PAGES 4096U
#define QBD_POOL_OTHER_RESERVE_PAGES (4 * QBD_PAYLOAD_PAGES_MAX)

/* Most pages of a pool, as a share of all memory: a sixteenth. */
#define QBD_POOL_MAX_SHIFT 4

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

/* Longest reason why a store failed, with its end. */
#define QBD_STORE_WHY_MAX 96

/*
 * How long a log or checkpoint I/O may take before the store counts as
 * failed. The bios are still waited for: the device may yet write to memory.
 */
#define QBD_STORE_IO_TIMEOUT_MS 30000U

/* Messages of resyncs at work at once, for all replicas of a store. */
#define QBD_COPY_JOBS_MAX 64

/* A resync that makes way for a writer may wake so much later. */
#define QBD_COPY_PACE_SLACK_US 500U

/* Chunks of a map that are looked at under the store's lock for one MAP. */
#define QBD_COPY_MAP_LOOKS 1024U

/* Blocks that open and replay read at once: 1 MiB. */
#define QBD_STORE_OPEN_BLOCKS 256U

/* How long the log is idle before a seal proves its last segment. */
#define QBD_STORE_SEAL_MS 20U

/* How long a checkpoint that is not urgent waits for company. */
#define QBD_STORE_CKPT_SOON_MS 1000U

/* I/Os of a checkpoint under way at once: enough for a disk's queue. */
#define QBD_STORE_CKPT_DEPTH 32U

/* Pages of records that need reading back during one checkpoint I/O. */
#define QBD_STORE_COPY_PAGES QBD_REC_BLOCKS_MAX

/*
 * Payload pages of one store's durable records kept in memory: 32 MiB. The
 * oldest beyond that are dropped, and read back from the log if needed.
 */
#define QBD_STORE_RAM_PAGES 8192U

/*
 * Map pages kept in reserve beside the core's own: 4 GiB of chunks of 256 KiB
 * that may be touched for the first time while the kernel has no memory.
 */
#define QBD_STORE_SPARE_MAP_PAGES 64U

/* Payloads dropped or released with the lock held once. */
#define QBD_STORE_BATCH 64U

/* Pieces of one read that are looked up with the lock held once. */
#define QBD_STORE_READ_PIECES 8U

/* A read that finds its log records gone starts over at most this often. */
#define QBD_STORE_READ_RETRIES 8U

/* Bios kept in reserve: a segment takes at most six, then the checkpoint's. */
#define QBD_STORE_BIOS_MIN 64

/* --- device shell: nodes, volumes, shards ------------------------------ */

/* Longest lease that a node asks for or grants: default, least, most. */
#define QBD_LEASE_MS_DEFAULT 1500U
#define QBD_LEASE_MS_MIN 100U
#define QBD_LEASE_MS_MAX 60000U

/* Ticks of a node in one lease: a busy shard looks at its timers so often. */
#define QBD_LEASE_TICKS 8U

/* Size of a shard, log2 of bytes: 64 MiB to 64 GiB. */
#define QBD_SHARD_SHIFT_MIN 26U
#define QBD_SHARD_SHIFT_MAX 36U

/* Requests of a volume that the block layer may give us at once. */
#define QBD_VOLUME_TAGS 256U

/* Hardware queues: one CPU's worth of dispatch each, no state behind them. */
#define QBD_VOLUME_QUEUES_MAX 8U

/* Largest request: one record. */
#define QBD_REQUEST_BYTES_MAX (QBD_REC_BLOCKS_MAX * QBD_BLOCK_SIZE)

/* Atomic writes of at least this size are promised (P4). */
#define QBD_ATOMIC_BYTES_PROMISED SZ_64K

/* Segments of a request: below this 1 MiB would not be atomic (kernel limit).
 */
#define QBD_REQUEST_SEGMENTS_MAX 256U

/* How long I/O without a quorum waits if it is to fail: default and most. */
#define QBD_NO_QUORUM_MS_DEFAULT 30000U
#define QBD_NO_QUORUM_MS_MAX (24 * 3600 * 1000U)

/* Requests and arrays of bio_vec for large reads, kept in reserve. */
#define QBD_REQUESTS_MIN 256
#define QBD_REQUEST_BVECS_MIN 8

/* Pages of a read that need no array of bio_vec of their own. */
#define QBD_REQUEST_BVECS_INLINE 4U

/*
 * Records in a leader's ring, and their payload. Half of it may be in flight,
 * the rest is what the members that are behind still need.
 */
#define QBD_LEADER_RECORDS 1024U
#define QBD_LEADER_BYTES (16U << 20)

/* Reads that a leader has in flight: no more than tags. */
#define QBD_LEADER_READS QBD_VOLUME_TAGS

/* What a replica lets a leader send ahead of its acks. */
#define QBD_REPLICA_RECORDS 512U
#define QBD_REPLICA_BYTES (16U << 20)

/* An OPEN, probe, FETCH or READ without answer is repeated after so long. */
#define QBD_LEADER_RETRY_MS 500U

/* Recovery without progress for so long asks for a new term (V6). */
#define QBD_LEADER_RECOVER_MS 10000U

/*
 * Actions in one block of a shard's queue: four pages. So there is room for a
 * step beside what another one said that is not all carried out: to send a
 * record to the replica on the leader's own node is such a step, in each write.
 */
#define QBD_PUMP_ACTIONS 53U

/* Blocks of actions kept in reserve beside the one that each shard has. */
#define QBD_PUMP_BLOCKS_MIN 32

/* Actions that one caller carries out before a worker takes over. */
#define QBD_PUMP_BATCH 256U

/* Log actions that wait for room in their store, kept in reserve. */
#define QBD_LOG_WAITS_MIN 256

/* Reads for other nodes that are described at once, kept in reserve. */
#define QBD_SERVES_MIN 16

/* Records on their way from the log to other replicas, kept in reserve. */
#define QBD_LOG_SENDS_MIN 128

/*
 * And at most, for one shard: what the four targets of a replica may have asked
 * for at once, each with one request ahead of what has arrived.
 */
#define QBD_LOG_SENDS_MAX (QBD_REPLICA_FILLS * 2 * QBD_FETCH_RECORDS_MAX)

/* --- peers and connections --------------------------------------------- */

/* Peers of a node: as many as a cluster has nodes. */
#define QBD_PEERS_MAX 1024U

/*
 * Links to one peer: default and most. A few, so that one stream's lock and
 * window do not serialize all volumes; not more, because sockets cost memory
 * and a thousand peers have them all.
 */
#define QBD_LINKS_DEFAULT 2U
#define QBD_LINKS_MAX 8U

/* Longest reason why a connection ended, with its end. */
#define QBD_CONN_WHY_MAX 96

/* How long a new connection waits for the peer's HELLO. */
#define QBD_CONN_HELLO_MS 5000U

/* A connection that is silent for so many leases, and so long, is dead. */
#define QBD_CONN_SILENT_LEASES 3U
#define QBD_CONN_SILENT_MS 3000U

/*
 * What waits to be sent on one connection. Windows bound each shard; this
 * bounds all of them together: a connection that falls behind so far ends.
 */
#define QBD_CONN_QUEUE_MSGS 65536U
#define QBD_CONN_QUEUE_BYTES (256U << 20)

/* Messages to be sent, kept in reserve for all connections. */
#define QBD_CONN_OUTS_MIN 1024

/* Of these a connection may have so many; if more are wanted then, it ends. */
#define QBD_CONN_OUTS_SHARE (QBD_CONN_OUTS_MIN / 4)

/* Messages that one turn of a worker sends, or receives. */
#define QBD_CONN_BATCH 64U

/*
 * Bytes in a socket's send buffer: what a slow peer can pin beyond its
 * window. 4 MiB are 3 ms at 10 Gbit/s.
 */
#define QBD_TCP_SNDBUF (4U << 20)

/* Messages under way from one end of a loop connection to the other. */
#define QBD_LOOP_FLIGHT 1024U

#endif /* QBD_LIMITS_H */
