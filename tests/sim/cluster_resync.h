/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shell does for a resync.
 */
#ifndef QBD_SIM_CLUSTER_RESYNC_H
#define QBD_SIM_CLUSTER_RESYNC_H

#include "cluster.h"

/* The context of what a replica asks within a step: node and shard. */
struct cl_ctx {
	struct cl_world *w;
	u32 node;
	u32 shard;
};

extern const struct qbd_resync_ops cl_resync_ops;

void cl_copy_act(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_action *act);
void cl_copy_send_pin(struct cl_world *w, u32 node, u32 shard,
		      const struct qbd_action *act);

struct cl_store;

void cl_copies_run(struct cl_world *w, struct cl_store *s);
void cl_copies_drop(struct cl_store *s);

#endif /* QBD_SIM_CLUSTER_RESYNC_H */
