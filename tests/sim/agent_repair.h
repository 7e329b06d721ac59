/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Repair in the simulation of the agents.
 *
 * In every second schedule nobody but the repair of who leads changes sets
 * (agent_repair.c), and nodes die:
 *
 *   R12 No set is begun with, made joint, or adopted without a live quorum.
 *   R13 No more changes are begun than may be under way.
 *   R14 No copy votes that was not filled, or in place of one that is well.
 *   R15 Nothing is begun about a node that is only suspect.
 *   R16 At the end each shard has all its copies, none where it drains, also
 *	of a volume that nobody has attached.
 *   R17 What is held for repair has no device, and what is attached has one.
 *   R18 Nobody is kept from an attach, and no device taken, by a hold for
 *	repair; no more are begun than a node, and the cluster, may have.
 *   R19 At the end nothing is held for repair any more.
 */
#ifndef QBD_SIM_AGENT_REPAIR_H
#define QBD_SIM_AGENT_REPAIR_H

#include "agent/plan.h"
#include "repair/duty.h"

#define AS_REPLICA_IDS 4096
#define AS_VOLUMES 12 /* ids that a schedule can come to */
#define AS_TERMS 256

struct as_node;
struct as_world;

/**
 * struct as_mend - the repair of who leads
 * @on: it changes sets, and nobody else does
 * @duty: it
 * @begun_ms: since when it is that of the present leader
 * @filled: a kernel said that the replica is
 * @lost: somebody said that the replica is
 * @granted: a term was granted for repair, by volume and term
 * @done: by kind of command: how often it was due
 */
struct as_mend {
	bool on;
	struct repair *duty;
	u64 begun_ms;
	bool filled[AS_REPLICA_IDS];
	bool lost[AS_REPLICA_IDS];
	bool granted[AS_VOLUMES][AS_TERMS];
	u64 done[STATE_CMD_NR];
};

void as_repair_begin(struct as_world *w);
void as_repair_step(struct as_world *w);
bool as_repair_heard(struct as_world *w, u32 node,
		     const struct agent_report *report);
void as_repair_act(struct as_world *w);
struct as_node *as_repair_fault(struct as_world *w);
void as_repair_finish(struct as_world *w);
void as_repair_left(struct as_world *w, const struct state_volume *volume);
void as_repair_rest(struct as_world *w, const struct state_shard_view *view,
		    u32 copies);

#endif /* QBD_SIM_AGENT_REPAIR_H */
