// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links of the simulated cluster: a few connections per pair of nodes, FIFO
 * each; a shard uses one of them per direction, another one after each reset.
 *
 * A cut stops what is under way, it does not lose it: it arrives when the cut
 * heals, unless the nodes gave up on the connection before.  What was received
 * but not read when a connection broke may be read later, after the next one
 * was made.  Each message makes the way through its bytes.
 */
#include "cluster.h"
#include "wire.h"

#define CL_GIVE_UP_NS (150 * CL_MS)

static void cl_net_event(struct cl_world *w, u32 from, u32 to, u32 conn,
			 u64 delay_ns)
{
	cl_at(w, delay_ns,
	      &(struct cl_event){ .kind = CL_EV_NET,
				  .a = (u8)from,
				  .b = (u8)to,
				  .c = (u8)conn,
				  .life = U32_MAX });
}

static void cl_net_drop(struct cl_item *item)
{
	cl_payload_put(item->act.msg.payload);
	cl_item_free(item);
}

/* All but the first @keep messages of a connection are lost. */
static void cl_net_cut_off(struct cl_fifo *fifo, u32 keep)
{
	struct cl_fifo left = { 0 };
	struct cl_item *item;

	while ((item = cl_pop(fifo))) {
		if (!keep) {
			cl_net_drop(item);
			continue;
		}
		keep--;
		cl_push(&left, item);
	}
	*fifo = left;
}

void cl_net_clear(struct cl_world *w)
{
	u32 a, b, c;

	for (a = 1; a <= CL_NODES; a++) {
		for (b = 1; b <= CL_NODES; b++) {
			for (c = 0; c < CL_CONNS; c++) {
				cl_net_cut_off(&w->net[a][b][c], 0);
				w->net_due_ns[a][b][c] = 0;
			}
			w->cut[a][b] = false;
			w->cut_ns[a][b] = 0;
			w->joined[a][b] = false;
			w->link_ns[a][b] = w->net_ns;
		}
	}
}

/* --- sending ------------------------------------------------------------ */

/* Bytes and back. */
static void cl_net_push(struct cl_world *w, u32 from, u32 to, u32 conn,
			const struct qbd_msg *msg, struct cl_payload *payload)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct cl_item *item = cl_item_new();
	u64 due_ns = w->now_ns + w->far_ns[from][to] +
		     cl_rand(w, w->link_ns[from][to]) + 1000;
	u64 *last_ns = &w->net_due_ns[from][to][conn];
	int len = qbd_wire_encode(msg, buf, sizeof(buf));

	if (len < 0 || qbd_wire_decode(buf, (u32)len, &item->act.msg)) {
		cl_broken(w, "R8", "%s does not go through the wire",
			  qbd_msg_name(msg->type));
		cl_item_free(item);
		return;
	}
	w->counts.msgs++;
	item->life = w->node[to].life;
	item->act.msg.payload = payload;
	cl_payload_get(payload);
	due_ns = max(due_ns, *last_ns);
	*last_ns = due_ns;
	cl_push(&w->net[from][to][conn], item);
	cl_net_event(w, from, to, conn, due_ns - w->now_ns);
}

/* A message of a shard; dropped if there is no connection. */
void cl_net_send(struct cl_world *w, u32 from, u32 shard,
		 const struct qbd_action *act, struct cl_payload *payload)
{
	struct qbd_msg msg = act->msg;
	u32 to = act->node;

	if (to < 1 || to > w->nr_nodes || !w->joined[from][to])
		return;
	if (qbd_msg_from_leader(&msg))
		msg.beat = qbd_lease_mark(&w->node[from].holder[to]);
	cl_net_push(w, from, to, w->pin[from][to][shard], &msg, payload);
}

