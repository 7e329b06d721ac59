// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duties about volumes: shards that are to be placed.
 *
 * A volume that has all its shards costs nothing here: volumes are looked at
 * when one has changed, from the one on that had the last duty, and at each
 * tick for those whose duty was refused.
 */
#include <json-c/json.h>
#include <stdlib.h>

#include "state/place.h"
#include "volume.h"

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

/* From @slot on; a volume's slot is the one before where the walk is then. */
static const struct state_volume *duty_find(struct cluster *c, u32 *slot)
{
	const struct state_volume *volume;

	while ((volume = state_volume_walk(c->s, slot)))
		if (duty_is_due(c, volume))
			return volume;
	return NULL;
}

/**
 * duty_volumes() - the next thing that is to be done about a volume
 * @c: the cluster, which leads; no duty is under way
 *
 * Return: true if something is done.
 */
bool duty_volumes(struct cluster *c)
{
	const struct state_volume *volume;
	struct json_object *args;
	u32 slot = c->duty_slot;

	if (!c->duty_look)
		return false;
	volume = duty_find(c, &slot);
	if (!volume && c->duty_slot) {
		slot = 0;
		volume = duty_find(c, &slot);
	}
	c->duty_look = volume;
	if (!volume)
		return false;
	c->duty_slot = slot - 1;
	args = json_object_new_object();
	json_number(args, "volume", volume->id);
	json_number(args, "number", volume->shards);
	lead_do(c, "volume shards", volume->id, args);
	return true;
}
