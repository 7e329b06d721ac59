// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the replica set of a shard changes (S6).
 *
 *	consensus			   leader
 *	  | {A,B,C} and learner D -------->  | opens D, has it filled or copied
 *	  | <------- D is in the live stream |
 *	  | e+1: {A,B,C} to {A,B,D} -------> | CONFIG record; both sets count
 *	  | <------- e+1 is committed	     |
 *	  | e+2: {A,B,D}, if term and epoch  |
 *	  |   are still these -------------> | CONFIG record; C is left out
 *	  | <------- e+2 is committed	     |
 *	  | C may be deleted
 *
 * WHAT COUNTS.  A set is in force from the moment that its record is assigned,
 * for all that is not committed yet.  While it is joint a record needs a
 * quorum of each set, and so do leases, rounds, OPEN, and the choice of the
 * history.
 *
 * WHY IT IS SAFE.  Who leads after this leader is told a set by consensus: the
 * one before the step, the joint one, or what follows.  Each of its read
 * quorums has to meet each write quorum of this leader.  Consensus goes from
 * the joint set to the new one only on the report of the leader of the term in
 * force, by compare-and-set on (term, epoch).  Then all that any leader before
 * it completed is durable on a quorum of the new set, for it is in the history
 * in which the joint set's record is committed; this leader itself needs both
 * sets from that record on; and leaders before it are fenced by the quorum of
 * the old set that it opened.  Back to the old set consensus may go at any
 * time: all that counted while the joint set was in force is on a quorum of it.
 *
 * Without the compare: L1, in term 5 and not fenced yet, reports the joint set
 * although term 6 was granted to L2 with {A,B,C}.  Consensus adopts {D,E,F},
 * L2 goes on with {A,B,C}, and L3, which opens {D,E,F}, never hears of what L2
 * completed.
 *
 * ONE STEP AT A TIME.  A step is not begun before the record of the one before
 * is committed, nor before a record of this term is: a set that a leader
 * recovers with is the one that it chose the history with; before it has chosen
 * one it is as if it had been attached with the new set.  The new set waits for
 * the record of the joint one, whoever says that it was adopted: without that
 * a set of members that lack half of the history would be left alone with it.
 * Back to the old set it goes at once: that the joint set gets nothing
 * committed may be why.
 *
 * LEARNERS have no record, and no epoch: they never count.  A leader that
 * begins anew is told of them with the set.  A learner becomes a voter only
 * when it is in the live stream, with all on stable media that was committed
 * when the joint set was asked for; and that one has to have a quorum like this
 * of its new voters, or it would stop the writes that the old one completes.
 *
 * WHO LEAVES gets no record any more.  Its replica is deleted by a tombstone,
 * when the set without it is committed, and its id is never used again (S11).
 */
#include "leader_parts.h"

/**
 * qbd_leader_config_drop() - forget what consensus wants
 * @lead: the leader
 * @acts: actions of the step
 */
void qbd_leader_config_drop(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	struct qbd_action *act;

	if (!lead->wanted)
		return;
	lead->wanted = false;
	act = qbd_actions_add(acts, QBD_ACT_PUT);
	if (act)
		act->payload = lead->want_payload;
	lead->want_payload = NULL;
}

/* Does a set end a step, and not begin one? */
static bool qbd_leader_config_ends(const struct qbd_leader_core *lead,
				   const struct qbd_set *to)
{
	return lead->cfg.set.next && !to->next;
}

/* Why the set that consensus wants is refused, 0 if it is not. */
static int qbd_leader_config_refusal(const struct qbd_leader_core *lead,
				     const struct qbd_set *to)
{
	const struct qbd_set *want = &lead->want;

	if (lead->state == QBD_LEADER_LOST)
		return lead->stop_err;
	if (lead->state == QBD_LEADER_RELEASING &&
	    !qbd_leader_config_ends(lead, to))
		return -ESHUTDOWN;
	if (!lead->wanted || to->epoch > want->epoch)
		return qbd_set_step(&lead->cfg.set, to);
	if (to->epoch < want->epoch)
		return -ESTALE;
	if (!qbd_set_same(want, want->old, to, to->old) ||
	    !qbd_set_same(want, want->next, to, to->next))
		return -EINVAL; /* one epoch, two sets */
	return qbd_set_step(&lead->cfg.set, to);
}

