// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands as bytes (command.h): a table of fields for each kind.
 */
#include "command.h"

#define STATE_COMMAND_VERSION 1

#define F8(field) STATE_FIELD(STATE_U8, struct state_cmd, field)
#define F32(field) STATE_FIELD(STATE_U32, struct state_cmd, field)
#define F64(field) STATE_FIELD(STATE_U64, struct state_cmd, field)
#define FRAW(field) STATE_FIELD(STATE_RAW, struct state_cmd, field)
#define FTEXT(field) STATE_FIELD(STATE_TEXT, struct state_cmd, field)
#define FREST STATE_FIELD(STATE_REST, struct state_cmd, rest)
#define FLIST(array, count, fields) \
	STATE_FIELD_LIST(struct state_cmd, array, count, fields)
#define FEND                      \
	{                         \
		.type = STATE_END \
	}

/* An address, wherever there is one */
const struct state_field state_addr_fields[] = {
	STATE_FIELD(STATE_U8, struct state_addr, use),
	STATE_FIELD(STATE_U8, struct state_addr, family),
	STATE_FIELD(STATE_U16, struct state_addr, port),
	STATE_FIELD(STATE_RAW, struct state_addr, ip),
	FEND,
};

/* A free label */
const struct state_field state_label_fields[] = {
	STATE_FIELD(STATE_TEXT, struct state_label, key),
	STATE_FIELD(STATE_TEXT, struct state_label, value),
	FEND,
};

/* Elements that are numbers */
const struct state_field state_u32_fields[] = { { .type = STATE_U32,
						  .size = 4 },
						FEND };
const struct state_field state_u64_fields[] = { { .type = STATE_U64,
						  .size = 8 },
						FEND };

/* What a node says of itself; of NODE_ADD and NODE_SET alike */
#define NODE_FIELDS                                       \
	FTEXT(zone), FTEXT(rack), FTEXT(host), F8(wish),  \
		FLIST(addr, nr_addrs, state_addr_fields), \
		FLIST(label, nr_labels, state_label_fields)
/* What may change in the life of a volume */
#define VOLUME_FIELDS                                                \
	F8(on_no_quorum), F8(reads), F8(ack), F32(value), F32(node), \
		FLIST(autos, nr_autos, state_u32_fields), FTEXT(run)
#define CAS_FIELDS F32(volume), F32(number), F64(term), F64(epoch)

static const struct state_field *const state_command_fields[STATE_CMD_NR] = {
	[STATE_CMD_CLUSTER_INIT] =
		(const struct state_field[]){ FRAW(uuid), FTEXT(name),
					      F64(session), FEND },
	[STATE_CMD_CLUSTER_SET] =
		(const struct state_field[]){ F8(what), F32(value), FEND },
	[STATE_CMD_CLUSTER_RESTORE] =
		(const struct state_field[]){ F64(session), F64(term),
					      F32(node), F64(id), FEND },
	[STATE_CMD_CLIENT_OPEN] =
		(const struct state_field[]){ F32(node), FEND },
	[STATE_CMD_NODE_ADD] =
		(const struct state_field[]){ F64(id), FTEXT(name), FRAW(key),
					      NODE_FIELDS, FEND },
	[STATE_CMD_NODE_SET] =
		(const struct state_field[]){ F32(node), F8(flags), NODE_FIELDS,
					      FEND },
	[STATE_CMD_NODE_STATE] =
		(const struct state_field[]){ F32(node), F8(state), FEND },
	[STATE_CMD_NODE_RAFT] =
		(const struct state_field[]){ F32(node), F64(id), FEND },
	[STATE_CMD_NODE_REMOVE] =
		(const struct state_field[]){ F32(node), FEND },
	[STATE_CMD_TOKEN_CREATE] =
		(const struct state_field[]){ F64(id), FRAW(key), F64(total),
					      F32(value), FEND },
	[STATE_CMD_TOKEN_REVOKE] =
		(const struct state_field[]){ F64(id), FEND },
	[STATE_CMD_STORE_ADD] =
		(const struct state_field[]){ F32(node), FRAW(uuid), F64(size),
					      F64(count), FEND },
	[STATE_CMD_STORE_STATE] =
		(const struct state_field[]){ F32(store), F8(state), FEND },
	[STATE_CMD_STORE_REPORT] =
		(const struct state_field[]){ F32(node), FREST, FEND },
	[STATE_CMD_STORE_REMOVE] =
		(const struct state_field[]){ F32(store), FEND },
	[STATE_CMD_VOLUME_CREATE] =
		(const struct state_field[]){ FTEXT(name), F64(size), F8(shift),
					      F8(copies), VOLUME_FIELDS, FEND },
	[STATE_CMD_VOLUME_SHARDS] = (const struct state_field[]){ F32(volume),
								  F32(number),
								  FREST, FEND },
	[STATE_CMD_VOLUME_SET] =
		(const struct state_field[]){ F32(volume), F8(flags),
					      VOLUME_FIELDS, FEND },
	[STATE_CMD_VOLUME_RESIZE] =
		(const struct state_field[]){ F32(volume), F64(size), FEND },
	[STATE_CMD_VOLUME_GROWN] =
		(const struct state_field[]){ F32(volume), F64(term), F64(size),
					      FEND },
	[STATE_CMD_VOLUME_DELETE] =
		(const struct state_field[]){ F32(volume), FEND },
	[STATE_CMD_ATTACH] =
		(const struct state_field[]){ F32(volume), F32(node),
					      F64(session), F64(term),
					      F8(flags), FEND },
	[STATE_CMD_DETACH] = (const struct state_field[]){ F32(volume),
							   F32(node), F64(term),
							   FEND },
	[STATE_CMD_FENCE] =
		(const struct state_field[]){ F32(volume), F64(term), FEND },
	[STATE_CMD_SHARD_PROPOSE] =
		(const struct state_field[]){
			CAS_FIELDS, FLIST(add, nr_add, state_u32_fields),
			FLIST(del, nr_del, state_u64_fields), FEND },
	[STATE_CMD_SHARD_JOINT] =
		(const struct state_field[]){ CAS_FIELDS, FEND },
	[STATE_CMD_SHARD_ADOPT] =
		(const struct state_field[]){ CAS_FIELDS, FEND },
	[STATE_CMD_SHARD_ABORT] =
		(const struct state_field[]){ CAS_FIELDS, FEND },
	[STATE_CMD_SHARD_SETTLED] =
		(const struct state_field[]){ CAS_FIELDS, FEND },
	[STATE_CMD_REPLICA_CREATED] =
		(const struct state_field[]){ F32(node), FREST, FEND },
	[STATE_CMD_REPLICA_DELETED] =
		(const struct state_field[]){ F32(node), FREST, FEND },
	[STATE_CMD_JOB_ADD] =
		(const struct state_field[]){ F8(what), F64(id), F32(volume),
					      F32(number), F64(total), FEND },
	[STATE_CMD_JOB_SET] =
		(const struct state_field[]){ F64(id), F8(state), F64(count),
					      F64(total), FTEXT(reason), FEND },
	[STATE_CMD_NODE_REKEY] =
		(const struct state_field[]){ F32(node), FRAW(key), FEND },
	[STATE_CMD_NODE_LOST] = (const struct state_field[]){ F32(node), FEND },
	[STATE_CMD_SERVES] =
		(const struct state_field[]){ F32(volume), F32(node), F64(term),
					      F8(state), FTEXT(name),
					      FTEXT(reason), FEND },
};

