/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel module inside of the daemon's loop: requests, dumps and events,
 * without a wait.
 *
 * A REQUEST is queued and sent from the loop, one at a time and in order, so
 * that what is asked later sees what was done before: a dump that was asked for
 * behind a change shows it.  It ends in one call of done(), never from within
 * kport_send(), with the kernel's error and the words that came with it.
 *
 * A DEADLINE is from kport_send() on.  A request that still waits in the queue
 * then was not sent: nothing happened.  One that was sent may have been carried
 * out or not: its answer says "unknown", and who asked looks at a dump.  The
 * socket is replaced then, and whenever the kernel says what can not be: what a
 * former socket had in it can be taken for nobody's answer.
 *
 * The kernel carries a request out inside of send().  The module starts what
 * was asked for and returns (uapi/qbd.yaml: no request waits for a disk, a peer
 * or a device); what is left is its own locks, and the time for one piece of a
 * dump.  This thread can not be protected against more than that; the loop
 * names what took long (loop-slow).
 *
 * A DUMP is handed over object by object.  If what it walks over changed below
 * it (NLM_F_DUMP_INTR), it begins anew, and begin() says so: what came before
 * is void.  (Without: an object that moved is seen twice, or not at all, and
 * what is not there gets made, or mourned.)
 *
 * EVENTS have numbers.  They are told as they come, and that some are missing
 * is told as stale(): a gap, a socket that overflowed, a socket that is new, a
 * node that is new.  The numbers alone do not show that the *last* ones are
 * lost: so the node's own number is looked at now and then (stock_ms).  After
 * stale() a dump is needed; the events that come go on meanwhile.
 *
 * NO MODULE, NO NODE.  Neither is an error: the family is looked for again,
 * with pauses that grow, and at once when the kernel says that there is another
 * one.  It is looked for in the list of all families, because asking for it by
 * name would have the kernel load the module, and wait for that.  Requests that
 * are queued while there is no family are refused (-ENODEV).  Family, group and
 * node are all looked at behind joining the events, so no change falls between.
 *
 * changed() says that the family, or the node, is another, or gone; then look
 * at kport_state() and kport_node().  A node has no number of its life in the
 * kernel's interface; here each one that is seen gets one (kport_node.life), by
 * its names, by the event of its start, and by event numbers that went back.
 *
 * One thread, the loop's.  Any function may be called in any callback, but for
 * kport_destroy().  A request belongs to who made it: until done() it may not
 * be freed, but taken back (kport_cancel()).
 *
 * Files: kport.c (queue), answer.c (what comes back), event.c (events), life.c
 * (family and node), sock.c (sockets).
 */
#ifndef QBD_KPORT_KPORT_H
#define QBD_KPORT_KPORT_H

#include "../knl.h"
#include "../loop.h"

#define KPORT_QUEUE_MAX 1024 /* requests that wait */
#define KPORT_AGAIN_MAX 16 /* times that one dump begins */
#define KPORT_ATTR_MAX 63
#define KPORT_TIMEOUT_MS 10000
#define KPORT_RETRY_MIN_MS 100 /* to look for the family */
#define KPORT_RETRY_MAX_MS 5000
#define KPORT_STOCK_MS 10000
#define KPORT_SAY_MAX 320

struct kport;

/**
 * enum kport_state - is there a module?
 * @KPORT_LOOKING: not known yet
 * @KPORT_ABSENT: no, or it can not be spoken to
 * @KPORT_READY: yes; see kport_node() for the node
 */
enum kport_state {
	KPORT_LOOKING,
	KPORT_ABSENT,
	KPORT_READY,
};

/**
 * enum kport_kind - what is asked
 * @KPORT_DO: do something
 * @KPORT_GET: the one object that is named
 * @KPORT_DUMP: all objects
 */
enum kport_kind {
	KPORT_DO,
	KPORT_GET,
	KPORT_DUMP,
};

/**
 * struct kport_answer - how a request ended
 * @error: 0, or a negative errno: the kernel's; or -ETIMEDOUT, -EBADMSG (what
 *	came makes no sense), -EAGAIN (a dump that was interrupted each time),
 *	-ENODEV (the module went away)
 * @unknown: it was sent, and nobody knows what became of it
 * @word: attribute that is wrong, as qbdctl names it; NULL: not said
 * @text: the kernel's words; NULL: none. Both are good while done() runs
 */
struct kport_answer {
	int error;
	bool unknown;
	const char *word;
	const char *text;
};

