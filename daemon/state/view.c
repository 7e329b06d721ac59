// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others need to know (view.h).
 */
#include "inner.h"
#include "view.h"

static const void *state_by(const struct state *s, enum state_by by, u64 id)
{
	u32 slot = state_find(s, by, id);

	return slot == STATE_NONE ?
		       NULL :
		       state_object(s, state_index_table(by), slot);
}

static const void *state_by_key(const struct state *s, enum state_by by,
				const void *key)
{
	u32 slot = state_find_bytes(s, by, key);

	return slot == STATE_NONE ?
		       NULL :
		       state_object(s, state_index_table(by), slot);
}

/**
 * state_node_by_id() - a node
 * @s: the state
 * @id: its id
 *
 * Return: it, removed or not; or NULL.
 */
const struct state_node *state_node_by_id(const struct state *s, u32 id)
{
	return state_by(s, STATE_BY_NODE_ID, id);
}

/**
 * state_node_by_name() - a node
 * @s: the state
 * @name: its name
 *
 * Return: it, if it is not removed; or NULL.
 */
const struct state_node *state_node_by_name(const struct state *s,
					    const char *name)
{
	return state_by_key(s, STATE_BY_NODE_NAME, name);
}

/**
 * state_node_by_key() - who is that?
 * @s: the state
 * @key: the public key that a connection proved
 *
 * Return: the node, removed or not; or NULL.
 */
const struct state_node *state_node_by_key(const struct state *s,
					   const u8 key[32])
{
	return state_by_key(s, STATE_BY_NODE_KEY, key);
}

/**
 * state_store_by_id() - a store
 * @s: the state
 * @id: its id
 *
 * Return: it, removed or not; or NULL.
 */
const struct state_store *state_store_by_id(const struct state *s, u32 id)
{
	return state_by(s, STATE_BY_STORE_ID, id);
}

/**
 * state_store_by_uuid() - a store
 * @s: the state
 * @uuid: what stands in its superblock
 *
 * Return: it, removed or not; or NULL.
 */
const struct state_store *state_store_by_uuid(const struct state *s,
					      const u8 uuid[16])
{
	return state_by_key(s, STATE_BY_STORE_UUID, uuid);
}

/**
 * state_volume_by_id() - a volume
 * @s: the state
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct state_volume *state_volume_by_id(const struct state *s, u32 id)
{
	return state_by(s, STATE_BY_VOLUME_ID, id);
}

/**
 * state_volume_by_name() - a volume
 * @s: the state
 * @name: its name
 *
 * Return: it or NULL.
 */
const struct state_volume *state_volume_by_name(const struct state *s,
						const char *name)
{
	return state_by_key(s, STATE_BY_VOLUME_NAME, name);
}

/**
 * state_token_by_id() - a token
 * @s: the state
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct state_token *state_token_by_id(const struct state *s, u64 id)
{
	return state_by(s, STATE_BY_TOKEN, id);
}

/**
 * state_job_by_id() - a job
 * @s: the state
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct state_job *state_job_by_id(const struct state *s, u64 id)
{
	return state_by(s, STATE_BY_JOB, id);
}

/* The object from @slot on; @slot is the one behind it then. */
static const void *state_walk(const struct state *s, enum state_table table,
			      u32 *slot)
{
	u32 at = state_next(s, table, *slot);

	if (at == STATE_NONE)
		return NULL;
	*slot = at + 1;
	return state_object(s, table, at);
}

/**
 * state_node_walk() - all nodes
 * @s: the state
 * @slot: 0 at first
 *
 * Return: the next one, removed or not; NULL: there is none.
 */
const struct state_node *state_node_walk(const struct state *s, u32 *slot)
{
	return state_walk(s, STATE_NODES, slot);
}

/**
 * state_store_walk() - all stores
 * @s: the state
 * @slot: 0 at first
 *
 * Return: the next one, removed or not; NULL: there is none.
 */
const struct state_store *state_store_walk(const struct state *s, u32 *slot)
{
	return state_walk(s, STATE_STORES, slot);
}

/**
 * state_volume_walk() - all volumes
 * @s: the state
 * @slot: 0 at first
 *
 * Return: the next one; NULL: there is none.
 */
const struct state_volume *state_volume_walk(const struct state *s, u32 *slot)
{
	return state_walk(s, STATE_VOLUMES, slot);
}

/**
 * state_token_walk() - all tokens
 * @s: the state
 * @slot: 0 at first
 *
 * Return: the next one; NULL: there is none.
 */
const struct state_token *state_token_walk(const struct state *s, u32 *slot)
{
	return state_walk(s, STATE_TOKENS, slot);
}

