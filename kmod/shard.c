// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shards of a node: making, finding and forgetting them, ticks, and what
 * dumps show. The machines are stepped elsewhere, see shard.h.
 *
 * Context: process. Readers of node->shards use RCU; a shard that is found
 * there and still has a reference to give is good.
 */
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "event.h"
#include "request.h"
#include "shard.h"
#include "shard_set.h"
#include "trace.h"

static struct kmem_cache *qbd_shard_cache;

int qbd_shard_module_init(void)
{
	int err;

	qbd_shard_cache = KMEM_CACHE(qbd_shard, SLAB_HWCACHE_ALIGN);
	if (!qbd_shard_cache)
		return -ENOMEM;
	err = qbd_pump_module_init();
	if (err)
		goto err_cache;
	err = qbd_log_module_init();
	if (err)
		goto err_pump;
	err = qbd_serve_module_init();
	if (err)
		goto err_log;
	err = qbd_shard_peer_module_init();
	if (err)
		goto err_serve;
	err = qbd_request_module_init();
	if (err)
		goto err_peer;
	return 0;

err_peer:
	qbd_shard_peer_module_exit();
err_serve:
	qbd_serve_module_exit();
err_log:
	qbd_log_module_exit();
err_pump:
	qbd_pump_module_exit();
err_cache:
	kmem_cache_destroy(qbd_shard_cache);
	return err;
}

void qbd_shard_module_exit(void)
{
	qbd_request_module_exit();
	qbd_shard_peer_module_exit();
	qbd_serve_module_exit();
	qbd_log_module_exit();
	qbd_pump_module_exit();
	/* shards are freed after a grace period */
	rcu_barrier();
	kmem_cache_destroy(qbd_shard_cache);
}

/* --- life -------------------------------------------------------------- */

static struct qbd_shard *qbd_shard_alloc(struct qbd_node *node, u32 volume,
					 u32 number)
{
	struct qbd_shard *shard;

	shard = kmem_cache_zalloc(qbd_shard_cache, GFP_KERNEL);
	if (!shard)
		return NULL;
	if (qbd_pump_init(shard)) {
		kmem_cache_free(qbd_shard_cache, shard);
		return NULL;
	}
	spin_lock_init(&shard->lock);
	refcount_set(&shard->refs, 1);
	shard->key.volume = volume;
	shard->key.shard = number;
	shard->node = node;
	qbd_node_get(node);
	INIT_LIST_HEAD(&shard->reqs);
	INIT_LIST_HEAD(&shard->held);
	INIT_LIST_HEAD(&shard->log_waits);
	INIT_LIST_HEAD(&shard->sends);
	return shard;
}

static void qbd_shard_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(qbd_shard_cache,
			container_of(rcu, struct qbd_shard, rcu));
}

static void qbd_shard_free(struct qbd_shard *shard)
{
	struct qbd_node *node = shard->node;

	WARN_ON_ONCE(shard->lead || shard->lead_next || shard->replica);
	qbd_pump_destroy(shard);
	call_rcu(&shard->rcu, qbd_shard_free_rcu);
	qbd_node_put(node);
}

void qbd_shard_get(struct qbd_shard *shard)
{
	refcount_inc(&shard->refs);
}

void qbd_shard_put(struct qbd_shard *shard)
{
	if (refcount_dec_and_test(&shard->refs))
		qbd_shard_free(shard);
}

/**
 * qbd_shard_find() - a shard of this node
 * @node: the node
 * @volume: volume id
 * @number: of the shard in it
 *
 * Return: the shard with a reference, NULL if there is none.
 */
struct qbd_shard *qbd_shard_find(struct qbd_node *node, u32 volume, u32 number)
{
	struct qbd_shard *shard;

	rcu_read_lock();
	shard = xa_load(&node->shards, qbd_shard_slot(volume, number));
	if (shard && !refcount_inc_not_zero(&shard->refs))
		shard = NULL;
	rcu_read_unlock();
	return shard;
}

/* Somebody is about to use it: not to be forgotten until he has done so. */
static struct qbd_shard *qbd_shard_find_use(struct qbd_node *node,
					    unsigned long slot)
{
	struct qbd_shard *shard;

	xa_lock(&node->shards);
	shard = xa_load(&node->shards, slot);
	if (shard) {
		qbd_shard_get(shard);
		spin_lock(&shard->lock);
		shard->users++;
		spin_unlock(&shard->lock);
	}
	xa_unlock(&node->shards);
	return shard;
}

/**
 * qbd_shard_use() - a shard of this node, new if need be
 * @node: the node; its configuration is locked
 * @volume: volume id
 * @number: of the shard in it
 *
 * To be followed by qbd_shard_unuse() when it has what keeps it in the table.
 *
 * Return: the shard with a reference, or an ERR_PTR.
 */
