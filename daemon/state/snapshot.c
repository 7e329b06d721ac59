// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state becomes the chunks of a snapshot (snapshot.h).
 */
#include "inner.h"
#include "record.h"
#include "snapshot.h"

#define STATE_SNAPSHOT_MAGIC 0x316e5371U /* "qSn1" */
#define STATE_SNAPSHOT_VERSION 1

/**
 * state_section_table() - whose objects are in a section?
 * @section: enum state_section, any number
 *
 * Return: the table; STATE_TABLES: none's.
 */
enum state_table state_section_table(u32 section)
{
	static const u8 table[] = {
		[STATE_SECTION_HEAD] = STATE_TABLES,
		[STATE_SECTION_NODES] = STATE_NODES,
		[STATE_SECTION_STORES] = STATE_STORES,
		[STATE_SECTION_VOLUMES] = STATE_VOLUMES,
		[STATE_SECTION_SHARDS] = STATE_SHARDS,
		[STATE_SECTION_TOMBS] = STATE_TOMBS,
		[STATE_SECTION_TOKENS] = STATE_TOKENS,
		[STATE_SECTION_JOBS] = STATE_JOBS,
		[STATE_SECTION_CLIENTS] = STATE_CLIENTS,
		[STATE_SECTION_END] = STATE_TABLES,
	};

	return section < ARRAY_SIZE(table) ? table[section] : STATE_TABLES;
}

/**
 * state_snapshot_begin() - encode a state
 * @snap: what keeps track
 * @s: the state
 */
void state_snapshot_begin(struct state_snapshot *snap, const struct state *s)
{
	memset(snap, 0, sizeof(*snap));
	snap->s = s;
	snap->applied = s->cluster.applied;
	snap->crc = ~0U;
}

static void state_head_put(const struct state *s, struct state_out *out)
{
	u32 i;

	state_fields_put(out, state_limits_fields, &s->limits);
	state_fields_put(out, state_cluster_fields, &s->cluster);
	for (i = 0; i < STATE_TABLES; i++)
		state_put(out, s->pool[i].nr, 4);
}

/* The next shard, by volume and number; STATE_NONE: there is none. */
static u32 state_shard_next(struct state_snapshot *snap)
{
	const struct state *s = snap->s;
	const struct state_volume *volume;
	u32 slot;

	for (;;) {
		snap->slot = state_next(s, STATE_VOLUMES, snap->slot);
		if (snap->slot == STATE_NONE)
			return STATE_NONE;
		volume = state_volume_at(s, snap->slot);
		for (; snap->number < volume->shards; snap->number++) {
			slot = state_find(s, STATE_BY_SHARD,
					  state_shard_key(volume->id,
							  snap->number));
			if (slot != STATE_NONE)
				return slot;
		}
		snap->slot++;
		snap->number = 0;
	}
}

/* The next tombstone; @number is its slot and one, 0 = the store's first. */
static u32 state_tomb_next(struct state_snapshot *snap)
{
	const struct state *s = snap->s;
	const struct state_store *store;
	u32 slot;

	for (;;) {
		if (snap->number)
			return snap->number - 1;
		snap->slot = state_next(s, STATE_STORES, snap->slot);
		if (snap->slot == STATE_NONE)
			return STATE_NONE;
		store = state_store_at(s, snap->slot);
		slot = store->tomb;
		if (slot != STATE_NONE)
			snap->number = slot + 1;
		else
			snap->slot++;
	}
}

/* One record more, if there is one and it fits; false: not. */
static bool state_record_put(struct state_snapshot *snap, struct state_out *out,
			     bool *more)
{
	enum state_table table = state_section_table(snap->section);
	const struct state *s = snap->s;
	struct state_out to = *out;
	u32 slot;

	if (table == STATE_SHARDS)
		slot = state_shard_next(snap);
	else if (table == STATE_TOMBS)
		slot = state_tomb_next(snap);
	else
		slot = state_next(s, table, snap->slot);
	*more = slot != STATE_NONE;
	if (!*more)
		return false;
	if (table == STATE_SHARDS) {
		state_shard_put(&to, s, slot);
	} else {
		if (table != STATE_TOMBS)
			state_put(&to, slot, 4);
		state_fields_put(&to, state_record_fields(table),
				 state_object(s, table, slot));
	}
	if (to.full)
		return false;
	*out = to;
	if (table == STATE_SHARDS) {
		snap->number++;
	} else if (table == STATE_TOMBS) {
		const struct state_tomb *tomb = state_object(s, table, slot);

		snap->number = tomb->next == STATE_NONE ? 0 : tomb->next + 1;
		snap->slot += tomb->next == STATE_NONE;
	} else {
		snap->slot = slot + 1;
	}
	return true;
}

