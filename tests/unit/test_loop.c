// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns of the loop: order, removal inside of callbacks, timers against a
 * sorted list, what starves whom, signals and other threads.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "harness.h"

#include "../../daemon/log.h"
#include "../../daemon/loop.h"

#define MS_NS 1000000ULL

FIXTURE(loop)
{
	struct loop *loop;
};

FIXTURE_SETUP(loop)
{
	log_level(LOG_LEVEL_NONE);
	self->loop = loop_create();
	ASSERT_TRUE(self->loop);
}

FIXTURE_TEARDOWN(loop)
{
	loop_destroy(self->loop);
}

/* --- sources ------------------------------------------------------------- */

/* Both are ready; whoever is called first ends and frees the other. */
struct pair {
	struct loop_source source;
	struct loop *loop;
	struct pair **other;
	struct pair **self;
	int *called;
};

static void pair_ready(struct loop_source *source, uint32_t events)
{
	struct pair *pair = (struct pair *)source;
	struct pair *other = *pair->other;

	(void)events;
	++*pair->called;
	if (other) {
		loop_source_remove(pair->loop, &other->source);
		close(other->source.fd);
		*pair->other = NULL;
		free(other);
	}
	loop_source_remove(pair->loop, source);
	close(source->fd);
	*pair->self = NULL;
	free(pair);
}

TEST_F(loop, a_removed_source_is_not_called)
{
	struct pair *pair[2];
	int called = 0;
	int i;

	for (i = 0; i < 2; i++) {
		pair[i] = calloc(1, sizeof(*pair[i]));
		pair[i]->source.name = "pair";
		pair[i]->source.fd = eventfd(1, EFD_NONBLOCK);
		pair[i]->source.ready = pair_ready;
		pair[i]->loop = self->loop;
		pair[i]->called = &called;
		pair[i]->self = &pair[i];
		pair[i]->other = &pair[!i];
		ASSERT_EQ(0, loop_source_add(self->loop, &pair[i]->source,
					     EPOLLIN));
	}
	loop_turn(self->loop, 0);
	loop_turn(self->loop, 0);
	EXPECT_EQ(1, called);
	EXPECT_NULL(pair[0]);
	EXPECT_NULL(pair[1]);
}

/* A source whose place and number another one takes in the same turn. */
struct heir {
	struct loop_source first;
	struct loop_source second;
	struct loop *loop;
	int hang_ups;
	int fresh;
};

static void heir_fresh(struct loop_source *source, uint32_t events)
{
	struct heir *heir =
		(struct heir *)((char *)source - offsetof(struct heir, second));

	heir->hang_ups += !!(events & EPOLLHUP);
	heir->fresh++;
}

static void heir_ready(struct loop_source *source, uint32_t events)
{
	struct heir *heir =
		(struct heir *)((char *)source - offsetof(struct heir, first));
	int sv[2];

	(void)events;
	loop_source_remove(heir->loop, &heir->second);
	close(heir->second.fd);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		abort();
	heir->second.fd = sv[0];
	heir->second.ready = heir_fresh;
	if (loop_source_add(heir->loop, &heir->second, EPOLLIN))
		abort();
	loop_source_remove(heir->loop, source);
	close(source->fd);
	source->fd = sv[1];
}

static void heir_stale(struct loop_source *source, uint32_t events)
{
	(void)source;
	(void)events;
	abort();
}

