// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real stores of a schedule: made, opened, closed, and damaged while
 * nobody looks. Opening takes no virtual time, but the power may go meanwhile.
 */
#include <stdlib.h>

#include "cluster_resync.h"
#include "cluster_store.h"
#include "format.h"
#include "open.h"

#define CL_WAL_SMALL 256
#define CL_WAL_LARGE 1024
#define CL_DEV_BLOCKS 2304
#define CL_BUF_BLOCKS 64

static struct cl_store cl_stores[CL_NODES + 1];
static u8 cl_open_buf[CL_BUF_BLOCKS * QBD_BLOCK_SIZE] __aligned(8);

void cl_store_new(struct cl_world *w)
{
	u32 i;

	for (i = 1; i <= CL_NODES; i++) {
		struct cl_store *s = &cl_stores[i];

		s->node = i;
		s->disk = qbd_disk_new(CL_DEV_BLOCKS, 1);
		INIT_LIST_HEAD(&s->ios);
		INIT_LIST_HEAD(&s->done);
		INIT_LIST_HEAD(&s->reads);
		INIT_LIST_HEAD(&s->copies);
		w->node[i].store = s;
	}
}

/* What format would leave, without clearing what nobody reads. */
static void cl_store_format_one(struct cl_world *w, struct cl_store *s,
				u64 wal_blocks)
{
	static u8 block[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_format_options options = {
		.dev_blocks = CL_DEV_BLOCKS,
		.wal_blocks = wal_blocks,
		.chunk_shift = QBD_CHUNK_SHIFT_MIN,
		.replicas = QBD_TABLE_ENTRIES,
		.store = { 1 },
		.cluster = { 2 },
		.run = qbd_rng_next(&w->rng) | 1,
	};
	struct qbd_format format;
	struct qbd_io io;

	options.store[1] = (u8)s->node;
	qbd_disk_reset(s->disk, qbd_rng_next(&w->rng));
	s->kept_opens = 0;
	s->blank = true;
	memset(s->to, 0, sizeof(s->to));
	s->drops = cl_chance(w, 40);
	if (qbd_format_plan(&format, &options))
		abort();
	while (qbd_format_next(&format, block, &io) > 0)
		if (io.op == QBD_IO_WRITE)
			qbd_disk_poke(s->disk, io.block, block);
}

void cl_store_format(struct cl_world *w)
{
	u64 wal_blocks = cl_chance(w, 30) ? CL_WAL_SMALL : CL_WAL_LARGE;
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++) {
		cl_stores[i].opens = 0;
		cl_store_format_one(w, &cl_stores[i], wal_blocks);
	}
}

/* A new disk, under the uuid of the old one; consensus knows what that was. */
void cl_store_blank(struct cl_world *w, u32 node)
{
	struct cl_store *s = &cl_stores[node];

	cl_store_format_one(w, s, s->super.layout.wal_blocks);
}

/* --- open --------------------------------------------------------------- */

static void cl_sync_end(struct qbd_disk_req *req)
{
	*(bool *)req->ctx = true;
}

/* One I/O, at once. Return: -ENODEV if the power goes. */
static int cl_sync(struct cl_store *s, const struct qbd_io *what, u32 *cut)
{
	bool done = false;
	struct qbd_disk_req req = {
		.op = what->op == QBD_IO_READ  ? QBD_DISK_READ :
		      what->op == QBD_IO_WRITE ? QBD_DISK_WRITE :
		      what->op == QBD_IO_ZERO  ? QBD_DISK_ZERO :
						 QBD_DISK_FLUSH,
		.fua = what->fua,
		.block = what->block,
		.blocks = what->blocks,
		.buf = what->buf,
		.done = cl_sync_end,
		.ctx = &done,
	};

	qbd_disk_submit(s->disk, &req, 0);
	if (*cut && !--*cut) {
		qbd_disk_cut(s->disk);
		return -ENODEV;
	}
	while (!done)
		qbd_disk_step(s->disk, U64_MAX);
	return req.error;
}

static void cl_open_core(struct cl_store *s, struct qbd_open *open)
{
	size_t bytes = round_up(qbd_store_mem_bytes(&open->super),
				(size_t)QBD_BLOCK_SIZE);

	if (bytes > s->mem_bytes) {
		free(s->mem);
		s->mem = aligned_alloc(QBD_BLOCK_SIZE, bytes);
		s->mem_bytes = bytes;
	}
	if (!s->mem)
		abort();
	memset(s->mem, 0, bytes);
	s->core = qbd_store_init(s->mem, &open->super);
	s->super = open->super;
	qbd_open_core_give(open, s->core);
	cl_store_pages(s);
}

