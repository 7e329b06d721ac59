/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * qbd wire format: every byte that a qbd node sends to another one.
 *
 * A connection is a stream of messages in both directions.  A message is
 *
 *	struct qbd_wire_head	which message, how long, its CRC
 *	struct qbd_wire_shard	only in messages of a shard: which, what term
 *	a body			struct qbd_wire_* of the type; may be none
 *	payload			0 or more blocks of 4096 bytes
 *
 * head.len_bytes covers all but the payload and is exactly what the type
 * demands; head.crc (CRC32C, initial ~0, no final inversion) covers the same
 * bytes with the crc field zero.  The payload has a CRC of its own, in the
 * body: the one that the leader took when the write came in.  It goes through
 * every replica and every log unchanged.
 *
 * The first message in each direction is HELLO; anything else before it, a
 * HELLO of another cluster or lineage, or bytes that do not decode end the
 * connection.  HELLO is the only message whose layout no later version may
 * change; unknown bits in its @features are ignored by both sides.
 *
 * WHO TALKS TO WHOM.  "Leader" is the node that holds the volume:
 *
 *	HEARTBEAT, HEARTBEAT_ACK	node to node, for all shards at once
 *	OPEN, APPEND, READ, FETCH, RELEASE,
 *	RESYNC					leader to replica
 *	OPEN_REPLY, APPEND_ACK, READ_REPLY,
 *	FETCH_REPLY, RELEASE_ACK, NACK,
 *	RESYNC_REPLY				replica to leader
 *	APPEND with QBD_WIRE_FILL		replica to replica (catch-up)
 *	PIN, MAP, DIFF, UNPIN			target of a resync to its source
 *	PIN_REPLY, MAP_REPLY, DIFF_REPLY	and back
 *
 * qbd_wire_shard.replica is always the replica's id, in both directions: that
 * of the one who is asked or answers, between two of them that of the source.
 * (@term, @nonce) names one attach in one life of the leader's kernel; every
 * message of a shard carries it with the config epoch and the session, a
 * number that the leader raises whenever it starts to feed a replica anew; of
 * what target and source of a resync say to each other, one that the target
 * chose, new for each attempt.
 *
 * The bodies of the messages of a resync are in <linux/qbd_resync.h>.
 *
 * All integers are little-endian and naturally aligned.  Reserved fields are
 * zero and are checked.
 */
#ifndef _UAPI_LINUX_QBD_WIRE_H
#define _UAPI_LINUX_QBD_WIRE_H

#include <linux/types.h>

#define QBD_WIRE_MAGIC 0x57444251U /* "QBDW" */
#define QBD_WIRE_VERSION 1
#define QBD_WIRE_PAYLOAD_MAX (256U * 4096) /* one record, or one READ */
#define QBD_WIRE_LEN_MAX 256 /* head, shard and body */
#define QBD_DIGEST_BYTES 16 /* BLAKE2s-128 */

/* Types of messages */
enum qbd_wire_type {
	QBD_MSG_HELLO = 1,
	QBD_MSG_HEARTBEAT = 2,
	QBD_MSG_HEARTBEAT_ACK = 3,
	QBD_MSG_OPEN = 4,
	QBD_MSG_OPEN_REPLY = 5,
	QBD_MSG_APPEND = 6,
	QBD_MSG_APPEND_ACK = 7,
	QBD_MSG_NACK = 8,
	QBD_MSG_READ = 9,
	QBD_MSG_READ_REPLY = 10,
	QBD_MSG_FETCH = 11,
	QBD_MSG_FETCH_REPLY = 12,
	QBD_MSG_RELEASE = 13,
	QBD_MSG_RELEASE_ACK = 14,
	QBD_MSG_RESYNC = 15,
	QBD_MSG_RESYNC_REPLY = 16,
	QBD_MSG_PIN = 17,
	QBD_MSG_PIN_REPLY = 18,
	QBD_MSG_MAP = 19,
	QBD_MSG_MAP_REPLY = 20,
	QBD_MSG_DIFF = 21,
	QBD_MSG_DIFF_REPLY = 22,
	QBD_MSG_UNPIN = 23,
};

#define QBD_MSG_TYPE_MAX QBD_MSG_UNPIN

/* Flags of messages; each type allows only its own */
#define QBD_WIRE_PROBE (1U << 0) /* APPEND: answer at once */
#define QBD_WIRE_FILL (1U << 1) /* APPEND: catch-up, not from the leader */
#define QBD_WIRE_NONVOTING (1U << 2) /* replies: does not count in a quorum */
#define QBD_WIRE_SUSPECT (1U << 3) /* replies: may lack records, no reads */
#define QBD_WIRE_AMNESIAC (1U << 4) /* replies: memory acks were lost */
#define QBD_WIRE_RECOVERY (1U << 5) /* FETCH: up to the chosen history */
#define QBD_WIRE_REPAIR (1U << 6) /* OPEN: no device, no lease */
#define QBD_WIRE_DIGEST (1U << 7) /* READ and its reply: of the bytes */
#define QBD_WIRE_BARE (1U << 8) /* READ and its reply: without the bytes */

