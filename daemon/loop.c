// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns, sources, timers and calls; see loop.h. Signals and waking are in
 * loop_wake.c.
 */
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include "log.h"
#include "probe.h"

/* Of the heap; slot 0 is not used. */
#define LOOP_ROOT 1U
#define LOOP_HEAP_MIN 64U

/*
 * @alarm is due at @alarm_ns. Of @event, those from @at to @nr
 * wait for their turn. @heap has @timers timers, and room for @room. Of the
 * callbacks of this turn @most is the one that took longest, @most_ns; @usage
 * is of its begin.
 */
struct loop {
	int epoll;
	uint64_t now_ns;
	bool stop;
	struct loop_source alarm;
	uint64_t alarm_ns;
	unsigned int sources;
	int at;
	int nr;
	struct epoll_event event[LOOP_EVENTS_MAX];
	uint64_t seq;
	uint32_t timers;
	uint32_t room;
	struct loop_timer **heap;
	struct loop_call *first;
	struct loop_call **last;
	struct loop_stats stats;
	const char *most;
	uint64_t most_ns;
	struct rusage usage;
	struct log_limit slow;
	struct log_limit slow_lap;
};

static uint64_t loop_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void loop_fail(const char *what)
{
	log_write(LOG_LEVEL_ERROR, "loop-failed", "what=%s error=%d", what,
		  errno);
	abort();
}

/* A callback that began at @begin_ns has ended. */
static void loop_took(struct loop *loop, const char *name, uint64_t begin_ns)
{
	uint64_t took_ns = loop_clock_ns() - begin_ns;

	DTRACE_PROBE2(qbdd, loop_took, name, took_ns);
	if (took_ns >= loop->most_ns) {
		loop->most_ns = took_ns;
		loop->most = name;
	}
	if (took_ns > loop->stats.longest_ns) {
		loop->stats.longest_ns = took_ns;
		loop->stats.longest = name;
	}
	if (took_ns <= LOOP_SLOW_NS)
		return;
	loop->stats.slow++;
	log_limited(&loop->slow, loop->now_ns, LOG_LEVEL_WARN, "loop-slow",
		    "callback=%s took_ms=%llu", name,
		    (unsigned long long)(took_ns / 1000000));
}

/* The smallest class that a lap fits in: below 2^class microseconds. */
static unsigned int loop_lap_class(uint64_t lap_ns)
{
	uint64_t us = lap_ns / 1000;
	unsigned int class = 0;

	while (us && class < LOOP_LAPS - 1) {
		us >>= 1;
		class ++;
	}
	return class;
}

static void loop_usage(struct rusage *usage)
{
	if (getrusage(RUSAGE_THREAD, usage))
		loop_fail("getrusage");
}

/*
 * Who slept was kept waiting by something that has no place here; who did not
 * and was away for long was at work, or the machine had others to run.
 */
static void loop_lap_slow(struct loop *loop, uint64_t lap_ns)
{
	struct rusage now;
	long slept;

	loop_usage(&now);
	slept = now.ru_nvcsw - loop->usage.ru_nvcsw;
	loop->stats.laps_slow++;
	loop->stats.laps_slept += slept > 0;
	log_limited(
		&loop->slow_lap, loop->now_ns, LOG_LEVEL_WARN, "loop-lap-slow",
		"took_ms=%llu slept=%ld preempted=%ld longest=%s longest_us=%llu",
		(unsigned long long)(lap_ns / 1000000), slept,
		now.ru_nivcsw - loop->usage.ru_nivcsw, loop->most,
		(unsigned long long)(loop->most_ns / 1000));
}

/* All that a turn had to do is done: from here on it may wait. */
static void loop_lapped(struct loop *loop)
{
	uint64_t lap_ns = loop_clock_ns() - loop->now_ns;
	struct loop_stats *stats = &loop->stats;

	DTRACE_PROBE2(qbdd, loop_lap, loop->most, lap_ns);
	stats->lap[loop_lap_class(lap_ns)]++;
	if (lap_ns > stats->longest_lap_ns) {
		stats->longest_lap_ns = lap_ns;
		stats->longest_lap = loop->most;
	}
	if (lap_ns > LOOP_SLOW_NS)
		loop_lap_slow(loop, lap_ns);
}

/* --- sources ------------------------------------------------------------- */

/**
 * loop_source_add() - watch a descriptor
 * @loop: the loop
 * @source: with name, descriptor and callback
 * @events: EPOLLIN and so on
 *
 * Return: 0 or -errno; -ENOSPC: there are LOOP_SOURCES_MAX of them.
 */
int loop_source_add(struct loop *loop, struct loop_source *source,
		    uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->watched)
		return -EEXIST;
	if (loop->sources == LOOP_SOURCES_MAX)
		return -ENOSPC;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event))
		return -errno;
	source->watched = true;
	loop->sources++;
	return 0;
}

/**
 * loop_source_change() - watch it for something else
 * @loop: the loop
 * @source: is watched
 * @events: EPOLLIN and so on
 *
 * Return: 0 or -errno.
 */
