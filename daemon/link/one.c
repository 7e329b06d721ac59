// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a link: a ticket, connecting, handing over, and beginning
 * anew; see link.h for the states.
 */
#include "inner.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void one_ready(struct loop_source *source, uint32_t events);
static void one_due(struct loop_timer *timer);
static void one_given(struct kport_request *request,
		      const struct kport_answer *answer);

static struct link_net *one_net(const struct link_one *one)
{
	return one->peer->net;
}

static void one_at(struct link_one *one, uint64_t ms)
{
	struct link_net *net = one_net(one);

	loop_timer_set(net->loop, &one->timer, link_now(net) + ms * LINK_MS);
}

static bool one_trying(const struct link_one *one)
{
	return one->state == LINK_ASK || one->state == LINK_DIAL ||
	       one->state == LINK_PROVE;
}

void link_one_init(struct link_peer *peer, uint32_t number)
{
	struct link_one *one = &peer->link[number];

	one->source.name = "link-dial";
	one->source.fd = -1;
	one->source.ready = one_ready;
	one->timer.name = "link-due";
	one->timer.expired = one_due;
	one->give.kind = KPORT_DO;
	one->give.done = one_given;
	one->given_fd = -1;
	one->peer = peer;
	one->number = number;
}

/* The attempt is over, one way or the other. */
static void one_stop(struct link_one *one)
{
	struct link_net *net = one_net(one);

	loop_timer_stop(net->loop, &one->timer);
	if (!one_trying(one))
		return;
	if (one->source.fd >= 0) {
		loop_source_remove(net->loop, &one->source);
		close(one->source.fd);
		one->source.fd = -1;
	}
	one->has_ticket = false;
	link_ticket_wipe(&one->ticket);
	net->counts.dialing--;
	one->state = LINK_DOWN;
}

/* The socket that the kernel was to have, and may have, too. */
static void one_given_close(struct link_one *one)
{
	if (one->given_fd >= 0)
		close(one->given_fd);
	one->given_fd = -1;
}

/**
 * link_one_idle() - the kernel takes no connection for it
 * @one: the link
 */
void link_one_idle(struct link_one *one)
{
	one_stop(one);
	kport_cancel(&one->give);
	one_given_close(one);
	one->has_ticket = false;
	link_ticket_wipe(&one->ticket);
	one->state = LINK_DOWN;
	one->seen = false;
	one->tries = 0;
	one->said_error = 0;
}

/**
 * link_one_end() - it is to be freed
 * @one: the link
 */
void link_one_end(struct link_one *one)
{
	link_one_idle(one);
}

/* There is no connection: when to try again? */
static int one_retry(struct link_one *one)
{
	int wait_ms;

	one->state = LINK_DOWN;
	loop_timer_stop(one_net(one)->loop, &one->timer);
	if (!one->peer->dials || !one->peer->known)
		return -1;
	wait_ms = links_backoff_ms(one->tries++, arc4random());
	one_at(one, (uint64_t)wait_ms);
	return wait_ms;
}

static void one_via(const struct link_one *one, char text[LINKS_ADDR_TEXT])
{
	/* without an address, a former process had handed it over */
	if (one->via.any.sa_family)
		links_addr_format(text, &one->via);
	else
		snprintf(text, LINKS_ADDR_TEXT, "-");
}

/**
 * link_one_failed() - an attempt failed; the same failure again is not news
 * @one: the link
 * @error: why, a negative errno
 * @reason: the same in words
 */
void link_one_failed(struct link_one *one, int error, const char *reason)
{
	char via[LINKS_ADDR_TEXT], quoted[KPORT_SAY_MAX];
	int wait_ms;

	one_stop(one);
	one_net(one)->counts.failed++;
	one->addr_at++; /* perhaps another one does */
	wait_ms = one_retry(one);
	if (one->said_error == error)
		return;
	one->said_error = error;
	one_via(one, via);
	log_limited(&one_net(one)->noise, link_now(one_net(one)),
		    LOG_LEVEL_WARN, "link-failed",
		    "peer=%u link=%u address=%s error=%d reason=%s retry_ms=%d",
		    one->peer->node, one->number, via, error,
		    log_quote(quoted, sizeof(quoted), reason, strlen(reason)),
		    wait_ms);
}

/* --- what the kernel says ------------------------------------------------- */

