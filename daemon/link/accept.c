// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that others make: who is it, and for which link? See link.h.
 *
 * Who comes gets a place at the gate (session/gate.h) and a deadline.  When all
 * strangers' places are taken, the one who waits longest loses his: whoever
 * means it is done within a round trip.
 */
#include "inner.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void accept_refuse(struct link_net *net, const union links_addr *from,
			  const char *why)
{
	char text[LINKS_ADDR_TEXT];

	net->counts.refused++;
	if (!links_hush_say(&net->hush, from,
			    (int64_t)(link_now(net) / LINK_MS)))
		return;
	links_addr_format(text, from);
	log_write(LOG_LEVEL_WARN, "link-refused",
		  "address=%s reason=\"%s\" total=%llu silent=%llu", text, why,
		  (unsigned long long)net->hush.total,
		  (unsigned long long)net->hush.silent);
	net->hush.silent = 0;
}

/* --- those who have not made their claim ---------------------------------- */

/* The place is free; the socket is the caller's. */
static int half_leave(struct link_half *half)
{
	struct link_net *net = half->net;
	int fd = half->source.fd;

	/* before it is given away: the file lives on, and epoll with it */
	loop_source_remove(net->loop, &half->source);
	loop_timer_stop(net->loop, &half->timer);
	half->source.fd = -1;
	gate_leave(&net->gate, &half->from, half->peers_place);
	net->counts.half_open--;
	return fd;
}

static void half_refuse(struct link_half *half, const char *why)
{
	accept_refuse(half->net, &half->from, why);
	close(half_leave(half));
}

static void half_late(struct loop_timer *timer)
{
	half_refuse((struct link_half *)((char *)timer -
					 offsetof(struct link_half, timer)),
		    "did not make its claim in time");
}

/* The link of which this is a claim that holds. */
static struct link_one *half_claimed(const struct link_half *half,
				     const struct link_claim *claim,
				     const char **why)
{
	const struct link_net *net = half->net;
	struct link_peer *peer = link_peer_find(net, claim->from);
	struct link_one *one = NULL;

	*why = NULL;
	if (claim->to != net->options.node)
		*why = "wants another node";
	else if (!link_ours(net))
		*why = "the kernel is not there, or another node";
	else if (!peer || !peer->known || peer->dials ||
		 claim->link >= peer->nr_links)
		*why = "not a peer that is to connect this";
	if (*why)
		return NULL;
	one = &peer->link[claim->link];
	if (!one->has_ticket || !link_claim_holds(half->claim, &one->ticket))
		*why = "has no ticket";
	else if (link_now(net) >= one->until_ns)
		*why = "its ticket has expired";
	else if (one->give.port)
		*why = "another connection is being handed over";
	return *why ? NULL : one;
}

/* It holds: the ticket is used, the proof said, the kernel given the socket. */
static void half_admit(struct link_half *half, struct link_one *one)
{
	struct link_net *net = half->net;
	uint8_t proof[LINK_PROOF];
	int fd;

	if (link_proof_put(proof, half->claim, one->ticket.secret)) {
		half_refuse(half, "the proof could not be made");
		return;
	}
	one->has_ticket = false;
	link_ticket_wipe(&one->ticket);
	/* the first bytes this way: there is room for all of them */
	if (send(half->source.fd, proof, sizeof(proof),
		 MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(proof)) {
		half_refuse(half, "went away behind its claim");
		return;
	}
	net->counts.admitted++;
	fd = half_leave(half);
	link_one_give(one, fd, &half->from);
}

/* All of it is read, and no byte more: what follows is for the kernel. */
static void half_ready(struct loop_source *source, uint32_t events)
{
	struct link_half *half = (struct link_half *)source;
	struct link_claim claim;
	struct link_one *one;
	const char *why;
	ssize_t got = recv(source->fd, half->claim + half->have,
			   LINK_CLAIM - half->have, MSG_DONTWAIT);
	int whole;

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		half_refuse(half, got ? strerror(errno) :
					"closed before its claim was whole");
		return;
	}
	half->have += (unsigned int)got;
	whole = link_claim_get(half->claim, half->have, &claim);
	if (whole < 0)
		half_refuse(half, "does not speak as a daemon of qbd");
	if (whole <= 0)
		return;
	one = half_claimed(half, &claim, &why);
	if (one)
		half_admit(half, one);
	else
		half_refuse(half, why);
}

/* --- the gate ------------------------------------------------------------- */

