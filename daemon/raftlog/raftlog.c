// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work comes from the event loop, is carried out by the writer, and goes back
 * (raftlog.h). Nothing here touches a file.
 */
#include "store.h"

static void rl_queue(struct raftlog *rl, enum rl_job_state *state)
{
	pthread_mutex_lock(&rl->lock);
	*state = RL_JOB_QUEUED;
	pthread_cond_signal(&rl->wake);
	pthread_mutex_unlock(&rl->lock);
}

static bool rl_idle(struct raftlog *rl, const enum rl_job_state *state)
{
	bool idle;

	pthread_mutex_lock(&rl->lock);
	idle = *state == RL_JOB_NONE;
	pthread_mutex_unlock(&rl->lock);
	return idle;
}

/* Its entries, now: the log may change as soon as this returns. */
static int rl_batch_copy(struct raftlog *rl, const struct raft_batch *batch,
			 const struct raft_log *log)
{
	struct rl_batch_job *job = &rl->batch;
	struct raft_entry entry;
	u64 index, bytes = 0;
	int len;

	job->bytes = 0;
	if (!(batch->what & RAFT_STORE_ENTRIES))
		return 0;
	if (!batch->first || batch->last < batch->first)
		return -EINVAL;
	for (index = batch->first; index <= batch->last; index++) {
		if (raft_log_get(log, index, &entry))
			return -EINVAL;
		bytes += raft_entry_bytes(entry.bytes);
		if (entry.bytes > rl->opt.entry_bytes ||
		    bytes > rl->opt.batch_bytes)
			return -EMSGSIZE;
	}
	if (bytes > job->room) {
		job->buf = rl_alloc(job->buf, bytes);
		job->room = bytes;
	}
	for (index = batch->first; index <= batch->last; index++) {
		raft_log_get(log, index, &entry);
		len = raft_entry_encode(&entry, NULL, job->buf + job->bytes,
					job->room - job->bytes);
		if (len < 0)
			return len;
		job->bytes += len;
	}
	return 0;
}

/**
 * raftlog_submit() - a batch for the store
 * @rl: the store
 * @batch: what to do; its number is not 0
 * @log: has the entries; they are copied
 *
 * Return: 0: raftlog_poll() will say PERSISTED; -EUCLEAN: damaged; -EBUSY:
 * there is one under way; -EINVAL: it can not be; -EMSGSIZE: more than the
 * options say there ever is.
 */
int raftlog_submit(struct raftlog *rl, const struct raft_batch *batch,
		   const struct raft_log *log)
{
	int err;

	if (rl->damaged)
		return -EUCLEAN;
	if (!rl_idle(rl, &rl->batch.state))
		return -EBUSY;
	err = batch->seq ? rl_batch_copy(rl, batch, log) : -EINVAL;
	if (err)
		return err;
	rl->batch.batch = *batch;
	rl_queue(rl, &rl->batch.state);
	return 0;
}

/**
 * raftlog_chunk() - a piece of the snapshot that is being received
 * @rl: the store
 * @chunk: it; copied
 *
 * Return: 0: raftlog_poll() will say CHUNK; -EUCLEAN: damaged; -EBUSY: there is
 * one under way; -EINVAL: it can not be.
 */
int raftlog_chunk(struct raftlog *rl, const struct raft_chunk *chunk)
{
	struct rl_chunk_job *job = &rl->chunk;

	if (rl->damaged)
		return -EUCLEAN;
	if (!rl_idle(rl, &job->state))
		return -EBUSY;
	if (!chunk->bytes || chunk->bytes > RAFTLOG_PIECE_MAX ||
	    chunk->offset >= chunk->snap->bytes || !chunk->snap->pos.index ||
	    !chunk->snap->conf.nr || raft_config_check(&chunk->snap->conf))
		return -EINVAL;
	job->snap = *chunk->snap;
	job->offset = chunk->offset;
	job->bytes = chunk->bytes;
	memcpy(job->data, chunk->data, chunk->bytes);
	rl_queue(rl, &job->state);
	return 0;
}

/**
 * raftlog_take() - store an own snapshot
 * @rl: the store
 * @snap: position and configuration, from raft_snapshot_begin()
 * @data: its content; left alone until raftlog_poll() says TAKEN
 * @bytes: of it
 *
 * Return: 0: raftlog_poll() will say TAKEN; -EUCLEAN: damaged; -EBUSY: there is
 * one under way; -EFBIG: larger than the options allow; -EINVAL: it can not be.
 */
int raftlog_take(struct raftlog *rl, const struct raft_snap *snap,
		 const void *data, u64 bytes)
{
	struct rl_take_job *job = &rl->take;

	if (rl->damaged)
		return -EUCLEAN;
	if (!rl_idle(rl, &job->state))
		return -EBUSY;
	if (bytes > rl->opt.snapshot_bytes)
		return -EFBIG;
	if (!bytes || !snap->pos.index || !snap->pos.term || !snap->conf.nr ||
	    raft_config_check(&snap->conf) ||
	    snap->conf.index > snap->pos.index)
		return -EINVAL;
	memset(&job->made, 0, sizeof(job->made));
	job->made.snap = *snap;
	job->made.snap.bytes = bytes;
	job->data = data;
	job->file = -1;
	rl_queue(rl, &job->state);
	return 0;
}

