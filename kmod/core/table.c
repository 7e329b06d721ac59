// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots of the replica table, replica sets and map pages: encode, decode,
 * validate.
 *
 * A struct that came out of a decode function is safe to use: its ranges lie
 * in the store's regions, its counts in their arrays.  Whether two slots
 * claim the same map pages, or two chunks the same place, can not be seen
 * here.
 *
 * Context: any; keeps no state.
 */
#include "table.h"

static_assert(sizeof(struct qbd_disk_page) == 32);
static_assert(offsetof(struct qbd_disk_page, magic) == 0);
static_assert(offsetof(struct qbd_disk_page, kind) == 4);
static_assert(offsetof(struct qbd_disk_page, gen) == 8);
static_assert(offsetof(struct qbd_disk_page, no) == 12);
static_assert(offsetof(struct qbd_disk_page, owner) == 16);
static_assert(offsetof(struct qbd_disk_page, reserved) == 24);

static_assert(sizeof(struct qbd_disk_map) == 16);
static_assert(offsetof(struct qbd_disk_map, last) == 0);
static_assert(offsetof(struct qbd_disk_map, phys) == 8);
static_assert(offsetof(struct qbd_disk_map, flags) == 12);

static_assert(sizeof(struct qbd_disk_member) == 16);
static_assert(offsetof(struct qbd_disk_member, replica) == 0);
static_assert(offsetof(struct qbd_disk_member, node) == 8);
static_assert(offsetof(struct qbd_disk_member, flags) == 12);

static_assert(sizeof(struct qbd_disk_config) == 240);
static_assert(offsetof(struct qbd_disk_config, epoch) == 0);
static_assert(offsetof(struct qbd_disk_config, nr_old) == 8);
static_assert(offsetof(struct qbd_disk_config, nr_new) == 12);
static_assert(offsetof(struct qbd_disk_config, set) == 16);

static_assert(sizeof(struct qbd_disk_replica) == 512);
static_assert(offsetof(struct qbd_disk_replica, replica) == 0);
static_assert(offsetof(struct qbd_disk_replica, volume) == 8);
static_assert(offsetof(struct qbd_disk_replica, shard) == 12);
static_assert(offsetof(struct qbd_disk_replica, flags) == 16);
static_assert(offsetof(struct qbd_disk_replica, blocks) == 20);
static_assert(offsetof(struct qbd_disk_replica, meta_first) == 24);
static_assert(offsetof(struct qbd_disk_replica, meta_pages) == 28);
static_assert(offsetof(struct qbd_disk_replica, promise_term) == 32);
static_assert(offsetof(struct qbd_disk_replica, promise_nonce) == 40);
static_assert(offsetof(struct qbd_disk_replica, promise_epoch) == 48);
static_assert(offsetof(struct qbd_disk_replica, promise_node) == 56);
static_assert(offsetof(struct qbd_disk_replica, promise_lease_ms) == 60);
static_assert(offsetof(struct qbd_disk_replica, applied_term) == 64);
static_assert(offsetof(struct qbd_disk_replica, applied_index) == 72);
static_assert(offsetof(struct qbd_disk_replica, commit) == 80);
static_assert(offsetof(struct qbd_disk_replica, logged_term) == 88);
static_assert(offsetof(struct qbd_disk_replica, logged_index) == 96);
static_assert(offsetof(struct qbd_disk_replica, config) == 104);
static_assert(offsetof(struct qbd_disk_replica, reserved) == 344);

static_assert(sizeof(struct qbd_disk_page) +
		      QBD_DIR_ENTRIES * sizeof(struct qbd_disk_entry) ==
	      QBD_BLOCK_SIZE);
static_assert(sizeof(struct qbd_disk_page) +
		      QBD_MAP_ENTRIES * sizeof(struct qbd_disk_map) ==
	      QBD_BLOCK_SIZE);
static_assert(sizeof(struct qbd_disk_page) +
		      QBD_TABLE_ENTRIES * sizeof(struct qbd_disk_replica) <=
	      QBD_BLOCK_SIZE);

/* Members of one set: all named, none twice. */
static bool qbd_members_valid(const struct qbd_member *set, u32 nr)
{
	u32 i, j;

	for (i = 0; i < nr; i++) {
		if (!set[i].replica || !set[i].node)
			return false;
		for (j = 0; j < i; j++)
			if (set[j].replica == set[i].replica)
				return false;
	}
	return true;
}

