// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables and indexes (table.h).
 */
#include "inner.h"

/* A key: a number, a text, or bytes; and where it is in an object. */
struct state_by_what {
	u8 table;
	u8 type;
	u16 at;
	u16 size;
};

#define BY(tab, kind, owner, field)                                           \
	{                                                                     \
		.table = (tab), .type = (kind), .at = offsetof(owner, field), \
		.size = sizeof_field(owner, field)                            \
	}

static const struct state_by_what state_by_what[STATE_BYS] = {
	[STATE_BY_NODE_ID] = BY(STATE_NODES, STATE_U32, struct state_node, id),
	[STATE_BY_NODE_NAME] =
		BY(STATE_NODES, STATE_TEXT, struct state_node, name),
	[STATE_BY_NODE_KEY] =
		BY(STATE_NODES, STATE_RAW, struct state_node, key),
	[STATE_BY_STORE_ID] =
		BY(STATE_STORES, STATE_U32, struct state_store, id),
	[STATE_BY_STORE_UUID] =
		BY(STATE_STORES, STATE_RAW, struct state_store, uuid),
	[STATE_BY_VOLUME_ID] =
		BY(STATE_VOLUMES, STATE_U32, struct state_volume, id),
	[STATE_BY_VOLUME_NAME] =
		BY(STATE_VOLUMES, STATE_TEXT, struct state_volume, name),
	[STATE_BY_SHARD] =
		BY(STATE_SHARDS, STATE_REST, struct state_shard, volume),
	[STATE_BY_CHANGE] =
		BY(STATE_CHANGES, STATE_U32, struct state_change, shard),
	[STATE_BY_TOKEN] = BY(STATE_TOKENS, STATE_U64, struct state_token, id),
	[STATE_BY_JOB] = BY(STATE_JOBS, STATE_U64, struct state_job, id),
	[STATE_BY_CLIENT] =
		BY(STATE_CLIENTS, STATE_U64, struct state_client, id),
};

/**
 * state_index_cells() - length of an index
 * @max: objects that it has room for
 *
 * Return: a power of two, at least half as much again.
 */
u32 state_index_cells(u32 max)
{
	u32 cells = 4;

	while (cells < max + max / 2)
		cells *= 2;
	return cells;
}

/**
 * state_index_table() - whose index is it?
 * @by: the index
 *
 * Return: the table.
 */
enum state_table state_index_table(enum state_by by)
{
	return state_by_what[by].table;
}

static void state_pool_mark(struct state_pool *pool, u32 slot)
{
	pool->used[slot / 64] |= 1ULL << slot % 64;
	pool->nr++;
	pool->high = max(pool->high, slot + 1);
	memset(pool->mem + (size_t)slot * pool->size, 0, pool->size);
}

/**
 * state_take() - the lowest free slot
 * @s: the state
 * @table: of which table
 *
 * Return: the slot, zeros; STATE_NONE: all are used.
 */
u32 state_take(struct state *s, enum state_table table)
{
	struct state_pool *pool = &s->pool[table];
	u32 word = pool->low / 64;

	if (pool->nr >= pool->max)
		return STATE_NONE;
	while (pool->used[word] == U64_MAX)
		word++;
	pool->low = word * 64 + (u32)__builtin_ctzll(~pool->used[word]);
	if (QBD_MUTANT(state_slot_in_memory) && pool->high < pool->max)
		pool->low = pool->high;
	state_pool_mark(pool, pool->low);
	return pool->low;
}

/**
 * state_take_at() - this slot
 * @s: the state
 * @table: of which table
 * @slot: the slot
 *
 * Return: false: it is used, or there is none.
 */
bool state_take_at(struct state *s, enum state_table table, u32 slot)
{
	struct state_pool *pool = &s->pool[table];

	if (slot >= pool->max || state_used(s, table, slot))
		return false;
	state_pool_mark(pool, slot);
	return true;
}

/**
 * state_give() - a slot is free again
 * @s: the state
 * @table: of which table
 * @slot: the slot
 */
void state_give(struct state *s, enum state_table table, u32 slot)
{
	struct state_pool *pool = &s->pool[table];

	if (STATE_BUG(!state_used(s, table, slot)))
		return;
	pool->used[slot / 64] &= ~(1ULL << slot % 64);
	pool->nr--;
	pool->low = min(pool->low, slot);
}

/**
 * state_used() - is there an object?
 * @s: the state
 * @table: of which table
 * @slot: the slot, any number
 *
 * Return: true if so.
 */
bool state_used(const struct state *s, enum state_table table, u32 slot)
{
	const struct state_pool *pool = &s->pool[table];

	return slot < pool->max && pool->used[slot / 64] >> slot % 64 & 1;
}

/**
 * state_next() - the next object
 * @s: the state
 * @table: of which table
 * @from: the first slot to look at
 *
 * Return: its slot or STATE_NONE.
 */
u32 state_next(const struct state *s, enum state_table table, u32 from)
{
	const struct state_pool *pool = &s->pool[table];
	u64 word;

	while (from < pool->high) {
		word = pool->used[from / 64] >> from % 64;
		if (word)
			return from + (u32)__builtin_ctzll(word);
		from = from / 64 * 64 + 64;
	}
	return STATE_NONE;
}

/*
 * A cell has the slot and one, and four bits of the hash above it: most objects
 * that are not the one are passed over without a look at their memory.
 */
