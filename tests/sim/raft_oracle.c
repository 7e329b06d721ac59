// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of raft_sim.h, looked at after each step and each message. It sees
 * all servers and all disks at once, and counts quorums by itself.
 */
#include "raft_sim.h"

static bool rs_majority(u16 set, u16 mask)
{
	return 2 * hweight32(set & mask) > hweight32(set);
}

static bool rs_quorum(const struct raft_config *conf, u16 mask)
{
	return rs_majority(conf->old, mask) &&
	       (!conf->next || rs_majority(conf->next, mask));
}

/*
 * Does a server have this entry on stable media? One that lost its log since it
 * said so is counted by whom it told; rule 9 makes up for it.
 */
static bool rs_has(const struct rs_world *w, u64 id, u64 term, u64 index)
{
	const struct rs_node *n = &w->node[id - 1];

	return n->lost || n->doomed ? n->acked >= index :
				      rs_disk_has(n, term, index);
}

/* --- logs ------------------------------------------------------------------
 */

static struct rs_hash *rs_chain(struct rs_world *w, u64 term, u64 index)
{
	u32 at = qbd_rng_mix(term << 32 ^ index) % RS_HASHES;

	while (w->chain[at].index &&
	       (w->chain[at].index != index || w->chain[at].term != term))
		at = (at + 1) % RS_HASHES;
	return &w->chain[at];
}

/* R6: a leader logs a configuration. */
static void rs_config_logged(struct rs_world *w, struct rs_node *n,
			     const struct raft_entry *entry)
{
	struct raft_config conf;
	u64 commit = n->commit_before;
	u32 i;

	if (!w->own_commit[n->raft.term])
		rs_broken(w, "R6",
			  "%llu logs a configuration before an entry "
			  "of term %llu is committed",
			  n->id, n->raft.term);
	if (n->conf_seen > n->raft.commit)
		rs_broken(w, "R6", "%llu logs configuration %llu beside %llu",
			  n->id, entry->pos.index, n->conf_seen);
	if (raft_conf_decode(entry->data, entry->bytes, &conf))
		return;
	for (i = 0; conf.next && i < conf.nr; i++)
		if (conf.next & ~conf.old & (1U << i) && commit &&
		    !rs_has(w, conf.id[i], w->done[commit].term, commit))
			rs_broken(w, "R6", "%llu shall vote and lacks %llu",
				  conf.id[i], commit);
}

/* R3: entries that are new in a log. */
static void rs_logged(struct rs_world *w, struct rs_node *n)
{
	const struct raft *r = &n->raft;
	struct rs_hash *before, *here;
	struct raft_entry entry;
	u64 index, chain;

	for (index = max(n->seen, r->log.base.index) + 1; index <= r->log.last;
	     index++) {
		raft_log_get(&r->log, index, &entry);
		before = rs_chain(w, raft_log_term(&r->log, index - 1),
				  index - 1);
		chain = rs_hash_of(before->chain, &entry);
		here = rs_chain(w, entry.pos.term, index);
		if (here->index && here->chain != chain)
			rs_broken(w, "R3",
				  "%llu has another %llu.%llu, or "
				  "before it",
				  n->id, entry.pos.term, index);
		if (entry.type == RAFT_ENTRY_CONFIG) {
			if (r->role == RAFT_LEADER && !here->index)
				rs_config_logged(w, n, &entry);
			n->conf_seen = index;
		}
		here->term = entry.pos.term;
		here->index = index;
		here->chain = chain;
	}
	n->seen = r->log.last;
}