int loop_source_change(struct loop *loop, struct loop_source *source,
		       uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (!source->watched)
		return -ENOENT;
	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) ?
		       -errno :
		       0;
}

/**
 * loop_source_remove() - watch it no longer
 * @loop: the loop
 * @source: need not be watched; its descriptor is still open
 */
void loop_source_remove(struct loop *loop, struct loop_source *source)
{
	int i;

	if (!source->watched)
		return;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL))
		loop_fail("epoll-del"); /* it was closed before: see loop.h */
	source->watched = false;
	loop->sources--;
	for (i = loop->at; i < loop->nr; i++)
		if (loop->event[i].data.ptr == source)
			loop->event[i].data.ptr = NULL;
}

/* The alarm only ends the wait: what is due is looked up at each turn. */
static void loop_alarm_ready(struct loop_source *source, uint32_t events)
{
	uint64_t times;

	(void)events;
	if (read(source->fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
		loop_fail("timerfd-read");
}

static void loop_sources_run(struct loop *loop)
{
	for (loop->at = 0; loop->at < loop->nr;) {
		const struct epoll_event *event = &loop->event[loop->at++];
		struct loop_source *source = event->data.ptr;
		uint64_t begin_ns;
		const char *name;

		if (!source)
			continue;
		begin_ns = loop_clock_ns();
		name = source->name;
		loop->stats.events++;
		source->ready(source, event->events);
		loop_took(loop, name, begin_ns);
	}
	loop->at = 0;
	loop->nr = 0;
}

/* --- timers: a binary heap ----------------------------------------------- */

/* Of two timers due at one time the one that was set first is first. */
static bool loop_timer_before(const struct loop_timer *a,
			      const struct loop_timer *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static void loop_heap_put(struct loop *loop, uint32_t slot,
			  struct loop_timer *timer)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

static void loop_heap_up(struct loop *loop, uint32_t slot,
			 struct loop_timer *timer)
{
	while (slot > LOOP_ROOT &&
	       loop_timer_before(timer, loop->heap[slot / 2])) {
		loop_heap_put(loop, slot, loop->heap[slot / 2]);
		slot /= 2;
	}
	loop_heap_put(loop, slot, timer);
}

static void loop_heap_down(struct loop *loop, uint32_t slot,
			   struct loop_timer *timer)
{
	uint32_t child;

	while ((child = 2 * slot) <= loop->timers) {
		if (child < loop->timers &&
		    loop_timer_before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!loop_timer_before(loop->heap[child], timer))
			break;
		loop_heap_put(loop, slot, loop->heap[child]);
		slot = child;
	}
	loop_heap_put(loop, slot, timer);
}

static void loop_heap_room(struct loop *loop)
{
	if (loop->timers < loop->room)
		return;
	errno = ENOSPC;
	if (loop->room >= LOOP_TIMERS_MAX)
		loop_fail("timers");
	loop->room = loop->room ? 2 * loop->room : LOOP_HEAP_MIN;
	loop->heap = realloc(loop->heap,
			     (loop->room + 1) * sizeof(struct loop_timer *));
	if (!loop->heap)
		loop_fail("timers");
}

/**
 * loop_timer_set() - have it called, once
 * @loop: the loop
 * @timer: with name and callback; may be set already: then it is due anew
 * @due_ns: when; what is past is due in the next turn; LOOP_NEVER: never
 */
void loop_timer_set(struct loop *loop, struct loop_timer *timer,
		    uint64_t due_ns)
{
	loop_timer_stop(loop, timer);
	if (due_ns == LOOP_NEVER)
		return;
	loop_heap_room(loop);
	/* not before those that were due already: they would starve */
	timer->due_ns = due_ns > loop->now_ns ? due_ns : loop->now_ns;
	timer->seq = loop->seq++;
	loop_heap_up(loop, ++loop->timers, timer);
}

/**
 * loop_timer_stop() - do not have it called
 * @loop: the loop
 * @timer: need not be set
 */
void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	uint32_t slot = timer->slot;
	struct loop_timer *last;

	if (!slot)
		return;
	timer->slot = 0;
	last = loop->heap[loop->timers--];
	if (last == timer)
		return;
	if (slot > LOOP_ROOT && loop_timer_before(last, loop->heap[slot / 2]))
		loop_heap_up(loop, slot, last);
	else
		loop_heap_down(loop, slot, last);
}

static void loop_timers_run(struct loop *loop)
{
	uint64_t seq = loop->seq; /* later ones are for the next turn */

	while (loop->timers) {
		struct loop_timer *timer = loop->heap[LOOP_ROOT];
		const char *name = timer->name;
		uint64_t begin_ns;

		if (timer->due_ns > loop->now_ns || timer->seq >= seq)
			break;
		loop_timer_stop(loop, timer);
		begin_ns = loop_clock_ns();
		loop->stats.timers++;
		timer->expired(timer);
		loop_took(loop, name, begin_ns);
	}
}

/* --- calls --------------------------------------------------------------- */

/**
 * loop_call_later() - have it called when the sources of this turn were
 * @loop: the loop
 * @call: with name and callback; once is enough
 *
 * Said by such a call it means: in the next turn.
 */
void loop_call_later(struct loop *loop, struct loop_call *call)
{
	if (call->link)
		return;
	call->next = NULL;
	call->link = loop->last;
	*loop->last = call;
	loop->last = &call->next;
}

/**
 * loop_call_stop() - do not have it called
 * @loop: the loop
 * @call: need not be put off
 */
void loop_call_stop(struct loop *loop, struct loop_call *call)
{
	if (!call->link)
		return;
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	else if (loop->last == &call->next)
		loop->last = call->link;
	call->link = NULL;
	call->next = NULL;
}

/* Those of before: the list is taken away, what is added is for later. */
static void loop_calls_run(struct loop *loop)
{
	struct loop_call *mine = loop->first;

	if (!mine)
		return;
	mine->link = &mine;
	loop->first = NULL;
	loop->last = &loop->first;
	while (mine) {
		struct loop_call *call = mine;
		const char *name = call->name;
		uint64_t begin_ns = loop_clock_ns();

		loop_call_stop(loop, call);
		loop->stats.calls++;
		call->run(call);
		loop_took(loop, name, begin_ns);
	}
}

/* --- the loop ------------------------------------------------------------ */

/**
 * loop_create() - a loop with nothing in it
 *
 * Return: the loop; NULL with errno.
 */
struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error;

	if (!loop)
		return NULL;
	loop->last = &loop->first;
	loop->now_ns = loop_clock_ns();
	loop->alarm.name = "loop-alarm";
	loop->alarm.ready = loop_alarm_ready;
	loop->stats.longest = "none";
	loop->stats.longest_lap = "none";
	loop->alarm_ns = LOOP_NEVER;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->alarm.fd =
		timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->epoll >= 0 && loop->alarm.fd >= 0 &&
	    !loop_source_add(loop, &loop->alarm, EPOLLIN))
		return loop;
	error = errno;
	if (loop->alarm.fd >= 0)
		close(loop->alarm.fd);
	if (loop->epoll >= 0)
		close(loop->epoll);
	free(loop);
	errno = error;
	return NULL;
}

