// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leader of a shard: which event goes where, time, and the loop that makes
 * actions out of the state. See leader.h for the whole, leader_parts.h for how
 * a step is made.
 */
#include "leader_parts.h"

/**
 * qbd_leader_size() - memory that a leader takes
 *
 * Return: bytes, for the caller to allocate.
 */
size_t qbd_leader_size(void)
{
	return sizeof(struct qbd_leader_core);
}

/**
 * qbd_leader_init() - a leader that has not said anything yet
 * @lead: the leader, qbd_leader_size() bytes
 * @cfg: what it starts with
 *
 * Return: 0 or -EINVAL.
 */
int qbd_leader_init(struct qbd_leader_core *lead,
		    const struct qbd_leader_config *cfg)
{
	u32 i;

	if (!cfg->term || cfg->term > QBD_WAL_TERM_MAX || !cfg->nonce ||
	    !cfg->node || !cfg->blocks || !cfg->lease_ns || !cfg->retry_ns ||
	    !cfg->recover_ns || !cfg->read || !cfg->nr_reads ||
	    cfg->nr_reads > 1U << 16 || qbd_set_check(&cfg->set))
		return -EINVAL;
	memset(lead, 0, sizeof(*lead));
	lead->cfg = *cfg;
	lead->recover_wait_ns = cfg->recover_ns;
	for (i = 0; i < QBD_MEMBERS_MAX; i++)
		qbd_progress_init(&lead->prog[i]);
	memset(cfg->read, 0, cfg->nr_reads * sizeof(*cfg->read));
	qbd_overlap_init(&lead->overlap);
	return qbd_window_init(&lead->win, cfg->ring, cfg->ring_records,
			       cfg->window_bytes);
}

/**
 * qbd_leader_send() - a message to a member
 * @lead: the leader
 * @member: its number
 * @type: enum qbd_wire_type
 * @acts: actions of the step
 *
 * Return: the message, its authority filled in, its body zero; NULL if there
 * was no room.
 */
struct qbd_msg *qbd_leader_send(const struct qbd_leader_core *lead, u32 member,
				u16 type, struct qbd_actions *acts)
{
	struct qbd_action *act = qbd_actions_add(acts, QBD_ACT_SEND);
	struct qbd_msg *msg;

	if (!act)
		return NULL;
	act->node = lead->cfg.set.member[member].node;
	act->member = member;
	msg = &act->msg;
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->key = lead->cfg.key;
	msg->replica = lead->cfg.set.member[member].replica;
	msg->term = lead->cfg.term;
	msg->nonce = lead->cfg.nonce;
	msg->epoch = lead->cfg.set.epoch;
	msg->session = lead->prog[member].session;
	return msg;
}

/**
 * qbd_leader_mask() - members that obey and vote
 * @lead: the leader
 * @live: only those in the live stream
 *
 * Return: a bit for each.
 */
u16 qbd_leader_mask(const struct qbd_leader_core *lead, bool live)
{
	u16 mask = 0;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		const struct qbd_progress *prog = &lead->prog[i];

		if (prog->up && prog->promised && prog->voting &&
		    (!live || prog->state == QBD_MEMBER_LIVE))
			mask |= 1U << i;
	}
	return mask;
}

/**
 * qbd_leader_patience() - how long a member may take to answer
 * @lead: the leader
 * @member: its number
 *
 * Twice what it took the last time, for one that is far away or slow: asked
 * again earlier it would be kept from answering.
 *
 * Return: after how long it is asked again.
 */
u64 qbd_leader_patience(const struct qbd_leader_core *lead, u32 member)
{
	u64 wait_ns = min(2 * lead->prog[member].answer_ns,
			  QBD_PATIENCE_MAX * lead->cfg.retry_ns);

	return max(wait_ns, lead->cfg.retry_ns);
}

/**
 * qbd_leader_lost() - somebody else leads
 * @lead: the leader
 * @term: term of the other, 0 if this leader just has to stop
 * @acts: actions of the step
 *
 * Nothing is completed from here on: requests under way end in an error. They
 * may still be part of the history, as errored writes may.
 */
