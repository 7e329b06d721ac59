// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a store's core holds: payloads of records, pages of maps.
 *
 * Payloads of records that are durable but not at home stay in memory up to a
 * bound, so that a checkpoint need not read them back.  Beyond it, or when
 * the node's pool of pages runs dry, the oldest are dropped: the log has
 * them.  Those that are not durable can not be dropped, but become durable
 * without any new page; so pages always come back.
 *
 * Map pages are given to the core before it needs them; the store keeps a
 * reserve of its own beside those, because a shard's append may not sleep.
 *
 * Context: process.  Names with __ want store->lock.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "store_object.h"

/**
 * qbd_kstore_ram_bound() - how many payload pages a store may keep
 * @store: the store
 *
 * Half of what the node may have, if that is less than the general bound: the
 * other half is for writes and messages under way.
 *
 * Return: pages.
 */
u32 qbd_kstore_ram_bound(const struct qbd_store *store)
{
	return min(QBD_STORE_RAM_PAGES,
		   store->stores->pools->pool[QBD_POOL_LOCAL].max / 2);
}

/**
 * __qbd_kstore_payload_added() - the core has one more cookie
 * @store: the store
 * @nr_pages: pages of the payload
 */
void __qbd_kstore_payload_added(struct qbd_store *store, u32 nr_pages)
{
	qbd_assert_store_locked(store);
	store->ram.pages += nr_pages;
}

static bool __qbd_kstore_payload_stale(struct qbd_store *store, u32 id)
{
	const struct qbd_rec *rec;

	qbd_assert_store_locked(store);
	rec = qbd_store_rec(store->core, id);
	return !rec || !rec->payload || rec->state != QBD_REC_LOGGED;
}

/**
 * __qbd_kstore_payload_durable() - a payload may be dropped from now on
 * @store: the store
 * @rec: its record
 *
 * The FIFO is as large as the log index.  Entries are in the order of the
 * log; behind one whose record is still there all records are still there,
 * so with the stale ones at its head taken out it never overflows.
 */
void __qbd_kstore_payload_durable(struct qbd_store *store, u32 rec)
{
	struct qbd_ram *ram = &store->ram;

	qbd_assert_store_locked(store);
	while (ram->first != ram->end &&
	       __qbd_kstore_payload_stale(store,
					  ram->fifo[ram->first & ram->mask]))
		ram->first++;
	if (WARN_ON_ONCE(ram->end - ram->first > ram->mask))
		return;
	ram->fifo[ram->end++ & ram->mask] = rec;
}

static void qbd_payloads_put(struct qbd_payload **payload, u32 nr)
{
	while (nr--)
		qbd_payload_put(payload[nr]);
}

/**
 * qbd_kstore_payloads_release() - free what the core needs no more
 * @store: the store
 */
void qbd_kstore_payloads_release(struct qbd_store *store)
{
	struct qbd_payload *payload[QBD_STORE_BATCH];
	u32 nr;

	do {
		spin_lock(&store->lock);
		for (nr = 0; nr < QBD_STORE_BATCH; nr++) {
			payload[nr] = qbd_store_release_next(store->core);
			if (!payload[nr])
				break;
			store->ram.pages -= payload[nr]->nr_pages;
		}
		spin_unlock(&store->lock);
		qbd_payloads_put(payload, nr);
	} while (nr == QBD_STORE_BATCH);
}

/**
 * qbd_kstore_payloads_drop() - drop payloads of durable records, oldest first
 * @store: the store
 * @keep_pages: stop when no more than this many pages are kept
 *
 * Only by the checkpoint's thread: between its steps no payload that the core
 * counts on may vanish.
 *
 * Return: true if any was dropped.
 */
bool qbd_kstore_payloads_drop(struct qbd_store *store, u32 keep_pages)
{
	struct qbd_payload *payload[QBD_STORE_BATCH];
	struct qbd_ram *ram = &store->ram;
	u32 nr, tries, id;
	bool any = false;

	do {
		spin_lock(&store->lock);
		tries = QBD_STORE_BATCH;
		for (nr = 0;
		     tries && ram->pages > keep_pages && ram->first != ram->end;
		     tries--) {
			id = ram->fifo[ram->first++ & ram->mask];
			if (__qbd_kstore_payload_stale(store, id))
				continue;
			payload[nr] = qbd_store_payload_drop(store->core, id);
			if (!payload[nr])
				continue;
			ram->pages -= payload[nr++]->nr_pages;
			ram->dropped++;
		}
		spin_unlock(&store->lock);
		qbd_payloads_put(payload, nr);
		any |= nr;
	} while (!tries);
	return any;
}

