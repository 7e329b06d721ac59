// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling a store at open; see load.h for the order of calls.
 *
 * Records come in the order of the log, which is not that of a replica's
 * indexes: a record that was in the tail's way was logged again, behind
 * records with higher indexes.  So what a replica has is judged at the end,
 * in qbd_load_end(): from the last record that went home on, the records form
 * a chain, each naming the term of the one before.  Where the chain breaks,
 * the replica's history ends, and qbd_load_gap() says so.
 *
 * Context: at open, without a lock; not bounded but by the size of the log.
 */
#include "env.h"
#include "load.h"
#include "store_core.h"

static struct qbd_slot *qbd_load_find(struct qbd_store_core *core, u64 replica)
{
	u32 i;

	for (i = 0; i < core->nr_slots; i++)
		if (core->slot[i].state != QBD_SLOT_FREE &&
		    core->slot[i].table.replica == replica)
			return &core->slot[i];
	return NULL;
}

/**
 * qbd_load_table() - a slot of the replica table is in use
 * @core: the store
 * @slot: number of the slot
 * @table: what it says, checked
 *
 * Return: 0; -EUCLEAN if it contradicts another slot.
 */
int qbd_load_table(struct qbd_store_core *core, u32 slot,
		   const struct qbd_table_slot *table)
{
	if (slot >= core->nr_slots || core->slot[slot].state != QBD_SLOT_FREE ||
	    qbd_load_find(core, table->replica) ||
	    qbd_slot_at_pages(core, table->meta_first, table->meta_pages))
		return -EUCLEAN;
	qbd_slot_set(core, &core->slot[slot], table);
	return 0;
}

/**
 * qbd_load_map() - a map page was written once
 * @core: the store, with its table loaded
 * @no: logical page number
 * @block: the page, verified
 *
 * Return: 0; -EUCLEAN if it can not be true; -ENOMEM without a spare page.
 */
int qbd_load_map(struct qbd_store_core *core, u32 no, const void *block)
{
	const struct qbd_disk_page *head = block;
	const struct qbd_disk_map *disk = block + sizeof(*head);
	const struct qbd_slot *owner = qbd_slot_at_pages(core, no, 1);
	struct qbd_slot *slot;
	u64 chunk;
	int error;

	if (!owner || owner->state != QBD_SLOT_USED || core->page[no] ||
	    le64_to_cpu(head->owner) != owner->table.replica)
		return -EUCLEAN;
	slot = &core->slot[qbd_store_slot_no(core, owner)];
	chunk = (u64)(no - slot->table.meta_first) * QBD_MAP_ENTRIES;
	error = qbd_slot_pages_ensure(
		core, slot, (u32)(chunk << core->super.layout.chunk_shift), 1);
	if (error)
		return error;
	return qbd_map_page_decode(core->page[no], &core->alloc, disk);
}

/**
 * qbd_load_seg() - the next segment of the chain
 * @core: the store
 * @head: its head; after a damaged stretch it may lie further on
 *
 * Return: 0; -EUCLEAN if it overlaps what came before; -E2BIG if the log can
 * not be as long.
 */
int qbd_load_seg(struct qbd_store_core *core, const struct qbd_seg_head *head)
{
	return qbd_ring_push(&core->ring, head, head->nr_descs);
}

/* --- records with an index --------------------------------------------- */

/* Drop records above @index; nothing of them counts yet. */
static void qbd_load_cut(struct qbd_store_core *core, struct qbd_slot *slot,
			 u64 index)
{
	while (slot->list.last != QBD_REC_NONE &&
	       core->index.rec[slot->list.last].desc.index > index) {
		u32 id = slot->list.last;

		qbd_rec_unlink(&core->index, &slot->list, id);
		core->index.rec[id].dead = true;
	}
	while (slot->nr_configs &&
	       slot->config[slot->nr_configs - 1].index > index)
		slot->nr_configs--;
}

/* A CONFIG record that is not home; they come out of order when re-logged. */
static int qbd_load_config(struct qbd_slot *slot, u64 index,
			   const void *payload)
{
	struct qbd_slot_config add = { .index = index };
	u32 at = slot->nr_configs;
	int error = qbd_config_decode(payload, &add.config);

	if (error)
		return error;
	while (at && slot->config[at - 1].index > index)
		at--;
	if (at && slot->config[at - 1].index == index) {
		slot->config[at - 1] = add;
		return 0;
	}
	if (slot->nr_configs == QBD_STORE_CONFIGS)
		return -EUCLEAN;
	memmove(&slot->config[at + 1], &slot->config[at],
		(slot->nr_configs - at) * sizeof(slot->config[0]));
	slot->config[at] = add;
	slot->nr_configs++;
	return 0;
}

