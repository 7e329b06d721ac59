// SPDX-License-Identifier: GPL-2.0-only
/*
 * Items as bytes, and back (item.h).
 */
#include "item.h"

/* Operations */
#define WANT_PUT 1
#define WANT_GONE 2

#define CLUSTER(type, field) STATE_FIELD(type, struct want_cluster, field)
#define PEER(type, field) STATE_FIELD(type, struct want_peer, field)
#define ADDR(type, field) STATE_FIELD(type, struct state_addr, field)
#define STORE(type, field) STATE_FIELD(type, struct want_store, field)
#define TOMB(type, field) STATE_FIELD(type, struct want_tomb, field)
#define MEMBER(type, field) STATE_FIELD(type, struct want_member, field)
#define SHARD(type, field) STATE_FIELD(type, struct want_shard, field)
#define VOLUME(type, field) STATE_FIELD(type, struct want_volume, field)

static const struct state_field want_key_fields[] = {
	STATE_FIELD(STATE_U64, struct agent_key, id),
	STATE_FIELD(STATE_U32, struct agent_key, number),
	{ .type = STATE_END },
};

static const struct state_field want_cluster_fields[] = {
	CLUSTER(STATE_RAW, uuid),	CLUSTER(STATE_U64, lineage),
	CLUSTER(STATE_U64, term_floor), CLUSTER(STATE_U32, node),
	CLUSTER(STATE_TEXT, name),	CLUSTER(STATE_U32, lease_ms),
	CLUSTER(STATE_U32, suspect_ms), { .type = STATE_END },
};

static const struct state_field want_addr_fields[] = {
	ADDR(STATE_U8, use), ADDR(STATE_U8, family), ADDR(STATE_U16, port),
	ADDR(STATE_RAW, ip), { .type = STATE_END },
};

static const struct state_field want_peer_fields[] = {
	PEER(STATE_TEXT, name),
	STATE_FIELD_LIST(struct want_peer, addr, nr_addrs, want_addr_fields),
	{ .type = STATE_END },
};

static const struct state_field want_store_fields[] = {
	STORE(STATE_RAW, uuid),	    STORE(STATE_U8, state),
	STORE(STATE_U64, capacity), STORE(STATE_U64, free),
	STORE(STATE_U64, opens),    { .type = STATE_END },
};

static const struct state_field want_tomb_fields[] = {
	TOMB(STATE_U64, replica), TOMB(STATE_U64, epoch),
	TOMB(STATE_U32, volume),  TOMB(STATE_U16, number),
	{ .type = STATE_END },
};

static const struct state_field want_tombs_fields[] = {
	STATE_FIELD_LIST(struct want_tombs, tomb, nr, want_tomb_fields),
	{ .type = STATE_END },
};

static const struct state_field want_member_fields[] = {
	MEMBER(STATE_U64, replica), MEMBER(STATE_U32, node),
	MEMBER(STATE_U8, role),	    MEMBER(STATE_U8, made),
	{ .type = STATE_END },
};

static const struct state_field want_shard_fields[] = {
	SHARD(STATE_U64, epoch),
	SHARD(STATE_U8, stage),
	SHARD(STATE_U32, store),
	STATE_FIELD_LIST(struct want_shard, member, nr, want_member_fields),
	{ .type = STATE_END },
};

static const struct state_field want_volume_fields[] = {
	VOLUME(STATE_TEXT, name),	 VOLUME(STATE_U8, state),
	VOLUME(STATE_U8, shift),	 VOLUME(STATE_U8, on_no_quorum),
	VOLUME(STATE_U8, reads),	 VOLUME(STATE_U8, hold),
	VOLUME(STATE_U8, release),	 VOLUME(STATE_U8, whole),
	VOLUME(STATE_U32, no_quorum_ms), VOLUME(STATE_U64, size),
	VOLUME(STATE_U64, grow),	 VOLUME(STATE_U64, term),
	VOLUME(STATE_U32, holder),	 VOLUME(STATE_U32, want),
	VOLUME(STATE_U64, session),	 VOLUME(STATE_U32, shards),
	VOLUME(STATE_TEXT, run),	 { .type = STATE_END },
};

/* --- what makes sense -------------------------------------------------- */

static bool want_cluster_good(const union want_item *item)
{
	const struct want_cluster *cluster = &item->cluster;

	return !cluster->key.id && !cluster->key.number && cluster->node &&
	       state_name_good(cluster->name);
}

static bool want_peer_good(const union want_item *item)
{
	const struct want_peer *peer = &item->peer;
	u32 i;

	for (i = 0; i < peer->nr_addrs; i++)
		if ((peer->addr[i].family != 4 && peer->addr[i].family != 6) ||
		    !peer->addr[i].port)
			return false;
	return peer->key.id && peer->key.id <= U32_MAX && !peer->key.number &&
	       state_name_good(peer->name);
}

static bool want_store_good(const union want_item *item)
{
	const struct want_store *store = &item->store;

	return store->key.id && store->key.id <= U32_MAX &&
	       !store->key.number && store->state >= STATE_STORE_ACTIVE &&
	       store->state <= STATE_STORE_REMOVED;
}

