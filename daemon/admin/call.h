/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl's side of the administrator's door: one request, and what comes back.
 *
 * What the daemon sends is bounded and checked like anything else: qbdctl runs
 * as root, and a socket that somebody named with --socket may be anybody's.
 * Each wait ends: for the connection, for the daemon to take the request, and
 * for each line; only a verb that follows something may wait for ever, until
 * the user ends it.
 */
#ifndef QBD_ADMIN_CALL_H
#define QBD_ADMIN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "verb.h"

struct json_object;

#define CALL_SOCKET "/run/qbd/qbdd.sock"
#define CALL_CONNECT_MS 5000
#define CALL_LINE_MAX 1048576UL
#define CALL_DEPTH_MAX 32
#define CALL_ERROR_MAX 1024

/**
 * struct admin_call - a request and its answer
 * @socket: path of the daemon's socket
 * @timeout_ms: how long to wait for each line; 0: for ever
 * @verb: what to do
 * @args: an object, or NULL; the caller's
 * @progress: given what "progress" has, or NULL
 * @event: given what "event" has, or NULL
 * @arg: passed to both
 * @ok: what "ok" has; the caller's to put; NULL if it failed
 * @code: KEY of the error; "" if it is not the daemon's
 * @error: why it failed, in words
 */
struct admin_call {
	const char *socket;
	int timeout_ms;
	const char *verb;
	struct json_object *args;
	void (*progress)(struct json_object *progress, void *arg);
	void (*event)(struct json_object *event, void *arg);
	void *arg;
	struct json_object *ok;
	char code[64];
	char error[CALL_ERROR_MAX];
};

/* call.c */
int admin_call(struct admin_call *call);

/* render.c */
void admin_clean(char *text);
void admin_render(const struct verb *verb, struct json_object *ok, bool json);
void admin_render_line(struct json_object *line, bool json);

/* cmd.c */
struct opt_visit;

int cmd_admin(int argc, char **argv);
void admin_visit(const struct opt_visit *visit, const char *noun);

#endif /* QBD_ADMIN_CALL_H */
