// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heads, CRCs and the order of checks: bytes that are damaged or made up.
 */
#include "harness.h"
#include "wire.h"
#include "wire_body.h"
#include "wire_samples.h"

FIXTURE(bytes)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_wire_head *head;
	struct qbd_msg msg;
	int len;
};

static const struct qbd_msg *sample(u16 type)
{
	return &wire_samples[type - 1];
}

FIXTURE_SETUP(bytes)
{
	self->head = (void *)self->buf;
	self->len = qbd_wire_encode(sample(QBD_MSG_APPEND), self->buf,
				    sizeof(self->buf));
	ASSERT_GT(self->len, 0);
}

FIXTURE_TEARDOWN(bytes)
{
}

TEST_F(bytes, any_flipped_bit_is_seen)
{
	int bit;

	for (bit = 0; bit < self->len * 8; bit++) {
		self->buf[bit / 8] ^= 1U << bit % 8;
		ASSERT_NE(0, qbd_wire_decode(self->buf, self->len, &self->msg));
		self->buf[bit / 8] ^= 1U << bit % 8;
	}
	EXPECT_EQ(0, qbd_wire_decode(self->buf, self->len, &self->msg));
}

TEST_F(bytes, length_first)
{
	EXPECT_EQ(-EBADMSG,
		  qbd_wire_decode(self->buf, QBD_WIRE_HEAD - 1, &self->msg));
	EXPECT_EQ(-EBADMSG,
		  qbd_wire_decode(self->buf, self->len - 1, &self->msg));
	EXPECT_EQ(-EBADMSG,
		  qbd_wire_decode(self->buf, self->len + 1, &self->msg));
	le32_add_cpu(&self->head->len_bytes, 8);
	EXPECT_EQ(-EBADMSG, qbd_wire_head_check(self->buf));
}

TEST_F(bytes, magic_version_type)
{
	self->head->magic = cpu_to_le32(1);
	EXPECT_EQ(-EBADMSG, qbd_wire_head_check(self->buf));
	self->head->magic = cpu_to_le32(QBD_WIRE_MAGIC);
	self->head->version = cpu_to_le16(QBD_WIRE_VERSION + 1);
	EXPECT_EQ(-EPROTONOSUPPORT, qbd_wire_head_check(self->buf));
	self->head->version = cpu_to_le16(QBD_WIRE_VERSION);
	self->head->type = cpu_to_le16(QBD_MSG_TYPE_MAX + 1);
	EXPECT_EQ(-EPROTONOSUPPORT, qbd_wire_head_check(self->buf));
	self->head->type = 0;
	EXPECT_EQ(-EPROTONOSUPPORT, qbd_wire_head_check(self->buf));
}

/* What is wrong by its meaning is found before the CRC is looked at. */
TEST_F(bytes, flags_and_reserved)
{
	self->head->flags = cpu_to_le32(QBD_WIRE_RECOVERY);
	EXPECT_EQ(-EBADMSG, qbd_wire_decode(self->buf, self->len, &self->msg));
	self->head->flags = cpu_to_le32(1U << 31);
	EXPECT_EQ(-EBADMSG, qbd_wire_decode(self->buf, self->len, &self->msg));
	self->head->flags = 0;
	self->buf[self->len - 1] = 1; /* append.reserved */
	EXPECT_EQ(-EBADMSG, qbd_wire_decode(self->buf, self->len, &self->msg));
	self->buf[self->len - 1] = 0;
	EXPECT_EQ(-EILSEQ, qbd_wire_decode(self->buf, self->len, &self->msg));
}

TEST(encode_refuses_what_decode_would)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_msg msg = *sample(QBD_MSG_READ);

	EXPECT_EQ(-ENOSPC, qbd_wire_encode(&msg, buf, 64));
	msg.read.blocks = 0;
	EXPECT_EQ(-EINVAL, qbd_wire_encode(&msg, buf, sizeof(buf)));
	msg.type = 77;
	EXPECT_EQ(-EINVAL, qbd_wire_encode(&msg, buf, sizeof(buf)));
}

TEST(payload_crc)
{
	u32 crc = 0;

	EXPECT_TRUE(qbd_wire_payload_crc(sample(QBD_MSG_APPEND), &crc));
	EXPECT_EQ(0x69, crc);
	EXPECT_TRUE(qbd_wire_payload_crc(sample(QBD_MSG_READ_REPLY), &crc));
	EXPECT_EQ(0xa3, crc);
	EXPECT_FALSE(qbd_wire_payload_crc(sample(QBD_MSG_READ), &crc));
}

TEST(statuses)
{
	u32 status;

	for (status = 0; status <= QBD_STATUS_MAX; status++)
		EXPECT_EQ(status,
			  qbd_wire_errno_status(qbd_wire_status_errno(status)));
	EXPECT_EQ(-EIO, qbd_wire_status_errno(QBD_STATUS_MAX + 1));
	EXPECT_EQ(QBD_STATUS_EIO, qbd_wire_errno_status(-EPERM));
}

/* Random bytes behind a good head and a good CRC: decoded, or refused. */
TEST(made_up_bodies)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_wire_head *head = (void *)buf;
	struct qbd_msg msg;
	int i, j, len, good = 0;

	for (i = 0; i < 200000; i++) {
		const struct qbd_msg *from =
			&wire_samples[th_rand() % ARRAY_SIZE(wire_samples)];

		len = qbd_wire_encode(from, buf, sizeof(buf));
		for (j = th_rand() % 3; j >= 0; j--)
			buf[12 + th_rand() % (len - 12)] = th_rand();
		head->crc = 0;
		head->crc = cpu_to_le32(crc32c(~0U, buf, len));
		if (qbd_wire_decode(buf, len, &msg))
			continue;
		good++;
		ASSERT_EQ(len, qbd_wire_encode(&msg, buf, sizeof(buf)));
	}
	EXPECT_GT(good, 1000);
}

TEST_HARNESS_MAIN
