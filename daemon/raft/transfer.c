// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leadership handed over (rule 8): nothing new is accepted, the target gets the
 * rest of the log, then it is told to campaign at once, without asking whether
 * a leader lives.  If it does not lead by the deadline, this leader goes on.
 */
#include "state.h"

/**
 * raft_transfer_begin() - have somebody else lead
 * @r: the server
 * @id: a voter
 *
 * Return: 0; -ENOTCONN; -EBUSY: one is under way; -EINVAL: not a voter, or this
 * one.
 */
int raft_transfer_begin(struct raft *r, u64 id)
{
	if (r->role != RAFT_LEADER)
		return -ENOTCONN;
	if (id == r->opt.id || !raft_config_votes(&r->conf, id))
		return -EINVAL;
	if (r->transfer)
		return -EBUSY;
	r->transfer = id;
	r->transfer_ns = r->now_ns + r->opt.election_ns;
	r->transfer_sent = false;
	return 0;
}

/**
 * raft_transfer_flush() - tell the target, if it has everything
 * @r: the leader
 * @up: messages
 */
void raft_transfer_flush(struct raft *r, struct raft_update *up)
{
	const struct raft_progress *prog;

	if (!r->transfer || r->transfer_sent)
		return;
	prog = raft_progress_of(r, r->transfer);
	if (!prog || !raft_config_votes(&r->conf, r->transfer)) {
		r->transfer = 0;
		return;
	}
	if (prog->match < r->log.last &&
	    !QBD_MUTANT(raft_transfer_without_catchup))
		return;
	r->transfer_sent = true;
	raft_send(r, up, RAFT_MSG_TIMEOUT_NOW, r->transfer);
}

/**
 * raft_recv_timeout_now() - the leader wants this server to lead
 * @r: the server
 * @msg: the message
 * @up: messages
 */
void raft_recv_timeout_now(struct raft *r, const struct raft_msg *msg,
			   struct raft_update *up)
{
	if (raft_config_votes(&r->conf, r->opt.id))
		raft_campaign(r, true, up);
	else
		r->count.stale++;
}
