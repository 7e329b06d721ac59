// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: made in parts, deleted replica by replica.
 */
#include "state_world.h"

FIXTURE(volume)
{
	struct sw w;
};

FIXTURE_SETUP(volume)
{
	sw_begin(&self->w, &SW_LIMITS, 4);
}

FIXTURE_TEARDOWN(volume)
{
}

static struct state_cmd create(const char *name, u32 shards, u32 copies)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .size = shards * SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = copies };

	snprintf(cmd.name, sizeof(cmd.name), "%s", name);
	return cmd;
}

TEST_F(volume, in_parts)
{
	struct sw *w = &self->w;
	const struct state_volume *volume;

	ASSERT_EQ(0, sw_do(w, create("db1", 5, 3)));
	volume = state_volume_by_name(w->s, "db1");
	EXPECT_EQ(1, volume->id);
	EXPECT_EQ(STATE_VOLUME_CREATING, volume->state);
	EXPECT_EQ(0, sw_place(w, 1, 0, 2, 3, 4));
	EXPECT_EQ(2, w->res.arg[0]);
	EXPECT_EQ(5, w->res.arg[1]);
	EXPECT_EQ(STATE_WHY_SHARD_ORDER, sw_place(w, 1, 0, 2, 3, 4));
	EXPECT_EQ(STATE_WHY_SHARD_ORDER, sw_place(w, 1, 3, 2, 3, 4));
	EXPECT_EQ(STATE_WHY_BAD, sw_place(w, 1, 2, 4, 3, 4));
	EXPECT_EQ(0, sw_place(w, 1, 2, 3, 3, 4));
	EXPECT_EQ(15, volume->unmade);
	EXPECT_EQ(STATE_VOLUME_CREATING, volume->state);
	EXPECT_EQ(STATE_WHY_VOLUME_STATE,
		  SW_DO(w, ATTACH, .volume = 1, .node = 1, .session = 1));
	sw_obey(w);
	EXPECT_EQ(0, volume->unmade);
	EXPECT_EQ(STATE_VOLUME_READY, volume->state);
}

TEST_F(volume, what_can_not_be)
{
	struct sw *w = &self->w;
	struct state_cmd cmd = create("db1", 1, 3);

	ASSERT_EQ(0, sw_do(w, cmd));
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(w, cmd));
	EXPECT_EQ(STATE_WHY_NAME, sw_do(w, create("../x", 1, 3)));
	EXPECT_EQ(STATE_WHY_NAME, sw_do(w, create("", 1, 3)));
	EXPECT_EQ(STATE_WHY_COPIES, sw_do(w, create("a", 1, 0)));
	EXPECT_EQ(STATE_WHY_COPIES, sw_do(w, create("a", 1, 8)));
	EXPECT_EQ(STATE_WHY_SIZE, sw_do(w, create("a", 0, 3)));
	EXPECT_EQ(STATE_WHY_SHARDS_FULL, sw_do(w, create("a", 40, 3)));
	cmd = create("a", 1, 3);
	cmd.size = 4097;
	EXPECT_EQ(STATE_WHY_SIZE, sw_do(w, cmd));
	cmd = create("a", 1, 3);
	cmd.shift = 255;
	EXPECT_EQ(STATE_WHY_SIZE, sw_do(w, cmd));
	cmd = create("a", 1, 3);
	cmd.ack = 1;
	EXPECT_EQ(STATE_WHY_POLICY, sw_do(w, cmd));
	cmd.ack = 0;
	cmd.on_no_quorum = 1; /* and no time */
	EXPECT_EQ(STATE_WHY_POLICY, sw_do(w, cmd));
	cmd.on_no_quorum = 0;
	cmd.node = 9;
	EXPECT_EQ(STATE_WHY_NO_NODE, sw_do(w, cmd));
	EXPECT_EQ(STATE_WHY_SAME_NODE, sw_place(w, 1, 0, 1, 3, 2));
}

/* A refused part leaves no trace in the counts of stores. */
TEST_F(volume, part_is_all_or_nothing)
{
	struct sw *w = &self->w;
	u32 i;

	for (i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "v%u", i);
		ASSERT_EQ(0, sw_do(w, create(name, 13, 1)));
	}
	/* a store takes 12: the last shard finds no room */
	EXPECT_EQ(STATE_WHY_STORE_FULL, sw_place(w, 1, 0, 13, 1, 1));
	EXPECT_EQ(0, state_store_by_id(w->s, 1)->nr);
	EXPECT_EQ(0, sw_place(w, 1, 0, 12, 1, 1));
	EXPECT_EQ(12, state_store_by_id(w->s, 1)->nr);
	EXPECT_EQ(STATE_WHY_SHARDS_FULL, sw_do(w, create("w", 2, 1)));
	EXPECT_EQ(0, sw_do(w, create("w", 1, 1)));
}

TEST_F(volume, deleted)
{
	struct sw *w = &self->w;
	struct state_cmd again = create("db1", 2, 3);
	u32 id = sw_volume(w, "db1", 2, 3, 4);

	SW_OK(w, VOLUME_DELETE, .volume = id);
	EXPECT_EQ(STATE_VOLUME_DELETING, state_volume_by_id(w->s, id)->state);
	EXPECT_EQ(STATE_WHY_VOLUME_STATE,
		  SW_DO(w, VOLUME_DELETE, .volume = id));
	/* the name is free when all is gone, the id never is */
	EXPECT_EQ(STATE_WHY_NAME_TAKEN, sw_do(w, again));
	sw_obey(w);
	EXPECT_TRUE(!state_volume_by_id(w->s, id));
	EXPECT_EQ(0, w->s->pool[STATE_SHARDS].nr);
	EXPECT_EQ(0, state_store_by_id(w->s, 1)->nr);
	ASSERT_EQ(0, sw_do(w, again));
	EXPECT_EQ(id + 1, w->res.arg[0]);
	SW_OK(w, VOLUME_DELETE, .volume = id + 1); /* without shards: at once */
	EXPECT_TRUE(!state_volume_by_name(w->s, "db1"));
}

/* A volume that is deleted while a set of it changes. */
TEST_F(volume, deleted_in_a_change)
{
	struct sw *w = &self->w;
	u32 id = sw_volume(w, "db1", 2, 3, 4), number;

	for (number = 0; number < 2; number++)
		SW_OK(w, SHARD_PROPOSE, .volume = id, .number = number,
		      .epoch = 1, .nr_add = 1, .add = { number ? 1 : 4 });
	sw_obey(w);
	SW_OK(w, VOLUME_DELETE, .volume = id);
	sw_obey(w);
	EXPECT_EQ(0, w->s->pool[STATE_CHANGES].nr);
	EXPECT_EQ(0, w->s->pool[STATE_SHARDS].nr);
	EXPECT_TRUE(!state_volume_by_id(w->s, id));
}

TEST_HARNESS_MAIN
