// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must hold at any time: reads return the newest version accepted, the
 * log has what its records say, the map and the reservations add up.
 */
#include "store_world.h"

/* Blocks being read, and what they have to be. */
struct qbd_world_read {
	struct qbd_world *w;
	struct list_head link;
	struct qbd_disk_req req[2];
	u32 left;
	int error;
	bool home;
	u64 pin;
	u32 slot;
	u64 seq;
	u64 lpos;
	u32 offset;
	u32 block;
	u32 blocks;
	struct qbd_model_rec *expect;
	u8 *buf;
};

static void qbd_check_bytes(struct qbd_world *w,
			    const struct qbd_model_rec *expect, u32 block,
			    const void *bytes, const char *why)
{
	static u8 want[QBD_BLOCK_SIZE];

	qbd_model_fill(expect, block, want);
	if (memcmp(want, bytes, QBD_BLOCK_SIZE) == 0)
		return;
	qbd_world_trace(w, "block %u differs\n", block);
	qbd_world_broken(w, why);
}

static void qbd_read_end(struct qbd_disk_req *req)
{
	struct qbd_world_read *read = req->ctx;
	struct qbd_world *w = read->w;
	u32 i;

	if (req->error) {
		read->error = req->error;
		w->eios = true;
	}
	if (--read->left)
		return;
	/* The tail passed it: somebody else's bytes by now. */
	if (!read->home && !read->pin &&
	    !qbd_store_log_holds(w->core, read->lpos))
		read->error = -ESTALE;
	if (read->pin && !qbd_store_pin_holds(w->core, read->slot, read->pin))
		read->error = -ESTALE;
	for (i = 0; i < read->blocks && !read->error; i++)
		qbd_check_bytes(w, &read->expect[i], read->block + i,
				read->buf + (size_t)(read->offset + i) *
						    QBD_BLOCK_SIZE,
				read->pin  ? "pin: not what it was" :
				read->home ? "read: home is not the newest" :
					     "read: log is not the newest");
	list_del(&read->link);
	free(read->expect);
	free(read->buf);
	free(read);
}

/* Read @nr extents; the blocks in question begin @offset blocks in. */
static void qbd_read_submit(struct qbd_world *w, struct qbd_world_read *read,
			    const struct qbd_extent *extent, u32 nr)
{
	u32 blocks = extent[0].blocks + (nr > 1 ? extent[1].blocks : 0);
	u8 *at;
	u32 i;

	read->buf = malloc((size_t)blocks * QBD_BLOCK_SIZE);
	if (!read->buf)
		abort();
	at = read->buf;
	read->left = nr;
	for (i = 0; i < nr; i++) {
		read->req[i].op = QBD_DISK_READ;
		read->req[i].block = extent[i].block;
		read->req[i].blocks = extent[i].blocks;
		read->req[i].buf = at;
		read->req[i].done = qbd_read_end;
		read->req[i].ctx = read;
		at += (size_t)extent[i].blocks * QBD_BLOCK_SIZE;
		qbd_disk_submit(w->disk, &read->req[i], w->now_ns);
	}
}

static struct qbd_world_read *qbd_read_new(struct qbd_world *w,
					   const struct qbd_model_replica *r,
					   u64 index, u32 block, u32 blocks)
{
	struct qbd_world_read *read = calloc(1, sizeof(*read));
	u32 i;

	if (!read)
		abort();
	read->w = w;
	read->seq = w->read_seq++;
	read->block = block;
	read->blocks = blocks;
	read->expect = calloc(blocks, sizeof(*read->expect));
	if (!read->expect)
		abort();
	for (i = 0; i < blocks; i++) {
		u64 version = qbd_model_version(r, block + i, index);

		if (version)
			read->expect[i] = r->rec[version];
	}
	list_add_tail(&read->link, &w->read_list);
	return read;
}

