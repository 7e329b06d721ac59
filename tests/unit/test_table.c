// SPDX-License-Identifier: GPL-2.0-only
/* core/table.c: replica table slots, replica sets, map pages. */
#include "../data/golden_store.h"
#include "golden.h"
#include "harness.h"
#include "table.h"

FIXTURE(table)
{
	struct qbd_layout layout;
	struct qbd_table_slot slot;
	struct qbd_disk_replica disk;
};

FIXTURE_SETUP(table)
{
	struct qbd_table_slot *slot = &self->slot;

	self->layout.chunk_shift = 6;
	self->layout.data_chunks = 3000;
	ASSERT_EQ(0, qbd_meta_geom_plan(&self->layout.meta, 3, 100));
	slot->replica = 0x0102030405060708;
	slot->volume = 9;
	slot->shard = 10;
	slot->flags = QBD_REPLICA_USED | QBD_REPLICA_SUSPECT;
	slot->blocks = 1 << 20;
	slot->meta_first = 20;
	slot->meta_pages = 65;
	slot->promise = (struct qbd_promise){ 11, 12, 13, 14, 15 };
	slot->applied_term = 15;
	slot->applied_index = 16;
	slot->commit = 17;
	slot->logged_term = 18;
	slot->logged_index = 19;
	slot->config.epoch = 21;
	slot->config.nr_old = 2;
	slot->config.nr_new = 1;
	slot->config.set[0] = (struct qbd_member){ 31, 41 };
	slot->config.set[1] = (struct qbd_member){ 32, 42 };
	slot->config.set[2] = (struct qbd_member){ 31, 41 };
	qbd_table_encode(slot, &self->disk);
}

FIXTURE_TEARDOWN(table)
{
}

TEST_F(table, golden)
{
	EXPECT_GOLDEN(golden_replica, &self->disk, sizeof(self->disk));
}

TEST_F(table, golden_config)
{
	struct qbd_disk_config disk;

	qbd_config_encode(&self->slot.config, &disk);
	EXPECT_GOLDEN(golden_config, &disk, sizeof(disk));
}

TEST_F(table, round_trip)
{
	struct qbd_table_slot again;

	ASSERT_EQ(0, qbd_table_decode(&self->disk, &self->layout, &again));
	EXPECT_MEMEQ(&self->slot, &again, sizeof(again));
}

TEST_F(table, an_empty_slot_is_zero)
{
	struct qbd_table_slot again;

	self->slot.flags = 0;
	qbd_table_encode(&self->slot, &self->disk);
	EXPECT_TRUE(mem_is_zero(&self->disk, sizeof(self->disk)));
	ASSERT_EQ(0, qbd_table_decode(&self->disk, &self->layout, &again));
	EXPECT_EQ(0, again.flags);
}

#define WITH(member, value)                                               \
	({                                                                \
		struct qbd_table_slot with_slot = self->slot;             \
		with_slot.member = (value);                               \
		qbd_table_encode(&with_slot, &self->disk);                \
		qbd_table_decode(&self->disk, &self->layout, &with_slot); \
	})

