/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One replica on its own, with a log in memory: what replica_trace.h drives.
 */
#ifndef QBD_TESTS_REPLICA_WORLD_H
#define QBD_TESTS_REPLICA_WORLD_H

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
		.blocks = trace_num(line, "blocks", 1024),
		.incarnation = 77,
		.opens = 3,
		.promise = {
			.term = trace_num(line, "term", 0),
			.nonce = trace_num(line, "nonce", 0),
			.node = trace_num(line, "node", 0),
			.lease_ms = trace_num(line, "granted", 0),
		},
		.commit = trace_num(line, "commit", 0),
		.max_lease_ns = 1500 * NSEC_PER_MSEC,
		.window_records = trace_num(line, "window", 16),
		.window_bytes = trace_num(line, "bytes", 1 << 20),
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

#endif /* QBD_TESTS_REPLICA_WORLD_H */
