// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes: who may join, and who never again.
 */
#include "state_world.h"

FIXTURE(node)
{
	struct sw w;
	u64 token;
};

FIXTURE_SETUP(node)
{
	sw_begin(&self->w, &SW_LIMITS, 3);
	self->token = 1;
}

FIXTURE_TEARDOWN(node)
{
}

TEST_F(node, joins)
{
	struct sw *w = &self->w;
	struct state_cmd cmd = sw_node_cmd(3, self->token);
	const struct state_node *node;

	ASSERT_EQ(0, sw_do(w, cmd));
	node = state_node_by_id(w->s, 4);
	EXPECT_EQ(STATE_NODE_JOINING, node->state);
	EXPECT_EQ(node, state_node_by_name(w->s, "n3"));
	EXPECT_EQ(node, state_node_by_key(w->s, cmd.key));
	EXPECT_STREQ("r1", node->rack);
	SW_OK(w, NODE_RAFT, .node = 4);
	EXPECT_EQ(STATE_SERVER(4, 1), w->res.arg[0]);
	/* its log was lost: another id, and only from the one that it has */
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, NODE_RAFT, .node = 4));
	SW_OK(w, NODE_RAFT, .node = 4, .id = STATE_SERVER(4, 1));
	EXPECT_EQ(STATE_SERVER(4, 2), node->raft);
}

TEST_F(node, may_not_join)
{
	struct sw *w = &self->w;
	struct state_cmd cmd = sw_node_cmd(3, 0);

	EXPECT_EQ(STATE_WHY_NO_TOKEN, sw_do(w, cmd));
	cmd = sw_node_cmd(3, self->token);
	memcpy(cmd.name, "n0", 3);
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(w, cmd));
	cmd = sw_node_cmd(3, self->token);
	cmd.key[0] = 0;
	EXPECT_EQ(STATE_WHY_KEY_TAKEN, sw_do(w, cmd));
	sw_text_is(w, "the key is in use by node n0");
	cmd = sw_node_cmd(3, self->token);
	memset(cmd.key, 0, 32);
	EXPECT_EQ(STATE_WHY_BAD, sw_do(w, cmd));
	cmd = sw_node_cmd(3, self->token);
	cmd.addr[0].port = 0;
	EXPECT_EQ(STATE_WHY_ADDR, sw_do(w, cmd));
	cmd = sw_node_cmd(3, self->token);
	cmd.addr[0].ip[7] = 1; /* more than IPv4 has */
	EXPECT_EQ(STATE_WHY_ADDR, sw_do(w, cmd));
	cmd = sw_node_cmd(3, self->token);
	cmd.nr_labels = 2;
	memcpy(cmd.label[0].key, "ssd", 4);
	memcpy(cmd.label[1].key, "ssd", 4);
	EXPECT_EQ(STATE_WHY_LABEL, sw_do(w, cmd));
	cmd = sw_node_cmd(3, self->token);
	cmd.wish = 3;
	EXPECT_EQ(STATE_WHY_BAD, sw_do(w, cmd));
	EXPECT_EQ(3, w->s->nodes);
}

