// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replica as it was at one committed index; see pin.h.
 *
 * Context: under the store's lock.  A step looks at one page of a map.
 */
#include "env.h"
#include "store_core.h"

static u32 qbd_pin_map_pages(const struct qbd_store_core *core,
			     const struct qbd_slot *slot)
{
	u32 i, nr = 0;

	for (i = 0; i < slot->table.meta_pages; i++)
		nr += !!core->page[slot->table.meta_first + i];
	return nr;
}

/* So many pages less, or more, does the core want from its caller. */
static void qbd_pin_pages(struct qbd_store_core *core, struct qbd_pin *pin,
			  u32 pages)
{
	core->pin_pages -= pin->pages;
	pin->pages = pages;
	core->pin_pages += pages;
}

/* The next checkpoint has something to do here. */
static void qbd_pin_turn(struct qbd_store_core *core, struct qbd_slot *slot,
			 enum qbd_pin_state state)
{
	slot->pin.state = state;
	slot->pin.page = 0;
	core->pins_due++;
	core->activity++;
}

/**
 * qbd_store_pin() - pin a replica
 * @core: the store
 * @slot: slot of the replica
 *
 * Give the pages that qbd_store_pin_pages_wanted() says then: one for each map
 * page of the replica.  Visits all of these.
 *
 * Return: 0: see qbd_store_pin_get() after the next checkpoints; -EBUSY if it
 * has a pin, one that is leaving, or a shadow; -EAGAIN as long as not all is
 * committed that was found at open; -ENOENT without such a replica; -EIO if it
 * may have lost records; else why the store failed.
 */
int qbd_store_pin(struct qbd_store_core *core, u32 slot)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (s->table.flags & QBD_REPLICA_SUSPECT)
		return -EIO;
	if (s->pin.state != QBD_PIN_NONE || s->shadow.state != QBD_SHADOW_NONE)
		return -EBUSY;
	if (s->table.commit < s->unsure && !QBD_MUTANT(pin_of_half_home))
		return -EAGAIN;
	s->pin.error = 0;
	s->pin.seq = ++core->pin_seq;
	if (!QBD_MUTANT(pin_of_two_lives))
		s->pin.seq += core->super.incarnation;
	s->pin.ckpt = core->ckpt.seq;
	qbd_pin_pages(core, &s->pin, qbd_pin_map_pages(core, s));
	qbd_pin_turn(core, s, QBD_PIN_WANTED);
	return 0;
}

/**
 * qbd_store_pin_get() - has a replica a pin?
 * @core: the store
 * @slot: slot of the replica
 * @at: filled in: the newest record that is in it
 *
 * Return: 0; -EAGAIN while it is being taken or taken apart; -ENOENT without
 * one, or without such a replica; -ENOMEM, -ENOSPC if the last one that was
 * wanted could not be taken for want of pages, of chunks.
 */
int qbd_store_pin_get(const struct qbd_store_core *core, u32 slot,
		      struct qbd_pos *at)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s)
		return -ENOENT;
	switch ((enum qbd_pin_state)s->pin.state) {
	case QBD_PIN_HELD:
		*at = s->pin.at;
		return 0;
	case QBD_PIN_WANTED:
	case QBD_PIN_LEAVING:
		return -EAGAIN;
	case QBD_PIN_NONE:
		break;
	}
	return s->pin.error ?: -ENOENT;
}

/**
 * qbd_store_pin_config() - the replica set as of a pin
 * @core: the store
 * @slot: slot of the replica
 *
 * Return: the set, NULL if there is no pin; good until the lock is dropped.
 */
const struct qbd_config *qbd_store_pin_config(const struct qbd_store_core *core,
					      u32 slot)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	return s && s->pin.state == QBD_PIN_HELD ? &s->pin.config : NULL;
}

/**
 * qbd_pin_chunk() - a chunk as the pin of a replica has it
 * @core: the store
 * @slot: the replica
 * @chunk: number of the chunk
 *
 * Return: the chunk, NULL if the pin has nothing there.
 */
const struct qbd_chunk *qbd_pin_chunk(const struct qbd_store_core *core,
				      const struct qbd_slot *slot, u32 chunk)
{
	const struct qbd_map_page *page =
		core->pin_page[slot->table.meta_first + chunk / QBD_MAP_ENTRIES];

	return page ? &page->chunk[chunk % QBD_MAP_ENTRIES] : NULL;
}

/**
 * qbd_store_pinned() - what the pin of a replica has of a chunk
 * @core: the store
 * @slot: slot of the replica
 * @chunk: number of the chunk
 * @pinned: filled in
 *
 * Return: 0; -ENOENT if there is no pin; -EINVAL if there is no such chunk.
 */
