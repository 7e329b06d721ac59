// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bodies of messages: the layout, pinned field by field, for it is a contract
 * with every other version; a pair of functions per body that moves fields;
 * and the table that says what each type of message consists of. No judgement
 * of values here (wire_check.c), no heads and CRCs (wire.c).
 */
#include "wire_body.h"
#include "wire_resync.h"

#define QBD_PIN(type, field, at) \
	static_assert(offsetof(struct qbd_wire_##type, field) == (at))
#define QBD_PIN_SIZE(type, bytes) \
	static_assert(sizeof(struct qbd_wire_##type) == (bytes))

QBD_PIN_SIZE(head, 40);
QBD_PIN(head, magic, 0);
QBD_PIN(head, version, 4);
QBD_PIN(head, type, 6);
QBD_PIN(head, len_bytes, 8);
QBD_PIN(head, payload_bytes, 12);
QBD_PIN(head, flags, 16);
QBD_PIN(head, crc, 20);
QBD_PIN(head, beat, 24);
QBD_PIN(head, list, 32);

QBD_PIN_SIZE(shard, 48);
QBD_PIN(shard, volume, 0);
QBD_PIN(shard, shard, 4);
QBD_PIN(shard, replica, 8);
QBD_PIN(shard, term, 16);
QBD_PIN(shard, nonce, 24);
QBD_PIN(shard, epoch, 32);
QBD_PIN(shard, session, 40);

QBD_PIN_SIZE(hello, 72);
QBD_PIN(hello, cluster, 0);
QBD_PIN(hello, lineage, 16);
QBD_PIN(hello, features, 24);
QBD_PIN(hello, life, 32);
QBD_PIN(hello, conn, 40);
QBD_PIN(hello, node, 48);
QBD_PIN(hello, peer, 52);
QBD_PIN(hello, link, 56);
QBD_PIN(hello, links, 58);
QBD_PIN(hello, window_records, 60);
QBD_PIN(hello, window_bytes, 64);
QBD_PIN(hello, reserved, 68);

QBD_PIN_SIZE(beat, 8);
QBD_PIN(beat, lease_ms, 0);
QBD_PIN(beat, reserved, 4);

QBD_PIN_SIZE(open, 16);
QBD_PIN(open, node, 0);
QBD_PIN(open, lease_ms, 4);
QBD_PIN(open, blocks, 8);
QBD_PIN(open, reserved, 12);

QBD_PIN_SIZE(open_reply, 64);
QBD_PIN(open_reply, last, 0);
QBD_PIN(open_reply, durable, 16);
QBD_PIN(open_reply, commit, 24);
QBD_PIN(open_reply, incarnation, 32);
QBD_PIN(open_reply, opens, 40);
QBD_PIN(open_reply, config, 48);
QBD_PIN(open_reply, window_records, 56);
QBD_PIN(open_reply, window_bytes, 60);

QBD_PIN_SIZE(append, 72);
QBD_PIN(append, prev, 0);
QBD_PIN(append, pos, 16);
QBD_PIN(append, commit, 32);
QBD_PIN(append, completed, 40);
QBD_PIN(append, round, 48);
QBD_PIN(append, block, 56);
QBD_PIN(append, blocks, 60);
QBD_PIN(append, crc, 64);
QBD_PIN(append, op, 68);
QBD_PIN(append, rec_flags, 69);
QBD_PIN(append, reserved, 70);

QBD_PIN_SIZE(ack, 32);
QBD_PIN(ack, received, 0);
QBD_PIN(ack, durable, 8);
QBD_PIN(ack, round, 16);
QBD_PIN(ack, incarnation, 24);

QBD_PIN_SIZE(nack, 56);
QBD_PIN(nack, promise_term, 0);
QBD_PIN(nack, promise_epoch, 8);
QBD_PIN(nack, hint, 16);
QBD_PIN(nack, incarnation, 32);
QBD_PIN(nack, id, 40);
QBD_PIN(nack, reason, 48);
QBD_PIN(nack, request, 52);

QBD_PIN_SIZE(read, 24);
QBD_PIN(read, id, 0);
QBD_PIN(read, completed, 8);
QBD_PIN(read, block, 16);
QBD_PIN(read, blocks, 20);

QBD_PIN_SIZE(read_reply, 40);
QBD_PIN(read_reply, id, 0);
QBD_PIN(read_reply, index, 8);
QBD_PIN(read_reply, status, 16);
QBD_PIN(read_reply, crc, 20);
QBD_PIN(read_reply, digest, 24);

QBD_PIN_SIZE(fetch, 64);
QBD_PIN(fetch, target, 0);
QBD_PIN(fetch, target_session, 8);
QBD_PIN(fetch, have, 16);
QBD_PIN(fetch, limit, 32);
QBD_PIN(fetch, commit, 40);
QBD_PIN(fetch, node, 48);
QBD_PIN(fetch, max_records, 52);
QBD_PIN(fetch, max_bytes, 56);
QBD_PIN(fetch, reserved, 60);

QBD_PIN_SIZE(fetch_reply, 40);
QBD_PIN(fetch_reply, target, 0);
QBD_PIN(fetch_reply, target_session, 8);
QBD_PIN(fetch_reply, through, 16);
QBD_PIN(fetch_reply, status, 32);
QBD_PIN(fetch_reply, reserved, 36);

QBD_PIN_SIZE(release, 8);
QBD_PIN(release, commit, 0);

static int qbd_wire_hello_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_hello *wire = body;
	struct qbd_msg_hello *hello = &msg->hello;

	memcpy(hello->cluster, wire->cluster, sizeof(hello->cluster));
	hello->lineage = le64_to_cpu(wire->lineage);
	hello->features = le64_to_cpu(wire->features);
	hello->life = le64_to_cpu(wire->life);
	hello->conn = le64_to_cpu(wire->conn);
	hello->node = le32_to_cpu(wire->node);
	hello->peer = le32_to_cpu(wire->peer);
	hello->link = le16_to_cpu(wire->link);
	hello->links = le16_to_cpu(wire->links);
	hello->window_records = le32_to_cpu(wire->window_records);
	hello->window_bytes = le32_to_cpu(wire->window_bytes);
	return wire->reserved ? -EBADMSG : 0;
}

static void qbd_wire_hello_put(const struct qbd_msg *msg, void *body)
{
	const struct qbd_msg_hello *hello = &msg->hello;
	struct qbd_wire_hello *wire = body;

	memcpy(wire->cluster, hello->cluster, sizeof(wire->cluster));
	wire->lineage = cpu_to_le64(hello->lineage);
	wire->features = cpu_to_le64(hello->features);
	wire->life = cpu_to_le64(hello->life);
	wire->conn = cpu_to_le64(hello->conn);
	wire->node = cpu_to_le32(hello->node);
	wire->peer = cpu_to_le32(hello->peer);
	wire->link = cpu_to_le16(hello->link);
	wire->links = cpu_to_le16(hello->links);
	wire->window_records = cpu_to_le32(hello->window_records);
	wire->window_bytes = cpu_to_le32(hello->window_bytes);
}

static int qbd_wire_beat_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_beat *wire = body;

	msg->heartbeat.lease_ms = le32_to_cpu(wire->lease_ms);
	return wire->reserved ? -EBADMSG : 0;
}

static void qbd_wire_beat_put(const struct qbd_msg *msg, void *body)
{
	struct qbd_wire_beat *wire = body;

	wire->lease_ms = cpu_to_le32(msg->heartbeat.lease_ms);
}

static int qbd_wire_open_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_open *wire = body;

	msg->open.node = le32_to_cpu(wire->node);
	msg->open.lease_ms = le32_to_cpu(wire->lease_ms);
	msg->open.blocks = le32_to_cpu(wire->blocks);
	return wire->reserved ? -EBADMSG : 0;
}

static void qbd_wire_open_put(const struct qbd_msg *msg, void *body)
{
	struct qbd_wire_open *wire = body;

	wire->node = cpu_to_le32(msg->open.node);
	wire->lease_ms = cpu_to_le32(msg->open.lease_ms);
	wire->blocks = cpu_to_le32(msg->open.blocks);
}

static int qbd_wire_open_reply_get(const void *body, struct qbd_msg *msg)
{
	struct qbd_msg_open_reply *reply = &msg->open_reply;
	const struct qbd_wire_open_reply *wire = body;

	reply->last = qbd_wire_pos_get(&wire->last);
	reply->durable = le64_to_cpu(wire->durable);
	reply->commit = le64_to_cpu(wire->commit);
	reply->incarnation = le64_to_cpu(wire->incarnation);
	reply->opens = le64_to_cpu(wire->opens);
	reply->config = le64_to_cpu(wire->config);
	reply->window_records = le32_to_cpu(wire->window_records);
	reply->window_bytes = le32_to_cpu(wire->window_bytes);
	return 0;
}

static void qbd_wire_open_reply_put(const struct qbd_msg *msg, void *body)
{
	const struct qbd_msg_open_reply *reply = &msg->open_reply;
	struct qbd_wire_open_reply *wire = body;

	wire->last = qbd_wire_pos_put(reply->last);
	wire->durable = cpu_to_le64(reply->durable);
	wire->commit = cpu_to_le64(reply->commit);
	wire->incarnation = cpu_to_le64(reply->incarnation);
	wire->opens = cpu_to_le64(reply->opens);
	wire->config = cpu_to_le64(reply->config);
	wire->window_records = cpu_to_le32(reply->window_records);
	wire->window_bytes = cpu_to_le32(reply->window_bytes);
}

static int qbd_wire_append_get(const void *body, struct qbd_msg *msg)
{
	struct qbd_msg_append *append = &msg->append;
	const struct qbd_wire_append *wire = body;

	append->prev = qbd_wire_pos_get(&wire->prev);
	append->pos = qbd_wire_pos_get(&wire->pos);
	append->commit = le64_to_cpu(wire->commit);
	append->completed = le64_to_cpu(wire->completed);
	append->round = le64_to_cpu(wire->round);
	append->block = le32_to_cpu(wire->block);
	append->blocks = le32_to_cpu(wire->blocks);
	append->crc = le32_to_cpu(wire->crc);
	append->op = wire->op;
	append->rec_flags = wire->rec_flags;
	return wire->reserved ? -EBADMSG : 0;
}

static void qbd_wire_append_put(const struct qbd_msg *msg, void *body)
{
	const struct qbd_msg_append *append = &msg->append;
	struct qbd_wire_append *wire = body;

	wire->prev = qbd_wire_pos_put(append->prev);
	wire->pos = qbd_wire_pos_put(append->pos);
	wire->commit = cpu_to_le64(append->commit);
	wire->completed = cpu_to_le64(append->completed);
	wire->round = cpu_to_le64(append->round);
	wire->block = cpu_to_le32(append->block);
	wire->blocks = cpu_to_le32(append->blocks);
	wire->crc = cpu_to_le32(append->crc);
	wire->op = append->op;
	wire->rec_flags = append->rec_flags;
}

static int qbd_wire_ack_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_ack *wire = body;

	msg->ack.received = le64_to_cpu(wire->received);
	msg->ack.durable = le64_to_cpu(wire->durable);
	msg->ack.round = le64_to_cpu(wire->round);
	msg->ack.incarnation = le64_to_cpu(wire->incarnation);
	return 0;
}

