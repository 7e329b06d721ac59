// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes wrong in a schedule, when, and what the group was doing then. Some
 * faults wait for a phase: a transfer lasts a few milliseconds only.
 */
#include "raft_sim.h"

#define RS_REST (3000 * RS_MS) /* 30 election timeouts to come to rest */

const char *rs_fault_name(enum rs_fault fault)
{
	static const char *const name[] = {
		[RS_LOSS] = "loss",
		[RS_DUP] = "dup",
		[RS_REORDER] = "reorder",
		[RS_CUT] = "cut-one-way",
		[RS_PARTITION] = "partition",
		[RS_CRASH] = "crash",
		[RS_CRASH_LEADER] = "crash-leader",
		[RS_CRASH_STORE] = "crash-store",
		[RS_TORN] = "torn-write",
		[RS_SKEW] = "clock-skew",
		[RS_PAUSE] = "pause",
		[RS_SLOW] = "slow-disk",
		[RS_EIO] = "eio",
		[RS_FLIP] = "flip",
		[RS_WIPE] = "wipe",
		[RS_ROLLBACK] = "rollback",
		[RS_COMPACT] = "compact",
		[RS_LEARNER] = "learner",
		[RS_PROMOTE] = "promote",
		[RS_REPLACE] = "replace",
		[RS_REMOVE] = "remove",
		[RS_REMOVE_LEADER] = "remove-lead",
		[RS_TRANSFER] = "transfer",
	};

	return name[fault];
}

const char *rs_phase_name(enum rs_phase phase)
{
	static const char *const name[] = {
		[RS_ELECTING] = "electing", [RS_STEADY] = "steady",
		[RS_JOINT] = "config",	    [RS_SNAPSHOT] = "snapshot",
		[RS_BEHIND] = "behind",	    [RS_TRANSFERRING] = "transfer",
		[RS_READING] = "reading",
	};

	return name[phase];
}

/* What the group is doing: a bit for each phase. */
static u32 rs_phases(const struct rs_world *w)
{
	int node = rs_leader(w);
	const struct raft *r;
	u32 mask = 0, i;

	if (node < 0 ||
	    w->node[node].raft.commit < w->node[node].raft.term_start)
		return 1U << RS_ELECTING;
	r = &w->node[node].raft;
	if (r->conf.next || r->conf.index > r->commit)
		mask |= 1U << RS_JOINT;
	if (r->transfer)
		mask |= 1U << RS_TRANSFERRING;
	if (r->nr_wait)
		mask |= 1U << RS_READING;
	for (i = 0; i < r->conf.nr; i++) {
		if (r->conf.id[i] == r->opt.id)
			continue;
		if (r->prog[i].flow == RAFT_SNAP)
			mask |= 1U << RS_SNAPSHOT;
		if (r->prog[i].match + 8 < r->log.last)
			mask |= 1U << RS_BEHIND;
	}
	return mask ?: 1U << RS_STEADY;
}

/* A server that lives, or with @storing one whose disk is busy; -1: none. */
static int rs_any(struct rs_world *w, bool storing)
{
	u32 first = qbd_rng_below(&w->rng, w->nr_nodes), i, node;

	for (i = 0; i < w->nr_nodes; i++) {
		node = (first + i) % w->nr_nodes;
		if (w->node[node].alive &&
		    (!storing || w->node[node].store.batch.seq))
			return node;
	}
	return -1;
}

static void rs_restart(struct rs_world *w, u32 node)
{
	rs_at(w, w->now + qbd_rng_range(&w->rng, 5, 400) * RS_MS, RS_EV_START,
	      node, 0);
}

static bool rs_strike_crash(struct rs_world *w, int node, bool torn)
{
	if (node < 0)
		return false;
	rs_node_crash(w, node, torn);
	rs_restart(w, node);
	return true;
}

static bool rs_strike_net(struct rs_world *w, enum rs_fault fault)
{
	u32 side = qbd_rng_next(&w->rng), i, k;

	switch (fault) {
	case RS_LOSS:
		w->loss = qbd_rng_range(&w->rng, 1, 40) * 10000;
		break;
	case RS_DUP:
		w->dup = qbd_rng_range(&w->rng, 5, 50) * 10000;
		break;
	case RS_REORDER:
		w->reorder = qbd_rng_range(&w->rng, 5, 50) * 10000;
		break;
	case RS_CUT:
		i = qbd_rng_below(&w->rng, w->nr_nodes);
		for (k = 0; k < w->nr_nodes; k++)
			if (side & (1U << k))
				w->cut[i][k] = true;
		if (side & 0x10000)
			w->cut[qbd_rng_below(&w->rng, w->nr_nodes)][i] = true;
		break;
	default:
		for (i = 0; i < w->nr_nodes; i++)
			for (k = 0; k < w->nr_nodes; k++)
				if ((side >> i & 1) != (side >> k & 1))
					w->cut[i][k] = true;
		break;
	}
	return true;
}

static void rs_net_mend(struct rs_world *w)
{
	rs_trace(w, "the network is mended\n");
	memset(w->cut, 0, sizeof(w->cut));
	w->loss = 0;
	w->dup = 0;
	w->reorder = 0;
}

