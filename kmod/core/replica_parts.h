/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the replica share; nobody else includes this.
 *
 * replica.c: events, authority, replies.  replica_open.c: promise, leases,
 * release.  replica_log.c: append, match, truncate, acks.  replica_serve.c:
 * reads and records for others.  replica_resync.c, replica_source.c: the two
 * sides of a resync.
 */
#ifndef QBD_CORE_REPLICA_PARTS_H
#define QBD_CORE_REPLICA_PARTS_H

#include "replica.h"

struct qbd_msg *qbd_replica_send(const struct qbd_replica_core *rep, u32 node,
				 u16 type, struct qbd_actions *acts);
struct qbd_msg *qbd_replica_complain(const struct qbd_replica_core *rep,
				     u32 reason, struct qbd_actions *acts);
struct qbd_msg *qbd_replica_reply(const struct qbd_replica_core *rep, u32 node,
				  const struct qbd_msg *to, u16 type,
				  struct qbd_actions *acts);
struct qbd_msg *qbd_replica_reply_by(const struct qbd_replica_core *rep,
				     u32 node, const struct qbd_msg *to,
				     u16 type, enum qbd_action_kind kind,
				     struct qbd_actions *acts);
void qbd_replica_nack(const struct qbd_replica_core *rep, u32 node,
		      const struct qbd_msg *to, u32 reason,
		      struct qbd_actions *acts);
void qbd_replica_stamp(const struct qbd_replica_core *rep, struct qbd_msg *msg);
u64 qbd_replica_epoch(const struct qbd_replica_core *rep);
u64 qbd_replica_min_term(const struct qbd_replica_core *rep);
bool qbd_replica_obeys(struct qbd_replica_core *rep,
		       const struct qbd_replica_event *event,
		       struct qbd_actions *acts);
void qbd_replica_fail(struct qbd_replica_core *rep, int err,
		      struct qbd_actions *acts);

void qbd_replica_open(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts);
void qbd_replica_promised(struct qbd_replica_core *rep, u64 term, u64 nonce,
			  struct qbd_actions *acts);
void qbd_replica_release(struct qbd_replica_core *rep,
			 const struct qbd_replica_event *event,
			 struct qbd_actions *acts);
void qbd_replica_wakeup(struct qbd_replica_core *rep, u64 now_ns,
			struct qbd_actions *acts);
void qbd_replica_leave(struct qbd_replica_core *rep);

u64 qbd_replica_term_at(const struct qbd_replica_core *rep, u64 index);
struct qbd_pos qbd_replica_hint(const struct qbd_replica_core *rep,
				struct qbd_pos pos, u64 floor);
bool qbd_replica_truncate(struct qbd_replica_core *rep, u64 index, u64 term,
			  struct qbd_actions *acts);
void qbd_replica_append(struct qbd_replica_core *rep,
			const struct qbd_replica_event *event,
			struct qbd_actions *acts);
void qbd_replica_logged(struct qbd_replica_core *rep, struct qbd_pos pos,
			struct qbd_actions *acts);
void qbd_replica_truncated(struct qbd_replica_core *rep);
void qbd_replica_unlogged(struct qbd_replica_core *rep, struct qbd_pos pos);
void qbd_replica_full(struct qbd_replica_core *rep, struct qbd_actions *acts);
void qbd_replica_full_forgot(struct qbd_replica_core *rep, struct qbd_pos pos,
			     struct qbd_actions *acts);
void qbd_replica_full_tick(struct qbd_replica_core *rep,
			   struct qbd_actions *acts);
void qbd_replica_floor(struct qbd_replica_core *rep, u64 term,
		       struct qbd_actions *acts);
void qbd_replica_told(struct qbd_replica_core *rep, u64 commit,
		      struct qbd_actions *acts);
void qbd_replica_ack(const struct qbd_replica_core *rep,
		     struct qbd_actions *acts);

void qbd_replica_read(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts);
void qbd_replica_read_done(struct qbd_replica_core *rep,
			   const struct qbd_replica_event *event,
			   struct qbd_actions *acts);
void qbd_replica_fetch(struct qbd_replica_core *rep,
		       const struct qbd_replica_event *event,
		       struct qbd_actions *acts);
void qbd_replica_log_bad(struct qbd_replica_core *rep,
			 const struct qbd_replica_event *event,
			 struct qbd_actions *acts);
void qbd_replica_fill(struct qbd_replica_core *rep, struct qbd_actions *acts);

void qbd_replica_resync(struct qbd_replica_core *rep,
			const struct qbd_replica_event *event,
			struct qbd_actions *acts);
void qbd_replica_resync_got(struct qbd_replica_core *rep,
			    const struct qbd_replica_event *event,
			    struct qbd_actions *acts);
void qbd_replica_shadowed(struct qbd_replica_core *rep,
			  const struct qbd_replica_event *event,
			  struct qbd_actions *acts);
void qbd_replica_resync_forgot(struct qbd_replica_core *rep);
bool qbd_replica_unshadow(struct qbd_replica_core *rep);
void qbd_replica_resync_end(struct qbd_replica_core *rep);
void qbd_replica_resync_drive(struct qbd_replica_core *rep,
			      struct qbd_actions *acts);

void qbd_replica_pin(struct qbd_replica_core *rep,
		     const struct qbd_replica_event *event,
		     struct qbd_actions *acts);
void qbd_replica_map(struct qbd_replica_core *rep,
		     const struct qbd_replica_event *event,
		     struct qbd_actions *acts);
void qbd_replica_diff(struct qbd_replica_core *rep,
		      const struct qbd_replica_event *event,
		      struct qbd_actions *acts);
void qbd_replica_unpin(struct qbd_replica_core *rep,
		       const struct qbd_replica_event *event);
void qbd_replica_source_tick(struct qbd_replica_core *rep);
void qbd_replica_source_end(struct qbd_replica_core *rep);

#endif /* QBD_CORE_REPLICA_PARTS_H */
