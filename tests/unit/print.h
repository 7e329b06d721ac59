/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Actions and messages as lines of text, for traces.
 */
#ifndef QBD_TESTS_PRINT_H
#define QBD_TESTS_PRINT_H

#include "progress.h"
#include "step.h"
#include "wire.h"

#include <stdio.h>

static inline const char *print_nack(u32 reason)
{
	static const char *const name[] = {
		[QBD_NACK_STALE_TERM] = "stale-term",
		[QBD_NACK_TERM_TAKEN] = "term-taken",
		[QBD_NACK_STALE_EPOCH] = "stale-epoch",
		[QBD_NACK_NEED_OPEN] = "need-open",
		[QBD_NACK_MISMATCH] = "mismatch",
		[QBD_NACK_FAILED] = "failed",
		[QBD_NACK_UNKNOWN] = "unknown",
		[QBD_NACK_BUSY] = "busy",
		[QBD_NACK_BEHIND] = "behind",
		[QBD_NACK_LEASED] = "leased",
		[QBD_NACK_LEASE_LONG] = "lease-long",
		[QBD_NACK_SIZE] = "size",
		[QBD_NACK_FULL] = "full",
	};

	return reason < ARRAY_SIZE(name) && name[reason] ? name[reason] : "?";
}

static inline void print_pos(FILE *out, const char *key, struct qbd_pos pos)
{
	fprintf(out, " %s=%llu.%llu", key, pos.term, pos.index);
}

static inline void print_append(FILE *out, const struct qbd_msg_append *append)
{
	print_pos(out, "prev", append->prev);
	if (append->op) {
		print_pos(out, "pos", append->pos);
		fprintf(out, " op=%u block=%u+%u", append->op, append->block,
			append->blocks);
	}
	fprintf(out, " commit=%llu", append->commit);
	if (append->round)
		fprintf(out, " round=%llu", append->round);
}

static inline void print_body(FILE *out, const struct qbd_msg *msg)
{
	switch (msg->type) {
	case QBD_MSG_OPEN:
		fprintf(out, " node=%u", msg->open.node);
		break;
	case QBD_MSG_OPEN_REPLY:
		print_pos(out, "last", msg->open_reply.last);
		fprintf(out, " durable=%llu commit=%llu",
			msg->open_reply.durable, msg->open_reply.commit);
		if (msg->open_reply.config)
			fprintf(out, " config=%llu", msg->open_reply.config);
		break;
	case QBD_MSG_APPEND:
		print_append(out, &msg->append);
		break;
	case QBD_MSG_APPEND_ACK:
		fprintf(out, " received=%llu durable=%llu", msg->ack.received,
			msg->ack.durable);
		if (msg->ack.round)
			fprintf(out, " round=%llu", msg->ack.round);
		break;
	case QBD_MSG_NACK:
		fprintf(out, " %s of %s promise=%llu",
			print_nack(msg->nack.reason),
			qbd_msg_name(msg->nack.request),
			msg->nack.promise_term);
		if (msg->nack.hint.index ||
		    msg->nack.reason == QBD_NACK_MISMATCH ||
		    msg->nack.reason == QBD_NACK_FULL)
			print_pos(out, "hint", msg->nack.hint);
		break;
	case QBD_MSG_READ:
		fprintf(out, " id=%llu block=%u+%u completed=%llu",
			msg->read.id, msg->read.block, msg->read.blocks,
			msg->read.completed);
		break;
	case QBD_MSG_READ_REPLY:
		fprintf(out, " id=%llu index=%llu status=%u",
			msg->read_reply.id, msg->read_reply.index,
			msg->read_reply.status);
		break;
	case QBD_MSG_FETCH:
		fprintf(out, " target=%llu", msg->fetch.target);
		print_pos(out, "have", msg->fetch.have);
		fprintf(out, " limit=%llu commit=%llu", msg->fetch.limit,
			msg->fetch.commit);
		break;
	case QBD_MSG_FETCH_REPLY:
		fprintf(out, " target=%llu status=%u", msg->fetch_reply.target,
			msg->fetch_reply.status);
		print_pos(out, "through", msg->fetch_reply.through);
		break;
	case QBD_MSG_RELEASE:
		fprintf(out, " commit=%llu", msg->release.commit);
		break;
	case QBD_MSG_RESYNC:
		fprintf(out, " source=%llu node%u", msg->resync.source,
			msg->resync.node);
		break;
	default:
		break;
	}
}

