// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens on a connection that is there: handshake, records, the end; see
 * conn.h. Sockets are made in dial.c.
 *
 * The socket is edge-triggered: epoll says once that it may have something, and
 * @readable holds that until TLS has said -EAGAIN; likewise for @writable.
 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>

/* --- rows ---------------------------------------------------------------- */

static void conn_row_add(struct conn *conn, struct conn_row *row)
{
	if (conn->row)
		return;
	conn->row = row;
	conn->row_next = NULL;
	*row->last = conn;
	row->last = &conn->row_next;
	loop_call_later(conn->hub->loop, &conn->hub->work);
}

static struct conn *conn_row_take(struct conn_row *row)
{
	struct conn *conn = row->first;

	if (!conn)
		return NULL;
	row->first = conn->row_next;
	if (!row->first)
		row->last = &row->first;
	conn->row = NULL;
	return conn;
}

/* Rare and short: only what ends while it waits. */
static void conn_row_drop(struct conn *conn)
{
	struct conn_row *row = conn->row;
	struct conn **at;

	if (!row)
		return;
	for (at = &row->first; *at != conn;)
		at = &(*at)->row_next;
	*at = conn->row_next;
	if (!*at)
		row->last = at;
	conn->row = NULL;
}

/* --- the end ------------------------------------------------------------- */

static void conn_free(struct conn *conn)
{
	inbox_free(&conn->in);
	free(conn);
}

static void conn_reap(struct loop_call *call)
{
	struct conn_hub *hub =
		(struct conn_hub *)((char *)call -
				    offsetof(struct conn_hub, reap));
	struct conn *conn;

	while ((conn = hub->ended)) {
		hub->ended = conn->next;
		conn_free(conn);
	}
}

/**
 * conn_end() - close it now
 * @conn: may be ended already
 * @why: for its owner, who is called
 */
void conn_end(struct conn *conn, enum session_why why)
{
	struct conn_hub *hub = conn->hub;

	if (conn->state == CONN_ENDED)
		return;
	conn->state = CONN_ENDED;
	conn_row_drop(conn);
	loop_timer_stop(hub->loop, &conn->timer);
	loop_source_remove(hub->loop, &conn->source);
	tls_end(&conn->tls);
	close(conn->source.fd);
	conn->source.fd = -1;
	hub->queued -= conn->out.bytes;
	outbox_free(&conn->out);
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	hub->nr--;
	/* who is called from it may still be looking at a message of it */
	conn->next = hub->ended;
	hub->ended = conn;
	loop_call_later(hub->loop, &hub->reap);
	conn->ops->ended(conn, why);
}

/* The handshake, or what came behind it, broke it. */
static void conn_broke(struct conn *conn)
{
	conn_end(conn, conn->tls.why);
}

/* --- records ------------------------------------------------------------- */

/* All frames of a record. */
static void conn_record(struct conn *conn, size_t bytes)
{
	const uint8_t *at = conn->hub->in;
	struct session_frame frame;
	struct inbox_msg msg;

	while (bytes && conn->state == CONN_UP) {
		int len = session_frame_get(at, bytes, &frame);
		int error = len < 0 ? len : inbox_take(&conn->in, &frame, &msg);

		if (error < 0) {
			conn_end(conn, error == -ENOMEM ? SESSION_WHY_MEMORY :
							  SESSION_WHY_PROTOCOL);
			return;
		}
		if (error) {
			conn->ops->message(conn, &msg);
			inbox_done(&conn->in, &msg);
		}
		at += len;
		bytes -= (size_t)len;
	}
}

/* Returns whether there may be more than a turn's share. */
static bool conn_read(struct conn *conn)
{
	size_t budget = CONN_TURN_BYTES;
	ssize_t got;

	while (conn->state == CONN_UP && conn->readable) {
		got = tls_read(&conn->tls, conn->hub->in, SESSION_FRAME_MAX);
		if (got == -EAGAIN) {
			conn->readable = false;
			break;
		}
		if (got <= 0) {
			conn_end(conn,
				 got ? conn->tls.why : SESSION_WHY_CLOSED);
			break;
		}
		conn->heard_ns = loop_now(conn->hub->loop);
		conn_record(conn, (size_t)got);
		if ((size_t)got >= budget)
			return true;
		budget -= (size_t)got;
	}
	return false;
}

