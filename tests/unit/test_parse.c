// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words of the command line: what is taken, and that all else is refused and
 * leaves the result alone.
 */
#include "harness.h"

#include "../../daemon/parse.h"

TEST(numbers)
{
	static const char *const bad[] = {
		"",   " 1", "1 ", "-1",	 "+1",
		"1x", "0x", "x",  "1.5", "18446744073709551616"
	};
	uint64_t value = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_FALSE(parse_u64(bad[i], 0, UINT64_MAX, &value));
		EXPECT_EQ(7, value);
	}
	EXPECT_TRUE(parse_u64("0", 0, 10, &value));
	EXPECT_EQ(0, value);
	EXPECT_TRUE(parse_u64("0x10", 0, UINT64_MAX, &value));
	EXPECT_EQ(16, value);
	EXPECT_TRUE(parse_u64("010", 0, UINT64_MAX, &value));
	EXPECT_EQ(10, value);
	EXPECT_TRUE(parse_u64("08", 0, UINT64_MAX, &value));
	EXPECT_EQ(8, value);
	EXPECT_TRUE(parse_u64("18446744073709551615", 0, UINT64_MAX, &value));
	EXPECT_EQ(UINT64_MAX, value);
}

TEST(number_bounds)
{
	uint32_t value = 7;

	EXPECT_FALSE(parse_u32("4", 5, 6, &value));
	EXPECT_FALSE(parse_u32("4294967296", 0, UINT32_MAX, &value));
	EXPECT_EQ(7, value);
	EXPECT_TRUE(parse_u32("5", 5, 6, &value));
	EXPECT_EQ(5, value);
}

TEST(sizes)
{
	static const char *const bad[] = { "G",	  "1GG",    "1Gi", "1 G",
					   "-1G", "16384P", "1X" };
	uint64_t bytes = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_FALSE(parse_size(bad[i], &bytes));
		EXPECT_EQ(7, bytes);
	}
	EXPECT_TRUE(parse_size("4096", &bytes));
	EXPECT_EQ(4096, bytes);
	EXPECT_TRUE(parse_size("64k", &bytes));
	EXPECT_EQ(65536, bytes);
	EXPECT_TRUE(parse_size("10GiB", &bytes));
	EXPECT_EQ(10ULL << 30, bytes);
	EXPECT_TRUE(parse_size("16383P", &bytes));
	EXPECT_EQ(16383ULL << 50, bytes);
}

TEST(uuids)
{
	static const uint8_t want[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
					  0xcd, 0xef, 0x01, 0x23, 0x45, 0x67,
					  0x89, 0xab, 0xcd, 0xef };
	static const char *const bad[] = {
		"",
		"01234567-89ab-cdef-0123-456789abcde",
		"01234567-89ab-cdef-0123-456789abcdef0",
		"0123456789abcdef0123456789abcde",
		"0123456789abcdef0123456789abcdef0",
		"01234567-89abcdef0123456789abcdef",
		"0123456g-89ab-cdef-0123-456789abcdef",
		"01234567 89ab-cdef-0123-456789abcdef",
	};
	uint8_t uuid[16] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_FALSE(parse_uuid(bad[i], uuid));
	EXPECT_EQ(0, uuid[1]);
	EXPECT_TRUE(parse_uuid("01234567-89AB-cdef-0123-456789abcdef", uuid));
	EXPECT_EQ(0, memcmp(uuid, want, sizeof(want)));
	memset(uuid, 0, sizeof(uuid));
	EXPECT_TRUE(parse_uuid("0123456789abcdef0123456789abcdef", uuid));
	EXPECT_EQ(0, memcmp(uuid, want, sizeof(want)));
}

TEST(hex)
{
	uint8_t to[2] = { 7, 7 };

	EXPECT_TRUE(parse_hex("0fA1", to, 2));
	EXPECT_EQ(0x0f, to[0]);
	EXPECT_EQ(0xa1, to[1]);
	EXPECT_FALSE(parse_hex("00", to, 2));
	EXPECT_FALSE(parse_hex("000000", to, 2));
	EXPECT_FALSE(parse_hex("000g", to, 2));
	EXPECT_FALSE(parse_hex(" 000", to, 2));
	EXPECT_EQ(0x0f, to[0]);
	EXPECT_TRUE(parse_hex("", to, 0));
}

TEST_HARNESS_MAIN
