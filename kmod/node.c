// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes: one per network namespace at most; how they begin and end.
 *
 * END IN PHASES. qbd_node_stop() wants no volume attached, qbd_node_crash()
 * ends those that are, at once. Then a work item goes on, and a crash may come
 * while a stop is at it:
 *	1 state: nothing is configured any more (config_mutex)
 *	2 volumes go, each by its own work item
 *	3 stores close, in order or abandoned; replicas go with them
 *	4 connections end; shards have gone with volumes and replicas: no
 *	  reference is left
 *	5 ticks stop, files go, the namespace forgets the node
 *
 * A device that does not end its I/O holds up phase 3, and with it the node
 * and the module, but no user: their requests ended in phase 2.
 *
 * Locks: config_mutex around the state; qbd_node_starts only against a second
 * start in the same namespace.
 */
#include <linux/ctype.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/netns/generic.h>

#include "debugfs.h"
#include "event.h"
#include "locking.h"
#include "node.h"
#include "node_peer.h"
#include "node_store.h"
#include "shard.h"
#include "sysfs.h"
#include "volume.h"

/**
 * struct qbd_net - what we keep in each network namespace
 * @lock: protects @node
 * @node: the node; NULL if the namespace is none [lock]
 */
struct qbd_net {
	spinlock_t lock; /* leaf */
	struct qbd_node *node;
};

static unsigned int qbd_net_id __read_mostly;
static struct workqueue_struct *qbd_node_end_wq;

/* How long one round of waiting for stores takes. */
#define QBD_NODE_END_MS 500U

/* --- references, lookup ------------------------------------------------ */

void qbd_node_get(struct qbd_node *node)
{
	refcount_inc(&node->refs);
}

/* The end work has the last reference: nobody else ever frees. */
void qbd_node_put(struct qbd_node *node)
{
	unsigned long flags;

	/* who sees the last count takes this lock too before he frees */
	spin_lock_irqsave(&node->refs_wait.lock, flags);
	refcount_dec(&node->refs);
	wake_up_all_locked(&node->refs_wait);
	spin_unlock_irqrestore(&node->refs_wait.lock, flags);
}

/**
 * qbd_node_find() - the node of a network namespace
 * @net: the namespace
 *
 * Return: the node with a reference, NULL if there is none.
 */
struct qbd_node *qbd_node_find(struct net *net)
{
	struct qbd_net *qnet = net_generic(net, qbd_net_id);
	struct qbd_node *node;

	spin_lock(&qnet->lock);
	node = qnet->node;
	if (node)
		qbd_node_get(node);
	spin_unlock(&qnet->lock);
	return node;
}

/**
 * qbd_node_name_ok() - can this be a name in sysfs and below /dev?
 * @name: of a node or a volume
 *
 * Return: true if so.
 */
bool qbd_node_name_ok(const char *name)
{
	const char *c;

	if (!*name || *name == '.' || *name == '-')
		return false;
	for (c = name; *c; c++)
		if (!isascii(*c) ||
		    (!isalnum(*c) && *c != '.' && *c != '_' && *c != '-'))
			return false;
	return true;
}

/**
 * qbd_node_counts_get() - sizes of a node's tables
 * @node: the node
 * @counts: filled in
 */
void qbd_node_counts_get(struct qbd_node *node, struct qbd_node_counts *counts)
{
	counts->stores = READ_ONCE(node->stores.nr);
	counts->volumes = atomic_read(&node->nr_volumes);
	counts->replicas = atomic_read(&node->nr_replicas);
}

/**
 * qbd_node_volume_next() - walk over all volumes of a node
 * @node: the node
 * @key: volume id to begin with; becomes that of the one found
 *
 * Return: the volume with a reference, NULL at the end.
 */
