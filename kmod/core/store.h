/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store: one log, many replicas, one home.
 *
 * What is written goes into the log first and is durable with the segment
 * that holds it.  A checkpoint takes it home later, into the physical chunks,
 * together with the map that finds it there.  This is the store's mind: it
 * decides, its caller does.  Open and replay fill it through load.h.
 *
 * CALLER'S PART.  All calls are made under one lock, which may be a spinlock:
 * each call does a bounded piece of work.  Those whose work is not bounded by
 * one record are cut in steps by the caller's loop (qbd_ckpt_next(),
 * qbd_store_destroy_step()).  No call allocates: map pages are given before
 * they are needed (qbd_store_pages_wanted()), the rest at init.
 *
 * WHAT IS DURABLE.  A record is when the segment that holds it was reported
 * with qbd_commit_end(core, 0), and then all records before it in the store
 * are.  A replica's durable position rises in that call.
 *
 * WHAT GOES HOME (S1).  Records at or below the bound that the caller set with
 * qbd_store_commit_set(), never beyond, never before they are durable here.
 * So truncation only ever drops records of the log.
 *
 * SPACE.  User records are refused with -EAGAIN while the log, or its index,
 * has no room outside of the reserves for control records and re-logging;
 * retry after the next QBD_CKPT_DONE.  -ENOSPC is said before acceptance:
 * what was accepted has a home.
 *
 * FAIL-STOP.  A failed I/O of the log or of a checkpoint fails the store for
 * good: each call that would change or read it says -EIO from then on.
 */
#ifndef QBD_CORE_STORE_H
#define QBD_CORE_STORE_H

#include "io.h"
#include "pos.h"
#include "rec.h"
#include "store_limits.h"
#include "super.h"
#include "table.h"
#include "wal_format.h"

struct qbd_store_core;

/* --- life -------------------------------------------------------------- */

size_t qbd_store_mem_bytes(const struct qbd_super *super);
struct qbd_store_core *qbd_store_init(void *mem, const struct qbd_super *super);
bool qbd_store_destroy_step(struct qbd_store_core *core);
void qbd_store_fail(struct qbd_store_core *core, int error);
int qbd_store_error(const struct qbd_store_core *core);
struct qbd_super *qbd_store_super(struct qbd_store_core *core);
struct qbd_meta *qbd_store_meta(struct qbd_store_core *core);

/* Memory for map pages: one zero-filled block each, from and to the caller. */
u32 qbd_store_pages_wanted(const struct qbd_store_core *core);
u32 qbd_store_pin_pages_wanted(const struct qbd_store_core *core);
void qbd_store_page_give(struct qbd_store_core *core, void *page);
void *qbd_store_page_take(struct qbd_store_core *core);

/**
 * struct qbd_store_stats - numbers for people
 * @log_blocks: size of the log
 * @log_used: blocks from its tail to its head
 * @log_live: blocks of records that have not gone home
 * @recs: records in the log index
 * @recs_max: room of the log index
 * @chunks: physical chunks
 * @chunks_free: of these, not in use
 * @chunks_reserved: free ones promised to accepted records
 * @checkpoints: checkpoints done since open
 * @segments: segments written since open
 * @relogged: records re-logged since open
 * @home_blocks: blocks written home since open
 * @zero_blocks: blocks zeroed at home since open
 * @cloned_blocks: blocks copied because a pin has them, since open
 */
struct qbd_store_stats {
	u64 log_blocks;
	u64 log_used;
	u64 log_live;
	u32 recs;
	u32 recs_max;
	u64 chunks;
	u64 chunks_free;
	u64 chunks_reserved;
	u64 checkpoints;
	u64 segments;
	u64 relogged;
	u64 home_blocks;
	u64 zero_blocks;
	u64 cloned_blocks;
};

void qbd_store_stats_get(const struct qbd_store_core *core,
			 struct qbd_store_stats *stats);

/* --- replicas ---------------------------------------------------------- */

/**
 * struct qbd_store_replica - a replica as others see it
 * @table: identity, size, flags, highest promise (logged or not), newest
 *	config logged; @table.commit is the bound
 * @last: newest record accepted
 * @durable: newest record on stable media
 * @applied: newest record that went home
 * @log_first: oldest index from which on the log has all records up to @last;
 *	@last.index + 1 if it has none
 * @live_blocks: blocks in the log of its records that have not gone home
 * @live_recs: how many these are
 */
struct qbd_store_replica {
	struct qbd_table_slot table;
	struct qbd_pos last;
	struct qbd_pos durable;
	struct qbd_pos applied;
	u64 log_first;
	u64 live_blocks;
	u32 live_recs;
};

int qbd_store_find(const struct qbd_store_core *core, u64 replica);
int qbd_store_replica_get(const struct qbd_store_core *core, u32 slot,
			  struct qbd_store_replica *replica);
u64 qbd_store_term_at(const struct qbd_store_core *core, u32 slot, u64 index);
int __must_check qbd_store_create(struct qbd_store_core *core,
				  struct qbd_table_slot *table, void *block,
				  void *payload);
int __must_check qbd_store_delete(struct qbd_store_core *core, u32 slot,
				  u64 epoch);
int __must_check qbd_store_promise(struct qbd_store_core *core, u32 slot,
				   const struct qbd_promise *promise);
int __must_check qbd_store_truncate(struct qbd_store_core *core, u32 slot,
				    u64 term, u64 index);
