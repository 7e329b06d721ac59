/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel as the daemon and qbdctl see it: requests, dumps, events.
 *
 * A request is built from attributes, sent, and answered at once: the kernel
 * only starts what was asked for.  Who wants to know how it ended joins the
 * events first (knl_events_join()), sends, and then looks at the dump after
 * every event until the state is one that it waited for (knl_wait()): events
 * may be lost, the dump is the truth.
 *
 * Single-threaded; every wait has a deadline.
 */
#ifndef QBD_DAEMON_KNL_H
#define QBD_DAEMON_KNL_H

#include <stdbool.h>
#include <stdint.h>
#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <netlink/attr.h>
#include <linux/qbd.h>

/* Called for each object of a dump; a non-zero return ends it. */
typedef int (*knl_object_fn)(struct nlattr **attrs, void *arg);

/**
 * struct knl - a connection to the kernel module
 * @sock: for requests and dumps
 * @events: joined to the events; NULL until knl_events_join()
 * @family: number of the family
 * @group: number of the multicast group
 * @events_lost: the kernel says that events were lost; the reader clears it
 * @object: message of the object that is being handed over: an attribute that
 *	stands in it more than once is only found there
 * @event: given each event that comes while knl_wait() waits, or NULL
 * @event_arg: passed to it
 * @error: why the last call failed, in words
 */
struct knl {
	struct nl_sock *sock;
	struct nl_sock *events;
	int family;
	int group;
	bool events_lost;
	struct nlmsghdr *object;
	knl_object_fn event;
	void *event_arg;
	char error[512];
};

/**
 * struct knl_dump - what to dump
 * @cmd: QBD_CMD_*_GET
 * @attr_max: QBD_A_*_MAX
 * @filter: attributes of the request, or NULL; freed by the call
 * @object: called for each object
 * @arg: passed on
 */
struct knl_dump {
	uint8_t cmd;
	int attr_max;
	struct nl_msg *filter;
	knl_object_fn object;
	void *arg;
};

int knl_open(struct knl *knl);
void knl_close(struct knl *knl);
struct nl_msg *knl_request(struct knl *knl, uint8_t cmd);
int knl_send(struct knl *knl, struct nl_msg *msg);
int knl_get(struct knl *knl, uint8_t cmd, int attr_max, knl_object_fn object,
	    void *arg);
int knl_ask(struct knl *knl, struct nl_msg *msg, int attr_max,
	    knl_object_fn object, void *arg);
int knl_dump(struct knl *knl, const struct knl_dump *dump);
int knl_events_join(struct knl *knl);
int knl_event_wait(struct knl *knl, int timeout_ms);
int knl_events_read(struct knl *knl, knl_object_fn object, void *arg);
int knl_events_drain(struct knl *knl, knl_object_fn object, void *arg);

/* Is it over? 1 = yes, 0 = wait on, negative errno = it failed. */
typedef int (*knl_done_fn)(struct knl *knl, void *arg);
int knl_wait(struct knl *knl, int timeout_ms, knl_done_fn done, void *arg);

uint64_t knl_u64(struct nlattr **attrs, int attr);
uint32_t knl_u32(struct nlattr **attrs, int attr);
const char *knl_str(struct nlattr **attrs, int attr);
const uint8_t *knl_uuid(struct nlattr **attrs, int attr);

#endif /* QBD_DAEMON_KNL_H */
