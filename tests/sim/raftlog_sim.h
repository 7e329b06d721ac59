/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log store of a Raft server, on a disk that fails (raftlog_disk.h), in
 * lockstep with a model of what it has to have.
 *
 * A schedule is a seed: batches as the Raft core makes them, snapshots that are
 * received and own ones, in a random order; the power goes at any operation,
 * or the program dies, or an operation fails, a bit flips, the disk is full;
 * then it is opened again.  RULES:
 *
 *   L1	what was reported is there: hard state, entries, snapshot, pieces
 *   L2	what is there is what the contract allows: the batch under way is done
 *	up to some point, in its order; known covers all that is given out
 *   L3	without a flipped bit nothing is damage, and nothing is refused
 *   L4	with one, what was reported is there, or it is said that it is not
 *   L5	who heeds `full' never has a batch that fails for lack of room
 *   L6	nothing fails that nobody made fail
 *   L7	a directory that is damaged or refused is not changed
 */
#ifndef QBD_RAFTLOG_SIM_H
#define QBD_RAFTLOG_SIM_H

#include "raftlog/raftlog.h"
#include "raftlog_disk.h"

#define LW_INDEXES 4096U
#define LW_SLOTS 256U
#define LW_POOL (64U * 1024)
#define LW_ENTRY_BYTES 700U
#define LW_SEGMENT_BYTES (8U * 1024)
#define LW_SNAP_BYTES 3000U
#define LW_BATCH_BYTES (24U * 1024)

/**
 * struct lw_state - what a store has
 * @term: hard state
 * @vote: hard state
 * @snap: snapshot in use
 * @before: the one before it
 * @last: last entry
 * @of: term of each entry
 */
struct lw_state {
	u64 term;
	u64 vote;
	struct raft_snap snap;
	struct raft_snap before;
	u64 last;
	u64 of[LW_INDEXES];
};

/**
 * struct lw_counts - what a schedule covered
 */
struct lw_counts {
	u64 batches;
	u64 entries;
	u64 truncates;
	u64 installs;
	u64 chunks;
	u64 takes;
	u64 drops;
	u64 crashes;
	u64 kills;
	u64 fails;
	u64 full;
	u64 flips;
	u64 damaged;
	u64 opens;
	u64 torn;
	u64 fallbacks;
	u64 resumed;
	u64 ops;
};

/**
 * struct lw_world - a store, its disk, its model
 * @have: what was reported
 * @next: and what will have been, when the batch under way is done
 * @batch: it, its seq 0 = none
 * @log: as the Raft core has it
 * @commit: nothing up to here is truncated
 * @piece: the snapshot that is received, index 0 = none
 * @piece_have: what was reported of it
 * @piece_busy: bytes that are under way
 * @take: own snapshot under way, index 0 = none
 * @drop: entries up to here are to be dropped, 0 = none
 * @old: term of an entry that was truncated: it may come back
 * @may_fail: a fault was injected
 * @names: a sync of the directory failed
 * @flipped: a bit was
 * @over: the store is lost
 */
struct lw_world {
	struct qbd_rng rng;
	u64 seed;
	bool tracing;
	struct ld_disk disk;
	struct raftlog_env env;
	struct raftlog *store;
	struct raftlog_report report;
	struct lw_state have;
	struct lw_state next;
	struct raft_batch batch;
	u64 seq;
	struct raft_log log;
	struct raft_slot slot[LW_SLOTS];
	u8 pool[LW_POOL];
	u64 commit;
	struct raft_snap piece;
	u64 piece_have;
	u64 piece_busy;
	struct raft_snap take;
	u8 take_data[LW_SNAP_BYTES];
	u64 drop;
	u64 old[LW_INDEXES];
	bool may_fail;
	bool names;
	bool flipped;
	bool over;
	u64 hash;
	struct lw_counts counts;
	const char *rule;
	char why[200];
};

/* raftlog_world.c */
void lw_run(struct lw_world *w, u64 seed, bool trace);
void lw_trace(struct lw_world *w, const char *fmt, ...) __printf(2, 3);
void lw_broken(struct lw_world *w, const char *rule, const char *fmt, ...)
	__printf(3, 4);
u32 lw_entry(const struct lw_world *w, struct raft_pos pos, u8 *data);
void lw_snap_content(const struct lw_world *w, const struct raft_snap *snap,
		     u8 *data);

/* raftlog_steps.c */
void lw_step(struct lw_world *w);

/* raftlog_check.c */
void lw_check(struct lw_world *w, const struct raft_start *start);

#endif /* QBD_RAFTLOG_SIM_H */