TEST_F(loop, a_stale_event_is_not_the_heirs)
{
	struct heir heir = { .loop = self->loop };
	int sv[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	close(sv[1]); /* hung up */
	heir.first.name = "first";
	heir.first.fd = eventfd(1, EFD_NONBLOCK);
	heir.first.ready = heir_ready;
	heir.second.name = "second";
	heir.second.fd = sv[0];
	heir.second.ready = heir_stale;
	ASSERT_EQ(0, loop_source_add(self->loop, &heir.first, EPOLLIN));
	ASSERT_EQ(0, loop_source_add(self->loop, &heir.second, EPOLLIN));
	loop_turn(self->loop, 0);
	loop_turn(self->loop, 0);
	EXPECT_EQ(0, heir.fresh);
	close(heir.first.fd); /* the other end: now there is something */
	loop_turn(self->loop, 0);
	EXPECT_EQ(1, heir.fresh);
	loop_source_remove(self->loop, &heir.second);
	close(heir.second.fd);
}

static void source_count(struct loop_source *source, uint32_t events)
{
	(void)source;
	(void)events;
}

TEST_F(loop, sources_are_checked)
{
	struct loop_source source = { .name = "x",
				      .fd = -1,
				      .ready = source_count };

	EXPECT_EQ(-EBADF, loop_source_add(self->loop, &source, EPOLLIN));
	EXPECT_EQ(-ENOENT, loop_source_change(self->loop, &source, EPOLLIN));
	source.fd = eventfd(0, EFD_NONBLOCK);
	EXPECT_EQ(0, loop_source_add(self->loop, &source, EPOLLIN));
	EXPECT_EQ(-EEXIST, loop_source_add(self->loop, &source, EPOLLIN));
	loop_turn(self->loop, 0);
	EXPECT_EQ(0, loop_stats(self->loop)->events);
	EXPECT_EQ(0, loop_source_change(self->loop, &source, EPOLLOUT));
	loop_turn(self->loop, 0);
	EXPECT_EQ(1, loop_stats(self->loop)->events);
	loop_source_remove(self->loop, &source);
	loop_source_remove(self->loop, &source);
	close(source.fd);
}

/* --- timers -------------------------------------------------------------- */

#define TIMERS 500

struct clocked {
	struct loop_timer timer;
	struct clocks *all;
	int number;
	bool gone;
};

struct clocks {
	struct loop *loop;
	struct clocked timer[TIMERS];
	uint64_t last_ns;
	uint64_t last_seq;
	int fired;
};

/* Each stops or sets another one, by lot. */
static void clocked_expired(struct loop_timer *timer)
{
	struct clocked *mine = (struct clocked *)timer;
	struct clocks *all = mine->all;
	struct clocked *other = &all->timer[th_rand() % TIMERS];

	if (timer->due_ns > loop_now(all->loop) || mine->gone ||
	    timer->due_ns < all->last_ns ||
	    (timer->due_ns == all->last_ns && timer->seq < all->last_seq))
		abort();
	all->last_ns = timer->due_ns;
	all->last_seq = timer->seq;
	all->fired++;
	mine->gone = true;
	if (other->gone)
		return;
	if (th_rand() % 2) {
		loop_timer_stop(all->loop, &other->timer);
		other->gone = true;
		all->fired++;
	} else {
		loop_timer_set(all->loop, &other->timer,
			       loop_now(all->loop) + th_rand() % (5 * MS_NS));
	}
}

TEST_F(loop, timers_in_order)
{
	struct clocks *all = calloc(1, sizeof(*all));
	uint64_t begin_ns = loop_now(self->loop);
	int i;

	all->loop = self->loop;
	for (i = 0; i < TIMERS; i++) {
		struct clocked *timer = &all->timer[i];

		timer->timer.name = "clocked";
		timer->timer.expired = clocked_expired;
		timer->all = all;
		loop_timer_set(self->loop, &timer->timer,
			       begin_ns + th_rand() % (20 * MS_NS) / 7 * 7);
	}
	while (all->fired < TIMERS)
		loop_turn(self->loop, begin_ns + 20000 * MS_NS);
	EXPECT_EQ(TIMERS, all->fired);
	EXPECT_GE(loop_now(self->loop), all->last_ns);
	for (i = 0; i < TIMERS; i++)
		EXPECT_EQ(0, all->timer[i].timer.slot);
	free(all);
}

struct eager {
	struct loop_timer timer;
	struct loop *loop;
	int fired;
};

static void eager_again(struct loop_timer *timer)
{
	struct eager *eager = (struct eager *)timer;

	eager->fired++;
	loop_timer_set(eager->loop, timer, 0);
}

static void eager_once(struct loop_timer *timer)
{
	((struct eager *)timer)->fired++;
}

/* "At once" means: in the next turn, behind those that were due before. */
TEST_F(loop, an_eager_timer_starves_nobody)
{
	struct eager eager = { { .name = "eager", .expired = eager_again },
			       self->loop,
			       0 };
	struct eager late = { { .name = "late", .expired = eager_once },
			      self->loop,
			      0 };
	uint64_t begin_ns = loop_now(self->loop);
	int turns = 0;

	loop_timer_set(self->loop, &eager.timer, 0);
	loop_timer_set(self->loop, &late.timer, begin_ns + 3 * MS_NS);
	for (; !late.fired; turns++) {
		loop_turn(self->loop, LOOP_NEVER);
		ASSERT_EQ(turns + 1, eager.fired);
	}
	EXPECT_GE(loop_now(self->loop), begin_ns + 3 * MS_NS);
	EXPECT_LT(loop_now(self->loop), begin_ns + 2000 * MS_NS);
	loop_timer_stop(self->loop, &eager.timer);
	loop_timer_set(self->loop, &late.timer, LOOP_NEVER);
	EXPECT_EQ(0, late.timer.slot);
}

TEST_F(loop, a_wait_ends_when_it_should)
{
	struct eager late = { { .name = "late", .expired = eager_once },
			      self->loop,
			      0 };
	uint64_t begin_ns = loop_now(self->loop);

	loop_timer_set(self->loop, &late.timer, begin_ns + 10 * MS_NS);
	while (!late.fired)
		loop_turn(self->loop, LOOP_NEVER);
	EXPECT_LE(loop_stats(self->loop)->turns, 3);
	loop_turn(self->loop, loop_now(self->loop) + 10 * MS_NS);
	EXPECT_GE(loop_now(self->loop), begin_ns + 10 * MS_NS);
	loop_timer_set(self->loop, &late.timer, begin_ns + 20 * MS_NS);
	loop_timer_stop(self->loop, &late.timer);
	while (loop_now(self->loop) < begin_ns + 40 * MS_NS)
		loop_turn(self->loop, begin_ns + 40 * MS_NS);
	EXPECT_EQ(1, late.fired);
}

/* --- calls --------------------------------------------------------------- */

struct put_off {
	struct loop_call call;
	struct loop *loop;
	struct put_off *stops;
	bool again;
	int ran;
};

static void put_off_run(struct loop_call *call)
{
	struct put_off *mine = (struct put_off *)call;

	mine->ran++;
	if (mine->stops)
		loop_call_stop(mine->loop, &mine->stops->call);
	if (mine->again)
		loop_call_later(mine->loop, call);
}

TEST_F(loop, calls)
{
	struct put_off call[5];
	int i;

	memset(call, 0, sizeof(call));
	for (i = 0; i < 5; i++) {
		call[i].call.name = "call";
		call[i].call.run = put_off_run;
		call[i].loop = self->loop;
		loop_call_later(self->loop, &call[i].call);
		loop_call_later(self->loop, &call[i].call);
	}
	call[0].stops = &call[1];
	call[2].again = true;
	call[3].stops = &call[4]; /* the last one, in the list that runs */
	loop_turn(self->loop, LOOP_NEVER);
	EXPECT_EQ(1, call[0].ran);
	EXPECT_EQ(0, call[1].ran);
	EXPECT_EQ(1, call[2].ran);
	EXPECT_EQ(1, call[3].ran);
	EXPECT_EQ(0, call[4].ran);
	loop_turn(self->loop, LOOP_NEVER);
	EXPECT_EQ(2, call[2].ran);
	loop_call_later(self->loop, &call[4].call);
	loop_call_stop(self->loop, &call[4].call);
	loop_call_later(self->loop, &call[1].call);
	loop_turn(self->loop, LOOP_NEVER);
	EXPECT_EQ(0, call[4].ran);
	EXPECT_EQ(1, call[1].ran);
	EXPECT_EQ(3, call[2].ran);
	loop_call_stop(self->loop, &call[2].call);
	loop_call_stop(self->loop, &call[2].call);
	loop_turn(self->loop, 0);
	EXPECT_EQ(3, call[2].ran);
	EXPECT_EQ(6, loop_stats(self->loop)->calls);
}

/* --- what takes long ----------------------------------------------------- */

static void slow_run(struct loop_call *call)
{
	struct timespec begin, now;

	(void)call;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec -
		       begin.tv_nsec <
	       12000000);
}

