// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/Os of a checkpoint: started one by one up to a depth, ended in interrupts.
 *
 * The first one that fails is kept in apply->error for the end of the phase.
 * One that does not end in time fails the store, but is still waited for.
 *
 * Context: the checkpoint's thread; ends of bios in any.  What both touch is
 * under the lock of apply->wait.
 */
#include "fault.h"
#include "store_object.h"

static void qbd_apply_io_end(struct qbd_bio_group *group)
{
	struct qbd_apply_io *io =
		container_of(group, struct qbd_apply_io, group);
	struct qbd_apply *apply = io->apply;
	unsigned long flags;

	qbd_payload_put(io->payload);
	/* Under the queue's lock: see qbd_wait_settle(). */
	spin_lock_irqsave(&apply->wait.lock, flags);
	if (group->error == -EOPNOTSUPP && io->what.op == QBD_IO_ZERO) {
		io->redo = true;
		WRITE_ONCE(apply->nr_redo, apply->nr_redo + 1);
	} else {
		if (group->error)
			cmpxchg(&apply->error, 0, group->error);
		io->busy = false;
		WRITE_ONCE(apply->nr_busy, apply->nr_busy - 1);
	}
	wake_up_locked(&apply->wait);
	spin_unlock_irqrestore(&apply->wait.lock, flags);
}

static void qbd_apply_redo(struct qbd_store *store)
{
	struct qbd_apply *apply = &store->apply;
	struct qbd_apply_io *io;
	bool redo;

	for (io = apply->io; io < apply->io + QBD_STORE_CKPT_DEPTH; io++) {
		spin_lock_irq(&apply->wait.lock);
		redo = io->redo;
		apply->nr_redo -= redo;
		io->redo = false;
		spin_unlock_irq(&apply->wait.lock);
		if (!redo)
			continue;
		qbd_group_init(&io->group, &store->backend, qbd_apply_io_end);
		qbd_group_io(&io->group, &io->what);
		qbd_group_submitted(&io->group);
	}
}

/**
 * qbd_apply_wait() - wait for I/Os
 * @store: the store
 * @most: until at most so many are under way
 *
 * They must end, whatever else has happened: they use our pages.
 */
void qbd_apply_wait(struct qbd_store *store, u32 most)
{
	const unsigned long timeout = msecs_to_jiffies(QBD_STORE_IO_TIMEOUT_MS);
	struct qbd_apply *apply = &store->apply;
	bool late = false;

	while (READ_ONCE(apply->nr_busy) > most) {
		if (READ_ONCE(apply->nr_redo))
			qbd_apply_redo(store);
		if (wait_event_idle_timeout(apply->wait,
					    READ_ONCE(apply->nr_busy) <= most ||
						    READ_ONCE(apply->nr_redo),
					    timeout) ||
		    late)
			continue;
		late = true;
		qbd_kstore_fail(store, -ETIMEDOUT,
				"a checkpoint's I/O did not end in %u ms",
				QBD_STORE_IO_TIMEOUT_MS);
	}
	qbd_wait_settle(&apply->wait);
}

static struct qbd_apply_io *qbd_apply_io_start(struct qbd_store *store,
					       const struct qbd_io *what,
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
	io->what = *what;
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
	struct qbd_apply_io *io = qbd_apply_io_start(store, &todo->io, NULL);

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
	io = qbd_apply_io_start(store, &todo->io, NULL);
	qbd_apply_write_payload(io, &todo->io, apply->copy);
	qbd_group_submitted(&io->group);
	return 0;
}

/* Into the buffer and out of it: one at a time. */
static int qbd_apply_clone(struct qbd_store *store, const struct qbd_io *what)
{
	struct qbd_apply *apply = &store->apply;
	struct qbd_bio_build build;
	struct qbd_apply_io *io;
	u32 i;

	qbd_apply_wait(store, 0);
	apply->copy_lpos = U64_MAX;
	io = qbd_apply_io_start(store, what, NULL);
	qbd_build_start(&build, &io->group, REQ_OP_READ, what->from,
			what->blocks);
	for (i = 0; i < what->blocks; i++)
		qbd_build_add(&build, apply->copy->page[i], 0, QBD_BLOCK_SIZE);
	qbd_build_end(&build);
	qbd_group_submitted(&io->group);
	qbd_apply_wait(store, 0);
	if (apply->error)
		return apply->error;
	io = qbd_apply_io_start(store, what, NULL);
	qbd_apply_write_payload(io, what, apply->copy);
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
	struct qbd_pool *pool = &store->stores->pools->pool[QBD_POOL_RELOG];
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
	case QBD_IO_CLONE:
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

/**
 * qbd_apply_phase_fault() - all I/Os of a phase have ended: a failpoint
 * @store: the store
 */
void qbd_apply_phase_fault(struct qbd_store *store)
{
	if (qbd_apply_fault(store->apply.kind, true))
		qbd_kstore_crash(store);
}

/**
 * qbd_apply_start_io() - start an I/O that the core described
 * @store: the store
 * @todo: the I/O; its payload's reference is used up
 *
 * COPY and LOAD read from the log, CLONE from home, and wait for it.
 */
void qbd_apply_start_io(struct qbd_store *store, struct qbd_apply_todo *todo)
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
	} else if (todo->io.op == QBD_IO_CLONE) {
		err = qbd_apply_clone(store, &todo->io);
	} else if (kind == QBD_APPLY_HOME && !todo->payload &&
		   todo->io.op == QBD_IO_WRITE) {
		err = -EUCLEAN;
	} else {
		io = qbd_apply_io_start(store, &todo->io, todo->payload);
		if (todo->payload)
			qbd_apply_write_payload(io, &todo->io, todo->payload);
		else
			qbd_group_io(&io->group, &todo->io);
		qbd_group_submitted(&io->group);
	}
	if (err)
		cmpxchg(&apply->error, 0, err);
}
