// SPDX-License-Identifier: GPL-2.0-only
/*
 * The target of a resync: orders, the pin, the map, and what it takes for an
 * answer.
 */
#include "resync_target.h"

/* --- from the order to the end ------------------------------------------ */

/* First of all it loses what nobody committed, as far as it knows. */
static void expect_pin(void)
{
	const struct qbd_action *act;

	EXPECT_EQ(QBD_STATUS_BUSY, status());
	act = rw_act(QBD_ACT_LOG_TRUNCATE, 0);
	EXPECT_EQ(HAVE, act->index);
	EXPECT_EQ(RW_TERM, act->term);
	EXPECT_EQ(2, did.nr);
	rw_tick(RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
	rw_event(QBD_REPLICA_TRUNCATED);
	act = rw_act(QBD_ACT_SEND, QBD_MSG_PIN);
	EXPECT_EQ(NODE, act->node);
	EXPECT_EQ(SOURCE, act->msg.replica);
	EXPECT_EQ(RW_TERM, act->msg.term);
	EXPECT_EQ(RW_NONCE, act->msg.nonce);
	EXPECT_EQ(101, act->msg.pin.target);
	EXPECT_EQ(5, act->msg.pin.have.term);
	EXPECT_EQ(HAVE, act->msg.pin.have.index);
	EXPECT_EQ(world.rep.resync.session, act->msg.session);
}

static void expect_copy(void)
{
	struct qbd_msg reply = pin_reply();
	const struct qbd_action *act;
	const struct qbd_msg *msg;

	say(&reply);
	EXPECT_EQ(1, shell.shadows);
	EXPECT_EQ(AT, shell.shadow_info.at.index);
	EXPECT_EQ(SEQ, shell.shadow_info.seq);
	EXPECT_TRUE(shell.shadow_config == reply.payload);
	act = rw_act(QBD_ACT_SEND, QBD_MSG_MAP);
	EXPECT_EQ(NODE, act->node);
	EXPECT_EQ(SOURCE, act->msg.replica);
	EXPECT_EQ(SEQ, act->msg.map.seq);
	EXPECT_EQ(HAVE, act->msg.map.have);
	EXPECT_EQ(0, act->msg.map.from);

	/* Of chunk 1 there is nothing to be done. */
	map_says(0, 4, 0, 2);
	EXPECT_EQ(2, shell.looks);
	EXPECT_EQ(4, rw_sent(QBD_MSG_MAP)->map.from);
	EXPECT_EQ(1, did.nr);
	map_says(4, 16, 0, 0);
	act = rw_act(QBD_ACT_DIGEST, QBD_MSG_DIFF);
	EXPECT_EQ(NODE, act->node);
	EXPECT_EQ(SHADOW, act->id);
	EXPECT_EQ(SOURCE, act->msg.replica);
	EXPECT_EQ(SEQ, act->msg.diff.seq);
	EXPECT_EQ(1, act->msg.diff.nr);
	EXPECT_EQ(0, act->msg.diff.chunk[0]);

	reply = diff_reply(act->msg.diff.id, 0);
	say(&reply);
	act = rw_act(QBD_ACT_SHADOW, QBD_MSG_DIFF_REPLY);
	EXPECT_EQ(SHADOW, act->id);
	EXPECT_EQ(70, act->index);
	EXPECT_EQ(0, act->msg.diff_reply.chunk);
	EXPECT_EQ(0, shell.switches);
	shadowed(&reply, 0);
	EXPECT_EQ(1, shell.switches);
	msg = rw_sent(QBD_MSG_UNPIN);
	EXPECT_EQ(SOURCE, msg->replica);
	EXPECT_EQ(101, msg->unpin.target);
	EXPECT_EQ(SEQ, msg->unpin.seq);
}

/* Up to the checkpoint it is what it was. */
static void expect_switch(void)
{
	const struct qbd_msg *msg;

	shell.state = -EAGAIN;
	order(2);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	EXPECT_EQ(HAVE, world.rep.last.index);
	shell.state = -ENOENT;
	shell.switched = (struct qbd_pos){ .term = RW_TERM, .index = AT };
	rw_tick(1);
	msg = rw_sent(QBD_MSG_RESYNC_REPLY);
	EXPECT_EQ(2, msg->session);
	EXPECT_EQ(QBD_STATUS_OK, msg->resync_reply.status);
	EXPECT_EQ(SOURCE, msg->resync_reply.source);
	EXPECT_EQ(AT, msg->resync_reply.at.index);
	EXPECT_EQ(RW_TERM, msg->resync_reply.at.term);
	EXPECT_EQ(2, msg->resync_reply.chunks);
	EXPECT_EQ(QBD_BLOCK_SIZE, msg->resync_reply.bytes);
	EXPECT_EQ(AT, world.rep.last.index);
	EXPECT_EQ(RW_TERM, world.rep.last.term);
	EXPECT_EQ(AT, world.rep.durable);
	EXPECT_EQ(AT, world.rep.bound);
	EXPECT_EQ(0, world.rep.nr_runs);
	/* Asked again it says the same, and records go on from there. */
	order(2);
	EXPECT_EQ(QBD_STATUS_OK, status());
	EXPECT_EQ(1, did.nr);
	world.last = AT;
	append(2, RW_TERM, AT + 1);
	EXPECT_EQ(AT + 1, rw_act(QBD_ACT_LOG_APPEND, 0)->msg.append.pos.index);
}

TEST(becomes_a_copy)
{
	rw_start("init log=5.10 commit=8");
	shell.look[0] = 1;
	order(2);
	expect_pin();
	expect_copy();
	expect_switch();
}

TEST(the_same_order_is_a_question)
{
	const struct qbd_msg *msg;
	u64 session;

	start_copy();
	session = world.rep.resync.session;
	order(2);
	msg = rw_sent(QBD_MSG_RESYNC_REPLY);
	EXPECT_EQ(QBD_STATUS_BUSY, msg->resync_reply.status);
	EXPECT_EQ(AT, msg->resync_reply.at.index);
	EXPECT_EQ(1, did.nr);
	EXPECT_EQ(session, world.rep.resync.session);
	/* One of before is none. */
	order(1);
	EXPECT_TRUE(rw_quiet());
}

TEST(a_new_session_begins_anew)
{
	const struct qbd_msg *msg;
	u64 session;

	start_diff(3);
	session = world.rep.resync.session;
	order_of(3, 103, 3);
	EXPECT_EQ(QBD_STATUS_BUSY, status());
	/* The source of before may go on without. */
	msg = rw_sent(QBD_MSG_UNPIN);
	EXPECT_EQ(SOURCE, msg->replica);
	EXPECT_EQ(SEQ, msg->unpin.seq);
	EXPECT_EQ(session, msg->session);
	EXPECT_EQ(NODE, rw_act(QBD_ACT_SEND, QBD_MSG_UNPIN)->node);
	EXPECT_EQ(3, rw_act(QBD_ACT_SEND, QBD_MSG_PIN)->node);
	msg = rw_sent(QBD_MSG_PIN);
	EXPECT_EQ(103, msg->replica);
	EXPECT_NE(session, msg->session);
	EXPECT_EQ(0, shell.drops);
	/* Twice the same source: another session all the same. */
	session = msg->session;
	order_of(4, 103, 3);
	EXPECT_EQ(0, rw_count(QBD_ACT_SEND, QBD_MSG_UNPIN));
	EXPECT_NE(session, rw_sent(QBD_MSG_PIN)->session);
}

/* It was a source itself before the log of others went beyond it. */
TEST(a_target_is_no_source)
{
	rw_start("init log=5.8 commit=8");
	world.rep.pin_user[0].target = 103;
	order(2);
	EXPECT_EQ(1, shell.unpins);
	EXPECT_EQ(0, world.rep.pin_user[0].target);
}

TEST(orders_of_nobody)
{
	struct qbd_msg msg = rw_make(QBD_MSG_RESYNC, 101, 2);

	rw_start("init log=5.8 commit=8");
	msg.resync.source = SOURCE;
	msg.resync.node = NODE;
	msg.term = RW_TERM - 1;
	rw_msg(RW_LEADER, &msg);
	EXPECT_EQ(QBD_NACK_STALE_TERM, rw_sent(QBD_MSG_NACK)->nack.reason);
	msg.term = RW_TERM;
	rw_msg(NODE, &msg);
	EXPECT_EQ(QBD_NACK_TERM_TAKEN, rw_sent(QBD_MSG_NACK)->nack.reason);
	EXPECT_EQ(1, did.nr);
	world.rep.cfg.resync = NULL;
	rw_msg(RW_LEADER, &msg);
	EXPECT_TRUE(rw_quiet());
}

/*
 * What waits for room in a full log goes before anything else: the truncation
 * would wait behind it. Records that come meanwhile are not taken.
 */
TEST(what_waits_is_forgotten_first)
{
	struct qbd_msg msg = rw_make(QBD_MSG_RESYNC, 101, 2);

	rw_start("init log=5.8 commit=8");
	append(1, 5, 9);
	append(1, RW_TERM, 10);
	msg.resync.source = SOURCE;
	msg.resync.node = NODE;
	did.nr = 0;
	ASSERT_TRUE(rw_steps(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_MSG, .node = RW_LEADER, .msg = &msg }));
	EXPECT_EQ(0, rw_count(QBD_ACT_LOG_TRUNCATE, 0));
	append(2, RW_TERM, 11);
	EXPECT_EQ(QBD_NACK_BUSY, rw_sent(QBD_MSG_NACK)->nack.reason);
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_FORGOT,
		.pos = { .term = RW_TERM, .index = 9 } });
	EXPECT_EQ(HAVE, rw_act(QBD_ACT_LOG_TRUNCATE, 0)->index);
}

