// SPDX-License-Identifier: GPL-2.0-only
/*
 * The target of a resync: chunks, the switch, and what ends it before.
 */
#include "resync_target.h"

/* --- what a source has -------------------------------------------------- */

TEST(blocks_beyond_the_end)
{
	struct qbd_msg msg;

	/* The last chunk has 40 blocks. */
	start_copy_of("init log=5.8 commit=8 blocks=1000");
	map_says(0, 16, 15, 1);
	msg = diff_reply(1, 15);
	msg.diff_reply.differs[0] = 1ULL << 40;
	say(&msg);
	EXPECT_EQ(QBD_STATUS_EIO, status());
	EXPECT_EQ(0, rw_count(QBD_ACT_SHADOW, 0));

	start_copy_of("init log=5.8 commit=8 blocks=1000");
	map_says(0, 16, 15, 1);
	msg = diff_reply(1, 15);
	msg.diff_reply.differs[0] = 1ULL << 39;
	say(&msg);
	rw_act(QBD_ACT_SHADOW, 0);

	/* Of a chunk that is not the last one: 64. */
	start_copy_of("init log=5.8 commit=8 blocks=1000");
	map_says(0, 16, 14, 1);
	msg = diff_reply(1, 14);
	msg.diff_reply.differs[0] = 1ULL << 63;
	msg.diff_reply.differs[1] = 1;
	say(&msg);
	EXPECT_EQ(QBD_STATUS_EIO, status());
}

TEST(no_room)
{
	u64 id = start_diff(3);
	struct qbd_msg msg = diff_reply(id, 3);

	say(&msg);
	shadowed(&msg, -ENOSPC);
	EXPECT_EQ(QBD_STATUS_NOSPC, status());
	EXPECT_EQ(SEQ, rw_sent(QBD_MSG_UNPIN)->unpin.seq);
	/* The question gets the same answer. */
	order(2);
	EXPECT_EQ(QBD_STATUS_NOSPC, status());
	EXPECT_EQ(1, did.nr);
	EXPECT_EQ(0, shell.switches);

	start_copy();
	shell.look[3] = -ENOSPC;
	map_says(0, 16, 3, 1);
	EXPECT_EQ(QBD_STATUS_NOSPC, status());
	EXPECT_EQ(0, rw_count(QBD_ACT_DIGEST, 0));
}

TEST(chunks_that_the_source_can_not_read)
{
	diff_says(start_diff(3), 3, QBD_STATUS_EIO);
	EXPECT_EQ(QBD_STATUS_EIO, status());
	rw_sent(QBD_MSG_UNPIN);
	diff_says(start_diff(3), 3, QBD_STATUS_CORRUPT);
	EXPECT_EQ(QBD_STATUS_CORRUPT, status());
}

TEST(a_pin_that_is_gone)
{
	const struct qbd_msg *msg;
	struct qbd_msg gone;
	u64 session;

	start_copy();
	session = world.rep.resync.session;
	gone = map_reply(0, 0, 0, 0);
	gone.map_reply.status = QBD_STATUS_GONE;
	say(&gone);
	msg = rw_sent(QBD_MSG_PIN);
	EXPECT_NE(session, msg->session);
	EXPECT_EQ(SOURCE, msg->replica);
	EXPECT_EQ(1, did.nr);

	diff_says(start_diff(3), 3, QBD_STATUS_GONE);
	rw_sent(QBD_MSG_PIN);
	EXPECT_EQ(1, did.nr);
	EXPECT_EQ(0, shell.drops);
	/* From the first chunk on, with what the source has now. */
	gone = pin_reply();
	gone.pin_reply.seq = SEQ + 1;
	say(&gone);
	EXPECT_EQ(SEQ + 1, rw_sent(QBD_MSG_MAP)->map.seq);
	EXPECT_EQ(0, rw_sent(QBD_MSG_MAP)->map.from);
}

TEST(a_chunk_that_was_not_written)
{
	u64 id = start_diff(3);
	struct qbd_msg msg = diff_reply(id, 3);

	say(&msg);
	shadowed(&msg, -EAGAIN);
	/* Not at once, and what was asked before does not count. */
	EXPECT_TRUE(rw_quiet());
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	rw_tick(RW_RETRY_NS);
	EXPECT_EQ(id + 1, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.id);
	EXPECT_EQ(0, world.rep.resync.chunks);
	/* Nobody writes it. */
	shadowed(&msg, 0);
	EXPECT_EQ(0, shell.switches);
	EXPECT_EQ(0, world.rep.resync.chunks);
}

