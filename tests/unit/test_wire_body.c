// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of each message, pinned by golden vectors.
 */
#include "harness.h"
#include "data/golden_wire.h"
#include "golden.h"
#include "wire.h"
#include "wire_body.h"
#include "wire_samples.h"

TEST(golden)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	u32 i;
	int len;

	ASSERT_EQ(ARRAY_SIZE(golden_wire), ARRAY_SIZE(wire_samples));
	for (i = 0; i < ARRAY_SIZE(wire_samples); i++) {
		memset(buf, 0, sizeof(buf));
		len = qbd_wire_encode(&wire_samples[i], buf, sizeof(buf));
		ASSERT_GT(len, 0);
		EXPECT_GOLDEN(golden_wire[i], buf, round_up(len, 16));
	}
}

TEST(round_trip)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	u8 again[QBD_WIRE_LEN_MAX] __aligned(8) = { 0 };
	struct qbd_msg msg;
	u32 i;
	int len;

	for (i = 0; i < ARRAY_SIZE(wire_samples); i++) {
		len = qbd_wire_encode(&wire_samples[i], buf, sizeof(buf));
		ASSERT_EQ(len, qbd_wire_head_check(buf));
		ASSERT_EQ(0, qbd_wire_decode(buf, len, &msg));
		ASSERT_EQ(len, qbd_wire_encode(&msg, again, sizeof(again)));
		EXPECT_EQ(0, memcmp(buf, again, len));
	}
}

TEST(all_types_are_known)
{
	u32 i;

	ASSERT_EQ(QBD_MSG_TYPE_MAX, ARRAY_SIZE(wire_samples));
	for (i = 1; i <= QBD_MSG_TYPE_MAX; i++) {
		const struct qbd_wire_info *info = qbd_wire_info(i);

		ASSERT_TRUE(info);
		EXPECT_EQ(i, wire_samples[i - 1].type);
		EXPECT_LE(qbd_wire_len(info), QBD_WIRE_LEN_MAX);
		EXPECT_EQ(!info->get, !info->body_bytes);
		EXPECT_EQ(!info->put, !info->body_bytes);
		EXPECT_STREQ(info->name, qbd_msg_name(i));
	}
	EXPECT_NULL(qbd_wire_info(0));
	EXPECT_NULL(qbd_wire_info(QBD_MSG_TYPE_MAX + 1));
	EXPECT_STREQ("?", qbd_msg_name(0));
}

TEST_HARNESS_MAIN
