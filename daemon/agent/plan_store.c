// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: the node, its peers, its stores (plan.h).
 */
#include "plan_inner.h"

/**
 * plan_node() - there is no node
 * @plan: the call
 */
void plan_node(struct plan *plan)
{
	const struct want_cluster *cluster = want_cluster(plan->want);
	struct agent_request *req =
		plan_ask(plan, QBD_CMD_NODE_START, AGENT_KEY(0, 0, 0));

	if (!req)
		return;
	req->node = cluster->node;
	req->name = cluster->name;
	memcpy(req->uuid, cluster->uuid, sizeof(req->uuid));
	req->lineage = cluster->lineage;
	req->lease_ms = cluster->lease_ms;
}

/**
 * plan_foreign() - is the kernel's node somebody else?
 * @plan: the call; there is a node
 *
 * Return: true if so: nothing is to be done to it.
 */
bool plan_foreign(const struct plan *plan)
{
	const struct want_cluster *cluster = want_cluster(plan->want);
	const struct seen_node *node = seen_node(plan->seen);

	return node->id != cluster->node || node->lineage != cluster->lineage ||
	       memcmp(node->cluster, cluster->uuid, sizeof(node->cluster));
}

/* Whoever has to do with what this node has. */
static void plan_peers_want(struct plan *plan)
{
	struct agent_ids *ids = &plan->agent->peers;
	const struct want_volume *volume;
	const union want_item *item;
	u32 at = 0, i;

	if (plan->agent->peers_commits == plan->want->commits)
		return;
	memset(ids, 0, sizeof(*ids));
	while ((item = want_next(plan->want, WANT_SHARD, &at))) {
		for (i = 0; i < item->shard.nr; i++)
			if (item->shard.member[i].node != plan->me)
				agent_ids_add(ids, item->shard.member[i].node);
		volume = want_volume(plan->want, item->key.id);
		if (volume && volume->holder && volume->holder != plan->me)
			agent_ids_add(ids, volume->holder);
	}
	plan->agent->peers_commits = plan->want->commits;
}

/* Whoever has to do with what the kernel has. */
static void plan_peers_used(struct plan *plan)
{
	struct agent_ids *ids = &plan->agent->used;
	const union seen_object *is;
	u32 at = 0, i;

	memset(ids, 0, sizeof(*ids));
	while ((is = seen_next(plan->seen, SEEN_REPLICA, &at))) {
		for (i = 0; i < is->replica.nr; i++)
			if (is->replica.node[i])
				agent_ids_add(ids, is->replica.node[i]);
		if (is->replica.promised_node)
			agent_ids_add(ids, is->replica.promised_node);
	}
	at = 0;
	while ((is = seen_next(plan->seen, SEEN_SHARD, &at)))
		for (i = 0; i < is->shard.nr; i++)
			if (is->shard.member[i].node)
				agent_ids_add(ids, is->shard.member[i].node);
}

/**
 * plan_peers() - nodes that the kernel has to know
 * @plan: the call
 */
void plan_peers(struct plan *plan)
{
	const struct seen_peer *is;
	struct agent_request *req;
	u32 i, id;

	if (!seen_fresh(plan->seen, SEEN_PEER))
		return;
	plan_peers_want(plan);
	for (i = 0; i < AGENT_IDS; i++) {
		id = plan->agent->peers.cell[i];
		is = id ? seen_peer(plan->seen, id) : NULL;
		if (!id || (is && is->state != QBD_PEER_STATE_REMOVED))
			continue;
		req = plan_ask(plan, QBD_CMD_PEER_ADD, AGENT_KEY(0, id, 0));
		if (req)
			req->node = id;
	}
}

/**
 * plan_stores() - stores that are to be open
 * @plan: the call
 */
