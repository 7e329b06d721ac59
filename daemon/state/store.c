// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores, what is on them, and what they still have to delete.
 */
#include "inner.h"

/**
 * state_store_live() - a store that is not removed
 * @s: the state
 * @id: its id
 * @slot: its slot
 * @res: why not
 *
 * Return: the store or NULL.
 */
struct state_store *state_store_live(const struct state *s, u32 id, u32 *slot,
				     struct state_result *res)
{
	struct state_store *store;

	*slot = state_find(s, STATE_BY_STORE_ID, id);
	if (*slot == STATE_NONE) {
		state_no(res, STATE_WHY_NO_STORE, id, 0, 0);
		return NULL;
	}
	store = state_store_at(s, *slot);
	if (store->state != STATE_STORE_REMOVED)
		return store;
	state_no(res, STATE_WHY_STORE_STATE, id, store->state, 0);
	return NULL;
}

/**
 * state_store_takes() - may a new replica be put there?
 * @s: the state
 * @id: the store
 * @slot: its slot
 * @res: why not
 *
 * Return: true if so.
 */
bool state_store_takes(const struct state *s, u32 id, u32 *slot,
		       struct state_result *res)
{
	struct state_store *store = state_store_live(s, id, slot, res);
	struct state_node *node;

	if (!store)
		return false;
	if (store->state != STATE_STORE_ACTIVE) {
		state_no(res, STATE_WHY_STORE_STATE, id, store->state, 0);
		return false;
	}
	node = state_node_live(s, store->node, res);
	if (!node)
		return false;
	if (node->state != STATE_NODE_ACTIVE) {
		state_no(res, STATE_WHY_NODE_STATE, node->id, node->state, 0);
		return false;
	}
	if (store->nr + store->nr_tombs >= s->limits.store_replicas) {
		state_no(res, STATE_WHY_STORE_FULL, id, store->nr, 0);
		return false;
	}
	return true;
}

/**
 * state_node_of() - node of a replica
 * @s: the state
 * @member: the replica
 *
 * Return: id of the node.
 */
u32 state_node_of(const struct state *s, u64 member)
{
	return state_store_at(s, STATE_MEMBER_STORE(member))->node;
}

static u32 *state_store_list(const struct state *s, u32 store)
{
	return s->store_shard + (size_t)store * s->limits.store_replicas;
}

/**
 * state_store_link() - a store has a replica of a shard
 * @s: the state
 * @store: its slot
 * @shard: slot of the shard
 */
void state_store_link(struct state *s, u32 store, u32 shard)
{
	struct state_store *at = state_store_at(s, store);

	if (STATE_BUG(at->nr >= s->limits.store_replicas))
		return;
	state_store_list(s, store)[at->nr++] = shard;
}

/**
 * state_store_unlink() - it has it no more
 * @s: the state
 * @store: its slot
 * @shard: slot of the shard
 */
void state_store_unlink(struct state *s, u32 store, u32 shard)
{
	struct state_store *at = state_store_at(s, store);
	u32 *list = state_store_list(s, store);
	u32 i;

	for (i = 0; i < at->nr && list[i] != shard; i++)
		;
	if (STATE_BUG(i == at->nr))
		return;
	list[i] = list[--at->nr];
}

static struct state_tomb *state_tomb_at(const struct state *s, u32 slot)
{
	return state_object(s, STATE_TOMBS, slot);
}

/**
 * state_tomb_link() - a tombstone is the last one of its store
 * @s: the state
 * @slot: the tombstone
 */
void state_tomb_link(struct state *s, u32 slot)
{
	struct state_tomb *tomb = state_tomb_at(s, slot);
	struct state_store *store = state_store_at(s, tomb->store);

	tomb->next = STATE_NONE;
	tomb->prev = store->tomb_last;
	if (store->tomb_last == STATE_NONE)
		store->tomb = slot;
	else
		state_tomb_at(s, store->tomb_last)->next = slot;
	store->tomb_last = slot;
	store->nr_tombs++;
}

/**
 * state_tomb_drop() - its replica is gone
 * @s: the state
 * @slot: the tombstone
 */
void state_tomb_drop(struct state *s, u32 slot)
{
	struct state_tomb *tomb = state_tomb_at(s, slot);
	struct state_store *store = state_store_at(s, tomb->store);

	if (tomb->prev == STATE_NONE)
		store->tomb = tomb->next;
	else
		state_tomb_at(s, tomb->prev)->next = tomb->next;
	if (tomb->next == STATE_NONE)
		store->tomb_last = tomb->prev;
	else
		state_tomb_at(s, tomb->next)->prev = tomb->prev;
	store->nr_tombs--;
	state_give(s, STATE_TOMBS, slot);
}

