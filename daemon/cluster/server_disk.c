// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a node writes, and waits for, beside the loop: the directory of its
 * server's log, the record that names it, and the list of peers.
 *
 * All of it is done by one thread, in the order in which it was asked for: the
 * log of a server is closed, and its lock given back, before the one that
 * follows is made in the same place.
 */
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "inner.h"

/* --- a server begins --------------------------------------------------------
 */

/**
 * struct server_job - a directory is made, or found
 * @job: the work's, first member
 * @c: whose, NULL = that server ended
 * @work: whose job it is
 * @record: of the node
 * @record_path: its file
 * @path: of the directory
 * @env: the directory, open if @has_env
 * @has_env: see @env
 * @err: why it is of no use
 * @why: the same in words
 */
struct server_job {
	struct work_job job;
	struct cluster *c;
	struct work *work;
	struct record record;
	char record_path[CLUSTER_PATH_MAX];
	char path[CLUSTER_PATH_MAX];
	struct raftlog_env env;
	bool has_env;
	int err;
	char why[CLUSTER_WHY_MAX];
};

static void server_unlink(void *arg, const char *name)
{
	struct server_job *job = arg;

	/* what is still there is found when the log is made */
	job->env.unlink(job->env.dir, name);
}

/* Nobody ever heard of the server that is recorded: its log is made. */
static int server_make(struct server_job *job)
{
	const struct record *record = &job->record;
	struct raftlog_identity id = { .server = record->server,
				       .lineage = record->lineage };
	struct raftlog_report report;
	const struct raftlog_finding *worst;
	int err;

	memcpy(id.cluster, record->cluster, sizeof(id.cluster));
	if (!record->nr_peers) {
		/* the first node: the cluster begins with it */
		id.conf.nr = 1;
		id.conf.old = 1;
		id.conf.id[0] = record->server;
	}
	raftlog_report_init(&report);
	err = job->env.list(job->env.dir, server_unlink, job);
	if (!err)
		err = raftlog_format(&job->env, &id, &report);
	if (err) {
		worst = report.nr ? raftlog_worst(&report) : NULL;
		snprintf(job->why, sizeof(job->why),
			 "the log in %.120s: %s: %s", job->path,
			 worst ? worst->text : "not made", strerror(-err));
		return err;
	}
	job->record.ready = true;
	return record_save(&job->record, job->record_path, true, job->why);
}

/* The id is recorded as pending before anything in the directory goes. */
static void server_job_run(struct work_job *work_job)
{
	struct server_job *job = (struct server_job *)work_job;

	if (!job->record.ready)
		job->err = record_save(&job->record, job->record_path, true,
				       job->why);
	if (job->err)
		return;
	job->err = raftlog_posix_open(job->path, true, &job->env);
	if (job->err) {
		snprintf(job->why, sizeof(job->why), "%.120s: %s", job->path,
			 strerror(-job->err));
		return;
	}
	job->has_env = true;
	if (!job->record.ready)
		job->err = server_make(job);
}

/* --- and ends ---------------------------------------------------------------
 */

/**
 * struct server_leave_job - a directory is closed
 * @job: the work's, first member
 * @c: its log is never to be opened again, whose it was; else NULL
 * @env: the directory
 * @err: why it may be opened again all the same
 */
struct server_leave_job {
	struct work_job job;
	struct cluster *c;
	struct raftlog_env env;
	int err;
};

/*
 * Without its identity the log is none, whenever it is opened again; all else
 * stays, for whoever wants to look.
 */
static void server_leave_run(struct work_job *job)
{
	struct server_leave_job *leave = (struct server_leave_job *)job;
	struct raftlog_env *env = &leave->env;

	if (leave->c) {
		leave->err = env->rename(env->dir, "identity",
					 "identity.rolled-back");
		leave->err = leave->err ?: env->sync_dir(env->dir);
	}
	raftlog_posix_close(env);
}

static void server_leave_done(struct work_job *job)
{
	struct server_leave_job *leave = (struct server_leave_job *)job;
	struct cluster *c = leave->c;

	if (c && leave->err)
		log_write(LOG_LEVEL_ERROR, "raft-log-kept",
			  "dir=%s reason=\"%s\" hint=\"%s\"", c->raft_path,
			  strerror(-leave->err),
			  "remove it before this daemon is started again");
	if (c) {
		c->disowning = false;
		server_report(c, cluster_leader(c));
		cluster_changed(c);
	}
	free(leave);
}

