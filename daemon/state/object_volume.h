/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the state: volumes and what they are made of (object.h).
 */
#ifndef QBD_STATE_OBJECT_VOLUME_H
#define QBD_STATE_OBJECT_VOLUME_H

#include "limits.h"

#define STATE_NONE (~0U) /* no slot */

/**
 * enum state_volume_state - where a volume is in its life
 * @STATE_VOLUME_CREATING: some shard or replica is still to be made
 * @STATE_VOLUME_READY: it can be attached
 * @STATE_VOLUME_DELETING: its replicas go, then it does
 */
enum state_volume_state {
	STATE_VOLUME_CREATING = 1,
	STATE_VOLUME_READY,
	STATE_VOLUME_DELETING,
};

/**
 * enum state_hold - how a volume is held
 * @STATE_HOLD_NONE: by nobody
 * @STATE_HOLD_DEVICE: attached
 * @STATE_HOLD_REPAIR: led without a device, so that copies can be repaired
 */
enum state_hold {
	STATE_HOLD_NONE,
	STATE_HOLD_DEVICE,
	STATE_HOLD_REPAIR
};

/**
 * enum state_serve - what the holder's kernel said of its device
 * @STATE_SERVE_NOT: nothing yet, under this term
 * @STATE_SERVE_DEVICE: it serves
 * @STATE_SERVE_FAILED: it can not
 */
enum state_serve {
	STATE_SERVE_NOT,
	STATE_SERVE_DEVICE,
	STATE_SERVE_FAILED,
};

/**
 * struct state_volume - a volume
 * @id: never used twice
 * @name: unique
 * @state: enum state_volume_state
 * @shift: a shard has 2^shift bytes
 * @copies: of each shard
 * @on_no_quorum: 0 suspend, 1 error
 * @reads: 0 lease, 1 quorum
 * @ack: 0 durable; 1 memory is for later
 * @hold: enum state_hold
 * @parked: it was detached on purpose: nobody attaches it by itself
 * @no_quorum_ms: with error, after how long
 * @size: bytes
 * @grow: size that it grows to, 0 = it does not
 * @term: highest ever granted, 0 = none
 * @holder: node that holds it, 0 = nobody
 * @want: node on which it shall be attached, 0 = none
 * @session: the holder's attach session (S2)
 * @serve: enum state_serve, of this holder under this term
 * @device: name of its device
 * @reason: why it does not serve
 * @nr_autos: used of @autos
 * @autos: nodes that may attach it by themselves, in this order
 * @run: unit or command to run there; empty = none
 * @shards: placed so far, in order
 * @left: of these, those that are not deleted yet [derived]
 * @unmade: members of their sets that are not made yet [derived]
 * @held_next: next volume of this holder, a slot [derived]
 * @held_prev: the one before [derived]
 */
struct state_volume {
	u32 id;
	char name[STATE_NAME_MAX + 1];
	u8 state;
	u8 shift;
	u8 copies;
	u8 on_no_quorum;
	u8 reads;
	u8 ack;
	u8 hold;
	u8 parked;
	u32 no_quorum_ms;
	u64 size;
	u64 grow;
	u64 term;
	u32 holder;
	u32 want;
	u64 session;
	u8 serve;
	char device[STATE_NAME_MAX + 1];
	char reason[STATE_REASON_MAX + 1];
	u16 nr_autos;
	u32 autos[STATE_AUTOS_MAX];
	char run[STATE_RUN_MAX + 1];
	u32 shards;
	u32 left;
	u32 unmade;
	u32 held_next;
	u32 held_prev;
};

/*
 * A replica as a member of a set: its id and the slot of its store in one
 * number, 8 bytes.  Three of them are what makes a shard fit into 64 bytes.
 */
#define STATE_MEMBER(store, id) ((u64)(store) << 48 | (id))
#define STATE_MEMBER_ID(member) ((member)&STATE_REPLICA_ID_MAX)
#define STATE_MEMBER_STORE(member) ((u32)((member) >> 48))

#define STATE_SHARD_CHANGE 0x80 /* of @flags: its set is being changed */

/**
 * struct state_shard - a shard
 * @volume: id
 * @number: in it
 * @nr: members of the set in force
 * @flags: bit i: member i was made; STATE_SHARD_CHANGE
 * @epoch: config epoch
 * @member: the set; with more than STATE_SHARD_INLINE @member[0] is the slot of
 *	a struct state_wide
 */
struct state_shard {
	u32 volume;
	u16 number;
	u8 nr;
	u8 flags;
	u64 epoch;
	u64 member[STATE_SHARD_INLINE];
};

/**
 * struct state_wide - a set that does not fit into its shard
 * @member: the set
 */
struct state_wide {
	u64 member[STATE_COPIES_MAX];
};

/**
 * enum state_stage - how far a change of a set is
 * @STATE_STAGE_LEARN: what joins is made, and filled as a learner
 * @STATE_STAGE_JOINT: both sets have to agree
 * @STATE_STAGE_SETTLE: it is decided; what is no member any more stays until
 *	the holder's kernel has the new set on stable media
 */
enum state_stage {
	STATE_STAGE_LEARN = 1,
	STATE_STAGE_JOINT,
	STATE_STAGE_SETTLE,
};

/**
 * struct state_change - a set that is being changed, one step at a time (S6)
 * @shard: slot of its shard [derived]
 * @stage: enum state_stage
 * @leave: bit i: member i of the shard leaves
 * @made: bit i: member i of @add was made
 * @nr: members in @add
 * @add: who joins; SETTLE: who has to go
 */
struct state_change {
	u32 shard;
	u8 stage;
	u8 leave;
	u8 made;
	u16 nr;
	u64 add[STATE_COPIES_MAX];
};

/**
 * struct state_tomb - a replica that its node has to delete (S11)
 * @replica: its id
 * @epoch: not below the newest that it knows
 * @volume: id
 * @number: shard
 * @store: slot
 * @next: the next one of that store, a slot [derived]
 * @prev: the one before [derived]
 */
struct state_tomb {
	u64 replica;
	u64 epoch;
	u32 volume;
	u16 number;
	u16 store;
	u32 next;
	u32 prev;
};

#endif /* QBD_STATE_OBJECT_VOLUME_H */
