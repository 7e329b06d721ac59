// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of links: what it says of peers and links, and what it is
 * given. See links.h.
 */
#include "links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* Events that are taken at once before their peers are looked at. */
#define LINKS_EVENTS_MAX 256

static int links_kernel_fatal(struct links *links, const char *what)
{
	fprintf(stderr, "qbdctl: links: %s: %s\n", what, links->knl.error);
	links->end = true;
	links->code = 1;
	return -EIO;
}

/**
 * struct links_self - the node of this network namespace
 * @links: all
 * @first: it is not known yet
 * @seen: there is one
 * @same: it is the one that we know
 */
struct links_self {
	struct links *links;
	bool first;
	bool seen;
	bool same;
};

static int links_self_seen(struct nlattr **attrs, void *arg)
{
	struct links_self *self = arg;
	struct links *links = self->links;
	const uint8_t *cluster = knl_uuid(attrs, QBD_A_NODE_CLUSTER);
	uint32_t node = knl_u32(attrs, QBD_A_NODE_ID);
	uint64_t lineage = knl_u64(attrs, QBD_A_NODE_LINEAGE);

	self->seen = knl_u32(attrs, QBD_A_NODE_STATE) == QBD_NODE_STATE_RUNNING;
	self->same = node == links->node && lineage == links->lineage &&
		     !memcmp(cluster, links->cluster, sizeof(links->cluster));
	if (!self->first)
		return 0;
	links->node = node;
	links->lineage = lineage;
	memcpy(links->cluster, cluster, sizeof(links->cluster));
	links->seq = knl_u64(attrs, QBD_A_NODE_EVENT_SEQ);
	return 0;
}

/* Links belong to a node: without it, or with another one, we are done. */
static int links_kernel_self(struct links *links, bool first)
{
	struct links_self self = { .links = links, .first = first };
	int err = knl_get(&links->knl, QBD_CMD_NODE_GET, QBD_A_NODE_MAX,
			  links_self_seen, &self);

	if (err)
		return links_kernel_fatal(links, "node");
	if (self.seen && (first || self.same))
		return 0;
	snprintf(links->knl.error, sizeof(links->knl.error),
		 self.seen ? "it is not the node any more that it was" :
			     "it is ending");
	return links_kernel_fatal(links, "node");
}

static int links_peer_seen(struct nlattr **attrs, void *arg)
{
	struct links *links = arg;
	struct links_peer *peer =
		links_peer_find(links, knl_u32(attrs, QBD_A_PEER_ID));
	uint32_t nr_links = knl_u32(attrs, QBD_A_PEER_LINKS);

	if (!peer)
		return 0; /* not in our file: none of our business */
	peer->listed = true;
	if (knl_u32(attrs, QBD_A_PEER_STATE) == QBD_PEER_STATE_REMOVED)
		links_peer_forget(links, peer);
	else if (nr_links && nr_links <= QBD_PEER_LINKS_MAX)
		links_peer_begin(peer, nr_links);
	return 0;
}

static int links_one_seen(struct nlattr **attrs, void *arg)
{
	struct links *links = arg;
	struct links_peer *peer =
		links_peer_find(links, knl_u32(attrs, QBD_A_LINK_PEER));
	uint32_t number = knl_u32(attrs, QBD_A_LINK_LINK);
	const struct links_seen seen = {
		.state = knl_u32(attrs, QBD_A_LINK_STATE),
		.ups = knl_u64(attrs, QBD_A_LINK_UPS),
		.error = (int32_t)knl_u32(attrs, QBD_A_LINK_ERROR),
		.reason = knl_str(attrs, QBD_A_LINK_REASON),
	};

	if (peer && peer->known && number < peer->nr_links)
		links_link_seen(links, &peer->link[number], &seen);
	return 0;
}

static int links_kernel_add(struct links *links,
			    const struct links_conf_peer *peer)
{
	struct nl_msg *msg = knl_request(&links->knl, QBD_CMD_PEER_ADD);

	if (!msg || nla_put_u32(msg, QBD_A_PEER_ID, peer->id) ||
	    (links->conf.links &&
	     nla_put_u32(msg, QBD_A_PEER_LINKS, links->conf.links))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return knl_send(&links->knl, msg);
}

/* The node began anew without us: tell it once more whom it knows. */
static int links_kernel_readd(struct links *links)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < links->nr_peers && !err; i++) {
		struct links_peer *peer = &links->peer[i];

		if (peer->listed)
			continue;
		links_peer_forget(links, peer);
		err = links_kernel_add(links, peer->conf);
		if (!err)
			peer->stale = true;
	}
	return err;
}

static int links_kernel_links(struct links *links,
			      const struct links_peer *peer)
{
	struct knl_dump dump = { .cmd = QBD_CMD_LINK_GET,
				 .attr_max = QBD_A_LINK_MAX,
				 .object = links_one_seen,
				 .arg = links };

	if (peer) {
		dump.filter = knl_request(&links->knl, QBD_CMD_LINK_GET);
		if (!dump.filter ||
		    nla_put_u32(dump.filter, QBD_A_LINK_PEER, peer->conf->id)) {
			nlmsg_free(dump.filter);
			return -ENOMEM;
		}
	}
	return knl_dump(&links->knl, &dump);
}

