// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes: who may take part.
 */
#include "inner.h"

/**
 * state_node_live() - a node that is not removed
 * @s: the state
 * @id: its id
 * @res: why not
 *
 * Return: the node or NULL.
 */
struct state_node *state_node_live(const struct state *s, u32 id,
				   struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_NODE_ID, id);
	struct state_node *node = NULL;

	if (slot != STATE_NONE)
		node = state_node_at(s, slot);
	if (!node)
		state_no(res, STATE_WHY_NO_NODE, id, 0, 0);
	else if (node->state == STATE_NODE_REMOVED)
		state_no(res, STATE_WHY_NODE_STATE, id, node->state, 0);
	return res->why ? NULL : node;
}

/**
 * state_addrs_good() - can these be addresses?
 * @addr: the addresses
 * @nr: how many
 * @bad: which one can not
 *
 * Return: true if all can.
 */
bool state_addrs_good(const struct state_addr *addr, u32 nr, u32 *bad)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		*bad = i;
		if (addr[i].use > 1 || !addr[i].port ||
		    mem_is_zero(addr[i].ip, sizeof(addr[i].ip)))
			return false;
		if (addr[i].family != 6 &&
		    (addr[i].family != 4 || !mem_is_zero(addr[i].ip + 4, 12)))
			return false;
	}
	return true;
}

/**
 * state_labels_good() - can these be labels?
 * @label: the labels
 * @nr: how many
 * @bad: which one can not
 *
 * Return: true if all can: names as keys, each once.
 */
bool state_labels_good(const struct state_label *label, u32 nr, u32 *bad)
{
	u32 i, j;

	for (i = 0; i < nr; i++) {
		*bad = i;
		if (!state_name_good(label[i].key))
			return false;
		for (j = 0; j < i; j++)
			if (!strcmp(label[i].key, label[j].key))
				return false;
	}
	return true;
}

static bool state_node_fields_good(const struct state_cmd *cmd,
				   struct state_result *res)
{
	u32 bad = 0;

	if (cmd->wish > STATE_WISH_VOTER)
		state_no(res, STATE_WHY_BAD, 3, 0, 0);
	else if (!state_addrs_good(cmd->addr, cmd->nr_addrs, &bad))
		state_no(res, STATE_WHY_ADDR, bad, 0, 0);
	else if (!state_labels_good(cmd->label, cmd->nr_labels, &bad))
		state_no(res, STATE_WHY_LABEL, bad, 0, 0);
	return !res->why;
}

/* The fields that @what names: STATE_NODE_SET_* */
static void state_node_fill(struct state_node *node,
			    const struct state_cmd *cmd, u8 what)
{
	if (what & STATE_NODE_SET_ZONE)
		memcpy(node->zone, cmd->zone, sizeof(node->zone));
	if (what & STATE_NODE_SET_RACK)
		memcpy(node->rack, cmd->rack, sizeof(node->rack));
	if (what & STATE_NODE_SET_HOST)
		memcpy(node->host, cmd->host, sizeof(node->host));
	if (what & STATE_NODE_SET_WISH)
		node->wish = cmd->wish;
	if (what & STATE_NODE_SET_ADDRS) {
		node->nr_addrs = cmd->nr_addrs;
		memcpy(node->addr, cmd->addr, sizeof(node->addr));
	}
	if (what & STATE_NODE_SET_LABELS) {
		node->nr_labels = cmd->nr_labels;
		memcpy(node->label, cmd->label, sizeof(node->label));
	}
}

/* The removed node with the lowest id makes room. */
static void state_node_forget(struct state *s)
{
	u32 slot, oldest = STATE_NONE;
	struct state_node *node;

	for (slot = state_next(s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_NODES, slot + 1)) {
		node = state_node_at(s, slot);
		if (node->state == STATE_NODE_REMOVED &&
		    (oldest == STATE_NONE ||
		     node->id < state_node_at(s, oldest)->id))
			oldest = slot;
	}
	if (STATE_BUG(oldest == STATE_NONE))
		return;
	state_index_del(s, STATE_BY_NODE_ID, oldest);
	state_index_del(s, STATE_BY_NODE_KEY, oldest);
	state_give(s, STATE_NODES, oldest);
}