/* Is it the address of a peer that is to connect? */
static bool accept_is_peer(const struct link_net *net,
			   const union links_addr *from)
{
	const struct link_peer *peer;
	unsigned int i, at;

	for (i = 0; i < LINK_BUCKETS; i++)
		for (peer = net->peer[i]; peer; peer = peer->next)
			for (at = 0; at < peer->nr_addrs && !peer->dials; at++)
				if (links_addr_same_host(&peer->addr[at], from))
					return true;
	return false;
}

static void accept_drop_oldest(struct link_net *net)
{
	struct link_half *oldest = NULL;
	unsigned int i;

	for (i = 0; i < GATE_PLACES; i++) {
		struct link_half *half = &net->half[i];

		if (half->source.fd >= 0 && !half->peers_place &&
		    (!oldest || half->number < oldest->number))
			oldest = half;
	}
	if (oldest)
		half_refuse(oldest, "too many at a time");
}

static bool accept_enter(struct link_net *net, const union links_addr *from,
			 bool peer)
{
	enum gate_verdict verdict = gate_enter(&net->gate, from, peer);

	if (verdict == GATE_FULL && !peer) {
		accept_drop_oldest(net);
		verdict = gate_enter(&net->gate, from, peer);
	}
	return verdict == GATE_IN;
}

/* There are as many places here as at the gate. */
static struct link_half *accept_place(struct link_net *net)
{
	unsigned int i = 0;

	while (net->half[i].source.fd >= 0)
		i++;
	return &net->half[i];
}

static void accept_took(void *arg, int fd, const union links_addr *from)
{
	struct link_net *net = arg;
	bool peer = accept_is_peer(net, from);
	struct link_half *half;
	int on = 1;

	net->counts.accepted++;
	if (!accept_enter(net, from, peer)) {
		close(fd);
		accept_refuse(net, from, "too many at a time");
		return;
	}
	half = accept_place(net);
	half->source.fd = fd;
	half->from = *from;
	half->peers_place = peer;
	half->number = net->counts.accepted;
	half->have = 0;
	net->counts.half_open++;
	loop_timer_set(net->loop, &half->timer,
		       link_now(net) + net->options.half_ms * LINK_MS);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    loop_source_add(net->loop, &half->source, EPOLLIN))
		half_refuse(half, "no place for it");
}

/* --- listeners ------------------------------------------------------------ */

static void listen_init(struct link_net *net)
{
	unsigned int i;

	for (i = 0; i < GATE_PLACES; i++) {
		struct link_half *half = &net->half[i];

		half->net = net;
		half->source.fd = -1;
		half->source.name = "link-half";
		half->source.ready = half_ready;
		half->timer.name = "link-half-late";
		half->timer.expired = half_late;
	}
	for (i = 0; i < net->options.nr_listens; i++)
		listener_init(&net->listener[i], net->loop, "link-listen",
			      accept_took, net);
}

/**
 * link_listen() - listen at all addresses
 * @net: the net
 *
 * Return: 0; -errno after it said which one can't be had.
 */
int link_listen(struct link_net *net)
{
	char text[LINKS_ADDR_TEXT];
	unsigned int i;

	listen_init(net);
	for (i = 0; i < net->options.nr_listens; i++) {
		const union links_addr *at = &net->options.listen[i];
		int error = listener_open(&net->listener[i], at);

		links_addr_format(text, at);
		if (error) {
			log_write(LOG_LEVEL_ERROR, "listen-failed",
				  "for=links address=%s reason=\"%s\"", text,
				  strerror(-error));
			return error;
		}
		log_write(LOG_LEVEL_INFO, "listening", "for=links address=%s",
			  text);
	}
	return 0;
}

/**
 * link_listen_end() - take nobody any more
 * @net: the net
 */
void link_listen_end(struct link_net *net)
{
	unsigned int i;

	for (i = 0; i < net->options.nr_listens; i++)
		listener_close(&net->listener[i]);
	for (i = 0; i < GATE_PLACES; i++)
		if (net->half[i].source.fd >= 0)
			close(half_leave(&net->half[i]));
}

/**
 * link_listens_at() - where it listens
 * @net: the net
 * @number: of the listener, as in the options
 * @addr: the address, with the port that it got; family 0: there is none
 */
void link_listens_at(const struct link_net *net, unsigned int number,
		     union links_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (number < net->options.nr_listens)
		listener_where(&net->listener[number], addr);
}
