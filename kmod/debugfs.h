/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps for people in debugfs; see debugfs.c. No ABI.
 */
#ifndef QBD_DEBUGFS_H
#define QBD_DEBUGFS_H

struct qbd_node;

void qbd_debugfs_init(void);
void qbd_debugfs_destroy(void);
void qbd_debugfs_node_add(struct qbd_node *node);
void qbd_debugfs_node_del(struct qbd_node *node);

#endif /* QBD_DEBUGFS_H */
