// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands as bytes: golden, back and forth, cut, and what is none.
 */
#include "data/golden_state.h"
#include "golden.h"
#include "harness.h"
#include "state/command.h"

static struct state_cmd sample(u8 kind)
{
	struct state_cmd cmd = {
		.kind = kind,
		.client = 0x11,
		.seq = 0x12,
		.now_ms = 0x13,
		.id = 0x14,
		.node = 0x15,
		.store = 0x16,
		.volume = 0x17,
		.number = 0x18,
		.term = 0x19,
		.epoch = 0x1a,
		.session = 0x1b,
		.size = 0x1c,
		.count = 0x1d,
		.total = 0x1e,
		.value = 0x1f,
		.what = 0x20,
		.state = 0x21,
		.wish = 0x22,
		.flags = 0x23,
		.shift = 0x24,
		.copies = 0x25,
		.on_no_quorum = 0x26,
		.reads = 0x27,
		.ack = 0x28,
		.uuid = "0123456789abcde",
		.key = "0123456789abcdef0123456789abcde",
		.name = "name",
		.zone = "z",
		.rack = "ra",
		.host = "hos",
		.run = "unit",
		.reason = "reason",
		.nr_addrs = 1,
		.addr = { { 1, 4, 0x1234, { 10, 0, 0, 1 } } },
		.nr_labels = 1,
		.label = { { "ssd", "yes" } },
		.nr_autos = 2,
		.autos = { 0x31, 0x32 },
		.nr_add = 1,
		.add = { 0x33 },
		.nr_del = 1,
		.del = { 0x34 },
		.rest = { (const u8 *)"rest", 4 },
	};

	return cmd;
}

TEST(golden)
{
	static u8 buf[1024], again[1024];
	struct state_cmd cmd, back;
	int bytes;
	u32 kind;

	for (kind = 1; kind < STATE_CMD_NR; kind++) {
		memset(buf, 0, sizeof(buf));
		cmd = sample(kind);
		bytes = state_command_encode(&cmd, buf, sizeof(buf));
		ASSERT_GE(bytes, STATE_COMMAND_HEAD);
		EXPECT_GOLDEN(golden_state_command[kind], buf, bytes);
		ASSERT_EQ(0, state_command_decode(buf, bytes, &back));
		EXPECT_EQ(kind, back.kind);
		EXPECT_EQ(bytes,
			  state_command_encode(&back, again, sizeof(again)));
		EXPECT_MEMEQ(buf, again, bytes);
		EXPECT_EQ(-ENOSPC, state_command_encode(&cmd, buf, bytes - 1));
	}
}

TEST(cut_and_longer)
{
	static u8 buf[1024];
	struct state_cmd cmd, back;
	int bytes, cut;
	bool rest;
	u32 kind;

	for (kind = 1; kind < STATE_CMD_NR; kind++) {
		cmd = sample(kind);
		bytes = state_command_encode(&cmd, buf, sizeof(buf));
		rest = !memcmp(buf + bytes - 4, "rest", 4);
		for (cut = 0; cut < bytes - (rest ? 4 : 0); cut++) {
			u8 *exact = malloc(cut ? cut : 1);

			memcpy(exact, buf, cut);
			EXPECT_EQ(-EBADMSG,
				  state_command_decode(exact, cut, &back));
			free(exact);
		}
		if (!rest)
			EXPECT_EQ(-EBADMSG,
				  state_command_decode(buf, bytes + 1, &back));
	}
}

TEST(no_kind)
{
	static u8 big[STATE_COMMAND_BYTES_MAX + 1];
	struct state_cmd cmd = sample(STATE_CMD_NODE_REMOVE), back;
	u8 buf[64];
	int bytes = state_command_encode(&cmd, buf, sizeof(buf));

	buf[2] = 1; /* reserved */
	EXPECT_EQ(-EBADMSG, state_command_decode(buf, bytes, &back));
	buf[2] = 0;
	buf[0] = 2; /* a version that is not known */
	EXPECT_EQ(-EOPNOTSUPP, state_command_decode(buf, bytes, &back));
	buf[0] = 1;
	buf[1] = STATE_CMD_NR;
	EXPECT_EQ(-EOPNOTSUPP, state_command_decode(buf, bytes, &back));
	buf[1] = 0;
	EXPECT_EQ(-EOPNOTSUPP, state_command_decode(buf, bytes, &back));
	big[0] = 1;
	big[1] = STATE_CMD_REPLICA_CREATED;
	EXPECT_EQ(0, state_command_decode(big, sizeof(big) - 1, &back));
	EXPECT_EQ(-EBADMSG, state_command_decode(big, sizeof(big), &back));
	cmd.kind = 0;
	EXPECT_EQ(-EINVAL, state_command_encode(&cmd, buf, sizeof(buf)));
	EXPECT_STREQ("?", state_command_name(0));
	EXPECT_STREQ("ATTACH", state_command_name(STATE_CMD_ATTACH));
	EXPECT_EQ(0, state_command_level(STATE_CMD_NR));
}

TEST_HARNESS_MAIN
