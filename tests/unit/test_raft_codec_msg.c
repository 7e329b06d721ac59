// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages as bytes: golden, each type back and forth, and what is refused.
 */
#include "harness.h"
#include "raft/bytes.h"

static struct raft_entry got[RAFT_APPEND_ENTRIES_MAX];
static u8 buf[4096];

static struct raft_msg sample(u8 type)
{
	static const struct raft_entry entry[] = {
		{ { 2, 6 }, RAFT_ENTRY_NOOP, 0, NULL },
		{ { 3, 7 }, RAFT_ENTRY_DATA, 5, "hello" },
	};
	struct raft_msg msg = { .type = type, .from = 1, .to = 2, .term = 4 };

	msg.pos = (struct raft_pos){ 2, 5 };
	msg.commit = 3;
	msg.round = 9;
	if (type == RAFT_MSG_APPEND) {
		msg.nr = ARRAY_SIZE(entry);
		msg.entry = entry;
	}
	if (type == RAFT_MSG_SNAPSHOT || type == RAFT_MSG_SNAPSHOT_REPLY) {
		msg.snap.pos = (struct raft_pos){ 2, 4 };
		msg.snap.id = 77;
		msg.snap.bytes = 100;
		msg.index = 40;
	}
	if (type == RAFT_MSG_SNAPSHOT) {
		msg.bytes = 6;
		msg.data = "pieces";
		msg.snap.conf = (struct raft_config){ .index = 3,
						      .nr = 2,
						      .old = 1,
						      .learn = 2,
						      .id = { 1, 2 } };
	}
	return msg;
}

TEST(golden)
{
	static const u8 golden[] = {
		'q', 'R', 'm', '1', 0x35, 0xe9, 0x52, 0x3d, 80, 0, 0, 0,
		4,   1,	  0,   0,   2,	  0,	0,    0,    0,	0, 0, 0,
		1,   0,	  0,   0,   0,	  0,	0,    0,    4,	0, 0, 0,
		0,   0,	  0,   0,   0,	  0,	0,    0,    0,	0, 0, 0,
	};
	struct raft_msg msg = { .type = RAFT_MSG_VOTE_REPLY,
				.reject = true,
				.from = 2,
				.to = 1,
				.term = 4 };

	ASSERT_EQ(80, raft_msg_encode(&msg, NULL, buf, sizeof(buf)));
	EXPECT_MEMEQ(golden, buf, sizeof(golden));
}

TEST(back_and_forth)
{
	struct raft_msg msg, back;
	int len;
	u32 type, i;

	for (type = 1; type <= RAFT_MSG_TYPE_MAX; type++) {
		msg = sample(type);
		len = raft_msg_encode(&msg, NULL, buf, sizeof(buf));
		ASSERT_GT(len, 0);
		ASSERT_EQ(0, raft_msg_decode(buf, len, &back, got));
		EXPECT_EQ(msg.type, back.type);
		EXPECT_EQ(msg.term, back.term);
		EXPECT_EQ(msg.pos.index, back.pos.index);
		EXPECT_EQ(msg.index, back.index);
		EXPECT_EQ(msg.round, back.round);
		EXPECT_EQ(msg.snap.id, back.snap.id);
		EXPECT_TRUE(raft_config_same(&msg.snap.conf, &back.snap.conf));
		ASSERT_EQ(msg.bytes, back.bytes);
		if (msg.bytes)
			EXPECT_MEMEQ(msg.data, back.data, msg.bytes);
		ASSERT_EQ(msg.nr, back.nr);
		for (i = 0; i < msg.nr; i++) {
			EXPECT_EQ(msg.entry[i].pos.term, got[i].pos.term);
			EXPECT_EQ(msg.entry[i].bytes, got[i].bytes);
		}
		EXPECT_EQ(-ENOSPC, raft_msg_encode(&msg, NULL, buf, len - 1));
	}
}

