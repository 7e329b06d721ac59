// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stores of a node: what netlink calls for stores and replicas, and what
 * happens when a store reports that it is open or closed. A store that opened
 * gives each replica in it to its shard; one that closed takes them back.
 *
 * Context: process. node->config_mutex around everything that adds.
 */
#include <linux/slab.h>
#include <linux/uuid.h>

#include "event.h"
#include "locking.h"
#include "node.h"
#include "node_store.h"
#include "shard.h"
#include "shard_set.h"
#include "store.h"

/* --- what a store reports ---------------------------------------------- */

static struct qbd_node *qbd_node_of_store(const struct qbd_store *store)
{
	return container_of(qbd_kstore_stores(store), struct qbd_node, stores);
}

/* A replica that was found but can't be used is told of, not hidden. */
static void qbd_node_replica_found(struct qbd_node *node,
				   struct qbd_store *store,
				   const struct qbd_table_slot *table)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_REPLICA_STATE,
		.state = QBD_REPLICA_STATE_FAILED,
		.volume = table->volume,
		.shard = table->shard,
		.has_shard = true,
		.replica = table->replica,
		.reason = "it could not be attached to its shard",
	};
	struct qbd_shard *shard;

	shard = qbd_shard_use(node, table->volume, table->shard);
	notice.error = PTR_ERR_OR_ZERO(shard);
	if (!notice.error) {
		notice.error =
			qbd_shard_replica_attach(shard, store, table->replica);
		qbd_shard_unuse(shard);
	}
	if (notice.error)
		qbd_event_emit(node, &notice);
}

static void qbd_node_store_opened(struct qbd_node *node,
				  struct qbd_store *store)
{
	struct qbd_store_replica *known;
	u32 slot;
	int err;

	known = kmalloc(sizeof(*known), GFP_KERNEL | __GFP_NOFAIL);
	mutex_lock(&node->config_mutex);
	for (slot = 0;; slot++) {
		err = qbd_kstore_replica_get(store, slot, known);
		if (!err)
			qbd_node_replica_found(node, store, &known->table);
		else if (err != -ENOENT)
			break;
	}
	mutex_unlock(&node->config_mutex);
	kfree(known);
}

static void qbd_node_store_closed(struct qbd_node *node,
				  struct qbd_store *store)
{
	struct qbd_shard *shard;
	unsigned long slot = 0;

	while ((shard = qbd_node_shard_next(node, &slot))) {
		qbd_shard_replica_gone(shard, store);
		qbd_shard_put(shard);
		slot++;
	}
}

static enum qbd_store_state qbd_node_store_state(enum qbd_kstore_state state)
{
	switch (state) {
	case QBD_STORE_ACTIVE:
		return QBD_STORE_STATE_ACTIVE;
	case QBD_STORE_CLOSING:
		return QBD_STORE_STATE_CLOSING;
	case QBD_STORE_FAILED:
		return QBD_STORE_STATE_FAILED;
	case QBD_STORE_CLOSED:
		return QBD_STORE_STATE_CLOSED;
	default:
		return QBD_STORE_STATE_OPENING;
	}
}

/*
 * A store whose uuid is not known is named by its path: nothing else says which
 * one it is, and it is gone before anybody can look.
 */
static void qbd_node_store_tell(struct qbd_node *node,
				const struct qbd_kstore_info *info,
				enum qbd_kstore_state state)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_STORE_STATE,
		.state = qbd_node_store_state(state),
		.store = info->uuid.b,
		.error = info->error,
		.reason = info->why[0] ? info->why : NULL,
	};
	char *named = NULL;

	if (notice.reason && uuid_is_null(&info->uuid)) {
		named = kasprintf(GFP_KERNEL, "%s: %s", info->path, info->why);
		if (named)
			notice.reason = named;
	}
	qbd_event_emit(node, &notice);
	kfree(named);
}

/*
 * In the order of the changes, from one work item per store: that is what
 * orders the events. A store whose superblock was never read has no uuid by
 * which it could be removed: it goes by itself.
 */
