/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Positions in the history of a shard.
 *
 * A record of a history is named by (term, index): index counts the records
 * of the shard, term says which leader put it there.  Equal positions are
 * equal records and equal histories up to them.  {0, 0} is the position of a
 * history without records; no record has it.
 */
#ifndef QBD_CORE_POS_H
#define QBD_CORE_POS_H

#include "env.h"

/**
 * struct qbd_pos - a position in the history of a shard
 * @term: term of the record
 * @index: index of the record
 */
struct qbd_pos {
	u64 term;
	u64 index;
};

/**
 * qbd_pos_cmp() - order of positions: by term, then by index
 * @a: one position
 * @b: another one
 *
 * Of two histories the one with the higher last position is the one to keep:
 * a later term holds all that earlier terms committed.
 *
 * Return: below, equal to or above 0 as @a is before, at or after @b.
 */
static inline int qbd_pos_cmp(struct qbd_pos a, struct qbd_pos b)
{
	if (a.term != b.term)
		return a.term < b.term ? -1 : 1;
	if (a.index != b.index)
		return a.index < b.index ? -1 : 1;
	return 0;
}

/**
 * qbd_pos_equal() - is it the same position?
 * @a: one position
 * @b: another one
 *
 * Return: true if so.
 */
static inline bool qbd_pos_equal(struct qbd_pos a, struct qbd_pos b)
{
	return a.term == b.term && a.index == b.index;
}

/**
 * struct qbd_log_rec - a record of the local log
 * @pos: its position
 * @op: enum qbd_rec_op
 * @rec_flags: QBD_REC_FUA
 * @payload_blocks: blocks of payload
 * @block: first block of the range
 * @blocks: length of the range
 * @crc: CRC32C of the payload
 */
struct qbd_log_rec {
	struct qbd_pos pos;
	u8 op;
	u8 rec_flags;
	u16 payload_blocks;
	u32 block;
	u32 blocks;
	u32 crc;
};

#endif /* QBD_CORE_POS_H */
