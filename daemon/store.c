// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl store: what is done to a store while no kernel has it open.
 */
#include "store_cmd.h"

#include "admin/call.h"

#include <stdio.h>
#include <string.h>

/**
 * struct store_verb - one verb; its options are where it is run
 * @name: of it, with its noun
 * @run: does it
 * @help: what it does
 */
struct store_verb {
	const char *name;
	int (*run)(const struct opt_cmd *cmd, int argc, char **argv);
	const char *help;
};

static const struct store_verb store_verbs[] = {
	{ "store format", store_format,
	  "make an empty store; refuses what is in use or not empty" },
	{ "store check", store_check,
	  "read all of it, list what is wrong; changes nothing" },
	{ "store dump", store_dump, "list what it says" },
};

#define STORE_VERBS (sizeof(store_verbs) / sizeof(store_verbs[0]))

static const char store_notes[] =
	"Exit codes: 0 done, or healthy; 1 failed, or damaged; 2 usage";

static int store_run(const struct store_verb *verb,
		     const struct opt_visit *visit, int argc, char **argv)
{
	const struct opt_cmd cmd = { .name = verb->name,
				     .help = verb->help,
				     .notes = store_notes,
				     .visit = visit };
	int code = verb->run(&cmd, argc, argv);

	return code == OPT_HELPED ? 0 : code;
}

/**
 * store_visit() - show all verbs
 * @visit: to whom
 */
void store_visit(const struct opt_visit *visit)
{
	size_t i;

	for (i = 0; i < STORE_VERBS; i++)
		store_run(&store_verbs[i], visit, 0, NULL);
	admin_visit(visit, "store");
}

/* @file is stderr if nobody asked. */
static int store_help(FILE *file)
{
	const struct opt_visit list = { opt_help_list, file };

	fputs("usage: qbdctl store VERB DEVICE|STORE [OPTION...]\n\n", file);
	store_visit(&list);
	fprintf(file, "\n'qbdctl store VERB --help' says more.\n%s\n",
		store_notes);
	return file == stdout ? 0 : OPT_USAGE;
}

/**
 * cmd_store() - qbdctl store
 * @argc: number of words, from "store" on
 * @argv: the words
 *
 * Return: exit code.
 */
int cmd_store(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return store_help(stderr);
	if (opt_help_asked(argv[1]))
		return store_help(stdout);
	for (i = 0; i < STORE_VERBS; i++)
		if (!strcmp(argv[1], strchr(store_verbs[i].name, ' ') + 1))
			return store_run(&store_verbs[i], NULL, argc - 1,
					 argv + 1);
	/* the others are asked of the daemon, or are none */
	return cmd_admin(argc, argv);
}
