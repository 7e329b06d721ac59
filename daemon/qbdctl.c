// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl: the command line. Only the table of its nouns is here.
 */
#include <stdio.h>
#include <string.h>

#include "kernel.h"
#include "opt.h"
#include "state_cmd.h"
#include "store_cmd.h"

/**
 * struct qbdctl_noun - a first word
 * @name: the word
 * @run: does the rest; gets the words from this one on
 * @help: one line of help
 */
struct qbdctl_noun {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct qbdctl_noun qbdctl_nouns[] = {
	{ "store", cmd_store, "make, check and dump a store on a disk" },
	{ "state", cmd_state, "check, dump and repair the log of consensus" },
	{ "kernel", cmd_kernel, "speak to the module of this node directly" },
};

static void qbdctl_help(FILE *file)
{
	size_t i;

	fputs("usage: qbdctl NOUN VERB [OPTION...]\n\n", file);
	for (i = 0; i < sizeof(qbdctl_nouns) / sizeof(qbdctl_nouns[0]); i++)
		fprintf(file, "  %-8s %s\n", qbdctl_nouns[i].name,
			qbdctl_nouns[i].help);
	fputs("\n'qbdctl NOUN --help' says more.\n", file);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		qbdctl_help(stderr);
		return 2;
	}
	if (opt_help_asked(argv[1])) {
		qbdctl_help(stdout);
		return 0;
	}
	for (i = 0; i < sizeof(qbdctl_nouns) / sizeof(qbdctl_nouns[0]); i++)
		if (!strcmp(argv[1], qbdctl_nouns[i].name))
			return qbdctl_nouns[i].run(argc - 1, argv + 1);
	fprintf(stderr, "qbdctl: unknown: %s; see 'qbdctl --help'\n", argv[1]);
	return 2;
}
