// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments against the table of a verb; see verb.h.
 */
#include "verb.h"

#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

/* In messages: a name that somebody else made up, without what may harm. */
#define VERB_NAME_SHOWN 48

/**
 * verb_find() - look a verb up
 * @table: ends with a name of NULL
 * @name: its name
 *
 * Return: the verb; NULL: there is none of that name.
 */
const struct verb *verb_find(const struct verb *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

/**
 * verb_arg_find() - look an argument up
 * @verb: the verb
 * @name: of the argument
 *
 * Return: what the table says of it; NULL: the verb has no such argument.
 */
const struct verb_arg *verb_arg_find(const struct verb *verb, const char *name)
{
	const struct verb_arg *arg;

	for (arg = verb->args; arg && arg->name; arg++)
		if (!strcmp(arg->name, name))
			return arg;
	return NULL;
}

/* Text that is text to C too, and does nothing to a terminal. */
static bool verb_text_good(struct json_object *value)
{
	const char *text = json_object_get_string(value);
	size_t len = (size_t)json_object_get_string_len(value);
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static bool verb_bad_choice(const struct verb_arg *arg, const char *text,
			    char why[VERB_WHY_MAX])
{
	const char *const *choice;
	size_t len;

	for (choice = arg->choice; *choice; choice++)
		if (!strcmp(*choice, text))
			return false;
	len = (size_t)snprintf(why, VERB_WHY_MAX, "%s: expected", arg->name);
	for (choice = arg->choice; *choice && len < VERB_WHY_MAX; choice++)
		len += (size_t)snprintf(why + len, VERB_WHY_MAX - len, "%s %s",
					choice == arg->choice ? "" :
					choice[1]	      ? "," :
								" or",
					*choice);
	return true;
}

static bool verb_string(const struct verb_arg *arg, struct json_object *value,
			char why[VERB_WHY_MAX])
{
	size_t max = arg->type == VERB_LIST ? VERB_STRING_MAX : arg->max;
	size_t min = arg->type == VERB_LIST ? 1 : arg->min;
	size_t len;

	if (!json_object_is_type(value, json_type_string)) {
		snprintf(why, VERB_WHY_MAX, "%s: expected a string", arg->name);
		return false;
	}
	len = (size_t)json_object_get_string_len(value);
	if (len < min || len > max || len > VERB_STRING_MAX) {
		snprintf(why, VERB_WHY_MAX,
			 "%s: %zu bytes long; expected %zu to %zu", arg->name,
			 len, min, max);
		return false;
	}
	if (!verb_text_good(value)) {
		snprintf(why, VERB_WHY_MAX, "%s: has a control character",
			 arg->name);
		return false;
	}
	return !arg->choice ||
	       !verb_bad_choice(arg, json_object_get_string(value), why);
}

/* Exact: 1.0, 1e3 and what does not fit 64 bits are no whole numbers here. */
static bool verb_number(const struct verb_arg *arg, struct json_object *value,
			char why[VERB_WHY_MAX])
{
	uint64_t number = 0;
	bool whole = json_object_is_type(value, json_type_int);

	/* a negative one would be 0 as an unsigned one */
	if (whole && json_object_get_int64(value) >= 0)
		number = json_object_get_uint64(value);
	else
		whole = false;
	/* what does not fit was made the largest by the parser */
	if (number == UINT64_MAX)
		whole = false;
	if (whole && number >= arg->min && number <= arg->max)
		return true;
	snprintf(why, VERB_WHY_MAX,
		 "%s: expected a whole number from %llu to %llu%s", arg->name,
		 (unsigned long long)arg->min, (unsigned long long)arg->max,
		 arg->type == VERB_SIZE ? ", in bytes" : "");
	return false;
}

static bool verb_list(const struct verb_arg *arg, struct json_object *value,
		      char why[VERB_WHY_MAX])
{
	size_t nr, i;

	if (!json_object_is_type(value, json_type_array)) {
		snprintf(why, VERB_WHY_MAX, "%s: expected a list of strings",
			 arg->name);
		return false;
	}
	nr = json_object_array_length(value);
	if (nr < arg->min || nr > arg->max || nr > VERB_LIST_MAX) {
		snprintf(why, VERB_WHY_MAX,
			 "%s: a list of %zu; expected %llu to %llu", arg->name,
			 nr, (unsigned long long)arg->min,
			 (unsigned long long)arg->max);
		return false;
	}
	for (i = 0; i < nr; i++)
		if (!verb_string(arg, json_object_array_get_idx(value, i), why))
			return false;
	return true;
}

static bool verb_value(const struct verb_arg *arg, struct json_object *value,
		       char why[VERB_WHY_MAX])
{
	switch (arg->type) {
	case VERB_STRING:
		return verb_string(arg, value, why);
	case VERB_NUMBER:
	case VERB_SIZE:
		return verb_number(arg, value, why);
	case VERB_FLAG:
		if (json_object_is_type(value, json_type_boolean))
			return true;
		snprintf(why, VERB_WHY_MAX, "%s: expected true or false",
			 arg->name);
		return false;
	case VERB_LIST:
		return verb_list(arg, value, why);
	}
	return false;
}

static bool verb_unknown(const struct verb *verb, const char *name,
			 char why[VERB_WHY_MAX])
{
	char shown[VERB_NAME_SHOWN + 1];
	size_t i;

	for (i = 0; i < VERB_NAME_SHOWN && name[i]; i++)
		shown[i] = name[i] < ' ' || name[i] > '~' ? '?' : name[i];
	shown[i] = '\0';
	snprintf(why, VERB_WHY_MAX, "%s: '%s' has no such argument", shown,
		 verb->name);
	return false;
}

/**
 * verb_check() - are these arguments good for the verb?
 * @verb: the verb
 * @args: a JSON object, or NULL: none are given
 * @why: what is wrong, if something is
 *
 * Return: whether they are.
 */
bool verb_check(const struct verb *verb, struct json_object *args,
		char why[VERB_WHY_MAX])
{
	const struct verb_arg *arg;

	why[0] = '\0';
	if (args && !json_object_is_type(args, json_type_object)) {
		snprintf(why, VERB_WHY_MAX, "args: expected an object");
		return false;
	}
	if (args) {
		json_object_object_foreach(args, name, value)
		{
			arg = verb_arg_find(verb, name);
			if (!arg)
				return verb_unknown(verb, name, why);
			if (!verb_value(arg, value, why))
				return false;
		}
	}
	for (arg = verb->args; arg && arg->name; arg++) {
		if (!arg->must || verb_arg_get(args, arg->name))
			continue;
		snprintf(why, VERB_WHY_MAX, "%s: is needed", arg->name);
		return false;
	}
	return true;
}

/**
 * verb_arg_get() - an argument's value
 * @args: checked arguments, or NULL
 * @name: of the argument
 *
 * Return: the value; NULL: it was not given.
 */
struct json_object *verb_arg_get(struct json_object *args, const char *name)
{
	return args ? json_object_object_get(args, name) : NULL;
}

/**
 * verb_arg_string() - a string's value
 * @args: checked arguments, or NULL
 * @name: of the argument
 *
 * Return: the text; NULL: it was not given.
 */
const char *verb_arg_string(struct json_object *args, const char *name)
{
	struct json_object *value = verb_arg_get(args, name);

	return value ? json_object_get_string(value) : NULL;
}

/**
 * verb_arg_number() - a number's or a size's value
 * @args: checked arguments, or NULL
 * @name: of the argument
 * @without: what it is if it was not given
 *
 * Return: the number.
 */
uint64_t verb_arg_number(struct json_object *args, const char *name,
			 uint64_t without)
{
	struct json_object *value = verb_arg_get(args, name);

	return value ? json_object_get_uint64(value) : without;
}

/**
 * verb_arg_flag() - a flag's value
 * @args: checked arguments, or NULL
 * @name: of the argument
 *
 * Return: whether it was given, and true.
 */
bool verb_arg_flag(struct json_object *args, const char *name)
{
	return json_object_get_boolean(verb_arg_get(args, name));
}
