// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs: what they ask of the state, and what they show of it.
 */
#include <json-c/json.h>
#include <string.h>

#include "verbs.h"

/**
 * verb_node() - the node that arguments name
 * @c: the cluster
 * @args: the arguments
 * @node: its id
 * @why: why there is none
 *
 * Return: 0 or -EINVAL.
 */
int verb_node(struct cluster *c, struct json_object *args, u32 *node,
	      char why[VERB_WHY])
{
	const char *name = args_text(args, "name");
	const struct state_node *known;

	known = name ? state_node_by_name(c->s, name) : NULL;
	if (!known) {
		snprintf(
			why, VERB_WHY,
			"there is no node %.64s: 'qbdctl node list' shows them",
			name ? name : "without a name");
		return -EINVAL;
	}
	*node = known->id;
	return 0;
}

/* --- commands ----------------------------------------------------------- */

static int build_client(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_CLIENT_OPEN;
	cmd->node = from;
	return 0;
}

static int build_make(struct cluster *c, u32 from, struct json_object *args,
		      struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_CLUSTER_INIT;
	memcpy(cmd->uuid, c->record.cluster, sizeof(cmd->uuid));
	cmd->session = c->record.lineage;
	return args_copy(args, "name", cmd->name, sizeof(cmd->name));
}

/**
 * verb_level() - something needs a feature level that there is not yet
 * @c: the cluster, which leads
 * @level: that one
 * @away: who is not there is no matter
 * @why: who is in the way
 *
 * Return: -EINVAL.
 */
int verb_level(struct cluster *c, u64 level, bool away, char why[VERB_WHY])
{
	const struct state_node *known;
	u32 node, all = lead_level(c, away, &node);

	known = state_node_by_id(c->s, node);
	snprintf(
		why, VERB_WHY,
		"that needs feature level %llu, and %.63s %s; 'qbdctl cluster set feature-level --force' passes over who is not there",
		(unsigned long long)level, known ? known->name : "a node",
		!all && node == c->record.node ?
			"has not applied all yet, try again" :
		!all	    ? "is not there" :
		all < level ? "is too old for it" :
			      "was upgraded only now");
	return -EINVAL;
}

/* Not above what each node knows: it could not read the log. */
static int build_level(struct cluster *c, struct json_object *args, u64 level,
		       char why[VERB_WHY])
{
	bool away = args_flag(args, "force");
	u32 node, all = lead_level(c, away, &node);

	return level <= all ? 0 : verb_level(c, level, away, why);
}

static int build_set(struct cluster *c, u32 from, struct json_object *args,
		     struct state_cmd *cmd, char why[VERB_WHY])
{
	const char *key = args_text(args, "key");

	cmd->kind = STATE_CMD_CLUSTER_SET;
	cmd->value = args_number(args, "value", U32_MAX);
	for (cmd->what = 0; cmd->what < STATE_SETTINGS_NR; cmd->what++)
		if (key && !strcmp(key, state_setting_key(cmd->what)))
			break;
	if (cmd->what == STATE_SET_FEATURE) {
		cmd->what = STATE_SET_LEVEL;
		return build_level(c, args, cmd->value, why);
	}
	if (cmd->what < STATE_SETTINGS_NR)
		return 0;
	snprintf(why, VERB_WHY,
		 "there is no such setting: 'qbdctl cluster show' has them");
	return -EINVAL;
}

static int build_fields(struct json_object *args, struct state_cmd *cmd)
{
	int err = args_copy(args, "zone", cmd->zone, sizeof(cmd->zone));

	err = err ?: args_copy(args, "rack", cmd->rack, sizeof(cmd->rack));
	err = err ?: args_copy(args, "host", cmd->host, sizeof(cmd->host));
	return err;
}

static int build_join(struct cluster *c, u32 from, struct json_object *args,
		      struct state_cmd *cmd, char why[VERB_WHY])
{
	int err = args_copy(args, "name", cmd->name, sizeof(cmd->name));