static int cl_open_run(struct cl_world *w, struct cl_store *s,
		       struct qbd_open *open, u32 *cut)
{
	struct qbd_io io;
	int err;

	for (;;) {
		switch (qbd_open_next(open, &io)) {
		case QBD_OPEN_IO:
			err = cl_sync(s, &io, cut);
			if (err == -ENODEV)
				return err;
			qbd_open_io_end(open, err);
			break;
		case QBD_OPEN_CORE:
			cl_open_core(s, open);
			break;
		case QBD_OPEN_PAGES:
			cl_store_pages(s);
			break;
		case QBD_OPEN_FINDING:
			cl_trace(w, "node %u: %s: %llu..%llu of %llu\n",
				 s->node, qbd_finding_name(open->finding.kind),
				 open->finding.first, open->finding.last,
				 open->finding.replica);
			break;
		case QBD_OPEN_SEGMENT:
			break;
		case QBD_OPEN_DONE:
			return 0;
		case QBD_OPEN_FAILED:
			return open->error;
		}
	}
}

/* Let the store work, without time, until it rests. */
static void cl_open_work(struct cl_world *w, struct cl_store *s)
{
	struct cl_io *io;

	do {
		cl_store_run(w, s);
		qbd_disk_step(s->disk, U64_MAX);
		while (!list_empty(&s->done)) {
			io = list_first_entry(&s->done, struct cl_io, link);
			io->end(io);
		}
	} while (!list_empty(&s->ios) || s->ckpt);
}

static void cl_open_create(struct cl_world *w, struct cl_store *s, u32 shard)
{
	const struct qbd_set *set = &w->shard[shard].set;
	struct qbd_table_slot table = {
		.replica = w->shard[shard].replica[s->node],
		.volume = w->shard[shard].volume + 1,
		.shard = w->shard[shard].no,
		.blocks = CL_BLOCKS,
	};
	struct cl_payload *payload = cl_payload_new(w, 1);
	u32 i;

	table.config.epoch = 1;
	table.config.nr_old = set->nr;
	for (i = 0; i < set->nr; i++)
		table.config.set[i] = set->member[i];
	if (qbd_store_create(s->core, &table, payload->data, payload) < 0)
		abort();
}

/* Which slot has which shard's replica; made when it is opened first. */
static void cl_open_slots(struct cl_world *w, struct cl_store *s)
{
	u32 i;

	for (i = 0; i < CL_SHARDS; i++)
		s->slot[i] = -1;
	for (i = 0; i < w->nr_shards; i++) {
		if (!cl_is_member(w, s->node, i))
			continue;
		if (s->blank)
			cl_open_create(w, s, i);
		s->slot[i] =
			qbd_store_find(s->core, w->shard[i].replica[s->node]);
	}
	s->blank = false;
}

static void cl_store_destroy(struct cl_store *s)
{
	struct cl_io *io;
	bool more = s->core;

	cl_copies_drop(s);
	while (!list_empty(&s->done)) {
		io = list_first_entry(&s->done, struct cl_io, link);
		cl_io_free(io);
	}
	while (!list_empty(&s->ios)) {
		io = list_first_entry(&s->ios, struct cl_io, link);
		cl_io_free(io);
	}
	while (more) {
		more = qbd_store_destroy_step(s->core);
		cl_store_release(s);
		cl_store_pages(s);
	}
	s->core = NULL;
}

int cl_store_open(struct cl_world *w, u32 node)
{
	struct cl_store *s = &cl_stores[node];
	static struct qbd_open open;
	struct qbd_open_config config = {
		.dev_blocks = CL_DEV_BLOCKS,
		.node = node,
		.opens_min = s->opens,
		.incarnation = qbd_rng_next(&w->rng) | 1,
		.run = qbd_rng_next(&w->rng) | 1,
		.verify_all = cl_chance(w, 20),
	};
	u32 cut = s->opens && !w->healing && cl_chance(w, 10) ?
			  1 + (u32)cl_rand(w, 30) :
			  0;
	int err;

	qbd_disk_faults_set(s->disk, &(struct qbd_disk_faults){ 0 });
	s->failed = false;
	s->filled = 0;
	s->due_ns = 0;
	s->seg_busy = false;
	s->ckpt = false;
	s->ckpt_ios = 0;
	s->sealing = false;
	memset(s->slot, -1, sizeof(s->slot));
	qbd_open_init(&open, &config, cl_open_buf, CL_BUF_BLOCKS);
	err = cl_open_run(w, s, &open, &cut);
	if (!err && open.must_checkpoint && !w->healing && cl_chance(w, 30)) {
		/* before it says on the medium who does not vote */
		qbd_disk_cut(s->disk);
		err = -ENODEV;
	}
	if (err) {
		cl_store_destroy(s);
		return err;
	}
	s->opens = qbd_store_super(s->core)->opens;
	w->node[node].open = true; /* its records can be asked for */
	if (open.must_checkpoint) {
		if (qbd_ckpt_begin(s->core, false))
			abort();
		s->ckpt = true;
		s->ckpt_wait = QBD_CKPT_MORE;
		s->ckpt_err = 0;
	}
	cl_open_slots(w, s);
	cl_store_switched(w, s);
	memset(s->to, 0, sizeof(s->to)); /* those that were cut off */
	cl_open_work(w, s);
	w->node[node].open = false;
	s->rot_end = s->core->ring.head.lpos;
	cl_store_faults(w, node);
	return 0;
}

