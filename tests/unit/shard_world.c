// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shell of the small cluster: carries out actions, keeps queues, moves
 * time. See shard_world.h.
 */
#include "shard_world.h"

#include "wire.h"

#include <stdio.h>
#include <stdlib.h>

static void sw_pump(struct sw_world *world, u32 id);

/* --- helpers ------------------------------------------------------------ */

u64 sw_rand(struct sw_world *world, u64 below)
{
	world->seed ^= world->seed << 13;
	world->seed ^= world->seed >> 7;
	world->seed ^= world->seed << 17;
	return below ? world->seed % below : 0;
}

static struct sw_item *sw_push(struct sw_queue *queue)
{
	struct sw_item *item = &queue->item[queue->tail % SW_QUEUE];

	if (queue->tail - queue->head >= SW_QUEUE) {
		fprintf(stderr, "shard_world: queue full\n");
		abort();
	}
	queue->tail++;
	memset(item, 0, sizeof(*item));
	return item;
}

static struct sw_item *sw_first(struct sw_queue *queue)
{
	return queue->head == queue->tail ?
		       NULL :
		       &queue->item[queue->head % SW_QUEUE];
}

static void sw_clear(struct sw_queue *queue)
{
	queue->head = queue->tail;
}

/* --- what replicas and leaders ask within a step ------------------------- */

static u64 sw_term_at(void *ctx, u64 index)
{
	const struct sw_node *node = ctx;

	if (index + 1 < node->mem.first || index > node->mem.last || !index)
		return 0;
	return node->mem.rec[index % SW_LOG].rec.pos.term;
}

static bool sw_log_get(void *ctx, u64 index, struct qbd_log_rec *rec)
{
	const struct sw_node *node = ctx;

	if (index < node->mem.first || index > node->mem.last || !index)
		return false;
	*rec = node->mem.rec[index % SW_LOG].rec;
	return true;
}

static struct qbd_lease_stamp sw_lease_stamp(void *ctx, u32 id)
{
	const struct sw_node *node = ctx;

	return qbd_lease_stamp(&node->voter[id]);
}

static u64 sw_lease_leave(void *ctx, u32 id)
{
	struct sw_node *node = ctx;

	return qbd_lease_leave(&node->voter[id]);
}

static struct qbd_lease_view sw_lease(void *ctx, u32 id)
{
	const struct sw_node *node = ctx;

	return node->holder[id].view;
}

static const struct qbd_replica_ops sw_replica_ops = {
	.term_at = sw_term_at,
	.log_get = sw_log_get,
	.lease_stamp = sw_lease_stamp,
	.lease_leave = sw_lease_leave,
};

static const struct qbd_leader_ops sw_leader_ops = {
	.lease = sw_lease,
};

/* --- stepping ------------------------------------------------------------ */

static void sw_queue_actions(struct sw_world *world, u32 id,
			     const struct qbd_actions *acts)
{
	u32 i;

	for (i = 0; i < acts->nr; i++)
		sw_push(&world->pump[id])->act = acts->act[i];
}

static void sw_replica(struct sw_world *world, u32 id,
		       struct qbd_replica_event *event)
{
	struct sw_node *node = &world->node[id];
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };

	event->now_ns = world->now_ns;
	do {
		acts.nr = 0;
		qbd_replica_step(&node->rep, event, &acts);
		sw_queue_actions(world, id, &acts);
		event->kind = QBD_REPLICA_MORE;
	} while (acts.more);
	sw_pump(world, id);
}

int sw_event(struct sw_world *world, u32 id,
	     const struct qbd_leader_event *event)
{
	struct sw_node *node = &world->node[id];
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	struct qbd_leader_event ev = *event;
	int err = 0, step;

	if (!node->lead)
		return -ENODEV;
	ev.now_ns = world->now_ns;
	do {
		acts.nr = 0;
		step = qbd_leader_step(node->lead, &ev, &acts);
		if (ev.kind != QBD_LEADER_MORE)
			err = step;
		sw_queue_actions(world, id, &acts);
		ev.kind = QBD_LEADER_MORE;
	} while (acts.more);
	sw_pump(world, id);
	return err;
}

