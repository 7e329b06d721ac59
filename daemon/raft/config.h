/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configurations: who votes, who learns, and what is a quorum.
 *
 * A configuration is the content of a log entry.  A server goes by the latest
 * one in its log, committed or not; raft.h says why.  While voters change there
 * are two sets, @old and @next, and a quorum is a majority of each.  Learners
 * are members of neither: they get the log and are never counted.
 */
#ifndef QBD_RAFT_CONFIG_H
#define QBD_RAFT_CONFIG_H

#include "env.h"

#define RAFT_VOTERS_MAX 7 /* of one set: more cost latency, and save nobody */
#define RAFT_MEMBERS_MAX 16 /* two sets of voters, and two learners */

/**
 * struct raft_config - who is a member
 * @index: of its entry; 0 = what the cluster began with, or nothing yet
 * @nr: members in @id; 0 = not known yet: a server that waits to be added
 * @old: bit i: member i is a voter of the set in force
 * @next: bit i: member i is a voter of the set that follows; 0 = not joint
 * @learn: bit i: member i is a learner when the change is through
 * @id: the members.  An id names a log and ends with it: never used again.
 */
struct raft_config {
	u64 index;
	u8 nr;
	u16 old;
	u16 next;
	u16 learn;
	u64 id[RAFT_MEMBERS_MAX];
};

/**
 * struct raft_members - whom somebody wants as members
 * @voters: how many
 * @learners: how many
 * @id: the voters, then the learners
 */
struct raft_members {
	u8 voters;
	u8 learners;
	u64 id[RAFT_MEMBERS_MAX];
};

int raft_config_check(const struct raft_config *conf);
int raft_config_simple(struct raft_config *conf,
		       const struct raft_members *want);
int raft_config_joint(const struct raft_config *from,
		      const struct raft_members *want, struct raft_config *to);
void raft_config_leave(const struct raft_config *joint, struct raft_config *to);
int raft_config_find(const struct raft_config *conf, u64 id);
bool raft_config_same(const struct raft_config *a, const struct raft_config *b);
bool raft_quorum_has(const struct raft_config *conf, u16 mask);
u64 raft_quorum_index(const struct raft_config *conf, const u64 *index);

/**
 * raft_config_voters() - members that vote
 * @conf: the configuration
 *
 * Return: a bit for each, of either set.
 */
static inline u16 raft_config_voters(const struct raft_config *conf)
{
	return conf->old | conf->next;
}

/**
 * raft_config_votes() - does this server vote?
 * @conf: the configuration
 * @id: the server
 *
 * Return: true if so.
 */
static inline bool raft_config_votes(const struct raft_config *conf, u64 id)
{
	int at = raft_config_find(conf, id);

	return at >= 0 && (raft_config_voters(conf) & (1U << at));
}

#endif /* QBD_RAFT_CONFIG_H */
