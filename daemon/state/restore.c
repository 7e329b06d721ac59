// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chunks of a snapshot become a state.  Here is checked what has to hold so
 * that an object can be put in place; state_check() does the rest.
 */
#include "inner.h"
#include "record.h"
#include "snapshot.h"

static bool state_bad(struct state_restore *restore, const char *reason)
{
	if (!restore->reason)
		restore->reason = reason;
	return false;
}

/**
 * state_restore_begin() - make a state from a snapshot
 * @restore: what keeps track
 * @s: an empty state, with the limits of the one that the snapshot is of
 */
void state_restore_begin(struct state_restore *restore, struct state *s)
{
	memset(restore, 0, sizeof(*restore));
	restore->s = s;
	restore->crc = ~0U;
}

static bool state_head_get(struct state_restore *restore, struct state_in *in)
{
	struct state *s = restore->s;
	struct state_limits limits = { 0 };
	u32 i;

	state_fields_get(in, state_limits_fields, &limits);
	state_fields_get(in, state_cluster_fields, &s->cluster);
	for (i = 0; i < STATE_TABLES; i++)
		restore->nr[i] = state_get(in, 4);
	restore->newer = !in->bad && s->cluster.setting[STATE_SET_FEATURE] >
					     STATE_LEVEL_MAX;
	if (restore->newer)
		return state_bad(
			restore,
			"a newer version wrote it: start that one again");
	if (in->bad || in->left)
		return state_bad(restore, "the head makes no sense");
	if (memcmp(&limits, &s->limits, sizeof(limits)))
		return state_bad(restore, "its limits are others");
	return true;
}

/* An object can be found, unless another one with that key is there. */
static bool state_index_new(struct state_restore *restore, enum state_by by,
			    u32 slot, u64 number)
{
	if (state_find(restore->s, by, number) != STATE_NONE)
		return state_bad(restore, "an id is there twice");
	state_index_add(restore->s, by, slot);
	return true;
}

static bool state_index_new_bytes(struct state_restore *restore,
				  enum state_by by, u32 slot, const void *key)
{
	if (state_find_bytes(restore->s, by, key) != STATE_NONE)
		return state_bad(restore, "a name, key or uuid is there twice");
	state_index_add(restore->s, by, slot);
	return true;
}

static bool state_node_in(struct state_restore *restore, u32 slot)
{
	struct state_node *node = state_node_at(restore->s, slot);

	node->held = STATE_NONE;
	if (!state_index_new(restore, STATE_BY_NODE_ID, slot, node->id) ||
	    !state_index_new_bytes(restore, STATE_BY_NODE_KEY, slot, node->key))
		return false;
	if (node->state == STATE_NODE_REMOVED)
		return true;
	restore->s->nodes++;
	return state_index_new_bytes(restore, STATE_BY_NODE_NAME, slot,
				     node->name);
}

static bool state_store_in(struct state_restore *restore, u32 slot)
{
	struct state *s = restore->s;
	struct state_store *store = state_store_at(s, slot);
	struct state_node *node;
	u32 at;

	store->tomb = STATE_NONE;
	store->tomb_last = STATE_NONE;
	if (!state_index_new(restore, STATE_BY_STORE_ID, slot, store->id) ||
	    !state_index_new_bytes(restore, STATE_BY_STORE_UUID, slot,
				   store->uuid))
		return false;
	if (store->state == STATE_STORE_REMOVED)
		return true;
	at = state_find(s, STATE_BY_NODE_ID, store->node);
	if (at == STATE_NONE)
		return state_bad(restore, "a store has no node");
	node = state_node_at(s, at);
	if (node->nr_stores == STATE_NODE_STORES_MAX)
		return state_bad(restore, "a node has too many stores");
	node->store[node->nr_stores++] = slot;
	s->stores++;
	return true;
}

static bool state_volume_in(struct state_restore *restore, u32 slot)
{
	struct state *s = restore->s;
	struct state_volume *volume = state_volume_at(s, slot);
	u32 node;

	volume->held_next = STATE_NONE;
	volume->held_prev = STATE_NONE;
	if (!state_index_new(restore, STATE_BY_VOLUME_ID, slot, volume->id) ||
	    !state_index_new_bytes(restore, STATE_BY_VOLUME_NAME, slot,
				   volume->name))
		return false;
	if (volume->shift < STATE_SHIFT_MIN ||
	    volume->shift > STATE_SHIFT_MAX ||
	    max(volume->size, volume->grow) > (u64)STATE_VOLUME_SHARDS_MAX
						      << volume->shift ||
	    volume->shards > state_shards_wanted(volume))
		return state_bad(restore, "a volume has no such size");
	if (volume->state != STATE_VOLUME_DELETING)
		s->shards_owed += state_shards_wanted(volume) - volume->shards;
	if (!volume->hold)
		return true;
	node = state_find(s, STATE_BY_NODE_ID, volume->holder);
	if (node == STATE_NONE)
		return state_bad(restore, "a holder is no node");
	state_hold_link(s, slot, node);
	return true;
}