TEST(one_that_lost_a_page_is_no_target)
{
	rw_start("init log=5.8 commit=8 lost");
	order(2);
	EXPECT_EQ(QBD_STATUS_CORRUPT, status());
	EXPECT_EQ(1, did.nr);
	rw_tick(10 * RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
	order(2);
	EXPECT_EQ(QBD_STATUS_CORRUPT, status());
	EXPECT_EQ(1, did.nr);
}

/* --- the pin ------------------------------------------------------------ */

TEST(asks_for_the_pin_until_it_is_there)
{
	rw_start("init log=5.8 commit=8");
	order(2);
	rw_sent(QBD_MSG_PIN);
	pin_says(QBD_STATUS_BUSY);
	EXPECT_TRUE(rw_quiet());
	rw_tick(RW_RETRY_NS - 1);
	EXPECT_TRUE(rw_quiet());
	rw_tick(1);
	rw_sent(QBD_MSG_PIN);
	EXPECT_EQ(1, did.nr);
}

TEST(nothing_beyond_what_is_here)
{
	const struct qbd_msg *msg;

	rw_start("init log=5.8 commit=8");
	order(2);
	pin_says(QBD_STATUS_MISMATCH);
	msg = rw_sent(QBD_MSG_RESYNC_REPLY);
	EXPECT_EQ(QBD_STATUS_OK, msg->resync_reply.status);
	EXPECT_EQ(HAVE, msg->resync_reply.at.index);
	EXPECT_EQ(5, msg->resync_reply.at.term);
	EXPECT_EQ(1, did.nr);
	EXPECT_EQ(0, shell.shadows);
	rw_tick(10 * RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
}

TEST(a_source_that_can_not)
{
	static const u32 said[] = { QBD_STATUS_EIO, QBD_STATUS_CORRUPT,
				    QBD_STATUS_GONE, QBD_STATUS_NOSPC };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(said); i++) {
		rw_start("init log=5.8 commit=8");
		order(2);
		pin_says(said[i]);
		/* its store is full, not this one's */
		EXPECT_EQ(said[i] == QBD_STATUS_NOSPC ? QBD_STATUS_GONE :
							said[i],
			  status());
		EXPECT_EQ(1, did.nr);
		rw_tick(10 * RW_RETRY_NS);
		EXPECT_TRUE(rw_quiet());
	}
}

TEST(a_shadow_that_is_not_to_be_had)
{
	static const struct {
		int err;
		u32 said;
	} of[] = {
		{ -EPROTO, QBD_STATUS_EIO },
		{ -ENOENT, QBD_STATUS_EIO },
		{ -ENOSPC, QBD_STATUS_NOSPC },
	};
	struct qbd_msg msg;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		rw_start("init log=5.8 commit=8");
		order(2);
		shell.shadow = of[i].err;
		msg = pin_reply();
		say(&msg);
		EXPECT_EQ(of[i].said, status());
		EXPECT_EQ(0, rw_count(QBD_ACT_SEND, QBD_MSG_MAP));
	}
}

