// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's view: which peers it has, and how their links are; see link.h.
 */
#include "inner.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define LOOK_OF(ptr, member) \
	((struct link_net *)((char *)(ptr)-offsetof(struct link_net, member)))

/**
 * link_ours() - is the kernel's node the one that this daemon is?
 * @net: the net
 *
 * Return: whether it is, and runs.
 */
bool link_ours(const struct link_net *net)
{
	const struct kport_node *node = kport_node(net->port);

	return kport_state(net->port) == KPORT_READY && node->running &&
	       node->id == net->options.node &&
	       node->lineage == net->options.lineage &&
	       !memcmp(node->cluster, net->options.cluster,
		       sizeof(node->cluster));
}

static void look_forget(struct link_peer *peer)
{
	uint32_t i;

	if (!peer->known)
		return;
	peer->known = false;
	for (i = 0; i < QBD_PEER_LINKS_MAX; i++)
		link_one_idle(&peer->link[i]);
	log_write(LOG_LEVEL_INFO, "link-peer-gone", "peer=%u", peer->node);
}

static void look_forget_all(struct link_net *net, bool unlisted)
{
	struct link_peer *peer;
	unsigned int i;

	for (i = 0; i < LINK_BUCKETS; i++)
		for (peer = net->peer[i]; peer; peer = peer->next)
			if (!unlisted || !peer->listed)
				look_forget(peer);
}

/*
 * Nothing is connected before the kernel said how its links are: those that are
 * up already stay so.
 */
static void look_known(struct link_peer *peer, uint32_t nr_links)
{
	uint32_t i;

	if (peer->known && peer->nr_links == nr_links)
		return;
	for (i = nr_links; peer->known && i < peer->nr_links; i++)
		link_one_idle(&peer->link[i]);
	peer->known = true;
	peer->stale = true;
	peer->nr_links = nr_links;
	log_write(LOG_LEVEL_INFO, "link-peer", "peer=%u links=%u role=%s",
		  peer->node, nr_links, peer->dials ? "connect" : "accept");
}

/* --- dumps ---------------------------------------------------------------- */

static void look_peers_begin(struct kport_request *request)
{
	struct link_net *net = LOOK_OF(request, peers);
	struct link_peer *peer;
	unsigned int i;

	for (i = 0; i < LINK_BUCKETS; i++)
		for (peer = net->peer[i]; peer; peer = peer->next)
			peer->listed = false;
}

static int look_peer(struct kport_request *request, struct nlattr **attrs)
{
	struct link_net *net = LOOK_OF(request, peers);
	struct link_peer *peer =
		link_peer_find(net, knl_u32(attrs, QBD_A_PEER_ID));
	uint32_t nr_links = knl_u32(attrs, QBD_A_PEER_LINKS);

	if (!peer || !nr_links || nr_links > QBD_PEER_LINKS_MAX ||
	    knl_u32(attrs, QBD_A_PEER_STATE) == QBD_PEER_STATE_REMOVED)
		return 0;
	peer->listed = true;
	look_known(peer, nr_links);
	return 0;
}

static int look_link(struct kport_request *request, struct nlattr **attrs)
{
	struct link_net *net = LOOK_OF(request, links);
	struct link_peer *peer =
		link_peer_find(net, knl_u32(attrs, QBD_A_LINK_PEER));
	uint32_t number = knl_u32(attrs, QBD_A_LINK_LINK);
	const struct link_seen seen = {
		.state = knl_u32(attrs, QBD_A_LINK_STATE),
		.ups = knl_u64(attrs, QBD_A_LINK_UPS),
		.error = (int32_t)knl_u32(attrs, QBD_A_LINK_ERROR),
		.reason = knl_str(attrs, QBD_A_LINK_REASON),
	};

	if (peer && peer->known && attrs[QBD_A_LINK_LINK] &&
	    number < peer->nr_links)
		link_one_seen(&peer->link[number], &seen);
	return 0;
}

static void look_later(struct link_net *net, uint64_t ms)
{
	loop_timer_set(net->loop, &net->again, link_now(net) + ms * LINK_MS);
}

/* It could not be looked at: not at once again. */
static void look_failed(struct link_net *net, int error)
{
	if (error != -ENODEV)
		log_write(LOG_LEVEL_WARN, "link-look", "error=%d reason=\"%s\"",
			  error, strerror(-error));
	net->stale = false;
	net->stale_peers = false;
	net->stock_ns = link_now(net);
	look_later(net, LINK_AGAIN_MS);
}

/* Ask for links: of all peers, or of one. */
static int look_links(struct link_net *net, const struct link_peer *peer)
{
	net->links.msg = kport_msg(QBD_CMD_LINK_GET, 16);
	if (net->links.msg && peer &&
	    nla_put_u32(net->links.msg, QBD_A_LINK_PEER, peer->node)) {
		nlmsg_free(net->links.msg);
		net->links.msg = NULL;
	}
	return kport_send(net->port, &net->links);
}

static void look_peers_done(struct kport_request *request,
			    const struct kport_answer *answer)
{
	struct link_net *net = LOOK_OF(request, peers);
	int error = answer->error;

	if (!error && link_ours(net)) {
		look_forget_all(net, true);
		if (net->full)
			error = look_links(net, NULL);
		else
			loop_call_later(net->loop, &net->look);
	}
	if (error)
		look_failed(net, error);
}

