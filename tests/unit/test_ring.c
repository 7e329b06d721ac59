// SPDX-License-Identifier: GPL-2.0-only
/* core/ring.c: room in the log, its reserves, its segments, its wrap. */
#include "harness.h"
#include "ring.h"

#define BLOCKS 256U
#define RECS 16U
#define FIRST_LPOS 1000U

FIXTURE(ring)
{
	struct qbd_ring ring;
	void *mem;
};

FIXTURE_SETUP(ring)
{
	struct qbd_lpos tail = { .lpos = FIRST_LPOS,
				 .seq = 7,
				 .prev_crc = 0xabcd };

	self->mem = malloc(qbd_ring_mem_bytes(RECS));
	qbd_ring_init(&self->ring, BLOCKS, RECS, &tail, self->mem);
}

FIXTURE_TEARDOWN(ring)
{
	free(self->mem);
}

/* A segment at the head; without records it is a seal. */
static int push(FIXTURE_DATA(ring) * self, u32 payload, u32 nr_recs)
{
	struct qbd_seg_head head = {
		.lpos = self->ring.head.lpos,
		.seq = self->ring.head.seq,
		.prev_crc = self->ring.head.prev_crc,
		.crc = (u32)self->ring.head.seq * 3,
		.nr_descs = nr_recs,
		.payload_blocks = payload,
		.flags = nr_recs ? 0 : QBD_SEG_SEAL,
	};

	return qbd_ring_push(&self->ring, &head, nr_recs);
}

TEST_F(ring, a_new_log_is_empty)
{
	struct qbd_lpos at;

	EXPECT_EQ(0, qbd_ring_used(&self->ring));
	EXPECT_EQ(BLOCKS, qbd_ring_free(&self->ring));
	EXPECT_EQ(BLOCKS / 16, self->ring.payload_max);
	qbd_ring_seg_lpos(&self->ring, self->ring.seg_end, &at);
	EXPECT_EQ(FIRST_LPOS, at.lpos);
	EXPECT_EQ(7, at.seq);
	EXPECT_EQ(0xabcd, at.prev_crc);
}

TEST(a_large_log_has_bounded_segments)
{
	struct qbd_lpos tail = { .lpos = 0, .seq = 1 };
	void *mem = malloc(qbd_ring_mem_bytes(RECS));
	struct qbd_ring ring;

	qbd_ring_init(&ring, 1U << 20, RECS, &tail, mem);
	EXPECT_EQ(QBD_SEG_PAYLOAD_MAX, ring.payload_max);
	EXPECT_EQ(256, ring.control_reserve);
	EXPECT_EQ(QBD_SEG_PAYLOAD_MAX + QBD_SEG_DESCS, ring.relog_reserve);
	free(mem);
}

TEST_F(ring, reserves_are_exact)
{
	struct qbd_ring *ring = &self->ring;
	u32 relog = ring->relog_reserve;
	u32 control = ring->control_reserve;
	u32 n = BLOCKS - relog;

	EXPECT_TRUE(qbd_ring_has_room(ring, QBD_ROOM_RELOG, BLOCKS));
	EXPECT_FALSE(qbd_ring_has_room(ring, QBD_ROOM_RELOG, BLOCKS + 1));
	EXPECT_TRUE(qbd_ring_has_room(ring, QBD_ROOM_CONTROL, n));
	EXPECT_FALSE(qbd_ring_has_room(ring, QBD_ROOM_CONTROL, n + 1));
	EXPECT_TRUE(qbd_ring_has_room(ring, QBD_ROOM_USER, n - control));
	EXPECT_FALSE(qbd_ring_has_room(ring, QBD_ROOM_USER, n - control + 1));
	/* The need of everybody is more than 32 bits can say. */
	EXPECT_FALSE(qbd_ring_has_room(ring, QBD_ROOM_USER, U32_MAX));
}

