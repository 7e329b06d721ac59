/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What takes its time, beside the loop: a thread that does one job after the
 * other, and the loop hears when each is done.
 *
 * The loop's thread sends heartbeats, so it waits for no disk (loop.h).  What a
 * job needs it has, and what comes of it stays in it: while it is under way it
 * is the thread's alone, so neither side takes a lock for what is in it.
 *
 * ORDER.  Jobs are done in the order in which they were given, each one after
 * the end of the one before; so are the calls that say so.  What may only go
 * when a job is done with it goes in a later job.  Who needs to hear of more
 * than one before it goes on has a state of its own.
 *
 * AN END.  Nobody can stop a job: a thread that waits for a disk can not be
 * talked to.  Whoever gave it and ends before it does says so in the job, which
 * is told that it is done all the same, and frees what it has then.
 *
 * What it waits for is at least said, when the loop waits for it: at a start
 * and at an end (work_settle()).
 *
 * BOUND.  A job is in one queue once; who gives jobs has a number of them that
 * it knows.
 */
#ifndef QBD_DAEMON_WORK_H
#define QBD_DAEMON_WORK_H

#include <stdbool.h>

struct loop;
struct work;

/**
 * struct work_job - something that may take its time
 * @run: does it, in the other thread; touches nothing but the job, and what
 *	nobody else touches until it is done; writes no log
 * @done: called in the loop; may give it, or free it
 * @what: for people who wait for it: a constant, "to ..."
 * @next: the queue's
 * @given: the queue's: it is under way
 */
struct work_job {
	void (*run)(struct work_job *job);
	void (*done)(struct work_job *job);
	const char *what;
	struct work_job *next;
	bool given;
};

int work_create(struct work **made, struct loop *loop);
void work_give(struct work *work, struct work_job *job);
void work_patience(struct work *work, unsigned int ms);
void work_settle(struct work *work);
void work_destroy(struct work *work);

#endif /* QBD_DAEMON_WORK_H */