static void qbd_node_store_report(struct qbd_store *store,
				  enum qbd_kstore_state state)
{
	struct qbd_node *node = qbd_node_of_store(store);
	struct qbd_kstore_info *info;

	if (state == QBD_STORE_REPLAY)
		return;
	if (state == QBD_STORE_ACTIVE)
		qbd_node_store_opened(node, store);
	else if (state == QBD_STORE_CLOSED)
		qbd_node_store_closed(node, store);
	info = kzalloc(sizeof(*info), GFP_KERNEL | __GFP_NOFAIL);
	qbd_kstore_info_get(store, info);
	if (state == QBD_STORE_CLOSED)
		qbd_kstore_forget(store);
	qbd_node_store_tell(node, info, state);
	if (state == QBD_STORE_FAILED && uuid_is_null(&info->uuid))
		qbd_kstore_stop(store);
	kfree(info);
}

static_assert((u32)QBD_SPACE_LOW == QBD_STORE_SPACE_LOW);
static_assert((u32)QBD_SPACE_SCARCE == QBD_STORE_SPACE_SCARCE);
static_assert((u32)QBD_SPACE_FULL == QBD_STORE_SPACE_FULL);

/* It runs full, or has room again. */
static void qbd_node_store_space(struct qbd_store *store, enum qbd_space space,
				 u64 room, u64 chunks)
{
	struct qbd_node *node = qbd_node_of_store(store);
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_STORE_SPACE,
		.state = space,
	};
	struct qbd_kstore_info *info;
	char reason[64];

	info = kzalloc(sizeof(*info), GFP_KERNEL | __GFP_NOFAIL);
	qbd_kstore_info_get(store, info);
	scnprintf(reason, sizeof(reason), "%llu of %llu MiB are free",
		  room * info->chunk_bytes >> 20,
		  chunks * info->chunk_bytes >> 20);
	notice.store = info->uuid.b;
	notice.reason = reason;
	qbd_event_emit(node, &notice);
	kfree(info);
}

const struct qbd_stores_ops qbd_node_stores_ops = {
	.state = qbd_node_store_report,
	.space = qbd_node_store_space,
};

/* --- stores ------------------------------------------------------------ */

static int qbd_node_running(struct qbd_node *node, struct qbd_refusal *why)
{
	qbd_assert_config_locked(node);
	if (node->state == QBD_NODE_STATE_RUNNING)
		return 0;
	return qbd_refuse(why, -ESHUTDOWN, 0, "the node is ending");
}

static int qbd_node_store_error(int err, struct qbd_refusal *why)
{
	switch (err) {
	case -ENOENT:
		return qbd_refuse(why, err, QBD_A_STORE_PATH,
				  "there is no such device");
	case -ENOTBLK:
		return qbd_refuse(why, err, QBD_A_STORE_PATH,
				  "not a block device");
	case -EEXIST:
		return qbd_refuse(why, err, QBD_A_STORE_PATH,
				  "the device is a store of this node already");
	case -E2BIG:
		return qbd_refuse(why, err, QBD_A_STORE_PATH,
				  "the path is longer than %u bytes",
				  QBD_STORE_PATH_MAX - 1);
	case -ENOSPC:
		return qbd_refuse(why, err, QBD_A_STORE_PATH,
				  "a node has at most %u stores",
				  QBD_STORES_MAX);
	default:
		return qbd_refuse(
			why, err, QBD_A_STORE_PATH,
			"the device can't be used: %pe: see the kernel log",
			ERR_PTR(err));
	}
}

/**
 * qbd_node_store_add() - open a store
 * @node: the node
 * @spec: which one
 * @why: the reason if it is refused
 *
 * Ends in a store-state event, ACTIVE or FAILED.
 *
 * Return: 0 or negative errno.
 */
int qbd_node_store_add(struct qbd_node *node, const struct qbd_store_spec *spec,
		       struct qbd_refusal *why)
{
	struct qbd_store_options options = {
		.path = spec->path,
		.opens_min = spec->opens_min,
	};
	struct qbd_store *store;
	int err;

