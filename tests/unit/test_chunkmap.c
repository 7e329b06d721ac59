// SPDX-License-Identifier: GPL-2.0-only
/* core/chunkmap.c: map pages, and what a chunk has reserved at each moment. */
#include "harness.h"
#include "chunkmap.h"

#define CHUNKS 16U

FIXTURE(chunkmap)
{
	struct qbd_alloc alloc;
	struct qbd_map_page page;
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
	void *mem;
};

FIXTURE_SETUP(chunkmap)
{
	self->mem = calloc(1, qbd_alloc_mem_bytes(CHUNKS));
	qbd_alloc_init(&self->alloc, CHUNKS, self->mem);
	qbd_map_page_init(&self->page, 5, 3, QBD_MAP_ENTRIES);
}

FIXTURE_TEARDOWN(chunkmap)
{
	free(self->mem);
}

static void settle(struct qbd_alloc *alloc)
{
	while (qbd_alloc_settle(alloc, 1))
		;
}

/* A chunk that is mapped, with nothing pending. */
static void map(struct qbd_chunk *chunk, struct qbd_alloc *alloc, u64 last)
{
	qbd_chunk_pend(chunk, alloc);
	ASSERT_EQ(0, qbd_chunk_fill(chunk, alloc));
	qbd_chunk_change(chunk, alloc, last, false);
	qbd_chunk_unpend(chunk, alloc);
}

TEST_F(chunkmap, one_reservation_however_many_records)
{
	struct qbd_chunk *chunk = self->page.chunk;
	u32 i;

	for (i = 1; i <= 5; i++) {
		qbd_chunk_pend(chunk, &self->alloc);
		EXPECT_EQ(i, qbd_chunk_pending(chunk));
		EXPECT_EQ(1, self->alloc.nr_reserved);
	}
	/* Truncated, all of them: the last one takes it along. */
	for (i = 5; i-- > 0;) {
		EXPECT_EQ(1, self->alloc.nr_reserved);
		qbd_chunk_unpend(chunk, &self->alloc);
		EXPECT_EQ(i, qbd_chunk_pending(chunk));
	}
	EXPECT_EQ(0, self->alloc.nr_reserved);
	EXPECT_EQ(CHUNKS, self->alloc.nr_free);
}

TEST_F(chunkmap, a_chunk_gets_its_home)
{
	struct qbd_chunk *chunk = self->page.chunk;

	qbd_chunk_pend(chunk, &self->alloc);
	qbd_chunk_pend(chunk, &self->alloc);
	EXPECT_FALSE(qbd_chunk_has_home(chunk));
	ASSERT_EQ(0, qbd_chunk_fill(chunk, &self->alloc));
	/* It has one, but readers do not see it before it was filled. */
	EXPECT_TRUE(qbd_chunk_has_home(chunk));
	EXPECT_FALSE(chunk->state & QBD_CHUNK_MAPPED);
	EXPECT_EQ(0, self->alloc.nr_reserved);
	EXPECT_EQ(CHUNKS - 1, self->alloc.nr_free);
	/* A second record of the same checkpoint takes no second one. */
	ASSERT_EQ(0, qbd_chunk_fill(chunk, &self->alloc));
	EXPECT_EQ(CHUNKS - 1, self->alloc.nr_free);
	qbd_chunk_change(chunk, &self->alloc, 12, false);
	EXPECT_TRUE(chunk->state & QBD_CHUNK_MAPPED);
	EXPECT_FALSE(chunk->state & QBD_CHUNK_NEW);
	EXPECT_EQ(12, chunk->last);
	qbd_chunk_unpend(chunk, &self->alloc);
	qbd_chunk_unpend(chunk, &self->alloc);
	EXPECT_EQ(0, self->alloc.nr_reserved);
	EXPECT_EQ(QBD_CHUNK_MAPPED, chunk->state);
}

TEST_F(chunkmap, a_record_that_comes_while_it_is_filled)
{
	struct qbd_chunk *chunk = self->page.chunk;

	qbd_chunk_pend(chunk, &self->alloc);
	ASSERT_EQ(0, qbd_chunk_fill(chunk, &self->alloc));
	qbd_chunk_pend(chunk, &self->alloc);
	EXPECT_EQ(0, self->alloc.nr_reserved);
	qbd_chunk_change(chunk, &self->alloc, 1, false);
	qbd_chunk_unpend(chunk, &self->alloc);
	qbd_chunk_unpend(chunk, &self->alloc);
	EXPECT_EQ(0, self->alloc.nr_reserved);
	EXPECT_EQ(CHUNKS - 1, self->alloc.nr_free);
}

