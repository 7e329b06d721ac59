/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the verbs of raft_trace.h do.
 */
#ifndef QBD_TESTS_RAFT_INPUT_H
#define QBD_TESTS_RAFT_INPUT_H

#include "raft_trace.h"

/* --- what goes in ------------------------------------------------ */

static inline void rt_init(const char *line, FILE *out)
{
	static const struct raft_options base = { .election_ns = 100000000,
						  .beat_ns = 25000000,
						  .seed = 1,
						  .window = 8,
						  .append_bytes = 1024,
						  .chunk_bytes = 40,
						  .pool_bytes = 4096 };
	struct raft_options opt = base;
	struct raft_start start = { .term = trace_num(line, "term", 0),
				    .vote = trace_num(line, "vote", 0),
				    .snap.pos = rt_pos(line, "snap"),
				    .entry = rt.entry,
				    .now_ns = rt.now_ns };
	int err;

	opt.id = trace_num(line, "id", 1);
	opt.slot = rt.slot;
	opt.slots = trace_num(line, "slots", 64);
	opt.pool = rt.pool;
	opt.append_entries = trace_num(line, "append", 4);
	start.damaged = trace_flag(line, "damaged");
	start.nr =
		rt_entries(trace_word(line, "log"),
			   trace_num(line, "first", start.snap.pos.index + 1));
	rt_conf(trace_word(line, "conf"), &start.snap.conf);
	start.snap.bytes = start.snap.pos.index ? 100 : 0;
	start.snap.id = start.snap.pos.index;
	err = raft_create(&rt.raft, &opt, &start);
	if (err)
		fprintf(out, "  error %d\n", err);
}

static inline bool rt_msg(const char *line, FILE *out)
{
	struct raft_msg msg = {
		.from = trace_num(line, "from", 2),
		.to = rt.raft.opt.id,
		.term = trace_num(line, "term", rt.raft.term),
		.pos = rt_pos(line, "pos"),
		.index = trace_num(line, "index", 0),
		.commit = trace_num(line, "commit", 0),
		.round = trace_num(line, "round", 0),
		.reject = trace_flag(line, "no"),
		.transfer = trace_flag(line, "handover"),
		.snap.pos = rt_pos(line, "snap"),
		.snap.bytes = trace_num(line, "bytes", 0),
		.snap.id = trace_index(line, "snap"),
		.bytes = trace_num(line, "piece", 0),
		.entry = rt.entry,
		.data = rt.pool,
	};
	struct raft_event event = { .kind = RAFT_EV_RECV, .msg = &msg };

	for (msg.type = RAFT_MSG_TYPE_MAX; msg.type; msg.type--)
		if (trace_verb(line, rt_types[msg.type]))
			break;
	if (!msg.type)
		return false;
	msg.nr = rt_entries(trace_word(line, "e"), msg.pos.index + 1);
	rt_conf(trace_word(line, "conf"), &msg.snap.conf);
	rt_step(&event, out);
	return true;
}

static inline void rt_members(const char *line, struct raft_members *members)
{
	const char *word = trace_word(line, "voters");

	for (; word && isdigit(*word); word++)
		members->id[members->voters++] = *word - '0';
	word = trace_word(line, "learners");
	for (; word && isdigit(*word); word++)
		members->id[members->voters + members->learners++] =
			*word - '0';
}

static inline void rt_snapshot(const char *line, FILE *out)
{
	struct raft_snap snap;
	struct raft_event event = { .kind = RAFT_EV_COMPACT, .snap = &snap };
	int err = raft_snapshot_begin(&rt.raft, trace_num(line, "index", 0),
				      &snap);

	event.index = trace_num(line, "through", 0);
	if (err) {
		fprintf(out, "  error %d\n", err);
		return;
	}
	snap.bytes = trace_num(line, "bytes", 100);
	snap.id = snap.pos.index;
	fprintf(out, "  with ");
	rt_show_conf(out, &snap.conf);
	fprintf(out, "@%llu\n", snap.conf.index);
	rt_step(&event, out);
}

static inline bool rt_other(const char *line, FILE *out)
{
	static const struct {
		const char *verb;
		enum raft_event_kind kind;
	} verb[] = {
		{ "tick", RAFT_EV_TICK },
		{ "stored", RAFT_EV_PERSISTED },
		{ "propose", RAFT_EV_PROPOSE },
		{ "read", RAFT_EV_READ },
		{ "config", RAFT_EV_CONFIG },
		{ "transfer", RAFT_EV_TRANSFER },
		{ "chunk", RAFT_EV_CHUNK },
	};
	struct raft_members members = { 0 };
	struct raft_event event = { .id = trace_num(line, "id", 0),
				    .err = -(int)trace_num(line, "err", 0),
				    .seq = rt.raft.flight.seq,
				    .want = &members };
	const char *word = strchr(line, ' ');
	u32 i;

	for (i = 0; i < ARRAY_SIZE(verb) && !trace_verb(line, verb[i].verb);
	     i++)
		;
	if (i == ARRAY_SIZE(verb))
		return false;
	event.kind = verb[i].kind;
	rt_members(line, &members);
	if (event.kind == RAFT_EV_READ)
		event.cookie = word ? strtoull(word + 1, NULL, 0) : 0;
	if (event.kind == RAFT_EV_PROPOSE) {
		event.data = word ? word + 1 : "";
		event.bytes = word ? strcspn(word + 1, " ") : 0;
	}
	rt_step(&event, out);
	return true;
}

static inline void rt_input(const char *line, FILE *out)
{
	rt.now_ns = trace_num(line, "now", rt.now_ns / NSEC_PER_MSEC) *
		    NSEC_PER_MSEC;
	if (trace_verb(line, "init"))
		rt_init(line, out);
	else if (trace_verb(line, "state"))
		rt_state(out);
	else if (trace_verb(line, "snapshot"))
		rt_snapshot(line, out);
	else if (!rt_msg(line, out) && !rt_other(line, out))
		fprintf(out, "  what?\n");
}

#endif /* QBD_TESTS_RAFT_INPUT_H */