/* One extent of an answer. */
static void qbd_read_found(struct qbd_world *w,
			   const struct qbd_model_replica *r, u32 block,
			   const struct qbd_found *found)
{
	const struct qbd_rec *rec;
	const struct qbd_payload *payload;
	struct qbd_extent extent[2];
	struct qbd_world_read *read;
	u32 i, nr = 1;

	if (found->kind == QBD_FOUND_HOME) {
		read = qbd_read_new(w, r, r->last, block, found->blocks);
		read->home = true;
		extent[0].block = found->block;
		extent[0].blocks = found->blocks;
		qbd_read_submit(w, read, extent, 1);
		return;
	}
	rec = qbd_store_rec(w->core, found->rec);
	payload = rec->payload;
	if (found->kind == QBD_FOUND_LOG && !payload) {
		read = qbd_read_new(w, r, r->last, block, found->blocks);
		read->offset = found->offset;
		read->lpos = rec->lpos;
		nr = qbd_store_log_extents(w->core, rec->lpos,
					   rec->desc.payload_blocks, extent);
		qbd_read_submit(w, read, extent, nr);
		return;
	}
	for (i = 0; i < found->blocks; i++) {
		static const u8 zero[QBD_BLOCK_SIZE];
		u64 index = qbd_model_version(r, block + i, r->last);
		const void *bytes = zero;

		if (found->kind == QBD_FOUND_LOG)
			bytes = payload->data +
				(size_t)(found->offset + i) * QBD_BLOCK_SIZE;
		qbd_check_bytes(w, index ? &r->rec[index] : NULL, block + i,
				bytes, "read: overlay is not the newest");
	}
}

/* Begin to read some blocks of a replica. */
void qbd_world_read(struct qbd_world *w, u32 replica, u32 block, u32 blocks)
{
	const struct qbd_model_replica *r = &w->live.replica[replica];
	int slot = qbd_store_find(w->core, r->id);
	struct qbd_found found;

	if (slot < 0 ||
	    w->core->slot[slot].shadow.state == QBD_SHADOW_SWITCHING)
		return;
	while (blocks) {
		int error =
			qbd_store_lookup(w->core, slot, block, blocks, &found);

		if (error) {
			if (!qbd_store_error(w->core))
				qbd_world_broken(w, "read: refused");
			return;
		}
		if (!found.blocks || found.blocks > blocks) {
			qbd_world_broken(w, "read: answer of a wrong length");
			return;
		}
		qbd_read_found(w, r, block, &found);
		block += found.blocks;
		blocks -= found.blocks;
	}
}

/* Begin to read a chunk of what a replica was. */
void qbd_world_read_pin(struct qbd_world *w, u32 replica, u32 chunk)
{
	const struct qbd_model_replica *r = &w->live.replica[replica];
	u32 shift = w->super.layout.chunk_shift;
	int slot = qbd_store_find(w->core, r->id);
	struct qbd_world_read *read;
	struct qbd_extent extent[2];
	struct qbd_pinned pinned;
	struct qbd_pos at;
	u32 i;

	if (slot < 0 || qbd_store_pin_get(w->core, slot, &at))
		return;
	if (qbd_store_pinned(w->core, slot, chunk, &pinned))
		qbd_world_broken(w, "pin: refused");
	if (at.index < w->pin_min[replica] || at.index > w->told[replica] ||
	    at.term != qbd_model_term(r, at.index))
		qbd_world_broken(w, "pin: of another index");
	if (pinned.last !=
	    qbd_model_chunk_last(r, chunk << shift, 1U << shift, at.index))
		qbd_world_broken(w, "pin: index of a change is wrong");
	if (pinned.block) {
		read = qbd_read_new(w, r, at.index, chunk << shift,
				    pinned.blocks);
		read->pin = pinned.seq;
		read->slot = slot;
		extent[0].block = pinned.block;
		extent[0].blocks = pinned.blocks;
		qbd_read_submit(w, read, extent, 1);
		return;
	}
	for (i = 0; i < pinned.blocks; i++) {
		static const u8 zero[QBD_BLOCK_SIZE];
		u64 index =
			qbd_model_version(r, (chunk << shift) + i, at.index);

		qbd_check_bytes(w, index ? &r->rec[index] : NULL,
				(chunk << shift) + i, zero,
				"pin: a chunk is gone");
	}
}

