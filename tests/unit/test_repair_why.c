// SPDX-License-Identifier: GPL-2.0-only
/*
 * What repair waits for, as people are told: each reason, in words, from the
 * execution that makes it, and gone when that ends.  (Node 3 is named n2.)
 */
#include "repair_world.h"

static char waits[REPAIR_WHY_TEXT], todo[REPAIR_WHY_TEXT];
static struct repair_why why;

static u32 ask(struct th_fix_repair *self)
{
	repair_why(self->r, self->w.s, 1, self->now, &why);
	repair_why_text(self->w.s, vol(self, 1), &why, waits, todo);
	return why.wait;
}

#define EXPECT_WAIT(self, is, says, hint)                                \
	do {                                                             \
		EXPECT_EQ((u32)REPAIR_WAIT_##is, ask(self));             \
		if (!strstr(waits, says) || !strstr(todo, hint))         \
			printf("# waits for '%s', '%s'\n", waits, todo); \
		EXPECT_TRUE(strstr(waits, says) && strstr(todo, hint));  \
	} while (0)

/* A node is silent, stays so, and its copy is made elsewhere. */
TEST_F(repair, node_away)
{
	struct repair_all all;

	EXPECT_WAIT(self, NOT, "", "");
	EXPECT_EQ(0, why.unknown);
	node(self, 3, false, AFTER - 252000);
	EXPECT_WAIT(self, NODE, "4m12s for node n2 to return",
		    "node remove n2 --force");
	EXPECT_EQ(1, why.unknown);
	EXPECT_EQ(0, why.bad);
	repair_why_all(self->r, self->w.s, &all);
	EXPECT_EQ(1, all.unknown);
	EXPECT_EQ(0, all.bad);
	ASSERT_EQ(1, all.nr);
	EXPECT_EQ(1, all.volume[0]);
	node(self, 3, false, AFTER);
	EXPECT_WAIT(self, SOON, "begins now", "");
	EXPECT_EQ(1, why.bad);
	propose(self, 3);
	EXPECT_WAIT(self, CHANGE, "shard 0", "job list");
	EXPECT_EQ(1, why.changing);
	node(self, 3, true, 0);
	EXPECT_WAIT(self, NOT, "", "");
	repair_why_all(self->r, self->w.s, &all);
	EXPECT_EQ(0, all.nr);
	EXPECT_EQ(0, all.unknown);
}

/* A store is gone: by the clock of the state. */
TEST_F(repair, store_away)
{
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 2,
			 .state = STATE_STORE_GONE));
	EXPECT_WAIT(self, STORE, "for store 2 of node n1 to return", "disk");
	EXPECT_TRUE(why.left_ms && why.left_ms <= AFTER);
	EXPECT_EQ(1, why.unknown);
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 2,
			 .state = STATE_STORE_FAILED));
	EXPECT_WAIT(self, SOON, "", "");
	EXPECT_EQ(0, why.unknown);
}

/* Two of three, or one that is bad and one that is silent: nothing is begun. */
TEST_F(repair, quorum_away)
{
	node(self, 3, false, AFTER);
	node(self, 2, false, 5000);
	EXPECT_WAIT(self, QUORUM, "more than half of the copies of shard 0",
		    "bring");
	EXPECT_EQ(2, why.unknown);
	EXPECT_EQ(1, why.bad);
	node(self, 3, false, 5000);
	EXPECT_WAIT(self, QUORUM, "more than half", "bring");
}

/* Nobody leads its shards. */
TEST_F(repair, nobody_leads)
{
	node(self, 3, false, AFTER);
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 1, .term = 1));
	EXPECT_WAIT(self, UNHELD, "nobody holds it", "volume attach db1");
	attach(self, 1, 4);
	node(self, 4, false, 5000);
	EXPECT_WAIT(self, HOLDER, "node n3, which holds it", "start qbdd");
	node(self, 4, true, 0);
	EXPECT_WAIT(self, SOON, "", "");
}

/* No other host has room; or each takes as much as it may. */
TEST_F(repair, no_place)
{
	u32 i;

	node(self, 3, false, AFTER);
	for (i = 4; i <= NODES; i++)
		ASSERT_EQ(0, RUN(self, STORE_STATE, .store = i,
				 .state = STATE_STORE_DRAINING));
	EXPECT_WAIT(self, PLACE, "no store has room in another domain",
		    "add a store");
	EXPECT_EQ(3, why.place.copies);
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 4,
			 .state = STATE_STORE_ACTIVE));
	EXPECT_WAIT(self, SOON, "", "");
	/* it fails as a target: not again for a while */
	propose(self, 3);
	ASSERT_EQ(0, say(self, 4, REPAIR_LOST, self->w.res.arg[0]));
	EXPECT_DUE(self, ABORT);
	ASSERT_EQ(0, obey(self));
	EXPECT_WAIT(self, TARGET, "failed lately", "add a store");
}

/* The state refused it. */
TEST_F(repair, refused)
{
	node(self, 3, false, AFTER);
	EXPECT_DUE(self, PROPOSE);
	repair_answered(self->r, &self->cmd, false, self->now);
	EXPECT_WAIT(self, REFUSED, "1s: the last attempt", "repair-refused");
	self->now += 2000;
	EXPECT_WAIT(self, SOON, "", "");
}

/* A copy that is lost is nobody's to wait for. */
TEST_F(repair, lost)
{
	struct repair_all all;

	ASSERT_EQ(0, say(self, 3, REPAIR_LOST, 3));
	EXPECT_WAIT(self, SOON, "", "");
	EXPECT_EQ(1, why.bad);
	EXPECT_EQ(0, why.unknown);
	repair_why_all(self->r, self->w.s, &all);
	EXPECT_EQ(1, all.bad);
	EXPECT_EQ(1, all.nr);
	ASSERT_EQ(0, RUN(self, STORE_STATE, .store = 3,
			 .state = STATE_STORE_FAILED));
	repair_why_all(self->r, self->w.s, &all);
	EXPECT_EQ(1, all.bad); /* and not counted twice */
}

/* A volume that is being made, or is not there, has nothing to say. */
TEST_F(repair, no_volume)
{
	repair_why(self->r, self->w.s, 77, self->now, &why);
	EXPECT_EQ((u32)REPAIR_WAIT_NOT, why.wait);
	EXPECT_EQ(0, why.unknown);
}

TEST_HARNESS_MAIN