static inline void print_msg(FILE *out, const struct qbd_msg *msg)
{
	fprintf(out, " %s r%llu t%llu n%llu s%llu", qbd_msg_name(msg->type),
		msg->replica, msg->term, msg->nonce, msg->session);
	print_body(out, msg);
	if (msg->flags & QBD_WIRE_REPAIR)
		fprintf(out, " repair");
	if (msg->flags & QBD_WIRE_PROBE)
		fprintf(out, " probe");
	if (msg->flags & QBD_WIRE_FILL)
		fprintf(out, " fill");
	if (msg->flags & QBD_WIRE_NONVOTING)
		fprintf(out, " nonvoting");
	if (msg->flags & QBD_WIRE_RECOVERY)
		fprintf(out, " recovery");
	if (msg->flags & QBD_WIRE_DIGEST)
		fprintf(out, " digest");
	if (msg->type == QBD_MSG_READ_REPLY && msg->flags & QBD_WIRE_DIGEST)
		fprintf(out, "=%u", msg->read_reply.digest[0]);
	if (msg->flags & QBD_WIRE_BARE)
		fprintf(out, " bare");
	if (msg->list)
		fprintf(out, " list=%llu", msg->list);
}

static inline void print_action(FILE *out, const struct qbd_action *act)
{
	fprintf(out, "  %s", qbd_action_name(act->kind));
	switch ((enum qbd_action_kind)act->kind) {
	case QBD_ACT_SEND:
	case QBD_ACT_SEND_LOG:
	case QBD_ACT_READ:
		fprintf(out, " node%u", act->node);
		print_msg(out, &act->msg);
		break;
	case QBD_ACT_LOG_APPEND:
		print_append(out, &act->msg.append);
		break;
	case QBD_ACT_LOG_PROMISE:
		fprintf(out, " t%llu n%llu node%u", act->promise.term,
			act->promise.nonce, act->promise.node);
		break;
	case QBD_ACT_LOG_TRUNCATE:
	case QBD_ACT_BOUND:
		fprintf(out, " %llu", act->index);
		break;
	case QBD_ACT_COMPLETE:
		fprintf(out, " %s %d index=%llu", (const char *)act->req,
			act->err, act->index);
		break;
	case QBD_ACT_PUT:
		fprintf(out, " %s", (const char *)act->payload);
		break;
	case QBD_ACT_READ_LOCAL:
		fprintf(out, " %s id=%llu block=%u+%u", (const char *)act->req,
			act->id, act->block, act->blocks);
		break;
	case QBD_ACT_TERM_LOST:
		fprintf(out, " t%llu", act->term);
		break;
	case QBD_ACT_DIFFERS:
		fprintf(out, " %u node%u r%llu block=%u state=%u at=%llu %d",
			act->member, act->node, act->id, act->block, act->state,
			act->index, act->err);
		break;
	case QBD_ACT_NEED_TERM:
	case QBD_ACT_FAIL:
	case QBD_ACT_VERIFIED:
		fprintf(out, " %d", act->err);
		break;
	case QBD_ACT_MEMBER:
		fprintf(out, " %u %s %llu", act->member,
			qbd_progress_name(act->state), act->index);
		break;
	case QBD_ACT_JOINED:
		fprintf(out, " node%u", act->node);
		break;
	case QBD_ACT_CONFIG:
		fprintf(out, " t%llu epoch=%llu at=%llu", act->term, act->id,
			act->index);
		break;
	default:
		break;
	}
	fputc('\n', out);
}

#endif /* QBD_TESTS_PRINT_H */