TEST_F(loop, the_longest_is_named)
{
	struct loop_call slow = { .name = "slow", .run = slow_run };

	loop_call_later(self->loop, &slow);
	loop_turn(self->loop, 0);
	EXPECT_GE(loop_stats(self->loop)->longest_ns, 12 * MS_NS);
	EXPECT_STREQ("slow", loop_stats(self->loop)->longest);
	EXPECT_EQ(1, loop_stats(self->loop)->slow);
}

static void half_slow_run(struct loop_call *call)
{
	struct timespec begin, now;

	(void)call;
	clock_gettime(CLOCK_BOOTTIME, &begin);
	do
		clock_gettime(CLOCK_BOOTTIME, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec -
		       begin.tv_nsec <
	       6000000);
}

/* What two callbacks take together is what a peer waits for. */
TEST_F(loop, a_lap_is_all_callbacks_of_a_turn)
{
	struct loop_call call[2] = {
		{ .name = "half", .run = half_slow_run },
		{ .name = "half", .run = half_slow_run },
	};
	const struct loop_stats *stats = loop_stats(self->loop);
	uint64_t laps = 0;
	int i;

	loop_call_later(self->loop, &call[0]);
	loop_call_later(self->loop, &call[1]);
	loop_turn(self->loop, 0);
	EXPECT_GE(stats->longest_lap_ns, 12 * MS_NS);
	EXPECT_STREQ("half", stats->longest_lap);
	EXPECT_EQ(1, stats->laps_slow);
	/* 8192 us and more; how much more says how busy the host is */
	for (i = 14; i < LOOP_LAPS; i++)
		laps += stats->lap[i];
	EXPECT_EQ(1, laps);
	EXPECT_EQ(1, stats->turns);
}

