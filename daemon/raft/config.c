// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of voters, and their quorums: counting, nothing else.  change.c knows
 * when a configuration may be made, and when it counts.
 */
#include "config.h"

/**
 * raft_config_check() - can this be a configuration?
 * @conf: the configuration
 *
 * Return: 0 or -EINVAL.
 */
int raft_config_check(const struct raft_config *conf)
{
	u16 all = raft_config_voters(conf) | conf->learn;
	u32 i, j;

	if (!conf->nr)
		return all ? -EINVAL : 0;
	if (conf->nr > RAFT_MEMBERS_MAX || !conf->old ||
	    all != (u16)((1U << conf->nr) - 1) ||
	    hweight32(conf->old) > RAFT_VOTERS_MAX ||
	    hweight32(conf->next) > RAFT_VOTERS_MAX)
		return -EINVAL;
	if (conf->learn & (conf->next ?: conf->old))
		return -EINVAL;
	for (i = 0; i < conf->nr; i++) {
		if (!conf->id[i])
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (conf->id[i] == conf->id[j])
				return -EINVAL;
	}
	return 0;
}

/* Members wanted: is there a voter, is nobody named twice? */
static int raft_members_check(const struct raft_members *want)
{
	u32 i, j, nr = want->voters + want->learners;

	if (!want->voters || want->voters > RAFT_VOTERS_MAX ||
	    nr > RAFT_MEMBERS_MAX)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		if (!want->id[i])
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (want->id[i] == want->id[j])
				return -EINVAL;
	}
	return 0;
}

/**
 * raft_config_simple() - a configuration that is not joint
 * @conf: the configuration
 * @want: its members
 *
 * Return: 0 or -EINVAL.
 */
int raft_config_simple(struct raft_config *conf,
		       const struct raft_members *want)
{
	if (raft_members_check(want))
		return -EINVAL;
	memset(conf, 0, sizeof(*conf));
	conf->nr = want->voters + want->learners;
	conf->old = (1U << want->voters) - 1;
	conf->learn = ((1U << conf->nr) - 1) & ~conf->old;
	memcpy(conf->id, want->id, conf->nr * sizeof(conf->id[0]));
	return 0;
}

/* Number of the member @id, who is added if need be; -EINVAL: no room. */
static int raft_config_add(struct raft_config *conf, u64 id)
{
	int at = raft_config_find(conf, id);

	if (at >= 0)
		return at;
	if (conf->nr == RAFT_MEMBERS_MAX)
		return -EINVAL;
	conf->id[conf->nr] = id;
	return conf->nr++;
}

/**
 * raft_config_joint() - the first step of a change
 * @from: the configuration in force, not joint
 * @want: who shall be the members at its end
 * @to: the one that follows: joint, unless only learners come and go
 *
 * Return: 0; -EINVAL: it can not be made.
 */
int raft_config_joint(const struct raft_config *from,
		      const struct raft_members *want, struct raft_config *to)
{
	struct raft_config simple;
	u32 i;
	int at;

	if (from->next || raft_config_simple(&simple, want))
		return -EINVAL;
	memset(to, 0, sizeof(*to));
	for (i = 0; i < from->nr; i++)
		if (from->old & (1U << i))
			to->id[to->nr++] = from->id[i];
	to->old = (1U << to->nr) - 1;
	for (i = 0; i < simple.nr; i++) {
		at = raft_config_add(to, simple.id[i]);
		if (at < 0)
			return -EINVAL;
		if (simple.old & (1U << i))
			to->next |= 1U << at;
		else
			to->learn |= 1U << at;
	}
	if (to->next == to->old)
		to->next = 0;
	return raft_config_check(to);
}

/**
 * raft_config_leave() - the second step of a change
 * @joint: the joint configuration
 * @to: the one that follows
 */
void raft_config_leave(const struct raft_config *joint, struct raft_config *to)
{
	u32 i;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < joint->nr; i++) {
		if (!((joint->next | joint->learn) & (1U << i)))
			continue;
		if (joint->next & (1U << i))
			to->old |= 1U << to->nr;
		else
			to->learn |= 1U << to->nr;
		to->id[to->nr++] = joint->id[i];
	}
}

/**
 * raft_config_find() - which member is that server?
 * @conf: the configuration
 * @id: the server
 *
 * Return: its number, or -ENOENT.
 */
int raft_config_find(const struct raft_config *conf, u64 id)
{
	u32 i;

	for (i = 0; i < conf->nr; i++)
		if (conf->id[i] == id)
			return i;
	return -ENOENT;
}

/**
 * raft_config_same() - are they equal?
 * @a: a configuration
 * @b: another one
 *
 * Return: true if so, the index too.
 */
bool raft_config_same(const struct raft_config *a, const struct raft_config *b)
{
	return a->index == b->index && a->nr == b->nr && a->old == b->old &&
	       a->next == b->next && a->learn == b->learn &&
	       !memcmp(a->id, b->id, a->nr * sizeof(a->id[0]));
}

static bool raft_majority(u16 voters, u16 mask)
{
	return hweight32(voters & mask) >= hweight32(voters) / 2 + 1;
}

/**
 * raft_quorum_has() - do these members make a quorum?
 * @conf: the configuration
 * @mask: bit i: member i counts
 *
 * Rule 5: of both sets while there are two.
 *
 * Return: true if so; never if there is no voter.
 */
bool raft_quorum_has(const struct raft_config *conf, u16 mask)
{
	u16 old = conf->old;

	if (!conf->nr)
		return false;
	if (QBD_MUTANT(raft_learner_counts))
		old = (1U << conf->nr) - 1;
	if (conf->next && QBD_MUTANT(raft_joint_new_only))
		return raft_majority(conf->next, mask);
	if (!raft_majority(old, mask))
		return false;
	return !conf->next || QBD_MUTANT(raft_joint_old_only) ||
	       raft_majority(conf->next, mask);
}

static u64 raft_majority_index(u16 voters, const u64 *index)
{
	u64 sorted[RAFT_MEMBERS_MAX];
	u32 nr = 0, i, j;

	for (i = 0; i < RAFT_MEMBERS_MAX; i++) {
		if (!(voters & (1U << i)))
			continue;
		for (j = nr++; j && sorted[j - 1] < index[i]; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = index[i];
	}
	return nr ? sorted[nr / 2] : 0;
}

/**
 * raft_quorum_index() - highest index that a quorum has reached
 * @conf: the configuration
 * @index: what each member has reached, RAFT_MEMBERS_MAX entries
 *
 * Return: the index.
 */
u64 raft_quorum_index(const struct raft_config *conf, const u64 *index)
{
	u16 old = conf->old;
	u64 reached;

	if (QBD_MUTANT(raft_learner_counts))
		old = (1U << conf->nr) - 1;
	if (conf->next && QBD_MUTANT(raft_joint_new_only))
		return raft_majority_index(conf->next, index);
	reached = raft_majority_index(old, index);
	if (conf->next && !QBD_MUTANT(raft_joint_old_only))
		reached = min(reached, raft_majority_index(conf->next, index));
	return reached;
}