void qbd_leader_lost(struct qbd_leader_core *lead, u64 term,
		     struct qbd_actions *acts)
{
	struct qbd_action *act;

	if (lead->state == QBD_LEADER_LOST)
		return;
	lead->state = QBD_LEADER_LOST;
	lead->stop_err = -EIO;
	lead->space_wanted = true;
	qbd_leader_config_drop(lead, acts);
	qbd_leader_verify_end(lead, -ESTALE, acts);
	if (!term)
		return;
	act = qbd_actions_add(acts, QBD_ACT_TERM_LOST);
	if (act)
		act->term = term;
}

/* Which member sent this? It must come from that member's node. */
static int qbd_leader_sender(const struct qbd_leader_core *lead,
			     const struct qbd_leader_event *event)
{
	const struct qbd_msg *msg = event->msg;
	int member = qbd_set_find(&lead->cfg.set, msg->replica);

	if (member < 0 || lead->cfg.set.member[member].node != event->node ||
	    msg->term != lead->cfg.term || msg->nonce != lead->cfg.nonce)
		return -ENOENT;
	return member;
}

/* Members that a record could be committed with, at once or after a catch-up.
 */
static u16 qbd_leader_near(const struct qbd_leader_core *lead)
{
	u16 mask = qbd_leader_mask(lead, false);
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].state == QBD_MEMBER_GONE ||
		    lead->prog[i].state == QBD_MEMBER_RESYNC ||
		    lead->prog[i].full)
			mask &= ~(1U << i);
	return mask;
}

/**
 * qbd_leader_reach() - is a write quorum in reach?
 * @lead: the leader
 * @acts: actions of the step; one at most
 *
 * One that is a copy some day does not count. While it is not, requests wait,
 * or fail after the time that the user chose; consistency is never given up for
 * it.
 */
void qbd_leader_reach(struct qbd_leader_core *lead, struct qbd_actions *acts)
{
	bool reach = qbd_quorum_has(&lead->cfg.set, qbd_leader_near(lead));

	if (lead->state == QBD_LEADER_LOST)
		return;
	if (reach && lead->suspended) {
		lead->suspended = false;
		lead->failing = false;
		qbd_actions_add(acts, QBD_ACT_RESUMED);
	} else if (!reach && !lead->suspended &&
		   lead->state != QBD_LEADER_OPENING) {
		lead->suspended = true;
		lead->no_quorum_ns = lead->now_ns;
		qbd_actions_add(acts, QBD_ACT_SUSPENDED);
	}
	if (lead->suspended && lead->cfg.error_ns && !lead->failing &&
	    lead->now_ns - lead->no_quorum_ns >= lead->cfg.error_ns) {
		lead->failing = true;
		lead->space_wanted = true;
	}
}

/*
 * An ack came. One of this session, but of another life than the one that
 * promised: that life was opened by a repetition of the OPEN which the life
 * before had answered. It obeys, but none of its acks would ever count (S4).
 */
static void qbd_leader_ack(struct qbd_leader_core *lead, u32 member,
			   const struct qbd_msg *msg, struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];

	if (prog->promised && msg->session == prog->session &&
	    msg->ack.incarnation != prog->incarnation &&
	    !QBD_MUTANT(ack_of_old_session)) {
		qbd_leader_open(lead, member, acts);
		return;
	}
	if (!qbd_progress_ack(prog, msg, lead->now_ns))
		return;
	qbd_progress_answered(prog, lead->now_ns);
	prog->matched = min(prog->matched, lead->win.end - 1);
	prog->durable = min(prog->durable, prog->matched);
	if (prog->durable + 1 == lead->win.end)
		prog->full = false;
	if (lead->suspended && !prog->full)
		qbd_leader_reach(lead, acts);
	qbd_leader_recover_gain(lead, prog);
	prog->acked_bytes = max(prog->acked_bytes,
				qbd_window_bytes(&lead->win, prog->durable));
	if (prog->state == QBD_MEMBER_LIVE && prog->next <= prog->matched) {
		/* by a source that was still sending when it went live */
		prog->next = prog->matched + 1;
		prog->sent_bytes = qbd_window_bytes(&lead->win, prog->matched);
	}
	if (prog->state == QBD_MEMBER_PROBING)
		qbd_leader_place(lead, member);
	else if (prog->state == QBD_MEMBER_GONE)
		qbd_leader_moved(lead, member, acts);
}

