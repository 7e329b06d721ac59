/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the cluster's simulator offer each other; the whole is told
 * in cluster_world.h.
 */
#ifndef QBD_SIM_CLUSTER_H
#define QBD_SIM_CLUSTER_H

#include "cluster_oracle.h"
#include "cluster_world.h"

/* The run prints what happens. */
#define cl_trace(w, fmt, ...)                                                \
	do {                                                                 \
		if ((w)->trace)                                              \
			printf("%9.3f " fmt, (double)(w)->now_ns / 1000000., \
			       ##__VA_ARGS__);                               \
	} while (0)

/* cluster_world.c: time, chance, memory that is used again and again. */
struct cl_world *cl_world_new(void);
void cl_world_run(struct cl_world *w, u64 seed, bool trace);
void cl_at(struct cl_world *w, u64 delay_ns, const struct cl_event *event);
u64 cl_rand(struct cl_world *w, u64 below);
bool cl_chance(struct cl_world *w, u32 percent);
void cl_mix(struct cl_world *w, u64 value);
struct cl_item *cl_item_new(void);
void cl_item_free(struct cl_item *item);
void cl_push(struct cl_fifo *fifo, struct cl_item *item);
void cl_push_back(struct cl_fifo *fifo, struct cl_item *item);
struct cl_item *cl_pop(struct cl_fifo *fifo);
struct cl_payload *cl_payload_new(struct cl_world *w, u32 blocks);
void cl_payload_get(void *payload);
void cl_payload_put(void *payload);
void cl_payload_forget(u32 node);
u32 cl_payload_live(void);

/* cluster_net.c: links. */
void cl_net_send(struct cl_world *w, u32 from, u32 shard,
		 const struct qbd_action *act, struct cl_payload *payload);
void cl_net_deliver(struct cl_world *w, u32 from, u32 to, u32 conn);
void cl_net_beats(struct cl_world *w, u32 node);
void cl_net_join(struct cl_world *w, u32 a, u32 b);
void cl_net_break(struct cl_world *w, u32 a, u32 b);
void cl_net_reset(struct cl_world *w, u32 a, u32 b, u32 conn);
void cl_net_crash(struct cl_world *w, u32 node);
void cl_net_tick(struct cl_world *w, u32 node);
void cl_net_clear(struct cl_world *w);

/* cluster_node.c: nodes and the steps of their machines. */
u64 cl_node_now(const struct cl_world *w, u32 node);
int cl_shard_of(const struct cl_world *w, const struct qbd_shard_key *key);
int cl_lead_step(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_leader_event *event);
void cl_rep_step(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_replica_event *event);
void cl_pump(struct cl_world *w, u32 node, u32 shard);
void cl_node_tick(struct cl_world *w, u32 node);
void cl_node_start(struct cl_world *w, u32 node);
void cl_node_crash(struct cl_world *w, u32 node);
void cl_node_fail_store(struct cl_world *w, u32 node, int err);
void cl_node_close_store(struct cl_world *w, u32 node);
int cl_node_bury(struct cl_world *w, u32 node, u32 shard, u64 epoch);
void cl_node_replica(struct cl_world *w, u32 node, u32 shard);
void cl_node_floor(struct cl_world *w, u32 node);
void cl_link_told(struct cl_world *w, u32 node, u32 peer);

/* cluster_act.c: actions. */
void cl_act(struct cl_world *w, u32 node, u32 shard, struct cl_item *item);
void cl_act_drop(struct cl_item *item);
void cl_deliver(struct cl_world *w, u32 from, u32 to, u32 shard,
		struct qbd_msg *msg);
void cl_log_retry(struct cl_world *w, u32 node);
void cl_read_done(struct cl_world *w, u32 node, struct cl_read *got);

/* cluster_client.c: requests. */
void cl_client_run(struct cl_world *w, u32 client);
void cl_op_done(struct cl_world *w, struct cl_op *op, int err, u64 made_ns);
void cl_ops_retry(struct cl_world *w, u32 node, u32 shard);
void cl_ops_lost(struct cl_world *w, u32 node);

/* cluster_daemon.c: terms. */
bool cl_attach(struct cl_world *w, u32 volume, u32 node);
bool cl_attach_again(struct cl_world *w, u32 volume, u32 node, u64 term);
void cl_detach(struct cl_world *w, u32 volume, u32 node);
void cl_release(struct cl_world *w, u32 volume);
bool cl_drained(const struct cl_world *w, u32 volume, u32 node);
void cl_daemon_run(struct cl_world *w, u32 volume);
void cl_attach_reset(struct cl_world *w, u32 volume, u32 node);
void cl_leaders_start(struct cl_world *w, u32 volume, u32 node, u32 from,
		      u32 to);
void cl_volume_do(struct cl_world *w, u32 node, u32 volume, u32 what);

/* cluster_grow.c: more shards. */
void cl_grow_layout(struct cl_world *w, u32 volume);
void cl_grow_run(struct cl_world *w, u32 volume);
void cl_grow_told(struct cl_world *w, u32 volume, u32 node, u64 term, u32 nr);

/* cluster_config.c: replica sets. */
void cl_config_layout(struct cl_world *w, u32 shard);
void cl_config_run(struct cl_world *w, u32 shard);
void cl_config_report(struct cl_world *w, u32 shard, u64 term, u64 epoch);
u32 cl_set_nodes(const struct qbd_set *set, u16 mask);

/* cluster_fault.c: what goes wrong. */
void cl_faults_start(struct cl_world *w);
void cl_fault_run(struct cl_world *w);
void cl_fault_forget(struct cl_world *w, u32 slot);
void cl_fault_heal(struct cl_world *w, u32 slot);
void cl_fault_heal_all(struct cl_world *w);
void cl_fault_phase(struct cl_world *w, u32 node, u32 shard);

/* cluster_full.c: stores that run full. */
void cl_full_strike(struct cl_world *w, u32 node);
void cl_full_heal(struct cl_world *w, u32 node);
bool cl_full_refuses(struct cl_world *w, u32 node,
		     const struct qbd_action *act);

/* cluster_verify.c: copies are compared. */
void cl_verify_run(struct cl_world *w, u32 shard);
void cl_verify_act(struct cl_world *w, u32 node, u32 shard,
		   const struct qbd_action *act);
void cl_verify_served(struct cl_world *w, u32 node, struct cl_read *got);
void cl_verify_logged(struct cl_world *w, u32 node, u32 shard,
		      const struct qbd_msg_append *append);
void cl_verify_forget(struct cl_world *w, u32 node);
bool cl_verify_rest(struct cl_world *w, u32 shard, u32 holder);

#endif /* QBD_SIM_CLUSTER_H */