static bool state_node_may_join(const struct state *s,
				const struct state_cmd *cmd,
				struct state_result *res)
{
	u32 slot;

	if (!state_name_good(cmd->name)) {
		state_no(res, STATE_WHY_NAME, 0, 0, 0);
		return false;
	}
	slot = state_find_bytes(s, STATE_BY_NODE_NAME, cmd->name);
	if (slot != STATE_NONE) {
		state_no(res, STATE_WHY_NAME_TAKEN, state_node_at(s, slot)->id,
			 0, 0);
		return false;
	}
	if (mem_is_zero(cmd->key, sizeof(cmd->key))) {
		state_no(res, STATE_WHY_BAD, 4, 0, 0);
		return false;
	}
	slot = state_find_bytes(s, STATE_BY_NODE_KEY, cmd->key);
	if (slot != STATE_NONE)
		state_no(res, STATE_WHY_KEY_TAKEN, state_node_at(s, slot)->id,
			 0, 0);
	else if (s->nodes >= s->limits.nodes)
		state_no(res, STATE_WHY_NODES_FULL, s->limits.nodes, 0, 0);
	else if (s->cluster.next_node == U32_MAX)
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
	return !res->why && state_node_fields_good(cmd, res);
}

/* The one that asks to join, if it did before and has not come yet. */
static struct state_node *state_node_again(const struct state *s,
					   const struct state_cmd *cmd)
{
	u32 slot = state_find_bytes(s, STATE_BY_NODE_KEY, cmd->key);
	struct state_node *node;

	if (slot == STATE_NONE)
		return NULL;
	node = state_node_at(s, slot);
	if (node->state != STATE_NODE_JOINING || strcmp(node->name, cmd->name))
		return NULL;
	return state_token_good_for(s, cmd->id, node) ? node : NULL;
}

/*
 * The one that asks to join, if it is a node that lost its record, and has its
 * key; or one that lost that too, and is awaited with another.
 */
static u32 state_node_back(const struct state *s, const struct state_cmd *cmd)
{
	u32 slot = state_find_bytes(s, STATE_BY_NODE_NAME, cmd->name);
	const struct state_node *node;

	if (slot == STATE_NONE || s->cluster.next_node == 1)
		return STATE_NONE;
	node = state_node_at(s, slot);
	if (node->token == STATE_TOKEN_LOST)
		return STATE_NONE;
	if (!memcmp(node->key, cmd->key, sizeof(node->key)))
		return slot;
	return node->token == STATE_TOKEN_REKEY &&
			       !mem_is_zero(cmd->key, sizeof(cmd->key)) &&
			       state_find_bytes(s, STATE_BY_NODE_KEY,
						cmd->key) == STATE_NONE ?
		       slot :
		       STATE_NONE;
}

/*
 * It is who it was: its id, its stores, what it holds.  Its server is not: the
 * log went with the record (raft.h, rule 9).
 */
static void state_node_return(struct state *s, const struct state_cmd *cmd,
			      u32 slot, struct state_result *res)
{
	struct state_node *node = state_node_at(s, slot);

	if (!state_token_valid(s, cmd->id, res) ||
	    !state_node_fields_good(cmd, res))
		return;
	state_index_del(s, STATE_BY_NODE_KEY, slot);
	memcpy(node->key, cmd->key, sizeof(node->key));
	state_index_add(s, STATE_BY_NODE_KEY, slot);
	node->token = cmd->id;
	node->raft = 0;
	state_node_fill(node, cmd, STATE_NODE_SET_ADDRS);
	state_token_use(s, cmd->id);
	res->arg[0] = node->id;
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}

/**
 * state_do_node_add() - a node joins
 * @s: the state
 * @cmd: the command
 * @res: its id
 *
 * Whoever is first needs no token: there is nobody yet who could have made one.
 * Whoever asks again, because the answer was lost, gets it again, with the
 * addresses that it has by now; its token is not used once more.  (Else it
 * would have to be removed, and could not come back with its key.)  So does a
 * node that lost its record, under its name, with its key or (NODE_REKEY)
 * without; with another token.
 */
