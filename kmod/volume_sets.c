// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replica sets of shards that are to be led. An attach names those of all
 * shards, a growth those of the new ones, each once, in one request or in
 * several. A part that is refused has changed nothing.
 *
 * Context: process, node->config_mutex.
 */
#include <linux/log2.h>
#include <linux/mm.h>

#include "shard.h"
#include "shard_set.h"
#include "volume.h"

/**
 * qbd_volume_sets_init() - no set is known yet
 * @sets: filled in
 * @first: number of the first shard
 * @end: number after the last one
 *
 * Return: 0 or -ENOMEM.
 */
int qbd_volume_sets_init(struct qbd_volume_sets *sets, u32 first, u32 end)
{
	memset(sets, 0, sizeof(*sets));
	sets->first = first;
	sets->nr = end - first;
	if (!sets->nr)
		return 0;
	sets->set = kvcalloc(sets->nr, sizeof(*sets->set), GFP_KERNEL);
	return sets->set ? 0 : -ENOMEM;
}

/**
 * qbd_volume_sets_free() - they are not needed any more
 * @sets: the sets; may be empty
 */
void qbd_volume_sets_free(struct qbd_volume_sets *sets)
{
	kvfree(sets->set);
	memset(sets, 0, sizeof(*sets));
}

/* Where the set of a shard goes; NULL: it is none of these. */
static struct qbd_set_spec *qbd_volume_sets_at(const struct qbd_volume_sets *s,
					       u32 number)
{
	if (number < s->first || number - s->first >= s->nr)
		return NULL;
	return &s->set[number - s->first];
}

/**
 * qbd_volume_sets_has() - is one of these shards known already?
 * @sets: the sets
 * @part: the shards that are asked for
 *
 * Return: true if so.
 */
bool qbd_volume_sets_has(const struct qbd_volume_sets *sets,
			 const struct qbd_volume_spec *part)
{
	const struct qbd_set_spec *at;
	u32 i;

	for (i = 0; i < part->nr_sets; i++) {
		at = qbd_volume_sets_at(sets, part->sets[i].number);
		if (at && at->nr_members)
			return true;
	}
	return false;
}

static int qbd_volume_set_check(const struct qbd_volume_sets *sets,
				const struct qbd_set_spec *set,
				struct qbd_refusal *why)
{
	const struct qbd_set_spec *at = qbd_volume_sets_at(sets, set->number);
	struct qbd_set made;

	if (set->number < sets->first)
		return qbd_refuse(why, -EEXIST, QBD_A_VOLUME_SHARD,
				  "shard %u: the volume has it already",
				  set->number);
	if (!at)
		return qbd_refuse(why, -ERANGE, QBD_A_VOLUME_SHARD,
				  "shard %u: the volume has %u", set->number,
				  sets->first + sets->nr);
	if (at->nr_members)
		return qbd_refuse(why, -EEXIST, QBD_A_VOLUME_SHARD,
				  "shard %u is given twice", set->number);
	if (!set->nr_members)
		return qbd_refuse(why, -EINVAL, QBD_A_VOLUME_SHARD,
				  "shard %u: no members", set->number);
	if (qbd_set_spec_make(&made, set))
		return qbd_refuse(
			why, -EINVAL, QBD_A_VOLUME_SHARD,
			"shard %u: not a set: 1 to %u voters, no node and no replica twice",
			set->number, QBD_SET_MEMBERS_MAX);
	return 0;
}

/*
 * With a single copy, which is here but of no use, an attach would wait for
 * ever. A copy that is not here may still come: its store is being opened.
 */
static int qbd_volume_copy_check(const struct qbd_volume *vol,
				 const struct qbd_set_spec *set,
				 struct qbd_refusal *why)
{
	char text[NETLINK_MAX_FMTMSG_LEN];
	struct qbd_shard *shard;
	struct qbd_set made;
	int err = 0;

	if (qbd_set_spec_make(&made, set) || !qbd_set_alone(&made))
		return 0;
	shard = qbd_shard_find(vol->node, vol->id, set->number);
	if (!shard)
		return 0;
	if (qbd_shard_replica_useless(shard,
				      made.member[ilog2(made.old)].replica,
				      text, sizeof(text)))
		err = qbd_refuse(why, -EUCLEAN, QBD_A_VOLUME_SHARD,
				 "shard %u's only replica: %s", set->number,
				 text);
	qbd_shard_put(shard);
	return err;
}

static int qbd_volume_sets_missing(const struct qbd_volume_sets *sets,
				   struct qbd_refusal *why)
{
	u32 left = sets->nr - sets->known;

	return qbd_refuse(
		why, -EINVAL, QBD_A_VOLUME_SHARD,
		sets->first ?
			"sets of %u of the %u new shards are missing: name all" :
			"sets of %u of its %u shards are missing: name all",
		left, sets->nr);
}

/**
 * qbd_volume_sets_add() - take a part
 * @vol: the volume
 * @sets: added to
 * @part: its @sets, @nr_sets and @more count
 * @why: the reason if it is refused
 *
 * Return: 0; or negative errno, and nothing has changed: it may come again.
 */
int qbd_volume_sets_add(const struct qbd_volume *vol,
			struct qbd_volume_sets *sets,
			const struct qbd_volume_spec *part,
			struct qbd_refusal *why)
{
	u32 i;
	int err;

	for (i = 0; i < part->nr_sets; i++) {
		err = qbd_volume_set_check(sets, &part->sets[i], why);
		if (!err)
			err = qbd_volume_copy_check(vol, &part->sets[i], why);
		if (err)
			goto undo;
		*qbd_volume_sets_at(sets, part->sets[i].number) = part->sets[i];
		sets->known++;
	}
	if (part->more || sets->known == sets->nr)
		return 0;
	err = qbd_volume_sets_missing(sets, why);
undo:
	while (i--) {
		qbd_volume_sets_at(sets, part->sets[i].number)->nr_members = 0;
		sets->known--;
	}
	return err;
}
