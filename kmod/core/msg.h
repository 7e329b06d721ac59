/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages as the core sees them: decoded, checked, in host byte order.
 *
 * The meaning of each field is in <linux/qbd_wire.h>; wire.h turns the one
 * into the other.  The core never touches payload: a message carries the
 * shell's cookie.  A message between the leader and the replica on its own
 * node is this struct and never takes the form of bytes.
 *
 * Fields that the shell fills in when it hands a message to a connection:
 * @beat of the messages that a leader sends (qbd_lease_mark(); never in an
 * APPEND with QBD_WIRE_FILL).  All others come from the core.
 */
#ifndef QBD_CORE_MSG_H
#define QBD_CORE_MSG_H

#include "env.h"
#include "msg_resync.h"
#include "pos.h"
#include <linux/qbd_wal.h>
#include <linux/qbd_wire.h>

#define QBD_MEMBERS_MAX (2 * QBD_SET_MAX) /* of a joint replica set */

/* What one FETCH may ask for, and what it gets whatever it asks for. */
#define QBD_FETCH_RECORDS_MAX 64U
#define QBD_FETCH_BYTES_MAX (2U << 20) /* of payload */

/**
 * struct qbd_shard_key - names a shard in its cluster
 * @volume: volume id
 * @shard: number of the shard in the volume
 */
struct qbd_shard_key {
	u32 volume;
	u32 shard;
};

/* struct qbd_wire_hello */
struct qbd_msg_hello {
	u8 cluster[16];
	u64 lineage;
	u64 features;
	u64 life;
	u64 conn;
	u32 node;
	u32 peer;
	u16 link;
	u16 links;
	u32 window_records;
	u32 window_bytes;
};

/* struct qbd_wire_beat */
struct qbd_msg_beat {
	u32 lease_ms;
};

/* struct qbd_wire_open */
struct qbd_msg_open {
	u32 node;
	u32 lease_ms;
	u32 blocks;
};

/* struct qbd_wire_open_reply */
struct qbd_msg_open_reply {
	struct qbd_pos last;
	u64 durable;
	u64 commit;
	u64 incarnation;
	u64 opens;
	u64 config;
	u32 window_records;
	u32 window_bytes;
};

/* struct qbd_wire_append */
struct qbd_msg_append {
	struct qbd_pos prev;
	struct qbd_pos pos;
	u64 commit;
	u64 completed;
	u64 round;
	u32 block;
	u32 blocks;
	u32 crc;
	u8 op;
	u8 rec_flags;
};

/* struct qbd_wire_ack */
struct qbd_msg_ack {
	u64 received;
	u64 durable;
	u64 round;
	u64 incarnation;
};

/* struct qbd_wire_nack */
struct qbd_msg_nack {
	u64 promise_term;
	u64 promise_epoch;
	struct qbd_pos hint;
	u64 incarnation;
	u64 id;
	u32 reason;
	u32 request;
};

/* struct qbd_wire_read */
struct qbd_msg_read {
	u64 id;
	u64 completed;
	u32 block;
	u32 blocks;
};

/* struct qbd_wire_read_reply */
struct qbd_msg_read_reply {
	u64 id;
	u64 index;
	u32 status;
	u32 crc;
	u8 digest[QBD_DIGEST_BYTES];
};

/* struct qbd_wire_fetch */
struct qbd_msg_fetch {
	u64 target;
	u64 target_session;
	struct qbd_pos have;
	u64 limit;
	u64 commit;
	u32 node;
	u32 max_records;
	u32 max_bytes;
};

/* struct qbd_wire_fetch_reply */
struct qbd_msg_fetch_reply {
	u64 target;
	u64 target_session;
	struct qbd_pos through;
	u32 status;
};

/* struct qbd_wire_release */
struct qbd_msg_release {
	u64 commit;
};

