// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel has (seen.h).
 */
#include "seen.h"

/**
 * seen_init() - nothing is known
 * @seen: it
 */
void seen_init(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->map.max = SEEN_MAX;
}

/**
 * seen_free() - give all memory back
 * @seen: it
 */
void seen_free(struct seen *seen)
{
	agent_map_clear(&seen->map);
	seen_init(seen);
}

/**
 * seen_begin() - a dump is asked for now
 * @seen: what is known
 * @kind: of what
 * @now_ms: the clock
 */
void seen_begin(struct seen *seen, enum seen_kind kind, u64 now_ms)
{
	seen->round[kind]++;
	seen->dumping[kind] = true;
	seen->failed[kind] = false;
	seen->dirty[kind] = false;
	seen->at_ms[kind] = now_ms;
}

static size_t seen_bytes(enum seen_kind kind)
{
	static const size_t bytes[SEEN_KINDS] = {
		[SEEN_NODE] = sizeof(struct seen_node),
		[SEEN_STORE] = sizeof(struct seen_store),
		[SEEN_REPLICA] = sizeof(struct seen_replica),
		[SEEN_VOLUME] = sizeof(struct seen_volume),
		[SEEN_SHARD] = sizeof(struct seen_shard),
		[SEEN_PEER] = sizeof(struct seen_peer),
	};

	return bytes[kind];
}

/* Another node than before, or the same that began anew. */
static bool seen_node_other(const struct seen *seen,
			    const struct seen_node *node)
{
	const struct seen_node *old = seen_node(seen);

	return !old || old->id != node->id || old->lineage != node->lineage ||
	       memcmp(old->cluster, node->cluster, sizeof(node->cluster)) ||
	       node->event_seq < old->event_seq;
}

/**
 * seen_put() - an object of a dump, whole or one of its own
 * @seen: what is known
 * @kind: of the object
 * @object: it, with id and number in its key
 *
 * Return: 0; -ENOSPC, -ENOMEM: the dump is not whole.
 */
int seen_put(struct seen *seen, enum seen_kind kind,
	     const union seen_object *object)
{
	struct agent_key key =
		AGENT_KEY(kind, object->key.id, object->key.number);
	union seen_object *to;

	if (kind == SEEN_NODE && seen_node_other(seen, &object->node)) {
		seen_stale_all(seen);
		/* this very dump is what is new */
		seen->dirty[SEEN_NODE] = false;
	}
	to = agent_map_make(&seen->map, key, seen_bytes(kind));
	if (!to) {
		seen->failed[kind] = true;
		return seen->map.nr >= seen->map.max ? -ENOSPC : -ENOMEM;
	}
	memcpy(to, object, seen_bytes(kind));
	to->key = key;
	/* all of them begin in the same way */
	to->node.round = seen->round[kind];
	return 0;
}

/* Objects of a kind that are not of this round go; all with @all. */
static void seen_sweep(struct seen *seen, enum seen_kind kind, bool all)
{
	u32 from = agent_map_from(&seen->map, AGENT_KEY(kind, 0, 0));
	u32 end = agent_map_from(&seen->map, AGENT_KEY(kind + 1, 0, 0));
	union seen_object *object;
	u32 i, to = from;

	for (i = from; i < end; i++) {
		object = seen->map.at[i];
		if (all || object->node.round != seen->round[kind])
			free(object);
		else
			seen->map.at[to++] = object;
	}
	if (to == end)
		return;
	memmove(seen->map.at + to, seen->map.at + end,
		(seen->map.nr - end) * sizeof(*seen->map.at));
	seen->map.nr -= end - to;
}

/**
 * seen_end() - a dump ended
 * @seen: what is known
 * @kind: of what
 * @whole: it was not interrupted, and did not fail; of SEEN_NODE "there is no
 *	node" is a whole one without objects
 */
void seen_end(struct seen *seen, enum seen_kind kind, bool whole)
{
	u32 other;

	if (!seen->dumping[kind])
		return;
	seen->dumping[kind] = false;
	if (!whole || seen->failed[kind])
		return;
	seen_sweep(seen, kind, QBD_MUTANT(agent_seen_forgets));
	seen->fresh[kind] = !seen->dirty[kind];
	if (kind != SEEN_NODE)
		return;
	seen->node = !!seen_node(seen);
	for (other = 0; !seen->node && other < SEEN_KINDS; other++) {
		seen_sweep(seen, other, true);
		seen->fresh[other] = false;
	}
	seen->fresh[SEEN_NODE] = !seen->dirty[SEEN_NODE];
}

/**
 * seen_stale() - something is about to change, or has
 * @seen: what is known
 * @kind: of what
 */
void seen_stale(struct seen *seen, enum seen_kind kind)
{
	seen->dirty[kind] = true;
	seen->fresh[kind] = false;
}

/**
 * seen_stale_all() - anything may have changed: events were lost
 * @seen: what is known
 */
void seen_stale_all(struct seen *seen)
{
	u32 kind;

	for (kind = 0; kind < SEEN_KINDS; kind++)
		seen_stale(seen, kind);
}

