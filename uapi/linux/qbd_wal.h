/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * qbd store format: every byte that qbd keeps on a disk.
 *
 * A store is one block device, addressed in blocks of 4096 bytes:
 *
 *	block 0				superblock, slot 0
 *	block 16			superblock, slot 1
 *	[wal_first, +wal_blocks)	write-ahead log, a ring of segments
 *	[meta_first, +2 * meta_pages)	metadata pages, two slots each
 *	[data_first, ...)		physical chunks: the blocks' homes
 *
 * SUPERBLOCK.  Both slots are written at every update, slot 0 first, each
 * with FUA, before anything that the older state still needs is reused.  So
 * the slots differ only across a crash, the higher generation wins, and one
 * damaged slot never brings an old state back.
 *
 * METADATA.  Logical pages, each with two places on the disk; the one in
 * use is named by the parent's entry {generation, crc}: place = generation
 * & 1, generation 0 = never written, all zero.  Parents are directory pages,
 * their parents are directory pages, up to the root entries inside the
 * superblock.  A checkpoint writes changed pages to their other place,
 * flushes, then writes the superblock: the whole tree changes at one instant,
 * a torn write is never looked at, and a flipped bit, a lost or a misdirected
 * write is a CRC mismatch with the parent.  Level 0 holds the replica table
 * (the first table_pages pages) and the map pages of the replicas.
 *
 * LOG.  Positions are blocks counted from the first byte ever logged; block
 * lpos lies at wal_first + lpos % wal_blocks, its lap is lpos / wal_blocks.
 * A segment is one header block followed by the payload blocks of its
 * records in descriptor order; it may wrap round the end of the region.
 * Each segment names its run (new at every open of the store), the header
 * CRC of the segment before it, and the last segment known to be on stable
 * media when it was written.  Replay follows this chain and nothing else:
 * what was cut by an earlier recovery carries an older run and is not in
 * the chain, however valid its CRC.  A bad segment after which a segment of
 * the same run proves it durable is corruption and never cut; a bad one
 * without such proof is the torn tail.  Of a damaged stretch nobody knows
 * what was in it: a replica goes on as before only if its records form a
 * chain across it, to the last one that the replica table or the log behind
 * the stretch names.
 *
 * All integers are little-endian.  All CRCs are CRC32C (Castagnoli, initial
 * value ~0, no final inversion).  Those of superblocks, metadata pages and
 * segment headers are over the whole block with the crc field zero and start
 * from the CRC of the store's uuid, so that blocks of another store, or of
 * this device's earlier life, do not verify.  That of a record's payload is
 * over the payload alone: it is taken once, by the leader, and kept by all
 * replicas.  Reserved bytes are zero and are checked.
 */
#ifndef _UAPI_LINUX_QBD_WAL_H
#define _UAPI_LINUX_QBD_WAL_H

#include <linux/types.h>

#define QBD_BLOCK_SHIFT 12
#define QBD_BLOCK_SIZE 4096

#define QBD_SUPER_MAGIC 0x45524f5453444251ULL /* "QBDSTORE" */
#define QBD_FORMAT_VERSION 1
#define QBD_SUPER_SLOTS 2
#define QBD_SUPER_BLOCK_0 0
#define QBD_SUPER_BLOCK_1 16
#define QBD_SUPER_ROOTS 448
#define QBD_META_LEVELS_MAX 3

/* Superblock flags */
#define QBD_SUPER_CLEAN (1U << 0) /* closed in order; log_known is the end */
#define QBD_SUPER_FORGOT (1U << 1) /* was rolled back: see core/open.h */
#define QBD_SUPER_ALL (QBD_SUPER_CLEAN | QBD_SUPER_FORGOT)
/* most opens that a store may be told of: its own count goes on from there */
#define QBD_OPENS_MAX (1ULL << 60)

