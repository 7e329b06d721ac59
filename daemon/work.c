// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread beside the loop; see work.h.
 */
#include "work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "loop.h"

#define WORK_SAY_MS 5000 /* who waits longer says for what, again and again */

/**
 * struct work_row - jobs, in order
 * @first: the first, or NULL
 * @last: where the next one goes
 */
struct work_row {
	struct work_job *first;
	struct work_job **last;
};

/**
 * struct work - a thread
 * @loop: hears what is done [const]
 * @wake: there is something in @done [const]
 * @thread: it [const]
 * @lock: of what follows
 * @some: there is something to do, or the end
 * @none: the thread has done one
 * @todo: not begun, or under way: the first [lock]
 * @done: the loop has not heard of them [lock]
 * @say_ms: who waits for the thread says so that often [owner: the loop]
 * @end: the thread has to end when it has nothing to do [lock]
 */
struct work {
	struct loop *loop;
	struct loop_wake wake;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	pthread_cond_t none;
	struct work_row todo;
	struct work_row done;
	unsigned int say_ms;
	bool end;
};

static void work_add(struct work_row *row, struct work_job *job)
{
	job->next = NULL;
	*row->last = job;
	row->last = &job->next;
}

static struct work_job *work_take(struct work_row *row)
{
	struct work_job *job = row->first;

	if (!job)
		return NULL;
	row->first = job->next;
	if (!row->first)
		row->last = &row->first;
	job->next = NULL;
	return job;
}

static void *work_thread(void *arg)
{
	struct work *work = arg;
	struct work_job *job;

	pthread_mutex_lock(&work->lock);
	for (;;) {
		while (!work->todo.first && !work->end)
			pthread_cond_wait(&work->some, &work->lock);
		job = work->todo.first;
		if (!job)
			break;
		pthread_mutex_unlock(&work->lock);
		job->run(job);
		pthread_mutex_lock(&work->lock);
		work_add(&work->done, work_take(&work->todo));
		pthread_cond_signal(&work->none);
		loop_wake(&work->wake);
	}
	pthread_mutex_unlock(&work->lock);
	return NULL;
}

static struct work_job *work_next_done(struct work *work)
{
	struct work_job *job;

	pthread_mutex_lock(&work->lock);
	job = work_take(&work->done);
	pthread_mutex_unlock(&work->lock);
	return job;
}

/* One at a time: what is called may give more, or settle. */
static void work_tell(struct work *work)
{
	struct work_job *job;

	while ((job = work_next_done(work))) {
		job->given = false;
		job->done(job);
	}
}

static void work_woken(struct loop_wake *wake)
{
	work_tell((struct work *)((char *)wake - offsetof(struct work, wake)));
}

static int work_start(struct work *work)
{
	sigset_t all, before;
	int error;

	/* signals are the loop's */
	sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (error)
		return -error;
	error = pthread_create(&work->thread, NULL, work_thread, work);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

/**
 * work_create() - a thread beside a loop
 * @made: it
 * @loop: the loop
 *
 * Return: 0 or -errno.
 */
int work_create(struct work **made, struct loop *loop)
{
	struct work *work = calloc(1, sizeof(*work));
	pthread_condattr_t attr;
	int error;

	if (!work)
		return -ENOMEM;
	work->loop = loop;
	work->todo.last = &work->todo.first;
	work->done.last = &work->done.first;
	work->wake = (struct loop_wake){ .source.name = "work",
					 .woken = work_woken };
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->some, NULL);
	work->say_ms = WORK_SAY_MS;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&work->none, &attr);
	pthread_condattr_destroy(&attr);
	error = loop_wake_add(loop, &work->wake);
	if (!error)
		error = work_start(work);
	if (!error) {
		*made = work;
		return 0;
	}
	loop_wake_remove(loop, &work->wake);
	free(work);
	return error;
}

/**
 * work_give() - have a job done
 * @work: by whom
 * @job: with @run and @done; not under way
 */
void work_give(struct work *work, struct work_job *job)
{
	if (job->given)
		abort(); /* it would be in the queue twice, and the queue broken
			  */
	job->given = true;
	pthread_mutex_lock(&work->lock);
	work_add(&work->todo, job);
	pthread_cond_signal(&work->some);
	pthread_mutex_unlock(&work->lock);
}

static void work_later(struct timespec *time, unsigned int ms)
{
	time->tv_sec += ms / 1000;
	time->tv_nsec += ms % 1000 * 1000000L;
	if (time->tv_nsec < 1000000000L)
		return;
	time->tv_nsec -= 1000000000L;
	time->tv_sec++;
}

static void work_say(const char *what, unsigned long long waited_ms)
{
	log_write(
		LOG_LEVEL_WARN, "disk-awaited",
		"to=\"%s\" waited_ms=%llu hint=\"%s\"", what, waited_ms,
		"nothing goes on until that disk answers; look into the kernel's log");
}

/* Nobody can stop what is under way: who waits for it says at least so. */
static bool work_wait(struct work *work)
{
	struct timespec until;
	unsigned long long waited_ms = 0;
	const char *what;
	bool idle;

	clock_gettime(CLOCK_MONOTONIC, &until);
	work_later(&until, work->say_ms);
	pthread_mutex_lock(&work->lock);
	while (work->todo.first && !work->done.first) {
		if (pthread_cond_timedwait(&work->none, &work->lock, &until) !=
		    ETIMEDOUT)
			continue;
		work_later(&until, work->say_ms);
		waited_ms += work->say_ms;
		/* a constant: the job may be done while it is said */
		what = work->todo.first ? work->todo.first->what : NULL;
		pthread_mutex_unlock(&work->lock);
		work_say(what ?: "a job", waited_ms);
		pthread_mutex_lock(&work->lock);
	}
	idle = !work->done.first;
	pthread_mutex_unlock(&work->lock);
	return idle;
}

/**
 * work_patience() - how long is waited in silence?
 * @work: the thread
 * @ms: so long; then it is said what is waited for, and again after each
 */
void work_patience(struct work *work, unsigned int ms)
{
	work->say_ms = ms;
}

/**
 * work_settle() - wait until nothing is under way
 * @work: the thread
 *
 * For a beginning, and an end: when the loop does not run.  It takes as long as
 * the disks do; what it waits for is said every few seconds.
 */
void work_settle(struct work *work)
{
	while (!work_wait(work))
		work_tell(work);
}

/**
 * work_destroy() - the thread ends, when all that it was given is done
 * @work: the thread, or NULL
 *
 * Whoever gave something is told that it is done, before this returns.
 */
void work_destroy(struct work *work)
{
	if (!work)
		return;
	work_settle(work);
	pthread_mutex_lock(&work->lock);
	work->end = true;
	pthread_cond_signal(&work->some);
	pthread_mutex_unlock(&work->lock);
	pthread_join(work->thread, NULL);
	loop_wake_remove(work->loop, &work->wake);
	pthread_cond_destroy(&work->none);
	pthread_cond_destroy(&work->some);
	pthread_mutex_destroy(&work->lock);
	free(work);
}
