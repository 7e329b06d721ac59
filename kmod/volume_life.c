// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: states, the gate over the shards, start and end.
 *
 * REPAIR. A volume may be led without a device, so that copies are filled and
 * sets are changed while nobody uses it (protocol S16). Its shards serve
 * nobody; the gate counts them as serving once they are recovered. They are
 * granted no lease, so whoever attaches the volume under a higher term waits
 * for nothing; fenced, it goes at once, as there is nobody who could have it
 * open. It keeps no node from being stopped, and does not grow: who wants that
 * ends it and begins anew.
 *
 * Two work items. gate_work steps all shards when the gate says so; it is part
 * of the I/O path and waits for nothing. life_work starts the leaders, adds
 * the disk, removes it and stops the leaders; it may wait: device_add_disk()
 * reads, del_gendisk() drains. So it never stands between a forced detach and
 * the requests: qbd_volume_kill() ends those from the outside, with the locks
 * of volume and shards alone, and that lets life_work go on.
 *
 * END IN PHASES.
 *	1 no opener, no request is let in any more (state, shard->dead)
 *	2 the disk goes; requests in flight end first, by themselves (detach)
 *	  or in qbd_volume_kill() (forced, twice: once more after the block
 *	  layer was told, for what file systems wrote then)
 *	3 detach: the leaders release the term, drained
 *	4 the leaders stop; the shards forget us
 *	5 DETACHED: out of the tables, the node may end
 *	  The struct lives until the last opener of the dead disk has gone.
 */
#include "event.h"
#include "shard.h"
#include "trace.h"
#include "volume.h"

/* What the gate wants done, by the work item that does it. */
#define QBD_VOLUME_GATE_TODO (QBD_VOLUME_DO_GATE | QBD_VOLUME_DO_STOP)
#define QBD_VOLUME_LIFE_TODO \
	(QBD_VOLUME_DO_SERVED | QBD_VOLUME_DO_DETACHED | QBD_VOLUME_DO_GROWN)

/* --- states ------------------------------------------------------------ */

/* clang-format off */
static const u8 qbd_volume_next[] = {
	[QBD_VOLUME_STATE_OPENING]	= BIT(QBD_VOLUME_STATE_SERVING) |
					  BIT(QBD_VOLUME_STATE_SUSPENDED) |
					  BIT(QBD_VOLUME_STATE_DETACHING) |
					  BIT(QBD_VOLUME_STATE_DEAD),
	[QBD_VOLUME_STATE_SERVING]	= BIT(QBD_VOLUME_STATE_SUSPENDED) |
					  BIT(QBD_VOLUME_STATE_DETACHING) |
					  BIT(QBD_VOLUME_STATE_DEAD),
	[QBD_VOLUME_STATE_SUSPENDED]	= BIT(QBD_VOLUME_STATE_SERVING) |
					  BIT(QBD_VOLUME_STATE_DETACHING) |
					  BIT(QBD_VOLUME_STATE_DEAD),
	[QBD_VOLUME_STATE_DETACHING]	= BIT(QBD_VOLUME_STATE_DETACHED) |
					  BIT(QBD_VOLUME_STATE_DEAD),
	[QBD_VOLUME_STATE_DEAD]		= BIT(QBD_VOLUME_STATE_DETACHED),
	[QBD_VOLUME_STATE_DETACHED]	= 0,
};

/* clang-format on */

/**
 * __qbd_volume_state_set() - the only place where a volume's state changes
 * @vol: locked
 * @state: the new one
 * @reason: why, NULL if it speaks for itself
 *
 * Return: false if there is no way from the old one: nothing has changed.
 */
