// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs of repair: nodes and stores are drained, and what the duty of who leads
 * found due (repair/duty.h).
 *
 * To drain is a wish that stands in the state; that copies move is done by the
 * duty, one after the other, and may take long.  So the answer is at once how
 * much there is left, and "job list" and "node list" say it later.
 */
#include <json-c/json.h>
#include <string.h>

#include "volume.h"

/* --- drain ---------------------------------------------------------------- */

static int build_node_drain(struct cluster *c, u32 from,
			    struct json_object *args, struct state_cmd *cmd,
			    char why[VERB_WHY])
{
	bool cancel = args_flag(args, "cancel");
	const struct state_node *node;
	int err = verb_node(c, args, &cmd->node, why);

	if (err)
		return err;
	node = state_node_by_id(c->s, cmd->node);
	cmd->kind = STATE_CMD_NODE_STATE;
	cmd->state = cancel ? STATE_NODE_ACTIVE : STATE_NODE_DRAINING;
	if (node->state == (cancel ? STATE_NODE_DRAINING : STATE_NODE_ACTIVE) ||
	    node->state == cmd->state)
		return 0;
	snprintf(
		why, VERB_WHY,
		"%.63s has not joined yet: 'qbdctl node list' shows when it is active",
		node->name);
	return -EINVAL;
}

static int build_store_drain(struct cluster *c, u32 from,
			     struct json_object *args, struct state_cmd *cmd,
			     char why[VERB_WHY])
{
	bool cancel = args_flag(args, "cancel");
	const struct state_store *store;
	int err = verb_store(c, args, &cmd->store, why);

	if (err)
		return err;
	store = state_store_by_id(c->s, cmd->store);
	cmd->kind = STATE_CMD_STORE_STATE;
	cmd->state = cancel ? STATE_STORE_ACTIVE : STATE_STORE_DRAINING;
	if (store->state == STATE_STORE_ACTIVE ||
	    store->state == STATE_STORE_DRAINING)
		return 0;
	if (store->state == STATE_STORE_LOST)
		snprintf(
			why, VERB_WHY,
			"store %u was given up: what it had is replaced, then it is removed by itself",
			store->id);
	else
		snprintf(
			why, VERB_WHY,
			"store %u failed: what it had is replaced by itself, then 'qbdctl store remove %u'",
			store->id, store->id);
	return -EINVAL;
}

/**
 * repair_left() - how many copies has a node?
 * @c: the cluster
 * @node: its id
 * @tombs: copies that it has to delete still
 *
 * Return: how many.
 */
u32 repair_left(struct cluster *c, u32 node, u32 *tombs)
{
	const struct state_store *store;
	u32 slot = 0, nr = 0;

	*tombs = 0;
	while ((store = state_store_walk(c->s, &slot))) {
		if (store->node != node || store->state == STATE_STORE_REMOVED)
			continue;
		nr += store->nr;
		*tombs += store->nr_tombs;
	}
	return nr;
}

static struct json_object *show_node_drain(struct cluster *c,
					   struct json_object *args,
					   const struct state_result *res,
					   char why[VERB_WHY])
{
	struct json_object *doc;
	u32 node, tombs;

	if (verb_node(c, args, &node, why))
		return NULL;
	doc = json_object_new_object();
	json_number(doc, "copies", repair_left(c, node, &tombs));
	json_number(doc, "deleting", tombs);
	return doc;
}

static struct json_object *show_store_drain(struct cluster *c,
					    struct json_object *args,
					    const struct state_result *res,
					    char why[VERB_WHY])
{
	const struct state_store *store;
	struct json_object *doc;
	u32 id;

	if (verb_store(c, args, &id, why))
		return NULL;
	store = state_store_by_id(c->s, id);
	doc = json_object_new_object();
	json_number(doc, "copies", store->nr);
	json_number(doc, "deleting", store->nr_tombs);
	return doc;
}

/* --- what is under way -------------------------------------------------------
 */

static const char *repair_name(struct cluster *c, u32 node)
{
	const struct state_node *known = state_node_by_id(c->s, node);

	return known ? known->name : "nobody";
}

/* What a change of a set waits for, as far as the state shows it. */
static void repair_waits(struct cluster *c, const struct state_shard_view *view,
			 char text[VOLUME_TEXT])
{
	const struct state_volume *volume =
		state_volume_by_id(c->s, view->volume);
	const char *holder = repair_name(c, volume ? volume->holder : 0);
	const char *to = "nobody";
	bool made = true;
	u32 i;

	for (i = 0; i < view->nr; i++) {
		if (view->member[i].role != STATE_ROLE_LEARNER &&
		    view->member[i].role != STATE_ROLE_JOINING)
			continue;
		to = repair_name(c, view->member[i].node);
		made = view->member[i].made;
	}
	if (!made)
		snprintf(text, VOLUME_TEXT, "%.63s to make the new copy", to);
	else if (!volume || !volume->hold)
		snprintf(
			text, VOLUME_TEXT,
			"a node that holds it: who leads finds one for repair");
	else if (strcmp(cluster_heard(c, volume->holder), "alive") != 0)
		snprintf(text, VOLUME_TEXT,
			 "%.63s, which holds it, to be heard", holder);
	else if (view->stage == STATE_STAGE_LEARN)
		snprintf(text, VOLUME_TEXT, "%.63s to fill the copy of %.63s",
			 holder, to);
	else
		snprintf(text, VOLUME_TEXT,
			 "%.63s to have the new set on stable media", holder);
}

