// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cluster as a service: its verbs at the administrator's door.
 *
 * Most are passed on to who leads, and back.  What is random is made here,
 * before it is asked: see cluster/cluster.h.
 */
#include "qbdd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>
#include <json-c/json.h>

#include "../cluster/cluster.h"
#include "../session/token.h"

#define ASK_MS 15000 /* to be answered by who leads */
#define STATUS_MS 1000 /* likewise, or there is less to be seen */
#define INIT_NS 30000000000ULL /* for a new cluster of one node */
#define INIT_LOOK_NS 20000000ULL
#define TOKEN_LIVES_S 3600

/**
 * struct relay - a request that somebody else answers
 * @ask: of the cluster, first member
 * @qbdd: the daemon
 * @request: the client's; NULL: it left
 * @extra: put into the answer, or NULL
 * @args: with which it is asked
 */
struct relay {
	struct cluster_ask ask;
	struct qbdd *qbdd;
	struct admin_request *request;
	struct json_object *extra;
	struct json_object *args;
};

/* One at a time: "cluster init" and "cluster join" make this node another. */
static struct {
	struct qbdd *qbdd;
	struct admin_request *request;
	struct loop_timer timer;
	uint64_t until_ns;
	bool busy;
} begin;

static void relay_free(struct relay *relay)
{
	json_object_put(relay->extra);
	json_object_put(relay->args);
	free(relay);
}

static void relay_left(struct admin_request *request, void *arg)
{
	struct relay *relay = arg;

	(void)request;
	relay->request = NULL;
}

static void relay_done(struct cluster_ask *ask,
		       const struct cluster_answer *answer)
{
	struct relay *relay = (struct relay *)ask;
	struct json_object *ok = answer->ok;

	if (!relay->request)
		goto out;
	if (answer->code) {
		admin_error(relay->request, answer->code, answer->error, "%s",
			    answer->text);
		goto out;
	}
	if (relay->extra) {
		ok = relay->extra;
		relay->extra = NULL;
	} else {
		json_object_get(ok);
	}
	admin_ok(relay->request, ok);
out:
	relay_free(relay);
}

static void relay_ask(struct qbdd *qbdd, struct admin_request *request,
		      const char *verb, struct json_object *args,
		      struct json_object *extra)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay) {
		admin_error(request, "NO_MEMORY", ENOMEM, "no memory");
		json_object_put(args);
		json_object_put(extra);
		return;
	}
	*relay = (struct relay){ .qbdd = qbdd,
				 .request = request,
				 .extra = extra,
				 .args = args,
				 .ask = { .verb = verb,
					  .args = args,
					  .timeout_ms = ASK_MS,
					  .done = relay_done } };
	admin_later(request, relay_left, relay);
	cluster_ask(qbdd->cluster, &relay->ask);
}

#define RELAY(function, verb)                                                 \
	static void function(struct admin_request *request,                   \
			     struct json_object *args, void *owner)           \
	{                                                                     \
		relay_ask(owner, request, verb, json_object_get(args), NULL); \
	}

RELAY(do_cluster_show, "cluster show")
RELAY(do_cluster_set, "cluster set")
RELAY(do_node_list, "node list")
RELAY(do_node_show, "node show")
RELAY(do_node_label, "node label")
RELAY(do_node_remove, "node remove")
RELAY(do_node_drain, "node drain")
RELAY(do_token_list, "token list")
RELAY(do_token_revoke, "token revoke")

/*
 * How the cluster looks from here is known here.  How copies are knows who
 * leads, who is asked for it, but not for long: when he does not answer is when
 * one wants to know the rest.
 */
static void status_done(struct cluster_ask *ask,
			const struct cluster_answer *answer)
{
	struct relay *relay = (struct relay *)ask;
	struct json_object *doc, *list;

	if (relay->request) {
		doc = cluster_status(relay->qbdd->cluster);
		if (!answer->code) {
			json_object_object_add(doc, "repair",
					       json_object_get(answer->ok));
			if (json_object_object_get_ex(answer->ok, "volumes",
						      &list))
				json_object_object_add(doc, "copies",
						       json_object_get(list));
		}
		admin_ok(relay->request, doc);
	}
	relay_free(relay);
}

static void do_cluster_status(struct admin_request *request,
			      struct json_object *args, void *owner)
{
	struct json_object *doc, *leader;
	struct qbdd *qbdd = owner;
	struct relay *relay;
	bool led;

	(void)args;
	doc = cluster_status(qbdd->cluster);
	led = json_object_object_get_ex(doc, "leader_node", &leader) &&
	      json_object_get_int64(leader);
	relay = led ? calloc(1, sizeof(*relay)) : NULL;
	if (!relay) {
		admin_ok(request, doc);
		return;
	}
	json_object_put(doc);
	*relay = (struct relay){ .qbdd = qbdd,
				 .request = request,
				 .ask = { .verb = "repair status",
					  .timeout_ms = STATUS_MS,
					  .done = status_done } };
	admin_later(request, relay_left, relay);
	cluster_ask(qbdd->cluster, &relay->ask);
}

