// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a schedule: when has the cluster come to rest (R8), and is what
 * is there then what has to be there (R3, R6)?
 *
 * A member that no log reaches any more is made a copy of another one, if the
 * schedule has real stores, and if a leader got as far as to commit something.
 */
#include "cluster.h"
#include "cluster_log.h"

/* Can the leader of a shard have members made copies of others? */
static bool cl_resyncs(const struct cl_world *w, u32 shard)
{
	const struct cl_lead *lead =
		&w->node[w->volume[w->shard[shard].volume].holder].lead[shard];

	return w->real && lead->active &&
	       (lead->state == QBD_LEADER_READY ||
		lead->state == QBD_LEADER_SERVING);
}

/* The set that the leader works with; at rest that of consensus. */
static const struct qbd_set *cl_end_set(const struct cl_world *w, u32 shard)
{
	const struct cl_lead *lead =
		&w->node[w->volume[w->shard[shard].volume].holder].lead[shard];

	return lead->active ? qbd_leader_set(lead->core) : &w->shard[shard].set;
}

/*
 * Is nothing more to be expected of a member? If no log reaches back to what it
 * has, and there is nobody whose copy it could be, or if damage took the
 * replica itself. A leader that has just begun does not know yet what the one
 * before it found out.
 */
static bool cl_gone(const struct cl_world *w, u32 shard, u32 member,
		    const struct qbd_progress *prog)
{
	u32 id = cl_end_set(w, shard)->member[member].node;
	const struct cl_node *node = &w->node[id];

	if (node->damaged && (!node->rep[shard].ready ||
			      (node->rep[shard].core.flags & QBD_REPLICA_LOST)))
		return true;
	return !cl_resyncs(w, shard) && (prog->state == QBD_MEMBER_GONE ||
					 w->shard[shard].gone & (1U << id));
}

static bool cl_rest_member(struct cl_world *w, u32 shard, u32 member,
			   const struct qbd_leader_info *info,
			   const struct qbd_progress *prog)
{
	u32 id = cl_end_set(w, shard)->member[member].node;
	const struct qbd_replica_core *rep = &w->node[id].rep[shard].core;

	if (cl_gone(w, shard, member, prog))
		return true;
	return prog->state == QBD_MEMBER_LIVE && prog->voting && !prog->full &&
	       !rep->full && !rep->flags && prog->durable == info->last &&
	       prog->commit == info->commit && rep->bound == info->last &&
	       rep->durable == info->last && rep->last.index == info->last &&
	       !w->node[id].rep[shard].waits.head;
}

static bool cl_rest_shard(struct cl_world *w, u32 shard, u32 holder,
			  const char **why)
{
	const struct cl_lead *lead = &w->node[holder].lead[shard];
	struct qbd_leader_info info;
	u32 i;

	*why = "a shard does not serve";
	if (!lead->active || lead->state != QBD_LEADER_SERVING)
		return false;
	qbd_leader_info(lead->core, &info);
	*why = "requests are under way";
	if (info.nr_inflight || info.nr_reads ||
	    w->node[holder].pump[shard].head)
		return false;
	*why = "a replica set changes";
	if (w->shard[shard].change || w->shard[shard].bury ||
	    lead->told != w->shard[shard].version ||
	    cl_end_set(w, shard)->epoch != w->shard[shard].set.epoch)
		return false;
	*why = "a member is not in sync";
	for (i = 0; i < cl_end_set(w, shard)->nr; i++)
		if (!cl_rest_member(w, shard, i, &info,
				    qbd_leader_member(lead->core, i)))
			return false;
	*why = "a comparison does not end";
	return cl_verify_rest(w, shard, holder);
}

static bool cl_rest_volume(struct cl_world *w, u32 volume, const char **why)
{
	const struct cl_volume *vol = &w->volume[volume];
	const struct cl_node *node = &w->node[vol->holder];
	u32 i;

	*why = "a volume is not attached";
	if (!vol->holder || vol->want || vol->retire || !node->up ||
	    node->vol[volume].core.term != vol->term ||
	    node->vol[volume].core.state != QBD_VOLUME_OPEN)
		return false;
	*why = "a volume has not grown";
	if (node->vol[volume].told != vol->nr)
		return false;
	for (i = vol->first; i < vol->first + vol->nr; i++)
		if (!cl_rest_shard(w, i, vol->holder, why))
			return false;
	return true;
}

