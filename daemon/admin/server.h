/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The administrator's door: a socket between qbdctl and the daemon of a node.
 *
 * ONE LINE, ONE DOCUMENT.  A client sends requests, each a line of JSON (see
 * request.h), and gets lines back, each with the id of its request:
 *
 *	{"id": 1, "progress": {...}}		any number of times
 *	{"id": 1, "event": {...}}		of verbs that follow something
 *	{"id": 1, "ok": {...}}			or, and then nothing more:
 *	{"id": 1, "error": {"code": "KEY", "message": "...", "errno": 22}}
 *
 * The message is a sentence that says what to do next.  What could not be read
 * as a request with an id is answered with an id of null, and with the end of
 * the connection: who talks something else will go on doing so.  A client may
 * close its half (as "nc -N" does): what it asked for is still answered.
 *
 * WHO.  The directory is 0700 and the socket 0600, and yet each connection is
 * asked whose it is (SO_PEERCRED): a descriptor can be handed on, and a mode
 * can be changed by hand.  Only root passes, seen from the daemon's user
 * namespace.  Others get one line that says so, are counted, and named in the
 * log at a limited rate.
 *
 * BOUNDS, so that a forgotten script can not harm the daemon, which has
 * heartbeats to send: a number of clients, of requests of each, a size and a
 * depth of requests, a time to send one once it is begun, a time without any,
 * a size of what is not read yet, and a time in which nothing of it is read.
 * Few lines are taken in one turn of the loop.
 *
 * HANDLERS answer when they like.  A request lives until it is answered or its
 * client is gone.  A handler that does not answer before it returns says
 * admin_later(), and is called back when the client is gone: the request is
 * dead then.  Nothing of a request is ever called, or freed, inside of a
 * function that a handler calls, except by its own admin_ok() or admin_error().
 * (A client that is cut off while an event is sent to it would otherwise free
 * the list of followers that is just being walked.)
 *
 * A client that leaves does not undo what it asked for: a request that was
 * taken is carried out.  One that is still unread is not.
 */
#ifndef QBD_ADMIN_SERVER_H
#define QBD_ADMIN_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "../loop.h"
#include "verb.h"

#define ADMIN_CLIENTS_MAX 64
#define ADMIN_REQUESTS_MAX 16 /* open ones of a client */
#define ADMIN_LINES_MAX 8 /* of a client, in one turn of the loop */
#define ADMIN_HANDLERS_MAX 128
#define ADMIN_OUT_MAX 1048576UL /* not read yet */
#define ADMIN_ANSWER_MAX 524288UL /* one line */
#define ADMIN_SEND_NS \
	5000000000ULL /* from a request's first byte to its last */
#define ADMIN_READ_NS 30000000000ULL /* without reading what is there */
#define ADMIN_IDLE_NS 60000000000ULL /* without a request */
#define ADMIN_PAUSE_NS 1000000000ULL /* out of descriptors */
#define ADMIN_PATH_MAX 107 /* sun_path and its end */
#define ADMIN_WHY_MAX 512

struct admin_server;
struct admin_request;
struct json_object;

/**
 * struct admin_handler - how a verb is done
 * @verb: its name
 * @run: does it: answers, or says admin_later(); @args are checked, may be
 *NULL, and live as long as the request
 */
struct admin_handler {
	const char *verb;
	void (*run)(struct admin_request *request, struct json_object *args,
		    void *owner);
};

/**
 * struct admin_stats - what happened at the door
 * @clients: connections now
 * @accepted: connections so far that were let in
 * @requests: good requests
 * @bad: lines that were none
 * @refused_user: connections of somebody else
 * @refused_full: connections above ADMIN_CLIENTS_MAX
 * @cut_send: took too long to send a request
 * @cut_read: did not read
 * @cut_idle: said nothing
 */
struct admin_stats {
	uint64_t clients;
	uint64_t accepted;
	uint64_t requests;
	uint64_t bad;
	uint64_t refused_user;
	uint64_t refused_full;
	uint64_t cut_send;
	uint64_t cut_read;
	uint64_t cut_idle;
};

/* server.c */
struct admin_server *admin_server_create(struct loop *loop,
					 const struct verb *verbs);
void admin_server_handle(struct admin_server *server,
			 const struct admin_handler *handlers, size_t nr,
			 void *owner);
const char *admin_server_missing(const struct admin_server *server);
int admin_server_open(struct admin_server *server, const char *path,
		      char why[ADMIN_WHY_MAX]);
void admin_server_destroy(struct admin_server *server);
const struct admin_stats *admin_server_stats(const struct admin_server *server);

/* reply.c */
void admin_later(struct admin_request *request,
		 void (*left)(struct admin_request *request, void *arg),
		 void *arg);
void admin_ok(struct admin_request *request, struct json_object *ok);
void admin_error(struct admin_request *request, const char *code, int error,
		 const char *format, ...)
	__attribute__((__format__(printf, 4, 5)));
void admin_progress(struct admin_request *request,
		    struct json_object *progress);
void admin_event(struct admin_request *request, struct json_object *event);

#endif /* QBD_ADMIN_SERVER_H */