/**
 * qbd_config_check() - is this a replica set?
 * @config: replica set in host form, not trusted
 *
 * A replica that was just created may have none yet: no members at all.
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_config_check(const struct qbd_config *config)
{
	u32 nr = config->nr_old + config->nr_new;
	u32 i;

	if (config->nr_old > QBD_SET_MAX || config->nr_new > QBD_SET_MAX)
		return -EUCLEAN;
	if (!config->nr_old && config->nr_new)
		return -EUCLEAN;
	if (!qbd_members_valid(config->set, config->nr_old) ||
	    !qbd_members_valid(config->set + config->nr_old, config->nr_new))
		return -EUCLEAN;
	for (i = nr; i < ARRAY_SIZE(config->set); i++)
		if (config->set[i].replica || config->set[i].node)
			return -EUCLEAN;
	return 0;
}

/**
 * qbd_config_encode() - replica set for the disk
 * @config: replica set in host form
 * @disk: result
 */
void qbd_config_encode(const struct qbd_config *config,
		       struct qbd_disk_config *disk)
{
	u32 i;

	memset(disk, 0, sizeof(*disk));
	disk->epoch = cpu_to_le64(config->epoch);
	disk->nr_old = cpu_to_le32(config->nr_old);
	disk->nr_new = cpu_to_le32(config->nr_new);
	for (i = 0; i < ARRAY_SIZE(config->set); i++) {
		disk->set[i].replica = cpu_to_le64(config->set[i].replica);
		disk->set[i].node = cpu_to_le32(config->set[i].node);
	}
}

/**
 * qbd_config_decode() - replica set from the disk
 * @disk: not trusted
 * @config: result, undefined after an error
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_config_decode(const struct qbd_disk_config *disk,
		      struct qbd_config *config)
{
	u32 i;

	memset(config, 0, sizeof(*config));
	config->epoch = le64_to_cpu(disk->epoch);
	config->nr_old = le32_to_cpu(disk->nr_old);
	config->nr_new = le32_to_cpu(disk->nr_new);
	for (i = 0; i < ARRAY_SIZE(config->set); i++) {
		if (disk->set[i].flags)
			return -EUCLEAN;
		config->set[i].replica = le64_to_cpu(disk->set[i].replica);
		config->set[i].node = le32_to_cpu(disk->set[i].node);
	}
	return qbd_config_check(config);
}

static bool qbd_table_promise_valid(const struct qbd_promise *promise)
{
	if (promise->term)
		return promise->nonce && promise->term <= QBD_WAL_TERM_MAX &&
		       promise->lease_ms <= QBD_WAL_LEASE_MS_MAX;
	return !promise->nonce && !promise->epoch && !promise->node &&
	       !promise->lease_ms;
}

/**
 * qbd_table_check() - is this a replica that the store can have?
 * @slot: slot in host form, not trusted
 * @layout: the store's regions
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_table_check(const struct qbd_table_slot *slot,
		    const struct qbd_layout *layout)
{
	const struct qbd_meta_geom *geom = &layout->meta;

	if (slot->flags & ~QBD_REPLICA_ALL || !(slot->flags & QBD_REPLICA_USED))
		return -EUCLEAN;
	if (!slot->replica || !slot->blocks)
		return -EUCLEAN;
	if (slot->meta_pages != qbd_table_map_pages(layout, slot->blocks) ||
	    slot->meta_first < geom->table_pages ||
	    slot->meta_first > geom->level_pages[0] ||
	    slot->meta_pages > geom->level_pages[0] - slot->meta_first)
		return -EUCLEAN;
	if (!qbd_table_promise_valid(&slot->promise))
		return -EUCLEAN;
	if (!slot->applied_term != !slot->applied_index ||
	    !slot->logged_term != !slot->logged_index)
		return -EUCLEAN;
	if (slot->applied_term > QBD_WAL_TERM_MAX ||
	    slot->logged_term > QBD_WAL_TERM_MAX)
		return -EUCLEAN;
	if (slot->applied_index > QBD_WAL_INDEX_MAX ||
	    slot->logged_index > QBD_WAL_INDEX_MAX ||
	    slot->commit > QBD_WAL_INDEX_MAX)
		return -EUCLEAN;
	return qbd_config_check(&slot->config);
}

/**
 * qbd_table_encode() - slot of the replica table, or CREATE payload
 * @slot: slot in host form; one that is not in use becomes all zero
 * @disk: result
 */
