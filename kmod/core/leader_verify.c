// SPDX-License-Identifier: GPL-2.0-only
/*
 * All copies of a shard are compared, while it is in use, and put right (S16).
 *
 * A pass goes over the shard from its first block to its last, a range at a
 * time: each member in the live stream reads it and answers with a digest.  If
 * they are not the same, the range is cut in halves, down to the block.
 *
 *	range 0+256	A: d1	B: d1	C: d2
 *	range 0+128	A: d3	B: d3	C: d3
 *	range 128+128	A: d4	B: d4	C: d5
 *	...
 *	block 131	A: d6	B: d6	C: d7	C is wrong: A and B are a quorum
 *
 * AT ONE INDEX.  Members read at different times.  So a range is asked for only
 * when all of its records are completed, and everybody shows the newest of
 * them; if a record of it is assigned before the last one has answered, the
 * answers are thrown away.  What is left was read while nothing changed, which
 * is the same as at one index.  A range that is written to is cut in halves,
 * too, and nobody who writes waits.  A block that is written to while it is its
 * turn need not be compared: the record goes home over what may be wrong there.
 *
 * WHAT IS RIGHT is what a write quorum has: what was acknowledged is on one.
 * Without such a quorum nobody guesses: it is reported.  Nor is a block right
 * because all others can't read it: they may be able to tomorrow.
 *
 * TO PUT IT RIGHT the leader has one of those that are right send the bytes,
 * looks whether they are what was compared, and makes a record of them, as if
 * somebody had written to the block what is there: it goes through the log, on
 * all members, and home over what was wrong, also over a sector that can't be
 * read.  It is in its place in the history: a record of the block that was
 * assigned since it was compared makes it void, and goes home there anyway.
 * Written to the home of the one member instead, it could come after a newer
 * write, and put back what was there before.
 *
 * NOT SEEN: what is wrong at home below a newer version that is still in the
 * log; that will be written over, too.  Indexes of last change are not
 * compared.
 */
#include "leader_parts.h"
#include "pace.h"

/* blocks of the largest range */
#define QBD_VERIFY_BLOCKS QBD_REC_BLOCKS_MAX
/* tries until a range is skipped */
#define QBD_VERIFY_TRIES 8
/* parts of a retry interval: a range that is not quiet by then counts as
 * written to; a member that was busy is asked again
 */
#define QBD_VERIFY_BUSY 16
#define QBD_VERIFY_PAUSE 8
/* blocks that differ and are told one by one; of others the number is */
#define QBD_VERIFY_TOLD 1024U

static void qbd_verify_put(void *payload, struct qbd_actions *acts)
{
	struct qbd_action *act;

	if (!payload)
		return;
	act = qbd_actions_add(acts, QBD_ACT_PUT);
	if (act)
		act->payload = payload;
}

/* The same range, or a part of it, from the beginning. */
static void qbd_verify_again(struct qbd_leader_core *lead)
{
	struct qbd_verify *verify = &lead->verify;

	verify->state = QBD_VERIFY_QUIET;
	verify->dirty = false;
	verify->again = false;
	verify->since_ns = lead->now_ns;
	verify->asked = 0;
	verify->heard = 0;
	verify->bad = 0;
	memset(verify->id, 0, sizeof(verify->id));
}

/* From here on: as much as the alignment of its first block allows. */
static void qbd_verify_range(struct qbd_leader_core *lead)
{
	struct qbd_verify *verify = &lead->verify;
	u32 blocks = QBD_VERIFY_BLOCKS;

	if (verify->block)
		blocks = min(blocks, 1U << __ffs(verify->block));
	verify->blocks = min(blocks, lead->cfg.blocks - verify->block);
	verify->tries = 0;
	qbd_verify_again(lead);
}

static void qbd_verify_half(struct qbd_leader_core *lead)
{
	struct qbd_verify *verify = &lead->verify;

	verify->blocks = (verify->blocks + 1) / 2;
	verify->tries = 0;
	qbd_verify_again(lead);
}

/**
 * qbd_leader_verify_end() - there is nothing more to compare, or no leader
 * @lead: the leader
 * @err: why; 0: it is over
 * @acts: actions of the step
 */
void qbd_leader_verify_end(struct qbd_leader_core *lead, int err,
			   struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	struct qbd_action *act;

	if (verify->state == QBD_VERIFY_IDLE)
		return;
	qbd_verify_put(verify->payload, acts);
	verify->payload = NULL;
	verify->state = QBD_VERIFY_IDLE;
	verify->err = err;
	act = qbd_actions_add(acts, QBD_ACT_VERIFIED);
	if (act)
		act->err = err;
}