static bool qbd_load_has_range(const struct qbd_desc *desc)
{
	return desc->op == QBD_OP_WRITE || desc->op == QBD_OP_DISCARD ||
	       desc->op == QBD_OP_ZERO;
}

/*
 * A record of a history.  A copy takes the place of its record; any other one
 * was the newest when it was logged, so what the log has from its index on was
 * void by then, whether or not the truncation that says so can still be read
 * (an open that finds a gap drops what is behind it without a record).
 */
static int qbd_load_history(struct qbd_store_core *core, struct qbd_slot *slot,
			    const struct qbd_desc *desc, u32 id)
{
	u16 no = qbd_store_slot_no(core, slot);
	u32 old = qbd_rec_find(&core->index, no, desc->index);
	struct qbd_rec *rec = &core->index.rec[id];

	rec->slot = no;
	if (desc->flags & QBD_REC_RELOG) {
		if (QBD_MUTANT(relog_not_replayed)) {
			rec->dead = true;
			return 0;
		}
		if (old == QBD_REC_NONE) {
			qbd_rec_link(&core->index, &slot->list, id);
			return 0;
		}
		if (core->index.rec[old].desc.term != desc->term) {
			rec->dead = true;
			return 0;
		}
		qbd_rec_replace(&core->index, &slot->list, old, id);
		core->index.rec[old].dead = true;
		return 0;
	}
	qbd_load_cut(core, slot, desc->index - 1);
	qbd_rec_link(&core->index, &slot->list, id);
	return 0;
}

/* --- records about a replica ------------------------------------------- */

/* A replica begins with nothing: what it has later is in records of its own. */
static int qbd_load_create(struct qbd_store_core *core, u64 replica,
			   const void *payload)
{
	struct qbd_table_slot table;
	int error = qbd_table_decode(payload, &core->super.layout, &table);
	u32 i;

	if (error)
		return error;
	if (table.replica != replica || table.applied_index ||
	    table.logged_index || table.commit || table.promise.term)
		return -EUCLEAN;
	if (qbd_slot_at_pages(core, table.meta_first, table.meta_pages))
		return -EUCLEAN;
	for (i = 0; i < core->nr_slots; i++) {
		if (core->slot[i].state != QBD_SLOT_FREE)
			continue;
		qbd_slot_set(core, &core->slot[i], &table);
		core->slot[i].dirty = true;
		return 0;
	}
	return -EUCLEAN;
}

static void qbd_load_promise(struct qbd_slot *slot, const struct qbd_desc *desc)
{
	struct qbd_promise *promise = &slot->table.promise;

	/* What a checkpoint carried may be newer than the record. */
	if (desc->term < promise->term)
		return;
	promise->term = desc->term;
	promise->nonce = desc->aux0;
	promise->epoch = desc->aux1;
	promise->node = desc->aux2;
	promise->lease_ms = desc->aux3;
	slot->dirty = true;
}

static void qbd_load_delete(struct qbd_store_core *core, struct qbd_slot *slot)
{
	slot->delete_seq =
		qbd_ring_seg(&core->ring, core->ring.seg_end - 1)->seq;
	if (slot->state != QBD_SLOT_USED)
		return;
	slot->state = QBD_SLOT_DELETED;
	slot->dirty = true;
	/* Its records never counted: there is nothing to take back. */
	slot->retired = U64_MAX;
}

static int qbd_load_apply(struct qbd_store_core *core, struct qbd_slot *slot,
			  const struct qbd_desc *desc, u32 id,
			  const void *payload)
{
	struct qbd_rec *rec = &core->index.rec[id];

	if (!slot || slot->state != QBD_SLOT_USED) {
		rec->dead = qbd_op_has_index(desc->op);
		if (slot && desc->op == QBD_OP_DELETE)
			qbd_load_delete(core, slot);
		if (slot || desc->op != QBD_OP_CREATE)
			return 0;
		return qbd_load_create(core, desc->replica, payload);
	}
	if (qbd_op_has_index(desc->op))
		return qbd_load_history(core, slot, desc, id);
	rec->slot = qbd_store_slot_no(core, slot);
	if (desc->op == QBD_OP_PROMISE)
		qbd_load_promise(slot, desc);
	else if (desc->op == QBD_OP_TRUNCATE)
		qbd_load_cut(core, slot, desc->index);
	else if (desc->op == QBD_OP_DELETE)
		qbd_load_delete(core, slot);
	return 0;
}

/* What the log names behind the last checkpoint: see qbd_load_cut_void(). */
static void qbd_load_shows(const struct qbd_store_core *core,
			   struct qbd_slot *slot, const struct qbd_desc *desc)
{
	u64 seq = qbd_ring_seg(&core->ring, core->ring.seg_end - 1)->seq;

