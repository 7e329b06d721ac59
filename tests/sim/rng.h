/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulators' random numbers: splitmix64, so that any seed is a good one
 * and a run is the same on every machine.
 */
#ifndef QBD_SIM_RNG_H
#define QBD_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct qbd_rng {
	uint64_t state;
};

static inline uint64_t qbd_rng_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline uint64_t qbd_rng_next(struct qbd_rng *rng)
{
	return qbd_rng_mix(rng->state += 0x9e3779b97f4a7c15ULL);
}

/* From 0 up to, not including, @n; 0 if @n is. */
static inline uint64_t qbd_rng_below(struct qbd_rng *rng, uint64_t n)
{
	return n ? qbd_rng_next(rng) % n : 0;
}

static inline uint64_t qbd_rng_range(struct qbd_rng *rng, uint64_t first,
				     uint64_t last)
{
	return first + qbd_rng_below(rng, last - first + 1);
}

/* True @part times in a million. */
static inline bool qbd_rng_ppm(struct qbd_rng *rng, uint32_t part)
{
	return part && qbd_rng_below(rng, 1000000) < part;
}

static inline bool qbd_rng_percent(struct qbd_rng *rng, uint32_t part)
{
	return qbd_rng_below(rng, 100) < part;
}

#endif /* QBD_SIM_RNG_H */
