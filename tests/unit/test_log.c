// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines of the log: one each, limited, and never waited for.
 */
#include <fcntl.h>
#include <unistd.h>

#include "harness.h"

#include "../../daemon/log.h"

#define SECOND_NS 1000000000ULL

FIXTURE(reader)
{
	int pipe[2];
	int stderr_was;
	char text[65536];
};

FIXTURE_SETUP(reader)
{
	ASSERT_EQ(0, pipe2(self->pipe, O_NONBLOCK));
	self->stderr_was = dup(2);
	ASSERT_EQ(2, dup2(self->pipe[1], 2));
}

FIXTURE_TEARDOWN(reader)
{
	dup2(self->stderr_was, 2);
	close(self->stderr_was);
	close(self->pipe[0]);
	close(self->pipe[1]);
}

/* All that was written since the last look. */
static const char *seen(struct th_fix_reader *self)
{
	ssize_t got = read(self->pipe[0], self->text, sizeof(self->text) - 1);

	self->text[got > 0 ? got : 0] = '\0';
	return self->text;
}

TEST_F(reader, a_line)
{
	log_write(LOG_LEVEL_INFO, "began", "node=%d", 7);
	EXPECT_STREQ("level=info event=began node=7\n", seen(self));
	log_write(LOG_LEVEL_ERROR, "ended", "why=%s", "x");
	EXPECT_STREQ("level=error event=ended why=x\n", seen(self));
}

TEST_F(reader, levels)
{
	enum log_level level = LOG_LEVEL_INFO;

	log_write(LOG_LEVEL_DEBUG, "detail", "n=%d", 1);
	EXPECT_STREQ("", seen(self));
	EXPECT_TRUE(log_level_parse("debug", &level));
	log_level(level);
	log_write(LOG_LEVEL_DEBUG, "detail", "n=%d", 1);
	EXPECT_STREQ("level=debug event=detail n=1\n", seen(self));
	log_level(LOG_LEVEL_NONE);
	log_write(LOG_LEVEL_ERROR, "bad", "n=%d", 1);
	EXPECT_STREQ("", seen(self));
	EXPECT_FALSE(log_level_parse("loud", &level));
	EXPECT_EQ(LOG_LEVEL_DEBUG, level);
}

TEST_F(reader, one_line_is_one)
{
	char quoted[12];

	log_write(LOG_LEVEL_WARN, "name", "is=%s", "a\nlevel=error\x1b[2J");
	EXPECT_STREQ("level=warn event=name is=a?level=error?[2J\n",
		     seen(self));
	EXPECT_STREQ("\"a? b?\"",
		     log_quote(quoted, sizeof(quoted), "a\" b\\", 5));
	EXPECT_STREQ("\"123456789\"",
		     log_quote(quoted, sizeof(quoted), "1234567890", 10));
	EXPECT_STREQ("\"\"", log_quote(quoted, 3, "1234567890", 10));
}

TEST_F(reader, too_long_is_cut)
{
	char much[2 * LOG_LINE_MAX];
	const char *line;

	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	log_write(LOG_LEVEL_INFO, "much", "of=%s", much);
	line = seen(self);
	EXPECT_EQ(LOG_LINE_MAX - 1, strlen(line));
	EXPECT_EQ('\n', line[strlen(line) - 1]);
	log_write(LOG_LEVEL_INFO, much, "of=%s", much);
	EXPECT_EQ(LOG_LINE_MAX - 1, strlen(seen(self)));
}

static unsigned int lines(const char *text)
{
	unsigned int nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

TEST_F(reader, a_kind_is_limited)
{
	struct log_limit limit = { 0 };
	uint64_t now_ns = 100 * SECOND_NS;
	int i;

	for (i = 0; i < 1000; i++)
		log_limited(&limit, now_ns, LOG_LEVEL_WARN, "stranger", "i=%d",
			    i);
	EXPECT_EQ(LOG_LIMIT_LINES, lines(seen(self)));
	EXPECT_EQ(1000 - LOG_LIMIT_LINES, limit.silent);
	log_limited(&limit, now_ns + LOG_LIMIT_NS, LOG_LEVEL_WARN, "stranger",
		    "i=%d", i);
	EXPECT_STREQ("level=warn event=stranger silent=990 i=1000\n",
		     seen(self));
	EXPECT_EQ(0, limit.silent);
}

/* A reader that stopped costs lines, not time: the alarm would end this. */
TEST_F(reader, nobody_reads)
{
	char much[900];
	int i;

	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	ASSERT_EQ(0, fcntl(self->pipe[1], F_SETFL, 0)); /* it would block */
	alarm(10);
	for (i = 0; i < 200; i++)
		log_write(LOG_LEVEL_INFO, "much", "of=%s", much);
	for (i = 0; *seen(self);)
		i += lines(self->text);
	EXPECT_GT(i, 10);
	EXPECT_LT(i, 65536 / 900);
	log_write(LOG_LEVEL_INFO, "back", "n=%d", 1);
	EXPECT_TRUE(strstr(seen(self), "level=info event=back lost="));
	log_write(LOG_LEVEL_INFO, "back", "n=%d", 2);
	EXPECT_STREQ("level=info event=back n=2\n", seen(self));
}

TEST_HARNESS_MAIN