/**
 * struct qbd_disk_lpos - a place in the log where a segment begins
 * @lpos: block position since the first byte ever logged
 * @seq: sequence number of the segment that begins there
 * @prev_crc: header CRC of the segment before it
 * @reserved: zero
 */
struct qbd_disk_lpos {
	__le64 lpos;
	__le64 seq;
	__le32 prev_crc;
	__le32 reserved;
};

/**
 * struct qbd_disk_entry - what a parent knows of a metadata page
 * @gen: how often the page was written; place = gen & 1, 0 = never
 * @crc: CRC32C of the page's 4096 bytes, 0 if @gen is
 */
struct qbd_disk_entry {
	__le32 gen;
	__le32 crc;
};

/**
 * struct qbd_disk_super - one superblock slot (one block)
 * @magic: QBD_SUPER_MAGIC
 * @version: QBD_FORMAT_VERSION
 * @crc: over the block, this field zero
 * @compat: feature bits that may be ignored when unknown
 * @incompat: feature bits that forbid the use of the store when unknown
 * @cluster: cluster uuid
 * @store: store uuid, made at format
 * @gen: counts superblock updates; the higher of the two slots wins
 * @opens: counts opens of this store: its generation counter (S11)
 * @incarnation: random, new at every open of the store
 * @run: run number of the segments written since the last open
 * @node: id of the node that opened it last, 0 = none
 * @flags: QBD_SUPER_*
 * @dev_blocks: size of the device when formatted
 * @wal_first: first block of the log region
 * @wal_blocks: blocks of the log region
 * @meta_first: first block of the metadata region
 * @meta_pages: logical pages of all levels together
 * @data_first: first block of physical chunk 0
 * @data_chunks: number of physical chunks
 * @chunk_shift: log2 of the blocks of a chunk
 * @meta_levels: directory levels above level 0 (1..QBD_META_LEVELS_MAX)
 * @table_pages: level-0 pages at the front that hold the replica table
 * @level_pages: number of pages of level 0, 1, 2, 3
 * @tail: oldest segment kept; replay starts here
 * @known: the segment after the last one known durable when this was written
 * @carried: control records of segments before this one are in the replica
 *	table, and its entries' logged positions are at least of that time
 * @nr_roots: entries in use in @root
 * @reserved: zero
 * @root: entries of the pages of the highest level
 */
struct qbd_disk_super {
	__le64 magic;
	__le32 version;
	__le32 crc;
	__le64 compat;
	__le64 incompat;
	__u8 cluster[16];
	__u8 store[16];
	__le64 gen;
	__le64 opens;
	__le64 incarnation;
	__le64 run;
	__le32 node;
	__le32 flags;
	__le64 dev_blocks;
	__le64 wal_first;
	__le64 wal_blocks;
	__le64 meta_first;
	__le64 meta_pages;
	__le64 data_first;
	__le64 data_chunks;
	__le32 chunk_shift;
	__le32 meta_levels;
	__le32 table_pages;
	__le32 nr_roots;
	__le32 level_pages[QBD_META_LEVELS_MAX + 1];
	struct qbd_disk_lpos tail;
	struct qbd_disk_lpos known;
	__le64 carried;
	__u8 reserved[264];
	struct qbd_disk_entry root[QBD_SUPER_ROOTS];
};

#define QBD_PAGE_MAGIC 0x50444251U /* "QBDP" */
#define QBD_DIR_ENTRIES 508
#define QBD_MAP_ENTRIES 254
#define QBD_TABLE_ENTRIES 7

/* Kinds of metadata pages */
enum qbd_page_kind {
	QBD_PAGE_DIR = 1,
	QBD_PAGE_TABLE = 2,
	QBD_PAGE_MAP = 3,
};

/**
 * struct qbd_disk_page - head of every metadata page
 * @magic: QBD_PAGE_MAGIC
 * @kind: enum qbd_page_kind
 * @gen: generation of this page; low bit = its place
 * @no: logical page number over all levels
 * @owner: replica id of a map page, 0 in others
 * @reserved: zero
 */
