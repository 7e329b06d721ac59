/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verbs of the administrator's door: one table, which both sides have.
 *
 * qbdd checks requests against it, qbdctl makes its options, help, tables,
 * manual pages and completion from it.  So there is no second list of verbs,
 * and what qbdctl offers is what qbdd takes.  How a verb is done is not in the
 * table: a service of the daemon brings that (server.h).
 *
 * Both sides call verb_check(): qbdctl to say what is wrong with the command
 * line before it connects, qbdd because who connects need not be qbdctl.
 */
#ifndef QBD_ADMIN_VERB_H
#define QBD_ADMIN_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

#define VERB_ARGS_MAX 24
#define VERB_STRING_MAX 4096
#define VERB_LIST_MAX 1024
#define VERB_WHY_MAX 320

/**
 * enum verb_type - what an argument is
 * @VERB_STRING: text; at least @min and at most @max bytes, no control
 *	characters
 * @VERB_NUMBER: whole, not negative, from @min to @max
 * @VERB_SIZE: the same, in bytes; 512M or 10G on a command line
 * @VERB_FLAG: true or false
 * @VERB_LIST: strings, at least @min and at most @max of them
 */
enum verb_type {
	VERB_STRING,
	VERB_NUMBER,
	VERB_SIZE,
	VERB_FLAG,
	VERB_LIST,
};

/**
 * struct verb_arg - an argument
 * @name: of it
 * @type: of it
 * @must: it may not be left out
 * @word: on a command line it has no name; then it is a must, and a string
 * @min: see enum verb_type
 * @max: see enum verb_type
 * @choice: of a string, or of those in a list: what it may be, ends with NULL;
 *	or NULL
 * @arg: what usage lines call its value; NULL: as its type says
 * @help: what it means
 */
struct verb_arg {
	const char *name;
	enum verb_type type;
	bool must;
	bool word;
	uint64_t min;
	uint64_t max;
	const char *const *choice;
	const char *arg;
	const char *help;
};

/**
 * enum verb_show - how a value is shown to people
 * @VERB_TEXT: as it is
 * @VERB_COUNT: a number, to the right
 * @VERB_BYTES: as a size
 * @VERB_NS: nanoseconds, as a time
 * @VERB_YES: true or false, as yes or no
 */
enum verb_show {
	VERB_TEXT,
	VERB_COUNT,
	VERB_BYTES,
	VERB_NS,
	VERB_YES,
};

/**
 * struct verb_col - a column, or a line, of what is shown
 * @key: where the value is, from the row on: "loop.turns"
 * @title: what it is called
 * @show: how it is shown
 */
struct verb_col {
	const char *key;
	const char *title;
	enum verb_show show;
};

/**
 * struct verb_view - how the answer is shown to people
 * @rows: key of the array that has the rows of a table; NULL: the answer is one
 *	thing, shown line by line
 * @cols: ends with a key of NULL
 * @more: shown below it, or NULL
 */
struct verb_view {
	const char *rows;
	const struct verb_col *cols;
	const struct verb_view *more;
};

/**
 * struct verb - what may be asked for
 * @name: "noun verb", or one word
 * @help: what it does
 * @change: it changes something; others only read
 * @follow: it goes on, with events, until the client leaves
 * @args: ends with a name of NULL; NULL: there are none
 * @view: NULL: there is nothing to show
 */
struct verb {
	const char *name;
	const char *help;
	bool change;
	bool follow;
	const struct verb_arg *args;
	const struct verb_view *view;
};

/* verb_table.c; ends with a name of NULL */
extern const struct verb verb_table[];

/* verb.c */
const struct verb *verb_find(const struct verb *table, const char *name);
const struct verb_arg *verb_arg_find(const struct verb *verb, const char *name);
bool verb_check(const struct verb *verb, struct json_object *args,
		char why[VERB_WHY_MAX]);
struct json_object *verb_arg_get(struct json_object *args, const char *name);
const char *verb_arg_string(struct json_object *args, const char *name);
uint64_t verb_arg_number(struct json_object *args, const char *name,
			 uint64_t without);
bool verb_arg_flag(struct json_object *args, const char *name);

#endif /* QBD_ADMIN_VERB_H */
