// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults of a schedule: some come when they like, some lie in wait for a phase
 * that is over soon. None of them does anything at once that a step further up
 * the stack would not expect: a crash waits for the next action.
 */
#include <stdlib.h>

#include "cluster.h"
#include "cluster_fault.h"
#include "cluster_log.h"

const char *cl_fault_name(enum cl_fault_kind kind)
{
	static const char *const name[] = {
		[CL_FAULT_CRASH] = "crash",
		[CL_FAULT_CRASH_HOLDER] = "crash-holder",
		[CL_FAULT_CRASH_ALL] = "crash-all",
		[CL_FAULT_TAKEOVER] = "takeover",
		[CL_FAULT_REATTACH] = "reattach",
		[CL_FAULT_RELEASE] = "release",
		[CL_FAULT_SAME_TERM] = "same-term",
		[CL_FAULT_CUT] = "cut",
		[CL_FAULT_ONE_WAY] = "one-way-cut",
		[CL_FAULT_ISOLATE] = "isolate",
		[CL_FAULT_RESET] = "reset",
		[CL_FAULT_SLOW_LINK] = "slow-link",
		[CL_FAULT_SLOW_DISK] = "slow-disk",
		[CL_FAULT_STALL] = "stall",
		[CL_FAULT_MUTE] = "mute",
		[CL_FAULT_READ_EIO] = "read-eio",
		[CL_FAULT_READ_BAD] = "read-bad",
		[CL_FAULT_NO_ROOM] = "no-room",
		[CL_FAULT_FULL] = "full",
		[CL_FAULT_STORE] = "store-fails",
		[CL_FAULT_ROT] = "rot",
		[CL_FAULT_ROLLBACK] = "rollback",
	};

	return name[kind];
}

const char *cl_phase_name(enum cl_phase phase)
{
	static const char *const name[] = {
		[CL_PHASE_NONE] = "none",
		[CL_PHASE_OPENING] = "opening",
		[CL_PHASE_RECOVERING] = "recov",
		[CL_PHASE_READY] = "ready",
		[CL_PHASE_SERVING] = "serving",
		[CL_PHASE_JOINT] = "joint",
		[CL_PHASE_CATCHUP] = "catchup",
		[CL_PHASE_RELEASING] = "release",
		[CL_PHASE_LEAVING] = "leaving",
		[CL_PHASE_GROWING] = "growing",
	};

	return name[phase];
}

/* --- phases ------------------------------------------------------------- */

static enum cl_phase cl_phase_serving(const struct cl_world *w,
				      const struct cl_lead *lead, u32 shard)
{
	const struct qbd_progress *prog;
	u32 i;

	for (i = 0; i < qbd_leader_set(lead->core)->nr; i++) {
		prog = qbd_leader_member(lead->core, i);
		if (prog->state == QBD_MEMBER_PROBING ||
		    prog->state == QBD_MEMBER_LAGGING ||
		    prog->state == QBD_MEMBER_CATCHUP)
			return CL_PHASE_CATCHUP;
	}
	return qbd_leader_set(lead->core)->next ? CL_PHASE_JOINT :
						  CL_PHASE_SERVING;
}

static enum cl_phase cl_phase_releasing(const struct cl_lead *lead)
{
	struct qbd_leader_info info;

	qbd_leader_info(lead->core, &info);
	return info.commit <= info.history.index ? CL_PHASE_LEAVING :
						   CL_PHASE_RELEASING;
}

static enum cl_phase cl_phase(const struct cl_world *w, u32 shard)
{
	static const u8 phase[] = {
		[QBD_LEADER_OPENING] = CL_PHASE_OPENING,
		[QBD_LEADER_RECOVERING] = CL_PHASE_RECOVERING,
		[QBD_LEADER_READY] = CL_PHASE_READY,
		[QBD_LEADER_SERVING] = CL_PHASE_SERVING,
		[QBD_LEADER_RELEASING] = CL_PHASE_RELEASING,
		[QBD_LEADER_LOST] = CL_PHASE_NONE,
	};
	u32 volume = w->shard[shard].volume;
	u32 holder = w->volume[volume].holder;
	const struct cl_lead *lead = &w->node[holder].lead[shard];
	const struct qbd_volume_core *vol = &w->node[holder].vol[volume].core;

