// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: their queue, the HELLO, what a message is for, and the end.
 * What moves the bytes is the transport's; see conn.h.
 *
 * Locks: a connection's lock around its state and its queue. It may be taken
 * under the peer's, never the other way round.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "conn.h"
#include "core/table.h"
#include "core/wire.h"
#include "event.h"
#include "locking.h"
#include "node.h"
#include "pages.h"
#include "peer.h"
#include "shard.h"
#include "trace.h"
#include "transport.h"

static struct kmem_cache *qbd_out_cache;
static mempool_t qbd_out_pool;
static u64 qbd_conn_life __read_mostly;

int qbd_conn_module_init(void)
{
	int err;

	qbd_conn_life = get_random_u64() | 1;
	qbd_out_cache = KMEM_CACHE(qbd_out, 0);
	if (!qbd_out_cache)
		return -ENOMEM;
	err = mempool_init_slab_pool(&qbd_out_pool, QBD_CONN_OUTS_MIN,
				     qbd_out_cache);
	if (err)
		kmem_cache_destroy(qbd_out_cache);
	return err;
}

void qbd_conn_module_exit(void)
{
	mempool_exit(&qbd_out_pool);
	kmem_cache_destroy(qbd_out_cache);
}

/* --- life -------------------------------------------------------------- */

static void qbd_out_free(struct qbd_out *out)
{
	if (out->payload)
		qbd_payload_put(out->payload);
	mempool_free(out, &qbd_out_pool);
}

struct qbd_conn *qbd_conn_get(struct qbd_conn *conn)
{
	refcount_inc(&conn->refs);
	return conn;
}

void qbd_conn_put(struct qbd_conn *conn)
{
	struct qbd_node *node = conn->spec.node;
	struct module *owner = conn->ops->owner;

	if (!refcount_dec_and_test(&conn->refs))
		return;
	conn->ops->release(conn);
	qbd_node_put(node);
	module_put(owner);
}

/* An event; under the lock, so that the last one says what is true. */
static void __qbd_link_tell(struct qbd_conn *conn, bool up)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_LINK_STATE,
		.state = up ? QBD_LINK_STATE_UP : QBD_LINK_STATE_DOWN,
		.peer = conn->spec.peer->node,
		.link = conn->spec.link,
		.error = up ? 0 : conn->error,
		.reason = up ? NULL : conn->why,
	};

	lockdep_assert_held(&conn->spec.peer->lock);
	qbd_event_emit(conn->spec.node, &notice);
}

/* The link without this connection; false if it was not the one in use. */
static bool qbd_conn_unlink(struct qbd_conn *conn)
{
	struct qbd_peer *peer = conn->spec.peer;
	struct qbd_link *link = &peer->link[conn->spec.link];
	bool used, next;

	spin_lock(&peer->lock);
	used = link->conn == conn;
	next = link->next == conn;
	if (used) {
		link->conn = NULL;
		link->gen = 0;
		link->since_ns = ktime_get_boottime_ns();
	}
	if (next)
		link->next = NULL;
	if (used || next) {
		link->error = conn->error;
		strscpy(link->why, conn->why);
	}
	if (used)
		__qbd_link_tell(conn, false);
	qbd_conn_counts_add(conn, &link->past);
	spin_unlock(&peer->lock);
	if (used || next)
		qbd_conn_put(conn);
	return used;
}

static void qbd_conn_down_work(struct work_struct *work)
{
	struct qbd_conn *conn = container_of(work, struct qbd_conn, down_work);
	struct qbd_peer *peer = conn->spec.peer;

	conn->ops->shutdown(conn);
	pr_info_ratelimited("node=%u peer=%u link=%u down: %s (error %d)\n",
			    conn->spec.node->spec.id, peer->node,
			    conn->spec.link, conn->why, conn->error);
	if (qbd_conn_unlink(conn)) {
		trace_qbd_link_state(peer->node, conn->spec.link, QBD_CONN_DOWN,
				     conn->error);
		qbd_node_link_changed(conn->spec.node, peer);
	}
	qbd_conn_put(conn);
}

/**
 * qbd_conn_init() - the common part of a new connection
 * @conn: to be initialised; the caller gets the first reference, the work item
 *	of its end the second one
 * @ops: the transport
 * @spec: what it is for
 *
 * From now on it ends by qbd_conn_fail() only.
 */
