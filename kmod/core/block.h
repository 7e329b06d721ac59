/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checksums of a store's own blocks.
 *
 * Superblock, metadata pages and segment headers are checked with CRC32C
 * seeded by the store's uuid, so that a block of another store, or of this
 * device's life before it was formatted, never verifies, however intact it
 * is.  The payload of a record is the exception: its CRC is taken once, by
 * the leader, travels with the record to every replica and into every log,
 * and so can know nothing of a store.
 */
#ifndef QBD_CORE_BLOCK_H
#define QBD_CORE_BLOCK_H

#include "env.h"
#include <linux/qbd_wal.h>

#define QBD_UUID_SIZE 16

/**
 * qbd_block_seed() - what a store's block checksums start from
 * @store: uuid of the store
 *
 * Return: the seed for qbd_block_crc().
 */
static inline u32 qbd_block_seed(const u8 store[QBD_UUID_SIZE])
{
	return crc32c(~0U, store, QBD_UUID_SIZE);
}

/**
 * qbd_block_crc() - checksum of one block of a store
 * @seed: from qbd_block_seed()
 * @block: QBD_BLOCK_SIZE bytes
 * @skip_bytes: offset of the block's own crc field, which counts as zero;
 *	QBD_BLOCK_SIZE if it has none
 *
 * Return: the checksum.
 */
static inline u32 qbd_block_crc(u32 seed, const void *block, size_t skip_bytes)
{
	const u8 *bytes = block;
	__le32 none = 0;
	u32 crc;

	crc = crc32c(seed, bytes, skip_bytes);
	if (skip_bytes >= QBD_BLOCK_SIZE)
		return crc;
	crc = crc32c(crc, &none, sizeof(none));
	skip_bytes += sizeof(none);
	return crc32c(crc, bytes + skip_bytes, QBD_BLOCK_SIZE - skip_bytes);
}

/**
 * qbd_payload_crc() - checksum of the payload of a record, or of its next part
 * @crc: ~0U for the first part, then what the part before returned
 * @data: payload bytes
 * @len_bytes: how many
 *
 * Return: the checksum so far.
 */
static inline u32 qbd_payload_crc(u32 crc, const void *data, size_t len_bytes)
{
	return crc32c(crc, data, len_bytes);
}

#endif /* QBD_CORE_BLOCK_H */
