// SPDX-License-Identifier: GPL-2.0-only
/*
 * A committed entry becomes a result: decoded, recognized if it came before,
 * and handed to the function of its kind.
 */
#include "inner.h"

/**
 * state_no() - a command is refused
 * @res: its result
 * @why: the reason
 * @a: argument of the reason
 * @b: argument of the reason
 * @c: argument of the reason
 */
void state_no(struct state_result *res, enum state_why why, u64 a, u64 b, u64 c)
{
	*res = (struct state_result){ .why = why, .arg = { a, b, c } };
}

/**
 * state_touch() - note that an object changed
 * @s: the state
 * @kind: what it is
 * @id: its id
 * @number: SHARD: its number
 */
void state_touch(struct state *s, enum state_kind kind, u64 id, u32 number)
{
	struct state_delta *delta = s->delta;
	struct state_item *last;

	if (!delta || delta->all)
		return;
	last = delta->nr ? &delta->item[delta->nr - 1] : NULL;
	if (last && last->kind == kind && last->id == id &&
	    last->number == number)
		return;
	if (delta->nr == STATE_DELTA_MAX) {
		delta->all = true;
		return;
	}
	delta->item[delta->nr++] =
		(struct state_item){ .kind = kind, .number = number, .id = id };
}

static const state_do_fn state_do[STATE_CMD_NR] = {
	[STATE_CMD_CLUSTER_INIT] = state_do_cluster_init,
	[STATE_CMD_CLUSTER_SET] = state_do_cluster_set,
	[STATE_CMD_CLUSTER_RESTORE] = state_do_cluster_restore,
	[STATE_CMD_CLIENT_OPEN] = state_do_client_open,
	[STATE_CMD_NODE_ADD] = state_do_node_add,
	[STATE_CMD_NODE_SET] = state_do_node_set,
	[STATE_CMD_NODE_STATE] = state_do_node_state,
	[STATE_CMD_NODE_RAFT] = state_do_node_raft,
	[STATE_CMD_NODE_REMOVE] = state_do_node_remove,
	[STATE_CMD_TOKEN_CREATE] = state_do_token_create,
	[STATE_CMD_TOKEN_REVOKE] = state_do_token_revoke,
	[STATE_CMD_STORE_ADD] = state_do_store_add,
	[STATE_CMD_STORE_STATE] = state_do_store_state,
	[STATE_CMD_STORE_REPORT] = state_do_store_report,
	[STATE_CMD_STORE_REMOVE] = state_do_store_remove,
	[STATE_CMD_VOLUME_CREATE] = state_do_volume_create,
	[STATE_CMD_VOLUME_SHARDS] = state_do_volume_shards,
	[STATE_CMD_VOLUME_SET] = state_do_volume_set,
	[STATE_CMD_VOLUME_RESIZE] = state_do_volume_resize,
	[STATE_CMD_VOLUME_GROWN] = state_do_volume_grown,
	[STATE_CMD_VOLUME_DELETE] = state_do_volume_delete,
	[STATE_CMD_ATTACH] = state_do_attach,
	[STATE_CMD_DETACH] = state_do_detach,
	[STATE_CMD_FENCE] = state_do_fence,
	[STATE_CMD_SHARD_PROPOSE] = state_do_shard_propose,
	[STATE_CMD_SHARD_JOINT] = state_do_shard_joint,
	[STATE_CMD_SHARD_ADOPT] = state_do_shard_adopt,
	[STATE_CMD_SHARD_ABORT] = state_do_shard_abort,
	[STATE_CMD_SHARD_SETTLED] = state_do_shard_settled,
	[STATE_CMD_REPLICA_CREATED] = state_do_replica_created,
	[STATE_CMD_REPLICA_DELETED] = state_do_replica_deleted,
	[STATE_CMD_JOB_ADD] = state_do_job_add,
	[STATE_CMD_JOB_SET] = state_do_job_set,
	[STATE_CMD_SERVES] = state_do_serves,
	[STATE_CMD_NODE_REKEY] = state_do_node_rekey,
	[STATE_CMD_NODE_LOST] = state_do_node_lost,
};

/* Is there something that every command has to be refused for? */
static bool state_outside(const struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	u32 level = s->cluster.made ? s->cluster.setting[STATE_SET_FEATURE] : 1;

	if (cmd->now_ms > STATE_NUMBER_MAX)
		state_no(res, STATE_WHY_BAD, 0, 0, 0);
	else if (state_command_level(cmd->kind) > level &&
		 !QBD_MUTANT(state_above_level))
		state_no(res, STATE_WHY_UNKNOWN, cmd->kind, 0, 0);
	else if (!s->cluster.made && cmd->kind != STATE_CMD_CLUSTER_INIT)
		state_no(res, STATE_WHY_NO_CLUSTER, 0, 0, 0);
	return res->why;
}

/*
 * The first command makes the cluster; to ask for an id one needs none; and a
 * restore is written into a log while nobody is there.
 */
static bool state_anonymous(const struct state_cmd *cmd)
{
	return cmd->kind == STATE_CMD_CLUSTER_INIT ||
	       cmd->kind == STATE_CMD_CLUSTER_RESTORE ||
	       cmd->kind == STATE_CMD_CLIENT_OPEN;
}

/**
 * state_apply() - apply a committed entry
 * @s: the state
 * @data: the entry's data, any bytes
 * @bytes: its length
 * @res: what became of it
 * @delta: what it changed; NULL if nobody wants to know
 */
void state_apply(struct state *s, const void *data, u32 bytes,
		 struct state_result *res, struct state_delta *delta)
{
	struct state_cmd cmd;
	int err = state_command_decode(data, bytes, &cmd);

	memset(res, 0, sizeof(*res));
	if (delta) {
		delta->all = false;
		delta->nr = 0;
	}
	if (err == -EOPNOTSUPP)
		state_no(res, STATE_WHY_UNKNOWN, cmd.kind, 0, 0);
	else if (err)
		state_no(res, STATE_WHY_BAD, 0, 0, 0);
	if (err || state_outside(s, &cmd, res))
		return;
	s->cluster.now_ms = max(s->cluster.now_ms, cmd.now_ms);
	s->cluster.applied++;
	if (!state_anonymous(&cmd) && state_client_knows(s, &cmd, res))
		return;
	s->delta = delta;
	state_do[cmd.kind](s, &cmd, res);
	s->delta = NULL;
	if (!state_anonymous(&cmd))
		state_client_note(s, &cmd, res);
}