struct qbd_shard *qbd_shard_use(struct qbd_node *node, u32 volume, u32 number)
{
	unsigned long slot = qbd_shard_slot(volume, number);
	struct qbd_shard *shard;
	int err;

	qbd_assert_config_locked(node);
	shard = qbd_shard_find_use(node, slot);
	if (shard)
		return shard;
	shard = qbd_shard_alloc(node, volume, number);
	if (!shard)
		return ERR_PTR(-ENOMEM);
	shard->users = 1;
	qbd_shard_get(shard);
	err = xa_err(xa_store(&node->shards, slot, shard, GFP_KERNEL));
	if (!err)
		return shard;
	qbd_shard_put(shard);
	qbd_shard_put(shard);
	return ERR_PTR(err);
}

/* Out of the node's table, if it has no use any more. */
static void qbd_shard_forget(struct qbd_shard *shard, u32 users)
{
	unsigned long slot =
		qbd_shard_slot(shard->key.volume, shard->key.shard);
	struct xarray *shards = &shard->node->shards;
	bool gone = false;

	xa_lock(shards);
	spin_lock(&shard->lock);
	shard->users -= users;
	if (!shard->users && !shard->replica &&
	    xa_load(shards, slot) == shard) {
		__xa_erase(shards, slot);
		gone = true;
	}
	spin_unlock(&shard->lock);
	xa_unlock(shards);
	if (gone)
		qbd_shard_put(shard);
}

/**
 * qbd_shard_unuse() - the end of qbd_shard_use()
 * @shard: the shard; the reference is used up
 */
void qbd_shard_unuse(struct qbd_shard *shard)
{
	qbd_shard_forget(shard, 1);
	qbd_shard_put(shard);
}

/**
 * qbd_shard_unheld() - its replica has gone
 * @shard: the shard; the caller has a reference
 */
void qbd_shard_unheld(struct qbd_shard *shard)
{
	qbd_shard_forget(shard, 0);
}

/* --- time -------------------------------------------------------------- */

static void qbd_shard_lead_tick(struct qbd_shard *shard, bool slow)
{
	static const struct qbd_leader_event tick = { .kind = QBD_LEADER_TICK };

	qbd_shard_lock(shard);
	if (shard->lead && (slow || qbd_leader_busy(shard->lead) ||
			    qbd_leader_waits_lease(shard->lead)))
		__qbd_shard_lead_step(shard, &tick);
	qbd_shard_unlock(shard);
}

/**
 * qbd_shard_scarce() - the node has no pages left for its writes
 * @shard: the shard
 *
 * Left to the next write that finds the ring full those that are behind would
 * keep it: without pages no write gets as far as that.
 */
void qbd_shard_scarce(struct qbd_shard *shard)
{
	static const struct qbd_leader_event scarce = {
		.kind = QBD_LEADER_SCARCE,
	};

	qbd_shard_lock(shard);
	__qbd_shard_lead_step(shard, &scarce);
	qbd_shard_unlock(shard);
}

static void qbd_shard_rep_tick(struct qbd_shard *shard, bool slow)
{
	struct qbd_replica_event tick = { .kind = QBD_REPLICA_TICK };

	qbd_shard_lock(shard);
	if (slow || qbd_replica_busy(&shard->rep))
		__qbd_shard_rep_step(shard, &tick);
	qbd_shard_unlock(shard);
}

/**
 * qbd_shard_tick() - time went by
 * @shard: the shard
 * @slow: a whole lease went by, not just a part of one
 */
void qbd_shard_tick(struct qbd_shard *shard, bool slow)
{
	qbd_shard_rep_tick(shard, slow);
	qbd_shard_lead_tick(shard, slow);
	if (READ_ONCE(shard->set_due))
		qbd_shard_set_log(shard);
	qbd_shard_cork_tick(shard);
	if (!list_empty_careful(&shard->log_waits))
		qbd_shard_log_retry(shard);
	if (!list_empty_careful(&shard->held))
		qbd_shard_held_retry(shard);
}

/* --- what others see --------------------------------------------------- */

static enum qbd_shard_state __qbd_shard_state(struct qbd_shard *shard)
{
	struct qbd_leader_info info;

	qbd_assert_shard_locked(shard);
	if (!shard->lead)
		return QBD_SHARD_STATE_IDLE;
	qbd_leader_info(shard->lead, &info);
	switch (info.state) {
	case QBD_LEADER_OPENING:
		return QBD_SHARD_STATE_OPENING;
	case QBD_LEADER_RECOVERING:
		return QBD_SHARD_STATE_RECOVERING;
	case QBD_LEADER_READY:
		/* for repair there is no more to come */
		if (!info.repair)
			return QBD_SHARD_STATE_RECOVERING;
		fallthrough;
	case QBD_LEADER_SERVING:
	case QBD_LEADER_RELEASING:
		return info.suspended ? QBD_SHARD_STATE_SUSPENDED :
					QBD_SHARD_STATE_SERVING;
	case QBD_LEADER_LOST:
		break;
	}
	return QBD_SHARD_STATE_FENCED;
}

