// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulation of the agents: seeded schedules, and what they covered.
 *
 * usage: agentsim [--schedules N] [--seed S] [--trace] [--mutant NAME]
 *
 * Schedule i of a run has seed S + i; agent_sim.h tells what one is. One
 * schedule alone prints what happens in it. The output is KTAP: were the rules
 * kept, is the same seed the same run; from 100 schedules on also: was each
 * request done, each report heard. The last line is "N passed, N failed".
 *
 * Exit code: 0 all is well; 1 it is not; 2 usage.
 */
#include "sim_main.h"
#include "sim_verdict.h"
#include "agent_sim.h"

#define SIM_TWICE 5 /* schedules that are run again */
#define SIM_COVER 100 /* that have to cover everything */

static struct as_world *sim_world;

static void sim_bug(const char *file, int line, const char *cond)
{
	as_broken(sim_world, "R8", "invariant: %s:%d: %s", file, line, cond);
}

/* Requests that a planner makes, and reports that this world brings about. */
static u32 sim_missed(const struct as_world *w)
{
	static const u8 cmds[] = {
		QBD_CMD_NODE_START,	QBD_CMD_STORE_ADD,
		QBD_CMD_REPLICA_CREATE, QBD_CMD_REPLICA_DELETE,
		QBD_CMD_REPLICA_FLOOR,	QBD_CMD_VOLUME_ATTACH,
		QBD_CMD_VOLUME_DETACH,	QBD_CMD_VOLUME_SET,
		QBD_CMD_VOLUME_GROW,	QBD_CMD_SHARD_CONFIG,
		QBD_CMD_PEER_ADD,	QBD_CMD_PEER_REMOVE,
	};
	static const u8 says[] = {
		AGENT_SAY_STORE,  AGENT_SAY_MADE,     AGENT_SAY_GONE,
		AGENT_SAY_TERM,	  AGENT_SAY_ATTACHED, AGENT_SAY_RELEASED,
		AGENT_SAY_GROWN,  AGENT_SAY_FILLED,   AGENT_SAY_SET,
		AGENT_SAY_FAILED, AGENT_SAY_UNKNOWN,
	};
	static const u8 repairs[] = {
		STATE_CMD_SHARD_PROPOSE, STATE_CMD_SHARD_JOINT,
		STATE_CMD_SHARD_ADOPT,	 STATE_CMD_SHARD_ABORT,
		STATE_CMD_ATTACH,	 STATE_CMD_DETACH,
	};
	u32 i, missed = 0;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		printf("# request %-2u %8llu\n", cmds[i], w->done[cmds[i]]);
		missed += !w->done[cmds[i]];
	}
	for (i = 0; i < ARRAY_SIZE(says); i++) {
		printf("# report %-2u  %8llu\n", says[i], w->said[says[i]]);
		missed += !w->said[says[i]];
	}
	for (i = 0; i < ARRAY_SIZE(repairs); i++) {
		printf("# repair %-2u  %8llu\n", repairs[i],
		       w->mend.done[repairs[i]]);
		missed += !w->mend.done[repairs[i]];
	}
	return missed;
}

int main(int argc, char **argv)
{
	struct sim_options opt = { .more = "" };
	struct sim_verdicts sum = { 0 };
	struct as_world *w;
	bool differs = false, whole;
	u64 i, hash;

	sim_begin(&opt, argc, argv, sim_bug);
	opt.trace |= opt.schedules == 1;
	whole = opt.schedules >= SIM_COVER && !opt.mutant;
	sim_world = as_world_new();
	w = sim_world;
	printf("KTAP version 1\n1..%u\n", whole ? 3 : 2);
	for (i = 0; i < opt.schedules && !w->rule; i++) {
		as_world_run(w, opt.seed + i, opt.trace);
		if (w->rule || i >= SIM_TWICE || opt.trace)
			continue;
		hash = w->hash;
		as_world_run(w, opt.seed + i, false);
		differs |= w->hash != hash;
	}
	printf("# %llu schedules\n", i);
	if (w->rule)
		sim_fail(&opt, opt.seed + i - 1, i, w->rule, w->why);
	sim_verdict(&sum, !w->rule, "the rules were kept");
	sim_verdict(&sum, !differs, "the same seed is the same run");
	if (whole)
		sim_verdict(&sum, !sim_missed(w),
			    "each request was done, each report heard");
	as_world_end(w);
	printf("%u passed, %u failed\n", sum.passed, sum.failed);
	return sum.failed ? 1 : 0;
}
