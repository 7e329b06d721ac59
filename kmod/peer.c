// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases between nodes: the lock around core/lease.h, what messages do to
 * them, and the short way that heartbeats of a node to itself take. And which
 * link a shard uses. Decides nothing.
 *
 * Context: process, a shard's lock may be held.
 */
#include <linux/jhash.h>
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/time64.h>

#include "conn.h"
#include "core/msg.h"
#include "peer.h"

/**
 * qbd_peer_init() - nothing granted in either direction
 * @peer: to be initialised
 * @node: the other node's id
 * @lease_ns: length of the leases that this node asks for
 */
void qbd_peer_init(struct qbd_peer *peer, u32 node, u64 lease_ns)
{
	spin_lock_init(&peer->lock);
	peer->node = node;
	peer->lease_ns = lease_ns;
	peer->asked_ns = lease_ns;
	qbd_lease_voter_init(&peer->voter, get_random_u64());
	qbd_lease_holder_init(&peer->holder, get_random_u64());
}

/**
 * qbd_peer_loopback() - a heartbeat of this node to itself, there and back
 * @peer: this node
 * @now_ns: BOOTTIME
 */
void qbd_peer_loopback(struct qbd_peer *peer, u64 now_ns)
{
	struct qbd_lease_stamp stamp;
	u64 beat;

	spin_lock(&peer->lock);
	beat = qbd_lease_beat(&peer->holder, now_ns);
	qbd_lease_grant(&peer->voter, now_ns, beat, peer->lease_ns);
	stamp = qbd_lease_stamp(&peer->voter);
	qbd_lease_echo(&peer->holder, now_ns, stamp.beat, stamp.version);
	spin_unlock(&peer->lock);
}

static void __qbd_peer_mark(struct qbd_peer *peer, struct qbd_msg *msg)
{
	lockdep_assert_held(&peer->lock);
	if (qbd_msg_from_leader(msg))
		msg->beat = qbd_lease_mark(&peer->holder);
}

/*
 * Any message of a leader counts as a heartbeat, any answer as one to it
 * (V10). Records from another replica do not: it is no leader.
 */
static void __qbd_peer_heard(struct qbd_peer *peer, const struct qbd_msg *msg,
			     u64 now_ns)
{
	u64 asked_ms = 0;

	lockdep_assert_held(&peer->lock);
	if (msg->type == QBD_MSG_HEARTBEAT)
		asked_ms = msg->heartbeat.lease_ms;
	else if (msg->type == QBD_MSG_OPEN)
		asked_ms = msg->open.lease_ms;
	/* more than the maximum is not granted: such an OPEN is refused */
	if (asked_ms)
		peer->asked_ns = min(asked_ms * NSEC_PER_MSEC, peer->lease_ns);
	if (msg->type == QBD_MSG_HEARTBEAT || qbd_msg_from_leader(msg))
		qbd_lease_grant(&peer->voter, now_ns, msg->beat,
				peer->asked_ns);
	else if (qbd_msg_to_replica(msg->type))
		peer->voter.heard_ns = now_ns;
	else if (msg->beat && msg->list)
		qbd_lease_echo(&peer->holder, now_ns, msg->beat, msg->list);
}

/**
 * qbd_peer_own_msg() - a message of this node to itself is about to arrive
 * @peer: this node
 * @msg: the message; @beat is filled in if it is a leader's
 * @now_ns: BOOTTIME
 */
void qbd_peer_own_msg(struct qbd_peer *peer, struct qbd_msg *msg, u64 now_ns)
{
	spin_lock(&peer->lock);
	__qbd_peer_mark(peer, msg);
	__qbd_peer_heard(peer, msg, now_ns);
	spin_unlock(&peer->lock);
}

/**
 * qbd_peer_mark() - a message to that node is about to leave
 * @peer: the node
 * @msg: the message; @beat is filled in if it is a leader's
 */
void qbd_peer_mark(struct qbd_peer *peer, struct qbd_msg *msg)
{
	spin_lock(&peer->lock);
	__qbd_peer_mark(peer, msg);
	spin_unlock(&peer->lock);
}

/**
 * qbd_peer_heard() - a message came from that node
 * @peer: the node
 * @msg: the message, before a state machine gets it
 * @now_ns: BOOTTIME
 */
