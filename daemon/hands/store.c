// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which device a store is on: a file in the state directory with a path in each
 * line, kept by `store add`.  The uuid is read from the superblock each time
 * the kernel lacks a store, for disks change their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super.h"

#include "../log.h"
#include "inner.h"

static int store_read(int fd, struct hands_store_info *info,
		      char why[HANDS_WHY_MAX])
{
	u8 block[QBD_SUPER_SLOTS][QBD_BLOCK_SIZE] = { 0 };
	struct qbd_super_choice choice;
	struct stat st;
	u32 slot;

	if (fstat(fd, &st) || !S_ISBLK(st.st_mode)) {
		snprintf(why, HANDS_WHY_MAX, "it is no block device");
		return -ENOTBLK;
	}
	for (slot = 0; slot < QBD_SUPER_SLOTS; slot++)
		if (pread(fd, block[slot], QBD_BLOCK_SIZE,
			  qbd_super_block(slot) * QBD_BLOCK_SIZE) < 0)
			memset(block[slot], 0, QBD_BLOCK_SIZE);
	if (qbd_super_choose(block[0], block[1], &choice)) {
		snprintf(why, HANDS_WHY_MAX,
			 "it has no store: 'qbdctl store format' makes one");
		return -EMEDIUMTYPE;
	}
	memcpy(info->uuid, choice.super.store, sizeof(info->uuid));
	memcpy(info->cluster, choice.super.cluster, sizeof(info->cluster));
	info->opens = choice.super.opens;
	info->bytes = (u64)choice.super.layout.data_chunks
		      << choice.super.layout.chunk_shift;
	info->bytes *= QBD_BLOCK_SIZE;
	return 0;
}

/**
 * hands_store_look() - which store is on a device?
 * @path: of the device
 * @info: filled in
 * @why: why that can not be said
 *
 * Return: 0 or -errno.
 */
int hands_store_look(const char *path, struct hands_store_info *info,
		     char why[HANDS_WHY_MAX])
{
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err = -errno;
		snprintf(why, HANDS_WHY_MAX, "%s", strerror(errno));
		return err;
	}
	err = store_read(fd, info, why);
	close(fd);
	return err;
}

static int stores_save(const struct hands *h)
{
	char path[HANDS_PATH_MAX + 8];
	FILE *file;
	bool good;
	u32 i;

	snprintf(path, sizeof(path), "%.255s.new", h->stores_path);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	for (i = 0; i < h->nr_stores; i++)
		fprintf(file, "%s\n", h->store[i].path);
	good = !fflush(file) && !fsync(fileno(file));
	if (fclose(file) || !good || rename(path, h->stores_path))
		return -EIO;
	return 0;
}

/**
 * hands_store_keep() - remember on which device a store is
 * @hands: the hands
 * @path: of the device
 * @why: why not
 *
 * Return: 0 or -errno.
 */
int hands_store_keep(struct hands *hands, const char *path,
		     char why[HANDS_WHY_MAX])
{
	struct hands_store *store;
	u32 i;
	int err;

	if (strlen(path) > HANDS_PATH_MAX || strchr(path, '\n')) {
		snprintf(why, HANDS_WHY_MAX, "its path is too long");
		return -ENAMETOOLONG;
	}
	for (i = 0; i < hands->nr_stores; i++)
		if (!strcmp(hands->store[i].path, path))
			break;
	if (i == HANDS_STORES_MAX) {
		snprintf(why, HANDS_WHY_MAX, "a node has %u stores at most",
			 HANDS_STORES_MAX);
		return -ENOSPC;
	}
	store = &hands->store[i];
	snprintf(store->path, sizeof(store->path), "%s", path);
	if (i == hands->nr_stores)
		hands->nr_stores++;
	err = stores_save(hands);
	if (err)
		snprintf(why, HANDS_WHY_MAX, "%.200s: %s", hands->stores_path,
			 strerror(-err));
	hands_look_later(hands);
	return err;
}

/**
 * stores_load() - read the file
 * @h: the hands
 * @why: why not
 *
 * Return: 0 or -errno.
 */
int stores_load(struct hands *h, char why[HANDS_WHY_MAX])
{
	char line[HANDS_PATH_MAX + 2];
	FILE *file;
	int err = 0;

	file = fopen(h->stores_path, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!err && fgets(line, sizeof(line), file)) {
		size_t len = strcspn(line, "\n");

		if (line[len] != '\n' || line[0] != '/' ||
		    h->nr_stores == HANDS_STORES_MAX) {
			snprintf(why, HANDS_WHY_MAX,
				 "%.200s: line %u is no path", h->stores_path,
				 h->nr_stores + 1);
			err = -EBADMSG;
			break;
		}
		line[len] = '\0';
		memcpy(h->store[h->nr_stores++].path, line, len + 1);
	}
	fclose(file);
	return err;
}

/**
 * stores_path_of() - the device of a store
 * @arg: the hands
 * @uuid: of the store
 *
 * Return: its path; NULL: it is on none that is known.
 */
const char *stores_path_of(void *arg, const u8 uuid[16])
{
	struct hands_store_info info;
	char why[HANDS_WHY_MAX];
	struct hands *h = arg;
	u32 i;

	for (i = 0; i < h->nr_stores; i++)
		if (!hands_store_look(h->store[i].path, &info, why) &&
		    !memcmp(info.uuid, uuid, sizeof(info.uuid)))
			return h->store[i].path;
	return NULL;
}
