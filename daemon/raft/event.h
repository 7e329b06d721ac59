/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes into a step and what comes out: events, messages, updates. raft.h
 * has the contract.
 */
#ifndef QBD_RAFT_EVENT_H
#define QBD_RAFT_EVENT_H

#include "config.h"
#include "log.h"

#define RAFT_APPEND_ENTRIES_MAX 64 /* of one message */
#define RAFT_CHUNK_BYTES_MAX (64 * 1024) /* of a snapshot, in one message */
#define RAFT_READS_MAX 64 /* that wait for a round */
#define RAFT_SENDS_MAX (3 * RAFT_MEMBERS_MAX) /* of one step */
#define RAFT_NUMBER_MAX \
	0x4000000000000000ULL /* of terms, indexes, rounds: no wrap */

/**
 * enum raft_msg_type - what a message is
 * @RAFT_MSG_PREVOTE: would you vote for me in @term, with @pos my last entry?
 * @RAFT_MSG_PREVOTE_REPLY: yes, in that term; or no, with my own term
 * @RAFT_MSG_VOTE: vote for me in @term
 * @RAFT_MSG_VOTE_REPLY: yes or no; yes is on stable media
 * @RAFT_MSG_APPEND: entries that follow @pos; all up to @commit is committed
 * @RAFT_MSG_APPEND_REPLY: up to @index I have what you have, on stable media;
 *	or: not @index, try @pos
 * @RAFT_MSG_BEAT: I lead; you have all up to @commit, and it is committed
 * @RAFT_MSG_BEAT_REPLY: I follow you, asked in @round
 * @RAFT_MSG_SNAPSHOT: a piece of the snapshot at @pos
 * @RAFT_MSG_SNAPSHOT_REPLY: send @snap from offset @index on
 * @RAFT_MSG_TIMEOUT_NOW: you have all that I have: campaign
 */
enum raft_msg_type {
	RAFT_MSG_PREVOTE = 1,
	RAFT_MSG_PREVOTE_REPLY,
	RAFT_MSG_VOTE,
	RAFT_MSG_VOTE_REPLY,
	RAFT_MSG_APPEND,
	RAFT_MSG_APPEND_REPLY,
	RAFT_MSG_BEAT,
	RAFT_MSG_BEAT_REPLY,
	RAFT_MSG_SNAPSHOT,
	RAFT_MSG_SNAPSHOT_REPLY,
	RAFT_MSG_TIMEOUT_NOW,
};

#define RAFT_MSG_TYPE_MAX RAFT_MSG_TIMEOUT_NOW

/**
 * struct raft_snap - a snapshot
 * @pos: the last entry in it; index 0 = none
 * @id: digest of its content: two of one @pos need not be the same bytes
 * @bytes: its length
 * @conf: the configuration that was committed at @pos
 */
struct raft_snap {
	struct raft_pos pos;
	u64 id;
	u64 bytes;
	struct raft_config conf;
};

/**
 * struct raft_msg - a message between two servers
 * @type: enum raft_msg_type
 * @reject: replies: no
 * @transfer: VOTE: the leader itself wants it, hearing it is no reason against
 * @nr: APPEND: entries
 * @from: who sends it
 * @to: to whom
 * @term: of the sender; PREVOTE, and yes to it: the one it is about
 * @pos: VOTE, PREVOTE: last entry; APPEND: the one before; APPEND_REPLY that
 *	rejects: where the logs may agree
 * @index: APPEND_REPLY; SNAPSHOT: offset of the piece; SNAPSHOT_REPLY
 * @commit: APPEND, BEAT
 * @round: BEAT, BEAT_REPLY
 * @bytes: SNAPSHOT: length of the piece
 * @snap: SNAPSHOT; SNAPSHOT_REPLY without the configuration
 * @entry: APPEND received: @nr entries. Sent: NULL, they are those of the
 *	sender's log behind @pos
 * @data: SNAPSHOT received: the piece. Sent: NULL, the shell reads it
 */
struct raft_msg {
	u8 type;
	bool reject;
	bool transfer;
	u16 nr;
	u64 from;
	u64 to;
	u64 term;
	struct raft_pos pos;
	u64 index;
	u64 commit;
	u64 round;
	u32 bytes;
	struct raft_snap snap;
	const struct raft_entry *entry;
	const void *data;
};