void qbd_peer_heard(struct qbd_peer *peer, const struct qbd_msg *msg,
		    u64 now_ns)
{
	spin_lock(&peer->lock);
	__qbd_peer_heard(peer, msg, now_ns);
	spin_unlock(&peer->lock);
}

/**
 * qbd_peer_beat() - the next heartbeat to that node
 * @peer: the node
 * @now_ns: BOOTTIME, before it is sent
 *
 * Return: its number.
 */
u64 qbd_peer_beat(struct qbd_peer *peer, u64 now_ns)
{
	u64 beat;

	spin_lock(&peer->lock);
	beat = qbd_lease_beat(&peer->holder, now_ns);
	spin_unlock(&peer->lock);
	return beat;
}

/**
 * qbd_peer_view() - what that node granted to leaders here
 * @peer: the node
 *
 * Return: the holder's view.
 */
struct qbd_lease_view qbd_peer_view(struct qbd_peer *peer)
{
	struct qbd_lease_view view;

	spin_lock(&peer->lock);
	view = peer->holder.view;
	spin_unlock(&peer->lock);
	return view;
}

/**
 * qbd_peer_stamp() - what a replica's reply to that node says of the lease
 * @peer: the node
 *
 * Return: number of the heartbeat and version of the list.
 */
struct qbd_lease_stamp qbd_peer_stamp(struct qbd_peer *peer)
{
	struct qbd_lease_stamp stamp;

	spin_lock(&peer->lock);
	stamp = qbd_lease_stamp(&peer->voter);
	spin_unlock(&peer->lock);
	return stamp;
}

/**
 * qbd_peer_leave() - a replica here ceases to obey that node
 * @peer: the node
 *
 * Return: until when the replica is bound by what was granted.
 */
u64 qbd_peer_leave(struct qbd_peer *peer)
{
	u64 until_ns;

	spin_lock(&peer->lock);
	until_ns = qbd_lease_leave(&peer->voter);
	spin_unlock(&peer->lock);
	return until_ns;
}

/**
 * qbd_peer_lease_ms() - how long that node's lease still holds, for people
 * @peer: the node
 * @now_ns: BOOTTIME
 *
 * Return: milliseconds as the holder counts them.
 */
u32 qbd_peer_lease_ms(struct qbd_peer *peer, u64 now_ns)
{
	u64 base_ns = qbd_peer_view(peer).base_ns;
	u64 end_ns = base_ns + div_u64(peer->lease_ns, 10) * 9;

	if (!base_ns || end_ns <= now_ns)
		return 0;
	return div_u64(end_ns - now_ns, NSEC_PER_MSEC);
}

/* --- links ------------------------------------------------------------- */

/* All messages of a shard to one node take the same link: in order. */
static struct qbd_link *__qbd_peer_link(struct qbd_peer *peer,
					struct qbd_shard_key key)
{
	lockdep_assert_held(&peer->lock);
	if (!peer->links)
		return NULL;
	return &peer->link[jhash_2words(key.volume, key.shard, 0) % peer->links];
}

/**
 * qbd_peer_conn() - the connection that a shard's messages take
 * @peer: the node
 * @key: the shard
 *
 * Return: the connection with a reference, NULL if there is none.
 */
struct qbd_conn *qbd_peer_conn(struct qbd_peer *peer, struct qbd_shard_key key)
{
	struct qbd_conn *conn = NULL;
	struct qbd_link *link;

	spin_lock(&peer->lock);
	link = __qbd_peer_link(peer, key);
	if (link && link->conn)
		conn = qbd_conn_get(link->conn);
	spin_unlock(&peer->lock);
	return conn;
}

/**
 * qbd_peer_link_gen() - which connection would that be?
 * @peer: the node
 * @key: the shard
 *
 * Return: its number, 0 if there is none.
 */
u64 qbd_peer_link_gen(struct qbd_peer *peer, struct qbd_shard_key key)
{
	struct qbd_link *link;
	u64 gen;

	spin_lock(&peer->lock);
	link = __qbd_peer_link(peer, key);
	gen = link ? link->gen : 0;
	spin_unlock(&peer->lock);
	return gen;
}
