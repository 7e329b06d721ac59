// SPDX-License-Identifier: GPL-2.0-only
/*
 * Repair, rule by rule: what is due, and above all what is not.  The commands
 * go into a real state.
 */
#include "repair_world.h"

/* From the first step to the tombstone, and then nothing more. */
TEST_F(repair, whole)
{
	u64 new;
	u32 i;

	EXPECT_FALSE(due(self));
	node(self, 3, false, AFTER - 1);
	EXPECT_FALSE(due(self)); /* only suspect */
	node(self, 3, false, AFTER);
	new = propose(self, 3);
	EXPECT_FALSE(due(self));
	sw_obey(&self->w); /* made */
	EXPECT_FALSE(due(self)); /* and not filled */
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, new));
	EXPECT_DUE(self, JOINT);
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, say(self, 1, REPAIR_JOINED, 0));
	EXPECT_DUE(self, ADOPT);
	ASSERT_EQ(0, obey(self));
	look(self, 1, 0);
	EXPECT_EQ(STATE_STAGE_SETTLE, (int)self->view.stage);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0,
		  RUN(self, SHARD_SETTLED, .volume = 1, .term = 1, .epoch = 3));
	EXPECT_FALSE(due(self));
	look(self, 1, 0);
	ASSERT_EQ(3, self->view.nr);
	for (i = 0; i < 3; i++)
		EXPECT_NE(3, self->view.member[i].node);
	EXPECT_EQ(1, state_store_by_id(self->w.s, 3)->nr_tombs);
	/* the dead node comes back: it has to delete it, and that is all */
	node(self, 3, true, 0);
	EXPECT_FALSE(due(self));
}

/* L1 is fenced; what it says comes late. */
TEST_F(repair, old_term)
{
	struct repair_said said = { .from = 1,
				    .word = REPAIR_FILLED,
				    .volume = 1,
				    .term = 1,
				    .epoch = 1 };

	node(self, 3, false, AFTER);
	said.replica = propose(self, 3);
	sw_obey(&self->w);
	ASSERT_EQ(0, repair_heard(self->r, self->w.s, &said, self->now));
	attach(self, 1, 2);
	/* it was heard in time, and is not believed any more */
	EXPECT_FALSE(due(self));
	EXPECT_EQ(-EPERM, repair_heard(self->r, self->w.s, &said, self->now));
	said.from = 2;
	EXPECT_EQ(-ESTALE, repair_heard(self->r, self->w.s, &said, self->now));
	said.term = 2;
	said.epoch = 2;
	EXPECT_EQ(-ESTALE, repair_heard(self->r, self->w.s, &said, self->now));
	said.epoch = 1;
	ASSERT_EQ(0, repair_heard(self->r, self->w.s, &said, self->now));
	EXPECT_DUE(self, JOINT);
}

/* D was filled, and given up; E is empty. */
TEST_F(repair, other_copy)
{
	u64 first, second;
	u32 to;

	node(self, 3, false, AFTER);
	first = propose(self, 3);
	to = self->cmd.add[0];
	sw_obey(&self->w);
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, first));
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = to,
			 .state = STATE_STORE_FAILED));
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	second = propose(self, 3);
	EXPECT_NE(first, second);
	EXPECT_NE(to, self->cmd.add[0]);
	sw_obey(&self->w);
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, first));
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, second));
	EXPECT_DUE(self, JOINT);
}

/* What was said long ago may not be so any more. */
TEST_F(repair, old_word)
{
	u64 new;

	node(self, 3, false, AFTER);
	new = propose(self, 3);
	sw_obey(&self->w);
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, new));
	self->now += 10001;
	EXPECT_FALSE(due(self));
}

/* A and C are dead: whatever is done makes it worse. */
TEST_F(repair, no_quorum)
{
	struct repair_counts counts;
	u64 new;

	node(self, 3, false, AFTER);
	node(self, 2, false, 5000);
	EXPECT_FALSE(due(self));
	repair_counts(self->r, &counts);
	EXPECT_EQ(1, counts.bad);
	EXPECT_EQ(1, counts.no_quorum);
	node(self, 2, true, 0);
	new = propose(self, 3);
	sw_obey(&self->w);
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, new));
	/* one dies before the set is joint */
	node(self, 2, false, 5000);
	EXPECT_FALSE(due(self));
	node(self, 2, true, 0);
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, new));
	EXPECT_DUE(self, JOINT);
}

