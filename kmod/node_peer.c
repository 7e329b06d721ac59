// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peers of a node: their table, their links, heartbeats.
 *
 * Context: process. node->peers is written under the configuration's lock;
 * what is found in it lives as long as the node.
 */
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "conn.h"
#include "locking.h"
#include "node.h"
#include "peer.h"
#include "shard.h"
#include "transport.h"

/**
 * qbd_node_peer() - a node as seen from this one
 * @node: our node
 * @id: node id, may be our own
 *
 * Return: the peer, NULL if it is not known. It lives as long as the node.
 */
struct qbd_peer *qbd_node_peer(struct qbd_node *node, u32 id)
{
	if (id == node->spec.id)
		return &node->self;
	return xa_load(&node->peers, id);
}

/**
 * qbd_node_peer_next() - walk over all peers of a node
 * @node: our node
 * @key: node id to begin with; becomes that of the one found
 *
 * Return: the peer, NULL at the end.
 */
struct qbd_peer *qbd_node_peer_next(struct qbd_node *node, unsigned long *key)
{
	return xa_find(&node->peers, key, U32_MAX, XA_PRESENT);
}

/* --- peers ------------------------------------------------------------- */

static int qbd_peer_new(struct qbd_node *node, u32 id, struct qbd_peer **ret)
{
	struct qbd_peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	int err;

	if (!peer)
		return -ENOMEM;
	qbd_peer_init(peer, id, node->self.lease_ns);
	err = xa_err(xa_store(&node->peers, id, peer, GFP_KERNEL));
	if (err) {
		kfree(peer);
		return err;
	}
	node->nr_peers++;
	*ret = peer;
	return 0;
}

/**
 * qbd_node_peer_add() - make a peer known, or add links to it
 * @node: our node
 * @spec: the peer
 * @why: the reason if it is refused
 *
 * To add a peer that is known changes nothing but the number of links. That
 * can only grow: a shard's link follows from it, and both must change at once.
 *
 * Return: 0; -EINVAL; -EBUSY if the number of links would change while a link
 * is up; -ESHUTDOWN; -ENOSPC; -ENOMEM.
 */
int qbd_node_peer_add(struct qbd_node *node, const struct qbd_peer_spec *spec,
		      struct qbd_refusal *why)
{
	u32 links = spec->links ?: QBD_LINKS_DEFAULT;
	struct qbd_peer *peer;
	int err = 0;
	u32 i;

	if (!spec->id || spec->id == node->spec.id)
		return qbd_refuse(why, -EINVAL, QBD_A_PEER_ID,
				  "a peer is another node");
	if (links > QBD_LINKS_MAX)
		return qbd_refuse(why, -EINVAL, QBD_A_PEER_LINKS,
				  "at most %u links", QBD_LINKS_MAX);
	mutex_lock(&node->config_mutex);
	peer = xa_load(&node->peers, spec->id);
	if (node->state != QBD_NODE_STATE_RUNNING)
		err = qbd_refuse(why, -ESHUTDOWN, 0, "the node is ending");
	else if (!peer && node->nr_peers >= QBD_PEERS_MAX)
		err = qbd_refuse(why, -ENOSPC, 0, "at most %u peers",
				 QBD_PEERS_MAX);
	else if (!peer)
		err = qbd_peer_new(node, spec->id, &peer);
	if (err)
		goto unlock;
	spin_lock(&peer->lock);
	for (i = 0; i < peer->links && !peer->removed; i++)
		if (peer->links != links && peer->link[i].conn)
			err = -EBUSY;
	if (!err) {
		WRITE_ONCE(peer->links, links);
		peer->removed = false;
	}
	spin_unlock(&peer->lock);
	if (err)
		qbd_refuse(why, err, QBD_A_PEER_LINKS,
			   "remove the peer first to change its links");
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}

/* End what a link has; the work items do the rest. */
static void qbd_link_fail(struct qbd_peer *peer, u32 number, int err,
			  const char *reason)
{
	struct qbd_link *link = &peer->link[number];
	struct qbd_conn *conn = NULL, *next = NULL;

	spin_lock(&peer->lock);
	if (link->conn)
		conn = qbd_conn_get(link->conn);
	if (link->next)
		next = qbd_conn_get(link->next);
	spin_unlock(&peer->lock);
	if (next) {
		qbd_conn_fail(next, err, reason);
		qbd_conn_put(next);
	}
	if (conn) {
		qbd_conn_fail(conn, err, reason);
		qbd_conn_put(conn);
	}
}

static void qbd_peer_fail(struct qbd_peer *peer, const char *reason)
{
	u32 i;

	spin_lock(&peer->lock);
	peer->removed = true;
	spin_unlock(&peer->lock);
	for (i = 0; i < QBD_LINKS_MAX; i++)
		qbd_link_fail(peer, i, -ESHUTDOWN, reason);
}

