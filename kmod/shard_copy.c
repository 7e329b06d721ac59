// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of a shard's replica in a resync (core/resync.h): what its machine
 * asks within a step, and chunks at work, each message one work item.
 *
 * Nothing is lost if there is no memory for a work item, or if there are too
 * many: who waits for the answer has a clock.
 */
#include <linux/highmem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "shard.h"
#include "store.h"
#include "store_copy.h"

/* --- what the machine asks within a step (shard->lock held) ------------ */

static int qbd_resync_pin(void *ctx, struct qbd_pin_info *info)
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ESHUTDOWN;
	return qbd_kstore_copy_pin(shard->store, shard->slot, info);
}

static int qbd_resync_pin_map(void *ctx, u64 seq, u64 have, u32 *from,
			      struct qbd_map_entry entry[QBD_MAP_MAX])
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ENODATA;
	return qbd_kstore_copy_map(shard->store, shard->slot, seq, have, from,
				   entry);
}

static void qbd_resync_unpin(void *ctx)
{
	struct qbd_shard *shard = ctx;

	if (shard->store)
		qbd_kstore_copy_unpin(shard->store, shard->slot);
}

static int qbd_resync_shadow(void *ctx, const struct qbd_pin_info *info,
			     const void *config, u64 *seq)
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ESHUTDOWN;
	return qbd_kstore_copy_shadow(shard->store, shard->slot, info, config,
				      seq);
}

static int qbd_resync_look(void *ctx, const struct qbd_map_entry *entry)
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ESHUTDOWN;
	return qbd_kstore_copy_look(shard->store, shard->slot, entry);
}

static int qbd_resync_switch(void *ctx)
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ESHUTDOWN;
	return qbd_kstore_copy_switch(shard->store, shard->slot);
}

static int qbd_resync_state(void *ctx)
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ESHUTDOWN;
	return qbd_kstore_copy_state(shard->store, shard->slot);
}

static int qbd_resync_drop(void *ctx)
{
	struct qbd_shard *shard = ctx;

	if (!shard->store)
		return -ESHUTDOWN;
	return qbd_kstore_copy_drop(shard->store, shard->slot);
}

static struct qbd_pos qbd_resync_switched(void *ctx)
{
	struct qbd_shard *shard = ctx;
	struct qbd_store_replica known;
	struct qbd_pos none = {};

	if (!shard->store ||
	    qbd_kstore_replica_get(shard->store, shard->slot, &known))
		return none;
	return known.last;
}

const struct qbd_resync_ops qbd_shard_resync_ops = {
	.pin = qbd_resync_pin,
	.pin_map = qbd_resync_pin_map,
	.unpin = qbd_resync_unpin,
	.shadow = qbd_resync_shadow,
	.shadow_look = qbd_resync_look,
	.shadow_switch = qbd_resync_switch,
	.shadow_state = qbd_resync_state,
	.shadow_drop = qbd_resync_drop,
	.switched = qbd_resync_switched,
};

/* --- chunks at work ---------------------------------------------------- */

/**
 * struct qbd_copy - a DIFF, or a DIFF_REPLY, at work
 * @work: does it
 * @shard: the shard, referenced
 * @store: its store, entered
 * @slot: slot of the replica
 * @life: which replica
 * @act: what is to be done
 */
struct qbd_copy {
	struct work_struct work;
	struct qbd_shard *shard;
	struct qbd_store *store;
	u32 slot;
	u32 life;
	struct qbd_action act;
};

static void qbd_copy_send(struct qbd_copy *copy, struct qbd_msg *msg)
{
	qbd_shard_send(copy->shard, copy->act.node, msg);
	if (msg->payload)
		qbd_payload_put(msg->payload);
}

static void qbd_copy_diff(struct qbd_copy *copy)
{
	struct qbd_msg reply;
	u32 i;

	for (i = 0; i < copy->act.msg.diff.nr; i++) {
		qbd_kstore_copy_answer(copy->store, copy->slot, &copy->act.msg,
				       i, &reply);
		qbd_copy_send(copy, &reply);
	}
}

