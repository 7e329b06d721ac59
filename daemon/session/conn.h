/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection: socket, TLS, frames in and out. It knows nothing of nodes.
 *
 *	          connect()        tls_step()
 *	DIALING ------------> SHAKING ------------> UP ------> ENDED
 *	WAITING ------------^    (shaken)               (ended)
 *	        first byte
 *
 * Whoever made it is called back: shaken(), then message() for each complete
 * message, and ended(), once, whatever happened.  In each of them it may be
 * ended, and its memory stays until the turn is over.
 *
 * ONE THREAD DOES ALL, so nobody may have it for long.  A handshake costs about
 * half a millisecond: SHAKES_MAX steps in a turn, those of peers first, the
 * others wait in a row.  Who sends much is read for TURN_BYTES, then it is the
 * next one's turn; likewise for what is sent.
 *
 * NOTHING COSTS BEFORE IT HAS TO.  An accepted connection that says nothing has
 * a descriptor and this struct, no TLS.
 *
 * BETWEEN HERE AND THERE.  What the kernel holds of a socket is in front of
 * everything that is sent later, so it is little: TCP_NOTSENT_LOWAT (which the
 * kernel looks at once in 64 KiB), and buffers of CONN_BUFFER bytes.  (Without:
 * four megabytes of a snapshot are in the socket of a slow peer, the heartbeat
 * behind them; the peer calls for a new leader.)
 */
#ifndef QBD_SESSION_CONN_H
#define QBD_SESSION_CONN_H

#include "../links_conf.h"
#include "../loop.h"
#include "box.h"
#include "tls.h"

#define CONN_SHAKES_MAX 4 /* steps of handshakes in a turn: 2 ms */
#define CONN_BUSY_MAX 16 /* connections that go on in a turn */
#define CONN_TURN_BYTES (64 * 1024) /* of one of them, in each direction */
#define CONN_BUFFER (256 * 1024) /* of a socket, in each direction */
#define CONN_LOWAT (16 * 1024) /* of it, not sent yet */

struct conn;

/**
 * enum conn_state - see the top of this file
 * @CONN_DIALING: connect() has begun
 * @CONN_WAITING: accepted; nothing came yet
 * @CONN_SHAKING: in the handshake
 * @CONN_UP: the other side is authenticated
 * @CONN_ENDED: closed; its memory is about to go
 */
enum conn_state {
	CONN_DIALING,
	CONN_WAITING,
	CONN_SHAKING,
	CONN_UP,
	CONN_ENDED,
};

/**
 * struct conn_ops - whoever made a connection
 * @shaken: it is up: conn.tls says who the other side is
 * @message: a message came
 * @ended: it is closed, for that reason, after no call or the other two
 * @extra: bytes behind the connection, for its maker: conn_extra(), 0 at first
 */
struct conn_ops {
	size_t extra;
	void (*shaken)(struct conn *conn);
	void (*message)(struct conn *conn, const struct inbox_msg *msg);
	void (*ended)(struct conn *conn, enum session_why why);
};

/**
 * struct conn_row - connections that wait for their turn
 * @first: the next
 * @last: where the one behind the last goes
 */
struct conn_row {
	struct conn *first;
	struct conn **last;
};

/**
 * struct conn - a connection
 * @source: the socket, first member
 * @timer: deadline of what it is doing, then the owner's
 * @hub: to which it belongs
 * @ops: whoever made it
 * @owner: for @ops
 * @next: in the hub, or of those whose memory is about to go
 * @link: what points here
 * @row: the row in which it waits; NULL = none
 * @row_next: the one behind it there
 * @state: where it is
 * @role: which end
 * @first: its handshake is done before others
 * @readable: the socket may have something
 * @writable: it may take something
 * @addr: of the other side
 * @token: TLS_JOIN: with it
 * @tls: not before CONN_SHAKING
 * @out: what waits
 * @in: what is not complete
 * @turn: of the hub, in which it had its share
 * @heard_ns: when something came last
 * @sent_ns: when something was sent last
 */
struct conn {
	struct loop_source source;
	struct loop_timer timer;
	struct conn_hub *hub;
	const struct conn_ops *ops;
	void *owner;
	struct conn *next;
	struct conn **link;
	struct conn_row *row;
	struct conn *row_next;
	enum conn_state state;
	enum tls_role role;
	bool first;
	bool readable;
	bool writable;
	union links_addr addr;
	const struct token *token;
	struct tls tls;
	struct outbox out;
	struct inbox in;
	uint64_t turn;
	uint64_t heard_ns;
	uint64_t sent_ns;
};

/**
 * struct conn_hub - connections that share a loop and a key
 * @loop: the loop
 * @conf: for their handshakes
 * @conns: all that are not ended
 * @ended: all that are
 * @peers: row: handshakes of peers
 * @strangers: row: handshakes of others
 * @busy: row: has more to read or to send
 * @work: call: goes on with the rows
 * @reap: call: frees @ended
 * @nr: how many are not ended
 * @turn: counts calls of @work
 * @queued: bytes in all outboxes
 * @in: the record that is looked at
 * @out: the record that is being made
 */
struct conn_hub {
	struct loop *loop;
	struct tls_conf conf;
	struct conn *conns;
	struct conn *ended;
	struct conn_row peers;
	struct conn_row strangers;
	struct conn_row busy;
	struct loop_call work;
	struct loop_call reap;
	unsigned int nr;
	uint64_t turn;
	uint64_t queued;
	uint8_t in[SESSION_FRAME_MAX];
	uint8_t out[SESSION_FRAME_MAX];
};

int conn_hub_init(struct conn_hub *hub, struct loop *loop,
		  const struct identity *identity, const struct tls_ops *ops);
void conn_hub_free(struct conn_hub *hub);

/* dial.c */
struct conn *conn_dial(struct conn_hub *hub, const struct conn_ops *ops,
		       void *owner, const union links_addr *to,
		       const struct token *token, uint64_t until_ns);
struct conn *conn_accept(struct conn_hub *hub, const struct conn_ops *ops,
			 void *owner, int fd, const union links_addr *from,
			 bool first);
bool conn_connected(struct conn *conn);

/* conn.c */
void *conn_extra(struct conn *conn);
int conn_send(struct conn *conn, enum session_class class, uint16_t type,
	      const void *data, size_t bytes);
void conn_last(struct conn *conn, uint16_t type, const void *data, size_t bytes,
	       enum session_why why);
void conn_end(struct conn *conn, enum session_why why);
void conn_listen(struct conn *conn);
void conn_until(struct conn *conn, uint64_t until_ns,
		void (*expired)(struct loop_timer *timer));
struct conn *conn_of_timer(struct loop_timer *timer);
void conn_ready(struct loop_source *source, uint32_t events);
void conn_late(struct loop_timer *timer);

#endif /* QBD_SESSION_CONN_H */
