/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this node and another one owe each other whatever the shard: leases.
 *
 * The node itself is one of its peers, without a connection: its heartbeat
 * comes back in the same call. So a replica on the leader's own node grants
 * its lease by the same rules as any other one.
 *
 * Shards' state machines ask for leases within a step: peer->lock has rank
 * PEER, below a shard's lock, and is a leaf.
 */
#ifndef QBD_PEER_H
#define QBD_PEER_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/lease.h"

struct qbd_msg;

/**
 * struct qbd_peer - leases between this node and another one
 * @lock: rank QBD_RANK_PEER
 * @node: the other one's id [const]
 * @lease_ns: length of the leases that this node asks for [const]
 * @voter: what replicas here granted to that node's leaders [lock]
 * @holder: what replicas there granted to leaders here [lock]
 */
struct qbd_peer {
	spinlock_t lock; /* rank PEER */
	u32 node;
	u64 lease_ns;
	struct qbd_lease_voter voter;
	struct qbd_lease_holder holder;
};

void qbd_peer_init(struct qbd_peer *peer, u32 node, u64 lease_ns);
void qbd_peer_loopback(struct qbd_peer *peer, u64 now_ns);
void qbd_peer_own_msg(struct qbd_peer *peer, struct qbd_msg *msg, u64 now_ns);
struct qbd_lease_view qbd_peer_view(struct qbd_peer *peer);
struct qbd_lease_stamp qbd_peer_stamp(struct qbd_peer *peer);
u64 qbd_peer_leave(struct qbd_peer *peer);
u32 qbd_peer_lease_ms(struct qbd_peer *peer, u64 now_ns);

#endif /* QBD_PEER_H */
