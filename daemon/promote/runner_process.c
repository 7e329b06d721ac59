// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes: started, found again, waited for, ended.
 *
 * posix_spawn(), and not fork(): the daemon has threads, and memory whose page
 * tables would take the loop some 10 ms to copy.
 */
#include "runner_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

/* Field 22 of /proc/PID/stat, counted from behind the name's bracket. */
#define PROCESS_START_FIELD 20
/* of pidfd_send_signal(2), since Linux 6.9; not in all headers yet */
#define PROCESS_GROUP_FLAG 0x4U

/**
 * runner_process_start() - when did a process start?
 * @pid: its number
 *
 * Return: in clock ticks since the boot; 0: there is none, or it can not be
 * known.
 */
uint64_t runner_process_start(int pid)
{
	char path[32], text[RUNNER_PROC_MAX], *at;
	ssize_t bytes;
	int fd, i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	bytes = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (bytes <= 0)
		return 0;
	text[bytes] = '\0';
	/* the name may have blanks and brackets in it */
	at = strrchr(text, ')');
	for (i = 0; at && i < PROCESS_START_FIELD; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static int process_watch(struct runner_process *process, struct loop *loop,
			 int pid)
{
	int err;

	process->loop = loop;
	process->source.name = "runner-process";
	process->source.fd = pidfd_open(pid, 0);
	if (process->source.fd < 0)
		return -errno;
	err = loop_source_add(loop, &process->source, EPOLLIN);
	if (err) {
		close(process->source.fd);
		return err;
	}
	process->pid = pid;
	return 0;
}

static int spawn_files(posix_spawn_file_actions_t *files,
		       const struct runner_spawn *spawn, int in)
{
	int err = 0;

	if (in >= 0)
		err = posix_spawn_file_actions_adddup2(files, in, 0);
	else
		err = posix_spawn_file_actions_addopen(files, 0, "/dev/null",
						       O_RDONLY, 0);
	/* for both ways: a reader is there as long as it is itself */
	if (!err && spawn->out)
		err = posix_spawn_file_actions_addopen(files, 1, spawn->out,
						       O_RDWR, 0);
	else if (!err)
		err = posix_spawn_file_actions_adddup2(files, spawn->out_fd, 1);
	if (!err)
		err = posix_spawn_file_actions_adddup2(files, 1, 2);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, 3);
	if (!err)
		err = posix_spawn_file_actions_addchdir_np(files, "/");
	return err;
}

/* Its own session; no signal is blocked or ignored, as they are here. */
static int spawn_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID |
						     POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF);
	if (!err)
		err = posix_spawnattr_setsigmask(attr, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &all);
	return err;
}

static int spawn_now(const struct runner_spawn *spawn, int in, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err;

	err = posix_spawn_file_actions_init(&files);
	if (err)
		return err;
	err = posix_spawnattr_init(&attr);
	if (err) {
		posix_spawn_file_actions_destroy(&files);
		return err;
	}
	err = spawn_files(&files, spawn, in);
	if (!err)
		err = spawn_attributes(&attr);
	if (!err)
		err = posix_spawnp(pid, spawn->argv[0], &files, &attr,
				   spawn->argv, spawn->envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

/**
 * runner_process_spawn() - start a process
 * @process: for it; @source.ready is set
 * @loop: where its end is noticed
 * @spawn: what
 *
 * Return: 0 or -errno.
 */
int runner_process_spawn(struct runner_process *process, struct loop *loop,
			 const struct runner_spawn *spawn)
{
	int go[2] = { -1, -1 }, err;
	pid_t pid = 0;

	process->pid = 0;
	process->go = -1;
	process->child = true;
	if (spawn->wait && pipe2(go, O_CLOEXEC))
		return -errno;
	err = -spawn_now(spawn, go[0], &pid);
	if (go[0] >= 0)
		close(go[0]);
	process->go = go[1];
	if (!err) {
		err = process_watch(process, loop, pid);
		if (!err)
			return 0;
		/* nobody would notice its end */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (process->go >= 0)
		close(process->go);
	process->go = -1;
	return err;
}

/**
 * runner_process_go() - let it loose
 * @process: was started with @wait
 */
void runner_process_go(struct runner_process *process)
{
	/* if it is dead, that is noticed as such */
	if (write(process->go, "\n", 1) != 1)
		runner_process_signal(process, SIGKILL);
	close(process->go);
	process->go = -1;
}

/**
 * runner_process_adopt() - take over one that was started before
 * @process: for it; @source.ready is set
 * @loop: where its end is noticed
 * @pid: its number
 * @start: when it was started
 *
 * Return: 0; -ESRCH: that one is not there any more; -errno.
 */
int runner_process_adopt(struct runner_process *process, struct loop *loop,
			 int pid, uint64_t start)
{
	int err = process_watch(process, loop, pid);

	process->child = false;
	process->go = -1;
	if (err)
		return err;
	/* looked at while its number is held on to */
	if (runner_process_start(pid) == start)
		return 0;
	runner_process_forget(process);
	return -ESRCH;
}

/*
 * A signal to its group, by the descriptor: that names the process and its
 * group when the number is somebody else's by now, too.
 *
 * Return: 0 or -errno; -ESRCH: it is in no group of its own, or that is empty.
 */
static int process_group(const struct runner_process *process, int number)
{
	if (!pidfd_send_signal(process->source.fd, number, NULL,
			       PROCESS_GROUP_FLAG))
		return 0;
	return -errno;
}

/**
 * runner_process_signal() - to it, and to its group
 * @process: is watched
 * @number: of the signal
 */
void runner_process_signal(const struct runner_process *process, int number)
{
	/* it may not have made its group yet */
	if (process->pid > 1 && process_group(process, number))
		pidfd_send_signal(process->source.fd, number, NULL, 0);
}

/**
 * runner_process_forget() - it is waited for no longer
 * @process: the process; it goes on
 */
void runner_process_forget(struct runner_process *process)
{
	if (process->go >= 0)
		close(process->go);
	process->go = -1;
	if (!process->source.watched)
		return;
	loop_source_remove(process->loop, &process->source);
	close(process->source.fd);
	process->pid = 0;
}

/**
 * runner_process_reap() - it has ended
 * @process: the process
 *
 * What is left of its group ends with it.
 *
 * Return: its exit code; 128 and the signal's number; -1: nobody knows.
 */
int runner_process_reap(struct runner_process *process)
{
	siginfo_t info = { 0 };
	int code = -1;

	process_group(process, SIGKILL);
	if (process->child &&
	    !waitid(P_PID, (id_t)process->pid, &info, WEXITED))
		code = info.si_code == CLD_EXITED ? info.si_status :
						    128 + info.si_status;
	runner_process_forget(process);
	return code;
}
