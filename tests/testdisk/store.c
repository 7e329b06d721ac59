// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contents of a test disk: operations, the volatile cache, flush and crash.
 *
 * Memory comes when a request is admitted: td_store_reserve() puts aside what
 * it may need at worst, so that completion, crash and flush never fail.
 *
 * Context: any, under the lock of the store's owner.  Never sleeps, save for
 * functions that take a gfp_t or that work on a private store.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "blk.h"

/* Whole stores. */

/**
 * td_store_init() - make an empty store, which reads as zeros
 * @st: the store
 * @size: bytes, a multiple of 4096
 * @cache: whether a volatile cache stands before the medium
 */
void td_store_init(struct td_store *st, u64 size, bool cache)
{
	memset(st, 0, sizeof(*st));
	/* its lock nests in one that softirqs take: see td_blk_make() */
	xa_init_flags(&st->blks, XA_FLAGS_LOCK_BH);
	INIT_LIST_HEAD(&st->dirty);
	INIT_LIST_HEAD(&st->spare);
	st->size = size;
	st->cache = cache;
}

/**
 * td_store_destroy() - free all contents
 * @st: the store, unused by anybody
 */
void td_store_destroy(struct td_store *st)
{
	struct td_blk *blk;
	unsigned long index;
	struct page *page;

	xa_for_each(&st->blks, index, blk) {
		if (blk->cur)
			put_page(blk->cur);
		if (blk->old)
			put_page(blk->old);
		kfree(blk);
		cond_resched();
	}
	xa_destroy(&st->blks);
	while (!list_empty(&st->spare)) {
		page = list_first_entry(&st->spare, struct page, lru);
		list_del(&page->lru);
		put_page(page);
	}
	td_store_init(st, st->size, st->cache);
}

/**
 * td_store_clone() - copy a store, sharing its pages
 * @to: initialised and empty
 * @from: no request is in flight on it
 * @gfp: how to allocate
 *
 * Return: 0 or -ENOMEM, and then @to is to be destroyed
 */
int td_store_clone(struct td_store *to, struct td_store *from, gfp_t gfp)
{
	struct td_blk *blk, *copy;
	unsigned long index;

	xa_for_each(&from->blks, index, blk) {
		if (!blk->cur && !blk->mask)
			continue;
		copy = td_blk_make(to, index, gfp);
		if (!copy)
			return -ENOMEM;
		copy->mask = blk->mask;
		memcpy(copy->stamp, blk->stamp, sizeof(copy->stamp));
		copy->cur = blk->cur;
		copy->old = blk->old;
		if (copy->cur)
			get_page(copy->cur);
		if (copy->old)
			get_page(copy->old);
		to->nr_pages += !!copy->cur + !!copy->old;
	}
	/* the order of the list is that of the crash's work, not its result */
	list_for_each_entry(blk, &from->dirty, link) {
		copy = td_blk_find(to, blk->index);
		list_add_tail(&copy->link, &to->dirty);
	}
	to->nr_unflushed = from->nr_unflushed;
	to->seq = from->seq;
	return 0;
}

/**
 * td_store_prealloc() - allocate every page now
 * @st: a private store
 *
 * Return: 0 or -ENOMEM
 */
int td_store_prealloc(struct td_store *st)
{
	unsigned long index;
	struct td_blk *blk;

	for (index = 0; index < st->size / TD_BLK_SIZE; index++) {
		blk = td_blk_make(st, index, GFP_KERNEL);
		if (!blk)
			return -ENOMEM;
		if (blk->cur)
			continue;
		blk->cur = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!blk->cur)
			return -ENOMEM;
		st->nr_pages++;
		cond_resched();
	}
	return 0;
}

/**
 * td_store_load() - set the initial content of some blocks
 * @st: a private store
 * @pos: first byte, a multiple of 4096
 * @src: the content; blocks of zeros stay absent
 * @len: bytes, a multiple of 4096
 *
 * Return: 0 or -ENOMEM
 */
