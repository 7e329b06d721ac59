// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints: the thread that carries out what the core's checkpoint says.
 *
 * The core decides what goes where and in which order; here I/Os of a phase
 * are started as they come (apply_io.c) and waited for at its end.  A failed
 * one fails the store.
 *
 * Besides, the thread keeps the store's memory in bounds: it is the only one
 * that drops payloads, and it fills the reserve of map pages.
 *
 * Context: own thread, PF_MEMALLOC_NOIO; store->lock for the core only.
 */
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include "store_object.h"
#include "trace.h"

/**
 * qbd_apply_kick() - there may be a reason for a checkpoint
 * @store: the store
 *
 * Context: any.
 */
void qbd_apply_kick(struct qbd_store *store)
{
	WRITE_ONCE(store->apply.kicked, true);
	wake_up(&store->apply.wait);
}

static void qbd_apply_give(struct qbd_pool_giver *giver,
			   const struct qbd_pool *pool)
{
	struct qbd_store *store = container_of(giver, struct qbd_store, giver);

	WRITE_ONCE(store->apply.hungry, true);
	wake_up(&store->apply.wait);
}

/* --- a checkpoint ------------------------------------------------------ */

static enum qbd_ckpt_step qbd_apply_next(struct qbd_store *store,
					 struct qbd_apply_todo *todo)
{
	const struct qbd_rec *rec;
	enum qbd_ckpt_step step;

	todo->payload = NULL;
	spin_lock(&store->lock);
	step = qbd_ckpt_next(store->core, &todo->io);
	if (step != QBD_CKPT_IO)
		goto unlock;
	rec = qbd_store_rec(store->core, todo->io.rec);
	if (todo->io.op == QBD_IO_WRITE && !todo->io.buf &&
	    !WARN_ON_ONCE(!rec->payload))
		todo->payload = qbd_payload_get(rec->payload);
	if (todo->io.op == QBD_IO_COPY || todo->io.op == QBD_IO_LOAD) {
		todo->lpos = rec->lpos;
		todo->crc = rec->desc.crc;
		todo->blocks = rec->desc.payload_blocks;
		todo->nr_extents = qbd_store_log_extents(
			store->core, rec->lpos, todo->blocks, todo->extent);
	}
unlock:
	spin_unlock(&store->lock);
	qbd_kstore_payloads_release(store);
	return step;
}

static void qbd_apply_phase_end(struct qbd_store *store, u64 start)
{
	struct qbd_apply *apply = &store->apply;
	int err;

	qbd_apply_phase_fault(store);
	trace_qbd_ckpt_phase(store->id, apply->kind, apply->phase_ios,
			     apply->phase_blocks, apply->error,
			     ktime_get_ns() - start);
	err = apply->error;
	if (err)
		qbd_kstore_fail(store, err, "a checkpoint's I/O failed: %d",
				err);
	spin_lock(&store->lock);
	qbd_ckpt_phase_end(store->core, err ?: store->error);
	spin_unlock(&store->lock);
	qbd_kstore_payloads_release(store);
	apply->kind = QBD_APPLY_NONE;
	apply->phase_ios = 0;
	apply->phase_blocks = 0;
}

/**
 * qbd_apply_grace() - wait for reads of home that began before
 * @store: the store
 *
 * See store_object.h.  By the checkpoint, and by who writes to a shadow.
 */
void qbd_apply_grace(struct qbd_store *store)
{
	u32 side;

	mutex_lock(&store->grace);
	spin_lock(&store->lock);
	side = store->home_side;
	store->home_side = !side;
	spin_unlock(&store->lock);
	wait_event_idle(store->home_wait,
			!atomic_read(&store->home_reads[side]) ||
				qbd_kstore_dead(store));
	mutex_unlock(&store->grace);
}

static bool qbd_apply_committed(struct qbd_store *store)
{
	bool pending;

	spin_lock(&store->lock);
	pending = qbd_ckpt_commit_pending(store->core);
	spin_unlock(&store->lock);
	return !pending;
}

static void qbd_apply_commits(struct qbd_store *store)
{
	WRITE_ONCE(store->apply.commits, true);
	qbd_wal_kick(store);
	wait_event_idle(store->apply.wait,
			qbd_kstore_dead(store) || qbd_apply_committed(store));
	WRITE_ONCE(store->apply.commits, false);
}