/**
 * __qbd_shard_state_update() - let others see what the leader is up to now
 * @shard: locked
 */
void __qbd_shard_state_update(struct qbd_shard *shard)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_SHARD_STATE,
		.volume = shard->key.volume,
		.shard = shard->key.shard,
		.has_shard = true,
		.term = shard->term,
	};
	enum qbd_shard_state state;

	qbd_assert_shard_locked(shard);
	state = __qbd_shard_state(shard);
	if (state == shard->state)
		return;
	trace_qbd_shard_state(shard->key.volume, shard->key.shard, shard->term,
			      shard->state, state);
	shard->state = state;
	notice.state = state;
	qbd_event_emit(shard->node, &notice);
}

/**
 * qbd_shard_state_update() - the same after a step that reports nothing itself
 * @shard: the shard
 */
void qbd_shard_state_update(struct qbd_shard *shard)
{
	spin_lock(&shard->lock);
	__qbd_shard_state_update(shard);
	spin_unlock(&shard->lock);
}

/**
 * qbd_shard_has_member() - is a replica in the set of a shard that is led here?
 * @shard: the shard
 * @replica: replica id; 0: the one that is here
 *
 * Return: false if it is not led here.
 */
bool qbd_shard_has_member(struct qbd_shard *shard, u64 replica)
{
	bool has = false;

	spin_lock(&shard->lock);
	if (shard->lead)
		has = qbd_set_find(qbd_leader_set(shard->lead),
				   replica ?: shard->replica) >= 0;
	spin_unlock(&shard->lock);
	return has;
}

/**
 * qbd_shard_counts_add() - add a shard's numbers to those of its volume
 * @shard: the shard
 * @counts: added to
 */
void qbd_shard_counts_add(struct qbd_shard *shard,
			  struct qbd_shard_counts *counts)
{
	spin_lock(&shard->lock);
	counts->inflight += shard->nr_reqs;
	counts->held += shard->nr_held;
	counts->reads += shard->nr_reads;
	counts->writes += shard->nr_writes;
	spin_unlock(&shard->lock);
}

/**
 * qbd_shard_replica_useless() - is no quorum to be had with this replica alone?
 * @shard: the shard
 * @replica: replica id
 * @why: the reason, for people; filled in if so
 * @len: its size
 *
 * Return: false if the replica is well, or not here (yet).
 */
bool qbd_shard_replica_useless(struct qbd_shard *shard, u64 replica, char *why,
			       size_t len)
{
	bool useless;

	spin_lock(&shard->lock);
	useless = shard->replica == replica && shard->rep_why[0];
	if (useless)
		strscpy(why, shard->rep_why, len);
	spin_unlock(&shard->lock);
	return useless;
}

/* A member that refused, and why, for people; NULL if none did. */
static const char *__qbd_shard_refusal(struct qbd_shard *shard, u64 *replica)
{
	const struct qbd_progress *prog;
	const struct qbd_set *set;
	u32 i;

	qbd_assert_shard_locked(shard);
	if (!shard->lead)
		return NULL;
	set = qbd_leader_set(shard->lead);
	for (i = 0; i < set->nr; i++) {
		prog = qbd_leader_member(shard->lead, i);
		*replica = set->member[i].replica;
		if (prog && prog->why)
			return qbd_shard_member_why(prog->why);
	}
	return NULL;
}

static void __qbd_shard_opening_why(struct qbd_shard *shard, char *why,
				    size_t len)
{
	u32 number = shard->key.shard;
	const char *refusal;
	u64 replica;
	bool alone;

	qbd_assert_shard_locked(shard);
	alone = shard->lead && qbd_set_alone(qbd_leader_set(shard->lead));
	refusal = __qbd_shard_refusal(shard, &replica);
	if (shard->state == QBD_SHARD_STATE_RECOVERING)
		scnprintf(why, len, "shard %u is being recovered", number);
	else if (shard->replica && shard->rep_why[0])
		scnprintf(why, len, "shard %u's replica here: %s", number,
			  shard->rep_why);
	else if (alone && !shard->replica)
		scnprintf(why, len, "shard %u: no store here has its replica",
			  number);
	else if (refusal)
		scnprintf(why, len, "shard %u: replica %llu: %s", number,
			  replica, refusal);
	else
		scnprintf(why, len, "shard %u: no quorum of replicas answers",
			  number);
}

