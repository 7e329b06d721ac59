// SPDX-License-Identifier: GPL-2.0-only
/*
 * Join tokens: there and back, mistyped anywhere, and the key that they stand
 * for.
 */
#include <ctype.h>
#include <errno.h>

#include "harness.h"

#include "../../daemon/session/token.h"

static const struct token known = {
	.id = 0x123456789a,
	.secret = "0123456789abcdefghi",
};

static const char known_text[] =
	"qbd1-28t5cy4t-60rk4csm6mv3ee1sc5h66s35cskpgt80-xq05fd";

/* HKDF of it, by another implementation. */
static const uint8_t known_key[TOKEN_KEY + 1] =
	"\xde\x44\xba\x67\x16\x23\xd6\x2e\x9d\xaa\x92\x24\x2f\xd3\xd6\x62"
	"\xc1\xe3\x59\xe8\xd7\xd5\x93\x3b\xc5\x63\x5e\x64\x69\xee\x2b\x61";

TEST(there_and_back)
{
	char text[TOKEN_TEXT];
	struct token token, seen;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, token_make(&token));
		EXPECT_LE(token.id, TOKEN_ID_MAX);
		token_format(text, &token);
		ASSERT_EQ(53, strlen(text));
		memset(&seen, 0xff, sizeof(seen));
		ASSERT_EQ(0, token_parse(text, &seen));
		EXPECT_EQ(token.id, seen.id);
		EXPECT_MEMEQ(token.secret, seen.secret, TOKEN_SECRET);
	}
}

TEST(text)
{
	char text[TOKEN_TEXT];

	token_format(text, &known);
	EXPECT_STREQ(known_text, text);
}

/* As people type: capitals, O for 0, l and I for 1. */
TEST(forgiven)
{
	char text[TOKEN_TEXT];
	struct token seen;
	int i;

	token_format(text, &known);
	for (i = 0; text[i]; i++)
		text[i] = (char)toupper(text[i]);
	ASSERT_EQ(0, token_parse(text, &seen));
	EXPECT_EQ(known.id, seen.id);
	for (i = 5; text[i]; i++)
		if (text[i] == '0')
			text[i] = i % 2 ? 'o' : 'O';
		else if (text[i] == '1')
			text[i] = "liLI"[i % 4];
	ASSERT_EQ(0, token_parse(text, &seen));
	EXPECT_MEMEQ(known.secret, seen.secret, TOKEN_SECRET);
}

TEST(any_wrong_letter_is_found)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	char text[TOKEN_TEXT], typed[TOKEN_TEXT];
	struct token seen = { .id = 7 };
	size_t i, d;

	token_format(text, &known);
	for (i = 5; text[i]; i++) {
		if (text[i] == '-')
			continue;
		for (d = 0; digits[d]; d++) {
			memcpy(typed, text, sizeof(typed));
			typed[i] = digits[d];
			if (digits[d] != text[i])
				ASSERT_EQ(-EBADMSG, token_parse(typed, &seen));
		}
	}
	/* two exchanged */
	for (i = 5; text[i + 1]; i++) {
		memcpy(typed, text, sizeof(typed));
		typed[i] = text[i + 1];
		typed[i + 1] = text[i];
		if (text[i] != text[i + 1])
			ASSERT_NE(0, token_parse(typed, &seen));
	}
	EXPECT_EQ(7, seen.id);
}

TEST(not_a_token)
{
	static const char *const words[] = {
		"",
		"qbd1",
		"qbd1-",
		"qbd2-28t5cy4t-",
		"hello world",
		"qbd1-28t5cy4t-60rk4csm6mvkee1s6cwk4d1k6mvkee00-uuuuuu",
		"qbd1-28t5cy4t-60rk4csm6mvkee1s6cwk4d1k6mvkee00-00000\n",
		"qbd1-28t5cy4t-60rk4csm6mvkee1s6cwk4d1k6mvkee00-00000\xff",
		"qbd1-28t5cy4t060rk4csm6mvkee1s6cwk4d1k6mvkee00-000000",
		"qbd1-28t5cy4--60rk4csm6mvkee1s6cwk4d1k6mvkee00-000000",
		"qbdl-28t5cy4t-60rk4csm6mvkee1s6cwk4d1k6mvkee00-000000",
	};
	char text[TOKEN_TEXT + 2];
	struct token seen;
	size_t i, len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		EXPECT_EQ(-EINVAL, token_parse(words[i], &seen));
	token_format(text, &known);
	len = strlen(text);
	text[len] = ' ';
	text[len + 1] = '\0';
	EXPECT_EQ(-EINVAL, token_parse(text, &seen));
	for (; len--;) {
		text[len] = '\0';
		EXPECT_EQ(-EINVAL, token_parse(text, &seen));
	}
}

TEST(keys)
{
	uint8_t key[TOKEN_KEY], other[TOKEN_KEY];
	struct token token = known;

	ASSERT_EQ(0, token_key(&token, key));
	EXPECT_MEMEQ(known_key, key, TOKEN_KEY);
	token.id++;
	ASSERT_EQ(0, token_key(&token, other));
	EXPECT_NE(0, memcmp(key, other, TOKEN_KEY));
	token = known;
	token.secret[19] ^= 1;
	ASSERT_EQ(0, token_key(&token, other));
	EXPECT_NE(0, memcmp(key, other, TOKEN_KEY));
}

TEST(names)
{
	char name[TOKEN_NAME];
	uint64_t id = 5;

	token_name(name, known.id);
	EXPECT_STREQ("qbd1-28t5cy4t", name);
	EXPECT_EQ(0, token_name_parse((void *)name, strlen(name), &id));
	EXPECT_EQ(known.id, id);
	EXPECT_EQ(-EINVAL,
		  token_name_parse((void *)name, strlen(name) + 1, &id));
	EXPECT_EQ(-EINVAL,
		  token_name_parse((void *)name, strlen(name) - 1, &id));
	name[7] = '\0';
	EXPECT_EQ(-EINVAL, token_name_parse((void *)name, 13, &id));
	name[7] = 'u';
	EXPECT_EQ(-EINVAL, token_name_parse((void *)name, 13, &id));
	EXPECT_EQ(-EINVAL, token_name_parse((void *)"", 0, &id));
}

TEST_HARNESS_MAIN
