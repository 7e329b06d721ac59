// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store's life: states, references, opening, closing, the node's list.
 *
 * Opening and closing run in one work item per store, on a queue without
 * WQ_MEM_RECLAIM, because the block layer's open and release allocate and
 * wait as they like.  Everybody else only asks: qbd_kstore_stop(),
 * qbd_kstore_crash() and qbd_kstore_fail() change the state and queue work.
 * States are reported by another work item, in the order of their numbers,
 * which is the order in which they can come.
 *
 * CLOSING IN PHASES.
 *	1 no record is accepted (state); no read begins (state)
 *	2 the last checkpoint, if the store has not failed
 *	3 the threads stop; the log's thread tells the users of replicas
 *	4 reads under way end; nobody can start one
 *	5 the device is closed, the core taken apart, state CLOSED
 *	6 the list's reference goes
 *
 * Locks: store->lock; stores->lock around the list only, never together.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "store_copy.h"
#include "store_object.h"
#include "trace.h"

struct workqueue_struct *qbd_kstore_read_wq;
struct workqueue_struct *qbd_kstore_copy_wq;
static struct workqueue_struct *qbd_kstore_ctl_wq;

/* --- states ------------------------------------------------------------ */

/* clang-format off */
static const u8 qbd_kstore_next_states[QBD_STORE_STATES] = {
	[QBD_STORE_OPENING]	= BIT(QBD_STORE_REPLAY) |
				  BIT(QBD_STORE_CLOSING) |
				  BIT(QBD_STORE_FAILED),
	[QBD_STORE_REPLAY]	= BIT(QBD_STORE_ACTIVE) |
				  BIT(QBD_STORE_CLOSING) |
				  BIT(QBD_STORE_FAILED),
	[QBD_STORE_ACTIVE]	= BIT(QBD_STORE_CLOSING) |
				  BIT(QBD_STORE_FAILED),
	[QBD_STORE_CLOSING]	= BIT(QBD_STORE_FAILED) |
				  BIT(QBD_STORE_CLOSED),
	[QBD_STORE_FAILED]	= BIT(QBD_STORE_CLOSED),
	[QBD_STORE_CLOSED]	= 0,
};

static const char *const qbd_kstore_state_names[QBD_STORE_STATES] = {
	[QBD_STORE_OPENING]	= "opening",
	[QBD_STORE_REPLAY]	= "replay",
	[QBD_STORE_ACTIVE]	= "active",
	[QBD_STORE_CLOSING]	= "closing",
	[QBD_STORE_FAILED]	= "failed",
	[QBD_STORE_CLOSED]	= "closed",
};

/* clang-format on */

/**
 * qbd_kstore_state_name() - a state in words
 * @state: the state
 *
 * Return: a word.
 */
const char *qbd_kstore_state_name(enum qbd_kstore_state state)
{
	return state < QBD_STORE_STATES ? qbd_kstore_state_names[state] : "?";
}

/**
 * qbd_kstore_state() - where a store is in its life
 * @store: the store
 *
 * Context: any; a glimpse, unless store->lock is held.
 * Return: the state.
 */
enum qbd_kstore_state qbd_kstore_state(const struct qbd_store *store)
{
	return READ_ONCE(store->state);
}

/**
 * qbd_kstore_dead() - neither read nor write any more
 * @store: the store
 *
 * Context: any.
 * Return: true if the store has failed or is closed.
 */
bool qbd_kstore_dead(const struct qbd_store *store)
{
	return qbd_kstore_state(store) >= QBD_STORE_FAILED;
}

static void qbd_kstore_work(struct qbd_store *store, struct work_struct *work)
{
	qbd_kstore_get(store);
	if (!queue_work(qbd_kstore_ctl_wq, work))
		qbd_kstore_put(store);
}

