/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often: attempts to connect, and lines about strangers.
 *
 * Pure: time and randomness are given.
 */
#ifndef QBD_DAEMON_LINKS_PACE_H
#define QBD_DAEMON_LINKS_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "links_conf.h"

#define LINKS_BACKOFF_MIN_MS 50
#define LINKS_BACKOFF_MAX_MS 2000

#define LINKS_HUSH_HOSTS 64 /* strangers that are remembered */
#define LINKS_HUSH_HOST_MS 60000 /* one line about each in that time */
#define LINKS_HUSH_LINES 10 /* and so many about all of them */
#define LINKS_HUSH_LINES_MS 10000 /* in that time */

int links_backoff_ms(unsigned int tries, uint32_t random);

/**
 * struct links_hush_host - a stranger that a line was written about
 * @host: who; its family is 0 if this place is free
 * @said_ms: when
 */
struct links_hush_host {
	union links_addr host;
	int64_t said_ms;
};

/**
 * struct links_hush - keeps strangers from filling the log
 * @host: those that were mentioned last
 * @window_ms: begin of the time that @lines counts
 * @lines: lines in it
 * @total: all who were turned away
 * @silent: of these, without a line since the last line
 */
struct links_hush {
	struct links_hush_host host[LINKS_HUSH_HOSTS];
	int64_t window_ms;
	unsigned int lines;
	uint64_t total;
	uint64_t silent;
};

bool links_hush_say(struct links_hush *hush, const union links_addr *host,
		    int64_t now_ms);

#endif /* QBD_DAEMON_LINKS_PACE_H */
