// SPDX-License-Identifier: GPL-2.0-only
/* core/super.c: bytes of a superblock, ranges of its fields, choice of slots.
 */
#include "../data/golden_store.h"
#include "golden.h"
#include "harness.h"
#include "super.h"

static void super_make(struct qbd_super *super)
{
	struct qbd_layout *layout = &super->layout;

	memset(super, 0, sizeof(*super));
	memcpy(super->cluster, "cluster-uuid-16b", QBD_UUID_SIZE);
	memcpy(super->store, "store-uuid-16byt", QBD_UUID_SIZE);
	super->compat = 0xc0;
	super->gen = 7;
	super->opens = 3;
	super->incarnation = 0x1122334455667788;
	super->run = 0x99aabbccddeeff01;
	super->node = 2;
	super->flags = QBD_SUPER_CLEAN;
	super->tail = (struct qbd_lpos){ 1000, 40, 0xdeadbeef };
	super->known = (struct qbd_lpos){ 1500, 60, 0xfeedface };
	super->carried = 55;
	layout->dev_blocks = 262144;
	layout->wal_first = 256;
	layout->wal_blocks = 16384;
	layout->chunk_shift = 6;
	layout->meta.first = 16640;
	if (qbd_meta_geom_plan(&layout->meta, 3, 100))
		abort();
	layout->data_first = 17408;
	layout->data_chunks = 3000;
}

static const struct qbd_meta_entry roots[QBD_SUPER_ROOTS] = {
	{ 5, 0x01020304 },
};

FIXTURE(super)
{
	struct qbd_super super;
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
};

FIXTURE_SETUP(super)
{
	super_make(&self->super);
	ASSERT_EQ(0, qbd_super_encode(&self->super, roots, self->block));
}

FIXTURE_TEARDOWN(super)
{
}

TEST_F(super, golden)
{
	EXPECT_GOLDEN(golden_super, self->block, QBD_BLOCK_SIZE);
}

TEST_F(super, round_trip)
{
	struct qbd_meta_entry again[2] = { { 9, 9 }, { 9, 9 } };
	struct qbd_super super;

	ASSERT_EQ(0, qbd_super_decode(self->block, &super));
	EXPECT_MEMEQ(&self->super, &super, sizeof(super));
	qbd_super_roots(self->block, again, 1);
	EXPECT_EQ(5, again[0].gen);
	EXPECT_EQ(0x01020304, again[0].crc);
	EXPECT_EQ(9, again[1].gen);
}

/* Every single bit counts. */
TEST_F(super, each_bit_is_covered)
{
	struct qbd_super super;
	u32 bit;

	for (bit = 0; bit < QBD_BLOCK_SIZE * 8; bit++) {
		self->block[bit / 8] ^= (u8)BIT(bit % 8);
		ASSERT_NE(0, qbd_super_decode(self->block, &super));
		self->block[bit / 8] ^= (u8)BIT(bit % 8);
	}
	EXPECT_EQ(0, qbd_super_decode(self->block, &super));
}

