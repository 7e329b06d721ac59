/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a simulated cluster consists of: nodes, shards, volumes, requests. Part
 * of cluster_world.h, which tells the whole.
 */
#ifndef QBD_SIM_CLUSTER_TYPES_H
#define QBD_SIM_CLUSTER_TYPES_H

#include "leader.h"
#include "replica.h"
#include "rng.h"
#include "volume.h"

#define CL_NODES 5 /* numbered from 1 */
#define CL_VOLUMES 2
#define CL_SHARDS 4 /* of all volumes together */
#define CL_CONNS 3 /* connections per pair of nodes */
#define CL_BLOCKS 24 /* of a shard */
#define CL_CHUNKS 2 /* of a shard, in the real store */
#define CL_OPS 512
#define CL_OP_BLOCKS 4
#define CL_CLIENTS 4
#define CL_RING 64
#define CL_READS 8
#define CL_MS 1000000ULL

#define CL_ZERO 0U /* value of a block that reads as zero */
#define CL_BAD U32_MAX /* value of a block that is torn, or another's */

/* An action that waits to be carried out, or a message on its way. */
struct cl_item {
	struct cl_item *next;
	u64 made_ns;
	u32 life;
	struct qbd_action act;
};

struct cl_fifo {
	struct cl_item *head;
	struct cl_item *tail;
};

/*
 * Bytes, by reference.  @data is filled in only with a real store; what counts
 * is @value, by block.  @lead: a leader of this node holds a reference.
 */
struct cl_payload {
	struct cl_payload *next;
	u8 *data;
	u32 refs;
	u32 blocks;
	u32 crc;
	u32 lead;
	u32 op;
	bool raw; /* no stamps: to be cleared before it is used again */
	u32 value[CL_OP_BLOCKS];
};

/* A leader's place on a node. */
struct cl_lead {
	struct qbd_leader_core *core;
	bool active;
	u32 gen;
	u8 state;
	struct qbd_inflight ring[CL_RING];
	struct qbd_leader_read read[CL_READS];
	u64 epoch; /* config epoch of the set that it works with */
	u64 last; /* newest record when the last event was taken in */
	u32 told; /* version of the set that it was told last */
};

/* A replica on a node, and what it wants logged while there is no room. */
struct cl_replica {
	bool ready;
	struct qbd_replica_core core;
	struct cl_fifo waits;
};

/* A volume on a node. */
struct cl_attach {
	struct qbd_volume_core core;
	u8 bits[2][CL_SHARDS]; /* a growth takes those that are not in use */
	u32 led; /* shards that have, or had, a leader */
	u32 told; /* shards that clients know of, 0 = there is no disk yet */
	u64 grow_ns; /* when the newest growth began */
	bool stopping;
};

struct cl_log;
struct cl_store;

struct cl_node {
	u32 id;
	bool up; /* the machine runs */
	bool open; /* its store too */
	bool failed; /* the store, until it is opened again */
	bool real; /* it is a real one */
	u32 life;
	u32 crash_in; /* actions until it crashes, 0 = it does not */
	u64 stall_ns; /* nothing runs there until then */
	s64 skew_ns;
	s32 drift_ppm;
	u32 ticks;
	bool mute; /* sends no heartbeats */
	u64 lease_ns; /* longest it grants and asks for, in this life */
	u64 asked_ns[CL_NODES + 1]; /* what others asked for last */
	struct qbd_lease_voter voter[CL_NODES + 1];
	struct qbd_lease_holder holder[CL_NODES + 1];
	struct cl_replica rep[CL_SHARDS];
	struct cl_lead lead[CL_SHARDS];
	struct cl_attach vol[CL_VOLUMES];
	struct cl_fifo pump[CL_SHARDS];
	u8 pumping; /* bit by shard: carried out further up the stack */
	u8 pump_due; /* bit by shard: an event will do it */
	/* disks */
	u64 disk_ns; /* longest that something takes */
	bool read_eio;
	bool read_bad;
	bool no_room;
	bool full; /* no home for writes, see cluster_full.c */
	bool write_eio;
	struct cl_log *log;
	struct cl_store *store;
	bool damaged; /* at rest, in this schedule */
	bool rolled; /* its disk was put back, and it does not vote yet */
	bool was_rolled; /* the same, at any time in this schedule */
	bool restored; /* the same, since its store was opened */
};

/* What consensus is at with a replica set. */
enum cl_change {
	CL_CHANGE_NONE,
	CL_CHANGE_LEARN, /* there are learners */
	CL_CHANGE_JOINT, /* the set is joint */
	CL_CHANGE_DONE, /* it is not any more, the leader has to hear of it */
};

/* A shard of the cluster, as consensus has it; masks are by node. */
struct cl_shard {
	u32 volume;
	u32 no;
	struct qbd_set set; /* with learners */
	u64 replica[CL_NODES + 1]; /* id of the newest one there */
	u32 version; /* of @set */
	u32 all_nodes; /* with a replica, in the set or not */
	u32 target; /* the change leads there */
	u32 leave; /* have left, to be deleted when that is committed */
	u32 bury; /* to be deleted now */
	u32 gone; /* a leader said so, none took it back */
	u32 lie[CL_NODES + 1]; /* block that is wrong there, plus 1 */
	u64 verify_term; /* in which it was compared at the end */
	u8 change; /* enum cl_change */
	u64 change_ns;
};

/* A volume, as consensus and operator see it. */
struct cl_volume {
	u32 first; /* shard */
	u32 nr; /* as many as it may ever have */
	u32 size; /* shards that consensus has decided on */
	u64 term; /* highest granted */
	u32 holder; /* node that it was granted to */
	u32 want; /* node that shall get the next one, 0 = none */
	bool retire; /* the holder shall release it first */
	u64 retire_ns; /* the same, at that time */
	u64 since_ns;
	u64 release_ns; /* when it was released last */
};

enum cl_op_kind {
	CL_OP_WRITE,
	CL_OP_DISCARD,
	CL_OP_ZERO,
	CL_OP_READ,
	CL_OP_FLUSH,
};

enum cl_op_state {
	CL_OP_FREE,
	CL_OP_HELD, /* refused with -EAGAIN */
	CL_OP_ISSUED,
	CL_OP_DONE,
};

/* A request of a client; its number is the value that it writes. */
struct cl_op {
	u8 kind;
	u8 state;
	u8 shard;
	u8 node;
	u8 client;
	bool fua;
	bool reading; /* the local store fills @value */
	u32 life;
	u32 gen;
	int err;
	u32 block;
	u32 blocks;
	u64 invoke_ns;
	u64 term; /* once accepted */
	u64 index;
	u64 floor[CL_OP_BLOCKS]; /* reads: newest known when it began */
	u32 value[CL_OP_BLOCKS];
	struct cl_payload *payload;
};

/*
 * What the store of a node has read for READ or READ_LOCAL: all that the log
 * had up to @first, nothing beyond @index.
 */
struct cl_read {
	struct qbd_action act;
	u32 shard;
	int err;
	u64 first;
	u64 index;
	u32 value[CL_BLOCKS];
};

struct cl_client {
	u32 left;
	u32 busy;
	u32 gen;
	u64 since_ns;
};

#endif /* QBD_SIM_CLUSTER_TYPES_H */
