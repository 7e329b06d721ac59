// SPDX-License-Identifier: GPL-2.0-only
/*
 * What repair waits for, for people: of one volume, and of all.
 *
 * Nothing is decided here.  The questions are those that step.c and pick.c
 * ask, in the same order, so what is said is what keeps them from a command.
 *
 * A copy is UNKNOWN if nobody can say how it is: the daemon of its node is not
 * heard, or its store is gone.  It may be as good as ever, its kernel may write
 * on: it counts for nothing here, and is not given up before repair-after-ms.
 *
 * COST.  A volume: its shards, and a placement for REPAIR_WHY_PLACES of them at
 * most.  All: the stores, and REPAIR_SLICE copies of those that are away.
 */
#include <stdio.h>

#include "inner.h"

#define REPAIR_WHY_PLACES 4

struct why_look {
	struct repair_look look;
	const struct state_volume *volume;
	struct repair_why *why;
	u32 places;
};

/**
 * repair_unknown() - can nobody say how a copy is?
 * @r: the repair
 * @s: the state
 * @member: it
 *
 * Return: true if so.
 */
bool repair_unknown(const struct repair *r, const struct state *s,
		    const struct state_member_view *member)
{
	const struct state_store *store = state_store_by_id(s, member->store);

	return store && member->role != STATE_ROLE_GONE &&
	       (store->state == STATE_STORE_GONE ||
		!repair_alive(r, member->node));
}

/* What is worse stays; of the same kind, who waits longer. */
static void why_set(struct repair_why *why, enum repair_wait wait,
		    const struct state_shard_view *view, u32 node, u64 left_ms)
{
	if (wait < why->wait || (wait == why->wait && left_ms <= why->left_ms))
		return;
	why->wait = wait;
	why->number = view->number;
	why->node = node;
	why->left_ms = left_ms;
}

/* One that is not heard, and is not to be replaced before its time. */
static void why_away(struct why_look *l, const struct state_shard_view *view,
		     const struct state_member_view *member)
{
	u64 after = state_cluster(l->look.s)->setting[STATE_SET_REPAIR_AFTER];
	const struct state_store *store =
		state_store_by_id(l->look.s, member->store);
	u64 silent = repair_silent(l->look.r, member->node);
	u64 now = state_cluster(l->look.s)->now_ms;
	enum repair_wait wait = REPAIR_WAIT_NODE;

	if (store->state == STATE_STORE_GONE) {
		wait = REPAIR_WAIT_STORE;
		silent = max(silent, now - min(now, store->gone_ms));
	}
	why_set(l->why, wait, view, member->node, after - min(after, silent));
	if (l->why->wait == wait && l->why->node == member->node)
		l->why->store = member->store;
}

/* There is somebody who leads, and a quorum: what else? */
static void why_begin(struct why_look *l, const struct state_shard_view *view,
		      const struct state_member_view *bad)
{
	u32 most = state_cluster(l->look.s)->setting[STATE_SET_JOBS_AT_ONCE];
	const struct repair_shard *shard = agent_map_find(
		&l->look.r->shards, AGENT_KEY(0, view->volume, view->number));
	u64 now = l->look.now_ms;
	struct place_why place;

	if (shard && !shard->asked && shard->refusals && shard->off_ms > now) {
		why_set(l->why, REPAIR_WAIT_REFUSED, view, bad->node,
			shard->off_ms - now);
		return;
	}
	if (l->places < REPAIR_WHY_PLACES && !(shard && shard->asked)) {
		l->places++;
		if (!repair_place(&l->look, l->volume, view->number, bad, false,
				  &place)) {
			if (l->why->wait < REPAIR_WAIT_PLACE)
				l->why->place = place;
			why_set(l->why, REPAIR_WAIT_PLACE, view, bad->node, 0);
			return;
		}
		if (!repair_place(&l->look, l->volume, view->number, bad, true,
				  &place)) {
			why_set(l->why, REPAIR_WAIT_TARGET, view, bad->node, 0);
			return;
		}
	}
	why_set(l->why,
		l->look.r->under_way >= most ? REPAIR_WAIT_TURN :
					       REPAIR_WAIT_SOON,
		view, bad->node, 0);
}

static void why_bad(struct why_look *l, const struct state_shard_view *view,
		    const struct state_member_view *bad)
{
	const struct repair *r = l->look.r;

	if (!repair_quorum_old(r, l->look.s, view) ||
	    (!view->stage && !repair_quorum_without(&l->look, view, bad)))
		why_set(l->why, REPAIR_WAIT_QUORUM, view, bad->node, 0);
	else if (l->volume->hold == STATE_HOLD_NONE)
		why_set(l->why, REPAIR_WAIT_UNHELD, view, bad->node, 0);
	else if (!repair_led(r, l->volume))
		why_set(l->why, REPAIR_WAIT_HOLDER, view, l->volume->holder, 0);
	else if (view->stage)
		why_set(l->why, REPAIR_WAIT_CHANGE, view, bad->node, 0);
	else
		why_begin(l, view, bad);
}