/**
 * seen_event() - the kernel says that something changed
 * @seen: what is known
 * @seq: number of the event
 * @kind: enum qbd_event_kind
 */
void seen_event(struct seen *seen, u64 seq, u32 kind)
{
	if (seen->seq && seq != seen->seq + 1) {
		seen->gaps++;
		seen_stale_all(seen);
	}
	seen->seq = seq;
	switch (kind) {
	case QBD_EVENT_KIND_NODE_STATE:
		seen_stale_all(seen);
		break;
	case QBD_EVENT_KIND_STORE_STATE:
		/* its replicas come and go with it */
		seen_stale(seen, SEEN_REPLICA);
		seen_stale(seen, SEEN_STORE);
		break;
	case QBD_EVENT_KIND_STORE_SPACE:
	case QBD_EVENT_KIND_CORRUPTION:
		seen_stale(seen, SEEN_STORE);
		break;
	case QBD_EVENT_KIND_REPLICA_STATE:
		/* of one that is here, or as who leads it sees a member */
		seen_stale(seen, SEEN_REPLICA);
		seen_stale(seen, SEEN_SHARD);
		break;
	case QBD_EVENT_KIND_VOLUME_STATE:
	case QBD_EVENT_KIND_VOLUME_SIZE:
	case QBD_EVENT_KIND_TERM_LOST:
	case QBD_EVENT_KIND_TERM_NEEDED:
		seen_stale(seen, SEEN_VOLUME);
		seen_stale(seen, SEEN_SHARD);
		break;
	case QBD_EVENT_KIND_SHARD_STATE:
	case QBD_EVENT_KIND_SET_COMMITTED:
		seen_stale(seen, SEEN_SHARD);
		break;
	case QBD_EVENT_KIND_LINK_STATE:
		seen_stale(seen, SEEN_PEER);
		break;
	default:
		break; /* nothing that is looked at here */
	}
}

/**
 * seen_fresh() - is what is known of a kind to be believed?
 * @seen: what is known
 * @kind: of what
 *
 * Return: true if so; else somebody has to take a dump.
 */
bool seen_fresh(const struct seen *seen, enum seen_kind kind)
{
	return seen->fresh[kind];
}

/**
 * seen_store_key() - what a store is found by
 * @uuid: of the store
 *
 * Return: the key.
 */
struct agent_key seen_store_key(const u8 uuid[16])
{
	struct agent_key key = { .kind = SEEN_STORE };

	memcpy(&key.id, uuid, 8);
	memcpy(&key.number, uuid + 8, 4);
	return key;
}

static const void *seen_find(const struct seen *seen, enum seen_kind kind,
			     u64 id, u32 number)
{
	return agent_map_find(&seen->map, AGENT_KEY(kind, id, number));
}

/**
 * seen_node() - the node
 * @seen: what is known
 *
 * Return: it or NULL.
 */
const struct seen_node *seen_node(const struct seen *seen)
{
	return seen_find(seen, SEEN_NODE, 0, 0);
}

/**
 * seen_store() - a store
 * @seen: what is known
 * @uuid: its uuid
 *
 * Return: it or NULL.
 */
const struct seen_store *seen_store(const struct seen *seen, const u8 uuid[16])
{
	struct agent_key key = seen_store_key(uuid);
	const struct seen_store *store =
		seen_find(seen, SEEN_STORE, key.id, key.number);

	return store && !memcmp(store->uuid, uuid, 16) ? store : NULL;
}

/**
 * seen_replica() - a replica
 * @seen: what is known
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct seen_replica *seen_replica(const struct seen *seen, u64 id)
{
	return seen_find(seen, SEEN_REPLICA, id, 0);
}

/**
 * seen_volume() - a volume that is attached
 * @seen: what is known
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct seen_volume *seen_volume(const struct seen *seen, u32 id)
{
	return seen_find(seen, SEEN_VOLUME, id, 0);
}

/**
 * seen_shard() - a shard that is led here
 * @seen: what is known
 * @volume: id
 * @number: in it
 *
 * Return: it or NULL.
 */
const struct seen_shard *seen_shard(const struct seen *seen, u32 volume,
				    u32 number)
{
	return seen_find(seen, SEEN_SHARD, volume, number);
}

/**
 * seen_peer() - another node
 * @seen: what is known
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct seen_peer *seen_peer(const struct seen *seen, u32 id)
{
	return seen_find(seen, SEEN_PEER, id, 0);
}

/**
 * seen_next() - all objects of a kind
 * @seen: what is known
 * @kind: the kind
 * @at: 0 at first; good until something is put, or ends
 *
 * Return: the next one; NULL: there is none.
 */
const union seen_object *seen_next(const struct seen *seen, enum seen_kind kind,
				   u32 *at)
{
	const union seen_object *object;

	if (!*at)
		*at = agent_map_from(&seen->map, AGENT_KEY(kind, 0, 0));
	if (*at >= seen->map.nr)
		return NULL;
	object = seen->map.at[(*at)++];
	return object->key.kind == kind ? object : NULL;
}
