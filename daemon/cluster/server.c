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

/* It stops; @disown: and is never to be opened again. */
static void server_stop(struct cluster *c, bool disown)
{
	execs_forget(c);
	server_disk_forget(c);
	if (c->reading)
		group_close(c->reading);
	c->reading = NULL;
	if (c->group)
		group_close(c->group);
	c->group = NULL;
	c->newer = false;
	server_disk_leave(c, disown);
	machine_free(c);
}

static void server_lost(struct cluster *c, const char *reason, bool disown)
{
	c->lost = true;
	log_write(
		LOG_LEVEL_ERROR, "raft-log-lost",
		"server=%llu dir=%s reason=\"%s\" hint=\"%s\"",
		(unsigned long long)c->record.server, c->raft_path, reason,
		"it takes no part any more; who leads gives this node another server");
	server_stop(c, disown);
}

static const char server_newer[] =
	"its feature level is above what this qbdd knows: start the newer one again";

/* Errors that say: what was promised is gone. Others may pass. */
static bool server_gone(int err)
{
	return err == -ENOENT || err == -EXDEV || err == -EUCLEAN ||
	       err == -EBADMSG;
}

static int server_open(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	struct group_options opt = {
		.work = c->work,
		.id = { .server = c->record.server,
			.lineage = c->record.lineage },
		.election_ns = c->opt.election_ns ?: SERVER_ELECTION_NS,
		.beat_ns = c->opt.beat_ns ?: SERVER_BEAT_NS,
		.seed = c->record.server ^ loop_now(c->loop),
	};
	int err = machine_make(c);

	memcpy(opt.id.cluster, c->record.cluster, sizeof(opt.id.cluster));
	if (!err)
		err = group_open(c->loop, &c->env, &opt, &machine_ops, c,
				 &c->reading);
	if (err)
		snprintf(why, CLUSTER_WHY_MAX, "no memory for the state");
	return err;
}

/* It is tried again by cluster_again(), unless the daemon just began. */
static void server_begin_failed(struct cluster *c, int err, const char *why)
{
	static struct log_limit limit;

	c->begin_err = err;
	snprintf(c->begin_why, sizeof(c->begin_why), "%s", why);
	log_limited(&limit, loop_now(c->loop), LOG_LEVEL_ERROR, "raft-server",
		    "server=%llu reason=\"%s\"",
		    (unsigned long long)c->record.server, why);
	server_end(c);
	cluster_changed(c);
}

/**
 * server_disk_ready() - the directory is there, or can not be
 * @c: the cluster
 * @err: why
 * @why: the same in words
 */
void server_disk_ready(struct cluster *c, int err, const char *why)
{
	char text[CLUSTER_WHY_MAX];

	snprintf(text, sizeof(text), "%s", why);
	if (!err)
		err = server_open(c, text);
	if (err)
		server_begin_failed(c, err, text);
}

/**
 * server_opened() - the log was read
 * @arg: the cluster
 * @err: why it can not be used
 * @report: what was found
 */
void server_opened(void *arg, int err, const struct raftlog_report *report)
{
	const char *text = report->nr ? raftlog_worst(report)->text : "-";
	char why[CLUSTER_WHY_MAX];
	struct cluster *c = arg;
	struct group_info info;

	snprintf(why, sizeof(why), "the log in %.120s: %s: %s", c->raft_path,
		 err == -EOPNOTSUPP ? server_newer : text, strerror(-err));
	if (err && !server_gone(err)) {
		server_begin_failed(c, err, why);
		return;
	}
	c->begin_err = 0; /* not before: it is told until it is over */
	c->group = c->reading;
	c->reading = NULL;
	group_look(c->group, &info);
	if (err || info.state == GROUP_DAMAGED)
		server_lost(c, text, false);
	else
		life_begin(c);
	if (c->ordered_by)
		server_report(c, c->ordered_by);
	c->ordered_by = 0;
	cluster_changed(c);
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
	server_lost(c, why, true);
	cluster_changed(c);
}

/**
 * server_begin() - the server that is recorded
 * @c: the cluster
 * @why: why it can not be run
 *
 * It is there when server_opened() was called; why it never was is in
 * @c->begin_err.  A server whose log is gone, or damaged, is no error: the node
 * goes on without.
 *
 * Return: 0 or an errno.
 */
int server_begin(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	int err;

	if (!c->record.server)
		return 0;
	server_end(c);
	err = server_disk_begin(c);
	if (err)
		snprintf(why, CLUSTER_WHY_MAX, "no memory for the state");
	return err;
}

/**
 * server_settle() - wait until it has begun
 * @c: the cluster
 * @why: why it could not
 *
 * For a daemon that starts, and for a node that was in no cluster: nobody waits
 * for a heartbeat of theirs, and somebody for an answer.
 *
 * Return: 0 or an errno.
 */
int server_settle(struct cluster *c, char why[CLUSTER_WHY_MAX])
{
	work_settle(c->work);
	if (c->begin_err)
		snprintf(why, CLUSTER_WHY_MAX, "%s", c->begin_why);
	return c->begin_err;
}

/**
 * server_end() - the server stops
 * @c: the cluster
 */
void server_end(struct cluster *c)
{
	server_stop(c, false);
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

	/* before it is on stable media a crash would bring the server back */
	if (!c->record.server || c->disowning || (!c->group && !c->lost))
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
	c->ordered_by = from;
	c->begin_err = 0;
	err = server_begin(c, why);
	if (err)
		server_begin_failed(c, err, why);
	cluster_changed(c);
}
