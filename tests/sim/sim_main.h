/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a simulator begins, and how it says which seed failed: options, planted
 * bug, times. For the one file of each that has main().
 */
#ifndef QBD_SIM_MAIN_H
#define QBD_SIM_MAIN_H

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/resource.h>

#ifdef QBD_MUTANTS
const char *qbd_mutant;
#endif

/**
 * struct sim_options - the command line
 * @schedules: how many
 * @seed: of the first
 * @jobs: processes
 * @jobs_max: at most; 0: there is no such option
 * @trace: say what happens
 * @mutant: bug that is planted, or NULL
 * @program: as it was called
 * @more: of the usage, behind what all have
 */
struct sim_options {
	u64 schedules;
	u64 seed;
	u32 jobs;
	u32 jobs_max;
	bool trace;
	const char *mutant;
	const char *program;
	const char *more;
};

static inline void sim_usage(const struct sim_options *opt)
{
	fprintf(stderr,
		"usage: %s [--schedules N] [--seed S]%s [--trace] [--mutant NAME]%s\n",
		opt->program, opt->jobs_max ? " [--jobs J]" : "",
		opt->more ?: "");
	exit(2);
}

static inline void sim_option(struct sim_options *opt, int got)
{
	if (got == 'n')
		opt->schedules = strtoull(optarg, NULL, 0);
	else if (got == 's')
		opt->seed = strtoull(optarg, NULL, 0);
	else if (got == 'j' && opt->jobs_max)
		opt->jobs = (u32)strtoul(optarg, NULL, 0);
	else if (got == 't')
		opt->trace = true;
	else if (got == 'm')
		opt->mutant = optarg;
	else
		sim_usage(opt);
}

/**
 * sim_begin() - take the command line
 * @opt: with @jobs_max and @more; the rest is filled
 * @argc: number of words
 * @argv: words
 * @bug: told of invariants that do not hold
 */
static inline void sim_begin(struct sim_options *opt, int argc, char **argv,
			     void (*bug)(const char *file, int line,
					 const char *cond))
{
	static const struct option options[] = {
		{ "schedules", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "trace", no_argument, NULL, 't' },
		{ "mutant", required_argument, NULL, 'm' },
		{ 0 },
	};
	int got;

	opt->schedules = 1000;
	opt->seed = 1;
	opt->jobs = 1;
	opt->program = argv[0];
	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1)
		sim_option(opt, got);
	if (optind != argc || !opt->schedules || !opt->jobs ||
	    opt->jobs > max(opt->jobs_max, 1U))
		sim_usage(opt);
	qbd_core_bug_hook = bug;
#ifdef QBD_MUTANTS
	qbd_mutant = opt->mutant;
#else
	if (opt->mutant)
		sim_usage(opt);
#endif
}

/**
 * sim_fail() - a schedule broke a rule: which, and how to see it again
 * @opt: the command line
 * @seed: of the schedule
 * @after: so many schedules
 * @rule: name of the rule, and what happened; two texts
 * @why: the second, or NULL
 */
static inline void sim_fail(const struct sim_options *opt, u64 seed, u64 after,
			    const char *rule, const char *why)
{
	printf("FAIL seed=%llu after=%llu rule=\"%s%s%s\"\n", seed, after, rule,
	       why ? ": " : "", why ?: "");
	printf("replay: %s --schedules 1 --seed %llu --trace%s%s\n",
	       opt->program, seed, opt->mutant ? " --mutant " : "",
	       opt->mutant ?: "");
}

/* Return: seconds of CPU that this process and those it waited for took. */
static inline double sim_cpu(void)
{
	static const int who[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage use;
	double sum = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(who); i++) {
		getrusage(who[i], &use);
		sum += (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) /
			       1e6;
	}
	return sum;
}

static inline double sim_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif /* QBD_SIM_MAIN_H */