/**
 * state_job_walk() - all jobs
 * @s: the state
 * @slot: 0 at first
 *
 * Return: the next one; NULL: there is none.
 */
const struct state_job *state_job_walk(const struct state *s, u32 *slot)
{
	return state_walk(s, STATE_JOBS, slot);
}

/**
 * state_held_walk() - the volumes that a node holds
 * @s: the state
 * @node: id of the node
 * @slot: STATE_NONE at first
 *
 * Return: the next one; NULL: there is none.
 */
const struct state_volume *state_held_walk(const struct state *s, u32 node,
					   u32 *slot)
{
	const struct state_node *holder = state_node_by_id(s, node);

	if (*slot != STATE_NONE)
		*slot = state_volume_at(s, *slot)->held_next;
	else
		*slot = holder ? holder->held : STATE_NONE;
	return *slot == STATE_NONE ? NULL : state_volume_at(s, *slot);
}

static void state_view_member(const struct state *s,
			      struct state_shard_view *view, u64 member,
			      u8 role, bool made)
{
	view->member[view->nr++] = (struct state_member_view){
		.replica = STATE_MEMBER_ID(member),
		.node = state_node_of(s, member),
		.store = state_store_at(s, STATE_MEMBER_STORE(member))->id,
		.role = role,
		.made = made,
	};
}

static void state_view_set(const struct state *s, u32 slot,
			   struct state_shard_view *view)
{
	const struct state_shard *shard = state_shard_at(s, slot);
	const struct state_change *change = state_change_of(s, slot, NULL);
	const u64 *member = state_members(s, shard);
	static const u8 joins[] = {
		[STATE_STAGE_LEARN] = STATE_ROLE_LEARNER,
		[STATE_STAGE_JOINT] = STATE_ROLE_JOINING,
		[STATE_STAGE_SETTLE] = STATE_ROLE_GONE,
	};
	bool joint = change && change->stage == STATE_STAGE_JOINT;
	u32 i;

	memset(view, 0, sizeof(*view));
	view->volume = shard->volume;
	view->number = shard->number;
	view->epoch = shard->epoch;
	view->stage = change ? change->stage : 0;
	for (i = 0; i < shard->nr; i++) {
		bool leaves = change && change->leave & (1U << i);

		state_view_member(s, view, member[i],
				  joint && leaves ? STATE_ROLE_LEAVING :
						    STATE_ROLE_VOTER,
				  shard->flags & (1U << i));
		view->member[i].leaves = leaves;
	}
	for (i = 0; change && i < change->nr; i++)
		state_view_member(s, view, change->add[i], joins[change->stage],
				  change->stage != STATE_STAGE_LEARN ||
					  change->made & (1U << i));
}

/**
 * state_view_shard() - a shard with its set
 * @s: the state
 * @volume: id
 * @number: in it
 * @view: the shard
 *
 * Return: 0 or -ENOENT.
 */
int state_view_shard(const struct state *s, u32 volume, u32 number,
		     struct state_shard_view *view)
{
	u32 slot =
		state_find(s, STATE_BY_SHARD, state_shard_key(volume, number));

	if (slot == STATE_NONE)
		return -ENOENT;
	state_view_set(s, slot, view);
	return 0;
}

/**
 * state_change_walk() - all sets that are being changed
 * @s: the state
 * @slot: 0 at first
 * @view: the next one's shard
 *
 * Return: false: there is none.
 */
bool state_change_walk(const struct state *s, u32 *slot,
		       struct state_shard_view *view)
{
	const struct state_change *change = state_walk(s, STATE_CHANGES, slot);

	if (!change)
		return false;
	state_view_set(s, change->shard, view);
	return true;
}

/**
 * state_view_store() - a shard of which a store has a replica
 * @s: the state
 * @store: id of the store
 * @at: which of them, in no particular order
 * @view: the shard
 *
 * Return: 0; -ENOENT: it has not so many.
 */
int state_view_store(const struct state *s, u32 store, u32 at,
		     struct state_shard_view *view)
{
	u32 slot = state_find(s, STATE_BY_STORE_ID, store);

	if (slot == STATE_NONE || at >= state_store_at(s, slot)->nr)
		return -ENOENT;
	state_view_set(
		s, s->store_shard[(size_t)slot * s->limits.store_replicas + at],
		view);
	return 0;
}

static void state_replicas_store(struct state_replicas *walk)
{
	const struct state_node *node = state_node_at(walk->s, walk->node);

	walk->at = 0;
	walk->tomb = STATE_NONE;
	if (walk->store < node->nr_stores)
		walk->tomb =
			state_store_at(walk->s, node->store[walk->store])->tomb;
}