/* The removed store with the lowest id makes room. */
static void state_store_forget(struct state *s)
{
	u32 slot, oldest = STATE_NONE;
	struct state_store *store;

	for (slot = state_next(s, STATE_STORES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_STORES, slot + 1)) {
		store = state_store_at(s, slot);
		if (store->state == STATE_STORE_REMOVED &&
		    (oldest == STATE_NONE ||
		     store->id < state_store_at(s, oldest)->id))
			oldest = slot;
	}
	if (STATE_BUG(oldest == STATE_NONE))
		return;
	state_index_del(s, STATE_BY_STORE_ID, oldest);
	state_index_del(s, STATE_BY_STORE_UUID, oldest);
	state_give(s, STATE_STORES, oldest);
}

static bool state_store_may_come(const struct state *s,
				 const struct state_cmd *cmd,
				 const struct state_node *node,
				 struct state_result *res)
{
	u32 slot = state_find_bytes(s, STATE_BY_STORE_UUID, cmd->uuid);
	const struct state_store *store;

	if (slot != STATE_NONE) {
		store = state_store_at(s, slot);
		if (store->state == STATE_STORE_REMOVED)
			state_no(res, STATE_WHY_STORE_REMOVED, store->id, 0, 0);
		else
			state_no(res, STATE_WHY_STORE_TAKEN, store->id,
				 store->node, 0);
	} else if (mem_is_zero(cmd->uuid, sizeof(cmd->uuid)) || !cmd->size ||
		   cmd->size > STATE_NUMBER_MAX ||
		   cmd->count > STATE_NUMBER_MAX) {
		state_no(res, STATE_WHY_BAD, 8, 0, 0);
	} else if (node->nr_stores == STATE_NODE_STORES_MAX) {
		state_no(res, STATE_WHY_STORES_FULL, STATE_NODE_STORES_MAX, 0,
			 0);
	} else if (s->stores >= s->limits.stores) {
		state_no(res, STATE_WHY_STORES_FULL, s->limits.stores, 0, 0);
	} else if (s->cluster.next_store == U32_MAX) {
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	}
	return !res->why;
}

/**
 * state_do_store_add() - a store comes into use
 * @s: the state
 * @cmd: the command
 * @res: its id
 */
void state_do_store_add(struct state *s, const struct state_cmd *cmd,
			struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);
	struct state_store *store;
	u32 slot;

	if (!node || !state_store_may_come(s, cmd, node, res))
		return;
	if (s->pool[STATE_STORES].nr == s->pool[STATE_STORES].max)
		state_store_forget(s);
	slot = state_take(s, STATE_STORES);
	if (STATE_BUG(slot == STATE_NONE))
		return;
	store = state_store_at(s, slot);
	store->id = s->cluster.next_store++;
	memcpy(store->uuid, cmd->uuid, sizeof(store->uuid));
	store->node = node->id;
	store->state = STATE_STORE_ACTIVE;
	store->capacity = cmd->size;
	store->free = cmd->size;
	store->opens = cmd->count;
	store->tomb = STATE_NONE;
	store->tomb_last = STATE_NONE;
	state_index_add(s, STATE_BY_STORE_ID, slot);
	state_index_add(s, STATE_BY_STORE_UUID, slot);
	node->store[node->nr_stores++] = slot;
	s->stores++;
	res->arg[0] = store->id;
	state_touch(s, STATE_KIND_STORE, store->id, 0);
}

/* Servers of level 1 refuse LOST, with the same answer. */
static bool state_store_may_be(const struct state *s, u8 state)
{
	if (state == STATE_STORE_LOST)
		return s->cluster.setting[STATE_SET_FEATURE] >= 2;
	return state >= STATE_STORE_ACTIVE && state < STATE_STORE_REMOVED;
}

/**
 * state_do_store_state() - a store failed, is gone, drains, is back, or lost
 * @s: the state
 * @cmd: the command
 * @res: its result
 *
 * One that is lost stays so: it goes by itself, and has said for whom to wait.
 */
