// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nodes say of their replicas: made, deleted.
 *
 * Such a report may be late: a replica that nobody wants any more by then is
 * passed over.  How many of a report counted is its result.
 */
#include "inner.h"

#define STATE_CONFIRM_BYTES 14

/* One line of a report. */
struct state_confirm {
	u32 volume;
	u32 number;
	u64 replica;
};

static bool state_confirm_next(struct state_in *in, struct state_confirm *line)
{
	line->volume = state_get(in, 4);
	line->number = state_get(in, 2);
	line->replica = state_get(in, 8);
	return !in->bad;
}

/* A line that is about @node's replica @at of the set or of the change. */
static bool state_confirm_mine(const struct state *s, const u64 *member, int at,
			       u32 node)
{
	return at >= 0 && state_node_of(s, member[at]) == node;
}

static bool state_created(struct state *s, u32 node,
			  const struct state_confirm *line)
{
	u32 slot = state_find(s, STATE_BY_SHARD,
			      state_shard_key(line->volume, line->number));
	u32 volume = state_find(s, STATE_BY_VOLUME_ID, line->volume);
	struct state_change *change;
	struct state_shard *shard;
	int at;

	if (slot == STATE_NONE ||
	    state_volume_at(s, volume)->state == STATE_VOLUME_DELETING)
		return false;
	shard = state_shard_at(s, slot);
	at = state_member_find(state_members(s, shard), shard->nr,
			       line->replica);
	if (state_confirm_mine(s, state_members(s, shard), at, node)) {
		if (shard->flags & (1U << at))
			return false;
		shard->flags |= 1U << at;
		state_volume_at(s, volume)->unmade--;
		state_volume_settle(s, volume);
		return true;
	}
	change = state_change_of(s, slot, NULL);
	if (!change || change->stage != STATE_STAGE_LEARN)
		return false;
	at = state_member_find(change->add, change->nr, line->replica);
	if (!state_confirm_mine(s, change->add, at, node) ||
	    change->made & (1U << at))
		return false;
	change->made |= 1U << at;
	return true;
}

/* A shard of a volume that is being deleted has no replica any more. */
static void state_shard_end(struct state *s, u32 slot)
{
	struct state_shard *shard = state_shard_at(s, slot);
	u32 volume = state_find(s, STATE_BY_VOLUME_ID, shard->volume), at = 0;

	if (state_change_of(s, slot, &at)) {
		state_index_del(s, STATE_BY_CHANGE, at);
		state_give(s, STATE_CHANGES, at);
	}
	state_index_del(s, STATE_BY_SHARD, slot);
	state_give(s, STATE_SHARDS, slot);
	if (!--state_volume_at(s, volume)->left)
		state_volume_free(s, volume);
}

/* Member @at goes from the set of a shard of a volume that is being deleted. */
static void state_member_drop(struct state *s, u32 slot, u32 at)
{
	struct state_shard *shard = state_shard_at(s, slot);
	u32 volume = state_find(s, STATE_BY_VOLUME_ID, shard->volume);
	u64 set[STATE_COPIES_MAX];
	u32 nr = shard->nr;
	u8 change = shard->flags & STATE_SHARD_CHANGE;

	memcpy(set, state_members(s, shard), 8 * (size_t)nr);
	state_store_unlink(s, STATE_MEMBER_STORE(set[at]), slot);
	if (!(shard->flags & (1U << at)))
		state_volume_at(s, volume)->unmade--;
	shard->flags = state_bits_without(shard->flags & ~change, at) | change;
	nr--;
	memmove(set + at, set + at + 1, 8 * (size_t)(nr - at));
	if (STATE_BUG(!state_members_set(s, slot, set, nr)))
		return;
	if (change) {
		struct state_change *of = state_change_of(s, slot, NULL);

		of->leave = state_bits_without(of->leave, at);
	}
}

static void state_joiner_drop(struct state *s, u32 slot, u32 at)
{
	struct state_change *change = state_change_of(s, slot, NULL);

	state_store_unlink(s, STATE_MEMBER_STORE(change->add[at]), slot);
	change->made = state_bits_without(change->made, at);
	change->nr--;
	memmove(change->add + at, change->add + at + 1,
		8 * (size_t)(change->nr - at));
	change->add[change->nr] = 0;
}

static void state_shard_touch_end(struct state *s, u32 slot)
{
	struct state_shard *shard = state_shard_at(s, slot);
	struct state_change *change = state_change_of(s, slot, NULL);

	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
	if (!shard->nr && (!change || !change->nr))
		state_shard_end(s, slot);
}

