// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events come in, and at the end of each step is what it leads to: what was
 * held until something is durable, what the leader commits and sends, and one
 * batch for the store.  What to do with an event is decided elsewhere.
 */
#include "codec.h"
#include "state.h"

/**
 * raft_send() - one more message
 * @r: the server
 * @up: where it goes
 * @type: enum raft_msg_type
 * @to: to whom
 *
 * Return: it, with sender and term.
 */
struct raft_msg *raft_send(struct raft *r, struct raft_update *up, u8 type,
			   u64 to)
{
	struct raft_msg *msg;

	if (RAFT_BUG(up->nr_msgs == RAFT_SENDS_MAX))
		up->nr_msgs--;
	msg = &up->msg[up->nr_msgs++];
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->from = r->opt.id;
	msg->to = to;
	msg->term = r->term;
	return msg;
}

/**
 * raft_bad() - a message that can not be right
 * @r: the server
 *
 * Return: -EBADMSG.
 */
int raft_bad(struct raft *r)
{
	r->count.bad++;
	return -EBADMSG;
}

/**
 * raft_state_durable() - would term and vote survive a crash?
 * @r: the server
 *
 * Return: true if so.
 */
bool raft_state_durable(const struct raft *r)
{
	return r->term == r->durable_term && r->vote == r->durable_vote;
}

/**
 * raft_installing() - is a snapshot on its way to be the one in use?
 * @r: the server
 *
 * Return: true if so: what the log says is durable need not be.
 */
bool raft_installing(const struct raft *r)
{
	return ((r->flight.seq ? r->flight.what : 0) | r->dirty) &
	       RAFT_STORE_INSTALL;
}

/**
 * raft_commit_to() - the commit index goes up
 * @r: the server
 * @index: to here, if that is higher
 */
void raft_commit_to(struct raft *r, u64 index)
{
	if (index <= r->commit || RAFT_BUG(index > r->log.last))
		return;
	raft_conf_commit(r, index);
	r->commit = index;
}

/* --- messages --------------------------------------------------------------
 */

static bool raft_from_leader(u8 type)
{
	return type == RAFT_MSG_APPEND || type == RAFT_MSG_BEAT ||
	       type == RAFT_MSG_SNAPSHOT || type == RAFT_MSG_TIMEOUT_NOW;
}

/* Somebody lives in the past: tell it, or a leader would go on for ever. */
static void raft_recv_past(struct raft *r, const struct raft_msg *msg,
			   struct raft_update *up)
{
	struct raft_msg *reply;
	u8 type = RAFT_MSG_APPEND_REPLY;

	r->count.stale++;
	if (msg->type == RAFT_MSG_VOTE)
		type = RAFT_MSG_VOTE_REPLY;
	else if (!raft_from_leader(msg->type))
		return;
	if (!raft_state_durable(r))
		return;
	reply = raft_send(r, up, type, msg->from);
	reply->reject = true;
}

/* Messages of this term. */
static int raft_recv_now(struct raft *r, const struct raft_msg *msg,
			 struct raft_update *up)
{
	switch (msg->type) {
	case RAFT_MSG_VOTE:
		raft_recv_vote(r, msg, up);
		return 0;
	case RAFT_MSG_VOTE_REPLY:
		raft_recv_vote_reply(r, msg, up);
		return 0;
	case RAFT_MSG_APPEND:
		return raft_recv_append(r, msg, up);
	case RAFT_MSG_APPEND_REPLY:
		return raft_recv_append_reply(r, msg);
	case RAFT_MSG_BEAT:
		raft_recv_beat(r, msg);
		return 0;
	case RAFT_MSG_BEAT_REPLY:
		return raft_recv_beat_reply(r, msg);
	case RAFT_MSG_SNAPSHOT:
		return raft_recv_snapshot(r, msg, up);
	case RAFT_MSG_SNAPSHOT_REPLY:
		raft_recv_snapshot_reply(r, msg);
		return 0;
	case RAFT_MSG_TIMEOUT_NOW:
		raft_recv_timeout_now(r, msg, up);
		return 0;
	}
	return 0;
}

