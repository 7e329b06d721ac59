/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a node has of its replicas: the interface of the real store, for a
 * schedule that has one, and of a plain log that does the same, for all others.
 *
 * The plain log persists in order when it likes, has a copy of what is durable,
 * and forgets the rest when the node crashes.
 */
#ifndef QBD_SIM_CLUSTER_LOG_H
#define QBD_SIM_CLUSTER_LOG_H

#include "cluster_world.h"

/* What a node's medium has of a replica. */
struct cl_have {
	struct qbd_promise promise;
	struct qbd_pos last;
	u64 durable;
	u64 commit;
	u64 applied;
	u32 flags;
	u64 config_epoch;
	u64 incarnation;
	u64 opens;
};

/* A record's payload, on its way out of the log. */
struct cl_fetched {
	struct cl_payload *payload; /* a reference of the caller's */
	int err;
};

void cl_log_new(struct cl_world *w);
void cl_log_format(struct cl_world *w);
int cl_log_open(struct cl_world *w, u32 node);
void cl_log_close(struct cl_world *w, u32 node, bool crash);
int cl_log_have(struct cl_world *w, u32 node, u32 shard, struct cl_have *have);
int cl_log_delete(struct cl_world *w, u32 node, u32 shard, u64 epoch);
int cl_log_put(struct cl_world *w, u32 node, u32 shard, struct qbd_action *act);
void cl_log_bound(struct cl_world *w, u32 node, u32 shard, u64 index);
void cl_log_flags(struct cl_world *w, u32 node, u32 shard, u32 flags);
u64 cl_log_term_at(const struct cl_node *node, u32 shard, u64 index);
bool cl_log_get(const struct cl_node *node, u32 shard, u64 index,
		struct qbd_log_rec *rec);
struct cl_fetched cl_log_fetch(struct cl_world *w, u32 node, u32 shard,
			       u64 index);
void cl_log_read(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_action *act);
void cl_log_step(struct cl_world *w, u32 node);
void cl_log_read_end(struct cl_world *w, u32 slot);
void cl_log_tick(struct cl_world *w, u32 node);
bool cl_log_idle(struct cl_world *w, u32 node);
void cl_log_values(struct cl_world *w, u32 node, u32 shard, u32 *value);

/* Called when records up to @index, a promise or a truncation are durable. */
void cl_log_logged(struct cl_world *w, u32 node, u32 shard, struct qbd_pos pos);
void cl_log_promised(struct cl_world *w, u32 node, u32 shard, u64 term,
		     u64 nonce);
void cl_log_truncated(struct cl_world *w, u32 node, u32 shard);

/* The real store, with the same meaning; cluster_store.c, cluster_open.c. */
void cl_store_new(struct cl_world *w);
void cl_store_format(struct cl_world *w);
int cl_store_open(struct cl_world *w, u32 node);
void cl_store_close(struct cl_world *w, u32 node, bool crash);
int cl_store_have(struct cl_world *w, u32 node, u32 shard,
		  struct cl_have *have);
int cl_store_delete(struct cl_world *w, u32 node, u32 shard, u64 epoch);
int cl_store_put(struct cl_world *w, u32 node, u32 shard,
		 struct qbd_action *act);
void cl_store_bound(struct cl_world *w, u32 node, u32 shard, u64 index);
void cl_store_flags(struct cl_world *w, u32 node, u32 shard, u32 flags);
u64 cl_store_term_at(const struct cl_node *node, u32 shard, u64 index);
bool cl_store_get(const struct cl_node *node, u32 shard, u64 index,
		  struct qbd_log_rec *rec);
struct cl_fetched cl_store_fetch(struct cl_world *w, u32 node, u32 shard,
				 u64 index);
void cl_store_read(struct cl_world *w, u32 node, u32 shard,
		   const struct qbd_action *act);
void cl_store_disk(struct cl_world *w, u32 node);
void cl_store_tick(struct cl_world *w, u32 node);
bool cl_store_idle(struct cl_world *w, u32 node);
void cl_store_values(struct cl_world *w, u32 node, u32 shard, u32 *value);
void cl_store_settle(struct cl_world *w, u32 node);
void cl_store_lasts(struct cl_world *w, u32 node, u32 shard,
		    u64 last[CL_CHUNKS]);
void cl_store_blank(struct cl_world *w, u32 node);
void cl_store_rot(struct cl_world *w, u32 node);
void cl_store_faults(struct cl_world *w, u32 node);

/* Stamps in real blocks. */
void cl_stamp(struct cl_payload *payload, u32 shard, u32 block);
u32 cl_stamp_read(const u8 *data, u32 shard, u32 block);

#endif /* QBD_SIM_CLUSTER_LOG_H */
