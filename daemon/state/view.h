/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What others need to know of the state: the reconciler of a node, what tells
 * nodes of changes, and status.
 *
 * All of these only look, between two commands; what they return is good until
 * the next one.  A walk over what a node has costs what it has.
 */
#ifndef QBD_STATE_VIEW_H
#define QBD_STATE_VIEW_H

#include "state.h"

/**
 * enum state_role - what a member of a set counts for; as in the netlink
 * interface, and one more
 * @STATE_ROLE_VOTER: in the set in force
 * @STATE_ROLE_LEARNER: in none
 * @STATE_ROLE_JOINING: in the set that follows
 * @STATE_ROLE_LEAVING: in the set in force, not in the one that follows
 * @STATE_ROLE_GONE: no member any more, but not to be deleted yet
 */
enum state_role {
	STATE_ROLE_VOTER,
	STATE_ROLE_LEARNER,
	STATE_ROLE_JOINING,
	STATE_ROLE_LEAVING,
	STATE_ROLE_GONE,
};

/**
 * struct state_member_view - a member of a set
 * @replica: its id
 * @node: id of its node
 * @store: id of its store
 * @role: enum state_role
 * @made: its node made it
 * @leaves: the change that is under way ends its membership
 */
struct state_member_view {
	u64 replica;
	u32 node;
	u32 store;
	u8 role;
	bool made;
	bool leaves;
};

/**
 * struct state_shard_view - a shard, as an attach or a change needs it
 * @volume: id
 * @number: in it
 * @epoch: config epoch
 * @stage: enum state_stage, 0 = settled
 * @nr: used of @member
 * @member: all that have a replica, those that are GONE last
 */
struct state_shard_view {
	u32 volume;
	u32 number;
	u64 epoch;
	u8 stage;
	u32 nr;
	struct state_member_view member[2 * STATE_COPIES_MAX];
};

/**
 * enum state_todo - what a node has to do about a replica
 * @STATE_TODO_CREATE: make it, unless it is there, and say so
 * @STATE_TODO_KEEP: have it
 * @STATE_TODO_DELETE: delete it, and say so
 */
enum state_todo {
	STATE_TODO_CREATE,
	STATE_TODO_KEEP,
	STATE_TODO_DELETE
};

/**
 * struct state_replica_view - a replica of a node
 * @todo: enum state_todo
 * @replica: its id
 * @store: id of its store
 * @bytes: of the shard; 0 if it has to be deleted
 * @floor: no higher term was granted for its volume (S11)
 * @shard: of which shard; DELETE of a tombstone: volume, number, epoch only
 */
struct state_replica_view {
	u8 todo;
	u64 replica;
	u32 store;
	u64 bytes;
	u64 floor;
	struct state_shard_view shard;
};

/**
 * struct state_replicas - a walk over the replicas of a node
 * @s: the state
 * @node: slot of the node
 * @store: which of its stores
 * @at: which of the store's shards
 * @tomb: the next tombstone, a slot
 */
struct state_replicas {
	const struct state *s;
	u32 node;
	u32 store;
	u32 at;
	u32 tomb;
};

/**
 * struct state_counts - how many there are, by state
 * @nodes: by enum state_node_state
 * @stores: by enum state_store_state
 * @volumes: by enum state_volume_state
 * @held: volumes with a device
 * @repaired: volumes that are held for repair
 * @shards: of all volumes
 * @changing: sets that are being changed
 * @unmade: replicas that are to be made
 * @tombs: replicas that are to be deleted, without those of deleted volumes
 * @jobs: that have not ended
 */
struct state_counts {
	u32 nodes[5];
	u32 stores[7];
	u32 volumes[4];
	u32 held;
	u32 repaired;
	u32 shards;
	u32 changing;
	u64 unmade;
	u32 tombs;
	u32 jobs;
};

/* Whoever has its key is nobody. */
static inline bool state_node_refused(const struct state_node *node)
{
	return node->state == STATE_NODE_REMOVED ||
	       node->token == STATE_TOKEN_LOST;
}

/* What it had is lost. */
static inline bool state_store_failed(const struct state_store *store)
{
	return store->state == STATE_STORE_FAILED ||
	       store->state == STATE_STORE_LOST;
}

const struct state_node *state_node_by_id(const struct state *s, u32 id);
const struct state_node *state_node_by_name(const struct state *s,
					    const char *name);
const struct state_node *state_node_by_key(const struct state *s,
					   const u8 key[32]);
const struct state_store *state_store_by_id(const struct state *s, u32 id);
const struct state_store *state_store_by_uuid(const struct state *s,
					      const u8 uuid[16]);
const struct state_volume *state_volume_by_id(const struct state *s, u32 id);
const struct state_volume *state_volume_by_name(const struct state *s,
						const char *name);
const struct state_token *state_token_by_id(const struct state *s, u64 id);
const struct state_job *state_job_by_id(const struct state *s, u64 id);

const struct state_node *state_node_walk(const struct state *s, u32 *slot);
const struct state_store *state_store_walk(const struct state *s, u32 *slot);
const struct state_volume *state_volume_walk(const struct state *s, u32 *slot);
const struct state_token *state_token_walk(const struct state *s, u32 *slot);
const struct state_job *state_job_walk(const struct state *s, u32 *slot);
const struct state_volume *state_held_walk(const struct state *s, u32 node,
					   u32 *slot);

bool state_client_asked(const struct state *s, u64 id, u64 seq,
			struct state_result *res);
u32 state_client_node(const struct state *s, u64 id);
bool state_left(const struct state_shard_view *view,
		bool (*there)(void *arg,
			      const struct state_member_view *member),
		void *arg);
bool state_token_awaited(const struct state *s, u64 id);

int state_view_shard(const struct state *s, u32 volume, u32 number,
		     struct state_shard_view *view);
bool state_change_walk(const struct state *s, u32 *slot,
		       struct state_shard_view *view);
int state_view_store(const struct state *s, u32 store, u32 at,
		     struct state_shard_view *view);
int state_replicas_begin(struct state_replicas *walk, const struct state *s,
			 u32 node);
bool state_replicas_next(struct state_replicas *walk,
			 struct state_replica_view *view);
const struct state_tomb *state_tomb_walk(const struct state *s, u32 store,
					 u32 *slot);
int state_view_peers(const struct state *s, u32 node, u64 *bits, u32 words);
bool state_view_audience(const struct state *s, const struct state_item *item,
			 u64 *bits, u32 words);
void state_view_counts(const struct state *s, struct state_counts *counts);

#endif /* QBD_STATE_VIEW_H */
