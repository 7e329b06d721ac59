// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl store: what is done to a store while no kernel has it open.
 */
#include "store_cmd.h"

#include <stdio.h>
#include <string.h>

static const char store_help[] =
	"usage: qbdctl store VERB DEVICE [OPTION...]\n"
	"\n"
	"  format DEVICE --cluster UUID [--uuid UUID] [--wal-size SIZE]\n"
	"         [--chunk-size SIZE] [--overcommit TIMES] [--replicas MAX]\n"
	"         [--force] [--json]\n"
	"         make an empty store; refuses what is in use or not empty;\n"
	"         the log (16M or more) is a sixteenth of the device by default\n"
	"  check DEVICE [--json]\n"
	"         read all of it, list what is wrong; changes nothing\n"
	"  dump DEVICE [--super | --replicas | --log] [--json]\n"
	"         list what it says\n"
	"\n"
	"Exit codes: 0 done, or healthy; 1 failed, or damaged; 2 usage\n";

/**
 * store_usage() - say what is wrong with a command line
 * @verb: of qbdctl store
 * @why: in words
 *
 * Return: exit code.
 */
int store_usage(const char *verb, const char *why)
{
	fprintf(stderr, "qbdctl: store %s: %s; see 'qbdctl store help'\n", verb,
		why);
	return 2;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} store_verbs[] = {
	{ "format", store_format },
	{ "check", store_check },
	{ "dump", store_dump },
};

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

	for (i = 0; i < sizeof(store_verbs) / sizeof(store_verbs[0]); i++)
		if (argc > 1 && !strcmp(argv[1], store_verbs[i].name))
			return store_verbs[i].run(argc - 1, argv + 1);
	if (argc > 1 &&
	    (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help")))
		return fputs(store_help, stdout) == EOF;
	if (argc > 1)
		fprintf(stderr, "qbdctl: unknown: store %s\n", argv[1]);
	fputs(store_help, stderr);
	return 2;
}