	cmd->kind = STATE_CMD_NODE_ADD;
	cmd->id = args_number(args, "token", 0);
	err = err ?: args_hex(args, "key", cmd->key, sizeof(cmd->key));
	err = err ?: args_addrs(args, cmd);
	if (!err && (!cmd->nr_addrs || cmd->addr[0].use))
		err = -EINVAL; /* nobody could reach it */
	return err ?: build_fields(args, cmd);
}

static int build_active(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_NODE_STATE;
	cmd->node = args_number(args, "node", 0);
	cmd->state = STATE_NODE_ACTIVE;
	return 0;
}

static int build_raft(struct cluster *c, u32 from, struct json_object *args,
		      struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_NODE_RAFT;
	cmd->node = args_number(args, "node", 0);
	cmd->id = args_number(args, "server", 0);
	return 0;
}

/* Only what is named changes. */
static int build_label(struct cluster *c, u32 from, struct json_object *args,
		       struct state_cmd *cmd, char why[VERB_WHY])
{
	const char *wish = args_text(args, "votes");
	int err = verb_node(c, args, &cmd->node, why);

	if (err)
		return err;
	cmd->kind = STATE_CMD_NODE_SET;
	if (wish) {
		cmd->flags |= STATE_NODE_SET_WISH;
		cmd->wish = !strcmp(wish, "never")  ? STATE_WISH_NEVER :
			    !strcmp(wish, "rather") ? STATE_WISH_VOTER :
						      STATE_WISH_ANY;
	}
	if (args_text(args, "zone"))
		cmd->flags |= STATE_NODE_SET_ZONE;
	if (args_text(args, "rack"))
		cmd->flags |= STATE_NODE_SET_RACK;
	if (args_text(args, "host"))
		cmd->flags |= STATE_NODE_SET_HOST;
	if (!cmd->flags) {
		snprintf(
			why, VERB_WHY,
			"nothing to change: give --zone, --rack, --host or --votes");
		return -EINVAL;
	}
	return build_fields(args, cmd);
}

static int build_remove(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_node *node;
	struct group_info info;
	u32 tombs;
	int err = verb_node(c, args, &cmd->node, why);

	if (err)
		return err;
	cmd->kind = STATE_CMD_NODE_REMOVE;
	node = state_node_by_id(c->s, cmd->node);
	if (repair_left(c, node->id, &tombs) || args_flag(args, "force"))
		return lost_node(c, node->id, args_flag(args, "force"), cmd,
				 why);
	group_look(c->group, &info);
	/* it could not agree to its own end: its key is refused at once */
	if (node->raft && raft_config_find(&info.conf, node->raft) >= 0) {
		snprintf(
			why, VERB_WHY,
			"%.63s is in the group that decides: first 'qbdctl node label %.63s --votes never'",
			node->name, node->name);
		return -EINVAL;
	}
	return 0;
}

/*
 * The key that nobody has comes with the ask: it is the same if that is sent
 * again.
 */
static int build_rekey(struct cluster *c, u32 from, struct json_object *args,
		       struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_node *node;
	int err = verb_node(c, args, &cmd->node, why);

	if (err)
		return err;
	cmd->kind = STATE_CMD_NODE_REKEY;
	node = state_node_by_id(c->s, cmd->node);
	if (cmd->node == c->record.node || cluster_reaches(c, cmd->node)) {
		snprintf(
			why, VERB_WHY,
			"%.63s is there, and has its key: this is for a node whose state directory is lost",
			node->name);
		return -EINVAL;
	}
	return args_hex(args, "key", cmd->key, sizeof(cmd->key));
}

static int build_token(struct cluster *c, u32 from, struct json_object *args,
		       struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_TOKEN_CREATE;
	cmd->id = args_number(args, "id", 0);
	cmd->value = args_number(args, "uses", 1);
	cmd->total = args_number(args, "expires_ms", 0);
	return args_hex(args, "psk", cmd->key, sizeof(cmd->key));
}

