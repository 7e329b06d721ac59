// SPDX-License-Identifier: GPL-2.0-only
/*
 * The messages of a resync: layout, pinned field by field, pairs of functions
 * that move fields, and which values they may have. See wire_body.c and
 * wire_check.c for those of all other messages.
 */
#include "wire_resync.h"
#include "wire_body.h"
#include "wire_check.h"

#define QBD_PIN(type, field, at) \
	static_assert(offsetof(struct qbd_wire_##type, field) == (at))
#define QBD_PIN_SIZE(type, bytes) \
	static_assert(sizeof(struct qbd_wire_##type) == (bytes))

QBD_PIN_SIZE(resync, 16);
QBD_PIN(resync, source, 0);
QBD_PIN(resync, node, 8);
QBD_PIN(resync, reserved, 12);

QBD_PIN_SIZE(resync_reply, 40);
QBD_PIN(resync_reply, source, 0);
QBD_PIN(resync_reply, at, 8);
QBD_PIN(resync_reply, bytes, 24);
QBD_PIN(resync_reply, chunks, 32);
QBD_PIN(resync_reply, status, 36);

QBD_PIN_SIZE(pin, 24);
QBD_PIN(pin, target, 0);
QBD_PIN(pin, have, 8);

QBD_PIN_SIZE(pin_reply, 40);
QBD_PIN(pin_reply, seq, 0);
QBD_PIN(pin_reply, at, 8);
QBD_PIN(pin_reply, chunks, 24);
QBD_PIN(pin_reply, chunk_blocks, 28);
QBD_PIN(pin_reply, status, 32);
QBD_PIN(pin_reply, crc, 36);

QBD_PIN_SIZE(map, 24);
QBD_PIN(map, seq, 0);
QBD_PIN(map, have, 8);
QBD_PIN(map, from, 16);
QBD_PIN(map, reserved, 20);

QBD_PIN_SIZE(map_entry, 16);
QBD_PIN(map_entry, chunk, 0);
QBD_PIN(map_entry, flags, 4);
QBD_PIN(map_entry, last, 8);

QBD_PIN_SIZE(map_reply, 152);
QBD_PIN(map_reply, seq, 0);
QBD_PIN(map_reply, from, 8);
QBD_PIN(map_reply, next, 12);
QBD_PIN(map_reply, nr, 16);
QBD_PIN(map_reply, status, 20);
QBD_PIN(map_reply, entry, 24);

QBD_PIN_SIZE(diff, 96);
QBD_PIN(diff, seq, 0);
QBD_PIN(diff, id, 8);
QBD_PIN(diff, chunk, 16);
QBD_PIN(diff, nr, 80);
QBD_PIN(diff, zero, 82);
QBD_PIN(diff, all, 84);
QBD_PIN(diff, reserved, 86);
QBD_PIN(diff, crc, 88);
QBD_PIN(diff, reserved2, 92);

QBD_PIN_SIZE(diff_reply, 64);
QBD_PIN(diff_reply, seq, 0);
QBD_PIN(diff_reply, id, 8);
QBD_PIN(diff_reply, chunk, 16);
QBD_PIN(diff_reply, status, 20);
QBD_PIN(diff_reply, differs, 24);
QBD_PIN(diff_reply, crc, 56);
QBD_PIN(diff_reply, reserved, 60);

QBD_PIN_SIZE(unpin, 16);
QBD_PIN(unpin, target, 0);
QBD_PIN(unpin, seq, 8);

static_assert(QBD_DIFF_BLOCKS_MAX * QBD_DIGEST_BYTES == QBD_BLOCK_SIZE);
static_assert(QBD_DIFF_BLOCKS_MAX * QBD_BLOCK_SIZE == QBD_WIRE_PAYLOAD_MAX);

int qbd_wire_resync_get(const void *bytes, struct qbd_msg *msg)
{
	const struct qbd_wire_resync *wire = bytes;

	msg->resync.source = le64_to_cpu(wire->source);
	msg->resync.node = le32_to_cpu(wire->node);
	return wire->reserved ? -EBADMSG : 0;
}

void qbd_wire_resync_put(const struct qbd_msg *msg, void *bytes)
{
	struct qbd_wire_resync *wire = bytes;

	wire->source = cpu_to_le64(msg->resync.source);
	wire->node = cpu_to_le32(msg->resync.node);
}

int qbd_wire_resync_reply_get(const void *bytes, struct qbd_msg *msg)
{
	struct qbd_msg_resync_reply *reply = &msg->resync_reply;
	const struct qbd_wire_resync_reply *wire = bytes;

	reply->source = le64_to_cpu(wire->source);
	reply->at = qbd_wire_pos_get(&wire->at);
	reply->bytes = le64_to_cpu(wire->bytes);
	reply->chunks = le32_to_cpu(wire->chunks);
	reply->status = le32_to_cpu(wire->status);
	return 0;
}

void qbd_wire_resync_reply_put(const struct qbd_msg *msg, void *bytes)
{
	const struct qbd_msg_resync_reply *reply = &msg->resync_reply;
	struct qbd_wire_resync_reply *wire = bytes;

	wire->source = cpu_to_le64(reply->source);
	wire->at = qbd_wire_pos_put(reply->at);
	wire->bytes = cpu_to_le64(reply->bytes);
	wire->chunks = cpu_to_le32(reply->chunks);
	wire->status = cpu_to_le32(reply->status);
}

int qbd_wire_pin_get(const void *bytes, struct qbd_msg *msg)
{
	const struct qbd_wire_pin *wire = bytes;

	msg->pin.target = le64_to_cpu(wire->target);
	msg->pin.have = qbd_wire_pos_get(&wire->have);
	return 0;
}

void qbd_wire_pin_put(const struct qbd_msg *msg, void *bytes)
{
	struct qbd_wire_pin *wire = bytes;

	wire->target = cpu_to_le64(msg->pin.target);
	wire->have = qbd_wire_pos_put(msg->pin.have);
}

int qbd_wire_pin_reply_get(const void *bytes, struct qbd_msg *msg)
{
	struct qbd_msg_pin_reply *reply = &msg->pin_reply;
	const struct qbd_wire_pin_reply *wire = bytes;

	reply->seq = le64_to_cpu(wire->seq);
	reply->at = qbd_wire_pos_get(&wire->at);
	reply->chunks = le32_to_cpu(wire->chunks);
	reply->chunk_blocks = le32_to_cpu(wire->chunk_blocks);
	reply->status = le32_to_cpu(wire->status);
	reply->crc = le32_to_cpu(wire->crc);
	return 0;
}

void qbd_wire_pin_reply_put(const struct qbd_msg *msg, void *bytes)
{
	const struct qbd_msg_pin_reply *reply = &msg->pin_reply;
	struct qbd_wire_pin_reply *wire = bytes;

	wire->seq = cpu_to_le64(reply->seq);
	wire->at = qbd_wire_pos_put(reply->at);
	wire->chunks = cpu_to_le32(reply->chunks);
	wire->chunk_blocks = cpu_to_le32(reply->chunk_blocks);
	wire->status = cpu_to_le32(reply->status);
	wire->crc = cpu_to_le32(reply->crc);
}

int qbd_wire_map_get(const void *bytes, struct qbd_msg *msg)
{
	const struct qbd_wire_map *wire = bytes;

	msg->map.seq = le64_to_cpu(wire->seq);
	msg->map.have = le64_to_cpu(wire->have);
	msg->map.from = le32_to_cpu(wire->from);
	return wire->reserved ? -EBADMSG : 0;
}

void qbd_wire_map_put(const struct qbd_msg *msg, void *bytes)
{
	struct qbd_wire_map *wire = bytes;

	wire->seq = cpu_to_le64(msg->map.seq);
	wire->have = cpu_to_le64(msg->map.have);
	wire->from = cpu_to_le32(msg->map.from);
}

int qbd_wire_map_reply_get(const void *bytes, struct qbd_msg *msg)
{
	struct qbd_msg_map_reply *reply = &msg->map_reply;
	const struct qbd_wire_map_reply *wire = bytes;
	u32 i;

	reply->seq = le64_to_cpu(wire->seq);
	reply->from = le32_to_cpu(wire->from);
	reply->next = le32_to_cpu(wire->next);
	reply->nr = le32_to_cpu(wire->nr);
	reply->status = le32_to_cpu(wire->status);
	for (i = 0; i < QBD_MAP_MAX; i++) {
		reply->entry[i].chunk = le32_to_cpu(wire->entry[i].chunk);
		reply->entry[i].flags = le32_to_cpu(wire->entry[i].flags);
		reply->entry[i].last = le64_to_cpu(wire->entry[i].last);
	}
	return 0;
}

void qbd_wire_map_reply_put(const struct qbd_msg *msg, void *bytes)
{
	const struct qbd_msg_map_reply *reply = &msg->map_reply;
	struct qbd_wire_map_reply *wire = bytes;
	u32 i;

	wire->seq = cpu_to_le64(reply->seq);
	wire->from = cpu_to_le32(reply->from);
	wire->next = cpu_to_le32(reply->next);
	wire->nr = cpu_to_le32(reply->nr);
	wire->status = cpu_to_le32(reply->status);
	for (i = 0; i < QBD_MAP_MAX; i++) {
		wire->entry[i].chunk = cpu_to_le32(reply->entry[i].chunk);
		wire->entry[i].flags = cpu_to_le32(reply->entry[i].flags);
		wire->entry[i].last = cpu_to_le64(reply->entry[i].last);
	}
}

int qbd_wire_diff_get(const void *bytes, struct qbd_msg *msg)
{
	const struct qbd_wire_diff *wire = bytes;
	struct qbd_msg_diff *diff = &msg->diff;
	u32 i;

	diff->seq = le64_to_cpu(wire->seq);
	diff->id = le64_to_cpu(wire->id);
	for (i = 0; i < QBD_DIFF_MAX; i++)
		diff->chunk[i] = le32_to_cpu(wire->chunk[i]);
	diff->nr = le16_to_cpu(wire->nr);
	diff->zero = le16_to_cpu(wire->zero);
	diff->all = le16_to_cpu(wire->all);
	diff->crc = le32_to_cpu(wire->crc);
	return wire->reserved || wire->reserved2 ? -EBADMSG : 0;
}

void qbd_wire_diff_put(const struct qbd_msg *msg, void *bytes)
{
	const struct qbd_msg_diff *diff = &msg->diff;
	struct qbd_wire_diff *wire = bytes;
	u32 i;

	wire->seq = cpu_to_le64(diff->seq);
	wire->id = cpu_to_le64(diff->id);
	for (i = 0; i < QBD_DIFF_MAX; i++)
		wire->chunk[i] = cpu_to_le32(diff->chunk[i]);
	wire->nr = cpu_to_le16(diff->nr);
	wire->zero = cpu_to_le16(diff->zero);
	wire->all = cpu_to_le16(diff->all);
	wire->crc = cpu_to_le32(diff->crc);
}

int qbd_wire_diff_reply_get(const void *bytes, struct qbd_msg *msg)
{
	struct qbd_msg_diff_reply *reply = &msg->diff_reply;
	const struct qbd_wire_diff_reply *wire = bytes;
	u32 i;

	reply->seq = le64_to_cpu(wire->seq);
	reply->id = le64_to_cpu(wire->id);
	reply->chunk = le32_to_cpu(wire->chunk);
	reply->status = le32_to_cpu(wire->status);
	for (i = 0; i < ARRAY_SIZE(reply->differs); i++)
		reply->differs[i] = le64_to_cpu(wire->differs[i]);
	reply->crc = le32_to_cpu(wire->crc);
	return wire->reserved ? -EBADMSG : 0;
}

void qbd_wire_diff_reply_put(const struct qbd_msg *msg, void *bytes)
{
	const struct qbd_msg_diff_reply *reply = &msg->diff_reply;
	struct qbd_wire_diff_reply *wire = bytes;
	u32 i;

	wire->seq = cpu_to_le64(reply->seq);
	wire->id = cpu_to_le64(reply->id);
	wire->chunk = cpu_to_le32(reply->chunk);
	wire->status = cpu_to_le32(reply->status);
	for (i = 0; i < ARRAY_SIZE(reply->differs); i++)
		wire->differs[i] = cpu_to_le64(reply->differs[i]);
	wire->crc = cpu_to_le32(reply->crc);
}

int qbd_wire_unpin_get(const void *bytes, struct qbd_msg *msg)
{
	const struct qbd_wire_unpin *wire = bytes;

	msg->unpin.target = le64_to_cpu(wire->target);
	msg->unpin.seq = le64_to_cpu(wire->seq);
	return 0;
}

void qbd_wire_unpin_put(const struct qbd_msg *msg, void *bytes)
{
	struct qbd_wire_unpin *wire = bytes;

	wire->target = cpu_to_le64(msg->unpin.target);
	wire->seq = cpu_to_le64(msg->unpin.seq);
}

/* --- which values they may have ----------------------------------------- */

/* Of a record in this leader's history. */
static bool qbd_wire_pos_ok(const struct qbd_msg *msg, struct qbd_pos pos)
{
	return pos.index <= QBD_WIRE_LAST_MAX && !pos.term == !pos.index &&
	       pos.term <= msg->term;
}

static bool qbd_wire_pin_reply_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_pin_reply *reply = &msg->pin_reply;

	if (reply->status != QBD_STATUS_OK)
		return reply->status <= QBD_STATUS_MAX && !reply->seq &&
		       !reply->at.index && !reply->at.term && !reply->chunks &&
		       !reply->chunk_blocks && !reply->crc &&
		       !msg->payload_bytes;
	return reply->seq && reply->at.index &&
	       qbd_wire_pos_ok(msg, reply->at) && reply->chunks &&
	       reply->chunk_blocks &&
	       reply->chunk_blocks <= QBD_DIFF_BLOCKS_MAX &&
	       msg->payload_bytes == QBD_BLOCK_SIZE;
}

static bool qbd_wire_map_reply_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_map_reply *reply = &msg->map_reply;
	u32 i, first = reply->from;

	if (reply->status != QBD_STATUS_OK && reply->status != QBD_STATUS_GONE)
		return false;
	if (reply->nr > QBD_MAP_MAX || reply->next < reply->from ||
	    (reply->status && (reply->nr || reply->next != reply->from)))
		return false;
	for (i = 0; i < reply->nr; i++) {
		const struct qbd_map_entry *entry = &reply->entry[i];

		if (entry->chunk < first || entry->chunk >= reply->next ||
		    (entry->flags & ~QBD_MAP_ZERO) || !entry->last ||
		    entry->last > QBD_WIRE_LAST_MAX)
			return false;
		first = entry->chunk + 1;
	}
	for (; i < QBD_MAP_MAX; i++)
		if (reply->entry[i].chunk || reply->entry[i].flags ||
		    reply->entry[i].last)
			return false;
	return true;
}

static bool qbd_wire_diff_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_diff *diff = &msg->diff;
	u32 i, mask;

	if (!diff->nr || diff->nr > QBD_DIFF_MAX)
		return false;
	mask = (1U << diff->nr) - 1;
	if ((diff->zero & ~mask) || (diff->all & ~mask) ||
	    (diff->zero & diff->all))
		return false;
	for (i = diff->nr; i < QBD_DIFF_MAX; i++)
		if (diff->chunk[i])
			return false;
	if ((diff->zero | diff->all) == mask)
		return !msg->payload_bytes && !diff->crc;
	return msg->payload_bytes == QBD_BLOCK_SIZE;
}

static bool qbd_wire_diff_reply_ok(const struct qbd_msg *msg)
{
	const struct qbd_msg_diff_reply *reply = &msg->diff_reply;
	u32 i, blocks = 0;

	for (i = 0; i < ARRAY_SIZE(reply->differs); i++)
		blocks += hweight64(reply->differs[i]);
	if (msg->payload_bytes != blocks * QBD_BLOCK_SIZE ||
	    (!blocks && reply->crc))
		return false;
	switch (reply->status) {
	case QBD_STATUS_OK:
		return true;
	case QBD_STATUS_EIO:
	case QBD_STATUS_CORRUPT:
	case QBD_STATUS_GONE:
	case QBD_STATUS_BUSY:
		return !blocks;
	default:
		return false;
	}
}

/**
 * qbd_wire_resync_ok() - are the values of a message of a resync in range?
 * @msg: the message
 *
 * Return: true if so.
 */
bool qbd_wire_resync_ok(const struct qbd_msg *msg)
{
	switch (msg->type) {
	case QBD_MSG_RESYNC:
		/* session 0 is that of a target without an order */
		return msg->session && msg->resync.source && msg->resync.node &&
		       msg->resync.source != msg->replica;
	case QBD_MSG_RESYNC_REPLY:
		return msg->resync_reply.source &&
		       qbd_wire_pos_ok(msg, msg->resync_reply.at) &&
		       msg->resync_reply.status <= QBD_STATUS_MAX;
	case QBD_MSG_PIN:
		return msg->pin.target && qbd_wire_pos_ok(msg, msg->pin.have);
	case QBD_MSG_PIN_REPLY:
		return qbd_wire_pin_reply_ok(msg);
	case QBD_MSG_MAP:
		return msg->map.seq && msg->map.have <= QBD_WIRE_LAST_MAX;
	case QBD_MSG_MAP_REPLY:
		return qbd_wire_map_reply_ok(msg);
	case QBD_MSG_DIFF:
		return msg->diff.seq && qbd_wire_diff_ok(msg);
	case QBD_MSG_DIFF_REPLY:
		return msg->diff_reply.seq && qbd_wire_diff_reply_ok(msg);
	case QBD_MSG_UNPIN:
		return msg->unpin.target && msg->unpin.seq;
	default:
		return false;
	}
}