static void qbd_verify_next(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	verify->block += verify->blocks;
	if (verify->block < lead->cfg.blocks)
		qbd_verify_range(lead);
	else
		qbd_leader_verify_end(lead, 0, acts);
}

/* Members that can be asked, and may be asked together. */
static u16 qbd_verify_members(const struct qbd_leader_core *lead)
{
	u16 mask = 0;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		const struct qbd_progress *prog = &lead->prog[i];

		if (prog->state == QBD_MEMBER_LIVE && prog->promised &&
		    prog->voting)
			mask |= 1U << i;
	}
	return mask;
}

/* Is a record of the range under way? */
static bool qbd_verify_written(const struct qbd_leader_core *lead)
{
	const struct qbd_verify *verify = &lead->verify;
	u64 index =
		qbd_overlap_max(&lead->overlap, verify->block, verify->blocks);
	const struct qbd_inflight *rec;

	for (; index > lead->completed; index--) {
		rec = qbd_window_at(&lead->win, index);
		if (rec && qbd_overlap_ranges(rec->block, rec->blocks,
					      verify->block, verify->blocks))
			return true;
	}
	return false;
}

/*
 * What members have to show: the newest record of the range, which is
 * completed, or one that may be taken for it; at least the first of the term.
 */
static u64 qbd_verify_newest(const struct qbd_leader_core *lead)
{
	u64 index = qbd_overlap_max(&lead->overlap, lead->verify.block,
				    lead->verify.blocks);

	return min(lead->completed, max(index, lead->history.index + 1));
}

static void qbd_verify_ask(struct qbd_leader_core *lead, u32 member, u16 flags,
			   struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	struct qbd_msg *msg = qbd_leader_send(lead, member, QBD_MSG_READ, acts);

	/* as of a try to read, but no read has it */
	verify->id[member] = ++lead->read_gen << QBD_READ_SLOT_BITS;
	verify->since_ns = lead->now_ns;
	if (!msg)
		return;
	msg->flags = QBD_WIRE_DIGEST | flags;
	msg->read.id = verify->id[member];
	msg->read.completed = verify->begin;
	msg->read.block = verify->block;
	msg->read.blocks = verify->blocks;
}

/* Members that answered the same as this one. */
static u16 qbd_verify_same(const struct qbd_leader_core *lead, u32 member)
{
	const struct qbd_verify *verify = &lead->verify;
	u16 mask = 0;
	u32 i;

	if (verify->bad & (1U << member))
		return 0;
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (verify->heard & ~verify->bad & (1U << i) &&
		    !memcmp(verify->digest[i], verify->digest[member],
			    QBD_DIGEST_BYTES))
			mask |= 1U << i;
	return mask;
}

/* Members that have the right bytes; 0 if nobody can say who they are. */
static u16 qbd_verify_right(const struct qbd_leader_core *lead)
{
	u32 i;
	u16 mask;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		mask = qbd_verify_same(lead, i);
		if (!mask)
			continue;
		if (qbd_quorum_has(&lead->cfg.set, mask) ||
		    QBD_MUTANT(repair_without_quorum))
			return mask;
	}
	return 0;
}

/* The range was compared; say who has it otherwise, if somebody has. */
static void qbd_verify_count(struct qbd_leader_core *lead, u16 wrong,
			     enum qbd_verify_verdict verdict, u64 index,
			     struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	struct qbd_action *act;
	u32 i;

	verify->counts.compared += verify->blocks;
	if (hweight32(verify->asked) < lead->cfg.set.nr)
		verify->counts.missing += verify->blocks;
	if (!wrong)
		return;
	verify->counts.differ += verify->blocks;
	if (verdict == QBD_VERIFY_UNDECIDED)
		verify->counts.undecided += verify->blocks;
	for (i = 0; i < lead->cfg.set.nr; i++) {
		if (!(wrong & (1U << i)) ||
		    verify->counts.differ > QBD_VERIFY_TOLD)
			continue;
		act = qbd_actions_add(acts, QBD_ACT_DIFFERS);
		if (!act)
			return;
		act->member = i;
		act->state = verdict;
		act->node = lead->cfg.set.member[i].node;
		act->id = lead->cfg.set.member[i].replica;
		act->block = verify->block;
		act->index = index;
		act->err = verify->bad & (1U << i) ? -EIO : 0;
	}
}

