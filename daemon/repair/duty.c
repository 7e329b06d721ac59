// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the repair, what it is told, and what is due next (duty.h).
 */
#include "inner.h"

#define REPAIR_PEERS_MAX (8 * STATE_NODES_MAX) /* with those removed */
#define REPAIR_OFFS_MAX 4096

/**
 * repair_create() - nothing is known yet
 * @conf: times; NULL: the defaults
 *
 * Return: it; repair_begin() before anything else.
 */
struct repair *repair_create(const struct repair_conf *conf)
{
	struct repair *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	if (conf)
		r->conf = *conf;
	r->conf.store_max = r->conf.store_max ?: 2;
	r->conf.answer_ms = r->conf.answer_ms ?: 10000;
	r->conf.again_ms = r->conf.again_ms ?: 1000;
	r->conf.grace_ms = r->conf.grace_ms ?: 10000;
	r->conf.target_ms = r->conf.target_ms ?: 60000;
	r->conf.make_ms = r->conf.make_ms ?: 120000;
	r->conf.doubt_ms = r->conf.doubt_ms ?: 10000;
	r->conf.off_ms = r->conf.off_ms ?: 600000;
	r->conf.word_ms = r->conf.word_ms ?: 10000;
	r->conf.holds_max = r->conf.holds_max ?: 4;
	r->conf.free_ms = r->conf.free_ms ?: 3000;
	r->conf.wanted_ms = r->conf.wanted_ms ?: 30000;
	r->conf.hold_ms = r->conf.hold_ms ?: 30000;
	r->peers.max = REPAIR_PEERS_MAX;
	r->shards.max = REPAIR_SHARDS_MAX;
	r->lost.max = REPAIR_LOST_MAX;
	r->offs.max = REPAIR_OFFS_MAX;
	r->needs.max = REPAIR_NEEDS_MAX;
	return r;
}

/**
 * repair_destroy() - end it
 * @r: the repair, or NULL
 */
void repair_destroy(struct repair *r)
{
	if (!r)
		return;
	agent_map_clear(&r->peers);
	agent_map_clear(&r->shards);
	agent_map_clear(&r->lost);
	agent_map_clear(&r->offs);
	agent_map_clear(&r->needs);
	free(r->work.store);
	free(r->work.planned);
	free(r);
}

/**
 * repair_begin() - this node leads from now on
 * @r: the repair; what it knew is forgotten
 * @now_ms: now
 */
void repair_begin(struct repair *r, u64 now_ms)
{
	agent_map_clear(&r->peers);
	agent_map_clear(&r->shards);
	agent_map_clear(&r->lost);
	agent_map_clear(&r->offs);
	agent_map_clear(&r->needs);
	memset(r->nr, 0, sizeof(r->nr));
	r->begun_ms = now_ms;
	r->walking = false;
	r->round_ms = 0;
}

/**
 * repair_changed() - a command was applied
 * @r: the repair
 * @delta: what it changed
 */
void repair_changed(struct repair *r, const struct state_delta *delta)
{
	u32 i;

	r->woken |= delta->all;
	for (i = 0; i < delta->nr; i++)
		r->woken |= delta->item[i].kind != STATE_KIND_TOKEN &&
			    delta->item[i].kind != STATE_KIND_JOB;
}

/**
 * repair_node() - what the failure detector thinks of a node
 * @r: the repair
 * @node: it
 */
void repair_node(struct repair *r, const struct repair_node *node)
{
	struct repair_peer *peer = agent_map_make(
		&r->peers, AGENT_KEY(0, node->node, 0), sizeof(*peer));

	/* without room it is one that is not there: nothing is begun */
	if (!peer)
		return;
	r->woken |= peer->alive != node->alive;
	peer->alive = node->alive;
	peer->silent_ms = node->silent_ms;
}

/* --- words -----------------------------------------------------------------
 */

static int heard_lost(struct repair *r, const struct state *s,
		      const struct repair_said *said)
{
	struct state_shard_view view;
	struct repair_gone *gone;
	u32 i;

	if (state_view_shard(s, said->volume, said->number, &view))
		return -ESTALE;
	for (i = 0; i < view.nr; i++)
		if (view.member[i].replica == said->replica)
			break;
	if (i == view.nr || view.member[i].role == STATE_ROLE_GONE)
		return -ESTALE;
	if (view.member[i].node != said->from)
		return -EPERM;
	gone = agent_map_make(&r->lost, AGENT_KEY(0, said->replica, 0),
			      sizeof(*gone));
	if (!gone)
		return -ENOSPC;
	gone->volume = said->volume;
	gone->number = said->number;
	r->woken = true;
	return 0;
}

static int heard_holder(struct repair *r, const struct state *s,
			const struct repair_said *said, u64 now_ms)
{
	const struct state_volume *volume = state_volume_by_id(s, said->volume);
	struct repair_note note = { .term = said->term,
				    .epoch = said->epoch,
				    .replica = said->replica,
				    .at_ms = max(now_ms, 1ULL) };
	struct state_shard_view view;
	struct repair_shard *shard;

	if (!volume || !volume->hold || volume->holder != said->from)
		return -EPERM;
	if (state_view_shard(s, said->volume, said->number, &view) ||
	    !view.stage)
		return -ESTALE;
	if ((volume->term != said->term || view.epoch != said->epoch) &&
	    !QBD_MUTANT(repair_any_word))
		return -ESTALE;
	shard = repair_shard(r, said->volume, said->number);
	if (!shard)
		return -ENOSPC;
	if (said->word == REPAIR_FILLED)
		shard->filled = note;
	else
		shard->joined = note;
	return 0;
}

