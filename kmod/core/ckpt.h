/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checkpoint: what has to happen in which order, and how far it is.
 *
 *	PURGE	deleted replicas give up their records and chunks
 *	FREEZE	each replica's records at or below its bound are taken
 *	TAIL	how far the tail has to move, and what is in its way
 *	LOAD	payloads of records in its way that are only in the log
 *	RELOG	these records go into the log again, at its head (V2)
 *	GRACE	reads of home that began before FREEZE end
 *	HOME	newest versions at or below the bound are written home
 *	MAP	the maps in memory say so
 *	SHADOW	and those of shadows that are whole
 *	META	changed table, map and directory pages, to their other place
 *	FLUSH	all of that is on stable media
 *	SUPER	both superblock slots, one after the other: the instant
 *	DONE	positions rise, overlays forget what went home
 *	RETIRE	payloads and reservations of what went home are released
 *	PIN	pins are taken, of what is home now; pins and shadows that are
 *		given back are taken apart
 *	FREE	chunks that were unmapped can be taken again
 *	POP	the tail moves: space of the log is free
 *
 * Home and metadata need one flush, not two: the tree in force is the old one
 * until the superblock says otherwise, and the superblock comes after it.
 *
 * Control records need no re-logging: what they said is in the replica table
 * that this checkpoint writes, after it has chosen how far the tail moves.
 */
#ifndef QBD_CORE_CKPT_H
#define QBD_CORE_CKPT_H

#include "store.h"

/**
 * enum qbd_ckpt_phase - see the list above
 * @QBD_CKPT_P_IDLE: no checkpoint is under way
 * @QBD_CKPT_P_DRAIN: before a close: all that waits is written
 * @QBD_CKPT_P_PURGE: see above
 * @QBD_CKPT_P_FREEZE: see above
 * @QBD_CKPT_P_TAIL: see above
 * @QBD_CKPT_P_LOAD: see above
 * @QBD_CKPT_P_RELOG: see above
 * @QBD_CKPT_P_GRACE: see above
 * @QBD_CKPT_P_HOME: see above
 * @QBD_CKPT_P_MAP: see above
 * @QBD_CKPT_P_SHADOW: see above
 * @QBD_CKPT_P_META: see above
 * @QBD_CKPT_P_FLUSH: see above
 * @QBD_CKPT_P_SUPER: see above
 * @QBD_CKPT_P_DONE: see above
 * @QBD_CKPT_P_RETIRE: see above
 * @QBD_CKPT_P_PIN: see above
 * @QBD_CKPT_P_FREE: see above
 * @QBD_CKPT_P_POP: see above
 * @QBD_CKPT_P_END: the caller learns that it is finished
 * @QBD_CKPT_P_NR: number of phases
 */
enum qbd_ckpt_phase {
	QBD_CKPT_P_IDLE,
	QBD_CKPT_P_DRAIN,
	QBD_CKPT_P_PURGE,
	QBD_CKPT_P_FREEZE,
	QBD_CKPT_P_TAIL,
	QBD_CKPT_P_LOAD,
	QBD_CKPT_P_RELOG,
	QBD_CKPT_P_GRACE,
	QBD_CKPT_P_HOME,
	QBD_CKPT_P_MAP,
	QBD_CKPT_P_SHADOW,
	QBD_CKPT_P_META,
	QBD_CKPT_P_FLUSH,
	QBD_CKPT_P_SUPER,
	QBD_CKPT_P_DONE,
	QBD_CKPT_P_RETIRE,
	QBD_CKPT_P_PIN,
	QBD_CKPT_P_FREE,
	QBD_CKPT_P_POP,
	QBD_CKPT_P_END,
	QBD_CKPT_P_NR,
};

/**
 * struct qbd_ckpt_tail - how far the tail moves
 * @seg: counts the segment that the tail moves to
 * @rec: counts the first record of that segment
 * @moved: @seg is not the tail in force
 * @relog: records in the way are taken along
 * @nr: records in @rec_id
 * @blocks: their payload, and a header for each
 * @rec_id: records in the way
 * @alive: copies of them that are not durable yet
 * @stop_seg: where it stopped before records were taken along
 * @stop_rec: as @rec at that point
 */
struct qbd_ckpt_tail {
	u64 seg;
	u64 rec;
	bool moved;
	bool relog;
	u32 nr;
	u32 blocks;
	u32 rec_id[QBD_SEG_DESCS];
	u32 alive;
	u64 stop_seg;
	u64 stop_rec;
};

/**
 * struct qbd_home - how far a walk over what goes home is
 * @slot: replica
 * @block: next block of it
 * @chunk: chunk that @block is in, if @in_chunk
 * @in_chunk: @chunk was judged
 * @fill: the chunk is new: all of it is written
 * @phys: device block where it begins
 * @from: device block where what it had begins, if that is copied, else 0
 */
struct qbd_home {
	u32 slot;
	u32 block;
	u32 chunk;
	bool in_chunk;
	bool fill;
	u64 phys;
	u64 from;
};

/**
 * struct qbd_ckpt - the checkpoint under way
 * @seq: counts those begun
 * @phase: how far it is
 * @step: position within the phase
 * @started: the phase has described an I/O since the last wait
 * @waiting: the caller was asked to wait
 * @close: the last one: the store is closed by it
 * @table: made to write down a lost vote
 * @work: there is something to write, even if the tail does not move
 * @dirty: something was written that a flush has to cover
 * @carried: sequence number of the head at its begin
 * @activity: @core->activity at its begin
 * @futile: @activity of the last one that found nothing to do
 * @tail: how far the tail moves
 * @home: what goes home
 * @super: the superblock that it writes
 * @bufs: QBD_STORE_META_BUFS blocks for metadata under way
 * @nr_bufs: how many are in use
 */
struct qbd_ckpt {
	u64 seq;
	enum qbd_ckpt_phase phase;
	u32 step;
	bool started;
	bool waiting;
	bool close;
	bool table;
	bool work;
	bool dirty;
	u64 carried;
	u64 activity;
	u64 futile;
	struct qbd_ckpt_tail tail;
	struct qbd_home home;
	struct qbd_super super;
	u8 *bufs;
	u32 nr_bufs;
};

/* The tail, in tail.c. */
void qbd_tail_begin(struct qbd_store_core *core);
enum qbd_ckpt_step qbd_tail_step(struct qbd_store_core *core, bool *end);
enum qbd_ckpt_step qbd_tail_load_step(struct qbd_store_core *core,
				      struct qbd_io *io, bool *end);
void qbd_tail_relog(struct qbd_store_core *core);
bool qbd_tail_pop_step(struct qbd_store_core *core);
bool qbd_tail_pressed(const struct qbd_store_core *core);

/* Home, in home.c. */
void qbd_home_begin(struct qbd_home *home);
int qbd_home_io_step(struct qbd_store_core *core, struct qbd_home *home,
		     struct qbd_io *io);
int qbd_home_map_step(struct qbd_store_core *core, struct qbd_home *home);

#endif /* QBD_CORE_CKPT_H */
