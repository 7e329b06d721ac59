// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loop: connections between two nodes of one kernel, in memory.
 *
 * For tests and trials: it can lose messages, keep them for a while, and let
 * one overtake another, which no TCP does. The nodes know no difference.
 *
 * The two ends of an AF_UNIX socketpair say who belongs together: one is handed
 * to each node. Nothing is ever sent through them.
 *
 *	queue of A --> flight of A --> qbd_conn_recv() of B
 *	qbd_conn_recv() of A <-- flight of B <-- queue of B
 *
 * An end takes messages from its connection's queue into its flight, a ring,
 * and its work item gives them to the other end when they are due. The payload
 * is copied there: nodes have pools of their own.
 *
 * Either end may be shut down first. It takes back its reference of the other
 * one, and waits for both work items: nothing is handed over after that.
 *
 * Locks: qbd_loops_lock around the list and the pairs; an end's lock around its
 * flight. Both are of rank WIRE and never held together.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <net/af_unix.h>
#include <net/sock.h>

#include "conn.h"
#include "core/wire.h"
#include "node.h"
#include "pages.h"
#include "transport.h"

#define QBD_LOOP_PPM 1000000U

static unsigned int loop_delay_ms;
module_param(loop_delay_ms, uint, 0644);
MODULE_PARM_DESC(loop_delay_ms, "loop transport: ms that a message takes");

static unsigned int loop_drop_ppm;
module_param(loop_drop_ppm, uint, 0644);
MODULE_PARM_DESC(loop_drop_ppm, "loop transport: messages lost, of a million");

static unsigned int loop_swap_ppm;
module_param(loop_swap_ppm, uint, 0644);
MODULE_PARM_DESC(loop_swap_ppm,
		 "loop transport: messages that overtake another, of a million");

static unsigned int loop_seed = 1;
module_param(loop_seed, uint, 0644);
MODULE_PARM_DESC(loop_seed, "loop transport: what chance begins with");

/**
 * struct qbd_loop_flight - a message under way
 * @out: the message; still counted in the connection's queue
 * @due_ns: BOOTTIME when it arrives
 */
struct qbd_loop_flight {
	struct qbd_out *out;
	u64 due_ns;
};

/**
 * struct qbd_loop - one end of a pair
 * @conn: what all connections have [own lock]
 * @sock: an end of a socketpair, referenced [const until the end]
 * @far: socket of its other end, referenced [const]
 * @entry: in qbd_loops until the other end comes [qbd_loops_lock]
 * @other: the other end, referenced, or NULL [qbd_loops_lock]
 * @closed: it was shut down [qbd_loops_lock]
 * @lock: rank WIRE
 * @rnd: chance [lock]
 * @first: oldest message of @flight [lock]
 * @nr: messages in it [lock]
 * @flight: messages under way, a ring; the oldest one belongs to @work [lock]
 * @work: hands over what is due [atomic]
 * @waiter: waits for pages of the other node [lock of its pool]
 */
struct qbd_loop {
	struct qbd_conn conn;
	struct socket *sock;
	struct sock *far;
	struct list_head entry;
	struct qbd_loop *other;
	bool closed;
	spinlock_t lock; /* rank WIRE */
	struct rnd_state rnd;
	u32 first;
	u32 nr;
	struct qbd_loop_flight flight[QBD_LOOP_FLIGHT];
	struct delayed_work work;
	struct qbd_pool_waiter waiter;
};

static LIST_HEAD(qbd_loops);
static DEFINE_SPINLOCK(qbd_loops_lock); /* rank WIRE */

static struct qbd_loop *qbd_loop(struct qbd_conn *conn)
{
	return container_of(conn, struct qbd_loop, conn);
}

static void qbd_loop_kick(struct qbd_loop *loop, u64 delay_ns)
{
	queue_delayed_work(loop->conn.spec.node->io_wq, &loop->work,
			   nsecs_to_jiffies(delay_ns + TICK_NSEC - 1));
}

/* --- out --------------------------------------------------------------- */

static bool __qbd_loop_chance(struct qbd_loop *loop, u32 ppm)
{
	lockdep_assert_held(&loop->lock);
	return ppm && prandom_u32_state(&loop->rnd) % QBD_LOOP_PPM < ppm;
}

static struct qbd_loop_flight *__qbd_loop_at(struct qbd_loop *loop, u32 nr)
{
	lockdep_assert_held(&loop->lock);
	return &loop->flight[(loop->first + nr) % QBD_LOOP_FLIGHT];
}

/* The oldest one stays where it is: it may be just being handed over. */
static void __qbd_loop_add(struct qbd_loop *loop, struct qbd_out *out)
{
	struct qbd_loop_flight *last = __qbd_loop_at(loop, loop->nr);

	lockdep_assert_held(&loop->lock);
	last->out = out;
	last->due_ns = ktime_get_boottime_ns() +
		       READ_ONCE(loop_delay_ms) * (u64)NSEC_PER_MSEC;
	loop->nr++;
	if (loop->nr > 2 && __qbd_loop_chance(loop, READ_ONCE(loop_swap_ppm)))
		swap(last->out, __qbd_loop_at(loop, loop->nr - 2)->out);
}