/* Chunks that are neither in use nor promised; of how many? */
static u64 __qbd_kstore_room(const struct qbd_store *store, u64 *chunks)
{
	struct qbd_store_stats stats;

	qbd_assert_store_locked(store);
	qbd_store_stats_get(store->core, &stats);
	*chunks = stats.chunks;
	return stats.chunks_free -
	       min(stats.chunks_free, stats.chunks_reserved);
}

/**
 * __qbd_kstore_space() - chunks were taken, promised, or freed
 * @store: the store, ACTIVE
 *
 * Tells whoever wants to know when it runs full, or has room again.
 */
void __qbd_kstore_space(struct qbd_store *store)
{
	u64 chunks, room = __qbd_kstore_room(store, &chunks);
	enum qbd_space space = qbd_space_level(store->space, room, chunks);

	qbd_assert_store_locked(store);
	if (space == store->space)
		return;
	store->space = space;
	qbd_kstore_work(store, &store->report_work);
}

/**
 * __qbd_kstore_state_set() - the only place where a store's state changes
 * @store: the store
 * @state: the new one
 *
 * Return: false if there is no way from the old one: nothing has changed.
 */
bool __qbd_kstore_state_set(struct qbd_store *store,
			    enum qbd_kstore_state state)
{
	qbd_assert_store_locked(store);
	if (!(qbd_kstore_next_states[store->state] & BIT(state)))
		return false;
	trace_qbd_store_state(store->id, store->state, state, store->error);
	WRITE_ONCE(store->state, state);
	store->visited |= BIT(state);
	if (state == QBD_STORE_ACTIVE)
		__qbd_kstore_space(store);
	wake_up_all(&store->wal.wait);
	wake_up_all(&store->apply.wait);
	wake_up_all(&store->home_wait);
	qbd_kstore_work(store, &store->report_work);
	return true;
}

/**
 * qbd_kstore_state_set() - the same, taking the lock
 * @store: the store
 * @state: the new state
 *
 * Return: as __qbd_kstore_state_set().
 */
bool qbd_kstore_state_set(struct qbd_store *store, enum qbd_kstore_state state)
{
	bool done;

	spin_lock(&store->lock);
	done = __qbd_kstore_state_set(store, state);
	spin_unlock(&store->lock);
	return done;
}

static void qbd_kstore_report_fn(struct work_struct *work)
{
	struct qbd_store *store =
		container_of(work, struct qbd_store, report_work);
	const struct qbd_stores_ops *ops = store->stores->ops;
	enum qbd_space space;
	u64 room = 0, chunks = 0;
	u32 news, state;

	spin_lock(&store->lock);
	space = store->space;
	if (store->state == QBD_STORE_ACTIVE)
		room = __qbd_kstore_room(store, &chunks);
	else
		space = store->space_told;
	news = store->visited & ~store->reported;
	store->reported |= store->visited;
	spin_unlock(&store->lock);
	for (state = 0; state < QBD_STORE_STATES; state++)
		if (ops && news & BIT(state))
			ops->state(store, state);
	if (ops && space != store->space_told)
		ops->space(store, space, room, chunks);
	store->space_told = space;
	qbd_kstore_put(store);
}

/**
 * qbd_kstore_fail() - the store has failed, for good
 * @store: the store
 * @error: negative errno
 * @why: for people: what failed, where
 *
 * Context: process.
 */
void qbd_kstore_fail(struct qbd_store *store, int error, const char *why, ...)
{
	va_list args;
	bool first;

	spin_lock(&store->lock);
	first = store->state < QBD_STORE_FAILED;
	if (first) {
		va_start(args, why);
		vscnprintf(store->why, sizeof(store->why), why, args);
		va_end(args);
		/* In this order: what is not submitted is not durable. */
		WRITE_ONCE(store->error, error);
		qbd_backend_abandon(&store->backend);
		if (store->core)
			qbd_store_fail(store->core, error);
		__qbd_kstore_state_set(store, QBD_STORE_FAILED);
	}
	spin_unlock(&store->lock);
	/* no one writes to either of them any more */
	if (first)
		pr_err_ratelimited("store %s: failed: %s\n", store->path,
				   store->why);
}

