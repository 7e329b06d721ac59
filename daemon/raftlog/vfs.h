/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of a log store, as the store sees them.
 *
 * One directory, names without a slash.  All that the store does to a disk goes
 * through this table, so that a simulated disk can drive the code that runs in
 * the daemon.  The functions may block.  They return a negative errno; nothing
 * is retried behind them but an interrupted call.
 */
#ifndef QBD_RAFTLOG_VFS_H
#define QBD_RAFTLOG_VFS_H

#include "raft/env.h"

#define RAFTLOG_NAME_MAX 64 /* of a file; longer ones are none of ours */

/**
 * enum raftlog_mode - how a file is opened
 * @RAFTLOG_READ: to be read
 * @RAFTLOG_WRITE: to be read and written; it is there
 * @RAFTLOG_CREATE: the same; it is not there
 */
enum raftlog_mode {
	RAFTLOG_READ,
	RAFTLOG_WRITE,
	RAFTLOG_CREATE,
};

typedef void (*raftlog_name_fn)(void *arg, const char *name);

/**
 * struct raftlog_env - a directory
 * @dir: first argument of all functions
 * @lock: nobody else opens it until it is closed; -EBUSY: somebody has
 * @list: call @each for every name
 * @open: a file; a handle, not negative
 * @close: a handle
 * @size: of a file, in bytes
 * @pread: bytes read, 0 at the end; may be fewer than asked for
 * @pwrite: bytes written, may be fewer; a file grows as needed
 * @sync: content and size of a file are on stable media
 * @sync_dir: names are on stable media
 * @allocate: a file has this size, and room for it: zeros; -ENOSPC
 * @rename: replaces what has that name
 * @unlink: remove a name; handles stay good
 */
struct raftlog_env {
	void *dir;
	int (*lock)(void *dir);
	int (*list)(void *dir, raftlog_name_fn each, void *arg);
	int (*open)(void *dir, const char *name, enum raftlog_mode mode);
	void (*close)(void *dir, int file);
	s64 (*size)(void *dir, int file);
	s64 (*pread)(void *dir, int file, void *buf, u64 bytes, u64 offset);
	s64 (*pwrite)(void *dir, int file, const void *buf, u64 bytes,
		      u64 offset);
	int (*sync)(void *dir, int file);
	int (*sync_dir)(void *dir);
	int (*allocate)(void *dir, int file, u64 bytes);
	int (*rename)(void *dir, const char *from, const char *to);
	int (*unlink)(void *dir, const char *name);
};

/* posix.c */
int raftlog_posix_open(const char *path, bool create, struct raftlog_env *env);
void raftlog_posix_close(struct raftlog_env *env);

#endif /* QBD_RAFTLOG_VFS_H */
