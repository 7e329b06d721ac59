// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store: its memory, its failure, acceptance of records, reading.
 *
 * This file composes; the parts know nothing of each other.  Replicas come,
 * go and promise in control.c, segments are made in commit.c, checkpoints in
 * ckpt.c, and load.c fills a store at open.
 *
 * Context: under the store's lock, which may be a spinlock.  Work per call is
 * bounded by the range of one record: at most QBD_RANGE_BLOCKS_MAX blocks,
 * that many extents and 1025 chunks, for the largest discard; a write touches
 * at most 257 blocks' worth of either.
 */
#include "env.h"
#include "store_core.h"

/* --- memory ------------------------------------------------------------ */

static u32 qbd_store_nr_recs(const struct qbd_super *super)
{
	u64 nr = min_t(u64, super->layout.wal_blocks, QBD_STORE_RECS_MAX);

	return max_t(u32, roundup_pow_of_two(nr), 512);
}

/* Each live record adds at most two extents, each map keeps one spare. */
static u32 qbd_store_nr_exts(u32 nr_recs, u32 nr_slots)
{
	return 2 * nr_recs + 4 * nr_slots;
}

/**
 * struct qbd_carver - one piece of memory, handed out bit by bit
 * @at: next byte; NULL while the size is being measured
 * @bytes: handed out so far
 */
struct qbd_carver {
	u8 *at;
	size_t bytes;
};

static void *qbd_store_carve(struct qbd_carver *carver, size_t bytes)
{
	void *piece = carver->at;

	bytes = round_up(bytes, sizeof(u64));
	carver->bytes = size_add(carver->bytes, bytes);
	if (carver->at)
		carver->at += bytes;
	return piece;
}

/* The same walk measures the memory and hands it out. */
static void qbd_store_layout(struct qbd_store_core *core,
			     const struct qbd_super *super,
			     struct qbd_carver *carver)
{
	const struct qbd_layout *layout = &super->layout;
	u32 nr_slots = qbd_table_slots(&layout->meta);
	u32 nr_recs = qbd_store_nr_recs(super);
	u32 nr_exts = qbd_store_nr_exts(nr_recs, nr_slots);
	u8 *bufs;
	void *recs, *segs, *exts, *chunks, *meta, *slots, *pages, *cookies;

	bufs = qbd_store_carve(carver, QBD_STORE_META_BUFS * QBD_BLOCK_SIZE);
	slots = qbd_store_carve(carver,
				array_size(nr_slots, sizeof(struct qbd_slot)));
	recs = qbd_store_carve(carver, qbd_rec_mem_bytes(nr_recs));
	segs = qbd_store_carve(carver, qbd_ring_mem_bytes(nr_recs));
	exts = qbd_store_carve(carver,
			       array_size(nr_exts, sizeof(struct qbd_ext)));
	chunks = qbd_store_carve(carver,
				 qbd_alloc_mem_bytes(layout->data_chunks));
	meta = qbd_store_carve(carver, qbd_meta_size(&layout->meta));
	pages = qbd_store_carve(carver,
				3 * array_size(layout->meta.level_pages[0],
					       sizeof(void *)));
	cookies = qbd_store_carve(carver,
				  array_size(2 * nr_recs, sizeof(void *)));
	if (!core)
		return;
	core->ckpt.bufs = bufs;
	core->slot = slots;
	core->nr_slots = nr_slots;
	core->page = pages;
	core->pin_page = core->page + layout->meta.level_pages[0];
	core->shadow_page = core->pin_page + layout->meta.level_pages[0];
	core->nr_pages = layout->meta.level_pages[0];
	core->releases.cookie = cookies;
	core->releases.mask = 2 * nr_recs - 1;
	qbd_rec_init(&core->index, nr_recs, recs);
	qbd_ring_init(&core->ring, layout->wal_blocks, nr_recs, &super->tail,
		      segs);
	qbd_ext_pool_init(&core->pool, nr_exts, exts);
	qbd_alloc_init(&core->alloc, layout->data_chunks, chunks);
	qbd_meta_init(&core->meta, &layout->meta, core->seed, meta);
}

