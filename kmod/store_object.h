/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a store is made of; for the files of the store's shell only (see
 * store.h for who does what).
 *
 * HOME READS AND CHECKPOINTS.  A read that was told "at home" must have ended
 * before a checkpoint overwrites that place.  Each such read counts, from the
 * lookup on and under store->lock, in one of two counters; a checkpoint flips
 * which one, and waits for the other one to become 0.  The end of a read may
 * be in any context, so this is no SRCU.
 */
#ifndef QBD_STORE_OBJECT_H
#define QBD_STORE_OBJECT_H

#include <linux/mutex.h>
#include <linux/wait.h>
#include "apply.h"
#include "backend.h"
#include "core/pace.h"
#include "locking.h"
#include "store.h"

/**
 * struct qbd_wal_event - an upcall that waits for the lock to be dropped
 * @user: whom to tell, referenced
 * @desc: of which record
 * @more: a later one of this owner says more
 */
struct qbd_wal_event {
	struct qbd_store_user *user;
	struct qbd_desc desc;
	bool more;
};

/**
 * struct qbd_wal - group commit of a store
 * @thread: writes segments; NULL unless it runs
 * @wait: what it waits on
 * @kicked: there may be work for it
 * @ended: the group of bios has ended
 * @told: users know that nothing will be persisted any more
 * @header: one block for the header of a segment
 * @plan: the segment under way
 * @payload: of its records, NULL for those without
 * @group: its bios
 * @nr_events: upcalls in @event
 * @event: upcalls of the segment that was written
 *
 * All but @wait, @kicked and @ended are the thread's own.
 */
struct qbd_wal {
	struct task_struct *thread;
	wait_queue_head_t wait;
	bool kicked;
	bool ended;
	bool told;
	void *header;
	struct qbd_seg_plan plan;
	struct qbd_payload *payload[QBD_SEG_DESCS];
	struct qbd_bio_group group;
	u32 nr_events;
	struct qbd_wal_event event[QBD_SEG_DESCS];
};

/**
 * struct qbd_ram - payloads of durable records in memory, oldest first
 * @fifo: record ids; may name records that have no payload any more
 * @mask: size of @fifo, a power of two, less one
 * @first: counts ids taken out
 * @end: counts ids put in
 * @pages: payload pages that the core holds cookies of
 * @dropped: payloads dropped so far
 */
struct qbd_ram {
	u32 *fifo;
	u32 mask;
	u64 first;
	u64 end;
	u32 pages;
	u64 dropped;
};

/**
 * struct qbd_spare - map pages in reserve
 * @page: free pages, linked by their first word
 * @nr: how many
 */
struct qbd_spare {
	void *page;
	u32 nr;
};

/**
 * struct qbd_store - a store; see store.h
 * @lock: rank STORE: the core and all that says so below
 * @entry: in the node's list [stores->lock]
 * @stores: the node's stores [const]
 * @id: number, for names of threads [const]
 * @refs: see store.h [atomic]
 * @dev: the device [const]
 * @path: of the device [const]
 * @options: what the administrator asked for [const]
 * @state: where it is in its life [lock; READ_ONCE ok]
 * @visited: states it has been in, a bit each [lock]
 * @reported: states that were reported, a bit each [owner: report_work]
 * @space: how full it is [lock]
 * @space_told: what was reported of that [owner: report_work]
 * @error: why it is FAILED [lock; READ_ONCE ok]
 * @why: the same for people [lock]
 * @uuid: of the store [stores->lock; const once @identified]
 * @identified: @uuid is known [stores->lock]
 * @stop_wanted: it is to become CLOSED [lock]
 * @opened: opening has been tried [owner: ctl_work]
 * @clean: it had been closed in order [lock]
 * @ctl_work: opens and closes [atomic]
 * @report_work: reports states [atomic]
 * @free_work: the last part of the last put [atomic]
 * @backend: the device [const from open to close]
 * @core: the mind; NULL before replay and after close [lock]
 * @core_mem: what @core lives in [owner: ctl_work]
 * @user: owner of each replica, by slot [lock]
 * @ram: payloads in memory [lock]
 * @spare: map pages in reserve [lock]
 * @wal: group commit [see there]
 * @apply: checkpoints [see there]
 * @giver: how the pool asks for pages back [const]
 * @reads: reads under way [atomic]
 * @copies: of these, messages of resyncs at work [atomic]
 * @pace: how fast those may go [lock]
 * @reads_wait: woken when there are none [atomic]
 * @home_reads: reads of home, by @home_side [atomic]
 * @home_side: which of @home_reads new reads count in [lock]
 * @home_wait: woken when one of @home_reads is 0 [atomic]
 * @grace: held by who waits for that: only one may flip @home_side
 */