static void qbd_leader_msg(struct qbd_leader_core *lead,
			   const struct qbd_leader_event *event,
			   struct qbd_actions *acts)
{
	const struct qbd_msg *msg = event->msg;
	int member = qbd_leader_sender(lead, event);

	if (msg->type == QBD_MSG_READ_REPLY) {
		qbd_leader_read_reply(lead, member, msg, acts);
		return;
	}
	if (member < 0 || lead->state == QBD_LEADER_LOST)
		return;
	switch (msg->type) {
	case QBD_MSG_OPEN_REPLY:
		qbd_leader_open_reply(lead, member, msg, acts);
		qbd_leader_reach(lead, acts);
		break;
	case QBD_MSG_APPEND_ACK:
		qbd_leader_ack(lead, member, msg, acts);
		break;
	case QBD_MSG_NACK:
		qbd_leader_nack(lead, member, msg, acts);
		qbd_leader_reach(lead, acts);
		break;
	case QBD_MSG_FETCH_REPLY:
		qbd_leader_fetch_reply(lead, member, msg, acts);
		break;
	case QBD_MSG_RESYNC_REPLY:
		qbd_leader_resync_reply(lead, member, msg, acts);
		break;
	case QBD_MSG_RELEASE_ACK:
		lead->released |= 1U << member;
		break;
	default:
		/* a request, or between nodes: not for a leader */
		break;
	}
}

/* The connection to a node came or went. */
static void qbd_leader_link(struct qbd_leader_core *lead, u32 node, bool up,
			    struct qbd_actions *acts)
{
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		if (lead->cfg.set.member[i].node != node)
			continue;
		qbd_progress_down(&lead->prog[i]);
		qbd_leader_source_gone(lead, i);
		qbd_leader_read_down(lead, i);
		lead->prog[i].up = up;
		if (up && lead->state != QBD_LEADER_LOST)
			qbd_leader_open(lead, i, acts);
	}
}

/*
 * What a member in the live stream needs when time has gone by. If it is only
 * its disk that is slow, asking is enough: it says what it received. Silence
 * after that means that something was lost: the stream starts anew.
 */
static void qbd_leader_live_tick(struct qbd_leader_core *lead, u32 member,
				 struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	struct qbd_lease_view view = lead->cfg.ops->lease(
		lead->cfg.ctx, lead->cfg.set.member[member].node);
	bool waits = prog->matched + 1 < prog->next;
	u64 age_ns = lead->now_ns - prog->active_ns;
	u64 wait_ns = qbd_leader_patience(lead, member);

	if (waits && age_ns >= 2 * wait_ns)
		qbd_leader_probe(lead, member,
				 qbd_leader_pos(lead, prog->matched), acts);
	else if ((waits && age_ns >= wait_ns) ||
		 (view.version && view.version != prog->version))
		qbd_leader_notice(lead, member, true, acts);
	else if (!waits && prog->commit < lead->commit)
		qbd_leader_notice(lead, member, false, acts);
}

static void qbd_leader_member_tick(struct qbd_leader_core *lead, u32 member,
				   struct qbd_actions *acts)
{
	struct qbd_progress *prog = &lead->prog[member];
	u64 age_ns = lead->now_ns - prog->active_ns;
	bool late = age_ns >= qbd_leader_patience(lead, member);

