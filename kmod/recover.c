// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open and replay: does the I/Os that the core's open asks for, one at a
 * time, and tells people what was found.
 *
 * Nobody else knows the core until it is given to the store here, and nobody
 * but this work item uses it until the store is ACTIVE.  A stop or a crash
 * ends it between two I/Os.
 *
 * Context: the store's control work, may sleep; no lock but for a moment.
 */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "core/open.h"
#include "store_object.h"
#include "trace.h"

/**
 * struct qbd_recover - a store being opened
 * @store: the store
 * @open: the core's part
 * @buf: what it reads into
 */
struct qbd_recover {
	struct qbd_store *store;
	struct qbd_open *open;
	void *buf;
};

static bool qbd_recover_ended(struct qbd_store *store)
{
	bool ended;

	spin_lock(&store->lock);
	ended = store->state >= QBD_STORE_CLOSING;
	spin_unlock(&store->lock);
	return ended;
}

/* It can be used, and people have to know why its replicas do not vote. */
static void qbd_recover_rolled_back(struct qbd_store *store,
				    const struct qbd_finding *finding)
{
	spin_lock(&store->lock);
	scnprintf(store->why, sizeof(store->why),
		  "it was an old copy: opened %llu times, not %llu",
		  finding->first, finding->last);
	spin_unlock(&store->lock);
}

/* One line for people; what happens on healthy devices only for the curious. */
static void qbd_recover_finding(struct qbd_store *store,
				const struct qbd_finding *finding)
{
	enum qbd_severity severity = qbd_finding_severity(finding->kind);
	const char *level = severity == QBD_SEVERITY_NOTE ? "note" :
			    severity == QBD_SEVERITY_WARN ? "warning" :
							    "damage";

	pr_notice_ratelimited(
		"store %s: %s: %s (replica %llu, %llu..%llu, block %llu+%llu, error %d)\n",
		store->path, level, qbd_finding_text(finding->kind),
		finding->replica, finding->first, finding->last, finding->block,
		finding->blocks, finding->error);
	if (severity == QBD_SEVERITY_STORE)
		qbd_kstore_fail(store, finding->error ?: -EUCLEAN, "%s",
				qbd_finding_text(finding->kind));
	else if (finding->kind == QBD_FIND_ROLLED_BACK)
		qbd_recover_rolled_back(store, finding);
}

/* The superblock is known: is it the store that was asked for? */
static int qbd_recover_identify(struct qbd_store *store,
				const struct qbd_super *super)
{
	uuid_t uuid;
	int err;

	import_uuid(&uuid, super->store);
	if (!uuid_is_null(&store->options.uuid) &&
	    !uuid_equal(&uuid, &store->options.uuid)) {
		qbd_kstore_fail(store, -EMEDIUMTYPE, "it is store %pUb", &uuid);
		return -EMEDIUMTYPE;
	}
	if (super->layout.wal_blocks < QBD_STORE_LOG_BLOCKS_MIN) {
		qbd_kstore_fail(
			store, -EDOM,
			"its log is smaller than 16 MiB, no write of 1 MiB fits");
		return -EDOM;
	}
	store->clean = super->flags & QBD_SUPER_CLEAN;
	err = qbd_kstore_identify(store, &uuid);
	if (err)
		qbd_kstore_fail(store, err,
				"a store with its uuid is open here: a copy?");
	return err;
}

static int qbd_recover_core(struct qbd_recover *recover)
{
	struct qbd_store *store = recover->store;
	const struct qbd_super *super = &recover->open->super;
	struct qbd_store_core *core;
	size_t bytes;
	int err;

	err = qbd_recover_identify(store, super);
	if (err)
		return err;
	/* Aligned to a page, whatever its size. */
	bytes = qbd_store_mem_bytes(super);
	store->core_mem = vzalloc(bytes);
	if (!store->core_mem)
		return -ENOMEM;
	core = qbd_store_init(store->core_mem, super);
	spin_lock(&store->lock);
	store->core = core;
	__qbd_kstore_state_set(store, QBD_STORE_REPLAY);
	spin_unlock(&store->lock);
	qbd_open_core_give(recover->open, core);
	return 0;
}

static int qbd_recover_pages(struct qbd_store *store)
{
	void *page;

	while (qbd_store_pages_wanted(store->core)) {
		page = (void *)get_zeroed_page(GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		spin_lock(&store->lock);
		qbd_store_page_give(store->core, page);
		spin_unlock(&store->lock);
	}
	return 0;
}

static int qbd_recover_steps(struct qbd_recover *recover)
{
	struct qbd_store *store = recover->store;
	struct qbd_open *open = recover->open;
	enum qbd_open_step step;
	struct qbd_io io;
	int err = 0;

	while (!err) {
		if (qbd_recover_ended(store))
			return -ECANCELED;
		step = qbd_open_next(open, &io);
		cond_resched();
		switch (step) {
		case QBD_OPEN_IO:
			qbd_open_io_end(open,
					qbd_backend_io(&store->backend, &io));
			break;
		case QBD_OPEN_CORE:
			err = qbd_recover_core(recover);
			break;
		case QBD_OPEN_PAGES:
			err = qbd_recover_pages(store);
			break;
		case QBD_OPEN_FINDING:
			qbd_recover_finding(store, &open->finding);
			break;
		case QBD_OPEN_SEGMENT:
			break;
		case QBD_OPEN_DONE:
			return 0;
		case QBD_OPEN_FAILED:
			return open->error;
		}
	}
	return err;
}

static void qbd_recover_config(const struct qbd_store *store,
			       struct qbd_open_config *config)
{
	memset(config, 0, sizeof(*config));
	config->dev_blocks = store->backend.blocks;
	export_uuid(config->cluster, &store->options.cluster);
	config->node = store->stores->node;
	config->opens_min = store->options.opens_min;
	do {
		config->incarnation = get_random_u64();
		config->run = get_random_u64();
	} while (!config->incarnation || !config->run);
}

/**
 * qbd_recover_run() - open and replay a store
 * @store: its device is open
 * @must_checkpoint: set if one has to be made before the store is used
 *
 * Return: 0; -ECANCELED if it was stopped; else a negative errno.
 */
int qbd_recover_run(struct qbd_store *store, bool *must_checkpoint)
{
	struct qbd_recover recover = { .store = store };
	struct qbd_open_config config;
	int err = -ENOMEM;

	recover.open = kvzalloc(sizeof(*recover.open), GFP_KERNEL);
	recover.buf = vmalloc(QBD_STORE_OPEN_BLOCKS * QBD_BLOCK_SIZE);
	if (!recover.open || !recover.buf)
		goto free;
	qbd_recover_config(store, &config);
	qbd_open_init(recover.open, &config, recover.buf,
		      QBD_STORE_OPEN_BLOCKS);
	err = qbd_recover_steps(&recover);
	*must_checkpoint = recover.open->must_checkpoint;
	trace_qbd_store_replay(store->id, recover.open->replay.nr_segs,
			       recover.open->replay.nr_recs,
			       recover.open->replay.at.lpos);
free:
	vfree(recover.buf);
	kvfree(recover.open);
	return err;
}
