// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/meta.c: shape of the tree, batches, and that the tree in force is
 * never touched before its superblock is.
 */
#include "../data/golden_store.h"
#include "golden.h"
#include "harness.h"
#include "meta.h"
#include "table.h"

#define MAP_PAGES 1500U
#define SEED 0x12345678U

FIXTURE(meta)
{
	struct qbd_meta meta;
	void *mem;
	u8 *disk; /* from geom.first on */
	u64 touched[4096]; /* places written since the last commit */
	u32 nr_touched;
};

FIXTURE_SETUP(meta)
{
	struct qbd_meta_geom geom = { .first = 1000 };

	ASSERT_EQ(0, qbd_meta_geom_plan(&geom, 2, MAP_PAGES));
	self->mem = malloc(qbd_meta_size(&geom));
	memset(self->mem, 0xff, qbd_meta_size(&geom));
	qbd_meta_init(&self->meta, &geom, SEED, self->mem);
	self->disk = calloc(2 * geom.nr_pages, QBD_BLOCK_SIZE);
}

FIXTURE_TEARDOWN(meta)
{
	free(self->mem);
	free(self->disk);
}

/* Contents of a level-0 page: its number and a version, in a map entry. */
static void fill(struct qbd_meta *meta, u32 no, u32 version, u8 *block)
{
	struct qbd_disk_map *map = qbd_map_page_entries(block);

	memset(block, 0, QBD_BLOCK_SIZE);
	if (qbd_meta_kind(&meta->geom, no) == QBD_PAGE_DIR) {
		qbd_meta_fill_dir(meta, no, block);
	} else if (qbd_meta_kind(&meta->geom, no) == QBD_PAGE_MAP) {
		map[0].last = cpu_to_le64(version);
		map[1].last = cpu_to_le64(no + 1);
	}
}

/* Writes a batch up to the superblock. */
static u32 batch(struct th_fix_meta *self, u32 version)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
	u32 pages = 0, no, last = 0;
	u64 place;

	self->nr_touched = 0;
	qbd_meta_begin(&self->meta);
	for (; qbd_meta_next(&self->meta, &no); pages++) {
		EXPECT_GE(no, last);
		last = no;
		fill(&self->meta, no, version, block);
		ASSERT_EQ(0, qbd_meta_seal(&self->meta, no,
					   qbd_meta_kind(&self->meta.geom,
							 no) == QBD_PAGE_MAP ?
						   77 :
						   0,
					   block, &place));
		memcpy(self->disk +
			       (place - self->meta.geom.first) * QBD_BLOCK_SIZE,
		       block, QBD_BLOCK_SIZE);
		self->touched[self->nr_touched++] = place;
	}
	return pages;
}

static const u8 *place_of(struct th_fix_meta *self, struct qbd_meta *meta,
			  u32 no)
{
	return self->disk +
	       (qbd_meta_block(&meta->geom, no, meta->cur[no].gen) -
		meta->geom.first) *
		       QBD_BLOCK_SIZE;
}

/* Loads the tree with these roots; returns the sum of its versions. */
static u64 load(struct th_fix_meta *self, const struct qbd_meta_entry *roots)
{
	const struct qbd_meta_geom *geom = &self->meta.geom;
	void *mem = malloc(qbd_meta_size(geom));
	struct qbd_meta meta;
	u32 level, no, first;
	u64 sum = 0;

	qbd_meta_init(&meta, geom, SEED, mem);
	qbd_meta_load_roots(&meta, roots);
	for (level = geom->levels; level; level--) {
		first = qbd_meta_level_first(geom, level);
		for (no = first; no < first + geom->level_pages[level]; no++)
			if (meta.cur[no].gen)
				EXPECT_EQ(0,
					  qbd_meta_load_dir(
						  &meta, no,
						  place_of(self, &meta, no)));
	}
	for (no = 0; no < geom->level_pages[0]; no++) {
		if (!meta.cur[no].gen)
			continue;
		EXPECT_EQ(0, qbd_meta_verify(&meta, no,
					     place_of(self, &meta, no)));
		sum += le64_to_cpu(
			qbd_map_page_entries(
				(void *)(uintptr_t)place_of(self, &meta, no))
				->last);
	}
	free(mem);
	return sum;
}

