// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames and HELLO: their bytes, all that is refused, and which of two sessions
 * stays.
 */
#include <errno.h>

#include "harness.h"

#include "../../daemon/session/wire.h"

static const struct session_hello hello = {
	.version = 1,
	.least = 1,
	.from = 0x11121314,
	.to = 0x21222324,
	.lineage = 0x3132333435363738,
	.cluster = "0123456789abcde",
	.nonce = 0x4142434445464748,
	.number = 0x5152535455565758,
};

static const uint8_t hello_bytes[SESSION_HELLO_BYTES] = {
	'q',  'S',  'h',  '1',	1,    0,    1,	  0,	0x14, 0x13, 0x12, 0x11,
	0x24, 0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31,
	'0',  '1',  '2',  '3',	'4',  '5',  '6',  '7',	'8',  '9',  'a',  'b',
	'c',  'd',  'e',  0,	0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41,
	0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52, 0x51,
};

/* Exactly so many bytes exist: reading on is seen by ASan. */
static int frame_get(const uint8_t *bytes, size_t len,
		     struct session_frame *frame)
{
	uint8_t *copy = malloc(len ? len : 1);
	int got;

	memcpy(copy, bytes, len);
	got = session_frame_get(copy, len, frame);
	free(copy);
	return got;
}

TEST(frame_bytes)
{
	const struct session_frame frame = { .bytes = 5,
					     .type = 0x1234,
					     .class = SESSION_BULK,
					     .flags = SESSION_FLAG_MORE };
	uint8_t bytes[SESSION_FRAME_HEAD + 5] = "xxxxxxxxhello";
	struct session_frame seen;

	session_frame_head(bytes, &frame);
	EXPECT_MEMEQ("\x05\0\0\0\x34\x12\x03\x01hello", bytes, sizeof(bytes));
	EXPECT_EQ(13, session_frame_get(bytes, sizeof(bytes), &seen));
	EXPECT_EQ(5, seen.bytes);
	EXPECT_EQ(0x1234, seen.type);
	EXPECT_EQ(SESSION_BULK, seen.class);
	EXPECT_EQ(SESSION_FLAG_MORE, seen.flags);
	EXPECT_EQ(bytes + 8, seen.payload);
}

TEST(frame_is_cut_off)
{
	uint8_t bytes[SESSION_FRAME_HEAD + 5] = { 5, 0, 0, 0, 1, 0, 1, 0 };
	struct session_frame seen;
	size_t len;

	for (len = 0; len < sizeof(bytes); len++)
		EXPECT_EQ(-EBADMSG, frame_get(bytes, len, &seen));
	EXPECT_EQ(13, frame_get(bytes, len, &seen));
}

TEST(frame_is_refused)
{
	static const struct {
		const char *desc;
		struct session_frame frame;
		bool good;
	} cases[] = {
		{ "longest", { SESSION_FRAME_PAYLOAD, 1, 1, 0, NULL }, true },
		{ "too long",
		  { SESSION_FRAME_PAYLOAD + 1, 1, 1, 0, NULL },
		  false },
		{ "endless", { UINT32_MAX, 1, 1, 0, NULL }, false },
		{ "wraps", { UINT32_MAX - 7, 1, 1, 0, NULL }, false },
		{ "last class", { 1, 1, SESSION_JOIN, 0, NULL }, true },
		{ "no class", { 1, 1, SESSION_CLASSES, 0, NULL }, false },
		{ "no flag", { 1, 1, 1, 2, NULL }, false },
		{ "more of nothing", { 0, 1, 1, 1, NULL }, false },
		{ "nothing", { 0, 1, 1, 0, NULL }, true },
		{ "control", { SESSION_CONTROL_MAX, 1, 0, 0, NULL }, true },
		{ "long control",
		  { SESSION_CONTROL_MAX + 1, 1, 0, 0, NULL },
		  false },
		{ "control goes on", { 1, 1, 0, 1, NULL }, false },
	};
	uint8_t *bytes = calloc(1, SESSION_FRAME_MAX + 64);
	struct session_frame seen;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int got;

		session_frame_head(bytes, &cases[i].frame);
		got = session_frame_get(bytes, SESSION_FRAME_MAX + 64, &seen);
		if (cases[i].good ? got <= 0 : got > 0)
			TH_LOG("%s: %d", cases[i].desc, got);
		EXPECT_EQ(cases[i].good, got > 0);
	}
	free(bytes);
}