bool __qbd_volume_state_set(struct qbd_volume *vol, enum qbd_volume_state state,
			    const char *reason)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_VOLUME_STATE,
		.state = state,
		.volume = vol->id,
		.term = vol->term,
	};

	qbd_assert_volume_locked(vol);
	if (!(qbd_volume_next[vol->state] & BIT(state)))
		return false;
	trace_qbd_volume_state(vol->id, vol->term, vol->state, state);
	WRITE_ONCE(vol->state, state);
	if (reason)
		strscpy(vol->reason, reason);
	else if (state == QBD_VOLUME_STATE_SERVING)
		vol->reason[0] = '\0';
	if (vol->reason[0])
		notice.reason = vol->reason;
	qbd_event_emit(vol->node, &notice);
	return true;
}

/**
 * __qbd_volume_quorum_update() - SERVING or SUSPENDED, as the shards have it
 * @vol: locked; nothing happens before the disk is there
 */
void __qbd_volume_quorum_update(struct qbd_volume *vol)
{
	qbd_assert_volume_locked(vol);
	if (!vol->added)
		return;
	if (vol->nr_suspended)
		__qbd_volume_state_set(vol, QBD_VOLUME_STATE_SUSPENDED,
				       "a shard has no quorum");
	else
		__qbd_volume_state_set(vol, QBD_VOLUME_STATE_SERVING, NULL);
}

/* --- work items, shards ------------------------------------------------ */

static void qbd_volume_gate_kick(struct qbd_volume *vol)
{
	spin_lock(&vol->lock);
	if (vol->todo & QBD_VOLUME_GATE_TODO && !vol->finished) {
		qbd_volume_get(vol);
		if (!queue_work(vol->node->io_wq, &vol->gate_work))
			refcount_dec(&vol->refs);
	}
	spin_unlock(&vol->lock);
}

/**
 * qbd_volume_life_kick() - there may be something for life_work
 * @vol: the volume
 */
void qbd_volume_life_kick(struct qbd_volume *vol)
{
	spin_lock(&vol->lock);
	if (!vol->finished) {
		qbd_volume_get(vol);
		if (!queue_work(vol->node->wq, &vol->life_work))
			refcount_dec(&vol->refs);
	}
	spin_unlock(&vol->lock);
}

/**
 * qbd_volume_shard() - a shard of a volume that may be going
 * @vol: the volume
 * @number: of the shard
 *
 * Return: the shard with a reference; NULL before the start and at the end.
 */
struct qbd_shard *qbd_volume_shard(struct qbd_volume *vol, u32 number)
{
	struct qbd_shard *shard;

	spin_lock(&vol->lock);
	shard = xa_load(&vol->shards, number);
	if (shard)
		qbd_shard_get(shard);
	spin_unlock(&vol->lock);
	return shard;
}

/* --- forced end -------------------------------------------------------- */

/**
 * qbd_volume_kill_shards() - end all requests now
 * @vol: the volume
 */
void qbd_volume_kill_shards(struct qbd_volume *vol)
{
	u32 i;

	for (i = 0; i < READ_ONCE(vol->nr_led); i++) {
		struct qbd_shard *shard = qbd_volume_shard(vol, i);

		if (!shard)
			continue;
		qbd_shard_kill(shard, vol);
		qbd_shard_put(shard);
	}
}

/**
 * qbd_volume_kill() - all I/O fails from now on
 * @vol: the volume
 * @remove: it shall go, too; for that kick life_work
 * @reason: why
 *
 * Spinlocks of volume and shards only: no limits_lock, open_mutex, sysfs_lock,
 * no freeze of the queue; a frozen queue waits for just these requests.
 */
void qbd_volume_kill(struct qbd_volume *vol, bool remove, const char *reason)
{
	spin_lock(&vol->lock);
	WRITE_ONCE(vol->dead, true);
	if (remove)
		vol->remove = true;
	__qbd_volume_state_set(vol, QBD_VOLUME_STATE_DEAD, reason);
	spin_unlock(&vol->lock);
	qbd_volume_kill_shards(vol);
}

/* --- what shards report ------------------------------------------------ */