TEST_F(meta, shape)
{
	const struct qbd_meta_geom *geom = &self->meta.geom;

	EXPECT_EQ(1, geom->levels);
	EXPECT_EQ(1502, geom->level_pages[0]);
	EXPECT_EQ(3, geom->level_pages[1]);
	EXPECT_EQ(1505, geom->nr_pages);
	EXPECT_EQ(QBD_PAGE_TABLE, qbd_meta_kind(geom, 1));
	EXPECT_EQ(QBD_PAGE_MAP, qbd_meta_kind(geom, 2));
	EXPECT_EQ(QBD_PAGE_MAP, qbd_meta_kind(geom, 1501));
	EXPECT_EQ(QBD_PAGE_DIR, qbd_meta_kind(geom, 1502));
	EXPECT_EQ(0, qbd_meta_level(geom, 1501));
	EXPECT_EQ(1, qbd_meta_level(geom, 1502));
	EXPECT_EQ(1000 + 2 * 7 + 1, qbd_meta_block(geom, 7, 5));
	EXPECT_EQ(0, qbd_meta_geom_check(geom));
}

TEST(meta_large_shapes)
{
	struct qbd_meta_geom geom = { 0 };

	ASSERT_EQ(0, qbd_meta_geom_plan(&geom, 1, 448 * 508 - 1));
	EXPECT_EQ(1, geom.levels);
	EXPECT_EQ(448, geom.level_pages[1]);
	ASSERT_EQ(0, qbd_meta_geom_plan(&geom, 1, 448 * 508));
	EXPECT_EQ(2, geom.levels);
	EXPECT_EQ(449, geom.level_pages[1]);
	EXPECT_EQ(1, geom.level_pages[2]);
	ASSERT_EQ(0, qbd_meta_geom_plan(&geom, 1, 16000000));
	EXPECT_EQ(2, geom.levels);
	EXPECT_EQ(-EFBIG, qbd_meta_geom_plan(&geom, 1, QBD_META_PAGES_MAX));
	EXPECT_EQ(-EFBIG, qbd_meta_geom_plan(&geom, 1, ~0ULL - 1));
}

TEST_F(meta, a_batch_is_what_was_marked_and_its_parents)
{
	qbd_meta_mark(&self->meta, 5);
	qbd_meta_mark(&self->meta, 5);
	qbd_meta_mark(&self->meta, 6);
	EXPECT_EQ(2, self->meta.nr_marked);
	EXPECT_EQ(3, batch(self, 1));
	qbd_meta_commit(&self->meta);
	EXPECT_EQ(2, load(self, qbd_meta_roots(&self->meta)));
	EXPECT_EQ(0, batch(self, 2));
	qbd_meta_commit(&self->meta);
	qbd_meta_mark(&self->meta, 5);
	qbd_meta_mark(&self->meta, 1500);
	EXPECT_EQ(4, batch(self, 2));
	qbd_meta_commit(&self->meta);
	EXPECT_EQ(5, load(self, qbd_meta_roots(&self->meta)));
}

TEST_F(meta, a_mark_within_a_batch_is_for_the_next)
{
	u32 no;

	qbd_meta_mark(&self->meta, 5);
	qbd_meta_begin(&self->meta);
	qbd_meta_mark(&self->meta, 9);
	ASSERT_TRUE(qbd_meta_next(&self->meta, &no));
	EXPECT_EQ(5, no);
	qbd_meta_abort(&self->meta);
	EXPECT_EQ(2, self->meta.nr_marked);
	EXPECT_EQ(3, batch(self, 1));
}

/*
 * At random: until the commit the old roots show the old tree, whatever was
 * written; after it the new ones show the new tree.
 */
TEST_F(meta, the_tree_in_force_is_never_touched)
{
	u64 version[2 + MAP_PAGES] = { 0 };
	u64 old_version[2 + MAP_PAGES];
	struct qbd_meta_entry roots[8];
	u32 round, i, no;
	u64 sum;

	for (round = 1; round < 60; round++) {
		memcpy(roots, qbd_meta_roots(&self->meta),
		       sizeof(roots[0]) * 3);
		memcpy(old_version, version, sizeof(version));
		for (i = 0; i < th_rand() % 20; i++) {
			no = 2 + th_rand() % 40 * 37;
			version[no] = 0;
			if (th_rand() % 4) {
				qbd_meta_mark(&self->meta, no);
				version[no] = round;
			} else {
				qbd_meta_zero(&self->meta, no);
			}
		}
		batch(self, round);
		for (sum = 0, i = 0; i < ARRAY_SIZE(version); i++)
			sum += old_version[i];
		ASSERT_EQ(sum, load(self, roots));
		if (th_rand() % 3 == 0) {
			qbd_meta_abort(&self->meta);
			ASSERT_EQ(sum, load(self, qbd_meta_roots(&self->meta)));
			batch(self, round);
		}
		qbd_meta_commit(&self->meta);
		/* What an aborted round marked came with this one. */
		for (sum = 0, i = 0; i < ARRAY_SIZE(version); i++)
			sum += version[i];
		ASSERT_EQ(sum, load(self, qbd_meta_roots(&self->meta)));
	}
}

