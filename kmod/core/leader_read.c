// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads: from whom, when the bytes may be given out, and the proof that this
 * leader was still the only one when they were read.
 */
#include "leader_parts.h"

/* a member that lags is asked so often until another one is */
#define QBD_READ_BEHIND_MAX 2
/* doublings of the patience with members that were all too slow */
#define QBD_READ_SLOW_MAX 4

/**
 * qbd_leader_read() - a request to read
 * @lead: the leader
 * @event: the request
 *
 * Return: see qbd_leader_step().
 */
int qbd_leader_read(struct qbd_leader_core *lead,
		    const struct qbd_leader_event *event)
{
	struct qbd_leader_read *read;
	u32 i;

	if (!event->blocks || event->block >= lead->cfg.blocks ||
	    event->blocks > lead->cfg.blocks - event->block ||
	    event->blocks > QBD_REC_BLOCKS_MAX)
		return -EINVAL;
	if (lead->state == QBD_LEADER_LOST)
		return lead->stop_err;
	if (lead->state == QBD_LEADER_RELEASING)
		return -ESHUTDOWN;
	if (lead->failing)
		return -EIO;
	if (lead->state != QBD_LEADER_SERVING)
		return -EAGAIN;
	if (lead->nr_reads == lead->cfg.nr_reads) {
		lead->slot_wanted = true;
		return -EAGAIN;
	}
	i = lead->read_next;
	while (lead->cfg.read[i].state != QBD_READ_FREE)
		i = i + 1 < lead->cfg.nr_reads ? i + 1 : 0;
	lead->read_next = i + 1 < lead->cfg.nr_reads ? i + 1 : 0;
	read = &lead->cfg.read[i];
	memset(read, 0, sizeof(*read));
	read->req = event->req;
	read->begin = lead->completed;
	read->block = event->block;
	read->blocks = event->blocks;
	read->id = i;
	read->state = QBD_READ_SOURCE;
	read->err = -EIO;
	lead->nr_reads++;
	return 0;
}

/* The read that a try belongs to; NULL if it is not under way (any more). */
static struct qbd_leader_read *
qbd_leader_read_find(struct qbd_leader_core *lead, u64 id)
{
	u32 slot = id & ((1U << QBD_READ_SLOT_BITS) - 1);
	struct qbd_leader_read *read;

	if (slot >= lead->cfg.nr_reads)
		return NULL;
	read = &lead->cfg.read[slot];
	if (read->state != QBD_READ_UNDERWAY || read->id != id)
		return NULL;
	return read;
}

static bool qbd_leader_is_local(const struct qbd_leader_core *lead, u32 member)
{
	return lead->cfg.set.member[member].node == lead->cfg.node;
}

/*
 * May this member be read from? Others must have acknowledged all that was
 * completed when the read began (S8; the replica itself checks it again). The
 * replica on this node is handed what was sent to it before the read, and the
 * index read at is compared; but a record of this term must be on its stable
 * media: until then an older leader's stale records may still be behind its
 * matched ones, with an index that is high enough. Received is not enough, the
 * truncation may still wait for room in the log.
 *
 * When it began, not at this try: writes go on, and a copy that is always a
 * little behind could otherwise never be read from.
 */
static bool qbd_leader_readable(const struct qbd_leader_core *lead, u32 member,
				const struct qbd_leader_read *read)
{
	const struct qbd_progress *prog = &lead->prog[member];

	if (prog->state != QBD_MEMBER_LIVE || !prog->voting)
		return false;
	if (qbd_leader_is_local(lead, member))
		return prog->durable > lead->history.index &&
		       prog->next > read->begin;
	return prog->matched >= read->begin;
}

static int qbd_leader_read_source(const struct qbd_leader_core *lead,
				  const struct qbd_leader_read *read)
{
	int found = -1;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		if ((read->tried & (1U << i)) ||
		    !qbd_leader_readable(lead, i, read))
			continue;
		if (qbd_leader_is_local(lead, i))
			return i;
		if (found < 0)
			found = i;
	}
	return found;
}