/* Changes one field and makes the checksum right again. */
static int with(const u8 *block, size_t offset, u64 value, size_t bytes)
{
	u8 copy[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_disk_super *disk = (struct qbd_disk_super *)copy;
	struct qbd_super super;

	memcpy(copy, block, sizeof(copy));
	memcpy(copy + offset, &value, bytes);
	disk->crc = cpu_to_le32(
		qbd_block_crc(qbd_block_seed(disk->store), disk,
			      offsetof(struct qbd_disk_super, crc)));
	return qbd_super_decode(copy, &super);
}

#define WITH(member, value)                                               \
	with(self->block, offsetof(struct qbd_disk_super, member), value, \
	     sizeof_field(struct qbd_disk_super, member))

TEST_F(super, ranges)
{
	EXPECT_EQ(0, WITH(gen, 8));
	EXPECT_EQ(0, WITH(compat, ~0ULL));
	EXPECT_EQ(-ENXIO, WITH(magic, 1));
	EXPECT_EQ(-EPROTONOSUPPORT, WITH(version, 2));
	EXPECT_EQ(-EPROTONOSUPPORT, WITH(incompat, 1));
	EXPECT_EQ(-EUCLEAN, WITH(gen, 0));
	EXPECT_EQ(-EUCLEAN, WITH(run, 0));
	EXPECT_EQ(-EUCLEAN, WITH(incarnation, 0));
	EXPECT_EQ(-EUCLEAN, WITH(flags, 4));
	EXPECT_EQ(-EUCLEAN, WITH(dev_blocks, 1ULL << 50));
	EXPECT_EQ(-EUCLEAN, WITH(dev_blocks, 100000));
	EXPECT_EQ(-EUCLEAN, WITH(wal_first, QBD_SUPER_BLOCK_1));
	EXPECT_EQ(-EUCLEAN, WITH(wal_first, ~0ULL));
	EXPECT_EQ(-EUCLEAN, WITH(wal_blocks, 0));
	EXPECT_EQ(-EUCLEAN, WITH(wal_blocks, 16385));
	EXPECT_EQ(-EUCLEAN, WITH(meta_first, 16639));
	EXPECT_EQ(-EUCLEAN, WITH(meta_pages, 1));
	EXPECT_EQ(-EUCLEAN, WITH(meta_pages, 1ULL << 33));
	EXPECT_EQ(-EUCLEAN, WITH(data_first, 16700));
	EXPECT_EQ(-EUCLEAN, WITH(data_chunks, 0));
	EXPECT_EQ(-EUCLEAN, WITH(data_chunks, 10000));
	EXPECT_EQ(-EUCLEAN, WITH(data_chunks, ~0ULL));
	EXPECT_EQ(-EUCLEAN, WITH(chunk_shift, 40));
	EXPECT_EQ(-EUCLEAN, WITH(meta_levels, 0));
	EXPECT_EQ(-EUCLEAN, WITH(meta_levels, 4));
	EXPECT_EQ(-EUCLEAN, WITH(table_pages, 0));
	EXPECT_EQ(-EUCLEAN, WITH(table_pages, 103));
	EXPECT_EQ(-EUCLEAN, WITH(nr_roots, 2));
	EXPECT_EQ(-EUCLEAN, WITH(level_pages[0], 104));
	EXPECT_EQ(-EUCLEAN, WITH(level_pages[2], 1));
	EXPECT_EQ(-EUCLEAN, WITH(reserved[263], 1));
	EXPECT_EQ(-EUCLEAN, WITH(tail.reserved, 1));
	EXPECT_EQ(-EUCLEAN, WITH(known.reserved, 1));
	EXPECT_EQ(-EUCLEAN, WITH(root[0].gen, 0));
	EXPECT_EQ(-EUCLEAN, WITH(root[1].crc, 1));
}

TEST_F(super, ranges_of_the_log)
{
	EXPECT_EQ(-EUCLEAN, WITH(tail.seq, 0));
	EXPECT_EQ(-EUCLEAN, WITH(tail.seq, 61));
	EXPECT_EQ(-EUCLEAN, WITH(tail.seq, 1));
	EXPECT_EQ(-EUCLEAN, WITH(tail.seq, 60));
	EXPECT_EQ(-EUCLEAN, WITH(tail.lpos, 1501));
	EXPECT_EQ(-EUCLEAN, WITH(tail.lpos, 1490));
	EXPECT_EQ(-EUCLEAN, WITH(tail.lpos, ~0ULL));
	EXPECT_EQ(-EUCLEAN, WITH(known.lpos, 1000 + 16385));
	EXPECT_EQ(-EUCLEAN, WITH(known.seq, 1000));
	EXPECT_EQ(-EUCLEAN, WITH(carried, 0));
	EXPECT_EQ(-EUCLEAN, WITH(carried, 61));
	EXPECT_EQ(0, WITH(carried, 60));
	EXPECT_EQ(0, WITH(known.lpos, 1000 + 16384));
}

/* How a slot is taken that holds such a superblock; 1 if it can't even be made.
 */
static int choose(const struct qbd_super *super)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_super_choice choice;

	if (qbd_super_encode(super, roots, block))
		return 1;
	return qbd_super_choose(block, NULL, &choice);
}