struct qbd_disk_page {
	__le32 magic;
	__le32 kind;
	__le32 gen;
	__le32 no;
	__le64 owner;
	__le64 reserved;
};

/* Map entry flags */
#define QBD_MAP_MAPPED (1U << 0) /* @phys is valid */
#define QBD_MAP_ALL QBD_MAP_MAPPED

/**
 * struct qbd_disk_map - one chunk of a replica
 * @last: index of the last change, kept when the chunk is freed
 * @phys: physical chunk, if QBD_MAP_MAPPED
 * @flags: QBD_MAP_*
 */
struct qbd_disk_map {
	__le64 last;
	__le32 phys;
	__le32 flags;
};

#define QBD_SET_MAX 7 /* members of one replica set */

/**
 * struct qbd_disk_member - a member of a replica set
 * @replica: replica id
 * @node: node id
 * @flags: zero
 */
struct qbd_disk_member {
	__le64 replica;
	__le32 node;
	__le32 flags;
};

/**
 * struct qbd_disk_config - replica set of a shard
 * @epoch: config epoch
 * @nr_old: members of the set in force
 * @nr_new: members of the set proposed; 0 = not joint
 * @set: members of the old, then of the new set
 */
struct qbd_disk_config {
	__le64 epoch;
	__le32 nr_old;
	__le32 nr_new;
	struct qbd_disk_member set[2 * QBD_SET_MAX];
};

/* Replica table flags */
#define QBD_REPLICA_USED (1U << 0) /* the slot holds a replica */
#define QBD_REPLICA_NONVOTING (1U << 1) /* promise may be lost: no votes */
#define QBD_REPLICA_SUSPECT (1U << 2) /* records may be lost: no reads */
#define QBD_REPLICA_DELETED (1U << 3) /* in use until DELETE left the log */
#define QBD_REPLICA_LOST (1U << 4) /* map lost: only a full copy helps */
#define QBD_REPLICA_ALL 31U

/* Longer leases are damage: an hour. */
#define QBD_WAL_LEASE_MS_MAX 3600000U

/**
 * struct qbd_disk_replica - one slot of the replica table
 * @replica: replica id, never used twice
 * @volume: volume id
 * @shard: number of the shard in its volume
 * @flags: QBD_REPLICA_*
 * @blocks: size of the shard in blocks
 * @meta_first: first map page (logical page number)
 * @meta_pages: number of map pages
 * @promise_term: highest term promised
 * @promise_nonce: session that it was promised to
 * @promise_epoch: config epoch that came with it
 * @promise_node: node that it was promised to
 * @promise_lease_ms: lease that this node asked for, 0 = not known
 * @applied_term: term of the last record that went home
 * @applied_index: index of that record
 * @commit: highest commit index known
 * @logged_term: term of the last record durable in the log at this checkpoint
 * @logged_index: index of that record
 * @config: replica set as of the last record that went home
 * @reserved: zero
 */
struct qbd_disk_replica {
	__le64 replica;
	__le32 volume;
	__le32 shard;
	__le32 flags;
	__le32 blocks;
	__le32 meta_first;
	__le32 meta_pages;
	__le64 promise_term;
	__le64 promise_nonce;
	__le64 promise_epoch;
	__le32 promise_node;
	__le32 promise_lease_ms;
	__le64 applied_term;
	__le64 applied_index;
	__le64 commit;
	__le64 logged_term;
	__le64 logged_index;
	struct qbd_disk_config config;
	__u8 reserved[168];
};

/* Indexes beyond this are damage: no history gets there, and none wraps. */
#define QBD_WAL_INDEX_MAX (~0ULL >> 2)

/*
 * Highest term. After a higher one had been promised there would be none left
 * to take the shard over with: a -1, or a digit too many, would be for ever.
 */
#define QBD_WAL_TERM_MAX (~0ULL >> 1)