/**
 * repair_heard() - a node says something of a copy
 * @r: the repair
 * @s: the state
 * @said: what, and who
 * @now_ms: now
 *
 * Return: 0; -EINVAL: it makes no sense; -EPERM: it is not that node's to say;
 * -ESTALE: it is late; -ENOSPC: there is no room, it is to be said again.
 */
int repair_heard(struct repair *r, const struct state *s,
		 const struct repair_said *said, u64 now_ms)
{
	int err = -EINVAL;

	if (said->word == REPAIR_LOST)
		err = heard_lost(r, s, said);
	else if (said->word == REPAIR_FILLED || said->word == REPAIR_JOINED)
		err = heard_holder(r, s, said, now_ms);
	r->counts.dropped += err == -ENOSPC;
	r->counts.refused += err && err != -ENOSPC;
	return err;
}

/* --- commands ----------------------------------------------------------------
 */

/**
 * repair_shard() - what is remembered of a shard
 * @r: the repair
 * @volume: id
 * @number: its number
 *
 * Return: it, made if need be; NULL: there is no room, another time.
 */
struct repair_shard *repair_shard(struct repair *r, u32 volume, u32 number)
{
	return agent_map_make(&r->shards, AGENT_KEY(0, volume, number),
			      sizeof(struct repair_shard));
}

/**
 * repair_busy() - is a command about a shard under way, or was one refused?
 * @look: the call; when that ends
 * @shard: the shard
 *
 * Return: true if so.
 */
bool repair_busy(struct repair_look *look, struct repair_shard *shard)
{
	u64 until = shard->asked_ms + look->r->conf.answer_ms;

	if (shard->asked && look->now_ms >= until)
		shard->asked = 0;
	if (!shard->asked)
		until = shard->off_ms;
	if (look->now_ms >= until)
		return false;
	look->again_ms = min(look->again_ms, until);
	return true;
}

/**
 * repair_make() - a command about a shard is due
 * @look: the call
 * @view: the shard
 * @kind: of the command
 */
void repair_make(struct repair_look *look, const struct state_shard_view *view,
		 enum state_cmd_kind kind)
{
	struct repair_shard *shard =
		repair_shard(look->r, view->volume, view->number);

	*look->cmd = (struct state_cmd){
		.kind = kind,
		.volume = view->volume,
		.number = view->number,
		.term = state_volume_by_id(look->s, view->volume)->term,
		.epoch = view->epoch,
	};
	shard->asked = kind;
	shard->asked_ms = look->now_ms;
	look->r->counts.commands++;
}

/**
 * repair_next() - what is due?
 * @r: the repair
 * @s: the state
 * @now_ms: now, not less than before
 * @cmd: SHARD_PROPOSE, _JOINT, _ADOPT or _ABORT; ATTACH or DETACH, for repair;
 *	but client, sequence, clock and, of ATTACH, @session: random, as it is
 *	nobody's yet; the node asks again with its own (S2)
 * @again_ms: nothing is due: not before that, unless something is said;
 *	@now_ms: at once, there is more to be looked at
 *
 * repair_answered() follows.
 *
 * Return: true if a command is due.
 */
bool repair_next(struct repair *r, const struct state *s, u64 now_ms,
		 struct state_cmd *cmd, u64 *again_ms)
{
	struct repair_look look = { .r = r,
				    .s = s,
				    .now_ms = now_ms,
				    .again_ms = REPAIR_NEVER,
				    .cmd = cmd };
	bool due;

	due = repair_steps(&look);
	if (!due) {
		repair_round(&look);
		due = repair_holds(&look) || repair_picks(&look);
	}
	*again_ms = due ? now_ms : look.again_ms;
	return due;
}

/**
 * repair_answered() - a command of repair_next() was done, refused, or lost
 * @r: the repair
 * @cmd: the command
 * @done: it was done
 * @now_ms: now
 */
void repair_answered(struct repair *r, const struct state_cmd *cmd, bool done,
		     u64 now_ms)
{
	struct repair_shard *shard;

	if (cmd->kind == STATE_CMD_ATTACH || cmd->kind == STATE_CMD_DETACH) {
		repair_hold_answered(r, cmd->volume, done, now_ms);
		return;
	}
	shard = agent_map_find(&r->shards,
			       AGENT_KEY(0, cmd->volume, cmd->number));
	if (!shard)
		return;
	shard->asked = 0;
	if (done) {
		shard->refusals = 0;
		return;
	}
	shard->off_ms = now_ms + ((u64)r->conf.again_ms
				  << min(shard->refusals, REPAIR_TIMES));
	shard->refusals++;
}

/**
 * repair_counts() - how much there is
 * @r: the repair
 * @counts: it
 */
void repair_counts(const struct repair *r, struct repair_counts *counts)
{
	*counts = r->counts;
	counts->lost = r->lost.nr;
}
