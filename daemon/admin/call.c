// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request to the daemon, and what comes back; see call.h.
 */
#include "call.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "request.h"

#define CALL_ID 1

/**
 * struct call_stream - a connection being read
 * @fd: the socket
 * @len: bytes that are there
 * @room: bytes that there is room for
 * @text: they, owned
 */
struct call_stream {
	int fd;
	size_t len;
	size_t room;
	char *text;
};

__attribute__((__format__(printf, 3, 4))) static int
call_bad(struct admin_call *call, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(call->error, sizeof(call->error), format, args);
	va_end(args);
	return -error;
}

static int call_no_answer(struct admin_call *call)
{
	return call_bad(
		call, ETIMEDOUT,
		"the daemon did not answer in time; look at 'journalctl -u qbdd', what was asked for may still happen");
}

/* Why nobody is there, and what to do about it. */
static int call_no_daemon(struct admin_call *call, int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return call_bad(
			call, error,
			"the daemon does not run (nobody answers at %s): start it with 'systemctl start qbdd', or name its socket with --socket",
			call->socket);
	case EACCES:
	case EPERM:
		return call_bad(
			call, error,
			"%s: only root may speak to the daemon; run qbdctl as root",
			call->socket);
	case EAGAIN:
	case EINPROGRESS:
		return call_no_answer(call);
	default:
		return call_bad(call, error, "%s: %s", call->socket,
				strerror(error));
	}
}

