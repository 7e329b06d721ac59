/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server's state, and what the files of the core call in each other. The
 * simulator and the tests look at it too; nobody else includes it.
 */
#ifndef QBD_RAFT_STATE_H
#define QBD_RAFT_STATE_H

#include "raft.h"

#define RAFT_RESERVE 4 /* 1/4 of the log is left to no-ops and sets */

/**
 * enum raft_flow - how entries go to a server
 * @RAFT_PROBE: one message, then wait: where do the logs agree?
 * @RAFT_STREAM: one after the other, as far as the window goes
 * @RAFT_SNAP: what it lacks is in the snapshot only
 */
enum raft_flow {
	RAFT_PROBE,
	RAFT_STREAM,
	RAFT_SNAP,
};

/**
 * struct raft_progress - the leader's view of a server
 * @match: up to here it has the leader's log, on stable media
 * @next: the next entry to send
 * @offset: SNAP: the next byte to send
 * @snap: SNAP: index of that snapshot
 * @heard_ns: when it said something in this term
 * @round: the last one it answered
 * @flow: enum raft_flow
 * @waits: PROBE, SNAP: asked, and not answered yet
 * @acked: STREAM: something since the last heartbeat
 */
struct raft_progress {
	u64 match;
	u64 next;
	u64 offset;
	u64 snap;
	u64 heard_ns;
	u64 round;
	u8 flow;
	bool waits;
	bool acked;
};

/**
 * struct raft_waiting - a READ that waits for its round
 * @cookie: of the event
 * @index: the commit index then
 * @round: it needs an answer to
 */
struct raft_waiting {
	u64 cookie;
	u64 index;
	u64 round;
};

/**
 * struct raft - a server
 * @opt: what it was made of
 * @now_ns: time of the last event
 * @rand: state of the random numbers
 * @term: the term
 * @vote: whom it voted for in it, 0 = nobody
 * @leader: who leads it, 0 = not known
 * @role: enum raft_role
 * @damaged: rule 9: it says nothing
 * @log: the log
 * @commit: committed up to here
 * @applied: given out to apply up to here
 * @conf: the latest configuration in the log
 * @committed: the latest that is committed
 * @base_conf: the one in force at the base of the log
 * @snap: the own snapshot
 * @heard_ns: when the leader of this term said something; 0 = never
 * @deadline_ns: follower, candidate: campaign
 * @beat_ns: leader: next heartbeat
 * @granted: members of @conf that said yes
 * @vote_owed: candidate that waits for the own vote to be durable
 * @wanted: who is behind its log asked for its vote, and nobody leads
 * @campaign_owed: requests for votes wait for term and vote to be durable
 * @campaign_transfer: they come from a transfer
 * @matched: follower: the log is the leader's up to here
 * @acked: up to here it was told so
 * @ack_owed: it waits for more
 * @beat_owed: round of a heartbeat that waits for an answer
 * @beat_held: there is one
 * @incoming: snapshot being received, index 0 = none
 * @incoming_bytes: how much of it is on stable media
 * @chunk_bytes: length of the piece that is being written, 0 = none
 * @term_start: leader: index of its no-op
 * @prog: leader: by member of @conf
 * @round: leader: the latest round
 * @wait: leader: reads, in order
 * @nr_wait: how many
 * @transfer: leader: to whom, 0 = nobody
 * @transfer_ns: until when
 * @transfer_sent: it was told
 * @seq: of the last batch
 * @flight: the batch under way, its seq 0 = none
 * @dirty: RAFT_STORE_TRUNCATE, _INSTALL, _DROP that the next batch has to have
 * @keep: TRUNCATE
 * @durable_term: hard state on stable media
 * @durable_vote: hard state on stable media
 * @count: what it saw
 */
struct raft {
	struct raft_options opt;
	u64 now_ns;
	u64 rand;
	u64 term;
	u64 vote;
	u64 leader;
	u8 role;
	bool damaged;
	struct raft_log log;
	u64 commit;
	u64 applied;
	struct raft_config conf;
	struct raft_config committed;
	struct raft_config base_conf;
	struct raft_snap snap;
	u64 heard_ns;
	u64 deadline_ns;
	u64 beat_ns;
	u16 granted;
	u64 vote_owed;
	bool wanted;
	bool campaign_owed;
	bool campaign_transfer;
	u64 matched;
	u64 acked;
	bool ack_owed;
	bool beat_held;
	u64 beat_owed;
	struct raft_snap incoming;
	u64 incoming_bytes;
	u32 chunk_bytes;
	u64 term_start;
	struct raft_progress prog[RAFT_MEMBERS_MAX];
	u64 round;
	struct raft_waiting wait[RAFT_READS_MAX];
	u32 nr_wait;
	u64 transfer;
	u64 transfer_ns;
	bool transfer_sent;
	u64 seq;
	struct raft_batch flight;
	u32 dirty;
	u64 keep;
	u64 durable_term;
	u64 durable_vote;
	struct raft_counters count;
};

