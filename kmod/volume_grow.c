// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: more of one while it is attached; see GROWTH in volume.h.
 *
 * A request is checked and taken here, in parts if need be; with its last part
 * the growth is under way, and belongs to life_work. A part that names another
 * size than those before, or a shard again, begins anew: who sent them has
 * gone, and nothing was started. One that is refused ends it.
 *
 * IN PHASES.
 *	1 the new shards are taken, their leaders get their memory, and the gate
 *	  knows of them. What fails here fails the growth, and all is as it was
 *	2 their leaders are started: now there is no way back in this term
 *	3 all are promised: the gate opens for them (S7)
 *	4 all serve: after a grace period (blk.c) the disk has the new size
 *
 * Context: process. node->config_mutex for what netlink brings; life_work.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>

#include "event.h"
#include "shard.h"
#include "volume.h"

/* --- what netlink calls ------------------------------------------------ */

static void qbd_volume_grow_forget(struct qbd_volume *vol)
{
	qbd_volume_sets_free(&vol->grow.sets);
	vol->grow.size_bytes = 0;
}

/* Only with a disk that is there to grow. */
static int __qbd_volume_grow_check_state(struct qbd_volume *vol,
					 struct qbd_refusal *why)
{
	qbd_assert_volume_locked(vol);
	if (vol->repair)
		return qbd_refuse(why, -EOPNOTSUPP, QBD_A_VOLUME_ID,
				  "it is led for repair: attach it first");
	switch (vol->state) {
	case QBD_VOLUME_STATE_SERVING:
	case QBD_VOLUME_STATE_SUSPENDED:
		return 0;
	case QBD_VOLUME_STATE_OPENING:
		return qbd_refuse(why, -EAGAIN, QBD_A_VOLUME_ID,
				  "the volume is being attached: try again");
	case QBD_VOLUME_STATE_DETACHING:
	case QBD_VOLUME_STATE_DETACHED:
		return qbd_refuse(why, -ESHUTDOWN, QBD_A_VOLUME_ID,
				  "the volume is being detached");
	case QBD_VOLUME_STATE_DEAD:
		break;
	}
	return qbd_refuse(why, -ESHUTDOWN, QBD_A_VOLUME_ID,
			  "the volume is dead: %s", vol->reason);
}

/* 1 if there is nothing to do: it has that size, or is growing to it. */
static int __qbd_volume_grow_check(struct qbd_volume *vol, u64 size_bytes,
				   struct qbd_refusal *why)
{
	int err;

	qbd_assert_volume_locked(vol);
	err = __qbd_volume_grow_check_state(vol, why);
	if (err)
		return err;
	if (vol->grow.complete && size_bytes != vol->grow.size_bytes)
		return qbd_refuse(why, -EBUSY, QBD_A_VOLUME_SIZE_BYTES,
				  "it is growing to %llu bytes already",
				  vol->grow.size_bytes);
	if (size_bytes < vol->size_bytes)
		return qbd_refuse(
			why, -EINVAL, QBD_A_VOLUME_SIZE_BYTES,
			"it has %llu bytes: a volume can't become smaller",
			vol->size_bytes);
	return vol->grow.complete || size_bytes == vol->size_bytes;
}

static int qbd_volume_grow_check(struct qbd_volume *vol,
				 const struct qbd_volume_spec *spec,
				 u32 *nr_shards, struct qbd_refusal *why)
{
	int err;

	if (vol->term != spec->term)
		return qbd_refuse(why, -ESTALE, QBD_A_VOLUME_TERM,
				  "it is attached here under term %llu",
				  vol->term);
	err = qbd_volume_size_check(spec->size_bytes, vol->shard_bytes,
				    nr_shards, why);
	if (err)
		return err;
	spin_lock(&vol->lock);
	err = __qbd_volume_grow_check(vol, spec->size_bytes, why);
	spin_unlock(&vol->lock);
	return err;
}

/* The last part has come: from here on it is life_work's. */
static int qbd_volume_grow_begin(struct qbd_volume *vol,
				 struct qbd_refusal *why)
{
	int err;

	spin_lock(&vol->lock);
	err = __qbd_volume_grow_check_state(vol, why);
	if (!err) {
		vol->grow.why = NULL;
		vol->grow.error = 0;
		vol->grow.nr_suspended = 0;
		vol->grow.complete = true;
	}
	spin_unlock(&vol->lock);
	if (!err)
		qbd_volume_life_kick(vol);
	return err;
}

