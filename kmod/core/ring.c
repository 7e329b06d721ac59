// SPDX-License-Identifier: GPL-2.0-only
/*
 * Space of the log; see ring.h for the rules.
 *
 * Pure bookkeeping under the store's lock.  It does not know when the tail
 * may move: the checkpoint does, and it moves the tail here only after both
 * superblock slots that say so are on stable media.
 */
#include "env.h"
#include "ring.h"

/**
 * qbd_ring_mem_bytes() - memory for the segments
 * @nr_recs: size of the log index, a power of two
 *
 * A segment has a record or is a seal, and there are at most as many seals as
 * records: so what has room in the index has room here.
 *
 * Return: bytes.
 */
size_t qbd_ring_mem_bytes(u32 nr_recs)
{
	return array_size(2 * (size_t)nr_recs, sizeof(struct qbd_ring_seg));
}

/**
 * qbd_ring_init() - start with an empty log
 * @ring: to be filled in
 * @blocks: size of the log
 * @nr_recs: size of the log index, a power of two
 * @tail: where the log begins, and ends
 * @mem: as qbd_ring_mem_bytes() says
 */
void qbd_ring_init(struct qbd_ring *ring, u64 blocks, u32 nr_recs,
		   const struct qbd_lpos *tail, void *mem)
{
	memset(ring, 0, sizeof(*ring));
	ring->blocks = blocks;
	ring->tail = *tail;
	ring->head = *tail;
	ring->payload_max = min_t(u64, blocks / 16, QBD_SEG_PAYLOAD_MAX);
	/* One segment's records, each with a header, if it comes to that. */
	ring->relog_reserve = ring->payload_max + QBD_SEG_DESCS;
	ring->control_reserve = min_t(u64, blocks / 16, 256);
	ring->seg = mem;
	ring->seg_mask = 2 * nr_recs - 1;
}

/**
 * qbd_ring_has_room() - may this much wait to be written?
 * @ring: the log's space
 * @who: on whose behalf
 * @blocks: payload and header
 *
 * Return: true if so.
 */
bool qbd_ring_has_room(const struct qbd_ring *ring, enum qbd_room who,
		       u32 blocks)
{
	u64 need = blocks;

	if (who == QBD_ROOM_USER)
		need += ring->control_reserve;
	if (who != QBD_ROOM_RELOG)
		need += ring->relog_reserve;
	return need <= qbd_ring_free(ring);
}

/**
 * qbd_ring_seal_fits() - is there room for a segment without records?
 * @ring: the log's space
 *
 * Return: true if so.
 */
bool qbd_ring_seal_fits(const struct qbd_ring *ring)
{
	return ring->nr_seals < (ring->seg_mask + 1) / 2 &&
	       qbd_ring_has_room(ring, QBD_ROOM_CONTROL, 1);
}

/**
 * qbd_ring_push() - a segment was written at the head
 * @ring: the log's space
 * @head: its head
 * @nr_recs: entries of the log index that go with it
 *
 * Return: 0, -EUCLEAN if it does not lie at the head, -E2BIG if the log can
 * not hold it.
 */
int qbd_ring_push(struct qbd_ring *ring, const struct qbd_seg_head *head,
		  u32 nr_recs)
{
	struct qbd_ring_seg *seg = &ring->seg[ring->seg_end & ring->seg_mask];
	u32 blocks = qbd_seg_blocks(head);

	if (head->lpos < ring->head.lpos)
		return -EUCLEAN;
	if (ring->seg_end - ring->seg_first > ring->seg_mask ||
	    head->lpos + blocks - ring->tail.lpos > ring->blocks)
		return -E2BIG;
	seg->lpos = head->lpos;
	seg->seq = head->seq;
	seg->prev_crc = head->prev_crc;
	seg->nr_recs = nr_recs;
	seg->blocks = blocks;
	ring->seg_end++;
	if (head->flags & QBD_SEG_SEAL)
		ring->nr_seals++;
	qbd_seg_end(head, &ring->head);
	return 0;
}

/**
 * qbd_ring_seg() - a segment in the log
 * @ring: the log's space
 * @count: from @ring->seg_first up to, not including, @ring->seg_end
 *
 * Return: the segment.
 */
const struct qbd_ring_seg *qbd_ring_seg(const struct qbd_ring *ring, u64 count)
{
	return &ring->seg[count & ring->seg_mask];
}

/**
 * qbd_ring_seg_lpos() - where a segment begins, as a superblock says it
 * @ring: the log's space
 * @count: as in qbd_ring_seg(), or @ring->seg_end for the head
 * @at: filled in
 */
void qbd_ring_seg_lpos(const struct qbd_ring *ring, u64 count,
		       struct qbd_lpos *at)
{
	const struct qbd_ring_seg *seg;

	if (count == ring->seg_end) {
		*at = ring->head;
		return;
	}
	seg = qbd_ring_seg(ring, count);
	at->lpos = seg->lpos;
	at->seq = seg->seq;
	at->prev_crc = seg->prev_crc;
}

/**
 * qbd_ring_pop() - the oldest segment leaves the log
 * @ring: the log's space
 *
 * Its records have left the index already.
 */
void qbd_ring_pop(struct qbd_ring *ring)
{
	const struct qbd_ring_seg *seg = qbd_ring_seg(ring, ring->seg_first);

	/* A segment without records and payload is a seal. */
	if (seg->blocks == 1 && !seg->nr_recs && ring->nr_seals)
		ring->nr_seals--;
	ring->seg_first++;
	qbd_ring_seg_lpos(ring, ring->seg_first, &ring->tail);
}

/**
 * qbd_ring_extents() - where a part of the log lies on the device
 * @ring: the log's space
 * @wal_first: first block of the log's region
 * @lpos: position in the log
 * @blocks: length, at most that of the log
 * @extent: filled in; the second one if the part wraps round the end
 *
 * Return: 1 or 2.
 */
u32 qbd_ring_extents(const struct qbd_ring *ring, u64 wal_first, u64 lpos,
		     u32 blocks, struct qbd_extent extent[2])
{
	u64 offset;

	div64_u64_rem(lpos, ring->blocks, &offset);
	extent[0].block = wal_first + offset;
	extent[0].blocks = min_t(u64, blocks, ring->blocks - offset);
	extent[1].block = wal_first;
	extent[1].blocks = blocks - extent[0].blocks;
	return extent[1].blocks ? 2 : 1;
}
