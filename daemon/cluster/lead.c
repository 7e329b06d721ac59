// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duties of who leads: each look finds the first thing that is to be done, and
 * has it done.  What it goes by is the state, so a new leader goes on with it.
 *
 * A duty that was refused is passed over for a while, twice as long each time,
 * so that those behind it have their turn.  (One volume finds no place, and no
 * node that comes after it ever becomes active.)  It is tried again in the end,
 * for what was in its way may have gone.
 *
 * A candidate for the group has a deadline, ready_ns, to make its server.  One
 * that misses it counts as silent for LEAD_BAD_TIMES as long, so that another
 * one is planned with; so does a member that says that its disk failed.
 */
#include <json-c/json.h>
#include <stddef.h>
#include <string.h>

#include "state/voters.h"
#include "../log.h"
#include "verbs.h"

#define LEAD_TIMEOUT_MS 30000
#define LEAD_READY_NS 15000000000ULL
#define LEAD_BAD_TIMES 10
#define LEAD_SKIP_NS 1000000000ULL /* after the first refusal ... */
#define LEAD_SKIP_TIMES 6 /* ... and up to 2^6 times as long */

static struct cluster_skip *lead_skip(struct cluster *c, const char *verb,
				      u64 id)
{
	u32 i;

	for (i = 0; i < c->nr_skips; i++)
		if (c->skip[i].id == id && !strcmp(c->skip[i].verb, verb))
			return &c->skip[i];
	return NULL;
}

/**
 * lead_skips() - was this duty refused only now?
 * @c: the cluster
 * @verb: the duty
 * @id: of the object it is about
 *
 * Return: true if it is to be passed over.
 */
bool lead_skips(struct cluster *c, const char *verb, u64 id)
{
	const struct cluster_skip *skip = lead_skip(c, verb, id);

	return skip && loop_now(c->loop) < skip->until_ns;
}

/* Without room the one that is due first makes room: it is tried again. */
static struct cluster_skip *lead_skip_new(struct cluster *c)
{
	struct cluster_skip *first = c->skip;
	u32 i;

	if (c->nr_skips < CLUSTER_SKIPS_MAX)
		return &c->skip[c->nr_skips++];
	for (i = 1; i < c->nr_skips; i++)
		if (c->skip[i].until_ns < first->until_ns)
			first = &c->skip[i];
	return first;
}

static void lead_refused(struct cluster *c, const char *verb, u64 id)
{
	struct cluster_skip *skip = lead_skip(c, verb, id);

	if (!skip) {
		skip = lead_skip_new(c);
		*skip = (struct cluster_skip){ .verb = verb, .id = id };
	}
	skip->until_ns =
		loop_now(c->loop) +
		(LEAD_SKIP_NS << min_t(u32, skip->times, LEAD_SKIP_TIMES));
	skip->times++;
}

static void lead_accepted(struct cluster *c, const char *verb, u64 id)
{
	struct cluster_skip *skip = lead_skip(c, verb, id);

	if (skip)
		*skip = c->skip[--c->nr_skips];
}

static void lead_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct cluster *c =
		(void *)((char *)ask - offsetof(struct cluster, duty_ask));

	if (answer->code) {
		log_write(LOG_LEVEL_WARN, "duty-failed",
			  "verb=\"%s\" id=%llu code=%s reason=\"%s\"",
			  ask->verb, (unsigned long long)c->duty_id,
			  answer->code, answer->text);
		lead_refused(c, ask->verb, c->duty_id);
	} else {
		lead_accepted(c, ask->verb, c->duty_id);
	}
	json_object_put(c->duty_args);
	c->duty_args = NULL;
	c->duty = false;
	cluster_changed(c);
}

/**
 * lead_do() - have a duty done
 * @c: the cluster; none is under way
 * @verb: the duty; stays
 * @id: of the object it is about; not to be skipped
 * @args: its arguments, handed over
 */
void lead_do(struct cluster *c, const char *verb, u64 id,
	     struct json_object *args)
{
	c->duty = true;
	c->duty_id = id;
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
	struct json_object *args;

