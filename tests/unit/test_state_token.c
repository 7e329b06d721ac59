// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tokens: so often, and until then.
 */
#include "state_world.h"

static u64 token_as(struct sw *w, u64 id, u64 expires_ms, u32 uses)
{
	SW_DO(w, TOKEN_CREATE, .id = id, .key = { 7 }, .total = expires_ms,
	      .value = uses);
	return w->res.why ? 0 : w->res.arg[0];
}

/* Ids are the maker's. */
static u64 token(struct sw *w, u64 expires_ms, u32 uses)
{
	static u64 next = 100;

	return token_as(w, next++, expires_ms, uses);
}

TEST(used_up)
{
	struct state_cmd again;
	struct sw w;
	u64 id;

	sw_begin(&w, &SW_LIMITS, 1);
	id = token(&w, 5000, 2);
	EXPECT_EQ(7, state_token_by_id(w.s, id)->psk[0]);
	EXPECT_EQ(0, sw_do(&w, sw_node_cmd(1, id)));
	/* a refusal uses nothing */
	again = sw_node_cmd(1, id);
	again.key[7] = 7;
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(&w, again));
	EXPECT_EQ(0, sw_do(&w, sw_node_cmd(2, id)));
	EXPECT_EQ(STATE_WHY_TOKEN_OLD, sw_do(&w, sw_node_cmd(3, id)));
	EXPECT_EQ(-EACCES, state_result_errno(&w.res));
}

/* The answer was lost: it is the same node, and uses no second time. */
TEST(comes_again)
{
	struct state_cmd cmd;
	struct sw w;
	u64 id, other;

	sw_begin(&w, &SW_LIMITS, 1);
	id = token(&w, 5000, 1);
	cmd = sw_node_cmd(1, id);
	ASSERT_EQ(0, sw_do(&w, cmd));
	EXPECT_EQ(2, w.res.arg[0]);
	EXPECT_TRUE(state_token_awaited(w.s, id));
	/* what is used up stays as long as he may come, whoever makes another
	 */
	other = token(&w, 5000, 2);
	cmd.addr[0].port = 99;
	memcpy(cmd.rack, "elsewhere", 10);
	ASSERT_EQ(0, sw_do(&w, cmd));
	EXPECT_EQ(2, w.res.arg[0]);
	EXPECT_EQ(2, w.s->nodes);
	EXPECT_EQ(99, state_node_by_id(w.s, 2)->addr[0].port);
	EXPECT_STREQ("r0", state_node_by_id(w.s, 2)->rack);
	cmd.id = other;
	ASSERT_EQ(0, sw_do(&w, cmd));
	EXPECT_EQ(2, state_token_by_id(w.s, other)->uses);
	/* under another name it is somebody else; with no good token, nobody */
	memcpy(cmd.name, "n7", 3);
	EXPECT_EQ(STATE_WHY_KEY_TAKEN, sw_do(&w, cmd));
	cmd = sw_node_cmd(1, 55);
	EXPECT_EQ(STATE_WHY_NO_TOKEN, sw_do(&w, cmd));
	cmd = sw_node_cmd(1, id);
	cmd.addr[0].port = 0;
	EXPECT_EQ(STATE_WHY_ADDR, sw_do(&w, cmd));
	cmd = sw_node_cmd(1, id);
	w.now_ms = 5000;
	EXPECT_EQ(STATE_WHY_TOKEN_OLD, sw_do(&w, cmd));
	/* it has come, and comes once more, with another token: see below */
	w.now_ms = 4000;
	SW_OK(&w, NODE_STATE, .node = 2, .state = STATE_NODE_ACTIVE);
	id = token(&w, 9000, 3);
	EXPECT_FALSE(state_token_awaited(w.s, id));
	ASSERT_EQ(0, sw_do(&w, sw_node_cmd(1, id)));
	EXPECT_EQ(2, w.res.arg[0]);
}

/*
 * Its record is lost, and its key is not: it is who it was. Its server is gone,
 * with whatever that had promised.
 */
TEST(comes_back)
{
	const struct state_node *node;
	struct state_cmd cmd;
	struct sw w;
	u64 id;

	sw_begin(&w, &SW_LIMITS, 3);
	SW_OK(&w, NODE_RAFT, .node = 2);
	SW_OK(&w, NODE_RAFT, .node = 3);
	id = token(&w, 5000, 2);
	cmd = sw_node_cmd(1, id);
	cmd.addr[0].port = 99;
	ASSERT_EQ(0, sw_do(&w, cmd));
	EXPECT_EQ(2, w.res.arg[0]);
	node = state_node_by_id(w.s, 2);
	EXPECT_EQ(STATE_NODE_ACTIVE, node->state);
	EXPECT_EQ(0, node->raft);
	EXPECT_EQ(1, node->nr_stores);
	EXPECT_EQ(99, node->addr[0].port);
	EXPECT_EQ(1, state_token_by_id(w.s, id)->uses);
	/* another one's name, or key: nobody */
	cmd = sw_node_cmd(1, id);
	memcpy(cmd.name, "n2", 3);
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(&w, cmd));
	cmd = sw_node_cmd(1, id);
	memcpy(cmd.key, sw_node_cmd(2, id).key, sizeof(cmd.key));
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(&w, cmd));
	cmd = sw_node_cmd(1, 77);
	EXPECT_EQ(STATE_WHY_NO_TOKEN, sw_do(&w, cmd));
	EXPECT_NE(0, state_node_by_id(w.s, 3)->raft);
	/* who was removed does not */
	SW_OK(&w, STORE_REMOVE, .store = 2);
	SW_OK(&w, NODE_REMOVE, .node = 2);
	EXPECT_EQ(STATE_WHY_KEY_TAKEN, sw_do(&w, sw_node_cmd(1, id)));
}

