// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pace of a resync beside somebody who writes.
 */
#include "harness.h"
#include "pace.h"

#define MS 1000000ULL
#define CHUNK (256U << 10)

FIXTURE(pace)
{
	struct qbd_pace pace;
	u64 now_ns;
};

FIXTURE_SETUP(pace)
{
	qbd_pace_init(&self->pace);
	self->now_ns = 1000 * MS;
}

FIXTURE_TEARDOWN(pace)
{
}

/* A writer whose commits take so long, every 10 ms, for a second. */
static void writes(struct qbd_pace *pace, u64 *now_ns, u64 took_ns,
		   bool copying)
{
	u32 i;

	for (i = 0; i < 100; i++) {
		*now_ns += 10 * MS;
		qbd_pace_commit(pace, *now_ns, took_ns, copying);
	}
}

/* Bytes that are copied in a second beside such a writer. */
static u64 copies(struct qbd_pace *pace, u64 *now_ns, u64 took_ns)
{
	u64 end_ns = *now_ns + 1000 * MS, bytes = 0, wait_ns;

	while (*now_ns < end_ns) {
		qbd_pace_commit(pace, *now_ns, took_ns, true);
		wait_ns = qbd_pace_take(pace, *now_ns, CHUNK);
		*now_ns += max(wait_ns, MS);
		bytes += CHUNK;
	}
	return bytes;
}

TEST_F(pace, nobody_writes_no_limit)
{
	u32 i;

	for (i = 0; i < 1000; i++)
		EXPECT_EQ(0, qbd_pace_take(&self->pace, self->now_ns, CHUNK));
	writes(&self->pace, &self->now_ns, MS, false);
	self->now_ns += QBD_PACE_STEP_NS;
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(0, qbd_pace_take(&self->pace, self->now_ns, CHUNK));
}

TEST_F(pace, rises_while_nobody_feels_it)
{
	u64 first, last = 0;
	u32 i;

	writes(&self->pace, &self->now_ns, MS, false);
	first = copies(&self->pace, &self->now_ns, MS);
	for (i = 0; i < 5; i++)
		last = copies(&self->pace, &self->now_ns, MS);
	EXPECT_GE(last, 4 * first);
}

/* The floor: it goes on, however slow the writer has become. */
TEST_F(pace, falls_to_the_floor)
{
	u64 bytes;
	u32 i;

	writes(&self->pace, &self->now_ns, MS, false);
	for (i = 0; i < 5; i++)
		copies(&self->pace, &self->now_ns, MS);
	for (i = 0; i < 3; i++)
		bytes = copies(&self->pace, &self->now_ns, 3 * MS);
	EXPECT_GE(bytes, QBD_PACE_FLOOR - 2 * CHUNK);
	EXPECT_LE(bytes, QBD_PACE_FLOOR + 4 * CHUNK);
	EXPECT_EQ(QBD_PACE_FLOOR, self->pace.rate);
}

/* What is slow because of the resync is not taken for usual. */
TEST_F(pace, usual_is_learned_without_it)
{
	writes(&self->pace, &self->now_ns, MS, false);
	copies(&self->pace, &self->now_ns, 8 * MS);
	EXPECT_EQ(MS, self->pace.usual_ns);
	writes(&self->pace, &self->now_ns, 2 * MS, false);
	EXPECT_GE(self->pace.usual_ns, 19 * MS / 10);
}

TEST_F(pace, one_never_waits_for_long)
{
	u64 longest = 0;
	u32 i;

	writes(&self->pace, &self->now_ns, MS, false);
	for (i = 0; i < 1000; i++)
		longest = max(longest, qbd_pace_take(&self->pace, self->now_ns,
						     1U << 20));
	EXPECT_EQ(QBD_PACE_DELAY_NS, longest);
}

TEST_HARNESS_MAIN
