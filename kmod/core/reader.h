/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a device block by block with few I/Os: reads ahead into a buffer
 * and, where that fails, finds out which single blocks can not be read.
 */
#ifndef QBD_CORE_READER_H
#define QBD_CORE_READER_H

#include "io.h"

/**
 * struct qbd_reader - a buffer of blocks read ahead
 * @buf: the buffer
 * @buf_blocks: its size
 * @first: device block of what is in it
 * @have: blocks in it
 * @asked: device block that is being read
 * @asked_blocks: how many from there on
 * @single: the block asked for next is read alone
 * @unreadable: @first can not be read, @error says why
 * @error: errno
 */
struct qbd_reader {
	u8 *buf;
	u32 buf_blocks;
	u64 first;
	u32 have;
	u64 asked;
	u32 asked_blocks;
	bool single;
	bool unreadable;
	int error;
};

void qbd_reader_init(struct qbd_reader *reader, void *buf, u32 buf_blocks);
bool qbd_reader_get(struct qbd_reader *reader, u64 block, u64 ahead,
		    const void **data, struct qbd_io *io);
void qbd_reader_end(struct qbd_reader *reader, int error);
void *qbd_reader_borrow(struct qbd_reader *reader);

#endif /* QBD_CORE_READER_H */
