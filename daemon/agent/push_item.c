// SPDX-License-Identifier: GPL-2.0-only
/*
 * Items of a node from the replicated state (item.h).
 */
#include "push_item.h"

static void item_cluster(const struct state *s, const struct state_node *node,
			 struct want_cluster *to)
{
	const struct state_cluster *cluster = state_cluster(s);

	memcpy(to->uuid, cluster->uuid, sizeof(to->uuid));
	to->lineage = cluster->lineage;
	to->term_floor = cluster->term_floor;
	to->node = node->id;
	memcpy(to->name, node->name, sizeof(to->name));
	to->lease_ms = cluster->setting[STATE_SET_LEASE_MS];
	to->suspect_ms = cluster->setting[STATE_SET_SUSPECT_AFTER];
}

static bool item_peer(const struct state *s, const struct state_node *node,
		      struct want_peer *to)
{
	const struct state_node *peer = state_node_by_id(s, to->key.id);
	u32 i;

	if (!peer || peer == node || peer->state == STATE_NODE_REMOVED)
		return false;
	memcpy(to->name, peer->name, sizeof(to->name));
	for (i = 0; i < peer->nr_addrs; i++)
		if (peer->addr[i].use == 1)
			to->addr[to->nr_addrs++] = peer->addr[i];
	return true;
}

static bool item_store(const struct state *s, const struct state_node *node,
		       struct want_store *to)
{
	const struct state_store *store = state_store_by_id(s, to->key.id);

	if (!store || store->node != node->id)
		return false;
	memcpy(to->uuid, store->uuid, sizeof(to->uuid));
	/* for its node it failed: what more was decided is not its business */
	to->state = store->state == STATE_STORE_LOST ? STATE_STORE_FAILED :
						       store->state;
	to->capacity = store->capacity;
	to->free = store->free;
	to->opens = store->opens;
	return true;
}

static bool item_tombs(const struct state *s, const struct state_node *node,
		       struct want_tombs *to)
{
	const struct state_store *store = state_store_by_id(s, to->key.id);
	const struct state_tomb *tomb;
	u32 slot = STATE_NONE;

	if (!store || store->node != node->id)
		return false;
	while (to->nr < ARRAY_SIZE(to->tomb) &&
	       (tomb = state_tomb_walk(s, store->id, &slot)))
		to->tomb[to->nr++] =
			(struct want_tomb){ .replica = tomb->replica,
					    .epoch = tomb->epoch,
					    .volume = tomb->volume,
					    .number = tomb->number };
	return to->nr;
}

static bool item_shard(const struct state *s, const struct state_node *node,
		       struct want_shard *to)
{
	const struct state_volume *volume = state_volume_by_id(s, to->key.id);
	struct state_shard_view view;
	bool mine;
	u32 i;

	if (!volume || state_view_shard(s, volume->id, to->key.number, &view))
		return false;
	mine = volume->hold && volume->holder == node->id;
	to->epoch = view.epoch;
	to->stage = view.stage;
	for (i = 0; i < view.nr; i++) {
		const struct state_member_view *member = &view.member[i];

		if (member->node == node->id) {
			to->store = member->store;
			mine = true;
		}
		to->member[to->nr++] =
			(struct want_member){ .replica = member->replica,
					      .node = member->node,
					      .role = member->role,
					      .made = member->made };
	}
	return mine && to->nr;
}

static void item_volume(const struct state *s, const struct state_node *node,
			const struct state_volume *volume,
			struct want_volume *to)
{
	u64 shards = (max(volume->size, volume->grow) +
		      (1ULL << volume->shift) - 1) >>
		     volume->shift;

