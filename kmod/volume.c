// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: their configuration, as netlink brings it, and what dumps show.
 *
 * Everything a request says is checked here before anything is changed; what
 * it starts runs in volume_life.c.
 *
 * Context: process, in the requester's task. node->config_mutex around all
 * changes; nothing waits for I/O, peers, or the block layer.
 */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "event.h"
#include "shard.h"
#include "shard_set.h"
#include "volume.h"

/* Names of all attached volumes: /dev/qbd/by-name is one for all nodes. */
static DEFINE_MUTEX(qbd_volume_names_mutex); /* rank QBD_RANK_NAMES */
static LIST_HEAD(qbd_volume_names);

/* Structs that exist: a dead disk's last opener may be slow to go. */
static atomic_t qbd_volume_nr = ATOMIC_INIT(0);

/* --- life of the struct ------------------------------------------------ */

/**
 * qbd_volume_module_exit() - wait for the last volume
 *
 * The block layer lets go of the module before it frees a disk that was open
 * when it died, so the reference of the opener is not enough.
 */
void qbd_volume_module_exit(void)
{
	wait_var_event(&qbd_volume_nr, !atomic_read(&qbd_volume_nr));
	synchronize_rcu();
}

static void qbd_volume_free(struct qbd_volume *vol)
{
	kvfree(vol->gate_mem);
	xa_destroy(&vol->shards);
	qbd_volume_sets_free(&vol->sets);
	qbd_volume_sets_free(&vol->grow.sets);
	kfree_rcu(vol, rcu);
	atomic_dec(&qbd_volume_nr);
	wake_up_var(&qbd_volume_nr);
}

void qbd_volume_get(struct qbd_volume *vol)
{
	refcount_inc(&vol->refs);
}

void qbd_volume_put(struct qbd_volume *vol)
{
	if (refcount_dec_and_test(&vol->refs))
		qbd_volume_free(vol);
}

/**
 * qbd_volume_find() - an attached volume
 * @node: the node
 * @id: volume id
 *
 * Return: the volume with a reference, NULL if there is none.
 */
struct qbd_volume *qbd_volume_find(struct qbd_node *node, u32 id)
{
	struct qbd_volume *vol;

	rcu_read_lock();
	vol = xa_load(&node->volumes, id);
	if (vol && !refcount_inc_not_zero(&vol->refs))
		vol = NULL;
	rcu_read_unlock();
	return vol;
}

/*
 * The name of @vol is taken now; false if another volume has it. Another node
 * of this kernel (they exist for trials) may have the same volume: it may be
 * about to find out that it was fenced.
 */
static bool qbd_volume_name_take(struct qbd_volume *vol)
{
	struct qbd_volume *other;
	bool ok = true;

	mutex_lock(&qbd_volume_names_mutex);
	list_for_each_entry(other, &qbd_volume_names, name_entry)
		if (!strcmp(other->name, vol->name) &&
		    (other->node == vol->node || other->id != vol->id))
			ok = false;
	if (ok)
		list_add(&vol->name_entry, &qbd_volume_names);
	mutex_unlock(&qbd_volume_names_mutex);
	return ok;
}

/**
 * qbd_volume_forget() - a volume is not attached any more
 * @vol: the volume; the reference of the node's table is used up
 */
void qbd_volume_forget(struct qbd_volume *vol)
{
	struct qbd_node *node = vol->node;

	mutex_lock(&qbd_volume_names_mutex);
	list_del(&vol->name_entry);
	mutex_unlock(&qbd_volume_names_mutex);
	xa_erase(&node->volumes, vol->id);
	atomic_dec(&node->nr_volumes);
	qbd_volume_put(vol);
	qbd_node_put(node);
}

/* --- checks ------------------------------------------------------------ */

static int qbd_volume_name_check(const char *name, struct qbd_refusal *why)
{
	if (qbd_node_name_ok(name))
		return 0;
	return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_NAME,
			  "a name is letters, digits, '.', '_', '-'");
}

