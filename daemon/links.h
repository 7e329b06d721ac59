/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Links to peers: connections are made here and used in the kernel.
 *
 * WHO. Of two nodes the one with the lower id connects, so that there is one
 * connection for each link. The other one listens, looks at the HELLO that
 * comes first, without taking it out of the socket, and so learns for which
 * link the connection is. Both hand the socket over (link-add) and close it;
 * the two kernels say HELLO to each other and check it once more.
 *
 * STATE. The truth is in the kernel. What is known here of a link comes from
 * its dumps: of all links at the start, after a gap in the events, and now and
 * then; of one peer's links after an event about them. Nothing is concluded
 * from the content of an event. So this program may be killed at any time: the
 * links that are up stay up, and its successor connects only what is down.
 *
 *	DOWN --due--> DIAL --connected, handed over--> GIVEN --dump--> UP
 *	  ^------------' failed                          |             |
 *	  ^----------------------------------------------'-------------' dump
 *
 * A link that the peer connects has no DIAL: it waits in DOWN.
 *
 * STRANGERS. Whatever comes from a socket is hostile until the kernel says
 * otherwise: it has a deadline, its number is limited, and what is wrong with
 * it is counted, and said in the log at a limited rate.
 *
 * One thread, one epoll, one source at a time: what a source's function closes
 * can not have another event waiting.
 */
#ifndef QBD_DAEMON_LINKS_H
#define QBD_DAEMON_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "knl.h"
#include "links_conf.h"
#include "links_hello.h"
#include "links_pace.h"

#define LINKS_DIALS_MAX 256 /* attempts to connect at a time */
#define LINKS_DIAL_MS 3000 /* for each */
#define LINKS_HALVES_MAX 128 /* accepted, but not yet known for whom */
#define LINKS_HALF_MS 5000 /* to say HELLO */
#define LINKS_GIVEN_MS 250 /* a failed HELLO is no event: look again */
#define LINKS_STOCK_MS 10000 /* likewise, for all links */
#define LINKS_STABLE_MS 2000 /* a connection that lasted forgives failures */
#define LINKS_PAUSE_MS 100 /* no accept() after it ran out of something */

struct links;
struct links_peer;

/**
 * struct links_source - something that epoll watches
 * @fd: what; -1 if there is nothing
 * @ready: called with what epoll saw
 */
struct links_source {
	int fd;
	void (*ready)(struct links *links, struct links_source *source,
		      uint32_t events);
};

/**
 * enum links_state - see the top of this file
 * @LINKS_DOWN: no connection
 * @LINKS_DIAL: connect() has begun
 * @LINKS_GIVEN: the kernel has a connection, but does not use it yet
 * @LINKS_UP: in use
 */
enum links_state {
	LINKS_DOWN,
	LINKS_DIAL,
	LINKS_GIVEN,
	LINKS_UP,
};

/**
 * struct links_link - a link
 * @source: socket that connects, first member
 * @peer: to whom
 * @number: which one
 * @state: where it is
 * @tries: attempts since the last connection that lasted
 * @said_error: errno of the failure that the log mentioned last
 * @due_ms: when to do the next thing, 0 = never
 * @up_ms: since when it is up
 * @ups: the kernel's count of connections
 * @via: address of the connection that was handed over last
 */
struct links_link {
	struct links_source source;
	struct links_peer *peer;
	uint32_t number;
	enum links_state state;
	unsigned int tries;
	int said_error;
	int64_t due_ms;
	int64_t up_ms;
	uint64_t ups;
	union links_addr via;
};

/**
 * struct links_peer - a peer
 * @conf: what the file says
 * @dials: we connect, not the peer
 * @known: the kernel knows it, and it was not removed
 * @listed: it was in the dump
 * @stale: its links are to be looked at again
 * @nr_links: the kernel's number of links
 * @link: the links
 */
struct links_peer {
	const struct links_conf_peer *conf;
	bool dials;
	bool known;
	bool listed;
	bool stale;
	uint32_t nr_links;
	struct links_link link[QBD_PEER_LINKS_MAX];
};

/**
 * struct links_half - accepted, and waits for its HELLO
 * @source: the socket, first member
 * @from: address
 * @until_ms: deadline
 */
struct links_half {
	struct links_source source;
	union links_addr from;
	int64_t until_ms;
};

/**
 * struct links_listener - a socket that listens
 * @source: the socket, first member
 * @pause_ms: until then it takes nobody, 0 = it does
 */
struct links_listener {
	struct links_source source;
	int64_t pause_ms;
};

/**
 * struct links - all of it
 * @conf: what the file says
 * @knl: the kernel
 * @epoll: of all sources
 * @events: source: what changes in the kernel
 * @signals: source: requests to end
 * @node: our node id
 * @cluster: our cluster
 * @lineage: its lineage
 * @seq: number of the newest event
 * @stale: all links are to be looked at again
 * @stock_ms: when to do so anyway
 * @end: the loop is to end
 * @code: exit code
 * @nr_peers: how many
 * @nr_dials: links in LINKS_DIAL
 * @peer: the peers
 * @listener: as in @conf
 * @half: free if its fd is -1
 * @hush: what the log said about strangers
 */
struct links {
	struct links_conf conf;
	struct knl knl;
	int epoll;
	struct links_source events;
	struct links_source signals;
	uint32_t node;
	uint8_t cluster[16];
	uint64_t lineage;
	uint64_t seq;
	bool stale;
	int64_t stock_ms;
	bool end;
	int code;
	unsigned int nr_peers;
	unsigned int nr_dials;
	struct links_peer *peer;
	struct links_listener listener[LINKS_LISTENS_MAX];
	struct links_half half[LINKS_HALVES_MAX];
	struct links_hush hush;
};

/**
 * struct links_seen - a link as the kernel's dump shows it
 * @state: enum qbd_link_state
 * @ups: connections that it had
 * @error: how the last one ended
 * @reason: the same for people
 */
struct links_seen {
	uint32_t state;
	uint64_t ups;
	int error;
	const char *reason;
};

/* links.c */
int64_t links_now_ms(void);
void links_log(const char *format, ...)
	__attribute__((__format__(printf, 1, 2)));
bool links_watch(struct links *links, struct links_source *source,
		 uint32_t events);
void links_unwatch(struct links *links, struct links_source *source);
void links_close(struct links *links, struct links_source *source);
struct links_peer *links_peer_find(struct links *links, uint32_t id);

/* links_kernel.c */
bool links_kernel_begin(struct links *links);
void links_kernel_events(struct links *links, struct links_source *source,
			 uint32_t events);
void links_kernel_settle(struct links *links, int64_t now_ms);
int links_kernel_give(struct links *links, struct links_link *link, int fd,
		      bool accept);

/* links_dial.c */
void links_link_init(struct links_peer *peer, uint32_t number);
void links_link_seen(struct links *links, struct links_link *link,
		     const struct links_seen *seen);
void links_link_given(struct links_link *link, const union links_addr *via);
void links_link_due(struct links *links, struct links_link *link,
		    int64_t now_ms);
void links_peer_forget(struct links *links, struct links_peer *peer);
void links_peer_begin(struct links_peer *peer, uint32_t nr_links);

/* links_accept.c */
bool links_listen(struct links *links);
void links_accept_due(struct links *links, int64_t now_ms);
int64_t links_accept_next(const struct links *links);

#endif /* QBD_DAEMON_LINKS_H */
