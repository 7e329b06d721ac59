// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs where a volume is attached: the runner (promote/runner.h) is told
 * which devices serve here, and asked to stop before one is detached in order.
 *
 * Who leads is told when it gives up, by a message of type FAULT:
 *
 *	0 u32 volume	4 u32 enum duty_fault	8 u64 term
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../log.h"
#include "../session/bytes.h"
#include "inner.h"

#define FAULT_BYTES 16
#define FAULT_NS 2000000000ULL

/**
 * fault_take() - a node says that a volume does not work there
 * @h: the hands
 * @from: the node
 * @data: the message
 * @bytes: its length
 *
 * Return: 0 or -EBADMSG.
 */
int fault_take(struct hands *h, u32 from, const u8 *data, size_t bytes)
{
	struct cluster_self self;

	if (bytes != FAULT_BYTES)
		return -EBADMSG;
	cluster_self(h->cluster, &self);
	if (!h->duty || !self.state)
		return 0;
	/* late, or of a volume that nobody promotes: passed over */
	if (!duty_failed(h->duty, self.state, session_get32(data), from,
			 session_get64(data + 8), session_get32(data + 4),
			 hands_now_ms(h)))
		loop_timer_set(h->loop, &h->duty_due, loop_now(h->loop));
	return 0;
}

/**
 * fault_say() - a volume does not work here: who leads is told
 * @h: the hands
 * @volume: id
 * @term: under which
 * @fault: what it is
 */
void fault_say(struct hands *h, u32 volume, u64 term, enum duty_fault fault)
{
	u8 data[FAULT_BYTES];
	struct cluster_self self;

	session_put32(data, volume);
	session_put32(data + 4, fault);
	session_put64(data + 8, term);
	cluster_self(h->cluster, &self);
	if (self.leads)
		fault_take(h, self.node, data, sizeof(data));
	else if (self.leader)
		cluster_say(h->cluster, self.leader, SESSION_NORMAL, MSG_FAULT,
			    data, sizeof(data));
}

/* --- the runner ----------------------------------------------------------- */

static void run_failed(void *arg, uint32_t volume, uint64_t term)
{
	struct hands *h = arg;

	log_write(LOG_LEVEL_ERROR, "run-failed", "volume=%u term=%llu", volume,
		  (unsigned long long)term);
	fault_say(h, volume, term, DUTY_FAULT_RUN);
}

static void run_stopped(void *arg, uint32_t volume, int err)
{
	struct hands *h = arg;

	/* the kernel is asked all the same, and says what is in its way */
	if (err) {
		log_write(LOG_LEVEL_ERROR, "run-not-stopped",
			  "volume=%u error=%d", volume, err);
		h->stuck[h->nr_stuck++ % HANDS_STUCK_MAX] = volume;
	}
	hands_look_later(h);
}

/* The directory above it is that of the socket, which is made later. */
static int run_directory(const char *dir)
{
	char above[RUNNER_DIR_MAX + 1];
	char *slash;

	snprintf(above, sizeof(above), "%s", dir);
	slash = strrchr(above, '/');
	if (slash && slash != above) {
		*slash = '\0';
		if (mkdir(above, 0700) && errno != EEXIST)
			return -errno;
	}
	return mkdir(dir, 0700) && errno != EEXIST ? -errno : 0;
}

/**
 * run_begin() - what the former daemon left running is found
 * @h: the hands
 * @why: why that can not be
 *
 * Return: 0 or -errno.
 */
int run_begin(struct hands *h, char why[HANDS_WHY_MAX])
{
	static const struct runner_ops ops = { .failed = run_failed,
					       .stopped = run_stopped };
	struct runner_options opt = { .times = { 0 } };
	int err;

	snprintf(opt.dir, sizeof(opt.dir), "%.120s", h->opt.run_dir);
	snprintf(opt.node, sizeof(opt.node), "%.63s", h->opt.name);
	err = run_directory(opt.dir);
	if (!err)
		err = runner_create(&h->runner, h->loop, &opt, &ops, h);
	if (err)
		snprintf(why, HANDS_WHY_MAX, "%.120s: %s", opt.dir,
			 strerror(-err));
	return err;
}

