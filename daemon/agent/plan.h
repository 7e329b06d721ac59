/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The planner of a node: what its kernel is asked for next, and what is said
 * to who leads.
 *
 * Pure but for its memory of what it asked: no I/O, and the clock comes with
 * each call. It compares what the node has to have (want.h) with what the
 * kernel has (seen.h) and gives out a few requests at a time. The caller
 * carries them out, says how each ended (agent_done()), takes the dumps that
 * are not fresh any more (seen_fresh()), and plans again; also when want or
 * the kernel changed, and when agent_due_ms() has come.
 *
 * ORDER. The node, then peers, stores, replicas, volumes, their sets and
 * sizes; what goes comes last: stores and peers that nothing uses, and not
 * while anything else is under way.
 *
 * ONCE. What was asked for and has not ended is not asked for again; what
 * ended makes its kind stale, so that nothing more is planned about it before
 * a dump shows what came of it; what failed waits, twice as long each time, up
 * to AGENT_AGAIN_MAX_MS. The same want and seen give nothing.
 *
 * WHAT IT MUST NOT DO stands in want.h: everything here is harmless if what is
 * wanted is old. Beside that:
 *
 *   TERMS. The session of an attach is made here, of randomness that the
 *	caller gives once in the daemon's life: a session that is not the last
 *	one that this planner asked for is none of its own, and the term that
 *	goes with it is not given to the kernel. (A daemon is restarted, and so
 *	was the kernel: want says that the volume is held here under term 6.
 *	Was 6 given to the kernel that is gone? Nobody knows; S2 says: then
 *	no.) A device that runs under the term in force is adopted, whoever
 *	attached it. A term that was given is given no second time, whatever
 *	became of it; if it is lost the planner asks for another one, with a
 *	pause that grows. A first request that the kernel refused has given
 *	nothing; one of which nobody knows how it ended (-ETIMEDOUT) has.
 *   PARTS. An attach of many shards has many requests. If one of the later
 *	ones fails, or a restarted daemon finds an attach that never became
 *	whole (no shard is led after AGENT_STUCK_MS), it is undone by force,
 *	which hurts nobody since it never served.
 *   REPLICAS are made once: one that was there and is not any more, in the
 *	knowledge of this daemon or of consensus (made), is reported as lost.
 *	(7 voted, its store is gone; an empty 7 made in its place would vote
 *	again, without what the first one promised.)
 *   UNKNOWN things in the kernel are left alone, and said. Who leads can then
 *	say what is known of such a volume (push_extra() in push.h).
 *
 * REPORTS say what is, until what is wanted shows that it was heard: then
 * there is nothing to say any more. Each is repeated AGENT_SAY_MS apart while
 * that lasts. Those to which no answer is in the state (enum agent_say) are
 * said once, and again after agent_say_again(), for a new session or leader.
 *
 * BOUNDS. agent_plan() gives out as many as there is room for, AGENT_BUSY_MAX
 * are under way; the memory of tries has AGENT_TRIES_MAX entries, old ones are
 * forgotten first: what is forgotten may be said again, never given again
 * (terms are kept apart, by volume, at most AGENT_VOLUMES_MAX: beyond these no
 * volume is attached). A call looks at all that there is: a microsecond for
 * each shard and replica.
 *
 * Files: plan.c (memory, requests, ends), plan_store.c (node, peers, stores),
 * plan_replica.c, plan_volume.c (attach, detach), plan_set.c (sets, size),
 * plan_report.c; plan_nl.c (requests as attributes).
 */
#ifndef QBD_AGENT_PLAN_H
#define QBD_AGENT_PLAN_H

#include "seen.h"
#include "want.h"

#define AGENT_AGAIN_MS 1000
#define AGENT_AGAIN_MAX_MS 60000
#define AGENT_SAY_MS 2000
#define AGENT_SILENT_MS 500 /* words are good for suspect-after-ms */
#define AGENT_STUCK_MS 10000
#define AGENT_REFUSALS 3 /* of an attach, before a term is given up */
#define AGENT_TRIES_MAX 65536
#define AGENT_VOLUMES_MAX 4096
#define AGENT_SETS_MAX 7 /* shards in one request: they fit 4 KiB */
#define AGENT_BUSY_MAX 64 /* requests under way */
#define AGENT_REASON_MAX 127

/**
 * struct agent_request - what the kernel is asked for
 * @cmd: QBD_CMD_*
 * @object: what it is about; agent_done() finds it by this
 * @node: NODE_START: id; PEER_*: the peer's
 * @uuid: NODE_START: of the cluster; STORE_*, REPLICA_CREATE: of the store
 * @lineage: NODE_START
 * @lease_ms: NODE_START
 * @name: NODE_START, VOLUME_ATTACH; good until the next want_take()
 * @path: STORE_ADD: the device; the caller's own
 * @opens: STORE_ADD: it was opened as often, at least
 * @replica: REPLICA_*: id
 * @volume: id
 * @shard: number
 * @term: VOLUME_ATTACH, _GROW, SHARD_CONFIG; REPLICA_FLOOR: the floor
 * @epoch: REPLICA_DELETE; else it is in the set
 * @size: VOLUME_ATTACH, _GROW; REPLICA_CREATE: of the shard
 * @shard_bytes: VOLUME_ATTACH
 * @on_no_quorum: VOLUME_ATTACH, _SET
 * @no_quorum_ms: VOLUME_ATTACH, _SET
 * @reads: VOLUME_ATTACH
 * @force: VOLUME_DETACH
 * @repair: VOLUME_ATTACH: without a device
 * @more: VOLUME_ATTACH, _GROW: not the last part
 * @nr_sets: used of @set
 * @set: sets; members that are GONE are none; good until the next want_take()
 */
