// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output of programs, as lines of the daemon's log: so many a second, so long.
 */
#include "runner_inner.h"

#include <string.h>

#include "../log.h"

#define LINES_WINDOW_NS 1000000000ULL

/**
 * runner_lines_end() - the line that has begun, if any, is one
 * @lines: the output
 * @volume: whose
 * @now_ns: now
 */
void runner_lines_end(struct runner_lines *lines, const char *volume,
		      uint64_t now_ns)
{
	char text[RUNNER_LINE_MAX + 3];
	unsigned int used = lines->used;

	lines->used = 0;
	if (!used)
		return;
	if (now_ns - lines->window_ns >= LINES_WINDOW_NS) {
		lines->window_ns = now_ns;
		lines->lines = 0;
	}
	if (lines->lines >= RUNNER_LINES) {
		lines->lost++;
		return;
	}
	lines->lines++;
	log_write(LOG_LEVEL_INFO, "program-says",
		  "volume=%s silent=%llu text=%s", volume,
		  (unsigned long long)lines->lost,
		  log_quote(text, sizeof(text), lines->part, used));
	lines->lost = 0;
}

/**
 * runner_lines_take() - it printed something
 * @lines: the output
 * @volume: whose
 * @now_ns: now
 * @data: what
 * @bytes: how much
 */
void runner_lines_take(struct runner_lines *lines, const char *volume,
		       uint64_t now_ns, const char *data, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		if (data[i] == '\n')
			runner_lines_end(lines, volume, now_ns);
		else if (lines->used < sizeof(lines->part))
			lines->part[lines->used++] = data[i];
	}
}