static void qbd_wire_ack_put(const struct qbd_msg *msg, void *body)
{
	struct qbd_wire_ack *wire = body;

	wire->received = cpu_to_le64(msg->ack.received);
	wire->durable = cpu_to_le64(msg->ack.durable);
	wire->round = cpu_to_le64(msg->ack.round);
	wire->incarnation = cpu_to_le64(msg->ack.incarnation);
}

static int qbd_wire_nack_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_nack *wire = body;
	struct qbd_msg_nack *nack = &msg->nack;

	nack->promise_term = le64_to_cpu(wire->promise_term);
	nack->promise_epoch = le64_to_cpu(wire->promise_epoch);
	nack->hint = qbd_wire_pos_get(&wire->hint);
	nack->incarnation = le64_to_cpu(wire->incarnation);
	nack->id = le64_to_cpu(wire->id);
	nack->reason = le32_to_cpu(wire->reason);
	nack->request = le32_to_cpu(wire->request);
	return 0;
}

static void qbd_wire_nack_put(const struct qbd_msg *msg, void *body)
{
	const struct qbd_msg_nack *nack = &msg->nack;
	struct qbd_wire_nack *wire = body;

	wire->promise_term = cpu_to_le64(nack->promise_term);
	wire->promise_epoch = cpu_to_le64(nack->promise_epoch);
	wire->hint = qbd_wire_pos_put(nack->hint);
	wire->incarnation = cpu_to_le64(nack->incarnation);
	wire->id = cpu_to_le64(nack->id);
	wire->reason = cpu_to_le32(nack->reason);
	wire->request = cpu_to_le32(nack->request);
}

