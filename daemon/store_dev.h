/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store's device for the offline tools: opened so that nobody else has it,
 * read and written as the core describes it.
 */
#ifndef QBD_DAEMON_STORE_DEV_H
#define QBD_DAEMON_STORE_DEV_H

#include "io.h"

/**
 * struct store_dev - an open device or image file
 * @fd: open file
 * @path: as given
 * @blocks: its size
 * @writable: opened for writing
 */
struct store_dev {
	int fd;
	const char *path;
	u64 blocks;
	bool writable;
};

bool store_dev_open(struct store_dev *dev, const char *path, bool writable);
void store_dev_close(struct store_dev *dev);
int store_dev_io(const struct store_dev *dev, const struct qbd_io *io);
bool store_dev_random(void *mem, size_t bytes);

#endif /* QBD_DAEMON_STORE_DEV_H */
