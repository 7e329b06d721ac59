/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A shadow: what a replica is going to be, beside what it is.
 *
 * A replica that missed more than any log still has is sent the chunks that
 * changed, as a source has pinned them at one committed index (see pin.h).
 * They come in any order, for minutes, and mixed with what the replica has
 * they are no state that there ever was.  So they are put beside it, in
 * physical chunks of their own, and become the replica in one instant, that of
 * a checkpoint's superblock: before it the disk has the old state as a whole,
 * after it the new one, with the index and the term that the source said (S12,
 * P5).
 *
 *	replica		A -> 7	 B -> 5	  C -> 9	all of it up to 40
 *	shadow		A -> 30		  C -> none	A, C changed up to 90
 *	after		A -> 30	 B -> 5	  C -> none	all of it up to 90
 *
 * For each chunk the shadow has the index of its last change as the source has
 * it, equal bytes or not: a replica that had the bytes of 70 under the index
 * 30 would, as a source of its own one day, not send them to one that is at
 * 50.
 *
 * Until the switch the replica says that it has what it had: nothing of the
 * shadow counts, and it accepts no records.  Its history ends with the switch:
 * the log has nothing of what leads to the new index, nor of what led to the
 * old one.  So there may be nothing in the log that is not home when a shadow
 * is begun: what is not committed has to be truncated, what is has to go home.
 *
 * The chunks that differ need space beside the old ones, so that a store that
 * is nearly full may have no room for a shadow (-ENOSPC), and one that it has
 * leaves the less to others until the switch.
 *
 * WRITES to its chunks are the caller's.  From qbd_store_shadow_set() with DATA
 * to _filled() or _failed() a chunk may be written to, and as long as one is,
 * the shadow can not be given up, nor its replica deleted: somebody else would
 * get the physical chunk, and the write come after his.  Before the store is
 * closed the caller has to end them.  And the other way round: a chunk that was
 * freed by the last checkpoint may still be read by who looked it up before;
 * so the caller writes when all reads of home have ended that were looked up
 * before qbd_store_shadow_set(), as after QBD_CKPT_GRACE.
 *
 * A shadow can be asked to lead further than where it was begun for: what it
 * has stays, and what changed since is sent once more.  It is not on the disk:
 * after a crash there is none, its chunks are free, and the replica is what it
 * was.
 */
#ifndef QBD_CORE_SHADOW_H
#define QBD_CORE_SHADOW_H

#include "pos.h"
#include "table.h"

/**
 * enum qbd_shadow_state - life of a shadow
 * @QBD_SHADOW_NONE: there is none
 * @QBD_SHADOW_OPEN: it is filled
 * @QBD_SHADOW_SWITCH: the next checkpoint to begin makes it the replica
 * @QBD_SHADOW_SWITCHING: the checkpoint under way does
 * @QBD_SHADOW_LEAVING: the next checkpoint takes it apart
 */
enum qbd_shadow_state {
	QBD_SHADOW_NONE,
	QBD_SHADOW_OPEN,
	QBD_SHADOW_SWITCH,
	QBD_SHADOW_SWITCHING,
	QBD_SHADOW_LEAVING,
};

/**
 * struct qbd_shadow - the shadow of a replica
 * @state: enum qbd_shadow_state
 * @page: next page of the map that a checkpoint looks at
 * @unfilled: chunks that may be written to
 * @seq: which one it is: no two shadows of a store have the same
 * @at: what the replica is going to have
 * @config: its replica set as of then
 */
struct qbd_shadow {
	u8 state;
	u32 page;
	u32 unfilled;
	u64 seq;
	struct qbd_pos at;
	struct qbd_config config;
};

/**
 * enum qbd_shadow_kind - what is known of a chunk
 * @QBD_SHADOW_ZERO: it reads as zero
 * @QBD_SHADOW_SAME: it has the bytes that qbd_store_shadow_get() shows
 * @QBD_SHADOW_DATA: it has other bytes, which the caller writes
 */
enum qbd_shadow_kind {
	QBD_SHADOW_ZERO,
	QBD_SHADOW_SAME,
	QBD_SHADOW_DATA,
};

/**
 * struct qbd_shadowed - a chunk of a shadow, or of the replica below it
 * @seq: which shadow it is
 * @last: index of its last change
 * @block: where it begins on the device, 0 = it reads as zero
 * @blocks: how long it is
 * @own: nobody else has what is at @block: it may be written to
 */
struct qbd_shadowed {
	u64 seq;
	u64 last;
	u64 block;
	u32 blocks;
	bool own;
};

struct qbd_store_core;
struct qbd_slot;
struct qbd_table_slot;

int __must_check qbd_store_shadow(struct qbd_store_core *core, u32 slot,
				  const struct qbd_pos *at,
				  const struct qbd_config *config);
int qbd_store_shadow_state(const struct qbd_store_core *core, u32 slot,
			   struct qbd_pos *at);
int __must_check qbd_store_shadow_get(const struct qbd_store_core *core,
				      u32 slot, u32 chunk,
				      struct qbd_shadowed *shadowed);
int __must_check qbd_store_shadow_set(struct qbd_store_core *core, u32 slot,
				      u32 chunk, u64 last,
				      enum qbd_shadow_kind kind);
int __must_check qbd_store_shadow_filled(struct qbd_store_core *core, u32 slot,
					 u32 chunk);
int __must_check qbd_store_shadow_failed(struct qbd_store_core *core, u32 slot,
					 u32 chunk);
int __must_check qbd_store_shadow_switch(struct qbd_store_core *core, u32 slot);
int __must_check qbd_store_shadow_drop(struct qbd_store_core *core, u32 slot);

/* For the checkpoint. */
void qbd_shadow_freeze(struct qbd_slot *slot);
void qbd_shadow_table(const struct qbd_slot *slot,
		      struct qbd_table_slot *table);
void qbd_shadow_done(struct qbd_slot *slot);
bool qbd_shadow_map_step(struct qbd_store_core *core, struct qbd_slot *slot);
bool qbd_shadow_step(struct qbd_store_core *core, struct qbd_slot *slot);

#endif /* QBD_CORE_SHADOW_H */