	switch ((enum qbd_member_state)prog->state) {
	case QBD_MEMBER_DOWN:
		break;
	case QBD_MEMBER_WAITING:
		/* it may obey somebody else by now, or vote again */
		if (age_ns >=
		    QBD_WAITING_AGAIN * qbd_leader_patience(lead, member))
			qbd_leader_open(lead, member, acts);
		break;
	case QBD_MEMBER_OPENING:
		if (late)
			qbd_leader_open_again(lead, member, acts);
		break;
	case QBD_MEMBER_REFUSED:
		if (late)
			qbd_leader_open(lead, member, acts);
		break;
	case QBD_MEMBER_FULL:
		/* only shown */
		break;
	case QBD_MEMBER_PROBING:
		if (late)
			qbd_leader_probe_again(lead, member, acts);
		break;
	case QBD_MEMBER_LIVE:
		qbd_leader_live_tick(lead, member, acts);
		break;
	case QBD_MEMBER_LAGGING:
	case QBD_MEMBER_CATCHUP:
	case QBD_MEMBER_GONE:
		qbd_leader_fill_tick(lead, member);
		break;
	case QBD_MEMBER_RESYNC:
		qbd_leader_resync_tick(lead, member, acts);
		break;
	}
}

static void qbd_leader_tick(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	u32 i;

	if (lead->state == QBD_LEADER_LOST)
		return;
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].up)
			qbd_leader_member_tick(lead, i, acts);
	qbd_leader_recover_tick(lead, acts);
	if (lead->state == QBD_LEADER_RELEASING)
		lead->release_sent = false;
	if (lead->round > lead->confirmed &&
	    lead->now_ns - lead->round_ns >= lead->cfg.retry_ns)
		for (i = 0; i < lead->cfg.set.nr; i++)
			lead->prog[i].round_sent = lead->prog[i].round;
}

/* Clean detach: once all is drained, tell the members; then it is over. */
static void qbd_leader_release(struct qbd_leader_core *lead,
			       struct qbd_actions *acts)
{
	struct qbd_msg *msg;
	u32 i;

	if (lead->state != QBD_LEADER_RELEASING || lead->nr_reads ||
	    lead->completed + 1 < lead->win.end)
		return;
	if (qbd_quorum_has(&lead->cfg.set, lead->released)) {
		if (qbd_actions_room(acts) < 2) {
			acts->more = true;
			return;
		}
		lead->state = QBD_LEADER_LOST;
		lead->stop_err = -ESHUTDOWN;
		qbd_leader_config_drop(lead, acts);
		qbd_actions_add(acts, QBD_ACT_RELEASED);
		return;
	}
	if (lead->release_sent)
		return;
	if (qbd_actions_room(acts) < lead->cfg.set.nr) {
		acts->more = true;
		return;
	}
	lead->release_sent = true;
	for (i = 0; i < lead->cfg.set.nr; i++) {
		if (!lead->prog[i].promised || (lead->released & (1U << i)))
			continue;
		msg = qbd_leader_send(lead, i, QBD_MSG_RELEASE, acts);
		if (msg)
			msg->release.commit = lead->commit;
	}
}

/*
 * What people are to see of a member. One whose store is full goes round and
 * round while it is tried: what matters is why.
 */
static u8 qbd_leader_shown(const struct qbd_progress *prog)
{
	if (prog->state == QBD_MEMBER_OPENING && prog->refused)
		return QBD_MEMBER_REFUSED;
	if (prog->full && prog->state >= QBD_MEMBER_PROBING &&
	    prog->state <= QBD_MEMBER_GONE)
		return QBD_MEMBER_FULL;
	return prog->state;
}

/* Tell the shell which members changed their state. */
static void qbd_leader_show(struct qbd_leader_core *lead,
			    struct qbd_actions *acts)
{
	struct qbd_action *act;
	u8 state;
	u32 i;

