/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory in memory that fails in all the ways in which one can: the real
 * log store runs on it (raftlog/vfs.h).
 *
 * A file has what programs see and what is on stable media, and sectors in
 * which the two differ.  A crash keeps, loses or tears each of them for itself,
 * and keeps or loses each change of a name that was not synced.  Names and
 * content have nothing to do with each other.  A sync that fails leaves its
 * sectors as they are on the media, and calls them clean.
 */
#ifndef QBD_RAFTLOG_DISK_H
#define QBD_RAFTLOG_DISK_H

#include "raftlog/vfs.h"
#include "rng.h"

#define LD_SECTOR 512U
#define LD_INODES 256U
#define LD_NAMES 192U
#define LD_PENDING 512U
#define LD_HANDLES 64U
#define LD_FILE_MAX (4U << 20)

/**
 * struct ld_inode - a file
 * @used: there is one
 * @size: what programs see
 * @size_dur: what is on stable media
 * @room: of the arrays
 * @cur: content that programs see
 * @dur: content on stable media
 * @dirty: sectors that differ, one byte each
 */
struct ld_inode {
	bool used;
	u64 size;
	u64 size_dur;
	u64 room;
	u8 *cur;
	u8 *dur;
	u8 *dirty;
};

/**
 * struct ld_name - a name; @inode: -1 = none
 */
struct ld_name {
	char name[RAFTLOG_NAME_MAX];
	int inode;
};

/**
 * struct ld_dir - names
 */
struct ld_dir {
	u32 nr;
	struct ld_name name[LD_NAMES];
};

/**
 * struct ld_change - a change of a name that is not synced
 * @from: a name that goes, or ""
 * @to: a name that comes, or ""
 * @inode: of @to
 */
struct ld_change {
	char from[RAFTLOG_NAME_MAX];
	char to[RAFTLOG_NAME_MAX];
	int inode;
};

/**
 * struct ld_disk - the directory
 * @rng: what is kept, lost, torn
 * @inode: files
 * @cur: names that programs see
 * @dur: names on stable media
 * @change: between the two
 * @nr_changes: how many
 * @handle: inode of each handle, -1 = none
 * @locked: somebody has it open
 * @free: bytes that files can still take
 * @ops: operations so far
 * @crash_at: the power goes at this one, 0 = not
 * @crash_in: or at the so-manieth one from now that changes something
 * @crash_names: or at a sync of the directory that has two changes or more
 * @fail_names: the next sync of the directory fails with -EIO
 * @fail_at: this one fails with -EIO, 0 = none
 * @dead: the power is off
 * @failed: @fail_at came
 * @refused: something was refused for lack of room
 * @shorts: writes and reads do less than they are asked for
 * @syncs: of files and of the directory
 */
struct ld_disk {
	struct qbd_rng rng;
	struct ld_inode inode[LD_INODES];
	struct ld_dir cur;
	struct ld_dir dur;
	struct ld_change change[LD_PENDING];
	u32 nr_changes;
	int handle[LD_HANDLES];
	bool locked;
	u64 free;
	u64 ops;
	u64 crash_at;
	u64 crash_in;
	bool crash_names;
	bool fail_names;
	u64 fail_at;
	bool dead;
	bool failed;
	bool refused;
	bool shorts;
	u64 syncs;
};

void ld_init(struct ld_disk *disk, u64 seed, u64 free);
void ld_free(struct ld_disk *disk);
void ld_env(struct ld_disk *disk, struct raftlog_env *env);
void ld_crash(struct ld_disk *disk);
void ld_kill(struct ld_disk *disk);
u64 ld_hash(const struct ld_disk *disk);
int ld_find(const struct ld_disk *disk, const char *name);
void ld_put(struct ld_disk *disk, const char *name, const void *data,
	    u64 bytes);
bool ld_remove(struct ld_disk *disk, const char *name);
bool ld_flip(struct ld_disk *disk, const char *name, u64 offset, u8 mask);

#endif /* QBD_RAFTLOG_DISK_H */
