// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node that is lost for good: somebody says that it never comes back, and
 * nobody waits for it any more.
 *
 * What it had is on stores that FAILED from then on, so it is replaced at once,
 * by the same steps and quorums as anything else (S6): that it is lost makes no
 * set smaller.  (A and C are declared lost, B is behind what both had; were
 * that enough for B alone to go on, what was acknowledged would be gone, and
 * C, which is only cut off, would have another history.)  So it is refused as
 * long as a set would have no quorum without the node: that volume has to go
 * first, or somebody has to come back.
 *
 * It drains, and can not be anything else any more; its key is refused, as if
 * it was removed, which it is when nothing of it is left.  Until then its
 * stores keep tombstones for what was replaced.
 */
#include "inner.h"
#include "view.h"

static bool
state_left_set(const struct state_shard_view *view, bool follows,
	       bool (*there)(void *arg, const struct state_member_view *member),
	       void *arg)
{
	const struct state_member_view *member;
	u32 i, nr = 0, left = 0;

	for (i = 0; i < view->nr; i++) {
		member = &view->member[i];
		if (member->role == STATE_ROLE_GONE ||
		    member->role == STATE_ROLE_LEARNER ||
		    (member->role == STATE_ROLE_JOINING && !follows) ||
		    (member->role == STATE_ROLE_LEAVING && follows))
			continue;
		nr++;
		left += (member->made || QBD_MUTANT(state_lost_unmade)) &&
			there(arg, member);
	}
	return left >= nr / 2 + 1;
}

/**
 * state_left() - would each set in force have a quorum of those that are there?
 * @view: the shard
 * @there: is a member?
 * @arg: for it
 *
 * Return: true if so.
 */
bool state_left(const struct state_shard_view *view,
		bool (*there)(void *arg,
			      const struct state_member_view *member),
		void *arg)
{
	if (!state_left_set(view, false, there, arg))
		return false;
	return view->stage != STATE_STAGE_JOINT ||
	       QBD_MUTANT(state_lost_joint) ||
	       state_left_set(view, true, there, arg);
}

struct state_left_arg {
	const struct state *s;
	u32 node;
};

/* As far as the state knows: not of whom nobody hears. */
static bool state_left_there(void *arg, const struct state_member_view *member)
{
	const struct state_left_arg *left = arg;
	const struct state_store *store =
		state_store_by_id(left->s, member->store);

	return store && member->node != left->node &&
	       (!state_store_failed(store) || QBD_MUTANT(state_lost_failed)) &&
	       store->state != STATE_STORE_GONE;
}

/*
 * May it be given up?  A shard that speaks against it is named, and it is the
 * first of its volume, and that the first one: in which order a store has
 * its copies is chance, and the answer is the same on all servers.
 */
static bool state_lost_may(const struct state *s, const struct state_node *node,
			   struct state_result *res)
{
	struct state_left_arg arg = { s, node->id };
	const struct state_volume *volume;
	const struct state_store *store;
	struct state_shard_view view;
	u64 first = U64_MAX;
	u32 i, at;

	for (i = 0; i < node->nr_stores; i++) {
		store = state_store_at(s, node->store[i]);
		for (at = 0; at < store->nr; at++) {
			if (state_view_store(s, store->id, at, &view))
				continue;
			volume = state_volume_by_id(s, view.volume);
			if (volume && volume->state != STATE_VOLUME_DELETING &&
			    !state_left(&view, state_left_there, &arg))
				first = min(first, (u64)view.volume << 32 |
							   view.number);
		}
	}
	if (first != U64_MAX)
		state_no(res, STATE_WHY_LOST_ONLY, node->id, first >> 32,
			 (u32)first);
	return first == U64_MAX;
}

/**
 * state_do_node_lost() - a node never comes back
 * @s: the state
 * @cmd: the command
 * @res: how many copies it had
 *
 * Who has a volume as a device is fenced first, by who attaches it elsewhere.
 */
void state_do_node_lost(struct state *s, const struct state_cmd *cmd,
			struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);
	struct state_store *store;
	u32 i, holds;

	if (!node)
		return;
	holds = state_node_holds(s, node);
	if (holds != U32_MAX) {
		state_no(res, STATE_WHY_NODE_HOLDS, node->id, holds, 0);
		return;
	}
	if (!QBD_MUTANT(state_lost_needed) && !state_lost_may(s, node, res))
		return;
	state_node_let_go(s, node);
	node->state = STATE_NODE_DRAINING;
	if (!QBD_MUTANT(state_lost_joins))
		node->token = STATE_TOKEN_LOST;
	node->raft = 0;
	for (i = 0; i < node->nr_stores; i++) {
		store = state_store_at(s, node->store[i]);
		if (store->state != STATE_STORE_LOST)
			store->state = STATE_STORE_FAILED;
		if (!store->gone_ms)
			store->gone_ms = s->cluster.now_ms;
		res->arg[0] += store->nr;
		state_touch(s, STATE_KIND_STORE, store->id, 0);
	}
	state_node_unwant(s, node->id);
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}
