// SPDX-License-Identifier: GPL-2.0-only
/*
 * The source of a resync: who is served, and how long the pin is kept.
 */
#include "resync_world.h"

#define TARGET 102
#define NODE 2 /* of the target */
#define SESSION 40
#define SEQ 9
#define AT 90

static void start(void)
{
	rw_start("init log=5.100 commit=95");
	shell.pin_info = (struct qbd_pin_info){
		.seq = SEQ,
		.at = { .term = 5, .index = AT },
		.chunks = 16,
		.chunk_blocks = 64,
	};
}

static void pin_of(u64 target, u32 node, u64 session, u64 have)
{
	struct qbd_msg msg = rw_make(QBD_MSG_PIN, 101, session);

	msg.pin.target = target;
	msg.pin.have.term = 5;
	msg.pin.have.index = have;
	rw_msg(node, &msg);
}

static void pin(u64 have)
{
	pin_of(TARGET, NODE, SESSION, have);
}

static u32 status(void)
{
	return rw_sent(QBD_MSG_PIN_REPLY)->pin_reply.status;
}

static void unpin_of(u64 target, u32 node, u64 session)
{
	struct qbd_msg msg = rw_make(QBD_MSG_UNPIN, 101, session);

	msg.unpin.target = target;
	msg.unpin.seq = SEQ;
	rw_msg(node, &msg);
}

static struct qbd_msg diff(void)
{
	struct qbd_msg msg = rw_make(QBD_MSG_DIFF, 101, SESSION);

	msg.diff.seq = SEQ;
	msg.diff.id = 4;
	msg.diff.nr = 3;
	msg.diff.chunk[0] = 3;
	msg.diff.chunk[1] = 5;
	msg.diff.chunk[2] = 6;
	msg.payload = (void *)"digests";
	msg.payload_bytes = QBD_BLOCK_SIZE;
	return msg;
}

static void map(void)
{
	struct qbd_msg msg = rw_make(QBD_MSG_MAP, 101, SESSION);

	msg.map.seq = SEQ;
	msg.map.have = 40;
	msg.map.from = 2;
	rw_msg(NODE, &msg);
}

/* All that a target may ask, in a term, by a nonce: is nothing said to it? */
static void ask_all(u64 term, u64 nonce)
{
	static const u16 types[] = { QBD_MSG_PIN, QBD_MSG_MAP, QBD_MSG_DIFF,
				     QBD_MSG_UNPIN };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct qbd_msg msg = diff();

		if (types[i] != QBD_MSG_DIFF)
			memset(&msg.diff, 0, sizeof(msg.diff));
		msg.type = types[i];
		msg.term = term;
		msg.nonce = nonce;
		if (msg.type == QBD_MSG_PIN || msg.type == QBD_MSG_UNPIN)
			msg.pin.target = TARGET;
		if (msg.type == QBD_MSG_MAP)
			msg.map.seq = SEQ;
		rw_msg(NODE, &msg);
		EXPECT_TRUE(rw_quiet());
	}
}

/* --- the pin ------------------------------------------------------------ */

TEST(says_what_the_pin_has)
{
	const struct qbd_action *act;

	start();
	shell.pin = -EAGAIN;
	pin(40);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(0, rw_act(QBD_ACT_SEND, 0)->msg.payload_bytes);
	shell.pin = 0;
	pin(40);
	act = rw_act(QBD_ACT_SEND_PIN, QBD_MSG_PIN_REPLY);
	EXPECT_EQ(1, did.nr);
	EXPECT_EQ(NODE, act->node);
	EXPECT_EQ(101, act->msg.replica);
	EXPECT_EQ(RW_TERM, act->msg.term);
	EXPECT_EQ(RW_NONCE, act->msg.nonce);
	EXPECT_EQ(SESSION, act->msg.session);
	EXPECT_EQ(QBD_STATUS_OK, act->msg.pin_reply.status);
	EXPECT_EQ(SEQ, act->msg.pin_reply.seq);
	EXPECT_EQ(AT, act->msg.pin_reply.at.index);
	EXPECT_EQ(5, act->msg.pin_reply.at.term);
	EXPECT_EQ(16, act->msg.pin_reply.chunks);
	EXPECT_EQ(64, act->msg.pin_reply.chunk_blocks);
	EXPECT_EQ(QBD_BLOCK_SIZE, act->msg.payload_bytes);
	EXPECT_EQ(0, shell.unpins);
	/* Asked twice it says the same. */
	pin(40);
	EXPECT_EQ(SEQ, rw_act(QBD_ACT_SEND_PIN, 0)->msg.pin_reply.seq);
}