void qbd_conn_init(struct qbd_conn *conn, const struct qbd_transport_ops *ops,
		   const struct qbd_conn_spec *spec)
{
	conn->ops = ops;
	__module_get(ops->owner);
	conn->spec = *spec;
	qbd_node_get(spec->node);
	refcount_set(&conn->refs, 2);
	spin_lock_init(&conn->lock);
	conn->state = QBD_CONN_HELLO;
	INIT_LIST_HEAD(&conn->queue);
	conn->since_ns = ktime_get_boottime_ns();
	conn->heard_ns = conn->since_ns;
	INIT_WORK(&conn->down_work, qbd_conn_down_work);
}

/**
 * qbd_conn_fail() - it is over
 * @conn: the connection
 * @err: negative errno
 * @why: the same for people
 *
 * The first reason counts. What is in the queue goes at once: writes may wait
 * for its pages, and a worker for memory that only these writes can free. The
 * rest is done by a work item: shutting down may wait for whoever calls this.
 *
 * Context: process.
 */
void qbd_conn_fail(struct qbd_conn *conn, int err, const char *why)
{
	struct qbd_out *out, *next;
	LIST_HEAD(queue);

	spin_lock(&conn->lock);
	if (conn->state == QBD_CONN_DOWN) {
		spin_unlock(&conn->lock);
		return;
	}
	WRITE_ONCE(conn->state, QBD_CONN_DOWN);
	conn->error = err;
	strscpy(conn->why, why);
	/* nobody adds any more */
	list_splice_init(&conn->queue, &queue);
	WRITE_ONCE(conn->nr_queue, 0);
	spin_unlock(&conn->lock);
	list_for_each_entry_safe(out, next, &queue, entry)
		qbd_out_free(out);
	queue_work(conn->spec.node->wq, &conn->down_work);
}

/* In use: the former one ends, leaders begin a new session. */
static void qbd_conn_up(struct qbd_conn *conn)
{
	struct qbd_peer *peer = conn->spec.peer;
	struct qbd_link *link = &peer->link[conn->spec.link];
	struct qbd_conn *old = NULL;
	bool up;

	spin_lock(&peer->lock);
	spin_lock(&conn->lock);
	up = link->next == conn && conn->state == QBD_CONN_HELLO;
	if (up) {
		WRITE_ONCE(conn->state, QBD_CONN_UP);
		old = link->conn;
		link->conn = conn;
		link->next = NULL;
		link->gen = ++link->ups;
		link->since_ns = ktime_get_boottime_ns();
	}
	spin_unlock(&conn->lock);
	if (up)
		__qbd_link_tell(conn, true);
	spin_unlock(&peer->lock);
	if (old) {
		qbd_conn_fail(old, -ECONNABORTED, "a newer one took its place");
		qbd_conn_put(old);
	}
	if (!up)
		return;
	trace_qbd_link_state(peer->node, conn->spec.link, QBD_CONN_UP, 0);
	qbd_conn_beat(conn, qbd_peer_beat(peer, ktime_get_boottime_ns()));
	qbd_node_link_changed(conn->spec.node, peer);
}

/* --- out --------------------------------------------------------------- */

static bool qbd_conn_queue(struct qbd_conn *conn, struct qbd_out *out,
			   u32 bytes, bool hello)
{
	bool full = false;
	bool ok;

	spin_lock(&conn->lock);
	ok = conn->state == QBD_CONN_UP ||
	     (hello && conn->state == QBD_CONN_HELLO);
	if (ok) {
		full = conn->nr_queue >= QBD_CONN_QUEUE_MSGS ||
		       conn->queue_bytes + bytes > QBD_CONN_QUEUE_BYTES;
		ok = !full;
	}
	if (ok) {
		list_add_tail(&out->entry, &conn->queue);
		WRITE_ONCE(conn->nr_queue, conn->nr_queue + 1);
		conn->queue_bytes += bytes;
	}
	spin_unlock(&conn->lock);
	if (full)
		qbd_conn_fail(conn, -ENOBUFS, "the peer takes too little");
	return ok;
}

