/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The follower's side of a shard: one replica, a pure state machine.
 *
 * It keeps the promise (which term it obeys), checks that what a leader sends
 * continues the history that it has, has it logged, acknowledges what is
 * durable, tells the store how far records may go home, serves reads, and
 * sends records of its log to other replicas when the leader says so.
 *
 * The rules it keeps are named beside the functions that keep them: S1, S2,
 * S4, S8, S9, S10, V1 (rules.h), and one path for truncation.
 *
 * WHAT IS KNOWN.  Three indexes: last (handed to the store), durable (the
 * store said so), matched (proven to be the leader's history in this term).
 * Only min(last, matched) is acknowledged as received, min(durable, matched)
 * as durable, and records at or below min(commit told in this term, durable,
 * matched) may go home; what a source of catch-up has itself sent home counts
 * as told.
 *
 * PERSISTENCE.  LOG_APPEND, LOG_PROMISE and LOG_TRUNCATE go to the store in
 * the order of the actions; LOGGED, PROMISED and TRUNCATED come back in the
 * same order (it is one log).  Of appends without another action in between
 * the newest LOGGED is enough.  If the store has no room the shell keeps them,
 * and all that follow, in order.  If it fails, FAILED.
 *
 * FULL.  The store has no home for the oldest LOG_APPEND that waits: it and all
 * behind it are forgotten, with a NACK; what continues the log is tried again.
 *
 * WINDOW.  What was handed to the store and is not durable is in memory, and
 * bounded here, whatever the leader does: twice what it was told it may send
 * ahead, for it counts by acks that it has seen, while a source of catch-up
 * sends too.  Beyond that NACK BUSY; the leader sends it again by the clock.
 *
 * A LOG_PROMISE does not wait for room that records want: what is not committed
 * yet may fill the log, and only the next leader can commit it.  The shell then
 * forgets the LOG_APPENDs and lower LOG_PROMISEs that wait, and LOG_TRUNCATEs
 * that void nothing else (TRUNCATED for each), says UNLOGGED, and goes on with
 * what is left.
 *
 * The shell calls under the shard's lock.  The callbacks are called within a
 * step: they may take the locks of the store and of the node, nothing else.
 */
#ifndef QBD_CORE_REPLICA_H
#define QBD_CORE_REPLICA_H

#include "lease.h"
#include "replica_fill.h"
#include "resync.h"
#include "step.h"

#define QBD_REPLICA_RUNS 8 /* terms among records not yet durable */
#define QBD_REPLICA_FILLS 4 /* FETCH requests under way */
#define QBD_REPLICA_TRUNCATES 8 /* truncations not yet durable */

/**
 * struct qbd_replica_ops - what a replica asks the shell within a step
 * @term_at: term of the record at @index of the local log; it must know it for
 *	the last one that went home, and for the last one that left the log: a
 *	replica that has that one can be filled; else 0 if it is not (any more)
 *	in the log
 * @log_get: the record at @index; false if it is not (any more) in the log
 * @lease_stamp: qbd_lease_stamp() of the voter state for @node
 * @lease_leave: qbd_lease_leave() of it
 */
struct qbd_replica_ops {
	u64 (*term_at)(void *ctx, u64 index);
	bool (*log_get)(void *ctx, u64 index, struct qbd_log_rec *rec);
	struct qbd_lease_stamp (*lease_stamp)(void *ctx, u32 node);
	u64 (*lease_leave)(void *ctx, u32 node);
};

/**
 * struct qbd_replica_config - what a replica starts with, from its store
 * @ops: callbacks
 * @resync: callbacks of a resync; NULL: it takes no part in any
 * @ctx: first argument of all of them
 * @key: which shard
 * @replica: replica id
 * @node: this node
 * @blocks: size of the shard
 * @incarnation: of the store, new at every open
 * @opens: the store's generation counter
 * @promise: as in the store; all zero = none
 * @last: last record in the log; {0, 0} = none
 * @commit: highest commit index known, at least the applied index
 * @config_epoch: epoch of the newest replica set in its log or at home
 * @max_lease_ns: longest lease that any node may get in this life (S9)
 * @window_records: records that leaders may send ahead of acks
 * @window_bytes: payload bytes likewise
 * @retry_ns: after which what a source did not answer is asked again
 * @flags: QBD_REPLICA_NONVOTING, _SUSPECT, _LOST as in the store
 */
struct qbd_replica_config {
	const struct qbd_replica_ops *ops;
	const struct qbd_resync_ops *resync;
	void *ctx;
	struct qbd_shard_key key;
	u64 replica;
	u32 node;
	u32 blocks;
	u64 incarnation;
	u64 opens;
	struct qbd_promise promise;
	struct qbd_pos last;
	u64 commit;
	u64 config_epoch;
	u64 max_lease_ns;
	u32 window_records;
	u32 window_bytes;
	u64 retry_ns;
	u32 flags;
};

/**
 * enum qbd_replica_event_kind - what happened
 * @QBD_REPLICA_MSG: @msg came from @node
 * @QBD_REPLICA_LOGGED: all appended records up to @pos are durable
 * @QBD_REPLICA_PROMISED: the promise with @term and @nonce is durable
 * @QBD_REPLICA_TRUNCATED: the oldest LOG_TRUNCATE not yet reported is durable
 * @QBD_REPLICA_UNLOGGED: appended records beyond @pos were forgotten before
 *	they reached the log, in favour of a promise
 * @QBD_REPLICA_FORGOT: likewise, the oldest LOG_FORGET not reported is done
 * @QBD_REPLICA_FULL: the oldest LOG_APPEND that waits has no home in the store
 * @QBD_REPLICA_READ_DONE: QBD_ACT_READ @msg ended with @err (0, -EIO, -EILSEQ,
 *	-EAGAIN: no memory to read it with); the bytes (@payload, @crc) show all
 *	of the history up to @first, and none of it beyond @pos.index; @digest
 *	of them, if that was asked for
 * @QBD_REPLICA_LOG_BAD: payload of the record @pos can't be read; @msg is the
 *	message of QBD_ACT_SEND_LOG
 * @QBD_REPLICA_SHADOWED: QBD_ACT_SHADOW @msg ended with @err: 0; -ENOSPC: there
 *	is no room; -EIO: the disk failed; else it is to be asked for again
 * @QBD_REPLICA_FLOOR: consensus says that no term above @term (0: none at all)
 *	was granted before this store was opened (S5, S11); a replica that may
 *	have lost promises votes again once it is caught up
 * @QBD_REPLICA_FAILED: the store failed with @err; the replica is of no use
 *	until the store is opened anew
 * @QBD_REPLICA_TICK: time went by
 * @QBD_REPLICA_MORE: see struct qbd_actions
 */
enum qbd_replica_event_kind {
	QBD_REPLICA_MSG,
	QBD_REPLICA_LOGGED,
	QBD_REPLICA_PROMISED,
	QBD_REPLICA_TRUNCATED,
	QBD_REPLICA_UNLOGGED,
	QBD_REPLICA_FORGOT,
	QBD_REPLICA_FULL,
	QBD_REPLICA_READ_DONE,
	QBD_REPLICA_LOG_BAD,
	QBD_REPLICA_SHADOWED,
	QBD_REPLICA_FLOOR,
	QBD_REPLICA_FAILED,
	QBD_REPLICA_TICK,
	QBD_REPLICA_MORE,
};

/**
 * struct qbd_replica_event - one event
 * @kind: enum qbd_replica_event_kind
 * @node: MSG: sender, as known from the connection; READ_DONE: as in the action
 * @err: READ_DONE, SHADOWED, FAILED
 * @crc: READ_DONE
 * @now_ns: BOOTTIME
 * @term: PROMISED, FLOOR
 * @nonce: PROMISED
 * @first: READ_DONE
 * @pos: LOGGED, UNLOGGED, FORGOT, READ_DONE, LOG_BAD
 * @msg: MSG, READ_DONE, LOG_BAD, SHADOWED
 * @payload: READ_DONE: cookie of the bytes
 * @digest: READ_DONE: QBD_DIGEST_BYTES
 */
struct qbd_replica_event {
	enum qbd_replica_event_kind kind;
	u32 node;
	int err;
	u32 crc;
	u64 now_ns;
	u64 term;
	u64 nonce;
	u64 first;
	struct qbd_pos pos;
	const struct qbd_msg *msg;
	void *payload;
	const u8 *digest;
};

/**
 * struct qbd_replica_core - state of one replica
 * @cfg: as given to qbd_replica_init()
 * @promise: highest promise made, in memory; durable if @promised
 * @answer: last record when the promise rose, for OPEN_REPLY
 * @last: last record handed to the store
 * @durable: index up to which it is durable
 * @matched: index up to which it is the history of this term's leader
 * @told: commit index told in this term
 * @vouched: commit index that a source of catch-up knows, in this term
 * @bound: index up to which records may go home
 * @round: highest round seen in this term
 * @session: session of the leader's stream
 * @silent_until_ns: before that no other holder gets an answer (S9)
 * @granted_until_ns: likewise, lease granted before it left the list
 * @floor: term floor from consensus, 0 = not known
 * @epoch: highest config epoch that it was told
 * @logged: epoch of the newest CONFIG record here, 0 = not known
 * @logged_index: no CONFIG record is above it
 * @open: OPEN that waits for the end of a lease; its type is 0 if none does
 * @run: terms of the newest records
 * @fill: FETCH requests under way
 * @resync: what it does to become a copy of another one
 * @resyncs: counts its attempts
 * @pin_user: who makes itself a copy of this one
 * @now_ns: time of the newest event
 * @mark: index of the last record when the bytes were counted anew
 * @old_bytes: payload bytes up to it that may not be durable
 * @new_bytes: payload bytes of records after it
 * @truncates: LOG_TRUNCATE actions not yet durable
 * @keep: index up to which none of them reaches
 * @nr_runs: entries of @run in use
 * @flags: QBD_REPLICA_NONVOTING, _SUSPECT, _LOST
 * @promised: @promise is durable
 * @opened: it was answered in this life of the replica
 * @released: its holder is done with it
 * @listed: the replica is in the list of the promise's node
 * @ack_due: an ack is to be sent at the end of the step
 * @full: the store had no home for the record after @full_at
 * @full_at: see there
 * @full_session: session in which the leader was told so
 * @failed: negative errno once it failed
 */
struct qbd_replica_core {
	struct qbd_replica_config cfg;
	struct qbd_promise promise;
	struct qbd_pos answer;
	struct qbd_pos last;
	u64 durable;
	u64 matched;
	u64 told;
	u64 vouched;
	u64 bound;
	u64 round;
	u64 session;
	u64 silent_until_ns;
	u64 granted_until_ns;
	u64 floor;
	u64 epoch;
	u64 logged;
	u64 logged_index;
	struct qbd_msg open;
	struct qbd_run run[QBD_REPLICA_RUNS];
	struct qbd_fill fill[QBD_REPLICA_FILLS];
	struct qbd_resync resync;
	u64 resyncs;
	struct qbd_pin_user pin_user[QBD_PIN_USERS];
	u64 now_ns;
	u64 mark;
	u64 old_bytes;
	u64 new_bytes;
	u32 truncates;
	u64 keep;
	u8 nr_runs;
	u8 flags;
	bool promised;
	bool opened;
	bool released;
	bool listed;
	bool ack_due;
	bool full;
	u64 full_at;
	u64 full_session;
	int failed;
};

void qbd_replica_init(struct qbd_replica_core *rep,
		      const struct qbd_replica_config *cfg, u64 now_ns);
void qbd_replica_step(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts);
bool qbd_replica_blank(const struct qbd_replica_core *rep);
bool qbd_replica_busy(const struct qbd_replica_core *rep);

#endif /* QBD_CORE_REPLICA_H */
