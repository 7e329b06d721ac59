// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peers, what their daemons say, and the numbers; see link.h.
 */
#include "inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/gnutls.h>

/* --- peers ---------------------------------------------------------------- */

struct link_peer *link_peer_find(const struct link_net *net, uint32_t node)
{
	struct link_peer *peer = net->peer[node % LINK_BUCKETS];

	while (peer && peer->node != node)
		peer = peer->next;
	return peer;
}

static struct link_peer *link_peer_new(struct link_net *net, uint32_t node)
{
	struct link_peer *peer = calloc(1, sizeof(*peer));
	uint32_t number;

	if (!peer)
		return NULL;
	peer->net = net;
	peer->node = node;
	peer->dials = net->options.node < node;
	for (number = 0; number < QBD_PEER_LINKS_MAX; number++)
		link_one_init(peer, number);
	peer->next = net->peer[node % LINK_BUCKETS];
	net->peer[node % LINK_BUCKETS] = peer;
	net->nr_peers++;
	return peer;
}

static bool link_addrs_good(const union links_addr *addr, unsigned int nr)
{
	unsigned int i;

	if (nr > LINK_ADDRS_MAX)
		return false;
	for (i = 0; i < nr; i++)
		if (addr[i].any.sa_family != AF_INET &&
		    addr[i].any.sa_family != AF_INET6)
			return false;
	return true;
}

/**
 * link_peer_set() - keep links to a node, as many as the kernel has
 * @net: the net
 * @node: its id
 * @addr: where it listens, tried in turn; of any use if this side connects, or
 *	to know a peer's connection from a stranger's
 * @nr_addrs: how many; may be 0
 *
 * Of a peer that is known these are its new addresses; links that are up, and
 * attempts under way, go on.
 *
 * Return: 0; -EINVAL: not a node, this one, or not an address; -ENOSPC: too
 * many; -ENOMEM.
 */
int link_peer_set(struct link_net *net, uint32_t node,
		  const union links_addr *addr, unsigned int nr_addrs)
{
	struct link_peer *peer = link_peer_find(net, node);

	if (!node || node == net->options.node ||
	    !link_addrs_good(addr, nr_addrs))
		return -EINVAL;
	if (!peer && net->nr_peers == LINK_PEERS_MAX)
		return -ENOSPC;
	if (!peer)
		peer = link_peer_new(net, node);
	if (!peer)
		return -ENOMEM;
	memset(peer->addr, 0, sizeof(peer->addr));
	if (nr_addrs)
		memcpy(peer->addr, addr, nr_addrs * sizeof(*addr));
	peer->nr_addrs = nr_addrs;
	if (!peer->known)
		link_stale(net, NULL);
	return 0;
}

/**
 * link_peer_drop() - keep no links to a node
 * @net: the net
 * @node: its id; need not be known
 *
 * What its kernel has is the kernel's: peer-remove ends it.
 */
void link_peer_drop(struct link_net *net, uint32_t node)
{
	struct link_peer **at = &net->peer[node % LINK_BUCKETS];
	struct link_peer *peer;
	uint32_t number;

	while (*at && (*at)->node != node)
		at = &(*at)->next;
	peer = *at;
	if (!peer)
		return;
	*at = peer->next;
	net->nr_peers--;
	for (number = 0; number < QBD_PEER_LINKS_MAX; number++)
		link_one_end(&peer->link[number]);
	free(peer);
}

/**
 * link_status() - how a link is
 * @net: the net
 * @node: the peer
 * @link: its number
 * @status: how it is
 *
 * Return: 0; -ENOENT: no such peer, or link.
 */
int link_status(const struct link_net *net, uint32_t node, uint32_t link,
		struct link_status *status)
{
	const struct link_peer *peer = link_peer_find(net, node);
	const struct link_one *one;

	if (!peer || link >= QBD_PEER_LINKS_MAX)
		return -ENOENT;
	one = &peer->link[link];
	*status = (struct link_status){
		.state = one->state,
		.dials = peer->dials,
		.known = peer->known && link < peer->nr_links,
		.addr = one->via,
		.since_ns = one->state == LINK_UP ? one->up_ns : 0,
		.ups = one->ups,
		.tries = one->tries,
	};
	return 0;
}

/* --- messages ------------------------------------------------------------- */

/**
 * link_say() - say something to a node's daemon
 * @net: the net
 * @node: the node
 * @msg: what
 *
 * Return: 0 or -errno.
 */
int link_say(struct link_net *net, uint32_t node, const struct link_msg *msg)
{
	uint8_t bytes[LINK_MSG_MAX];
	int error = net->ops.send(net->ops.arg, node, bytes,
				  link_msg_put(bytes, msg));

	gnutls_memset(bytes, 0, sizeof(bytes));
	return error;
}