static u32 repair_changes(struct cluster *c, struct json_object *list, u32 most)
{
	const struct state_volume *volume;
	char target[STATE_NAME_MAX + 16], text[VOLUME_TEXT];
	struct state_shard_view view;
	u32 slot = 0, rows = 0;

	while (rows < most && state_change_walk(c->s, &slot, &view)) {
		volume = state_volume_by_id(c->s, view.volume);
		snprintf(target, sizeof(target), "%s/%u",
			 volume ? volume->name : "?", view.number);
		repair_waits(c, &view, text);
		json_object_array_add(list, job_row("replace", target,
						    view.stage - 1, 3, text));
		rows++;
	}
	return rows;
}

static struct json_object *repair_drain_row(const char *kind,
					    const char *target, u32 copies,
					    u32 tombs, bool holds)
{
	char text[VOLUME_TEXT];

	if (copies)
		snprintf(text, sizeof(text), "%u copies to be moved", copies);
	else if (tombs)
		snprintf(text, sizeof(text), "%u copies to be deleted", tombs);
	else if (holds)
		snprintf(
			text, sizeof(text),
			"volumes that are attached there: attach them elsewhere");
	else
		snprintf(text, sizeof(text), "nothing: it can be removed");
	return job_row(kind, target, 0, copies, text);
}

/**
 * repair_jobs() - sets that are changed, and what drains
 * @c: the cluster
 * @list: for rows of "job list"
 * @most: so many
 *
 * Return: how many there are.
 */
u32 repair_jobs(struct cluster *c, struct json_object *list, u32 most)
{
	u32 rows = repair_changes(c, list, most / 2), slot = 0, tombs, copies;
	const struct state_store *store;
	const struct state_node *node;
	char target[16];
	bool failed;

	while (rows < most && (node = state_node_walk(c->s, &slot))) {
		if (node->state != STATE_NODE_DRAINING)
			continue;
		copies = repair_left(c, node->id, &tombs);
		if (state_node_refused(node))
			tombs = 0; /* nobody deletes them */
		json_object_array_add(
			list, repair_drain_row(state_node_refused(node) ?
						       "remove node" :
						       "drain node",
					       node->name, copies, tombs,
					       node->held != STATE_NONE));
		rows++;
	}
	slot = 0;
	while (rows < most && (store = state_store_walk(c->s, &slot))) {
		failed = state_store_failed(store) && store->nr;
		if (store->state != STATE_STORE_DRAINING && !failed)
			continue;
		snprintf(target, sizeof(target), "%u", store->id);
		json_object_array_add(
			list, repair_drain_row(failed ? "replace store" :
							"drain store",
					       target, store->nr,
					       store->nr_tombs, false));
		rows++;
	}
	return rows;
}

/* --- the duty ----------------------------------------------------------------
 */

static bool repair_kind(u64 kind)
{
	switch (kind) {
	case STATE_CMD_SHARD_PROPOSE:
	case STATE_CMD_SHARD_JOINT:
	case STATE_CMD_SHARD_ADOPT:
	case STATE_CMD_SHARD_ABORT:
	case STATE_CMD_ATTACH:
	case STATE_CMD_DETACH:
		return true;
	default:
		return false;
	}
}

/* A hold for repair begins, or ends; nobody's device does. */
static int build_hold(struct cluster *c, struct json_object *args,
		      struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume =
		state_volume_by_id(c->s, cmd->volume);

	cmd->node = args_number(args, "node", 0);
	if (cmd->kind == STATE_CMD_ATTACH) {
		cmd->session = args_number(args, "session", 0);
		cmd->flags = STATE_ATTACH_REPAIR;
		return 0;
	}
	/* its term is compared once more when it is done */
	if (volume && volume->hold == STATE_HOLD_REPAIR &&
	    volume->term == cmd->term)
		return 0;
	snprintf(why, VERB_WHY, "volume %u is not held for repair under %llu",
		 cmd->volume, (unsigned long long)cmd->term);
	return -EPERM;
}

/*
 * Only who leads may say so, of itself; what it goes by is compared when the
 * command is done.
 */
static int build_repair(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	u64 kind = args_number(args, "kind", 0);
	u64 add = args_number(args, "add", 0),
	    del = args_number(args, "del", 0);

	if (from != c->record.node || !repair_kind(kind)) {
		snprintf(why, VERB_WHY, "only who leads repairs");
		return -EPERM;
	}
	cmd->kind = kind;
	cmd->volume = args_number(args, "volume", 0);
	cmd->number = args_number(args, "shard", U32_MAX);
	cmd->term = args_number(args, "term", 0);
	cmd->epoch = args_number(args, "epoch", 0);
	if (kind == STATE_CMD_ATTACH || kind == STATE_CMD_DETACH)
		return build_hold(c, args, cmd, why);
	if (add) {
		cmd->nr_add = 1;
		cmd->add[0] = add;
	}
	if (del) {
		cmd->nr_del = 1;
		cmd->del[0] = del;
	}
	return 0;
}

/* What can be asked about repair. */
const struct cluster_verb verbs_repair[] = {
	{ "node drain", true, build_node_drain, show_node_drain },
	{ "store drain", true, build_store_drain, show_store_drain },
	{ "repair duty", true, build_repair, show_nothing },
	{ "repair status", false, NULL, show_repair },
	{ .name = NULL },
};
