/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the leader share; nobody else includes this.
 *
 * A step is: apply the event to the state, then qbd_leader_drive(), which
 * makes actions out of the state as long as there is room. Only a few actions
 * come from the event's handler itself (at most one per member and a handful),
 * for which QBD_ACTIONS_MIN is enough.
 */
#ifndef QBD_CORE_LEADER_PARTS_H
#define QBD_CORE_LEADER_PARTS_H

#include "leader.h"

/* retry intervals after which a member whose store was full is tried again */
#define QBD_FULL_AGAIN 4
/* retry intervals after which a record that nobody could read is asked for */
#define QBD_FILL_AGAIN 64
/* a resync without progress for so many waits, more than it has itself, gets
 * another source
 */
#define QBD_RESYNC_PATIENCE 64
/* who holds more than one of so many parts of the ring lets go without pages */
#define QBD_SCARCE_PARTS 8
/* who promised, but not with enough others, is asked again after so many */
#define QBD_WAITING_AGAIN 16
/* a member is waited for up to so many retry intervals if it is slow */
#define QBD_PATIENCE_MAX 8

/**
 * struct qbd_leader_core - state of the leader of a shard
 * @cfg: as given to qbd_leader_init()
 * @state: enum qbd_leader_state
 * @now_ns: time of the event
 * @prog: the members
 * @win: records in flight; its end is the next index
 * @overlap: newest record per bucket of blocks
 * @history: history chosen in this term
 * @commit: durable on a write quorum, in this term; 0 before its first record
 * @completed: may be answered and read
 * @answered: index up to which requests have ended
 * @session: last session number given out
 * @round: last round begun
 * @confirmed: last round that a quorum confirmed
 * @round_wanted: round that reads wait for
 * @round_ns: when the last round was begun
 * @recover_ns: when recovery last got on, or asked for patience (V6)
 * @recover_wait_ns: how long it waits until it asks for a new term
 * @no_quorum_ns: since when there is no write quorum in reach
 * @read_gen: makes ids of reads differ
 * @nr_reads: reads that have not ended
 * @read_next: slot where the search for a free one begins
 * @space_blocks: payload of the smallest WRITE refused; @space_wanted
 * @stop_err: LOST: how requests end
 * @verify: a comparison of all copies
 * @want: replica set that consensus wants, if @wanted
 * @want_payload: payload of its CONFIG record
 * @want_crc: CRC32C of that
 * @want_commit: what was committed when it was asked for
 * @logged: config epoch that is known to be in the history
 * @config_index: index of the newest CONFIG record of this term, 0 = none
 * @released: members that acknowledged RELEASE
 * @release_sent: RELEASE was sent
 * @gate: the volume's gate is open
 * @suspended: no write quorum is in reach
 * @failing: for so long that requests fail
 * @space_wanted: a WRITE was refused for lack of room
 * @slot_wanted: a READ was refused for lack of room
 * @wanted: see @want
 * @config_shown: the shell was told that the set in force is committed
 * @epoch_shown: NEED_TERM for a config epoch was given
 * @size_shown: NEED_TERM for the size of replicas was given
 */
struct qbd_leader_core {
	struct qbd_leader_config cfg;
	enum qbd_leader_state state;
	u64 now_ns;
	struct qbd_progress prog[QBD_MEMBERS_MAX];
	struct qbd_window win;
	struct qbd_overlap overlap;
	struct qbd_pos history;
	u64 commit;
	u64 completed;
	u64 answered;
	u64 session;
	u64 round;
	u64 confirmed;
	u64 round_wanted;
	u64 round_ns;
	u64 recover_ns;
	u64 recover_wait_ns;
	u64 no_quorum_ns;
	u64 read_gen;
	u32 nr_reads;
	u32 read_next;
	u32 space_blocks;
	struct qbd_verify verify;
	struct qbd_set want;
	void *want_payload;
	u32 want_crc;
	u64 want_commit;
	u64 logged;
	u64 config_index;
	int stop_err;
	u16 released;
	bool release_sent;
	bool gate;
	bool suspended;
	bool failing;
	bool space_wanted;
	bool slot_wanted;
	bool wanted;
	bool config_shown;
	bool epoch_shown;
	bool size_shown;
};

