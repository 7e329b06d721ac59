/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of everything, and why.
 *
 * Limits are counts, and they belong to the state: whether a command finds room
 * is the same on every server, whatever malloc() would say there.  So all
 * memory is handed over at once at create, enough for every limit at the same
 * time (state_bytes()).  Pages that were never written cost nothing in an
 * anonymous mapping, so a small cluster pays for what it has.
 */
#ifndef QBD_STATE_LIMITS_H
#define QBD_STATE_LIMITS_H

#include "env.h"

#define STATE_NODES_MAX 1000 /* of one cell, that are not removed */
#define STATE_NODE_STORES_MAX 16 /* 7.5 million copies at 512 a store: 15 */
#define STATE_COPIES_MAX 7 /* QBD_SET_MAX of the kernel */
#define STATE_SHARD_INLINE 3 /* copies that need no further memory */
#define STATE_VOLUME_SHARDS_MAX 65536 /* what a kernel takes in one attach */
#define STATE_STORE_REPLICAS_MAX 512 /* QBD_STORE_REPLICAS_MAX */
#define STATE_NAME_MAX 63 /* bytes; of the netlink interface */
#define STATE_LABEL_MAX 31 /* bytes of a label's key or value */
#define STATE_LABELS_MAX 4 /* free ones, beside zone, rack, host */
#define STATE_ADDRS_MAX 8 /* control, and as many data links as peers have */
#define STATE_AUTOS_MAX 4 /* nodes that may attach by themselves */
#define STATE_RUN_MAX 255 /* bytes of a unit or command */
#define STATE_REASON_MAX 95 /* bytes of a job's reason */
#define STATE_WINDOW 8 /* requests of a client that may be under way */
#define STATE_COMMAND_BYTES_MAX (64 * 1024) /* RAFT_ENTRY_BYTES_MAX */
#define STATE_SHIFT_MIN 26 /* smallest shard: 64 MiB */
#define STATE_SHIFT_MAX 40 /* largest: 1 TiB */
#define STATE_BLOCK 4096 /* sizes are multiples */
/* a million a second for 8 years */
#define STATE_REPLICA_ID_MAX (BIT_ULL(48) - 1)
#define STATE_TERM_MAX BIT_ULL(62) /* below QBD_WAL_TERM_MAX */
#define STATE_NUMBER_MAX BIT_ULL(62) /* of counters: no wrap */
/*
 * How far a restore goes past what its server knows: more than the lost ones
 * can have given out since. Terms, epochs, and counters of 64 bits; of 32 bits,
 * these to a multiple, so that one sees which ids are from before it.
 */
#define STATE_RESTORE_JUMP BIT_ULL(20)
#define STATE_RESTORE_IDS BIT(16)
#define STATE_DELTA_MAX 64 /* more objects changed: take everything */

/**
 * struct state_limits - how many of each
 * @nodes: that are not removed
 * @node_slots: with those that are; the oldest of these is forgotten
 * @stores: as @nodes
 * @store_slots: as @node_slots, below 65536
 * @store_replicas: on one store, tombstones included
 * @volumes: of any state
 * @shards: of all volumes
 * @wides: shards with more than STATE_SHARD_INLINE copies
 * @changes: replica sets that are being changed
 * @tombs: replicas that a node has to delete
 * @tokens: for joining
 * @jobs: under way, and the last ones that ended
 * @clients: that are remembered
 *
 * They are in every snapshot: one of other limits is refused.
 */
struct state_limits {
	u32 nodes;
	u32 node_slots;
	u32 stores;
	u32 store_slots;
	u32 store_replicas;
	u32 volumes;
	u32 shards;
	u32 wides;
	u32 changes;
	u32 tombs;
	u32 tokens;
	u32 jobs;
	u32 clients;
};

/* A cell: what every server of a cluster uses. */
#define STATE_LIMITS_CELL                                                   \
	((struct state_limits){ .nodes = STATE_NODES_MAX,                   \
				.node_slots = 4 * STATE_NODES_MAX,          \
				.stores = STATE_NODES_MAX *                 \
					  STATE_NODE_STORES_MAX,            \
				.store_slots = 65000,                       \
				.store_replicas = STATE_STORE_REPLICAS_MAX, \
				.volumes = 100000,                          \
				.shards = 2500000,                          \
				.wides = 250000,                            \
				.changes = 65536,                           \
				.tombs = 262144,                            \
				.tokens = 256,                              \
				.jobs = 4096,                               \
				.clients = 4096 })

#endif /* QBD_STATE_LIMITS_H */
