// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to messages and back: heads, CRCs, and the order of checks.
 *
 * Decoding goes length, magic and version, reserved fields, flags, ranges,
 * CRC; only a message that passed all of it leaves this file. Encoding makes
 * the same checks: what this node sends the others can read.
 */
#include "wire.h"
#include "wire_body.h"
#include "wire_check.h"

/**
 * qbd_wire_head_check() - how long is the message that begins here?
 * @buf: QBD_WIRE_HEAD bytes
 *
 * Nothing is proven yet but that reading so many bytes makes sense.
 *
 * Return: bytes without payload, head included, at most QBD_WIRE_LEN_MAX;
 * -EBADMSG: not a head; -EPROTONOSUPPORT: unknown version or type.
 */
int qbd_wire_head_check(const void *buf)
{
	const struct qbd_wire_head *head = buf;
	const struct qbd_wire_info *info;

	if (le32_to_cpu(head->magic) != QBD_WIRE_MAGIC)
		return -EBADMSG;
	info = qbd_wire_info(le16_to_cpu(head->type));
	if (le16_to_cpu(head->version) != QBD_WIRE_VERSION || !info)
		return -EPROTONOSUPPORT;
	if (le32_to_cpu(head->len_bytes) != qbd_wire_len(info))
		return -EBADMSG;
	return qbd_wire_len(info);
}

/* The CRC of a message without its payload, its own field as zero. */
static u32 qbd_wire_crc(const void *buf, u32 len_bytes)
{
	const size_t at = offsetof(struct qbd_wire_head, crc);
	const u8 *bytes = buf;
	__le32 none = 0;
	u32 crc;

	crc = crc32c(~0U, bytes, at);
	crc = crc32c(crc, &none, sizeof(none));
	return crc32c(crc, bytes + at + sizeof(none),
		      len_bytes - at - sizeof(none));
}

static void qbd_wire_shard_get(const struct qbd_wire_shard *wire,
			       struct qbd_msg *msg)
{
	msg->key.volume = le32_to_cpu(wire->volume);
	msg->key.shard = le32_to_cpu(wire->shard);
	msg->replica = le64_to_cpu(wire->replica);
	msg->term = le64_to_cpu(wire->term);
	msg->nonce = le64_to_cpu(wire->nonce);
	msg->epoch = le64_to_cpu(wire->epoch);
	msg->session = le64_to_cpu(wire->session);
}

static void qbd_wire_shard_put(const struct qbd_msg *msg,
			       struct qbd_wire_shard *wire)
{
	wire->volume = cpu_to_le32(msg->key.volume);
	wire->shard = cpu_to_le32(msg->key.shard);
	wire->replica = cpu_to_le64(msg->replica);
	wire->term = cpu_to_le64(msg->term);
	wire->nonce = cpu_to_le64(msg->nonce);
	wire->epoch = cpu_to_le64(msg->epoch);
	wire->session = cpu_to_le64(msg->session);
}

/* Head and body into @msg; -EBADMSG if a flag or a reserved field is wrong. */
static int qbd_wire_fields_get(const void *buf,
			       const struct qbd_wire_info *info,
			       struct qbd_msg *msg)
{
	const struct qbd_wire_head *head = buf;
	const u8 *body = buf;

	memset(msg, 0, sizeof(*msg));
	if (le32_to_cpu(head->flags) & ~(u32)info->flags)
		return -EBADMSG;
	msg->type = le16_to_cpu(head->type);
	msg->flags = (u16)le32_to_cpu(head->flags);
	msg->payload_bytes = le32_to_cpu(head->payload_bytes);
	msg->beat = le64_to_cpu(head->beat);
	msg->list = le64_to_cpu(head->list);
	body += sizeof(*head);
	if (!info->node) {
		qbd_wire_shard_get((const void *)body, msg);
		body += sizeof(struct qbd_wire_shard);
	}
	return info->get ? info->get(body, msg) : 0;
}

/**
 * qbd_wire_decode() - bytes to a message
 * @buf: the bytes, aligned to 8
 * @len_bytes: as many as qbd_wire_head_check() said
 * @msg: where the message goes, without its payload
 *
 * Return: 0; -EBADMSG: not a message; -EPROTONOSUPPORT: unknown version or
 * type; -ERANGE: a value out of range; -EILSEQ: damaged.
 */
