// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases between nodes: the lock around core/lease.h, and the short way that
 * heartbeats of a node to itself take. Decides nothing.
 *
 * Context: process, a shard's lock may be held.
 */
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/time64.h>

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

/**
 * qbd_peer_own_msg() - a message of this node to itself is about to arrive
 * @peer: this node
 * @msg: the message; @beat is filled in if it is a leader's
 * @now_ns: BOOTTIME
 *
 * Any message counts as a heartbeat, or as the answer to one (V10).
 */
void qbd_peer_own_msg(struct qbd_peer *peer, struct qbd_msg *msg, u64 now_ns)
{
	spin_lock(&peer->lock);
	switch (msg->type) {
	case QBD_MSG_OPEN:
	case QBD_MSG_APPEND:
	case QBD_MSG_READ:
	case QBD_MSG_FETCH:
	case QBD_MSG_RELEASE:
		msg->beat = qbd_lease_mark(&peer->holder);
		qbd_lease_grant(&peer->voter, now_ns, msg->beat,
				peer->lease_ns);
		break;
	default:
		qbd_lease_echo(&peer->holder, now_ns, msg->beat, msg->list);
		break;
	}
	spin_unlock(&peer->lock);
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
