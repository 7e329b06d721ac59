/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a leader knows of one member of its shard's replica set.
 *
 *	DOWN ---> OPENING ---> PROBING ---> LIVE <---> LAGGING
 *	            |             |          ^            |
 *	            v             v          |            v
 *	         REFUSED       CATCHUP <-----+------------+
 *
 * DOWN: no connection.  OPENING: OPEN sent.  PROBING: it obeys, what it has is
 * compared with the leader's history.  LIVE: gets each record as it is
 * assigned.  LAGGING: fell out of the live stream (V4); needs its log filled.
 * CATCHUP: another member fills it.  GONE: no member's log goes back far
 * enough, needs a resync.  RESYNC: another member makes it a copy of itself.
 * FULL: shown instead of what it is while its store has no home for its next
 * record; that one is sent again now and then.
 * REFUSED: failed, or obeys somebody else.
 *
 * An ack counts only if it is of this term, nonce, session and incarnation,
 * and only up to what was matched in that session (S4).
 */
#ifndef QBD_CORE_PROGRESS_H
#define QBD_CORE_PROGRESS_H

#include "msg.h"

/**
 * enum qbd_member_state - see above
 * @QBD_MEMBER_DOWN: no connection
 * @QBD_MEMBER_OPENING: asked for its promise
 * @QBD_MEMBER_WAITING: promised, the history is not chosen yet
 * @QBD_MEMBER_PROBING: looking for what matches
 * @QBD_MEMBER_LIVE: in the live stream
 * @QBD_MEMBER_LAGGING: not in it, nobody fills it yet
 * @QBD_MEMBER_CATCHUP: being filled by another member
 * @QBD_MEMBER_GONE: no source can help: log catch-up is impossible
 * @QBD_MEMBER_RESYNC: told to become a copy of another member
 * @QBD_MEMBER_FULL: its store has no room; only shown
 * @QBD_MEMBER_REFUSED: failed or does not obey
 */
enum qbd_member_state {
	QBD_MEMBER_DOWN,
	QBD_MEMBER_OPENING,
	QBD_MEMBER_WAITING,
	QBD_MEMBER_PROBING,
	QBD_MEMBER_LIVE,
	QBD_MEMBER_LAGGING,
	QBD_MEMBER_CATCHUP,
	QBD_MEMBER_GONE,
	QBD_MEMBER_RESYNC,
	QBD_MEMBER_FULL,
	QBD_MEMBER_REFUSED,
};

/**
 * struct qbd_progress - a member as the leader sees it
 * @state: enum qbd_member_state
 * @shown: state that the shell was told last
 * @up: there is a connection
 * @promised: it answered OPEN in this term
 * @refused: it refused the last one, and is asked again now and then
 * @why: enum qbd_wire_reason of that; 0 = none
 * @voting: its acks count
 * @full: its store has no home for the record after @full_at
 * @full_at: see there
 * @full_ns: when that record is to be tried again
 * @source: CATCHUP, RESYNC: member that fills it; -1 = none
 * @tried: mask of members that failed as its source
 * @lost: those of them that can't have what it lacks
 * @unread: one of these has it, but could not read it
 * @poor: mask of members that failed as source of a resync
 * @session: session of the stream to it
 * @incarnation: of its store, from OPEN_REPLY
 * @version: list version that it last said it is in, 0 = none (S9)
 * @last: last record that it reported
 * @config: config epoch that it has logged
 * @commit: commit index that it reported or was told last
 * @probe: PROBING: position that is being compared; CATCHUP: one that it has
 * @matched: index up to which its history is the leader's, proven by an ack
 * @durable: index up to which that is durable
 * @gained: the highest that @durable ever was, in any session of this term
 * @moved: where it was when it was asked anew although nobody could help it,
 *	since it is up
 * @next: LIVE: index of the next record to send
 * @sent_bytes: LIVE: bytes sent in this session, counted by the ring
 * @acked_bytes: of these acknowledged as durable
 * @window_bytes: bytes that it takes beyond those
 * @window_records: records likewise
 * @pin: CATCHUP: index from which the leader keeps records for it, 0 = none
 * @stalled: CATCHUP: it got nowhere for long: nothing is kept until it moves
 * @sent: CATCHUP: last position that the source said it sent
 * @fetching: CATCHUP: the source has not answered yet
 * @round: highest round that came back
 * @round_sent: highest round that it was asked to confirm
 * @asked_ns: when what began the session was first sent, 0 = answered, or not
 *	sent to the member
 * @answer_ns: how long the last such answer took, 0 = not known
 * @copied: RESYNC: chunks settled for this order, and bytes received
 * @copied_bytes: see there
 * @active_ns: when it last made progress, or was asked again
 * @gain_ns: RESYNC: when it last made progress
 * @retry_ns: when to try again what failed
 */
struct qbd_progress {
	u8 state;
	u8 shown;
	bool up;
	bool promised;
	bool refused;
	u8 why;
	bool voting;
	bool full;
	u64 full_at;
	u64 full_ns;
	s8 source;
	u16 tried;
	u16 lost;
	bool unread;
	u16 poor;
	u64 session;
	u64 incarnation;
	u64 version;
	struct qbd_pos last;
	u64 config;
	u64 commit;
	struct qbd_pos probe;
	u64 matched;
	u64 durable;
	u64 gained;
	u64 moved;
	u64 next;
	u64 sent_bytes;
	u64 acked_bytes;
	u32 window_bytes;
	u32 window_records;
	u64 pin;
	bool stalled;
	struct qbd_pos sent;
	bool fetching;
	u64 round;
	u64 round_sent;
	u64 asked_ns;
	u64 answer_ns;
	u32 copied;
	u64 copied_bytes;
	u64 active_ns;
	u64 gain_ns;
	u64 retry_ns;
};

void qbd_progress_init(struct qbd_progress *prog);
void qbd_progress_down(struct qbd_progress *prog);
void qbd_progress_session(struct qbd_progress *prog, u64 session, u64 now_ns);
void qbd_progress_answered(struct qbd_progress *prog, u64 now_ns);
bool qbd_progress_ack(struct qbd_progress *prog, const struct qbd_msg *ack,
		      u64 now_ns);
bool qbd_progress_window_open(const struct qbd_progress *prog, u32 bytes);
void qbd_progress_full(struct qbd_progress *prog, u64 at, u64 now_ns,
		       u64 wait_ns);
bool qbd_progress_held(const struct qbd_progress *prog, u64 now_ns);
const char *qbd_progress_name(enum qbd_member_state state);

#endif /* QBD_CORE_PROGRESS_H */