static void qbd_leader_read_end(struct qbd_leader_core *lead,
				struct qbd_leader_read *read, int err,
				struct qbd_actions *acts)
{
	struct qbd_action *act = qbd_actions_add(acts, QBD_ACT_COMPLETE);

	if (!act)
		return;
	act->req = read->req;
	act->err = err;
	act->index = read->index;
	act->term = lead->cfg.term;
	if (!err)
		act->payload = read->payload;
	if (read->payload) {
		act = qbd_actions_add(acts, QBD_ACT_PUT);
		if (act)
			act->payload = read->payload;
	}
	memset(read, 0, sizeof(*read));
	lead->nr_reads--;
}

/*
 * Everybody in reach has failed to serve it. Slow is not broken, and a member
 * that is only cut off for a moment has a good copy: worth some patience.
 */
static bool qbd_leader_read_hope(const struct qbd_leader_core *lead,
				 const struct qbd_leader_read *read)
{
	u32 i;

	if (read->err == -ETIMEDOUT)
		return true;
	if (lead->now_ns - read->failed_ns >= 4 * lead->cfg.retry_ns)
		return false;
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (!(read->tried & (1U << i)) &&
		    lead->prog[i].state != QBD_MEMBER_REFUSED &&
		    lead->prog[i].state != QBD_MEMBER_GONE &&
		    lead->prog[i].state != QBD_MEMBER_RESYNC)
			return true;
	return false;
}

/* Ask somebody; end the read if everybody who could serve it has failed. */
static void qbd_leader_read_try(struct qbd_leader_core *lead,
				struct qbd_leader_read *read,
				struct qbd_actions *acts)
{
	u32 slot = read->id & ((1U << QBD_READ_SLOT_BITS) - 1);
	int member = qbd_leader_read_source(lead, read);
	struct qbd_action *act;
	struct qbd_msg *msg;

	if (member < 0) {
		if (read->tried && !qbd_leader_read_hope(lead, read)) {
			qbd_leader_read_end(lead, read, read->err, acts);
			return;
		}
		/* all of them again, after a while: slow was not broken */
		if (read->err == -ETIMEDOUT) {
			read->failed_ns = 0;
			read->slow = min(read->slow + 1, QBD_READ_SLOW_MAX);
		}
		read->tried = 0;
		read->retry = true;
		read->since_ns = lead->now_ns;
		return;
	}
	read->id = ++lead->read_gen << QBD_READ_SLOT_BITS | slot;
	read->state = QBD_READ_UNDERWAY;
	if (read->member != member)
		read->behind = 0;
	read->member = member;
	read->since_ns = lead->now_ns;
	if (QBD_MUTANT(lease_at_read_start))
		read->leased = qbd_leader_leased(lead);
	if (qbd_leader_is_local(lead, member)) {
		act = qbd_actions_add(acts, QBD_ACT_READ_LOCAL);
		if (!act)
			return;
		act->req = read->req;
		act->id = read->id;
		act->block = read->block;
		act->blocks = read->blocks;
		return;
	}
	msg = qbd_leader_send(lead, member, QBD_MSG_READ, acts);
	if (!msg)
		return;
	msg->read.id = read->id;
	msg->read.completed = read->begin;
	msg->read.block = read->block;
	msg->read.blocks = read->blocks;
}

/*
 * Newest record that the bytes may show: it overlaps the range and is not
 * above the index that was read at.
 */
static u64 qbd_leader_read_overlap(const struct qbd_leader_core *lead,
				   const struct qbd_leader_read *read)
{
	u64 newest = qbd_overlap_max(&lead->overlap, read->block, read->blocks);
	const struct qbd_inflight *rec;
	u64 index = min(newest, read->index);

	for (; index > lead->completed; index--) {
		rec = qbd_window_at(&lead->win, index);
		if (rec && qbd_overlap_ranges(rec->block, rec->blocks,
					      read->block, read->blocks))
			return index;
	}
	return 0;
}

/*
 * A member could not serve it: remember why, try another one. That one of them
 * was merely slow is not forgotten for another that is broken.
 */
