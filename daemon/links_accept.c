// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that others make: who is it, and for which link? See links.h.
 *
 * A stranger gets LINKS_HALF_MS for his HELLO. When all places are taken, the
 * one who waits longest loses his: whoever means it is done within a round
 * trip.
 */
#include "links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void links_refuse(struct links *links, const union links_addr *from,
			 const char *why)
{
	char text[LINKS_ADDR_TEXT];

	if (!links_hush_say(&links->hush, from, links_now_ms()))
		return;
	links_addr_format(text, from);
	links_log("refused address=%s reason=\"%s\" total=%llu silent=%llu",
		  text, why, (unsigned long long)links->hush.total,
		  (unsigned long long)links->hush.silent);
	links->hush.silent = 0;
}

static void links_half_refuse(struct links *links, struct links_half *half,
			      const char *why)
{
	links_refuse(links, &half->from, why);
	links_close(links, &half->source);
}

/* What only this node can know; the rest was checked with the bytes. */
static const char *links_hello_foreign(const struct links *links,
				       const struct links_hello *hello,
				       const struct links_peer *peer)
{
	if (memcmp(hello->cluster, links->cluster, sizeof(links->cluster)))
		return "of another cluster";
	if (hello->lineage != links->lineage)
		return "of another lineage of the cluster";
	if (hello->peer != links->node)
		return "wants another node";
	if (!peer)
		return "not a peer of this node";
	if (!peer->known)
		return "a removed peer";
	if (peer->dials)
		return "has the higher node id and must not connect";
	if (hello->links != peer->nr_links)
		return "with another number of links";
	if (hello->link >= peer->nr_links)
		return "for a link that is not used";
	return NULL;
}

static void links_admit(struct links *links, struct links_half *half,
			const struct links_hello *hello)
{
	struct links_peer *peer = links_peer_find(links, hello->node);
	const char *why = links_hello_foreign(links, hello, peer);
	struct links_link *link;

	if (why) {
		links_half_refuse(links, half, why);
		return;
	}
	link = &peer->link[hello->link];
	/* before it is given away: the file lives on, and epoll with it */
	links_unwatch(links, &half->source);
	if (links_kernel_give(links, link, half->source.fd, true))
		links_refuse(links, &half->from, links->knl.error);
	else
		links_link_given(link, &half->from);
	links_close(links, &half->source);
}

/* Edge-triggered: called once for what came, not for what is still there. */
static void links_half_ready(struct links *links, struct links_source *source,
			     uint32_t events)
{
	struct links_half *half = (struct links_half *)source;
	uint8_t buf[LINKS_HELLO_MAX];
	struct links_hello hello;
	const char *why = NULL;
	ssize_t got;

	got = recv(source->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		links_half_refuse(links, half,
				  got ? strerror(errno) :
					"closed without a word");
		return;
	}
	switch (links_hello_look(buf, (size_t)got, &hello, &why)) {
	case LINKS_HELLO_WHOLE:
		links_admit(links, half, &hello);
		break;
	case LINKS_HELLO_BAD:
		links_half_refuse(links, half, why);
		break;
	case LINKS_HELLO_SHORT:
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			links_half_refuse(links, half, "closed in its HELLO");
		break;
	}
}

/* A place for a stranger: a free one, or that of who waits longest. */
static struct links_half *links_half_place(struct links *links)
{
	struct links_half *oldest = &links->half[0];
	int i;

	for (i = 0; i < LINKS_HALVES_MAX; i++) {
		struct links_half *half = &links->half[i];

		if (half->source.fd < 0)
			return half;
		if (half->until_ms < oldest->until_ms)
			oldest = half;
	}
	links_half_refuse(links, oldest, "too many at a time");
	return oldest;
}

