// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket of the administrator's door, in the file system.
 *
 * A daemon that was killed leaves its socket behind, so what is found there is
 * removed; but only by who has the lock beside it, and only if it is a socket.
 * (Without the lock: two daemons with one path, the second takes the first
 * one's place, and the first one answers nobody and does not know it.)
 */
#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define ADMIN_BACKLOG 64

__attribute__((__format__(printf, 3, 4))) static int
admin_listen_bad(char why[ADMIN_WHY_MAX], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, ADMIN_WHY_MAX, format, args);
	va_end(args);
	return -error;
}

/* The directory: made if need be, and nobody else's to write to. */
static int admin_listen_dir(const char *path, char why[ADMIN_WHY_MAX])
{
	char dir[ADMIN_PATH_MAX + 1];
	struct stat stat;
	size_t len = (size_t)(strrchr(path, '/') - path);

	memcpy(dir, path, len);
	if (!len)
		dir[len++] = '/';
	dir[len] = '\0';
	if (mkdir(dir, 0700) && errno != EEXIST)
		return admin_listen_bad(why, errno,
					"%s: can not make the directory: %s",
					dir, strerror(errno));
	if (lstat(dir, &stat))
		return admin_listen_bad(why, errno, "%s: %s", dir,
					strerror(errno));
	if (!S_ISDIR(stat.st_mode))
		return admin_listen_bad(why, ENOTDIR, "%s: no directory", dir);
	if (stat.st_uid != geteuid() || (stat.st_mode & 0022))
		return admin_listen_bad(
			why, EPERM,
			"%s: others may write there; name a socket in a directory of root with mode 0700",
			dir);
	return 0;
}

static int admin_listen_lock(struct admin_server *server, const char *path,
			     char why[ADMIN_WHY_MAX])
{
	char name[ADMIN_PATH_MAX + 8];

	snprintf(name, sizeof(name), "%s.lock", path);
	server->lock =
		open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (server->lock < 0)
		return admin_listen_bad(why, errno, "%s: %s", name,
					strerror(errno));
	if (!flock(server->lock, LOCK_EX | LOCK_NB))
		return 0;
	return admin_listen_bad(
		why, EADDRINUSE,
		"%s: another daemon answers there; give each its own socket (--socket)",
		path);
}

static int admin_listen_bind(struct admin_server *server, const char *path,
			     char why[ADMIN_WHY_MAX])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat stat;

	if (!lstat(path, &stat) && !S_ISSOCK(stat.st_mode))
		return admin_listen_bad(why, EEXIST,
					"%s: is there and is no socket", path);
	if (unlink(path) && errno != ENOENT)
		return admin_listen_bad(why, errno, "%s: %s", path,
					strerror(errno));
	memcpy(addr.sun_path, path, strlen(path));
	server->listener.fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* nobody can connect before listen(): the mode is in time */
	if (server->listener.fd < 0 ||
	    bind(server->listener.fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    chmod(path, 0600) || listen(server->listener.fd, ADMIN_BACKLOG))
		return admin_listen_bad(why, errno, "%s: %s", path,
					strerror(errno));
	snprintf(server->path, sizeof(server->path), "%s", path);
	return 0;
}

/**
 * admin_listen() - make the socket
 * @server: the door; its listener has a socket afterwards, not watched yet
 * @path: where
 * @why: what is wrong, if something is
 *
 * Return: 0 or -errno; admin_unlisten() has to follow in any case.
 */
int admin_listen(struct admin_server *server, const char *path,
		 char why[ADMIN_WHY_MAX])
{
	int error;

	if (path[0] != '/' || strlen(path) > ADMIN_PATH_MAX)
		return admin_listen_bad(
			why, EINVAL,
			"%.120s: expected a path from the root, of at most %d bytes",
			path, ADMIN_PATH_MAX);
	error = admin_listen_dir(path, why);
	if (!error)
		error = admin_listen_lock(server, path, why);
	if (!error)
		error = admin_listen_bind(server, path, why);
	return error;
}

/**
 * admin_unlisten() - take the socket away
 * @server: the door; its listener is not watched any more
 */
void admin_unlisten(struct admin_server *server)
{
	/* under the lock, which stays: without a name it would lock nothing */
	if (*server->path && unlink(server->path))
		log_write(LOG_LEVEL_WARN, "admin-unlink-failed", "error=%d",
			  errno);
	server->path[0] = '\0';
	if (server->listener.fd >= 0)
		close(server->listener.fd);
	server->listener.fd = -1;
	if (server->lock >= 0)
		close(server->lock);
	server->lock = -1;
}