static void look_links_done(struct kport_request *request,
			    const struct kport_answer *answer)
{
	struct link_net *net = LOOK_OF(request, links);

	if (answer->error)
		look_failed(net, answer->error);
	else
		loop_call_later(net->loop, &net->look);
}

/* --- when ----------------------------------------------------------------- */

/* One that is stale; and does the kernel not know one that it is to know? */
static struct link_peer *look_next(struct link_net *net, bool *unknown)
{
	struct link_peer *peer;
	unsigned int i;

	*unknown = false;
	for (i = 0; i < LINK_BUCKETS; i++) {
		for (peer = net->peer[i]; peer; peer = peer->next) {
			if (peer->known && peer->stale)
				return peer;
			*unknown = *unknown || !peer->known;
		}
	}
	return NULL;
}

/* The peers; and then, if anything may have changed, all links. */
static int look_all(struct link_net *net)
{
	struct link_peer *peer;
	unsigned int i;

	net->full = net->stale;
	net->stale = false;
	net->stale_peers = false;
	for (i = 0; net->full && i < LINK_BUCKETS; i++)
		for (peer = net->peer[i]; peer; peer = peer->next)
			peer->stale = false;
	if (net->full)
		net->stock_ns = link_now(net) + net->options.stock_ms * LINK_MS;
	net->peers.msg = kport_msg(QBD_CMD_PEER_GET, 0);
	return kport_send(net->port, &net->peers);
}

/* Nothing is stale. */
static void look_rest(struct link_net *net, bool unknown)
{
	uint64_t next_ns = link_now(net) + LINK_AGAIN_MS * LINK_MS;

	/* that a peer was added is no event */
	if (!unknown || net->stock_ns < next_ns)
		next_ns = net->stock_ns;
	loop_timer_set(net->loop, &net->again, next_ns);
}

static void look_run(struct loop_call *call)
{
	struct link_net *net = LOOK_OF(call, look);
	struct link_peer *peer;
	bool unknown;
	int error = 0;

	if (net->peers.port || net->links.port || !link_ours(net))
		return; /* the one comes back here, the other is told */
	if (net->stale || net->stale_peers) {
		error = look_all(net);
	} else {
		peer = look_next(net, &unknown);
		if (peer) {
			peer->stale = false;
			error = look_links(net, peer);
		} else {
			look_rest(net, unknown);
		}
	}
	if (error)
		look_failed(net, error);
}

/**
 * link_stale() - links have to be looked at again
 * @net: the net
 * @peer: whose; NULL: all, and the peers
 */
void link_stale(struct link_net *net, struct link_peer *peer)
{
	if (peer)
		peer->stale = true;
	else
		net->stale = true;
	loop_call_later(net->loop, &net->look);
}

/**
 * link_look() - the kernel has other peers now: look
 * @net: the net
 */
void link_look(struct link_net *net)
{
	link_stale(net, NULL);
}

static void look_again(struct loop_timer *timer)
{
	struct link_net *net = LOOK_OF(timer, again);

	net->stale_peers = true;
	if (link_now(net) >= net->stock_ns)
		net->stale = true;
	loop_call_later(net->loop, &net->look);
}

/* Links belong to a node: another one has none of what this one had. */
static void look_changed(struct kport_watch *watch)
{
	struct link_net *net = LOOK_OF(watch, watch);
	uint64_t life = kport_node(net->port)->life;

	if (!link_ours(net) || life != net->life)
		look_forget_all(net, false);
	net->life = life;
	link_stale(net, NULL);
}

static void look_event(struct kport_watch *watch, struct nlattr **attrs)
{
	struct link_net *net = LOOK_OF(watch, watch);
	struct link_peer *peer;

	if (knl_u32(attrs, QBD_A_EVENT_KIND) != QBD_EVENT_KIND_LINK_STATE)
		return;
	peer = link_peer_find(net, knl_u32(attrs, QBD_A_EVENT_PEER));
	if (peer)
		link_stale(net, peer);
}

static void look_stale(struct kport_watch *watch)
{
	link_stale(LOOK_OF(watch, watch), NULL);
}

void link_look_init(struct link_net *net)
{
	net->look.name = "link-look";
	net->look.run = look_run;
	net->again.name = "link-again";
	net->again.expired = look_again;
	net->peers.kind = KPORT_DUMP;
	net->peers.attr_max = QBD_A_PEER_MAX;
	net->peers.begin = look_peers_begin;
	net->peers.object = look_peer;
	net->peers.done = look_peers_done;
	net->links.kind = KPORT_DUMP;
	net->links.attr_max = QBD_A_LINK_MAX;
	net->links.object = look_link;
	net->links.done = look_links_done;
	net->watch.changed = look_changed;
	net->watch.event = look_event;
	net->watch.stale = look_stale;
	net->life = kport_node(net->port)->life;
	kport_watch_add(net->port, &net->watch);
	link_stale(net, NULL);
}

void link_look_end(struct link_net *net)
{
	kport_watch_remove(&net->watch);
	kport_cancel(&net->peers);
	kport_cancel(&net->links);
	loop_timer_stop(net->loop, &net->again);
	loop_call_stop(net->loop, &net->look);
}
