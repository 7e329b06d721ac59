/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The peers of a node and the links to them: what netlink calls and dumps.
 *
 * A peer is another node of the cluster. A link is one of the few connections
 * that all volumes share on the way to it; links are numbered from 0, and a
 * shard uses the link that the hash of its name says. A link that has no
 * connection is down, and so is the peer for the shards that use it.
 *
 * A peer stays known until the node ends, even after it was removed, because
 * of the leases that were granted to it. A removed peer has no links and takes
 * no new ones until it is added again.
 *
 * Context: process; nothing here waits for a peer.
 */
#ifndef QBD_NODE_PEER_H
#define QBD_NODE_PEER_H

#include <linux/net.h>
#include <linux/socket.h>
#include <linux/types.h>

#include "limits.h"
#include "refusal.h"

struct qbd_node;
struct qbd_peer;

/**
 * struct qbd_peer_spec - a peer as the administrator knows it
 * @id: its node id
 * @links: how many links to use; 0 takes the default
 */
struct qbd_peer_spec {
	u32 id;
	u32 links;
};

/**
 * struct qbd_link_spec - a connection that is handed over
 * @peer: node id of the peer
 * @link: which link it is for
 * @accept: it came from the peer: the peer speaks first
 * @fd: of the socket, in the caller's task
 */
struct qbd_link_spec {
	u32 peer;
	u32 link;
	bool accept;
	int fd;
};

/**
 * struct qbd_peer_info - what the dump shows of a peer
 * @id: its node id
 * @removed: it was removed
 * @links: how many links are used
 * @links_up: how many have a connection
 * @heard_ms: since anything was heard from it; U32_MAX = never
 * @held_ms: how long leases that it granted to leaders here still run
 * @granted_ms: how long leases that replicas here granted to it still run
 */
struct qbd_peer_info {
	u32 id;
	bool removed;
	u32 links;
	u32 links_up;
	u32 heard_ms;
	u32 held_ms;
	u32 granted_ms;
};

/**
 * enum qbd_conn_state - where a connection is
 * @QBD_CONN_NONE: there is none
 * @QBD_CONN_HELLO: waits for the peer's HELLO
 * @QBD_CONN_UP: in use
 * @QBD_CONN_DOWN: ended
 */
enum qbd_conn_state {
	QBD_CONN_NONE,
	QBD_CONN_HELLO,
	QBD_CONN_UP,
	QBD_CONN_DOWN,
};

/**
 * struct qbd_conn_counts - what went over a connection
 * @tx_msgs: messages sent
 * @tx_bytes: with payload
 * @rx_msgs: messages received
 * @rx_bytes: with payload
 * @rx_bad: messages that made no sense or were not for us
 * @rx_stale: messages of a replica, term or session that is not in use here
 */
struct qbd_conn_counts {
	u64 tx_msgs;
	u64 tx_bytes;
	u64 rx_msgs;
	u64 rx_bytes;
	u64 rx_bad;
	u64 rx_stale;
};

/**
 * struct qbd_link_info - what the dump shows of a link
 * @peer: node id of the peer
 * @link: number of the link
 * @state: of its connection
 * @transport: name of what carries it
 * @ups: connections that it has had
 * @since_ms: since the state changed
 * @queue_msgs: messages that wait to be sent
 * @queue_bytes: payload of these
 * @counts: over all its connections
 * @error: how the last connection ended
 * @why: the same for people
 */
struct qbd_link_info {
	u32 peer;
	u32 link;
	enum qbd_conn_state state;
	const char *transport;
	u64 ups;
	u32 since_ms;
	u32 queue_msgs;
	u64 queue_bytes;
	struct qbd_conn_counts counts;
	int error;
	char why[QBD_CONN_WHY_MAX];
};

int qbd_node_peer_add(struct qbd_node *node, const struct qbd_peer_spec *spec,
		      struct qbd_refusal *why);
int qbd_node_peer_remove(struct qbd_node *node, u32 id,
			 struct qbd_refusal *why);
int qbd_node_link_add(struct qbd_node *node, const struct qbd_link_spec *spec,
		      struct qbd_refusal *why);
int qbd_node_link_remove(struct qbd_node *node, u32 peer, u32 link,
			 struct qbd_refusal *why);

/*
 * For dumps: the peer at @key or the next one after it, NULL at the end; @key
 * becomes its node id. The peer lives as long as the caller holds the node.
 */
struct qbd_peer *qbd_node_peer_next(struct qbd_node *node, unsigned long *key);
void qbd_peer_info_get(struct qbd_peer *peer, struct qbd_peer_info *info);
bool qbd_link_info_get(struct qbd_peer *peer, u32 link,
		       struct qbd_link_info *info);

/* For the module. */
struct qbd_peer *qbd_node_peer(struct qbd_node *node, u32 id);
void qbd_node_peers_tick(struct qbd_node *node);
void qbd_node_peers_end(struct qbd_node *node);
void qbd_node_peers_free(struct qbd_node *node);
void qbd_node_link_changed(struct qbd_node *node, struct qbd_peer *peer);

#endif /* QBD_NODE_PEER_H */
