// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: what each node has to have, from who leads to the node; how far a
 * node is, the other way; and what daemons say about links.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "../log.h"
#include "../session/bytes.h"
#include "inner.h"

#define LINK_HEAD 8 /* from, to */
#define TELL_LINK_MAX 256
#define PUMP_BYTES (256 * 1024) /* of one node, waiting in its session */
#define PUMP_MESSAGES 8 /* in a turn of the loop: some ms */
#define PUMP_NS 20000000ULL

/* --- the node's side --------------------------------------------------- */

static void tell_hello_take(struct hands *h, u32 node, const void *data,
			    u32 bytes);

static void tell_hello(struct hands *h, const struct cluster_self *self)
{
	u8 bytes[WANT_HELLO_BYTES];
	struct want_hello hello;

	h->hello_to = self->leader;
	h->hello_ns = loop_now(h->loop);
	want_hello(&h->want, &hello);
	want_hello_put(&hello, bytes);
	if (self->leads)
		tell_hello_take(h, self->node, bytes, sizeof(bytes));
	else if (cluster_say(h->cluster, self->leader, SESSION_NORMAL,
			     MSG_HELLO, bytes, sizeof(bytes)))
		h->hello_to = 0; /* when there is a session again */
}

static void tell_hello_look(struct hands *h, const struct cluster_self *self)
{
	uint64_t queued;

	if (!self->leader ||
	    (!self->leads && !cluster_hears(h->cluster, self->leader, &queued)))
		return;
	if (h->hello_to != self->leader) {
		want_end(&h->want);
		agent_say_again(h->agent);
		tell_hello(h, self);
	} else if (loop_now(h->loop) - h->hello_ns >= HANDS_HELLO_NS) {
		tell_hello(h, self);
	}
}

static int tell_want_take(struct hands *h, u32 from, const void *data,
			  u32 bytes)
{
	u64 commits = h->want.commits;
	struct cluster_self self;
	int err;

	/* of who led before: what it still says is of no use */
	if (from != h->hello_to)
		return 0;
	h->hello_ns = loop_now(h->loop);
	err = want_take(&h->want, data, bytes);
	if (h->want.commits != commits)
		hands_look_later(h);
	/* of a stream that ended: what it was is said already */
	if (!err || err == -ECANCELED)
		return 0;
	log_write(LOG_LEVEL_WARN, "want-refused", "node=%u error=%d", from,
		  err);
	cluster_self(h->cluster, &self);
	tell_hello(h, &self);
	return err == -EBADMSG ? err : 0;
}

/* --- who leads --------------------------------------------------------- */

static void tell_push_end(struct hands *h)
{
	if (h->push)
		push_destroy(h->push);
	h->push = NULL;
	failover_end(h);
	mend_end(h);
}

static void tell_push_look(struct hands *h, const struct cluster_self *self)
{
	u64 stream;

	if (h->push && (!self->leads || self->term != h->push_term))
		tell_push_end(h);
	if (h->push || !self->leads)
		return;
	if (getrandom(&stream, sizeof(stream), 0) != sizeof(stream) ||
	    push_create(&h->push, self->state, self->term, stream)) {
		h->push = NULL;
		return;
	}
	h->push_term = self->term;
	push_applied(h->push, self->applied,
		     &(struct state_delta){ .all = true });
	h->hello_to = 0;
	failover_begin(h);
	mend_begin(h);
}

/* Nodes may know who leads before this look has found out. */
static void tell_hello_take(struct hands *h, u32 node, const void *data,
			    u32 bytes)
{
	struct cluster_self self;
	struct want_hello hello;

	cluster_self(h->cluster, &self);
	tell_push_look(h, &self);
	if (!h->push || want_hello_get(data, bytes, &hello))
		return;
	push_hello(h->push, node, &hello);
	loop_timer_set(h->loop, &h->pump, loop_now(h->loop));
}

/* One message, if the node takes one; false if there is nothing to do now. */
static bool tell_pump_one(struct hands *h, const struct cluster_self *self,
			  u32 node)
{
	uint64_t queued = 0;
	int bytes, err;

	if (!push_waits(h->push, node))
		return false;
	if (node != self->node &&
	    (!cluster_hears(h->cluster, node, &queued) || queued > PUMP_BYTES))
		return false;
	bytes = push_next(h->push, node, h->msg, sizeof(h->msg));
	if (bytes <= 0)
		return false;
	if (node == self->node)
		err = tell_want_take(h, node, h->msg, bytes);
	else
		err = cluster_say(h->cluster, node, SESSION_BULK, MSG_WANT,
				  h->msg, bytes);
	/* what is missing can not be made up for: it has to say how far it is
	 */
	if (err)
		push_down(h->push, node);
	return true;
}

/**
 * tell_pumped() - go on sending to nodes
 * @timer: the hands'
 */
