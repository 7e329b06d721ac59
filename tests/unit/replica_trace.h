/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One replica on its own, driven by scripts: tests/traces/replica_*.txt.
 *
 * Verbs: init, open, append, read, fetch, release (messages), logged, promised,
 * truncated, unlogged, read-done, floor, failed, tick (events), beat, state.
 */
#ifndef QBD_TESTS_REPLICA_TRACE_H
#define QBD_TESTS_REPLICA_TRACE_H

#include "trace.h"
#include "print.h"
#include "replica.h"

#define LOG 256

static struct {
	struct qbd_replica_core rep;
	struct qbd_log_rec log[LOG];
	u64 first, last;
	struct qbd_lease_voter voter[8];
	u64 now_ns;
	struct qbd_msg read;
} world;

static inline u64 world_term_at(void *ctx, u64 index)
{
	if (!index || index > world.last || index + 1 < world.first)
		return 0;
	return world.log[index].pos.term;
}

static inline bool world_log_get(void *ctx, u64 index, struct qbd_log_rec *rec)
{
	if (index < world.first || index > world.last)
		return false;
	*rec = world.log[index];
	return true;
}

static inline struct qbd_lease_stamp world_stamp(void *ctx, u32 node)
{
	return qbd_lease_stamp(&world.voter[node]);
}

static inline u64 world_leave(void *ctx, u32 node)
{
	return qbd_lease_leave(&world.voter[node]);
}

static const struct qbd_replica_ops world_ops = {
	.term_at = world_term_at,
	.log_get = world_log_get,
	.lease_stamp = world_stamp,
	.lease_leave = world_leave,
};

static inline struct qbd_pos word_pos(const char *line, const char *key)
{
	return (struct qbd_pos){
		.term = trace_num(line, key, 0),
		.index = trace_index(line, key),
	};
}

/* init: log=TERM.INDEX,... as runs: up to INDEX the records are of TERM */
static inline void world_init(const char *line)
{
	const char *word = trace_word(line, "log");
	struct qbd_replica_config cfg = {
		.ops = &world_ops,
		.key = { .volume = 1, .shard = 2 },
		.replica = 101,
		.node = 1,
		.incarnation = 77,
		.opens = 3,
		.promise = {
			.term = trace_num(line, "term", 0),
			.nonce = trace_num(line, "nonce", 0),
			.node = trace_num(line, "node", 0),
		},
		.commit = trace_num(line, "commit", 0),
		.max_lease_ns = 1500 * NSEC_PER_MSEC,
		.window_records = 16,
		.window_bytes = 1 << 20,
		.flags = trace_flag(line, "nonvoting") ?
				 QBD_REPLICA_NONVOTING :
				 0,
	};
	u32 i;

	if (trace_flag(line, "lost"))
		cfg.flags = QBD_REPLICA_LOST | QBD_REPLICA_SUSPECT |
			    QBD_REPLICA_NONVOTING;
	memset(&world, 0, sizeof(world));
	world.first = trace_num(line, "first", 1);
	world.now_ns = 1000 * NSEC_PER_MSEC;
	while (word && *word && !isspace(*word)) {
		char *end;
		u64 term = strtoull(word, &end, 0);
		u64 index = strtoull(end + 1, &end, 0);

		while (world.last < index) {
			world.last++;
			world.log[world.last] = (struct qbd_log_rec){
				.pos = { .term = term, .index = world.last },
				.op = QBD_OP_WRITE,
				.payload_blocks = 1,
				.block = world.last % 8,
				.blocks = 1,
			};
		}
		word = *end == ',' ? end + 1 : NULL;
	}
	if (world.last)
		cfg.last = world.log[world.last].pos;
	for (i = 0; i < 8; i++)
		qbd_lease_voter_init(&world.voter[i], 200 * i);
	qbd_replica_init(&world.rep, &cfg, world.now_ns);
}

/* The store, as far as its memory goes: at once. */
static inline void world_store(const struct qbd_action *act)
{
	const struct qbd_msg_append *append = &act->msg.append;

	if (act->kind == QBD_ACT_LOG_TRUNCATE)
		world.last = act->index;
	if (act->kind == QBD_ACT_READ)
		world.read = act->msg;
	if (act->kind != QBD_ACT_LOG_APPEND)
		return;
	ASSERT_EQ(world.last + 1, append->pos.index);
	world.log[++world.last] = (struct qbd_log_rec){
		.pos = append->pos,
		.op = append->op,
		.payload_blocks = act->msg.payload_bytes / QBD_BLOCK_SIZE,
		.block = append->block,
		.blocks = append->blocks,
	};
}

static inline void world_step(struct qbd_replica_event *event, FILE *out)
{
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	u32 i;

	event->now_ns = world.now_ns;
	do {
		acts.nr = 0;
		qbd_replica_step(&world.rep, event, &acts);
		for (i = 0; i < acts.nr; i++) {
			print_action(out, &act[i]);
			world_store(&act[i]);
		}
		event->kind = QBD_REPLICA_MORE;
	} while (acts.more);
}

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
	} else if (trace_verb(line, "append")) {
		world_append(line, &msg);
	} else if (trace_verb(line, "read")) {
		msg.type = QBD_MSG_READ;
		msg.read.id = 4;
		msg.read.blocks = 1;
		msg.read.completed = trace_num(line, "completed", 0);
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
		{ "read-done", QBD_REPLICA_READ_DONE },
		{ "floor", QBD_REPLICA_FLOOR },
		{ "failed", QBD_REPLICA_FAILED },
		{ "tick", QBD_REPLICA_TICK },
	};
	struct qbd_replica_event event = {
		.term = trace_num(line, "term", 0),
		.nonce = trace_num(line, "term", 0) * 11,
		.err = -(int)trace_num(line, "err", 0),
		.pos = word_pos(line, "pos"),
		.first = trace_num(line, "first", word_pos(line, "pos").index),
		.node = trace_num(line, "node", 1),
		.msg = &world.read,
	};
	u32 i = 0;

	while (i < ARRAY_SIZE(verb) && !trace_verb(line, verb[i].verb))
		i++;
	if (i == ARRAY_SIZE(verb))
		return false;
	event.kind = verb[i].kind;
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