/* Entries were taken back: R4, nothing committed; R6, no configuration left. */
static void rs_truncated(struct rs_world *w, struct rs_node *n)
{
	const struct raft *r = &n->raft;
	u64 index, conf = w->done[r->log.base.index].conf;
	struct raft_entry entry;

	n->conflicts = r->count.conflicts;
	n->seen = min(n->seen, r->log.base.index);
	n->conf_seen = 0;
	n->acked = min(n->acked, n->commit);
	if (r->log.last < n->commit)
		rs_broken(w, "R4", "%llu forgot what is committed behind %llu",
			  n->id, r->log.last);
	for (index = r->log.base.index + 1; index <= r->log.last; index++) {
		raft_log_get(&r->log, index, &entry);
		if (entry.type == RAFT_ENTRY_CONFIG)
			conf = index;
		if (index <= n->commit && entry.pos.term != w->done[index].term)
			rs_broken(w, "R4",
				  "%llu replaced %llu, which is "
				  "committed",
				  n->id, index);
	}
	if (r->conf.index != conf)
		rs_broken(w, "R6",
			  "%llu goes by configuration %llu, its log "
			  "has %llu",
			  n->id, r->conf.index, conf);
}

/* --- commits ---------------------------------------------------------------
 */

/* The first that commits an entry, with which it may end to lead. */
static void rs_commit_new(struct rs_world *w, struct rs_node *n, u64 index)
{
	const struct raft *r = &n->raft;
	struct rs_done *done = &w->done[index];
	struct raft_entry entry;
	u16 mask = 0;
	u32 i;

	if (w->leader_of[r->term] != n->id ||
	    raft_log_get(&r->log, index, &entry) || index >= RS_INDEXES) {
		rs_broken(w, "R4", "%llu commits %llu, which no leader did",
			  n->id, index);
		return;
	}
	for (i = 0; i < r->conf.nr; i++)
		if (rs_has(w, r->conf.id[i], entry.pos.term, index))
			mask |= 1U << i;
	if (!rs_quorum(&r->conf, mask))
		rs_broken(w, "R5",
			  "%llu commits %llu, no quorum has it on "
			  "stable media",
			  n->id, index);
	if (raft_log_term(&r->log, r->commit) != r->term)
		rs_broken(w, "R2", "%llu commits %llu of term %llu by counting",
			  n->id, index, entry.pos.term);
	done->term = entry.pos.term;
	done->by = r->term;
	done->hash = rs_hash_of(0, &entry);
	done->conf = entry.type == RAFT_ENTRY_CONFIG ? index :
						       w->done[index - 1].conf;
	w->own_commit[entry.pos.term] = 1;
	w->committed = index;
	w->counts.commits++;
	for (i = 0; i < w->nr_nodes; i++) {
		const struct raft *other = &w->node[i].raft;

		if (w->node[i].alive && other->role == RAFT_LEADER &&
		    other->term > r->term && index > other->log.base.index &&
		    raft_log_term(&other->log, index) != done->term)
			rs_broken(w, "R2", "%llu leads term %llu without %llu",
				  w->node[i].id, other->term, index);
	}
}

static void rs_committed(struct rs_world *w, struct rs_node *n)
{
	const struct raft *r = &n->raft;
	struct raft_entry entry;
	u64 index;

	if (r->commit < n->commit)
		rs_broken(w, "R4", "the commit index of %llu goes back", n->id);
	for (index = n->commit + 1; index <= r->commit && !w->rule; index++) {
		if (index > w->committed) {
			rs_commit_new(w, n, index);
			continue;
		}
		if (raft_log_get(&r->log, index, &entry))
			continue; /* in a snapshot */
		if (entry.pos.term != w->done[index].term ||
		    rs_hash_of(0, &entry) != w->done[index].hash)
			rs_broken(w, "R4", "%llu commits another %llu", n->id,
				  index);
	}
	n->commit = r->commit;
}

/* --- elections ---------------------------------------------------------------
 */

