// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes of the simulated cluster: boot, crash, ticks; steps of leaders and
 * replicas, and the pump that has their actions carried out in order.
 *
 * A step's actions go into the FIFO of the node's shard at once, as step.h
 * asks; the pump comes then, or later.  Before each action the node may crash:
 * everything up the stack finds the FIFO empty and the life another one.
 */
#include "cluster.h"
#include "cluster_log.h"
#include "cluster_resync.h"

u64 cl_node_now(const struct cl_world *w, u32 node)
{
	const struct cl_node *n = &w->node[node];

	return w->now_ns + n->skew_ns +
	       (s64)(w->now_ns / 1000000) * n->drift_ppm;
}

int cl_shard_of(const struct cl_world *w, const struct qbd_shard_key *key)
{
	if (key->volume < 1 || key->volume > w->nr_volumes ||
	    key->shard >= w->volume[key->volume - 1].nr)
		return -ENOENT;
	return (int)(w->volume[key->volume - 1].first + key->shard);
}

/* --- steps -------------------------------------------------------------- */

static void cl_queue(struct cl_world *w, u32 node, u32 shard,
		     const struct qbd_actions *acts)
{
	u32 i;

	for (i = 0; i < acts->nr; i++) {
		const struct qbd_action *act = &acts->act[i];
		struct cl_item *item = cl_item_new();

		item->act = *act;
		item->made_ns = w->now_ns;
		if (act->kind == QBD_ACT_SEND ||
		    act->kind == QBD_ACT_LOG_APPEND ||
		    act->kind == QBD_ACT_READ || act->kind == QBD_ACT_DIFF ||
		    act->kind == QBD_ACT_SHADOW)
			cl_payload_get(act->msg.payload);
		cl_push(&w->node[node].pump[shard], item);
	}
}

/* Carried out now, or when somebody has time. */
static void cl_pump_kick(struct cl_world *w, u32 node, u32 shard)
{
	struct cl_node *n = &w->node[node];
	u8 bit = (u8)(1U << shard);

	if (!n->pump[shard].head || (n->pumping & bit) || (n->pump_due & bit))
		return;
	if (!w->lag_percent || w->healing || !cl_chance(w, w->lag_percent)) {
		cl_pump(w, node, shard);
		return;
	}
	n->pump_due |= bit;
	cl_at(w, cl_rand(w, 3 * CL_MS),
	      &(struct cl_event){ .kind = CL_EV_PUMP,
				  .a = (u8)node,
				  .b = (u8)shard,
				  .life = n->life });
}

void cl_pump(struct cl_world *w, u32 node, u32 shard)
{
	struct cl_node *n = &w->node[node];
	u8 bit = (u8)(1U << shard);
	struct cl_item *item;

	if (n->pumping & bit)
		return; /* it runs further up the stack */
	n->pumping |= bit;
	while ((item = n->pump[shard].head)) {
		if (n->crash_in && !--n->crash_in) {
			cl_node_crash(w, node);
			return;
		}
		cl_pop(&n->pump[shard]);
		w->counts.actions++;
		cl_act(w, node, shard, item);
		cl_item_free(item);
	}
	n->pumping &= ~bit;
}

int cl_lead_step(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_leader_event *event)
{
	struct cl_lead *lead = &w->node[node].lead[shard];
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	struct qbd_leader_event ev = *event;
	struct qbd_leader_info info;
	int err = 0, got;
	u64 term;

	if (!lead->active)
		return -ENODEV;
	ev.now_ns = cl_node_now(w, node);
	do {
		acts.nr = 0;
		w->counts.steps++;
		got = qbd_leader_step(lead->core, &ev, &acts);
		if (ev.kind != QBD_LEADER_MORE) {
			err = got;
			qbd_leader_info(lead->core, &info);
			lead->last = info.last;
		}
		cl_queue(w, node, shard, &acts);
		ev.kind = QBD_LEADER_MORE;
	} while (acts.more);
	qbd_leader_info(lead->core, &info);
	term = w->node[node].vol[w->shard[shard].volume].core.term;
	if (lead->epoch != qbd_leader_set(lead->core)->epoch) {
		lead->epoch = qbd_leader_set(lead->core)->epoch;
		cl_saw_set(w, shard, term, qbd_leader_set(lead->core), false);
	}
	cl_saw_counted(w, shard, term, info.commit);
	if (info.state != lead->state) {
		cl_trace(w, "node %u: leader of %u is %s\n", node, shard,
			 qbd_leader_name(info.state));
		lead->state = (u8)info.state;
		cl_fault_phase(w, node, shard);
	}
	if (ev.kind == QBD_LEADER_MORE && event->kind != QBD_LEADER_WRITE &&
	    event->kind != QBD_LEADER_READ)
		cl_pump_kick(w, node, shard);
	return err;
}

