/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Payload pages: where the bytes of a write live from queue_rq to the log,
 * the wires and home.
 *
 * A write's bytes are copied once, into a payload: a counted object with
 * pages of order 0, one per block.  From its CRC on a page is immutable, and
 * it stays so until nobody else has a reference: sockets splice the page
 * itself, give no sign when they are done with it, and over veth or loopback
 * it sits in the peer's receive queue even after the ACK.  So when the last
 * reference of a payload goes, each of its pages is asked for its reference
 * count.  Alone (1): it is free, for the next write.  Not alone: it goes into
 * a limbo, a bounded FIFO per CPU, and is asked again when pages are needed;
 * what does not fit there is given back to the kernel and replaced.  Bios hold
 * the payload, not just the page.
 *
 * A pool allocates a reserve when it is made and keeps it.  Beyond that it
 * grows on demand, never waiting, up to a bound.  Nothing here sleeps but
 * qbd_pools_init(), qbd_pools_destroy() and the refill work.  What finds no
 * pages queues a waiter.
 *
 * A node has one pool for each thing that its payloads wait for, so that what
 * waits for others never has the pages that the others wait for:
 *
 * - LOCAL: writes and reads of this node. They wait for peers, for a quorum.
 * - PEER: what peers send: appends, fills, bytes of reads. Records wait for
 *   this node's disks alone. Were it taken from LOCAL: A's writes have all
 *   pages of A and wait for B, whose writes have all pages of B and wait for
 *   A. Neither receives, memory reclaim on both waits for these very writes,
 *   and nothing ever moves again. Bytes of reads are the exception: where an
 *   uncompleted write overlaps them the leader keeps them until that is
 *   committed, so that enough of them, which takes a leader without a good
 *   copy of its own, hold back the acks that they wait for.
 * - SEND: what is read here for peers. It waits for them to receive. Writes
 *   that wait for a quorum must not keep the copy that lacks it from the
 *   records that it lacks.
 * - FETCH: records that the newest version of a block is looked for in. They
 *   wait for this node's disks alone, and reads that have pages of LOCAL for
 *   what they read wait for them.
 * - RELOG: records read back from the log to be logged again at its head. They
 *   wait for the log, which waits for them when it is full: an append that
 *   waits for room in the log has pages of PEER.
 */
#ifndef QBD_PAGES_H
#define QBD_PAGES_H

#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include "limits.h"

struct qbd_pool_cpu;
struct qbd_pool_stats;
struct qbd_pools;

/**
 * enum qbd_pool_kind - what the pages of a pool are for
 * @QBD_POOL_LOCAL: writes and reads of this node
 * @QBD_POOL_PEER: what peers send
 * @QBD_POOL_SEND: what is read for peers
 * @QBD_POOL_FETCH: records of the log that a read needs a part of
 * @QBD_POOL_RELOG: records that are logged again
 * @QBD_NR_POOLS: how many there are
 */
enum qbd_pool_kind {
	QBD_POOL_LOCAL,
	QBD_POOL_PEER,
	QBD_POOL_SEND,
	QBD_POOL_FETCH,
	QBD_POOL_RELOG,
	QBD_NR_POOLS,
};

/**
 * struct qbd_payload - the bytes of a record in memory
 * @refs: references: the log's record, each message, each I/O
 * @nr_pages: pages in use, one per block
 * @small: it is of the small kind
 * @crc: CRC32C of all of it (qbd_payload_crc() of the core), set by its maker
 * @pool: where it came from
 * @page: the pages
 */
struct qbd_payload {
	refcount_t refs;
	u16 nr_pages;
	bool small;
	u32 crc;
	struct qbd_pool *pool;
	struct page *page[];
};

/**
 * struct qbd_pool_waiter - somebody who waits for pages
 * @entry: in the pool's list, empty when not waiting
 * @wake: called once, in any context, with the pool's lock held: queue work
 *	that tries again, or run a hardware queue asynchronously
 */
