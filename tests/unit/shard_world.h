/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small cluster for unit tests: nodes with a replica of one shard each, any
 * of which can lead it; links that are FIFO, slow or cut; disks that persist
 * in order, when they like. One thread, virtual time, one seed.
 *
 * It is the smallest world in which leader and replica can be run against each
 * other. The simulator in tests/sim has the real store, more shards, more
 * faults and the whole oracle.
 */
#ifndef QBD_TESTS_SHARD_WORLD_H
#define QBD_TESTS_SHARD_WORLD_H

#include "leader.h"
#include "replica.h"

#define SW_NODES 5
#define SW_BLOCKS 16
#define SW_LOG 4096
#define SW_QUEUE 2048
#define SW_RING 64
#define SW_READS 16
#define SW_MS 1000000ULL
#define SW_LEASE_NS (1500 * SW_MS)

/* What a node's log holds at an index. */
struct sw_rec {
	struct qbd_log_rec rec;
	u64 value;
};

/* A log with its replica's promise, in memory or on the medium. */
struct sw_log {
	struct sw_rec rec[SW_LOG];
	u64 first; /* oldest index kept */
	u64 last;
	u64 bound;
	struct qbd_promise promise;
};

/* One thing on its way: a message, or something to be made durable. */
struct sw_item {
	u64 due_ns;
	u32 from;
	u32 to;
	u64 life; /* of the node that it is for */
	struct qbd_action act;
};

/* Items in the order in which they have to come out. */
struct sw_queue {
	struct sw_item item[SW_QUEUE];
	u32 head;
	u32 tail;
};

struct sw_node {
	u32 id;
	bool up;
	u64 life;
	struct qbd_replica_core rep;
	struct sw_log mem;
	struct sw_log disk;
	struct sw_queue persist;
	struct qbd_lease_voter voter[SW_NODES + 1];
	struct qbd_lease_holder holder[SW_NODES + 1];
	struct qbd_leader_core *lead;
	struct qbd_inflight ring[SW_RING];
	struct qbd_leader_read read[SW_READS];
	bool pumping;
	bool serving;
	bool lost;
	u64 lost_term;
	u32 need_term;
	u64 released;
	u32 puts;
	u32 failed;
};

/* How a request of the client ended. */
struct sw_req {
	bool done;
	bool is_read;
	int err;
	u32 block;
	u64 value;
	u64 floor; /* reads: what had been acknowledged when it began */
};

struct sw_world {
	u32 nr;
	u64 now_ns;
	u64 seed;
	u64 delay_ns; /* longest, of a message */
	u64 persist_ns; /* longest, of a log write */
	u64 lease_ns;
	u64 next_life;
	u64 msgs;
	u64 fill_msgs;
	bool trace;
	bool reads_quorum;
	bool cut[SW_NODES + 1][SW_NODES + 1];
	struct sw_node node[SW_NODES + 1]; /* by id, 0 is not used */
	struct sw_queue link[SW_NODES + 1][SW_NODES + 1];
	struct sw_queue pump[SW_NODES + 1];
};

struct sw_world *sw_new(u32 nr, u64 seed);
void sw_free(struct sw_world *world);
u64 sw_rand(struct sw_world *world, u64 below);

void sw_start(struct sw_world *world, u32 id);
void sw_crash(struct sw_world *world, u32 id);
void sw_cut(struct sw_world *world, u32 a, u32 b, bool cut);
void sw_attach(struct sw_world *world, u32 id, u64 term);
void sw_detach(struct sw_world *world, u32 id);
int sw_event(struct sw_world *world, u32 id,
	     const struct qbd_leader_event *event);

int sw_write(struct sw_world *world, u32 id, struct sw_req *req, u32 block,
	     u64 value);
int sw_read(struct sw_world *world, u32 id, struct sw_req *req, u32 block);

void sw_run(struct sw_world *world, u64 ns);
bool sw_run_until(struct sw_world *world, const bool *flag, u64 ns);
u64 sw_value(const struct sw_world *world, u32 id, u32 block, u64 index);

#endif /* QBD_TESTS_SHARD_WORLD_H */
