// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replica sets and their quorums: counting, nothing else. Who may be counted
 * (S4: matched in this term and session; voting) is decided by the callers.
 */
#include "quorum.h"

/**
 * qbd_set_init() - a set that is not joint
 * @set: the set
 * @epoch: config epoch
 * @member: its members
 * @nr: how many
 *
 * Return: 0, or -EINVAL as qbd_set_check().
 */
int qbd_set_init(struct qbd_set *set, u64 epoch,
		 const struct qbd_member *member, u32 nr)
{
	if (!nr || nr > QBD_SET_MAX)
		return -EINVAL;
	memset(set, 0, sizeof(*set));
	set->epoch = epoch;
	set->nr = nr;
	set->old = (1U << nr) - 1;
	memcpy(set->member, member, nr * sizeof(*member));
	return qbd_set_check(set);
}

/**
 * qbd_set_check() - can this be a replica set?
 * @set: the set
 *
 * Two members on one node are refused: a quorum of machines is meant.
 *
 * Return: 0 or -EINVAL.
 */
int qbd_set_check(const struct qbd_set *set)
{
	u32 i, j;

	if (!set->nr || set->nr > QBD_MEMBERS_MAX || !set->old)
		return -EINVAL;
	if ((set->old | set->next) >> set->nr ||
	    hweight32(set->old) > QBD_SET_MAX ||
	    hweight32(set->next) > QBD_SET_MAX)
		return -EINVAL;
	for (i = 0; i < set->nr; i++) {
		if (!set->member[i].replica || !set->member[i].node)
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (set->member[i].replica == set->member[j].replica ||
			    set->member[i].node == set->member[j].node)
				return -EINVAL;
	}
	return 0;
}

/**
 * qbd_set_same() - are these members of two sets the same replicas?
 * @a: a set
 * @mask: bit i: member i of it
 * @b: another one
 * @other: bit i: member i of that
 *
 * Return: true if so.
 */
bool qbd_set_same(const struct qbd_set *a, u16 mask, const struct qbd_set *b,
		  u16 other)
{
	u32 i;
	int at;

	if (hweight32(mask) != hweight32(other))
		return false;
	for (i = 0; i < a->nr; i++) {
		if (!(mask & (1U << i)))
			continue;
		at = qbd_set_find(b, a->member[i].replica);
		if (at < 0 || !(other & (1U << at)))
			return false;
	}
	return true;
}

/**
 * qbd_set_step() - may one replica set follow the other?
 * @from: the set in force
 * @to: the one that shall follow
 *
 * S6: with the same epoch only learners come and go. From a simple set it goes
 * to a joint one that still has it, and from there to either of the two; so two
 * sets that follow each other have quorums that meet, always. A simple set may
 * have a higher epoch: an abort that this leader never heard the step of.
 *
 * A replica stays on its node.
 *
 * Return: 0; -ESTALE: @to is older; -EINVAL: it may not.
 */
int qbd_set_step(const struct qbd_set *from, const struct qbd_set *to)
{
	bool same;
	u32 i;
	int at;

	if (qbd_set_check(to))
		return -EINVAL;
	for (i = 0; i < to->nr; i++) {
		at = qbd_set_find(from, to->member[i].replica);
		if (at >= 0 && from->member[at].node != to->member[i].node)
			return -EINVAL;
	}
	if (to->epoch < from->epoch)
		return -ESTALE;
	same = qbd_set_same(from, from->old, to, to->old);
	if (to->epoch == from->epoch)
		same = same && qbd_set_same(from, from->next, to, to->next);
	else if (from->next && to->next)
		same = false;
	else if (from->next && !same)
		same = qbd_set_same(from, from->next, to, to->old);
	return same ? 0 : -EINVAL;
}

/**
 * qbd_set_find() - which member is that replica?
 * @set: the set
 * @replica: replica id
 *
 * Return: its number, or -ENOENT.
 */
int qbd_set_find(const struct qbd_set *set, u64 replica)
{
	u32 i;

	for (i = 0; i < set->nr; i++)
		if (set->member[i].replica == replica)
			return i;
	return -ENOENT;
}

/*
 * Majority, for reads as for writes. With n / 2 for one of them two "quorums"
 * of a set of four need not meet: OPEN would miss what a write quorum holds.
 */
static u32 qbd_quorum_size(u32 nr)
{
	return QBD_MUTANT(quorum_half) ? (nr + 1) / 2 : nr / 2 + 1;
}

/**
 * qbd_quorum_of() - do these members make a quorum of one set of voters?
 * @voters: bit i: member i votes
 * @mask: bit i: member i counts
 *
 * Return: true if so.
 */
bool qbd_quorum_of(u16 voters, u16 mask)
{
	return hweight32(voters & mask) >= qbd_quorum_size(hweight32(voters));
}

/**
 * qbd_quorum_has() - do these members make a quorum?
 * @set: the set
 * @mask: bit i: member i counts
 *
 * While the set is joint it takes a quorum of each (S6): otherwise a leader
 * that knows only the one and a leader that knows only the other could both
 * complete writes that the other never sees.
 *
 * Return: true if so.
 */
bool qbd_quorum_has(const struct qbd_set *set, u16 mask)
{
	if (!qbd_quorum_of(set->old, mask))
		return false;
	return !set->next || QBD_MUTANT(joint_one_set) ||
	       qbd_quorum_of(set->next, mask);
}

static u64 qbd_quorum_index_one(u16 voters, const u64 *index)
{
	u64 sorted[QBD_MEMBERS_MAX];
	u32 nr = 0, i, j;

	for (i = 0; i < QBD_MEMBERS_MAX; i++) {
		if (!(voters & (1U << i)))
			continue;
		for (j = nr++; j && sorted[j - 1] < index[i]; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = index[i];
	}
	return nr ? sorted[qbd_quorum_size(nr) - 1] : U64_MAX;
}

/**
 * qbd_quorum_index() - highest index that a quorum has reached
 * @set: the set
 * @index: what each member has reached, QBD_MEMBERS_MAX entries
 *
 * Return: the index.
 */
u64 qbd_quorum_index(const struct qbd_set *set, const u64 *index)
{
	u16 old = QBD_MUTANT(learner_counted) ? (1U << set->nr) - 1 : set->old;
	u64 reached = qbd_quorum_index_one(old, index);

	if (set->next && !QBD_MUTANT(joint_one_set))
		reached = min(reached, qbd_quorum_index_one(set->next, index));
	return reached;
}
