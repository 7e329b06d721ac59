/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The superblock of a store: what it says, in host form, and the rules by
 * which one of the two slots on the disk is chosen.
 *
 * Both slots are written at every update, slot 0 first, each with FUA, and
 * nothing that the older state needs is reused before both are there.  So a
 * valid slot with the higher generation is always a state from which the
 * store can go on, and a damaged slot is survived by the other one.
 */
#ifndef QBD_CORE_SUPER_H
#define QBD_CORE_SUPER_H

#include "block.h"
#include "meta.h"

/**
 * struct qbd_lpos - a place in the log where a segment begins
 * @lpos: block position since the first byte ever logged
 * @seq: sequence number of the segment that begins there
 * @prev_crc: header CRC of the segment before it
 */
struct qbd_lpos {
	u64 lpos;
	u64 seq;
	u32 prev_crc;
};

/**
 * struct qbd_layout - where things are on the device; fixed at format
 * @dev_blocks: size of the device when formatted
 * @wal_first: first block of the log region
 * @wal_blocks: blocks of the log region
 * @data_first: first block of physical chunk 0
 * @data_chunks: number of physical chunks
 * @chunk_shift: log2 of the blocks of a chunk
 * @meta: the metadata region
 */
struct qbd_layout {
	u64 dev_blocks;
	u64 wal_first;
	u64 wal_blocks;
	u64 data_first;
	u64 data_chunks;
	u32 chunk_shift;
	struct qbd_meta_geom meta;
};

/**
 * struct qbd_super - a superblock in host form
 * @cluster: cluster uuid
 * @store: store uuid
 * @compat: feature bits, kept as found
 * @gen: counts superblock updates
 * @opens: counts opens of the store
 * @incarnation: random, new at every open
 * @run: run number of the segments written since the last open
 * @node: node that opened it last, 0 = none
 * @flags: QBD_SUPER_*
 * @layout: regions
 * @tail: oldest segment kept
 * @known: the segment after the last one known durable
 * @carried: sequence number of the segment that came next when the last
 *	checkpoint began; control records before it are in the replica table
 *
 * The entries of the metadata tree's roots are not here but in struct
 * qbd_meta, among those of all the other pages.
 */
struct qbd_super {
	u8 cluster[QBD_UUID_SIZE];
	u8 store[QBD_UUID_SIZE];
	u64 compat;
	u64 gen;
	u64 opens;
	u64 incarnation;
	u64 run;
	u32 node;
	u32 flags;
	struct qbd_layout layout;
	struct qbd_lpos tail;
	struct qbd_lpos known;
	u64 carried;
};

/**
 * qbd_super_block() - where a superblock slot lies
 * @slot: 0 or 1
 *
 * Return: device block.
 */
static inline u64 qbd_super_block(u32 slot)
{
	return slot ? QBD_SUPER_BLOCK_1 : QBD_SUPER_BLOCK_0;
}

/**
 * qbd_layout_lpos_block() - device block of a log position
 * @layout: the store's regions
 * @lpos: position in the log
 *
 * Return: device block.
 */
static inline u64 qbd_layout_lpos_block(const struct qbd_layout *layout,
					u64 lpos)
{
	u64 offset;

	div64_u64_rem(lpos, layout->wal_blocks, &offset);
	return layout->wal_first + offset;
}

/**
 * qbd_layout_chunk_block() - device block where a physical chunk begins
 * @layout: the store's regions
 * @phys: physical chunk, below @layout->data_chunks
 *
 * Return: device block.
 */
static inline u64 qbd_layout_chunk_block(const struct qbd_layout *layout,
					 u64 phys)
{
	return layout->data_first + (phys << layout->chunk_shift);
}

int __must_check qbd_layout_check(const struct qbd_layout *layout);
int __must_check qbd_super_check(const struct qbd_super *super);
int __must_check qbd_super_encode(const struct qbd_super *super,
				  const struct qbd_meta_entry *roots,
				  void *block);
int __must_check qbd_super_decode(const void *block, struct qbd_super *super);
void qbd_super_roots(const void *block, struct qbd_meta_entry *roots, u32 nr);

/* Which of the two slots on the disk is the store's state. */
#define QBD_SUPER_NO_SLOT 2U

/**
 * struct qbd_super_choice - which superblock slot is believed, and why
 * @slot: 0 or 1, QBD_SUPER_NO_SLOT if none is usable
 * @error: per slot: 0 = valid, else why not (see qbd_super_decode())
 * @differ: both slots are valid and not equal
 * @lost_write: slot 0 is older than slot 1: a write to it got lost
 * @super: the chosen one, valid if @slot is
 */
struct qbd_super_choice {
	u32 slot;
	int error[QBD_SUPER_SLOTS];
	bool differ;
	bool lost_write;
	struct qbd_super super;
};

int __must_check qbd_super_choose(const void *block0, const void *block1,
				  struct qbd_super_choice *choice);

#endif /* QBD_CORE_SUPER_H */
