// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replicas of a store, for the shards that own them: each function takes the
 * store's lock, sees that the store is ACTIVE and that the core has what it
 * needs, asks the core, and wakes who has to carry on.
 *
 * What the core refuses with -EAGAIN, and what it lacks map pages for, is
 * remembered with the owner of the replica: he is called when to try again.
 *
 * Context: process; a shard's lock may be held; nothing sleeps.
 */
#include <linux/mm.h>
#include "store_object.h"

/**
 * __qbd_kstore_ready() - may the core be asked?
 * @store: the store
 *
 * Return: 0 or -ESHUTDOWN.
 */
int __qbd_kstore_ready(struct qbd_store *store)
{
	qbd_assert_store_locked(store);
	return store->state == QBD_STORE_ACTIVE ? 0 : -ESHUTDOWN;
}

/*
 * What the core said, an id or a negative errno, for the caller: map pages
 * that are missing are a shortage like any other.
 */
static int __qbd_kstore_answer(struct qbd_store *store, u32 slot, int err)
{
	struct qbd_store_user *user = NULL;

	qbd_assert_store_locked(store);
	if (err == -ENOMEM)
		err = -EAGAIN;
	if (slot < QBD_STORE_REPLICAS_MAX)
		user = store->user[slot];
	if (err == -EAGAIN && user)
		user->wants_space = true;
	if (store->state == QBD_STORE_ACTIVE)
		__qbd_kstore_space(store);
	return min(err, 0);
}

/* Without the lock: wake who has to carry on. */
static void qbd_kstore_carry_on(struct qbd_store *store, int err)
{
	if (err == -EAGAIN || err == -ENOSPC)
		qbd_apply_kick(store);
	else if (!err)
		qbd_wal_kick(store);
}

/**
 * qbd_kstore_attach() - become the owner of a replica
 * @store: the store
 * @replica: replica id
 * @user: the owner
 *
 * Return: slot of the replica; -ENOENT if the store does not have it; -EBUSY
 * if it has an owner; -ESHUTDOWN.
 */
int qbd_kstore_attach(struct qbd_store *store, u64 replica,
		      struct qbd_store_user *user)
{
	int slot;

	qbd_assert_process();
	spin_lock(&store->lock);
	slot = __qbd_kstore_ready(store) ?:
					   qbd_store_find(store->core, replica);
	if (slot >= 0 && store->user[slot])
		slot = -EBUSY;
	if (slot >= 0) {
		user->wants_space = false;
		store->user[slot] = user;
	}
	spin_unlock(&store->lock);
	return slot;
}

/**
 * qbd_kstore_detach() - be the owner no more
 * @store: the store, in any state
 * @slot: slot of the replica
 * @user: the owner; nothing happens if he is not any more
 */
void qbd_kstore_detach(struct qbd_store *store, u32 slot,
		       struct qbd_store_user *user)
{
	qbd_assert_process();
	if (slot >= QBD_STORE_REPLICAS_MAX)
		return;
	spin_lock(&store->lock);
	if (store->user[slot] == user)
		store->user[slot] = NULL;
	spin_unlock(&store->lock);
}

/**
 * qbd_kstore_replica_get() - what the store knows of a replica
 * @store: the store
 * @slot: slot of the replica; from 0 up until -ERANGE visits all
 * @replica: filled in
 *
 * Return: 0; -ENOENT if there is none in this slot; -ERANGE; -ESHUTDOWN.
 */
int qbd_kstore_replica_get(struct qbd_store *store, u32 slot,
			   struct qbd_store_replica *replica)
{
	int err;

	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_replica_get(store->core, slot, replica);
	spin_unlock(&store->lock);
	return err;
}

/**
 * qbd_kstore_create() - make an empty replica
 * @store: the store
 * @table: see qbd_store_create()
 * @user: its owner; may be NULL
 *
 * It exists when @user hears of a persisted QBD_OP_CREATE.
 *
 * Return: slot of the replica; -EAGAIN: try again when there is space, the
 * caller is not told when; or as qbd_store_create(); -ESHUTDOWN.
 */
int qbd_kstore_create(struct qbd_store *store, struct qbd_table_slot *table,
		      struct qbd_store_user *user)
{
	struct qbd_payload *payload;
	int err, slot = U16_MAX;

	qbd_assert_process();
	payload = qbd_payload_alloc(&store->stores->pools->pool[QBD_POOL_LOCAL],
				    1);
	if (!payload)
		return -EAGAIN;
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
					  qbd_store_create(store->core, table,
							   page_address(payload->page[0]), payload);
	if (err >= 0) {
		__qbd_kstore_payload_added(store, 1);
		slot = qbd_store_rec(store->core, err)->slot;
		store->user[slot] = user;
		if (user)
			user->wants_space = false;
	}
	err = __qbd_kstore_answer(store, slot, err);
	spin_unlock(&store->lock);
	qbd_kstore_carry_on(store, err);
	if (!err)
		return slot;
	qbd_payload_put(payload);
	return err;
}

/**
 * qbd_kstore_delete() - delete a replica
 * @store: the store
 * @slot: slot of the replica
 * @epoch: config epoch of the tombstone
 *
 * It is gone for good when its owner hears of a persisted QBD_OP_DELETE.
 *
 * Return: 0; or as qbd_store_delete(); -ESHUTDOWN.
 */
