// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shell of a simulated server: it carries out updates as raft.h asks,
 * starts from what the disk has, and dies.
 */
#include "raft_sim.h"

static void rs_node_options(const struct rs_world *w, struct rs_node *n,
			    struct raft_options *opt)
{
	*opt = (struct raft_options){
		.id = n->id,
		.seed = w->seed * 31 + n->id + 1000 * n->life,
		.election_ns = RS_ELECTION,
		.beat_ns = RS_ELECTION / 4,
		.window = w->window,
		.append_entries = w->append_entries,
		.append_bytes = 256,
		.chunk_bytes = 96,
		.slot = n->slot,
		.slots = RS_SLOTS,
		.pool = n->pool,
		.pool_bytes = RS_POOL,
	};
}

/* A server that was never there; @conf: what it begins with, or NULL. */
void rs_node_add(struct rs_world *w, u64 id, const struct raft_config *conf)
{
	struct rs_node *n = &w->node[id - 1];

	memset(n, 0, offsetof(struct rs_node, disk));
	rs_disk_format(&n->disk);
	memset(&n->store.batch, 0, sizeof(n->store.batch));
	memset(&n->chunk, 0, sizeof(*n) - offsetof(struct rs_node, chunk));
	n->id = id;
	n->used = true;
	n->rate = 1000000;
	n->clock = id * 1000 * RS_MS;
	n->clock_at = w->now;
	if (conf)
		n->disk.snap.snap.conf = *conf;
	w->nr_nodes = max_t(u32, w->nr_nodes, id);
	rs_node_start(w, id - 1);
}

/* Do these two reach each other? */
bool rs_hears(const struct rs_world *w, u32 node, u32 other)
{
	return rs_awake(w, node) && !w->cut[node][other] &&
	       !w->cut[other][node];
}

/*
 * Sessions begin with what is known of each other's logs, and nothing is heard
 * of the group before.
 */
static bool rs_told(struct rs_world *w, u32 node)
{
	const struct rs_node *n = &w->node[node], *other;
	u32 i;

	for (i = 0; i < w->nr_nodes; i++) {
		other = &w->node[i];
		if (i == node || !rs_hears(w, i, node) ||
		    !raft_seen_behind(&other->known[node], n->id,
				      n->disk.generation))
			continue;
		rs_trace(w, "%llu was put back: %llu, and %llu heard %llu\n",
			 n->id, n->disk.generation, other->id,
			 other->known[node].generation);
		return true;
	}
	return false;
}

void rs_node_start(struct rs_world *w, u32 node)
{
	static struct raft_entry entry[RS_SLOTS * 8];
	struct rs_node *n = &w->node[node];
	struct raft_start start = { 0 };
	struct raft_options opt;
	int err;

	if (n->alive)
		return;
	n->life++;
	memset(n->known, 0, sizeof(n->known));
	rs_node_options(w, n, &opt);
	err = n->lost ? -EUCLEAN : rs_disk_load(w, node, &start, entry);
	if (!err && rs_told(w, node))
		err = -EUCLEAN;
	start.now_ns = rs_clock(w, n);
	if (!err)
		err = raft_create(&n->raft, &opt, &start);
	if (err) {
		w->counts.lost += !n->lost;
		rs_trace(w,
			 "%llu can not start: %d, hard term=%llu entries=%u "
			 "snapshot=%llu.%llu\n",
			 n->id, err, start.term, start.nr, start.snap.pos.term,
			 start.snap.pos.index);
		n->lost = true;
		start = (struct raft_start){ .damaged = true,
					     .now_ns = rs_clock(w, n),
					     .snap = n->disk.snap.snap };
		start.snap.pos = (struct raft_pos){ 0, 0 };
		start.snap.conf.index = 0;
		err = raft_create(&n->raft, &opt, &start);
	}
	if (err) {
		rs_broken(w, "R0", "%llu does not start: %d", n->id, err);
		return;
	}
	n->alive = true;
	n->doomed = false;
	n->chunk = false;
	n->taking = false;
	n->tick_at = 0;
	n->store.batch.seq = 0;
	memset(&n->machine, 0, sizeof(n->machine));
	if (n->raft.snap.bytes)
		rs_machine_load(&n->machine, n->disk.snap.data);
	rs_trace(w, "%llu starts: term=%llu vote=%llu base=%llu last=%llu%s\n",
		 n->id, n->raft.term, n->raft.vote, n->raft.log.base.index,
		 n->raft.log.last, n->lost ? " damaged" : "");
	rs_oracle_start(w, node);
	rs_tick(w, node);
}

