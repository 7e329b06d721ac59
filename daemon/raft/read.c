// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads that are linearizable without being logged (rule 7).
 *
 * A READ is answered with the commit index at which it came, when a quorum has
 * answered a heartbeat that was sent behind it: none of them had promised
 * another term then, so nobody had committed more.  Reads that come while a
 * round is under way share the next one.
 */
#include "state.h"

static void raft_read_done(struct raft_update *up, u64 cookie, u64 index,
			   int err)
{
	if (RAFT_BUG(up->nr_reads == RAFT_READS_MAX))
		return;
	up->read[up->nr_reads++] = (struct raft_read){ cookie, index, err };
}

/**
 * raft_read_begin() - from which index on may it be answered?
 * @r: the server
 * @cookie: the caller's
 * @up: messages
 *
 * Return: 0: the answer comes in an update; -ENOTCONN; -EAGAIN: no entry of
 * this term is committed yet, so this leader does not know what is; -EBUSY: too
 * many wait.
 */
int raft_read_begin(struct raft *r, u64 cookie, struct raft_update *up)
{
	struct raft_waiting *wait;

	if (r->role != RAFT_LEADER)
		return -ENOTCONN;
	if (r->commit < r->term_start &&
	    !QBD_MUTANT(raft_read_before_own_commit))
		return -EAGAIN;
	if (r->nr_wait == RAFT_READS_MAX)
		return -EBUSY;
	if (QBD_MUTANT(raft_read_without_round)) {
		raft_read_done(up, cookie, r->commit, 0);
		return 0;
	}
	if (!r->nr_wait) {
		r->round++;
		raft_beat_send(r, up);
	}
	wait = &r->wait[r->nr_wait++];
	wait->cookie = cookie;
	wait->index = r->commit;
	wait->round = r->nr_wait > 1 && !QBD_MUTANT(raft_read_joins_round) ?
			      r->round + 1 :
			      r->round;
	return 0;
}

/* The latest round that a quorum answered. */
static u64 raft_read_round(const struct raft *r)
{
	u64 round[RAFT_MEMBERS_MAX] = { 0 };
	u32 i;

	for (i = 0; i < r->conf.nr; i++)
		round[i] = r->conf.id[i] == r->opt.id ? r->round :
							r->prog[i].round;
	return raft_quorum_index(&r->conf, round);
}

/**
 * raft_read_flush() - reads whose round is through
 * @r: the leader
 * @up: they, and the heartbeats of the next round
 */
void raft_read_flush(struct raft *r, struct raft_update *up)
{
	u64 round;
	u32 i;

	if (!r->nr_wait)
		return;
	round = raft_read_round(r);
	for (i = 0; i < r->nr_wait && r->wait[i].round <= round; i++)
		raft_read_done(up, r->wait[i].cookie, r->wait[i].index, 0);
	r->nr_wait -= i;
	memmove(r->wait, r->wait + i, r->nr_wait * sizeof(r->wait[0]));
	if (r->nr_wait && r->wait[0].round > r->round) {
		r->round++;
		raft_beat_send(r, up);
	}
}

/**
 * raft_reads_fail() - nobody will confirm them
 * @r: the server
 * @up: they
 */
void raft_reads_fail(struct raft *r, struct raft_update *up)
{
	u32 i;

	for (i = 0; i < r->nr_wait; i++)
		raft_read_done(up, r->wait[i].cookie, 0, -EAGAIN);
	r->nr_wait = 0;
}