#define STATE_CELL_BITS 28
#define STATE_CELL_SLOT(cell) (((cell) & ((1U << STATE_CELL_BITS) - 1)) - 1)
#define STATE_CELL_TAG(hash) ((hash) >> STATE_CELL_BITS)
#define STATE_CELL(hash, slot) \
	(STATE_CELL_TAG(hash) << STATE_CELL_BITS | ((slot) + 1))

static u32 state_hash_number(u64 number)
{
	number = (number ^ number >> 32) * 0x9e3779b97f4a7c15ULL;
	return number >> 32;
}

static u32 state_hash_bytes(const u8 *key, u32 bytes)
{
	u64 hash = 0xcbf29ce484222325ULL;
	u32 i;

	for (i = 0; i < bytes; i++)
		hash = (hash ^ key[i]) * 0x100000001b3ULL;
	return state_hash_number(hash);
}

static u32 state_hash_key(const struct state_by_what *what, const void *key)
{
	u32 bytes = what->size;

	if (what->type == STATE_TEXT)
		bytes = strnlen(key, bytes);
	return state_hash_bytes(key, bytes);
}

/* The number that an object is found by; what has none is found by bytes. */
static u64 state_number_of(const struct state_by_what *what, const void *object)
{
	const struct state_shard *shard = object;
	u32 v32;
	u64 v64;

	if (what->type == STATE_REST)
		return state_shard_key(shard->volume, shard->number);
	if (what->type == STATE_U32) {
		memcpy(&v32, (const u8 *)object + what->at, sizeof(v32));
		return v32;
	}
	memcpy(&v64, (const u8 *)object + what->at, sizeof(v64));
	return v64;
}

static bool state_by_bytes(const struct state_by_what *what)
{
	return what->type == STATE_TEXT || what->type == STATE_RAW;
}

static u32 state_hash_of(const struct state *s,
			 const struct state_by_what *what, u32 slot)
{
	const u8 *object = state_object(s, what->table, slot);

	if (state_by_bytes(what))
		return state_hash_key(what, object + what->at);
	return state_hash_number(state_number_of(what, object));
}

/**
 * state_find() - the object with this number
 * @s: the state
 * @by: an index of numbers
 * @number: the number
 *
 * Return: its slot or STATE_NONE.
 */
u32 state_find(const struct state *s, enum state_by by, u64 number)
{
	const struct state_by_what *what = &state_by_what[by];
	const struct state_index *index = &s->index[by];
	u32 hash = state_hash_number(number), at = hash & index->mask, slot;

	for (; index->cell[at]; at = (at + 1) & index->mask) {
		if (index->cell[at] >> STATE_CELL_BITS != STATE_CELL_TAG(hash))
			continue;
		slot = STATE_CELL_SLOT(index->cell[at]);
		if (state_number_of(what, state_object(s, what->table, slot)) ==
		    number)
			return slot;
	}
	return STATE_NONE;
}

/**
 * state_find_bytes() - the object with this name, key or uuid
 * @s: the state
 * @by: an index of texts or bytes
 * @key: the text, ended by NUL; or the bytes
 *
 * Return: its slot or STATE_NONE.
 */
u32 state_find_bytes(const struct state *s, enum state_by by, const void *key)
{
	const struct state_by_what *what = &state_by_what[by];
	const struct state_index *index = &s->index[by];
	u32 hash = state_hash_key(what, key), at = hash & index->mask, slot;
	const u8 *seen;

	for (; index->cell[at]; at = (at + 1) & index->mask) {
		if (index->cell[at] >> STATE_CELL_BITS != STATE_CELL_TAG(hash))
			continue;
		slot = STATE_CELL_SLOT(index->cell[at]);
		seen = (const u8 *)state_object(s, what->table, slot) +
		       what->at;
		if (what->type == STATE_TEXT ?
			    !strcmp((const char *)seen, key) :
			    !memcmp(seen, key, what->size))
			return slot;
	}
	return STATE_NONE;
}

/**
 * state_index_add() - an object can be found
 * @s: the state
 * @by: the index
 * @slot: the object, which is not in it
 */
void state_index_add(struct state *s, enum state_by by, u32 slot)
{
	struct state_index *index = &s->index[by];
	u32 hash = state_hash_of(s, &state_by_what[by], slot);
	u32 at = hash & index->mask;

	while (index->cell[at])
		at = (at + 1) & index->mask;
	index->cell[at] = STATE_CELL(hash, slot);
}

/*
 * The cells behind @hole move back, if that does not put them before the cell
 * that they hash to; else they would not be found any more.
 */
static void state_index_close(struct state *s, enum state_by by, u32 hole)
{
	struct state_index *index = &s->index[by];
	u32 at = hole, home;

	for (;;) {
		at = (at + 1) & index->mask;
		if (!index->cell[at])
			break;
		home = state_hash_of(s, &state_by_what[by],
				     STATE_CELL_SLOT(index->cell[at])) &
		       index->mask;
		if (((at - home) & index->mask) >=
		    ((at - hole) & index->mask)) {
			index->cell[hole] = index->cell[at];
			hole = at;
		}
	}
	index->cell[hole] = 0;
}

/**
 * state_index_del() - an object can not be found any more
 * @s: the state
 * @by: the index
 * @slot: the object, with its key as it was when it was added
 */
void state_index_del(struct state *s, enum state_by by, u32 slot)
{
	struct state_index *index = &s->index[by];
	u32 hash = state_hash_of(s, &state_by_what[by], slot);
	u32 at = hash & index->mask;

	while (index->cell[at] && index->cell[at] != STATE_CELL(hash, slot))
		at = (at + 1) & index->mask;
	if (STATE_BUG(!index->cell[at]))
		return;
	state_index_close(s, by, at);
}
