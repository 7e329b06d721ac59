// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who comes in at the administrator's door, and who does what is asked for;
 * see server.h.
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

/* Like an answer, to somebody whom nobody asked. */
static void admin_refuse(int fd, const char *code, int error, const char *why)
{
	struct request request = { .code = code, .error = error };
	char line[6 * VERB_WHY_MAX + 256];
	size_t len;

	snprintf(request.why, sizeof(request.why), "%s", why);
	len = admin_line_error(line, sizeof(line), &request);
	/* a new socket has room; if not, the end says it too */
	if (send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_write(LOG_LEVEL_DEBUG, "admin-refuse-unsaid", "error=%d",
			  errno);
}

/* Only root, or who runs the daemon, which is the same but for tests. */
static bool admin_user_good(uid_t uid)
{
	return !uid || uid == geteuid();
}

/* Takes @fd over. */
static void admin_welcome(struct admin_server *server, int fd)
{
	uint64_t now_ns = loop_now(server->loop);
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) ||
	    !admin_user_good(who.uid)) {
		server->stats.refused_user++;
		log_limited(&server->refused, now_ns, LOG_LEVEL_WARN,
			    "admin-refused", "reason=user uid=%d pid=%d",
			    (int)who.uid, (int)who.pid);
		admin_refuse(
			fd, "PERMISSION", EPERM,
			"only root may speak to the daemon; run qbdctl as root");
		close(fd);
		return;
	}
	if (server->stats.clients < ADMIN_CLIENTS_MAX &&
	    !admin_conn_add(server, fd, who.pid))
		return;
	server->stats.refused_full++;
	log_limited(&server->refused, now_ns, LOG_LEVEL_WARN, "admin-refused",
		    "reason=full pid=%d clients=%llu", (int)who.pid,
		    (unsigned long long)server->stats.clients);
	admin_refuse(
		fd, "BUSY", EBUSY,
		"too many clients are connected to the daemon; end some, or try again");
	close(fd);
}

/* One in a turn: the loop has others to serve, and comes back. */
static void admin_accept(struct loop_source *source, uint32_t events)
{
	struct admin_server *server = (struct admin_server *)source;
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0) {
		admin_welcome(server, fd);
		return;
	}
	if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return;
	/* out of descriptors: it would be reported again and again */
	log_limited(&server->refused, loop_now(server->loop), LOG_LEVEL_WARN,
		    "admin-accept-failed", "error=%d", errno);
	loop_source_remove(server->loop, &server->listener);
	loop_timer_set(server->loop, &server->pause,
		       loop_now(server->loop) + ADMIN_PAUSE_NS);
}

static void admin_resume(struct loop_timer *timer)
{
	struct admin_server *server =
		(struct admin_server *)((char *)timer -
					offsetof(struct admin_server, pause));
	int error = loop_source_add(server->loop, &server->listener, EPOLLIN);

	if (!error)
		return;
	log_limited(&server->refused, loop_now(server->loop), LOG_LEVEL_WARN,
		    "admin-accept-failed", "error=%d", -error);
	loop_timer_set(server->loop, timer,
		       loop_now(server->loop) + ADMIN_PAUSE_NS);
}

/**
 * admin_server_create() - a door that is still closed
 * @loop: the loop
 * @verbs: what may be asked for; ends with a name of NULL
 *
 * Return: the door.
 */
struct admin_server *admin_server_create(struct loop *loop,
					 const struct verb *verbs)
{
	struct admin_server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->loop = loop;
	server->verbs = verbs;
	server->lock = -1;
	server->listener.fd = -1;
	server->listener.name = "admin-listener";
	server->listener.ready = admin_accept;
	server->pause.name = "admin-resume";
	server->pause.expired = admin_resume;
	return server;
}

static const struct admin_slot *admin_slot(const struct admin_server *server,
					   const char *verb)
{
	size_t i;

	for (i = 0; i < server->nr_slots; i++)
		if (!strcmp(server->slot[i].handler->verb, verb))
			return &server->slot[i];
	return NULL;
}

/**
 * admin_server_handle() - bring handlers
 * @server: the door
 * @handlers: of verbs of its table that have none yet; must outlive it
 * @nr: how many
 * @owner: passed to them
 */
void admin_server_handle(struct admin_server *server,
			 const struct admin_handler *handlers, size_t nr,
			 void *owner)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (server->nr_slots == ADMIN_HANDLERS_MAX ||
		    !verb_find(server->verbs, handlers[i].verb) ||
		    admin_slot(server, handlers[i].verb))
			abort();
		server->slot[server->nr_slots++] =
			(struct admin_slot){ &handlers[i], owner };
	}
}

/**
 * admin_server_missing() - is there a verb that nobody does?
 * @server: the door
 *
 * Return: the name of the first one; NULL: there is none.
 */
const char *admin_server_missing(const struct admin_server *server)
{
	const struct verb *verb;

	for (verb = server->verbs; verb->name; verb++)
		if (!admin_slot(server, verb->name))
			return verb->name;
	return NULL;
}

/**
 * admin_server_open() - open the door
 * @server: the door
 * @path: of its socket
 * @why: what is wrong, if something is
 *
 * Return: 0 or -errno.
 */
int admin_server_open(struct admin_server *server, const char *path,
		      char why[ADMIN_WHY_MAX])
{
	int error = admin_listen(server, path, why);

	if (!error) {
		error = loop_source_add(server->loop, &server->listener,
					EPOLLIN);
		if (error)
			snprintf(why, ADMIN_WHY_MAX, "%s: %s", path,
				 strerror(-error));
	}
	if (error)
		admin_unlisten(server);
	return error;
}

/**
 * admin_server_destroy() - close the door and end all connections
 * @server: the door, or NULL; whoever works for a client is told
 */
void admin_server_destroy(struct admin_server *server)
{
	if (!server)
		return;
	loop_timer_stop(server->loop, &server->pause);
	loop_source_remove(server->loop, &server->listener);
	while (server->conns)
		admin_conn_free(server->conns);
	admin_unlisten(server);
	free(server);
}

/**
 * admin_server_stats() - what happened at the door
 * @server: the door
 *
 * Return: the numbers; they go on changing.
 */
const struct admin_stats *admin_server_stats(const struct admin_server *server)
{
	return &server->stats;
}

static bool admin_is_open(const struct admin_conn *conn,
			  const struct admin_request *request)
{
	const struct admin_request *open;

	for (open = conn->requests; open; open = open->next)
		if (open == request)
			return true;
	return false;
}

/**
 * admin_run() - have a request done
 * @server: the door
 * @request: good, and not begun
 */
void admin_run(struct admin_server *server, struct admin_request *request)
{
	const struct verb *verb = request->request.verb;
	const struct admin_slot *slot = admin_slot(server, verb->name);
	struct admin_conn *conn = request->conn;

	if (!slot) {
		admin_error(request, "UNAVAILABLE", EOPNOTSUPP,
			    "'%s' can not be done by this daemon", verb->name);
		return;
	}
	/* who changed what: without arguments, one may be a secret */
	if (verb->change)
		log_write(LOG_LEVEL_INFO, "admin-change", "verb=\"%s\" pid=%d",
			  verb->name, (int)conn->peer);
	slot->handler->run(request, request->request.args, slot->owner);
	/* it would never be answered, and the client wait for ever */
	if (admin_is_open(conn, request) && !request->later)
		abort();
}
