// SPDX-License-Identifier: GPL-2.0-only
/*
 * For what lives beside the cluster: see beside.h.
 */
#include <errno.h>
#include <string.h>

#include "beside.h"
#include "inner.h"

/**
 * cluster_beside() - somebody is told from now on
 * @c: the cluster
 * @beside: who; NULL = nobody any more
 */
void cluster_beside(struct cluster *c, struct cluster_beside *beside)
{
	c->beside = beside;
	if (beside)
		cluster_changed(c);
}

/**
 * cluster_self() - who is this node, and who leads?
 * @c: the cluster
 * @self: filled in
 */
void cluster_self(struct cluster *c, struct cluster_self *self)
{
	struct group_info info;

	*self = (struct cluster_self){ .in = c->phase == CLUSTER_IN };
	if (!self->in)
		return;
	self->node = c->record.node;
	memcpy(self->cluster, c->record.cluster, sizeof(self->cluster));
	self->leader = cluster_leader(c);
	if (!c->group)
		return;
	group_look(c->group, &info);
	self->leads = cluster_leads(c);
	self->term = info.term;
	self->applied = info.applied;
	self->state = c->s;
}

/**
 * cluster_say() - a message for what is beside the cluster of another node
 * @c: the cluster
 * @node: its id
 * @class: how urgent
 * @type: above MSG_BESIDE
 * @data: the message
 * @bytes: its length
 *
 * Return: 0, -ENOTCONN, or why the session does not take it.
 */
int cluster_say(struct cluster *c, uint32_t node, enum session_class class,
		enum msg_type type, const void *data, size_t bytes)
{
	if (!c->net)
		return -ENOTCONN;
	return cluster_send(c, node, class, type, data, bytes);
}

/**
 * cluster_hears() - is there a session with a node?
 * @c: the cluster
 * @node: its id
 * @queued: bytes that wait to be sent there
 *
 * Return: true if so.
 */
bool cluster_hears(struct cluster *c, uint32_t node, uint64_t *queued)
{
	struct session_status status;

	if (!c->net || session_peer_status(c->net, node, &status) || !status.up)
		return false;
	*queued = status.queued;
	return true;
}

/**
 * cluster_is_member() - is a node a member of the group, as was heard last?
 * @c: the cluster
 * @node: its id
 *
 * Return: true if so.
 */
bool cluster_is_member(struct cluster *c, uint32_t node)
{
	unsigned int i;

	for (i = 0; i < c->record.nr_peers; i++)
		if (c->record.peer[i].node == node)
			return true;
	return false;
}

/**
 * cluster_addrs() - addresses of one kind
 * @from: of a node
 * @nr: how many
 * @use: which kind
 * @to: room for them
 * @max: how much
 *
 * Return: how many there are.
 */
unsigned int cluster_addrs(const struct state_addr *from, unsigned int nr,
			   uint8_t use, union links_addr *to, unsigned int max)
{
	unsigned int i, found = 0;

	for (i = 0; i < nr && found < max; i++)
		if (from[i].use == use)
			addr_of_state(&from[i], &to[found++]);
	return found;
}

/**
 * cluster_thinks() - what the failure detector thinks of a node
 * @c: the cluster
 * @node: its id
 * @alive: it is there
 * @heard: it was, some time
 * @since_ns: not heard: since when this daemon listens for it
 */
void cluster_thinks(struct cluster *c, uint32_t node, bool *alive, bool *heard,
		    uint64_t *since_ns)
{
	struct session_status status;

	*alive = node == c->record.node;
	*heard = *alive;
	*since_ns = c->led_ns;
	if (*alive || !c->net || session_peer_status(c->net, node, &status))
		return;
	*alive = status.state == DETECT_ALIVE;
	*heard = status.heard_ns;
	*since_ns = status.since_ns;
}

/**
 * cluster_silent_ns() - for how long was a node not heard?
 * @c: the cluster
 * @node: its id
 *
 * Return: since it was heard by this daemon, or since that began to listen for
 * it; 0: it is this one.
 */
uint64_t cluster_silent_ns(struct cluster *c, uint32_t node)
{
	struct session_status status;
	uint64_t heard = c->led_ns, now = loop_now(c->loop);

	if (node == c->record.node)
		return 0;
	if (c->net && !session_peer_status(c->net, node, &status))
		heard = status.heard_ns ?: status.since_ns;
	return now > heard ? now - heard : 0;
}
