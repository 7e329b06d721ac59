// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions as the daemon sees them: peers, sending, status; see session.h.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "state.h"

struct session_default {
	size_t at;
	uint32_t value;
};

static const struct session_default session_defaults[] = {
	{ offsetof(struct session_options, beat_ms), 500 },
	{ offsetof(struct session_options, dead_ms), 3000 },
	{ offsetof(struct session_options, shake_ms), 5000 },
	{ offsetof(struct session_options, hold_ms), 1000 },
	{ offsetof(struct session_options, hold_max_ms), 60000 },
	{ offsetof(struct session_options, knock_ms), 10000 },
};

static int session_options_take(struct session_net *net,
				const struct session_options *options)
{
	struct session_options *mine = &net->options;
	size_t i;

	*mine = *options;
	for (i = 0; i < sizeof(session_defaults) / sizeof(session_defaults[0]);
	     i++) {
		uint32_t *at =
			(uint32_t *)((char *)mine + session_defaults[i].at);

		if (!*at)
			*at = session_defaults[i].value;
	}
	if (!mine->queue_bytes)
		mine->queue_bytes = 256ULL << 20;
	if (!mine->node || !mine->identity ||
	    mine->nr_listens > SESSION_LISTENS_MAX ||
	    mine->dead_ms < 2 * mine->beat_ms ||
	    mine->hold_max_ms < mine->hold_ms)
		return -EINVAL;
	return 0;
}

/**
 * session_net_create() - begin to listen
 * @made: the net
 * @loop: the loop
 * @options: what does not change; copied
 * @ops: the daemon; copied
 *
 * Return: 0 or -errno; -EINVAL: the options make no sense. A listener that can
 * not be had was said in the log.
 */
int session_net_create(struct session_net **made, struct loop *loop,
		       const struct session_options *options,
		       const struct session_ops *ops)
{
	struct session_net *net = calloc(1, sizeof(*net));
	int error;

	if (!net)
		return -ENOMEM;
	error = session_options_take(net, options);
	if (error) {
		free(net);
		return error;
	}
	net->ops = *ops;
	error = conn_hub_init(&net->hub, loop, options->identity, &ops->tls);
	if (!error &&
	    gnutls_rnd(GNUTLS_RND_RANDOM, &net->nonce, sizeof(net->nonce)))
		error = -EIO;
	net->nonce |= 1; /* 0 is nobody's */
	net->least = SESSION_LEAST;
	if (!error)
		error = session_listen(net);
	if (error) {
		session_net_destroy(net);
		return error;
	}
	*made = net;
	return 0;
}

/**
 * session_net_destroy() - say good-bye to all, and forget them
 * @net: the net, or NULL; down() is called for those who are up
 *
 * Context: not inside of a call.
 */
void session_net_destroy(struct session_net *net)
{
	int i;

	if (!net)
		return;
	session_listen_end(net);
	for (i = 0; i < SESSION_BUCKETS; i++)
		while (net->peer[i])
			session_peer_remove(net, net->peer[i]->node);
	conn_hub_free(&net->hub);
	free(net);
}

/**
 * session_peer_find() - the peer of that id
 * @net: the net
 * @node: its id
 *
 * Return: it; NULL.
 */
struct session_peer *session_peer_find(const struct session_net *net,
				       uint32_t node)
{
	struct session_peer *peer = net->peer[node % SESSION_BUCKETS];

	while (peer && peer->node != node)
		peer = peer->next;
	return peer;
}

/**
 * session_peer_set() - there is a peer, and it listens there
 * @net: the net
 * @node: its id
 * @addr: addresses, tried in turn
 * @nr_addrs: how many; may be 0 for one that dials
 *
 * For a peer that there is already, only the addresses change: a session goes
 * on.
 *
 * Return: 0; -EINVAL; -ENOSPC: SESSION_PEERS_MAX; -ENOMEM.
 */
int session_peer_set(struct session_net *net, uint32_t node,
		     const union links_addr *addr, unsigned int nr_addrs)
{
	struct session_peer *peer = session_peer_find(net, node);
	bool fresh = !peer;

	if (!node || node == net->options.node || nr_addrs > SESSION_ADDRS_MAX)
		return -EINVAL;
	if (fresh && net->nr_peers == SESSION_PEERS_MAX)
		return -ENOSPC;
	if (fresh)
		peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	if (nr_addrs)
		memcpy(peer->addr, addr, nr_addrs * sizeof(*addr));
	peer->nr_addrs = nr_addrs;
	if (!fresh)
		return 0;
	peer->net = net;
	peer->node = node;
	peer->dials = net->options.node < node;
	peer->next = net->peer[node % SESSION_BUCKETS];
	net->peer[node % SESSION_BUCKETS] = peer;
	net->nr_peers++;
	session_peer_begin(peer);
	return 0;
}

