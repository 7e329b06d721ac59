/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel of this node has: as its dumps said, and how far to be
 * believed.
 *
 * DUMPS ARE THE TRUTH, events only say that it is another one.  seen_begin(),
 * the objects of a dump, seen_end(): what did not come any more is gone then,
 * and not before; a dump that was interrupted changes nothing but what it
 * named.  A kind is fresh if no event and no request was about it since its
 * last whole dump began: what happened while it ran may be in it or not.  An
 * event may be lost: if their numbers have a gap, nothing is fresh.
 *
 * Who plans looks at fresh kinds only (plan.h).  So what is asked for twice is
 * what a dump shows as missing after the first time, not what was not looked
 * at.
 *
 * WITHOUT A NODE in the kernel there is nothing: seen_end() of SEEN_NODE
 * without an object empties all the rest, and another node, or one that begins
 * to count events anew, makes all of it stale.
 *
 * BOUNDS: SEEN_MAX objects; a kernel has fewer.  One too many makes the dump
 * fail, so that nobody takes what is left out for gone.
 */
#ifndef QBD_AGENT_SEEN_H
#define QBD_AGENT_SEEN_H

#include <linux/qbd.h>

#include "map.h"
#include "state/view.h"

struct nlattr;
struct nlmsghdr;

#define SEEN_MAX 500000
#define SEEN_MEMBERS_MAX (2 * QBD_SET_MEMBERS_MAX)
#define SEEN_REASON_MAX 127

/**
 * enum seen_kind - kinds of objects: each is a dump
 * @SEEN_NODE: struct seen_node; one
 * @SEEN_STORE: struct seen_store; by hash of its uuid
 * @SEEN_REPLICA: struct seen_replica; by id
 * @SEEN_VOLUME: struct seen_volume; by id
 * @SEEN_SHARD: struct seen_shard, led here; by volume and number
 * @SEEN_PEER: struct seen_peer; by id
 * @SEEN_KINDS: how many
 */
enum seen_kind {
	SEEN_NODE,
	SEEN_STORE,
	SEEN_REPLICA,
	SEEN_VOLUME,
	SEEN_SHARD,
	SEEN_PEER,
	SEEN_KINDS,
};

/**
 * struct seen_node - the node of this kernel
 * @key: 0, 0
 * @round: of the dump that named it last; so in all of them
 * @id: its id
 * @cluster: uuid
 * @lineage: of the cluster
 * @state: enum qbd_node_state
 * @event_seq: number of the newest event
 */
struct seen_node {
	struct agent_key key;
	u32 round;
	u32 id;
	u8 cluster[16];
	u64 lineage;
	u32 state;
	u64 event_seq;
};

/**
 * struct seen_store - a store
 * @key: first 8 bytes of its uuid, the next 4
 * @round: see struct seen_node
 * @uuid: of the store
 * @state: enum qbd_store_state
 * @opens: how often it was opened
 * @capacity: bytes for data
 * @free: of these
 * @reason: why it failed
 */
struct seen_store {
	struct agent_key key;
	u32 round;
	u8 uuid[16];
	u32 state;
	u64 opens;
	u64 capacity;
	u64 free;
	char reason[SEEN_REASON_MAX + 1];
};

/**
 * struct seen_member - a member of a set
 * @replica: its id
 * @node: where it is
 * @role: enum qbd_member_role
 * @state: enum qbd_replica_state, if the shard is led here
 */
struct seen_member {
	u64 replica;
	u32 node;
	u8 role;
	u8 state;
};

/**
 * struct seen_replica - a copy of a shard
 * @key: its id
 * @round: see struct seen_node
 * @volume: of which
 * @shard: number
 * @store: uuid
 * @state: enum qbd_replica_state
 * @epoch: config epoch that it knows
 * @promised_term: the highest it promised
 * @promised_node: to whom
 * @nr: used of @node
 * @node: where the members of its set are
 */
struct seen_replica {
	struct agent_key key;
	u32 round;
	u32 volume;
	u32 shard;
	u8 store[16];
	u32 state;
	u64 epoch;
	u64 promised_term;
	u32 promised_node;
	u32 nr;
	u32 node[SEEN_MEMBERS_MAX];
};

