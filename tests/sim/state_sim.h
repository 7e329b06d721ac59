/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulation of the replicated state: two servers that apply the same commands.
 *
 * A schedule is some hundred commands, made from the state as a server would,
 * with ids, terms and epochs that are right, stale, or anything; some are sent
 * again later, some are bytes that are no command.  One of the two servers is
 * restored from a snapshot of the other one again and again.  The limits are so
 * small that each of them is met.  Beside that the planners are asked about
 * groups and witnesses of all kinds.
 *
 * RULES
 *
 *   R1 Both servers give the same results and deltas, and make the same bytes.
 *   R2 state_check() has nothing to say, and a snapshot can be restored.
 *   R3 Terms, epochs and counters only grow; an id is of one thing for ever.
 *   R4 A request that comes again has the same result and changes nothing.
 *   R5 Nobody loses a device but by its release, by force, or by evidence of
 *	the term in force; each attach has a higher term.
 *   R6 A set takes a step only under the term and epoch in force.
 *   R7 Nobody joins with a token that expired or was used up.
 *   R8 A store that was opened less often than is known is refused.
 *   R9 No report takes a replica away that is in use.
 *   R10 What is refused changes nothing.
 *   R11 A set of voters that is wanted has a majority alive.
 *   R12 Only the living say that a holder is gone.
 *   R13 The feature level never falls, and nothing above it is done.
 *   R14 Who is given up for lost is refused, takes no quorum, and stays lost.
 */
#ifndef QBD_SIM_STATE_SIM_H
#define QBD_SIM_STATE_SIM_H

#include "rng.h"
#include "state/inner.h"
#include "state/snapshot.h"
#include "state/takeover.h"
#include "state/view.h"
#include "state/voters.h"

#define SS_COMMANDS 1500 /* of a schedule */
#define SS_CLIENTS 3
#define SS_PAST 24 /* requests that may be sent again */
#define SS_VOLUMES 512 /* ids that a schedule can come to */
#define SS_SHARDS 16 /* of a volume */
#define SS_REPLICAS 32768
#define SS_STORES 512

/**
 * struct ss_past - a request that was sent
 * @bytes: of it
 * @data: the command
 * @res: what became of it
 */
struct ss_past {
	u32 bytes;
	u8 data[1024];
	struct state_result res;
};

/**
 * struct ss_world - a schedule under way
 * @rng: its random numbers
 * @a: a server that is never restored
 * @b: one that is, now and then
 * @spare: memory for the next @b
 * @bytes: of each
 * @chunks: a snapshot
 * @trace: print what happens
 * @rule: the rule that was broken, NULL = none
 * @why: how
 * @client: ids of clients
 * @seq: their last requests
 * @now_ms: the proposers' clock
 * @past: requests that were sent
 * @nr_past: how many, ever
 * @digest: of @a, without what a refused command may change
 * @hash: of all results
 * @term: by volume id
 * @epoch: by volume id and shard
 * @owner: by replica id: volume and shard, and one
 * @opens: by store id
 * @lost: by store id: it never comes back
 * @done: by kind: how often it was done
 * @refused: by reason: how often it was given
 * @restores: how often @b was restored
 */
struct ss_world {
	struct qbd_rng rng;
	struct state *a;
	struct state *b;
	struct state *spare;
	u64 bytes;
	u8 *chunks;
	bool trace;
	const char *rule;
	char why[160];
	u64 client[SS_CLIENTS];
	u64 seq[SS_CLIENTS];
	u64 now_ms;
	struct ss_past past[SS_PAST];
	u32 nr_past;
	u64 digest;
	u64 hash;
	u64 term[SS_VOLUMES];
	u64 epoch[SS_VOLUMES][SS_SHARDS];
	u64 owner[SS_REPLICAS];
	u64 opens[SS_STORES];
	bool lost[SS_STORES];
	u64 done[STATE_CMD_NR];
	u64 refused[STATE_WHYS_NR];
	u64 restores;
};

/* state_world.c */
struct ss_world *ss_world_new(void);
void ss_world_run(struct ss_world *w, u64 seed, bool trace);
void ss_broken(struct ss_world *w, const char *rule, const char *fmt, ...)
	__printf(3, 4);

/* state_gen.c */
u32 ss_command(struct ss_world *w, struct state_cmd *cmd, u8 *rest);

/* state_oracle.c */
u64 ss_digest(const struct state *s);
void ss_before(struct ss_world *w, const struct state_cmd *cmd);
void ss_after(struct ss_world *w, const struct state_cmd *cmd,
	      const struct state_result *res);

/* state_plan.c */
void ss_plans(struct ss_world *w);

/* state_cell.c */
int ss_cell(void);

#endif /* QBD_SIM_STATE_SIM_H */