/* --- references and lookup --------------------------------------------- */

/**
 * qbd_kstore_get() - one more reference
 * @store: the caller has one
 *
 * Return: @store.
 */
struct qbd_store *qbd_kstore_get(struct qbd_store *store)
{
	refcount_inc(&store->refs);
	return store;
}

static void qbd_kstore_free_fn(struct work_struct *work)
{
	struct qbd_store *store =
		container_of(work, struct qbd_store, free_work);

	qbd_wait_settle(&store->wal.wait);
	qbd_wait_settle(&store->apply.wait);
	qbd_wait_settle(&store->reads_wait);
	qbd_wait_settle(&store->home_wait);
	kvfree(store);
}

/**
 * qbd_kstore_put() - drop a reference
 * @store: the store, may be NULL
 *
 * Context: any.
 */
void qbd_kstore_put(struct qbd_store *store)
{
	if (store && refcount_dec_and_test(&store->refs))
		queue_work(qbd_kstore_ctl_wq, &store->free_work);
}

/**
 * qbd_kstore_stores() - the stores that it is one of
 * @store: the store
 *
 * Return: the node's stores.
 */
struct qbd_stores *qbd_kstore_stores(const struct qbd_store *store)
{
	return store->stores;
}

static struct qbd_store *__qbd_kstore_find(struct qbd_stores *stores,
					   const uuid_t *uuid)
{
	struct qbd_store *store;

	lockdep_assert_held(&stores->lock);
	list_for_each_entry(store, &stores->list, entry)
		if (store->identified && uuid_equal(&store->uuid, uuid))
			return store;
	return NULL;
}

/**
 * qbd_kstore_find() - find a store by its uuid
 * @stores: of the node
 * @uuid: of the store
 *
 * A store has its uuid from REPLAY on.
 *
 * Return: the store, referenced, or NULL.
 */
struct qbd_store *qbd_kstore_find(struct qbd_stores *stores, const uuid_t *uuid)
{
	struct qbd_store *store;

	spin_lock(&stores->lock);
	store = __qbd_kstore_find(stores, uuid);
	if (store)
		qbd_kstore_get(store);
	spin_unlock(&stores->lock);
	return store;
}

/**
 * qbd_kstore_identify() - enter a store under its uuid
 * @store: a store being opened
 * @uuid: what its superblock says
 *
 * A copy of a disk has the uuid of the original. Two histories under one
 * name would be taken for each other: only one of them may be open.
 *
 * Return: 0; -EEXIST if a store with this uuid is open here.
 */
int qbd_kstore_identify(struct qbd_store *store, const uuid_t *uuid)
{
	struct qbd_stores *stores = store->stores;
	int err = 0;

	spin_lock(&stores->lock);
	if (__qbd_kstore_find(stores, uuid)) {
		err = -EEXIST;
	} else {
		store->uuid = *uuid;
		store->identified = true;
	}
	spin_unlock(&stores->lock);
	return err;
}

/**
 * qbd_kstore_forget() - nobody finds this store any more
 * @store: a closed one, which nothing of the node refers to
 *
 * Its device and its uuid are free for another one. The node calls it before
 * it tells that the store is closed: who is told may open it again at once.
 *
 * Context: the report of QBD_STORE_CLOSED.
 */
void qbd_kstore_forget(struct qbd_store *store)
{
	spin_lock(&store->stores->lock);
	list_del_init(&store->entry);
	spin_unlock(&store->stores->lock);
}

/**
 * qbd_kstore_next() - walk over all stores of a node
 * @stores: of the node
 * @id: begin with 0; moved on by each call
 *
 * Return: the next store, referenced, NULL after the last one.
 */
struct qbd_store *qbd_kstore_next(struct qbd_stores *stores, u32 *id)
{
	struct qbd_store *store, *found = NULL;

	spin_lock(&stores->lock);
	list_for_each_entry(store, &stores->list, entry)
		if (store->id > *id) {
			found = qbd_kstore_get(store);
			*id = store->id;
			break;
		}
	spin_unlock(&stores->lock);
	return found;
}

