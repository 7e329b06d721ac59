// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a whole store offline: does the core's I/O, one at a time, gives it
 * memory, and shows on a terminal how far it is. Writes nothing.
 */
#include "store_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORE_SCAN_BUF_BLOCKS 256U /* 1 MiB per I/O */
#define STORE_SCAN_SHOW_BLOCKS 16384U /* a line per 64 MiB */

static void store_scan_progress(struct store_scan *scan, u32 blocks)
{
	u64 before = scan->blocks_read / STORE_SCAN_SHOW_BLOCKS;

	scan->blocks_read += blocks;
	if (scan->blocks_read / STORE_SCAN_SHOW_BLOCKS == before ||
	    !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%llu MiB read ",
		scan->blocks_read * QBD_BLOCK_SIZE >> 20);
	scan->shown = true;
}

static bool store_scan_core(struct store_scan *scan)
{
	const struct qbd_super *super = &scan->check.open.super;
	size_t bytes =
		ALIGN(qbd_store_mem_bytes(super), (size_t)QBD_BLOCK_SIZE);

	scan->core_mem = aligned_alloc(QBD_BLOCK_SIZE, bytes);
	if (!scan->core_mem)
		return false;
	memset(scan->core_mem, 0, bytes);
	scan->core = qbd_store_init(scan->core_mem, super);
	qbd_open_core_give(&scan->check.open, scan->core);
	return true;
}

static bool store_scan_pages(struct store_scan *scan)
{
	while (qbd_store_pages_wanted(scan->core)) {
		void *page = calloc(1, QBD_BLOCK_SIZE);

		if (!page)
			return false;
		qbd_store_page_give(scan->core, page);
	}
	return true;
}

/* Returns 1 to go on, 0 when done, or a negative errno. */
static int store_scan_step(struct store_scan *scan)
{
	struct qbd_open *open = &scan->check.open;
	struct qbd_io io;

	switch (qbd_check_next(&scan->check, &io)) {
	case QBD_OPEN_IO:
		qbd_open_io_end(open, store_dev_io(scan->dev, &io));
		store_scan_progress(scan, io.blocks);
		return 1;
	case QBD_OPEN_CORE:
		return store_scan_core(scan) ? 1 : -ENOMEM;
	case QBD_OPEN_PAGES:
		return store_scan_pages(scan) ? 1 : -ENOMEM;
	case QBD_OPEN_FINDING:
		if (scan->ops->finding)
			scan->ops->finding(scan, &open->finding);
		return 1;
	case QBD_OPEN_SEGMENT:
		if (scan->ops->segment)
			scan->ops->segment(scan);
		return 1;
	case QBD_OPEN_DONE:
		return 0;
	case QBD_OPEN_FAILED:
		break;
	}
	return open->error ? open->error : -EUCLEAN;
}

/**
 * store_scan_run() - read a store
 * @scan: filled; store_scan_end() in any case
 * @dev: its device
 * @ops: who wants to know what
 * @data: for @ops
 *
 * Return: 0 with @scan->core; a negative errno if it can not be opened.
 */
int store_scan_run(struct store_scan *scan, const struct store_dev *dev,
		   const struct store_scan_ops *ops, void *data)
{
	int err = 1;

	memset(scan, 0, sizeof(*scan));
	scan->dev = dev;
	scan->ops = ops;
	scan->data = data;
	scan->buf = aligned_alloc(
		QBD_BLOCK_SIZE, (size_t)QBD_BLOCK_SIZE * STORE_SCAN_BUF_BLOCKS);
	if (!scan->buf)
		return -ENOMEM;
	qbd_check_init(&scan->check, dev->blocks, scan->buf,
		       STORE_SCAN_BUF_BLOCKS);
	scan->check.open.config.show = !!ops->segment;
	while (err > 0)
		err = store_scan_step(scan);
	if (scan->shown)
		fputc('\n', stderr);
	return err;
}

/* Gives all memory back. */
void store_scan_end(struct store_scan *scan)
{
	void *page;

	if (scan->core) {
		while (qbd_store_destroy_step(scan->core))
			;
		while ((page = qbd_store_page_take(scan->core)))
			free(page);
	}
	free(scan->core_mem);
	free(scan->buf);
}
