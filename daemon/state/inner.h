/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state's inside, and what its files call in each other. The tests look at
 * it too; nobody else includes it.
 */
#ifndef QBD_STATE_INNER_H
#define QBD_STATE_INNER_H

#include "command.h"
#include "state.h"
#include "table.h"

/**
 * struct state_client - what is remembered of a client
 * @id: its id
 * @node: of which node
 * @used: when it last asked: the cluster's @applied then
 * @last: its highest sequence number
 * @seq: sequence number of what @result is about, 0 = nothing; at seq modulo
 *	STATE_WINDOW
 * @result: results
 */
struct state_client {
	u64 id;
	u32 node;
	u64 used;
	u64 last;
	u64 seq[STATE_WINDOW];
	struct state_result result[STATE_WINDOW];
};

/**
 * struct state - all of it; its tables follow in the same memory
 * @limits: how much there may be
 * @cluster: the cluster
 * @pool: the tables
 * @index: the indexes
 * @store_shard: for each slot of a store, slots of the shards with a replica on
 *	it, in no particular order [derived]
 * @nodes: that are not removed [derived]
 * @stores: that are not removed [derived]
 * @shards_owed: promised to volumes and not made yet [derived]
 * @delta: where changes are noted, NULL = nowhere
 */
struct state {
	struct state_limits limits;
	struct state_cluster cluster;
	struct state_pool pool[STATE_TABLES];
	struct state_index index[STATE_BYS];
	u32 *store_shard;
	u32 nodes;
	u32 stores;
	u64 shards_owed;
	struct state_delta *delta;
};

typedef void (*state_do_fn)(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);

/**
 * state_object() - the object in a slot
 * @s: the state
 * @table: of which table
 * @slot: a slot that is used
 *
 * Return: the object.
 */
static inline void *state_object(const struct state *s, enum state_table table,
				 u32 slot)
{
	const struct state_pool *pool = &s->pool[table];

	return pool->mem + (size_t)slot * pool->size;
}

static inline struct state_node *state_node_at(const struct state *s, u32 slot)
{
	return state_object(s, STATE_NODES, slot);
}

static inline struct state_store *state_store_at(const struct state *s,
						 u32 slot)
{
	return state_object(s, STATE_STORES, slot);
}

static inline struct state_volume *state_volume_at(const struct state *s,
						   u32 slot)
{
	return state_object(s, STATE_VOLUMES, slot);
}

static inline struct state_shard *state_shard_at(const struct state *s,
						 u32 slot)
{
	return state_object(s, STATE_SHARDS, slot);
}

/* apply.c */
void state_no(struct state_result *res, enum state_why why, u64 a, u64 b,
	      u64 c);
void state_touch(struct state *s, enum state_kind kind, u64 id, u32 number);

