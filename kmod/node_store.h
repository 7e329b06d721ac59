/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stores of a node and what is in them; see node_store.c.
 */
#ifndef QBD_NODE_STORE_H
#define QBD_NODE_STORE_H

struct qbd_stores_ops;

extern const struct qbd_stores_ops qbd_node_stores_ops;

#endif /* QBD_NODE_STORE_H */
