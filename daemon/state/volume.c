// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: made in parts, and deleted replica by replica.
 */
#include "inner.h"

/**
 * state_volume_live() - a volume that is not being deleted
 * @s: the state
 * @id: its id
 * @slot: its slot
 * @res: why not
 *
 * Return: the volume or NULL.
 */
struct state_volume *state_volume_live(const struct state *s, u32 id, u32 *slot,
				       struct state_result *res)
{
	struct state_volume *volume;

	*slot = state_find(s, STATE_BY_VOLUME_ID, id);
	if (*slot == STATE_NONE) {
		state_no(res, STATE_WHY_NO_VOLUME, id, 0, 0);
		return NULL;
	}
	volume = state_volume_at(s, *slot);
	if (volume->state != STATE_VOLUME_DELETING)
		return volume;
	state_no(res, STATE_WHY_VOLUME_STATE, id, volume->state, 0);
	return NULL;
}

/**
 * state_volume_held() - the same, under the term that a command names
 * @s: the state
 * @cmd: the command
 * @slot: its slot
 * @res: why not
 *
 * Return: the volume or NULL.
 */
struct state_volume *state_volume_held(const struct state *s,
				       const struct state_cmd *cmd, u32 *slot,
				       struct state_result *res)
{
	struct state_volume *volume;

	volume = state_volume_live(s, cmd->volume, slot, res);
	if (volume && cmd->term != volume->term)
		state_no(res, STATE_WHY_TERM, volume->id, volume->term,
			 cmd->term);
	return res->why ? NULL : volume;
}

/**
 * state_policy_good() - can a volume be held to these policies?
 * @volume: its policies
 * @bad: which one not
 *
 * Return: true if so.
 */
bool state_policy_good(const struct state_volume *volume, u32 *bad)
{
	*bad = 0;
	if (volume->on_no_quorum > 1 ||
	    (volume->on_no_quorum && !volume->no_quorum_ms))
		return false;
	*bad = 1;
	if (volume->reads > 1)
		return false;
	*bad = 2;
	return !volume->ack;
}

static bool state_volume_may_come(const struct state *s,
				  const struct state_cmd *cmd,
				  struct state_result *res)
{
	u32 slot = state_find_bytes(s, STATE_BY_VOLUME_NAME, cmd->name);
	u64 shards;

	if (!state_name_good(cmd->name)) {
		state_no(res, STATE_WHY_NAME, 0, 0, 0);
		return false;
	}
	if (slot != STATE_NONE) {
		state_no(res, STATE_WHY_NAME_TAKEN,
			 state_volume_at(s, slot)->id, 0, 0);
		return false;
	}
	if (cmd->shift < STATE_SHIFT_MIN || cmd->shift > STATE_SHIFT_MAX ||
	    !cmd->size || cmd->size % STATE_BLOCK ||
	    cmd->size > (u64)STATE_VOLUME_SHARDS_MAX << cmd->shift) {
		state_no(res, STATE_WHY_SIZE, 0, 0, 0);
		return false;
	}
	if (!cmd->copies || cmd->copies > STATE_COPIES_MAX) {
		state_no(res, STATE_WHY_COPIES, STATE_COPIES_MAX, 0, 0);
		return false;
	}
	shards = (cmd->size + (1ULL << cmd->shift) - 1) >> cmd->shift;
	if (s->pool[STATE_SHARDS].nr + s->shards_owed + shards >
	    s->limits.shards)
		state_no(res, STATE_WHY_SHARDS_FULL, s->limits.shards, 0, 0);
	else if (s->cluster.next_volume == U32_MAX)
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	return !res->why;
}

/**
 * state_do_volume_create() - a volume, without shards yet
 * @s: the state
 * @cmd: the command
 * @res: its id
 *
 * Its shards are counted as if they were there: what was accepted can be
 * finished.
 */
