// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often to connect, and how often to complain.
 */
#include "links_pace.h"

/**
 * links_backoff_ms() - how long to wait before the next attempt
 * @tries: attempts that failed since the last one that lasted
 * @random: any number
 *
 * Doubles with each attempt, up to a limit. The upper half of it is chosen by
 * lot, so that nodes which lost each other at once do not come back at once.
 *
 * Return: milliseconds.
 */
int links_backoff_ms(unsigned int tries, uint32_t random)
{
	int most_ms = LINKS_BACKOFF_MIN_MS;

	while (tries-- && most_ms < LINKS_BACKOFF_MAX_MS)
		most_ms *= 2;
	if (most_ms > LINKS_BACKOFF_MAX_MS)
		most_ms = LINKS_BACKOFF_MAX_MS;
	return most_ms / 2 + (int)(random % ((uint32_t)most_ms / 2 + 1));
}

/* The place of @host, or the one that was used longest ago. */
static struct links_hush_host *links_hush_find(struct links_hush *hush,
					       const union links_addr *host)
{
	struct links_hush_host *oldest = &hush->host[0];
	int i;

	for (i = 0; i < LINKS_HUSH_HOSTS; i++) {
		struct links_hush_host *at = &hush->host[i];

		if (links_addr_same_host(&at->host, host))
			return at;
		if (!at->host.any.sa_family)
			return at; /* those behind it are free too */
		if (at->said_ms < oldest->said_ms)
			oldest = at;
	}
	return oldest;
}

/**
 * links_hush_say() - a stranger was turned away: is it worth a line?
 * @hush: what was said before
 * @host: the stranger
 * @now_ms: now
 *
 * Who gets "yes" writes a line with @hush->silent in it, and sets that to 0.
 *
 * Return: whether it is.
 */
bool links_hush_say(struct links_hush *hush, const union links_addr *host,
		    int64_t now_ms)
{
	struct links_hush_host *at = links_hush_find(hush, host);
	bool known = links_addr_same_host(&at->host, host);

	hush->total++;
	if (now_ms - hush->window_ms >= LINKS_HUSH_LINES_MS) {
		hush->window_ms = now_ms;
		hush->lines = 0;
	}
	if ((known && now_ms - at->said_ms < LINKS_HUSH_HOST_MS) ||
	    hush->lines >= LINKS_HUSH_LINES) {
		hush->silent++;
		return false;
	}
	at->host = *host;
	at->said_ms = now_ms;
	hush->lines++;
	return true;
}
