// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a connection to a session: dialing, HELLO, which one stays, beats; see
 * session.h.
 *
 * The daemon may remove a peer in any call. So a call is the last thing that a
 * function does with a peer, or it looks whether its connection still is.
 */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "bytes.h"

/* At the start: spread what all nodes of a cluster do at once. */
#define SESSION_FIRST_MS 50

static void session_tick(struct loop_timer *timer);

static uint32_t session_random(void)
{
	uint32_t random = 0;

	/* if it fails, attempts are spread less */
	if (gnutls_rnd(GNUTLS_RND_NONCE, &random, sizeof(random)))
		return 0;
	return random;
}

/* --- dialing ------------------------------------------------------------- */

/*
 * Who waits to be called may wait in vain: a node that was removed while it was
 * down has nobody who calls it.  So it knocks now and then, which makes no
 * session (SESSION_WHY_DIRECTION), but it hears what is wrong with it.
 */
static void session_knock_later(struct session_peer *peer)
{
	loop_timer_set(peer->net->hub.loop, &peer->redial,
		       session_now(peer->net) +
			       peer->net->options.knock_ms * SESSION_MS);
}

/* Has the other side something against this node? */
static bool session_told(enum session_why why)
{
	return why == SESSION_WHY_KEY || why == SESSION_WHY_CLUSTER ||
	       why == SESSION_WHY_LINEAGE || why == SESSION_WHY_VERSION;
}

/* Try again when the time has come, if it is for us to do so. */
static int session_redial(struct session_peer *peer)
{
	unsigned int rounds;
	int wait_ms;

	if (peer->session || peer->attempt)
		return -1;
	if (!peer->dials) {
		session_knock_later(peer);
		return -1;
	}
	/* a round through the addresses is one failure */
	rounds = peer->nr_addrs ? peer->tries / peer->nr_addrs : peer->tries;
	wait_ms = links_backoff_ms(rounds, session_random());
	peer->tries++;
	loop_timer_set(peer->net->hub.loop, &peer->redial,
		       session_now(peer->net) + (uint64_t)wait_ms * SESSION_MS);
	return wait_ms;
}

/* An attempt failed; the same failure again is not news. */
static void session_failed(struct session_peer *peer, enum session_why why,
			   const char *detail)
{
	char via[LINKS_ADDR_TEXT];
	int wait_ms = session_redial(peer);

	/* it knocked: whether anybody is there is not for it to say */
	if (!peer->dials && (peer->session || !session_told(why)))
		return;
	peer->why = why;
	peer->net->counts.failed[why]++;
	if (peer->said_why == why || why == SESSION_WHY_REMOVED)
		return;
	peer->said_why = why;
	links_addr_format(via, &peer->via);
	log_write(LOG_LEVEL_WARN, "session-failed",
		  "peer=%u address=%s reason=\"%s\" detail=\"%s\" retry_ms=%d",
		  peer->node, via, session_why_text(why), detail ? detail : "",
		  wait_ms);
	if (why == SESSION_WHY_KEY)
		log_write(
			LOG_LEVEL_ERROR, "refused-here", "peer=%u hint=\"%s\"",
			peer->node,
			"was this node removed? 'qbdctl node list' on another one shows it; to join again it needs an empty state directory");
}

static void session_dial(struct loop_timer *timer)
{
	struct session_peer *peer =
		(struct session_peer *)((char *)timer -
					offsetof(struct session_peer, redial));
	struct session_net *net = peer->net;
	struct session_link *link;

	if (peer->session || peer->attempt || !peer->nr_addrs ||
	    net->dialing == SESSION_DIALS_MAX) {
		session_redial(peer); /* later */
		return;
	}
	peer->via = peer->addr[peer->tries % peer->nr_addrs];
	net->counts.dials++;
	peer->attempt = conn_dial(
		&net->hub, &session_conn_ops, net, &peer->via, NULL,
		session_now(net) + net->options.shake_ms * SESSION_MS);
	if (!peer->attempt) {
		session_failed(peer, SESSION_WHY_NETWORK, strerror(errno));
		return;
	}
	net->dialing++;
	link = conn_extra(peer->attempt);
	link->net = net;
	link->conn = peer->attempt;
	link->peer = peer;
	link->mark.nonce = net->nonce;
	link->mark.number = ++net->numbers;
}

/* --- HELLO --------------------------------------------------------------- */

