// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblocks from a hostile disk: two slots of arbitrary bytes. What is
 * accepted is encoded again and must be the same bytes. The first byte of the
 * input says which checksums are made right, so that what is behind them is
 * reached.
 */
#include "super.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static u8 slot[2][QBD_BLOCK_SIZE] __aligned(8);

static void repair(u8 *block)
{
	struct qbd_disk_super *disk = (struct qbd_disk_super *)block;

	disk->crc = cpu_to_le32(
		qbd_block_crc(qbd_block_seed(disk->store), disk,
			      offsetof(struct qbd_disk_super, crc)));
}

static void round_trip(const u8 *block)
{
	static struct qbd_meta_entry root[QBD_SUPER_ROOTS];
	static u8 again[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_super super;

	if (qbd_super_decode(block, &super))
		return;
	qbd_super_roots(block, root, QBD_SUPER_ROOTS);
	if (qbd_super_encode(&super, root, again) ||
	    memcmp(again, block, QBD_BLOCK_SIZE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qbd_super_choice choice;
	size_t i, bytes;

	if (!size)
		return 0;
	memset(slot, 0, sizeof(slot));
	for (i = 0; i < 2; i++) {
		bytes = min(size - 1 - min(size - 1, i * QBD_BLOCK_SIZE),
			    (size_t)QBD_BLOCK_SIZE);
		memcpy(slot[i], data + 1 + i * QBD_BLOCK_SIZE, bytes);
		if (data[0] & BIT(i))
			repair(slot[i]);
		round_trip(slot[i]);
	}
	if (data[0] & BIT(2))
		memcpy(slot[1], slot[0], sizeof(slot[1]));
	if (!qbd_super_choose(slot[0], slot[1], &choice) &&
	    (choice.slot > 1 || qbd_super_check(&choice.super)))
		abort();
	return 0;
}
