// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a state: laid out by its limits alone, so that two states with
 * the same limits can be copied into each other.
 */
#include "inner.h"

/* Where the next part goes; the parts are aligned to cache lines. */
static u64 state_part(u64 *at, u64 bytes)
{
	u64 begin = ALIGN(*at, 64);

	*at = begin + bytes;
	return begin;
}

static void state_sizes(const struct state_limits *limits, u32 *max, u32 *size)
{
	max[STATE_NODES] = limits->node_slots;
	max[STATE_STORES] = limits->store_slots;
	max[STATE_VOLUMES] = limits->volumes;
	max[STATE_SHARDS] = limits->shards;
	max[STATE_WIDES] = limits->wides;
	max[STATE_CHANGES] = limits->changes;
	max[STATE_TOMBS] = limits->tombs;
	max[STATE_TOKENS] = limits->tokens;
	max[STATE_JOBS] = limits->jobs;
	max[STATE_CLIENTS] = limits->clients;
	size[STATE_NODES] = sizeof(struct state_node);
	size[STATE_STORES] = sizeof(struct state_store);
	size[STATE_VOLUMES] = sizeof(struct state_volume);
	size[STATE_SHARDS] = sizeof(struct state_shard);
	size[STATE_WIDES] = sizeof(struct state_wide);
	size[STATE_CHANGES] = sizeof(struct state_change);
	size[STATE_TOMBS] = sizeof(struct state_tomb);
	size[STATE_TOKENS] = sizeof(struct state_token);
	size[STATE_JOBS] = sizeof(struct state_job);
	size[STATE_CLIENTS] = sizeof(struct state_client);
}

static u64 state_pool_words(u32 max)
{
	return max / 64 + 1;
}

/* The whole of it; @s is NULL if only its length is of interest. */
static u64 state_layout(struct state *s, const struct state_limits *limits)
{
	u64 at = sizeof(struct state), part;
	u32 max[STATE_TABLES], size[STATE_TABLES], i, cells;

	state_sizes(limits, max, size);
	for (i = 0; i < STATE_TABLES; i++) {
		part = state_part(&at, (u64)max[i] * size[i]);
		if (s) {
			s->pool[i].mem = (u8 *)s + part;
			s->pool[i].size = size[i];
			s->pool[i].max = max[i];
		}
		part = state_part(&at, 8 * state_pool_words(max[i]));
		if (s)
			s->pool[i].used = (u64 *)((u8 *)s + part);
	}
	for (i = 0; i < STATE_BYS; i++) {
		cells = state_index_cells(max[state_index_table(i)]);
		part = state_part(&at, 4ULL * cells);
		if (s) {
			s->index[i].cell = (u32 *)((u8 *)s + part);
			s->index[i].mask = cells - 1;
		}
	}
	part = state_part(&at,
			  4ULL * limits->store_slots * limits->store_replicas);
	if (s)
		s->store_shard = (u32 *)((u8 *)s + part);
	return ALIGN(at, 64);
}

static bool state_limits_good(const struct state_limits *limits)
{
	u32 max[STATE_TABLES], size[STATE_TABLES], i;

	state_sizes(limits, max, size);
	for (i = 0; i < STATE_TABLES; i++)
		if (!max[i] || max[i] >= 1U << 28)
			return false;
	return limits->nodes && limits->nodes < limits->node_slots &&
	       limits->stores && limits->stores < limits->store_slots &&
	       limits->store_slots < U16_MAX && limits->store_replicas &&
	       limits->store_replicas <= U16_MAX;
}

/**
 * state_bytes() - memory for a state
 * @limits: how much it may have
 *
 * Return: bytes; 0: such limits are none.
 */
u64 state_bytes(const struct state_limits *limits)
{
	return state_limits_good(limits) ? state_layout(NULL, limits) : 0;
}

/**
 * state_create() - an empty state
 * @s: memory for it, zeros, aligned to 64: an anonymous mapping
 * @bytes: of it
 * @limits: how much it may have
 *
 * Return: 0; -EINVAL: such limits are none; -ENOSPC: it needs state_bytes().
 */
int state_create(struct state *s, u64 bytes, const struct state_limits *limits)
{
	u64 need = state_bytes(limits);

	if (!need)
		return -EINVAL;
	if (bytes < need)
		return -ENOSPC;
	s->limits = *limits;
	state_layout(s, limits);
	return 0;
}

/**
 * state_clone() - a second state with the same content
 * @to: memory as for state_create()
 * @bytes: of it
 * @from: the state
 *
 * For a snapshot that is to be encoded while commands go on being applied:
 * this is what they have to wait for.
 *
 * Return: as state_create().
 */
int state_clone(struct state *to, u64 bytes, const struct state *from)
{
	u32 per = from->limits.store_replicas, i, slot;
	int err = state_create(to, bytes, &from->limits);

	if (err)
		return err;
	to->cluster = from->cluster;
	to->nodes = from->nodes;
	to->stores = from->stores;
	to->shards_owed = from->shards_owed;
	for (i = 0; i < STATE_TABLES; i++) {
		const struct state_pool *pool = &from->pool[i];

		to->pool[i].nr = pool->nr;
		to->pool[i].low = pool->low;
		to->pool[i].high = pool->high;
		memcpy(to->pool[i].mem, pool->mem,
		       (size_t)pool->high * pool->size);
		memcpy(to->pool[i].used, pool->used,
		       8 * state_pool_words(pool->max));
	}
	for (i = 0; i < STATE_BYS; i++)
		memcpy(to->index[i].cell, from->index[i].cell,
		       4 * ((size_t)from->index[i].mask + 1));
	for (slot = state_next(from, STATE_STORES, 0); slot != STATE_NONE;
	     slot = state_next(from, STATE_STORES, slot + 1))
		memcpy(to->store_shard + (size_t)slot * per,
		       from->store_shard + (size_t)slot * per,
		       4 * (size_t)state_store_at(from, slot)->nr);
	return 0;
}

/**
 * state_bytes_used() - bytes that objects take
 * @s: the state
 *
 * Return: bytes of the slots in use, of the cells of their indexes, and of the
 * lists of stores.
 */
u64 state_bytes_used(const struct state *s)
{
	u64 bytes = sizeof(*s);
	u32 i, slot;

	for (i = 0; i < STATE_TABLES; i++)
		bytes += (u64)s->pool[i].high * s->pool[i].size +
			 s->pool[i].high / 8;
	for (i = 0; i < STATE_BYS; i++)
		if (s->pool[state_index_table(i)].nr)
			bytes += 4 * ((u64)s->index[i].mask + 1);
	for (slot = state_next(s, STATE_STORES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_STORES, slot + 1))
		bytes += 4ULL * state_store_at(s, slot)->nr;
	return bytes;
}

/**
 * state_limits() - how much there may be
 * @s: the state
 *
 * Return: the limits.
 */
const struct state_limits *state_limits(const struct state *s)
{
	return &s->limits;
}

/**
 * state_cluster() - the cluster
 * @s: the state
 *
 * Return: it; all zero before CLUSTER_INIT.
 */
const struct state_cluster *state_cluster(const struct state *s)
{
	return &s->cluster;
}
