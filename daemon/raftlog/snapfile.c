// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots that are received: pieces, and the moment in which one becomes the
 * one in use. Own ones are made in taking.c.
 */
#include "store.h"

static bool rl_snap_same(const struct raft_snap *a, const struct raft_snap *b)
{
	return a->pos.term == b->pos.term && a->pos.index == b->pos.index &&
	       a->id == b->id && a->bytes == b->bytes;
}

/* One more piece behind the others. It fails for lack of room, too. */
int rl_piece_write(struct raftlog *rl, int file, struct rl_snap *snap,
		   const u8 *data, u32 bytes)
{
	u32 chain = snap->chain;
	u32 len = rl_piece_encode(data, bytes, &chain, rl->piece);
	int err = rl_try_write(rl, file, rl->piece, len, snap->at);

	if (err)
		return err;
	snap->chain = chain;
	snap->last = snap->at;
	snap->at += len;
	snap->have += bytes;
	snap->digest = raftlog_digest(snap->digest, data, bytes);
	return 0;
}

/* Nothing is received any more. */
static int rl_incoming_drop(struct raftlog *rl)
{
	bool had = rl->incoming.snap.pos.index;

	rl_file_close(rl, &rl->incoming_file);
	memset(&rl->incoming, 0, sizeof(rl->incoming));
	return had ? rl_dir_unlink(rl, RL_INCOMING) : 0;
}

static int rl_incoming_begin(struct raftlog *rl, const struct raft_snap *snap)
{
	u8 page[RAFTLOG_PAGE];
	int file, err = rl_incoming_drop(rl);

	if (err)
		return err;
	file = rl->env.open(rl->env.dir, RL_INCOMING, RAFTLOG_CREATE);
	if (file < 0)
		return file;
	rl->incoming_file = file;
	rl->incoming = (struct rl_snap){ .snap = *snap,
					 .at = RAFTLOG_PAGE,
					 .digest = RAFTLOG_DIGEST };
	rl_snap_encode(&rl->id, snap, page);
	err = rl_try_write(rl, file, page, sizeof(page), 0);
	return err ?: rl->env.sync_dir(rl->env.dir);
}

static int rl_chunk_store(struct raftlog *rl, const struct rl_chunk_job *job)
{
	int err = 0;

	if (job->snap.bytes > rl->opt.snapshot_bytes)
		return -EMSGSIZE;
	if (!job->offset)
		err = rl_incoming_begin(rl, &job->snap);
	else if (!rl_snap_same(&job->snap, &rl->incoming.snap) ||
		 job->offset != rl->incoming.have)
		return -ESTALE;
	if (err || job->bytes > job->snap.bytes - job->offset)
		return err ?: -EBADMSG;
	if (rl->incoming_file < 0)
		rl->incoming_file =
			rl->env.open(rl->env.dir, RL_INCOMING, RAFTLOG_WRITE);
	if (rl->incoming_file < 0)
		return rl->incoming_file;
	return rl_piece_write(rl, rl->incoming_file, &rl->incoming, job->data,
			      job->bytes);
}

/**
 * rl_chunk_run() - a piece of the snapshot that is being received
 * @rl: the store
 * @job: the piece
 *
 * Return: 0: it is on stable media; -ENOSPC: no room, ask again later; -ESTALE,
 * -EBADMSG, -EMSGSIZE: it can not be; or the store has stopped.
 */
int rl_chunk_run(struct raftlog *rl, const struct rl_chunk_job *job)
{
	int err = rl_chunk_store(rl, job);

	if (!err)
		err = rl_file_sync(rl, rl->incoming_file, RL_INCOMING);
	if (!err && rl->incoming.have == rl->incoming.snap.bytes &&
	    !rl_snap_whole(&rl->incoming)) {
		err = rl_incoming_drop(rl);
		return err ?: -EBADMSG;
	}
	if (err == -ENOSPC || err == -EDQUOT || err == -EFBIG) {
		/* nothing good in it yet: the next one begins anew */
		if (!rl->incoming.have && rl_incoming_drop(rl))
			return rl->now.err;
		return -ENOSPC;
	}
	if (err && err != -ESTALE && err != -EBADMSG && err != -EMSGSIZE)
		rl_fail(rl, err, "write", RL_INCOMING);
	return err;
}

/* The one before the one before. */
static int rl_older_unlink(struct raftlog *rl)
{
	char name[RAFTLOG_NAME_MAX];

	if (!rl->older.snap.pos.index)
		return 0;
	rl_snap_name(name, &rl->older.snap);
	memset(&rl->older, 0, sizeof(rl->older));
	return rl_dir_unlink(rl, name);
}

/* The one before helps only while the log goes back to it. */
int rl_older_check(struct raftlog *rl)
{
	if (rl->nr_segs && rl->seg[0].first <= rl->older.snap.pos.index + 1)
		return 0;
	return rl_older_unlink(rl);
}

/* This one is on stable media, with its name: it is the one in use. */
int rl_snap_replace(struct raftlog *rl, const struct rl_snap *snap)
{
	int err = rl_older_unlink(rl);

	rl->older = rl->snap;
	rl->snap = *snap;
	return err ?: rl_older_check(rl);
}

/**
 * rl_snap_install() - INSTALL
 * @rl: the store
 * @pos: which one; all of it is there
 *
 * Return: 0 or the store has stopped.
 */
int rl_snap_install(struct raftlog *rl, struct raft_pos pos)
{
	struct rl_snap snap = rl->incoming;
	char name[RAFTLOG_NAME_MAX];
	int err;

	if (!rl_snap_whole(&snap) || snap.snap.pos.index != pos.index ||
	    snap.snap.pos.term != pos.term)
		return rl_fail(rl, -EINVAL, "install", RL_INCOMING);
	rl_snap_name(name, &snap.snap);
	rl_file_close(rl, &rl->incoming_file);
	err = rl_dir_rename(rl, RL_INCOMING, name);
	if (!err)
		err = rl_dir_sync(rl);
	if (err)
		return err;
	memset(&rl->incoming, 0, sizeof(rl->incoming));
	return rl_snap_replace(rl, &snap);
}
