/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Repair in the simulation of the agents: see agent_repair.c.
 */
#ifndef QBD_SIM_AGENT_REPAIR_H
#define QBD_SIM_AGENT_REPAIR_H

#include "agent_sim.h"

void as_repair_begin(struct as_world *w);
void as_repair_step(struct as_world *w);
bool as_repair_heard(struct as_world *w, u32 node,
		     const struct agent_report *report);
void as_repair_act(struct as_world *w);
struct as_node *as_repair_fault(struct as_world *w);
void as_repair_finish(struct as_world *w);
void as_repair_rest(struct as_world *w, const struct state_shard_view *view,
		    u32 copies);

#endif /* QBD_SIM_AGENT_REPAIR_H */
