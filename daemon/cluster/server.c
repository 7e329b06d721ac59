// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Raft server of a node: made, opened, lost, and made anew.
 */
#include <string.h>

#include "../log.h"
#include "inner.h"

#define SERVER_ELECTION_NS 1000000000ULL
#define SERVER_BEAT_NS 200000000ULL

/**
 * server_node() - on which node is that server?
 * @server: its id: the node's in the high half, and a number never used twice
 *
 * So a message finds its way before the state says so: a learner has none.
 *
 * Return: the node.
 */
u32 server_node(u64 server)
{
	return server >> 32;
}

static void server_unlink(void *arg, const char *name)
{
	struct cluster *c = arg;

	/* what is still there is found when the log is made */
	c->env.unlink(c->env.dir, name);
}

/* Nobody ever heard of the server that is recorded: its log is made. */
static int server_make(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	struct raftlog_identity id = { .server = c->record.server,
				       .lineage = c->record.lineage };
	struct raftlog_report report;
	const struct raftlog_finding *worst;
	int err;

	memcpy(id.cluster, c->record.cluster, sizeof(id.cluster));
	if (!c->record.nr_peers) {
		/* the first node: the cluster begins with it */
		id.conf.nr = 1;
		id.conf.old = 1;
		id.conf.id[0] = c->record.server;
	}
	raftlog_report_init(&report);
	err = c->env.list(c->env.dir, server_unlink, c);
	if (!err)
		err = raftlog_format(&c->env, &id, &report);
	if (err) {
		worst = report.nr ? raftlog_worst(&report) : NULL;
		snprintf(why, CLUSTER_WHY_MAX, "the log in %.120s: %s: %s",
			 c->raft_path, worst ? worst->text : "not made",
			 strerror(-err));
		return err;
	}
	c->record.ready = true;
	return record_save(&c->record, c->record_path, true, why);
}

static void server_lost(struct cluster *c, const char *reason)
{
	c->lost = true;
	log_write(
		LOG_LEVEL_ERROR, "raft-log-lost",
		"server=%llu dir=%s reason=\"%s\" hint=\"%s\"",
		(unsigned long long)c->record.server, c->raft_path, reason,
		"it takes no part any more; who leads gives this node another server");
	server_end(c);
}

/* Errors that say: what was promised is gone. Others may pass. */
static bool server_gone(int err)
{
	return err == -ENOENT || err == -EXDEV || err == -EUCLEAN ||
	       err == -EBADMSG;
}

static int server_open(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	struct group_options opt = {
		.id = { .server = c->record.server,
			.lineage = c->record.lineage },
		.election_ns = c->opt.election_ns ?: SERVER_ELECTION_NS,
		.beat_ns = c->opt.beat_ns ?: SERVER_BEAT_NS,
		.seed = c->record.server ^ loop_now(c->loop),
	};
	struct raftlog_report report;
	struct group_info info;
	const char *text = "-";
	int err = machine_make(c);

	memcpy(opt.id.cluster, c->record.cluster, sizeof(opt.id.cluster));
	if (err) {
		snprintf(why, CLUSTER_WHY_MAX, "no memory for the state");
		return err;
	}
	err = group_open(c->loop, &c->env, &opt, &machine_ops, c, &report,
			 &c->group);
	if (report.nr)
		text = raftlog_worst(&report)->text;
	if (err) {
		c->group = NULL;
		snprintf(why, CLUSTER_WHY_MAX, "the log in %.120s: %s: %s",
			 c->raft_path, text, strerror(-err));
		if (!server_gone(err))
			return err;
		server_lost(c, text);
		return 0;
	}
	group_look(c->group, &info);
	if (info.state == GROUP_DAMAGED)
		server_lost(c, text);
	else
		life_begin(c);
	return 0;
}

/*
 * Without its identity the log is none, whenever it is opened again; all else
 * stays, for whoever wants to look.
 */
static void server_disown(struct cluster *c)
{
	int err = c->env.rename(c->env.dir, "identity", "identity.rolled-back");

	err = err ?: c->env.sync_dir(c->env.dir);
	if (err)
		log_write(LOG_LEVEL_ERROR, "raft-log-kept",
			  "dir=%s reason=\"%s\" hint=\"%s\"", c->raft_path,
			  strerror(-err),
			  "remove it before this daemon is started again");
}

/**
 * server_rolled_back() - the log was put back to what it was before
 * @c: the cluster, with a server
 * @from: who knows that
 * @generation: that its hard state had
 *
 * It may have voted, and acknowledged, what it does not know (rule 9).
 */
