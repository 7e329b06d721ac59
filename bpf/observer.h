/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the observers have in common, user's half: histograms are summed over
 * CPUs and printed, numbers of the command line are checked, signals end it.
 */
#ifndef QBD_OBSERVER_H
#define QBD_OBSERVER_H

#include <argp.h>
#include <signal.h>
#include <stdbool.h>

#include "hist.h"

extern volatile sig_atomic_t observer_stopped;

unsigned int observer_number(struct argp_state *state, const char *arg,
			     unsigned int min);
void observer_prepare(void);
int hist_read(int map, unsigned int stage, struct hist *sum);
unsigned long long hist_percentile(const struct hist *hist,
				   unsigned int percent);
void hist_head(const char *first);
void hist_row(const char *name, const struct hist *hist);
void hist_json(const char *name, const struct hist *hist, bool first);

#endif /* QBD_OBSERVER_H */
