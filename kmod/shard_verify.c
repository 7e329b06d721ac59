// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparing all copies of a shard that is led here: what netlink wants of its
 * leader, and the events that come of it. How it is done is told in
 * core/leader_verify.c.
 *
 * Context: process, no locks; the pump.
 */
#include "event.h"
#include "shard.h"
#include "shard_verify.h"
#include "volume.h"

static int qbd_verify_refused(struct qbd_refusal *why,
			      const struct qbd_verify_spec *spec, int err)
{
	switch (err) {
	case -EINVAL:
		return qbd_refuse(why, err, QBD_A_SHARD_REPAIR,
				  "to end it repairs nothing");
	case -EBUSY:
		return qbd_refuse(why, err, QBD_A_SHARD_NUMBER,
				  "shard %u: is being compared already",
				  spec->number);
	case -ENOENT:
		return qbd_refuse(why, err, QBD_A_SHARD_NUMBER,
				  "shard %u: is not being compared",
				  spec->number);
	case -EOPNOTSUPP:
		return qbd_refuse(
			why, err, QBD_A_SHARD_NUMBER,
			"shard %u: has one copy, and nothing to compare it with",
			spec->number);
	case -EAGAIN:
		return qbd_refuse(why, err, QBD_A_SHARD_NUMBER,
				  "shard %u: does not serve yet: try again",
				  spec->number);
	default:
		return qbd_refuse(
			why, err, QBD_A_SHARD_NUMBER,
			"shard %u: is not led here for this attach, or being released",
			spec->number);
	}
}

/* Tell the leader that is here for @vol. */
static int qbd_verify_tell(struct qbd_shard *shard,
			   const struct qbd_volume *vol, u8 what)
{
	struct qbd_leader_event event = {
		.kind = QBD_LEADER_VERIFY,
		.verify = what,
	};
	int err = -ESHUTDOWN;

	qbd_shard_lock(shard);
	if (shard->lead && shard->vol == vol)
		err = __qbd_shard_lead_step(shard, &event);
	qbd_shard_unlock(shard);
	return err;
}

static int qbd_verify_volume(struct qbd_volume *vol,
			     const struct qbd_verify_spec *spec,
			     struct qbd_refusal *why)
{
	struct qbd_shard *shard;
	int err;

	if (vol->term != spec->term)
		return qbd_refuse(why, -ESTALE, QBD_A_SHARD_TERM,
				  "it is attached here under term %llu",
				  vol->term);
	if (spec->number >= READ_ONCE(vol->nr_shards))
		return qbd_refuse(why, -ERANGE, QBD_A_SHARD_NUMBER,
				  "shard %u: the volume has %u", spec->number,
				  READ_ONCE(vol->nr_shards));
	shard = qbd_shard_find(vol->node, vol->id, spec->number);
	if (!shard)
		return qbd_verify_refused(why, spec, -EAGAIN);
	err = qbd_verify_tell(shard, vol, spec->what);
	qbd_shard_put(shard);
	return err ? qbd_verify_refused(why, spec, err) : 0;
}

/**
 * qbd_shard_verify() - compare the copies of a shard, or end that
 * @node: the node
 * @spec: which, and what for
 * @why: the reason if it is refused
 *
 * Return: 0 or negative errno; what it finds, and its end, are events.
 */
int qbd_shard_verify(struct qbd_node *node, const struct qbd_verify_spec *spec,
		     struct qbd_refusal *why)
{
	struct qbd_volume *vol = qbd_volume_find(node, spec->volume);
	int err;

	if (!vol)
		return qbd_refuse(
			why, -ENOENT, QBD_A_SHARD_VOLUME,
			"no such volume here: see 'qbdctl kernel volume list'");
	err = qbd_verify_volume(vol, spec, why);
	qbd_volume_put(vol);
	return err;
}

/* An event of the leader that is here now, of an attach that is not over. */
static void qbd_verify_emit(struct qbd_shard *shard, struct qbd_notice *notice,
			    u32 block)
{
	notice->volume = shard->key.volume;
	notice->shard = shard->key.shard;
	notice->has_shard = true;
	spin_lock(&shard->lock);
	if (shard->lead && shard->acting.lead_gen == shard->lead_gen) {
		notice->term = shard->term;
		notice->offset =
			(((u64)shard->key.shard << shard->vol->shard_shift) +
			 block)
			<< QBD_BLOCK_SHIFT;
		qbd_event_emit(shard->node, notice);
	}
	spin_unlock(&shard->lock);
}

/**
 * qbd_shard_differs() - a copy has a block otherwise than others
 * @shard: the shard; the caller is its pump
 * @act: QBD_ACT_DIFFERS
 */
void qbd_shard_differs(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_COPY_DIFFERS,
		.state = act->state,
		.replica = act->id,
		.has_offset = true,
		.error = act->err,
		.reason = act->err ? "it can not be read" : NULL,
	};

	BUILD_BUG_ON((u32)QBD_VERIFY_REPAIRED !=
		     (u32)QBD_VERIFY_RESULT_REPAIRED);
	BUILD_BUG_ON((u32)QBD_VERIFY_UNDECIDED !=
		     (u32)QBD_VERIFY_RESULT_UNDECIDED);
	qbd_verify_emit(shard, &notice, act->block);
}

/**
 * qbd_shard_verified() - a comparison has ended
 * @shard: the shard; the caller is its pump
 * @act: QBD_ACT_VERIFIED
 */
void qbd_shard_verified(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_VERIFIED,
		.error = act->err,
	};

	qbd_verify_emit(shard, &notice, 0);
}