struct qbd_volume *qbd_node_volume_next(struct qbd_node *node,
					unsigned long *key)
{
	struct qbd_volume *vol, *found = NULL;
	unsigned long id;

	rcu_read_lock();
	xa_for_each_start(&node->volumes, id, vol, *key) {
		if (!refcount_inc_not_zero(&vol->refs))
			continue;
		*key = id;
		found = vol;
		break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * qbd_node_shard_next() - walk over all shards of a node
 * @node: the node
 * @key: qbd_shard_slot() to begin with; becomes that of the one found
 *
 * Return: the shard with a reference, NULL at the end.
 */
struct qbd_shard *qbd_node_shard_next(struct qbd_node *node, unsigned long *key)
{
	struct qbd_shard *shard, *found = NULL;
	unsigned long slot;

	rcu_read_lock();
	xa_for_each_start(&node->shards, slot, shard, *key) {
		if (!refcount_inc_not_zero(&shard->refs))
			continue;
		*key = slot;
		found = shard;
		break;
	}
	rcu_read_unlock();
	return found;
}

/* --- events, states, time ---------------------------------------------- */

/**
 * qbd_event_emit() - tell whoever listens
 * @node: the node that it is about
 * @notice: what happened; number and time are filled in
 *
 * Context: process or softirq, the lock of the state that changed is held.
 */
void qbd_event_emit(struct qbd_node *node, struct qbd_notice *notice)
{
	spin_lock(&node->event_lock);
	notice->seq = node->event_seq + 1;
	WRITE_ONCE(node->event_seq, notice->seq);
	notice->time_ns = ktime_get_boottime_ns();
	qbd_event_send(node, notice);
	spin_unlock(&node->event_lock);
}

/* clang-format off */
static const u8 qbd_node_next[] = {
	[QBD_NODE_STATE_RUNNING]	= BIT(QBD_NODE_STATE_STOPPING) |
					  BIT(QBD_NODE_STATE_CRASHED),
	[QBD_NODE_STATE_STOPPING]	= BIT(QBD_NODE_STATE_STOPPED) |
					  BIT(QBD_NODE_STATE_CRASHED),
	[QBD_NODE_STATE_CRASHED]	= BIT(QBD_NODE_STATE_STOPPED),
	[QBD_NODE_STATE_STOPPED]	= 0,
};

/* clang-format on */

static void qbd_node_tell(struct qbd_node *node)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_NODE_STATE,
		.state = node->state,
	};

	qbd_event_emit(node, &notice);
}

/* The only place where a node's state changes. */
static bool __qbd_node_state_set(struct qbd_node *node,
				 enum qbd_node_state state)
{
	qbd_assert_config_locked(node);
	if (!(qbd_node_next[node->state] & BIT(state)))
		return false;
	WRITE_ONCE(node->state, state);
	qbd_node_tell(node);
	return true;
}

static unsigned long qbd_node_tick_jiffies(const struct qbd_node *node)
{
	return max(1UL,
		   msecs_to_jiffies(node->spec.lease_ms / QBD_LEASE_TICKS));
}

/*
 * A pool is empty; any context. Rings hold pages of LOCAL, but for a block here
 * and there that was put right: to give up what is kept there would not help
 * the others, only end a catch-up that waits for pages to be sent. The next
 * tick is soon enough.
 */
static void qbd_node_give(struct qbd_pool_giver *giver,
			  const struct qbd_pool *pool)
{
	struct qbd_node *node = container_of(giver, struct qbd_node, giver);

	if (pool == &node->pools.pool[QBD_POOL_LOCAL])
		WRITE_ONCE(node->scarce, true);
}

static void qbd_node_tick_work(struct work_struct *work)
{
	struct qbd_node *node =
		container_of(to_delayed_work(work), struct qbd_node, tick_work);
	bool slow = ++node->ticks % QBD_LEASE_TICKS == 0;
	bool scarce = xchg(&node->scarce, false);
	struct qbd_shard *shard;
	unsigned long slot = 0;

	qbd_peer_loopback(&node->self, ktime_get_boottime_ns());
	qbd_node_peers_tick(node);
	while ((shard = qbd_node_shard_next(node, &slot))) {
		qbd_shard_tick(shard, slow);
		if (scarce)
			qbd_shard_scarce(shard);
		qbd_shard_put(shard);
		slot++;
	}
	queue_delayed_work(node->io_wq, &node->tick_work,
			   qbd_node_tick_jiffies(node));
}

