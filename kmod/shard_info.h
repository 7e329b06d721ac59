/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What dumps, sysfs and debugfs show of a shard: copies, made under its lock.
 */
#ifndef QBD_SHARD_INFO_H
#define QBD_SHARD_INFO_H

#include <linux/netlink.h>
#include <linux/qbd.h>
#include <linux/types.h>

#include "core/leader_verify.h"
#include "node.h"

/**
 * struct qbd_shard_member_info - a member as its leader sees it
 * @node: where it is
 * @replica: replica id
 * @state: in-sync, lagging, ...
 * @role: what it counts for
 * @matched: highest index known equal to the leader's history in this term
 * @received: highest index received
 * @durable: highest index on stable media
 * @reason: why it refused, NULL if it did not
 */
struct qbd_shard_member_info {
	u32 node;
	u64 replica;
	enum qbd_replica_state state;
	enum qbd_member_role role;
	u64 matched;
	u64 received;
	u64 durable;
	const char *reason;
};

/**
 * struct qbd_shard_leader - what the dump shows of a shard that is led here
 * @volume: volume id
 * @number: of the shard in the volume
 * @state: of the shard
 * @term: of the attach
 * @epoch: config epoch of the set in force
 * @committed_epoch: the same once that set is committed, else 0
 * @last: index of the newest record
 * @completed: held by a write quorum up to here
 * @commit: durable on a write quorum up to here
 * @lease_ms: how long the lease still holds
 * @blocks: its size
 * @verifying: its copies are being compared
 * @verified: blocks that were looked at, 0 = they never were
 * @verify_err: how the last comparison ended
 * @verify: what it found
 * @nr_members: number of @member
 * @member: the replica set
 */
struct qbd_shard_leader {
	u32 volume;
	u32 number;
	enum qbd_shard_state state;
	u64 term;
	u64 epoch;
	u64 committed_epoch;
	u64 last;
	u64 completed;
	u64 commit;
	u32 lease_ms;
	u32 blocks;
	bool verifying;
	u32 verified;
	int verify_err;
	struct qbd_verify_counts verify;
	u32 nr_members;
	struct qbd_shard_member_info member[2 * QBD_SET_MEMBERS_MAX];
};

/**
 * struct qbd_shard_replica - what the dump shows of a replica held here
 * @state: in-sync, lagging, ...
 * @id: replica id
 * @store: uuid of the store that holds it
 * @size_bytes: size of the shard
 * @set: replica set as last logged; @set.number is the shard
 * @volume: volume id
 * @promised_term: no lower term is accepted
 * @promised_node: to whom it was promised
 * @last_term: term of the newest record
 * @last: index of the newest record
 * @durable: on stable media up to here
 * @commit: known durable on a write quorum up to here
 * @applied: at home up to here
 * @log_first: oldest index that the log still has
 * @reason: why it is not in sync, empty if it is
 */
struct qbd_shard_replica {
	enum qbd_replica_state state;
	u64 id;
	u8 store[QBD_UUID_LEN];
	u64 size_bytes;
	struct qbd_set_spec set;
	u32 volume;
	u64 promised_term;
	u32 promised_node;
	u64 last_term;
	u64 last;
	u64 durable;
	u64 commit;
	u64 applied;
	u64 log_first;
	char reason[NETLINK_MAX_FMTMSG_LEN];
};

/**
 * struct qbd_shard_counts - numbers of a shard's requests
 * @inflight: not ended
 * @held: of these, not taken by the leader yet
 * @reads: completed
 * @writes: completed
 */
struct qbd_shard_counts {
	u32 inflight;
	u32 held;
	u64 reads;
	u64 writes;
};

#endif /* QBD_SHARD_INFO_H */
