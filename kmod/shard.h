/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A shard on this node: its leader, if the volume is attached here, and its
 * replica, if a store here holds one.
 *
 * Leader and replica are state machines of the core. They share one lock, one
 * queue of actions and one pump. Whoever has an event takes the lock with
 * qbd_shard_lock(), which makes sure that there is room for the actions,
 * steps the machine, and drops the lock with qbd_shard_unlock(). That also
 * carries out what is in the queue, without the lock and in order, unless
 * somebody else is at it. So no step overtakes another one, and nobody waits
 * for anybody.
 *
 *	shard.c		life, lookup, what dumps show
 *	shard_queue.h	what machines want done, until it is
 *	shard_pump.c	the lock, the queue of actions, the pump
 *	shard_act.c	carrying out: a table, one function per action
 *	shard_lead.c	leader: requests in, out, stolen
 *	shard_replica.c	replica: its life in a store, what the store reports
 *	shard_log.c	replica: records and promises on their way to the log
 *	shard_peer.c	what comes from peers, what goes to them
 *	shard_set.c	leader: its replica set, and how that changes
 *
 * LIFE. A shard is in the node's table while it has a leader or a replica.
 * References to struct qbd_shard: the node's table; the volume; the store,
 * while the replica is attached to it; each request; the pump's work item
 * while queued; callers of qbd_shard_find().
 *
 * REQUESTS. All that the volume gave to this shard and that have not ended are
 * in @reqs; those that the leader could not take yet are in @held too. See
 * request.h for who may end one.
 *
 * CORKED. While the block layer hands over several writes, what goes to peers
 * waits in the connections' queues: each write would make a segment of its own,
 * and its followers a log write. See blk.c.
 *
 * Context: process; the log threads of stores, submitters and work items step
 * the machines.
 */
#ifndef QBD_SHARD_H
#define QBD_SHARD_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/qbd.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "core/leader.h"
#include "core/replica.h"
#include "limits.h"
#include "locking.h"
#include "node.h"
#include "shard_info.h"
#include "shard_lead.h"
#include "shard_queue.h"
#include "store.h"

struct qbd_conn;
struct qbd_request;
struct qbd_volume;

/**
 * struct qbd_shard_link - what a leader was told of the link to a node
 * @node: the node, 0 = not in use
 * @gen: number of the connection, 0 = none
 */
struct qbd_shard_link {
	u32 node;
	u64 gen;
};

/**
 * struct qbd_shard - see the top of this file
 * @lock: rank QBD_RANK_SHARD
 * @key: which shard [const]
 * @node: our node, referenced [const]
 * @refs: see the top of this file [atomic]
 * @blocks: the queue of actions; at least one block [lock]
 * @pumping: somebody carries actions out [lock]
 * @lead_more: the leader has more to say [lock]
 * @rep_more: the replica has more to say [lock]
 * @held_more: the leader may take what is held [lock]
 * @life: counts replicas that the shard had here [lock]
 * @acting: of the action that is being carried out [written with lock by the
 *	pump, which alone reads it]
 * @pump_work: carries on where a caller has done enough [atomic]
 * @users: volumes, and who is about to give it a replica [lock]
 * @rcu: to free it [rcu]
 * @lead: the leader; NULL if it is not led here [lock]
 * @lead_next: the one that will be, with all its memory [owner: life_work of
 *	its volume]
 * @lead_gen: how many leaders there were [lock]
 * @vol: the volume; NULL if it is not led here [lock]
 * @term: term of the attach [lock]
 * @link: connections to members that the leader knows of [lock]
 * @set_due: its set may have to be logged [lock; READ_ONCE ok]
 * @state: for people [lock]
 * @dead: no request is taken any more [lock]
 * @suspended: counted as such in the volume [vol->lock]
 * @reqs: requests that have not ended [lock]
 * @held: of these, what the leader could not take yet, in order [lock]
 * @nr_reqs: length of @reqs [lock]
 * @nr_held: length of @held [lock]
 * @nr_reads: reads completed [lock]
 * @nr_writes: writes, discards, zeroings completed [lock]
 * @rep: the replica's machine, if @replica is not 0 [lock]
 * @replica: replica id, 0 = none here [lock]
 * @rep_state: for people [lock]
 * @rep_ready: @rep was started; else its creation is not durable yet [lock]
 * @store: the store that holds the replica, referenced [lock]
 * @slot: the replica's slot in it [lock]
 * @user: how the store finds us [lock of the store]
 * @log_waits: log actions that wait for room, in order [lock]
 * @sends: records that are read for other replicas, in order [lock]
 * @nr_sends: length of @sends [lock]
 * @sending: somebody sends what was read [lock]
 * @rep_why: why the replica is of no use, or empty [lock]
 * @corked: bit 0: records for peers are not pushed [atomic]
 * @cork: in vol->corked while that is so [atomic]
 */
