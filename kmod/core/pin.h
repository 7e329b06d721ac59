/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pin: a replica as it was at one committed index, while it goes on.
 *
 * Whoever is sent a replica chunk by chunk, for minutes, has to be sent one
 * state of it, not a mixture (S12).  So the source pins what is at home: the
 * pin is a copy of its map, taken by a checkpoint, and what the map leads to
 * stays as it is until the pin is given back.  Its index is that of the last
 * record that the checkpoint took home, never one that could be truncated
 * (S1).  That checkpoint begins after the pin was asked for: what may go home
 * by then is in it.
 *
 *	map of the replica	A -> 7	 B -> 12  C -> none	as of index 90
 *	pin			A -> 7	 B -> 5	  C -> 9	as of index 40
 *
 * COPY ON WRITE is the checkpoint's work, in the background, never that of who
 * writes.  A chunk that map and pin share is not written to: it gets another
 * physical chunk, all of it is written there, what the records leave copied
 * from the old one, and the map leads to it (B).  A chunk that is freed is the
 * pin's alone from then on (C).  So coalescing never crosses a pin: what the
 * pin has is not written any more (S14).
 *
 * SPACE.  A record that changes a shared chunk needs a physical chunk, and is
 * accepted only with a reservation (S16), as one that writes to a chunk
 * without a home; that goes for a DISCARD or ZERO that leaves something of a
 * chunk too.  What is pending when a pin is taken gets its reservations then,
 * or there is no pin.
 *
 * LIFE.  One pin for each replica: who comes second can use it, or ask again
 * later.  It begins and ends within a checkpoint, a page of the map at a step,
 * so that nobody waits for it:
 *
 *	NONE -> WANTED -> HELD -> LEAVING -> NONE
 *		   |		    ^
 *		   +----------------+  no memory, no chunks
 *
 * Reading what a pin has takes no lock: what was read is good if the pin holds
 * then (qbd_store_pin_holds()).
 *
 * What was found in the log at open may be home in part, written by a
 * checkpoint that the power cut ended before its superblock.  The overlay hides
 * that from readers, but a pin has no overlay: it is taken when the bound has
 * passed all of this, so that the checkpoint has taken it home.
 *
 * It is not on the disk: after a crash there is none, and what only it had is
 * free, because no map leads to it.
 */
#ifndef QBD_CORE_PIN_H
#define QBD_CORE_PIN_H

#include "pos.h"
#include "table.h"

/**
 * enum qbd_pin_state - life of a pin
 * @QBD_PIN_NONE: there is none
 * @QBD_PIN_WANTED: the next checkpoint to begin takes it, page by page
 * @QBD_PIN_HELD: it is there
 * @QBD_PIN_LEAVING: the next checkpoint takes it apart
 */
enum qbd_pin_state {
	QBD_PIN_NONE,
	QBD_PIN_WANTED,
	QBD_PIN_HELD,
	QBD_PIN_LEAVING,
};

/**
 * struct qbd_pin - the pin of a replica
 * @state: enum qbd_pin_state
 * @error: why the last one was not taken, 0 = it was
 * @page: next page of the map to be copied or let go
 * @pages: pages that are still to be copied: memory it waits for
 * @ckpt: counts the checkpoint before the one that takes it
 * @seq: which one it is: no two pins of a store have the same, in no two of
 *	its lives
 * @at: what it has: the newest record that is in it
 * @config: the replica set as of then
 */
struct qbd_pin {
	u8 state;
	int error;
	u32 page;
	u32 pages;
	u64 ckpt;
	u64 seq;
	struct qbd_pos at;
	struct qbd_config config;
};

/**
 * struct qbd_pinned - a chunk as the pin has it
 * @seq: which pin it is
 * @last: index of its last change
 * @block: where it begins on the device, 0 = it reads as zero
 * @blocks: how long it is
 */
struct qbd_pinned {
	u64 seq;
	u64 last;
	u64 block;
	u32 blocks;
};

struct qbd_store_core;
struct qbd_slot;

int __must_check qbd_store_pin(struct qbd_store_core *core, u32 slot);
int qbd_store_pin_get(const struct qbd_store_core *core, u32 slot,
		      struct qbd_pos *at);
const struct qbd_config *qbd_store_pin_config(const struct qbd_store_core *core,
					      u32 slot);
int __must_check qbd_store_pinned(const struct qbd_store_core *core, u32 slot,
				  u32 chunk, struct qbd_pinned *pinned);
bool qbd_store_pin_holds(const struct qbd_store_core *core, u32 slot, u64 seq);
void qbd_store_unpin(struct qbd_store_core *core, u32 slot);

/* For the checkpoint, and for who reads home. */
bool qbd_pin_step(struct qbd_store_core *core, struct qbd_slot *slot);
const struct qbd_chunk *qbd_pin_chunk(const struct qbd_store_core *core,
				      const struct qbd_slot *slot, u32 chunk);

#endif /* QBD_CORE_PIN_H */
