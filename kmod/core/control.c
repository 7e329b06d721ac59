// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replicas of a store: they are created, promise, are truncated, deleted.
 *
 * Each of these is a record about the replica in the same log as its data, so
 * that it holds for what comes after it and for nothing before.  Memory shows
 * it at once, the caller answers when the record was logged: a promise raised
 * in memory refuses lower terms before it is durable (S10).
 *
 * Context: under the store's lock.  Creating visits all slots, some twice.
 */
#include "env.h"
#include "store_core.h"

/**
 * qbd_store_find() - slot of a replica
 * @core: the store
 * @replica: replica id
 *
 * Return: the slot, -ENOENT if the store has no such replica.
 */
int qbd_store_find(const struct qbd_store_core *core, u64 replica)
{
	u32 i;

	for (i = 0; i < core->nr_slots; i++)
		if (core->slot[i].state == QBD_SLOT_USED &&
		    core->slot[i].table.replica == replica)
			return i;
	return -ENOENT;
}

/**
 * qbd_store_replica_get() - a replica as others see it
 * @core: the store
 * @slot: its slot; from 0 up until -ERANGE visits all
 * @replica: filled in
 *
 * Return: 0; -ENOENT if the slot has none; -ERANGE if there is no such slot.
 */
int qbd_store_replica_get(const struct qbd_store_core *core, u32 slot,
			  struct qbd_store_replica *replica)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	if (slot >= core->nr_slots)
		return -ERANGE;
	if (!s)
		return -ENOENT;
	memset(replica, 0, sizeof(*replica));
	replica->table = s->table;
	replica->table.config = *qbd_slot_config_at(s, U64_MAX);
	replica->last = s->last;
	replica->durable = s->durable;
	replica->applied = s->applied;
	replica->log_first = s->log_first;
	replica->live_blocks = s->live_blocks;
	replica->live_recs = s->live_recs;
	return 0;
}

/**
 * qbd_store_term_at() - term of a record of a replica
 * @core: the store
 * @slot: slot of the replica
 * @index: index of the record
 *
 * Known for the records in the log, the one before them, and the last one that
 * went home.
 *
 * Return: the term, 0 if it is not known or if @index is 0.
 */
u64 qbd_store_term_at(const struct qbd_store_core *core, u32 slot, u64 index)
{
	const struct qbd_slot *s = qbd_store_slot(core, slot);

	return s ? qbd_slot_term_at(core, s, index) : 0;
}

/* A slot for a new replica; those of deleted ones become free with time. */
static int qbd_create_slot(struct qbd_store_core *core, u64 replica)
{
	bool wait = false;
	int found = -1;
	u32 i;

	for (i = 0; i < core->nr_slots; i++) {
		const struct qbd_slot *s = &core->slot[i];

		if (s->state == QBD_SLOT_FREE) {
			if (found < 0)
				found = i;
			continue;
		}
		/* An id is never used twice, not even after its deletion. */
		if (s->table.replica == replica)
			return -EEXIST;
		if (s->state != QBD_SLOT_USED)
			wait = true;
	}
	if (found >= 0)
		return found;
	core->want_slot |= wait;
	return wait ? -EAGAIN : -ENOSPC;
}

/*
 * Map pages that nobody has: the first place that is large enough.  Each
 * round gets past one replica, so there are no more rounds than replicas.
 */
static int qbd_create_pages(struct qbd_store_core *core,
			    struct qbd_table_slot *table)
{
	const struct qbd_layout *layout = &core->super.layout;
	const struct qbd_slot *in_way;
	u64 first = layout->meta.table_pages;
	bool wait = false;

	table->meta_pages = qbd_table_map_pages(layout, table->blocks);
	while (first + table->meta_pages <= layout->meta.level_pages[0]) {
		in_way = qbd_slot_at_pages(core, first, table->meta_pages);
		if (!in_way) {
			table->meta_first = (u32)first;
			return 0;
		}
		if (in_way->state != QBD_SLOT_USED)
			wait = true;
		first = (u64)in_way->table.meta_first +
			in_way->table.meta_pages;
	}
	core->want_slot |= wait;
	return wait ? -EAGAIN : -ENOSPC;
}