void qbd_store_commit_set(struct qbd_store_core *core, u32 slot, u64 index);
void qbd_store_flags_set(struct qbd_store_core *core, u32 slot, u32 flags);
void qbd_store_forgot(struct qbd_store_core *core);

/* --- records ----------------------------------------------------------- */

int __must_check qbd_store_append(struct qbd_store_core *core, u32 slot,
				  const struct qbd_desc *desc, void *payload,
				  const struct qbd_config *config);
const struct qbd_rec *qbd_store_rec(const struct qbd_store_core *core, u32 id);
int qbd_store_log_get(const struct qbd_store_core *core, u32 slot, u64 index);
void *qbd_store_release_next(struct qbd_store_core *core);
int __must_check qbd_store_payload_set(struct qbd_store_core *core, u32 id,
				       void *payload);
void *qbd_store_payload_drop(struct qbd_store_core *core, u32 id);

/* Reading the log without the lock: check before use that it still holds. */
u32 qbd_store_log_extents(const struct qbd_store_core *core, u64 lpos,
			  u32 blocks, struct qbd_extent extent[2]);
bool qbd_store_log_holds(const struct qbd_store_core *core, u64 lpos);

/* --- reading ----------------------------------------------------------- */

/**
 * enum qbd_found_kind - where the newest version of some blocks is
 * @QBD_FOUND_ZERO: nowhere: they read as zero
 * @QBD_FOUND_HOME: at home
 * @QBD_FOUND_LOG: in the payload of a record
 */
enum qbd_found_kind {
	QBD_FOUND_ZERO,
	QBD_FOUND_HOME,
	QBD_FOUND_LOG,
};

/**
 * struct qbd_found - answer of qbd_store_lookup()
 * @kind: where to read
 * @blocks: how many blocks this answer is about, at least 1
 * @block: QBD_FOUND_HOME: first block on the device
 * @rec: QBD_FOUND_LOG: record that has them
 * @offset: QBD_FOUND_LOG: first block of its payload
 */
struct qbd_found {
	enum qbd_found_kind kind;
	u32 blocks;
	u64 block;
	u32 rec;
	u32 offset;
};

int __must_check qbd_store_lookup(const struct qbd_store_core *core, u32 slot,
				  u32 block, u32 blocks,
				  struct qbd_found *found);

/* --- group commit ------------------------------------------------------ */

/**
 * struct qbd_seg_plan - a segment to be written
 * @head: its head
 * @extent: where it goes; the second one if it wraps round the log's end
 * @nr_extents: 1 or 2
 * @nr_recs: records in it; 0 = a seal
 * @rec: their ids
 *
 * To be written with FUA: the header block, then the payloads of @rec in this
 * order, each QBD_BLOCK_SIZE * rec->desc.payload_blocks bytes of the payload
 * in memory.  Payloads in a plan are neither released nor dropped before
 * qbd_commit_end().
 */
struct qbd_seg_plan {
	struct qbd_seg_head head;
	struct qbd_extent extent[2];
	u32 nr_extents;
	u32 nr_recs;
	u32 rec[QBD_SEG_DESCS];
};

bool qbd_commit_wanted(const struct qbd_store_core *core);
bool qbd_commit_seal_wanted(const struct qbd_store_core *core);
int __must_check qbd_commit_begin(struct qbd_store_core *core, void *header,
				  struct qbd_seg_plan *plan);
void qbd_commit_end(struct qbd_store_core *core, int error);

/* --- checkpoint -------------------------------------------------------- */

/**
 * enum qbd_ckpt_need - should a checkpoint be made?
 * @QBD_CKPT_NONE: there is nothing to gain
 * @QBD_CKPT_SOON: when it suits
 * @QBD_CKPT_NOW: records wait for it, or will soon
 */
enum qbd_ckpt_need {
	QBD_CKPT_NONE,
	QBD_CKPT_SOON,
	QBD_CKPT_NOW,
};

/**
 * enum qbd_ckpt_step - what qbd_ckpt_next() wants
 * @QBD_CKPT_MORE: call again; the lock may be dropped in between
 * @QBD_CKPT_IO: start the I/O that was described, then call again
 * @QBD_CKPT_WAIT: wait for all I/O started, then qbd_ckpt_phase_end()
 * @QBD_CKPT_GRACE: wait for all reads of home that were looked up before this
 *	call, then qbd_ckpt_phase_end()
 * @QBD_CKPT_COMMIT: run commits while qbd_ckpt_commit_pending(), then
 *	qbd_ckpt_phase_end()
 * @QBD_CKPT_DONE: finished; space may be free now: wake what waits for it
 * @QBD_CKPT_FAILED: the store has failed; there is no checkpoint any more
 */
enum qbd_ckpt_step {
	QBD_CKPT_MORE,
	QBD_CKPT_IO,
	QBD_CKPT_WAIT,
	QBD_CKPT_GRACE,
	QBD_CKPT_COMMIT,
	QBD_CKPT_DONE,
	QBD_CKPT_FAILED,
};

enum qbd_ckpt_need qbd_ckpt_wanted(const struct qbd_store_core *core);
int __must_check qbd_ckpt_begin(struct qbd_store_core *core, bool close);
enum qbd_ckpt_step qbd_ckpt_next(struct qbd_store_core *core,
				 struct qbd_io *io);
bool qbd_ckpt_commit_pending(const struct qbd_store_core *core);
void qbd_ckpt_phase_end(struct qbd_store_core *core, int error);

#endif /* QBD_CORE_STORE_H */
