// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replica in memory; see slot.h.
 *
 * What becomes of a record from its acceptance to the day it is home or cut
 * off: list, overlay, reservations, counters.  Whether it may be accepted is
 * decided in store.c and control.c, what goes home in ckpt.c.
 *
 * Under the store's lock, or at open.  Work is bounded by the argument
 * @nr_recs where there is one, by the chunks of one record elsewhere; only
 * qbd_slot_cut() visits all records that it cuts and those above the bound,
 * which the shard's window bounds.
 */
#include "env.h"
#include "slot.h"
#include "store_core.h"

/**
 * qbd_slot_init() - a slot without a replica
 * @slot: to be filled in
 */
void qbd_slot_init(struct qbd_slot *slot)
{
	memset(slot, 0, sizeof(*slot));
	qbd_rec_list_init(&slot->list);
	qbd_overlay_init(&slot->overlay);
}

/**
 * qbd_slot_set() - a replica moves in
 * @core: the store
 * @slot: a free slot
 * @table: what the replica table or a CREATE record says
 */
void qbd_slot_set(struct qbd_store_core *core, struct qbd_slot *slot,
		  const struct qbd_table_slot *table)
{
	qbd_slot_init(slot);
	slot->table = *table;
	slot->applied.term = table->applied_term;
	slot->applied.index = table->applied_index;
	slot->last = slot->applied;
	slot->durable = slot->applied;
	slot->frozen = slot->applied;
	slot->told = slot->applied.index;
	slot->moved = slot->applied.index;
	slot->retired = slot->applied.index;
	slot->log_first = slot->applied.index + 1;
	slot->state = QBD_SLOT_USED;
	if (table->flags & QBD_REPLICA_DELETED)
		slot->state = QBD_SLOT_TOMB;
}

/**
 * qbd_slot_table() - what the replica table has to say of a slot
 * @slot: the slot
 * @table: filled in
 *
 * Seen from the checkpoint that writes it: what goes home with it is home.
 */
void qbd_slot_table(const struct qbd_slot *slot, struct qbd_table_slot *table)
{
	if (slot->state == QBD_SLOT_FREE || slot->state == QBD_SLOT_CLEARED) {
		memset(table, 0, sizeof(*table));
		return;
	}
	*table = slot->table;
	table->applied_term = slot->frozen.term;
	table->applied_index = slot->frozen.index;
	table->logged_term = slot->durable.term;
	table->logged_index = slot->durable.index;
	table->config = *qbd_slot_config_at(slot, slot->frozen.index);
	qbd_shadow_table(slot, table);
	/* Chunks and map pages go first, in the same checkpoint. */
	table->flags &= ~QBD_REPLICA_DELETED;
	if (slot->state == QBD_SLOT_TOMB)
		table->flags |= QBD_REPLICA_DELETED;
}

/**
 * qbd_slot_config_at() - the replica set as of a record
 * @slot: the replica
 * @index: index of the record, not below what was applied
 *
 * Return: the set.
 */
const struct qbd_config *qbd_slot_config_at(const struct qbd_slot *slot,
					    u64 index)
{
	u32 i;

	for (i = slot->nr_configs; i-- > 0;)
		if (slot->config[i].index <= index)
			return &slot->config[i].config;
	return &slot->table.config;
}

static bool qbd_slot_has_range(u8 op)
{
	return op == QBD_OP_WRITE || op == QBD_OP_DISCARD || op == QBD_OP_ZERO;
}

/* --- chunks ------------------------------------------------------------ */

static u32 qbd_slot_shift(const struct qbd_store_core *core)
{
	return core->super.layout.chunk_shift;
}

/**
 * qbd_slot_at_pages() - who has a map page of a range?
 * @core: the store
 * @first: first page
 * @nr: number of pages
 *
 * Return: the first replica that has one of them, NULL if nobody has.
 */
const struct qbd_slot *qbd_slot_at_pages(const struct qbd_store_core *core,
					 u64 first, u64 nr)
{
	u32 i;

	for (i = 0; i < core->nr_slots; i++) {
		const struct qbd_table_slot *t = &core->slot[i].table;

		if (core->slot[i].state != QBD_SLOT_FREE &&
		    t->meta_first < first + nr &&
		    first < (u64)t->meta_first + t->meta_pages)
			return &core->slot[i];
	}
	return NULL;
}

/**
 * qbd_slot_chunk() - a chunk of a replica
 * @core: the store
 * @slot: the replica
 * @chunk: number of the chunk
 *
 * Return: the chunk, NULL if it was never touched.
 */
struct qbd_chunk *qbd_slot_chunk(const struct qbd_store_core *core,
				 const struct qbd_slot *slot, u32 chunk)
{
	u32 no = slot->table.meta_first + chunk / QBD_MAP_ENTRIES;
	struct qbd_map_page *page = core->page[no];

	return page ? &page->chunk[chunk % QBD_MAP_ENTRIES] : NULL;
}

