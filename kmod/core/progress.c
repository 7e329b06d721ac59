// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a leader knows of a member: bookkeeping of acks. What follows from it
 * is decided in the leader's files.
 */
#include "progress.h"

/**
 * qbd_progress_init() - nothing known
 * @prog: the member
 */
void qbd_progress_init(struct qbd_progress *prog)
{
	memset(prog, 0, sizeof(*prog));
	prog->state = QBD_MEMBER_DOWN;
	prog->source = -1;
}

/**
 * qbd_progress_down() - the connection is gone
 * @prog: the member
 *
 * What it proved to have stays true of its log, but not that this log still
 * exists: matched and durable start again from its next OPEN_REPLY (S4).
 */
void qbd_progress_down(struct qbd_progress *prog)
{
	u64 session = prog->session;
	u64 gained = prog->gained;
	u8 shown = prog->shown;

	qbd_progress_init(prog);
	prog->session = session;
	prog->gained = gained;
	prog->shown = shown;
}

/**
 * qbd_progress_session() - the stream to the member starts anew
 * @prog: the member
 * @session: number of the session, never used before in this term
 * @now_ns: now
 *
 * Whatever is still under way from the session before counts no more.
 */
void qbd_progress_session(struct qbd_progress *prog, u64 session, u64 now_ns)
{
	prog->session = session;
	prog->matched = 0;
	prog->durable = 0;
	prog->pin = 0;
	prog->stalled = false;
	prog->source = -1;
	prog->fetching = false;
	prog->round = 0;
	prog->round_sent = 0;
	prog->sent_bytes = 0;
	prog->acked_bytes = 0;
	prog->asked_ns = 0;
	prog->active_ns = now_ns;
	prog->retry_ns = 0;
}

/**
 * qbd_progress_answered() - something came that belongs to the session
 * @prog: the member
 * @now_ns: now
 *
 * The first time it is the answer to what began the session, or to one of its
 * repetitions: how long that took says how long the next one may take.
 */
void qbd_progress_answered(struct qbd_progress *prog, u64 now_ns)
{
	if (!prog->asked_ns)
		return;
	prog->answer_ns = now_ns - prog->asked_ns;
	prog->asked_ns = 0;
}

/**
 * qbd_progress_ack() - an APPEND_ACK came
 * @prog: the member
 * @ack: the message; its term and nonce are the leader's
 * @now_ns: now
 *
 * S4: it counts only if it is of this session and this incarnation. Else: B
 * acks (6,20) and reboots with a log that lost it; the ack, read from the old
 * connection's buffer after the new HELLO, completes (6,20) although only the
 * leader has it. That what it names is matched with the leader's history is
 * the replica's promise (replica.c) for this term.
 *
 * Return: true if it counts.
 */
bool qbd_progress_ack(struct qbd_progress *prog, const struct qbd_msg *ack,
		      u64 now_ns)
{
	u64 received = ack->ack.received;
	u64 durable = min(ack->ack.durable, received);

	if ((ack->session != prog->session ||
	     ack->ack.incarnation != prog->incarnation) &&
	    !QBD_MUTANT(ack_of_old_session))
		return false;
	if (!prog->promised && !QBD_MUTANT(ack_of_old_session))
		return false;
	if (received > prog->matched || durable > prog->durable) {
		prog->active_ns = now_ns;
		prog->stalled = false;
	}
	prog->matched = max(prog->matched, received);
	prog->durable = max(prog->durable, durable);
	if (durable > prog->full_at)
		prog->full = false;
	prog->round = max(prog->round, ack->ack.round);
	prog->version = ack->list;
	prog->voting = !(ack->flags & QBD_WIRE_NONVOTING);
	return true;
}

/**
 * qbd_progress_window_open() - may a record be sent?
 * @prog: the member, live
 * @bytes: payload bytes of the record
 *
 * What counts is what is durable there: what was merely received is in that
 * node's memory, which the window is the bound of.
 *
 * One record always may: a window smaller than a record must not be the end.
 * And no more than that, as a trial, if its store had no home for the last one.
 *
 * Return: true if so.
 */
bool qbd_progress_window_open(const struct qbd_progress *prog, u32 bytes)
{
	u64 records = prog->next - 1 - prog->durable;
	u64 flight = prog->sent_bytes - prog->acked_bytes;

	if (!records)
		return true;
	return !prog->full && records < prog->window_records &&
	       flight + bytes <= prog->window_bytes;
}

/**
 * qbd_progress_full() - its store has no home for a record
 * @prog: the member
 * @at: the last record that it has
 * @now_ns: now
 * @wait_ns: after which the next one is to be tried again
 */
void qbd_progress_full(struct qbd_progress *prog, u64 at, u64 now_ns,
		       u64 wait_ns)
{
	prog->full = true;
	prog->full_at = at;
	prog->full_ns = now_ns + wait_ns;
}

/**
 * qbd_progress_held() - is it no use to send the member a record?
 * @prog: the member
 * @now_ns: now
 *
 * Return: true if its store was full a moment ago.
 */
bool qbd_progress_held(const struct qbd_progress *prog, u64 now_ns)
{
	return prog->full &&
	       (now_ns < prog->full_ns || QBD_MUTANT(full_never_tried));
}

/**
 * qbd_progress_name() - for traces and dumps
 * @state: a state
 *
 * Return: its name.
 */
const char *qbd_progress_name(enum qbd_member_state state)
{
	static const char *const name[] = {
		[QBD_MEMBER_DOWN] = "down",
		[QBD_MEMBER_OPENING] = "opening",
		[QBD_MEMBER_WAITING] = "waiting",
		[QBD_MEMBER_PROBING] = "probing",
		[QBD_MEMBER_LIVE] = "live",
		[QBD_MEMBER_LAGGING] = "lagging",
		[QBD_MEMBER_CATCHUP] = "catch-up",
		[QBD_MEMBER_GONE] = "gone",
		[QBD_MEMBER_RESYNC] = "resync",
		[QBD_MEMBER_FULL] = "full",
		[QBD_MEMBER_REFUSED] = "refused",
	};

	return (u32)state < ARRAY_SIZE(name) ? name[state] : "?";
}
