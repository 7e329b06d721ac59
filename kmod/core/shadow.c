// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a replica is going to be, beside what it is; see shadow.h.
 *
 * An entry of a shadow's page is there if its index is not 0, and then:
 *
 *	MAPPED		with a physical chunk of its own
 *	NEW		likewise, and it may be written to
 *	SHARED		the replica's physical chunk
 *	none of these	it reads as zero
 *
 * Context: under the store's lock.  A step looks at one page of a map.
 */
#include "env.h"
#include "store_core.h"

static struct qbd_slot *qbd_shadow_slot(const struct qbd_store_core *core,
					u32 slot, u32 chunk)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);
	u64 begin = (u64)chunk << core->super.layout.chunk_shift;

	if (!s || s->shadow.state != QBD_SHADOW_OPEN ||
	    begin >= s->table.blocks)
		return NULL;
	return s;
}

/* The entry of a chunk, NULL if there is no page for it. */
static struct qbd_chunk *qbd_shadow_chunk(const struct qbd_store_core *core,
					  const struct qbd_slot *slot,
					  u32 chunk)
{
	struct qbd_map_page *page = core->shadow_page[slot->table.meta_first +
						      chunk / QBD_MAP_ENTRIES];

	return page ? &page->chunk[chunk % QBD_MAP_ENTRIES] : NULL;
}

static bool qbd_shadow_owns(const struct qbd_chunk *c)
{
	return c->state & (QBD_CHUNK_MAPPED | QBD_CHUNK_NEW);
}

/* The next checkpoint has something to do here. */
static void qbd_shadow_turn(struct qbd_store_core *core, struct qbd_slot *slot,
			    enum qbd_shadow_state state)
{
	slot->shadow.state = state;
	slot->shadow.page = 0;
	core->pins_due++;
	core->activity++;
}

/**
 * qbd_store_shadow() - begin a shadow, or let one lead further
 * @core: the store
 * @slot: slot of the replica
 * @at: what the replica is going to have, committed: beyond what it has, and
 *	not below what the shadow was to lead to
 * @config: its replica set as of then
 *
 * Return: 0; -EAGAIN as long as the log has records of it that are not home, or
 * has not the word that voided some: they are asked to go there; -EBUSY if it
 * has a pin, or a shadow that is leaving or on its way; -EINVAL for another
 * @at; -ENOENT without such a replica; else why the store failed.
 */
int qbd_store_shadow(struct qbd_store_core *core, u32 slot,
		     const struct qbd_pos *at, const struct qbd_config *config)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (s->pin.state != QBD_PIN_NONE ||
	    (s->shadow.state != QBD_SHADOW_NONE &&
	     s->shadow.state != QBD_SHADOW_OPEN))
		return -EBUSY;
	if (at->index <= s->last.index || at->term < s->last.term ||
	    at->index < s->shadow.at.index)
		return -EINVAL;
	/* A truncation is logged before what comes after it is durable. */
	if (s->shadow.state == QBD_SHADOW_NONE &&
	    (s->live_recs || s->cuts_waiting)) {
		if (s->live_recs)
			core->starved = true;
		return -EAGAIN;
	}
	if (s->shadow.state == QBD_SHADOW_NONE)
		s->shadow.seq = core->super.incarnation + ++core->shadow_seq;
	s->shadow.state = QBD_SHADOW_OPEN;
	s->shadow.at = *at;
	s->shadow.config = *config;
	return 0;
}

/**
 * qbd_store_shadow_state() - has a replica a shadow?
 * @core: the store
 * @slot: slot of the replica
 * @at: filled in if it has: what the replica is going to have
 *
 * Return: 0 if it has one that is filled; -EAGAIN if it is on its way to be the
 * replica, or being taken apart; -ENOENT without one, or without such a
 * replica.
 */
int qbd_store_shadow_state(const struct qbd_store_core *core, u32 slot,
			   struct qbd_pos *at)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s || s->shadow.state == QBD_SHADOW_NONE)
		return -ENOENT;
	*at = s->shadow.at;
	return s->shadow.state == QBD_SHADOW_OPEN ? 0 : -EAGAIN;
}

/**
 * qbd_store_shadow_get() - what there is of a chunk, the shadow's version first
 * @core: the store
 * @slot: slot of the replica
 * @chunk: number of the chunk
 * @shadowed: filled in
 *
 * Return: 0; -ENOENT if there is no shadow to be filled, or no such chunk;
 * -ENODATA if its bytes are still to be written.
 */