/* A heartbeat to every other node, and to this one. */
void cl_net_beats(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u64 now_ns = cl_node_now(w, id);
	struct qbd_lease_stamp stamp;
	struct qbd_msg msg;
	u32 i;

	if (node->mute)
		return;
	for (i = 1; i <= w->nr_nodes; i++) {
		u64 beat = qbd_lease_beat(&node->holder[i], now_ns);

		if (i == id) {
			qbd_lease_grant(&node->voter[id], now_ns, beat,
					node->lease_ns);
			stamp = qbd_lease_stamp(&node->voter[id]);
			qbd_lease_echo(&node->holder[id], now_ns, stamp.beat,
				       stamp.version);
			continue;
		}
		if (!w->joined[id][i])
			continue;
		memset(&msg, 0, sizeof(msg));
		msg.type = QBD_MSG_HEARTBEAT;
		msg.beat = beat;
		msg.heartbeat.lease_ms = (u32)(node->lease_ns / CL_MS);
		cl_net_push(w, id, i, 0, &msg, NULL);
	}
}

/* --- receiving ---------------------------------------------------------- */

/* What a node asks for, and at most what this one grants. */
static void cl_net_asks(struct cl_world *w, u32 from, u32 to, u32 lease_ms)
{
	struct cl_node *node = &w->node[to];

	node->asked_ns[from] = min(lease_ms * CL_MS, (u64)node->lease_ns);
}

static void cl_net_beat(struct cl_world *w, u32 from, u32 to,
			const struct qbd_msg *got)
{
	struct qbd_lease_stamp stamp;
	struct qbd_msg msg;

	cl_net_asks(w, from, to, got->heartbeat.lease_ms);
	qbd_lease_grant(&w->node[to].voter[from], cl_node_now(w, to), got->beat,
			w->node[to].asked_ns[from]);
	if (!w->joined[to][from])
		return;
	stamp = qbd_lease_stamp(&w->node[to].voter[from]);
	memset(&msg, 0, sizeof(msg));
	msg.type = QBD_MSG_HEARTBEAT_ACK;
	msg.beat = stamp.beat;
	msg.list = stamp.version;
	msg.heartbeat.lease_ms = got->heartbeat.lease_ms;
	cl_net_push(w, to, from, 0, &msg, NULL);
}

static void cl_net_beat_ack(struct cl_world *w, u32 from, u32 to,
			    const struct qbd_msg *got)
{
	struct cl_node *node = &w->node[to];
	u32 life = node->life, i;

	qbd_lease_echo(&node->holder[from], cl_node_now(w, to), got->beat,
		       got->list);
	for (i = 0; i < w->nr_shards && node->life == life; i++)
		if (node->lead[i].active &&
		    qbd_leader_waits_lease(node->lead[i].core))
			cl_lead_step(w, to, i,
				     &(struct qbd_leader_event){
					     .kind = QBD_LEADER_TICK });
}

static void cl_net_got(struct cl_world *w, u32 from, u32 to,
		       struct qbd_msg *msg)
{
	int shard;

	if (msg->type == QBD_MSG_HEARTBEAT) {
		cl_net_beat(w, from, to, msg);
		return;
	}
	if (msg->type == QBD_MSG_HEARTBEAT_ACK) {
		cl_net_beat_ack(w, from, to, msg);
		return;
	}
	shard = cl_shard_of(w, &msg->key);
	if (shard < 0)
		return;
	if (qbd_msg_to_replica(msg->type)) {
		if (msg->type == QBD_MSG_OPEN)
			cl_net_asks(w, from, to, msg->open.lease_ms);
		if (qbd_msg_from_leader(msg))
			qbd_lease_grant(&w->node[to].voter[from],
					cl_node_now(w, to), msg->beat,
					w->node[to].asked_ns[from]);
	} else if (msg->beat && msg->list) {
		qbd_lease_echo(&w->node[to].holder[from], cl_node_now(w, to),
			       msg->beat, msg->list);
	}
	cl_deliver(w, from, to, (u32)shard, msg);
}