/* Nobody has the other half of this key: random bytes stand for it. */
static void do_node_rekey(struct admin_request *request,
			  struct json_object *args, void *owner)
{
	struct json_object *ask = json_object_new_object(), *name;
	uint8_t key[32];

	if (json_object_object_get_ex(args, "name", &name))
		json_object_object_add(ask, "name", json_object_get(name));
	if (getrandom(key, sizeof(key), 0) != sizeof(key)) {
		json_object_put(ask);
		admin_error(request, "NO_RANDOM", EIO, "no random numbers");
		return;
	}
	json_object_object_add(ask, "key", json_hex(key, sizeof(key)));
	relay_ask(owner, request, "node rekey", ask, NULL);
}

/* The secret stays here: consensus gets what is derived from it. */
static void do_token_create(struct admin_request *request,
			    struct json_object *args, void *owner)
{
	uint64_t lives = verb_arg_number(args, "expires", TOKEN_LIVES_S);
	uint64_t uses = verb_arg_number(args, "uses", 1);
	struct json_object *ask, *extra;
	uint8_t key[TOKEN_KEY];
	char text[TOKEN_TEXT];
	struct timespec now;
	struct token token;

	if (token_make(&token) || token_key(&token, key)) {
		admin_error(request, "NO_RANDOM", EIO, "no random numbers");
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	token_format(text, &token);
	ask = json_object_new_object();
	extra = json_object_new_object();
	json_object_object_add(ask, "id", json_object_new_uint64(token.id));
	json_object_object_add(ask, "uses", json_object_new_uint64(uses));
	json_object_object_add(
		ask, "expires_ms",
		json_object_new_uint64((now.tv_sec + lives) * 1000ULL));
	json_object_object_add(ask, "psk", json_hex(key, sizeof(key)));
	json_object_object_add(extra, "token", json_object_new_string(text));
	json_object_object_add(extra, "id", json_object_new_uint64(token.id));
	json_object_object_add(extra, "uses", json_object_new_uint64(uses));
	json_object_object_add(extra, "expires_s",
			       json_object_new_uint64(lives));
	relay_ask(owner, request, "token create", ask, extra);
}

/* --- init and join ------------------------------------------------------ */

static void begin_left(struct admin_request *request, void *arg)
{
	(void)request;
	(void)arg;
	begin.request = NULL;
}

static bool begin_take(struct qbdd *qbdd, struct admin_request *request)
{
	if (begin.busy) {
		admin_error(
			request, "BUSY", EBUSY,
			"this node is being made part of a cluster already");
		return false;
	}
	begin.busy = true;
	begin.qbdd = qbdd;
	begin.request = request;
	return true;
}

static void begin_end(const char *code, int error, const char *why)
{
	struct admin_request *request = begin.request;

	loop_timer_stop(begin.qbdd->loop, &begin.timer);
	begin.busy = false;
	begin.request = NULL;
	if (!request)
		return;
	if (code)
		admin_error(request, code, error, "%s", why);
	else
		admin_ok(request, cluster_status(begin.qbdd->cluster));
}

static void begin_look(struct loop_timer *timer)
{
	struct loop *loop = begin.qbdd->loop;

	if (cluster_ready(begin.qbdd->cluster))
		begin_end(NULL, 0, NULL);
	else if (loop_now(loop) >= begin.until_ns)
		begin_end(
			"NOT_READY", ETIMEDOUT,
			"it takes longer than it should: see 'qbdctl cluster status'");
	else
		loop_timer_set(loop, timer, loop_now(loop) + INIT_LOOK_NS);
}

static void begin_wait(struct qbdd *qbdd)
{
	begin.timer = (struct loop_timer){ .name = "cluster-init",
					   .expired = begin_look };
	begin.until_ns = loop_now(qbdd->loop) + INIT_NS;
	loop_timer_set(qbdd->loop, &begin.timer, loop_now(qbdd->loop));
}

static void do_cluster_init(struct admin_request *request,
			    struct json_object *args, void *owner)
{
	const char *name = verb_arg_string(args, "name");
	char why[CLUSTER_WHY_MAX] = "";
	struct qbdd *qbdd = owner;
	int err;

	if (!begin_take(qbdd, request))
		return;
	err = cluster_init(qbdd->cluster, name, why);
	if (err) {
		begin_end("NOT_MADE", -err, why);
		return;
	}
	admin_later(request, begin_left, NULL);
	begin_wait(qbdd);
}

static void joined(void *arg, int err, const char *why)
{
	(void)arg;
	if (err)
		begin_end("NOT_JOINED", -err, why);
	else
		begin_wait(begin.qbdd);
}

static void do_cluster_join(struct admin_request *request,
			    struct json_object *args, void *owner)
{
	const char *word = verb_arg_string(args, "address");
	char text[LINKS_ADDR_TEXT], why[CLUSTER_WHY_MAX] = "";
	struct qbdd *qbdd = owner;
	union links_addr addr;
	int err;

