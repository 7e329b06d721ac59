/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A volume that is attached to this node: the block device and its shards.
 *
 * LIFE. qbd_volume_attach() makes it, in one request or in parts when there
 * are many shards; with the last part all shards are opened under the term.
 * When each of them serves, a work item adds the disk. A detach removes the
 * disk, releases the term and forgets the volume. One state, changed only by
 * __qbd_volume_state_set() through a table of the changes that are allowed:
 *
 *	OPENING    shards open; from the last shard on the disk is being added
 *	SERVING    the disk is there and all shards serve
 *	SUSPENDED  the disk is there, some shard has no quorum
 *	DETACHING  the disk is being removed
 *	DEAD       I/O fails: forced detach, a higher term, a crash of the node
 *	DETACHED   gone; only in events and in the hands of late readers
 *
 *	volume.c	configuration: what netlink calls, dumps
 *	volume_sets.c	replica sets of shards, as they come in parts
 *	volume_life.c	states, the gate over the shards, start and end
 *	volume_grow.c	more of it while it is attached
 *	disk.c		the gendisk
 *	blk.c		requests
 *
 * GROWTH. All shards have the same size, the volume ends within the last one;
 * so a larger volume needs more capacity there, and more shards. New shards are
 * led under the same term and nonce. The others go on, and so does the disk
 * with its old size until all new ones serve. A leader is never started twice
 * under a term (S2), nor is a shard left out again: so all that may fail is
 * done before the first one starts, and undone if it does. A growth that this
 * term can't finish stays as it is, and ends with an attach of the new size.
 * For consensus (as yet: the administrator) has decided on that size before
 * this kernel hears of it, and names it to whoever attaches next. Else this
 * holder could complete a late write on a shard that its successor did not
 * fence (S7).
 *
 * FORCED DETACH ends all requests within a bounded time, whatever is stuck:
 * it takes only the locks of volume and shards, ends what is held in qbd's
 * own lists and never waits for an I/O; see qbd_volume_kill().
 *
 * References to struct qbd_volume: the node's table; the gendisk until its
 * last opener has gone; its work item while queued; callers of
 * qbd_volume_find().
 */
#ifndef QBD_VOLUME_H
#define QBD_VOLUME_H

#include <linux/blk-mq.h>
#include <linux/llist.h>
#include <linux/qbd.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "core/leader.h"
#include "core/step.h"
#include "core/volume.h"
#include "node.h"
#include "refusal.h"
#include "volume_sets.h"

struct qbd_shard;

/**
 * struct qbd_volume_options - what may be changed while a volume is attached
 * @on_no_quorum: suspend or fail I/O without quorum
 * @no_quorum_ms: with QBD_ON_NO_QUORUM_ERROR, how long I/O waits; 0 takes the
 *	default
 * @read_policy: how a read makes sure that it is not stale
 */
struct qbd_volume_options {
	enum qbd_on_no_quorum on_no_quorum;
	u32 no_quorum_ms;
	enum qbd_read_policy read_policy;
};

/**
 * struct qbd_volume_spec - a volume to be attached, or to grow, or a part of it
 * @id: volume id, not 0
 * @name: unique among all volumes that this kernel has attached
 * @size_bytes: size, a multiple of the block size
 * @shard_bytes: size of each shard, a power of two
 * @term: granted by consensus for this attach, not 0
 * @options: see struct qbd_volume_options
 * @repair: without a device, for repair
 * @more: further shards follow in requests with the same id and term; only @id,
 *	@term, @sets and @more count in these, and @size_bytes of a growth
 * @nr_sets: number of @sets
 * @sets: replica sets of shards, each shard once in all parts together
 */
struct qbd_volume_spec {
	u32 id;
	char name[QBD_NAME_MAX + 1];
	u64 size_bytes;
	u64 shard_bytes;
	u64 term;
	struct qbd_volume_options options;
	bool repair;
	bool more;
	u32 nr_sets;
	const struct qbd_set_spec *sets;
};

