// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a device block by block: read-ahead and the isolation of blocks
 * that can not be read.
 *
 * Does no I/O itself: it describes one, and is told how it ended.
 *
 * Context: any; one owner.
 */
#include "reader.h"
#include <linux/qbd_wal.h>

/**
 * qbd_reader_init() - an empty buffer
 * @reader: the reader
 * @buf: memory, aligned to a block
 * @buf_blocks: its size, at least 1
 */
void qbd_reader_init(struct qbd_reader *reader, void *buf, u32 buf_blocks)
{
	memset(reader, 0, sizeof(*reader));
	reader->buf = buf;
	reader->buf_blocks = buf_blocks;
}

/**
 * qbd_reader_get() - a block's contents
 * @reader: the reader
 * @block: device block
 * @ahead: blocks from there on that are worth reading, at least 1
 * @data: result: QBD_BLOCK_SIZE bytes, good until the next I/O; NULL if the
 *	block can not be read, @reader->error says why
 * @io: the I/O that is needed first
 *
 * Return: true with @data; false with @io: do it, call qbd_reader_end() and
 * then this again.
 */
bool qbd_reader_get(struct qbd_reader *reader, u64 block, u64 ahead,
		    const void **data, struct qbd_io *io)
{
	if (block >= reader->first && block - reader->first < reader->have) {
		*data = reader->unreadable ?
				NULL :
				reader->buf + (block - reader->first) *
						      QBD_BLOCK_SIZE;
		return true;
	}
	reader->asked = block;
	reader->asked_blocks =
		reader->single ? 1 : min_t(u64, ahead, reader->buf_blocks);
	reader->have = 0;
	memset(io, 0, sizeof(*io));
	io->op = QBD_IO_READ;
	io->block = block;
	io->blocks = reader->asked_blocks;
	io->buf = reader->buf;
	return false;
}

/**
 * qbd_reader_end() - the I/O that was asked for has ended
 * @reader: the reader
 * @error: 0 or errno
 */
void qbd_reader_end(struct qbd_reader *reader, int error)
{
	reader->single = error && reader->asked_blocks > 1;
	if (reader->single)
		return; /* one bad block among many: ask for the first alone */
	reader->unreadable = error != 0;
	reader->error = error;
	reader->first = reader->asked;
	reader->have = reader->asked_blocks;
}

/**
 * qbd_reader_borrow() - use the buffer for something else
 * @reader: the reader; it forgets what it has read
 *
 * Return: the buffer.
 */
void *qbd_reader_borrow(struct qbd_reader *reader)
{
	reader->have = 0;
	return reader->buf;
}
