// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store's device for the offline tools.
 *
 * A block device is opened with O_EXCL: the kernel refuses if it is mounted
 * or open as a store. Errors are printed here, in words.
 */
#include "store_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/qbd_wal.h>

static bool store_dev_error(const struct store_dev *dev, const char *what)
{
	fprintf(stderr, "qbdctl: %s: %s: %s\n", dev->path, what,
		errno == EBUSY ? "in use: mounted, or open as a store" :
				 strerror(errno));
	return false;
}

static bool store_dev_size(struct store_dev *dev, const struct stat *st)
{
	u64 bytes = (u64)st->st_size;

	if (S_ISBLK(st->st_mode) && ioctl(dev->fd, BLKGETSIZE64, &bytes))
		return store_dev_error(dev, "size");
	dev->blocks = bytes / QBD_BLOCK_SIZE;
	return true;
}

/**
 * store_dev_open() - open a device, or an image file
 * @dev: filled
 * @path: of it
 * @writable: for writing; refused while anybody else uses it
 *
 * Return: true, or false after it said why.
 */
bool store_dev_open(struct store_dev *dev, const char *path, bool writable)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	struct stat st;

	dev->path = path;
	dev->writable = writable;
	dev->fd = -1;
	if (stat(path, &st))
		return store_dev_error(dev, "open");
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)) {
		fprintf(stderr, "qbdctl: %s: neither block device nor file\n",
			path);
		return false;
	}
	/* The kernel's store writes below the page cache. */
	if (S_ISBLK(st.st_mode))
		flags |= O_EXCL | O_DIRECT;
	dev->fd = open(path, flags);
	if (dev->fd < 0)
		return store_dev_error(dev, "open");
	if (store_dev_size(dev, &st))
		return true;
	store_dev_close(dev);
	return false;
}

/* Close it; what was written is durable only after a flush. */
void store_dev_close(struct store_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

static int store_dev_transfer(const struct store_dev *dev,
			      const struct qbd_io *io, bool is_write)
{
	size_t left = (size_t)io->blocks * QBD_BLOCK_SIZE;
	off_t at = (off_t)(io->block * QBD_BLOCK_SIZE);
	char *mem = io->buf;

	while (left) {
		ssize_t got = is_write ? pwrite(dev->fd, mem, left, at) :
					 pread(dev->fd, mem, left, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		mem += got;
		at += got;
		left -= (size_t)got;
	}
	return 0;
}

static int store_dev_zero(const struct store_dev *dev, const struct qbd_io *io)
{
	static _Alignas(QBD_BLOCK_SIZE) char zero[QBD_BLOCK_SIZE];
	struct qbd_io one = *io;
	int err = 0;
	u32 i;

	one.blocks = 1;
	one.buf = zero;
	for (i = 0; i < io->blocks && !err; i++) {
		one.block = io->block + i;
		err = store_dev_transfer(dev, &one, true);
	}
	return err;
}

/**
 * store_dev_io() - do what the core describes
 * @dev: the device
 * @io: a read, a write from memory, zeroes, or a flush
 *
 * Return: 0, or a negative errno.
 */
int store_dev_io(const struct store_dev *dev, const struct qbd_io *io)
{
	int err;

	switch (io->op) {
	case QBD_IO_READ:
		return store_dev_transfer(dev, io, false);
	case QBD_IO_WRITE:
		err = store_dev_transfer(dev, io, true);
		if (err || !io->fua)
			return err;
		return fdatasync(dev->fd) ? -errno : 0;
	case QBD_IO_FLUSH:
		return fdatasync(dev->fd) ? -errno : 0;
	case QBD_IO_ZERO:
		return store_dev_zero(dev, io);
	case QBD_IO_COPY:
	case QBD_IO_LOAD:
	case QBD_IO_CLONE:
		break;
	}
	return -EOPNOTSUPP;
}

/* Fill @mem with random bytes from the kernel. */
bool store_dev_random(void *mem, size_t bytes)
{
	if (getrandom(mem, bytes, 0) == (ssize_t)bytes)
		return true;
	perror("qbdctl: random");
	return false;
}
