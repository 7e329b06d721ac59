// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl: the command line. Only the table of its nouns is here.
 */
#include "qbdctl.h"

#include <stdio.h>
#include <string.h>

#include "admin/call.h"
#include "kernel.h"
#include "state_cmd.h"
#include "store_cmd.h"
#include "version.h"

static void qbdctl_visit_daemon(const struct opt_visit *visit)
{
	admin_visit(visit, "daemon");
}

static void qbdctl_visit_cluster(const struct opt_visit *visit)
{
	admin_visit(visit, "cluster");
}

static void qbdctl_visit_node(const struct opt_visit *visit)
{
	admin_visit(visit, "node");
}

static void qbdctl_visit_token(const struct opt_visit *visit)
{
	admin_visit(visit, "token");
}

static void qbdctl_visit_volume(const struct opt_visit *visit)
{
	admin_visit(visit, "volume");
}

static void qbdctl_visit_job(const struct opt_visit *visit)
{
	admin_visit(visit, "job");
}

static void qbdctl_visit_ping(const struct opt_visit *visit)
{
	admin_visit(visit, "ping");
}

const struct qbdctl_noun qbdctl_nouns[] = {
	{ "cluster", cmd_admin, qbdctl_visit_cluster,
	  "make a cluster, join one, see how it is" },
	{ "node", cmd_admin, qbdctl_visit_node, "the nodes of the cluster" },
	{ "token", cmd_admin, qbdctl_visit_token,
	  "what a node needs to join the cluster" },
	{ "volume", cmd_admin, qbdctl_visit_volume,
	  "the volumes of the cluster" },
	{ "job", cmd_admin, qbdctl_visit_job, "what is under way" },
	{ "store", cmd_store, store_visit,
	  "make, check and dump a store on a disk; those of the cluster" },
	{ "state", cmd_state, state_visit,
	  "check, dump and repair the log of consensus" },
	{ "kernel", cmd_kernel, kernel_visit,
	  "speak to the module of this node directly" },
	{ "daemon", cmd_admin, qbdctl_visit_daemon,
	  "look after the daemon of this node" },
	{ "ping", cmd_admin, qbdctl_visit_ping,
	  "see whether the daemon of this node answers" },
	{ .name = NULL },
};

static void qbdctl_help(FILE *file)
{
	const struct qbdctl_noun *noun;

	fputs("usage: qbdctl NOUN VERB [OPTION...]\n\n", file);
	for (noun = qbdctl_nouns; noun->name; noun++)
		fprintf(file, "  %-8s %s\n", noun->name, noun->help);
	fputs("\n'qbdctl NOUN --help' says more.\n\n"
	      "  --version          say which version this is\n"
	      "  --complete bash    print the completion for bash\n"
	      "  --man [PAGE]       print a manual page, or the names of all\n",
	      file);
}

/* Words that are no noun; -1: it is none of them either. */
static int qbdctl_option(int argc, char **argv)
{
	if (opt_help_asked(argv[1])) {
		qbdctl_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") && argc == 2) {
		puts("qbdctl " QBD_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--complete") && argc == 3 &&
	    !strcmp(argv[2], "bash"))
		return generate_bash();
	if (!strcmp(argv[1], "--man") && argc <= 3)
		return generate_man(argv[2]);
	return -1;
}

int main(int argc, char **argv)
{
	const struct qbdctl_noun *noun;
	int code;

	if (argc < 2) {
		qbdctl_help(stderr);
		return 2;
	}
	code = qbdctl_option(argc, argv);
	if (code >= 0)
		return code;
	for (noun = qbdctl_nouns; noun->name; noun++)
		if (!strcmp(argv[1], noun->name))
			return noun->run(argc - 1, argv + 1);
	fprintf(stderr, "qbdctl: unknown: %s; see 'qbdctl --help'\n", argv[1]);
	return 2;
}
