/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State in sysfs, one value per file, read-only but for few tunables; see
 * sysfs.c.
 */
#ifndef QBD_SYSFS_H
#define QBD_SYSFS_H

struct qbd_node;

int qbd_sysfs_init(void);
void qbd_sysfs_destroy(void);
int qbd_sysfs_node_add(struct qbd_node *node);
void qbd_sysfs_node_del(struct qbd_node *node);

#endif /* QBD_SYSFS_H */