static void qbd_verify_report(struct qbd_leader_core *lead,
			      struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	qbd_verify_count(lead, verify->asked & ~verify->good,
			 verify->good ? QBD_VERIFY_REPORTED :
					QBD_VERIFY_UNDECIDED,
			 0, acts);
	qbd_verify_next(lead, acts);
}

/*
 * Somebody could not answer: once more, in a while, and less at once, for it
 * may be that it takes too long. That a block differs is known if it was only
 * to be put right.
 */
static void qbd_verify_fail(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	verify->pause_ns = lead->now_ns + lead->cfg.retry_ns / QBD_VERIFY_PAUSE;
	if (verify->blocks > 1) {
		qbd_verify_half(lead);
	} else if (++verify->tries < QBD_VERIFY_TRIES) {
		qbd_verify_again(lead);
	} else if (verify->state == QBD_VERIFY_BYTES) {
		qbd_verify_report(lead, acts);
	} else {
		verify->counts.skipped += verify->blocks;
		qbd_verify_next(lead, acts);
	}
}

/* It was written to. */
static void qbd_verify_busy(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	if (verify->blocks > 1) {
		qbd_verify_half(lead);
		return;
	}
	verify->counts.written += verify->blocks;
	qbd_verify_next(lead, acts);
}

static bool qbd_verify_quiet(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	u16 members = qbd_verify_members(lead);
	u32 i;

	if (lead->cfg.set.nr < 2) {
		qbd_leader_verify_end(lead, -EOPNOTSUPP, acts);
		return false;
	}
	if (hweight32(members) < 2) {
		verify->since_ns = lead->now_ns;
		return false;
	}
	if (lead->now_ns < verify->pause_ns)
		return false;
	if (qbd_verify_written(lead)) {
		if (verify->blocks > 1 &&
		    lead->now_ns - verify->since_ns <
			    lead->cfg.retry_ns / QBD_VERIFY_BUSY)
			return false;
		qbd_verify_busy(lead, acts);
		return true;
	}
	verify->state = QBD_VERIFY_ASKED;
	verify->dirty = false;
	verify->begin = qbd_verify_newest(lead);
	verify->asked = members;
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (members & (1U << i))
			qbd_verify_ask(lead, i, QBD_WIRE_BARE, acts);
	return false;
}

/*
 * Have one that is right send the bytes, each time another one. Zeros need not
 * be sent; their digest is zero.
 */
static void qbd_verify_fetch(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	u16 later = verify->good & ~((1U << verify->source) - 1);

	verify->source = __ffs(later ?: verify->good);
	if (mem_is_zero(verify->digest[verify->source], QBD_DIGEST_BYTES)) {
		verify->state = QBD_VERIFY_ROOM;
		return;
	}
	verify->state = QBD_VERIFY_BYTES;
	qbd_verify_ask(lead, verify->source, 0, acts);
}

static void qbd_verify_compare(struct qbd_leader_core *lead,
			       struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	if (qbd_verify_same(lead, __ffs(verify->asked)) == verify->asked) {
		qbd_verify_count(lead, 0, QBD_VERIFY_REPORTED, 0, acts);
		qbd_verify_next(lead, acts);
		return;
	}
	if (verify->blocks > 1) {
		qbd_verify_half(lead);
		return;
	}
	verify->good = qbd_verify_right(lead);
	if (verify->good && verify->flags & QBD_VERIFY_REPAIR)
		qbd_verify_fetch(lead, acts);
	else
		qbd_verify_report(lead, acts);
}

/* Who was asked and has not answered: too late by now, or gone? */
static bool qbd_verify_late(const struct qbd_leader_core *lead, u16 members)
{
	u64 wait_ns = 0;
	u32 i;

	if (members & ~qbd_verify_members(lead))
		return true;
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (members & (1U << i))
			wait_ns = max(wait_ns, qbd_leader_patience(lead, i));
	/* it may have been told to wait for others */
	return lead->now_ns - lead->verify.since_ns >=
	       2 * wait_ns + QBD_PACE_DELAY_NS;
}

static bool qbd_verify_asked(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	u16 left = verify->asked & ~verify->heard;

	if (verify->dirty)
		qbd_verify_busy(lead, acts);
	else if (left && !qbd_verify_late(lead, left))
		return false;
	else if (left || verify->again)
		qbd_verify_fail(lead, acts);
	else
		qbd_verify_compare(lead, acts);
	return true;
}