/* All that may go home does, without time. */
void cl_store_settle(struct cl_world *w, u32 node)
{
	struct cl_store *s = &cl_stores[node];

	if (!s->core || qbd_store_error(s->core))
		return;
	cl_open_work(w, s);
	if (qbd_ckpt_begin(s->core, false))
		return;
	s->ckpt = true;
	s->ckpt_wait = QBD_CKPT_MORE;
	s->ckpt_err = 0;
	cl_open_work(w, s);
}

/* Index of the last change of each chunk of a replica. */
void cl_store_lasts(struct cl_world *w, u32 node, u32 shard,
		    u64 last[CL_CHUNKS])
{
	const struct cl_store *s = w->node[node].store;
	const struct qbd_slot *slot =
		qbd_store_slot(s->core, (u32)s->slot[shard]);
	const struct qbd_chunk *chunk;
	u32 i;

	for (i = 0; i < CL_CHUNKS; i++) {
		chunk = qbd_slot_chunk(s->core, slot, i);
		last[i] = chunk ? chunk->last : 0;
	}
}

/* The store goes, with its node or alone. */
void cl_store_close(struct cl_world *w, u32 node, bool crash)
{
	struct cl_store *s = &cl_stores[node];
	u32 life = w->node[node].life;

	if (!s->core)
		return;
	if (crash) {
		qbd_disk_cut(s->disk);
	} else {
		while (qbd_disk_step(s->disk, U64_MAX))
			;
	}
	cl_reads_drop(w, s, !crash);
	if (w->node[node].life == life)
		cl_store_destroy(s);
}

int cl_store_have(struct cl_world *w, u32 node, u32 shard, struct cl_have *have)
{
	struct cl_store *s = &cl_stores[node];
	struct qbd_store_replica known;

	if (s->slot[shard] < 0 ||
	    qbd_store_replica_get(s->core, s->slot[shard], &known))
		return -ENOENT;
	have->promise = known.table.promise;
	have->last = known.last;
	have->durable = known.durable.index;
	have->applied = known.applied.index;
	have->commit = max(known.table.commit, known.applied.index);
	have->flags = known.table.flags &
		      (QBD_REPLICA_NONVOTING | QBD_REPLICA_SUSPECT |
		       QBD_REPLICA_LOST);
	have->config_epoch = known.table.config.epoch;
	have->incarnation = qbd_store_super(s->core)->incarnation;
	have->opens = qbd_store_super(s->core)->opens;
	return 0;
}

/* --- what goes wrong ---------------------------------------------------- */

/* The node's disk behaves as its faults say. */
void cl_store_faults(struct cl_world *w, u32 node)
{
	struct qbd_disk_faults faults = {
		.latency_ns = w->node[node].disk_ns,
		.write_eio = w->node[node].write_eio ? 300000 : 0,
	};

	qbd_disk_faults_set(cl_stores[node].disk, &faults);
}

/*
 * A bit of the log is flipped, while the store is closed: one, because what
 * proves a segment is the next one, and not in the last one, which nothing
 * proves yet: who loses that has a torn tail, and nobody can tell.
 */
void cl_store_rot(struct cl_world *w, u32 node)
{
	struct cl_store *s = &cl_stores[node];
	u64 blocks = s->super.layout.wal_blocks;
	u64 first = s->rot_end > blocks ? s->rot_end - blocks : 0;
	u64 at = first + cl_rand(w, s->rot_end - first);

	if (s->rot_end)
		qbd_disk_flip(s->disk, s->super.layout.wal_first + at % blocks,
			      (u32)cl_rand(w, QBD_BLOCK_SIZE * 8));
}