/* From the queue into the flight, as much as it takes. */
static void qbd_loop_fill(struct qbd_loop *loop)
{
	struct qbd_out *out;
	bool more;

	spin_lock(&loop->lock);
	while (loop->nr < QBD_LOOP_FLIGHT) {
		out = qbd_conn_next(&loop->conn, &more);
		if (!out)
			break;
		if (__qbd_loop_chance(loop, READ_ONCE(loop_drop_ppm)))
			qbd_conn_sent(&loop->conn, out);
		else
			__qbd_loop_add(loop, out);
	}
	spin_unlock(&loop->lock);
}

static void qbd_loop_send(struct qbd_conn *conn)
{
	qbd_loop_fill(qbd_loop(conn));
	qbd_loop_kick(qbd_loop(conn), 0);
}

/* --- across ------------------------------------------------------------ */

/* The oldest message, if it is due; else the work item comes when it is. */
static struct qbd_out *qbd_loop_due(struct qbd_loop *loop)
{
	struct qbd_out *out = NULL;
	u64 now_ns = ktime_get_boottime_ns();
	u64 due_ns = 0;

	spin_lock(&loop->lock);
	if (loop->nr) {
		out = __qbd_loop_at(loop, 0)->out;
		due_ns = __qbd_loop_at(loop, 0)->due_ns;
	}
	spin_unlock(&loop->lock);
	if (due_ns <= now_ns)
		return out;
	qbd_loop_kick(loop, due_ns - now_ns);
	return NULL;
}

/* The oldest message is over. */
static void qbd_loop_pop(struct qbd_loop *loop, struct qbd_out *out)
{
	spin_lock(&loop->lock);
	loop->first = (loop->first + 1) % QBD_LOOP_FLIGHT;
	loop->nr--;
	spin_unlock(&loop->lock);
	qbd_conn_sent(&loop->conn, out);
}

static int qbd_loop_copy(struct qbd_pool *pool, const struct qbd_out *out,
			 struct qbd_msg *msg)
{
	struct qbd_payload *payload;
	u32 i;

	if (!msg->payload_bytes)
		return 0;
	payload = qbd_payload_alloc(pool, msg->payload_bytes / QBD_BLOCK_SIZE);
	if (!payload)
		return -ENOMEM;
	for (i = 0; i < payload->nr_pages; i++)
		memcpy(page_address(payload->page[i]),
		       page_address(out->payload->page[i]), QBD_BLOCK_SIZE);
	msg->payload = payload;
	return 0;
}

/* Hand the oldest message over; true if the next one may be looked at. */
static bool qbd_loop_hand_over(struct qbd_loop *loop, struct qbd_conn *to)
{
	struct qbd_pool *pool = &to->spec.node->pools.pool[QBD_POOL_PEER];
	struct qbd_out *out = qbd_loop_due(loop);
	struct qbd_msg msg;
	u32 len;
	int err;

	if (!out)
		return false;
	len = out->len;
	err = qbd_wire_decode(out->buf, len, &msg);
	msg.payload = NULL;
	if (!err)
		err = qbd_loop_copy(pool, out, &msg);
	if (err == -ENOMEM) {
		qbd_pool_wait(pool, &loop->waiter);
		return false;
	}
	qbd_loop_pop(loop, out);
	if (err) {
		qbd_conn_fail(to, err, "what came is no message");
		return false;
	}
	qbd_conn_heard(to);
	qbd_conn_recv(to, &msg, len);
	return true;
}

/* The other end, with a reference; NULL if one of the two is closed. */
static struct qbd_loop *qbd_loop_other(struct qbd_loop *loop)
{
	struct qbd_loop *other;

	spin_lock(&qbd_loops_lock);
	other = loop->other;
	if (loop->closed || (other && other->closed))
		other = NULL;
	if (other)
		qbd_conn_get(&other->conn);
	spin_unlock(&qbd_loops_lock);
	return other;
}

static void qbd_loop_work(struct work_struct *work)
{
	struct qbd_loop *loop =
		container_of(to_delayed_work(work), struct qbd_loop, work);
	struct qbd_loop *other;
	bool more = true;
	u32 done;

	for (done = 0; more && done < QBD_CONN_BATCH; done++) {
		qbd_loop_fill(loop);
		other = qbd_loop_other(loop);
		if (!other)
			return;
		more = qbd_loop_hand_over(loop, &other->conn);
		qbd_conn_put(&other->conn);
	}
	if (more)
		qbd_loop_kick(loop, 0);
}

static void qbd_loop_pages_wake(struct qbd_pool_waiter *waiter)
{
	qbd_loop_kick(container_of(waiter, struct qbd_loop, waiter), 0);
}

/* --- life -------------------------------------------------------------- */

