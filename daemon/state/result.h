/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What became of a command: done, or why not, in a form that is the same on
 * every server, small enough to be remembered, and good enough for a person.
 *
 * A reason is a key with up to three numbers.  state_result_text() makes a
 * sentence of it, with the names that the ids have by then.
 */
#ifndef QBD_STATE_RESULT_H
#define QBD_STATE_RESULT_H

#include "env.h"

/*
 * Key, errno, text.  In a text %v is the volume, %n the node, %s the store with
 * that id, %u the number itself; one for each argument, in order.
 */
#define STATE_WHYS(X)                                                          \
	X(NONE, 0, "done")                                                     \
	X(BAD, EINVAL, "the command makes no sense: %u")                       \
	X(UNKNOWN, EOPNOTSUPP, "command %u needs a higher feature level")      \
	X(NO_CLUSTER, ENODEV, "there is no cluster yet")                       \
	X(CLUSTER, EEXIST, "there is a cluster already")                       \
	X(FORGOTTEN, ESTALE,                                                   \
	  "request %u is too old to know what became of it: look before you "  \
	  "try again")                                                         \
	X(NAME, EINVAL, "a name has 1 to 63 letters, digits, '.', '_', '-'")   \
	X(NAME_TAKEN, EEXIST, "the name is in use: id %u")                     \
	X(KEY_TAKEN, EEXIST, "the key is in use by node %n")                   \
	X(ADDR, EINVAL, "address %u makes no sense")                           \
	X(LABEL, EINVAL, "label %u makes no sense")                            \
	X(SETTING, EINVAL, "setting %u can not be %u")                         \
	X(NO_NODE, ENOENT, "there is no node %u")                              \
	X(NO_STORE, ENOENT, "there is no store %u")                            \
	X(NO_VOLUME, ENOENT, "there is no volume %u")                          \
	X(NO_SHARD, ENOENT, "volume %v has no shard %u")                       \
	X(NO_REPLICA, ENOENT, "shard %u of volume %v has no replica %u")       \
	X(NO_TOKEN, EACCES, "the token is not known, or revoked")              \
	X(NO_JOB, ENOENT, "there is no job %u")                                \
	X(TOKEN_OLD, EACCES, "the token expired, or was used up")              \
	X(NODES_FULL, ENOSPC, "a cluster has at most %u nodes")                \
	X(STORES_FULL, ENOSPC, "no room for another store: limit %u")          \
	X(VOLUMES_FULL, ENOSPC, "a cluster has at most %u volumes")            \
	X(SHARDS_FULL, ENOSPC, "a cluster has at most %u shards")              \
	X(CHANGES_FULL, ENOSPC, "%u replica sets are being changed already")   \
	X(TOMBS_FULL, ENOSPC,                                                  \
	  "%u replicas wait for being deleted: are their nodes up?")           \
	X(TOKENS_FULL, ENOSPC, "there are %u tokens: revoke some")             \
	X(JOBS_FULL, ENOSPC, "%u jobs are under way")                          \
	X(IDS_FULL, EOVERFLOW, "all ids were used")                            \
	X(NODE_STATE, EBUSY, "node %n is in state %u")                         \
	X(NODE_STORES, EBUSY, "node %n has %u stores: drain it first")         \
	X(NODE_HOLDS, EBUSY, "node %n holds volume %v: detach it first")       \
	X(STORE_TAKEN, EEXIST, "the store is known: id %u on node %n")         \
	X(STORE_REMOVED, EEXIST, "store %u was removed: format it anew")       \
	X(STORE_STATE, EBUSY, "store %s is in state %u")                       \
	X(STORE_HOLDS, EBUSY, "store %s has %u replicas: drain it first")      \
	X(STORE_ROLLED_BACK, ESTALE,                                           \
	  "store %s was opened %u times, now it says %u: an old copy of it?")  \
	X(STORE_FULL, ENOSPC, "store %s has %u replicas, as many as it can")   \
	X(SIZE, EINVAL, "a volume can not have this size")                     \
	X(SHRINK, EINVAL, "volume %v can not shrink below %u bytes")           \
	X(COPIES, EINVAL, "a shard has 1 to %u copies")                        \
	X(POLICY, EINVAL, "policy %u is not known")                            \
	X(SHARD_ORDER, ESTALE, "the next shard of volume %v is %u, not %u")    \
	X(SAME_NODE, EINVAL, "two copies of shard %u would be on node %n")     \
	X(VOLUME_STATE, EBUSY, "volume %v is in state %u")                     \
	X(GROWING, EBUSY, "volume %v is growing to %u bytes")                  \
	X(HELD, EBUSY, "volume %v is held by node %n: detach it first")        \
	X(ATTACHED, EBUSY,                                                     \
	  "volume %v is attached on node %n under term %u: detach it there, "  \
	  "or use --force, which fences it")                                   \
	X(PARKED, ESTALE,                                                      \
	  "volume %v was detached, or is wanted elsewhere: it does not move "  \
	  "by itself")                                                         \
	X(TERM, ESTALE, "volume %v has term %u by now, not %u")                \
	X(NOT_HOLDER, ESTALE, "volume %v is not held by node %n")              \
	X(EPOCH, ESTALE, "shard %u of volume %v has epoch %u by now")          \
	X(CHANGING, EBUSY, "the set of shard %u of volume %v is changing")     \
	X(NOT_CHANGING, ESTALE, "the set of shard %u of volume %v is settled") \
	X(STAGE, ESTALE, "shard %u of volume %v is at stage %u of its change") \
	X(NOT_MADE, EAGAIN, "a new copy of shard %u of volume %v is not made") \
	X(SET, EINVAL, "shard %u of volume %v would have no valid set")        \
	X(JOB_ENDED, ESTALE, "job %u has ended")                               \
	X(LOST_ONLY, EBUSY,                                                    \
	  "without node %n volume %v has no quorum of shard %u: bring the "    \
	  "others back, or delete the volume first")                           \
	X(NODE_LOST, EBUSY, "node %n was given up for lost")                   \
	X(NEWER, EOPNOTSUPP,                                                   \
	  "the cluster has feature level %u, and this version knows %u")

#define STATE_WHY_ENUM(name, err, text) STATE_WHY_##name,

/* Reasons; STATE_WHY_NONE: it was done. */
enum state_why {
	STATE_WHYS(STATE_WHY_ENUM) STATE_WHYS_NR
};

/**
 * struct state_result - what became of a command
 * @why: enum state_why; STATE_WHY_NONE = done
 * @arg: of the reason; done: ids and terms that were given out
 */
struct state_result {
	u16 why;
	u64 arg[3];
};

struct state;

int state_result_errno(const struct state_result *res);
const char *state_result_key(const struct state_result *res);
void state_result_text(const struct state *s, const struct state_result *res,
		       char *text, u32 size);

#endif /* QBD_STATE_RESULT_H */