/* Cleared and used again within one batch: not where the old one is. */
TEST_F(meta, a_cleared_page_used_again)
{
	qbd_meta_mark(&self->meta, 5);
	batch(self, 1);
	qbd_meta_commit(&self->meta);
	EXPECT_EQ(1, self->meta.cur[5].gen);
	qbd_meta_zero(&self->meta, 5);
	qbd_meta_mark(&self->meta, 5);
	batch(self, 2);
	EXPECT_EQ(1000 + 2 * 5, self->touched[0]);
	qbd_meta_commit(&self->meta);
	qbd_meta_zero(&self->meta, 5);
	EXPECT_EQ(1, batch(self, 3));
	qbd_meta_commit(&self->meta);
	EXPECT_EQ(0, self->meta.cur[5].gen);
	EXPECT_EQ(0, load(self, qbd_meta_roots(&self->meta)));
}

TEST_F(meta, generations_wrap)
{
	self->meta.cur[5].gen = U32_MAX;
	self->meta.next[5].gen = U32_MAX;
	qbd_meta_mark(&self->meta, 5);
	batch(self, 1);
	EXPECT_EQ(2, self->meta.next[5].gen);
	EXPECT_EQ(1000 + 2 * 5, self->touched[0]);
}

/* A flipped bit, a lost write, a misdirected one: none goes unnoticed. */
TEST_F(meta, verify)
{
	u8 old[QBD_BLOCK_SIZE] __aligned(8);
	u8 *block;
	u32 byte;

	qbd_meta_mark(&self->meta, 5);
	qbd_meta_mark(&self->meta, 6);
	batch(self, 1);
	qbd_meta_commit(&self->meta);
	block = self->disk + (2 * 5 + 1) * QBD_BLOCK_SIZE;
	ASSERT_EQ(0, qbd_meta_verify(&self->meta, 5, block));
	for (byte = 0; byte < QBD_BLOCK_SIZE; byte++) {
		block[byte] ^= (u8)BIT(byte % 8);
		ASSERT_EQ(-EBADMSG, qbd_meta_verify(&self->meta, 5, block));
		block[byte] ^= (u8)BIT(byte % 8);
	}
	EXPECT_EQ(-EBADMSG, qbd_meta_verify(&self->meta, 6, block));
	memcpy(old, block, sizeof(old));
	qbd_meta_mark(&self->meta, 5);
	batch(self, 2);
	qbd_meta_commit(&self->meta);
	EXPECT_EQ(-EBADMSG, qbd_meta_verify(&self->meta, 5, old));
}

TEST_F(meta, golden)
{
	u32 dir = 1502;

	qbd_meta_mark(&self->meta, 0);
	qbd_meta_mark(&self->meta, 5);
	batch(self, 1);
	qbd_meta_commit(&self->meta);
	EXPECT_GOLDEN(golden_table_page, place_of(self, &self->meta, 0),
		      QBD_BLOCK_SIZE);
	EXPECT_GOLDEN(golden_map_page, place_of(self, &self->meta, 5),
		      QBD_BLOCK_SIZE);
	EXPECT_GOLDEN(golden_dir_page, place_of(self, &self->meta, dir),
		      QBD_BLOCK_SIZE);
}

TEST_F(meta, directory_entries_are_checked)
{
	struct qbd_disk_entry *disk;
	u32 dir = 1502;
	u8 *block;

	qbd_meta_mark(&self->meta, 5);
	qbd_meta_mark(&self->meta, 1500);
	batch(self, 1);
	qbd_meta_commit(&self->meta);
	block = (u8 *)(uintptr_t)place_of(self, &self->meta, dir);
	disk = (struct qbd_disk_entry *)(block + sizeof(struct qbd_disk_page));
	disk[7].crc = cpu_to_le32(1); /* a page never written has none */
	self->meta.cur[dir].crc = qbd_block_crc(SEED, block, QBD_BLOCK_SIZE);
	EXPECT_EQ(-EUCLEAN, qbd_meta_load_dir(&self->meta, dir, block));
	dir = 1504; /* has entries for 486 pages only */
	block = (u8 *)(uintptr_t)place_of(self, &self->meta, dir);
	disk = (struct qbd_disk_entry *)(block + sizeof(struct qbd_disk_page));
	disk[486].gen = cpu_to_le32(1);
	self->meta.cur[dir].crc = qbd_block_crc(SEED, block, QBD_BLOCK_SIZE);
	EXPECT_EQ(-EUCLEAN, qbd_meta_load_dir(&self->meta, dir, block));
}

TEST_HARNESS_MAIN