/**
 * raftlog_retry() - is there room again?
 * @rl: the store; it is tried by the writer
 */
void raftlog_retry(struct raftlog *rl)
{
	pthread_mutex_lock(&rl->lock);
	rl->refill = !rl->damaged;
	pthread_cond_signal(&rl->wake);
	pthread_mutex_unlock(&rl->lock);
}

/* --- the writer ----------------------------------------------------------- */

/* What the writer knows is what others see, from here on. */
static void rl_publish(struct raftlog *rl)
{
	rl_seg_publish(rl);
	rl->now.generation = rl->hard.generation;
	rl->now.term = rl->hard.term;
	rl->now.vote = rl->hard.vote;
	rl->now.known = rl->hard.known;
	rl->now.snap = rl->snap.snap.pos;
	rl->now.spares = rl->spares;
	rl->info = rl->now;
}

static bool rl_begin(enum rl_job_state *state)
{
	if (*state != RL_JOB_QUEUED)
		return false;
	*state = RL_JOB_BUSY;
	return true;
}

/* Lock held, and held again at the end; dropped in between. */
static bool rl_work_locked(struct raftlog *rl)
{
	bool batch = rl_begin(&rl->batch.state);
	bool chunk = !batch && rl_begin(&rl->chunk.state);
	bool take = !batch && !chunk && rl_begin(&rl->take.state);
	bool refill = !batch && !chunk && !take && rl->refill;
	int err = rl->now.err;

	if (!batch && !chunk && !take && !refill)
		return false;
	rl->refill &= !refill;
	pthread_mutex_unlock(&rl->lock);
	if (!err) {
		if (batch)
			err = rl_batch_run(rl, &rl->batch);
		else if (chunk)
			err = rl_chunk_run(rl, &rl->chunk);
		else if (take)
			err = rl_take_run(rl, &rl->take);
		else
			err = rl_spares_fill(rl);
	}
	pthread_mutex_lock(&rl->lock);
	if (batch) {
		rl->batch.err = err;
		rl->batch.state = RL_JOB_DONE;
	} else if (chunk) {
		rl->chunk.err = err;
		rl->chunk.state = RL_JOB_DONE;
	} else if (take) {
		rl->take.err = err;
		rl->take.state = err == -EAGAIN ? RL_JOB_QUEUED : RL_JOB_DONE;
	}
	rl->refill |= !refill && rl->spares < rl->spares_want;
	return true;
}

/**
 * raftlog_work() - carry out one piece of work
 * @rl: the store
 *
 * Called by the writer only.  When the store has stopped work fails at once.
 *
 * Return: false: there was none.
 */
bool raftlog_work(struct raftlog *rl)
{
	bool worked;

	pthread_mutex_lock(&rl->lock);
	worked = rl_work_locked(rl);
	if (worked)
		rl_publish(rl);
	pthread_mutex_unlock(&rl->lock);
	if (worked)
		rl_thread_tell(rl);
	return worked;
}

/* --- back to the event loop ----------------------------------------------- */

static bool rl_poll_locked(struct raftlog *rl, struct raftlog_done *done)
{
	if (rl->batch.state == RL_JOB_DONE) {
		rl->batch.state = RL_JOB_NONE;
		done->kind = RAFTLOG_PERSISTED;
		done->event.kind = RAFT_EV_PERSISTED;
		done->event.seq = rl->batch.batch.seq;
		done->event.err = rl->batch.err;
	} else if (rl->chunk.state == RL_JOB_DONE) {
		rl->chunk.state = RL_JOB_NONE;
		done->kind = RAFTLOG_CHUNK;
		done->event.kind = RAFT_EV_CHUNK;
		done->event.err = rl->chunk.err;
	} else if (rl->take.state == RL_JOB_DONE) {
		rl->take.state = RL_JOB_NONE;
		done->kind = RAFTLOG_TAKEN;
		done->snap = rl->take.made.snap;
		done->event.kind = RAFT_EV_COMPACT;
		done->event.snap = &done->snap;
		done->event.err = rl->take.err;
	} else if (rl->full_told != rl->info.full) {
		rl->full_told = rl->info.full;
		done->kind = RAFTLOG_ROOM;
	} else {
		return false;
	}
	return true;
}

/**
 * raftlog_poll() - something that is done
 * @rl: the store
 * @done: what
 *
 * Called until it has nothing more, whenever raftlog_fd() is readable.
 *
 * Return: false: nothing.
 */
bool raftlog_poll(struct raftlog *rl, struct raftlog_done *done)
{
	bool some;

	memset(done, 0, sizeof(*done));
	pthread_mutex_lock(&rl->lock);
	some = rl_poll_locked(rl, done);
	pthread_mutex_unlock(&rl->lock);
	return some;
}

/**
 * raftlog_look() - how is it?
 * @rl: the store
 * @info: filled
 */
void raftlog_look(struct raftlog *rl, struct raftlog_info *info)
{
	pthread_mutex_lock(&rl->lock);
	*info = rl->info;
	pthread_mutex_unlock(&rl->lock);
}
