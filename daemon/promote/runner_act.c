// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine of a volume says is to be done, done; and commands.
 */
#include "runner_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "../log.h"

#define ACT_PIPE_BYTES (1024 * 1024)
#define ACT_READ_BYTES 16384
#define ACT_WORD_MAX 192
#define ACT_COMMAND_STOP_NS 30000000000ULL

/*
 * It waits for the line that says that its file is written. The daemon is
 * spared when memory is short, its commands are not.
 */
static const char act_shell[] =
	"read -r go || exit 126; umask 022; "
	"echo 0 2>/dev/null >/proc/self/oom_score_adj || :; "
	"exec /bin/sh -c \"$1\" </dev/null";

/**
 * runner_is_unit() - a unit, or a command?
 * @item: the volume
 *
 * Return: true for a unit.
 */
bool runner_is_unit(const struct runner_item *item)
{
	return !strncmp(item->now.program, "unit:", 5);
}

/* Up to @most times as much as is read at once. */
static void act_out(struct runner_item *item, unsigned int most)
{
	char data[ACT_READ_BYTES];
	ssize_t bytes = 1;

	while (most-- && bytes > 0) {
		bytes = read(item->out.fd, data, sizeof(data));
		if (bytes > 0)
			runner_lines_take(&item->lines, item->now.name,
					  loop_now(item->runner->loop), data,
					  (size_t)bytes);
	}
}

static void act_out_ready(struct loop_source *source, uint32_t events)
{
	struct runner_item *item =
		container_of(source, struct runner_item, out);

	(void)events;
	act_out(item, 1);
}

/**
 * runner_out_open() - read what a command prints
 * @item: its volume
 *
 * Without it the command runs all the same, unheard.
 */
void runner_out_open(struct runner_item *item)
{
	char path[RUNNER_PATH_MAX];
	int err;

	runner_out_path(item->runner->opt.dir, item->now.id, path);
	if (mkfifo(path, 0600) && errno != EEXIST) {
		log_write(LOG_LEVEL_WARN, "program-unheard",
			  "volume=%s error=%d", item->now.name, errno);
		return;
	}
	item->out.name = "runner-output";
	item->out.ready = act_out_ready;
	/* for writing, too: without it the pipe ends whenever nobody writes */
	item->out.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	err = item->out.fd < 0 ?
		      -errno :
		      loop_source_add(item->runner->loop, &item->out, EPOLLIN);
	if (err) {
		log_write(LOG_LEVEL_WARN, "program-unheard",
			  "volume=%s error=%d", item->now.name, -err);
		if (item->out.fd >= 0)
			close(item->out.fd);
		return;
	}
	/* as much as there may be: more is a favour of the kernel's */
	(void)fcntl(item->out.fd, F_SETPIPE_SZ, ACT_PIPE_BYTES);
}

/**
 * runner_out_close() - no longer
 * @item: its volume
 */
void runner_out_close(struct runner_item *item)
{
	if (!item->out.watched)
		return;
	act_out(item, ACT_PIPE_BYTES / ACT_READ_BYTES);
	runner_lines_end(&item->lines, item->now.name,
			 loop_now(item->runner->loop));
	loop_source_remove(item->runner->loop, &item->out);
	close(item->out.fd);
}

/**
 * runner_ended() - the command of a volume has ended
 * @source: of its process
 * @events: of its pidfd
 */
void runner_ended(struct loop_source *source, uint32_t events)
{
	struct runner_item *item =
		container_of(source, struct runner_item, process.source);
	int code = runner_process_reap(&item->process);

	(void)events;
	runner_out_close(item);
	log_write(code ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "program-ended",
		  "volume=%s code=%d", item->now.name, code);
	runner_event(item, code ? RUNNER_BADLY : RUNNER_WELL);
}

static int act_note(struct runner_item *item, bool done)
{
	struct runner_record record = { .volume = item->now.id,
					.term = item->now.term,
					.done = done };
	int err;

	if (!done && !runner_is_unit(item)) {
		record.pid = item->process.pid;
		record.start = runner_process_start(item->process.pid);
	}
	memcpy(record.program, item->now.program, sizeof(record.program));
	err = runner_file_write(item->runner->opt.dir, &record);
	if (err)
		log_write(LOG_LEVEL_ERROR, "program-not-noted",
			  "volume=%s error=%d", item->now.name, -err);
	return err;
}

