// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps in which a set changes: S6, S11.
 */
#include "state_world.h"

FIXTURE(shard)
{
	struct sw w;
};

FIXTURE_SETUP(shard)
{
	struct sw *w = &self->w;

	sw_begin(w, &SW_LIMITS, 6);
	ASSERT_EQ(1, sw_volume(w, "db1", 2, 3, 3));
	SW_OK(w, ATTACH, .volume = 1, .node = 5, .session = 9);
}

FIXTURE_TEARDOWN(shard)
{
}

static struct state_shard_view view(struct sw *w, u32 number)
{
	struct state_shard_view shard;

	ASSERT_EQ(0, state_view_shard(w->s, 1, number, &shard));
	return shard;
}

static u32 step(struct sw *w, u8 kind, u64 term, u64 epoch)
{
	return sw_do(w, (struct state_cmd){ .kind = kind,
					    .volume = 1,
					    .term = term,
					    .epoch = epoch });
}

/* Replica 1, on node 1, makes way for one on node 4. */
static u32 propose(struct sw *w)
{
	return SW_DO(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = 1,
		     .nr_add = 1, .add = { 4 }, .nr_del = 1, .del = { 1 });
}

static u32 todo(struct sw *w, u32 node, u64 replica)
{
	struct state_replica_view replica_view;
	struct state_replicas walk;

	ASSERT_EQ(0, state_replicas_begin(&walk, w->s, node));
	while (state_replicas_next(&walk, &replica_view))
		if (replica_view.replica == replica)
			return replica_view.todo;
	return STATE_NONE;
}

TEST_F(shard, replaced)
{
	struct sw *w = &self->w;
	struct state_shard_view now;

	ASSERT_EQ(0, propose(w));
	EXPECT_EQ(7, w->res.arg[0]);
	now = view(w, 0);
	EXPECT_EQ(4, now.nr);
	EXPECT_EQ(STATE_ROLE_LEARNER, now.member[3].role);
	EXPECT_EQ(STATE_ROLE_VOTER, now.member[0].role);
	EXPECT_EQ(STATE_TODO_CREATE, todo(w, 4, 7));
	EXPECT_EQ(STATE_WHY_NOT_MADE, step(w, STATE_CMD_SHARD_JOINT, 1, 1));
	sw_obey(w);
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_JOINT, 1, 1));
	EXPECT_EQ(2, w->res.arg[0]);
	now = view(w, 0);
	EXPECT_EQ(STATE_ROLE_LEAVING, now.member[0].role);
	EXPECT_EQ(STATE_ROLE_JOINING, now.member[3].role);
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_ADOPT, 1, 2));
	EXPECT_EQ(3, w->res.arg[0]);
	now = view(w, 0);
	EXPECT_EQ(STATE_ROLE_VOTER, now.member[2].role);
	EXPECT_EQ(7, now.member[2].replica);
	EXPECT_EQ(STATE_ROLE_GONE, now.member[3].role);
	/* it stays until the holder's kernel has the new set */
	EXPECT_EQ(STATE_TODO_KEEP, todo(w, 1, 1));
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_SETTLED, 1, 3));
	EXPECT_EQ(STATE_TODO_DELETE, todo(w, 1, 1));
	sw_obey(w);
	EXPECT_EQ(STATE_NONE, todo(w, 1, 1));
	EXPECT_EQ(3, view(w, 0).nr);
	EXPECT_EQ(0, view(w, 0).stage);
}

/* S6: what a fenced holder says changes nothing. */
TEST_F(shard, not_under_another_term)
{
	struct sw *w = &self->w;

	ASSERT_EQ(0, propose(w));
	sw_obey(w);
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_JOINT, 1, 1));
	SW_OK(w, ATTACH, .volume = 1, .node = 6, .session = 10,
	      .flags = STATE_ATTACH_FORCE);
	EXPECT_EQ(STATE_WHY_TERM, step(w, STATE_CMD_SHARD_ADOPT, 1, 2));
	sw_text_is(w, "volume db1 has term 2 by now, not 1");
	EXPECT_EQ(STATE_WHY_TERM, step(w, STATE_CMD_SHARD_ABORT, 1, 2));
	EXPECT_EQ(STATE_WHY_EPOCH, step(w, STATE_CMD_SHARD_ADOPT, 2, 1));
	EXPECT_EQ(STATE_STAGE_JOINT, view(w, 0).stage);
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_ADOPT, 2, 2));
}

TEST_F(shard, aborted)
{
	struct sw *w = &self->w;

	/* a learner counts for nothing: it goes at once */
	ASSERT_EQ(0, propose(w));
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_ABORT, 1, 1));
	EXPECT_EQ(STATE_TODO_DELETE, todo(w, 4, 7));
	EXPECT_EQ(1, view(w, 0).epoch);
	sw_obey(w);
	ASSERT_EQ(0, propose(w));
	EXPECT_EQ(8, w->res.arg[0]);
	sw_obey(w);
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_JOINT, 1, 1));
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_ABORT, 1, 2));
	EXPECT_EQ(3, view(w, 0).epoch);
	EXPECT_EQ(STATE_TODO_KEEP, todo(w, 4, 8));
	EXPECT_EQ(STATE_WHY_STAGE, step(w, STATE_CMD_SHARD_ADOPT, 1, 3));
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_SETTLED, 1, 3));
	EXPECT_EQ(STATE_TODO_DELETE, todo(w, 4, 8));
	EXPECT_EQ(1, view(w, 0).member[0].replica);
}

