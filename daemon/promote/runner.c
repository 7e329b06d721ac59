// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes with something to run: set, stopped, found at the start.
 */
#include "runner_inner.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

#define RUNNER_TRIES_MAX 16

/**
 * runner_state_name() - a state as a word
 * @state: the state
 *
 * Return: the word.
 */
const char *runner_state_name(enum runner_state state)
{
	switch (state) {
	case RUNNER_NONE:
		return "none";
	case RUNNER_WAITING:
		return "waiting";
	case RUNNER_STARTING:
		return "starting";
	case RUNNER_RUNNING:
		return "running";
	case RUNNER_STOPPING:
		return "stopping";
	case RUNNER_ENDED:
		return "ended";
	case RUNNER_FAILED:
		return "failed";
	}
	return "?";
}

/* A unit's name: nothing that systemctl could take for an option or two. */
static bool runner_unit_good(const char *name)
{
	/* clang-format off */
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@\\-";
	/* clang-format on */

	return *name && *name != '-' && !name[strspn(name, good)];
}

/**
 * runner_program_good() - can this be run?
 * @program: unit:NAME or run:COMMAND
 *
 * Return: true if so.
 */
bool runner_program_good(const char *program)
{
	size_t len = strnlen(program, RUNNER_PROGRAM_MAX + 1);
	size_t i;

	if (len > RUNNER_PROGRAM_MAX)
		return false;
	if (!strncmp(program, "unit:", 5))
		return runner_unit_good(program + 5);
	if (strncmp(program, "run:", 4) || !program[4])
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)program[i] < ' ' || program[i] == 127)
			return false;
	return true;
}

/**
 * runner_program() - what a volume has to run, as it is said here
 * @run: as the state has it: a command begins with its path, a unit has a name
 * @program: unit:NAME or run:COMMAND
 *
 * The command takes the place of the shell: a shell that waits for it would end
 * at once when both are told to, and what it had started with it.
 *
 * Return: true if it can be run.
 */
bool runner_program(const char *run, char program[RUNNER_PROGRAM_MAX + 1])
{
	int len = snprintf(program, RUNNER_PROGRAM_MAX + 1, "%s%s",
			   *run == '/' ? "run:exec " : "unit:", run);

	return len <= RUNNER_PROGRAM_MAX && runner_program_good(program);
}

/**
 * runner_find() - a volume
 * @runner: the runner
 * @volume: id
 *
 * Return: it, or NULL.
 */
struct runner_item *runner_find(const struct runner *runner, uint32_t volume)
{
	struct runner_item *item = runner->items;

	while (item && item->now.id != volume)
		item = item->link;
	return item;
}

/**
 * runner_free() - forget a volume
 * @item: the volume; what runs goes on, unwatched
 */
void runner_free(struct runner_item *item)
{
	struct runner *runner = item->runner;
	struct runner_item **at = &runner->items;

	while (*at != item)
		at = &(*at)->link;
	*at = item->link;
	runner->nr--;
	loop_timer_stop(runner->loop, &item->timer);
	loop_timer_stop(runner->loop, &item->look);
	runner_client_end(item);
	runner_process_forget(&item->process);
	runner_out_close(item);
	free(item);
}

static void runner_expired(struct loop_timer *timer)
{
	runner_event(container_of(timer, struct runner_item, timer),
		     RUNNER_TIME);
}

static struct runner_item *runner_make(struct runner *runner,
				       const struct runner_volume *volume)
{
	struct runner_item *item = calloc(1, sizeof(*item));

	if (!item)
		abort();
	item->runner = runner;
	item->now = *volume;
	item->process.go = -1;
	item->client.process.go = -1;
	item->timer.name = "runner-volume";
	item->timer.expired = runner_expired;
	item->look.name = "runner-look";
	item->look.expired = runner_looked;
	runner_machine_init(&item->machine);
	item->link = runner->items;
	runner->items = item;
	runner->nr++;
	return item;
}

/* --- what was there before ----------------------------------------------- */

/* As it says; -ESRCH: it is not there any more. */
static int runner_adopt(struct runner_item *item,
			const struct runner_record *record)
{
	int err;

	item->found = true;
	runner_machine_adopt(&item->machine,
			     record->done ? RUNNER_ENDED : RUNNER_RUNNING);
	if (record->done)
		return 0;
	if (runner_is_unit(item)) {
		runner_look_later(item, 0);
		return 0;
	}
	item->process.source.ready = runner_ended;
	err = runner_process_adopt(&item->process, item->runner->loop,
				   record->pid, record->start);
	if (!err)
		runner_out_open(item);
	return err;
}

/*
 * What can not be looked at now may run all the same. It must not be started a
 * second time when its volume is set: then this daemon is of no use.
 */
static int runner_find_one(struct runner *runner, uint32_t id)
{
	struct runner_volume volume = { .id = id };
	struct runner_record record;
	struct runner_item *item;
	int err;

	err = runner_file_read(runner->opt.dir, id, &record);
	if (!err && runner->nr == RUNNER_VOLUMES_MAX)
		err = -ENOSPC;
	if (!err) {
		volume.term = record.term;
		snprintf(volume.name, sizeof(volume.name), "#%u", id);
		memcpy(volume.program, record.program, sizeof(volume.program));
		item = runner_make(runner, &volume);
		err = runner_adopt(item, &record);
		if (err)
			runner_free(item);
	}
	log_write(err ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "program-found",
		  "volume=#%u error=%d", id, -err);
	if (err != -ESRCH && err != -EBADMSG && err != -ELOOP)
		return err;
	runner_file_remove(runner->opt.dir, id);
	return 0;
}

