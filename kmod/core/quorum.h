/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replica sets and their quorums.
 *
 * A quorum of a set of n is n / 2 + 1 members, for reads and for writes, also
 * for n = 2 and n = 4.  While a set is being changed there are two, and a
 * quorum is one of each (joint consensus).  Any two quorums share a member;
 * that is all that safety needs from this file.
 */
#ifndef QBD_CORE_QUORUM_H
#define QBD_CORE_QUORUM_H

#include "member.h"
#include "msg.h"

/**
 * struct qbd_set - replica set of a shard, as one list of members
 * @epoch: config epoch
 * @nr: members in @member; each replica is in it once
 * @old: bit i: member i is in the set in force
 * @next: bit i: member i is in the set proposed; 0 = not joint
 * @member: the members; others than those in @old and @next are learners
 */
struct qbd_set {
	u64 epoch;
	u8 nr;
	u16 old;
	u16 next;
	struct qbd_member member[QBD_MEMBERS_MAX];
};

int qbd_set_init(struct qbd_set *set, u64 epoch,
		 const struct qbd_member *member, u32 nr);
int qbd_set_check(const struct qbd_set *set);
bool qbd_set_same(const struct qbd_set *a, u16 mask, const struct qbd_set *b,
		  u16 other);
int qbd_set_step(const struct qbd_set *from, const struct qbd_set *to);
int qbd_set_find(const struct qbd_set *set, u64 replica);

/**
 * qbd_set_voters() - members that are more than learners
 * @set: the set
 *
 * Return: a bit for each.
 */
static inline u16 qbd_set_voters(const struct qbd_set *set)
{
	return set->old | set->next;
}

/**
 * qbd_set_has_node() - is a member on this node?
 * @set: the set
 * @node: the node
 *
 * Return: true if so.
 */
static inline bool qbd_set_has_node(const struct qbd_set *set, u32 node)
{
	u32 i;

	for (i = 0; i < set->nr; i++)
		if (set->member[i].node == node)
			return true;
	return false;
}

/**
 * qbd_set_alone() - is there only one voter?
 * @set: the set
 *
 * Return: true if so, learners or not.
 */
static inline bool qbd_set_alone(const struct qbd_set *set)
{
	return !set->next && hweight32(set->old) == 1;
}

bool qbd_quorum_of(u16 voters, u16 mask);
bool qbd_quorum_has(const struct qbd_set *set, u16 mask);
u64 qbd_quorum_index(const struct qbd_set *set, const u64 *index);

#endif /* QBD_CORE_QUORUM_H */