void state_do_volume_create(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res)
{
	struct state_volume *volume, made = { 0 };
	u32 slot;

	if (!state_volume_may_come(s, cmd, res) ||
	    !state_volume_tune(s, &made, cmd, STATE_VOLUME_SET_ALL, res))
		return;
	slot = state_take(s, STATE_VOLUMES);
	if (slot == STATE_NONE) {
		state_no(res, STATE_WHY_VOLUMES_FULL, s->limits.volumes, 0, 0);
		return;
	}
	volume = state_volume_at(s, slot);
	*volume = made;
	volume->id = s->cluster.next_volume++;
	memcpy(volume->name, cmd->name, sizeof(volume->name));
	volume->state = STATE_VOLUME_CREATING;
	volume->shift = cmd->shift;
	volume->copies = cmd->copies;
	volume->size = cmd->size;
	volume->held_next = STATE_NONE;
	volume->held_prev = STATE_NONE;
	state_index_add(s, STATE_BY_VOLUME_ID, slot);
	state_index_add(s, STATE_BY_VOLUME_NAME, slot);
	s->shards_owed += state_shards_wanted(volume);
	res->arg[0] = volume->id;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

/* Stores of one shard: each takes a replica, no two are on one node. */
static bool state_place_good(const struct state *s, u32 number, const u32 *id,
			     u32 *slot, u32 copies, struct state_result *res)
{
	u32 i, j, node;

	for (i = 0; i < copies; i++) {
		if (!state_store_takes(s, id[i], &slot[i], res))
			return false;
		node = state_store_at(s, slot[i])->node;
		for (j = 0; j < i; j++) {
			if (state_store_at(s, slot[j])->node != node)
				continue;
			state_no(res, STATE_WHY_SAME_NODE, number, node, 0);
			return false;
		}
	}
	return true;
}

static void state_shard_make(struct state *s, struct state_volume *volume,
			     const u32 *store)
{
	u32 slot = state_take(s, STATE_SHARDS), i;
	u64 member[STATE_COPIES_MAX];
	struct state_shard *shard;

	if (STATE_BUG(slot == STATE_NONE))
		return;
	shard = state_shard_at(s, slot);
	shard->volume = volume->id;
	shard->number = volume->shards++;
	shard->epoch = 1;
	for (i = 0; i < volume->copies; i++) {
		member[i] = STATE_MEMBER(store[i], s->cluster.next_replica);
		s->cluster.next_replica++;
		state_store_link(s, store[i], slot);
	}
	if (STATE_BUG(!state_members_set(s, slot, member, volume->copies)))
		return;
	state_index_add(s, STATE_BY_SHARD, slot);
	volume->left++;
	volume->unmade += volume->copies;
	s->shards_owed--;
	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
}

/*
 * All shards of a command: with @make they are made, else only looked at; each
 * is reserved in the counts of its stores until the last one is.
 */
static bool state_shards_walk(struct state *s, struct state_volume *volume,
			      const struct state_cmd *cmd, bool make,
			      struct state_result *res)
{
	struct state_in in = { cmd->rest.data, cmd->rest.bytes, false };
	u32 id[STATE_COPIES_MAX], slot[STATE_COPIES_MAX], i, done = 0;

	while (in.left && !res->why) {
		for (i = 0; i < volume->copies; i++)
			id[i] = state_get(&in, 4);
		if (!state_place_good(s, cmd->number + done, id, slot,
				      volume->copies, res))
			break;
		done++;
		if (make)
			state_shard_make(s, volume, slot);
		for (i = 0; i < volume->copies && !make; i++)
			state_store_at(s, slot[i])->nr++;
	}
	if (make)
		return true;
	in = (struct state_in){ cmd->rest.data, cmd->rest.bytes, false };
	for (i = 0; i < done * volume->copies; i++) {
		slot[0] = state_find(s, STATE_BY_STORE_ID, state_get(&in, 4));
		state_store_at(s, slot[0])->nr--;
	}
	return !res->why;
}

/**
 * state_do_volume_shards() - the next shards of a volume are placed
 * @s: the state
 * @cmd: the command
 * @res: how many shards it has, of how many
 */
void state_do_volume_shards(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res)
{
	struct state_volume *volume;
	u32 slot, nr, wanted;

	volume = state_volume_live(s, cmd->volume, &slot, res);
	if (!volume)
		return;
	nr = cmd->rest.bytes / (4 * volume->copies);
	wanted = state_shards_wanted(volume);
	if (!nr || cmd->rest.bytes % (4 * volume->copies) ||
	    volume->shards + nr > wanted)
		state_no(res, STATE_WHY_BAD, 12, 0, 0);
	else if (cmd->number != volume->shards)
		state_no(res, STATE_WHY_SHARD_ORDER, volume->id, volume->shards,
			 cmd->number);
	else if (s->cluster.next_replica + (u64)nr * volume->copies >
		 STATE_REPLICA_ID_MAX)
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	else if (volume->copies > STATE_SHARD_INLINE &&
		 s->pool[STATE_WIDES].nr + nr > s->limits.wides)
		state_no(res, STATE_WHY_SHARDS_FULL, s->limits.wides, 0, 0);
	if (res->why || !state_shards_walk(s, volume, cmd, false, res))
		return;
	state_shards_walk(s, volume, cmd, true, res);
	res->arg[0] = volume->shards;
	res->arg[1] = wanted;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

static bool state_volume_whole(const struct state_volume *volume)
{
	return !volume->unmade && volume->shards == state_shards_wanted(volume);
}

/**
 * state_volume_settle() - what follows when its last replica is made
 * @s: the state
 * @slot: the volume
 *
 * A device that is in use grows when its kernel has said so (VOLUME_GROWN).
 */
void state_volume_settle(struct state *s, u32 slot)
{
	struct state_volume *volume = state_volume_at(s, slot);

	if (volume->state == STATE_VOLUME_DELETING ||
	    !state_volume_whole(volume))
		return;
	if (volume->state == STATE_VOLUME_CREATING) {
		volume->state = STATE_VOLUME_READY;
		state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
	}
	if (volume->grow && volume->hold != STATE_HOLD_DEVICE) {
		volume->size = volume->grow;
		volume->grow = 0;
		state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
	}
}

/**
 * state_do_volume_delete() - a volume goes, with all that is in it
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_volume_delete(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res)
{
	struct state_volume *volume;
	u32 slot;

	volume = state_volume_live(s, cmd->volume, &slot, res);
	if (!volume)
		return;
	if (volume->hold == STATE_HOLD_DEVICE) {
		state_no(res, STATE_WHY_HELD, volume->id, volume->holder, 0);
		return;
	}
	/* nobody uses it: what is repaired need not be any more */
	state_hold_unlink(s, slot);
	s->shards_owed -= state_shards_wanted(volume) - volume->shards;
	volume->state = STATE_VOLUME_DELETING;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
	if (!volume->left)
		state_volume_free(s, slot);
}

/**
 * state_volume_free() - nothing is left of a volume
 * @s: the state
 * @slot: the volume
 */
void state_volume_free(struct state *s, u32 slot)
{
	state_touch(s, STATE_KIND_VOLUME, state_volume_at(s, slot)->id, 0);
	state_index_del(s, STATE_BY_VOLUME_ID, slot);
	state_index_del(s, STATE_BY_VOLUME_NAME, slot);
	state_give(s, STATE_VOLUMES, slot);
}