/**
 * __qbd_kstore_pages_give() - give the core the map pages that it wants
 * @store: the store
 *
 * What can not be given is missing in the core's next answer, -EAGAIN.
 */
void __qbd_kstore_pages_give(struct qbd_store *store)
{
	void **page;

	qbd_assert_store_locked(store);
	while (qbd_store_pages_wanted(store->core)) {
		page = (void **)get_zeroed_page(GFP_NOWAIT | __GFP_NOWARN);
		if (!page) {
			page = store->spare.page;
			if (!page)
				return;
			store->spare.page = *page;
			store->spare.nr--;
			*page = NULL;
		}
		qbd_store_page_give(store->core, page);
	}
}

/**
 * qbd_kstore_spare_fill() - fill up the reserve of map pages
 * @store: the store
 *
 * Context: may sleep for memory, GFP_NOIO; not the log's thread.
 */
void qbd_kstore_spare_fill(struct qbd_store *store)
{
	void **page;

	while (READ_ONCE(store->spare.nr) < QBD_STORE_SPARE_MAP_PAGES) {
		page = (void **)get_zeroed_page(GFP_NOIO | __GFP_NOWARN |
						__GFP_NORETRY);
		if (!page)
			return;
		spin_lock(&store->lock);
		*page = store->spare.page;
		store->spare.page = page;
		WRITE_ONCE(store->spare.nr, store->spare.nr + 1);
		spin_unlock(&store->lock);
	}
}

/**
 * qbd_kstore_pin_fill() - give the core the map pages that pins wait for
 * @store: the store
 *
 * One for each page of a replica's map: not from the reserve, which is for
 * records.  If they can't be had, there is no pin.
 *
 * Context: may sleep for memory, GFP_NOIO; the checkpoint's thread.
 */
void qbd_kstore_pin_fill(struct qbd_store *store)
{
	u32 wanted;
	void *page;

	for (;;) {
		spin_lock(&store->lock);
		wanted = qbd_store_pin_pages_wanted(store->core);
		spin_unlock(&store->lock);
		if (!wanted)
			return;
		page = (void *)get_zeroed_page(GFP_NOIO | __GFP_NOWARN |
					       __GFP_NORETRY);
		if (!page)
			return;
		spin_lock(&store->lock);
		qbd_store_page_give(store->core, page);
		spin_unlock(&store->lock);
	}
}

/**
 * qbd_kstore_pages_drop() - take back map pages that pins gave back
 * @store: the store
 *
 * Context: the checkpoint's thread.
 */
void qbd_kstore_pages_drop(struct qbd_store *store)
{
	void *page;

	do {
		spin_lock(&store->lock);
		page = qbd_store_page_take(store->core);
		spin_unlock(&store->lock);
		if (page)
			free_page((unsigned long)page);
	} while (page);
}

/**
 * qbd_kstore_mem_init() - before the core
 * @store: the store
 *
 * Return: 0 or -ENOMEM.
 */
int qbd_kstore_mem_init(struct qbd_store *store)
{
	store->ram.fifo = kvmalloc_array(QBD_STORE_RECS_MAX,
					 sizeof(*store->ram.fifo), GFP_KERNEL);
	if (!store->ram.fifo)
		return -ENOMEM;
	store->ram.mask = QBD_STORE_RECS_MAX - 1;
	qbd_kstore_spare_fill(store);
	return 0;
}

/* The core's cookies and pages come out one by one, then its memory goes. */
static void qbd_kstore_core_destroy(struct qbd_store *store)
{
	bool more = true;

	while (more) {
		spin_lock(&store->lock);
		more = qbd_store_destroy_step(store->core);
		spin_unlock(&store->lock);
		qbd_kstore_payloads_release(store);
		qbd_kstore_pages_drop(store);
		cond_resched();
	}
	spin_lock(&store->lock);
	store->core = NULL;
	spin_unlock(&store->lock);
	WARN_ON_ONCE(store->ram.pages);
}

/**
 * qbd_kstore_mem_destroy() - give up the core and all its memory
 * @store: no thread of it runs, no read is under way
 */
void qbd_kstore_mem_destroy(struct qbd_store *store)
{
	void **page;

	if (store->core)
		qbd_kstore_core_destroy(store);
	while (store->spare.page) {
		page = store->spare.page;
		store->spare.page = *page;
		free_page((unsigned long)page);
	}
	store->spare.nr = 0;
	kvfree(store->ram.fifo);
	store->ram.fifo = NULL;
	vfree(store->core_mem);
	store->core_mem = NULL;
}