static int qbd_wire_read_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_read *wire = body;

	msg->read.id = le64_to_cpu(wire->id);
	msg->read.completed = le64_to_cpu(wire->completed);
	msg->read.block = le32_to_cpu(wire->block);
	msg->read.blocks = le32_to_cpu(wire->blocks);
	return 0;
}

static void qbd_wire_read_put(const struct qbd_msg *msg, void *body)
{
	struct qbd_wire_read *wire = body;

	wire->id = cpu_to_le64(msg->read.id);
	wire->completed = cpu_to_le64(msg->read.completed);
	wire->block = cpu_to_le32(msg->read.block);
	wire->blocks = cpu_to_le32(msg->read.blocks);
}

static int qbd_wire_read_reply_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_read_reply *wire = body;

	msg->read_reply.id = le64_to_cpu(wire->id);
	msg->read_reply.index = le64_to_cpu(wire->index);
	msg->read_reply.status = le32_to_cpu(wire->status);
	msg->read_reply.crc = le32_to_cpu(wire->crc);
	memcpy(msg->read_reply.digest, wire->digest, QBD_DIGEST_BYTES);
	return 0;
}

static void qbd_wire_read_reply_put(const struct qbd_msg *msg, void *body)
{
	struct qbd_wire_read_reply *wire = body;

	wire->id = cpu_to_le64(msg->read_reply.id);
	wire->index = cpu_to_le64(msg->read_reply.index);
	wire->status = cpu_to_le32(msg->read_reply.status);
	wire->crc = cpu_to_le32(msg->read_reply.crc);
	memcpy(wire->digest, msg->read_reply.digest, QBD_DIGEST_BYTES);
}

