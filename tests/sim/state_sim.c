// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulation of the replicated state: seeded schedules, and what they covered.
 *
 * usage: statesim [--schedules N] [--seed S] [--trace] [--mutant NAME] | --cell
 *
 * Schedule i of a run has seed S + i; state_sim.h tells what one is. One
 * schedule alone prints what happens in it. The output is KTAP: were the rules
 * kept, is the same seed the same run; from 300 schedules on also: was each
 * command done, was each reason given. --cell measures a full cell instead. The
 * last line is "N passed, N failed".
 *
 * Exit code: 0 all is well; 1 it is not; 2 usage.
 */
#include "sim_main.h"
#include "sim_verdict.h"
#include "state_sim.h"

#define SIM_TWICE 20 /* schedules that are run again */
#define SIM_COVER 300 /* that have to cover everything */

static struct ss_world *sim_world;

static void sim_bug(const char *file, int line, const char *cond)
{
	ss_broken(sim_world, "R2", "invariant: %s:%d: %s", file, line, cond);
}

/* Reasons that no schedule can come to. */
static bool sim_rare(u32 why)
{
	return why == STATE_WHY_IDS_FULL || why == STATE_WHY_UNKNOWN ||
	       why == STATE_WHY_VOLUMES_FULL || why == STATE_WHY_TOMBS_FULL ||
	       why == STATE_WHY_CHANGES_FULL || why == STATE_WHY_STORE_FULL;
}

static u32 sim_missed(const struct ss_world *w)
{
	struct state_result res = { 0 };
	u32 i, missed = 0;

	for (i = 1; i < STATE_CMD_NR; i++) {
		printf("# %-18s %8llu\n", state_command_name(i), w->done[i]);
		missed += !w->done[i];
	}
	for (i = 1; i < STATE_WHYS_NR; i++) {
		res.why = i;
		printf("# no: %-18s %8llu\n", state_result_key(&res),
		       w->refused[i]);
		missed += !w->refused[i] && !sim_rare(i);
	}
	printf("# restored %llu times\n", w->restores);
	return missed;
}

static int sim_run(const struct sim_options *opt)
{
	bool whole = opt->schedules >= SIM_COVER && !opt->mutant;
	struct ss_world *w = sim_world;
	struct sim_verdicts sum = { 0 };
	bool differs = false;
	u64 i, hash;

	printf("KTAP version 1\n1..%u\n", whole ? 3 : 2);
	for (i = 0; i < opt->schedules && !w->rule; i++) {
		ss_world_run(w, opt->seed + i, opt->trace);
		if (w->rule || i >= SIM_TWICE || opt->trace)
			continue;
		hash = w->hash;
		ss_world_run(w, opt->seed + i, false);
		differs |= w->hash != hash;
	}
	printf("# %llu schedules\n", i);
	if (w->rule)
		sim_fail(opt, opt->seed + i - 1, i, w->rule, w->why);
	sim_verdict(&sum, !w->rule, "the rules were kept");
	sim_verdict(&sum, !differs, "the same seed is the same run");
	if (whole)
		sim_verdict(&sum, !sim_missed(w),
			    "each command was done, each reason given");
	printf("%u passed, %u failed\n", sum.passed, sum.failed);
	return sum.failed ? 1 : 0;
}

static int sim_cell(void)
{
	struct sim_verdicts sum = { 0 };

	printf("KTAP version 1\n1..1\n");
	sim_verdict(&sum, !ss_cell(), "a full cell takes what it may");
	printf("%u passed, %u failed\n", sum.passed, sum.failed);
	return sum.failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct sim_options opt = { .more = " | --cell" };

	if (argc == 2 && !strcmp(argv[1], "--cell"))
		return sim_cell();
	sim_begin(&opt, argc, argv, sim_bug);
	opt.trace |= opt.schedules == 1;
	sim_world = ss_world_new();
	return sim_run(&opt);
}
