/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A replica in memory: its slot of the replica table, its positions, its
 * records and its overlay.
 *
 * Positions of a replica, from old to new:
 *
 *	log_first ..		records kept for catch-up only
 *	.. applied		home, and the map says so
 *	.. frozen		on their way home with the checkpoint under way
 *	.. moved		in the overlay's live map
 *	.. table.commit		the bound: may go home
 *	.. durable		on stable media
 *	.. last			accepted
 *
 * applied == frozen between checkpoints.  A record counts as live until it
 * was retired, which follows applied in steps.
 */
#ifndef QBD_CORE_SLOT_H
#define QBD_CORE_SLOT_H

#include "chunkmap.h"
#include "overlay.h"
#include "pin.h"
#include "pos.h"
#include "rec.h"
#include "shadow.h"
#include "store_limits.h"
#include "table.h"

struct qbd_store_core;

/* As delete_seq of struct qbd_slot: the DELETE record is not logged yet. */
#define QBD_SLOT_DELETE_WAITS U64_MAX

/**
 * enum qbd_slot_state - life of a slot
 * @QBD_SLOT_FREE: no replica
 * @QBD_SLOT_USED: a replica
 * @QBD_SLOT_DELETED: deleted; records and chunks are still there
 * @QBD_SLOT_TOMB: nothing is left but the slot, until DELETE left the log
 * @QBD_SLOT_CLEARED: free when the checkpoint under way is durable
 */
enum qbd_slot_state {
	QBD_SLOT_FREE,
	QBD_SLOT_USED,
	QBD_SLOT_DELETED,
	QBD_SLOT_TOMB,
	QBD_SLOT_CLEARED,
};

/**
 * struct qbd_slot_config - a CONFIG record that has not gone home
 * @index: its index
 * @config: what it says
 */
struct qbd_slot_config {
	u64 index;
	struct qbd_config config;
};

/**
 * struct qbd_slot - a replica in memory
 * @table: as in the replica table; @table.promise is the highest, logged or
 *	not, @table.commit the bound, @table.config that of the applied record
 * @last: newest record accepted
 * @durable: newest record on stable media
 * @applied: newest record that went home
 * @frozen: newest record that the checkpoint under way takes home
 * @told: highest bound asked for; the bound rises to it with @durable
 * @moved: records up to this index are in the overlay's live or going map
 * @retired: records up to this index need no payload and no reservation
 * @unsure: newest record that was found at open and is still in the history: a
 *	checkpoint that did not come to its end may have written home what is
 *	up to there
 * @log_first: from here on the log has all records
 * @live_blocks: payload blocks of the records above @retired
 * @live_recs: how many these are
 * @list: records in the log, retired ones included
 * @overlay: newest versions of blocks
 * @delete_seq: segment of the DELETE record, 0 = it left the log
 * @cuts_waiting: TRUNCATE records that are not logged yet
 * @purge: next map page that a purge looks at
 * @pin: the replica as it was
 * @shadow: the replica as it is going to be
 * @nr_configs: CONFIG records above @applied
 * @config: these, oldest first
 * @state: enum qbd_slot_state
 * @dirty: the table on the disk says something else
 * @shown: highest index that the log names behind what a checkpoint carried,
 *	for replay
 * @gap_first: first index that replay did not find
 * @gap_last: last index that replay did not find
 * @gap_dropped: records that replay had to drop
 */
struct qbd_slot {
	struct qbd_table_slot table;
	struct qbd_pos last;
	struct qbd_pos durable;
	struct qbd_pos applied;
	struct qbd_pos frozen;
	u64 told;
	u64 moved;
	u64 retired;
	u64 unsure;
	u64 log_first;
	u64 live_blocks;
	u32 live_recs;
	struct qbd_rec_list list;
	struct qbd_overlay overlay;
	u64 delete_seq;
	u32 cuts_waiting;
	u32 purge;
	struct qbd_pin pin;
	struct qbd_shadow shadow;
	u32 nr_configs;
	struct qbd_slot_config config[QBD_STORE_CONFIGS];
	u8 state;
	bool dirty;
	u64 shown;
	u64 gap_first;
	u64 gap_last;
	u64 gap_dropped;
};

void qbd_slot_init(struct qbd_slot *slot);
void qbd_slot_set(struct qbd_store_core *core, struct qbd_slot *slot,
		  const struct qbd_table_slot *table);
void qbd_slot_table(const struct qbd_slot *slot, struct qbd_table_slot *table);
const struct qbd_config *qbd_slot_config_at(const struct qbd_slot *slot,
					    u64 index);

/* Chunks. */
const struct qbd_slot *qbd_slot_at_pages(const struct qbd_store_core *core,
					 u64 first, u64 nr);
struct qbd_chunk *qbd_slot_chunk(const struct qbd_store_core *core,
				 const struct qbd_slot *slot, u32 chunk);
struct qbd_map_page *qbd_slot_page_make(struct qbd_store_core *core,
					const struct qbd_slot *slot, u32 i);
int __must_check qbd_slot_pages_ensure(struct qbd_store_core *core,
				       struct qbd_slot *slot, u32 block,
				       u32 blocks);
u32 qbd_slot_chunks_wanted(const struct qbd_store_core *core,
			   const struct qbd_slot *slot,
			   const struct qbd_desc *desc);

/* Records. */
u64 qbd_slot_term_at(const struct qbd_store_core *core,
		     const struct qbd_slot *slot, u64 index);
int __must_check qbd_slot_accept(struct qbd_store_core *core,
				 struct qbd_slot *slot, u32 id);
void qbd_slot_pend(struct qbd_store_core *core, struct qbd_slot *slot, u32 id);
void qbd_slot_bound(struct qbd_store_core *core, struct qbd_slot *slot);
bool qbd_slot_settle(struct qbd_store_core *core, struct qbd_slot *slot,
		     u32 nr_recs);
void qbd_slot_kill(struct qbd_store_core *core, struct qbd_slot *slot, u32 id);
void qbd_slot_cut(struct qbd_store_core *core, struct qbd_slot *slot,
		  u64 index);
bool qbd_slot_retire(struct qbd_store_core *core, struct qbd_slot *slot,
		     u32 nr_recs);

#endif /* QBD_CORE_SLOT_H */
