// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory in memory, see raftlog_disk.h.
 */
#include "raftlog_disk.h"

static void ld_die(const char *what)
{
	fprintf(stderr, "raftlog_disk: %s\n", what);
	abort();
}

/* --- names ---------------------------------------------------------------- */

static struct ld_name *ld_lookup(struct ld_dir *dir, const char *name)
{
	u32 i;

	for (i = 0; i < dir->nr; i++)
		if (!strcmp(dir->name[i].name, name))
			return &dir->name[i];
	return NULL;
}

static void ld_name_remove(struct ld_dir *dir, const char *name)
{
	struct ld_name *at = ld_lookup(dir, name);

	if (at)
		*at = dir->name[--dir->nr];
}

static void ld_name_set(struct ld_dir *dir, const char *name, int inode)
{
	struct ld_name *at = ld_lookup(dir, name);

	if (!at) {
		if (dir->nr == LD_NAMES)
			ld_die("too many names");
		at = &dir->name[dir->nr++];
	}
	snprintf(at->name, sizeof(at->name), "%s", name);
	at->inode = inode;
}

static void ld_apply(struct ld_dir *dir, const struct ld_change *change)
{
	if (change->from[0])
		ld_name_remove(dir, change->from);
	if (change->to[0])
		ld_name_set(dir, change->to, change->inode);
}

static void ld_change(struct ld_disk *disk, const char *from, const char *to,
		      int inode)
{
	struct ld_change *change;

	if (disk->nr_changes == LD_PENDING)
		ld_die("too many changes");
	change = &disk->change[disk->nr_changes++];
	snprintf(change->from, sizeof(change->from), "%s", from);
	snprintf(change->to, sizeof(change->to), "%s", to);
	change->inode = inode;
	ld_apply(&disk->cur, change);
}

static bool ld_named(const struct ld_dir *dir, int inode)
{
	u32 i;

	for (i = 0; i < dir->nr; i++)
		if (dir->name[i].inode == inode)
			return true;
	return false;
}

static bool ld_in_use(const struct ld_disk *disk, int inode)
{
	u32 i;

	if (ld_named(&disk->cur, inode) || ld_named(&disk->dur, inode))
		return true;
	for (i = 0; i < disk->nr_changes; i++)
		if (disk->change[i].to[0] && disk->change[i].inode == inode)
			return true;
	for (i = 0; i < LD_HANDLES; i++)
		if (disk->handle[i] == inode)
			return true;
	return false;
}

/* --- content -------------------------------------------------------------- */

static void ld_inode_free(struct ld_inode *inode)
{
	free(inode->cur);
	free(inode->dur);
	free(inode->dirty);
	memset(inode, 0, sizeof(*inode));
}

static void ld_collect(struct ld_disk *disk)
{
	u32 i;

	for (i = 0; i < LD_INODES; i++)
		if (disk->inode[i].used && !ld_in_use(disk, i))
			ld_inode_free(&disk->inode[i]);
}

static u64 ld_taken(const struct ld_disk *disk)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < LD_INODES; i++)
		if (disk->inode[i].used &&
		    (ld_named(&disk->cur, i) || ld_in_use(disk, i)))
			sum += disk->inode[i].size;
	return sum;
}

static void *ld_more(void *old, u64 had, u64 want)
{
	u8 *mem = realloc(old, want);

	if (!mem)
		ld_die("out of memory");
	memset(mem + had, 0, want - had);
	return mem;
}

static void ld_room(struct ld_inode *inode, u64 size)
{
	u64 want = round_up(max(size, 1ULL), (u64)LD_SECTOR * 16);

	if (size > LD_FILE_MAX)
		ld_die("a file is too large");
	if (want <= inode->room)
		return;
	inode->cur = ld_more(inode->cur, inode->room, want);
	inode->dur = ld_more(inode->dur, inode->room, want);
	inode->dirty = ld_more(inode->dirty, inode->room / LD_SECTOR,
			       want / LD_SECTOR);
	inode->room = want;
}

/* Return: how far the file may grow, up to @size. */
static u64 ld_grow(struct ld_disk *disk, struct ld_inode *inode, u64 size)
{
	u64 taken, room;

	if (size <= inode->size)
		return size;
	taken = ld_taken(disk);
	room = disk->free > taken ? disk->free - taken : 0;
	if (size - inode->size > room) {
		disk->refused = true;
		size = inode->size + room;
	}
	ld_room(inode, size);
	inode->size = size;
	return size;
}

