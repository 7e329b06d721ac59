// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds a volume, and under which term (state.h: Terms).
 */
#include "inner.h"

/**
 * state_hold_link() - a volume is among those that a node holds
 * @s: the state
 * @slot: the volume
 * @node: slot of the node
 */
void state_hold_link(struct state *s, u32 slot, u32 node)
{
	struct state_volume *volume = state_volume_at(s, slot);
	struct state_node *holder = state_node_at(s, node);

	volume->held_prev = STATE_NONE;
	volume->held_next = holder->held;
	if (holder->held != STATE_NONE)
		state_volume_at(s, holder->held)->held_prev = slot;
	holder->held = slot;
}

/**
 * state_hold_unlink() - nobody holds a volume
 * @s: the state
 * @slot: the volume
 */
void state_hold_unlink(struct state *s, u32 slot)
{
	struct state_volume *volume = state_volume_at(s, slot);
	u32 node;

	if (volume->hold == STATE_HOLD_NONE)
		return;
	node = state_find(s, STATE_BY_NODE_ID, volume->holder);
	/* it has to hear of it, and is not named by the volume any more */
	state_touch(s, STATE_KIND_HOLDER, volume->holder, volume->id);
	if (volume->held_prev == STATE_NONE)
		state_node_at(s, node)->held = volume->held_next;
	else
		state_volume_at(s, volume->held_prev)->held_next =
			volume->held_next;
	if (volume->held_next != STATE_NONE)
		state_volume_at(s, volume->held_next)->held_prev =
			volume->held_prev;
	volume->held_next = STATE_NONE;
	volume->held_prev = STATE_NONE;
	volume->hold = STATE_HOLD_NONE;
	volume->holder = 0;
	volume->session = 0;
	volume->serve = STATE_SERVE_NOT;
	memset(volume->device, 0, sizeof(volume->device));
	memset(volume->reason, 0, sizeof(volume->reason));
}

/* Each term is above all that were granted before; 0: there is none left. */
static u64 state_term_next(const struct state *s,
			   const struct state_volume *volume)
{
	u64 term = max(volume->term, s->cluster.term_floor) + 1;

	if (QBD_MUTANT(state_term_reused))
		term = max(volume->term, 1ULL);
	return term > STATE_TERM_MAX ? 0 : term;
}

/* May the present holder be put aside? */
static bool state_may_take(const struct state_volume *volume,
			   const struct state_cmd *cmd,
			   struct state_result *res)
{
	bool repair = cmd->flags & STATE_ATTACH_REPAIR;

	if (volume->hold == STATE_HOLD_NONE)
		return true;
	if (volume->hold == STATE_HOLD_DEVICE && repair) {
		state_no(res, STATE_WHY_ATTACHED, volume->id, volume->holder,
			 volume->term);
		return false;
	}
	if (volume->hold == STATE_HOLD_REPAIR && !repair)
		return true;
	if (volume->holder == cmd->node)
		return true;
	if (cmd->flags & STATE_ATTACH_FORCE)
		return true;
	if (cmd->flags & STATE_ATTACH_TAKEOVER &&
	    (cmd->term == volume->term || QBD_MUTANT(state_takeover_any_term)))
		return true;
	if (cmd->flags & STATE_ATTACH_TAKEOVER)
		state_no(res, STATE_WHY_TERM, volume->id, volume->term,
			 cmd->term);
	else if (volume->hold == STATE_HOLD_REPAIR)
		state_no(res, STATE_WHY_HELD, volume->id, volume->holder, 0);
	else
		state_no(res, STATE_WHY_ATTACHED, volume->id, volume->holder,
			 volume->term);
	return false;
}

/* Without anybody who says so: was it left to the cluster, and to this node? */
static bool state_may_auto(const struct state_volume *volume, u32 node)
{
	u32 i;

	if (volume->parked)
		return false;
	if (volume->want == node)
		return true;
	for (i = 0; i < volume->nr_autos; i++)
		if (volume->autos[i] == node)
			return true;
	return false;
}

static bool state_may_attach(const struct state *s,
			     const struct state_volume *volume,
			     const struct state_cmd *cmd,
			     struct state_result *res)
{
	const struct state_node *node = state_node_live(s, cmd->node, res);

