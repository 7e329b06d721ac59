// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duties about volumes: shards that are to be placed.
 *
 * Volumes are looked at when one has changed, from the one on that had the last
 * duty, and at each tick for those whose duty was refused: DUTY_SLICE of them
 * in a turn of the loop, so that 100000 of them keep no heartbeat waiting.
 */
#include <json-c/json.h>
#include <stdlib.h>

#include "state/place.h"
#include "volume.h"

#define DUTY_SLICE 4096U /* volumes, in a turn: below a millisecond */

/**
 * volume_shards() - how many shards a volume has when it is whole
 * @volume: the volume
 *
 * Return: how many, with those that it grows by.
 */
u32 volume_shards(const struct state_volume *volume)
{
	u64 size = max(volume->size, volume->grow);

	return (size + (1ULL << volume->shift) - 1) >> volume->shift;
}

/**
 * volume_place() - where could shards go?
 * @s: the state
 * @volume: id of the volume, 0: one that is not made yet
 * @copies: of each shard
 * @first: number of the first shard
 * @nr: how many, up to VOLUME_PART
 * @store: for ids of stores, @copies for each; NULL: only whether
 * @why: why there is no place
 *
 * Return: 0, -ENOSPC with @why, or -ENOMEM with @why.
 */
int volume_place(const struct state *s, u32 volume, u32 copies, u32 first,
		 u32 nr, u32 *store, char why[VOLUME_TEXT])
{
	struct place_want want = { .copies = copies,
				   .level = PLACE_HOST,
				   .volume = volume };
	u32 slots = state_limits(s)->store_slots;
	u32 one[STATE_COPIES_MAX];
	struct place_work work = { .store = calloc(slots, sizeof(u32)),
				   .planned = calloc(slots, sizeof(u32)) };
	struct place_why place;
	int err = -ENOMEM;

	snprintf(why, VOLUME_TEXT, "no memory to plan with");
	if (work.store && work.planned)
		err = place_begin(s, &want, &work);
	if (!err)
		err = place_shards(s, &want, &work, first, store ? nr : 1,
				   store ?: one, &place);
	if (err == -ENOSPC)
		place_why_text(&place, why, VOLUME_TEXT);
	free(work.store);
	free(work.planned);
	return err;
}

static bool duty_is_due(struct cluster *c, const struct state_volume *volume)
{
	return volume->state != STATE_VOLUME_DELETING &&
	       volume->shards < volume_shards(volume) &&
	       !lead_skips(c, "volume shards", volume->id);
}

/* The next one that is due, of as many as may be looked at in one turn. */
static const struct state_volume *duty_find(struct cluster *c)
{
	u32 left = c->opt.duty_slice ?: DUTY_SLICE, from;
	u32 slots = state_limits(c->s)->volumes;
	const struct state_volume *volume;

	while (c->duty_left && left) {
		from = c->duty_slot;
		volume = state_volume_walk(c->s, &c->duty_slot);
		if (!volume) {
			c->duty_left -= min(c->duty_left, slots - from);
			c->duty_slot = 0;
			continue;
		}
		c->duty_left -= min(c->duty_left, c->duty_slot - from);
		left--;
		if (duty_is_due(c, volume))
			return volume;
	}
	return NULL;
}

/**
 * duty_volumes() - the next thing that is to be done about a volume
 * @c: the cluster, which leads; no duty is under way
 *
 * A round goes through all volumes once, however many turns of the loop that
 * takes; who changes one meanwhile begins it anew, where it is.
 *
 * Return: true if something is done.
 */
bool duty_volumes(struct cluster *c)
{
	const struct state_volume *volume;
	struct json_object *args;

	if (c->duty_look)
		c->duty_left = state_limits(c->s)->volumes;
	c->duty_look = false;
	volume = duty_find(c);
	if (!volume) {
		if (c->duty_left)
			cluster_changed(c); /* the others, in the next turn */
		return false;
	}
	/* it may have more to be done, and comes first then */
	c->duty_slot--;
	c->duty_look = true;
	args = json_object_new_object();
	json_number(args, "volume", volume->id);
	json_number(args, "number", volume->shards);
	lead_do(c, "volume shards", volume->id, args);
	return true;
}
