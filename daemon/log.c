// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines on stderr that never wait; see log.h.
 */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const log_names[] = {
	[LOG_LEVEL_NONE] = "none",   [LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* The one setting that is the process's; and what it owes to its reader. */
static enum log_level log_least = LOG_LEVEL_INFO;
static uint64_t log_lost;

/**
 * log_level() - from now on write what is at least so bad
 * @least: the level; LOG_LEVEL_NONE: write nothing
 */
void log_level(enum log_level least)
{
	log_least = least;
}

/**
 * log_level_parse() - a level's name
 * @word: the name
 * @level: the level; left alone if there is none of that name
 *
 * Return: whether there is.
 */
bool log_level_parse(const char *word, enum log_level *level)
{
	unsigned int i;

	for (i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++) {
		if (strcmp(word, log_names[i]))
			continue;
		*level = (enum log_level)i;
		return true;
	}
	return false;
}

/* Is there room for a line?  A pipe that is writable takes PIPE_BUF bytes. */
static bool log_room(void)
{
	struct pollfd to = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&to, 1, 0) == 1 && (to.revents & POLLOUT);
}

static void log_line(char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if (log_room() && write(STDERR_FILENO, line, len) == (ssize_t)len)
		log_lost = 0;
	else
		log_lost++;
}

static size_t log_add(char *line, size_t len, const char *format, ...)
	__attribute__((__format__(printf, 3, 4)));

/* What is too long is cut; the newline always has its place. */
static size_t log_fit(size_t len, int more)
{
	if (more < 0)
		return len;
	len += (size_t)more;
	return len < LOG_LINE_MAX - 1 ? len : LOG_LINE_MAX - 2;
}

static size_t log_add(char *line, size_t len, const char *format, ...)
{
	va_list args;
	int more;

	va_start(args, format);
	more = vsnprintf(line + len, LOG_LINE_MAX - 1 - len, format, args);
	va_end(args);
	return log_fit(len, more);
}

static void log_say(uint64_t silent, enum log_level level, const char *event,
		    const char *format, va_list args)
{
	char line[LOG_LINE_MAX];
	size_t len =
		log_add(line, 0, "level=%s event=%s", log_names[level], event);

	if (log_lost)
		len = log_add(line, len, " lost=%llu",
			      (unsigned long long)log_lost);
	if (silent)
		len = log_add(line, len, " silent=%llu",
			      (unsigned long long)silent);
	if (*format)
		len = log_add(line, len, " ");
	len = log_fit(len, vsnprintf(line + len, LOG_LINE_MAX - 1 - len, format,
				     args));
	log_line(line, len);
}

/**
 * log_write() - write a line
 * @level: how bad it is
 * @event: what happened, one word
 * @format: key=value for the rest, may be ""
 */
void log_write(enum log_level level, const char *event, const char *format, ...)
{
	va_list args;

	if (level > log_least)
		return;
	va_start(args, format);
	log_say(0, level, event, format, args);
	va_end(args);
}

/**
 * log_allowed() - may there be another line of this kind?
 * @limit: the kind
 * @now_ns: now
 *
 * Who gets "no" was counted in @limit->silent.
 *
 * Return: whether there may be one.
 */
bool log_allowed(struct log_limit *limit, uint64_t now_ns)
{
	if (now_ns - limit->window_ns >= LOG_LIMIT_NS) {
		limit->window_ns = now_ns;
		limit->lines = 0;
	}
	if (limit->lines < LOG_LIMIT_LINES) {
		limit->lines++;
		return true;
	}
	limit->silent++;
	return false;
}

/**
 * log_limited() - write a line, if there were not too many of its kind
 * @limit: the kind
 * @now_ns: now
 * @level: how bad it is
 * @event: what happened, one word
 * @format: key=value for the rest, may be ""
 */
void log_limited(struct log_limit *limit, uint64_t now_ns, enum log_level level,
		 const char *event, const char *format, ...)
{
	va_list args;

	if (level > log_least || !log_allowed(limit, now_ns))
		return;
	va_start(args, format);
	log_say(limit->silent, level, event, format, args);
	va_end(args);
	limit->silent = 0;
}

/**
 * log_quote() - text from elsewhere as a value
 * @to: where it goes, in quotes
 * @room: bytes there, at least 3
 * @from: the text
 * @len: its length
 *
 * What does not fit is cut off. A quote, a backslash and what is not printable
 * ASCII become '?', so that nobody can end the value and add keys of his own.
 *
 * Return: @to.
 */
char *log_quote(char *to, size_t room, const char *from, size_t len)
{
	size_t i;

	if (len > room - 3)
		len = room - 3;
	to[0] = '"';
	for (i = 0; i < len; i++) {
		char c = from[i];

		to[1 + i] = c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' :
									  c;
	}
	to[1 + len] = '"';
	to[2 + len] = '\0';
	return to;
}