/* The crc made right again: what is left are the checks. */
static int bent(u32 at, u8 val, u32 len)
{
	u8 old = buf[at];
	struct raft_msg back;
	int err;

	buf[at] = val;
	raft_put32(buf + 4, crc32c(~0U, buf + 8, len - 8));
	err = raft_msg_decode(buf, len, &back, got);
	buf[at] = old;
	return err;
}

TEST(refused)
{
	struct raft_msg msg = sample(RAFT_MSG_APPEND), back;
	int len = raft_msg_encode(&msg, NULL, buf, sizeof(buf));
	int cut;

	for (cut = 0; cut < len; cut++)
		EXPECT_EQ(-EBADMSG, raft_msg_decode(buf, cut, &back, got));
	for (cut = 0; cut < len * 8; cut++) {
		buf[cut / 8] ^= 1U << cut % 8;
		EXPECT_EQ(-EBADMSG, raft_msg_decode(buf, len, &back, got));
		buf[cut / 8] ^= 1U << cut % 8;
	}
	EXPECT_EQ(0, bent(12, RAFT_MSG_APPEND, len));
	EXPECT_EQ(-EBADMSG, bent(12, 0, len)); /* type */
	EXPECT_EQ(-EBADMSG, bent(12, 12, len));
	EXPECT_EQ(-EBADMSG, bent(12, RAFT_MSG_BEAT, len)); /* with entries */
	EXPECT_EQ(-EBADMSG, bent(13, 4, len)); /* flag */
	EXPECT_EQ(-EBADMSG, bent(14, 3, len)); /* more entries than there are */
	EXPECT_EQ(-EBADMSG, bent(14, 1, len)); /* or less */
	EXPECT_EQ(-EBADMSG, bent(16, 0, len)); /* from nobody */
	EXPECT_EQ(-EBADMSG, bent(16, 2, len)); /* to itself */
	EXPECT_EQ(-EBADMSG, bent(32, 1, len)); /* entries of the future */
	EXPECT_EQ(-EBADMSG, bent(39, 0x80, len)); /* a term that wraps */
	EXPECT_EQ(-EBADMSG, bent(40, 3, len)); /* terms that fall */
	EXPECT_EQ(-EBADMSG, bent(48, 6, len)); /* a gap */
	EXPECT_EQ(-EBADMSG, bent(80, 1, len)); /* reserved, in an entry */
	EXPECT_EQ(-EBADMSG, bent(80 + 28, 9, len)); /* its type */
	EXPECT_EQ(-EBADMSG, bent(80 + 28, RAFT_ENTRY_CONFIG, len));
	EXPECT_EQ(-EBADMSG, bent(80 + 32 + 24, 4, len)); /* its length */
	EXPECT_EQ(-EBADMSG, bent(80 + 32 + 24, 9, len));
}

TEST(refused_snapshot)
{
	struct raft_msg msg = sample(RAFT_MSG_SNAPSHOT);
	int len = raft_msg_encode(&msg, NULL, buf, sizeof(buf));

	EXPECT_EQ(0, bent(12, RAFT_MSG_SNAPSHOT, len));
	EXPECT_EQ(-EBADMSG, bent(56, 95, len)); /* beyond its end */
	EXPECT_EQ(-EBADMSG, bent(80, 5, len)); /* of the future */
	EXPECT_EQ(-EBADMSG, bent(80 + 8, 0, len)); /* of nothing */
	EXPECT_EQ(-EBADMSG, bent(80 + 24, 0, len)); /* of no bytes */
	EXPECT_EQ(-EBADMSG, bent(80 + 32, 7, len)); /* piece */
	EXPECT_EQ(-EBADMSG, bent(80 + 36, 200, len)); /* configuration */
	EXPECT_EQ(-EBADMSG, bent(80 + 40, 5, len)); /* it is from later */
	EXPECT_EQ(-EBADMSG, bent(80 + 50, 0, len)); /* no voter */
}

TEST_HARNESS_MAIN
