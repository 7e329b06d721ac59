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
	"         [--chunk-size SIZE] [--force] [--json]\n"
	"         make an empty store; refuses what is in use or is a store already\n"
	"\n"
	"Exit codes: 0 done, 1 failed, 2 usage\n";

/**
 * cmd_store() - qbdctl store
 * @argc: number of words, from "store" on
 * @argv: the words
 *
 * Return: exit code.
 */
int cmd_store(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "format"))
		return store_format(argc - 1, argv + 1);
	if (argc > 1 &&
	    (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help")))
		return fputs(store_help, stdout) == EOF;
	if (argc > 1)
		fprintf(stderr, "qbdctl: unknown: store %s\n", argv[1]);
	fputs(store_help, stderr);
	return 2;
}