/**
 * struct seen_volume - a volume that is attached here
 * @key: its id
 * @round: see struct seen_node
 * @state: enum qbd_volume_state
 * @term: of the attach
 * @size: bytes
 * @growing: size that it grows to, 0 = it does not
 * @on_no_quorum: policy
 * @no_quorum_ms: policy
 * @shards: how many
 * @serving: of these
 * @device: name of the block device, "" = none yet
 * @reason: why it does not serve
 */
struct seen_volume {
	struct agent_key key;
	u32 round;
	u32 state;
	u64 term;
	u64 size;
	u64 growing;
	u32 on_no_quorum;
	u32 no_quorum_ms;
	u32 shards;
	u32 serving;
	char device[32];
	char reason[SEEN_REASON_MAX + 1];
};

/**
 * struct seen_shard - a shard that is led here
 * @key: volume and number
 * @round: see struct seen_node
 * @state: enum qbd_shard_state
 * @term: under which
 * @epoch: of the set in force
 * @committed: epoch of the last set that is committed
 * @nr: used of @member
 * @member: the set
 */
struct seen_shard {
	struct agent_key key;
	u32 round;
	u32 state;
	u64 term;
	u64 epoch;
	u64 committed;
	u32 nr;
	struct seen_member member[SEEN_MEMBERS_MAX];
};

/**
 * struct seen_peer - another node
 * @key: its id
 * @round: see struct seen_node
 * @state: enum qbd_peer_state
 * @heard_ms: since anything was heard from it, when that was looked at;
 *	U32_MAX: nothing ever was
 */
struct seen_peer {
	struct agent_key key;
	u32 round;
	u32 state;
	u32 heard_ms;
};

/**
 * union seen_object - room for any of them
 * @key: its key
 * @node: see there
 * @store: see there
 * @replica: see there
 * @volume: see there
 * @shard: see there
 * @peer: see there
 */
union seen_object {
	struct agent_key key;
	struct seen_node node;
	struct seen_store store;
	struct seen_replica replica;
	struct seen_volume volume;
	struct seen_shard shard;
	struct seen_peer peer;
};

/**
 * struct seen - what the kernel has
 * @map: objects
 * @round: of the dump that runs, by kind; 0 = none ever did
 * @dumping: it runs
 * @failed: it can not be taken for whole
 * @dirty: something was about it since it began
 * @fresh: see the top of this file
 * @at_ms: when the last whole one began
 * @node: there is a node
 * @seq: number of the last event, 0 = none came yet
 * @gaps: in the numbers of events
 */
struct seen {
	struct agent_map map;
	u32 round[SEEN_KINDS];
	bool dumping[SEEN_KINDS];
	bool failed[SEEN_KINDS];
	bool dirty[SEEN_KINDS];
	bool fresh[SEEN_KINDS];
	u64 at_ms[SEEN_KINDS];
	bool node;
	u64 seq;
	u64 gaps;
};

void seen_init(struct seen *seen);
void seen_free(struct seen *seen);

/* seen.c: a dump */
void seen_begin(struct seen *seen, enum seen_kind kind, u64 now_ms);
int seen_put(struct seen *seen, enum seen_kind kind,
	     const union seen_object *object);
void seen_end(struct seen *seen, enum seen_kind kind, bool whole);
void seen_stale(struct seen *seen, enum seen_kind kind);
void seen_stale_all(struct seen *seen);
void seen_event(struct seen *seen, u64 seq, u32 kind);
bool seen_fresh(const struct seen *seen, enum seen_kind kind);

/* seen_nl.c: the same from attributes */
u8 seen_cmd(enum seen_kind kind);
int seen_attr_max(enum seen_kind kind);
int seen_take(struct seen *seen, enum seen_kind kind, struct nlattr **attrs,
	      const struct nlmsghdr *msg);
void seen_event_take(struct seen *seen, struct nlattr **attrs);

/* looking */
struct agent_key seen_store_key(const u8 uuid[16]);
const struct seen_node *seen_node(const struct seen *seen);
const struct seen_store *seen_store(const struct seen *seen, const u8 uuid[16]);
const struct seen_replica *seen_replica(const struct seen *seen, u64 id);
const struct seen_volume *seen_volume(const struct seen *seen, u32 id);
const struct seen_shard *seen_shard(const struct seen *seen, u32 volume,
				    u32 number);
const struct seen_peer *seen_peer(const struct seen *seen, u32 id);
const union seen_object *seen_next(const struct seen *seen, enum seen_kind kind,
				   u32 *at);

#endif /* QBD_AGENT_SEEN_H */