static enum qbd_ckpt_step qbd_apply_steps(struct qbd_store *store)
{
	struct qbd_apply_todo todo;
	u64 start = ktime_get_ns();
	enum qbd_ckpt_step step;

	for (;;) {
		step = qbd_apply_next(store, &todo);
		switch (step) {
		case QBD_CKPT_MORE:
			cond_resched();
			continue;
		case QBD_CKPT_IO:
			qbd_apply_start_io(store, &todo);
			continue;
		case QBD_CKPT_WAIT:
			break;
		case QBD_CKPT_GRACE:
			qbd_apply_grace(store);
			break;
		case QBD_CKPT_COMMIT:
			qbd_apply_commits(store);
			break;
		case QBD_CKPT_DONE:
		case QBD_CKPT_FAILED:
			qbd_apply_wait(store, 0);
			return step;
		}
		qbd_apply_wait(store, 0);
		qbd_apply_phase_end(store, start);
		start = ktime_get_ns();
	}
}

/* Who was refused for lack of room tries again. */
static void qbd_apply_tell_space(struct qbd_store *store)
{
	struct qbd_store_user *user;
	u32 slot;

	for (slot = 0; slot < QBD_STORE_REPLICAS_MAX; slot++) {
		spin_lock(&store->lock);
		user = store->user[slot];
		if (user && user->wants_space)
			user->ops->get(user);
		else
			user = NULL;
		if (user)
			user->wants_space = false;
		spin_unlock(&store->lock);
		if (!user)
			continue;
		user->ops->space(user);
		user->ops->put(user);
	}
}

static void qbd_apply_made_room(struct qbd_store *store)
{
	spin_lock(&store->lock);
	if (store->state == QBD_STORE_ACTIVE)
		__qbd_kstore_space(store);
	spin_unlock(&store->lock);
	qbd_apply_tell_space(store);
}

static void qbd_apply_checkpoint(struct qbd_store *store, bool close)
{
	struct qbd_apply *apply = &store->apply;
	u64 start = ktime_get_ns();
	struct blk_plug plug;
	int err;

	qbd_kstore_pin_fill(store);
	spin_lock(&store->lock);
	err = store->error ?: qbd_ckpt_begin(store->core, close);
	spin_unlock(&store->lock);
	if (err)
		return;
	trace_qbd_ckpt_begin(store->id, close);
	apply->error = 0;
	apply->copy_lpos = U64_MAX;
	blk_start_plug(&plug);
	if (qbd_apply_steps(store) == QBD_CKPT_FAILED)
		err = store->error ?: -EIO;
	blk_finish_plug(&plug);
	trace_qbd_ckpt_end(store->id, err, ktime_get_ns() - start);
	qbd_kstore_pages_drop(store);
	if (err)
		qbd_kstore_fail(store, err, "the checkpoint failed: %d", err);
	else
		qbd_apply_made_room(store);
}

/* --- the thread -------------------------------------------------------- */

static enum qbd_ckpt_need qbd_apply_need(struct qbd_store *store)
{
	enum qbd_ckpt_need need;

	spin_lock(&store->lock);
	need = qbd_ckpt_wanted(store->core);
	spin_unlock(&store->lock);
	return need;
}

static void qbd_apply_memory(struct qbd_store *store)
{
	bool scarce = READ_ONCE(store->spare.nr) < QBD_STORE_SPARE_MAP_PAGES;
	u32 keep = qbd_kstore_ram_bound(store);

	if (xchg(&store->apply.hungry, false))
		keep = min(keep, READ_ONCE(store->ram.pages) / 2);
	qbd_kstore_payloads_drop(store, keep);
	if (!scarce)
		return;
	qbd_kstore_spare_fill(store);
	qbd_apply_tell_space(store);
}

static bool qbd_apply_called(struct qbd_store *store)
{
	struct qbd_apply *apply = &store->apply;

	return READ_ONCE(apply->kicked) || READ_ONCE(apply->hungry) ||
	       READ_ONCE(apply->close) || kthread_should_stop() ||
	       qbd_kstore_dead(store);
}

/*
 * Is a checkpoint due? One that is not urgent waits for a quiet moment, but not
 * for ever: a store that has more in memory than it should is kicked with each
 * segment, and is never quiet while somebody writes.
 */