/* A disk that fails will do so again. */
TEST(a_chunk_that_can_not_be_written)
{
	struct qbd_msg msg = diff_reply(start_diff(3), 3);

	say(&msg);
	shadowed(&msg, -EIO);
	EXPECT_EQ(QBD_STATUS_EIO, status());
}

TEST(asks_for_a_chunk_again)
{
	u64 id = start_diff(3), late = QBD_RESYNC_LATE * RW_RETRY_NS;
	struct qbd_msg msg = diff_reply(id, 3);

	rw_tick(late - 1);
	EXPECT_TRUE(rw_quiet());
	rw_tick(1);
	EXPECT_EQ(id + 1, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.id);
	EXPECT_EQ(1, did.nr);
	/* The bytes that it was compared with may not be there any more. */
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	/* It is waited for twice as long. */
	rw_tick(2 * late - 1);
	EXPECT_TRUE(rw_quiet());
	rw_tick(1);
	EXPECT_EQ(id + 2, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.id);
	msg.diff_reply.id = id + 2;
	say(&msg);
	rw_act(QBD_ACT_SHADOW, 0);
}

TEST(waiting_has_an_end)
{
	u64 late = QBD_RESYNC_LATE * RW_RETRY_NS;
	u32 i;

	start_diff(3);
	for (i = 0; i < 10; i++) {
		u32 tries = i < QBD_RESYNC_TRIES ? i : QBD_RESYNC_TRIES;

		rw_tick((late << tries) - 1);
		EXPECT_TRUE(rw_quiet());
		rw_tick(1);
		rw_act(QBD_ACT_DIGEST, 0);
	}
}

/* An attempt before still writes to it: its bytes are about to change. */
TEST(no_look_at_what_is_being_written)
{
	u64 id = start_diff(3);
	struct qbd_msg old = diff_reply(id, 3), msg;

	say(&old);
	rw_act(QBD_ACT_SHADOW, 0);
	order(3);
	rw_sent(QBD_MSG_PIN);
	msg = pin_reply();
	say(&msg);
	map_says(0, 16, 2, 2);
	EXPECT_EQ(1, shell.looked[2]);
	EXPECT_EQ(1, shell.looked[3]); /* by the first attempt */
	EXPECT_EQ(1, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.nr);
	rw_tick(RW_RETRY_NS);
	EXPECT_EQ(1, shell.looked[3]);
	shadowed(&old, 0);
	EXPECT_EQ(2, shell.looked[3]);
	EXPECT_EQ(3, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.chunk[0]);
	/* That one was of another order. */
	EXPECT_EQ(0, world.rep.resync.chunks);
	EXPECT_EQ(0, world.rep.resync.bytes);
}

/* No switch before what an attempt before wrote has ended. */
TEST(no_switch_while_something_is_written)
{
	u64 id = start_diff(3);
	struct qbd_msg old = diff_reply(id, 3), msg;

	say(&old);
	order(3);
	msg = pin_reply();
	say(&msg);
	map_says(0, 16, 0, 0);
	EXPECT_EQ(0, shell.switches);
	shadowed(&old, -ENODATA);
	EXPECT_EQ(1, shell.switches);
}

/* --- the switch --------------------------------------------------------- */

TEST(a_switch_that_has_to_wait)
{
	start_copy();
	shell.make_switch = -EBUSY;
	map_says(0, 16, 0, 0);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(1, shell.switches);
	shell.make_switch = 0;
	rw_tick(1);
	EXPECT_EQ(2, shell.switches);
	rw_sent(QBD_MSG_UNPIN);
	rw_tick(1);
	EXPECT_EQ(2, shell.switches);
}

TEST(a_switch_that_can_not_be)
{
	start_copy();
	shell.make_switch = -ENOENT;
	map_says(0, 16, 0, 0);
	EXPECT_EQ(QBD_STATUS_EIO, status());
}

/* The shadow went without being the replica. */
TEST(switched_to_something_else)
{
	start_switch();
	shell.state = -ENOENT;
	shell.switched = (struct qbd_pos){ .term = 5, .index = HAVE };
	rw_tick(1);
	EXPECT_EQ(QBD_STATUS_EIO, status());
	EXPECT_EQ(1, did.nr);
	EXPECT_EQ(HAVE, world.rep.last.index);
	EXPECT_EQ(HAVE, world.rep.bound);
	/* Records are taken again. */
	append(2, 5, HAVE + 1);
	rw_act(QBD_ACT_LOG_APPEND, 0);
}

