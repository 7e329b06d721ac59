/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One replica on its own, driven by scripts: tests/traces/replica_*.txt.
 *
 * Verbs: init, open, append, read, fetch, release (messages), logged, promised,
 * truncated, unlogged, read-done, floor, failed, tick (events), beat, state.
 */
#ifndef QBD_TESTS_REPLICA_TRACE_H
#define QBD_TESTS_REPLICA_TRACE_H

#include "replica_world.h"

static inline void world_append(const char *line, struct qbd_msg *msg)
{
	struct qbd_msg_append *append = &msg->append;

	msg->type = QBD_MSG_APPEND;
	append->prev = word_pos(line, "prev");
	append->pos = trace_word(line, "pos") ? word_pos(line, "pos") :
						append->prev;
	append->commit = trace_num(line, "commit", 0);
	append->completed = trace_num(line, "vouched", 0);
	append->round = trace_num(line, "round", 0);
	if (!qbd_pos_equal(append->prev, append->pos)) {
		append->op = trace_num(line, "op", QBD_OP_WRITE);
		append->block = trace_num(line, "block", 0);
		append->blocks = 1;
		msg->payload_bytes = QBD_BLOCK_SIZE;
	}
	msg->flags |= trace_flag(line, "probe") ? QBD_WIRE_PROBE : 0;
	msg->flags |= trace_flag(line, "fill") ? QBD_WIRE_FILL : 0;
}

static inline void world_fetch(const char *line, struct qbd_msg *msg)
{
	msg->type = QBD_MSG_FETCH;
	msg->fetch.target = 103;
	msg->fetch.target_session = 9;
	msg->fetch.node = 3;
	msg->fetch.have = word_pos(line, "have");
	msg->fetch.limit = trace_num(line, "limit", 0);
	msg->fetch.commit = trace_num(line, "commit", 0);
	msg->fetch.max_records = trace_num(line, "records", 64);
	msg->fetch.max_bytes = 1 << 20;
	msg->flags |= trace_flag(line, "recovery") ? QBD_WIRE_RECOVERY : 0;
}

static inline bool world_msg(const char *line, FILE *out)
{
	struct qbd_msg msg = {
		.key = { .volume = 1, .shard = 2 },
		.replica = trace_num(line, "replica", 101),
		.term = trace_num(line, "term", 5),
		.epoch = trace_num(line, "epoch", 1),
		.session = trace_num(line, "session", 1),
	};
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_MSG,
		.node = trace_num(line, "node", msg.term == 5 ? 1 : 2),
		.msg = &msg,
	};

	msg.nonce = trace_num(line, "nonce", msg.term * 11);
	if (trace_verb(line, "open")) {
		msg.type = QBD_MSG_OPEN;
		msg.open.node = event.node;
		msg.open.lease_ms = trace_num(line, "lease", 1500);
		msg.open.blocks = trace_num(line, "blocks", 1024);
	} else if (trace_verb(line, "append")) {
		world_append(line, &msg);
	} else if (trace_verb(line, "read")) {
		msg.type = QBD_MSG_READ;
		msg.read.id = 4;
		msg.read.block = trace_num(line, "block", 0);
		msg.read.blocks = 1;
		msg.read.completed = trace_num(line, "completed", 0);
		msg.flags |= trace_flag(line, "digest") ? QBD_WIRE_DIGEST : 0;
		msg.flags |= trace_flag(line, "bare") ? QBD_WIRE_BARE : 0;
	} else if (trace_verb(line, "fetch")) {
		world_fetch(line, &msg);
	} else if (trace_verb(line, "release")) {
		msg.type = QBD_MSG_RELEASE;
		msg.release.commit = trace_num(line, "commit", 0);
	} else {
		return false;
	}
	world_step(&event, out);
	return true;
}

static inline bool world_event(const char *line, FILE *out)
{
	static const struct {
		const char *verb;
		enum qbd_replica_event_kind kind;
	} verb[] = {
		{ "logged", QBD_REPLICA_LOGGED },
		{ "promised", QBD_REPLICA_PROMISED },
		{ "truncated", QBD_REPLICA_TRUNCATED },
		{ "unlogged", QBD_REPLICA_UNLOGGED },
		{ "full", QBD_REPLICA_FULL },
		{ "forgot", QBD_REPLICA_FORGOT },
		{ "read-done", QBD_REPLICA_READ_DONE },
		{ "floor", QBD_REPLICA_FLOOR },
		{ "failed", QBD_REPLICA_FAILED },
		{ "tick", QBD_REPLICA_TICK },
	};
	const u8 digest[QBD_DIGEST_BYTES] = { 77 };
	struct qbd_replica_event event = {
		.term = trace_num(line, "term", 0),
		.nonce = trace_num(line, "term", 0) * 11,
		.err = -(int)trace_num(line, "err", 0),
		.pos = word_pos(line, "pos"),
		.first = trace_num(line, "first", word_pos(line, "pos").index),
		.node = trace_num(line, "node", 1),
		.msg = &world.read,
		.digest = digest,
	};
	u32 i = 0;

	while (i < ARRAY_SIZE(verb) && !trace_verb(line, verb[i].verb))
		i++;
	if (i == ARRAY_SIZE(verb))
		return false;
	event.kind = verb[i].kind;
	if (event.kind == QBD_REPLICA_FORGOT)
		world.last = event.pos.index;
	world_step(&event, out);
	return true;
}

static inline void world_show(FILE *out)
{
	const struct qbd_replica_core *rep = &world.rep;
	u64 i;

	fprintf(out,
		"  last=%llu.%llu durable=%llu matched=%llu bound=%llu%s%s\n",
		rep->last.term, rep->last.index, rep->durable, rep->matched,
		rep->bound, rep->listed ? " listed" : "",
		rep->failed ? " failed" : "");
	fprintf(out, "  terms");
	for (i = 1; i <= world.last; i++)
		if (i == world.last ||
		    world.log[i].pos.term != world.log[i + 1].pos.term)
			fprintf(out, " %llu.%llu", world.log[i].pos.term, i);
	fputc('\n', out);
}

static inline void world_input(const char *line, FILE *out)
{
	world.now_ns = trace_num(line, "now", world.now_ns / NSEC_PER_MSEC) *
		       NSEC_PER_MSEC;
	if (trace_verb(line, "init"))
		world_init(line);
	else if (trace_verb(line, "beat"))
		qbd_lease_grant(&world.voter[trace_num(line, "node", 1)],
				world.now_ns, 1, 1500 * NSEC_PER_MSEC);
	else if (trace_verb(line, "state"))
		world_show(out);
	else if (!world_msg(line, out) && !world_event(line, out))
		fprintf(out, "  what?\n");
}

#endif /* QBD_TESTS_REPLICA_TRACE_H */
