// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands, made from the state as it is: mostly such as a server would make.
 */
#include "state_sim.h"

static u64 rnd(struct ss_world *w, u64 n)
{
	return qbd_rng_below(&w->rng, n);
}

static bool odds(struct ss_world *w, u32 percent)
{
	return qbd_rng_percent(&w->rng, percent);
}

/* A number that is right, or nearly, or anything. */
static u64 near_to(struct ss_world *w, u64 right)
{
	if (odds(w, 88))
		return right;
	if (odds(w, 80))
		return right + rnd(w, 5) - 2;
	return odds(w, 50) ? rnd(w, 10) : qbd_rng_next(&w->rng);
}

/* Some object of a table, or NULL. */
static void *some(struct ss_world *w, enum state_table table)
{
	u32 slot = state_next(w->a, table, rnd(w, w->a->pool[table].max));

	if (slot == STATE_NONE)
		slot = state_next(w->a, table, 0);
	return slot == STATE_NONE ? NULL : state_object(w->a, table, slot);
}

static u32 some_node(struct ss_world *w)
{
	struct state_node *node = some(w, STATE_NODES);

	return near_to(w, node ? node->id : 1);
}

static u32 some_store(struct ss_world *w)
{
	struct state_store *store = some(w, STATE_STORES);

	return near_to(w, store ? store->id : 1);
}

static struct state_volume *some_volume(struct ss_world *w,
					struct state_cmd *cmd)
{
	static struct state_volume none = { .shift = STATE_SHIFT_MIN };
	struct state_volume *volume = some(w, STATE_VOLUMES);

	if (!volume)
		volume = &none;
	cmd->volume = near_to(w, volume->id);
	cmd->term = near_to(w, volume->term);
	return volume;
}

static void some_name(struct ss_world *w, char *name, char kind)
{
	if (odds(w, 3))
		snprintf(name, 8, "%s", odds(w, 50) ? "" : "a/b");
	else
		snprintf(name, 8, "%c%u", kind, (u32)rnd(w, 12));
}

static void gen_cluster(struct ss_world *w, struct state_cmd *cmd)
{
	memset(cmd->uuid, odds(w, 95) ? 7 : 0, 16);
	some_name(w, cmd->name, 'c');
	cmd->session = odds(w, 95) ? 1 + rnd(w, 1000) : 0;
	cmd->what = rnd(w, STATE_SETTINGS_NR + 1);
	cmd->value = odds(w, 50) ? 3 + rnd(w, 5) : rnd(w, 100000);
	if (cmd->kind == STATE_CMD_CLUSTER_SET && odds(w, 30)) {
		cmd->what = odds(w, 70) ? STATE_SET_LEVEL : STATE_SET_FEATURE;
		cmd->value = 1 + rnd(w, 2);
	}
	if (cmd->kind == STATE_CMD_CLUSTER_RESTORE) {
		cmd->term = odds(w, 95) ? rnd(w, 20) : qbd_rng_next(&w->rng);
		cmd->node = some_node(w);
		cmd->id = STATE_SERVER(cmd->node, rnd(w, 1000));
	}
}

static void gen_node(struct ss_world *w, struct state_cmd *cmd)
{
	struct state_token *token = some(w, STATE_TOKENS);
	struct state_node *node = some(w, STATE_NODES);

	cmd->node = some_node(w);
	cmd->id = token ? near_to(w, token->id) : 0;
	if (cmd->kind == STATE_CMD_NODE_RAFT && node) {
		cmd->node = near_to(w, node->id);
		cmd->id = near_to(w, node->raft);
	}
	some_name(w, cmd->name, 'n');
	cmd->key[0] = rnd(w, 24);
	if (cmd->kind == STATE_CMD_NODE_ADD && node && odds(w, 15)) {
		memcpy(cmd->name, node->name, sizeof(cmd->name));
		memcpy(cmd->key, node->key, sizeof(cmd->key));
		cmd->id = near_to(w, node->token);
	}
	cmd->wish = rnd(w, 10) ? rnd(w, 3) : rnd(w, 256);
	cmd->state = odds(w, 90) ? STATE_NODE_ACTIVE : rnd(w, 6);
	snprintf(cmd->zone, 8, "z%u", (u32)rnd(w, 3));
	snprintf(cmd->host, 8, "h%u", (u32)rnd(w, 8));
	cmd->nr_addrs = rnd(w, 3);
	memset(cmd->addr, 0, sizeof(cmd->addr));
	for (u32 i = 0; i < cmd->nr_addrs; i++)
		cmd->addr[i] = (struct state_addr){ .family = 6,
						    .port = odds(w, 98),
						    .ip = { 1 } };
	if (cmd->kind == STATE_CMD_NODE_SET)
		cmd->flags = odds(w, 97) ? 1 + rnd(w, STATE_NODE_SET_ALL) :
					   rnd(w, 256);
	cmd->nr_labels = rnd(w, 3);
	for (u32 i = 0; i < cmd->nr_labels; i++)
		snprintf(cmd->label[i].key, 8, "k%u",
			 (u32)(odds(w, 95) ? i : 0));
}