/**
 * qbd_store_mem_bytes() - memory of a store
 * @super: its superblock, checked
 *
 * Return: bytes.
 */
size_t qbd_store_mem_bytes(const struct qbd_super *super)
{
	struct qbd_carver carver = { .at = NULL };

	qbd_store_layout(NULL, super, &carver);
	return size_add(carver.bytes, sizeof(struct qbd_store_core));
}

/**
 * qbd_store_init() - an empty store, to be filled through load.h
 * @mem: qbd_store_mem_bytes() bytes, zero-filled, aligned to a block: buffers
 *	for metadata lie at its beginning
 * @super: superblock in force, checked
 *
 * Not bounded: called at open, without a lock.
 *
 * Return: the store.
 */
struct qbd_store_core *qbd_store_init(void *mem, const struct qbd_super *super)
{
	struct qbd_carver carver = { .at = NULL };
	struct qbd_store_core *core;
	u32 i;

	qbd_store_layout(NULL, super, &carver);
	core = mem + carver.bytes;
	core->super = *super;
	core->seed = qbd_block_seed(super->store);
	carver.at = mem;
	qbd_store_layout(core, super, &carver);
	for (i = 0; i < core->nr_slots; i++)
		qbd_slot_init(&core->slot[i]);
	core->ckpt.futile = U64_MAX;
	return core;
}

static void qbd_store_page_drop(struct qbd_store_core *core,
				struct qbd_map_page **page)
{
	if (*page)
		qbd_store_page_return(core, *page);
	*page = NULL;
}

/**
 * qbd_store_destroy_step() - give everything back that is the caller's
 * @core: the store, not used by anybody else any more
 *
 * After each call the caller takes what qbd_store_release_next() and
 * qbd_store_page_take() have.  Visits QBD_STORE_STEP records per call.
 *
 * Return: true if it has to be called again.
 */
bool qbd_store_destroy_step(struct qbd_store_core *core)
{
	u32 nr = QBD_STORE_STEP;

	core->destroy = true;
	qbd_store_fail(core, -ESHUTDOWN);
	while (core->index.first != core->index.end && nr--) {
		qbd_store_release(core,
				  qbd_rec_at(&core->index, core->index.first));
		qbd_rec_pop(&core->index);
	}
	for (nr = QBD_STORE_STEP; core->destroy_page < core->nr_pages && nr;
	     nr--) {
		u32 no = core->destroy_page++;

		qbd_store_page_drop(core, &core->page[no]);
		qbd_store_page_drop(core, &core->pin_page[no]);
		qbd_store_page_drop(core, &core->shadow_page[no]);
	}
	return core->index.first != core->index.end ||
	       core->destroy_page < core->nr_pages;
}

/**
 * qbd_store_fail() - the store fails, for good
 * @core: the store
 * @error: why, a negative errno; the first one counts
 */
void qbd_store_fail(struct qbd_store_core *core, int error)
{
	if (!core->error)
		core->error = error;
}

/**
 * qbd_store_error() - has the store failed?
 * @core: the store
 *
 * Return: 0, or why.
 */
int qbd_store_error(const struct qbd_store_core *core)
{
	return core->error;
}

/**
 * qbd_store_super() - superblock in force
 * @core: the store
 *
 * Open changes it (opens, incarnation, run, ...) before the first append;
 * later only checkpoints do.
 *
 * Return: it.
 */
struct qbd_super *qbd_store_super(struct qbd_store_core *core)
{
	return &core->super;
}

/**
 * qbd_store_meta() - metadata tree, for open
 * @core: the store
 *
 * Return: it.
 */
struct qbd_meta *qbd_store_meta(struct qbd_store_core *core)
{
	return &core->meta;
}

/* --- map pages and payloads -------------------------------------------- */

static u32 qbd_store_spare_bound(const struct qbd_store_core *core)
{
	return QBD_STORE_SPARE_PAGES + core->pin_pages;
}

