// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints: the thread that carries out what the core's checkpoint says.
 *
 * The core decides what goes where and in which order; here I/Os of a phase
 * are started as they come, up to a depth, and waited for at its end.  A
 * failed one fails the store.  One that does not end in time fails it too,
 * but is still waited for.
 *
 * Besides, the thread keeps the store's memory in bounds: it is the only one
 * that drops payloads, and it fills the reserve of map pages.
 *
 * Context: own thread, PF_MEMALLOC_NOIO; store->lock for the core only.
 */
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include "fault.h"
#include "store_object.h"
#include "trace.h"

/**
 * struct qbd_apply_todo - an I/O that the core described
 * @io: as described
 * @payload: what to write, referenced, or NULL
 * @lpos: COPY, LOAD: log position of the payload
 * @crc: COPY, LOAD: of the payload
 * @blocks: COPY, LOAD: length of the payload
 * @extent: COPY, LOAD: where it is
 * @nr_extents: COPY, LOAD: 1 or 2
 */
struct qbd_apply_todo {
	struct qbd_io io;
	struct qbd_payload *payload;
	u64 lpos;
	u32 crc;
	u32 blocks;
	struct qbd_extent extent[2];
	u32 nr_extents;
};

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

static void qbd_apply_give(struct qbd_pool_giver *giver)
{
	struct qbd_store *store = container_of(giver, struct qbd_store, giver);

	WRITE_ONCE(store->apply.hungry, true);
	wake_up(&store->apply.wait);
}

/* --- I/O --------------------------------------------------------------- */

static void qbd_apply_io_end(struct qbd_bio_group *group)
{
	struct qbd_apply_io *io =
		container_of(group, struct qbd_apply_io, group);
	struct qbd_apply *apply = io->apply;
	unsigned long flags;

	qbd_payload_put(io->payload);
	/* Pairs with qbd_apply_wait(); see qbd_wait_settle(). */
	spin_lock_irqsave(&apply->wait.lock, flags);
	if (group->error)
		cmpxchg(&apply->error, 0, group->error);
	io->busy = false;
	WRITE_ONCE(apply->nr_busy, apply->nr_busy - 1);
	wake_up_locked(&apply->wait);
	spin_unlock_irqrestore(&apply->wait.lock, flags);
}

/* Wait until at most @most I/Os are under way: all of them must end. */
static void qbd_apply_wait(struct qbd_store *store, u32 most)
{
	struct qbd_apply *apply = &store->apply;

	if (!wait_event_idle_timeout(apply->wait,
				     READ_ONCE(apply->nr_busy) <= most,
				     msecs_to_jiffies(QBD_STORE_IO_TIMEOUT_MS)))
		qbd_kstore_fail(store, -ETIMEDOUT,
				"a checkpoint's I/O did not end in %u ms",
				QBD_STORE_IO_TIMEOUT_MS);
	wait_event_idle(apply->wait, READ_ONCE(apply->nr_busy) <= most);
	qbd_wait_settle(&apply->wait);
}

static struct qbd_apply_io *qbd_apply_io_start(struct qbd_store *store,
					       struct qbd_payload *payload)
{
	struct qbd_apply *apply = &store->apply;
	struct qbd_apply_io *io = apply->io;

	qbd_apply_wait(store, QBD_STORE_CKPT_DEPTH - 1);
	spin_lock_irq(&apply->wait.lock);
	while (io->busy)
		io++;
	io->busy = true;
	apply->nr_busy++;
	spin_unlock_irq(&apply->wait.lock);
	io->apply = apply;
	io->payload = payload;
	qbd_group_init(&io->group, &store->backend, qbd_apply_io_end);
	if (qbd_fault(QBD_FAULT_CKPT_ERROR))
		qbd_group_fail(&io->group, -EIO);
	return io;
}