/* C comes back while D learns: D goes. */
TEST_F(repair, comes_back)
{
	node(self, 3, false, AFTER);
	propose(self, 3);
	/* heard, but not there yet */
	node(self, 3, false, 2000);
	EXPECT_FALSE(due(self));
	node(self, 3, true, 0);
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
	/* and has to be silent as long as before */
	node(self, 3, false, AFTER - 1);
	EXPECT_FALSE(due(self));
}

/* When it votes the change goes on. */
TEST_F(repair, comes_back_late)
{
	u64 new;

	node(self, 3, false, AFTER);
	new = propose(self, 3);
	sw_obey(&self->w);
	ASSERT_EQ(0, say(self, 1, REPAIR_FILLED, new));
	EXPECT_DUE(self, JOINT);
	ASSERT_EQ(0, obey(self));
	node(self, 3, true, 0);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, say(self, 1, REPAIR_JOINED, 0));
	EXPECT_DUE(self, ADOPT);
}

/* A new leader has not heard yet what is wrong, and undoes nothing by that. */
TEST_F(repair, new_leader)
{
	u32 i;

	ASSERT_EQ(0, say(self, 3, REPAIR_LOST, 3));
	propose(self, 3);
	repair_begin(self->r, self->now);
	for (i = 1; i <= NODES; i++)
		node(self, i, true, 0);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, say(self, 3, REPAIR_LOST, 3));
	self->now += 20000;
	EXPECT_FALSE(due(self));
	/* one that hears nothing of the kind for that long does */
	repair_begin(self->r, self->now);
	for (i = 1; i <= NODES; i++)
		node(self, i, true, 0);
	self->now += 20000;
	EXPECT_DUE(self, ABORT);
}

/* D's node falls silent: another one, and not that again. */
TEST_F(repair, target_dies)
{
	u32 to;

	node(self, 3, false, AFTER);
	propose(self, 3);
	to = self->cmd.add[0];
	node(self, to, false, 59999);
	EXPECT_FALSE(due(self));
	node(self, to, false, 60000);
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	propose(self, 3);
	EXPECT_NE(to, self->cmd.add[0]);
}

/* D is never made: its store is put off. */
TEST_F(repair, target_not_made)
{
	u32 to;

	node(self, 3, false, AFTER);
	propose(self, 3);
	to = self->cmd.add[0];
	EXPECT_FALSE(due(self));
	self->now += 110000;
	EXPECT_FALSE(due(self));
	self->now += 10000;
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	propose(self, 3);
	EXPECT_NE(to, self->cmd.add[0]);
}

/* Two copies; D dies when the set is joint: back, as A and C are well (V7). */
TEST_F(repair, joint_goes_back)
{
	struct repair_said said = { .from = 5,
				    .word = REPAIR_FILLED,
				    .volume = 2,
				    .term = 1,
				    .epoch = 1 };
	u32 to;

	ASSERT_EQ(2, sw_volume(&self->w, "two", 1, 2, NODES));
	attach(self, 2, 5);
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 2,
			 .state = STATE_STORE_DRAINING));
	/* volume 1 waits for somebody who holds it */
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 1, .term = 1));
	EXPECT_DUE(self, PROPOSE);
	to = self->cmd.add[0];
	ASSERT_EQ(0, obey(self));
	said.replica = self->w.res.arg[0];
	sw_obey(&self->w);
	ASSERT_EQ(0, repair_heard(self->r, self->w.s, &said, self->now));
	EXPECT_DUE(self, JOINT);
	ASSERT_EQ(0, obey(self));
	node(self, to, false, 1000);
	self->now += 8000;
	EXPECT_FALSE(due(self));
	self->now += 8000;
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	look(self, 2, 0);
	EXPECT_EQ(STATE_STAGE_SETTLE, (int)self->view.stage);
	EXPECT_EQ(3, self->view.epoch);
}

/* Nobody leads its shards, or who does has no daemon (V8). */
TEST_F(repair, not_held)
{
	struct repair_counts counts;

	node(self, 3, false, AFTER);
	node(self, 1, false, 5000);
	node(self, 2, true, 0);
	EXPECT_FALSE(due(self));
	repair_counts(self->r, &counts);
	EXPECT_EQ(1, counts.unheld);
	node(self, 1, true, 0);
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 1, .term = 1));
	EXPECT_FALSE(due(self));
	repair_counts(self->r, &counts);
	EXPECT_EQ(1, counts.unheld);
	attach(self, 1, 5);
	propose(self, 3);
}

