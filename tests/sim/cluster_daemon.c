// SPDX-License-Identifier: GPL-2.0-only
/*
 * Terms and attaches in the simulated cluster: what consensus, daemons and
 * operators do. Each term is granted once, to one node, rising by volume; who
 * held the one before is not asked, and need not hear of it.
 */
#include "cluster.h"

#define CL_STUCK_NS (3000 * CL_MS)
#define CL_LEAVE_NS (20000 * CL_MS)

static bool cl_attached(const struct cl_world *w, u32 volume, u32 node)
{
	return w->node[node].up &&
	       w->node[node].vol[volume].core.state != QBD_VOLUME_DETACHED;
}

/* --- leaders ------------------------------------------------------------ */

static struct qbd_lease_view cl_lease_view(void *ctx, u32 node)
{
	const struct cl_node *n = ctx;

	return n->holder[node].view;
}

static const struct qbd_leader_ops cl_leader_ops = { .lease = cl_lease_view };

static void cl_leader_start(struct cl_world *w, u32 id, u32 shard, u64 term,
			    u64 nonce)
{
	struct cl_node *node = &w->node[id];
	struct cl_lead *lead = &node->lead[shard];
	struct qbd_leader_config cfg = {
		.ops = &cl_leader_ops,
		.ctx = node,
		.key = { .volume = w->shard[shard].volume + 1,
			 .shard = w->shard[shard].no },
		.node = id,
		.blocks = CL_BLOCKS,
		.term = term,
		.nonce = nonce,
		.set = w->shard[shard].set,
		.lease_ns = node->lease_ns,
		.retry_ns = w->retry_ns,
		.recover_ns = 4 * w->lease_ns,
		.window_bytes = 40 * QBD_BLOCK_SIZE,
		.ring = lead->ring,
		.ring_records = CL_RING,
		.read = lead->read,
		.nr_reads = CL_READS,
		.resync = w->real,
		.reads_quorum = w->reads_quorum,
	};

	if (qbd_leader_init(lead->core, &cfg))
		abort();
	cl_saw_set(w, shard, term, &cfg.set, true);
	lead->epoch = cfg.set.epoch;
	lead->told = 0;
	lead->active = true;
	lead->state = QBD_LEADER_OPENING;
	lead->gen++;
}

static void cl_leader_begin(struct cl_world *w, u32 id, u32 shard)
{
	u32 life = w->node[id].life, i;

	cl_lead_step(w, id, shard,
		     &(struct qbd_leader_event){ .kind = QBD_LEADER_START });
	for (i = 1; i <= w->nr_nodes && w->node[id].life == life; i++)
		if (i == id || w->joined[id][i])
			cl_lead_step(w, id, shard,
				     &(struct qbd_leader_event){
					     .kind = QBD_LEADER_UP,
					     .node = i });
}

/* Leaders of shards @from to before @to, under the term of the attach. */
void cl_leaders_start(struct cl_world *w, u32 volume, u32 id, u32 from, u32 to)
{
	struct cl_attach *att = &w->node[id].vol[volume];
	u32 first = w->volume[volume].first;
	u32 life = w->node[id].life, i;

	att->led = to;
	for (i = from; i < to; i++)
		cl_leader_start(w, id, first + i, att->core.term,
				att->core.nonce);
	for (i = from; i < to && w->node[id].life == life; i++)
		cl_leader_begin(w, id, first + i);
}

static void cl_shards_event(struct cl_world *w, u32 volume, u32 node, u32 from,
			    u32 to, const struct qbd_leader_event *event)
{
	u32 first = w->volume[volume].first;
	u32 life = w->node[node].life, i;

	for (i = from; i < to && w->node[node].life == life; i++)
		cl_lead_step(w, node, first + i, event);
}

/* --- attach and detach -------------------------------------------------- */

/* In a new life nothing is attached. */
void cl_attach_reset(struct cl_world *w, u32 volume, u32 node)
{
	struct cl_attach *att = &w->node[node].vol[volume];

	qbd_volume_init(&att->core, w->volume[volume].size, att->bits[0]);
	att->led = 0;
	att->told = 0;
	att->grow_ns = 0;
	att->stopping = false;
}

