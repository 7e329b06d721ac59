// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line becomes a request, or a reason; see request.h.
 */
#include "request.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

__attribute__((__format__(printf, 4, 5))) static bool
request_bad(struct request *request, const char *code, int error,
	    const char *format, ...)
{
	va_list args;

	request->code = code;
	request->error = error;
	va_start(args, format);
	vsnprintf(request->why, sizeof(request->why), format, args);
	va_end(args);
	return false;
}

/**
 * request_json() - a line as JSON
 * @line: the text
 * @len: its length
 * @depth: how deep it may be
 * @why: what is wrong, if NULL is returned
 *
 * Return: the document, owned by the caller; NULL: it is none.
 */
struct json_object *request_json(const char *line, size_t len, int depth,
				 const char **why)
{
	struct json_tokener *tokener;
	struct json_object *doc;

	*why = "a zero byte: this is no text";
	if (memchr(line, '\0', len))
		return NULL;
	*why = "nothing stands in it";
	if (!len || len > INT_MAX)
		return NULL;
	/* json-c counts the place in which a value would be as a level */
	tokener = json_tokener_new_ex(depth + 1);
	if (!tokener)
		abort();
	/* strict: nothing may stand behind the document either */
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
						JSON_TOKENER_VALIDATE_UTF8);
	doc = json_tokener_parse_ex(tokener, line, (int)len);
	*why = json_tokener_error_desc(json_tokener_get_error(tokener));
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		*why = "it ends too early";
	json_tokener_free(tokener);
	return doc;
}

/* First of all: without it nobody knows what an error answers. */
static bool request_take_id(struct request *request)
{
	struct json_object *id = json_object_object_get(request->doc, "id");

	/* it would be INT64_MAX if it were larger */
	if (!json_object_is_type(id, json_type_int) ||
	    json_object_get_int64(id) < 0 ||
	    json_object_get_uint64(id) > (uint64_t)INT64_MAX)
		return request_bad(
			request, "REQUEST", EINVAL,
			"id: expected a whole number from 0 to 2^63 - 1");
	request->id = json_object_get_int64(id);
	request->has_id = true;
	return true;
}

static bool request_take_keys(struct request *request)
{
	json_object_object_foreach(request->doc, name, value)
	{
		(void)value;
		if (strcmp(name, "id") && strcmp(name, "verb") &&
		    strcmp(name, "args"))
			return request_bad(
				request, "REQUEST", EINVAL,
				"a request has id, verb and args, nothing else");
	}
	return true;
}

static bool request_take_verb(struct request *request, const struct verb *table)
{
	struct json_object *verb = json_object_object_get(request->doc, "verb");

	if (!json_object_is_type(verb, json_type_string))
		return request_bad(request, "REQUEST", EINVAL,
				   "verb: expected a string");
	request->verb = verb_find(table, json_object_get_string(verb));
	/* a string may have a zero byte in it, a name has none */
	if (!request->verb || strlen(request->verb->name) !=
				      (size_t)json_object_get_string_len(verb))
		return request_bad(
			request, "VERB", EOPNOTSUPP,
			"this daemon has no such verb; 'daemon status' says its version");
	return true;
}

static bool request_take_args(struct request *request)
{
	char why[VERB_WHY_MAX];

	if (!json_object_object_get_ex(request->doc, "args", &request->args))
		return verb_check(request->verb, NULL, why) ||
		       request_bad(request, "ARGS", EINVAL, "%s", why);
	if (!request->args)
		return request_bad(request, "ARGS", EINVAL,
				   "args: expected an object");
	return verb_check(request->verb, request->args, why) ||
	       request_bad(request, "ARGS", EINVAL, "%s", why);
}

/**
 * request_parse() - take a line apart
 * @request: what it says; request_free() has to follow in any case
 * @table: the verbs that there are
 * @line: the text
 * @len: its length, without the newline
 *
 * Return: whether all of it is good; else @request says what is not.
 */
bool request_parse(struct request *request, const struct verb *table,
		   const char *line, size_t len)
{
	const char *why;

	memset(request, 0, sizeof(*request));
	request->doc = request_json(line, len, REQUEST_DEPTH_MAX, &why);
	if (!request->doc)
		return request_bad(request, "JSON", EBADMSG,
				   "expected one JSON object in a line: %s",
				   why);
	if (!json_object_is_type(request->doc, json_type_object))
		return request_bad(request, "JSON", EBADMSG,
				   "expected a JSON object");
	return request_take_id(request) && request_take_keys(request) &&
	       request_take_verb(request, table) && request_take_args(request);
}

/**
 * request_free() - forget it
 * @request: was parsed; good or not
 */
void request_free(struct request *request)
{
	json_object_put(request->doc);
	request->doc = NULL;
}
