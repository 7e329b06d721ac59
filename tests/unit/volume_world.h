/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stores and volumes of a cluster in one loop (cluster_world.h), whose agents
 * are played by the test.
 */
#ifndef QBD_TESTS_VOLUME_WORLD_H
#define QBD_TESTS_VOLUME_WORLD_H

#include "cluster_world.h"
#include "../../daemon/cluster/volume.h"

#define GIB BIT_ULL(30)
#define MIB BIT_ULL(20)

/* A text of the answer, "" if there is none. */
static inline const char *word(struct json_object *doc, const char *key)
{
	const char *text = args_text(doc, key);

	return text ?: "";
}

static inline bool asked_ok(struct node *n, const char *verb,
			    struct json_object *args, struct asked *asked)
{
	struct json_object *ok = ask(n, verb, args, asked);

	if (!ok)
		printf("# %s: %s: %s\n", verb, asked->code, asked->text);
	return ok;
}

/* Done, whatever the answer is. */
static inline bool did(struct node *n, const char *verb,
		       struct json_object *args)
{
	struct asked asked;
	bool ok = asked_ok(n, verb, args, &asked);

	json_object_put(asked.ok);
	return ok;
}

/* Refused, with this code. */
static inline bool refused(struct node *n, const char *verb,
			   struct json_object *args, const char *code,
			   const char *text)
{
	struct asked asked;
	bool ok = ask(n, verb, args, &asked);

	json_object_put(asked.ok);
	if (ok || strcmp(asked.code, code) || !strstr(asked.text, text)) {
		printf("# %s: %s: %s\n", verb, asked.code, asked.text);
		return false;
	}
	return true;
}

static inline struct json_object *with(struct json_object *args,
				       const char *key, u64 number)
{
	json_number(args, key, number);
	return args;
}

static inline struct json_object *with_text(struct json_object *args,
					    const char *key, const char *text)
{
	json_text(args, key, text);
	return args;
}

static inline struct json_object *with_flag(struct json_object *args,
					    const char *key)
{
	json_object_object_add(args, key, json_object_new_boolean(true));
	return args;
}

static inline bool add_store(struct node *n)
{
	struct json_object *args =
		with(with(json_object_new_object(), "capacity", 1000 * GIB),
		     "opens", 1);
	u8 uuid[16] = { 0x55, (u8)(n - node) + 1 };

	json_object_object_add(args, "uuid", json_hex(uuid, sizeof(uuid)));
	return did(n, "store add", args);
}

static inline bool make_stores(u32 nodes)
{
	u32 i;

	if (!make_nodes(nodes))
		return false;
	for (i = 0; i < nodes; i++)
		if (!WAIT_FOR(leader() &&
			      state_node_by_id(leader()->c->s,
					       node[i].c->record.node)
					      ->state == STATE_NODE_ACTIVE) ||
		    !add_store(&node[i]))
			return false;
	return true;
}

static inline struct json_object *volume_args(const char *name, u64 mib,
					      u32 copies)
{
	return with(with(with(named(name), "size", mib * MIB), "copies",
			 copies),
		    "shard-size", 64 * MIB);
}

static inline struct json_object *report(const char *kind)
{
	return with_text(json_object_new_object(), "kind", kind);
}

static inline void add_line(struct json_object *lines, u64 a, u64 b, u64 c)
{
	struct json_object *line = json_object_new_array();

	json_object_array_add(line, json_object_new_uint64(a));
	json_object_array_add(line, json_object_new_uint64(b));
	json_object_array_add(line, json_object_new_uint64(c));
	json_object_array_add(lines, line);
}

/* What an agent would say of its copies, by who leads; NULL: nothing. */
static inline struct json_object *replicas(u32 id, u8 todo)
{
	struct json_object *lines = json_object_new_array(), *args;
	struct state_replicas walk;
	struct state_replica_view view;

	if (!state_replicas_begin(&walk, leader()->c->s, id))
		while (state_replicas_next(&walk, &view))
			if (view.todo == todo)
				add_line(lines, view.shard.volume,
					 view.shard.number, view.replica);
	if (!json_object_array_length(lines)) {
		json_object_put(lines);
		return NULL;
	}
	args = report(todo == STATE_TODO_CREATE ? "made" : "gone");
	json_object_object_add(args, "lines", lines);
	return args;
}

/* Each agent does what it has to, and says so. */
static inline bool obey(void)
{
	static const u8 todo[] = { STATE_TODO_CREATE, STATE_TODO_DELETE };
	struct json_object *args;
	u32 i, k;

	for (i = 0; i < NODES; i++)
		for (k = 0; k < 2; k++) {
			if (!node[i].c || node[i].c->phase != CLUSTER_IN)
				continue;
			args = replicas(node[i].c->record.node, todo[k]);
			if (args && !did(&node[i], "agent report", args))
				return false;
		}
	return true;
}

static inline const struct state_volume *volume(const char *name)
{
	struct node *n = leader();

	return n ? state_volume_by_name(n->c->s, name) : NULL;
}

static inline bool placed(const char *name)
{
	return WAIT_FOR(volume(name) &&
			volume(name)->shards == volume_shards(volume(name)));
}

static inline bool make_volume(struct node *n, const char *name, u64 mib,
			       u32 copies)
{
	return did(n, "volume create", volume_args(name, mib, copies)) &&
	       placed(name) && obey() &&
	       volume(name)->state == STATE_VOLUME_READY;
}

static inline struct json_object *held(const char *kind, const char *name)
{
	return with(with(report(kind), "volume", volume(name)->id), "term",
		    volume(name)->term);
}

#endif /* QBD_TESTS_VOLUME_WORLD_H */
