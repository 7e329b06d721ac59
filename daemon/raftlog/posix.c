// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a log store on a real file system. The lock is on the directory
 * itself: to look at one leaves nothing behind in it.
 */
#include "vfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct raftlog_posix {
	int fd;
};

static int posix_fd(void *dir)
{
	return ((struct raftlog_posix *)dir)->fd;
}

static int posix_lock(void *dir)
{
	int err;

	do
		err = flock(posix_fd(dir), LOCK_EX | LOCK_NB);
	while (err && errno == EINTR);
	if (!err)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

static int posix_list(void *dir, raftlog_name_fn each, void *arg)
{
	int fd = openat(posix_fd(dir), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *stream;
	int err;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		err = -errno;
		close(fd);
		return err;
	}
	for (;;) {
		errno = 0;
		entry = readdir(stream);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			each(arg, entry->d_name);
	}
	err = -errno;
	closedir(stream);
	return err;
}

static int posix_open(void *dir, const char *name, enum raftlog_mode mode)
{
	/* no pipe that blocks, no link that leads elsewhere */
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat st;
	int fd;

	if (mode == RAFTLOG_READ)
		flags |= O_RDONLY;
	else
		flags |= O_RDWR;
	if (mode == RAFTLOG_CREATE)
		flags |= O_CREAT | O_EXCL;
	do
		fd = openat(posix_fd(dir), name, flags, 0600);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static void posix_close(void *dir, int file)
{
	/* what counts was synced before; an error here says nothing about it */
	close(file);
}

static s64 posix_size(void *dir, int file)
{
	struct stat st;

	return fstat(file, &st) ? -errno : st.st_size;
}

static s64 posix_pread(void *dir, int file, void *buf, u64 bytes, u64 offset)
{
	ssize_t done;

	do
		done = pread(file, buf, bytes, (off_t)offset);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

static s64 posix_pwrite(void *dir, int file, const void *buf, u64 bytes,
			u64 offset)
{
	ssize_t done;

	do
		done = pwrite(file, buf, bytes, (off_t)offset);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

/* Interrupted or not: a sync that failed is not tried again. */
static int posix_sync(void *dir, int file)
{
	return fdatasync(file) ? -errno : 0;
}

static int posix_sync_dir(void *dir)
{
	return fsync(posix_fd(dir)) ? -errno : 0;
}

static int posix_allocate(void *dir, int file, u64 bytes)
{
	int err;

	do
		err = posix_fallocate(file, 0, (off_t)bytes);
	while (err == EINTR);
	return -err;
}

static int posix_rename(void *dir, const char *from, const char *to)
{
	int fd = posix_fd(dir);

	return renameat(fd, from, fd, to) ? -errno : 0;
}

static int posix_unlink(void *dir, const char *name)
{
	return unlinkat(posix_fd(dir), name, 0) ? -errno : 0;
}

static const struct raftlog_env posix_env = {
	.lock = posix_lock,
	.list = posix_list,
	.open = posix_open,
	.close = posix_close,
	.size = posix_size,
	.pread = posix_pread,
	.pwrite = posix_pwrite,
	.sync = posix_sync,
	.sync_dir = posix_sync_dir,
	.allocate = posix_allocate,
	.rename = posix_rename,
	.unlink = posix_unlink,
};

/* A directory that was just made is there after a crash only with this. */
static int posix_sync_parent(int fd)
{
	int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (parent < 0)
		return -errno;
	err = fsync(parent) ? -errno : 0;
	close(parent);
	return err;
}

/**
 * raftlog_posix_open() - a directory of the file system
 * @path: of it
 * @create: make it if it is not there; its parent is
 * @env: filled
 *
 * Return: 0 or a negative errno.
 */
int raftlog_posix_open(const char *path, bool create, struct raftlog_env *env)
{
	struct raftlog_posix *dir;
	int fd, err = 0;

	if (create && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (create)
		err = posix_sync_parent(fd);
	dir = malloc(sizeof(*dir));
	if (!dir)
		err = -ENOMEM;
	if (err) {
		free(dir);
		close(fd);
		return err;
	}
	dir->fd = fd;
	*env = posix_env;
	env->dir = dir;
	return 0;
}

/**
 * raftlog_posix_close() - done with it
 * @env: from raftlog_posix_open(); the lock goes with it
 */
void raftlog_posix_close(struct raftlog_env *env)
{
	close(posix_fd(env->dir));
	free(env->dir);
	memset(env, 0, sizeof(*env));
}
