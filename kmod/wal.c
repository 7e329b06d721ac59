// SPDX-License-Identifier: GPL-2.0-only
/*
 * Group commit: the log's thread, one per store.
 *
 * It takes what waits into a segment, writes it (wal_io.c), tells the core
 * and then the owners of the records, and begins again: whatever came in
 * while the device was busy shares the next write.  When the log has been
 * idle for a while it writes a seal.
 *
 * A failed write is the store's end.  One that does not end in time fails it
 * as well, but is still waited for: its pages must not be reused before.
 *
 * The thread also tells the owners when nothing more will come, so that this
 * is always the last thing they hear.
 *
 * Context: own thread, PF_MEMALLOC_NOIO; store->lock for the core only.
 */
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include "core/wal_format.h"
#include "fault.h"
#include "store_object.h"
#include "trace.h"

/**
 * qbd_wal_kick() - there may be something to commit
 * @store: the store
 *
 * Context: any.
 */
void qbd_wal_kick(struct qbd_store *store)
{
	WRITE_ONCE(store->wal.kicked, true);
	wake_up(&store->wal.wait);
}

/*
 * Of several records of one history the newest says all: its owner makes one
 * step and sends one ack for the whole segment.
 */
static void qbd_wal_event_add(struct qbd_wal *wal, struct qbd_store_user *user,
			      const struct qbd_desc *desc)
{
	struct qbd_wal_event *event = &wal->event[wal->nr_events];
	struct qbd_wal_event *former = &wal->event[user->event];

	event->user = user;
	event->desc = *desc;
	event->more = false;
	if (user->event < wal->nr_events && former->user == user &&
	    qbd_op_has_index(former->desc.op) && qbd_op_has_index(desc->op))
		former->more = true;
	user->event = wal->nr_events++;
}

/* A record of the segment is durable: note whom to tell. */
static void __qbd_wal_durable(struct qbd_store *store, u32 id)
{
	const struct qbd_rec *rec = qbd_store_rec(store->core, id);
	struct qbd_store_user *user = store->user[rec->slot];

	qbd_assert_store_locked(store);
	if (rec->payload)
		__qbd_kstore_payload_durable(store, id);
	if (!user || rec->dead || rec->desc.flags & QBD_REC_RELOG)
		return;
	user->ops->get(user);
	qbd_wal_event_add(&store->wal, user, &rec->desc);
}

static void qbd_wal_tell(struct qbd_wal *wal)
{
	struct qbd_store_user *user;
	u32 i;

	for (i = 0; i < wal->nr_events; i++) {
		user = wal->event[i].user;
		user->ops->persisted(user, &wal->event[i].desc,
				     wal->event[i].more);
		user->ops->put(user);
	}
	wal->nr_events = 0;
}

/* The owners hear it once; afterwards they are none any more. */
static void qbd_wal_tell_failed(struct qbd_store *store)
{
	struct qbd_store_user *user;
	u32 slot;

	if (store->wal.told)
		return;
	store->wal.told = true;
	for (slot = 0; slot < QBD_STORE_REPLICAS_MAX; slot++) {
		spin_lock(&store->lock);
		user = store->user[slot];
		store->user[slot] = NULL;
		if (user)
			user->ops->get(user);
		spin_unlock(&store->lock);
		if (!user)
			continue;
		user->ops->failed(user, store->error ?: -ESHUTDOWN);
		user->ops->put(user);
	}
}

static bool qbd_wal_ended(struct qbd_wal *wal)
{
	/* Pairs with qbd_wal_group_end(): group.error is final. */
	return smp_load_acquire(&wal->ended);
}

/* The bios must end, whatever else has happened: they use our pages. */
static void qbd_wal_wait(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;

	if (!wait_event_idle_timeout(
		    wal->wait, qbd_wal_ended(wal) || qbd_kstore_dead(store),
		    msecs_to_jiffies(QBD_STORE_IO_TIMEOUT_MS)))
		qbd_kstore_fail(store, -ETIMEDOUT,
				"a log write did not end in %u ms",
				QBD_STORE_IO_TIMEOUT_MS);
	if (qbd_wal_ended(wal))
		return;
	qbd_wal_tell_failed(store);
	wait_event_idle(wal->wait, qbd_wal_ended(wal));
}

static void qbd_wal_end(struct qbd_store *store, int err, u64 start, u64 now)
{
	struct qbd_wal *wal = &store->wal;
	u32 i;

	if (err)
		qbd_kstore_fail(store, err, "log write at %llu failed: %d",
				wal->plan.extent[0].block, err);
	spin_lock(&store->lock);
	err = err ?: store->error;
	qbd_commit_end(store->core, err);
	for (i = 0; !err && i < wal->plan.nr_recs; i++)
		__qbd_wal_durable(store, wal->plan.rec[i]);
	if (wal->plan.nr_recs)
		qbd_pace_commit(&store->pace, now, now - start,
				atomic_read(&store->copies));
	spin_unlock(&store->lock);
}

