// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP: connections on sockets that the daemon made and handed over.
 *
 * SENDING. Whoever queued a message tries to send it at once, if nobody else
 * is at it; else, and when the socket has no room, a work item goes on. The
 * header is copied, the payload's pages are spliced: the socket refers to them
 * until the peer has them, and the pool takes care of that (pages.h).
 *
 * RECEIVING. The socket's callback queues a work item, which reads one message
 * at a time with read_sock() straight into payload pages: the socket's lock is
 * held meanwhile, so that it is handed on only when that was dropped. Without
 * pages it stops, the window closes, and the pool wakes it.
 *
 * THE SOCKET keeps its callbacks' former owners, which are called as well. It
 * may be used while memory is reclaimed: no I/O for allocations, its own page
 * fragments, a share of the reserves. At the end it is aborted, so that what
 * it still had to send does not pin pages for minutes (the daemon may have the
 * file open yet).
 *
 * Locks: tcp->mutex around sending; sk_callback_lock around the callbacks.
 */
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "conn.h"
#include "core/wire.h"
#include "node.h"
#include "pages.h"
#include "peer.h"
#include "transport.h"

/**
 * struct qbd_tcp - a connection over TCP
 * @conn: what all connections have [own lock]
 * @sock: the socket, referenced [const until the end]
 * @mutex: one sender at a time
 * @out: message that is partly sent [mutex]
 * @more: another one followed it in the queue [mutex]
 * @sent_bytes: of it [mutex]
 * @hooked: the socket is prepared, its callbacks are ours [mutex]
 * @closing: nobody uses the socket any more [mutex]
 * @bvec: pages that are being sent [mutex]
 * @tx_work: sends [atomic]
 * @rx_work: receives [atomic]
 * @waiter: waits for pages [lock of the pool]
 * @have_bytes: of the message that comes in [owner: rx_work]
 * @need_bytes: of it, without payload; 0 until the head is there [owner:
 *	rx_work]
 * @payload_bytes: of its payload [owner: rx_work]
 * @full: it is there [owner: rx_work]
 * @no_pages: there are no pages for it [owner: rx_work]
 * @error: it makes no sense [owner: rx_work]
 * @msg: the message [owner: rx_work]
 * @buf: head, shard, body [owner: rx_work]
 * @data_ready: former callback of the socket [const once set]
 * @write_space: likewise [const once set]
 * @state_change: likewise [const once set]
 */
struct qbd_tcp {
	struct qbd_conn conn;
	struct socket *sock;
	struct mutex mutex; /* one sender; under no lock of locking.h */
	struct qbd_out *out;
	bool more;
	u32 sent_bytes;
	bool hooked;
	bool closing;
	struct bio_vec bvec[QBD_PAYLOAD_PAGES_MAX];
	struct work_struct tx_work;
	struct work_struct rx_work;
	struct qbd_pool_waiter waiter;
	u32 have_bytes;
	u32 need_bytes;
	u32 payload_bytes;
	bool full;
	bool no_pages;
	int error;
	struct qbd_msg msg;
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
};

static struct qbd_tcp *qbd_tcp(struct qbd_conn *conn)
{
	return container_of(conn, struct qbd_tcp, conn);
}

static struct workqueue_struct *qbd_tcp_wq(struct qbd_tcp *tcp)
{
	return tcp->conn.spec.node->io_wq;
}

/* --- sending ----------------------------------------------------------- */

static int qbd_tcp_send_head(struct qbd_tcp *tcp, u32 flags)
{
	struct qbd_out *out = tcp->out;
	struct kvec vec = {
		.iov_base = out->buf + tcp->sent_bytes,
		.iov_len = out->len - tcp->sent_bytes,
	};
	struct msghdr hdr = { .msg_flags = flags };

	if (out->payload)
		hdr.msg_flags |= MSG_MORE;
	return kernel_sendmsg(tcp->sock, &hdr, &vec, 1, vec.iov_len);
}

