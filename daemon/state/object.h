/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the state; state.h says what for, and what becomes of them.
 *
 * A slot is the place of an object in its table.  Slots of nodes, stores and
 * volumes are the same on every server (the lowest free one is taken, and
 * snapshots have them), so objects name each other by slot where memory counts.
 * Fields marked [derived] follow from others and are in no snapshot.
 */
#ifndef QBD_STATE_OBJECT_H
#define QBD_STATE_OBJECT_H

#include "limits.h"
#include "object_volume.h"

#define STATE_SETTINGS(X)                                                \
	X(VOTERS, "voters", 3, 3, 7) /* wanted; odd */                   \
	X(REPAIR_AFTER, "repair-after-ms", 600000, 1000, 604800000)      \
	X(SUSPECT_AFTER, "suspect-after-ms", 1500, 100, 600000)          \
	X(VOTER_AFTER, "replace-voter-after-ms", 60000, 1000, 604800000) \
	X(JOBS_AT_ONCE, "repairs-at-once", 8, 1, 1024)                   \
	X(LEASE_MS, "lease-ms", 1500, 100, 60000)                        \
	X(FEATURE, "feature-level", 1, 1, 1)

/*
 * CLUSTER_SET of what is none of these raises the feature level, up to this.
 * Servers of level 1 refuse the level itself above 1, and may have logged that:
 * its meaning must not change.  Who does not know it ends (STATE_WHY_NEWER).
 */
#define STATE_SET_LEVEL 254
#ifndef STATE_LEVEL_MAX /* tests build older ones, too */
#define STATE_LEVEL_MAX 2
#endif

#define STATE_SETTING_ENUM(name, key, def, min, max) STATE_SET_##name,

/* Settings of the cluster; above, with key, default, bounds. */
enum state_setting {
	STATE_SETTINGS(STATE_SETTING_ENUM) STATE_SETTINGS_NR
};

/**
 * struct state_cluster - the cluster
 * @uuid: its id
 * @name: its name
 * @made: there is one
 * @lineage: of the kernels: the one that the cluster began with
 * @term_floor: every term granted, and every epoch made, is higher (S16)
 * @now_ms: the latest clock of a proposer
 * @applied: commands that were applied, or refused by their content
 * @next_node: ids never given out yet; so the counters below
 * @next_store: counter
 * @next_volume: counter
 * @next_replica: counter
 * @next_raft: counter
 * @next_client: counter
 * @next_job: counter
 * @setting: by enum state_setting
 */
struct state_cluster {
	u8 uuid[16];
	char name[STATE_NAME_MAX + 1];
	u8 made;
	u64 lineage;
	u64 term_floor;
	u64 now_ms;
	u64 applied;
	u32 next_node;
	u32 next_store;
	u32 next_volume;
	u64 next_replica;
	u64 next_raft;
	u64 next_client;
	u64 next_job;
	u32 setting[STATE_SETTINGS_NR];
};

/**
 * enum state_node_state - what a node may do
 * @STATE_NODE_JOINING: known, its daemon has not come yet
 * @STATE_NODE_ACTIVE: all
 * @STATE_NODE_DRAINING: nothing new; what it has moves away
 * @STATE_NODE_REMOVED: nothing, for ever
 */
enum state_node_state {
	STATE_NODE_JOINING = 1,
	STATE_NODE_ACTIVE,
	STATE_NODE_DRAINING,
	STATE_NODE_REMOVED,
};

/*
 * The id of a node's Raft server: a message for it finds its way without the
 * state, which a server that joins the group has not got yet.
 */
#define STATE_SERVER(node, number) ((u64)(node) << 32 | (number))

/* No token: a node with a key that nobody has, and who joins as it, is it. */
#define STATE_TOKEN_REKEY U64_MAX
/* No token: a node that is lost for good; its key is refused. */
#define STATE_TOKEN_LOST (U64_MAX - 1)

/**
 * enum state_wish - what a node may be in the group of Raft servers
 * @STATE_WISH_ANY: whatever the planner wants
 * @STATE_WISH_NEVER: no member
 * @STATE_WISH_VOTER: rather than others
 */
enum state_wish {
	STATE_WISH_ANY,
	STATE_WISH_NEVER,
	STATE_WISH_VOTER
};

/**
 * struct state_addr - an address of a node
 * @use: 0 control, 1 data
 * @family: 4 or 6
 * @port: its port
 * @ip: the address; of IPv4 the first 4 bytes, then zeros
 */
struct state_addr {
	u8 use;
	u8 family;
	u16 port;
	u8 ip[16];
};

/**
 * struct state_label - a free label
 * @key: its name
 * @value: its value
 */
struct state_label {
	char key[STATE_LABEL_MAX + 1];
	char value[STATE_LABEL_MAX + 1];
};

