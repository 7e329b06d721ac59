// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replica of a shard: how it begins and ends in a store, and what the store
 * reports of it.
 *
 * The store calls us through struct qbd_store_user, from its own threads and
 * without locks: what it says becomes an event for the replica's machine. Our
 * calls into the store are made under shard->lock.
 *
 * LIFE. A replica found in a store that was opened is attached and begins at
 * once. A created one begins when its CREATE record is durable. When the store
 * fails or closes the replica has failed for good (it keeps its place for the
 * dumps) until the store is gone or its DELETE is durable.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "core/block.h"
#include "event.h"
#include "peer.h"
#include "shard.h"
#include "store.h"
#include "trace.h"

/* --- what the machine asks within a step (shard->lock held) ------------ */

static u64 qbd_replica_term_at(void *ctx, u64 index)
{
	struct qbd_shard *shard = ctx;
	u64 term = 0;

	if (!shard->store ||
	    qbd_kstore_term_at(shard->store, shard->slot, index, &term))
		return 0;
	return term;
}

static bool qbd_replica_log_get(void *ctx, u64 index, struct qbd_log_rec *rec)
{
	struct qbd_shard *shard = ctx;
	struct qbd_desc desc;

	if (!shard->store ||
	    qbd_kstore_log_get(shard->store, shard->slot, index, &desc))
		return false;
	*rec = (struct qbd_log_rec){
		.pos = { .term = desc.term, .index = desc.index },
		.op = desc.op,
		.rec_flags = desc.flags & QBD_REC_FUA,
		.payload_blocks = desc.payload_blocks,
		.block = desc.block,
		.blocks = desc.blocks,
		.crc = desc.crc,
	};
	return true;
}

static struct qbd_lease_stamp qbd_replica_lease_stamp(void *ctx, u32 node)
{
	struct qbd_shard *shard = ctx;
	struct qbd_peer *peer = qbd_node_peer(shard->node, node);
	struct qbd_lease_stamp none = {};

	return peer ? qbd_peer_stamp(peer) : none;
}

static u64 qbd_replica_lease_leave(void *ctx, u32 node)
{
	struct qbd_shard *shard = ctx;
	struct qbd_peer *peer = qbd_node_peer(shard->node, node);

	/* nothing was ever granted to a node that is not known */
	return peer ? qbd_peer_leave(peer) : 0;
}

static const struct qbd_replica_ops qbd_replica_core_ops = {
	.term_at = qbd_replica_term_at,
	.log_get = qbd_replica_log_get,
	.lease_stamp = qbd_replica_lease_stamp,
	.lease_leave = qbd_replica_lease_leave,
};

/* --- states ------------------------------------------------------------ */

static void __qbd_replica_state_set(struct qbd_shard *shard,
				    enum qbd_replica_state state, int err,
				    const char *why)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_REPLICA_STATE,
		.state = state,
		.volume = shard->key.volume,
		.shard = shard->key.shard,
		.has_shard = true,
		.replica = shard->replica,
		.error = err,
		.reason = why,
	};

	qbd_assert_shard_locked(shard);
	shard->rep_state = state;
	strscpy(shard->rep_why, why ?: "");
	qbd_event_emit(shard->node, &notice);
}

#define QBD_REPLICA_FULL_WHY "its store has no room"

/**
 * __qbd_shard_replica_full_tell() - its store has no room, or has some again
 * @shard: locked
 *
 * It has not failed: what it is otherwise stays what it was.
 */
void __qbd_shard_replica_full_tell(struct qbd_shard *shard)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_REPLICA_STATE,
		.state = shard->rep.full ? QBD_REPLICA_STATE_FULL :
					   shard->rep_state,
		.volume = shard->key.volume,
		.shard = shard->key.shard,
		.has_shard = true,
		.replica = shard->replica,
		.reason = shard->rep.full ? QBD_REPLICA_FULL_WHY : NULL,
	};

	qbd_assert_shard_locked(shard);
	qbd_event_emit(shard->node, &notice);
}

/**
 * __qbd_shard_replica_full() - show that its store has no room
 * @shard: locked; has a replica
 * @state: its state otherwise
 * @reason: NETLINK_MAX_FMTMSG_LEN bytes
 */
void __qbd_shard_replica_full(struct qbd_shard *shard,
			      enum qbd_replica_state *state, char *reason)
{
	qbd_assert_shard_locked(shard);
	if (!shard->rep_ready || !shard->rep.full || shard->rep.failed)
		return;
	*state = QBD_REPLICA_STATE_FULL;
	strscpy(reason, QBD_REPLICA_FULL_WHY, NETLINK_MAX_FMTMSG_LEN);
}

