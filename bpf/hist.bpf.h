/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms, kernel half: an observer has a map "hists" of them, one for each
 * stage and CPU.
 */
#ifndef QBD_OBS_HIST_BPF_H
#define QBD_OBS_HIST_BPF_H

#include "hist.h"

static __always_inline u32 log2_slot(u64 value)
{
	u32 slot = 0;
	int shift;

#pragma unroll
	for (shift = 32; shift; shift >>= 1) {
		if (value >> shift) {
			value >>= shift;
			slot += shift;
		}
	}
	return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

static __always_inline void hist_take(void *hists, u32 stage, u64 ns)
{
	struct hist *hist = bpf_map_lookup_elem(hists, &stage);
	u32 slot = log2_slot(ns);

	if (!hist || slot >= HIST_SLOTS)
		return;
	hist->count++;
	hist->sum_ns += ns;
	if (ns > hist->max_ns)
		hist->max_ns = ns;
	hist->slot[slot]++;
}

#endif /* QBD_OBS_HIST_BPF_H */
