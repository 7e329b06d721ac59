// SPDX-License-Identifier: GPL-2.0-only
/* core/wal_format.c: bytes of a segment header, rules of its records. */
#include "../data/golden_store.h"
#include "golden.h"
#include "harness.h"
#include "wal_format.h"

#define SEED 0x12345678U
#define WAL_BLOCKS 4096ULL

static const struct qbd_desc write_desc = {
	.replica = 0x1112131415161718,
	.term = 5,
	.index = 6,
	.aux0 = 4,
	.crc = 0xcafebabe,
	.block = 100,
	.blocks = 3,
	.payload_blocks = 3,
	.op = QBD_OP_WRITE,
	.flags = QBD_REC_FUA,
};

static const struct qbd_desc promise_desc = {
	.replica = 7,
	.term = 9,
	.aux0 = 0x5151,
	.aux1 = 3,
	.aux2 = 2,
	.aux3 = 1500,
	.op = QBD_OP_PROMISE,
};

FIXTURE(seg)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_seg_head head;
};

FIXTURE_SETUP(seg)
{
	self->head = (struct qbd_seg_head){
		.run = 0xabcdef,
		.seq = 21,
		.lpos = 5000,
		.durable_seq = 20,
		.prev_crc = 0x77665544,
	};
	qbd_seg_start(self->block);
	ASSERT_EQ(0, qbd_seg_add(self->block, &write_desc));
	ASSERT_EQ(0, qbd_seg_add(self->block, &promise_desc));
	ASSERT_EQ(0,
		  qbd_seg_finish(self->block, SEED, WAL_BLOCKS, &self->head));
}

FIXTURE_TEARDOWN(seg)
{
}

TEST_F(seg, golden)
{
	EXPECT_GOLDEN(golden_seg, self->block, QBD_BLOCK_SIZE);
}

TEST_F(seg, round_trip)
{
	struct qbd_seg_head head;
	struct qbd_desc desc;

	ASSERT_EQ(0, qbd_seg_decode(self->block, SEED, WAL_BLOCKS, &head));
	EXPECT_EQ(0xabcdef, head.run);
	EXPECT_EQ(21, head.seq);
	EXPECT_EQ(5000, head.lpos);
	EXPECT_EQ(20, head.durable_seq);
	EXPECT_EQ(0x77665544, head.prev_crc);
	EXPECT_EQ(self->head.crc, head.crc);
	EXPECT_EQ(2, head.nr_descs);
	EXPECT_EQ(3, head.payload_blocks);
	qbd_seg_desc(self->block, 0, &desc);
	EXPECT_MEMEQ(&write_desc, &desc, sizeof(desc));
	qbd_seg_desc(self->block, 1, &desc);
	EXPECT_MEMEQ(&promise_desc, &desc, sizeof(desc));
}

TEST_F(seg, each_bit_is_covered)
{
	struct qbd_seg_head head;
	u32 bit;

	for (bit = 0; bit < QBD_BLOCK_SIZE * 8; bit++) {
		self->block[bit / 8] ^= (u8)BIT(bit % 8);
		ASSERT_NE(0,
			  qbd_seg_decode(self->block, SEED, WAL_BLOCKS, &head));
		self->block[bit / 8] ^= (u8)BIT(bit % 8);
	}
}

TEST_F(seg, another_store)
{
	struct qbd_seg_head head;

	EXPECT_EQ(-EBADMSG,
		  qbd_seg_decode(self->block, SEED + 1, WAL_BLOCKS, &head));
}

TEST_F(seg, chain)
{
	struct qbd_lpos at = { 5000, 21, 0x77665544 };
	struct qbd_lpos end;

	EXPECT_TRUE(qbd_seg_follows(&self->head, &at));
	at.prev_crc++;
	EXPECT_FALSE(qbd_seg_follows(&self->head, &at));
	at.prev_crc--;
	at.seq++;
	EXPECT_FALSE(qbd_seg_follows(&self->head, &at));
	at.seq--;
	at.lpos += WAL_BLOCKS;
	EXPECT_FALSE(qbd_seg_follows(&self->head, &at));
	qbd_seg_end(&self->head, &end);
	EXPECT_EQ(5004, end.lpos);
	EXPECT_EQ(22, end.seq);
	EXPECT_EQ(self->head.crc, end.prev_crc);
}

