/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A comparison of all copies of a shard, under way or over; see
 * leader_verify.c for how it is made.
 */
#ifndef QBD_CORE_LEADER_VERIFY_H
#define QBD_CORE_LEADER_VERIFY_H

#include "msg.h"

/* What QBD_LEADER_VERIFY wants */
#define QBD_VERIFY_START BIT(0)
#define QBD_VERIFY_REPAIR BIT(1) /* with START: put right what differs */
#define QBD_VERIFY_STOP BIT(2)

/**
 * enum qbd_verify_verdict - what became of a block that a member has otherwise
 * @QBD_VERIFY_REPORTED: it was to be reported only
 * @QBD_VERIFY_REPAIRED: a record with the right bytes was assigned
 * @QBD_VERIFY_UNDECIDED: no quorum of members has the same bytes
 */
enum qbd_verify_verdict {
	QBD_VERIFY_REPORTED,
	QBD_VERIFY_REPAIRED,
	QBD_VERIFY_UNDECIDED,
};

/**
 * enum qbd_verify_state - where it is
 * @QBD_VERIFY_IDLE: none is under way
 * @QBD_VERIFY_QUIET: waits until no record of the range is under way
 * @QBD_VERIFY_ASKED: members read the range
 * @QBD_VERIFY_BYTES: one that is right reads the block
 * @QBD_VERIFY_ROOM: its bytes wait for room in the ring
 * @QBD_VERIFY_RECORD: they are a record, which is not committed
 */
enum qbd_verify_state {
	QBD_VERIFY_IDLE,
	QBD_VERIFY_QUIET,
	QBD_VERIFY_ASKED,
	QBD_VERIFY_BYTES,
	QBD_VERIFY_ROOM,
	QBD_VERIFY_RECORD,
};

/**
 * struct qbd_verify_counts - what it has found, in blocks
 * @compared: have been compared, between two members at least
 * @missing: of these, a member of the set was not asked
 * @written: were written to when it was their turn, or after that: the records
 *	go home over what may have been wrong
 * @skipped: could not be compared
 * @differ: are not the same on all members that were asked
 * @repaired: of these, were put right
 * @undecided: of these, nobody can say what is right
 */
struct qbd_verify_counts {
	u32 compared;
	u32 missing;
	u32 written;
	u32 skipped;
	u32 differ;
	u32 repaired;
	u32 undecided;
};

/**
 * struct qbd_verify - a comparison
 * @state: enum qbd_verify_state
 * @flags: QBD_VERIFY_REPAIR
 * @tries: how often the range was tried in vain
 * @source: member that was asked for bytes; the next one to be asked
 * @dirty: a record of the range was assigned since it was begun
 * @again: somebody could not answer now
 * @block: first block of the range
 * @blocks: its length
 * @since_ns: when the range was begun, when members were asked
 * @pause_ns: not before that
 * @begin: what was completed when members were asked
 * @asked: mask of members that were
 * @heard: that answered
 * @bad: that could not read it
 * @good: that have the right bytes
 * @id: of the question, by member
 * @digest: their answers
 * @payload: ROOM: the bytes, the leader's reference; NULL: they are zeros
 * @crc: ROOM: CRC32C of them
 * @index: RECORD: its index
 * @err: how the last one ended; 0: it looked at all there is
 * @counts: of this one, or of the last
 */
struct qbd_verify {
	u8 state;
	u8 flags;
	u8 tries;
	u8 source;
	bool dirty;
	bool again;
	u32 block;
	u32 blocks;
	u64 since_ns;
	u64 pause_ns;
	u64 begin;
	u16 asked;
	u16 heard;
	u16 bad;
	u16 good;
	u64 id[QBD_MEMBERS_MAX];
	u8 digest[QBD_MEMBERS_MAX][QBD_DIGEST_BYTES];
	void *payload;
	u32 crc;
	u64 index;
	int err;
	struct qbd_verify_counts counts;
};

#endif /* QBD_CORE_LEADER_VERIFY_H */