/* --- the end ----------------------------------------------------------- */

static bool qbd_node_crashed(struct qbd_node *node)
{
	return READ_ONCE(node->state) == QBD_NODE_STATE_CRASHED;
}

static void qbd_node_refs_wait(struct qbd_node *node)
{
	wait_event(node->refs_wait, refcount_read(&node->refs) == 1);
	/* the last one to put has left qbd_node_put() */
	spin_lock_irq(&node->refs_wait.lock);
	spin_unlock_irq(&node->refs_wait.lock);
}

static void qbd_node_free(struct qbd_node *node)
{
	destroy_workqueue(node->io_wq);
	destroy_workqueue(node->wq);
	qbd_pool_giver_del(&node->pools, &node->giver);
	qbd_pools_destroy(&node->pools);
	qbd_node_peers_free(node);
	xa_destroy(&node->shards);
	xa_destroy(&node->volumes);
	mutex_destroy(&node->config_mutex);
	kfree(node);
}

static void qbd_node_end_work(struct work_struct *work)
{
	struct qbd_node *node = container_of(work, struct qbd_node, end_work);
	struct net *net = node->net;
	struct qbd_net *qnet = net_generic(net, qbd_net_id);

	wait_event(node->refs_wait, !atomic_read(&node->nr_volumes));
	while (qbd_stores_end(&node->stores, qbd_node_crashed(node),
			      QBD_NODE_END_MS))
		;
	qbd_node_peers_end(node);
	cancel_delayed_work_sync(&node->tick_work);
	qbd_debugfs_node_del(node);
	qbd_sysfs_node_del(node);
	spin_lock(&qnet->lock);
	qnet->node = NULL;
	spin_unlock(&qnet->lock);
	qbd_node_refs_wait(node);
	mutex_lock(&node->config_mutex);
	__qbd_node_state_set(node, QBD_NODE_STATE_STOPPED);
	mutex_unlock(&node->config_mutex);
	qbd_node_free(node);
	put_net(net);
	module_put(THIS_MODULE);
}

/**
 * qbd_node_stop() - end a node in order
 * @node: the node
 * @why: the reason if it is refused
 *
 * Return: 0; -EBUSY if a volume is attached; -EALREADY.
 */
int qbd_node_stop(struct qbd_node *node, struct qbd_refusal *why)
{
	int err = 0;

	mutex_lock(&node->config_mutex);
	if (qbd_volume_devices(node)) {
		err = qbd_refuse(
			why, -EBUSY, 0,
			"volumes are attached here: detach them first");
	} else if (!__qbd_node_state_set(node, QBD_NODE_STATE_STOPPING)) {
		err = qbd_refuse(why, -EALREADY, 0, "the node is ending");
	} else {
		/* all that are left are led for repair */
		qbd_volume_crash_all(node, "the node is being stopped");
		queue_work(qbd_node_end_wq, &node->end_work);
	}
	mutex_unlock(&node->config_mutex);
	return err;
}

static void qbd_node_crash_stores(struct qbd_node *node)
{
	struct qbd_store *store;
	u32 id = 0;

	while ((store = qbd_kstore_next(&node->stores, &id))) {
		qbd_kstore_crash(store);
		qbd_kstore_put(store);
	}
}

/**
 * qbd_node_crash() - end a node as a power cut would
 * @node: the node
 * @why: the reason if it is refused
 *
 * Connections first: nobody hears of anything that happens from now on. Then
 * stores: what is not durable now never will be. Then all requests fail.
 *
 * Return: 0 or -EALREADY.
 */
