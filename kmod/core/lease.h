/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leases, one per pair of nodes (S9, V1, V3, V10 in rules.h).
 *
 * A lease lets the leader serve reads without asking anybody: as long as a
 * quorum's leases run, no other leader can have got as far as completing a
 * write.  It is granted between nodes, not between shards, so that idle
 * volumes cost nothing.
 *
 * The VOTER keeps, for each other node (and its own), the time until which it
 * has granted, and a version of the list of its replicas that obey this node.
 * A replica that ceases to (higher promise, pending OPEN, failure, restart)
 * takes over the time granted so far as its own to wait for, and raises the
 * version before it says anything else to anybody.
 *
 * The HOLDER keeps, for each node, the time at which it sent the newest
 * heartbeat that came back, and the version that came with it.  A member of a
 * shard counts as leased if the leader heard the same version from that very
 * member (in OPEN_REPLY or APPEND_ACK), and 0.9 leases have not gone by since
 * the heartbeat was *sent*.
 *
 * Any message from holder to voter carries the number of the newest heartbeat
 * (qbd_lease_mark()) and counts as one (qbd_lease_grant()), any reply carries
 * the echo (qbd_lease_stamp(), qbd_lease_echo()), so that bulk data ahead of
 * a heartbeat does not expire the lease.
 *
 * A node is its own voter too, if it has a replica of what it leads: the same
 * two structs, fed by the shell without a connection in between.
 *
 * The caller serializes calls on one struct; @now_ns is BOOTTIME.
 */
#ifndef QBD_CORE_LEASE_H
#define QBD_CORE_LEASE_H

#include "env.h"

#define QBD_LEASE_BEATS 16 /* heartbeats under way that can be told apart */

/**
 * struct qbd_lease_voter - what this node granted to another one
 * @version: of the list of replicas here that obey that node
 * @until_ns: granted up to this time
 * @beat: newest heartbeat seen
 * @heard_ns: when anything was last heard from it, 0 = never (V3)
 */
struct qbd_lease_voter {
	u64 version;
	u64 until_ns;
	u64 beat;
	u64 heard_ns;
};

/**
 * struct qbd_lease_stamp - what a replica's reply says about the lease
 * @beat: newest heartbeat seen
 * @version: version of the list at this moment
 */
struct qbd_lease_stamp {
	u64 beat;
	u64 version;
};

/**
 * struct qbd_lease_view - what a leader needs to know of a node
 * @base_ns: when the newest heartbeat that was answered was sent, 0 = none
 * @version: version of the list that came with the answer
 */
struct qbd_lease_view {
	u64 base_ns;
	u64 version;
};

/**
 * struct qbd_lease_holder - what another node granted to this one
 * @beat: newest heartbeat sent
 * @view: see above
 * @sent_ns: when the last QBD_LEASE_BEATS of them were sent
 */
struct qbd_lease_holder {
	u64 beat;
	struct qbd_lease_view view;
	u64 sent_ns[QBD_LEASE_BEATS];
};

void qbd_lease_voter_init(struct qbd_lease_voter *voter, u64 random);
void qbd_lease_grant(struct qbd_lease_voter *voter, u64 now_ns, u64 beat,
		     u64 lease_ns);
struct qbd_lease_stamp qbd_lease_stamp(const struct qbd_lease_voter *voter);
u64 qbd_lease_leave(struct qbd_lease_voter *voter);
bool qbd_lease_silent(const struct qbd_lease_voter *voter, u64 now_ns,
		      u64 silence_ns);

void qbd_lease_holder_init(struct qbd_lease_holder *holder, u64 random);
u64 qbd_lease_beat(struct qbd_lease_holder *holder, u64 now_ns);
u64 qbd_lease_mark(const struct qbd_lease_holder *holder);
void qbd_lease_echo(struct qbd_lease_holder *holder, u64 now_ns, u64 beat,
		    u64 version);
bool qbd_lease_valid(struct qbd_lease_view view, u64 version, u64 now_ns,
		     u64 lease_ns);

#endif /* QBD_CORE_LEASE_H */