static int qbd_loop_check(struct sock *sk, struct qbd_refusal *why)
{
	if (sk->sk_family != AF_UNIX || sk->sk_type != SOCK_STREAM)
		return qbd_refuse(why, -EPROTONOSUPPORT, QBD_A_LINK_FD,
				  "this is no stream socket of AF_UNIX");
	if (sk->sk_state != TCP_ESTABLISHED)
		return qbd_refuse(why, -ENOTCONN, QBD_A_LINK_FD,
				  "this socket is not connected");
	return 0;
}

static struct qbd_loop *qbd_loop_alloc(const struct qbd_conn_spec *spec)
{
	struct qbd_loop *loop = kvzalloc(sizeof(*loop), GFP_KERNEL);
	u64 seed = READ_ONCE(loop_seed);

	if (!loop)
		return NULL;
	spin_lock_init(&loop->lock);
	seed += (u64)spec->node->spec.id << 32 | spec->link << 16;
	prandom_seed_state(&loop->rnd, seed);
	INIT_LIST_HEAD(&loop->entry);
	INIT_DELAYED_WORK(&loop->work, qbd_loop_work);
	INIT_LIST_HEAD(&loop->waiter.entry);
	loop->waiter.wake = qbd_loop_pages_wake;
	return loop;
}

static struct qbd_conn *qbd_loop_adopt(const struct qbd_conn_spec *spec,
				       struct socket *sock,
				       struct qbd_refusal *why)
{
	struct qbd_loop *loop;
	int err;

	err = qbd_loop_check(sock->sk, why);
	if (err)
		return ERR_PTR(err);
	loop = qbd_loop_alloc(spec);
	if (!loop)
		return ERR_PTR(-ENOMEM);
	loop->far = unix_peer_get(sock->sk);
	if (!loop->far) {
		kvfree(loop);
		return ERR_PTR(qbd_refuse(why, -ENOTCONN, QBD_A_LINK_FD,
					  "this socket has no other end"));
	}
	loop->sock = sock;
	qbd_conn_init(&loop->conn, &qbd_loop_ops, spec);
	return &loop->conn;
}

/* Find the other end, or wait in the list; whoever is in it has its socket. */
static struct qbd_loop *qbd_loop_pair(struct qbd_loop *loop)
{
	struct qbd_loop *other, *found = NULL;

	spin_lock(&qbd_loops_lock);
	list_for_each_entry(other, &qbd_loops, entry)
		if (other->sock->sk == loop->far)
			found = other;
	if (loop->closed) {
		found = NULL;
	} else if (found) {
		list_del_init(&found->entry);
		loop->other = qbd_loop(qbd_conn_get(&found->conn));
		found->other = qbd_loop(qbd_conn_get(&loop->conn));
		qbd_conn_get(&found->conn);
	} else {
		list_add(&loop->entry, &qbd_loops);
	}
	spin_unlock(&qbd_loops_lock);
	return found;
}

/*
 * Nobody speaks before both are there. The end may come at once, and our socket
 * goes with it: it is not looked at any more.
 */
static void qbd_loop_start(struct qbd_conn *conn)
{
	struct qbd_loop *other = qbd_loop_pair(qbd_loop(conn));

	if (!other)
		return;
	qbd_conn_begin(&other->conn);
	qbd_conn_begin(conn);
	qbd_conn_put(&other->conn);
}

static void qbd_loop_part(struct qbd_loop *loop, struct qbd_loop *other)
{
	qbd_pool_wait_cancel(&other->conn.spec.node->pools.pool[QBD_POOL_PEER],
			     &loop->waiter);
	cancel_delayed_work_sync(&loop->work);
	/* it may be handing something over to us */
	cancel_delayed_work_sync(&other->work);
	qbd_conn_fail(&other->conn, -ECONNRESET, "the peer closed it");
	qbd_conn_put(&other->conn);
}

static void qbd_loop_shutdown(struct qbd_conn *conn)
{
	struct qbd_loop *loop = qbd_loop(conn);
	struct qbd_loop *other;

	spin_lock(&qbd_loops_lock);
	loop->closed = true;
	list_del_init(&loop->entry);
	other = loop->other;
	loop->other = NULL;
	spin_unlock(&qbd_loops_lock);
	cancel_delayed_work_sync(&loop->work);
	if (other)
		qbd_loop_part(loop, other);
	while (loop->nr)
		qbd_loop_pop(loop, loop->flight[loop->first].out);
	sockfd_put(loop->sock);
}

/* A late sender may have queued the work item, which has nothing to do. */
static void qbd_loop_release(struct qbd_conn *conn)
{
	struct qbd_loop *loop = qbd_loop(conn);

	cancel_delayed_work_sync(&loop->work);
	sock_put(loop->far);
	kvfree(loop);
}

const struct qbd_transport_ops qbd_loop_ops = {
	.name = "loop",
	.owner = THIS_MODULE,
	.adopt = qbd_loop_adopt,
	.start = qbd_loop_start,
	.send = qbd_loop_send,
	.shutdown = qbd_loop_shutdown,
	.release = qbd_loop_release,
};