int qbd_store_pinned(const struct qbd_store_core *core, u32 slot, u32 chunk,
		     struct qbd_pinned *pinned)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);
	const struct qbd_layout *layout = &core->super.layout;
	u64 begin = (u64)chunk << layout->chunk_shift;
	const struct qbd_chunk *c;

	if (!s || s->pin.state != QBD_PIN_HELD)
		return -ENOENT;
	if (begin >= s->table.blocks)
		return -EINVAL;
	memset(pinned, 0, sizeof(*pinned));
	pinned->seq = s->pin.seq;
	pinned->blocks = (u32)min_t(u64, 1U << layout->chunk_shift,
				    s->table.blocks - begin);
	c = qbd_pin_chunk(core, s, chunk);
	if (!c)
		return 0;
	pinned->last = c->last;
	if (c->state & QBD_CHUNK_MAPPED)
		pinned->block = qbd_layout_chunk_block(layout, c->phys);
	return 0;
}

/**
 * qbd_store_pin_holds() - is what was read of a pin what it was?
 * @core: the store
 * @slot: slot of the replica
 * @seq: which pin it was
 *
 * Return: false if it was given back meanwhile.
 */
bool qbd_store_pin_holds(const struct qbd_store_core *core, u32 slot, u64 seq)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	return s && s->pin.state == QBD_PIN_HELD && s->pin.seq == seq;
}

/**
 * qbd_store_unpin() - give a pin back
 * @core: the store
 * @slot: slot of the replica
 *
 * Nothing happens if there is none.
 */
void qbd_store_unpin(struct qbd_store_core *core, u32 slot)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s)
		return;
	if (s->pin.state == QBD_PIN_HELD) {
		qbd_pin_turn(core, s, QBD_PIN_LEAVING);
	} else if (s->pin.state == QBD_PIN_WANTED) {
		/* Some pages may be there: the same checkpoint goes on. */
		qbd_pin_pages(core, &s->pin, 0);
		s->pin.state = QBD_PIN_LEAVING;
		s->pin.page = 0;
	}
}

/* Chunks that pending records would need if the page were shared. */
static u32 qbd_pin_wanted(const struct qbd_map_page *page)
{
	u32 i, nr = 0;

	for (i = 0; i < page->nr_chunks; i++)
		nr += page->chunk[i].state & QBD_CHUNK_MAPPED &&
		      qbd_chunk_pending(&page->chunk[i]);
	return nr;
}

/* Copy a page of the map. Return: 0, or why that is not possible. */
static int qbd_pin_copy(struct qbd_store_core *core, struct qbd_slot *slot,
			u32 no)
{
	struct qbd_map_page *page = core->page[no];
	struct qbd_map_page *copy;
	u32 i;

	if (qbd_pin_wanted(page) > qbd_alloc_room(&core->alloc))
		return -ENOSPC;
	copy = qbd_store_page_use(core);
	if (!copy)
		return -ENOMEM;
	if (slot->pin.pages)
		qbd_pin_pages(core, &slot->pin, slot->pin.pages - 1);
	*copy = *page;
	for (i = 0; i < page->nr_chunks; i++)
		qbd_chunk_share(&page->chunk[i], &core->alloc);
	core->pin_page[no] = copy;
	return 0;
}

/* Let go of what a page of the pin has. */
static void qbd_pin_drop(struct qbd_store_core *core, u32 no)
{
	struct qbd_map_page *copy = core->pin_page[no];
	u32 i;

	for (i = 0; i < copy->nr_chunks; i++)
		qbd_chunk_unshare(&core->page[no]->chunk[i], &copy->chunk[i],
				  &core->alloc);
	core->pin_page[no] = NULL;
	qbd_store_page_return(core, copy);
}

static void qbd_pin_end(struct qbd_store_core *core, struct qbd_slot *slot,
			enum qbd_pin_state state)
{
	qbd_pin_pages(core, &slot->pin, 0);
	slot->pin.state = state;
	core->pins_due--;
}

static void qbd_pin_take(struct qbd_store_core *core, struct qbd_slot *slot)
{
	struct qbd_pin *pin = &slot->pin;
	u32 no = slot->table.meta_first + pin->page;

	pin->at = slot->applied;
	if (pin->page == slot->table.meta_pages) {
		pin->config = slot->table.config;
		qbd_pin_end(core, slot, QBD_PIN_HELD);
		return;
	}
	if (core->page[no])
		pin->error = qbd_pin_copy(core, slot, no);
	pin->page++;
	if (!pin->error)
		return;
	qbd_pin_pages(core, pin, 0);
	pin->state = QBD_PIN_LEAVING;
	pin->page = 0;
}

/**
 * qbd_pin_step() - a step on the way of a pin to be there, or gone
 * @core: the store; no chunk is being filled
 * @slot: the replica
 *
 * Return: true if it has to be called again.
 */
bool qbd_pin_step(struct qbd_store_core *core, struct qbd_slot *slot)
{
	struct qbd_pin *pin = &slot->pin;
	u32 no = slot->table.meta_first + pin->page;

	if (pin->state == QBD_PIN_WANTED) {
		if (pin->ckpt == core->ckpt.seq)
			return false;
		qbd_pin_take(core, slot);
		return pin->state != QBD_PIN_HELD;
	}
	if (pin->state != QBD_PIN_LEAVING)
		return false;
	if (pin->page == slot->table.meta_pages) {
		qbd_pin_end(core, slot, QBD_PIN_NONE);
		return false;
	}
	if (core->pin_page[no])
		qbd_pin_drop(core, no);
	pin->page++;
	return true;
}