static void sleep_run(struct loop_call *call)
{
	(void)call;
	EXPECT_EQ(0, poll(NULL, 0, 12));
}

/* A disk that is waited for is told from a machine that is busy. */
TEST_F(loop, a_lap_that_slept_is_known)
{
	struct loop_call slept = { .name = "slept", .run = sleep_run };
	struct loop_call slow = { .name = "slow", .run = slow_run };

	loop_call_later(self->loop, &slow);
	loop_turn(self->loop, 0);
	EXPECT_EQ(1, loop_stats(self->loop)->laps_slow);
	EXPECT_EQ(0, loop_stats(self->loop)->laps_slept);
	loop_call_later(self->loop, &slept);
	loop_turn(self->loop, 0);
	EXPECT_EQ(2, loop_stats(self->loop)->laps_slow);
	EXPECT_EQ(1, loop_stats(self->loop)->laps_slept);
}

/* --- signals, threads ---------------------------------------------------- */

struct signalled {
	struct loop_signals signals;
	struct loop *loop;
	int got;
	int last;
};

static void signalled_got(struct loop_signals *signals, int number)
{
	struct signalled *mine = (struct signalled *)signals;

	mine->got++;
	mine->last = number;
	if (mine->got == 2)
		loop_stop(mine->loop);
}

TEST_F(loop, signals)
{
	struct signalled mine = { .loop = self->loop };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	mine.signals.source.name = "signals";
	mine.signals.got = signalled_got;
	ASSERT_EQ(0, loop_signals_add(self->loop, &mine.signals, &set));
	raise(SIGUSR1);
	raise(SIGTERM);
	loop_run(self->loop);
	EXPECT_EQ(2, mine.got);
	EXPECT_EQ(SIGTERM, mine.last);
	loop_signals_remove(self->loop, &mine.signals);
	loop_signals_remove(self->loop, &mine.signals);
}

#define WAKES 20000

struct woken {
	struct loop_wake wake;
	struct loop *loop;
	int written; /* by the thread, before each loop_wake() */
	int seen;
};

static void *woken_thread(void *arg)
{
	struct woken *mine = arg;
	int i;

	for (i = 1; i <= WAKES; i++) {
		__atomic_store_n(&mine->written, i, __ATOMIC_RELEASE);
		loop_wake(&mine->wake);
	}
	return NULL;
}

static void woken_woken(struct loop_wake *wake)
{
	struct woken *mine = (struct woken *)wake;

	mine->seen = __atomic_load_n(&mine->written, __ATOMIC_ACQUIRE);
	if (mine->seen == WAKES)
		loop_stop(mine->loop);
}

/* No wake-up is lost: the loop sees the last number, and ends. */
TEST_F(loop, other_threads)
{
	struct woken mine = { .loop = self->loop };
	pthread_t thread;

	mine.wake.source.name = "wake";
	mine.wake.woken = woken_woken;
	ASSERT_EQ(0, loop_wake_add(self->loop, &mine.wake));
	ASSERT_EQ(0, pthread_create(&thread, NULL, woken_thread, &mine));
	loop_run(self->loop);
	EXPECT_EQ(WAKES, mine.seen);
	pthread_join(thread, NULL);
	loop_wake_remove(self->loop, &mine.wake);
}

TEST_HARNESS_MAIN