/**
 * qbd_volume_size_check() - may a volume have this size?
 * @size_bytes: its size
 * @shard_bytes: size of its shards, a power of two
 * @nr_shards: how many it has then, if it may
 * @why: the reason if not
 *
 * Return: 0 or negative errno.
 */
int qbd_volume_size_check(u64 size_bytes, u64 shard_bytes, u32 *nr_shards,
			  struct qbd_refusal *why)
{
	u64 nr;

	if (!size_bytes || size_bytes % QBD_BLOCK_SIZE)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_SIZE_BYTES,
				  "not a multiple of 4096");
	/* DIV_ROUND_UP_ULL() would truncate the divisor */
	nr = ((size_bytes - 1) >> ilog2(shard_bytes)) + 1;
	if (nr > QBD_VOLUME_SHARDS_MAX)
		return qbd_refuse(why, -EFBIG, QBD_A_VOLUME_SIZE_BYTES,
				  "more than %u shards of this size",
				  QBD_VOLUME_SHARDS_MAX);
	*nr_shards = nr;
	return 0;
}

static int qbd_volume_spec_size_check(const struct qbd_volume_spec *spec,
				      struct qbd_refusal *why)
{
	u64 shard = spec->shard_bytes;
	u32 nr_shards;

	if (!is_power_of_2(shard) || shard < BIT_ULL(QBD_SHARD_SHIFT_MIN) ||
	    shard > BIT_ULL(QBD_SHARD_SHIFT_MAX))
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_SHARD_BYTES,
				  "not a power of two from 64M to 64G");
	return qbd_volume_size_check(spec->size_bytes, shard, &nr_shards, why);
}

static int qbd_volume_options_check(const struct qbd_volume_options *options,
				    struct qbd_refusal *why)
{
	if (options->on_no_quorum > QBD_ON_NO_QUORUM_ERROR)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_ON_NO_QUORUM,
				  "no such policy");
	if (options->read_policy > QBD_READ_POLICY_QUORUM)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_READ_POLICY,
				  "no such policy");
	if (options->no_quorum_ms > QBD_NO_QUORUM_MS_MAX)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_NO_QUORUM_MS,
				  "longer than %u ms", QBD_NO_QUORUM_MS_MAX);
	return 0;
}

static int qbd_volume_spec_check(const struct qbd_volume_spec *spec,
				 struct qbd_refusal *why)
{
	int err;

	err = qbd_volume_name_check(spec->name, why);
	if (!err)
		err = qbd_volume_spec_size_check(spec, why);
	if (!err)
		err = qbd_volume_options_check(&spec->options, why);
	return err;
}

/* --- attach ------------------------------------------------------------ */

static u64 qbd_volume_nonce(void)
{
	u64 nonce;

	do {
		nonce = get_random_u64();
	} while (!nonce);
	return nonce;
}

static struct qbd_volume *qbd_volume_alloc(struct qbd_node *node,
					   const struct qbd_volume_spec *spec)
{
	struct qbd_volume *vol = kzalloc(sizeof(*vol), GFP_KERNEL);

	if (!vol)
		return NULL;
	atomic_inc(&qbd_volume_nr);
	spin_lock_init(&vol->lock);
	refcount_set(&vol->refs, 1);
	vol->node = node;
	vol->id = spec->id;
	strscpy(vol->name, spec->name);
	vol->size_bytes = spec->size_bytes;
	vol->shard_bytes = spec->shard_bytes;
	vol->shard_shift = ilog2(spec->shard_bytes / QBD_BLOCK_SIZE);
	vol->nr_shards =
		((spec->size_bytes - 1) >> ilog2(spec->shard_bytes)) + 1;
	vol->nr_led = vol->nr_shards;
	xa_init(&vol->shards);
	vol->term = spec->term;
	vol->nonce = qbd_volume_nonce();
	vol->repair = spec->repair;
	vol->options = spec->options;
	if (!vol->options.no_quorum_ms)
		vol->options.no_quorum_ms = QBD_NO_QUORUM_MS_DEFAULT;
	vol->state = QBD_VOLUME_STATE_OPENING;
	vol->index = -1;
	qbd_volume_life_init(vol);
	vol->gate_mem = kvzalloc(vol->nr_shards, GFP_KERNEL);
	if (qbd_volume_sets_init(&vol->sets, 0, vol->nr_shards) ||
	    !vol->gate_mem) {
		qbd_volume_free(vol);
		return NULL;
	}
	qbd_volume_init(&vol->gate, vol->nr_shards, vol->gate_mem);
	return vol;
}