	for (i = 0; i < lead->cfg.set.nr; i++) {
		struct qbd_progress *prog = &lead->prog[i];

		state = qbd_leader_shown(prog);
		if (prog->shown == state)
			continue;
		if (!qbd_actions_room(acts)) {
			acts->more = true;
			return;
		}
		prog->shown = state;
		act = qbd_actions_add(acts, QBD_ACT_MEMBER);
		if (!act)
			return;
		act->member = i;
		act->state = state;
		act->reason = state == QBD_MEMBER_FULL ? QBD_NACK_FULL :
							 prog->why;
		act->node = lead->cfg.set.member[i].node;
		act->id = lead->cfg.set.member[i].replica;
		act->index = prog->matched;
	}
}

/*
 * Make actions out of the state, as far as there is room. After a WRITE its
 * record is the last one, as the shell is told: no other one is assigned then.
 */
static void qbd_leader_drive(struct qbd_leader_core *lead, bool write,
			     struct qbd_actions *acts)
{
	if (lead->state != QBD_LEADER_LOST) {
		qbd_leader_advance(lead, acts);
		if (!write) {
			qbd_leader_config_drive(lead, acts);
			qbd_leader_verify_drive(lead, acts);
		}
		qbd_leader_stream(lead, acts);
		qbd_leader_feed(lead, acts);
		qbd_leader_rounds(lead, acts);
	}
	qbd_leader_complete(lead, acts);
	qbd_leader_reads(lead, acts);
	if (lead->state != QBD_LEADER_LOST)
		qbd_leader_rounds(lead, acts); /* for reads that want one now */
	qbd_leader_trim(lead, acts);
	qbd_leader_space(lead, acts);
	qbd_leader_release(lead, acts);
	qbd_leader_show(lead, acts);
}

/* Events that are not requests. */
static void qbd_leader_event(struct qbd_leader_core *lead,
			     const struct qbd_leader_event *event,
			     struct qbd_actions *acts)
{
	switch (event->kind) {
	case QBD_LEADER_MSG:
		qbd_leader_msg(lead, event, acts);
		break;
	case QBD_LEADER_UP:
	case QBD_LEADER_DOWN:
		qbd_leader_link(lead, event->node, event->kind == QBD_LEADER_UP,
				acts);
		qbd_leader_reach(lead, acts);
		break;
	case QBD_LEADER_READ_DONE:
		qbd_leader_read_done(lead, event, acts);
		break;
	case QBD_LEADER_GATE:
		lead->gate = true;
		qbd_leader_serve(lead, acts);
		break;
	case QBD_LEADER_RELEASE:
		if (lead->state < QBD_LEADER_RELEASING)
			lead->state = QBD_LEADER_RELEASING;
		qbd_leader_config_release(lead, acts);
		qbd_leader_verify_end(lead, -ESHUTDOWN, acts);
		break;
	case QBD_LEADER_STOP:
		qbd_leader_lost(lead, 0, acts);
		lead->stop_err = event->err;
		break;
	case QBD_LEADER_TICK:
		qbd_leader_tick(lead, acts);
		qbd_leader_reach(lead, acts);
		break;
	case QBD_LEADER_SCARCE:
		qbd_leader_scarce(lead);
		break;
	case QBD_LEADER_START:
	case QBD_LEADER_WRITE:
	case QBD_LEADER_READ:
	case QBD_LEADER_CONFIG:
	case QBD_LEADER_VERIFY:
	case QBD_LEADER_MORE:
		break;
	}
}

/**
 * qbd_leader_step() - one event
 * @lead: the leader
 * @event: what happened
 * @acts: where the actions go, see step.h
 *
 * Return: 0. For WRITE and READ: 0 if it was accepted; -EAGAIN: try again
 * after SPACE, SERVING or RESUMED; -EINVAL: not a valid request; other errors
 * are how the request ends. For CONFIG: see qbd_leader_config(); for VERIFY,
 * qbd_leader_verify().
 */
int qbd_leader_step(struct qbd_leader_core *lead,
		    const struct qbd_leader_event *event,
		    struct qbd_actions *acts)
{
	int err = 0;