void state_do_store_state(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	struct state_store *store;
	u32 slot;
	bool away = cmd->state == STATE_STORE_FAILED ||
		    cmd->state == STATE_STORE_GONE ||
		    cmd->state == STATE_STORE_LOST;

	store = state_store_live(s, cmd->store, &slot, res);
	if (!store)
		return;
	if (!state_store_may_be(s, cmd->state)) {
		state_no(res, STATE_WHY_BAD, 9, 0, 0);
		return;
	}
	if (store->state == STATE_STORE_LOST &&
	    cmd->state != STATE_STORE_LOST && !QBD_MUTANT(state_lost_back)) {
		state_no(res, STATE_WHY_STORE_STATE, store->id, store->state,
			 0);
		return;
	}
	store->state = cmd->state;
	if (!away)
		store->gone_ms = 0;
	else if (!store->gone_ms)
		store->gone_ms = s->cluster.now_ms;
	state_touch(s, STATE_KIND_STORE, store->id, 0);
}

#define STATE_REPORT_BYTES 20

static bool state_report_next(struct state_in *in, u32 *store, u64 *opens,
			      u64 *free_bytes)
{
	*store = state_get(in, 4);
	*opens = state_get(in, 8);
	*free_bytes = state_get(in, 8);
	return !in->bad;
}

static bool state_report_good(const struct state *s,
			      const struct state_cmd *cmd,
			      struct state_result *res)
{
	struct state_in in = { cmd->rest.data, cmd->rest.bytes, false };
	struct state_store *store;
	u32 id, slot;
	u64 opens, free_bytes;

	if (cmd->rest.bytes % STATE_REPORT_BYTES) {
		state_no(res, STATE_WHY_BAD, 10, 0, 0);
		return false;
	}
	while (!res->why && state_report_next(&in, &id, &opens, &free_bytes)) {
		store = state_store_live(s, id, &slot, res);
		if (!store)
			return false;
		if (store->node != cmd->node || opens > STATE_NUMBER_MAX)
			state_no(res, STATE_WHY_BAD, 11, 0, 0);
		else if (opens < store->opens &&
			 !QBD_MUTANT(state_opens_go_back))
			state_no(res, STATE_WHY_STORE_ROLLED_BACK, id,
				 store->opens, opens);
	}
	return !res->why;
}

/**
 * state_do_store_report() - what a node says of its stores
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_store_report(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res)
{
	struct state_in in = { cmd->rest.data, cmd->rest.bytes, false };
	struct state_store *store;
	u32 id, slot;
	u64 opens, free_bytes;

	if (!state_node_live(s, cmd->node, res) ||
	    !state_report_good(s, cmd, res))
		return;
	while (state_report_next(&in, &id, &opens, &free_bytes)) {
		slot = state_find(s, STATE_BY_STORE_ID, id);
		store = state_store_at(s, slot);
		/* named twice, the lower count second: the higher one stays */
		store->opens = max(store->opens, opens);
		store->free = min(free_bytes, store->capacity);
		state_touch(s, STATE_KIND_STORE, id, 0);
	}
}

/* What is on it belongs to volumes that are being deleted: it is gone, too. */
static bool state_store_purge(struct state *s, u32 slot,
			      struct state_result *res)
{
	struct state_store *store = state_store_at(s, slot);
	const u32 *list = state_store_list(s, slot);
	u32 i, volume;

	for (i = 0; i < store->nr; i++) {
		volume = state_find(s, STATE_BY_VOLUME_ID,
				    state_shard_at(s, list[i])->volume);
		if (state_volume_at(s, volume)->state !=
		    STATE_VOLUME_DELETING) {
			state_no(res, STATE_WHY_STORE_HOLDS, store->id,
				 store->nr, 0);
			return false;
		}
	}
	while (store->nr)
		state_shard_drop_store(s, list[store->nr - 1], slot);
	while (store->tomb != STATE_NONE)
		state_tomb_drop(s, store->tomb);
	return true;
}

/**
 * state_do_store_remove() - a store is removed for ever
 * @s: the state
 * @cmd: the command
 * @res: its result
 *
 * Nothing that anybody wants may be on it.  Its tombstones go with it.
 */
void state_do_store_remove(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res)
{
	struct state_store *store;
	struct state_node *node;
	u32 slot, i;

	store = state_store_live(s, cmd->store, &slot, res);
	if (!store || !state_store_purge(s, slot, res))
		return;
	node = state_node_at(s, state_find(s, STATE_BY_NODE_ID, store->node));
	for (i = 0; i < node->nr_stores && node->store[i] != slot; i++)
		;
	if (STATE_BUG(i == node->nr_stores))
		return;
	node->store[i] = node->store[--node->nr_stores];
	store->state = STATE_STORE_REMOVED;
	store->free = 0;
	s->stores--;
	state_touch(s, STATE_KIND_STORE, store->id, 0);
}
