/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a simulator says at its end: a verdict a line, and how many there were.
 */
#ifndef QBD_SIM_VERDICT_H
#define QBD_SIM_VERDICT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * struct sim_outcome - all schedules together
 * @seed: of the first
 * @done: how many there were
 * @whole: so many were asked for that each fault has to meet each phase
 * @failed: a rule was broken
 * @differs: a seed was not the same run twice
 * @missed: pairs of a fault and a phase that did not meet
 * @speed: schedules in a minute of one core
 * @speed_min: so many there have to be; 0 = this build is not timed
 */
struct sim_outcome {
	unsigned long long seed;
	unsigned long long done;
	bool whole;
	bool failed;
	bool differs;
	unsigned int missed;
	double speed;
	unsigned int speed_min;
};

/**
 * struct sim_verdicts - how many of each kind were printed
 * @passed: good ones
 * @failed: bad ones
 * @skipped: those that a broken rule kept from being looked at
 */
struct sim_verdicts {
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

static inline void sim_verdict(struct sim_verdicts *sum, bool good,
			       const char *what)
{
	if (good)
		sum->passed++;
	else
		sum->failed++;
	printf("%s %u - %s\n", good ? "ok" : "not ok",
	       sum->passed + sum->failed, what);
}

/**
 * sim_plan() - how many verdicts there will be
 * @out: with @whole and @speed_min
 *
 * Return: the number.
 */
static inline unsigned int sim_plan(const struct sim_outcome *out)
{
	return out->whole ? 3 + !!out->speed_min : 2;
}

/* What only many schedules show; a broken rule may have ended them. */
static inline void sim_whole(const struct sim_outcome *out,
			     struct sim_verdicts *verdicts)
{
	unsigned int no;
	char what[80];

	if (out->failed) {
		for (no = 3; no <= sim_plan(out); no++)
			printf("ok %u # SKIP a rule was broken\n", no);
		verdicts->skipped = sim_plan(out) - 2;
		return;
	}
	snprintf(what, sizeof(what), "each fault meets each phase: %u missed",
		 out->missed);
	sim_verdict(verdicts, !out->missed, what);
	if (!out->speed_min)
		return;
	snprintf(what, sizeof(what),
		 "%.0f schedules in a minute of one core, at least %u",
		 out->speed, out->speed_min);
	sim_verdict(verdicts, out->speed >= out->speed_min, what);
}

/**
 * sim_verdicts_print() - all of them
 * @out: what came of all
 *
 * Return: exit code of the program.
 */
static inline int sim_verdicts_print(const struct sim_outcome *out)
{
	struct sim_verdicts verdicts = { 0 };
	char what[80];

	snprintf(what, sizeof(what),
		 "%llu schedules from seed %llu keep the rules", out->done,
		 out->seed);
	sim_verdict(&verdicts, !out->failed, what);
	sim_verdict(&verdicts, !out->differs, "the same seed is the same run");
	if (out->whole)
		sim_whole(out, &verdicts);
	printf("%u passed, %u failed", verdicts.passed, verdicts.failed);
	if (verdicts.skipped)
		printf(", %u skipped", verdicts.skipped);
	printf("\n");
	return verdicts.failed ? 1 : 0;
}

#endif /* QBD_SIM_VERDICT_H */
