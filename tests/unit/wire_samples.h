/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message of each type, no two fields alike.
 */
#ifndef QBD_TESTS_WIRE_SAMPLES_H
#define QBD_TESTS_WIRE_SAMPLES_H

#include "msg.h"

#define SAMPLE_SHARD                                               \
	.key = { .volume = 0x11, .shard = 0x12 }, .replica = 0x13, \
	.term = 0x99, .nonce = 0xfeedfacecafe0001, .epoch = 0x14,  \
	.session = 0x15
#define SAMPLE_REPLY SAMPLE_SHARD, .beat = 0x16, .list = 0x17

static const struct qbd_msg wire_samples[] = {
	{
		.type = QBD_MSG_HELLO,
		.hello = {
			.cluster = "0123456789abcde",
			.lineage = 0x21,
			.features = 0x22,
			.life = 0x23,
			.conn = 0x24,
			.node = 0x25,
			.peer = 0x26,
			.link = 2,
			.links = 4,
			.window_records = 0x27,
			.window_bytes = 0x280000,
		},
	},
	{
		.type = QBD_MSG_HEARTBEAT,
		.beat = 0x31,
		.heartbeat = { .lease_ms = 1500 },
	},
	{
		.type = QBD_MSG_HEARTBEAT_ACK,
		.beat = 0x32,
		.list = 0x33,
	},
	{
		.type = QBD_MSG_OPEN,
		.flags = QBD_WIRE_REPAIR,
		SAMPLE_SHARD,
		.beat = 0x41,
		.open = { .node = 0x42, .lease_ms = 0x43, .blocks = 0x44 },
	},
	{
		.type = QBD_MSG_OPEN_REPLY,
		.flags = QBD_WIRE_NONVOTING | QBD_WIRE_AMNESIAC,
		SAMPLE_REPLY,
		.open_reply = {
			.last = { 0x51, 0x52 },
			.durable = 0x50,
			.commit = 0x4f,
			.incarnation = 0x53,
			.opens = 0x54,
			.config = 0x57,
			.window_records = 0x55,
			.window_bytes = 0x560000,
		},
	},
	{
		.type = QBD_MSG_APPEND,
		.flags = QBD_WIRE_PROBE,
		SAMPLE_SHARD,
		.payload_bytes = 8192,
		.append = {
			.prev = { 0x61, 0x62 },
			.pos = { 0x64, 0x63 },
			.commit = 0x65,
			.completed = 0x66,
			.round = 0x67,
			.block = 0x68,
			.blocks = 2,
			.crc = 0x69,
			.op = QBD_OP_WRITE,
			.rec_flags = QBD_REC_FUA,
		},
	},
	{
		.type = QBD_MSG_APPEND_ACK,
		.flags = QBD_WIRE_SUSPECT,
		SAMPLE_REPLY,
		.ack = {
			.received = 0x72,
			.durable = 0x71,
			.round = 0x73,
			.incarnation = 0x74,
		},
	},
	{
		.type = QBD_MSG_NACK,
		SAMPLE_REPLY,
		.nack = {
			.promise_term = 0x81,
			.promise_epoch = 0x82,
			.hint = { 0x83, 0x84 },
			.incarnation = 0x85,
			.id = 0x86,
			.reason = QBD_NACK_MISMATCH,
			.request = QBD_MSG_APPEND,
		},
	},
	{
		.type = QBD_MSG_READ,
		.flags = QBD_WIRE_DIGEST,
		SAMPLE_SHARD,
		.read = {
			.id = 0x91,
			.completed = 0x92,
			.block = 0x93,
			.blocks = 0x94,
		},
	},
	{
		.type = QBD_MSG_READ_REPLY,
		.flags = QBD_WIRE_DIGEST,
		SAMPLE_REPLY,
		.payload_bytes = 4096,
		.read_reply = {
			.id = 0xa1,
			.index = 0xa2,
			.status = QBD_STATUS_OK,
			.crc = 0xa3,
			.digest = { 0xa4, 0xa5, [15] = 0xa6 },
		},
	},
	{
		.type = QBD_MSG_FETCH,
		.flags = QBD_WIRE_RECOVERY,
		SAMPLE_SHARD,
		.fetch = {
			.target = 0xb1,
			.target_session = 0xb2,
			.have = { 0x98, 0xb4 },
			.limit = 0xb5,
			.commit = 0xb6,
			.node = 0xb7,
			.max_records = 0xb8,
			.max_bytes = 0xb9,
		},
	},
	{
		.type = QBD_MSG_FETCH_REPLY,
		SAMPLE_REPLY,
		.fetch_reply = {
			.target = 0xc1,
			.target_session = 0xc2,
			.through = { 0x97, 0xc4 },
			.status = QBD_STATUS_GONE,
		},
	},
	{
		.type = QBD_MSG_RELEASE,
		SAMPLE_SHARD,
		.release = { .commit = 0xd1 },
	},
	{
		.type = QBD_MSG_RELEASE_ACK,
		SAMPLE_REPLY,
	},
	{
		.type = QBD_MSG_RESYNC,
		SAMPLE_SHARD,
		.resync = { .source = 0xe1, .node = 0xe2 },
	},
	{
		.type = QBD_MSG_RESYNC_REPLY,
		SAMPLE_REPLY,
		.resync_reply = {
			.source = 0xe3,
			.at = { 0x96, 0xe5 },
			.bytes = 0xe6,
			.chunks = 0xe7,
			.status = QBD_STATUS_BUSY,
		},
	},
	{
		.type = QBD_MSG_PIN,
		SAMPLE_SHARD,
		.pin = { .target = 0xe8, .have = { 0x95, 0xe9 } },
	},
	{
		.type = QBD_MSG_PIN_REPLY,
		SAMPLE_SHARD,
		.payload_bytes = 4096,
		.pin_reply = {
			.seq = 0xea,
			.at = { 0x94, 0xeb },
			.chunks = 0xec,
			.chunk_blocks = 0x40,
			.status = QBD_STATUS_OK,
			.crc = 0xed,
		},
	},
	{
		.type = QBD_MSG_MAP,
		SAMPLE_SHARD,
		.map = { .seq = 0xee, .have = 0xef, .from = 0xf1 },
	},
	{
		.type = QBD_MSG_MAP_REPLY,
		SAMPLE_SHARD,
		.map_reply = {
			.seq = 0xf2,
			.from = 0x10,
			.next = 0x30,
			.nr = 2,
			.status = QBD_STATUS_OK,
			.entry = { { .chunk = 0x11, .last = 0xf3 },
				   { .chunk = 0x2f, .flags = QBD_MAP_ZERO,
				     .last = 0xf4 } },
		},
	},
	{
		.type = QBD_MSG_DIFF,
		SAMPLE_SHARD,
		.payload_bytes = 4096,
		.diff = {
			.seq = 0xf5,
			.id = 0xfb,
			.chunk = { 0x11, 0x12, 0x13 },
			.nr = 3,
			.zero = 1,
			.all = 4,
			.crc = 0xf6,
		},
	},
	{
		.type = QBD_MSG_DIFF_REPLY,
		SAMPLE_SHARD,
		.payload_bytes = 8192,
		.diff_reply = {
			.seq = 0xf7,
			.id = 0xfc,
			.chunk = 0x12,
			.status = QBD_STATUS_OK,
			.differs = { 1, 0, 0, 1ULL << 63 },
			.crc = 0xf8,
		},
	},
	{
		.type = QBD_MSG_UNPIN,
		SAMPLE_SHARD,
		.unpin = { .target = 0xf9, .seq = 0xfa },
	},
};

#endif /* QBD_TESTS_WIRE_SAMPLES_H */
