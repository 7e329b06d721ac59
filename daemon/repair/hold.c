// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes that nobody holds: who leads them for repair, and for how long
 * (duty.h: HOLDS).
 */
#include "inner.h"

/* --- what there is to do ---------------------------------------------------
 */

/* Times are about a holder, or about there being none. */
static void hold_since(const struct repair_look *look, struct repair_need *need,
		       const struct state_volume *volume)
{
	need->term = volume->term;
	need->hold = volume->hold;
	need->holder = volume->holder;
	need->since_ms = look->now_ms;
	need->change_ms = look->now_ms;
}

/* As it is now: is it another holder than it was? */
static void hold_seen(struct repair_look *look, struct repair_need *need,
		      const struct state_volume *volume)
{
	bool same = need->hold == volume->hold &&
		    need->holder == volume->holder;
	u64 off = look->now_ms + look->r->conf.off_ms;

	/* a holder that gets another term is no better for that */
	if (need->term == volume->term ?
		    same :
		    same && volume->hold != STATE_HOLD_NONE) {
		need->term = volume->term;
		return;
	}
	/* somebody wanted it to end, and did not attach it */
	if (need->hold == STATE_HOLD_REPAIR && !need->ended &&
	    need->term == volume->term)
		need->off_ms = off;
	hold_since(look, need, volume);
	need->ended = false;
}

static struct repair_need *hold_make(struct repair_look *look,
				     const struct state_volume *volume)
{
	struct repair *r = look->r;
	struct agent_key key = AGENT_KEY(0, volume->id, 0);
	struct repair_need *need = agent_map_find(&r->needs, key);
	/* what is held has to be seen, or it never ends */
	u32 max = REPAIR_NEEDS_MAX -
		  (volume->hold == STATE_HOLD_REPAIR ? 0 : REPAIR_NEEDS_KEPT);

	if (!need && r->needs.nr < max) {
		need = agent_map_make(&r->needs, key, sizeof(*need));
		if (!need)
			return NULL;
		need->round = r->counts.rounds + 1;
		need->live = REPAIR_LIVES;
		hold_since(look, need, volume);
	}
	if (need)
		hold_seen(look, need, volume);
	return need;
}

/**
 * repair_need() - a shard has something to be done that its leader has to do
 * @look: the call
 * @volume: of which
 * @view: the shard
 * @live: copies of it that count
 */
void repair_need(struct repair_look *look, const struct state_volume *volume,
		 const struct state_shard_view *view, u32 live)
{
	struct repair_need *need;
	bool fresh;

	if (!volume || volume->state != STATE_VOLUME_READY ||
	    volume->hold == STATE_HOLD_DEVICE ||
	    !repair_quorum_old(look->r, look->s, view))
		return;
	need = hold_make(look, volume);
	if (!need)
		return;
	fresh = need->round <= look->r->counts.rounds;
	if (fresh || live < need->live) {
		need->live = live;
		need->number = view->number;
	}
	need->round = look->r->counts.rounds + 1;
	if (view->stage) {
		need->change_ms = look->now_ms;
		need->idle = 0;
	}
}

/**
 * repair_hold_walk() - holds that there are: the next volumes of a round
 * @look: the call
 * @left: objects that may be looked at
 *
 * Return: true if these were the last ones.
 */
bool repair_hold_walk(struct repair_look *look, u32 *left)
{
	const struct state_volume *volume;

	for (; *left; (*left)--) {
		volume = state_volume_walk(look->s, &look->r->volume_slot);
		if (!volume)
			return true;
		if (volume->hold == STATE_HOLD_REPAIR)
			hold_make(look, volume);
	}
	return false;
}

/* Nothing was found in the last round that was looked at to its end. */
static bool hold_idle(const struct repair_look *look,
		      const struct repair_need *need)
{
	return need->round < look->r->counts.rounds;
}

/* --- the end ---------------------------------------------------------------
 */

static void hold_off(struct repair_look *look, u32 node, u32 volume)
{
	struct repair_off *off = agent_map_make(
		&look->r->offs, AGENT_KEY(1, node, volume), sizeof(*off));

	if (off)
		off->until_ms = look->now_ms + look->r->conf.off_ms;
}

/* Longer each time that it comes to nothing: the volume may be large. */
static u64 hold_patience(const struct repair_look *look,
			 const struct repair_need *need)
{
	const struct repair_conf *conf = &look->r->conf;

	return min((u64)conf->hold_ms << min(need->idle, REPAIR_TIMES),
		   max((u64)conf->hold_ms, (u64)conf->off_ms));
}

