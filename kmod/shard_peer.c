// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shard and its peers: what comes from them, what goes to them, which of
 * them can be reached.
 *
 * Messages leave in the order of the actions, over the one link that the
 * shard's name says, so that they come in this order while the link lasts.
 * Records for a replica that is behind are read from the log first; they stay
 * in order among themselves.
 *
 * Context: process, no locks.
 */
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include "conn.h"
#include "peer.h"
#include "shard.h"
#include "store.h"
#include "volume.h"

/* --- in ---------------------------------------------------------------- */

/* There is no such replica here, and the leader shall not wait for it. */
static void qbd_shard_unknown(struct qbd_conn *conn, const struct qbd_msg *to)
{
	struct qbd_msg msg = {
		.type = QBD_MSG_NACK,
		.key = to->key,
		.replica = to->replica,
		.term = to->term,
		.nonce = to->nonce,
		.epoch = to->epoch,
		.session = to->session,
		.nack = {
			.reason = QBD_NACK_UNKNOWN,
			.request = to->type,
			.id = to->type == QBD_MSG_READ ? to->read.id : 0,
		},
	};

	if (qbd_msg_from_leader(to))
		qbd_conn_send(conn, &msg);
}

/*
 * Is it asked in a term or a session that the replica has left behind? It says
 * so, or drops what only a session that is over can have sent.
 */
static bool __qbd_shard_request_stale(const struct qbd_shard *shard,
				      const struct qbd_msg *msg)
{
	const struct qbd_replica_core *rep = &shard->rep;

	qbd_assert_shard_locked(shard);
	/* between replicas of a resync the source is named */
	if ((msg->replica != shard->replica && qbd_msg_from_leader(msg)) ||
	    msg->term < rep->promise.term)
		return true;
	if (msg->term > rep->promise.term)
		return false;
	return msg->nonce != rep->promise.nonce ||
	       (msg->type == QBD_MSG_APPEND && msg->session < rep->session);
}

/*
 * Is it an answer to what nobody here asks any more? Those to a READ or a FETCH
 * have numbers of their own; a refusal may fence a leader of any session.
 */
static bool __qbd_shard_answer_stale(const struct qbd_shard *shard, u32 node,
				     const struct qbd_msg *msg)
{
	const struct qbd_set *set;
	int member;

	qbd_assert_shard_locked(shard);
	if (!shard->lead || msg->term != shard->term ||
	    msg->nonce != shard->vol->nonce)
		return true;
	set = qbd_leader_set(shard->lead);
	member = qbd_set_find(set, msg->replica);
	if (member < 0 || set->member[member].node != node)
		return true;
	if (msg->type != QBD_MSG_OPEN_REPLY && msg->type != QBD_MSG_APPEND_ACK)
		return false;
	return msg->session != qbd_leader_member(shard->lead, member)->session;
}

/* False if there is no replica to ask. */
static bool qbd_shard_recv_replica(struct qbd_shard *shard, u32 node,
				   const struct qbd_msg *msg, bool *stale)
{
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_MSG,
		.node = node,
		.msg = msg,
	};
	bool ready;

	qbd_shard_lock(shard);
	ready = shard->rep_ready;
	*stale = !ready || __qbd_shard_request_stale(shard, msg);
	if (ready)
		__qbd_shard_rep_step(shard, &event);
	qbd_shard_unlock(shard);
	return ready;
}

/*
 * What came with a digest is to be a record: what counts is the digest of what
 * came, not the one that was said. One block; more nobody asks for.
 */
static void qbd_shard_recv_digest(struct qbd_msg *msg)
{
	if (msg->type != QBD_MSG_READ_REPLY || !msg->payload ||
	    !(msg->flags & QBD_WIRE_DIGEST))
		return;
	if (msg->payload_bytes == QBD_BLOCK_SIZE)
		qbd_payload_digest(msg->payload, msg->read_reply.digest);
	else
		msg->flags &= ~QBD_WIRE_DIGEST;
}

/* The payload of an answer to a READ is the leader's, if there is one. */
static void qbd_shard_recv_leader(struct qbd_shard *shard, u32 node,
				  struct qbd_msg *msg, bool *stale)
{
	struct qbd_leader_event event = {
		.kind = QBD_LEADER_MSG,
		.node = node,
		.msg = msg,
	};
	bool led;