/* Is a member far behind, so that it is no help until it is a copy? */
static bool cl_behind(const struct qbd_progress *prog)
{
	return prog->state == QBD_MEMBER_GONE ||
	       prog->state == QBD_MEMBER_RESYNC;
}

/*
 * Two failures at once: who is out of reach of any log, and who may not vote
 * until a quorum without it has committed something, leave none. A source can't
 * help them as long as it has records itself that only they could commit.
 */
static bool cl_end_hopeless(struct cl_world *w, u32 shard)
{
	const struct cl_lead *lead =
		&w->node[w->volume[w->shard[shard].volume].holder].lead[shard];
	const struct qbd_set *set = cl_end_set(w, shard);
	u32 mask = 0, i;

	if (!lead->active)
		return false;
	for (i = 0; i < set->nr; i++) {
		const struct cl_node *node = &w->node[set->member[i].node];
		const struct qbd_progress *prog =
			qbd_leader_member(lead->core, i);

		if (!cl_gone(w, shard, i, prog) && !cl_behind(prog) &&
		    !node->rep[shard].core.flags)
			mask |= 1U << node->id;
	}
	return !cl_quorum(w, shard, w->volume[w->shard[shard].volume].term,
			  mask);
}

/* There was no rest. Return: true if there could not be. */
bool cl_end_given_up(struct cl_world *w)
{
	u32 i;

	for (i = 0; i < w->nr_shards; i++)
		if (cl_end_hopeless(w, i))
			return true;
	return false;
}

/* For the trace: what every member is at. */
void cl_end_show(struct cl_world *w)
{
	const struct qbd_progress *prog;
	struct qbd_leader_info info;
	const struct cl_lead *lead;
	const struct cl_node *node;
	u32 shard, i;

	for (shard = 0; shard < w->nr_shards; shard++) {
		lead = &w->node[w->volume[w->shard[shard].volume].holder]
				.lead[shard];
		if (!lead->active)
			continue;
		qbd_leader_info(lead->core, &info);
		cl_trace(w, "shard %u: %s last %llu commit %llu, %u, %u\n",
			 shard, qbd_leader_name(info.state), info.last,
			 info.commit, info.nr_inflight, info.nr_reads);
		for (i = 0; i < cl_end_set(w, shard)->nr; i++) {
			prog = qbd_leader_member(lead->core, i);
			node = &w->node[cl_end_set(w, shard)->member[i].node];
			cl_trace(w,
				 "  node %u: %s matched %llu pin %llu, %s, "
				 "waits %s%s\n",
				 node->id, qbd_progress_name(prog->state),
				 prog->matched, prog->pin,
				 node->rep[shard].ready ? "ready" : "not ready",
				 node->rep[shard].waits.head ? "yes" : "no",
				 node->rep[shard].core.full ? ", full" :
				 prog->full		    ? ", was full" :
							      "");
		}
	}
}

/* Is there nothing left to do? */
bool cl_end_rest(struct cl_world *w, const char **why)
{
	u32 i;

	*why = "requests have not ended";
	for (i = 0; i < w->nr_clients; i++)
		if (w->client[i].left)
			return false;
	if (w->open_ops)
		return false;
	for (i = 0; i < w->nr_volumes; i++)
		if (!cl_rest_volume(w, i, why))
			return false;
	*why = "a store is at work";
	for (i = 1; i <= w->nr_nodes; i++)
		if (!w->node[i].up || !w->node[i].open || !cl_log_idle(w, i))
			return false;
	return true;
}

/* --- what is there ------------------------------------------------------ */

/*
 * Chunks that changed last with the same record everywhere: or a replica would
 * be a bad source for those that missed it, or a good one for nothing.
 */