	if (!holder || !w->node[holder].up || !lead->active)
		return CL_PHASE_NONE;
	if (vol->state == QBD_VOLUME_OPEN && qbd_volume_growing(vol))
		return CL_PHASE_GROWING;
	if (lead->state == QBD_LEADER_SERVING)
		return cl_phase_serving(w, lead, shard);
	if (lead->state == QBD_LEADER_RELEASING)
		return cl_phase_releasing(lead);
	return phase[lead->state];
}

/* --- strikes ------------------------------------------------------------ */

static struct cl_fault *cl_fault_slot(struct cl_world *w)
{
	u32 i;

	for (i = 0; i < CL_FAULT_SLOTS; i++)
		if (!w->faults->slot[i].active)
			return &w->faults->slot[i];
	return NULL;
}

static u32 cl_fault_node(struct cl_world *w)
{
	return 1 + (u32)cl_rand(w, w->nr_nodes);
}

static void cl_fault_crash(struct cl_world *w, u32 node)
{
	if (!w->node[node].up)
		return;
	w->node[node].crash_in = 1 + (u32)cl_rand(w, cl_chance(w, 50) ? 3 : 40);
}

static void cl_fault_cut(struct cl_world *w, u32 from, u32 to)
{
	if (w->cut[from][to])
		return;
	w->cut[from][to] = true;
	w->cut_ns[from][to] = w->now_ns;
}

static void cl_fault_isolate(struct cl_world *w, u32 node)
{
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++) {
		if (i == node)
			continue;
		cl_fault_cut(w, i, node);
		cl_fault_cut(w, node, i);
	}
}

static void cl_fault_slow(struct cl_world *w, u32 node, u64 ns)
{
	u32 i;

	bool out = ns == w->net_ns || cl_chance(w, 50);

	for (i = 1; i <= w->nr_nodes; i++) {
		w->link_ns[i][node] = ns;
		if (out)
			w->link_ns[node][i] = ns;
	}
}

/* At most one node loses what it had, or nothing could be promised. */
static void cl_fault_rot(struct cl_world *w, struct cl_fault *fault)
{
	fault->node = cl_rollback_victim(w, fault->node);
	cl_saw_damage(w, fault->node);
	cl_fault_crash(w, fault->node);
}

static void cl_fault_all(struct cl_world *w)
{
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++)
		cl_fault_crash(w, i);
}

/* Faults of links. */
static void cl_strike_link(struct cl_world *w, struct cl_fault *fault)
{
	u32 node = fault->node;

	fault->peer = node % w->nr_nodes + 1;
	switch (fault->kind) {
	case CL_FAULT_CUT:
		cl_fault_cut(w, fault->peer, node);
		fallthrough;
	case CL_FAULT_ONE_WAY:
		cl_fault_cut(w, node, fault->peer);
		break;
	case CL_FAULT_ISOLATE:
		cl_fault_isolate(w, node);
		break;
	case CL_FAULT_RESET:
		cl_net_reset(w, node, fault->peer, (u32)cl_rand(w, CL_CONNS));
		break;
	case CL_FAULT_SLOW_LINK:
		cl_fault_slow(w, node, (20 + cl_rand(w, 200)) * CL_MS);
		break;
	default:
		break;
	}
}

/*
 * The holder is left with one voter, until all other leases have run out; then
 * that one restarts, and a new holder asks it at once.
 */
static void cl_fault_lonely(struct cl_world *w, struct cl_fault *fault,
			    u32 volume)
{
	u32 i;

	fault->volume = volume;
	fault->voter = fault->node % w->nr_nodes + 1;
	if (fault->voter == fault->peer)
		fault->voter = fault->voter % w->nr_nodes + 1;
	for (i = 1; i <= w->nr_nodes; i++) {
		if (i == fault->peer || i == fault->voter)
			continue;
		cl_fault_cut(w, i, fault->peer);
		cl_fault_cut(w, fault->peer, i);
	}
	cl_at(w, w->lease_ns + cl_rand(w, w->lease_ns / 4),
	      &(struct cl_event){ .kind = CL_EV_FORGET,
				  .arg = (u32)(fault - w->faults->slot),
				  .life = U32_MAX });
}

