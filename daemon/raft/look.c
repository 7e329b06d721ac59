// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others may know of a server: nothing here changes it.
 */
#include "state.h"

/**
 * raft_role() - what is it?
 * @r: the server
 *
 * Return: its role.
 */
enum raft_role raft_role(const struct raft *r)
{
	return r->role;
}

/**
 * raft_leader() - who leads?
 * @r: the server
 *
 * Return: the id of the leader of its term; 0: it knows none.
 */
u64 raft_leader(const struct raft *r)
{
	return r->leader;
}

/**
 * raft_term() - its term
 * @r: the server
 *
 * Return: the term.
 */
u64 raft_term(const struct raft *r)
{
	return r->term;
}

/**
 * raft_log() - its log
 * @r: the server
 *
 * Return: the log, for raft_log_get() and raft_msg_encode().
 */
const struct raft_log *raft_log(const struct raft *r)
{
	return &r->log;
}

/**
 * raft_config() - who are the members?
 * @r: the server
 *
 * Return: the latest configuration in its log, committed or not.
 */
const struct raft_config *raft_config(const struct raft *r)
{
	return &r->conf;
}

/**
 * raft_snapshot() - the snapshot in use
 * @r: the server
 *
 * Return: the one that SNAPSHOT messages are pieces of, and that @restore of an
 * update means.
 */
const struct raft_snap *raft_snapshot(const struct raft *r)
{
	return &r->snap;
}

/**
 * raft_counters() - what it saw
 * @r: the server
 *
 * Return: counters since it was created.
 */
const struct raft_counters *raft_counters(const struct raft *r)
{
	return &r->count;
}

/**
 * raft_snapshot_begin() - what has to be in a snapshot besides the state
 * @r: the server
 * @index: all up to here, and nothing else, is applied
 * @snap: position and configuration; digest and length are the caller's
 *
 * Rule 4: the configuration is the committed one.  What is in the log behind it
 * may still be rolled back, on this server; from a snapshot it never would be.
 *
 * Return: 0; -EAGAIN: a configuration behind @index is committed already, or
 * none that is known here (who joined has what the cluster began with in no
 * entry), or there is nothing new: try again with a higher index.
 */
int raft_snapshot_begin(const struct raft *r, u64 index, struct raft_snap *snap)
{
	if (index > r->commit || index <= r->snap.pos.index ||
	    index < r->log.base.index || r->committed.index > index ||
	    !r->committed.nr)
		return -EAGAIN;
	memset(snap, 0, sizeof(*snap));
	snap->pos.index = index;
	snap->pos.term = raft_log_term(&r->log, index);
	snap->conf = r->committed;
	if (QBD_MUTANT(raft_snapshot_uncommitted_config))
		snap->conf = r->conf;
	return 0;
}

/**
 * raft_role_name() - a role in words
 * @role: the role
 *
 * Return: its name.
 */
const char *raft_role_name(enum raft_role role)
{
	static const char *const name[] = {
		[RAFT_FOLLOWER] = "follower",
		[RAFT_PRECANDIDATE] = "pre-candidate",
		[RAFT_CANDIDATE] = "candidate",
		[RAFT_LEADER] = "leader",
		[RAFT_STOPPED] = "stopped",
	};

	return role < ARRAY_SIZE(name) ? name[role] : "?";
}
