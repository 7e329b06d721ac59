// SPDX-License-Identifier: GPL-2.0-only
/*
 * The block device below a store: open, close, bios.  See backend.h.
 *
 * It knows nothing of stores and decides nothing: errors go up as they are.
 *
 * Context: opening and closing may sleep and run on the queue without
 * WQ_MEM_RECLAIM; building may sleep for the reserve of bios; ends of bios
 * come in interrupts.  No locks.
 */
#include <linux/mm.h>
#include "backend.h"
#include "fault.h"
#include "limits.h"

/**
 * struct qbd_backend_bio - a bio of a group
 * @group: the group
 * @bio: last member, its inline vectors may follow
 */
struct qbd_backend_bio {
	struct qbd_bio_group *group;
	struct bio bio;
};

/* Comes with bd_holder_lock held and gives it back: see bdev_mark_dead(). */
static void qbd_backend_mark_dead(struct block_device *bdev, bool surprise)
{
	struct qbd_backend *backend = bdev->bd_holder;

	backend->gone(backend);
	mutex_unlock(&bdev->bd_holder_lock);
}

static const struct blk_holder_ops qbd_backend_holder_ops = {
	.mark_dead = qbd_backend_mark_dead,
};

/**
 * qbd_backend_lookup() - find a device by its path
 * @path: in the mount namespace of the caller
 * @dev: filled in
 *
 * Return: 0 or a negative errno.
 */
int qbd_backend_lookup(const char *path, dev_t *dev)
{
	return lookup_bdev(path, dev);
}

static int qbd_backend_check(struct block_device *bdev)
{
	if (bdev->bd_disk->fops->owner == THIS_MODULE)
		return -ELOOP;
	if (bdev_logical_block_size(bdev) > QBD_BLOCK_SIZE)
		return -EMEDIUMTYPE;
	if (bdev_is_zoned(bdev))
		return -EMEDIUMTYPE;
	return 0;
}

/**
 * qbd_backend_open() - open a device for a store
 * @backend: all zero
 * @dev: the device
 * @gone: see struct qbd_backend
 *
 * Return: 0, -EBUSY if somebody else has it, -ELOOP if it is a volume of qbd,
 * -EMEDIUMTYPE if its blocks are too large or it is zoned, or another
 * negative errno.
 */
int qbd_backend_open(struct qbd_backend *backend, dev_t dev,
		     void (*gone)(struct qbd_backend *backend))
{
	struct file *file;
	int err;

	backend->gone = gone;
	err = bioset_init(&backend->bios, QBD_STORE_BIOS_MIN,
			  offsetof(struct qbd_backend_bio, bio),
			  BIOSET_NEED_BVECS);
	if (err)
		return err;
	file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE,
				     backend, &qbd_backend_holder_ops);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_bios;
	}
	backend->bdev = file_bdev(file);
	err = bdev_read_only(backend->bdev) ? -EROFS :
					      qbd_backend_check(backend->bdev);
	if (err)
		goto err_file;
	backend->file = file;
	backend->blocks = bdev_nr_bytes(backend->bdev) >> QBD_BLOCK_SHIFT;
	backend->zeroes_max =
		round_down(bdev_write_zeroes_sectors(backend->bdev),
			   QBD_BLOCK_SIZE >> SECTOR_SHIFT);
	return 0;

err_file:
	bdev_fput(file);
err_bios:
	bioset_exit(&backend->bios);
	return err;
}

/**
 * qbd_backend_close() - close the device
 * @backend: open or not; no bio is under way
 *
 * The claim ends now, so that another open may follow at once.
 */
void qbd_backend_close(struct qbd_backend *backend)
{
	if (!backend->file)
		return;
	bdev_fput(backend->file);
	bioset_exit(&backend->bios);
	backend->file = NULL;
}

/**
 * qbd_backend_abandon() - submit nothing any more
 * @backend: the device
 *
 * Context: any.
 */
void qbd_backend_abandon(struct qbd_backend *backend)
{
	WRITE_ONCE(backend->abandoned, true);
}

/**
 * qbd_group_init() - begin a group
 * @group: the group
 * @backend: the device
 * @end: see struct qbd_bio_group
 */
void qbd_group_init(struct qbd_bio_group *group, struct qbd_backend *backend,
		    void (*end)(struct qbd_bio_group *group))
{
	group->backend = backend;
	atomic_set(&group->pending, 1);
	group->error = 0;
	group->end = end;
}