static void ld_dirty(struct ld_inode *inode, u64 from, u64 to)
{
	u64 i;

	for (i = from / LD_SECTOR; i * LD_SECTOR < to; i++)
		inode->dirty[i] = 1;
}

/* A sector gets to the media: all of it, or a part. */
static void ld_sector(struct ld_disk *disk, struct ld_inode *inode, u64 no,
		      bool torn)
{
	u64 at = no * LD_SECTOR;
	u32 from = 0, to = LD_SECTOR;

	if (torn && qbd_rng_percent(&disk->rng, 50))
		from = qbd_rng_below(&disk->rng, LD_SECTOR);
	else if (torn)
		to = qbd_rng_below(&disk->rng, LD_SECTOR);
	memcpy(inode->dur + at + from, inode->cur + at + from, to - from);
	inode->size_dur =
		max(inode->size_dur, min(inode->size, at + LD_SECTOR));
}

static void ld_flush(struct ld_disk *disk, struct ld_inode *inode)
{
	u64 i;

	for (i = 0; i < inode->room / LD_SECTOR; i++) {
		if (inode->dirty[i])
			ld_sector(disk, inode, i, false);
		inode->dirty[i] = 0;
	}
	inode->size_dur = inode->size;
}

/* --- faults --------------------------------------------------------------- */

/* Return: 0; -EIO: the power is off, or it fails. */
static int ld_op(struct ld_disk *disk, bool changes)
{
	if (disk->dead)
		return -EIO;
	disk->ops++;
	if (changes && disk->crash_in && !--disk->crash_in) {
		disk->dead = true;
		return -EIO;
	}
	if (disk->ops == disk->crash_at) {
		disk->dead = true;
		return -EIO;
	}
	if (disk->ops == disk->fail_at) {
		disk->failed = true;
		return -EIO;
	}
	return 0;
}

static struct ld_inode *ld_file(struct ld_disk *disk, int file)
{
	if (file < 0 || file >= (int)LD_HANDLES || disk->handle[file] < 0)
		ld_die("a handle that is none");
	return &disk->inode[disk->handle[file]];
}

/* --- the table ------------------------------------------------------------ */

static int ld_lock(void *dir)
{
	struct ld_disk *disk = dir;

	if (disk->locked)
		return -EBUSY;
	disk->locked = true;
	return 0;
}

static int ld_list(void *dir, raftlog_name_fn each, void *arg)
{
	struct ld_disk *disk = dir;
	int err = ld_op(disk, false);
	u32 i;

	for (i = 0; i < disk->cur.nr && !err; i++)
		each(arg, disk->cur.name[i].name);
	return err;
}

static int ld_new_inode(struct ld_disk *disk)
{
	u32 i;

	ld_collect(disk);
	for (i = 0; i < LD_INODES; i++) {
		if (disk->inode[i].used)
			continue;
		disk->inode[i].used = true;
		ld_room(&disk->inode[i], 1);
		return i;
	}
	ld_die("too many files");
	return -1;
}

static int ld_open(void *dir, const char *name, enum raftlog_mode mode)
{
	struct ld_disk *disk = dir;
	struct ld_name *at = ld_lookup(&disk->cur, name);
	int err = ld_op(disk, mode == RAFTLOG_CREATE);
	int inode;
	u32 i;

	if (err)
		return err;
	if (mode == RAFTLOG_CREATE && at)
		return -EEXIST;
	if (mode != RAFTLOG_CREATE && !at)
		return -ENOENT;
	for (i = 0; i < LD_HANDLES && disk->handle[i] >= 0; i++)
		;
	if (i == LD_HANDLES)
		ld_die("too many handles");
	inode = at ? at->inode : ld_new_inode(disk);
	if (!at)
		ld_change(disk, "", name, inode);
	disk->handle[i] = inode;
	return i;
}

static void ld_close(void *dir, int file)
{
	struct ld_disk *disk = dir;

	ld_file(disk, file);
	disk->handle[file] = -1;
}

static s64 ld_size(void *dir, int file)
{
	struct ld_disk *disk = dir;
	int err = ld_op(disk, false);

	return err ? err : (s64)ld_file(disk, file)->size;
}

static s64 ld_pread(void *dir, int file, void *buf, u64 bytes, u64 offset)
{
	struct ld_disk *disk = dir;
	struct ld_inode *inode = ld_file(disk, file);
	int err = ld_op(disk, false);

	if (err)
		return err;
	if (offset >= inode->size)
		return 0;
	bytes = min(bytes, inode->size - offset);
	if (disk->shorts && bytes > 1 && qbd_rng_percent(&disk->rng, 20))
		bytes = qbd_rng_range(&disk->rng, 1, bytes);
	memcpy(buf, inode->cur + offset, bytes);
	return bytes;
}

