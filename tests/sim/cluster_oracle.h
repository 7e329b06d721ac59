/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules, and who is asked whether they hold.
 *
 * The oracle sees what becomes durable where, and from that alone decides what
 * is committed: a record that replicas of a quorum have on stable media, all of
 * which promised its term and no higher one at that time, and with it all that
 * comes before it in its history.  It counts by itself, it believes no index
 * that a machine names.  Only what rot, or a disk that is put back to what it
 * was, takes away before any leader has counted it is not committed any more.
 * Then:
 *
 *	R1  a read returns a version that is not older than what was known to be
 *	    acknowledged or was read when the read began, and is a block's own
 *	R2  what was read is committed, and never goes back
 *	R3  what was acknowledged is committed when it is; what was durable on a
 *	    medium is there after a restart
 *	R4  a flush that succeeds covers what was acknowledged before
 *	R5  no block is a mixture, no block is another one's
 *	R6  what goes home is committed; at the end all replicas hold what is
 *	    committed, and nothing else, in every block
 *	R7  one record per index is committed; one (term, index) names one
 *	    record; a promise holds for good
 *	R8  when all is healed everything ends, serves, and comes to rest
 *	R9  when a holder has completed something nothing is completed any
 *	    more for one before it, on any shard of the volume; clients hear of
 *	    a shard when it and all others of the volume are promised
 *
 * Order of records is order of versions: of two writes to a block the one with
 * the higher index is the newer one, so that a read is checked by comparing
 * numbers.
 *
 * R9 for a write: replicas that obey its term commit it after a later holder
 * has begun.  Its acknowledgement alone may come late: what a later holder
 * finds and commits is in the history of both.  For a read
 * under a lease: the lease was looked at before.  With reads=quorum: the read
 * began before.
 */
#ifndef QBD_SIM_CLUSTER_ORACLE_H
#define QBD_SIM_CLUSTER_ORACLE_H

#include "cluster_world.h"

struct cl_have;

void cl_oracle_new(struct cl_world *w);
void cl_oracle_start(struct cl_world *w);
void cl_broken(struct cl_world *w, const char *rule, const char *fmt, ...)
	__printf(3, 4);

/* A leader gave an index to a request. */
void cl_saw_assigned(struct cl_world *w, struct cl_op *op, u64 term, u64 index);
/* A replica hands a record to its store. */
void cl_saw_append(struct cl_world *w, u32 shard, const struct qbd_msg *msg);
/* Records up to @index are on a medium. */
void cl_saw_durable(struct cl_world *w, u32 node, u32 shard, u64 index);
/* A replica says that it promised, or obeys. */
void cl_saw_reply(struct cl_world *w, u32 node, u32 shard,
		  const struct qbd_msg *msg);
/* A leader has found out that records up to @index are committed. */
void cl_saw_counted(struct cl_world *w, u32 shard, u64 term, u64 index);
/* Records up to @index may go home. */
void cl_saw_bound(struct cl_world *w, u32 node, u32 shard, u64 index);
/* A store says what went home. */
void cl_saw_switch(struct cl_world *w, u32 node, u32 shard, struct qbd_pos at);
void cl_saw_home(struct cl_world *w, u32 node, u32 shard, u64 index);
/* A store was opened. */
void cl_saw_opened(struct cl_world *w, u32 node, u32 shard,
		   const struct cl_have *have);
/* A truncation was handed to the store, or is on the medium. */
void cl_saw_truncate(struct cl_world *w, u32 node, u32 shard, u64 index);
void cl_saw_segment(struct cl_world *w, u32 node);
void cl_saw_damage(struct cl_world *w, u32 node);
/* A request begins, and ends well. */
void cl_saw_invoke(struct cl_world *w, struct cl_op *op);
void cl_saw_done(struct cl_world *w, struct cl_op *op, u64 made_ns);

/* Clients are told how many shards the volume has under @term. */
void cl_saw_size(struct cl_world *w, u32 volume, u64 term, u32 nr);
/* A leader works with a replica set, its first one or another. */
void cl_saw_set(struct cl_world *w, u32 shard, u64 term,
		const struct qbd_set *set, bool first);
/* A replica is deleted, and all that was there. */
void cl_saw_deleted(struct cl_world *w, u32 node, u32 shard);

u64 cl_committed(const struct cl_world *w, u32 shard);
/* The term of the record committed there, 0 = none. */
u64 cl_committed_term(const struct cl_world *w, u32 shard, u64 index);
void cl_oracle_values(struct cl_world *w, u32 shard, u32 *value);
void cl_oracle_acked(struct cl_world *w);
bool cl_quorum(const struct cl_world *w, u32 shard, u64 term, u32 mask);
bool cl_is_member(const struct cl_world *w, u32 node, u32 shard);

/* cluster_end.c */
bool cl_end_rest(struct cl_world *w, const char **why);
bool cl_end_given_up(struct cl_world *w);
void cl_end_show(struct cl_world *w);
void cl_end_check(struct cl_world *w);

#endif /* QBD_SIM_CLUSTER_ORACLE_H */
