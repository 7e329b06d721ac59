// SPDX-License-Identifier: GPL-2.0-only
/*
 * File operations of the writer: the first that fails stops the store for good,
 * and is what it says from then on (raftlog.h).
 */
#include "store.h"

/* Return: @err. */
int rl_fail(struct raftlog *rl, int err, const char *op, const char *file)
{
	if (rl->now.err)
		return err;
	rl->now.err = err;
	rl->now.op = op;
	snprintf(rl->now.file, sizeof(rl->now.file), "%s", file);
	return err;
}

int rl_file_open(struct raftlog *rl, const char *name, enum raftlog_mode mode)
{
	int file = rl->env.open(rl->env.dir, name, mode);

	return file < 0 ? rl_fail(rl, file, "open", name) : file;
}

void rl_file_close(struct raftlog *rl, int *file)
{
	if (*file >= 0)
		rl->env.close(rl->env.dir, *file);
	*file = -1;
}

/* All of it; an error is the caller's. */
int rl_try_write(struct raftlog *rl, int file, const void *buf, u64 bytes,
		 u64 offset)
{
	u64 done = 0;
	s64 got;

	while (done < bytes) {
		got = rl->env.pwrite(rl->env.dir, file, (const u8 *)buf + done,
				     bytes - done, offset + done);
		if (got <= 0)
			return got ? (int)got : -EIO;
		done += got;
	}
	return 0;
}

int rl_file_write(struct raftlog *rl, int file, const char *name,
		  const void *buf, u64 bytes, u64 offset)
{
	int err = rl_try_write(rl, file, buf, bytes, offset);

	return err ? rl_fail(rl, err, "write", name) : 0;
}

int rl_file_sync(struct raftlog *rl, int file, const char *name)
{
	int err = rl->env.sync(rl->env.dir, file);

	rl->now.syncs++;
	return err ? rl_fail(rl, err, "sync", name) : 0;
}

int rl_file_zero(struct raftlog *rl, int file, const char *name, u64 from,
		 u64 to)
{
	u8 *zeros;
	int err;

	if (from >= to)
		return 0;
	zeros = rl_alloc(NULL, to - from);
	memset(zeros, 0, to - from);
	err = rl_file_write(rl, file, name, zeros, to - from, from);
	free(zeros);
	return err;
}

int rl_dir_sync(struct raftlog *rl)
{
	int err = rl->env.sync_dir(rl->env.dir);

	rl->now.syncs++;
	return err ? rl_fail(rl, err, "sync", ".") : 0;
}

int rl_dir_rename(struct raftlog *rl, const char *from, const char *to)
{
	int err = rl->env.rename(rl->env.dir, from, to);

	return err ? rl_fail(rl, err, "rename", from) : 0;
}

int rl_dir_unlink(struct raftlog *rl, const char *name)
{
	int err = rl->env.unlink(rl->env.dir, name);

	return err ? rl_fail(rl, err, "unlink", name) : 0;
}
