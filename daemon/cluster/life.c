// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a server's log what it was?  (cluster.h: ROLLED BACK)
 *
 * What is heard of generations is kept in memory only.  A daemon that ends
 * forgets it, but not before others, which it told, do.
 */
#include <string.h>

#include "../log.h"
#include "inner.h"

static struct cluster_life *life_of(struct cluster *c, u32 node)
{
	u32 i;

	for (i = 0; i < c->nr_lives; i++)
		if (c->life[i].node == node)
			return &c->life[i];
	return NULL;
}

/* The one that has been silent, or else was heard first, makes room. */
static struct cluster_life *life_new(struct cluster *c, u32 node)
{
	struct cluster_life *life = c->life;
	u32 i;

	if (c->nr_lives < CLUSTER_LIVES_MAX) {
		life = &c->life[c->nr_lives++];
	} else {
		for (i = 0; i < c->nr_lives && life->vouches; i++)
			life = &c->life[i];
	}
	*life = (struct cluster_life){ .node = node };
	return life;
}

/* Return: 0: there is no server, or one that takes no part any more. */
static u64 life_generation(const struct cluster *c)
{
	struct group_info info;

	if (!c->group)
		return 0;
	group_look(c->group, &info);
	return info.state == GROUP_RUNS ? info.store.generation : 0;
}

static void life_say(struct cluster *c, u32 node)
{
	const struct cluster_life *life = life_of(c, node);
	struct msg_life say = { .server = c->record.server,
				.generation = life_generation(c) };
	u8 bytes[MSG_LIFE_BYTES];
	int len;

	if (!say.generation)
		return;
	if (life && life->seen.generation) {
		say.your_server = life->seen.id;
		say.your_generation = life->seen.generation;
	}
	len = msg_life_put(&say, bytes, sizeof(bytes));
	if (len > 0)
		cluster_send(c, node, SESSION_NORMAL, MSG_LIFE, bytes, len);
}

/**
 * life_known() - how far is a server, as far as is known here?
 * @c: the cluster
 * @node: whose
 *
 * Return: the generation of its hard state, 0 = not known.
 */
u64 life_known(struct cluster *c, u32 node)
{
	const struct cluster_life *life = life_of(c, node);

	if (node == c->record.node)
		return life_generation(c);
	return life ? life->seen.generation : 0;
}

/**
 * life_up() - there is a session
 * @c: the cluster
 * @node: with whom
 */
void life_up(struct cluster *c, u32 node)
{
	life_say(c, node);
}

/**
 * life_down() - it ended
 * @c: the cluster
 * @node: with whom
 *
 * What was heard stays: it may come back with an older log.
 */
void life_down(struct cluster *c, u32 node)
{
	struct cluster_life *life = life_of(c, node);

	if (life)
		life->vouches = false;
}

/**
 * life_begin() - the server of this node was opened
 * @c: the cluster
 *
 * Whoever vouched did so for what was there before.
 */
void life_begin(struct cluster *c)
{
	u32 i;

	for (i = 0; i < c->nr_lives; i++)
		c->life[i].vouches = false;
	life_tick(c);
}

/**
 * life_tick() - tell the members how far this server's log is
 * @c: the cluster
 */
void life_tick(struct cluster *c)
{
	struct group_info info;
	u32 i;

	if (!c->group)
		return;
	group_look(c->group, &info);
	for (i = 0; i < info.conf.nr; i++)
		if (server_node(info.conf.id[i]) != c->record.node)
			life_say(c, server_node(info.conf.id[i]));
}

/**
 * life_vouches() - may this node's server speak with that node's?
 * @c: the cluster
 * @node: the node
 *
 * Return: true if it said, in this session, what it knows of this one's log.
 */
bool life_vouches(struct cluster *c, u32 node)
{
	const struct cluster_life *life = life_of(c, node);

	return life && life->vouches;
}

/**
 * life_heard() - a node says how far its server is, and this one was
 * @c: the cluster
 * @from: the node
 * @said: what it says; the server is its own
 */
void life_heard(struct cluster *c, u32 from, const struct msg_life *said)
{
	struct cluster_life *life = life_of(c, from) ?: life_new(c, from);
	const struct raft_seen mine = { said->your_server,
					said->your_generation };
	bool news = !life->vouches;

	raft_seen_heard(&life->seen, said->server, said->generation);
	if (!life_generation(c))
		return;
	if (raft_seen_behind(&mine, c->record.server, life_generation(c))) {
		server_rolled_back(c, from, said->your_generation);
		return;
	}
	life->vouches = true;
	if (news)
		life_say(c, from);
}