	if (lead_skips(c, verb, node->id))
		return;
	args = json_object_new_object();
	json_number(args, "node", node->id);
	json_number(args, "server", node->raft);
	lead_do(c, verb, node->id, args);
}

/* The first node of a new cluster, and the cluster. */
static void lead_begin(struct cluster *c)
{
	struct json_object *args;

	if (!state_cluster(c->s)->made) {
		if (!c->init_name[0] || lead_skips(c, "cluster make", 0))
			return;
		args = json_object_new_object();
		json_text(args, "name", c->init_name);
		lead_do(c, "cluster make", 0, args);
		return;
	}
	if (!lead_skips(c, "node join", 0))
		lead_do(c, "node join", 0, join_request(c));
}

static_assert(SESSION_VERSION == STATE_LEVEL_MAX);

/**
 * lead_level() - the highest feature level that all nodes know
 * @c: the cluster, which leads
 * @away: pass over who is not there
 * @node: who knows no more
 *
 * Of who is away nobody knows what comes back: it may be put back to an older
 * version just now, and could not return.  Somebody may say that this is no
 * matter.  (A node died for good when all were old, the level can not rise, and
 * to give it up for lost needs the level.)
 *
 * Return: the level; 0: @node is not there, or not known yet.
 */
u32 lead_level(struct cluster *c, bool away, u32 *node)
{
	const struct state_node *known;
	struct session_status status;
	u32 slot = 0, least = SESSION_VERSION;
	struct group_info info;

	*node = c->record.node;
	/* a new leader may not know yet who all is there */
	group_look(c->group, &info);
	if (info.applied != info.last)
		return 0;
	while ((known = state_node_walk(c->s, &slot))) {
		if (state_node_refused(known) || known->id == c->record.node)
			continue;
		if (session_peer_status(c->net, known->id, &status) ||
		    !status.up) {
			if (away)
				continue;
			status.version = 0;
		}
		if (status.version >= least)
			continue;
		least = status.version;
		*node = known->id;
	}
	return least;
}

/* All can more than the cluster does: from now on it does. */
static void lead_level_look(struct cluster *c)
{
	u32 now = state_cluster(c->s)->setting[STATE_SET_FEATURE], node;
	u32 level = lead_level(c, false, &node);
	struct json_object *args;

	if (c->duty || level <= now || lead_skips(c, "cluster set", level))
		return;
	log_write(LOG_LEVEL_INFO, "feature-level", "level=%u was=%u", level,
		  now);
	args = json_object_new_object();
	json_text(args, "key", state_setting_key(STATE_SET_FEATURE));
	json_number(args, "value", level);
	lead_do(c, "cluster set", level, args);
}

static struct cluster_ready *lead_said(struct cluster *c, u32 node)
{
	u32 i;

	for (i = 0; i < c->nr_ready; i++)
		if (c->ready[i].node == node)
			return &c->ready[i];
	return NULL;
}

static bool lead_is(const struct cluster_ready *said, u64 server,
		    enum msg_server what)
{
	return said && said->said && said->server == server &&
	       said->what == what;
}

/* One node's next step, if there is one. */
static void lead_node(struct cluster *c, const struct state_node *node)
{
	const struct cluster_ready *said = lead_said(c, node->id);
	bool here = node->id == c->record.node || cluster_reaches(c, node->id);

	if (node->state == STATE_NODE_DRAINING && state_node_refused(node))
		lost_look(c, node);
	if (node->state == STATE_NODE_REMOVED || !here)
		return;
	if (node->state == STATE_NODE_JOINING)
		lead_do_node(c, "node active", node);
	else if (node->wish != STATE_WISH_NEVER &&
		 (!node->raft || lead_is(said, node->raft, MSG_SERVER_LOST)))
		lead_do_node(c, "node raft", node);
}

/* Its daemon may well be heard, if its server is not. */
static bool lead_counts_not(struct cluster *c, u32 node, u64 server)
{
	const struct cluster_ready *said = lead_said(c, node);

	return lead_is(said, server, MSG_SERVER_FAILED) ||
	       (said && said->server == server &&
		loop_now(c->loop) < said->bad_ns);
}

