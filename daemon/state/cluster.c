// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cluster itself, and its settings.
 */
#include "inner.h"

struct state_setting_row {
	const char *key;
	u32 def;
	u32 least;
	u32 most;
};

#define STATE_SETTING_ROW(name, text, normal, low, high) \
	{ .key = (text), .def = (normal), .least = (low), .most = (high) },

static const struct state_setting_row state_setting_row[STATE_SETTINGS_NR] = {
	STATE_SETTINGS(STATE_SETTING_ROW)
};

/**
 * state_setting_key() - name of a setting
 * @what: enum state_setting
 *
 * Return: the name; NULL: there is no such setting.
 */
const char *state_setting_key(u32 what)
{
	return what < STATE_SETTINGS_NR ? state_setting_row[what].key : NULL;
}

/**
 * state_setting_good() - can a setting have this value?
 * @what: enum state_setting
 * @value: the value
 *
 * Return: true if so.
 */
bool state_setting_good(u32 what, u32 value)
{
	if (what >= STATE_SETTINGS_NR ||
	    value < state_setting_row[what].least ||
	    value > state_setting_row[what].most)
		return false;
	return what != STATE_SET_VOTERS || value % 2;
}

/**
 * state_do_cluster_init() - there is a cluster
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_cluster_init(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res)
{
	struct state_cluster *cluster = &s->cluster;
	u32 i;

	if (cluster->made) {
		state_no(res, STATE_WHY_CLUSTER, 0, 0, 0);
		return;
	}
	if (!state_name_good(cmd->name)) {
		state_no(res, STATE_WHY_NAME, 0, 0, 0);
		return;
	}
	if (mem_is_zero(cmd->uuid, sizeof(cmd->uuid)) || !cmd->session) {
		state_no(res, STATE_WHY_BAD, 1, 0, 0);
		return;
	}
	memcpy(cluster->uuid, cmd->uuid, sizeof(cluster->uuid));
	memcpy(cluster->name, cmd->name, sizeof(cluster->name));
	cluster->made = 1;
	cluster->lineage = cmd->session;
	cluster->next_node = 1;
	cluster->next_store = 1;
	cluster->next_volume = 1;
	cluster->next_replica = 1;
	cluster->next_raft = 1;
	cluster->next_client = 1;
	cluster->next_job = 1;
	for (i = 0; i < STATE_SETTINGS_NR; i++)
		cluster->setting[i] = state_setting_row[i].def;
	state_touch(s, STATE_KIND_CLUSTER, 0, 0);
}

/**
 * state_do_cluster_set() - a setting changes
 * @s: the state
 * @cmd: the command
 * @res: its result
 *
 * The feature level only rises: what it allowed may be in use.  Above what is
 * known here the state is not what it is elsewhere, and must not be used any
 * more.  (A qbdd is put back to an older one, has the level in its log, refuses
 * it as it would a setting, and all commands behind it that the others did; a
 * newer qbdd then goes on from its snapshot.)
 */
void state_do_cluster_set(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	if (cmd->what == STATE_SET_LEVEL && cmd->value > STATE_LEVEL_MAX) {
		state_no(res, STATE_WHY_NEWER, cmd->value, STATE_LEVEL_MAX, 0);
		return;
	}
	if (cmd->what == STATE_SET_LEVEL &&
	    cmd->value > s->cluster.setting[STATE_SET_FEATURE]) {
		s->cluster.setting[STATE_SET_FEATURE] = cmd->value;
		state_touch(s, STATE_KIND_CLUSTER, 0, 0);
		return;
	}
	if (!state_setting_good(cmd->what, cmd->value) ||
	    (cmd->what == STATE_SET_FEATURE &&
	     cmd->value < s->cluster.setting[cmd->what] &&
	     !QBD_MUTANT(state_level_falls))) {
		state_no(res, STATE_WHY_SETTING, cmd->what, cmd->value, 0);
		return;
	}
	s->cluster.setting[cmd->what] = cmd->value;
	state_touch(s, STATE_KIND_CLUSTER, 0, 0);
}

