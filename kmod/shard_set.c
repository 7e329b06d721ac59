// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replica sets: what netlink says in the form of the core, the payload of the
 * records that hold them, and changes of the set of a shard that is led here.
 *
 * The leader keeps the set that it is told until its time has come; see
 * core/leader_config.c. It is told the set of the attach too, so that the log
 * has it. What came of it is an event, and in the dumps.
 *
 * Context: process, no locks.
 */
#include <linux/highmem.h>

#include "core/wal_format.h"
#include "event.h"
#include "shard.h"
#include "shard_set.h"
#include "volume.h"

/**
 * qbd_set_spec_make() - a replica set as the core has it
 * @set: filled in
 * @spec: as an administrator says it
 *
 * Return: 0; -EINVAL if it can't be one: nobody votes, too many do, or a node
 * or replica is in it twice.
 */
int qbd_set_spec_make(struct qbd_set *set, const struct qbd_set_spec *spec)
{
	bool joint = false;
	u32 i;

	memset(set, 0, sizeof(*set));
	if (spec->nr_members > ARRAY_SIZE(set->member))
		return -EINVAL;
	set->epoch = spec->epoch;
	for (i = 0; i < spec->nr_members; i++) {
		const struct qbd_member_spec *member = &spec->member[i];

		set->member[i].node = member->node;
		set->member[i].replica = member->replica;
		if (member->role == QBD_MEMBER_ROLE_VOTER ||
		    member->role == QBD_MEMBER_ROLE_LEAVING)
			set->old |= 1U << i;
		if (member->role == QBD_MEMBER_ROLE_VOTER ||
		    member->role == QBD_MEMBER_ROLE_JOINING)
			set->next |= 1U << i;
		joint |= member->role == QBD_MEMBER_ROLE_JOINING ||
			 member->role == QBD_MEMBER_ROLE_LEAVING;
	}
	set->nr = spec->nr_members;
	if (!joint)
		set->next = 0;
	else if (!set->next)
		return -EINVAL;
	return qbd_set_check(set);
}

/**
 * qbd_set_role() - what a member counts for
 * @set: the set
 * @member: its number
 *
 * Return: the role.
 */
enum qbd_member_role qbd_set_role(const struct qbd_set *set, u32 member)
{
	bool old = set->old & BIT(member);
	bool next = set->next & BIT(member);

	if (old)
		return next || !set->next ? QBD_MEMBER_ROLE_VOTER :
					    QBD_MEMBER_ROLE_LEAVING;
	return next ? QBD_MEMBER_ROLE_JOINING : QBD_MEMBER_ROLE_LEARNER;
}

/**
 * qbd_set_config() - a replica set as the store has it
 * @set: the set
 * @config: filled in; learners are not in it
 */
void qbd_set_config(const struct qbd_set *set, struct qbd_config *config)
{
	u32 i;

	memset(config, 0, sizeof(*config));
	config->epoch = set->epoch;
	for (i = 0; i < set->nr; i++)
		if (set->old & BIT(i))
			config->set[config->nr_old++] = set->member[i];
	for (i = 0; i < set->nr; i++)
		if (set->next & BIT(i))
			config->set[config->nr_old + config->nr_new++] =
				set->member[i];
}

/* The place of a replica in a set for dumps; new if it has none yet. */
static struct qbd_member_spec *qbd_set_spec_member(struct qbd_set_spec *spec,
						   const struct qbd_member *of)
{
	u32 i;

	for (i = 0; i < spec->nr_members; i++)
		if (spec->member[i].replica == of->replica)
			return &spec->member[i];
	spec->nr_members++;
	spec->member[i].node = of->node;
	spec->member[i].replica = of->replica;
	spec->member[i].role = QBD_MEMBER_ROLE_JOINING;
	return &spec->member[i];
}

/**
 * qbd_set_spec_fill() - a replica set as dumps show it
 * @spec: filled in, but for the number of the shard
 * @config: as the store has it
 */
void qbd_set_spec_fill(struct qbd_set_spec *spec,
		       const struct qbd_config *config)
{
	u32 i;

	spec->epoch = config->epoch;
	for (i = 0; i < config->nr_new; i++)
		qbd_set_spec_member(spec, &config->set[config->nr_old + i]);
	for (i = 0; i < config->nr_old; i++) {
		u32 before = spec->nr_members;
		struct qbd_member_spec *member =
			qbd_set_spec_member(spec, &config->set[i]);

		member->role = config->nr_new && spec->nr_members > before ?
				       QBD_MEMBER_ROLE_LEAVING :
				       QBD_MEMBER_ROLE_VOTER;
	}
}

/* The payload of the record of a set; NULL without pages. */
static struct qbd_payload *qbd_set_payload(struct qbd_node *node,
					   const struct qbd_set *set)
{
	struct qbd_payload *payload =
		qbd_payload_alloc(&node->pools.pool[QBD_POOL_LOCAL], 1);
	struct qbd_config config;
	void *block;

	if (!payload)
		return NULL;
	qbd_set_config(set, &config);
	block = kmap_local_page(payload->page[0]);
	memset(block, 0, QBD_BLOCK_SIZE);
	qbd_config_encode(&config, block);
	payload->crc = qbd_payload_crc(~0U, block, QBD_BLOCK_SIZE);
	kunmap_local(block);
	return payload;
}