/**
 * enum raft_event_kind - what happened
 * @RAFT_EV_TICK: raft_deadline() has come
 * @RAFT_EV_RECV: @msg came
 * @RAFT_EV_PERSISTED: the batch @seq is on stable media, or failed with @err
 * @RAFT_EV_PROPOSE: log @data; at @index of the update
 * @RAFT_EV_READ: from which index on may @cookie be answered?
 * @RAFT_EV_CONFIG: change to @want
 * @RAFT_EV_TRANSFER: have server @id lead
 * @RAFT_EV_COMPACT: the own snapshot @snap is on stable media; forget entries
 *	up to @index, which is not higher
 * @RAFT_EV_CHUNK: the piece of a snapshot that an update had is on stable media
 */
enum raft_event_kind {
	RAFT_EV_TICK,
	RAFT_EV_RECV,
	RAFT_EV_PERSISTED,
	RAFT_EV_PROPOSE,
	RAFT_EV_READ,
	RAFT_EV_CONFIG,
	RAFT_EV_TRANSFER,
	RAFT_EV_COMPACT,
	RAFT_EV_CHUNK,
};

/**
 * struct raft_event - one thing that happened
 * @kind: enum raft_event_kind
 * @err: PERSISTED, CHUNK
 * @now_ns: when; a clock that runs at its own rate and never goes back
 * @seq: PERSISTED
 * @id: TRANSFER
 * @cookie: READ
 * @index: COMPACT
 * @bytes: PROPOSE
 * @data: PROPOSE; copied
 * @msg: RECV; not kept
 * @want: CONFIG
 * @snap: COMPACT
 */
struct raft_event {
	u8 kind;
	int err;
	u64 now_ns;
	u64 seq;
	u64 id;
	u64 cookie;
	u64 index;
	u32 bytes;
	const void *data;
	const struct raft_msg *msg;
	const struct raft_members *want;
	const struct raft_snap *snap;
};

/* What a batch for the store has; done in this order. */
#define RAFT_STORE_STATE 0x01U /* hard state: @term, @vote */
#define RAFT_STORE_INSTALL 0x02U /* the snapshot received is the one in use */
#define RAFT_STORE_TRUNCATE 0x04U /* forget entries behind @keep */
#define RAFT_STORE_DROP 0x08U /* entries up to @drop are in the snapshot */
#define RAFT_STORE_ENTRIES                                 \
	0x10U /* log @first to @last; if it had less: anew \
	       */

/**
 * struct raft_batch - what the store has to do
 * @seq: its number; 0 = nothing to do
 * @what: RAFT_STORE_*
 * @term: STATE
 * @vote: STATE
 * @snap: INSTALL
 * @keep: TRUNCATE
 * @drop: DROP
 * @first: ENTRIES
 * @last: ENTRIES
 */
struct raft_batch {
	u64 seq;
	u32 what;
	u64 term;
	u64 vote;
	struct raft_pos snap;
	u64 keep;
	u64 drop;
	u64 first;
	u64 last;
};

/**
 * struct raft_read - a READ that is decided
 * @cookie: of the event
 * @index: answer when all up to here is applied
 * @err: 0; or -EAGAIN: this server no longer leads
 */
struct raft_read {
	u64 cookie;
	u64 index;
	int err;
};

/**
 * struct raft_chunk - a piece of a snapshot for the store
 * @snap: of which; NULL = none
 * @offset: where it belongs; 0: begin a new file
 * @bytes: its length
 * @data: the message's
 */
struct raft_chunk {
	const struct raft_snap *snap;
	u64 offset;
	u32 bytes;
	const void *data;
};

/**
 * struct raft_update - what comes out of a step
 * @nr_msgs: messages to send
 * @nr_reads: reads that are decided
 * @restore: the state machine becomes what the snapshot raft_snapshot() holds
 * @index: PROPOSE, CONFIG: index of the entry
 * @term: and its term: it is committed if that entry is
 * @apply_first: then apply the entries from here
 * @apply_last: to here; below @apply_first: none
 * @batch: for the store
 * @chunk: for the store
 * @msg: messages
 * @read: reads
 */
struct raft_update {
	u32 nr_msgs;
	u32 nr_reads;
	bool restore;
	u64 index;
	u64 term;
	u64 apply_first;
	u64 apply_last;
	struct raft_batch batch;
	struct raft_chunk chunk;
	struct raft_msg msg[RAFT_SENDS_MAX];
	struct raft_read read[RAFT_READS_MAX];
};

#endif /* QBD_RAFT_EVENT_H */
