/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contents of a test disk, durable and volatile: interface of store.c.
 *
 * Every function here needs the store's owner lock, or a store that nobody
 * else knows.  None sleeps unless it takes a gfp_t that allows it.
 */
#ifndef QBD_TESTDISK_STORE_H
#define QBD_TESTDISK_STORE_H

#include <linux/bits.h>
#include <linux/blk_types.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define TD_BLK_SIZE 4096U
#define TD_BLK_SECTORS (TD_BLK_SIZE >> SECTOR_SHIFT)

static_assert(PAGE_SIZE == TD_BLK_SIZE);

/* What a request does. The values are bits, so that a fault can name a set. */
enum td_kind {
	TD_READ = BIT(0),
	TD_WRITE = BIT(1),
	TD_FLUSH = BIT(2),
	TD_DISCARD = BIT(3),
	TD_ZEROES = BIT(4),
	/* only in fault masks: a write that carries FUA */
	TD_FUA = BIT(5),
};

#define TD_CHANGES (TD_WRITE | TD_DISCARD | TD_ZEROES)

/**
 * struct td_keep - the choice of what survives a crash
 * @seed: decides with @mode RANDOM; equal seeds decide equally
 * @mode: RANDOM, or NONE or ALL of the volatile sectors
 * @grain: bytes that survive or vanish together, 512 or 4096
 */
struct td_keep {
	u64 seed;
	enum {
		TD_KEEP_RANDOM,
		TD_KEEP_NONE,
		TD_KEEP_ALL
	} mode;
	u32 grain;
};

/**
 * struct td_op - the effect of one request on the store, faults applied
 * @kind: one of enum td_kind, not TD_FUA
 * @fua: durable at completion
 * @effect: false when a fault makes the request change nothing
 * @flip: byte in the data whose @flip_bit is inverted, or U64_MAX
 * @flip_bit: 0 to 7
 * @pos: first byte on the disk
 * @len: bytes, shorter than the request when it is torn
 */
struct td_op {
	enum td_kind kind;
	bool fua;
	bool effect;
	u8 flip_bit;
	u64 flip;
	u64 pos;
	u64 len;
};

/**
 * struct td_store - contents of a disk, durable and volatile
 * @blks: struct td_blk by number of the 4 KiB block; absent reads as zeros
 * @dirty: blocks with unflushed sectors
 * @spare: pages kept for writes that have been admitted
 * @nr_spare: length of @spare
 * @nr_reserved: pages promised to writes in flight
 * @size: bytes of the disk
 * @cache: a volatile write cache stands before the medium
 * @backed: durable changes are marked for backing.c
 * @flushes: flushes in flight
 * @seq: writes completed so far
 * @flush_seq: newest write that a flush in flight covers
 * @nr_pages: pages referred to
 * @nr_unflushed: unflushed sectors
 * @nomem: pieces of data lost for want of memory; 0 or the test is void
 *
 * The store has no lock: the owner of the store serialises.
 */
struct td_store {
	struct xarray blks;
	struct list_head dirty;
	struct list_head spare;
	unsigned int nr_spare;
	unsigned int nr_reserved;
	u64 size;
	bool cache;
	bool backed;
	unsigned int flushes;
	u64 seq;
	u64 flush_seq;
	u64 nr_pages;
	u64 nr_unflushed;
	u64 nomem;
};

void td_store_init(struct td_store *st, u64 size, bool cache);
void td_store_destroy(struct td_store *st);
int td_store_clone(struct td_store *to, struct td_store *from, gfp_t gfp);
int td_store_load(struct td_store *st, u64 pos, const void *src, u32 len);
int td_store_prealloc(struct td_store *st);

int td_store_reserve(struct td_store *st, const struct td_op *op, gfp_t gfp,
		     unsigned int *pages);
void td_store_unreserve(struct td_store *st, unsigned int pages);

void td_store_read(struct td_store *st, u64 pos, void *dst, u32 len);
bool td_store_take_unsaved(struct td_store *st, unsigned long *index,
			   void *dst);
void td_store_poke(struct td_store *st, u64 pos, const void *src, u32 len);
void td_store_flip(struct td_store *st, u64 pos, unsigned int bit);

void td_op_begin(struct td_store *st);
void td_op_piece(struct td_store *st, const struct td_op *op, u64 off,
		 const void *src, u32 len);
void td_op_piece_torn(struct td_store *st, const struct td_op *op, u64 off,
		      const void *src, u32 len, const struct td_keep *keep);
void td_op_zero_torn(struct td_store *st, const struct td_op *op,
		     const struct td_keep *keep);
void td_op_end(struct td_store *st, const struct td_op *op);
void td_op_end_torn(struct td_store *st, const struct td_op *op,
		    const struct td_keep *keep);

u64 td_store_flush_begin(struct td_store *st);
void td_store_flush_end(struct td_store *st, u64 seq, bool effect);
u64 td_store_resolve(struct td_store *st, const struct td_keep *keep);

#endif /* QBD_TESTDISK_STORE_H */