/* How are all links? */
static int links_kernel_stock(struct links *links)
{
	const struct knl_dump dump = { .cmd = QBD_CMD_PEER_GET,
				       .attr_max = QBD_A_PEER_MAX,
				       .object = links_peer_seen,
				       .arg = links };
	unsigned int i;
	int err = links_kernel_self(links, false);

	if (err)
		return err;
	for (i = 0; i < links->nr_peers; i++) {
		links->peer[i].listed = false;
		links->peer[i].stale = false;
	}
	err = knl_dump(&links->knl, &dump);
	if (!err)
		err = links_kernel_links(links, NULL);
	if (!err)
		err = links_kernel_readd(links);
	if (err)
		return links_kernel_fatal(links, "dump");
	return 0;
}

/* How are the links to one peer? */
static int links_kernel_peer(struct links *links, struct links_peer *peer)
{
	struct nl_msg *msg = knl_request(&links->knl, QBD_CMD_PEER_GET);
	int err;

	if (!msg || nla_put_u32(msg, QBD_A_PEER_ID, peer->conf->id)) {
		nlmsg_free(msg);
		return links_kernel_fatal(links, "request");
	}
	err = knl_ask(&links->knl, msg, QBD_A_PEER_MAX, links_peer_seen, links);
	if (err == -ENOENT) {
		links->stale = true; /* the node is gone, or began anew */
		return 0;
	}
	if (!err)
		err = links_kernel_links(links, peer);
	return err ? links_kernel_fatal(links, "dump") : 0;
}

/**
 * links_kernel_settle() - look at what may have changed
 * @links: all
 * @now_ms: now
 */
void links_kernel_settle(struct links *links, int64_t now_ms)
{
	unsigned int i;

	if (links->stale || links->stock_ms <= now_ms) {
		links->stale = false;
		links->stock_ms = now_ms + LINKS_STOCK_MS;
		links_kernel_stock(links);
	}
	for (i = 0; i < links->nr_peers && !links->end; i++) {
		if (!links->peer[i].stale)
			continue;
		links->peer[i].stale = false;
		links_kernel_peer(links, &links->peer[i]);
	}
}

static int links_event_seen(struct nlattr **attrs, void *arg)
{
	uint64_t seq = knl_u64(attrs, QBD_A_EVENT_SEQ);
	uint32_t kind = knl_u32(attrs, QBD_A_EVENT_KIND);
	struct links *links = arg;
	struct links_peer *peer;

	/* some were lost, or the node has begun to count anew */
	if (seq != links->seq + 1 || kind == QBD_EVENT_KIND_NODE_STATE)
		links->stale = true;
	links->seq = seq;
	if (kind != QBD_EVENT_KIND_LINK_STATE)
		return 0;
	peer = links_peer_find(links, knl_u32(attrs, QBD_A_EVENT_PEER));
	if (peer)
		peer->stale = true;
	return 0;
}

/**
 * links_kernel_events() - something changed in the kernel
 * @links: all
 * @source: the events
 * @events: of epoll
 */
void links_kernel_events(struct links *links, struct links_source *source,
			 uint32_t events)
{
	int budget = LINKS_EVENTS_MAX;
	int err = 1;

	(void)source;
	(void)events;
	while (err > 0 && budget--) {
		err = knl_events_read(&links->knl, links_event_seen, links);
		if (!err)
			err = knl_event_wait(&links->knl, 0);
	}
	if (err < 0)
		links_kernel_fatal(links, "events");
	if (links->knl.events_lost)
		links->stale = true;
	links->knl.events_lost = false;
}

/**
 * links_kernel_give() - hand a connection over
 * @links: all; @knl.error if it is refused
 * @link: for that link
 * @fd: the socket; the caller closes it in any case
 * @accept: the peer connected
 *
 * Return: 0, or a negative errno if the kernel did not take it.
 */
int links_kernel_give(struct links *links, struct links_link *link, int fd,
		      bool accept)
{
	struct nl_msg *msg = knl_request(&links->knl, QBD_CMD_LINK_ADD);
	int err;

	if (!msg || nla_put_u32(msg, QBD_A_LINK_PEER, link->peer->conf->id) ||
	    nla_put_u32(msg, QBD_A_LINK_LINK, link->number) ||
	    nla_put_u32(msg, QBD_A_LINK_FD, (uint32_t)fd) ||
	    (accept && nla_put_flag(msg, QBD_A_LINK_ACCEPT))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = knl_send(&links->knl, msg);
	if (err)
		link->peer->stale = true; /* perhaps it was removed */
	return err;
}

/**
 * links_kernel_begin() - find the node, and tell it of its peers
 * @links: all
 *
 * Return: false after it said what is wrong.
 */
bool links_kernel_begin(struct links *links)
{
	unsigned int i;

	if (knl_events_join(&links->knl)) {
		links_kernel_fatal(links, "events");
		return false;
	}
	links->events.fd = nl_socket_get_fd(links->knl.events);
	links->events.ready = links_kernel_events;
	if (!links_watch(links, &links->events, EPOLLIN)) {
		fprintf(stderr, "qbdctl: links: epoll: %s\n", strerror(errno));
		return false;
	}
	if (links_kernel_self(links, true))
		return false;
	for (i = 0; i < links->conf.nr_peers; i++) {
		const struct links_conf_peer *peer = &links->conf.peer[i];

		if (peer->id == links->node || !links_kernel_add(links, peer))
			continue;
		fprintf(stderr, "qbdctl: %s:%u: peer %u: %s\n",
			links->conf.name, peer->line, peer->id,
			links->knl.error);
		return false;
	}
	links->stale = true;
	return true;
}
