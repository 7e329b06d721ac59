// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdlat: where the time of a write goes, by stage, live.
 *
 * Loads the kernel half, prints a table (or JSON) every interval and at the
 * end. Needs root, the module, and its BTF, which a kernel build without
 * vmlinux in its headers leaves out.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "observer.h"
#include "qbdlat.h"
#include "qbdlat.skel.h"

static const char *const stage_names[QBDLAT_STAGES] = {
	[QBDLAT_PREPARE] = "  prepare", [QBDLAT_LOG] = "  log",
	[QBDLAT_QUORUM] = "  quorum",	[QBDLAT_WRITE] = "write",
	[QBDLAT_READ] = "read",		[QBDLAT_OTHER] = "flush/discard",
	[QBDLAT_WAL] = "log write",
};

static const char *const stage_keys[QBDLAT_STAGES] = {
	[QBDLAT_PREPARE] = "prepare", [QBDLAT_LOG] = "log",
	[QBDLAT_QUORUM] = "quorum",   [QBDLAT_WRITE] = "write",
	[QBDLAT_READ] = "read",	      [QBDLAT_OTHER] = "other",
	[QBDLAT_WAL] = "wal",
};

/* The order in which people read them: the whole, then its parts. */
static const enum qbdlat_stage stage_order[QBDLAT_STAGES] = {
	QBDLAT_WRITE, QBDLAT_PREPARE, QBDLAT_LOG, QBDLAT_QUORUM,
	QBDLAT_READ,  QBDLAT_OTHER,   QBDLAT_WAL,
};

/**
 * struct env - the command line
 * @volume: only this one; 0 = all
 */
static struct env {
	unsigned int volume;
} env;

const char *argp_program_version = "qbdlat 0.1";

static const struct argp_option options[] = {
	{ "volume", 'v', "N", 0, "Only the volume with this id", 0 },
	{ 0 },
};

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'v':
		env.volume = observer_number(state, arg, 1);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = option_take,
	.children = observer_options,
	.doc = "Shows how long requests of qbd volumes take, and in which stage."
	       "\vA write is prepared (copied, checksummed), logged on this node's "
	       "replica, and done when a quorum has it. Percentiles are upper "
	       "bounds: the next power of two.",
};

static int print_all(void *arg)
{
	const struct qbdlat_bpf *skel = arg;
	int map = bpf_map__fd(skel->maps.hists);
	struct hist hist;
	unsigned int i;

	if (observer.json)
		putchar('{');
	else
		hist_head("STAGE");
	for (i = 0; i < QBDLAT_STAGES; i++) {
		enum qbdlat_stage stage = stage_order[i];

		if (hist_read(map, stage, &hist))
			return -1;
		if (observer.json)
			hist_json(stage_keys[stage], &hist, !i);
		else
			hist_row(stage_names[stage], &hist);
	}
	if (observer.json)
		puts("}");
	fflush(stdout);
	return 0;
}

/* Say what to do, not what libbpf thinks. */
static int failed(const char *what)
{
	if (access("/sys/module/qbd", F_OK))
		fputs("qbdlat: the module is not loaded: run 'modprobe qbd'\n",
		      stderr);
	else if (access("/sys/kernel/btf/qbd", F_OK))
		fputs("qbdlat: the module has no BTF: "
		      "build it with kernel headers that carry vmlinux\n",
		      stderr);
	else if (geteuid())
		fputs("qbdlat: this needs root\n", stderr);
	else
		fprintf(stderr, "qbdlat: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct qbdlat_bpf *skel;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	observer_prepare();
	skel = qbdlat_bpf__open();
	if (!skel)
		return failed("open");
	skel->rodata->only_volume = env.volume;
	if (qbdlat_bpf__load(skel)) {
		code = failed("load");
	} else if (qbdlat_bpf__attach(skel)) {
		code = failed("attach");
	} else {
		if (!observer.json)
			puts("Watching qbd, Ctrl-C ends.");
		code = observer_watch(print_all, skel);
	}
	qbdlat_bpf__destroy(skel);
	return code;
}