static bool want_tombs_good(const union want_item *item)
{
	const struct want_tombs *tombs = &item->tombs;
	u32 i;

	for (i = 0; i < tombs->nr; i++)
		if (!tombs->tomb[i].replica || !tombs->tomb[i].volume)
			return false;
	return tombs->key.id && tombs->key.id <= U32_MAX && !tombs->key.number;
}

static bool want_shard_good(const union want_item *item)
{
	const struct want_shard *shard = &item->shard;
	const struct want_member *member = shard->member;
	u32 i;

	if (!shard->key.id || shard->key.id > U32_MAX ||
	    shard->key.number >= STATE_VOLUME_SHARDS_MAX || !shard->nr ||
	    shard->stage > STATE_STAGE_SETTLE)
		return false;
	for (i = 0; i < shard->nr; i++)
		if (!member[i].replica || !member[i].node ||
		    member[i].role > STATE_ROLE_GONE || member[i].made > 1)
			return false;
	return true;
}

static bool want_volume_good(const union want_item *item)
{
	const struct want_volume *volume = &item->volume;

	if (!volume->key.id || volume->key.id > U32_MAX || volume->key.number)
		return false;
	if (!volume->state)
		return !volume->name[0] && !volume->holder && !volume->hold &&
		       !volume->run[0];
	return state_name_good(volume->name) &&
	       volume->state <= STATE_VOLUME_DELETING &&
	       volume->shift >= STATE_SHIFT_MIN &&
	       volume->shift <= STATE_SHIFT_MAX && volume->on_no_quorum <= 1 &&
	       volume->reads <= 1 && volume->hold <= STATE_HOLD_REPAIR &&
	       volume->release <= 1 && volume->whole <= 1 && volume->size &&
	       volume->size % STATE_BLOCK == 0 &&
	       volume->grow % STATE_BLOCK == 0 &&
	       volume->shards <= STATE_VOLUME_SHARDS_MAX &&
	       !volume->hold == !volume->holder &&
	       volume->term <= STATE_TERM_MAX;
}

/**
 * struct want_codec - a kind
 * @field: its fields
 * @good: do they make sense?
 * @bytes: of its struct
 */
struct want_codec {
	const struct state_field *field;
	bool (*good)(const union want_item *item);
	size_t bytes;
};

static const struct want_codec want_codecs[WANT_KINDS] = {
	[WANT_CLUSTER] = { want_cluster_fields, want_cluster_good,
			   sizeof(struct want_cluster) },
	[WANT_STORE] = { want_store_fields, want_store_good,
			 sizeof(struct want_store) },
	[WANT_TOMBS] = { want_tombs_fields, want_tombs_good,
			 sizeof(struct want_tombs) },
	[WANT_SHARD] = { want_shard_fields, want_shard_good,
			 sizeof(struct want_shard) },
	[WANT_VOLUME] = { want_volume_fields, want_volume_good,
			  sizeof(struct want_volume) },
	[WANT_PEER] = { want_peer_fields, want_peer_good,
			sizeof(struct want_peer) },
};

/**
 * want_item_put() - an item is so
 * @out: where it goes
 * @item: it
 */
void want_item_put(struct state_out *out, const union want_item *item)
{
	state_put(out, WANT_PUT, 1);
	state_put(out, item->key.kind, 1);
	state_fields_put(out, want_key_fields, &item->key);
	state_fields_put(out, want_codecs[item->key.kind].field, item);
}

/**
 * want_item_put_gone() - there is no such item any more
 * @out: where it goes
 * @key: what it was
 */
void want_item_put_gone(struct state_out *out, const struct agent_key *key)
{
	state_put(out, WANT_GONE, 1);
	state_put(out, key->kind, 1);
	state_fields_put(out, want_key_fields, key);
}

/**
 * want_item_get() - the next item
 * @in: bytes; @bad afterwards if they are none
 * @item: the item, or the key of one that is gone
 * @gone: which of both
 *
 * Return: true if it is good.
 */
bool want_item_get(struct state_in *in, union want_item *item, bool *gone)
{
	u8 what = state_get(in, 1), kind = state_get(in, 1);

	*gone = what == WANT_GONE;
	if (in->bad || (what != WANT_PUT && !*gone) || !kind ||
	    kind >= WANT_KINDS) {
		in->bad = true;
		return false;
	}
	memset(item, 0, want_codecs[kind].bytes);
	item->key.kind = kind;
	state_fields_get(in, want_key_fields, &item->key);
	if (*gone)
		return !in->bad;
	state_fields_get(in, want_codecs[kind].field, item);
	if (!in->bad && !want_codecs[kind].good(item))
		in->bad = true;
	return !in->bad;
}

/**
 * want_item_bytes() - what an item takes in memory
 * @item: it
 *
 * Return: bytes from its beginning on that mean something: of a list as much
 * as is used.
 */
size_t want_item_bytes(const union want_item *item)
{
	switch (item->key.kind) {
	case WANT_TOMBS:
		return offsetof(struct want_tombs, tomb) +
		       item->tombs.nr * sizeof(item->tombs.tomb[0]);
	case WANT_SHARD:
		return offsetof(struct want_shard, member) +
		       item->shard.nr * sizeof(item->shard.member[0]);
	default:
		return want_codecs[item->key.kind].bytes;
	}
}