static bool state_record_in(struct state_restore *restore,
			    enum state_table table, u32 slot)
{
	const struct state *s = restore->s;

	switch (table) {
	case STATE_NODES:
		return state_node_in(restore, slot);
	case STATE_STORES:
		return state_store_in(restore, slot);
	case STATE_VOLUMES:
		return state_volume_in(restore, slot);
	case STATE_TOKENS: {
		const struct state_token *token = state_object(s, table, slot);

		return state_index_new(restore, STATE_BY_TOKEN, slot,
				       token->id);
	}
	case STATE_JOBS: {
		const struct state_job *job = state_object(s, table, slot);

		return state_index_new(restore, STATE_BY_JOB, slot, job->id);
	}
	case STATE_CLIENTS: {
		const struct state_client *client =
			state_object(s, table, slot);

		return state_index_new(restore, STATE_BY_CLIENT, slot,
				       client->id);
	}
	case STATE_SHARDS:
	case STATE_WIDES:
	case STATE_CHANGES:
	case STATE_TOMBS:
	case STATE_TABLES:
		break;
	}
	return state_bad(restore, "no such record");
}

static bool state_record_get(struct state_restore *restore,
			     enum state_table table, struct state_in *in)
{
	u32 slot = state_get(in, 4);

	if (in->bad || slot < restore->last ||
	    !state_take_at(restore->s, table, slot))
		return state_bad(restore, "a record is out of order");
	restore->last = slot + 1;
	state_fields_get(in, state_record_fields(table),
			 state_object(restore->s, table, slot));
	if (in->bad)
		return state_bad(restore, "a record makes no sense");
	return state_record_in(restore, table, slot);
}

/* Is there a store for each replica, with room for it? */
static bool state_members_in(struct state_restore *restore, u32 shard,
			     const u64 *member, u32 nr)
{
	struct state *s = restore->s;
	const struct state_store *store;
	u32 i, slot;

	for (i = 0; i < nr; i++) {
		slot = STATE_MEMBER_STORE(member[i]);
		if (!state_used(s, STATE_STORES, slot))
			return state_bad(restore, "a replica has no store");
		store = state_store_at(s, slot);
		if (store->state == STATE_STORE_REMOVED ||
		    store->nr >= s->limits.store_replicas)
			return state_bad(restore, "a store has no such room");
		state_store_link(s, slot, shard);
	}
	return true;
}

static bool state_change_in(struct state_restore *restore, u32 shard,
			    struct state_in *in)
{
	struct state *s = restore->s;
	u32 slot = state_take(s, STATE_CHANGES);
	struct state_change *change;

	if (slot == STATE_NONE)
		return state_bad(restore, "too many changes");
	change = state_object(s, STATE_CHANGES, slot);
	state_fields_get(in, state_record_fields(STATE_CHANGES), change);
	if (in->bad)
		return state_bad(restore, "a change makes no sense");
	change->shard = shard;
	state_index_add(s, STATE_BY_CHANGE, slot);
	return state_members_in(restore, shard, change->add, change->nr);
}

/* Shards come by slot of their volume, then by number. */
static bool state_shard_order(struct state_restore *restore, u32 volume,
			      u32 number)
{
	u32 slot = restore->last;

	/* mostly it is the volume of the shard before */
	if (!state_used(restore->s, STATE_VOLUMES, slot) ||
	    state_volume_at(restore->s, slot)->id != volume)
		slot = state_find(restore->s, STATE_BY_VOLUME_ID, volume);
	if (slot == STATE_NONE || slot < restore->last ||
	    (slot == restore->last && number < restore->number) ||
	    number >= state_volume_at(restore->s, slot)->shards)
		return state_bad(restore, "a shard is out of order");
	restore->last = slot;
	restore->number = number + 1;
	return true;
}

