// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables and JSON: the same calls, both forms, to the byte.
 */
#include "harness.h"

#include "../../daemon/out.h"

static const struct out_col cols[] = {
	{ "id", "ID", true },
	{ "name", "NAME", false },
	{ "hidden", NULL, true },
	{ "bytes", "SIZE", true },
};

static void fill(struct out *out)
{
	out_u64(out, 7);
	out_str(out, "plain");
	out_s64(out, -5);
	out_bytes(out, 10ULL << 30);
	out_u64(out, 12345);
	out_str(out, "a \"quote\"\n");
	out_none(out);
	out_bytes(out, 1500);
}

static char *printed(bool json, bool rows)
{
	struct out out;
	char *text = NULL;
	size_t len = 0;

	out_begin(&out, cols, 4, json);
	out.file = open_memstream(&text, &len);
	if (rows)
		fill(&out);
	/* out_end() forgets the file, which is not its to close */
	{
		FILE *file = out.file;

		out_end(&out);
		fclose(file);
	}
	return text;
}

TEST(table)
{
	char *text = printed(false, true);

	EXPECT_STREQ("   ID  NAME           SIZE\n"
		     "    7  plain        10 GiB\n"
		     "12345  a \"quote\"\n  1.5 KiB\n",
		     text);
	free(text);
}

TEST(json)
{
	char *text = printed(true, true);

	EXPECT_STREQ("[\n {\"id\": 7, \"name\": \"plain\", \"hidden\": -5, "
		     "\"bytes\": 10737418240},\n {\"id\": 12345, \"name\": "
		     "\"a \\\"quote\\\"\\u000a\", \"hidden\": null, "
		     "\"bytes\": 1500}\n]\n",
		     text);
	free(text);
}

TEST(empty)
{
	char *text = printed(true, false);

	EXPECT_STREQ("[]\n", text);
	free(text);
	text = printed(false, false);
	EXPECT_STREQ("ID  NAME  SIZE\n", text);
	free(text);
}

TEST(sizes)
{
	char text[32];

	out_size_format(text, sizeof(text), 0);
	EXPECT_STREQ("0 B", text);
	out_size_format(text, sizeof(text), 1023);
	EXPECT_STREQ("1023 B", text);
	out_size_format(text, sizeof(text), 4ULL << 40);
	EXPECT_STREQ("4 TiB", text);
	out_size_format(text, sizeof(text), (4ULL << 30) + (1 << 29));
	EXPECT_STREQ("4.5 GiB", text);
	out_size_format(text, sizeof(text), UINT64_MAX);
	EXPECT_STREQ("16.0 EiB", text);
}

TEST_HARNESS_MAIN
