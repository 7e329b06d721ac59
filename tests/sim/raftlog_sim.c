// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulation of the log store: seeded schedules, and what they covered.
 *
 * usage: raftlogsim [--schedules N] [--seed S] [--trace] [--mutant NAME]
 *
 * Schedule i of a run has seed S + i; raftlog_sim.h tells what one is. One
 * schedule alone prints what happens in it. The output is KTAP: were the rules
 * kept, is the same seed the same run, from 1000 schedules on also whether each
 * thing that can happen did. The last line is "N passed, N failed".
 *
 * Exit code: 0 all is well; 1 it is not; 2 usage.
 */
#include <stdlib.h>

#include "raftlog_sim.h"
#include "sim_main.h"
#include "sim_verdict.h"

#define SIM_TWICE 20 /* schedules that are run again */
#define SIM_COVER 1000 /* that have to cover everything */

static struct lw_world sim_world;

/* A broken invariant is a broken rule, with a seed. */
static void sim_bug(const char *file, int line, const char *cond)
{
	lw_broken(&sim_world, "L0", "invariant: %s:%d: %s", file, line, cond);
}

static void sim_add(struct lw_counts *sum, const struct lw_counts *one)
{
	const u64 *from = (const u64 *)one;
	u64 *to = (u64 *)sum;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(u64); i++)
		to[i] += from[i];
}

/* Return: things that never happened. */
static u32 sim_cover(const struct lw_counts *c)
{
	static const char *const name[] = {
		"batches",
		"entries",
		"truncates",
		"installs",
		"pieces",
		"takes",
		"drops",
		"crashes",
		"kills",
		"failures",
		"full",
		"flips",
		"damaged",
		"opens",
		"torn ends",
		"older snapshots used",
		"pieces gone on with",
		"operations",
	};
	const u64 *count = (const u64 *)c;
	u32 i, missed = 0;

	static_assert(ARRAY_SIZE(name) * sizeof(u64) == sizeof(*c));
	for (i = 0; i < ARRAY_SIZE(name); i++) {
		printf("# %12llu %s\n", count[i], name[i]);
		missed += !count[i];
	}
	return missed;
}

static int sim_run(const struct sim_options *opt)
{
	struct sim_outcome out = { .seed = opt->seed,
				   .whole = opt->schedules >= SIM_COVER };
	struct lw_counts sum = { 0 };
	u64 i, hash;

	printf("KTAP version 1\n1..%u\n", sim_plan(&out));
	for (i = 0; i < opt->schedules && !out.failed; i++) {
		lw_run(&sim_world, opt->seed + i, opt->trace);
		sim_add(&sum, &sim_world.counts);
		out.done++;
		if (sim_world.rule) {
			out.failed = true;
			sim_fail(opt, opt->seed + i, i + 1, sim_world.rule,
				 sim_world.why);
			break;
		}
		hash = sim_world.hash;
		if (i < SIM_TWICE && !opt->trace) {
			lw_run(&sim_world, opt->seed + i, false);
			out.differs |= sim_world.hash != hash;
		}
	}
	out.missed = sim_cover(&sum);
	return sim_verdicts_print(&out);
}

int main(int argc, char **argv)
{
	struct sim_options opt = { 0 };

	sim_begin(&opt, argc, argv, sim_bug);
	opt.trace |= opt.schedules == 1;
	return sim_run(&opt);
}
