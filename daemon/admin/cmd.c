// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl's verbs that the daemon does: options, request and output, all from
 * the table of verbs (verb.h). No verb has code of its own here.
 */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "../opt.h"
#include "../parse.h"

#define CMD_TIMEOUT_S 60
#define CMD_TIMEOUT_S_MAX 86400
#define CMD_CHOICES_MAX 128

enum cmd_exit {
	CMD_OK = 0,
	CMD_FAILED = 1,
	CMD_USAGE = OPT_USAGE,
	CMD_TIMEOUT = 3,
};

static const char cmd_notes[] =
	"Exit codes: 0 done, 1 refused or failed, 2 usage, 3 no answer in time\n"
	"\n"
	"The daemon's socket is the one of --socket, or of QBD_SOCKET in the\n"
	"environment, or " CALL_SOCKET ".";

struct cmd;

/**
 * struct cmd_value - where the word of an option goes
 * @cmd: the verb
 * @arg: which of its arguments
 */
struct cmd_value {
	struct cmd *cmd;
	const struct verb_arg *arg;
};

/**
 * struct cmd - a verb being run
 * @verb: the verb
 * @opt: it, as its options see it
 * @common: options that all verbs have
 * @opts: its own
 * @kind: of each
 * @value: of each
 * @choices: of each
 * @args: for the request
 * @json: --json
 * @socket: --socket
 * @timeout_s: --timeout
 */
struct cmd {
	const struct verb *verb;
	struct opt_cmd opt;
	struct opt common[4];
	struct opt opts[VERB_ARGS_MAX + 1];
	struct opt_kind kind[VERB_ARGS_MAX];
	struct cmd_value value[VERB_ARGS_MAX];
	char choices[VERB_ARGS_MAX][CMD_CHOICES_MAX];
	struct json_object *args;
	bool json;
	const char *socket;
	uint32_t timeout_s;
};

static bool cmd_take_timeout(const char *word, void *to)
{
	return parse_u32(word, 1, CMD_TIMEOUT_S_MAX, to);
}

static const struct opt_kind cmd_timeout = { "SECONDS", "1 to 86400 seconds",
					     cmd_take_timeout, false };

/* --- words become arguments -------------------------------------------------
 */

static void cmd_put(const struct cmd_value *to, struct json_object *value)
{
	if (!value ||
	    json_object_object_add(to->cmd->args, to->arg->name, value))
		abort();
}

static bool cmd_take_string(const char *word, void *to)
{
	cmd_put(to, json_object_new_string(word));
	return true;
}

static bool cmd_take_number(const char *word, void *to)
{
	uint64_t number;

	if (!parse_u64(word, 0, UINT64_MAX, &number))
		return false;
	cmd_put(to, json_object_new_uint64(number));
	return true;
}

static bool cmd_take_size(const char *word, void *to)
{
	uint64_t bytes;

	if (!parse_size(word, &bytes))
		return false;
	cmd_put(to, json_object_new_uint64(bytes));
	return true;
}

static bool cmd_take_flag(const char *word, void *to)
{
	if (*word)
		return false;
	cmd_put(to, json_object_new_boolean(true));
	return true;
}

static bool cmd_take_list(const char *word, void *to)
{
	const struct cmd_value *value = to;
	struct json_object *list =
		verb_arg_get(value->cmd->args, value->arg->name);

	if (!list) {
		list = json_object_new_array();
		cmd_put(value, list);
	}
	if (json_object_array_add(list, json_object_new_string(word)))
		abort();
	return true;
}

static const struct opt_kind cmd_kinds[] = {
	[VERB_STRING] = { "TEXT", "a text", cmd_take_string, false },
	[VERB_NUMBER] = { "N", "a number", cmd_take_number, false },
	[VERB_SIZE] = { "SIZE", "a size, as 512M or 10G", cmd_take_size,
			false },
	[VERB_FLAG] = { NULL, "nothing", cmd_take_flag, false },
	[VERB_LIST] = { "TEXT", "a text", cmd_take_list, true },
};

/* a|b|c */
static const char *cmd_choices(const struct verb_arg *arg,
			       char text[CMD_CHOICES_MAX])
{
	const char *const *choice;
	size_t len = 0;

	for (choice = arg->choice; *choice; choice++) {
		len += (size_t)snprintf(text + len, CMD_CHOICES_MAX - len,
					"%s%s", len ? "|" : "", *choice);
		if (len >= CMD_CHOICES_MAX)
			abort(); /* the table is ours */
	}
	return text;
}

static void cmd_opt(struct cmd *cmd, size_t nr, const struct verb_arg *arg)
{
	if (nr == VERB_ARGS_MAX)
		abort();
	cmd->kind[nr] = cmd_kinds[arg->type];
	if (arg->choice)
		cmd->kind[nr].arg = cmd_choices(arg, cmd->choices[nr]);
	else if (arg->arg)
		cmd->kind[nr].arg = arg->arg;
	cmd->value[nr] = (struct cmd_value){ cmd, arg };
	/* a word goes by what it is, an option by its name */
	cmd->opts[nr] = (struct opt){ .name = arg->word && arg->arg ? arg->arg :
								      arg->name,
				      .kind = &cmd->kind[nr],
				      .use = arg->word ? OPT_WORD :
					     arg->must ? OPT_MUST :
							 OPT_MAY,
				      .to = &cmd->value[nr],
				      .help = arg->help };
}

static bool cmd_take_path(const char *word, void *to)
{
	*(const char **)to = word;
	return *word == '/';
}

