// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects by key (map.h).
 */
#include "map.h"

/**
 * agent_key_cmp() - which key comes first?
 * @a: a key
 * @b: another one
 *
 * Return: below 0, 0, above 0, as memcmp().
 */
int agent_key_cmp(const struct agent_key *a, const struct agent_key *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return 0;
}

/**
 * agent_map_from() - where a walk begins
 * @map: objects
 * @key: the first one, or whatever follows it
 *
 * Return: its place, @map->nr: there is none.
 */
u32 agent_map_from(const struct agent_map *map, struct agent_key key)
{
	u32 low = 0, high = map->nr, mid;

	/* mostly what comes belongs at the end */
	if (high && agent_key_cmp(map->at[high - 1], &key) < 0)
		return high;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (agent_key_cmp(map->at[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/**
 * agent_map_find() - an object
 * @map: objects
 * @key: its key
 *
 * Return: it or NULL.
 */
void *agent_map_find(const struct agent_map *map, struct agent_key key)
{
	u32 at = agent_map_from(map, key);

	if (at == map->nr || agent_key_cmp(map->at[at], &key))
		return NULL;
	return map->at[at];
}

static int agent_map_grow(struct agent_map *map)
{
	u32 room = map->room ? map->room * 2 : 16;
	void **at;

	if (map->nr >= map->max)
		return -ENOSPC;
	if (map->nr < map->room)
		return 0;
	at = realloc(map->at, room * sizeof(*at));
	if (!at)
		return -ENOMEM;
	map->at = at;
	map->room = room;
	return 0;
}

/**
 * agent_map_put() - an object comes, or takes the place of the one before
 * @map: objects
 * @object: it; of malloc(), the map's if this succeeds
 *
 * Return: 0, -ENOSPC, or -ENOMEM.
 */
int agent_map_put(struct agent_map *map, void *object)
{
	const struct agent_key *key = object;
	u32 at = agent_map_from(map, *key);
	int err;

	if (at < map->nr && !agent_key_cmp(map->at[at], key)) {
		if (map->at[at] != object)
			free(map->at[at]);
		map->at[at] = object;
		return 0;
	}
	err = agent_map_grow(map);
	if (err)
		return err;
	memmove(map->at + at + 1, map->at + at,
		(map->nr - at) * sizeof(*map->at));
	map->at[at] = object;
	map->nr++;
	return 0;
}

/**
 * agent_map_make() - the object, a new one of zeros if there is none
 * @map: objects
 * @key: its key
 * @bytes: of it
 *
 * Return: it; NULL: no room for it.
 */
void *agent_map_make(struct agent_map *map, struct agent_key key, size_t bytes)
{
	void *object = agent_map_find(map, key);

	if (object)
		return object;
	object = calloc(1, bytes);
	if (!object)
		return NULL;
	*(struct agent_key *)object = key;
	if (!agent_map_put(map, object))
		return object;
	free(object);
	return NULL;
}

/**
 * agent_map_del() - an object goes, if there is one
 * @map: objects
 * @key: its key
 */
void agent_map_del(struct agent_map *map, struct agent_key key)
{
	u32 at = agent_map_from(map, key);

	if (at == map->nr || agent_key_cmp(map->at[at], &key))
		return;
	free(map->at[at]);
	map->nr--;
	memmove(map->at + at, map->at + at + 1,
		(map->nr - at) * sizeof(*map->at));
}

/**
 * agent_map_clear() - all go
 * @map: objects; good for use again
 */
void agent_map_clear(struct agent_map *map)
{
	u32 i;

	for (i = 0; i < map->nr; i++)
		free(map->at[i]);
	free(map->at);
	map->at = NULL;
	map->nr = 0;
	map->room = 0;
}