static int build_revoke(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_TOKEN_REVOKE;
	cmd->id = args_number(args, "id", 0);
	return 0;
}

/* --- answers ------------------------------------------------------------ */

/**
 * show_nothing() - it was done, and that is all
 * @c: the cluster
 * @args: arguments
 * @res: of the command
 * @why: not used
 *
 * Return: an empty object.
 */
struct json_object *show_nothing(struct cluster *c, struct json_object *args,
				 const struct state_result *res,
				 char why[VERB_WHY])
{
	return json_object_new_object();
}

/* Given up, it is there until its copies were made elsewhere. */
static struct json_object *show_removed(struct cluster *c,
					struct json_object *args,
					const struct state_result *res,
					char why[VERB_WHY])
{
	struct json_object *doc = json_object_new_object();
	u32 node, tombs;

	if (!verb_node(c, args, &node, why))
		json_number(doc, "copies", repair_left(c, node, &tombs));
	return doc;
}

static struct json_object *show_client(struct cluster *c,
				       struct json_object *args,
				       const struct state_result *res,
				       char why[VERB_WHY])
{
	struct json_object *doc = json_object_new_object();

	json_number(doc, "client", res->arg[0]);
	return doc;
}

static struct json_object *show_joined(struct cluster *c,
				       struct json_object *args,
				       const struct state_result *res,
				       char why[VERB_WHY])
{
	struct json_object *doc = json_object_new_object();

	json_number(doc, "node", res->arg[0]);
	return doc;
}

static const char *verb_node_state(const struct state_node *node)
{
	static const char *const name[] = { "?", "joining", "active",
					    "draining", "removed" };

	if (node->state == STATE_NODE_DRAINING && state_node_refused(node))
		return "lost";
	return node->state < ARRAY_SIZE(name) ? name[node->state] : "?";
}

/* What the group thinks of a server. */
static const char *verb_role(const struct group_info *info, u64 server)
{
	int at = server ? raft_config_find(&info->conf, server) : -1;

	if (at < 0)
		return "-";
	if (server == info->leader)
		return "leader";
	return raft_config_voters(&info->conf) & (1U << at) ? "voter" :
							      "learner";
}

static struct json_object *verb_addrs(const struct state_node *node, u8 use)
{
	struct json_object *list = json_object_new_array();
	char text[LINKS_ADDR_TEXT];
	union links_addr addr;
	u32 i;

	for (i = 0; i < node->nr_addrs; i++) {
		if (node->addr[i].use != use)
			continue;
		addr_of_state(&node->addr[i], &addr);
		links_addr_format(text, &addr);
		json_object_array_add(list, json_object_new_string(text));
	}
	return list;
}

static struct json_object *show_node(struct cluster *c,
				     const struct state_node *node)
{
	struct json_object *doc = json_object_new_object();
	struct group_info info;
	u32 tombs;

	group_look(c->group, &info);
	json_number(doc, "id", node->id);
	json_text(doc, "name", node->name);
	json_text(doc, "state", verb_node_state(node));
	json_text(doc, "heard", cluster_heard(c, node->id));
	json_text(doc, "group", verb_role(&info, node->raft));
	json_text(doc, "zone", node->zone);
	json_text(doc, "rack", node->rack);
	json_text(doc, "host", node->host);
	json_number(doc, "copies", repair_left(c, node->id, &tombs));
	json_number(doc, "deleting", tombs);
	json_object_object_add(doc, "control", verb_addrs(node, 0));
	json_object_object_add(doc, "data", verb_addrs(node, 1));
	return doc;
}

static struct json_object *show_nodes(struct cluster *c,
				      struct json_object *args,
				      const struct state_result *res,
				      char why[VERB_WHY])
{
	struct json_object *doc = json_object_new_object();
	struct json_object *list = json_object_new_array();
	const struct state_node *node;
	u32 slot = 0;

	while ((node = state_node_walk(c->s, &slot)))
		if (node->state != STATE_NODE_REMOVED)
			json_object_array_add(list, show_node(c, node));
	json_object_object_add(doc, "nodes", list);
	return doc;
}