/**
 * struct qbd_volume_info - what the dump shows
 * @state: see the top of this file
 * @options: as set
 * @id: volume id
 * @name: volume name
 * @size_bytes: size
 * @shard_bytes: size of a shard
 * @term: term of this attach
 * @repair: it has no device, it is led for repair
 * @shards: number of shards
 * @shards_serving: how many of them serve
 * @inflight: requests that the block layer has given us
 * @held: of these, waiting for a quorum, for room or for a shard
 * @reads: reads completed since attach
 * @writes: writes, discards and flushes completed since attach
 * @device: name of the block device, empty if there is none
 * @reason: why it does not serve, empty if it does
 * @growing_bytes: size that it is growing to, 0 = it is not growing
 * @growing_reason: what the growth waits for
 * @growing_error: negative errno if this term will not get there
 */
struct qbd_volume_info {
	enum qbd_volume_state state;
	struct qbd_volume_options options;
	u32 id;
	char name[QBD_NAME_MAX + 1];
	u64 size_bytes;
	u64 shard_bytes;
	u64 term;
	bool repair;
	u32 shards;
	u32 shards_serving;
	u32 inflight;
	u32 held;
	u64 reads;
	u64 writes;
	char device[DISK_NAME_LEN];
	char reason[NETLINK_MAX_FMTMSG_LEN];
	u64 growing_bytes;
	char growing_reason[NETLINK_MAX_FMTMSG_LEN];
	int growing_error;
};

/**
 * struct qbd_volume - see the top of this file
 * @lock: rank QBD_RANK_VOLUME
 * @refs: see the top of this file [atomic]
 * @node: our node, referenced until DETACHED [const]
 * @id: volume id [const]
 * @name: volume name [const]
 * @name_entry: in the list of all names [own mutex]
 * @size_bytes: size that others see [lock]
 * @shard_bytes: size of a shard [const]
 * @shard_shift: blocks of a shard, log2 [const]
 * @nr_shards: number of shards of that size [lock; READ_ONCE ok]
 * @nr_led: these, and those that a growth adds [lock; READ_ONCE ok]
 * @term: term of this attach [const]
 * @nonce: session nonce of this attach [const]
 * @repair: it is led without a device, see volume_life.c [const]
 * @options: see there [lock; READ_ONCE ok]
 * @shards: the first @nr_led, see blk.c [rcu: life_work]
 * @sets: replica sets until the start [config_mutex, then life_work]
 * @grow: see there [as each field says]
 * @complete: the last part has come [config_mutex, then const]
 * @started: leaders were started [owner: life_work]
 * @releasing: leaders were told to release [owner: life_work]
 * @gate: may I/O begin? [lock]
 * @gate_mem: memory of @gate [lock]
 * @todo: QBD_VOLUME_DO_*, for the two work items [lock]
 * @nr_suspended: shards without quorum [lock]
 * @state: see the top of this file [lock; READ_ONCE ok]
 * @added: the disk is there for all to see [lock]
 * @remove: it is DEAD and shall go [lock]
 * @finished: the shards are being let go, no work item begins [lock]
 * @dead: no request is taken any more [lock; READ_ONCE ok]
 * @reason: why it is dead or suspended [lock]
 * @gate_work: steps all shards when the gate says so [atomic]
 * @life_work: adds and removes the disk, starts and stops shards [atomic]
 * @disk: the block device, NULL if there is none [owner: life_work]
 * @device: its name [lock]
 * @index: its number, -1 = none [owner: life_work]
 * @nr_open: openers of the block device [lock]
 * @tags: of the block device [owner: life_work]
 * @next_id: number of the next request [atomic]
 * @corked: shards to be uncorked, see blk.c [atomic]
 * @rcu: to free it [rcu]
 */
struct qbd_volume {
	spinlock_t lock; /* rank VOLUME */
	refcount_t refs;
	struct qbd_node *node;
	u32 id;
	char name[QBD_NAME_MAX + 1];
	struct list_head name_entry;
	u64 size_bytes;
	u64 shard_bytes;
	u32 shard_shift;
	u32 nr_shards;
	u32 nr_led;
	u64 term;
	u64 nonce;
	bool repair;
	struct qbd_volume_options options;
	struct xarray shards;
	struct qbd_volume_sets sets;
	struct qbd_volume_growth grow;
	bool complete;
	bool started;
	bool releasing;
	struct qbd_volume_core gate;
	u8 *gate_mem;
	u32 todo;
	u32 nr_suspended;
	enum qbd_volume_state state;
	bool added;
	bool remove;
	bool finished;
	bool dead;
	char reason[NETLINK_MAX_FMTMSG_LEN];
	struct work_struct gate_work;
	struct work_struct life_work;
	struct gendisk *disk;
	char device[DISK_NAME_LEN];
	int index;
	u32 nr_open;
	struct blk_mq_tag_set tags;
	atomic64_t next_id;
	struct llist_head corked;
	struct rcu_head rcu;
};

