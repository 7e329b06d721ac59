// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of a test disk: their pages, and the two contents of a sector.
 *
 * A page that a clone shares is copied before it is changed.  Nobody but stores
 * refers to these pages, so a reference count of one means that this store is
 * alone, and it cannot rise while the lock of the store's owner is held.
 *
 * Pages come from the store's spare list, which admission fills for the worst
 * case.  The few needs outside of that (a shared page met by a discard or by a
 * crash) try an atomic allocation and count a failure in @nomem, which voids
 * the test.
 *
 * Context: any, under the lock of the store's owner; never sleeps.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "blk.h"

/* Pages kept when no write is in flight, to spare the allocator. */
#define TD_SPARE_MAX 512

/**
 * td_part_at() - the part of a range that lies in its first block
 * @pos: first byte on the disk
 * @len: bytes
 *
 * Return: the part
 */
struct td_part td_part_at(u64 pos, u64 len)
{
	struct td_part part;

	part.index = pos / TD_BLK_SIZE;
	part.off = pos % TD_BLK_SIZE;
	part.len = min_t(u64, len, TD_BLK_SIZE - part.off);
	return part;
}

/* Pages. */

static struct page *td_page_take(struct td_store *st)
{
	struct page *page;

	page = list_first_entry_or_null(&st->spare, struct page, lru);
	if (page) {
		list_del(&page->lru);
		st->nr_spare--;
	} else {
		page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	}
	if (page)
		st->nr_pages++;
	else
		st->nomem++;
	return page;
}

static void td_page_drop(struct td_store *st, struct page *page)
{
	if (!page)
		return;
	st->nr_pages--;
	if (page_ref_count(page) == 1 &&
	    st->nr_spare < st->nr_reserved + TD_SPARE_MAX) {
		list_add(&page->lru, &st->spare);
		st->nr_spare++;
		return;
	}
	put_page(page);
}

/**
 * td_spare_trim() - free spare pages that no admitted operation needs
 * @st: the store
 */
void td_spare_trim(struct td_store *st)
{
	struct page *page;

	while (st->nr_spare > st->nr_reserved + TD_SPARE_MAX) {
		page = list_first_entry(&st->spare, struct page, lru);
		list_del(&page->lru);
		st->nr_spare--;
		put_page(page);
	}
}

/**
 * td_page_own() - make a slot refer to a page that only this store has
 * @st: the store
 * @slot: where the page is; NULL there stands for zeros
 * @fill: keep the content; without it the caller overwrites all of the page
 *
 * Return: the page, or NULL without memory, counted in nomem
 */
struct page *td_page_own(struct td_store *st, struct page **slot, bool fill)
{
	struct page *old = *slot;
	struct page *page;

	if (old && page_ref_count(old) == 1)
		return old;
	page = td_page_take(st);
	if (!page)
		return NULL;
	if (fill && old)
		copy_highpage(page, old);
	else if (fill)
		clear_highpage(page);
	td_page_drop(st, old);
	*slot = page;
	return page;
}

/* Blocks. */

/**
 * td_blk_find() - look a block up
 * @st: the store
 * @index: its number
 *
 * Return: the block or NULL
 */
struct td_blk *td_blk_find(struct td_store *st, unsigned long index)
{
	return xa_load(&st->blks, index);
}

/**
 * td_blk_make() - look a block up, make it when it is absent
 * @st: the store
 * @index: its number
 * @gfp: how to allocate
 *
 * Return: the block, or NULL without memory
 */
struct td_blk *td_blk_make(struct td_store *st, unsigned long index, gfp_t gfp)
{
	struct td_blk *blk = td_blk_find(st, index);

	if (blk)
		return blk;
	blk = kzalloc(sizeof(*blk), gfp);
	if (!blk)
		return NULL;
	INIT_LIST_HEAD(&blk->link);
	blk->index = index;
	if (xa_err(xa_store_bh(&st->blks, index, blk, gfp))) {
		kfree(blk);
		return NULL;
	}
	return blk;
}

/* The durable content of the block changed. */
static void td_blk_unsaved(struct td_store *st, struct td_blk *blk)
{
	if (st->backed)
		xa_set_mark(&st->blks, blk->index, TD_UNSAVED);
}

static void td_sector_copy(struct page *dst, struct page *src, unsigned int s)
{
	u32 off = s << SECTOR_SHIFT;

	if (src)
		memcpy_page(dst, off, src, off, SECTOR_SIZE);
	else
		memzero_page(dst, off, SECTOR_SIZE);
}