static void sw_deliver(struct sw_world *world, u32 from, u32 to,
		       const struct qbd_msg *msg)
{
	struct sw_node *node = &world->node[to];

	if (world->trace)
		fprintf(stderr, "%8llu %u>%u %s t%llu s%llu\n",
			world->now_ns / SW_MS, from, to,
			qbd_msg_name(msg->type), msg->term, msg->session);
	if (qbd_msg_to_replica(msg->type)) {
		if (!(msg->flags & QBD_WIRE_FILL))
			qbd_lease_grant(&node->voter[from], world->now_ns,
					msg->beat, world->lease_ns);
		sw_replica(world, to,
			   &(struct qbd_replica_event){
				   .kind = QBD_REPLICA_MSG,
				   .node = from,
				   .msg = msg,
			   });
		return;
	}
	if (msg->beat && msg->list)
		qbd_lease_echo(&node->holder[from], world->now_ns, msg->beat,
			       msg->list);
	sw_event(world, to,
		 &(struct qbd_leader_event){
			 .kind = QBD_LEADER_MSG,
			 .node = from,
			 .msg = msg,
		 });
}

/* Each message makes the way through its bytes. */
static void sw_send(struct sw_world *world, u32 from,
		    const struct qbd_action *act, u64 value)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct sw_queue *link = &world->link[from][act->node];
	struct qbd_msg msg = act->msg;
	struct sw_item *item;
	int len;

	if (act->node == from) {
		item = sw_push(&world->pump[from]);
		item->from = from;
		item->act = *act;
		item->act.msg.beat = msg.beat;
		item->due_ns = 1; /* a delivery */
		if (act->kind == QBD_ACT_SEND_LOG)
			item->act.msg.payload = (void *)(uintptr_t)value;
		return;
	}
	if (qbd_msg_from_leader(&msg))
		msg.beat = qbd_lease_mark(&world->node[from].holder[act->node]);
	if (world->cut[from][act->node] || !world->node[act->node].up)
		return;
	len = qbd_wire_encode(&msg, buf, sizeof(buf));
	if (len < 0) {
		fprintf(stderr, "shard_world: %s does not encode\n",
			qbd_msg_name(msg.type));
		abort();
	}
	world->msgs++;
	world->fill_msgs += !!(msg.flags & QBD_WIRE_FILL);
	item = sw_push(link);
	item->from = from;
	item->to = act->node;
	item->life = world->node[act->node].life;
	item->due_ns = world->now_ns + sw_rand(world, world->delay_ns + 1);
	if (qbd_wire_decode(buf, len, &item->act.msg))
		abort();
	item->act.msg.payload = act->kind == QBD_ACT_SEND_LOG ?
					(void *)(uintptr_t)value :
					msg.payload;
}

/* Newest version of a block in a node's log, up to an index. */
u64 sw_value(const struct sw_world *world, u32 id, u32 block, u64 index)
{
	const struct sw_log *log = &world->node[id].mem;

	for (index = min(index, log->last); index; index--) {
		const struct sw_rec *rec = &log->rec[index % SW_LOG];

		if (rec->rec.op == QBD_OP_TERM || rec->rec.block != block)
			continue;
		return rec->value;
	}
	return 0;
}

/* What an APPEND leaves in a log. */
static void sw_log_put(struct sw_log *log, const struct qbd_action *act)
{
	const struct qbd_msg_append *append = &act->msg.append;
	struct sw_rec *rec = &log->rec[append->pos.index % SW_LOG];

	if (append->pos.index != log->last + 1 || append->pos.index >= SW_LOG) {
		fprintf(stderr, "shard_world: %llu logged after %llu\n",
			append->pos.index, log->last);
		abort();
	}
	log->last++;
	rec->value = (u64)(uintptr_t)act->msg.payload;
	rec->rec = (struct qbd_log_rec){
		.pos = append->pos,
		.op = append->op,
		.rec_flags = append->rec_flags,
		.payload_blocks = act->msg.payload_bytes / QBD_BLOCK_SIZE,
		.block = append->block,
		.blocks = append->blocks,
		.crc = append->crc,
	};
}

/* Something for the medium: in order, when the disk likes. */
static void sw_persist(struct sw_world *world, struct sw_node *node,
		       const struct qbd_action *act)
{
	struct sw_item *item;

	if (act->kind == QBD_ACT_LOG_APPEND)
		sw_log_put(&node->mem, act);
	else if (act->kind == QBD_ACT_LOG_TRUNCATE)
		node->mem.last = act->index;
	item = sw_push(&node->persist);
	item->act = *act;
	item->due_ns = world->now_ns + sw_rand(world, world->persist_ns + 1);
}

