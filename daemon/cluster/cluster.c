// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node's part begins and ends; what sessions say.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "inner.h"

#define CLUSTER_OF(ptr, member) \
	((struct cluster *)((char *)(ptr)-offsetof(struct cluster, member)))

/**
 * cluster_leads() - does this node lead?
 * @c: the cluster
 *
 * Return: true if so, as far as it knows.
 */
bool cluster_leads(const struct cluster *c)
{
	return c->group && group_leads(c->group);
}

/**
 * cluster_leader() - who leads?
 * @c: the cluster
 *
 * Return: the node, 0 = nobody that is known.
 */
u32 cluster_leader(struct cluster *c)
{
	struct group_info info;

	if (!cluster_member(c))
		return c->leader;
	group_look(c->group, &info);
	return server_node(info.leader);
}

/**
 * cluster_member() - is this node's server one of the group?
 * @c: the cluster
 *
 * One that was replaced while it was away still runs, is a member by its own
 * log, and hears nobody: what a newer log says counts.  One that failed knows
 * nothing any more.  Such a node goes by what members say.
 *
 * Return: true if it runs, and is in the configuration that it knows.
 */
bool cluster_member(struct cluster *c)
{
	struct group_info info;

	if (!c->group)
		return false;
	group_look(c->group, &info);
	return info.state == GROUP_RUNS &&
	       raft_config_find(&info.conf, c->record.server) >= 0 &&
	       !members_outside(c, &info);
}

/**
 * cluster_reaches() - is there a session?
 * @c: the cluster
 * @node: to whom
 *
 * Return: true if so.
 */
bool cluster_reaches(struct cluster *c, u32 node)
{
	struct session_status status;

	return c->net && !session_peer_status(c->net, node, &status) &&
	       status.up;
}

/**
 * cluster_send() - a message for a node
 * @c: the cluster
 * @node: the node
 * @class: how urgent
 * @type: what it is
 * @data: its bytes
 * @bytes: how many
 *
 * Return: as session_send().
 */
int cluster_send(struct cluster *c, u32 node, enum session_class class,
		 enum msg_type type, const void *data, size_t bytes)
{
	if (!c->net)
		return -ENOTCONN;
	return session_send(c->net, node, class, type, data, bytes);
}

/**
 * cluster_heard() - is a node there?
 * @c: the cluster
 * @node: the node
 *
 * Return: what the failure detector thinks, in a word.
 */
const char *cluster_heard(const struct cluster *c, u32 node)
{
	struct session_status status;

	if (node == c->record.node)
		return detect_name(DETECT_ALIVE);
	if (!c->net || session_peer_status(c->net, node, &status))
		return "unknown";
	return detect_name(status.state);
}

/**
 * cluster_wall_ms() - the clock that commands carry
 *
 * Return: milliseconds since 1970.
 */
u64 cluster_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* --- what handshakes and sessions ask ----------------------------------- */

static enum session_who cluster_who(void *arg, const uint8_t key[IDENTITY_KEY],
				    uint32_t *node)
{
	const struct state_node *known;
	struct cluster *c = arg;
	unsigned int i;

	known = c->group ? state_node_by_key(c->s, key) : NULL;
	if (known) {
		*node = known->id;
		return state_node_refused(known) ? SESSION_WHO_REFUSED :
						   SESSION_WHO_KNOWN;
	}
	for (i = 0; i < c->record.nr_peers; i++)
		if (!memcmp(c->record.peer[i].key, key, IDENTITY_KEY)) {
			*node = c->record.peer[i].node;
			return SESSION_WHO_KNOWN;
		}
	return SESSION_WHO_NOT_YET;
}

/* Whether it is still good is decided when it is used. */
static int cluster_token(void *arg, uint64_t id, uint8_t key[TOKEN_KEY])
{
	const struct state_token *token;
	struct cluster *c = arg;

	token = c->group ? state_token_by_id(c->s, id) : NULL;
	if (!token)
		return -ENOENT;
	if (token->expires_ms <= cluster_wall_ms() ||
	    (!token->uses && !state_token_awaited(c->s, id)))
		return -EKEYEXPIRED;
	memcpy(key, token->psk, TOKEN_KEY);
	return 0;
}

static void cluster_up(void *arg, uint32_t node)
{
	struct cluster *c = arg;

	life_up(c, node);
	members_push(c, node);
	if ((c->lost || server_failed(c)) && node == cluster_leader(c))
		server_report(c, node);
	if (c->beside)
		c->beside->ops->up(c->beside, node);
	asks_look(c);
}

static void cluster_down(void *arg, uint32_t node, enum session_why why)
{
	struct cluster *c = arg;

	log_write(LOG_LEVEL_INFO, "session-down", "node=%u reason=\"%s\"", node,
		  session_why_text(why));
	life_down(arg, node);
	lead_down(arg, node);
	if (c->beside)
		c->beside->ops->down(c->beside, node);
	asks_lost(arg, node);
}