TEST_F(ring, what_waits_is_taken)
{
	struct qbd_ring *ring = &self->ring;
	u32 n = BLOCKS - ring->relog_reserve - ring->control_reserve;

	ring->waiting = 10;
	EXPECT_EQ(BLOCKS - 10, qbd_ring_free(ring));
	EXPECT_TRUE(qbd_ring_has_room(ring, QBD_ROOM_USER, n - 10));
	EXPECT_FALSE(qbd_ring_has_room(ring, QBD_ROOM_USER, n - 9));
	ASSERT_EQ(0, push(self, 4, 2));
	EXPECT_EQ(5, qbd_ring_used(ring));
	EXPECT_EQ(BLOCKS - 15, qbd_ring_free(ring));
}

TEST_F(ring, segments_come_and_go_in_order)
{
	struct qbd_ring *ring = &self->ring;
	struct qbd_lpos at;
	u32 i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, push(self, i, i + 1));
	EXPECT_EQ(5 + 10, qbd_ring_used(ring));
	for (i = 0; i < 5; i++) {
		const struct qbd_ring_seg *seg =
			qbd_ring_seg(ring, ring->seg_first);

		EXPECT_EQ(i + 1, seg->nr_recs);
		EXPECT_EQ(i + 1, seg->blocks);
		EXPECT_EQ(ring->tail.lpos, seg->lpos);
		EXPECT_EQ(7 + i, seg->seq);
		EXPECT_EQ(i ? (6 + i) * 3 : 0xabcd, seg->prev_crc);
		qbd_ring_pop(ring);
		/* The tail is where the next segment begins. */
		qbd_ring_seg_lpos(ring, ring->seg_first, &at);
		EXPECT_EQ(at.lpos, ring->tail.lpos);
		EXPECT_EQ(8 + i, ring->tail.seq);
		EXPECT_EQ((7 + i) * 3, ring->tail.prev_crc);
	}
	EXPECT_EQ(0, qbd_ring_used(ring));
	EXPECT_EQ(ring->head.lpos, ring->tail.lpos);
}

TEST_F(ring, a_segment_that_can_not_be)
{
	struct qbd_seg_head head = { .lpos = FIRST_LPOS - 1, .seq = 7 };

	EXPECT_EQ(-EUCLEAN, qbd_ring_push(&self->ring, &head, 1));
	/* The whole log, and one block more. */
	head.lpos = FIRST_LPOS;
	head.payload_blocks = BLOCKS;
	EXPECT_EQ(-E2BIG, qbd_ring_push(&self->ring, &head, 1));
	EXPECT_EQ(0, qbd_ring_used(&self->ring));
	EXPECT_EQ(0, self->ring.seg_end);
	head.payload_blocks = BLOCKS - 1;
	EXPECT_EQ(0, qbd_ring_push(&self->ring, &head, 1));
	EXPECT_EQ(BLOCKS, qbd_ring_used(&self->ring));
	EXPECT_EQ(0, qbd_ring_free(&self->ring));
	EXPECT_EQ(-E2BIG, push(self, 0, 1));
}

TEST_F(ring, a_gap_before_a_segment)
{
	struct qbd_seg_head head = { .lpos = FIRST_LPOS + 9,
				     .seq = 12,
				     .payload_blocks = 1 };

	/* Replay goes on behind a damaged stretch. */
	ASSERT_EQ(0, qbd_ring_push(&self->ring, &head, 1));
	EXPECT_EQ(11, qbd_ring_used(&self->ring));
	EXPECT_EQ(13, self->ring.head.seq);
}

TEST_F(ring, room_for_segments_ends)
{
	u32 i;

	for (i = 0; i < 2 * RECS; i++)
		ASSERT_EQ(0, push(self, 0, 1));
	EXPECT_EQ(-E2BIG, push(self, 0, 1));
	qbd_ring_pop(&self->ring);
	EXPECT_EQ(0, push(self, 0, 1));
}

