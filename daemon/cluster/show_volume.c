// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes and jobs as they are shown: what they are, and what they wait for.
 */
#include <json-c/json.h>
#include <string.h>

#include "volume.h"

#define VOLUME_ROWS 200 /* of a list, in one answer */
#define VOLUME_SETS 100 /* sets of shards, in one answer */

static const char *volume_node(struct cluster *c, u32 id)
{
	const struct state_node *node = id ? state_node_by_id(c->s, id) : NULL;

	return node ? node->name : "";
}

/* The first copy that is not made, or not deleted, and whose it is. */
static bool volume_first(struct cluster *c, const struct state_volume *volume,
			 bool made, u32 *number, u32 *node)
{
	struct state_shard_view view;
	u32 i;

	for (*number = 0; *number < volume->shards; (*number)++) {
		if (state_view_shard(c->s, volume->id, *number, &view))
			continue;
		for (i = 0; i < view.nr; i++) {
			*node = view.member[i].node;
			if (made || !view.member[i].made)
				return true;
		}
	}
	return false;
}

static void waits_copies(struct cluster *c, const struct state_volume *volume,
			 char text[VOLUME_TEXT])
{
	bool going = volume->state == STATE_VOLUME_DELETING;
	u32 number = 0, node = 0;

	if (!volume_first(c, volume, going, &number, &node)) {
		text[0] = '\0';
		return;
	}
	snprintf(text, VOLUME_TEXT,
		 "%u %s to be %s: shard %u by node %.63s, which is %s",
		 going ? volume->left : volume->unmade,
		 going ? "shards" : "copies", going ? "deleted" : "made",
		 number, volume_node(c, node), cluster_heard(c, node));
}

static void waits_place(struct cluster *c, const struct state_volume *volume,
			char text[VOLUME_TEXT])
{
	char why[VOLUME_TEXT];

	if (volume_place(c->s, volume->id, volume->copies, volume->shards, 1,
			 NULL, why))
		snprintf(text, VOLUME_TEXT, "a place for shard %u: %.160s",
			 volume->shards, why);
	else
		snprintf(text, VOLUME_TEXT, "shards to be placed: %u of %u are",
			 volume->shards, volume_shards(volume));
}

static void waits_holder(struct cluster *c, const struct state_volume *volume,
			 char text[VOLUME_TEXT])
{
	const char *node = volume_node(c, volume->holder);
	const char *heard = cluster_heard(c, volume->holder);

	if (volume->want != volume->holder)
		snprintf(text, VOLUME_TEXT,
			 "node %.63s, which is %s, to release it", node, heard);
	else if (volume->serve == STATE_SERVE_NOT)
		snprintf(text, VOLUME_TEXT,
			 "node %.63s, which is %s, to serve it", node, heard);
	else if (volume->grow)
		snprintf(text, VOLUME_TEXT,
			 "node %.63s, which is %s, to serve %llu bytes", node,
			 heard, (unsigned long long)volume->grow);
}

/* What a volume waits for; empty: for nothing. */
static void volume_waits(struct cluster *c, const struct state_volume *volume,
			 char text[VOLUME_TEXT])
{
	text[0] = '\0';
	if (volume->state == STATE_VOLUME_DELETING)
		waits_copies(c, volume, text);
	else if (volume->shards < volume_shards(volume))
		waits_place(c, volume, text);
	else if (volume->unmade)
		waits_copies(c, volume, text);
	else if (volume->hold == STATE_HOLD_DEVICE)
		waits_holder(c, volume, text);
	else if (volume->want)
		snprintf(text, VOLUME_TEXT,
			 "node %.63s, which is %s, to ask for it",
			 volume_node(c, volume->want),
			 cluster_heard(c, volume->want));
}

static const char *volume_state(u8 state)
{
	static const char *const name[] = { "?", "creating", "ready",
					    "deleting" };

	return state < ARRAY_SIZE(name) ? name[state] : "?";
}

static const char *volume_serve(u8 serve)
{
	static const char *const name[] = { "opening", "serving", "failed" };

	return serve < ARRAY_SIZE(name) ? name[serve] : "?";
}

