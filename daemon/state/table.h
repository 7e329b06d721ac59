/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of objects, and the indexes that find them.
 *
 * A table is an array of fixed length and a bit for each slot that is used. The
 * lowest free slot is taken: so the slot of an object follows from the commands
 * alone, and from a snapshot that has it.  An index is an open hash table of
 * slots, linear probing, emptied by moving back, at most two thirds full: four
 * to seven bytes for each object, and no tombstones that would make it slower
 * with the years.
 */
#ifndef QBD_STATE_TABLE_H
#define QBD_STATE_TABLE_H

#include "object.h"

/**
 * enum state_table - tables
 * @STATE_NODES: struct state_node
 * @STATE_STORES: struct state_store
 * @STATE_VOLUMES: struct state_volume
 * @STATE_SHARDS: struct state_shard; their slots may differ between servers
 * @STATE_WIDES: struct state_wide; as these
 * @STATE_CHANGES: struct state_change; as these
 * @STATE_TOMBS: struct state_tomb; as these
 * @STATE_TOKENS: struct state_token
 * @STATE_JOBS: struct state_job
 * @STATE_CLIENTS: struct state_client
 * @STATE_TABLES: how many tables
 */
enum state_table {
	STATE_NODES,
	STATE_STORES,
	STATE_VOLUMES,
	STATE_SHARDS,
	STATE_WIDES,
	STATE_CHANGES,
	STATE_TOMBS,
	STATE_TOKENS,
	STATE_JOBS,
	STATE_CLIENTS,
	STATE_TABLES,
};

/**
 * enum state_by - indexes
 * @STATE_BY_NODE_ID: nodes, removed ones too
 * @STATE_BY_NODE_NAME: nodes that are not removed
 * @STATE_BY_NODE_KEY: nodes, removed ones too: a key never comes back
 * @STATE_BY_STORE_ID: stores, removed ones too
 * @STATE_BY_STORE_UUID: stores, removed ones too
 * @STATE_BY_VOLUME_ID: volumes
 * @STATE_BY_VOLUME_NAME: volumes
 * @STATE_BY_SHARD: shards, by volume and number
 * @STATE_BY_CHANGE: changes, by the slot of their shard
 * @STATE_BY_TOKEN: tokens
 * @STATE_BY_JOB: jobs
 * @STATE_BY_CLIENT: clients
 * @STATE_BYS: how many indexes
 */
enum state_by {
	STATE_BY_NODE_ID,
	STATE_BY_NODE_NAME,
	STATE_BY_NODE_KEY,
	STATE_BY_STORE_ID,
	STATE_BY_STORE_UUID,
	STATE_BY_VOLUME_ID,
	STATE_BY_VOLUME_NAME,
	STATE_BY_SHARD,
	STATE_BY_CHANGE,
	STATE_BY_TOKEN,
	STATE_BY_JOB,
	STATE_BY_CLIENT,
	STATE_BYS,
};

/**
 * struct state_pool - a table
 * @mem: the objects
 * @used: a bit for each slot
 * @size: bytes of an object
 * @max: slots
 * @nr: slots in use
 * @low: no slot below it is free
 * @high: no slot from it on is used
 */
struct state_pool {
	u8 *mem;
	u64 *used;
	u32 size;
	u32 max;
	u32 nr;
	u32 low;
	u32 high;
};

/**
 * struct state_index - an index
 * @cell: slot + 1, or 0
 * @mask: cells - 1, a power of two less one
 */
struct state_index {
	u32 *cell;
	u32 mask;
};

struct state;

u32 state_index_cells(u32 max);
enum state_table state_index_table(enum state_by by);
u32 state_take(struct state *s, enum state_table table);
bool state_take_at(struct state *s, enum state_table table, u32 slot);
void state_give(struct state *s, enum state_table table, u32 slot);
bool state_used(const struct state *s, enum state_table table, u32 slot);
u32 state_next(const struct state *s, enum state_table table, u32 from);
u32 state_find(const struct state *s, enum state_by by, u64 number);
u32 state_find_bytes(const struct state *s, enum state_by by, const void *key);
void state_index_add(struct state *s, enum state_by by, u32 slot);
void state_index_del(struct state *s, enum state_by by, u32 slot);

/**
 * state_shard_key() - what a shard is found by
 * @volume: id
 * @number: in it
 *
 * Return: the number for state_find().
 */
static inline u64 state_shard_key(u32 volume, u32 number)
{
	return (u64)volume << 32 | number;
}

#endif /* QBD_STATE_TABLE_H */
