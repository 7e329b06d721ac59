// SPDX-License-Identifier: GPL-2.0-only
/* core/format.c: layouts of devices of all sizes, and the order of I/Os. */
#include "format.h"
#include "harness.h"

#define MIB 256ULL /* in blocks */
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

static int plan(struct qbd_format *format, u64 dev_blocks, u64 wal_blocks,
		u32 chunk_shift)
{
	struct qbd_format_options options = {
		.dev_blocks = dev_blocks,
		.wal_blocks = wal_blocks,
		.chunk_shift = chunk_shift,
		.run = 5,
		.store = "store",
	};

	return qbd_format_plan(format, &options);
}

TEST(format_defaults)
{
	static const struct {
		u64 dev_blocks;
		u64 wal_blocks;
	} table[] = {
		{ 128 * MIB, 32 * MIB }, { 256 * MIB, 64 * MIB },
		{ 512 * MIB, 64 * MIB }, { 2 * GIB, 128 * MIB },
		{ 64 * GIB, 4 * GIB },	 { 8 * TIB, 4 * GIB },
	};
	struct qbd_format format;
	const struct qbd_layout *layout = &format.super.layout;
	u64 data_blocks;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(0, plan(&format, table[i].dev_blocks, 0, 0));
		EXPECT_EQ(table[i].wal_blocks, layout->wal_blocks);
		EXPECT_EQ(6, layout->chunk_shift);
		EXPECT_EQ(0, layout->wal_first % MIB);
		EXPECT_EQ(0, layout->meta.first % MIB);
		EXPECT_EQ(0, layout->data_first % MIB);
		EXPECT_EQ(0, qbd_super_check(&format.super));
		/* All but log, metadata and alignment is for data. */
		data_blocks = layout->data_chunks << 6;
		EXPECT_GT(data_blocks,
			  (table[i].dev_blocks - table[i].wal_blocks) * 99 /
					  100 -
				  16 * MIB);
		/* Shards may add up to four times the device. */
		EXPECT_GE((u64)layout->meta.level_pages[0] * QBD_MAP_ENTRIES,
			  4 * layout->data_chunks);
	}
}

TEST(format_any_size)
{
	struct qbd_format format;
	u64 blocks;
	u32 i;

	for (i = 0; i < 3000; i++) {
		blocks = th_rand() >> (20 + th_rand() % 44);
		if (plan(&format, blocks, th_rand() % 2 * (th_rand() % 9999),
			 (u32)(th_rand() % 12)))
			continue;
		ASSERT_EQ(0, qbd_super_check(&format.super));
		ASSERT_EQ(blocks, format.super.layout.dev_blocks);
	}
}

TEST(format_refuses)
{
	struct qbd_format_options options = { .dev_blocks = GIB,
					      .store = "store" };
	struct qbd_format format;

	EXPECT_EQ(-ENOSPC, plan(&format, 0, 0, 0));
	EXPECT_EQ(-ENOSPC, plan(&format, MIB, 0, 0));
	EXPECT_EQ(-ENOSPC, plan(&format, GIB, 2 * GIB, 0));
	EXPECT_EQ(-EINVAL, plan(&format, GIB, 255, 0));
	EXPECT_EQ(-EINVAL, plan(&format, GIB, 0, 3));
	EXPECT_EQ(-EINVAL, plan(&format, GIB, 0, 11));
	EXPECT_EQ(-EFBIG, plan(&format, 4096 * TIB, 0, 4));
	EXPECT_EQ(-EINVAL, qbd_format_plan(&format, &options)); /* no run */
	options.run = 1;
	EXPECT_EQ(0, qbd_format_plan(&format, &options));
	options.overcommit = 1001;
	EXPECT_EQ(-EINVAL, qbd_format_plan(&format, &options));
	options.overcommit = 0;
	options.replicas = 513;
	EXPECT_EQ(-EINVAL, qbd_format_plan(&format, &options));
	options.replicas = 0;
	memset(options.store, 0, sizeof(options.store));
	EXPECT_EQ(-EINVAL, qbd_format_plan(&format, &options));
}

/* What was there is gone, durably, before anything new is. */
TEST(format_io_order)
{
	static u8 block[QBD_BLOCK_SIZE] __aligned(QBD_BLOCK_SIZE);
	struct qbd_format format;
	struct qbd_super super;
	struct qbd_io io;
	u32 slot;

	ASSERT_EQ(0, plan(&format, GIB, 0, 0));
	ASSERT_EQ(1, qbd_format_next(&format, block, &io));
	EXPECT_EQ(QBD_IO_ZERO, io.op);
	EXPECT_EQ(0, io.block);
	EXPECT_GT(io.blocks, QBD_SUPER_BLOCK_1);
	EXPECT_LE(io.blocks, format.super.layout.wal_first);
	ASSERT_EQ(1, qbd_format_next(&format, block, &io));
	EXPECT_EQ(QBD_IO_ZERO, io.op);
	EXPECT_EQ(GIB, io.block + io.blocks);
	ASSERT_EQ(1, qbd_format_next(&format, block, &io));
	EXPECT_EQ(QBD_IO_FLUSH, io.op);
	for (slot = 0; slot < 2; slot++) {
		ASSERT_EQ(1, qbd_format_next(&format, block, &io));
		EXPECT_EQ(QBD_IO_WRITE, io.op);
		EXPECT_TRUE(io.fua);
		EXPECT_EQ(qbd_super_block(slot), io.block);
		EXPECT_EQ(0, qbd_super_decode(io.buf, &super));
		EXPECT_EQ(QBD_SUPER_CLEAN, super.flags);
		EXPECT_EQ(1, super.known.seq);
	}
	ASSERT_EQ(1, qbd_format_next(&format, block, &io));
	EXPECT_EQ(QBD_IO_FLUSH, io.op);
	EXPECT_EQ(0, qbd_format_next(&format, block, &io));
}

TEST_HARNESS_MAIN
