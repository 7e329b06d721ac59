// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which values the messages of a resync may have: a table of what is wrong with
 * each.
 */
#include "harness.h"
#include "store_limits.h"
#include "wire.h"
#include "wire_body.h"
#include "wire_check.h"
#include "wire_resync.h"
#include "wire_samples.h"

/* A sample with one thing changed must be refused. */
#define REFUSED_AS(want, msg_type, change)                             \
	do {                                                           \
		struct qbd_msg m = wire_samples[(msg_type)-1];         \
		m.change;                                              \
		if (qbd_wire_check(&m) != (want)) {                    \
			TH_LOG("%s: %d", #change, qbd_wire_check(&m)); \
			th_fail(false);                                \
		}                                                      \
	} while (0)

#define REFUSED(msg_type, change) REFUSED_AS(-ERANGE, msg_type, change)
#define ACCEPTED(msg_type, change) REFUSED_AS(0, msg_type, change)

TEST(order)
{
	REFUSED(QBD_MSG_RESYNC, resync.source = 0);
	REFUSED(QBD_MSG_RESYNC, resync.source = 0x13); /* of itself */
	REFUSED(QBD_MSG_RESYNC, resync.node = 0);
	REFUSED(QBD_MSG_RESYNC, session = 0);
	REFUSED_AS(-EBADMSG, QBD_MSG_RESYNC, payload_bytes = 4096);
	REFUSED_AS(-EBADMSG, QBD_MSG_RESYNC, flags = QBD_WIRE_FILL);
	REFUSED_AS(-EBADMSG, QBD_MSG_RESYNC, list = 1);
	REFUSED(QBD_MSG_RESYNC_REPLY, resync_reply.source = 0);
	REFUSED(QBD_MSG_RESYNC_REPLY, resync_reply.at.term = 0);
	REFUSED(QBD_MSG_RESYNC_REPLY, resync_reply.at.index = 0);
	REFUSED(QBD_MSG_RESYNC_REPLY, resync_reply.at.term = 0x9a);
	REFUSED(QBD_MSG_RESYNC_REPLY,
		resync_reply.at.index = QBD_WIRE_LAST_MAX + 1);
	REFUSED(QBD_MSG_RESYNC_REPLY, resync_reply.status = QBD_STATUS_MAX + 1);
	ACCEPTED(QBD_MSG_RESYNC_REPLY, resync_reply.status = QBD_STATUS_NOSPC);
	ACCEPTED(QBD_MSG_RESYNC_REPLY, resync_reply.at.term = 0x99);
	ACCEPTED(QBD_MSG_RESYNC_REPLY, resync_reply.at = (struct qbd_pos){ 0 });
	ACCEPTED(QBD_MSG_RESYNC_REPLY, flags = QBD_WIRE_NONVOTING);
}

TEST(pin)
{
	REFUSED(QBD_MSG_PIN, pin.target = 0);
	REFUSED(QBD_MSG_PIN, pin.have.term = 0);
	REFUSED(QBD_MSG_PIN, pin.have.index = 0);
	REFUSED(QBD_MSG_PIN, pin.have.term = 0x9a);
	REFUSED(QBD_MSG_PIN, pin.have.index = QBD_WIRE_LAST_MAX + 1);
	ACCEPTED(QBD_MSG_PIN, pin.have = (struct qbd_pos){ 0 });
	REFUSED(QBD_MSG_UNPIN, unpin.target = 0);
	REFUSED(QBD_MSG_UNPIN, unpin.seq = 0);
	/* Not an answer: it has no lease to renew. */
	REFUSED_AS(-EBADMSG, QBD_MSG_PIN_REPLY, list = 1);
}

TEST(pin_reply)
{
	REFUSED(QBD_MSG_PIN_REPLY, payload_bytes = 0);
	REFUSED(QBD_MSG_PIN_REPLY, payload_bytes = 8192);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.seq = 0);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.at = (struct qbd_pos){ 0 });
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.at.term = 0);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.at.term = 0x9a);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.at.index = QBD_WIRE_LAST_MAX + 1);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.chunks = 0);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.chunk_blocks = 0);
	REFUSED(QBD_MSG_PIN_REPLY,
		pin_reply.chunk_blocks = QBD_DIFF_BLOCKS_MAX + 1);
	ACCEPTED(QBD_MSG_PIN_REPLY,
		 pin_reply.chunk_blocks = QBD_DIFF_BLOCKS_MAX);
	/* All of it belongs to OK. */
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.status = QBD_STATUS_BUSY);
	REFUSED(QBD_MSG_PIN_REPLY, pin_reply.status = QBD_STATUS_MAX + 1);
}