/**
 * session_peer_remove() - it is a peer no longer
 * @net: the net
 * @node: its id; need not be a peer
 */
void session_peer_remove(struct session_net *net, uint32_t node)
{
	struct session_peer **at = &net->peer[node % SESSION_BUCKETS];
	struct session_peer *peer;

	while (*at && (*at)->node != node)
		at = &(*at)->next;
	peer = *at;
	if (!peer)
		return;
	*at = peer->next;
	net->nr_peers--;
	session_peer_end(peer);
	free(peer);
}

/**
 * session_net_least() - who does not speak this version is refused from now on
 * @net: the net
 * @least: the version; it only rises, and not above what is spoken here
 *
 * A session that is up stays until session_recheck(): one that began before
 * this daemon had read its own log.
 */
void session_net_least(struct session_net *net, uint16_t least)
{
	if (least > net->least && least <= SESSION_VERSION)
		net->least = least;
}

/**
 * session_peer_status() - how a peer is
 * @net: the net
 * @node: its id
 * @status: how it is
 *
 * Return: 0; -ENOENT.
 */
int session_peer_status(const struct session_net *net, uint32_t node,
			struct session_status *status)
{
	const struct session_peer *peer = session_peer_find(net, node);

	if (!peer)
		return -ENOENT;
	*status = (struct session_status){
		.node = node,
		.up = !!peer->session,
		.dials = peer->dials,
		.state = peer->detect.state,
		.addr = peer->via,
		.since_ns = peer->since_ns,
		.heard_ns = peer->detect.heard_ns,
		.ups = peer->ups,
		.falls = peer->detect.falls,
		.nonce = peer->nonce,
		.version = peer->version,
		.queued = peer->session ? peer->session->out.bytes : 0,
		.refused = peer->refused,
		.why = peer->why,
	};
	return 0;
}

/* Would it be let in now? */
static enum session_why session_still(const struct session_net *net,
				      struct conn *conn)
{
	const struct session_link *link = conn_extra(conn);
	const struct tls_ops *ops = &net->ops.tls;
	uint32_t node = 0;

	if (conn->state != CONN_UP || conn->tls.by_token)
		return SESSION_WHY_NONE;
	if (ops->who(ops->arg, conn->tls.key, &node) != SESSION_WHO_KNOWN ||
	    node != conn->tls.node)
		return SESSION_WHY_KEY;
	return link->open && link->peer->version < net->least ?
		       SESSION_WHY_VERSION :
		       SESSION_WHY_NONE;
}

/**
 * session_recheck() - the cluster's keys, or the oldest version, have changed:
 * ask again about those that are in use
 * @net: the net
 */
void session_recheck(struct session_net *net)
{
	struct conn *conn = net->hub.conns;

	while (conn) {
		struct conn *next = conn->next;
		enum session_why why = session_still(net, conn);

		if (why != SESSION_WHY_NONE) {
			session_refuse(conn, why);
			next = net->hub.conns; /* down() may end others */
		}
		conn = next;
	}
}

/**
 * session_send() - have a message sent
 * @net: the net
 * @node: to whom
 * @class: URGENT, NORMAL or BULK
 * @type: for the receiver
 * @data: it; copied
 * @bytes: its length, up to SESSION_MSG_MAX
 *
 * Return: 0; -ENOENT: no such peer; -ENOTCONN: there is no session; -ENOBUFS:
 * too much waits already; -EMSGSIZE; -EINVAL: class; -ENOMEM.
 */
int session_send(struct session_net *net, uint32_t node,
		 enum session_class class, uint16_t type, const void *data,
		 size_t bytes)
{
	struct session_peer *peer = session_peer_find(net, node);
	int error;

	if (class != SESSION_URGENT && class != SESSION_NORMAL &&
	    class != SESSION_BULK)
		return -EINVAL;
	if (!peer)
		return -ENOENT;
	if (!peer->session)
		return -ENOTCONN;
	if (class != SESSION_URGENT &&
	    net->hub.queued + outbox_cost(bytes) > net->options.queue_bytes)
		error = -ENOBUFS;
	else
		error = conn_send(peer->session, class, type, data, bytes);
	if (error == -ENOBUFS)
		peer->refused++;
	return error;
}

/**
 * session_counts() - what happened so far
 * @net: the net
 * @counts: the numbers
 */
void session_counts(const struct session_net *net,
		    struct session_counts *counts)
{
	*counts = net->counts;
	counts->half_open = net->gate.strangers + net->gate.peers;
	counts->queued = net->hub.queued;
}