static void __qbd_volume_suspended(struct qbd_volume *vol,
				   struct qbd_shard *shard, bool suspended)
{
	qbd_assert_volume_locked(vol);
	if (shard->suspended == suspended)
		return;
	shard->suspended = suspended;
	if (shard->key.shard >= vol->nr_shards) {
		/* nobody knows of it yet: no reason to suspend the others */
		vol->grow.nr_suspended += suspended ? 1 : -1;
		return;
	}
	vol->nr_suspended += suspended ? 1 : -1;
	__qbd_volume_quorum_update(vol);
}

static const char *qbd_volume_term_reason(int err)
{
	switch (err) {
	case -ESTALE:
		return "this term was used before: a new one is needed";
	case -ENODATA:
		return "the newest history is out of reach";
	case -EAGAIN:
		return "the replica sets are out of date";
	case -EFBIG:
		return "its replicas have another size: see 'replica list'";
	default:
		return "this term will not get anywhere";
	}
}

static void __qbd_volume_term_event(struct qbd_volume *vol,
				    struct qbd_shard *shard,
				    const struct qbd_action *act,
				    const char *reason)
{
	struct qbd_notice notice = {
		.kind = act->kind == QBD_ACT_TERM_LOST ?
				QBD_EVENT_KIND_TERM_LOST :
				QBD_EVENT_KIND_TERM_NEEDED,
		.state = vol->state,
		.volume = vol->id,
		.shard = shard->key.shard,
		.has_shard = true,
		.term = act->term,
		.error = act->err,
		.reason = reason,
	};

	qbd_assert_volume_locked(vol);
	qbd_event_emit(vol->node, &notice);
}

/*
 * A higher term: all shards stop (S7). If the attach has not ended yet it has
 * failed and everything goes; else the dead disk stays for its openers.
 */
static void __qbd_volume_lost(struct qbd_volume *vol, struct qbd_shard *shard,
			      const struct qbd_action *act)
{
	static const char reason[] = "fenced by a higher term";

	qbd_assert_volume_locked(vol);
	if (!(qbd_volume_lost(&vol->gate, act->term) & QBD_VOLUME_DO_STOP))
		return;
	__qbd_volume_term_event(vol, shard, act, reason);
	WRITE_ONCE(vol->dead, true);
	vol->todo |= QBD_VOLUME_DO_STOP;
	if (vol->state == QBD_VOLUME_STATE_OPENING ||
	    vol->state == QBD_VOLUME_STATE_DETACHING || vol->repair)
		vol->remove = true;
	__qbd_volume_state_set(vol, QBD_VOLUME_STATE_DEAD, reason);
}

/*
 * The attach can't succeed in this term; a volume that serves goes on, without
 * the shards that it would get.
 */
static void __qbd_volume_need_term(struct qbd_volume *vol,
				   struct qbd_shard *shard,
				   const struct qbd_action *act)
{
	const char *reason = qbd_volume_term_reason(act->err);

	qbd_assert_volume_locked(vol);
	__qbd_volume_term_event(vol, shard, act, reason);
	if (shard->key.shard >= vol->nr_shards)
		__qbd_volume_grow_term(vol, shard->key.shard, act->err, reason);
	if (vol->state != QBD_VOLUME_STATE_OPENING || vol->added)
		return;
	WRITE_ONCE(vol->dead, true);
	vol->remove = true;
	__qbd_volume_state_set(vol, QBD_VOLUME_STATE_DEAD, reason);
}

/**
 * qbd_volume_report() - the leader of a shard has news
 * @vol: the volume
 * @shard: the shard; not locked
 * @act: the news
 */
