// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment headers from a hostile disk. What is accepted is made again from its
 * records and must be the same bytes. The checksum is made right unless the
 * first byte of the input is odd.
 */
#include "wal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED 0x12345678U
#define WAL_BLOCKS 4096ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static u8 block[QBD_BLOCK_SIZE] __aligned(8);
	static u8 again[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_disk_seg *seg = (struct qbd_disk_seg *)block;
	struct qbd_seg_head head;
	struct qbd_desc desc;
	u32 i;

	if (!size)
		return 0;
	memset(block, 0, sizeof(block));
	memcpy(block, data + 1, min(size - 1, sizeof(block)));
	if (!(data[0] & 1))
		seg->crc = cpu_to_le32(qbd_block_crc(
			SEED, seg, offsetof(struct qbd_disk_seg, crc)));
	if (qbd_seg_decode(block, SEED, WAL_BLOCKS, &head))
		return 0;
	qbd_seg_start(again);
	for (i = 0; i < head.nr_descs; i++) {
		qbd_seg_desc(block, i, &desc);
		if (qbd_seg_add(again, &desc))
			abort();
	}
	if (qbd_seg_finish(again, SEED, WAL_BLOCKS, &head) ||
	    memcmp(block, again, sizeof(block)))
		abort();
	return 0;
}