static s64 ld_pwrite(void *dir, int file, const void *buf, u64 bytes,
		     u64 offset)
{
	struct ld_disk *disk = dir;
	struct ld_inode *inode = ld_file(disk, file);
	bool dead = disk->dead;
	int err = ld_op(disk, true);
	u64 end;

	if (dead)
		return err;
	if (err || (disk->shorts && qbd_rng_percent(&disk->rng, 20)))
		bytes = qbd_rng_range(&disk->rng, 1, bytes);
	end = ld_grow(disk, inode, offset + bytes);
	if (end <= offset)
		return err ?: -ENOSPC;
	memcpy(inode->cur + offset, buf, end - offset);
	ld_dirty(inode, offset, end);
	return err ?: (s64)(end - offset);
}

static int ld_sync(void *dir, int file)
{
	struct ld_disk *disk = dir;
	struct ld_inode *inode = ld_file(disk, file);
	bool dead = disk->dead;
	int err = ld_op(disk, true);
	u64 i;

	if (!err) {
		disk->syncs++;
		ld_flush(disk, inode);
		return 0;
	}
	if (dead || disk->dead)
		return err;
	/* some went through, the others are clean now */
	for (i = 0; i < inode->room / LD_SECTOR; i++) {
		if (inode->dirty[i] && qbd_rng_percent(&disk->rng, 30))
			ld_sector(disk, inode, i, false);
		inode->dirty[i] = 0;
	}
	return err;
}

static int ld_sync_dir(void *dir)
{
	struct ld_disk *disk = dir;
	u32 i;
	int err;

	/* what is unusual alone is what is looked for */
	if (disk->crash_names && disk->nr_changes > 1)
		disk->crash_at = disk->ops + 1;
	if (disk->fail_names)
		disk->fail_at = disk->ops + 1;
	disk->fail_names = false;
	err = ld_op(disk, true);
	if (err)
		return err;
	disk->syncs++;
	for (i = 0; i < disk->nr_changes; i++)
		ld_apply(&disk->dur, &disk->change[i]);
	disk->nr_changes = 0;
	ld_collect(disk);
	return 0;
}

static int ld_allocate(void *dir, int file, u64 bytes)
{
	struct ld_disk *disk = dir;
	struct ld_inode *inode = ld_file(disk, file);
	u64 before = inode->size;
	int err = ld_op(disk, true);

	if (err)
		return err;
	if (ld_grow(disk, inode, bytes) == bytes)
		return 0;
	inode->size = before;
	return -ENOSPC;
}

static int ld_rename(void *dir, const char *from, const char *to)
{
	struct ld_disk *disk = dir;
	struct ld_name *at = ld_lookup(&disk->cur, from);
	int err = ld_op(disk, true);

	if (err)
		return err;
	if (!at)
		return -ENOENT;
	ld_change(disk, from, to, at->inode);
	return 0;
}

static int ld_unlink(void *dir, const char *name)
{
	struct ld_disk *disk = dir;
	int err = ld_op(disk, true);

	if (err)
		return err;
	if (!ld_lookup(&disk->cur, name))
		return -ENOENT;
	ld_change(disk, name, "", -1);
	return 0;
}

/* --- for its user --------------------------------------------------------- */

void ld_env(struct ld_disk *disk, struct raftlog_env *env)
{
	*env = (struct raftlog_env){ .dir = disk,
				     .lock = ld_lock,
				     .list = ld_list,
				     .open = ld_open,
				     .close = ld_close,
				     .size = ld_size,
				     .pread = ld_pread,
				     .pwrite = ld_pwrite,
				     .sync = ld_sync,
				     .sync_dir = ld_sync_dir,
				     .allocate = ld_allocate,
				     .rename = ld_rename,
				     .unlink = ld_unlink };
}

void ld_init(struct ld_disk *disk, u64 seed, u64 room)
{
	u32 i;

	memset(disk, 0, sizeof(*disk));
	disk->rng.state = seed;
	disk->free = room;
	for (i = 0; i < LD_HANDLES; i++)
		disk->handle[i] = -1;
}

void ld_free(struct ld_disk *disk)
{
	u32 i;

	for (i = 0; i < LD_INODES; i++)
		ld_inode_free(&disk->inode[i]);
}