/* Read all of a replica and wait for it. */
void qbd_world_read_all(struct qbd_world *w, u32 replica)
{
	qbd_world_read(w, replica, 0, w->live.replica[replica].blocks);
	while (!list_empty(&w->read_list) && qbd_world_disk_step(w))
		;
}

/* Are reads of home under way that began before? */
bool qbd_world_reads_before(struct qbd_world *w, u64 mark)
{
	struct qbd_world_read *read;

	list_for_each_entry(read, &w->read_list, link)
		if (read->home && read->seq < mark)
			return true;
	return false;
}

void qbd_world_drop_reads(struct qbd_world *w)
{
	struct qbd_world_read *read, *next;

	list_for_each_entry_safe(read, next, &w->read_list, link) {
		list_del(&read->link);
		free(read->expect);
		free(read->buf);
		free(read);
	}
}

/* --- the log ----------------------------------------------------------- */

static void qbd_log_check_payload(struct qbd_world *w,
				  const struct qbd_model_rec *rec, u32 id)
{
	const struct qbd_rec *have = qbd_store_rec(w->core, id);
	u32 blocks = have->desc.payload_blocks;
	struct qbd_extent extent[2];
	u8 *buf;
	u32 nr, i, at = 0;

	if (have->payload || have->state != QBD_REC_LOGGED || !blocks)
		return;
	buf = calloc(blocks, QBD_BLOCK_SIZE);
	if (!buf)
		abort();
	nr = qbd_store_log_extents(w->core, have->lpos, blocks, extent);
	for (i = 0; i < nr; i++) {
		u32 k;

		for (k = 0; k < extent[i].blocks; k++)
			qbd_disk_peek(w->disk, extent[i].block + k,
				      buf + (size_t)at++ * QBD_BLOCK_SIZE);
	}
	if (qbd_payload_crc(~0U, buf, (size_t)blocks * QBD_BLOCK_SIZE) !=
	    have->desc.crc)
		qbd_world_broken(w, "log: a record kept has lost its payload");
	for (i = 0; i < blocks && rec->op == QBD_OP_WRITE; i++)
		qbd_check_bytes(w, rec, rec->block + i,
				buf + (size_t)i * QBD_BLOCK_SIZE,
				"log: a record kept has other bytes");
	free(buf);
}

/* Every record that the log says it has is the right one. */
void qbd_world_log_check(struct qbd_world *w, u32 replica)
{
	const struct qbd_model_replica *r = &w->live.replica[replica];
	int slot = qbd_store_find(w->core, r->id);
	struct qbd_store_replica have;
	u64 index;

	if (slot < 0 || qbd_store_replica_get(w->core, slot, &have))
		return;
	if (have.log_first > have.applied.index + 1)
		qbd_world_broken(w, "log: a record is neither home nor kept");
	for (index = have.log_first; index <= have.last.index; index++) {
		int id = qbd_store_log_get(w->core, slot, index);
		const struct qbd_rec *rec;

		if (id < 0) {
			qbd_world_broken(w, "log: a record is missing");
			return;
		}
		rec = qbd_store_rec(w->core, id);
		if (rec->desc.term != r->rec[index].term ||
		    rec->desc.op != r->rec[index].op ||
		    rec->desc.block != r->rec[index].block ||
		    rec->desc.blocks != r->rec[index].blocks)
			qbd_world_broken(w, "log: a record is another one");
		qbd_log_check_payload(w, &r->rec[index], id);
	}
}