void cl_fault_forget(struct cl_world *w, u32 slot)
{
	struct cl_fault *fault = &w->faults->slot[slot];

	if (w->healing || !fault->active)
		return;
	if (fault->kind == CL_FAULT_ROLLBACK)
		cl_node_crash(w, fault->node);
	if (fault->kind != CL_FAULT_TAKEOVER)
		return;
	w->volume[fault->volume].want = fault->node;
	cl_fault_cut(w, fault->voter, fault->peer);
	cl_fault_cut(w, fault->peer, fault->voter);
	cl_node_crash(w, fault->voter);
	cl_at(w, (1 + cl_rand(w, 20)) * CL_MS,
	      &(struct cl_event){ .kind = CL_EV_START,
				  .a = (u8)fault->voter,
				  .life = U32_MAX });
}

/*
 * Another node attaches while the old holder hears late of it, or not at all,
 * and neither need reach everybody.
 */
static void cl_fault_takeover(struct cl_world *w, struct cl_fault *fault,
			      u32 volume, u32 old)
{
	u32 new = (old + (u32)cl_rand(w, w->nr_nodes - 1)) % w->nr_nodes + 1;
	u32 how = (u32)cl_rand(w, 5), i;

	fault->node = new;
	fault->peer = old;
	if (w->short_ns < w->lease_ns && cl_chance(w, 60))
		how = 4; /* the voter may forget what it granted before */
	if (how == 4) {
		cl_fault_lonely(w, fault, volume);
		return;
	}
	w->volume[volume].want = new;
	for (i = 1; i <= w->nr_nodes && how; i++) {
		if (i != old && (how == 1 || cl_chance(w, 60)))
			cl_fault_cut(w, i, old);
		if (i != old && how != 2 && cl_chance(w, 60))
			cl_fault_cut(w, old, i);
		if (i != new &&i != old && how == 3 && cl_chance(w, 40)) {
			cl_fault_cut(w, i, new);
			cl_fault_cut(w, new, i);
		}
	}
	if (!how || cl_chance(w, 50))
		return;
	/* A voter that comes back at once must not have forgotten anything. */
	i = fault->node % w->nr_nodes + 1;
	if (i == old)
		return;
	w->node[i].crash_in = 1 + (u32)cl_rand(w, 4);
	cl_at(w, (10 + cl_rand(w, 60)) * CL_MS,
	      &(struct cl_event){
		      .kind = CL_EV_START, .a = (u8)i, .life = U32_MAX });
}

/* Faults of attaches. */
static void cl_strike_term(struct cl_world *w, struct cl_fault *fault,
			   u32 volume)
{
	struct cl_volume *vol = &w->volume[volume];
	u32 node = vol->holder ?: fault->node;

	switch (fault->kind) {
	case CL_FAULT_TAKEOVER:
		cl_fault_takeover(w, fault, volume, node);
		break;
	case CL_FAULT_REATTACH:
		vol->want = node;
		break;
	case CL_FAULT_RELEASE:
		vol->retire = true;
		break;
	case CL_FAULT_SAME_TERM:
		w->faults->again[node][volume] = vol->term;
		fault->node = node;
		cl_fault_crash(w, node);
		break;
	case CL_FAULT_CRASH_HOLDER:
		fault->node = node;
		cl_fault_crash(w, node);
		break;
	case CL_FAULT_NO_ROOM:
		/* whose leader reads what its own log lacks */
		fault->node = cl_chance(w, 70) ? node : fault->node;
		w->node[fault->node].no_room = true;
		break;
	default:
		cl_strike_link(w, fault);
		break;
	}
}

/* Faults of machines and disks; all others are above. */
static void cl_strike(struct cl_world *w, struct cl_fault *fault, u32 volume)
{
	struct cl_node *node = &w->node[fault->node];

	switch (fault->kind) {
	case CL_FAULT_CRASH:
		cl_fault_crash(w, fault->node);
		break;
	case CL_FAULT_CRASH_ALL:
		cl_fault_all(w);
		break;
	case CL_FAULT_SLOW_DISK:
		node->disk_ns = (5 + cl_rand(w, 150)) * CL_MS;
		break;
	case CL_FAULT_STALL:
		node->stall_ns = w->now_ns + cl_rand(w, 2 * w->lease_ns);
		break;
	case CL_FAULT_MUTE:
		node->mute = true;
		break;
	case CL_FAULT_READ_EIO:
		node->read_eio = true;
		break;
	case CL_FAULT_READ_BAD:
		node->read_bad = true;
		break;
	case CL_FAULT_FULL:
		cl_full_strike(w, fault->node);
		break;
	case CL_FAULT_STORE:
		node->write_eio = true;
		break;
	case CL_FAULT_ROT:
		cl_fault_rot(w, fault);
		break;
	case CL_FAULT_ROLLBACK:
		cl_rollback_strike(w, fault);
		break;
	default:
		cl_strike_term(w, fault, volume);
		break;
	}
	if (w->real)
		cl_store_faults(w, fault->node);
}