/* What a message of a resync is about, for the trace. */
static void cl_net_about(const struct qbd_msg *msg, u64 *a, u64 *b, u64 *c)
{
	switch (msg->type) {
	case QBD_MSG_RESYNC:
		*a = msg->resync.source;
		break;
	case QBD_MSG_RESYNC_REPLY:
		*a = msg->resync_reply.status;
		*b = msg->resync_reply.at.index;
		*c = msg->resync_reply.chunks;
		break;
	case QBD_MSG_PIN:
		*a = msg->pin.have.index;
		break;
	case QBD_MSG_PIN_REPLY:
		*a = msg->pin_reply.status;
		*b = msg->pin_reply.at.index;
		break;
	case QBD_MSG_MAP:
		*a = msg->map.have;
		*b = msg->map.from;
		break;
	case QBD_MSG_MAP_REPLY:
		*a = msg->map_reply.status;
		*b = msg->map_reply.nr;
		*c = msg->map_reply.next;
		break;
	case QBD_MSG_DIFF:
		*a = msg->diff.id;
		*b = msg->diff.nr;
		*c = msg->diff.chunk[0];
		break;
	case QBD_MSG_DIFF_REPLY:
		*a = msg->diff_reply.status;
		*b = msg->payload_bytes / QBD_BLOCK_SIZE;
		*c = msg->diff_reply.chunk;
		break;
	default:
		break;
	}
}

/* What a message is about, for the trace. */
static void cl_net_show(struct cl_world *w, u32 from, u32 to, u32 conn,
			const struct qbd_msg *msg)
{
	const char *name = qbd_msg_name(msg->type);
	u64 a = 0, b = 0, c = 0;

	switch (msg->type) {
	case QBD_MSG_HEARTBEAT:
	case QBD_MSG_HEARTBEAT_ACK:
		return;
	case QBD_MSG_OPEN_REPLY:
		a = msg->open_reply.last.term;
		b = msg->open_reply.last.index;
		break;
	case QBD_MSG_APPEND:
		a = msg->append.prev.index;
		b = msg->append.pos.index;
		c = msg->append.commit;
		break;
	case QBD_MSG_APPEND_ACK:
		a = msg->ack.received;
		b = msg->ack.durable;
		break;
	case QBD_MSG_NACK:
		a = msg->nack.reason;
		b = msg->nack.hint.index;
		break;
	case QBD_MSG_FETCH:
		a = msg->fetch.have.index;
		b = msg->fetch.limit;
		c = msg->fetch.node;
		break;
	case QBD_MSG_FETCH_REPLY:
		a = msg->fetch_reply.status;
		b = msg->fetch_reply.through.index;
		break;
	default:
		cl_net_about(msg, &a, &b, &c);
		break;
	}
	cl_trace(w, "%u>%u.%u %u.%u %s t%llu s%llu: %llu %llu %llu\n", from, to,
		 conn, msg->key.volume, msg->key.shard, name, msg->term,
		 msg->session, a, b, c);
}

void cl_net_deliver(struct cl_world *w, u32 from, u32 to, u32 conn)
{
	struct cl_item *item;

	if (w->cut[from][to])
		return; /* it is found again when the cut heals */
	item = cl_pop(&w->net[from][to][conn]);
	if (!item)
		return;
	if (!w->node[to].up || item->life != w->node[to].life) {
		cl_net_drop(item);
		return;
	}
	if (w->trace)
		cl_net_show(w, from, to, conn, &item->act.msg);
	cl_net_got(w, from, to, &item->act.msg);
	cl_item_free(item);
}

/* --- connections -------------------------------------------------------- */

static void cl_net_tell(struct cl_world *w, u32 node, u32 peer, u64 delay_ns)
{
	if (!w->node[node].up)
		return;
	cl_at(w, delay_ns,
	      &(struct cl_event){ .kind = CL_EV_LINK,
				  .a = (u8)node,
				  .b = (u8)peer,
				  .life = w->node[node].life });
}

static void cl_net_pin(struct cl_world *w, u32 a, u32 b)
{
	u32 i;

	for (i = 0; i < w->nr_shards; i++) {
		w->pin[a][b][i] = (u8)cl_rand(w, w->nr_conns);
		w->pin[b][a][i] = (u8)cl_rand(w, w->nr_conns);
	}
}

