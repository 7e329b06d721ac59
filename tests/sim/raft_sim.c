// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulation of groups of Raft servers: seeded schedules, and what they
 * covered.
 *
 * usage: raftsim [--schedules N] [--seed S] [--jobs J] [--trace]
 *                [--mutant NAME]
 *
 * Schedule i of a run has seed S + i; raft_sim.h tells what one is. One
 * schedule alone prints what happens in it. The output is KTAP: were the rules
 * kept, is the same seed the same run. From 3000 schedules on also: was each
 * fault met in each phase, and, unless sanitizers slow it down, was it fast
 * enough. The last line is "N passed, N failed".
 *
 * Exit code: 0 all is well; 1 it is not; 2 usage.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raft_sim.h"
#include "sim_main.h"
#include "sim_verdict.h"

#define SIM_JOBS 64
#define SIM_TWICE 20 /* schedules that are run again */
#define SIM_COVER 3000 /* that have to cover everything */
#define SIM_SPEED 8000 /* in a minute of one core */

#ifdef __SANITIZE_ADDRESS__
#define SIM_TIMED false
#else
#define SIM_TIMED true
#endif

/* What a process did; shared with the one that started it. */
struct sim_job {
	u64 done;
	u64 failed_seed;
	u64 failed_after; /* schedules until then, 0 = none failed */
	char rule[4];
	char why[160];
	struct rs_counts counts;
	u64 hit[RS_FAULTS][RS_PHASES];
	bool differs;
};

/* @stop: schedules after which the first failure was found, U64_MAX = none */
struct sim_shared {
	u64 stop;
	struct sim_job job[SIM_JOBS];
};

static struct rs_world *sim_world;

/* A broken invariant is a broken rule, with a seed; it has an errno too. */
static void sim_bug(const char *file, int line, const char *cond)
{
	if (!sim_world)
		return;
#ifdef QBD_MUTANTS
	/* A rule of the oracle has to find it too. */
	rs_trace(sim_world, "invariant: %s:%d: %s\n", file, line, cond);
#else
	rs_broken(sim_world, "R0", "invariant: %s:%d: %s", file, line, cond);
#endif
}

static void sim_add(struct rs_counts *sum, const struct rs_counts *one)
{
	const u64 *from = (const u64 *)one;
	u64 *to = (u64 *)sum;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(u64); i++)
		to[i] += from[i];
}

/* The same seed has to be the same run, or no failure could be replayed. */
static void sim_twice(struct rs_world *w, struct sim_job *job, u64 seed)
{
	u64 hit[RS_FAULTS][RS_PHASES];
	u64 hash = w->hash;

	memcpy(hit, w->hit, sizeof(hit));
	rs_world_run(w, seed, false);
	memcpy(w->hit, hit, sizeof(hit));
	job->differs |= w->hash != hash;
}

static void sim_job_run(struct rs_world *w, const struct sim_options *opt,
			struct sim_shared *shared, u32 no)
{
	struct sim_job *job = &shared->job[no];
	u64 i;

	for (i = no; i < opt->schedules && i < READ_ONCE(shared->stop);
	     i += opt->jobs) {
		rs_world_run(w, opt->seed + i, opt->trace);
		job->done++;
		sim_add(&job->counts, &w->counts);
		if (w->rule) {
			job->failed_seed = opt->seed + i;
			job->failed_after = i + 1;
			if (i < shared->stop)
				WRITE_ONCE(shared->stop, i);
			snprintf(job->rule, sizeof(job->rule), "%s", w->rule);
			memcpy(job->why, w->why, sizeof(job->why));
			break;
		}
		if (i < SIM_TWICE && !opt->trace)
			sim_twice(w, job, opt->seed + i);
	}
	memcpy(job->hit, w->hit, sizeof(job->hit));
}

/* --- report ------------------------------------------------------ */

/* Return: pairs of fault and phase that never met. */
static u32 sim_cover(const struct sim_job *sum)
{
	u32 fault, phase, missed = 0;

	printf("# %-12s", "");
	for (phase = 0; phase < RS_PHASES; phase++)
		printf(" %8s", rs_phase_name(phase));
	printf("\n");
	for (fault = 0; fault < RS_FAULTS; fault++) {
		printf("# %-12s", rs_fault_name(fault));
		for (phase = 0; phase < RS_PHASES; phase++) {
			printf(" %8llu", sum->hit[fault][phase]);
			missed += !sum->hit[fault][phase];
		}
		printf("\n");
	}
	return missed;
}

