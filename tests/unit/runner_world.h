/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A runner in a loop and a directory, with a systemctl that is none: what it is
 * called for is in `calls`, the state of unit U is in `unit.U`; files
 * hang.VERB, fail.VERB and keep.VERB make it hang, refuse, or do nothing.
 */
#ifndef QBD_TESTS_RUNNER_WORLD_H
#define QBD_TESTS_RUNNER_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"
#include "loop_wait.h"
#include "promote/runner_inner.h"
#include "../../daemon/log.h"

#define MS LOOP_MS

/*
 * A program that runs until it is ended, which is what is tested; nobody waits
 * for its own end, which is for a test that died.
 */
#define RUNS_ON "sleep 60"

FIXTURE(runner)
{
	struct loop *loop;
	struct runner *runner;
	struct runner_options options;
	char dir[64];
	u32 failed;
	u64 failed_term;
	u32 stopped;
	int stopped_err;
};

static inline void got_failed(void *arg, uint32_t volume, uint64_t term)
{
	struct th_fix_runner *self = arg;

	self->failed++;
	self->failed_term = term;
}

static inline void got_stopped(void *arg, uint32_t volume, int err)
{
	struct th_fix_runner *self = arg;

	self->stopped++;
	self->stopped_err = err;
}

static inline void daemon_begins(struct th_fix_runner *self)
{
	static const struct runner_ops ops = { .failed = got_failed,
					       .stopped = got_stopped };

	ASSERT_EQ(0, runner_create(&self->runner, self->loop, &self->options,
				   &ops, self));
}

static inline void daemon_ends(struct th_fix_runner *self)
{
	runner_destroy(self->runner);
	self->runner = NULL;
}

/* Beside the runner's own directory, in which it looks. */
static inline const char *path_of(struct th_fix_runner *self, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	return path;
}

static inline const char *text_of(struct th_fix_runner *self, const char *name)
{
	static char text[4096];
	int fd = open(path_of(self, name), O_RDONLY);
	ssize_t bytes = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[bytes < 0 ? 0 : bytes] = '\0';
	return text;
}

static inline void put_text(struct th_fix_runner *self, const char *name,
			    const char *text, mode_t mode)
{
	int fd = open(path_of(self, name), O_WRONLY | O_CREAT | O_TRUNC, mode);

	ASSERT_GE(fd, 0);
	ASSERT_EQ((ssize_t)strlen(text), write(fd, text, strlen(text)));
	close(fd);
}

static inline u32 lines_of(struct th_fix_runner *self, const char *name)
{
	const char *at = text_of(self, name);
	u32 nr = 0;

	while ((at = strchr(at, '\n'))) {
		at++;
		nr++;
	}
	return nr;
}

static inline int set(struct th_fix_runner *self, u32 id, u64 term,
		      const char *program)
{
	struct runner_volume volume = { .id = id, .term = term };

	snprintf(volume.name, sizeof(volume.name), "db%u", id);
	snprintf(volume.device, sizeof(volume.device), "/dev/qbd/db%u", id);
	snprintf(volume.program, sizeof(volume.program), "%s", program);
	return runner_set(self->runner, &volume);
}

static inline bool is(struct th_fix_runner *self, u32 id,
		      enum runner_state state)
{
	return runner_state(self->runner, id) == state;
}

static const char systemctl[] =
	"#!/bin/sh\n"
	"verb=$1 unit=$2 d=%s\n"
	"[ $verb = kill ] && unit=$3\n"
	"echo $verb $unit >>$d/calls\n"
	"[ -e $d/hang.$verb ] && exec " RUNS_ON "\n"
	"[ -e $d/fail.$verb ] && { echo no bus; exit 1; }\n"
	"[ -e $d/keep.$verb ] && exit 0\n"
	"case $verb in\n"
	"start) echo active >$d/unit.$unit;;\n"
	"stop|kill) echo inactive >$d/unit.$unit;;\n"
	"is-active) cat $d/unit.$unit 2>/dev/null || echo unknown;;\n"
	"esac\n";

FIXTURE_SETUP(runner)
{
	char text[1024], path[4096];

	log_level(LOG_LEVEL_NONE);
	signal(SIGPIPE, SIG_IGN);
	snprintf(self->dir, sizeof(self->dir), "/tmp/qbd-test-runner-XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	ASSERT_EQ(0, mkdir(path_of(self, "run"), 0700));
	ASSERT_EQ(0, mkdir(path_of(self, "bin"), 0700));
	snprintf(text, sizeof(text), systemctl, self->dir);
	put_text(self, "bin/systemctl", text, 0700);
	snprintf(path, sizeof(path), "%s/bin:%s", self->dir, getenv("PATH"));
	setenv("PATH", path, 1);
	self->loop = loop_create();
	ASSERT_TRUE(self->loop);
	snprintf(self->options.dir, sizeof(self->options.dir), "%s/run",
		 self->dir);
	snprintf(self->options.node, sizeof(self->options.node), "n1");
	self->options.times = (struct runner_times){
		.start_ns = 60000 * MS,
		.stop_ns = 60000 * MS,
		.kill_ns = 60000 * MS,
		.backoff_ns = MS,
		.rest_ns = 60000 * MS,
		.poll_ns = MS,
	};
	daemon_begins(self);
}

FIXTURE_TEARDOWN(runner)
{
	daemon_ends(self);
	loop_destroy(self->loop);
	dir_remove(self->dir);
}

#endif /* QBD_TESTS_RUNNER_WORLD_H */
