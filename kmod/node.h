/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node: all of qbd's state in one network namespace.
 *
 * LIFE. qbd_node_start() makes the namespace a node; the node pins the
 * namespace and the module until qbd_node_stop() or qbd_node_crash() has
 * ended it, as a mount would, because connections handed over by the daemon
 * pin the namespace anyway and its exit could never do the job.
 *
 * References to struct qbd_node: the namespace while the node is running or
 * ending; each shard; each volume until it is detached; each connection; each
 * caller of qbd_node_find(). The end waits for all of them but its own.
 *
 * The functions below that change something are what netlink calls. They
 * check the whole request, start what it asks for and return: none waits for
 * a disk, a peer or a device. What they start runs on @wq and ends in an
 * event and in the state that the dumps show.
 */
#ifndef QBD_NODE_H
#define QBD_NODE_H

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/qbd.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "pages.h"
#include "peer.h"
#include "refusal.h"
#include "store.h"

struct dentry;
struct qbd_shard;
struct qbd_volume;

/**
 * struct qbd_node_spec - what an administrator says of a node
 * @id: node id, unique in the cluster, not 0
 * @name: for people
 * @cluster: the cluster's uuid
 * @lineage: changes when a cluster is restored from a backup
 * @lease_ms: longest lease granted to a holder; 0 takes the default
 */
struct qbd_node_spec {
	u32 id;
	char name[QBD_NAME_MAX + 1];
	u8 cluster[QBD_UUID_LEN];
	u64 lineage;
	u32 lease_ms;
};

/**
 * struct qbd_node - see the top of this file
 * @spec: what the administrator said [const]
 * @net: our namespace, pinned [const]
 * @refs: see the top of this file [atomic]
 * @refs_wait: woken when a reference goes [atomic]
 * @config_mutex: rank QBD_RANK_CONFIG; taken by netlink and by work items,
 *	never held over I/O
 * @state: running, stopping, stopped, crashed [config_mutex; READ_ONCE ok]
 * @stores: its stores [own locks]
 * @pools: payload pages [own locks]
 * @volumes: attached volumes, by id [xa_lock; RCU for readers]
 * @shards: by qbd_shard_slot() [xa_lock; RCU for readers]
 * @peers: other nodes, by id; they live as long as the node [xa_lock; RCU
 *	for readers; config_mutex for writers]
 * @nr_peers: how many [config_mutex]
 * @nr_volumes: attached volumes [atomic]
 * @nr_replicas: replicas of all stores [atomic]
 * @wq: opens, closes, adds and removes; no part of the I/O path [const]
 * @io_wq: timers and pumps of the I/O path, WQ_MEM_RECLAIM [const]
 * @end_work: ends the node [owner: qbd_node_end_work()]
 * @tick_work: time for all shards [owner: qbd_node_tick_work()]
 * @ticks: counts ticks [owner: qbd_node_tick_work()]
 * @giver: how the pools say that LOCAL is empty [const]
 * @scarce: so it was since the last tick [atomic]
 * @self: this node as a peer of itself: leases [own lock]
 * @event_lock: rank QBD_RANK_EVENT: orders events
 * @event_seq: number of the newest event [event_lock; READ_ONCE ok]
 * @kobj: /sys/kernel/qbd/NAME [const]
 * @kobj_done: nobody is in @kobj any more [atomic]
 * @dentry: debugfs directory [const]
 */
struct qbd_node {
	struct qbd_node_spec spec;
	struct net *net;
	refcount_t refs;
	wait_queue_head_t refs_wait;
	struct mutex config_mutex; /* rank CONFIG */
	enum qbd_node_state state;
	struct qbd_stores stores;
	struct qbd_pools pools;
	struct xarray volumes;
	struct xarray shards;
	struct xarray peers;
	u32 nr_peers;
	atomic_t nr_volumes;
	atomic_t nr_replicas;
	struct workqueue_struct *wq;
	struct workqueue_struct *io_wq;
	struct work_struct end_work;
	struct delayed_work tick_work;
	u32 ticks;
	struct qbd_pool_giver giver;
	bool scarce;
	struct qbd_peer self;
	spinlock_t event_lock; /* rank EVENT */
	u64 event_seq;
	struct kobject kobj;
	struct completion kobj_done;
	struct dentry *dentry;
};