#define STATE_COMMAND_NAME(name, level) #name,
#define STATE_COMMAND_LEVEL(name, level) level,

/**
 * state_command_name() - name of a kind
 * @kind: enum state_cmd_kind
 *
 * Return: the name, "?" if there is none.
 */
const char *state_command_name(u8 kind)
{
	static const char *const name[] = { "?", STATE_COMMANDS(
							 STATE_COMMAND_NAME) };

	return kind < ARRAY_SIZE(name) ? name[kind] : "?";
}

/**
 * state_command_level() - feature level of a kind
 * @kind: enum state_cmd_kind
 *
 * Return: the level, 0 if the kind is not known.
 */
u16 state_command_level(u8 kind)
{
	static const u16 level[] = { 0, STATE_COMMANDS(STATE_COMMAND_LEVEL) };

	return kind < ARRAY_SIZE(level) ? level[kind] : 0;
}

/**
 * state_command_encode() - a command as an entry's data
 * @cmd: the command
 * @buf: for it
 * @size: of @buf
 *
 * Return: bytes; -EINVAL: its kind is none; -ENOSPC.
 */
int state_command_encode(const struct state_cmd *cmd, void *buf, u32 size)
{
	struct state_out out = { .at = buf,
				 .left = min(size, STATE_COMMAND_BYTES_MAX) };
	u32 room = out.left;

	if (!state_command_level(cmd->kind))
		return -EINVAL;
	state_put(&out, STATE_COMMAND_VERSION, 1);
	state_put(&out, cmd->kind, 1);
	state_put(&out, 0, 2);
	state_put(&out, 0, 4);
	state_put(&out, cmd->client, 8);
	state_put(&out, cmd->seq, 8);
	state_put(&out, cmd->now_ms, 8);
	state_fields_put(&out, state_command_fields[cmd->kind], cmd);
	return out.full ? -ENOSPC : room - out.left;
}

/**
 * state_command_decode() - the way back
 * @data: an entry's data
 * @bytes: its length
 * @cmd: the command; @cmd->rest points into @data
 *
 * Return: 0; -EBADMSG: that is no command; -EOPNOTSUPP: a kind or version that
 * is not known here, @cmd->kind says which.
 */
int state_command_decode(const void *data, u32 bytes, struct state_cmd *cmd)
{
	struct state_in in = { .at = data, .left = bytes };
	u32 version;

	memset(cmd, 0, sizeof(*cmd));
	if (bytes < STATE_COMMAND_HEAD || bytes > STATE_COMMAND_BYTES_MAX)
		return -EBADMSG;
	version = state_get(&in, 1);
	cmd->kind = state_get(&in, 1);
	if (version != STATE_COMMAND_VERSION || !state_command_level(cmd->kind))
		return -EOPNOTSUPP;
	if (state_get(&in, 2) || state_get(&in, 4))
		return -EBADMSG;
	cmd->client = state_get(&in, 8);
	cmd->seq = state_get(&in, 8);
	cmd->now_ms = state_get(&in, 8);
	state_fields_get(&in, state_command_fields[cmd->kind], cmd);
	return in.bad || in.left ? -EBADMSG : 0;
}