void rs_node_crash(struct rs_world *w, u32 node, bool torn)
{
	struct rs_node *n = &w->node[node];

	if (!n->alive)
		return;
	rs_trace(w, "%llu crashes\n", n->id);
	rs_store_crash(w, node, torn);
	n->alive = false;
	n->life++;
}

/* The file that a snapshot is in. */
static const struct rs_snapfile *rs_snapfile(const struct rs_node *n,
					     const struct raft_snap *snap)
{
	const struct rs_disk *disk = &n->disk;

	if (disk->snap.snap.pos.index == snap->pos.index &&
	    disk->snap.snap.id == snap->id)
		return &disk->snap;
	if (disk->incoming.snap.pos.index == snap->pos.index &&
	    disk->incoming.snap.id == snap->id)
		return &disk->incoming;
	return NULL;
}

static void rs_node_sends(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	const struct rs_snapfile *file;
	struct raft_msg *msg;
	u32 i;

	for (i = 0; i < w->update.nr_msgs; i++) {
		msg = &w->update.msg[i];
		if (msg->type == RAFT_MSG_SNAPSHOT) {
			file = rs_snapfile(n, &msg->snap);
			if (!file)
				continue;
			msg->data = file->data + msg->index;
		}
		rs_oracle_sent(w, node, msg);
		rs_send(w, node, msg);
	}
}

static void rs_node_chunk(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	const struct raft_chunk *chunk = &w->update.chunk;
	struct rs_snapfile *file = &n->disk.incoming;

	if (!chunk->snap)
		return;
	if (!chunk->offset) {
		memset(file, 0, sizeof(*file));
		file->snap = *chunk->snap;
	}
	if (file->bytes != chunk->offset ||
	    chunk->offset + chunk->bytes > RS_SNAP_BYTES) {
		rs_broken(w, "R0", "a piece at %llu of %llu", chunk->offset,
			  file->bytes);
		return;
	}
	/* on stable media by then: nothing is lost if it is earlier */
	memcpy(file->data + chunk->offset, chunk->data, chunk->bytes);
	file->bytes += chunk->bytes;
	n->chunk = true;
	rs_at(w, w->now + qbd_rng_range(&w->rng, RS_MS / 2, 6 * RS_MS),
	      RS_EV_CHUNK, node, 0);
}

static void rs_node_apply(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	const struct rs_snapfile *file;
	struct raft_entry entry;
	u64 index;

	if (w->update.restore) {
		file = rs_snapfile(n, &n->raft.snap);
		w->counts.installs++;
		if (!file || file->bytes != n->raft.snap.bytes ||
		    crc32c(~0U, file->data, file->bytes) != n->raft.snap.id) {
			rs_broken(w, "R4", "%llu installs a bad snapshot",
				  n->id);
			return;
		}
		rs_machine_load(&n->machine, file->data);
	}
	for (index = w->update.apply_first; index <= w->update.apply_last;
	     index++) {
		if (raft_log_get(&n->raft.log, index, &entry))
			continue;
		if (index != n->machine.index + 1)
			rs_broken(w, "R4", "%llu applies %llu after %llu",
				  n->id, index, n->machine.index);
		n->machine.index = index;
		n->machine.hash = rs_hash_of(n->machine.hash, &entry);
		if (entry.type == RAFT_ENTRY_DATA)
			rs_client_applied(w, node, &entry);
	}
}