/**
 * qbd_store_create() - make an empty replica
 * @core: the store
 * @table: @table->replica, ->volume, ->shard, ->blocks, ->config and the
 *	flags QBD_REPLICA_NONVOTING and _SUSPECT are the caller's, the others
 *	are set here; in a store that was rolled back it does not vote
 * @block: QBD_BLOCK_SIZE bytes, filled in: the payload of the record
 * @payload: cookie of a payload that consists of @block, the core's if this
 *	does not fail
 *
 * Return: id of the record, which has the slot; -EEXIST if the id was used
 * before; -EAGAIN as qbd_store_append(); -ENOSPC if the store has no slot, no
 * map pages or no share of the log for it; -EINVAL if @table is not one of a
 * replica; else why the store failed.
 */
int qbd_store_create(struct qbd_store_core *core, struct qbd_table_slot *table,
		     void *block, void *payload)
{
	struct qbd_desc desc = { .op = QBD_OP_CREATE, .payload_blocks = 1 };
	struct qbd_slot *s;
	int slot, error;

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	slot = qbd_create_slot(core, table->replica);
	if (slot < 0)
		return slot;
	table->flags &= QBD_REPLICA_NONVOTING | QBD_REPLICA_SUSPECT;
	table->flags |= QBD_REPLICA_USED;
	/* S11: what had this id before may have promised */
	if (core->super.flags & QBD_SUPER_FORGOT &&
	    !QBD_MUTANT(created_anew_votes))
		table->flags |= QBD_REPLICA_NONVOTING;
	memset(&table->promise, 0, sizeof(table->promise));
	table->applied_term = 0;
	table->applied_index = 0;
	table->commit = 0;
	table->logged_term = 0;
	table->logged_index = 0;
	error = table->blocks ? qbd_create_pages(core, table) : -EINVAL;
	if (error)
		return error;
	if (qbd_table_check(table, &core->super.layout))
		return -EINVAL;
	error = qbd_share_join(core);
	if (!error)
		error = qbd_store_room(core, QBD_ROOM_CONTROL, 2);
	if (error)
		return error;
	memset(block, 0, QBD_BLOCK_SIZE);
	qbd_table_encode(table, block);
	desc.replica = table->replica;
	desc.crc = qbd_payload_crc(~0U, block, QBD_BLOCK_SIZE);
	s = &core->slot[slot];
	qbd_slot_set(core, s, table);
	s->dirty = true;
	qbd_share_recount(core);
	return qbd_store_push(core, s, &desc, payload);
}

/* A control record without payload, of a replica that exists. */
static int qbd_control_push(struct qbd_store_core *core, struct qbd_slot *slot,
			    struct qbd_desc *desc)
{
	int error = qbd_store_room(core, QBD_ROOM_CONTROL, 1);

	if (error)
		return error;
	desc->replica = slot->table.replica;
	if (QBD_CORE_BUG(qbd_desc_check(desc)))
		return -EINVAL;
	slot->dirty = true;
	return qbd_store_push(core, slot, desc, NULL);
}

/**
 * qbd_store_delete() - delete a replica
 * @core: the store
 * @slot: its slot
 * @epoch: config epoch of the tombstone (S11)
 *
 * From now on there is no such replica.  Its space is free after the next
 * checkpoints.
 *
 * Return: id of the record; -ENOENT without such a replica; -EAGAIN as
 * qbd_store_append(); -EBUSY while a shadow of it is written to; else why the
 * store failed.
 */
int qbd_store_delete(struct qbd_store_core *core, u32 slot, u64 epoch)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);
	struct qbd_desc desc = { .op = QBD_OP_DELETE, .aux1 = epoch };
	int id;

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (s->shadow.unfilled)
		return -EBUSY;
	id = qbd_control_push(core, s, &desc);
	if (id < 0)
		return id;
	qbd_store_unpin(core, slot);
	if (QBD_CORE_BUG(qbd_store_shadow_drop(core, slot)))
		qbd_store_fail(core, -EUCLEAN);
	s->state = QBD_SLOT_DELETED;
	s->delete_seq = QBD_SLOT_DELETE_WAITS;
	core->activity++;
	return id;
}

