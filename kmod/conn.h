/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection to a peer: what all transports share.
 *
 *	HELLO ---> UP ---> DOWN
 *	     `--------------^
 *
 * HELLO: the one that connected says HELLO, the other one checks it and
 * answers. UP: it takes the place of the link's former connection, which ends;
 * leaders that use the link begin a new session. The receiver takes whole
 * messages only, so that the swap is at a message boundary; what was lost with
 * the former one is sent again. DOWN: ended, for whatever reason, for good; a
 * work item shuts the transport down and tells the leaders.
 *
 * SENDING. qbd_conn_send() encodes the message and queues it; it never waits.
 * Who knows that more comes at once only adds, and pushes after the last: what
 * is in the queue together shares segments.
 * The transport takes messages from the queue, in order, when it can. A queue
 * that is full, or that there is no memory for, ends the connection: its
 * windows were not enough to hold the peer, and what the leaders lose they
 * send again to the next one. A payload is referenced, not copied.
 *
 * RECEIVING. The transport hands over what passed qbd_wire_decode(), one
 * message at a time. A payload with a wrong CRC, a message that makes no sense
 * here: the connection ends, since what was sent is not what came.
 *
 * References: the link (@conn, @next); the work item of the end; whoever found
 * it there. A connection holds its node.
 *
 * Context: process.
 */
#ifndef QBD_CONN_H
#define QBD_CONN_H

#include <linux/list.h>
#include <linux/qbd_wire.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "core/msg.h"
#include "limits.h"
#include "node_peer.h"

struct qbd_node;
struct qbd_payload;
struct qbd_peer;
struct qbd_transport_ops;

/**
 * struct qbd_conn_spec - what a connection is for
 * @node: our node
 * @peer: the peer
 * @link: number of the link
 * @accept: the peer speaks first
 */
struct qbd_conn_spec {
	struct qbd_node *node;
	struct qbd_peer *peer;
	u32 link;
	bool accept;
};

/**
 * struct qbd_out - a message on its way out
 * @entry: in the connection's queue
 * @payload: referenced, or NULL
 * @len: of @buf
 * @buf: head, shard, body
 */
struct qbd_out {
	struct list_head entry;
	struct qbd_payload *payload;
	u32 len;
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
};

/**
 * struct qbd_conn - see the top of this file; part of the transport's struct
 * @ops: the transport [const]
 * @spec: what it is for; the node is referenced [const]
 * @refs: see the top of this file [atomic]
 * @lock: rank QBD_RANK_CONN
 * @state: enum qbd_conn_state [lock; READ_ONCE ok]
 * @nonce: names the connection, the same in both HELLOs [owner: HELLO]
 * @queue: messages to be sent [lock]
 * @nr_queue: how many [lock; READ_ONCE ok]
 * @queue_bytes: their payload [lock]
 * @since_ns: when it was made [const]
 * @heard_ns: when bytes came last [owner: receiver; READ_ONCE ok]
 * @counts: tx: [lock]; rx: [owner: receiver]
 * @error: how it ended [lock]
 * @why: the same for people [lock]
 * @down_work: the end [atomic]
 */
struct qbd_conn {
	const struct qbd_transport_ops *ops;
	struct qbd_conn_spec spec;
	refcount_t refs;
	spinlock_t lock; /* rank CONN */
	enum qbd_conn_state state;
	u64 nonce;
	struct list_head queue;
	u32 nr_queue;
	u64 queue_bytes;
	u64 since_ns;
	u64 heard_ns;
	struct qbd_conn_counts counts;
	int error;
	char why[QBD_CONN_WHY_MAX];
	struct work_struct down_work;
};

int qbd_conn_module_init(void);
void qbd_conn_module_exit(void);

/* For transports; see transport.h. */
void qbd_conn_init(struct qbd_conn *conn, const struct qbd_transport_ops *ops,
		   const struct qbd_conn_spec *spec);
struct qbd_out *qbd_conn_next(struct qbd_conn *conn, bool *more);
void qbd_conn_sent(struct qbd_conn *conn, struct qbd_out *out);
void qbd_conn_heard(struct qbd_conn *conn);
void qbd_conn_recv(struct qbd_conn *conn, struct qbd_msg *msg, u32 len_bytes);

/* For everybody. */
void qbd_conn_begin(struct qbd_conn *conn);
struct qbd_conn *qbd_conn_get(struct qbd_conn *conn);
void qbd_conn_put(struct qbd_conn *conn);
bool qbd_conn_add(struct qbd_conn *conn, const struct qbd_msg *msg);
void qbd_conn_push(struct qbd_conn *conn);
void qbd_conn_send(struct qbd_conn *conn, const struct qbd_msg *msg);
void qbd_conn_beat(struct qbd_conn *conn, u64 beat);
void qbd_conn_fail(struct qbd_conn *conn, int err, const char *why);
void qbd_conn_stale(struct qbd_conn *conn, const struct qbd_msg *msg);
void qbd_conn_tick(struct qbd_conn *conn, u64 now_ns);
void qbd_conn_counts_add(struct qbd_conn *conn, struct qbd_conn_counts *sum);

#endif /* QBD_CONN_H */