/**
 * qbd_shard_opening_why() - what a shard that is led here waits for
 * @shard: the shard
 * @why: for people; filled in if it waits
 * @len: size of @why
 *
 * Return: false if it is beyond its recovery, or not led here.
 */
bool qbd_shard_opening_why(struct qbd_shard *shard, char *why, size_t len)
{
	bool waits;

	spin_lock(&shard->lock);
	waits = shard->state == QBD_SHARD_STATE_OPENING ||
		shard->state == QBD_SHARD_STATE_RECOVERING;
	if (waits)
		__qbd_shard_opening_why(shard, why, len);
	spin_unlock(&shard->lock);
	return waits;
}

static void __qbd_shard_member_info(struct qbd_shard *shard, u32 i,
				    struct qbd_shard_member_info *info)
{
	const struct qbd_progress *prog = qbd_leader_member(shard->lead, i);
	const struct qbd_set *set = qbd_leader_set(shard->lead);

	qbd_assert_shard_locked(shard);
	*info = (struct qbd_shard_member_info){
		.node = set->member[i].node,
		.replica = set->member[i].replica,
		.role = qbd_set_role(set, i),
		.state = qbd_shard_member_state(prog->shown),
		.matched = prog->matched,
		.received = prog->matched,
		.durable = prog->durable,
		.reason = qbd_shard_member_why(prog->shown == QBD_MEMBER_FULL ?
						       QBD_NACK_FULL :
						       prog->why),
	};
}

/**
 * qbd_shard_leader_info() - what the dump shows of a shard that is led here
 * @shard: the shard
 * @info: filled in
 *
 * Return: false if it is not led here.
 */
bool qbd_shard_leader_info(struct qbd_shard *shard,
			   struct qbd_shard_leader *info)
{
	struct qbd_leader_info lead;
	u32 i;

	memset(info, 0, sizeof(*info));
	spin_lock(&shard->lock);
	if (!shard->lead) {
		spin_unlock(&shard->lock);
		return false;
	}
	qbd_leader_info(shard->lead, &lead);
	info->volume = shard->key.volume;
	info->number = shard->key.shard;
	info->state = shard->state;
	info->term = shard->term;
	info->epoch = qbd_leader_set(shard->lead)->epoch;
	info->last = lead.last;
	info->completed = lead.completed;
	info->commit = lead.commit;
	info->committed_epoch = lead.epoch;
	info->blocks = lead.blocks;
	info->verifying = lead.verifying;
	info->verified = lead.verified;
	info->verify_err = lead.verify_err;
	info->verify = lead.verify;
	info->lease_ms =
		qbd_peer_lease_ms(&shard->node->self, ktime_get_boottime_ns());
	info->nr_members = qbd_leader_set(shard->lead)->nr;
	for (i = 0; i < info->nr_members; i++)
		__qbd_shard_member_info(shard, i, &info->member[i]);
	spin_unlock(&shard->lock);
	return true;
}

static void qbd_shard_replica_fill(struct qbd_shard_replica *info,
				   const struct qbd_store_replica *known)
{
	info->size_bytes = (u64)known->table.blocks * QBD_BLOCK_SIZE;
	qbd_set_spec_fill(&info->set, &known->table.config);
	info->promised_term = known->table.promise.term;
	info->promised_node = known->table.promise.node;
	info->last_term = known->last.term;
	info->last = known->last.index;
	info->durable = known->durable.index;
	info->commit = known->table.commit;
	info->applied = known->applied.index;
	info->log_first = known->log_first;
}

/**
 * qbd_shard_replica_info() - what the dump shows of a replica held here
 * @shard: the shard
 * @info: filled in
 *
 * Return: false if it has no replica here.
 */
bool qbd_shard_replica_info(struct qbd_shard *shard,
			    struct qbd_shard_replica *info)
{
	struct qbd_store_replica known;
	struct qbd_kstore_info *store;

	memset(info, 0, sizeof(*info));
	store = kzalloc(sizeof(*store), GFP_KERNEL);
	if (!store)
		return false;
	spin_lock(&shard->lock);
	if (shard->replica) {
		info->id = shard->replica;
		info->state = shard->rep_state;
		info->volume = shard->key.volume;
		info->set.number = shard->key.shard;
		strscpy(info->reason, shard->rep_why);
		__qbd_shard_replica_full(shard, &info->state, info->reason);
		qbd_kstore_info_get(shard->store, store);
		memcpy(info->store, store->uuid.b, QBD_UUID_LEN);
		if (!qbd_kstore_replica_get(shard->store, shard->slot, &known))
			qbd_shard_replica_fill(info, &known);
	}
	spin_unlock(&shard->lock);
	kfree(store);
	return info->id;
}
