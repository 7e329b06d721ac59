// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: replicas (plan.h).
 */
#include "plan_inner.h"

/**
 * plan_replica() - a replica that the kernel has
 * @plan: the call
 * @id: its id
 *
 * Return: it; NULL: it has none, or has deleted it.
 */
const struct seen_replica *plan_replica(const struct plan *plan, u64 id)
{
	const struct seen_replica *is = seen_replica(plan->seen, id);

	return is && is->state != QBD_REPLICA_STATE_DELETED ? is : NULL;
}

/**
 * plan_replica_ready() - was it made, and can it be used?
 * @replica: it
 *
 * Return: true if so.
 */
bool plan_replica_ready(const struct seen_replica *replica)
{
	return replica->state != QBD_REPLICA_STATE_OFFLINE &&
	       replica->state != QBD_REPLICA_STATE_FAILED &&
	       replica->state != QBD_REPLICA_STATE_DELETED;
}

static void plan_create(struct plan *plan, const struct want_volume *volume,
			const struct want_shard *shard,
			const struct want_member *mine)
{
	const struct want_store *store = want_store(plan->want, shard->store);
	struct agent_key object = AGENT_KEY(0, mine->replica, 0);
	const struct agent_try *try =
		agent_try(plan->agent, QBD_CMD_REPLICA_CREATE, object);
	struct agent_request *req;

	/* it was there and is not any more: that is said, not mended */
	if (try && try->done)
		return;
	req = plan_ask(plan, QBD_CMD_REPLICA_CREATE, object);
	if (!req)
		return;
	req->replica = mine->replica;
	req->volume = shard->key.id;
	req->shard = shard->key.number;
	memcpy(req->uuid, store->uuid, sizeof(req->uuid));
	req->size = 1ULL << volume->shift;
	req->nr_sets = 1;
	req->set[0] = shard;
}

static void plan_delete(struct plan *plan, u64 replica, u64 epoch)
{
	struct agent_request *req;

	if (!plan_replica(plan, replica))
		return;
	req = plan_ask(plan, QBD_CMD_REPLICA_DELETE, AGENT_KEY(0, replica, 0));
	if (!req)
		return;
	req->replica = replica;
	req->epoch = epoch;
}

/*
 * A replica that may have lost a promise votes again when it knows the highest
 * term granted before its store was opened: not before consensus heard of that
 * opening, or there may be a higher one.  Behind a restore all terms up to its
 * floor may have been granted, by whom it does not know (S16).
 */
static void plan_floor(struct plan *plan, const struct want_volume *volume,
		       const struct want_shard *shard,
		       const struct seen_replica *is)
{
	const struct want_store *store = want_store(plan->want, shard->store);
	const struct seen_store *open = seen_store(plan->seen, store->uuid);
	struct agent_key object = AGENT_KEY(0, is->key.id, 0);
	struct agent_try *try =
		agent_try(plan->agent, QBD_CMD_REPLICA_FLOOR, object);
	struct agent_request *req;
	u32 sum = crc32c(~0U, &open->opens, sizeof(open->opens)) ?: 1;

	if (is->state != QBD_REPLICA_STATE_RECOVERING ||
	    (store->opens < open->opens && !QBD_MUTANT(agent_floor_early)))
		return;
	/* once for each opening: it votes when it has caught up, later */
	if (try && try->done && try->sum == sum)
		return;
	req = plan_ask(plan, QBD_CMD_REPLICA_FLOOR, object);
	if (!req)
		return;
	req->replica = is->key.id;
	req->term = max(volume->term, want_cluster(plan->want)->term_floor);
	agent_try(plan->agent, QBD_CMD_REPLICA_FLOOR, object)->sum = sum;
}

static void plan_shard(struct plan *plan, const struct want_shard *shard)
{
	const struct want_member *mine = want_mine(plan->want, shard);
	const struct want_volume *volume =
		want_volume(plan->want, shard->key.id);
	const struct seen_replica *is;

	if (!mine || !volume || !plan_store_open(plan, shard->store))
		return;
	is = plan_replica(plan, mine->replica);
	if (volume->state == STATE_VOLUME_DELETING)
		plan_delete(plan, mine->replica, shard->epoch);
	else if (is)
		plan_floor(plan, volume, shard, is);
	else if ((!mine->made || QBD_MUTANT(agent_made_again)) &&
		 mine->role != STATE_ROLE_GONE)
		plan_create(plan, volume, shard, mine);
}

/* A planted bug: what nobody wants goes. */
static void plan_absent(struct plan *plan)
{
	const union seen_object *is;
	u32 at = 0;

	if (!QBD_MUTANT(agent_delete_absent))
		return;
	while ((is = seen_next(plan->seen, SEEN_REPLICA, &at)))
		if (!want_shard(plan->want, is->replica.volume,
				is->replica.shard))
			plan_delete(plan, is->key.id, is->replica.epoch);
}

/**
 * plan_replicas() - replicas that are to be made, or to be deleted
 * @plan: the call
 */
void plan_replicas(struct plan *plan)
{
	const union want_item *item;
	u32 at = 0, i;

	if (!seen_fresh(plan->seen, SEEN_STORE) ||
	    !seen_fresh(plan->seen, SEEN_REPLICA))
		return;
	while ((item = want_next(plan->want, WANT_SHARD, &at)))
		plan_shard(plan, &item->shard);
	at = 0;
	while ((item = want_next(plan->want, WANT_TOMBS, &at)))
		for (i = 0; i < item->tombs.nr; i++)
			plan_delete(plan, item->tombs.tomb[i].replica,
				    item->tombs.tomb[i].epoch);
	plan_absent(plan);
}
