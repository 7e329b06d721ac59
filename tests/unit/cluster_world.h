/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Daemons of one cluster, in one loop, over loopback: for tests of what they
 * are asked.
 */
#ifndef QBD_TESTS_CLUSTER_WORLD_H
#define QBD_TESTS_CLUSTER_WORLD_H

#include <json-c/json.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#include "harness.h"
#include "loop_wait.h"
#include "../../daemon/cluster/verbs.h"
#include "../../daemon/log.h"
#include "../../daemon/session/token.h"

#define NODES 5
#define MS LOOP_MS

struct node {
	struct cluster *c;
	struct cluster_options opt;
	char name[8];
	char dir[64];
	bool joined;
	int join_err;
	char join_why[256];
};

struct asked {
	struct cluster_ask ask;
	bool done;
	char code[64];
	char text[256];
	struct json_object *ok;
};

static struct loop *loop;
static struct node node[NODES];
static char top[48];

#define WAIT_FOR(condition) LOOP_WAIT(loop, condition)

static inline int free_port(union links_addr *addr)
{
	socklen_t len = sizeof(addr->v4);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*addr = (union links_addr){ .v4 = { .sin_family = AF_INET } };
	addr->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, &addr->any, len) ||
	    getsockname(fd, &addr->any, &len))
		return -1;
	return close(fd);
}

static inline int start(struct node *n)
{
	char why[CLUSTER_WHY_MAX];
	int err = cluster_open(&n->c, loop, &n->opt, why);

	if (err) {
		n->c = NULL;
		printf("# %s: %s\n", n->name, why);
	}
	return err;
}

static inline void stop(struct node *n)
{
	if (n->c)
		cluster_close(n->c);
	n->c = NULL;
}

FIXTURE(cluster)
{
	int unused;
};

