// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test disk as an object: allocation, its gendisk, vanishing, removal.
 *
 * The device (struct td_dev: contents, faults, counters) outlives its gendisk,
 * which comes and goes with "create", "vanish", "revive" and "remove".  There
 * is no partition scan, so that adding the disk does no I/O.
 *
 * Context: process, sleeps; td_dev.ctl held where noted.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "testdisk.h"

/* 32 MiB: a longer one would keep softirqs off for too long. */
#define TD_DISCARD_SECTORS 65536

static const struct block_device_operations td_fops = {
	.owner = THIS_MODULE,
};

static void td_vanish_work(struct work_struct *work)
{
	struct td_dev *td = container_of(work, struct td_dev, vanish_work);

	mutex_lock(&td->ctl);
	td_disk_del(td);
	mutex_unlock(&td->ctl);
	td_dev_put(td);
}

/**
 * td_dev_alloc() - make a device that nobody knows yet
 * @name: checked by the caller
 * @block: logical block size
 * @depth: requests in flight at most
 *
 * Return: the device with one reference and a store to be initialised, or NULL
 */
struct td_dev *td_dev_alloc(const char *name, u32 block, u32 depth)
{
	struct td_dev *td = kzalloc(sizeof(*td), GFP_KERNEL);

	if (!td)
		return NULL;
	strscpy(td->name, name, sizeof(td->name));
	kref_init(&td->ref);
	INIT_LIST_HEAD(&td->link);
	mutex_init(&td->ctl);
	INIT_WORK(&td->vanish_work, td_vanish_work);
	spin_lock_init(&td->lock);
	INIT_LIST_HEAD(&td->inflight);
	INIT_LIST_HEAD(&td->faults);
	td_store_init(&td->store, 0, false);
	td->block = block;
	td->depth = depth;
	td->gone = true;
	return td;
}

static struct gendisk *td_gendisk_alloc(struct td_dev *td,
					struct blk_mq_tag_set *set)
{
	struct queue_limits lim = {
		.logical_block_size = td->block,
		.physical_block_size = td->block,
		.max_hw_sectors = SZ_1M >> SECTOR_SHIFT,
		.max_segments = SZ_1M / PAGE_SIZE,
		.max_hw_discard_sectors = TD_DISCARD_SECTORS,
		.max_write_zeroes_sectors = TD_DISCARD_SECTORS,
		.max_discard_segments = 1,
		.discard_granularity = TD_BLK_SIZE,
		/* data is read when the request completes, not before */
		.features = BLK_FEAT_STABLE_WRITES,
	};
	struct gendisk *gd;

	if (td->store.cache)
		lim.features |= BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA;
	gd = blk_mq_alloc_disk(set, &lim, td);
	if (IS_ERR(gd))
		return gd;
	gd->fops = &td_fops;
	gd->private_data = td;
	gd->flags |= GENHD_FL_NO_PART;
	snprintf(gd->disk_name, DISK_NAME_LEN, "td_%s", td->name);
	set_capacity(gd, td->store.size >> SECTOR_SHIFT);
	return gd;
}

static void td_set_gone(struct td_dev *td, bool gone)
{
	spin_lock_bh(&td->lock);
	td->gone = gone;
	if (gone)
		td_record_seal(td, "vanished");
	spin_unlock_bh(&td->lock);
}

/**
 * td_disk_add() - let the disk appear
 * @td: a device without a disk, ctl held
 *
 * Return: 0 or a negative errno
 */
int td_disk_add(struct td_dev *td)
{
	struct td_disk *disk;
	int err;

	lockdep_assert_held(&td->ctl);
	disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	if (!disk)
		return -ENOMEM;
	disk->tag_set.ops = &td_mq_ops;
	disk->tag_set.nr_hw_queues = 1;
	disk->tag_set.queue_depth = td->depth;
	disk->tag_set.numa_node = NUMA_NO_NODE;
	disk->tag_set.cmd_size = sizeof(struct td_cmd);
	disk->tag_set.flags = BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	err = blk_mq_alloc_tag_set(&disk->tag_set);
	if (err)
		goto err_disk;
	disk->gd = td_gendisk_alloc(td, &disk->tag_set);
	if (IS_ERR(disk->gd)) {
		err = PTR_ERR(disk->gd);
		goto err_tags;
	}
	td_set_gone(td, false);
	err = device_add_disk(NULL, disk->gd, NULL);
	if (err)
		goto err_gone;
	td->disk = disk;
	return 0;

err_gone:
	td_set_gone(td, true);
	put_disk(disk->gd);
err_tags:
	blk_mq_free_tag_set(&disk->tag_set);
err_disk:
	kfree(disk);
	return err;
}

/**
 * td_disk_del() - take the disk away, whatever it is doing
 * @td: a device with or without a disk, ctl held
 *
 * From "gone" on every new request fails, and td_io_fail() ends those in
 * flight, so neither the holder of the disk nor del_gendisk() waits for one.
 */
void td_disk_del(struct td_dev *td)
{
	struct td_disk *disk = td->disk;

	lockdep_assert_held(&td->ctl);
	if (!disk)
		return;
	td_set_gone(td, true);
	td_io_fail(td);
	blk_mark_disk_dead(disk->gd);
	del_gendisk(disk->gd);
	put_disk(disk->gd);
	blk_mq_free_tag_set(&disk->tag_set);
	kfree(disk);
	td->disk = NULL;
}

/**
 * td_dev_remove() - end a device
 * @td: in the list or not; the caller keeps its own reference
 */
void td_dev_remove(struct td_dev *td)
{
	mutex_lock(&td->ctl);
	td_disk_del(td);
	td_record_stop(td);
	td_backing_close(td);
	td->ended = true;
	mutex_unlock(&td->ctl);
	if (cancel_work_sync(&td->vanish_work))
		td_dev_put(td);
	td_dev_unlist(td);
}

static void td_dev_free(struct kref *ref)
{
	struct td_dev *td = container_of(ref, struct td_dev, ref);

	td_fault_free(td);
	td_store_destroy(&td->store);
	kfree(td);
}

/**
 * td_dev_put() - drop a reference
 * @td: the device, ended by td_dev_remove() if this is the last one
 */
void td_dev_put(struct td_dev *td)
{
	kref_put(&td->ref, td_dev_free);
}