static void cluster_detect(void *arg, uint32_t node, enum detect_state state)
{
	log_write(state == DETECT_ALIVE ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		  "node", "node=%u state=%s", node, detect_name(state));
	cluster_changed(arg);
}

static void cluster_bad(struct cluster *c, u32 node, u16 type)
{
	static struct log_limit limit;

	log_limited(&limit, loop_now(c->loop), LOG_LEVEL_WARN, "message-bad",
		    "node=%u type=%u", node, type);
}

static int cluster_take(struct cluster *c, u32 node, u16 type, const void *data,
			size_t bytes)
{
	struct msg_members members;
	struct msg_server_is is;
	struct msg_life life;
	struct msg_text text;
	int err = -EBADMSG;

	if (type > MSG_BESIDE)
		return c->beside ? c->beside->ops->received(c->beside, node,
							    type, data, bytes) :
				   0;
	switch (type) {
	case MSG_RAFT:
		if (!c->group || !life_vouches(c, node))
			return 0;
		err = group_recv(c->group, node, data, bytes);
		return err == -EBADMSG ? err : 0;
	case MSG_ASK:
		err = msg_ask_get(data, bytes, &text);
		if (!err)
			exec_begin(c, node, &text);
		return err;
	case MSG_ANSWER:
		err = msg_answer_get(data, bytes, &text);
		if (!err)
			ask_answered(c, node, &text);
		return err;
	case MSG_MEMBERS:
		err = msg_members_get(data, bytes, &members);
		if (!err)
			members_heard(c, node, &members);
		return err;
	case MSG_SERVER:
		err = msg_server_get(data, bytes, false, &is);
		if (!err)
			server_ordered(c, node, is.server);
		return err;
	case MSG_SERVER_IS:
		err = msg_server_get(data, bytes, true, &is);
		if (!err)
			lead_ready(c, node, &is);
		return err;
	case MSG_LIFE:
		err = msg_life_get(data, bytes, &life);
		if (!err && server_node(life.server) != node)
			err = -EBADMSG;
		if (!err)
			life_heard(c, node, &life);
		return err;
	}
	return err;
}

static void cluster_received(void *arg, uint32_t node, enum session_class class,
			     uint16_t type, const void *data, size_t bytes)
{
	(void)class;
	if (cluster_take(arg, node, type, data, bytes))
		cluster_bad(arg, node, type);
}

/* --- what is due -----------------------------------------------------------
 */

static void cluster_say_leader(struct cluster *c)
{
	u64 term = c->leader_term;
	u32 leader = cluster_leader(c);
	struct group_info info;

	if (leader == c->leader_said)
		return;
	c->leader_said = leader;
	if (c->group) {
		group_look(c->group, &info);
		term = info.term;
	}
	log_write(LOG_LEVEL_INFO, "leader", "node=%u term=%llu", leader,
		  (unsigned long long)term);
}

static void cluster_look(struct cluster *c)
{
	cluster_say_leader(c);
	if (c->phase == CLUSTER_IN && c->net) {
		peers_refresh(c);
		members_push(c, 0);
		lead_look(c);
	}
	asks_look(c);
	if (c->beside)
		c->beside->ops->changed(c->beside);
}

static void cluster_run_changed(struct loop_call *call)
{
	cluster_look(CLUSTER_OF(call, changed));
}

/* What could not begin, for lack of an address or of room, may by now. */
static void cluster_again(struct cluster *c)
{
	static struct log_limit limit;
	char why[CLUSTER_WHY_MAX] = "";

	if (c->phase != CLUSTER_IN ||
	    (c->net && (!c->record.server || c->group || c->lost ||
			c->beginning || c->reading)))
		return;
	if (cluster_begin(c, why))
		log_limited(&limit, loop_now(c->loop), LOG_LEVEL_ERROR,
			    "cluster-begin", "reason=\"%s\"", why);
}

static void cluster_ticked(struct loop_timer *timer)
{
	struct cluster *c = CLUSTER_OF(timer, tick);

	loop_timer_set(c->loop, &c->tick, loop_now(c->loop) + LEAD_TICK_NS);
	cluster_again(c);
	life_tick(c);
	if ((c->lost || server_failed(c)) && cluster_leader(c))
		server_report(c, cluster_leader(c));
	c->duty_look = true;
	cluster_look(c);
}

/**
 * cluster_changed() - look at everything again, when this turn is over
 * @c: the cluster
 */
void cluster_changed(struct cluster *c)
{
	loop_call_later(c->loop, &c->changed);
}

/* --- begin and end -----------------------------------------------------------
 */

/**
 * cluster_begin() - a node with a record takes part
 * @c: the cluster
 * @why: why it can not
 *
 * Return: 0 or an errno.
 */
