// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCP socket that listens; see listen.h.
 */
#include "listen.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LISTENER_TURN_MAX 64 /* connections taken in a turn */
#define LISTENER_PAUSE_NS 100000000ULL /* after it ran out of something */
#define LISTENER_BACKLOG 1024 /* in the kernel */

static void listener_pause(struct listener *listener)
{
	loop_source_remove(listener->loop, &listener->source);
	loop_timer_set(listener->loop, &listener->pause,
		       loop_now(listener->loop) + LISTENER_PAUSE_NS);
}

static void listener_resume(struct loop_timer *timer)
{
	struct listener *listener =
		(struct listener *)((char *)timer -
				    offsetof(struct listener, pause));

	if (loop_source_add(listener->loop, &listener->source, EPOLLIN))
		listener_pause(listener);
}

/* Return: false: nobody else, for now. */
static bool listener_take(struct listener *listener)
{
	union links_addr from = { 0 };
	socklen_t len = sizeof(from);
	int fd = accept4(listener->source.fd, &from.any, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		listener->took(listener->arg, fd, &from);
		return true;
	}
	switch (errno) {
	case ECONNABORTED:
	case EINTR:
		return true;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		listener_pause(listener);
		return false;
	default:
		return false;
	}
}

static void listener_ready(struct loop_source *source, uint32_t events)
{
	struct listener *listener =
		(struct listener *)((char *)source -
				    offsetof(struct listener, source));
	int i;

	(void)events;
	for (i = 0; i < LISTENER_TURN_MAX; i++)
		if (!listener_take(listener))
			return;
}

/**
 * listener_init() - before it is opened, or closed
 * @listener: zeroed
 * @loop: where it is watched
 * @name: for the loop's statistics; stays
 * @took: somebody connected
 * @arg: for @took
 */
void listener_init(struct listener *listener, struct loop *loop,
		   const char *name,
		   void (*took)(void *arg, int fd,
				const union links_addr *from),
		   void *arg)
{
	listener->loop = loop;
	listener->source.fd = -1;
	listener->source.name = name;
	listener->source.ready = listener_ready;
	listener->pause.name = name;
	listener->pause.expired = listener_resume;
	listener->took = took;
	listener->arg = arg;
}

static int listener_bind(int fd, const union links_addr *at)
{
	int on = 1;

	/* connections of a former process may still be on this port */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (at->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(fd, &at->any, links_addr_len(at)) ||
	    listen(fd, LISTENER_BACKLOG))
		return -errno;
	return 0;
}

/**
 * listener_open() - listen at an address
 * @listener: was initialised
 * @at: the address; port 0: any
 *
 * Return: 0 or -errno.
 */
int listener_open(struct listener *listener, const union links_addr *at)
{
	int fd = socket(at->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	listener->source.fd = fd;
	err = listener_bind(fd, at);
	if (!err)
		err = loop_source_add(listener->loop, &listener->source,
				      EPOLLIN);
	if (err)
		listener_close(listener);
	return err;
}

/**
 * listener_close() - take nobody any more
 * @listener: open or not, if it was initialised
 */
void listener_close(struct listener *listener)
{
	if (!listener->loop || listener->source.fd < 0)
		return;
	loop_timer_stop(listener->loop, &listener->pause);
	loop_source_remove(listener->loop, &listener->source);
	close(listener->source.fd);
	listener->source.fd = -1;
}

/**
 * listener_where() - where it listens
 * @listener: open or not
 * @addr: the address, with the port that it got; family 0: nowhere
 */
void listener_where(const struct listener *listener, union links_addr *addr)
{
	socklen_t len = sizeof(*addr);

	memset(addr, 0, sizeof(*addr));
	if (getsockname(listener->source.fd, &addr->any, &len))
		memset(addr, 0, sizeof(*addr));
}
