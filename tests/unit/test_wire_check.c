// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which values a message may have: a table of what is wrong with each.
 */
#include "harness.h"
#include "store_limits.h"
#include "wire_check.h"
#include "wire_samples.h"

TEST(samples_are_good)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(wire_samples); i++)
		EXPECT_EQ(0, qbd_wire_check(&wire_samples[i]));
}

/* A sample with one thing changed must be refused. */
#define REFUSED(want, msg_type, change)                                \
	do {                                                           \
		struct qbd_msg m = wire_samples[(msg_type)-1];         \
		m.change;                                              \
		if (qbd_wire_check(&m) != (want)) {                    \
			TH_LOG("%s: %d", #change, qbd_wire_check(&m)); \
			th_fail(false);                                \
		}                                                      \
	} while (0)

#define ACCEPTED(msg_type, change) REFUSED(0, msg_type, change)

TEST(head_and_shard)
{
	REFUSED(-EPROTONOSUPPORT, QBD_MSG_READ, type = 0);
	REFUSED(-EBADMSG, QBD_MSG_READ, flags = QBD_WIRE_FILL);
	REFUSED(-EBADMSG, QBD_MSG_READ, list = 1);
	REFUSED(-EBADMSG, QBD_MSG_READ, payload_bytes = 4096);
	REFUSED(-ERANGE, QBD_MSG_APPEND, payload_bytes = 4097);
	REFUSED(-ERANGE, QBD_MSG_APPEND,
		payload_bytes = QBD_WIRE_PAYLOAD_MAX + 4096);
	REFUSED(-ERANGE, QBD_MSG_READ, replica = 0);
	REFUSED(-ERANGE, QBD_MSG_READ, term = 0);
	REFUSED(-ERANGE, QBD_MSG_READ, term = QBD_WAL_TERM_MAX + 1);
	ACCEPTED(QBD_MSG_READ, term = QBD_WAL_TERM_MAX);
	REFUSED(-ERANGE, QBD_MSG_READ, nonce = 0);
	ACCEPTED(QBD_MSG_READ, epoch = 0);
}

TEST(nodes)
{
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.life = 0);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.node = 0);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.peer = 0);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.peer = 0x25);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.links = 0);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.links = 65);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.link = 4);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.window_records = 0);
	REFUSED(-ERANGE, QBD_MSG_HELLO, hello.window_bytes = 4096);
	ACCEPTED(QBD_MSG_HELLO, hello.features = U64_MAX);
	REFUSED(-ERANGE, QBD_MSG_HEARTBEAT, beat = 0);
	REFUSED(-ERANGE, QBD_MSG_HEARTBEAT, heartbeat.lease_ms = 0);
	REFUSED(-ERANGE, QBD_MSG_HEARTBEAT, heartbeat.lease_ms = 3600001);
	REFUSED(-ERANGE, QBD_MSG_HEARTBEAT_ACK, list = 0);
}

TEST(open)
{
	REFUSED(-ERANGE, QBD_MSG_OPEN, open.node = 0);
	REFUSED(-ERANGE, QBD_MSG_OPEN, open.lease_ms = 0);
	REFUSED(-ERANGE, QBD_MSG_OPEN, open.blocks = 0);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.last.index = 0);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.last.term = 0);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.last.term = 0x9a);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY,
		open_reply.last.index = QBD_WIRE_LAST_MAX + 1);
	ACCEPTED(QBD_MSG_OPEN_REPLY, open_reply.last.index = QBD_WIRE_LAST_MAX);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.durable = 0x53);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.commit = 0x53);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.window_records = 0);
	REFUSED(-ERANGE, QBD_MSG_OPEN_REPLY, open_reply.window_bytes = 1);
}

TEST(append)
{
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.pos.index = 0x64);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.pos.term = 0x60);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.pos.term = 0x9a);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.prev.term = 0);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.prev.index = 1ULL << 63);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.commit = 1ULL << 63);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.completed = 1ULL << 63);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.blocks = 3);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.block = U32_MAX - 1);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.op = 6);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.op = QBD_OP_PROMISE);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.op = QBD_OP_DISCARD);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.op = QBD_OP_TERM);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.op = QBD_OP_CONFIG);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.op = 0);
	REFUSED(-ERANGE, QBD_MSG_APPEND, append.rec_flags = QBD_REC_RELOG);
}