/* What the store as a whole says of itself to the replica. */
static int qbd_replica_store_info(struct qbd_store *store,
				  struct qbd_replica_config *cfg)
{
	struct qbd_kstore_info *info = kzalloc(sizeof(*info), GFP_NOIO);

	if (!info)
		return -ENOMEM;
	qbd_kstore_info_get(store, info);
	cfg->incarnation = info->incarnation;
	cfg->opens = info->opens;
	/* a leader must not fill a small log before any of it can go home */
	cfg->window_bytes = min(QBD_REPLICA_BYTES,
				info->stats.log_blocks / 4 * QBD_BLOCK_SIZE);
	kfree(info);
	return 0;
}

/* Why a replica is not what it was, by its flags; NULL if it is. */
static const char *qbd_replica_flags_why(u32 flags)
{
	if (flags & QBD_REPLICA_LOST)
		return "a map page is damaged, it needs a full copy";
	if (flags & QBD_REPLICA_SUSPECT)
		return "its log is damaged, records may be missing";
	if (flags & QBD_REPLICA_NONVOTING)
		return "a promise may be lost, no vote before 'replica floor'";
	return NULL;
}

static int __qbd_replica_begin(struct qbd_shard *shard,
			       struct qbd_replica_config *cfg)
{
	struct qbd_store_replica known;
	int err;

	qbd_assert_shard_locked(shard);
	if (!shard->store || shard->rep_ready)
		return -ESHUTDOWN;
	err = qbd_kstore_replica_get(shard->store, shard->slot, &known);
	if (err)
		return err;
	cfg->replica = shard->replica;
	cfg->blocks = known.table.blocks;
	cfg->promise = known.table.promise;
	cfg->last = known.last;
	cfg->commit = max(known.table.commit, known.applied.index);
	cfg->config_epoch = known.table.config.epoch;
	cfg->flags = known.table.flags &
		     (QBD_REPLICA_NONVOTING | QBD_REPLICA_SUSPECT |
		      QBD_REPLICA_LOST);
	qbd_replica_init(&shard->rep, cfg, ktime_get_boottime_ns());
	shard->rep_ready = true;
	__qbd_replica_state_set(shard,
				cfg->flags ? QBD_REPLICA_STATE_RECOVERING :
					     QBD_REPLICA_STATE_IN_SYNC,
				0, qbd_replica_flags_why(known.table.flags));
	return 0;
}

/* The replica's machine begins with what the store knows. */
static int qbd_replica_begin(struct qbd_shard *shard)
{
	struct qbd_replica_config cfg = {
		.ops = &qbd_replica_core_ops,
		.resync = &qbd_shard_resync_ops,
		.ctx = shard,
		.key = shard->key,
		.node = shard->node->spec.id,
		.max_lease_ns = shard->node->self.lease_ns,
		.window_records = QBD_REPLICA_RECORDS,
		.retry_ns = (u64)QBD_LEADER_RETRY_MS * NSEC_PER_MSEC,
	};
	struct qbd_store *store = NULL;
	int err;

	spin_lock(&shard->lock);
	if (shard->store)
		store = qbd_kstore_get(shard->store);
	spin_unlock(&shard->lock);
	if (!store)
		return -ESHUTDOWN;
	err = qbd_replica_store_info(store, &cfg);
	qbd_kstore_put(store);
	if (err)
		return err;
	spin_lock(&shard->lock);
	err = __qbd_replica_begin(shard, &cfg);
	spin_unlock(&shard->lock);
	return err;
}

/**
 * qbd_shard_replica_fail() - the replica is of no use until its store reopens
 * @shard: the shard
 * @life: which replica; nothing happens if another one is there by now
 * @err: why
 * @why: the same for people
 */
void qbd_shard_replica_fail(struct qbd_shard *shard, u32 life, int err,
			    const char *why)
{
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_FAILED,
		.err = err,
	};

	qbd_shard_lock(shard);
	if (life != shard->life) {
		qbd_shard_unlock(shard);
		return;
	}
	if (shard->replica && shard->rep_state != QBD_REPLICA_STATE_FAILED)
		__qbd_replica_state_set(shard, QBD_REPLICA_STATE_FAILED, err,
					why);
	__qbd_shard_rep_step(shard, &event);
	qbd_shard_unlock(shard);
	qbd_shard_log_drop(shard, life);
}

/* --- what the store reports -------------------------------------------- */

static struct qbd_shard *qbd_replica_shard(struct qbd_store_user *user)
{
	return container_of(user, struct qbd_shard, user);
}

static void qbd_replica_user_get(struct qbd_store_user *user)
{
	qbd_shard_get(qbd_replica_shard(user));
}