static void cl_fault_strike(struct cl_world *w, u8 kind, u32 shard)
{
	struct cl_fault *fault = cl_fault_slot(w);
	enum cl_phase phase = cl_phase(w, shard);

	if (!fault || (kind >= CL_FAULT_NR - CL_FAULT_REAL && !w->real))
		return;
	fault->active = true;
	fault->kind = kind;
	fault->node = cl_fault_node(w);
	fault->peer = 0;
	fault->voter = 0;
	w->counts.faults++;
	w->faults->hit[kind][phase]++;
	cl_strike(w, fault, w->shard[shard].volume);
	cl_trace(w, "!!! %s of %u while %u is %s\n", cl_fault_name(kind),
		 fault->node, shard, cl_phase_name(phase));
	cl_at(w,
	      (20 + cl_rand(w, cl_chance(w, 30) ? 800 : 200)) * CL_MS +
		      (fault->voter ? 2 * w->lease_ns : 0) +
		      (kind == CL_FAULT_ROLLBACK ? CL_ROLLBACK_NS : 0),
	      &(struct cl_event){ .kind = CL_EV_HEAL,
				  .arg = (u32)(fault - w->faults->slot),
				  .life = U32_MAX });
}

/*
 * A detach before the history is settled does not come by itself: one that a
 * fault waits for is asked for in the midst of a recovery.
 */
static void cl_fault_leave(struct cl_world *w, u32 shard)
{
	struct cl_faults *f = w->faults;
	u32 i;

	if (cl_phase(w, shard) != CL_PHASE_RECOVERING)
		return;
	for (i = 0; i < f->nr_armed; i++) {
		if (f->armed[i].phase != CL_PHASE_LEAVING)
			continue;
		cl_at(w, cl_rand(w, 2 * w->net_ns),
		      &(struct cl_event){ .kind = CL_EV_RELEASE,
					  .a = (u8)w->shard[shard].volume,
					  .life = U32_MAX });
		return;
	}
}

/* The leader of a shard has come to something: does a fault wait for it? */
void cl_fault_phase(struct cl_world *w, u32 node, u32 shard)
{
	struct cl_faults *f = w->faults;
	u32 i;

	if (w->healing || !f->nr_armed ||
	    w->volume[w->shard[shard].volume].holder != node)
		return;
	cl_fault_leave(w, shard);
	for (i = 0; i < f->nr_armed; i++) {
		u8 kind = f->armed[i].kind;

		if (f->armed[i].phase != cl_phase(w, shard) ||
		    !cl_chance(w, 70))
			continue;
		f->armed[i] = f->armed[--f->nr_armed];
		cl_fault_strike(w, kind, shard);
		return;
	}
}

void cl_fault_run(struct cl_world *w)
{
	u8 kind = (u8)cl_rand(w, CL_FAULT_NR - (w->real ? 0 : CL_FAULT_REAL));

	if (w->healing || !w->faults->left)
		return;
	w->faults->left--;
	cl_fault_strike(w, kind, (u32)cl_rand(w, w->nr_shards));
	cl_at(w, cl_rand(w, 500 * CL_MS),
	      &(struct cl_event){ .kind = CL_EV_FAULT, .life = U32_MAX });
}

/* --- healing ------------------------------------------------------------ */

static void cl_heal_start(struct cl_world *w, u32 id)
{
	u32 v;

	w->node[id].crash_in = 0;
	if (w->node[id].up && w->node[id].open)
		return;
	cl_node_start(w, id);
	for (v = 0; v < w->nr_volumes; v++) {
		u64 term = w->faults->again[id][v];

		w->faults->again[id][v] = 0;
		if (term && w->node[id].up)
			cl_attach_again(w, v, id, term);
	}
}

/* A store that has failed is closed and opened again. */
static void cl_heal_store(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];

	node->write_eio = false;
	if (w->real)
		cl_store_faults(w, id);
	if (!node->up || !node->open)
		return;
	cl_node_fail_store(w, id, -ESHUTDOWN);
	if (!node->up)
		return;
	cl_node_close_store(w, id);
	if (node->up)
		cl_node_start(w, id);
}

