// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a node comes to be in a cluster: it makes one, or is taken in.
 */
#include <json-c/json.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../log.h"
#include "verbs.h"

#define JOIN_TIMEOUT_MS 30000
#define JOIN_ASK_MS 20000
#define JOIN_ERROR "error "
#define JOIN_REKEY \
	"; if it is that node, and lost its key, first 'qbdctl node rekey' there"
#define JOIN_DEPTH 8

/**
 * struct joining - somebody who wants to be taken in
 * @ask: of the cluster, first member
 * @c: the cluster
 * @joiner: of the sessions
 */
struct joining {
	struct cluster_ask ask;
	struct cluster *c;
	u64 joiner;
};

static struct json_object *join_addr_list(const union links_addr *addr, u32 nr)
{
	struct json_object *list = json_object_new_array();
	char text[LINKS_ADDR_TEXT];
	u32 i;

	for (i = 0; i < nr; i++) {
		links_addr_format(text, &addr[i]);
		json_object_array_add(list, json_object_new_string(text));
	}
	return list;
}

/**
 * join_request() - what this node says of itself
 * @c: the cluster
 *
 * Return: arguments of "node join".
 */
struct json_object *join_request(const struct cluster *c)
{
	struct json_object *doc = json_object_new_object();

	json_text(doc, "name", c->opt.name);
	json_object_object_add(doc, "key",
			       json_hex(c->identity.public, IDENTITY_KEY));
	json_object_object_add(doc, "control",
			       join_addr_list(c->opt.control,
					      c->opt.nr_control));
	json_object_object_add(doc, "data",
			       join_addr_list(c->opt.data, c->opt.nr_data));
	json_text(doc, "zone", c->opt.zone ?: "");
	json_text(doc, "rack", c->opt.rack ?: "");
	json_text(doc, "host", c->opt.host ?: "");
	return doc;
}

/* --- who takes in --------------------------------------------------------- */

static void join_refuse(struct joining *joining, const char *text,
			const char *hint)
{
	char answer[512];
	int len = snprintf(answer, sizeof(answer), JOIN_ERROR "%.300s%.180s",
			   text, hint);

	session_join_answer(joining->c->net, joining->joiner, answer, len);
}

/* The record that the joiner will have. */
static int join_accept(struct joining *joining, u32 node)
{
	struct cluster *c = joining->c;
	struct record record = c->record;
	char text[RECORD_BYTES_MAX];
	struct msg_members members;
	int len;

	record.node = node;
	record.server = 0;
	record.ready = false;
	if (!cluster_member(c))
		return -ENOTCONN;
	members_now(c, &members);
	record.nr_peers = members.nr;
	memcpy(record.peer, members.peer, sizeof(record.peer));
	len = record_print(&record, text, sizeof(text));
	if (len < 0)
		return len;
	return session_join_answer(c->net, joining->joiner, text, len);
}

static void join_decided(struct cluster_ask *ask,
			 const struct cluster_answer *answer)
{
	struct joining *joining = (struct joining *)ask;
	struct json_object *node;

	if (answer->code)
		join_refuse(joining, answer->text,
			    strcmp(answer->code, "NAME_TAKEN") ? "" :
								 JOIN_REKEY);
	else if (!json_object_object_get_ex(answer->ok, "node", &node) ||
		 join_accept(joining, json_object_get_int64(node)))
		join_refuse(
			joining,
			"the answer got lost: look for the node in 'qbdctl node list'",
			"");
	json_object_put(ask->args);
	free(joining);
}

/**
 * join_asked() - the bearer of a token wants to be taken in
 * @arg: the cluster
 * @joiner: of the sessions
 * @token: its id
 * @data: the request, hostile
 * @bytes: of it
 */
void join_asked(void *arg, uint64_t joiner, uint64_t token, const void *data,
		size_t bytes)
{
	struct json_object *doc = json_of(data, bytes, JOIN_DEPTH);
	struct joining *joining = calloc(1, sizeof(*joining));

	if (!joining) {
		json_object_put(doc);
		return;
	}
	joining->c = arg;
	joining->joiner = joiner;
	if (!json_object_is_type(doc, json_type_object)) {
		join_refuse(joining, "the request makes no sense", "");
		json_object_put(doc);
		free(joining);
		return;
	}
	json_number(doc, "token", token);
	joining->ask = (struct cluster_ask){ .verb = "node join",
					     .args = doc,
					     .timeout_ms = JOIN_ASK_MS,
					     .done = join_decided };
	cluster_ask(arg, &joining->ask);
}

/* --- who comes --------------------------------------------------------------
 */

/* A key that is there is used: it may be known to the cluster already. */
static int join_key(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	int err;

	if (c->has_key)
		return 0;
	err = identity_create(&c->identity, c->key_path);
	if (err == -EEXIST)
		err = identity_load(&c->identity, c->key_path);
	if (err)
		snprintf(why, CLUSTER_WHY_MAX, "%s", c->identity.error);
	c->has_key = !err;
	return err;
}

static int join_record(struct cluster *c, const struct record *record,
		       char why[CLUSTER_WHY_MAX])
{
	char text[RECORD_WHY_MAX];
	int err = record_save(record, c->record_path, true, text);

	if (err) {
		snprintf(why, CLUSTER_WHY_MAX, "%s", text);
		return err;
	}
	c->record = *record;
	err = cluster_begin(c, why);
	return err ?: server_settle(c, why);
}

/**
 * cluster_init() - make a cluster, with this node as its first
 * @c: the cluster
 * @name: of it
 * @why: why not
 *
 * It is made when this node is active in it: look at cluster_ready().  If the
 * daemon ends before, it is to be called again.
 *
 * Return: 0; -EEXIST: it is in one already; or another errno.
 */