static void qbd_apply_write_payload(struct qbd_apply_io *io,
				    const struct qbd_io *what,
				    const struct qbd_payload *payload)
{
	struct qbd_bio_build build;
	u32 i;

	qbd_build_start(&build, &io->group, REQ_OP_WRITE, what->block,
			what->blocks);
	for (i = 0; i < what->blocks; i++)
		qbd_build_add(&build, payload->page[what->offset + i], 0,
			      QBD_BLOCK_SIZE);
	qbd_build_end(&build);
}

/* Read a payload back from the log, and wait. Nothing else is under way. */
static int qbd_apply_read_back(struct qbd_store *store,
			       const struct qbd_apply_todo *todo,
			       struct qbd_payload *payload)
{
	struct qbd_apply_io *io = qbd_apply_io_start(store, NULL);

	qbd_wal_read(&io->group, todo->extent, todo->nr_extents, payload);
	qbd_group_submitted(&io->group);
	qbd_apply_wait(store, 0);
	if (store->apply.error)
		return store->apply.error;
	return qbd_payload_crc_check(payload, todo->blocks, todo->crc);
}

static int qbd_apply_copy(struct qbd_store *store,
			  const struct qbd_apply_todo *todo)
{
	struct qbd_apply *apply = &store->apply;
	struct qbd_apply_io *io;
	int err;

	/* The pages may still be on their way home for the one before. */
	if (apply->copy_lpos != todo->lpos) {
		qbd_apply_wait(store, 0);
		apply->copy_lpos = U64_MAX;
		err = qbd_apply_read_back(store, todo, apply->copy);
		if (err)
			return err;
		apply->copy_lpos = todo->lpos;
	}
	io = qbd_apply_io_start(store, NULL);
	qbd_apply_write_payload(io, &todo->io, apply->copy);
	qbd_group_submitted(&io->group);
	return 0;
}

/*
 * Without pages, even after dropping what can be dropped, the payload stays
 * where it is: the core does without re-logging, and comes again.
 */
static int qbd_apply_load(struct qbd_store *store,
			  const struct qbd_apply_todo *todo)
{
	struct qbd_pool *pool = store->stores->pool;
	struct qbd_payload *payload;
	int err;

	payload = qbd_payload_alloc(pool, todo->blocks);
	if (!payload && qbd_kstore_payloads_drop(store, 0))
		payload = qbd_payload_alloc(pool, todo->blocks);
	if (!payload)
		return 0;
	qbd_apply_wait(store, 0);
	err = qbd_apply_read_back(store, todo, payload);
	if (err)
		goto put;
	payload->crc = todo->crc;
	spin_lock(&store->lock);
	err = qbd_store_payload_set(store->core, todo->io.rec, payload);
	if (!err)
		__qbd_kstore_payload_added(store, payload->nr_pages);
	spin_unlock(&store->lock);
	if (!err)
		return 0;
	/* It was truncated meanwhile: nobody needs it. */
	if (err == -ENOENT)
		err = 0;
put:
	qbd_payload_put(payload);
	return err;
}

static enum qbd_apply_kind qbd_apply_kind(const struct qbd_io *io)
{
	switch (io->op) {
	case QBD_IO_WRITE:
		if (!io->buf)
			return QBD_APPLY_HOME;
		return io->fua ? QBD_APPLY_SUPER : QBD_APPLY_META;
	case QBD_IO_COPY:
	case QBD_IO_ZERO:
		return QBD_APPLY_HOME;
	case QBD_IO_FLUSH:
		return QBD_APPLY_FLUSH;
	case QBD_IO_READ:
	case QBD_IO_LOAD:
		break;
	}
	return QBD_APPLY_NONE;
}

/* Failpoints of a kind of I/O: "before" has this number, "after" the next. */
static bool qbd_apply_fault(enum qbd_apply_kind kind, bool after)
{
	static const enum qbd_fault before[] = {
		[QBD_APPLY_HOME] = QBD_FAULT_CKPT_HOME_BEFORE,
		[QBD_APPLY_META] = QBD_FAULT_CKPT_META_BEFORE,
		[QBD_APPLY_FLUSH] = QBD_FAULT_CKPT_FLUSH_BEFORE,
		[QBD_APPLY_SUPER] = QBD_FAULT_CKPT_SUPER_BEFORE,
	};

	return kind != QBD_APPLY_NONE && qbd_fault(before[kind] + after);
}

