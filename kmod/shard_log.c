// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a replica wants logged, on its way to the store.
 *
 * Records, promises and truncations reach the store in the order of the
 * actions. When the store has no room they wait here, with all that follow;
 * everything else of the shard goes on, because what makes room may depend on
 * it (how far records may go home is told by the same machine). Tried again
 * when the store says that there is room, and with every tick. What has no home
 * in the store does not wait: the replica is told, and has it forgotten, with
 * all behind it. A promise does not wait for room that records want: what waits
 * makes way for it, as told in core/replica.h.
 *
 * Context: process. The try is made under shard->lock, so that nothing
 * overtakes; the store's functions do not sleep.
 */
#include <linux/highmem.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include "core/table.h"
#include "shard.h"
#include "trace.h"

static mempool_t qbd_log_pool;

int qbd_log_module_init(void)
{
	return mempool_init_kmalloc_pool(&qbd_log_pool, QBD_LOG_WAITS_MIN,
					 sizeof(struct qbd_log_wait));
}

void qbd_log_module_exit(void)
{
	mempool_exit(&qbd_log_pool);
}

/* What a CONFIG record says. */
static int qbd_log_config(const struct qbd_payload *payload,
			  struct qbd_config *config)
{
	void *block;
	int err;

	if (!payload || payload->nr_pages != 1)
		return -EINVAL;
	block = kmap_local_page(payload->page[0]);
	err = qbd_config_decode(block, config);
	kunmap_local(block);
	return err;
}

static int qbd_log_append(struct qbd_shard *shard, const struct qbd_msg *msg)
{
	const struct qbd_msg_append *append = &msg->append;
	struct qbd_desc desc = {
		.replica = shard->replica,
		.term = append->pos.term,
		.index = append->pos.index,
		.aux0 = append->prev.term,
		.crc = append->crc,
		.block = append->block,
		.blocks = append->blocks,
		.payload_blocks = msg->payload_bytes / QBD_BLOCK_SIZE,
		.op = append->op,
		.flags = append->rec_flags,
	};
	struct qbd_config config;
	int err;

	if (append->op == QBD_OP_CONFIG) {
		err = qbd_log_config(msg->payload, &config);
		if (err)
			return err;
	}
	err = qbd_kstore_append(shard->store, shard->slot, &desc, msg->payload,
				append->op == QBD_OP_CONFIG ? &config : NULL);
	if (!err)
		trace_qbd_record_logged(shard->key.volume, shard->key.shard,
					shard->replica, desc.term, desc.index,
					desc.op);
	return err;
}

/*
 * Offer one action to the store; -EAGAIN if it has to wait, -ENOSPC if it has
 * no home there. What a replica wanted that is gone by now is forgotten, as by
 * a crash: its store may be open again, and the replica that was found there
 * knows nothing of it.
 */
static int __qbd_log_try(struct qbd_shard *shard, const struct qbd_action *act,
			 u32 life)
{
	int err;

	qbd_assert_shard_locked(shard);
	if (life != shard->life)
		return 0;
	if (!shard->store)
		return -ESHUTDOWN;
	switch (act->kind) {
	case QBD_ACT_LOG_APPEND:
		err = qbd_log_append(shard, &act->msg);
		break;
	case QBD_ACT_LOG_PROMISE:
		err = qbd_kstore_promise(shard->store, shard->slot,
					 &act->promise);
		break;
	case QBD_ACT_LOG_TRUNCATE:
		err = qbd_kstore_truncate(shard->store, shard->slot, act->term,
					  act->index);
		break;
	default:
		return -EINVAL;
	}
	if (err == -EAGAIN || err == -ENOSPC)
		trace_qbd_log_wait(shard->key.volume, shard->key.shard,
				   shard->replica, err);
	return err;
}

static bool qbd_log_waits(int err)
{
	return err == -EAGAIN || err == -ENOSPC;
}

/*
 * The first of what waits has no home: the replica has it forgotten, and says
 * so. It is in the list by now, with what is behind it.
 */
static void qbd_log_full(struct qbd_shard *shard, u32 life)
{
	static const struct qbd_replica_event full = {
		.kind = QBD_REPLICA_FULL,
	};

	qbd_shard_lock(shard);
	if (life == shard->life)
		__qbd_shard_rep_step(shard, &full);
	qbd_shard_unlock(shard);
}

static void qbd_log_put(struct qbd_action *act)
{
	if (act->kind == QBD_ACT_LOG_APPEND && act->msg.payload)
		qbd_payload_put(act->msg.payload);
}

/* The pump alone adds, so between the two locks nothing overtakes. */
static void qbd_log_defer(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_log_wait *wait;

	wait = mempool_alloc(&qbd_log_pool, GFP_NOIO);
	wait->act = *act;
	spin_lock(&shard->lock);
	wait->life = shard->acting.life;
	list_add_tail(&wait->entry, &shard->log_waits);
	spin_unlock(&shard->lock);
	/* room may have come before we were in the list */
	qbd_shard_log_retry(shard);
}

static void qbd_log_waits_free(struct list_head *waits)
{
	struct qbd_log_wait *wait, *next;

	list_for_each_entry_safe(wait, next, waits, entry) {
		qbd_log_put(&wait->act);
		mempool_free(wait, &qbd_log_pool);
	}
}