/* --- holds ---------------------------------------------------------------- */

/* Node @bad is gone for good, and nobody has the volume. */
static void left_alone(struct th_fix_repair *self, u32 bad)
{
	node(self, bad, false, AFTER);
	ASSERT_EQ(0,
		  RUN(self, DETACH, .volume = 1, .node = vol(self, 1)->holder,
		      .term = vol(self, 1)->term));
}

static void unwanted(struct th_fix_repair *self)
{
	ASSERT_EQ(0, RUN(self, VOLUME_SET, .volume = 1,
			 .flags = STATE_VOLUME_SET_WANT));
}

static void settle_time(struct th_fix_repair *self)
{
	EXPECT_FALSE(due(self));
	self->now += 3000;
}

/* It gets a holder for repair: who that is. */
static u32 hold(struct th_fix_repair *self)
{
	ASSERT_TRUE(due(self));
	ASSERT_EQ(STATE_CMD_ATTACH, (int)self->cmd.kind);
	EXPECT_EQ(STATE_ATTACH_REPAIR, self->cmd.flags);
	self->cmd.session = self->now;
	ASSERT_EQ(0, obey(self));
	return vol(self, self->cmd.volume)->holder;
}

static void serves(struct th_fix_repair *self, u32 state)
{
	ASSERT_EQ(0,
		  RUN(self, SERVES, .volume = 1, .node = vol(self, 1)->holder,
		      .term = vol(self, 1)->term, .state = state));
}

static bool due_kind(struct th_fix_repair *self, u32 kind)
{
	return due(self) && self->cmd.kind == kind;
}

/* Held by who has a copy, changed, and let go of. */
TEST_F(repair, held_for_repair)
{
	u64 joins;
	u32 by;

	unwanted(self);
	left_alone(self, 3);
	settle_time(self);
	by = hold(self);
	EXPECT_TRUE(by == 1 || by == 2);
	EXPECT_EQ(STATE_HOLD_REPAIR, (int)vol(self, 1)->hold);
	serves(self, STATE_SERVE_DEVICE);
	joins = propose(self, 3);
	/* however long that takes */
	self->now += 1000000;
	EXPECT_FALSE(due(self));
	look(self, 1, 0);
	ASSERT_EQ(0,
		  RUN(self, SHARD_ABORT, .volume = 1,
		      .term = vol(self, 1)->term, .epoch = self->view.epoch));
	EXPECT_GT(joins, 0);
	/* C is back: there is nothing to be done, and nobody keeps it */
	node(self, 3, true, 0);
	EXPECT_TRUE(due_kind(self, STATE_CMD_DETACH));
	EXPECT_EQ(by, self->cmd.node);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(STATE_HOLD_NONE, (int)vol(self, 1)->hold);
	EXPECT_FALSE(due(self));
}

/* Not between two holders, and later if somebody may attach it by himself. */
TEST_F(repair, hold_waits)
{
	left_alone(self, 3);
	/* it is wanted by who had it */
	EXPECT_EQ(1, vol(self, 1)->want);
	settle_time(self);
	EXPECT_FALSE(due(self));
	unwanted(self);
	EXPECT_NE(0, hold(self));
	/* who attaches it has it, and repair goes on */
	attach(self, 1, 5);
	propose(self, 3);
	EXPECT_FALSE(due(self));
}

/* Who only ends it, as by a detach, is not asked again at once. */
TEST_F(repair, hold_ended)
{
	unwanted(self);
	left_alone(self, 3);
	settle_time(self);
	hold(self);
	EXPECT_TRUE(due_kind(self, STATE_CMD_SHARD_PROPOSE));
	ASSERT_EQ(0,
		  RUN(self, DETACH, .volume = 1, .node = vol(self, 1)->holder,
		      .term = vol(self, 1)->term));
	repair_answered(self->r, &self->cmd, false, self->now);
	EXPECT_FALSE(due(self));
	self->now += 590000;
	EXPECT_FALSE(due(self));
	self->now += 10000;
	hold(self);
}