int qbd_store_shadow_get(const struct qbd_store_core *core, u32 slot, u32 chunk,
			 struct qbd_shadowed *shadowed)
{
	const struct qbd_slot *s = qbd_shadow_slot(core, slot, chunk);
	const struct qbd_layout *layout = &core->super.layout;
	const struct qbd_chunk *c;

	if (!s)
		return -ENOENT;
	memset(shadowed, 0, sizeof(*shadowed));
	shadowed->seq = s->shadow.seq;
	shadowed->blocks = (u32)min_t(
		u64, 1U << layout->chunk_shift,
		s->table.blocks - ((u64)chunk << layout->chunk_shift));
	c = qbd_shadow_chunk(core, s, chunk);
	if (!c || !c->last)
		c = qbd_slot_chunk(core, s, chunk);
	else
		shadowed->own = qbd_shadow_owns(c);
	if (!c)
		return 0;
	shadowed->last = c->last;
	if (c->state & (QBD_CHUNK_MAPPED | QBD_CHUNK_NEW | QBD_CHUNK_SHARED))
		shadowed->block = qbd_layout_chunk_block(layout, c->phys);
	return c->state & QBD_CHUNK_NEW ? -ENODATA : 0;
}

/* The entry of a chunk; its page is made if need be. */
static int qbd_shadow_enter(struct qbd_store_core *core, struct qbd_slot *slot,
			    u32 chunk, struct qbd_chunk **entry)
{
	u32 i = chunk / QBD_MAP_ENTRIES;
	struct qbd_map_page **page =
		&core->shadow_page[slot->table.meta_first + i];

	if (!*page)
		*page = qbd_slot_page_make(core, slot, i);
	if (!*page)
		return -ENOMEM;
	*entry = &(*page)->chunk[chunk % QBD_MAP_ENTRIES];
	return 0;
}

/* A physical chunk for an entry that has none of its own. */
static int qbd_shadow_take(struct qbd_store_core *core, struct qbd_chunk *c)
{
	int error;

	if (!qbd_alloc_room(&core->alloc)) {
		/* what was deleted or discarded is free after a checkpoint */
		core->starved = true;
		return -ENOSPC;
	}
	qbd_alloc_reserve(&core->alloc);
	error = qbd_alloc_take(&core->alloc, &c->phys);
	c->state = 0;
	return error;
}

/* What the shadow has of a chunk is not needed any more. */
static void qbd_shadow_leave(struct qbd_store_core *core, struct qbd_chunk *c)
{
	if (qbd_shadow_owns(c)) {
		qbd_alloc_free(&core->alloc, c->phys);
		core->activity++;
	}
	c->state = 0;
	c->phys = 0;
}

/**
 * qbd_store_shadow_set() - what a chunk is going to be
 * @core: the store
 * @slot: slot of the replica
 * @chunk: number of the chunk
 * @last: index of its last change, at most that which the shadow leads to
 * @kind: what is known of it; SAME for one that reads as zero is ZERO
 *
 * For DATA the chunk has a place of its own then, see qbd_store_shadow_get().
 * All of it has to be written there, unless it was there before and has the
 * other bytes already, and then qbd_store_shadow_filled() called, or _failed().
 *
 * Return: 0; -ENOSPC without a physical chunk; -ENOMEM if map pages have to be
 * given first; -EBUSY while it is written to; -EINVAL for an index that can't
 * be; -ENOENT as qbd_store_shadow_get().
 */
int qbd_store_shadow_set(struct qbd_store_core *core, u32 slot, u32 chunk,
			 u64 last, enum qbd_shadow_kind kind)
{
	struct qbd_slot *s = qbd_shadow_slot(core, slot, chunk);
	struct qbd_chunk *c, *old;
	int error;

	if (!s)
		return -ENOENT;
	if (last <= s->last.index || last > s->shadow.at.index)
		return -EINVAL;
	error = qbd_shadow_enter(core, s, chunk, &c);
	if (error)
		return error;
	old = qbd_slot_chunk(core, s, chunk);
	if (c->state & QBD_CHUNK_NEW)
		return -EBUSY;
	if (kind == QBD_SHADOW_DATA) {
		if (!qbd_shadow_owns(c))
			error = qbd_shadow_take(core, c);
		if (error)
			return error;
		s->shadow.unfilled++;
		c->state = QBD_CHUNK_NEW;
	} else if (kind == QBD_SHADOW_ZERO) {
		qbd_shadow_leave(core, c);
	} else if (!c->last && old && old->state & QBD_CHUNK_MAPPED) {
		c->state = QBD_CHUNK_SHARED;
		c->phys = old->phys;
	}
	c->last = last;
	if (QBD_MUTANT(old_index_kept) && old && old->last)
		c->last = old->last;
	return 0;
}

