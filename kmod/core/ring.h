/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Space of the log: what is in use from tail to head, what waiting records
 * will need, and who may take the last of it.
 *
 * The log is a ring of blocks that holds whole segments.  Its tail moves from
 * segment to segment, so that each segment in it is known here: where it
 * begins, with its sequence number and the checksum before it, which is what
 * a superblock says of a tail.
 *
 * A waiting record counts with its payload and a header of its own, since it
 * may be alone in its segment; what it did not need comes back when the
 * segment is written.
 *
 * RESERVES.  User records leave room for control records, and both leave room
 * for one batch of re-logged records.  So the tail can always move past a
 * record that may not go home, promises and truncations can always be logged
 * once it did, and a full log never waits for itself.
 */
#ifndef QBD_CORE_RING_H
#define QBD_CORE_RING_H

#include "env.h"
#include "io.h"
#include "super.h"
#include "wal_format.h"

/**
 * enum qbd_room - on whose behalf room is asked for
 * @QBD_ROOM_USER: data; leaves both reserves
 * @QBD_ROOM_CONTROL: control, TERM and CONFIG records; leaves one
 * @QBD_ROOM_RELOG: may take the last block
 */
enum qbd_room {
	QBD_ROOM_USER,
	QBD_ROOM_CONTROL,
	QBD_ROOM_RELOG,
};

/**
 * struct qbd_ring_seg - a segment in the log
 * @lpos: where it begins
 * @seq: its sequence number
 * @prev_crc: header CRC of the segment before
 * @nr_recs: entries of the log index that leave the log with it
 * @blocks: its length
 */
struct qbd_ring_seg {
	u64 lpos;
	u64 seq;
	u32 prev_crc;
	u32 nr_recs;
	u32 blocks;
};

/**
 * struct qbd_ring - space of the log
 * @blocks: size of the log
 * @tail: oldest segment; what lies before may be overwritten
 * @head: where the next segment goes
 * @waiting: blocks that waiting records may need
 * @control_reserve: blocks kept for control records
 * @relog_reserve: blocks kept for re-logging
 * @payload_max: most payload blocks of one segment
 * @seg: FIFO of the segments in the log, a ring
 * @seg_mask: size of @seg, a power of two, less one
 * @seg_first: counts segments that left at the tail
 * @seg_end: counts segments written
 * @nr_seals: seals among those in the log
 */
struct qbd_ring {
	u64 blocks;
	struct qbd_lpos tail;
	struct qbd_lpos head;
	u64 waiting;
	u32 control_reserve;
	u32 relog_reserve;
	u32 payload_max;
	struct qbd_ring_seg *seg;
	u32 seg_mask;
	u64 seg_first;
	u64 seg_end;
	u32 nr_seals;
};

/**
 * qbd_ring_used() - blocks from tail to head
 * @ring: the log's space
 *
 * Return: blocks.
 */
static inline u64 qbd_ring_used(const struct qbd_ring *ring)
{
	return ring->head.lpos - ring->tail.lpos;
}

/**
 * qbd_ring_free() - blocks that nobody has or waits for
 * @ring: the log's space
 *
 * Return: blocks, reserves included.
 */
static inline u64 qbd_ring_free(const struct qbd_ring *ring)
{
	return ring->blocks -
	       min(ring->blocks, qbd_ring_used(ring) + ring->waiting);
}

/**
 * qbd_ring_usable() - blocks that user records can have
 * @ring: the log's space
 *
 * Return: blocks, in use or not.
 */
static inline u64 qbd_ring_usable(const struct qbd_ring *ring)
{
	return ring->blocks - ring->relog_reserve - ring->control_reserve;
}

size_t qbd_ring_mem_bytes(u32 nr_recs);
void qbd_ring_init(struct qbd_ring *ring, u64 blocks, u32 nr_recs,
		   const struct qbd_lpos *tail, void *mem);
bool qbd_ring_has_room(const struct qbd_ring *ring, enum qbd_room who,
		       u32 blocks);
bool qbd_ring_seal_fits(const struct qbd_ring *ring);
int __must_check qbd_ring_push(struct qbd_ring *ring,
			       const struct qbd_seg_head *head, u32 nr_recs);
const struct qbd_ring_seg *qbd_ring_seg(const struct qbd_ring *ring, u64 count);
void qbd_ring_seg_lpos(const struct qbd_ring *ring, u64 count,
		       struct qbd_lpos *at);
void qbd_ring_pop(struct qbd_ring *ring);
u32 qbd_ring_extents(const struct qbd_ring *ring, u64 wal_first, u64 lpos,
		     u32 blocks, struct qbd_extent extent[2]);

#endif /* QBD_CORE_RING_H */
