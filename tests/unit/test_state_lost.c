// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node is given up for lost: what it had failed, it is nobody from then on,
 * and no set loses its quorum by that.
 */
#include "state_world.h"

FIXTURE(lost)
{
	struct sw w;
	u64 token;
};

FIXTURE_SETUP(lost)
{
	sw_begin(&self->w, &SW_LIMITS, 3);
	self->token = 1;
}

FIXTURE_TEARDOWN(lost)
{
}

/* It never comes back: what it had failed, and it is nobody from then on. */
TEST_F(lost, for_good)
{
	struct sw *w = &self->w;
	struct state_cmd cmd = sw_node_cmd(2, self->token), again;

	EXPECT_EQ(STATE_WHY_UNKNOWN, SW_DO(w, NODE_LOST, .node = 3));
	SW_OK(w, CLUSTER_SET, .what = STATE_SET_LEVEL, .value = 2);
	EXPECT_EQ(STATE_WHY_NO_NODE, SW_DO(w, NODE_LOST, .node = 9));
	ASSERT_EQ(1, sw_volume(w, "db1", 2, 3, 3));
	SW_OK(w, ATTACH, .volume = 1, .node = 3, .session = 5);
	EXPECT_EQ(STATE_WHY_NODE_HOLDS, SW_DO(w, NODE_LOST, .node = 3));
	SW_OK(w, ATTACH, .volume = 1, .node = 1, .session = 6,
	      .flags = STATE_ATTACH_FORCE);
	/* one of the others failed: only with it there are enough */
	SW_OK(w, STORE_STATE, .store = 2, .state = STATE_STORE_FAILED);
	EXPECT_EQ(STATE_WHY_LOST_ONLY, SW_DO(w, NODE_LOST, .node = 3));
	EXPECT_EQ(1, w->res.arg[1]);
	SW_OK(w, STORE_STATE, .store = 2, .state = STATE_STORE_ACTIVE);
	SW_OK(w, NODE_LOST, .node = 3);
	EXPECT_EQ(2, w->res.arg[0]);
	EXPECT_EQ(STATE_STORE_FAILED, state_store_by_id(w->s, 3)->state);
	EXPECT_EQ(2, state_store_by_id(w->s, 3)->nr);
	EXPECT_TRUE(state_node_refused(state_node_by_id(w->s, 3)));
	/* nothing makes it one that is there */
	EXPECT_EQ(STATE_WHY_NODE_LOST,
		  SW_DO(w, NODE_STATE, .node = 3, .state = STATE_NODE_ACTIVE));
	again = cmd;
	again.kind = STATE_CMD_NODE_REKEY;
	again.node = 3;
	again.key[7] = 7;
	EXPECT_EQ(STATE_WHY_NODE_LOST, sw_do(w, again));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, NODE_RAFT, .node = 3));
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(w, cmd));
	/* and it goes when its copies are elsewhere, or their volume is gone */
	EXPECT_EQ(STATE_WHY_STORE_HOLDS, SW_DO(w, STORE_REMOVE, .store = 3));
	SW_OK(w, DETACH, .volume = 1, .node = 1, .term = 2);
	SW_OK(w, VOLUME_DELETE, .volume = 1);
	SW_OK(w, STORE_REMOVE, .store = 3);
	SW_OK(w, NODE_REMOVE, .node = 3);
	EXPECT_EQ(STATE_WHY_KEY_TAKEN, sw_do(w, cmd));
}

static bool not_on(void *arg, const struct state_member_view *member)
{
	const u32 *nodes = arg;

	return !(*nodes >> member->node & 1);
}

/* Of a joint set both have to have a quorum; who learns counts for nothing. */
TEST(left)
{
	struct state_shard_view view = {
		.nr = 5,
		.member = { { .node = 1, .made = true },
			    { .node = 2, .made = true },
			    { .node = 3, .made = true },
			    { .node = 4,
			      .made = true,
			      .role = STATE_ROLE_LEARNER },
			    { .node = 5,
			      .made = true,
			      .role = STATE_ROLE_GONE } },
	};
	u32 none = 0, one = BIT(3), two = BIT(2) | BIT(3), four = BIT(4);

	EXPECT_TRUE(state_left(&view, not_on, &none));
	EXPECT_TRUE(state_left(&view, not_on, &one));
	EXPECT_FALSE(state_left(&view, not_on, &two));
	view.member[0].made = false;
	EXPECT_FALSE(state_left(&view, not_on, &one));
	view.member[0].made = true;
	/* {1, 2, 3} and {1, 2, 4} */
	view.stage = STATE_STAGE_JOINT;
	view.member[2].role = STATE_ROLE_LEAVING;
	view.member[3].role = STATE_ROLE_JOINING;
	EXPECT_TRUE(state_left(&view, not_on, &one));
	EXPECT_TRUE(state_left(&view, not_on, &four));
	four |= BIT(1);
	EXPECT_FALSE(state_left(&view, not_on, &four));
	EXPECT_FALSE(state_left(&view, not_on, &two));
}

TEST_HARNESS_MAIN