static struct json_object *volume_row(struct cluster *c,
				      const struct state_volume *volume)
{
	struct json_object *row = json_object_new_object();
	bool device = volume->hold == STATE_HOLD_DEVICE;
	bool repair = volume->hold == STATE_HOLD_REPAIR;

	json_number(row, "id", volume->id);
	json_text(row, "name", volume->name);
	json_text(row, "state", volume_state(volume->state));
	json_number(row, "size", volume->size);
	json_number(row, "grow", volume->grow);
	json_number(row, "copies", volume->copies);
	json_number(row, "shard_size", 1ULL << volume->shift);
	json_number(row, "shards", volume->shards);
	json_number(row, "shards_wanted", volume_shards(volume));
	json_number(row, "unmade", volume->unmade);
	json_text(row, "attached",
		  device ? volume_node(c, volume->holder) : "");
	json_text(row, "repaired",
		  repair ? volume_node(c, volume->holder) : "");
	json_text(row, "serves",
		  device ? volume_serve(volume->serve) :
		  repair ? "repair" :
			   "");
	json_text(row, "device", volume->device);
	return row;
}

static struct json_object *volume_autos(struct cluster *c,
					const struct state_volume *volume)
{
	struct json_object *list = json_object_new_array();
	u32 i;

	for (i = 0; i < volume->nr_autos; i++)
		json_object_array_add(list, json_object_new_string(volume_node(
						    c, volume->autos[i])));
	return list;
}

static void volume_more(struct cluster *c, const struct state_volume *volume,
			struct json_object *row)
{
	char text[VOLUME_TEXT];

	json_text(row, "wanted", volume_node(c, volume->want));
	json_number(row, "term", volume->term);
	json_text(row, "on_no_quorum",
		  volume->on_no_quorum ? "error" : "suspend");
	json_number(row, "no_quorum_ms", volume->no_quorum_ms);
	json_text(row, "reads", volume->reads ? "quorum" : "lease");
	json_object_object_add(row, "auto_attach", volume_autos(c, volume));
	json_text(row, "run", volume->run);
	json_text(row, "failed", volume->reason);
	volume_waits(c, volume, text);
	json_text(row, "waits", text);
}

/* Of what waits for nobody but repair; who leads knows it. */
static void volume_repair(struct cluster *c, const struct state_volume *volume,
			  struct json_object *row)
{
	static const char *const keys[] = { "unknown", "bad", "repair",
					    "todo" };
	struct json_object *is = NULL, *value;
	u32 i;

	if (c->beside && c->beside->ops->repair)
		is = c->beside->ops->repair(c->beside, volume->id);
	for (i = 0; is && i < ARRAY_SIZE(keys); i++)
		if (json_object_object_get_ex(is, keys[i], &value))
			json_object_object_add(row, keys[i],
					       json_object_get(value));
	json_object_put(is);
}

/* How a copy is, as far as anybody can say. */
static const char *volume_copy(struct cluster *c,
			       const struct state_member_view *member)
{
	const struct state_store *store =
		state_store_by_id(c->s, member->store);

	if (store && state_store_failed(store))
		return "failed";
	if (!store || store->state == STATE_STORE_GONE ||
	    strcmp(cluster_heard(c, member->node), "alive") != 0)
		return "unknown";
	return "there";
}

static const char *volume_role(const struct state_member_view *member)
{
	static const char *const name[] = { "voter", "learner", "joining",
					    "leaving", "gone" };

	if (!member->made)
		return "to be made";
	return member->role < ARRAY_SIZE(name) ? name[member->role] : "?";
}

static struct json_object *volume_set(struct cluster *c,
				      const struct state_shard_view *view)
{
	static const char *const stage[] = { "settled", "learning", "joint",
					     "settling" };
	struct json_object *row = json_object_new_object(), *list, *one;
	u32 i;

	json_number(row, "shard", view->number);
	json_number(row, "epoch", view->epoch);
	json_text(row, "stage",
		  view->stage < ARRAY_SIZE(stage) ? stage[view->stage] : "?");
	list = json_object_new_array();
	for (i = 0; i < view->nr; i++) {
		one = json_object_new_object();
		json_number(one, "replica", view->member[i].replica);
		json_text(one, "node", volume_node(c, view->member[i].node));
		json_text(one, "role", volume_role(&view->member[i]));
		json_text(one, "is", volume_copy(c, &view->member[i]));
		json_object_array_add(list, one);
	}
	json_object_object_add(row, "members", list);
	return row;
}

