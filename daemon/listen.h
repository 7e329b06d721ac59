/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP socket that listens, in the loop: who connects is given to somebody.
 *
 * A turn takes a bounded number of connections, so that a crowd at one door
 * does not keep the loop from all others.  When the process is out of
 * descriptors or memory the socket is not looked at for a moment: it would be
 * ready all the time, and the loop busy with nothing.
 */
#ifndef QBD_DAEMON_LISTEN_H
#define QBD_DAEMON_LISTEN_H

#include "links_conf.h"
#include "loop.h"

/**
 * struct listener - a socket that listens
 * @loop: where
 * @source: it
 * @pause: until it is looked at again
 * @took: somebody connected; the descriptor belongs to who is called
 * @arg: for @took
 */
struct listener {
	struct loop *loop;
	struct loop_source source;
	struct loop_timer pause;
	void (*took)(void *arg, int fd, const union links_addr *from);
	void *arg;
};

void listener_init(struct listener *listener, struct loop *loop,
		   const char *name,
		   void (*took)(void *arg, int fd,
				const union links_addr *from),
		   void *arg);
int listener_open(struct listener *listener, const union links_addr *at);
void listener_close(struct listener *listener);
void listener_where(const struct listener *listener, union links_addr *addr);

#endif /* QBD_DAEMON_LISTEN_H */