TEST_F(table, ranges)
{
	EXPECT_EQ(0, WITH(commit, 0));
	EXPECT_EQ(-EUCLEAN, WITH(replica, 0));
	EXPECT_EQ(-EUCLEAN, WITH(flags, 32 | QBD_REPLICA_USED));
	EXPECT_EQ(-EUCLEAN, WITH(blocks, 0));
	EXPECT_EQ(-EUCLEAN, WITH(blocks, 2 << 20));
	EXPECT_EQ(-EUCLEAN, WITH(meta_first, 2));
	EXPECT_EQ(-EUCLEAN, WITH(meta_first, 39));
	EXPECT_EQ(-EUCLEAN, WITH(meta_first, U32_MAX));
	EXPECT_EQ(0, WITH(meta_first, 38));
	EXPECT_EQ(-EUCLEAN, WITH(meta_pages, 66));
	EXPECT_EQ(-EUCLEAN, WITH(promise.nonce, 0));
	EXPECT_EQ(-EUCLEAN, WITH(promise.term, 0));
	EXPECT_EQ(-EUCLEAN, WITH(applied_term, 0));
	EXPECT_EQ(-EUCLEAN, WITH(applied_index, 0));
	EXPECT_EQ(-EUCLEAN, WITH(logged_index, 0));
	EXPECT_EQ(0, WITH(applied_index, QBD_WAL_INDEX_MAX));
	EXPECT_EQ(-EUCLEAN, WITH(applied_index, U64_MAX));
	EXPECT_EQ(-EUCLEAN, WITH(logged_index, QBD_WAL_INDEX_MAX + 1));
	EXPECT_EQ(-EUCLEAN, WITH(logged_term, QBD_WAL_TERM_MAX + 1));
	EXPECT_EQ(-EUCLEAN, WITH(applied_term, QBD_WAL_TERM_MAX + 1));
	EXPECT_EQ(-EUCLEAN, WITH(promise.term, QBD_WAL_TERM_MAX + 1));
	EXPECT_EQ(-EUCLEAN, WITH(commit, U64_MAX));
	EXPECT_EQ(0, WITH(promise.lease_ms, QBD_WAL_LEASE_MS_MAX));
	EXPECT_EQ(-EUCLEAN, WITH(promise.lease_ms, QBD_WAL_LEASE_MS_MAX + 1));
	EXPECT_EQ(-EUCLEAN, WITH(config.nr_old, 8));
	EXPECT_EQ(-EUCLEAN, WITH(config.nr_old, U32_MAX));
	EXPECT_EQ(-EUCLEAN, WITH(config.nr_new, 8));
	EXPECT_EQ(-EUCLEAN, WITH(config.nr_old, 0));
	EXPECT_EQ(-EUCLEAN, WITH(config.set[0].node, 0));
	EXPECT_EQ(-EUCLEAN, WITH(config.set[2].replica, 0));
	EXPECT_EQ(-EUCLEAN, WITH(config.set[1].replica, 31));
	EXPECT_EQ(-EUCLEAN, WITH(config.set[3].node, 1));
}

TEST_F(table, reserved_bytes)
{
	struct qbd_table_slot again;
	size_t i;

	for (i = 0; i < sizeof(self->disk.reserved); i++) {
		self->disk.reserved[i] = 1;
		ASSERT_EQ(-EUCLEAN,
			  qbd_table_decode(&self->disk, &self->layout, &again));
		self->disk.reserved[i] = 0;
	}
	self->disk.config.set[0].flags = cpu_to_le32(1);
	EXPECT_EQ(-EUCLEAN,
		  qbd_table_decode(&self->disk, &self->layout, &again));
}

TEST_F(table, map_pages_of_a_shard)
{
	EXPECT_EQ(1, qbd_table_map_pages(&self->layout, 1));
	EXPECT_EQ(1, qbd_table_map_pages(&self->layout, 254 * 64));
	EXPECT_EQ(2, qbd_table_map_pages(&self->layout, 254 * 64 + 1));
	EXPECT_EQ(264209, qbd_table_map_pages(&self->layout, U32_MAX));
}

TEST_F(table, map_entries)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8) = { 0 };
	struct qbd_disk_map *map = qbd_map_page_entries(block);

	EXPECT_EQ(0, qbd_map_page_check(block, 3000));
	map[253].last = cpu_to_le64(5);
	EXPECT_EQ(0, qbd_map_page_check(block, 3000));
	map[253].phys = cpu_to_le32(7);
	EXPECT_EQ(-EUCLEAN, qbd_map_page_check(block, 3000));
	map[253].flags = cpu_to_le32(QBD_MAP_MAPPED);
	EXPECT_EQ(0, qbd_map_page_check(block, 3000));
	EXPECT_EQ(-EUCLEAN, qbd_map_page_check(block, 7));
	map[253].flags = cpu_to_le32(2);
	EXPECT_EQ(-EUCLEAN, qbd_map_page_check(block, 3000));
	map[253].flags = cpu_to_le32(QBD_MAP_MAPPED);
	map[253].last = 0;
	EXPECT_EQ(-EUCLEAN, qbd_map_page_check(block, 3000));
}

TEST_F(table, slots_of_a_page)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8);

	EXPECT_EQ(21, qbd_table_slots(&self->layout.meta));
	EXPECT_TRUE((u8 *)qbd_table_page_slot(block, 0) == block + 32);
	EXPECT_TRUE((u8 *)qbd_table_page_slot(block, 13) ==
		    block + 32 + 6 * 512);
}

TEST_HARNESS_MAIN
