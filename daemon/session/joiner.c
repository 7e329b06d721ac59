// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joining, the side of the new node: connect with a token, ask, and wait for
 * the answer; see session.h.
 *
 * An address that does not answer is tried again until the time is over. One
 * that refuses is asked no more, and when all have refused that is the end: the
 * first may only have been behind the others.
 */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>

#include "bytes.h"

#define JOINER_TRY_MS 5000 /* to be up, and no less time for the answer */

/*
 * The last member of @options, @data, is @request. @over: call: tells how it
 * ended, and frees it.
 */
struct session_join {
	struct conn_hub hub;
	struct session_join_options options;
	struct conn *conn;
	struct loop_timer again;
	struct loop_timer late;
	struct loop_call over;
	unsigned int tries;
	unsigned int at;
	bool refused[SESSION_LISTENS_MAX];
	enum session_why why;
	uint8_t *answer;
	size_t answer_bytes;
	uint8_t request[];
};

static void joiner_shaken(struct conn *conn)
{
	struct session_join *join = conn->owner;

	if (conn_send(conn, SESSION_JOIN, SESSION_JOIN_REQUEST, join->request,
		      SESSION_JOIN_HEAD + join->options.bytes))
		conn_end(conn, SESSION_WHY_MEMORY);
	else
		conn_until(conn, LOOP_NEVER, conn_late); /* @late is enough */
}

static void joiner_end(struct session_join *join, enum session_why why)
{
	join->why = why;
	loop_timer_stop(join->hub.loop, &join->again);
	loop_timer_stop(join->hub.loop, &join->late);
	loop_call_later(join->hub.loop, &join->over);
}

static void joiner_answer(struct conn *conn, const struct inbox_msg *msg)
{
	struct session_join *join = conn->owner;
	size_t bytes = msg->bytes - SESSION_JOIN_HEAD;

	join->answer = malloc(bytes ? bytes : 1);
	if (!join->answer) {
		conn_end(conn, SESSION_WHY_MEMORY);
		return;
	}
	if (bytes)
		memcpy(join->answer, msg->data + SESSION_JOIN_HEAD, bytes);
	join->answer_bytes = bytes;
	conn_last(conn, SESSION_BYE, NULL, 0, SESSION_WHY_NONE);
}

static void joiner_message(struct conn *conn, const struct inbox_msg *msg)
{
	enum session_why why =
		session_join_check(msg, SESSION_JOIN_ANSWER, SESSION_LEAST);
	uint32_t said;

	if (msg->class == SESSION_CONTROL && msg->type == SESSION_REFUSE &&
	    msg->bytes == 4) {
		said = session_get32(msg->data);
		why = said && said < SESSION_WHYS ? (enum session_why)said :
						    SESSION_WHY_PROTOCOL;
	}
	if (why == SESSION_WHY_NONE)
		joiner_answer(conn, msg);
	else
		conn_end(conn, why);
}

/* Would another try at the same address be a surprise? */
static bool joiner_final(enum session_why why)
{
	return why != SESSION_WHY_NETWORK && why != SESSION_WHY_SLOW &&
	       why != SESSION_WHY_CLOSED && why != SESSION_WHY_CROWD &&
	       why != SESSION_WHY_MEMORY;
}

/* The next address that has not refused; false if all have. */
static bool joiner_next(struct session_join *join)
{
	unsigned int i;

	for (i = 0; i < join->options.nr_addrs; i++) {
		join->at = (join->at + 1) % join->options.nr_addrs;
		if (!join->refused[join->at])
			return true;
	}
	return false;
}

static void joiner_failed(struct session_join *join, enum session_why why)
{
	struct loop *loop = join->hub.loop;
	uint32_t random = 0;
	int wait_ms;

	join->why = why;
	if (joiner_final(why))
		join->refused[join->at] = true;
	if (!joiner_next(join)) {
		joiner_end(join, why);
		return;
	}
	(void)gnutls_rnd(GNUTLS_RND_NONCE, &random, sizeof(random));
	wait_ms = links_backoff_ms(join->tries++ / join->options.nr_addrs,
				   random);
	loop_timer_set(loop, &join->again,
		       loop_now(loop) + (uint64_t)wait_ms * SESSION_MS);
}

