// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words of a verb, taken as its table says; see opt.h.
 */
#include "opt.h"

#include <stdint.h>
#include <string.h>

#include "parse.h"

static bool opt_take_flag(const char *word, void *to)
{
	*(bool *)to = true;
	return !*word;
}

static bool opt_take_u32(const char *word, void *to)
{
	return parse_u32(word, 0, UINT32_MAX, to);
}

static bool opt_take_u64(const char *word, void *to)
{
	return parse_u64(word, 0, UINT64_MAX, to);
}

static bool opt_take_size(const char *word, void *to)
{
	return parse_size(word, to);
}

static bool opt_take_uuid(const char *word, void *to)
{
	return parse_uuid(word, to);
}

static bool opt_take_name(const char *word, void *to)
{
	*(const char **)to = word;
	return *word;
}

const struct opt_kind opt_flag = { NULL, "nothing", opt_take_flag, false };
const struct opt_kind opt_u32 = { "N", "a number", opt_take_u32, false };
const struct opt_kind opt_u64 = { "N", "a number", opt_take_u64, false };
const struct opt_kind opt_ms = { "MS", "milliseconds", opt_take_u32, false };
const struct opt_kind opt_size = { "SIZE", "a size, as 512M or 10G",
				   opt_take_size, false };
const struct opt_kind opt_uuid = { "UUID", "a uuid", opt_take_uuid, false };
const struct opt_kind opt_name = { "NAME", "a word", opt_take_name, false };

/**
 * struct opt_line - a command line being taken
 * @cmd: the verb
 * @opts: its options
 * @argc: number of words, from the verb on
 * @argv: the words
 * @at: the one that is taken
 * @seen: bit N: option N of @opts was given
 */
struct opt_line {
	const struct opt_cmd *cmd;
	const struct opt *opts;
	int argc;
	char **argv;
	int at;
	uint32_t seen;
};

/**
 * opt_usage() - say what is wrong with a command line
 * @cmd: the verb
 * @opts: its options
 * @why: in words
 *
 * Return: OPT_USAGE.
 */
int opt_usage(const struct opt_cmd *cmd, const struct opt *opts,
	      const char *why)
{
	fprintf(stderr, "%s: %s\n", opt_program(cmd), why);
	opt_help_usage(stderr, cmd, opts);
	return OPT_USAGE;
}

static int opt_bad(const struct opt_line *line, const struct opt *opt,
		   const char *word)
{
	char why[256];

	if (!opt->kind->arg)
		snprintf(why, sizeof(why), "--%s=%.80s: nothing follows --%s",
			 opt->name, word, opt->name);
	else if (opt->use == OPT_WORD)
		snprintf(why, sizeof(why), "%.80s: expected %s", word,
			 opt->kind->expected);
	else
		snprintf(why, sizeof(why), "--%s %.80s: expected %s", opt->name,
			 word, opt->kind->expected);
	return opt_usage(line->cmd, line->opts, why);
}

static const struct opt *opt_find(const struct opt *opts, const char *name,
				  size_t len)
{
	for (; opts && opts->name; opts++)
		if (opts->use != OPT_WORD && strlen(opts->name) == len &&
		    !strncmp(opts->name, name, len))
			return opts;
	return NULL;
}

static int opt_take(struct opt_line *line, const struct opt *opt,
		    const char *word)
{
	int i;

	if (!opt->kind->take(word, opt->to))
		return opt_bad(line, opt, word);
	if (opt->given)
		*opt->given = true;
	for (i = 0; line->opts[i].name; i++)
		if (opt == &line->opts[i])
			line->seen |= 1U << i;
	return OPT_OK;
}

/* An option, and its word: the next one, or what is behind an equal sign. */
static int opt_one(struct opt_line *line)
{
	const char *name = line->argv[line->at] + 2;
	const char *word = strchr(name, '=');
	size_t len = word ? (size_t)(word - name) : strlen(name);
	const struct opt *opt = opt_find(line->opts, name, len);
	char why[128];

	if (!opt)
		opt = opt_find(line->cmd->common, name, len);
	if (!opt) {
		snprintf(why, sizeof(why), "unknown option --%.64s", name);
		return opt_usage(line->cmd, line->opts, why);
	}
	if (!word && !opt->kind->arg)
		return opt_take(line, opt, "");
	if (word && opt->kind->arg)
		return opt_take(line, opt, word + 1);
	if (word)
		return opt_bad(line, opt, word + 1);
	if (line->at + 1 < line->argc)
		return opt_take(line, opt, line->argv[++line->at]);
	snprintf(why, sizeof(why), "--%s: %s is missing", opt->name,
		 opt->kind->arg);
	return opt_usage(line->cmd, line->opts, why);
}

/* A word without a name: the first of those that is not there yet. */
static int opt_word(struct opt_line *line)
{
	const char *word = line->argv[line->at];
	const struct opt *opt;
	char why[128];

	for (opt = line->opts; opt->name; opt++)
		if (opt->use == OPT_WORD &&
		    !(line->seen & 1U << (opt - line->opts)))
			return opt_take(line, opt, word);
	snprintf(why, sizeof(why), "%.64s: a word too many", word);
	return opt_usage(line->cmd, line->opts, why);
}

static int opt_missing(const struct opt_line *line)
{
	const struct opt *opt;
	char why[128];

	for (opt = line->opts; opt->name; opt++) {
		if (opt->use == OPT_MAY ||
		    line->seen & 1U << (opt - line->opts))
			continue;
		snprintf(why, sizeof(why), "%s%s is needed",
			 opt->use == OPT_MUST ? "--" : "", opt->name);
		return opt_usage(line->cmd, line->opts, why);
	}
	return OPT_OK;
}

/**
 * opt_parse() - take the words of a verb
 * @cmd: the verb
 * @argc: number of words, from the verb on
 * @argv: the words
 * @opts: its options
 *
 * Return: see enum opt_end; all that was to be said is said.
 */
int opt_parse(const struct opt_cmd *cmd, int argc, char **argv,
	      const struct opt *opts)
{
	struct opt_line line = {
		.cmd = cmd, .opts = opts, .argc = argc, .argv = argv
	};
	int code = OPT_OK;
	int i;

	if (cmd->visit) {
		cmd->visit->verb(cmd->visit, cmd, opts);
		return OPT_HELPED;
	}
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			opt_help_verb(cmd, opts);
			return OPT_HELPED;
		}
	}
	for (line.at = 1; line.at < argc && !code; line.at++)
		code = strncmp(argv[line.at], "--", 2) ? opt_word(&line) :
							 opt_one(&line);
	return code ? code : opt_missing(&line);
}