	qbd_shard_recv_digest(msg);
	qbd_shard_lock(shard);
	led = shard->lead;
	*stale = __qbd_shard_answer_stale(shard, node, msg);
	if (led)
		__qbd_shard_lead_step(shard, &event);
	/* here, because the pump may give it back as soon as we let go */
	if (led && msg->type == QBD_MSG_READ_REPLY)
		msg->payload = NULL;
	qbd_shard_unlock(shard);
}

/**
 * qbd_shard_recv() - a message of a shard came from a peer
 * @conn: the connection
 * @msg: the message; its payload is taken out if the leader keeps it
 */
void qbd_shard_recv(struct qbd_conn *conn, struct qbd_msg *msg)
{
	bool to_replica = qbd_msg_to_replica(msg->type);
	u32 node = conn->spec.peer->node;
	struct qbd_shard *shard;
	bool known = false;
	bool stale = true;

	shard = qbd_shard_find(conn->spec.node, msg->key.volume,
			       msg->key.shard);
	if (shard && to_replica)
		known = qbd_shard_recv_replica(shard, node, msg, &stale);
	else if (shard)
		qbd_shard_recv_leader(shard, node, msg, &stale);
	if (to_replica && !known)
		qbd_shard_unknown(conn, msg);
	if (stale)
		qbd_conn_stale(conn, msg);
	if (shard)
		qbd_shard_put(shard);
}

/* --- out --------------------------------------------------------------- */

#define QBD_SHARD_CORKED 0

/**
 * qbd_shard_cork() - more writes follow at once: do not push each by itself
 * @shard: the shard
 *
 * Return: true if it was not corked: the caller sees to qbd_shard_uncork().
 */
bool qbd_shard_cork(struct qbd_shard *shard)
{
	return !test_and_set_bit(QBD_SHARD_CORKED, &shard->corked);
}

/* The shard's connection to a node, with a reference; NULL if there is none. */
static struct qbd_conn *qbd_shard_conn(struct qbd_shard *shard, u32 node)
{
	struct qbd_peer *peer = qbd_node_peer(shard->node, node);

	return peer ? qbd_peer_conn(peer, shard->key) : NULL;
}

/* Send what is in the queue of the shard's connection to a node. */
static void qbd_shard_push(struct qbd_shard *shard, u32 node)
{
	struct qbd_conn *conn = qbd_shard_conn(shard, node);

	if (!conn)
		return;
	qbd_conn_push(conn);
	qbd_conn_put(conn);
}

static void qbd_shard_push_all(struct qbd_shard *shard)
{
	struct qbd_set set = {};
	u32 i;

	spin_lock(&shard->lock);
	if (shard->lead)
		set = *qbd_leader_set(shard->lead);
	spin_unlock(&shard->lock);
	for (i = 0; i < set.nr; i++)
		qbd_shard_push(shard, set.member[i].node);
}

/**
 * qbd_shard_uncork() - that was the last of them: push them all
 * @shard: the shard
 *
 * Context: process, no locks.
 */
void qbd_shard_uncork(struct qbd_shard *shard)
{
	clear_bit(QBD_SHARD_CORKED, &shard->corked);
	/* Pairs with qbd_shard_is_corked(): what it left in a queue we push. */
	smp_mb__after_atomic();
	qbd_shard_push_all(shard);
}

/**
 * qbd_shard_cork_tick() - do not wait for ever for who corked it
 * @shard: the shard
 *
 * He may wait for memory, and memory for what he holds back.
 */
void qbd_shard_cork_tick(struct qbd_shard *shard)
{
	if (test_bit(QBD_SHARD_CORKED, &shard->corked))
		qbd_shard_push_all(shard);
}

/* May this message, which is in the queue, be left to qbd_shard_uncork()? */
static bool qbd_shard_is_corked(struct qbd_shard *shard,
				const struct qbd_msg *msg)
{
	/* of the leader for members; a fill may go to others */
	if (msg->type != QBD_MSG_APPEND || msg->flags & QBD_WIRE_FILL)
		return false;
	/* Pairs with qbd_shard_uncork(): if it was too early we push. */
	smp_mb();
	return test_bit(QBD_SHARD_CORKED, &shard->corked);
}

