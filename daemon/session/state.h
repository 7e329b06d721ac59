/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of session.h share: a net, its peers, and what is known of
 * a connection while it is on its way to be a session.
 */
#ifndef QBD_SESSION_STATE_H
#define QBD_SESSION_STATE_H

#include "../links_pace.h"
#include "../listen.h"
#include "../log.h"
#include "conn.h"
#include "gate.h"
#include "session.h"

#define SESSION_MS 1000000ULL
#define SESSION_BUCKETS 1024
#define SESSION_STABLE_NS (2000 * SESSION_MS) /* lasted: forgives failures */
#define SESSION_JOIN_HEAD 8
#define SESSION_JOIN_REQUEST 1
#define SESSION_JOIN_ANSWER 2

/**
 * struct session_link - a connection, behind its struct conn
 * @net: to which it belongs
 * @conn: it
 * @peer: with whom; accepted: NULL until it is a session
 * @open: it is the session with @peer
 * @peers_place: at the gate, it has a place of peers
 * @gated: it has a place at the gate
 * @asked: its joiner has asked
 * @joiner: its joiner's number; 0 = it is about no joining
 * @mark: what decides between it and another
 * @beat_ns: when a beat was made last
 * @older: stranger that came before; NULL = none
 * @newer: stranger that came after; NULL = none
 */
struct session_link {
	struct session_net *net;
	struct conn *conn;
	struct session_peer *peer;
	bool open;
	bool peers_place;
	bool gated;
	bool asked;
	uint64_t joiner;
	struct session_mark mark;
	uint64_t beat_ns;
	struct session_link *older;
	struct session_link *newer;
};

/**
 * struct session_peer - another node
 * @next: in its bucket
 * @net: to which it belongs
 * @node: its id
 * @dials: this side connects
 * @nr_addrs: how many
 * @addr: where it listens
 * @session: the session; NULL = none
 * @attempt: the connection on its way; NULL = none
 * @redial: timer: when to try again
 * @look: timer: when to look at @detect
 * @detect: is it there?
 * @said: state that the daemon was told
 * @tries: attempts since the last session that lasted
 * @said_why: failure that the log mentioned last
 * @why: how the last session or attempt ended
 * @since_ns: since when it is up, or down
 * @via: address of the session, or tried last
 * @ups: sessions so far
 * @nonce: of its life
 * @version: the newest that it spoke last
 * @refused: messages not taken
 */
struct session_peer {
	struct session_peer *next;
	struct session_net *net;
	uint32_t node;
	bool dials;
	unsigned int nr_addrs;
	union links_addr addr[SESSION_ADDRS_MAX];
	struct conn *session;
	struct conn *attempt;
	struct loop_timer redial;
	struct loop_timer look;
	struct detect detect;
	enum detect_state said;
	unsigned int tries;
	enum session_why said_why;
	enum session_why why;
	uint64_t since_ns;
	union links_addr via;
	uint64_t ups;
	uint64_t nonce;
	uint16_t version;
	uint64_t refused;
};

/**
 * struct session_net - all of it
 * @hub: connections
 * @options: with defaults filled in
 * @ops: the daemon
 * @least: the oldest version that is spoken
 * @nonce: of this life
 * @numbers: sessions that were dialed
 * @accepts: connections that were accepted
 * @joiners: who asked to join
 * @joins: of these, who wait
 * @dialing: attempts to connect
 * @nr_peers: how many
 * @peer: by bucket
 * @listener: as in @options
 * @gate: limits for strangers
 * @oldest: stranger at the gate
 * @newest: stranger at the gate
 * @hush: what the log said about strangers
 * @counts: what happened
 */
struct session_net {
	struct conn_hub hub;
	struct session_options options;
	uint16_t least;
	struct session_ops ops;
	uint64_t nonce;
	uint64_t numbers;
	uint64_t accepts;
	uint64_t joiners;
	unsigned int joins;
	unsigned int dialing;
	unsigned int nr_peers;
	struct session_peer *peer[SESSION_BUCKETS];
	struct listener listener[SESSION_LISTENS_MAX];
	struct gate gate;
	struct session_link *oldest;
	struct session_link *newest;
	struct links_hush hush;
	struct session_counts counts;
};

static inline uint64_t session_now(const struct session_net *net)
{
	return loop_now(net->hub.loop);
}

/* session.c */
struct session_peer *session_peer_find(const struct session_net *net,
				       uint32_t node);

/* peer.c */
extern const struct conn_ops session_conn_ops;
void session_peer_begin(struct session_peer *peer);
void session_peer_end(struct session_peer *peer);
void session_refuse(struct conn *conn, enum session_why why);

/* listen.c */
int session_listen(struct session_net *net);
void session_listen_end(struct session_net *net);
void session_gate_leave(struct session_link *link);
void session_stranger_gone(struct session_link *link, enum session_why why);

/* join.c */
void session_join_shaken(struct session_link *link);
void session_join_message(struct session_link *link,
			  const struct inbox_msg *msg);
void session_join_head(uint8_t head[SESSION_JOIN_HEAD], uint16_t least);
enum session_why session_join_check(const struct inbox_msg *msg, uint16_t type,
				    uint16_t least);

#endif /* QBD_SESSION_STATE_H */
