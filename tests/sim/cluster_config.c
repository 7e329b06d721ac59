// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replica sets in the simulated cluster: what consensus and daemons do for S6.
 *
 * A change adds, removes or replaces members of a shard: learners first, then a
 * joint set, then the new set or, now and then, the old one again.  Consensus
 * goes on from a joint set only on a report of the leader of the term in force
 * for the epoch in force; reports may be late.  Leaders are told late, too, and
 * some of those that were deposed are told as well.  Who left is deleted when
 * the leader in force has committed the set without it.
 *
 * A replica that was deleted is never seen again: the node may get another one
 * of the same shard, with another id.  Not in a real store: there each node has
 * its replica from the start, in the set or not.
 */
#include "cluster.h"
#include "cluster_log.h"
#include "table.h"

/* until a learner is given up; until a joint set is, when all is well */
#define CL_LEARN_NS (2500 * CL_MS)
#define CL_JOINT_NS (2500 * CL_MS)

/* --- sets --------------------------------------------------------------- */

/* A set with these nodes, in the order of the nodes. */
static void cl_set_make(struct cl_shard *s, u64 epoch, u32 old, u32 next,
			u32 learners)
{
	struct qbd_set *set = &s->set;
	u32 node;

	memset(set, 0, sizeof(*set));
	set->epoch = epoch;
	for (node = 1; node <= CL_NODES; node++) {
		u32 bit = 1U << node;

		if (!((old | next | learners) & bit))
			continue;
		set->member[set->nr] =
			(struct qbd_member){ .replica = s->replica[node],
					     .node = node };
		if (old & bit)
			set->old |= 1U << set->nr;
		if (next & bit)
			set->next |= 1U << set->nr;
		set->nr++;
	}
	s->version++;
}

/* Nodes of some members of a set. */
u32 cl_set_nodes(const struct qbd_set *set, u16 mask)
{
	u32 nodes = 0, i;

	for (i = 0; i < set->nr; i++)
		if (mask & (1U << i))
			nodes |= 1U << set->member[i].node;
	return nodes;
}

/* Who has a replica of what. */
void cl_config_layout(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	u32 nr = w->nr_nodes, first = 0, old = 0, i;
	bool joint = nr > 3 && cl_chance(w, 25);

	if (!joint && nr > 3 && cl_chance(w, 60)) {
		first = (u32)cl_rand(w, nr);
		nr = 3;
	}
	s->all_nodes = 0;
	s->gone = 0;
	memset(s->lie, 0, sizeof(s->lie));
	s->verify_term = 0;
	s->bury = 0;
	s->version = 0;
	s->change = joint ? CL_CHANGE_JOINT : CL_CHANGE_NONE;
	s->change_ns = w->now_ns;
	for (i = 0; i < w->nr_nodes; i++) {
		u32 node = (first + i) % w->nr_nodes + 1;

		s->replica[node] = 1000 * (shard + 1) + node;
		s->all_nodes |= 1U << node;
		if (i < nr)
			old |= 1U << node;
	}
	s->target = joint ? 7U << (nr - 2) : 0;
	if (joint) /* the first three and the last three */
		cl_set_make(s, 1, 7U << 1, s->target, 0);
	else
		cl_set_make(s, 1, old, 0, 0);
}

/* --- replicas ----------------------------------------------------------- */

/* A node whose replica was deleted gets another one. */
static void cl_config_create(struct cl_world *w, u32 shard, u32 node)
{
	struct cl_shard *s = &w->shard[shard];

	s->replica[node] += 100;
	s->all_nodes |= 1U << node;
	if (w->node[node].up && w->node[node].open)
		cl_node_replica(w, node, shard);
}

/* Who left goes, where it can be reached. */
static void cl_config_bury(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	u32 node;

	for (node = 1; node <= w->nr_nodes; node++) {
		if (!(s->bury & (1U << node)) || !w->node[node].open ||
		    w->node[node].failed)
			continue;
		if (cl_node_bury(w, node, shard, s->set.epoch))
			continue;
		s->bury &= ~(1U << node);
		s->all_nodes &= ~(1U << node);
		s->gone &= ~(1U << node);
		cl_trace(w, "node %u: replica of %u is deleted\n", node, shard);
	}
}