/**
 * qbd_shard_send() - send a message to a shard's machine on another node
 * @shard: the shard
 * @node: the other node
 * @msg: the message; a payload stays the caller's
 *
 * Without a connection it is dropped.
 */
void qbd_shard_send(struct qbd_shard *shard, u32 node, struct qbd_msg *msg)
{
	struct qbd_conn *conn = qbd_shard_conn(shard, node);

	if (!conn)
		return;
	qbd_peer_mark(conn->spec.peer, msg);
	if (qbd_conn_add(conn, msg) && !qbd_shard_is_corked(shard, msg))
		qbd_conn_push(conn);
	qbd_conn_put(conn);
}

/**
 * struct qbd_log_send - a record on its way from the log to another replica
 * @entry: in shard->sends
 * @shard: the shard, referenced
 * @life: the replica whose record it is
 * @node: where the other replica is
 * @done: it was read [shard->lock]
 * @msg: the message
 * @read: reads the record
 */
struct qbd_log_send {
	struct list_head entry;
	struct qbd_shard *shard;
	u32 life;
	u32 node;
	bool done;
	struct qbd_msg msg;
	struct qbd_log_read read;
};

static mempool_t qbd_log_send_pool;

int qbd_shard_peer_module_init(void)
{
	return mempool_init_kmalloc_pool(&qbd_log_send_pool, QBD_LOG_SENDS_MIN,
					 sizeof(struct qbd_log_send));
}

void qbd_shard_peer_module_exit(void)
{
	mempool_exit(&qbd_log_send_pool);
}

/* The record can't be read: the replica that was to send it wants to know. */
static void qbd_log_send_bad(struct qbd_log_send *send)
{
	struct qbd_replica_event bad = {
		.kind = QBD_REPLICA_LOG_BAD,
		.node = send->node,
		.pos = send->msg.append.pos,
		.msg = &send->msg,
	};

	qbd_shard_lock(send->shard);
	if (send->life == send->shard->life)
		__qbd_shard_rep_step(send->shard, &bad);
	qbd_shard_unlock(send->shard);
}

/* It was read, and it is its turn. */
static void qbd_log_send_end(struct qbd_log_send *send)
{
	struct qbd_log_read *read = &send->read;

	if (!read->error && read->desc.term == send->msg.append.pos.term) {
		send->msg.payload = read->payload;
		qbd_shard_send(send->shard, send->node, &send->msg);
	} else if (read->error == -EIO || read->error == -EBADMSG) {
		qbd_log_send_bad(send);
	}
	if (read->payload)
		qbd_payload_put(read->payload);
	qbd_kstore_put(read->store);
	qbd_shard_put(send->shard);
	mempool_free(send, &qbd_log_send_pool);
}

/* All that were read and have nothing unread before them, by one of us. */
static void qbd_shard_sends_drain(struct qbd_shard *shard)
{
	struct qbd_log_send *send;

	spin_lock(&shard->lock);
	if (shard->sending) {
		spin_unlock(&shard->lock);
		return;
	}
	shard->sending = true;
	for (;;) {
		send = list_first_entry_or_null(&shard->sends,
						struct qbd_log_send, entry);
		if (!send || !send->done)
			break;
		list_del(&send->entry);
		shard->nr_sends--;
		spin_unlock(&shard->lock);
		qbd_log_send_end(send);
		spin_lock(&shard->lock);
	}
	shard->sending = false;
	spin_unlock(&shard->lock);
}

static void qbd_log_send_read(struct qbd_log_read *read)
{
	struct qbd_log_send *send =
		container_of(read, struct qbd_log_send, read);
	struct qbd_shard *shard = send->shard;

	qbd_shard_get(shard);
	spin_lock(&shard->lock);
	send->done = true;
	spin_unlock(&shard->lock);
	qbd_shard_sends_drain(shard);
	qbd_shard_put(shard);
}