/* The same members as a word for people: n1, n2 (unknown), n3 (to be made). */
static void volume_set_text(struct cluster *c,
			    const struct state_shard_view *view,
			    struct json_object *row)
{
	char text[2 * STATE_COPIES_MAX * 100];
	u32 i, len = 0;

	text[0] = '\0';
	for (i = 0; i < view->nr; i++) {
		const struct state_member_view *member = &view->member[i];
		bool plain = member->made && member->role == STATE_ROLE_VOTER;
		const char *is = volume_copy(c, member);
		bool there = !strcmp(is, "there");

		len += snprintf(text + len, sizeof(text) - len,
				"%s%.63s%s%s%s%s%s", i ? ", " : "",
				volume_node(c, member->node),
				plain && there ? "" : " (",
				plain ? "" : volume_role(member),
				plain || there ? "" : ", ", there ? "" : is,
				plain && there ? "" : ")");
	}
	json_text(row, "set", text);
}

static void volume_sets(struct cluster *c, const struct state_volume *volume,
			u32 first, struct json_object *doc)
{
	struct json_object *list = json_object_new_array(), *row;
	struct state_shard_view view;
	u32 i;

	for (i = first; i < volume->shards && i - first < VOLUME_SETS; i++) {
		if (state_view_shard(c->s, volume->id, i, &view))
			continue;
		row = volume_set(c, &view);
		volume_set_text(c, &view, row);
		json_object_array_add(list, row);
	}
	json_object_object_add(doc, "sets", list);
	if (i < volume->shards)
		json_number(doc, "next", i);
}

/**
 * show_volume() - one volume, with some of its sets
 * @c: the cluster
 * @args: "name"; "shard": the first one to be shown; "sets": false: none
 * @res: not used
 * @why: why there is none
 *
 * Return: the answer or NULL.
 */
struct json_object *show_volume(struct cluster *c, struct json_object *args,
				const struct state_result *res,
				char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);
	struct json_object *doc;

	if (!volume)
		return NULL;
	doc = volume_row(c, volume);
	volume_more(c, volume, doc);
	volume_repair(c, volume, doc);
	if (!args_flag(args, "brief"))
		volume_sets(c, volume, args_number(args, "shard", 0), doc);
	return doc;
}

/**
 * show_repair() - how the copies of all volumes are, and what repair waits for
 * @c: the cluster, which leads
 * @args: not used
 * @res: not used
 * @why: why there is none
 *
 * Return: the answer or NULL.
 */
struct json_object *show_repair(struct cluster *c, struct json_object *args,
				const struct state_result *res,
				char why[VERB_WHY])
{
	struct json_object *doc = NULL;

	if (c->beside && c->beside->ops->repair)
		doc = c->beside->ops->repair(c->beside, 0);
	if (!doc)
		snprintf(why, VERB_WHY,
			 "who leads has not begun to look at copies");
	return doc;
}

/**
 * show_volumes() - volumes, a part of them
 * @c: the cluster
 * @args: "from": where the part begins
 * @res: not used
 * @why: not used
 *
 * Return: the answer.
 */
struct json_object *show_volumes(struct cluster *c, struct json_object *args,
				 const struct state_result *res,
				 char why[VERB_WHY])
{
	struct json_object *list = json_object_new_array();
	u32 slot = args_number(args, "from", 0), rows = 0;
	const struct state_volume *volume;

	for (; rows < VOLUME_ROWS && (volume = state_volume_walk(c->s, &slot));
	     rows++)
		json_object_array_add(list, volume_row(c, volume));
	return json_page("volumes", list, rows == VOLUME_ROWS ? slot : 0);
}