/* Two nodes connect, if they can. */
void cl_net_join(struct cl_world *w, u32 a, u32 b)
{
	if (w->joined[a][b] || !w->node[a].up || !w->node[b].up ||
	    w->cut[a][b] || w->cut[b][a])
		return;
	w->joined[a][b] = true;
	w->joined[b][a] = true;
	cl_net_pin(w, a, b);
	cl_trace(w, "link %u-%u is up\n", a, b);
	cl_net_tell(w, a, b, cl_rand(w, w->net_ns));
	cl_net_tell(w, b, a, cl_rand(w, w->net_ns));
}

/* How much of what is under way will still be read. */
static u32 cl_net_rest(struct cl_world *w)
{
	return cl_chance(w, 60) ? 0 : (u32)cl_rand(w, 6);
}

/* The nodes give up on each other. */
void cl_net_break(struct cl_world *w, u32 a, u32 b)
{
	u32 c;

	if (!w->joined[a][b])
		return;
	w->joined[a][b] = false;
	w->joined[b][a] = false;
	cl_trace(w, "link %u-%u is down\n", a, b);
	for (c = 0; c < CL_CONNS; c++) {
		cl_net_cut_off(&w->net[a][b][c], cl_net_rest(w));
		cl_net_cut_off(&w->net[b][a][c], cl_net_rest(w));
	}
	cl_net_tell(w, a, b, cl_rand(w, 5 * CL_MS));
	cl_net_tell(w, b, a, cl_rand(w, 5 * CL_MS));
}

/* A new connection in the place of one that broke, at once. */
void cl_net_reset(struct cl_world *w, u32 a, u32 b, u32 conn)
{
	if (!w->joined[a][b])
		return;
	cl_trace(w, "link %u-%u: connection %u is reset\n", a, b, conn);
	cl_net_cut_off(&w->net[a][b][conn], cl_net_rest(w));
	cl_net_cut_off(&w->net[b][a][conn], cl_net_rest(w));
	cl_net_pin(w, a, b);
	cl_net_tell(w, a, b, cl_rand(w, w->net_ns));
	cl_net_tell(w, b, a, cl_rand(w, w->net_ns));
}

/* Others learn of a crash soon, late, or when the node is back. */
void cl_net_crash(struct cl_world *w, u32 node)
{
	u32 i, c;

	for (i = 1; i <= w->nr_nodes; i++) {
		if (i == node)
			continue;
		for (c = 0; c < CL_CONNS; c++) {
			cl_net_cut_off(&w->net[i][node][c], 0);
			cl_net_cut_off(&w->net[node][i][c], cl_net_rest(w));
		}
		if (!w->joined[i][node])
			continue;
		w->joined[i][node] = false;
		w->joined[node][i] = false;
		cl_net_tell(w, i, node,
			    cl_rand(w, cl_chance(w, 50) ? 2 * CL_MS :
							  300 * CL_MS));
	}
}

/* What was stopped by a cut goes on. */
static void cl_net_resume(struct cl_world *w, u32 from, u32 to)
{
	const struct cl_item *item;
	u32 c;

	for (c = 0; c < CL_CONNS; c++)
		for (item = w->net[from][to][c].head; item; item = item->next)
			cl_net_event(w, from, to, c, 1000);
}

/* Connections are made and given up with the tick of a node. */
void cl_net_tick(struct cl_world *w, u32 node)
{
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++) {
		if (i == node)
			continue;
		if (w->cut_ns[i][node] && !w->cut[i][node]) {
			w->cut_ns[i][node] = 0;
			cl_net_resume(w, i, node);
		}
		if (w->joined[node][i] && w->cut[i][node] &&
		    w->now_ns - w->cut_ns[i][node] > CL_GIVE_UP_NS)
			cl_net_break(w, node, i);
		else if (!w->joined[node][i] && cl_chance(w, 50))
			cl_net_join(w, node, i);
	}
}
