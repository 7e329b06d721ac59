// SPDX-License-Identifier: GPL-2.0-only
/*
 * What consensus said at any time, and what has to be so at the end.
 */
#include "agent_sim.h"

/**
 * as_member() - is a replica in a set, or in a change of one?
 * @s: the state
 * @replica: its id
 * @volume: of which
 * @shard: number
 *
 * Return: true if so, and its volume is not being deleted.
 */
bool as_member(const struct state *s, u64 replica, u32 volume, u32 shard)
{
	const struct state_volume *of = state_volume_by_id(s, volume);
	struct state_shard_view view;
	u32 i;

	if (!of || of->state == STATE_VOLUME_DELETING ||
	    state_view_shard(s, volume, shard, &view))
		return false;
	for (i = 0; i < view.nr; i++)
		if (view.member[i].replica == replica)
			return true;
	return false;
}

/**
 * as_note() - a command was done
 * @w: the schedule
 */
void as_note(struct as_world *w)
{
	const struct state_volume *volume;
	struct state_shard_view view;
	u32 slot, i, j;

	for (slot = 0; (volume = state_volume_walk(w->s, &slot));) {
		if (volume->hold && volume->term < AS_TERMS) {
			w->granted[volume->id][volume->term] = volume->holder;
			w->mend.granted[volume->id][volume->term] =
				volume->hold == STATE_HOLD_REPAIR;
			if (volume->want != volume->holder)
				w->release[volume->id][volume->term] = true;
		}
		for (i = 0; i < volume->shards; i++) {
			if (state_view_shard(w->s, volume->id, i, &view))
				continue;
			for (j = 0; j < view.nr; j++)
				if (view.member[j].made &&
				    view.member[j].replica < AS_REPLICA_IDS)
					w->made[view.member[j].replica] = true;
		}
	}
}

/* Shards that a node has, or holds, as consensus says now. */
static bool as_want_shards(struct as_world *w, struct as_node *n)
{
	const struct state_volume *volume;
	const struct want_shard *shard;
	struct state_replica_view view;
	struct state_replicas walk;
	u32 slot = STATE_NONE, i;

	if (state_replicas_begin(&walk, w->s, n->id))
		return false;
	while (state_replicas_next(&walk, &view)) {
		shard = want_shard(&n->want, view.shard.volume,
				   view.shard.number);
		if (!view.shard.nr)
			continue;
		if (!shard || shard->epoch != view.shard.epoch ||
		    shard->stage != view.shard.stage || !shard->store)
			return false;
	}
	while ((volume = state_held_walk(w->s, n->id, &slot)))
		for (i = 0; i < volume->shards; i++)
			if (!want_shard(&n->want, volume->id, i))
				return false;
	return true;
}

/**
 * as_check_want() - a node took a message
 * @w: the schedule
 * @n: the node
 * @index: that it had before
 */
void as_check_want(struct as_world *w, struct as_node *n, u64 index)
{
	if (!n->want.good)
		return;
	if (n->want.index < index || !n->want.index)
		as_broken(w, "R11", "node %u goes from %llu to %llu", n->id,
			  index, n->want.index);
	if (n->want.index == w->index && !as_want_shards(w, n))
		as_broken(w, "R11", "node %u does not have what is at %llu",
			  n->id, w->index);
}

static void as_rest_shard(struct as_world *w, const struct state_volume *volume,
			  u32 number)
{
	struct state_shard_view view;
	struct as_replica *replica;
	struct as_volume *vol;
	u32 i;

	if (state_view_shard(w->s, volume->id, number, &view))
		return;
	as_repair_rest(w, &view, volume->copies);
	if (view.stage)
		as_broken(w, "R8", "shard %u of volume %u is at stage %u",
			  number, volume->id, view.stage);
	vol = &w->node[volume->holder].volume[volume->id];
	if (volume->hold && vol->shard[number].epoch != view.epoch)
		as_broken(w, "R8", "shard %u of volume %u has epoch %llu",
			  number, volume->id, vol->shard[number].epoch);
	for (i = 0; i < view.nr; i++) {
		replica = as_replica(&w->node[view.member[i].node],
				     view.member[i].replica);
		if (!view.member[i].made || !replica ||
		    replica->state != QBD_REPLICA_STATE_IN_SYNC)
			as_broken(w, "R8", "replica %llu is not made, or idle",
				  view.member[i].replica);
	}
}

static void as_rest_volume(struct as_world *w,
			   const struct state_volume *volume)
{
	struct as_volume *vol;
	u32 i;

	if (w->mend.on && !volume->want) {
		as_repair_left(w, volume);
		for (i = 0; i < volume->shards; i++)
			as_rest_shard(w, volume, i);
		return;
	}
	if (volume->state != STATE_VOLUME_READY || volume->grow ||
	    volume->hold != STATE_HOLD_DEVICE ||
	    volume->holder != volume->want) {
		as_broken(
			w, "R8",
			"volume %u: state %u, grows to %llu, held by %u for %u",
			volume->id, volume->state, volume->grow, volume->holder,
			volume->want);
		return;
	}
	vol = &w->node[volume->holder].volume[volume->id];
	if (!vol->there || vol->state != QBD_VOLUME_STATE_SERVING ||
	    vol->term != volume->term || vol->size != volume->size)
		as_broken(w, "R8", "volume %u is not served by %u", volume->id,
			  volume->holder);
	if (vol->on_no_quorum != volume->on_no_quorum)
		as_broken(w, "R8", "volume %u has another policy", volume->id);
	for (i = 0; i < volume->shards; i++)
		as_rest_shard(w, volume, i);
}

static void as_rest_node(struct as_world *w, struct as_node *n)
{
	const struct state_volume *volume;
	struct as_replica *replica;
	u32 i;

	if (!n->node || n->store != QBD_STORE_STATE_ACTIVE)
		as_broken(w, "R8", "node %u has no node, or no store", n->id);
	for (i = 0; i < AS_REPLICAS; i++) {
		replica = &n->replica[i];
		if (replica->id && !w->unknown[replica->id] &&
		    !as_member(w->s, replica->id, replica->volume,
			       replica->shard))
			as_broken(w, "R8", "node %u has replica %llu still",
				  n->id, replica->id);
	}
	for (i = 1; i < AS_VOLUMES; i++) {
		volume = state_volume_by_id(w->s, i);
		if (n->volume[i].there && (!volume || volume->holder != n->id))
			as_broken(w, "R8", "node %u has volume %u still", n->id,
				  i);
	}
	if (n->want.index > w->index)
		as_broken(w, "R8", "node %u is ahead", n->id);
}

/**
 * as_check_rest() - everything came to rest: is it as it ought to be?
 * @w: the schedule
 */
void as_check_rest(struct as_world *w)
{
	const struct state_volume *volume;
	u32 slot, i;

	for (slot = 0; (volume = state_volume_walk(w->s, &slot));)
		as_rest_volume(w, volume);
	for (i = 1; i <= AS_NODES; i++)
		as_rest_node(w, &w->node[i]);
}