/* It is of no use there: was it the node's own fault? */
static bool hold_failed(struct repair_look *look, struct repair_need *need,
			const struct state_volume *volume)
{
	const struct state_node *node =
		state_node_by_id(look->s, volume->holder);
	const struct repair_conf *conf = &look->r->conf;
	bool failed =
		volume->serve == STATE_SERVE_FAILED ||
		(volume->serve == STATE_SERVE_NOT &&
		 look->now_ms - need->since_ms >= hold_patience(look, need));
	u64 most =
		min_t(u64, conf->target_ms,
		      state_cluster(look->s)->setting[STATE_SET_REPAIR_AFTER]);

	if (failed) {
		hold_off(look, volume->holder, volume->id);
		need->idle++;
	}
	return failed || !node || node->state != STATE_NODE_ACTIVE ||
	       repair_silent(look->r, volume->holder) >= most;
}

/* Nothing is done, though there is something: it waits for somebody else. */
static bool hold_waits(struct repair_look *look, struct repair_need *need)
{
	u64 until = need->change_ms + look->r->conf.hold_ms;

	if (look->now_ms < until) {
		look->again_ms = min(look->again_ms, until);
		return false;
	}
	need->off_ms = look->now_ms + hold_patience(look, need);
	need->idle++;
	return true;
}

static bool hold_ends(struct repair_look *look, struct repair_need *need,
		      const struct state_volume *volume)
{
	const struct repair *r = look->r;
	bool ends;

	ends = hold_failed(look, need, volume);
	/* nodes have still to say what they said to who led before */
	if (!ends && look->now_ms >= r->begun_ms + r->conf.grace_ms &&
	    !QBD_MUTANT(repair_hold_kept))
		ends = hold_idle(look, need) || hold_waits(look, need);
	if (!ends)
		return false;
	*look->cmd = (struct state_cmd){ .kind = STATE_CMD_DETACH,
					 .volume = volume->id,
					 .node = volume->holder,
					 .term = volume->term };
	need->ended = true;
	return true;
}

/* --- the beginning ---------------------------------------------------------
 */

/* Holds of a node, and those that it is about to get; 0: of all. */
static u32 hold_count(const struct repair_look *look, u32 node)
{
	const struct state_volume *volume;
	const struct repair_need *need;
	u32 i, at, nr = 0;

	for (i = 0; i < look->r->needs.nr; i++) {
		need = look->r->needs.at[i];
		volume = state_volume_by_id(look->s, need->key.id);
		if (!volume)
			continue;
		at = volume->hold == STATE_HOLD_REPAIR ? volume->holder : 0;
		if (!at && need->asked == STATE_CMD_ATTACH)
			at = need->asked_node;
		nr += at && (!node || at == node);
	}
	return nr;
}

/* May that node have it, and how many has it already? */
static bool hold_may(struct repair_look *look, u32 volume, u32 id, u32 *nr)
{
	const struct state_node *node = state_node_by_id(look->s, id);
	const struct repair_off *off =
		agent_map_find(&look->r->offs, AGENT_KEY(1, id, volume));

	if (!node || node->state != STATE_NODE_ACTIVE ||
	    !repair_alive(look->r, id) || (off && off->until_ms > look->now_ms))
		return false;
	*nr = hold_count(look, id);
	return *nr < look->r->conf.holds_max || QBD_MUTANT(repair_hold_many);
}

/*
 * Who has a copy reads what it fills others from on its own disk; without one
 * there is no way but through the network.
 */
static u32 hold_pick(struct repair_look *look, const struct repair_need *need)
{
	u32 least = U32_MAX, found = 0, slot = 0, i, nr;
	struct state_shard_view view;
	const struct state_node *node;

	if (state_view_shard(look->s, need->key.id, need->number, &view))
		return 0;
	for (i = 0; i < view.nr; i++) {
		const struct state_member_view *member = &view.member[i];

		if (member->role == STATE_ROLE_LEARNER ||
		    member->role == STATE_ROLE_GONE ||
		    !repair_live(look->r, look->s, member) ||
		    !hold_may(look, need->key.id, member->node, &nr) ||
		    nr >= least)
			continue;
		least = nr;
		found = member->node;
	}
	while (!found && (node = state_node_walk(look->s, &slot)))
		if (hold_may(look, need->key.id, node->id, &nr))
			found = node->id;
	return found;
}

/* Is there nobody who is about to attach it? */
static bool hold_free(struct repair_look *look, const struct repair_need *need,
		      const struct state_volume *volume)
{
	const struct repair_conf *conf = &look->r->conf;
	bool wanted = volume->want || (volume->nr_autos && !volume->parked);
	u64 until = need->since_ms + (wanted ? conf->wanted_ms : conf->free_ms);

	until = max(until, need->off_ms);
	if (look->now_ms >= until)
		return true;
	look->again_ms = min(look->again_ms, until);
	return false;
}