/* Changes one field and makes the checksum right again. */
static int with(const u8 *block, size_t offset, u64 value, size_t bytes)
{
	u8 copy[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_disk_seg *seg = (struct qbd_disk_seg *)copy;
	struct qbd_seg_head head;

	memcpy(copy, block, sizeof(copy));
	memcpy(copy + offset, &value, bytes);
	seg->crc = cpu_to_le32(
		qbd_block_crc(SEED, seg, offsetof(struct qbd_disk_seg, crc)));
	return qbd_seg_decode(copy, SEED, WAL_BLOCKS, &head);
}

#define WITH(member, value)                                             \
	with(self->block, offsetof(struct qbd_disk_seg, member), value, \
	     sizeof_field(struct qbd_disk_seg, member))

TEST_F(seg, ranges)
{
	EXPECT_EQ(0, WITH(run, 1));
	EXPECT_EQ(-ENXIO, WITH(magic, 0));
	EXPECT_EQ(-EUCLEAN, WITH(flags, QBD_SEG_SEAL));
	EXPECT_EQ(-EUCLEAN, WITH(flags, 2));
	EXPECT_EQ(-EUCLEAN, WITH(run, 0));
	EXPECT_EQ(-EUCLEAN, WITH(seq, 0));
	EXPECT_EQ(-EUCLEAN, WITH(seq, 20));
	EXPECT_EQ(-EUCLEAN, WITH(lap, 0));
	EXPECT_EQ(-EUCLEAN, WITH(lpos, 100));
	EXPECT_EQ(-EUCLEAN, WITH(durable_seq, 21));
	EXPECT_EQ(-EUCLEAN, WITH(nr_descs, 0));
	EXPECT_EQ(-EUCLEAN, WITH(nr_descs, 1));
	EXPECT_EQ(-EUCLEAN, WITH(nr_descs, 3));
	EXPECT_EQ(-EUCLEAN, WITH(nr_descs, 63));
	EXPECT_EQ(-EUCLEAN, WITH(nr_descs, U32_MAX));
	EXPECT_EQ(-EUCLEAN, WITH(payload_blocks, 2));
	EXPECT_EQ(-EUCLEAN, WITH(payload_blocks, 1025));
	EXPECT_EQ(-EUCLEAN, WITH(reserved[63], 1));
	EXPECT_EQ(-EUCLEAN, WITH(desc[2].aux1, 1));
	EXPECT_EQ(-EUCLEAN, WITH(desc[61].op, 1));
}

static int check(struct qbd_desc desc)
{
	return qbd_desc_check(&desc);
}

#define DESC(base, ...)                             \
	({                                          \
		struct qbd_desc desc_with = (base); \
		struct qbd_desc *d = &desc_with;    \
		__VA_ARGS__;                        \
		qbd_desc_check(&desc_with);         \
	})

TEST(desc_write)
{
	EXPECT_EQ(0, check(write_desc));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->op = 0));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->op = 6));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->op = 15));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->op = 20));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->op = 255));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->replica = 0));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->term = 0));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->index = 0));
	EXPECT_EQ(0, DESC(write_desc, d->index = QBD_WAL_INDEX_MAX));
	EXPECT_EQ(0, DESC(write_desc, d->term = QBD_WAL_TERM_MAX));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->term = QBD_WAL_TERM_MAX + 1));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->index = U64_MAX));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->flags = 4));
	EXPECT_EQ(0, DESC(write_desc, d->flags = QBD_REC_RELOG));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->aux0 = 6));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->aux0 = 0));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->index = 1));
	EXPECT_EQ(0, DESC(write_desc, d->index = 1, d->aux0 = 0));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->aux1 = 1));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->aux2 = 1));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->aux3 = 1));
	EXPECT_EQ(-EUCLEAN,
		  DESC(promise_desc, d->aux3 = QBD_WAL_LEASE_MS_MAX + 1));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->blocks = 0));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->blocks = 2));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->payload_blocks = 0));
	EXPECT_EQ(-EUCLEAN,
		  DESC(write_desc, d->blocks = 257, d->payload_blocks = 257));
	EXPECT_EQ(0,
		  DESC(write_desc, d->blocks = 256, d->payload_blocks = 256));
	EXPECT_EQ(-EUCLEAN, DESC(write_desc, d->block = U32_MAX - 2));
}

