// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdraft: consensus of this machine's daemons, live: who leads, how long a
 * command takes to be committed, the log's disk, the event loop.
 *
 * Loads the kernel half, attaches it to the probes of qbdd, prints tables (or
 * JSON) every interval and at the end. Needs root.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "observer.h"
#include "qbdraft.h"
#include "qbdraft.skel.h"

static const char *const stage_names[QBDRAFT_STAGES] = {
	[QBDRAFT_COMMIT] = "commit",
	[QBDRAFT_STORE] = "log batch",
	[QBDRAFT_LOOP] = "loop",
};

static const char *const stage_keys[QBDRAFT_STAGES] = {
	[QBDRAFT_COMMIT] = "commit",
	[QBDRAFT_STORE] = "store",
	[QBDRAFT_LOOP] = "loop",
};

/* As enum raft_role has them. */
static const char *const role_names[] = { "follower", "precandidate",
					  "candidate", "leader", "stopped" };

/**
 * struct env - the command line
 * @pid: only this daemon; 0 = all that run @binary
 * @binary: the program of the daemons
 */
static struct env {
	unsigned int pid;
	const char *binary;
} env;

const char *argp_program_version = "qbdraft 0.1";

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this daemon", 0 },
	{ "binary", 'b', "PATH", 0,
	  "Program of the daemon (the qbdd beside this)", 0 },
	{ 0 },
};

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		env.pid = observer_number(state, arg, 1);
		return 0;
	case 'b':
		env.binary = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = option_take,
	.children = observer_options,
	.doc = "Shows the consensus of the qbd daemons on this machine."
	       "\vA command is committed when a majority has it on stable media "
	       "and the leader has carried it out; a log batch is what one write "
	       "of the log takes, fsync included; loop is one callback of the "
	       "daemon's event loop. Percentiles are upper bounds: the next "
	       "power of two.",
};

static const char *role_name(unsigned int role)
{
	unsigned int nr = sizeof(role_names) / sizeof(role_names[0]);

	return role < nr ? role_names[role] : "unknown";
}

/* A server is named by its node, and by a number that counts its lost logs. */
static unsigned long long node_of(unsigned long long server)
{
	return server >> 32;
}

static void server_print(unsigned int pid, const struct qbdraft_server *server,
			 bool first)
{
	if (observer.json)
		printf("%s{\"pid\": %u, \"server\": %llu, \"role\": \"%s\", "
		       "\"term\": %llu, \"leader\": %llu, \"changes\": %u, "
		       "\"applied\": %llu, \"failed\": %llu}",
		       first ? "" : ", ", pid, server->id,
		       server->term ? role_name(server->role) : "unknown",
		       server->term, server->leader, server->changes,
		       server->applied, server->failed);
	else
		printf("%7u %6llu  %-12s %6llu %6llu %8u %10llu %7llu\n", pid,
		       node_of(server->id),
		       server->term ? role_name(server->role) : "-",
		       server->term, node_of(server->leader), server->changes,
		       server->applied, server->failed);
}

static void servers_print(int map)
{
	struct qbdraft_server server;
	unsigned int pid, *before = NULL;
	bool first = true;

	if (!observer.json)
		printf("\n%7s %6s  %-12s %6s %6s %8s %10s %7s\n", "PID", "NODE",
		       "ROLE", "TERM", "LEADER", "CHANGES", "APPLIED",
		       "FAILED");
	while (!bpf_map_get_next_key(map, before, &pid)) {
		before = &pid;
		if (bpf_map_lookup_elem(map, &pid, &server))
			continue;
		server_print(pid, &server, first);
		first = false;
	}
}

static int hists_print(int map)
{
	struct hist hist;
	unsigned int i;

	if (!observer.json)
		hist_head("STAGE");
	for (i = 0; i < QBDRAFT_STAGES; i++) {
		if (hist_read(map, i, &hist))
			return -1;
		if (observer.json)
			hist_json(stage_keys[i], &hist, !i);
		else
			hist_row(stage_names[i], &hist);
	}
	return 0;
}

static int print_all(void *arg)
{
	const struct qbdraft_bpf *skel = arg;
	int err;

	if (observer.json)
		putchar('{');
	err = hists_print(bpf_map__fd(skel->maps.hists));
	if (observer.json)
		printf(", \"servers\": [");
	servers_print(bpf_map__fd(skel->maps.servers));
	if (observer.json)
		puts("]}");
	fflush(stdout);
	return err;
}

static int failed(const char *what)
{
	if (geteuid())
		fputs("qbdraft: this needs root\n", stderr);
	else
		fprintf(stderr, "qbdraft: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Return: false: errno says why. */
static bool attach_one(struct bpf_program *program, struct bpf_link **link,
		       const char *probe)
{
	*link = bpf_program__attach_usdt(program, env.pid ? (int)env.pid : -1,
					 env.binary, "qbdd", probe, NULL);
	return *link;
}

static bool attach(struct qbdraft_bpf *skel)
{
	return attach_one(skel->progs.on_step, &skel->links.on_step,
			  "raft_step") &&
	       attach_one(skel->progs.on_propose, &skel->links.on_propose,
			  "raft_propose") &&
	       attach_one(skel->progs.on_apply, &skel->links.on_apply,
			  "raft_apply") &&
	       attach_one(skel->progs.on_store_begin,
			  &skel->links.on_store_begin, "raft_store_begin") &&
	       attach_one(skel->progs.on_store_end, &skel->links.on_store_end,
			  "raft_store_end") &&
	       attach_one(skel->progs.on_loop, &skel->links.on_loop,
			  "loop_took");
}

static int run(struct qbdraft_bpf *skel)
{
	if (!attach(skel)) {
		fprintf(stderr,
			"qbdraft: %s: %s: is this the program of the daemon? "
			"Say --binary PATH, or --pid PID\n",
			env.binary, strerror(errno));
		return 1;
	}
	if (!observer.json)
		puts("Watching qbdd, Ctrl-C ends.");
	return observer_watch(print_all, skel);
}

/* Whose probes: of --pid; else of the qbdd that was installed with this. */
static void binary_find(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 8);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (env.pid)
		snprintf(path, size, "/proc/%u/exe", env.pid);
	else
		memcpy(slash ? slash + 1 : path, "qbdd", sizeof("qbdd"));
	env.binary = path;
}

int main(int argc, char **argv)
{
	struct qbdraft_bpf *skel;
	char path[4096];
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!env.binary)
		binary_find(path, sizeof(path));
	observer_prepare();
	skel = qbdraft_bpf__open_and_load();
	if (!skel)
		return failed("load");
	code = run(skel);
	qbdraft_bpf__destroy(skel);
	return code;
}
