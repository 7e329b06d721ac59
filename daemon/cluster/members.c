// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is a peer of this node, and who is in the group.
 *
 * A member has a session to each node: it hears who is there.  Other nodes have
 * sessions to the members, of which they keep a list in their record, so that
 * they find the cluster again after a power cut.
 */
#include <string.h>

#include "../log.h"
#include "inner.h"

/**
 * addr_of_state() - an address
 * @from: as the state has it
 * @to: as sockets want it
 */
void addr_of_state(const struct state_addr *from, union links_addr *to)
{
	memset(to, 0, sizeof(*to));
	if (from->family == 6) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(from->port);
		memcpy(&to->v6.sin6_addr, from->ip, 16);
	} else {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(from->port);
		memcpy(&to->v4.sin_addr, from->ip, 4);
	}
}

/**
 * addr_to_state() - an address
 * @from: as sockets want it
 * @use: 0 control, 1 data
 * @to: as the state has it
 */
void addr_to_state(const union links_addr *from, u8 use, struct state_addr *to)
{
	memset(to, 0, sizeof(*to));
	to->use = use;
	if (from->any.sa_family == AF_INET6) {
		to->family = 6;
		to->port = ntohs(from->v6.sin6_port);
		memcpy(to->ip, &from->v6.sin6_addr, 16);
	} else {
		to->family = 4;
		to->port = ntohs(from->v4.sin_port);
		memcpy(to->ip, &from->v4.sin_addr, 4);
	}
}

static void members_peer(const struct state_node *node,
			 struct record_peer *peer)
{
	u32 i;

	memset(peer, 0, sizeof(*peer));
	peer->node = node->id;
	memcpy(peer->key, node->key, sizeof(peer->key));
	for (i = 0; i < node->nr_addrs && peer->nr < RECORD_ADDRS_MAX; i++)
		if (!node->addr[i].use)
			addr_of_state(&node->addr[i], &peer->addr[peer->nr++]);
}

/**
 * members_now() - the group, as a member's log has it
 * @c: the cluster, with a server
 * @members: the group; nodes that the state does not know are left out
 */
void members_now(struct cluster *c, struct msg_members *members)
{
	const struct state_node *node;
	struct group_info info;
	u32 i;

	memset(members, 0, sizeof(*members));
	group_look(c->group, &info);
	members->term = info.term;
	members->log_term = info.last_term;
	members->log_index = info.last;
	members->leader = server_node(info.leader);
	for (i = 0; i < info.conf.nr; i++) {
		node = state_node_by_id(c->s, server_node(info.conf.id[i]));
		if (!node || state_node_refused(node))
			continue;
		members_peer(node, &members->peer[members->nr++]);
	}
}

/**
 * members_push() - tell a node, or all, who is in the group
 * @c: the cluster; nothing happens if this node is no member
 * @node: whom; 0 = all that are connected, if it is news
 */
void members_push(struct cluster *c, u32 node)
{
	struct msg_members members;
	u8 bytes[MSG_MEMBERS_MAX];
	int len;
	u32 i;

	if (!cluster_member(c))
		return;
	members_now(c, &members);
	len = members.nr ? msg_members_put(&members, bytes, sizeof(bytes)) : 0;
	if (len <= 0 ||
	    (!node && len == c->members_bytes &&
	     !memcmp(bytes + MSG_MEMBERS_NEWS, c->members + MSG_MEMBERS_NEWS,
		     len - MSG_MEMBERS_NEWS)))
		return;
	if (node) {
		cluster_send(c, node, SESSION_NORMAL, MSG_MEMBERS, bytes, len);
		return;
	}
	memcpy(c->members, bytes, len);
	c->members_bytes = len;
	for (i = 0; i < c->nr_peers; i++)
		cluster_send(c, c->peer[i], SESSION_NORMAL, MSG_MEMBERS, bytes,
			     len);
}

static bool members_same(const struct record *a, const struct record *b)
{
	unsigned int i;

	for (i = 0; i < a->nr_peers && i < b->nr_peers; i++)
		if (a->peer[i].node != b->peer[i].node ||
		    a->peer[i].nr != b->peer[i].nr ||
		    memcmp(a->peer[i].key, b->peer[i].key, 32) ||
		    memcmp(a->peer[i].addr, b->peer[i].addr,
			   a->peer[i].nr * sizeof(a->peer[i].addr[0])))
			return false;
	return a->nr_peers == b->nr_peers;
}

/* A member has it too: its state may be behind when it starts. */
static void members_record(struct cluster *c, const struct msg_members *members)
{
	struct record fresh = c->record;

	fresh.nr_peers = members->nr;
	memcpy(fresh.peer, members->peer, sizeof(fresh.peer));
	if (members_same(&fresh, &c->record))
		return;
	c->record = fresh;
	peers_save(c);
	cluster_changed(c);
}

