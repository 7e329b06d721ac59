// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: a node below /sys/kernel/qbd/NAME, a volume below its gendisk in a
 * group named qbd, of which udev makes /dev/qbd/by-name. Shards, replicas,
 * stores: there may be too many for files; netlink dumps show them.
 *
 * Writable is only io_timeout_ms of a volume.
 *
 * Context: process. A file of a volume is read while its gendisk is there, a
 * node's while its directory is: both are removed before the object goes.
 */
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "node.h"
#include "sysfs.h"
#include "volume.h"

/* --- volumes ----------------------------------------------------------- */

static struct qbd_volume *qbd_sysfs_volume(struct device *dev)
{
	return dev_to_disk(dev)->private_data;
}

static const char *const qbd_sysfs_volume_states[] = {
	[QBD_VOLUME_STATE_OPENING] = "opening",
	[QBD_VOLUME_STATE_SERVING] = "serving",
	[QBD_VOLUME_STATE_SUSPENDED] = "suspended",
	[QBD_VOLUME_STATE_DETACHING] = "detaching",
	[QBD_VOLUME_STATE_DEAD] = "dead",
	[QBD_VOLUME_STATE_DETACHED] = "detached",
};

/* clang-format off */
#define QBD_SYSFS_VOLUME(name, fmt, value)				\
	static ssize_t qbd_sysfs_##name##_emit(				\
		const struct qbd_volume *vol, char *buf)		\
	{								\
		return sysfs_emit(buf, fmt "\n", value);		\
	}								\
	static ssize_t qbd_sysfs_##name##_show(				\
		struct device *dev, struct device_attribute *attr,	\
		char *buf)						\
	{								\
		return qbd_sysfs_##name##_emit(qbd_sysfs_volume(dev),	\
					       buf);			\
	}								\
	static struct device_attribute qbd_sysfs_attr_##name =		\
		__ATTR(name, 0444, qbd_sysfs_##name##_show, NULL)
/* clang-format on */

QBD_SYSFS_VOLUME(name, "%s", vol->name);
QBD_SYSFS_VOLUME(volume, "%u", vol->id);
QBD_SYSFS_VOLUME(node, "%u", vol->node->spec.id);
QBD_SYSFS_VOLUME(term, "%llu", vol->term);
QBD_SYSFS_VOLUME(shards, "%u", READ_ONCE(vol->nr_shards));
QBD_SYSFS_VOLUME(shard_bytes, "%llu", vol->shard_bytes);
QBD_SYSFS_VOLUME(state, "%s", qbd_sysfs_volume_states[READ_ONCE(vol->state)]);

/* What has to be counted or needs the volume's lock. */
static ssize_t qbd_sysfs_info_show(
	struct device *dev, char *buf,
	ssize_t (*emit)(const struct qbd_volume_info *info, char *buf))
{
	struct qbd_volume_info info;

	qbd_volume_info_get(qbd_sysfs_volume(dev), &info);
	return emit(&info, buf);
}

/* clang-format off */
#define QBD_SYSFS_INFO(name, fmt, value)				\
	static ssize_t qbd_sysfs_##name##_emit(				\
		const struct qbd_volume_info *info, char *buf)		\
	{								\
		return sysfs_emit(buf, fmt "\n", value);		\
	}								\
	static ssize_t qbd_sysfs_##name##_show(				\
		struct device *dev, struct device_attribute *attr,	\
		char *buf)						\
	{								\
		return qbd_sysfs_info_show(dev, buf,			\
					   qbd_sysfs_##name##_emit);	\
	}								\
	static struct device_attribute qbd_sysfs_attr_##name =		\
		__ATTR(name, 0444, qbd_sysfs_##name##_show, NULL)
/* clang-format on */

QBD_SYSFS_INFO(shards_serving, "%u", info->shards_serving);
QBD_SYSFS_INFO(inflight, "%u", info->inflight);
QBD_SYSFS_INFO(held, "%u", info->held);
QBD_SYSFS_INFO(reason, "%s", info->reason);

static ssize_t qbd_sysfs_io_timeout_show(struct device *dev,
					 struct device_attribute *attr,
					 char *buf)
{
	const struct qbd_volume *vol = qbd_sysfs_volume(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(vol->options.no_quorum_ms));
}

static ssize_t qbd_sysfs_io_timeout_store(struct device *dev,
					  struct device_attribute *attr,
					  const char *buf, size_t len)
{
	struct qbd_volume *vol = qbd_sysfs_volume(dev);
	u32 timeout_ms;
	int err;

	err = kstrtou32(buf, 10, &timeout_ms);
	if (err)
		return err;
	if (!timeout_ms || timeout_ms > QBD_NO_QUORUM_MS_MAX)
		return -ERANGE;
	spin_lock(&vol->lock);
	vol->options.no_quorum_ms = timeout_ms;
	__qbd_disk_timeout_update(vol);
	spin_unlock(&vol->lock);
	return len;
}

static struct device_attribute qbd_sysfs_attr_io_timeout =
	__ATTR(io_timeout_ms, 0644, qbd_sysfs_io_timeout_show,
	       qbd_sysfs_io_timeout_store);

static struct attribute *qbd_sysfs_disk_attrs[] = {
	&qbd_sysfs_attr_name.attr,
	&qbd_sysfs_attr_volume.attr,
	&qbd_sysfs_attr_node.attr,
	&qbd_sysfs_attr_term.attr,
	&qbd_sysfs_attr_state.attr,
	&qbd_sysfs_attr_reason.attr,
	&qbd_sysfs_attr_shards.attr,
	&qbd_sysfs_attr_shard_bytes.attr,
	&qbd_sysfs_attr_shards_serving.attr,
	&qbd_sysfs_attr_inflight.attr,
	&qbd_sysfs_attr_held.attr,
	&qbd_sysfs_attr_io_timeout.attr,
	NULL,
};

static const struct attribute_group qbd_sysfs_disk_group = {
	.name = "qbd",
	.attrs = qbd_sysfs_disk_attrs,
};

const struct attribute_group *qbd_sysfs_disk_groups[] = {
	&qbd_sysfs_disk_group,
	NULL,
};

/* --- nodes ------------------------------------------------------------- */

static struct kobject *qbd_sysfs_root;

static struct qbd_node *qbd_sysfs_node(struct kobject *kobj)
{
	return container_of(kobj, struct qbd_node, kobj);
}

static const char *const qbd_sysfs_node_states[] = {
	[QBD_NODE_STATE_RUNNING] = "running",
	[QBD_NODE_STATE_STOPPING] = "stopping",
	[QBD_NODE_STATE_STOPPED] = "stopped",
	[QBD_NODE_STATE_CRASHED] = "crashed",
};

static struct qbd_node_counts qbd_sysfs_counts(struct qbd_node *node)
{
	struct qbd_node_counts counts;

	qbd_node_counts_get(node, &counts);
	return counts;
}

/* clang-format off */
#define QBD_SYSFS_NODE(name, fmt, value)				\
	static ssize_t qbd_sysfs_node_##name##_emit(			\
		struct qbd_node *node, char *buf)			\
	{								\
		return sysfs_emit(buf, fmt "\n", value);		\
	}								\
	static ssize_t qbd_sysfs_node_##name##_show(			\
		struct kobject *kobj, struct kobj_attribute *attr,	\
		char *buf)						\
	{								\
		return qbd_sysfs_node_##name##_emit(			\
			qbd_sysfs_node(kobj), buf);			\
	}								\
	static struct kobj_attribute qbd_sysfs_node_attr_##name =	\
		__ATTR(name, 0444, qbd_sysfs_node_##name##_show, NULL)
/* clang-format on */

QBD_SYSFS_NODE(id, "%u", node->spec.id);
QBD_SYSFS_NODE(cluster, "%pU", node->spec.cluster);
QBD_SYSFS_NODE(lease_ms, "%u", node->spec.lease_ms);
QBD_SYSFS_NODE(state, "%s", qbd_sysfs_node_states[READ_ONCE(node->state)]);
QBD_SYSFS_NODE(event_seq, "%llu", READ_ONCE(node->event_seq));
QBD_SYSFS_NODE(stores, "%u", qbd_sysfs_counts(node).stores);
QBD_SYSFS_NODE(volumes, "%u", qbd_sysfs_counts(node).volumes);
QBD_SYSFS_NODE(replicas, "%u", qbd_sysfs_counts(node).replicas);

static struct attribute *qbd_sysfs_node_attrs[] = {
	&qbd_sysfs_node_attr_id.attr,
	&qbd_sysfs_node_attr_cluster.attr,
	&qbd_sysfs_node_attr_lease_ms.attr,
	&qbd_sysfs_node_attr_state.attr,
	&qbd_sysfs_node_attr_event_seq.attr,
	&qbd_sysfs_node_attr_stores.attr,
	&qbd_sysfs_node_attr_volumes.attr,
	&qbd_sysfs_node_attr_replicas.attr,
	NULL,
};
ATTRIBUTE_GROUPS(qbd_sysfs_node);

static void qbd_sysfs_node_release(struct kobject *kobj)
{
	complete(&qbd_sysfs_node(kobj)->kobj_done);
}

static const struct kobj_type qbd_sysfs_node_type = {
	.release = qbd_sysfs_node_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = qbd_sysfs_node_groups,
};

/**
 * qbd_sysfs_node_add() - a directory for a node
 * @node: the node
 *
 * Return: 0; -EEXIST if another node has the name.
 */
int qbd_sysfs_node_add(struct qbd_node *node)
{
	int err;

	init_completion(&node->kobj_done);
	err = kobject_init_and_add(&node->kobj, &qbd_sysfs_node_type,
				   qbd_sysfs_root, "%s", node->spec.name);
	if (err) {
		kobject_put(&node->kobj);
		wait_for_completion(&node->kobj_done);
	}
	return err;
}

/**
 * qbd_sysfs_node_del() - remove it; nobody is in it when this returns
 * @node: the node
 */
void qbd_sysfs_node_del(struct qbd_node *node)
{
	kobject_del(&node->kobj);
	kobject_put(&node->kobj);
	wait_for_completion(&node->kobj_done);
}

int qbd_sysfs_init(void)
{
	qbd_sysfs_root = kobject_create_and_add("qbd", kernel_kobj);
	return qbd_sysfs_root ? 0 : -ENOMEM;
}

void qbd_sysfs_destroy(void)
{
	kobject_put(qbd_sysfs_root);
}
