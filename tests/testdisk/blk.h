/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks and pages of a test disk's store: shared by blk.c and store.c only.
 *
 * A block of 4 KiB has its current page and, while some of its sectors are
 * unflushed, a page with the durable content of those sectors.
 *
 * Context: as store.h.
 */
#ifndef QBD_TESTDISK_BLK_H
#define QBD_TESTDISK_BLK_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "testdisk.h"

/* Marks blocks whose durable content the backing device lacks. */
#define TD_UNSAVED XA_MARK_0

/**
 * struct td_blk - one block of 4 KiB
 * @link: in td_store.dirty while @mask is not zero
 * @index: number of the block
 * @cur: current content, NULL for zeros
 * @old: durable content of the sectors in @mask, NULL for zeros
 * @mask: unflushed sectors
 * @stamp: td_store.seq of the write that made each sector unflushed
 */
struct td_blk {
	struct list_head link;
	unsigned long index;
	struct page *cur;
	struct page *old;
	u8 mask;
	u64 stamp[TD_BLK_SECTORS];
};

/**
 * struct td_part - bytes of one block
 * @index: number of the block
 * @off: first byte in it
 * @len: bytes, not beyond its end
 */
struct td_part {
	unsigned long index;
	u32 off;
	u32 len;
};

struct td_part td_part_at(u64 pos, u64 len);
void td_spare_trim(struct td_store *st);
struct page *td_page_own(struct td_store *st, struct page **slot, bool fill);
struct td_blk *td_blk_find(struct td_store *st, unsigned long index);
struct td_blk *td_blk_make(struct td_store *st, unsigned long index, gfp_t gfp);
void td_blk_clean(struct td_store *st, struct td_blk *blk, u8 mask);
void td_blk_write(struct td_store *st, const struct td_part *part,
		  const void *src, bool durable);
void td_blk_zero(struct td_store *st, const struct td_part *part, bool durable);
void td_blk_restore(struct td_store *st, struct td_blk *blk, u8 lost);

#endif /* QBD_TESTDISK_BLK_H */