/* The next record, or what is left of the last one: 1, 0: nothing, -errno. */
static int conn_write_one(struct conn *conn, size_t *bytes)
{
	struct conn_hub *hub = conn->hub;
	uint64_t before = conn->out.bytes;

	*bytes = 0;
	if (conn->tls.pending) {
		int error = tls_flush(&conn->tls);

		return error ? error : 1;
	}
	*bytes = outbox_fill(&conn->out, hub->out);
	hub->queued -= before - conn->out.bytes;
	if (!*bytes)
		return 0;
	conn->sent_ns = loop_now(hub->loop);
	return tls_write(&conn->tls, hub->out, *bytes) ?: 1;
}

static bool conn_write(struct conn *conn)
{
	size_t budget = CONN_TURN_BYTES;

	while (conn->state == CONN_UP && conn->writable) {
		size_t put;
		int error = conn_write_one(conn, &put);

		if (!error)
			break;
		if (error == -EAGAIN)
			conn->writable = false;
		else if (error < 0)
			conn_broke(conn);
		if (error == 1 && put >= budget)
			return true;
		budget -= put < budget ? put : budget;
	}
	return false;
}

static void conn_pump(struct conn *conn)
{
	bool more = conn_write(conn);

	more |= conn_read(conn);
	/* TLS answers some of what it reads */
	if (conn->state == CONN_UP && more)
		conn_row_add(conn, &conn->hub->busy);
}

/* --- the handshake ------------------------------------------------------- */

static void conn_shake(struct conn *conn)
{
	int error = 0;

	if (!conn->tls.session)
		error = tls_begin(&conn->tls, &conn->hub->conf, conn->role,
				  conn->source.fd, conn->token);
	if (error) {
		conn_end(conn, SESSION_WHY_MEMORY);
		return;
	}
	error = tls_step(&conn->tls);
	if (error == -EAGAIN)
		return;
	if (error) {
		conn_broke(conn);
		return;
	}
	conn->state = CONN_UP;
	conn->heard_ns = loop_now(conn->hub->loop);
	conn->ops->shaken(conn);
	/* the first message may be here already */
	if (conn->state == CONN_UP)
		conn_row_add(conn, &conn->hub->busy);
}

static void conn_work(struct loop_call *call)
{
	struct conn_hub *hub =
		(struct conn_hub *)((char *)call -
				    offsetof(struct conn_hub, work));
	struct conn *conn;
	int i;

	hub->turn++;
	for (i = 0; i < CONN_SHAKES_MAX; i++) {
		conn = conn_row_take(&hub->peers);
		if (!conn)
			conn = conn_row_take(&hub->strangers);
		if (!conn)
			break;
		conn_shake(conn);
	}
	for (i = 0; i < CONN_BUSY_MAX; i++) {
		conn = hub->busy.first;
		if (!conn || conn->turn == hub->turn)
			break; /* all had their share of this turn */
		conn_row_take(&hub->busy);
		conn->turn = hub->turn;
		conn_pump(conn);
	}
	if (hub->peers.first || hub->strangers.first || hub->busy.first)
		loop_call_later(hub->loop, &hub->work);
}

/**
 * conn_ready() - epoll saw something
 * @source: of a connection
 * @events: what
 */
void conn_ready(struct loop_source *source, uint32_t events)
{
	struct conn *conn = (struct conn *)source;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		conn->writable = true;
	if (conn->state == CONN_DIALING && !conn_connected(conn))
		return;
	if (conn->state == CONN_WAITING && conn->readable)
		conn->state = CONN_SHAKING;
	if (conn->state == CONN_SHAKING)
		conn_row_add(conn, conn->first ? &conn->hub->peers :
						 &conn->hub->strangers);
	else if (conn->state == CONN_UP)
		conn_row_add(conn, &conn->hub->busy);
}

/* --- for its owner ------------------------------------------------------- */

/**
 * conn_extra() - what belongs to its maker, and lives as long
 * @conn: the connection
 *
 * Return: conn_ops.extra bytes.
 */
