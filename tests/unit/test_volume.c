// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate over the shards of a volume.
 */
#include "harness.h"
#include "volume.h"

FIXTURE(volume)
{
	struct qbd_volume_core vol;
	u8 shard[3];
	u8 more[5];
	u8 most[7];
};

FIXTURE_SETUP(volume)
{
	qbd_volume_init(&self->vol, 3, self->shard);
	ASSERT_EQ(0, qbd_volume_begin(&self->vol, 5, 55));
}

FIXTURE_TEARDOWN(volume)
{
}

/* S7: no I/O on any shard before all are promised. */
TEST_F(volume, gate_opens_with_the_last_promise)
{
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 2, 5));
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 0, 5));
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 0, 5));
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 1, 4));
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 3, 5));
	EXPECT_EQ(1, qbd_volume_waits_for(&self->vol));
	EXPECT_EQ(QBD_VOLUME_DO_GATE, qbd_volume_promised(&self->vol, 1, 5));
	EXPECT_EQ(QBD_VOLUME_OPEN, self->vol.state);
	EXPECT_EQ(0, qbd_volume_serving(&self->vol, 1, 5));
	EXPECT_EQ(0, qbd_volume_waits_for(&self->vol));
	EXPECT_EQ(0, qbd_volume_serving(&self->vol, 0, 5));
	EXPECT_EQ(QBD_VOLUME_DO_SERVED, qbd_volume_serving(&self->vol, 2, 5));
	EXPECT_EQ(U32_MAX, qbd_volume_waits_for(&self->vol));
}

/* S7: one higher term stops all; a late promise opens nothing. */
TEST_F(volume, a_higher_term_stops_all_once)
{
	qbd_volume_promised(&self->vol, 0, 5);
	qbd_volume_promised(&self->vol, 1, 5);
	EXPECT_EQ(QBD_VOLUME_DO_STOP, qbd_volume_lost(&self->vol, 7));
	EXPECT_EQ(0, qbd_volume_lost(&self->vol, 7));
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 2, 5));
	EXPECT_EQ(QBD_VOLUME_LOST, self->vol.state);
}

/* S2: a term is used once. */
TEST_F(volume, terms_are_used_once)
{
	EXPECT_EQ(-EBUSY, qbd_volume_begin(&self->vol, 6, 66));
	qbd_volume_end(&self->vol);
	EXPECT_EQ(-ESTALE, qbd_volume_begin(&self->vol, 5, 66));
	EXPECT_EQ(-EINVAL, qbd_volume_begin(&self->vol, 6, 0));
	EXPECT_EQ(-EINVAL, qbd_volume_begin(&self->vol, 0, 66));
	EXPECT_EQ(0, qbd_volume_begin(&self->vol, 6, 66));
	qbd_volume_lost(&self->vol, 9);
	qbd_volume_end(&self->vol);
	EXPECT_EQ(-ESTALE, qbd_volume_begin(&self->vol, 9, 99));
	EXPECT_EQ(0, qbd_volume_begin(&self->vol, 10, 99));
	/* and begins from nothing */
	EXPECT_EQ(0, qbd_volume_promised(&self->vol, 0, 10));
}

TEST_F(volume, release_ends_with_the_last_shard)
{
	u32 i;

	EXPECT_EQ(-EINVAL, qbd_volume_release(&self->vol));
	for (i = 0; i < 3; i++)
		qbd_volume_promised(&self->vol, i, 5);
	EXPECT_EQ(0, qbd_volume_released(&self->vol, 0, 5));
	EXPECT_EQ(0, qbd_volume_release(&self->vol));
	EXPECT_EQ(0, qbd_volume_released(&self->vol, 1, 5));
	EXPECT_EQ(0, qbd_volume_released(&self->vol, 0, 5));
	EXPECT_EQ(2, qbd_volume_waits_for(&self->vol));
	EXPECT_EQ(QBD_VOLUME_DO_DETACHED,
		  qbd_volume_released(&self->vol, 2, 5));
	qbd_volume_end(&self->vol);
	EXPECT_EQ(U32_MAX, qbd_volume_waits_for(&self->vol));
}