void qbd_table_encode(const struct qbd_table_slot *slot,
		      struct qbd_disk_replica *disk)
{
	memset(disk, 0, sizeof(*disk));
	if (!(slot->flags & QBD_REPLICA_USED))
		return;
	disk->replica = cpu_to_le64(slot->replica);
	disk->volume = cpu_to_le32(slot->volume);
	disk->shard = cpu_to_le32(slot->shard);
	disk->flags = cpu_to_le32(slot->flags);
	disk->blocks = cpu_to_le32(slot->blocks);
	disk->meta_first = cpu_to_le32(slot->meta_first);
	disk->meta_pages = cpu_to_le32(slot->meta_pages);
	disk->promise_term = cpu_to_le64(slot->promise.term);
	disk->promise_nonce = cpu_to_le64(slot->promise.nonce);
	disk->promise_epoch = cpu_to_le64(slot->promise.epoch);
	disk->promise_node = cpu_to_le32(slot->promise.node);
	disk->promise_lease_ms = cpu_to_le32(slot->promise.lease_ms);
	disk->applied_term = cpu_to_le64(slot->applied_term);
	disk->applied_index = cpu_to_le64(slot->applied_index);
	disk->commit = cpu_to_le64(slot->commit);
	disk->logged_term = cpu_to_le64(slot->logged_term);
	disk->logged_index = cpu_to_le64(slot->logged_index);
	qbd_config_encode(&slot->config, &disk->config);
}

/**
 * qbd_table_decode() - slot of the replica table, or CREATE payload
 * @disk: not trusted
 * @layout: the store's regions
 * @slot: result, undefined after an error; @slot->flags is 0 for a slot that
 *	is not in use
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_table_decode(const struct qbd_disk_replica *disk,
		     const struct qbd_layout *layout,
		     struct qbd_table_slot *slot)
{
	int error;

	memset(slot, 0, sizeof(*slot));
	if (mem_is_zero(disk, sizeof(*disk)))
		return 0;
	if (!mem_is_zero(disk->reserved, sizeof(disk->reserved)))
		return -EUCLEAN;
	slot->replica = le64_to_cpu(disk->replica);
	slot->volume = le32_to_cpu(disk->volume);
	slot->shard = le32_to_cpu(disk->shard);
	slot->flags = le32_to_cpu(disk->flags);
	slot->blocks = le32_to_cpu(disk->blocks);
	slot->meta_first = le32_to_cpu(disk->meta_first);
	slot->meta_pages = le32_to_cpu(disk->meta_pages);
	slot->promise.term = le64_to_cpu(disk->promise_term);
	slot->promise.nonce = le64_to_cpu(disk->promise_nonce);
	slot->promise.epoch = le64_to_cpu(disk->promise_epoch);
	slot->promise.node = le32_to_cpu(disk->promise_node);
	slot->promise.lease_ms = le32_to_cpu(disk->promise_lease_ms);
	slot->applied_term = le64_to_cpu(disk->applied_term);
	slot->applied_index = le64_to_cpu(disk->applied_index);
	slot->commit = le64_to_cpu(disk->commit);
	slot->logged_term = le64_to_cpu(disk->logged_term);
	slot->logged_index = le64_to_cpu(disk->logged_index);
	error = qbd_config_decode(&disk->config, &slot->config);
	return error ? error : qbd_table_check(slot, layout);
}

/**
 * qbd_table_page_slot() - place of a slot in its table page
 * @block: the page, QBD_BLOCK_SIZE bytes
 * @slot: slot of the whole table
 *
 * Return: the slot, for qbd_table_encode() and qbd_table_decode().
 */
struct qbd_disk_replica *qbd_table_page_slot(void *block, u32 slot)
{
	struct qbd_disk_replica *disk = block + sizeof(struct qbd_disk_page);

	return disk + slot % QBD_TABLE_ENTRIES;
}

/**
 * qbd_map_page_entries() - entries of a map page
 * @block: the page, QBD_BLOCK_SIZE bytes
 *
 * Return: QBD_MAP_ENTRIES entries.
 */
struct qbd_disk_map *qbd_map_page_entries(void *block)
{
	return block + sizeof(struct qbd_disk_page);
}

/**
 * qbd_map_page_check() - are these the entries of a map page?
 * @block: the page, QBD_BLOCK_SIZE bytes, not trusted
 * @data_chunks: physical chunks of the store
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_map_page_check(const void *block, u64 data_chunks)
{
	const struct qbd_disk_map *map = block + sizeof(struct qbd_disk_page);
	u32 flags, i;

	for (i = 0; i < QBD_MAP_ENTRIES; i++) {
		flags = le32_to_cpu(map[i].flags);
		if (flags & ~QBD_MAP_ALL)
			return -EUCLEAN;
		if (!(flags & QBD_MAP_MAPPED) && map[i].phys)
			return -EUCLEAN;
		/* What has a place was put there by a record. */
		if (flags & QBD_MAP_MAPPED &&
		    (!map[i].last || le32_to_cpu(map[i].phys) >= data_chunks))
			return -EUCLEAN;
	}
	return 0;
}