/* A chunk that may be written to, NULL if it is none. */
static struct qbd_chunk *qbd_shadow_unfilled(const struct qbd_store_core *core,
					     const struct qbd_slot *slot,
					     u32 chunk)
{
	struct qbd_chunk *c = qbd_shadow_chunk(core, slot, chunk);

	return c && c->state & QBD_CHUNK_NEW ? c : NULL;
}

/**
 * qbd_store_shadow_filled() - a chunk has its bytes
 * @core: the store
 * @slot: slot of the replica
 * @chunk: number of the chunk
 *
 * The writes have ended; the checkpoint that makes the switch flushes.
 *
 * Return: 0; -ENOENT as qbd_store_shadow_get(); -EINVAL if nothing was to be
 * written.
 */
int qbd_store_shadow_filled(struct qbd_store_core *core, u32 slot, u32 chunk)
{
	struct qbd_slot *s = qbd_shadow_slot(core, slot, chunk);
	struct qbd_chunk *c = s ? qbd_shadow_unfilled(core, s, chunk) : NULL;

	if (!c)
		return s ? -EINVAL : -ENOENT;
	c->state = QBD_CHUNK_MAPPED;
	s->shadow.unfilled--;
	return 0;
}

/**
 * qbd_store_shadow_failed() - a chunk could not be written
 * @core: the store
 * @slot: slot of the replica
 * @chunk: number of the chunk
 *
 * No write to it is under way any more.  The shadow has nothing of it then: it
 * has to be set again before the switch.
 *
 * Return: as qbd_store_shadow_filled().
 */
int qbd_store_shadow_failed(struct qbd_store_core *core, u32 slot, u32 chunk)
{
	struct qbd_slot *s = qbd_shadow_slot(core, slot, chunk);
	struct qbd_chunk *c = s ? qbd_shadow_unfilled(core, s, chunk) : NULL;

	if (!c)
		return s ? -EINVAL : -ENOENT;
	qbd_shadow_leave(core, c);
	c->last = 0;
	s->shadow.unfilled--;
	return 0;
}

/**
 * qbd_store_shadow_switch() - the shadow is whole: it becomes the replica
 * @core: the store
 * @slot: slot of the replica
 *
 * When qbd_store_shadow_state() says -ENOENT, after the next checkpoints, the
 * replica is at the index that the shadow led to, durably.
 *
 * Return: 0; -EBUSY if a chunk has not its bytes; -ENOENT if there is no
 * shadow to be filled; else why the store failed.
 */
int qbd_store_shadow_switch(struct qbd_store_core *core, u32 slot)
{
	struct qbd_slot *s = qbd_shadow_slot(core, slot, 0);

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (s->shadow.unfilled && !QBD_MUTANT(switch_unfilled))
		return -EBUSY;
	qbd_shadow_turn(core, s, QBD_SHADOW_SWITCH);
	return 0;
}

/**
 * qbd_store_shadow_drop() - give a shadow up
 * @core: the store
 * @slot: slot of the replica
 *
 * Nothing happens if there is none, or if a checkpoint is making it the
 * replica.
 *
 * Return: 0; -EBUSY while a chunk is written to.
 */
int qbd_store_shadow_drop(struct qbd_store_core *core, u32 slot)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s)
		return 0;
	if (s->shadow.unfilled && !QBD_MUTANT(shadow_freed_early))
		return -EBUSY;
	if (s->shadow.state == QBD_SHADOW_OPEN)
		qbd_shadow_turn(core, s, QBD_SHADOW_LEAVING);
	else if (s->shadow.state == QBD_SHADOW_SWITCH)
		s->shadow.state = QBD_SHADOW_LEAVING;
	return 0;
}

/**
 * qbd_shadow_freeze() - the checkpoint takes a shadow that is whole
 * @slot: a replica
 *
 * Its chunks were written before, and the checkpoint writes the table page at
 * least: its flush is for both.
 */
