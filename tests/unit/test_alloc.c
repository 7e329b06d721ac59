// SPDX-License-Identifier: GPL-2.0-only
/* core/alloc.c: chunks in use, freed with the next checkpoint, promised. */
#include "harness.h"
#include "alloc.h"

#define CHUNKS 200U

FIXTURE(alloc)
{
	struct qbd_alloc alloc;
	void *mem;
};

FIXTURE_SETUP(alloc)
{
	self->mem = calloc(1, qbd_alloc_mem_bytes(CHUNKS));
	qbd_alloc_init(&self->alloc, CHUNKS, self->mem);
}

FIXTURE_TEARDOWN(alloc)
{
	free(self->mem);
}

static u32 take(struct qbd_alloc *alloc)
{
	u32 phys = U32_MAX;

	qbd_alloc_reserve(alloc);
	ASSERT_EQ(0, qbd_alloc_take(alloc, &phys));
	ASSERT_LT(phys, CHUNKS);
	return phys;
}

static void settle(struct qbd_alloc *alloc)
{
	while (qbd_alloc_settle(alloc, 1))
		;
}

TEST_F(alloc, all_is_free)
{
	EXPECT_EQ(CHUNKS, self->alloc.nr_free);
	EXPECT_EQ(CHUNKS, qbd_alloc_room(&self->alloc));
	EXPECT_FALSE(qbd_alloc_settle(&self->alloc, 100));
}

TEST_F(alloc, a_map_that_can_not_be)
{
	EXPECT_EQ(0, qbd_alloc_load(&self->alloc, 0));
	EXPECT_EQ(0, qbd_alloc_load(&self->alloc, CHUNKS - 1));
	/* Two entries lead to one chunk; there is no such chunk. */
	EXPECT_EQ(-EUCLEAN, qbd_alloc_load(&self->alloc, 0));
	EXPECT_EQ(-EUCLEAN, qbd_alloc_load(&self->alloc, CHUNKS));
	EXPECT_EQ(-EUCLEAN, qbd_alloc_load(&self->alloc, U64_MAX));
	EXPECT_EQ(CHUNKS - 2, self->alloc.nr_free);
}

TEST_F(alloc, promises_count)
{
	struct qbd_alloc *alloc = &self->alloc;
	u32 phys;

	qbd_alloc_reserve(alloc);
	qbd_alloc_reserve(alloc);
	EXPECT_EQ(CHUNKS - 2, qbd_alloc_room(alloc));
	EXPECT_EQ(CHUNKS, alloc->nr_free);
	qbd_alloc_unreserve(alloc);
	EXPECT_EQ(CHUNKS - 1, qbd_alloc_room(alloc));
	/* Taking what was promised leaves the room as it is. */
	ASSERT_EQ(0, qbd_alloc_take(alloc, &phys));
	EXPECT_EQ(CHUNKS - 1, qbd_alloc_room(alloc));
	EXPECT_EQ(CHUNKS - 1, alloc->nr_free);
	EXPECT_EQ(0, alloc->nr_reserved);
}

TEST_F(alloc, every_chunk_once)
{
	bool seen[CHUNKS] = { false };
	u32 i, phys;

	for (i = 0; i < CHUNKS; i++) {
		phys = take(&self->alloc);
		ASSERT_FALSE(seen[phys]);
		seen[phys] = true;
	}
	EXPECT_EQ(0, self->alloc.nr_free);
	EXPECT_EQ(0, qbd_alloc_room(&self->alloc));
}

TEST_F(alloc, loaded_chunks_are_passed_by)
{
	u32 i;

	for (i = 0; i < CHUNKS; i++)
		if (i != 130)
			ASSERT_EQ(0, qbd_alloc_load(&self->alloc, i));
	EXPECT_EQ(130, take(&self->alloc));
	EXPECT_EQ(0, self->alloc.nr_free);
}

