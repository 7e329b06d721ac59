// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbd-testdisk: module, list of devices, and the control device's file.
 *
 * Each open file of /dev/qbd-testdisk-ctl has its own reply: write one command
 * line, then read what it says.  A failed command fails the write and leaves
 * the reason to be read.  The module cannot be unloaded while a disk or the
 * control device is open.
 *
 * Context: process.  td_list_lock protects the list only.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "testdisk.h"

static LIST_HEAD(td_list);
/* protects the list and the links of its members */
DEFINE_MUTEX(td_list_lock);

/**
 * struct td_file - an open control file
 * @lock: one command at a time; protects the rest
 * @reply: text of the last command
 * @text: memory of @reply
 */
struct td_file {
	/* one command at a time */
	struct mutex lock;
	struct seq_buf reply;
	char text[TD_REPLY_MAX];
};

/**
 * td_dev_publish() - enter a device into the list
 * @td: the device; the list takes a reference
 *
 * Return: 0, or -EEXIST when the name is taken
 */
int td_dev_publish(struct td_dev *td)
{
	struct td_dev *other;
	int err = 0;

	mutex_lock(&td_list_lock);
	list_for_each_entry(other, &td_list, link) {
		if (!strcmp(other->name, td->name))
			err = -EEXIST;
	}
	if (!err) {
		kref_get(&td->ref);
		list_add_tail(&td->link, &td_list);
	}
	mutex_unlock(&td_list_lock);
	return err;
}

/**
 * td_dev_unlist() - take a device out of the list, if it is there
 * @td: the device; the caller keeps its own reference
 */
void td_dev_unlist(struct td_dev *td)
{
	bool listed;

	mutex_lock(&td_list_lock);
	listed = !list_empty(&td->link);
	list_del_init(&td->link);
	mutex_unlock(&td_list_lock);
	if (listed)
		td_dev_put(td);
}

/**
 * td_dev_find() - look a device up
 * @name: its name
 *
 * Return: the device with a reference, or NULL
 */
struct td_dev *td_dev_find(const char *name)
{
	struct td_dev *td, *found = NULL;

	mutex_lock(&td_list_lock);
	list_for_each_entry(td, &td_list, link) {
		if (!strcmp(td->name, name)) {
			found = td;
			kref_get(&td->ref);
			break;
		}
	}
	mutex_unlock(&td_list_lock);
	return found;
}

/**
 * td_dev_names() - print the names of all devices, one in a line
 * @reply: where to
 */
void td_dev_names(struct seq_buf *reply)
{
	struct td_dev *td;

	mutex_lock(&td_list_lock);
	list_for_each_entry(td, &td_list, link)
		seq_buf_printf(reply, "%s\n", td->name);
	mutex_unlock(&td_list_lock);
}

static int td_file_open(struct inode *inode, struct file *file)
{
	struct td_file *tf = kvzalloc(sizeof(*tf), GFP_KERNEL);

	if (!tf)
		return -ENOMEM;
	mutex_init(&tf->lock);
	seq_buf_init(&tf->reply, tf->text, sizeof(tf->text));
	file->private_data = tf;
	return 0;
}

static int td_file_release(struct inode *inode, struct file *file)
{
	struct td_file *tf = file->private_data;

	mutex_destroy(&tf->lock);
	kvfree(tf);
	return 0;
}

static ssize_t td_file_write(struct file *file, const char __user *ubuf,
			     size_t len, loff_t *ppos)
{
	struct td_file *tf = file->private_data;
	char *line;
	int err;

	if (!len || len > TD_LINE_MAX)
		return -EMSGSIZE;
	line = memdup_user_nul(ubuf, len);
	if (IS_ERR(line))
		return PTR_ERR(line);
	if (line[len - 1] == '\n')
		line[len - 1] = '\0';
	mutex_lock(&tf->lock);
	seq_buf_clear(&tf->reply);
	*ppos = 0;
	if (strchr(line, '\n'))
		err = -EINVAL;
	else
		err = td_ctl_run(line, &tf->reply);
	if (!err && seq_buf_has_overflowed(&tf->reply))
		err = -EOVERFLOW;
	mutex_unlock(&tf->lock);
	kfree(line);
	return err ? err : len;
}

static ssize_t td_file_read(struct file *file, char __user *ubuf, size_t len,
			    loff_t *ppos)
{
	struct td_file *tf = file->private_data;
	ssize_t ret;

	mutex_lock(&tf->lock);
	ret = simple_read_from_buffer(ubuf, len, ppos, tf->text,
				      seq_buf_used(&tf->reply));
	mutex_unlock(&tf->lock);
	return ret;
}

static const struct file_operations td_file_ops = {
	.owner = THIS_MODULE,
	.open = td_file_open,
	.release = td_file_release,
	.write = td_file_write,
	.read = td_file_read,
	/* a shell that reads a line seeks back over what it read ahead */
	.llseek = default_llseek,
};

static struct miscdevice td_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "qbd-testdisk-ctl",
	.mode = 0600,
	.fops = &td_file_ops,
};

static int __init td_module_init(void)
{
	return misc_register(&td_misc);
}

static void __exit td_module_exit(void)
{
	struct td_dev *td;

	/* no command runs or can begin: an open file pins the module */
	misc_deregister(&td_misc);
	for (;;) {
		mutex_lock(&td_list_lock);
		td = list_first_entry_or_null(&td_list, struct td_dev, link);
		if (td)
			kref_get(&td->ref);
		mutex_unlock(&td_list_lock);
		if (!td)
			break;
		td_dev_remove(td);
		td_dev_put(td);
	}
}

module_init(td_module_init);
module_exit(td_module_exit);

MODULE_DESCRIPTION("Block device for tests with power cuts and faults");
MODULE_LICENSE("GPL");
