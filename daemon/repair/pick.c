// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is begun: the round over stores that are bad, and where a copy goes
 * (duty.h: COST, FEW AT A TIME).
 */
#include "inner.h"

/* --- the round ----------------------------------------------------------- */

/**
 * repair_worst() - the member that is to be replaced first
 * @r: the repair
 * @s: the state
 * @view: the shard
 *
 * Return: it; NULL: all are as they ought to be.
 */
const struct state_member_view *
repair_worst(const struct repair *r, const struct state *s,
	     const struct state_shard_view *view)
{
	enum repair_bad worst = REPAIR_BAD_NOT, bad;
	const struct state_member_view *found = NULL;
	u32 i;

	for (i = 0; i < view->nr; i++) {
		bad = repair_member_bad(r, s, &view->member[i]);
		if (bad >= worst)
			continue;
		worst = bad;
		found = &view->member[i];
	}
	return found;
}

static u32 pick_live(const struct repair *r, const struct state *s,
		     const struct state_shard_view *view)
{
	u32 i, live = 0;

	for (i = 0; i < view->nr; i++)
		live += repair_live(r, s, &view->member[i]);
	return live;
}

/* A shard with a bad copy: counted, and kept if there is room. */
static void pick_add(struct repair_look *look,
		     const struct state_shard_view *view)
{
	const struct state_volume *volume =
		state_volume_by_id(look->s, view->volume);
	struct repair *r = look->r;
	const struct state_member_view *worst;
	u32 live;

	/* what is on a store may have a change that makes an end of that */
	if (view->stage || !volume || volume->state != STATE_VOLUME_READY)
		return;
	worst = repair_worst(r, look->s, view);
	if (!worst)
		return;
	r->found.bad++;
	r->found.draining += repair_member_bad(r, look->s, worst) ==
			     REPAIR_BAD_DRAIN;
	live = min(pick_live(r, look->s, view), STATE_COPIES_MAX);
	repair_need(look, volume, view, live);
	if (!repair_led(r, volume)) {
		r->found.unheld++;
		return;
	}
	if (!repair_quorum_old(r, look->s, view)) {
		r->found.no_quorum++;
		return;
	}
	if (r->nr[live] < REPAIR_KEEP)
		r->pick[live][r->nr[live]++] =
			(struct repair_pick){ view->volume, view->number };
}

static void round_store(struct repair_look *look, u32 *left)
{
	struct repair *r = look->r;
	struct state_shard_view view;

	for (; *left; (*left)--, r->at++) {
		if (state_view_store(look->s, r->store, r->at, &view)) {
			r->store = 0;
			return;
		}
		pick_add(look, &view);
	}
}

/* A copy that was lost, and is no member any more, is forgotten. */
static void round_lost(struct repair_look *look, u32 *left)
{
	struct repair *r = look->r;
	const struct repair_gone *gone;
	struct state_shard_view view;
	u32 i;

	for (; *left && r->lost_at < r->lost.nr; (*left)--) {
		gone = r->lost.at[r->lost_at];
		view.nr = 0;
		if (state_view_shard(look->s, gone->volume, gone->number,
				     &view))
			view.nr = 0;
		for (i = 0; i < view.nr; i++)
			if (view.member[i].replica == gone->key.id)
				break;
		if (i == view.nr) {
			agent_map_del(&r->lost, gone->key);
			continue;
		}
		pick_add(look, &view);
		r->lost_at++;
	}
}

/* Refusals are remembered for longer than the longest pause. */
static bool round_forget(struct repair_look *look,
			 const struct repair_shard *shard)
{
	struct state_shard_view view;
	u64 until = shard->off_ms;

	if (shard->refusals)
		until += (u64)look->r->conf.again_ms << 7;
	if (shard->asked)
		until = max(until, shard->asked_ms + look->r->conf.answer_ms);
	return until <= look->now_ms &&
	       (state_view_shard(look->s, shard->key.id, shard->key.number,
				 &view) ||
		!view.stage);
}