/**
 * loop_destroy() - end it
 * @loop: the loop, or NULL; whoever has something in it took it out before
 */
void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	loop_source_remove(loop, &loop->alarm);
	close(loop->alarm.fd);
	close(loop->epoll);
	free(loop->heap);
	free(loop);
}

/**
 * loop_now() - the time of this turn
 * @loop: the loop
 *
 * Return: nanoseconds of CLOCK_BOOTTIME.
 */
uint64_t loop_now(const struct loop *loop)
{
	return loop->now_ns;
}

/**
 * loop_stats() - what happened so far
 * @loop: the loop
 *
 * Return: the numbers; they go on changing.
 */
const struct loop_stats *loop_stats(const struct loop *loop)
{
	return &loop->stats;
}

/* Have epoll return when the first timer is due, or at @until_ns. */
static int loop_arm(struct loop *loop, uint64_t until_ns)
{
	struct itimerspec when = { 0 };

	if (loop->timers && loop->heap[LOOP_ROOT]->due_ns < until_ns)
		until_ns = loop->heap[LOOP_ROOT]->due_ns;
	if (loop->first || until_ns <= loop->now_ns)
		return 0; /* do not wait at all */
	if (until_ns == loop->alarm_ns)
		return -1;
	if (until_ns != LOOP_NEVER) {
		when.it_value.tv_sec = (time_t)(until_ns / 1000000000ULL);
		when.it_value.tv_nsec = (long)(until_ns % 1000000000ULL);
	}
	if (timerfd_settime(loop->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL))
		loop_fail("timerfd-set");
	loop->alarm_ns = until_ns;
	return -1;
}

/**
 * loop_turn() - one turn
 * @loop: the loop
 * @until_ns: if nothing happens wait until then; LOOP_NEVER: until something
 *	does; 0: do not wait
 */
void loop_turn(struct loop *loop, uint64_t until_ns)
{
	int wait_ms = loop_arm(loop, until_ns);
	int nr = epoll_wait(loop->epoll, loop->event, LOOP_EVENTS_MAX, wait_ms);

	if (nr < 0 && errno != EINTR)
		loop_fail("epoll-wait");
	loop->nr = nr < 0 ? 0 : nr;
	loop->now_ns = loop_clock_ns();
	if (loop->alarm_ns <= loop->now_ns)
		loop->alarm_ns = LOOP_NEVER; /* it rang, or is about to */
	loop->stats.turns++;
	loop->most = "none";
	loop->most_ns = 0;
	loop_usage(&loop->usage);
	loop_timers_run(loop);
	loop_sources_run(loop);
	loop_calls_run(loop);
	loop_lapped(loop);
}

/**
 * loop_run() - turn until loop_stop()
 * @loop: the loop
 */
void loop_run(struct loop *loop)
{
	loop->stop = false;
	while (!loop->stop)
		loop_turn(loop, LOOP_NEVER);
}

/**
 * loop_stop() - have loop_run() return after this turn
 * @loop: the loop
 */
void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