TEST_F(ring, seals_are_bounded)
{
	u32 i;

	for (i = 0; i < RECS; i++) {
		ASSERT_TRUE(qbd_ring_seal_fits(&self->ring));
		ASSERT_EQ(0, push(self, 0, 0));
	}
	EXPECT_FALSE(qbd_ring_seal_fits(&self->ring));
	/* There is still room for each record that the index can hold. */
	for (i = 0; i < RECS; i++)
		ASSERT_EQ(0, push(self, 0, 1));
	qbd_ring_pop(&self->ring);
	EXPECT_TRUE(qbd_ring_seal_fits(&self->ring));
	EXPECT_EQ(RECS - 1, self->ring.nr_seals);
	/* A segment with a record and no payload is none. */
	for (i = 0; i < RECS; i++)
		qbd_ring_pop(&self->ring);
	EXPECT_EQ(0, self->ring.nr_seals);
	qbd_ring_pop(&self->ring);
	EXPECT_EQ(0, self->ring.nr_seals);
}

TEST_F(ring, a_seal_leaves_the_relog_reserve)
{
	struct qbd_ring *ring = &self->ring;

	ring->waiting = BLOCKS - ring->relog_reserve - 1;
	EXPECT_TRUE(qbd_ring_seal_fits(ring));
	ring->waiting++;
	EXPECT_FALSE(qbd_ring_seal_fits(ring));
}

TEST_F(ring, extents_wrap_at_the_end)
{
	struct qbd_extent e[2];

	EXPECT_EQ(1, qbd_ring_extents(&self->ring, 50, 3 * BLOCKS - 8, 8, e));
	EXPECT_EQ(50 + BLOCKS - 8, e[0].block);
	EXPECT_EQ(8, e[0].blocks);
	EXPECT_EQ(0, e[1].blocks);
	EXPECT_EQ(2, qbd_ring_extents(&self->ring, 50, 3 * BLOCKS - 8, 9, e));
	EXPECT_EQ(8, e[0].blocks);
	EXPECT_EQ(50, e[1].block);
	EXPECT_EQ(1, e[1].blocks);
	EXPECT_EQ(1, qbd_ring_extents(&self->ring, 50, 3 * BLOCKS, BLOCKS, e));
	EXPECT_EQ(50, e[0].block);
	EXPECT_EQ(BLOCKS, e[0].blocks);
	EXPECT_EQ(2, qbd_ring_extents(&self->ring, 50, 1, BLOCKS, e));
	EXPECT_EQ(BLOCKS - 1, e[0].blocks);
	EXPECT_EQ(1, e[1].blocks);
}

/* Many times round: used and free are those of a plain queue. */
TEST_F(ring, like_a_queue)
{
	u32 len[2 * RECS], nr = 0, round, i;
	u64 used = 0;

	for (round = 0; round < 20000; round++) {
		u32 payload = th_rand() % (BLOCKS / 16);
		bool fits = nr < 2 * RECS && used + payload + 1 <= BLOCKS;

		if (th_rand() % 2) {
			ASSERT_EQ(fits ? 0 : -E2BIG, push(self, payload, 1));
			if (!fits)
				continue;
			len[nr++] = payload + 1;
			used += payload + 1;
		} else if (nr) {
			ASSERT_EQ(len[0], qbd_ring_seg(&self->ring,
						       self->ring.seg_first)
						  ->blocks);
			qbd_ring_pop(&self->ring);
			used -= len[0];
			for (i = 1; i < nr; i++)
				len[i - 1] = len[i];
			nr--;
		}
		ASSERT_EQ(used, qbd_ring_used(&self->ring));
		ASSERT_EQ(nr, self->ring.seg_end - self->ring.seg_first);
	}
	EXPECT_LT(3 * BLOCKS, self->ring.head.lpos - FIRST_LPOS);
}

TEST_HARNESS_MAIN