/**
 * state_replicas_begin() - a walk over all that a node has, or has to delete
 * @walk: what keeps track
 * @s: the state
 * @node: id of the node
 *
 * Return: 0 or -ENOENT.
 */
int state_replicas_begin(struct state_replicas *walk, const struct state *s,
			 u32 node)
{
	memset(walk, 0, sizeof(*walk));
	walk->s = s;
	walk->node = state_find(s, STATE_BY_NODE_ID, node);
	if (walk->node == STATE_NONE)
		return -ENOENT;
	state_replicas_store(walk);
	return 0;
}

/* The one replica that @node has of a shard. */
static void state_view_replica(const struct state *s, u32 slot, u32 node,
			       struct state_replica_view *view)
{
	const struct state_shard *shard = state_shard_at(s, slot);
	const struct state_volume *volume =
		state_volume_by_id(s, shard->volume);
	u32 i;

	state_view_set(s, slot, &view->shard);
	for (i = 0; i < view->shard.nr; i++)
		if (view->shard.member[i].node == node)
			break;
	if (STATE_BUG(i == view->shard.nr || !volume))
		return;
	view->replica = view->shard.member[i].replica;
	view->todo = view->shard.member[i].made ? STATE_TODO_KEEP :
						  STATE_TODO_CREATE;
	view->bytes = 1ULL << volume->shift;
	view->floor = volume->term;
	if (volume->state != STATE_VOLUME_DELETING)
		return;
	view->todo = STATE_TODO_DELETE;
	view->bytes = 0;
}

/**
 * state_replicas_next() - the next replica of a node
 * @walk: what keeps track
 * @view: the replica
 *
 * Return: false: there is none.
 */
bool state_replicas_next(struct state_replicas *walk,
			 struct state_replica_view *view)
{
	const struct state *s = walk->s;
	const struct state_node *node = state_node_at(s, walk->node);
	const struct state_store *store;
	const struct state_tomb *tomb;
	u32 slot;

	for (; walk->store < node->nr_stores;
	     walk->store++, state_replicas_store(walk)) {
		slot = node->store[walk->store];
		store = state_store_at(s, slot);
		memset(view, 0, sizeof(*view));
		view->store = store->id;
		if (walk->at < store->nr) {
			slot = s->store_shard[(size_t)slot *
						      s->limits.store_replicas +
					      walk->at++];
			state_view_replica(s, slot, node->id, view);
			return true;
		}
		if (walk->tomb == STATE_NONE)
			continue;
		tomb = state_object(s, STATE_TOMBS, walk->tomb);
		walk->tomb = tomb->next;
		view->todo = STATE_TODO_DELETE;
		view->replica = tomb->replica;
		view->shard.volume = tomb->volume;
		view->shard.number = tomb->number;
		view->shard.epoch = tomb->epoch;
		return true;
	}
	return false;
}

/**
 * state_tomb_walk() - the replicas that a store still has to delete
 * @s: the state
 * @store: its id
 * @slot: STATE_NONE at first
 *
 * Without those of a volume that is being deleted: these are members still.
 *
 * Return: the next one, in the order they came; NULL: there is none.
 */
const struct state_tomb *state_tomb_walk(const struct state *s, u32 store,
					 u32 *slot)
{
	const struct state_store *of = state_store_by_id(s, store);
	const struct state_tomb *last;

	if (*slot != STATE_NONE) {
		last = state_object(s, STATE_TOMBS, *slot);
		*slot = last->next;
	} else {
		*slot = of ? of->tomb : STATE_NONE;
	}
	return *slot == STATE_NONE ? NULL : state_object(s, STATE_TOMBS, *slot);
}

static void state_bit(const struct state *s, u32 node, u64 *bits, u32 words)
{
	u32 slot = state_find(s, STATE_BY_NODE_ID, node);

	if (slot != STATE_NONE && slot / 64 < words)
		bits[slot / 64] |= 1ULL << slot % 64;
}

/* Who has to do with a shard. */
static void state_shard_nodes(const struct state *s, u32 slot, u64 *bits,
			      u32 words)
{
	const struct state_shard *shard = state_shard_at(s, slot);
	const struct state_volume *volume =
		state_volume_by_id(s, shard->volume);
	struct state_shard_view view;
	u32 i;

	state_view_set(s, slot, &view);
	for (i = 0; i < view.nr; i++)
		state_bit(s, view.member[i].node, bits, words);
	if (volume && volume->hold)
		state_bit(s, volume->holder, bits, words);
}

