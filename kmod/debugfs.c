// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: qbd/NODE/{shards,replicas,pool}, dumps for people, and the
 * failpoints. No ABI. What is shown is a copy of each object, made under its
 * lock, one object after the other.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "debugfs.h"
#include "fault.h"
#include "node.h"
#include "pages.h"
#include "shard.h"

static struct dentry *qbd_debugfs_root;

/* --- shards and replicas: one line each -------------------------------- */

static void *qbd_debugfs_find(struct seq_file *seq, loff_t *pos)
{
	struct qbd_node *node = seq->private;
	unsigned long slot = *pos;
	struct qbd_shard *shard = qbd_node_shard_next(node, &slot);

	*pos = slot;
	return shard;
}

static void *qbd_debugfs_start(struct seq_file *seq, loff_t *pos)
{
	return qbd_debugfs_find(seq, pos);
}

static void *qbd_debugfs_next(struct seq_file *seq, void *v, loff_t *pos)
{
	qbd_shard_put(v);
	++*pos;
	return qbd_debugfs_find(seq, pos);
}

static void qbd_debugfs_stop(struct seq_file *seq, void *v)
{
	if (v)
		qbd_shard_put(v);
}

static int qbd_debugfs_shard_show(struct seq_file *seq, void *v)
{
	struct qbd_shard_counts counts = {};
	struct qbd_shard_leader *info;
	struct qbd_shard *shard = v;
	u32 i;

	info = kmalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	if (!qbd_shard_leader_info(shard, info))
		goto free;
	qbd_shard_counts_add(shard, &counts);
	seq_printf(
		seq,
		"%u/%u state %u term %llu epoch %llu last %llu completed %llu commit %llu lease %u ms inflight %u held %u\n",
		info->volume, info->number, info->state, info->term,
		info->epoch, info->last, info->completed, info->commit,
		info->lease_ms, counts.inflight, counts.held);
	for (i = 0; i < info->nr_members; i++)
		seq_printf(
			seq,
			"\tnode %u replica %llu state %u matched %llu durable %llu\n",
			info->member[i].node, info->member[i].replica,
			info->member[i].state, info->member[i].matched,
			info->member[i].durable);
free:
	kfree(info);
	return 0;
}

static int qbd_debugfs_replica_show(struct seq_file *seq, void *v)
{
	struct qbd_shard_replica *info;
	struct qbd_shard *shard = v;

	info = kmalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	if (qbd_shard_replica_info(shard, info))
		seq_printf(
			seq,
			"%u/%u replica %llu state %u promised %llu to %u last %llu.%llu durable %llu commit %llu applied %llu log from %llu %s\n",
			info->volume, info->set.number, info->id, info->state,
			info->promised_term, info->promised_node,
			info->last_term, info->last, info->durable,
			info->commit, info->applied, info->log_first,
			info->reason);
	kfree(info);
	return 0;
}

static const struct seq_operations qbd_debugfs_shards_sops = {
	.start = qbd_debugfs_start,
	.next = qbd_debugfs_next,
	.stop = qbd_debugfs_stop,
	.show = qbd_debugfs_shard_show,
};

static const struct seq_operations qbd_debugfs_replicas_sops = {
	.start = qbd_debugfs_start,
	.next = qbd_debugfs_next,
	.stop = qbd_debugfs_stop,
	.show = qbd_debugfs_replica_show,
};

DEFINE_SEQ_ATTRIBUTE(qbd_debugfs_shards);
DEFINE_SEQ_ATTRIBUTE(qbd_debugfs_replicas);

/* --- pages ------------------------------------------------------------- */

static int qbd_debugfs_pool_show(struct seq_file *seq, void *v)
{
	static const char *const name[QBD_NR_POOLS] = {
		[QBD_POOL_LOCAL] = "local", [QBD_POOL_PEER] = "peer",
		[QBD_POOL_SEND] = "send",   [QBD_POOL_FETCH] = "fetch",
		[QBD_POOL_RELOG] = "relog",
	};
	struct qbd_node *node = seq->private;
	struct qbd_pool_counts counts;
	u32 i;

	for (i = 0; i < QBD_NR_POOLS; i++) {
		qbd_pool_counts_get(&node->pools.pool[i], &counts);
		seq_printf(seq, "%s recycled %llu from_limbo %llu fresh %llu",
			   name[i], counts.recycled, counts.from_limbo,
			   counts.fresh);
		seq_printf(seq, " to_limbo %llu overflow %llu exhausted %llu",
			   counts.to_limbo, counts.overflow, counts.exhausted);
		seq_printf(seq, " owned %u free %u max %u\n", counts.owned,
			   counts.free, node->pools.pool[i].max);
	}
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(qbd_debugfs_pool);

/* --- life -------------------------------------------------------------- */

/**
 * qbd_debugfs_node_add() - a directory for a node
 * @node: the node
 */
void qbd_debugfs_node_add(struct qbd_node *node)
{
	struct dentry *dir =
		debugfs_create_dir(node->spec.name, qbd_debugfs_root);

	debugfs_create_file("shards", 0400, dir, node,
			    &qbd_debugfs_shards_fops);
	debugfs_create_file("replicas", 0400, dir, node,
			    &qbd_debugfs_replicas_fops);
	debugfs_create_file("pool", 0400, dir, node, &qbd_debugfs_pool_fops);
	node->dentry = dir;
}

/**
 * qbd_debugfs_node_del() - remove it; nobody is in it when this returns
 * @node: the node
 */
void qbd_debugfs_node_del(struct qbd_node *node)
{
	debugfs_remove(node->dentry);
}

void qbd_debugfs_init(void)
{
	qbd_debugfs_root = debugfs_create_dir("qbd", NULL);
	qbd_fault_init(qbd_debugfs_root);
}

void qbd_debugfs_destroy(void)
{
	qbd_fault_exit();
	debugfs_remove(qbd_debugfs_root);
}