static void sim_totals(const struct sim_job *sum, double seconds, double speed)
{
	const struct rs_counts *c = &sum->counts;
	u64 n = sum->done ?: 1;

	printf("# %llu schedules in %.1f s, %.0f in a minute of one core\n",
	       sum->done, seconds, speed);
	printf("# per schedule: %llu steps, %llu messages, %llu entries "
	       "committed, %llu reads, %llu faults, %llu ms\n",
	       c->steps / n, c->msgs / n, c->commits / n, c->reads / n,
	       c->faults / n, c->virtual_ns / n / RS_MS);
	printf("# in all: %llu terms led, %llu changes of the configuration, "
	       "%llu transfers, %llu snapshots installed, %llu logs lost\n",
	       c->elections, c->changes, c->transfers, c->installs, c->lost);
}

/* What was asked for says how many verdicts there are. */
static struct sim_outcome sim_asked(const struct sim_options *opt)
{
	return (struct sim_outcome){
		.seed = opt->seed,
		.whole = opt->schedules >= SIM_COVER,
		.speed_min = SIM_TIMED ? SIM_SPEED : 0,
	};
}

/*
 * @seconds: that passed
 * @cpu: seconds that cores worked, whatever else ran on them
 */
static int sim_report(const struct sim_options *opt, const struct sim_job *sum,
		      double seconds, double cpu)
{
	struct sim_outcome out = sim_asked(opt);

	out.done = sum->done;
	out.failed = sum->failed_after;
	out.differs = sum->differs;
	out.speed = (double)sum->done * 60 / (cpu > 0 ? cpu : 1);
	sim_totals(sum, seconds, out.speed);
	out.missed = sim_cover(sum);
	if (out.failed)
		sim_fail(opt, sum->failed_seed, sum->failed_after, sum->rule,
			 sum->why);
	return sim_verdicts_print(&out);
}

/* --- many processes ---------------------------------------------- */

static void sim_sum(struct sim_job *sum, const struct sim_job *job)
{
	u32 i;

	if (job->failed_after &&
	    (!sum->failed_after || job->failed_after < sum->failed_after)) {
		sum->failed_after = job->failed_after;
		sum->failed_seed = job->failed_seed;
		memcpy(sum->rule, job->rule, sizeof(sum->rule));
		memcpy(sum->why, job->why, sizeof(sum->why));
	}
	sum->done += job->done;
	sim_add(&sum->counts, &job->counts);
	for (i = 0; i < RS_FAULTS * RS_PHASES; i++)
		(&sum->hit[0][0])[i] += (&job->hit[0][0])[i];
	sum->differs |= job->differs;
}

/* Return: false if a process died without a word. */
static bool sim_run(const struct sim_options *opt, struct sim_job *sum)
{
	struct sim_shared *shared = mmap(NULL, sizeof(*shared),
					 PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool fine = true;
	int status;
	u32 i;

	if (shared == MAP_FAILED)
		return false;
	shared->stop = U64_MAX;
	sim_world = rs_world_new();
	for (i = 1; i < opt->jobs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return false;
		if (!pid) {
			sim_job_run(sim_world, opt, shared, i);
			_exit(0);
		}
	}
	sim_job_run(sim_world, opt, shared, 0);
	while (wait(&status) > 0)
		fine &= !status;
	*sum = (struct sim_job){ 0 };
	for (i = 0; i < opt->jobs; i++)
		sim_sum(sum, &shared->job[i]);
	return fine;
}

int main(int argc, char **argv)
{
	struct sim_options opt = { .jobs_max = SIM_JOBS };
	struct sim_outcome asked;
	struct sim_job sum;
	double began;

	sim_begin(&opt, argc, argv, sim_bug);
	opt.trace |= opt.schedules == 1;
	asked = sim_asked(&opt);
	printf("KTAP version 1\n1..%u\n", sim_plan(&asked));
	fflush(stdout);
	began = sim_now();
	if (!sim_run(&opt, &sum)) {
		printf("not ok 1 - a process died\n0 passed, 1 failed\n");
		return 1;
	}
	return sim_report(&opt, &sum, sim_now() - began, sim_cpu());
}
