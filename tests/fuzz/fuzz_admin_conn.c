// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the administrator's door that says whatever it likes, in pieces,
 * and leaves when it likes: what it hears is lines of JSON, each an answer, and
 * nothing of it is left when it is gone.
 *
 * The first byte says in which pieces the rest is sent, and whether all of what
 * is answered is read.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>
#include <sys/socket.h>

#include "../../daemon/admin/conn.h"
#include "../unit/admin_verbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_LATER_MAX 16

static struct admin_request *later[FUZZ_LATER_MAX];

static void fuzz_left(struct admin_request *request, void *arg)
{
	struct admin_request **at = arg;

	if (*at != request)
		abort();
	*at = NULL;
}

static void run_echo(struct admin_request *request, struct json_object *args,
		     void *owner)
{
	struct json_object *ok = json_object_new_object();

	if (args)
		json_object_object_add(ok, "args", json_object_get(args));
	admin_ok(request, ok);
}

/* The first one is answered when the last place is taken. */
static void run_later(struct admin_request *request, struct json_object *args,
		      void *owner)
{
	unsigned int i = 0;

	while (i < FUZZ_LATER_MAX && later[i])
		i++;
	if (i == FUZZ_LATER_MAX)
		abort(); /* a client has so many open requests, not more */
	later[i] = request;
	admin_later(request, fuzz_left, &later[i]);
	admin_event(request, json_object_new_object());
	if (i < FUZZ_LATER_MAX / 2)
		return;
	admin_error(later[0], "X", 1, "no");
	later[0] = NULL;
}

static const struct admin_handler handlers[] = {
	{ "make thing", run_echo },
	{ "echo", run_echo },
	{ "later", run_later },
	{ "follow", run_later },
};

/* Whole lines, each with one answer. */
static void fuzz_heard(const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		struct json_object *line;
		const char *why;

		if (!end)
			break; /* the rest is in the next piece */
		line = request_json(text, (size_t)(end - text), 32, &why);
		if (!line || json_object_object_length(line) != 2 ||
		    !json_object_object_get_ex(line, "id", NULL))
			abort();
		json_object_put(line);
		len -= (size_t)(end + 1 - text);
		text = end + 1;
	}
}

static void fuzz_talk(struct loop *loop, int fd, const uint8_t *data,
		      size_t size)
{
	static char heard[1 << 20];
	size_t piece = 1 + (*data >> 1) * 16;
	bool reads = *data & 1;
	size_t len = 0;
	int i;

	data++;
	size--;
	while (size) {
		size_t part = piece < size ? piece : size;
		ssize_t sent = send(fd, data, part, MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		data += sent;
		size -= (size_t)sent;
		for (i = 0; i < 3; i++)
			loop_turn(loop, 0);
	}
	shutdown(fd, SHUT_WR);
	for (i = 0; reads && i < 50; i++) {
		ssize_t got = recv(fd, heard + len, sizeof(heard) - len, 0);

		len += got > 0 ? (size_t)got : 0;
		loop_turn(loop, 0);
	}
	fuzz_heard(heard, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admin_server *server;
	struct loop *loop;
	unsigned int i;
	int fd[2];

	if (!size)
		return 0;
	log_level(LOG_LEVEL_NONE);
	loop = loop_create();
	server = admin_server_create(loop, test_verbs);
	admin_server_handle(server, handlers,
			    sizeof(handlers) / sizeof(handlers[0]), NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fd) ||
	    admin_conn_add(server, fd[0], 1))
		abort();
	fuzz_talk(loop, fd[1], data, size);
	close(fd[1]);
	for (i = 0; i < 5; i++)
		loop_turn(loop, 0);
	if (server->stats.clients)
		abort();
	for (i = 0; i < FUZZ_LATER_MAX; i++)
		if (later[i])
			abort();
	admin_server_destroy(server);
	loop_destroy(loop);
	return 0;
}