/**
 * qbd_kstore_info_get() - a store for people
 * @store: the store
 * @info: filled in
 */
void qbd_kstore_info_get(struct qbd_store *store, struct qbd_kstore_info *info)
{
	const struct qbd_super *super;

	memset(info, 0, sizeof(*info));
	strscpy(info->path, store->path, sizeof(info->path));
	spin_lock(&store->stores->lock);
	info->uuid = store->uuid;
	spin_unlock(&store->stores->lock);
	spin_lock(&store->lock);
	info->state = store->state;
	info->error = store->error;
	info->clean = store->clean;
	strscpy(info->why, store->why, sizeof(info->why));
	if (store->core) {
		super = qbd_store_super(store->core);
		import_uuid(&info->cluster, super->cluster);
		info->opens = super->opens;
		info->incarnation = super->incarnation;
		info->space = store->space;
		info->chunk_bytes = QBD_BLOCK_SIZE << super->layout.chunk_shift;
		qbd_store_stats_get(store->core, &info->stats);
		info->ram_pages = store->ram.pages;
		info->dropped = store->ram.dropped;
	}
	spin_unlock(&store->lock);
}

/* --- opening and closing ----------------------------------------------- */

/* The device went away; its lock is held: only say so. */
static void qbd_kstore_gone(struct qbd_backend *backend)
{
	struct qbd_store *store =
		container_of(backend, struct qbd_store, backend);

	qbd_kstore_fail(store, -ENODEV, "the device is gone");
}

static const char *qbd_kstore_device_error(int err)
{
	switch (err) {
	case -EBUSY:
		return "the device is in use: mounted, or open as a store";
	case -ELOOP:
		return "the device is a volume of qbd";
	case -EMEDIUMTYPE:
		return "the device is zoned or has blocks above 4096 bytes";
	case -EROFS:
		return "the device is read-only";
	default:
		return "the device can not be opened";
	}
}

static int qbd_kstore_open_steps(struct qbd_store *store)
{
	bool must_checkpoint = false;
	int err;

	err = qbd_backend_open(&store->backend, store->dev, qbd_kstore_gone);
	if (err) {
		qbd_kstore_fail(store, err, "%s (error %d)",
				qbd_kstore_device_error(err), err);
		return err;
	}
	err = qbd_kstore_mem_init(store);
	if (!err)
		err = qbd_recover_run(store, &must_checkpoint);
	if (!err)
		err = qbd_wal_start(store);
	if (!err)
		err = qbd_apply_start(store, must_checkpoint);
	if (err && err != -ECANCELED)
		qbd_kstore_fail(store, err, "the store can not be opened: %d",
				err);
	return err;
}

static void qbd_kstore_close_steps(struct qbd_store *store)
{
	qbd_apply_close(store);
	qbd_apply_stop(store);
	qbd_wal_stop(store);
	wait_event_idle(store->reads_wait, !atomic_read(&store->reads));
	qbd_backend_close(&store->backend);
	qbd_kstore_mem_destroy(store);
	qbd_kstore_state_set(store, QBD_STORE_CLOSED);
	/* Who waits until there is none may free what reports go to. */
	flush_work(&store->report_work);

	spin_lock(&store->stores->lock);
	list_del_init(&store->entry); /* if nobody was told */
	store->stores->nr--;
	/* with the lock: who finds that there is none may free it */
	wake_up_all(&store->stores->wait);
	spin_unlock(&store->stores->lock);
	qbd_kstore_put(store);
}

static void qbd_kstore_ctl_fn(struct work_struct *work)
{
	struct qbd_store *store =
		container_of(work, struct qbd_store, ctl_work);
	bool stop;

	if (!store->opened) {
		store->opened = true;
		if (!qbd_kstore_open_steps(store))
			qbd_kstore_state_set(store, QBD_STORE_ACTIVE);
	}
	spin_lock(&store->lock);
	stop = store->stop_wanted;
	spin_unlock(&store->lock);
	if (stop && !list_empty(&store->entry))
		qbd_kstore_close_steps(store);
	qbd_kstore_put(store);
}