static void joiner_ended(struct conn *conn, enum session_why why)
{
	struct session_join *join = conn->owner;

	join->conn = NULL;
	if (join->over.link)
		return; /* it is over already */
	if (join->answer)
		joiner_end(join, SESSION_WHY_NONE);
	else
		joiner_failed(join, why);
}

static const struct conn_ops joiner_ops = {
	.shaken = joiner_shaken,
	.message = joiner_message,
	.ended = joiner_ended,
};

static void joiner_dial(struct loop_timer *timer)
{
	struct session_join *join =
		(struct session_join *)((char *)timer -
					offsetof(struct session_join, again));
	struct loop *loop = join->hub.loop;

	join->conn = conn_dial(&join->hub, &joiner_ops, join,
			       &join->options.addr[join->at],
			       &join->options.token,
			       loop_now(loop) + JOINER_TRY_MS * SESSION_MS);
	if (!join->conn)
		joiner_failed(join, SESSION_WHY_NETWORK);
}

static void joiner_late(struct loop_timer *timer)
{
	struct session_join *join =
		(struct session_join *)((char *)timer -
					offsetof(struct session_join, late));

	/* why the last attempt failed says more */
	joiner_end(join, join->why != SESSION_WHY_NONE ? join->why :
							 SESSION_WHY_SLOW);
	if (join->conn)
		conn_end(join->conn, SESSION_WHY_SLOW);
}

static void joiner_over(struct loop_call *call)
{
	struct session_join *join =
		(struct session_join *)((char *)call -
					offsetof(struct session_join, over));

	join->options.done(join->options.arg, join->why, join->answer,
			   join->answer_bytes);
	session_join_cancel(join);
}

/**
 * session_join_begin() - ask to join a cluster
 * @made: the request; gone when options.done() returns
 * @loop: the loop
 * @options: with whom, what, and until when; copied
 *
 * Return: 0; -EINVAL; -EMSGSIZE; -ENOMEM; -EIO: of the library.
 */
int session_join_begin(struct session_join **made, struct loop *loop,
		       const struct session_join_options *options)
{
	struct session_join *join;
	int error;

	if (!options->nr_addrs || options->nr_addrs > SESSION_LISTENS_MAX ||
	    !options->timeout_ms)
		return -EINVAL;
	if (options->bytes > SESSION_JOIN_BYTES_MAX)
		return -EMSGSIZE;
	join = calloc(1, sizeof(*join) + SESSION_JOIN_HEAD + options->bytes);
	if (!join)
		return -ENOMEM;
	join->options = *options;
	session_join_head(join->request, SESSION_LEAST);
	if (options->bytes)
		memcpy(join->request + SESSION_JOIN_HEAD, options->data,
		       options->bytes);
	join->again.name = "join-dial";
	join->again.expired = joiner_dial;
	join->late.name = "join-late";
	join->late.expired = joiner_late;
	join->over.name = "join-over";
	join->over.run = joiner_over;
	error = conn_hub_init(&join->hub, loop, NULL, NULL);
	if (error) {
		session_join_cancel(join);
		return error;
	}
	loop_timer_set(loop, &join->again, loop_now(loop));
	loop_timer_set(loop, &join->late,
		       loop_now(loop) + options->timeout_ms * SESSION_MS);
	*made = join;
	return 0;
}

/**
 * session_join_cancel() - never mind
 * @join: not done yet; options.done() is not called
 */
void session_join_cancel(struct session_join *join)
{
	struct loop *loop = join->hub.loop;

	loop_timer_stop(loop, &join->again);
	loop_timer_stop(loop, &join->late);
	/* as if it were over: what ends now begins nothing new */
	loop_call_later(loop, &join->over);
	conn_hub_free(&join->hub);
	loop_call_stop(loop, &join->over);
	free(join->answer);
	gnutls_memset(&join->options.token, 0, sizeof(join->options.token));
	free(join);
}
