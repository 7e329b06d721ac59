/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a store remembers of a replica: the slots of the replica table, which
 * are also the payload of a CREATE record, and replica sets, which are also
 * the payload of a CONFIG record, in and out of their host form.
 *
 * Slot n of the table is entry n % QBD_TABLE_ENTRIES of table page
 * n / QBD_TABLE_ENTRIES.  A slot that is not in use is all zero.
 *
 * A checkpoint notes in the superblock (@carried) the segment that comes next
 * when it begins, and in each slot the replica's last durable record, then or
 * later.  That bounds what damage to the log before it can hide: promises are
 * in the table, and a replica whose records reach that position has them all.
 */
#ifndef QBD_CORE_TABLE_H
#define QBD_CORE_TABLE_H

#include "block.h"
#include "member.h"
#include "super.h"

/**
 * struct qbd_config - replica set of a shard, in host form
 * @epoch: config epoch
 * @nr_old: members of the set in force
 * @nr_new: members of the set proposed; 0 = not joint
 * @set: members of the old, then of the new set
 */
struct qbd_config {
	u64 epoch;
	u32 nr_old;
	u32 nr_new;
	struct qbd_member set[2 * QBD_SET_MAX];
};

/**
 * struct qbd_table_slot - a slot of the replica table, in host form
 * @replica: replica id
 * @volume: volume id
 * @shard: number of the shard in its volume
 * @flags: QBD_REPLICA_*; without QBD_REPLICA_USED nothing else counts
 * @blocks: size of the shard in blocks
 * @meta_first: first map page
 * @meta_pages: number of map pages
 * @promise: highest promise
 * @applied_term: term of the last record that went home
 * @applied_index: index of that record
 * @commit: highest commit index known
 * @logged_term: term of the last record durable in the log at the checkpoint
 *	that writes the slot
 * @logged_index: index of that record
 * @config: replica set as of the last record that went home
 */
struct qbd_table_slot {
	u64 replica;
	u32 volume;
	u32 shard;
	u32 flags;
	u32 blocks;
	u32 meta_first;
	u32 meta_pages;
	struct qbd_promise promise;
	u64 applied_term;
	u64 applied_index;
	u64 commit;
	u64 logged_term;
	u64 logged_index;
	struct qbd_config config;
};

/**
 * qbd_table_slots() - slots of the replica table
 * @geom: shape of the metadata tree
 *
 * Return: how many.
 */
static inline u32 qbd_table_slots(const struct qbd_meta_geom *geom)
{
	return geom->table_pages * QBD_TABLE_ENTRIES;
}

/**
 * qbd_table_map_pages() - map pages that a shard needs
 * @layout: the store's regions
 * @blocks: size of the shard in blocks
 *
 * Return: number of pages.
 */
static inline u32 qbd_table_map_pages(const struct qbd_layout *layout,
				      u32 blocks)
{
	u64 chunks = ((u64)blocks + (1U << layout->chunk_shift) - 1) >>
		     layout->chunk_shift;

	return (u32)DIV_ROUND_UP_ULL(chunks, QBD_MAP_ENTRIES);
}

int __must_check qbd_config_check(const struct qbd_config *config);
void qbd_config_encode(const struct qbd_config *config,
		       struct qbd_disk_config *disk);
int __must_check qbd_config_decode(const struct qbd_disk_config *disk,
				   struct qbd_config *config);

int __must_check qbd_table_check(const struct qbd_table_slot *slot,
				 const struct qbd_layout *layout);
void qbd_table_encode(const struct qbd_table_slot *slot,
		      struct qbd_disk_replica *disk);
int __must_check qbd_table_decode(const struct qbd_disk_replica *disk,
				  const struct qbd_layout *layout,
				  struct qbd_table_slot *slot);

/* Whole pages; struct qbd_disk_page is filled in by qbd_meta_seal(). */
struct qbd_disk_replica *qbd_table_page_slot(void *block, u32 slot);
struct qbd_disk_map *qbd_map_page_entries(void *block);
int __must_check qbd_map_page_check(const void *block, u64 data_chunks);

#endif /* QBD_CORE_TABLE_H */
