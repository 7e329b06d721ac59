/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may have how much of a log (V2).
 *
 * Records that can not go home, because their shard has no quorum, stay in
 * the log and are logged again and again.  However many replicas there are
 * that hold as much as they can, each other one of that store goes on, and
 * the log never gets stuck.  So what is live is bounded, for each replica and
 * for all:
 *
 *	usable	 what user records can have of the log
 *	3/4	 of it may be live; the last quarter is what the tail gains in
 *		 one round of the log, so that re-logging comes to an end
 *	own	 of each replica, whatever the others do: a quarter, divided by
 *		 the number of replicas, but never less than the largest record
 *	common	 the rest of the three quarters, for whoever comes first
 *	most	 one replica's bound, own part included: half
 *
 *	+----------------------------------------------+---------------+
 *	| own | own | ... |		common	       |   never live  |
 *	+----------------------------------------------+---------------+
 *	0						3/4	     usable
 *
 * The invariant is that each could have its own part now:
 *
 *	sum of max(held, own) <= 3/4 usable
 *
 * Appends keep it, because what exceeds the own part comes out of the common
 * one.  A new replica makes all own parts smaller, or the common one; it has
 * to wait if those that are there hold too much for that, and is refused if
 * the log is too small for so many.
 *
 * Blocks of the log and entries of the log index are shared alike.  TERM and
 * CONFIG records are counted, not bounded: they come out of the reserve for
 * control records.
 */
#ifndef QBD_CORE_SHARE_H
#define QBD_CORE_SHARE_H

#include "env.h"

/**
 * struct qbd_share - how something is divided among replicas
 * @own: what each may have, whatever the others do
 * @common: what all together may have beyond
 * @most: what one may have at most
 * @over: what they have beyond @own, in all
 */
struct qbd_share {
	u64 own;
	u64 common;
	u64 most;
	u64 over;
};

bool qbd_share_init(struct qbd_share *share, u64 usable, u32 nr, u64 least);
void qbd_share_moved(struct qbd_share *share, u64 from, u64 to);
bool qbd_share_allows(const struct qbd_share *share, u64 held, u64 more);
bool qbd_share_sound(const struct qbd_share *share);

struct qbd_slot;
struct qbd_store_core;

int __must_check qbd_share_join(struct qbd_store_core *core);
void qbd_share_recount(struct qbd_store_core *core);
void qbd_share_more(struct qbd_store_core *core, struct qbd_slot *slot,
		    u32 payload_blocks);
void qbd_share_less(struct qbd_store_core *core, struct qbd_slot *slot,
		    u32 payload_blocks);
bool qbd_share_room(const struct qbd_store_core *core,
		    const struct qbd_slot *slot, u32 payload_blocks);

#endif /* QBD_CORE_SHARE_H */
