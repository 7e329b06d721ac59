// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strangers: who connects gets a place at the gate, or is sent away; see
 * gate.h.
 */
#include "state.h"

#include <string.h>
#include <unistd.h>

static void listen_said(struct session_net *net, const union links_addr *from,
			enum session_why why, const char *detail)
{
	uint64_t now_ns = session_now(net);
	char text[LINKS_ADDR_TEXT];

	net->counts.refused[why]++;
	if (!links_hush_say(&net->hush, from, (int64_t)(now_ns / SESSION_MS)))
		return;
	links_addr_format(text, from);
	log_write(
		LOG_LEVEL_WARN, "session-refused",
		"address=%s reason=\"%s\" detail=\"%s\" total=%llu silent=%llu",
		text, session_why_text(why), detail ? detail : "",
		(unsigned long long)net->hush.total,
		(unsigned long long)net->hush.silent);
	net->hush.silent = 0;
}

/**
 * session_stranger_gone() - a connection ended before it was a session
 * @link: it
 * @why: why
 */
void session_stranger_gone(struct session_link *link, enum session_why why)
{
	if (link->joiner) {
		link->net->joins--;
		if (link->asked)
			return; /* answered, or not: no stranger */
	}
	listen_said(link->net, &link->conn->addr, why, link->conn->tls.detail);
}

/* --- places at the gate -------------------------------------------------- */

static void listen_row_add(struct session_link *link)
{
	struct session_net *net = link->net;

	link->older = net->newest;
	if (link->older)
		link->older->newer = link;
	else
		net->oldest = link;
	net->newest = link;
}

static void listen_row_drop(struct session_link *link)
{
	struct session_net *net = link->net;

	if (link->older)
		link->older->newer = link->newer;
	else
		net->oldest = link->newer;
	if (link->newer)
		link->newer->older = link->older;
	else
		net->newest = link->older;
	link->older = NULL;
	link->newer = NULL;
}

/**
 * session_gate_leave() - it is authenticated, or gone
 * @link: need not have a place
 */
void session_gate_leave(struct session_link *link)
{
	if (!link->gated)
		return;
	link->gated = false;
	if (!link->peers_place)
		listen_row_drop(link);
	gate_leave(&link->net->gate, &link->conn->addr, link->peers_place);
}

/* Is it the address of a peer that dials us? */
static bool listen_is_peer(const struct session_net *net,
			   const union links_addr *from)
{
	const struct session_peer *peer;
	unsigned int i, at;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (peer = net->peer[i]; peer; peer = peer->next)
			for (at = 0; at < peer->nr_addrs && !peer->dials; at++)
				if (links_addr_same_host(&peer->addr[at], from))
					return true;
	return false;
}

static bool listen_enter(struct session_net *net, const union links_addr *from,
			 bool peer)
{
	enum gate_verdict verdict = gate_enter(&net->gate, from, peer);

	if (verdict == GATE_FULL && !peer) {
		conn_end(net->oldest->conn, SESSION_WHY_CROWD);
		verdict = gate_enter(&net->gate, from, peer);
	}
	return verdict == GATE_IN;
}

static void listen_took(void *arg, int fd, const union links_addr *from)
{
	struct session_net *net = arg;
	bool peer = listen_is_peer(net, from);
	struct session_link *link;
	struct conn *conn;

	net->counts.accepted++;
	if (!listen_enter(net, from, peer)) {
		close(fd);
		listen_said(net, from, SESSION_WHY_CROWD, "at the door");
		return;
	}
	conn = conn_accept(&net->hub, &session_conn_ops, net, fd, from, peer);
	if (!conn) {
		gate_leave(&net->gate, from, peer);
		listen_said(net, from, SESSION_WHY_MEMORY, "at the door");
		return;
	}
	link = conn_extra(conn);
	link->net = net;
	link->conn = conn;
	link->gated = true;
	link->peers_place = peer;
	link->mark.accepted = ++net->accepts;
	if (!peer)
		listen_row_add(link);
	conn_until(conn, session_now(net) + net->options.shake_ms * SESSION_MS,
		   conn_late);
}

/* --- listeners ----------------------------------------------------------- */

/**
 * session_listen() - listen at all addresses
 * @net: the net
 *
 * Return: 0; -errno after it said which one can't be had.
 */
int session_listen(struct session_net *net)
{
	char text[LINKS_ADDR_TEXT];
	unsigned int i;
	int error;

	for (i = 0; i < net->options.nr_listens; i++)
		listener_init(&net->listener[i], net->hub.loop,
			      "session-listen", listen_took, net);
	for (i = 0; i < net->options.nr_listens; i++) {
		links_addr_format(text, &net->options.listen[i]);
		error = listener_open(&net->listener[i],
				      &net->options.listen[i]);
		if (error) {
			log_write(LOG_LEVEL_ERROR, "listen-failed",
				  "address=%s reason=\"%s\"", text,
				  strerror(-error));
			return error;
		}
		log_write(LOG_LEVEL_INFO, "listening", "address=%s", text);
	}
	return 0;
}

/**
 * session_listen_end() - take nobody any more
 * @net: the net
 */
void session_listen_end(struct session_net *net)
{
	unsigned int i;

	for (i = 0; i < net->options.nr_listens; i++)
		listener_close(&net->listener[i]);
}

/**
 * session_listens_at() - where it listens
 * @net: the net
 * @number: of the listener, as in the options
 * @addr: the address, with the port that it got; family 0: there is none
 */
void session_listens_at(const struct session_net *net, unsigned int number,
			union links_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (number < net->options.nr_listens)
		listener_where(&net->listener[number], addr);
}