/* Attach with a term, whoever it was granted to. Return: false if refused. */
bool cl_attach_again(struct cl_world *w, u32 volume, u32 id, u64 term)
{
	struct cl_volume *vol = &w->volume[volume];
	struct cl_attach *att = &w->node[id].vol[volume];
	u64 nonce = qbd_rng_next(&w->rng) | 1;
	int err;

	/* who attaches opens all shards that consensus has decided on (S7) */
	if (att->core.state == QBD_VOLUME_DETACHED)
		att->core.nr_shards = vol->size;
	if (QBD_MUTANT(attach_of_old_size) && vol->size > 1 && !w->healing &&
	    att->core.state == QBD_VOLUME_DETACHED)
		att->core.nr_shards--;
	err = qbd_volume_begin(&att->core, term, nonce);
	cl_trace(w, "node %u attaches volume %u, term %llu: %d\n", id, volume,
		 term, err);
	if (err)
		return false;
	att->stopping = false;
	att->told = 0;
	cl_leaders_start(w, volume, id, 0, att->core.nr_shards);
	return true;
}

/* A new term, for a new attach. */
bool cl_attach(struct cl_world *w, u32 volume, u32 node)
{
	struct cl_volume *vol = &w->volume[volume];

	vol->term++;
	vol->holder = node;
	vol->since_ns = w->now_ns;
	vol->retire = false;
	return cl_attach_again(w, volume, node, vol->term);
}

/* All shards stop, now; it is over when they are drained. */
void cl_detach(struct cl_world *w, u32 volume, u32 node)
{
	struct cl_attach *att = &w->node[node].vol[volume];

	if (!cl_attached(w, volume, node) || att->stopping)
		return;
	cl_trace(w, "node %u: volume %u is detached\n", node, volume);
	att->stopping = true;
	cl_shards_event(w, volume, node, 0, att->led,
			&(struct qbd_leader_event){ .kind = QBD_LEADER_STOP,
						    .err = -ESHUTDOWN });
}

bool cl_drained(const struct cl_world *w, u32 volume, u32 id)
{
	const struct cl_volume *vol = &w->volume[volume];
	const struct cl_node *node = &w->node[id];
	struct qbd_leader_info info;
	u32 i;

	for (i = vol->first; i < vol->first + vol->nr; i++) {
		if (!node->lead[i].active)
			continue;
		qbd_leader_info(node->lead[i].core, &info);
		if (info.state != QBD_LEADER_LOST || info.nr_inflight ||
		    info.nr_reads || node->pump[i].head)
			return false;
	}
	return true;
}

/* What the gate of a volume asks for. */
void cl_volume_do(struct cl_world *w, u32 node, u32 volume, u32 what)
{
	struct cl_attach *att = &w->node[node].vol[volume];

	if (what & QBD_VOLUME_DO_GATE)
		cl_shards_event(
			w, volume, node, 0, att->core.nr_gated,
			&(struct qbd_leader_event){ .kind = QBD_LEADER_GATE });
	if (what & QBD_VOLUME_DO_STOP) {
		att->stopping = true;
		cl_shards_event(w, volume, node, 0, att->led,
				&(struct qbd_leader_event){
					.kind = QBD_LEADER_STOP, .err = -EIO });
	}
	if (what & (QBD_VOLUME_DO_SERVED | QBD_VOLUME_DO_GROWN)) {
		att->told = att->core.nr_served;
		cl_saw_size(w, volume, att->core.term, att->told);
	}
	if (what & QBD_VOLUME_DO_GROWN)
		w->counts.grown++;
	if (what & QBD_VOLUME_DO_DETACHED)
		att->stopping = true;
}

/* Leaders that were stopped and are drained are gone. */
static void cl_daemon_end(struct cl_world *w, u32 volume, u32 id)
{
	struct cl_volume *vol = &w->volume[volume];
	struct cl_attach *att = &w->node[id].vol[volume];
	u32 i;

	if (!w->node[id].up || !att->stopping || !cl_drained(w, volume, id))
		return;
	cl_trace(w, "node %u: volume %u is gone\n", id, volume);
	att->stopping = false;
	qbd_volume_end(&att->core);
	for (i = vol->first; i < vol->first + vol->nr; i++) {
		w->node[id].lead[i].active = false;
		cl_ops_retry(w, id, i); /* they end */
	}
}

