// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps in which the set of a shard changes (S6; state.h has the picture).
 */
#include "inner.h"

/* Each of these replicas leaves: bits of the members, false if one is none. */
static bool state_leavers(const struct state *s,
			  const struct state_shard *shard,
			  const struct state_cmd *cmd, u8 *leave,
			  struct state_result *res)
{
	u32 i;
	int at;

	*leave = 0;
	for (i = 0; i < cmd->nr_del; i++) {
		at = state_member_find(state_members(s, shard), shard->nr,
				       cmd->del[i]);
		if (at < 0 || *leave & (1U << at)) {
			state_no(res, STATE_WHY_NO_REPLICA, shard->number,
				 shard->volume, cmd->del[i]);
			return false;
		}
		*leave |= 1U << at;
	}
	return true;
}

/*
 * Stores of those that join.  No two replicas of either set are on one node:
 * a kernel finds its own replica in a set by its node.
 */
static bool state_joiners(const struct state *s,
			  const struct state_shard *shard,
			  const struct state_cmd *cmd, u32 *slot,
			  struct state_result *res)
{
	const u64 *member = state_members(s, shard);
	u32 i, j, node;
	bool same;

	for (i = 0; i < cmd->nr_add; i++) {
		if (!state_store_takes(s, cmd->add[i], &slot[i], res))
			return false;
		node = state_store_at(s, slot[i])->node;
		same = false;
		for (j = 0; j < i; j++)
			same = same || state_store_at(s, slot[j])->node == node;
		for (j = 0; j < shard->nr; j++)
			same = same || state_node_of(s, member[j]) == node;
		if (same) {
			state_no(res, STATE_WHY_SAME_NODE, shard->number, node,
				 0);
			return false;
		}
	}
	return true;
}

/* The shard that a command names, if (term, epoch) are those in force. */
static struct state_shard *state_shard_cas(const struct state *s,
					   const struct state_cmd *cmd,
					   u32 *slot, struct state_result *res)
{
	struct state_volume *volume;
	struct state_shard *shard;

	volume = state_volume_live(s, cmd->volume, slot, res);
	if (!volume)
		return NULL;
	*slot = state_find(s, STATE_BY_SHARD,
			   state_shard_key(cmd->volume, cmd->number));
	if (*slot == STATE_NONE) {
		state_no(res, STATE_WHY_NO_SHARD, volume->id, cmd->number, 0);
		return NULL;
	}
	shard = state_shard_at(s, *slot);
	if (cmd->term != volume->term && !QBD_MUTANT(state_set_any_term))
		state_no(res, STATE_WHY_TERM, volume->id, volume->term,
			 cmd->term);
	else if (cmd->epoch != shard->epoch && !QBD_MUTANT(state_set_any_epoch))
		state_no(res, STATE_WHY_EPOCH, cmd->number, volume->id,
			 shard->epoch);
	return res->why ? NULL : shard;
}

/* The same, and its set is at one of these stages of a change. */
static struct state_change *state_change_cas(const struct state *s,
					     const struct state_cmd *cmd,
					     u32 stages, u32 *slot,
					     struct state_result *res)
{
	struct state_shard *shard = state_shard_cas(s, cmd, slot, res);
	struct state_change *change;

	if (!shard)
		return NULL;
	change = state_change_of(s, *slot, NULL);
	if (!change)
		state_no(res, STATE_WHY_NOT_CHANGING, shard->number,
			 shard->volume, 0);
	else if (!(stages & 1U << change->stage))
		state_no(res, STATE_WHY_STAGE, shard->number, shard->volume,
			 change->stage);
	return res->why ? NULL : change;
}

/**
 * state_do_shard_propose() - some replicas shall join, some leave
 * @s: the state
 * @cmd: the command
 * @res: id of the first that joins; the others follow it
 */