/**
 * run_end() - the daemon ends; what runs goes on
 * @h: the hands
 */
void run_end(struct hands *h)
{
	if (h->runner)
		runner_destroy(h->runner);
	h->runner = NULL;
}

static bool run_wanted(const struct hands *h, const struct want_volume *volume)
{
	return volume->run[0] && volume->hold == STATE_HOLD_DEVICE &&
	       volume->holder == want_cluster(&h->want)->node &&
	       !volume->release;
}

static void run_set(struct hands *h, const struct want_volume *volume,
		    const struct seen_volume *is)
{
	struct runner_volume what = { .id = volume->key.id,
				      .term = volume->term };
	int err = -EINVAL;
	u32 i;

	snprintf(what.name, sizeof(what.name), "%s", volume->name);
	snprintf(what.device, sizeof(what.device), "/dev/%s", is->device);
	if (runner_program(volume->run, what.program))
		err = runner_set(h->runner, &what);
	if (err)
		fault_say(h, what.id, what.term, DUTY_FAULT_RUN);
	for (i = 0; i < HANDS_STUCK_MAX; i++)
		if (h->stuck[i] == what.id)
			h->stuck[i] = 0;
}

/*
 * What is to be started needs a device that serves; what a former daemon left
 * running stays also while that is suspended.
 */
static bool run_may(const struct hands *h, const struct seen_volume *is)
{
	return is->state == QBD_VOLUME_STATE_SERVING ||
	       (is->state == QBD_VOLUME_STATE_SUSPENDED &&
		runner_state(h->runner, is->key.id) != RUNNER_NONE);
}

/* Those that lost their volume, or are not to run any more. */
static void run_stop_others(struct hands *h)
{
	const struct want_volume *volume;
	const struct seen_volume *is;
	u32 i;

	for (i = 0; i < h->nr_running;) {
		volume = want_volume(&h->want, h->running[i]);
		is = seen_volume(&h->seen, h->running[i]);
		if (volume && is && run_wanted(h, volume) &&
		    is->term == volume->term &&
		    is->state != QBD_VOLUME_STATE_DEAD) {
			i++;
			continue;
		}
		runner_stop(h->runner, h->running[i]);
		h->running[i] = h->running[--h->nr_running];
	}
}

/**
 * run_look() - what is to run here?
 * @h: the hands; all that it knows is fresh
 */
void run_look(struct hands *h)
{
	const struct seen_volume *is;
	const union want_item *item;
	u32 at = 0, i;
	bool again;

	if (!h->want.good || !want_cluster(&h->want))
		return;
	run_stop_others(h);
	again = loop_now(h->loop) >= h->fault_ns;
	if (again)
		h->fault_ns = loop_now(h->loop) + FAULT_NS;
	while ((item = want_next(&h->want, WANT_VOLUME, &at))) {
		is = seen_volume(&h->seen, item->volume.key.id);
		if (!is || !run_wanted(h, &item->volume) ||
		    is->term != item->volume.term || !run_may(h, is))
			continue;
		run_set(h, &item->volume, is);
		/* who leads may be another one than was told */
		if (again && runner_state(h->runner, item->volume.key.id) ==
				     RUNNER_FAILED)
			fault_say(h, item->volume.key.id, item->volume.term,
				  DUTY_FAULT_RUN);
		for (i = 0; i < h->nr_running; i++)
			if (h->running[i] == item->volume.key.id)
				break;
		if (i == h->nr_running && i < RUNNER_VOLUMES_MAX)
			h->running[h->nr_running++] = item->volume.key.id;
	}
	if (!h->settled)
		runner_settle(h->runner);
	h->settled = true;
}

/**
 * run_lets_go() - may a volume be detached in order?
 * @h: the hands
 * @volume: id
 *
 * Return: false: something of it runs; it was asked to end, and the next look
 * comes when it has, or can not be ended.
 */
bool run_lets_go(struct hands *h, u32 volume)
{
	u32 i;

	for (i = 0; i < HANDS_STUCK_MAX; i++)
		if (h->stuck[i] == volume)
			return true;
	return runner_stop(h->runner, volume);
}