static void qbd_apply_start_io(struct qbd_store *store,
			       struct qbd_apply_todo *todo)
{
	enum qbd_apply_kind kind = qbd_apply_kind(&todo->io);
	struct qbd_apply *apply = &store->apply;
	struct qbd_apply_io *io;
	int err = 0;

	if (apply->kind != kind && qbd_apply_fault(kind, false))
		qbd_kstore_crash(store);
	apply->kind = kind;
	apply->phase_ios++;
	apply->phase_blocks += todo->io.blocks;
	if (READ_ONCE(apply->error)) {
		qbd_payload_put(todo->payload);
		return;
	}
	if (todo->io.op == QBD_IO_COPY) {
		err = qbd_apply_copy(store, todo);
	} else if (todo->io.op == QBD_IO_LOAD) {
		err = qbd_apply_load(store, todo);
	} else if (kind == QBD_APPLY_HOME && !todo->payload &&
		   todo->io.op == QBD_IO_WRITE) {
		err = -EUCLEAN;
	} else {
		io = qbd_apply_io_start(store, todo->payload);
		if (todo->payload)
			qbd_apply_write_payload(io, &todo->io, todo->payload);
		else
			qbd_group_io(&io->group, &todo->io);
		qbd_group_submitted(&io->group);
	}
	if (err)
		cmpxchg(&apply->error, 0, err);
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

	if (qbd_apply_fault(apply->kind, true))
		qbd_kstore_crash(store);
	trace_qbd_ckpt_phase(store->id, apply->kind, apply->phase_ios,
			     apply->phase_blocks, apply->error,
			     ktime_get_ns() - start);
	err = apply->error;
	if (err && err != -ESHUTDOWN)
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

/* Reads of home that began before now end; see store_object.h. */
static void qbd_apply_grace(struct qbd_store *store)
{
	u32 side;

	spin_lock(&store->lock);
	side = store->home_side;
	store->home_side = !side;
	spin_unlock(&store->lock);
	wait_event_idle(store->home_wait,
			!atomic_read(&store->home_reads[side]) ||
				qbd_kstore_dead(store));
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
	qbd_wal_kick(store);
	wait_event_idle(store->apply.wait,
			qbd_kstore_dead(store) || qbd_apply_committed(store));
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

static void qbd_apply_checkpoint(struct qbd_store *store, bool close)
{
	struct qbd_apply *apply = &store->apply;
	u64 start = ktime_get_ns();
	struct blk_plug plug;
	int err;

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
	if (err)
		qbd_kstore_fail(store, err, "the checkpoint failed: %d", err);
	else
		qbd_apply_tell_space(store);
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

static void qbd_apply_round(struct qbd_store *store)
{
	struct qbd_apply *apply = &store->apply;
	enum qbd_ckpt_need need;
	bool idle;

	idle = !wait_event_idle_timeout(
		apply->wait, qbd_apply_called(store),
		msecs_to_jiffies(QBD_STORE_CKPT_IDLE_MS));
	WRITE_ONCE(apply->kicked, false);
	if (kthread_should_stop() || qbd_kstore_dead(store))
		return;
	qbd_apply_memory(store);
	if (READ_ONCE(apply->close))
		return;
	need = qbd_apply_need(store);
	if (need == QBD_CKPT_NOW || (need == QBD_CKPT_SOON && idle))
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
		qbd_payload_alloc(store->stores->pool, QBD_STORE_COPY_PAGES);
	if (!apply->copy)
		return -ENOMEM;
	thread =
		kthread_run(qbd_apply_thread, store, "qbd_apply/%u", store->id);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	apply->thread = thread;
	store->giver.give = qbd_apply_give;
	qbd_pool_giver_add(store->stores->pool, &store->giver);
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
		qbd_pool_giver_del(store->stores->pool, &store->giver);
		kthread_stop(apply->thread);
	}
	apply->thread = NULL;
	qbd_payload_put(apply->copy);
	apply->copy = NULL;
}