/* step.c */
struct raft_msg *raft_send(struct raft *r, struct raft_update *up, u8 type,
			   u64 to);
bool raft_state_durable(const struct raft *r);
bool raft_installing(const struct raft *r);
int raft_bad(struct raft *r);
void raft_commit_to(struct raft *r, u64 index);

/* election.c */
void raft_rearm(struct raft *r);
void raft_follow(struct raft *r, u64 term, u64 leader, struct raft_update *up);
void raft_campaign(struct raft *r, bool transfer, struct raft_update *up);
void raft_election_tick(struct raft *r, struct raft_update *up);
void raft_election_flush(struct raft *r, struct raft_update *up);
void raft_recv_prevote(struct raft *r, const struct raft_msg *msg,
		       struct raft_update *up);
void raft_recv_prevote_reply(struct raft *r, const struct raft_msg *msg,
			     struct raft_update *up);
void raft_recv_vote(struct raft *r, const struct raft_msg *msg,
		    struct raft_update *up);
void raft_recv_vote_reply(struct raft *r, const struct raft_msg *msg,
			  struct raft_update *up);
bool raft_leader_heard(const struct raft *r);

/* replicate.c */
int raft_recv_append(struct raft *r, const struct raft_msg *msg,
		     struct raft_update *up);
void raft_recv_beat(struct raft *r, const struct raft_msg *msg);
void raft_answers_flush(struct raft *r, struct raft_update *up);
void raft_truncate(struct raft *r, u64 keep);
int raft_log_own(struct raft *r, u8 type, const void *data, u32 bytes);

/* progress.c */
void raft_progress_start(struct raft *r);
void raft_progress_move(struct raft *r, const struct raft_config *to);
int raft_recv_append_reply(struct raft *r, const struct raft_msg *msg);
int raft_recv_beat_reply(struct raft *r, const struct raft_msg *msg);
struct raft_progress *raft_progress_of(struct raft *r, u64 id);
void raft_recv_snapshot_reply(struct raft *r, const struct raft_msg *msg);
void raft_sends_flush(struct raft *r, struct raft_update *up);
void raft_beat_send(struct raft *r, struct raft_update *up);
void raft_leader_tick(struct raft *r, struct raft_update *up);
bool raft_caught_up(const struct raft *r, u64 id);
void raft_leader_commit(struct raft *r);

/* change.c */
void raft_conf_set(struct raft *r, const struct raft_config *conf);
int raft_conf_of(const struct raft_entry *entry, struct raft_config *conf);
void raft_conf_rollback(struct raft *r);
void raft_conf_commit(struct raft *r, u64 index);
void raft_conf_drop(struct raft *r, u64 through);
int raft_conf_change(struct raft *r, const struct raft_members *want);
void raft_conf_flush(struct raft *r, struct raft_update *up);

/* snapshot.c */
int raft_recv_snapshot(struct raft *r, const struct raft_msg *msg,
		       struct raft_update *up);
int raft_chunk_stored(struct raft *r, const struct raft_event *event,
		      struct raft_update *up);
int raft_compact(struct raft *r, const struct raft_snap *snap, u64 through);
void raft_snapshot_send(struct raft *r, u32 member, struct raft_update *up);

/* read.c */
int raft_read_begin(struct raft *r, u64 cookie, struct raft_update *up);
void raft_read_flush(struct raft *r, struct raft_update *up);
void raft_reads_fail(struct raft *r, struct raft_update *up);

/* transfer.c */
int raft_transfer_begin(struct raft *r, u64 id);
void raft_transfer_flush(struct raft *r, struct raft_update *up);
void raft_recv_timeout_now(struct raft *r, const struct raft_msg *msg,
			   struct raft_update *up);

#endif /* QBD_RAFT_STATE_H */
