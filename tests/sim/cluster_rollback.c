// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks of the simulated cluster that are put back to an earlier state of the
 * same run, or replaced by a blank one under the old uuid, while their node is
 * down (S11).
 *
 * Consensus knows how often each store was opened and says so when it is opened
 * again (cluster_open.c), and which terms were granted (cl_node_floor()). An
 * image taken since the store was opened counts as much as the store does:
 * whoever puts it back says that there was one more.
 *
 * One node at a time has lost something: the next one may when it votes again.
 */
#include "cluster_fault.h"
#include "cluster_store.h"

/* Does a node whose disk was put back have its vote on all shards again? */
static bool cl_rolled_over(const struct cl_world *w, const struct cl_node *node)
{
	u32 i;

	if (!node->up || !node->open || node->failed || node->restored)
		return false;
	for (i = 0; i < w->nr_shards; i++)
		if (cl_is_member(w, node->id, i) &&
		    (!node->rep[i].ready || node->rep[i].core.flags))
			return false;
	return true;
}

/* A node may lose something: this one, or the one that has already. */
u32 cl_rollback_victim(struct cl_world *w, u32 id)
{
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++) {
		struct cl_node *node = &w->node[i];

		if (node->rolled && cl_rolled_over(w, node))
			node->rolled = false;
		if (node->damaged || node->rolled)
			id = i;
	}
	return id;
}

/*
 * An image is taken, unless there is one from before; the crash is to come, and
 * when the fault is over the image is put back.
 */
void cl_rollback_strike(struct cl_world *w, struct cl_fault *fault)
{
	struct cl_store *s;

	fault->node = cl_rollback_victim(w, fault->node);
	s = w->node[fault->node].store;
	if (w->node[fault->node].open && s->core &&
	    (!s->kept_opens || cl_chance(w, 60))) {
		qbd_disk_keep(s->disk);
		s->kept_opens = s->opens;
	}
	cl_at(w, cl_rand(w, CL_ROLLBACK_NS),
	      &(struct cl_event){ .kind = CL_EV_FORGET,
				  .arg = (u32)(fault - w->faults->slot),
				  .life = U32_MAX });
}

/* The node is down, and its disk is not what it was. */
void cl_rollback(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	struct cl_store *s = node->store;
	bool blank = cl_chance(w, 20);

	if (cl_rollback_victim(w, id) != id || (!blank && !s->kept_opens))
		return;
	cl_trace(w, "node %u: its disk is %s, opened %llu times of %llu\n", id,
		 blank ? "blank" : "put back", blank ? 0 : s->kept_opens,
		 s->opens);
	w->counts.rollbacks++;
	if (blank)
		cl_store_blank(w, id);
	else
		qbd_disk_back(s->disk);
	if (!blank && s->kept_opens == s->opens)
		s->opens++;
	node->rolled = true;
	node->was_rolled = true;
	node->restored = true;
}
