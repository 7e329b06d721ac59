// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes that are under way: their next step (duty.h: STEPS).
 */
#include "inner.h"

/* The copy that joins, NULL: none does. */
static const struct state_member_view *
repair_joiner(const struct state_shard_view *view)
{
	u32 i;

	for (i = 0; i < view->nr; i++)
		if (view->member[i].role == STATE_ROLE_LEARNER ||
		    view->member[i].role == STATE_ROLE_JOINING)
			return &view->member[i];
	return NULL;
}

/* Since when is this so?  Each change, and each stage of one, begins anew. */
static void step_seen(struct repair_look *look, struct repair_shard *shard,
		      const struct state_shard_view *view)
{
	const struct state_member_view *joiner = repair_joiner(view);
	u64 seen = view->stage == STATE_STAGE_LEARN && joiner ?
			   joiner->replica :
			   view->epoch | 1ULL << 63;

	if (shard->seen == seen)
		return;
	shard->seen = seen;
	shard->seen_ms = look->now_ms;
	shard->short_ms = 0;
}

static void step_off(struct repair_look *look, u32 store)
{
	struct repair_off *off = agent_map_make(
		&look->r->offs, AGENT_KEY(0, store, 0), sizeof(*off));

	/* without room it is tried again */
	if (off)
		off->until_ms = look->now_ms + look->r->conf.off_ms;
}

/* All that leave are well again: what for does anybody join? */
static bool step_came_back(struct repair_look *look,
			   const struct state_shard_view *view)
{
	u32 i, leave = 0;

	if (look->now_ms < look->r->begun_ms + look->r->conf.grace_ms ||
	    QBD_MUTANT(repair_not_kept))
		return false;
	for (i = 0; i < view->nr; i++) {
		if (!view->member[i].leaves)
			continue;
		leave++;
		if (!repair_well(look->r, look->s, &view->member[i]))
			return false;
	}
	return leave;
}

/* What joins can not, or it takes too long to make it. */
static bool step_target_bad(struct repair_look *look,
			    const struct repair_shard *shard,
			    const struct state_member_view *joiner)
{
	const struct repair_conf *conf = &look->r->conf;
	const struct state_store *store =
		state_store_by_id(look->s, joiner->store);
	const struct state_node *node = state_node_by_id(look->s, joiner->node);
	u64 most =
		min_t(u64, conf->target_ms,
		      state_cluster(look->s)->setting[STATE_SET_REPAIR_AFTER]);

	if (!store || store->state != STATE_STORE_ACTIVE || !node ||
	    node->state != STATE_NODE_ACTIVE)
		return true;
	if (repair_silent(look->r, joiner->node) >= most)
		return true;
	if (repair_member_bad(look->r, look->s, joiner) == REPAIR_BAD_LOST ||
	    (!joiner->made && repair_alive(look->r, joiner->node) &&
	     look->now_ms - shard->seen_ms >= conf->make_ms)) {
		step_off(look, joiner->store);
		return true;
	}
	return false;
}

static bool step_said(struct repair_look *look,
		      const struct state_shard_view *view,
		      const struct state_volume *volume,
		      const struct repair_note *note)
{
	if (!note->at_ms || look->now_ms - note->at_ms > look->r->conf.word_ms)
		return false;
	return (note->term == volume->term && note->epoch == view->epoch) ||
	       QBD_MUTANT(repair_any_word);
}

static bool step_learn(struct repair_look *look, struct repair_shard *shard,
		       const struct state_shard_view *view,
		       const struct state_volume *volume)
{
	const struct state_member_view *joiner = repair_joiner(view);

	if (step_came_back(look, view) ||
	    (joiner && step_target_bad(look, shard, joiner))) {
		repair_make(look, view, STATE_CMD_SHARD_ABORT);
		return true;
	}
	if (!step_said(look, view, volume, &shard->filled) ||
	    (joiner && shard->filled.replica != joiner->replica &&
	     !QBD_MUTANT(repair_any_word)) ||
	    (joiner && !joiner->made) || !repair_led(look->r, volume) ||
	    !repair_quorum_old(look->r, look->s, view) ||
	    !repair_quorum_new(look->r, look->s, view))
		return false;
	repair_make(look, view, STATE_CMD_SHARD_JOINT);
	return true;
}

