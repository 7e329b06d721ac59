// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which acks count, and when the window is closed.
 */
#include "harness.h"
#include "progress.h"

FIXTURE(member)
{
	struct qbd_progress prog;
	struct qbd_msg ack;
};

FIXTURE_SETUP(member)
{
	qbd_progress_init(&self->prog);
	qbd_progress_session(&self->prog, 4, 1000);
	self->prog.promised = true;
	self->prog.incarnation = 7;
	self->ack = (struct qbd_msg){
		.type = QBD_MSG_APPEND_ACK,
		.session = 4,
		.list = 3,
		.ack = { .received = 9, .durable = 8, .incarnation = 7 },
	};
}

FIXTURE_TEARDOWN(member)
{
}

TEST_F(member, acks_are_cumulative)
{
	EXPECT_TRUE(qbd_progress_ack(&self->prog, &self->ack, 2000));
	EXPECT_EQ(9, self->prog.matched);
	EXPECT_EQ(8, self->prog.durable);
	EXPECT_EQ(3, self->prog.version);
	EXPECT_EQ(2000, self->prog.active_ns);
	self->ack.ack.received = 5;
	self->ack.ack.durable = 6;
	EXPECT_TRUE(qbd_progress_ack(&self->prog, &self->ack, 3000));
	EXPECT_EQ(9, self->prog.matched);
	EXPECT_EQ(8, self->prog.durable);
	EXPECT_EQ(2000, self->prog.active_ns);
}

/* S4 c: not of this session, this life, this term. */
TEST_F(member, acks_that_do_not_count)
{
	self->ack.session = 3;
	EXPECT_FALSE(qbd_progress_ack(&self->prog, &self->ack, 2000));
	self->ack.session = 4;
	self->ack.ack.incarnation = 6;
	EXPECT_FALSE(qbd_progress_ack(&self->prog, &self->ack, 2000));
	self->ack.ack.incarnation = 7;
	self->prog.promised = false;
	EXPECT_FALSE(qbd_progress_ack(&self->prog, &self->ack, 2000));
	EXPECT_EQ(0, self->prog.matched);
}

TEST_F(member, a_new_session_starts_from_nothing)
{
	qbd_progress_ack(&self->prog, &self->ack, 2000);
	qbd_progress_session(&self->prog, 5, 3000);
	EXPECT_EQ(0, self->prog.matched);
	EXPECT_EQ(0, self->prog.durable);
	EXPECT_FALSE(qbd_progress_ack(&self->prog, &self->ack, 4000));
	qbd_progress_down(&self->prog);
	EXPECT_EQ(5, self->prog.session);
	EXPECT_FALSE(self->prog.promised);
	EXPECT_EQ(QBD_MEMBER_DOWN, self->prog.state);
}

TEST_F(member, window)
{
	self->prog.matched = 12;
	self->prog.durable = 10;
	self->prog.next = 11;
	self->prog.window_records = 4;
	self->prog.window_bytes = 100;
	/* nothing under way: one record always may */
	EXPECT_TRUE(qbd_progress_window_open(&self->prog, 1000));
	self->prog.next = 13;
	self->prog.sent_bytes = 560;
	self->prog.acked_bytes = 500;
	EXPECT_TRUE(qbd_progress_window_open(&self->prog, 40));
	EXPECT_FALSE(qbd_progress_window_open(&self->prog, 41));
	self->prog.next = 15;
	EXPECT_FALSE(qbd_progress_window_open(&self->prog, 0));
}

TEST(names)
{
	int i;

	for (i = QBD_MEMBER_DOWN; i <= QBD_MEMBER_REFUSED; i++)
		EXPECT_STRNE("?", qbd_progress_name(i));
	EXPECT_STREQ("?", qbd_progress_name(QBD_MEMBER_REFUSED + 1));
}

TEST_HARNESS_MAIN