int qbd_wire_decode(const void *buf, u32 len_bytes, struct qbd_msg *msg)
{
	const struct qbd_wire_head *head = buf;
	int err;

	if (len_bytes < QBD_WIRE_HEAD)
		return -EBADMSG;
	err = qbd_wire_head_check(buf);
	if (err < 0)
		return err;
	if (err != len_bytes)
		return -EBADMSG;
	err = qbd_wire_fields_get(buf, qbd_wire_info(le16_to_cpu(head->type)),
				  msg);
	if (!err)
		err = qbd_wire_check(msg);
	if (err)
		return err;
	if (le32_to_cpu(head->crc) != qbd_wire_crc(buf, len_bytes))
		return -EILSEQ;
	return 0;
}

/**
 * qbd_wire_encode() - a message to bytes
 * @msg: the message
 * @buf: where the bytes go, aligned to 8
 * @max_bytes: room there; QBD_WIRE_LEN_MAX is always enough
 *
 * Return: bytes used; -EINVAL: the other side would refuse it; -ENOSPC.
 */
int qbd_wire_encode(const struct qbd_msg *msg, void *buf, u32 max_bytes)
{
	const struct qbd_wire_info *info = qbd_wire_info(msg->type);
	struct qbd_wire_head *head = buf;
	u8 *body = buf;
	u32 len;

	if (!info || qbd_wire_check(msg))
		return -EINVAL;
	len = qbd_wire_len(info);
	if (len > max_bytes)
		return -ENOSPC;
	memset(buf, 0, len);
	head->magic = cpu_to_le32(QBD_WIRE_MAGIC);
	head->version = cpu_to_le16(QBD_WIRE_VERSION);
	head->type = cpu_to_le16(msg->type);
	head->len_bytes = cpu_to_le32(len);
	head->payload_bytes = cpu_to_le32(msg->payload_bytes);
	head->flags = cpu_to_le32(msg->flags);
	head->beat = cpu_to_le64(msg->beat);
	head->list = cpu_to_le64(msg->list);
	body += sizeof(*head);
	if (!info->node) {
		qbd_wire_shard_put(msg, (void *)body);
		body += sizeof(struct qbd_wire_shard);
	}
	if (info->put)
		info->put(msg, body);
	head->crc = cpu_to_le32(qbd_wire_crc(buf, len));
	return len;
}

/**
 * qbd_wire_payload_crc() - what must the payload's CRC be?
 * @msg: the message
 * @crc: the CRC
 *
 * Return: false if the message has no payload. All types that may have one have
 * its CRC.
 */
bool qbd_wire_payload_crc(const struct qbd_msg *msg, u32 *crc)
{
	if (!msg->payload_bytes)
		return false;
	switch (msg->type) {
	case QBD_MSG_APPEND:
		*crc = msg->append.crc;
		return true;
	case QBD_MSG_READ_REPLY:
		*crc = msg->read_reply.crc;
		return true;
	case QBD_MSG_PIN_REPLY:
		*crc = msg->pin_reply.crc;
		return true;
	case QBD_MSG_DIFF:
		*crc = msg->diff.crc;
		return true;
	case QBD_MSG_DIFF_REPLY:
		*crc = msg->diff_reply.crc;
		return true;
	default:
		return false;
	}
}

/**
 * qbd_wire_status_errno() - a status from the wire as errno
 * @status: enum qbd_wire_status
 *
 * Return: 0 or a negative errno.
 */
int qbd_wire_status_errno(u32 status)
{
	switch (status) {
	case QBD_STATUS_OK:
		return 0;
	case QBD_STATUS_CORRUPT:
		return -EILSEQ;
	case QBD_STATUS_MISMATCH:
		return -ESTALE;
	case QBD_STATUS_GONE:
		return -ENODATA;
	case QBD_STATUS_BUSY:
		return -EAGAIN;
	case QBD_STATUS_NOSPC:
		return -ENOSPC;
	case QBD_STATUS_EIO:
	default:
		return -EIO;
	}
}

/**
 * qbd_wire_errno_status() - an errno as status for the wire
 * @err: 0 or a negative errno
 *
 * Return: enum qbd_wire_status.
 */
u32 qbd_wire_errno_status(int err)
{
	switch (err) {
	case 0:
		return QBD_STATUS_OK;
	case -EILSEQ:
		return QBD_STATUS_CORRUPT;
	case -ESTALE:
		return QBD_STATUS_MISMATCH;
	case -ENODATA:
		return QBD_STATUS_GONE;
	case -EAGAIN:
		return QBD_STATUS_BUSY;
	case -ENOSPC:
		return QBD_STATUS_NOSPC;
	default:
		return QBD_STATUS_EIO;
	}
}

/**
 * qbd_msg_name() - for traces
 * @type: enum qbd_wire_type
 *
 * Return: its name.
 */
const char *qbd_msg_name(u16 type)
{
	const struct qbd_wire_info *info = qbd_wire_info(type);

	return info ? info->name : "?";
}
