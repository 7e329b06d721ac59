/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One leader on its own, driven by scripts: tests/traces/leader_*.txt.
 *
 * Verbs: init copies=N, up/down node=N, open-reply, ack, nack, read-reply,
 * fetch-reply, resync-reply, release-ack (messages; m=N is the member, session=
 * the one it was sent last if not given), write, read, read-done, gate,
 * release, stop, tick, lease (node=N renewed, version=V), state, config
 * (epoch=E, old=, next=, learn= masks of nodes: 2 is node 1); now=MS with any
 * of them moves the clock. Members are replica 101... on node 1...; the leader
 * is on node 1.
 */
#ifndef QBD_TESTS_LEADER_TRACE_H
#define QBD_TESTS_LEADER_TRACE_H

#include "leader_world.h"

static inline void lt_ack(const char *line, struct qbd_msg *msg)
{
	msg->type = QBD_MSG_APPEND_ACK;
	msg->ack.received = trace_num(line, "received", 0);
	msg->ack.durable = trace_num(line, "durable", msg->ack.received);
	msg->ack.round = trace_num(line, "round", 0);
	msg->ack.incarnation = trace_num(line, "incarnation", 7);
}

static inline void lt_open_reply(const char *line, struct qbd_msg *msg)
{
	msg->type = QBD_MSG_OPEN_REPLY;
	msg->open_reply.last = lt_pos(line, "last");
	msg->open_reply.durable = msg->open_reply.last.index;
	msg->open_reply.incarnation = trace_num(line, "incarnation", 7);
	msg->open_reply.config = trace_num(line, "config", 1);
	msg->open_reply.window_records = trace_num(line, "records", 16);
	msg->open_reply.window_bytes = 1 << 20;
}

static inline void lt_nack(const char *line, struct qbd_msg *msg)
{
	msg->type = QBD_MSG_NACK;
	msg->nack.reason = trace_num(line, "reason", 0);
	msg->nack.request = trace_num(line, "request", QBD_MSG_APPEND);
	msg->nack.promise_term = trace_num(line, "promise", 0);
	msg->nack.promise_epoch = trace_num(line, "epoch", 0);
	msg->nack.hint = lt_pos(line, "hint");
	msg->nack.incarnation = 7;
	msg->nack.id = trace_num(line, "id", 0);
}

static inline bool lt_msg(const char *line, FILE *out)
{
	u32 member = trace_num(line, "m", 0);
	const struct qbd_progress *prog = lt_member(member);
	struct qbd_msg msg = {
		.replica = 101 + member,
		.term = trace_num(line, "term", 6),
		.nonce = trace_num(line, "nonce", 66),
		.session = trace_num(line, "session", prog ? prog->session : 0),
		.list = trace_num(line, "list", 10),
		.flags = trace_flag(line, "nonvoting") ? QBD_WIRE_NONVOTING : 0,
	};

	if (trace_verb(line, "open-reply")) {
		lt_open_reply(line, &msg);
	} else if (trace_verb(line, "ack")) {
		lt_ack(line, &msg);
	} else if (trace_verb(line, "nack")) {
		lt_nack(line, &msg);
	} else if (trace_verb(line, "read-reply")) {
		msg.type = QBD_MSG_READ_REPLY;
		msg.read_reply.id = trace_num(line, "id", 0);
		msg.read_reply.index = trace_num(line, "index", 0);
		msg.read_reply.status = trace_num(line, "status", 0);
		msg.read_reply.digest[0] = trace_num(line, "digest", 0);
		if (trace_word(line, "digest"))
			msg.flags |= QBD_WIRE_DIGEST;
		if (!msg.read_reply.status && !trace_flag(line, "bare")) {
			msg.payload_bytes = QBD_BLOCK_SIZE;
			msg.payload = "bytes";
		}
	} else if (trace_verb(line, "fetch-reply")) {
		u32 target = trace_num(line, "target", 0);

		msg.type = QBD_MSG_FETCH_REPLY;
		msg.fetch_reply.target = 101 + target;
		msg.fetch_reply.target_session = lt_member(target)->session;
		msg.fetch_reply.status = trace_num(line, "status", 0);
		msg.fetch_reply.through = lt_pos(line, "through");
	} else if (trace_verb(line, "resync-reply")) {
		msg.type = QBD_MSG_RESYNC_REPLY;
		msg.resync_reply.status = trace_num(line, "status", 0);
		msg.resync_reply.chunks = trace_num(line, "chunks", 0);
		msg.resync_reply.bytes = trace_num(line, "copied", 0);
	} else if (trace_verb(line, "release-ack")) {
		msg.type = QBD_MSG_RELEASE_ACK;
	} else {
		return false;
	}
	lt_step(
		&(struct qbd_leader_event){
			.kind = QBD_LEADER_MSG,
			.node = trace_num(line, "node", member + 1),
			.msg = &msg,
		},
		out);
	return true;
}