/**
 * state_chunk_seal() - the head of a chunk
 * @buf: the chunk, with its records
 * @bytes: of it
 * @section: its section
 * @chunk: its number
 * @crc: of the chunk before
 *
 * Return: its crc.
 */
u32 state_chunk_seal(u8 *buf, u32 bytes, u32 section, u64 chunk, u32 crc)
{
	struct state_out out = { .at = buf, .left = STATE_CHUNK_HEAD };

	state_put(&out, STATE_SNAPSHOT_MAGIC, 4);
	state_put(&out, 0, 4);
	state_put(&out, bytes, 4);
	state_put(&out, section, 2);
	state_put(&out, STATE_SNAPSHOT_VERSION, 2);
	state_put(&out, chunk, 8);
	crc = crc32c(crc, buf + 8, bytes - 8);
	out = (struct state_out){ .at = buf + 4, .left = 4 };
	state_put(&out, crc, 4);
	return crc;
}

/**
 * state_chunk_open() - is this the chunk that follows?
 * @data: it
 * @bytes: its length
 * @chunk: number that it has to have
 * @crc: of the chunk before; becomes that of this one
 * @section: its section
 *
 * Return: NULL; or what is bad.
 */
const char *state_chunk_open(const u8 *data, u32 bytes, u64 chunk, u32 *crc,
			     u32 *section)
{
	struct state_in in = { .at = data, .left = bytes };
	u32 magic = state_get(&in, 4), want = state_get(&in, 4);
	u32 length = state_get(&in, 4), version;

	*section = state_get(&in, 2);
	version = state_get(&in, 2);
	if (in.bad || magic != STATE_SNAPSHOT_MAGIC)
		return "no chunk of a snapshot";
	if (length != bytes || bytes > STATE_CHUNK_BYTES_MAX)
		return "a chunk has another length";
	*crc = crc32c(*crc, data + 8, bytes - 8);
	if (*crc != want)
		return "a chunk is damaged, or one before it is missing";
	if (version != STATE_SNAPSHOT_VERSION)
		return "a version that is not known here";
	if (state_get(&in, 8) != chunk || in.bad)
		return "a chunk is out of order";
	return NULL;
}

/**
 * state_chunk_bytes() - length of a chunk
 * @head: its first 12 bytes
 *
 * Return: its length, at most STATE_CHUNK_BYTES_MAX; -EBADMSG: that is none.
 */
int state_chunk_bytes(const void *head)
{
	struct state_in in = { .at = head, .left = 12 };
	u32 magic = state_get(&in, 4), bytes;

	state_get(&in, 4);
	bytes = state_get(&in, 4);
	if (magic != STATE_SNAPSHOT_MAGIC || bytes < STATE_CHUNK_HEAD ||
	    bytes > STATE_CHUNK_BYTES_MAX)
		return -EBADMSG;
	return bytes;
}

/**
 * state_snapshot_next() - the next chunk
 * @snap: what keeps track
 * @buf: for it
 * @size: of @buf, STATE_CHUNK_BYTES_MAX for the same bytes everywhere
 *
 * Return: its bytes; 0: there are no more; -EINVAL: @size is another; -ESTALE:
 * the state changed meanwhile.
 */
int state_snapshot_next(struct state_snapshot *snap, void *buf, u32 size)
{
	struct state_out out = { .at = (u8 *)buf + STATE_CHUNK_HEAD };
	u32 section = snap->section, bytes;
	bool more = false;

	if (section > STATE_SECTION_END)
		return 0;
	if (size != STATE_CHUNK_BYTES_MAX)
		return -EINVAL;
	if (snap->applied != snap->s->cluster.applied)
		return -ESTALE;
	out.left = size - STATE_CHUNK_HEAD;
	if (section == STATE_SECTION_HEAD)
		state_head_put(snap->s, &out);
	while (state_section_table(section) != STATE_TABLES &&
	       state_record_put(snap, &out, &more))
		;
	if (!more) {
		snap->section++;
		snap->slot = 0;
		snap->number = 0;
	}
	bytes = size - out.left;
	snap->crc =
		state_chunk_seal(buf, bytes, section, snap->chunk++, snap->crc);
	return bytes;
}