static void why_shard(struct why_look *l, const struct state_shard_view *view)
{
	const struct repair *r = l->look.r;
	const struct state *s = l->look.s;
	const struct state_member_view *worst, *member;
	u32 i;

	worst = repair_worst(r, s, view);
	l->why->changing += view->stage != 0;
	for (i = 0; i < view->nr; i++) {
		member = &view->member[i];
		if (member->role == STATE_ROLE_GONE)
			continue;
		if (repair_unknown(r, s, member)) {
			l->why->unknown++;
			/* who is said first is who can end it */
			if (repair_member_bad(r, s, member) == REPAIR_BAD_NOT)
				why_away(l, view, member);
		}
		l->why->bad += repair_member_bad(r, s, member) !=
			       REPAIR_BAD_NOT;
	}
	if (worst && worst->role != STATE_ROLE_GONE)
		why_bad(l, view, worst);
	else if (l->why->unknown && !repair_quorum_old(r, s, view))
		why_set(l->why, REPAIR_WAIT_QUORUM, view, 0, 0);
}

/**
 * repair_why() - how the copies of a volume are, and what repair waits for
 * @r: the repair
 * @s: the state
 * @volume: its id
 * @now_ms: now
 * @why: that; all 0: there is no such volume, or nothing to be said
 */
void repair_why(struct repair *r, const struct state *s, u32 volume, u64 now_ms,
		struct repair_why *why)
{
	struct why_look l = { .look = { .r = r, .s = s, .now_ms = now_ms },
			      .volume = state_volume_by_id(s, volume),
			      .why = why };
	struct state_shard_view view;
	u32 i;

	memset(why, 0, sizeof(*why));
	if (!l.volume || l.volume->state != STATE_VOLUME_READY)
		return;
	for (i = 0; i < l.volume->shards; i++)
		if (!state_view_shard(s, volume, i, &view))
			why_shard(&l, &view);
}

static bool why_store_away(const struct repair *r, const struct state *s,
			   const struct state_store *store)
{
	return store->state != STATE_STORE_REMOVED && store->nr &&
	       (store->state == STATE_STORE_GONE ||
		!repair_alive(r, store->node) ||
		repair_store_bad(r, s, store) != REPAIR_BAD_NOT);
}

static void why_add(struct repair_all *all, u32 volume)
{
	u32 i;

	for (i = 0; i < all->nr; i++)
		if (all->volume[i] == volume)
			return;
	if (all->nr == REPAIR_WHY_VOLUMES)
		all->more = true;
	else
		all->volume[all->nr++] = volume;
}

/* One that is lost, and not counted with its store. */
static bool why_lost_only(const struct repair *r, const struct state *s,
			  const struct state_shard_view *view, u64 replica)
{
	const struct state_store *store;
	u32 i;

	for (i = 0; i < view->nr; i++) {
		if (view->member[i].replica != replica)
			continue;
		store = state_store_by_id(s, view->member[i].store);
		return store && repair_store_bad(r, s, store) == REPAIR_BAD_NOT;
	}
	return false;
}

/**
 * repair_why_all() - copies of all volumes
 * @r: the repair
 * @s: the state
 * @all: how many nobody can say anything of, how many are to be replaced, and
 *	volumes that have such
 */
void repair_why_all(const struct repair *r, const struct state *s,
		    struct repair_all *all)
{
	const struct state_store *store;
	const struct repair_gone *gone;
	struct state_shard_view view;
	u32 slot = 0, left = REPAIR_SLICE, at;

	memset(all, 0, sizeof(*all));
	while ((store = state_store_walk(s, &slot))) {
		if (!why_store_away(r, s, store))
			continue;
		if (store->state == STATE_STORE_GONE ||
		    !repair_alive(r, store->node))
			all->unknown += store->nr;
		if (repair_store_bad(r, s, store) != REPAIR_BAD_NOT)
			all->bad += store->nr;
		for (at = 0; left && at < store->nr; at++, left--)
			if (!state_view_store(s, store->id, at, &view))
				why_add(all, view.volume);
	}
	for (at = 0; left && at < r->lost.nr; at++, left--) {
		gone = r->lost.at[at];
		if (state_view_shard(s, gone->volume, gone->number, &view))
			continue;
		why_add(all, gone->volume);
		all->bad += why_lost_only(r, s, &view, gone->key.id);
	}
	all->more |= !left;
}

/* --- in words ----------------------------------------------------------------
 */