static struct qbd_store *qbd_kstore_alloc(struct qbd_stores *stores)
{
	struct qbd_store *store;

	store = kvzalloc(sizeof(*store), GFP_KERNEL);
	if (!store)
		return NULL;
	spin_lock_init(&store->lock);
	INIT_LIST_HEAD(&store->entry);
	INIT_WORK(&store->ctl_work, qbd_kstore_ctl_fn);
	INIT_WORK(&store->report_work, qbd_kstore_report_fn);
	INIT_WORK(&store->free_work, qbd_kstore_free_fn);
	init_waitqueue_head(&store->wal.wait);
	init_waitqueue_head(&store->apply.wait);
	init_waitqueue_head(&store->reads_wait);
	init_waitqueue_head(&store->home_wait);
	mutex_init(&store->grace);
	qbd_pace_init(&store->pace);
	store->stores = stores;
	store->state = QBD_STORE_OPENING;
	store->visited = BIT(QBD_STORE_OPENING);
	refcount_set(&store->refs, 1);
	return store;
}

static int qbd_kstore_add(struct qbd_store *store)
{
	struct qbd_stores *stores = store->stores;
	struct qbd_store *other;
	u32 nr = 0;
	int err = 0;

	spin_lock(&stores->lock);
	/* one that was forgotten is in stores->nr for a moment longer */
	list_for_each_entry(other, &stores->list, entry) {
		nr++;
		if (other->dev == store->dev)
			err = -EEXIST;
	}
	if (!err && nr >= QBD_STORES_MAX)
		err = -ENOSPC;
	if (!err) {
		store->id = ++stores->next_id;
		list_add_tail(&store->entry, &stores->list);
		stores->nr++;
	}
	spin_unlock(&stores->lock);
	return err;
}

/**
 * qbd_kstore_open() - begin to open a store
 * @stores: of the node
 * @options: what to open
 * @opened: the store, referenced for the caller
 *
 * The rest happens in the background and is reported: ACTIVE or FAILED. A
 * store that failed to open stays in the list until it is stopped.
 *
 * Context: may sleep.
 * Return: 0, -EEXIST if the device is in use here, -ENOSPC if there are too
 * many stores, or another negative errno.
 */
int qbd_kstore_open(struct qbd_stores *stores,
		    const struct qbd_store_options *options,
		    struct qbd_store **opened)
{
	struct qbd_store *store;
	int err;

	store = qbd_kstore_alloc(stores);
	if (!store)
		return -ENOMEM;
	err = strscpy(store->path, options->path, sizeof(store->path));
	if (err < 0)
		goto err_free;
	store->options = *options;
	store->options.path = store->path;
	err = qbd_backend_lookup(options->path, &store->dev);
	if (err)
		goto err_free;
	err = qbd_kstore_add(store);
	if (err)
		goto err_free;

	*opened = qbd_kstore_get(store);
	qbd_kstore_work(store, &store->report_work);
	qbd_kstore_work(store, &store->ctl_work);
	return 0;

err_free:
	kvfree(store);
	return err;
}

/**
 * qbd_kstore_stop() - close a store in order
 * @store: the store, in any state
 *
 * Context: process. Waits for nothing: CLOSED is reported.
 */
void qbd_kstore_stop(struct qbd_store *store)
{
	spin_lock(&store->lock);
	store->stop_wanted = true;
	__qbd_kstore_state_set(store, QBD_STORE_CLOSING);
	spin_unlock(&store->lock);
	qbd_kstore_work(store, &store->ctl_work);
}

/**
 * qbd_kstore_crash() - abandon a store as a loss of power would
 * @store: the store, in any state
 *
 * From now on nothing is written; what is under way can not be called back.
 * The device is closed in the background; CLOSED is reported.
 *
 * Context: process. Waits for nothing.
 */