static int qbd_tcp_send_payload(struct qbd_tcp *tcp, u32 flags)
{
	struct qbd_payload *payload = tcp->out->payload;
	struct msghdr hdr = { .msg_flags = flags | MSG_SPLICE_PAGES };
	u32 done = tcp->sent_bytes - tcp->out->len;
	u32 bytes = payload->nr_pages * QBD_BLOCK_SIZE - done;
	u32 first = done / QBD_BLOCK_SIZE;
	u32 nr = payload->nr_pages - first;
	u32 i;

	for (i = 0; i < nr; i++)
		bvec_set_page(&tcp->bvec[i], payload->page[first + i],
			      QBD_BLOCK_SIZE, 0);
	tcp->bvec[0].bv_offset = done % QBD_BLOCK_SIZE;
	tcp->bvec[0].bv_len -= done % QBD_BLOCK_SIZE;
	iov_iter_bvec(&hdr.msg_iter, ITER_SOURCE, tcp->bvec, nr, bytes);
	return sock_sendmsg(tcp->sock, &hdr);
}

/* Send on; 0 once the message is out, -EAGAIN if the socket is full. */
static int qbd_tcp_send_out(struct qbd_tcp *tcp)
{
	u32 flags = MSG_DONTWAIT | MSG_NOSIGNAL | (tcp->more ? MSG_MORE : 0);
	struct qbd_out *out = tcp->out;
	u32 bytes = out->len;
	int ret;

	if (out->payload)
		bytes += out->payload->nr_pages * QBD_BLOCK_SIZE;
	while (tcp->sent_bytes < bytes) {
		if (tcp->sent_bytes < out->len)
			ret = qbd_tcp_send_head(tcp, flags);
		else
			ret = qbd_tcp_send_payload(tcp, flags);
		if (ret < 0)
			return ret;
		tcp->sent_bytes += ret;
	}
	return 0;
}

/* Send what is queued, up to a batch; 0 if all of it is out. */
static int qbd_tcp_send_queue(struct qbd_tcp *tcp)
{
	u32 done;
	int err;

	lockdep_assert_held(&tcp->mutex);
	for (done = 0; done < QBD_CONN_BATCH && !tcp->closing; done++) {
		if (!tcp->out) {
			tcp->out = qbd_conn_next(&tcp->conn, &tcp->more);
			tcp->sent_bytes = 0;
		}
		if (!tcp->out)
			return 0;
		err = qbd_tcp_send_out(tcp);
		if (err)
			return err;
		qbd_conn_sent(&tcp->conn, tcp->out);
		tcp->out = NULL;
	}
	return tcp->closing ? 0 : -EINTR;
}

/* Called with the mutex, returns without. */
static void qbd_tcp_send_some(struct qbd_tcp *tcp)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	int err = qbd_tcp_send_queue(tcp);

	memalloc_noreclaim_restore(noreclaim);
	mutex_unlock(&tcp->mutex);
	switch (err) {
	case 0:
	case -EAGAIN: /* the socket's callback comes */
		break;
	case -EINTR: /* a batch was sent, or this task has a signal */
	case -ERESTARTSYS:
		queue_work(qbd_tcp_wq(tcp), &tcp->tx_work);
		break;
	default:
		qbd_conn_fail(&tcp->conn, err, "the socket does not send");
		break;
	}
}

static void qbd_tcp_tx_work(struct work_struct *work)
{
	struct qbd_tcp *tcp = container_of(work, struct qbd_tcp, tx_work);

	mutex_lock(&tcp->mutex);
	qbd_tcp_send_some(tcp);
}

/* Whoever has the mutex may have looked at the queue before: ask for more. */
static void qbd_tcp_send(struct qbd_conn *conn)
{
	struct qbd_tcp *tcp = qbd_tcp(conn);

	if (mutex_trylock(&tcp->mutex))
		qbd_tcp_send_some(tcp);
	else
		queue_work(qbd_tcp_wq(tcp), &tcp->tx_work);
}

