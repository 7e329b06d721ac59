// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shard's lock, its queue of actions, and the pump that empties it.
 *
 * The queue is a list of blocks. A step writes its actions into the last
 * block, which has room for QBD_ACTIONS_MIN of them because qbd_shard_lock()
 * gets another one, before it takes the lock, when it has not. Blocks beyond
 * the first come from a reserve and go back when they are empty; a pump never
 * waits for a peer or a disk, so a block always comes back. What a machine had
 * no room to say it says when the queue is empty: a member that gets into the
 * live stream is sent the whole ring, and two shards that did it at once, each
 * with a queue for all of that, would wait for each other's blocks.
 *
 * What was held is offered again by the pump alone, when the queue is empty: it
 * must not wait for a block itself, as it is the one who gives them back.
 *
 * The pump is whoever drops the lock while actions are there and nobody else
 * is at it; after QBD_PUMP_BATCH actions it leaves the rest to a worker, so
 * that no submitter works for all the others for ever.
 *
 * Decides nothing; what an action means is in shard_act.c.
 */
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include "pages.h"
#include "shard.h"

static mempool_t qbd_pump_pool;

/* with less a write gets a block, and gives it back, for its own step */
static_assert(QBD_PUMP_ACTIONS >= 2 * QBD_ACTIONS_MIN);
static_assert(sizeof(struct qbd_pump_block) <= 4 * PAGE_SIZE);

int qbd_pump_module_init(void)
{
	return mempool_init_kmalloc_pool(&qbd_pump_pool, QBD_PUMP_BLOCKS_MIN,
					 sizeof(struct qbd_pump_block));
}

void qbd_pump_module_exit(void)
{
	mempool_exit(&qbd_pump_pool);
}

static void qbd_pump_block_add(struct qbd_shard *shard,
			       struct qbd_pump_block *block)
{
	block->first = 0;
	block->nr = 0;
	list_add_tail(&block->entry, &shard->blocks);
}

static struct qbd_pump_block *qbd_pump_last(struct qbd_shard *shard)
{
	return list_last_entry(&shard->blocks, struct qbd_pump_block, entry);
}

/* Room for a step at the end of the queue, moving up what is left there. */
static bool __qbd_pump_room(struct qbd_shard *shard)
{
	struct qbd_pump_block *block = qbd_pump_last(shard);

	qbd_assert_shard_locked(shard);
	if (!block->nr)
		block->first = 0;
	return QBD_PUMP_ACTIONS - block->first - block->nr >= QBD_ACTIONS_MIN;
}

/**
 * qbd_shard_lock() - take a shard's lock with room for one step
 * @shard: the shard
 *
 * Context: process; may wait for memory, so no lock of a higher rank.
 */
void qbd_shard_lock(struct qbd_shard *shard) __acquires(&shard->lock)
{
	struct qbd_pump_block *block;

	qbd_assert_process();
	spin_lock(&shard->lock);
	if (likely(__qbd_pump_room(shard)))
		return;
	spin_unlock(&shard->lock);
	block = mempool_alloc(&qbd_pump_pool, GFP_NOIO);
	spin_lock(&shard->lock);
	if (__qbd_pump_room(shard))
		mempool_free(block, &qbd_pump_pool);
	else
		qbd_pump_block_add(shard, block);
}

static void __qbd_pump_begin(struct qbd_shard *shard, struct qbd_actions *acts)
{
	struct qbd_pump_block *block = qbd_pump_last(shard);
	u16 used = block->first + block->nr;

	qbd_assert_shard_locked(shard);
	*acts = (struct qbd_actions){
		.act = &block->act[used],
		.max = QBD_PUMP_ACTIONS - used,
	};
}

/* The new actions join the queue, with a reference of each payload. */
static void __qbd_pump_end(struct qbd_shard *shard, struct qbd_actions *acts)
{
	struct qbd_pump_block *block = qbd_pump_last(shard);
	u16 i;

	qbd_assert_shard_locked(shard);
	for (i = 0; i < acts->nr; i++) {
		struct qbd_action *act = &acts->act[i];

		block->stamp[act - block->act] = (struct qbd_act_stamp){
			.life = shard->life,
			.lead_gen = shard->lead_gen,
		};
		switch (act->kind) {
		case QBD_ACT_SEND:
		case QBD_ACT_LOG_APPEND:
		case QBD_ACT_DIFF:
		case QBD_ACT_SHADOW:
			if (act->msg.payload)
				qbd_payload_get(act->msg.payload);
			break;
		case QBD_ACT_COMPLETE:
			if (act->payload)
				qbd_payload_get(act->payload);
			break;
		default:
			break;
		}
	}
	block->nr += acts->nr;
}

