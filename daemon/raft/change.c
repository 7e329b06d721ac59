// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the configuration changes (rules 1, 4, 5, 6).
 *
 *	C_old  --CONFIG event-->  C_old,new  --committed-->  C_new  --committed
 *	                          both count                 leader not in it
 *	                                                     steps down
 *
 * A configuration counts from the moment that it is in the log, on the leader
 * and on who receives it.  Why not when it is committed: a leader would not
 *know with whose quorum.  So {committed, latest} are kept, and truncation goes
 *back to what the log has then; the log in memory is searched, for a follower
 *that heard of no commit may have more than one.
 *
 * The second step needs nobody: whoever leads and sees the joint one committed
 * logs it.  A leader that crashed in between leaves the joint one to the next,
 * which goes on, or to nobody, if it was never on a quorum of both.
 */
#include "codec.h"
#include "state.h"

/**
 * raft_conf_of() - the configuration in an entry
 * @entry: the entry
 * @conf: the configuration
 *
 * Return: 0 or -EBADMSG.
 */
int raft_conf_of(const struct raft_entry *entry, struct raft_config *conf)
{
	int err = raft_conf_decode(entry->data, entry->bytes, conf);

	if (err || !conf->nr)
		return -EBADMSG;
	conf->index = entry->pos.index;
	return 0;
}

/**
 * raft_conf_set() - this one counts from now on
 * @r: the server
 * @conf: the configuration
 */
void raft_conf_set(struct raft *r, const struct raft_config *conf)
{
	if (r->role == RAFT_LEADER)
		raft_progress_move(r, conf);
	r->conf = *conf;
}

/* The latest one in entries from @through down to behind @after. */
static bool raft_conf_search(const struct raft *r, u64 through, u64 after,
			     struct raft_config *conf)
{
	struct raft_entry entry;
	u64 index;

	for (index = through; index > after; index--) {
		if (raft_log_get(&r->log, index, &entry))
			return false;
		if (entry.type == RAFT_ENTRY_CONFIG)
			return !raft_conf_of(&entry, conf);
	}
	return false;
}

/**
 * raft_conf_rollback() - entries were taken back
 * @r: the server
 *
 * Rule 4: without this a set that nobody else knows of would go on counting.
 */
void raft_conf_rollback(struct raft *r)
{
	struct raft_config conf;

	if (r->conf.index <= r->log.last)
		return;
	if (!raft_conf_search(r, r->log.last, r->log.base.index, &conf))
		conf = r->base_conf;
	raft_conf_set(r, &conf);
}

/**
 * raft_conf_commit() - entries are committed
 * @r: the server, with the commit index before
 * @index: up to here
 */
void raft_conf_commit(struct raft *r, u64 index)
{
	struct raft_config conf;

	if (r->conf.index <= index)
		r->committed = r->conf;
	else if (raft_conf_search(r, index, r->commit, &conf))
		r->committed = conf;
}

/**
 * raft_conf_drop() - entries at the beginning go: what was in force then?
 * @r: the server, before they go
 * @through: the last that goes
 */
void raft_conf_drop(struct raft *r, u64 through)
{
	struct raft_config conf;

	if (raft_conf_search(r, through, r->log.base.index, &conf))
		r->base_conf = conf;
}

/*
 * Would the second set be able to go on at once?  Each new voter learned before
 * and has what is committed, and so has a quorum of the set.
 */
static int raft_conf_ready(const struct raft *r, const struct raft_config *to)
{
	u16 ready = 0;
	u32 i;

	for (i = 0; i < to->nr; i++) {
		bool good = raft_caught_up(r, to->id[i]);

		if (good)
			ready |= 1U << i;
		if (!(to->next & ~to->old & (1U << i)))
			continue;
		if (raft_config_find(&r->conf, to->id[i]) < 0)
			return -EINVAL;
		if (!good && !QBD_MUTANT(raft_promote_not_caught_up))
			return -EAGAIN;
	}
	if (to->next && !QBD_MUTANT(raft_promote_not_caught_up) &&
	    hweight32(to->next & ready) < hweight32(to->next) / 2 + 1)
		return -EAGAIN;
	return 0;
}

static int raft_conf_log(struct raft *r, const struct raft_config *conf)
{
	u8 buf[RAFT_CONF_BYTES_MAX];
	int bytes = raft_conf_encode(conf, buf, sizeof(buf));

	if (RAFT_BUG(bytes < 0))
		return bytes;
	return raft_log_own(r, RAFT_ENTRY_CONFIG, buf, bytes);
}

/**
 * raft_conf_change() - somebody wants other members
 * @r: the server
 * @want: whom
 *
 * Return: 0: it is logged; -ENOTCONN; -EAGAIN: no entry of this term is
 * committed yet, or a new voter is behind; -EBUSY: a change or a transfer is
 * under way; -EALREADY: so it is; -EINVAL: it can not be, or a new voter has
 * not been a learner; -ENOSPC.
 */
int raft_conf_change(struct raft *r, const struct raft_members *want)
{
	struct raft_config to;
	int err;

	if (r->role != RAFT_LEADER)
		return -ENOTCONN;
	if (r->commit < r->term_start &&
	    !QBD_MUTANT(raft_config_before_own_commit))
		return -EAGAIN;
	if (r->transfer || r->conf.next ||
	    (r->conf.index > r->commit && !QBD_MUTANT(raft_config_overlap)))
		return -EBUSY;
	if (raft_config_joint(&r->conf, want, &to))
		return -EINVAL;
	if (!to.next && to.nr == r->conf.nr && to.learn == r->conf.learn &&
	    to.old == r->conf.old &&
	    !memcmp(to.id, r->conf.id, to.nr * sizeof(to.id[0])))
		return -EALREADY;
	err = raft_conf_ready(r, &to);
	return err ?: raft_conf_log(r, &to);
}

/* A leader that is not to lead any more names one that can at once. */
static void raft_conf_resign(struct raft *r, struct raft_update *up)
{
	u32 i;

	for (i = 0; i < r->conf.nr; i++)
		if (r->conf.old & (1U << i) &&
		    r->prog[i].match == r->log.last &&
		    r->conf.id[i] != r->opt.id)
			break;
	if (i < r->conf.nr)
		raft_send(r, up, RAFT_MSG_TIMEOUT_NOW, r->conf.id[i]);
	raft_follow(r, r->term, 0, up);
}

/**
 * raft_conf_flush() - the next step, if its time has come
 * @r: the leader
 * @up: messages
 *
 * If the log has no room for it, it comes later.
 */
void raft_conf_flush(struct raft *r, struct raft_update *up)
{
	struct raft_config to;

	if (r->conf.index > r->commit || r->commit < r->term_start)
		return;
	if (r->conf.next) {
		raft_config_leave(&r->conf, &to);
		if (raft_conf_log(r, &to))
			r->count.full++;
	} else if (!raft_config_votes(&r->conf, r->opt.id)) {
		raft_conf_resign(r, up);
	}
}
