/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole cluster in one process: nodes with the real core, links, disks,
 * clients, a consensus that grants terms, and an oracle that watches them.
 *
 * One thread, virtual time, one seed: a schedule is a function of its seed.
 * Everything that happens is an event in one heap, ordered by time and then by
 * the order in which it was put there.
 *
 * WHAT IS REAL.  Leaders, replicas, leases, the gate of a volume, the codec of
 * the wire.  In some schedules the store too, on the disk of disk.h; in the
 * others a log that does what store.h promises and costs less, so that there
 * can be more of them (cluster_log.h).
 *
 * WHAT IS MADE UP.  The shell: it carries out actions as step.h says, from a
 * FIFO per node and shard, at once or some time later.  A node that crashes
 * does so before an action of its choice: each of them is a crash point.  Links
 * have a few connections per pair of nodes, FIFO each, one of them per shard;
 * a reset loses what is under way, or only the end of it, and what is left may
 * be read after the next connection was made.  Clocks have an offset and drift.
 *
 * Terms come from a consensus that never fails: each is granted once, to one
 * node, rising by volume.  The operator (cluster_daemon.c) does with them what
 * operators do: attach elsewhere, without asking the old holder, again, and
 * with a term that was used before.
 *
 * AND THEN.  A schedule has a working phase, with faults, and ends with all of
 * them healed: everything has to come to rest, all requests have to end, and
 * all replicas to be the same.  What the oracle looks at is told in
 * cluster_oracle.h.
 *
 * FILES.  cluster_world.c: time and the life of a schedule.  cluster_net.c:
 * links.  cluster_node.c: nodes, steps, pump.  cluster_act.c: carrying out
 * actions.  cluster_log.c: the cheap log.  cluster_store.c, cluster_open.c: the
 * real one.  cluster_client.c: requests.  cluster_daemon.c: terms.
 * cluster_grow.c: more shards.  cluster_config.c: replica sets.
 * cluster_fault.c: what goes wrong.  cluster_oracle.c, cluster_end.c: the
 * rules.  qbdsim.c: many schedules.
 */
#ifndef QBD_SIM_CLUSTER_WORLD_H
#define QBD_SIM_CLUSTER_WORLD_H

#include "cluster_types.h"

/**
 * enum cl_event_kind - what may be due
 * @CL_EV_NET: first message of connection @c from @a to @b
 * @CL_EV_LINK: node @a learns whether the link to @b is up
 * @CL_EV_JOIN: nodes @a and @b try to connect
 * @CL_EV_LOG: oldest write of the cheap log of node @a
 * @CL_EV_DISK: disk of node @a
 * @CL_EV_READ: read @arg of the cheap log
 * @CL_EV_PUMP: pump of node @a, shard @b
 * @CL_EV_TICK: node @a
 * @CL_EV_CLIENT: client @a
 * @CL_EV_START: node @a boots, or opens its store again
 * @CL_EV_FAULT: something goes wrong
 * @CL_EV_HEAL: end of fault @arg
 * @CL_EV_FORGET: second part of fault @arg
 * @CL_EV_DAEMON: the operator looks at volume @a
 * @CL_EV_RELEASE: the holder of volume @a shall release it now
 * @CL_EV_FLOOR: consensus tells node @a its term floors
 * @CL_EV_CONFIG: consensus hears that a set of shard @a is committed; @arg is
 *	the term of the leader, and the epoch
 * @CL_EV_GROW: node @b is told that volume @a has @c shards under term @arg
 */
enum cl_event_kind {
	CL_EV_NET,
	CL_EV_LINK,
	CL_EV_JOIN,
	CL_EV_LOG,
	CL_EV_DISK,
	CL_EV_READ,
	CL_EV_PUMP,
	CL_EV_TICK,
	CL_EV_CLIENT,
	CL_EV_START,
	CL_EV_FAULT,
	CL_EV_HEAL,
	CL_EV_FORGET,
	CL_EV_DAEMON,
	CL_EV_RELEASE,
	CL_EV_FLOOR,
	CL_EV_CONFIG,
	CL_EV_GROW,
};

/* @life: of node @a; the event is void in another one, U32_MAX = in none */
struct cl_event {
	u64 due_ns;
	u32 seq;
	u32 life;
	u32 arg;
	u8 kind;
	u8 a;
	u8 b;
	u8 c;
};

struct cl_oracle;
struct cl_faults;

struct cl_counts {
	u64 events;
	u64 steps;
	u64 actions;
	u64 msgs;
	u64 ops;
	u64 acked;
	u64 faults;
	u64 crashes;
	u64 real;
	u64 far; /* schedules with nodes that are far apart */
	u64 leases; /* schedules in which lives of a node have other leases */
	u64 gone; /* members that no log reached at the end */
	u64 resyncs; /* switches to a shadow */
	u64 copied; /* blocks that were sent for them */
	u64 changes; /* replica sets that were replaced */
	u64 verified; /* comparisons that came to their end */
	u64 differ; /* blocks of a copy that they found */
	u64 repaired;
	u64 undecided;
	u64 rollbacks; /* disks that were put back, or blank */
	u64 grows; /* growths that were begun */
	u64 grown; /* and that ended under the same term */
	u64 hopeless; /* schedules that end without a quorum */
	u64 virtual_ns;
};

struct cl_world {
	struct qbd_rng rng;
	u64 seed;
	u64 now_ns;
	bool trace;
	bool real; /* stores */
	bool healing;
	bool reads_quorum;
	bool scarce; /* pages run out now and then */
	bool changes; /* replica sets change */
	bool verifies; /* copies are compared */
	const char *rule;
	char why[160];
	u64 hash;
	u32 nr_nodes;
	u32 nr_volumes;
	u32 nr_shards;
	u32 nr_conns;
	u64 lease_ns;
	u64 short_ns; /* of nodes that were started again, some or all */
	u64 retry_ns;
	u64 net_ns;
	u32 lag_percent; /* pumps that are late */
	u64 end_ns;
	u64 heal_ns;
	/* events */
	struct cl_event *heap;
	u32 nr_heap;
	u32 seq;
	/* links, by from and to */
	struct cl_fifo net[CL_NODES + 1][CL_NODES + 1][CL_CONNS];
	u64 net_due_ns[CL_NODES + 1][CL_NODES + 1][CL_CONNS];
	u64 link_ns[CL_NODES + 1][CL_NODES + 1]; /* longest delay, and */
	u64 far_ns[CL_NODES + 1][CL_NODES + 1]; /* what stays the whole time */
	bool cut[CL_NODES + 1][CL_NODES + 1];
	bool joined[CL_NODES + 1][CL_NODES + 1];
	u8 pin[CL_NODES + 1][CL_NODES + 1][CL_SHARDS];
	u64 cut_ns[CL_NODES + 1][CL_NODES + 1]; /* since when */
	struct cl_node node[CL_NODES + 1];
	struct cl_shard shard[CL_SHARDS];
	struct cl_volume volume[CL_VOLUMES];
	struct cl_client client[CL_CLIENTS];
	u32 nr_clients;
	struct cl_op op[CL_OPS];
	u32 nr_ops; /* used; op 0 is none */
	u32 open_ops; /* not ended */
	struct cl_oracle *oracle;
	struct cl_faults *faults;
	struct cl_counts counts;
};

#endif /* QBD_SIM_CLUSTER_WORLD_H */