/**
 * qbd_mask_without() - a mask of members when one of them has left
 * @mask: bit i: member i
 * @member: number of the one; those behind it move up
 *
 * Return: the mask by their new numbers.
 */
static inline u16 qbd_mask_without(u16 mask, u32 member)
{
	u16 below = (1U << member) - 1;

	return (mask & below) | ((mask >> 1) & ~below);
}

/**
 * qbd_leader_recovering() - is the chosen history not settled yet?
 * @lead: the leader
 *
 * Not the same as the state: a clean detach may begin meanwhile, and has to
 * wait for the recovery like any other request. If a fill were taken for one
 * after the recovery then, its source would send nothing above what it knows
 * to be committed, the quorum would never have the history, and the detach
 * would never end.
 *
 * Return: true if so.
 */
static inline bool qbd_leader_recovering(const struct qbd_leader_core *lead)
{
	return lead->state != QBD_LEADER_LOST && lead->win.end &&
	       lead->commit <= lead->history.index;
}

/* leader.c */
struct qbd_msg *qbd_leader_send(const struct qbd_leader_core *lead, u32 member,
				u16 type, struct qbd_actions *acts);
void qbd_leader_lost(struct qbd_leader_core *lead, u64 term,
		     struct qbd_actions *acts);
u64 qbd_leader_patience(const struct qbd_leader_core *lead, u32 member);
void qbd_leader_reach(struct qbd_leader_core *lead, struct qbd_actions *acts);
u16 qbd_leader_mask(const struct qbd_leader_core *lead, bool live);

/* leader_config.c */
int qbd_leader_config(struct qbd_leader_core *lead,
		      const struct qbd_leader_event *event,
		      struct qbd_actions *acts);
void qbd_leader_config_drop(struct qbd_leader_core *lead,
			    struct qbd_actions *acts);
void qbd_leader_config_release(struct qbd_leader_core *lead,
			       struct qbd_actions *acts);
void qbd_leader_config_drive(struct qbd_leader_core *lead,
			     struct qbd_actions *acts);

/* leader_open.c */
void qbd_leader_open(struct qbd_leader_core *lead, u32 member,
		     struct qbd_actions *acts);
void qbd_leader_open_again(struct qbd_leader_core *lead, u32 member,
			   struct qbd_actions *acts);
void qbd_leader_open_reply(struct qbd_leader_core *lead, u32 member,
			   const struct qbd_msg *msg, struct qbd_actions *acts);
void qbd_leader_committed(struct qbd_leader_core *lead,
			  struct qbd_actions *acts);
void qbd_leader_serve(struct qbd_leader_core *lead, struct qbd_actions *acts);
void qbd_leader_recover_gain(struct qbd_leader_core *lead,
			     struct qbd_progress *prog);
void qbd_leader_recover_tick(struct qbd_leader_core *lead,
			     struct qbd_actions *acts);
void qbd_leader_nack(struct qbd_leader_core *lead, u32 member,
		     const struct qbd_msg *msg, struct qbd_actions *acts);

/* leader_write.c */
int qbd_leader_write(struct qbd_leader_core *lead,
		     const struct qbd_leader_event *event,
		     struct qbd_actions *acts);
bool qbd_leader_fits(struct qbd_leader_core *lead, u32 payload_blocks,
		     struct qbd_actions *acts);
struct qbd_pos qbd_leader_pos(const struct qbd_leader_core *lead, u64 index);
void qbd_leader_notice(struct qbd_leader_core *lead, u32 member, bool probe,
		       struct qbd_actions *acts);
void qbd_leader_advance(struct qbd_leader_core *lead, struct qbd_actions *acts);
void qbd_leader_stream(struct qbd_leader_core *lead, struct qbd_actions *acts);
void qbd_leader_complete(struct qbd_leader_core *lead,
			 struct qbd_actions *acts);
