/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms of times, as both halves of an observer see them.
 */
#ifndef QBD_OBS_HIST_H
#define QBD_OBS_HIST_H

#define HIST_SLOTS 40

/**
 * struct hist - times of one stage
 * @count: how many
 * @sum_ns: their sum
 * @max_ns: the longest
 * @slot: how many of 2^i to 2^(i+1)-1 ns
 */
struct hist {
	unsigned long long count;
	unsigned long long sum_ns;
	unsigned long long max_ns;
	unsigned long long slot[HIST_SLOTS];
};

#endif /* QBD_OBS_HIST_H */