	if (!spec->path[0])
		return qbd_refuse(why, -EINVAL, QBD_A_STORE_PATH,
				  "the path is empty");
	if (spec->opens_min > QBD_OPENS_MAX)
		return qbd_refuse(why, -ERANGE, QBD_A_STORE_OPENS_MIN,
				  "no store is opened more than %llu times",
				  QBD_OPENS_MAX);
	import_uuid(&options.uuid, spec->uuid);
	import_uuid(&options.cluster, node->spec.cluster);
	mutex_lock(&node->config_mutex);
	err = qbd_node_running(node, why);
	if (err)
		goto unlock;
	err = qbd_kstore_open(&node->stores, &options, &store);
	if (err)
		qbd_node_store_error(err, why);
	else
		qbd_kstore_put(store);
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}

static bool qbd_node_store_led(struct qbd_node *node, struct qbd_store *store)
{
	struct qbd_shard *shard;
	unsigned long slot = 0;
	bool led = false;

	while (!led && (shard = qbd_node_shard_next(node, &slot))) {
		spin_lock(&shard->lock);
		led = shard->store == store;
		spin_unlock(&shard->lock);
		led = led && qbd_shard_has_member(shard, 0);
		qbd_shard_put(shard);
		slot++;
	}
	return led;
}

/**
 * qbd_node_store_remove() - close a store in order
 * @node: the node
 * @uuid: which one
 * @why: the reason if it is refused
 *
 * Ends in a store-state event, CLOSED.
 *
 * Return: 0; -ENOENT; -EBUSY if a volume attached here has a replica in it and
 * it has not failed.
 */
int qbd_node_store_remove(struct qbd_node *node, const u8 uuid[QBD_UUID_LEN],
			  struct qbd_refusal *why)
{
	struct qbd_store *store;
	uuid_t id;
	int err = 0;

	import_uuid(&id, uuid);
	mutex_lock(&node->config_mutex);
	store = qbd_kstore_find(&node->stores, &id);
	if (!store)
		err = qbd_refuse(
			why, -ENOENT, QBD_A_STORE_UUID,
			"no such store here: see 'qbdctl kernel store list'");
	else if (qbd_kstore_state(store) == QBD_STORE_ACTIVE &&
		 qbd_node_store_led(node, store))
		err = qbd_refuse(
			why, -EBUSY, QBD_A_STORE_UUID,
			"a volume attached here uses it: detach that first");
	else
		qbd_kstore_stop(store);
	mutex_unlock(&node->config_mutex);
	qbd_kstore_put(store);
	return err;
}

/**
 * qbd_node_store_next() - walk over all stores of a node
 * @node: the node
 * @key: 0 to begin with; becomes the number of the one found
 *
 * Return: the store with a reference, NULL at the end.
 */
struct qbd_store *qbd_node_store_next(struct qbd_node *node, unsigned long *key)
{
	struct qbd_store *store;
	u32 id = *key ? *key - 1 : 0;

	store = qbd_kstore_next(&node->stores, &id);
	if (store)
		*key = id;
	return store;
}

/* --- replicas ---------------------------------------------------------- */

static int qbd_node_replica_check(struct qbd_node *node,
				  const struct qbd_replica_spec *spec,
				  struct qbd_refusal *why)
{
	bool member = false;
	u32 i;

	if (!spec->id)
		return qbd_refuse(why, -EINVAL, QBD_A_REPLICA_ID,
				  "replica ids begin with 1");
	if (!spec->volume)
		return qbd_refuse(why, -EINVAL, QBD_A_REPLICA_VOLUME,
				  "volume ids begin with 1");
	if (spec->set.number >= QBD_VOLUME_SHARDS_MAX)
		return qbd_refuse(why, -ERANGE, QBD_A_REPLICA_SHARD,
				  "a volume has at most %u shards",
				  QBD_VOLUME_SHARDS_MAX);
	if (!is_power_of_2(spec->size_bytes) ||
	    spec->size_bytes < BIT_ULL(QBD_SHARD_SHIFT_MIN) ||
	    spec->size_bytes > BIT_ULL(QBD_SHARD_SHIFT_MAX))
		return qbd_refuse(
			why, -EINVAL, QBD_A_REPLICA_SIZE_BYTES,
			"a shard's size, not the volume's: a power of two from 64M to 64G");
	for (i = 0; i < spec->set.nr_members; i++)
		member |= spec->set.member[i].replica == spec->id &&
			  spec->set.member[i].node == node->spec.id;
	if (!member)
		return qbd_refuse(why, -EINVAL, QBD_A_REPLICA_MEMBER,
				  "not a member of its own set on this node");
	return 0;
}

