// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tokens: who knows the secret of one may join, so often, and until then.
 */
#include "inner.h"
#include "view.h"

/* The state's clock has passed it, or nobody may use it any more. */
static bool state_token_over(const struct state *s,
			     const struct state_token *token)
{
	return !token->uses || token->expires_ms <= s->cluster.now_ms;
}

/**
 * state_token_awaited() - has somebody joined with it who has not come yet?
 * @s: the state
 * @id: the token
 *
 * His answer may be lost: he comes again, with the same token.
 *
 * Return: true if so.
 */
bool state_token_awaited(const struct state *s, u64 id)
{
	const struct state_node *node;
	u32 slot;

	for (slot = state_next(s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_NODES, slot + 1)) {
		node = state_node_at(s, slot);
		if (node->state == STATE_NODE_JOINING && node->token == id)
			return true;
	}
	return false;
}

static void state_token_drop(struct state *s, u32 slot)
{
	struct state_token *token = state_object(s, STATE_TOKENS, slot);

	state_touch(s, STATE_KIND_TOKEN, token->id, 0);
	state_index_del(s, STATE_BY_TOKEN, slot);
	state_give(s, STATE_TOKENS, slot);
}

/**
 * state_do_token_create() - a token
 * @s: the state
 * @cmd: the command: PSK, when it expires, how often it may be used
 * @res: its id
 *
 * Tokens that are over go when a new one comes; but not those that somebody
 * might come back with.
 */
void state_do_token_create(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res)
{
	struct state_token *token;
	u32 slot;

	if (mem_is_zero(cmd->key, sizeof(cmd->key)) || !cmd->value ||
	    cmd->total <= s->cluster.now_ms || cmd->total > STATE_NUMBER_MAX ||
	    !cmd->id || cmd->id > STATE_NUMBER_MAX ||
	    state_find(s, STATE_BY_TOKEN, cmd->id) != STATE_NONE) {
		state_no(res, STATE_WHY_BAD, 7, 0, 0);
		return;
	}
	for (slot = state_next(s, STATE_TOKENS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_TOKENS, slot + 1)) {
		token = state_object(s, STATE_TOKENS, slot);
		if (state_token_over(s, token) &&
		    (token->expires_ms <= s->cluster.now_ms ||
		     !state_token_awaited(s, token->id)))
			state_token_drop(s, slot);
	}
	slot = state_take(s, STATE_TOKENS);
	if (slot == STATE_NONE) {
		state_no(res, STATE_WHY_TOKENS_FULL, s->limits.tokens, 0, 0);
		return;
	}
	token = state_object(s, STATE_TOKENS, slot);
	token->id = cmd->id;
	memcpy(token->psk, cmd->key, sizeof(token->psk));
	token->expires_ms = cmd->total;
	token->uses = cmd->value;
	state_index_add(s, STATE_BY_TOKEN, slot);
	res->arg[0] = token->id;
	state_touch(s, STATE_KIND_TOKEN, token->id, 0);
}

/**
 * state_do_token_revoke() - a token ends
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_token_revoke(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_TOKEN, cmd->id);

	if (slot == STATE_NONE)
		state_no(res, STATE_WHY_NO_TOKEN, 0, 0, 0);
	else
		state_token_drop(s, slot);
}

/**
 * state_tokens_end() - all tokens end
 * @s: the state
 */
void state_tokens_end(struct state *s)
{
	u32 slot;

	for (slot = state_next(s, STATE_TOKENS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_TOKENS, slot + 1))
		state_token_drop(s, slot);
}

/**
 * state_token_valid() - may somebody join with this token?
 * @s: the state
 * @id: the token
 * @res: why not
 *
 * That he knows its secret was seen by the daemon that took him in.
 *
 * Return: true if so.
 */
bool state_token_valid(const struct state *s, u64 id, struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_TOKEN, id);

	if (slot == STATE_NONE)
		state_no(res, STATE_WHY_NO_TOKEN, 0, 0, 0);
	else if (state_token_over(s, state_object(s, STATE_TOKENS, slot)) &&
		 !QBD_MUTANT(state_token_expired))
		state_no(res, STATE_WHY_TOKEN_OLD, 0, 0, 0);
	return !res->why;
}

/**
 * state_token_good_for() - may this node come again with this token?
 * @s: the state
 * @id: the token
 * @node: it joined, and its answer was lost
 *
 * Return: true if it is the token with which it joined, which is not used once
 * more and so may be used up, or another one that is valid.
 */
bool state_token_good_for(const struct state *s, u64 id,
			  const struct state_node *node)
{
	u32 slot = state_find(s, STATE_BY_TOKEN, id);
	const struct state_token *token;

	if (slot == STATE_NONE)
		return false;
	token = state_object(s, STATE_TOKENS, slot);
	return token->expires_ms > s->cluster.now_ms &&
	       (token->uses || node->token == id);
}

/**
 * state_token_use() - somebody joined with this token
 * @s: the state
 * @id: a token that is valid
 */
void state_token_use(struct state *s, u64 id)
{
	u32 slot = state_find(s, STATE_BY_TOKEN, id);
	struct state_token *token = state_object(s, STATE_TOKENS, slot);

	state_touch(s, STATE_KIND_TOKEN, id, 0);
	if (token->uses)
		token->uses--;
}