/**
 * qbd_store_pages_wanted() - map pages the caller should give
 * @core: the store
 *
 * Return: how many, so that any one record can be accepted.
 */
u32 qbd_store_pages_wanted(const struct qbd_store_core *core)
{
	if (core->destroy || core->nr_spare >= QBD_STORE_SPARE_PAGES)
		return 0;
	return QBD_STORE_SPARE_PAGES - core->nr_spare;
}

/**
 * qbd_store_pin_pages_wanted() - map pages that pins wait for, besides
 * @core: the store
 *
 * Many, where pages_wanted() are few: to be given in batches, by somebody who
 * can wait for memory.
 *
 * Return: how many.
 */
u32 qbd_store_pin_pages_wanted(const struct qbd_store_core *core)
{
	u32 bound = qbd_store_spare_bound(core);

	if (core->destroy || !core->pin_pages)
		return 0;
	return bound - min(bound, core->nr_spare);
}

/**
 * qbd_store_page_give() - memory for a map page
 * @core: the store
 * @page: QBD_BLOCK_SIZE bytes; it comes back by qbd_store_page_take()
 */
void qbd_store_page_give(struct qbd_store_core *core, void *page)
{
	*(void **)page = core->spare;
	core->spare = page;
	core->nr_spare++;
}

/**
 * qbd_store_page_take() - a map page that is not needed any more
 * @core: the store
 *
 * Return: the page, NULL if there is none to give back.
 */
void *qbd_store_page_take(struct qbd_store_core *core)
{
	if (!core->destroy && core->nr_spare <= qbd_store_spare_bound(core))
		return NULL;
	return qbd_store_page_use(core);
}

/**
 * qbd_store_page_use() - take a spare page into use
 * @core: the store
 *
 * Return: the page, zero-filled, NULL if there is none.
 */
struct qbd_map_page *qbd_store_page_use(struct qbd_store_core *core)
{
	void *page = core->spare;

	if (!page)
		return NULL;
	core->spare = *(void **)page;
	core->nr_spare--;
	memset(page, 0, QBD_BLOCK_SIZE);
	return page;
}

/**
 * qbd_store_page_return() - a map page goes out of use
 * @core: the store
 * @page: the page
 */
void qbd_store_page_return(struct qbd_store_core *core,
			   struct qbd_map_page *page)
{
	qbd_store_page_give(core, page);
}

/**
 * qbd_store_release() - a record needs its payload no more
 * @core: the store
 * @id: the record
 */
void qbd_store_release(struct qbd_store_core *core, u32 id)
{
	struct qbd_releases *releases = &core->releases;
	struct qbd_rec *rec = &core->index.rec[id];

	if (!rec->payload)
		return;
	/* Acceptance stops long before: see qbd_store_room(). */
	if (QBD_CORE_BUG(releases->end - releases->first > releases->mask))
		return;
	releases->cookie[releases->end++ & releases->mask] = rec->payload;
	rec->payload = NULL;
}

/**
 * qbd_store_release_next() - a payload that nobody needs any more
 * @core: the store
 *
 * To be called until it says NULL, after any call that may end the life of a
 * record, at the latest after each of qbd_ckpt_next() and qbd_commit_end().
 *
 * Return: the caller's cookie, NULL if there is none.
 */
void *qbd_store_release_next(struct qbd_store_core *core)
{
	struct qbd_releases *releases = &core->releases;

	if (releases->first == releases->end)
		return NULL;
	return releases->cookie[releases->first++ & releases->mask];
}

/**
 * qbd_store_payload_set() - the payload of a record is in memory again
 * @core: the store
 * @id: the record
 * @payload: cookie; the core's from now on if this says 0
 *
 * Return: 0; -ENOENT if the record is not one that is only in the log.
 */
int qbd_store_payload_set(struct qbd_store_core *core, u32 id, void *payload)
{
	struct qbd_rec *rec = &core->index.rec[id & core->index.mask];

	if (rec->state != QBD_REC_LOGGED || rec->dead || rec->payload ||
	    !rec->desc.payload_blocks)
		return -ENOENT;
	rec->payload = payload;
	return 0;
}