void server_rolled_back(struct cluster *c, u32 from, u64 generation)
{
	char why[CLUSTER_WHY_MAX];
	struct group_info info;

	group_look(c->group, &info);
	snprintf(
		why, sizeof(why),
		"it was put back to an older copy: generation %llu, and node %u heard %llu",
		info.store.generation, from, generation);
	server_disown(c);
	server_lost(c, why);
	server_report(c, cluster_leader(c));
	cluster_changed(c);
}

/**
 * server_begin() - the server that is recorded
 * @c: the cluster
 * @why: why it can not be run
 *
 * A server whose log is gone, or damaged, is no error: the node goes on
 * without.
 *
 * Return: 0 or an errno.
 */
int server_begin(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	int err;

	if (!c->record.server)
		return 0;
	server_end(c);
	err = raftlog_posix_open(c->raft_path, true, &c->env);
	if (err) {
		snprintf(why, CLUSTER_WHY_MAX, "%.120s: %s", c->raft_path,
			 strerror(-err));
		return err;
	}
	c->has_env = true;
	if (!c->record.ready)
		err = server_make(c, why);
	return err ?: server_open(c, why);
}

/**
 * server_end() - the server stops
 * @c: the cluster
 */
void server_end(struct cluster *c)
{
	execs_forget(c);
	if (c->group)
		group_close(c->group);
	c->group = NULL;
	if (c->has_env)
		raftlog_posix_close(&c->env);
	c->has_env = false;
	machine_free(c);
}

/**
 * server_failed() - did its disk fail?
 * @c: the cluster
 *
 * Such a node has sessions as before, and a server that says nothing: who leads
 * has to be told, or takes it for a voter that is alive.
 *
 * Return: true if so.
 */
bool server_failed(const struct cluster *c)
{
	struct group_info info;

	if (!c->group)
		return false;
	group_look(c->group, &info);
	return info.state == GROUP_FAILED;
}

/**
 * server_report() - tell who leads how the server is
 * @c: the cluster
 * @to: the node
 */
void server_report(struct cluster *c, u32 to)
{
	struct msg_server_is is = { .server = c->record.server,
				    .what = c->lost ? MSG_SERVER_LOST :
					    server_failed(c) ?
						      MSG_SERVER_FAILED :
						      MSG_SERVER_READY };
	u8 bytes[16];
	int len;

	if (!c->record.server || (!c->group && !c->lost))
		return;
	if (to == c->record.node) {
		lead_ready(c, to, &is);
		return;
	}
	len = msg_server_put(&is, true, bytes, sizeof(bytes));
	if (len > 0)
		cluster_send(c, to, SESSION_NORMAL, MSG_SERVER_IS, bytes, len);
}

/* May the server that runs be given up for that one, if @from says so? */
static bool server_yields(struct cluster *c, u32 from, u64 server)
{
	struct group_info info;

	if (server_node(server) != c->record.node || from != cluster_leader(c))
		return false;
	if (!c->record.server || c->lost || !c->group)
		return (u32)server > (u32)c->record.server;
	group_look(c->group, &info);
	return (u32)server > (u32)c->record.server &&
	       (info.state != GROUP_RUNS ||
		raft_config_find(&info.conf, c->record.server) < 0);
}

/**
 * server_ordered() - who leads wants this node to be a server
 * @c: the cluster
 * @from: who says so
 * @server: which one
 *
 * Numbers only go up, and only who leads, as far as is known here, is obeyed:
 * an order that comes late makes nobody give up the server that it has.
 */
void server_ordered(struct cluster *c, u32 from, u64 server)
{
	char why[CLUSTER_WHY_MAX] = "";
	int err;

	if (server == c->record.server) {
		server_report(c, from);
		return;
	}
	if (!server_yields(c, from, server)) {
		log_write(LOG_LEVEL_WARN, "raft-order-refused",
			  "from=%u server=%llu has=%llu", from,
			  (unsigned long long)server,
			  (unsigned long long)c->record.server);
		return;
	}
	server_end(c);
	c->lost = false;
	c->record.server = server;
	c->record.ready = false;
	err = record_save(&c->record, c->record_path, true, why);
	if (!err)
		err = server_begin(c, why);
	if (err) {
		log_write(LOG_LEVEL_ERROR, "raft-server",
			  "server=%llu reason=\"%s\"",
			  (unsigned long long)server, why);
		server_end(c);
	}
	server_report(c, from);
	cluster_changed(c);
}
