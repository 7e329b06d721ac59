// SPDX-License-Identifier: GPL-2.0-only
/*
 * "node remove --force", "store remove --force": what never comes back is given
 * up (state/lost.c).
 *
 * The state looks at what it knows; who leads knows more, namely who is heard.
 * A set that would have no quorum of those that are there is named, with its
 * volume, and nothing is given up: its copies there may be the only good ones.
 * Who is there is refused, too: it drains, and nothing is lost then.
 *
 * What was given up is removed by a duty when nothing of it is left.
 */
#include <json-c/json.h>
#include <string.h>

#include "volume.h"

#define LOST_NAMED 3U /* volumes, in a refusal */

struct lost {
	struct cluster *c;
	u32 node; /* or */
	u32 store;
	u32 nr;
	u32 named[LOST_NAMED];
};

/* Is a member on something that stays, and that is heard? */
static bool lost_there(void *arg, const struct state_member_view *member)
{
	const struct lost *lost = arg;
	const struct state_store *store =
		state_store_by_id(lost->c->s, member->store);

	return store && member->node != lost->node &&
	       member->store != lost->store &&
	       (store->state == STATE_STORE_ACTIVE ||
		store->state == STATE_STORE_DRAINING) &&
	       !strcmp(cluster_heard(lost->c, member->node), "alive");
}

/* Volumes with a shard that would have no quorum without this store. */
static void lost_store_only(struct lost *lost, const struct state_store *store)
{
	const struct state_volume *volume;
	struct state_shard_view view;
	u32 at, i;

	for (at = 0; at < store->nr; at++) {
		if (state_view_store(lost->c->s, store->id, at, &view) ||
		    state_left(&view, lost_there, lost))
			continue;
		volume = state_volume_by_id(lost->c->s, view.volume);
		if (!volume || volume->state == STATE_VOLUME_DELETING)
			continue;
		for (i = 0; i < min(lost->nr, LOST_NAMED); i++)
			if (lost->named[i] == volume->id)
				break;
		if (i < min(lost->nr, LOST_NAMED))
			continue;
		if (lost->nr < LOST_NAMED)
			lost->named[lost->nr] = volume->id;
		lost->nr++;
	}
}

static void lost_node_only(struct lost *lost)
{
	const struct state_store *store;
	u32 slot = 0;

	while ((store = state_store_walk(lost->c->s, &slot)))
		if (store->node == lost->node &&
		    store->state != STATE_STORE_REMOVED)
			lost_store_only(lost, store);
}

/* "db, log and others" */
static void lost_names(const struct lost *lost, char *text, u32 room)
{
	const struct state_volume *volume;
	u32 i, len = 0;

	text[0] = '\0';
	for (i = 0; i < min(lost->nr, LOST_NAMED) && len < room; i++) {
		volume = state_volume_by_id(lost->c->s, lost->named[i]);
		len += snprintf(text + len, room - len, "%s%.40s",
				i ? ", " : "", volume ? volume->name : "?");
	}
	if (lost->nr > LOST_NAMED && len < room)
		snprintf(text + len, room - len, " and others");
}

static int lost_refuse(const struct lost *lost, const char *what,
		       char why[VERB_WHY])
{
	char names[VERB_WHY / 2];

	lost_names(lost, names, sizeof(names));
	snprintf(
		why, VERB_WHY,
		"without %.20s too few copies are left of %.90s: bring others back, or delete those volumes first",
		what, names);
	return -EINVAL;
}

/**
 * lost_node() - a node is removed that has something, and does not come back
 * @c: the cluster
 * @id: of the node
 * @force: it never does
 * @cmd: the command
 * @why: why not
 *
 * Return: 0 or -EINVAL.
 */
int lost_node(struct cluster *c, u32 id, bool force, struct state_cmd *cmd,
	      char why[VERB_WHY])
{
	const struct state_node *node = state_node_by_id(c->s, id);
	struct lost lost = { .c = c, .node = id };
	u32 copies, tombs;

	copies = repair_left(c, id, &tombs);
	lost_node_only(&lost);
	if (!force) {
		char names[VERB_WHY / 2] = "";

		lost_names(&lost, names, sizeof(names));
		snprintf(
			why, VERB_WHY,
			"%.40s has %u copies%s%.80s: 'qbdctl node drain', or --force if it never comes back",
			node->name, copies,
			lost.nr ? ", needed for a quorum of " : "", names);
		return -EINVAL;
	}
	if (id == c->record.node || cluster_reaches(c, id)) {
		snprintf(
			why, VERB_WHY,
			"%.63s is there: 'qbdctl node drain' loses nothing; --force is for what never comes back",
			node->name);
		return -EINVAL;
	}
	if (lost.nr)
		return lost_refuse(&lost, node->name, why);
	cmd->kind = STATE_CMD_NODE_LOST;
	return 0;
}