TEST_F(chunkmap, a_mapped_chunk_needs_no_reservation)
{
	struct qbd_chunk *chunk = self->page.chunk;
	u32 phys;

	map(chunk, &self->alloc, 1);
	phys = chunk->phys;
	qbd_chunk_pend(chunk, &self->alloc);
	EXPECT_EQ(0, self->alloc.nr_reserved);
	ASSERT_EQ(0, qbd_chunk_fill(chunk, &self->alloc));
	EXPECT_EQ(phys, chunk->phys);
	EXPECT_FALSE(chunk->state & QBD_CHUNK_NEW);
	EXPECT_EQ(CHUNKS - 1, self->alloc.nr_free);
}

TEST_F(chunkmap, a_freed_chunk_keeps_the_index)
{
	struct qbd_chunk *chunk = self->page.chunk;

	map(chunk, &self->alloc, 1);
	qbd_chunk_change(chunk, &self->alloc, 9, true);
	EXPECT_EQ(9, chunk->last);
	EXPECT_EQ(0, chunk->phys);
	EXPECT_EQ(0, chunk->state);
	EXPECT_EQ(CHUNKS - 1, self->alloc.nr_free);
	EXPECT_EQ(1, self->alloc.nr_freeing);
	settle(&self->alloc);
	EXPECT_EQ(CHUNKS, self->alloc.nr_free);
}

TEST_F(chunkmap, a_discard_of_what_has_no_home)
{
	struct qbd_chunk *chunk = self->page.chunk;

	qbd_chunk_change(chunk, &self->alloc, 4, true);
	EXPECT_EQ(4, chunk->last);
	EXPECT_EQ(0, self->alloc.nr_freeing);
	EXPECT_EQ(CHUNKS, self->alloc.nr_free);
}

/* On a full store the later record lives off what the discard frees. */
TEST_F(chunkmap, what_is_freed_is_promised_to_later_records)
{
	struct qbd_chunk *chunk = self->page.chunk;
	u32 i;

	for (i = 0; i < CHUNKS; i++)
		map(&chunk[i], &self->alloc, 1);
	EXPECT_EQ(0, qbd_alloc_room(&self->alloc));
	qbd_chunk_pend(chunk, &self->alloc);
	qbd_chunk_change(chunk, &self->alloc, 2, true);
	EXPECT_EQ(1, self->alloc.nr_reserved);
	settle(&self->alloc);
	/* Nobody else gets it. */
	EXPECT_EQ(1, self->alloc.nr_free);
	EXPECT_EQ(0, qbd_alloc_room(&self->alloc));
	ASSERT_EQ(0, qbd_chunk_fill(chunk, &self->alloc));
	qbd_chunk_change(chunk, &self->alloc, 3, false);
	qbd_chunk_unpend(chunk, &self->alloc);
	EXPECT_EQ(0, self->alloc.nr_reserved);
	EXPECT_EQ(0, self->alloc.nr_free);
}

TEST_F(chunkmap, a_page_there_and_back)
{
	struct qbd_map_page back = { 0 };
	struct qbd_alloc alloc;
	void *mem = calloc(1, qbd_alloc_mem_bytes(CHUNKS));
	u32 i;

	map(&self->page.chunk[0], &self->alloc, 10);
	map(&self->page.chunk[QBD_MAP_ENTRIES - 1], &self->alloc, U64_MAX);
	map(&self->page.chunk[7], &self->alloc, 12);
	qbd_chunk_change(&self->page.chunk[7], &self->alloc, 13, true);
	/* Not on the disk: what is pending, what is being filled. */
	qbd_chunk_pend(&self->page.chunk[1], &self->alloc);
	qbd_chunk_pend(&self->page.chunk[2], &self->alloc);
	ASSERT_EQ(0, qbd_chunk_fill(&self->page.chunk[2], &self->alloc));
	memset(self->block, 0xff, sizeof(self->block));
	qbd_map_page_encode(&self->page, self->block);

	qbd_alloc_init(&alloc, CHUNKS, mem);
	qbd_map_page_init(&back, 5, 3, QBD_MAP_ENTRIES);
	ASSERT_EQ(0, qbd_map_page_decode(&back, &alloc,
					 qbd_map_page_entries(self->block)));
	EXPECT_EQ(CHUNKS - 2, alloc.nr_free);
	for (i = 0; i < QBD_MAP_ENTRIES; i++) {
		const struct qbd_chunk *had = &self->page.chunk[i];
		bool mapped = had->state & QBD_CHUNK_MAPPED;

		EXPECT_EQ(had->last, back.chunk[i].last);
		EXPECT_EQ(mapped ? had->phys : 0, back.chunk[i].phys);
		EXPECT_EQ(mapped ? QBD_CHUNK_MAPPED : 0, back.chunk[i].state);
	}
	free(mem);
}

