// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members of the sets of shards, and where they are kept.
 */
#include "inner.h"

/**
 * state_members() - the set in force
 * @s: the state
 * @shard: the shard
 *
 * Return: @shard->nr members.
 */
const u64 *state_members(const struct state *s, const struct state_shard *shard)
{
	const struct state_wide *wide;

	if (shard->nr <= STATE_SHARD_INLINE)
		return shard->member;
	wide = state_object(s, STATE_WIDES, shard->member[0]);
	return wide->member;
}

/**
 * state_members_set() - another set is in force
 * @s: the state
 * @slot: the shard
 * @member: the members, not those that the shard has
 * @nr: how many
 *
 * Return: false: no room for so many, nothing changed.
 */
bool state_members_set(struct state *s, u32 slot, const u64 *member, u32 nr)
{
	struct state_shard *shard = state_shard_at(s, slot);
	bool was = shard->nr > STATE_SHARD_INLINE;
	bool is = nr > STATE_SHARD_INLINE;
	u32 wide = was ? shard->member[0] : STATE_NONE;
	u64 *to = shard->member;

	if (is && !was) {
		wide = state_take(s, STATE_WIDES);
		if (wide == STATE_NONE)
			return false;
	}
	if (was && !is)
		state_give(s, STATE_WIDES, wide);
	memset(shard->member, 0, sizeof(shard->member));
	if (is) {
		shard->member[0] = wide;
		to = state_object(s, STATE_WIDES, wide);
		memset(to, 0, sizeof(struct state_wide));
	}
	memcpy(to, member, 8 * (size_t)nr);
	shard->nr = nr;
	return true;
}

/**
 * state_change_of() - the change of a shard's set
 * @s: the state
 * @shard: slot of the shard
 * @slot: slot of the change, NULL if it does not matter
 *
 * Return: the change or NULL.
 */
struct state_change *state_change_of(const struct state *s, u32 shard,
				     u32 *slot)
{
	u32 at;

	if (!(state_shard_at(s, shard)->flags & STATE_SHARD_CHANGE))
		return NULL;
	at = state_find(s, STATE_BY_CHANGE, shard);
	if (STATE_BUG(at == STATE_NONE))
		return NULL;
	if (slot)
		*slot = at;
	return state_object(s, STATE_CHANGES, at);
}

/**
 * state_member_find() - which member is that replica?
 * @member: the members
 * @nr: how many
 * @replica: its id
 *
 * Return: its number or -ENOENT.
 */
int state_member_find(const u64 *member, u32 nr, u64 replica)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (STATE_MEMBER_ID(member[i]) == replica)
			return i;
	return -ENOENT;
}

/**
 * state_shards_wanted() - how many shards a volume has when it is whole
 * @volume: the volume
 *
 * Return: how many, with those that it grows by.
 */
u32 state_shards_wanted(const struct state_volume *volume)
{
	u64 size = max(volume->size, volume->grow);

	return (size + (1ULL << volume->shift) - 1) >> volume->shift;
}

/**
 * state_bits_without() - one bit is taken out, the higher ones move down
 * @bits: a bit for each member
 * @at: the member that goes
 *
 * Return: a bit for each that stays.
 */
u8 state_bits_without(u8 bits, u32 at)
{
	u8 low = (1U << at) - 1;

	return (bits & low) | ((bits >> 1) & ~low);
}