void qbd_volume_report(struct qbd_volume *vol, struct qbd_shard *shard,
		       const struct qbd_action *act)
{
	u32 number = shard->key.shard;
	bool kick;

	spin_lock(&vol->lock);
	if (vol->finished) {
		/* its shards are, or soon will be, those of the next attach */
		spin_unlock(&vol->lock);
		return;
	}
	switch (act->kind) {
	case QBD_ACT_PROMISED:
		vol->todo |= qbd_volume_promised(&vol->gate, number, vol->term);
		break;
	case QBD_ACT_READY:
		/* for repair it need not serve anybody */
		if (!vol->repair)
			break;
		fallthrough;
	case QBD_ACT_SERVING:
		vol->todo |= qbd_volume_serving(&vol->gate, number, vol->term);
		if (vol->grow.why_shard == number)
			vol->grow.why = NULL; /* it got somewhere after all */
		break;
	case QBD_ACT_RELEASED:
		vol->todo |= qbd_volume_released(&vol->gate, number, vol->term);
		break;
	case QBD_ACT_SUSPENDED:
		__qbd_volume_suspended(vol, shard, true);
		break;
	case QBD_ACT_RESUMED:
		__qbd_volume_suspended(vol, shard, false);
		break;
	case QBD_ACT_TERM_LOST:
		__qbd_volume_lost(vol, shard, act);
		break;
	case QBD_ACT_NEED_TERM:
		__qbd_volume_need_term(vol, shard, act);
		break;
	default:
		break;
	}
	kick = vol->remove || vol->todo & QBD_VOLUME_LIFE_TODO;
	spin_unlock(&vol->lock);
	qbd_volume_gate_kick(vol);
	if (kick)
		qbd_volume_life_kick(vol);
}

/**
 * qbd_volume_todo() - take what the gate wants done
 * @vol: the volume
 * @bit: QBD_VOLUME_DO_*
 *
 * Return: false if it wants nothing of this.
 */
bool qbd_volume_todo(struct qbd_volume *vol, u32 bit)
{
	bool wanted;

	spin_lock(&vol->lock);
	wanted = vol->todo & bit;
	vol->todo &= ~bit;
	spin_unlock(&vol->lock);
	return wanted;
}

/**
 * qbd_volume_step() - tell leaders of a volume something
 * @vol: the volume
 * @kind: what
 * @first: number of the first shard
 * @end: number after the last one
 */
void qbd_volume_step(struct qbd_volume *vol, enum qbd_leader_event_kind kind,
		     u32 first, u32 end)
{
	struct qbd_leader_event event = { .kind = kind, .err = -EIO };
	u32 i;

	for (i = first; i < end; i++) {
		struct qbd_shard *shard = qbd_volume_shard(vol, i);

		if (!shard)
			continue;
		qbd_shard_lead_step(shard, &event);
		/* one that was stopped has no news of its own */
		qbd_shard_state_update(shard);
		qbd_shard_put(shard);
	}
}

/*
 * S7: only shards that are all promised hear of the gate. The number is read
 * once: as soon as the last of them serves a growth may add others, and these
 * are not.
 */
static void qbd_volume_gate_open(struct qbd_volume *vol)
{
	u32 end;

	spin_lock(&vol->lock);
	end = vol->gate.nr_gated;
	spin_unlock(&vol->lock);
	qbd_volume_step(vol, QBD_LEADER_GATE, 0, end);
}

static void qbd_volume_gate_work(struct work_struct *work)
{
	struct qbd_volume *vol =
		container_of(work, struct qbd_volume, gate_work);

	if (qbd_volume_todo(vol, QBD_VOLUME_DO_GATE))
		qbd_volume_gate_open(vol);
	if (qbd_volume_todo(vol, QBD_VOLUME_DO_STOP)) {
		qbd_volume_kill_shards(vol);
		qbd_volume_step(vol, QBD_LEADER_STOP, 0,
				READ_ONCE(vol->nr_led));
	}
	qbd_volume_put(vol);
}

/* --- start ------------------------------------------------------------- */

static int qbd_volume_use_shard(struct qbd_volume *vol, u32 number)
{
	struct qbd_shard *shard = qbd_shard_use(vol->node, vol->id, number);
	int err;

	if (IS_ERR(shard))
		return PTR_ERR(shard);
	err = xa_err(xa_store(&vol->shards, number, shard, GFP_KERNEL));
	if (err)
		qbd_shard_unuse(shard);
	return err;
}