/* Above all terms and epochs that this state knows of; and some more. */
static u64 state_restore_floor(const struct state *s)
{
	u64 floor = s->cluster.term_floor;
	u32 slot;

	for (slot = state_next(s, STATE_VOLUMES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_VOLUMES, slot + 1))
		floor = max(floor, state_volume_at(s, slot)->term);
	for (slot = state_next(s, STATE_SHARDS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_SHARDS, slot + 1))
		floor = max(floor, state_shard_at(s, slot)->epoch);
	return floor + STATE_RESTORE_JUMP;
}

static bool state_restore_room(const struct state_cluster *cluster)
{
	u32 id = U32_MAX - 2 * STATE_RESTORE_IDS;
	u64 number = STATE_NUMBER_MAX - STATE_RESTORE_JUMP;

	return cluster->next_node < id && cluster->next_store < id &&
	       cluster->next_volume < id && cluster->next_raft < id &&
	       cluster->next_replica <
		       STATE_REPLICA_ID_MAX - STATE_RESTORE_JUMP &&
	       cluster->next_client < number && cluster->next_job < number;
}

/* A multiple that leaves at least so many out. */
static u32 state_restore_id(u32 next)
{
	return (next / STATE_RESTORE_IDS + 2) * STATE_RESTORE_IDS;
}

static void state_restore_counters(struct state_cluster *cluster, u64 server)
{
	cluster->next_node = state_restore_id(cluster->next_node);
	cluster->next_store = state_restore_id(cluster->next_store);
	cluster->next_volume = state_restore_id(cluster->next_volume);
	cluster->next_raft = max(cluster->next_raft + STATE_RESTORE_IDS,
				 (u64)(u32)server + 1);
	cluster->next_replica += STATE_RESTORE_JUMP;
	cluster->next_client += STATE_RESTORE_JUMP;
	cluster->next_job += STATE_RESTORE_JUMP;
}

/* No node has a server in the new group yet, but the one that goes on. */
static void state_restore_servers(struct state *s, u32 node, u64 server)
{
	struct state_node *one;
	u32 slot;

	for (slot = state_next(s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_NODES, slot + 1)) {
		one = state_node_at(s, slot);
		one->raft = one->id == node ? server : 0;
		state_touch(s, STATE_KIND_NODE, one->id, 0);
	}
}

static bool state_restore_good(const struct state *s,
			       const struct state_cmd *cmd,
			       struct state_result *res)
{
	if (!state_node_live(s, cmd->node, res))
		return false;
	if (!cmd->session || cmd->id >> 32 != cmd->node || !(u32)cmd->id ||
	    (u32)cmd->id == U32_MAX || cmd->term > STATE_TERM_MAX)
		state_no(res, STATE_WHY_BAD, 2, 0, 0);
	else if (!state_restore_room(&s->cluster) ||
		 state_restore_floor(s) > STATE_TERM_MAX)
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	return !res->why;
}

/**
 * state_do_cluster_restore() - the cluster goes on from one server (S16)
 * @s: the state
 * @cmd: the command: the lineage of the new group, its server and node, and a
 *	term that is not below any that somebody knows of
 * @res: its result
 *
 * This server need not know what the lost ones decided last, and the kernels
 * carry it out all the same.  So nothing that they may have given out is given
 * out again: terms and epochs rise over a floor, ids go on far behind.  (The
 * lost ones attach db on B in term 6, and make replica 13; here db is in term
 * 5.  Term 6 for A: two holders of one term.  Replica 13 of another volume: one
 * that is back is taken for it, S11.)  What is known of sets stays: a leader
 * that opens an older set than a quorum has logged is refused, which is better
 * than one that does not know where the data are (S6).
 *
 * Tokens end: they may have been used.  The lineage of the *kernels* stays what
 * it was: they go on, with the links that they have, and terms decide among
 * them.
 */
void state_do_cluster_restore(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res)
{
	if (!state_restore_good(s, cmd, res))
		return;
	s->cluster.term_floor = max(state_restore_floor(s), cmd->term);
	state_restore_counters(&s->cluster, cmd->id);
	state_restore_servers(s, cmd->node, cmd->id);
	state_tokens_end(s);
	res->arg[0] = s->cluster.term_floor;
	state_touch(s, STATE_KIND_CLUSTER, 0, 0);
	if (s->delta)
		s->delta->all = true;
}