TEST(hello_bytes)
{
	uint8_t bytes[SESSION_HELLO_BYTES + 1];
	struct session_hello seen;

	session_hello_put(bytes, &hello);
	EXPECT_MEMEQ(hello_bytes, bytes, SESSION_HELLO_BYTES);
	memset(&seen, 0xff, sizeof(seen));
	EXPECT_EQ(0, session_hello_get(bytes, SESSION_HELLO_BYTES, &seen));
	EXPECT_EQ(hello.version, seen.version);
	EXPECT_EQ(hello.least, seen.least);
	EXPECT_EQ(hello.from, seen.from);
	EXPECT_EQ(hello.to, seen.to);
	EXPECT_EQ(hello.lineage, seen.lineage);
	EXPECT_EQ(hello.nonce, seen.nonce);
	EXPECT_EQ(hello.number, seen.number);
	EXPECT_MEMEQ(hello.cluster, seen.cluster, 16);
	EXPECT_EQ(-EBADMSG,
		  session_hello_get(bytes, SESSION_HELLO_BYTES - 1, &seen));
	EXPECT_EQ(-EBADMSG,
		  session_hello_get(bytes, SESSION_HELLO_BYTES + 1, &seen));
	session_hello_put(
		bytes, &(struct session_hello){ .version = SESSION_VERSION + 1,
						.least = 1,
						.from = 1,
						.to = 2,
						.nonce = 3 });
	EXPECT_EQ(0, session_hello_get(bytes, SESSION_HELLO_BYTES + 1, &seen));
}

TEST(hello_makes_no_sense)
{
	struct session_hello bad[6] = {
		hello, hello, hello, hello, hello, hello
	};
	uint8_t bytes[SESSION_HELLO_BYTES];
	struct session_hello seen;
	size_t i;

	bad[0].least = 0;
	bad[1].least = 2;
	bad[2].from = 0;
	bad[3].to = 0;
	bad[4].from = bad[4].to;
	bad[5].nonce = 0;
	for (i = 0; i < 6; i++) {
		session_hello_put(bytes, &bad[i]);
		EXPECT_EQ(-EBADMSG,
			  session_hello_get(bytes, sizeof(bytes), &seen));
	}
	session_hello_put(bytes, &hello);
	bytes[3] ^= 1;
	EXPECT_EQ(-EBADMSG, session_hello_get(bytes, sizeof(bytes), &seen));
}

TEST(hello_is_for_us)
{
	const struct session_hello mine = { .version = 3,
					    .least = 2,
					    .from = 7,
					    .to = 5,
					    .lineage = 9,
					    .cluster = "c" };
	const struct session_hello good = { .version = 2,
					    .least = 1,
					    .from = 5,
					    .to = 7,
					    .lineage = 9,
					    .cluster = "c" };
	struct session_hello said = good;

	EXPECT_EQ(SESSION_WHY_NONE, session_hello_check(&said, &mine));
	said.from = 6;
	EXPECT_EQ(SESSION_WHY_FROM, session_hello_check(&said, &mine));
	said.to = 6;
	EXPECT_EQ(SESSION_WHY_TO, session_hello_check(&said, &mine));
	said.lineage = 8;
	EXPECT_EQ(SESSION_WHY_LINEAGE, session_hello_check(&said, &mine));
	said.cluster[15] = 1;
	EXPECT_EQ(SESSION_WHY_CLUSTER, session_hello_check(&said, &mine));
	said.version = 1;
	EXPECT_EQ(SESSION_WHY_VERSION, session_hello_check(&said, &mine));
	said = good;
	said.version = 9;
	said.least = 4;
	EXPECT_EQ(SESSION_WHY_VERSION, session_hello_check(&said, &mine));
	said.least = 3;
	EXPECT_EQ(SESSION_WHY_NONE, session_hello_check(&said, &mine));
}

/* Both sides see the same nonces and numbers, in any order of arrival. */
TEST(one_of_two_sessions_stays)
{
	static const struct {
		struct session_mark old, fresh;
		bool replaces;
	} cases[] = {
		{ { 1, 3, 10 }, { 1, 4, 11 }, true },
		{ { 1, 4, 10 }, { 1, 3, 11 }, false },
		{ { 1, 4, 11 }, { 1, 5, 10 }, true },
		{ { 1, 4, 10 }, { 1, 4, 11 }, false },
		{ { 1, 900, 10 }, { 2, 1, 11 }, true },
		{ { 2, 1, 11 }, { 1, 900, 10 }, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		EXPECT_EQ(cases[i].replaces,
			  session_settle(&cases[i].old, &cases[i].fresh));
}

TEST(reasons_have_words)
{
	unsigned int why;

	for (why = 0; why < SESSION_WHYS; why++)
		EXPECT_GT(strlen(session_why_text((enum session_why)why)), 3);
	EXPECT_GT(strlen(session_why_text((enum session_why)why)), 3);
	EXPECT_GT(strlen(session_why_text((enum session_why) - 1)), 3);
}

TEST_HARNESS_MAIN
