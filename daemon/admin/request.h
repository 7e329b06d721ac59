/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line from a client, until it is a request.
 *
 *	{"id": 1, "verb": "volume create", "args": {"name": "a", "size": 4096}}
 *
 * Whoever passed the door is root, and yet the line is hostile: root's script
 * may be anybody's text.  Order of the checks: length, zero bytes, JSON that
 * is strict, UTF-8, and at most REQUEST_DEPTH_MAX deep, an object, "id" (so
 * that the rest can be answered under it), no unknown keys, verb, arguments by
 * the verb's table.  A handler sees nothing that has not passed all of them.
 * Of a key that stands twice in an object the last one counts, for checks and
 * handler alike.
 *
 * Pure: text in, request or reason out.
 */
#ifndef QBD_ADMIN_REQUEST_H
#define QBD_ADMIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verb.h"

#define REQUEST_LINE_MAX 65536 /* without its newline */
#define REQUEST_DEPTH_MAX 8

/**
 * struct request - what a line asks for
 * @doc: the document, owned
 * @has_id: there is an id to answer under
 * @id: the client's name for the request
 * @verb: what to do
 * @args: checked; a part of @doc, or NULL
 * @code: KEY of what is wrong with it; NULL: nothing is
 * @error: the same as an errno
 * @why: the same in words
 */
struct request {
	struct json_object *doc;
	bool has_id;
	int64_t id;
	const struct verb *verb;
	struct json_object *args;
	const char *code;
	int error;
	char why[VERB_WHY_MAX];
};

bool request_parse(struct request *request, const struct verb *table,
		   const char *line, size_t len);
void request_free(struct request *request);
struct json_object *request_json(const char *line, size_t len, int depth,
				 const char **why);

#endif /* QBD_ADMIN_REQUEST_H */