static struct session_hello session_hello(const struct session_link *link,
					  uint32_t to)
{
	const struct session_options *options = &link->net->options;
	struct session_hello hello = {
		.version = SESSION_VERSION,
		.least = link->net->least,
		.from = options->node,
		.to = to,
		.lineage = options->lineage,
		.nonce = link->net->nonce,
		.number = link->mark.number,
	};

	memcpy(hello.cluster, options->cluster, sizeof(hello.cluster));
	return hello;
}

static void session_hello_say(struct session_link *link, uint32_t to)
{
	struct session_hello hello = session_hello(link, to);
	uint8_t bytes[SESSION_HELLO_BYTES];

	session_hello_put(bytes, &hello);
	if (conn_send(link->conn, SESSION_CONTROL, SESSION_HELLO, bytes,
		      sizeof(bytes)))
		conn_end(link->conn, SESSION_WHY_MEMORY);
}

/**
 * session_refuse() - tell the other side why not, and close
 * @conn: up
 * @why: why
 */
void session_refuse(struct conn *conn, enum session_why why)
{
	uint8_t bytes[4];

	session_put32(bytes, why);
	conn_last(conn, SESSION_REFUSE, bytes, sizeof(bytes), why);
}

/* What only the acceptor can know. */
static enum session_why session_foreign(struct session_link *link,
					const struct session_hello *hello)
{
	const struct session_peer *peer =
		session_peer_find(link->net, hello->from);
	const struct session_link *old;

	if (hello->from > link->net->options.node)
		return SESSION_WHY_DIRECTION;
	if (!peer)
		return SESSION_WHY_PEER;
	link->mark.nonce = hello->nonce;
	link->mark.number = hello->number;
	if (!peer->session)
		return SESSION_WHY_NONE;
	old = conn_extra(peer->session);
	return session_settle(&old->mark, &link->mark) ? SESSION_WHY_NONE :
							 SESSION_WHY_STALE;
}

/*
 * It has proved its key and is refused: whoever asks why there is no session
 * with it hears that, on the side that does not dial, too.
 */
static void session_turned_away(struct session_link *link, uint32_t node,
				enum session_why why)
{
	struct session_peer *peer = session_peer_find(link->net, node);

	if (!link->peer && peer && !peer->session &&
	    why != SESSION_WHY_DIRECTION)
		peer->why = why;
	session_refuse(link->conn, why);
}

static void session_open(struct session_link *link, struct session_peer *peer,
			 uint64_t nonce)
{
	struct session_net *net = link->net;
	uint32_t node = peer->node;
	char via[LINKS_ADDR_TEXT];

	if (peer->session)
		conn_end(peer->session, SESSION_WHY_REPLACED);
	/* down() was called: is it still a peer, and this still there? */
	if (link->conn->state != CONN_UP ||
	    session_peer_find(net, node) != peer)
		return;
	if (peer->attempt == link->conn) {
		peer->attempt = NULL;
		net->dialing--;
	}
	session_gate_leave(link);
	link->peer = peer;
	link->open = true;
	peer->session = link->conn;
	peer->nonce = nonce;
	peer->via = link->conn->addr;
	peer->said_why = SESSION_WHY_NONE;
	peer->since_ns = session_now(net);
	peer->ups++;
	net->counts.ups++;
	link->beat_ns = session_now(net);
	conn_until(link->conn, session_now(net), session_tick);
	links_addr_format(via, &peer->via);
	log_write(LOG_LEVEL_INFO, "session-up",
		  "peer=%u role=%s address=%s number=%llu", node,
		  peer->dials ? "connect" : "accept", via,
		  (unsigned long long)link->mark.number);
	net->ops.up(net->ops.tls.arg, node);
}

/* The first message, in each direction. */
static void session_hello_came(struct session_link *link,
			       const struct inbox_msg *msg)
{
	struct conn *conn = link->conn;
	uint32_t node = conn->tls.node;
	struct session_hello mine = session_hello(link, node);
	struct session_hello hello;
	enum session_why why;

	if (msg->class != SESSION_CONTROL || msg->type != SESSION_HELLO ||
	    session_hello_get(msg->data, msg->bytes, &hello)) {
		session_refuse(conn, SESSION_WHY_PROTOCOL);
		return;
	}
	why = session_hello_check(&hello, &mine);
	if (why == SESSION_WHY_NONE && link->peer)
		why = hello.number == link->mark.number ? SESSION_WHY_NONE :
							  SESSION_WHY_PROTOCOL;
	else if (why == SESSION_WHY_NONE)
		why = session_foreign(link, &hello);
	if (why != SESSION_WHY_NONE) {
		session_turned_away(link, node, why);
		return;
	}
	if (!link->peer)
		session_hello_say(link, node);
	if (conn->state != CONN_UP)
		return;
	session_peer_find(link->net, node)->version = hello.version;
	session_open(link, session_peer_find(link->net, node), hello.nonce);
}