int td_store_load(struct td_store *st, u64 pos, const void *src, u32 len)
{
	struct td_blk *blk;

	for (; len; len -= TD_BLK_SIZE) {
		if (memchr_inv(src, 0, TD_BLK_SIZE)) {
			blk = td_blk_make(st, pos / TD_BLK_SIZE, GFP_KERNEL);
			if (!blk || blk->cur)
				return -ENOMEM;
			blk->cur = alloc_page(GFP_KERNEL);
			if (!blk->cur)
				return -ENOMEM;
			st->nr_pages++;
			memcpy_to_page(blk->cur, 0, src, TD_BLK_SIZE);
		}
		pos += TD_BLK_SIZE;
		src += TD_BLK_SIZE;
	}
	return 0;
}

/* Admission. */

/**
 * td_store_reserve() - put aside what an operation may need
 * @st: the store
 * @op: the operation
 * @gfp: how to allocate
 * @pages: to be given to td_store_unreserve() after the operation
 *
 * A write needs its blocks and at worst two pages for each.  Discards and
 * zeroes move pages instead of filling them, except at their two ends.
 *
 * Return: 0 or -ENOMEM
 */
int td_store_reserve(struct td_store *st, const struct td_op *op, gfp_t gfp,
		     unsigned int *pages)
{
	unsigned int need = 4;
	unsigned long index, last;
	struct page *page;

	*pages = 0;
	if (!(op->kind & TD_CHANGES) || !op->len)
		return 0;
	if (op->kind == TD_WRITE) {
		index = op->pos / TD_BLK_SIZE;
		last = (op->pos + op->len - 1) / TD_BLK_SIZE;
		need = (last - index + 1) * (st->cache ? 2 : 1);
		for (; index <= last; index++) {
			if (!td_blk_make(st, index, gfp))
				return -ENOMEM;
		}
	}
	while (st->nr_spare < st->nr_reserved + need) {
		page = alloc_page(gfp);
		if (!page)
			return -ENOMEM;
		list_add(&page->lru, &st->spare);
		st->nr_spare++;
	}
	st->nr_reserved += need;
	*pages = need;
	return 0;
}

/**
 * td_store_unreserve() - the operation is over
 * @st: the store
 * @pages: from td_store_reserve()
 */
void td_store_unreserve(struct td_store *st, unsigned int pages)
{
	st->nr_reserved -= pages;
	td_spare_trim(st);
}

/* Access. */

/**
 * td_store_read() - read the current content
 * @st: the store
 * @pos: first byte
 * @dst: where to
 * @len: bytes
 */
void td_store_read(struct td_store *st, u64 pos, void *dst, u32 len)
{
	struct td_part part;
	struct td_blk *blk;

	while (len) {
		part = td_part_at(pos, len);
		blk = td_blk_find(st, part.index);
		if (blk && blk->cur)
			memcpy_from_page(dst, blk->cur, part.off, part.len);
		else
			memset(dst, 0, part.len);
		pos += part.len;
		dst += part.len;
		len -= part.len;
	}
}

/**
 * td_store_take_unsaved() - take the next unsaved block for the backing device
 * @st: the store
 * @index: where to start looking; set to the block found, its mark is cleared
 * @dst: 4096 bytes for the durable content
 *
 * Return: false when all from *@index on is saved
 */
bool td_store_take_unsaved(struct td_store *st, unsigned long *index, void *dst)
{
	struct td_blk *blk;
	struct page *page;
	unsigned int s;
	u32 off;

	blk = xa_find(&st->blks, index, ULONG_MAX, TD_UNSAVED);
	if (!blk)
		return false;
	xa_clear_mark(&st->blks, *index, TD_UNSAVED);
	for (s = 0; s < TD_BLK_SECTORS; s++) {
		off = s << SECTOR_SHIFT;
		page = blk->mask & BIT(s) ? blk->old : blk->cur;
		if (page)
			memcpy_from_page(dst + off, page, off, SECTOR_SIZE);
		else
			memset(dst + off, 0, SECTOR_SIZE);
	}
	return true;
}