/* A request's name is its first word: it is shown when the request ends. */
static inline void lt_request(const char *line, struct qbd_leader_event *event)
{
	char *name = lt.name[lt.names++ % 64];
	const char *word = strchr(line, ' ');

	snprintf(name, 8, "%.*s", word ? (int)strcspn(word + 1, " ") : 1,
		 word ? word + 1 : "?");
	event->req = name;
	event->block = trace_num(line, "block", 0);
	event->blocks = trace_num(line, "blocks", 1);
	if (event->kind != QBD_LEADER_WRITE)
		return;
	event->op = trace_num(line, "op", QBD_OP_WRITE);
	if (event->op == QBD_OP_WRITE)
		event->payload = name;
}

static inline bool lt_other(const char *line, FILE *out)
{
	static const struct {
		const char *verb;
		enum qbd_leader_event_kind kind;
	} verb[] = {
		{ "up", QBD_LEADER_UP },
		{ "down", QBD_LEADER_DOWN },
		{ "write", QBD_LEADER_WRITE },
		{ "read", QBD_LEADER_READ },
		{ "read-done", QBD_LEADER_READ_DONE },
		{ "gate", QBD_LEADER_GATE },
		{ "config", QBD_LEADER_CONFIG },
		{ "verify", QBD_LEADER_VERIFY },
		{ "release", QBD_LEADER_RELEASE },
		{ "stop", QBD_LEADER_STOP },
		{ "tick", QBD_LEADER_TICK },
		{ "scarce", QBD_LEADER_SCARCE },
	};
	struct qbd_leader_event event = {
		.node = trace_num(line, "node", 0),
		.id = trace_num(line, "id", 0),
		.first = trace_num(line, "first", trace_num(line, "index", 0)),
		.index = trace_num(line, "index", 0),
		.err = -(int)trace_num(line, "err", 0),
		.verify = trace_flag(line, "end") ? QBD_VERIFY_STOP :
						    QBD_VERIFY_START,
	};
	u32 i;

	if (trace_flag(line, "repair"))
		event.verify |= QBD_VERIFY_REPAIR;

	for (i = 0; i < ARRAY_SIZE(verb); i++) {
		if (!trace_verb(line, verb[i].verb))
			continue;
		event.kind = verb[i].kind;
		if (event.kind == QBD_LEADER_CONFIG)
			lt_config(line, &event);
		if (event.kind == QBD_LEADER_WRITE ||
		    event.kind == QBD_LEADER_READ)
			lt_request(line, &event);
		lt_step(&event, out);
		return true;
	}
	return false;
}

static inline void lt_input(const char *line, FILE *out)
{
	lt.now_ns = trace_num(line, "now", lt.now_ns / NSEC_PER_MSEC) *
		    NSEC_PER_MSEC;
	if (trace_verb(line, "init"))
		lt_init(line, out);
	else if (trace_verb(line, "state"))
		lt_show(out);
	else if (trace_verb(line, "lease"))
		lt.view[trace_num(line, "node", 0)] = (struct qbd_lease_view){
			.base_ns = lt.now_ns,
			.version = trace_num(line, "version", 10),
		};
	else if (!lt_msg(line, out) && !lt_other(line, out))
		fprintf(out, "  what?\n");
}

#endif /* QBD_TESTS_LEADER_TRACE_H */