/**
 * struct state_node - a node
 * @id: never used twice
 * @name: unique among those that are not removed
 * @state: enum state_node_state
 * @wish: enum state_wish
 * @nr_addrs: used of @addr
 * @nr_labels: used of @label
 * @addr: where it is
 * @zone: failure domain, empty = none; so the two below
 * @rack: failure domain
 * @host: failure domain
 * @label: free ones
 * @key: Ed25519 public key: who can sign with it is this node
 * @token: with which it joined, 0 = it was first; or STATE_TOKEN_REKEY,
 *	or STATE_TOKEN_LOST
 * @raft: id of its Raft server, 0 = none; another one after each loss
 * @nr_stores: used of @store [derived]
 * @store: slots of its stores [derived]
 * @held: first volume that it holds, a slot [derived]
 */
struct state_node {
	u32 id;
	char name[STATE_NAME_MAX + 1];
	u8 state;
	u8 wish;
	u16 nr_addrs;
	u16 nr_labels;
	struct state_addr addr[STATE_ADDRS_MAX];
	char zone[STATE_LABEL_MAX + 1];
	char rack[STATE_LABEL_MAX + 1];
	char host[STATE_LABEL_MAX + 1];
	struct state_label label[STATE_LABELS_MAX];
	u8 key[32];
	u64 token;
	u64 raft;
	u16 nr_stores;
	u16 store[STATE_NODE_STORES_MAX];
	u32 held;
};

/**
 * struct state_token - whoever knows its secret may join
 * @id: random, of whoever made its secret
 * @psk: derived from the secret; the secret itself is nowhere
 * @expires_ms: not later
 * @uses: how often still
 */
struct state_token {
	u64 id;
	u8 psk[32];
	u64 expires_ms;
	u32 uses;
};

/**
 * enum state_store_state - what a store may do
 * @STATE_STORE_ACTIVE: all
 * @STATE_STORE_FAILED: it said so itself
 * @STATE_STORE_GONE: nobody heard of it since @gone_ms
 * @STATE_STORE_DRAINING: nothing new; what it has moves away
 * @STATE_STORE_REMOVED: nothing, for ever
 * @STATE_STORE_LOST: as FAILED, for good: REMOVED when it has nothing; level 2
 */
enum state_store_state {
	STATE_STORE_ACTIVE = 1,
	STATE_STORE_FAILED,
	STATE_STORE_GONE,
	STATE_STORE_DRAINING,
	STATE_STORE_REMOVED,
	STATE_STORE_LOST,
};

/**
 * struct state_store - a store
 * @id: never used twice
 * @uuid: what stands in its superblock
 * @node: id of its node, whose labels are its failure domains
 * @state: enum state_store_state
 * @capacity: bytes
 * @free: bytes, as it last said
 * @opens: how often it was opened, at least (S11)
 * @gone_ms: since when it is FAILED, GONE or LOST, else 0
 * @nr: replicas on it, those to be made too [derived]
 * @nr_tombs: replicas that it still has to delete [derived]
 * @tomb: first of them, a slot; in the order they came [derived]
 * @tomb_last: last of them [derived]
 */
struct state_store {
	u32 id;
	u8 uuid[16];
	u32 node;
	u8 state;
	u64 capacity;
	u64 free;
	u64 opens;
	u64 gone_ms;
	u16 nr;
	u16 nr_tombs;
	u32 tomb;
	u32 tomb_last;
};

/**
 * enum state_job_state - how a job is
 * @STATE_JOB_RUNNING: under way
 * @STATE_JOB_WAITING: for what its reason says
 * @STATE_JOB_DONE: ended well
 * @STATE_JOB_FAILED: ended otherwise
 */
enum state_job_state {
	STATE_JOB_RUNNING = 1,
	STATE_JOB_WAITING,
	STATE_JOB_DONE,
	STATE_JOB_FAILED,
};

/**
 * enum state_job_kind - what a job does
 * @STATE_JOB_REPLACE: puts one replica elsewhere
 * @STATE_JOB_DRAIN_NODE: moves all away from a node
 * @STATE_JOB_DRAIN_STORE: moves all away from a store
 * @STATE_JOB_DELETE: deletes a volume
 * @STATE_JOB_GROW: makes a volume larger
 * @STATE_JOB_CREATE: makes a volume
 */
enum state_job_kind {
	STATE_JOB_REPLACE = 1,
	STATE_JOB_DRAIN_NODE,
	STATE_JOB_DRAIN_STORE,
	STATE_JOB_DELETE,
	STATE_JOB_GROW,
	STATE_JOB_CREATE,
};

/**
 * struct state_job - work that takes long
 * @id: never used twice
 * @kind: enum state_job_kind
 * @state: enum state_job_state
 * @target: id of the node, store, volume or replica
 * @volume: REPLACE: of which
 * @number: REPLACE: of which shard
 * @done: how much
 * @total: of how much
 * @since_ms: when it began
 * @reason: why it waits or failed
 */
struct state_job {
	u64 id;
	u8 kind;
	u8 state;
	u64 target;
	u32 volume;
	u32 number;
	u64 done;
	u64 total;
	u64 since_ms;
	char reason[STATE_REASON_MAX + 1];
};

#endif /* QBD_STATE_OBJECT_H */