/**
 * qbd_conn_add() - queue a message to the peer
 * @conn: the connection
 * @msg: the message; a payload is referenced
 *
 * What can't be sent is dropped, and the connection ends if it is its own
 * fault: the state machines live with both. Without memory the one that takes
 * a good part of the reserve ends, not the one that happens to ask.
 *
 * Context: process, no lock of a rank above SHARD. Does not wait for the peer.
 * Return: true if it is in the queue: qbd_conn_push() has to follow, soon.
 */
bool qbd_conn_add(struct qbd_conn *conn, const struct qbd_msg *msg)
{
	struct qbd_out *out;
	int len;

	out = mempool_alloc(&qbd_out_pool, GFP_NOWAIT | __GFP_NOWARN);
	if (!out) {
		if (READ_ONCE(conn->nr_queue) >= QBD_CONN_OUTS_SHARE)
			qbd_conn_fail(conn, -ENOBUFS, "no memory for messages");
		return false;
	}
	out->payload = NULL;
	len = qbd_wire_encode(msg, out->buf, sizeof(out->buf));
	if (len < 0) {
		/* peers and disks are hostile: not a reason to warn */
		qbd_out_free(out);
		qbd_conn_fail(conn, -EPROTO, "what it asked for has no answer");
		return false;
	}
	out->len = len;
	if (msg->payload_bytes)
		out->payload = qbd_payload_get(msg->payload);
	if (!qbd_conn_queue(conn, out, msg->payload_bytes,
			    msg->type == QBD_MSG_HELLO)) {
		qbd_out_free(out);
		return false;
	}
	trace_qbd_msg_sent(conn->spec.peer->node, conn->spec.link, msg);
	return true;
}

/**
 * qbd_conn_push() - send what is in the queue
 * @conn: the connection; it may be down
 *
 * Context: process, no lock of a rank above SHARD. Does not wait for the peer.
 */
void qbd_conn_push(struct qbd_conn *conn)
{
	conn->ops->send(conn);
}

/**
 * qbd_conn_send() - qbd_conn_add(), and qbd_conn_push() if it is in the queue
 * @conn: the connection
 * @msg: the message
 */
void qbd_conn_send(struct qbd_conn *conn, const struct qbd_msg *msg)
{
	if (qbd_conn_add(conn, msg))
		qbd_conn_push(conn);
}

/**
 * qbd_conn_next() - the next message to be sent
 * @conn: the connection
 * @more: set if there is another one after it
 *
 * Return: the message, to be given back by qbd_conn_sent(); NULL if there is
 * none.
 */
struct qbd_out *qbd_conn_next(struct qbd_conn *conn, bool *more)
{
	struct qbd_out *out = NULL;

	spin_lock(&conn->lock);
	if (conn->state != QBD_CONN_DOWN)
		out = list_first_entry_or_null(&conn->queue, struct qbd_out,
					       entry);
	if (out) {
		list_del(&out->entry);
		WRITE_ONCE(conn->nr_queue, conn->nr_queue - 1);
	}
	*more = conn->nr_queue;
	spin_unlock(&conn->lock);
	return out;
}

/**
 * qbd_conn_sent() - a message was sent, or will never be
 * @conn: the connection
 * @out: the message
 */
void qbd_conn_sent(struct qbd_conn *conn, struct qbd_out *out)
{
	u32 bytes = 0;

	if (out->payload)
		bytes = out->payload->nr_pages * QBD_BLOCK_SIZE;
	spin_lock(&conn->lock);
	conn->queue_bytes -= bytes;
	conn->counts.tx_msgs++;
	conn->counts.tx_bytes += out->len + bytes;
	spin_unlock(&conn->lock);
	qbd_out_free(out);
}

/**
 * qbd_conn_beat() - send a heartbeat
 * @conn: the connection
 * @beat: its number
 */
void qbd_conn_beat(struct qbd_conn *conn, u64 beat)
{
	struct qbd_msg msg = {
		.type = QBD_MSG_HEARTBEAT,
		.beat = beat,
		.heartbeat.lease_ms = conn->spec.node->spec.lease_ms,
	};

	qbd_conn_send(conn, &msg);
}

static void qbd_conn_hello(struct qbd_conn *conn)
{
	const struct qbd_node_spec *self = &conn->spec.node->spec;
	struct qbd_msg msg = {
		.type = QBD_MSG_HELLO,
		.hello = {
			.lineage = self->lineage,
			.life = qbd_conn_life,
			.conn = conn->nonce,
			.node = self->id,
			.peer = conn->spec.peer->node,
			.link = conn->spec.link,
			.links = READ_ONCE(conn->spec.peer->links),
			.window_records = QBD_REPLICA_RECORDS,
			.window_bytes = QBD_REPLICA_BYTES,
		},
	};

	memcpy(msg.hello.cluster, self->cluster, QBD_UUID_LEN);
	qbd_conn_send(conn, &msg);
}