/* All shards of a volume serve. */
static void serve(struct qbd_volume_core *vol, u32 first, u32 end)
{
	u32 i;

	for (i = first; i < end; i++)
		qbd_volume_promised(vol, i, vol->term);
	for (i = first; i < end; i++)
		qbd_volume_serving(vol, i, vol->term);
}

static bool same(const struct qbd_volume_core *a,
		 const struct qbd_volume_core *b)
{
	return a->state == b->state && a->nr_shards == b->nr_shards &&
	       a->nr_gated == b->nr_gated && a->nr_served == b->nr_served &&
	       !memcmp(a->nr, b->nr, sizeof(a->nr)) && a->shard == b->shard;
}

/* S7: no I/O on any of the new shards before all of these are promised. */
TEST_F(volume, new_shards_have_a_gate_of_their_own)
{
	struct qbd_volume_core *vol = &self->vol;

	serve(vol, 0, 3);
	EXPECT_FALSE(qbd_volume_growing(vol));
	memset(self->more, 0xff, sizeof(self->more));
	EXPECT_EQ(0, qbd_volume_grow(vol, 5, self->more));
	EXPECT_TRUE(vol->shard == self->more);
	EXPECT_TRUE(qbd_volume_growing(vol));
	EXPECT_EQ(QBD_VOLUME_OPEN, vol->state);
	EXPECT_EQ(3U, vol->nr_gated);
	EXPECT_EQ(3U, vol->nr_served);
	EXPECT_EQ(3U, qbd_volume_waits_for(vol));
	EXPECT_EQ(0, qbd_volume_promised(vol, 4, 5));
	EXPECT_EQ(0, qbd_volume_promised(vol, 4, 5));
	EXPECT_EQ(0, qbd_volume_promised(vol, 2, 5));
	EXPECT_EQ(0, qbd_volume_promised(vol, 5, 5));
	EXPECT_EQ(0, qbd_volume_promised(vol, 3, 4));
	EXPECT_EQ(3U, vol->nr_gated);
	EXPECT_EQ(QBD_VOLUME_DO_GATE, qbd_volume_promised(vol, 3, 5));
	EXPECT_EQ(5U, vol->nr_gated);
	EXPECT_EQ(3U, vol->nr_served);
	EXPECT_EQ(0, qbd_volume_serving(vol, 3, 5));
	EXPECT_EQ(4U, qbd_volume_waits_for(vol));
	EXPECT_EQ(0, qbd_volume_serving(vol, 2, 5));
	EXPECT_EQ(3U, vol->nr_served);
	EXPECT_EQ(QBD_VOLUME_DO_GROWN, qbd_volume_serving(vol, 4, 5));
	EXPECT_EQ(5U, vol->nr_served);
	EXPECT_FALSE(qbd_volume_growing(vol));
	EXPECT_EQ(U32_MAX, qbd_volume_waits_for(vol));
	/* and again */
	EXPECT_EQ(0, qbd_volume_grow(vol, 7, self->most));
	EXPECT_EQ(0, qbd_volume_promised(vol, 0, 5));
	EXPECT_EQ(0, qbd_volume_promised(vol, 5, 5));
	EXPECT_EQ(6U, qbd_volume_waits_for(vol));
	EXPECT_EQ(QBD_VOLUME_DO_GATE, qbd_volume_promised(vol, 6, 5));
	EXPECT_EQ(0, qbd_volume_serving(vol, 6, 5));
	EXPECT_EQ(QBD_VOLUME_DO_GROWN, qbd_volume_serving(vol, 5, 5));
}