static void qbd_node_replica_table(const struct qbd_replica_spec *spec,
				   const struct qbd_set *set,
				   struct qbd_table_slot *table)
{
	memset(table, 0, sizeof(*table));
	table->replica = spec->id;
	table->volume = spec->volume;
	table->shard = spec->set.number;
	table->flags = QBD_REPLICA_USED;
	table->blocks = spec->size_bytes / QBD_BLOCK_SIZE;
	qbd_set_config(set, &table->config);
}

static int qbd_node_replica_error(int err, struct qbd_refusal *why)
{
	switch (err) {
	case -EBUSY:
		return qbd_refuse(
			why, err, QBD_A_REPLICA_SHARD,
			"the shard has a replica on this node already");
	case -EEXIST:
		return qbd_refuse(
			why, err, QBD_A_REPLICA_ID,
			"the store has had this replica: take a new id");
	case -ENOSPC:
		return qbd_refuse(
			why, err, QBD_A_REPLICA_STORE,
			"no slot, no room for its map or no share of the log is left: take another store, or format one with a larger log");
	case -ESHUTDOWN:
		return qbd_refuse(why, err, QBD_A_REPLICA_STORE,
				  "the store is not active: see 'store list'");
	case -EAGAIN:
		return qbd_refuse(why, err, QBD_A_REPLICA_STORE,
				  "the store's log is full, try again");
	default:
		return qbd_refuse(why, err, 0, "the store can't do it: %pe",
				  ERR_PTR(err));
	}
}

static int qbd_node_replica_make(struct qbd_node *node,
				 const struct qbd_replica_spec *spec,
				 struct qbd_store *store,
				 struct qbd_refusal *why)
{
	struct qbd_table_slot table;
	struct qbd_shard *shard;
	struct qbd_set set;
	int err;

	err = qbd_set_spec_make(&set, &spec->set);
	if (err)
		return qbd_refuse(
			why, err, QBD_A_REPLICA_MEMBER,
			"not a set: 1 to %u voters, no node and no replica twice",
			QBD_SET_MEMBERS_MAX);
	qbd_node_replica_table(spec, &set, &table);
	shard = qbd_shard_use(node, spec->volume, spec->set.number);
	if (IS_ERR(shard))
		return PTR_ERR(shard);
	err = qbd_shard_replica_create(shard, store, &table);
	qbd_shard_unuse(shard);
	return err ? qbd_node_replica_error(err, why) : 0;
}

/**
 * qbd_node_replica_create() - make an empty replica
 * @node: the node
 * @spec: of what, where
 * @why: the reason if it is refused
 *
 * Ends in a replica-state event.
 *
 * Return: 0 or negative errno.
 */
int qbd_node_replica_create(struct qbd_node *node,
			    const struct qbd_replica_spec *spec,
			    struct qbd_refusal *why)
{
	struct qbd_store *store;
	uuid_t uuid;
	int err;

	err = qbd_node_replica_check(node, spec, why);
	if (err)
		return err;
	import_uuid(&uuid, spec->store);
	mutex_lock(&node->config_mutex);
	err = qbd_node_running(node, why);
	if (err)
		goto unlock;
	store = qbd_kstore_find(&node->stores, &uuid);
	if (!store) {
		err = qbd_refuse(
			why, -ENOENT, QBD_A_REPLICA_STORE,
			"no such store here: see 'qbdctl kernel store list'");
		goto unlock;
	}
	err = qbd_node_replica_make(node, spec, store, why);
	qbd_kstore_put(store);
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}

