// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying out what leaders and replicas want done, one action at a time, as
 * step.h says: it decides nothing. What the oracle may see it sees here.
 */
#include "cluster.h"
#include "cluster_log.h"
#include "cluster_resync.h"

/* --- messages ----------------------------------------------------------- */

/* How far an ack would be believed. */
static u64 cl_counted(const struct cl_world *w, u32 to, u32 shard,
		      const struct qbd_msg *msg)
{
	const struct cl_lead *lead = &w->node[to].lead[shard];
	const struct qbd_progress *prog;
	int member;

	if (msg->type != QBD_MSG_APPEND_ACK || !lead->active)
		return U64_MAX;
	member = qbd_set_find(qbd_leader_set(lead->core), msg->replica);
	if (member < 0)
		return U64_MAX;
	prog = qbd_leader_member(lead->core, (u32)member);
	return prog->session == msg->session ? U64_MAX : prog->durable;
}

/* A message arrives; the reference of its payload is used up. */
void cl_deliver(struct cl_world *w, u32 from, u32 to, u32 shard,
		struct qbd_msg *msg)
{
	struct cl_payload *payload = msg->payload;
	u64 before = cl_counted(w, to, shard, msg);
	u64 after;

	if (qbd_msg_to_replica(msg->type)) {
		cl_rep_step(
			w, to, shard,
			&(struct qbd_replica_event){ .kind = QBD_REPLICA_MSG,
						     .node = from,
						     .msg = msg });
		cl_payload_put(payload);
		return;
	}
	if (payload && w->node[to].lead[shard].active) {
		/* its own until it says PUT */
		payload->lead = to;
		payload = NULL;
	}
	cl_lead_step(w, to, shard,
		     &(struct qbd_leader_event){ .kind = QBD_LEADER_MSG,
						 .node = from,
						 .msg = msg });
	/* the node may have crashed in the step */
	after = cl_counted(w, to, shard, msg);
	if (before < after && after != U64_MAX)
		cl_broken(w, "R3",
			  "node %u: ack of session %llu is counted in "
			  "another one",
			  to, msg->session);
	cl_payload_put(payload);
}

/* A message of a node to itself counts as a heartbeat too, or as its echo. */
static void cl_act_self(struct cl_world *w, u32 node, u32 shard,
			struct qbd_msg *msg)
{
	struct cl_node *n = &w->node[node];
	u64 now_ns = cl_node_now(w, node);

	if (qbd_msg_from_leader(msg)) {
		msg->beat = qbd_lease_mark(&n->holder[node]);
		qbd_lease_grant(&n->voter[node], now_ns, msg->beat,
				n->lease_ns);
	} else if (!qbd_msg_to_replica(msg->type)) {
		qbd_lease_echo(&n->holder[node], now_ns, msg->beat, msg->list);
	}
	cl_deliver(w, node, node, shard, msg);
}

static void cl_act_send(struct cl_world *w, u32 node, u32 shard,
			struct qbd_action *act)
{
	struct cl_payload *payload = act->msg.payload;

	cl_saw_reply(w, node, shard, &act->msg);
	if (act->node == node) {
		cl_act_self(w, node, shard, &act->msg);
		return;
	}
	cl_net_send(w, node, shard, act, payload);
	cl_payload_put(payload);
}

/* The payload comes from the log, if it still has this record. */
static void cl_act_send_log(struct cl_world *w, u32 node, u32 shard,
			    struct qbd_action *act)
{
	struct qbd_pos pos = act->msg.append.pos;
	struct cl_fetched got;
	struct qbd_log_rec rec;

	if (!cl_log_get(&w->node[node], shard, pos.index, &rec) ||
	    rec.pos.term != pos.term)
		return;
	got = cl_log_fetch(w, node, shard, pos.index);
	if (got.err) {
		cl_rep_step(w, node, shard,
			    &(struct qbd_replica_event){
				    .kind = QBD_REPLICA_LOG_BAD,
				    .pos = pos,
				    .msg = &act->msg });
		return;
	}
	act->msg.payload = got.payload;
	cl_act_send(w, node, shard, act);
}

/* --- the log ------------------------------------------------------------ */

/* A log without room takes few records; what is small may find some. */
static bool cl_act_no_room(struct cl_world *w, const struct qbd_action *act)
{
	return !cl_chance(w, act->kind == QBD_ACT_LOG_APPEND ? 10 : 60);
}

static int cl_act_log_try(struct cl_world *w, u32 node, u32 shard,
			  struct qbd_action *act)
{
	int err;