TEST(one_that_can_not_be_had)
{
	static const struct {
		int err;
		u32 said;
	} of[] = {
		{ -EIO, QBD_STATUS_EIO },
		{ -ENOENT, QBD_STATUS_EIO },
		{ -ENOSPC, QBD_STATUS_NOSPC },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		start();
		shell.pin = of[i].err;
		pin(40);
		EXPECT_EQ(of[i].said, status());
		EXPECT_EQ(0, rw_sent(QBD_MSG_PIN_REPLY)->pin_reply.seq);
	}
}

/*
 * The pin of an attempt before has no more than the target. There has to be a
 * new one; if that has no more either, the log has all that the target lacks.
 */
TEST(a_pin_with_nothing_for_the_target)
{
	start();
	pin(AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(1, shell.unpins);
	shell.pin = -EAGAIN;
	pin(AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	shell.pin = 0;
	pin(AT);
	EXPECT_EQ(QBD_STATUS_MISMATCH, status());
	EXPECT_EQ(1, shell.unpins);
	/* A new attempt of the same target: all of it again. */
	pin_of(TARGET, NODE, SESSION + 1, AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(2, shell.unpins);
	/* This time it has more. */
	shell.pin_info.at.index = AT + 1;
	pin_of(TARGET, NODE, SESSION + 1, AT);
	rw_act(QBD_ACT_SEND_PIN, 0);
}

/* The new one was there before the target asked again. */
TEST(a_new_pin_with_nothing_new)
{
	start();
	pin(AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	pin(AT);
	EXPECT_EQ(QBD_STATUS_MISMATCH, status());
	EXPECT_EQ(1, shell.unpins);
}

/* What it waited for is as new as it gets. */
TEST(a_new_pin_with_nothing_for_the_target)
{
	start();
	shell.pin = -EAGAIN;
	pin(AT + 1);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	shell.pin = 0;
	pin(AT + 1);
	EXPECT_EQ(QBD_STATUS_MISMATCH, status());
	EXPECT_EQ(0, shell.unpins);
}

/* One that others copy is not given back: it is waited for. */
TEST(a_pin_that_others_use)
{
	start();
	pin_of(103, 3, 7, 40);
	rw_act(QBD_ACT_SEND_PIN, 0);
	pin(AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	pin(AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(0, shell.unpins);
	unpin_of(103, 3, 7);
	EXPECT_EQ(0, shell.unpins);
	pin(AT);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(1, shell.unpins);
}

/* --- users -------------------------------------------------------------- */

TEST(the_last_one_gives_it_back)
{
	start();
	pin(40);
	pin_of(103, 3, 7, 50);
	rw_act(QBD_ACT_SEND_PIN, 0);
	unpin_of(TARGET, NODE, SESSION);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.unpins);
	/* Twice, and of somebody who has none. */
	unpin_of(TARGET, NODE, SESSION);
	unpin_of(104, 4, 7);
	EXPECT_EQ(0, shell.unpins);
	/* Of an attempt before. */
	unpin_of(103, 3, 6);
	EXPECT_EQ(0, shell.unpins);
	unpin_of(103, 3, 7);
	EXPECT_EQ(1, shell.unpins);
	unpin_of(103, 3, 7);
	EXPECT_EQ(1, shell.unpins);
}

TEST(no_more_than_there_is_room_for)
{
	u32 i;

	start();
	for (i = 0; i < QBD_PIN_USERS; i++) {
		pin_of(200 + i, 10 + i, 7, 40);
		rw_act(QBD_ACT_SEND_PIN, 0);
	}
	pin(40);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(QBD_PIN_USERS, shell.pins);
	/* Those that have a place keep it. */
	pin_of(201, 11, 8, 40);
	rw_act(QBD_ACT_SEND_PIN, 0);
	unpin_of(200, 10, 7);
	pin(40);
	rw_act(QBD_ACT_SEND_PIN, 0);
	EXPECT_EQ(0, shell.unpins);
}

TEST(who_is_idle_has_gone)
{
	const u64 idle = QBD_PIN_IDLE * RW_RETRY_NS;
	struct qbd_msg msg = diff();

	start();
	pin(40);
	pin_of(103, 3, 7, 40);
	rw_tick(idle - 1);
	EXPECT_EQ(0, shell.unpins);
	/* One asks for chunks, then for the map. */
	rw_msg(NODE, &msg);
	rw_tick(1);
	EXPECT_EQ(0, world.rep.pin_user[1].target);
	EXPECT_EQ(TARGET, world.rep.pin_user[0].target);
	rw_tick(idle - 2);
	map();
	rw_tick(idle - 1);
	EXPECT_EQ(0, shell.unpins);
	/* Those of another node are not those of this one. */
	rw_msg(3, &msg);
	rw_tick(1);
	EXPECT_EQ(1, shell.unpins);
	rw_tick(10 * idle);
	EXPECT_EQ(1, shell.unpins);
}

/* --- map and chunks ----------------------------------------------------- */

TEST(map_of_the_pin)
{
	const struct qbd_action *act;

	start();
	pin(40);
	shell.map = 2;
	shell.map_next = 7;
	shell.entry[0] = (struct qbd_map_entry){ .chunk = 2, .last = 50 };
	shell.entry[1] = (struct qbd_map_entry){ .chunk = 6,
						 .flags = QBD_MAP_ZERO,
						 .last = 60 };
	map();
	EXPECT_EQ(SEQ, shell.map_seq);
	EXPECT_EQ(40, shell.map_have);
	act = rw_act(QBD_ACT_SEND, QBD_MSG_MAP_REPLY);
	EXPECT_EQ(NODE, act->node);
	EXPECT_EQ(SESSION, act->msg.session);
	EXPECT_EQ(QBD_STATUS_OK, act->msg.map_reply.status);
	EXPECT_EQ(SEQ, act->msg.map_reply.seq);
	EXPECT_EQ(2, act->msg.map_reply.from);
	EXPECT_EQ(7, act->msg.map_reply.next);
	EXPECT_EQ(2, act->msg.map_reply.nr);
	EXPECT_EQ(6, act->msg.map_reply.entry[1].chunk);
	EXPECT_EQ(QBD_MAP_ZERO, act->msg.map_reply.entry[1].flags);
	EXPECT_EQ(0, qbd_wire_encode(&act->msg, (u8[QBD_WIRE_LEN_MAX]){ 0 },
				     QBD_WIRE_LEN_MAX) < 0);
}

TEST(map_of_a_pin_that_is_gone)
{
	const struct qbd_msg *msg;

	start();
	shell.map = -ENODATA;
	map();
	msg = rw_sent(QBD_MSG_MAP_REPLY);
	EXPECT_EQ(QBD_STATUS_GONE, msg->map_reply.status);
	EXPECT_EQ(0, msg->map_reply.nr);
	EXPECT_EQ(2, msg->map_reply.from);
	EXPECT_EQ(2, msg->map_reply.next);
}

/* The bytes are the shell's. */
TEST(a_diff_is_an_action)
{
	struct qbd_msg msg = diff(), reply;
	const struct qbd_action *act;

	start();
	rw_msg(NODE, &msg);
	EXPECT_EQ(1, did.nr);
	act = rw_act(QBD_ACT_DIFF, QBD_MSG_DIFF);
	EXPECT_EQ(NODE, act->node);
	EXPECT_TRUE(act->msg.payload == msg.payload);
	EXPECT_EQ(3, act->msg.diff.nr);
	EXPECT_EQ(5, act->msg.diff.chunk[1]);
	memset(&reply, 0xee, sizeof(reply));
	qbd_diff_reply(&act->msg, 1, &reply);
	EXPECT_EQ(QBD_MSG_DIFF_REPLY, reply.type);
	EXPECT_EQ(101, reply.replica);
	EXPECT_EQ(1, reply.key.volume);
	EXPECT_EQ(2, reply.key.shard);
	EXPECT_EQ(RW_TERM, reply.term);
	EXPECT_EQ(RW_NONCE, reply.nonce);
	EXPECT_EQ(SESSION, reply.session);
	EXPECT_EQ(SEQ, reply.diff_reply.seq);
	EXPECT_EQ(4, reply.diff_reply.id);
	EXPECT_EQ(5, reply.diff_reply.chunk);
	EXPECT_EQ(QBD_STATUS_OK, reply.diff_reply.status);
	EXPECT_EQ(0, reply.payload_bytes);
	EXPECT_NULL(reply.payload);
	EXPECT_TRUE(mem_is_zero(reply.diff_reply.differs,
				sizeof(reply.diff_reply.differs)));
}

/* --- who is served ------------------------------------------------------ */

TEST(only_who_obeys_the_same_leader)
{
	start();
	pin(40);
	ask_all(RW_TERM - 1, RW_NONCE);
	ask_all(RW_TERM + 1, RW_NONCE);
	ask_all(RW_TERM, RW_NONCE + 1);
	EXPECT_EQ(1, shell.pins);
	EXPECT_EQ(0, shell.unpins);
}

TEST(not_everybody_serves)
{
	start();
	world.rep.cfg.resync = NULL;
	ask_all(RW_TERM, RW_NONCE);
	/* One that may have lost records. */
	start();
	world.rep.flags = QBD_REPLICA_SUSPECT;
	ask_all(RW_TERM, RW_NONCE);
	/* One that was started again: its leader may be none any more. */
	start();
	world.rep.opened = false;
	ask_all(RW_TERM, RW_NONCE);
	start();
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_FAILED,
		.err = -EIO,
	});
	ask_all(RW_TERM, RW_NONCE);
	EXPECT_EQ(0, shell.pins);
}

/* A promise that is not durable yet: nobody is obeyed. */
static void rise(void)
{
	struct qbd_msg msg = rw_make(QBD_MSG_OPEN, 101, 1);

	msg.term = RW_TERM + 1;
	msg.nonce = RW_NONCE + 1;
	msg.open.node = RW_LEADER;
	msg.open.lease_ms = 1500;
	msg.open.blocks = 1024;
	rw_msg(RW_LEADER, &msg);
	rw_act(QBD_ACT_LOG_PROMISE, 0);
}

TEST(another_leader_ends_it)
{
	start();
	pin(40);
	pin_of(103, 3, 7, 40);
	rise();
	EXPECT_EQ(1, shell.unpins);
	EXPECT_EQ(0, world.rep.pin_user[0].target);
	EXPECT_EQ(0, world.rep.pin_user[1].target);
	ask_all(RW_TERM, RW_NONCE);
	ask_all(RW_TERM + 1, RW_NONCE + 1);
	EXPECT_EQ(1, shell.unpins);
	EXPECT_EQ(2, shell.pins);
}

TEST(a_store_that_fails_ends_it)
{
	start();
	pin(40);
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_FAILED,
		.err = -EIO,
	});
	EXPECT_EQ(1, shell.unpins);
	rw_tick(10 * QBD_PIN_IDLE * RW_RETRY_NS);
	EXPECT_EQ(1, shell.unpins);
}

TEST_HARNESS_MAIN