/* Check and make a volume; it is not in any table yet. */
static struct qbd_volume *qbd_volume_make(struct qbd_node *node,
					  const struct qbd_volume_spec *spec,
					  struct qbd_refusal *why)
{
	struct qbd_volume *vol;
	int err;

	err = qbd_volume_spec_check(spec, why);
	if (err)
		return ERR_PTR(err);
	vol = qbd_volume_alloc(node, spec);
	if (!vol)
		return ERR_PTR(-ENOMEM);
	err = qbd_volume_sets_add(vol, &vol->sets, spec, why);
	if (err) {
		qbd_volume_free(vol);
		return ERR_PTR(err);
	}
	return vol;
}

static int qbd_volume_add(struct qbd_node *node, struct qbd_volume *vol,
			  struct qbd_refusal *why)
{
	int err;

	if (!qbd_volume_name_take(vol))
		return qbd_refuse(
			why, -EEXIST, QBD_A_VOLUME_NAME,
			"another volume has this name here: take another");
	qbd_node_get(node);
	atomic_inc(&node->nr_volumes);
	err = xa_insert(&node->volumes, vol->id, vol, GFP_KERNEL);
	if (!err)
		return 0;
	qbd_volume_get(vol);
	qbd_volume_forget(vol);
	return err;
}

static int qbd_volume_attach_new(struct qbd_node *node,
				 const struct qbd_volume_spec *spec,
				 struct qbd_refusal *why)
{
	struct qbd_volume *vol;
	int err;

	vol = qbd_volume_make(node, spec, why);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	err = qbd_volume_add(node, vol, why);
	if (err) {
		qbd_volume_free(vol);
		return err;
	}
	if (!spec->more) {
		vol->complete = true;
		qbd_volume_life_kick(vol);
	}
	return 0;
}

static int qbd_volume_attach_more(struct qbd_volume *vol,
				  const struct qbd_volume_spec *spec,
				  struct qbd_refusal *why)
{
	int err;

	if (vol->complete)
		return qbd_refuse(why, -EBUSY, QBD_A_VOLUME_ID,
				  "the volume is attached here already");
	if (spec->term != vol->term)
		return qbd_refuse(why, -EBUSY, QBD_A_VOLUME_TERM,
				  "the first part named term %llu", vol->term);
	err = qbd_volume_sets_add(vol, &vol->sets, spec, why);
	if (err || spec->more)
		return err;
	vol->complete = true;
	qbd_volume_life_kick(vol);
	return 0;
}

/**
 * qbd_volume_attach() - attach a volume, or hand over a part of its shards
 * @node: the node
 * @spec: what and how
 * @why: the reason if it is refused
 *
 * With the last part the attach begins. It ends in a volume-state event:
 * SERVING, or DETACHED with a reason.
 *
 * Return: 0 or negative errno.
 */
int qbd_volume_attach(struct qbd_node *node, const struct qbd_volume_spec *spec,
		      struct qbd_refusal *why)
{
	struct qbd_volume *vol;
	int err;

	if (!spec->id)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_ID,
				  "volume ids begin with 1");
	if (!spec->term)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_TERM,
				  "terms begin with 1");
	if (spec->term > QBD_TERM_MAX)
		return qbd_refuse(why, -ERANGE, QBD_A_VOLUME_TERM,
				  "terms end at %llu", (u64)QBD_TERM_MAX);
	mutex_lock(&node->config_mutex);
	if (node->state != QBD_NODE_STATE_RUNNING) {
		err = qbd_refuse(why, -ESHUTDOWN, 0, "the node is ending");
		goto unlock;
	}
	vol = qbd_volume_find(node, spec->id);
	if (vol) {
		err = qbd_volume_attach_more(vol, spec, why);
		qbd_volume_put(vol);
	} else {
		err = qbd_volume_attach_new(node, spec, why);
	}