static u64 lead_silent_ms(struct cluster *c, u32 node, u64 server)
{
	struct session_status status;
	u64 heard = c->led_ns;

	if (node == c->record.node)
		return 0;
	if (lead_counts_not(c, node, server))
		return U64_MAX;
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
			.silent_ms = lead_silent_ms(c, node->id, node->raft),
			.caught_up = group_caught_up(c->group, node->raft),
		};
	}
	return nr;
}

static struct cluster_ready *lead_said_new(struct cluster *c, u32 node)
{
	struct cluster_ready *said = lead_said(c, node);

	/* asked again when it is needed */
	if (!said && c->nr_ready == CLUSTER_READY_MAX)
		memmove(c->ready, c->ready + 1,
			--c->nr_ready * sizeof(*c->ready));
	if (!said)
		said = &c->ready[c->nr_ready++];
	*said = (struct cluster_ready){ .node = node };
	return said;
}

/* It has to make its server, in time. */
static void lead_order(struct cluster *c, u64 server)
{
	struct msg_server_is order = { .server = server };
	u64 now = loop_now(c->loop), limit = c->opt.ready_ns ?: LEAD_READY_NS;
	u32 node = server_node(server);
	struct cluster_ready *said = lead_said(c, node);
	u8 bytes[16];
	int len;

	if (!said || said->server != server || said->said ||
	    (said->bad_ns && said->bad_ns <= now)) {
		said = lead_said_new(c, node);
		said->server = server;
		said->asked_ns = now;
	}
	if (!said->bad_ns && now - said->asked_ns >= limit) {
		said->bad_ns = now + LEAD_BAD_TIMES * limit;
		log_write(LOG_LEVEL_WARN, "raft-candidate-late",
			  "node=%u server=%llu hint=\"%s\"", node,
			  (unsigned long long)server,
			  "look into its log; another one is tried");
		cluster_changed(c);
	}
	len = msg_server_put(&order, false, bytes, sizeof(bytes));
	cluster_send(c, node, SESSION_NORMAL, MSG_SERVER, bytes, len);
}

/* Nobody becomes a member whose log was not made. */
static bool lead_all_ready(struct cluster *c, const struct raft_config *conf,
			   const struct raft_members *want)
{
	u32 i, missing = 0;
	u64 server;

	for (i = 0; i < want->voters + want->learners; i++) {
		server = want->id[i];
		if (raft_config_find(conf, server) >= 0 ||
		    lead_is(lead_said(c, server_node(server)), server,
			    MSG_SERVER_READY))
			continue;
		missing++;
		lead_order(c, server);
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
		c->nr_skips = 0;
		return;
	}
	if (!c->led_ns)
		c->led_ns = loop_now(c->loop);
	if (!state_cluster(c->s)->made || state_cluster(c->s)->next_node == 1) {
		if (!c->duty)
			lead_begin(c);
		return;
	}
	/* the group is changed by no command, and waits for none */
	lead_members(c);
	lead_level_look(c);
	while (!c->duty && (node = state_node_walk(c->s, &slot)))
		lead_node(c, node);
	if (!c->duty)
		lost_look(c, NULL);
	if (!c->duty)
		duty_volumes(c);
}

/**
 * lead_ready() - a node says how its server is
 * @c: the cluster
 * @node: the node
 * @is: what it says
 */
void lead_ready(struct cluster *c, u32 node, const struct msg_server_is *is)
{
	struct cluster_ready *said;

	if (server_node(is->server) != node || !cluster_leads(c))
		return;
	said = lead_said_new(c, node);
	said->said = true;
	said->what = is->what;
	said->server = is->server;
	cluster_changed(c);
}

/**
 * lead_down() - there is no session with a node any more
 * @c: the cluster
 * @node: the node
 *
 * It may come back with a disk that was mended, and says so if it was not.
 */
void lead_down(struct cluster *c, u32 node)
{
	struct cluster_ready *said = lead_said(c, node);

	if (said && said->said && said->what == MSG_SERVER_FAILED)
		*said = c->ready[--c->nr_ready];
}
