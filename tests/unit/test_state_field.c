// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structs as bytes by tables: back and forth, cut, and what has two encodings.
 */
#include "harness.h"
#include "state/field.h"

struct inner {
	u16 number;
	char text[4];
};

struct outer {
	u8 a;
	u64 b;
	u8 raw[3];
	char text[6];
	u16 nr;
	struct inner inner[2];
	struct state_rest rest;
};

static const struct state_field inner_fields[] = {
	STATE_FIELD(STATE_U16, struct inner, number),
	STATE_FIELD(STATE_TEXT, struct inner, text),
	{ .type = STATE_END },
};

static const struct state_field fields[] = {
	STATE_FIELD(STATE_U8, struct outer, a),
	STATE_FIELD(STATE_U64, struct outer, b),
	STATE_FIELD(STATE_RAW, struct outer, raw),
	STATE_FIELD(STATE_TEXT, struct outer, text),
	STATE_FIELD_LIST(struct outer, inner, nr, inner_fields),
	STATE_FIELD(STATE_REST, struct outer, rest),
	{ .type = STATE_END },
};

static const u8 golden[] = { 7,	   8, 7,   6, 5,   4,	3,    2,   1,
			     1,	   2, 3,   2, 'h', 'i', 2,    0,   0x34,
			     0x12, 1, 'x', 5, 0,   0,	0xaa, 0xbb };

static bool get(const u8 *data, u32 bytes, struct outer *to)
{
	struct state_in in = { .left = bytes };
	u8 *exact = malloc(bytes ? bytes : 1);

	/* exactly so many bytes exist: reading on is seen by ASan */
	memcpy(exact, data, bytes);
	in.at = exact;
	state_fields_get(&in, fields, to);
	free(exact);
	return !in.bad;
}

TEST(both_ways)
{
	struct outer to;
	u8 buf[sizeof(golden)];
	struct state_out out = { .at = buf, .left = sizeof(buf) };
	struct state_in in = { .at = golden, .left = sizeof(golden) };

	state_fields_get(&in, fields, &to);
	ASSERT_FALSE(in.bad);
	EXPECT_EQ(0, in.left);
	EXPECT_EQ(0x0102030405060708ULL, to.b);
	EXPECT_STREQ("hi", to.text);
	EXPECT_EQ(2, to.nr);
	EXPECT_EQ(0x1234, to.inner[0].number);
	EXPECT_STREQ("x", to.inner[0].text);
	EXPECT_STREQ("", to.inner[1].text);
	EXPECT_EQ(2, to.rest.bytes);
	state_fields_put(&out, fields, &to);
	EXPECT_FALSE(out.full);
	EXPECT_EQ(0, out.left);
	EXPECT_MEMEQ(golden, buf, sizeof(golden));
	out = (struct state_out){ .at = buf, .left = sizeof(buf) - 1 };
	state_fields_put(&out, fields, &to);
	EXPECT_TRUE(out.full);
	to.nr = 3;
	out = (struct state_out){ .at = buf, .left = sizeof(buf) };
	state_fields_put(&out, fields, &to);
	EXPECT_TRUE(out.full);
}

TEST(cut)
{
	struct outer to;
	u32 bytes;

	for (bytes = 0; bytes < sizeof(golden); bytes++)
		EXPECT_EQ(bytes >= sizeof(golden) - 2, get(golden, bytes, &to));
}

/* What would be two encodings of one value, or would not fit. */
TEST(refused)
{
	static const struct {
		u32 at;
		u8 value;
	} bad[] = {
		{ 12, 6 }, /* no room for the NUL */
		{ 12, 255 },  { 13, 0 }, /* a NUL inside */
		{ 13, 0x1b }, /* would talk to a terminal */
		{ 13, 0x80 }, { 15, 3 }, /* too many elements */
		{ 16, 1 },    { 19, 4 },
	};
	u8 data[sizeof(golden)];
	struct outer to;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(data, golden, sizeof(data));
		data[bad[i].at] = bad[i].value;
		EXPECT_FALSE(get(data, sizeof(data), &to));
	}
}

TEST(names)
{
	static const char *const good[] = { "a", "db-1", "A.b_c", "7" };
	static const char *const bad[] = { "",	   ".",	  "..",
					   "-x",   "a/b", "a b",
					   "\x7f", "a\n", "\xc3\xa4" };
	char text[65];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_TRUE(state_name_good(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FALSE(state_name_good(bad[i]));
	memset(text, 'x', 64);
	text[64] = 0;
	EXPECT_FALSE(state_name_good(text));
	text[63] = 0;
	EXPECT_TRUE(state_name_good(text));
}

TEST_HARNESS_MAIN