static void cmd_init(struct cmd *cmd, const struct verb *verb,
		     const struct opt_visit *visit)
{
	static const struct opt_kind path = { "PATH", "a path from the root",
					      cmd_take_path, false };
	const struct opt common[] = {
		{ "json", &opt_flag, OPT_MAY, &cmd->json, NULL,
		  "what the daemon answered, as one JSON document" },
		{ "socket", &path, OPT_MAY, &cmd->socket, NULL,
		  "the daemon's socket (default " CALL_SOCKET ")" },
		{ "timeout", &cmd_timeout, OPT_MAY, &cmd->timeout_s, NULL,
		  "how long to wait for the daemon, in seconds (default 60)" },
		OPT_END,
	};
	const struct verb_arg *arg;
	size_t nr = 0;

	memset(cmd, 0, sizeof(*cmd));
	cmd->verb = verb;
	cmd->timeout_s = CMD_TIMEOUT_S;
	memcpy(cmd->common, common, sizeof(common));
	cmd->opt = (struct opt_cmd){ .name = verb->name,
				     .help = verb->help,
				     .notes = cmd_notes,
				     .common = cmd->common,
				     .visit = visit };
	for (arg = verb->args; arg && arg->name; arg++)
		cmd_opt(cmd, nr++, arg);
	cmd->args = json_object_new_object();
	if (!cmd->args)
		abort();
}

/* --- one verb ----------------------------------------------------------------
 */

static void cmd_said(struct json_object *line, void *arg)
{
	const struct cmd *cmd = arg;

	admin_render_line(line, cmd->json);
}

static int cmd_call(struct cmd *cmd)
{
	const char *socket = getenv("QBD_SOCKET");
	struct admin_call call = {
		.socket = cmd->socket	    ? cmd->socket :
			  socket && *socket ? socket :
					      CALL_SOCKET,
		.timeout_ms = cmd->verb->follow ? 0 :
						  (int)cmd->timeout_s * 1000,
		.verb = cmd->verb->name,
		.args = cmd->args,
		.event = cmd_said,
		.arg = cmd,
	};
	int error;

	/* one document is promised to programs: no progress among it */
	call.progress = cmd->json ? NULL : cmd_said;
	error = admin_call(&call);
	if (error) {
		fprintf(stderr, "qbdctl: %s\n", call.error);
		return error == -ETIMEDOUT && !*call.code ? CMD_TIMEOUT :
							    CMD_FAILED;
	}
	admin_render(cmd->verb, call.ok, cmd->json);
	json_object_put(call.ok);
	return CMD_OK;
}

static int cmd_run(const struct verb *verb, const struct opt_visit *visit,
		   int argc, char **argv)
{
	char why[VERB_WHY_MAX];
	struct cmd cmd;
	int code;

	cmd_init(&cmd, verb, visit);
	code = opt_parse(&cmd.opt, argc, argv, cmd.opts);
	if (!code && !verb_check(verb, cmd.args, why))
		code = opt_usage(&cmd.opt, cmd.opts, why);
	if (!code)
		code = cmd_call(&cmd);
	json_object_put(cmd.args);
	return code == OPT_HELPED ? CMD_OK : code;
}

/* --- nouns -------------------------------------------------------------------
 */

/* What follows the noun in the verb's name: "" if it is one word; or NULL. */
static const char *cmd_behind(const struct verb *verb, const char *noun)
{
	size_t len = strlen(noun);

	if (strncmp(verb->name, noun, len))
		return NULL;
	if (!verb->name[len])
		return "";
	return verb->name[len] == ' ' ? verb->name + len + 1 : NULL;
}

/**
 * admin_visit() - show verbs that the daemon does
 * @visit: to whom
 * @noun: their first word
 */
void admin_visit(const struct opt_visit *visit, const char *noun)
{
	const struct verb *verb;

	for (verb = verb_table; verb->name; verb++)
		if (cmd_behind(verb, noun))
			cmd_run(verb, visit, 0, NULL);
}

/* @file is stderr if nobody asked. */
static int cmd_help(FILE *file, const char *noun)
{
	const struct opt_visit list = { opt_help_list, file };
	struct cmd cmd;

	fprintf(file, "usage: qbdctl %s VERB [OPTION...]\n\n", noun);
	admin_visit(&list, noun);
	fputs("\nOptions of every verb:\n", file);
	cmd_init(&cmd, verb_table, NULL);
	opt_help_table(file, cmd.common);
	json_object_put(cmd.args);
	fprintf(file, "\n'qbdctl %s VERB --help' says more.\n%s\n", noun,
		cmd_notes);
	return file == stdout ? CMD_OK : CMD_USAGE;
}

/**
 * cmd_admin() - a noun of qbdctl whose verbs the daemon does
 * @argc: number of words, from the noun on
 * @argv: the words
 *
 * Return: exit code.
 */
int cmd_admin(int argc, char **argv)
{
	const struct verb *verb;

	for (verb = verb_table; verb->name; verb++) {
		const char *behind = cmd_behind(verb, argv[0]);

		if (behind && !*behind)
			return cmd_run(verb, NULL, argc, argv);
		if (behind && argc > 1 && !strcmp(behind, argv[1]))
			return cmd_run(verb, NULL, argc - 1, argv + 1);
	}
	if (argc < 2)
		return cmd_help(stderr, argv[0]);
	if (opt_help_asked(argv[1]))
		return cmd_help(stdout, argv[0]);
	fprintf(stderr, "qbdctl: unknown: %s %s; see 'qbdctl %s --help'\n",
		argv[0], argv[1], argv[0]);
	return CMD_USAGE;
}
