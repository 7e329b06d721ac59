/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of a verb: declared as a table, from which they are taken, checked,
 * and explained.
 *
 * A verb has its table and calls opt_parse() first of all. If somebody only
 * wants to know about the verb, that call prints what the table says and
 * returns OPT_HELPED: so there is no second text that could say otherwise.
 * Lists of verbs, manual pages and completion are made in the same way: who
 * makes them calls the verb with a visitor, and opt_parse() shows it the table.
 */
#ifndef QBD_DAEMON_OPT_H
#define QBD_DAEMON_OPT_H

#include <stdbool.h>
#include <stdio.h>

#define OPT_MAX 32 /* in one table */

/**
 * enum opt_end - how opt_parse() ended
 * @OPT_OK: all words were taken
 * @OPT_USAGE: what is wrong was said; also an exit code
 * @OPT_HELPED: what was asked for was printed: nothing is to be done
 */
enum opt_end {
	OPT_OK = 0,
	OPT_USAGE = 2,
	OPT_HELPED = -1,
};

/**
 * struct opt_kind - what follows an option
 * @arg: its name in usage lines; NULL: nothing follows
 * @expected: in words, behind "expected"
 * @take: puts a word where it belongs; false: the word is no such thing
 * @many: the option may be repeated
 */
struct opt_kind {
	const char *arg;
	const char *expected;
	bool (*take)(const char *word, void *to);
	bool many;
};

/* opt.c: kinds that many verbs have, and what they put where */
extern const struct opt_kind opt_flag; /* bool */
extern const struct opt_kind opt_u32; /* uint32_t */
extern const struct opt_kind opt_u64; /* uint64_t */
extern const struct opt_kind opt_ms; /* uint32_t */
extern const struct opt_kind opt_size; /* uint64_t, in bytes */
extern const struct opt_kind opt_uuid; /* 16 bytes */
extern const struct opt_kind opt_name; /* const char * */

/**
 * enum opt_use - how an option stands on the command line
 * @OPT_MAY: it may be left out
 * @OPT_MUST: it may not
 * @OPT_WORD: it is a word of its own, without a name, and may not be left out
 */
enum opt_use {
	OPT_MAY,
	OPT_MUST,
	OPT_WORD,
};

/**
 * struct opt - an option of a verb; a table ends with OPT_END
 * @name: without the dashes; of an OPT_WORD: what usage lines call it
 * @kind: what follows it
 * @use: how it stands there
 * @to: where it goes, see @kind; left alone if the option is not given
 * @given: set when it is given, or NULL
 * @help: what it means
 */
struct opt {
	const char *name;
	const struct opt_kind *kind;
	enum opt_use use;
	void *to;
	bool *given;
	const char *help;
};

struct opt_cmd;

/**
 * struct opt_visit - somebody who wants to see the tables of verbs
 * @verb: is shown one verb
 * @file: where it writes
 */
struct opt_visit {
	void (*verb)(const struct opt_visit *visit, const struct opt_cmd *cmd,
		     const struct opt *opts);
	FILE *file;
};

#define OPT_END              \
	{                    \
		.name = NULL \
	}

/**
 * struct opt_cmd - a verb
 * @program: that it is a verb of; NULL: qbdctl
 * @name: all its words behind the program's name; may be ""
 * @help: what it does
 * @notes: the last lines of its help
 * @common: options that it shares with others, or NULL
 * @visit: only show it the table; or NULL
 */
struct opt_cmd {
	const char *program;
	const char *name;
	const char *help;
	const char *notes;
	const struct opt *common;
	const struct opt_visit *visit;
};

/* opt.c */
int opt_parse(const struct opt_cmd *cmd, int argc, char **argv,
	      const struct opt *opts);
int opt_usage(const struct opt_cmd *cmd, const struct opt *opts,
	      const char *why);

/* opt_help.c */
void opt_help_usage(FILE *file, const struct opt_cmd *cmd,
		    const struct opt *opts);
void opt_help_list(const struct opt_visit *visit, const struct opt_cmd *cmd,
		   const struct opt *opts);
void opt_help_verb(const struct opt_cmd *cmd, const struct opt *opts);
void opt_help_table(FILE *file, const struct opt *opts);
bool opt_help_asked(const char *word);
const char *opt_program(const struct opt_cmd *cmd);

#endif /* QBD_DAEMON_OPT_H */