/**
 * td_store_poke() - change bytes of the medium behind everybody's back
 * @st: the store, td_store_reserve() done for the range
 * @pos: first byte
 * @src: the bytes
 * @len: how many
 *
 * A sector that is unflushed gets the bytes in both of its contents.
 */
void td_store_poke(struct td_store *st, u64 pos, const void *src, u32 len)
{
	struct td_part part;
	struct td_blk *blk;
	struct page *page;

	while (len) {
		part = td_part_at(pos, len);
		td_blk_write(st, &part, src, true);
		blk = td_blk_find(st, part.index);
		if (blk && blk->mask) {
			page = td_page_own(st, &blk->old, true);
			if (page)
				memcpy_to_page(page, part.off, src, part.len);
		}
		pos += part.len;
		src += part.len;
		len -= part.len;
	}
}

/**
 * td_store_flip() - invert one bit of the current content
 * @st: the store, whose block exists and was just written
 * @pos: the byte
 * @bit: 0 to 7
 */
void td_store_flip(struct td_store *st, u64 pos, unsigned int bit)
{
	struct td_part part = td_part_at(pos, 1);
	struct td_blk *blk = td_blk_find(st, part.index);
	struct page *page = blk ? td_page_own(st, &blk->cur, true) : NULL;
	u8 byte;

	if (!page)
		return;
	memcpy_from_page(&byte, page, part.off, 1);
	byte ^= BIT(bit);
	memcpy_to_page(page, part.off, &byte, 1);
}

/* Operations. */

static bool td_op_durable(const struct td_store *st, const struct td_op *op)
{
	return op->fua || !st->cache;
}

/**
 * td_op_begin() - a write, discard or zeroes operation completes now
 * @st: the store
 */
void td_op_begin(struct td_store *st)
{
	st->seq++;
}

/**
 * td_op_piece() - store a piece of a write's data
 * @st: the store
 * @op: the write
 * @off: where in the request's data
 * @src: the piece
 * @len: its length; what lies beyond op->len is not stored
 */
void td_op_piece(struct td_store *st, const struct td_op *op, u64 off,
		 const void *src, u32 len)
{
	struct td_part part;

	if (off >= op->len)
		return;
	len = min_t(u64, len, op->len - off);
	while (len) {
		part = td_part_at(op->pos + off, len);
		td_blk_write(st, &part, src, td_op_durable(st, op));
		off += part.len;
		src += part.len;
		len -= part.len;
	}
}

/**
 * td_op_end() - all pieces are stored
 * @st: the store
 * @op: the operation; discards and zeroes take effect here
 */
void td_op_end(struct td_store *st, const struct td_op *op)
{
	bool durable = td_op_durable(st, op);
	u64 pos = op->pos;
	u64 len = op->len;
	unsigned int first, last;
	struct td_part part;
	struct td_blk *blk;

	if (op->kind == TD_WRITE && op->flip < len)
		td_store_flip(st, pos + op->flip, op->flip_bit);
	while (len) {
		part = td_part_at(pos, len);
		if (op->kind != TD_WRITE)
			td_blk_zero(st, &part, durable);
		blk = td_blk_find(st, part.index);
		if (durable && blk && blk->mask) {
			first = part.off >> SECTOR_SHIFT;
			last = (part.off + part.len - 1) >> SECTOR_SHIFT;
			td_blk_clean(st, blk, GENMASK(last, first));
		}
		pos += part.len;
		len -= part.len;
	}
}

/**
 * td_op_piece_torn() - store of a piece what survives the power cut
 * @st: the store, td_store_resolve() done
 * @op: the write that was in flight
 * @off: where in the request's data
 * @src: the piece
 * @len: its length
 * @keep: the choice
 */