	if (seq >= core->super.carried &&
	    (qbd_op_has_index(desc->op) || desc->op == QBD_OP_TRUNCATE))
		slot->shown = max(slot->shown, desc->index);
}

static u32 qbd_load_push(struct qbd_store_core *core,
			 const struct qbd_desc *desc, u64 lpos)
{
	u32 id = qbd_rec_push(&core->index, 0, desc, NULL);

	core->index.rec[id].state = QBD_REC_LOGGED;
	core->index.rec[id].lpos = lpos;
	core->index.wait = core->index.end;
	core->commit.first = core->index.end;
	return id;
}

/**
 * qbd_load_lost() - the next record of the segment can not be used
 * @core: the store
 * @desc: its descriptor, checked
 * @lpos: as for qbd_load_rec()
 *
 * It counts in its segment and nowhere else.
 *
 * Return: 0; -E2BIG if the index is full.
 */
int qbd_load_lost(struct qbd_store_core *core, const struct qbd_desc *desc,
		  u64 lpos)
{
	if (!qbd_rec_room(&core->index))
		return -E2BIG;
	core->index.rec[qbd_load_push(core, desc, lpos)].dead = true;
	return 0;
}

/**
 * qbd_load_rec() - the next record of the segment
 * @core: the store
 * @desc: its descriptor, checked
 * @lpos: log position of its first payload block, of the header without any
 * @payload: payload of a CREATE or CONFIG record, else NULL
 *
 * Return: 0; -ENOMEM if map pages have to be given first; -E2BIG if the index
 * is full; -EUCLEAN if the record can not be true.
 */
int qbd_load_rec(struct qbd_store_core *core, const struct qbd_desc *desc,
		 u64 lpos, const void *payload)
{
	struct qbd_slot *slot = qbd_load_find(core, desc->replica);
	bool live = slot && slot->state == QBD_SLOT_USED &&
		    qbd_op_has_index(desc->op) &&
		    desc->index > slot->applied.index;
	int error;
	u32 id;

	if (!qbd_rec_room(&core->index))
		return -E2BIG;
	if (slot && (u64)desc->block + desc->blocks > slot->table.blocks) {
		error = qbd_load_lost(core, desc, lpos);
		return error ? error : -EUCLEAN;
	}
	if (live && qbd_load_has_range(desc)) {
		error = qbd_slot_pages_ensure(core, slot, desc->block,
					      desc->blocks);
		if (error)
			return error;
	}
	if (slot)
		qbd_load_shows(core, slot, desc);
	id = qbd_load_push(core, desc, lpos);
	error = qbd_load_apply(core, slot, desc, id, payload);
	if (error || !live || desc->op != QBD_OP_CONFIG ||
	    core->index.rec[id].dead)
		return error;
	return qbd_load_config(slot, desc->index, payload);
}

/* --- the end ----------------------------------------------------------- */

/* How far the chain of records reaches from what went home on. */
static struct qbd_pos qbd_load_chain(const struct qbd_store_core *core,
				     const struct qbd_slot *slot)
{
	u16 no = qbd_store_slot_no(core, slot);
	struct qbd_pos end = slot->applied;

	for (;;) {
		u32 id = qbd_rec_find(&core->index, no, end.index + 1);
		const struct qbd_desc *desc;

		if (id == QBD_REC_NONE)
			return end;
		desc = &core->index.rec[id].desc;
		if (desc->aux0 != end.term)
			return end;
		end.term = desc->term;
		end.index = desc->index;
	}
}

/* From where on the log has all records up to the last one. */
static u64 qbd_load_log_first(const struct qbd_store_core *core,
			      const struct qbd_slot *slot)
{
	u16 no = qbd_store_slot_no(core, slot);
	struct qbd_pos at = slot->last;
	u32 id;

	for (;;) {
		id = qbd_rec_find(&core->index, no, at.index);
		if (id == QBD_REC_NONE ||
		    core->index.rec[id].desc.term != at.term)
			return at.index + 1;
		at.term = core->index.rec[id].desc.aux0;
		at.index--;
	}
}

/*
 * What a TRUNCATE voided may still be in the log, without the TRUNCATE: it was
 * in a damaged stretch, or never reached the log.  Such records were logged
 * before the checkpoint that wrote the replica table, and lie behind what the
 * table says was the last record then.
 *
 * The table says so as soon as the TRUNCATE was accepted.  That is as good:
 * only the leader of a term whose promise is durable here truncates, and what
 * its history lacks is committed nowhere.  And it is done at each load or at
 * none: A comes back with 7 and 8, the next leader takes them for its history
 * and commits them, a segment rots that has nothing to do with them; cut only
 * now, A would have lost what it had acknowledged, and vote.
 *
 * So whatever the log says of the replica behind that checkpoint goes against
 * the table if it names a higher index: a record that was under way when the
 * TRUNCATE was accepted, or a later TRUNCATE that left more. It stays in the
 * log for as long as the table says what it says.
 */
