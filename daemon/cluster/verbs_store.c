// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs of stores.
 */
#include <json-c/json.h>
#include <string.h>

#include "../parse.h"
#include "verbs.h"

#define STORE_ROWS 256 /* of a list, in one answer */

/**
 * verb_store() - the store that arguments name
 * @c: the cluster
 * @args: the arguments: its id, or what stands in its superblock
 * @store: its id
 * @why: why there is none
 *
 * Return: 0 or -EINVAL.
 */
int verb_store(struct cluster *c, struct json_object *args, u32 *store,
	       char why[VERB_WHY])
{
	const char *word = args_text(args, "store");
	const struct state_store *known = NULL;
	u8 uuid[16];
	u32 id;

	if (word && parse_u32(word, 1, U32_MAX, &id))
		known = state_store_by_id(c->s, id);
	else if (word && parse_uuid(word, uuid))
		known = state_store_by_uuid(c->s, uuid);
	if (!known || known->state == STATE_STORE_REMOVED) {
		snprintf(
			why, VERB_WHY,
			"there is no store %.40s: 'qbdctl store list' shows them",
			word ? word : "without an id");
		return -EINVAL;
	}
	*store = known->id;
	return 0;
}

/* A store is one of the node that has it open: nobody speaks for another. */
static int build_add(struct cluster *c, u32 from, struct json_object *args,
		     struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_STORE_ADD;
	cmd->node = from;
	cmd->size = args_number(args, "capacity", 0);
	cmd->count = args_number(args, "opens", 0);
	if (args_number(args, "node", from) != from) {
		snprintf(why, VERB_WHY,
			 "a store is added by the daemon of its node");
		return -EINVAL;
	}
	return args_hex(args, "uuid", cmd->uuid, sizeof(cmd->uuid));
}

static int build_remove(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_store *store;
	int err = verb_store(c, args, &cmd->store, why);

	if (err)
		return err;
	cmd->kind = STATE_CMD_STORE_REMOVE;
	store = state_store_by_id(c->s, cmd->store);
	return store->nr && args_flag(args, "force") ?
		       lost_store(c, store, cmd, why) :
		       0;
}

/* Given up, it is there until its copies were made elsewhere. */
static struct json_object *show_removed(struct cluster *c,
					struct json_object *args,
					const struct state_result *res,
					char why[VERB_WHY])
{
	const struct state_store *store;
	struct json_object *doc = json_object_new_object();
	u32 id;

	if (verb_store(c, args, &id, why))
		return doc;
	store = state_store_by_id(c->s, id);
	json_number(doc, "copies", store->nr);
	return doc;
}

static struct json_object *show_added(struct cluster *c,
				      struct json_object *args,
				      const struct state_result *res,
				      char why[VERB_WHY])
{
	struct json_object *doc = json_object_new_object();

	json_number(doc, "store", res->arg[0]);
	return doc;
}

static const char *store_state(u8 state)
{
	static const char *const name[] = { "?",    "active",	"failed",
					    "gone", "draining", "removed",
					    "lost" };

	return state < ARRAY_SIZE(name) ? name[state] : "?";
}

static struct json_object *store_row(struct cluster *c,
				     const struct state_store *store)
{
	const struct state_node *node = state_node_by_id(c->s, store->node);
	struct json_object *row = json_object_new_object();

	json_number(row, "id", store->id);
	json_object_object_add(row, "uuid", json_uuid(store->uuid));
	json_text(row, "node", node ? node->name : "");
	json_text(row, "heard", cluster_heard(c, store->node));
	json_text(row, "state", store_state(store->state));
	json_number(row, "capacity", store->capacity);
	json_number(row, "free", store->free);
	json_number(row, "replicas", store->nr);
	json_number(row, "deleting", store->nr_tombs);
	json_number(row, "opens", store->opens);
	return row;
}

static struct json_object *show_stores(struct cluster *c,
				       struct json_object *args,
				       const struct state_result *res,
				       char why[VERB_WHY])
{
	struct json_object *list = json_object_new_array();
	u32 slot = args_number(args, "from", 0), rows = 0;
	const struct state_store *store;

	while (rows < STORE_ROWS && (store = state_store_walk(c->s, &slot))) {
		if (store->state == STATE_STORE_REMOVED)
			continue;
		json_object_array_add(list, store_row(c, store));
		rows++;
	}
	return json_page("stores", list, rows == STORE_ROWS ? slot : 0);
}

static struct json_object *show_store(struct cluster *c,
				      struct json_object *args,
				      const struct state_result *res,
				      char why[VERB_WHY])
{
	u32 id;

	if (verb_store(c, args, &id, why))
		return NULL;
	return store_row(c, state_store_by_id(c->s, id));
}

/* What can be asked of stores. */
const struct cluster_verb verbs_store[] = {
	{ "store add", true, build_add, show_added },
	{ "store remove", true, build_remove, show_removed },
	{ "store list", false, NULL, show_stores },
	{ "store show", false, NULL, show_store },
	{ .name = NULL },
};