TEST_F(alloc, a_freed_chunk_waits_for_the_checkpoint)
{
	struct qbd_alloc *alloc = &self->alloc;
	u32 i, phys;

	for (i = 0; i < CHUNKS; i++)
		take(alloc);
	qbd_alloc_free(alloc, 77);
	EXPECT_EQ(0, alloc->nr_free);
	EXPECT_EQ(1, alloc->nr_freeing);
	/* Nobody else can be promised what is not free yet. */
	EXPECT_EQ(0, qbd_alloc_room(alloc));
	/* The map on the disk still leads to it. */
	EXPECT_EQ(-EUCLEAN, qbd_alloc_load(alloc, 77));
	settle(alloc);
	EXPECT_EQ(1, alloc->nr_free);
	EXPECT_EQ(0, alloc->nr_freeing);
	EXPECT_EQ(1, qbd_alloc_room(alloc));
	phys = take(alloc);
	EXPECT_EQ(77, phys);
}

/* What is freeing is promised in the same breath: room does not go below 0. */
TEST_F(alloc, more_promised_than_free)
{
	struct qbd_alloc *alloc = &self->alloc;
	u32 i;

	for (i = 0; i < CHUNKS; i++)
		take(alloc);
	qbd_alloc_reserve(alloc);
	qbd_alloc_free(alloc, 5);
	EXPECT_EQ(0, qbd_alloc_room(alloc));
	settle(alloc);
	EXPECT_EQ(1, alloc->nr_free);
	EXPECT_EQ(0, qbd_alloc_room(alloc));
}

TEST_F(alloc, settles_in_steps)
{
	struct qbd_alloc *alloc = &self->alloc;
	u32 i;

	for (i = 0; i < CHUNKS; i++)
		take(alloc);
	qbd_alloc_free(alloc, 0);
	qbd_alloc_free(alloc, 63);
	qbd_alloc_free(alloc, 64);
	qbd_alloc_free(alloc, CHUNKS - 1);
	EXPECT_TRUE(qbd_alloc_settle(alloc, 1));
	EXPECT_EQ(2, alloc->nr_free);
	EXPECT_TRUE(qbd_alloc_settle(alloc, 2));
	EXPECT_EQ(3, alloc->nr_free);
	EXPECT_FALSE(qbd_alloc_settle(alloc, 1));
	EXPECT_EQ(4, alloc->nr_free);
	EXPECT_EQ(0, alloc->nr_freeing);
	/* The next time it begins anew. */
	qbd_alloc_free(alloc, 1);
	EXPECT_FALSE(qbd_alloc_settle(alloc, 100));
	EXPECT_EQ(5, alloc->nr_free);
}

TEST_F(alloc, a_stream_lies_together)
{
	u32 first = take(&self->alloc);
	u32 i;

	for (i = 1; i < 20; i++)
		EXPECT_EQ(first + i, take(&self->alloc));
	/* What was freed behind the cursor waits for its turn. */
	qbd_alloc_free(&self->alloc, first);
	settle(&self->alloc);
	EXPECT_EQ(first + 20, take(&self->alloc));
}

enum {
	FREE,
	USED,
	FREEING
};

/* Random operations against a byte for each chunk. */
TEST_F(alloc, like_plain_flags)
{
	struct qbd_alloc *alloc = &self->alloc;
	u8 state[CHUNKS] = { FREE };
	u64 nr[3] = { CHUNKS, 0, 0 };
	u32 round, i;

	for (round = 0; round < 50000; round++) {
		u32 phys = th_rand() % CHUNKS;
		u32 what = th_rand() % 20;

		if (what < 10 && qbd_alloc_room(alloc)) {
			phys = take(alloc);
			ASSERT_EQ(FREE, state[phys]);
			state[phys] = USED;
			nr[FREE]--;
			nr[USED]++;
		} else if (what < 19 && state[phys] == USED) {
			qbd_alloc_free(alloc, phys);
			state[phys] = FREEING;
			nr[USED]--;
			nr[FREEING]++;
		} else if (what == 19) {
			settle(alloc);
			for (i = 0; i < CHUNKS; i++)
				if (state[i] == FREEING)
					state[i] = FREE;
			nr[FREE] += nr[FREEING];
			nr[FREEING] = 0;
		}
		ASSERT_EQ(nr[FREE], alloc->nr_free);
		ASSERT_EQ(nr[FREEING], alloc->nr_freeing);
		ASSERT_EQ(nr[FREE], qbd_alloc_room(alloc));
	}
}

TEST_HARNESS_MAIN