/* --- receiving --------------------------------------------------------- */

/* What peers send has pages of its own, see pages.h. */
static struct qbd_pool *qbd_tcp_pool(const struct qbd_tcp *tcp)
{
	return &tcp->conn.spec.node->pools.pool[QBD_POOL_PEER];
}

static void qbd_tcp_pages_wake(struct qbd_pool_waiter *waiter)
{
	struct qbd_tcp *tcp = container_of(waiter, struct qbd_tcp, waiter);

	queue_work(qbd_tcp_wq(tcp), &tcp->rx_work);
}

/* The first bytes of @skb into @to, as far as they go; the number of them. */
static u32 qbd_tcp_copy(struct sk_buff *skb, u32 offset, u32 len, void *to,
			u32 want)
{
	u32 bytes = min(len, want);

	return skb_copy_bits(skb, offset, to, bytes) ? 0 : bytes;
}

/* A part of head, shard and body. */
static u32 qbd_tcp_recv_head(struct qbd_tcp *tcp, struct sk_buff *skb,
			     u32 offset, u32 len)
{
	u32 want = tcp->need_bytes ?: QBD_WIRE_HEAD;
	u32 bytes;

	bytes = qbd_tcp_copy(skb, offset, len, tcp->buf + tcp->have_bytes,
			     want - tcp->have_bytes);
	tcp->have_bytes += bytes;
	if (tcp->have_bytes < want)
		return bytes;
	if (!tcp->need_bytes) {
		int need = qbd_wire_head_check(tcp->buf);

		if (need < 0)
			tcp->error = need;
		else
			tcp->need_bytes = need;
	}
	if (tcp->error || tcp->have_bytes < tcp->need_bytes)
		return bytes;
	tcp->error = qbd_wire_decode(tcp->buf, tcp->need_bytes, &tcp->msg);
	tcp->payload_bytes = tcp->msg.payload_bytes;
	tcp->full = !tcp->error && !tcp->payload_bytes;
	return bytes;
}

/* A part of the payload, at most to the end of a page. */
static u32 qbd_tcp_recv_payload(struct qbd_tcp *tcp, struct sk_buff *skb,
				u32 offset, u32 len)
{
	u32 done = tcp->have_bytes - tcp->need_bytes;
	struct qbd_payload *payload = tcp->msg.payload;
	u32 at = done % QBD_BLOCK_SIZE;
	struct page *page;
	u32 bytes;

	if (!payload) {
		payload = qbd_payload_alloc(
			qbd_tcp_pool(tcp), tcp->payload_bytes / QBD_BLOCK_SIZE);
		tcp->msg.payload = payload;
	}
	if (!payload) {
		tcp->no_pages = true;
		return 0;
	}
	page = payload->page[done / QBD_BLOCK_SIZE];
	bytes = qbd_tcp_copy(skb, offset, len, page_address(page) + at,
			     min(QBD_BLOCK_SIZE - at,
				 tcp->payload_bytes - done));
	tcp->have_bytes += bytes;
	tcp->full = done + bytes == tcp->payload_bytes;
	return bytes;
}

static int qbd_tcp_actor(read_descriptor_t *desc, struct sk_buff *skb,
			 unsigned int offset, size_t len)
{
	struct qbd_tcp *tcp = desc->arg.data;
	u32 used = 0;
	u32 bytes;

	while (used < len && !tcp->full && !tcp->error) {
		if (!tcp->need_bytes || tcp->have_bytes < tcp->need_bytes)
			bytes = qbd_tcp_recv_head(tcp, skb, offset + used,
						  len - used);
		else
			bytes = qbd_tcp_recv_payload(tcp, skb, offset + used,
						     len - used);
		if (!bytes)
			break;
		used += bytes;
	}
	if (tcp->full)
		desc->count = 0;
	return used;
}