/* Is a PIN_REPLY that says no good with something in it all the same? */
#define PIN_REFUSED(change)                          \
	do {                                         \
		struct qbd_msg m = busy;             \
		m.change;                            \
		if (qbd_wire_check(&m) != -ERANGE) { \
			TH_LOG("%s", #change);       \
			th_fail(false);              \
		}                                    \
	} while (0)

TEST(pin_reply_that_says_no)
{
	struct qbd_msg busy = wire_samples[QBD_MSG_PIN_REPLY - 1];

	busy.payload_bytes = 0;
	memset(&busy.pin_reply, 0, sizeof(busy.pin_reply));
	busy.pin_reply.status = QBD_STATUS_BUSY;
	EXPECT_EQ(0, qbd_wire_check(&busy));
	PIN_REFUSED(payload_bytes = 4096);
	PIN_REFUSED(pin_reply.seq = 1);
	PIN_REFUSED(pin_reply.at.index = 1);
	PIN_REFUSED(pin_reply.at.term = 1);
	PIN_REFUSED(pin_reply.chunks = 1);
	PIN_REFUSED(pin_reply.chunk_blocks = 1);
	PIN_REFUSED(pin_reply.crc = 1);
	PIN_REFUSED(pin_reply.status = QBD_STATUS_OK);
	PIN_REFUSED(pin_reply.status = QBD_STATUS_MAX + 1);
}

TEST(map)
{
	REFUSED(QBD_MSG_MAP, map.seq = 0);
	REFUSED(QBD_MSG_MAP, map.have = QBD_WIRE_LAST_MAX + 1);
	ACCEPTED(QBD_MSG_MAP, map.have = 0);
	ACCEPTED(QBD_MSG_MAP, map.from = U32_MAX);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.status = QBD_STATUS_GONE);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.status = QBD_STATUS_BUSY);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.nr = QBD_MAP_MAX + 1);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.nr = 1); /* one not counted */
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.nr = 3); /* one without index */
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.from = 0x31);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.from = 0x12);
	ACCEPTED(QBD_MSG_MAP_REPLY, map_reply.from = 0x11);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.next = 0x2f);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[1].chunk = 0x11);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[1].chunk = 0x10);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[1].flags = 2);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[0].last = 0);
	REFUSED(QBD_MSG_MAP_REPLY,
		map_reply.entry[0].last = QBD_WIRE_LAST_MAX + 1);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[7].chunk = 1);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[2].flags = QBD_MAP_ZERO);
	REFUSED(QBD_MSG_MAP_REPLY, map_reply.entry[2].last = 1);
}

TEST(map_reply_without_entries)
{
	struct qbd_msg msg = wire_samples[QBD_MSG_MAP_REPLY - 1];

	memset(msg.map_reply.entry, 0, sizeof(msg.map_reply.entry));
	msg.map_reply.nr = 0;
	EXPECT_EQ(0, qbd_wire_check(&msg));
	msg.map_reply.status = QBD_STATUS_GONE;
	EXPECT_EQ(-ERANGE, qbd_wire_check(&msg));
	msg.map_reply.next = msg.map_reply.from;
	EXPECT_EQ(0, qbd_wire_check(&msg));
}

TEST(diff)
{
	REFUSED(QBD_MSG_DIFF, diff.seq = 0);
	ACCEPTED(QBD_MSG_DIFF, diff.id = 0);
	REFUSED(QBD_MSG_DIFF, diff.nr = 0);
	REFUSED(QBD_MSG_DIFF, diff.nr = 2);
	ACCEPTED(QBD_MSG_DIFF, diff.nr = QBD_DIFF_MAX);
	REFUSED(QBD_MSG_DIFF, diff.nr = QBD_DIFF_MAX + 1);
	REFUSED(QBD_MSG_DIFF, diff.nr = U16_MAX);
	REFUSED(QBD_MSG_DIFF, diff.zero = 8);
	REFUSED(QBD_MSG_DIFF, diff.all = 8);
	REFUSED(QBD_MSG_DIFF, diff.zero = 4); /* both */
	REFUSED(QBD_MSG_DIFF, diff.chunk[3] = 1);
	REFUSED(QBD_MSG_DIFF, diff.chunk[15] = 1);
	REFUSED(QBD_MSG_DIFF, payload_bytes = 0);
	REFUSED(QBD_MSG_DIFF, payload_bytes = 8192);
	/* Without digests there is no block of them. */
	REFUSED(QBD_MSG_DIFF, diff.zero = 3);
}

