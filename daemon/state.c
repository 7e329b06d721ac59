// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl state: its verbs, and how they get at a log store. Reading it changes
 * nothing, not even the time of a file that is not there.
 */
#include "state_image.h"

#include <stdio.h>
#include <string.h>

#include "state_cmd.h"

/**
 * struct state_verb - one verb; its options are where it is run
 * @name: of it, with its noun
 * @run: does it
 * @help: what it does
 */
struct state_verb {
	const char *name;
	int (*run)(const struct opt_cmd *cmd, int argc, char **argv);
	const char *help;
};

static const struct state_verb state_verbs[] = {
	{ "state check", state_check,
	  "read all of it, list what is wrong; changes nothing" },
	{ "state dump", state_dump, "list what it says" },
	{ "state repair", state_repair,
	  "cut what is torn, remove leftovers, copy the good slot; no more" },
	{ "state restore", state_restore,
	  "have a cluster that lost most of its voters for good go on from "
	  "this one" },
};

static const char state_notes[] =
	"Exit codes: 0 done, or healthy; 1 failed, or damaged; 2 usage";

static int state_run(const struct state_verb *verb,
		     const struct opt_visit *visit, int argc, char **argv)
{
	const struct opt_cmd cmd = { .name = verb->name,
				     .help = verb->help,
				     .notes = state_notes,
				     .visit = visit };
	int code = verb->run(&cmd, argc, argv);

	return code == OPT_HELPED ? 0 : code;
}

/**
 * state_visit() - show all verbs
 * @visit: to whom
 */
void state_visit(const struct opt_visit *visit)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(state_verbs); i++)
		state_run(&state_verbs[i], visit, 0, NULL);
}

/* @file is stderr if nobody asked. */
static int state_help(FILE *file)
{
	const struct opt_visit list = { opt_help_list, file };

	fputs("usage: qbdctl state VERB DIRECTORY [OPTION...]\n\n", file);
	state_visit(&list);
	fprintf(file, "\n'qbdctl state VERB --help' says more.\n%s\n",
		state_notes);
	return file == stdout ? 0 : OPT_USAGE;
}

/**
 * cmd_state() - qbdctl state
 * @argc: number of words, from "state" on
 * @argv: the words
 *
 * Return: exit code.
 */
int cmd_state(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return state_help(stderr);
	if (opt_help_asked(argv[1]))
		return state_help(stdout);
	for (i = 0; i < ARRAY_SIZE(state_verbs); i++)
		if (!strcmp(argv[1], strchr(state_verbs[i].name, ' ') + 1))
			return state_run(&state_verbs[i], NULL, argc - 1,
					 argv + 1);
	fprintf(stderr,
		"qbdctl: unknown: state %s; see 'qbdctl state --help'\n",
		argv[1]);
	return OPT_USAGE;
}

/**
 * state_image_open() - lock and read a directory
 * @state: filled
 * @path: of it
 *
 * What was found is in its report, also if it is no log store at all.
 *
 * Return: true, or false after it said why.
 */
bool state_image_open(struct state_image *state, const char *path)
{
	int err = raftlog_posix_open(path, false, &state->env);

	state->path = path;
	if (err) {
		fprintf(stderr, "qbdctl: %s: %s\n", path, strerror(-err));
		return false;
	}
	err = state->env.lock(state->env.dir);
	if (err) {
		fprintf(stderr, "qbdctl: %s: %s\n", path,
			err == -EBUSY ? "in use: stop the daemon first" :
					strerror(-err));
		raftlog_posix_close(&state->env);
		return false;
	}
	rl_image_read(&state->img, &state->env, &state->report);
	return true;
}

/**
 * state_image_close() - done with it
 * @state: it was opened
 */
void state_image_close(struct state_image *state)
{
	rl_image_free(&state->img);
	raftlog_posix_close(&state->env);
}

/**
 * state_image_verdict() - is it healthy?
 * @state: what was read
 *
 * Return: exit code.
 */
int state_image_verdict(const struct state_image *state)
{
	return state->report.total && state->report.worst > RAFTLOG_NOTE;
}

/**
 * state_advice() - what to do about a finding
 * @severity: how bad it is
 *
 * Return: what to do, in words.
 */
const char *state_advice(enum raftlog_severity severity)
{
	switch (severity) {
	case RAFTLOG_NOTE:
		return "nothing: a crash leaves it; the daemon or repair "
		       "puts it right";
	case RAFTLOG_ROT:
		return "look after the disk: there was another copy; repair "
		       "removes this one";
	case RAFTLOG_DAMAGE:
		return "this server has lost what it may have promised: "
		       "remove it from the cluster, add it under a new id "
		       "with an empty directory";
	case RAFTLOG_REFUSE:
		return "see that directory, program and disk are the right "
		       "ones; nothing was changed";
	}
	return "?";
}
