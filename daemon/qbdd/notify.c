// SPDX-License-Identifier: GPL-2.0-only
/*
 * READY=1 and its like, until they are said; see notify.h.
 */
#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../parse.h"

#define NOTIFY_MESSAGE_MAX 512

static struct notify *notify_of(struct loop_timer *timer, size_t offset)
{
	return (struct notify *)((char *)timer - offset);
}

static uint64_t notify_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* One datagram; 0 or -errno. */
static int notify_send(const struct notify *notify, const char *text)
{
	ssize_t sent = sendto(notify->fd, text, strlen(text),
			      MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&notify->addr,
			      notify->addr_len);

	return sent < 0 ? -errno : 0;
}

static int notify_send_reloading(struct notify *notify)
{
	char text[NOTIFY_MESSAGE_MAX];
	int error;

	if (!(notify->due & NOTIFY_RELOADING))
		return 0;
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		 (unsigned long long)notify->reloading_us);
	error = notify_send(notify, text);
	if (!error)
		notify->due &= ~NOTIFY_RELOADING;
	return error;
}

static int notify_send_rest(struct notify *notify)
{
	char text[NOTIFY_MESSAGE_MAX];
	unsigned int due = notify->due;
	bool status = due & NOTIFY_STATUS;
	int error;

	if (!due)
		return 0;
	snprintf(text, sizeof(text), "%s%s%s%s%s%s",
		 due & NOTIFY_READY ? "READY=1\n" : "",
		 due & NOTIFY_STOPPING ? "STOPPING=1\n" : "",
		 due & NOTIFY_WATCHDOG ? "WATCHDOG=1\n" : "",
		 status ? "STATUS=" : "", status ? notify->status : "",
		 status ? "\n" : "");
	error = notify_send(notify, text);
	if (!error)
		notify->due = 0;
	return error;
}

/* Say what is due, or have it tried again. */
static void notify_flush(struct notify *notify)
{
	int error;

	if (notify->fd < 0)
		return;
	error = notify_send_reloading(notify);
	if (!error)
		error = notify_send_rest(notify);
	if (!error) {
		loop_timer_stop(notify->loop, &notify->retry);
		return;
	}
	log_limited(&notify->failed, loop_now(notify->loop), LOG_LEVEL_WARN,
		    "notify-failed", "error=%d retry_ms=%llu", -error,
		    NOTIFY_RETRY_NS / 1000000);
	loop_timer_set(notify->loop, &notify->retry,
		       loop_now(notify->loop) + NOTIFY_RETRY_NS);
}

static void notify_due(struct notify *notify, unsigned int due)
{
	notify->due |= due;
	notify_flush(notify);
}

static void notify_retry(struct loop_timer *timer)
{
	notify_flush(notify_of(timer, offsetof(struct notify, retry)));
}

static void notify_watchdog(struct loop_timer *timer)
{
	struct notify *notify =
		notify_of(timer, offsetof(struct notify, watchdog));

	loop_timer_set(notify->loop, timer,
		       loop_now(notify->loop) + notify->watchdog_ns);
	notify_due(notify, NOTIFY_WATCHDOG);
}

/* "/a/path", or "@name" for one that is in no file system. */
static int notify_addr(struct notify *notify, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || !name[1])
		return -EAFNOSUPPORT;
	if (len >= sizeof(notify->addr.sun_path))
		return -ENAMETOOLONG;
	notify->addr.sun_family = AF_UNIX;
	memcpy(notify->addr.sun_path, name, len);
	if (name[0] == '@')
		notify->addr.sun_path[0] = '\0';
	/* without an end: it would belong to an abstract name */
	notify->addr_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

/* Half of the time that the supervisor waits, if it waits for this process. */
static int notify_watchdog_begin(struct notify *notify)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t value;

	if (!usec)
		return 0;
	if (pid && (!parse_u64(pid, 1, INT32_MAX, &value)))
		return -EINVAL;
	if (pid && value != (uint64_t)getpid())
		return 0;
	if (!parse_u64(usec, 2, UINT64_MAX / 1000, &value))
		return -EINVAL;
	notify->watchdog_ns = value * 1000 / 2;
	loop_timer_set(notify->loop, &notify->watchdog,
		       loop_now(notify->loop) + notify->watchdog_ns);
	return 0;
}

/**
 * notify_open() - look for a supervisor
 * @notify: the supervisor
 * @loop: the loop
 *
 * NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are taken out of the
 * environment, so that no child talks in our name.
 *
 * Return: 0, also if there is none; or -errno, and nothing is said to anybody.
 */
int notify_open(struct notify *notify, struct loop *loop)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int error = 0;

	memset(notify, 0, sizeof(*notify));
	notify->loop = loop;
	notify->fd = -1;
	notify->watchdog.name = "notify-watchdog";
	notify->watchdog.expired = notify_watchdog;
	notify->retry.name = "notify-retry";
	notify->retry.expired = notify_retry;
	if (name && *name) {
		error = notify_addr(notify, name);
		if (!error) {
			notify->fd =
				socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			error = notify->fd < 0 ? -errno : 0;
		}
		if (!error)
			error = notify_watchdog_begin(notify);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (error)
		notify_close(notify);
	return error;
}

/**
 * notify_close() - say nothing more
 * @notify: the supervisor
 */
void notify_close(struct notify *notify)
{
	loop_timer_stop(notify->loop, &notify->watchdog);
	loop_timer_stop(notify->loop, &notify->retry);
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

/**
 * notify_ready() - it works from now on, or again
 * @notify: the supervisor
 */
void notify_ready(struct notify *notify)
{
	notify_due(notify, NOTIFY_READY);
}

/**
 * notify_reloading() - the configuration is being read again
 * @notify: the supervisor; notify_ready() has to follow
 */
void notify_reloading(struct notify *notify)
{
	notify->reloading_us = notify_monotonic_us();
	notify_due(notify, NOTIFY_RELOADING);
}

/**
 * notify_stopping() - it is on its way out
 * @notify: the supervisor
 */
void notify_stopping(struct notify *notify)
{
	notify_due(notify, NOTIFY_STOPPING);
}

/**
 * notify_status() - say in words how it is
 * @notify: the supervisor
 * @format: one line
 */
void notify_status(struct notify *notify, const char *format, ...)
{
	va_list args;
	char *at;

	va_start(args, format);
	vsnprintf(notify->status, sizeof(notify->status), format, args);
	va_end(args);
	/* a line break would begin another assignment */
	for (at = notify->status; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	notify_due(notify, NOTIFY_STATUS);
}
