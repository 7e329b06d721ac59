/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's log: one line for each thing that happened, on stderr.
 *
 *	level=warn event=session-refused address=10.0.0.9:4711 reason="..."
 *
 * For people and for programs: key=value, values with blanks in quotes.  The
 * supervisor (systemd, a shell) adds the time and keeps the lines.
 *
 * A LINE NEVER WAITS.  Who reads stderr may be slow or stopped, and a write
 * that blocks would stop heartbeats and with them the node.  So a line that
 * there is no room for is lost, and the next one says lost=N.
 *
 * A LINE IS ONE LINE.  Control characters in what a stranger sent become '?';
 * log_quote() is for text that may have quotes in it.
 *
 * A kind of message that others can cause has a struct log_limit: so many lines
 * in a time, then silence, which is counted and said (silent=N).
 */
#ifndef QBD_DAEMON_LOG_H
#define QBD_DAEMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX \
	1024 /* with its newline: below PIPE_BUF, so in one piece */
#define LOG_LIMIT_LINES 10 /* of one kind */
#define LOG_LIMIT_NS 10000000000ULL /* in that time */

/**
 * enum log_level - how bad it is
 * @LOG_LEVEL_NONE: only for log_level(): be silent
 * @LOG_LEVEL_ERROR: something does not work
 * @LOG_LEVEL_WARN: somebody ought to look
 * @LOG_LEVEL_INFO: what changes
 * @LOG_LEVEL_DEBUG: for developers
 */
enum log_level {
	LOG_LEVEL_NONE,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/**
 * struct log_limit - how often one kind of message was written
 * @window_ns: begin of the time that @lines counts
 * @lines: lines in it
 * @silent: messages without a line since the last line
 */
struct log_limit {
	uint64_t window_ns;
	unsigned int lines;
	uint64_t silent;
};

void log_level(enum log_level least);
bool log_level_parse(const char *word, enum log_level *level);
void log_write(enum log_level level, const char *event, const char *format, ...)
	__attribute__((__format__(printf, 3, 4)));
bool log_allowed(struct log_limit *limit, uint64_t now_ns);
void log_limited(struct log_limit *limit, uint64_t now_ns, enum log_level level,
		 const char *event, const char *format, ...)
	__attribute__((__format__(printf, 5, 6)));
char *log_quote(char *to, size_t room, const char *from, size_t len);

#endif /* QBD_DAEMON_LOG_H */
