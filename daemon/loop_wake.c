// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals and other threads, as events of the loop; see loop.h.
 */
#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

/* One at a time: @got may take it out. */
static void loop_signals_ready(struct loop_source *source, uint32_t events)
{
	struct loop_signals *signals = (struct loop_signals *)source;
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		signals->got(signals, (int)info.ssi_signo);
}

static void loop_wake_ready(struct loop_source *source, uint32_t events)
{
	struct loop_wake *wake = (struct loop_wake *)source;
	uint64_t times;

	(void)events;
	if (read(source->fd, &times, sizeof(times)) == sizeof(times))
		wake->woken(wake);
}

static int loop_watch(struct loop *loop, struct loop_source *source)
{
	int error;

	if (source->fd < 0)
		return -errno;
	error = loop_source_add(loop, source, EPOLLIN);
	if (error) {
		close(source->fd);
		source->fd = -1;
	}
	return error;
}

static void loop_unwatch(struct loop *loop, struct loop_source *source)
{
	if (!source->watched)
		return;
	loop_source_remove(loop, source);
	close(source->fd);
	source->fd = -1;
}

/**
 * loop_signals_add() - take signals as events
 * @loop: the loop
 * @signals: with @got and a name
 * @set: which; blocked from now on, so call it before threads are made
 *
 * Return: 0 or -errno.
 */
int loop_signals_add(struct loop *loop, struct loop_signals *signals,
		     const sigset_t *set)
{
	if (sigprocmask(SIG_BLOCK, set, NULL))
		return -errno;
	signals->source.ready = loop_signals_ready;
	signals->source.fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	return loop_watch(loop, &signals->source);
}

/**
 * loop_signals_remove() - take them no longer; they stay blocked
 * @loop: the loop
 * @signals: need not be in it
 */
void loop_signals_remove(struct loop *loop, struct loop_signals *signals)
{
	loop_unwatch(loop, &signals->source);
}

/**
 * loop_wake_add() - let other threads wake the loop
 * @loop: the loop
 * @wake: with @woken and a name
 *
 * Return: 0 or -errno.
 */
int loop_wake_add(struct loop *loop, struct loop_wake *wake)
{
	wake->source.ready = loop_wake_ready;
	wake->source.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return loop_watch(loop, &wake->source);
}

/**
 * loop_wake_remove() - no longer; the other threads have ended, or know it
 * @loop: the loop
 * @wake: need not be in it
 */
void loop_wake_remove(struct loop *loop, struct loop_wake *wake)
{
	loop_unwatch(loop, &wake->source);
}

/**
 * loop_wake() - have @woken called in the loop's thread
 * @wake: in the loop
 *
 * Context: any thread, also a signal handler. What was written to memory before
 * it is seen by @woken.
 */
void loop_wake(const struct loop_wake *wake)
{
	const uint64_t one = 1;

	/* EAGAIN: 2^64 - 2 calls nobody saw yet: it is awake */
	if (write(wake->source.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}