/**
 * qbd_store_promise() - promise a term to a session
 * @core: the store
 * @slot: slot of the replica
 * @promise: term, session, epoch, node, lease; @promise->nonce is not 0
 *
 * Return: id of the record; -ESTALE for a term below the one promised, or for
 * that term with another session (S2); -EINVAL if it is none; -ENOENT without
 * such a replica; -EAGAIN as qbd_store_append(); else why the store failed.
 */
int qbd_store_promise(struct qbd_store_core *core, u32 slot,
		      const struct qbd_promise *promise)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);
	struct qbd_desc desc = {
		.op = QBD_OP_PROMISE,
		.term = promise->term,
		.aux0 = promise->nonce,
		.aux1 = promise->epoch,
		.aux2 = promise->node,
		.aux3 = promise->lease_ms,
	};
	int id;

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (!promise->term || !promise->nonce)
		return -EINVAL;
	if (promise->term < s->table.promise.term ||
	    (promise->term == s->table.promise.term &&
	     promise->nonce != s->table.promise.nonce))
		return -ESTALE;
	id = qbd_control_push(core, s, &desc);
	if (id >= 0)
		s->table.promise = *promise;
	return id;
}

/**
 * qbd_store_truncate() - void the end of a replica's history
 * @core: the store
 * @slot: slot of the replica
 * @term: term of the leader that says so
 * @index: the new last index
 *
 * Visits all records that become void, and those between the bound and
 * @index; the caller's window bounds both.
 *
 * Return: id of the record; -EINVAL if @index is below the bound, or not
 * below the last index; -ENOENT without such a replica; -EAGAIN as
 * qbd_store_append(); else why the store failed.
 */
int qbd_store_truncate(struct qbd_store_core *core, u32 slot, u64 term,
		       u64 index)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);
	struct qbd_desc desc = {
		.op = QBD_OP_TRUNCATE,
		.term = term,
		.index = index,
	};
	int id;

	if (core->error || core->closing)
		return core->error ?: -ESHUTDOWN;
	if (!s)
		return -ENOENT;
	if (index < s->table.commit || index < s->told ||
	    index < s->applied.index || index >= s->last.index)
		return -EINVAL;
	id = qbd_control_push(core, s, &desc);
	if (id < 0)
		return id;
	s->cuts_waiting++;
	qbd_slot_cut(core, s, index);
	return id;
}

/**
 * qbd_store_commit_set() - raise the bound: what may go home
 * @core: the store
 * @slot: slot of the replica
 * @index: lower of the commit index told by the leader of this term and of
 *	the highest index matched with that leader (S1)
 *
 * The store holds it back to what is durable here, and lets it rise to @index
 * as more becomes durable, but not beyond what is accepted now.  It never
 * falls.  Visits QBD_STORE_STEP records at most.
 */
void qbd_store_commit_set(struct qbd_store_core *core, u32 slot, u64 index)
{
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s || core->error)
		return;
	s->told = max(s->told, min(index, s->last.index));
	qbd_slot_bound(core, s);
	qbd_slot_settle(core, s, QBD_STORE_STEP);
}

/**
 * qbd_store_flags_set() - say how far a replica can be trusted
 * @core: the store
 * @slot: slot of the replica
 * @flags: QBD_REPLICA_NONVOTING, _SUSPECT, _LOST, some or none; a
 *	checkpoint is wanted that writes them down
 */
void qbd_store_flags_set(struct qbd_store_core *core, u32 slot, u32 flags)
{
	const u32 mask = QBD_REPLICA_NONVOTING | QBD_REPLICA_SUSPECT |
			 QBD_REPLICA_LOST;
	struct qbd_slot *s = qbd_store_slot(core, slot);

	if (!s || (s->table.flags & mask) == (flags & mask))
		return;
	s->table.flags &= ~mask;
	s->table.flags |= flags & mask;
	s->dirty = true;
	core->want_table = true;
	core->activity++;
}

/**
 * qbd_store_forgot() - the store was rolled back
 * @core: the store
 *
 * What is created in it from now on does not vote.  A checkpoint is wanted that
 * writes the superblock, whether or not there is a replica that has to change.
 */
void qbd_store_forgot(struct qbd_store_core *core)
{
	core->super.flags |= QBD_SUPER_FORGOT;
	core->want_table = true;
	core->activity++;
}
