// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gendisk of a volume: limits, adding, opening, removing.
 *
 * LIMITS. A request is one record: at most 1 MiB, never over the border of a
 * shard (chunk_sectors), atomic up to 1 MiB. The block layer caps what it is
 * told here without a word, so it is read back, before and after the disk was
 * added, and a volume that would not keep its promise is refused. No volatile
 * cache: what was completed is durable on a quorum. No stable writes: the
 * bytes are copied before their CRC is taken.
 *
 * Context: life_work of the volume; here and nowhere else the block layer is
 * waited for. Opens come from anywhere, under disk->open_mutex.
 */
#include <linux/blkdev.h>
#include <linux/idr.h>
#include <linux/module.h>

#include "compat.h"
#include "core/store_limits.h"
#include "locking.h"
#include "request.h"
#include "volume.h"

static DEFINE_IDA(qbd_disk_ida);

#define QBD_BLOCK_SECTORS (QBD_BLOCK_SIZE >> SECTOR_SHIFT)

/* --- open, release ----------------------------------------------------- */

static int qbd_disk_open(struct gendisk *disk, blk_mode_t mode)
{
	struct qbd_volume *vol = disk->private_data;
	int err = 0;

	spin_lock(&vol->lock);
	switch (vol->state) {
	case QBD_VOLUME_STATE_OPENING:
	case QBD_VOLUME_STATE_SERVING:
	case QBD_VOLUME_STATE_SUSPENDED:
		vol->nr_open++;
		break;
	default:
		err = -ENXIO;
		break;
	}
	spin_unlock(&vol->lock);
	return err;
}

static void qbd_disk_release(struct gendisk *disk)
{
	struct qbd_volume *vol = disk->private_data;

	spin_lock(&vol->lock);
	vol->nr_open--;
	spin_unlock(&vol->lock);
}

static void qbd_disk_free(struct gendisk *disk)
{
	qbd_volume_put(disk->private_data);
}

static const struct block_device_operations qbd_disk_fops = {
	.owner = THIS_MODULE,
	.open = qbd_disk_open,
	.release = qbd_disk_release,
	.free_disk = qbd_disk_free,
};

/**
 * qbd_disk_is_ours() - is this disk a volume?
 * @disk: any disk
 *
 * A store on a volume could wait for itself.
 *
 * Return: true if so.
 */
bool qbd_disk_is_ours(const struct gendisk *disk)
{
	return disk->fops == &qbd_disk_fops;
}

/* --- limits ------------------------------------------------------------ */

static struct queue_limits qbd_disk_limits(const struct qbd_volume *vol)
{
	const u32 range = QBD_RANGE_BLOCKS_MAX * QBD_BLOCK_SECTORS;

	return (struct queue_limits){
		.logical_block_size = QBD_BLOCK_SIZE,
		.physical_block_size = QBD_BLOCK_SIZE,
		.io_min = QBD_BLOCK_SIZE,
		.max_hw_sectors = QBD_REQUEST_BYTES_MAX >> SECTOR_SHIFT,
		.chunk_sectors = vol->shard_bytes >> SECTOR_SHIFT,
		.max_segments = QBD_REQUEST_SEGMENTS_MAX,
		.max_segment_size = QBD_REQUEST_BYTES_MAX,
		.atomic_write_hw_max = QBD_REQUEST_BYTES_MAX,
		.atomic_write_hw_unit_min = QBD_BLOCK_SIZE,
		.atomic_write_hw_unit_max = QBD_REQUEST_BYTES_MAX,
		.max_hw_discard_sectors = range,
		.max_discard_segments = 1,
		.discard_granularity = QBD_BLOCK_SIZE,
		.max_write_zeroes_sectors = range,
		.features = QBD_BLK_FEAT_ATOMIC_WRITES,
	};
}

/* P4: the block layer keeps what was promised? */
static int qbd_disk_limits_check(const struct qbd_volume *vol)
{
	const struct queue_limits *lim = &vol->disk->queue->limits;

	if (lim->atomic_write_unit_max < QBD_ATOMIC_BYTES_PROMISED ||
	    lim->atomic_write_unit_min > QBD_BLOCK_SIZE ||
	    lim->chunk_sectors != vol->shard_bytes >> SECTOR_SHIFT ||
	    lim->features & BLK_FEAT_WRITE_CACHE)
		return -ERANGE;
	return 0;
}

/**
 * __qbd_disk_timeout_update() - the block layer's deadline follows ours
 * @vol: locked
 */
void __qbd_disk_timeout_update(struct qbd_volume *vol)
{
	qbd_assert_volume_locked(vol);
	if (vol->disk)
		blk_queue_rq_timeout(
			vol->disk->queue,
			max(1UL, msecs_to_jiffies(vol->options.no_quorum_ms)));
}