/* What is not named stays, whoever changed it meanwhile. */
TEST_F(node, set)
{
	struct sw *w = &self->w;
	const struct state_node *node = state_node_by_id(w->s, 1);
	struct state_cmd cmd = sw_node_cmd(9, 0), zone = { .node = 1 };

	cmd.kind = STATE_CMD_NODE_SET;
	cmd.node = 1;
	cmd.wish = STATE_WISH_NEVER;
	cmd.nr_labels = 1;
	memcpy(cmd.label[0].key, "disk", 5);
	cmd.flags = STATE_NODE_SET_ALL & ~STATE_NODE_SET_ZONE;
	ASSERT_EQ(0, sw_do(w, cmd));
	EXPECT_STREQ("z0", node->zone);
	zone.kind = STATE_CMD_NODE_SET;
	memcpy(zone.zone, "zz", 3);
	EXPECT_EQ(STATE_WHY_BAD, sw_do(w, zone));
	zone.flags = STATE_NODE_SET_ALL + 1;
	EXPECT_EQ(STATE_WHY_BAD, sw_do(w, zone));
	zone.flags = STATE_NODE_SET_ZONE;
	ASSERT_EQ(0, sw_do(w, zone));
	EXPECT_STREQ("zz", node->zone);
	EXPECT_STREQ("r4", node->rack);
	EXPECT_STREQ("h9", node->host);
	EXPECT_EQ(STATE_WISH_NEVER, node->wish);
	EXPECT_EQ(1, node->nr_addrs);
	EXPECT_EQ(10, node->addr[0].ip[3]);
	EXPECT_STREQ("disk", node->label[0].key);
}

TEST_F(node, removed_for_ever)
{
	struct sw *w = &self->w;
	struct state_cmd cmd = sw_node_cmd(2, self->token);

	EXPECT_EQ(STATE_WHY_NODE_STORES, SW_DO(w, NODE_REMOVE, .node = 3));
	SW_OK(w, STORE_REMOVE, .store = 3);
	SW_OK(w, NODE_REMOVE, .node = 3);
	EXPECT_EQ(STATE_WHY_NODE_STATE, SW_DO(w, NODE_REMOVE, .node = 3));
	EXPECT_EQ(STATE_WHY_NODE_STATE,
		  SW_DO(w, NODE_STATE, .node = 3, .state = STATE_NODE_ACTIVE));
	/* the name is free, the key never is */
	EXPECT_EQ(STATE_WHY_KEY_TAKEN, sw_do(w, cmd));
	cmd.key[5] = 9;
	ASSERT_EQ(0, sw_do(w, cmd));
	EXPECT_EQ(4, w->res.arg[0]);
	EXPECT_EQ(4, state_node_by_name(w->s, "n2")->id);
}

TEST_F(node, tombstones_make_room)
{
	struct sw *w = &self->w;
	u32 i;

	for (i = 3; i < 8; i++)
		ASSERT_EQ(0, sw_do(w, sw_node_cmd(i, self->token)));
	EXPECT_EQ(STATE_WHY_NODES_FULL, sw_do(w, sw_node_cmd(8, self->token)));
	for (i = 8; i < 12; i++) {
		SW_OK(w, NODE_REMOVE, .node = i - 4);
		ASSERT_EQ(0, sw_do(w, sw_node_cmd(i, self->token)));
	}
	/* of ten slots eight are of the living: two are remembered */
	EXPECT_TRUE(!state_node_by_id(w->s, 4));
	EXPECT_TRUE(!state_node_by_id(w->s, 5));
	EXPECT_EQ(STATE_NODE_REMOVED, state_node_by_id(w->s, 6)->state);
	EXPECT_EQ(12, state_node_by_name(w->s, "n11")->id);
}

TEST_F(node, unwanted_volumes)
{
	struct sw *w = &self->w;

	sw_volume(w, "db1", 1, 2, 2);
	SW_OK(w, VOLUME_SET, .volume = 1, .flags = STATE_VOLUME_SET_ALL,
	      .node = 3, .nr_autos = 3, .autos = { 1, 3, 2 });
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, VOLUME_SET, .volume = 1,
				       .flags = STATE_VOLUME_SET_AUTOS,
				       .nr_autos = 2, .autos = { 1, 1 }));
	SW_OK(w, STORE_REMOVE, .store = 3);
	SW_OK(w, NODE_REMOVE, .node = 3);
	EXPECT_EQ(0, state_volume_by_id(w->s, 1)->want);
	EXPECT_EQ(2, state_volume_by_id(w->s, 1)->nr_autos);
	EXPECT_EQ(2, state_volume_by_id(w->s, 1)->autos[1]);
}

TEST_HARNESS_MAIN
