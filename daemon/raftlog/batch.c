// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a batch has, step by step; raftlog.h says why in this order.
 */
#include "../probe.h"
#include "store.h"

static int rl_do_state(struct raftlog *rl, const struct rl_batch_job *job)
{
	const struct raft_batch *batch = &job->batch;
	struct raft_hard hard = rl->hard;

	if (batch->what & RAFT_STORE_STATE) {
		hard.term = batch->term;
		hard.vote = batch->vote;
	}
	if (batch->what & RAFT_STORE_TRUNCATE &&
	    !QBD_MUTANT(raftlog_known_not_lowered))
		hard.known = min(hard.known, batch->keep);
	if (!(batch->what & RAFT_STORE_STATE) && hard.known == rl->hard.known)
		return 0;
	return rl_hard_write(rl, &hard, true);
}

static int rl_do_install(struct raftlog *rl, const struct rl_batch_job *job)
{
	if (!(job->batch.what & RAFT_STORE_INSTALL))
		return 0;
	return rl_snap_install(rl, job->batch.snap);
}

static int rl_do_truncate(struct raftlog *rl, const struct rl_batch_job *job)
{
	if (!(job->batch.what & RAFT_STORE_TRUNCATE))
		return 0;
	return rl_log_truncate(rl, job->batch.keep);
}

static int rl_do_drop(struct raftlog *rl, const struct rl_batch_job *job)
{
	if (!(job->batch.what & RAFT_STORE_DROP))
		return 0;
	return rl_log_drop(rl, job->batch.drop);
}

static int rl_do_entries(struct raftlog *rl, const struct rl_batch_job *job)
{
	if (!(job->batch.what & RAFT_STORE_ENTRIES))
		return 0;
	return rl_log_append(rl, &job->batch, job->buf, job->bytes);
}

static int rl_do_known(struct raftlog *rl, const struct rl_batch_job *job)
{
	u64 known = 0;

	if (job->batch.what & RAFT_STORE_ENTRIES)
		known = job->batch.last;
	if (job->batch.what & RAFT_STORE_INSTALL)
		known = max(known, job->batch.snap.index);
	return rl_known_raise(rl, known);
}

/**
 * rl_batch_run() - carry out a batch
 * @rl: the store
 * @job: the batch
 *
 * Return: 0: all of it is on stable media; or the store has stopped.
 */
int rl_batch_run(struct raftlog *rl, const struct rl_batch_job *job)
{
	int err = 0;

	DTRACE_PROBE1(qbdd, raft_store_begin, job->bytes);
	if (QBD_MUTANT(raftlog_drop_before_snapshot))
		err = rl_do_drop(rl, job);
	if (QBD_MUTANT(raftlog_known_before_entries) && !err)
		err = rl_do_known(rl, job);
	err = err ?: rl_do_state(rl, job);
	err = err ?: rl_do_install(rl, job);
	err = err ?: rl_do_truncate(rl, job);
	err = err ?: rl_do_drop(rl, job);
	err = err ?: rl_do_entries(rl, job);
	err = err ?: rl_do_known(rl, job);
	rl->now.batches += !err;
	DTRACE_PROBE1(qbdd, raft_store_end, err);
	return err;
}
