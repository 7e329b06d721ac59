// SPDX-License-Identifier: GPL-2.0-only
/*
 * Repair, in every second schedule: the duty of who leads (repair/duty.h)
 * changes sets, and nobody else does; nodes die for a while or for good,
 * stores and nodes drain, words and commands are lost, leaders change.
 */
#include "agent_sim.h"
#include "state/view.h"

#define AS_AFTER_MS 5000
#define AS_GRACE_MS 3000
#define AS_STORE_MAX 2
#define AS_HOLDS_MAX 2

static bool as_there(const struct as_world *w, u32 node)
{
	return node <= AS_NODES && w->node[node].leader == 1;
}

/**
 * as_repair_begin() - another one leads
 * @w: the schedule
 */
void as_repair_begin(struct as_world *w)
{
	struct repair_conf conf = { .store_max = AS_STORE_MAX,
				    .answer_ms = 3000,
				    .again_ms = 500,
				    .grace_ms = AS_GRACE_MS,
				    .target_ms = 4000,
				    .make_ms = 20000,
				    .doubt_ms = 3000,
				    .off_ms = 20000,
				    .word_ms = 10000,
				    .holds_max = AS_HOLDS_MAX,
				    .free_ms = 1500,
				    .wanted_ms = 6000,
				    .hold_ms = 20000 };
	u32 i;

	if (!w->mend.on)
		return;
	if (!w->mend.duty)
		w->mend.duty = repair_create(&conf);
	repair_begin(w->mend.duty, w->now_ms);
	w->mend.begun_ms = w->now_ms;
	/* it listens from now on */
	for (i = 1; i <= AS_NODES; i++)
		w->node[i].heard_ms = w->now_ms;
}

/* --- what has to hold ------------------------------------------------------
 */

static bool as_counts(const struct as_world *w,
		      const struct state_member_view *member)
{
	const struct state_store *store =
		state_store_by_id(w->s, member->store);

	return as_there(w, member->node) && member->made &&
	       (store->state == STATE_STORE_ACTIVE ||
		store->state == STATE_STORE_DRAINING);
}

/* R12: more than half of a set that is about to be used are there. */
static void as_check_quorum(struct as_world *w, const struct state_cmd *cmd,
			    const struct state_shard_view *view)
{
	u32 nr[2] = { 0 }, live[2] = { 0 }, i, k;

	for (i = 0; i < view->nr; i++) {
		const struct state_member_view *member = &view->member[i];
		bool joins = member->role == STATE_ROLE_LEARNER ||
			     member->role == STATE_ROLE_JOINING;
		bool in[2] = { !joins, joins || !member->leaves };

		for (k = 0; k < 2; k++) {
			nr[k] += in[k];
			live[k] += in[k] && as_counts(w, member);
		}
	}
	/* what was adopted is in force already */
	if (cmd->kind == STATE_CMD_SHARD_ADOPT)
		live[0] = nr[0];
	if (live[0] * 2 <= nr[0] || live[1] * 2 <= nr[1])
		as_broken(w, "R12", "%s of shard %u of %u without a quorum",
			  state_command_name(cmd->kind), cmd->number,
			  cmd->volume);
}

static bool as_is_well(const struct as_world *w,
		       const struct state_member_view *member)
{
	const struct state_store *store =
		state_store_by_id(w->s, member->store);
	const struct state_node *node = state_node_by_id(w->s, member->node);

	return as_counts(w, member) && store->state == STATE_STORE_ACTIVE &&
	       node->state == STATE_NODE_ACTIVE &&
	       !w->mend.lost[member->replica];
}

/* R14: who gets a vote was filled, and there is a reason for it still. */
static void as_check_joint(struct as_world *w, const struct state_cmd *cmd,
			   const struct state_shard_view *view)
{
	bool well = true;
	u32 i;

	for (i = 0; i < view->nr; i++) {
		const struct state_member_view *member = &view->member[i];

		if (member->role == STATE_ROLE_LEARNER &&
		    !w->mend.filled[member->replica])
			as_broken(w, "R14", "replica %llu votes, and is empty",
				  member->replica);
		if (member->leaves)
			well = well && as_is_well(w, member);
	}
	if (well && w->now_ms >= w->mend.begun_ms + AS_GRACE_MS)
		as_broken(w, "R14", "who leaves shard %u of %u is well",
			  cmd->number, cmd->volume);
}

/* R13: few at a time.  What is under way, with @cmd. */
static void as_check_few(struct as_world *w, const struct state_cmd *cmd)
{
	u32 most = state_cluster(w->s)->setting[STATE_SET_JOBS_AT_ONCE];
	u32 slot = 0, i, all = 1, towards = 1;
	const struct state_volume *volume;
	struct state_shard_view view;

	while (state_change_walk(w->s, &slot, &view)) {
		volume = state_volume_by_id(w->s, view.volume);
		all += volume->state == STATE_VOLUME_READY && volume->hold &&
		       as_there(w, volume->holder);
		for (i = 0; i < view.nr; i++)
			towards +=
				(view.member[i].role == STATE_ROLE_LEARNER ||
				 view.member[i].role == STATE_ROLE_JOINING) &&
				view.member[i].store == cmd->add[0];
	}
	if (all > most || towards > AS_STORE_MAX)
		as_broken(w, "R13", "%u under way, %u towards store %u", all,
			  towards, cmd->add[0]);
}