static void one_lost(struct link_one *one, const struct link_seen *seen)
{
	uint64_t lasted_ns = link_now(one_net(one)) - one->up_ns;
	char quoted[KPORT_SAY_MAX];
	int wait_ms;

	if (lasted_ns >= LINK_STABLE_NS)
		one->tries = 0;
	wait_ms = one_retry(one);
	log_write(
		LOG_LEVEL_WARN, "link-down",
		"peer=%u link=%u lasted_ms=%llu error=%d reason=%s retry_ms=%d",
		one->peer->node, one->number,
		(unsigned long long)(lasted_ns / LINK_MS), seen->error,
		log_quote(quoted, sizeof(quoted), seen->reason,
			  strlen(seen->reason)),
		wait_ms);
}

static void one_up(struct link_one *one, const struct link_seen *seen)
{
	char via[LINKS_ADDR_TEXT];

	if (one->state == LINK_UP && one->ups == seen->ups)
		return;
	one_stop(one);
	one_via(one, via);
	one->state = LINK_UP;
	one->ups = seen->ups;
	one->up_ns = link_now(one_net(one));
	one->said_error = 0;
	log_write(LOG_LEVEL_INFO, "link-up",
		  "peer=%u link=%u role=%s address=%s", one->peer->node,
		  one->number, one->peer->dials ? "connect" : "accept", via);
}

/* The kernel has a connection, and will say what becomes of it. */
static void one_wait(struct link_one *one)
{
	if (one->state == LINK_UP)
		return; /* which goes on until the new one takes its place */
	one->state = LINK_GIVEN;
	one_at(one, one_net(one)->options.given_ms);
}

/**
 * link_one_seen() - the kernel says how it is
 * @one: the link
 * @seen: how
 */
void link_one_seen(struct link_one *one, const struct link_seen *seen)
{
	bool first = !one->seen;

	one->seen = true;
	if (seen->state == QBD_LINK_STATE_UP) {
		one_up(one, seen);
		return;
	}
	one->ups = seen->ups;
	if (one->state == LINK_UP)
		one_lost(one, seen);
	/* a dump that was asked for before link-add knows nothing of it */
	if (one->give.port)
		return;
	if (seen->state == QBD_LINK_STATE_CONNECTING) {
		if (one->state == LINK_DOWN)
			one_wait(one);
	} else if (one->state == LINK_GIVEN) {
		link_one_failed(one, seen->error ? seen->error : -ENOTCONN,
				seen->reason);
	} else if (first) {
		link_one_hurry(one);
	}
}

/* --- handing over --------------------------------------------------------- */

static void one_given(struct kport_request *request,
		      const struct kport_answer *answer)
{
	struct link_one *one =
		(struct link_one *)((char *)request -
				    offsetof(struct link_one, give));
	char said[KPORT_SAY_MAX];

	one_given_close(one);
	if (!answer->error) {
		one_net(one)->counts.given++;
		one_wait(one);
		return;
	}
	/* perhaps the peer was removed; or the kernel has it all the same */
	link_stale(one_net(one), one->peer);
	if (answer->unknown)
		one_wait(one);
	else if (one->state != LINK_UP)
		link_one_failed(one, answer->error, kport_say(said, answer));
}

/**
 * link_one_give() - hand a connection over
 * @one: the link
 * @fd: the socket, not watched; it is closed here in any case
 * @via: address of the other end
 */
void link_one_give(struct link_one *one, int fd, const union links_addr *via)
{
	struct kport_request *give = &one->give;
	int error = -ENOMEM;

	one_stop(one);
	one->via = *via;
	one->given_fd = fd;
	give->msg = kport_msg(QBD_CMD_LINK_ADD, 64);
	if (give->msg &&
	    !nla_put_u32(give->msg, QBD_A_LINK_PEER, one->peer->node) &&
	    !nla_put_u32(give->msg, QBD_A_LINK_LINK, one->number) &&
	    !nla_put_u32(give->msg, QBD_A_LINK_FD, (uint32_t)fd) &&
	    (one->peer->dials || !nla_put_flag(give->msg, QBD_A_LINK_ACCEPT))) {
		error = kport_send(one_net(one)->port, give);
	} else {
		nlmsg_free(give->msg);
		give->msg = NULL;
	}
	if (!error)
		return;
	one_given_close(one);
	if (one->state != LINK_UP)
		link_one_failed(one, error, strerror(-error));
}

/* --- connecting ----------------------------------------------------------- */

/* All of it is read, and no byte more. */
static void one_prove(struct link_one *one)
{
	ssize_t got = recv(one->source.fd, one->proof + one->have,
			   LINK_PROOF - one->have, MSG_DONTWAIT);
	int held, fd;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		held = got ? errno : ECONNRESET;
		link_one_failed(
			one, -held,
			got ? strerror(held) :
			      "the other daemon closed it: its log says why");
		return;
	}
	one->have += (unsigned int)got;
	held = link_proof_check(one->proof, one->have, one->claim,
				one->ticket.secret);
	if (held < 0) {
		link_one_failed(
			one, held,
			held == -EKEYREJECTED ?
				"the other side does not know the ticket" :
				"the other side is no daemon of qbd");
	} else if (held) {
		/* before it is given away: the file lives on, epoll with it */
		fd = one->source.fd;
		loop_source_remove(one_net(one)->loop, &one->source);
		one->source.fd = -1;
		link_one_give(one, fd, &one->via);
	}
}