/**
 * qbd_volume_use_shards() - take shards that are to be led
 * @vol: the volume
 * @first: number of the first
 * @end: number after the last one
 *
 * Return: 0; or negative errno, and some of them may be taken.
 */
int qbd_volume_use_shards(struct qbd_volume *vol, u32 first, u32 end)
{
	int err = 0;
	u32 i;

	mutex_lock(&vol->node->config_mutex);
	/* who is ended by force does not wait for thousands of them */
	for (i = first; i < end && !err; i++)
		err = READ_ONCE(vol->dead) ? -ESHUTDOWN :
					     qbd_volume_use_shard(vol, i);
	mutex_unlock(&vol->node->config_mutex);
	return err;
}

/**
 * qbd_volume_unuse_shards() - stop to lead shards, and let go of them
 * @vol: the volume
 * @first: number of the first
 * @end: number after the last one
 */
void qbd_volume_unuse_shards(struct qbd_volume *vol, u32 first, u32 end)
{
	u32 i;

	for (i = first; i < end; i++) {
		struct qbd_shard *shard = xa_load(&vol->shards, i);

		if (!shard)
			continue;
		qbd_shard_lead_stop(shard, vol);
		spin_lock(&vol->lock);
		shard->suspended = false;
		xa_erase(&vol->shards, i);
		spin_unlock(&vol->lock);
		qbd_shard_unuse(shard);
	}
}

/**
 * qbd_volume_prepare_shards() - the leaders of shards, with all their memory
 * @vol: the volume
 * @sets: which, and their replica sets
 *
 * All have the same size, the last one too: what a growth needs is not asked of
 * replicas, and a replica takes only room for what was written.
 *
 * Return: 0; or negative errno, and some of them may be prepared.
 */
int qbd_volume_prepare_shards(struct qbd_volume *vol,
			      const struct qbd_volume_sets *sets)
{
	struct qbd_shard_lead_spec spec = {
		.term = vol->term,
		.nonce = vol->nonce,
		.blocks = BIT(vol->shard_shift),
		.repair = vol->repair,
		.reads_quorum = vol->options.read_policy ==
				QBD_READ_POLICY_QUORUM,
	};
	int err = 0;
	u32 i;

	for (i = 0; i < sets->nr && !err; i++) {
		spec.set = &sets->set[i];
		err = READ_ONCE(vol->dead) ?
			      -ESHUTDOWN :
			      qbd_shard_lead_prepare(xa_load(&vol->shards,
							     sets->first + i),
						     &spec);
	}
	return err;
}

/**
 * qbd_volume_lead_shards() - start the leaders of shards
 * @vol: the volume
 * @first: number of the first shard, prepared as the others are
 * @end: number after the last one
 *
 * Those of a volume that is dead stay away.
 */
void qbd_volume_lead_shards(struct qbd_volume *vol, u32 first, u32 end)
{
	u32 i;

	for (i = first; i < end && !READ_ONCE(vol->dead); i++)
		qbd_shard_lead_start(xa_load(&vol->shards, i), vol);
}

static int qbd_volume_start(struct qbd_volume *vol)
{
	int err;

	err = qbd_volume_use_shards(vol, 0, vol->nr_led);
	if (!err)
		err = qbd_volume_prepare_shards(vol, &vol->sets);
	if (err)
		return err;
	spin_lock(&vol->lock);
	err = qbd_volume_begin(&vol->gate, vol->term, vol->nonce);
	spin_unlock(&vol->lock);
	if (err)
		return err;
	qbd_volume_lead_shards(vol, 0, vol->nr_led);
	return READ_ONCE(vol->dead) ? -ESHUTDOWN : 0;
}

static void qbd_volume_life_start(struct qbd_volume *vol)
{
	int err;

	if (vol->started || READ_ONCE(vol->state) != QBD_VOLUME_STATE_OPENING)
		return;
	vol->started = true;
	err = qbd_volume_start(vol);
	qbd_volume_sets_free(&vol->sets);
	if (err)
		qbd_volume_kill(vol, true, "its shards could not be started");
}