/* What can't be does not change anything. */
TEST_F(volume, grows_only_when_it_serves)
{
	struct qbd_volume_core *vol = &self->vol;
	struct qbd_volume_core before = *vol;

	EXPECT_EQ(-EINVAL, qbd_volume_grow(vol, 5, self->more));
	EXPECT_TRUE(same(&before, vol));
	qbd_volume_promised(vol, 0, 5);
	qbd_volume_promised(vol, 1, 5);
	qbd_volume_promised(vol, 2, 5);
	/* open, but nobody was told of it */
	EXPECT_EQ(-EINVAL, qbd_volume_grow(vol, 5, self->more));
	EXPECT_FALSE(qbd_volume_growing(vol));
	serve(vol, 0, 3);
	before = *vol;
	EXPECT_EQ(-EINVAL, qbd_volume_grow(vol, 3, self->more));
	EXPECT_EQ(-EINVAL, qbd_volume_grow(vol, 2, self->more));
	EXPECT_TRUE(same(&before, vol));
	EXPECT_EQ(0, qbd_volume_grow(vol, 5, self->more));
	before = *vol;
	EXPECT_EQ(-EBUSY, qbd_volume_grow(vol, 7, self->most));
	EXPECT_TRUE(same(&before, vol));
	qbd_volume_lost(vol, 6);
	EXPECT_EQ(-EINVAL, qbd_volume_grow(vol, 7, self->most));
	qbd_volume_end(vol);
	EXPECT_EQ(-EINVAL, qbd_volume_grow(vol, 7, self->most));
}

/* S7: a new shard that learns of a higher term stops the others as well. */
TEST_F(volume, a_higher_term_on_a_new_shard_stops_all)
{
	struct qbd_volume_core *vol = &self->vol;

	serve(vol, 0, 3);
	EXPECT_EQ(0, qbd_volume_grow(vol, 5, self->more));
	qbd_volume_promised(vol, 3, 5);
	EXPECT_EQ(QBD_VOLUME_DO_STOP, qbd_volume_lost(vol, 6));
	EXPECT_EQ(0, qbd_volume_promised(vol, 4, 5));
	EXPECT_EQ(3U, vol->nr_gated);
	EXPECT_EQ(0, qbd_volume_serving(vol, 3, 5));
	EXPECT_EQ(0, qbd_volume_serving(vol, 4, 5));
	EXPECT_EQ(3U, vol->nr_served);
	/* who attaches next opens all of them, and tells nobody before */
	qbd_volume_end(vol);
	EXPECT_EQ(0, qbd_volume_begin(vol, 7, 77));
	EXPECT_EQ(0U, vol->nr_gated);
	EXPECT_EQ(0U, vol->nr_served);
	serve(vol, 0, 4);
	EXPECT_EQ(QBD_VOLUME_OPENING, vol->state);
	EXPECT_EQ(QBD_VOLUME_DO_GATE, qbd_volume_promised(vol, 4, 7));
	EXPECT_EQ(QBD_VOLUME_DO_SERVED, qbd_volume_serving(vol, 4, 7));
}

/* New shards that never served are not waited for, wherever they are. */
TEST_F(volume, a_release_gives_a_growth_up)
{
	struct qbd_volume_core *vol = &self->vol;

	serve(vol, 0, 3);
	EXPECT_EQ(0, qbd_volume_grow(vol, 5, self->more));
	serve(vol, 3, 4);
	EXPECT_EQ(0, qbd_volume_release(vol));
	EXPECT_EQ(3U, vol->nr_shards);
	EXPECT_FALSE(qbd_volume_growing(vol));
	EXPECT_EQ(0, qbd_volume_waits_for(vol));
	/* what they say now comes too late */
	EXPECT_EQ(0, qbd_volume_promised(vol, 4, 5));
	EXPECT_EQ(0, qbd_volume_serving(vol, 4, 5));
	EXPECT_EQ(0, qbd_volume_released(vol, 3, 5));
	EXPECT_EQ(0, qbd_volume_released(vol, 0, 5));
	EXPECT_EQ(0, qbd_volume_released(vol, 2, 5));
	EXPECT_EQ(QBD_VOLUME_DO_DETACHED, qbd_volume_released(vol, 1, 5));
}

/* One that has ended is released with the others. */
TEST_F(volume, a_release_waits_for_shards_that_were_added)
{
	struct qbd_volume_core *vol = &self->vol;
	u32 i;

	serve(vol, 0, 3);
	EXPECT_EQ(0, qbd_volume_grow(vol, 5, self->more));
	serve(vol, 3, 5);
	EXPECT_EQ(0, qbd_volume_release(vol));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, qbd_volume_released(vol, i, 5));
	EXPECT_EQ(4U, qbd_volume_waits_for(vol));
	EXPECT_EQ(QBD_VOLUME_DO_DETACHED, qbd_volume_released(vol, 4, 5));
}

TEST_HARNESS_MAIN
