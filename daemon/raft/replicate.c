// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of a follower becomes the leader's (rules 4 and 10), and the leader's
 * own entries.
 *
 * matched is how far the two are known to be equal in this term.  The commit
 * index goes no further, whatever the leader says, and nothing below it is ever
 * taken back.
 */
#include "state.h"

/**
 * raft_truncate() - take back entries
 * @r: the server
 * @keep: the last one that stays
 *
 * A batch under way may still bring them to the disk: it does not count for
 * them, and the next one takes them away.
 */
void raft_truncate(struct raft *r, u64 keep)
{
	if (keep >= r->log.last)
		return;
	if (RAFT_BUG(keep < r->commit) &&
	    !QBD_MUTANT(raft_truncate_below_commit))
		return;
	r->count.conflicts++;
	if (keep < r->log.stored) {
		r->keep = r->dirty & RAFT_STORE_TRUNCATE ? min(r->keep, keep) :
							   keep;
		r->dirty |= RAFT_STORE_TRUNCATE;
	}
	r->flight.last = min(r->flight.last, keep);
	raft_log_truncate(&r->log, keep);
	if (!QBD_MUTANT(raft_config_not_rolled_back))
		raft_conf_rollback(r);
}

static int raft_take(struct raft *r, const struct raft_entry *entry)
{
	struct raft_config conf;
	int err;

	if (entry->type == RAFT_ENTRY_CONFIG && raft_conf_of(entry, &conf))
		return -EBADMSG;
	err = raft_log_append(&r->log, entry);
	if (!err && entry->type == RAFT_ENTRY_CONFIG)
		raft_conf_set(r, &conf);
	return err;
}

/**
 * raft_log_own() - an entry of this leader
 * @r: the leader
 * @type: enum raft_entry_type
 * @data: its data
 * @bytes: length of it
 *
 * Return: 0 or -ENOSPC.
 */
int raft_log_own(struct raft *r, u8 type, const void *data, u32 bytes)
{
	struct raft_entry entry = {
		.pos = { r->term, r->log.last + 1 },
		.type = type,
		.bytes = bytes,
		.data = data,
	};

	return raft_take(r, &entry);
}

/* Not this one: where may the logs agree? */
static void raft_append_reject(struct raft *r, const struct raft_msg *msg,
			       struct raft_update *up)
{
	struct raft_pos limit = { msg->pos.term, msg->pos.index - 1 };
	struct raft_msg *reply;

	if (!raft_state_durable(r))
		return; /* the leader asks again */
	reply = raft_send(r, up, RAFT_MSG_APPEND_REPLY, msg->from);
	reply->reject = true;
	reply->index = msg->pos.index;
	reply->pos = raft_log_agree(&r->log, limit);
}

/*
 * Return: 1: taken, or there already; 0: no room; -EBADMSG: it contradicts what
 * is committed, or what this leader sent before.
 */
static int raft_append_one(struct raft *r, const struct raft_entry *entry)
{
	u64 index = entry->pos.index;
	int err;

	if (index < r->log.base.index)
		return 1;
	/* a late message must not shorten a log that agrees with it */
	if (raft_log_has(&r->log, entry->pos) &&
	    !QBD_MUTANT(raft_truncate_below_commit))
		return 1;
	if (index == r->log.base.index ||
	    (index <= max(r->commit, r->matched) &&
	     !QBD_MUTANT(raft_truncate_below_commit)))
		return raft_bad(r);
	raft_truncate(r, index - 1);
	err = raft_take(r, entry);
	if (err == -ENOSPC) {
		r->count.full++;
		return 0;
	}
	return err ?: 1;
}

/**
 * raft_recv_append() - entries from the leader
 * @r: the server
 * @msg: the message
 * @up: no; yes is sent when it is durable
 *
 * What is below the base of the log is committed, and so in the leader's too.
 *
 * Return: 0; -EBADMSG: it can not be from the leader of this term.
 */
int raft_recv_append(struct raft *r, const struct raft_msg *msg,
		     struct raft_update *up)
{
	u64 through = msg->pos.index;
	u32 i;
	int got = 1;

	if (msg->pos.index >= r->log.base.index &&
	    !raft_log_has(&r->log, msg->pos)) {
		if (msg->pos.index <= r->commit)
			return raft_bad(r);
		raft_append_reject(r, msg, up);
		return 0;
	}
	for (i = 0; i < msg->nr && got > 0; i++) {
		got = raft_append_one(r, &msg->entry[i]);
		if (got > 0)
			through = msg->entry[i].pos.index;
	}
	if (got < 0)
		return got;
	r->matched = max(r->matched, through);
	if (QBD_MUTANT(raft_commit_past_log))
		through = r->log.last;
	raft_commit_to(r, min(msg->commit, through));
	r->ack_owed = true;
	return 0;
}

/**
 * raft_recv_beat() - a heartbeat from the leader
 * @r: the server
 * @msg: the message
 */
void raft_recv_beat(struct raft *r, const struct raft_msg *msg)
{
	u64 through = r->matched;

	if (QBD_MUTANT(raft_heartbeat_commit_not_clamped))
		through = r->log.last;
	raft_commit_to(r, min(msg->commit, through));
	r->beat_held = true;
	r->beat_owed = msg->round;
}

/**
 * raft_answers_flush() - answers to the leader that are true by now
 * @r: the server
 * @up: messages
 */
void raft_answers_flush(struct raft *r, struct raft_update *up)
{
	u64 durable = raft_installing(r) ? 0 : r->log.durable;
	u64 through;

	if (QBD_MUTANT(raft_ack_before_persist))
		durable = r->log.last;
	if (!r->leader || r->role != RAFT_FOLLOWER || !raft_state_durable(r))
		return;
	if (r->beat_held) {
		r->beat_held = false;
		raft_send(r, up, RAFT_MSG_BEAT_REPLY, r->leader)->round =
			r->beat_owed;
	}
	if (!r->ack_owed)
		return;
	through = min(r->matched, durable);
	if (through < r->matched && through <= r->acked)
		return;
	r->acked = through;
	r->ack_owed = through < r->matched;
	raft_send(r, up, RAFT_MSG_APPEND_REPLY, r->leader)->index = through;
}