static int qbd_volume_grow_part(struct qbd_volume *vol,
				const struct qbd_volume_spec *spec,
				u32 nr_shards, struct qbd_refusal *why)
{
	struct qbd_volume_growth *grow = &vol->grow;
	int err = 0;

	if (spec->size_bytes != grow->size_bytes ||
	    qbd_volume_sets_has(&grow->sets, spec)) {
		qbd_volume_grow_forget(vol);
		err = qbd_volume_sets_init(&grow->sets, vol->nr_shards,
					   nr_shards);
		grow->size_bytes = spec->size_bytes;
	}
	if (!err)
		err = qbd_volume_sets_add(vol, &grow->sets, spec, why);
	if (!err && !spec->more)
		err = qbd_volume_grow_begin(vol, why);
	if (err)
		qbd_volume_grow_forget(vol);
	return err;
}

/**
 * qbd_volume_enlarge() - let an attached volume grow
 * @node: the node
 * @spec: @id, @term of the attach, @size_bytes to be, the sets of the shards
 *	that are new with that size, or some of them and @more
 * @why: the reason if it is refused
 *
 * A size that the volume has, or is growing to, is fine: asking again does no
 * harm. Ends in a volume-size event.
 *
 * Return: 0 or negative errno.
 */
int qbd_volume_enlarge(struct qbd_node *node,
		       const struct qbd_volume_spec *spec,
		       struct qbd_refusal *why)
{
	/* who waits for the mutex may be what a volume waits for */
	unsigned int noio = memalloc_noio_save();
	struct qbd_volume *vol;
	u32 nr_shards;
	int err;

	mutex_lock(&node->config_mutex);
	vol = qbd_volume_find(node, spec->id);
	if (!vol) {
		err = qbd_refuse(
			why, -ENOENT, QBD_A_VOLUME_ID,
			"no such volume here: see 'qbdctl kernel volume list'");
		goto unlock;
	}
	err = qbd_volume_grow_check(vol, spec, &nr_shards, why);
	if (!err)
		err = qbd_volume_grow_part(vol, spec, nr_shards, why);
	else if (err > 0)
		err = 0;
	qbd_volume_put(vol);
unlock:
	mutex_unlock(&node->config_mutex);
	memalloc_noio_restore(noio);
	return err;
}

static bool __qbd_volume_serves(const struct qbd_volume *vol)
{
	qbd_assert_volume_locked(vol);
	return !vol->dead && (vol->state == QBD_VOLUME_STATE_SERVING ||
			      vol->state == QBD_VOLUME_STATE_SUSPENDED);
}

/* --- what others see --------------------------------------------------- */

/* For people: what does the growth wait for? @number: U32_MAX = for us. */
static void qbd_volume_grow_why(struct qbd_volume *vol, u32 number,
				struct qbd_volume_info *info)
{
	char *why = info->growing_reason;
	const size_t len = sizeof(info->growing_reason);
	struct qbd_shard *shard = NULL;

	if (number != U32_MAX)
		shard = qbd_volume_shard(vol, number);
	if (!shard) {
		strscpy(why, "the new shards are being opened", len);
		return;
	}
	if (!qbd_shard_opening_why(shard, why, len))
		scnprintf(why, len, "shard %u does not serve", number);
	qbd_shard_put(shard);
}

/**
 * qbd_volume_grow_info() - what the dump shows of a growth (V9)
 * @vol: the volume
 * @info: added to
 */
void qbd_volume_grow_info(struct qbd_volume *vol, struct qbd_volume_info *info)
{
	u32 number = U32_MAX;
	const char *why;
	u32 why_shard;
	int err;

	spin_lock(&vol->lock);
	if (vol->grow.complete && __qbd_volume_serves(vol))
		info->growing_bytes = vol->grow.size_bytes;
	if (qbd_volume_growing(&vol->gate))
		number = qbd_volume_waits_for(&vol->gate);
	why = vol->grow.why;
	why_shard = vol->grow.why_shard;
	err = vol->grow.error;
	spin_unlock(&vol->lock);
	if (!info->growing_bytes)
		return;
	info->growing_error = err;
	if (why)
		scnprintf(info->growing_reason, sizeof(info->growing_reason),
			  "shard %u: %s", why_shard, why);
	else
		qbd_volume_grow_why(vol, number, info);
}

/**
 * __qbd_volume_grow_term() - a new shard asks for another term
 * @vol: locked
 * @number: of the shard
 * @err: why, as QBD_ACT_NEED_TERM has it
 * @reason: the same for people
 *
 * A copy that is out of reach may come back, a set that is known in part only
 * may not come into force. But replicas keep the size that they have; and the
 * first reason of that kind is what has to be mended.
 */
void __qbd_volume_grow_term(struct qbd_volume *vol, u32 number, int err,
			    const char *reason)
{
	struct qbd_volume_growth *grow = &vol->grow;

	qbd_assert_volume_locked(vol);
	if (grow->error)
		return;
	grow->why = reason;
	grow->why_shard = number;
	if (err == -EFBIG || err == -ESTALE)
		grow->error = err;
}

