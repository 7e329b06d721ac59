// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the administrator's door: its lines, its answers, its deadlines;
 * see server.h.
 *
 * Whatever may free something is done by @work, which the loop calls when
 * nobody else is in here.
 */
#include "conn.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ADMIN_FULL 65536 /* not read yet: no further requests are taken */

static struct admin_conn *admin_conn_of(void *member, size_t offset)
{
	return (struct admin_conn *)((char *)member - offset);
}

/* Is there a whole line? */
static char *admin_conn_newline(struct admin_conn *conn)
{
	return memchr(conn->in, '\n', conn->in_len);
}

/* Let it read first: what it asked for may be long. */
static bool admin_conn_full(const struct admin_conn *conn)
{
	return conn->out_to - conn->out_from > ADMIN_FULL;
}

static bool admin_conn_unsent(const struct admin_conn *conn)
{
	return conn->out_from != conn->out_to;
}

static void admin_conn_cut(struct admin_conn *conn, uint64_t *count,
			   const char *why)
{
	struct admin_server *server = conn->server;

	if (conn->gone)
		return;
	++*count;
	log_limited(&server->told, loop_now(server->loop), LOG_LEVEL_WARN,
		    "admin-cut", "pid=%d reason=%s", (int)conn->peer, why);
	conn->gone = true;
	admin_conn_wake(conn);
}

/**
 * admin_conn_wake() - there may be something to do
 * @conn: the client
 */
void admin_conn_wake(struct admin_conn *conn)
{
	loop_call_later(conn->server->loop, &conn->work);
}

/* --- output ----------------------------------------------------------------
 */

/* As much as the socket takes now. */
static void admin_conn_flush(struct admin_conn *conn)
{
	while (admin_conn_unsent(conn) && !conn->gone) {
		ssize_t sent = send(conn->source.fd, conn->out + conn->out_from,
				    conn->out_to - conn->out_from,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0) {
			conn->gone = true;
			admin_conn_wake(conn);
			return;
		}
		conn->moved_ns = loop_now(conn->server->loop);
		conn->out_from += (size_t)sent;
	}
	conn->out_from = 0;
	conn->out_to = 0;
}

/* Room for @len bytes behind the last one. */
static void admin_conn_room(struct admin_conn *conn, size_t len)
{
	size_t kept = conn->out_to - conn->out_from;

	if (conn->out_to + len <= conn->out_room)
		return;
	if (conn->out_from)
		memmove(conn->out, conn->out + conn->out_from, kept);
	conn->out_from = 0;
	conn->out_to = kept;
	if (kept + len <= conn->out_room)
		return;
	conn->out_room = 2 * (kept + len);
	if (conn->out_room > ADMIN_OUT_MAX)
		conn->out_room = ADMIN_OUT_MAX;
	conn->out = realloc(conn->out, conn->out_room);
	if (!conn->out)
		abort();
}

/**
 * admin_conn_write() - send to a client
 * @conn: the client; is cut off, later, if too much is waiting for it already
 * @text: what to send
 * @len: its length
 */
void admin_conn_write(struct admin_conn *conn, const char *text, size_t len)
{
	if (conn->gone)
		return;
	if (!admin_conn_unsent(conn))
		conn->moved_ns = loop_now(conn->server->loop);
	if (conn->out_to - conn->out_from + len > ADMIN_OUT_MAX)
		admin_conn_flush(conn);
	if (conn->out_to - conn->out_from + len > ADMIN_OUT_MAX) {
		admin_conn_cut(conn, &conn->server->stats.cut_read,
			       "does-not-read");
		return;
	}
	admin_conn_room(conn, len);
	memcpy(conn->out + conn->out_to, text, len);
	conn->out_to += len;
	admin_conn_wake(conn);
}

/* --- input -----------------------------------------------------------------
 */

/* It is not one of ours: answer, and listen no longer. */
static void admin_conn_rubbish(struct admin_conn *conn,
			       const struct request *request)
{
	struct admin_server *server = conn->server;

	server->stats.bad++;
	log_limited(&server->told, loop_now(server->loop), LOG_LEVEL_WARN,
		    "admin-bad", "pid=%d code=%s", (int)conn->peer,
		    request->code);
	admin_answer_bad(conn, request);
	if (request->has_id)
		return;
	conn->deaf = true;
	conn->in_len = 0;
	conn->begun_ns = 0;
}