static struct qbd_shard *qbd_node_replica_find(struct qbd_node *node,
					       u64 replica)
{
	struct qbd_shard *shard;
	unsigned long slot = 0;

	while ((shard = qbd_node_shard_next(node, &slot))) {
		if (READ_ONCE(shard->replica) == replica)
			return shard;
		qbd_shard_put(shard);
		slot++;
	}
	return NULL;
}

/**
 * qbd_node_replica_delete() - delete a replica by its tombstone
 * @node: the node
 * @replica: replica id
 * @epoch: config epoch that says so; a replica that logged a newer one refuses
 * @why: the reason if it is refused
 *
 * Ends in a replica-state event, DELETED.
 *
 * Return: 0 or negative errno.
 */
int qbd_node_replica_delete(struct qbd_node *node, u64 replica, u64 epoch,
			    struct qbd_refusal *why)
{
	struct qbd_shard *shard;
	int err;

	if (!replica)
		return qbd_refuse(why, -EINVAL, QBD_A_REPLICA_ID,
				  "replica ids begin with 1");
	mutex_lock(&node->config_mutex);
	shard = qbd_node_replica_find(node, replica);
	if (!shard) {
		err = qbd_refuse(
			why, -ENOENT, QBD_A_REPLICA_ID,
			"no such replica here: see 'qbdctl kernel replica list'");
		goto unlock;
	}
	if (qbd_shard_has_member(shard, replica)) {
		err = qbd_refuse(
			why, -EBUSY, QBD_A_REPLICA_ID,
			"it is in the set of its shard, which is led here: 'shard config' takes it out");
		goto put;
	}
	err = qbd_shard_replica_delete(shard, epoch);
	if (err == -ESTALE)
		qbd_refuse(
			why, err, QBD_A_REPLICA_EPOCH,
			"a newer one is known: see 'qbdctl kernel replica list'");
	else if (err == -EBUSY)
		qbd_refuse(why, err, QBD_A_REPLICA_ID,
			   "it is being filled by others, try again");
	else if (err)
		qbd_node_replica_error(err, why);
put:
	qbd_shard_put(shard);
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}

/**
 * qbd_node_replica_floor() - give a replica its vote back
 * @node: the node
 * @replica: replica id
 * @term: no higher one was granted for its volume before its store was opened;
 *	0: none at all, the volume is new
 * @why: the reason if it is refused
 *
 * S11: a replica that may have lost a promise must not obey anybody whom the
 * promise fenced. With the highest term ever granted known it obeys none below,
 * and votes when it has caught up. A replica that votes is not changed.
 *
 * Return: 0 or negative errno.
 */
int qbd_node_replica_floor(struct qbd_node *node, u64 replica, u64 term,
			   struct qbd_refusal *why)
{
	struct qbd_shard *shard;
	int err;

	if (term > QBD_TERM_MAX)
		return qbd_refuse(why, -ERANGE, QBD_A_REPLICA_FLOOR_TERM,
				  "terms end at %llu", (u64)QBD_TERM_MAX);
	mutex_lock(&node->config_mutex);
	shard = replica ? qbd_node_replica_find(node, replica) : NULL;
	if (!shard) {
		err = qbd_refuse(
			why, -ENOENT, QBD_A_REPLICA_ID,
			"no such replica here: see 'qbdctl kernel replica list'");
		goto unlock;
	}
	err = qbd_shard_replica_floor(shard, term);
	if (err == -EUCLEAN)
		qbd_refuse(why, err, QBD_A_REPLICA_ID,
			   "a page of its map is lost, it needs a full copy");
	else if (err == -EEXIST)
		qbd_refuse(
			why, err, QBD_A_REPLICA_FLOOR_TERM,
			"it has promised a term, or has records: its volume is not new, give the highest term");
	else if (err)
		qbd_refuse(why, err, QBD_A_REPLICA_ID,
			   "it has failed, open its store again");
	qbd_shard_put(shard);
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}
