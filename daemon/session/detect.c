// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a peer there? See detect.h.
 */
#include "detect.h"

#include <string.h>

/* Gaps that one late beat makes are no reason for suspicion. */
#define DETECT_SUSPECT_BEATS_MIN 2

/**
 * detect_init() - nothing was heard
 * @detect: memory
 * @conf: the times
 */
void detect_init(struct detect *detect, const struct detect_conf *conf)
{
	memset(detect, 0, sizeof(*detect));
	detect->conf = *conf;
	detect->state = DETECT_DEAD;
	detect->mean_ns = conf->beat_ns;
	detect->dev_ns = conf->beat_ns / 4;
	detect->hold_ns = conf->hold_min_ns;
}

/* How long may it be silent without suspicion? Less than it takes to be dead.
 */
static uint64_t detect_patience_ns(const struct detect *detect)
{
	uint64_t least = DETECT_SUSPECT_BEATS_MIN * detect->conf.beat_ns;
	uint64_t most = detect->conf.dead_ns / 4 * 3;
	uint64_t ns = detect->mean_ns + 4 * detect->dev_ns;

	if (ns < least)
		ns = least;
	return ns < most ? ns : most;
}

/* It ceased to be ALIVE: the next time it has to be steady for longer. */
static void detect_fall(struct detect *detect, uint64_t now_ns)
{
	detect->falls++;
	detect->hold_ns *= 2;
	if (detect->hold_ns > detect->conf.hold_max_ns)
		detect->hold_ns = detect->conf.hold_max_ns;
	detect->decay_ns = now_ns;
}

/* A good while makes up for one fall. */
static void detect_decay(struct detect *detect, uint64_t now_ns)
{
	while (now_ns - detect->decay_ns >= DETECT_DECAY_NS &&
	       detect->hold_ns > detect->conf.hold_min_ns) {
		detect->decay_ns += DETECT_DECAY_NS;
		detect->hold_ns /= 2;
	}
	if (detect->hold_ns < detect->conf.hold_min_ns)
		detect->hold_ns = detect->conf.hold_min_ns;
}

static void detect_set(struct detect *detect, enum detect_state state,
		       uint64_t now_ns)
{
	if (detect->state == DETECT_ALIVE && state != DETECT_ALIVE)
		detect_fall(detect, now_ns);
	if (detect->state != DETECT_ALIVE && state == DETECT_ALIVE)
		detect->decay_ns = now_ns;
	detect->state = state;
}

/**
 * detect_look() - time has passed
 * @detect: the peer
 * @now_ns: now, not less than before
 *
 * Return: the state.
 */
enum detect_state detect_look(struct detect *detect, uint64_t now_ns)
{
	uint64_t silent_ns = now_ns - detect->heard_ns;

	if (!detect->heard_ns || silent_ns >= detect->conf.dead_ns)
		detect_set(detect, DETECT_DEAD, now_ns);
	else if (detect->state == DETECT_ALIVE &&
		 silent_ns >= detect_patience_ns(detect))
		detect_set(detect, DETECT_SUSPECT, now_ns);
	if (detect->state == DETECT_ALIVE)
		detect_decay(detect, now_ns);
	return detect->state;
}

/* As TCP's timer (RFC 6298): a eighth and a quarter of what is new. */
static void detect_gap(struct detect *detect, uint64_t gap_ns)
{
	uint64_t off_ns = gap_ns > detect->mean_ns ? gap_ns - detect->mean_ns :
						     detect->mean_ns - gap_ns;

	detect->dev_ns = detect->dev_ns - detect->dev_ns / 4 + off_ns / 4;
	detect->mean_ns = detect->mean_ns - detect->mean_ns / 8 + gap_ns / 8;
}

/**
 * detect_heard() - the peer said something, and proved that it was the peer
 * @detect: the peer
 * @now_ns: now
 *
 * Return: the state.
 */
enum detect_state detect_heard(struct detect *detect, uint64_t now_ns)
{
	uint64_t gap_ns = now_ns - detect->heard_ns;

	detect_look(detect, now_ns);
	if (!detect->heard_ns || gap_ns >= detect_patience_ns(detect))
		detect->steady_ns = now_ns; /* it begins anew */
	else if (gap_ns >= detect->conf.beat_ns / 2)
		detect_gap(detect, gap_ns); /* what comes in a row is one */
	detect->heard_ns = now_ns ? now_ns : 1;
	if (detect->state == DETECT_DEAD)
		detect_set(detect, DETECT_SUSPECT, now_ns);
	if (detect->state == DETECT_SUSPECT &&
	    now_ns - detect->steady_ns >= detect->hold_ns)
		detect_set(detect, DETECT_ALIVE, now_ns);
	return detect->state;
}

/**
 * detect_lost() - the connection to the peer broke
 * @detect: the peer
 * @now_ns: now
 *
 * That is not death, as a restarted daemon is back in a moment; but it is a
 * gap.
 *
 * Return: the state.
 */
enum detect_state detect_lost(struct detect *detect, uint64_t now_ns)
{
	detect_look(detect, now_ns);
	detect->steady_ns = now_ns;
	if (detect->state == DETECT_ALIVE)
		detect_set(detect, DETECT_SUSPECT, now_ns);
	return detect->state;
}

/**
 * detect_next() - when is detect_look() worth a call?
 * @detect: the peer
 *
 * Return: the time; UINT64_MAX: when something is heard.
 */
uint64_t detect_next(const struct detect *detect)
{
	switch (detect->state) {
	case DETECT_ALIVE:
		return detect->heard_ns + detect_patience_ns(detect);
	case DETECT_SUSPECT:
		return detect->heard_ns + detect->conf.dead_ns;
	case DETECT_DEAD:
		break;
	}
	return UINT64_MAX;
}

/**
 * detect_name() - a state for people
 * @state: the state
 *
 * Return: a constant.
 */
const char *detect_name(enum detect_state state)
{
	static const char *const names[] = { "dead", "suspect", "alive" };

	return names[state];
}