/* Why a request was refused */
enum qbd_wire_reason {
	QBD_NACK_STALE_TERM = 1, /* promised to a higher term: @promise_term */
	QBD_NACK_TERM_TAKEN = 2, /* this term was promised to another session */
	QBD_NACK_STALE_EPOCH = 3, /* a higher config epoch is known: @epoch */
	QBD_NACK_NEED_OPEN = 4, /* OPEN for this term comes first */
	QBD_NACK_MISMATCH = 5, /* previous record not there: see @hint */
	QBD_NACK_FAILED = 6, /* the replica or its store failed */
	QBD_NACK_UNKNOWN = 7, /* no such replica here */
	QBD_NACK_BUSY = 8, /* not now, try again */
	QBD_NACK_BEHIND = 9, /* READ: records missing here */
	QBD_NACK_LEASED = 10, /* OPEN waits for the lease of another holder */
	QBD_NACK_LEASE_LONG = 11, /* OPEN for a lease above the maximum here */
	QBD_NACK_SIZE = 12, /* the shard has another size here: see @id */
	QBD_NACK_FULL = 13, /* APPEND: no home for it in the store: see @hint */
};

#define QBD_NACK_REASON_MAX QBD_NACK_FULL

/* How a request ended */
enum qbd_wire_status {
	QBD_STATUS_OK = 0,
	QBD_STATUS_EIO = 1, /* the medium failed */
	QBD_STATUS_CORRUPT = 2, /* a CRC did not match */
	QBD_STATUS_MISMATCH = 3, /* FETCH: other history, see @through */
	QBD_STATUS_GONE = 4, /* no longer in the log, or pinned */
	QBD_STATUS_BUSY = 5, /* not now, or still at work */
	QBD_STATUS_NOSPC = 6, /* RESYNC: no room for what differs */
};

#define QBD_STATUS_MAX QBD_STATUS_NOSPC

/**
 * struct qbd_wire_head - begin of every message
 * @magic: QBD_WIRE_MAGIC
 * @version: QBD_WIRE_VERSION
 * @type: enum qbd_wire_type
 * @len_bytes: of head, shard and body
 * @payload_bytes: that follow, a multiple of 4096
 * @flags: QBD_WIRE_*
 * @crc: of @len_bytes bytes, this field zero
 * @beat: to a voter: the sender's newest heartbeat; back: the newest one seen;
 *	0 = none
 * @list: back: version of the voter's list of replicas that obey the receiver,
 *	0 = this replica is not in it
 */
struct qbd_wire_head {
	__le32 magic;
	__le16 version;
	__le16 type;
	__le32 len_bytes;
	__le32 payload_bytes;
	__le32 flags;
	__le32 crc;
	__le64 beat;
	__le64 list;
};

/**
 * struct qbd_wire_pos - a position in a shard's history
 * @term: term of the record
 * @index: its index
 */
struct qbd_wire_pos {
	__le64 term;
	__le64 index;
};

/**
 * struct qbd_wire_shard - which shard, under whose authority
 * @volume: volume id
 * @shard: number of the shard in its volume
 * @replica: id of the replica that is asked or answers
 * @term: term of the leader
 * @nonce: its session nonce, not 0
 * @epoch: config epoch
 * @session: see above
 */
struct qbd_wire_shard {
	__le32 volume;
	__le32 shard;
	__le64 replica;
	__le64 term;
	__le64 nonce;
	__le64 epoch;
	__le64 session;
};

/**
 * struct qbd_wire_hello - who is there
 * @cluster: cluster uuid
 * @lineage: lineage of the cluster, new when its state came from a backup
 * @features: feature bits offered
 * @life: random number of this life of the sender's kernel module, not 0
 * @conn: random number of this connection, the same in both HELLOs
 * @node: sender
 * @peer: whom it believes to talk to
 * @link: which of the connections between the two
 * @links: how many the sender wants
 * @window_records: records that it takes unacknowledged on one shard
 * @window_bytes: payload bytes likewise
 * @reserved: zero
 */
struct qbd_wire_hello {
	__u8 cluster[16];
	__le64 lineage;
	__le64 features;
	__le64 life;
	__le64 conn;
	__le32 node;
	__le32 peer;
	__le16 link;
	__le16 links;
	__le32 window_records;
	__le32 window_bytes;
	__le32 reserved;
};

/**
 * struct qbd_wire_beat - HEARTBEAT; head.beat is its number
 * @lease_ms: lease that the sender asks for
 * @reserved: zero
 */
struct qbd_wire_beat {
	__le32 lease_ms;
	__le32 reserved;
};

/**
 * struct qbd_wire_open - OPEN
 * @node: node of the leader
 * @lease_ms: lease that it works with
 * @blocks: size of the shard
 * @reserved: zero
 */
struct qbd_wire_open {
	__le32 node;
	__le32 lease_ms;
	__le32 blocks;
	__le32 reserved;
};

