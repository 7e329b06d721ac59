// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients and what is remembered of them: exactly once (command.h).
 */
#include "inner.h"
#include "view.h"

/* The client that asked least recently. */
static u32 state_client_oldest(const struct state *s)
{
	u32 slot = state_next(s, STATE_CLIENTS, 0), oldest = slot;
	const struct state_client *client, *old;

	for (; slot != STATE_NONE;
	     slot = state_next(s, STATE_CLIENTS, slot + 1)) {
		client = state_object(s, STATE_CLIENTS, slot);
		old = state_object(s, STATE_CLIENTS, oldest);
		if (client->used < old->used)
			oldest = slot;
	}
	return oldest;
}

/**
 * state_do_client_open() - a new client
 * @s: the state
 * @cmd: the command
 * @res: its id
 *
 * There is always room: the one that asked least recently is forgotten. What it
 * asks then is refused, so that nothing is ever done twice.
 */
void state_do_client_open(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res)
{
	struct state_client *client;
	u32 slot;

	if (s->cluster.next_client > STATE_NUMBER_MAX) {
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
		return;
	}
	slot = state_take(s, STATE_CLIENTS);
	if (slot == STATE_NONE) {
		slot = state_client_oldest(s);
		state_index_del(s, STATE_BY_CLIENT, slot);
		state_give(s, STATE_CLIENTS, slot);
		slot = state_take(s, STATE_CLIENTS);
	}
	client = state_object(s, STATE_CLIENTS, slot);
	client->id = s->cluster.next_client++;
	client->node = cmd->node;
	client->used = s->cluster.applied;
	state_index_add(s, STATE_BY_CLIENT, slot);
	res->arg[0] = client->id;
}

/**
 * state_client_asked() - did this request come before?
 * @s: the state
 * @id: the client
 * @seq: its how manieth request
 * @res: what became of it then
 *
 * Return: true if so, or if that can not be known: it is not to be done.
 */
bool state_client_asked(const struct state *s, u64 id, u64 seq,
			struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_CLIENT, id);
	const struct state_client *client;
	u32 at = seq % STATE_WINDOW;

	if (slot == STATE_NONE || !seq || seq > STATE_NUMBER_MAX) {
		state_no(res, STATE_WHY_FORGOTTEN, seq, 0, 0);
		return true;
	}
	client = state_object(s, STATE_CLIENTS, slot);
	if (client->seq[at] == seq && !QBD_MUTANT(state_done_twice)) {
		*res = client->result[at];
		return true;
	}
	if (seq + STATE_WINDOW <= client->last &&
	    !QBD_MUTANT(state_window_ignored)) {
		state_no(res, STATE_WHY_FORGOTTEN, seq, 0, 0);
		return true;
	}
	return false;
}

/**
 * state_client_node() - whose client is that?
 * @s: the state
 * @id: the client
 *
 * Return: id of the node, 0 = nobody's: it is not known, or not any more.
 */
u32 state_client_node(const struct state *s, u64 id)
{
	u32 slot = state_find(s, STATE_BY_CLIENT, id);
	const struct state_client *client;

	if (slot == STATE_NONE)
		return 0;
	client = state_object(s, STATE_CLIENTS, slot);
	return client->node;
}

/**
 * state_client_knows() - a command comes: did it come before?
 * @s: the state
 * @cmd: the command
 * @res: what became of it then
 *
 * Return: as state_client_asked().
 */
bool state_client_knows(struct state *s, const struct state_cmd *cmd,
			struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_CLIENT, cmd->client);
	struct state_client *client;

	if (slot != STATE_NONE && cmd->seq && cmd->seq <= STATE_NUMBER_MAX) {
		client = state_object(s, STATE_CLIENTS, slot);
		client->used = s->cluster.applied;
	}
	return state_client_asked(s, cmd->client, cmd->seq, res);
}

/**
 * state_client_note() - remember what became of a request
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_client_note(struct state *s, const struct state_cmd *cmd,
		       const struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_CLIENT, cmd->client);
	struct state_client *client;
	u32 i;

	if (STATE_BUG(slot == STATE_NONE))
		return;
	client = state_object(s, STATE_CLIENTS, slot);
	client->last = max(client->last, cmd->seq);
	client->seq[cmd->seq % STATE_WINDOW] = cmd->seq;
	client->result[cmd->seq % STATE_WINDOW] = *res;
	/* what left the window is as good as never known */
	for (i = 0; i < STATE_WINDOW; i++) {
		if (!client->seq[i] ||
		    client->seq[i] + STATE_WINDOW > client->last)
			continue;
		client->seq[i] = 0;
		memset(&client->result[i], 0, sizeof(client->result[i]));
	}
}