/**
 * __qbd_shard_lead_step() - an event for the leader
 * @shard: locked with qbd_shard_lock(); one step per lock
 * @event: what happened; @now_ns is filled in here
 *
 * Return: what the leader says; -ESHUTDOWN if there is none.
 */
int __qbd_shard_lead_step(struct qbd_shard *shard,
			  const struct qbd_leader_event *event)
{
	struct qbd_leader_event now = *event;
	struct qbd_actions acts;
	int err;

	qbd_assert_shard_locked(shard);
	if (!shard->lead)
		return -ESHUTDOWN;
	now.now_ns = ktime_get_boottime_ns();
	__qbd_pump_begin(shard, &acts);
	err = qbd_leader_step(shard->lead, &now, &acts);
	shard->lead_more = acts.more;
	__qbd_pump_end(shard, &acts);
	return err;
}

/**
 * __qbd_shard_rep_step() - an event for the replica
 * @shard: locked with qbd_shard_lock(); one step per lock
 * @event: what happened; @now_ns is filled in here
 */
void __qbd_shard_rep_step(struct qbd_shard *shard,
			  const struct qbd_replica_event *event)
{
	struct qbd_replica_event now = *event;
	bool full = shard->rep.full;
	struct qbd_actions acts;

	qbd_assert_shard_locked(shard);
	if (!shard->rep_ready)
		return;
	now.now_ns = ktime_get_boottime_ns();
	__qbd_pump_begin(shard, &acts);
	qbd_replica_step(&shard->rep, &now, &acts);
	shard->rep_more = acts.more;
	__qbd_pump_end(shard, &acts);
	if (shard->rep.full != full)
		__qbd_shard_replica_full_tell(shard);
}

/*
 * The queue is empty, so there is room: a machine that had not said all goes
 * on. Return: false if there is none.
 */
static bool __qbd_shard_more(struct qbd_shard *shard)
{
	static const struct qbd_leader_event lead = { .kind = QBD_LEADER_MORE };
	static const struct qbd_replica_event rep = {
		.kind = QBD_REPLICA_MORE,
	};

	qbd_assert_shard_locked(shard);
	if (shard->lead_more) {
		shard->lead_more = false;
		__qbd_shard_lead_step(shard, &lead);
		return true;
	}
	if (shard->rep_more) {
		shard->rep_more = false;
		__qbd_shard_rep_step(shard, &rep);
		return true;
	}
	return false;
}

/* The action to be carried out next; it stays where it is until the pop. */
static struct qbd_action *__qbd_pump_first(struct qbd_shard *shard)
{
	struct qbd_pump_block *block;

	qbd_assert_shard_locked(shard);
	for (;;) {
		block = list_first_entry(&shard->blocks, struct qbd_pump_block,
					 entry);
		if (block->nr)
			return &block->act[block->first];
		if (list_is_singular(&shard->blocks)) {
			block->first = 0;
			return NULL;
		}
		list_del(&block->entry);
		mempool_free(block, &qbd_pump_pool);
	}
}

/* The same; the machines are asked for more if there is none. */
static struct qbd_action *__qbd_pump_next(struct qbd_shard *shard)
{
	struct qbd_action *act;

	qbd_assert_shard_locked(shard);
	do {
		act = __qbd_pump_first(shard);
	} while (!act && __qbd_shard_more(shard));
	return act;
}

static void __qbd_pump_pop(struct qbd_shard *shard)
{
	struct qbd_pump_block *block =
		list_first_entry(&shard->blocks, struct qbd_pump_block, entry);

	qbd_assert_shard_locked(shard);
	block->first++;
	block->nr--;
}