static void cl_end_lasts(struct cl_world *w, u32 shard, u32 node,
			 u64 expect[CL_CHUNKS])
{
	u64 bound = w->node[node].rep[shard].core.bound;
	u64 last[CL_CHUNKS];
	u32 i;

	/* the store may not have been told yet */
	cl_saw_bound(w, node, shard, bound);
	cl_store_bound(w, node, shard, bound);
	cl_store_settle(w, node);
	cl_store_lasts(w, node, shard, last);
	for (i = 0; i < CL_CHUNKS; i++) {
		if (expect[i] == U64_MAX)
			expect[i] = last[i];
		if (last[i] != expect[i])
			cl_broken(w, "R6",
				  "node %u: chunk %u of %u changed last at "
				  "%llu, elsewhere at %llu",
				  node, i, shard, last[i], expect[i]);
	}
}

static void cl_end_replica(struct cl_world *w, u32 shard, u32 node,
			   const u32 *expect)
{
	u32 value[CL_BLOCKS], i;
	struct cl_have have;

	if (cl_log_have(w, node, shard, &have)) {
		cl_broken(w, "R6", "node %u has no replica of %u", node, shard);
		return;
	}
	if (have.last.index != cl_committed(w, shard))
		cl_broken(w, "R6", "node %u ends %u at %llu, committed is %llu",
			  node, shard, have.last.index, cl_committed(w, shard));
	cl_log_values(w, node, shard, value);
	for (i = 0; i < CL_BLOCKS; i++)
		if (value[i] != expect[i])
			cl_broken(w, "R6",
				  "node %u: block %u of %u is of request %u, "
				  "not %u",
				  node, i, shard, value[i], expect[i]);
}

/* What a replica has of the committed history, for sure. */
static u64 cl_end_common(const struct cl_world *w, u32 node, u32 shard,
			 const struct cl_have *have)
{
	u64 at = min(have->last.index, cl_committed(w, shard));

	while (at > have->applied &&
	       cl_log_term_at(&w->node[node], shard, at) !=
		       cl_committed_term(w, shard, at))
		at--;
	return at;
}

/*
 * A leader says that no log reaches this member. It is not believed: nobody
 * else may have all that the member lacks. What could not be read when it was
 * asked for is asked for again later, and not waited for here.
 */
static void cl_end_gone(struct cl_world *w, u32 shard, u32 member,
			const struct qbd_progress *prog)
{
	const struct qbd_set *set = cl_end_set(w, shard);
	u32 node = set->member[member].node, i;
	struct qbd_log_rec rec;
	struct cl_have have;
	u64 from, at;

	w->counts.gone++;
	if (prog->state != QBD_MEMBER_GONE || prog->unread ||
	    w->node[node].damaged || cl_log_have(w, node, shard, &have))
		return;
	from = cl_end_common(w, node, shard, &have) + 1;
	for (i = 0; i < set->nr; i++) {
		if (i == member || w->node[set->member[i].node].damaged)
			continue;
		for (at = from; at <= cl_committed(w, shard); at++)
			if (!cl_log_get(&w->node[set->member[i].node], shard,
					at, &rec) ||
			    rec.pos.term != cl_committed_term(w, shard, at))
				break;
		if (at > cl_committed(w, shard))
			cl_broken(w, "R8",
				  "node %u is given up at %llu of %u, node %u "
				  "has what it lacks",
				  node, from - 1, shard, set->member[i].node);
	}
}

void cl_end_check(struct cl_world *w)
{
	const struct qbd_progress *prog;
	const struct cl_lead *lead;
	u64 lasts[CL_CHUNKS];
	u32 expect[CL_BLOCKS];
	u32 shard, i;

	for (shard = 0; shard < w->nr_shards; shard++) {
		lead = &w->node[w->volume[w->shard[shard].volume].holder]
				.lead[shard];
		cl_oracle_values(w, shard, expect);
		memset(lasts, 0xff, sizeof(lasts));
		for (i = 0; i < cl_end_set(w, shard)->nr; i++) {
			prog = qbd_leader_member(lead->core, i);
			if (cl_gone(w, shard, i, prog)) {
				cl_end_gone(w, shard, i, prog);
				continue;
			}
			cl_end_replica(w, shard,
				       cl_end_set(w, shard)->member[i].node,
				       expect);
			if (w->real)
				cl_end_lasts(
					w, shard,
					cl_end_set(w, shard)->member[i].node,
					lasts);
		}
	}
	cl_oracle_acked(w);
}