/* Read on; true if there may be more to be had. */
static bool qbd_tcp_recv_one(struct qbd_tcp *tcp)
{
	read_descriptor_t desc = { .arg.data = tcp, .count = 1 };
	struct sock *sk = tcp->sock->sk;
	u32 len;
	int ret;

	tcp->no_pages = false;
	lock_sock(sk);
	ret = tcp->sock->ops->read_sock(sk, &desc, qbd_tcp_actor);
	release_sock(sk);
	if (ret > 0)
		qbd_conn_heard(&tcp->conn);
	if (tcp->error) {
		tcp->conn.counts.rx_bad++;
		qbd_conn_fail(&tcp->conn, tcp->error,
			      "what came is no message");
		return false;
	}
	if (tcp->full) {
		struct qbd_msg msg = tcp->msg;

		len = tcp->need_bytes;
		tcp->full = false;
		tcp->have_bytes = 0;
		tcp->need_bytes = 0;
		tcp->msg.payload = NULL;
		qbd_conn_recv(&tcp->conn, &msg, len);
		return true;
	}
	if (tcp->no_pages) {
		qbd_pool_wait(qbd_tcp_pool(tcp), &tcp->waiter);
		return false;
	}
	if (ret < 0 && ret != -EAGAIN)
		qbd_conn_fail(&tcp->conn, ret, "the socket does not receive");
	else if (READ_ONCE(sk->sk_err) || sk->sk_shutdown & RCV_SHUTDOWN ||
		 sk->sk_state != TCP_ESTABLISHED)
		qbd_conn_fail(&tcp->conn, -sk->sk_err ?: -ECONNRESET,
			      "the peer closed it");
	return false;
}

static void qbd_tcp_rx_work(struct work_struct *work)
{
	struct qbd_tcp *tcp = container_of(work, struct qbd_tcp, rx_work);
	u32 done;

	for (done = 0; done < QBD_CONN_BATCH; done++) {
		if (READ_ONCE(tcp->conn.state) == QBD_CONN_DOWN ||
		    !qbd_tcp_recv_one(tcp))
			return;
	}
	queue_work(qbd_tcp_wq(tcp), &tcp->rx_work);
}

/* --- the socket -------------------------------------------------------- */

/* Whose callbacks are called; with the callback lock. */
static struct qbd_tcp *qbd_tcp_owner(struct sock *sk)
{
	return __locked_read_sk_user_data_with_flags(sk, SK_USER_DATA_NOCOPY);
}

static void qbd_tcp_data_ready(struct sock *sk)
{
	void (*former)(struct sock *) = NULL;
	struct qbd_tcp *tcp;

	read_lock_bh(&sk->sk_callback_lock);
	tcp = qbd_tcp_owner(sk);
	if (tcp) {
		former = tcp->data_ready;
		queue_work(qbd_tcp_wq(tcp), &tcp->rx_work);
	}
	read_unlock_bh(&sk->sk_callback_lock);
	if (former)
		former(sk);
}

static void qbd_tcp_write_space(struct sock *sk)
{
	void (*former)(struct sock *) = NULL;
	struct qbd_tcp *tcp;

	read_lock_bh(&sk->sk_callback_lock);
	tcp = qbd_tcp_owner(sk);
	if (tcp) {
		former = tcp->write_space;
		if (sk_stream_is_writeable(sk))
			queue_work(qbd_tcp_wq(tcp), &tcp->tx_work);
	}
	read_unlock_bh(&sk->sk_callback_lock);
	if (former)
		former(sk);
}

static void qbd_tcp_state_change(struct sock *sk)
{
	void (*former)(struct sock *) = NULL;
	struct qbd_tcp *tcp;

	read_lock_bh(&sk->sk_callback_lock);
	tcp = qbd_tcp_owner(sk);
	if (tcp) {
		former = tcp->state_change;
		queue_work(qbd_tcp_wq(tcp), &tcp->rx_work);
	}
	read_unlock_bh(&sk->sk_callback_lock);
	if (former)
		former(sk);
}

