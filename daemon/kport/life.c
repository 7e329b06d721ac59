// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a module, and a node? See kport.h.
 */
#include "inner.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

#define LIFE_OF(ptr, member) \
	((struct kport *)((char *)(ptr)-offsetof(struct kport, member)))

static void life_retry(struct kport *port)
{
	uint64_t ms = port->options.retry_ms;
	unsigned int i;

	for (i = 0; i < port->tries && ms < KPORT_RETRY_MAX_MS; i++)
		ms *= 2;
	if (ms > KPORT_RETRY_MAX_MS)
		ms = KPORT_RETRY_MAX_MS;
	port->tries++;
	loop_timer_set(port->loop, &port->retry,
		       loop_now(port->loop) + ms * KPORT_MS);
}

/**
 * kport_absent() - there is no module, or it can not be spoken to
 * @port: the port
 * @error: why
 */
void kport_absent(struct kport *port, int error)
{
	bool news = port->state != KPORT_ABSENT;

	memset(&port->now, 0, sizeof(port->now));
	port->state = KPORT_ABSENT;
	port->node.present = false;
	port->node.running = false;
	loop_timer_stop(port->loop, &port->stock);
	life_retry(port);
	if (news || port->said_error != error)
		log_write(LOG_LEVEL_INFO, "kernel",
			  "state=absent error=%d reason=\"%s\"", error,
			  error == -ENOENT ? "the module is not loaded" :
					     strerror(-error));
	port->said_error = error;
	kport_refuse_all(port);
	if (news)
		kport_tell_changed(port);
}

/* --- the family ----------------------------------------------------------- */

static void find_groups(struct kport_found *found, struct nlattr *groups)
{
	struct nlattr *group;
	int left;

	nla_for_each_nested(group, groups, left) {
		struct nlattr *attrs[CTRL_ATTR_MCAST_GRP_MAX + 1] = { NULL };

		if (nla_parse_nested(attrs, CTRL_ATTR_MCAST_GRP_MAX, group,
				     NULL) ||
		    strcmp(knl_str(attrs, CTRL_ATTR_MCAST_GRP_NAME),
			   QBD_MCGRP_EVENTS))
			continue;
		found->group = knl_u32(attrs, CTRL_ATTR_MCAST_GRP_ID);
	}
}

static void find_begin(struct kport_request *request)
{
	struct kport *port = LIFE_OF(request, find);

	memset(&port->found, 0, sizeof(port->found));
}

/* One of all families. */
static int find_object(struct kport_request *request, struct nlattr **attrs)
{
	struct kport *port = LIFE_OF(request, find);
	struct nlattr *id = attrs[CTRL_ATTR_FAMILY_ID];

	if (strcmp(knl_str(attrs, CTRL_ATTR_FAMILY_NAME), QBD_FAMILY_NAME))
		return 0;
	if (!id || nla_len(id) < (int)sizeof(uint16_t) ||
	    !attrs[CTRL_ATTR_MCAST_GROUPS])
		return -EBADMSG;
	port->found.family = nla_get_u16(id);
	find_groups(&port->found, attrs[CTRL_ATTR_MCAST_GROUPS]);
	return port->found.family > GENL_ID_CTRL && port->found.group ?
		       0 :
		       -EBADMSG;
}

/* The answer could not be had: what is known stays. */
static void find_failed(struct kport *port, int error)
{
	if (port->state == KPORT_READY && port->now.family)
		life_retry(port);
	else
		kport_absent(port, error);
}

static void find_done(struct kport_request *request,
		      const struct kport_answer *answer)
{
	struct kport *port = LIFE_OF(request, find);
	const struct kport_sys *sys = &port->options.sys;
	int error = answer->error;

	if (port->find_again) {
		kport_look(port);
		return;
	}
	if (!error && !port->found.family) {
		kport_absent(port, -ENOENT);
		return;
	}
	if (!error && port->state == KPORT_READY &&
	    port->found.family == port->now.family &&
	    port->found.group == port->now.group) {
		port->tries = 0;
		if (!port->stock.slot)
			kport_look_self(port); /* it failed before */
		return;
	}
	if (!error)
		error = sys->join(sys->arg, port->tells.fd, port->found.group);
	if (error) {
		find_failed(port, error);
		return;
	}
	if (port->now.family != port->found.family) {
		port->event_seq = 0;
		port->other = true;
	}
	port->now = port->found;
	port->state = KPORT_LOOKING;
	kport_look_self(port);
}

/**
 * kport_look() - look for the family
 * @port: the port
 */
void kport_look(struct kport *port)
{
	int error;

	if (port->find.port) {
		port->find_again = true;
		return;
	}
	port->find_again = false;
	loop_timer_stop(port->loop, &port->retry);
	/* events first: what changes from now on is not missed */
	error = kport_sock_open(port, &port->tells);
	if (!error)
		error = kport_sock_open(port, &port->asks);
	if (!error) {
		port->find.msg = kport_msg(CTRL_CMD_GETFAMILY, 0);
		error = port->find.msg ? 0 : -ENOMEM;
	}
	if (error)
		kport_absent(port, error);
	else
		kport_own(port, &port->find);
}

static void life_retry_expired(struct loop_timer *timer)
{
	kport_look(LIFE_OF(timer, retry));
}

/* --- the node ------------------------------------------------------------- */