/* Into the queue, unless the replica has gone, or too many are there. */
static bool qbd_log_send_add(struct qbd_shard *shard, struct qbd_log_send *send)
{
	bool ok;

	spin_lock(&shard->lock);
	ok = shard->store && send->life == shard->life &&
	     shard->nr_sends < QBD_LOG_SENDS_MAX;
	if (ok) {
		send->shard = shard;
		qbd_shard_get(shard);
		send->read.store = qbd_kstore_get(shard->store);
		send->read.slot = shard->slot;
		list_add_tail(&send->entry, &shard->sends);
		shard->nr_sends++;
	}
	spin_unlock(&shard->lock);
	return ok;
}

/**
 * qbd_shard_send_log() - send a record of the local log to another replica
 * @shard: the shard; the caller is its pump
 * @node: where the other replica is
 * @msg: the record, without its payload
 *
 * Without memory it is dropped: the leader sees the gap, and asks again. So it
 * is when more wait than any leader asks for that awaits what it asked for.
 */
void qbd_shard_send_log(struct qbd_shard *shard, u32 node,
			const struct qbd_msg *msg)
{
	struct qbd_log_send *send;

	send = mempool_alloc(&qbd_log_send_pool, GFP_NOWAIT | __GFP_NOWARN);
	if (!send)
		return;
	memset(send, 0, sizeof(*send));
	send->life = shard->acting.life;
	send->node = node;
	send->msg = *msg;
	send->read.index = msg->append.pos.index;
	send->read.done = qbd_log_send_read;
	if (qbd_log_send_add(shard, send))
		qbd_kstore_log_read(&send->read);
	else
		mempool_free(send, &qbd_log_send_pool);
}

/* --- links ------------------------------------------------------------- */

/*
 * The number of the link to a node that the leader was told of; an entry of a
 * node that has left the set is used anew.
 */
static u64 *__qbd_shard_link_gen(struct qbd_shard *shard,
				 const struct qbd_set *set, u32 node)
{
	struct qbd_shard_link *link, *free = NULL;
	u32 i;

	qbd_assert_shard_locked(shard);
	for (i = 0; i < ARRAY_SIZE(shard->link); i++) {
		link = &shard->link[i];
		if (link->node == node)
			return &link->gen;
		if (!free && !qbd_set_has_node(set, link->node))
			free = link;
	}
	if (WARN_ON_ONCE(!free))
		return NULL;
	free->node = node;
	free->gen = 0;
	return &free->gen;
}

/*
 * One step if the link of a member changed. What is new in the set was not told
 * of any link.
 */
static void __qbd_shard_link_step(struct qbd_shard *shard, u32 node,
				  bool joined)
{
	struct qbd_leader_event event = { .node = node };
	struct qbd_peer *peer = qbd_node_peer(shard->node, node);
	const struct qbd_set *set;
	u64 *told, gen;

	qbd_assert_shard_locked(shard);
	if (!shard->lead || !peer)
		return;
	set = qbd_leader_set(shard->lead);
	if (!qbd_set_has_node(set, node))
		return;
	told = __qbd_shard_link_gen(shard, set, node);
	gen = qbd_peer_link_gen(peer, shard->key);
	if (!told || (joined ? !gen : *told == gen))
		return;
	*told = gen;
	event.kind = gen ? QBD_LEADER_UP : QBD_LEADER_DOWN;
	__qbd_shard_lead_step(shard, &event);
}

/**
 * qbd_shard_links_update() - let the leader know of the link to a node
 * @shard: the shard
 * @node: the other node
 *
 * The link is looked at under the lock of the step: whoever comes last tells
 * the leader what is true now.
 */
void qbd_shard_links_update(struct qbd_shard *shard, u32 node)
{
	if (node == shard->node->spec.id)
		return;
	qbd_shard_lock(shard);
	__qbd_shard_link_step(shard, node, false);
	qbd_shard_unlock(shard);
}

/**
 * qbd_shard_link_joined() - there is a new member: can it be reached?
 * @shard: the shard
 * @node: its node
 */
void qbd_shard_link_joined(struct qbd_shard *shard, u32 node)
{
	struct qbd_leader_event up = { .kind = QBD_LEADER_UP, .node = node };

	qbd_shard_lock(shard);
	if (node != shard->node->spec.id)
		__qbd_shard_link_step(shard, node, true);
	else if (shard->lead)
		__qbd_shard_lead_step(shard, &up);
	qbd_shard_unlock(shard);
}