/**
 * qbd_slot_page_make() - an empty map page for a replica
 * @core: the store
 * @slot: the replica
 * @i: which of its pages
 *
 * Return: the page, NULL if the caller has to give pages first.
 */
struct qbd_map_page *qbd_slot_page_make(struct qbd_store_core *core,
					const struct qbd_slot *slot, u32 i)
{
	u32 nr = DIV_ROUND_UP_ULL(slot->table.blocks,
				  1U << qbd_slot_shift(core));
	struct qbd_map_page *page = qbd_store_page_use(core);

	if (page)
		qbd_map_page_init(
			page, slot->table.replica, slot->table.meta_first + i,
			min_t(u32, QBD_MAP_ENTRIES, nr - i * QBD_MAP_ENTRIES));
	return page;
}

/**
 * qbd_slot_pages_ensure() - have the map pages of a range in memory
 * @core: the store
 * @slot: the replica
 * @block: first block of the range
 * @blocks: its length, not 0
 *
 * Return: 0; -ENOMEM if the caller has to give pages first.
 */
int qbd_slot_pages_ensure(struct qbd_store_core *core, struct qbd_slot *slot,
			  u32 block, u32 blocks)
{
	u32 shift = qbd_slot_shift(core);
	u32 i = (block >> shift) / QBD_MAP_ENTRIES;
	u32 last = ((block + blocks - 1) >> shift) / QBD_MAP_ENTRIES;

	for (; i <= last; i++) {
		struct qbd_map_page **page =
			&core->page[slot->table.meta_first + i];

		if (!*page)
			*page = qbd_slot_page_make(core, slot, i);
		if (!*page)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Does a DISCARD or ZERO leave something of this chunk, which has or will have
 * a home?  Then it writes zeros, and if a pin shares that home, elsewhere.
 */
static bool qbd_slot_leaves(const struct qbd_store_core *core,
			    const struct qbd_slot *slot,
			    const struct qbd_desc *desc, u32 chunk)
{
	const struct qbd_chunk *c = qbd_slot_chunk(core, slot, chunk);
	u64 begin = (u64)chunk << qbd_slot_shift(core);
	u64 end = min_t(u64, begin + (1U << qbd_slot_shift(core)),
			slot->table.blocks);

	if (!qbd_chunk_has_home(c) && !qbd_chunk_pending(c))
		return false;
	if (QBD_MUTANT(edge_unreserved))
		return false;
	return desc->block > begin || desc->block + desc->blocks < end;
}

static u32 qbd_slot_first_chunk(const struct qbd_store_core *core,
				const struct qbd_desc *desc)
{
	return desc->block >> qbd_slot_shift(core);
}

static u32 qbd_slot_last_chunk(const struct qbd_store_core *core,
			       const struct qbd_desc *desc)
{
	return (desc->block + desc->blocks - 1) >> qbd_slot_shift(core);
}

/**
 * qbd_slot_chunks_wanted() - reservations that a record would need
 * @core: the store
 * @slot: the replica, with its map pages in memory
 * @desc: a WRITE, DISCARD or ZERO
 *
 * Return: how many.
 */
u32 qbd_slot_chunks_wanted(const struct qbd_store_core *core,
			   const struct qbd_slot *slot,
			   const struct qbd_desc *desc)
{
	u32 first = qbd_slot_first_chunk(core, desc);
	u32 last = qbd_slot_last_chunk(core, desc);
	u32 chunk, nr = 0;

	for (chunk = first; chunk <= last; chunk++) {
		const struct qbd_chunk *c;

		/* What lies between is freed as a whole. */
		if (desc->op != QBD_OP_WRITE && chunk != first)
			chunk = last;
		if (desc->op != QBD_OP_WRITE &&
		    !qbd_slot_leaves(core, slot, desc, chunk))
			continue;
		c = qbd_slot_chunk(core, slot, chunk);
		if (qbd_chunk_wants_home(c) && !qbd_chunk_pending(c))
			nr++;
	}
	return nr;
}

/* A record more, or less, counts as pending for a chunk. */
static void qbd_slot_count(struct qbd_store_core *core, struct qbd_slot *slot,
			   u32 chunk, bool more)
{
	struct qbd_chunk *c = qbd_slot_chunk(core, slot, chunk);

	if (more)
		qbd_chunk_pend(c, &core->alloc);
	else
		qbd_chunk_unpend(c, &core->alloc);
}

/* The chunks that a live record may need a home for. */
static void qbd_slot_chunks_count(struct qbd_store_core *core,
				  struct qbd_slot *slot,
				  const struct qbd_rec *rec, bool more)
{
	u32 chunk = qbd_slot_first_chunk(core, &rec->desc);
	u32 last = qbd_slot_last_chunk(core, &rec->desc);

	if (rec->pend_first)
		qbd_slot_count(core, slot, chunk, more);
	if (rec->pend_last)
		qbd_slot_count(core, slot, last, more);
	if (rec->desc.op != QBD_OP_WRITE)
		return;
	for (; chunk <= last; chunk++)
		qbd_slot_count(core, slot, chunk, more);
}

static void qbd_slot_chunks_pend(struct qbd_store_core *core,
				 struct qbd_slot *slot, struct qbd_rec *rec)
{
	const struct qbd_desc *desc = &rec->desc;
	u32 first = qbd_slot_first_chunk(core, desc);
	u32 last = qbd_slot_last_chunk(core, desc);

	if (desc->op == QBD_OP_DISCARD || desc->op == QBD_OP_ZERO) {
		rec->pend_first = qbd_slot_leaves(core, slot, desc, first);
		rec->pend_last = first != last &&
				 qbd_slot_leaves(core, slot, desc, last);
	}
	qbd_slot_chunks_count(core, slot, rec, true);
}

/* --- records ----------------------------------------------------------- */

/**
 * qbd_slot_term_at() - term of a record
 * @core: the store
 * @slot: the replica
 * @index: index of the record
 *
 * Of the last one that left the log the record after it tells: whoever has all
 * but what is in the log can be given that.
 *
 * Return: its term, 0 if it is not known or if @index is 0.
 */
u64 qbd_slot_term_at(const struct qbd_store_core *core,
		     const struct qbd_slot *slot, u64 index)
{
	u16 no = qbd_store_slot_no(core, slot);
	u32 id = qbd_rec_find(&core->index, no, index);

	if (id != QBD_REC_NONE)
		return core->index.rec[id].desc.term;
	if (index == slot->applied.index)
		return slot->applied.term;
	id = qbd_rec_find(&core->index, no, index + 1);
	return id == QBD_REC_NONE ? 0 : core->index.rec[id].desc.aux0;
}

/**
 * qbd_slot_pend() - a live record counts, and has its home reserved
 * @core: the store
 * @slot: the replica, with the record's map pages in memory
 * @id: the record
 */
void qbd_slot_pend(struct qbd_store_core *core, struct qbd_slot *slot, u32 id)
{
	struct qbd_rec *rec = &core->index.rec[id];

	qbd_share_more(core, slot, rec->desc.payload_blocks);
	qbd_slot_chunks_pend(core, slot, rec);
}

/* The opposite of qbd_slot_pend(): the record went home, or is void. */
static void qbd_slot_unpend(struct qbd_store_core *core, struct qbd_slot *slot,
			    u32 id)
{
	const struct qbd_desc *desc = &core->index.rec[id].desc;

	qbd_share_less(core, slot, desc->payload_blocks);
	qbd_slot_chunks_count(core, slot, &core->index.rec[id], false);
	if (desc->index > slot->moved)
		return;
	core->due_recs--;
	core->due_blocks -= desc->payload_blocks;
	if (desc->op == QBD_OP_DISCARD || desc->op == QBD_OP_ZERO)
		core->due_discards--;
}

/* A record, the newest one, hides what its blocks had. */
static int qbd_slot_cover(struct qbd_store_core *core, struct qbd_slot *slot,
			  u32 id)
{
	const struct qbd_desc *desc = &core->index.rec[id].desc;

	if (!qbd_slot_has_range(desc->op))
		return 0;
	return qbd_overlay_add(&core->pool, &slot->overlay, desc->block,
			       desc->blocks, desc->index);
}

/**
 * qbd_slot_accept() - a record becomes the newest of its replica
 * @core: the store
 * @slot: the replica, with the record's map pages in memory
 * @id: the record
 *
 * Return: 0 or a negative errno; the pool of extents is large enough for all
 * records that the index can hold, so an error is a broken invariant.
 */
int qbd_slot_accept(struct qbd_store_core *core, struct qbd_slot *slot, u32 id)
{
	const struct qbd_desc *desc = &core->index.rec[id].desc;

	qbd_rec_link(&core->index, &slot->list, id);
	qbd_slot_pend(core, slot, id);
	slot->last.term = desc->term;
	slot->last.index = desc->index;
	return qbd_slot_cover(core, slot, id);
}

/**
 * qbd_slot_bound() - let the bound rise to what is told and durable
 * @core: the store
 * @slot: the replica
 */
void qbd_slot_bound(struct qbd_store_core *core, struct qbd_slot *slot)
{
	u64 bound = min(slot->told, slot->durable.index);

	if (QBD_MUTANT(home_before_commit))
		bound = slot->durable.index;
	if (QBD_MUTANT(home_before_durable))
		bound = slot->told;
	if (bound <= slot->table.commit)
		return;
	slot->table.commit = bound;
	slot->dirty = true;
	core->activity++;
}

/**
 * qbd_slot_settle() - records that the bound passed may go home
 * @core: the store
 * @slot: the replica
 * @nr_recs: records to look at in this call
 *
 * Return: true if there are more.
 */
bool qbd_slot_settle(struct qbd_store_core *core, struct qbd_slot *slot,
		     u32 nr_recs)
{
	u16 no = qbd_store_slot_no(core, slot);

	while (slot->moved < slot->table.commit && nr_recs--) {
		const struct qbd_desc *desc;
		u32 id = qbd_rec_find(&core->index, no, slot->moved + 1);

		if (QBD_CORE_BUG(id == QBD_REC_NONE))
			goto fail;
		desc = &core->index.rec[id].desc;
		slot->moved++;
		core->due_recs++;
		core->due_blocks += desc->payload_blocks;
		if (!qbd_slot_has_range(desc->op))
			continue;
		if (desc->op != QBD_OP_WRITE)
			core->due_discards++;
		if (QBD_CORE_BUG(qbd_overlay_settle(&core->pool, &slot->overlay,
						    desc->block, desc->blocks,
						    desc->index)))
			goto fail;
	}
	return slot->moved < slot->table.commit;
fail:
	qbd_store_fail(core, -EUCLEAN);
	return false;
}

/**
 * qbd_slot_kill() - a record is no longer part of its replica's history
 * @core: the store
 * @slot: the replica
 * @id: the record
 *
 * A waiting record is not written any more, unless it is a copy: the tail is
 * going to pass the original, which has to be in the log until what voids it
 * is there too.  What will be written keeps its payload until it was.
 */
void qbd_slot_kill(struct qbd_store_core *core, struct qbd_slot *slot, u32 id)
{
	struct qbd_rec *rec = &core->index.rec[id];
	bool copy = rec->desc.flags & QBD_REC_RELOG;

	if (rec->desc.index > slot->retired)
		qbd_slot_unpend(core, slot, id);
	qbd_rec_unlink(&core->index, &slot->list, id);
	rec->dead = true;
	if (rec->state == QBD_REC_WRITING ||
	    (rec->state == QBD_REC_WAITING && copy))
		return;
	if (rec->state == QBD_REC_WAITING) {
		core->commit.alive--;
		core->ring.waiting -= 1 + rec->desc.payload_blocks;
	}
	qbd_store_release(core, id);
}

/**
 * qbd_slot_cut() - all records above an index are void
 * @core: the store
 * @slot: the replica
 * @index: the new last index, not below the bound
 */
void qbd_slot_cut(struct qbd_store_core *core, struct qbd_slot *slot, u64 index)
{
	u16 no = qbd_store_slot_no(core, slot);
	u64 i;

	while (slot->list.last != QBD_REC_NONE &&
	       core->index.rec[slot->list.last].desc.index > index)
		qbd_slot_kill(core, slot, slot->list.last);
	while (slot->nr_configs &&
	       slot->config[slot->nr_configs - 1].index > index)
		slot->nr_configs--;
	slot->last.term = qbd_slot_term_at(core, slot, index);
	slot->last.index = index;
	if (slot->durable.index > index)
		slot->durable = slot->last;
	slot->told = min(slot->told, index);
	slot->log_first = min(slot->log_first, index + 1);
	slot->unsure = min(slot->unsure, index);

	if (QBD_MUTANT(overlay_not_cut))
		return;
	qbd_extmap_drop(&core->pool, &slot->overlay.tail);
	for (i = slot->moved + 1; i <= index; i++) {
		u32 id = qbd_rec_find(&core->index, no, i);

		if (QBD_CORE_BUG(id == QBD_REC_NONE ||
				 qbd_slot_cover(core, slot, id)))
			qbd_store_fail(core, -EUCLEAN);
	}
	core->activity++;
}

/**
 * qbd_slot_retire() - what went home needs no payload and no reservation
 * @core: the store
 * @slot: the replica
 * @nr_recs: records to look at in this call
 *
 * Return: true if there are more.
 */
bool qbd_slot_retire(struct qbd_store_core *core, struct qbd_slot *slot,
		     u32 nr_recs)
{
	u16 no = qbd_store_slot_no(core, slot);

	while (slot->retired < slot->applied.index && nr_recs--) {
		u32 id = qbd_rec_find(&core->index, no, slot->retired + 1);

		if (QBD_CORE_BUG(id == QBD_REC_NONE)) {
			qbd_store_fail(core, -EUCLEAN);
			return false;
		}
		qbd_slot_unpend(core, slot, id);
		qbd_store_release(core, id);
		slot->retired++;
	}
	return slot->retired < slot->applied.index;
}