/* --- the operator ------------------------------------------------------- */

/* A clean detach, if there is something to detach. */
void cl_release(struct cl_world *w, u32 volume)
{
	struct cl_volume *vol = &w->volume[volume];
	struct cl_attach *att = &w->node[vol->holder].vol[volume];
	u32 life;

	vol->retire = false;
	if (!cl_attached(w, volume, vol->holder) ||
	    qbd_volume_release(&att->core))
		return;
	cl_trace(w, "node %u releases volume %u\n", vol->holder, volume);
	vol->release_ns = w->now_ns;
	life = w->node[vol->holder].life;
	cl_shards_event(
		w, volume, vol->holder, 0, att->core.nr_shards,
		&(struct qbd_leader_event){ .kind = QBD_LEADER_RELEASE });
	if (w->node[vol->holder].life == life)
		cl_shards_event(w, volume, vol->holder, att->core.nr_shards,
				att->led,
				&(struct qbd_leader_event){
					.kind = QBD_LEADER_STOP, .err = -EIO });
}

/*
 * With all healed a clean detach ends by itself, unless there can be no quorum:
 * nobody helps, to see whether it does.
 */
static bool cl_daemon_leaves(struct cl_world *w, u32 volume)
{
	const struct cl_volume *vol = &w->volume[volume];
	const struct cl_attach *att = &w->node[vol->holder].vol[volume];

	if (!w->healing || att->core.state != QBD_VOLUME_RELEASING ||
	    cl_end_given_up(w))
		return false;
	if (w->now_ns - max(vol->release_ns, w->heal_ns) > CL_LEAVE_NS)
		cl_broken(w, "R8", "node %u: a clean detach does not end",
			  vol->holder);
	return true;
}

/* Does the holder get anywhere? */
static bool cl_daemon_fine(struct cl_world *w, u32 volume)
{
	const struct cl_volume *vol = &w->volume[volume];
	const struct cl_attach *att;

	if (!vol->holder || !cl_attached(w, volume, vol->holder))
		return false;
	att = &w->node[vol->holder].vol[volume];
	if (att->core.term != vol->term || att->stopping)
		return false;
	return cl_daemon_leaves(w, volume) ||
	       qbd_volume_waits_for(&att->core) == U32_MAX ||
	       w->now_ns - max(vol->since_ns, att->grow_ns) < CL_STUCK_NS;
}

static void cl_daemon_attach(struct cl_world *w, u32 volume)
{
	struct cl_volume *vol = &w->volume[volume];
	u32 node = vol->want;

	if (!w->node[node].up) {
		vol->want = 0;
		return;
	}
	if (cl_attached(w, volume, node)) {
		cl_detach(w, volume, node); /* its own old one first */
		return;
	}
	vol->want = 0;
	cl_attach(w, volume, node);
}

void cl_daemon_run(struct cl_world *w, u32 volume)
{
	struct cl_volume *vol = &w->volume[volume];
	u32 i;

	cl_at(w, (10 + cl_rand(w, 40)) * CL_MS,
	      &(struct cl_event){
		      .kind = CL_EV_DAEMON, .a = (u8)volume, .life = U32_MAX });
	for (i = 1; i <= w->nr_nodes; i++)
		cl_daemon_end(w, volume, i);
	for (i = vol->first; i < vol->first + vol->size; i++)
		cl_config_run(w, i);
	for (i = vol->first; i < vol->first + vol->nr; i++)
		cl_verify_run(w, i);
	cl_grow_run(w, volume);
	if (vol->retire_ns && w->now_ns >= vol->retire_ns && !w->healing) {
		vol->retire_ns = 0;
		vol->retire = true;
	}
	if (vol->retire)
		cl_release(w, volume);
	if (!vol->want && !cl_daemon_fine(w, volume) && cl_chance(w, 40))
		vol->want = 1 + (u32)cl_rand(w, w->nr_nodes);
	if (vol->want)
		cl_daemon_attach(w, volume);
}