void cl_rep_step(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_replica_event *event)
{
	struct cl_replica *rep = &w->node[node].rep[shard];
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	struct qbd_replica_event ev = *event;

	if (!rep->ready)
		return;
	ev.now_ns = cl_node_now(w, node);
	do {
		acts.nr = 0;
		w->counts.steps++;
		qbd_replica_step(&rep->core, &ev, &acts);
		cl_queue(w, node, shard, &acts);
		ev.kind = QBD_REPLICA_MORE;
	} while (acts.more);
	cl_pump_kick(w, node, shard);
}

/* --- what replicas ask within a step ------------------------------------ */

static struct cl_ctx cl_ctx[CL_NODES + 1][CL_SHARDS];

static u64 cl_term_at(void *ctx, u64 index)
{
	const struct cl_ctx *c = ctx;

	return cl_log_term_at(&c->w->node[c->node], c->shard, index);
}

static bool cl_get(void *ctx, u64 index, struct qbd_log_rec *rec)
{
	const struct cl_ctx *c = ctx;

	return cl_log_get(&c->w->node[c->node], c->shard, index, rec);
}

static struct qbd_lease_stamp cl_stamp_of(void *ctx, u32 node)
{
	const struct cl_ctx *c = ctx;

	return qbd_lease_stamp(&c->w->node[c->node].voter[node]);
}

static u64 cl_leave(void *ctx, u32 node)
{
	const struct cl_ctx *c = ctx;

	return qbd_lease_leave(&c->w->node[c->node].voter[node]);
}

static const struct qbd_replica_ops cl_replica_ops = {
	.term_at = cl_term_at,
	.log_get = cl_get,
	.lease_stamp = cl_stamp_of,
	.lease_leave = cl_leave,
};

/* --- life --------------------------------------------------------------- */

/* The replica of a shard begins a life, if the store has it. */
void cl_node_replica(struct cl_world *w, u32 node, u32 shard)
{
	struct cl_replica *rep = &w->node[node].rep[shard];
	struct cl_ctx *ctx = &cl_ctx[node][shard];
	struct qbd_replica_config cfg = {
		.ops = &cl_replica_ops,
		.resync = w->real ? &cl_resync_ops : NULL,
		.ctx = ctx,
		.key = { .volume = w->shard[shard].volume + 1,
			 .shard = w->shard[shard].no },
		.replica = w->shard[shard].replica[node],
		.node = node,
		.blocks = CL_BLOCKS,
		.max_lease_ns = w->node[node].lease_ns,
		.window_records = 48,
		.window_bytes = 1 << 20,
		.retry_ns = w->retry_ns >> cl_rand(w, 5),
	};
	struct cl_have have = { 0 };

	*ctx = (struct cl_ctx){ w, node, shard };
	if (cl_log_have(w, node, shard, &have))
		return; /* the store is without it: only after damage */
	cfg.incarnation = have.incarnation;
	cfg.opens = have.opens;
	cfg.promise = have.promise;
	cfg.last = have.last;
	cfg.commit = have.commit;
	cfg.flags = have.flags;
	cfg.config_epoch = have.config_epoch;
	cl_saw_opened(w, node, shard, &have);
	qbd_replica_init(&rep->core, &cfg, cl_node_now(w, node));
	rep->ready = true;
	cl_saw_durable(w, node, shard, have.last.index);
}

