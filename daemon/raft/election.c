// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who leads: pre-vote, vote, and how a term begins and ends (rules 1, 3, 10).
 *
 *	follower --timeout--> pre-candidate --quorum would--> candidate
 *	    ^                     |                             | own vote
 *durable, |                     |                             | then VOTE is
 *sent
 *	    '--- a leader, or a higher term ----'               v
 *	    '---------- no quorum heard --------------------- leader
 */
#include "state.h"

/* xorshift; a seed of 0 would stay 0. */
static u64 raft_random(struct raft *r)
{
	if (!r->rand)
		r->rand = 0x9e3779b97f4a7c15ULL ^ r->opt.id;
	r->rand ^= r->rand << 13;
	r->rand ^= r->rand >> 7;
	r->rand ^= r->rand << 17;
	return r->rand;
}

/**
 * raft_rearm() - campaign later
 * @r: the server
 *
 * After one to two election timeouts: so that one server is first.
 */
void raft_rearm(struct raft *r)
{
	r->deadline_ns = r->now_ns + r->opt.election_ns +
			 raft_random(r) % r->opt.election_ns;
}

/**
 * raft_leader_heard() - is there a leader that lives?
 * @r: the server
 *
 * A leader hears a quorum, or it would have stepped down.
 *
 * Return: true if it is one, or heard one within the election timeout.
 */
bool raft_leader_heard(const struct raft *r)
{
	if (r->role == RAFT_LEADER)
		return true;
	return r->heard_ns && r->now_ns - r->heard_ns < r->opt.election_ns;
}

/**
 * raft_follow() - follow somebody, or wait for somebody to follow
 * @r: the server
 * @term: not lower than its own
 * @leader: who leads it, 0 = not known
 * @up: reads that nobody will confirm
 */
void raft_follow(struct raft *r, u64 term, u64 leader, struct raft_update *up)
{
	if (RAFT_BUG(term < r->term))
		return;
	raft_reads_fail(r, up);
	r->transfer = 0;
	if (term > r->term) {
		r->term = term;
		r->vote = 0;
		r->vote_owed = 0;
	}
	r->role = RAFT_FOLLOWER;
	r->leader = leader;
	r->campaign_owed = false;
	r->wanted = false;
	/* what is committed is in the log of each later leader */
	r->matched = r->commit;
	r->acked = 0;
	r->ack_owed = false;
	r->beat_held = false;
	raft_rearm(r);
}

static u16 raft_self(const struct raft *r)
{
	int at = raft_config_find(&r->conf, r->opt.id);

	return at < 0 ? 0 : 1U << at;
}

static void raft_ask(struct raft *r, u8 type, u64 term, struct raft_update *up)
{
	u16 voters = raft_config_voters(&r->conf);
	struct raft_msg *msg;
	u32 i;

	for (i = 0; i < r->conf.nr; i++) {
		if (!(voters & (1U << i)) || r->conf.id[i] == r->opt.id)
			continue;
		msg = raft_send(r, up, type, r->conf.id[i]);
		msg->term = term;
		msg->pos = raft_log_last(&r->log);
		msg->transfer = type == RAFT_MSG_VOTE && r->campaign_transfer;
	}
}

static void raft_candidate(struct raft *r, bool transfer)
{
	r->role = RAFT_CANDIDATE;
	r->term++;
	r->vote = r->opt.id;
	r->vote_owed = 0;
	r->granted = 0;
	r->campaign_owed = true;
	r->campaign_transfer = transfer;
	raft_rearm(r);
}

/**
 * raft_campaign() - try to become the leader
 * @r: the server
 * @transfer: the leader wants it: no need to ask whether one lives
 * @up: messages
 */
void raft_campaign(struct raft *r, bool transfer, struct raft_update *up)
{
	raft_rearm(r);
	if (r->term >= RAFT_NUMBER_MAX)
		return;
	r->count.elections++;
	r->leader = 0;
	r->ack_owed = false;
	r->beat_held = false;
	r->granted = raft_self(r);
	if (transfer || raft_quorum_has(&r->conf, r->granted)) {
		raft_candidate(r, transfer);
		return;
	}
	r->role = RAFT_PRECANDIDATE;
	r->campaign_owed = false;
	raft_ask(r, RAFT_MSG_PREVOTE, r->term + 1, up);
}

/*
 * Who does not vote does not campaign: a learner, or who waits to be added. Two
 * still have to.  They win without counting themselves, commit what they have,
 * and hand over:
 *
 *   - A leader that was to remove itself, and is the only one that has the
 * entry that does: the others can not win against its log, and by their older
 * set they may need its vote (Ongaro's thesis, 4.2.2).
 *   - Who was asked for a vote that it does not have, as far as it knows, by a
 *     log that is behind its own.  A leads B, C and learner D, has entries on D
 *     only, and loses its disk for good.  B has "D votes", not committed, from
 *     before: it needs D and is behind it; C is behind B; and D knows nothing
 * of being a voter.
 */
static bool raft_may_campaign(const struct raft *r)
{
	if (raft_config_votes(&r->conf, r->opt.id))
		return true;
	if (r->wanted && !QBD_MUTANT(raft_learner_gives_up))
		return true;
	return r->conf.index > r->commit &&
	       raft_config_votes(&r->committed, r->opt.id) &&
	       !QBD_MUTANT(raft_removed_gives_up);
}