/**
 * show_done_volume() - what consensus decided about a volume, and what is left
 * @c: the cluster
 * @args: "name"
 * @res: of the command
 * @why: not used
 *
 * It may be gone already.
 *
 * Return: the answer.
 */
struct json_object *show_done_volume(struct cluster *c,
				     struct json_object *args,
				     const struct state_result *res,
				     char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);
	struct json_object *doc = json_object_new_object();
	char text[VOLUME_TEXT] = "";

	json_text(doc, "name", args_text(args, "name"));
	if (volume) {
		json_number(doc, "id", volume->id);
		json_number(doc, "term", volume->term);
		json_text(doc, "state", volume_state(volume->state));
		volume_waits(c, volume, text);
	}
	json_text(doc, "waits", text);
	return doc;
}

/* --- jobs ---------------------------------------------------------------- */

/**
 * job_row() - something that is under way
 * @kind: what is done
 * @target: to what
 * @done: how much of it
 * @total: of how much
 * @waits: for what it waits
 *
 * Return: a row of "job list".
 */
struct json_object *job_row(const char *kind, const char *target, u64 done,
			    u64 total, const char *waits)
{
	struct json_object *row = json_object_new_object();

	json_text(row, "job", kind);
	json_text(row, "of", target);
	json_number(row, "done", done);
	json_number(row, "total", total);
	json_text(row, "waits", waits);
	return row;
}

/* What is under way follows from the volume: nobody has to note it. */
static struct json_object *job_of(struct cluster *c,
				  const struct state_volume *volume)
{
	u32 wanted = volume_shards(volume);
	u64 copies = (u64)wanted * volume->copies, made;
	char text[VOLUME_TEXT];

	if (volume->hold == STATE_HOLD_REPAIR && !volume->grow) {
		snprintf(text, sizeof(text),
			 "held by %.63s for repair; to attach it ends that",
			 volume_node(c, volume->holder));
		return job_row("repair", volume->name, 0, volume->shards, text);
	}
	volume_waits(c, volume, text);
	if (volume->state == STATE_VOLUME_DELETING)
		return job_row("delete", volume->name,
			       volume->shards - volume->left, volume->shards,
			       text);
	if (volume->state == STATE_VOLUME_READY && !volume->grow)
		return NULL;
	made = (u64)volume->shards * volume->copies;
	made -= min_t(u64, made, volume->unmade);
	return job_row(volume->grow ? "grow" : "create", volume->name, made,
		       copies, text);
}

static const char *job_kind(u8 kind)
{
	static const char *const name[] = { "?",	  "replace",
					    "drain node", "drain store",
					    "delete",	  "grow",
					    "create" };

	return kind < ARRAY_SIZE(name) ? name[kind] : "?";
}

static void jobs_noted(struct cluster *c, struct json_object *list)
{
	const struct state_job *job;
	char target[32];
	u32 slot = 0, rows = 0;

	while (rows < VOLUME_ROWS && (job = state_job_walk(c->s, &slot))) {
		if (job->state >= STATE_JOB_DONE)
			continue;
		snprintf(target, sizeof(target), "%llu",
			 (unsigned long long)job->target);
		json_object_array_add(list, job_row(job_kind(job->kind), target,
						    job->done, job->total,
						    job->reason));
		rows++;
	}
}

/**
 * show_jobs() - what is under way, a part of it
 * @c: the cluster
 * @args: "from": where the part begins
 * @res: not used
 * @why: not used
 *
 * Return: the answer.
 */
struct json_object *show_jobs(struct cluster *c, struct json_object *args,
			      const struct state_result *res,
			      char why[VERB_WHY])
{
	struct json_object *list = json_object_new_array(), *row;
	u32 slot = args_number(args, "from", 0), rows = 0;
	const struct state_volume *volume = NULL;

	if (!slot) {
		jobs_noted(c, list);
		rows = repair_jobs(c, list, VOLUME_ROWS / 2);
	}
	while (rows < VOLUME_ROWS &&
	       (volume = state_volume_walk(c->s, &slot))) {
		row = job_of(c, volume);
		if (!row)
			continue;
		json_object_array_add(list, row);
		rows++;
	}
	return json_page("jobs", list, volume ? slot : 0);
}