void state_do_node_add(struct state *s, const struct state_cmd *cmd,
		       struct state_result *res)
{
	bool first = s->cluster.next_node == 1;
	struct state_node *node = state_node_again(s, cmd);
	u32 slot;

	if (node) {
		if (!state_node_fields_good(cmd, res))
			return;
		state_node_fill(node, cmd, STATE_NODE_SET_ADDRS);
		res->arg[0] = node->id;
		state_touch(s, STATE_KIND_NODE, node->id, 0);
		return;
	}
	slot = state_node_back(s, cmd);
	if (slot != STATE_NONE) {
		state_node_return(s, cmd, slot, res);
		return;
	}
	if (!first && !state_token_valid(s, cmd->id, res))
		return;
	if (!state_node_may_join(s, cmd, res))
		return;
	if (s->pool[STATE_NODES].nr == s->pool[STATE_NODES].max)
		state_node_forget(s);
	slot = state_take(s, STATE_NODES);
	if (STATE_BUG(slot == STATE_NONE))
		return;
	node = state_node_at(s, slot);
	node->id = s->cluster.next_node++;
	memcpy(node->name, cmd->name, sizeof(node->name));
	memcpy(node->key, cmd->key, sizeof(node->key));
	node->state = STATE_NODE_JOINING;
	node->token = first ? 0 : cmd->id;
	node->held = STATE_NONE;
	state_node_fill(node, cmd, STATE_NODE_SET_ALL);
	state_index_add(s, STATE_BY_NODE_ID, slot);
	state_index_add(s, STATE_BY_NODE_NAME, slot);
	state_index_add(s, STATE_BY_NODE_KEY, slot);
	s->nodes++;
	if (!first)
		state_token_use(s, cmd->id);
	res->arg[0] = node->id;
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}

/**
 * state_do_node_set() - a node has other addresses, labels, wishes
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_node_set(struct state *s, const struct state_cmd *cmd,
		       struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);

	if (!node)
		return;
	if (!cmd->flags || cmd->flags & ~STATE_NODE_SET_ALL)
		state_no(res, STATE_WHY_BAD, 18, 0, 0);
	if (res->why || !state_node_fields_good(cmd, res))
		return;
	state_node_fill(node, cmd, cmd->flags);
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}

/**
 * state_do_node_state() - a node is active, or drains
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_node_state(struct state *s, const struct state_cmd *cmd,
			 struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);

	if (!node)
		return;
	if (cmd->state != STATE_NODE_ACTIVE &&
	    cmd->state != STATE_NODE_DRAINING) {
		state_no(res, STATE_WHY_BAD, 5, 0, 0);
		return;
	}
	if (node->token == STATE_TOKEN_LOST) {
		state_no(res, STATE_WHY_NODE_LOST, node->id, 0, 0);
		return;
	}
	node->state = cmd->state;
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}

/**
 * state_do_node_raft() - a node gets a Raft server, or another one
 * @s: the state
 * @cmd: the command: the one it has, as the proposer knows it
 * @res: id of the server
 *
 * The id names a log and ends with it (raft.h, rule 9).
 */
void state_do_node_raft(struct state *s, const struct state_cmd *cmd,
			struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);

	if (!node)
		return;
	if (cmd->id != node->raft || node->token == STATE_TOKEN_LOST) {
		state_no(res, STATE_WHY_BAD, 6, 0, 0);
		return;
	}
	if (s->cluster.next_raft > U32_MAX) {
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
		return;
	}
	node->raft = STATE_SERVER(node->id, s->cluster.next_raft++);
	res->arg[0] = node->raft;
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}

/**
 * state_do_node_rekey() - the state directory of a node is lost, key and all
 * @s: the state
 * @cmd: the command: the node, and a key that nobody has
 * @res: its result
 *
 * Its kernel may run on, and its stores are good: so it stays this node, and
 * whoever joins under its name, with a token, is it from then on.  The old key
 * is nobody's at once: it may not be lost but stolen.
 */