void qbd_shadow_freeze(struct qbd_slot *slot)
{
	if (slot->shadow.state != QBD_SHADOW_SWITCH)
		return;
	slot->shadow.state = QBD_SHADOW_SWITCHING;
	slot->frozen = slot->shadow.at;
	if (QBD_MUTANT(switch_of_map_only))
		slot->frozen = slot->applied;
	slot->dirty = true;
}

/**
 * qbd_shadow_table() - what the replica table says when the switch is made
 * @slot: a replica
 * @table: filled in, as it is without a switch
 */
void qbd_shadow_table(const struct qbd_slot *slot, struct qbd_table_slot *table)
{
	if (slot->shadow.state != QBD_SHADOW_SWITCHING ||
	    QBD_MUTANT(switch_index_lost))
		return;
	table->config = slot->shadow.config;
	table->commit = slot->frozen.index;
	table->logged_term = slot->frozen.term;
	table->logged_index = slot->frozen.index;
}

/**
 * qbd_shadow_done() - the switch is durable: positions rise
 * @slot: a replica
 */
void qbd_shadow_done(struct qbd_slot *slot)
{
	u64 index = slot->frozen.index;

	if (slot->shadow.state != QBD_SHADOW_SWITCHING)
		return;
	slot->last = slot->frozen;
	slot->durable = slot->frozen;
	slot->table.config = slot->shadow.config;
	slot->table.commit = index;
	slot->told = index;
	slot->moved = index;
	slot->retired = index;
	slot->log_first = index + 1;
	slot->unsure = 0;
	slot->dirty = true;
}

/* A chunk of the replica becomes what the shadow has. */
static void qbd_shadow_merge(struct qbd_store_core *core, struct qbd_chunk *c,
			     const struct qbd_chunk *shadow)
{
	if (!shadow->last)
		return;
	c->last = shadow->last;
	if (shadow->state & QBD_CHUNK_SHARED)
		return;
	if (c->state & QBD_CHUNK_MAPPED && !QBD_MUTANT(old_chunk_leaked))
		qbd_alloc_free(&core->alloc, c->phys);
	c->phys = shadow->phys;
	c->state = shadow->state ? QBD_CHUNK_MAPPED : 0;
}

/**
 * qbd_shadow_map_step() - change the map for the next page of a shadow
 * @core: the store
 * @slot: a replica
 *
 * Return: true if it has to be called again.
 */
bool qbd_shadow_map_step(struct qbd_store_core *core, struct qbd_slot *slot)
{
	struct qbd_shadow *shadow = &slot->shadow;
	u32 no = slot->table.meta_first + shadow->page;
	struct qbd_map_page *page;
	u32 i;

	if (shadow->state != QBD_SHADOW_SWITCHING ||
	    shadow->page == slot->table.meta_pages)
		return false;
	shadow->page++;
	page = core->shadow_page[no];
	if (!page)
		return true;
	core->shadow_page[no] = NULL;
	qbd_meta_mark(&core->meta, no);
	if (!core->page[no]) {
		core->page[no] = page;
		return true;
	}
	for (i = 0; i < page->nr_chunks; i++)
		qbd_shadow_merge(core, &core->page[no]->chunk[i],
				 &page->chunk[i]);
	qbd_store_page_return(core, page);
	return true;
}

static void qbd_shadow_page_drop(struct qbd_store_core *core, u32 no)
{
	struct qbd_map_page *page = core->shadow_page[no];
	u32 i;

	for (i = 0; i < page->nr_chunks; i++)
		qbd_shadow_leave(core, &page->chunk[i]);
	core->shadow_page[no] = NULL;
	qbd_store_page_return(core, page);
}

/**
 * qbd_shadow_step() - a step on the way of a shadow to be gone
 * @core: the store
 * @slot: a replica
 *
 * Return: true if it has to be called again.
 */
bool qbd_shadow_step(struct qbd_store_core *core, struct qbd_slot *slot)
{
	struct qbd_shadow *shadow = &slot->shadow;
	u32 no = slot->table.meta_first + shadow->page;

	if (shadow->state != QBD_SHADOW_LEAVING &&
	    shadow->state != QBD_SHADOW_SWITCHING)
		return false;
	if (shadow->page == slot->table.meta_pages) {
		memset(shadow, 0, sizeof(*shadow));
		core->pins_due--;
		return false;
	}
	if (core->shadow_page[no])
		qbd_shadow_page_drop(core, no);
	shadow->page++;
	return true;
}