int cluster_init(struct cluster *c, const char *name, char why[CLUSTER_WHY_MAX])
{
	struct record record = { .node = 1, .server = STATE_SERVER(1, 1) };
	int err;

	if (strlen(name) >= sizeof(c->init_name)) {
		snprintf(why, CLUSTER_WHY_MAX, "the name is too long");
		return -EINVAL;
	}
	if (c->phase == CLUSTER_IN && c->group && !state_cluster(c->s)->made) {
		snprintf(c->init_name, sizeof(c->init_name), "%s", name);
		cluster_changed(c);
		return 0;
	}
	if (c->phase != CLUSTER_ALONE) {
		snprintf(
			why, CLUSTER_WHY_MAX,
			"this node is in a cluster, or joins one: see 'qbdctl cluster status'");
		return -EEXIST;
	}
	err = join_key(c, why);
	if (err)
		return err;
	if (getrandom(record.cluster, 16, 0) != 16 ||
	    getrandom(&record.lineage, 8, 0) != 8) {
		snprintf(why, CLUSTER_WHY_MAX, "no random numbers");
		return -EIO;
	}
	record.lineage = record.lineage >> 2 | 1;
	snprintf(c->init_name, sizeof(c->init_name), "%s", name);
	return join_record(c, &record, why);
}

static void join_end(struct cluster *c, int err, const char *why)
{
	void (*done)(void *arg, int err, const char *why) = c->join_done;

	c->join = NULL;
	if (err && c->phase == CLUSTER_JOINING)
		c->phase = CLUSTER_ALONE;
	done(c->join_arg, err, why);
}

static void join_answered(void *arg, enum session_why session_why,
			  const void *data, size_t bytes)
{
	char why[CLUSTER_WHY_MAX], bad[RECORD_WHY_MAX];
	struct cluster *c = arg;
	struct record record;
	int err;

	if (session_why) {
		join_end(c, -ECONNREFUSED, session_why_text(session_why));
		return;
	}
	if (bytes > strlen(JOIN_ERROR) &&
	    !memcmp(data, JOIN_ERROR, strlen(JOIN_ERROR))) {
		snprintf(why, sizeof(why), "%.*s",
			 (int)(bytes - strlen(JOIN_ERROR)),
			 (const char *)data + strlen(JOIN_ERROR));
		join_end(c, -EACCES, why);
		return;
	}
	err = record_parse(&record, data, bytes, bad);
	if (err || record.server || !record.nr_peers) {
		snprintf(why, sizeof(why), "the answer makes no sense: %s",
			 err ? bad : "it has no members");
		join_end(c, -EBADMSG, why);
		return;
	}
	err = join_record(c, &record, why);
	join_end(c, err, err ? why : NULL);
}

/**
 * cluster_join() - be taken into a cluster
 * @c: the cluster
 * @token: of it
 * @addr: of some of its members
 * @nr: how many
 * @done: called once, unless it was cancelled: 0, or why not
 * @arg: for it
 * @why: why it could not be begun
 *
 * Return: 0: it is tried; or an errno.
 */
int cluster_join(struct cluster *c, const char *token,
		 const union links_addr *addr, unsigned int nr,
		 void (*done)(void *arg, int err, const char *why), void *arg,
		 char why[CLUSTER_WHY_MAX])
{
	struct session_join_options opt = { .nr_addrs = nr,
					    .timeout_ms = JOIN_TIMEOUT_MS,
					    .done = join_answered,
					    .arg = c };
	struct json_object *doc;
	int err;

	if (c->phase != CLUSTER_ALONE) {
		snprintf(
			why, CLUSTER_WHY_MAX,
			"this node is in a cluster, or joins one: see 'qbdctl cluster status'");
		return -EEXIST;
	}
	if (nr > SESSION_LISTENS_MAX || !nr || token_parse(token, &opt.token)) {
		snprintf(why, CLUSTER_WHY_MAX,
			 "that is no token: it was mistyped, or cut");
		return -EINVAL;
	}
	err = join_key(c, why);
	if (err)
		return err;
	memcpy(opt.addr, addr, nr * sizeof(*addr));
	doc = join_request(c);
	opt.data = json_object_to_json_string_length(
		doc, JSON_C_TO_STRING_PLAIN, &opt.bytes);
	c->join_done = done;
	c->join_arg = arg;
	c->phase = CLUSTER_JOINING;
	err = session_join_begin(&c->join, c->loop, &opt);
	json_object_put(doc);
	if (!err)
		return 0;
	c->join = NULL;
	c->phase = CLUSTER_ALONE;
	snprintf(why, CLUSTER_WHY_MAX, "%s", strerror(-err));
	return err;
}

/**
 * cluster_join_cancel() - nobody waits for it any more
 * @c: the cluster
 */
void cluster_join_cancel(struct cluster *c)
{
	if (!c->join)
		return;
	session_join_cancel(c->join);
	c->join = NULL;
	c->phase = CLUSTER_ALONE;
}

/**
 * cluster_ready() - is this node active in a cluster, as far as it knows?
 * @c: the cluster
 *
 * Return: true if so; a node that is no member knows that it was taken in, and
 * who leads, and hears that one steadily.
 */
bool cluster_ready(struct cluster *c)
{
	const struct state_node *node;

	if (c->phase != CLUSTER_IN)
		return false;
	if (!cluster_member(c))
		return c->leader && cluster_reaches(c, c->leader) &&
		       !strcmp(cluster_heard(c, c->leader), "alive");
	node = state_node_by_id(c->s, c->record.node);
	return node && node->state == STATE_NODE_ACTIVE;
}