int qbd_kstore_delete(struct qbd_store *store, u32 slot, u64 epoch)
{
	int err;

	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_delete(store->core, slot, epoch);
	err = __qbd_kstore_answer(store, slot, err);
	spin_unlock(&store->lock);
	qbd_kstore_carry_on(store, err);
	return err;
}

/**
 * qbd_kstore_append() - append a record to a replica's history
 * @store: the store
 * @slot: slot of the replica
 * @desc: the record; see qbd_store_append()
 * @payload: its bytes, NULL if it has none; the store takes a reference of
 *	its own
 * @config: what a CONFIG record says, else NULL
 *
 * Return: 0; -EAGAIN: there is no room, user->ops->space() will come; or as
 * qbd_store_append(); -ESHUTDOWN.
 */
int qbd_kstore_append(struct qbd_store *store, u32 slot,
		      const struct qbd_desc *desc, struct qbd_payload *payload,
		      const struct qbd_config *config)
{
	int err;

	if ((payload ? payload->nr_pages : 0) != desc->payload_blocks)
		return -EINVAL;
	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store);
	if (!err) {
		__qbd_kstore_pages_give(store);
		err = qbd_store_append(store->core, slot, desc, payload,
				       config);
	}
	if (err >= 0 && payload) {
		qbd_payload_get(payload);
		__qbd_kstore_payload_added(store, payload->nr_pages);
	}
	err = __qbd_kstore_answer(store, slot, err);
	spin_unlock(&store->lock);
	qbd_kstore_carry_on(store, err);
	return err;
}

/**
 * qbd_kstore_promise() - promise a term to a session
 * @store: the store
 * @slot: slot of the replica
 * @promise: what is promised
 *
 * It may be answered when QBD_OP_PROMISE is persisted, not before.
 *
 * Return: 0; or as qbd_store_promise(); -ESHUTDOWN.
 */
int qbd_kstore_promise(struct qbd_store *store, u32 slot,
		       const struct qbd_promise *promise)
{
	int err;

	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_promise(store->core, slot, promise);
	err = __qbd_kstore_answer(store, slot, err);
	spin_unlock(&store->lock);
	qbd_kstore_carry_on(store, err);
	return err;
}

/**
 * qbd_kstore_truncate() - void the end of a replica's history
 * @store: the store
 * @slot: slot of the replica
 * @term: of the leader that wants it
 * @index: new last index
 *
 * Return: 0; or as qbd_store_truncate(); -ESHUTDOWN.
 */
int qbd_kstore_truncate(struct qbd_store *store, u32 slot, u64 term, u64 index)
{
	int err;

	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_truncate(store->core, slot, term, index);
	err = __qbd_kstore_answer(store, slot, err);
	spin_unlock(&store->lock);
	qbd_kstore_carry_on(store, err);
	return err;
}

/**
 * qbd_kstore_commit_set() - how far records may go home (S1)
 * @store: the store; nothing happens if it is not ACTIVE
 * @slot: slot of the replica
 * @index: clamped by the caller to what matches with the leader
 */
void qbd_kstore_commit_set(struct qbd_store *store, u32 slot, u64 index)
{
	bool checkpoint = false;

	qbd_assert_process();
	spin_lock(&store->lock);
	if (!__qbd_kstore_ready(store)) {
		qbd_store_commit_set(store->core, slot, index);
		checkpoint = qbd_ckpt_wanted(store->core) == QBD_CKPT_NOW;
	}
	spin_unlock(&store->lock);
	if (checkpoint)
		qbd_apply_kick(store);
}

/**
 * qbd_kstore_flags_set() - change a replica's QBD_REPLICA_* flags
 * @store: the store; nothing happens if it is not ACTIVE
 * @slot: slot of the replica
 * @flags: see qbd_store_flags_set(); on the disk with the next checkpoint
 */
void qbd_kstore_flags_set(struct qbd_store *store, u32 slot, u32 flags)
{
	qbd_assert_process();
	spin_lock(&store->lock);
	if (!__qbd_kstore_ready(store))
		qbd_store_flags_set(store->core, slot, flags);
	spin_unlock(&store->lock);
}

/**
 * qbd_kstore_term_at() - term of a record
 * @store: the store
 * @slot: slot of the replica
 * @index: the record
 * @term: filled in; 0 if it is not known
 *
 * Return: 0 or -ESHUTDOWN.
 */
int qbd_kstore_term_at(struct qbd_store *store, u32 slot, u64 index, u64 *term)
{
	int err;

	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store);
	if (!err)
		*term = qbd_store_term_at(store->core, slot, index);
	spin_unlock(&store->lock);
	return err;
}

/**
 * qbd_kstore_log_get() - a record of a replica's log, without its payload
 * @store: the store
 * @slot: slot of the replica
 * @index: the record
 * @desc: filled in
 *
 * Return: 0; -ENOENT if the log does not have it (any more); -ESHUTDOWN.
 */
int qbd_kstore_log_get(struct qbd_store *store, u32 slot, u64 index,
		       struct qbd_desc *desc)
{
	int err;

	qbd_assert_process();
	spin_lock(&store->lock);
	err = __qbd_kstore_ready(store) ?:
		      qbd_store_log_get(store->core, slot, index);
	if (err >= 0)
		*desc = qbd_store_rec(store->core, err)->desc;
	spin_unlock(&store->lock);
	return min(err, 0);
}
