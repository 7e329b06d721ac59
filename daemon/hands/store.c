// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which device a store is on: a file in the state directory with a path in each
 * line, kept by `store add`.  The uuid is read from the superblock again while
 * the kernel lacks a store, for disks change their names.
 *
 * A disk that dies answers when it likes, so all of that is done beside the
 * loop (work.h), and what was found last is what counts meanwhile: a path that
 * is another store's by now the kernel refuses, for it reads the superblock,
 * too.  Only a start waits, since what is asked of the kernel must not rest on
 * stores that are there and were not looked for yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super.h"

#include "../log.h"
#include "inner.h"

#define STORES_LOOK_NS 500000000ULL /* between looks, while one is missing */

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

static int store_look(const char *path, struct hands_store_info *info,
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

/* --- one that is asked about ------------------------------------------------
 */

static void device_done(struct work_job *job)
{
	struct hands_device *device = (struct hands_device *)job;

	device->done(device);
}

static void device_look(struct work_job *job)
{
	struct hands_device *device = (struct hands_device *)job;

	device->err = store_look(device->path, &device->info, device->why);
}

/**
 * hands_store_look() - which store is on a device?
 * @hands: the hands
 * @device: with path and @done; stays until that was called
 */
void hands_store_look(struct hands *hands, struct hands_device *device)
{
	device->hands = hands;
	device->job.run = device_look;
	device->job.what = "look at a device";
	device->job.done = device_done;
	work_give(hands->work, &device->job);
}

static int stores_write(const char *to, const char *list)
{
	char path[HANDS_PATH_MAX + 8];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%.255s.new", to);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	good = fputs(list, file) >= 0 && !fflush(file) && !fsync(fileno(file));
	if (fclose(file) || !good || rename(path, to))
		return -EIO;
	return 0;
}

/* Lists are written in the order in which they were made: the newest last. */
static void device_keep(struct work_job *job)
{
	struct hands_device *device = (struct hands_device *)job;
	const char *path = device->hands->stores_path; /* stays as it is */

	if (device->err)
		return;
	device->err = stores_write(path, device->list);
	if (device->err)
		snprintf(device->why, sizeof(device->why), "%.200s: %s", path,
			 strerror(-device->err));
}

static void device_kept(struct work_job *job)
{
	struct hands_device *device = (struct hands_device *)job;
	struct hands *h = device->hands;

	free(device->list);
	device->list = NULL;
	h->looked_ns = 0;
	hands_look_later(h);
	device->done(device);
}

static char *stores_list(const struct hands *h)
{
	char *list = malloc(h->nr_stores * (HANDS_PATH_MAX + 2UL) + 1), *at;
	u32 i;

	if (!list)
		return NULL;
	at = list;
	for (i = 0; i < h->nr_stores; i++) {
		at = stpcpy(at, h->store[i].path);
		at = stpcpy(at, "\n");
	}
	*at = '\0';
	return list;
}

static int stores_add(struct hands *h, const char *path,
		      char why[HANDS_WHY_MAX])
{
	u32 i;

	if (strchr(path, '\n')) {
		snprintf(why, HANDS_WHY_MAX, "its path has more than a line");
		return -EINVAL;
	}
	for (i = 0; i < h->nr_stores; i++)
		if (!strcmp(h->store[i].path, path))
			return 0;
	if (i == HANDS_STORES_MAX) {
		snprintf(why, HANDS_WHY_MAX, "a node has %u stores at most",
			 HANDS_STORES_MAX);
		return -ENOSPC;
	}
	snprintf(h->store[i].path, sizeof(h->store[i].path), "%s", path);
	h->store[i].found = false;
	h->nr_stores++;
	return 0;
}

/**
 * hands_store_keep() - remember on which device a store is
 * @hands: the hands
 * @device: with path and @done; stays until that was called
 */
void hands_store_keep(struct hands *hands, struct hands_device *device)
{
	device->hands = hands;
	device->err = stores_add(hands, device->path, device->why);
	device->list = device->err ? NULL : stores_list(hands);
	if (!device->err && !device->list) {
		device->err = -ENOMEM;
		snprintf(device->why, sizeof(device->why), "no memory");
	}
	device->job.run = device_keep;
	device->job.what = "write the list of stores";
	device->job.done = device_kept;
	work_give(hands->work, &device->job);
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

/* --- all of them ------------------------------------------------------------
 */

/**
 * struct stores_job - all devices are looked at
 * @job: the work's, first member
 * @h: whose
 * @nr: used of @store
 * @store: they; what is found is filled in
 */
struct stores_job {
	struct work_job job;
	struct hands *h;
	u32 nr;
	struct hands_store store[HANDS_STORES_MAX];
};

static void stores_look_run(struct work_job *work_job)
{
	struct stores_job *job = (struct stores_job *)work_job;
	struct hands_store_info info;
	char why[HANDS_WHY_MAX];
	u32 i;

	for (i = 0; i < job->nr; i++) {
		job->store[i].found =
			!store_look(job->store[i].path, &info, why);
		if (job->store[i].found)
			memcpy(job->store[i].uuid, info.uuid,
			       sizeof(info.uuid));
	}
}

static bool store_same(const struct hands_store *a, const struct hands_store *b)
{
	return a->found == b->found &&
	       (!a->found || !memcmp(a->uuid, b->uuid, sizeof(a->uuid)));
}

/* Devices are added behind the others, and none ever goes. */
static void stores_look_done(struct work_job *work_job)
{
	struct stores_job *job = (struct stores_job *)work_job;
	struct hands *h = job->h;
	bool news = false;
	u32 i;

	for (i = 0; i < job->nr; i++) {
		news |= !store_same(&h->store[i], &job->store[i]);
		h->store[i] = job->store[i];
	}
	h->looking = NULL;
	h->looked_ns = loop_now(h->loop);
	free(job);
	if (news)
		hands_look_later(h);
}

/**
 * stores_look() - have all devices looked at
 * @h: the hands
 */
void stores_look(struct hands *h)
{
	struct stores_job *job;

	if (h->looking ||
	    (h->looked_ns && loop_now(h->loop) < h->looked_ns + STORES_LOOK_NS))
		return;
	job = calloc(1, sizeof(*job));
	if (!job)
		return; /* it is asked for again as long as a store is missing
			 */
	job->job.run = stores_look_run;
	job->job.what = "look at the devices of stores";
	job->job.done = stores_look_done;
	job->h = h;
	job->nr = h->nr_stores;
	memcpy(job->store, h->store, job->nr * sizeof(job->store[0]));
	h->looking = job;
	work_give(h->work, &job->job);
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
	struct hands *h = arg;
	u32 i;

	stores_look(h);
	for (i = 0; i < h->nr_stores; i++)
		if (h->store[i].found &&
		    !memcmp(h->store[i].uuid, uuid, sizeof(h->store[i].uuid)))
			return h->store[i].path;
	return NULL;
}