/* --- leaders ------------------------------------------------------------ */

static void *cl_config_payload(struct cl_world *w, const struct qbd_set *set,
			       u32 *crc)
{
	struct cl_payload *payload = cl_payload_new(w, 1);
	struct qbd_config config = { .epoch = set->epoch };
	u32 i;

	for (i = 0; i < set->nr; i++)
		if (set->old & (1U << i))
			config.set[config.nr_old++] = set->member[i];
	for (i = 0; i < set->nr; i++)
		if (set->next & (1U << i))
			config.set[config.nr_old + config.nr_new++] =
				set->member[i];
	payload->value[0] = (u32)set->epoch;
	if (payload->data) {
		payload->raw = true;
		qbd_config_encode(&config, (void *)payload->data);
		payload->crc =
			qbd_payload_crc(~0U, payload->data, QBD_BLOCK_SIZE);
	}
	*crc = payload->crc;
	return payload;
}

static void cl_config_tell_one(struct cl_world *w, u32 shard, u32 id)
{
	struct cl_shard *s = &w->shard[shard];
	struct cl_lead *lead = &w->node[id].lead[shard];
	struct qbd_leader_event event = { .kind = QBD_LEADER_CONFIG,
					  .set = &s->set };
	u32 life = w->node[id].life;
	struct cl_payload *payload;
	int err;

	payload = cl_config_payload(w, &s->set, &event.crc);
	event.payload = payload;
	payload->lead = id;
	lead->told = s->version;
	err = cl_lead_step(w, id, shard, &event);
	cl_trace(w, "node %u: leader of %u is told epoch %llu: %d\n", id, shard,
		 s->set.epoch, err);
	if (!err || w->node[id].life != life)
		return;
	payload->lead = 0;
	cl_payload_put(payload);
}

static void cl_config_tell(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	const struct cl_volume *vol = &w->volume[s->volume];
	u32 id;

	for (id = 1; id <= w->nr_nodes; id++) {
		const struct cl_node *node = &w->node[id];
		const struct cl_lead *lead = &node->lead[shard];

		if (!node->up || !lead->active || lead->told == s->version ||
		    lead->state == QBD_LEADER_LOST)
			continue;
		if (lead->state < QBD_LEADER_READY && !w->healing &&
		    !cl_chance(w, 20))
			continue; /* or later */
		if (node->vol[s->volume].core.term == vol->term ||
		    cl_chance(w, 30))
			cl_config_tell_one(w, shard, id);
	}
}

/* Are all learners in the live stream? */
static bool cl_config_learned(const struct cl_world *w, u32 shard)
{
	const struct cl_shard *s = &w->shard[shard];
	u32 holder = w->volume[s->volume].holder, i;
	const struct cl_lead *lead = &w->node[holder].lead[shard];
	const struct qbd_set *set;

	if (!lead->active || lead->told != s->version)
		return false;
	set = qbd_leader_set(lead->core);
	for (i = 0; i < set->nr; i++)
		if (qbd_leader_member(lead->core, i)->state != QBD_MEMBER_LIVE)
			return false;
	return set->nr == s->set.nr;
}

/* --- consensus ---------------------------------------------------------- */

static void cl_config_phase(struct cl_world *w, u32 shard, u8 phase)
{
	struct cl_shard *s = &w->shard[shard];

	s->change = phase;
	s->change_ns = w->now_ns;
	cl_trace(w, "consensus: epoch %llu of %u: nodes %x to %x of %x\n",
		 s->set.epoch, shard, cl_set_nodes(&s->set, s->set.old),
		 cl_set_nodes(&s->set, s->set.next),
		 cl_set_nodes(&s->set, (u16)~0U));
}

