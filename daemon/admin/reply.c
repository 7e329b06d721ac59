// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers of the administrator's door, and requests that wait for one; see
 * server.h.
 */
#include "conn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#define ADMIN_JSON (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static void admin_add(struct json_object *to, const char *key,
		      struct json_object *value)
{
	/* NULL would be JSON's null, and it is only made without memory */
	if (!value || json_object_object_add(to, key, value))
		abort();
}

/* {"id": ..., @kind: @value}; takes @value over. */
static struct json_object *admin_envelope(bool has_id, int64_t id,
					  const char *kind,
					  struct json_object *value)
{
	struct json_object *line = json_object_new_object();

	if (!line)
		abort();
	if (has_id)
		admin_add(line, "id", json_object_new_int64(id));
	else if (json_object_object_add(line, "id", NULL))
		abort();
	admin_add(line, kind, value);
	return line;
}

static struct json_object *admin_error_json(const char *code, int error,
					    const char *message)
{
	struct json_object *json = json_object_new_object();

	if (!json)
		abort();
	admin_add(json, "code", json_object_new_string(code));
	admin_add(json, "message", json_object_new_string(message));
	admin_add(json, "errno", json_object_new_int(error));
	return json;
}

/* As a line, in what json-c owns; its length with the newline. */
static const char *admin_text(struct json_object *line, size_t *len)
{
	const char *text =
		json_object_to_json_string_length(line, ADMIN_JSON, len);

	if (!text)
		abort();
	return text;
}

/* Send a line, newline included; false: it is too long to be sent. */
static bool admin_send(struct admin_request *request, const char *kind,
		       struct json_object *value)
{
	struct json_object *line =
		admin_envelope(true, request->request.id, kind, value);
	size_t len;
	const char *text = admin_text(line, &len);
	bool fits = len < ADMIN_ANSWER_MAX;

	if (fits) {
		admin_conn_write(request->conn, text, len);
		admin_conn_write(request->conn, "\n", 1);
	}
	json_object_put(line);
	return fits;
}

/**
 * admin_line_error() - a line that says what is wrong with a request
 * @line: where it goes, with its newline
 * @room: bytes there
 * @request: with what is wrong
 *
 * Return: its length.
 */
size_t admin_line_error(char *line, size_t room, const struct request *request)
{
	struct json_object *json = admin_envelope(
		request->has_id, request->id, "error",
		admin_error_json(request->code, request->error, request->why));
	size_t len;
	const char *text = admin_text(json, &len);

	if (len + 1 > room)
		abort(); /* reasons are short, and their room is ours */
	memcpy(line, text, len);
	line[len] = '\n';
	json_object_put(json);
	return len + 1;
}

/**
 * admin_answer_bad() - answer what is no request
 * @conn: whose it is
 * @request: with what is wrong
 */
void admin_answer_bad(struct admin_conn *conn, const struct request *request)
{
	/* each byte may become six */
	char line[6 * VERB_WHY_MAX + 256];

	admin_conn_write(conn, line,
			 admin_line_error(line, sizeof(line), request));
}

/**
 * admin_request_add() - a request that waits for its answer from now on
 * @conn: its client
 * @request: taken over
 *
 * Return: the request.
 */
struct admin_request *admin_request_add(struct admin_conn *conn,
					const struct request *request)
{
	struct admin_request *made = calloc(1, sizeof(*made));

	if (!made)
		abort();
	made->conn = conn;
	made->request = *request;
	made->next = conn->requests;
	conn->requests = made;
	conn->nr_requests++;
	return made;
}

/**
 * admin_request_free() - it waits no longer
 * @request: the request
 */
void admin_request_free(struct admin_request *request)
{
	struct admin_conn *conn = request->conn;
	struct admin_request **at = &conn->requests;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	conn->nr_requests--;
	request_free(&request->request);
	free(request);
	admin_conn_wake(conn);
}

/**
 * admin_later() - the answer comes when the handler has returned
 * @request: the request
 * @left: called when the client is gone; the request is dead when it returns
 * @arg: passed to it
 */
void admin_later(struct admin_request *request,
		 void (*left)(struct admin_request *request, void *arg),
		 void *arg)
{
	request->later = true;
	request->left = left;
	request->left_arg = arg;
}

/**
 * admin_ok() - it is done
 * @request: the request; dead afterwards
 * @ok: an object, taken over
 */
void admin_ok(struct admin_request *request, struct json_object *ok)
{
	if (!admin_send(request, "ok", ok)) {
		admin_error(request, "LARGE", EMSGSIZE,
			    "the answer is longer than %lu bytes; ask for less",
			    ADMIN_ANSWER_MAX);
		return;
	}
	admin_request_free(request);
}

/**
 * admin_error() - it is not, or not to be, done
 * @request: the request; dead afterwards
 * @code: KEY, for programs
 * @error: the same as an errno, positive
 * @format: a sentence that says what to do next
 */
void admin_error(struct admin_request *request, const char *code, int error,
		 const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	admin_send(request, "error", admin_error_json(code, error, message));
	admin_request_free(request);
}

/* What is no answer has no one to tell if it is too long: cut the client. */
static void admin_aside(struct admin_request *request, const char *kind,
			struct json_object *value)
{
	if (admin_send(request, kind, value))
		return;
	request->conn->server->stats.cut_read++;
	request->conn->gone = true;
	admin_conn_wake(request->conn);
}

/**
 * admin_progress() - how far it is
 * @request: the request
 * @progress: an object, taken over
 */
void admin_progress(struct admin_request *request, struct json_object *progress)
{
	admin_aside(request, "progress", progress);
}

/**
 * admin_event() - something happened that the request follows
 * @request: the request
 * @event: an object, taken over
 */
void admin_event(struct admin_request *request, struct json_object *event)
{
	admin_aside(request, "event", event);
}
