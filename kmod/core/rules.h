/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules that keep the promises, and the execution that each prevents.
 *
 * The code names them beside the functions that keep them, the simulator's
 * mutants break them one by one.  A, B, C are replicas, L1 the old holder, L2
 * the new one; (5,20) is the record with term 5 and index 20.
 *
 * SAFETY
 *
 * S1  Only what is committed goes home: a record is written to its home, and
 *     into the map, at or below min(commit told by the leader of this term,
 *     durable here, matched with that leader in this term).
 *     Else: A alone has (5,10), its log is full, it goes home. L2 makes another
 *     (6,10) with B and C; A truncates 10, and its home keeps it for ever.
 *
 * S2  A term belongs to one attach in one life of a kernel: OPEN carries a
 *     random session nonce that is kept with the promise; the same term under
 *     another nonce is refused. In a term the history is chosen once.
 *     Else: L1 reboots and goes on in term 6: (6,21) has two contents.
 *
 * S3  A replica whose memory is gone does not vouch for what was only there.
 *     (For acknowledgements from memory, which this version does not give.)
 *
 * S4  An ack proves a matching log. APPEND names the record before it, a
 *     replica refuses gaps and mismatches; an ack is of one term, incarnation
 *     and session and counts up to what is matched in this term; what comes
 *     from another replica's log is committed there.
 *     Else: C holds a stale (4,20), says "received 20", and is counted for
 *     (6,20).
 *
 * S5  Replay of a log follows the chain alone: run number, CRC of the header
 *     before, and what was durable when a segment was written. A bad segment
 *     that a later one proves durable is damage, any other one is a torn tail.
 *     Behind damage a replica that can't prove its records and its promise does
 *     not vote. Control records are in the table before the tail passes them.
 *     Else: what a recovery has cut off is valid again after the next power
 *     cut; or a promise is lost without a trace.
 *
 * S6  One joint step at a time, completed by compare-and-set on term and epoch;
 *     while it lasts each quorum is one of both sets.
 *     Else: the new set is adopted while a leader that does not know of it
 *     still completes with the old one.
 *
 * S7  A holder completes nothing, on any shard, before every shard of the
 *     volume is promised to its term; one that learns of a higher term on one
 *     shard stops all. Shards that are added have such a gate of their own, and
 *     whoever attaches after they were decided on opens them too.
 *     Else: L2 replays a journal on shard 1 while L1 still writes to shard 2.
 *
 * S8  A read ends only when no record that overlaps it, up to the index that
 *     its bytes show, is uncompleted. A replica that is asked answers only if
 *     it is in the term and has at least what was completed. Leases are looked
 *     at when the bytes are in hand.
 *     Else: a read shows (5,20), which dies with L1; the next shows 19.
 *
 * S9  After a start a replica answers no OPEN of another node until the longest
 *     lease that it may have granted has run out. A heartbeat renews exactly
 *     the replicas in its list version, and who leaves raises that version
 *     before it says anything.  The holder counts 0.9 of a lease, from before
 *     it asked, on a clock that runs while the machine sleeps.
 *     Else: A restarts, forgets its lease, obeys L2; L1 reads what was.
 *
 * S10 On OPEN the promise rises in memory first, then the last index is read,
 *     then the promise is persisted, then answered.
 *     Else: (5,21) slips in between, is acknowledged, and L2 never hears of it.
 *
 * S11 A replica is destroyed only by a tombstone that names its id and epoch,
 *     never because nobody knows it; ids are never used again; an older order
 *     than one known is refused. A store that was rolled back does not vote,
 *     nor does what is made in it later (open.h).
 *     Else: the disk of C is put back to before its promise 6; with C and A L1
 *     completes in term 5 what L2, which has 6 from B and C, never hears of.
 *
 * S12 What a resync copies is decided by indexes of last changes, which freed
 *     chunks keep; a half-copied replica reports what it had before.
 *
 * S13 and S14 are about acknowledgements from memory and about snapshots of
 * several shards, S15 about writes that bypass the log: this version has none.
 *
 * S16 A record is accepted only with room for its home reserved.
 *
 * LIVENESS
 *
 * V1  A pending OPEN of a higher term ends the renewal of leases for lower
 *     ones, and is answered when the last of them has run out.
 * V2  A record that may not go home yet is logged again at the head before the
 *     tail of the log reaches it, and each replica has its share of the log:
 *     shards without a quorum never stop a store.
 * V3  Who takes over without force has a quorum of replicas' kernels that hear
 *     nothing of the holder's kernel; a silent daemon is no dead holder.
 * V4  A member leaves the live stream only while a quorum stays in it; else the
 *     window throttles the writer.
 * V5  Near the head the leader keeps the ring for a member that catches up, so
 *     that the chase ends.
 * V6  Recovery that gets nowhere asks for a new term, with growing patience. It
 *     never chooses again in its own.
 * V9  An attach waits for the worst shard, and says for which.
 * V10 Any ack renews a lease: bulk data ahead of heartbeats does not end it.
 *
 * FORCED DETACH, in this order: the volume is dead, so that new requests fail;
 * all requests that are held or under way end; the disk is marked dead, which
 * lets file systems know, and what they send then ends too; the disk is
 * deleted; the last reference is put.  Nothing before the deletion waits for a
 * lock that a frozen queue holds, for that waits for these very requests.
 */
#ifndef QBD_CORE_RULES_H
#define QBD_CORE_RULES_H
#endif /* QBD_CORE_RULES_H */