/**
 * qbd_conn_begin() - the transport is ready
 * @conn: the connection; it is its link's next one
 */
void qbd_conn_begin(struct qbd_conn *conn)
{
	if (conn->spec.accept)
		return;
	conn->nonce = get_random_u64();
	qbd_conn_hello(conn);
}

/* --- in ---------------------------------------------------------------- */

/* What is wrong with it, NULL if nothing is. */
static const char *qbd_conn_hello_wrong(const struct qbd_conn *conn,
					const struct qbd_msg_hello *hello)
{
	const struct qbd_node_spec *self = &conn->spec.node->spec;

	if (memcmp(hello->cluster, self->cluster, QBD_UUID_LEN))
		return "the peer is of another cluster";
	if (hello->lineage != self->lineage)
		return "the peer is of another lineage of the cluster";
	if (hello->node != conn->spec.peer->node)
		return "another node answered";
	if (hello->peer != self->id)
		return "the peer takes us for another node";
	if (hello->link != conn->spec.link)
		return "the peer means another link";
	/* each sends what is of a shard on the link that its own count says */
	if (hello->links != READ_ONCE(conn->spec.peer->links))
		return "the peer uses another number of links";
	if (!conn->spec.accept && hello->conn != conn->nonce)
		return "the peer answered to another connection";
	return NULL;
}

static void qbd_conn_recv_hello(struct qbd_conn *conn,
				const struct qbd_msg *msg)
{
	const char *wrong;

	if (msg->type != QBD_MSG_HELLO) {
		conn->counts.rx_bad++;
		qbd_conn_fail(conn, -EPROTO, "the peer did not say HELLO");
		return;
	}
	wrong = qbd_conn_hello_wrong(conn, &msg->hello);
	if (wrong) {
		conn->counts.rx_bad++;
		qbd_conn_fail(conn, -EPERM, wrong);
		return;
	}
	if (conn->spec.accept) {
		conn->nonce = msg->hello.conn;
		qbd_conn_hello(conn);
	}
	qbd_conn_up(conn);
}

static void qbd_conn_recv_beat(struct qbd_conn *conn)
{
	struct qbd_lease_stamp stamp = qbd_peer_stamp(conn->spec.peer);
	struct qbd_msg ack = {
		.type = QBD_MSG_HEARTBEAT_ACK,
		.beat = stamp.beat,
		.list = stamp.version,
	};

	qbd_conn_send(conn, &ack);
}

/* A replica set that makes no sense must not get as far as the log. */
static int qbd_conn_config_check(const struct qbd_payload *payload)
{
	struct qbd_config config;
	void *block = kmap_local_page(payload->page[0]);
	int err = qbd_config_decode(block, &config);

	kunmap_local(block);
	return err;
}

/* What is wrong with what follows the message, NULL if nothing is. */
static const char *qbd_conn_payload_wrong(const struct qbd_msg *msg)
{
	struct qbd_payload *payload = msg->payload;
	u32 crc;

	if (!qbd_wire_payload_crc(msg, &crc))
		return NULL;
	payload->crc = crc;
	if (qbd_payload_verify(payload, payload->nr_pages, crc))
		return "a payload came damaged";
	if (msg->type == QBD_MSG_APPEND && msg->append.op == QBD_OP_CONFIG &&
	    qbd_conn_config_check(payload))
		return "a replica set makes no sense";
	return NULL;
}

static void qbd_conn_recv_up(struct qbd_conn *conn, struct qbd_msg *msg)
{
	qbd_peer_heard(conn->spec.peer, msg, ktime_get_boottime_ns());
	switch (msg->type) {
	case QBD_MSG_HELLO:
		conn->counts.rx_bad++;
		qbd_conn_fail(conn, -EPROTO, "the peer said HELLO twice");
		break;
	case QBD_MSG_HEARTBEAT:
		qbd_conn_recv_beat(conn);
		break;
	case QBD_MSG_HEARTBEAT_ACK:
		break;
	default:
		qbd_shard_recv(conn, msg);
		break;
	}
}