	/* its replicas may not know yet: what they do is under way */
	if (!w->node[node].open || w->node[node].failed)
		return -ESHUTDOWN;
	if (w->node[node].no_room && cl_act_no_room(w, act))
		return -EAGAIN;
	if (cl_full_refuses(w, node, act))
		return -ENOSPC;
	err = cl_log_put(w, node, shard, act);
	return err == -ENOMEM ? -EAGAIN : err;
}

static void cl_act_log_end(struct cl_world *w, u32 node, u32 shard,
			   const struct qbd_action *act, int err)
{
	if (act->kind == QBD_ACT_LOG_APPEND)
		cl_payload_put(act->msg.payload);
	if (!err)
		return;
	cl_trace(w, "node %u: log of %u: %d\n", node, shard, err);
	if (err == -EINVAL && !w->node[node].damaged)
		cl_broken(w, "R6", "node %u can't log (%llu,%llu) of %u", node,
			  act->msg.append.pos.term, act->msg.append.pos.index,
			  shard);
	cl_rep_step(w, node, shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_FAILED,
						 .err = err });
}

/* Records that wait make way for a promise; see replica.h. */
static void cl_act_unlog(struct cl_world *w, u32 node, u32 shard,
			 enum qbd_replica_event_kind kind)
{
	struct cl_replica *rep = &w->node[node].rep[shard];
	u32 life = w->node[node].life, voided = 0;
	struct cl_fifo left = { 0 };
	struct cl_have have = { 0 };
	struct cl_item *item;

	if (!w->node[node].open || cl_log_have(w, node, shard, &have))
		return;
	while ((item = cl_pop(&rep->waits))) {
		u64 index = item->act.index;

		if (item->act.kind == QBD_ACT_LOG_TRUNCATE &&
		    index < have.last.index) {
			cl_push(&left, item);
			have.last.index = index;
			have.last.term =
				cl_log_term_at(&w->node[node], shard, index);
			continue;
		}
		voided += item->act.kind == QBD_ACT_LOG_TRUNCATE;
		cl_act_drop(item);
		cl_item_free(item);
	}
	rep->waits = left;
	cl_rep_step(w, node, shard,
		    &(struct qbd_replica_event){ .kind = kind,
						 .pos = have.last });
	while (voided-- && w->node[node].life == life)
		cl_log_truncated(w, node, shard);
}

/* The first of what waits has no home. */
static void cl_act_full(struct cl_world *w, u32 node, u32 shard)
{
	cl_rep_step(w, node, shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_FULL });
}

static void cl_act_log(struct cl_world *w, u32 node, u32 shard,
		       struct cl_item *item)
{
	struct cl_replica *rep = &w->node[node].rep[shard];
	struct cl_item *wait;
	int err = -EAGAIN;

	if (item->act.kind == QBD_ACT_LOG_APPEND) {
		cl_saw_append(w, shard, &item->act.msg);
		cl_verify_logged(w, node, shard, &item->act.msg.append);
	}
	if (item->act.kind == QBD_ACT_LOG_PROMISE && rep->waits.head)
		cl_act_unlog(w, node, shard, QBD_REPLICA_UNLOGGED);
	if (!rep->waits.head)
		err = cl_act_log_try(w, node, shard, &item->act);
	if (err != -EAGAIN && err != -ENOSPC) {
		cl_act_log_end(w, node, shard, &item->act, err);
		return;
	}
	wait = cl_item_new();
	*wait = *item;
	cl_push(&rep->waits, wait);
	if (err == -ENOSPC)
		cl_act_full(w, node, shard);
}

/* What waits for room is offered again, in order. */
void cl_log_retry(struct cl_world *w, u32 node)
{
	u32 life = w->node[node].life, shard;
	struct cl_fifo *waits;
	struct cl_item *item;
	int err = 0;

	for (shard = 0; shard < w->nr_shards; shard++) {
		waits = &w->node[node].rep[shard].waits;
		while ((item = cl_pop(waits))) {
			err = cl_act_log_try(w, node, shard, &item->act);
			if (err == -EAGAIN || err == -ENOSPC) {
				cl_push_back(waits, item);
				break;
			}
			cl_act_log_end(w, node, shard, &item->act, err);
			cl_item_free(item);
			if (w->node[node].life != life)
				return;
		}
		if (item && err == -ENOSPC) {
			cl_act_full(w, node, shard);
			if (w->node[node].life != life)
				return;
		}
	}
}

/* --- reads -------------------------------------------------------------- */

