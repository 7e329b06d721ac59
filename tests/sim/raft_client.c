// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients: each counts up, one command after the other, and reads how far it
 * got. They ask whoever says that it leads, deposed leaders too.
 */
#include "raft_sim.h"

/* Somebody who leads, or thinks so. */
static int rs_client_server(struct rs_world *w)
{
	u32 first = qbd_rng_below(&w->rng, w->nr_nodes), i, node;

	for (i = 0; i < w->nr_nodes; i++) {
		node = (first + i) % w->nr_nodes;
		if (rs_awake(w, node) && w->node[node].raft.role == RAFT_LEADER)
			return node;
	}
	return -1;
}

static void rs_client_propose(struct rs_world *w, u32 client, u32 node)
{
	struct rs_client *c = &w->client[client];
	struct raft_event event = { .kind = RAFT_EV_PROPOSE };
	u8 data[48] = { 0 };
	u64 seq = c->seq + 1, who = client;

	memcpy(data, &who, sizeof(who));
	memcpy(data + 8, &seq, sizeof(seq));
	event.data = data;
	event.bytes = 16 + qbd_rng_below(&w->rng, 32);
	c->index = 0;
	c->seq = seq;
	c->node = node;
	c->life = w->node[node].life;
	rs_trace(w, "client %u proposes %llu to %llu\n", client, seq,
		 w->node[node].id);
	if (!rs_step(w, node, &event)) {
		c->index = w->update.index;
		c->term = w->update.term;
	}
}

static void rs_client_read(struct rs_world *w, u32 client, u32 node)
{
	struct raft_event event = { .kind = RAFT_EV_READ };
	struct rs_read_op *op;
	u32 i;

	for (i = 0; i < RS_READS && w->read[i].busy; i++)
		;
	if (i == RS_READS)
		return;
	op = &w->read[i];
	*op = (struct rs_read_op){ .busy = true,
				   .client = client,
				   .node = node,
				   .life = w->node[node].life,
				   .floor = w->committed,
				   .seq = w->client[client].acked };
	event.cookie = i;
	rs_trace(w, "client %u reads from %llu\n", client, w->node[node].id);
	if (rs_step(w, node, &event))
		op->busy = false;
}

void rs_client_run(struct rs_world *w, u32 client)
{
	int node = rs_client_server(w), paused = rs_leader(w);
	u64 next = w->now + qbd_rng_range(&w->rng, 3, 40) * RS_MS;

	/* requests that wait in the queue of a process that is stopped */
	if (node < 0 && paused >= 0)
		next = w->node[paused].paused_until +
		       qbd_rng_below(&w->rng, 5 * RS_MS);
	rs_at(w, next, RS_EV_CLIENT, 0, client);
	if (node < 0)
		return;
	if (qbd_rng_percent(&w->rng, 60))
		rs_client_propose(w, client, node);
	else
		rs_client_read(w, client, node);
}

/* A command is carried out; who proposed it here is answered. */
void rs_client_applied(struct rs_world *w, u32 node,
		       const struct raft_entry *entry)
{
	struct rs_node *n = &w->node[node];
	const u8 *data = entry->data;
	struct rs_client *c;
	u64 who, seq;

	memcpy(&who, data, sizeof(who));
	memcpy(&seq, data + 8, sizeof(seq));
	if (who >= RS_CLIENTS)
		return; /* the last one of a schedule is nobody's */
	n->machine.count++;
	n->machine.seq[who] = max(n->machine.seq[who], seq);
	c = &w->client[who];
	if (c->node == node && c->life == n->life && c->seq == seq &&
	    c->index == entry->pos.index && c->term == entry->pos.term)
		c->acked = seq;
}

void rs_read_decided(struct rs_world *w, u32 node, const struct raft_read *read)
{
	struct rs_read_op *op = &w->read[read->cookie];

	if (!op->busy || op->node != node)
		return;
	if (read->err) {
		op->busy = false;
		return;
	}
	if (read->index < op->floor)
		rs_broken(w, "R7", "%llu reads at %llu, %llu was committed",
			  w->node[node].id, read->index, op->floor);
	op->confirmed = true;
	op->index = read->index;
}

/* Reads whose index is applied. */
void rs_reads_look(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	struct rs_read_op *op;
	u32 i;

	for (i = 0; i < RS_READS; i++) {
		op = &w->read[i];
		if (!op->busy || op->node != node)
			continue;
		if (op->life != n->life) {
			op->busy = false;
			continue;
		}
		if (!op->confirmed || n->machine.index < op->index)
			continue;
		op->busy = false;
		w->counts.reads++;
		if (n->machine.seq[op->client] < op->seq)
			rs_broken(w, "R7", "client %u reads %llu after %llu",
				  op->client, n->machine.seq[op->client],
				  op->seq);
	}
}