/* R15: nothing is begun about who is only suspect. */
static void as_check_begin(struct as_world *w, const struct state_cmd *cmd,
			   struct state_shard_view *view)
{
	const struct state_member_view *member = NULL;
	const struct state_store *store;
	u32 i;

	for (i = 0; i < view->nr; i++)
		if (view->member[i].replica == cmd->del[0]) {
			member = &view->member[i];
			view->member[i].leaves = true;
		}
	if (!member) {
		as_broken(w, "R15", "replica %llu is no member", cmd->del[0]);
		return;
	}
	store = state_store_by_id(w->s, member->store);
	if (store->state == STATE_STORE_ACTIVE &&
	    !w->mend.lost[member->replica] &&
	    state_node_by_id(w->s, member->node)->state == STATE_NODE_ACTIVE &&
	    (as_there(w, member->node) ||
	     w->now_ms - w->node[member->node].heard_ms < AS_AFTER_MS))
		as_broken(w, "R15", "replica %llu is replaced, and not bad",
			  cmd->del[0]);
	/* as if it were there: it is chosen for that it is */
	store = state_store_by_id(w->s, cmd->add[0]);
	view->member[view->nr++] = (struct state_member_view){
		.role = STATE_ROLE_LEARNER,
		.made = true,
		.store = store->id,
		.node = store->node,
	};
	as_check_few(w, cmd);
}

/* R18: what a hold may take, and how many there may be. */
static void as_check_hold(struct as_world *w, const struct state_cmd *cmd)
{
	u32 most = state_cluster(w->s)->setting[STATE_SET_JOBS_AT_ONCE];
	const struct state_volume *volume =
		state_volume_by_id(w->s, cmd->volume);
	u32 slot = 0, all = 1, nr = 1;

	if (volume && volume->term == cmd->term &&
	    volume->hold == STATE_HOLD_DEVICE)
		as_broken(w, "R18", "volume %u is attached", cmd->volume);
	if (cmd->kind != STATE_CMD_ATTACH)
		return;
	if (!as_there(w, cmd->node))
		as_broken(w, "R18", "node %u is not there", cmd->node);
	while ((volume = state_volume_walk(w->s, &slot))) {
		if (volume->hold != STATE_HOLD_REPAIR)
			continue;
		all++;
		nr += volume->holder == cmd->node;
	}
	if (nr > AS_HOLDS_MAX || all > most)
		as_broken(w, "R18", "%u holds, %u of node %u", all, nr,
			  cmd->node);
}

static void as_check_repair(struct as_world *w, const struct state_cmd *cmd)
{
	struct state_shard_view view;

	if (cmd->kind == STATE_CMD_ATTACH || cmd->kind == STATE_CMD_DETACH) {
		as_check_hold(w, cmd);
		return;
	}
	if (state_view_shard(w->s, cmd->volume, cmd->number, &view))
		return;
	if (cmd->kind == STATE_CMD_SHARD_PROPOSE)
		as_check_begin(w, cmd, &view);
	if (cmd->kind == STATE_CMD_SHARD_JOINT)
		as_check_joint(w, cmd, &view);
	if (cmd->kind != STATE_CMD_SHARD_ABORT)
		as_check_quorum(w, cmd, &view);
}

/* --- what is done ------------------------------------------------------------
 */

static void as_repair_nodes(struct as_world *w)
{
	struct repair_node is;
	u32 i;

	for (i = 1; i <= AS_NODES; i++) {
		if (as_there(w, i))
			w->node[i].heard_ms = w->now_ms;
		is.node = i;
		is.alive = as_there(w, i);
		is.silent_ms = w->now_ms - w->node[i].heard_ms;
		repair_node(w->mend.duty, &is);
	}
}

/* Lost on its way, done without an answer, or done. */
static void as_repair_do(struct as_world *w, struct state_cmd *cmd)
{
	bool lost = !w->heal && as_odds(w, 6);
	struct state_result res = { 0 };
	u32 why;

	as_check_repair(w, cmd);
	if (cmd->kind == STATE_CMD_ATTACH)
		cmd->session = qbd_rng_next(&w->rng) | 1;
	if (lost && as_odds(w, 50))
		return;
	w->mend.done[cmd->kind]++;
	why = as_cmd(w, *cmd, &res);
	if (!lost)
		repair_answered(w->mend.duty, cmd, !why, w->now_ms);
}

/**
 * as_repair_step() - who leads repairs
 * @w: the schedule
 */
void as_repair_step(struct as_world *w)
{
	struct state_cmd cmd;
	u64 again;
	u32 i;

	if (!w->mend.on)
		return;
	as_repair_nodes(w);
	for (i = 0; i < 8 && !w->rule; i++) {
		if (repair_next(w->mend.duty, w->s, w->now_ms, &cmd, &again))
			as_repair_do(w, &cmd);
		else if (again != w->now_ms)
			break;
	}
}