static void qbd_leader_read_failed(const struct qbd_leader_core *lead,
				   struct qbd_leader_read *read, int err)
{
	if (!read->failed_ns)
		read->failed_ns = lead->now_ns;
	if (!read->tried || read->err != -ETIMEDOUT)
		read->err = err;
	read->tried |= 1U << read->member;
	read->behind = 0;
	read->state = QBD_READ_SOURCE;
}

/*
 * A member lacks what was completed when the read began. In a moment it will
 * have that; if not, its disk hangs, and somebody else may be quicker.
 */
static void qbd_leader_read_behind(const struct qbd_leader_core *lead,
				   struct qbd_leader_read *read)
{
	if (++read->behind >= QBD_READ_BEHIND_MAX) {
		qbd_leader_read_failed(lead, read, -ETIMEDOUT);
		return;
	}
	read->state = QBD_READ_SOURCE;
	read->retry = true;
}

/*
 * Bytes are in hand: @first and @index as in QBD_LEADER_READ_DONE.
 *
 * A large read is looked up in parts. The first part was looked up at 20, the
 * second at 25, and 22 was completed before the read began: the bytes of the
 * first part may lack it, so it is @first that must reach what was completed.
 *
 * S8: (5,20) is in this node's overlay only. Given out now, and this node and
 * A die: B and C go on from 19, and the next read shows the version before the
 * one that was read. So the read waits until 20 is completed.
 */
static void qbd_leader_read_got(struct qbd_leader_core *lead,
				struct qbd_leader_read *read, u64 first,
				u64 index)
{
	if (QBD_MUTANT(read_newest_part))
		first = index;
	if (first < read->begin) {
		qbd_leader_read_behind(lead, read);
		return;
	}
	read->index = index;
	read->wait_index = qbd_leader_read_overlap(lead, read);
	if (QBD_MUTANT(read_uncompleted))
		read->wait_index = 0;
	read->state = QBD_READ_OVERLAP;
}

/**
 * qbd_leader_read_done() - the local replica's store has read
 * @lead: the leader
 * @event: READ_DONE; after an error another member is asked
 * @acts: actions of the step
 */
void qbd_leader_read_done(struct qbd_leader_core *lead,
			  const struct qbd_leader_event *event,
			  struct qbd_actions *acts)
{
	struct qbd_leader_read *read = qbd_leader_read_find(lead, event->id);

	if (!read)
		return;
	if (lead->state == QBD_LEADER_LOST)
		qbd_leader_read_end(lead, read, lead->stop_err, acts);
	else if (read->member == QBD_MEMBER_LEFT)
		read->state = QBD_READ_SOURCE;
	else if (event->err)
		qbd_leader_read_failed(lead, read, event->err);
	else
		qbd_leader_read_got(lead, read, event->first, event->index);
}

/* A member that is busy is slow, not broken: it may be asked again. */
static int qbd_leader_status(u32 status)
{
	if (status == QBD_STATUS_BUSY)
		return -ETIMEDOUT;
	return status == QBD_STATUS_CORRUPT ? -EILSEQ : -EIO;
}

/**
 * qbd_leader_read_reply() - another node has read, or could not
 * @lead: the leader
 * @member: number of the member, below 0 if it is none
 * @msg: its answer
 * @acts: actions of the step
 *
 * Its payload is the leader's now: it comes back by PUT whatever happens.
 */
void qbd_leader_read_reply(struct qbd_leader_core *lead, int member,
			   const struct qbd_msg *msg, struct qbd_actions *acts)
{
	const struct qbd_msg_read_reply *reply = &msg->read_reply;
	struct qbd_leader_read *read = qbd_leader_read_find(lead, reply->id);
	struct qbd_action *act;

	if (qbd_leader_verify_reply(lead, member, msg, acts))
		return;
	if (read && read->member == member && lead->state != QBD_LEADER_LOST &&
	    reply->status == QBD_STATUS_OK &&
	    msg->payload_bytes == read->blocks * QBD_BLOCK_SIZE) {
		read->payload = msg->payload;
		/* the replica has compared what its bytes show at least */
		qbd_leader_read_got(lead, read, reply->index, reply->index);
		if (read->state == QBD_READ_OVERLAP)
			return;
		read->payload = NULL;
	} else if (read && read->member == member) {
		qbd_leader_read_failed(lead, read,
				       qbd_leader_status(reply->status));
	}
	if (!msg->payload)
		return;
	act = qbd_actions_add(acts, QBD_ACT_PUT);
	if (act)
		act->payload = msg->payload;
}