static bool qbd_wal_checkpoint_due(struct qbd_store *store)
{
	bool due;

	spin_lock(&store->lock);
	due = qbd_ckpt_wanted(store->core) == QBD_CKPT_NOW ||
	      store->ram.pages > qbd_kstore_ram_bound(store);
	spin_unlock(&store->lock);
	return due;
}

/* The core leaves payloads of a plan alone, so they need no references. */
static int qbd_wal_begin(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;
	const struct qbd_rec *rec;
	int err;
	u32 i;

	spin_lock(&store->lock);
	err = store->error;
	if (!err)
		err = qbd_commit_begin(store->core, wal->header, &wal->plan);
	for (i = 0; !err && i < wal->plan.nr_recs; i++) {
		rec = qbd_store_rec(store->core, wal->plan.rec[i]);
		wal->payload[i] = rec->payload;
	}
	spin_unlock(&store->lock);
	return err;
}

/* Write one segment, if there is something to write. */
static void qbd_wal_commit(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;
	u64 start = ktime_get_ns();
	u64 now;
	int err;

	err = qbd_wal_begin(store);
	if (err == -EAGAIN)
		return;
	if (err) {
		qbd_kstore_fail(store, err, "no segment can be made: %d", err);
		return;
	}
	trace_qbd_wal_submit(store->id, wal->plan.head.seq, wal->plan.nr_recs,
			     1 + wal->plan.head.payload_blocks);
	qbd_wal_write(store);
	qbd_wal_wait(store);
	now = ktime_get_ns();
	err = wal->group.error;
	trace_qbd_wal_done(store->id, wal->plan.head.seq, err, now - start);
	if (qbd_fault(QBD_FAULT_WAL_CRASH_AFTER))
		qbd_kstore_crash(store);
	qbd_wal_end(store, err, start, now);
	qbd_kstore_payloads_release(store);
	qbd_wal_tell(wal);
	if (qbd_wal_checkpoint_due(store))
		qbd_apply_kick(store);
	else if (READ_ONCE(store->apply.commits))
		wake_up(&store->apply.wait);
}

static bool qbd_wal_seal_due(struct qbd_store *store)
{
	bool due;

	spin_lock(&store->lock);
	due = qbd_commit_seal_wanted(store->core);
	spin_unlock(&store->lock);
	return due;
}

/* Sleep until there is something to do; true if there is. */
static bool qbd_wal_sleep(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;
	long timeout = MAX_SCHEDULE_TIMEOUT;

	if (qbd_wal_seal_due(store))
		timeout = msecs_to_jiffies(QBD_STORE_SEAL_MS);
	return wait_event_idle_timeout(wal->wait,
				       READ_ONCE(wal->kicked) ||
					       kthread_should_stop() ||
					       qbd_kstore_dead(store),
				       timeout) ||
	       qbd_wal_seal_due(store);
}

static bool qbd_wal_commit_due(struct qbd_store *store)
{
	bool due;

	spin_lock(&store->lock);
	due = qbd_commit_wanted(store->core);
	spin_unlock(&store->lock);
	return due;
}

static int qbd_wal_thread(void *data)
{
	struct qbd_store *store = data;
	unsigned int noio = memalloc_noio_save();

	while (!kthread_should_stop() && !qbd_kstore_dead(store)) {
		bool work = qbd_wal_sleep(store);
		bool seal = work && !READ_ONCE(store->wal.kicked);

		WRITE_ONCE(store->wal.kicked, false);
		if (seal && !kthread_should_stop() && !qbd_kstore_dead(store))
			qbd_wal_commit(store);
		while (!qbd_kstore_dead(store) && qbd_wal_commit_due(store))
			qbd_wal_commit(store);
	}
	qbd_wal_tell_failed(store);
	/* The object waits for us: stay until we are stopped. */
	wait_event_idle(store->wal.wait, kthread_should_stop());
	memalloc_noio_restore(noio);
	return 0;
}

/**
 * qbd_wal_start() - start the log's thread
 * @store: the store, replayed
 *
 * Return: 0 or a negative errno.
 */
int qbd_wal_start(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;
	struct task_struct *thread;

	wal->header = (void *)get_zeroed_page(GFP_KERNEL);
	if (!wal->header)
		return -ENOMEM;
	thread = kthread_run(qbd_wal_thread, store, "qbd_wal/%u", store->id);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wal->thread = thread;
	return 0;
}

/**
 * qbd_wal_stop() - stop it, and give up what it used
 * @store: the store; the thread may never have run
 *
 * Waits for the segment under way.
 */
void qbd_wal_stop(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;

	if (wal->thread)
		kthread_stop(wal->thread);
	wal->thread = NULL;
	free_page((unsigned long)wal->header);
	wal->header = NULL;
}