struct agent_request {
	u8 cmd;
	struct agent_key object;
	u32 node;
	u8 uuid[16];
	u64 lineage;
	u32 lease_ms;
	const char *name;
	const char *path;
	u64 opens;
	u64 replica;
	u32 volume;
	u32 shard;
	u64 term;
	u64 epoch;
	u64 size;
	u64 shard_bytes;
	u32 on_no_quorum;
	u32 no_quorum_ms;
	u32 reads;
	bool force;
	bool repair;
	bool more;
	u32 nr_sets;
	const struct want_shard *set[AGENT_SETS_MAX];
};

/**
 * enum agent_say - what is reported; with a star: once, the state has no answer
 * @AGENT_SAY_STORE: a store is open, or failed: uuid, opens, capacity, free
 * @AGENT_SAY_MADE: a replica was made
 * @AGENT_SAY_GONE: a replica that was to be deleted is not there any more
 * @AGENT_SAY_LOST: * a replica that was made is not there
 * @AGENT_SAY_TERM: volume: a new term is needed, for session; term: the one
 *	that was heard of (ATTACH compares it)
 * @AGENT_SAY_ATTACHED: * a volume under a term: device, "" if it is held for
 *	repair
 * @AGENT_SAY_RELEASED: a volume under a term is held here no more
 * @AGENT_SAY_GROWN: a volume under a term has that size
 * @AGENT_SAY_FILLED: all learners of a shard have what the others have, or
 *	there are none; epoch, replica: the first of them
 * @AGENT_SAY_SET: the set of a shard with that epoch is on stable media
 * @AGENT_SAY_SILENT: a replica's kernel does not hear the holder's (takeover.h)
 * @AGENT_SAY_FAILED: * a request failed: error, reason; what it was about
 * @AGENT_SAY_FOREIGN: * the kernel has a node of another id, cluster or lineage
 * @AGENT_SAY_UNKNOWN: * the kernel has a volume, or a replica, that is not
 *	known: volume, term; or replica
 */
enum agent_say {
	AGENT_SAY_STORE,
	AGENT_SAY_MADE,
	AGENT_SAY_GONE,
	AGENT_SAY_LOST,
	AGENT_SAY_TERM,
	AGENT_SAY_ATTACHED,
	AGENT_SAY_RELEASED,
	AGENT_SAY_GROWN,
	AGENT_SAY_FILLED,
	AGENT_SAY_SET,
	AGENT_SAY_SILENT,
	AGENT_SAY_FAILED,
	AGENT_SAY_FOREIGN,
	AGENT_SAY_UNKNOWN,
};

/**
 * struct agent_report - something that is reported
 * @say: enum agent_say
 * @store: id; STORE of one that is not known: 0
 * @uuid: STORE
 * @failed: STORE: it is no use; SILENT: the replica does not vote
 * @opens: STORE
 * @capacity: STORE
 * @free: STORE
 * @replica: id
 * @volume: id
 * @shard: number
 * @term: of the volume
 * @epoch: of the shard
 * @session: TERM
 * @size: GROWN
 * @node: SILENT: the holder
 * @silent_ms: SILENT: since it was heard
 * @age_ms: SILENT: since that was looked at
 * @cmd: FAILED: QBD_CMD_*
 * @error: FAILED: negative errno
 * @text: ATTACHED: device; FAILED, STORE: reason; else ""
 */
struct agent_report {
	u8 say;
	u32 store;
	u8 uuid[16];
	bool failed;
	u64 opens;
	u64 capacity;
	u64 free;
	u64 replica;
	u32 volume;
	u32 shard;
	u64 term;
	u64 epoch;
	u64 session;
	u64 size;
	u32 node;
	u32 silent_ms;
	u32 age_ms;
	u8 cmd;
	int error;
	char text[AGENT_REASON_MAX + 1];
};

/**
 * struct agent_ops - what the planner asks the caller
 * @path: device of the store with that uuid, NULL = not known; stays good as
 *	long as the request
 * @arg: passed to it
 */
struct agent_ops {
	const char *(*path)(void *arg, const u8 uuid[16]);
	void *arg;
};

struct agent;

int agent_create(struct agent **made, const struct want *want,
		 struct seen *seen, u64 life, const struct agent_ops *ops);
void agent_destroy(struct agent *agent);
u32 agent_plan(struct agent *agent, u64 now_ms, struct agent_request *req,
	       u32 max);
void agent_done(struct agent *agent, const struct agent_request *req, int err,
		const char *reason, u64 now_ms);
void agent_withdraw(struct agent *agent, const struct agent_request *req);
u32 agent_reports(struct agent *agent, u64 now_ms, struct agent_report *report,
		  u32 max);
bool agent_give_up(struct agent *agent, u32 volume, u64 term);
void agent_say_again(struct agent *agent);
u64 agent_due_ms(const struct agent *agent, u64 now_ms);

#endif /* QBD_AGENT_PLAN_H */