static bool qbd_verify_bytes(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	if (verify->dirty && !QBD_MUTANT(repair_over_newer)) {
		qbd_verify_busy(lead, acts);
		return true;
	}
	/* one that has other bytes now is no part of a quorum any more */
	if (!verify->again && !qbd_verify_late(lead, 1U << verify->source))
		return false;
	verify->source = (verify->source + 1) % QBD_MEMBERS_MAX;
	qbd_verify_fail(lead, acts);
	return true;
}

/* The bytes become a record, unless somebody has written to the block. */
static bool qbd_verify_assign(struct qbd_leader_core *lead,
			      struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;
	struct qbd_inflight *rec;

	if (verify->dirty && !QBD_MUTANT(repair_over_newer)) {
		qbd_verify_put(verify->payload, acts);
		verify->payload = NULL;
		qbd_verify_busy(lead, acts);
		return true;
	}
	if (!qbd_leader_fits(lead, 1, acts))
		return false;
	/* to make it fit others may have been let go */
	if (qbd_actions_room(acts) < QBD_MEMBERS_MAX) {
		acts->more = true;
		return false;
	}
	rec = qbd_window_push(&lead->win, verify->payload ? 1 : 0);
	rec->op = verify->payload ? QBD_OP_WRITE : QBD_OP_ZERO;
	rec->block = verify->block;
	rec->blocks = 1;
	rec->payload = verify->payload;
	rec->crc = verify->payload ? verify->crc : 0;
	verify->payload = NULL;
	verify->index = lead->win.end - 1;
	verify->state = QBD_VERIFY_RECORD;
	qbd_overlap_add(&lead->overlap, verify->index, verify->block, 1);
	qbd_verify_count(lead, verify->asked & ~verify->good,
			 QBD_VERIFY_REPAIRED, verify->index, acts);
	return false;
}

static bool qbd_verify_record(struct qbd_leader_core *lead,
			      struct qbd_actions *acts)
{
	if (lead->commit < lead->verify.index)
		return false;
	lead->verify.counts.repaired++;
	qbd_verify_next(lead, acts);
	return true;
}

/*
 * Return: true if it has got on. At most a message or a word about each member,
 * the payload, the end.
 */
static bool qbd_verify_step(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	if (lead->verify.state != QBD_VERIFY_IDLE &&
	    qbd_actions_room(acts) < QBD_MEMBERS_MAX + 2) {
		acts->more = true;
		return false;
	}
	switch ((enum qbd_verify_state)lead->verify.state) {
	case QBD_VERIFY_IDLE:
		return false;
	case QBD_VERIFY_QUIET:
		return qbd_verify_quiet(lead, acts);
	case QBD_VERIFY_ASKED:
		return qbd_verify_asked(lead, acts);
	case QBD_VERIFY_BYTES:
		return qbd_verify_bytes(lead, acts);
	case QBD_VERIFY_ROOM:
		return qbd_verify_assign(lead, acts);
	case QBD_VERIFY_RECORD:
		return qbd_verify_record(lead, acts);
	}
	return false;
}

/**
 * qbd_leader_verify_drive() - go on with a comparison
 * @lead: the leader
 * @acts: actions of the step
 *
 * After what is committed was counted, before records are sent.
 */
void qbd_leader_verify_drive(struct qbd_leader_core *lead,
			     struct qbd_actions *acts)
{
	while (qbd_verify_step(lead, acts))
		;
}

/* S7: for repair, too, it writes only what nobody else can write any more. */
static bool qbd_verify_may(const struct qbd_leader_core *lead)
{
	return lead->state == QBD_LEADER_SERVING ||
	       (lead->state == QBD_LEADER_READY && lead->cfg.repair &&
		lead->gate);
}

/**
 * qbd_leader_verify() - begin or end a comparison
 * @lead: the leader
 * @what: QBD_VERIFY_*
 * @acts: actions of the step
 *
 * Return: 0; -EINVAL; -EBUSY: one is under way; -ENOENT: there is none to end;
 * -EAGAIN: the shard does not serve yet; -EOPNOTSUPP: it has one copy; or why
 * this leader is at its end.
 */