/* May it have a ticket? */
static enum link_why link_may(const struct link_net *net,
			      const struct link_peer *peer, uint32_t link)
{
	if (!link_ours(net))
		return LINK_WHY_NODE;
	if (!peer || !peer->known)
		return LINK_WHY_PEER;
	if (peer->dials)
		return LINK_WHY_DIRECTION;
	return link < peer->nr_links ? 0 : LINK_WHY_NUMBER;
}

/* The newest ticket of a link is the one that is good. */
static void link_asked(struct link_net *net, struct link_peer *peer,
		       uint32_t from, const struct link_msg *ask)
{
	struct link_msg msg = { .link = ask->link, .ask = ask->ask };
	struct link_one *one = NULL;

	msg.why = link_may(net, peer, ask->link);
	if (!msg.why && link_ticket_make(&msg.ticket))
		msg.why = LINK_WHY_FAILED;
	msg.kind = msg.why ? LINK_KIND_REFUSE : LINK_KIND_TICKET;
	if (msg.why) {
		net->counts.refusals++;
	} else {
		one = &peer->link[ask->link];
		one->ticket = msg.ticket;
		one->has_ticket = true;
		one->until_ns =
			link_now(net) + net->options.ticket_ms * LINK_MS;
		net->counts.tickets++;
	}
	/* not sent: its session is gone, and it asks again in another */
	(void)link_say(net, from, &msg);
	link_ticket_wipe(&msg.ticket);
}

/**
 * link_received() - a node's daemon says something about links
 * @net: the net
 * @from: who, as the session proved
 * @data: its link_ops.send()
 * @bytes: of it
 */
void link_received(struct link_net *net, uint32_t from, const void *data,
		   size_t bytes)
{
	struct link_peer *peer = link_peer_find(net, from);
	struct link_one *one;
	struct link_msg msg;

	if (link_msg_get(data, bytes, &msg)) {
		net->counts.bad++;
		return;
	}
	if (msg.kind == LINK_KIND_ASK) {
		link_asked(net, peer, from, &msg);
		return;
	}
	one = peer && msg.link < QBD_PEER_LINKS_MAX ? &peer->link[msg.link] :
						      NULL;
	/* what was given up meanwhile is answered, too */
	if (one && one->state == LINK_ASK && one->ask == msg.ask) {
		if (msg.kind == LINK_KIND_TICKET)
			link_one_ticket(one, &msg.ticket);
		else
			link_one_failed(one, -ECONNREFUSED,
					link_why_text(msg.why));
	}
	link_ticket_wipe(&msg.ticket);
}

/**
 * link_session_up() - a node's daemon can be spoken to
 * @net: the net
 * @node: which; need not be a peer
 *
 * Its links do not wait any longer.
 */
void link_session_up(struct link_net *net, uint32_t node)
{
	struct link_peer *peer = link_peer_find(net, node);
	uint32_t number;

	for (number = 0; peer && number < peer->nr_links; number++)
		link_one_hurry(&peer->link[number]);
}

/* --- the net -------------------------------------------------------------- */

/**
 * link_counts() - what happened
 * @net: the net
 * @counts: the numbers
 */
void link_counts(const struct link_net *net, struct link_counts *counts)
{
	*counts = net->counts;
}

static void link_defaults(struct link_options *options)
{
	if (!options->attempt_ms)
		options->attempt_ms = 3000;
	if (!options->half_ms)
		options->half_ms = 5000;
	if (!options->ticket_ms)
		options->ticket_ms = 10000;
	if (!options->given_ms)
		options->given_ms = 250;
	if (!options->stock_ms)
		options->stock_ms = 10000;
}

/**
 * link_net_create() - begin to keep links
 * @made: the net
 * @loop: it runs there
 * @port: the kernel
 * @options: what does not change
 * @ops: the daemon; copied
 *
 * Return: 0 or -errno, after it said which address can't be had.
 */
int link_net_create(struct link_net **made, struct loop *loop,
		    struct kport *port, const struct link_options *options,
		    const struct link_ops *ops)
{
	struct link_net *net;
	int error;

	if (!options->node || options->nr_listens > LINK_LISTENS_MAX)
		return -EINVAL;
	net = calloc(1, sizeof(*net));
	if (!net)
		return -ENOMEM;
	net->loop = loop;
	net->port = port;
	net->options = *options;
	net->ops = *ops;
	link_defaults(&net->options);
	error = link_listen(net);
	if (error) {
		link_listen_end(net);
		free(net);
		return error;
	}
	link_look_init(net);
	*made = net;
	return 0;
}

/**
 * link_net_destroy() - end it; what the kernel has stays
 * @net: the net, or NULL; not within a callback of it
 */
void link_net_destroy(struct link_net *net)
{
	unsigned int i;

	if (!net)
		return;
	link_look_end(net);
	for (i = 0; i < LINK_BUCKETS; i++)
		while (net->peer[i])
			link_peer_drop(net, net->peer[i]->node);
	link_listen_end(net);
	free(net);
}