/*
 * The socket is ours from here on: -EBUSY if somebody has it already. He may be
 * a connection of ours, or of another subsystem; what is done to the socket at
 * the end of a connection would be the end of his.
 */
static int qbd_tcp_claim(struct qbd_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;
	int err = 0;

	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data)
		err = -EBUSY;
	else
		__rcu_assign_sk_user_data_with_flags(sk, tcp,
						     SK_USER_DATA_NOCOPY);
	write_unlock_bh(&sk->sk_callback_lock);
	return err;
}

static void qbd_tcp_hook(struct qbd_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	tcp->data_ready = sk->sk_data_ready;
	tcp->write_space = sk->sk_write_space;
	tcp->state_change = sk->sk_state_change;
	sk->sk_data_ready = qbd_tcp_data_ready;
	sk->sk_write_space = qbd_tcp_write_space;
	sk->sk_state_change = qbd_tcp_state_change;
	write_unlock_bh(&sk->sk_callback_lock);
}

static void qbd_tcp_unhook(struct qbd_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	if (tcp->hooked) {
		sk->sk_data_ready = tcp->data_ready;
		sk->sk_write_space = tcp->write_space;
		sk->sk_state_change = tcp->state_change;
	}
	rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * A lock class of its own: other sockets' locks are held while memory is
 * allocated that this one's traffic may have to free.
 */
static void qbd_tcp_reclassify(struct sock *sk)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	static struct lock_class_key key[4];

	if (!sock_allow_reclassification(sk))
		return;
	if (sk->sk_family == AF_INET6)
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-QBD", &key[0],
					      "sk_lock-AF_INET6-QBD", &key[1]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET-QBD", &key[2],
					      "sk_lock-AF_INET-QBD", &key[3]);
#endif
}

/* In this order: no allocation of the socket may start I/O from here on. */
static void qbd_tcp_tune(struct sock *sk, u32 timeout_ms)
{
	lock_sock(sk);
	sk->sk_allocation = GFP_NOIO;
	sk->sk_use_task_frag = false;
	sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sk->sk_sndbuf, QBD_TCP_SNDBUF);
	release_sock(sk);
	sk_set_memalloc(sk);
	tcp_sock_set_nodelay(sk);
	tcp_sock_set_user_timeout(sk, timeout_ms);
}

static int qbd_tcp_check(const struct qbd_conn_spec *spec, struct sock *sk,
			 struct qbd_refusal *why)
{
	if (!sk_is_tcp(sk))
		return qbd_refuse(why, -EPROTONOSUPPORT, QBD_A_LINK_FD,
				  "this is no TCP socket");
	if (sk->sk_state != TCP_ESTABLISHED)
		return qbd_refuse(why, -ENOTCONN, QBD_A_LINK_FD,
				  "this socket is not connected");
	if (!net_eq(sock_net(sk), spec->node->net))
		return qbd_refuse(why, -EXDEV, QBD_A_LINK_FD,
				  "it is of another network namespace");
	if (inet_csk(sk)->icsk_ulp_ops)
		return qbd_refuse(why, -EOPNOTSUPP, QBD_A_LINK_FD,
				  "TLS sockets are not supported yet");
	return 0;
}

static struct qbd_tcp *qbd_tcp_alloc(void)
{
	struct qbd_tcp *tcp = kvzalloc(sizeof(*tcp), GFP_KERNEL);

	if (!tcp)
		return NULL;
	mutex_init(&tcp->mutex);
	INIT_WORK(&tcp->tx_work, qbd_tcp_tx_work);
	INIT_WORK(&tcp->rx_work, qbd_tcp_rx_work);
	INIT_LIST_HEAD(&tcp->waiter.entry);
	tcp->waiter.wake = qbd_tcp_pages_wake;
	return tcp;
}