static int act_spawn(struct runner_item *item)
{
	const struct runner_volume *volume = &item->now;
	const char *path = getenv("PATH");
	char name[ACT_WORD_MAX], device[ACT_WORD_MAX], term[ACT_WORD_MAX];
	char node[ACT_WORD_MAX], search[4096], out[RUNNER_PATH_MAX];
	char *argv[6] = { "/bin/sh",
			  "-c",
			  (char *)act_shell,
			  "qbd-run",
			  (char *)volume->program + 4,
			  NULL };
	char *envp[6] = { name, device, term, node, search, NULL };
	struct runner_spawn spawn = { .argv = argv,
				      .envp = envp,
				      .out = item->out.watched ? out :
								 "/dev/null",
				      .wait = true };

	snprintf(name, sizeof(name), "QBD_VOLUME=%s", volume->name);
	snprintf(device, sizeof(device), "QBD_DEVICE=%s", volume->device);
	snprintf(term, sizeof(term), "QBD_TERM=%llu",
		 (unsigned long long)volume->term);
	snprintf(node, sizeof(node), "QBD_NODE=%s", item->runner->opt.node);
	snprintf(search, sizeof(search), "PATH=%s",
		 path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	runner_out_path(item->runner->opt.dir, volume->id, out);
	item->process.source.ready = runner_ended;
	return runner_process_spawn(&item->process, item->runner->loop, &spawn);
}

static void act_start_command(struct runner_item *item)
{
	int err;

	runner_out_open(item);
	err = act_spawn(item);
	if (err) {
		runner_out_close(item);
		log_write(LOG_LEVEL_ERROR, "program-not-started",
			  "volume=%s error=%d", item->now.name, -err);
		runner_event(item, RUNNER_BADLY);
		return;
	}
	/* without its file it might be started twice: it ends as it is let go
	 */
	if (act_note(item, false))
		runner_process_signal(&item->process, SIGKILL);
	log_write(LOG_LEVEL_INFO, "program-started",
		  "volume=%s term=%llu pid=%d", item->now.name,
		  (unsigned long long)item->now.term, item->process.pid);
	runner_process_go(&item->process);
	runner_event(item, RUNNER_STARTED);
}

static void act_start(struct runner_item *item)
{
	if (!runner_is_unit(item)) {
		act_start_command(item);
		return;
	}
	/* a second start of a unit is none, so this much may be lost */
	act_note(item, false);
	runner_ask(item, RUNNER_ASK_START);
}

static void act_stop(struct runner_item *item, bool kill_it)
{
	uint64_t stop_ns = item->runner->opt.times.stop_ns;

	if (runner_is_unit(item)) {
		runner_ask(item, kill_it ? RUNNER_ASK_KILL : RUNNER_ASK_STOP);
		return;
	}
	runner_process_signal(&item->process, kill_it ? SIGKILL : SIGTERM);
	if (!kill_it && stop_ns > ACT_COMMAND_STOP_NS)
		item->machine.due_ns =
			loop_now(item->runner->loop) + ACT_COMMAND_STOP_NS;
}

/**
 * runner_clean() - nothing of a volume runs
 * @item: the volume
 */
void runner_clean(struct runner_item *item)
{
	runner_out_close(item);
	runner_client_end(item);
	loop_timer_stop(item->runner->loop, &item->look);
	runner_file_remove(item->runner->opt.dir, item->now.id);
}

/* Nothing runs, nothing shall; but perhaps something else. */
static void act_gone(struct runner_item *item)
{
	struct runner *runner = item->runner;
	uint32_t volume = item->now.id;
	bool tell = item->tell;

	runner_clean(item);
	log_write(LOG_LEVEL_INFO, "program-gone", "volume=%s", item->now.name);
	item->tell = false;
	if (item->has_next) {
		item->now = item->next;
		item->has_next = false;
		runner_machine_init(&item->machine);
		item->machine.wanted = true;
		item->machine.due_ns = loop_now(runner->loop);
		loop_timer_set(runner->loop, &item->timer,
			       item->machine.due_ns);
	} else {
		runner_free(item);
	}
	if (tell)
		runner->ops.stopped(runner->arg, volume, 0);
}

/**
 * runner_do() - do what is to be done
 * @item: the volume; it may be freed
 * @act: what
 */
void runner_do(struct runner_item *item, enum runner_act act)
{
	struct runner *runner = item->runner;

	switch (act) {
	case RUNNER_NOTHING:
		return;
	case RUNNER_START:
		act_start(item);
		return;
	case RUNNER_STOP:
	case RUNNER_KILL:
		act_stop(item, act == RUNNER_KILL);
		break;
	case RUNNER_STUCK:
		log_write(LOG_LEVEL_ERROR, "program-stuck",
			  "volume=%s reason=\"it does not end, even killed\"",
			  item->now.name);
		if (item->tell)
			runner->ops.stopped(runner->arg, item->now.id, -EBUSY);
		return;
	case RUNNER_SAY_FAILED:
		log_write(LOG_LEVEL_ERROR, "program-failed",
			  "volume=%s term=%llu tries=%u", item->now.name,
			  (unsigned long long)item->now.term,
			  item->machine.tries);
		runner->ops.failed(runner->arg, item->now.id, item->now.term);
		return;
	case RUNNER_GONE:
		act_gone(item);
		return;
	}
	loop_timer_set(runner->loop, &item->timer, item->machine.due_ns);
}

/**
 * runner_step() - something happened to a volume
 * @item: the volume
 * @event: what
 *
 * Return: what is to be done.
 */
enum runner_act runner_step(struct runner_item *item, enum runner_event event)
{
	struct runner *runner = item->runner;
	enum runner_act act;

	act = runner_machine_step(&item->machine, &runner->opt.times, event,
				  loop_now(runner->loop));
	loop_timer_set(runner->loop, &item->timer, item->machine.due_ns);
	return act;
}

/**
 * runner_event() - the same, and have it done
 * @item: the volume; it may be freed
 * @event: what
 */
void runner_event(struct runner_item *item, enum runner_event event)
{
	enum runner_state was = item->machine.state;
	enum runner_act act = runner_step(item, event);

	if (was != RUNNER_ENDED && item->machine.state == RUNNER_ENDED)
		act_note(item, true);
	if (item->machine.state == RUNNER_RUNNING && was == RUNNER_STARTING &&
	    runner_is_unit(item))
		runner_look_later(item, item->runner->opt.times.poll_ns);
	if (item->machine.state == RUNNER_FAILED ||
	    item->machine.state == RUNNER_WAITING)
		runner_file_remove(item->runner->opt.dir, item->now.id);
	runner_do(item, act);
}