/**
 * qbd_group_fail() - a part of the group failed
 * @group: the group
 * @error: negative errno; the first one stays
 *
 * Context: any.
 */
void qbd_group_fail(struct qbd_bio_group *group, int error)
{
	cmpxchg(&group->error, 0, error);
}

static void qbd_group_put(struct qbd_bio_group *group)
{
	if (atomic_dec_and_test(&group->pending))
		group->end(group);
}

/**
 * qbd_group_submitted() - nothing more will be added
 * @group: the group; may have ended when this returns
 */
void qbd_group_submitted(struct qbd_bio_group *group)
{
	qbd_group_put(group);
}

static void qbd_backend_end_io(struct bio *bio)
{
	struct qbd_backend_bio *own =
		container_of(bio, struct qbd_backend_bio, bio);
	struct qbd_bio_group *group = own->group;
	int err = blk_status_to_errno(bio->bi_status);

	/* Some devices find out when they are asked; see qbd_group_zero(). */
	if (err == -EOPNOTSUPP && bio_op(bio) == REQ_OP_WRITE_ZEROES)
		WRITE_ONCE(group->backend->zeroes_max, 0);
	bio_put(bio);
	if (err)
		qbd_group_fail(group, err);
	qbd_group_put(group);
}

static void qbd_build_submit(struct qbd_bio_build *build)
{
	struct bio *bio = build->bio;

	build->bio = NULL;
	if (!bio)
		return;
	if (READ_ONCE(build->group->backend->abandoned)) {
		bio_put(bio);
		qbd_group_fail(build->group, -ESHUTDOWN);
		return;
	}
	atomic_inc(&build->group->pending);
	submit_bio(bio);
}

static void qbd_build_bio(struct qbd_bio_build *build)
{
	struct qbd_backend *backend = build->group->backend;
	struct qbd_backend_bio *own;
	struct bio *bio;

	bio = bio_alloc_bioset(backend->bdev, bio_max_segs(build->vecs),
			       build->opf, GFP_NOIO, &backend->bios);
	own = container_of(bio, struct qbd_backend_bio, bio);
	own->group = build->group;
	bio->bi_end_io = qbd_backend_end_io;
	bio->bi_iter.bi_sector = build->sector;
	build->bio = bio;
}

/**
 * qbd_build_start() - begin to add to a group
 * @build: what is being added
 * @group: the group
 * @opf: operation and flags
 * @block: first block on the device
 * @vecs: how many pages will be added; only a hint
 */
void qbd_build_start(struct qbd_bio_build *build, struct qbd_bio_group *group,
		     blk_opf_t opf, u64 block, u32 vecs)
{
	build->group = group;
	build->bio = NULL;
	build->opf = opf;
	build->sector = block << (QBD_BLOCK_SHIFT - SECTOR_SHIFT);
	build->vecs = max(vecs, 1U);
}

/**
 * qbd_build_add() - add a piece of a page
 * @build: what is being added
 * @page: the page; stays until the group's end
 * @offset_bytes: where in it
 * @len_bytes: how much
 *
 * A bio that is full is submitted when more comes.  If pieces are not whole
 * blocks, qbd_build_room() before each block keeps cuts off its middle.
 */
void qbd_build_add(struct qbd_bio_build *build, struct page *page,
		   u32 offset_bytes, u32 len_bytes)
{
	if (build->bio && bio_add_page(build->bio, page, len_bytes,
				       offset_bytes) == len_bytes)
		goto added;
	qbd_build_submit(build);
	qbd_build_bio(build);
	__bio_add_page(build->bio, page, len_bytes, offset_bytes);
added:
	build->sector += len_bytes >> SECTOR_SHIFT;
	if (build->vecs > 1)
		build->vecs--;
}

/**
 * qbd_build_room() - let the next pieces be in one bio
 * @build: what is being added
 * @pieces: how many
 */
void qbd_build_room(struct qbd_bio_build *build, u32 pieces)
{
	if (build->bio &&
	    build->bio->bi_max_vecs - build->bio->bi_vcnt < pieces)
		qbd_build_submit(build);
	build->vecs = max(build->vecs, pieces);
}

/**
 * qbd_build_add_buf() - add memory of the core
 * @build: what is being added
 * @buf: aligned to a block; from kmalloc, vmalloc or the page allocator
 * @blocks: how many
 */
