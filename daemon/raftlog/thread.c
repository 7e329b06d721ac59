// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer's thread, and how it wakes the event loop. It sleeps until there
 * is work or the end; a disk that does not answer keeps it, and who waits for
 * its end, and nobody else.
 */
#include "store.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Return: false: end. */
static bool rl_thread_wait(struct raftlog *rl)
{
	bool go;

	pthread_mutex_lock(&rl->lock);
	while (!rl->stop && rl->batch.state != RL_JOB_QUEUED &&
	       rl->chunk.state != RL_JOB_QUEUED &&
	       rl->take.state != RL_JOB_QUEUED && !rl->refill)
		pthread_cond_wait(&rl->wake, &rl->lock);
	go = !rl->stop;
	pthread_mutex_unlock(&rl->lock);
	return go;
}

static void *rl_thread(void *arg)
{
	struct raftlog *rl = arg;

	while (rl_thread_wait(rl))
		raftlog_work(rl);
	return NULL;
}

/* There may be something to poll. */
void rl_thread_tell(struct raftlog *rl)
{
	u64 one = 1;

	if (rl->event_fd < 0)
		return;
	/* it is full at 2^64 - 2: by then nobody listens */
	if (write(rl->event_fd, &one, sizeof(one)) != sizeof(one))
		return;
}

/**
 * raftlog_run() - start the writer
 * @rl: the store
 *
 * Signals are for the other threads.
 *
 * Return: 0 or a negative errno.
 */
int raftlog_run(struct raftlog *rl)
{
	sigset_t all, before;
	int err;

	if (rl->running)
		return -EALREADY;
	rl->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rl->event_fd < 0)
		return -errno;
	sigfillset(&all);
	err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!err) {
		err = pthread_create(&rl->thread, NULL, rl_thread, rl);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (err) {
		close(rl->event_fd);
		rl->event_fd = -1;
		return -err;
	}
	rl->running = true;
	return 0;
}

/**
 * raftlog_fd() - what to wait for
 * @rl: the store, running
 *
 * Return: an eventfd: when it is readable, read it, then raftlog_poll().
 */
int raftlog_fd(const struct raftlog *rl)
{
	return rl->event_fd;
}

/* The piece of work that was begun is done then, what was queued is not. */
void rl_thread_stop(struct raftlog *rl)
{
	if (rl->running) {
		pthread_mutex_lock(&rl->lock);
		rl->stop = true;
		pthread_cond_signal(&rl->wake);
		pthread_mutex_unlock(&rl->lock);
		pthread_join(rl->thread, NULL);
		rl->running = false;
	}
	if (rl->event_fd >= 0)
		close(rl->event_fd);
	rl->event_fd = -1;
}
