// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects as bytes (record.h).
 */
#include "inner.h"
#include "record.h"

#define F(kind, owner, field) STATE_FIELD(STATE_##kind, struct owner, field)
#define FLIST(owner, array, count, fields) \
	STATE_FIELD_LIST(struct owner, array, count, fields)
#define FEND                      \
	{                         \
		.type = STATE_END \
	}

/* How much there may be */
const struct state_field state_limits_fields[] = {
	F(U32, state_limits, nodes),	      F(U32, state_limits, node_slots),
	F(U32, state_limits, stores),	      F(U32, state_limits, store_slots),
	F(U32, state_limits, store_replicas), F(U32, state_limits, volumes),
	F(U32, state_limits, shards),	      F(U32, state_limits, wides),
	F(U32, state_limits, changes),	      F(U32, state_limits, tombs),
	F(U32, state_limits, tokens),	      F(U32, state_limits, jobs),
	F(U32, state_limits, clients),	      FEND,
};

#define STATE_SETTING_FIELD(name, key, def, min, max) \
	F(U32, state_cluster, setting[STATE_SET_##name]),

/* The cluster */
const struct state_field state_cluster_fields[] = {
	F(RAW, state_cluster, uuid),
	F(TEXT, state_cluster, name),
	F(U8, state_cluster, made),
	F(U64, state_cluster, lineage),
	F(U64, state_cluster, term_floor),
	F(U64, state_cluster, now_ms),
	F(U64, state_cluster, applied),
	F(U32, state_cluster, next_node),
	F(U32, state_cluster, next_store),
	F(U32, state_cluster, next_volume),
	F(U64, state_cluster, next_replica),
	F(U64, state_cluster, next_raft),
	F(U64, state_cluster, next_client),
	F(U64, state_cluster, next_job),
	STATE_SETTINGS(STATE_SETTING_FIELD) FEND,
};

static const struct state_field node_fields[] = {
	F(U32, state_node, id),
	F(TEXT, state_node, name),
	F(U8, state_node, state),
	F(U8, state_node, wish),
	FLIST(state_node, addr, nr_addrs, state_addr_fields),
	F(TEXT, state_node, zone),
	F(TEXT, state_node, rack),
	F(TEXT, state_node, host),
	FLIST(state_node, label, nr_labels, state_label_fields),
	F(RAW, state_node, key),
	F(U64, state_node, token),
	F(U64, state_node, raft),
	FEND,
};

static const struct state_field store_fields[] = {
	F(U32, state_store, id),
	F(RAW, state_store, uuid),
	F(U32, state_store, node),
	F(U8, state_store, state),
	F(U64, state_store, capacity),
	F(U64, state_store, free),
	F(U64, state_store, opens),
	F(U64, state_store, gone_ms),
	FEND,
};

static const struct state_field volume_fields[] = {
	F(U32, state_volume, id),
	F(TEXT, state_volume, name),
	F(U8, state_volume, state),
	F(U8, state_volume, shift),
	F(U8, state_volume, copies),
	F(U8, state_volume, on_no_quorum),
	F(U8, state_volume, reads),
	F(U8, state_volume, ack),
	F(U8, state_volume, hold),
	F(U8, state_volume, parked),
	F(U32, state_volume, no_quorum_ms),
	F(U64, state_volume, size),
	F(U64, state_volume, grow),
	F(U64, state_volume, term),
	F(U32, state_volume, holder),
	F(U32, state_volume, want),
	F(U64, state_volume, session),
	F(U8, state_volume, serve),
	F(TEXT, state_volume, device),
	F(TEXT, state_volume, reason),
	FLIST(state_volume, autos, nr_autos, state_u32_fields),
	F(TEXT, state_volume, run),
	F(U32, state_volume, shards),
	FEND,
};

static const struct state_field change_fields[] = {
	F(U8, state_change, stage),
	F(U8, state_change, leave),
	F(U8, state_change, made),
	FLIST(state_change, add, nr, state_u64_fields),
	FEND,
};

static const struct state_field tomb_fields[] = {
	F(U64, state_tomb, replica), F(U64, state_tomb, epoch),
	F(U32, state_tomb, volume),  F(U16, state_tomb, number),
	F(U16, state_tomb, store),   FEND,
};

static const struct state_field token_fields[] = {
	F(U64, state_token, id),
	F(RAW, state_token, psk),
	F(U64, state_token, expires_ms),
	F(U32, state_token, uses),
	FEND,
};

static const struct state_field job_fields[] = {
	F(U64, state_job, id),
	F(U8, state_job, kind),
	F(U8, state_job, state),
	F(U64, state_job, target),
	F(U32, state_job, volume),
	F(U32, state_job, number),
	F(U64, state_job, done),
	F(U64, state_job, total),
	F(U64, state_job, since_ms),
	F(TEXT, state_job, reason),
	FEND,
};

#define CLIENT_RESULT(i)                                                   \
	F(U64, state_client, seq[i]), F(U16, state_client, result[i].why), \
		F(U64, state_client, result[i].arg[0]),                    \
		F(U64, state_client, result[i].arg[1]),                    \
		F(U64, state_client, result[i].arg[2])

static const struct state_field client_fields[] = {
	F(U64, state_client, id),
	F(U32, state_client, node),
	F(U64, state_client, used),
	F(U64, state_client, last),
	CLIENT_RESULT(0),
	CLIENT_RESULT(1),
	CLIENT_RESULT(2),
	CLIENT_RESULT(3),
	CLIENT_RESULT(4),
	CLIENT_RESULT(5),
	CLIENT_RESULT(6),
	CLIENT_RESULT(7),
	FEND,
};

static_assert(STATE_WINDOW == 8, "the fields of a client list eight results");

/**
 * state_record_fields() - fields of a table's objects
 * @table: the table
 *
 * Return: the fields; NULL: its objects are parts of others.
 */
const struct state_field *state_record_fields(enum state_table table)
{
	static const struct state_field *const fields[STATE_TABLES] = {
		[STATE_NODES] = node_fields,
		[STATE_STORES] = store_fields,
		[STATE_VOLUMES] = volume_fields,
		[STATE_CHANGES] = change_fields,
		[STATE_TOMBS] = tomb_fields,
		[STATE_TOKENS] = token_fields,
		[STATE_JOBS] = job_fields,
		[STATE_CLIENTS] = client_fields,
	};

	return fields[table];
}

/**
 * state_shard_put() - a shard, with its set and what becomes of that
 * @out: where it goes
 * @s: the state
 * @slot: the shard
 */
void state_shard_put(struct state_out *out, const struct state *s, u32 slot)
{
	const struct state_shard *shard = state_shard_at(s, slot);
	const u64 *member = state_members(s, shard);
	u32 i;

	state_put(out, shard->volume, 4);
	state_put(out, shard->number, 2);
	state_put(out, shard->nr, 1);
	state_put(out, shard->flags, 1);
	state_put(out, shard->epoch, 8);
	for (i = 0; i < shard->nr; i++)
		state_put(out, member[i], 8);
	if (shard->flags & STATE_SHARD_CHANGE)
		state_fields_put(out, change_fields,
				 state_change_of(s, slot, NULL));
}
