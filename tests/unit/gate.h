/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of what is done beside a loop: a place where it waits as long as
 * the test wants it to.
 */
#ifndef QBD_TESTS_GATE_H
#define QBD_TESTS_GATE_H

#include <pthread.h>
#include <stdbool.h>

/* Whoever passes it beside the loop waits there while it is shut. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool shut;
	bool waits;
};

static inline void gate_init(struct gate *gate)
{
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->opened, NULL);
}

static inline void gate_pass(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->shut) {
		gate->waits = true;
		pthread_cond_wait(&gate->opened, &gate->lock);
	}
	gate->waits = false;
	pthread_mutex_unlock(&gate->lock);
}

static inline void gate_shut(struct gate *gate, bool shut)
{
	pthread_mutex_lock(&gate->lock);
	gate->shut = shut;
	pthread_cond_signal(&gate->opened);
	pthread_mutex_unlock(&gate->lock);
}

static inline bool gate_waits(struct gate *gate)
{
	bool waits;

	pthread_mutex_lock(&gate->lock);
	waits = gate->waits;
	pthread_mutex_unlock(&gate->lock);
	return waits;
}

#endif /* QBD_TESTS_GATE_H */
