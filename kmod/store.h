/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store in the kernel: a block device, the core that knows what is on it,
 * and the threads that do what the core decides.
 *
 * The core's calls are qbd_store_*(core), those of this shell are
 * qbd_kstore_*(store).  Replicas are named by their slot, which is good from
 * the replica's creation (or the store's open) until its deletion is durable.
 *
 *	backend.c	the device
 *	store.c		life, state, lookup
 *	store_replica.c	what shards do with their replica's log
 *	wal.c wal_io.c	group commit: one thread per store
 *	apply.c		checkpoint: one thread per store
 *	recover.c	open and replay
 *	store_mem.c	payloads and map pages that the core holds
 *	store_read.c	reads of blocks
 *	store_fetch.c	reads of log records
 *
 * CONTEXT.  store->lock has rank STORE: taken after a shard's lock, in
 * process context, never held over I/O.  Callbacks of struct
 * qbd_store_user_ops come from the store's threads with no lock held.
 *
 * LIFE.  One table of states, one setter (store.c).  qbd_kstore_open() only
 * starts; a work item on the queue without WQ_MEM_RECLAIM opens the device,
 * replays, and later closes.  qbd_kstore_stop() goes to CLOSED over a last
 * checkpoint; qbd_kstore_crash() is FAILED at once, nothing is written any
 * more, then CLOSED.  A failed log write or checkpoint is FAILED, for good,
 * until somebody stops the store.
 *
 * WHO HOLDS A REFERENCE.  The node's list, from open to CLOSED; the control
 * work while it is queued; each read under way; whoever called
 * qbd_kstore_find() or was handed the store.  The threads have none: they
 * are stopped before the list's reference goes.
 */
#ifndef QBD_STORE_H
#define QBD_STORE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "backend.h"
#include "core/space.h"
#include "core/store.h"
#include "limits.h"
#include "pages.h"
#include "store_read.h"

struct qbd_store;
struct qbd_store_user;

/**
 * enum qbd_kstore_state - where a store is in its life
 * @QBD_STORE_OPENING: the device is being opened and its superblock read
 * @QBD_STORE_REPLAY: metadata and log are being read
 * @QBD_STORE_ACTIVE: takes records and reads
 * @QBD_STORE_CLOSING: makes its last checkpoint
 * @QBD_STORE_FAILED: neither reads nor writes any more; see qbd_store->error
 * @QBD_STORE_CLOSED: the device is closed, the object is about to go
 * @QBD_STORE_STATES: how many there are
 */
enum qbd_kstore_state {
	QBD_STORE_OPENING,
	QBD_STORE_REPLAY,
	QBD_STORE_ACTIVE,
	QBD_STORE_CLOSING,
	QBD_STORE_FAILED,
	QBD_STORE_CLOSED,
	QBD_STORE_STATES,
};

/**
 * struct qbd_stores_ops - how stores report to their node
 * @state: a store is in a new state; store->error and store->why say more
 *	when it is FAILED. Context: process, no locks, in the order of the
 *	changes; may sleep, not for long: the store's life waits.
 * @space: an ACTIVE store has run full, or has room again: @room of its
 *	@chunks are neither in use nor promised. Context: as @state.
 */
struct qbd_stores_ops {
	void (*state)(struct qbd_store *store, enum qbd_kstore_state state);
	void (*space)(struct qbd_store *store, enum qbd_space space, u64 room,
		      u64 chunks);
};

/**
 * struct qbd_stores - the stores of a node; a member of struct qbd_node
 * @lock: rank STORES
 * @list: all stores that are not CLOSED [lock]
 * @nr: how many [lock]
 * @next_id: number of the next store opened, for names of threads [lock]
 * @wait: woken when a store leaves the list [atomic]
 * @ops: how to report; may be NULL [const]
 * @pools: payload pages of the node [const]
 * @node: node id [const]
 */
struct qbd_stores {
	spinlock_t lock; /* rank STORES */
	struct list_head list;
	u32 nr;
	u32 next_id;
	wait_queue_head_t wait;
	const struct qbd_stores_ops *ops;
	struct qbd_pools *pools;
	u32 node;
};

/**
 * struct qbd_store_options - which store to open
 * @path: of the device, resolved in the caller's mount namespace
 * @uuid: uuid the store must have; null = any
 * @cluster: uuid its cluster must have; null = any
 * @opens_min: the replicas of a store whose generation counter is lower do not
 *	vote: it was rolled back (S11); 0 = any
 */
struct qbd_store_options {
	const char *path;
	uuid_t uuid;
	uuid_t cluster;
	u64 opens_min;
};

/**
 * struct qbd_store_user_ops - upcalls to the owner of a replica (its shard)
 * @get: take a reference of the owner. Context: store's lock held.
 * @put: and drop it. Context: process, no locks.
 * @persisted: a record of the replica is on stable media, and all before it.
 *	TRUNCATE, PROMISE, CREATE and DELETE come too. In the order of the
 *	log. @more: another one of the same history follows at once, which
 *	says all that this one does. Context: the store's log thread, no
 *	locks, may not wait.
 * @space: appends refused with -EAGAIN may be tried again. Context: process,
 *	no locks, may not wait.
 * @failed: the store has failed or closed: nothing of it will be persisted
 *	any more; comes once, after the last @persisted. Context: process, no
 *	locks.
 *
 * After qbd_kstore_detach() no new upcall begins, one may still be running.
 */