struct qbd_store {
	spinlock_t lock; /* rank STORE */
	struct list_head entry;
	struct qbd_stores *stores;
	u32 id;
	refcount_t refs;
	dev_t dev;
	char path[QBD_STORE_PATH_MAX];
	struct qbd_store_options options;
	enum qbd_kstore_state state;
	u32 visited;
	u32 reported;
	enum qbd_space space;
	enum qbd_space space_told;
	int error;
	char why[QBD_STORE_WHY_MAX];
	uuid_t uuid;
	bool identified;
	bool stop_wanted;
	bool opened;
	bool clean;
	struct work_struct ctl_work;
	struct work_struct report_work;
	struct work_struct free_work;
	struct qbd_backend backend;
	struct qbd_store_core *core;
	void *core_mem;
	struct qbd_store_user *user[QBD_STORE_REPLICAS_MAX];
	struct qbd_ram ram;
	struct qbd_spare spare;
	struct qbd_wal wal;
	struct qbd_apply apply;
	struct qbd_pool_giver giver;
	atomic_t reads;
	atomic_t copies;
	struct qbd_pace pace;
	wait_queue_head_t reads_wait;
	atomic_t home_reads[2];
	u32 home_side;
	wait_queue_head_t home_wait;
	struct mutex grace; /* not held with a spinlock */
};

/**
 * qbd_wait_settle() - those who woke @wait have let go of it
 * @wait: all that one waits for there has come
 *
 * Ends of bios set what is waited for under the wait queue's own lock: who
 * takes that lock once after the wait knows that the memory is his again.
 */
static inline void qbd_wait_settle(wait_queue_head_t *wait)
{
	spin_lock_irq(&wait->lock);
	spin_unlock_irq(&wait->lock);
}

/* store.c */
extern struct workqueue_struct *qbd_kstore_read_wq;
bool __qbd_kstore_state_set(struct qbd_store *store,
			    enum qbd_kstore_state state);
bool qbd_kstore_state_set(struct qbd_store *store, enum qbd_kstore_state state);
__printf(3, 4) void qbd_kstore_fail(struct qbd_store *store, int error,
				    const char *why, ...);
void __qbd_kstore_space(struct qbd_store *store);
bool qbd_kstore_dead(const struct qbd_store *store);
int qbd_kstore_identify(struct qbd_store *store, const uuid_t *uuid);

/* store_mem.c: payloads and map pages that the core holds */
int qbd_kstore_mem_init(struct qbd_store *store);
void qbd_kstore_mem_destroy(struct qbd_store *store);
void __qbd_kstore_payload_added(struct qbd_store *store, u32 nr_pages);
void __qbd_kstore_payload_durable(struct qbd_store *store, u32 rec);
void qbd_kstore_payloads_release(struct qbd_store *store);
bool qbd_kstore_payloads_drop(struct qbd_store *store, u32 keep_pages);
u32 qbd_kstore_ram_bound(const struct qbd_store *store);
void __qbd_kstore_pages_give(struct qbd_store *store);
void qbd_kstore_spare_fill(struct qbd_store *store);
void qbd_kstore_pin_fill(struct qbd_store *store);
void qbd_kstore_pages_drop(struct qbd_store *store);

/* store_replica.c */
int __qbd_kstore_ready(struct qbd_store *store);

/* recover.c */
int qbd_recover_run(struct qbd_store *store, bool *must_checkpoint);

/* wal.c, wal_io.c */
int qbd_wal_start(struct qbd_store *store);
void qbd_wal_stop(struct qbd_store *store);
void qbd_wal_kick(struct qbd_store *store);
void qbd_wal_write(struct qbd_store *store);
void qbd_wal_read(struct qbd_bio_group *group, const struct qbd_extent *extent,
		  u32 nr_extents, struct qbd_payload *payload);
int qbd_payload_crc_check(const struct qbd_payload *payload, u32 blocks,
			  u32 crc);

/* store_read.c */
bool qbd_read_enter(struct qbd_store *store);
void qbd_read_leave(struct qbd_store *store, bool counted);

/* store_fetch.c */
void qbd_fetch_init(struct qbd_store_fetch *fetch, struct qbd_store *store,
		    enum qbd_pool_kind kind, work_func_t fn);
void __qbd_fetch_set(struct qbd_store_fetch *fetch, const struct qbd_rec *rec);
bool qbd_fetch_start(struct qbd_store_fetch *fetch);
int qbd_fetch_end(struct qbd_store_fetch *fetch);

#endif /* QBD_STORE_OBJECT_H */