/* --- a session ----------------------------------------------------------- */

/* Tell the daemon, if the detector thinks otherwise than before. */
static void session_detected(struct session_peer *peer)
{
	struct session_net *net = peer->net;
	enum detect_state state = peer->detect.state;
	uint64_t next_ns = detect_next(&peer->detect);

	/* if it comes too early it is set again: messages are many */
	if (!peer->look.slot || peer->look.due_ns > next_ns)
		loop_timer_set(net->hub.loop, &peer->look, next_ns);
	if (state == peer->said)
		return;
	log_write(LOG_LEVEL_INFO, "peer-state",
		  "peer=%u state=%s was=%s falls=%llu hold_ms=%llu", peer->node,
		  detect_name(state), detect_name(peer->said),
		  (unsigned long long)peer->detect.falls,
		  (unsigned long long)(peer->detect.hold_ns / SESSION_MS));
	peer->said = state;
	net->ops.state(net->ops.tls.arg, peer->node, state);
}

static void session_look(struct loop_timer *timer)
{
	struct session_peer *peer =
		(struct session_peer *)((char *)timer -
					offsetof(struct session_peer, look));
	struct session_net *net = peer->net;
	uint32_t node = peer->node;

	if (peer->session && session_now(net) >= detect_next(&peer->detect)) {
		conn_listen(peer->session);
		/* the daemon was called: it may have removed the peer */
		if (session_peer_find(net, node) != peer)
			return;
	}
	detect_look(&peer->detect, session_now(net));
	session_detected(peer);
}

/* Beats, and the end of a silent session. */
static void session_tick(struct loop_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);
	struct session_link *link = conn_extra(conn);
	const struct session_options *options = &link->net->options;
	uint64_t beat_ns = options->beat_ms * SESSION_MS;
	uint64_t dead_ns = options->dead_ms * SESSION_MS;
	uint64_t now_ns = session_now(link->net);

	if (now_ns - conn->heard_ns >= dead_ns)
		conn_listen(conn);
	if (conn->state != CONN_UP)
		return;
	if (now_ns - conn->heard_ns >= dead_ns) {
		conn_end(conn, SESSION_WHY_SILENT);
		return;
	}
	dead_ns += conn->heard_ns;
	if (conn->sent_ns > link->beat_ns)
		link->beat_ns = conn->sent_ns;
	if (now_ns >= link->beat_ns + beat_ns) {
		link->beat_ns = now_ns;
		/* one that waits is enough; no memory: the next one */
		if (!conn->out.queue[SESSION_CONTROL].first)
			(void)conn_send(conn, SESSION_CONTROL, SESSION_BEAT,
					NULL, 0);
	}
	beat_ns += link->beat_ns;
	conn_until(conn, beat_ns < dead_ns ? beat_ns : dead_ns, session_tick);
}

/* HELLO has been; REFUSE may come at any time. */
static void session_control(struct session_link *link,
			    const struct inbox_msg *msg)
{
	struct conn *conn = link->conn;

	if (msg->type == SESSION_BEAT && !msg->bytes)
		return;
	if (msg->type == SESSION_BYE && !msg->bytes)
		conn_end(conn, SESSION_WHY_CLOSED);
	else
		conn_end(conn, SESSION_WHY_PROTOCOL);
}

/* What the other side says, if it makes sense. */
static enum session_why session_refused(const struct inbox_msg *msg)
{
	uint32_t why = msg->bytes == 4 ? session_get32(msg->data) : 0;

	return why && why < SESSION_WHYS ? (enum session_why)why :
					   SESSION_WHY_PROTOCOL;
}

