// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manual pages: text stays text, whatever roff would make of it.
 */
#include "harness.h"

#include "../../daemon/roff.h"

static char text[1024];

static FILE *begin(void)
{
	FILE *file;

	memset(text, 0, sizeof(text));
	file = fmemopen(text, sizeof(text) - 1, "w");
	ASSERT_TRUE(file);
	return file;
}

TEST(text_is_text)
{
	FILE *file = begin();

	roff_text(file, ".SH it's a \\fBtrap\\fR -- 'no'");
	roff_text(file, "'br");
	fclose(file);
	EXPECT_STREQ(
		".PP\n\\&.SH it\\(aqs a \\efBtrap\\efR \\-\\- \\(aqno\\(aq\n"
		".PP\n\\&\\(aqbr\n",
		text);
}

TEST(lines_stay_lines)
{
	FILE *file = begin();

	roff_lines(file, "a\n.b\n\nc");
	fclose(file);
	EXPECT_STREQ(".PP\na\n.br\n\\&.b\n.PP\nc\n", text);
}

static bool take(const char *word, void *to)
{
	return true;
}

TEST(verb)
{
	static const struct opt_kind kind = { "A|B", "a or b", take, true };
	static const struct opt opts[] = {
		{ "x-y", &kind, OPT_MUST, NULL, NULL, "help of x" },
		{ "z", &opt_flag, OPT_MAY, NULL, NULL, "help of z" },
		{ "FILE", &opt_name, OPT_WORD, NULL, NULL, "help of it" },
		OPT_END,
	};
	const struct opt_cmd cmd = { .name = "noun a-verb", .help = "Do it" };
	FILE *file = begin();
	const struct opt_visit visit = { roff_verb, file };

	roff_verb(&visit, &cmd, opts);
	fclose(file);
	EXPECT_STREQ(
		".SS noun a\\-verb\n"
		"\\fBqbdctl noun a\\-verb\\fR \\fIFILE\\fR \\fB\\-\\-x\\-y\\fR \\fIA|B\\fR ... [\\fB\\-\\-z\\fR]\n"
		".PP\nDo it.\n"
		".TP\n\\fB\\-\\-x\\-y\\fR \\fIA|B\\fR\nhelp of x\n"
		".TP\n\\fB\\-\\-z\\fR\nhelp of z\n"
		".TP\n\\fIFILE\\fR\nhelp of it\n",
		text);
}

TEST_HARNESS_MAIN
