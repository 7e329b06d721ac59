// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs: how far they are, and how many are remembered.
 */
#include "state_world.h"

TEST(life)
{
	struct sw w;
	const struct state_job *job;

	sw_begin(&w, &SW_LIMITS, 1);
	SW_OK(&w, JOB_ADD, .what = STATE_JOB_DRAIN_NODE, .id = 1, .total = 10);
	job = state_job_by_id(w.s, 1);
	EXPECT_EQ(STATE_JOB_RUNNING, job->state);
	EXPECT_EQ(1000, job->since_ms);
	SW_OK(&w, JOB_SET, .id = 1, .state = STATE_JOB_WAITING, .count = 4,
	      .total = 10, .reason = "no store has room");
	EXPECT_EQ(4, job->done);
	EXPECT_STREQ("no store has room", job->reason);
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, JOB_SET, .id = 1, .state = 1,
				       .count = 11, .total = 10));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, JOB_SET, .id = 1, .state = 5));
	SW_OK(&w, JOB_SET, .id = 1, .state = STATE_JOB_DONE);
	EXPECT_EQ(STATE_WHY_JOB_ENDED,
		  SW_DO(&w, JOB_SET, .id = 1, .state = STATE_JOB_RUNNING));
	EXPECT_EQ(STATE_WHY_NO_JOB, SW_DO(&w, JOB_SET, .id = 2, .state = 1));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, JOB_ADD, .what = 0));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, JOB_ADD, .what = 7));
}

TEST(oldest_makes_room)
{
	struct sw w;
	u32 i;

	sw_begin(&w, &SW_LIMITS, 1);
	for (i = 0; i < SW_LIMITS.jobs; i++)
		SW_OK(&w, JOB_ADD, .what = STATE_JOB_GROW);
	EXPECT_EQ(STATE_WHY_JOBS_FULL, SW_DO(&w, JOB_ADD, .what = 1));
	SW_OK(&w, JOB_SET, .id = 3, .state = STATE_JOB_DONE);
	SW_OK(&w, JOB_SET, .id = 2, .state = STATE_JOB_FAILED);
	SW_OK(&w, JOB_ADD, .what = STATE_JOB_GROW);
	EXPECT_EQ(4, w.res.arg[0]);
	EXPECT_TRUE(!state_job_by_id(w.s, 2));
	EXPECT_TRUE(state_job_by_id(w.s, 3));
}

TEST_HARNESS_MAIN