static void round_prune(struct repair_look *look)
{
	struct agent_map *map = &look->r->shards;
	struct repair_shard *shard;
	u32 i, to = 0;

	for (i = 0; i < map->nr; i++) {
		shard = map->at[i];
		if (round_forget(look, shard))
			free(shard);
		else
			map->at[to++] = shard;
	}
	map->nr = to;
	map = &look->r->offs;
	for (i = 0, to = 0; i < map->nr; i++) {
		const struct repair_off *off = map->at[i];

		if (off->until_ms <= look->now_ms)
			free(map->at[i]);
		else
			map->at[to++] = map->at[i];
	}
	map->nr = to;
}

static void round_begin(struct repair_look *look)
{
	struct repair *r = look->r;

	round_prune(look);
	r->walking = true;
	r->woken = false;
	r->round_ms = look->now_ms;
	r->slot = 0;
	r->store = 0;
	r->lost_at = 0;
	r->volume_slot = 0;
	memset(r->nr, 0, sizeof(r->nr));
	memset(&r->found, 0, sizeof(r->found));
}

static void round_end(struct repair *r)
{
	r->walking = false;
	r->counts.bad = r->found.bad;
	r->counts.draining = r->found.draining;
	r->counts.unheld = r->found.unheld;
	r->counts.no_quorum = r->found.no_quorum;
	r->counts.no_place = 0;
	r->counts.rounds++;
}

/**
 * repair_round() - a part of the round, if one is due
 * @look: the call
 */
void repair_round(struct repair_look *look)
{
	struct repair *r = look->r;
	u64 due = r->round_ms + (r->woken ? REPAIR_SOON_MS : REPAIR_ROUND_MS);
	const struct state_store *store;
	u32 left = REPAIR_SLICE;

	if (!r->walking && (look->now_ms >= due || !r->round_ms))
		round_begin(look);
	while (r->walking && left) {
		if (r->store) {
			round_store(look, &left);
			continue;
		}
		store = state_store_walk(look->s, &r->slot);
		if (!store)
			break;
		left--;
		r->at = 0;
		if (store->state != STATE_STORE_REMOVED && store->nr &&
		    repair_store_bad(r, look->s, store) != REPAIR_BAD_NOT)
			r->store = store->id;
	}
	if (r->walking && left) {
		round_lost(look, &left);
		if (r->lost_at >= r->lost.nr && repair_hold_walk(look, &left))
			round_end(r);
	}
	due = r->round_ms + (r->woken ? REPAIR_SOON_MS : REPAIR_ROUND_MS);
	look->again_ms = r->walking ? look->now_ms : min(look->again_ms, due);
}

/* --- what is begun ---------------------------------------------------------
 */

static u32 pick_towards(const struct repair *r, u32 store)
{
	u32 low = 0, high = r->nr_targets, at, nr = 0;

	while (low < high) {
		at = (low + high) / 2;
		if (r->target[at] < store)
			low = at + 1;
		else
			high = at;
	}
	while (low + nr < r->nr_targets && r->target[low + nr] == store)
		nr++;
	return nr;
}

static bool pick_may(void *arg, const struct state_store *store)
{
	const struct repair_look *look = arg;
	const struct repair_off *off =
		agent_map_find(&look->r->offs, AGENT_KEY(0, store->id, 0));

	return repair_alive(look->r, store->node) &&
	       (!off || off->until_ms <= look->now_ms) &&
	       (pick_towards(look->r, store->id) < look->r->conf.store_max ||
		QBD_MUTANT(repair_no_limit));
}

/* It may, another time. */
static bool pick_there(void *arg, const struct state_store *store)
{
	const struct repair_look *look = arg;

	return repair_alive(look->r, store->node);
}

static void pick_room(struct repair *r, const struct state *s)
{
	u32 slots = state_limits(s)->store_slots;

	if (r->work_slots >= slots)
		return;
	free(r->work.store);
	free(r->work.planned);
	r->work.store = calloc(slots, sizeof(u32));
	r->work.planned = calloc(slots, sizeof(u32));
	if (!r->work.store || !r->work.planned)
		abort();
	r->work_slots = slots;
}