	memcpy(to->name, volume->name, sizeof(to->name));
	to->state = volume->state;
	to->shift = volume->shift;
	to->on_no_quorum = volume->on_no_quorum;
	to->reads = volume->reads;
	to->hold = volume->hold;
	to->release = volume->hold == STATE_HOLD_DEVICE &&
		      volume->holder == node->id && volume->want != node->id;
	to->whole = !volume->unmade && volume->shards == shards;
	to->no_quorum_ms = volume->no_quorum_ms;
	to->size = volume->size;
	to->grow = volume->grow;
	to->term = volume->term;
	to->holder = volume->holder;
	to->want = volume->want;
	to->session = volume->session;
	to->shards = volume->shards;
	if (to->holder == node->id)
		memcpy(to->run, volume->run, sizeof(to->run));
}

/*
 * A volume that is not there, by its id: was it, and has been deleted?  Of one
 * that is older than the last restore nobody knows: the lost ones may have made
 * it, and it runs (state/cluster.c).
 */
static bool item_volume_gone(const struct state *s, u64 id)
{
	const struct state_cluster *cluster = state_cluster(s);
	u32 next = cluster->next_volume;

	if (cluster->term_floor &&
	    id < next / STATE_RESTORE_IDS * STATE_RESTORE_IDS)
		return false;
	return id < next;
}

/**
 * push_item() - an item of a node
 * @s: the state
 * @node: id of the node
 * @asked: VOLUME: it is asked for, whether it has to do with the node or not
 * @item: with its key; the rest is filled
 *
 * Return: false: there is no such item for that node.
 */
bool push_item(const struct state *s, u32 node, bool asked,
	       union want_item *item)
{
	const struct state_node *of = state_node_by_id(s, node);
	const struct state_volume *volume;
	struct agent_key key = item->key;

	if (!of)
		return false;
	memset(item, 0, sizeof(*item));
	item->key = key;
	switch ((enum want_kind)key.kind) {
	case WANT_CLUSTER:
		item_cluster(s, of, &item->cluster);
		return true;
	case WANT_PEER:
		return item_peer(s, of, &item->peer);
	case WANT_STORE:
		return item_store(s, of, &item->store);
	case WANT_TOMBS:
		return item_tombs(s, of, &item->tombs);
	case WANT_SHARD:
		return item_shard(s, of, &item->shard);
	case WANT_VOLUME:
	case WANT_KINDS:
		break;
	}
	volume = state_volume_by_id(s, key.id);
	if (!volume)
		return asked && item_volume_gone(s, key.id);
	if (!asked && volume->holder != node && volume->want != node)
		return false;
	item_volume(s, of, volume, &item->volume);
	return true;
}

/**
 * push_keys() - the items that a node has, by the state
 * @s: the state
 * @node: id of the node
 * @add: given each key; VOLUME and PEER follow from the others' (push.c)
 * @arg: passed to it
 */
void push_keys(const struct state *s, u32 node,
	       void (*add)(void *arg, struct agent_key key), void *arg)
{
	const struct state_volume *volume;
	struct state_replica_view view;
	const struct state_store *store;
	struct state_replicas walk;
	u32 slot, i;

	add(arg, AGENT_KEY(WANT_CLUSTER, 0, 0));
	/* of those that were removed, too: that is when they are closed */
	for (slot = 0; (store = state_store_walk(s, &slot));) {
		if (store->node != node)
			continue;
		add(arg, AGENT_KEY(WANT_STORE, store->id, 0));
		add(arg, AGENT_KEY(WANT_TOMBS, store->id, 0));
	}
	if (state_replicas_begin(&walk, s, node))
		return;
	while (state_replicas_next(&walk, &view))
		if (view.shard.nr)
			add(arg, AGENT_KEY(WANT_SHARD, view.shard.volume,
					   view.shard.number));
	slot = STATE_NONE;
	while ((volume = state_held_walk(s, node, &slot)))
		for (i = 0; i < volume->shards; i++)
			add(arg, AGENT_KEY(WANT_SHARD, volume->id, i));
	for (slot = 0; (volume = state_volume_walk(s, &slot));)
		if (volume->want == node || volume->holder == node)
			add(arg, AGENT_KEY(WANT_VOLUME, volume->id, 0));
}