TEST(a_shadow_that_takes_a_while)
{
	struct qbd_msg msg;

	rw_start("init log=5.8 commit=8");
	order(2);
	shell.shadow = -EAGAIN;
	msg = pin_reply();
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	rw_tick(RW_RETRY_NS);
	rw_sent(QBD_MSG_PIN);
	shell.shadow = -EBUSY;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.drops);
	/* It led further than this source is: of no use. */
	shell.shadow = -EINVAL;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(1, shell.drops);
	shell.shadow = 0;
	rw_tick(RW_RETRY_NS);
	rw_sent(QBD_MSG_PIN);
	say(&msg);
	rw_sent(QBD_MSG_MAP);
	EXPECT_EQ(4, shell.shadows);
}

/* A pin that has no more than the target is an answer to another question. */
TEST(a_pin_that_is_not_beyond)
{
	struct qbd_msg msg;

	rw_start("init log=5.8 commit=8");
	order(2);
	msg = pin_reply();
	msg.pin_reply.at.index = HAVE;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.shadows);
	msg.pin_reply.at.index = HAVE + 1;
	say(&msg);
	EXPECT_EQ(1, shell.shadows);
}

/*
 * Whoever sends records has given it up. Truncated as what was there when the
 * order came, they would never be there.
 */
TEST(a_record_before_the_pin)
{
	struct qbd_msg msg;

	rw_start("init log=5.8 commit=8");
	order(2);
	msg = pin_reply();
	append(3, 5, HAVE + 1);
	rw_act(QBD_ACT_LOG_APPEND, 0);
	EXPECT_EQ(1, did.nr);
	say(&msg);
	rw_tick(RW_RETRY_NS);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.shadows);
	EXPECT_EQ(HAVE + 1, world.rep.last.index);
}