static void rs_elected(struct rs_world *w, struct rs_node *n)
{
	const struct raft *r = &n->raft;
	struct raft_hard hard;
	u16 mask = 0;
	u64 index;
	u32 i;

	w->counts.elections++;
	n->led_since = rs_clock(w, n);
	if (w->leader_of[r->term] && w->leader_of[r->term] != n->id)
		rs_broken(w, "R1", "%llu and %llu lead term %llu",
			  w->leader_of[r->term], n->id, r->term);
	if (w->leader_of[r->term] == n->id)
		rs_broken(w, "R1", "%llu leads term %llu again", n->id,
			  r->term);
	w->leader_of[r->term] = n->id;
	for (i = 0; i < r->conf.nr; i++) {
		const struct rs_node *voter = &w->node[r->conf.id[i] - 1];

		if (voter->lost ? w->voted[voter->id - 1][r->term] == n->id :
				  rs_disk_state(&voter->disk, &hard) &&
					  (hard.term > r->term ||
					   (hard.term == r->term &&
					    hard.vote == n->id)))
			mask |= 1U << i;
	}
	if (!rs_quorum(&r->conf, mask))
		rs_broken(w, "R1",
			  "%llu leads term %llu without a quorum of "
			  "votes on stable media",
			  n->id, r->term);
	/* of a later term it knows nothing, if its votes came late */
	for (index = r->log.base.index + 1; index <= w->committed && !w->rule;
	     index++)
		if (w->done[index].by < r->term &&
		    raft_log_term(&r->log, index) != w->done[index].term)
			rs_broken(w, "R2", "%llu leads term %llu without %llu",
				  n->id, r->term, index);
}

/* R8: a leader that hears no quorum ends. */
static void rs_leads(struct rs_world *w, struct rs_node *n)
{
	const struct raft *r = &n->raft;
	u64 now = rs_clock(w, n), limit = RS_ELECTION * 5 / 2;
	u16 mask = 0;
	u32 i;

	if (now < n->led_since + limit)
		return;
	for (i = 0; i < r->conf.nr; i++)
		if (r->conf.id[i] == n->id ||
		    now - n->heard[r->conf.id[i] - 1] < limit)
			mask |= 1U << i;
	if (!rs_quorum(&r->conf, mask))
		rs_broken(w, "R8", "%llu leads term %llu and hears no quorum",
			  n->id, r->term);
}

void rs_oracle_step(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	const struct raft *r = &n->raft;
	bool led = n->role == RAFT_LEADER && n->term == r->term;

	if (r->term < n->term || r->term >= RS_TERMS) {
		rs_broken(w, "R4", "the term of %llu goes from %llu to %llu",
			  n->id, n->term, r->term);
		return;
	}
	n->term = r->term;
	if (r->count.conflicts != n->conflicts)
		rs_truncated(w, n);
	if (r->role == RAFT_LEADER && !led)
		rs_elected(w, n);
	n->role = r->role;
	n->commit_before = n->commit;
	rs_committed(w, n);
	rs_logged(w, n);
	if (r->role == RAFT_LEADER)
		rs_leads(w, n);
}

void rs_oracle_start(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	const struct raft *r = &n->raft;

	if (!n->lost && r->log.last < n->acked)
		rs_broken(w, "R9",
			  "%llu comes back without %llu, which it "
			  "acknowledged",
			  n->id, n->acked);
	n->term = r->term;
	n->commit = r->commit;
	n->seen = 0;
	n->conflicts = 0;
	n->conf_seen = 0;
	n->role = RAFT_FOLLOWER;
	memset(n->heard, 0, sizeof(n->heard));
	rs_logged(w, n);
}

/* --- messages ----------------------------------------------------------------
 */

static void rs_sent_vote(struct rs_world *w, struct rs_node *n,
			 const struct raft_msg *msg,
			 const struct raft_hard *hard)
{
	u64 *voted = &w->voted[n->id - 1][msg->term];
	u64 to = msg->type == RAFT_MSG_VOTE ? n->id : msg->to;

	if (hard->term != msg->term || hard->vote != to)
		rs_broken(w, "R5",
			  "%llu votes for %llu in term %llu, which is "
			  "not on stable media",
			  n->id, to, msg->term);
	if (*voted && *voted != to)
		rs_broken(w, "R1", "%llu votes for %llu and %llu in term %llu",
			  n->id, *voted, to, msg->term);
	*voted = to;
}

