// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a link: connecting, handing over, and beginning anew; see
 * links.h for the states.
 */
#include "links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* At the start: spread what all nodes of a cluster do at once. */
#define LINKS_FIRST_MS 50

static void links_dial_ready(struct links *links, struct links_source *source,
			     uint32_t events);

void links_link_init(struct links_peer *peer, uint32_t number)
{
	struct links_link *link = &peer->link[number];

	link->source.fd = -1;
	link->source.ready = links_dial_ready;
	link->peer = peer;
	link->number = number;
	link->state = LINKS_DOWN;
}

static void links_dial_stop(struct links *links, struct links_link *link)
{
	if (link->state != LINKS_DIAL)
		return;
	links_close(links, &link->source);
	links->nr_dials--;
	link->state = LINKS_DOWN;
	link->due_ms = 0;
}

/* The link has no connection: when to try again? */
static int links_link_retry(struct links_link *link, int64_t now_ms)
{
	int wait_ms;

	link->state = LINKS_DOWN;
	link->due_ms = 0;
	if (!link->peer->dials || !link->peer->known)
		return -1;
	wait_ms = links_backoff_ms(link->tries++, arc4random());
	link->due_ms = now_ms + wait_ms;
	return wait_ms;
}

static void links_link_via(const struct links_link *link,
			   char text[LINKS_ADDR_TEXT])
{
	/* without an address, a former process had handed it over */
	if (link->via.any.sa_family)
		links_addr_format(text, &link->via);
	else
		snprintf(text, LINKS_ADDR_TEXT, "-");
}

/* An attempt failed; the same failure again is not news. */
static void links_link_failed(struct links_link *link, int error,
			      const char *reason)
{
	char via[LINKS_ADDR_TEXT];
	int wait_ms = links_link_retry(link, links_now_ms());

	if (link->said_error == error)
		return;
	link->said_error = error;
	links_link_via(link, via);
	links_log(
		"link-failed peer=%u link=%u address=%s error=%d reason=\"%s\" retry_ms=%d",
		link->peer->conf->id, link->number, via, error, reason,
		wait_ms);
}

static void links_link_lost(struct links_link *link,
			    const struct links_seen *seen)
{
	int64_t now_ms = links_now_ms();
	int64_t lasted_ms = now_ms - link->up_ms;
	int wait_ms;

	if (lasted_ms >= LINKS_STABLE_MS)
		link->tries = 0;
	wait_ms = links_link_retry(link, now_ms);
	links_log(
		"link-down peer=%u link=%u lasted_ms=%lld error=%d reason=\"%s\" retry_ms=%d",
		link->peer->conf->id, link->number, (long long)lasted_ms,
		seen->error, seen->reason, wait_ms);
}

static void links_link_up(struct links *links, struct links_link *link,
			  const struct links_seen *seen)
{
	char via[LINKS_ADDR_TEXT];

	if (link->state == LINKS_UP && link->ups == seen->ups)
		return;
	links_dial_stop(links, link);
	links_link_via(link, via);
	link->state = LINKS_UP;
	link->due_ms = 0;
	link->ups = seen->ups;
	link->up_ms = links_now_ms();
	link->said_error = 0;
	links_log("link-up peer=%u link=%u role=%s address=%s",
		  link->peer->conf->id, link->number,
		  link->peer->dials ? "connect" : "accept", via);
}

/**
 * links_link_seen() - the kernel says how a link is
 * @links: all
 * @link: the link
 * @seen: how it is
 */
void links_link_seen(struct links *links, struct links_link *link,
		     const struct links_seen *seen)
{
	switch (seen->state) {
	case QBD_LINK_STATE_UP:
		links_link_up(links, link, seen);
		break;
	case QBD_LINK_STATE_CONNECTING:
		if (link->state == LINKS_UP)
			links_link_lost(link, seen);
		if (link->state == LINKS_DOWN)
			links_link_given(link, &link->via);
		break;
	default:
		if (link->state == LINKS_UP)
			links_link_lost(link, seen);
		else if (link->state == LINKS_GIVEN)
			links_link_failed(link, seen->error, seen->reason);
		break;
	}
}

/**
 * links_link_given() - the kernel has a connection for the link
 * @link: the link
 * @via: address of the other side
 */