unlock:
	mutex_unlock(&node->config_mutex);
	return err;
}

/* --- detach, set ------------------------------------------------------- */

static int qbd_volume_detach_plain(struct qbd_volume *vol,
				   struct qbd_refusal *why)
{
	int err = 0;

	spin_lock(&vol->lock);
	if (vol->state == QBD_VOLUME_STATE_DEAD)
		vol->remove = true;
	else if (vol->state == QBD_VOLUME_STATE_DETACHING)
		err = qbd_refuse(why, -EALREADY, QBD_A_VOLUME_ID,
				 "the volume is being detached already");
	else if (vol->nr_open)
		err = qbd_refuse(
			why, -EBUSY, QBD_A_VOLUME_ID,
			"the volume is in use (%s is open): close it first",
			vol->device);
	else
		__qbd_volume_state_set(vol, QBD_VOLUME_STATE_DETACHING, NULL);
	spin_unlock(&vol->lock);
	return err;
}

/**
 * qbd_volume_detach() - remove a volume's block device and release its term
 * @node: the node
 * @id: volume id
 * @force: end all I/O with errors, now, whatever is stuck or open
 * @why: the reason if it is refused
 *
 * Ends in a volume-state event DETACHED, or in one that says it is in use.
 *
 * Return: 0 or negative errno.
 */
int qbd_volume_detach(struct qbd_node *node, u32 id, bool force,
		      struct qbd_refusal *why)
{
	struct qbd_volume *vol = qbd_volume_find(node, id);
	int err = 0;

	if (!vol)
		return qbd_refuse(
			why, -ENOENT, QBD_A_VOLUME_ID,
			"no such volume here: see 'qbdctl kernel volume list'");
	if (force)
		qbd_volume_kill(vol, true, "forced detach");
	else
		err = qbd_volume_detach_plain(vol, why);
	if (!err)
		qbd_volume_life_kick(vol);
	qbd_volume_put(vol);
	return err;
}

/**
 * qbd_volume_devices() - does the node have a volume that somebody may use?
 * @node: the node
 *
 * What is led for repair is no reason to stay.
 *
 * Return: true if so.
 */
bool qbd_volume_devices(struct qbd_node *node)
{
	struct qbd_volume *vol;
	unsigned long id = 0;
	bool repair = true;

	while (repair && (vol = qbd_node_volume_next(node, &id))) {
		repair = vol->repair;
		qbd_volume_put(vol);
		id++;
	}
	return !repair;
}

/**
 * qbd_volume_crash_all() - end all volumes at once, as a power cut would
 * @node: the node
 * @reason: why, for people
 */
void qbd_volume_crash_all(struct qbd_node *node, const char *reason)
{
	struct qbd_volume *vol;
	unsigned long id = 0;

	while ((vol = qbd_node_volume_next(node, &id))) {
		qbd_volume_kill(vol, true, reason);
		qbd_volume_life_kick(vol);
		qbd_volume_put(vol);
		id++;
	}
}

/**
 * qbd_volume_set() - change options of an attached volume
 * @node: the node
 * @id: volume id
 * @options: all of them; @read_policy is fixed at attach
 * @why: the reason if it is refused
 *
 * Return: 0 or negative errno.
 */
int qbd_volume_set(struct qbd_node *node, u32 id,
		   const struct qbd_volume_options *options,
		   struct qbd_refusal *why)
{
	struct qbd_volume *vol;
	int err;