static bool qbd_apply_due(struct qbd_store *store, bool idle)
{
	const unsigned long wait = msecs_to_jiffies(QBD_STORE_CKPT_SOON_MS);
	enum qbd_ckpt_need need = qbd_apply_need(store);
	struct qbd_apply *apply = &store->apply;

	if (need != QBD_CKPT_SOON) {
		apply->soon = false;
		return need == QBD_CKPT_NOW;
	}
	if (!apply->soon)
		apply->soon_since = jiffies;
	apply->soon = true;
	return idle || time_after_eq(jiffies, apply->soon_since + wait);
}

static void qbd_apply_round(struct qbd_store *store)
{
	struct qbd_apply *apply = &store->apply;
	bool idle;

	idle = !wait_event_idle_timeout(
		apply->wait, qbd_apply_called(store),
		msecs_to_jiffies(QBD_STORE_CKPT_SOON_MS));
	WRITE_ONCE(apply->kicked, false);
	if (kthread_should_stop() || qbd_kstore_dead(store))
		return;
	qbd_apply_memory(store);
	if (READ_ONCE(apply->close))
		return;
	if (!qbd_apply_due(store, idle))
		return;
	apply->soon = false;
	qbd_apply_checkpoint(store, false);
}

static int qbd_apply_thread(void *data)
{
	struct qbd_store *store = data;
	struct qbd_apply *apply = &store->apply;
	unsigned int noio = memalloc_noio_save();

	if (apply->first)
		qbd_apply_checkpoint(store, false);
	WRITE_ONCE(apply->first, false);
	wake_up_all(&apply->wait);
	while (!kthread_should_stop() && !qbd_kstore_dead(store) &&
	       !READ_ONCE(apply->close))
		qbd_apply_round(store);
	if (READ_ONCE(apply->close) && !qbd_kstore_dead(store))
		qbd_apply_checkpoint(store, true);
	/* it may be there for long, and others can use the pages */
	if (qbd_kstore_dead(store))
		qbd_kstore_payloads_drop(store, 0);
	WRITE_ONCE(apply->closed, true);
	wake_up_all(&apply->wait);
	/* The object waits for us: stay until we are stopped. */
	wait_event_idle(apply->wait, kthread_should_stop());
	memalloc_noio_restore(noio);
	return 0;
}

/**
 * qbd_apply_start() - start the thread
 * @store: the store, replayed
 * @first: begin with a checkpoint, and wait for it
 *
 * Return: 0 or a negative errno.
 */
int qbd_apply_start(struct qbd_store *store, bool first)
{
	struct qbd_apply *apply = &store->apply;
	struct task_struct *thread;

	apply->first = first;
	apply->copy =
		qbd_payload_alloc(&store->stores->pools->pool[QBD_POOL_LOCAL],
				  QBD_STORE_COPY_PAGES);
	if (!apply->copy)
		return -ENOMEM;
	thread =
		kthread_run(qbd_apply_thread, store, "qbd_apply/%u", store->id);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	apply->thread = thread;
	store->giver.give = qbd_apply_give;
	qbd_pool_giver_add(store->stores->pools, &store->giver);
	wait_event_idle(apply->wait, !READ_ONCE(apply->first));
	return store->error;
}

/**
 * qbd_apply_close() - make the last checkpoint, and wait for it
 * @store: CLOSING; nothing happens if it has failed, or was never open
 */
void qbd_apply_close(struct qbd_store *store)
{
	struct qbd_apply *apply = &store->apply;

	if (!apply->thread)
		return;
	WRITE_ONCE(apply->close, true);
	wake_up_all(&apply->wait);
	wait_event_idle(apply->wait, READ_ONCE(apply->closed));
}

/**
 * qbd_apply_stop() - stop the thread, and give up what it used
 * @store: the store; the thread may never have run
 */
void qbd_apply_stop(struct qbd_store *store)
{
	struct qbd_apply *apply = &store->apply;

	if (apply->thread) {
		qbd_pool_giver_del(store->stores->pools, &store->giver);
		kthread_stop(apply->thread);
	}
	apply->thread = NULL;
	qbd_payload_put(apply->copy);
	apply->copy = NULL;
}
