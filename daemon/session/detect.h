/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The failure detector: is a peer there?  Pure: it is told what was heard, and
 * when.
 *
 *	ALIVE --silent for some gaps--> SUSPECT --silent for dead_ns--> DEAD
 *	  ^----------- heard, and steady for hold_ns -------'-----------'
 *
 * SUSPICION adapts: to the mean time between what is heard, and how much it
 * varies (the mean and four deviations, as TCP's timer does), within bounds.
 * A link with jitter is not suspected at each late beat, and a quiet one is
 * found out quickly.  DEAD is a fixed time, because promises hang on it: a dead
 * peer is noticed within dead_ns, whatever the gaps were.
 *
 * HYSTERESIS.  A link that blinks is worse than one that is down: each time it
 * is believed, work is given to the peer and lost again.  So a peer that fell
 * silent is believed only after it was steady for hold_ns: nothing that would
 * have made it suspect.  Each fall from ALIVE doubles hold_ns, up to a limit,
 * and each DETECT_DECAY_NS of being ALIVE halves it again.  A link that blinks
 * with a period T is therefore believed only until hold_ns exceeds T, which is
 * about log2(T / hold_min) times, and then not until it is steady.
 *
 * What is not ALIVE is still spoken to: the verdict is for placement, status
 * and takeover, not for the session, which lives as long as bytes come.
 */
#ifndef QBD_SESSION_DETECT_H
#define QBD_SESSION_DETECT_H

#include <stdint.h>

#define DETECT_DECAY_NS 60000000000ULL

/**
 * enum detect_state - is it there?
 * @DETECT_DEAD: no; so is a peer that was never heard
 * @DETECT_SUSPECT: it was, and might be
 * @DETECT_ALIVE: yes
 */
enum detect_state {
	DETECT_DEAD,
	DETECT_SUSPECT,
	DETECT_ALIVE,
};

/**
 * struct detect_conf - times
 * @beat_ns: how often the peer says something when it has nothing to say
 * @dead_ns: silent for so long = dead
 * @hold_min_ns: how long a peer is steady before it is believed, at first
 * @hold_max_ns: at most
 */
struct detect_conf {
	uint64_t beat_ns;
	uint64_t dead_ns;
	uint64_t hold_min_ns;
	uint64_t hold_max_ns;
};

/**
 * struct detect - what is known of a peer
 * @conf: the times
 * @state: at the last look
 * @heard_ns: when it was heard last; 0 = never
 * @mean_ns: between two times that it was heard
 * @dev_ns: how much that varies
 * @steady_ns: since when there was no gap
 * @hold_ns: how long that must be
 * @decay_ns: when @hold_ns was changed last
 * @falls: how often it ceased to be ALIVE
 */
struct detect {
	struct detect_conf conf;
	enum detect_state state;
	uint64_t heard_ns;
	uint64_t mean_ns;
	uint64_t dev_ns;
	uint64_t steady_ns;
	uint64_t hold_ns;
	uint64_t decay_ns;
	uint64_t falls;
};

void detect_init(struct detect *detect, const struct detect_conf *conf);
enum detect_state detect_heard(struct detect *detect, uint64_t now_ns);
enum detect_state detect_lost(struct detect *detect, uint64_t now_ns);
enum detect_state detect_look(struct detect *detect, uint64_t now_ns);
uint64_t detect_next(const struct detect *detect);
const char *detect_name(enum detect_state state);

#endif /* QBD_SESSION_DETECT_H */
