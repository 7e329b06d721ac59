// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies, and growth: decided on first, then made, then served.
 */
#include "state_world.h"

FIXTURE(resize)
{
	struct sw w;
};

FIXTURE_SETUP(resize)
{
	sw_begin(&self->w, &SW_LIMITS, 4);
	ASSERT_EQ(1, sw_volume(&self->w, "db1", 2, 3, 4));
}

FIXTURE_TEARDOWN(resize)
{
}

static const struct state_volume *vol(struct sw *w)
{
	return state_volume_by_id(w->s, 1);
}

static u32 resize(struct sw *w, u64 size)
{
	return SW_DO(w, VOLUME_RESIZE, .volume = 1, .size = size);
}

TEST_F(resize, in_use)
{
	struct sw *w = &self->w;

	SW_OK(w, ATTACH, .volume = 1, .node = 1, .session = 5);
	ASSERT_EQ(0, resize(w, 3 * SW_SHARD));
	EXPECT_EQ(2, w->res.arg[0]);
	EXPECT_EQ(3, w->res.arg[1]);
	EXPECT_EQ(STATE_WHY_GROWING, resize(w, 4 * SW_SHARD));
	EXPECT_EQ(0, resize(w, 3 * SW_SHARD)); /* the same again */
	EXPECT_EQ(STATE_WHY_SIZE, SW_DO(w, VOLUME_GROWN, .volume = 1, .term = 1,
					.size = 3 * SW_SHARD));
	ASSERT_EQ(0, sw_place(w, 1, 2, 1, 3, 4));
	sw_obey(w);
	/* made, but its kernel has not said that it serves it */
	EXPECT_EQ(2 * SW_SHARD, vol(w)->size);
	EXPECT_EQ(STATE_WHY_TERM, SW_DO(w, VOLUME_GROWN, .volume = 1, .term = 2,
					.size = 3 * SW_SHARD));
	SW_OK(w, VOLUME_GROWN, .volume = 1, .term = 1, .size = 3 * SW_SHARD);
	EXPECT_EQ(3 * SW_SHARD, vol(w)->size);
	EXPECT_EQ(0, vol(w)->grow);
}

/* S7: whoever attaches after all is made opens the new shards too. */
TEST_F(resize, next_attach_has_it)
{
	struct sw *w = &self->w;

	SW_OK(w, ATTACH, .volume = 1, .node = 1, .session = 5);
	ASSERT_EQ(0, resize(w, 3 * SW_SHARD));
	ASSERT_EQ(0, sw_place(w, 1, 2, 1, 3, 4));
	sw_obey(w);
	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 6,
	      .flags = STATE_ATTACH_FORCE);
	EXPECT_EQ(3 * SW_SHARD, vol(w)->size);
}

TEST_F(resize, not_in_use)
{
	struct sw *w = &self->w;

	ASSERT_EQ(0, resize(w, 2 * SW_SHARD + 4096));
	EXPECT_EQ(2 * SW_SHARD, vol(w)->size);
	ASSERT_EQ(0, sw_place(w, 1, 2, 1, 3, 4));
	sw_obey(w);
	EXPECT_EQ(2 * SW_SHARD + 4096, vol(w)->size);
	/* within the last shard nothing has to be made */
	ASSERT_EQ(0, resize(w, 3 * SW_SHARD));
	EXPECT_EQ(3 * SW_SHARD, vol(w)->size);
	EXPECT_EQ(STATE_WHY_SHRINK, resize(w, 2 * SW_SHARD));
	EXPECT_EQ(STATE_WHY_SIZE, resize(w, 3 * SW_SHARD + 1));
	EXPECT_EQ(STATE_WHY_SIZE, resize(w, 65537ULL << SW_SHIFT));
	EXPECT_EQ(STATE_WHY_SHARDS_FULL, resize(w, 41 * SW_SHARD));
	EXPECT_EQ(0, resize(w, 3 * SW_SHARD));
	EXPECT_EQ(0, vol(w)->grow);
}

TEST_F(resize, deleted_while_it_grows)
{
	struct sw *w = &self->w;

	ASSERT_EQ(0, resize(w, 4 * SW_SHARD));
	ASSERT_EQ(0, sw_place(w, 1, 2, 1, 3, 4));
	SW_OK(w, VOLUME_DELETE, .volume = 1);
	EXPECT_EQ(0, w->s->shards_owed);
	sw_obey(w);
	EXPECT_TRUE(!vol(w));
}

TEST_F(resize, policies)
{
	struct sw *w = &self->w;

	SW_OK(w, VOLUME_SET, .volume = 1, .flags = STATE_VOLUME_SET_ALL,
	      .on_no_quorum = 1, .value = 500, .reads = 1, .node = 2,
	      .run = "postgresql.service");
	EXPECT_EQ(1, vol(w)->on_no_quorum);
	EXPECT_EQ(500, vol(w)->no_quorum_ms);
	EXPECT_EQ(2, vol(w)->want);
	EXPECT_STREQ("postgresql.service", vol(w)->run);
	EXPECT_EQ(STATE_WHY_POLICY,
		  SW_DO(w, VOLUME_SET, .volume = 1,
			.flags = STATE_VOLUME_SET_READS, .reads = 2));
	EXPECT_EQ(STATE_WHY_NO_NODE, SW_DO(w, VOLUME_SET, .volume = 1,
					   .flags = STATE_VOLUME_SET_AUTOS,
					   .nr_autos = 1, .autos = { 77 }));
	EXPECT_EQ(1, vol(w)->reads);
	EXPECT_EQ(2 * SW_SHARD, vol(w)->size);
}

TEST_HARNESS_MAIN
