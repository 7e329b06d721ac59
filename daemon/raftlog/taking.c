// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own snapshots: written a slice at a time, so that no batch waits for more
 * than one of them, and named when all of it is on stable media.
 */
#include "store.h"

static int rl_take_begin(struct raftlog *rl, struct rl_take_job *job)
{
	job->made.at = RAFTLOG_PAGE;
	job->made.digest = RAFTLOG_DIGEST;
	job->file = rl->env.open(rl->env.dir, RL_TAKING, RAFTLOG_CREATE);
	return min(job->file, 0);
}

static int rl_take_slice(struct raftlog *rl, struct rl_take_job *job)
{
	u64 end = min(job->made.have + RL_SLICE, job->made.snap.bytes);
	u32 bytes;
	int err = 0;

	while (job->made.have < end && !err) {
		bytes = (u32)min(end - job->made.have, (u64)RAFTLOG_PIECE_MAX);
		err = rl_piece_write(rl, job->file, &job->made,
				     job->data + job->made.have, bytes);
	}
	if (err || QBD_MUTANT(raftlog_rename_before_sync))
		return err;
	rl->now.syncs++;
	return rl->env.sync(rl->env.dir, job->file);
}

/* The first page comes last: without it the file is nothing. */
static int rl_take_name(struct raftlog *rl, struct rl_take_job *job)
{
	char name[RAFTLOG_NAME_MAX];
	u8 page[RAFTLOG_PAGE];
	int err;

	job->made.snap.id = job->made.digest;
	rl_snap_encode(&rl->id, &job->made.snap, page);
	rl_snap_name(name, &job->made.snap);
	err = rl_try_write(rl, job->file, page, sizeof(page), 0);
	if (err)
		return err;
	if (!QBD_MUTANT(raftlog_rename_before_sync))
		err = rl_file_sync(rl, job->file, RL_TAKING);
	if (!err)
		err = rl_dir_rename(rl, RL_TAKING, name);
	if (!err)
		err = rl_dir_sync(rl);
	if (!err)
		err = rl_snap_replace(rl, &job->made);
	return err ?: rl_known_raise(rl, job->made.snap.pos.index);
}

static int rl_take_step(struct raftlog *rl, struct rl_take_job *job)
{
	int err;

	/* a newer one was installed meanwhile */
	if (job->made.snap.pos.index <= rl->snap.snap.pos.index)
		return -ESTALE;
	if (job->file < 0) {
		err = rl_take_begin(rl, job);
		if (err)
			return err;
	}
	err = rl_take_slice(rl, job);
	if (err)
		return err;
	if (job->made.have < job->made.snap.bytes)
		return -EAGAIN;
	return rl_take_name(rl, job);
}

/**
 * rl_take_run() - a slice of an own snapshot
 * @rl: the store
 * @job: the snapshot
 *
 * Return: 0: it is there; -EAGAIN: there is more to do; -ESTALE: a newer one
 * came; -ENOSPC: no room; or the store has stopped.
 */
int rl_take_run(struct raftlog *rl, struct rl_take_job *job)
{
	bool begun;
	int err = rl_take_step(rl, job);

	if (err == -EAGAIN)
		return err;
	begun = job->file >= 0;
	rl_file_close(rl, &job->file);
	if (err == -EDQUOT || err == -EFBIG)
		err = -ENOSPC;
	if (err && err != -ENOSPC && err != -ESTALE)
		return rl_fail(rl, err, "write", RL_TAKING);
	if (err && begun && rl_dir_unlink(rl, RL_TAKING))
		return rl->now.err;
	return err;
}
