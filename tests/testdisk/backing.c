// SPDX-License-Identifier: GPL-2.0-only
/*
 * Durable copy of a test disk on another block device.
 *
 * The whole device is read when the disk is created; from then on the disk
 * works in RAM, and a request that makes content durable (a flush, a FUA write,
 * any write without a cache) ends only after that content is on the backing
 * device.  So killing the whole machine is a power cut that loses the volatile
 * cache.  A backing device that tears a sector of 512 bytes while the machine
 * dies tears ours too.
 *
 * Context: a worker of its own; td_backing.lock is taken before td_dev.lock.
 */
#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "testdisk.h"

#define TD_LOAD_BYTES SZ_64K

/**
 * struct td_backing - the other device
 * @td: whose contents
 * @file: the open block device
 * @wq: runs @work
 * @work: saves and ends the requests in @queue
 * @lock: one save at a time
 * @queue: finished requests that wait for a save [td_dev.lock]
 * @errors: failed saves [lock]
 * @buf: one block [lock]
 */
struct td_backing {
	struct td_dev *td;
	struct file *file;
	struct workqueue_struct *wq;
	struct work_struct work;
	/* one save at a time */
	struct mutex lock;
	struct list_head queue;
	u64 errors;
	u8 buf[TD_BLK_SIZE];
};

static int td_backing_write(struct td_backing *backing)
{
	struct td_dev *td = backing->td;
	unsigned long index = 0;
	bool more, dirty = false;
	ssize_t ret;
	loff_t pos;

	for (;;) {
		spin_lock_bh(&td->lock);
		more = td_store_take_unsaved(&td->store, &index, backing->buf);
		spin_unlock_bh(&td->lock);
		if (!more)
			break;
		pos = (loff_t)index * TD_BLK_SIZE;
		ret = kernel_write(backing->file, backing->buf, TD_BLK_SIZE,
				   &pos);
		if (ret != TD_BLK_SIZE)
			return ret < 0 ? ret : -EIO;
		dirty = true;
		index++;
	}
	return dirty ? vfs_fsync(backing->file, 1) : 0;
}

/**
 * td_backing_save() - bring the backing device up to date
 * @td: the device
 *
 * Return: 0, also without a backing device, or a negative errno
 */
int td_backing_save(struct td_dev *td)
{
	struct td_backing *backing = td->backing;
	int err;

	if (!backing)
		return 0;
	mutex_lock(&backing->lock);
	err = td_backing_write(backing);
	if (err) {
		backing->errors++;
		pr_err_ratelimited("td_%s: backing device: error %d\n",
				   td->name, err);
	}
	mutex_unlock(&backing->lock);
	return err;
}

static void td_backing_work(struct work_struct *work)
{
	struct td_backing *backing =
		container_of(work, struct td_backing, work);
	struct td_dev *td = backing->td;
	struct td_cmd *cmd;
	LIST_HEAD(done);

	spin_lock_bh(&td->lock);
	list_splice_init(&backing->queue, &done);
	spin_unlock_bh(&td->lock);
	if (td_backing_save(td)) {
		list_for_each_entry(cmd, &done, link)
			cmd->status = BLK_STS_IOERR;
	}
	td_io_end(&done);
}

/**
 * td_backing_queue() - end a finished request after the next save
 * @td: the device, with a backing device
 * @cmd: the request
 */
void td_backing_queue(struct td_dev *td, struct td_cmd *cmd)
{
	struct td_backing *backing = td->backing;

	spin_lock_bh(&td->lock);
	list_add_tail(&cmd->link, &backing->queue);
	spin_unlock_bh(&td->lock);
	queue_work(backing->wq, &backing->work);
}

/**
 * td_backing_errors() - how many saves failed
 * @td: the device
 *
 * Return: their number
 */
u64 td_backing_errors(struct td_dev *td)
{
	return td->backing ? READ_ONCE(td->backing->errors) : 0;
}

static int td_backing_load(struct td_dev *td, struct file *file)
{
	loff_t pos = 0;
	ssize_t len;
	void *buf;
	int err = 0;

	buf = kvmalloc(TD_LOAD_BYTES, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (!err && pos < td->store.size) {
		u64 start = pos;

		len = min_t(u64, TD_LOAD_BYTES, td->store.size - pos);
		if (kernel_read(file, buf, len, &pos) != len)
			err = -EIO;
		else
			err = td_store_load(&td->store, start, buf, len);
		cond_resched();
	}
	kvfree(buf);
	return err;
}

/**
 * td_backing_open() - open the backing device and read it
 * @td: a device that nobody knows yet; a size of 0 becomes that of @path
 * @path: the block device, opened exclusively
 *
 * Return: 0 or a negative errno
 */
int td_backing_open(struct td_dev *td, const char *path)
{
	const blk_mode_t mode = BLK_OPEN_READ | BLK_OPEN_WRITE;
	struct td_backing *backing;
	u64 bytes;
	int err = -ENOMEM;

	backing = kzalloc(sizeof(*backing), GFP_KERNEL);
	if (!backing)
		return -ENOMEM;
	backing->td = td;
	mutex_init(&backing->lock);
	INIT_LIST_HEAD(&backing->queue);
	INIT_WORK(&backing->work, td_backing_work);
	backing->wq = alloc_workqueue("td_%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 1,
				      td->name);
	if (!backing->wq)
		goto err_free;
	backing->file = bdev_file_open_by_path(path, mode, backing, NULL);
	if (IS_ERR(backing->file)) {
		err = PTR_ERR(backing->file);
		goto err_wq;
	}
	bytes = bdev_nr_bytes(file_bdev(backing->file));
	if (!td->store.size)
		td->store.size = round_down(bytes, TD_BLK_SIZE);
	err = -ENOSPC;
	if (!td->store.size || td->store.size > bytes)
		goto err_file;
	err = td_backing_load(td, backing->file);
	if (err)
		goto err_file;
	td->store.backed = true;
	td->backing = backing;
	return 0;

err_file:
	bdev_fput(backing->file);
err_wq:
	destroy_workqueue(backing->wq);
err_free:
	kfree(backing);
	return err;
}

/**
 * td_backing_close() - save what a crash left, and close
 * @td: the device, without a disk
 */
void td_backing_close(struct td_dev *td)
{
	struct td_backing *backing = td->backing;

	if (!backing)
		return;
	destroy_workqueue(backing->wq);
	/* a failure has been logged and counted, there is nobody to tell */
	(void)td_backing_save(td);
	bdev_fput(backing->file);
	td->backing = NULL;
	kfree(backing);
}