void links_link_given(struct links_link *link, const union links_addr *via)
{
	link->via = *via;
	if (link->state == LINKS_UP)
		return; /* which goes on until the new one takes its place */
	link->state = LINKS_GIVEN;
	link->due_ms = links_now_ms() + LINKS_GIVEN_MS;
}

/* connect() has ended, one way or the other. */
static void links_dial_ready(struct links *links, struct links_source *source,
			     uint32_t events)
{
	struct links_link *link = (struct links_link *)source;
	socklen_t len = sizeof(int);
	int fd = source->fd;
	int error = 0;

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	/* before it is given away: the file lives on, and epoll with it */
	links_unwatch(links, source);
	links->nr_dials--;
	link->state = LINKS_DOWN;
	if (error) {
		links_link_failed(link, -error, strerror(error));
	} else {
		error = links_kernel_give(links, link, fd, false);
		if (error)
			links_link_failed(link, error, links->knl.error);
		else
			links_link_given(link, &link->peer->conf->addr);
	}
	links_close(links, source);
}

static bool links_dial_begin(struct links *links, struct links_link *link)
{
	const union links_addr *to = &link->peer->conf->addr;
	int on = 1;
	int fd = socket(to->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	link->source.fd = fd;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    (connect(fd, &to->any, links_addr_len(to)) &&
	     errno != EINPROGRESS) ||
	    !links_watch(links, &link->source, EPOLLOUT)) {
		int error = errno;

		links_close(links, &link->source);
		errno = error;
		return false;
	}
	return true;
}

static void links_dial(struct links *links, struct links_link *link,
		       int64_t now_ms)
{
	link->due_ms = now_ms + LINKS_BACKOFF_MIN_MS;
	if (links->nr_dials == LINKS_DIALS_MAX)
		return; /* later */
	link->via = link->peer->conf->addr;
	if (!links_dial_begin(links, link)) {
		links_link_failed(link, -errno, strerror(errno));
		return;
	}
	links->nr_dials++;
	link->state = LINKS_DIAL;
	link->due_ms = now_ms + LINKS_DIAL_MS;
}

/**
 * links_link_due() - the time has come for the next thing
 * @links: all
 * @link: the link
 * @now_ms: now
 */
void links_link_due(struct links *links, struct links_link *link,
		    int64_t now_ms)
{
	switch (link->state) {
	case LINKS_DOWN:
		links_dial(links, link, now_ms);
		break;
	case LINKS_DIAL:
		links_dial_stop(links, link);
		links_link_failed(link, -ETIMEDOUT, strerror(ETIMEDOUT));
		break;
	case LINKS_GIVEN:
		link->due_ms = now_ms + LINKS_GIVEN_MS;
		link->peer->stale = true;
		break;
	case LINKS_UP:
		link->due_ms = 0;
		break;
	}
}

/**
 * links_peer_forget() - the kernel takes no links to it any more
 * @links: all
 * @peer: the peer
 */
void links_peer_forget(struct links *links, struct links_peer *peer)
{
	uint32_t i;

	if (!peer->known)
		return;
	peer->known = false;
	for (i = 0; i < QBD_PEER_LINKS_MAX; i++) {
		links_dial_stop(links, &peer->link[i]);
		peer->link[i].state = LINKS_DOWN;
		peer->link[i].due_ms = 0;
	}
	links_log("peer-removed peer=%u", peer->conf->id);
}

/**
 * links_peer_begin() - the kernel takes links to it
 * @peer: the peer
 * @nr_links: how many
 *
 * Their states are seen after this; those that are up already stay so.
 */
void links_peer_begin(struct links_peer *peer, uint32_t nr_links)
{
	uint32_t i;

	if (peer->known && peer->nr_links == nr_links)
		return;
	peer->known = true;
	peer->nr_links = nr_links;
	for (i = 0; i < nr_links; i++) {
		struct links_link *link = &peer->link[i];

		if (!peer->dials || link->state != LINKS_DOWN)
			continue;
		link->tries = 0;
		link->due_ms = links_now_ms() + arc4random() % LINKS_FIRST_MS;
	}
	links_log("peer-known peer=%u links=%u role=%s", peer->conf->id,
		  nr_links, peer->dials ? "connect" : "accept");
}
