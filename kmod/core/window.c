// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leader's ring of records in flight; see window.h.
 */
#include "window.h"
#include <linux/qbd_wal.h>

/**
 * qbd_window_init() - an empty ring
 * @win: the ring
 * @rec: memory for the entries
 * @nr_records: how many, a power of two
 * @max_bytes: payload bytes that it may hold
 *
 * Return: 0 or -EINVAL.
 */
int qbd_window_init(struct qbd_window *win, struct qbd_inflight *rec,
		    u32 nr_records, u32 max_bytes)
{
	if (!rec || nr_records < 2 || (nr_records & (nr_records - 1)))
		return -EINVAL;
	memset(win, 0, sizeof(*win));
	win->rec = rec;
	win->mask = nr_records - 1;
	win->max_bytes = max_bytes;
	return 0;
}

/**
 * qbd_window_start() - say where the history goes on
 * @win: the ring, empty
 * @index: index of the first record
 */
void qbd_window_start(struct qbd_window *win, u64 index)
{
	win->base = index;
	win->end = index;
}

/**
 * qbd_window_fits() - is there room for a record?
 * @win: the ring
 * @payload_blocks: length of its payload
 *
 * A record that is larger than all the room goes into an empty ring: a bound
 * that is set too low makes things slow, never stuck.
 *
 * Return: true if so.
 */
bool qbd_window_fits(const struct qbd_window *win, u32 payload_blocks)
{
	u64 bytes = win->end_bytes - win->base_bytes;

	if (win->end - win->base > win->mask)
		return false;
	return !bytes ||
	       bytes + (u64)payload_blocks * QBD_BLOCK_SIZE <= win->max_bytes;
}

/**
 * qbd_window_push() - the next record
 * @win: the ring; qbd_window_fits() said so
 * @payload_blocks: length of its payload
 *
 * Return: its entry, zero but for the sizes.
 */
struct qbd_inflight *qbd_window_push(struct qbd_window *win, u32 payload_blocks)
{
	struct qbd_inflight *rec = &win->rec[win->end & win->mask];

	memset(rec, 0, sizeof(*rec));
	win->end++;
	win->end_bytes += (u64)payload_blocks * QBD_BLOCK_SIZE;
	rec->payload_blocks = payload_blocks;
	rec->end_bytes = win->end_bytes;
	return rec;
}

/**
 * qbd_window_at() - a record
 * @win: the ring
 * @index: its index
 *
 * Return: its entry, NULL if it is not in the ring.
 */
struct qbd_inflight *qbd_window_at(const struct qbd_window *win, u64 index)
{
	if (index < win->base || index >= win->end)
		return NULL;
	return &win->rec[index & win->mask];
}

/**
 * qbd_window_pop() - nobody needs the oldest record any more
 * @win: the ring, not empty
 */
void qbd_window_pop(struct qbd_window *win)
{
	win->base_bytes = win->rec[win->base & win->mask].end_bytes;
	win->base++;
}

/**
 * qbd_window_bytes() - payload bytes of all records up to one, ever
 * @win: the ring
 * @index: index of that record
 *
 * Differences of this are the bytes between two records; below the ring it is
 * what the ring's first record starts from.
 *
 * Return: the number.
 */
u64 qbd_window_bytes(const struct qbd_window *win, u64 index)
{
	const struct qbd_inflight *rec = qbd_window_at(win, index);

	if (rec)
		return rec->end_bytes;
	return index < win->base ? win->base_bytes : win->end_bytes;
}