static void qbd_volume_life_add(struct qbd_volume *vol)
{
	int err;

	if (!qbd_volume_todo(vol, QBD_VOLUME_DO_SERVED) ||
	    READ_ONCE(vol->state) != QBD_VOLUME_STATE_OPENING)
		return;
	err = vol->repair ? 0 : qbd_disk_add(vol);
	if (err) {
		qbd_volume_kill(vol, true,
				err == -ERANGE ?
					"the kernel cuts atomic writes" :
					"the block device could not be added");
		return;
	}
	spin_lock(&vol->lock);
	vol->added = true;
	__qbd_volume_quorum_update(vol);
	spin_unlock(&vol->lock);
}

/* --- end --------------------------------------------------------------- */

static void qbd_volume_finish(struct qbd_volume *vol)
{
	spin_lock(&vol->lock);
	vol->finished = true;
	spin_unlock(&vol->lock);
	if (cancel_work_sync(&vol->gate_work))
		qbd_volume_put(vol);
	/* whoever corked has uncorked; but a list of shards must not stay */
	qbd_blk_uncork(vol);
	qbd_volume_unuse_shards(vol, 0, vol->nr_led);
	spin_lock(&vol->lock);
	qbd_volume_end(&vol->gate);
	__qbd_volume_state_set(vol, QBD_VOLUME_STATE_DETACHED, NULL);
	spin_unlock(&vol->lock);
	qbd_volume_forget(vol);
}

/*
 * Begin to give up the term; true if there is nothing to wait for. Shards that
 * a growth would have added never served: they are not waited for.
 */
static bool qbd_volume_release_begin(struct qbd_volume *vol)
{
	u32 end;
	int err;

	spin_lock(&vol->lock);
	err = qbd_volume_release(&vol->gate);
	end = vol->gate.nr_shards;
	spin_unlock(&vol->lock);
	if (err)
		return true;
	qbd_volume_step(vol, QBD_LEADER_RELEASE, 0, end);
	qbd_volume_step(vol, QBD_LEADER_STOP, end, vol->nr_led);
	return false;
}

static void qbd_volume_life_detach(struct qbd_volume *vol)
{
	if (!vol->releasing) {
		vol->releasing = true;
		qbd_disk_remove(vol, false);
		/* a forced detach may have come meanwhile */
		if (READ_ONCE(vol->state) == QBD_VOLUME_STATE_DEAD)
			return;
		if (qbd_volume_release_begin(vol)) {
			qbd_volume_finish(vol);
			return;
		}
	}
	if (qbd_volume_todo(vol, QBD_VOLUME_DO_DETACHED))
		qbd_volume_finish(vol);
}

static void qbd_volume_life_remove(struct qbd_volume *vol)
{
	qbd_disk_remove(vol, true);
	qbd_volume_finish(vol);
}

static void qbd_volume_life_work(struct work_struct *work)
{
	struct qbd_volume *vol =
		container_of(work, struct qbd_volume, life_work);

	qbd_volume_life_start(vol);
	qbd_volume_life_add(vol);
	qbd_volume_life_grow(vol);
	if (READ_ONCE(vol->state) == QBD_VOLUME_STATE_DETACHING)
		qbd_volume_life_detach(vol);
	if (READ_ONCE(vol->state) == QBD_VOLUME_STATE_DEAD &&
	    READ_ONCE(vol->remove))
		qbd_volume_life_remove(vol);
	qbd_volume_put(vol);
}

/**
 * qbd_volume_life_init() - the work items of a new volume
 * @vol: the volume
 */
void qbd_volume_life_init(struct qbd_volume *vol)
{
	INIT_WORK(&vol->gate_work, qbd_volume_gate_work);
	INIT_WORK(&vol->life_work, qbd_volume_life_work);
}