/**
 * struct qbd_wire_open_reply - OPEN_REPLY: the promise is durable
 * @last: last record
 * @durable: index up to which it is on stable media
 * @commit: highest commit index known
 * @incarnation: of the store, new at every open
 * @opens: the store's generation counter
 * @config: epoch of the newest replica set in its log, 0 = not known
 * @window_records: records taken unacknowledged
 * @window_bytes: payload bytes likewise
 */
struct qbd_wire_open_reply {
	struct qbd_wire_pos last;
	__le64 durable;
	__le64 commit;
	__le64 incarnation;
	__le64 opens;
	__le64 config;
	__le32 window_records;
	__le32 window_bytes;
};

/**
 * struct qbd_wire_append - APPEND: one record, or none (@op 0)
 * @prev: record before it
 * @pos: the record; without one, the same as @prev
 * @commit: commit index of the leader
 * @completed: its completed index; QBD_WIRE_FILL: what the sender knows to be
 *	committed
 * @round: number to be echoed, confirms the term of a read
 * @block: first block of the range in the shard
 * @blocks: length of the range
 * @crc: CRC32C of the payload, 0 without payload
 * @op: enum qbd_rec_op (QBD_OP_WRITE .. QBD_OP_CONFIG), 0 = no record
 * @rec_flags: QBD_REC_FUA
 * @reserved: zero
 */
struct qbd_wire_append {
	struct qbd_wire_pos prev;
	struct qbd_wire_pos pos;
	__le64 commit;
	__le64 completed;
	__le64 round;
	__le32 block;
	__le32 blocks;
	__le32 crc;
	__u8 op;
	__u8 rec_flags;
	__le16 reserved;
};

/**
 * struct qbd_wire_ack - APPEND_ACK, cumulative
 * @received: index up to which the history is here and matches the leader's
 * @durable: index up to which it is also on stable media
 * @round: highest round seen
 * @incarnation: of the store
 */
struct qbd_wire_ack {
	__le64 received;
	__le64 durable;
	__le64 round;
	__le64 incarnation;
};

/**
 * struct qbd_wire_nack - NACK
 * @promise_term: highest term promised
 * @promise_epoch: highest config epoch known
 * @hint: QBD_NACK_MISMATCH, QBD_NACK_FULL: a position worth a try
 * @incarnation: of the store
 * @id: READ: its id; QBD_NACK_SIZE of others: blocks of the replica; else 0
 * @reason: enum qbd_wire_reason
 * @request: enum qbd_wire_type of what was refused
 */
struct qbd_wire_nack {
	__le64 promise_term;
	__le64 promise_epoch;
	struct qbd_wire_pos hint;
	__le64 incarnation;
	__le64 id;
	__le32 reason;
	__le32 request;
};

/**
 * struct qbd_wire_read - READ
 * @id: comes back in the reply
 * @completed: the replica must hold at least this index
 * @block: first block in the shard
 * @blocks: how many
 */
struct qbd_wire_read {
	__le64 id;
	__le64 completed;
	__le32 block;
	__le32 blocks;
};

/**
 * struct qbd_wire_read_reply - READ_REPLY
 * @id: of the request
 * @index: index of the replica's history that the bytes show
 * @status: enum qbd_wire_status
 * @crc: CRC32C of the payload; 0 without
 * @digest: QBD_WIRE_DIGEST: BLAKE2s-128 of all the bytes, zeros for zeros;
 *	else 0
 */
struct qbd_wire_read_reply {
	__le64 id;
	__le64 index;
	__le32 status;
	__le32 crc;
	__u8 digest[QBD_DIGEST_BYTES];
};

/**
 * struct qbd_wire_fetch - FETCH: send records to another replica
 * @target: that replica
 * @target_session: session of the leader's stream to it
 * @have: last record that it has; the first one to send follows it
 * @limit: last index to send
 * @commit: commit index of the leader
 * @node: node of the target
 * @max_records: at most so many
 * @max_bytes: and at most so many bytes of payload, but at least one record
 * @reserved: zero
 */
struct qbd_wire_fetch {
	__le64 target;
	__le64 target_session;
	struct qbd_wire_pos have;
	__le64 limit;
	__le64 commit;
	__le32 node;
	__le32 max_records;
	__le32 max_bytes;
	__le32 reserved;
};

/**
 * struct qbd_wire_fetch_reply - FETCH_REPLY
 * @target: of the request
 * @target_session: of the request
 * @through: OK: last record sent; MISMATCH: a position worth a try
 * @status: enum qbd_wire_status
 * @reserved: zero
 */
struct qbd_wire_fetch_reply {
	__le64 target;
	__le64 target_session;
	struct qbd_wire_pos through;
	__le32 status;
	__le32 reserved;
};

/**
 * struct qbd_wire_release - RELEASE: the leader is done with this term
 * @commit: its commit index, the end of its history
 */
struct qbd_wire_release {
	__le64 commit;
};

#endif /* _UAPI_LINUX_QBD_WIRE_H */