static void qbd_replica_user_put(struct qbd_store_user *user)
{
	qbd_shard_put(qbd_replica_shard(user));
}

static void qbd_replica_created(struct qbd_shard *shard)
{
	int err = qbd_replica_begin(shard);

	if (err)
		qbd_shard_replica_fail(shard, READ_ONCE(shard->life), err,
				       "it could not be started");
}

static void qbd_replica_durable(struct qbd_shard *shard,
				const struct qbd_desc *desc)
{
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_LOGGED,
		.term = desc->term,
		.nonce = desc->aux0,
		.pos = { .term = desc->term, .index = desc->index },
	};

	if (desc->op == QBD_OP_PROMISE)
		event.kind = QBD_REPLICA_PROMISED;
	else if (desc->op == QBD_OP_TRUNCATE)
		event.kind = QBD_REPLICA_TRUNCATED;
	else if (!qbd_op_has_index(desc->op))
		return;
	if (desc->op == QBD_OP_PROMISE)
		trace_qbd_term_promised(shard->key.volume, shard->key.shard,
					desc->replica, desc->term, desc->aux2);
	qbd_shard_rep_step(shard, &event);
}

static void qbd_replica_persisted(struct qbd_store_user *user,
				  const struct qbd_desc *desc, bool more)
{
	struct qbd_shard *shard = qbd_replica_shard(user);

	trace_qbd_record_durable(shard->key.volume, shard->key.shard,
				 desc->replica, desc->term, desc->index,
				 desc->op);
	if (more)
		return;
	switch (desc->op) {
	case QBD_OP_CREATE:
		qbd_replica_created(shard);
		break;
	case QBD_OP_DELETE:
		qbd_shard_replica_gone(shard, NULL);
		break;
	default:
		qbd_replica_durable(shard, desc);
		break;
	}
}

static void qbd_replica_space(struct qbd_store_user *user)
{
	qbd_shard_log_retry(qbd_replica_shard(user));
}

static void qbd_replica_failed(struct qbd_store_user *user, int error)
{
	struct qbd_shard *shard = qbd_replica_shard(user);

	qbd_shard_replica_fail(shard, READ_ONCE(shard->life), error,
			       "its store has failed or was closed");
}

static const struct qbd_store_user_ops qbd_replica_user_ops = {
	.get = qbd_replica_user_get,
	.put = qbd_replica_user_put,
	.persisted = qbd_replica_persisted,
	.space = qbd_replica_space,
	.failed = qbd_replica_failed,
};

/* --- life -------------------------------------------------------------- */

/* Take the place of the shard's replica; its store is not asked yet. */
static int qbd_replica_claim(struct qbd_shard *shard, struct qbd_store *store,
			     u64 replica)
{
	int err = 0;

	spin_lock(&shard->lock);
	if (shard->replica) {
		err = -EBUSY;
	} else {
		shard->life++;
		shard->user.ops = &qbd_replica_user_ops;
		shard->replica = replica;
		shard->store = qbd_kstore_get(store);
		shard->slot = QBD_STORE_REPLICAS_MAX;
		shard->rep_state = QBD_REPLICA_STATE_OFFLINE;
		shard->rep_why[0] = '\0';
		atomic_inc(&shard->node->nr_replicas);
		qbd_shard_get(shard);
	}
	spin_unlock(&shard->lock);
	return err;
}

/**
 * qbd_shard_replica_attach() - a replica was found in a store
 * @shard: the shard that it is of
 * @store: the store
 * @replica: replica id
 *
 * Return: 0; -EBUSY if the shard has another one here; or the store's error.
 */
int qbd_shard_replica_attach(struct qbd_shard *shard, struct qbd_store *store,
			     u64 replica)
{
	int slot, err;

	err = qbd_replica_claim(shard, store, replica);
	if (err)
		return err;
	slot = qbd_kstore_attach(store, replica, &shard->user);
	if (slot < 0) {
		qbd_shard_replica_gone(shard, store);
		return slot;
	}
	spin_lock(&shard->lock);
	shard->slot = slot;
	spin_unlock(&shard->lock);
	err = qbd_replica_begin(shard);
	if (err)
		qbd_shard_replica_gone(shard, store);
	return err;
}

/**
 * qbd_shard_replica_create() - make a replica
 * @shard: the shard that it is of
 * @store: the store that shall hold it
 * @table: what it is to be
 *
 * It begins, and an event says so, when its record is durable. That may be
 * before the slot is noted here: CREATE comes under the same lock order, and
 * the machine begins only after the slot is known.
 *
 * Return: 0; -EBUSY if the shard has one here; or the store's error.
 */
