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

TEST_HARNESS_MAIN
