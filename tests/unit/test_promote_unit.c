// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units that run where a volume is attached: started, looked at, stopped; by a
 * systemctl that hangs, refuses, or says nothing.
 */
#include "runner_world.h"

TEST_F(runner, unit)
{
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	EXPECT_TRUE(LOOP_WAIT(self->loop, strstr(text_of(self, "calls"),
						 "is-active db.service")));
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	/* it fails, and is started again */
	put_text(self, "unit.db.service", "failed\n", 0600);
	EXPECT_TRUE(LOOP_WAIT(self->loop,
			      !strcmp("active\n",
				      text_of(self, "unit.db.service"))));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	/* in order: only when it has ended */
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
	EXPECT_EQ(0, self->stopped_err);
	EXPECT_STREQ("inactive\n", text_of(self, "unit.db.service"));
	EXPECT_EQ(0, self->failed);
}

/* Somebody stopped it by hand: that is his will. */
TEST_F(runner, unit_ended_by_hand)
{
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	put_text(self, "unit.db.service", "inactive\n", 0600);
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_ENDED)));
	EXPECT_TRUE(runner_stop(self->runner, 1));
}

/* Words that say nothing, and a systemctl that does not get through. */
TEST_F(runner, unit_unheard)
{
	u32 calls;

	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	put_text(self, "fail.is-active", "", 0600);
	calls = lines_of(self, "calls");
	EXPECT_TRUE(
		LOOP_WAIT(self->loop, lines_of(self, "calls") >= calls + 3));
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	put_text(self, "unit.db.service", "deactivating\n", 0600);
	unlink(path_of(self, "fail.is-active"));
	calls = lines_of(self, "calls");
	EXPECT_TRUE(
		LOOP_WAIT(self->loop, lines_of(self, "calls") >= calls + 3));
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
}

TEST_F(runner, unit_can_not_start)
{
	put_text(self, "fail.start", "", 0600);
	ASSERT_EQ(0, set(self, 1, 4, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->failed));
	EXPECT_EQ(4, self->failed_term);
	EXPECT_STREQ("start db.service\nstart db.service\nstart db.service\n",
		     text_of(self, "calls"));
}

TEST_F(runner, unit_starts_for_ever)
{
	daemon_ends(self);
	self->options.times.start_ns = 30 * MS;
	daemon_begins(self);
	put_text(self, "hang.start", "", 0600);
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->failed));
	EXPECT_TRUE(strstr(text_of(self, "calls"), "stop db.service"));
	EXPECT_EQ(0, self->runner->clients);
}

/* A look that does not end is ended, and another one is made. */
TEST_F(runner, unit_look_hangs)
{
	daemon_ends(self);
	self->options.times.look_ns = 30 * MS;
	daemon_begins(self);
	put_text(self, "hang.is-active", "", 0600);
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "calls") >= 3));
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	unlink(path_of(self, "hang.is-active"));
	put_text(self, "unit.db.service", "inactive\n", 0600);
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_ENDED)));
}

TEST_F(runner, unit_is_killed)
{
	daemon_ends(self);
	self->options.times.stop_ns = 30 * MS;
	daemon_begins(self);
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	put_text(self, "hang.stop", "", 0600);
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
	EXPECT_EQ(0, self->stopped_err);
	EXPECT_TRUE(strstr(text_of(self, "calls"), "kill db.service"));
}

/* It can not be ended: that is said, and so is its end, whenever it comes. */
TEST_F(runner, unit_is_stuck)
{
	daemon_ends(self);
	self->options.times.stop_ns = 30 * MS;
	self->options.times.kill_ns = 30 * MS;
	daemon_begins(self);
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	put_text(self, "keep.stop", "", 0600);
	put_text(self, "fail.kill", "", 0600);
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
	EXPECT_EQ(-EBUSY, self->stopped_err);
	EXPECT_TRUE(is(self, 1, RUNNER_STOPPING));
	put_text(self, "unit.db.service", "inactive\n", 0600);
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped == 2));
	EXPECT_EQ(0, self->stopped_err);
}

/* A unit that ran on a dead device is not taken for one on the new one. */
TEST_F(runner, unit_adopted)
{
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	daemon_ends(self);
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	ASSERT_EQ(0, set(self, 1, 1, "unit:db.service"));
	runner_settle(self->runner);
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	EXPECT_FALSE(strstr(text_of(self, "calls"), "stop"));
	daemon_ends(self);
	daemon_begins(self);
	ASSERT_EQ(0, set(self, 1, 2, "unit:db.service"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, strstr(text_of(self, "calls"),
						 "stop db.service")));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	EXPECT_STREQ("active\n", text_of(self, "unit.db.service"));
}

/* So many systemctl at a time; the others have their turn. */
TEST_F(runner, many_units)
{
	char program[64];
	u32 i, most = 0;

	put_text(self, "hang.start", "", 0600);
	for (i = 1; i <= 3 * RUNNER_CLIENTS_MAX; i++) {
		snprintf(program, sizeof(program), "unit:u%u.service", i);
		ASSERT_EQ(0, set(self, i, 1, program));
	}
	EXPECT_TRUE(LOOP_WAIT(self->loop, ({
				      most = max(most, self->runner->clients);
				      lines_of(self, "calls") >=
					      RUNNER_CLIENTS_MAX;
			      })));
	EXPECT_EQ(RUNNER_CLIENTS_MAX, most);
	/* some go without ever having had one, some while they have it */
	unlink(path_of(self, "hang.start"));
	for (i = 1; i <= 3 * RUNNER_CLIENTS_MAX; i++)
		EXPECT_FALSE(runner_stop(self->runner, i));
	EXPECT_TRUE(LOOP_WAIT(self->loop, ({
				      most = max(most, self->runner->clients);
				      self->stopped == 3 * RUNNER_CLIENTS_MAX;
			      })));
	EXPECT_EQ(RUNNER_CLIENTS_MAX, most);
	EXPECT_EQ(0, self->runner->nr);
	EXPECT_EQ(0, self->runner->clients);
}

TEST_HARNESS_MAIN