/* A kernel that can not, or says nothing; a daemon that is gone. */
TEST_F(repair, hold_fails)
{
	u32 by, next;

	unwanted(self);
	left_alone(self, 3);
	settle_time(self);
	by = hold(self);
	serves(self, STATE_SERVE_FAILED);
	while (due_kind(self, STATE_CMD_SHARD_PROPOSE))
		repair_answered(self->r, &self->cmd, false, self->now);
	ASSERT_EQ(STATE_CMD_DETACH, (int)self->cmd.kind);
	ASSERT_EQ(0, obey(self));
	settle_time(self);
	next = hold(self);
	EXPECT_NE(by, next);
	/* the only one with a copy that is left: nobody writes, it is moved */
	node(self, next, false, 60000);
	EXPECT_TRUE(due_kind(self, STATE_CMD_DETACH));
	EXPECT_EQ(next, self->cmd.node);
}

/* Wherever it goes, no host has two. */
TEST_F(repair, no_place)
{
	struct repair_counts counts;

	node(self, 3, false, AFTER);
	node(self, 4, false, 1000);
	node(self, 5, false, 1000);
	ASSERT_EQ(0, RUN(self, NODE_SET, .node = 6, .host = "h0",
			 .flags = STATE_NODE_SET_HOST));
	EXPECT_FALSE(due(self));
	repair_counts(self->r, &counts);
	EXPECT_GT(counts.no_place, 0);
	node(self, 5, true, 0);
	propose(self, 3);
	EXPECT_EQ(5, self->cmd.add[0]);
}

/* A drain moves what is there, one that is called off brings nothing back. */
TEST_F(repair, drain)
{
	u64 new;

	ASSERT_EQ(0, RUN(self, NODE_STATE, .node = 2,
			 .state = STATE_NODE_DRAINING));
	new = propose(self, 2);
	ASSERT_EQ(0,
		  RUN(self, NODE_STATE, .node = 2, .state = STATE_NODE_ACTIVE));
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 2,
			 .state = STATE_STORE_DRAINING));
	EXPECT_LT(new, propose(self, 2));
}

/* What is lost is said by its own node alone. */
TEST_F(repair, lost)
{
	EXPECT_EQ(-EPERM, say(self, 1, REPAIR_LOST, 2));
	EXPECT_EQ(-ESTALE, say(self, 2, REPAIR_LOST, 77));
	EXPECT_EQ(-EINVAL, say(self, 2, 9, 2));
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, say(self, 2, REPAIR_LOST, 2));
	propose(self, 2);
}

/* A command without an answer, one that is refused. */
TEST_F(repair, one_command)
{
	node(self, 3, false, AFTER);
	EXPECT_DUE(self, PROPOSE);
	EXPECT_FALSE(due(self));
	self->now += 10000;
	EXPECT_DUE(self, PROPOSE);
	repair_answered(self->r, &self->cmd, false, self->now);
	EXPECT_FALSE(repair_next(self->r, self->w.s, self->now, &self->cmd,
				 &self->again));
	EXPECT_DUE(self, PROPOSE);
	repair_answered(self->r, &self->cmd, false, self->now);
	self->now += 1000;
	EXPECT_FALSE(repair_next(self->r, self->w.s, self->now, &self->cmd,
				 &self->again));
}

/* Many shards: so many at once, towards one store, and the worst first. */
TEST_F(repair, bounds)
{
	u32 i, towards[NODES + 1] = { 0 }, nr = 0;

	ASSERT_EQ(2, sw_volume(&self->w, "many", 12, 3, NODES));
	attach(self, 2, 1);
	/* shard k on 1+k%6 and the two behind it: of 3, 4, 5 it has two bad */
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 4,
			 .state = STATE_STORE_DRAINING));
	node(self, 5, false, AFTER);
	ASSERT_EQ(0, RUN(self, CLUSTER_SET, .what = STATE_SET_JOBS_AT_ONCE,
			 .value = 5));
	while (due(self)) {
		ASSERT_EQ(STATE_CMD_SHARD_PROPOSE, (int)self->cmd.kind);
		look(self, self->cmd.volume, self->cmd.number);
		for (i = 0; i < 3 && self->view.member[i].node != 5; i++)
			;
		/* all that lost one come before all that only drain */
		EXPECT_LT(i, 3);
		towards[self->cmd.add[0]]++;
		nr++;
		if (nr % 2)
			ASSERT_EQ(0, obey(self));
	}
	EXPECT_EQ(5, nr);
	for (i = 1; i <= NODES; i++)
		EXPECT_LE(towards[i], 2);
	EXPECT_EQ(0, towards[4] + towards[5]);
}

TEST_HARNESS_MAIN