void qbd_kstore_crash(struct qbd_store *store)
{
	qbd_kstore_fail(store, -ESHUTDOWN, "crashed on request");
	spin_lock(&store->lock);
	store->stop_wanted = true;
	spin_unlock(&store->lock);
	qbd_kstore_work(store, &store->ctl_work);
}

/* --- the stores of a node, the module ---------------------------------- */

/**
 * qbd_stores_init() - no stores yet
 * @stores: of the node
 * @pools: payload pages of the node; outlive all stores
 * @node: node id
 * @ops: how to report; may be NULL
 */
void qbd_stores_init(struct qbd_stores *stores, struct qbd_pools *pools,
		     u32 node, const struct qbd_stores_ops *ops)
{
	memset(stores, 0, sizeof(*stores));
	spin_lock_init(&stores->lock);
	INIT_LIST_HEAD(&stores->list);
	init_waitqueue_head(&stores->wait);
	stores->pools = pools;
	stores->node = node;
	stores->ops = ops;
}

/**
 * qbd_stores_empty() - are all stores closed?
 * @stores: of the node
 *
 * To wait for it: stores->wait.
 *
 * Return: true if so.
 */
bool qbd_stores_empty(struct qbd_stores *stores)
{
	bool empty;

	spin_lock(&stores->lock);
	empty = !stores->nr;
	spin_unlock(&stores->lock);
	return empty;
}

/**
 * qbd_stores_end() - stop or crash all stores of a node
 * @stores: of the node; none is opened any more
 * @crash: as a loss of power would
 * @timeout_ms: how long to wait until they are closed
 *
 * Context: process, may sleep, not in the I/O path.
 * Return: 0, or -ETIMEDOUT if a device does not end its I/O: those stores
 * still close when it does.
 */
int qbd_stores_end(struct qbd_stores *stores, bool crash, u32 timeout_ms)
{
	struct qbd_store *store;
	u32 id = 0;

	while ((store = qbd_kstore_next(stores, &id))) {
		if (crash)
			qbd_kstore_crash(store);
		else
			qbd_kstore_stop(store);
		qbd_kstore_put(store);
	}
	if (!wait_event_timeout(stores->wait, qbd_stores_empty(stores),
				msecs_to_jiffies(timeout_ms)))
		return -ETIMEDOUT;
	return 0;
}

/**
 * qbd_kstore_module_init() - at load of the module
 *
 * Return: 0 or a negative errno.
 */
int qbd_kstore_module_init(void)
{
	qbd_kstore_ctl_wq = alloc_workqueue("qbd_store_ctl", WQ_UNBOUND, 0);
	if (!qbd_kstore_ctl_wq)
		return -ENOMEM;
	qbd_kstore_read_wq = alloc_workqueue("qbd_store_read",
					     WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!qbd_kstore_read_wq)
		goto err_ctl;
	qbd_kstore_copy_wq = alloc_workqueue("qbd_store_copy",
					     WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!qbd_kstore_copy_wq)
		goto err_read;
	return 0;
err_read:
	destroy_workqueue(qbd_kstore_read_wq);
err_ctl:
	destroy_workqueue(qbd_kstore_ctl_wq);
	return -ENOMEM;
}

/**
 * qbd_kstore_module_flush() - no store is left; let readers get out
 *
 * Who gives back the last reference of all may do so in the middle of its work.
 */
void qbd_kstore_module_flush(void)
{
	flush_workqueue(qbd_kstore_copy_wq);
	flush_workqueue(qbd_kstore_read_wq);
}

/**
 * qbd_kstore_module_exit() - at unload of the module; no store is left
 *
 * The last put of a store may still be queued: the queue is drained.
 */
void qbd_kstore_module_exit(void)
{
	destroy_workqueue(qbd_kstore_copy_wq);
	destroy_workqueue(qbd_kstore_ctl_wq);
	destroy_workqueue(qbd_kstore_read_wq);
}