static int self_object(struct kport_request *request, struct nlattr **attrs)
{
	struct kport *port = LIFE_OF(request, self);
	struct kport_node *seen = &port->seen;

	seen->present = true;
	seen->running = knl_u32(attrs, QBD_A_NODE_STATE) ==
			QBD_NODE_STATE_RUNNING;
	seen->id = knl_u32(attrs, QBD_A_NODE_ID);
	memcpy(seen->cluster, knl_uuid(attrs, QBD_A_NODE_CLUSTER),
	       sizeof(seen->cluster));
	seen->lineage = knl_u64(attrs, QBD_A_NODE_LINEAGE);
	seen->lease_ms = knl_u32(attrs, QBD_A_NODE_LEASE_MS);
	port->seen_seq = knl_u64(attrs, QBD_A_NODE_EVENT_SEQ);
	return attrs[QBD_A_NODE_STATE] && attrs[QBD_A_NODE_ID] ? 0 : -EBADMSG;
}

/* Not here and now: events that are older than the answer come first. */
static void self_done(struct kport_request *request,
		      const struct kport_answer *answer)
{
	struct kport *port = LIFE_OF(request, self);

	if (answer->error && answer->error != -ENOENT) {
		find_failed(port, answer->error);
		return;
	}
	if (answer->error)
		memset(&port->seen, 0, sizeof(port->seen));
	loop_call_later(port->loop, &port->settle);
}

/**
 * kport_look_self() - look for the node
 * @port: the port
 */
void kport_look_self(struct kport *port)
{
	if (port->self.port) {
		port->self_again = true;
		return;
	}
	port->self_again = false;
	if (!port->now.family || port->asks.fd < 0)
		return; /* kport_look() comes here */
	memset(&port->seen, 0, sizeof(port->seen));
	port->seen_seq = 0;
	port->self_floor = port->other ? 0 : port->event_seq;
	port->self.msg = kport_msg(QBD_CMD_NODE_GET, 0);
	if (port->self.msg)
		kport_own(port, &port->self);
	else
		find_failed(port, -ENOMEM);
}

static bool node_same(const struct kport_node *a, const struct kport_node *b)
{
	return a->present == b->present && a->id == b->id &&
	       a->lineage == b->lineage &&
	       !memcmp(a->cluster, b->cluster, sizeof(a->cluster));
}

static void node_log(const struct kport *port)
{
	const struct kport_node *node = &port->node;

	if (node->present)
		log_write(LOG_LEVEL_INFO, "kernel-node",
			  "state=%s node=%u life=%llu",
			  node->running ? "running" : "ending", node->id,
			  (unsigned long long)node->life);
	else
		log_write(LOG_LEVEL_INFO, "kernel-node", "state=none");
}

/* Is what was seen another node, or does it fare otherwise? */
static bool node_take(struct kport *port)
{
	struct kport_node *seen = &port->seen;
	struct kport_node old = port->node;
	bool other = port->other || port->seen_seq < port->self_floor ||
		     !node_same(seen, &old);

	seen->life = old.life;
	if (seen->present && other)
		seen->life++;
	port->other = false;
	port->node = *seen;
	if (!seen->present)
		port->event_seq = 0;
	else if (port->seen_seq < port->self_floor || !node_same(seen, &old))
		port->event_seq = port->seen_seq;
	return seen->life != old.life || seen->present != old.present ||
	       seen->running != old.running;
}

static void node_settle(struct loop_call *call)
{
	struct kport *port = LIFE_OF(call, settle);
	bool first = port->state == KPORT_LOOKING;
	bool stale, all, changed;

	if (!port->now.family)
		return; /* it went away meanwhile */
	all = kport_events_read(port);
	if (!port->now.family)
		return;
	changed = node_take(port);
	stale = first || changed || port->lost ||
		(all && port->event_seq < port->seen_seq);
	if (port->event_seq < port->seen_seq)
		port->event_seq = port->seen_seq;
	if (port->lost)
		kport_look(port);
	port->lost = false;
	port->state = KPORT_READY;
	port->tries = 0;
	port->said_error = 0;
	loop_timer_set(port->loop, &port->stock,
		       loop_now(port->loop) +
			       port->options.stock_ms * KPORT_MS);
	loop_call_later(port->loop, &port->pump);
	if (changed || first) {
		node_log(port);
		kport_tell_changed(port);
	}
	if (stale)
		kport_tell_stale(port);
	if (port->self_again)
		kport_look_self(port);
}

static void node_stock(struct loop_timer *timer)
{
	kport_look_self(LIFE_OF(timer, stock));
}

/* --- begin and end -------------------------------------------------------- */

/* Looks for the family in the first turn: who is told is not here yet. */
void kport_life_init(struct kport *port)
{
	port->find.kind = KPORT_DUMP;
	port->find.attr_max = CTRL_ATTR_MAX;
	port->find.begin = find_begin;
	port->find.object = find_object;
	port->find.done = find_done;
	port->self.kind = KPORT_GET;
	port->self.attr_max = QBD_A_NODE_MAX;
	port->self.object = self_object;
	port->self.done = self_done;
	port->retry.name = "kport-retry";
	port->retry.expired = life_retry_expired;
	port->stock.name = "kport-stock";
	port->stock.expired = node_stock;
	port->settle.name = "kport-settle";
	port->settle.run = node_settle;
	loop_timer_set(port->loop, &port->retry, loop_now(port->loop));
}

void kport_life_end(struct kport *port)
{
	loop_timer_stop(port->loop, &port->retry);
	loop_timer_stop(port->loop, &port->stock);
	loop_call_stop(port->loop, &port->settle);
}