void qbd_leader_scarce(struct qbd_leader_core *lead);
void qbd_leader_trim(struct qbd_leader_core *lead, struct qbd_actions *acts);
void qbd_leader_space(struct qbd_leader_core *lead, struct qbd_actions *acts);

/* leader_fill.c */
void qbd_leader_hope(struct qbd_progress *prog);
void qbd_leader_match(struct qbd_leader_core *lead, u32 member,
		      struct qbd_pos last, struct qbd_actions *acts);
void qbd_leader_probe(struct qbd_leader_core *lead, u32 member,
		      struct qbd_pos pos, struct qbd_actions *acts);
void qbd_leader_probe_again(struct qbd_leader_core *lead, u32 member,
			    struct qbd_actions *acts);
void qbd_leader_full(struct qbd_leader_core *lead, u32 member,
		     const struct qbd_msg_nack *nack, struct qbd_actions *acts);
void qbd_leader_place(struct qbd_leader_core *lead, u32 member);
bool qbd_leader_moved(struct qbd_leader_core *lead, u32 member,
		      struct qbd_actions *acts);
void qbd_leader_lag(struct qbd_leader_core *lead, u32 member);
void qbd_leader_feed(struct qbd_leader_core *lead, struct qbd_actions *acts);
void qbd_leader_fetch_reply(struct qbd_leader_core *lead, u32 member,
			    const struct qbd_msg *msg,
			    struct qbd_actions *acts);
int qbd_leader_source(const struct qbd_leader_core *lead, u32 member, u64 have,
		      u16 without);
void qbd_leader_source_gone(struct qbd_leader_core *lead, u32 member);
void qbd_leader_fill_tick(struct qbd_leader_core *lead, u32 member);

/* leader_resync.c */
void qbd_leader_resync_one(struct qbd_leader_core *lead, u32 member,
			   struct qbd_actions *acts);
void qbd_leader_resync_reply(struct qbd_leader_core *lead, u32 member,
			     const struct qbd_msg *msg,
			     struct qbd_actions *acts);
void qbd_leader_resync_tick(struct qbd_leader_core *lead, u32 member,
			    struct qbd_actions *acts);
void qbd_leader_resync_lost(struct qbd_leader_core *lead, u32 member);

/* leader_read.c */
int qbd_leader_read(struct qbd_leader_core *lead,
		    const struct qbd_leader_event *event);
void qbd_leader_read_done(struct qbd_leader_core *lead,
			  const struct qbd_leader_event *event,
			  struct qbd_actions *acts);
void qbd_leader_read_reply(struct qbd_leader_core *lead, int member,
			   const struct qbd_msg *msg, struct qbd_actions *acts);
void qbd_leader_read_refused(struct qbd_leader_core *lead, u32 member, u64 id);
void qbd_leader_read_down(struct qbd_leader_core *lead, u32 member);
void qbd_leader_read_left(struct qbd_leader_core *lead, u32 member);
void qbd_leader_reads(struct qbd_leader_core *lead, struct qbd_actions *acts);
void qbd_leader_rounds(struct qbd_leader_core *lead, struct qbd_actions *acts);
bool qbd_leader_leased(const struct qbd_leader_core *lead);

/* leader_verify.c */
int qbd_leader_verify(struct qbd_leader_core *lead, u8 what,
		      struct qbd_actions *acts);
void qbd_leader_verify_drive(struct qbd_leader_core *lead,
			     struct qbd_actions *acts);
void qbd_leader_verify_end(struct qbd_leader_core *lead, int err,
			   struct qbd_actions *acts);
void qbd_leader_verify_wrote(struct qbd_leader_core *lead, u32 block,
			     u32 blocks);
bool qbd_leader_verify_reply(struct qbd_leader_core *lead, int member,
			     const struct qbd_msg *msg,
			     struct qbd_actions *acts);
void qbd_leader_verify_refused(struct qbd_leader_core *lead, u32 member,
			       u64 id);
void qbd_leader_verify_left(struct qbd_leader_core *lead,
			    struct qbd_actions *acts);

#endif /* QBD_CORE_LEADER_PARTS_H */