/* --- whose answers ------------------------------------------------------ */

TEST(answers_of_others)
{
	struct qbd_msg msg;
	u64 session;

	rw_start("init log=5.8 commit=8");
	msg = pin_reply();
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	order(2);
	session = world.rep.resync.session;
	msg = pin_reply();
	rw_msg(NODE + 1, &msg);
	EXPECT_TRUE(rw_quiet());
	msg.replica = SOURCE + 1;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	msg.replica = SOURCE;
	msg.session = session - 1;
	say(&msg);
	msg.session = session + 1;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.shadows);
	msg.session = session;
	msg.term++;
	say(&msg);
	msg.term--;
	msg.nonce++;
	say(&msg);
	msg.nonce--;
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.shadows);
	say(&msg);
	EXPECT_EQ(1, shell.shadows);
	/* Twice. */
	say(&msg);
	EXPECT_EQ(1, shell.shadows);
	EXPECT_TRUE(rw_quiet());
}

TEST(maps_of_others)
{
	struct qbd_msg msg;

	start_copy();
	msg = map_reply(0, 16, 0, 1);
	msg.map_reply.seq++;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	msg.map_reply.seq--;
	msg.session++;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	msg.session--;
	rw_msg(NODE + 1, &msg);
	EXPECT_TRUE(rw_quiet());
	/* Of another question. */
	map_says(1, 16, 1, 1);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.looks);
	map_says(0, 4, 0, 1);
	EXPECT_EQ(1, shell.looks);
	EXPECT_EQ(4, rw_sent(QBD_MSG_MAP)->map.from);
	/* One that comes twice. */
	map_says(0, 4, 0, 1);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(1, shell.looks);
	map_says(4, 16, 0, 0);
	rw_act(QBD_ACT_DIGEST, 0);
	map_says(4, 16, 0, 0);
	EXPECT_TRUE(rw_quiet());
}

TEST(diffs_of_others)
{
	u64 id = start_diff(3);
	struct qbd_msg msg;

	msg = diff_reply(id, 3);
	msg.diff_reply.seq++;
	say(&msg);
	msg.diff_reply.seq--;
	msg.session++;
	say(&msg);
	msg.session--;
	msg.replica++;
	say(&msg);
	msg.replica--;
	rw_msg(NODE + 1, &msg);
	msg.diff_reply.id++;
	say(&msg);
	msg.diff_reply.id -= 2;
	say(&msg);
	msg.diff_reply.id = id;
	msg.diff_reply.chunk = 4;
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	diff_says(id, 3, QBD_STATUS_BUSY);
	EXPECT_TRUE(rw_quiet());
	msg.diff_reply.chunk = 3;
	say(&msg);
	rw_act(QBD_ACT_SHADOW, 0);
	/* Twice. */
	say(&msg);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, world.rep.resync.bytes);
	shadowed(&msg, 0);
	EXPECT_EQ(QBD_BLOCK_SIZE, world.rep.resync.bytes);
}