int cluster_begin(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	struct session_options opt = { .identity = &c->identity,
				       .node = c->record.node,
				       .lineage = c->record.lineage,
				       .nr_listens = c->opt.nr_listens,
				       .knock_ms = c->opt.knock_ms };
	struct session_ops ops = {
		.tls = { .who = cluster_who, .token = cluster_token, .arg = c },
		.up = cluster_up,
		.down = cluster_down,
		.state = cluster_detect,
		.received = cluster_received,
		.join = join_asked
	};
	int err;

	err = record_raft_path(&c->record, c->opt.state_dir, c->raft_path,
			       sizeof(c->raft_path));
	if (err) {
		snprintf(why, CLUSTER_WHY_MAX,
			 "the state directory's name is too long");
		return err;
	}
	memcpy(opt.cluster, c->record.cluster, sizeof(opt.cluster));
	memcpy(opt.listen, c->opt.listen,
	       c->opt.nr_listens * sizeof(opt.listen[0]));
	c->phase = CLUSTER_IN;
	err = c->net ? 0 : session_net_create(&c->net, c->loop, &opt, &ops);
	if (err) {
		c->net = NULL;
		snprintf(why, CLUSTER_WHY_MAX,
			 "the control plane can not listen: %s",
			 strerror(-err));
		return err;
	}
	if (!c->group && !c->lost && !c->beginning && !c->reading)
		err = server_begin(c, why);
	if (!err)
		cluster_changed(c);
	return err;
}

static int cluster_paths(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	const char *dir = c->opt.state_dir;

	if (strlen(dir) + 32 > CLUSTER_PATH_MAX) {
		snprintf(why, CLUSTER_WHY_MAX,
			 "the state directory's name is too long");
		return -ENAMETOOLONG;
	}
	snprintf(c->record_path, sizeof(c->record_path), "%s/record", dir);
	snprintf(c->peers_path, sizeof(c->peers_path), "%s/peers", dir);
	snprintf(c->key_path, sizeof(c->key_path), "%s/node.key", dir);
	return 0;
}

/* Of this very record, or it says nothing. */
static void cluster_load_peers(struct cluster *c)
{
	char why[RECORD_WHY_MAX];
	struct record newer;

	if (record_load(&newer, c->peers_path, why) || !newer.nr_peers ||
	    memcmp(newer.cluster, c->record.cluster, sizeof(newer.cluster)) ||
	    newer.lineage != c->record.lineage || newer.node != c->record.node)
		return;
	c->record.nr_peers = newer.nr_peers;
	memcpy(c->record.peer, newer.peer, sizeof(newer.peer));
}

/* A record without its key, or one that can not be read, is not "no record". */
static int cluster_load(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	char text[RECORD_WHY_MAX];
	int err = record_load(&c->record, c->record_path, text);

	if (err == -ENOENT)
		return 0;
	if (err) {
		snprintf(why, CLUSTER_WHY_MAX, "%.120s: %s", c->record_path,
			 text);
		return err;
	}
	err = identity_load(&c->identity, c->key_path);
	if (err) {
		snprintf(why, CLUSTER_WHY_MAX, "%s", c->identity.error);
		return err;
	}
	c->has_key = true;
	cluster_load_peers(c);
	err = cluster_begin(c, why);
	return err ?: server_settle(c, why);
}

/**
 * cluster_open() - a node's part begins
 * @made: the cluster
 * @loop: runs it
 * @options: what it points to stays
 * @why: why it can not
 *
 * Return: 0 or an errno.
 */
int cluster_open(struct cluster **made, struct loop *loop,
		 const struct cluster_options *options,
		 char why[CLUSTER_WHY_MAX])
{
	struct cluster *c = calloc(1, sizeof(*c));
	int err;

	if (!c) {
		snprintf(why, CLUSTER_WHY_MAX, "no memory");
		return -ENOMEM;
	}
	c->loop = loop;
	c->opt = *options;
	c->asks_last = &c->asks;
	c->changed = (struct loop_call){ .name = "cluster-changed",
					 .run = cluster_run_changed };
	c->tick = (struct loop_timer){ .name = "cluster-tick",
				       .expired = cluster_ticked };
	err = work_create(&c->work, loop);
	if (err)
		snprintf(why, CLUSTER_WHY_MAX, "no thread: %s", strerror(-err));
	if (!err)
		err = cluster_paths(c, why);
	if (!err)
		err = cluster_load(c, why);
	if (err) {
		cluster_close(c);
		return err;
	}
	loop_timer_set(loop, &c->tick, loop_now(loop) + LEAD_TICK_NS);
	*made = c;
	return 0;
}

/**
 * cluster_close() - a node's part ends
 * @c: the cluster
 *
 * Whoever asked something is told that it ended.
 */
void cluster_close(struct cluster *c)
{
	cluster_join_cancel(c);
	asks_fail(c);
	server_end(c);
	work_destroy(c->work);
	if (c->net)
		session_net_destroy(c->net);
	if (c->has_key)
		identity_free(&c->identity);
	loop_timer_stop(c->loop, &c->tick);
	loop_call_stop(c->loop, &c->changed);
	free(c);
}