static int decode(FIXTURE_DATA(chunkmap) * self, u32 nr_chunks)
{
	struct qbd_map_page page = { 0 };

	memset(self->mem, 0, qbd_alloc_mem_bytes(CHUNKS));
	qbd_alloc_init(&self->alloc, CHUNKS, self->mem);
	qbd_map_page_init(&page, 5, 3, nr_chunks);
	return qbd_map_page_decode(&page, &self->alloc,
				   qbd_map_page_entries(self->block));
}

TEST_F(chunkmap, a_page_that_can_not_be)
{
	struct qbd_disk_map *disk = qbd_map_page_entries(self->block);

	EXPECT_EQ(0, decode(self, 20));
	/* A flag that nobody knows. */
	disk[3].flags = cpu_to_le32(QBD_MAP_MAPPED << 1);
	EXPECT_EQ(-EUCLEAN, decode(self, 20));
	/* A chunk that is not mapped has no place. */
	disk[3].flags = 0;
	disk[3].phys = cpu_to_le32(1);
	EXPECT_EQ(-EUCLEAN, decode(self, 20));
	disk[3].flags = cpu_to_le32(QBD_MAP_MAPPED);
	EXPECT_EQ(0, decode(self, 20));
	/* Beyond the device. */
	disk[3].phys = cpu_to_le32(CHUNKS);
	EXPECT_EQ(-EUCLEAN, decode(self, 20));
	/* The same place twice. */
	disk[3].phys = cpu_to_le32(1);
	disk[4] = disk[3];
	EXPECT_EQ(-EUCLEAN, decode(self, 20));
	memset(&disk[4], 0, sizeof(disk[4]));
	/* Beyond the end of the shard: not even the index of a discard. */
	EXPECT_EQ(0, decode(self, 4));
	EXPECT_EQ(-EUCLEAN, decode(self, 3));
	memset(&disk[3], 0, sizeof(disk[3]));
	disk[3].last = cpu_to_le64(1);
	EXPECT_EQ(0, decode(self, 4));
	EXPECT_EQ(-EUCLEAN, decode(self, 3));
}

#define PAGE_CHUNKS 12U

struct model {
	u32 pending[PAGE_CHUNKS];
	bool home[PAGE_CHUNKS];
};

/* reserved == unmapped chunks with something pending, at each moment. */
TEST_F(chunkmap, reservations_like_a_count)
{
	struct qbd_alloc *alloc = &self->alloc;
	struct model m = { .home = { false } };
	u32 round, i;

	for (round = 0; round < 20000; round++) {
		u32 at = th_rand() % PAGE_CHUNKS;
		struct qbd_chunk *chunk = &self->page.chunk[at];
		u32 what = th_rand() % 4, reserved = 0, homes = 0;

		if (what == 0 && qbd_alloc_room(alloc)) {
			qbd_chunk_pend(chunk, alloc);
			m.pending[at]++;
		} else if (what == 1 && m.pending[at]) {
			qbd_chunk_unpend(chunk, alloc);
			m.pending[at]--;
		} else if (what == 2 && m.pending[at]) {
			ASSERT_EQ(0, qbd_chunk_fill(chunk, alloc));
			qbd_chunk_change(chunk, alloc, round, false);
			m.home[at] = true;
		} else if (what == 3) {
			qbd_chunk_change(chunk, alloc, round, true);
			settle(alloc);
			m.home[at] = false;
		}
		for (i = 0; i < PAGE_CHUNKS; i++) {
			reserved += m.pending[i] && !m.home[i];
			homes += m.home[i];
		}
		ASSERT_EQ(reserved, alloc->nr_reserved);
		ASSERT_EQ(CHUNKS - homes, alloc->nr_free);
	}
}

TEST_HARNESS_MAIN