void plan_stores(struct plan *plan)
{
	const struct seen_store *is;
	const struct want_store *store;
	const union want_item *item;
	struct agent_request *req;
	const char *path;
	u32 at = 0;

	if (!seen_fresh(plan->seen, SEEN_STORE))
		return;
	while ((item = want_next(plan->want, WANT_STORE, &at))) {
		store = &item->store;
		is = seen_store(plan->seen, store->uuid);
		if (store->state == STATE_STORE_REMOVED ||
		    (is && is->state != QBD_STORE_STATE_CLOSED))
			continue;
		path = plan->agent->ops.path(plan->agent->ops.arg, store->uuid);
		req = path ? plan_ask(plan, QBD_CMD_STORE_ADD,
				      seen_store_key(store->uuid)) :
			     NULL;
		if (!req)
			continue;
		memcpy(req->uuid, store->uuid, sizeof(req->uuid));
		req->path = path;
		req->opens = store->opens;
	}
}

static bool plan_store_used(const struct plan *plan, const u8 uuid[16])
{
	const union seen_object *is;
	u32 at = 0;

	while ((is = seen_next(plan->seen, SEEN_REPLICA, &at)))
		if (!memcmp(is->replica.store, uuid, 16))
			return true;
	return false;
}

static void plan_stores_leave(struct plan *plan)
{
	const struct want_store *store;
	const union seen_object *is;
	struct agent_request *req;
	u32 at = 0;

	if (!seen_fresh(plan->seen, SEEN_STORE))
		return;
	while ((is = seen_next(plan->seen, SEEN_STORE, &at))) {
		store = plan_store_by_uuid(plan, is->store.uuid);
		if (!store || store->state != STATE_STORE_REMOVED ||
		    is->store.state == QBD_STORE_STATE_CLOSED ||
		    is->store.state == QBD_STORE_STATE_CLOSING ||
		    plan_store_used(plan, is->store.uuid))
			continue;
		req = plan_ask(plan, QBD_CMD_STORE_REMOVE, is->key);
		if (req)
			memcpy(req->uuid, is->store.uuid, sizeof(req->uuid));
	}
}

/* No store is about to be opened: replicas that it has are not seen yet. */
static bool plan_stores_settled(const struct plan *plan)
{
	const struct agent_ops *ops = &plan->agent->ops;
	const struct seen_store *is;
	const union want_item *item;
	u32 at = 0;

	while ((item = want_next(plan->want, WANT_STORE, &at))) {
		is = seen_store(plan->seen, item->store.uuid);
		if (is && is->state != QBD_STORE_STATE_CLOSED) {
			if (is->state == QBD_STORE_STATE_OPENING)
				return false;
		} else if (item->store.state != STATE_STORE_REMOVED &&
			   ops->path(ops->arg, item->store.uuid)) {
			return false;
		}
	}
	return true;
}

/**
 * plan_leavers() - stores and peers that nothing needs any more
 * @plan: the call
 *
 * What is wanted may be old: so a peer that anything in the kernel deals with
 * stays, and a store that was not removed.  Nothing goes while something is
 * under way.  (A replica is being made whose set has peer 3; before it is seen
 * the change is taken back, and 3 seems to be of no use.)
 */
void plan_leavers(struct plan *plan)
{
	const union seen_object *is;
	struct agent_request *req;
	u32 at = 0;

	if (plan->agent->busy || !seen_fresh(plan->seen, SEEN_REPLICA) ||
	    !seen_fresh(plan->seen, SEEN_SHARD) ||
	    !seen_fresh(plan->seen, SEEN_VOLUME))
		return;
	plan_stores_leave(plan);
	if (!seen_fresh(plan->seen, SEEN_PEER) ||
	    !seen_fresh(plan->seen, SEEN_STORE) || !plan_stores_settled(plan))
		return;
	plan_peers_used(plan);
	while ((is = seen_next(plan->seen, SEEN_PEER, &at))) {
		if (is->peer.state == QBD_PEER_STATE_REMOVED || !is->key.id ||
		    agent_ids_has(&plan->agent->peers, is->key.id) ||
		    (agent_ids_has(&plan->agent->used, is->key.id) &&
		     !QBD_MUTANT(agent_peer_in_use)))
			continue;
		req = plan_ask(plan, QBD_CMD_PEER_REMOVE, is->key);
		if (req)
			req->node = is->key.id;
	}
}