void state_do_shard_propose(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res)
{
	struct state_shard *shard;
	struct state_change *change;
	u32 store[STATE_COPIES_MAX], shard_slot, slot, i;
	u8 leave;

	shard = state_shard_cas(s, cmd, &shard_slot, res);
	if (!shard)
		return;
	if (shard->flags & STATE_SHARD_CHANGE) {
		state_no(res, STATE_WHY_CHANGING, shard->number, shard->volume,
			 0);
		return;
	}
	if (!state_leavers(s, shard, cmd, &leave, res) ||
	    !state_joiners(s, shard, cmd, store, res))
		return;
	if (cmd->nr_add + cmd->nr_del == 0 ||
	    shard->nr + cmd->nr_add <= cmd->nr_del ||
	    shard->nr + cmd->nr_add - cmd->nr_del > STATE_COPIES_MAX) {
		state_no(res, STATE_WHY_SET, shard->number, shard->volume, 0);
		return;
	}
	if (s->cluster.next_replica + cmd->nr_add > STATE_REPLICA_ID_MAX) {
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
		return;
	}
	slot = state_take(s, STATE_CHANGES);
	if (slot == STATE_NONE) {
		state_no(res, STATE_WHY_CHANGES_FULL, s->limits.changes, 0, 0);
		return;
	}
	res->arg[0] = s->cluster.next_replica;
	change = state_object(s, STATE_CHANGES, slot);
	change->shard = shard_slot;
	change->stage = STATE_STAGE_LEARN;
	change->leave = leave;
	change->nr = cmd->nr_add;
	for (i = 0; i < cmd->nr_add; i++) {
		change->add[i] =
			STATE_MEMBER(store[i], s->cluster.next_replica);
		s->cluster.next_replica++;
		state_store_link(s, store[i], shard_slot);
	}
	state_index_add(s, STATE_BY_CHANGE, slot);
	shard->flags |= STATE_SHARD_CHANGE;
	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
}

/* Each set that is made has an epoch above all that were made before. */
static u64 state_epoch_next(const struct state *s, struct state_shard *shard)
{
	shard->epoch = max(shard->epoch, s->cluster.term_floor) + 1;
	return shard->epoch;
}

/**
 * state_do_shard_joint() - what joins was filled: both sets have to agree
 * @s: the state
 * @cmd: the command
 * @res: the epoch of the joint set
 */
void state_do_shard_joint(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	struct state_change *change;
	struct state_shard *shard;
	u32 slot;

	change = state_change_cas(s, cmd, 1U << STATE_STAGE_LEARN, &slot, res);
	if (!change)
		return;
	shard = state_shard_at(s, slot);
	if (change->made != (1U << change->nr) - 1) {
		state_no(res, STATE_WHY_NOT_MADE, shard->number, shard->volume,
			 0);
		return;
	}
	change->stage = STATE_STAGE_JOINT;
	res->arg[0] = state_epoch_next(s, shard);
	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
}

/* Members that leave were counted as unmade if nobody has made them. */
static void state_unmade_less(struct state *s, const struct state_shard *shard,
			      u32 nr)
{
	u32 slot = state_find(s, STATE_BY_VOLUME_ID, shard->volume);

	if (!nr)
		return;
	state_volume_at(s, slot)->unmade -= nr;
	state_volume_settle(s, slot);
}

/**
 * state_do_shard_adopt() - the new set is in force
 * @s: the state
 * @cmd: the command
 * @res: its epoch
 */
