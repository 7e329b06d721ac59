// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state directory: who has its lock is the daemon of the node.
 *
 * Two daemons with one state would both vote, under one name: the lock comes
 * before anything else is read or written there.  It is the kernel's (flock),
 * so it ends with the process, however that ends; the file stays, for a lock
 * whose file is removed by one and made anew by another locks nothing.
 */
#include "qbdd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>

#define STATE_LOCK "lock"

__attribute__((__format__(printf, 3, 4))) static int
state_bad(char why[QBDD_WHY_MAX], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, QBDD_WHY_MAX, format, args);
	va_end(args);
	return -error;
}

static int state_open_dir(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	const char *path = qbdd->conf.state_dir;
	struct stat stat;

	if (mkdir(path, 0700) && errno != EEXIST)
		return state_bad(why, errno,
				 "%s: can not make the state directory: %s",
				 path, strerror(errno));
	qbdd->state_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (qbdd->state_dir < 0 || fstat(qbdd->state_dir, &stat))
		return state_bad(why, errno, "%s: %s", path, strerror(errno));
	/* who can write there can make it vote twice */
	if (stat.st_uid != geteuid() || (stat.st_mode & 0022))
		return state_bad(
			why, EPERM,
			"%s: others may write there; it has to be root's, with mode 0700",
			path);
	return 0;
}

/* Who has it: a number that the holder wrote there, for people. */
static int state_locked(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	char text[16] = "";
	ssize_t len = pread(qbdd->state_lock, text, sizeof(text) - 1, 0);

	if (len <= 0 || strspn(text, "0123456789") == 0)
		snprintf(text, sizeof(text), "?");
	text[strcspn(text, "\n")] = '\0';
	return state_bad(
		why, EBUSY,
		"%s: in use by another qbdd (process %.10s): one daemon for each state directory",
		qbdd->conf.state_dir, text);
}

static int state_take_lock(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	char text[16];
	int len;

	qbdd->state_lock = openat(qbdd->state_dir, STATE_LOCK,
				  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				  0600);
	if (qbdd->state_lock < 0)
		return state_bad(why, errno, "%s/" STATE_LOCK ": %s",
				 qbdd->conf.state_dir, strerror(errno));
	if (flock(qbdd->state_lock, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return state_locked(qbdd, why);
		return state_bad(why, errno, "%s/" STATE_LOCK ": %s",
				 qbdd->conf.state_dir, strerror(errno));
	}
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(qbdd->state_lock, 0) ||
	    pwrite(qbdd->state_lock, text, (size_t)len, 0) != len)
		return state_bad(why, EIO, "%s: can not be written to: %s",
				 qbdd->conf.state_dir, strerror(errno));
	return 0;
}

static void state_stop(struct qbdd *qbdd)
{
	if (qbdd->state_lock >= 0)
		close(qbdd->state_lock);
	qbdd->state_lock = -1;
	if (qbdd->state_dir >= 0)
		close(qbdd->state_dir);
	qbdd->state_dir = -1;
}

static int state_start(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	int error = state_open_dir(qbdd, why);

	if (!error)
		error = state_take_lock(qbdd, why);
	if (error)
		state_stop(qbdd);
	return error;
}

const struct service state_service = {
	.name = "state",
	.start = state_start,
	.stop = state_stop,
};
