// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pieces of a snapshot that another server gets: read beside the loop, and sent
 * from it.  A piece that is late is what the network makes of one, too: its
 * term is in it, and the core of whoever gets it knows what it still wants.
 */
#include <stdlib.h>

#include "inner.h"

/**
 * struct group_reading - the file that is read; of the work's thread
 * @job: its end
 * @reader: of the file, or NULL
 * @snap: which one that is
 */
struct group_reading {
	struct work_job job;
	struct raftlog_reader *reader;
	struct raft_snap snap;
};

/**
 * struct group_piece - a piece that is read
 * @job: the work's, first member
 * @g: whose, NULL = it ended
 * @rl: has the snapshot; it is closed behind this job
 * @reading: the file; it ends behind this job
 * @msg: wants the piece
 * @err: why it can not be had
 * @data: it
 */
struct group_piece {
	struct work_job job;
	struct group *g;
	const struct raftlog *rl;
	struct group_reading *reading;
	struct raft_msg msg;
	int err;
	u8 data[RAFT_CHUNK_BYTES_MAX];
};

static void reading_close(struct group_reading *reading)
{
	if (reading->reader)
		raftlog_snap_close(reading->reader);
	reading->reader = NULL;
}

/* The newest snapshot is another one than that of the piece before. */
static bool reading_old(const struct group_reading *reading,
			const struct raft_snap *snap)
{
	return reading->snap.pos.index != snap->pos.index ||
	       reading->snap.id != snap->id;
}

static int piece_read(struct group_piece *piece)
{
	struct group_reading *reading = piece->reading;
	const struct raft_msg *msg = &piece->msg;
	int err;

	if (reading->reader && reading_old(reading, &msg->snap))
		reading_close(reading);
	if (!reading->reader) {
		err = raftlog_snap_open(piece->rl, &msg->snap,
					&reading->reader);
		if (err) {
			reading->reader = NULL;
			return err;
		}
		reading->snap = msg->snap;
	}
	err = raftlog_snap_read(reading->reader, msg->index, piece->data,
				msg->bytes);
	if (err)
		reading_close(reading);
	return err;
}

static void piece_run(struct work_job *job)
{
	struct group_piece *piece = (struct group_piece *)job;

	piece->err = piece_read(piece);
}

static void piece_done(struct work_job *job)
{
	struct group_piece *piece = (struct group_piece *)job;
	struct group *g = piece->g;
	u32 i;

	if (g) {
		for (i = 0; i < GROUP_PIECES; i++)
			if (g->piece[i] == piece)
				g->piece[i] = NULL;
		piece->msg.data = piece->data;
		if (g->state == GROUP_RUNS)
			group_send_now(g, &piece->msg, piece->err);
	}
	free(piece);
}

/**
 * group_piece() - have a piece read, and sent
 * @g: the server
 * @msg: wants it
 *
 * Return: 0; or why not: -EBUSY: so many are being read already.
 */
int group_piece(struct group *g, const struct raft_msg *msg)
{
	struct group_piece *piece;
	u32 i;

	if (msg->bytes > RAFT_CHUNK_BYTES_MAX)
		return -EMSGSIZE;
	for (i = 0; i < GROUP_PIECES && g->piece[i]; i++)
		;
	if (i == GROUP_PIECES)
		return -EBUSY;
	if (!g->reading)
		g->reading = calloc(1, sizeof(*g->reading));
	piece = calloc(1, sizeof(*piece));
	if (!piece || !g->reading) {
		free(piece);
		return -ENOMEM;
	}
	piece->job.run = piece_run;
	piece->job.what = "read a piece of a snapshot";
	piece->job.done = piece_done;
	piece->g = g;
	piece->rl = g->rl;
	piece->reading = g->reading;
	piece->msg = *msg;
	g->piece[i] = piece;
	work_give(g->opt.work, &piece->job);
	return 0;
}

static void reading_end_run(struct work_job *job)
{
	reading_close((struct group_reading *)job);
}

static void reading_end_done(struct work_job *job)
{
	free(job);
}

/**
 * group_pieces_end() - nothing is sent any more
 * @g: the server
 */
void group_pieces_end(struct group *g)
{
	u32 i;

	for (i = 0; i < GROUP_PIECES; i++) {
		if (g->piece[i])
			g->piece[i]->g = NULL;
		g->piece[i] = NULL;
	}
	if (!g->reading)
		return;
	g->reading->job.run = reading_end_run;
	g->reading->job.what = "close a snapshot";
	g->reading->job.done = reading_end_done;
	work_give(g->opt.work, &g->reading->job);
	g->reading = NULL;
}
