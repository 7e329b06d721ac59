// SPDX-License-Identifier: GPL-2.0-only
/*
 * A slow disk, and a witness: stands between a program and the C library
 * (LD_PRELOAD), and writes down which of its threads touches the files below a
 * directory.
 *
 *	QBD_DISK_DIR	the directory; without it nothing is done
 *	QBD_DISK_LOG	where to: of each call a line, "main" or "other"
 *			thread, what, on which file
 *	QBD_DISK_MS	a file: how long each fsync and fdatasync takes;
 *			read with each of them, and need not be there
 *
 * So a test can say that the thread with the event loop waits for no disk, and
 * need not measure time for it.  Calls that a disk can hold up are written
 * down, those that have it in hand already (close, fstat) are not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "fortify.h"

static const char *disk_dir;
static const char *disk_ms;
static int disk_log = -1;

__attribute__((__constructor__)) static void disk_begin(void)
{
	const char *log = getenv("QBD_DISK_LOG");

	disk_dir = getenv("QBD_DISK_DIR");
	disk_ms = getenv("QBD_DISK_MS");
	if (!disk_dir || !log)
		return;
	disk_log = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (disk_log < 0)
		abort(); /* a test that sees nothing would pass */
}

static void *disk_real(const char *name)
{
	void *real = dlsym(RTLD_NEXT, name);

	if (!real)
		abort();
	return real;
}

/* What the C library's @call is. */
#define REAL(call) ((typeof(&call))disk_real(#call))

static void disk_note(const char *call, const char *path)
{
	char line[PATH_MAX + 64];
	int error = errno, len;

	if (disk_log < 0 || strncmp(path, disk_dir, strlen(disk_dir)))
		return;
	len = snprintf(line, sizeof(line), "%s %s %s\n",
		       syscall(SYS_gettid) == getpid() ? "main" : "other", call,
		       path);
	/* one write(): lines of threads do not mix */
	if (len < 0 || write(disk_log, line, (size_t)len) != len)
		abort();
	errno = error;
}

/* The file that @fd is, or @fd is the directory of @path. */
static void disk_note_fd(const char *call, int fd, const char *path)
{
	char link[64], name[2 * PATH_MAX];
	int error = errno;
	ssize_t len;

	if (disk_log < 0)
		return;
	if (path && (*path == '/' || fd == AT_FDCWD)) {
		disk_note(call, path);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, name, PATH_MAX);
	errno = error;
	if (len <= 0)
		return;
	snprintf(name + len, sizeof(name) - (size_t)len, "%s%s",
		 path ? "/" : "", path ? path : "");
	disk_note(call, name);
}

static void disk_slow(void)
{
	char text[16] = "";
	long ms;
	int fd;

	if (!disk_ms)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, disk_ms, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	syscall(SYS_close, fd);
	ms = strtol(text, NULL, 10);
	if (ms > 0 && poll(NULL, 0, (int)ms) < 0)
		abort();
}

int fsync(int fd)
{
	disk_note_fd("fsync", fd, NULL);
	disk_slow();
	return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	disk_note_fd("fdatasync", fd, NULL);
	disk_slow();
	return REAL(fdatasync)(fd);
}

static unsigned int disk_mode(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, unsigned int) : 0;
}

int open(const char *path, int flags, ...)
{
	unsigned int mode;
	va_list args;

	va_start(args, flags);
	mode = disk_mode(flags, args);
	va_end(args);
	disk_note("open", path);
	return REAL(open)(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	unsigned int mode;
	va_list args;

	va_start(args, flags);
	mode = disk_mode(flags, args);
	va_end(args);
	disk_note_fd("open", dir, path);
	return REAL(openat)(dir, path, flags, mode);
}

int __open_2(const char *path, int flags)
{
	return open(path, flags);
}

int __openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

FILE *fopen(const char *path, const char *mode)
{
	disk_note("open", path);
	return REAL(fopen)(path, mode);
}

ssize_t pread(int fd, void *buf, size_t bytes, off_t at)
{
	disk_note_fd("read", fd, NULL);
	return REAL(pread)(fd, buf, bytes, at);
}

ssize_t __pread_chk(int fd, void *buf, size_t bytes, off_t at, size_t room)
{
	if (bytes > room)
		abort();
	return pread(fd, buf, bytes, at);
}

ssize_t pwrite(int fd, const void *buf, size_t bytes, off_t at)
{
	disk_note_fd("write", fd, NULL);
	return REAL(pwrite)(fd, buf, bytes, at);
}

int posix_fallocate(int fd, off_t at, off_t bytes)
{
	disk_note_fd("allocate", fd, NULL);
	return REAL(posix_fallocate)(fd, at, bytes);
}

int rename(const char *from, const char *to)
{
	disk_note("rename", to);
	return REAL(rename)(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	disk_note_fd("rename", to_dir, to);
	return REAL(renameat)(from_dir, from, to_dir, to);
}

int unlink(const char *path)
{
	disk_note("unlink", path);
	return REAL(unlink)(path);
}

int unlinkat(int dir, const char *path, int flags)
{
	disk_note_fd("unlink", dir, path);
	return REAL(unlinkat)(dir, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
	disk_note("mkdir", path);
	return REAL(mkdir)(path, mode);
}
