// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checkpoint: a machine that goes through the phases listed in ckpt.h,
 * one bounded piece of work per call, and says after each what the caller has
 * to do.
 *
 * Nothing that the old state on the disk needs is touched before the new one
 * is durable: home blocks that are overwritten are in the log from the old
 * tail on, chunks that are written to for the first time were free, metadata
 * goes to the other place.  The instant of the change is the superblock; all
 * that the change makes free (log space, chunks, payloads) is free after both
 * of its slots are written.
 *
 * Context: under the store's lock; commits, appends and reads go on between
 * the calls.  Each call visits at most QBD_STORE_STEP slots or records, one
 * chunk, one segment, one metadata page, or one page of a map; one that ends
 * the purge of a replica visits all slots.
 */
#include "env.h"
#include "store_core.h"

/* What a phase does in one call; @end is set when it is over. */
typedef enum qbd_ckpt_step (*qbd_ckpt_fn)(struct qbd_store_core *core,
					  struct qbd_io *io, bool *end);

static enum qbd_ckpt_step qbd_ckpt_fail(struct qbd_store_core *core, int error)
{
	qbd_store_fail(core, error);
	core->ckpt.phase = QBD_CKPT_P_IDLE;
	return QBD_CKPT_FAILED;
}

/* The phase is over when the caller has done what it is asked for. */
static enum qbd_ckpt_step qbd_ckpt_wait(struct qbd_store_core *core,
					enum qbd_ckpt_step what)
{
	core->ckpt.waiting = true;
	return what;
}

/* Before a close: nothing waits to be written any more. */
static enum qbd_ckpt_step qbd_ckpt_drain(struct qbd_store_core *core,
					 struct qbd_io *io, bool *end)
{
	if (core->ckpt.close && (core->commit.alive || core->commit.busy))
		return qbd_ckpt_wait(core, QBD_CKPT_COMMIT);
	*end = true;
	return QBD_CKPT_MORE;
}

/* Give up records, then map pages one by one. Return: false at the end. */
static bool qbd_ckpt_purge_slot(struct qbd_store_core *core,
				struct qbd_slot *slot)
{
	struct qbd_map_page *page;
	u32 nr = QBD_STORE_STEP;
	u32 no, i;

	while (slot->list.last != QBD_REC_NONE && nr--)
		qbd_slot_kill(core, slot, slot->list.last);
	if (slot->list.last != QBD_REC_NONE)
		return true;
	qbd_overlay_drop(&core->pool, &slot->overlay);
	if (qbd_pin_step(core, slot) || qbd_shadow_step(core, slot))
		return true;
	if (slot->purge == slot->table.meta_pages)
		return false;
	no = slot->table.meta_first + slot->purge++;
	page = core->page[no];
	if (!page)
		return true;
	for (i = 0; i < page->nr_chunks; i++)
		if (page->chunk[i].state & QBD_CHUNK_MAPPED)
			qbd_alloc_free(&core->alloc, page->chunk[i].phys);
	qbd_meta_zero(&core->meta, no);
	core->page[no] = NULL;
	qbd_store_page_return(core, page);
	return true;
}

/*
 * Deleted replicas leave a tombstone, tombstones leave with their DELETE: a
 * tombstone whose DELETE was never logged would leave too early, and replay
 * would create the replica again.
 */
