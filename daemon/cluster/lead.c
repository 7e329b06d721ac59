// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duties of who leads: each look finds the first thing that is to be done, and
 * has it done.  What it goes by is the state, so a new leader goes on with it.
 */
#include <json-c/json.h>
#include <stddef.h>
#include <string.h>

#include "state/voters.h"
#include "../log.h"
#include "verbs.h"

#define LEAD_TIMEOUT_MS 30000

static void lead_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct cluster *c =
		(void *)((char *)ask - offsetof(struct cluster, duty_ask));

	if (answer->code)
		log_write(LOG_LEVEL_WARN, "duty-failed",
			  "verb=\"%s\" code=%s reason=\"%s\"", ask->verb,
			  answer->code, answer->text);
	json_object_put(c->duty_args);
	c->duty_args = NULL;
	c->duty = false;
	/* behind an error, not at once */
	if (!answer->code)
		cluster_changed(c);
}

static void lead_do(struct cluster *c, const char *verb,
		    struct json_object *args)
{
	c->duty = true;
	c->duty_args = args;
	c->duty_ask = (struct cluster_ask){ .verb = verb,
					    .args = args,
					    .timeout_ms = LEAD_TIMEOUT_MS,
					    .done = lead_done };
	cluster_ask(c, &c->duty_ask);
}

static void lead_do_node(struct cluster *c, const char *verb,
			 const struct state_node *node)
{
	struct json_object *args = json_object_new_object();

	json_number(args, "node", node->id);
	json_number(args, "server", node->raft);
	lead_do(c, verb, args);
}

/* The first node of a new cluster, and the cluster. */
static bool lead_begin(struct cluster *c)
{
	const struct state_cluster *cluster = state_cluster(c->s);
	struct json_object *args;

	if (!cluster->made) {
		if (!c->init_name[0])
			return true;
		args = json_object_new_object();
		json_text(args, "name", c->init_name);
		lead_do(c, "cluster make", args);
		return true;
	}
	if (cluster->next_node != 1)
		return false;
	lead_do(c, "node join", join_request(c));
	return true;
}

static const struct cluster_ready *lead_said(const struct cluster *c, u32 node)
{
	u32 i;

	for (i = 0; i < c->nr_ready; i++)
		if (c->ready[i].node == node)
			return &c->ready[i];
	return NULL;
}

/* One node's next step, if there is one. */
static bool lead_node(struct cluster *c, const struct state_node *node)
{
	const struct cluster_ready *said = lead_said(c, node->id);
	bool here = node->id == c->record.node || cluster_reaches(c, node->id);

	if (node->state == STATE_NODE_REMOVED || !here)
		return false;
	if (node->state == STATE_NODE_JOINING) {
		lead_do_node(c, "node active", node);
		return true;
	}
	if (node->wish == STATE_WISH_NEVER)
		return false;
	if (!node->raft || (said && said->lost && said->server == node->raft)) {
		lead_do_node(c, "node raft", node);
		return true;
	}
	return false;
}

static u64 lead_silent_ms(struct cluster *c, u32 node)
{
	struct session_status status;
	u64 heard = c->led_ns;

	if (node == c->record.node)
		return 0;
	if (!session_peer_status(c->net, node, &status)) {
		if (status.up)
			return 0;
		heard = max_t(u64, heard, status.heard_ns);
	}
	return (loop_now(c->loop) - heard) / 1000000;
}

static u32 lead_heard(struct cluster *c, struct voters_heard *heard, u32 room)
{
	const struct state_node *node;
	u32 slot = 0, nr = 0;

	while (nr < room && (node = state_node_walk(c->s, &slot))) {
		if (node->state == STATE_NODE_REMOVED || !node->raft)
			continue;
		heard[nr++] = (struct voters_heard){
			.node = node->id,
			.silent_ms = lead_silent_ms(c, node->id),
			.caught_up = group_caught_up(c->group, node->raft),
		};
	}
	return nr;
}

/* Nobody becomes a member whose log was not made. */
static bool lead_all_ready(struct cluster *c, const struct raft_config *conf,
			   const struct raft_members *want)
{
	const struct cluster_ready *said;
	struct msg_server_is order;
	u8 bytes[16];
	u32 i, missing = 0;
	int len;

	for (i = 0; i < want->voters + want->learners; i++) {
		order.server = want->id[i];
		if (raft_config_find(conf, order.server) >= 0)
			continue;
		said = lead_said(c, server_node(order.server));
		if (said && !said->lost && said->server == order.server)
			continue;
		missing++;
		len = msg_server_put(&order, false, bytes, sizeof(bytes));
		cluster_send(c, server_node(order.server), SESSION_NORMAL,
			     MSG_SERVER, bytes, len);
	}
	return !missing;
}

static void lead_members(struct cluster *c)
{
	struct voters_heard heard[STATE_NODES_MAX];
	struct raft_members want;
	struct group_info info;
	u32 nr = lead_heard(c, heard, STATE_NODES_MAX);
	int err;

	group_look(c->group, &info);
	if (voters_plan(c->s, &info.conf, heard, nr, &want) <= 0 ||
	    !lead_all_ready(c, &info.conf, &want))
		return;
	err = group_members(c->group, &want);
	log_write(LOG_LEVEL_INFO, "group-change",
		  "voters=%u learners=%u errno=%d", want.voters, want.learners,
		  -err);
}

/**
 * lead_look() - is there something to do?
 * @c: the cluster
 */
void lead_look(struct cluster *c)
{
	const struct state_node *node;
	u32 slot = 0;

	if (!cluster_leads(c)) {
		c->led_ns = 0;
		c->nr_ready = 0;
		return;
	}
	if (!c->led_ns)
		c->led_ns = loop_now(c->loop);
	if (c->duty || lead_begin(c))
		return;
	while ((node = state_node_walk(c->s, &slot)))
		if (lead_node(c, node))
			return;
	lead_members(c);
}

/**
 * lead_ready() - a node says how its server is
 * @c: the cluster
 * @node: the node
 * @is: what it says
 */
void lead_ready(struct cluster *c, u32 node, const struct msg_server_is *is)
{
	struct cluster_ready *said = (struct cluster_ready *)lead_said(c, node);

	if (server_node(is->server) != node || !cluster_leads(c))
		return;
	if (!said && c->nr_ready == CLUSTER_READY_MAX) {
		/* asked again when it is needed */
		memmove(c->ready, c->ready + 1,
			--c->nr_ready * sizeof(*c->ready));
	}
	if (!said)
		said = &c->ready[c->nr_ready++];
	*said = (struct cluster_ready){ .node = node,
					.server = is->server,
					.lost = is->what == MSG_SERVER_LOST };
	cluster_changed(c);
}