/**
 * qbd_node_peer_remove() - no connections to a peer any more
 * @node: our node
 * @id: the peer's node id
 * @why: the reason if it is refused
 *
 * Return: 0 or -ENOENT.
 */
int qbd_node_peer_remove(struct qbd_node *node, u32 id, struct qbd_refusal *why)
{
	struct qbd_peer *peer = xa_load(&node->peers, id);

	if (!peer)
		return qbd_refuse(
			why, -ENOENT, QBD_A_PEER_ID,
			"no such peer here: see 'qbdctl kernel peer show'");
	qbd_peer_fail(peer, "the peer was removed");
	return 0;
}

/**
 * qbd_node_peers_end() - the node ends, and so do all connections
 * @node: the node; no peer is added any more
 *
 * Nothing is sent after this. Each connection holds the node until it is gone.
 */
void qbd_node_peers_end(struct qbd_node *node)
{
	struct qbd_peer *peer;
	unsigned long id;

	xa_for_each(&node->peers, id, peer)
		qbd_peer_fail(peer, "the node ends");
}

/**
 * qbd_node_peers_free() - nobody has the node any more
 * @node: the node
 */
void qbd_node_peers_free(struct qbd_node *node)
{
	struct qbd_peer *peer;
	unsigned long id;

	xa_for_each(&node->peers, id, peer)
		kfree(peer);
	xa_destroy(&node->peers);
}

/* --- links ------------------------------------------------------------- */

/* It is the link's next connection now; the former candidate ends. */
static int qbd_link_take(struct qbd_peer *peer, struct qbd_conn *conn)
{
	struct qbd_link *link = &peer->link[conn->spec.link];
	struct qbd_conn *former = NULL;
	int err = 0;

	spin_lock(&peer->lock);
	if (peer->removed) {
		err = -ESHUTDOWN;
	} else {
		former = link->next;
		link->next = qbd_conn_get(conn);
	}
	spin_unlock(&peer->lock);
	if (former) {
		qbd_conn_fail(former, -ECONNABORTED, "a newer one came");
		qbd_conn_put(former);
	}
	return err;
}

static int qbd_link_adopt(struct qbd_node *node, struct qbd_conn_spec *spec,
			  int fd, struct qbd_refusal *why)
{
	const struct qbd_transport_ops *ops;
	struct qbd_conn *conn;
	struct socket *sock;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return qbd_refuse(why, err, QBD_A_LINK_FD, "this is no socket");
	ops = sock->sk->sk_family == AF_UNIX ? &qbd_loop_ops : &qbd_tcp_ops;
	conn = ops->adopt(spec, sock, why);
	if (IS_ERR(conn)) {
		sockfd_put(sock);
		return PTR_ERR(conn);
	}
	err = qbd_link_take(spec->peer, conn);
	if (err) {
		qbd_conn_fail(conn, err, "the peer was removed");
		qbd_refuse(why, err, QBD_A_LINK_PEER,
			   "the peer was removed: add it again");
	} else {
		conn->ops->start(conn);
	}
	qbd_conn_put(conn);
	return err;
}

/**
 * qbd_node_link_add() - take a connection over
 * @node: our node
 * @spec: what for
 * @why: the reason if it is refused
 *
 * Return: 0: it waits for the peer's HELLO, an event tells when the link is
 * up. -ENOENT: unknown peer; -EINVAL: no such link; or why the socket is not
 * good.
 */
int qbd_node_link_add(struct qbd_node *node, const struct qbd_link_spec *spec,
		      struct qbd_refusal *why)
{
	struct qbd_conn_spec conn = {
		.node = node,
		.peer = xa_load(&node->peers, spec->peer),
		.link = spec->link,
		.accept = spec->accept,
	};

	if (!conn.peer)
		return qbd_refuse(
			why, -ENOENT, QBD_A_LINK_PEER,
			"no such peer here: see 'qbdctl kernel peer show'");
	if (spec->link >= READ_ONCE(conn.peer->links))
		return qbd_refuse(why, -EINVAL, QBD_A_LINK_LINK,
				  "this peer has %u links",
				  READ_ONCE(conn.peer->links));
	return qbd_link_adopt(node, &conn, spec->fd, why);
}

/**
 * qbd_node_link_remove() - end the connection of a link
 * @node: our node
 * @peer: the peer's node id
 * @link: number of the link
 * @why: the reason if it is refused
 *
 * Return: 0, -ENOENT or -EINVAL.
 */
int qbd_node_link_remove(struct qbd_node *node, u32 peer, u32 link,
			 struct qbd_refusal *why)
{
	struct qbd_peer *found = xa_load(&node->peers, peer);