TEST(desc_others)
{
	struct qbd_desc zero = write_desc;
	struct qbd_desc config = write_desc;
	struct qbd_desc create = {
		.replica = 1, .op = QBD_OP_CREATE, .payload_blocks = 1, .crc = 1
	};
	struct qbd_desc cut = {
		.replica = 1, .op = QBD_OP_TRUNCATE, .term = 1, .index = 5
	};

	zero.op = QBD_OP_ZERO;
	EXPECT_EQ(-EUCLEAN, check(zero));
	zero.payload_blocks = 0;
	EXPECT_EQ(-EUCLEAN, check(zero));
	zero.crc = 0;
	zero.blocks = 16384;
	EXPECT_EQ(0, check(zero));
	EXPECT_EQ(0, DESC(zero, d->op = QBD_OP_DISCARD));
	EXPECT_EQ(-EUCLEAN, DESC(zero, d->op = QBD_OP_TERM));
	EXPECT_EQ(0,
		  DESC(zero, d->op = QBD_OP_TERM, d->block = 0, d->blocks = 0));
	EXPECT_EQ(-EUCLEAN, DESC(zero, d->blocks = 16385));
	config.op = QBD_OP_CONFIG;
	EXPECT_EQ(-EUCLEAN, check(config));
	config.block = 0;
	config.blocks = 0;
	EXPECT_EQ(-EUCLEAN, check(config));
	config.payload_blocks = 1;
	EXPECT_EQ(0, check(config));
	EXPECT_EQ(0, check(create));
	EXPECT_EQ(-EUCLEAN, DESC(create, d->index = 1));
	EXPECT_EQ(-EUCLEAN, DESC(create, d->flags = QBD_REC_RELOG));
	EXPECT_EQ(-EUCLEAN, DESC(create, d->aux1 = 1));
	EXPECT_EQ(0, check(cut));
	EXPECT_EQ(0, DESC(cut, d->index = 0));
	EXPECT_EQ(-EUCLEAN, DESC(cut, d->aux0 = 1));
	EXPECT_EQ(-EUCLEAN, DESC(cut, d->payload_blocks = 1));
	EXPECT_EQ(0,
		  DESC(cut, d->op = QBD_OP_DELETE, d->index = 0, d->aux1 = 7));
	EXPECT_EQ(0, check(promise_desc));
	EXPECT_EQ(-EUCLEAN, DESC(promise_desc, d->aux0 = 0));
	EXPECT_EQ(-EUCLEAN, DESC(promise_desc, d->term = 0));
	EXPECT_EQ(-EUCLEAN, DESC(promise_desc, d->index = 1));
}

TEST(seg_is_full)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_desc big = write_desc;
	u32 i;

	qbd_seg_start(block);
	for (i = 0; i < QBD_SEG_DESCS; i++)
		ASSERT_EQ(0, qbd_seg_add(block, &promise_desc));
	EXPECT_EQ(-ENOSPC, qbd_seg_add(block, &promise_desc));
	big.blocks = 256;
	big.payload_blocks = 256;
	qbd_seg_start(block);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, qbd_seg_add(block, &big));
	EXPECT_EQ(-ENOSPC, qbd_seg_add(block, &write_desc));
	EXPECT_EQ(0, qbd_seg_add(block, &promise_desc));
}

TEST(seg_seal)
{
	u8 block[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_seg_head head = { .run = 1,
				     .seq = 2,
				     .lpos = 4,
				     .durable_seq = 1,
				     .flags = QBD_SEG_SEAL };

	qbd_seg_start(block);
	ASSERT_EQ(0, qbd_seg_finish(block, SEED, WAL_BLOCKS, &head));
	EXPECT_EQ(0, head.nr_descs);
	EXPECT_EQ(1, qbd_seg_blocks(&head));
}

TEST_HARNESS_MAIN
