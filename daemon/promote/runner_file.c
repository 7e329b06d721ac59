// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that say what runs, for the next daemon (runner.h: never twice).
 */
#include "runner_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX 1024
#define FILE_HEAD "qbd-run 1 "

static void file_path(const char *dir, uint32_t volume, const char *suffix,
		      char path[RUNNER_PATH_MAX])
{
	snprintf(path, RUNNER_PATH_MAX, "%s/%" PRIu32 "%s", dir, volume,
		 suffix);
}

/**
 * runner_out_path() - where a command's output goes
 * @dir: directory
 * @volume: id
 * @path: the path
 */
void runner_out_path(const char *dir, uint32_t volume,
		     char path[RUNNER_PATH_MAX])
{
	file_path(dir, volume, ".out", path);
}

/**
 * runner_file_name() - is this the name of such a file?
 * @name: the name
 * @volume: id of its volume
 *
 * Return: true if so.
 */
bool runner_file_name(const char *name, uint32_t *volume)
{
	char again[32];
	char *end;
	unsigned long long id = strtoull(name, &end, 10);

	if (!id || id > UINT32_MAX || strcmp(end, ".run"))
		return false;
	*volume = (uint32_t)id;
	/* no second name for it: signs, blanks, zeros in front */
	snprintf(again, sizeof(again), "%llu.run", id);
	return !strcmp(name, again);
}

/* The whole of it or nothing: a daemon may die at any time. */
static int file_put(const char *path, const char *text, size_t bytes)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	ssize_t put;
	int err = 0;

	if (fd < 0)
		return -errno;
	put = write(fd, text, bytes);
	if (put < 0)
		err = -errno;
	else if ((size_t)put != bytes)
		err = -ENOSPC;
	close(fd);
	return err;
}

/**
 * runner_file_write() - say what runs
 * @dir: directory
 * @record: what
 *
 * Return: 0 or -errno; then the file is as it was.
 */
int runner_file_write(const char *dir, const struct runner_record *record)
{
	char path[RUNNER_PATH_MAX], next[RUNNER_PATH_MAX];
	char text[FILE_BYTES_MAX];
	int bytes, err;

	file_path(dir, record->volume, ".run", path);
	file_path(dir, record->volume, ".new", next);
	bytes = snprintf(text, sizeof(text),
			 FILE_HEAD "%" PRIu32 " %" PRIu64 " %d %" PRIu64
				   " %s %s\n",
			 record->volume, record->term, record->pid,
			 record->start, record->done ? "done" : "running",
			 record->program);
	err = file_put(next, text, (size_t)bytes);
	if (!err && rename(next, path))
		err = -errno;
	if (err)
		unlink(next);
	return err;
}

/* A number up to @max, and the blank behind it. */
static bool file_number(const char **at, uint64_t max, uint64_t *value)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*value = strtoull(*at, &end, 10);
	if (errno || *value > max || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

static bool file_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len))
		return false;
	*at += len;
	return true;
}

/**
 * runner_file_parse() - what a file says
 * @text: all of it
 * @record: what it says
 *
 * Return: 0; -EBADMSG: it makes no sense.
 */
int runner_file_parse(const char *text, struct runner_record *record)
{
	uint64_t volume, pid;
	size_t len;

	memset(record, 0, sizeof(*record));
	if (!file_word(&text, FILE_HEAD) ||
	    !file_number(&text, UINT32_MAX, &volume) || !volume ||
	    !file_number(&text, UINT64_MAX, &record->term) ||
	    !file_number(&text, INT_MAX, &pid) || pid == 1 ||
	    !file_number(&text, UINT64_MAX, &record->start))
		return -EBADMSG;
	record->volume = (uint32_t)volume;
	record->pid = (int)pid;
	record->done = file_word(&text, "done ");
	if (!record->done && !file_word(&text, "running "))
		return -EBADMSG;
	len = strcspn(text, "\n");
	if (!len || len > RUNNER_PROGRAM_MAX || text[len] != '\n' ||
	    text[len + 1])
		return -EBADMSG;
	memcpy(record->program, text, len);
	if (!runner_program_good(record->program))
		return -EBADMSG;
	/* a command that runs has a process, whatever else has none */
	if (!record->pid != (record->done || record->program[0] == 'u'))
		return -EBADMSG;
	return 0;
}

/**
 * runner_file_read() - read a file
 * @dir: directory
 * @volume: id
 * @record: what it says
 *
 * Return: 0 or -errno; -EBADMSG: it makes no sense; -ELOOP: nor is it a file.
 */
int runner_file_read(const char *dir, uint32_t volume,
		     struct runner_record *record)
{
	char path[RUNNER_PATH_MAX], text[FILE_BYTES_MAX];
	struct stat stat;
	ssize_t bytes = 0;
	int fd, err = 0;

	file_path(dir, volume, ".run", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat))
		err = -errno;
	else if (!S_ISREG(stat.st_mode))
		err = -EBADMSG;
	if (!err) {
		bytes = read(fd, text, sizeof(text) - 1);
		if (bytes < 0)
			err = -errno;
	}
	close(fd);
	if (err || bytes < 0)
		return err;
	text[bytes] = '\0';
	/* a byte that is 0 would hide what follows */
	err = strlen(text) == (size_t)bytes ? runner_file_parse(text, record) :
					      -EBADMSG;
	return !err && record->volume != volume ? -EBADMSG : err;
}

/**
 * runner_file_remove() - nothing of a volume runs any more
 * @dir: directory
 * @volume: id
 */
void runner_file_remove(const char *dir, uint32_t volume)
{
	char path[RUNNER_PATH_MAX];

	file_path(dir, volume, ".run", path);
	unlink(path);
	runner_out_path(dir, volume, path);
	unlink(path);
}