void state_do_node_rekey(struct state *s, const struct state_cmd *cmd,
			 struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);
	u32 slot;

	if (!node)
		return;
	if (node->token == STATE_TOKEN_LOST) {
		state_no(res, STATE_WHY_NODE_LOST, node->id, 0, 0);
		return;
	}
	if (mem_is_zero(cmd->key, sizeof(cmd->key)) ||
	    state_find_bytes(s, STATE_BY_NODE_KEY, cmd->key) != STATE_NONE) {
		state_no(res, STATE_WHY_BAD, 4, 0, 0);
		return;
	}
	slot = state_find(s, STATE_BY_NODE_ID, node->id);
	state_index_del(s, STATE_BY_NODE_KEY, slot);
	memcpy(node->key, cmd->key, sizeof(node->key));
	state_index_add(s, STATE_BY_NODE_KEY, slot);
	node->token = STATE_TOKEN_REKEY;
	node->raft = 0;
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}

/**
 * state_node_unwant() - no volume is to be attached on a node that is no more
 * @s: the state
 * @node: its id
 */
void state_node_unwant(struct state *s, u32 node)
{
	struct state_volume *volume;
	u32 slot, i, j;

	for (slot = state_next(s, STATE_VOLUMES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_VOLUMES, slot + 1)) {
		volume = state_volume_at(s, slot);
		for (i = 0, j = 0; i < volume->nr_autos; i++)
			if (volume->autos[i] != node)
				volume->autos[j++] = volume->autos[i];
		if (j == volume->nr_autos && volume->want != node)
			continue;
		memset(volume->autos + j, 0, (volume->nr_autos - j) * 4);
		volume->nr_autos = j;
		if (volume->want == node)
			volume->want = 0;
		state_touch(s, STATE_KIND_VOLUME, volume->id, 0);
	}
}

/**
 * state_node_holds() - a volume that a node has as a device
 * @s: the state
 * @node: the node
 *
 * Return: the lowest id of them, as which is first in its list is chance;
 * U32_MAX: none.
 */
u32 state_node_holds(const struct state *s, const struct state_node *node)
{
	const struct state_volume *volume;
	u32 slot, least = U32_MAX;

	for (slot = node->held; slot != STATE_NONE; slot = volume->held_next) {
		volume = state_volume_at(s, slot);
		if (volume->hold == STATE_HOLD_DEVICE)
			least = min(least, volume->id);
	}
	return least;
}

/**
 * state_node_let_go() - a node holds nothing any more
 * @s: the state
 * @node: the node, which has no volume as a device
 *
 * What it held for repair, somebody else can.
 */
void state_node_let_go(struct state *s, const struct state_node *node)
{
	u32 slot;

	while (node->held != STATE_NONE) {
		slot = node->held;
		state_hold_unlink(s, slot);
		state_touch(s, STATE_KIND_VOLUME, state_volume_at(s, slot)->id,
			    0);
	}
}

/**
 * state_do_node_remove() - a node is removed for ever
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_node_remove(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	struct state_node *node = state_node_live(s, cmd->node, res);
	u32 slot, holds;

	if (!node)
		return;
	if (node->nr_stores) {
		state_no(res, STATE_WHY_NODE_STORES, node->id, node->nr_stores,
			 0);
		return;
	}
	holds = state_node_holds(s, node);
	if (holds != U32_MAX) {
		state_no(res, STATE_WHY_NODE_HOLDS, node->id, holds, 0);
		return;
	}
	state_node_let_go(s, node);
	slot = state_find(s, STATE_BY_NODE_ID, node->id);
	state_index_del(s, STATE_BY_NODE_NAME, slot);
	node->state = STATE_NODE_REMOVED;
	node->raft = 0;
	s->nodes--;
	state_node_unwant(s, node->id);
	state_touch(s, STATE_KIND_NODE, node->id, 0);
}
