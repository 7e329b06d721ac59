/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a simulated group of Raft servers is made of; raft_sim.h says what for.
 */
#ifndef QBD_RAFT_TYPES_H
#define QBD_RAFT_TYPES_H

#include "raft/codec.h"
#include "raft/seen.h"
#include "raft/state.h"
#include "rng.h"

#define RS_NODES 12
#define RS_SLOTS 64 /* entries in memory: it runs full */
#define RS_POOL 4096
#define RS_LOG_BYTES 16384 /* on disk */
#define RS_INDEXES 4096
#define RS_TERMS 1024
#define RS_HASHES 16384
#define RS_CLIENTS 3
#define RS_READS 64
#define RS_MSG_BYTES 1536
#define RS_MSGS 512
#define RS_EVENTS 2048
#define RS_SNAP_BYTES 320
#define RS_MS 1000000ULL
#define RS_ELECTION (100 * RS_MS)

/* What goes wrong; the names are in raft_nemesis.c. */
enum rs_fault {
	RS_LOSS,
	RS_DUP,
	RS_REORDER,
	RS_CUT,
	RS_PARTITION,
	RS_CRASH,
	RS_CRASH_LEADER,
	RS_CRASH_STORE,
	RS_TORN,
	RS_SKEW,
	RS_PAUSE,
	RS_SLOW,
	RS_EIO,
	RS_FLIP,
	RS_WIPE,
	RS_ROLLBACK,
	RS_COMPACT,
	RS_LEARNER,
	RS_PROMOTE,
	RS_REPLACE,
	RS_REMOVE,
	RS_REMOVE_LEADER,
	RS_TRANSFER,
	RS_FAULTS,
};

/* What the group is doing, as its leader sees it. */
enum rs_phase {
	RS_ELECTING,
	RS_STEADY,
	RS_JOINT,
	RS_SNAPSHOT,
	RS_BEHIND,
	RS_TRANSFERRING,
	RS_READING,
	RS_PHASES,
};

/* The state machine: how far each client got. */
struct rs_machine {
	u64 index;
	u64 count;
	u64 hash;
	u64 seq[RS_CLIENTS];
};

struct rs_snapfile {
	struct raft_snap snap;
	u64 bytes; /* that are there */
	u8 data[RS_SNAP_BYTES];
};

/* What survives a crash. */
struct rs_disk {
	u8 hard[2][RAFT_STATE_BYTES];
	u64 generation;
	u64 first; /* index of the first record, 0 = none */
	u64 last;
	u32 chain_base;
	u32 chain;
	u64 log_bytes;
	u64 at[RS_SLOTS * 4]; /* start of each record, by index */
	u8 log[RS_LOG_BYTES];
	struct rs_snapfile snap;
	struct rs_snapfile incoming;
};

/* A batch that the disk has not done yet, with the records encoded. */
struct rs_store {
	struct raft_batch batch;
	struct rs_snapfile snap; /* TAKE: an own snapshot */
	u64 keep; /* COMPACT up to here */
	u32 bytes;
	u8 data[RS_LOG_BYTES];
};

struct rs_node {
	u64 id;
	bool used;
	bool alive;
	bool lost; /* its log is damaged: rule 9 */
	bool doomed; /* it will be */
	u32 life;
	struct raft raft;
	struct raft_slot slot[RS_SLOTS];
	u8 pool[RS_POOL];
	struct rs_machine machine;
	struct rs_disk disk;
	struct rs_store store;
	bool chunk;
	bool taking;
	u64 clock; /* it showed this */
	u64 clock_at; /* at that time */
	u64 rate; /* and runs at this, in millionths */
	u64 tick_at;
	u64 slow_until;
	u64 paused_until; /* the process, not its disk */
	bool eio;
	u64 write_done; /* the disk is busy until */
	struct raft_seen known[RS_NODES]; /* how far the others were */
	bool copied;
	struct rs_disk copy; /* an older one of its disk */
	/* the oracle's */
	u64 term;
	u64 commit;
	u64 commit_before; /* the step */
	u64 seen; /* log looked at up to here */
	u64 conflicts;
	u64 conf_seen;
	u8 role;
	u64 acked; /* said to be on stable media */
	u64 led_since; /* own clock */
	u64 heard[RS_NODES]; /* own clock */
};

enum rs_event_kind {
	RS_EV_MSG,
	RS_EV_TICK,
	RS_EV_STORED,
	RS_EV_CHUNK,
	RS_EV_TAKEN,
	RS_EV_CLIENT,
	RS_EV_FAULT,
	RS_EV_START,
	RS_EV_HEAL,
};

struct rs_event {
	u64 at;
	u64 order;
	u8 kind;
	u32 node;
	u32 life;
	u32 arg;
};

struct rs_packet {
	u32 bytes;
	u32 to;
	u8 data[RS_MSG_BYTES];
};

struct rs_read_op {
	bool busy;
	bool confirmed;
	u32 client;
	u32 node;
	u32 life;
	u64 floor; /* what was committed when it was asked */
	u64 seq; /* what this client knew to be done */
	u64 index;
};

struct rs_client {
	u64 seq; /* the last one proposed */
	u64 acked;
	u64 index; /* where the last one went, 0 = nowhere */
	u64 term;
	u32 node;
	u32 life;
};

/* An entry that was committed. */
struct rs_done {
	u64 term;
	u64 by; /* term of the leader that committed it */
	u64 hash;
	u64 conf; /* index of the configuration in force */
};

struct rs_hash {
	u64 term;
	u64 index;
	u64 chain;
};

struct rs_counts {
	u64 steps;
	u64 msgs;
	u64 faults;
	u64 commits;
	u64 reads;
	u64 changes;
	u64 installs;
	u64 transfers;
	u64 elections;
	u64 lost;
	u64 virtual_ns;
};

struct rs_trap {
	u8 fault;
	u8 phase;
	bool set;
};

struct rs_world {
	struct qbd_rng rng;
	u64 seed;
	bool tracing;
	u64 now;
	u64 order;
	struct rs_event heap[RS_EVENTS];
	u32 nr_events;
	struct rs_packet packet[RS_MSGS];
	u32 free_packet[RS_MSGS];
	u32 nr_free;
	struct rs_node node[RS_NODES];
	u32 nr_nodes;
	struct rs_client client[RS_CLIENTS];
	struct rs_read_op read[RS_READS];
	/* network */
	bool cut[RS_NODES][RS_NODES]; /* from, to */
	u32 loss;
	u32 dup;
	u32 reorder;
	u64 delay;
	u32 append_entries;
	u32 window;
	/* nemesis */
	bool healed;
	u64 end;
	struct rs_trap trap[3];
	u64 hit[RS_FAULTS][RS_PHASES];
	u64 final_index;
	u64 final_term;
	u64 final_node;
	struct raft_pos ask; /* of the pre-vote that was just delivered */
	/* oracle */
	const char *rule;
	char why[160];
	u64 hash;
	u64 committed;
	struct rs_done done[RS_INDEXES];
	u64 leader_of[RS_TERMS];
	u64 own_commit[RS_TERMS];
	u64 voted[RS_NODES][RS_TERMS];
	struct rs_hash chain[RS_HASHES];
	struct rs_counts counts;
	struct raft_update update;
};

#endif /* QBD_RAFT_TYPES_H */