/*
 * S6, S16: the lost ones may have made the sets 2 and 3 of this shard, others
 * than those that follow now; and what goes may know them.
 */
TEST_F(shard, restored)
{
	struct sw *w = &self->w;
	u64 floor;

	ASSERT_EQ(0, propose(w));
	sw_obey(w);
	SW_OK(w, CLUSTER_RESTORE, .session = 5, .node = 1,
	      .id = STATE_SERVER(1, 9));
	floor = w->res.arg[0];
	/* what is in force is what a quorum may have, or has gone past */
	EXPECT_EQ(1, view(w, 0).epoch);
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_JOINT, 1, 1));
	EXPECT_EQ(floor + 1, view(w, 0).epoch);
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_ADOPT, 1, floor + 1));
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_SETTLED, 1, floor + 2));
	EXPECT_EQ(floor + 2, view(w, 0).epoch);
}

TEST_F(shard, what_can_not_be)
{
	static const struct {
		struct state_cmd cmd;
		u32 why;
	} bad[] = {
		{ { .term = 1, .epoch = 1 }, STATE_WHY_SET },
		{ { .term = 1, .epoch = 1, .nr_del = 3, .del = { 1, 2, 3 } },
		  STATE_WHY_SET },
		{ { .term = 1, .epoch = 1, .nr_del = 1, .del = { 4 } },
		  STATE_WHY_NO_REPLICA },
		{ { .term = 1, .epoch = 1, .nr_del = 2, .del = { 1, 1 } },
		  STATE_WHY_NO_REPLICA },
		{ { .term = 1, .epoch = 1, .nr_add = 1, .add = { 2 } },
		  STATE_WHY_SAME_NODE },
		{ { .term = 1, .epoch = 1, .nr_add = 2, .add = { 4, 4 } },
		  STATE_WHY_SAME_NODE },
		{ { .term = 1, .epoch = 1, .nr_add = 1, .add = { 99 } },
		  STATE_WHY_NO_STORE },
		{ { .term = 2, .epoch = 1, .nr_add = 1, .add = { 4 } },
		  STATE_WHY_TERM },
		{ { .term = 1, .epoch = 2, .nr_add = 1, .add = { 4 } },
		  STATE_WHY_EPOCH },
		{ { .number = 2, .term = 1, .epoch = 1 }, STATE_WHY_NO_SHARD },
	};
	struct sw *w = &self->w;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct state_cmd cmd = bad[i].cmd;

		cmd.kind = STATE_CMD_SHARD_PROPOSE;
		cmd.volume = 1;
		EXPECT_EQ(bad[i].why, sw_do(w, cmd));
	}
	ASSERT_EQ(0, propose(w));
	EXPECT_EQ(STATE_WHY_CHANGING, propose(w));
	EXPECT_EQ(STATE_WHY_STAGE, step(w, STATE_CMD_SHARD_SETTLED, 1, 1));
}

/* Four copies and five need more memory, and give it back. */
TEST_F(shard, wide_and_back)
{
	struct sw *w = &self->w;
	u64 epoch = 1;

	SW_OK(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = epoch,
	      .nr_add = 2, .add = { 4, 5 });
	sw_obey(w);
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_JOINT, 1, epoch++));
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_ADOPT, 1, epoch++));
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_SETTLED, 1, epoch));
	EXPECT_EQ(5, view(w, 0).nr);
	EXPECT_EQ(1, w->s->pool[STATE_WIDES].nr);
	SW_OK(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = epoch,
	      .nr_del = 3, .del = { 1, 2, 7 });
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_JOINT, 1, epoch++));
	ASSERT_EQ(0, step(w, STATE_CMD_SHARD_ADOPT, 1, epoch++));
	EXPECT_EQ(0, w->s->pool[STATE_WIDES].nr);
	EXPECT_EQ(3, view(w, 0).member[0].replica);
	EXPECT_EQ(8, view(w, 0).member[1].replica);
	EXPECT_EQ(5, view(w, 0).nr); /* with those that are to go */
}

/* Tombstones that find no room: the step waits, and nothing is lost. */
TEST_F(shard, tombs_full)
{
	struct sw *w = &self->w;
	u32 i;

	for (i = 0; i < SW_LIMITS.tombs / 2; i++) {
		SW_OK(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = 1,
		      .nr_add = 2, .add = { 4, 5 });
		ASSERT_EQ(0, step(w, STATE_CMD_SHARD_ABORT, 1, 1));
	}
	SW_OK(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = 1, .nr_add = 1,
	      .add = { 6 });
	EXPECT_EQ(STATE_WHY_TOMBS_FULL, step(w, STATE_CMD_SHARD_ABORT, 1, 1));
	EXPECT_EQ(STATE_STAGE_LEARN, view(w, 0).stage);
	sw_obey(w);
	EXPECT_EQ(0, step(w, STATE_CMD_SHARD_ABORT, 1, 1));
}

TEST_HARNESS_MAIN