static void sw_persisted(struct sw_world *world, struct sw_node *node,
			 const struct qbd_action *act)
{
	struct qbd_replica_event event = { 0 };

	switch (act->kind) {
	case QBD_ACT_LOG_APPEND:
		sw_log_put(&node->disk, act);
		event.kind = QBD_REPLICA_LOGGED;
		event.pos = act->msg.append.pos;
		break;
	case QBD_ACT_LOG_PROMISE:
		node->disk.promise = act->promise;
		event.kind = QBD_REPLICA_PROMISED;
		event.term = act->promise.term;
		event.nonce = act->promise.nonce;
		break;
	case QBD_ACT_LOG_TRUNCATE:
		node->disk.last = act->index;
		event.kind = QBD_REPLICA_TRUNCATED;
		break;
	default:
		return;
	}
	sw_replica(world, node->id, &event);
}

static void sw_complete(const struct qbd_action *act)
{
	struct sw_req *req = act->req;

	if (req->done)
		abort();
	req->done = true;
	req->err = act->err;
	if (req->is_read && act->payload)
		req->value = (u64)(uintptr_t)act->payload;
}

static void sw_do_read(struct sw_world *world, struct sw_node *node,
		       const struct qbd_action *act)
{
	const struct qbd_msg *msg = &act->msg;
	u64 value = sw_value(world, node->id, msg->read.block, U64_MAX);

	sw_replica(world, node->id,
		   &(struct qbd_replica_event){
			   .kind = QBD_REPLICA_READ_DONE,
			   .node = act->node,
			   .msg = msg,
			   .first = node->mem.last,
			   .pos.index = node->mem.last,
			   .payload = (void *)(uintptr_t)value,
		   });
}

static void sw_do_read_local(struct sw_world *world, struct sw_node *node,
			     const struct qbd_action *act)
{
	struct sw_req *req = act->req;

	req->value = sw_value(world, node->id, act->block, U64_MAX);
	sw_event(world, node->id,
		 &(struct qbd_leader_event){
			 .kind = QBD_LEADER_READ_DONE,
			 .id = act->id,
			 .first = node->mem.last,
			 .index = node->mem.last,
		 });
}

/* Actions that only say something. */
static void sw_note(struct sw_world *world, struct sw_node *node,
		    const struct qbd_action *act)
{
	switch ((enum qbd_action_kind)act->kind) {
	case QBD_ACT_BOUND:
		node->mem.bound = act->index;
		node->disk.bound = act->index;
		break;
	case QBD_ACT_FAIL:
		node->failed++;
		break;
	case QBD_ACT_PUT:
		node->puts++;
		break;
	case QBD_ACT_SERVING:
		node->serving = true;
		break;
	case QBD_ACT_TERM_LOST:
		node->lost = true;
		node->lost_term = act->term;
		node->serving = false;
		break;
	case QBD_ACT_NEED_TERM:
		node->need_term++;
		break;
	case QBD_ACT_RELEASED:
		node->released++;
		break;
	default:
		break;
	}
}

static void sw_action(struct sw_world *world, struct sw_node *node,
		      const struct qbd_action *act)
{
	u64 value = 0;

	switch ((enum qbd_action_kind)act->kind) {
	case QBD_ACT_SEND_LOG:
		value = node->mem.rec[act->msg.append.pos.index % SW_LOG].value;
		fallthrough;
	case QBD_ACT_SEND:
		sw_send(world, node->id, act, value);
		break;
	case QBD_ACT_LOG_APPEND:
	case QBD_ACT_LOG_PROMISE:
	case QBD_ACT_LOG_TRUNCATE:
		sw_persist(world, node, act);
		break;
	case QBD_ACT_READ:
		sw_do_read(world, node, act);
		break;
	case QBD_ACT_READ_LOCAL:
		sw_do_read_local(world, node, act);
		break;
	case QBD_ACT_COMPLETE:
		sw_complete(act);
		break;
	case QBD_ACT_PROMISED:
		sw_event(world, node->id,
			 &(struct qbd_leader_event){
				 .kind = QBD_LEADER_GATE,
			 });
		break;
	default:
		sw_note(world, node, act);
		break;
	}
}

/* Carry out what is in the node's FIFO, in order; not recursive. */
static void sw_pump(struct sw_world *world, u32 id)
{
	struct sw_node *node = &world->node[id];
	struct sw_queue *queue = &world->pump[id];
	struct sw_item item, *first;

	if (node->pumping)
		return; /* it runs further up the stack */
	node->pumping = true;
	for (first = sw_first(queue); first; first = sw_first(queue)) {
		item = *first;
		queue->head++;
		if (item.due_ns)
			sw_deliver(world, id, id, &item.act.msg);
		else
			sw_action(world, node, &item.act);
	}
	node->pumping = false;
}