int rs_step(struct rs_world *w, u32 node, struct raft_event *event)
{
	struct rs_node *n = &w->node[node];
	u32 i;
	int err;

	if (!n->alive)
		return -EIO;
	event->now_ns = rs_clock(w, n);
	w->counts.steps++;
	err = raft_step(&n->raft, event, &w->update);
	if (w->update.batch.seq)
		rs_store_begin(w, node);
	rs_node_chunk(w, node);
	rs_oracle_step(w, node);
	rs_node_sends(w, node);
	rs_node_apply(w, node);
	for (i = 0; i < w->update.nr_reads; i++)
		rs_read_decided(w, node, &w->update.read[i]);
	rs_reads_look(w, node);
	w->hash = qbd_rng_mix(w->hash ^ n->raft.term ^ n->raft.log.last << 20 ^
			      n->raft.commit << 40 ^ w->now << 8);
	if (n->raft.role == RAFT_STOPPED && n->alive) {
		rs_trace(w, "%llu stops\n", n->id);
		n->alive = false;
		n->life++;
		rs_at(w, w->now + qbd_rng_range(&w->rng, 20, 300) * RS_MS,
		      RS_EV_START, node, 0);
	}
	if (raft_log_room(&n->raft.log) < RS_SLOTS / 2 && n->alive)
		rs_snapshot_take(w, node);
	rs_tick(w, node);
	return err;
}

/* Has the deadline come; if not, when will it, by the clock of the world? */
void rs_tick(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	u64 deadline, local, at;

	if (!n->alive)
		return;
	deadline = raft_deadline(&n->raft);
	if (deadline == U64_MAX)
		return;
	local = rs_clock(w, n);
	at = w->now + 1000;
	if (deadline > local)
		at += (deadline - local) * 1000000 / n->rate;
	if (n->tick_at && n->tick_at <= at)
		return;
	n->tick_at = at;
	rs_at(w, at, RS_EV_TICK, node, 0);
}

/* The state machine is written to a file, which takes a while. */
void rs_snapshot_take(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	struct rs_snapfile *file = &n->store.snap;

	if (!n->alive || n->lost || n->taking ||
	    n->machine.index != n->raft.commit ||
	    raft_snapshot_begin(&n->raft, n->machine.index, &file->snap))
		return;
	rs_oracle_snapshot(w, node, &file->snap);
	rs_machine_save(&n->machine, file->data);
	file->bytes = RS_SNAP_BYTES;
	file->snap.bytes = RS_SNAP_BYTES;
	file->snap.id = crc32c(~0U, file->data, file->bytes);
	n->store.keep =
		qbd_rng_percent(&w->rng, 50) ?
			file->snap.pos.index :
			file->snap.pos.index - min(file->snap.pos.index, 8ULL);
	n->taking = true;
	rs_at(w, w->now + qbd_rng_range(&w->rng, RS_MS, 10 * RS_MS),
	      RS_EV_TAKEN, node, 0);
}

void rs_snapshot_taken(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	struct rs_snapfile *file = &n->store.snap;
	struct raft_event event = { .kind = RAFT_EV_COMPACT,
				    .snap = &file->snap,
				    .index = n->store.keep };

	n->taking = false;
	if (raft_installing(&n->raft) ||
	    file->snap.pos.index <= n->raft.snap.pos.index)
		return; /* a newer one came */
	n->disk.snap = *file;
	rs_trace(w, "%llu has a snapshot at %llu, forgets up to %llu\n", n->id,
		 file->snap.pos.index, event.index);
	rs_step(w, node, &event);
}

/* Is it there, and does it run? */
bool rs_awake(const struct rs_world *w, int node)
{
	return node >= 0 && w->node[node].alive &&
	       w->node[node].paused_until <= w->now;
}

/* The server that leads the highest term; -1: none. */
int rs_leader(const struct rs_world *w)
{
	int found = -1;
	u32 i;

	for (i = 0; i < w->nr_nodes; i++)
		if (w->node[i].alive && w->node[i].raft.role == RAFT_LEADER &&
		    (found < 0 ||
		     w->node[i].raft.term > w->node[found].raft.term))
			found = i;
	return found;
}