/* Who sends what only leaders send is the leader; there is one in a term. */
static int raft_recv_leader(struct raft *r, const struct raft_msg *msg,
			    struct raft_update *up)
{
	if (r->role == RAFT_LEADER || (r->leader && r->leader != msg->from))
		return raft_bad(r);
	if (r->role != RAFT_FOLLOWER || !r->leader)
		raft_follow(r, r->term, msg->from, up);
	r->heard_ns = r->now_ns;
	raft_rearm(r);
	return 0;
}

static int raft_recv(struct raft *r, const struct raft_msg *msg,
		     struct raft_update *up)
{
	bool leads = raft_from_leader(msg->type);
	int err;

	if (msg->to != r->opt.id || raft_msg_check(msg) ||
	    (msg->type == RAFT_MSG_APPEND && msg->nr && !msg->entry))
		return raft_bad(r);
	if (msg->type == RAFT_MSG_PREVOTE) {
		raft_recv_prevote(r, msg, up);
		return 0;
	}
	if (msg->type == RAFT_MSG_PREVOTE_REPLY && !msg->reject) {
		raft_recv_prevote_reply(r, msg, up);
		return 0;
	}
	if (msg->term > r->term) {
		/* rule 3: who heard a leader does not help to end its term */
		if (msg->type == RAFT_MSG_VOTE && !msg->transfer &&
		    raft_leader_heard(r)) {
			r->count.stale++;
			return 0;
		}
		raft_follow(r, msg->term, leads ? msg->from : 0, up);
	} else if (msg->term < r->term) {
		raft_recv_past(r, msg, up);
		return 0;
	}
	err = leads ? raft_recv_leader(r, msg, up) : 0;
	return err ?: raft_recv_now(r, msg, up);
}

/* --- the store -------------------------------------------------------------
 */

static int raft_persisted(struct raft *r, const struct raft_event *event,
			  struct raft_update *up)
{
	const struct raft_batch *flight = &r->flight;

	if (!flight->seq || event->seq != flight->seq)
		return -EINVAL;
	if (event->err) {
		raft_follow(r, r->term, 0, up);
		r->role = RAFT_STOPPED;
		return event->err;
	}
	if (flight->what & RAFT_STORE_STATE) {
		r->durable_term = flight->term;
		r->durable_vote = flight->vote;
	}
	if (flight->what & RAFT_STORE_ENTRIES)
		r->log.durable = max(r->log.durable, flight->last);
	r->flight.seq = 0;
	return 0;
}

static void raft_batch_flush(struct raft *r, struct raft_update *up)
{
	struct raft_batch *batch = &up->batch;

	if (r->flight.seq)
		return;
	batch->what = r->dirty;
	batch->keep = r->keep;
	batch->snap = r->snap.pos;
	batch->drop = r->log.base.index;
	if (!raft_state_durable(r)) {
		batch->what |= RAFT_STORE_STATE;
		batch->term = r->term;
		batch->vote = r->vote;
	}
	if (r->log.stored < r->log.last) {
		batch->what |= RAFT_STORE_ENTRIES;
		batch->first = r->log.stored + 1;
		batch->last = r->log.last;
		r->log.stored = r->log.last;
	}
	if (!batch->what)
		return;
	r->dirty = 0;
	batch->seq = ++r->seq;
	r->flight = *batch;
}

/* --- a step -----------------------------------------------------------------
 */

static int raft_propose(struct raft *r, const struct raft_event *event,
			struct raft_update *up)
{
	int err;

	if (r->role != RAFT_LEADER)
		return -ENOTCONN;
	if (event->bytes > RAFT_ENTRY_BYTES_MAX)
		return -EMSGSIZE;
	if (r->transfer)
		return -EBUSY;
	if (raft_log_room(&r->log) <= r->opt.slots / RAFT_RESERVE ||
	    raft_log_space(&r->log) <
		    event->bytes + r->opt.pool_bytes / RAFT_RESERVE)
		err = -ENOSPC;
	else
		err = raft_log_own(r, RAFT_ENTRY_DATA, event->data,
				   event->bytes);
	if (err) {
		r->count.full++;
		return err;
	}
	up->index = r->log.last;
	up->term = r->term;
	return 0;
}