int qbd_shard_replica_create(struct qbd_shard *shard, struct qbd_store *store,
			     struct qbd_table_slot *table)
{
	int slot, err;

	err = qbd_replica_claim(shard, store, table->replica);
	if (err)
		return err;
	spin_lock(&shard->lock);
	slot = qbd_kstore_create(store, table, &shard->user);
	if (slot >= 0)
		shard->slot = slot;
	spin_unlock(&shard->lock);
	if (slot < 0)
		qbd_shard_replica_gone(shard, store);
	return min(slot, 0);
}

static int __qbd_replica_delete(struct qbd_shard *shard, u64 epoch)
{
	struct qbd_store_replica known;
	int err;

	qbd_assert_shard_locked(shard);
	if (!shard->replica)
		return -ENOENT;
	err = qbd_kstore_replica_get(shard->store, shard->slot, &known);
	if (err)
		return err;
	if (max(known.table.config.epoch, known.table.promise.epoch) > epoch)
		return -ESTALE;
	return qbd_kstore_delete(shard->store, shard->slot, epoch);
}

/**
 * qbd_shard_replica_delete() - delete the replica for good
 * @shard: the shard
 * @epoch: config epoch of the tombstone
 *
 * It is gone, and an event says so, when that is durable.
 *
 * Return: 0; -ENOENT if there is none; -ESTALE if the replica knows a newer
 * epoch (S11); or the store's error.
 */
int qbd_shard_replica_delete(struct qbd_shard *shard, u64 epoch)
{
	int err;

	spin_lock(&shard->lock);
	err = __qbd_replica_delete(shard, epoch);
	spin_unlock(&shard->lock);
	return err;
}

/**
 * __qbd_shard_replica_votes() - the replica has its vote back: keep that
 * @shard: locked; has a store
 */
void __qbd_shard_replica_votes(struct qbd_shard *shard)
{
	qbd_assert_shard_locked(shard);
	qbd_kstore_flags_set(shard->store, shard->slot, shard->rep.flags);
	if (!shard->rep.failed)
		__qbd_replica_state_set(shard, QBD_REPLICA_STATE_IN_SYNC, 0,
					NULL);
}

/**
 * qbd_shard_replica_floor() - consensus knows the highest term ever granted
 * @shard: the shard
 * @term: that term; 0: there was none
 *
 * Return: 0; -ESHUTDOWN if the replica has failed; -EUCLEAN if it can't vote
 * whatever it catches up with, its map has lost a page; -EEXIST if there can't
 * have been none.
 */
int qbd_shard_replica_floor(struct qbd_shard *shard, u64 term)
{
	const struct qbd_replica_event event = {
		.kind = QBD_REPLICA_FLOOR,
		.term = term,
	};
	int err = 0;

	qbd_shard_lock(shard);
	if (!shard->rep_ready)
		err = -ESHUTDOWN;
	else if (shard->rep.flags & QBD_REPLICA_LOST)
		err = -EUCLEAN;
	else if (!term && !qbd_replica_blank(&shard->rep))
		err = -EEXIST;
	else if (shard->rep.flags)
		__qbd_shard_rep_step(shard, &event);
	qbd_shard_unlock(shard);
	return err;
}

/**
 * qbd_shard_replica_gone() - the shard has no replica here any more
 * @shard: the shard
 * @store: only if this is the store that held it; NULL: it was deleted
 *
 * Its machine hears of it first: a replica that obeys a holder is one for whom
 * this node grants leases (S9 b). If it went without leaving the list, the
 * node's heartbeats would go on to renew a vote that nobody can cast any more.
 */
void qbd_shard_replica_gone(struct qbd_shard *shard, struct qbd_store *store)
{
	static const struct qbd_replica_event gone = {
		.kind = QBD_REPLICA_FAILED,
		.err = -ENODEV,
	};
	struct qbd_store *held = NULL;
	u32 slot = 0;
	u32 life;

	qbd_shard_lock(shard);
	life = shard->life;
	if (shard->replica && (!store || shard->store == store)) {
		__qbd_shard_rep_step(shard, &gone);
		held = shard->store;
		slot = shard->slot;
		if (!store)
			__qbd_replica_state_set(
				shard, QBD_REPLICA_STATE_DELETED, 0, NULL);
		shard->store = NULL;
		shard->replica = 0;
		shard->rep_ready = false;
		shard->rep_more = false;
	}
	qbd_shard_unlock(shard);
	if (!held)
		return;
	qbd_shard_log_drop(shard, life);
	qbd_kstore_detach(held, slot, &shard->user);
	qbd_kstore_put(held);
	atomic_dec(&shard->node->nr_replicas);
	qbd_shard_unheld(shard);
	qbd_shard_put(shard);
}