struct qbd_shard {
	spinlock_t lock; /* rank SHARD */
	struct qbd_shard_key key;
	struct qbd_node *node;
	refcount_t refs;

	struct list_head blocks;
	bool pumping;
	bool lead_more;
	bool rep_more;
	bool held_more;
	u32 life;
	struct qbd_act_stamp acting;
	struct work_struct pump_work;
	u32 users;
	struct rcu_head rcu;

	struct qbd_leader_core *lead;
	struct qbd_leader_core *lead_next;
	u32 lead_gen;
	struct qbd_volume *vol;
	u64 term;
	struct qbd_shard_link link[QBD_MEMBERS_MAX];
	bool set_due;
	enum qbd_shard_state state;
	bool dead;
	bool suspended;
	struct list_head reqs;
	struct list_head held;
	u32 nr_reqs;
	u32 nr_held;
	u64 nr_reads;
	u64 nr_writes;

	struct qbd_replica_core rep;
	u64 replica;
	enum qbd_replica_state rep_state;
	bool rep_ready;
	struct qbd_store *store;
	u32 slot;
	struct qbd_store_user user;
	struct list_head log_waits;
	struct list_head sends;
	u32 nr_sends;
	bool sending;
	char rep_why[NETLINK_MAX_FMTMSG_LEN];
	unsigned long corked;
	struct llist_node cork;
};

/**
 * qbd_shard_slot() - place of a shard in its node's table
 * @volume: volume id
 * @number: of the shard in it
 *
 * Return: index into node->shards.
 */
static inline unsigned long qbd_shard_slot(u32 volume, u32 number)
{
	BUILD_BUG_ON(BITS_PER_LONG < 64);
	return ((unsigned long)volume << 32) | number;
}

/* shard.c */
int qbd_shard_module_init(void);
void qbd_shard_module_exit(void);
struct qbd_shard *qbd_shard_find(struct qbd_node *node, u32 volume, u32 number);
struct qbd_shard *qbd_shard_use(struct qbd_node *node, u32 volume, u32 number);
void qbd_shard_unuse(struct qbd_shard *shard);
void qbd_shard_unheld(struct qbd_shard *shard);
void qbd_shard_get(struct qbd_shard *shard);
void qbd_shard_put(struct qbd_shard *shard);
void __qbd_shard_state_update(struct qbd_shard *shard);
void qbd_shard_state_update(struct qbd_shard *shard);
void qbd_shard_tick(struct qbd_shard *shard, bool slow);
void qbd_shard_scarce(struct qbd_shard *shard);
bool qbd_shard_has_member(struct qbd_shard *shard, u64 replica);
void qbd_shard_counts_add(struct qbd_shard *shard,
			  struct qbd_shard_counts *counts);
bool qbd_shard_replica_useless(struct qbd_shard *shard, u64 replica, char *why,
			       size_t len);
bool qbd_shard_opening_why(struct qbd_shard *shard, char *why, size_t len);
bool qbd_shard_leader_info(struct qbd_shard *shard,
			   struct qbd_shard_leader *info);
