// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of the simulated cluster: bursts of requests to whoever has the
 * volume attached, mostly to the newest holder, now and then to one that does
 * not know yet that it is not. Each write has a value of its own, the number
 * of its request. A client that waits too long goes on with others; what it
 * gave up on is still under way, and still counts.
 */
#include "cluster.h"
#include "cluster_log.h"

#define CL_PATIENCE_NS (80 * CL_MS)
#define CL_HOT_BLOCKS 6

/* --- a request's life --------------------------------------------------- */

void cl_op_done(struct cl_world *w, struct cl_op *op, int err, u64 made_ns)
{
	struct cl_client *client = &w->client[op->client];
	static const char *const name[] = { "write", "discard", "zero", "read",
					    "flush" };

	if (op->state == CL_OP_DONE) {
		cl_broken(w, "R8", "request %u ended twice", (u32)(op - w->op));
		return;
	}
	cl_trace(w, "client %u: %s %u of %u %u+%u on %u at (%llu,%llu): %d\n",
		 op->client, name[op->kind], (u32)(op - w->op), op->shard,
		 op->block, op->blocks, op->node, op->term, op->index, err);
	op->state = CL_OP_DONE;
	op->err = err;
	w->open_ops--;
	if (client->gen == op->gen && client->busy)
		client->busy--;
	cl_mix(w, (u64)(op - w->op) << 32 ^ op->index ^ (u32)err);
	if (err)
		return;
	w->counts.acked++;
	cl_saw_done(w, op, made_ns);
}

static int cl_op_step(struct cl_world *w, struct cl_op *op)
{
	static const u8 rec_op[] = {
		[CL_OP_WRITE] = QBD_OP_WRITE,
		[CL_OP_DISCARD] = QBD_OP_DISCARD,
		[CL_OP_ZERO] = QBD_OP_ZERO,
	};
	struct qbd_leader_event ev = {
		.kind = QBD_LEADER_WRITE,
		.req = op,
		.block = op->block,
		.blocks = op->blocks,
	};

	if (op->kind == CL_OP_READ) {
		ev.kind = QBD_LEADER_READ;
		return cl_lead_step(w, op->node, op->shard, &ev);
	}
	ev.op = rec_op[op->kind];
	ev.rec_flags = op->fua ? QBD_REC_FUA : 0;
	ev.payload = op->payload;
	ev.crc = op->payload ? op->payload->crc : 0;
	return cl_lead_step(w, op->node, op->shard, &ev);
}

/* A leader took it: it has its place in the history. */
static void cl_op_taken(struct cl_world *w, struct cl_op *op)
{
	op->state = CL_OP_ISSUED;
	if (op->kind == CL_OP_READ)
		return;
	if (op->payload)
		op->payload->lead = op->node;
	cl_saw_assigned(
		w, op,
		w->node[op->node].vol[w->shard[op->shard].volume].core.term,
		w->node[op->node].lead[op->shard].last);
}

/* Offer a request to its leader. */
static void cl_op_offer(struct cl_world *w, struct cl_op *op)
{
	int err;

	if (op->kind == CL_OP_FLUSH) {
		/* What was completed is durable: there is nothing to do. */
		cl_op_done(w, op, 0, w->now_ns);
		return;
	}
	err = cl_op_step(w, op);
	if (!err) {
		cl_op_taken(w, op);
	} else if (err == -EAGAIN) {
		op->state = CL_OP_HELD;
	} else {
		cl_payload_put(op->payload);
		op->payload = NULL;
		cl_op_done(w, op, err, w->now_ns);
	}
	cl_pump(w, op->node, op->shard);
}

/* The leader says that what it refused may be tried again. */
void cl_ops_retry(struct cl_world *w, u32 node, u32 shard)
{
	u32 life = w->node[node].life, i;

	for (i = 1; i < w->nr_ops && w->open_ops; i++) {
		struct cl_op *op = &w->op[i];

		if (op->state != CL_OP_HELD || op->node != node ||
		    op->shard != shard)
			continue;
		cl_op_offer(w, op);
		if (w->node[node].life != life)
			return;
	}
}