TEST(diff_without_digests)
{
	struct qbd_msg msg = wire_samples[QBD_MSG_DIFF - 1];

	msg.diff.zero = 3;
	msg.payload_bytes = 0;
	EXPECT_EQ(-ERANGE, qbd_wire_check(&msg));
	msg.diff.crc = 0;
	EXPECT_EQ(0, qbd_wire_check(&msg));
}

TEST(diff_reply)
{
	REFUSED(QBD_MSG_DIFF_REPLY, diff_reply.seq = 0);
	REFUSED(QBD_MSG_DIFF_REPLY, payload_bytes = 4096);
	REFUSED(QBD_MSG_DIFF_REPLY, payload_bytes = 12288);
	REFUSED(QBD_MSG_DIFF_REPLY, diff_reply.differs[1] = 1);
	REFUSED(QBD_MSG_DIFF_REPLY, diff_reply.differs[0] = 0);
	REFUSED(QBD_MSG_DIFF_REPLY, diff_reply.status = QBD_STATUS_EIO);
	REFUSED(QBD_MSG_DIFF_REPLY, diff_reply.status = QBD_STATUS_GONE);
	ACCEPTED(QBD_MSG_DIFF_REPLY, diff_reply.chunk = U32_MAX);
}

TEST(diff_reply_without_blocks)
{
	static const struct {
		u32 status;
		int want;
	} of[] = {
		{ QBD_STATUS_OK, 0 },	       { QBD_STATUS_EIO, 0 },
		{ QBD_STATUS_CORRUPT, 0 },     { QBD_STATUS_GONE, 0 },
		{ QBD_STATUS_BUSY, 0 },	       { QBD_STATUS_MISMATCH, -ERANGE },
		{ QBD_STATUS_NOSPC, -ERANGE }, { QBD_STATUS_MAX + 1, -ERANGE },
	};
	struct qbd_msg msg = wire_samples[QBD_MSG_DIFF_REPLY - 1];
	u32 i;

	msg.payload_bytes = 0;
	memset(msg.diff_reply.differs, 0, sizeof(msg.diff_reply.differs));
	EXPECT_EQ(-ERANGE, qbd_wire_check(&msg));
	msg.diff_reply.crc = 0;
	for (i = 0; i < ARRAY_SIZE(of); i++) {
		msg.diff_reply.status = of[i].status;
		EXPECT_EQ(of[i].want, qbd_wire_check(&msg));
	}
}

/* All of a chunk of the largest size fits. */
TEST(diff_reply_of_a_whole_chunk)
{
	struct qbd_msg msg = wire_samples[QBD_MSG_DIFF_REPLY - 1];

	memset(msg.diff_reply.differs, 0xff, sizeof(msg.diff_reply.differs));
	msg.payload_bytes = QBD_WIRE_PAYLOAD_MAX;
	EXPECT_EQ(0, qbd_wire_check(&msg));
}

TEST(other_types_are_not_known_here)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(wire_samples); i++)
		EXPECT_EQ(wire_samples[i].type >= QBD_MSG_RESYNC,
			  qbd_wire_resync_ok(&wire_samples[i]));
}

/* Reserved fields, at their places behind head and shard. */
TEST(reserved_is_zero)
{
	static const struct {
		u16 type;
		u32 at;
	} of[] = {
		{ QBD_MSG_RESYNC, 12 },	    { QBD_MSG_MAP, 20 },
		{ QBD_MSG_DIFF, 86 },	    { QBD_MSG_DIFF, 92 },
		{ QBD_MSG_DIFF_REPLY, 60 },
	};
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	const u32 body =
		sizeof(struct qbd_wire_head) + sizeof(struct qbd_wire_shard);
	struct qbd_msg msg;
	u32 i;
	int len;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		len = qbd_wire_encode(&wire_samples[of[i].type - 1], buf,
				      sizeof(buf));
		ASSERT_GT(len, 0);
		EXPECT_EQ(0, qbd_wire_decode(buf, len, &msg));
		buf[body + of[i].at] = 1;
		EXPECT_EQ(-EBADMSG, qbd_wire_decode(buf, len, &msg));
	}
}

TEST(payloads_have_a_crc)
{
	u32 crc = 0;

	EXPECT_TRUE(qbd_wire_payload_crc(&wire_samples[QBD_MSG_PIN_REPLY - 1],
					 &crc));
	EXPECT_EQ(0xed, crc);
	EXPECT_TRUE(
		qbd_wire_payload_crc(&wire_samples[QBD_MSG_DIFF - 1], &crc));
	EXPECT_EQ(0xf6, crc);
	EXPECT_TRUE(qbd_wire_payload_crc(&wire_samples[QBD_MSG_DIFF_REPLY - 1],
					 &crc));
	EXPECT_EQ(0xf8, crc);
}

TEST_HARNESS_MAIN
