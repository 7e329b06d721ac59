// SPDX-License-Identifier: GPL-2.0-only
/* core/reader.c: reads ahead, and finds the very block that is bad. */
#include "harness.h"
#include "reader.h"
#include <linux/qbd_wal.h>

#define DEV_BLOCKS 64U
#define BUF_BLOCKS 8U

static u8 buf[BUF_BLOCKS * QBD_BLOCK_SIZE];
static u64 reads;

/* The device: each block is full of its number; two can not be read. */
static int device(const struct qbd_io *io)
{
	u32 i;

	reads++;
	for (i = 0; i < io->blocks; i++) {
		if (io->block + i == 20 || io->block + i == 21)
			return -EIO;
		memset((u8 *)io->buf + (size_t)i * QBD_BLOCK_SIZE,
		       (int)(io->block + i), QBD_BLOCK_SIZE);
	}
	return 0;
}

static const u8 *get(struct qbd_reader *reader, u64 block)
{
	const void *data;
	struct qbd_io io;

	while (!qbd_reader_get(reader, block, DEV_BLOCKS - block, &data, &io)) {
		ASSERT_EQ(QBD_IO_READ, io.op);
		ASSERT_LE(io.block + io.blocks, DEV_BLOCKS);
		ASSERT_LE(io.blocks, BUF_BLOCKS);
		qbd_reader_end(reader, device(&io));
	}
	return data;
}

TEST(reader_ahead)
{
	struct qbd_reader reader;
	u32 block;

	qbd_reader_init(&reader, buf, BUF_BLOCKS);
	for (block = 24; block < DEV_BLOCKS; block++) {
		ASSERT_TRUE(get(&reader, block));
		EXPECT_EQ(block, get(&reader, block)[QBD_BLOCK_SIZE - 1]);
	}
	EXPECT_EQ(5, reads);
	EXPECT_EQ(3, get(&reader, 3)[0]);
	EXPECT_EQ(6, reads);
}

TEST(reader_bad_blocks)
{
	struct qbd_reader reader;
	u32 block;

	qbd_reader_init(&reader, buf, BUF_BLOCKS);
	for (block = 14; block < 30; block++) {
		const u8 *data = get(&reader, block);

		if (block == 20 || block == 21) {
			EXPECT_NULL(data);
			EXPECT_EQ(-EIO, reader.error);
		} else {
			ASSERT_TRUE(data);
			EXPECT_EQ(block, data[0]);
		}
	}
	EXPECT_LE(reads, 30);
}

TEST(reader_lends_its_buffer)
{
	struct qbd_reader reader;

	qbd_reader_init(&reader, buf, BUF_BLOCKS);
	EXPECT_EQ(30, get(&reader, 30)[0]);
	EXPECT_TRUE(qbd_reader_borrow(&reader) == buf);
	buf[0] = 99;
	EXPECT_EQ(30, get(&reader, 30)[0]);
}

TEST_HARNESS_MAIN