/* One more member, which counts for nothing yet; its number. */
static u32 qbd_leader_join(struct qbd_leader_core *lead,
			   const struct qbd_member *member,
			   struct qbd_actions *acts)
{
	struct qbd_set *set = &lead->cfg.set;
	struct qbd_action *act = qbd_actions_add(acts, QBD_ACT_JOINED);

	if (act)
		act->node = member->node;
	set->member[set->nr] = *member;
	return set->nr++;
}

/* Who shall vote, and is not known yet, learns: nobody need have said so. */
static void qbd_leader_config_learn(struct qbd_leader_core *lead,
				    struct qbd_actions *acts)
{
	const struct qbd_set *want = &lead->want;
	struct qbd_set *set = &lead->cfg.set;
	u32 i;

	for (i = 0; i < want->nr && set->nr < QBD_MEMBERS_MAX; i++)
		if (qbd_set_find(set, want->member[i].replica) < 0 &&
		    !qbd_set_has_node(set, want->member[i].node))
			qbd_leader_join(lead, &want->member[i], acts);
}

/**
 * qbd_leader_config() - consensus wants another replica set
 * @lead: the leader
 * @event: the set, and the payload of its record
 * @acts: actions of the step
 *
 * It is kept until its time has come; a newer one takes its place. If it was
 * accepted the payload comes back by PUT, whether it was logged or not.
 *
 * Return: 0; -ESTALE: one with a higher epoch is known; -EINVAL: it does not
 * follow the one in force, or has the epoch of another one; -ESHUTDOWN: the
 * volume is being detached, and it does not end a step; or why this leader is
 * at its end.
 */
int qbd_leader_config(struct qbd_leader_core *lead,
		      const struct qbd_leader_event *event,
		      struct qbd_actions *acts)
{
	int err = qbd_leader_config_refusal(lead, event->set);

	if (err)
		return err;
	qbd_leader_config_drop(lead, acts);
	lead->want = *event->set;
	lead->want_payload = event->payload;
	lead->want_crc = event->crc;
	lead->want_commit = lead->commit;
	lead->wanted = true;
	if (event->set->next)
		qbd_leader_config_learn(lead, acts);
	return 0;
}

/**
 * qbd_leader_config_release() - a clean detach begins
 * @lead: the leader
 * @acts: actions of the step
 *
 * It may need the end of a step to have a quorum; no step begins any more.
 */
void qbd_leader_config_release(struct qbd_leader_core *lead,
			       struct qbd_actions *acts)
{
	if (lead->wanted && !qbd_leader_config_ends(lead, &lead->want))
		qbd_leader_config_drop(lead, acts);
}

/*
 * Have all who shall vote from now on, and a quorum of all who shall, what was
 * committed when it was asked for? Not what is committed now: somebody further
 * away never has that while others write.
 */
static bool qbd_leader_config_ready(const struct qbd_leader_core *lead)
{
	const struct qbd_set *want = &lead->want, *set = &lead->cfg.set;
	const struct qbd_progress *prog;
	u16 ready = 0, known = 0;
	u32 i;
	int at;

	for (i = 0; i < want->nr; i++) {
		at = qbd_set_find(set, want->member[i].replica);
		if (at < 0)
			continue;
		if (set->old & (1U << at))
			known |= 1U << i;
		prog = &lead->prog[at];
		if (prog->state == QBD_MEMBER_LIVE && prog->promised &&
		    prog->voting && !prog->full &&
		    prog->durable >= lead->want_commit)
			ready |= 1U << i;
	}
	return !(want->next & ~(ready | known)) &&
	       qbd_quorum_of(want->next, ready);
}

/* May the set that consensus wants come into force now? */
static bool qbd_leader_config_due(struct qbd_leader_core *lead,
				  struct qbd_actions *acts)
{
	const struct qbd_set *want = &lead->want, *set = &lead->cfg.set;
	/* or it was there when the term began, and so is what it began with */
	bool recorded = lead->config_index <= lead->commit;

	if (!lead->wanted)
		return false;
	if (lead->state == QBD_LEADER_OPENING)
		return want->epoch > set->epoch;
	if (lead->commit <= lead->history.index)
		return false;
	if (want->epoch <= lead->logged)
		return true;
	if (want->epoch > set->epoch) {
		bool back = qbd_leader_config_ends(lead, want) &&
			    qbd_set_same(set, set->old, want, want->old);

		if (!recorded && !back)
			return false;
		if (want->next && !qbd_leader_config_ready(lead))
			return false;
	}
	return qbd_leader_fits(lead, 1, acts);
}