static bool admin_conn_has(const struct admin_conn *conn, int64_t id)
{
	const struct admin_request *open;

	for (open = conn->requests; open; open = open->next)
		if (open->request.id == id)
			return true;
	return false;
}

static void admin_conn_line(struct admin_conn *conn, const char *line,
			    size_t len)
{
	struct request request;
	bool good = request_parse(&request, conn->server->verbs, line, len);

	if (good && conn->nr_requests == ADMIN_REQUESTS_MAX) {
		request.code = "BUSY";
		request.error = EBUSY;
		snprintf(
			request.why, sizeof(request.why),
			"%d requests of this connection are open; wait for one of them",
			ADMIN_REQUESTS_MAX);
		good = false;
	} else if (good && admin_conn_has(conn, request.id)) {
		request.code = "REQUEST";
		request.error = EEXIST;
		snprintf(request.why, sizeof(request.why),
			 "id: an open request of this connection has it");
		good = false;
	}
	if (!good) {
		admin_conn_rubbish(conn, &request);
		request_free(&request);
		return;
	}
	conn->server->stats.requests++;
	admin_run(conn->server, admin_request_add(conn, &request));
}

/* A line that never ends, or the end before its newline. */
static void admin_conn_broken(struct admin_conn *conn, const char *why,
			      int error)
{
	struct request request = { .code = "JSON", .error = error };

	snprintf(request.why, sizeof(request.why), "%s", why);
	admin_conn_rubbish(conn, &request);
}

/* Some of the lines that are there. */
static void admin_conn_lines(struct admin_conn *conn)
{
	unsigned int nr;
	char *end;

	for (nr = 0; nr < ADMIN_LINES_MAX; nr++) {
		size_t len;

		end = admin_conn_newline(conn);
		if (!end || conn->gone || admin_conn_full(conn))
			break;
		len = (size_t)(end - conn->in);
		admin_conn_line(conn, conn->in, len);
		if (conn->deaf && !conn->in_len)
			return;
		conn->in_len -= len + 1;
		memmove(conn->in, end + 1, conn->in_len);
		conn->begun_ns = 0;
		conn->since_ns = loop_now(conn->server->loop);
	}
	if (admin_conn_newline(conn))
		return;
	if (conn->in_len == sizeof(conn->in))
		admin_conn_broken(conn, "a request has at most 65536 bytes",
				  EMSGSIZE);
	else if (conn->in_len && conn->deaf)
		admin_conn_broken(conn, "a request ends with a newline",
				  EBADMSG);
	else if (conn->in_len && !conn->begun_ns)
		conn->begun_ns = loop_now(conn->server->loop);
}

static void admin_conn_read(struct admin_conn *conn)
{
	size_t room = sizeof(conn->in) - conn->in_len;
	ssize_t got;

	if (!room)
		return;
	got = recv(conn->source.fd, conn->in + conn->in_len, room,
		   MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got < 0)
		conn->gone = true;
	else if (!got)
		conn->deaf = true;
	else
		conn->in_len += (size_t)got;
}

/* --- deadlines and the end ---------------------------------------------------
 */

static uint64_t admin_conn_deadline(const struct admin_conn *conn)
{
	uint64_t due_ns = LOOP_NEVER;

	if (conn->begun_ns)
		due_ns = conn->begun_ns + ADMIN_SEND_NS;
	else if (!conn->requests && !admin_conn_unsent(conn))
		due_ns = conn->since_ns + ADMIN_IDLE_NS;
	if (admin_conn_unsent(conn) && conn->moved_ns + ADMIN_READ_NS < due_ns)
		due_ns = conn->moved_ns + ADMIN_READ_NS;
	return due_ns;
}

