/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order of qbd's locks, and the names of its lock assertions.
 *
 * Locks are taken in the order of their rank, lowest first, and two of the
 * same rank never together.  Nothing that waits for I/O, for a peer or for
 * another object's end is done under any of them but CONFIG, and even there
 * never for I/O or peers.
 *
 *	CONFIG	node's configuration; netlink handlers
 *	NAMES	names of all attached volumes of this kernel
 *	VOLUME	spinlock around a volume's state and its gate
 *	SHARD	spinlock around a shard's FSMs, never held over I/O
 *	PEER	spinlock around the leases between two nodes and their links;
 *		only CONN and EVENT are taken under it
 *	STORES	spinlock of a node's list of stores
 *	STORE	spinlock around a store's core, never held over I/O
 *	WIRE	spinlocks of the loop transport
 *	CONN	spinlock around a connection's state and send queue
 *	EVENT	orders events; taken under any lock of a state, leaf
 *	POOL	free lists of payload pages; irq-safe, leaf
 *
 * SHARD and STORE are taken in process context only: a bio's end or a timer
 * queues work or wakes a thread.  POOL may be taken everywhere.
 */
#ifndef QBD_LOCKING_H
#define QBD_LOCKING_H

#include <linux/lockdep.h>
#include <linux/preempt.h>

enum qbd_lock_rank {
	QBD_RANK_CONFIG,
	QBD_RANK_NAMES,
	QBD_RANK_VOLUME,
	QBD_RANK_SHARD,
	QBD_RANK_PEER,
	QBD_RANK_STORES,
	QBD_RANK_STORE,
	QBD_RANK_WIRE,
	QBD_RANK_CONN,
	QBD_RANK_EVENT,
	QBD_RANK_POOL,
};

/**
 * qbd_assert_store_locked() - the caller holds the store's lock
 * @store: the store
 */
#define qbd_assert_store_locked(store) lockdep_assert_held(&(store)->lock)

/**
 * qbd_assert_shard_locked() - the caller holds the shard's lock
 * @shard: the shard
 */
#define qbd_assert_shard_locked(shard) lockdep_assert_held(&(shard)->lock)

/**
 * qbd_assert_volume_locked() - the caller holds the volume's lock
 * @vol: the volume
 */
#define qbd_assert_volume_locked(vol) lockdep_assert_held(&(vol)->lock)

/**
 * qbd_assert_config_locked() - the caller holds the node's configuration
 * @node: the node
 */
#define qbd_assert_config_locked(node) \
	lockdep_assert_held(&(node)->config_mutex)

/**
 * qbd_assert_process() - process context, where SHARD and STORE may be taken
 *
 * Not the same as "may sleep": callers may hold a lock of a lower rank.
 */
#define qbd_assert_process() WARN_ON_ONCE(in_hardirq() || in_serving_softirq())

#endif /* QBD_LOCKING_H */