void *conn_extra(struct conn *conn)
{
	return conn + 1;
}

/**
 * conn_send() - have a message sent
 * @conn: up
 * @class: how urgent
 * @type: its type
 * @data: it; copied
 * @bytes: its length
 *
 * It is sent at the end of the turn, so it is safe inside of all calls.
 *
 * Return: as outbox_put(); -ENOTCONN.
 */
int conn_send(struct conn *conn, enum session_class class, uint16_t type,
	      const void *data, size_t bytes)
{
	uint64_t before = conn->out.bytes;
	int error;

	if (conn->state != CONN_UP)
		return -ENOTCONN;
	error = outbox_put(&conn->out, class, type, data, bytes);
	conn->hub->queued += conn->out.bytes - before;
	if (!error && conn->writable)
		conn_row_add(conn, &conn->hub->busy);
	return error;
}

/**
 * conn_last() - say a last word, as far as that goes without waiting, and close
 * @conn: up, or not: then nothing is said
 * @type: of CONTROL
 * @data: the word
 * @bytes: its length
 * @why: for its owner
 */
void conn_last(struct conn *conn, uint16_t type, const void *data, size_t bytes,
	       enum session_why why)
{
	size_t put;

	if (conn->state == CONN_UP && !conn->tls.pending &&
	    !conn_send(conn, SESSION_CONTROL, type, data, bytes))
		conn_write_one(conn, &put);
	conn_end(conn, why);
}

/**
 * conn_listen() - look whether something came that nobody has read yet
 * @conn: up; may be ended by it
 *
 * For who is about to say that nothing did. (Without: a daemon that was stopped
 * for a while finds all its peers dead, and their beats unread.)
 */
void conn_listen(struct conn *conn)
{
	conn->readable = true;
	conn_pump(conn);
}

/**
 * conn_until() - a deadline
 * @conn: not ended
 * @until_ns: when
 * @expired: then this is called
 */
void conn_until(struct conn *conn, uint64_t until_ns,
		void (*expired)(struct loop_timer *timer))
{
	conn->timer.expired = expired;
	loop_timer_set(conn->hub->loop, &conn->timer, until_ns);
}

/**
 * conn_of_timer() - whose timer is it?
 * @timer: of a connection
 *
 * Return: the connection.
 */
struct conn *conn_of_timer(struct loop_timer *timer)
{
	return (struct conn *)((char *)timer - offsetof(struct conn, timer));
}

/**
 * conn_late() - a deadline at which it ends
 * @timer: of a connection
 */
void conn_late(struct loop_timer *timer)
{
	conn_end(conn_of_timer(timer), SESSION_WHY_SLOW);
}

/**
 * conn_hub_init() - no connections yet
 * @hub: memory; conn_hub_free() it, also after an error
 * @loop: the loop
 * @identity: the node's key; NULL: only for joining
 * @ops: whom handshakes ask; NULL: likewise
 *
 * Return: 0 or -errno.
 */
int conn_hub_init(struct conn_hub *hub, struct loop *loop,
		  const struct identity *identity, const struct tls_ops *ops)
{
	hub->loop = loop;
	hub->conns = NULL;
	hub->ended = NULL;
	hub->nr = 0;
	hub->turn = 0;
	hub->queued = 0;
	hub->peers = (struct conn_row){ NULL, &hub->peers.first };
	hub->strangers = (struct conn_row){ NULL, &hub->strangers.first };
	hub->busy = (struct conn_row){ NULL, &hub->busy.first };
	hub->work =
		(struct loop_call){ .name = "session-work", .run = conn_work };
	hub->reap =
		(struct loop_call){ .name = "session-reap", .run = conn_reap };
	return tls_conf_init(&hub->conf, identity, ops);
}

/**
 * conn_hub_free() - the end of all
 * @hub: its owners end their connections before; not from a call of one
 */
void conn_hub_free(struct conn_hub *hub)
{
	while (hub->conns)
		conn_end(hub->conns, SESSION_WHY_CLOSED);
	loop_call_stop(hub->loop, &hub->work);
	loop_call_stop(hub->loop, &hub->reap);
	conn_reap(&hub->reap);
	tls_conf_free(&hub->conf);
}