/*
 * Is this needed even if no record that waits is logged? A promise is not: the
 * one that is to be logged is higher, and nobody was told of the one that waits
 * yet. Kept, they would be more and more with each OPEN of the next term.
 */
static bool __qbd_log_keeps(struct qbd_shard *shard,
			    const struct qbd_action *act, struct qbd_pos *last)
{
	qbd_assert_shard_locked(shard);
	if (act->kind != QBD_ACT_LOG_TRUNCATE || act->index >= last->index)
		return false;
	last->index = act->index;
	last->term = 0;
	/* if that fails the store did, and the replica with it */
	qbd_kstore_term_at(shard->store, shard->slot, act->index, &last->term);
	return true;
}

/*
 * Forget the records and promises that wait, and the truncations that void
 * nothing that the store has: a promise is to be logged, or a resync begins,
 * whose truncation would wait behind them. One step of the
 * replica, in the same hold of the lock: nobody may see a history that is not
 * there any more.
 *
 * Return: how many truncations were forgotten.
 */
static u32 __qbd_log_forget(struct qbd_shard *shard, struct list_head *waits,
			    enum qbd_replica_event_kind kind)
{
	struct qbd_replica_event event = { .kind = kind };
	struct qbd_store_replica known;
	struct qbd_log_wait *wait, *next;
	u32 voided = 0;

	qbd_assert_shard_locked(shard);
	if (!shard->store || shard->acting.life != shard->life ||
	    qbd_kstore_replica_get(shard->store, shard->slot, &known))
		return 0;
	event.pos = known.last;
	list_for_each_entry_safe(wait, next, &shard->log_waits, entry) {
		bool old = wait->life != shard->life;

		if (!old && __qbd_log_keeps(shard, &wait->act, &event.pos))
			continue;
		if (!old && wait->act.kind == QBD_ACT_LOG_TRUNCATE)
			voided++;
		list_move_tail(&wait->entry, waits);
	}
	__qbd_shard_rep_step(shard, &event);
	return voided;
}

static void qbd_log_make_way(struct qbd_shard *shard,
			     enum qbd_replica_event_kind kind)
{
	static const struct qbd_replica_event truncated = {
		.kind = QBD_REPLICA_TRUNCATED,
	};
	LIST_HEAD(waits);
	u32 voided;

	qbd_shard_lock(shard);
	voided = __qbd_log_forget(shard, &waits, kind);
	qbd_shard_unlock(shard);
	qbd_log_waits_free(&waits);
	while (voided--)
		qbd_shard_rep_step(shard, &truncated);
}

/**
 * qbd_shard_log_forget() - forget what waits for room in the log
 * @shard: the shard; the caller is its pump
 * @act: LOG_FORGET
 */
void qbd_shard_log_forget(struct qbd_shard *shard, struct qbd_action *act)
{
	qbd_log_make_way(shard, QBD_REPLICA_FORGOT);
}

/**
 * qbd_shard_log() - have something logged
 * @shard: the shard; the caller is its pump
 * @act: LOG_APPEND, LOG_PROMISE or LOG_TRUNCATE; its payload is used up
 */
void qbd_shard_log(struct qbd_shard *shard, struct qbd_action *act)
{
	int err = -EAGAIN;

	if (act->kind == QBD_ACT_LOG_PROMISE &&
	    !list_empty_careful(&shard->log_waits))
		qbd_log_make_way(shard, QBD_REPLICA_UNLOGGED);
	spin_lock(&shard->lock);
	if (list_empty(&shard->log_waits))
		err = __qbd_log_try(shard, act, shard->acting.life);
	spin_unlock(&shard->lock);
	if (qbd_log_waits(err)) {
		qbd_log_defer(shard, act);
		return;
	}
	qbd_log_put(act);
	if (err)
		qbd_shard_replica_fail(shard, shard->acting.life, err,
				       "its log can't be written");
}

/**
 * qbd_shard_log_retry() - offer what waits for room again, in order
 * @shard: the shard
 */
void qbd_shard_log_retry(struct qbd_shard *shard)
{
	struct qbd_log_wait *wait;
	u32 life = 0;
	int err = 0;

	while (!err) {
		spin_lock(&shard->lock);
		wait = list_first_entry_or_null(&shard->log_waits,
						struct qbd_log_wait, entry);
		if (wait) {
			life = wait->life;
			err = __qbd_log_try(shard, &wait->act, life);
		}
		if (wait && !qbd_log_waits(err))
			list_del(&wait->entry);
		spin_unlock(&shard->lock);
		if (wait && err == -ENOSPC)
			qbd_log_full(shard, life);
		if (!wait || qbd_log_waits(err))
			return;
		qbd_log_put(&wait->act);
		mempool_free(wait, &qbd_log_pool);
	}
	qbd_shard_replica_fail(shard, life, err, "its log can't be written");
}

/**
 * qbd_shard_log_drop() - forget what waits: the replica is of no use any more
 * @shard: the shard
 * @life: which replica; the next one may be there already
 */
void qbd_shard_log_drop(struct qbd_shard *shard, u32 life)
{
	struct qbd_log_wait *wait, *next;
	LIST_HEAD(waits);

	spin_lock(&shard->lock);
	list_for_each_entry_safe(wait, next, &shard->log_waits, entry)
		if (wait->life == life)
			list_move_tail(&wait->entry, &waits);
	spin_unlock(&shard->lock);
	qbd_log_waits_free(&waits);
}