static void gen_token(struct ss_world *w, struct state_cmd *cmd)
{
	struct state_token *token = some(w, STATE_TOKENS);

	cmd->key[0] = odds(w, 97);
	cmd->total = w->now_ms + rnd(w, 20000);
	cmd->value = rnd(w, 4);
	cmd->id = token && odds(w, 60) ? near_to(w, token->id) : rnd(w, 100);
}

static void gen_store(struct ss_world *w, struct state_cmd *cmd,
		      struct state_out *out)
{
	struct state_store *store = some(w, STATE_STORES);

	cmd->node = some_node(w);
	cmd->store = some_store(w);
	cmd->uuid[0] = rnd(w, 40);
	cmd->size = odds(w, 98) ? 1ULL << 36 : 0;
	cmd->count = rnd(w, 5);
	cmd->state = odds(w, 75) ? STATE_STORE_ACTIVE : rnd(w, 7);
	if (cmd->kind != STATE_CMD_STORE_REPORT || !store)
		return;
	cmd->node = near_to(w, store->node);
	for (u32 i = rnd(w, 3); i; i--) {
		state_put(out, near_to(w, store->id), 4);
		state_put(out, store->opens + rnd(w, 3) - (odds(w, 90) ? 0 : 1),
			  8);
		state_put(out, rnd(w, 1ULL << 37), 8);
	}
	if (odds(w, 3))
		state_put(out, 0, 1);
}

static void gen_volume(struct ss_world *w, struct state_cmd *cmd)
{
	struct state_volume *volume = some_volume(w, cmd);

	some_name(w, cmd->name, 'v');
	cmd->shift = odds(w, 98) ? 26 : rnd(w, 256);
	cmd->copies = odds(w, 95) ? 1 + rnd(w, 4) : rnd(w, 9);
	cmd->size = STATE_BLOCK * rnd(w, (4ULL << 26) / STATE_BLOCK);
	if (cmd->kind == STATE_CMD_VOLUME_RESIZE)
		cmd->size = near_to(w, volume->size + (rnd(w, 3) << 26));
	if (cmd->kind == STATE_CMD_VOLUME_GROWN)
		cmd->size = near_to(w, volume->grow);
	cmd->node = odds(w, 70) ? 0 : some_node(w);
	cmd->on_no_quorum = odds(w, 95) ? rnd(w, 2) : 9;
	cmd->value = rnd(w, 10);
	if (cmd->kind == STATE_CMD_VOLUME_SET)
		cmd->flags = odds(w, 97) ? 1 + rnd(w, STATE_VOLUME_SET_ALL) :
					   rnd(w, 256);
	if (cmd->kind == STATE_CMD_VOLUME_SET && odds(w, 10))
		cmd->flags = STATE_VOLUME_SET_WANT | STATE_VOLUME_SET_AUTO;
	cmd->nr_autos = rnd(w, 3);
	for (u32 i = 0; i < cmd->nr_autos; i++)
		cmd->autos[i] = some_node(w);
}

/* A store that takes a replica, on none of these nodes; some id if none does.
 */
static u32 good_store(struct ss_world *w, u32 *node, u32 *nodes)
{
	struct state_result res;
	struct state_store *store;
	u32 tries, i, slot;

	for (tries = 0; tries < 12; tries++) {
		store = some(w, STATE_STORES);
		res.why = 0;
		if (!store || !state_store_takes(w->a, store->id, &slot, &res))
			continue;
		for (i = 0; i < *nodes && node[i] != store->node; i++)
			;
		if (i < *nodes)
			continue;
		node[(*nodes)++] = store->node;
		return store->id;
	}
	return some_store(w);
}

static void gen_shards(struct ss_world *w, struct state_cmd *cmd,
		       struct state_out *out)
{
	struct state_volume *volume = some_volume(w, cmd);
	u32 node[32], nodes, shards = 1 + rnd(w, 3), i, j;

	if (odds(w, 90))
		shards = min(shards,
			     state_shards_wanted(volume) - volume->shards);
	cmd->number = near_to(w, volume->shards);
	for (i = 0; i < shards; i++)
		for (j = 0, nodes = 0; j < volume->copies; j++)
			state_put(out,
				  odds(w, 99) ? good_store(w, node, &nodes) :
						some_store(w),
				  4);
}

