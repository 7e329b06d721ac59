// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs beside the loop: in order, in another thread, told in the loop's.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "loop_wait.h"

#include "../../daemon/log.h"
#include "../../daemon/loop.h"
#include "../../daemon/work.h"

#define JOBS 100

FIXTURE(work)
{
	struct loop *loop;
	struct work *work;
};

FIXTURE_SETUP(work)
{
	log_level(LOG_LEVEL_NONE);
	self->loop = loop_create();
	ASSERT_TRUE(self->loop);
	ASSERT_EQ(0, work_create(&self->work, self->loop));
}

FIXTURE_TEARDOWN(work)
{
	work_destroy(self->work);
	loop_destroy(self->loop);
}

/**
 * struct mine - a job
 * @job: the queue's, first member
 * @work: its queue
 * @number: of it
 * @ran: how many ran before it, and with it
 * @row: which ones ran, in order
 * @gate: it waits for that, or NULL
 * @ran_in: thread
 * @done_in: thread
 * @done: how often it was told so
 * @again: it is to be given so often again
 */
struct mine {
	struct work_job job;
	struct work *work;
	int number;
	int *ran;
	int *row;
	sem_t *gate;
	pthread_t ran_in;
	pthread_t done_in;
	int done;
	int again;
};

static void mine_run(struct work_job *job)
{
	struct mine *mine = (struct mine *)job;

	if (mine->gate)
		sem_wait(mine->gate);
	mine->ran_in = pthread_self();
	if (mine->row)
		mine->row[*mine->ran] = mine->number;
	++*mine->ran;
}

static void mine_done(struct work_job *job)
{
	struct mine *mine = (struct mine *)job;

	mine->done_in = pthread_self();
	mine->done++;
	if (mine->again-- > 0)
		work_give(mine->work, job);
}

TEST_F(work, in_order_and_in_another_thread)
{
	struct mine mine[JOBS];
	int row[JOBS], ran = 0, i;

	for (i = 0; i < JOBS; i++) {
		mine[i] = (struct mine){ .job.run = mine_run,
					 .job.done = mine_done,
					 .number = i,
					 .ran = &ran,
					 .row = row };
		work_give(self->work, &mine[i].job);
	}
	ASSERT_TRUE(LOOP_WAIT(self->loop, mine[JOBS - 1].done));
	EXPECT_EQ(JOBS, ran);
	for (i = 0; i < JOBS; i++) {
		EXPECT_EQ(i, row[i]);
		EXPECT_EQ(1, mine[i].done);
		EXPECT_FALSE(pthread_equal(pthread_self(), mine[i].ran_in));
		EXPECT_TRUE(pthread_equal(pthread_self(), mine[i].done_in));
	}
}

/* What takes its time keeps nobody from turning, nor from giving more. */
TEST_F(work, the_loop_goes_on)
{
	struct mine mine[2];
	sem_t gate;
	int ran = 0, i;

	ASSERT_EQ(0, sem_init(&gate, 0, 0));
	for (i = 0; i < 2; i++) {
		mine[i] = (struct mine){ .job.run = mine_run,
					 .job.done = mine_done,
					 .ran = &ran,
					 .gate = i ? NULL : &gate };
		work_give(self->work, &mine[i].job);
	}
	for (i = 0; i < 10; i++)
		loop_turn(self->loop, 0);
	EXPECT_EQ(0, mine[0].done);
	EXPECT_EQ(0, mine[1].done);
	sem_post(&gate);
	EXPECT_TRUE(LOOP_WAIT(self->loop, mine[1].done));
	EXPECT_EQ(1, mine[0].done);
	sem_destroy(&gate);
}

TEST_F(work, who_is_told_may_give)
{
	int ran = 0;
	struct mine mine = { .job.run = mine_run,
			     .job.done = mine_done,
			     .work = self->work,
			     .ran = &ran,
			     .again = 3 };

	work_give(self->work, &mine.job);
	/* as when the loop does not run yet */
	work_settle(self->work);
	EXPECT_EQ(4, ran);
	EXPECT_EQ(4, mine.done);
	EXPECT_FALSE(mine.job.given);
}

/* Nobody waits for it in the loop any more: it is done, and told. */
TEST_F(work, an_end_waits)
{
	int ran = 0;
	struct mine mine = { .job.run = mine_run,
			     .job.done = mine_done,
			     .work = self->work,
			     .ran = &ran,
			     .again = 1 };

	work_give(self->work, &mine.job);
	work_destroy(self->work);
	self->work = NULL;
	EXPECT_EQ(2, ran);
	EXPECT_EQ(2, mine.done);
}

/**
 * struct reader - a thread that reads the log, and lets the job go on
 * @fd: of the log
 * @gate: of the job
 * @lines: how many are to be read before
 * @text: they
 */
struct reader {
	int fd;
	sem_t gate;
	int lines;
	char text[2048];
};

static void *reader_run(void *arg)
{
	struct reader *reader = arg;
	size_t at = 0;

	while (reader->lines && at < sizeof(reader->text) - 1 &&
	       read(reader->fd, reader->text + at, 1) == 1)
		reader->lines -= reader->text[at++] == '\n';
	sem_post(&reader->gate);
	return NULL;
}

/* A disk that does not answer: who waits says for what, more than once. */
TEST_F(work, a_wait_is_said)
{
	struct reader reader = { .lines = 2 };
	int ran = 0, ends[2], out = dup(STDERR_FILENO);
	struct mine mine = { .job.run = mine_run,
			     .job.done = mine_done,
			     .job.what = "open the log",
			     .gate = &reader.gate,
			     .ran = &ran };
	pthread_t thread;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, sem_init(&reader.gate, 0, 0));
	reader.fd = ends[0];
	ASSERT_LE(0, dup2(ends[1], STDERR_FILENO));
	log_level(LOG_LEVEL_WARN);
	work_patience(self->work, 10);
	ASSERT_EQ(0, pthread_create(&thread, NULL, reader_run, &reader));
	work_give(self->work, &mine.job);
	/* it goes on when two lines were read, and not before */
	work_settle(self->work);
	pthread_join(thread, NULL);
	log_level(LOG_LEVEL_NONE);
	dup2(out, STDERR_FILENO);
	EXPECT_EQ(1, mine.done);
	EXPECT_NE(NULL,
		  strstr(reader.text, "event=disk-awaited to=\"open the log\" "
				      "waited_ms=10 "));
	EXPECT_NE(NULL, strstr(reader.text, "waited_ms=20 "));
	sem_destroy(&reader.gate);
	close(ends[0]);
	close(ends[1]);
	close(out);
}

TEST_HARNESS_MAIN