/* The program is gone, the machine is not. */
void ld_kill(struct ld_disk *disk)
{
	u32 i;

	for (i = 0; i < LD_HANDLES; i++)
		disk->handle[i] = -1;
	disk->locked = false;
	disk->crash_at = 0;
	disk->crash_in = 0;
	disk->crash_names = false;
	disk->fail_names = false;
	disk->fail_at = 0;
	disk->failed = false;
	disk->refused = false;
}

static void ld_crash_file(struct ld_disk *disk, struct ld_inode *inode,
			  u32 keep)
{
	u64 i;

	for (i = 0; i < inode->room / LD_SECTOR; i++) {
		if (inode->dirty[i] && qbd_rng_percent(&disk->rng, keep))
			ld_sector(disk, inode, i,
				  qbd_rng_percent(&disk->rng, 25));
		inode->dirty[i] = 0;
	}
	if (qbd_rng_percent(&disk->rng, keep))
		inode->size_dur = max(inode->size_dur, inode->size);
	inode->size = inode->size_dur;
	memset(inode->dur + inode->size, 0, inode->room - inode->size);
	memcpy(inode->cur, inode->dur, inode->room);
}

/* The power goes, and comes back. */
void ld_crash(struct ld_disk *disk)
{
	static const u32 part[] = { 0, 50, 90, 100 };
	u32 keep = part[qbd_rng_below(&disk->rng, ARRAY_SIZE(part))];
	u32 names = part[qbd_rng_below(&disk->rng, ARRAY_SIZE(part))];
	u32 i;

	ld_kill(disk);
	disk->dead = false;
	for (i = 0; i < disk->nr_changes; i++)
		if (qbd_rng_percent(&disk->rng, names))
			ld_apply(&disk->dur, &disk->change[i]);
	disk->nr_changes = 0;
	disk->cur = disk->dur;
	ld_collect(disk);
	for (i = 0; i < LD_INODES; i++)
		if (disk->inode[i].used)
			ld_crash_file(disk, &disk->inode[i], keep);
}

u64 ld_hash(const struct ld_disk *disk)
{
	const struct ld_inode *inode;
	u64 hash = 0;
	u32 i;

	for (i = 0; i < disk->cur.nr; i++) {
		inode = &disk->inode[disk->cur.name[i].inode];
		hash += qbd_rng_mix(crc32c(~0U, inode->cur, inode->size) |
				    (u64)crc32c(0, disk->cur.name[i].name,
						strlen(disk->cur.name[i].name))
					    << 32);
	}
	return hash;
}

/* Return: its inode; -1: no such name. */
int ld_find(const struct ld_disk *disk, const char *name)
{
	u32 i;

	for (i = 0; i < disk->cur.nr; i++)
		if (!strcmp(disk->cur.name[i].name, name))
			return disk->cur.name[i].inode;
	return -1;
}

/* A file with this content, on stable media. */
void ld_put(struct ld_disk *disk, const char *name, const void *data, u64 bytes)
{
	int no = ld_find(disk, name);
	struct ld_inode *inode;

	if (no < 0)
		no = ld_new_inode(disk);
	inode = &disk->inode[no];
	ld_room(inode, bytes);
	memset(inode->cur, 0, inode->room);
	memset(inode->dirty, 0, inode->room / LD_SECTOR);
	if (bytes)
		memcpy(inode->cur, data, bytes);
	memcpy(inode->dur, inode->cur, inode->room);
	inode->size = bytes;
	inode->size_dur = bytes;
	ld_name_set(&disk->cur, name, no);
	ld_name_set(&disk->dur, name, no);
}

/* Return: false: there was none. */
bool ld_remove(struct ld_disk *disk, const char *name)
{
	char copy[RAFTLOG_NAME_MAX]; /* it may be a name in there */

	if (ld_find(disk, name) < 0)
		return false;
	snprintf(copy, sizeof(copy), "%s", name);
	ld_name_remove(&disk->cur, copy);
	ld_name_remove(&disk->dur, copy);
	ld_collect(disk);
	return true;
}

/* On the media, and in what is read. Return: false: there is no such byte. */
bool ld_flip(struct ld_disk *disk, const char *name, u64 offset, u8 mask)
{
	int no = ld_find(disk, name);

	if (no < 0 || offset >= disk->inode[no].size)
		return false;
	disk->inode[no].cur[offset] ^= mask;
	disk->inode[no].dur[offset] ^= mask;
	return true;
}