/* cluster.c */
void state_do_cluster_init(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res);
void state_do_cluster_set(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
void state_do_cluster_restore(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res);
bool state_setting_good(u32 what, u32 value);

/* client.c */
void state_do_client_open(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
bool state_client_knows(struct state *s, const struct state_cmd *cmd,
			struct state_result *res);
void state_client_note(struct state *s, const struct state_cmd *cmd,
		       const struct state_result *res);

/* node.c */
void state_node_unwant(struct state *s, u32 node);
u32 state_node_holds(const struct state *s, const struct state_node *node);
void state_node_let_go(struct state *s, const struct state_node *node);
void state_do_node_add(struct state *s, const struct state_cmd *cmd,
		       struct state_result *res);
void state_do_node_set(struct state *s, const struct state_cmd *cmd,
		       struct state_result *res);
void state_do_node_state(struct state *s, const struct state_cmd *cmd,
			 struct state_result *res);
void state_do_node_raft(struct state *s, const struct state_cmd *cmd,
			struct state_result *res);
void state_do_node_remove(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
struct state_node *state_node_live(const struct state *s, u32 id,
				   struct state_result *res);
bool state_addrs_good(const struct state_addr *addr, u32 nr, u32 *bad);
bool state_labels_good(const struct state_label *label, u32 nr, u32 *bad);

/* token.c */
void state_do_token_create(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res);
void state_do_token_revoke(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res);
bool state_token_valid(const struct state *s, u64 id, struct state_result *res);
bool state_token_good_for(const struct state *s, u64 id,
			  const struct state_node *node);
void state_tokens_end(struct state *s);
void state_token_use(struct state *s, u64 id);

/* store.c */
void state_do_store_add(struct state *s, const struct state_cmd *cmd,
			struct state_result *res);
void state_do_store_state(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
void state_do_store_report(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res);
void state_do_store_remove(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res);
struct state_store *state_store_live(const struct state *s, u32 id, u32 *slot,
				     struct state_result *res);
bool state_store_takes(const struct state *s, u32 id, u32 *slot,
		       struct state_result *res);
void state_store_link(struct state *s, u32 store, u32 shard);
void state_store_unlink(struct state *s, u32 store, u32 shard);
void state_tomb_link(struct state *s, u32 slot);
void state_tomb_drop(struct state *s, u32 slot);
u32 state_node_of(const struct state *s, u64 member);

/* volume.c */
void state_do_volume_create(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);
void state_do_volume_shards(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);
void state_do_volume_delete(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);
struct state_volume *state_volume_live(const struct state *s, u32 id, u32 *slot,
				       struct state_result *res);
struct state_volume *state_volume_held(const struct state *s,
				       const struct state_cmd *cmd, u32 *slot,
				       struct state_result *res);
void state_volume_settle(struct state *s, u32 slot);
void state_volume_free(struct state *s, u32 slot);
bool state_policy_good(const struct state_volume *volume, u32 *bad);

/* resize.c */
bool state_volume_tune(const struct state *s, struct state_volume *volume,
		       const struct state_cmd *cmd, u8 what,
		       struct state_result *res);
void state_do_volume_set(struct state *s, const struct state_cmd *cmd,
			 struct state_result *res);
void state_do_volume_resize(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);
void state_do_volume_grown(struct state *s, const struct state_cmd *cmd,
			   struct state_result *res);

/* attach.c */
void state_do_attach(struct state *s, const struct state_cmd *cmd,
		     struct state_result *res);
void state_do_detach(struct state *s, const struct state_cmd *cmd,
		     struct state_result *res);
void state_do_fence(struct state *s, const struct state_cmd *cmd,
		    struct state_result *res);
void state_do_node_rekey(struct state *s, const struct state_cmd *cmd,
			 struct state_result *res);
void state_do_node_lost(struct state *s, const struct state_cmd *cmd,
			struct state_result *res);
void state_do_serves(struct state *s, const struct state_cmd *cmd,
		     struct state_result *res);
void state_hold_link(struct state *s, u32 slot, u32 node);
void state_hold_unlink(struct state *s, u32 slot);

/* shard.c */
void state_do_shard_propose(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);
void state_do_shard_joint(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
void state_do_shard_adopt(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
void state_do_shard_abort(struct state *s, const struct state_cmd *cmd,
			  struct state_result *res);
void state_do_shard_settled(struct state *s, const struct state_cmd *cmd,
			    struct state_result *res);

/* set.c */
const u64 *state_members(const struct state *s,
			 const struct state_shard *shard);
bool state_members_set(struct state *s, u32 slot, const u64 *member, u32 nr);
struct state_change *state_change_of(const struct state *s, u32 shard,
				     u32 *slot);
int state_member_find(const u64 *member, u32 nr, u64 replica);
u32 state_shards_wanted(const struct state_volume *volume);
u8 state_bits_without(u8 bits, u32 at);

/* replica.c */
void state_do_replica_created(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res);
void state_do_replica_deleted(struct state *s, const struct state_cmd *cmd,
			      struct state_result *res);
void state_shard_drop_store(struct state *s, u32 slot, u32 store);

/* job.c */
void state_do_job_add(struct state *s, const struct state_cmd *cmd,
		      struct state_result *res);
void state_do_job_set(struct state *s, const struct state_cmd *cmd,
		      struct state_result *res);

/* snapshot.c */
enum state_table state_section_table(u32 section);
u32 state_chunk_seal(u8 *buf, u32 bytes, u32 section, u64 chunk, u32 crc);
const char *state_chunk_open(const u8 *data, u32 bytes, u64 chunk, u32 *crc,
			     u32 *section);

#endif /* QBD_STATE_INNER_H */