	if (!found)
		return qbd_refuse(
			why, -ENOENT, QBD_A_LINK_PEER,
			"no such peer here: see 'qbdctl kernel peer show'");
	if (link >= READ_ONCE(found->links))
		return qbd_refuse(why, -EINVAL, QBD_A_LINK_LINK,
				  "this peer has %u links",
				  READ_ONCE(found->links));
	qbd_link_fail(found, link, -ECONNABORTED, "the administrator ended it");
	return 0;
}

/**
 * qbd_node_link_changed() - leaders have to know of a link
 * @node: our node
 * @peer: where it leads to
 */
void qbd_node_link_changed(struct qbd_node *node, struct qbd_peer *peer)
{
	struct qbd_shard *shard;
	unsigned long slot = 0;

	while ((shard = qbd_node_shard_next(node, &slot))) {
		qbd_shard_links_update(shard, peer->node);
		qbd_shard_put(shard);
		slot++;
	}
}

/* --- time -------------------------------------------------------------- */

static void qbd_link_tick(struct qbd_peer *peer, u32 number, u64 beat,
			  u64 now_ns)
{
	struct qbd_link *link = &peer->link[number];
	struct qbd_conn *conn = NULL, *next = NULL;

	spin_lock(&peer->lock);
	if (link->conn)
		conn = qbd_conn_get(link->conn);
	if (link->next)
		next = qbd_conn_get(link->next);
	spin_unlock(&peer->lock);
	if (conn) {
		qbd_conn_beat(conn, beat);
		qbd_conn_tick(conn, now_ns);
		qbd_conn_put(conn);
	}
	if (next) {
		qbd_conn_tick(next, now_ns);
		qbd_conn_put(next);
	}
}

/**
 * qbd_node_peers_tick() - heartbeats, and the end of what is silent
 * @node: our node
 *
 * One heartbeat goes over all links: it tells for each of them whether it is
 * alive, and a lease does not hang on one of them.
 */
void qbd_node_peers_tick(struct qbd_node *node)
{
	struct qbd_peer *peer;
	unsigned long id;
	u64 now_ns;
	u64 beat;
	u32 i;

	xa_for_each(&node->peers, id, peer) {
		now_ns = ktime_get_boottime_ns();
		beat = qbd_peer_beat(peer, now_ns);
		for (i = 0; i < READ_ONCE(peer->links); i++)
			qbd_link_tick(peer, i, beat, now_ns);
	}
}

/* --- what dumps show --------------------------------------------------- */

static u32 qbd_peer_ms(u64 ns)
{
	return min_t(u64, div_u64(ns, NSEC_PER_MSEC), U32_MAX - 1);
}

/**
 * qbd_peer_info_get() - what the dump shows of a peer
 * @peer: the peer
 * @info: filled in
 */
void qbd_peer_info_get(struct qbd_peer *peer, struct qbd_peer_info *info)
{
	u64 now_ns = ktime_get_boottime_ns();
	u32 i;

	*info = (struct qbd_peer_info){
		.id = peer->node,
		.heard_ms = U32_MAX,
		.held_ms = qbd_peer_lease_ms(peer, now_ns),
	};
	spin_lock(&peer->lock);
	info->removed = peer->removed;
	info->links = peer->links;
	for (i = 0; i < peer->links; i++)
		info->links_up += !!peer->link[i].conn;
	if (peer->voter.heard_ns)
		info->heard_ms = qbd_peer_ms(now_ns - peer->voter.heard_ns);
	if (peer->voter.until_ns > now_ns)
		info->granted_ms = qbd_peer_ms(peer->voter.until_ns - now_ns);
	spin_unlock(&peer->lock);
}

/**
 * qbd_link_info_get() - what the dump shows of a link
 * @peer: the peer
 * @link: number of the link
 * @info: filled in
 *
 * Return: false if the peer has no such link.
 */
bool qbd_link_info_get(struct qbd_peer *peer, u32 link,
		       struct qbd_link_info *info)
{
	struct qbd_link *from = &peer->link[link];
	struct qbd_conn *conn;

	memset(info, 0, sizeof(*info));
	if (link >= READ_ONCE(peer->links))
		return false;
	spin_lock(&peer->lock);
	conn = from->conn ?: from->next;
	info->peer = peer->node;
	info->link = link;
	info->ups = from->ups;
	info->error = from->error;
	strscpy(info->why, from->why);
	info->counts = from->past;
	if (from->since_ns)
		info->since_ms =
			qbd_peer_ms(ktime_get_boottime_ns() - from->since_ns);
	if (conn) {
		info->state = READ_ONCE(conn->state);
		info->transport = conn->ops->name;
		info->queue_msgs = READ_ONCE(conn->nr_queue);
		info->queue_bytes = READ_ONCE(conn->queue_bytes);
		qbd_conn_counts_add(conn, &info->counts);
	}
	spin_unlock(&peer->lock);
	return true;
}
