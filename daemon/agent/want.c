// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a node has to have: the node's side (want.h).
 */
#include "want.h"

/**
 * want_init() - nothing is known
 * @want: it
 */
void want_init(struct want *want)
{
	memset(want, 0, sizeof(*want));
	want->now.max = WANT_ITEMS_MAX;
	want->next.max = WANT_ITEMS_MAX;
	want->dead = true;
}

/* What came of a stream and does not count yet. */
static void want_drop(struct want *want)
{
	u32 i;

	for (i = 0; i < want->next.nr; i++)
		want->bytes -= want_item_bytes(want->next.at[i]);
	agent_map_clear(&want->next);
	want->later_bytes = 0;
	want->full = false;
}

/**
 * want_free() - give all memory back
 * @want: it
 */
void want_free(struct want *want)
{
	want_drop(want);
	agent_map_clear(&want->now);
	free(want->later);
	memset(want, 0, sizeof(*want));
}

/**
 * want_end() - the stream is of no use any more: the session was lost, or who
 * leads is somebody else
 * @want: it; what was committed stays
 */
void want_end(struct want *want)
{
	want_drop(want);
	want->dead = true;
}

/* One item of @map is so, or gone. */
static int want_set(struct want *want, struct agent_map *map,
		    const union want_item *item, bool gone)
{
	union want_item *old = agent_map_find(map, item->key), *copy;
	size_t bytes, less = old ? want_item_bytes(old) : 0;
	int err;

	if (gone) {
		agent_map_del(map, item->key);
		want->bytes -= less;
		return 0;
	}
	bytes = want_item_bytes(item);
	if (want->bytes + bytes > WANT_BYTES_MAX)
		return -ENOSPC;
	copy = malloc(bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, item, bytes);
	err = agent_map_put(map, copy);
	if (err)
		free(copy);
	else
		want->bytes += bytes - less;
	return err;
}

/* Changes wait as they came: what they say is good, which was looked at. */
static int want_keep(struct want *want, const u8 *data, u32 bytes)
{
	u64 room = want->later_room ?: 4096;
	u8 *later;

	while (room < want->later_bytes + bytes)
		room *= 2;
	if (room > WANT_BYTES_MAX)
		return -ENOSPC;
	if (room != want->later_room) {
		later = realloc(want->later, room);
		if (!later)
			return -ENOMEM;
		want->later = later;
		want->later_room = room;
	}
	if (bytes)
		memcpy(want->later + want->later_bytes, data, bytes);
	want->later_bytes += bytes;
	return 0;
}

