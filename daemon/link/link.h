/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Links: connections between kernels, made by the daemons of both nodes.
 *
 * WHO.  Of two nodes the one with the lower id connects, so that there is one
 * connection for each link.  It asks the other's daemon for a ticket, over
 * their session, connects, and both prove what they know (ticket.h).  Then
 * each hands its end to its kernel (link-add), and the two kernels say HELLO.
 * Exactly the bytes of claim and proof are read: what follows them in the
 * socket is a kernel's.
 *
 * STATE.  The truth is in the kernel.  What is known here of a link comes from
 * its dumps: of all links at the start, after a gap in the events, and now and
 * then; of one peer's links after an event about them.  Nothing is concluded
 * from the content of an event.  So a daemon may be killed at any time: links
 * that are up stay up, and its successor connects only what is down.
 *
 *	DOWN --due--> ASK --ticket--> DIAL --connected--> PROVE --proved-->.
 *	 ^ ^            |              |                    |              |
 *	 | '--failed----'--------------'--------------------'              |
 *	 |                                                                 v
 *	 '------- dump ------- GIVEN / UP <--dump, or link-add done-- (link-add)
 *
 * A link that the peer connects waits in DOWN.  Peers and their numbers of
 * links are the kernel's, too: who uses this adds them there (peer-add) and
 * tells their addresses here (link_peer_set()); a link is connected when both
 * is so.
 *
 * WHAT IT IS, AND IS NOT.  Whoever gets a connection to a kernel was told by
 * this daemon's cluster to be that node: a stranger, a node of another cluster,
 * a removed one can not get at the kernel's parser, not to speak of its data.
 * What follows on the connection is neither encrypted nor authenticated.  An
 * attacker who sees the packets reads the data; one who can change them in
 * flight, or take over the connection behind the proof, can do what he likes to
 * it.  The network of links has to be one that nobody else is on, until the
 * kernel's connections get TLS.
 *
 *	a claim that was recorded	its ticket was used: refused
 *	a name of a ticket, seen	nothing without the secret; the ticket
 *					stays good for who has it
 *	a claim, passed on by another	is a wire between the two: see above
 *	a peer turned bad		asks for its own links only, and has one
 *					ticket for each
 *	garbage, silence, a flood	limits for each source and in all, a
 *					deadline; counted, said at a limited
 *					rate. Peers have their own places
 *					(session/gate.h)
 *
 * Without a session no new link can be made; those that are up go on.
 *
 * One thread, the loop's.  send() is the only callback; within it, no peer may
 * be dropped and the net not be destroyed.
 *
 * Files: link.c (peers, messages), one.c (the life of a link), look.c (the
 * kernel's view), accept.c (strangers), ticket.c (bytes).
 */
#ifndef QBD_LINK_LINK_H
#define QBD_LINK_LINK_H

#include "../kport/kport.h"
#include "../links_conf.h"
#include "ticket.h"

#define LINK_PEERS_MAX 1024 /* as many as a cluster has nodes */
#define LINK_ADDRS_MAX 4 /* of a peer */
#define LINK_LISTENS_MAX 8
#define LINK_DIALS_MAX 64 /* attempts at a time */

struct link_net;

/**
 * enum link_state - see the top of this file
 * @LINK_DOWN: no connection
 * @LINK_ASK: a ticket was asked for
 * @LINK_DIAL: connect() has begun
 * @LINK_PROVE: the claim was sent
 * @LINK_GIVEN: the kernel has a connection, but does not use it yet
 * @LINK_UP: in use
 */
enum link_state {
	LINK_DOWN,
	LINK_ASK,
	LINK_DIAL,
	LINK_PROVE,
	LINK_GIVEN,
	LINK_UP,
};

/**
 * struct link_options - what does not change
 * @node: our id
 * @cluster: our cluster
 * @lineage: its lineage
 * @listen: where; port 0: any, see link_listens_at()
 * @nr_listens: how many
 * @attempt_ms: for a ticket, and for connecting; 0: 3000
 * @half_ms: for a stranger's claim; 0: 5000
 * @ticket_ms: a ticket is good for so long; 0: 10000
 * @given_ms: how often to look whether the kernels agree; 0: 250
 * @stock_ms: how often to look at all links anyway; 0: 10000
 */
struct link_options {
	uint32_t node;
	uint8_t cluster[16];
	uint64_t lineage;
	union links_addr listen[LINK_LISTENS_MAX];
	unsigned int nr_listens;
	uint32_t attempt_ms;
	uint32_t half_ms;
	uint32_t ticket_ms;
	uint32_t given_ms;
	uint32_t stock_ms;
};

/**
 * struct link_ops - the daemon
 * @send: have this said to the link_received() of that node's daemon, over
 *	the session; 0, or -errno: there is none, or too much waits
 * @arg: for it
 */
struct link_ops {
	int (*send)(void *arg, uint32_t node, const void *data, size_t bytes);
	void *arg;
};

/**
 * struct link_status - a link
 * @state: where it is
 * @dials: this side connects
 * @known: the kernel knows the peer, and that it has this link
 * @addr: of the connection that was tried, or handed over, last; family 0: none
 * @since_ns: UP: since when
 * @ups: the kernel's count of connections
 * @tries: attempts since the last connection that lasted
 */
struct link_status {
	enum link_state state;
	bool dials;
	bool known;
	union links_addr addr;
	uint64_t since_ns;
	uint64_t ups;
	unsigned int tries;
};

/**
 * struct link_counts - all together
 * @accepted: connections that others made
 * @refused: of these, without a claim that holds
 * @admitted: of these, with one
 * @tickets: made
 * @refusals: asks for a ticket that were refused
 * @bad: messages of peers that make no sense
 * @dials: attempts
 * @failed: of these, how many failed
 * @given: connections that the kernel took
 * @half_open: connections now that have not made their claim
 * @dialing: attempts now
 */
struct link_counts {
	uint64_t accepted;
	uint64_t refused;
	uint64_t admitted;
	uint64_t tickets;
	uint64_t refusals;
	uint64_t bad;
	uint64_t dials;
	uint64_t failed;
	uint64_t given;
	unsigned int half_open;
	unsigned int dialing;
};

int link_net_create(struct link_net **made, struct loop *loop,
		    struct kport *port, const struct link_options *options,
		    const struct link_ops *ops);
void link_net_destroy(struct link_net *net);
void link_listens_at(const struct link_net *net, unsigned int number,
		     union links_addr *addr);
void link_counts(const struct link_net *net, struct link_counts *counts);

int link_peer_set(struct link_net *net, uint32_t node,
		  const union links_addr *addr, unsigned int nr_addrs);
void link_peer_drop(struct link_net *net, uint32_t node);
int link_status(const struct link_net *net, uint32_t node, uint32_t link,
		struct link_status *status);

void link_received(struct link_net *net, uint32_t from, const void *data,
		   size_t bytes);
void link_session_up(struct link_net *net, uint32_t node);
void link_look(struct link_net *net);

#endif /* QBD_LINK_LINK_H */