static void qbd_tcp_free(struct qbd_tcp *tcp)
{
	mutex_destroy(&tcp->mutex);
	kvfree(tcp);
}

static struct qbd_conn *qbd_tcp_adopt(const struct qbd_conn_spec *spec,
				      struct socket *sock,
				      struct qbd_refusal *why)
{
	struct qbd_tcp *tcp;
	int err;

	err = qbd_tcp_check(spec, sock->sk, why);
	if (err)
		return ERR_PTR(err);
	tcp = qbd_tcp_alloc();
	if (!tcp)
		return ERR_PTR(-ENOMEM);
	tcp->sock = sock;
	err = qbd_tcp_claim(tcp);
	if (err) {
		qbd_tcp_free(tcp);
		return ERR_PTR(qbd_refuse(why, err, QBD_A_LINK_FD,
					  "somebody else uses the socket"));
	}
	qbd_conn_init(&tcp->conn, &qbd_tcp_ops, spec);
	return &tcp->conn;
}

/* The mutex: the end may come at once, and the socket goes with it. */
static void qbd_tcp_start(struct qbd_conn *conn)
{
	struct qbd_tcp *tcp = qbd_tcp(conn);
	u32 lease_ms = conn->spec.node->spec.lease_ms;
	bool closing;

	mutex_lock(&tcp->mutex);
	closing = tcp->closing;
	if (!closing) {
		qbd_tcp_reclassify(tcp->sock->sk);
		qbd_tcp_hook(tcp);
		qbd_tcp_tune(tcp->sock->sk,
			     max(QBD_CONN_SILENT_MS,
				 QBD_CONN_SILENT_LEASES * lease_ms));
		tcp->hooked = true;
		/* what came before the callbacks were ours */
		queue_work(qbd_tcp_wq(tcp), &tcp->rx_work);
	}
	mutex_unlock(&tcp->mutex);
	if (!closing)
		qbd_conn_begin(conn);
}

static void qbd_tcp_shutdown(struct qbd_conn *conn)
{
	struct qbd_tcp *tcp = qbd_tcp(conn);
	struct sock *sk = tcp->sock->sk;

	mutex_lock(&tcp->mutex);
	tcp->closing = true;
	mutex_unlock(&tcp->mutex);
	qbd_tcp_unhook(tcp);
	/* no more callbacks, and neither work item queues itself any more */
	qbd_pool_wait_cancel(qbd_tcp_pool(tcp), &tcp->waiter);
	cancel_work_sync(&tcp->rx_work);
	qbd_pool_wait_cancel(qbd_tcp_pool(tcp), &tcp->waiter);
	cancel_work_sync(&tcp->rx_work);
	cancel_work_sync(&tcp->tx_work);
	if (tcp->out)
		qbd_conn_sent(conn, tcp->out);
	tcp->out = NULL;
	if (tcp->msg.payload)
		qbd_payload_put(tcp->msg.payload);
	tcp->msg.payload = NULL;
	tcp_abort(sk, ECONNABORTED);
	if (tcp->hooked)
		sk_clear_memalloc(sk);
	sockfd_put(tcp->sock);
}

/* A late sender may have queued a work item, which has nothing to do. */
static void qbd_tcp_release(struct qbd_conn *conn)
{
	struct qbd_tcp *tcp = qbd_tcp(conn);

	cancel_work_sync(&tcp->tx_work);
	qbd_tcp_free(tcp);
}

const struct qbd_transport_ops qbd_tcp_ops = {
	.name = "tcp",
	.owner = THIS_MODULE,
	.adopt = qbd_tcp_adopt,
	.start = qbd_tcp_start,
	.send = qbd_tcp_send,
	.shutdown = qbd_tcp_shutdown,
	.release = qbd_tcp_release,
};