int qbd_leader_verify(struct qbd_leader_core *lead, u8 what,
		      struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	if (lead->state == QBD_LEADER_LOST)
		return lead->stop_err;
	if (what == QBD_VERIFY_STOP) {
		if (verify->state == QBD_VERIFY_IDLE)
			return -ENOENT;
		qbd_leader_verify_end(lead, -ECANCELED, acts);
		return 0;
	}
	if ((what & ~QBD_VERIFY_REPAIR) != QBD_VERIFY_START)
		return -EINVAL;
	if (lead->state == QBD_LEADER_RELEASING)
		return -ESHUTDOWN;
	if (!qbd_verify_may(lead))
		return -EAGAIN;
	if (verify->state != QBD_VERIFY_IDLE)
		return -EBUSY;
	if (lead->cfg.set.nr < 2)
		return -EOPNOTSUPP;
	memset(verify, 0, sizeof(*verify));
	verify->flags = what & QBD_VERIFY_REPAIR;
	qbd_verify_range(lead);
	return 0;
}

/**
 * qbd_leader_verify_wrote() - a record of a user was assigned
 * @lead: the leader
 * @block: its first block
 * @blocks: its length
 */
void qbd_leader_verify_wrote(struct qbd_leader_core *lead, u32 block,
			     u32 blocks)
{
	struct qbd_verify *verify = &lead->verify;

	if (verify->state != QBD_VERIFY_IDLE &&
	    qbd_overlap_ranges(block, blocks, verify->block, verify->blocks))
		verify->dirty = true;
}

/* A digest came, or why there is none. */
static void qbd_verify_heard(struct qbd_verify *verify, u32 member,
			     const struct qbd_msg *msg)
{
	const struct qbd_msg_read_reply *reply = &msg->read_reply;

	verify->id[member] = 0;
	verify->heard |= 1U << member;
	if (reply->status == QBD_STATUS_BUSY ||
	    (reply->status == QBD_STATUS_OK && reply->index < verify->begin))
		verify->again = true;
	else if (reply->status != QBD_STATUS_OK ||
		 !(msg->flags & QBD_WIRE_DIGEST))
		verify->bad |= 1U << member;
	else
		memcpy(verify->digest[member], reply->digest, QBD_DIGEST_BYTES);
}

/* The bytes came. They are good if they are what was compared. */
static bool qbd_verify_got(struct qbd_verify *verify, u32 member,
			   const struct qbd_msg *msg)
{
	const struct qbd_msg_read_reply *reply = &msg->read_reply;

	verify->id[member] = 0;
	if (reply->status != QBD_STATUS_OK || !(msg->flags & QBD_WIRE_DIGEST) ||
	    msg->payload_bytes != QBD_BLOCK_SIZE ||
	    memcmp(reply->digest, verify->digest[member], QBD_DIGEST_BYTES)) {
		verify->again = true;
		return false;
	}
	verify->state = QBD_VERIFY_ROOM;
	verify->payload = msg->payload;
	verify->crc = reply->crc;
	return true;
}

/**
 * qbd_leader_verify_reply() - a member has read, or could not
 * @lead: the leader
 * @member: its number, below 0 if it is none
 * @msg: the READ_REPLY
 * @acts: actions of the step
 *
 * Return: true if it was for a comparison: its payload was taken, or given
 * back.
 */
bool qbd_leader_verify_reply(struct qbd_leader_core *lead, int member,
			     const struct qbd_msg *msg,
			     struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	if (member < 0 || !verify->id[member] ||
	    verify->id[member] != msg->read_reply.id)
		return false;
	if (verify->state == QBD_VERIFY_ASKED)
		qbd_verify_heard(verify, member, msg);
	else if (verify->state == QBD_VERIFY_BYTES &&
		 qbd_verify_got(verify, member, msg))
		return true;
	qbd_verify_put(msg->payload, acts);
	return true;
}

/**
 * qbd_leader_verify_refused() - a member refused to read
 * @lead: the leader
 * @member: its number
 * @id: of the question
 */
void qbd_leader_verify_refused(struct qbd_leader_core *lead, u32 member, u64 id)
{
	struct qbd_verify *verify = &lead->verify;

	if (!verify->id[member] || verify->id[member] != id)
		return;
	verify->id[member] = 0;
	verify->heard |= 1U << member;
	verify->again = true;
}

/**
 * qbd_leader_verify_left() - members have other numbers now
 * @lead: the leader
 * @acts: actions of the step
 *
 * What was compared is compared anew; a record that was assigned stays.
 */
void qbd_leader_verify_left(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	struct qbd_verify *verify = &lead->verify;

	if (verify->state == QBD_VERIFY_IDLE ||
	    verify->state == QBD_VERIFY_RECORD)
		return;
	qbd_verify_put(verify->payload, acts);
	verify->payload = NULL;
	qbd_verify_again(lead);
}