/* connect() has ended, one way or the other. */
static void one_connected(struct link_one *one)
{
	struct link_claim claim = { .from = one_net(one)->options.node,
				    .to = one->peer->node,
				    .link = one->number };
	socklen_t len = sizeof(int);
	int fd = one->source.fd;
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	memcpy(claim.name, one->ticket.name, LINK_NAME);
	if (!error)
		error = -link_claim_put(one->claim, &claim, one->ticket.secret);
	/* the first bytes of a connection: there is room for all of them */
	if (!error && send(fd, one->claim, LINK_CLAIM,
			   MSG_DONTWAIT | MSG_NOSIGNAL) != LINK_CLAIM)
		error = EIO;
	if (!error)
		error = -loop_source_change(one_net(one)->loop, &one->source,
					    EPOLLIN | EPOLLRDHUP);
	if (error) {
		link_one_failed(one, -error, strerror(error));
		return;
	}
	one->have = 0;
	one->state = LINK_PROVE;
}

static void one_ready(struct loop_source *source, uint32_t events)
{
	struct link_one *one = (struct link_one *)source;

	(void)events;
	if (one->state == LINK_DIAL)
		one_connected(one);
	else
		one_prove(one);
}

static int one_connect(struct link_one *one, const union links_addr *to)
{
	int on = 1;
	int fd = socket(to->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	one->source.fd = fd;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return -errno;
	if (connect(fd, &to->any, links_addr_len(to)) && errno != EINPROGRESS)
		return -errno;
	return loop_source_add(one_net(one)->loop, &one->source, EPOLLOUT);
}

/**
 * link_one_ticket() - the ticket that was asked for
 * @one: the link, LINK_ASK
 * @ticket: the ticket
 */
void link_one_ticket(struct link_one *one, const struct link_ticket *ticket)
{
	struct link_peer *peer = one->peer;
	int error = -EDESTADDRREQ;

	one->ticket = *ticket;
	one->has_ticket = true;
	if (peer->nr_addrs) {
		one->via = peer->addr[one->addr_at % peer->nr_addrs];
		error = one_connect(one, &one->via);
	}
	if (error) {
		link_one_failed(one, error, strerror(-error));
		return;
	}
	one->state = LINK_DIAL;
	one_at(one, one_net(one)->options.attempt_ms);
}

static void one_ask(struct link_one *one)
{
	struct link_net *net = one_net(one);
	struct link_msg ask = { .kind = LINK_KIND_ASK, .link = one->number };
	int error;

	/* the same connection twice would end the one that is good */
	if (one->give.port || net->counts.dialing >= LINK_DIALS_MAX) {
		one_at(one, LINKS_BACKOFF_MIN_MS);
		return;
	}
	net->counts.dials++;
	net->counts.dialing++;
	memset(&one->via, 0, sizeof(one->via));
	one->state = LINK_ASK;
	one->ask = ++net->asks;
	one_at(one, net->options.attempt_ms);
	ask.ask = one->ask;
	error = link_say(net, one->peer->node, &ask);
	/* send() may have had an answer already: then this is over */
	if (error && one->state == LINK_ASK && one->ask == ask.ask)
		link_one_failed(one, error, "no session with the other daemon");
}

static void one_due(struct loop_timer *timer)
{
	struct link_one *one =
		(struct link_one *)((char *)timer -
				    offsetof(struct link_one, timer));

	switch (one->state) {
	case LINK_DOWN:
		one_ask(one);
		break;
	case LINK_ASK:
		link_one_failed(one, -ETIMEDOUT, "no ticket came");
		break;
	case LINK_DIAL:
	case LINK_PROVE:
		link_one_failed(one, -ETIMEDOUT, strerror(ETIMEDOUT));
		break;
	case LINK_GIVEN:
		one_at(one, one_net(one)->options.given_ms);
		link_stale(one_net(one), one->peer);
		break;
	case LINK_UP:
		break;
	}
}

/**
 * link_one_hurry() - what it waited for may be there now
 * @one: the link
 */
void link_one_hurry(struct link_one *one)
{
	if (one->state != LINK_DOWN || !one->peer->dials || !one->peer->known ||
	    !one->seen || one->give.port)
		return;
	one->tries = 0;
	one_at(one, arc4random() % LINK_FIRST_MS);
}