static int call_connect(struct admin_call *call)
{
	struct timeval limit = { .tv_sec = CALL_CONNECT_MS / 1000 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int error = 0;
	int fd;

	if (strlen(call->socket) >= sizeof(addr.sun_path))
		return call_bad(call, ENAMETOOLONG,
				"%.160s: too long for a socket", call->socket);
	memcpy(addr.sun_path, call->socket, strlen(call->socket));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return call_bad(call, errno, "socket: %s", strerror(errno));
	/* a full backlog is waited for so long, and so is send() */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		error = call_no_daemon(call, errno);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int call_send(struct admin_call *call, int fd)
{
	struct json_object *line = json_object_new_object();
	const char *text;
	size_t len = 0;
	ssize_t sent;

	if (!line)
		abort();
	json_object_object_add(line, "id", json_object_new_int64(CALL_ID));
	json_object_object_add(line, "verb",
			       json_object_new_string(call->verb));
	if (call->args)
		json_object_object_add(line, "args",
				       json_object_get(call->args));
	text = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN,
						 &len);
	if (!text || len > REQUEST_LINE_MAX) {
		json_object_put(line);
		return call_bad(
			call, E2BIG,
			"the request has more than %d bytes: ask for less at once",
			REQUEST_LINE_MAX);
	}
	sent = send(fd, text, len, MSG_NOSIGNAL | MSG_MORE);
	if (sent == (ssize_t)len)
		sent = send(fd, "\n", 1, MSG_NOSIGNAL) + (ssize_t)len - 1;
	json_object_put(line);
	/* who refuses has said why before it closed: that is read, not this */
	if (sent != (ssize_t)len && errno != EPIPE && errno != ECONNRESET)
		return call_no_answer(call);
	return 0;
}

/* How long from now on; the end of time is when @timeout_ms is 0. */
static int64_t call_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for more of a line, at most until @end_ms. */
static int call_read(struct admin_call *call, struct call_stream *stream,
		     int64_t end_ms)
{
	struct pollfd poll_fd = { .fd = stream->fd, .events = POLLIN };
	int64_t left_ms = call->timeout_ms ? end_ms - call_clock_ms() : -1;
	ssize_t got;
	int ready;

	if (call->timeout_ms && left_ms <= 0)
		return call_no_answer(call);
	ready = poll(&poll_fd, 1, (int)left_ms);
	if (!ready || (ready < 0 && errno == EINTR))
		return 0; /* looked at anew */
	if (stream->len == stream->room) {
		if (stream->room >= CALL_LINE_MAX)
			return call_bad(
				call, EMSGSIZE,
				"the answer is too long to be one of qbdd");
		stream->room = stream->room ? 2 * stream->room : 4096;
		stream->text = realloc(stream->text, stream->room);
		if (!stream->text)
			abort();
	}
	got = recv(stream->fd, stream->text + stream->len,
		   stream->room - stream->len, 0);
	if (got < 0 && errno != EINTR && errno != ECONNRESET)
		return call_bad(call, errno, "%s: %s", call->socket,
				strerror(errno));
	if (!got || (got < 0 && errno == ECONNRESET))
		return call_bad(
			call, ECONNRESET,
			"the daemon ended before it had answered; ask for 'qbdctl daemon status', what was asked for may have happened");
	stream->len += got > 0 ? (size_t)got : 0;
	return 0;
}

static int call_wrong(struct admin_call *call)
{
	return call_bad(call, EBADMSG,
			"%s: what answers there does not talk like qbdd",
			call->socket);
}

/* @json of the error is the daemon's word. */
static int call_refused(struct admin_call *call, struct json_object *json)
{
	struct json_object *code = json_object_object_get(json, "code");
	struct json_object *message = json_object_object_get(json, "message");
	struct json_object *number = json_object_object_get(json, "errno");
	int error = json_object_get_int(number);

	if (!json_object_is_type(code, json_type_string) ||
	    !json_object_is_type(message, json_type_string))
		return call_wrong(call);
	snprintf(call->code, sizeof(call->code), "%s",
		 json_object_get_string(code));
	admin_clean(call->code);
	call_bad(call, EREMOTEIO, "%s", json_object_get_string(message));
	admin_clean(call->error);
	return error > 0 && error < 4096 ? -error : -EREMOTEIO;
}

/* 1: that was the answer; 0: it was on the way; or -errno. */
static int call_take(struct admin_call *call, struct json_object *line)
{
	struct json_object *id, *part;

	if (!json_object_is_type(line, json_type_object))
		return call_wrong(call);
	if (json_object_object_get_ex(line, "error", &part) &&
	    json_object_is_type(part, json_type_object))
		return call_refused(call, part);
	if (!json_object_object_get_ex(line, "id", &id) ||
	    json_object_get_int64(id) != CALL_ID)
		return call_wrong(call);
	if (json_object_object_get_ex(line, "ok", &part) && part) {
		call->ok = json_object_get(part);
		return 1;
	}
	if (json_object_object_get_ex(line, "progress", &part) && part) {
		if (call->progress)
			call->progress(part, call->arg);
		return 0;
	}
	if (!json_object_object_get_ex(line, "event", &part) || !part)
		return call_wrong(call);
	if (call->event)
		call->event(part, call->arg);
	return 0;
}

/* The first line of the stream: 1, 0 or -errno as call_take(). */
static int call_line(struct admin_call *call, struct call_stream *stream,
		     char *end)
{
	struct json_object *line;
	const char *why;
	int code;

	line = request_json(stream->text, (size_t)(end - stream->text),
			    CALL_DEPTH_MAX, &why);
	code = line ? call_take(call, line) : call_wrong(call);
	json_object_put(line);
	end++;
	stream->len -= (size_t)(end - stream->text);
	memmove(stream->text, end, stream->len);
	return code;
}

static int call_wait(struct admin_call *call, struct call_stream *stream)
{
	int64_t end_ms = call_clock_ms() + call->timeout_ms;
	int code = 0;

	while (!code) {
		char *end = stream->len ?
				    memchr(stream->text, '\n', stream->len) :
				    NULL;

		if (end) {
			code = call_line(call, stream, end);
			end_ms = call_clock_ms() + call->timeout_ms;
		} else {
			code = call_read(call, stream, end_ms);
		}
	}
	return code < 0 ? code : 0;
}

/**
 * admin_call() - have the daemon do something
 * @call: what; and what came of it
 *
 * Return: 0, and @call->ok is there; or -errno, and @call->error is a sentence
 * that says what to do next. -ETIMEDOUT: it is not known what came of it.
 */
int admin_call(struct admin_call *call)
{
	struct call_stream stream = { .fd = -1 };
	int code;

	call->ok = NULL;
	call->code[0] = '\0';
	call->error[0] = '\0';
	code = call_connect(call);
	if (code < 0)
		return code;
	stream.fd = code;
	code = call_send(call, stream.fd);
	if (!code)
		code = call_wait(call, &stream);
	close(stream.fd);
	free(stream.text);
	return code;
}
