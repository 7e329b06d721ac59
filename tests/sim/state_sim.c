// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulation of the replicated state: seeded schedules, and what they covered.
 *
 * usage: statesim [--schedules N] [--seed S] [--mutant NAME] [--cell]
 *
 * Schedule i of a run has seed S + i; state_sim.h tells what one is. One
 * schedule alone prints what happens in it. The output is KTAP: were the rules
 * kept, is the same seed the same run; from 300 schedules on also: was each
 * command done, was each reason given. --cell measures a full cell instead. The
 * last line is "N passed, N failed".
 *
 * Exit code: 0 all is well; 1 it is not; 2 usage.
 */
#include <getopt.h>

#include "state_sim.h"

#define SIM_TWICE 20 /* schedules that are run again */
#define SIM_COVER 300 /* that have to cover everything */

#ifdef QBD_MUTANTS
const char *qbd_mutant;
#endif

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

static u32 sim_verdict(u32 nr, bool good, const char *what)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", nr, what);
	return good;
}

static int sim_run(u64 schedules, u64 seed, const char *mutant,
		   const char *program)
{
	bool whole = schedules >= SIM_COVER && !mutant, differs = false;
	u32 passed, total = whole ? 3 : 2;
	struct ss_world *w = sim_world;
	u64 i, hash;

	printf("KTAP version 1\n1..%u\n", total);
	for (i = 0; i < schedules && !w->rule; i++) {
		ss_world_run(w, seed + i, schedules == 1);
		if (w->rule || i >= SIM_TWICE || schedules == 1)
			continue;
		hash = w->hash;
		ss_world_run(w, seed + i, false);
		differs |= w->hash != hash;
	}
	printf("# %llu schedules\n", i);
	if (w->rule) {
		printf("FAIL seed=%llu after=%llu rule=\"%s: %s\"\n",
		       seed + i - 1, i, w->rule, w->why);
		printf("replay: %s --schedules 1 --seed %llu%s%s\n", program,
		       seed + i - 1, mutant ? " --mutant " : "", mutant ?: "");
	}
	passed = sim_verdict(1, !w->rule, "the rules were kept");
	passed += sim_verdict(2, !differs, "the same seed is the same run");
	if (whole)
		passed += sim_verdict(3, !sim_missed(w),
				      "each command was done, each reason "
				      "given");
	printf("%u passed, %u failed\n", passed, total - passed);
	return passed != total;
}

static int sim_usage(void)
{
	fprintf(stderr, "usage: statesim [--schedules N] [--seed S] "
			"[--mutant NAME] [--cell]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "schedules", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "mutant", required_argument, NULL, 'm' },
		{ "cell", no_argument, NULL, 'c' },
		{ 0 },
	};
	u64 schedules = 1000, seed = 1;
	const char *mutant = NULL;
	bool cell = false;
	int got;

	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (got == 'n')
			schedules = strtoull(optarg, NULL, 0);
		else if (got == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (got == 'm')
			mutant = optarg;
		else if (got == 'c')
			cell = true;
		else
			return sim_usage();
	}
	if (optind != argc || !schedules)
		return sim_usage();
	if (cell) {
		printf("KTAP version 1\n1..1\n");
		got = ss_cell();
		got = !sim_verdict(1, !got, "a full cell takes what it may");
		printf("%d passed, %d failed\n", !got, got);
		return got;
	}
#ifdef QBD_MUTANTS
	qbd_mutant = mutant;
#else
	if (mutant)
		return sim_usage();
#endif
	sim_world = ss_world_new();
	qbd_core_bug_hook = sim_bug;
	return sim_run(schedules, seed, mutant, argv[0]);
}