static void gen_attach(struct ss_world *w, struct state_cmd *cmd)
{
	static const u8 flags[] = { 0,
				    0,
				    STATE_ATTACH_FORCE,
				    STATE_ATTACH_TAKEOVER,
				    STATE_ATTACH_TAKEOVER,
				    STATE_ATTACH_REPAIR,
				    STATE_ATTACH_AUTO,
				    STATE_ATTACH_AUTO | STATE_ATTACH_TAKEOVER,
				    0x80 };
	struct state_volume *volume = some_volume(w, cmd);

	cmd->node = some_node(w);
	cmd->session = rnd(w, 6);
	cmd->flags = flags[rnd(w, sizeof(flags))];
	if (!(cmd->flags & STATE_ATTACH_TAKEOVER) && odds(w, 80) &&
	    cmd->kind == STATE_CMD_ATTACH)
		cmd->term = 0;
	if (cmd->kind == STATE_CMD_DETACH || cmd->kind == STATE_CMD_SERVES)
		cmd->node = near_to(w, volume->holder);
	cmd->state = odds(w, 97) ? rnd(w, STATE_SERVE_FAILED + 1) : rnd(w, 256);
	some_name(w, cmd->name, 'd');
}

static void gen_set(struct ss_world *w, struct state_cmd *cmd)
{
	struct state_shard *shard = some(w, STATE_SHARDS);
	struct state_volume *volume;
	u32 node[32], nodes = 0, slot, i;

	if (!shard)
		return;
	slot = state_find(w->a, STATE_BY_VOLUME_ID, shard->volume);
	volume = state_volume_at(w->a, slot);
	cmd->volume = near_to(w, volume->id);
	cmd->term = near_to(w, volume->term);
	cmd->number = near_to(w, shard->number);
	cmd->epoch = near_to(w, shard->epoch);
	if (cmd->kind != STATE_CMD_SHARD_PROPOSE)
		return;
	for (i = 0; i < shard->nr; i++)
		node[nodes++] =
			state_node_of(w->a, state_members(w->a, shard)[i]);
	cmd->nr_add = rnd(w, 3);
	for (i = 0; i < cmd->nr_add; i++)
		cmd->add[i] = odds(w, 90) ? good_store(w, node, &nodes) :
					    some_store(w);
	cmd->nr_del = rnd(w, 3);
	for (i = 0; i < cmd->nr_del; i++)
		cmd->del[i] = near_to(
			w, shard->nr ?
				   STATE_MEMBER_ID(state_members(
					   w->a, shard)[rnd(w, shard->nr)]) :
				   1);
}

/* What a node has to do, some of it done; sometimes what it must not do. */
static void gen_replicas(struct ss_world *w, struct state_cmd *cmd,
			 struct state_out *out)
{
	struct state_node *node = some(w, STATE_NODES);
	struct state_replica_view view;
	struct state_replicas walk;
	u8 want = cmd->kind == STATE_CMD_REPLICA_CREATED ? STATE_TODO_CREATE :
							   STATE_TODO_DELETE;

	if (!node || state_replicas_begin(&walk, w->a, node->id))
		return;
	cmd->node = near_to(w, node->id);
	while (state_replicas_next(&walk, &view) && out->left > 64) {
		if (view.todo != want ? odds(w, 97) : odds(w, 15))
			continue;
		state_put(out, view.shard.volume, 4);
		state_put(out, view.shard.number, 2);
		state_put(out, near_to(w, view.replica), 8);
	}
	if (odds(w, 2))
		state_put(out, 0, 1);
}

static void gen_job(struct ss_world *w, struct state_cmd *cmd)
{
	struct state_job *job = some(w, STATE_JOBS);

	cmd->what = rnd(w, 8);
	cmd->id = job ? near_to(w, job->id) : 1;
	cmd->state = rnd(w, 6);
	cmd->count = rnd(w, 10);
	cmd->total = rnd(w, 20);
	some_name(w, cmd->reason, 'j');
}