/* --- nodes --------------------------------------------------------------- */

struct sw_world *sw_new(u32 nr, u64 seed)
{
	struct sw_world *world = calloc(1, sizeof(*world));
	u32 i;

	if (!world)
		abort();
	world->nr = nr;
	world->seed = seed * 2654435761U + 88172645463325252ULL;
	world->now_ns = 1000 * SW_MS;
	world->lease_ns = SW_LEASE_NS;
	for (i = 1; i <= nr; i++) {
		world->node[i].id = i;
		world->node[i].mem.first = 1;
		world->node[i].disk.first = 1;
		sw_start(world, i);
	}
	return world;
}

void sw_free(struct sw_world *world)
{
	u32 i;

	if (!world)
		return;
	for (i = 1; i <= world->nr; i++)
		free(world->node[i].lead);
	free(world);
}

static void sw_link_event(struct sw_world *world, u32 id, u32 peer, bool up)
{
	sw_event(world, id,
		 &(struct qbd_leader_event){
			 .kind = up ? QBD_LEADER_UP : QBD_LEADER_DOWN,
			 .node = peer,
		 });
}

void sw_start(struct sw_world *world, u32 id)
{
	struct sw_node *node = &world->node[id];
	struct qbd_replica_config cfg = {
		.ops = &sw_replica_ops,
		.ctx = node,
		.key = { .volume = 1 },
		.replica = 100 + id,
		.node = id,
		.blocks = SW_BLOCKS,
		.incarnation = sw_rand(world, 1ULL << 60) + 1,
		.promise = node->disk.promise,
		.max_lease_ns = world->lease_ns,
		.window_records = 32,
		.window_bytes = 8 << 20,
	};
	u32 i;

	node->life = ++world->next_life;
	node->up = true;
	node->mem = node->disk;
	if (node->mem.last)
		cfg.last = node->mem.rec[node->mem.last % SW_LOG].rec.pos;
	cfg.commit = node->disk.bound;
	for (i = 1; i <= world->nr; i++) {
		qbd_lease_voter_init(&node->voter[i],
				     sw_rand(world, 1ULL << 60));
		qbd_lease_holder_init(&node->holder[i],
				      sw_rand(world, 1ULL << 60));
	}
	qbd_replica_init(&node->rep, &cfg, world->now_ns);
	for (i = 1; i <= world->nr; i++)
		if (i != id && world->node[i].up && !world->cut[i][id])
			sw_link_event(world, i, id, true);
}

void sw_crash(struct sw_world *world, u32 id)
{
	struct sw_node *node = &world->node[id];
	u32 i;

	node->up = false;
	node->serving = false;
	free(node->lead);
	node->lead = NULL;
	sw_clear(&node->persist);
	sw_clear(&world->pump[id]);
	for (i = 1; i <= world->nr; i++) {
		sw_clear(&world->link[id][i]);
		sw_clear(&world->link[i][id]);
		if (i != id && world->node[i].up)
			sw_link_event(world, i, id, false);
	}
}

void sw_cut(struct sw_world *world, u32 a, u32 b, bool cut)
{
	if (world->cut[a][b] == cut)
		return;
	world->cut[a][b] = cut;
	world->cut[b][a] = cut;
	sw_clear(&world->link[a][b]);
	sw_clear(&world->link[b][a]);
	if (!world->node[a].up || !world->node[b].up)
		return;
	sw_link_event(world, a, b, !cut);
	sw_link_event(world, b, a, !cut);
}

void sw_attach(struct sw_world *world, u32 id, u64 term)
{
	struct sw_node *node = &world->node[id];
	struct qbd_member member[SW_NODES];
	struct qbd_leader_config cfg = {
		.ops = &sw_leader_ops,
		.ctx = node,
		.key = { .volume = 1 },
		.node = id,
		.blocks = SW_BLOCKS,
		.term = term,
		.nonce = sw_rand(world, 1ULL << 60) + 1,
		.lease_ns = world->lease_ns,
		.retry_ns = 500 * SW_MS,
		.recover_ns = 5000 * SW_MS,
		.window_bytes = 4 << 20,
		.ring = node->ring,
		.ring_records = SW_RING,
		.read = node->read,
		.nr_reads = SW_READS,
		.reads_quorum = world->reads_quorum,
	};
	u32 i;

	for (i = 0; i < world->nr; i++)
		member[i] = (struct qbd_member){
			.replica = 101 + i,
			.node = i + 1,
		};
	if (qbd_set_init(&cfg.set, 1, member, world->nr))
		abort();
	free(node->lead);
	node->lead = malloc(qbd_leader_size());
	if (!node->lead || qbd_leader_init(node->lead, &cfg))
		abort();
	node->serving = false;
	node->lost = false;
	node->need_term = 0;
	sw_event(world, id,
		 &(struct qbd_leader_event){ .kind = QBD_LEADER_START });
	for (i = 1; i <= world->nr; i++)
		if (world->node[i].up && !world->cut[id][i])
			sw_link_event(world, id, i, true);
}