static bool rs_strike_skew(struct rs_world *w)
{
	int node = rs_any(w, false);
	struct rs_node *n;

	if (node < 0)
		return false;
	n = &w->node[node];
	n->clock = rs_clock(w, n);
	n->clock_at = w->now;
	n->rate = qbd_rng_range(&w->rng, 700000, 1400000);
	n->tick_at = 0;
	rs_tick(w, node);
	return true;
}

static bool rs_strike_pause(struct rs_world *w)
{
	int node = qbd_rng_percent(&w->rng, 70) ? rs_leader(w) :
						  rs_any(w, false);
	struct rs_node *n;

	if (node < 0)
		return false;
	n = &w->node[node];
	n->paused_until = w->now + qbd_rng_range(&w->rng, 20, 400) * RS_MS;
	/* it can not know before that nobody hears it */
	n->led_since = rs_clock(w, n) + (n->paused_until - w->now) * 2;
	rs_trace(w, "%llu is paused\n", n->id);
	return true;
}

static bool rs_strike_disk(struct rs_world *w, enum rs_fault fault)
{
	int node = rs_any(w, false);
	struct rs_node *n;

	if (node < 0)
		return false;
	n = &w->node[node];
	switch (fault) {
	case RS_SLOW:
		n->slow_until =
			w->now + qbd_rng_range(&w->rng, 50, 600) * RS_MS;
		return true;
	case RS_EIO:
		n->eio = true;
		return true;
	case RS_FLIP:
		if (!rs_may_lose(w, node) || !n->disk.log_bytes)
			return false;
		rs_strike_crash(w, node, false);
		n->doomed = rs_disk_flip(w, &n->disk);
		rs_trace(w, "%llu has a bit flipped\n", n->id);
		return true;
	default:
		if (!rs_may_lose(w, node))
			return false;
		rs_strike_crash(w, node, false);
		rs_disk_format(&n->disk);
		n->lost = true;
		w->counts.lost++;
		return true;
	}
}

/* Does somebody know that it was further? */
static bool rs_heard_beyond(const struct rs_world *w, u32 node, u64 generation)
{
	u32 i;

	for (i = 0; i < w->nr_nodes; i++)
		if (i != node && rs_hears(w, i, node) &&
		    w->node[i].known[node].generation > generation)
			return true;
	return false;
}

/*
 * A disk is copied, and put back later.  What nobody heard of since can not be
 * known (cluster.h), and two generations go for the start of the older copy.
 */
static bool rs_strike_rollback(struct rs_world *w)
{
	struct raft_hard hard = { 0 };
	int node = rs_any(w, false);
	struct rs_node *n;

	if (node < 0 || w->node[node].lost)
		return false;
	n = &w->node[node];
	if (!n->copied) {
		n->copy = n->disk;
		n->copied = true;
		rs_trace(w, "%llu's disk is copied\n", n->id);
		return true;
	}
	if (!rs_disk_state(&n->copy, &hard) || !rs_may_lose(w, node) ||
	    !rs_heard_beyond(w, node, hard.generation + 2))
		return false;
	rs_node_crash(w, node, false);
	n->disk = n->copy;
	n->copied = false;
	rs_trace(w, "%llu's disk is put back to generation %llu\n", n->id,
		 hard.generation);
	rs_node_start(w, node);
	return true;
}

static bool rs_strike_transfer(struct rs_world *w)
{
	struct raft_event event = { .kind = RAFT_EV_TRANSFER };
	int node = rs_leader(w);
	const struct raft_config *conf;

	if (!rs_awake(w, node))
		return false;
	conf = &w->node[node].raft.conf;
	event.id = conf->id[qbd_rng_below(&w->rng, conf->nr)];
	w->counts.transfers += !rs_step(w, node, &event);
	return true;
}

static bool rs_strike_compact(struct rs_world *w)
{
	int node = rs_any(w, false);

	if (!rs_awake(w, node))
		return false;
	rs_snapshot_take(w, node);
	return w->node[node].taking;
}

static bool rs_strike_one(struct rs_world *w, enum rs_fault fault)
{
	switch (fault) {
	case RS_LOSS:
	case RS_DUP:
	case RS_REORDER:
	case RS_CUT:
	case RS_PARTITION:
		return rs_strike_net(w, fault);
	case RS_CRASH:
		return rs_strike_crash(w, rs_any(w, false), false);
	case RS_CRASH_LEADER:
		return rs_strike_crash(
			w, rs_leader(w) < 0 ? rs_any(w, false) : rs_leader(w),
			false);
	case RS_CRASH_STORE:
		return rs_strike_crash(w, rs_any(w, true), false);
	case RS_TORN:
		return rs_strike_crash(w, rs_any(w, true), true);
	case RS_SKEW:
		return rs_strike_skew(w);
	case RS_PAUSE:
		return rs_strike_pause(w);
	case RS_SLOW:
	case RS_EIO:
	case RS_FLIP:
	case RS_WIPE:
		return rs_strike_disk(w, fault);
	case RS_ROLLBACK:
		return rs_strike_rollback(w);
	case RS_COMPACT:
		return rs_strike_compact(w);
	case RS_TRANSFER:
		return rs_strike_transfer(w);
	case RS_LEARNER:
	case RS_PROMOTE:
	case RS_REPLACE:
	case RS_REMOVE:
	case RS_REMOVE_LEADER:
		return rs_member_strike(w, fault);
	case RS_FAULTS:
		break;
	}
	return false;
}