/* From the joint set to one of the two. */
static void cl_config_end(struct cl_world *w, u32 shard, bool adopt)
{
	struct cl_shard *s = &w->shard[shard];
	u32 old = cl_set_nodes(&s->set, s->set.old);
	u32 next = cl_set_nodes(&s->set, s->set.next);
	u32 stay = adopt ? next : old;

	s->leave = (old | next) & ~stay;
	if (!adopt && cl_chance(w, 50))
		s->leave = 0; /* spare again */
	cl_set_make(s, s->set.epoch + 1, stay, 0, 0);
	cl_config_phase(w, shard, CL_CHANGE_DONE);
	if (adopt)
		w->counts.changes++;
}

static void cl_config_joint(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	u32 old = cl_set_nodes(&s->set, s->set.old);

	cl_set_make(s, s->set.epoch + 1, old, s->target, 0);
	cl_config_phase(w, shard, CL_CHANGE_JOINT);
	if (QBD_MUTANT(old_copy_deleted_early))
		s->bury |= old & ~s->target;
}

/*
 * The leader of a term reports that the set of an epoch is committed.
 *
 * S6: only the term and epoch in force count, see leader_config.c.
 */
void cl_config_report(struct cl_world *w, u32 shard, u64 term, u64 epoch)
{
	struct cl_shard *s = &w->shard[shard];

	if (s->set.epoch != epoch || (w->volume[s->volume].term != term &&
				      !QBD_MUTANT(joint_adopted_any_term)))
		return;
	if (s->change == CL_CHANGE_JOINT) {
		cl_config_end(w, shard, cl_chance(w, 90));
	} else if (s->change == CL_CHANGE_DONE) {
		s->bury |= s->leave;
		s->leave = 0;
		s->change = CL_CHANGE_NONE;
	}
}

/* Some other nodes, as many as can be. */
static u32 cl_config_target(struct cl_world *w, u32 shard, u32 old)
{
	const struct cl_shard *s = &w->shard[shard];
	u32 next = old, tries = 1 + (u32)cl_rand(w, 3);

	while (tries--) {
		u32 bit = 2U << cl_rand(w, w->nr_nodes);

		if (s->bury & bit)
			continue;
		if (w->real && !(s->all_nodes & bit))
			continue;
		next ^= bit;
	}
	if (hweight32(next) < (w->nr_nodes > 3 ? 3 : 2))
		return old;
	return next;
}

static void cl_config_begin(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	u32 old = cl_set_nodes(&s->set, s->set.old), node;

	s->target = cl_config_target(w, shard, old);
	if (s->target == old)
		return;
	for (node = 1; node <= w->nr_nodes; node++)
		if (s->target & ~s->all_nodes & (1U << node))
			cl_config_create(w, shard, node);
	if (!(s->target & ~old)) {
		cl_config_joint(w, shard);
		return;
	}
	cl_set_make(s, s->set.epoch, old, 0, s->target & ~old);
	cl_config_phase(w, shard, CL_CHANGE_LEARN);
}

/* Go on with the change of a shard, or begin one. */
void cl_config_run(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	u64 age_ns = w->now_ns - s->change_ns;

	switch ((enum cl_change)s->change) {
	case CL_CHANGE_NONE:
		if (w->changes && !w->healing && !s->bury && cl_chance(w, 10))
			cl_config_begin(w, shard);
		break;
	case CL_CHANGE_LEARN:
		if (cl_config_learned(w, shard) || cl_chance(w, 3)) {
			cl_config_joint(w, shard);
		} else if (age_ns > CL_LEARN_NS) {
			cl_set_make(s, s->set.epoch,
				    cl_set_nodes(&s->set, s->set.old), 0, 0);
			cl_config_phase(w, shard, CL_CHANGE_NONE);
		}
		break;
	case CL_CHANGE_JOINT:
		if ((w->changes && cl_chance(w, 2)) ||
		    (w->healing && age_ns > CL_JOINT_NS))
			cl_config_end(w, shard, false);
		break;
	case CL_CHANGE_DONE:
		break;
	}
	cl_config_bury(w, shard);
	cl_config_tell(w, shard);
}