static bool step_joint(struct repair_look *look, struct repair_shard *shard,
		       const struct state_shard_view *view,
		       const struct state_volume *volume)
{
	if (repair_quorum_new(look->r, look->s, view)) {
		shard->short_ms = 0;
		if (!step_said(look, view, volume, &shard->joined))
			return false;
		repair_make(look, view, STATE_CMD_SHARD_ADOPT);
		return true;
	}
	if (!shard->short_ms)
		shard->short_ms = max(look->now_ms, 1ULL);
	if (look->now_ms - shard->short_ms < look->r->conf.doubt_ms) {
		look->again_ms = min(look->again_ms,
				     shard->short_ms + look->r->conf.doubt_ms);
		return false;
	}
	if (!repair_quorum_old(look->r, look->s, view))
		return false;
	repair_make(look, view, STATE_CMD_SHARD_ABORT);
	return true;
}

static bool step_one(struct repair_look *look,
		     const struct state_shard_view *view)
{
	const struct state_volume *volume =
		state_volume_by_id(look->s, view->volume);
	struct repair_shard *shard =
		repair_shard(look->r, view->volume, view->number);

	if (!volume || volume->state == STATE_VOLUME_DELETING || !shard)
		return false;
	step_seen(look, shard, view);
	if (repair_busy(look, shard))
		return false;
	if (view->stage == STATE_STAGE_LEARN)
		return step_learn(look, shard, view, volume);
	if (view->stage == STATE_STAGE_JOINT)
		return step_joint(look, shard, view, volume);
	return false;
}

/*
 * Towards a store, 0: towards none.  One whose volume nobody leads keeps nobody
 * from anything but its store.
 */
static void step_count(struct repair_look *look, u32 volume, u32 store)
{
	struct repair *r = look->r;
	u32 at;

	r->under_way += repair_led(r, state_volume_by_id(look->s, volume));
	if (!store || r->nr_targets == REPAIR_SHARDS_MAX)
		return;
	for (at = r->nr_targets++; at && r->target[at - 1] > store; at--)
		r->target[at] = r->target[at - 1];
	r->target[at] = store;
}

/* Those that are asked for, and not in the state yet. */
static void step_asked(struct repair_look *look)
{
	const struct repair_shard *shard;
	struct state_shard_view view;
	u32 i;

	for (i = 0; i < look->r->shards.nr; i++) {
		shard = look->r->shards.at[i];
		if (shard->asked == STATE_CMD_SHARD_PROPOSE &&
		    look->now_ms < shard->asked_ms + look->r->conf.answer_ms &&
		    !state_view_shard(look->s, shard->key.id, shard->key.number,
				      &view) &&
		    !view.stage)
			step_count(look, shard->key.id, shard->asked_store);
	}
}

/**
 * repair_steps() - changes that are under way
 * @look: the call
 *
 * All are counted, also if a command is due: the next call has it so.
 *
 * Return: true if a command is due.
 */
bool repair_steps(struct repair_look *look)
{
	const struct state_member_view *joiner;
	struct state_shard_view view;
	u32 slot = 0, nr = 0;
	bool due = false;

	look->r->under_way = 0;
	look->r->nr_targets = 0;
	while (nr < REPAIR_SHARDS_MAX &&
	       state_change_walk(look->s, &slot, &view)) {
		nr++;
		joiner = repair_joiner(&view);
		step_count(look, view.volume, joiner ? joiner->store : 0);
		repair_need(look, state_volume_by_id(look->s, view.volume),
			    &view, REPAIR_LIVES);
		if (!due)
			due = step_one(look, &view);
	}
	look->r->counts.changing = nr;
	step_asked(look);
	return due;
}
