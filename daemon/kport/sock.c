// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets of the port: opening, and reading one message; see kport.h.
 */
#include "inner.h"

#include <errno.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SOCK_EVENT_BYTES (1024 * 1024) /* some thousand events */

static int sock_options(int fd, bool events)
{
	const int bytes = SOCK_EVENT_BYTES;
	const int on = 1;

	if (!events)
		return setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on,
				  sizeof(on));
	/* more than the system's limit is for root; less will do */
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int sock_open(void *arg, bool events)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_GENERIC);
	int error;

	(void)arg;
	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&any, sizeof(any)) &&
	    !sock_options(fd, events))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int sock_join(void *arg, int fd, uint32_t group)
{
	(void)arg;
	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group)) ?
		       -errno :
		       0;
}

const struct kport_sys kport_netlink = {
	.open = sock_open,
	.join = sock_join,
};

/**
 * kport_sock_open() - open a socket, if it is not
 * @port: the port
 * @source: it
 *
 * Return: 0 or -errno.
 */
int kport_sock_open(struct kport *port, struct loop_source *source)
{
	const struct kport_sys *sys = &port->options.sys;
	bool events = source == &port->tells;
	int error;

	if (source->fd >= 0)
		return 0;
	source->fd = sys->open(sys->arg, events);
	if (source->fd < 0) {
		error = source->fd;
		source->fd = -1;
		return error;
	}
	if (!events)
		port->counts.sockets++;
	/* families that come and go; first, so that none is missed */
	error = events ? sys->join(sys->arg, source->fd, GENL_ID_CTRL) : 0;
	if (!error)
		error = loop_source_add(port->loop, source, EPOLLIN);
	if (error)
		kport_sock_close(port, source);
	return error;
}

/**
 * kport_sock_close() - close a socket, and forget what is in it
 * @port: the port
 * @source: it; need not be open
 */
void kport_sock_close(struct kport *port, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	loop_source_remove(port->loop, source);
	close(source->fd);
	source->fd = -1;
}

/* Other processes may write to a netlink socket, too, if they may that. */
static bool sock_from_kernel(const struct msghdr *msg)
{
	const struct sockaddr_nl *from = msg->msg_name;

	if (msg->msg_namelen < sizeof(*from) || from->nl_family != AF_NETLINK)
		return true; /* a socket of another kind has one other end */
	return !from->nl_pid;
}

/**
 * kport_sock_read() - read one message, or a piece of a dump
 * @source: the socket
 * @to: where it goes
 * @room: there
 *
 * Return: bytes; 0: one that is to be ignored; -EAGAIN: there is none;
 * -EMSGSIZE: it was too long, and is gone; other: the socket's error.
 */
int kport_sock_read(struct loop_source *source, void *to, size_t room)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { to, room };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	ssize_t len = recvmsg(source->fd, &msg, MSG_DONTWAIT);

	if (len < 0)
		return errno == EINTR ? 0 : -errno;
	if (!len && !msg.msg_namelen)
		return -ECONNRESET; /* the other end of a pair is gone */
	if (!sock_from_kernel(&msg))
		return 0;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)len;
}