bool rs_strike(struct rs_world *w, enum rs_fault fault)
{
	u32 mask = rs_phases(w), phase;

	rs_trace(w, "fault: %s\n", rs_fault_name(fault));
	if (!rs_strike_one(w, fault))
		return false;
	w->counts.faults++;
	/* who removes itself may be the only one that knows */
	if (fault == RS_REMOVE_LEADER && qbd_rng_percent(&w->rng, 50))
		w->trap[2] =
			(struct rs_trap){ RS_CRASH_LEADER, RS_JOINT, true };
	for (phase = 0; phase < RS_PHASES; phase++)
		w->hit[fault][phase] += mask >> phase & 1;
	return true;
}

/* Faults that wait for their phase. */
void rs_traps(struct rs_world *w)
{
	struct rs_trap *trap;
	u32 mask = 0, i;

	for (i = 0; i < ARRAY_SIZE(w->trap); i++) {
		trap = &w->trap[i];
		if (!trap->set || w->healed || w->rule)
			continue;
		mask = mask ?: rs_phases(w);
		if (!(mask >> trap->phase & 1) || !qbd_rng_percent(&w->rng, 5))
			continue;
		trap->set = !rs_strike(w, trap->fault);
		return;
	}
}

void rs_nemesis_start(struct rs_world *w)
{
	u64 chaos = qbd_rng_range(&w->rng, 700, 2500) * RS_MS;
	struct rs_trap *trap;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(w->trap); i++) {
		trap = &w->trap[i];
		trap->set = qbd_rng_percent(&w->rng, 70);
		trap->fault = qbd_rng_below(&w->rng, RS_FAULTS);
		trap->phase = qbd_rng_below(&w->rng, RS_PHASES);
	}
	/* what short moments hide: a deposed leader that reads, a last step */
	if (qbd_rng_percent(&w->rng, 10))
		w->trap[0] = (struct rs_trap){ RS_PAUSE, RS_READING, true };
	else if (qbd_rng_percent(&w->rng, 10))
		w->trap[0] =
			(struct rs_trap){ RS_CRASH_LEADER, RS_JOINT, true };
	for (i = 0; i < w->nr_nodes; i++)
		w->node[i].rate = qbd_rng_range(&w->rng, 900000, 1100000);
	rs_at(w, w->now + qbd_rng_range(&w->rng, 50, 400) * RS_MS, RS_EV_FAULT,
	      0, 0);
	rs_at(w, w->now + chaos, RS_EV_HEAL, 0, 0);
	w->end = w->now + chaos + RS_REST;
}

void rs_nemesis_run(struct rs_world *w)
{
	static const u8 often[] = { RS_LEARNER, RS_PROMOTE, RS_REPLACE,
				    RS_TRANSFER, RS_COMPACT };

	if (w->healed)
		return;
	rs_at(w, w->now + qbd_rng_range(&w->rng, 5, 120) * RS_MS, RS_EV_FAULT,
	      0, 0);
	if (qbd_rng_percent(&w->rng, 25))
		rs_net_mend(w);
	else if (qbd_rng_percent(&w->rng, 35))
		rs_strike(w, often[qbd_rng_below(&w->rng, sizeof(often))]);
	else
		rs_strike(w, qbd_rng_below(&w->rng, RS_FAULTS));
}

/* From here on nothing goes wrong. */
void rs_heal(struct rs_world *w)
{
	u32 i;

	rs_trace(w, "healed\n");
	w->healed = true;
	rs_net_mend(w);
	for (i = 0; i < w->nr_nodes; i++) {
		w->node[i].eio = false;
		w->node[i].slow_until = 0;
		w->node[i].paused_until = min(w->node[i].paused_until, w->now);
		rs_node_start(w, i);
	}
	rs_at(w, w->now + RS_REST * 2 / 3, RS_EV_HEAL, 0, 0);
}

/* One last command; it has to get through. */
void rs_rest(struct rs_world *w)
{
	u64 data[2] = { RS_CLIENTS, 0 };
	struct raft_event event = { .kind = RAFT_EV_PROPOSE,
				    .data = data,
				    .bytes = sizeof(data) };
	int node = rs_leader(w);

	if (node < 0) {
		rs_broken(w, "R8", "nobody leads, %llu ms after all is well",
			  RS_REST * 2 / 3 / RS_MS);
		return;
	}
	if (!rs_awake(w, node) || rs_step(w, node, &event)) {
		rs_at(w, w->now + 20 * RS_MS, RS_EV_HEAL, 0, 0);
		return;
	}
	w->final_index = w->update.index;
	w->final_term = w->update.term;
	w->final_node = node;
}