/**
 * struct qbd_msg - a message
 * @type: enum qbd_wire_type
 * @flags: QBD_WIRE_*
 * @payload_bytes: length of the payload
 * @beat: see struct qbd_wire_head
 * @list: see struct qbd_wire_head
 * @key: which shard; zero in messages between nodes
 * @replica: id of the replica that is asked or answers
 * @term: term of the leader
 * @nonce: its session nonce
 * @epoch: config epoch
 * @session: session of the leader's stream to the replica
 * @hello: QBD_MSG_HELLO
 * @heartbeat: QBD_MSG_HEARTBEAT
 * @open: QBD_MSG_OPEN
 * @open_reply: QBD_MSG_OPEN_REPLY
 * @append: QBD_MSG_APPEND
 * @ack: QBD_MSG_APPEND_ACK
 * @nack: QBD_MSG_NACK
 * @read: QBD_MSG_READ
 * @read_reply: QBD_MSG_READ_REPLY
 * @fetch: QBD_MSG_FETCH
 * @fetch_reply: QBD_MSG_FETCH_REPLY
 * @release: QBD_MSG_RELEASE
 * @resync: QBD_MSG_RESYNC
 * @resync_reply: QBD_MSG_RESYNC_REPLY
 * @pin: QBD_MSG_PIN
 * @pin_reply: QBD_MSG_PIN_REPLY
 * @map: QBD_MSG_MAP
 * @map_reply: QBD_MSG_MAP_REPLY
 * @diff: QBD_MSG_DIFF
 * @diff_reply: QBD_MSG_DIFF_REPLY
 * @unpin: QBD_MSG_UNPIN
 * @payload: the shell's cookie, NULL without payload
 */
struct qbd_msg {
	u16 type;
	u16 flags;
	u32 payload_bytes;
	u64 beat;
	u64 list;
	struct qbd_shard_key key;
	u64 replica;
	u64 term;
	u64 nonce;
	u64 epoch;
	u64 session;
	union {
		struct qbd_msg_hello hello;
		struct qbd_msg_beat heartbeat;
		struct qbd_msg_open open;
		struct qbd_msg_open_reply open_reply;
		struct qbd_msg_append append;
		struct qbd_msg_ack ack;
		struct qbd_msg_nack nack;
		struct qbd_msg_read read;
		struct qbd_msg_read_reply read_reply;
		struct qbd_msg_fetch fetch;
		struct qbd_msg_fetch_reply fetch_reply;
		struct qbd_msg_release release;
		struct qbd_msg_resync resync;
		struct qbd_msg_resync_reply resync_reply;
		struct qbd_msg_pin pin;
		struct qbd_msg_pin_reply pin_reply;
		struct qbd_msg_map map;
		struct qbd_msg_map_reply map_reply;
		struct qbd_msg_diff diff;
		struct qbd_msg_diff_reply diff_reply;
		struct qbd_msg_unpin unpin;
	};
	void *payload;
};

/**
 * qbd_msg_to_replica() - is a message for a replica, or for a leader?
 * @type: enum qbd_wire_type
 *
 * Return: true if it is for a replica.
 */
static inline bool qbd_msg_to_replica(u16 type)
{
	switch (type) {
	case QBD_MSG_OPEN:
	case QBD_MSG_APPEND:
	case QBD_MSG_READ:
	case QBD_MSG_FETCH:
	case QBD_MSG_RELEASE:
	case QBD_MSG_RESYNC:
		return true;
	default:
		return type >= QBD_MSG_PIN;
	}
}

/**
 * qbd_msg_from_leader() - does a leader say this?
 * @msg: a message of a shard
 *
 * Return: true if so; such a message carries a beat. False for one of a node,
 * and for what replicas say to each other.
 */
static inline bool qbd_msg_from_leader(const struct qbd_msg *msg)
{
	return qbd_msg_to_replica(msg->type) && msg->type < QBD_MSG_PIN &&
	       !(msg->flags & QBD_WIRE_FILL);
}

/**
 * qbd_msg_index() - the record that a message is about, for traces
 * @msg: the message
 *
 * Return: index of the record that an APPEND carries, up to which an APPEND_ACK
 * says that all is durable; 0 for other messages.
 */
static inline u64 qbd_msg_index(const struct qbd_msg *msg)
{
	if (msg->type == QBD_MSG_APPEND)
		return msg->append.pos.index;
	return msg->type == QBD_MSG_APPEND_ACK ? msg->ack.durable : 0;
}

#endif /* QBD_CORE_MSG_H */