void qbd_build_add_buf(struct qbd_bio_build *build, void *buf, u32 blocks)
{
	u32 i;

	for (i = 0; i < blocks; i++, buf += QBD_BLOCK_SIZE)
		qbd_build_add(build,
			      is_vmalloc_addr(buf) ? vmalloc_to_page(buf) :
						     virt_to_page(buf),
			      offset_in_page(buf), QBD_BLOCK_SIZE);
}

/**
 * qbd_build_end() - submit the rest
 * @build: what was added
 */
void qbd_build_end(struct qbd_bio_build *build)
{
	qbd_build_submit(build);
}

/**
 * qbd_group_flush() - add a flush of the device's cache
 * @group: the group
 */
void qbd_group_flush(struct qbd_bio_group *group)
{
	struct qbd_bio_build build;

	qbd_build_start(&build, group, REQ_OP_WRITE | REQ_PREFLUSH, 0, 0);
	qbd_build_bio(&build);
	qbd_build_submit(&build);
}

/* A new chunk is mostly zeros: the device may know a cheaper way. */
static void qbd_group_zero(struct qbd_bio_group *group, const struct qbd_io *io)
{
	u32 max = READ_ONCE(group->backend->zeroes_max);
	sector_t left = (sector_t)io->blocks
			<< (QBD_BLOCK_SHIFT - SECTOR_SHIFT);
	struct qbd_bio_build build;
	u32 i, len;

	if (max && qbd_fault(QBD_FAULT_ZERO_UNKNOWN)) {
		WRITE_ONCE(group->backend->zeroes_max, 0);
		qbd_group_fail(group, -EOPNOTSUPP);
		return;
	}
	qbd_build_start(&build, group, max ? REQ_OP_WRITE_ZEROES : REQ_OP_WRITE,
			io->block, max ? 0 : io->blocks);
	for (; max && left; left -= len) {
		len = min_t(sector_t, left, max);
		qbd_build_bio(&build);
		build.bio->bi_iter.bi_size = len << SECTOR_SHIFT;
		build.sector += len;
		qbd_build_submit(&build);
	}
	for (i = 0; !max && i < io->blocks; i++)
		qbd_build_add(&build, ZERO_PAGE(0), 0, QBD_BLOCK_SIZE);
	qbd_build_end(&build);
}

/**
 * qbd_group_io() - add what the core described
 * @group: the group
 * @io: READ or WRITE with a buffer, ZERO or FLUSH
 *
 * A ZERO that ends with -EOPNOTSUPP is to be added to a group once more: the
 * device had promised too much, and zeros will be written.
 */
void qbd_group_io(struct qbd_bio_group *group, const struct qbd_io *io)
{
	struct qbd_bio_build build;
	blk_opf_t opf = REQ_OP_WRITE;

	switch (io->op) {
	case QBD_IO_READ:
		opf = REQ_OP_READ | REQ_SYNC;
		fallthrough;
	case QBD_IO_WRITE:
		if (io->fua)
			opf |= REQ_FUA | REQ_SYNC;
		qbd_build_start(&build, group, opf, io->block, io->blocks);
		qbd_build_add_buf(&build, io->buf, io->blocks);
		qbd_build_end(&build);
		break;
	case QBD_IO_ZERO:
		qbd_group_zero(group, io);
		break;
	case QBD_IO_FLUSH:
		qbd_group_flush(group);
		break;
	case QBD_IO_COPY:
	case QBD_IO_LOAD:
	case QBD_IO_CLONE:
		qbd_group_fail(group, -EOPNOTSUPP);
		break;
	}
}

/**
 * struct qbd_backend_sync - an I/O that is waited for
 * @group: its bios
 * @ended: all have ended
 */
struct qbd_backend_sync {
	struct qbd_bio_group group;
	struct completion ended;
};

static void qbd_backend_sync_end(struct qbd_bio_group *group)
{
	complete(&container_of(group, struct qbd_backend_sync, group)->ended);
}

/**
 * qbd_backend_io() - do what the core described, and wait for it
 * @backend: the device
 * @io: see qbd_group_io()
 *
 * Return: 0 or a negative errno.
 */
int qbd_backend_io(struct qbd_backend *backend, const struct qbd_io *io)
{
	struct qbd_backend_sync sync;
	struct blk_plug plug;

	init_completion(&sync.ended);
	qbd_group_init(&sync.group, backend, qbd_backend_sync_end);
	blk_start_plug(&plug);
	qbd_group_io(&sync.group, io);
	blk_finish_plug(&plug);
	qbd_group_submitted(&sync.group);
	wait_for_completion_io(&sync.ended);
	return sync.group.error;
}