/**
 * qbd_store_payload_drop() - take a payload out of memory
 * @core: the store
 * @id: the record
 *
 * It can be read from the log again as long as the record is there.
 *
 * Return: the cookie, the caller's from now on; NULL if the record has none
 * or is not on stable media yet.
 */
void *qbd_store_payload_drop(struct qbd_store_core *core, u32 id)
{
	struct qbd_rec *rec = &core->index.rec[id & core->index.mask];
	void *payload = rec->payload;

	if (rec->state != QBD_REC_LOGGED)
		return NULL;
	rec->payload = NULL;
	return payload;
}

/* --- acceptance -------------------------------------------------------- */

/**
 * qbd_store_room() - is there room for one more record?
 * @core: the store
 * @who: on whose behalf
 * @blocks: payload and header
 *
 * Return: 0 or -EAGAIN.
 */
int qbd_store_room(struct qbd_store_core *core, enum qbd_room who, u32 blocks)
{
	const struct qbd_releases *releases = &core->releases;
	u32 recs = 1;

	/* A caller that does not take what is released gets no further. */
	if (releases->end - releases->first > releases->mask / 2)
		return -EAGAIN;
	if (who == QBD_ROOM_USER)
		recs += QBD_SEG_DESCS;
	if (who != QBD_ROOM_RELOG)
		recs += QBD_SEG_DESCS;
	if (qbd_rec_room(&core->index) >= recs &&
	    qbd_ring_has_room(&core->ring, who, blocks))
		return 0;
	core->starved = true;
	return -EAGAIN;
}

/**
 * qbd_store_push() - a record waits to be logged
 * @core: the store, with room for it
 * @slot: its replica
 * @desc: what it is
 * @payload: cookie or NULL
 *
 * Return: its id.
 */
u32 qbd_store_push(struct qbd_store_core *core, struct qbd_slot *slot,
		   const struct qbd_desc *desc, void *payload)
{
	u32 id = qbd_rec_push(&core->index, qbd_store_slot_no(core, slot), desc,
			      payload);

	core->ring.waiting += 1 + desc->payload_blocks;
	core->commit.alive++;
	return id;
}

static bool qbd_append_valid(const struct qbd_store_core *core,
			     const struct qbd_slot *slot,
			     const struct qbd_desc *desc, const void *payload,
			     const struct qbd_config *config)
{
	u64 end = (u64)desc->block + desc->blocks;

	if (!qbd_op_has_index(desc->op) || qbd_desc_check(desc))
		return false;
	if (desc->index != slot->last.index + 1 ||
	    desc->term < slot->last.term || desc->aux0 != slot->last.term)
		return false;
	if (desc->flags & ~QBD_REC_FUA || end > slot->table.blocks)
		return false;
	if (desc->payload_blocks > core->ring.payload_max ||
	    desc->blocks > QBD_RANGE_BLOCKS_MAX)
		return false;
	if (desc->op == QBD_OP_CONFIG ? !config : !!config)
		return false;
	return !desc->payload_blocks == !payload;
}

/* Room in the log, in memory and at home. */
static int qbd_append_room(struct qbd_store_core *core, struct qbd_slot *slot,
			   const struct qbd_desc *desc)
{
	bool control = desc->op == QBD_OP_TERM || desc->op == QBD_OP_CONFIG;
	u32 blocks = 1 + desc->payload_blocks;
	int error;

	if (desc->op == QBD_OP_CONFIG &&
	    slot->nr_configs == QBD_STORE_CONFIGS) {
		core->starved = true;
		return -EAGAIN;
	}
	if (!control && !qbd_share_room(core, slot, desc->payload_blocks)) {
		core->starved = true;
		return -EAGAIN;
	}
	error = qbd_store_room(core, control ? QBD_ROOM_CONTROL : QBD_ROOM_USER,
			       blocks);
	if (error || control)
		return error;
	error = qbd_slot_pages_ensure(core, slot, desc->block, desc->blocks);
	if (error)
		return error;
	if (qbd_slot_chunks_wanted(core, slot, desc) <=
		    qbd_alloc_room(&core->alloc) ||
	    QBD_MUTANT(reservation_skipped))
		return 0;
	/*
	 * Discards on their way home are worth waiting for. Others may free
	 * something too: those not committed yet, and replicas that were
	 * deleted, whose chunks only a checkpoint sets free.
	 */
	core->starved = true;
	return core->due_discards || core->alloc.nr_freeing ? -EAGAIN : -ENOSPC;
}

