// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which values a message may have. Made for what was received, and asked for
 * what is to be sent, so that the two ends of the code agree.
 *
 * Only what can be said of a message by itself; whether it fits the state of
 * a shard is for leader and replica to say.
 */
#include "wire_check.h"
#include "store_limits.h"
#include "wire_body.h"
#include "wire_resync.h"

static bool qbd_wire_pos_ok(struct qbd_pos pos)
{
	return pos.index <= QBD_WIRE_INDEX_MAX && !pos.term == !pos.index;
}

/*
 * A position that is named in answer to a leader, or to a source in its name:
 * a record of a term above that of the message can not be in its history.
 */
static bool qbd_wire_pos_below(struct qbd_pos pos, const struct qbd_msg *msg)
{
	return qbd_wire_pos_ok(pos) && pos.term <= msg->term;
}

static bool qbd_wire_range_ok(u32 block, u32 blocks)
{
	return blocks && blocks <= U32_MAX - block;
}

static bool qbd_wire_hello_ok(const struct qbd_msg_hello *hello)
{
	return hello->life && hello->node && hello->peer &&
	       hello->node != hello->peer && hello->links &&
	       hello->links <= QBD_WIRE_LINKS_MAX &&
	       hello->link < hello->links && hello->window_records &&
	       hello->window_records <= QBD_WIRE_WINDOW_RECORDS_MAX &&
	       hello->window_bytes >= QBD_WIRE_PAYLOAD_MAX;
}

static bool qbd_wire_lease_ok(u32 lease_ms)
{
	return lease_ms && lease_ms <= QBD_WIRE_LEASE_MS_MAX;
}

static bool qbd_wire_open_reply_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_open_reply *reply = &msg->open_reply;

	return qbd_wire_pos_below(reply->last, msg) &&
	       reply->last.index <= QBD_WIRE_LAST_MAX &&
	       reply->durable <= reply->last.index &&
	       reply->commit <= reply->last.index && reply->window_records &&
	       reply->window_records <= QBD_WIRE_WINDOW_RECORDS_MAX &&
	       reply->window_bytes >= QBD_WIRE_PAYLOAD_MAX;
}

/* The record of an APPEND: range and payload belong to the operation. */
static bool qbd_wire_rec_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_append *append = &msg->append;
	u32 payload_blocks = msg->payload_bytes / QBD_BLOCK_SIZE;

	switch (append->op) {
	case QBD_OP_WRITE:
		return payload_blocks == append->blocks &&
		       qbd_wire_range_ok(append->block, append->blocks);
	case QBD_OP_DISCARD:
	case QBD_OP_ZERO:
		return !payload_blocks && !append->crc &&
		       append->blocks <= QBD_RANGE_BLOCKS_MAX &&
		       qbd_wire_range_ok(append->block, append->blocks);
	case QBD_OP_CONFIG:
		return payload_blocks == 1 && !append->block && !append->blocks;
	case 0:
		if (append->rec_flags)
			return false;
		fallthrough;
	case QBD_OP_TERM:
		return !payload_blocks && !append->crc && !append->block &&
		       !append->blocks;
	default:
		return false;
	}
}

static bool qbd_wire_append_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_append *append = &msg->append;

	if (!qbd_wire_pos_ok(append->prev) || !qbd_wire_pos_ok(append->pos) ||
	    append->pos.term > msg->term ||
	    append->commit > QBD_WIRE_INDEX_MAX ||
	    append->completed > QBD_WIRE_INDEX_MAX ||
	    (append->rec_flags & ~QBD_REC_FUA) || !qbd_wire_rec_ok(msg))
		return false;
	if (!append->op)
		return qbd_pos_equal(append->prev, append->pos);
	return append->pos.index == append->prev.index + 1 &&
	       append->pos.term >= append->prev.term;
}

static bool qbd_wire_nack_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_nack *nack = &msg->nack;

	return nack->promise_term <= QBD_WAL_TERM_MAX && nack->reason &&
	       nack->reason <= QBD_NACK_REASON_MAX && nack->request &&
	       nack->request <= QBD_MSG_TYPE_MAX &&
	       qbd_wire_pos_below(nack->hint, msg);
}

/* Bytes, a digest of them, or both. */
static bool qbd_wire_read_ok(const struct qbd_msg *msg)
{
	return msg->read.completed <= QBD_WIRE_INDEX_MAX &&
	       msg->read.blocks <= QBD_REC_BLOCKS_MAX &&
	       qbd_wire_range_ok(msg->read.block, msg->read.blocks) &&
	       (msg->flags & QBD_WIRE_DIGEST || !(msg->flags & QBD_WIRE_BARE));
}