static void cl_heal_links(struct cl_world *w, const struct cl_fault *fault)
{
	u32 i;

	if (fault->kind == CL_FAULT_SLOW_LINK)
		cl_fault_slow(w, fault->node, w->net_ns);
	for (i = 1; i <= w->nr_nodes; i++) {
		w->cut[i][fault->node] = false;
		w->cut[fault->node][i] = false;
	}
	for (i = 1; i <= w->nr_nodes && fault->kind == CL_FAULT_TAKEOVER; i++) {
		w->cut[i][fault->peer] = false;
		w->cut[fault->peer][i] = false;
	}
}

static void cl_heal_one(struct cl_world *w, struct cl_fault *fault)
{
	struct cl_node *node = &w->node[fault->node];
	u32 i;

	switch (fault->kind) {
	case CL_FAULT_ROT:
	case CL_FAULT_ROLLBACK:
		if (!node->up && fault->kind == CL_FAULT_ROT)
			cl_store_rot(w, fault->node);
		else if (!node->up)
			cl_rollback(w, fault->node);
		fallthrough;
	case CL_FAULT_CRASH:
	case CL_FAULT_CRASH_HOLDER:
	case CL_FAULT_SAME_TERM:
		cl_heal_start(w, fault->node);
		break;
	case CL_FAULT_CRASH_ALL:
		for (i = 1; i <= w->nr_nodes; i++)
			cl_heal_start(w, i);
		break;
	case CL_FAULT_SLOW_DISK:
		node->disk_ns = (1 + cl_rand(w, 20)) * CL_MS / 10;
		break;
	case CL_FAULT_MUTE:
		node->mute = false;
		break;
	case CL_FAULT_READ_EIO:
		node->read_eio = false;
		break;
	case CL_FAULT_READ_BAD:
		node->read_bad = false;
		break;
	case CL_FAULT_NO_ROOM:
		node->no_room = false;
		cl_log_retry(w, fault->node);
		break;
	case CL_FAULT_FULL:
		cl_full_heal(w, fault->node);
		break;
	case CL_FAULT_STORE:
		cl_heal_store(w, fault->node);
		break;
	default:
		cl_heal_links(w, fault);
		break;
	}
	if (w->real)
		cl_store_faults(w, fault->node);
}

void cl_fault_heal(struct cl_world *w, u32 slot)
{
	struct cl_fault *fault = &w->faults->slot[slot];

	if (!fault->active)
		return;
	fault->active = false;
	cl_trace(w, "!!! %s of %u is over\n", cl_fault_name(fault->kind),
		 fault->node);
	cl_heal_one(w, fault);
}

void cl_fault_heal_all(struct cl_world *w)
{
	u32 i;

	for (i = 0; i < CL_FAULT_SLOTS; i++)
		cl_fault_heal(w, i);
	for (i = 1; i <= w->nr_nodes; i++) {
		w->node[i].stall_ns = 0;
		cl_heal_start(w, i);
	}
}

/* --- a schedule's faults ------------------------------------------------ */

void cl_faults_start(struct cl_world *w)
{
	struct cl_faults *f = w->faults;
	u32 i;

	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			abort();
		w->faults = f;
	}
	memset(f->slot, 0, sizeof(f->slot));
	memset(f->again, 0, sizeof(f->again));
	f->left = 4 + (u32)cl_rand(w, 6);
	f->nr_armed = 1 + (u32)cl_rand(w, CL_FAULT_ARMED);
	for (i = 0; i < f->nr_armed; i++) {
		f->armed[i].kind = (u8)cl_rand(w, CL_FAULT_NR);
		f->armed[i].phase = (u8)cl_rand(w, CL_PHASE_NR);
		if (cl_chance(w, 15)) /* seldom seen, and soon over */
			f->armed[i].phase = CL_PHASE_READY;
		if (f->armed[i].phase == CL_PHASE_RELEASING)
			w->volume[0].retire_ns =
				w->now_ns + cl_rand(w, 1500 * CL_MS);
	}
	cl_at(w, cl_rand(w, 500 * CL_MS),
	      &(struct cl_event){ .kind = CL_EV_FAULT, .life = U32_MAX });
}