/* The node is gone: nobody will ever know how these ended. */
void cl_ops_lost(struct cl_world *w, u32 node)
{
	u32 i;

	for (i = 1; i < w->nr_ops; i++) {
		struct cl_op *op = &w->op[i];

		if (op->state == CL_OP_DONE || op->node != node)
			continue;
		if (op->state == CL_OP_HELD)
			cl_payload_put(op->payload);
		cl_op_done(w, op, -EIO, w->now_ns);
	}
}

/* --- what clients do ---------------------------------------------------- */

static bool cl_client_can(const struct cl_world *w, u32 volume, u32 node)
{
	return node && w->node[node].up &&
	       w->node[node].lead[w->volume[volume].first].active;
}

/* A node that has the volume, 0 if there is none. */
static u32 cl_client_node(struct cl_world *w, u32 volume)
{
	u32 node = w->volume[volume].holder;
	u32 first = (u32)cl_rand(w, w->nr_nodes), i;

	if (cl_client_can(w, volume, node) && !cl_chance(w, 35))
		return node;
	for (i = 0; i < w->nr_nodes; i++) {
		node = (first + i) % w->nr_nodes + 1;
		if (cl_client_can(w, volume, node))
			return node;
	}
	return 0;
}

static void cl_client_payload(struct cl_world *w, struct cl_op *op)
{
	u32 no = (u32)(op - w->op), i;

	op->payload = cl_payload_new(w, op->blocks);
	op->payload->op = no;
	op->payload->crc = no * 2654435761U;
	for (i = 0; i < op->blocks; i++)
		op->payload->value[i] = no;
	if (w->real)
		cl_stamp(op->payload, op->shard, op->block);
}

static u8 cl_client_kind(struct cl_world *w)
{
	u32 what = (u32)cl_rand(w, 100);

	if (what < 52)
		return CL_OP_WRITE;
	if (what < 84)
		return CL_OP_READ;
	if (what < 90)
		return CL_OP_DISCARD;
	return what < 96 ? CL_OP_ZERO : CL_OP_FLUSH;
}

static void cl_client_issue(struct cl_world *w, u32 client)
{
	u32 volume = (u32)cl_rand(w, w->nr_volumes);
	u32 node = cl_client_node(w, volume);
	const struct cl_attach *att = &w->node[node].vol[volume];
	struct cl_op *op;
	u32 span;

	if (!node || w->nr_ops == CL_OPS)
		return;
	op = &w->op[w->nr_ops++];
	memset(op, 0, sizeof(*op));
	op->kind = cl_client_kind(w);
	op->shard = (u8)(w->volume[volume].first +
			 cl_rand(w, att->told ?: att->led));
	op->node = (u8)node;
	op->client = (u8)client;
	op->gen = w->client[client].gen;
	op->fua = op->kind == CL_OP_WRITE && cl_chance(w, 20);
	op->blocks = 1 + (u32)cl_rand(w, CL_OP_BLOCKS);
	span = cl_chance(w, 50) ? CL_HOT_BLOCKS : CL_BLOCKS;
	op->block = (u32)cl_rand(w, span - op->blocks + 1);
	op->invoke_ns = w->now_ns;
	op->state = CL_OP_ISSUED;
	w->counts.ops++;
	w->open_ops++;
	w->client[client].left--;
	w->client[client].busy++;
	if (op->kind == CL_OP_WRITE)
		cl_client_payload(w, op);
	cl_saw_invoke(w, op);
	cl_op_offer(w, op);
}

void cl_client_run(struct cl_world *w, u32 no)
{
	struct cl_client *client = &w->client[no];
	u32 burst = 1 + (u32)cl_rand(w, cl_chance(w, 20) ? 8 : 3);

	if (!client->left)
		return;
	cl_at(w, CL_MS + cl_rand(w, 25 * CL_MS),
	      &(struct cl_event){
		      .kind = CL_EV_CLIENT, .a = (u8)no, .life = U32_MAX });
	if (client->busy && w->now_ns - client->since_ns < CL_PATIENCE_NS)
		return;
	client->busy = 0;
	client->gen++;
	client->since_ns = w->now_ns;
	for (; burst && client->left; burst--)
		cl_client_issue(w, no);
}
