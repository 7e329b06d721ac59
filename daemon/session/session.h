/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions between daemons: authenticated, encrypted, one for each pair.
 *
 * WHO DIALS.  Of two nodes the one with the lower id, so that two that find
 * each other do not end up with two sessions, or none.  It tries the peer's
 * addresses in turn, for as long as the peer is one, with pauses that grow to
 * two seconds and are spread by lot.  A session in use is replaced only by one
 * that is authenticated, and by the rule of session_settle(), which both sides
 * decide alike.
 * The other one knocks after a while (knock_ms): that is refused, and says why
 * nobody calls: a node that was removed while it was down hears that.
 *
 * WHAT IS PROMISED.  A message arrives once, whole, and in the order of its
 * class within one session, or the session ends; not that it arrives.  up() and
 * down() alternate.  A message waits for less urgent ones no longer than for
 * the record that is being sent (16 KiB) and what TCP has already (about 64 KiB
 * that are not on their way, conn.h).  Sending never waits: -ENOBUFS when too
 * much does. A peer that says nothing for dead_ms, not even a beat, has its
 * session ended; whether it is believed to be there is the failure detector's
 * (detect.h).
 *
 * WHO IS WHO.  A node is its key (identity.h).  Both sides prove theirs in TLS;
 * whose it is says the cluster's state, through who().  Inside of it HELLO says
 * cluster, lineage, and who means whom (wire.h).  A joiner has no key that
 * anybody knows, so it proves a token (token.h), in a session that can ask to
 * join and nothing else.
 *
 * WHAT AN ATTACKER CAN DO, at a listener or between two nodes:
 *
 *	garbage, silence	costs a place at the door until its deadline
 *				(gate.h); counted, said at a limited rate
 *	a flood			takes strangers' places only; peers have their
 *				own, and who is authenticated is not counted
 *	reading along		sees sizes and times; keys that are stolen later
 *				do not open what was recorded
 *	changing a byte		ends the session, as cutting the cable does
 *	replaying		nothing: both sides add fresh randomness
 *	a wrong token		nothing; each try is a connection, 160 bits
 *	a stolen token		joins, once, until it is used or expires: the
 *				rightful bearer is then refused, which shows it
 *	a stolen node key	is that node, until it is removed
 *	a removed node		nothing: who() refuses its key, and what it has
 *				is ended by session_recheck()
 *	a node turned bad	says what it likes, in its own name, so what it
 *				sends is checked where it is used. It takes no
 *				more memory than is stated here
 *
 * BOUNDS.  Peers, addresses, half-open connections, attempts to connect and
 * joins have limits, below and in gate.h.  A session holds at most
 * OUTBOX_CLASS_MAX for each class, all together options.queue_bytes (URGENT is
 * not refused for that), and what comes in, one message of each class.
 *
 * CALLS come from the loop's thread, and any function here may be called inside
 * of them but session_net_destroy().
 *
 * Files: session.c (peers, sending, status), peer.c (dialing, HELLO, beats),
 * listen.c (strangers), join.c (the cluster's side), joiner.c (the other),
 * conn.c, dial.c (connections), tls.c, identity.c, token.c, wire.c (frames),
 * box.c (queues), gate.c (limits), detect.c (is it there?).
 */
#ifndef QBD_SESSION_SESSION_H
#define QBD_SESSION_SESSION_H

#include "../links_conf.h"
#include "../loop.h"
#include "detect.h"
#include "identity.h"
#include "tls.h"
#include "token.h"
#include "wire.h"

#define SESSION_PEERS_MAX 1024 /* as many as a cluster has nodes */
#define SESSION_ADDRS_MAX 4 /* of a peer */
#define SESSION_LISTENS_MAX 8
#define SESSION_DIALS_MAX 64 /* attempts to connect at a time */
#define SESSION_JOINS_MAX 16 /* joiners who wait for their answer */
#define SESSION_JOIN_BYTES_MAX (64 * 1024) /* request, and answer */
#define SESSION_ANSWER_MS 30000 /* to answer a joiner */

struct session_net;
struct session_join;

/**
 * struct session_ops - what the daemon is asked, and told
 * @tls: whose key, whose token: see tls.h; its @arg is for all of these
 * @up: there is a session with @node
 * @down: there is no longer, for that reason
 * @state: the failure detector has changed its mind about @node
 * @received: a message from @node; @data is valid until it returns
 * @join: the bearer of @token asks to join: session_join_answer() to @joiner,
 *	now or later. Whether it was used is to be checked here again, as two
 *	may have come with it at once
 */
struct session_ops {
	struct tls_ops tls;
	void (*up)(void *arg, uint32_t node);
	void (*down)(void *arg, uint32_t node, enum session_why why);
	void (*state)(void *arg, uint32_t node, enum detect_state state);
	void (*received)(void *arg, uint32_t node, enum session_class class,
			 uint16_t type, const void *data, size_t bytes);
	void (*join)(void *arg, uint64_t joiner, uint64_t token,
		     const void *data, size_t bytes);
};

/**
 * struct session_options - what does not change
 * @identity: the node's key; stays
 * @node: its id
 * @cluster: uuid
 * @lineage: of the cluster
 * @listen: where; port 0: any, see session_listens_at()
 * @nr_listens: how many
 * @beat_ms: how often to say something; 0: 500
 * @dead_ms: silent for so long: ended; 0: 3000
 * @shake_ms: to be authenticated; 0: 5000
 * @hold_ms: see detect.h; 0: 1000
 * @hold_max_ms: see detect.h; 0: 60000
 * @knock_ms: who is to be called and is not asks why; 0: 10000
 * @queue_bytes: that wait in all sessions; 0: 256 MiB
 */
struct session_options {
	const struct identity *identity;
	uint32_t node;
	uint8_t cluster[16];
	uint64_t lineage;
	union links_addr listen[SESSION_LISTENS_MAX];
	unsigned int nr_listens;
	uint32_t beat_ms;
	uint32_t dead_ms;
	uint32_t shake_ms;
	uint32_t hold_ms;
	uint32_t hold_max_ms;
	uint32_t knock_ms;
	uint64_t queue_bytes;
};

/**
 * struct session_status - a peer
 * @node: its id
 * @up: there is a session
 * @dials: this side connects
 * @state: what the failure detector thinks
 * @addr: of the session, else tried last; its family is 0 if there is none
 * @since_ns: since when it is up, or down
 * @heard_ns: when it was heard last; 0 = never
 * @ups: sessions so far
 * @falls: how often the detector ceased to believe in it
 * @nonce: of the peer's life; 0 = never up
 * @version: the newest that it spoke then; 0 = never up
 * @queued: bytes that wait
 * @refused: messages not taken, because too much waits
 * @why: how the last session, or attempt, ended
 */
struct session_status {
	uint32_t node;
	bool up;
	bool dials;
	enum detect_state state;
	union links_addr addr;
	uint64_t since_ns;
	uint64_t heard_ns;
	uint64_t ups;
	uint64_t falls;
	uint64_t nonce;
	uint16_t version;
	uint64_t queued;
	uint64_t refused;
	enum session_why why;
};

/**
 * struct session_counts - all together
 * @accepted: connections that others made
 * @refused: of these, by reason, who did not become a session
 * @dials: attempts to connect
 * @failed: of these, by reason
 * @ups: sessions
 * @joins: requests to join that were handed on
 * @half_open: connections now that nobody has authenticated
 * @queued: bytes that wait now
 */
struct session_counts {
	uint64_t accepted;
	uint64_t refused[SESSION_WHYS];
	uint64_t dials;
	uint64_t failed[SESSION_WHYS];
	uint64_t ups;
	uint64_t joins;
	unsigned int half_open;
	uint64_t queued;
};

/**
 * struct session_join_options - to join a cluster
 * @token: with it
 * @addr: of nodes of the cluster, tried in turn
 * @nr_addrs: how many
 * @data: the request; copied
 * @bytes: its length
 * @timeout_ms: for all of it
 * @done: called once, unless it was cancelled: why it failed, or
 *	SESSION_WHY_NONE and the answer; then @join is gone
 * @arg: for @done
 */
struct session_join_options {
	struct token token;
	union links_addr addr[SESSION_LISTENS_MAX];
	unsigned int nr_addrs;
	const void *data;
	size_t bytes;
	uint32_t timeout_ms;
	void (*done)(void *arg, enum session_why why, const void *data,
		     size_t bytes);
	void *arg;
};

int session_net_create(struct session_net **made, struct loop *loop,
		       const struct session_options *options,
		       const struct session_ops *ops);
void session_net_destroy(struct session_net *net);
void session_listens_at(const struct session_net *net, unsigned int number,
			union links_addr *addr);
void session_counts(const struct session_net *net,
		    struct session_counts *counts);

void session_net_least(struct session_net *net, uint16_t least);
int session_peer_set(struct session_net *net, uint32_t node,
		     const union links_addr *addr, unsigned int nr_addrs);
void session_peer_remove(struct session_net *net, uint32_t node);
int session_peer_status(const struct session_net *net, uint32_t node,
			struct session_status *status);
void session_recheck(struct session_net *net);

int session_send(struct session_net *net, uint32_t node,
		 enum session_class class, uint16_t type, const void *data,
		 size_t bytes);

int session_join_answer(struct session_net *net, uint64_t joiner,
			const void *data, size_t bytes);
int session_join_begin(struct session_join **made, struct loop *loop,
		       const struct session_join_options *options);
void session_join_cancel(struct session_join *join);

#endif /* QBD_SESSION_SESSION_H */