static void qbd_copy_digest_send(struct qbd_copy *copy)
{
	struct qbd_msg diff = copy->act.msg;

	if (!qbd_kstore_copy_ask(copy->store, copy->slot, copy->act.id, &diff))
		qbd_copy_send(copy, &diff);
}

/* The replica that wanted it hears of it, if it is still there. */
static void qbd_copy_told(struct qbd_shard *shard, u32 life,
			  const struct qbd_msg *msg, int err)
{
	struct qbd_replica_event event = {
		.kind = QBD_REPLICA_SHADOWED,
		.err = err,
		.msg = msg,
	};

	qbd_shard_lock(shard);
	if (life == shard->life && shard->rep_ready)
		__qbd_shard_rep_step(shard, &event);
	qbd_shard_unlock(shard);
}

static void qbd_copy_fn(struct work_struct *work)
{
	struct qbd_copy *copy = container_of(work, struct qbd_copy, work);
	unsigned int noio = memalloc_noio_save();
	struct qbd_action *act = &copy->act;
	int err;

	switch (act->kind) {
	case QBD_ACT_DIFF:
		qbd_copy_diff(copy);
		break;
	case QBD_ACT_DIGEST:
		qbd_copy_digest_send(copy);
		break;
	default:
		err = qbd_kstore_copy_fill(copy->store, copy->slot, act->id,
					   &act->msg, act->index);
		qbd_copy_told(copy->shard, copy->life, &act->msg, err);
		break;
	}
	memalloc_noio_restore(noio);
	if (act->msg.payload)
		qbd_payload_put(act->msg.payload);
	qbd_kstore_copy_leave(copy->store);
	qbd_shard_put(copy->shard);
	kfree(copy);
}

/* The store of the replica that is acting, entered; NULL if it can't be. */
static struct qbd_store *qbd_copy_store(struct qbd_shard *shard, u32 *slot)
{
	struct qbd_store *store = NULL;

	spin_lock(&shard->lock);
	if (shard->store && shard->acting.life == shard->life)
		store = qbd_kstore_get(shard->store);
	*slot = shard->slot;
	spin_unlock(&shard->lock);
	if (!store)
		return NULL;
	if (!qbd_kstore_copy_enter(store)) {
		qbd_kstore_put(store);
		return NULL;
	}
	qbd_kstore_put(store);
	return store;
}

/**
 * qbd_shard_copy() - have chunks of a resync read, compared or written
 * @shard: the shard; the caller is its pump
 * @act: DIFF, DIGEST or SHADOW; its reference of a payload is used up
 */
void qbd_shard_copy(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_copy *copy;
	u32 slot;

	copy = kmalloc(sizeof(*copy), GFP_NOWAIT | __GFP_NOWARN);
	if (copy)
		copy->store = qbd_copy_store(shard, &slot);
	if (!copy || !copy->store) {
		kfree(copy);
		if (act->kind == QBD_ACT_SHADOW)
			qbd_copy_told(shard, shard->acting.life, &act->msg,
				      -EAGAIN);
		if (act->msg.payload)
			qbd_payload_put(act->msg.payload);
		return;
	}
	INIT_WORK(&copy->work, qbd_copy_fn);
	qbd_shard_get(shard);
	copy->shard = shard;
	copy->slot = slot;
	copy->life = shard->acting.life;
	copy->act = *act;
	queue_work(qbd_kstore_copy_wq, &copy->work);
}

/**
 * qbd_shard_send_pin() - send a PIN_REPLY
 * @shard: the shard; the caller is its pump
 * @act: SEND_PIN
 *
 * Without memory nothing is sent: the target asks again.
 */
void qbd_shard_send_pin(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_pool *pool = &shard->node->pools.pool[QBD_POOL_SEND];
	struct qbd_payload *payload = qbd_payload_alloc(pool, 1);
	struct qbd_store *store;
	u32 slot;

	if (!payload)
		return;
	store = qbd_copy_store(shard, &slot);
	if (store && !qbd_kstore_copy_config(store, slot,
					     act->msg.pin_reply.seq, payload)) {
		act->msg.payload = payload;
		act->msg.pin_reply.crc = payload->crc;
		qbd_shard_send(shard, act->node, &act->msg);
	}
	if (store)
		qbd_kstore_copy_leave(store);
	qbd_payload_put(payload);
}