static bool state_shard_get(struct state_restore *restore, struct state_in *in)
{
	struct state *s = restore->s;
	u32 volume = state_get(in, 4), number = state_get(in, 2);
	u32 nr = state_get(in, 1), flags = state_get(in, 1), slot, i;
	u64 epoch = state_get(in, 8), member[STATE_COPIES_MAX];
	struct state_volume *of;
	struct state_shard *shard;

	if (in->bad || nr > STATE_COPIES_MAX)
		return state_bad(restore, "a shard makes no sense");
	if (!state_shard_order(restore, volume, number))
		return false;
	for (i = 0; i < nr; i++)
		member[i] = state_get(in, 8);
	slot = state_take(s, STATE_SHARDS);
	if (in->bad || slot == STATE_NONE ||
	    !state_members_set(s, slot, member, nr))
		return state_bad(restore, "a shard has no room");
	shard = state_shard_at(s, slot);
	shard->volume = volume;
	shard->number = number;
	shard->flags = flags;
	shard->epoch = epoch;
	state_index_add(s, STATE_BY_SHARD, slot);
	of = state_volume_at(s, restore->last);
	of->left++;
	of->unmade += nr - hweight32(flags & ~STATE_SHARD_CHANGE);
	if (!state_members_in(restore, slot, member, nr))
		return false;
	return !(flags & STATE_SHARD_CHANGE) ||
	       state_change_in(restore, slot, in);
}

static bool state_tomb_get(struct state_restore *restore, struct state_in *in)
{
	struct state *s = restore->s;
	u32 slot = state_take(s, STATE_TOMBS);
	struct state_tomb *tomb;

	if (slot == STATE_NONE)
		return state_bad(restore, "too many tombstones");
	tomb = state_object(s, STATE_TOMBS, slot);
	state_fields_get(in, state_record_fields(STATE_TOMBS), tomb);
	if (in->bad || tomb->store < restore->last ||
	    !state_used(s, STATE_STORES, tomb->store) ||
	    state_store_at(s, tomb->store)->state == STATE_STORE_REMOVED ||
	    state_store_at(s, tomb->store)->nr_tombs >=
		    s->limits.store_replicas)
		return state_bad(restore, "a tombstone makes no sense");
	restore->last = tomb->store;
	state_tomb_link(s, slot);
	return true;
}

/* Sections follow each other, one by one, none left out. */
static bool state_section_in(struct state_restore *restore, u32 section)
{
	if (restore->done || section > STATE_SECTION_END ||
	    (restore->chunk ? section != restore->section &&
				      section != restore->section + 1 :
			      section != STATE_SECTION_HEAD))
		return state_bad(restore, "a section is out of order");
	if (restore->chunk && section == restore->section &&
	    state_section_table(section) == STATE_TABLES)
		return state_bad(restore, "a section is there twice");
	if (section != restore->section) {
		restore->last = 0;
		restore->number = 0;
	}
	restore->section = section;
	return true;
}

static int state_restore_err(const struct state_restore *restore)
{
	if (!restore->reason)
		return 0;
	return restore->newer ? -EOPNOTSUPP : -EBADMSG;
}

/**
 * state_restore_chunk() - the next chunk
 * @restore: what keeps track
 * @data: the chunk, all of it
 * @bytes: its length
 *
 * Return: 0; -EBADMSG, or -EOPNOTSUPP: a newer version wrote it:
 * @restore->reason says why; nothing more is taken then.
 */
int state_restore_chunk(struct state_restore *restore, const void *data,
			u32 bytes)
{
	struct state_in in = { .at = data, .left = bytes };
	enum state_table table;
	u32 section = 0;

	if (restore->reason)
		return -EBADMSG;
	restore->reason = state_chunk_open(data, bytes, restore->chunk,
					   &restore->crc, &section);
	if (restore->reason || !state_section_in(restore, section))
		return -EBADMSG;
	restore->chunk++;
	in.at += STATE_CHUNK_HEAD;
	in.left -= STATE_CHUNK_HEAD;
	table = state_section_table(section);
	if (section == STATE_SECTION_HEAD)
		state_head_get(restore, &in);
	while (in.left && !restore->reason && table != STATE_TABLES) {
		if (table == STATE_SHARDS)
			state_shard_get(restore, &in);
		else if (table == STATE_TOMBS)
			state_tomb_get(restore, &in);
		else
			state_record_get(restore, table, &in);
	}
	if (in.left)
		state_bad(restore, "there is more than there should be");
	restore->done = section == STATE_SECTION_END;
	return state_restore_err(restore);
}

/**
 * state_restore_end() - is that a state?
 * @restore: what kept track
 *
 * Return: 0; -EBADMSG: @restore->reason says why.
 */
int state_restore_end(struct state_restore *restore)
{
	u32 i;

	if (restore->reason)
		return -EBADMSG;
	if (!restore->done)
		state_bad(restore, "its end is missing");
	for (i = 0; i < STATE_TABLES; i++)
		if (restore->nr[i] != restore->s->pool[i].nr)
			state_bad(restore, "records are missing");
	if (!restore->reason)
		restore->reason = state_check(restore->s);
	return restore->reason ? -EBADMSG : 0;
}