/**
 * struct qbd_node_counts - sizes of a node's tables
 * @stores: stores, open or not
 * @volumes: attached volumes
 * @replicas: replicas of all stores
 */
struct qbd_node_counts {
	u32 stores;
	u32 volumes;
	u32 replicas;
};

/**
 * struct qbd_store_spec - a store to be opened
 * @path: of the block device, as the caller sees it
 * @uuid: store uuid that must be found there; all zero = any
 * @opens_min: below this generation counter its replicas do not vote
 */
struct qbd_store_spec {
	const char *path;
	u8 uuid[QBD_UUID_LEN];
	u64 opens_min;
};

/**
 * struct qbd_member_spec - a member of a replica set
 * @node: where it is
 * @replica: replica id
 * @role: what it counts for
 */
struct qbd_member_spec {
	u32 node;
	u64 replica;
	enum qbd_member_role role;
};

/**
 * struct qbd_set_spec - the replica set of one shard
 * @number: of the shard in its volume
 * @nr_members: how many members
 * @epoch: config epoch of the set
 * @member: the members
 */
struct qbd_set_spec {
	u32 number;
	u32 nr_members;
	u64 epoch;
	struct qbd_member_spec member[2 * QBD_SET_MEMBERS_MAX];
};

/**
 * struct qbd_replica_spec - a replica to be created
 * @id: replica id, never used before
 * @volume: volume id
 * @store: uuid of the store that shall hold it
 * @size_bytes: of the shard
 * @set: the replica set that it is a member of; @set.number is the shard
 */
struct qbd_replica_spec {
	u64 id;
	u32 volume;
	u8 store[QBD_UUID_LEN];
	u64 size_bytes;
	struct qbd_set_spec set;
};

int qbd_node_init(void);
void qbd_node_destroy(void);
bool qbd_node_name_ok(const char *name);

/* Life; what netlink calls. */
int qbd_node_start(struct net *net, const struct qbd_node_spec *spec,
		   struct qbd_refusal *why);
int qbd_node_stop(struct qbd_node *node, struct qbd_refusal *why);
int qbd_node_crash(struct qbd_node *node, struct qbd_refusal *why);

struct qbd_node *qbd_node_find(struct net *net);
void qbd_node_get(struct qbd_node *node);
void qbd_node_put(struct qbd_node *node);
void qbd_node_counts_get(struct qbd_node *node, struct qbd_node_counts *counts);

/* Stores and replicas; what netlink calls. */
int qbd_node_store_add(struct qbd_node *node, const struct qbd_store_spec *spec,
		       struct qbd_refusal *why);
int qbd_node_store_remove(struct qbd_node *node, const u8 uuid[QBD_UUID_LEN],
			  struct qbd_refusal *why);
int qbd_node_replica_create(struct qbd_node *node,
			    const struct qbd_replica_spec *spec,
			    struct qbd_refusal *why);
int qbd_node_replica_floor(struct qbd_node *node, u64 replica, u64 term,
			   struct qbd_refusal *why);
int qbd_node_replica_delete(struct qbd_node *node, u64 replica, u64 epoch,
			    struct qbd_refusal *why);

/*
 * For dumps: the object at @key or the next one after it, with a reference,
 * NULL at the end; @key becomes its key. Go on with key + 1.
 */
struct qbd_store *qbd_node_store_next(struct qbd_node *node,
				      unsigned long *key);
struct qbd_volume *qbd_node_volume_next(struct qbd_node *node,
					unsigned long *key);
struct qbd_shard *qbd_node_shard_next(struct qbd_node *node,
				      unsigned long *key);

#endif /* QBD_NODE_H */
