// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group of Raft servers, step by step: server i + 1 is node i + 1's.
 */
#include "state_world.h"
#include "state/voters.h"

#define AFTER 60000

FIXTURE(voters)
{
	struct sw w;
	struct voters_heard heard[8];
	struct raft_members want;
	struct raft_config conf;
};

FIXTURE_SETUP(voters)
{
	u32 i;

	sw_begin(&self->w, &SW_LIMITS, 8);
	for (i = 0; i < 8; i++) {
		SW_OK(&self->w, NODE_RAFT, .node = i + 1);
		self->heard[i].node = i + 1;
	}
}

FIXTURE_TEARDOWN(voters)
{
}

static u64 server(u64 node)
{
	return STATE_SERVER(node, node);
}

static void group(struct th_fix_voters *self, u32 voters, u32 learners,
		  const u64 *id)
{
	struct raft_members members = { .voters = voters,
					.learners = learners };

	for (u32 i = 0; i < voters + learners; i++)
		members.id[i] = server(id[i]);
	ASSERT_EQ(0, raft_config_simple(&self->conf, &members));
}

static int plan(struct th_fix_voters *self)
{
	return voters_plan(self->w.s, &self->conf, self->heard, 8, &self->want);
}

/* Whoever is asked for is there, and learners catch up; so until all is well.
 */
static u32 settle(struct th_fix_voters *self)
{
	u32 steps = 0, i;

	while (plan(self) == 1) {
		ASSERT_EQ(0, raft_config_simple(&self->conf, &self->want));
		for (i = 0; i < 8; i++)
			self->heard[i].caught_up = true;
		ASSERT_LT(steps++, 30);
	}
	EXPECT_EQ(0, plan(self));
	return steps;
}

static bool votes(struct th_fix_voters *self, u64 id)
{
	return raft_config_votes(&self->conf, server(id));
}

TEST_F(voters, grows)
{
	group(self, 1, 0, (u64[]){ 1 });
	ASSERT_EQ(1, plan(self));
	/* first it learns: the one in the other zone */
	EXPECT_EQ(1, self->want.voters);
	EXPECT_EQ(1, self->want.learners);
	EXPECT_EQ(server(5), self->want.id[1]);
	raft_config_simple(&self->conf, &self->want);
	EXPECT_EQ(0, plan(self)); /* it has not caught up yet */
	self->heard[4].caught_up = true;
	ASSERT_EQ(1, plan(self));
	EXPECT_EQ(2, self->want.voters);
	settle(self);
	EXPECT_EQ(3, hweight32(self->conf.old));
	EXPECT_EQ(0, self->conf.learn);
	EXPECT_TRUE(votes(self, 1) && votes(self, 5) && votes(self, 3));
	SW_OK(&self->w, CLUSTER_SET, .what = STATE_SET_VOTERS, .value = 5);
	settle(self);
	EXPECT_EQ(5, hweight32(self->conf.old));
	SW_OK(&self->w, CLUSTER_SET, .what = STATE_SET_VOTERS, .value = 3);
	settle(self);
	EXPECT_EQ(3, hweight32(self->conf.old));
}

TEST_F(voters, dead_one_is_replaced)
{
	group(self, 3, 0, (u64[]){ 1, 3, 5 });
	EXPECT_EQ(0, plan(self));
	self->heard[4].silent_ms = AFTER - 1;
	EXPECT_EQ(0, plan(self));
	self->heard[4].silent_ms = AFTER;
	ASSERT_EQ(1, plan(self));
	EXPECT_EQ(3, self->want.voters);
	EXPECT_EQ(1, self->want.learners);
	/* of its zone, where nobody else is */
	EXPECT_EQ(server(6), self->want.id[3]);
	settle(self);
	EXPECT_TRUE(votes(self, 6));
	EXPECT_FALSE(votes(self, 5));
}

TEST_F(voters, gone_for_good)
{
	group(self, 3, 0, (u64[]){ 1, 3, 5 });
	SW_OK(&self->w, NODE_STATE, .node = 5, .state = STATE_NODE_DRAINING);
	ASSERT_EQ(1, plan(self));
	settle(self);
	EXPECT_FALSE(votes(self, 5));
	EXPECT_EQ(3, hweight32(self->conf.old));
	/* its log was lost, and with it its id */
	SW_OK(&self->w, NODE_RAFT, .node = 1, .id = server(1));
	settle(self);
	EXPECT_FALSE(votes(self, 1));
}

/* Rule 4: not below a majority of those that live. */
TEST_F(voters, majority)
{
	u32 i;

	group(self, 3, 0, (u64[]){ 1, 3, 5 });
	for (i = 0; i < 8; i++)
		self->heard[i].silent_ms = i == 0 || i == 2 ? 0 : 10000;
	SW_OK(&self->w, NODE_STATE, .node = 3, .state = STATE_NODE_DRAINING);
	/* without 3 there would be 1, and 5 who is silent */
	EXPECT_EQ(0, plan(self));
	self->heard[2].silent_ms = 10000;
	EXPECT_EQ(-EAGAIN, plan(self));
	self->conf.next = 3;
	EXPECT_EQ(-EBUSY, plan(self));
}

/* Nobody takes the place of a dead one: it stays. */
TEST_F(voters, nobody_else)
{
	u32 i;

	group(self, 3, 0, (u64[]){ 1, 3, 5 });
	for (i = 0; i < 8; i++)
		self->heard[i].silent_ms = i == 0 || i == 2 ? 0 : AFTER;
	EXPECT_EQ(0, plan(self));
	/* who is gone for good does not */
	SW_OK(&self->w, NODE_STATE, .node = 5, .state = STATE_NODE_DRAINING);
	ASSERT_EQ(1, plan(self));
	EXPECT_EQ(2, self->want.voters);
}

TEST_F(voters, spreads)
{
	group(self, 3, 0, (u64[]){ 1, 2, 3 });
	EXPECT_GT(settle(self), 1);
	/* two zones, and two racks in the one that has two */
	EXPECT_EQ(1, votes(self, 5) + votes(self, 6) + votes(self, 7) +
			     votes(self, 8));
	EXPECT_EQ(1, votes(self, 1) + votes(self, 2));
	EXPECT_EQ(0, self->conf.learn);
}

TEST_F(voters, wishes)
{
	struct state_cmd cmd = { .kind = STATE_CMD_NODE_SET,
				 .node = 7,
				 .flags = STATE_NODE_SET_WISH |
					  STATE_NODE_SET_ZONE,
				 .wish = STATE_WISH_VOTER,
				 .zone = "z1" };

	ASSERT_EQ(0, sw_do(&self->w, cmd));
	cmd.node = 5;
	cmd.wish = STATE_WISH_NEVER;
	ASSERT_EQ(0, sw_do(&self->w, cmd));
	group(self, 1, 0, (u64[]){ 1 });
	settle(self);
	EXPECT_TRUE(votes(self, 7));
	EXPECT_FALSE(votes(self, 5));
}

TEST_HARNESS_MAIN