/* Keep the current content of a sector as its durable content. */
static void td_sector_save(struct td_store *st, struct td_blk *blk,
			   unsigned int s)
{
	struct page *page;

	if (!blk->cur && !blk->old)
		return;
	page = td_page_own(st, &blk->old, true);
	if (page)
		td_sector_copy(page, blk->cur, s);
}

/* The sectors of @part are about to get volatile content. */
static void td_blk_soil_part(struct td_store *st, struct td_blk *blk,
			     const struct td_part *part)
{
	unsigned int s = part->off >> SECTOR_SHIFT;
	unsigned int last = (part->off + part->len - 1) >> SECTOR_SHIFT;

	for (; s <= last; s++) {
		if (!(blk->mask & BIT(s))) {
			td_sector_save(st, blk, s);
			if (!blk->mask)
				list_add_tail(&blk->link, &st->dirty);
			blk->mask |= BIT(s);
			st->nr_unflushed++;
		} else if (blk->stamp[s] <= st->flush_seq) {
			/*
			 * A flush in flight promises this content, and there is
			 * no third page for it: it becomes durable a little
			 * early, as a real disk may do.
			 */
			td_sector_save(st, blk, s);
			td_blk_unsaved(st, blk);
		}
		blk->stamp[s] = st->seq;
	}
}

/* All of a clean block: the page moves instead of eight sectors. */
static void td_blk_soil_all(struct td_store *st, struct td_blk *blk)
{
	blk->old = blk->cur;
	blk->cur = NULL;
	blk->mask = U8_MAX;
	memset64(blk->stamp, st->seq, TD_BLK_SECTORS);
	list_add_tail(&blk->link, &st->dirty);
	st->nr_unflushed += TD_BLK_SECTORS;
}

/**
 * td_blk_clean() - the current content of some sectors is the durable one
 * @st: the store
 * @blk: the block
 * @mask: the sectors
 */
void td_blk_clean(struct td_store *st, struct td_blk *blk, u8 mask)
{
	mask &= blk->mask;
	if (!mask)
		return;
	st->nr_unflushed -= hweight8(mask);
	blk->mask &= ~mask;
	td_blk_unsaved(st, blk);
	if (blk->mask)
		return;
	list_del_init(&blk->link);
	td_page_drop(st, blk->old);
	blk->old = NULL;
}

/**
 * td_blk_write() - change the current content of a part
 * @st: the store
 * @part: which bytes; its block exists
 * @src: new content
 * @durable: do not make the sectors unflushed; the caller cleans those that are
 */
void td_blk_write(struct td_store *st, const struct td_part *part,
		  const void *src, bool durable)
{
	struct td_blk *blk = td_blk_find(st, part->index);
	bool full = part->len == TD_BLK_SIZE;
	struct page *page;

	if (!blk) {
		st->nomem++;
		return;
	}
	if (durable)
		td_blk_unsaved(st, blk);
	else if (full && !blk->mask)
		td_blk_soil_all(st, blk);
	else
		td_blk_soil_part(st, blk, part);
	page = td_page_own(st, &blk->cur, !full);
	if (page)
		memcpy_to_page(page, part->off, src, part->len);
}

/**
 * td_blk_zero() - zero the current content of a part
 * @st: the store
 * @part: which bytes
 * @durable: as in td_blk_write()
 */
void td_blk_zero(struct td_store *st, const struct td_part *part, bool durable)
{
	struct td_blk *blk = td_blk_find(st, part->index);
	bool full = part->len == TD_BLK_SIZE;
	struct page *page;

	if (!blk || (!blk->cur && !blk->mask))
		return;
	if (!durable && full && !blk->mask) {
		td_blk_soil_all(st, blk);
		return;
	}
	if (durable)
		td_blk_unsaved(st, blk);
	else
		td_blk_soil_part(st, blk, part);
	if (full) {
		td_page_drop(st, blk->cur);
		blk->cur = NULL;
	} else if (blk->cur) {
		page = td_page_own(st, &blk->cur, true);
		if (page)
			memzero_page(page, part->off, part->len);
	}
}

/**
 * td_blk_restore() - give sectors their durable content back
 * @st: the store
 * @blk: the block, to be cleaned by the caller
 * @lost: the sectors, all of them unflushed
 */
void td_blk_restore(struct td_store *st, struct td_blk *blk, u8 lost)
{
	struct page *page;
	unsigned int s;

	if (lost == U8_MAX) {
		swap(blk->cur, blk->old);
	} else if (lost && (blk->cur || blk->old)) {
		page = td_page_own(st, &blk->cur, true);
		for (s = 0; page && s < TD_BLK_SECTORS; s++) {
			if (lost & BIT(s))
				td_sector_copy(page, blk->old, s);
		}
	}
}