static void __qbd_volume_size_event(struct qbd_volume *vol, int err,
				    const char *reason)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_VOLUME_SIZE,
		.state = vol->state,
		.volume = vol->id,
		.term = vol->term,
		.size_bytes = vol->size_bytes,
		.error = err,
		.reason = reason,
	};

	qbd_assert_volume_locked(vol);
	qbd_event_emit(vol->node, &notice);
}

/* --- in life_work ------------------------------------------------------ */

static const char *qbd_volume_grow_undo_reason(int err)
{
	switch (err) {
	case -ENOMEM:
		return "no memory for the new shards: ask again";
	case -ESHUTDOWN:
		return "the volume goes";
	default:
		return "the new shards could not be opened";
	}
}

/* It did not begin: as if nobody had asked. */
static void qbd_volume_grow_undo(struct qbd_volume *vol, int err)
{
	struct qbd_volume_growth *grow = &vol->grow;
	u32 first = grow->sets.first;

	qbd_volume_unuse_shards(vol, first, first + grow->sets.nr);
	qbd_volume_sets_free(&grow->sets);
	grow->started = false;
	spin_lock(&vol->lock);
	grow->size_bytes = 0;
	grow->complete = false;
	__qbd_volume_size_event(vol, err, qbd_volume_grow_undo_reason(err));
	spin_unlock(&vol->lock);
}

/* The gate knows of them: reports of their leaders may come. */
static int qbd_volume_grow_gate(struct qbd_volume *vol, u32 end)
{
	u8 *mem = kvzalloc(end, GFP_KERNEL);
	int err = -ESHUTDOWN;

	if (!mem)
		return -ENOMEM;
	spin_lock(&vol->lock);
	if (__qbd_volume_serves(vol))
		err = qbd_volume_grow(&vol->gate, end, mem);
	if (!err) {
		swap(vol->gate_mem, mem);
		WRITE_ONCE(vol->nr_led, end);
	}
	spin_unlock(&vol->lock);
	kvfree(mem);
	return err;
}

/* The leaders begin. Whoever stopped all shards meanwhile may miss these. */
static void qbd_volume_grow_lead(struct qbd_volume *vol, u32 first, u32 end)
{
	qbd_volume_lead_shards(vol, first, end);
	if (READ_ONCE(vol->dead))
		qbd_volume_step(vol, QBD_LEADER_STOP, first, end);
}

/* True if there are no new shards, so that there is nothing to wait for. */
static bool qbd_volume_grow_start(struct qbd_volume *vol)
{
	u32 first = vol->grow.sets.first;
	u32 end = first + vol->grow.sets.nr;
	int err;

	vol->grow.started = true;
	if (first == end)
		return true;
	err = qbd_volume_use_shards(vol, first, end);
	if (!err)
		err = qbd_volume_prepare_shards(vol, &vol->grow.sets);
	if (!err)
		err = qbd_volume_grow_gate(vol, end);
	if (err) {
		qbd_volume_grow_undo(vol, err);
		return false;
	}
	qbd_volume_sets_free(&vol->grow.sets);
	qbd_volume_grow_lead(vol, first, end);
	return false;
}

/* All that there shall be serves. */
static void qbd_volume_grow_end(struct qbd_volume *vol)
{
	/* who sees the new size finds the new shards: see blk.c */
	if (vol->nr_led != vol->nr_shards)
		synchronize_rcu();
	qbd_disk_resize(vol, vol->grow.size_bytes);
	qbd_volume_sets_free(&vol->grow.sets);
	vol->grow.started = false;
	spin_lock(&vol->lock);
	vol->size_bytes = vol->grow.size_bytes;
	WRITE_ONCE(vol->nr_shards, vol->nr_led);
	vol->nr_suspended += vol->grow.nr_suspended;
	vol->grow.nr_suspended = 0;
	vol->grow.size_bytes = 0;
	vol->grow.complete = false;
	__qbd_volume_size_event(vol, 0, NULL);
	__qbd_volume_quorum_update(vol);
	spin_unlock(&vol->lock);
}

/**
 * qbd_volume_life_grow() - go on with a growth
 * @vol: the volume
 *
 * Context: life_work.
 */
void qbd_volume_life_grow(struct qbd_volume *vol)
{
	bool grown = qbd_volume_todo(vol, QBD_VOLUME_DO_GROWN);
	unsigned int noio;
	bool due;

	spin_lock(&vol->lock);
	due = vol->grow.complete && __qbd_volume_serves(vol);
	spin_unlock(&vol->lock);
	if (!due)
		return;
	/* not by writing to this volume, which may be suspended */
	noio = memalloc_noio_save();
	if (!vol->grow.started)
		grown = qbd_volume_grow_start(vol);
	if (grown)
		qbd_volume_grow_end(vol);
	memalloc_noio_restore(noio);
}