/**
 * qbd_conn_stale() - what came is of no use here
 * @conn: the connection; the caller is its receiver
 * @msg: the message, of a replica, term or session that is not in use here
 *
 * A few are normal when a leader goes and another one comes, a stream of them
 * is not: all are counted, the first one of a connection is told.
 */
void qbd_conn_stale(struct qbd_conn *conn, const struct qbd_msg *msg)
{
	if (conn->counts.rx_stale++)
		return;
	pr_info_ratelimited(
		"node=%u peer=%u link=%u stale: %s volume=%u shard=%u replica=%llu term=%llu session=%llu (more are only counted)\n",
		conn->spec.node->spec.id, conn->spec.peer->node,
		conn->spec.link, qbd_msg_name(msg->type), msg->key.volume,
		msg->key.shard, msg->replica, msg->term, msg->session);
}

/**
 * qbd_conn_heard() - bytes came in
 * @conn: the connection
 *
 * Bytes, not messages: a large one may take long on a slow link, and a peer
 * that sends it is not silent.
 */
void qbd_conn_heard(struct qbd_conn *conn)
{
	WRITE_ONCE(conn->heard_ns, ktime_get_boottime_ns());
}

/**
 * qbd_conn_recv() - a message came in
 * @conn: the connection
 * @msg: decoded; the reference of its payload is used up
 * @len_bytes: without payload
 *
 * Context: process, one message at a time; no locks.
 */
void qbd_conn_recv(struct qbd_conn *conn, struct qbd_msg *msg, u32 len_bytes)
{
	struct qbd_payload *payload = msg->payload;
	const char *wrong;

	conn->counts.rx_msgs++;
	conn->counts.rx_bytes += len_bytes + msg->payload_bytes;
	wrong = qbd_conn_payload_wrong(msg);
	if (wrong) {
		conn->counts.rx_bad++;
		qbd_conn_fail(conn, -EBADMSG, wrong);
		goto put;
	}
	trace_qbd_msg_received(conn->spec.peer->node, conn->spec.link, msg);
	switch (READ_ONCE(conn->state)) {
	case QBD_CONN_HELLO:
		qbd_conn_recv_hello(conn, msg);
		break;
	case QBD_CONN_UP:
		qbd_conn_recv_up(conn, msg);
		/* a leader may have taken it */
		payload = msg->payload;
		break;
	case QBD_CONN_NONE:
	case QBD_CONN_DOWN:
		break;
	}
put:
	if (payload)
		qbd_payload_put(payload);
}

/* --- time, numbers ----------------------------------------------------- */

/**
 * qbd_conn_tick() - time went by
 * @conn: the connection
 * @now_ns: BOOTTIME
 */
void qbd_conn_tick(struct qbd_conn *conn, u64 now_ns)
{
	u64 silent_ms =
		max(QBD_CONN_SILENT_LEASES * conn->spec.node->spec.lease_ms,
		    QBD_CONN_SILENT_MS);

	if (READ_ONCE(conn->state) == QBD_CONN_HELLO) {
		if (now_ns >
		    conn->since_ns + QBD_CONN_HELLO_MS * (u64)NSEC_PER_MSEC)
			qbd_conn_fail(conn, -ETIMEDOUT, "no HELLO came");
		return;
	}
	if (now_ns > READ_ONCE(conn->heard_ns) + silent_ms * NSEC_PER_MSEC)
		qbd_conn_fail(conn, -ETIMEDOUT, "the peer is silent");
}

/**
 * qbd_conn_counts_add() - add what went over a connection
 * @conn: the connection
 * @sum: added to
 */
void qbd_conn_counts_add(struct qbd_conn *conn, struct qbd_conn_counts *sum)
{
	spin_lock(&conn->lock);
	sum->tx_msgs += conn->counts.tx_msgs;
	sum->tx_bytes += conn->counts.tx_bytes;
	sum->rx_msgs += READ_ONCE(conn->counts.rx_msgs);
	sum->rx_bytes += READ_ONCE(conn->counts.rx_bytes);
	sum->rx_bad += READ_ONCE(conn->counts.rx_bad);
	sum->rx_stale += READ_ONCE(conn->counts.rx_stale);
	spin_unlock(&conn->lock);
}