static void cl_read_served(struct cl_world *w, u32 node, struct cl_read *got)
{
	const struct qbd_msg *msg = &got->act.msg;
	struct cl_payload *payload;

	if (msg->flags & QBD_WIRE_DIGEST) {
		cl_verify_served(w, node, got);
		return;
	}
	payload = cl_payload_new(w, msg->read.blocks);
	memcpy(payload->value, got->value,
	       msg->read.blocks * sizeof(payload->value[0]));
	cl_rep_step(w, node, got->shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_READ_DONE,
						 .node = got->act.node,
						 .err = got->err,
						 .first = got->first,
						 .pos.index = got->index,
						 .msg = msg,
						 .payload = payload });
	cl_payload_put(payload);
}

/* The store has read what READ or READ_LOCAL asked for. */
void cl_read_done(struct cl_world *w, u32 node, struct cl_read *got)
{
	struct cl_op *op = got->act.req;

	if (got->act.kind == QBD_ACT_READ) {
		cl_read_served(w, node, got);
		return;
	}
	op->reading = false;
	memcpy(op->value, got->value, op->blocks * sizeof(op->value[0]));
	cl_lead_step(w, node, got->shard,
		     &(struct qbd_leader_event){ .kind = QBD_LEADER_READ_DONE,
						 .id = got->act.id,
						 .first = got->first,
						 .index = got->index,
						 .err = got->err });
}

/* --- all of them -------------------------------------------------------- */

static void cl_act_complete(struct cl_world *w, const struct cl_item *item)
{
	const struct cl_payload *payload = item->act.payload;
	struct cl_op *op = item->act.req;

	if (payload)
		memcpy(op->value, payload->value,
		       op->blocks * sizeof(op->value[0]));
	if (op->kind == CL_OP_READ)
		op->term = item->act.term;
	if (op->kind != CL_OP_READ && !item->act.err &&
	    (op->term != item->act.term || op->index != item->act.index))
		cl_broken(w, "R7", "request %u is (%llu,%llu), not (%llu,%llu)",
			  (u32)(op - w->op), item->act.term, item->act.index,
			  op->term, op->index);
	cl_op_done(w, op, item->act.err, item->made_ns);
}

static void cl_act_put(struct cl_payload *payload)
{
	if (!payload)
		return;
	payload->lead = 0;
	cl_payload_put(payload);
}

/* What the volume, or the operator, has to know. */
static void cl_act_report(struct cl_world *w, u32 node, u32 shard,
			  const struct qbd_action *act)
{
	const struct cl_shard *s = &w->shard[shard];
	struct qbd_volume_core *vol = &w->node[node].vol[s->volume].core;
	u32 what = 0;

	cl_trace(w, "node %u: shard %u: %s\n", node, shard,
		 qbd_action_name(act->kind));
	switch (act->kind) {
	case QBD_ACT_PROMISED:
		what = qbd_volume_promised(vol, s->no, vol->term);
		break;
	case QBD_ACT_SERVING:
		what = qbd_volume_serving(vol, s->no, vol->term);
		break;
	case QBD_ACT_TERM_LOST:
		what = qbd_volume_lost(vol, act->term);
		break;
	case QBD_ACT_RELEASED:
		what = qbd_volume_released(vol, s->no, vol->term);
		break;
	case QBD_ACT_NEED_TERM:
		/* whoever asks for a term hears of one that others have */
		if (w->volume[s->volume].term > vol->term)
			cl_detach(w, s->volume, node);
		else if (!w->volume[s->volume].want)
			w->volume[s->volume].want = node;
		break;
	default:
		break;
	}
	cl_volume_do(w, node, s->volume, what);
	if (act->kind == QBD_ACT_SERVING)
		cl_ops_retry(w, node, shard);
}

/* Actions of replicas that are not about messages. */
static void cl_act_replica(struct cl_world *w, u32 node, u32 shard,
			   struct cl_item *item)
{
	struct qbd_action *act = &item->act;

	switch (act->kind) {
	case QBD_ACT_LOG_APPEND:
	case QBD_ACT_LOG_PROMISE:
	case QBD_ACT_LOG_TRUNCATE:
		cl_act_log(w, node, shard, item);
		break;
	case QBD_ACT_LOG_FORGET:
		cl_act_unlog(w, node, shard, QBD_REPLICA_FORGOT);
		break;
	case QBD_ACT_LOG_VOTE:
		cl_log_flags(w, node, shard,
			     w->node[node].rep[shard].core.flags);
		cl_saw_durable(w, node, shard,
			       w->node[node].rep[shard].core.durable);
		break;
	case QBD_ACT_BOUND:
		cl_saw_bound(w, node, shard, act->index);
		cl_log_bound(w, node, shard, act->index);
		break;
	case QBD_ACT_FAIL:
		cl_trace(w, "node %u: replica of %u fails: %d\n", node, shard,
			 act->err);
		if (act->err == -EUCLEAN && !w->node[node].damaged)
			cl_broken(w, "R6", "node %u: log of %u is inconsistent",
				  node, shard);
		break;
	default:
		break;
	}
}