static void admin_conn_expired(struct loop_timer *timer)
{
	struct admin_conn *conn =
		admin_conn_of(timer, offsetof(struct admin_conn, timer));
	struct admin_stats *stats = &conn->server->stats;
	uint64_t now_ns = loop_now(conn->server->loop);

	if (admin_conn_deadline(conn) > now_ns)
		admin_conn_wake(conn); /* something was done meanwhile */
	else if (admin_conn_unsent(conn) &&
		 conn->moved_ns + ADMIN_READ_NS <= now_ns)
		admin_conn_cut(conn, &stats->cut_read, "does-not-read");
	else if (conn->begun_ns)
		admin_conn_cut(conn, &stats->cut_send, "slow-request");
	else
		admin_conn_cut(conn, &stats->cut_idle, "idle");
}

/* What to wait for next. */
static void admin_conn_watch(struct admin_conn *conn)
{
	struct loop *loop = conn->server->loop;
	uint32_t events = 0;

	if (!conn->deaf && conn->in_len < sizeof(conn->in))
		events |= EPOLLIN;
	if (admin_conn_unsent(conn))
		events |= EPOLLOUT;
	/* it is ours and open: only a lack of memory makes this fail */
	if (loop_source_change(loop, &conn->source, events))
		abort();
	loop_timer_set(loop, &conn->timer, admin_conn_deadline(conn));
}

/* Has it gone, or been answered all that it asked for before it went deaf? */
static bool admin_conn_over(const struct admin_conn *conn)
{
	return conn->gone || (conn->deaf && !conn->in_len && !conn->requests &&
			      !admin_conn_unsent(conn));
}

static void admin_conn_work(struct loop_call *call)
{
	struct admin_conn *conn =
		admin_conn_of(call, offsetof(struct admin_conn, work));

	admin_conn_flush(conn);
	if (!conn->gone && conn->in_len)
		admin_conn_lines(conn);
	admin_conn_flush(conn);
	if (admin_conn_newline(conn) && !admin_conn_full(conn))
		admin_conn_wake(conn);
	if (conn->requests || admin_conn_unsent(conn))
		conn->since_ns = loop_now(conn->server->loop);
	if (admin_conn_over(conn))
		admin_conn_free(conn);
	else
		admin_conn_watch(conn);
}

static void admin_conn_ready(struct loop_source *source, uint32_t events)
{
	struct admin_conn *conn = (struct admin_conn *)source;

	/* both halves: nobody is there to read an answer */
	if (events & (EPOLLHUP | EPOLLERR))
		conn->gone = true;
	else if ((events & EPOLLIN) && !conn->deaf)
		admin_conn_read(conn);
	admin_conn_wake(conn);
}

/**
 * admin_conn_add() - let a client in
 * @server: the door
 * @fd: its socket, taken over unless this fails
 * @peer: its process
 *
 * Return: 0 or -errno.
 */
int admin_conn_add(struct admin_server *server, int fd, pid_t peer)
{
	struct admin_conn *conn = calloc(1, sizeof(*conn));
	int error;

	if (!conn)
		abort();
	conn->source.name = "admin-client";
	conn->source.fd = fd;
	conn->source.ready = admin_conn_ready;
	conn->work.name = "admin-work";
	conn->work.run = admin_conn_work;
	conn->timer.name = "admin-deadline";
	conn->timer.expired = admin_conn_expired;
	conn->server = server;
	conn->peer = peer;
	conn->since_ns = loop_now(server->loop);
	error = loop_source_add(server->loop, &conn->source, EPOLLIN);
	if (error) {
		free(conn);
		return error;
	}
	conn->next = server->conns;
	server->conns = conn;
	server->stats.clients++;
	server->stats.accepted++;
	loop_timer_set(server->loop, &conn->timer, admin_conn_deadline(conn));
	return 0;
}

/**
 * admin_conn_free() - end a connection
 * @conn: the client; whoever works for it is told
 */
void admin_conn_free(struct admin_conn *conn)
{
	struct admin_server *server = conn->server;
	struct admin_conn **at = &server->conns;

	conn->gone = true;
	while (conn->requests) {
		struct admin_request *request = conn->requests;

		if (request->left)
			request->left(request, request->left_arg);
		admin_request_free(request);
	}
	loop_call_stop(server->loop, &conn->work);
	loop_timer_stop(server->loop, &conn->timer);
	loop_source_remove(server->loop, &conn->source);
	close(conn->source.fd);
	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	server->stats.clients--;
	free(conn->out);
	free(conn);
}
