/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How bytes reach a peer: the table that each transport fills.
 *
 * A transport never sees shards or stores, the core never sees sockets or
 * queue pairs. Upcalls are the same four for all of them: qbd_conn_up(),
 * qbd_conn_recv(), qbd_conn_sent(), qbd_conn_down(). A message to a node
 * without a connection is dropped; the state machines live with that.
 */
#ifndef QBD_TRANSPORT_H
#define QBD_TRANSPORT_H

#include <linux/types.h>

struct module;
struct qbd_conn;
struct qbd_msg;
struct qbd_peer;
struct qbd_port;
struct socket;

/**
 * struct qbd_transport_ops - how bytes reach a peer
 * @name: for people
 * @owner: module that has the code; pinned by each connection
 * @connect: start to connect. Context: may sleep, does not wait for the peer.
 *	NULL where the daemon connects
 * @adopt: take a connected socket over. Context: may sleep. NULL if there are
 *	no sockets
 * @listen: take connections at @port. Context: may sleep. NULL like @connect
 * @unlisten: end that. Context: may sleep
 * @send: queue one message; it is done at qbd_conn_sent(). Context: process,
 *	does not sleep for the peer; returns -EAGAIN when the queue is full
 * @shutdown: stop all I/O; after it no upcall begins. Context: may sleep.
 *	Idempotent
 * @release: free what is left, after the last reference went. Context: process
 */
struct qbd_transport_ops {
	const char *name;
	struct module *owner;
	struct qbd_conn *(*connect)(struct qbd_peer *peer);
	struct qbd_conn *(*adopt)(struct qbd_peer *peer, struct socket *sock);
	int (*listen)(struct qbd_port *port);
	void (*unlisten)(struct qbd_port *port);
	int (*send)(struct qbd_conn *conn, struct qbd_msg *msg);
	void (*shutdown)(struct qbd_conn *conn);
	void (*release)(struct qbd_conn *conn);
};

#endif /* QBD_TRANSPORT_H */