/**
 * repair_place() - a store for what takes the place of a copy
 * @look: the call
 * @volume: which
 * @number: of the shard
 * @bad: the copy
 * @now: only one that takes it now
 * @why: why there is none
 *
 * Return: its id; 0: there is none.
 */
u32 repair_place(struct repair_look *look, const struct state_volume *volume,
		 u32 number, const struct state_member_view *bad, bool now,
		 struct place_why *why)
{
	struct place_want want = { .copies = volume->copies,
				   .level = PLACE_HOST,
				   .volume = volume->id };
	struct repair *r = look->r;
	u32 store = 0;

	memset(why, 0, sizeof(*why));
	pick_room(r, look->s);
	if (place_begin(look->s, &want, &r->work))
		return 0;
	place_only(look->s, &r->work, now ? pick_may : pick_there, look);
	if (place_replace(look->s, &want, &r->work, number, bad->replica,
			  &store, why))
		return 0;
	return store;
}

/**
 * repair_quorum_without() - is a quorum there with one more, and without @bad?
 * @look: the call
 * @view: the shard
 * @bad: a member
 *
 * Return: true if so.
 */
bool repair_quorum_without(struct repair_look *look,
			   const struct state_shard_view *view,
			   const struct state_member_view *bad)
{
	u32 live = pick_live(look->r, look->s, view);

	if (QBD_MUTANT(repair_no_quorum))
		return true;
	live -= repair_live(look->r, look->s, bad);
	return repair_quorum_old(look->r, look->s, view) &&
	       live + 1 >= view->nr / 2 + 1;
}

static bool pick_one(struct repair_look *look, const struct repair_pick *pick,
		     u32 most)
{
	const struct state_volume *volume =
		state_volume_by_id(look->s, pick->volume);
	const struct state_member_view *bad;
	struct state_shard_view view;
	struct repair_shard *shard;
	struct place_why why;
	u32 store;

	if (state_view_shard(look->s, pick->volume, pick->number, &view) ||
	    view.stage || !repair_led(look->r, volume) ||
	    !repair_hold_turn(look, pick->volume, most))
		return false;
	bad = repair_worst(look->r, look->s, &view);
	if (!bad || !repair_quorum_without(look, &view, bad))
		return false;
	shard = repair_shard(look->r, pick->volume, pick->number);
	if (!shard || repair_busy(look, shard))
		return false;
	store = repair_place(look, volume, pick->number, bad, true, &why);
	if (!store) {
		look->r->counts.no_place++;
		return false;
	}
	shard->asked_store = store;
	repair_make(look, &view, STATE_CMD_SHARD_PROPOSE);
	look->cmd->nr_add = 1;
	look->cmd->add[0] = store;
	look->cmd->nr_del = 1;
	look->cmd->del[0] = bad->replica;
	return true;
}

#define PICK_TRIES 32 /* in a call: a placement may look at all stores */

/**
 * repair_picks() - is there something to begin?
 * @look: the call
 *
 * Return: true if a command is due.
 */
bool repair_picks(struct repair_look *look)
{
	struct repair *r = look->r;
	u32 most = state_cluster(look->s)->setting[STATE_SET_JOBS_AT_ONCE];
	u32 live = 0, tries = 0;

	if (QBD_MUTANT(repair_no_limit))
		most = U32_MAX;
	while (!r->walking && live <= STATE_COPIES_MAX && r->under_way < most &&
	       tries < PICK_TRIES) {
		if (!r->nr[live]) {
			live++;
			continue;
		}
		tries++;
		if (pick_one(look, &r->pick[live][--r->nr[live]], most))
			return true;
	}
	/* the rest another time, but soon */
	if (tries == PICK_TRIES)
		look->again_ms = look->now_ms;
	return false;
}