/* --- add, remove ------------------------------------------------------- */

static int qbd_disk_tags_init(struct qbd_volume *vol)
{
	struct blk_mq_tag_set *tags = &vol->tags;

	memset(tags, 0, sizeof(*tags));
	tags->ops = &qbd_blk_ops;
	tags->nr_hw_queues = min(num_online_cpus(), QBD_VOLUME_QUEUES_MAX);
	tags->queue_depth = QBD_VOLUME_TAGS;
	tags->numa_node = NUMA_NO_NODE;
	tags->cmd_size = sizeof(struct qbd_tag);
	tags->flags = BLK_MQ_F_BLOCKING | QBD_BLK_MQ_F_MERGE |
		      BLK_MQ_F_TAG_HCTX_SHARED | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	tags->timeout = msecs_to_jiffies(vol->options.no_quorum_ms);
	return blk_mq_alloc_tag_set(tags);
}

static int qbd_disk_alloc(struct qbd_volume *vol)
{
	struct queue_limits lim = qbd_disk_limits(vol);
	struct gendisk *disk;

	disk = blk_mq_alloc_disk(&vol->tags, &lim, vol);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->fops = &qbd_disk_fops;
	disk->private_data = vol;
	snprintf(disk->disk_name, DISK_NAME_LEN, "qbd%d", vol->index);
	set_capacity(disk, vol->size_bytes >> SECTOR_SHIFT);
	spin_lock(&vol->lock);
	vol->disk = disk;
	strscpy(vol->device, disk->disk_name);
	spin_unlock(&vol->lock);
	return 0;
}

/* The disk is not ours to reach any more. */
static struct gendisk *qbd_disk_take(struct qbd_volume *vol)
{
	struct gendisk *disk;

	spin_lock(&vol->lock);
	disk = vol->disk;
	vol->disk = NULL;
	vol->device[0] = '\0';
	spin_unlock(&vol->lock);
	return disk;
}

/**
 * qbd_disk_add() - let everybody see the volume
 * @vol: the volume; all its shards serve
 *
 * Reads the partition table. If a shard loses its quorum now that waits, and
 * a forced detach ends it.
 *
 * Return: 0; -ERANGE if the block layer would not keep a promise; or another
 * negative errno.
 */
int qbd_disk_add(struct qbd_volume *vol)
{
	int err;

	vol->index = ida_alloc(&qbd_disk_ida, GFP_KERNEL);
	if (vol->index < 0)
		return vol->index;
	err = qbd_disk_tags_init(vol);
	if (err)
		goto err_ida;
	err = qbd_disk_alloc(vol);
	if (err)
		goto err_tags;
	err = qbd_disk_limits_check(vol);
	if (err)
		goto err_disk;
	/* of the disk, until nobody has it open any more */
	qbd_volume_get(vol);
	err = device_add_disk(NULL, vol->disk, qbd_sysfs_disk_groups);
	if (err) {
		qbd_volume_put(vol);
		goto err_disk;
	}
	err = qbd_disk_limits_check(vol);
	if (err)
		qbd_disk_remove(vol, true);
	return err;

err_disk:
	put_disk(qbd_disk_take(vol));
err_tags:
	blk_mq_free_tag_set(&vol->tags);
err_ida:
	ida_free(&qbd_disk_ida, vol->index);
	vol->index = -1;
	return err;
}

/**
 * qbd_disk_resize() - let everybody see another size
 * @vol: the volume; its disk is there
 * @size_bytes: the size; all shards behind it serve
 *
 * No queue is frozen: requests go on, those to the new part may come at once.
 */
void qbd_disk_resize(struct qbd_volume *vol, u64 size_bytes)
{
	set_capacity_and_notify(vol->disk, size_bytes >> SECTOR_SHIFT);
}

/**
 * qbd_disk_remove() - the disk goes; nothing happens if there is none
 * @vol: the volume
 * @dead: its requests fail; else they are waited for
 *
 * The order is that of core/rules.h: when this is called for a dead volume its
 * requests have been ended once; those that file systems submit when they are
 * told come to a dead shard, and are ended again all the same.
 */
void qbd_disk_remove(struct qbd_volume *vol, bool dead)
{
	struct gendisk *disk = vol->disk;

	if (!disk)
		return;
	if (dead) {
		blk_mark_disk_dead(disk);
		qbd_volume_kill_shards(vol);
	}
	del_gendisk(disk);
	qbd_disk_take(vol);
	put_disk(disk);
	blk_mq_free_tag_set(&vol->tags);
	ida_free(&qbd_disk_ida, vol->index);
	vol->index = -1;
}