static bool qbd_wire_read_reply_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_read_reply *reply = &msg->read_reply;
	bool digest = msg->flags & QBD_WIRE_DIGEST;
	bool bare = msg->flags & QBD_WIRE_BARE;

	if (reply->index > QBD_WIRE_INDEX_MAX || (bare && !digest) ||
	    (!digest && !mem_is_zero(reply->digest, sizeof(reply->digest))))
		return false;
	switch (reply->status) {
	case QBD_STATUS_OK:
		return bare ? !msg->payload_bytes && !reply->crc :
			      msg->payload_bytes;
	case QBD_STATUS_EIO:
	case QBD_STATUS_CORRUPT:
	case QBD_STATUS_BUSY:
		return !msg->payload_bytes && !reply->crc && !msg->flags;
	default:
		return false;
	}
}

static bool qbd_wire_fetch_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_fetch *fetch = &msg->fetch;

	return fetch->target && fetch->node && fetch->max_records &&
	       qbd_wire_pos_below(fetch->have, msg) &&
	       fetch->limit >= fetch->have.index &&
	       fetch->limit <= QBD_WIRE_INDEX_MAX &&
	       fetch->commit <= QBD_WIRE_INDEX_MAX;
}

static bool qbd_wire_fetch_reply_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_fetch_reply *reply = &msg->fetch_reply;

	return reply->target && reply->status <= QBD_STATUS_MAX &&
	       qbd_wire_pos_below(reply->through, msg);
}

static bool qbd_wire_body_ok(const struct qbd_msg *msg)
{
	switch (msg->type) {
	case QBD_MSG_HELLO:
		return qbd_wire_hello_ok(&msg->hello);
	case QBD_MSG_HEARTBEAT:
		return msg->beat && qbd_wire_lease_ok(msg->heartbeat.lease_ms);
	case QBD_MSG_HEARTBEAT_ACK:
		return msg->beat && msg->list;
	case QBD_MSG_OPEN:
		return msg->open.node && msg->open.blocks &&
		       qbd_wire_lease_ok(msg->open.lease_ms);
	case QBD_MSG_OPEN_REPLY:
		return qbd_wire_open_reply_ok(msg);
	case QBD_MSG_APPEND:
		return qbd_wire_append_ok(msg);
	case QBD_MSG_APPEND_ACK:
		return msg->ack.durable <= msg->ack.received &&
		       msg->ack.received <= QBD_WIRE_INDEX_MAX;
	case QBD_MSG_NACK:
		return qbd_wire_nack_ok(msg);
	case QBD_MSG_READ:
		return qbd_wire_read_ok(msg);
	case QBD_MSG_READ_REPLY:
		return qbd_wire_read_reply_ok(msg);
	case QBD_MSG_FETCH:
		return qbd_wire_fetch_ok(msg);
	case QBD_MSG_FETCH_REPLY:
		return qbd_wire_fetch_reply_ok(msg);
	case QBD_MSG_RELEASE:
		return msg->release.commit <= QBD_WIRE_INDEX_MAX;
	case QBD_MSG_RELEASE_ACK:
		return true;
	default:
		return qbd_wire_resync_ok(msg);
	}
}

/**
 * qbd_wire_check() - is this a message that may be on the wire?
 * @msg: the message, decoded or to be encoded
 *
 * Return: 0; -EPROTONOSUPPORT: no such type; -EBADMSG: flags or payload that
 * its type does not have; -ERANGE: a value out of range.
 */
int qbd_wire_check(const struct qbd_msg *msg)
{
	const struct qbd_wire_info *info = qbd_wire_info(msg->type);

	if (!info)
		return -EPROTONOSUPPORT;
	if ((msg->flags & ~info->flags) || (msg->list && !info->reply) ||
	    (msg->payload_bytes && !info->payload))
		return -EBADMSG;
	if (msg->payload_bytes > QBD_WIRE_PAYLOAD_MAX ||
	    msg->payload_bytes % QBD_BLOCK_SIZE)
		return -ERANGE;
	if (!info->node && (!msg->replica || !msg->term ||
			    msg->term > QBD_WAL_TERM_MAX || !msg->nonce))
		return -ERANGE;
	return qbd_wire_body_ok(msg) ? 0 : -ERANGE;
}