static void links_half_begin(struct links *links, int fd,
			     const union links_addr *from)
{
	struct links_half *half = links_half_place(links);
	int on = 1;

	half->source.fd = fd;
	half->source.ready = links_half_ready;
	half->from = *from;
	half->until_ms = links_now_ms() + LINKS_HALF_MS;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    !links_watch(links, &half->source, EPOLLIN | EPOLLRDHUP | EPOLLET))
		links_half_refuse(links, half, strerror(errno));
}

/* Out of files or memory: asking again at once would be a busy loop. */
static void links_accept_pause(struct links *links,
			       struct links_listener *listener)
{
	links_refuse(links,
		     &links->conf.listen[listener - links->listener].addr,
		     strerror(errno));
	links_unwatch(links, &listener->source);
	listener->pause_ms = links_now_ms() + LINKS_PAUSE_MS;
}

static void links_accept(struct links *links, struct links_source *source,
			 uint32_t events)
{
	union links_addr from = { 0 };
	socklen_t len = sizeof(from);
	int fd;

	(void)events;
	fd = accept4(source->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		links_half_begin(links, fd, &from);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		 errno == ENOMEM)
		links_accept_pause(links, (struct links_listener *)source);
	/* any other error is that of a connection which is gone already */
}

static bool links_listen_at(struct links *links,
			    struct links_listener *listener,
			    const union links_addr *at)
{
	int on = 1;
	int fd = socket(at->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	listener->source.fd = fd;
	listener->source.ready = links_accept;
	/* what a former process accepted on this port is still in use */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return false;
	if (at->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return false;
	return !bind(fd, &at->any, links_addr_len(at)) &&
	       !listen(fd, LINKS_HALVES_MAX) &&
	       links_watch(links, &listener->source, EPOLLIN);
}

/**
 * links_listen() - listen at all addresses of the file
 * @links: all
 *
 * Return: false after it said which one can't be had.
 */
bool links_listen(struct links *links)
{
	const struct links_conf *conf = &links->conf;
	char text[LINKS_ADDR_TEXT];
	unsigned int i;

	for (i = 0; i < conf->nr_listens; i++) {
		const struct links_conf_listen *at = &conf->listen[i];

		links_addr_format(text, &at->addr);
		if (!links_listen_at(links, &links->listener[i], &at->addr)) {
			fprintf(stderr, "qbdctl: %s:%u: listen %s: %s\n",
				conf->name, at->line, text, strerror(errno));
			return false;
		}
		links_log("listening address=%s", text);
	}
	return true;
}

/**
 * links_accept_due() - end those who were given enough time
 * @links: all
 * @now_ms: now
 */
void links_accept_due(struct links *links, int64_t now_ms)
{
	int i;

	for (i = 0; i < LINKS_HALVES_MAX; i++)
		if (links->half[i].source.fd >= 0 &&
		    links->half[i].until_ms <= now_ms)
			links_half_refuse(links, &links->half[i],
					  "did not say HELLO in time");
	for (i = 0; i < LINKS_LISTENS_MAX; i++) {
		struct links_listener *listener = &links->listener[i];

		if (!listener->pause_ms || listener->pause_ms > now_ms)
			continue;
		listener->pause_ms =
			links_watch(links, &listener->source, EPOLLIN) ?
				0 :
				now_ms + LINKS_PAUSE_MS;
	}
}

/**
 * links_accept_next() - when is links_accept_due() to be called next?
 * @links: all
 *
 * Return: the time, INT64_MAX = never.
 */
int64_t links_accept_next(const struct links *links)
{
	int64_t next_ms = INT64_MAX;
	int i;

	for (i = 0; i < LINKS_HALVES_MAX; i++)
		if (links->half[i].source.fd >= 0 &&
		    links->half[i].until_ms < next_ms)
			next_ms = links->half[i].until_ms;
	for (i = 0; i < LINKS_LISTENS_MAX; i++)
		if (links->listener[i].pause_ms &&
		    links->listener[i].pause_ms < next_ms)
			next_ms = links->listener[i].pause_ms;
	return next_ms;
}
