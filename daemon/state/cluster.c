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
 * The feature level only rises: what it allowed may be in use.
 */
void state_do_cluster_set(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	if (!state_setting_good(cmd->what, cmd->value) ||
	    (cmd->what == STATE_SET_FEATURE &&
	     cmd->value < s->cluster.setting[cmd->what])) {
		state_no(res, STATE_WHY_SETTING, cmd->what, cmd->value, 0);
		return;
	}
	s->cluster.setting[cmd->what] = cmd->value;
	state_touch(s, STATE_KIND_CLUSTER, 0, 0);
}

/**
 * state_do_cluster_restore() - the cluster came from a backup (S16)
 * @s: the state
 * @cmd: the command: the new lineage, and a term that is not below any promise
 * @res: its result
 *
 * The backup knows nothing of the terms that were granted after it was made.
 */
void state_do_cluster_restore(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res)
{
	if (!cmd->session || cmd->session == s->cluster.lineage ||
	    cmd->term > STATE_TERM_MAX) {
		state_no(res, STATE_WHY_BAD, 2, 0, 0);
		return;
	}
	s->cluster.lineage = cmd->session;
	s->cluster.term_floor = max(s->cluster.term_floor, cmd->term);
	state_touch(s, STATE_KIND_CLUSTER, 0, 0);
}