static void rs_sent_ack(struct rs_world *w, struct rs_node *n,
			const struct raft_msg *msg)
{
	u64 term = raft_log_term(&n->raft.log, msg->index);

	if (msg->index && !rs_disk_has(n, term, msg->index))
		rs_broken(w, "R5",
			  "%llu acknowledges %llu, which is not on "
			  "stable media",
			  n->id, msg->index);
	n->acked = max(n->acked, msg->index);
}

static void rs_sent_prevote(struct rs_world *w, struct rs_node *n,
			    const struct raft_msg *msg)
{
	const struct raft *r = &n->raft;
	struct raft_pos last = raft_log_last(&r->log);

	if (last.term > w->ask.term ||
	    (last.term == w->ask.term && last.index > w->ask.index))
		rs_broken(w, "R8", "%llu would vote for %llu, which is behind",
			  n->id, msg->to);
	if (r->heard_ns && rs_clock(w, n) - r->heard_ns < RS_ELECTION)
		rs_broken(w, "R8", "%llu has a leader and would vote for %llu",
			  n->id, msg->to);
}

void rs_oracle_sent(struct rs_world *w, u32 node, const struct raft_msg *msg)
{
	struct rs_node *n = &w->node[node];
	struct raft_hard hard = { 0 };
	struct raft_pos last;
	bool yes = !msg->reject;

	if (n->lost)
		rs_broken(w, "R9", "%llu lost its log and speaks", n->id);
	if (msg->type == RAFT_MSG_PREVOTE)
		return;
	if (msg->type == RAFT_MSG_PREVOTE_REPLY && yes) {
		rs_sent_prevote(w, n, msg);
		return;
	}
	rs_disk_state(&n->disk, &hard);
	if (msg->type == RAFT_MSG_VOTE ||
	    (msg->type == RAFT_MSG_VOTE_REPLY && yes))
		rs_sent_vote(w, n, msg, &hard);
	if (hard.term < msg->term)
		rs_broken(w, "R5",
			  "%llu speaks in term %llu, its disk has "
			  "%llu",
			  n->id, msg->term, hard.term);
	if (msg->type == RAFT_MSG_APPEND_REPLY && yes)
		rs_sent_ack(w, n, msg);
	last = raft_log_last(&n->raft.log);
	if (msg->type == RAFT_MSG_TIMEOUT_NOW &&
	    !rs_has(w, msg->to, last.term, last.index))
		rs_broken(w, "R8", "%llu hands over to %llu, which is behind",
			  n->id, msg->to);
}

void rs_oracle_snapshot(struct rs_world *w, u32 node,
			const struct raft_snap *snap)
{
	if (snap->conf.index != w->done[snap->pos.index].conf)
		rs_broken(w, "R6",
			  "%llu puts configuration %llu into a "
			  "snapshot at %llu; it is %llu",
			  w->node[node].id, snap->conf.index, snap->pos.index,
			  w->done[snap->pos.index].conf);
}

/* --- the end ----------------------------------------------------- */

/* R8: all that is left came to rest. */
void rs_oracle_end(struct rs_world *w)
{
	int node = rs_leader(w);
	const struct raft_config *conf;
	const struct rs_node *n;
	u32 i;

	if (node < 0 || !w->final_index) {
		rs_broken(w, "R8", "no command gets through at the end");
		return;
	}
	n = &w->node[node];
	conf = &n->raft.conf;
	if (w->committed < w->final_index ||
	    w->done[w->final_index].term != w->final_term)
		rs_broken(w, "R8", "the last command is not committed");
	if (conf->next || conf->index > n->raft.commit)
		rs_broken(w, "R8", "the configuration is still changing");
	for (i = 0; i < conf->nr && !w->rule; i++) {
		const struct rs_node *other = &w->node[conf->id[i] - 1];

		if (other->lost)
			continue;
		if (other->machine.index < w->final_index)
			rs_broken(w, "R8", "%llu is at %llu, not at %llu",
				  other->id, other->machine.index,
				  w->final_index);
		if (other->machine.index == n->machine.index &&
		    memcmp(&other->machine, &n->machine, sizeof(n->machine)))
			rs_broken(w, "R4", "%llu and %llu differ", other->id,
				  n->id);
	}
}
