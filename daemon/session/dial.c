// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets of connections: made, or taken from a listener; see conn.h.
 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CONN_KEEPALIVE_S 5 /* idle, and between probes */
#define CONN_KEEPALIVE_NR 3
#define CONN_USER_TIMEOUT_MS 15000

struct conn_option {
	int level;
	int name;
	int value;
};

/*
 * The beats find a dead peer sooner. These are for a connection that is not up
 * yet, and for a kernel that goes on alone.
 */
static const struct conn_option conn_options[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, CONN_LOWAT },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, CONN_USER_TIMEOUT_MS },
	{ IPPROTO_TCP, TCP_KEEPIDLE, CONN_KEEPALIVE_S },
	{ IPPROTO_TCP, TCP_KEEPINTVL, CONN_KEEPALIVE_S },
	{ IPPROTO_TCP, TCP_KEEPCNT, CONN_KEEPALIVE_NR },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ SOL_SOCKET, SO_SNDBUF, CONN_BUFFER },
	{ SOL_SOCKET, SO_RCVBUF, CONN_BUFFER },
};

static int conn_socket_options(int fd)
{
	size_t i;

	for (i = 0; i < sizeof(conn_options) / sizeof(conn_options[0]); i++) {
		const struct conn_option *option = &conn_options[i];

		if (setsockopt(fd, option->level, option->name, &option->value,
			       sizeof(option->value)))
			return -errno;
	}
	return 0;
}

static struct conn *conn_new(struct conn_hub *hub, const struct conn_ops *ops,
			     void *owner, int fd, const union links_addr *addr)
{
	struct conn *conn = calloc(1, sizeof(*conn) + ops->extra);

	if (!conn)
		return NULL;
	conn->source.name = "session";
	conn->source.fd = fd;
	conn->source.ready = conn_ready;
	conn->timer.name = "session-timer";
	conn->hub = hub;
	conn->ops = ops;
	conn->owner = owner;
	conn->addr = *addr;
	outbox_init(&conn->out);
	if (loop_source_add(hub->loop, &conn->source,
			    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
		free(conn);
		return NULL;
	}
	conn->next = hub->conns;
	conn->link = &hub->conns;
	if (conn->next)
		conn->next->link = &conn->next;
	hub->conns = conn;
	hub->nr++;
	return conn;
}

/**
 * conn_dial() - connect
 * @hub: to which it will belong
 * @ops: called back, but not before this returned
 * @owner: for @ops
 * @to: where
 * @token: to join with, stays until it is up; NULL: as a node
 * @until_ns: to be up by then
 *
 * Return: it; NULL with errno.
 */
struct conn *conn_dial(struct conn_hub *hub, const struct conn_ops *ops,
		       void *owner, const union links_addr *to,
		       const struct token *token, uint64_t until_ns)
{
	int fd = socket(to->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct conn *conn = NULL;
	int error;

	if (fd < 0)
		return NULL;
	error = conn_socket_options(fd);
	if (!error && connect(fd, &to->any, links_addr_len(to)) &&
	    errno != EINPROGRESS)
		error = -errno;
	if (!error) {
		conn = conn_new(hub, ops, owner, fd, to);
		error = conn ? 0 : -ENOMEM;
	}
	if (error) {
		close(fd);
		errno = -error;
		return NULL;
	}
	conn->state = CONN_DIALING;
	conn->role = token ? TLS_JOIN : TLS_DIAL;
	conn->token = token;
	conn->first = true;
	conn_until(conn, until_ns, conn_late);
	return conn;
}

/**
 * conn_connected() - did connect() succeed?
 * @conn: in CONN_DIALING
 *
 * Return: true: it goes on; false: it has not ended yet, or @conn has.
 */
bool conn_connected(struct conn *conn)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (!conn->writable)
		return false;
	if (getsockopt(conn->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) ||
	    error) {
		conn_end(conn, SESSION_WHY_NETWORK);
		return false;
	}
	conn->state = CONN_SHAKING;
	return true;
}

/**
 * conn_accept() - a listener has a connection
 * @hub: to which it will belong
 * @ops: called back, but not before this returned
 * @owner: for @ops
 * @fd: it does not block; taken, also if this fails
 * @from: where it comes from
 * @first: from an address of a peer
 *
 * The caller says until when.
 *
 * Return: it; NULL.
 */
struct conn *conn_accept(struct conn_hub *hub, const struct conn_ops *ops,
			 void *owner, int fd, const union links_addr *from,
			 bool first)
{
	struct conn *conn = NULL;

	if (!conn_socket_options(fd))
		conn = conn_new(hub, ops, owner, fd, from);
	if (!conn) {
		close(fd);
		return NULL;
	}
	conn->state = CONN_WAITING;
	conn->role = TLS_ACCEPT;
	conn->first = first;
	return conn;
}