/* A member leaves; those behind it move up. */
static void qbd_leader_leave(struct qbd_leader_core *lead, u32 member,
			     struct qbd_actions *acts)
{
	struct qbd_set *set = &lead->cfg.set;
	u32 after = set->nr - member - 1, i;

	qbd_progress_down(&lead->prog[member]);
	qbd_leader_source_gone(lead, member);
	qbd_leader_read_down(lead, member);
	qbd_leader_read_left(lead, member);
	memmove(&lead->prog[member], &lead->prog[member + 1],
		after * sizeof(lead->prog[0]));
	memmove(&set->member[member], &set->member[member + 1],
		after * sizeof(set->member[0]));
	set->nr--;
	qbd_progress_init(&lead->prog[set->nr]);
	qbd_leader_verify_left(lead, acts);
	lead->released = qbd_mask_without(lead->released, member);
	for (i = 0; i < set->nr; i++) {
		struct qbd_progress *prog = &lead->prog[i];

		prog->tried = qbd_mask_without(prog->tried, member);
		prog->lost = qbd_mask_without(prog->lost, member);
		prog->poor = qbd_mask_without(prog->poor, member);
		if (prog->source > (s8)member)
			prog->source--;
	}
}

/* The set that is wanted is in force; its members keep what is known of them.
 */
static void qbd_leader_config_members(struct qbd_leader_core *lead,
				      struct qbd_actions *acts)
{
	const struct qbd_set *want = &lead->want;
	struct qbd_set *set = &lead->cfg.set;
	u32 i;
	int at;

	for (i = set->nr; i-- > 0;)
		if (qbd_set_find(want, set->member[i].replica) < 0)
			qbd_leader_leave(lead, i, acts);
	set->epoch = want->epoch;
	set->old = 0;
	set->next = 0;
	for (i = 0; i < want->nr; i++) {
		at = qbd_set_find(set, want->member[i].replica);
		if (at < 0)
			at = (int)qbd_leader_join(lead, &want->member[i], acts);
		if (want->old & (1U << i))
			set->old |= 1U << at;
		if (want->next & (1U << i))
			set->next |= 1U << at;
	}
}

/* Nothing was chosen yet: ask all anew, as if attached with this set. */
static void qbd_leader_config_reopen(struct qbd_leader_core *lead,
				     struct qbd_actions *acts)
{
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].up)
			qbd_leader_open(lead, i, acts);
}

static void qbd_leader_config_take(struct qbd_leader_core *lead,
				   struct qbd_actions *acts)
{
	struct qbd_inflight *rec;

	lead->config_shown = false;
	lead->epoch_shown = false;
	qbd_leader_config_members(lead, acts);
	if (lead->state == QBD_LEADER_OPENING) {
		qbd_leader_config_reopen(lead, acts);
		return; /* still wanted: in the log */
	}
	qbd_leader_reach(lead, acts);
	if (lead->want.epoch <= lead->logged) {
		qbd_leader_config_drop(lead, acts);
		return;
	}
	rec = qbd_window_push(&lead->win, 1);
	rec->op = QBD_OP_CONFIG;
	rec->payload = lead->want_payload;
	rec->crc = lead->want_crc;
	lead->config_index = lead->win.end - 1;
	lead->logged = lead->want.epoch;
	lead->wanted = false;
	lead->want_payload = NULL;
}

/**
 * qbd_leader_config_drive() - go on with a change of the replica set
 * @lead: the leader
 * @acts: actions of the step
 *
 * After what is committed was counted, with the set in force, and before
 * anything is sent with the next one.
 */
void qbd_leader_config_drive(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	struct qbd_action *act;

	if (qbd_leader_config_due(lead, acts)) {
		if (qbd_actions_room(acts) < QBD_MEMBERS_MAX + 3) {
			acts->more = true;
			return;
		}
		qbd_leader_config_take(lead, acts);
	}
	if (lead->config_shown || lead->commit <= lead->history.index ||
	    lead->logged < lead->cfg.set.epoch ||
	    (lead->commit < lead->config_index &&
	     !QBD_MUTANT(config_told_early)))
		return;
	if (!qbd_actions_room(acts)) {
		acts->more = true;
		return;
	}
	lead->config_shown = true;
	act = qbd_actions_add(acts, QBD_ACT_CONFIG);
	if (!act)
		return;
	act->term = lead->cfg.term;
	act->id = lead->cfg.set.epoch;
	act->index = lead->config_index;
}