static void why_time(u64 ms, char text[32])
{
	unsigned long long s = (ms + 999) / 1000;

	if (s >= 3600)
		snprintf(text, 32, "%lluh%02llum", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(text, 32, "%llum%02llus", s / 60, s % 60);
	else
		snprintf(text, 32, "%llus", s);
}

static const char *why_name(const struct state *s, u32 node)
{
	const struct state_node *known = state_node_by_id(s, node);

	return known ? known->name : "?";
}

static void why_place(const struct repair_why *why, char *waits, char *todo)
{
	char text[REPAIR_WHY_TEXT / 2];

	place_why_text(&why->place, text, sizeof(text));
	snprintf(waits, REPAIR_WHY_TEXT,
		 "no store has room in another domain: %s", text);
	snprintf(todo, REPAIR_WHY_TEXT,
		 "add a store on another host: 'qbdctl store add'");
}

/* Who is waited for by the clock. */
static void why_until(const struct state *s, const struct repair_why *why,
		      char *waits, char *todo)
{
	const char *name = why_name(s, why->node);
	char left[32];

	why_time(why->left_ms, left);
	if (why->wait == REPAIR_WAIT_STORE)
		snprintf(waits, REPAIR_WHY_TEXT,
			 "%s for store %u of node %.63s to return", left,
			 why->store, name);
	else
		snprintf(waits, REPAIR_WHY_TEXT, "%s for node %.63s to return",
			 left, name);
	if (why->wait == REPAIR_WAIT_STORE)
		snprintf(
			todo, REPAIR_WHY_TEXT,
			"bring its disk back; 'qbdctl store remove %u --force' if it never comes back",
			why->store);
	else
		snprintf(
			todo, REPAIR_WHY_TEXT,
			"start it, or qbdd on it; 'qbdctl node remove %.63s --force' if it never comes back",
			name);
}

static void why_others(const struct state *s, const struct state_volume *volume,
		       const struct repair_why *why, char *waits, char *todo)
{
	const char *name = why_name(s, why->node);
	char left[32];

	why_time(why->left_ms, left);
	switch ((enum repair_wait)why->wait) {
	case REPAIR_WAIT_QUORUM:
		snprintf(
			waits, REPAIR_WHY_TEXT,
			"more than half of the copies of shard %u are not there",
			why->number);
		snprintf(todo, REPAIR_WHY_TEXT,
			 "bring their nodes back: 'qbdctl node list'");
		break;
	case REPAIR_WAIT_UNHELD:
		snprintf(
			waits, REPAIR_WHY_TEXT,
			"nobody holds it yet: a node with a copy will, for repair");
		snprintf(todo, REPAIR_WHY_TEXT,
			 "wait, or 'qbdctl volume attach %.63s'", volume->name);
		break;
	case REPAIR_WAIT_HOLDER:
		snprintf(waits, REPAIR_WHY_TEXT,
			 "node %.63s, which holds it, is not heard", name);
		snprintf(todo, REPAIR_WHY_TEXT,
			 "start qbdd there; its I/O goes on without");
		break;
	case REPAIR_WAIT_REFUSED:
		snprintf(waits, REPAIR_WHY_TEXT,
			 "%s: the last attempt for shard %u was refused", left,
			 why->number);
		snprintf(
			todo, REPAIR_WHY_TEXT,
			"look for repair-refused in the log of who leads, if it stays so");
		break;
	case REPAIR_WAIT_CHANGE:
		snprintf(waits, REPAIR_WHY_TEXT,
			 "another change of shard %u is under way",
			 why->number);
		snprintf(todo, REPAIR_WHY_TEXT,
			 "nothing; 'qbdctl job list' has its steps");
		break;
	case REPAIR_WAIT_TARGET:
		snprintf(
			waits, REPAIR_WHY_TEXT,
			"each store that has room takes other copies, or failed lately");
		snprintf(todo, REPAIR_WHY_TEXT,
			 "nothing, or add a store: 'qbdctl store add'");
		break;
	case REPAIR_WAIT_TURN:
		snprintf(waits, REPAIR_WHY_TEXT,
			 "its turn: as many as may are being made");
		snprintf(
			todo, REPAIR_WHY_TEXT,
			"nothing; 'qbdctl cluster set repairs-at-once' has how many");
		break;
	default:
		snprintf(waits, REPAIR_WHY_TEXT, "nothing: it begins now");
		break;
	}
}

/**
 * repair_why_text() - the same in words
 * @s: the state
 * @volume: which
 * @why: of repair_why()
 * @waits: for what it waits; empty: there is nothing to be repaired
 * @todo: what to do about it, or empty
 */
void repair_why_text(const struct state *s, const struct state_volume *volume,
		     const struct repair_why *why, char waits[REPAIR_WHY_TEXT],
		     char todo[REPAIR_WHY_TEXT])
{
	waits[0] = '\0';
	todo[0] = '\0';
	if (why->wait == REPAIR_WAIT_NOT)
		return;
	if (why->wait == REPAIR_WAIT_PLACE)
		why_place(why, waits, todo);
	else if (why->wait == REPAIR_WAIT_NODE ||
		 why->wait == REPAIR_WAIT_STORE)
		why_until(s, why, waits, todo);
	else
		why_others(s, volume, why, waits, todo);
}
