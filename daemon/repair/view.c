// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is there, and which copies are to be replaced (duty.h).
 */
#include "inner.h"

/**
 * repair_alive() - is the daemon of a node there?
 * @r: the repair
 * @node: id
 *
 * Return: true if so; one of which nothing was said is not.
 */
bool repair_alive(const struct repair *r, u32 node)
{
	const struct repair_peer *peer =
		agent_map_find(&r->peers, AGENT_KEY(0, node, 0));

	return peer && peer->alive;
}

/**
 * repair_silent() - how long was a node not heard?
 * @r: the repair
 * @node: id
 *
 * Return: ms; 0: it is there, or nothing was said of it.
 */
u64 repair_silent(const struct repair *r, u32 node)
{
	const struct repair_peer *peer =
		agent_map_find(&r->peers, AGENT_KEY(0, node, 0));

	return peer && !peer->alive ? peer->silent_ms : 0;
}

static bool repair_is_lost(const struct repair *r,
			   const struct state_member_view *member)
{
	return agent_map_find(&r->lost, AGENT_KEY(0, member->replica, 0));
}

/**
 * repair_live() - does a member count for a quorum?
 * @r: the repair
 * @s: the state
 * @member: it
 *
 * Return: true if its node is there, and nothing is known against it.
 */
bool repair_live(const struct repair *r, const struct state *s,
		 const struct state_member_view *member)
{
	const struct state_store *store = state_store_by_id(s, member->store);

	return store &&
	       (store->state == STATE_STORE_ACTIVE ||
		store->state == STATE_STORE_DRAINING) &&
	       member->made && repair_alive(r, member->node) &&
	       !repair_is_lost(r, member);
}

/**
 * repair_well() - is nothing wrong with a member, not even a wish?
 * @r: the repair
 * @s: the state
 * @member: it
 *
 * Return: true if so.
 */
bool repair_well(const struct repair *r, const struct state *s,
		 const struct state_member_view *member)
{
	const struct state_store *store = state_store_by_id(s, member->store);
	const struct state_node *node = state_node_by_id(s, member->node);

	return repair_live(r, s, member) && node &&
	       node->state == STATE_NODE_ACTIVE &&
	       store->state == STATE_STORE_ACTIVE;
}

static u64 repair_after(const struct state *s)
{
	return state_cluster(s)->setting[STATE_SET_REPAIR_AFTER];
}

static bool repair_away(const struct repair *r, const struct state *s, u32 node)
{
	u64 silent = repair_silent(r, node);

	if (QBD_MUTANT(repair_suspect))
		return silent;
	return silent >= repair_after(s);
}

/**
 * repair_store_bad() - is what a store has to be replaced?
 * @r: the repair
 * @s: the state
 * @store: the store
 *
 * Return: why, or REPAIR_BAD_NOT.
 */
enum repair_bad repair_store_bad(const struct repair *r, const struct state *s,
				 const struct state_store *store)
{
	const struct state_node *node = state_node_by_id(s, store->node);
	u64 now = state_cluster(s)->now_ms;

	if (state_store_failed(store))
		return REPAIR_BAD_STORE;
	/* by the state's own clock, which has said when */
	if (store->state == STATE_STORE_GONE &&
	    now - store->gone_ms >= repair_after(s))
		return REPAIR_BAD_STORE;
	if (repair_away(r, s, store->node))
		return REPAIR_BAD_NODE;
	if (store->state == STATE_STORE_DRAINING ||
	    (node && node->state == STATE_NODE_DRAINING))
		return REPAIR_BAD_DRAIN;
	return REPAIR_BAD_NOT;
}

/**
 * repair_member_bad() - is a copy to be replaced?
 * @r: the repair
 * @s: the state
 * @member: it
 *
 * Return: why, or REPAIR_BAD_NOT.
 */
enum repair_bad repair_member_bad(const struct repair *r, const struct state *s,
				  const struct state_member_view *member)
{
	const struct state_store *store = state_store_by_id(s, member->store);

	if (repair_is_lost(r, member))
		return REPAIR_BAD_LOST;
	return store ? repair_store_bad(r, s, store) : REPAIR_BAD_NOT;
}

/* Members of the set in force, or of the one that follows. */
static bool repair_in(const struct state_member_view *member, bool follows)
{
	switch ((enum state_role)member->role) {
	case STATE_ROLE_VOTER:
	case STATE_ROLE_LEAVING:
		return !follows || !member->leaves;
	case STATE_ROLE_LEARNER:
	case STATE_ROLE_JOINING:
		return follows;
	case STATE_ROLE_GONE:
		break;
	}
	return false;
}

static bool repair_quorum(const struct repair *r, const struct state *s,
			  const struct state_shard_view *view, bool follows)
{
	u32 i, nr = 0, live = 0;

	for (i = 0; i < view->nr; i++) {
		if (!repair_in(&view->member[i], follows))
			continue;
		nr++;
		live += repair_live(r, s, &view->member[i]);
	}
	return live >= nr / 2 + 1 || QBD_MUTANT(repair_no_quorum);
}

/**
 * repair_quorum_old() - is a quorum of the set in force there?
 * @r: the repair
 * @s: the state
 * @view: the shard
 *
 * Return: true if so.
 */
bool repair_quorum_old(const struct repair *r, const struct state *s,
		       const struct state_shard_view *view)
{
	return repair_quorum(r, s, view, false);
}

/**
 * repair_quorum_new() - is a quorum of the set that follows there?
 * @r: the repair
 * @s: the state
 * @view: the shard
 *
 * Return: true if so.
 */
bool repair_quorum_new(const struct repair *r, const struct state *s,
		       const struct state_shard_view *view)
{
	return repair_quorum(r, s, view, true);
}

/**
 * repair_led() - is there somebody who leads its shards?
 * @r: the repair
 * @volume: the volume, or NULL
 *
 * Return: true if so.
 */
bool repair_led(const struct repair *r, const struct state_volume *volume)
{
	return volume && volume->state == STATE_VOLUME_READY &&
	       volume->hold != STATE_HOLD_NONE &&
	       repair_alive(r, volume->holder);
}