/* Out of reach of all logs, or back in reach, as a leader found out. */
static void cl_act_member(struct cl_world *w, u32 shard,
			  const struct qbd_action *act)
{
	u32 bit = 1U << act->node;

	if (act->state == QBD_MEMBER_GONE)
		w->shard[shard].gone |= bit;
	else if (act->state == QBD_MEMBER_CATCHUP ||
		 act->state == QBD_MEMBER_LIVE)
		w->shard[shard].gone &= ~bit;
}

/* There is a new member. */
static void cl_act_joined(struct cl_world *w, u32 node, u32 shard,
			  const struct qbd_action *act)
{
	if (act->node == node || w->joined[node][act->node])
		cl_lead_step(w, node, shard,
			     &(struct qbd_leader_event){ .kind = QBD_LEADER_UP,
							 .node = act->node });
}

/* Consensus hears of it, sooner or later. */
static void cl_act_config(struct cl_world *w, u32 node, u32 shard,
			  const struct qbd_action *act)
{
	cl_trace(w, "node %u: shard %u: epoch %llu is committed\n", node, shard,
		 act->id);
	cl_at(w, cl_rand(w, (cl_chance(w, 20) ? 800 : 60) * CL_MS),
	      &(struct cl_event){ .kind = CL_EV_CONFIG,
				  .a = (u8)shard,
				  .arg = (u32)(act->term << 16 | act->id),
				  .life = U32_MAX });
}

/* Carry out one action; its references end here. */
void cl_act(struct cl_world *w, u32 node, u32 shard, struct cl_item *item)
{
	struct qbd_action *act = &item->act;

	switch ((enum qbd_action_kind)act->kind) {
	case QBD_ACT_SEND:
		cl_act_send(w, node, shard, act);
		break;
	case QBD_ACT_SEND_LOG:
		cl_act_send_log(w, node, shard, act);
		break;
	case QBD_ACT_SEND_PIN:
		cl_copy_send_pin(w, node, shard, act);
		break;
	case QBD_ACT_DIFF:
	case QBD_ACT_DIGEST:
	case QBD_ACT_SHADOW:
		cl_copy_act(w, node, shard, act);
		cl_payload_put(act->msg.payload);
		break;
	case QBD_ACT_READ_LOCAL:
		((struct cl_op *)act->req)->reading = true;
		fallthrough;
	case QBD_ACT_READ:
		cl_log_read(w, node, shard, act);
		break;
	case QBD_ACT_COMPLETE:
		cl_act_complete(w, item);
		break;
	case QBD_ACT_PUT:
		cl_act_put(act->payload);
		break;
	case QBD_ACT_SPACE:
	case QBD_ACT_RESUMED:
		cl_ops_retry(w, node, shard);
		break;
	case QBD_ACT_PROMISED:
	case QBD_ACT_READY:
	case QBD_ACT_SERVING:
	case QBD_ACT_SUSPENDED:
	case QBD_ACT_TERM_LOST:
	case QBD_ACT_NEED_TERM:
	case QBD_ACT_RELEASED:
		cl_act_report(w, node, shard, act);
		break;
	case QBD_ACT_MEMBER:
		cl_act_member(w, shard, act);
		cl_fault_phase(w, node, shard);
		break;
	case QBD_ACT_JOINED:
		cl_act_joined(w, node, shard, act);
		break;
	case QBD_ACT_CONFIG:
		cl_act_config(w, node, shard, act);
		break;
	case QBD_ACT_DIFFERS:
	case QBD_ACT_VERIFIED:
		cl_verify_act(w, node, shard, act);
		break;
	case QBD_ACT_LOG_APPEND:
	case QBD_ACT_LOG_PROMISE:
	case QBD_ACT_LOG_TRUNCATE:
	case QBD_ACT_LOG_FORGET:
	case QBD_ACT_LOG_VOTE:
	case QBD_ACT_BOUND:
	case QBD_ACT_FAIL:
		cl_act_replica(w, node, shard, item);
		break;
	}
}

/* An action that nobody carries out any more. */
void cl_act_drop(struct cl_item *item)
{
	const struct qbd_action *act = &item->act;

	if (act->kind == QBD_ACT_SEND || act->kind == QBD_ACT_LOG_APPEND ||
	    act->kind == QBD_ACT_READ || act->kind == QBD_ACT_DIFF ||
	    act->kind == QBD_ACT_SHADOW)
		cl_payload_put(act->msg.payload);
}