/**
 * raft_election_tick() - is it time to campaign?
 * @r: the server, not a leader
 * @up: messages
 */
void raft_election_tick(struct raft *r, struct raft_update *up)
{
	if (r->now_ns < r->deadline_ns)
		return;
	if (raft_may_campaign(r))
		raft_campaign(r, false, up);
	else
		raft_rearm(r);
}

/* A term begins. */
static void raft_lead(struct raft *r, struct raft_update *up)
{
	r->role = RAFT_LEADER;
	r->leader = r->opt.id;
	r->term_start = r->log.last + 1;
	r->beat_ns = r->now_ns + r->opt.beat_ns;
	raft_progress_start(r);
	/* rule 1; without room for it nothing could be done with the term */
	if (raft_log_own(r, RAFT_ENTRY_NOOP, NULL, 0)) {
		r->count.full++;
		raft_follow(r, r->term, 0, up);
	}
}

static void raft_count(struct raft *r, u64 from, struct raft_update *up)
{
	int at = raft_config_find(&r->conf, from);

	if (at >= 0)
		r->granted |= 1U << at;
	if (!raft_quorum_has(&r->conf, r->granted))
		return;
	if (r->role == RAFT_PRECANDIDATE)
		raft_candidate(r, false);
	else
		raft_lead(r, up);
}

/**
 * raft_election_flush() - what waited for term and vote to be durable
 * @r: the server
 * @up: messages
 *
 * Rule 10.  A candidate that asked before would, after a crash, not know that
 * it did, and could be elected in the same term again, with other entries.
 */
void raft_election_flush(struct raft *r, struct raft_update *up)
{
	bool durable = raft_state_durable(r);

	if (r->campaign_owed &&
	    (durable || QBD_MUTANT(raft_campaign_before_persist))) {
		r->campaign_owed = false;
		raft_ask(r, RAFT_MSG_VOTE, r->term, up);
		raft_count(r, r->opt.id, up);
	}
	if (r->vote_owed && (durable || QBD_MUTANT(raft_vote_before_persist))) {
		raft_send(r, up, RAFT_MSG_VOTE_REPLY, r->vote_owed);
		r->vote_owed = 0;
	}
}

/**
 * raft_recv_prevote() - would it vote for that one?
 * @r: the server
 * @msg: the question
 * @up: the answer
 *
 * Rule 3.  It promises nothing, and does not change the term.
 */
void raft_recv_prevote(struct raft *r, const struct raft_msg *msg,
		       struct raft_update *up)
{
	bool heard = raft_leader_heard(r) &&
		     !QBD_MUTANT(raft_prevote_despite_leader);
	bool behind = raft_log_newer(&r->log, msg->pos) &&
		      !QBD_MUTANT(raft_prevote_granted_behind);
	struct raft_msg *reply;

	r->wanted |= behind && !heard;
	if (msg->term > r->term && !heard && !behind) {
		reply = raft_send(r, up, RAFT_MSG_PREVOTE_REPLY, msg->from);
		reply->term = msg->term;
	} else if (r->term && raft_state_durable(r)) {
		reply = raft_send(r, up, RAFT_MSG_PREVOTE_REPLY, msg->from);
		reply->reject = true;
	}
}

/**
 * raft_recv_prevote_reply() - somebody would vote for this server
 * @r: the server
 * @msg: yes
 * @up: messages
 */
void raft_recv_prevote_reply(struct raft *r, const struct raft_msg *msg,
			     struct raft_update *up)
{
	if (r->role == RAFT_CANDIDATE && msg->term == r->term &&
	    QBD_MUTANT(raft_prevote_counts_as_vote))
		raft_count(r, msg->from, up);
	if (r->role == RAFT_PRECANDIDATE && msg->term == r->term + 1)
		raft_count(r, msg->from, up);
	else
		r->count.stale++;
}

/**
 * raft_recv_vote() - a candidate of this term asks for the vote
 * @r: the server
 * @msg: the request
 * @up: no; yes is sent when it is durable
 *
 * Who does not vote itself, as far as it knows, votes too: it may have been
 * promoted, and the candidate knows.
 */
void raft_recv_vote(struct raft *r, const struct raft_msg *msg,
		    struct raft_update *up)
{
	bool newer = raft_log_newer(&r->log, msg->pos) &&
		     !QBD_MUTANT(raft_no_log_check);

	if (!newer && (r->vote == msg->from || (!r->vote && !r->leader))) {
		r->vote = msg->from;
		r->vote_owed = msg->from;
		raft_rearm(r);
		return;
	}
	if (raft_state_durable(r))
		raft_send(r, up, RAFT_MSG_VOTE_REPLY, msg->from)->reject = true;
}

/**
 * raft_recv_vote_reply() - an answer of this term
 * @r: the server
 * @msg: yes or no
 * @up: messages
 */
void raft_recv_vote_reply(struct raft *r, const struct raft_msg *msg,
			  struct raft_update *up)
{
	if (r->role == RAFT_CANDIDATE && !msg->reject)
		raft_count(r, msg->from, up);
}
