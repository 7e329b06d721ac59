/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O as the core describes it: the core never does any, its caller does and
 * reports the outcome.
 *
 * All positions and lengths are in blocks of the store's device.  A failed or
 * short I/O is reported as a negative errno and never retried and believed:
 * what could not be written once fails the store.
 */
#ifndef QBD_CORE_IO_H
#define QBD_CORE_IO_H

#include "env.h"

/**
 * enum qbd_io_op - what to do
 * @QBD_IO_READ: read @blocks at @block into @buf
 * @QBD_IO_WRITE: write @blocks at @block, from @buf, or, if @buf is NULL,
 *	from the payload in memory of record @rec, @offset blocks into it
 * @QBD_IO_COPY: as a write of a payload, but the payload is only in the log:
 *	read all of it (see qbd_store_log_extents()), check its CRC, write the
 *	part; a wrong CRC is a failed I/O
 * @QBD_IO_LOAD: read the payload of record @rec back from the log, check its
 *	CRC and give it to the record with qbd_store_payload_set()
 * @QBD_IO_CLONE: write @blocks at @block, no more than QBD_REC_BLOCKS_MAX, from
 *	what is at @from
 * @QBD_IO_ZERO: make @blocks at @block read as zero
 * @QBD_IO_FLUSH: make everything that was written before durable
 */
enum qbd_io_op {
	QBD_IO_READ,
	QBD_IO_WRITE,
	QBD_IO_COPY,
	QBD_IO_LOAD,
	QBD_IO_CLONE,
	QBD_IO_ZERO,
	QBD_IO_FLUSH,
};

/**
 * struct qbd_io - one I/O on a store's device
 * @op: what to do
 * @fua: durable when it ends (QBD_IO_WRITE)
 * @rec: record whose payload it is about (see @op)
 * @offset: first block of the payload
 * @blocks: length in blocks
 * @block: first block on the device
 * @from: first block to be read (QBD_IO_CLONE)
 * @buf: memory of the core, @blocks * QBD_BLOCK_SIZE bytes, aligned to a
 *	block, valid until the I/O was reported
 */
struct qbd_io {
	enum qbd_io_op op;
	bool fua;
	u32 rec;
	u32 offset;
	u32 blocks;
	u64 block;
	u64 from;
	void *buf;
};

/**
 * struct qbd_extent - a run of blocks on the device
 * @block: first block
 * @blocks: length, 0 = none
 */
struct qbd_extent {
	u64 block;
	u32 blocks;
};

#endif /* QBD_CORE_IO_H */