/* All of @data is items; with @map they are set there. */
static int want_items(struct want *want, struct agent_map *map, const u8 *data,
		      u32 bytes)
{
	struct state_in in = { data, bytes, false };
	union want_item item;
	bool gone;
	int err;

	while (in.left) {
		if (!want_item_get(&in, &item, &gone))
			return -EBADMSG;
		err = map ? want_set(want, map, &item, gone) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int want_commit(struct want *want, u64 term, u64 index)
{
	struct agent_map old;
	u32 i;
	int err;

	if (index < want->index && !QBD_MUTANT(agent_want_goes_back))
		return -ESTALE;
	if (!want->full) {
		err = want_items(want, &want->now, want->later,
				 want->later_bytes);
		/* half of it is in force: no better than none */
		want->good = want->good && !err;
		if (err)
			return err;
	} else {
		for (i = 0; i < want->now.nr; i++)
			want->bytes -= want_item_bytes(want->now.at[i]);
		old = want->now;
		want->now = want->next;
		want->next = old;
		agent_map_clear(&want->next);
		want->good = true;
		want->full = false;
		want->fulls++;
	}
	want->later_bytes = 0;
	want->term = term;
	want->index = index;
	want->commits++;
	return 0;
}

static int want_message(struct want *want, struct state_in *in)
{
	u8 version = state_get(in, 1), flags = state_get(in, 1);
	u16 zero = state_get(in, 2);
	u32 number = state_get(in, 4);
	u64 stream = state_get(in, 8), term = state_get(in, 8);
	u64 index = state_get(in, 8);
	bool full = flags & WANT_FULL, commit = flags & WANT_COMMIT;
	int err;

	if (in->bad || version != WANT_VERSION || zero ||
	    flags & ~(WANT_FULL | WANT_COMMIT) || full != !number || !stream ||
	    !commit == !!index)
		return -EBADMSG;
	if (full) {
		want_drop(want);
		want->dead = false;
		want->full = true;
		want->stream = stream;
		want->number = 0;
	}
	if (want->dead)
		return -ECANCELED;
	if (stream != want->stream || number != want->number)
		return -ESTALE;
	want->number++;
	err = want_items(want, want->full ? &want->next : NULL, in->at,
			 in->left);
	if (!err && !want->full)
		err = want_keep(want, in->at, in->left);
	if (!err && QBD_MUTANT(agent_want_half) && want->full)
		commit = true;
	return err || !commit ? err : want_commit(want, term, index);
}

/**
 * want_take() - a message of who leads
 * @want: what there is; see @commits
 * @data: the message
 * @bytes: its length
 *
 * Return: 0; -EBADMSG: it makes no sense; -ESTALE: it does not follow, or would
 * go back; -ENOSPC, -ENOMEM. Whatever it is, the stream is over, and who leads
 * has to be told (want_hello()); but -ECANCELED: it was over before.
 */
int want_take(struct want *want, const void *data, u32 bytes)
{
	struct state_in in = { data, bytes, false };
	int err = bytes > WANT_MSG_MAX ? -EBADMSG : want_message(want, &in);

	if (!err)
		return 0;
	want->refused++;
	want_end(want);
	return err;
}

/**
 * want_hello() - how far a node is
 * @want: what it has
 * @hello: what it says
 */
void want_hello(const struct want *want, struct want_hello *hello)
{
	bool on = want->good && !want->dead && !want->full;

	hello->stream = on ? want->stream : 0;
	hello->number = on ? want->number : 0;
	hello->index = want->good ? want->index : 0;
}

/**
 * want_hello_put() - that as bytes
 * @hello: what it says
 * @to: the bytes
 */
void want_hello_put(const struct want_hello *hello, u8 to[WANT_HELLO_BYTES])
{
	struct state_out out = { .at = to, .left = WANT_HELLO_BYTES };

	state_put(&out, WANT_VERSION, 4);
	state_put(&out, hello->number, 4);
	state_put(&out, hello->stream, 8);
	state_put(&out, hello->index, 8);
}

/**
 * want_hello_get() - and back
 * @data: the bytes
 * @bytes: how many
 * @hello: what it says
 *
 * Return: 0 or -EBADMSG.
 */
int want_hello_get(const void *data, u32 bytes, struct want_hello *hello)
{
	struct state_in in = { data, bytes, false };
	u32 version = state_get(&in, 4);

	hello->number = state_get(&in, 4);
	hello->stream = state_get(&in, 8);
	hello->index = state_get(&in, 8);
	return in.bad || in.left || version != WANT_VERSION ? -EBADMSG : 0;
}

static const void *want_find(const struct want *want, enum want_kind kind,
			     u64 id, u32 number)
{
	return agent_map_find(&want->now, AGENT_KEY(kind, id, number));
}

/**
 * want_cluster() - the cluster
 * @want: what there is
 *
 * Return: it or NULL.
 */
const struct want_cluster *want_cluster(const struct want *want)
{
	return want_find(want, WANT_CLUSTER, 0, 0);
}

/**
 * want_volume() - a volume
 * @want: what there is
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct want_volume *want_volume(const struct want *want, u32 id)
{
	return want_find(want, WANT_VOLUME, id, 0);
}

/**
 * want_shard() - a shard
 * @want: what there is
 * @volume: id
 * @number: in it
 *
 * Return: it or NULL.
 */
const struct want_shard *want_shard(const struct want *want, u32 volume,
				    u32 number)
{
	return want_find(want, WANT_SHARD, volume, number);
}

/**
 * want_store() - a store of this node
 * @want: what there is
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct want_store *want_store(const struct want *want, u32 id)
{
	return want_find(want, WANT_STORE, id, 0);
}

/**
 * want_mine() - the copy that this node has of a shard
 * @want: what there is
 * @shard: the shard
 *
 * Return: the member or NULL.
 */
const struct want_member *want_mine(const struct want *want,
				    const struct want_shard *shard)
{
	const struct want_cluster *cluster = want_cluster(want);
	u32 i;

	for (i = 0; cluster && shard->store && i < shard->nr; i++)
		if (shard->member[i].node == cluster->node)
			return &shard->member[i];
	return NULL;
}

/**
 * want_next() - all items of a kind
 * @want: what there is
 * @kind: the kind
 * @at: 0 at first; good until the next want_take()
 *
 * Return: the next one; NULL: there is none.
 */
const union want_item *want_next(const struct want *want, enum want_kind kind,
				 u32 *at)
{
	const union want_item *item;

	if (!*at)
		*at = agent_map_from(&want->now, AGENT_KEY(kind, 0, 0));
	if (*at >= want->now.nr)
		return NULL;
	item = want->now.at[(*at)++];
	return item->key.kind == kind ? item : NULL;
}

/**
 * want_whole() - are all these shards of a volume known?
 * @want: what there is
 * @volume: the volume
 * @shards: how many, from 0
 *
 * Return: true if so.
 */
bool want_whole(const struct want *want, const struct want_volume *volume,
		u32 shards)
{
	u32 from = agent_map_from(&want->now,
				  AGENT_KEY(WANT_SHARD, volume->key.id, 0));
	const union want_item *last;

	if (!shards || from + shards > want->now.nr)
		return false;
	/* they are in order, and each is there once */
	last = want->now.at[from + shards - 1];
	return last->key.kind == WANT_SHARD && last->key.id == volume->key.id &&
	       last->key.number == shards - 1;
}