/* --- the map ----------------------------------------------------------- */

struct qbd_audit {
	u64 mapped;
	u64 reserved;
};

/* Return: 1 if the shadow has a physical chunk of its own. */
static u32 qbd_audit_shadow(const struct qbd_world *w,
			    const struct qbd_slot *slot, u32 chunk)
{
	const struct qbd_map_page *page =
		w->core->shadow_page[slot->table.meta_first +
				     chunk / QBD_MAP_ENTRIES];

	return page && page->chunk[chunk % QBD_MAP_ENTRIES].state &
			       (QBD_CHUNK_MAPPED | QBD_CHUNK_NEW);
}

static void qbd_audit_replica(struct qbd_world *w, u32 replica,
			      const struct qbd_slot *slot,
			      struct qbd_audit *audit)
{
	const struct qbd_model_replica *r = &w->live.replica[replica];
	u32 shift = w->super.layout.chunk_shift;
	u32 chunk;

	if (slot->applied.index > w->told[replica])
		qbd_world_broken(w, "S1: more went home than was committed");
	for (chunk = 0; chunk << shift < r->blocks; chunk++) {
		const struct qbd_chunk *c =
			qbd_slot_chunk(w->core, slot, chunk);
		const struct qbd_chunk *p;
		u64 last = qbd_model_chunk_last(r, chunk << shift, 1U << shift,
						slot->applied.index);

		if ((c ? c->last : 0) != last)
			qbd_world_broken(w, "map: index of a change is wrong");
		audit->mapped += qbd_audit_shadow(w, slot, chunk);
		if (!c)
			continue;
		if (c->state & (QBD_CHUNK_NEW | QBD_CHUNK_COW))
			qbd_world_broken(w, "map: a chunk is still being made");
		if (c->state & QBD_CHUNK_MAPPED)
			audit->mapped++;
		if (qbd_chunk_wants_home(c) && qbd_chunk_pending(c))
			audit->reserved++;
		p = qbd_pin_chunk(w->core, slot, chunk);
		if (c->state & QBD_CHUNK_SHARED &&
		    (!p || !(p->state & QBD_CHUNK_MAPPED) ||
		     p->phys != c->phys))
			qbd_world_broken(w, "map: nobody shares a chunk");
		if (p && p->state & QBD_CHUNK_MAPPED &&
		    !(c->state & QBD_CHUNK_SHARED))
			audit->mapped++;
	}
}

/* Between checkpoints everything adds up. */
void qbd_world_audit(struct qbd_world *w)
{
	struct qbd_store_core *core = w->core;
	struct qbd_audit audit = { 0 };
	u32 i;

	if (!w->known)
		return;
	for (i = 0; i < QBD_MODEL_REPLICAS; i++) {
		int slot;

		if (!w->live.replica[i].exists)
			continue;
		slot = qbd_store_find(core, w->live.replica[i].id);
		if (slot < 0) {
			qbd_world_broken(w, "a replica is gone");
			continue;
		}
		qbd_audit_replica(w, i, &core->slot[slot], &audit);
	}
	for (i = 0; i < core->nr_slots; i++)
		if (core->slot[i].state == QBD_SLOT_DELETED)
			return; /* its chunks go with the next checkpoint */
	if (audit.mapped + core->alloc.nr_free + core->alloc.nr_freeing !=
	    core->alloc.nr)
		qbd_world_broken(w, "leak: chunks used are not chunks mapped");
	qbd_world_trace(w, "%llu chunks mapped, %llu free, %llu reserved\n",
			audit.mapped, core->alloc.nr_free, audit.reserved);
	if (core->alloc.nr_reserved >
	    core->alloc.nr_free + core->alloc.nr_freeing)
		qbd_world_broken(w, "space: more is promised than there is");
	if (audit.reserved != core->alloc.nr_reserved)
		qbd_world_broken(w, "leak: reservations do not add up");
}