struct qbd_store_user_ops {
	void (*get)(struct qbd_store_user *user);
	void (*put)(struct qbd_store_user *user);
	void (*persisted)(struct qbd_store_user *user,
			  const struct qbd_desc *desc, bool more);
	void (*space)(struct qbd_store_user *user);
	void (*failed)(struct qbd_store_user *user, int error);
};

/**
 * struct qbd_store_user - the owner of a replica; a member of its object
 * @ops: upcalls
 * @wants_space: an append was refused; belongs to the store (its lock)
 * @event: where its newest upcall is; belongs to the log's thread
 */
struct qbd_store_user {
	const struct qbd_store_user_ops *ops;
	bool wants_space;
	u32 event;
};

/**
 * struct qbd_kstore_info - a store for people and netlink
 * @uuid: of the store
 * @cluster: uuid of its cluster
 * @state: now
 * @error: why FAILED, else 0
 * @opens: generation counter
 * @incarnation: of this open
 * @clean: it had been closed in order
 * @stats: of the core; zero unless ACTIVE
 * @space: how full it is
 * @chunk_bytes: size of a chunk
 * @ram_pages: payload pages of durable records in memory
 * @dropped: payloads dropped from memory so far
 * @why: a line for people if it is FAILED, else empty
 * @path: of the device
 */
struct qbd_kstore_info {
	uuid_t uuid;
	uuid_t cluster;
	enum qbd_kstore_state state;
	int error;
	u64 opens;
	u64 incarnation;
	bool clean;
	struct qbd_store_stats stats;
	enum qbd_space space;
	u32 chunk_bytes;
	u32 ram_pages;
	u64 dropped;
	char why[QBD_STORE_WHY_MAX];
	char path[QBD_STORE_PATH_MAX];
};

/* store.c: the module, the stores of a node */
int qbd_kstore_module_init(void);
void qbd_kstore_module_flush(void);
void qbd_kstore_module_exit(void);
void qbd_stores_init(struct qbd_stores *stores, struct qbd_pools *pools,
		     u32 node, const struct qbd_stores_ops *ops);
bool qbd_stores_empty(struct qbd_stores *stores);
int qbd_stores_end(struct qbd_stores *stores, bool crash, u32 timeout_ms);

/* store.c: life of a store */
int qbd_kstore_open(struct qbd_stores *stores,
		    const struct qbd_store_options *options,
		    struct qbd_store **opened);
void qbd_kstore_stop(struct qbd_store *store);
void qbd_kstore_crash(struct qbd_store *store);
struct qbd_store *qbd_kstore_find(struct qbd_stores *stores,
				  const uuid_t *uuid);
struct qbd_store *qbd_kstore_next(struct qbd_stores *stores, u32 *id);
void qbd_kstore_forget(struct qbd_store *store);
struct qbd_store *qbd_kstore_get(struct qbd_store *store);
void qbd_kstore_put(struct qbd_store *store);
struct qbd_stores *qbd_kstore_stores(const struct qbd_store *store);
enum qbd_kstore_state qbd_kstore_state(const struct qbd_store *store);
const char *qbd_kstore_state_name(enum qbd_kstore_state state);
void qbd_kstore_info_get(struct qbd_store *store, struct qbd_kstore_info *info);

/*
 * store_replica.c: replicas, for their shards.  Context: process; a shard's
 * lock may be held; nothing sleeps.  All of them say -ESHUTDOWN when the store
 * is not ACTIVE.
 */
int qbd_kstore_attach(struct qbd_store *store, u64 replica,
		      struct qbd_store_user *user);
void qbd_kstore_detach(struct qbd_store *store, u32 slot,
		       struct qbd_store_user *user);
int qbd_kstore_replica_get(struct qbd_store *store, u32 slot,
			   struct qbd_store_replica *replica);
int qbd_kstore_create(struct qbd_store *store, struct qbd_table_slot *table,
		      struct qbd_store_user *user);
int qbd_kstore_delete(struct qbd_store *store, u32 slot, u64 epoch);
int qbd_kstore_append(struct qbd_store *store, u32 slot,
		      const struct qbd_desc *desc, struct qbd_payload *payload,
		      const struct qbd_config *config);
int qbd_kstore_promise(struct qbd_store *store, u32 slot,
		       const struct qbd_promise *promise);
int qbd_kstore_truncate(struct qbd_store *store, u32 slot, u64 term, u64 index);
void qbd_kstore_commit_set(struct qbd_store *store, u32 slot, u64 index);
void qbd_kstore_flags_set(struct qbd_store *store, u32 slot, u32 flags);
int qbd_kstore_term_at(struct qbd_store *store, u32 slot, u64 index, u64 *term);
int qbd_kstore_log_get(struct qbd_store *store, u32 slot, u64 index,
		       struct qbd_desc *desc);

#endif /* QBD_STORE_H */