/**
 * struct kport_request - something that is asked
 * @kind: what kind
 * @msg: from kport_msg(), with attributes; the port's as of kport_send()
 * @attr_max: highest attribute of the objects, up to KPORT_ATTR_MAX
 * @timeout_ms: for all of it; 0: the port's
 * @begin: a dump begins, or begins anew; may be NULL
 * @object: given each object; what is not 0 becomes the request's error, and
 *	no more are given. Needed but for KPORT_DO
 * @done: called once, unless it was taken back
 * @port: the port's, as all below: where it is, NULL = nowhere
 * @own: it is the port's
 * @sent: it is not in the queue any more
 * @next: in the queue
 * @link: what points here
 * @timer: its deadline, in the queue
 */
struct kport_request {
	enum kport_kind kind;
	struct nl_msg *msg;
	int attr_max;
	uint32_t timeout_ms;
	void (*begin)(struct kport_request *request);
	int (*object)(struct kport_request *request, struct nlattr **attrs);
	void (*done)(struct kport_request *request,
		     const struct kport_answer *answer);
	struct kport *port;
	bool own;
	bool sent;
	struct kport_request *next;
	struct kport_request **link;
	struct loop_timer timer;
};

/**
 * struct kport_node - the node of this network namespace
 * @present: there is one, running or ending
 * @running: it is running
 * @id: its id
 * @cluster: its cluster
 * @lineage: the cluster's
 * @lease_ms: its leases
 * @life: how many nodes were seen before it
 */
struct kport_node {
	bool present;
	bool running;
	uint32_t id;
	uint8_t cluster[QBD_UUID_LEN];
	uint64_t lineage;
	uint32_t lease_ms;
	uint64_t life;
};

/**
 * struct kport_watch - somebody who is told
 * @changed: the family, or the node, is another; may be NULL, as all
 * @event: something happened in the kernel; QBD_A_EVENT_*
 * @stale: events are missing: what was known has to be looked at anew
 * @next: the port's
 * @link: the port's
 */
struct kport_watch {
	void (*changed)(struct kport_watch *watch);
	void (*event)(struct kport_watch *watch, struct nlattr **attrs);
	void (*stale)(struct kport_watch *watch);
	struct kport_watch *next;
	struct kport_watch **link;
};

/**
 * struct kport_sys - how to get at the kernel; tests have their own
 * @open: a non-blocking socket that keeps messages apart, for requests or for
 *	events; or -errno
 * @join: have events of a group come to such a socket; 0 or -errno
 * @arg: for both
 */
struct kport_sys {
	int (*open)(void *arg, bool events);
	int (*join)(void *arg, int fd, uint32_t group);
	void *arg;
};

/**
 * struct kport_options - what does not change
 * @sys: how to get at the kernel; without open(): netlink
 * @timeout_ms: for a request that does not say; 0: KPORT_TIMEOUT_MS
 * @retry_ms: first pause before the family is looked for again; 0: default
 * @stock_ms: how often to compare event numbers; 0: default
 */
struct kport_options {
	struct kport_sys sys;
	uint32_t timeout_ms;
	uint32_t retry_ms;
	uint32_t stock_ms;
};

/**
 * struct kport_counts - what happened
 * @requests: sent
 * @timeouts: of these, without an answer in time
 * @again: dumps that began anew
 * @strays: messages that answer nothing that is asked
 * @bad: messages that make no sense
 * @sockets: sockets for requests that were opened
 * @events: events that were told
 * @stales: how often that some are missing
 */
struct kport_counts {
	uint64_t requests;
	uint64_t timeouts;
	uint64_t again;
	uint64_t strays;
	uint64_t bad;
	uint64_t sockets;
	uint64_t events;
	uint64_t stales;
};

int kport_create(struct kport **made, struct loop *loop,
		 const struct kport_options *options);
void kport_destroy(struct kport *port);
enum kport_state kport_state(const struct kport *port);
const struct kport_node *kport_node(const struct kport *port);
const struct kport_counts *kport_counts(const struct kport *port);

void kport_watch_add(struct kport *port, struct kport_watch *watch);
void kport_watch_remove(struct kport_watch *watch);

struct nl_msg *kport_msg(uint8_t cmd, size_t bytes);
int kport_send(struct kport *port, struct kport_request *request);
void kport_cancel(struct kport_request *request);
struct nlmsghdr *kport_object(const struct kport *port);
const char *kport_say(char to[KPORT_SAY_MAX],
		      const struct kport_answer *answer);

#endif /* QBD_KPORT_KPORT_H */
