/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a whole store offline, for check and dump: the loop around the
 * core's read-only open.
 */
#ifndef QBD_DAEMON_STORE_SCAN_H
#define QBD_DAEMON_STORE_SCAN_H

#include "check.h"

#include "store_dev.h"

struct store_scan;

/**
 * struct store_scan_ops - who wants to know what
 * @finding: something is wrong
 * @segment: a segment of the log, in @scan->check.open.replay
 */
struct store_scan_ops {
	void (*finding)(struct store_scan *scan,
			const struct qbd_finding *finding);
	void (*segment)(struct store_scan *scan);
};

/**
 * struct store_scan - a store being read
 * @dev: its device
 * @ops: members may be NULL
 * @data: of @ops
 * @core: the store, NULL before its superblock is known
 * @core_mem: memory of @core
 * @buf: what the core reads into
 * @blocks_read: for the progress line
 * @shown: the progress line has been written
 * @check: the core's part
 */
struct store_scan {
	const struct store_dev *dev;
	const struct store_scan_ops *ops;
	void *data;
	struct qbd_store_core *core;
	void *core_mem;
	void *buf;
	u64 blocks_read;
	bool shown;
	struct qbd_check check;
};

int store_scan_run(struct store_scan *scan, const struct store_dev *dev,
		   const struct store_scan_ops *ops, void *data);
void store_scan_end(struct store_scan *scan);

#endif /* QBD_DAEMON_STORE_SCAN_H */