/*
 * The setting of a life: that of all first ones, or a shorter one, which all
 * have at the end: who asks for more than others grant does not get far.
 */
static u64 cl_node_lease(struct cl_world *w, bool first)
{
	if (w->short_ns == w->lease_ns)
		return w->lease_ns;
	if (w->healing || (!first && cl_chance(w, 50)))
		return w->short_ns;
	return w->lease_ns;
}

static void cl_node_boot(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u32 i;

	node->up = true;
	node->life++;
	node->crash_in = 0;
	node->lease_ns = cl_node_lease(w, !w->counts.events);
	for (i = 1; i <= w->nr_nodes; i++) {
		node->asked_ns[i] = node->lease_ns;
		qbd_lease_voter_init(&node->voter[i], qbd_rng_next(&w->rng));
		qbd_lease_holder_init(&node->holder[i], qbd_rng_next(&w->rng));
	}
	for (i = 0; i < w->nr_volumes; i++)
		cl_attach_reset(w, i, id);
	cl_at(w, cl_rand(w, node->lease_ns / 8),
	      &(struct cl_event){
		      .kind = CL_EV_TICK, .a = (u8)id, .life = node->life });
	for (i = 1; i <= w->nr_nodes; i++)
		if (i != id)
			cl_net_join(w, id, i);
}

/* Boot, if it is down, and open the store, if it is not open. */
void cl_node_start(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	bool flagged = false;
	u32 i;
	int err;

	if (!node->up)
		cl_node_boot(w, id);
	if (node->open)
		return;
	err = cl_log_open(w, id);
	cl_verify_forget(w, id);
	cl_trace(w, "node %u starts: %d\n", id, err);
	if (err == -ENODEV) {
		/* the power went while it was being opened */
		cl_node_crash(w, id);
		cl_at(w, cl_rand(w, 50) * CL_MS,
		      &(struct cl_event){ .kind = CL_EV_START,
					  .a = (u8)id,
					  .life = U32_MAX });
		return;
	}
	if (err) {
		cl_broken(w, "R3", "store of node %u can't be opened: %d", id,
			  err);
		return;
	}
	node->open = true;
	for (i = 0; i < w->nr_shards; i++) {
		if (!cl_is_member(w, id, i))
			continue;
		cl_node_replica(w, id, i);
		flagged |= node->rep[i].ready && node->rep[i].core.flags;
	}
	node->restored = false;
	if (flagged)
		cl_at(w, cl_rand(w, 50 * CL_MS),
		      &(struct cl_event){ .kind = CL_EV_FLOOR,
					  .a = (u8)id,
					  .life = node->life });
}

/*
 * Consensus knows which terms were granted before the store was opened. If
 * there is none yet it says 1: 0 is not a floor.
 */
void cl_node_floor(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u32 life = node->life, i;

	for (i = 0; i < w->nr_shards && node->life == life; i++)
		cl_rep_step(
			w, id, i,
			&(struct qbd_replica_event){
				.kind = QBD_REPLICA_FLOOR,
				.term = max(w->volume[w->shard[i].volume].term,
					    (u64)1),
			});
}

static void cl_fifo_drop(struct cl_fifo *fifo)
{
	struct cl_item *item;

	while ((item = cl_pop(fifo))) {
		cl_act_drop(item);
		cl_item_free(item);
	}
}

void cl_node_crash(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u32 i;

	if (!node->up)
		return;
	cl_trace(w, "node %u crashes\n", id);
	w->counts.crashes++;
	node->up = false;
	node->life++;
	node->crash_in = 0;
	node->pumping = 0;
	node->pump_due = 0;
	for (i = 0; i < w->nr_shards; i++) {
		cl_fifo_drop(&node->pump[i]);
		cl_fifo_drop(&node->rep[i].waits);
		node->rep[i].ready = false;
		node->lead[i].active = false;
	}
	cl_log_close(w, id, true);
	node->open = false;
	node->failed = false;
	cl_payload_forget(id);
	cl_ops_lost(w, id);
	cl_net_crash(w, id);
}