static struct json_object *show_one_node(struct cluster *c,
					 struct json_object *args,
					 const struct state_result *res,
					 char why[VERB_WHY])
{
	u32 node;

	if (verb_node(c, args, &node, why))
		return NULL;
	return show_node(c, state_node_by_id(c->s, node));
}

/* By the state's clock, as it will be judged. */
static u64 verb_good_s(const struct cluster *c, const struct state_token *token)
{
	u64 now = state_cluster(c->s)->now_ms;

	return token->expires_ms > now ? (token->expires_ms - now) / 1000 : 0;
}

static struct json_object *show_tokens(struct cluster *c,
				       struct json_object *args,
				       const struct state_result *res,
				       char why[VERB_WHY])
{
	struct json_object *doc = json_object_new_object(), *row;
	struct json_object *list = json_object_new_array();
	const struct state_token *token;
	u32 slot = 0;

	while ((token = state_token_walk(c->s, &slot))) {
		row = json_object_new_object();
		json_number(row, "id", token->id);
		json_number(row, "uses", token->uses);
		json_number(row, "expires_ms", token->expires_ms);
		json_number(row, "good_s", verb_good_s(c, token));
		json_object_array_add(list, row);
	}
	json_object_object_add(doc, "tokens", list);
	return doc;
}

static struct json_object *show_cluster(struct cluster *c,
					struct json_object *args,
					const struct state_result *res,
					char why[VERB_WHY])
{
	const struct state_cluster *cluster = state_cluster(c->s);
	struct json_object *doc, *settings;
	u32 i;

	if (!cluster->made) {
		snprintf(why, VERB_WHY, "the cluster is not made yet");
		return NULL;
	}
	doc = json_object_new_object();
	settings = json_object_new_object();
	json_text(doc, "name", cluster->name);
	json_object_object_add(doc, "uuid", json_uuid(cluster->uuid));
	json_number(doc, "lineage", cluster->lineage);
	for (i = 0; i < STATE_SETTINGS_NR; i++)
		json_number(settings, state_setting_key(i),
			    cluster->setting[i]);
	json_object_object_add(doc, "settings", settings);
	return doc;
}

static const struct cluster_verb cluster_verbs[] = {
	{ "client open", false, build_client, show_client },
	{ "cluster make", false, build_make, show_nothing },
	{ "cluster set", true, build_set, show_nothing },
	{ "cluster show", false, NULL, show_cluster },
	{ "node join", true, build_join, show_joined },
	{ "node active", true, build_active, show_nothing },
	{ "node raft", true, build_raft, show_nothing },
	{ "node label", true, build_label, show_nothing },
	{ "node remove", true, build_remove, show_removed },
	{ "node rekey", true, build_rekey, show_nothing },
	{ "node list", false, NULL, show_nodes },
	{ "node show", false, NULL, show_one_node },
	{ "token create", true, build_token, show_nothing },
	{ "token revoke", true, build_revoke, show_nothing },
	{ "token list", false, NULL, show_tokens },
	{ .name = NULL },
};

static const struct cluster_verb *cluster_verb_in(const struct cluster_verb *in,
						  const char *name)
{
	for (; in->name; in++)
		if (!strcmp(name, in->name))
			return in;
	return NULL;
}

/**
 * cluster_verb_find() - a verb
 * @name: its name
 *
 * Return: the verb, or NULL.
 */
const struct cluster_verb *cluster_verb_find(const char *name)
{
	return cluster_verb_in(cluster_verbs, name)	   ?:
		       cluster_verb_in(verbs_store, name)  ?:
		       cluster_verb_in(verbs_volume, name) ?:
		       cluster_verb_in(verbs_repair, name) ?:
		       cluster_verb_in(verbs_report, name);
}