/* volume.c: the module; what netlink calls */
void qbd_volume_module_exit(void);
int qbd_volume_attach(struct qbd_node *node, const struct qbd_volume_spec *spec,
		      struct qbd_refusal *why);
int qbd_volume_detach(struct qbd_node *node, u32 id, bool force,
		      struct qbd_refusal *why);
int qbd_volume_config(struct qbd_node *node, u32 id, u64 term,
		      const struct qbd_set_spec *set, struct qbd_refusal *why);
int qbd_volume_set(struct qbd_node *node, u32 id,
		   const struct qbd_volume_options *options,
		   struct qbd_refusal *why);
int qbd_volume_size_check(u64 size_bytes, u64 shard_bytes, u32 *nr_shards,
			  struct qbd_refusal *why);
void qbd_volume_info_get(struct qbd_volume *vol, struct qbd_volume_info *info);
struct qbd_volume *qbd_volume_find(struct qbd_node *node, u32 id);
void qbd_volume_get(struct qbd_volume *vol);
void qbd_volume_put(struct qbd_volume *vol);
void qbd_volume_crash_all(struct qbd_node *node, const char *reason);
bool qbd_volume_devices(struct qbd_node *node);
void qbd_volume_forget(struct qbd_volume *vol);

/* volume_life.c: states, gate, start and end */
void qbd_volume_life_init(struct qbd_volume *vol);
void qbd_volume_life_kick(struct qbd_volume *vol);
bool __qbd_volume_state_set(struct qbd_volume *vol, enum qbd_volume_state state,
			    const char *reason);
void qbd_volume_kill(struct qbd_volume *vol, bool remove, const char *reason);
void qbd_volume_kill_shards(struct qbd_volume *vol);
struct qbd_shard *qbd_volume_shard(struct qbd_volume *vol, u32 number);
void qbd_volume_report(struct qbd_volume *vol, struct qbd_shard *shard,
		       const struct qbd_action *act);
void __qbd_volume_quorum_update(struct qbd_volume *vol);
bool qbd_volume_todo(struct qbd_volume *vol, u32 bit);
void qbd_volume_step(struct qbd_volume *vol, enum qbd_leader_event_kind kind,
		     u32 first, u32 end);
int qbd_volume_use_shards(struct qbd_volume *vol, u32 first, u32 end);
void qbd_volume_unuse_shards(struct qbd_volume *vol, u32 first, u32 end);
int qbd_volume_prepare_shards(struct qbd_volume *vol,
			      const struct qbd_volume_sets *sets);
void qbd_volume_lead_shards(struct qbd_volume *vol, u32 first, u32 end);

/* volume_grow.c: more of it while it is attached */
int qbd_volume_enlarge(struct qbd_node *node,
		       const struct qbd_volume_spec *spec,
		       struct qbd_refusal *why);
void __qbd_volume_grow_term(struct qbd_volume *vol, u32 number, int err,
			    const char *reason);
void qbd_volume_grow_info(struct qbd_volume *vol, struct qbd_volume_info *info);
void qbd_volume_life_grow(struct qbd_volume *vol);

/* disk.c: the gendisk */
int qbd_disk_add(struct qbd_volume *vol);
void qbd_disk_resize(struct qbd_volume *vol, u64 size_bytes);
void qbd_disk_remove(struct qbd_volume *vol, bool dead);
bool qbd_disk_is_ours(const struct gendisk *disk);
void __qbd_disk_timeout_update(struct qbd_volume *vol);

/* blk.c, sysfs.c */
void qbd_blk_uncork(struct qbd_volume *vol);
extern const struct blk_mq_ops qbd_blk_ops;
extern const struct attribute_group *qbd_sysfs_disk_groups[];

#endif /* QBD_VOLUME_H */