FIXTURE_SETUP(cluster)
{
	u32 i;

	(void)self;
	log_level(getenv("QBD_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_NONE);
	loop = loop_create();
	ASSERT_TRUE(loop);
	snprintf(top, sizeof(top), "%s", "/tmp/qbd-cluster-XXXXXX");
	ASSERT_TRUE(mkdtemp(top));
	memset(node, 0, sizeof(node));
	for (i = 0; i < NODES; i++) {
		snprintf(node[i].name, sizeof(node[i].name), "n%u", i + 1);
		snprintf(node[i].dir, sizeof(node[i].dir), "%s/%s", top,
			 node[i].name);
		ASSERT_EQ(0, mkdir(node[i].dir, 0700));
		node[i].opt = (struct cluster_options){
			.state_dir = node[i].dir,
			.name = node[i].name,
			.zone = "",
			.rack = "",
			.host = "",
			.nr_listens = 1,
			.election_ns = 300 * MS,
			.beat_ns = 60 * MS,
		};
		ASSERT_EQ(0, free_port(&node[i].opt.listen[0]));
		node[i].opt.nr_control = 1;
		node[i].opt.control[0] = node[i].opt.listen[0];
		ASSERT_EQ(0, start(&node[i]));
	}
}

FIXTURE_TEARDOWN(cluster)
{
	u32 i;

	(void)self;
	for (i = 0; i < NODES; i++)
		stop(&node[i]);
	loop_destroy(loop);
	dir_remove(top);
}

static inline void asked_done(struct cluster_ask *ask,
			      const struct cluster_answer *answer)
{
	struct asked *asked = (struct asked *)ask;

	asked->done = true;
	snprintf(asked->code, sizeof(asked->code), "%s", answer->code ?: "");
	snprintf(asked->text, sizeof(asked->text), "%s", answer->text ?: "");
	asked->ok = json_object_get(answer->ok);
}

/* Ask @n, wait: NULL if it was refused; then see @asked. */
static inline struct json_object *ask(struct node *n, const char *verb,
				      struct json_object *args,
				      struct asked *asked)
{
	*asked = (struct asked){ .ask.verb = verb,
				 .ask.args = args,
				 .ask.timeout_ms = 20000,
				 .ask.done = asked_done };
	cluster_ask(n->c, &asked->ask);
	if (!WAIT_FOR(asked->done))
		cluster_forget(n->c, &asked->ask);
	json_object_put(args);
	return asked->ok;
}

/* The same, under numbers that were used: as after an answer that got lost. */
static inline struct json_object *ask_again(struct node *n, const char *verb,
					    struct json_object *args,
					    u64 client, u64 seq,
					    struct asked *asked)
{
	*asked = (struct asked){ .ask.verb = verb,
				 .ask.args = args,
				 .ask.timeout_ms = 20000,
				 .ask.done = asked_done };
	cluster_ask(n->c, &asked->ask);
	asked->ask.client = client;
	asked->ask.seq = seq;
	if (!WAIT_FOR(asked->done))
		cluster_forget(n->c, &asked->ask);
	json_object_put(args);
	return asked->ok;
}

static inline struct json_object *named(const char *name)
{
	struct json_object *args = json_object_new_object();

	json_text(args, "name", name);
	return args;
}

static inline bool make_cluster(void)
{
	char why[CLUSTER_WHY_MAX];

	return !cluster_init(node[0].c, "test", why) &&
	       WAIT_FOR(cluster_ready(node[0].c));
}

static inline bool make_token(struct node *n, u32 uses, u64 lives_ms,
			      char text[TOKEN_TEXT])
{
	struct json_object *args = json_object_new_object();
	struct timespec now;
	struct token token;
	struct asked asked;
	u8 key[TOKEN_KEY];
	bool good;

	clock_gettime(CLOCK_REALTIME, &now);
	if (token_make(&token) || token_key(&token, key))
		return false;
	token_format(text, &token);
	json_object_object_add(args, "id", json_object_new_uint64(token.id));
	json_object_object_add(args, "uses", json_object_new_uint64(uses));
	json_object_object_add(args, "expires_ms",
			       json_object_new_uint64(now.tv_sec * 1000ULL +
						      now.tv_nsec / 1000000 +
						      lives_ms));
	json_object_object_add(args, "psk", json_hex(key, sizeof(key)));
	good = ask(n, "token create", args, &asked);
	json_object_put(asked.ok);
	return good;
}

static inline void joined(void *arg, int err, const char *why)
{
	struct node *n = arg;

	n->joined = true;
	n->join_err = err;
	snprintf(n->join_why, sizeof(n->join_why), "%s", why ?: "");
}

static inline int join(struct node *n, struct node *at, const char *token)
{
	char why[CLUSTER_WHY_MAX] = "";
	int err;

	n->joined = false;
	err = cluster_join(n->c, token, &at->opt.listen[0], 1, joined, n, why);
	if (err)
		return err;
	return WAIT_FOR(n->joined) ? n->join_err : -ETIMEDOUT;
}

/* By all their logs: what only the leader has may end with it. */
static inline u32 voters(void)
{
	struct group_info info;
	u32 i, all = 0;

	for (i = 0; i < NODES; i++) {
		if (!node[i].c || !node[i].c->group)
			continue;
		group_look(node[i].c->group, &info);
		if (info.conf.next || (all && info.conf.old != all))
			return 0;
		all = info.conf.old;
	}
	return hweight32(all);
}

static inline bool votes(u64 server)
{
	struct group_info info;
	u32 i;

	for (i = 0; i < NODES; i++)
		if (node[i].c && cluster_leads(node[i].c)) {
			group_look(node[i].c->group, &info);
			return raft_config_votes(&info.conf, server);
		}
	return false;
}

static inline struct node *leader(void)
{
	u32 i;

	for (i = 0; i < NODES; i++)
		if (node[i].c && cluster_leads(node[i].c))
			return &node[i];
	return NULL;
}

static inline bool make_nodes(u32 nr)
{
	char token[TOKEN_TEXT];
	u32 i;

	if (!make_cluster() || !make_token(&node[0], nr, 60000, token))
		return false;
	for (i = 1; i < nr; i++)
		if (join(&node[i], &node[0], token))
			return false;
	return WAIT_FOR(voters() == (nr < 3 ? 1 : 3));
}

#endif /* QBD_TESTS_CLUSTER_WORLD_H */