/**
 * as_repair_heard() - a word about a copy came to who leads
 * @w: the schedule
 * @node: from there
 * @report: it
 *
 * Return: true if it was one.
 */
bool as_repair_heard(struct as_world *w, u32 node,
		     const struct agent_report *report)
{
	struct repair_said said = { .from = node,
				    .volume = report->volume,
				    .number = report->shard,
				    .term = report->term,
				    .epoch = report->epoch,
				    .replica = report->replica };
	struct state_shard_view view;

	if (!w->mend.on)
		return false;
	if (report->say == AGENT_SAY_FILLED)
		said.word = REPAIR_FILLED;
	else if (report->say == AGENT_SAY_LOST)
		said.word = REPAIR_LOST;
	else if (report->say == AGENT_SAY_SET &&
		 !state_view_shard(w->s, report->volume, report->shard,
				   &view) &&
		 view.stage == STATE_STAGE_JOINT)
		said.word = REPAIR_JOINED;
	else
		return false;
	if (said.word == REPAIR_LOST && report->replica < AS_REPLICA_IDS)
		w->mend.lost[report->replica] = true;
	repair_heard(w->mend.duty, w->s, &said, w->now_ms);
	return true;
}

/* --- faults ------------------------------------------------------------------
 */

static u32 as_dead(const struct as_world *w)
{
	u32 i, nr = 0;

	for (i = 1; i <= AS_NODES; i++)
		nr += w->node[i].dead_ms > w->now_ms;
	return nr;
}

static u32 as_draining(const struct as_world *w)
{
	u32 i, nr = 0;

	for (i = 1; i <= AS_NODES; i++)
		nr += state_node_by_id(w->s, i)->state == STATE_NODE_DRAINING ||
		      state_store_by_id(w->s, i)->state == STATE_STORE_DRAINING;
	return nr;
}

/**
 * as_repair_act() - the administrator drains something, or leaves off
 * @w: the schedule
 */
void as_repair_act(struct as_world *w)
{
	u32 id = 1 + as_rnd(w, AS_NODES);
	bool drain = !as_draining(w);
	struct state_cmd cmd = { .kind = STATE_CMD_NODE_STATE, .node = id };

	cmd.state = drain ? STATE_NODE_DRAINING : STATE_NODE_ACTIVE;
	if (as_odds(w, 50)) {
		cmd.kind = STATE_CMD_STORE_STATE;
		cmd.store = id;
		cmd.state = drain ? STATE_STORE_DRAINING : STATE_STORE_ACTIVE;
	}
	as_cmd(w, cmd, &(struct state_result){ 0 });
}

/**
 * as_repair_fault() - does a node die, for a while?
 * @w: the schedule
 *
 * Return: the node, or NULL.
 */
struct as_node *as_repair_fault(struct as_world *w)
{
	struct as_node *n;

	if (!w->mend.on || !as_odds(w, 3) || as_dead(w) >= 2)
		return NULL;
	n = &w->node[1 + as_rnd(w, AS_NODES)];
	if (n->dead_ms > w->now_ms)
		return NULL;
	n->dead_ms = w->now_ms + 2000 + as_rnd(w, 60000);
	return n;
}

/**
 * as_repair_finish() - at the end one store may drain still
 * @w: the schedule
 */
void as_repair_finish(struct as_world *w)
{
	u32 i;

	for (i = 1; w->mend.on && i <= AS_NODES; i++) {
		w->node[i].dead_ms = 0;
		as_cmd(w,
		       (struct state_cmd){ .kind = STATE_CMD_NODE_STATE,
					   .node = i,
					   .state = STATE_NODE_ACTIVE },
		       &(struct state_result){ 0 });
	}
}

/**
 * as_repair_left() - R19: is a volume that nobody wants let go of?
 * @w: the schedule
 * @volume: the volume
 */
void as_repair_left(struct as_world *w, const struct state_volume *volume)
{
	if (volume->state != STATE_VOLUME_READY || volume->grow || volume->hold)
		as_broken(w, "R19",
			  "volume %u: state %u, grows to %llu, held by %u",
			  volume->id, volume->state, volume->grow,
			  volume->holder);
}

/**
 * as_repair_rest() - R16: has a shard all its copies, where they may be?
 * @w: the schedule
 * @view: the shard
 * @copies: that it ought to have
 */
void as_repair_rest(struct as_world *w, const struct state_shard_view *view,
		    u32 copies)
{
	u32 i;

	if (!w->mend.on)
		return;
	if (view->nr != copies)
		as_broken(w, "R16", "shard %u of %u has %u copies of %u",
			  view->number, view->volume, view->nr, copies);
	for (i = 0; i < view->nr; i++)
		if (state_store_by_id(w->s, view->member[i].store)->state !=
		    STATE_STORE_ACTIVE)
			as_broken(w, "R16", "replica %llu is where it drains",
				  view->member[i].replica);
}