/* --- the map ------------------------------------------------------------ */

TEST(asks_for_the_map_again)
{
	start_copy();
	rw_tick(RW_RETRY_NS - 1);
	EXPECT_TRUE(rw_quiet());
	rw_tick(1);
	EXPECT_EQ(0, rw_sent(QBD_MSG_MAP)->map.from);
	EXPECT_EQ(1, did.nr);
}

TEST(maps_that_make_no_sense)
{
	struct qbd_msg msg;
	u32 i;

	for (i = 0; i < 4; i++) {
		start_copy();
		msg = map_reply(0, 16, 0, 1);
		if (i == 0)
			msg.map_reply.next = 17; /* more than there are */
		else if (i == 1)
			msg.map_reply.next = 0; /* gets nowhere */
		else if (i == 2)
			msg.map_reply.entry[0].last = HAVE;
		else
			msg.map_reply.entry[0].last = AT + 1;
		say(&msg);
		EXPECT_EQ(QBD_STATUS_EIO, status());
		EXPECT_EQ(SEQ, rw_sent(QBD_MSG_UNPIN)->unpin.seq);
		EXPECT_EQ(0, shell.looks);
	}
	start_copy();
	msg = map_reply(0, 16, 0, 2);
	msg.map_reply.entry[0].last = HAVE + 1;
	msg.map_reply.entry[1].last = AT;
	say(&msg);
	EXPECT_EQ(2, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.nr);
}

/* Nothing changed but what is not in any chunk. */
TEST(an_empty_map)
{
	start_copy();
	map_says(0, 16, 0, 0);
	EXPECT_EQ(1, shell.switches);
	rw_sent(QBD_MSG_UNPIN);
}

/* A handful is under way: the map is asked for as there is room. */
TEST(no_more_than_there_is_room_for)
{
	const struct qbd_action *act;
	u32 i, chunk = 0;

	start_copy_of("init log=5.8 commit=8 blocks=4096");
	map_says(0, 8, 0, 8);
	/* Two of four chunks, as many as there are digests in a block. */
	EXPECT_EQ(2, rw_count(QBD_ACT_DIGEST, 0));
	EXPECT_EQ(8, rw_sent(QBD_MSG_MAP)->map.from);
	EXPECT_EQ(3, did.nr);
	for (i = 0; i < did.nr; i++) {
		act = &did.act[i];
		if (act->kind == QBD_ACT_DIGEST) {
			EXPECT_EQ(4, act->msg.diff.nr);
			EXPECT_EQ(chunk, act->msg.diff.chunk[0]);
			EXPECT_EQ(0, act->msg.diff.chunk[4]);
			chunk += 4;
			EXPECT_EQ(chunk / 4, act->msg.diff.id);
		}
	}
	map_says(8, 16, 8, 8);
	EXPECT_EQ(2, rw_count(QBD_ACT_DIGEST, 0));
	EXPECT_EQ(0, rw_count(QBD_ACT_SEND, QBD_MSG_MAP));
	/* Nobody asked for that one. */
	map_says(16, 24, 16, 8);
	EXPECT_TRUE(rw_quiet());
	for (i = 0; i < QBD_MAP_MAX; i++) {
		struct qbd_msg msg = diff_reply(1 + i / 4, i);

		say(&msg);
		EXPECT_EQ(0, rw_count(QBD_ACT_SEND, QBD_MSG_MAP));
		rw_act(QBD_ACT_SHADOW, 0);
		shadowed(&msg, 0);
	}
	EXPECT_EQ(16, rw_sent(QBD_MSG_MAP)->map.from);
	EXPECT_EQ(8, world.rep.resync.chunks);
}

TEST(looks_again)
{
	start_copy();
	shell.look[3] = -EBUSY;
	shell.look[4] = -ENOMEM;
	map_says(0, 16, 3, 2);
	EXPECT_TRUE(rw_quiet());
	EXPECT_EQ(0, shell.switches);
	shell.look[3] = 0;
	shell.look[4] = 1;
	rw_tick(1);
	EXPECT_EQ(4, rw_act(QBD_ACT_DIGEST, 0)->msg.diff.chunk[0]);
	EXPECT_EQ(1, world.rep.resync.chunks);
	EXPECT_EQ(2, shell.looked[3]);
	EXPECT_EQ(2, shell.looked[4]);
}

TEST_HARNESS_MAIN