/* Behind the end of the log that is in it: the queue is the same. */
static void server_leave(struct work *work, const struct raftlog_env *env,
			 struct cluster *disowned)
{
	struct server_leave_job *leave = calloc(1, sizeof(*leave));

	/* left open, and locked, no server could begin in it */
	if (!leave)
		abort();
	leave->job.run = server_leave_run;
	leave->job.what = "put away the log of the control plane";
	leave->job.done = server_leave_done;
	leave->c = disowned;
	leave->env = *env;
	work_give(work, &leave->job);
}

/**
 * server_disk_leave() - the directory is closed
 * @c: the cluster; has no group any more
 * @disown: and its log is never opened again; who leads hears that the server
 *	is lost when this is on stable media
 */
void server_disk_leave(struct cluster *c, bool disown)
{
	if (!c->has_env)
		return;
	c->has_env = false;
	c->disowning |= disown;
	server_leave(c->work, &c->env, disown ? c : NULL);
}

static void server_job_done(struct work_job *work_job)
{
	struct server_job *job = (struct server_job *)work_job;
	struct cluster *c = job->c;

	if (!c && job->has_env)
		server_leave(job->work, &job->env, NULL);
	if (c) {
		c->beginning = NULL;
		c->has_env = job->has_env;
		c->env = job->env;
		c->record.ready |= !job->err;
		server_disk_ready(c, job->err, job->why);
	}
	free(job);
}

/**
 * server_disk_begin() - have the directory of the recorded server
 * @c: the cluster; has none
 *
 * server_disk_ready() says when it is there.
 *
 * Return: 0 or -ENOMEM.
 */
int server_disk_begin(struct cluster *c)
{
	struct server_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->job.run = server_job_run;
	job->job.what = "make the log of the control plane";
	job->job.done = server_job_done;
	job->c = c;
	job->work = c->work;
	job->record = c->record;
	memcpy(job->record_path, c->record_path, sizeof(job->record_path));
	memcpy(job->path, c->raft_path, sizeof(job->path));
	c->beginning = job;
	work_give(c->work, &job->job);
	return 0;
}

/**
 * server_disk_forget() - nobody waits for a directory any more
 * @c: the cluster
 */
void server_disk_forget(struct cluster *c)
{
	if (c->beginning)
		c->beginning->c = NULL;
	c->beginning = NULL;
}

/* --- peers ------------------------------------------------------------------
 */

/**
 * struct peers_job - the list of peers is written
 * @job: the work's, first member
 * @c: whose
 * @record: has the list
 * @path: of the file
 * @again: there is a newer one
 * @err: why it could not be
 * @why: the same in words
 */
struct peers_job {
	struct work_job job;
	struct cluster *c;
	struct record record;
	char path[CLUSTER_PATH_MAX];
	bool again;
	int err;
	char why[RECORD_WHY_MAX];
};

/* It is not synced, but a full or dying disk keeps also this waiting. */
static void peers_run(struct work_job *job)
{
	struct peers_job *peers = (struct peers_job *)job;

	peers->err =
		record_save(&peers->record, peers->path, false, peers->why);
}

static void peers_done(struct work_job *job)
{
	struct peers_job *peers = (struct peers_job *)job;
	struct cluster *c = peers->c;
	bool again = peers->again;

	if (peers->err)
		log_write(LOG_LEVEL_WARN, "peers-not-saved", "reason=\"%s\"",
			  peers->why);
	c->peers_job = NULL;
	free(peers);
	if (again)
		peers_save(c);
}

/**
 * peers_save() - have the list of peers written
 * @c: the cluster, with the newest one
 */
void peers_save(struct cluster *c)
{
	struct peers_job *peers = c->peers_job;

	if (peers) {
		peers->again = true;
		return;
	}
	peers = calloc(1, sizeof(*peers));
	if (!peers) {
		log_write(LOG_LEVEL_WARN, "peers-not-saved",
			  "reason=\"no memory\"");
		return;
	}
	peers->job.run = peers_run;
	peers->job.what = "write the addresses of members";
	peers->job.done = peers_done;
	peers->c = c;
	peers->record = c->record;
	memcpy(peers->path, c->peers_path, sizeof(peers->path));
	c->peers_job = peers;
	work_give(c->work, &peers->job);
}