/**
 * qbd_store_append() - accept a record of a replica's history
 * @core: the store
 * @slot: slot of the replica
 * @desc: the record; @desc->replica is set here, @desc->aux0 is the term of
 *	the record before it, which has to be the replica's last one
 * @payload: cookie of its payload, the core's if this does not fail; NULL for
 *	records without one
 * @config: what a CONFIG record says, else NULL
 *
 * Return: id of the record; -EAGAIN without room in the log, retry after the
 * next checkpoint; -ENOMEM if map pages have to be given first; -ENOSPC if it
 * has no place at home; -EINVAL if it is not the next record of the replica
 * or not one that could be logged; -EBUSY if it has a shadow; -ENOENT without
 * such a replica; -ESHUTDOWN while closing; else why the store failed.
 */
int qbd_store_append(struct qbd_store_core *core, u32 slot,
		     const struct qbd_desc *desc, void *payload,
		     const struct qbd_config *config)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);
	struct qbd_desc own = *desc;
	int error;
	u32 id;

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (s->shadow.state != QBD_SHADOW_NONE)
		return -EBUSY;
	own.replica = s->table.replica;
	if (!qbd_append_valid(core, s, &own, payload, config))
		return -EINVAL;
	error = qbd_append_room(core, s, &own);
	if (error)
		return error;
	id = qbd_store_push(core, s, &own, payload);
	error = qbd_slot_accept(core, s, id);
	if (QBD_CORE_BUG(error)) {
		qbd_store_fail(core, error);
		return error;
	}
	if (config) {
		s->config[s->nr_configs].index = own.index;
		s->config[s->nr_configs++].config = *config;
	}
	/* What settled meanwhile is worked off a little with each record. */
	qbd_slot_settle(core, s, 2);
	return id;
}

/* --- records ----------------------------------------------------------- */

/**
 * qbd_store_rec() - a record by its id
 * @core: the store
 * @id: from qbd_store_append(), struct qbd_found, struct qbd_seg_plan, ...
 *
 * Return: the record; good until the lock is dropped.
 */
const struct qbd_rec *qbd_store_rec(const struct qbd_store_core *core, u32 id)
{
	return &core->index.rec[id & core->index.mask];
}

/**
 * qbd_store_log_get() - a record of a replica by its index
 * @core: the store
 * @slot: slot of the replica
 * @index: index of the record
 *
 * Return: its id; -ENOENT if the log does not have it, or no such replica.
 */
int qbd_store_log_get(const struct qbd_store_core *core, u32 slot, u64 index)
{
	u32 id;

	if (!qbd_store_slot(core, slot))
		return -ENOENT;
	id = qbd_rec_find(&core->index, slot, index);
	return id == QBD_REC_NONE ? -ENOENT : (int)id;
}

/**
 * qbd_store_log_extents() - where a part of the log lies on the device
 * @core: the store
 * @lpos: position, as in struct qbd_rec
 * @blocks: length
 * @extent: filled in; the second one if it wraps round the end of the log
 *
 * Return: 1 or 2.
 */
u32 qbd_store_log_extents(const struct qbd_store_core *core, u64 lpos,
			  u32 blocks, struct qbd_extent extent[2])
{
	return qbd_ring_extents(&core->ring, core->super.layout.wal_first, lpos,
				blocks, extent);
}