static enum qbd_ckpt_step qbd_ckpt_purge(struct qbd_store_core *core,
					 struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	struct qbd_slot *slot = &core->slot[ckpt->step];

	if (ckpt->step == core->nr_slots) {
		*end = true;
		return QBD_CKPT_MORE;
	}
	if (slot->state == QBD_SLOT_DELETED &&
	    slot->delete_seq != QBD_SLOT_DELETE_WAITS) {
		if (qbd_ckpt_purge_slot(core, slot))
			return QBD_CKPT_MORE;
		slot->state = QBD_SLOT_TOMB;
		slot->dirty = true;
		qbd_share_recount(core);
		ckpt->work = true;
	} else if (slot->state == QBD_SLOT_TOMB &&
		   slot->delete_seq < core->ring.tail.seq) {
		slot->state = QBD_SLOT_CLEARED;
		slot->dirty = true;
		ckpt->work = true;
	}
	ckpt->step++;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_freeze(struct qbd_store_core *core,
					  struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	struct qbd_slot *slot = &core->slot[ckpt->step];

	if (ckpt->step == core->nr_slots) {
		qbd_tail_begin(core);
		*end = true;
		return QBD_CKPT_MORE;
	}
	if (slot->state == QBD_SLOT_USED) {
		if (qbd_slot_settle(core, slot, QBD_STORE_STEP))
			return QBD_CKPT_MORE;
		slot->frozen.index = slot->moved;
		slot->frozen.term = qbd_slot_term_at(core, slot, slot->moved);
		qbd_overlay_freeze(&core->pool, &slot->overlay);
		qbd_shadow_freeze(slot);
		if (slot->frozen.index != slot->applied.index)
			ckpt->work = true;
	}
	ckpt->step++;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_tail(struct qbd_store_core *core,
					struct qbd_io *io, bool *end)
{
	/* A lost vote has to be durable before anything is logged. */
	if (!core->ckpt.close && !core->ckpt.table)
		return qbd_tail_step(core, end);
	*end = true;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_load(struct qbd_store_core *core,
					struct qbd_io *io, bool *end)
{
	enum qbd_ckpt_step step = qbd_tail_load_step(core, io, end);

	if (step == QBD_CKPT_IO)
		core->ckpt.started = true;
	if (!*end || !core->ckpt.started)
		return step;
	*end = false;
	return qbd_ckpt_wait(core, QBD_CKPT_WAIT);
}

static enum qbd_ckpt_step qbd_ckpt_relog(struct qbd_store_core *core,
					 struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;

	if (!ckpt->step++)
		qbd_tail_relog(core);
	if (ckpt->tail.alive)
		return qbd_ckpt_wait(core, QBD_CKPT_COMMIT);
	*end = true;
	if (QBD_MUTANT(tail_before_super))
		qbd_ring_seg_lpos(&core->ring, ckpt->tail.seg,
				  &core->ring.tail);
	if (ckpt->work || ckpt->tail.moved || ckpt->close)
		return QBD_CKPT_MORE;
	/* There is nothing to do, nor will be until something happens. */
	ckpt->futile = ckpt->activity;
	ckpt->phase = QBD_CKPT_P_END - 1;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_grace(struct qbd_store_core *core,
					 struct qbd_io *io, bool *end)
{
	qbd_home_begin(&core->ckpt.home);
	if (!core->ckpt.work || QBD_MUTANT(grace_skipped)) {
		*end = true;
		return QBD_CKPT_MORE;
	}
	return qbd_ckpt_wait(core, QBD_CKPT_GRACE);
}

static enum qbd_ckpt_step qbd_ckpt_home(struct qbd_store_core *core,
					struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	int got = qbd_home_io_step(core, &ckpt->home, io);

	if (got > 0) {
		ckpt->started = true;
		ckpt->dirty = true;
		return QBD_CKPT_IO;
	}
	if (got == -EAGAIN)
		return QBD_CKPT_MORE;
	if (got < 0)
		return qbd_ckpt_fail(core, got);
	if (ckpt->started)
		return qbd_ckpt_wait(core, QBD_CKPT_WAIT);
	*end = true;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_map(struct qbd_store_core *core,
				       struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	int got;

	if (!ckpt->step++)
		qbd_home_begin(&ckpt->home);
	got = qbd_home_map_step(core, &ckpt->home);
	if (got < 0 && got != -EAGAIN)
		return qbd_ckpt_fail(core, got);
	*end = !got;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_shadow(struct qbd_store_core *core,
					  struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	u32 nr = QBD_STORE_STEP;

	for (; ckpt->step < core->nr_slots && nr; nr--) {
		if (qbd_shadow_map_step(core, &core->slot[ckpt->step]))
			return QBD_CKPT_MORE;
		ckpt->step++;
	}
	*end = ckpt->step == core->nr_slots;
	return QBD_CKPT_MORE;
}

/* Mark the table pages of slots that changed since they were written. */
static void qbd_ckpt_mark_table(struct qbd_store_core *core)
{
	u32 i;

	for (i = 0; i < core->nr_slots; i++) {
		struct qbd_slot *slot = &core->slot[i];
		struct qbd_table_slot *table = &slot->table;

		if (slot->state == QBD_SLOT_FREE)
			continue;
		if (!slot->dirty && slot->frozen.index == slot->applied.index &&
		    slot->durable.index == table->logged_index &&
		    slot->durable.term == table->logged_term)
			continue;
		table->logged_term = slot->durable.term;
		table->logged_index = slot->durable.index;
		slot->dirty = false;
		qbd_meta_mark(&core->meta, i / QBD_TABLE_ENTRIES);
	}
}

static void qbd_ckpt_table_page(struct qbd_store_core *core, u32 no, void *buf)
{
	struct qbd_table_slot table;
	u32 i;

	memset(buf, 0, QBD_BLOCK_SIZE);
	for (i = 0; i < QBD_TABLE_ENTRIES; i++) {
		u32 slot = no * QBD_TABLE_ENTRIES + i;

		qbd_slot_table(&core->slot[slot], &table);
		if (QBD_MUTANT(promise_lost_at_tail))
			memset(&table.promise, 0, sizeof(table.promise));
		qbd_table_encode(&table, qbd_table_page_slot(buf, slot));
	}
}

/* Make the next metadata page of the batch, and the I/O that writes it. */
static int qbd_ckpt_meta_page(struct qbd_store_core *core, u32 no,
			      struct qbd_io *io)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	void *buf = ckpt->bufs + (size_t)ckpt->nr_bufs++ * QBD_BLOCK_SIZE;
	u64 owner = 0;

	memset(io, 0, sizeof(*io));
	io->op = QBD_IO_WRITE;
	io->blocks = 1;
	io->buf = buf;
	switch (qbd_meta_kind(&core->meta.geom, no)) {
	case QBD_PAGE_TABLE:
		qbd_ckpt_table_page(core, no, buf);
		break;
	case QBD_PAGE_MAP:
		qbd_map_page_encode(core->page[no], buf);
		owner = core->page[no]->owner;
		break;
	case QBD_PAGE_DIR:
		qbd_meta_fill_dir(&core->meta, no, buf);
		break;
	}
	return qbd_meta_seal(&core->meta, no, owner, buf, &io->block);
}

static enum qbd_ckpt_step qbd_ckpt_meta(struct qbd_store_core *core,
					struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	int error;
	u32 no;

	if (!ckpt->step++) {
		qbd_ckpt_mark_table(core);
		qbd_meta_begin(&core->meta);
	}
	if (ckpt->nr_bufs == QBD_STORE_META_BUFS)
		return qbd_ckpt_wait(core, QBD_CKPT_WAIT);
	if (qbd_meta_next(&core->meta, &no)) {
		error = qbd_ckpt_meta_page(core, no, io);
		if (error)
			return qbd_ckpt_fail(core, error);
		ckpt->dirty = true;
		return QBD_CKPT_IO;
	}
	if (ckpt->nr_bufs)
		return qbd_ckpt_wait(core, QBD_CKPT_WAIT);
	*end = true;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_flush(struct qbd_store_core *core,
					 struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;

	if (ckpt->started)
		return qbd_ckpt_wait(core, QBD_CKPT_WAIT);
	if (!ckpt->dirty || QBD_MUTANT(flush_skipped)) {
		*end = true;
		return QBD_CKPT_MORE;
	}
	memset(io, 0, sizeof(*io));
	io->op = QBD_IO_FLUSH;
	ckpt->started = true;
	return QBD_CKPT_IO;
}

/* The state of the store as of now, for both slots alike. */
static int qbd_ckpt_super_make(struct qbd_store_core *core)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	struct qbd_super *super = &ckpt->super;

	*super = core->super;
	super->gen++;
	super->flags &= ~QBD_SUPER_CLEAN;
	if (ckpt->close)
		super->flags |= QBD_SUPER_CLEAN;
	qbd_ring_seg_lpos(&core->ring, ckpt->tail.seg, &super->tail);
	if (!QBD_MUTANT(known_not_raised) ||
	    super->known.lpos < super->tail.lpos)
		super->known = core->ring.head;
	super->carried = min(ckpt->carried, super->known.seq);
	return qbd_super_encode(super, qbd_meta_roots(&core->meta), ckpt->bufs);
}

static enum qbd_ckpt_step qbd_ckpt_super(struct qbd_store_core *core,
					 struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	int error;

	if (ckpt->started)
		return qbd_ckpt_wait(core, QBD_CKPT_WAIT);
	if (ckpt->step == QBD_SUPER_SLOTS ||
	    (ckpt->step == 1 && QBD_MUTANT(super_in_one_slot))) {
		*end = true;
		return QBD_CKPT_MORE;
	}
	if (!ckpt->step) {
		error = qbd_ckpt_super_make(core);
		if (error)
			return qbd_ckpt_fail(core, error);
	}
	memset(io, 0, sizeof(*io));
	io->op = QBD_IO_WRITE;
	io->fua = true;
	io->block = qbd_super_block(ckpt->step++);
	io->blocks = 1;
	io->buf = ckpt->bufs;
	ckpt->started = true;
	return QBD_CKPT_IO;
}

static void qbd_ckpt_slot_done(struct qbd_store_core *core,
			       struct qbd_slot *slot)
{
	if (slot->state == QBD_SLOT_CLEARED) {
		qbd_slot_init(slot);
		return;
	}
	slot->table.config = *qbd_slot_config_at(slot, slot->frozen.index);
	while (slot->nr_configs && slot->config[0].index <= slot->frozen.index)
		memmove(slot->config, slot->config + 1,
			--slot->nr_configs * sizeof(slot->config[0]));
	qbd_shadow_done(slot);
	slot->applied = slot->frozen;
	qbd_overlay_home(&core->pool, &slot->overlay);
}

static enum qbd_ckpt_step qbd_ckpt_done(struct qbd_store_core *core,
					struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	u32 nr = QBD_STORE_STEP;

	if (!ckpt->step) {
		qbd_meta_commit(&core->meta);
		core->super = ckpt->super;
	}
	for (; ckpt->step < core->nr_slots && nr; nr--)
		qbd_ckpt_slot_done(core, &core->slot[ckpt->step++]);
	*end = ckpt->step == core->nr_slots;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_retire(struct qbd_store_core *core,
					  struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	u32 nr = QBD_STORE_STEP;

	for (; ckpt->step < core->nr_slots && nr; nr--) {
		struct qbd_slot *slot = &core->slot[ckpt->step];

		/* At least one record a time, or it would never end. */
		if (qbd_slot_retire(core, slot, nr))
			return QBD_CKPT_MORE;
		ckpt->step++;
	}
	*end = ckpt->step == core->nr_slots;
	return QBD_CKPT_MORE;
}

/* What is retired by now counts as pending for no chunk any more. */
static enum qbd_ckpt_step qbd_ckpt_pin(struct qbd_store_core *core,
				       struct qbd_io *io, bool *end)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	u32 nr = QBD_STORE_STEP;

	for (; ckpt->step < core->nr_slots && nr; nr--) {
		struct qbd_slot *slot = &core->slot[ckpt->step];

		if (slot->state == QBD_SLOT_USED &&
		    (qbd_pin_step(core, slot) || qbd_shadow_step(core, slot)))
			return QBD_CKPT_MORE;
		ckpt->step++;
	}
	*end = ckpt->step == core->nr_slots;
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_free(struct qbd_store_core *core,
					struct qbd_io *io, bool *end)
{
	*end = !qbd_alloc_settle(&core->alloc, QBD_STORE_STEP_WORDS);
	return QBD_CKPT_MORE;
}

static enum qbd_ckpt_step qbd_ckpt_pop(struct qbd_store_core *core,
				       struct qbd_io *io, bool *end)
{
	*end = !qbd_tail_pop_step(core);
	return QBD_CKPT_MORE;
}

/* clang-format off */
static const qbd_ckpt_fn qbd_ckpt_fns[QBD_CKPT_P_NR] = {
	[QBD_CKPT_P_DRAIN]	= qbd_ckpt_drain,
	[QBD_CKPT_P_PURGE]	= qbd_ckpt_purge,
	[QBD_CKPT_P_FREEZE]	= qbd_ckpt_freeze,
	[QBD_CKPT_P_TAIL]	= qbd_ckpt_tail,
	[QBD_CKPT_P_LOAD]	= qbd_ckpt_load,
	[QBD_CKPT_P_RELOG]	= qbd_ckpt_relog,
	[QBD_CKPT_P_GRACE]	= qbd_ckpt_grace,
	[QBD_CKPT_P_HOME]	= qbd_ckpt_home,
	[QBD_CKPT_P_MAP]	= qbd_ckpt_map,
	[QBD_CKPT_P_SHADOW]	= qbd_ckpt_shadow,
	[QBD_CKPT_P_META]	= qbd_ckpt_meta,
	[QBD_CKPT_P_FLUSH]	= qbd_ckpt_flush,
	[QBD_CKPT_P_SUPER]	= qbd_ckpt_super,
	[QBD_CKPT_P_DONE]	= qbd_ckpt_done,
	[QBD_CKPT_P_RETIRE]	= qbd_ckpt_retire,
	[QBD_CKPT_P_PIN]	= qbd_ckpt_pin,
	[QBD_CKPT_P_FREE]	= qbd_ckpt_free,
	[QBD_CKPT_P_POP]	= qbd_ckpt_pop,
};

/* clang-format on */

/*
 * Phases whose waiting is not the end of them: they are asked again. In the
 * others there is one wait, at the end.
 */
static bool qbd_ckpt_stays(enum qbd_ckpt_phase phase)
{
	return phase == QBD_CKPT_P_DRAIN || phase == QBD_CKPT_P_RELOG ||
	       phase == QBD_CKPT_P_META || phase == QBD_CKPT_P_SUPER;
}

static void qbd_ckpt_advance(struct qbd_ckpt *ckpt)
{
	ckpt->phase++;
	ckpt->step = 0;
	ckpt->started = false;
}

/**
 * qbd_ckpt_wanted() - should a checkpoint be made?
 * @core: the store
 *
 * Return: how urgently.
 */
enum qbd_ckpt_need qbd_ckpt_wanted(const struct qbd_store_core *core)
{
	if (core->error || core->closing ||
	    core->ckpt.phase != QBD_CKPT_P_IDLE ||
	    core->ckpt.futile == core->activity)
		return QBD_CKPT_NONE;
	if (core->starved || core->want_slot || core->pins_due ||
	    qbd_tail_pressed(core))
		return QBD_CKPT_NOW;
	if (core->want_table || core->due_blocks > core->ring.blocks / 8 ||
	    core->due_recs > core->index.mask / 8)
		return QBD_CKPT_SOON;
	return QBD_CKPT_NONE;
}

/**
 * qbd_ckpt_begin() - begin a checkpoint
 * @core: the store
 * @close: make it the last one: nothing is accepted any more, what waits is
 *	written, and the superblock says that the store was closed in order
 *
 * Return: 0; -EBUSY if one is under way; -ESHUTDOWN if the store is closed;
 * else why the store failed.
 */
int qbd_ckpt_begin(struct qbd_store_core *core, bool close)
{
	struct qbd_ckpt *ckpt = &core->ckpt;

	if (core->error)
		return core->error;
	if (ckpt->phase != QBD_CKPT_P_IDLE)
		return -EBUSY;
	ckpt->seq++;
	ckpt->waiting = false;
	ckpt->close = close;
	ckpt->table = core->want_table;
	ckpt->work = core->want_table || core->pins_due ||
		     core->alloc.nr_freeing;
	core->want_table = false;
	ckpt->dirty = false;
	ckpt->nr_bufs = 0;
	/* What is logged by now will be in the table that it writes. */
	ckpt->carried = core->ring.head.seq;
	ckpt->activity = core->activity;
	core->closing = close;
	core->starved = false;
	qbd_ckpt_advance(ckpt);
	return 0;
}

/**
 * qbd_ckpt_next() - next step of the checkpoint
 * @core: the store
 * @io: filled in if this says QBD_CKPT_IO
 *
 * I/O that was started before QBD_CKPT_FAILED is still the caller's to wait
 * for: the buffers are the core's.
 *
 * Return: what the caller has to do.
 */
enum qbd_ckpt_step qbd_ckpt_next(struct qbd_store_core *core, struct qbd_io *io)
{
	struct qbd_ckpt *ckpt = &core->ckpt;
	enum qbd_ckpt_step step;
	bool end = false;

	if (core->error)
		return qbd_ckpt_fail(core, core->error);
	if (QBD_CORE_BUG(ckpt->waiting || ckpt->phase == QBD_CKPT_P_IDLE))
		return qbd_ckpt_fail(core, -EUCLEAN);
	if (ckpt->phase == QBD_CKPT_P_END) {
		ckpt->phase = QBD_CKPT_P_IDLE;
		core->want_slot = false;
		core->stats.checkpoints++;
		if (ckpt->close)
			qbd_store_fail(core, -ESHUTDOWN);
		return QBD_CKPT_DONE;
	}
	step = qbd_ckpt_fns[ckpt->phase](core, io, &end);
	if (end)
		qbd_ckpt_advance(ckpt);
	return step;
}

/**
 * qbd_ckpt_commit_pending() - does QBD_CKPT_COMMIT still wait?
 * @core: the store
 *
 * Return: true if so, and the store has not failed.
 */
bool qbd_ckpt_commit_pending(const struct qbd_store_core *core)
{
	if (core->error)
		return false;
	if (core->ckpt.phase == QBD_CKPT_P_DRAIN)
		return core->commit.alive || core->commit.busy;
	return core->ckpt.tail.alive;
}

/**
 * qbd_ckpt_phase_end() - what QBD_CKPT_WAIT, _GRACE or _COMMIT asked for is
 * done
 * @core: the store
 * @error: 0, or why an I/O failed: it fails the store
 */
void qbd_ckpt_phase_end(struct qbd_store_core *core, int error)
{
	struct qbd_ckpt *ckpt = &core->ckpt;

	if (error)
		qbd_store_fail(core, error);
	if (QBD_CORE_BUG(!ckpt->waiting))
		return;
	ckpt->waiting = false;
	ckpt->started = false;
	ckpt->nr_bufs = 0;
	if (!qbd_ckpt_stays(ckpt->phase))
		qbd_ckpt_advance(ckpt);
}