TEST(an_order_does_not_end_a_switch)
{
	const struct qbd_msg *msg;

	start_switch();
	order_of(3, 103, 3);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(1, did.nr);
	shell.state = -ENOENT;
	shell.switched = (struct qbd_pos){ .term = RW_TERM, .index = AT };
	rw_tick(1);
	msg = rw_sent(QBD_MSG_RESYNC_REPLY);
	EXPECT_EQ(3, msg->session);
	EXPECT_EQ(QBD_STATUS_OK, msg->resync_reply.status);
	EXPECT_EQ(AT, world.rep.last.index);
}

/* --- records, and other leaders ----------------------------------------- */

TEST(records_end_it)
{
	const struct qbd_msg *msg;

	start_diff(3);
	append(3, 5, HAVE + 1);
	msg = rw_sent(QBD_MSG_NACK);
	EXPECT_EQ(QBD_NACK_BUSY, msg->nack.reason);
	EXPECT_EQ(1, shell.drops);
	EXPECT_EQ(0, rw_count(QBD_ACT_LOG_APPEND, 0));
	/* As long as it is there. */
	shell.drop = -EBUSY;
	append(3, 5, HAVE + 1);
	EXPECT_EQ(QBD_NACK_BUSY, rw_sent(QBD_MSG_NACK)->nack.reason);
	EXPECT_EQ(2, shell.drops);
	shell.state = -EAGAIN;
	rw_tick(10 * QBD_RESYNC_LATE * RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
	shell.state = -ENOENT;
	rw_tick(1);
	append(3, 5, HAVE + 1);
	rw_act(QBD_ACT_LOG_APPEND, 0);
	EXPECT_EQ(2, shell.drops);
}

/* What is here already asks for no room: it is acknowledged. */
TEST(records_of_before_do_not)
{
	start_diff(3);
	append(3, 5, HAVE);
	EXPECT_EQ(0, shell.drops);
	EXPECT_EQ(0, rw_count(QBD_ACT_SEND, QBD_MSG_NACK));
}

TEST(no_records_while_it_is_switched)
{
	start_switch();
	append(3, 5, HAVE + 1);
	EXPECT_EQ(QBD_NACK_BUSY, rw_sent(QBD_MSG_NACK)->nack.reason);
	EXPECT_EQ(0, shell.drops);
	shell.state = -ENOENT;
	shell.switched = (struct qbd_pos){ .term = RW_TERM, .index = AT };
	rw_tick(1);
	EXPECT_EQ(AT, world.rep.last.index);
}

TEST(another_leader_ends_it)
{
	struct qbd_msg msg, old;
	u64 session;

	old = diff_reply(start_diff(3), 3);
	session = world.rep.resync.session;
	rw_open(RW_TERM + 1);
	EXPECT_EQ(0, shell.drops);
	say(&old);
	EXPECT_TRUE(rw_quiet());
	rw_tick(10 * QBD_RESYNC_LATE * RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
	/* The next one goes on with the shadow that is there. */
	msg = rw_make(QBD_MSG_RESYNC, 101, 2);
	msg.term = RW_TERM + 1;
	msg.nonce = (RW_TERM + 1) * 11;
	msg.resync.source = SOURCE;
	msg.resync.node = NODE;
	rw_msg(RW_LEADER, &msg);
	EXPECT_NE(session, rw_sent(QBD_MSG_PIN)->session);
	EXPECT_EQ(RW_TERM + 1, rw_sent(QBD_MSG_PIN)->term);
	EXPECT_EQ(0, shell.drops);
	EXPECT_EQ(0, shell.switches);
}

TEST(another_leader_does_not_end_a_switch)
{
	start_switch();
	rw_open(RW_TERM + 1);
	shell.state = -ENOENT;
	shell.switched = (struct qbd_pos){ .term = RW_TERM, .index = AT };
	rw_tick(1);
	EXPECT_EQ(AT, world.rep.last.index);
	EXPECT_EQ(RW_TERM + 1, rw_sent(QBD_MSG_RESYNC_REPLY)->term);
}

TEST(a_store_that_fails_ends_it)
{
	struct qbd_msg msg;

	start_switch();
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_FAILED,
		.err = -EIO,
	});
	shell.state = -ENOENT;
	rw_tick(RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
	order(3);
	EXPECT_EQ(QBD_NACK_FAILED, rw_sent(QBD_MSG_NACK)->nack.reason);
	msg = pin_reply();
	say(&msg);
	EXPECT_TRUE(rw_quiet());
}

TEST_HARNESS_MAIN