static bool hold_begins(struct repair_look *look, struct repair_need *need)
{
	u32 node = hold_pick(look, need);

	if (!node)
		return false;
	*look->cmd = (struct state_cmd){ .kind = STATE_CMD_ATTACH,
					 .volume = need->key.id,
					 .node = node,
					 .term = need->term,
					 .flags = STATE_ATTACH_REPAIR };
	need->asked_node = node;
	return true;
}

/* It is held, or about to be, and no set is changed yet. */
static bool hold_waiting(const struct repair_look *look,
			 const struct repair_need *need)
{
	return (need->hold == STATE_HOLD_REPAIR ||
		need->asked == STATE_CMD_ATTACH) &&
	       need->change_ms != look->now_ms;
}

/**
 * repair_hold_turn() - may a change of a volume's set begin?
 * @look: the call
 * @volume: id
 * @most: changes that may be under way
 *
 * What is held for repair was given its turn with the hold.
 *
 * Return: true if so.
 */
bool repair_hold_turn(const struct repair_look *look, u32 volume, u32 most)
{
	const struct repair_need *need =
		agent_map_find(&look->r->needs, AGENT_KEY(0, volume, 0));

	return look->r->under_way + look->r->waiting < most ||
	       (need && hold_waiting(look, need));
}

/* --- all of them -----------------------------------------------------------
 */

static bool hold_busy(struct repair_look *look, struct repair_need *need)
{
	u64 until = need->asked_ms + look->r->conf.answer_ms;

	if (need->asked && look->now_ms >= until)
		need->asked = 0;
	if (!need->asked)
		until = need->again_ms;
	if (look->now_ms >= until)
		return false;
	look->again_ms = min(look->again_ms, until);
	return true;
}

/* Those of which there is nothing to be remembered. */
static void hold_prune(struct repair_look *look)
{
	struct agent_map *map = &look->r->needs;
	const struct state_volume *volume;
	struct repair_need *need;
	u32 i, to = 0;

	for (i = 0; i < map->nr; i++) {
		need = map->at[i];
		volume = state_volume_by_id(look->s, need->key.id);
		if (!volume || volume->state != STATE_VOLUME_READY ||
		    volume->hold == STATE_HOLD_DEVICE ||
		    (volume->hold == STATE_HOLD_NONE && !need->asked &&
		     hold_idle(look, need) && look->now_ms >= need->off_ms)) {
			free(need);
			continue;
		}
		hold_seen(look, need, volume);
		map->at[to++] = need;
	}
	map->nr = to;
}

static bool hold_asks(struct repair_look *look, struct repair_need *need)
{
	need->asked = look->cmd->kind;
	need->asked_ms = look->now_ms;
	look->r->counts.commands++;
	return true;
}

/**
 * repair_holds() - has a hold to end, or to begin?
 * @look: the call
 *
 * Return: true if a command is due.
 */
bool repair_holds(struct repair_look *look)
{
	u32 most = state_cluster(look->s)->setting[STATE_SET_JOBS_AT_ONCE];
	struct repair *r = look->r;
	const struct state_volume *volume;
	struct repair_need *need, *best = NULL;
	u32 i;

	hold_prune(look);
	r->counts.holds = 0;
	r->waiting = 0;
	for (i = 0; i < r->needs.nr; i++) {
		need = r->needs.at[i];
		volume = state_volume_by_id(look->s, need->key.id);
		r->counts.holds += volume->hold == STATE_HOLD_REPAIR;
		r->waiting += hold_waiting(look, need);
		if (hold_busy(look, need))
			continue;
		if (volume->hold == STATE_HOLD_REPAIR) {
			if (hold_ends(look, need, volume))
				return hold_asks(look, need);
		} else if (!hold_idle(look, need) &&
			   hold_free(look, need, volume) &&
			   (!best || need->live < best->live)) {
			best = need;
		}
	}
	/* no more than there are changes that may be under way */
	if (!best || r->under_way + r->waiting >= most ||
	    hold_count(look, 0) >= most || !hold_begins(look, best))
		return false;
	return hold_asks(look, best);
}

/**
 * repair_hold_answered() - a command of repair_holds() was done, refused, lost
 * @r: the repair
 * @volume: of the command
 * @done: it was done
 * @now_ms: now
 */
void repair_hold_answered(struct repair *r, u32 volume, bool done, u64 now_ms)
{
	struct repair_need *need =
		agent_map_find(&r->needs, AGENT_KEY(0, volume, 0));

	if (!need)
		return;
	need->asked = 0;
	if (done) {
		need->refusals = 0;
		return;
	}
	need->again_ms = now_ms + ((u64)r->conf.again_ms
				   << min(need->refusals, REPAIR_TIMES));
	need->refusals++;
}