static int qbd_wire_fetch_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_fetch *wire = body;
	struct qbd_msg_fetch *fetch = &msg->fetch;

	fetch->target = le64_to_cpu(wire->target);
	fetch->target_session = le64_to_cpu(wire->target_session);
	fetch->have = qbd_wire_pos_get(&wire->have);
	fetch->limit = le64_to_cpu(wire->limit);
	fetch->commit = le64_to_cpu(wire->commit);
	fetch->node = le32_to_cpu(wire->node);
	fetch->max_records = le32_to_cpu(wire->max_records);
	fetch->max_bytes = le32_to_cpu(wire->max_bytes);
	return wire->reserved ? -EBADMSG : 0;
}

static void qbd_wire_fetch_put(const struct qbd_msg *msg, void *body)
{
	const struct qbd_msg_fetch *fetch = &msg->fetch;
	struct qbd_wire_fetch *wire = body;

	wire->target = cpu_to_le64(fetch->target);
	wire->target_session = cpu_to_le64(fetch->target_session);
	wire->have = qbd_wire_pos_put(fetch->have);
	wire->limit = cpu_to_le64(fetch->limit);
	wire->commit = cpu_to_le64(fetch->commit);
	wire->node = cpu_to_le32(fetch->node);
	wire->max_records = cpu_to_le32(fetch->max_records);
	wire->max_bytes = cpu_to_le32(fetch->max_bytes);
}

static int qbd_wire_fetch_reply_get(const void *body, struct qbd_msg *msg)
{
	struct qbd_msg_fetch_reply *reply = &msg->fetch_reply;
	const struct qbd_wire_fetch_reply *wire = body;

	reply->target = le64_to_cpu(wire->target);
	reply->target_session = le64_to_cpu(wire->target_session);
	reply->through = qbd_wire_pos_get(&wire->through);
	reply->status = le32_to_cpu(wire->status);
	return wire->reserved ? -EBADMSG : 0;
}

static void qbd_wire_fetch_reply_put(const struct qbd_msg *msg, void *body)
{
	const struct qbd_msg_fetch_reply *reply = &msg->fetch_reply;
	struct qbd_wire_fetch_reply *wire = body;

	wire->target = cpu_to_le64(reply->target);
	wire->target_session = cpu_to_le64(reply->target_session);
	wire->through = qbd_wire_pos_put(reply->through);
	wire->status = cpu_to_le32(reply->status);
}

