/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fuzzer's bytes stand for when they drive a state machine: messages
 * that would have come through the decoder. What would make one undecodable in
 * an uninteresting way is put right, or hardly any would get through.
 */
#ifndef QBD_TESTS_FUZZ_INPUT_H
#define QBD_TESTS_FUZZ_INPUT_H

#include "fuzz_resync.h"
#include "step.h"
#include "wire.h"
#include "wire_body.h"
#include "wire_check.h"

/* A record, or none, that follows @append->prev. */
static inline void fuzz_record(struct fuzz_input *in, struct qbd_msg *msg)
{
	struct qbd_msg_append *append = &msg->append;

	append->op = fuzz_byte(in) % 6;
	append->pos = append->prev;
	if (!append->op)
		return;
	append->pos.term = max(append->prev.term, fuzz_number(in));
	append->pos.index++;
	if (append->op == QBD_OP_CONFIG)
		msg->payload_bytes = QBD_BLOCK_SIZE;
	if (append->op >= QBD_OP_TERM)
		return;
	append->block = fuzz_number(in);
	append->blocks = fuzz_number(in);
	if (append->op == QBD_OP_WRITE)
		msg->payload_bytes = append->blocks * QBD_BLOCK_SIZE;
}

static inline void fuzz_request(struct fuzz_input *in, struct qbd_msg *msg)
{
	struct qbd_msg_append *append = &msg->append;

	switch (msg->type) {
	case QBD_MSG_OPEN:
		msg->open.node = fuzz_number(in);
		msg->open.lease_ms = fuzz_number(in);
		msg->open.blocks = fuzz_byte(in) % 4 ? 64 : fuzz_number(in);
		break;
	case QBD_MSG_APPEND:
		append->prev = fuzz_pos(in);
		fuzz_record(in, msg);
		append->commit = fuzz_number(in);
		append->completed = fuzz_number(in);
		append->round = fuzz_number(in);
		break;
	case QBD_MSG_READ:
		msg->read.id = fuzz_number(in);
		msg->read.completed = fuzz_number(in);
		msg->read.block = fuzz_number(in);
		msg->read.blocks = fuzz_number(in);
		break;
	case QBD_MSG_FETCH:
		msg->fetch.target = fuzz_number(in);
		msg->fetch.target_session = fuzz_number(in);
		msg->fetch.node = fuzz_number(in);
		msg->fetch.have = fuzz_pos(in);
		msg->fetch.limit = fuzz_number(in);
		msg->fetch.commit = fuzz_number(in);
		msg->fetch.max_records = fuzz_number(in);
		msg->fetch.max_bytes = fuzz_number(in);
		break;
	case QBD_MSG_RELEASE:
		msg->release.commit = fuzz_number(in);
		break;
	default:
		fuzz_resync(in, msg);
		break;
	}
}

static inline void fuzz_reply(struct fuzz_input *in, struct qbd_msg *msg)
{
	switch (msg->type) {
	case QBD_MSG_OPEN_REPLY:
		msg->open_reply.last = fuzz_pos(in);
		msg->open_reply.durable =
			min(fuzz_number(in), msg->open_reply.last.index);
		msg->open_reply.commit = msg->open_reply.durable;
		msg->open_reply.incarnation = fuzz_number(in);
		msg->open_reply.config = fuzz_byte(in) % 4;
		msg->open_reply.window_records = 1 + fuzz_byte(in);
		msg->open_reply.window_bytes = QBD_WIRE_PAYLOAD_MAX;
		break;
	case QBD_MSG_APPEND_ACK:
		msg->ack.received = fuzz_number(in);
		msg->ack.durable = min(fuzz_number(in), msg->ack.received);
		msg->ack.round = fuzz_number(in);
		msg->ack.incarnation = fuzz_number(in);
		break;
	case QBD_MSG_NACK:
		msg->nack.promise_term = fuzz_number(in);
		msg->nack.promise_epoch = fuzz_number(in);
		msg->nack.hint = fuzz_pos(in);
		msg->nack.incarnation = fuzz_number(in);
		msg->nack.id = fuzz_number(in);
		msg->nack.reason = 1 + fuzz_byte(in) % QBD_NACK_REASON_MAX;
		msg->nack.request = 1 + fuzz_byte(in) % QBD_MSG_TYPE_MAX;
		break;
	case QBD_MSG_READ_REPLY:
		msg->read_reply.id = fuzz_number(in) << 16 | fuzz_byte(in) % 4;
		msg->read_reply.index = fuzz_number(in);
		msg->read_reply.status = fuzz_byte(in) % 6;
		if (msg->read_reply.status != QBD_STATUS_OK)
			break;
		msg->payload_bytes = fuzz_number(in) * QBD_BLOCK_SIZE;
		msg->payload = msg;
		break;
	case QBD_MSG_FETCH_REPLY:
		msg->fetch_reply.target = fuzz_number(in);
		msg->fetch_reply.target_session = fuzz_number(in);
		msg->fetch_reply.through = fuzz_pos(in);
		msg->fetch_reply.status = fuzz_byte(in) % 6;
		break;
	case QBD_MSG_RESYNC_REPLY:
		msg->resync_reply.source = fuzz_number(in);
		msg->resync_reply.at = fuzz_pos(in);
		msg->resync_reply.bytes = fuzz_number(in);
		msg->resync_reply.chunks = fuzz_number(in);
		msg->resync_reply.status = fuzz_byte(in) % (QBD_STATUS_MAX + 1);
		break;
	default:
		break;
	}
}

/*
 * A message of @type, with the authority that @msg has, or another; false if
 * the decoder would not have let it through.
 */
static inline bool fuzz_msg(struct fuzz_input *in, u16 type,
			    struct qbd_msg *msg)
{
	u8 other = fuzz_byte(in);

	if (other < 192)
		other = 0; /* mostly its own */
	msg->type = type;
	msg->flags = fuzz_byte(in) & qbd_wire_info(type)->flags;
	if (other & 1)
		msg->replica = fuzz_number(in);
	if (other & 2)
		msg->term = fuzz_number(in);
	if (other & 4)
		msg->nonce = fuzz_number(in);
	if (other & 8)
		msg->epoch = fuzz_number(in);
	if (other & 16)
		msg->session = fuzz_number(in);
	if (other & 32)
		msg->list = fuzz_number(in);
	if (qbd_wire_info(type)->reply)
		fuzz_reply(in, msg);
	else
		fuzz_request(in, msg);
	return !qbd_wire_check(msg);
}

/* Whatever a machine says, the other side can read. */
static inline void fuzz_sent(const struct qbd_action *act)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_msg msg = act->msg;
	int len;

	if (act->kind != QBD_ACT_SEND && act->kind != QBD_ACT_SEND_LOG &&
	    act->kind != QBD_ACT_SEND_PIN && act->kind != QBD_ACT_DIGEST)
		return;
	if (act->kind == QBD_ACT_DIGEST)
		msg.payload_bytes = QBD_BLOCK_SIZE; /* the shell's */
	len = qbd_wire_encode(&msg, buf, sizeof(buf));
	if (len >= 0)
		return;
	fprintf(stderr, "%s does not encode: error %d\n",
		qbd_msg_name(msg.type), qbd_wire_check(&msg));
	abort();
}

#endif /* QBD_TESTS_FUZZ_INPUT_H */
