/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a store is made of; for the files of the store half of the core only.
 *
 * All memory is one piece, laid out by qbd_store_init(); map pages come one
 * by one.  All under the store's lock.
 */
#ifndef QBD_CORE_STORE_CORE_H
#define QBD_CORE_STORE_CORE_H

#include "alloc.h"
#include "ckpt.h"
#include "meta.h"
#include "ring.h"
#include "share.h"
#include "slot.h"
#include "store.h"

/**
 * struct qbd_commit - the segment under way
 * @busy: between qbd_commit_begin() and qbd_commit_end()
 * @head: its head
 * @first: counts (as in the log index) the first entry that goes with it
 * @alive: records that wait and are not dead
 * @unproven: the last segment written has records
 */
struct qbd_commit {
	bool busy;
	struct qbd_seg_head head;
	u64 first;
	u32 alive;
	bool unproven;
};

/**
 * struct qbd_releases - payload cookies that nobody needs any more
 * @cookie: a ring, as large as twice the log index
 * @mask: its size, less one
 * @first: counts those taken by the caller
 * @end: counts those put in
 */
struct qbd_releases {
	void **cookie;
	u32 mask;
	u64 first;
	u64 end;
};

/**
 * struct qbd_store_core - a store
 * @super: superblock in force
 * @seed: of the store's block checksums
 * @error: why it failed, 0 = it did not
 * @closing: a last checkpoint has begun; nothing is accepted any more
 * @starved: a record was refused that a checkpoint may make room for
 * @want_slot: a replica was refused for which a slot may become free
 * @want_table: replicas lost their vote, which has to be written down
 * @destroy: the caller takes the store apart
 * @ring: space of the log
 * @index: records of the log
 * @pool: extents of the overlays
 * @alloc: physical chunks
 * @meta: the metadata tree
 * @slot: replicas
 * @nr_slots: how many slots
 * @page: map pages in memory, by logical page number
 * @pin_page: pages of pins, likewise
 * @shadow_page: pages of shadows, likewise
 * @nr_pages: how many logical pages there are in level 0
 * @pin_pages: pages that pins still need
 * @pin_seq: counts pins
 * @shadow_seq: counts shadows
 * @pins_due: pins and shadows that wait for a checkpoint
 * @spare: chain of map pages not in use, linked by their first word
 * @nr_spare: how many
 * @destroy_page: next page that the caller takes back
 * @releases: payloads to be released
 * @commit: group commit
 * @ckpt: checkpoint
 * @due_blocks: payload blocks of live records at or below their bound
 * @due_recs: how many these are
 * @due_discards: discards and zeroes among them
 * @live_blocks: payload blocks of all live records
 * @live_recs: how many these are
 * @share_blocks: blocks of the log, divided among the replicas
 * @share_recs: entries of the log index, likewise
 * @activity: counts what may make the next checkpoint fruitful
 * @stats: counters
 */
struct qbd_store_core {
	struct qbd_super super;
	u32 seed;
	int error;
	bool closing;
	bool starved;
	bool want_slot;
	bool want_table;
	bool destroy;
	struct qbd_ring ring;
	struct qbd_rec_index index;
	struct qbd_ext_pool pool;
	struct qbd_alloc alloc;
	struct qbd_meta meta;
	struct qbd_slot *slot;
	u32 nr_slots;
	struct qbd_map_page **page;
	struct qbd_map_page **pin_page;
	struct qbd_map_page **shadow_page;
	u32 nr_pages;
	u32 pin_pages;
	u64 pin_seq;
	u64 shadow_seq;
	u32 pins_due;
	void *spare;
	u32 nr_spare;
	u32 destroy_page;
	struct qbd_releases releases;
	struct qbd_commit commit;
	struct qbd_ckpt ckpt;
	u64 due_blocks;
	u32 due_recs;
	u32 due_discards;
	u64 live_blocks;
	u32 live_recs;
	struct qbd_share share_blocks;
	struct qbd_share share_recs;
	u64 activity;
	struct qbd_store_stats stats;
};

/**
 * qbd_store_slot() - a replica that can be used
 * @core: the store
 * @slot: its slot
 *
 * Return: the replica, NULL if there is none.
 */
static inline struct qbd_slot *qbd_store_slot(const struct qbd_store_core *core,
					      u32 slot)
{
	if (slot >= core->nr_slots || core->slot[slot].state != QBD_SLOT_USED)
		return NULL;
	return &core->slot[slot];
}

/**
 * qbd_store_slot_no() - number of a slot
 * @core: the store
 * @slot: one of its slots
 *
 * Return: the number.
 */
static inline u32 qbd_store_slot_no(const struct qbd_store_core *core,
				    const struct qbd_slot *slot)
{
	return (u32)(slot - core->slot);
}

void qbd_store_release(struct qbd_store_core *core, u32 id);
struct qbd_map_page *qbd_store_page_use(struct qbd_store_core *core);
void qbd_store_page_return(struct qbd_store_core *core,
			   struct qbd_map_page *page);
int __must_check qbd_store_room(struct qbd_store_core *core, enum qbd_room who,
				u32 blocks);
u32 qbd_store_push(struct qbd_store_core *core, struct qbd_slot *slot,
		   const struct qbd_desc *desc, void *payload);

#endif /* QBD_CORE_STORE_CORE_H */
