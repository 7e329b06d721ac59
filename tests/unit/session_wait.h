/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How tests of sessions wait: for a condition, with a deadline, while the loop
 * turns.
 */
#ifndef QBD_TESTS_SESSION_WAIT_H
#define QBD_TESTS_SESSION_WAIT_H

#include "session_world.h"

#define WORLD_WAIT_MS 20000 /* no wait takes so long but a failed one */

/* Turn until something is so; false if that takes too long. */
#define WORLD_WAIT(world, cond)                                             \
	({                                                                  \
		uint64_t wait_until =                                       \
			loop_now((world)->loop) + WORLD_WAIT_MS * WORLD_MS; \
		while (!(cond) && loop_now((world)->loop) < wait_until)     \
			loop_turn((world)->loop,                            \
				  loop_now((world)->loop) + 5 * WORLD_MS);  \
		if (!(cond)) {                                              \
			TH_LOG("waited in vain: %s", #cond);                \
			th_fail(true);                                      \
		}                                                           \
	})

/* So much time passes. */
static inline void world_pass(struct world *world, uint64_t ms)
{
	uint64_t until = loop_now(world->loop) + ms * WORLD_MS;

	while (loop_now(world->loop) < until)
		loop_turn(world->loop, until);
}

static inline void world_meet_up(struct world *world, uint32_t a, uint32_t b)
{
	world_meet(world, a, b);
	WORLD_WAIT(world, world_is_up(world, a, b) && world_is_up(world, b, a));
}

static inline uint64_t world_refused(struct world *world, uint32_t id,
				     enum session_why why)
{
	struct session_counts counts;

	session_counts(world->node[id].net, &counts);
	return counts.refused[why];
}

static inline uint64_t world_failed(struct world *world, uint32_t id,
				    enum session_why why)
{
	struct session_counts counts;

	session_counts(world->node[id].net, &counts);
	return counts.failed[why];
}

static inline unsigned int world_half_open(struct world *world, uint32_t id)
{
	struct session_counts counts;

	session_counts(world->node[id].net, &counts);
	return counts.half_open;
}

#endif /* QBD_TESTS_SESSION_WAIT_H */