	if (!node)
		return false;
	if (!cmd->session || cmd->flags & ~STATE_ATTACH_ALL ||
	    (cmd->flags & STATE_ATTACH_FORCE &&
	     cmd->flags & ~STATE_ATTACH_FORCE) ||
	    (cmd->flags & STATE_ATTACH_AUTO &&
	     cmd->flags & STATE_ATTACH_REPAIR))
		state_no(res, STATE_WHY_BAD, 14, 0, 0);
	else if (cmd->flags & STATE_ATTACH_AUTO &&
		 !state_may_auto(volume, cmd->node))
		state_no(res, STATE_WHY_PARKED, volume->id, 0, 0);
	else if (node->state != STATE_NODE_ACTIVE)
		state_no(res, STATE_WHY_NODE_STATE, node->id, node->state, 0);
	else if (volume->state != STATE_VOLUME_READY)
		state_no(res, STATE_WHY_VOLUME_STATE, volume->id, volume->state,
			 0);
	else if (cmd->term && cmd->term != volume->term &&
		 !QBD_MUTANT(state_takeover_any_term))
		state_no(res, STATE_WHY_TERM, volume->id, volume->term,
			 cmd->term);
	else if (!state_term_next(s, volume))
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	return !res->why;
}

/**
 * state_do_attach() - a node holds a volume, under a new term
 * @s: the state
 * @cmd: the command
 * @res: the term
 *
 * The same session asking again is told the term that it has.
 */
void state_do_attach(struct state *s, const struct state_cmd *cmd,
		     struct state_result *res)
{
	struct state_volume *volume;
	u8 hold = cmd->flags & STATE_ATTACH_REPAIR ? STATE_HOLD_REPAIR :
						     STATE_HOLD_DEVICE;
	u32 slot;

	volume = state_volume_live(s, cmd->volume, &slot, res);
	if (!volume)
		return;
	if (volume->hold == hold && volume->holder == cmd->node &&
	    volume->session == cmd->session) {
		res->arg[0] = volume->term;
		return;
	}
	if (!state_may_attach(s, volume, cmd, res) ||
	    !state_may_take(volume, cmd, res))
		return;
	state_hold_unlink(s, slot);
	state_volume_settle(s, slot);
	volume->term = state_term_next(s, volume);
	volume->hold = hold;
	volume->holder = cmd->node;
	volume->session = cmd->session;
	if (hold == STATE_HOLD_DEVICE) {
		volume->want = cmd->node;
		volume->parked = 0;
	}
	state_hold_link(s, slot, state_find(s, STATE_BY_NODE_ID, cmd->node));
	res->arg[0] = volume->term;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

/**
 * state_do_detach() - the holder's kernel released a volume
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_detach(struct state *s, const struct state_cmd *cmd,
		     struct state_result *res)
{
	struct state_volume *volume;
	u32 slot;

	volume = state_volume_held(s, cmd, &slot, res);
	if (!volume)
		return;
	if (!volume->hold || volume->holder != cmd->node)
		state_no(res, STATE_WHY_NOT_HOLDER, volume->id, cmd->node, 0);
	if (res->why)
		return;
	state_hold_unlink(s, slot);
	state_volume_settle(s, slot);
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

/**
 * state_do_serves() - the holder's kernel serves, or can not
 * @s: the state
 * @cmd: the command
 * @res: its result
 *
 * For people, who wait for it; and for repair, which tries another holder.  One
 * who holds for repair has no device, and no name of one.
 */
void state_do_serves(struct state *s, const struct state_cmd *cmd,
		     struct state_result *res)
{
	struct state_volume *volume;
	u32 slot;

	volume = state_volume_held(s, cmd, &slot, res);
	if (!volume)
		return;
	if (!volume->hold || volume->holder != cmd->node)
		state_no(res, STATE_WHY_NOT_HOLDER, volume->id, cmd->node, 0);
	else if (cmd->state > STATE_SERVE_FAILED ||
		 (volume->hold == STATE_HOLD_REPAIR && cmd->name[0]))
		state_no(res, STATE_WHY_BAD, 20, 0, 0);
	if (res->why)
		return;
	volume->serve = cmd->state;
	memcpy(volume->device, cmd->name, sizeof(volume->device));
	memcpy(volume->reason, cmd->reason, sizeof(volume->reason));
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

/**
 * state_do_fence() - whoever holds a volume holds it no more
 * @s: the state
 * @cmd: the command
 * @res: the term that nobody has
 *
 * The term is used up, so the old holder's reports change nothing any more. Its
 * kernel learns it from its daemon, or when the next attach opens the replicas.
 */
void state_do_fence(struct state *s, const struct state_cmd *cmd,
		    struct state_result *res)
{
	struct state_volume *volume;
	u32 slot;

	volume = state_volume_held(s, cmd, &slot, res);
	if (!volume)
		return;
	if (!volume->hold)
		state_no(res, STATE_WHY_NOT_HOLDER, volume->id, 0, 0);
	else if (!state_term_next(s, volume))
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	if (res->why)
		return;
	state_hold_unlink(s, slot);
	state_volume_settle(s, slot);
	volume->term = state_term_next(s, volume);
	volume->want = 0;
	volume->parked = 1;
	res->arg[0] = volume->term;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}