static void session_message(struct conn *conn, const struct inbox_msg *msg)
{
	struct session_link *link = conn_extra(conn);
	struct session_net *net = link->net;

	if (link->joiner) {
		session_join_message(link, msg);
		return;
	}
	if (msg->class == SESSION_CONTROL && msg->type == SESSION_REFUSE) {
		conn_end(conn, session_refused(msg));
		return;
	}
	if (!link->open) {
		session_hello_came(link, msg);
		return;
	}
	detect_heard(&link->peer->detect, session_now(net));
	session_detected(link->peer);
	if (conn->state != CONN_UP)
		return;
	if (msg->class == SESSION_CONTROL)
		session_control(link, msg);
	else if (msg->class == SESSION_JOIN)
		conn_end(conn, SESSION_WHY_PROTOCOL);
	else
		net->ops.received(net->ops.tls.arg, link->peer->node,
				  msg->class, msg->type, msg->data, msg->bytes);
}

static void session_shaken(struct conn *conn)
{
	struct session_link *link = conn_extra(conn);

	if (conn->tls.by_token)
		session_join_shaken(link);
	else if (link->peer && conn->tls.node != link->peer->node)
		conn_end(conn, SESSION_WHY_FROM);
	else if (link->peer)
		session_hello_say(link, link->peer->node);
	/* who accepted waits for HELLO */
}

static void session_down(struct session_peer *peer, enum session_why why)
{
	struct session_net *net = peer->net;
	uint64_t now_ns = session_now(net);
	uint64_t lasted_ns = now_ns - peer->since_ns;
	struct conn *conn = peer->session;

	peer->session = NULL;
	peer->why = why;
	peer->since_ns = now_ns;
	if (lasted_ns >= SESSION_STABLE_NS)
		peer->tries = 0;
	log_write(
		LOG_LEVEL_INFO, "session-down",
		"peer=%u lasted_ms=%llu reason=\"%s\" detail=\"%s\" retry_ms=%d",
		peer->node, (unsigned long long)(lasted_ns / SESSION_MS),
		session_why_text(why), conn->tls.detail ? conn->tls.detail : "",
		session_redial(peer));
	/* a session that goes on elsewhere is no gap */
	if (why != SESSION_WHY_REPLACED)
		detect_lost(&peer->detect, now_ns);
	net->ops.down(net->ops.tls.arg, peer->node, why);
}

static void session_ended(struct conn *conn, enum session_why why)
{
	struct session_link *link = conn_extra(conn);
	struct session_peer *peer = link->peer;

	session_gate_leave(link);
	if (!peer) {
		session_stranger_gone(link, why);
		return;
	}
	if (peer->attempt == conn) {
		peer->attempt = NULL;
		link->net->dialing--;
		session_failed(peer, why, conn->tls.detail);
	} else if (peer->session == conn) {
		/* first: down() may remove the peer */
		loop_timer_set(link->net->hub.loop, &peer->look,
			       session_now(link->net));
		session_down(peer, why);
	}
}

const struct conn_ops session_conn_ops = {
	.extra = sizeof(struct session_link),
	.shaken = session_shaken,
	.message = session_message,
	.ended = session_ended,
};

/**
 * session_peer_begin() - a peer is new
 * @peer: it
 */
void session_peer_begin(struct session_peer *peer)
{
	const struct session_options *options = &peer->net->options;
	const struct detect_conf conf = {
		.beat_ns = options->beat_ms * SESSION_MS,
		.dead_ns = options->dead_ms * SESSION_MS,
		.hold_min_ns = options->hold_ms * SESSION_MS,
		.hold_max_ns = options->hold_max_ms * SESSION_MS,
	};

	detect_init(&peer->detect, &conf);
	peer->said = peer->detect.state;
	peer->since_ns = session_now(peer->net);
	peer->redial.name = "session-dial";
	peer->redial.expired = session_dial;
	peer->look.name = "session-detect";
	peer->look.expired = session_look;
	if (peer->dials)
		loop_timer_set(peer->net->hub.loop, &peer->redial,
			       session_now(peer->net) +
				       session_random() % SESSION_FIRST_MS *
					       SESSION_MS);
	else
		session_knock_later(peer);
}

/**
 * session_peer_end() - a peer is about to be forgotten
 * @peer: nobody can find it any more
 */
void session_peer_end(struct session_peer *peer)
{
	peer->dials = false; /* nothing is tried again */
	if (peer->attempt)
		conn_end(peer->attempt, SESSION_WHY_REMOVED);
	if (peer->session)
		conn_last(peer->session, SESSION_BYE, NULL, 0,
			  SESSION_WHY_REMOVED);
	loop_timer_stop(peer->net->hub.loop, &peer->redial);
	loop_timer_stop(peer->net->hub.loop, &peer->look);
}
