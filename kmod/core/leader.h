/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The leader's side of a shard: the node where its volume is attached. S1 to
 * S16 and V1 to V10, here and elsewhere, are the rules in rules.h.
 *
 *	OPENING ---> RECOVERING ---> READY ---> SERVING ---> RELEASING
 *	     \            \             \           \             \
 *	      `------------`-------------`-----------`-------------`---> LOST
 *
 * OPENING: OPEN to all members.  When a read quorum (of each set) promised,
 * PROMISED; the highest (last term, last index) among the answers is the
 * history, once and for all in this term.  RECOVERING: members that have it
 * get the term-start record, others are first filled by one that has it; when
 * that record is durable on a write quorum it commits, and all before it.
 * READY: so for this shard.  SERVING: the volume's gate is open too (S7).
 *
 * The leader has no log of its own.  It keeps the records that are not yet
 * completed, or not yet acknowledged by a live member, in a ring of fixed
 * size; everything older is sent by a member to another one (FETCH).  The
 * replica on its own node is one more member, reached by QBD_ACT_SEND.
 *
 * WRITES.  An accepted WRITE gets (term, next index) at once; COMPLETE follows
 * when it and all before it are durable on a write quorum, PUT when no member
 * needs its payload any more.  Refused with -EAGAIN: keep the request, try
 * again after SPACE (or SERVING, RESUMED); other errors are final.
 *
 * READS.  From the local replica if it is in the live stream, else from one
 * that is; another one after EIO, a bad CRC, or when it was behind twice.  The
 * bytes are given out when no overlapping record, up to the index they were
 * read at, is uncompleted (S8), and when then, with the bytes in hand, leases
 * of a quorum run or, with @reads_quorum, a quorum confirms the term.
 *
 * REPLICA SET.  CONFIG gives the next one (leader_config.c): learners are added
 * at once; a joint set, or the one that follows it, is in force from the moment
 * that its record is assigned, and QBD_ACT_CONFIG says when that is committed.
 * Numbers of members change then: actions name replica and node too.
 *
 * VERIFY has all copies compared, and put right what differs (leader_verify.c):
 * DIFFERS for each block that does, VERIFIED at the end.
 *
 * TIME.  TICK at least every eighth of the lease while qbd_leader_busy(), and
 * every lease otherwise.  Call it too when a heartbeat came back while
 * qbd_leader_waits_lease().
 *
 * MEMORY.  The caller allocates qbd_leader_size() bytes, the ring and the
 * table of reads, and keeps them until it stopped calling; nothing else is
 * needed.  Files: leader.c (events), leader_open.c (OPEN, choice, recovery),
 * leader_write.c (sending, commit), leader_fill.c (matching, catch-up),
 * leader_resync.c (copies), leader_read.c (reads, leases, confirmation),
 * leader_config.c (sets), leader_verify.c (comparing copies).
 */
#ifndef QBD_CORE_LEADER_H
#define QBD_CORE_LEADER_H

#include "leader_read.h"
#include "leader_verify.h"
#include "lease.h"
#include "overlap.h"
#include "progress.h"
#include "quorum.h"
#include "step.h"
#include "window.h"

/**
 * enum qbd_leader_state - see above
 * @QBD_LEADER_OPENING: waits for promises of a read quorum
 * @QBD_LEADER_RECOVERING: brings a write quorum to the chosen history
 * @QBD_LEADER_READY: waits for the volume's gate
 * @QBD_LEADER_SERVING: answers I/O
 * @QBD_LEADER_RELEASING: drains
 * @QBD_LEADER_LOST: fenced or stopped; nothing is accepted or completed
 */
enum qbd_leader_state {
	QBD_LEADER_OPENING,
	QBD_LEADER_RECOVERING,
	QBD_LEADER_READY,
	QBD_LEADER_SERVING,
	QBD_LEADER_RELEASING,
	QBD_LEADER_LOST,
};

/**
 * struct qbd_leader_ops - what a leader asks the shell within a step
 * @lease: the holder's view of @node (struct qbd_lease_holder.view)
 */
struct qbd_leader_ops {
	struct qbd_lease_view (*lease)(void *ctx, u32 node);
};

/**
 * struct qbd_leader_config - what a leader starts with
 * @ops: callbacks
 * @ctx: their first argument
 * @key: which shard
 * @node: this node
 * @blocks: size of the shard
 * @term: term of the attach
 * @nonce: session nonce of the attach, random, not 0 (S2)
 * @set: replica set that consensus attached with
 * @lease_ns: length of leases, at most the maximum of the cluster
 * @retry_ns: after which an unanswered OPEN, probe, FETCH, READ is repeated,
 *	at least; see qbd_leader_patience()
 * @recover_ns: recovery without progress for so long asks for a new term (V6)
 * @error_ns: without a write quorum for so long requests fail; 0 = never
 * @window_bytes: payload bytes in the ring
 * @ring: memory for @ring_records records, handed over
 * @ring_records: a power of two
 * @read: memory for @nr_reads reads, handed over
 * @nr_reads: at most 65536
 * @resync: have members that no log reaches made copies of others
 * @reads_quorum: confirm each read's term by a round instead of the lease
 * @repair: attach without a device: no lease, no user I/O
 */
struct qbd_leader_config {
	const struct qbd_leader_ops *ops;
	void *ctx;
	struct qbd_shard_key key;
	u32 node;
	u32 blocks;
	u64 term;
	u64 nonce;
	struct qbd_set set;
	u64 lease_ns;
	u64 retry_ns;
	u64 recover_ns;
	u64 error_ns;
	u32 window_bytes;
	struct qbd_inflight *ring;
	u32 ring_records;
	struct qbd_leader_read *read;
	u32 nr_reads;
	bool resync;
	bool reads_quorum;
	bool repair;
};

/**
 * enum qbd_leader_event_kind - what happened
 * @QBD_LEADER_START: once, first: sends OPEN
 * @QBD_LEADER_MSG: @msg came from @node
 * @QBD_LEADER_UP: there is a (new) connection to @node; also the own node
 * @QBD_LEADER_DOWN: there is none any more
 * @QBD_LEADER_WRITE: a request: @req, @op, @rec_flags, @block, @blocks, and for
 *	QBD_OP_WRITE @payload and @crc
 * @QBD_LEADER_READ: a request: @req, @block, @blocks
 * @QBD_LEADER_READ_DONE: READ_LOCAL @id ended with @err; the bytes show all
 *	of the local history up to @first, and none of it beyond @index
 * @QBD_LEADER_GATE: all shards of the volume are promised, or all that are
 *	added to it (S7)
 * @QBD_LEADER_CONFIG: consensus wants the replica set @set, whose CONFIG record
 *	has @payload and @crc; also the set in force, once READY, so that it is
 *	logged if it never was
 * @QBD_LEADER_VERIFY: compare all copies, as @verify says
 * @QBD_LEADER_RELEASE: clean detach: drain, then give up the term
 * @QBD_LEADER_STOP: end everything with @err, now
 * @QBD_LEADER_TICK: time went by
 * @QBD_LEADER_SCARCE: the node has no pages left: keep less for those behind
 * @QBD_LEADER_MORE: see struct qbd_actions
 */
enum qbd_leader_event_kind {
	QBD_LEADER_START,
	QBD_LEADER_MSG,
	QBD_LEADER_UP,
	QBD_LEADER_DOWN,
	QBD_LEADER_WRITE,
	QBD_LEADER_READ,
	QBD_LEADER_READ_DONE,
	QBD_LEADER_GATE,
	QBD_LEADER_CONFIG,
	QBD_LEADER_VERIFY,
	QBD_LEADER_RELEASE,
	QBD_LEADER_STOP,
	QBD_LEADER_TICK,
	QBD_LEADER_SCARCE,
	QBD_LEADER_MORE,
};

/**
 * struct qbd_leader_event - one event
 * @kind: enum qbd_leader_event_kind
 * @node: MSG, UP, DOWN
 * @err: READ_DONE, STOP
 * @op: WRITE: QBD_OP_WRITE, QBD_OP_DISCARD, QBD_OP_ZERO
 * @rec_flags: WRITE: QBD_REC_FUA
 * @verify: VERIFY: QBD_VERIFY_*
 * @block: WRITE, READ
 * @blocks: WRITE, READ
 * @crc: WRITE, CONFIG: CRC32C of the payload
 * @now_ns: BOOTTIME
 * @id: READ_DONE
 * @first: READ_DONE
 * @index: READ_DONE
 * @req: WRITE, READ
 * @payload: WRITE, CONFIG: the leader's until PUT, if it was accepted
 * @set: CONFIG
 * @msg: MSG
 */
struct qbd_leader_event {
	enum qbd_leader_event_kind kind;
	u32 node;
	int err;
	u8 op;
	u8 rec_flags;
	u8 verify;
	u32 block;
	u32 blocks;
	u32 crc;
	u64 now_ns;
	u64 id;
	u64 first;
	u64 index;
	void *req;
	void *payload;
	const struct qbd_set *set;
	const struct qbd_msg *msg;
};

struct qbd_leader_core;

size_t qbd_leader_size(void);
int qbd_leader_init(struct qbd_leader_core *lead,
		    const struct qbd_leader_config *cfg);
int qbd_leader_step(struct qbd_leader_core *lead,
		    const struct qbd_leader_event *event,
		    struct qbd_actions *acts);
bool qbd_leader_busy(const struct qbd_leader_core *lead);
bool qbd_leader_waits_lease(const struct qbd_leader_core *lead);
const char *qbd_leader_name(enum qbd_leader_state state);

/**
 * struct qbd_leader_info - what others may see of a leader
 * @state: enum qbd_leader_state
 * @suspended: no write quorum is in reach
 * @repair: it leads without a device: READY is as far as it goes
 * @history: history chosen in this term
 * @last: index of the last record
 * @commit: durable on a write quorum, in this term
 * @completed: held as the write concern asks; may be answered and read
 * @epoch: config epoch of the set in force, once that is committed; else 0
 * @blocks: size of the shard
 * @nr_inflight: records in the ring
 * @nr_reads: reads that have not ended
 * @verifying: copies are being compared; else @verify is about the last time
 * @verified: blocks that were looked at
 * @verify_err: how it ended
 * @verify: what was found
 */
struct qbd_leader_info {
	enum qbd_leader_state state;
	bool suspended;
	bool repair;
	struct qbd_pos history;
	u64 last;
	u64 commit;
	u64 completed;
	u64 epoch;
	u32 blocks;
	u32 nr_inflight;
	u32 nr_reads;
	bool verifying;
	u32 verified;
	int verify_err;
	struct qbd_verify_counts verify;
};

void qbd_leader_info(const struct qbd_leader_core *lead,
		     struct qbd_leader_info *info);
const struct qbd_set *qbd_leader_set(const struct qbd_leader_core *lead);
const struct qbd_progress *qbd_leader_member(const struct qbd_leader_core *lead,
					     u32 member);

#endif /* QBD_CORE_LEADER_H */