/**
 * state_shard_drop_store() - a replica of a volume that is being deleted is
 * gone, because its store is
 * @s: the state
 * @slot: the shard
 * @store: slot of the store, which has one
 */
void state_shard_drop_store(struct state *s, u32 slot, u32 store)
{
	struct state_shard *shard = state_shard_at(s, slot);
	struct state_change *change = state_change_of(s, slot, NULL);
	const u64 *member = state_members(s, shard);
	u32 i;

	for (i = 0; i < shard->nr; i++)
		if (STATE_MEMBER_STORE(member[i]) == store)
			break;
	if (i < shard->nr) {
		state_member_drop(s, slot, i);
	} else {
		for (i = 0; change && i < change->nr; i++)
			if (STATE_MEMBER_STORE(change->add[i]) == store)
				break;
		if (STATE_BUG(!change || i == change->nr))
			return;
		state_joiner_drop(s, slot, i);
	}
	state_shard_touch_end(s, slot);
}

/* Its tombstone is among those of the stores of its node. */
static bool state_tomb_done(struct state *s, const struct state_node *node,
			    const struct state_confirm *line)
{
	struct state_tomb *tomb;
	u32 i, slot;

	for (i = 0; i < node->nr_stores; i++) {
		slot = state_store_at(s, node->store[i])->tomb;
		for (; slot != STATE_NONE; slot = tomb->next) {
			tomb = state_object(s, STATE_TOMBS, slot);
			if (tomb->replica != line->replica ||
			    tomb->volume != line->volume ||
			    tomb->number != line->number)
				continue;
			state_touch(s, STATE_KIND_STORE,
				    state_store_at(s, tomb->store)->id, 0);
			state_tomb_drop(s, slot);
			return true;
		}
	}
	return false;
}

static bool state_deleted(struct state *s, const struct state_node *node,
			  const struct state_confirm *line)
{
	u32 slot = state_find(s, STATE_BY_SHARD,
			      state_shard_key(line->volume, line->number));
	u32 volume = state_find(s, STATE_BY_VOLUME_ID, line->volume);
	struct state_change *change;
	struct state_shard *shard;
	int at;

	if (state_tomb_done(s, node, line))
		return true;
	if (slot == STATE_NONE ||
	    (state_volume_at(s, volume)->state != STATE_VOLUME_DELETING &&
	     !QBD_MUTANT(state_deleted_in_use)))
		return false;
	shard = state_shard_at(s, slot);
	change = state_change_of(s, slot, NULL);
	at = state_member_find(state_members(s, shard), shard->nr,
			       line->replica);
	if (state_confirm_mine(s, state_members(s, shard), at, node->id)) {
		state_member_drop(s, slot, at);
		state_shard_touch_end(s, slot);
		return true;
	}
	if (!change)
		return false;
	at = state_member_find(change->add, change->nr, line->replica);
	if (!state_confirm_mine(s, change->add, at, node->id))
		return false;
	state_joiner_drop(s, slot, at);
	state_shard_touch_end(s, slot);
	return true;
}

/**
 * state_do_replica_created() - a node made replicas
 * @s: the state
 * @cmd: the command
 * @res: how many of them count
 */
void state_do_replica_created(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res)
{
	struct state_in in = { cmd->rest.data, cmd->rest.bytes, false };
	const struct state_node *node = state_node_live(s, cmd->node, res);
	struct state_confirm line;

	if (!node)
		return;
	if (cmd->rest.bytes % STATE_CONFIRM_BYTES) {
		state_no(res, STATE_WHY_BAD, 15, 0, 0);
		return;
	}
	while (state_confirm_next(&in, &line)) {
		if (!state_created(s, node->id, &line))
			continue;
		res->arg[0]++;
		state_touch(s, STATE_KIND_SHARD, line.volume, line.number);
	}
}

/**
 * state_do_replica_deleted() - a node deleted replicas
 * @s: the state
 * @cmd: the command
 * @res: how many of them count
 */
void state_do_replica_deleted(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res)
{
	struct state_in in = { cmd->rest.data, cmd->rest.bytes, false };
	const struct state_node *node = state_node_live(s, cmd->node, res);
	struct state_confirm line;

	if (!node)
		return;
	if (cmd->rest.bytes % STATE_CONFIRM_BYTES) {
		state_no(res, STATE_WHY_BAD, 15, 0, 0);
		return;
	}
	while (state_confirm_next(&in, &line))
		if (state_deleted(s, node, &line))
			res->arg[0]++;
}