/* Its key is lost, too: who comes under its name is it, once. */
TEST(awaited)
{
	struct state_cmd cmd;
	struct sw w;
	u64 id;

	sw_begin(&w, &SW_LIMITS, 2);
	SW_OK(&w, NODE_RAFT, .node = 2);
	id = token(&w, 5000, 3);
	EXPECT_EQ(STATE_WHY_NO_NODE,
		  SW_DO(&w, NODE_REKEY, .node = 7, .key = { 1 }));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, NODE_REKEY, .node = 2));
	cmd = sw_node_cmd(0, id);
	cmd.kind = STATE_CMD_NODE_REKEY;
	cmd.node = 2;
	EXPECT_EQ(STATE_WHY_BAD, sw_do(&w, cmd)); /* somebody has that key */
	SW_OK(&w, NODE_REKEY, .node = 2, .key = { 1, 2, 3 });
	EXPECT_EQ(0, state_node_by_id(w.s, 2)->raft);
	EXPECT_TRUE(!state_node_by_key(w.s, sw_node_cmd(1, 0).key));
	/* with a key that is another one's: nobody */
	cmd = sw_node_cmd(1, id);
	memcpy(cmd.key, sw_node_cmd(0, 0).key, sizeof(cmd.key));
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(&w, cmd));
	cmd = sw_node_cmd(1, 77);
	cmd.key[9] = 9;
	EXPECT_EQ(STATE_WHY_NO_TOKEN, sw_do(&w, cmd));
	cmd.id = id;
	ASSERT_EQ(0, sw_do(&w, cmd));
	EXPECT_EQ(2, w.res.arg[0]);
	EXPECT_EQ(9, state_node_by_id(w.s, 2)->key[9]);
	EXPECT_EQ(1, state_node_by_id(w.s, 2)->nr_stores);
	EXPECT_EQ(2, state_token_by_id(w.s, id)->uses);
	cmd.key[9] = 10;
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(&w, cmd));
}

TEST(expires)
{
	struct sw w;
	u64 id;

	sw_begin(&w, &SW_LIMITS, 1);
	id = token(&w, 2000, 5);
	w.now_ms = 1999;
	EXPECT_EQ(0, sw_do(&w, sw_node_cmd(1, id)));
	w.now_ms = 2000;
	EXPECT_EQ(STATE_WHY_TOKEN_OLD, sw_do(&w, sw_node_cmd(2, id)));
	w.now_ms = 1500; /* a proposer whose clock is late does not help */
	EXPECT_EQ(STATE_WHY_TOKEN_OLD, sw_do(&w, sw_node_cmd(2, id)));
	EXPECT_EQ(0, token(&w, 1900, 1));
	EXPECT_EQ(STATE_WHY_BAD, w.res.why);
}

TEST(revoked_and_full)
{
	struct sw w;
	u64 id;

	sw_begin(&w, &SW_LIMITS, 1);
	id = token(&w, 5000, 1);
	SW_OK(&w, TOKEN_REVOKE, .id = id);
	EXPECT_EQ(STATE_WHY_NO_TOKEN, SW_DO(&w, TOKEN_REVOKE, .id = id));
	EXPECT_EQ(STATE_WHY_NO_TOKEN, sw_do(&w, sw_node_cmd(1, id)));
	EXPECT_EQ(id + 1, token_as(&w, id + 1, 3000, 1));
	EXPECT_EQ(0, token_as(&w, id + 1, 3000, 1)); /* it is in use */
	EXPECT_EQ(STATE_WHY_BAD, w.res.why);
	EXPECT_EQ(0, token_as(&w, 0, 3000, 1));
	EXPECT_EQ(id + 2, token_as(&w, id + 2, 3000, 1));
	EXPECT_EQ(0, token_as(&w, id + 3, 3000, 1));
	EXPECT_EQ(STATE_WHY_TOKENS_FULL, w.res.why);
	w.now_ms = 4000; /* those that are over make room */
	EXPECT_EQ(id + 3, token_as(&w, id + 3, 5000, 1));
	EXPECT_TRUE(!state_token_by_id(w.s, id + 1));
	EXPECT_EQ(0, token(&w, 5000, 0));
}

TEST_HARNESS_MAIN