/**
 * lost_store() - a store is removed that has something, and does not come back
 * @c: the cluster
 * @store: it
 * @cmd: the command
 * @why: why not
 *
 * Return: 0 or -EINVAL.
 */
int lost_store(struct cluster *c, const struct state_store *store,
	       struct state_cmd *cmd, char why[VERB_WHY])
{
	struct lost lost = { .c = c, .store = store->id };
	char what[24];

	if ((store->state == STATE_STORE_ACTIVE ||
	     store->state == STATE_STORE_DRAINING) &&
	    (store->node == c->record.node ||
	     cluster_reaches(c, store->node))) {
		snprintf(
			why, VERB_WHY,
			"store %u is there: 'qbdctl store drain %u' loses nothing; --force is for what never comes back",
			store->id, store->id);
		return -EINVAL;
	}
	lost_store_only(&lost, store);
	snprintf(what, sizeof(what), "store %u", store->id);
	if (lost.nr)
		return lost_refuse(&lost, what, why);
	/* below level 2 nothing can keep that it is to be removed, too */
	cmd->kind = STATE_CMD_STORE_STATE;
	cmd->state = state_cluster(c->s)->setting[STATE_SET_FEATURE] >= 2 ?
			     STATE_STORE_LOST :
			     STATE_STORE_FAILED;
	return 0;
}

/* --- the duty --------------------------------------------------------------
 */

/* Nothing that anybody wants: it can be removed. */
static bool lost_empty(struct cluster *c, const struct state_store *store)
{
	const struct state_volume *volume;
	struct state_shard_view view;
	u32 at;

	for (at = 0; at < store->nr; at++) {
		if (state_view_store(c->s, store->id, at, &view))
			return false;
		volume = state_volume_by_id(c->s, view.volume);
		if (!volume || volume->state != STATE_VOLUME_DELETING)
			return false;
	}
	return true;
}

/* One of a node that was given up, or one that was. */
static bool lost_goes(const struct state_store *store,
		      const struct state_node *node)
{
	if (node && store->node == node->id)
		return store->state != STATE_STORE_REMOVED;
	return !node && store->state == STATE_STORE_LOST;
}

/*
 * With the store its tombstones go: a node that is there may still delete what
 * they name, or its kernel keeps it.  On a disk that failed it may not, so not
 * for ever.
 */
static bool lost_cleans(struct cluster *c, const struct state_store *store)
{
	const struct state_cluster *is = state_cluster(c->s);

	return store->state == STATE_STORE_LOST && store->nr_tombs &&
	       (store->node == c->record.node ||
		cluster_reaches(c, store->node)) &&
	       is->now_ms - store->gone_ms <
		       is->setting[STATE_SET_REPAIR_AFTER];
}

/* Has a store removed that has nothing any more; false if there is none. */
static bool lost_stores(struct cluster *c, const struct state_node *node)
{
	const struct state_store *store;
	struct json_object *args;
	char text[16];
	u32 slot = 0;

	while ((store = state_store_walk(c->s, &slot))) {
		if (!lost_goes(store, node) ||
		    lead_skips(c, "store remove", store->id) ||
		    !lost_empty(c, store) || lost_cleans(c, store))
			continue;
		args = json_object_new_object();
		snprintf(text, sizeof(text), "%u", store->id);
		json_text(args, "store", text);
		lead_do(c, "store remove", store->id, args);
		return true;
	}
	return false;
}

/**
 * lost_look() - what is left of a node that was given up
 * @c: the cluster, which leads; no duty is under way
 * @node: the node; NULL: of stores that were, whatever their node is
 */
void lost_look(struct cluster *c, const struct state_node *node)
{
	struct json_object *args;

	if (lost_stores(c, node) || !node || node->nr_stores ||
	    lead_skips(c, "node remove", node->id))
		return;
	args = json_object_new_object();
	json_text(args, "name", node->name);
	lead_do(c, "node remove", node->id, args);
}