/*
 * Tell the leader that is here for @vol. Nobody need tell it the set of the
 * attach after that, and nobody may: it would take the place of this one.
 */
static int qbd_shard_set_tell(struct qbd_shard *shard,
			      const struct qbd_volume *vol,
			      const struct qbd_set *set)
{
	struct qbd_leader_event event = {
		.kind = QBD_LEADER_CONFIG,
		.set = set,
	};
	struct qbd_payload *payload = qbd_set_payload(shard->node, set);
	int err = -ESHUTDOWN;

	if (!payload)
		return -ENOMEM;
	event.payload = payload;
	event.crc = payload->crc;
	qbd_shard_lock(shard);
	if (shard->lead && shard->vol == vol)
		err = __qbd_shard_lead_step(shard, &event);
	if (!err)
		WRITE_ONCE(shard->set_due, false);
	qbd_shard_unlock(shard);
	if (err)
		qbd_payload_put(payload);
	return err;
}

/*
 * Is the set of the attach to be told? Not before it is recovered, for the
 * leader would keep the page as long as that takes, and not if the log that the
 * history came from had it.
 */
static bool __qbd_shard_set_due(struct qbd_shard *shard)
{
	struct qbd_leader_info info;

	qbd_assert_shard_locked(shard);
	if (!shard->lead || !shard->set_due)
		return false;
	qbd_leader_info(shard->lead, &info);
	if (info.state != QBD_LEADER_READY && info.state != QBD_LEADER_SERVING)
		return false;
	if (info.epoch)
		WRITE_ONCE(shard->set_due, false);
	return !info.epoch;
}

/**
 * qbd_shard_set_log() - have the set of the attach logged, if it is not yet
 * @shard: the shard
 *
 * Without pages it is tried again with the next tick.
 */
void qbd_shard_set_log(struct qbd_shard *shard)
{
	struct qbd_leader_event event = { .kind = QBD_LEADER_CONFIG };
	struct qbd_payload *payload;
	struct qbd_set set;
	u32 gen;

	spin_lock(&shard->lock);
	if (!__qbd_shard_set_due(shard)) {
		spin_unlock(&shard->lock);
		return;
	}
	set = *qbd_leader_set(shard->lead);
	gen = shard->lead_gen;
	spin_unlock(&shard->lock);
	payload = qbd_set_payload(shard->node, &set);
	if (!payload)
		return;
	event.set = &set;
	event.payload = payload;
	event.crc = payload->crc;
	qbd_shard_lock(shard);
	if (shard->lead_gen == gen && __qbd_shard_set_due(shard) &&
	    !__qbd_shard_lead_step(shard, &event)) {
		WRITE_ONCE(shard->set_due, false);
		payload = NULL;
	}
	qbd_shard_unlock(shard);
	if (payload)
		qbd_payload_put(payload);
}

/**
 * qbd_shard_config() - change the replica set of a shard
 * @shard: the shard
 * @vol: the volume that it has to be led for
 * @spec: the set that consensus wants
 * @why: the reason if it is refused
 *
 * Return: 0 or negative errno; how it ends is an event.
 */
int qbd_shard_config(struct qbd_shard *shard, const struct qbd_volume *vol,
		     const struct qbd_set_spec *spec, struct qbd_refusal *why)
{
	u32 number = shard->key.shard;
	struct qbd_set set;
	int err;

	err = qbd_set_spec_make(&set, spec);
	if (err)
		return qbd_refuse(
			why, err, QBD_A_VOLUME_SHARD,
			"shard %u: not a set: 1 to %u of each kind, no node and no replica twice",
			number, QBD_SET_MEMBERS_MAX);
	err = qbd_shard_set_tell(shard, vol, &set);
	switch (err) {
	case 0:
		return 0;
	case -EINVAL:
		return qbd_refuse(
			why, err, QBD_A_VOLUME_SHARD,
			"shard %u: does not follow the set in force: first a joint one, which has all of that",
			number);
	case -ESTALE:
		return qbd_refuse(
			why, err, QBD_A_VOLUME_SHARD,
			"shard %u: a higher epoch is known here, see 'qbdctl kernel shard list'",
			number);
	case -ENOMEM:
		return qbd_refuse(why, err, QBD_A_VOLUME_SHARD,
				  "shard %u: no pages left: try again", number);
	default:
		return qbd_refuse(
			why, err, QBD_A_VOLUME_SHARD,
			"shard %u: is not led here for this attach, or being released",
			number);
	}
}

/**
 * qbd_shard_set_committed() - the set in force is committed
 * @shard: the shard; the caller is its pump
 * @act: QBD_ACT_CONFIG
 */
void qbd_shard_set_committed(struct qbd_shard *shard, struct qbd_action *act)
{
	struct qbd_notice notice = {
		.kind = QBD_EVENT_KIND_SET_COMMITTED,
		.volume = shard->key.volume,
		.shard = shard->key.shard,
		.has_shard = true,
		.term = act->term,
		.epoch = act->id,
	};

	spin_lock(&shard->lock);
	if (shard->lead && shard->acting.lead_gen == shard->lead_gen)
		qbd_event_emit(shard->node, &notice);
	spin_unlock(&shard->lock);
}