struct qbd_pool_waiter {
	struct list_head entry;
	void (*wake)(struct qbd_pool_waiter *waiter);
};

/**
 * struct qbd_pool_giver - somebody who keeps payloads that he can do without
 * @entry: in the pools' list
 * @give: called when an allocation from @pool failed, in any context, with the
 *	pools' lock held: set a flag, wake a thread that releases what it can
 */
struct qbd_pool_giver {
	struct list_head entry;
	void (*give)(struct qbd_pool_giver *giver, const struct qbd_pool *pool);
};

/**
 * struct qbd_pool - payload pages for one kind of use
 * @pools: those of the node [const]
 * @lock: rank POOL
 * @free: pages that wait for use [lock]
 * @nr_free: how many [lock; READ_ONCE ok]
 * @waiters: who waits for pages [lock]
 * @cpu: each CPU's free pages and limbo [percpu]
 * @stats: counters [percpu]
 * @owned: pages free, in limbo, in payloads [atomic]
 * @reserve: pages owned at least [const]
 * @max: pages owned at most [const]
 * @small: payload objects of QBD_PAYLOAD_PAGES_SMALL pages [atomic]
 * @large: payload objects of QBD_PAYLOAD_PAGES_MAX pages [atomic]
 * @limbo_timer: looks at limbos while somebody waits [atomic]
 * @refill: makes good what was given back below the reserve [atomic]
 */
struct qbd_pool {
	struct qbd_pools *pools;
	spinlock_t lock; /* rank POOL */
	struct list_head free;
	u32 nr_free;
	struct list_head waiters;
	struct qbd_pool_cpu __percpu *cpu;
	struct qbd_pool_stats __percpu *stats;
	atomic_t owned;
	u32 reserve;
	u32 max;
	mempool_t small;
	mempool_t large;
	struct timer_list limbo_timer;
	struct work_struct refill;
};

/**
 * struct qbd_pools - all payload pages of a node
 * @pool: by enum qbd_pool_kind [own locks]
 * @lock: rank POOL; never held together with that of a pool
 * @givers: who is asked for pages if one of them has none [lock]
 */
struct qbd_pools {
	struct qbd_pool pool[QBD_NR_POOLS];
	spinlock_t lock; /* rank POOL */
	struct list_head givers;
};

/**
 * struct qbd_pool_counts - what became of the pages of a pool
 * @recycled: pages handed out that were free
 * @from_limbo: of these, pages that came out of a limbo
 * @fresh: pages handed out that the kernel had to allocate
 * @to_limbo: pages released while somebody else had a reference
 * @overflow: pages given back because a limbo was full
 * @exhausted: allocations that failed
 * @owned: pages owned now
 * @free: of these, in the common list
 */
struct qbd_pool_counts {
	u64 recycled;
	u64 from_limbo;
	u64 fresh;
	u64 to_limbo;
	u64 overflow;
	u64 exhausted;
	u32 owned;
	u32 free;
};

int qbd_pools_init(struct qbd_pools *pools);
void qbd_pools_destroy(struct qbd_pools *pools);
void qbd_pool_counts_get(const struct qbd_pool *pool,
			 struct qbd_pool_counts *counts);

void qbd_pool_wait(struct qbd_pool *pool, struct qbd_pool_waiter *waiter);
void qbd_pool_wait_cancel(struct qbd_pool *pool,
			  struct qbd_pool_waiter *waiter);

void qbd_pool_giver_add(struct qbd_pools *pools, struct qbd_pool_giver *giver);
void qbd_pool_giver_del(struct qbd_pools *pools, struct qbd_pool_giver *giver);

struct qbd_payload *qbd_payload_alloc(struct qbd_pool *pool, u32 nr_pages);
struct qbd_payload *qbd_payload_get(struct qbd_payload *payload);
void qbd_payload_put(struct qbd_payload *payload);
int qbd_payload_verify(const struct qbd_payload *payload, u32 blocks, u32 crc);

#endif /* QBD_PAGES_H */
