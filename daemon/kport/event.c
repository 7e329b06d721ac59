// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel says without being asked, and who is told; see kport.h.
 */
#include "inner.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

/**
 * kport_watch_add() - have somebody told
 * @port: the port
 * @watch: who
 *
 * Of what happens from now on: how it is, he has to look himself.
 */
void kport_watch_add(struct kport *port, struct kport_watch *watch)
{
	watch->next = port->watch;
	watch->link = &port->watch;
	if (watch->next)
		watch->next->link = &watch->next;
	port->watch = watch;
}

/**
 * kport_watch_remove() - he does not want to be told any more
 * @watch: need not be told
 */
void kport_watch_remove(struct kport_watch *watch)
{
	if (!watch->link)
		return;
	*watch->link = watch->next;
	if (watch->next)
		watch->next->link = watch->link;
	watch->link = NULL;
	watch->next = NULL;
}

/*
 * The guard is a place in the list that moves behind each who is told: he and
 * all others may go, or come, meanwhile.
 */
static void kport_tell(struct kport *port, struct nlattr **attrs, bool stale)
{
	struct kport_watch *guard = &port->guard;
	struct kport_watch *watch;

	kport_watch_add(port, guard);
	while ((watch = guard->next)) {
		kport_watch_remove(guard);
		guard->next = watch->next;
		guard->link = &watch->next;
		if (guard->next)
			guard->next->link = &guard->next;
		watch->next = guard;
		if (attrs && watch->event)
			watch->event(watch, attrs);
		else if (stale && watch->stale)
			watch->stale(watch);
		else if (!attrs && !stale && watch->changed)
			watch->changed(watch);
	}
	kport_watch_remove(guard);
}

/**
 * kport_tell_changed() - the family, or the node, is another
 * @port: the port
 */
void kport_tell_changed(struct kport *port)
{
	kport_tell(port, NULL, false);
}

/**
 * kport_tell_stale() - events are missing
 * @port: the port
 */
void kport_tell_stale(struct kport *port)
{
	port->counts.stales++;
	kport_tell(port, NULL, true);
}

/* A family came or went: ours? */
static void event_family(struct kport *port, struct nlmsghdr *hdr)
{
	struct nlattr *attrs[CTRL_ATTR_MAX + 1] = { NULL };
	uint8_t cmd;

	if (!genlmsg_valid_hdr(hdr, 0) ||
	    genlmsg_parse(hdr, 0, attrs, CTRL_ATTR_MAX, NULL) ||
	    strcmp(knl_str(attrs, CTRL_ATTR_FAMILY_NAME), QBD_FAMILY_NAME))
		return;
	cmd = genlmsg_hdr(hdr)->cmd;
	if (cmd == CTRL_CMD_DELFAMILY)
		kport_absent(port, -ENOENT);
	if (cmd == CTRL_CMD_DELFAMILY || cmd == CTRL_CMD_NEWFAMILY)
		kport_look(port);
}

/*
 * One number after the other, or something is missing. A number that went back
 * is that of another node; what that is, says the node itself.
 */
static void event_number(struct kport *port, struct nlattr **attrs)
{
	uint64_t seq = knl_u64(attrs, QBD_A_EVENT_SEQ);
	bool state = knl_u32(attrs, QBD_A_EVENT_KIND) ==
		     QBD_EVENT_KIND_NODE_STATE;

	if (state &&
	    knl_u32(attrs, QBD_A_EVENT_STATE) == QBD_NODE_STATE_RUNNING)
		port->other = true;
	if (port->state == KPORT_READY && seq != port->event_seq + 1)
		port->lost = true;
	if (state || port->lost)
		kport_look_self(port);
	if (seq > port->event_seq || port->other)
		port->event_seq = seq;
}

static void event_qbd(struct kport *port, struct nlmsghdr *hdr)
{
	struct nlattr *attrs[QBD_A_EVENT_MAX + 1] = { NULL };

	if (!genlmsg_valid_hdr(hdr, 0) ||
	    genlmsg_hdr(hdr)->cmd != QBD_CMD_EVENT_NTF ||
	    genlmsg_parse(hdr, 0, attrs, QBD_A_EVENT_MAX, NULL) ||
	    !attrs[QBD_A_EVENT_SEQ]) {
		port->counts.bad++;
		port->lost = true;
		return;
	}
	event_number(port, attrs);
	if (port->state != KPORT_READY)
		return; /* stale() comes when it is */
	port->counts.events++;
	kport_tell(port, attrs, false);
}

static void event_messages(struct kport *port, int left)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)port->event_bytes;

	for (; nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left)) {
		if (hdr->nlmsg_type == GENL_ID_CTRL)
			event_family(port, hdr);
		else if (port->now.family &&
			 hdr->nlmsg_type == port->now.family)
			event_qbd(port, hdr);
		else
			port->counts.strays++;
	}
	if (left <= 0)
		return;
	port->counts.bad++;
	port->lost = true;
}

/* The socket is of no use: another one, and all is looked at anew. */
static void event_broken(struct kport *port, int error)
{
	log_limited(&port->noise, loop_now(port->loop), LOG_LEVEL_WARN,
		    "kernel-events", "state=replaced error=%d reason=\"%s\"",
		    error, strerror(-error));
	kport_sock_close(port, &port->tells);
	port->now.group = 0;
	port->lost = true;
}

/**
 * kport_events_read() - take the events that are there
 * @port: the port
 *
 * Return: whether these were all.
 */
bool kport_events_read(struct kport *port)
{
	int budget = KPORT_EVENTS_MAX;

	while (port->tells.fd >= 0 && budget--) {
		int len = kport_sock_read(&port->tells, port->event_bytes,
					  sizeof(port->event_bytes));

		if (len == -EAGAIN)
			return true;
		if (len >= 0)
			event_messages(port, len);
		else if (len == -ENOBUFS || len == -EMSGSIZE)
			port->lost = true; /* they may have been the last */
		else
			event_broken(port, len);
	}
	return false;
}

/**
 * kport_told() - there are events
 * @source: the port's
 * @events: of epoll
 */
void kport_told(struct loop_source *source, uint32_t events)
{
	struct kport *port = (struct kport *)((char *)source -
					      offsetof(struct kport, tells));

	(void)events;
	kport_events_read(port);
	if (!port->lost)
		return;
	port->lost = false;
	kport_look(port); /* what was lost may have been about the family */
	kport_look_self(port);
	if (port->state == KPORT_READY)
		kport_tell_stale(port);
}
