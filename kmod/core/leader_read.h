/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A read that a leader has not answered yet; see leader.h for the whole.
 */
#ifndef QBD_CORE_LEADER_READ_H
#define QBD_CORE_LEADER_READ_H

#include "msg.h"

/* low bits of the id of a try: its slot */
#define QBD_READ_SLOT_BITS 16
/* number of a member that is none any more */
#define QBD_MEMBER_LEFT QBD_MEMBERS_MAX

/**
 * enum qbd_read_state - where a read is
 * @QBD_READ_FREE: slot not in use
 * @QBD_READ_SOURCE: no member to read from at the moment
 * @QBD_READ_UNDERWAY: asked @member
 * @QBD_READ_OVERLAP: bytes in hand, waits for records to complete
 * @QBD_READ_CONFIRM: then for the lease, or for the round
 */
enum qbd_read_state {
	QBD_READ_FREE,
	QBD_READ_SOURCE,
	QBD_READ_UNDERWAY,
	QBD_READ_OVERLAP,
	QBD_READ_CONFIRM,
};

/**
 * struct qbd_leader_read - a read that has not ended
 * @req: the request's cookie
 * @payload: bytes from another node, a reference of the leader's
 * @id: of the current try; low 16 bits: its slot
 * @begin: what was completed when it began: the bytes must show that
 * @wait_index: OVERLAP: completed index that it waits for
 * @index: index that the bytes show
 * @round: CONFIRM: round that it waits for
 * @since_ns: when the current try began
 * @failed_ns: when a member failed to serve it for the first time, or 0
 * @block: first block
 * @blocks: length
 * @tried: mask of members that failed
 * @err: what the last of them said, -ETIMEDOUT if one was only slow
 * @state: enum qbd_read_state
 * @member: member that was asked; QBD_MEMBER_LEFT: it has left the set since
 * @behind: how often that one lacked what was completed
 * @slow: how often all members were too slow: each time they get twice as long
 * @retry: SOURCE: wait a little before the next try
 * @leased: only for a planted bug: the lease ran when the read began
 */
struct qbd_leader_read {
	void *req;
	void *payload;
	u64 id;
	u64 begin;
	u64 wait_index;
	u64 index;
	u64 round;
	u64 since_ns;
	u64 failed_ns;
	u32 block;
	u32 blocks;
	u16 tried;
	int err;
	u8 state;
	u8 member;
	u8 behind;
	u8 slow;
	bool retry;
	bool leased;
};

#endif /* QBD_CORE_LEADER_READ_H */
