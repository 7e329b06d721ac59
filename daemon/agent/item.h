/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of which it is made what a node has to have, as structs and as
 * bytes (want.h says what for).
 *
 * Each says all of its object, so that the newest one takes the place of the
 * one before, whatever that was; and each is about one node, whose daemon reads
 * it: @store of a shard, for instance, is the store of that node's own copy.
 *
 * Bytes are those of state/field.h: a byte for the operation, a byte for the
 * kind, then the fields, or the key of what is gone.  There is one encoding of
 * a value.
 */
#ifndef QBD_AGENT_ITEM_H
#define QBD_AGENT_ITEM_H

#include "map.h"
#include "state/field.h"
#include "state/view.h"

#define WANT_MEMBERS_MAX (2 * STATE_COPIES_MAX)
/* 512 tombstones of 22 bytes are the largest item */
#define WANT_ITEM_BYTES_MAX (12 * 1024)

/**
 * enum want_kind - kinds of items, in the order in which they are sent
 * @WANT_CLUSTER: struct want_cluster; one
 * @WANT_STORE: struct want_store, by id
 * @WANT_TOMBS: struct want_tombs, by id of the store
 * @WANT_SHARD: struct want_shard, by volume and number
 * @WANT_VOLUME: struct want_volume, by id
 * @WANT_PEER: struct want_peer, by id of the node
 * @WANT_KINDS: how many, and one
 */
enum want_kind {
	WANT_CLUSTER = 1,
	WANT_STORE,
	WANT_TOMBS,
	WANT_SHARD,
	WANT_VOLUME,
	WANT_PEER,
	WANT_KINDS,
};

/**
 * struct want_cluster - the cluster, and this node in it
 * @key: 0, 0
 * @uuid: of the cluster
 * @lineage: of the cluster's kernels
 * @term_floor: terms up to here may have been granted before a restore (S16)
 * @node: id
 * @name: of the node
 * @lease_ms: longest lease
 * @suspect_ms: who is silent for so long is said to be
 */
struct want_cluster {
	struct agent_key key;
	u8 uuid[16];
	u64 lineage;
	u64 term_floor;
	u32 node;
	char name[STATE_NAME_MAX + 1];
	u32 lease_ms;
	u32 suspect_ms;
};

/**
 * struct want_peer - another node, which is a peer if a set or a holder is
 * there
 * @key: its id
 * @name: its name
 * @nr_addrs: used of @addr
 * @addr: where its kernel is reached
 */
struct want_peer {
	struct agent_key key;
	char name[STATE_NAME_MAX + 1];
	u16 nr_addrs;
	struct state_addr addr[STATE_ADDRS_MAX];
};

/**
 * struct want_store - a store of this node
 * @key: its id
 * @uuid: what stands in its superblock
 * @state: enum state_store_state
 * @capacity: bytes
 * @free: bytes, as consensus knows it
 * @opens: as consensus knows it
 */
struct want_store {
	struct agent_key key;
	u8 uuid[16];
	u8 state;
	u64 capacity;
	u64 free;
	u64 opens;
};

/**
 * struct want_tomb - a replica that has to be deleted
 * @replica: its id
 * @epoch: not below the newest that it knows
 * @volume: of which
 * @number: of which shard
 */
struct want_tomb {
	u64 replica;
	u64 epoch;
	u32 volume;
	u16 number;
};

/**
 * struct want_tombs - all tombstones of a store
 * @key: its id
 * @nr: used of @tomb
 * @tomb: they
 */
struct want_tombs {
	struct agent_key key;
	u16 nr;
	struct want_tomb tomb[STATE_STORE_REPLICAS_MAX];
};

/**
 * struct want_member - a member of a set
 * @replica: its id
 * @node: where it is
 * @role: enum state_role
 * @made: it was made
 */
struct want_member {
	u64 replica;
	u32 node;
	u8 role;
	u8 made;
};

/**
 * struct want_shard - a shard of which this node has a copy, or that it holds
 * @key: volume and number
 * @epoch: config epoch
 * @stage: enum state_stage, 0 = settled
 * @store: id of the store of the own copy, 0 = this node has none
 * @nr: used of @member
 * @member: the set
 */
struct want_shard {
	struct agent_key key;
	u64 epoch;
	u8 stage;
	u32 store;
	u16 nr;
	struct want_member member[WANT_MEMBERS_MAX];
};

/**
 * struct want_volume - a volume that this node has to do with
 * @key: its id
 * @name: its name
 * @state: enum state_volume_state; 0: it was deleted, all else is 0
 * @shift: a shard has 2^shift bytes
 * @on_no_quorum: policy
 * @reads: policy
 * @hold: enum state_hold
 * @release: this node holds it, and shall do so no longer
 * @whole: all shards are placed and made, those that it grows by, too
 * @no_quorum_ms: policy
 * @size: bytes
 * @grow: size that it grows to, 0 = it does not
 * @term: highest ever granted: no replica obeys a lower one for ever (S11)
 * @holder: node, 0 = none
 * @want: node on which it shall be attached, 0 = none
 * @session: under which @holder got @term
 * @shards: placed so far
 * @run: unit or command to run where it is held; only its holder has it
 */
struct want_volume {
	struct agent_key key;
	char name[STATE_NAME_MAX + 1];
	u8 state;
	u8 shift;
	u8 on_no_quorum;
	u8 reads;
	u8 hold;
	u8 release;
	u8 whole;
	u32 no_quorum_ms;
	u64 size;
	u64 grow;
	u64 term;
	u32 holder;
	u32 want;
	u64 session;
	u32 shards;
	char run[STATE_RUN_MAX + 1];
};

/**
 * union want_item - room for any of them
 * @key: kind, id, number
 * @cluster: see there
 * @peer: see there
 * @store: see there
 * @tombs: see there
 * @shard: see there
 * @volume: see there
 */
union want_item {
	struct agent_key key;
	struct want_cluster cluster;
	struct want_peer peer;
	struct want_store store;
	struct want_tombs tombs;
	struct want_shard shard;
	struct want_volume volume;
};

void want_item_put(struct state_out *out, const union want_item *item);
void want_item_put_gone(struct state_out *out, const struct agent_key *key);
bool want_item_get(struct state_in *in, union want_item *item, bool *gone);
size_t want_item_bytes(const union want_item *item);

#endif /* QBD_AGENT_ITEM_H */
