/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads of a store: of blocks of a replica, of records of its log.
 *
 * Both are objects of the caller, who fills in the first part and starts
 * them; the rest is the store's until @done is called.  They allocate nothing
 * but payload pages, for which they wait without a thread, and take no thread
 * while the device works.
 */
#ifndef QBD_STORE_READ_H
#define QBD_STORE_READ_H

#include <linux/bvec.h>
#include <linux/workqueue.h>
#include "backend.h"
#include "core/store.h"
#include "limits.h"
#include "pages.h"

struct qbd_store;

/**
 * struct qbd_store_fetch - a payload on its way back from the log
 * @store: the store
 * @work: goes on when pages are there, when bios have ended
 * @pool: where pages come from
 * @waiter: waits for pages
 * @group: the bios
 * @payload: where to, referenced
 * @extent: where from
 * @nr_extents: 1 or 2
 * @lpos: log position of it
 * @crc: what it should have
 * @blocks: its length
 *
 * The store's own, inside of the reads below.
 */
struct qbd_store_fetch {
	struct qbd_store *store;
	struct work_struct work;
	struct qbd_pool *pool;
	struct qbd_pool_waiter waiter;
	struct qbd_bio_group group;
	struct qbd_payload *payload;
	struct qbd_extent extent[2];
	u32 nr_extents;
	u64 lpos;
	u32 crc;
	u32 blocks;
};

/**
 * struct qbd_read_piece - a part of a read, and where it was found
 * @found: what the core said
 * @payload: LOG: in memory, referenced; NULL: to be fetched
 */
struct qbd_read_piece {
	struct qbd_found found;
	struct qbd_payload *payload;
};

/**
 * struct qbd_store_read - a read of blocks of a replica
 * @store: the store; referenced while the read is under way
 * @slot: the replica
 * @block: first block
 * @blocks: how many, at most QBD_REC_BLOCKS_MAX
 * @bvec: where to, @blocks * QBD_BLOCK_SIZE bytes from @skip_bytes on
 * @skip_bytes: where in the first element of @bvec to begin
 * @done: called once, from process context, no locks
 * @error: 0, or: -EIO the device could not read; -EBADMSG a record in the
 *	log does not verify (both: read it from another replica); -ESHUTDOWN
 *	the store is not active; -ENOENT no such replica; -EINVAL
 * @bad_block: if @error is -EIO or -EBADMSG: the first block that may be bad
 * @first: index up to which the bytes show all records: that of the newest
 *	one when the first wave was looked up
 * @index: index of the newest record that the bytes may show: for the rule
 *	that no overlapping record up to it may be uncompleted (S8)
 * @fetch: the store's own, as all that follows
 * @iter: what is still to be read
 * @at: next block to be read
 * @piece: the parts that are being read
 * @nr_pieces: how many
 * @retries: how often the log had moved on
 * @home_side: in which counter home reads are counted
 * @home: some are counted
 * @counted: the read counts in the store
 *
 * The caller fills in the fields up to @done.  Bytes in @bvec are undefined
 * unless @error is 0.  The pages are written by the device itself until
 * @done: who may have to give up on a read before that reads into a payload
 * of its own.
 */
struct qbd_store_read {
	struct qbd_store *store;
	u32 slot;
	u32 block;
	u32 blocks;
	const struct bio_vec *bvec;
	u32 skip_bytes;
	void (*done)(struct qbd_store_read *read);
	int error;
	u32 bad_block;
	u64 first;
	u64 index;
	struct qbd_store_fetch fetch;
	struct bvec_iter iter;
	u32 at;
	struct qbd_read_piece piece[QBD_STORE_READ_PIECES];
	u32 nr_pieces;
	u32 retries;
	u32 home_side;
	bool home;
	bool counted;
};

/**
 * struct qbd_log_read - a read of one record of a replica's log
 * @store: the store; referenced while the read is under way
 * @slot: the replica
 * @index: the record wanted
 * @done: called once, from process context, no locks
 * @error: 0, or as in struct qbd_store_read; -ENOENT: the log has it no more
 * @desc: the record; valid without error
 * @payload: its payload, a reference for the reader; NULL if it has none
 * @fetch: the store's own
 * @counted: the store's own: the read counts in it
 *
 * The caller fills in the fields up to @done.
 */
struct qbd_log_read {
	struct qbd_store *store;
	u32 slot;
	u64 index;
	void (*done)(struct qbd_log_read *read);
	int error;
	struct qbd_desc desc;
	struct qbd_payload *payload;
	struct qbd_store_fetch fetch;
	bool counted;
};

/*
 * store_read.c, store_fetch.c.  Context: any process context, also under a
 * shard's lock.
 */
void qbd_kstore_read(struct qbd_store_read *read);
void qbd_kstore_log_read(struct qbd_log_read *read);

#endif /* QBD_STORE_READ_H */
