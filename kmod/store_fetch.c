// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of the log: for catch-up, and for reads of blocks whose newest
 * version is in the log only.
 *
 * A payload is read whole, because its CRC is over the whole, and without the
 * store's lock.  Meanwhile the tail may pass the record and new segments may
 * overwrite it: then the CRC does not fit, and the core says that the place
 * does not hold what it held.  That is no error: the reader looks again.
 *
 * Context: work items of the reads' queue, which has WQ_MEM_RECLAIM; pages
 * are waited for without a thread.
 */
#include <linux/sched/mm.h>
#include "store_object.h"

static void qbd_fetch_wake(struct qbd_pool_waiter *waiter)
{
	struct qbd_store_fetch *fetch =
		container_of(waiter, struct qbd_store_fetch, waiter);

	queue_work(qbd_kstore_read_wq, &fetch->work);
}

static void qbd_fetch_group_end(struct qbd_bio_group *group)
{
	struct qbd_store_fetch *fetch =
		container_of(group, struct qbd_store_fetch, group);

	queue_work(qbd_kstore_read_wq, &fetch->work);
}

/**
 * qbd_fetch_init() - prepare for any number of fetches
 * @fetch: the fetch
 * @store: the store
 * @kind: where its pages come from
 * @fn: goes on when a fetch got pages, or has ended
 */
void qbd_fetch_init(struct qbd_store_fetch *fetch, struct qbd_store *store,
		    enum qbd_pool_kind kind, work_func_t fn)
{
	fetch->store = store;
	fetch->pool = &store->stores->pools->pool[kind];
	fetch->payload = NULL;
	fetch->blocks = 0;
	INIT_LIST_HEAD(&fetch->waiter.entry);
	fetch->waiter.wake = qbd_fetch_wake;
	INIT_WORK(&fetch->work, fn);
}

/**
 * __qbd_fetch_set() - the payload of this record is wanted
 * @fetch: the fetch
 * @rec: on stable media, with a payload
 */
void __qbd_fetch_set(struct qbd_store_fetch *fetch, const struct qbd_rec *rec)
{
	qbd_assert_store_locked(fetch->store);
	fetch->lpos = rec->lpos;
	fetch->crc = rec->desc.crc;
	fetch->blocks = rec->desc.payload_blocks;
	fetch->nr_extents = qbd_store_log_extents(fetch->store->core, rec->lpos,
						  fetch->blocks, fetch->extent);
}

/**
 * qbd_fetch_start() - start to read it
 * @fetch: set
 *
 * Return: true; fetch->work comes when it is read. False if there are no
 * pages: fetch->work comes when there may be, to try again.
 */
bool qbd_fetch_start(struct qbd_store_fetch *fetch)
{
	unsigned int noio;

	fetch->payload = qbd_payload_alloc(fetch->pool, fetch->blocks);
	if (!fetch->payload) {
		qbd_pool_wait(fetch->pool, &fetch->waiter);
		return false;
	}
	noio = memalloc_noio_save();
	qbd_group_init(&fetch->group, &fetch->store->backend,
		       qbd_fetch_group_end);
	qbd_wal_read(&fetch->group, fetch->extent, fetch->nr_extents,
		     fetch->payload);
	qbd_group_submitted(&fetch->group);
	memalloc_noio_restore(noio);
	return true;
}

/**
 * qbd_fetch_end() - is it what was wanted?
 * @fetch: started, and its work came
 *
 * Return: 0: fetch->payload has it; -ESTALE: the log has moved on, look
 * again; -EBADMSG or -EIO: it can not be read here. With an error the payload
 * is gone.
 */
int qbd_fetch_end(struct qbd_store_fetch *fetch)
{
	struct qbd_store *store = fetch->store;
	bool holds = false;
	int err;

	err = fetch->group.error;
	if (!err)
		err = qbd_payload_crc_check(fetch->payload, fetch->blocks,
					    fetch->crc);
	if (!err) {
		fetch->payload->crc = fetch->crc;
		return 0;
	}
	qbd_payload_put(fetch->payload);
	fetch->payload = NULL;
	spin_lock(&store->lock);
	if (store->state == QBD_STORE_ACTIVE)
		holds = qbd_store_log_holds(store->core, fetch->lpos);
	else
		err = -ESHUTDOWN;
	spin_unlock(&store->lock);
	if (err == -EBADMSG && !holds)
		return -ESTALE;
	return err == -EBADMSG || err == -ESHUTDOWN ? err : -EIO;
}

static void qbd_log_read_done(struct qbd_log_read *read, int err)
{
	struct qbd_store *store = read->store;
	bool counted = read->counted;

	read->error = err;
	read->done(read);
	qbd_read_leave(store, counted);
}

/*
 * Where is the record?  -EINPROGRESS: in the log only, the fetch was set.
 * A record that is not durable yet has its payload in memory.
 */
static int qbd_log_read_find(struct qbd_log_read *read)
{
	struct qbd_store *store = read->store;
	const struct qbd_rec *rec;
	int id = -ESHUTDOWN;

	read->payload = NULL;
	spin_lock(&store->lock);
	if (store->state == QBD_STORE_ACTIVE)
		id = qbd_store_log_get(store->core, read->slot, read->index);
	if (id >= 0) {
		rec = qbd_store_rec(store->core, id);
		read->desc = rec->desc;
		id = 0;
		if (rec->payload) {
			read->payload = qbd_payload_get(rec->payload);
		} else if (rec->desc.payload_blocks) {
			__qbd_fetch_set(&read->fetch, rec);
			id = -EINPROGRESS;
		}
	}
	spin_unlock(&store->lock);
	return id;
}

static void qbd_log_read_fn(struct work_struct *work)
{
	struct qbd_store_fetch *fetch =
		container_of(work, struct qbd_store_fetch, work);
	struct qbd_log_read *read =
		container_of(fetch, struct qbd_log_read, fetch);
	int err = -ESHUTDOWN;

	if (!read->counted)
		goto done;
	if (fetch->payload) {
		err = qbd_fetch_end(fetch);
		read->payload = fetch->payload;
		if (err != -ESTALE)
			goto done;
	}
	err = qbd_log_read_find(read);
	if (err == -EINPROGRESS) {
		qbd_fetch_start(fetch);
		return;
	}
done:
	qbd_log_read_done(read, err);
}

/**
 * qbd_kstore_log_read() - read a record of a replica's log
 * @read: what; see there
 *
 * Context: process; a shard's lock may be held.
 */
void qbd_kstore_log_read(struct qbd_log_read *read)
{
	qbd_fetch_init(&read->fetch, read->store, QBD_POOL_SEND,
		       qbd_log_read_fn);
	read->payload = NULL;
	read->counted = qbd_read_enter(read->store);
	queue_work(qbd_kstore_read_wq, &read->fetch.work);
}
