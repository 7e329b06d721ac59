/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How bytes reach a peer: the table that each transport fills.
 *
 * A transport never sees shards or stores, the core never sees sockets or
 * queue pairs. In between is struct qbd_conn (conn.h): it keeps the queue of
 * encoded messages, and the upcalls are the same for all transports:
 *
 *	qbd_conn_begin()	it is ready; HELLOs may go
 *	qbd_conn_next()		take a message from the queue
 *	qbd_conn_sent()		done with it
 *	qbd_conn_heard()	bytes came in
 *	qbd_conn_recv()		a whole message, its payload with it
 *	qbd_conn_fail()		it is over
 *
 * None of them may be called with a lock of the transport that @send or
 * @shutdown takes, except qbd_conn_next() and qbd_conn_sent().
 */
#ifndef QBD_TRANSPORT_H
#define QBD_TRANSPORT_H

#include <linux/types.h>

struct module;
struct qbd_conn;
struct qbd_conn_spec;
struct qbd_refusal;
struct socket;

/**
 * struct qbd_transport_ops - how bytes reach a peer
 * @name: for people
 * @owner: module that has the code; pinned by each connection
 * @adopt: take a connected socket over; on success it is the connection's.
 *	The connection has not begun yet: no upcall. Context: may sleep, does
 *	not wait for the peer. NULL if there are no sockets
 * @start: begin; upcalls may come. Context: may sleep
 * @send: there is something in the queue. Context: process; does not wait for
 *	the peer
 * @shutdown: stop all I/O, let go of the socket; after it no upcall begins.
 *	Called once. Context: may sleep, no lock of any rank
 * @release: free the memory, after the last reference went. Context: process
 */
struct qbd_transport_ops {
	const char *name;
	struct module *owner;
	struct qbd_conn *(*adopt)(const struct qbd_conn_spec *spec,
				  struct socket *sock, struct qbd_refusal *why);
	void (*start)(struct qbd_conn *conn);
	void (*send)(struct qbd_conn *conn);
	void (*shutdown)(struct qbd_conn *conn);
	void (*release)(struct qbd_conn *conn);
};

extern const struct qbd_transport_ops qbd_loop_ops;
extern const struct qbd_transport_ops qbd_tcp_ops;

#endif /* QBD_TRANSPORT_H */