/**
 * qbd_leader_read_refused() - a member refused to read
 * @lead: the leader
 * @member: its number
 * @id: of the try
 */
void qbd_leader_read_refused(struct qbd_leader_core *lead, u32 member, u64 id)
{
	struct qbd_leader_read *read = qbd_leader_read_find(lead, id);

	qbd_leader_verify_refused(lead, member, id);
	if (read && read->member == member)
		qbd_leader_read_behind(lead, read);
}

/**
 * qbd_leader_read_down() - a member is out of reach
 * @lead: the leader
 * @member: its number
 *
 * Reads that were sent there go elsewhere; one that the local store does goes
 * on, its buffer is in use.
 */
void qbd_leader_read_down(struct qbd_leader_core *lead, u32 member)
{
	struct qbd_leader_read *read;
	u32 i;

	if (!lead->nr_reads || qbd_leader_is_local(lead, member))
		return;
	for (i = 0; i < lead->cfg.nr_reads; i++) {
		read = &lead->cfg.read[i];
		if (read->state == QBD_READ_UNDERWAY && read->member == member)
			read->state = QBD_READ_SOURCE;
	}
}

/**
 * qbd_leader_leased() - do the leases of a quorum run now?
 * @lead: the leader
 *
 * S9: only members count that obeyed when they were last heard, under the list
 * version that the node's last answer was about.
 *
 * Return: true if so.
 */
bool qbd_leader_leased(const struct qbd_leader_core *lead)
{
	u16 mask = 0;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		const struct qbd_progress *prog = &lead->prog[i];

		if (prog->promised && prog->voting &&
		    qbd_lease_valid(
			    lead->cfg.ops->lease(lead->cfg.ctx,
						 lead->cfg.set.member[i].node),
			    prog->version, lead->now_ns, lead->cfg.lease_ns))
			mask |= 1U << i;
	}
	return qbd_quorum_has(&lead->cfg.set, mask);
}

/*
 * A round that proves the term for a read must begin after its bytes were
 * read: one under way may have been answered before a new leader came.
 */
static void qbd_leader_round_join(struct qbd_leader_core *lead,
				  struct qbd_leader_read *read)
{
	if (read->round)
		return;
	read->round = lead->round + 1;
	if (QBD_MUTANT(round_not_new) && lead->round > lead->confirmed)
		read->round = lead->round;
	lead->round_wanted = max(lead->round_wanted, read->round);
}

/*
 * May the bytes be given out now?
 *
 * The lease is looked at here, with the bytes in hand: with a slow disk it may
 * have run when the read began, while the bytes are those of the next term.
 */
static bool qbd_leader_read_proven(struct qbd_leader_core *lead,
				   struct qbd_leader_read *read)
{
	if (lead->cfg.reads_quorum) {
		qbd_leader_round_join(lead, read);
		return lead->confirmed >= read->round;
	}
	if (QBD_MUTANT(lease_at_read_start))
		return read->leased || qbd_leader_leased(lead);
	return QBD_MUTANT(read_without_lease) || qbd_leader_leased(lead);
}

/**
 * qbd_leader_read_left() - a member has left the set
 * @lead: the leader
 * @member: the number that it had; those behind it move up
 *
 * What the local replica still reads is read again elsewhere: it may be deleted
 * before the bytes are there.
 */