static void state_volume_nodes(const struct state *s,
			       const struct state_volume *volume, u64 *bits,
			       u32 words)
{
	u32 number, slot;

	for (number = 0; number < volume->shards; number++) {
		slot = state_find(s, STATE_BY_SHARD,
				  state_shard_key(volume->id, number));
		if (slot != STATE_NONE)
			state_shard_nodes(s, slot, bits, words);
	}
}

/**
 * state_view_peers() - nodes whose kernels a node needs links to
 * @s: the state
 * @node: id of the node
 * @bits: a bit for each slot of a node (state_node_walk())
 * @words: length of @bits, for limits.node_slots bits
 *
 * Those who have a replica of a shard that it has one of, or that it holds; and
 * those who hold one that it has.
 *
 * Return: 0 or -ENOENT.
 */
int state_view_peers(const struct state *s, u32 node, u64 *bits, u32 words)
{
	u32 own = state_find(s, STATE_BY_NODE_ID, node), i, j, slot;
	const struct state_volume *volume;
	const struct state_node *of;

	memset(bits, 0, 8 * (size_t)words);
	if (own == STATE_NONE)
		return -ENOENT;
	of = state_node_at(s, own);
	for (i = 0; i < of->nr_stores; i++) {
		const u32 *list =
			s->store_shard +
			(size_t)of->store[i] * s->limits.store_replicas;

		for (j = 0; j < state_store_at(s, of->store[i])->nr; j++)
			state_shard_nodes(s, list[j], bits, words);
	}
	slot = STATE_NONE;
	while ((volume = state_held_walk(s, node, &slot)))
		state_volume_nodes(s, volume, bits, words);
	if (own / 64 < words)
		bits[own / 64] &= ~(1ULL << own % 64);
	return 0;
}

/**
 * state_view_audience() - who needs to know of a change?
 * @s: the state
 * @item: what changed
 * @bits: a bit for each slot of a node
 * @words: length of @bits
 *
 * Of a volume: who has a replica, holds it or shall. A holder that was put
 * aside has an item of its own.
 *
 * Return: true: everybody, @bits say nothing.
 */
bool state_view_audience(const struct state *s, const struct state_item *item,
			 u64 *bits, u32 words)
{
	const struct state_volume *volume;
	const struct state_store *store;
	u32 slot, i;

	memset(bits, 0, 8 * (size_t)words);
	if (item->kind == STATE_KIND_CLUSTER || item->kind == STATE_KIND_NODE)
		return true;
	if (item->kind == STATE_KIND_HOLDER)
		state_bit(s, item->id, bits, words);
	if (item->kind == STATE_KIND_STORE) {
		store = state_store_by_id(s, item->id);
		if (store)
			state_bit(s, store->node, bits, words);
	}
	if (item->kind == STATE_KIND_SHARD) {
		slot = state_find(s, STATE_BY_SHARD,
				  state_shard_key(item->id, item->number));
		if (slot != STATE_NONE)
			state_shard_nodes(s, slot, bits, words);
	}
	if (item->kind != STATE_KIND_VOLUME)
		return false;
	volume = state_volume_by_id(s, item->id);
	/* it is gone: whoever had to do with it is not known any more */
	if (!volume)
		return true;
	state_volume_nodes(s, volume, bits, words);
	state_bit(s, volume->holder, bits, words);
	state_bit(s, volume->want, bits, words);
	for (i = 0; i < volume->nr_autos; i++)
		state_bit(s, volume->autos[i], bits, words);
	return false;
}

/**
 * state_view_counts() - how many there are of everything
 * @s: the state
 * @counts: the numbers
 */
void state_view_counts(const struct state *s, struct state_counts *counts)
{
	const struct state_volume *volume;
	const struct state_store *store;
	const struct state_node *node;
	const struct state_job *job;
	u32 slot;

	memset(counts, 0, sizeof(*counts));
	for (slot = 0; (node = state_node_walk(s, &slot));)
		counts->nodes[node->state]++;
	for (slot = 0; (store = state_store_walk(s, &slot));)
		counts->stores[store->state]++;
	for (slot = 0; (volume = state_volume_walk(s, &slot));) {
		counts->volumes[volume->state]++;
		counts->held += volume->hold == STATE_HOLD_DEVICE;
		counts->repaired += volume->hold == STATE_HOLD_REPAIR;
		counts->unmade += volume->state == STATE_VOLUME_DELETING ?
					  0 :
					  volume->unmade;
	}
	for (slot = 0; (job = state_job_walk(s, &slot));)
		counts->jobs += job->state < STATE_JOB_DONE;
	counts->shards = s->pool[STATE_SHARDS].nr;
	counts->changing = s->pool[STATE_CHANGES].nr;
	counts->tombs = s->pool[STATE_TOMBS].nr;
}