/* Whole, but at the end of what can be counted: the next open would be it. */
TEST_F(super, near_the_end)
{
	struct qbd_super end = self->super;

	end.gen = BIT_ULL(61);
	end.opens = BIT_ULL(61);
	EXPECT_EQ(0, choose(&end));
	end.gen++;
	EXPECT_EQ(-EUCLEAN, choose(&end));
	end = self->super;
	end.opens = BIT_ULL(61) + 1;
	EXPECT_EQ(-EUCLEAN, choose(&end));
	end = self->super;
	end.known.lpos += BIT_ULL(61);
	end.tail.lpos += BIT_ULL(61);
	EXPECT_EQ(-EUCLEAN, choose(&end));
	EXPECT_EQ(-EUCLEAN, WITH(gen, U64_MAX));
	EXPECT_EQ(-EUCLEAN, WITH(opens, U64_MAX));
}

TEST_F(super, no_store_uuid)
{
	memset(self->super.store, 0, sizeof(self->super.store));
	EXPECT_EQ(-EUCLEAN, qbd_super_check(&self->super));
}

TEST_F(super, choice)
{
	struct qbd_super_choice choice;
	u8 newer[QBD_BLOCK_SIZE] __aligned(8);
	u8 junk[QBD_BLOCK_SIZE] __aligned(8);

	self->super.gen++;
	ASSERT_EQ(0, qbd_super_encode(&self->super, roots, newer));
	memset(junk, 0, sizeof(junk));
	ASSERT_EQ(0, qbd_super_choose(self->block, self->block, &choice));
	EXPECT_EQ(0, choice.slot);
	EXPECT_FALSE(choice.differ);
	ASSERT_EQ(0, qbd_super_choose(newer, self->block, &choice));
	EXPECT_EQ(0, choice.slot);
	EXPECT_FALSE(choice.lost_write);
	ASSERT_EQ(0, qbd_super_choose(self->block, newer, &choice));
	EXPECT_EQ(1, choice.slot);
	EXPECT_EQ(8, choice.super.gen);
	EXPECT_TRUE(choice.lost_write);
	ASSERT_EQ(0, qbd_super_choose(junk, self->block, &choice));
	EXPECT_EQ(1, choice.slot);
	EXPECT_EQ(-ENXIO, choice.error[0]);
	ASSERT_EQ(0, qbd_super_choose(self->block, NULL, &choice));
	EXPECT_EQ(-EIO, choice.error[1]);
	EXPECT_EQ(-ENXIO, qbd_super_choose(junk, junk, &choice));
	EXPECT_EQ(QBD_SUPER_NO_SLOT, choice.slot);
	EXPECT_EQ(-EIO, qbd_super_choose(NULL, NULL, &choice));
	newer[200] ^= 1;
	EXPECT_EQ(-EBADMSG, qbd_super_choose(newer, junk, &choice));
}

/* Two contents of one generation are not a crash. */
TEST_F(super, contradiction)
{
	struct qbd_super_choice choice;
	u8 other[QBD_BLOCK_SIZE] __aligned(8);

	self->super.node = 9;
	ASSERT_EQ(0, qbd_super_encode(&self->super, roots, other));
	EXPECT_EQ(-EUCLEAN, qbd_super_choose(self->block, other, &choice));
	self->super.gen++;
	ASSERT_EQ(0, qbd_super_encode(&self->super, roots, other));
	EXPECT_EQ(0, qbd_super_choose(other, self->block, &choice));
	self->super.layout.data_chunks--;
	ASSERT_EQ(0, qbd_super_encode(&self->super, roots, other));
	EXPECT_EQ(-EUCLEAN, qbd_super_choose(other, self->block, &choice));
}

TEST_HARNESS_MAIN