static int runner_find_all(struct runner *runner)
{
	DIR *dir = opendir(runner->opt.dir);
	struct dirent *entry;
	uint32_t id;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (runner_file_name(entry->d_name, &id))
			err = runner_find_one(runner, id);
	closedir(dir);
	return err;
}

static void runner_defaults(struct runner_times *times)
{
	static const struct runner_times defaults = {
		.start_ns = 100000000000ULL,
		.stop_ns = 100000000000ULL,
		.kill_ns = 10000000000ULL,
		.backoff_ns = 1000000000ULL,
		.steady_ns = 60000000000ULL,
		.rest_ns = 300000000000ULL,
		.poll_ns = 5000000000ULL,
		.look_ns = 10000000000ULL,
		.tries = 3,
	};

	times->start_ns = times->start_ns ?: defaults.start_ns;
	times->stop_ns = times->stop_ns ?: defaults.stop_ns;
	times->kill_ns = times->kill_ns ?: defaults.kill_ns;
	times->backoff_ns = times->backoff_ns ?: defaults.backoff_ns;
	times->steady_ns = times->steady_ns ?: defaults.steady_ns;
	times->rest_ns = times->rest_ns ?: defaults.rest_ns;
	times->poll_ns = times->poll_ns ?: defaults.poll_ns;
	times->look_ns = times->look_ns ?: defaults.look_ns;
	times->tries = times->tries ?: defaults.tries;
	if (times->tries > RUNNER_TRIES_MAX)
		times->tries = RUNNER_TRIES_MAX;
}

/**
 * runner_create() - and take over what runs already
 * @made: the runner
 * @loop: where it runs
 * @options: options; copied
 * @ops: who is told; copied
 * @arg: for @ops
 *
 * Return: 0 or -errno: the directory, or what is in it, can not be read, or
 * what it says can not be watched.
 */
int runner_create(struct runner **made, struct loop *loop,
		  const struct runner_options *options,
		  const struct runner_ops *ops, void *arg)
{
	struct runner *runner = calloc(1, sizeof(*runner));
	int err;

	if (!runner)
		abort();
	runner->loop = loop;
	runner->opt = *options;
	runner->ops = *ops;
	runner->arg = arg;
	runner_defaults(&runner->opt.times);
	err = runner_find_all(runner);
	if (err) {
		runner_destroy(runner);
		return err;
	}
	*made = runner;
	return 0;
}

/**
 * runner_destroy() - the daemon ends; what runs goes on
 * @runner: the runner, or NULL
 */
void runner_destroy(struct runner *runner)
{
	if (!runner)
		return;
	while (runner->items)
		runner_free(runner->items);
	free(runner);
}

/* --- what shall run ------------------------------------------------------ */

/*
 * Have it end. True: nothing runs, and the caller has to do the rest.
 */
static bool runner_end(struct runner_item *item)
{
	enum runner_act act = runner_step(item, RUNNER_UNWANT);

	if (act == RUNNER_GONE)
		return true;
	runner_do(item, act);
	return false;
}

/**
 * runner_set() - a volume is attached here, and has something to run
 * @runner: the runner
 * @volume: the volume; set again and again is set once
 *
 * Return: 0; -EINVAL: that can not be run; -ENOSPC: too many volumes. Both are
 * a failure of this node, which the caller says as @failed is said.
 */
int runner_set(struct runner *runner, const struct runner_volume *volume)
{
	struct runner_item *item = runner_find(runner, volume->id);
	bool same;

	if (!volume->id || !runner_program_good(volume->program))
		return -EINVAL;
	if (!item && runner->nr == RUNNER_VOLUMES_MAX)
		return -ENOSPC;
	same = item && item->now.term == volume->term &&
	       !strcmp(item->now.program, volume->program);
	if (same && item->machine.wanted) {
		item->now = *volume;
		item->found = false;
		return 0;
	}
	if (!item) {
		item = runner_make(runner, volume);
	} else {
		item->found = false;
		item->next = *volume;
		item->has_next = true;
		if (!runner_end(item))
			return 0;
		runner_clean(item);
		item->has_next = false;
		item->now = *volume;
		runner_machine_init(&item->machine);
	}
	/* from the loop, not from in here */
	item->machine.wanted = true;
	item->machine.due_ns = loop_now(runner->loop);
	loop_timer_set(runner->loop, &item->timer, item->machine.due_ns);
	return 0;
}

/**
 * runner_stop() - a volume has nothing to run here any more
 * @runner: the runner
 * @volume: id
 *
 * Return: true: nothing of it runs; false: @stopped says so later.
 */
bool runner_stop(struct runner *runner, uint32_t volume)
{
	struct runner_item *item = runner_find(runner, volume);

	if (!item)
		return true;
	item->has_next = false;
	item->found = false;
	if (!runner_end(item)) {
		item->tell = true;
		return false;
	}
	runner_clean(item);
	runner_free(item);
	return true;
}

/**
 * runner_settle() - all that is attached here has been set
 * @runner: the runner
 *
 * What was found at the start, and was not set since, is stopped.
 */
void runner_settle(struct runner *runner)
{
	struct runner_item *item = runner->items, *link;

	for (; item; item = link) {
		link = item->link;
		if (!item->found)
			continue;
		item->found = false;
		log_write(LOG_LEVEL_INFO, "program-left", "volume=%s",
			  item->now.name);
		if (!runner_end(item))
			continue;
		runner_clean(item);
		runner_free(item);
	}
}

/**
 * runner_state() - how it is with a volume
 * @runner: the runner
 * @volume: id
 *
 * Return: its state.
 */
enum runner_state runner_state(const struct runner *runner, uint32_t volume)
{
	const struct runner_item *item = runner_find(runner, volume);

	return item ? item->machine.state : RUNNER_NONE;
}
