// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores that run full, and have room again.
 *
 * Somebody else on the store, the filler, takes all chunks that are free, and
 * all that become free while the fault lasts, as a replica does whose records
 * were accepted: they are promised to it.  When it goes they are free again.
 * The plain log has no chunks: there most writes are said to have no home.
 *
 * Some nodes run full one by one, or all at once: then the volume waits.
 */
#include "cluster.h"
#include "cluster_store.h"

/* The filler takes what is free; it leaves little to others now and then. */
static void cl_full_take(struct cl_world *w, struct cl_store *s)
{
	while (qbd_alloc_room(&s->core->alloc) && !cl_chance(w, 10)) {
		qbd_alloc_reserve(&s->core->alloc);
		s->filled++;
	}
}

static void cl_full_one(struct cl_world *w, u32 node)
{
	w->node[node].full = true;
	cl_trace(w, "node %u: its store is full\n", node);
}

void cl_full_strike(struct cl_world *w, u32 node)
{
	bool all = cl_chance(w, 15);
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++)
		if (i == node || all || cl_chance(w, 15))
			cl_full_one(w, i);
}

/* All of them: which ran full with this one nobody remembers. */
void cl_full_heal(struct cl_world *w, u32 node)
{
	struct cl_store *s;
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++) {
		w->node[i].full = false;
		s = w->node[i].store;
		while (w->real && w->node[i].open && s->filled) {
			qbd_alloc_unreserve(&s->core->alloc);
			s->filled--;
		}
	}
	cl_log_retry(w, node);
}

/* Is there no home for what is to be logged? */
bool cl_full_refuses(struct cl_world *w, u32 node, const struct qbd_action *act)
{
	if (!w->node[node].full || act->kind != QBD_ACT_LOG_APPEND ||
	    act->msg.append.op != QBD_OP_WRITE)
		return false;
	if (!w->real)
		return cl_chance(w, 90);
	cl_full_take(w, w->node[node].store);
	return cl_chance(w, 60);
}
