/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this node and another one owe each other whatever the shard: leases,
 * and the links on the way to it.
 *
 * The node itself is one of its peers, without a connection: its heartbeat
 * comes back in the same call. So a replica on the leader's own node grants
 * its lease by the same rules as any other one.
 *
 * LINKS. A link's number and its connection are shared by all shards whose
 * names hash to it, in this direction; the peer may use other links in the
 * other one. @gen changes whenever another connection takes the place, so that
 * a leader can see, under its shard's lock, that it has to begin anew.
 *
 * A peer is known until its node ends: leases granted are not forgotten.
 *
 * Shards' state machines ask for leases within a step: peer->lock has rank
 * PEER, below a shard's lock; only CONN and EVENT are
 * taken under it.
 */
#ifndef QBD_PEER_H
#define QBD_PEER_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/lease.h"
#include "core/msg.h"
#include "limits.h"
#include "node_peer.h"

struct qbd_conn;

/**
 * struct qbd_link - one way to a peer
 * @conn: the connection in use, referenced; NULL = the link is down
 * @gen: its number in the life of the peer; 0 while the link is down
 * @next: the newest connection that is to take the place, referenced
 * @ups: connections that were in use
 * @since_ns: when the link went up or down
 * @past: what went over connections that have ended
 * @error: how the last one ended
 * @why: the same for people
 */
struct qbd_link {
	struct qbd_conn *conn;
	u64 gen;
	struct qbd_conn *next;
	u64 ups;
	u64 since_ns;
	struct qbd_conn_counts past;
	int error;
	char why[QBD_CONN_WHY_MAX];
};

/**
 * struct qbd_peer - another node, or this one, as seen from here
 * @lock: rank QBD_RANK_PEER
 * @node: the other one's id [const]
 * @lease_ns: length of the leases that this node asks for, and the longest
 *	that it grants [const]
 * @asked_ns: length of the leases that the other one asks for [lock]
 * @voter: what replicas here granted to that node's leaders [lock]
 * @holder: what replicas there granted to leaders here [lock]
 * @links: how many links are used; grows only [lock; READ_ONCE ok]
 * @removed: it takes no connections [lock]
 * @link: the links [lock]
 */
struct qbd_peer {
	spinlock_t lock; /* rank PEER */
	u32 node;
	u64 lease_ns;
	u64 asked_ns;
	struct qbd_lease_voter voter;
	struct qbd_lease_holder holder;
	u32 links;
	bool removed;
	struct qbd_link link[QBD_LINKS_MAX];
};

void qbd_peer_init(struct qbd_peer *peer, u32 node, u64 lease_ns);
void qbd_peer_loopback(struct qbd_peer *peer, u64 now_ns);
void qbd_peer_own_msg(struct qbd_peer *peer, struct qbd_msg *msg, u64 now_ns);
void qbd_peer_mark(struct qbd_peer *peer, struct qbd_msg *msg);
void qbd_peer_heard(struct qbd_peer *peer, const struct qbd_msg *msg,
		    u64 now_ns);
u64 qbd_peer_beat(struct qbd_peer *peer, u64 now_ns);
struct qbd_lease_view qbd_peer_view(struct qbd_peer *peer);
struct qbd_lease_stamp qbd_peer_stamp(struct qbd_peer *peer);
u64 qbd_peer_leave(struct qbd_peer *peer);
u32 qbd_peer_lease_ms(struct qbd_peer *peer, u64 now_ns);

struct qbd_conn *qbd_peer_conn(struct qbd_peer *peer, struct qbd_shard_key key);
u64 qbd_peer_link_gen(struct qbd_peer *peer, struct qbd_shard_key key);

#endif /* QBD_PEER_H */