	err = qbd_volume_options_check(options, why);
	if (err)
		return err;
	vol = qbd_volume_find(node, id);
	if (!vol)
		return qbd_refuse(
			why, -ENOENT, QBD_A_VOLUME_ID,
			"no such volume here: see 'qbdctl kernel volume list'");
	spin_lock(&vol->lock);
	/*
	 * It was attached again since the caller looked. No attribute: requests
	 * of this verb have none for it, and no room for its number.
	 */
	if (options->read_policy != vol->options.read_policy)
		err = qbd_refuse(
			why, -EBUSY, 0,
			"fixed while attached: detach the volume first");
	else
		vol->options = *options;
	if (!vol->options.no_quorum_ms)
		vol->options.no_quorum_ms = QBD_NO_QUORUM_MS_DEFAULT;
	if (!err)
		__qbd_disk_timeout_update(vol);
	spin_unlock(&vol->lock);
	qbd_volume_put(vol);
	return err;
}

static int qbd_volume_shard_config(struct qbd_volume *vol,
				   const struct qbd_set_spec *set,
				   struct qbd_refusal *why)
{
	u32 nr = READ_ONCE(vol->nr_led);
	struct qbd_shard *shard;
	int err;

	if (set->number >= nr)
		return qbd_refuse(why, -ERANGE, QBD_A_VOLUME_SHARD,
				  "shard %u: the volume has %u", set->number,
				  nr);
	shard = qbd_shard_find(vol->node, vol->id, set->number);
	if (!shard)
		return qbd_refuse(why, -EAGAIN, QBD_A_VOLUME_SHARD,
				  "shard %u: is not open yet: try again",
				  set->number);
	err = qbd_shard_config(shard, vol, set, why);
	qbd_shard_put(shard);
	return err;
}

/**
 * qbd_volume_config() - change the replica set of a shard
 * @node: the node
 * @id: volume id
 * @term: term that the volume has to be attached under
 * @set: the set that consensus wants for one shard
 * @why: the reason if it is refused
 *
 * Return: 0 or negative errno; how it ends is an event.
 */
int qbd_volume_config(struct qbd_node *node, u32 id, u64 term,
		      const struct qbd_set_spec *set, struct qbd_refusal *why)
{
	struct qbd_volume *vol = qbd_volume_find(node, id);
	int err;

	if (!vol)
		return qbd_refuse(
			why, -ENOENT, QBD_A_VOLUME_ID,
			"no such volume here: see 'qbdctl kernel volume list'");
	if (vol->term != term)
		err = qbd_refuse(why, -ESTALE, QBD_A_VOLUME_TERM,
				 "it is attached here under term %llu",
				 vol->term);
	else
		err = qbd_volume_shard_config(vol, set, why);
	qbd_volume_put(vol);
	return err;
}

/* --- what others see --------------------------------------------------- */

/**
 * qbd_volume_info_get() - what the dump shows
 * @vol: the volume
 * @info: filled in
 */
void qbd_volume_info_get(struct qbd_volume *vol, struct qbd_volume_info *info)
{
	struct qbd_shard_counts counts = {};
	bool opening;
	u32 i;

	memset(info, 0, sizeof(*info));
	info->id = vol->id;
	strscpy(info->name, vol->name);
	info->shard_bytes = vol->shard_bytes;
	info->term = vol->term;
	info->repair = vol->repair;
	spin_lock(&vol->lock);
	info->size_bytes = vol->size_bytes;
	info->shards = vol->nr_shards;
	info->state = vol->state;
	info->options = vol->options;
	/* one that does not serve yet may be suspended, too */
	info->shards_serving = min(vol->gate.nr[1], vol->nr_shards);
	info->shards_serving -= min(info->shards_serving, vol->nr_suspended);
	strscpy(info->device, vol->device);
	strscpy(info->reason, vol->reason);
	spin_unlock(&vol->lock);
	opening = info->state == QBD_VOLUME_STATE_OPENING;
	for (i = 0; i < info->shards; i++) {
		struct qbd_shard *shard = qbd_volume_shard(vol, i);

		if (!shard)
			continue;
		qbd_shard_counts_add(shard, &counts);
		if (opening && qbd_shard_opening_why(shard, info->reason,
						     sizeof(info->reason)))
			opening = false; /* one reason will do */
		qbd_shard_put(shard);
	}
	info->inflight = counts.inflight;
	info->held = counts.held;
	info->reads = counts.reads;
	info->writes = counts.writes;
	qbd_volume_grow_info(vol, info);
}
