/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments of the log: header blocks in and out of their host form.
 *
 * A header is made with qbd_seg_start(), qbd_seg_add() for each record, in
 * the order of their payloads, and qbd_seg_finish(), which validates what was
 * made by decoding it again: what this code would not accept from a disk it
 * does not write to one.
 *
 * Decoding a header proves that the block is one of this store, whole, and
 * within the rules of a single segment.  Whether it is the next of the chain
 * is for the caller, with qbd_seg_follows(), and whether the payload is whole
 * too, with qbd_payload_crc().
 */
#ifndef QBD_CORE_WAL_FORMAT_H
#define QBD_CORE_WAL_FORMAT_H

#include "block.h"
#include "super.h"

#define QBD_SEG_PAYLOAD_MAX (QBD_SEG_BLOCKS_MAX - 1)

/**
 * struct qbd_seg_head - head of a segment in host form
 * @run: run number
 * @seq: sequence number
 * @lpos: position of the header in the log
 * @durable_seq: last segment known on stable media when it was written
 * @prev_crc: header CRC of the segment before
 * @crc: header CRC of this one
 * @flags: QBD_SEG_*
 * @nr_descs: records
 * @payload_blocks: blocks that follow the header
 */
struct qbd_seg_head {
	u64 run;
	u64 seq;
	u64 lpos;
	u64 durable_seq;
	u32 prev_crc;
	u32 crc;
	u32 flags;
	u32 nr_descs;
	u32 payload_blocks;
};

/**
 * struct qbd_desc - descriptor of a record in host form
 * @replica: replica id
 * @term: see struct qbd_disk_desc
 * @index: index of the record (TRUNCATE: the new last index)
 * @aux0: records with an index: term of the record before it, @index - 1
 *	(0 if there is none); PROMISE: nonce
 * @aux1: PROMISE, DELETE: config epoch
 * @aux2: PROMISE: node
 * @aux3: PROMISE: lease, in ms
 * @crc: CRC of the payload, 0 without payload
 * @block: first block of the range in the shard
 * @blocks: length of the range in blocks
 * @payload_blocks: blocks of payload
 * @op: enum qbd_rec_op
 * @flags: QBD_REC_*
 */
struct qbd_desc {
	u64 replica;
	u64 term;
	u64 index;
	u64 aux0;
	u64 aux1;
	u32 aux2;
	u32 aux3;
	u32 crc;
	u32 block;
	u32 blocks;
	u16 payload_blocks;
	u8 op;
	u8 flags;
};

/**
 * qbd_op_has_index() - is this record one of a shard's history?
 * @op: enum qbd_rec_op
 *
 * Return: true for those with an index of their own.
 */
static inline bool qbd_op_has_index(u8 op)
{
	return op >= QBD_OP_WRITE && op <= QBD_OP_CONFIG;
}

/**
 * qbd_seg_blocks() - length of a segment
 * @head: its head
 *
 * Return: blocks, header included.
 */
static inline u32 qbd_seg_blocks(const struct qbd_seg_head *head)
{
	return 1 + head->payload_blocks;
}

/* Decoding. */
int __must_check qbd_seg_decode(const void *block, u32 seed, u64 wal_blocks,
				struct qbd_seg_head *head);
void qbd_seg_desc(const void *block, u32 i, struct qbd_desc *desc);
bool qbd_seg_follows(const struct qbd_seg_head *head,
		     const struct qbd_lpos *at);
void qbd_seg_end(const struct qbd_seg_head *head, struct qbd_lpos *end);
int __must_check qbd_desc_check(const struct qbd_desc *desc);

/* Encoding. */
void qbd_seg_start(void *block);
int __must_check qbd_seg_add(void *block, const struct qbd_desc *desc);
int __must_check qbd_seg_finish(void *block, u32 seed, u64 wal_blocks,
				struct qbd_seg_head *head);

#endif /* QBD_CORE_WAL_FORMAT_H */
