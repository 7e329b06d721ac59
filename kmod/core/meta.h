/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metadata tree: where its pages are, which of the two places of a page
 * is in force, which pages a checkpoint has to write.
 *
 * Pages are numbered over all levels, level 0 first: the replica table, then
 * the map pages, then the directory pages of level 1, 2, 3.  What a parent
 * knows of a page, {generation, crc}, is kept here for all pages; directory
 * pages are made from it and are never in memory otherwise.  The contents of
 * table and map pages belong to the caller.
 *
 * A CHECKPOINT.  Pages are marked at any time.  qbd_meta_begin() takes what
 * is marked, with all parents up to the roots, as the batch.  qbd_meta_next()
 * yields the batch bottom-up; the caller fills a block for each page,
 * directory pages with qbd_meta_fill_dir(), and qbd_meta_seal() gives it its
 * head, the next generation and the place, which is never the one in force.
 * A checksum is known when a page is sealed, so all pages of a batch may be
 * under way at once.  When they are all on stable media the superblock is
 * written with the entries of qbd_meta_roots(), and qbd_meta_commit() makes
 * the batch the tree in force.  Until then the tree on the disk is the old
 * one, untouched.  Pages marked since qbd_meta_begin() are of the next batch.
 *
 * No I/O, no memory of its own, no locks: the caller's.
 */
#ifndef QBD_CORE_META_H
#define QBD_CORE_META_H

#include "block.h"

/*
 * Metadata pages of all levels: 20 bytes of memory each, so at most 320 MiB
 * per store, for 4 * 10^9 chunks.
 */
#define QBD_META_PAGES_MAX 16777216U

/**
 * struct qbd_meta_geom - shape of the tree; fixed at format
 * @first: device block of the first place of page 0
 * @nr_pages: pages of all levels together
 * @table_pages: pages at the front that hold the replica table
 * @levels: directory levels above level 0
 * @level_pages: number of pages of each level
 */
struct qbd_meta_geom {
	u64 first;
	u32 nr_pages;
	u32 table_pages;
	u32 levels;
	u32 level_pages[QBD_META_LEVELS_MAX + 1];
};

/**
 * struct qbd_meta_entry - what a parent knows of a page, in host form
 * @gen: generation, 0 = never written, all zero; place = gen & 1
 * @crc: checksum of the page
 */
struct qbd_meta_entry {
	u32 gen;
	u32 crc;
};

/**
 * struct qbd_meta - the tree's entries and marks
 * @geom: shape
 * @seed: of the store's block checksums
 * @cur: entries of the tree in force, by page
 * @next: entries of the tree that the batch makes
 * @marked: pages to be written with the next batch
 * @zeroed: marked pages that become all zero (no write needed)
 * @batch: pages of the batch not yielded yet
 * @sealed: pages of the batch that have their new entry
 * @cursor: where qbd_meta_next() goes on
 * @pending: page that was yielded and is not sealed yet, U32_MAX = none
 * @nr_marked: pages in @marked
 * @in_batch: between qbd_meta_begin() and its end
 */
struct qbd_meta {
	struct qbd_meta_geom geom;
	u32 seed;
	struct qbd_meta_entry *cur;
	struct qbd_meta_entry *next;
	unsigned long *marked;
	unsigned long *zeroed;
	unsigned long *batch;
	unsigned long *sealed;
	u32 cursor;
	u32 pending;
	u32 nr_marked;
	bool in_batch;
};

/* Shape. */
int __must_check qbd_meta_geom_check(const struct qbd_meta_geom *geom);
int __must_check qbd_meta_geom_plan(struct qbd_meta_geom *geom, u32 table_pages,
				    u64 map_pages);
u32 qbd_meta_level_first(const struct qbd_meta_geom *geom, u32 level);
u32 qbd_meta_level(const struct qbd_meta_geom *geom, u32 no);
enum qbd_page_kind qbd_meta_kind(const struct qbd_meta_geom *geom, u32 no);

/**
 * qbd_meta_block() - place of a page
 * @geom: shape of the tree
 * @no: page
 * @gen: generation, not 0
 *
 * Return: device block.
 */
static inline u64 qbd_meta_block(const struct qbd_meta_geom *geom, u32 no,
				 u32 gen)
{
	return geom->first + 2 * (u64)no + (gen & 1);
}

/* Life. */
size_t qbd_meta_size(const struct qbd_meta_geom *geom);
void qbd_meta_init(struct qbd_meta *meta, const struct qbd_meta_geom *geom,
		   u32 seed, void *mem);

/* Loading, top-down; also what check uses. */
void qbd_meta_load_roots(struct qbd_meta *meta,
			 const struct qbd_meta_entry *roots);
int __must_check qbd_meta_verify(const struct qbd_meta *meta, u32 no,
				 const void *block);
int __must_check qbd_meta_load_dir(struct qbd_meta *meta, u32 no,
				   const void *block);

/* Marks. */
void qbd_meta_mark(struct qbd_meta *meta, u32 no);
void qbd_meta_zero(struct qbd_meta *meta, u32 no);

/* A checkpoint. */
void qbd_meta_begin(struct qbd_meta *meta);
bool qbd_meta_next(struct qbd_meta *meta, u32 *no);
void qbd_meta_fill_dir(const struct qbd_meta *meta, u32 no, void *block);
int __must_check qbd_meta_seal(struct qbd_meta *meta, u32 no, u64 owner,
			       void *block, u64 *dev_block);
const struct qbd_meta_entry *qbd_meta_roots(const struct qbd_meta *meta);
void qbd_meta_commit(struct qbd_meta *meta);
void qbd_meta_abort(struct qbd_meta *meta);

#endif /* QBD_CORE_META_H */