/* An APPEND without payload, of some operation. */
static int bare(u8 op, u32 block, u32 blocks, u8 rec_flags)
{
	struct qbd_msg msg = wire_samples[QBD_MSG_APPEND - 1];

	msg.payload_bytes = 0;
	msg.append.op = op;
	msg.append.crc = 0;
	msg.append.block = block;
	msg.append.blocks = blocks;
	msg.append.rec_flags = rec_flags;
	if (!op)
		msg.append.pos = msg.append.prev;
	return qbd_wire_check(&msg);
}

TEST(append_operations)
{
	EXPECT_EQ(0, bare(QBD_OP_DISCARD, 0, QBD_RANGE_BLOCKS_MAX, 0));
	EXPECT_EQ(-ERANGE, bare(QBD_OP_ZERO, 0, QBD_RANGE_BLOCKS_MAX + 1, 0));
	EXPECT_EQ(0, bare(QBD_OP_ZERO, 5, 1, QBD_REC_FUA));
	EXPECT_EQ(-ERANGE, bare(QBD_OP_ZERO, 5, 0, 0));
	EXPECT_EQ(-ERANGE, bare(QBD_OP_ZERO, 1, U32_MAX, 0));
	EXPECT_EQ(-ERANGE, bare(QBD_OP_WRITE, 5, 1, 0));
	EXPECT_EQ(0, bare(QBD_OP_TERM, 0, 0, 0));
	EXPECT_EQ(-ERANGE, bare(QBD_OP_TERM, 1, 0, 0));
	EXPECT_EQ(-ERANGE, bare(QBD_OP_CONFIG, 0, 0, 0));
	EXPECT_EQ(0, bare(0, 0, 0, 0));
	EXPECT_EQ(-ERANGE, bare(0, 0, 0, QBD_REC_FUA));
	EXPECT_EQ(-ERANGE, bare(0, 0, 1, 0));
}

TEST(replies)
{
	REFUSED(-ERANGE, QBD_MSG_APPEND_ACK, ack.durable = 0x73);
	REFUSED(-ERANGE, QBD_MSG_APPEND_ACK, ack.received = 1ULL << 63);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.promise_term = U64_MAX);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.reason = 0);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.reason = QBD_NACK_REASON_MAX + 1);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.request = 0);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.request = QBD_MSG_TYPE_MAX + 1);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.hint.term = 0);
	REFUSED(-ERANGE, QBD_MSG_NACK, nack.hint.term = 0x9a);
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, payload_bytes = 0);
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, flags = 0); /* but a digest */
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, flags = QBD_WIRE_BARE);
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, flags |= QBD_WIRE_BARE);
	REFUSED(-EBADMSG, QBD_MSG_READ_REPLY, flags |= QBD_WIRE_PROBE);
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, read_reply.status = 1);
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, read_reply.status = 99);
	REFUSED(-ERANGE, QBD_MSG_READ_REPLY, read_reply.index = 1ULL << 63);
}

TEST(reads_and_fetches)
{
	REFUSED(-ERANGE, QBD_MSG_READ, read.blocks = 0);
	REFUSED(-ERANGE, QBD_MSG_READ, flags = QBD_WIRE_BARE);
	ACCEPTED(QBD_MSG_READ, flags |= QBD_WIRE_BARE);
	ACCEPTED(QBD_MSG_READ, flags = 0);
	REFUSED(-ERANGE, QBD_MSG_READ, read.blocks = QBD_REC_BLOCKS_MAX + 1);
	REFUSED(-ERANGE, QBD_MSG_READ, read.block = U32_MAX);
	REFUSED(-ERANGE, QBD_MSG_READ, read.completed = 1ULL << 63);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.target = 0);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.node = 0);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.max_records = 0);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.limit = 0xb3);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.limit = 1ULL << 63);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.have.term = 0);
	REFUSED(-ERANGE, QBD_MSG_FETCH, fetch.have.term = 0x9a);
	REFUSED(-ERANGE, QBD_MSG_FETCH_REPLY, fetch_reply.target = 0);
	REFUSED(-ERANGE, QBD_MSG_FETCH_REPLY, fetch_reply.through.term = 0x9a);
	REFUSED(-ERANGE, QBD_MSG_FETCH_REPLY, fetch_reply.status = 7);
	REFUSED(-ERANGE, QBD_MSG_RELEASE, release.commit = 1ULL << 63);
}

TEST_HARNESS_MAIN
