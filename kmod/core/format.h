/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making a store: how a device is divided, and the I/Os that make it so.
 *
 * The old superblocks go first, and durably: a store that was here before
 * must not win over the new one with its higher generation if the machine
 * stops in between.  Neither the log nor the metadata region is cleared,
 * since nothing in them verifies under the new store's uuid.
 */
#ifndef QBD_CORE_FORMAT_H
#define QBD_CORE_FORMAT_H

#include "io.h"
#include "super.h"

/**
 * struct qbd_format_options - what the administrator wants
 * @dev_blocks: size of the device
 * @wal_blocks: size of the log, 0 = a sixteenth of the device within bounds
 * @chunk_shift: log2 of the blocks of a chunk, 0 = 256 KiB
 * @overcommit: shard sizes may add up to so many times the device, 0 = 4
 * @replicas: replicas that the store can hold, 0 = as many as possible
 * @cluster: cluster uuid
 * @store: uuid of the new store
 * @run: random, not 0
 */
struct qbd_format_options {
	u64 dev_blocks;
	u64 wal_blocks;
	u32 chunk_shift;
	u32 overcommit;
	u32 replicas;
	u8 cluster[QBD_UUID_SIZE];
	u8 store[QBD_UUID_SIZE];
	u64 run;
};

/**
 * struct qbd_format - a device being formatted
 * @super: the new superblock
 * @step: how far
 */
struct qbd_format {
	struct qbd_super super;
	u32 step;
};

int __must_check qbd_format_plan(struct qbd_format *format,
				 const struct qbd_format_options *options);
int qbd_format_next(struct qbd_format *format, void *block, struct qbd_io *io);

#endif /* QBD_CORE_FORMAT_H */