int qbd_node_crash(struct qbd_node *node, struct qbd_refusal *why)
{
	bool stopping;
	int err = 0;

	mutex_lock(&node->config_mutex);
	stopping = node->state == QBD_NODE_STATE_STOPPING;
	if (!__qbd_node_state_set(node, QBD_NODE_STATE_CRASHED)) {
		err = qbd_refuse(why, -EALREADY, 0, "the node is ending");
		goto unlock;
	}
	qbd_node_peers_end(node);
	qbd_node_crash_stores(node);
	qbd_volume_crash_all(node, "the node crashed");
	/* once: the work item frees the node, a second round would not find it
	 */
	if (!stopping)
		queue_work(qbd_node_end_wq, &node->end_work);
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}

/* --- the start --------------------------------------------------------- */

static int qbd_node_spec_check(const struct qbd_node_spec *spec,
			       struct qbd_refusal *why)
{
	if (!spec->id)
		return qbd_refuse(why, -EINVAL, QBD_A_NODE_ID,
				  "node ids begin with 1");
	if (!qbd_node_name_ok(spec->name))
		return qbd_refuse(why, -EINVAL, QBD_A_NODE_NAME,
				  "a name is letters, digits, '.', '_', '-'");
	if (!memchr_inv(spec->cluster, 0, sizeof(spec->cluster)))
		return qbd_refuse(why, -EINVAL, QBD_A_NODE_CLUSTER,
				  "the cluster has no uuid");
	if (spec->lease_ms && (spec->lease_ms < QBD_LEASE_MS_MIN ||
			       spec->lease_ms > QBD_LEASE_MS_MAX))
		return qbd_refuse(why, -EINVAL, QBD_A_NODE_LEASE_MS,
				  "a lease is %u to %u ms", QBD_LEASE_MS_MIN,
				  QBD_LEASE_MS_MAX);
	return 0;
}

static int qbd_node_queues_init(struct qbd_node *node)
{
	node->wq = alloc_workqueue("qbd_node/%u", WQ_UNBOUND, 0, node->spec.id);
	if (!node->wq)
		return -ENOMEM;
	node->io_wq = alloc_workqueue("qbd_io/%u", WQ_MEM_RECLAIM | WQ_HIGHPRI,
				      0, node->spec.id);
	if (node->io_wq)
		return 0;
	destroy_workqueue(node->wq);
	return -ENOMEM;
}

static struct qbd_node *qbd_node_alloc(struct net *net,
				       const struct qbd_node_spec *spec)
{
	struct qbd_node *node = kzalloc(sizeof(*node), GFP_KERNEL);

	if (!node)
		return NULL;
	node->spec = *spec;
	if (!node->spec.lease_ms)
		node->spec.lease_ms = QBD_LEASE_MS_DEFAULT;
	node->net = net;
	refcount_set(&node->refs, 1);
	init_waitqueue_head(&node->refs_wait);
	mutex_init(&node->config_mutex);
	spin_lock_init(&node->event_lock);
	xa_init(&node->volumes);
	xa_init(&node->shards);
	xa_init(&node->peers);
	INIT_WORK(&node->end_work, qbd_node_end_work);
	INIT_DELAYED_WORK(&node->tick_work, qbd_node_tick_work);
	qbd_peer_init(&node->self, spec->id,
		      (u64)node->spec.lease_ms * NSEC_PER_MSEC);
	if (qbd_node_queues_init(node))
		goto err_free;
	if (qbd_pools_init(&node->pools))
		goto err_queues;
	node->giver.give = qbd_node_give;
	qbd_pool_giver_add(&node->pools, &node->giver);
	qbd_stores_init(&node->stores, &node->pools, spec->id,
			&qbd_node_stores_ops);
	return node;

err_queues:
	destroy_workqueue(node->io_wq);
	destroy_workqueue(node->wq);
err_free:
	kfree(node);
	return NULL;
}

/* The namespace is a node now; false if it is one already. */
static bool qbd_node_publish(struct qbd_node *node)
{
	struct qbd_net *qnet = net_generic(node->net, qbd_net_id);
	bool ok;

	spin_lock(&qnet->lock);
	ok = !qnet->node;
	if (ok)
		qnet->node = node;
	spin_unlock(&qnet->lock);
	return ok;
}