void qbd_leader_read_left(struct qbd_leader_core *lead, u32 member)
{
	struct qbd_leader_read *read;
	u32 left = lead->nr_reads, i;

	for (i = 0; left && i < lead->cfg.nr_reads; i++) {
		read = &lead->cfg.read[i];
		if (read->state == QBD_READ_FREE)
			continue;
		left--;
		read->tried = qbd_mask_without(read->tried, member);
		if (read->member == member)
			read->member = QBD_MEMBER_LEFT;
		else if (read->member > member &&
			 read->member != QBD_MEMBER_LEFT)
			read->member--;
	}
}

/* Does the local store fill its buffer? Of those that left nobody else does. */
static bool qbd_leader_read_local(const struct qbd_leader_core *lead,
				  const struct qbd_leader_read *read)
{
	return read->member >= lead->cfg.set.nr ||
	       qbd_leader_is_local(lead, read->member);
}

/* What can be done for this read now? */
static void qbd_leader_read_step(struct qbd_leader_core *lead,
				 struct qbd_leader_read *read,
				 struct qbd_actions *acts)
{
	bool local = qbd_leader_read_local(lead, read);

	if (lead->state == QBD_LEADER_LOST || lead->failing) {
		if (read->state != QBD_READ_UNDERWAY || !local)
			qbd_leader_read_end(lead, read,
					    lead->state == QBD_LEADER_LOST ?
						    lead->stop_err :
						    -EIO,
					    acts);
		return;
	}
	if (read->state == QBD_READ_UNDERWAY && !local &&
	    lead->now_ns - read->since_ns >=
		    qbd_leader_patience(lead, read->member) << read->slow)
		qbd_leader_read_failed(lead, read, -ETIMEDOUT);
	if (read->state == QBD_READ_SOURCE &&
	    (!read->retry ||
	     lead->now_ns - read->since_ns >= lead->cfg.retry_ns / 8)) {
		read->retry = false;
		qbd_leader_read_try(lead, read, acts);
	}
	if (read->state == QBD_READ_OVERLAP &&
	    lead->completed >= read->wait_index)
		read->state = QBD_READ_CONFIRM;
	if (read->state == QBD_READ_CONFIRM &&
	    qbd_leader_read_proven(lead, read))
		qbd_leader_read_end(lead, read, 0, acts);
}

/**
 * qbd_leader_reads() - go on with reads that have not ended
 * @lead: the leader
 * @acts: actions of the step
 */
void qbd_leader_reads(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	u32 left = lead->nr_reads, i;

	for (i = 0; left && i < lead->cfg.nr_reads; i++) {
		struct qbd_leader_read *read = &lead->cfg.read[i];

		if (read->state == QBD_READ_FREE)
			continue;
		left--;
		/* at most COMPLETE and PUT */
		if (qbd_actions_room(acts) < 2) {
			acts->more = true;
			return;
		}
		qbd_leader_read_step(lead, read, acts);
	}
}

/* Highest round that a quorum has confirmed. */
static u64 qbd_leader_round_quorum(const struct qbd_leader_core *lead)
{
	u64 round[QBD_MEMBERS_MAX] = { 0 };
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].promised && lead->prog[i].voting)
			round[i] = lead->prog[i].round;
	return min(qbd_quorum_index(&lead->cfg.set, round), lead->round);
}

/**
 * qbd_leader_rounds() - prove the term to reads that want it
 * @lead: the leader
 * @acts: actions of the step
 *
 * With reads=quorum: one round for all reads that wait, the next when it is
 * over.
 */
void qbd_leader_rounds(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	u32 i;

	if (lead->round == lead->confirmed && lead->round_wanted <= lead->round)
		return;
	lead->confirmed = max(lead->confirmed, qbd_leader_round_quorum(lead));
	if (lead->round == lead->confirmed &&
	    lead->round_wanted > lead->round) {
		lead->round++;
		lead->round_ns = lead->now_ns;
	}
	if (lead->round == lead->confirmed)
		return;
	for (i = 0; i < lead->cfg.set.nr; i++) {
		if (lead->prog[i].state != QBD_MEMBER_LIVE ||
		    lead->prog[i].round_sent >= lead->round)
			continue;
		if (!qbd_actions_room(acts)) {
			acts->more = true;
			return;
		}
		qbd_leader_notice(lead, i, true, acts);
	}
}