/* How often each kind comes. */
static const u8 gen_weight[STATE_CMD_NR] = {
	[STATE_CMD_CLUSTER_INIT] = 1,	  [STATE_CMD_CLUSTER_SET] = 2,
	[STATE_CMD_CLUSTER_RESTORE] = 1,  [STATE_CMD_CLIENT_OPEN] = 1,
	[STATE_CMD_NODE_ADD] = 8,	  [STATE_CMD_NODE_SET] = 2,
	[STATE_CMD_NODE_STATE] = 8,	  [STATE_CMD_NODE_RAFT] = 3,
	[STATE_CMD_NODE_REMOVE] = 1,	  [STATE_CMD_TOKEN_CREATE] = 4,
	[STATE_CMD_TOKEN_REVOKE] = 1,	  [STATE_CMD_STORE_ADD] = 10,
	[STATE_CMD_STORE_STATE] = 3,	  [STATE_CMD_STORE_REPORT] = 4,
	[STATE_CMD_STORE_REMOVE] = 2,	  [STATE_CMD_VOLUME_CREATE] = 5,
	[STATE_CMD_VOLUME_SHARDS] = 14,	  [STATE_CMD_VOLUME_SET] = 2,
	[STATE_CMD_VOLUME_RESIZE] = 4,	  [STATE_CMD_VOLUME_GROWN] = 6,
	[STATE_CMD_VOLUME_DELETE] = 1,	  [STATE_CMD_ATTACH] = 10,
	[STATE_CMD_DETACH] = 3,		  [STATE_CMD_FENCE] = 1,
	[STATE_CMD_SHARD_PROPOSE] = 12,	  [STATE_CMD_SHARD_JOINT] = 10,
	[STATE_CMD_SHARD_ADOPT] = 10,	  [STATE_CMD_SHARD_ABORT] = 3,
	[STATE_CMD_SHARD_SETTLED] = 8,	  [STATE_CMD_REPLICA_CREATED] = 24,
	[STATE_CMD_REPLICA_DELETED] = 14, [STATE_CMD_JOB_ADD] = 2,
	[STATE_CMD_JOB_SET] = 2,	  [STATE_CMD_SERVES] = 3,
	[STATE_CMD_NODE_REKEY] = 1,	  [STATE_CMD_NODE_LOST] = 1,
};

static u8 gen_kind(struct ss_world *w)
{
	u32 sum = 0, at, kind;

	for (kind = 0; kind < STATE_CMD_NR; kind++)
		sum += gen_weight[kind];
	at = rnd(w, sum);
	for (kind = 0; at >= gen_weight[kind]; kind++)
		at -= gen_weight[kind];
	return kind;
}

static void gen_body(struct ss_world *w, struct state_cmd *cmd,
		     struct state_out *out)
{
	if (cmd->kind <= STATE_CMD_CLUSTER_RESTORE)
		gen_cluster(w, cmd);
	else if (cmd->kind <= STATE_CMD_NODE_REMOVE ||
		 cmd->kind == STATE_CMD_NODE_REKEY ||
		 cmd->kind == STATE_CMD_NODE_LOST)
		gen_node(w, cmd);
	else if (cmd->kind <= STATE_CMD_TOKEN_REVOKE)
		gen_token(w, cmd);
	else if (cmd->kind <= STATE_CMD_STORE_REMOVE)
		gen_store(w, cmd, out);
	else if (cmd->kind == STATE_CMD_VOLUME_SHARDS)
		gen_shards(w, cmd, out);
	else if (cmd->kind <= STATE_CMD_VOLUME_DELETE)
		gen_volume(w, cmd);
	else if (cmd->kind <= STATE_CMD_FENCE || cmd->kind == STATE_CMD_SERVES)
		gen_attach(w, cmd);
	else if (cmd->kind <= STATE_CMD_SHARD_SETTLED)
		gen_set(w, cmd);
	else if (cmd->kind <= STATE_CMD_REPLICA_DELETED)
		gen_replicas(w, cmd, out);
	else
		gen_job(w, cmd);
}

/**
 * ss_command() - the next command
 * @w: the schedule
 * @cmd: the command
 * @rest: 512 bytes for what @cmd->rest points to
 *
 * Return: which client asks.
 */
u32 ss_command(struct ss_world *w, struct state_cmd *cmd, u8 *rest)
{
	struct state_out out = { .at = rest, .left = 512 };
	u32 client = rnd(w, SS_CLIENTS);

	memset(cmd, 0, sizeof(*cmd));
	w->now_ms += rnd(w, 100);
	cmd->kind = gen_kind(w);
	if (!w->a->cluster.made && odds(w, 90))
		cmd->kind = STATE_CMD_CLUSTER_INIT;
	else if (!w->client[client] && odds(w, 90))
		cmd->kind = STATE_CMD_CLIENT_OPEN;
	cmd->client = w->client[client];
	/* some are under way at the same time: numbers are left out, for now */
	cmd->seq = odds(w, 90) ? w->seq[client] + 1 :
				 w->seq[client] + rnd(w, 4);
	cmd->now_ms = odds(w, 95) ? w->now_ms : rnd(w, w->now_ms);
	if (odds(w, 1) && odds(w, 10))
		cmd->now_ms = qbd_rng_next(&w->rng) | 1ULL << 63;
	gen_body(w, cmd, &out);
	cmd->rest = (struct state_rest){ rest, 512 - out.left };
	return client;
}