/* What this life of a replica wanted done must not reach the next one. */
static void cl_node_drop_replica(struct cl_node *node, u32 shard)
{
	struct cl_fifo left = { 0 };
	struct cl_item *item;

	node->rep[shard].ready = false;
	while ((item = cl_pop(&node->pump[shard]))) {
		if (item->act.kind < QBD_ACT_SEND_LOG ||
		    item->act.kind > QBD_ACT_SHADOW) {
			cl_push(&left, item);
			continue;
		}
		cl_act_drop(item);
		cl_item_free(item);
	}
	node->pump[shard] = left;
}

/* The store goes, and with it this life of its replicas. */
void cl_node_close_store(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u32 i;

	for (i = 0; i < w->nr_shards; i++)
		cl_node_drop_replica(node, i);
	cl_log_close(w, id, false);
	node->open = false;
	node->failed = false;
}

/* A tombstone says so. Return: 0, or it has to be tried again. */
int cl_node_bury(struct cl_world *w, u32 id, u32 shard, u64 epoch)
{
	struct cl_node *node = &w->node[id];
	int err = cl_log_delete(w, id, shard, epoch);

	if (err)
		return err;
	cl_node_drop_replica(node, shard);
	cl_fifo_drop(&node->rep[shard].waits);
	cl_saw_deleted(w, id, shard);
	return 0;
}

/* The store is of no use until it is opened again; the node goes on. */
void cl_node_fail_store(struct cl_world *w, u32 id, int err)
{
	struct cl_node *node = &w->node[id];
	u32 life = node->life, i;

	if (!node->open)
		return;
	cl_trace(w, "node %u: its store has failed: %d\n", id, err);
	node->failed = true;
	for (i = 0; i < w->nr_shards && node->life == life; i++) {
		if (!node->rep[i].ready)
			continue;
		cl_rep_step(w, id, i,
			    &(struct qbd_replica_event){
				    .kind = QBD_REPLICA_FAILED, .err = err });
		if (node->life == life)
			cl_fifo_drop(&node->rep[i].waits);
	}
}

/* A link came or went: all leaders of the node hear of it. */
void cl_link_told(struct cl_world *w, u32 node, u32 peer)
{
	bool up = w->joined[node][peer]; /* by now */
	u32 life = w->node[node].life, i;

	for (i = 0; i < w->nr_shards && w->node[node].life == life; i++)
		cl_lead_step(w, node, i,
			     &(struct qbd_leader_event){
				     .kind = up ? QBD_LEADER_UP :
						  QBD_LEADER_DOWN,
				     .node = peer });
}

static void cl_tick_lead(struct cl_world *w, u32 id, u32 shard)
{
	struct cl_node *node = &w->node[id];

	if (!node->lead[shard].active)
		return;
	if (!qbd_leader_busy(node->lead[shard].core) && node->ticks % 8)
		return;
	cl_lead_step(w, id, shard,
		     &(struct qbd_leader_event){ .kind = QBD_LEADER_TICK });
	if (w->scarce && cl_chance(w, 5))
		cl_lead_step(w, id, shard,
			     &(struct qbd_leader_event){
				     .kind = QBD_LEADER_SCARCE });
}

void cl_node_tick(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u32 life = node->life, i;

	node->ticks++;
	cl_at(w, node->lease_ns / 8,
	      &(struct cl_event){
		      .kind = CL_EV_TICK, .a = (u8)id, .life = life });
	cl_net_tick(w, id);
	cl_net_beats(w, id);
	if (node->open)
		cl_log_tick(w, id);
	for (i = 0; i < w->nr_shards && node->life == life; i++) {
		cl_rep_step(w, id, i,
			    &(struct qbd_replica_event){
				    .kind = QBD_REPLICA_TICK });
		if (node->life == life)
			cl_tick_lead(w, id, i);
	}
	if (node->life == life)
		cl_log_retry(w, id);
}