void state_do_shard_adopt(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	u64 set[STATE_COPIES_MAX], gone[STATE_COPIES_MAX];
	struct state_change *change;
	struct state_shard *shard;
	const u64 *member;
	u32 slot, i, nr = 0, nr_gone = 0, unmade = 0;
	u8 made = 0;

	change = state_change_cas(s, cmd, 1U << STATE_STAGE_JOINT, &slot, res);
	if (!change)
		return;
	shard = state_shard_at(s, slot);
	member = state_members(s, shard);
	for (i = 0; i < shard->nr; i++) {
		if (change->leave & (1U << i)) {
			gone[nr_gone++] = member[i];
			unmade += !(shard->flags & (1U << i));
			continue;
		}
		made |= (shard->flags >> i & 1) << nr;
		set[nr++] = member[i];
	}
	for (i = 0; i < change->nr; i++) {
		made |= 1U << nr;
		set[nr++] = change->add[i];
	}
	if (!state_members_set(s, slot, set, nr)) {
		state_no(res, STATE_WHY_SHARDS_FULL, s->limits.wides, 0, 0);
		return;
	}
	shard->flags = made | STATE_SHARD_CHANGE;
	res->arg[0] = state_epoch_next(s, shard);
	change->stage = STATE_STAGE_SETTLE;
	change->leave = 0;
	change->made = 0;
	change->nr = nr_gone;
	memset(change->add, 0, sizeof(change->add));
	memcpy(change->add, gone, nr_gone * sizeof(gone[0]));
	state_unmade_less(s, shard, unmade);
	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
}

/* The change is over: what is in it gets tombstones. */
static bool state_change_end(struct state *s, u32 slot,
			     struct state_result *res)
{
	struct state_shard *shard = state_shard_at(s, slot);
	struct state_change *change;
	struct state_tomb *tomb;
	u32 at = 0, i, tomb_slot;

	change = state_change_of(s, slot, &at);
	if (s->pool[STATE_TOMBS].nr + change->nr > s->limits.tombs) {
		state_no(res, STATE_WHY_TOMBS_FULL, s->limits.tombs, 0, 0);
		return false;
	}
	for (i = 0; i < change->nr; i++) {
		u32 store = STATE_MEMBER_STORE(change->add[i]);

		tomb_slot = state_take(s, STATE_TOMBS);
		tomb = state_object(s, STATE_TOMBS, tomb_slot);
		tomb->replica = STATE_MEMBER_ID(change->add[i]);
		/* a restore may have forgotten an epoch that the replica knows
		 */
		tomb->epoch = max(shard->epoch, s->cluster.term_floor);
		tomb->volume = shard->volume;
		tomb->number = shard->number;
		tomb->store = store;
		state_store_unlink(s, store, slot);
		state_tomb_link(s, tomb_slot);
		state_touch(s, STATE_KIND_STORE, state_store_at(s, store)->id,
			    0);
	}
	shard->flags &= ~STATE_SHARD_CHANGE;
	state_index_del(s, STATE_BY_CHANGE, at);
	state_give(s, STATE_CHANGES, at);
	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
	return true;
}

/**
 * state_do_shard_abort() - the old set stays in force
 * @s: the state
 * @cmd: the command
 * @res: its epoch
 *
 * As long as the set was not joint nobody counts on what would have joined: it
 * can be deleted at once.
 */
void state_do_shard_abort(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	u32 stages = 1U << STATE_STAGE_LEARN | 1U << STATE_STAGE_JOINT, slot;
	struct state_change *change;
	struct state_shard *shard;

	change = state_change_cas(s, cmd, stages, &slot, res);
	if (!change)
		return;
	shard = state_shard_at(s, slot);
	if (change->stage == STATE_STAGE_LEARN) {
		if (state_change_end(s, slot, res))
			res->arg[0] = shard->epoch;
		return;
	}
	res->arg[0] = state_epoch_next(s, shard);
	change->stage = STATE_STAGE_SETTLE;
	change->leave = 0;
	change->made = 0;
	state_touch(s, STATE_KIND_SHARD, shard->volume, shard->number);
}

/**
 * state_do_shard_settled() - the holder's kernel has the set in force on stable
 * media of a quorum
 * @s: the state
 * @cmd: the command
 * @res: its epoch
 */
void state_do_shard_settled(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res)
{
	u32 slot;

	if (!state_change_cas(s, cmd, 1U << STATE_STAGE_SETTLE, &slot, res))
		return;
	if (state_change_end(s, slot, res))
		res->arg[0] = state_shard_at(s, slot)->epoch;
}
