/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the observers have in common, user's half: histograms are summed over
 * CPUs and printed, numbers of the command line are checked, signals end it.
 */
#ifndef QBD_OBSERVER_H
#define QBD_OBSERVER_H

#include <argp.h>
#include <stdbool.h>

#include "hist.h"

/**
 * struct observer - what the command line says to all of them
 * @interval_s: seconds between two tables
 * @count: tables to print; 0 = until interrupted
 * @json: JSON, one document a line
 */
struct observer {
	unsigned int interval_s;
	unsigned int count;
	bool json;
};

extern struct observer observer;
extern const struct argp_child observer_options[];

unsigned int observer_number(struct argp_state *state, const char *arg,
			     unsigned int min);
void observer_prepare(void);
int observer_watch(int (*print)(void *arg), void *arg);
int hist_read(int map, unsigned int stage, struct hist *sum);
unsigned long long hist_percentile(const struct hist *hist,
				   unsigned int percent);
void hist_head(const char *first);
void hist_row(const char *name, const struct hist *hist);
void hist_json(const char *name, const struct hist *hist, bool first);

#endif /* QBD_OBSERVER_H */
