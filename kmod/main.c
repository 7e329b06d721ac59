// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: what is set up, in which order, and taken down in the opposite
 * one. Nothing else.
 */
#include <linux/module.h>

#include "compat.h"
#include "conn.h"
#include "debugfs.h"
#include "netlink.h"
#include "node.h"
#include "shard.h"
#include "store.h"
#include "sysfs.h"
#include "volume.h"

static int __init qbd_module_init(void)
{
	int err;

	err = qbd_kstore_module_init();
	if (err)
		return err;
	err = qbd_shard_module_init();
	if (err)
		goto err_kstore;
	err = qbd_conn_module_init();
	if (err)
		goto err_shard;
	err = qbd_sysfs_init();
	if (err)
		goto err_conn;
	qbd_debugfs_init();
	err = qbd_node_init();
	if (err)
		goto err_debugfs;
	err = qbd_netlink_init();
	if (err)
		goto err_node;
	return 0;

err_node:
	qbd_node_destroy();
err_debugfs:
	qbd_debugfs_destroy();
	qbd_sysfs_destroy();
err_conn:
	qbd_conn_module_exit();
err_shard:
	qbd_shard_module_exit();
err_kstore:
	qbd_kstore_module_exit();
	return err;
}

/* Every node pins the module: there is none when this runs. */
static void __exit qbd_module_exit(void)
{
	qbd_netlink_destroy();
	qbd_node_destroy();
	qbd_kstore_module_flush();
	qbd_volume_module_exit();
	qbd_debugfs_destroy();
	qbd_sysfs_destroy();
	qbd_conn_module_exit();
	qbd_shard_module_exit();
	qbd_kstore_module_exit();
}

module_init(qbd_module_init);
module_exit(qbd_module_exit);

MODULE_DESCRIPTION("Replicated block device with a write-ahead log");
MODULE_AUTHOR("qbd maintainers");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: crc32c_intel");