#define QBD_SEG_MAGIC 0x53444251U /* "QBDS" */
#define QBD_SEG_DESCS 62
#define QBD_SEG_BLOCKS_MAX 1025 /* header and 4 MiB of payload */
#define QBD_REC_BLOCKS_MAX 256 /* payload of one record: 1 MiB */

/* What a record does */
enum qbd_rec_op {
	/*
	 * Records of a shard's history: they have an index; aux0 is the term
	 * of the record before, so that a replica's records form a chain.
	 */
	QBD_OP_WRITE = 1, /* payload: the blocks */
	QBD_OP_DISCARD = 2, /* range reads as zero, space is freed */
	QBD_OP_ZERO = 3, /* range reads as zero */
	QBD_OP_TERM = 4, /* a leader's first record in its term */
	QBD_OP_CONFIG = 5, /* payload: struct qbd_disk_config in one block */
	/* records about a replica: no index of their own */
	/* term; aux0 nonce, aux1 epoch, aux2 node, aux3 its lease in ms */
	QBD_OP_PROMISE = 16,
	QBD_OP_TRUNCATE = 17, /* history beyond @index is void */
	QBD_OP_CREATE = 18, /* payload: struct qbd_disk_replica in one block */
	QBD_OP_DELETE = 19, /* aux1: config epoch of the tombstone */
};

/* Record flags */
#define QBD_REC_RELOG (1U << 0) /* copy of an older record */
#define QBD_REC_FUA (1U << 1) /* the user asked for FUA */
#define QBD_REC_ALL 3U

/**
 * struct qbd_disk_desc - descriptor of one record in a segment
 * @replica: replica id
 * @term: term of the record (of the promise, of the leader that truncated)
 * @index: index of the record (TRUNCATE: the new last index)
 * @op: enum qbd_rec_op
 * @flags: QBD_REC_*
 * @payload_blocks: blocks of payload in this segment
 * @crc: CRC32C of the payload, 0 without payload
 * @block: first block of the range in the shard
 * @blocks: length of the range in blocks
 * @aux2: see enum qbd_rec_op
 * @aux3: see enum qbd_rec_op
 * @aux0: see enum qbd_rec_op
 * @aux1: see enum qbd_rec_op
 */
struct qbd_disk_desc {
	__le64 replica;
	__le64 term;
	__le64 index;
	__u8 op;
	__u8 flags;
	__le16 payload_blocks;
	__le32 crc;
	__le32 block;
	__le32 blocks;
	__le32 aux2;
	__le32 aux3;
	__le64 aux0;
	__le64 aux1;
};

/* Segment flags */
#define QBD_SEG_SEAL (1U << 0) /* no records: proves the one before durable */
#define QBD_SEG_ALL QBD_SEG_SEAL

/**
 * struct qbd_disk_seg - header block of a segment
 * @magic: QBD_SEG_MAGIC
 * @crc: over the header block, this field zero
 * @prev_crc: @crc of the segment before
 * @flags: QBD_SEG_*
 * @run: run number, new at every open
 * @seq: sequence number, one more than the segment before
 * @lpos: position of this header in the log
 * @lap: lpos / blocks of the log region
 * @durable_seq: last segment known on stable media when this was written
 * @nr_descs: descriptors in use; the others are zero
 * @payload_blocks: blocks that follow the header
 * @reserved: zero
 * @desc: the records
 */
struct qbd_disk_seg {
	__le32 magic;
	__le32 crc;
	__le32 prev_crc;
	__le32 flags;
	__le64 run;
	__le64 seq;
	__le64 lpos;
	__le64 lap;
	__le64 durable_seq;
	__le32 nr_descs;
	__le32 payload_blocks;
	__u8 reserved[64];
	struct qbd_disk_desc desc[QBD_SEG_DESCS];
};

#endif /* _UAPI_LINUX_QBD_WAL_H */
