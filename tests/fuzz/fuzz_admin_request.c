// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line at the administrator's door, whatever is in it: it is a request for a
 * verb that there is with arguments that are good, or there is a reason.
 */
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "../../daemon/admin/request.h"
#include "../unit/admin_verbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_string(struct json_object *value, size_t max)
{
	const char *text = json_object_get_string(value);

	if (!json_object_is_type(value, json_type_string) ||
	    strlen(text) != (size_t)json_object_get_string_len(value) ||
	    strlen(text) > max || strpbrk(text, "\n\r\t\b\x1b\x7f"))
		abort();
}

static void fuzz_args(struct json_object *args)
{
	struct json_object *list = verb_arg_get(args, "list");
	struct json_object *count = verb_arg_get(args, "count");
	struct json_object *force = verb_arg_get(args, "force");
	uint64_t number = verb_arg_number(args, "count", 2);
	size_t i;

	fuzz_string(verb_arg_get(args, "name"), 8);
	if (number < 2 || number > 10 ||
	    (count && !json_object_is_type(count, json_type_int)) ||
	    (force && !json_object_is_type(force, json_type_boolean)))
		abort();
	for (i = 0; list && i < json_object_array_length(list); i++)
		fuzz_string(json_object_array_get_idx(list, i),
			    VERB_STRING_MAX);
	if (list && (!i || i > 3))
		abort();
}

static void fuzz_good(const struct request *request)
{
	if (!request->has_id || request->id < 0 || request->code)
		abort();
	if (request->verb < test_verbs ||
	    request->verb >=
		    test_verbs + sizeof(test_verbs) / sizeof(test_verbs[0]) - 1)
		abort();
	if (request->verb->args)
		fuzz_args(request->args);
	else if (request->args && json_object_object_length(request->args))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request;
	const char *at;

	if (size > REQUEST_LINE_MAX)
		return 0;
	if (request_parse(&request, test_verbs, (const char *)data, size)) {
		fuzz_good(&request);
	} else {
		if (!request.code || request.error <= 0 || !*request.why)
			abort();
		for (at = request.why; *at; at++)
			if (*at < ' ' || *at > '~')
				abort();
	}
	request_free(&request);
	return 0;
}