/* Who leads: of the highest term that anybody was heard to lead in. */
static void members_leader(struct cluster *c, u32 from,
			   const struct msg_members *members)
{
	if (members->term < c->leader_term ||
	    (!members->leader && from != c->leader))
		return;
	c->leader = members->leader;
	if (members->leader)
		c->leader_term = members->term;
}

/* Who is in the group: of the log that is furthest, as in an election. */
static bool members_old(const struct cluster *c,
			const struct msg_members *members)
{
	if (members->log_term != c->members_term)
		return members->log_term < c->members_term;
	return members->log_index < c->members_index;
}

static bool members_have(const struct record_peer *peer, u32 nr, u32 node)
{
	while (nr--)
		if (peer[nr].node == node)
			return true;
	return false;
}

static bool members_newer(u64 term, u64 index, const struct group_info *info)
{
	return term != info->last_term ? term > info->last_term :
					 index > info->last;
}

/**
 * members_outside() - is this node's server one that was replaced?
 * @c: the cluster
 * @info: of the server
 *
 * Return: true if a log that is newer than its own says so.
 */
bool members_outside(const struct cluster *c, const struct group_info *info)
{
	return members_newer(c->members_term, c->members_index, info) &&
	       !members_have(c->record.peer, c->record.nr_peers,
			     c->record.node);
}

/* It says that this node's server, which believes to be one, is no member. */
static bool members_expel(struct cluster *c, const struct msg_members *members)
{
	struct group_info info;

	group_look(c->group, &info);
	return members_newer(members->log_term, members->log_index, &info) &&
	       !members_have(members->peer, members->nr, c->record.node);
}

/**
 * members_heard() - a member says who is in the group
 * @c: the cluster
 * @from: the member
 * @members: what it says
 *
 * Whose server is in the group believes its own log instead, unless a newer one
 * has it no more.  Only those are
 * believed who were members as far as this node knew; and that nobody leads, of
 * whom was thought to lead: others may only be cut off.
 *
 * What is older than what was heard already is passed over.  (C was cut off,
 * and comes back.  It says that A leads, and that A, B, C are the members; but
 * A left, and D leads.  This node would ask A, and if it is restarted then,
 * it would look for A and B.)  How old it is says the log of whoever says it,
 * not his term: one that campaigned in vain has a high term and an old log.
 */
void members_heard(struct cluster *c, u32 from,
		   const struct msg_members *members)
{
	if (!members_have(c->record.peer, c->record.nr_peers, from) ||
	    (cluster_member(c) && !members_expel(c, members)))
		return;
	members_leader(c, from, members);
	if (!members_old(c, members)) {
		c->members_term = members->log_term;
		c->members_index = members->log_index;
		members_record(c, members);
	}
	asks_look(c);
}

static bool peers_has(const u32 *peer, u32 nr, u32 node)
{
	while (nr--)
		if (peer[nr] == node)
			return true;
	return false;
}

static u32 peers_add(struct cluster *c, const struct record_peer *peer,
		     u32 *list, u32 nr)
{
	if (peer->node == c->record.node || nr == SESSION_PEERS_MAX ||
	    peers_has(list, nr, peer->node) ||
	    session_peer_set(c->net, peer->node, peer->addr, peer->nr))
		return nr;
	list[nr] = peer->node;
	return nr + 1;
}

/**
 * peers_refresh() - sessions to whom there should be some, and to nobody else
 * @c: the cluster
 */
void peers_refresh(struct cluster *c)
{
	const struct state_node *node;
	struct msg_members members;
	struct record_peer peer;
	u32 list[SESSION_PEERS_MAX];
	u32 nr = 0, slot = 0, i;

	if (c->group && c->s)
		session_net_least(
			c->net,
			state_cluster(c->s)->setting[STATE_SET_FEATURE]);
	if (c->group && c->s)
		for (; (node = state_node_walk(c->s, &slot));) {
			if (state_node_refused(node))
				continue;
			members_peer(node, &peer);
			nr = peers_add(c, &peer, list, nr);
		}
	if (cluster_member(c)) {
		members_now(c, &members);
		if (members.nr)
			members_record(c, &members);
	}
	for (i = 0; i < c->record.nr_peers; i++)
		nr = peers_add(c, &c->record.peer[i], list, nr);
	/* first: whose key is refused hears that, and not only a goodbye */
	session_recheck(c->net);
	for (i = 0; i < c->nr_peers; i++)
		if (!peers_has(list, nr, c->peer[i]))
			session_peer_remove(c->net, c->peer[i]);
	memcpy(c->peer, list, nr * sizeof(*list));
	c->nr_peers = nr;
}
