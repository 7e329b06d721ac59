/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The target of a resync on its own: what a leader and a source say to it, and
 * how it comes to each of its states.
 */
#ifndef QBD_TESTS_RESYNC_TARGET_H
#define QBD_TESTS_RESYNC_TARGET_H

#include "resync_world.h"

#define SOURCE 102
#define NODE 2 /* of the source */
#define CHUNK 64
#define SEQ 9
#define SHADOW 500 /* what rw_shadow() says */
#define HAVE 8
#define AT 90

static inline struct qbd_msg answer(u16 type)
{
	return rw_make(type, SOURCE, world.rep.resync.session);
}

static inline void say(const struct qbd_msg *msg)
{
	rw_msg(NODE, msg);
}

static inline void order_of(u64 session, u64 source, u32 node)
{
	struct qbd_msg msg = rw_make(QBD_MSG_RESYNC, 101, session);

	msg.resync.source = source;
	msg.resync.node = node;
	rw_msg(RW_LEADER, &msg);
}

static inline void order(u64 session)
{
	order_of(session, SOURCE, NODE);
}

static inline u32 status(void)
{
	return rw_sent(QBD_MSG_RESYNC_REPLY)->resync_reply.status;
}

static inline struct qbd_msg pin_reply(void)
{
	struct qbd_msg msg = answer(QBD_MSG_PIN_REPLY);
	u32 blocks = world.rep.cfg.blocks;

	msg.payload = (void *)"config";
	msg.payload_bytes = QBD_BLOCK_SIZE;
	msg.pin_reply.seq = SEQ;
	msg.pin_reply.at = (struct qbd_pos){ .term = RW_TERM, .index = AT };
	msg.pin_reply.chunks = (blocks + CHUNK - 1) / CHUNK;
	msg.pin_reply.chunk_blocks = CHUNK;
	return msg;
}

static inline void pin_says(u32 said)
{
	struct qbd_msg msg = answer(QBD_MSG_PIN_REPLY);

	msg.pin_reply.status = said;
	say(&msg);
}

/* Chunks @chunk and those after it, @nr of them, all changed by 70. */
static inline struct qbd_msg map_reply(u32 from, u32 next, u32 chunk, u32 nr)
{
	struct qbd_msg msg = answer(QBD_MSG_MAP_REPLY);
	u32 i;

	msg.map_reply.seq = SEQ;
	msg.map_reply.from = from;
	msg.map_reply.next = next;
	msg.map_reply.nr = nr;
	for (i = 0; i < nr; i++) {
		msg.map_reply.entry[i].chunk = chunk + i;
		msg.map_reply.entry[i].last = 70;
	}
	return msg;
}

static inline void map_says(u32 from, u32 next, u32 chunk, u32 nr)
{
	struct qbd_msg msg = map_reply(from, next, chunk, nr);

	say(&msg);
}

static inline struct qbd_msg diff_reply(u64 id, u32 chunk)
{
	struct qbd_msg msg = answer(QBD_MSG_DIFF_REPLY);

	msg.diff_reply.seq = SEQ;
	msg.diff_reply.id = id;
	msg.diff_reply.chunk = chunk;
	msg.diff_reply.differs[0] = 1;
	msg.payload_bytes = QBD_BLOCK_SIZE;
	return msg;
}

static inline void diff_says(u64 id, u32 chunk, u32 said)
{
	struct qbd_msg msg = diff_reply(id, chunk);

	msg.diff_reply.status = said;
	if (said) {
		msg.diff_reply.differs[0] = 0;
		msg.payload_bytes = 0;
	}
	say(&msg);
}

static inline void shadowed(const struct qbd_msg *msg, int err)
{
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_SHADOWED,
		.msg = msg,
		.err = err,
	});
}

/* An APPEND of the record @index. */
static inline void append(u64 session, u64 prev_term, u64 index)
{
	struct qbd_msg msg = rw_make(QBD_MSG_APPEND, 101, session);

	msg.append.prev.term = prev_term;
	msg.append.prev.index = index - 1;
	msg.append.pos.term = index > HAVE ? RW_TERM : prev_term;
	msg.append.pos.index = index;
	msg.append.op = QBD_OP_WRITE;
	msg.append.blocks = 1;
	msg.payload_bytes = QBD_BLOCK_SIZE;
	rw_msg(RW_LEADER, &msg);
}

/* As far as that the source is asked for its map. */
static inline void start_copy_of(const char *line)
{
	struct qbd_msg msg;
	u32 i;

	rw_start(line);
	for (i = 0; i < ARRAY_SIZE(shell.look); i++)
		shell.look[i] = 1;
	order(2);
	rw_sent(QBD_MSG_PIN);
	msg = pin_reply();
	say(&msg);
	rw_sent(QBD_MSG_MAP);
}

static inline void start_copy(void)
{
	start_copy_of("init log=5.8 commit=8");
}

/* As far as that it asks for the bytes of one chunk. Return: the DIFF's id. */
static inline u64 start_diff(u32 chunk)
{
	const struct qbd_msg *msg;

	start_copy();
	map_says(0, 16, chunk, 1);
	msg = &rw_act(QBD_ACT_DIGEST, QBD_MSG_DIFF)->msg;
	ASSERT_EQ(1, msg->diff.nr);
	ASSERT_EQ(chunk, msg->diff.chunk[0]);
	return msg->diff.id;
}

/* As far as that it waits for the checkpoint. */
static inline void start_switch(void)
{
	struct qbd_msg msg = diff_reply(start_diff(3), 3);

	say(&msg);
	rw_act(QBD_ACT_SHADOW, 0);
	shadowed(&msg, 0);
	ASSERT_EQ(1, shell.switches);
	shell.state = -EAGAIN;
}

#endif /* QBD_TESTS_RESYNC_TARGET_H */
