// SPDX-License-Identifier: GPL-2.0-only
/*
 * The administrator: members come and go, by whoever leads.
 */
#include "raft_sim.h"

static void rs_members(const struct raft_config *conf,
		       struct raft_members *members, u64 learner[],
		       u32 *learners)
{
	u32 i;

	*learners = 0;
	members->voters = 0;
	for (i = 0; i < conf->nr; i++) {
		if (conf->old & (1U << i))
			members->id[members->voters++] = conf->id[i];
		else
			learner[(*learners)++] = conf->id[i];
	}
}

/* Who goes: rather one that is lost. */
static u32 rs_victim(struct rs_world *w, const struct raft_members *members)
{
	u32 i;

	for (i = 0; i < members->voters; i++)
		if (w->node[members->id[i] - 1].lost)
			return i;
	return qbd_rng_below(&w->rng, members->voters);
}

static u32 rs_self(const struct raft_members *members, u64 id)
{
	u32 i;

	for (i = 0; i < members->voters; i++)
		if (members->id[i] == id)
			return i;
	return members->voters;
}

static bool rs_member_add(struct rs_world *w, u64 learner[], u32 *learners)
{
	u32 i;

	if (w->nr_nodes == RS_NODES || *learners >= 2)
		return false;
	for (i = 0; i < w->nr_nodes && w->node[i].raft.conf.nr; i++)
		;
	/* one that nobody asked for yet, or a new one */
	if (i < w->nr_nodes && !w->node[i].lost) {
		learner[(*learners)++] = i + 1;
		return true;
	}
	rs_node_add(w, w->nr_nodes + 1, NULL);
	learner[(*learners)++] = w->nr_nodes;
	return true;
}

/* Would a majority of them be there? Nobody asks for less. */
static bool rs_members_live(const struct rs_world *w,
			    const struct raft_members *members)
{
	u32 good = 0, i;

	for (i = 0; i < members->voters; i++)
		good += !w->node[members->id[i] - 1].lost &&
			!w->node[members->id[i] - 1].doomed;
	return good > members->voters / 2;
}

bool rs_member_strike(struct rs_world *w, enum rs_fault fault)
{
	int node = rs_leader(w);
	struct raft_members members = { 0 };
	struct raft_event event = { .kind = RAFT_EV_CONFIG, .want = &members };
	u64 learner[RAFT_MEMBERS_MAX];
	u32 learners, at;

	if (!rs_awake(w, node))
		return false;
	rs_members(&w->node[node].raft.conf, &members, learner, &learners);
	switch (fault) {
	case RS_LEARNER:
		if (!rs_member_add(w, learner, &learners))
			return false;
		break;
	case RS_PROMOTE:
		if (!learners || members.voters >= 5)
			return false;
		members.id[members.voters++] = learner[--learners];
		break;
	case RS_REPLACE:
		if (!learners)
			return false;
		members.id[rs_victim(w, &members)] = learner[--learners];
		break;
	case RS_REMOVE:
	case RS_REMOVE_LEADER:
		at = fault == RS_REMOVE ? rs_victim(w, &members) :
					  rs_self(&members, w->node[node].id);
		if (at == members.voters || (members.voters <= 3 && !learners))
			return false;
		if (members.voters <= 3)
			members.id[at] = learner[--learners];
		else
			members.id[at] = members.id[--members.voters];
		break;
	default:
		return false;
	}
	if (!rs_members_live(w, &members))
		return false;
	members.learners = learners;
	memcpy(members.id + members.voters, learner,
	       learners * sizeof(learner[0]));
	rs_trace(w, "administrator: %u voters, %u learners, by %llu\n",
		 members.voters, members.learners, w->node[node].id);
	/* refused is a fate of its own: not yet, or something is under way */
	w->counts.changes += !rs_step(w, node, &event);
	return true;
}

static bool rs_set_lives(const struct rs_world *w,
			 const struct raft_config *conf, u16 set, u32 node)
{
	u32 good = 0, i;

	for (i = 0; i < conf->nr; i++) {
		const struct rs_node *n = &w->node[conf->id[i] - 1];

		if (set & (1U << i) && !n->lost && !n->doomed &&
		    conf->id[i] != node + 1)
			good++;
	}
	return !set || good >= hweight32(set) / 2 + 1;
}

static bool rs_conf_lives(const struct rs_world *w,
			  const struct raft_config *conf, u32 node)
{
	return rs_set_lives(w, conf, conf->old, node) &&
	       rs_set_lives(w, conf, conf->next, node);
}

/* What a restart would find, whatever it has in memory. */
static bool rs_shelf_lives(const struct rs_world *w, const struct rs_disk *disk,
			   u32 node)
{
	struct raft_scan scan = { .chain = disk->chain_base,
				  .last = disk->snap.snap.pos };
	struct raft_config conf;

	if (!rs_conf_lives(w, &disk->snap.snap.conf, node))
		return false;
	while (raft_scan_next(&scan, disk->log, disk->log_bytes, 0) > 0)
		if (scan.entry.type == RAFT_ENTRY_CONFIG &&
		    !raft_conf_decode(scan.entry.data, scan.entry.bytes,
				      &conf) &&
		    !rs_conf_lives(w, &conf, node))
			return false;
	return true;
}

/*
 * May this server lose its log, for ever? Each set that somebody may have to go
 * by needs a majority of others; also those that a message or a crash may bring
 * back: a follower that drops a joint set, and stops before its disk did, has
 * it again.
 */
bool rs_may_lose(const struct rs_world *w, u32 node)
{
	u32 i;

	if (w->healed)
		return false;
	for (i = 0; i < w->nr_nodes; i++) {
		const struct raft *r = &w->node[i].raft;

		if (!rs_conf_lives(w, &r->conf, node) ||
		    !rs_conf_lives(w, &r->committed, node) ||
		    !rs_conf_lives(w, &r->base_conf, node) ||
		    !rs_shelf_lives(w, &w->node[i].disk, node))
			return false;
	}
	return true;
}
