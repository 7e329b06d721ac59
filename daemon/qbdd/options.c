// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of qbdd.
 */
#include "qbdd.h"

#include <stdio.h>

#include "../opt.h"
#include "../roff.h"

static bool options_take_path(const char *word, void *to)
{
	char taken[CONF_PATH_MAX + 1];

	*(const char **)to = word;
	return !conf_take_path(word, taken);
}

static bool options_take_socket(const char *word, void *to)
{
	char taken[CONF_SOCKET_MAX + 1];

	*(const char **)to = word;
	return !conf_take_socket(word, taken);
}

static bool options_take_file(const char *word, void *to)
{
	*(const char **)to = word;
	return *word;
}

static bool options_take_level(const char *word, void *to)
{
	return log_level_parse(word, to);
}

static const struct opt_kind options_file = { "FILE", "a file",
					      options_take_file, false };
static const struct opt_kind options_dir = {
	"DIR", "a path from the root, of at most 255 bytes", options_take_path,
	false
};

static const struct opt_kind options_socket = {
	"PATH", "a path from the root, of at most 107 bytes",
	options_take_socket, false
};

static const struct opt_kind options_level = {
	"LEVEL", "none, error, warn, info or debug", options_take_level, false
};

static const char options_notes[] =
	"Signals: TERM and INT end it, HUP reads the file again (log-level; what\n"
	"else has changed is named in the log and needs a restart).  I/O goes on\n"
	"without it: nothing in the kernel is taken down when it ends.\n"
	"\n"
	"Exit codes: 0 it was told to end, 1 it can not work, 2 command line or\n"
	"file are wrong";

static void options_man(const struct opt_cmd *cmd, const struct opt *opts)
{
	unsigned int i;

	roff_begin(stdout, "qbdd", "daemon of a qbd node");
	roff_program(stdout, cmd, opts);
	roff_section(stdout, "FILE");
	roff_text(stdout,
		  "Sections in brackets, then keys, one a line: KEY = VALUE. "
		  "A comment has a line of its own and begins with # or ;. "
		  "What is not understood is refused, with its line; "
		  "--check-config says all that is wrong at once.");
	for (i = 0; i < conf_keys_nr; i++)
		roff_key(stdout, conf_keys[i].section, conf_keys[i].name,
			 conf_keys[i].help, conf_keys[i].must);
	roff_section(stdout, "SEE ALSO");
	roff_text(stdout, "qbdctl(8)");
}

/**
 * qbdd_options_take() - take the command line
 * @options: where it goes
 * @argc: number of words
 * @argv: the words
 *
 * Return: see enum opt_end.
 */
int qbdd_options_take(struct qbdd_options *options, int argc, char **argv)
{
	const struct opt_cmd cmd = {
		.program = "qbdd",
		.name = "",
		.help = "Run the daemon of this node, in the foreground.",
		.notes = options_notes,
	};
	const struct opt opts[] = {
		{ "config", &options_file, OPT_MAY, &options->config, NULL,
		  "what to read (default " CONF_FILE ")" },
		{ "state-dir", &options_dir, OPT_MAY, &options->state_dir, NULL,
		  "instead of the one in the file" },
		{ "socket", &options_socket, OPT_MAY, &options->socket, NULL,
		  "instead of the one in the file" },
		{ "log-level", &options_level, OPT_MAY, &options->level,
		  &options->level_given,
		  "instead of the one in the file: none, error, warn, info or debug" },
		{ "check-config", &opt_flag, OPT_MAY, &options->check, NULL,
		  "only read the file, and say all that is wrong with it" },
		{ "foreground", &opt_flag, OPT_MAY, &options->foreground, NULL,
		  "do not fork; it never does" },
		{ "core-dumps", &opt_flag, OPT_MAY, &options->core_dumps, NULL,
		  "let the process be dumped; its memory has secrets" },
		{ "version", &opt_flag, OPT_MAY, &options->version, NULL,
		  "only say which version this is" },
		{ "man", &opt_flag, OPT_MAY, &options->man, NULL,
		  "only print the manual page, for man" },
		OPT_END,
	};
	int code = opt_parse(&cmd, argc, argv, opts);

	if (code != OPT_OK || !options->man)
		return code;
	options_man(&cmd, opts);
	return OPT_HELPED;
}