static int qbd_node_twice(struct qbd_refusal *why)
{
	return qbd_refuse(why, -EEXIST, 0,
			  "this network namespace is a node already");
}

/*
 * From publish on others find it, and may end it: what its end undoes is done
 * with the configuration locked, and the node is there until that was dropped.
 */
static bool qbd_node_begin(struct qbd_node *node)
{
	struct net *net = get_net(node->net);
	bool ok;

	__module_get(THIS_MODULE);
	qbd_node_get(node);
	mutex_lock(&node->config_mutex);
	ok = qbd_node_publish(node);
	if (ok) {
		qbd_debugfs_node_add(node);
		qbd_node_tell(node);
		queue_delayed_work(node->io_wq, &node->tick_work,
				   qbd_node_tick_jiffies(node));
	}
	mutex_unlock(&node->config_mutex);
	qbd_node_put(node);
	if (ok)
		return true;
	put_net(net);
	module_put(THIS_MODULE);
	return false;
}

/* The directory of a node in sysfs could not be made. */
static void qbd_node_name_error(int err, struct qbd_refusal *why)
{
	if (err == -EEXIST)
		qbd_refuse(why, err, QBD_A_NODE_NAME,
			   "a node of another network namespace has this name");
	else
		qbd_refuse(why, err, 0, "no directory in sysfs: %pe",
			   ERR_PTR(err));
}

/**
 * qbd_node_start() - make a network namespace a node
 * @net: the namespace
 * @spec: who it is
 * @why: the reason if it is refused
 *
 * Return: 0; -EEXIST if it is one, or if its name is in use; -ENOMEM; -EINVAL.
 */
int qbd_node_start(struct net *net, const struct qbd_node_spec *spec,
		   struct qbd_refusal *why)
{
	struct qbd_node *node;
	int err;

	err = qbd_node_spec_check(spec, why);
	if (err)
		return err;
	/* looked at again below; here, as its name is probably the same */
	node = qbd_node_find(net);
	if (node) {
		qbd_node_put(node);
		return qbd_node_twice(why);
	}
	node = qbd_node_alloc(net, spec);
	if (!node)
		return -ENOMEM;
	err = qbd_sysfs_node_add(node);
	if (err) {
		qbd_node_name_error(err, why);
		goto err_free;
	}
	if (!qbd_node_begin(node)) {
		err = qbd_node_twice(why);
		goto err_sysfs;
	}
	return 0;

err_sysfs:
	qbd_sysfs_node_del(node);
err_free:
	qbd_node_free(node);
	return err;
}

/* --- namespaces -------------------------------------------------------- */

static int __net_init qbd_net_init(struct net *net)
{
	struct qbd_net *qnet = net_generic(net, qbd_net_id);

	spin_lock_init(&qnet->lock);
	return 0;
}

/* A node pins its namespace: there is nothing to be waited for. */
static void __net_exit qbd_net_exit(struct net *net)
{
	struct qbd_net *qnet = net_generic(net, qbd_net_id);

	WARN_ON_ONCE(qnet->node);
}

static struct pernet_operations qbd_net_ops = {
	.init = qbd_net_init,
	.exit = qbd_net_exit,
	.id = &qbd_net_id,
	.size = sizeof(struct qbd_net),
};

int qbd_node_init(void)
{
	int err;

	qbd_node_end_wq = alloc_workqueue("qbd_end", WQ_UNBOUND, 0);
	if (!qbd_node_end_wq)
		return -ENOMEM;
	err = register_pernet_subsys(&qbd_net_ops);
	if (err)
		destroy_workqueue(qbd_node_end_wq);
	return err;
}

/* No node is left: each one pins the module. */
void qbd_node_destroy(void)
{
	unregister_pernet_subsys(&qbd_net_ops);
	destroy_workqueue(qbd_node_end_wq);
}
