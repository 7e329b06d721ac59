// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may change in the life of a volume: policies, and its size upwards.
 */
#include "inner.h"

static void state_volume_fill(struct state_volume *volume,
			      const struct state_cmd *cmd, u8 what)
{
	if (what & STATE_VOLUME_SET_QUORUM) {
		volume->on_no_quorum = cmd->on_no_quorum;
		volume->no_quorum_ms = cmd->value;
	}
	if (what & STATE_VOLUME_SET_READS)
		volume->reads = cmd->reads;
	if (what & STATE_VOLUME_SET_ACK)
		volume->ack = cmd->ack;
	if (what & STATE_VOLUME_SET_WANT)
		volume->want = cmd->node;
	if (what & STATE_VOLUME_SET_AUTOS) {
		volume->nr_autos = cmd->nr_autos;
		memcpy(volume->autos, cmd->autos, sizeof(volume->autos));
	}
	if (what & STATE_VOLUME_SET_RUN)
		memcpy(volume->run, cmd->run, sizeof(volume->run));
}

/**
 * state_volume_tune() - policies of a command
 * @s: the state
 * @volume: what they are written to
 * @cmd: the command
 * @what: of them: STATE_VOLUME_SET_*
 * @res: why not
 *
 * Return: true if they are good; else @volume is not to be used.
 */
bool state_volume_tune(const struct state *s, struct state_volume *volume,
		       const struct state_cmd *cmd, u8 what,
		       struct state_result *res)
{
	u32 bad, i, j;

	state_volume_fill(volume, cmd, what);
	if (!state_policy_good(volume, &bad)) {
		state_no(res, STATE_WHY_POLICY, bad, 0, 0);
		return false;
	}
	if (volume->want && !state_node_live(s, volume->want, res))
		return false;
	for (i = 0; i < volume->nr_autos; i++) {
		if (!state_node_live(s, volume->autos[i], res))
			return false;
		for (j = 0; j < i; j++)
			if (volume->autos[j] == volume->autos[i])
				state_no(res, STATE_WHY_BAD, 13, 0, 0);
	}
	return !res->why;
}

/*
 * Somebody says where it shall be: nowhere, and then nobody attaches it by
 * itself; or which nodes may, which asks for it again.
 */
static void state_volume_park(struct state_volume *volume,
			      const struct state_cmd *cmd)
{
	if (cmd->flags & STATE_VOLUME_SET_AUTOS && cmd->nr_autos)
		volume->parked = 0;
	if (cmd->flags & STATE_VOLUME_SET_WANT)
		volume->parked = !cmd->node;
	if (volume->want)
		volume->parked = 0;
}

/*
 * It moves without anybody who says so: from its holder, and only if nobody
 * wants it elsewhere.  (Who leads finds that the command fails on the holder,
 * and an administrator detaches the volume before what follows is logged.)
 */
static bool state_may_move(const struct state_volume *volume,
			   const struct state_cmd *cmd,
			   struct state_result *res)
{
	if (!(cmd->flags & STATE_VOLUME_SET_AUTO))
		return true;
	if (cmd->flags != (STATE_VOLUME_SET_AUTO | STATE_VOLUME_SET_WANT) ||
	    !cmd->node)
		state_no(res, STATE_WHY_BAD, 19, 0, 0);
	else if (volume->hold != STATE_HOLD_DEVICE ||
		 volume->want != volume->holder)
		state_no(res, STATE_WHY_PARKED, volume->id, 0, 0);
	return !res->why;
}

/**
 * state_do_volume_set() - a volume has other policies, or shall be elsewhere
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_volume_set(struct state *s, const struct state_cmd *cmd,
			 struct state_result *res)
{
	struct state_volume *volume, tuned;
	u32 slot;

	volume = state_volume_live(s, cmd->volume, &slot, res);
	if (!volume)
		return;
	tuned = *volume;
	if (!cmd->flags ||
	    cmd->flags & ~(STATE_VOLUME_SET_ALL | STATE_VOLUME_SET_AUTO))
		state_no(res, STATE_WHY_BAD, 19, 0, 0);
	if (res->why || !state_may_move(volume, cmd, res) ||
	    !state_volume_tune(s, &tuned, cmd, cmd->flags, res))
		return;
	state_volume_park(&tuned, cmd);
	*volume = tuned;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

/**
 * state_do_volume_resize() - a volume shall be larger
 * @s: the state
 * @cmd: the command
 * @res: how many shards it has, of how many
 */
void state_do_volume_resize(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res)
{
	struct state_volume *volume, grown;
	u32 slot, more;

	volume = state_volume_live(s, cmd->volume, &slot, res);
	if (!volume)
		return;
	if (volume->state != STATE_VOLUME_READY)
		state_no(res, STATE_WHY_VOLUME_STATE, volume->id, volume->state,
			 0);
	else if (volume->grow && volume->grow != cmd->size)
		state_no(res, STATE_WHY_GROWING, volume->id, volume->grow, 0);
	else if (cmd->size < volume->size)
		state_no(res, STATE_WHY_SHRINK, volume->id, volume->size, 0);
	else if (cmd->size % STATE_BLOCK ||
		 cmd->size > (u64)STATE_VOLUME_SHARDS_MAX << volume->shift)
		state_no(res, STATE_WHY_SIZE, 0, 0, 0);
	if (res->why)
		return;
	grown = *volume;
	grown.grow = cmd->size == volume->size ? 0 : cmd->size;
	more = state_shards_wanted(&grown) - state_shards_wanted(volume);
	if (s->pool[STATE_SHARDS].nr + s->shards_owed + more >
	    s->limits.shards) {
		state_no(res, STATE_WHY_SHARDS_FULL, s->limits.shards, 0, 0);
		return;
	}
	s->shards_owed += more;
	volume->grow = grown.grow;
	res->arg[0] = volume->shards;
	res->arg[1] = state_shards_wanted(volume);
	state_volume_settle(s, slot);
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}

/**
 * state_do_volume_grown() - the holder's kernel serves the new size
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_volume_grown(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res)
{
	struct state_volume *volume;
	u32 slot;

	volume = state_volume_held(s, cmd, &slot, res);
	if (!volume)
		return;
	if (!volume->grow || cmd->size != volume->grow || volume->unmade ||
	    volume->shards != state_shards_wanted(volume)) {
		state_no(res, STATE_WHY_SIZE, 0, 0, 0);
		return;
	}
	volume->size = volume->grow;
	volume->grow = 0;
	state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
}