static int raft_configure(struct raft *r, const struct raft_event *event,
			  struct raft_update *up)
{
	int err = raft_conf_change(r, event->want);

	if (err)
		return err;
	up->index = r->log.last;
	up->term = r->term;
	return 0;
}

static int raft_event(struct raft *r, const struct raft_event *event,
		      struct raft_update *up)
{
	switch (event->kind) {
	case RAFT_EV_TICK:
		if (r->role == RAFT_LEADER)
			raft_leader_tick(r, up);
		else
			raft_election_tick(r, up);
		return 0;
	case RAFT_EV_RECV:
		return raft_recv(r, event->msg, up);
	case RAFT_EV_PERSISTED:
		return raft_persisted(r, event, up);
	case RAFT_EV_PROPOSE:
		return raft_propose(r, event, up);
	case RAFT_EV_READ:
		return raft_read_begin(r, event->cookie, up);
	case RAFT_EV_CONFIG:
		return raft_configure(r, event, up);
	case RAFT_EV_TRANSFER:
		return raft_transfer_begin(r, event->id);
	case RAFT_EV_COMPACT:
		return raft_compact(r, event->snap, event->index);
	case RAFT_EV_CHUNK:
		return raft_chunk_stored(r, event, up);
	}
	return -EINVAL;
}

/* What the step leads to; the batch comes last, for all may add to it. */
static void raft_flush(struct raft *r, struct raft_update *up)
{
	raft_election_flush(r, up);
	if (r->role == RAFT_LEADER) {
		raft_leader_commit(r);
		raft_conf_flush(r, up);
	}
	if (r->role == RAFT_LEADER) {
		raft_transfer_flush(r, up);
		raft_read_flush(r, up);
		raft_sends_flush(r, up);
	}
	raft_answers_flush(r, up);
	raft_batch_flush(r, up);
	if (r->commit > r->applied) {
		up->apply_first = r->applied + 1;
		up->apply_last = r->commit;
		r->applied = r->commit;
	}
}

/**
 * raft_step() - one event
 * @r: the server
 * @event: what happened
 * @update: what to do; carried out before the next call
 *
 * Whatever it returns, the update counts.
 *
 * Return: 0; -ENOTCONN: this server does not lead; -EAGAIN: not yet; -EBUSY:
 * something else is under way; -ENOSPC: the log is full; -EINVAL, -EMSGSIZE: it
 * can not be; -EBADMSG: the message was not looked at; -EUCLEAN: rule 9; -EIO:
 * stopped.
 */
int raft_step(struct raft *r, const struct raft_event *event,
	      struct raft_update *update)
{
	int err;

	update->nr_msgs = 0;
	update->nr_reads = 0;
	update->restore = false;
	update->index = 0;
	update->term = 0;
	update->apply_first = 1;
	update->apply_last = 0;
	memset(&update->batch, 0, sizeof(update->batch));
	update->chunk.snap = NULL;
	if (r->role == RAFT_STOPPED)
		return -EIO;
	if (r->damaged)
		return -EUCLEAN;
	r->now_ns = max(r->now_ns, event->now_ns);
	err = raft_event(r, event, update);
	if (r->role != RAFT_STOPPED)
		raft_flush(r, update);
	return err;
}

/**
 * raft_deadline() - when is a TICK wanted?
 * @r: the server
 *
 * Return: the time; U64_MAX: never.
 */
u64 raft_deadline(const struct raft *r)
{
	if (r->damaged || r->role == RAFT_STOPPED)
		return U64_MAX;
	if (r->role != RAFT_LEADER)
		return r->deadline_ns;
	return r->transfer ? min(r->transfer_ns, r->beat_ns) : r->beat_ns;
}