static void qbd_load_cut_void(struct qbd_store_core *core,
			      struct qbd_slot *slot)
{
	const struct qbd_rec *last;

	while (slot->shown <= slot->table.logged_index &&
	       slot->list.last != QBD_REC_NONE) {
		last = &core->index.rec[slot->list.last];
		if (last->desc.index <= slot->table.logged_index)
			return;
		qbd_load_cut(core, slot, last->desc.index - 1);
	}
}

/*
 * What lies before a gap, or before where a shadow became the replica, leads
 * nowhere, and may be of another history: A had 42 to 100 of term 4, of which
 * the log lost 41, and was made what others had at (5,90); its own 90 is not
 * that one.
 */
static void qbd_load_forget(struct qbd_store_core *core, struct qbd_slot *slot)
{
	struct qbd_rec *rec;
	u32 id;

	while (slot->list.first != QBD_REC_NONE) {
		id = slot->list.first;
		rec = &core->index.rec[id];
		if (rec->desc.index >= slot->log_first)
			return;
		qbd_rec_unlink(&core->index, &slot->list, id);
		rec->dead = true;
	}
}

static int qbd_load_slot_end(struct qbd_store_core *core, struct qbd_slot *slot)
{
	u16 no = qbd_store_slot_no(core, slot);
	struct qbd_pos end;
	u64 newest;
	u64 i;

	qbd_load_cut_void(core, slot);
	end = qbd_load_chain(core, slot);
	newest = end.index;
	if (slot->list.last != QBD_REC_NONE)
		newest = max(newest,
			     core->index.rec[slot->list.last].desc.index);
	slot->gap_first = end.index + 1;
	slot->gap_last = max(slot->table.commit, end.index);
	slot->gap_dropped = slot->list.nr;
	qbd_load_cut(core, slot, end.index);
	slot->gap_dropped -= slot->list.nr;
	if (slot->gap_dropped)
		slot->gap_last =
			max(slot->gap_last, newest - slot->gap_dropped);
	slot->last = end;
	slot->durable = end;
	slot->unsure = end.index;
	slot->log_first = qbd_load_log_first(core, slot);
	qbd_load_forget(core, slot);
	for (i = slot->applied.index + 1; i <= end.index; i++) {
		u32 id = qbd_rec_find(&core->index, no, i);
		const struct qbd_desc *desc = &core->index.rec[id].desc;
		int error;

		qbd_slot_pend(core, slot, id);
		if (!qbd_load_has_range(desc))
			continue;
		error = qbd_overlay_add(&core->pool, &slot->overlay,
					desc->block, desc->blocks, i);
		if (error)
			return error;
	}
	slot->told = min(slot->table.commit, end.index);
	slot->table.commit = slot->told;
	return 0;
}

/**
 * qbd_load_end() - the log has been read
 * @core: the store
 * @head: where the next segment goes
 *
 * Return: 0; -EUCLEAN if what was loaded can not be true.
 */
int qbd_load_end(struct qbd_store_core *core, const struct qbd_lpos *head)
{
	int error;
	u32 i;

	if (head->lpos < core->ring.head.lpos ||
	    head->lpos - core->ring.tail.lpos > core->ring.blocks)
		return -EUCLEAN;
	core->ring.head = *head;
	for (i = 0; i < core->nr_slots; i++) {
		if (core->slot[i].state != QBD_SLOT_USED)
			continue;
		error = qbd_load_slot_end(core, &core->slot[i]);
		if (error)
			return error;
	}
	qbd_share_recount(core);
	if (core->alloc.nr_reserved > core->alloc.nr_free)
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_load_gap() - what is missing of a replica
 * @core: the store
 * @slot: its slot
 * @gap: filled in
 *
 * A replica that misses records, or whose last records can not be proven to
 * be all, is for the caller to mark.
 *
 * Return: true if something is missing.
 */
bool qbd_load_gap(const struct qbd_store_core *core, u32 slot,
		  struct qbd_gap *gap)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	memset(gap, 0, sizeof(*gap));
	gap->first = 1;
	if (!s)
		return false;
	gap->first = s->gap_first;
	gap->last = s->gap_last;
	gap->dropped = s->gap_dropped;
	return gap->first <= gap->last || gap->dropped;
}