/**
 * qbd_store_log_holds() - is what was read from the log what it was?
 * @core: the store
 * @lpos: position that was read, as it was under the lock before
 *
 * Return: false if the tail passed it, so that it may have been overwritten.
 */
bool qbd_store_log_holds(const struct qbd_store_core *core, u64 lpos)
{
	return lpos >= core->ring.tail.lpos;
}

/* --- reading ----------------------------------------------------------- */

/* Blocks of a chunk that no record covers: at home, or nowhere. */
static void qbd_lookup_home(const struct qbd_store_core *core,
			    const struct qbd_slot *slot, u32 block,
			    struct qbd_found *found)
{
	const struct qbd_layout *layout = &core->super.layout;
	u32 chunk = block >> layout->chunk_shift;
	u32 offset = block - (chunk << layout->chunk_shift);
	const struct qbd_chunk *c = qbd_slot_chunk(core, slot, chunk);

	found->blocks =
		min(found->blocks, (1U << layout->chunk_shift) - offset);
	found->kind = QBD_FOUND_ZERO;
	/* Until it is filled, what it had is in the chunk that the pin has. */
	if (c && c->state & QBD_CHUNK_COW)
		c = qbd_pin_chunk(core, slot, chunk);
	if (!c || !(c->state & QBD_CHUNK_MAPPED))
		return;
	found->kind = QBD_FOUND_HOME;
	found->block = qbd_layout_chunk_block(layout, c->phys) + offset;
}

/**
 * qbd_store_lookup() - where the newest version of some blocks is
 * @core: the store
 * @slot: slot of the replica
 * @block: first block
 * @blocks: length, not 0
 * @found: filled in: the answer for the first blocks of the range
 *
 * The newest version is the newest logged one, durable and committed or not:
 * whether it may be shown to anybody yet is decided by the caller (S8).
 *
 * Return: 0; -ENOENT without such a replica; -EINVAL for a range beyond it;
 * -EIO if the replica may have lost records, or is becoming what its shadow is;
 * else why the store failed.
 */
int qbd_store_lookup(const struct qbd_store_core *core, u32 slot, u32 block,
		     u32 blocks, struct qbd_found *found)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);
	struct qbd_version version;
	const struct qbd_rec *rec;

	if (core->error)
		return core->error;
	if (!s)
		return -ENOENT;
	if (!blocks || (u64)block + blocks > s->table.blocks)
		return -EINVAL;
	if (s->table.flags & QBD_REPLICA_SUSPECT ||
	    s->shadow.state == QBD_SHADOW_SWITCHING)
		return -EIO;
	qbd_overlay_find(&core->pool, &s->overlay, block, blocks, &version);
	memset(found, 0, sizeof(*found));
	found->blocks = version.blocks;
	if (!version.index) {
		qbd_lookup_home(core, s, block, found);
		return 0;
	}
	found->rec = qbd_rec_find(&core->index, slot, version.index);
	if (QBD_CORE_BUG(found->rec == QBD_REC_NONE))
		return -EUCLEAN;
	rec = &core->index.rec[found->rec];
	found->kind = QBD_FOUND_ZERO;
	if (rec->desc.op != QBD_OP_WRITE)
		return 0;
	found->kind = QBD_FOUND_LOG;
	found->offset = block - rec->desc.block;
	return 0;
}

/* --- numbers ----------------------------------------------------------- */

/**
 * qbd_store_stats_get() - numbers for people
 * @core: the store
 * @stats: filled in
 */
void qbd_store_stats_get(const struct qbd_store_core *core,
			 struct qbd_store_stats *stats)
{
	*stats = core->stats;
	stats->log_blocks = core->ring.blocks;
	stats->log_used = qbd_ring_used(&core->ring);
	stats->log_live = core->live_blocks;
	stats->recs = qbd_rec_used(&core->index);
	stats->recs_max = core->index.mask + 1;
	stats->chunks = core->alloc.nr;
	stats->chunks_free = core->alloc.nr_free;
	stats->chunks_reserved = core->alloc.nr_reserved;
}
