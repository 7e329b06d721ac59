/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated group of Raft servers: the real core and codec, with a network,
 * disks, clocks, clients and administrators that are not.
 *
 * A schedule is a seed: it has a time of faults, then everything is healed and
 * the group has to come to rest.  After each step of each server the oracle
 * (raft_oracle.c) looks at it, and at each message that it sends.  RULES:
 *
 *   R1	one leader in a term, elected by votes that are on stable media
 *   R2	a leader has all that was committed before
 *   R3	logs that have an entry of the same term and index are the same up to it
 *   R4	nobody commits another entry at an index, or one that no leader
 *committed; commit index and term never go back, what is committed never goes
 *away R5	what a server says, and what a leader counts, is on stable media
 *   R6	a configuration counts as long as it is in the log; none is logged
 *before an own-term commit or beside another one; new voters have caught up; a
 *	snapshot has the committed one
 *   R7	a read shows all that was committed when it was asked for
 *   R8	a group that is whole again works; who is behind, or has a leader, is
 *not helped to campaign; a leader that hears no quorum ends R9	who lost its log
 *says nothing
 */
#ifndef QBD_RAFT_SIM_H
#define QBD_RAFT_SIM_H

#include "raft_types.h"

/* raft_world.c */
struct rs_world *rs_world_new(void);
void rs_world_run(struct rs_world *w, u64 seed, bool trace);
void rs_at(struct rs_world *w, u64 at, u8 kind, u32 node, u32 arg);
void rs_send(struct rs_world *w, u32 from, const struct raft_msg *msg);
void rs_trace(struct rs_world *w, const char *fmt, ...) __printf(2, 3);
void rs_broken(struct rs_world *w, const char *rule, const char *fmt, ...)
	__printf(3, 4);
u64 rs_clock(const struct rs_world *w, const struct rs_node *n);
u64 rs_hash_of(u64 chain, const struct raft_entry *entry);

/* raft_node.c */
void rs_node_add(struct rs_world *w, u64 id, const struct raft_config *conf);
void rs_node_start(struct rs_world *w, u32 node);
void rs_node_crash(struct rs_world *w, u32 node, bool torn);
int rs_step(struct rs_world *w, u32 node, struct raft_event *event);
void rs_tick(struct rs_world *w, u32 node);
void rs_snapshot_take(struct rs_world *w, u32 node);
void rs_snapshot_taken(struct rs_world *w, u32 node);
int rs_leader(const struct rs_world *w);
bool rs_hears(const struct rs_world *w, u32 node, u32 other);
bool rs_awake(const struct rs_world *w, int node);

/* raft_disk.c */
void rs_disk_format(struct rs_disk *disk);
void rs_store_begin(struct rs_world *w, u32 node);
void rs_stored(struct rs_world *w, u32 node);
void rs_store_crash(struct rs_world *w, u32 node, bool torn);
int rs_disk_load(struct rs_world *w, u32 node, struct raft_start *start,
		 struct raft_entry *entry);
bool rs_disk_state(const struct rs_disk *disk, struct raft_hard *hard);
bool rs_disk_has(const struct rs_node *n, u64 term, u64 index);
bool rs_disk_flip(struct rs_world *w, struct rs_disk *disk);
void rs_machine_save(const struct rs_machine *m, u8 *data);
void rs_machine_load(struct rs_machine *m, const u8 *data);

/* raft_client.c */
void rs_client_run(struct rs_world *w, u32 client);
void rs_client_applied(struct rs_world *w, u32 node,
		       const struct raft_entry *entry);
void rs_read_decided(struct rs_world *w, u32 node,
		     const struct raft_read *read);
void rs_reads_look(struct rs_world *w, u32 node);

/* raft_nemesis.c, raft_member.c */
void rs_nemesis_start(struct rs_world *w);
void rs_nemesis_run(struct rs_world *w);
void rs_heal(struct rs_world *w);
bool rs_strike(struct rs_world *w, enum rs_fault fault);
void rs_traps(struct rs_world *w);
bool rs_member_strike(struct rs_world *w, enum rs_fault fault);
bool rs_may_lose(const struct rs_world *w, u32 node);
void rs_rest(struct rs_world *w);
const char *rs_fault_name(enum rs_fault fault);
const char *rs_phase_name(enum rs_phase phase);

/* raft_oracle.c */
void rs_oracle_step(struct rs_world *w, u32 node);
void rs_oracle_sent(struct rs_world *w, u32 node, const struct raft_msg *msg);
void rs_oracle_start(struct rs_world *w, u32 node);
void rs_oracle_snapshot(struct rs_world *w, u32 node,
			const struct raft_snap *snap);
void rs_oracle_end(struct rs_world *w);

#endif /* QBD_RAFT_SIM_H */