/* Is there anything to do for a pump? */
static bool __qbd_pump_wanted(struct qbd_shard *shard)
{
	qbd_assert_shard_locked(shard);
	return __qbd_pump_next(shard) || shard->held_more;
}

/* One thing; called with the lock, and returns with it. */
static void __qbd_pump_one(struct qbd_shard *shard) __must_hold(&shard->lock)
{
	struct qbd_pump_block *block;
	struct qbd_action *act;

	qbd_assert_shard_locked(shard);
	act = __qbd_pump_next(shard);
	if (!act) {
		__qbd_shard_held_one(shard);
		return;
	}
	block = list_first_entry(&shard->blocks, struct qbd_pump_block, entry);
	shard->acting = block->stamp[block->first];
	spin_unlock(&shard->lock);
	qbd_shard_carry_out(shard, act);
	spin_lock(&shard->lock);
	__qbd_pump_pop(shard);
}

/* Carry out what is queued; called with the lock, returns without. */
static void qbd_shard_pump(struct qbd_shard *shard) __releases(&shard->lock)
{
	u32 done = 0;

	shard->pumping = true;
	while (__qbd_pump_wanted(shard)) {
		if (done++ == QBD_PUMP_BATCH) {
			qbd_shard_get(shard);
			if (!queue_work(shard->node->io_wq, &shard->pump_work))
				refcount_dec(&shard->refs);
			break;
		}
		__qbd_pump_one(shard);
	}
	shard->pumping = false;
	spin_unlock(&shard->lock);
}

/**
 * qbd_shard_unlock() - drop the lock and carry out what the steps queued
 * @shard: locked with qbd_shard_lock()
 */
void qbd_shard_unlock(struct qbd_shard *shard) __releases(&shard->lock)
{
	if (shard->pumping || !__qbd_pump_wanted(shard)) {
		spin_unlock(&shard->lock);
		return;
	}
	qbd_shard_pump(shard);
}

/**
 * qbd_shard_lead_step() - lock, step the leader, carry out
 * @shard: the shard
 * @event: what happened
 *
 * Return: what the leader says; -ESHUTDOWN if there is none.
 */
int qbd_shard_lead_step(struct qbd_shard *shard,
			const struct qbd_leader_event *event)
{
	int err;

	qbd_shard_lock(shard);
	err = __qbd_shard_lead_step(shard, event);
	qbd_shard_unlock(shard);
	return err;
}

/**
 * qbd_shard_rep_step() - lock, step the replica, carry out
 * @shard: the shard
 * @event: what happened
 */
void qbd_shard_rep_step(struct qbd_shard *shard,
			const struct qbd_replica_event *event)
{
	qbd_shard_lock(shard);
	__qbd_shard_rep_step(shard, event);
	qbd_shard_unlock(shard);
}

/**
 * qbd_shard_held_retry() - offer what is held to the leader again
 * @shard: the shard
 */
void qbd_shard_held_retry(struct qbd_shard *shard)
{
	spin_lock(&shard->lock);
	shard->held_more = !list_empty(&shard->held);
	qbd_shard_unlock(shard);
}

static void qbd_pump_work(struct work_struct *work)
{
	struct qbd_shard *shard =
		container_of(work, struct qbd_shard, pump_work);

	spin_lock(&shard->lock);
	qbd_shard_unlock(shard);
	qbd_shard_put(shard);
}

/**
 * qbd_pump_init() - an empty queue
 * @shard: the shard that gets it
 *
 * Return: 0, or -ENOMEM.
 */
int qbd_pump_init(struct qbd_shard *shard)
{
	struct qbd_pump_block *block;

	block = kmalloc(sizeof(*block), GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	INIT_LIST_HEAD(&shard->blocks);
	INIT_WORK(&shard->pump_work, qbd_pump_work);
	qbd_pump_block_add(shard, block);
	return 0;
}

/**
 * qbd_pump_destroy() - free the queue; nobody has the shard any more
 * @shard: the shard
 */
void qbd_pump_destroy(struct qbd_shard *shard)
{
	struct qbd_pump_block *block, *next;

	list_for_each_entry_safe(block, next, &shard->blocks, entry) {
		WARN_ON_ONCE(block->nr);
		mempool_free(block, &qbd_pump_pool);
	}
}