	acts->more = false;
	lead->now_ns = max(lead->now_ns, event->now_ns);
	if (event->kind == QBD_LEADER_WRITE)
		err = qbd_leader_write(lead, event, acts);
	else if (event->kind == QBD_LEADER_READ)
		err = qbd_leader_read(lead, event);
	else if (event->kind == QBD_LEADER_CONFIG)
		err = qbd_leader_config(lead, event, acts);
	else if (event->kind == QBD_LEADER_VERIFY)
		err = qbd_leader_verify(lead, event->verify, acts);
	else
		qbd_leader_event(lead, event, acts);
	qbd_leader_drive(lead, event->kind == QBD_LEADER_WRITE, acts);
	return err;
}

/**
 * qbd_leader_busy() - does time matter much?
 * @lead: the leader
 *
 * Return: false if everything is served, in sync and idle.
 */
bool qbd_leader_busy(const struct qbd_leader_core *lead)
{
	u32 i;

	if (lead->state != QBD_LEADER_SERVING || lead->nr_reads ||
	    lead->win.base < lead->win.end ||
	    lead->verify.state != QBD_VERIFY_IDLE)
		return lead->state != QBD_LEADER_LOST;
	for (i = 0; i < lead->cfg.set.nr; i++)
		if (lead->prog[i].state != QBD_MEMBER_LIVE ||
		    lead->prog[i].commit < lead->commit)
			return true;
	return false;
}

/**
 * qbd_leader_waits_lease() - would an answered heartbeat help?
 * @lead: the leader
 *
 * Return: true if reads wait.
 */
bool qbd_leader_waits_lease(const struct qbd_leader_core *lead)
{
	return lead->nr_reads && !lead->cfg.reads_quorum;
}

/**
 * qbd_leader_info() - for dumps
 * @lead: the leader
 * @info: where it goes
 */
void qbd_leader_info(const struct qbd_leader_core *lead,
		     struct qbd_leader_info *info)
{
	*info = (struct qbd_leader_info){
		.state = lead->state,
		.suspended = lead->suspended,
		.repair = lead->cfg.repair,
		.history = lead->history,
		.last = lead->win.end ? lead->win.end - 1 : 0,
		.commit = lead->commit,
		.completed = lead->completed,
		.epoch = lead->config_shown ? lead->cfg.set.epoch : 0,
		.blocks = lead->cfg.blocks,
		.nr_inflight = (u32)(lead->win.end - lead->win.base),
		.nr_reads = lead->nr_reads,
		.verifying = lead->verify.state != QBD_VERIFY_IDLE,
		.verified = lead->verify.block,
		.verify_err = lead->verify.err,
		.verify = lead->verify.counts,
	};
}

/**
 * qbd_leader_set() - the replica set in force
 * @lead: the leader
 *
 * Return: the set, with learners; it may be another one after the next step.
 */
const struct qbd_set *qbd_leader_set(const struct qbd_leader_core *lead)
{
	return &lead->cfg.set;
}

/**
 * qbd_leader_member() - for dumps
 * @lead: the leader
 * @member: number of a member
 *
 * Return: what is known of it, NULL if there is no such member.
 */
const struct qbd_progress *qbd_leader_member(const struct qbd_leader_core *lead,
					     u32 member)
{
	return member < lead->cfg.set.nr ? &lead->prog[member] : NULL;
}

/**
 * qbd_leader_name() - for traces and dumps
 * @state: a state
 *
 * Return: its name.
 */
const char *qbd_leader_name(enum qbd_leader_state state)
{
	static const char *const name[] = {
		[QBD_LEADER_OPENING] = "opening",
		[QBD_LEADER_RECOVERING] = "recovering",
		[QBD_LEADER_READY] = "ready",
		[QBD_LEADER_SERVING] = "serving",
		[QBD_LEADER_RELEASING] = "releasing",
		[QBD_LEADER_LOST] = "lost",
	};

	return (u32)state < ARRAY_SIZE(name) ? name[state] : "?";
}
