/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop of the daemon's one thread: what happens, and when.
 *
 * A TURN.  The time is read, once: loop_now() is the same for all that a turn
 * does.  Then run, in this order: the timers that are due, the sources that
 * epoll reported, the calls that were put off.  Whoever is called does a little
 * and returns; nobody waits.  A callback that takes longer than LOOP_SLOW_NS is
 * counted and named in the log, for while it runs no heartbeat leaves the node.
 * So is a LAP that takes longer, from epoll back to epoll, of callbacks that do
 * not: a peer does not care which of them kept the node silent.
 *
 * A turn is bounded: LOOP_EVENTS_MAX sources, the timers that were set and the
 * calls that were put off before it began.  What a callback adds is for the
 * next turn, so a timer that sets itself to "at once" starves nobody.
 *
 * REMOVAL.  Any callback may remove and free any source, timer or call, also
 * its own.  Nothing of it is called afterwards: epoll has reported many sources
 * at once, so what is removed is looked for among those that wait for their
 * turn.  (Without: A's callback closes B and frees it, B's event is next: use
 * after free.  Or B's descriptor number and memory are C's by now: C gets B's
 * hang-up, and a good session ends.)  A descriptor is removed before it is
 * closed, or given away: a copy elsewhere would keep it in epoll for ever.
 *
 * OTHER THREADS have loop_wake() and nothing else.
 *
 * TIME is CLOCK_BOOTTIME: a machine that slept finds its deadlines passed, not
 * postponed.  epoll's own timeout stands still meanwhile, so a timerfd waits.
 *
 * MEMORY.  Sources, timers and calls are members of what they belong to; the
 * loop's own memory is bounded by their number.  Out of memory ends the process
 * (a log of which nobody can say whether it was written would be worse).
 */
#ifndef QBD_DAEMON_LOOP_H
#define QBD_DAEMON_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_EVENTS_MAX 128 /* of a turn */
#define LOOP_SOURCES_MAX 16384 /* 1000 peers, and strangers */
#define LOOP_TIMERS_MAX 65536
#define LOOP_SLOW_NS 10000000ULL /* 10 ms */
#define LOOP_NEVER UINT64_MAX
#define LOOP_LAPS 24 /* classes of laps; the last one is 4 s and more */

struct loop;

/**
 * struct loop_source - a file descriptor that is watched
 * @name: for the log
 * @fd: the descriptor
 * @ready: called with what epoll saw
 * @watched: the loop's
 */
struct loop_source {
	const char *name;
	int fd;
	void (*ready)(struct loop_source *source, uint32_t events);
	bool watched;
};

/**
 * struct loop_timer - something to do later
 * @name: for the log
 * @expired: called when it is due, once: it is not set any more
 * @due_ns: when
 * @seq: the loop's: in which order they were set
 * @slot: the loop's: place in the heap; 0 = not set
 */
struct loop_timer {
	const char *name;
	void (*expired)(struct loop_timer *timer);
	uint64_t due_ns;
	uint64_t seq;
	uint32_t slot;
};

/**
 * struct loop_call - something to do at the end of this turn, or of the next
 * @name: for the log
 * @run: called once
 * @next: the loop's
 * @link: the loop's: what points here; NULL = not put off
 */
struct loop_call {
	const char *name;
	void (*run)(struct loop_call *call);
	struct loop_call *next;
	struct loop_call **link;
};

/**
 * struct loop_signals - signals, as events
 * @source: the loop's, first member
 * @got: called for each
 */
struct loop_signals {
	struct loop_source source;
	void (*got)(struct loop_signals *signals, int number);
};

/**
 * struct loop_wake - how another thread says that there is something to do
 * @source: the loop's, first member
 * @woken: called in the loop's thread, once for any number of loop_wake()
 */
struct loop_wake {
	struct loop_source source;
	void (*woken)(struct loop_wake *wake);
};

/**
 * struct loop_stats - what happened so far
 * @turns: turns
 * @events: sources called
 * @timers: timers called
 * @calls: calls called
 * @slow: of all these, longer than LOOP_SLOW_NS
 * @longest_ns: the longest
 * @longest: its name
 * @laps_slow: turns that did not wait for longer than LOOP_SLOW_NS
 * @laps_slept: of these, in which something else made the thread wait: a disk,
 *	a lock.  In the others it was at work, or had no processor
 * @longest_lap_ns: the longest time between two waits
 * @longest_lap: name of the callback that took most of it
 * @lap: laps by their length: below 1 us, below 2 us, below 4 us, and so on
 */
struct loop_stats {
	uint64_t turns;
	uint64_t events;
	uint64_t timers;
	uint64_t calls;
	uint64_t slow;
	uint64_t longest_ns;
	const char *longest;
	uint64_t laps_slow;
	uint64_t laps_slept;
	uint64_t longest_lap_ns;
	const char *longest_lap;
	uint64_t lap[LOOP_LAPS];
};

struct loop *loop_create(void);
void loop_destroy(struct loop *loop);
uint64_t loop_now(const struct loop *loop);
void loop_turn(struct loop *loop, uint64_t until_ns);
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
const struct loop_stats *loop_stats(const struct loop *loop);

int loop_source_add(struct loop *loop, struct loop_source *source,
		    uint32_t events);
int loop_source_change(struct loop *loop, struct loop_source *source,
		       uint32_t events);
void loop_source_remove(struct loop *loop, struct loop_source *source);

void loop_timer_set(struct loop *loop, struct loop_timer *timer,
		    uint64_t due_ns);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

void loop_call_later(struct loop *loop, struct loop_call *call);
void loop_call_stop(struct loop *loop, struct loop_call *call);

int loop_signals_add(struct loop *loop, struct loop_signals *signals,
		     const sigset_t *set);
void loop_signals_remove(struct loop *loop, struct loop_signals *signals);

int loop_wake_add(struct loop *loop, struct loop_wake *wake);
void loop_wake_remove(struct loop *loop, struct loop_wake *wake);
void loop_wake(const struct loop_wake *wake);

#endif /* QBD_DAEMON_LOOP_H */
