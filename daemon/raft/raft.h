/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raft, as a function: an event goes in, an update comes out.
 *
 * CONTRACT.  raft_step() is called by one thread, with one event after the
 * other.  The caller carries out the update before the next call, for it points
 * into the log and into the event:
 *
 *   1. @batch goes to the store, which carries out batches one at a time and
 *	what is in them in the order of the RAFT_STORE_ flags; a crash leaves a
 *	beginning of it.  When all of it is on stable media: PERSISTED.  There
 *	is never more than one batch under way; what comes up meanwhile is in
 *	the next one.  That is the group commit.
 *   2. @chunk goes to the file of the snapshot that is being received: CHUNK,
 *	when it is on stable media.
 *   3. @msg are sent, at once and without waiting for 1 or 2.  They may be
 *	lost, doubled and overtake each other.  No order between sends and
 *	writes is left to the caller: whatever promises something is held here
 *	until PERSISTED says that it is true after a crash too.
 *   4. @restore, then the entries to apply: they are committed.
 *   5. @read: answer when that index is applied.
 *
 * What is held: a vote, and every other answer, until the term and vote are
 * durable; an append's, also until its entries are; requests for votes, until
 * the own term and vote are (or a candidate that crashed would lead the same
 * term twice, with other entries); the leader's own match.  What is not: the
 * leader sends entries before it has stored them, for it counts itself only
 * when it has.
 *
 * PERSISTED with an error stops the server for good: what the disk has now is
 * unknown.  It answers nobody; raft_create() with what can be read starts anew.
 *
 * TIME is in the events.  raft_deadline() says when a TICK is wanted.  Clocks
 * may run at different rates: they are for liveness, no safety rests on them.
 *
 * THE RULES, and what happens without them.  A to E are servers.
 *
 *   1. A leader logs a no-op, and no configuration before an entry of its own
 *	term is committed, nor while another one is not.  (The bug of 2015: A
 *	logs "add E" in term 1 and is cut off.  B, which never saw it, logs
 *	"remove C" in term 2.  A quorum of the one need not meet a quorum of
 *	the other; both commit.)
 *   2. Only entries of the own term commit by counting.  (A logs 2 in term 2
 *	on A, B; E leads term 3 with another 2; A leads term 4, brings its 2 to
 *	C and counts A, B, C; E, whose last term is higher than C's, is elected
 *	and overwrites it.)
 *   3. Pre-vote: nobody raises its term before a quorum would vote for it: its
 *	log is good enough and none of them heard a leader within the election
 *	timeout.  A yes to that is not a vote.  A leader that does not hear a
 *	quorum steps down.  (A server cut off from the others, or removed, comes
 *	back with a high term and ends a leader that served; a leader cut off in
 *	one direction keeps all others from electing one.)
 *   4. A configuration counts from the moment it is in the log; {committed,
 *	latest} are kept; truncation goes back to the one before; snapshots have
 *	the committed one.  (A truncated "C, D, E" goes on being used: two
 *	quorums.  Or one that was never committed comes back by a snapshot.)
 *   5. Changes are joint: a quorum of the old and one of the new voters, for
 *	votes and commits.  (From {A, B, C} to {A, D, E} in one step: B, C elect
 *	in the old set while A's new majority commits.)
 *   6. Learners count nowhere, and become voters only when they have caught up;
 *	1 to 7 voters.  (Two empty voters are added to a group of two: nothing
 *	commits until they have everything.)
 *   7. ReadIndex: not before an entry of the own term is committed, and after a
 *	round to a quorum begun behind the request.  (A new leader does not know
 *	yet what the last one committed; a deposed one does not know the new
 *	one's.)
 *   8. Leadership is handed over to a server that has the whole log, with
 *	a deadline; until then nothing is accepted.  (Proposals pile up behind a
 *	target that died, for ever.)
 *   9. A log that was lost or is corrupt ends its id: the server says nothing
 *	and counts nowhere until it is added under an id never used.  (C
 *	acknowledged 5, so A committed it; C's disk is wiped; A dies; B and C
 *	elect B, which never had 5.)
 *  10. Votes, acknowledgements and the own match count only after PERSISTED.
 *	(B votes for A, crashes, comes back and votes for C in that term.)
 *
 * Also: a follower takes the commit index only as far as its log is known to be
 * the leader's, and the leader tells it no more (a heartbeat would commit what
 *a follower has from a deposed leader); nothing below the commit index is ever
 * truncated; a late append never shortens a log that agrees with it.
 *
 * MEMORY is handed over at create and bounded: entries behind the base of the
 * log are in a ring.  If it is full proposals get -ENOSPC and appends are
 * acknowledged as far as they fit, until COMPACT makes room.
 *
 * BAD MESSAGES are refused with an errno and counted.  Broken invariants end
 * the process (RAFT_BUG).
 *
 * Files: create.c, step.c (events, and what is held), look.c, election.c,
 * replicate.c (append, heartbeats), progress.c (the leader's view of the
 * others), log.c, config.c (sets), change.c (how they change), snapshot.c,
 * read.c, transfer.c, seen.c (was a log put back?), codec.c (entries,
 * configurations, hard state), codec_msg.c (messages).
 */
#ifndef QBD_RAFT_RAFT_H
#define QBD_RAFT_RAFT_H

#include "event.h"

/**
 * enum raft_role - what a server is
 * @RAFT_FOLLOWER: follows, or waits for somebody to follow
 * @RAFT_PRECANDIDATE: asks who would vote for it
 * @RAFT_CANDIDATE: asks for votes
 * @RAFT_LEADER: leads
 * @RAFT_STOPPED: its store failed
 */
enum raft_role {
	RAFT_FOLLOWER,
	RAFT_PRECANDIDATE,
	RAFT_CANDIDATE,
	RAFT_LEADER,
	RAFT_STOPPED,
};

/**
 * struct raft_options - what a server is made of
 * @id: its id, not 0
 * @seed: of its random timeouts
 * @election_ns: shortest time without a leader before it campaigns
 * @beat_ns: between heartbeats, at most half of @election_ns
 * @window: entries that may be under way to a server
 * @append_entries: of one message, up to RAFT_APPEND_ENTRIES_MAX
 * @append_bytes: of their data in one message, unless one alone has more
 * @chunk_bytes: of a snapshot in one message, up to RAFT_CHUNK_BYTES_MAX
 * @slot: memory for @slots entries, a power of two
 * @slots: how many
 * @pool: memory for their data
 * @pool_bytes: at least twice RAFT_ENTRY_BYTES_MAX, for entries of that size
 */
struct raft_options {
	u64 id;
	u64 seed;
	u64 election_ns;
	u64 beat_ns;
	u32 window;
	u32 append_entries;
	u32 append_bytes;
	u32 chunk_bytes;
	struct raft_slot *slot;
	u32 slots;
	u8 *pool;
	u64 pool_bytes;
};

/**
 * struct raft_start - what its store has, on stable media
 * @now_ns: the time
 * @term: hard state
 * @vote: hard state
 * @damaged: the store lost something that may have been promised (rule 9)
 * @snap: the snapshot in use; with index 0 its configuration is what the
 *	cluster begins with, or nothing: wait to be added
 * @entry: the log; entries in @snap are left out of it or not
 * @nr: how many
 * @partial: a snapshot that was being received, index 0 = none
 * @partial_bytes: how much of it there is
 *
 * The entries are acknowledged without being written again.  So the store has
 * to sync what it read, and to note it as known (raft_scan_next()), before: an
 * entry that a torn batch left whole would be cut by a later damage.
 */
struct raft_start {
	u64 now_ns;
	u64 term;
	u64 vote;
	bool damaged;
	struct raft_snap snap;
	const struct raft_entry *entry;
	u32 nr;
	struct raft_snap partial;
	u64 partial_bytes;
};

/**
 * struct raft_counters - what a server saw
 * @bad: messages that can not be right
 * @stale: messages of the past, or for somebody else
 * @full: appends that did not fit
 * @elections: campaigns begun
 * @stepped_down: as a leader, for lack of a quorum
 * @conflicts: truncations, and logs that a snapshot replaced
 * @snapshots: installed
 */
struct raft_counters {
	u64 bad;
	u64 stale;
	u64 full;
	u64 elections;
	u64 stepped_down;
	u64 conflicts;
	u64 snapshots;
};

struct raft;

size_t raft_size(void);
int raft_create(struct raft *r, const struct raft_options *opt,
		const struct raft_start *start);
int raft_step(struct raft *r, const struct raft_event *event,
	      struct raft_update *update);
u64 raft_deadline(const struct raft *r);

enum raft_role raft_role(const struct raft *r);
u64 raft_leader(const struct raft *r);
u64 raft_term(const struct raft *r);
const struct raft_log *raft_log(const struct raft *r);
const struct raft_config *raft_config(const struct raft *r);
const struct raft_snap *raft_snapshot(const struct raft *r);
const struct raft_counters *raft_counters(const struct raft *r);
int raft_snapshot_begin(const struct raft *r, u64 index,
			struct raft_snap *snap);
const char *raft_role_name(enum raft_role role);

#endif /* QBD_RAFT_RAFT_H */
