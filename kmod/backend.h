/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block device below a store.
 *
 * Opened exclusively; a device of qbd itself is refused, because a store on a
 * volume that lives on that store ends in a deadlock. The device's end (hot
 * unplug) is reported and fails the store.
 *
 * I/O is done in groups: any number of bios and one end. Bios come from a
 * reserve, one at a time, and each is submitted before the next is asked for,
 * so the reserve always comes back. A group is built and submitted by one
 * thread with struct qbd_bio_build; its end comes from the end of its last
 * bio, or from qbd_group_submitted().
 *
 * After qbd_backend_abandon() nothing is submitted any more: groups end with
 * -ESHUTDOWN. What was submitted before cannot be called back.
 */
#ifndef QBD_BACKEND_H
#define QBD_BACKEND_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include "core/io.h"

/**
 * struct qbd_backend - an open device
 * @file: what keeps it open, NULL if it is not
 * @bdev: the device
 * @bios: reserve of bios
 * @blocks: size in blocks
 * @zeroes_max: sectors that the device zeroes by itself at once; 0 = it can
 *	not, and zeros are written [READ_ONCE]
 * @abandoned: submit nothing any more [READ_ONCE]
 * @gone: called when the device goes away. Context: process, may not wait,
 *	a lock of the device is held; not any more after qbd_backend_close()
 */
struct qbd_backend {
	struct file *file;
	struct block_device *bdev;
	struct bio_set bios;
	u64 blocks;
	u32 zeroes_max;
	bool abandoned;
	void (*gone)(struct qbd_backend *backend);
};

/**
 * struct qbd_bio_group - some bios with one end
 * @backend: the device
 * @pending: bios under way, and one while it is being built
 * @error: first failure, a negative errno
 * @end: called once, when all have ended. Context: any, also hard interrupt.
 */
struct qbd_bio_group {
	struct qbd_backend *backend;
	atomic_t pending;
	int error;
	void (*end)(struct qbd_bio_group *group);
};

/**
 * struct qbd_bio_build - what is being added to a group
 * @group: the group
 * @bio: not yet submitted, may be NULL
 * @opf: operation and flags of its bios
 * @sector: where the next bytes go to or come from
 * @vecs: pages that are still to come, as a hint
 */
struct qbd_bio_build {
	struct qbd_bio_group *group;
	struct bio *bio;
	blk_opf_t opf;
	sector_t sector;
	u32 vecs;
};

/* The device. Context: may sleep, not in the I/O path. */
int qbd_backend_lookup(const char *path, dev_t *dev);
int qbd_backend_open(struct qbd_backend *backend, dev_t dev,
		     void (*gone)(struct qbd_backend *backend));
void qbd_backend_close(struct qbd_backend *backend);
void qbd_backend_abandon(struct qbd_backend *backend);

/* Groups of bios. Context: may sleep, no lock held, GFP_NOIO. */
void qbd_group_init(struct qbd_bio_group *group, struct qbd_backend *backend,
		    void (*end)(struct qbd_bio_group *group));
void qbd_group_fail(struct qbd_bio_group *group, int error);
void qbd_group_submitted(struct qbd_bio_group *group);
void qbd_build_start(struct qbd_bio_build *build, struct qbd_bio_group *group,
		     blk_opf_t opf, u64 block, u32 vecs);
void qbd_build_add(struct qbd_bio_build *build, struct page *page,
		   u32 offset_bytes, u32 len_bytes);
void qbd_build_room(struct qbd_bio_build *build, u32 pieces);
void qbd_build_add_buf(struct qbd_bio_build *build, void *buf, u32 blocks);
void qbd_build_end(struct qbd_bio_build *build);
void qbd_group_flush(struct qbd_bio_group *group);
void qbd_group_io(struct qbd_bio_group *group, const struct qbd_io *io);
int qbd_backend_io(struct qbd_backend *backend, const struct qbd_io *io);

#endif /* QBD_BACKEND_H */