static int qbd_wire_release_get(const void *body, struct qbd_msg *msg)
{
	const struct qbd_wire_release *wire = body;

	msg->release.commit = le64_to_cpu(wire->commit);
	return 0;
}

static void qbd_wire_release_put(const struct qbd_msg *msg, void *body)
{
	struct qbd_wire_release *wire = body;

	wire->commit = cpu_to_le64(msg->release.commit);
}

#define QBD_BODY(body)                                \
	.body_bytes = sizeof(struct qbd_wire_##body), \
	.get = qbd_wire_##body##_get, .put = qbd_wire_##body##_put

#define QBD_REPLY_FLAGS \
	(QBD_WIRE_NONVOTING | QBD_WIRE_SUSPECT | QBD_WIRE_AMNESIAC)
#define QBD_READ_FLAGS (QBD_WIRE_DIGEST | QBD_WIRE_BARE)

/* clang-format off */
static const struct qbd_wire_info qbd_wire_infos[QBD_MSG_TYPE_MAX + 1] = {
	[QBD_MSG_HELLO]		= { "hello", QBD_BODY(hello), .node = true },
	[QBD_MSG_HEARTBEAT]	= { "heartbeat", QBD_BODY(beat), .node = true },
	[QBD_MSG_HEARTBEAT_ACK]	= { "heartbeat-ack", .node = true,
				    .reply = true },
	[QBD_MSG_OPEN]		= { "open", QBD_BODY(open),
				    .flags = QBD_WIRE_REPAIR },
	[QBD_MSG_OPEN_REPLY]	= { "open-reply", QBD_BODY(open_reply),
				    .reply = true, .flags = QBD_REPLY_FLAGS },
	[QBD_MSG_APPEND]	= { "append", QBD_BODY(append),
				    .payload = true,
				    .flags = QBD_WIRE_PROBE | QBD_WIRE_FILL },
	[QBD_MSG_APPEND_ACK]	= { "append-ack", QBD_BODY(ack),
				    .reply = true, .flags = QBD_REPLY_FLAGS },
	[QBD_MSG_NACK]		= { "nack", QBD_BODY(nack), .reply = true },
	[QBD_MSG_READ]		= { "read", QBD_BODY(read),
				    .flags = QBD_READ_FLAGS },
	[QBD_MSG_READ_REPLY]	= { "read-reply", QBD_BODY(read_reply),
				    .payload = true, .reply = true,
				    .flags = QBD_READ_FLAGS },
	[QBD_MSG_FETCH]		= { "fetch", QBD_BODY(fetch),
				    .flags = QBD_WIRE_RECOVERY },
	[QBD_MSG_FETCH_REPLY]	= { "fetch-reply", QBD_BODY(fetch_reply),
				    .reply = true },
	[QBD_MSG_RELEASE]	= { "release", QBD_BODY(release) },
	[QBD_MSG_RELEASE_ACK]	= { "release-ack", .reply = true },
	[QBD_MSG_RESYNC]	= { "resync", QBD_BODY(resync) },
	[QBD_MSG_RESYNC_REPLY]	= { "resync-reply", QBD_BODY(resync_reply),
				    .reply = true, .flags = QBD_REPLY_FLAGS },
	[QBD_MSG_PIN]		= { "pin", QBD_BODY(pin) },
	[QBD_MSG_PIN_REPLY]	= { "pin-reply", QBD_BODY(pin_reply),
				    .payload = true },
	[QBD_MSG_MAP]		= { "map", QBD_BODY(map) },
	[QBD_MSG_MAP_REPLY]	= { "map-reply", QBD_BODY(map_reply) },
	[QBD_MSG_DIFF]		= { "diff", QBD_BODY(diff), .payload = true },
	[QBD_MSG_DIFF_REPLY]	= { "diff-reply", QBD_BODY(diff_reply),
				    .payload = true },
	[QBD_MSG_UNPIN]		= { "unpin", QBD_BODY(unpin) },
};

/* clang-format on */

/**
 * qbd_wire_info() - what a type of message consists of
 * @type: enum qbd_wire_type
 *
 * Return: that, NULL if there is no such type.
 */
const struct qbd_wire_info *qbd_wire_info(u16 type)
{
	if (type > QBD_MSG_TYPE_MAX || !qbd_wire_infos[type].name)
		return NULL;
	return &qbd_wire_infos[type];
}