void sw_detach(struct sw_world *world, u32 id)
{
	struct sw_node *node = &world->node[id];

	sw_event(world, id,
		 &(struct qbd_leader_event){
			 .kind = QBD_LEADER_STOP,
			 .err = -ESHUTDOWN,
		 });
	free(node->lead);
	node->lead = NULL;
	node->serving = false;
}

/* --- requests ------------------------------------------------------------ */

int sw_write(struct sw_world *world, u32 id, struct sw_req *req, u32 block,
	     u64 value)
{
	*req = (struct sw_req){ .block = block, .value = value };
	return sw_event(world, id,
			&(struct qbd_leader_event){
				.kind = QBD_LEADER_WRITE,
				.req = req,
				.op = QBD_OP_WRITE,
				.block = block,
				.blocks = 1,
				.payload = (void *)(uintptr_t)value,
			});
}

int sw_read(struct sw_world *world, u32 id, struct sw_req *req, u32 block)
{
	*req = (struct sw_req){ .block = block, .is_read = true };
	return sw_event(world, id,
			&(struct qbd_leader_event){
				.kind = QBD_LEADER_READ,
				.req = req,
				.block = block,
				.blocks = 1,
			});
}

/* --- time ---------------------------------------------------------------- */

static void sw_heartbeats(struct sw_world *world, u32 a, u32 b)
{
	struct sw_node *holder = &world->node[a], *voter = &world->node[b];
	struct qbd_lease_stamp stamp;
	u64 beat = qbd_lease_beat(&holder->holder[b], world->now_ns);

	if (world->cut[a][b] && a != b)
		return;
	qbd_lease_grant(&voter->voter[a], world->now_ns, beat, world->lease_ns);
	stamp = qbd_lease_stamp(&voter->voter[a]);
	qbd_lease_echo(&holder->holder[b], world->now_ns, stamp.beat,
		       stamp.version);
}

static void sw_tick(struct sw_world *world)
{
	u32 a, b;

	for (a = 1; a <= world->nr; a++)
		for (b = 1; b <= world->nr; b++)
			if (world->node[a].up && world->node[b].up)
				sw_heartbeats(world, a, b);
	for (a = 1; a <= world->nr; a++) {
		if (!world->node[a].up)
			continue;
		sw_replica(world, a,
			   &(struct qbd_replica_event){
				   .kind = QBD_REPLICA_TICK,
			   });
		sw_event(world, a,
			 &(struct qbd_leader_event){
				 .kind = QBD_LEADER_TICK,
			 });
	}
}

/* All that is due now, until nothing is. */
static bool sw_due(struct sw_world *world)
{
	struct sw_item item, *first;
	bool any = false;
	u32 a, b;

	for (a = 1; a <= world->nr; a++) {
		first = sw_first(&world->node[a].persist);
		if (first && first->due_ns <= world->now_ns) {
			item = *first;
			world->node[a].persist.head++;
			sw_persisted(world, &world->node[a], &item.act);
			any = true;
		}
		for (b = 1; b <= world->nr; b++) {
			first = sw_first(&world->link[a][b]);
			if (!first || first->due_ns > world->now_ns)
				continue;
			item = *first;
			world->link[a][b].head++;
			any = true;
			if (item.life == world->node[b].life)
				sw_deliver(world, a, b, &item.act.msg);
		}
	}
	return any;
}

static void sw_advance(struct sw_world *world)
{
	const u64 tick_ns = 100 * SW_MS;
	u64 before = world->now_ns / tick_ns;

	while (sw_due(world))
		;
	world->now_ns += SW_MS;
	if (world->now_ns / tick_ns != before)
		sw_tick(world);
}

void sw_run(struct sw_world *world, u64 ns)
{
	u64 end = world->now_ns + ns;

	while (world->now_ns < end)
		sw_advance(world);
}

bool sw_run_until(struct sw_world *world, const bool *flag, u64 ns)
{
	u64 end = world->now_ns + ns;

	while (!*flag && world->now_ns < end)
		sw_advance(world);
	return *flag;
}