void tell_pumped(struct loop_timer *timer)
{
	struct hands *h = HANDS_OF(timer, pump);
	const struct state_node *node;
	struct cluster_self self;
	u32 slot = 0, sent = 0;
	bool waits = false;

	cluster_self(h->cluster, &self);
	if (!h->push || !self.state)
		return;
	while ((node = state_node_walk(self.state, &slot))) {
		while (sent < PUMP_MESSAGES &&
		       tell_pump_one(h, &self, node->id))
			sent++;
		waits |= push_waits(h->push, node->id);
	}
	if (waits)
		loop_timer_set(h->loop, &h->pump, loop_now(h->loop) + PUMP_NS);
}

/* --- links ------------------------------------------------------------- */

/**
 * tell_link() - something about links for another daemon
 * @arg: the hands
 * @node: which one
 * @data: what
 * @bytes: its length
 *
 * Return: 0 or -errno.
 */
int tell_link(void *arg, u32 node, const void *data, size_t bytes)
{
	u8 msg[LINK_HEAD + TELL_LINK_MAX];
	struct cluster_self self;
	struct hands *h = arg;
	uint64_t queued;
	u32 via;

	if (bytes > TELL_LINK_MAX)
		return -EMSGSIZE;
	cluster_self(h->cluster, &self);
	via = cluster_hears(h->cluster, node, &queued) ? node : self.leader;
	if (!via || via == self.node)
		return -ENOTCONN;
	session_put32(msg, self.node);
	session_put32(msg + 4, node);
	memcpy(msg + LINK_HEAD, data, bytes);
	return cluster_say(h->cluster, via, SESSION_NORMAL, MSG_LINK, msg,
			   LINK_HEAD + bytes);
}

static int tell_link_take(struct hands *h, u32 from, const u8 *data,
			  size_t bytes)
{
	struct cluster_self self;
	u32 who, to;

	if (bytes < LINK_HEAD || bytes > LINK_HEAD + TELL_LINK_MAX)
		return -EBADMSG;
	who = session_get32(data);
	to = session_get32(data + 4);
	cluster_self(h->cluster, &self);
	if (to != self.node) {
		/* passed on once, and for who said it himself */
		if (who != from || !self.state)
			return -EBADMSG;
		cluster_say(h->cluster, to, SESSION_NORMAL, MSG_LINK, data,
			    bytes);
		return 0;
	}
	if (who != from && !cluster_is_member(h->cluster, from))
		return -EBADMSG;
	if (h->links)
		link_received(h->links, who, data + LINK_HEAD,
			      bytes - LINK_HEAD);
	return 0;
}

/* --- what the cluster says --------------------------------------------- */

static struct hands *tell_hands(struct cluster_beside *beside)
{
	return HANDS_OF(beside, beside);
}

static int tell_received(struct cluster_beside *beside, uint32_t from,
			 uint16_t type, const void *data, size_t bytes)
{
	struct hands *h = tell_hands(beside);

	switch (type) {
	case MSG_WANT:
		return tell_want_take(h, from, data, bytes);
	case MSG_HELLO:
		if (bytes != WANT_HELLO_BYTES)
			return -EBADMSG;
		tell_hello_take(h, from, data, bytes);
		return 0;
	case MSG_WORD:
		return failover_word(h, from, data, bytes);
	case MSG_FAULT:
		return fault_take(h, from, data, bytes);
	case MSG_COPY:
		return mend_take(h, from, data, bytes);
	case MSG_LINK:
		return tell_link_take(h, from, data, bytes);
	default:
		return -EBADMSG;
	}
}

static void tell_up(struct cluster_beside *beside, uint32_t node)
{
	struct hands *h = tell_hands(beside);

	if (node == h->hello_to)
		h->hello_to = 0;
	if (h->links)
		link_session_up(h->links, node);
	hands_look_later(h);
}

static void tell_down(struct cluster_beside *beside, uint32_t node)
{
	struct hands *h = tell_hands(beside);

	if (h->push)
		push_down(h->push, node);
	if (node == h->hello_to)
		h->hello_to = 0;
}

static void tell_applied(struct cluster_beside *beside, uint64_t index,
			 const struct state_delta *delta)
{
	struct hands *h = tell_hands(beside);

	if (!h->push)
		return;
	push_applied(h->push, index, delta);
	failover_changed(h, delta);
	mend_changed(h, delta);
	loop_timer_set(h->loop, &h->pump, loop_now(h->loop));
}

static void tell_loaded(struct cluster_beside *beside)
{
	tell_push_end(tell_hands(beside));
}

static void tell_changed(struct cluster_beside *beside)
{
	hands_look_later(tell_hands(beside));
}

static struct json_object *tell_repair(struct cluster_beside *beside,
				       u32 volume)
{
	return mend_why(tell_hands(beside), volume);
}

const struct cluster_beside_ops tell_ops = {
	.received = tell_received,
	.up = tell_up,
	.down = tell_down,
	.applied = tell_applied,
	.loaded = tell_loaded,
	.changed = tell_changed,
	.repair = tell_repair,
};

/**
 * tell_look() - is somebody else to be told, or by somebody else?
 * @h: the hands
 */
void tell_look(struct hands *h)
{
	struct cluster_self self;

	cluster_self(h->cluster, &self);
	if (!self.in)
		return;
	tell_push_look(h, &self);
	tell_hello_look(h, &self);
}