	/* the port may be left out */
	snprintf(text, sizeof(text),
		 strchr(word, ':') && word[0] != '[' &&
				 strchr(word, ':') != strrchr(word, ':') ?
			 "[%s]:%u" :
			 "%s:%u",
		 word, CONF_CONTROL_PORT);
	if (!links_addr_parse(word, &addr) && !links_addr_parse(text, &addr)) {
		admin_error(
			request, "BAD_ARGUMENT", EINVAL,
			"that is no address: a number, with or without a port, such as 10.0.0.1 or [fd00::1]:7788");
		return;
	}
	if (!begin_take(qbdd, request))
		return;
	err = cluster_join(qbdd->cluster, verb_arg_string(args, "token"), &addr,
			   1, joined, qbdd, why);
	if (err) {
		begin_end("NOT_JOINED", -err, why);
		return;
	}
	admin_later(request, begin_left, NULL);
}

/* --- the service ---------------------------------------------------------- */

static const struct admin_handler cluster_handlers[] = {
	{ "cluster init", do_cluster_init },
	{ "cluster join", do_cluster_join },
	{ "cluster status", do_cluster_status },
	{ "cluster show", do_cluster_show },
	{ "cluster set", do_cluster_set },
	{ "node list", do_node_list },
	{ "node show", do_node_show },
	{ "node label", do_node_label },
	{ "node remove", do_node_remove },
	{ "node drain", do_node_drain },
	{ "node rekey", do_node_rekey },
	{ "token create", do_token_create },
	{ "token list", do_token_list },
	{ "token revoke", do_token_revoke },
};

static bool addr_is_any(const union links_addr *addr)
{
	static const struct in6_addr any6;

	if (addr->any.sa_family == AF_INET6)
		return !memcmp(&addr->v6.sin6_addr, &any6, sizeof(any6));
	return !addr->v4.sin_addr.s_addr;
}

static void control_add(struct cluster_options *opt,
			const union links_addr *addr, uint32_t port)
{
	union links_addr *to = &opt->control[opt->nr_control];

	if (opt->nr_control == CLUSTER_ADDRS_MAX)
		return;
	*to = *addr;
	if (to->any.sa_family == AF_INET6)
		to->v6.sin6_port = htons(port);
	else
		to->v4.sin_port = htons(port);
	opt->nr_control++;
}

/* Who listens on all addresses is reached where its data is. */
static void control_addrs(struct cluster_options *opt, const struct conf *conf)
{
	unsigned int i, k;

	for (i = 0; i < conf->listen.nr; i++) {
		if (!addr_is_any(&conf->listen.addr[i])) {
			control_add(opt, &conf->listen.addr[i], conf->port);
			continue;
		}
		for (k = 0; k < conf->data.nr; k++)
			control_add(opt, &conf->data.addr[k], conf->port);
	}
}

static int cluster_start(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	const struct conf *conf = &qbdd->conf;
	struct cluster_options opt = { .state_dir = conf->state_dir,
				       .name = conf->name,
				       .zone = conf->zone,
				       .rack = conf->rack,
				       .host = conf->host };

	while (opt.nr_listens < conf->listen.nr &&
	       opt.nr_listens < CLUSTER_ADDRS_MAX) {
		opt.listen[opt.nr_listens] = conf->listen.addr[opt.nr_listens];
		opt.nr_listens++;
	}
	while (opt.nr_data < conf->data.nr && opt.nr_data < CLUSTER_ADDRS_MAX) {
		opt.data[opt.nr_data] = conf->data.addr[opt.nr_data];
		opt.nr_data++;
	}
	control_addrs(&opt, conf);
	return cluster_open(&qbdd->cluster, qbdd->loop, &opt, why);
}

static void cluster_stop(struct qbdd *qbdd)
{
	begin.busy = false;
	begin.request = NULL;
	if (begin.qbdd)
		loop_timer_stop(qbdd->loop, &begin.timer);
	cluster_close(qbdd->cluster);
	qbdd->cluster = NULL;
}

static void cluster_add_status(struct qbdd *qbdd, struct json_object *into)
{
	struct json_object *all = cluster_status(qbdd->cluster), *value;
	static const char *const keys[] = { "phase", "cluster", "leader",
					    "role" };
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_object_get_ex(all, keys[i], &value))
			json_object_object_add(into, keys[i],
					       json_object_get(value));
	json_object_put(all);
}

const struct service cluster_service = {
	.name = "cluster",
	.start = cluster_start,
	.stop = cluster_stop,
	.status = cluster_add_status,
	.handlers = cluster_handlers,
	.nr_handlers = sizeof(cluster_handlers) / sizeof(cluster_handlers[0]),
};
