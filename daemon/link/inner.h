/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of links share; link.h is for everybody else.
 */
#ifndef QBD_LINK_INNER_H
#define QBD_LINK_INNER_H

#include "../links_pace.h"
#include "../listen.h"
#include "../log.h"
#include "../session/gate.h"
#include "link.h"

#define LINK_MS 1000000ULL
#define LINK_BUCKETS 1024
#define LINK_FIRST_MS 50 /* spread what all nodes of a cluster do at once */
#define LINK_STABLE_NS (2000 * LINK_MS) /* lasted: forgives failures */
#define LINK_AGAIN_MS 1000 /* to look at what could not be looked at */

/**
 * struct link_one - a link
 * @source: socket that connects, first member
 * @timer: when to do the next thing
 * @give: link-add
 * @given_fd: socket that is being handed over, -1 = none
 * @peer: to whom
 * @number: which one
 * @seen: the kernel said how it is
 * @state: where it is
 * @tries: attempts since the last connection that lasted
 * @said_error: failure that the log mentioned last
 * @addr_at: address of the peer that is tried
 * @via: of the connection that was tried, or handed over, last
 * @ask: number of the ask
 * @has_ticket: @ticket is good
 * @ticket: dialer: for this attempt; else for the peer's next one
 * @until_ns: it is good until then
 * @claim: what was said
 * @proof: what came back
 * @have: bytes of @proof
 * @up_ns: since when it is up
 * @ups: the kernel's count of connections
 */
struct link_one {
	struct loop_source source;
	struct loop_timer timer;
	struct kport_request give;
	int given_fd;
	struct link_peer *peer;
	uint32_t number;
	bool seen;
	enum link_state state;
	unsigned int tries;
	int said_error;
	unsigned int addr_at;
	union links_addr via;
	uint64_t ask;
	bool has_ticket;
	struct link_ticket ticket;
	uint64_t until_ns;
	uint8_t claim[LINK_CLAIM];
	uint8_t proof[LINK_PROOF];
	unsigned int have;
	uint64_t up_ns;
	uint64_t ups;
};

/**
 * struct link_peer - a peer
 * @next: in its bucket
 * @net: to which it belongs
 * @node: its id
 * @dials: this side connects
 * @nr_addrs: how many
 * @addr: where it listens
 * @known: the kernel knows it, and it was not removed
 * @listed: it was in the dump
 * @stale: its links are to be looked at again
 * @nr_links: the kernel's number of links
 * @link: the links
 */
struct link_peer {
	struct link_peer *next;
	struct link_net *net;
	uint32_t node;
	bool dials;
	unsigned int nr_addrs;
	union links_addr addr[LINK_ADDRS_MAX];
	bool known;
	bool listed;
	bool stale;
	uint32_t nr_links;
	struct link_one link[QBD_PEER_LINKS_MAX];
};

/**
 * struct link_half - accepted, and has not made its claim
 * @source: the socket, first member; -1: this place is free
 * @timer: its deadline
 * @net: to which it belongs
 * @from: address
 * @peers_place: at the gate, it has a place of peers
 * @number: in which order they came
 * @have: bytes of @claim
 * @claim: what came
 */
struct link_half {
	struct loop_source source;
	struct loop_timer timer;
	struct link_net *net;
	union links_addr from;
	bool peers_place;
	uint64_t number;
	unsigned int have;
	uint8_t claim[LINK_CLAIM];
};

/**
 * struct link_net - all of it
 * @loop: it runs there
 * @port: the kernel
 * @options: with defaults filled in
 * @ops: the daemon
 * @watch: what the kernel says
 * @counts: what happened
 * @nr_peers: how many
 * @peer: by bucket
 * @asks: number of the last ask
 * @life: of the kernel's node
 * @stale: all is to be looked at again
 * @stale_peers: the peers are
 * @full: @peers is followed by all links
 * @stock_ns: when all is to be looked at anyway
 * @look: looks at what is stale
 * @again: when to look next anyway
 * @peers: dump of peers
 * @links: dump of links
 * @listener: as in @options
 * @gate: limits for strangers
 * @hush: what the log said about them
 * @noise: what it said about attempts that failed
 * @half: strangers
 */
struct link_net {
	struct loop *loop;
	struct kport *port;
	struct link_options options;
	struct link_ops ops;
	struct kport_watch watch;
	struct link_counts counts;
	unsigned int nr_peers;
	struct link_peer *peer[LINK_BUCKETS];
	uint64_t asks;
	uint64_t life;
	bool stale;
	bool stale_peers;
	bool full;
	uint64_t stock_ns;
	struct loop_call look;
	struct loop_timer again;
	struct kport_request peers;
	struct kport_request links;
	struct listener listener[LINK_LISTENS_MAX];
	struct gate gate;
	struct links_hush hush;
	struct log_limit noise;
	struct link_half half[GATE_PLACES];
};

/**
 * struct link_seen - a link as the kernel's dump shows it
 * @state: enum qbd_link_state
 * @ups: connections that it had
 * @error: how the last one ended
 * @reason: the same for people
 */
struct link_seen {
	uint32_t state;
	uint64_t ups;
	int error;
	const char *reason;
};

static inline uint64_t link_now(const struct link_net *net)
{
	return loop_now(net->loop);
}

/* link.c */
struct link_peer *link_peer_find(const struct link_net *net, uint32_t node);
int link_say(struct link_net *net, uint32_t node, const struct link_msg *msg);

/* one.c */
void link_one_init(struct link_peer *peer, uint32_t number);
void link_one_end(struct link_one *one);
void link_one_idle(struct link_one *one);
void link_one_hurry(struct link_one *one);
void link_one_seen(struct link_one *one, const struct link_seen *seen);
void link_one_ticket(struct link_one *one, const struct link_ticket *ticket);
void link_one_failed(struct link_one *one, int error, const char *reason);
void link_one_give(struct link_one *one, int fd, const union links_addr *via);

/* look.c */
void link_look_init(struct link_net *net);
void link_look_end(struct link_net *net);
bool link_ours(const struct link_net *net);
void link_stale(struct link_net *net, struct link_peer *peer);

/* accept.c */
int link_listen(struct link_net *net);
void link_listen_end(struct link_net *net);

#endif /* QBD_LINK_INNER_H */