void td_op_piece_torn(struct td_store *st, const struct td_op *op, u64 off,
		      const void *src, u32 len, const struct td_keep *keep)
{
	struct td_part part;
	u64 pos;

	if (off >= op->len)
		return;
	len = min_t(u64, len, op->len - off);
	while (len) {
		pos = op->pos + off;
		part = td_part_at(pos, min_t(u64, len,
					     SECTOR_SIZE - pos % SECTOR_SIZE));
		if (td_keep_inflight(keep, op, pos >> SECTOR_SHIFT))
			td_blk_write(st, &part, src, true);
		off += part.len;
		src += part.len;
		len -= part.len;
	}
}

/**
 * td_op_zero_torn() - zero what of a discard survives the power cut
 * @st: the store, td_store_resolve() done
 * @op: the discard or zeroes operation that was in flight
 * @keep: the choice
 */
void td_op_zero_torn(struct td_store *st, const struct td_op *op,
		     const struct td_keep *keep)
{
	struct td_part part;
	u64 pos;

	for (pos = op->pos; pos < op->pos + op->len; pos += SECTOR_SIZE) {
		part = td_part_at(pos, SECTOR_SIZE);
		if (td_keep_inflight(keep, op, pos >> SECTOR_SHIFT))
			td_blk_zero(st, &part, true);
	}
}

/**
 * td_op_end_torn() - apply the bit flip of a torn write
 * @st: the store
 * @op: the operation
 * @keep: the choice
 */
void td_op_end_torn(struct td_store *st, const struct td_op *op,
		    const struct td_keep *keep)
{
	u64 pos = op->pos + op->flip;

	if (op->kind == TD_WRITE && op->flip < op->len &&
	    td_keep_inflight(keep, op, pos >> SECTOR_SHIFT))
		td_store_flip(st, pos, op->flip_bit);
}

/* The volatile cache. */

/**
 * td_store_flush_begin() - a flush arrives
 * @st: the store
 *
 * Return: what it covers, for td_store_flush_end()
 */
u64 td_store_flush_begin(struct td_store *st)
{
	st->flushes++;
	st->flush_seq = st->seq;
	return st->seq;
}

/**
 * td_store_flush_end() - a flush completes
 * @st: the store
 * @seq: from td_store_flush_begin()
 * @effect: false when a fault makes the flush do nothing
 */
void td_store_flush_end(struct td_store *st, u64 seq, bool effect)
{
	struct td_blk *blk, *next;
	unsigned int s;
	u8 mask;

	if (!--st->flushes)
		st->flush_seq = 0;
	if (!effect)
		return;
	list_for_each_entry_safe(blk, next, &st->dirty, link) {
		mask = 0;
		for (s = 0; s < TD_BLK_SECTORS; s++) {
			if (blk->mask & BIT(s) && blk->stamp[s] <= seq)
				mask |= BIT(s);
		}
		td_blk_clean(st, blk, mask);
	}
}

/**
 * td_store_resolve() - lose power: settle every unflushed sector
 * @st: the store; flushes in flight are forgotten
 * @keep: the choice
 *
 * Return: how many unflushed sectors lost their content
 */
u64 td_store_resolve(struct td_store *st, const struct td_keep *keep)
{
	struct td_blk *blk, *next;
	u64 sector, total = 0;
	unsigned int s;
	u8 lost;

	list_for_each_entry_safe(blk, next, &st->dirty, link) {
		sector = (u64)blk->index * TD_BLK_SECTORS;
		lost = 0;
		for (s = 0; s < TD_BLK_SECTORS; s++) {
			if (blk->mask & BIT(s) &&
			    !td_keep_sector(keep, sector + s))
				lost |= BIT(s);
		}
		td_blk_restore(st, blk, lost);
		td_blk_clean(st, blk, U8_MAX);
		total += hweight8(lost);
	}
	st->flushes = 0;
	st->flush_seq = 0;
	return total;
}