bool qbd_shard_replica_info(struct qbd_shard *shard,
			    struct qbd_shard_replica *info);

/* shard_pump.c */
int qbd_pump_module_init(void);
void qbd_pump_module_exit(void);
int qbd_pump_init(struct qbd_shard *shard);
void qbd_pump_destroy(struct qbd_shard *shard);
void qbd_shard_lock(struct qbd_shard *shard);
void qbd_shard_unlock(struct qbd_shard *shard);
int __qbd_shard_lead_step(struct qbd_shard *shard,
			  const struct qbd_leader_event *event);
void __qbd_shard_rep_step(struct qbd_shard *shard,
			  const struct qbd_replica_event *event);
int qbd_shard_lead_step(struct qbd_shard *shard,
			const struct qbd_leader_event *event);
void qbd_shard_rep_step(struct qbd_shard *shard,
			const struct qbd_replica_event *event);

/* shard_act.c */
enum qbd_replica_state qbd_shard_member_state(u8 state);
const char *qbd_shard_member_why(u8 reason);
void qbd_shard_carry_out(struct qbd_shard *shard, struct qbd_action *act);

/* shard_replica.c */
int qbd_serve_module_init(void);
void qbd_serve_module_exit(void);
int qbd_shard_replica_attach(struct qbd_shard *shard, struct qbd_store *store,
			     u64 replica);
int qbd_shard_replica_create(struct qbd_shard *shard, struct qbd_store *store,
			     struct qbd_table_slot *table);
void __qbd_shard_replica_full_tell(struct qbd_shard *shard);
void __qbd_shard_replica_full(struct qbd_shard *shard,
			      enum qbd_replica_state *state, char *reason);
void __qbd_shard_replica_votes(struct qbd_shard *shard);
int qbd_shard_replica_floor(struct qbd_shard *shard, u64 term);
int qbd_shard_replica_delete(struct qbd_shard *shard, u64 epoch);
void qbd_shard_replica_gone(struct qbd_shard *shard, struct qbd_store *store);
void qbd_shard_replica_fail(struct qbd_shard *shard, u32 life, int err,
			    const char *why);
extern const struct qbd_resync_ops qbd_shard_resync_ops;
void qbd_shard_log_forget(struct qbd_shard *shard, struct qbd_action *act);
void qbd_shard_copy(struct qbd_shard *shard, struct qbd_action *act);
void qbd_shard_send_pin(struct qbd_shard *shard, struct qbd_action *act);
void qbd_shard_serve(struct qbd_shard *shard, u32 node,
		     const struct qbd_msg *msg);
void qbd_payload_digest(const struct qbd_payload *payload,
			u8 digest[QBD_DIGEST_BYTES]);

/* shard_log.c */
int qbd_log_module_init(void);
void qbd_log_module_exit(void);
void qbd_shard_log(struct qbd_shard *shard, struct qbd_action *act);
void qbd_shard_log_retry(struct qbd_shard *shard);
void qbd_shard_log_drop(struct qbd_shard *shard, u32 life);

/* shard_peer.c */
int qbd_shard_peer_module_init(void);
void qbd_shard_peer_module_exit(void);
void qbd_shard_recv(struct qbd_conn *conn, struct qbd_msg *msg);
void qbd_shard_send(struct qbd_shard *shard, u32 node, struct qbd_msg *msg);
void qbd_shard_send_log(struct qbd_shard *shard, u32 node,
			const struct qbd_msg *msg);
bool qbd_shard_cork(struct qbd_shard *shard);
void qbd_shard_uncork(struct qbd_shard *shard);
void qbd_shard_cork_tick(struct qbd_shard *shard);
void qbd_shard_link_joined(struct qbd_shard *shard, u32 node);
void qbd_shard_links_update(struct qbd_shard *shard, u32 node);

#endif /* QBD_SHARD_H */
