// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: volumes are attached, detached, and given up (plan.h: TERMS,
 * PARTS).
 */
#include "plan_inner.h"

static struct agent_volume *agent_volume(const struct agent *agent, u32 id)
{
	return agent_map_find(&agent->volumes, AGENT_KEY(0, id, 0));
}

/* Those of which nothing is to be remembered make room for others. */
static void agent_volumes_prune(struct plan *plan)
{
	struct agent_map *map = &plan->agent->volumes;
	struct agent_volume *av;
	u32 i, to = 0;

	for (i = 0; i < map->nr; i++) {
		av = map->at[i];
		if (!want_volume(plan->want, av->key.id) &&
		    !seen_volume(plan->seen, av->key.id))
			free(av);
		else
			map->at[to++] = av;
	}
	map->nr = to;
}

static struct agent_volume *plan_remember(struct plan *plan, u32 id)
{
	if (plan->agent->volumes.nr >= AGENT_VOLUMES_MAX)
		agent_volumes_prune(plan);
	return agent_map_make(&plan->agent->volumes, AGENT_KEY(0, id, 0),
			      sizeof(struct agent_volume));
}

/**
 * plan_volume() - a volume that the kernel has
 * @plan: the call
 * @id: its id
 *
 * Return: it or NULL.
 */
const struct seen_volume *plan_volume(const struct plan *plan, u32 id)
{
	const struct seen_volume *is = seen_volume(plan->seen, id);

	return is && is->state != QBD_VOLUME_STATE_DETACHED ? is : NULL;
}

/**
 * plan_repairs() - does this node hold it for repair?
 * @plan: the call
 * @volume: the volume
 *
 * Return: true if so, and if no device is wanted here: that ends it.
 */
bool plan_repairs(const struct plan *plan, const struct want_volume *volume)
{
	return volume->hold == STATE_HOLD_REPAIR &&
	       volume->holder == plan->me && volume->want != plan->me;
}

/**
 * plan_holds() - does this node hold it, with a device or for repair?
 * @plan: the call
 * @volume: the volume
 *
 * Return: true if so.
 */
bool plan_holds(const struct plan *plan, const struct want_volume *volume)
{
	return (volume->hold == STATE_HOLD_DEVICE &&
		volume->holder == plan->me) ||
	       plan_repairs(plan, volume);
}

/**
 * plan_size() - the size that a kernel is to know
 * @volume: the volume
 *
 * Return: the new one of a volume that grows as soon as all of its shards are
 * made: from then on some holder may have been told (S7).
 */
u64 plan_size(const struct want_volume *volume)
{
	return volume->grow && volume->whole ? volume->grow : volume->size;
}

/* --- terms ------------------------------------------------------------- */

/* Random as @life is, and never the same twice within it. */
static u64 agent_session(struct agent *agent)
{
	u64 z;

	do {
		z = agent->life + ++agent->sessions * 0x9e3779b97f4a7c15ULL;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		z ^= z >> 31;
		z >>= 1; /* a number of JSON has 63 bits */
	} while (!z);
	return z;
}

/* The term in force came for a session of this life, and is unused. */
static bool plan_term_good(const struct want_volume *volume,
			   const struct agent_volume *av)
{
	if (QBD_MUTANT(agent_any_session))
		return av && av->term != volume->term;
	if (QBD_MUTANT(agent_term_again))
		return av && av->asked && volume->session == av->asked;
	return av && av->asked && volume->session == av->asked && !av->used;
}

/*
 * The next term will be for another session, after a pause that begins with the
 * last one: that of long ago is no reason to wait.  Nor is what came of a hold
 * for repair one for who attaches the volume now.
 */
static void plan_session(const struct plan *plan, struct agent_volume *av,
			 bool repair)
{
	bool again = av->asked && av->repair == repair;
	u64 pause = again ? AGENT_AGAIN_MS << min(av->lost, 5U) : 0;

	av->ask_ms = clamp(again ? av->ask_ms + pause : 0, plan->now_ms,
			   plan->now_ms + AGENT_AGAIN_MAX_MS);
	av->lost = again ? av->lost + 1 : 0;
	av->asked = agent_session(plan->agent);
	av->used = false;
	av->repair = repair;
}

/**
 * plan_needs_term() - has a term to be asked for?
 * @plan: the call
 * @volume: for that volume
 * @session: under this session, if so
 *
 * Return: true if so.
 */
bool plan_needs_term(struct plan *plan, const struct want_volume *volume,
		     u64 *session)
{
	struct agent_key object = AGENT_KEY(0, volume->key.id, 0);
	struct agent *agent = plan->agent;
	struct agent_volume *av;
	bool holds = plan_holds(plan, volume);
	bool wants = volume->want == plan->me &&
		     volume->hold != STATE_HOLD_DEVICE &&
		     volume->state == STATE_VOLUME_READY;

	if (!seen_fresh(plan->seen, SEEN_VOLUME) ||
	    plan_volume(plan, volume->key.id) ||
	    agent_busy(agent, QBD_CMD_VOLUME_ATTACH, object) ||
	    !(wants || (holds && !volume->release)))
		return false;
	av = plan_remember(plan, volume->key.id);
	if (!av || (holds && plan_term_good(volume, av)))
		return false;
	/* nor is a term for a device one that was granted for repair */
	if (!av->asked || av->used ||
	    (wants && volume->holder && av->asked == volume->session))
		plan_session(plan, av, plan_repairs(plan, volume));
	*session = av->asked;
	return av->ask_ms <= plan->now_ms;
}

/**
 * plan_released() - is a volume held here no more, as was asked for?
 * @plan: the call
 * @volume: the volume
 *
 * Return: true if so. Its term is given up: it will not be attached under it.
 */
bool plan_released(struct plan *plan, const struct want_volume *volume)
{
	struct agent_key object = AGENT_KEY(0, volume->key.id, 0);
	struct agent_volume *av = agent_volume(plan->agent, volume->key.id);

	if (!plan_holds(plan, volume) || !volume->release ||
	    !seen_fresh(plan->seen, SEEN_VOLUME) ||
	    plan_volume(plan, volume->key.id) ||
	    agent_busy(plan->agent, QBD_CMD_VOLUME_ATTACH, object))
		return false;
	if (av && av->asked == volume->session)
		av->used = true;
	return true;
}

/* --- attach, detach ---------------------------------------------------- */

/* As many sets as fit, from shard @from of @nr on. */
static void plan_sets_fill(struct plan *plan, struct agent_request *req,
			   u32 from, u32 nr)
{
	while (req->nr_sets < AGENT_SETS_MAX && from + req->nr_sets < nr) {
		req->set[req->nr_sets] = want_shard(plan->want, req->volume,
						    from + req->nr_sets);
		req->nr_sets++;
	}
	req->more = from + req->nr_sets < nr;
}

static u32 plan_shards(const struct want_volume *volume, u64 size)
{
	return (size + (1ULL << volume->shift) - 1) >> volume->shift;
}

/* The first part of an attach, or the next one. */
static void plan_attach(struct plan *plan, const struct want_volume *volume,
			struct agent_volume *av, bool first)
{
	u64 size = first ? plan_size(volume) : av->size;
	u32 nr = plan_shards(volume, size);
	struct agent_request *req;

	if (!want_whole(plan->want, volume, nr))
		return;
	req = plan_ask(plan, QBD_CMD_VOLUME_ATTACH,
		       AGENT_KEY(0, volume->key.id, 0));
	if (!req)
		return;
	if (first) {
		av->used = true;
		av->term = volume->term;
		av->next = 0;
		av->whole = false;
		av->spoiled = false;
		av->size = size;
		av->stuck_ms = 0;
	}
	req->volume = volume->key.id;
	req->name = volume->name;
	req->size = size;
	req->shard_bytes = 1ULL << volume->shift;
	req->term = volume->term;
	req->on_no_quorum = volume->on_no_quorum;
	req->no_quorum_ms = volume->no_quorum_ms;
	req->reads = volume->reads;
	req->repair = plan_repairs(plan, volume) &&
		      !QBD_MUTANT(agent_repair_device);
	plan_sets_fill(plan, req, av->next, nr);
}

static void plan_detach(struct plan *plan, const struct seen_volume *is,
			bool force)
{
	struct agent_request *req;

	if (!force && is->state == QBD_VOLUME_STATE_DETACHING)
		return;
	req = plan_ask(plan, QBD_CMD_VOLUME_DETACH,
		       AGENT_KEY(0, is->key.id, 0));
	if (!req)
		return;
	req->volume = is->key.id;
	req->term = is->term;
	req->force = force;
}

/* Leaders are started when an attach is whole, not before. */
static bool plan_led(const struct plan *plan, const struct seen_volume *is)
{
	const struct agent_map *map = &plan->seen->map;
	u32 at = agent_map_from(map, AGENT_KEY(SEEN_SHARD, is->key.id, 0));
	const struct seen_shard *shard = at < map->nr ? map->at[at] : NULL;

	return shard && shard->key.kind == SEEN_SHARD &&
	       shard->key.id == is->key.id && shard->term == is->term;
}

/* An attach that some other life of the daemon did not finish. */
static bool plan_stuck(struct plan *plan, const struct seen_volume *is)
{
	struct agent_volume *av;

	if (is->state != QBD_VOLUME_STATE_OPENING ||
	    !seen_fresh(plan->seen, SEEN_SHARD))
		return false;
	av = plan_remember(plan, is->key.id);
	if (!av)
		return false;
	if (plan_led(plan, is)) {
		av->stuck_ms = 0;
		return false;
	}
	if (!av->stuck_ms)
		av->stuck_ms = max(plan->now_ms, 1ULL);
	return plan->now_ms - av->stuck_ms >= AGENT_STUCK_MS;
}

/* It runs here, under the term in force, and shall do so. */
static void plan_running(struct plan *plan, const struct want_volume *volume,
			 const struct seen_volume *is)
{
	struct agent_volume *av = agent_volume(plan->agent, volume->key.id);
	bool ours = av && av->term == is->term;

	if (ours && !av->whole && seen_fresh(plan->seen, SEEN_SHARD) &&
	    plan_led(plan, is)) {
		av->whole = true; /* nobody knew how the last part ended */
		av->spoiled = false;
	}
	/* it may have become whole all the same */
	if (ours && av->spoiled && !seen_fresh(plan->seen, SEEN_SHARD))
		return;
	if (is->state == QBD_VOLUME_STATE_DEAD || (ours && av->spoiled)) {
		plan_detach(plan, is, true);
		return;
	}
	if (is->state == QBD_VOLUME_STATE_DETACHING)
		return;
	if (ours && !av->whole) {
		plan_attach(plan, volume, av, false);
		return;
	}
	if (av && is->state == QBD_VOLUME_STATE_SERVING)
		av->lost = 0;
	/* what is held for repair does not grow: it is led anew, all of it */
	if ((!ours && plan_stuck(plan, is)) ||
	    (plan_repairs(plan, volume) && is->size < plan_size(volume)))
		plan_detach(plan, is, true);
	else
		plan_sets(plan, volume, is);
}

static void plan_one(struct plan *plan, const struct want_volume *volume)
{
	const struct seen_volume *is = plan_volume(plan, volume->key.id);
	struct agent_volume *av;

	if (!is) {
		av = agent_volume(plan->agent, volume->key.id);
		if (av)
			av->stuck_ms = 0;
		if (QBD_MUTANT(agent_any_session))
			av = plan_remember(plan, volume->key.id);
		if (plan_holds(plan, volume) && !volume->release &&
		    plan_term_good(volume, av))
			plan_attach(plan, volume, av, true);
		return;
	}
	if (!volume->state) {
		plan_detach(plan, is, true); /* it was deleted */
		return;
	}
	/* what is wanted is older than what runs */
	if (is->term > volume->term && !QBD_MUTANT(agent_detach_newer))
		return;
	if (is->term != volume->term || !plan_holds(plan, volume))
		plan_detach(plan, is, true);
	else if (volume->release)
		plan_detach(plan, is, is->state == QBD_VOLUME_STATE_DEAD);
	else
		plan_running(plan, volume, is);
}

/**
 * plan_volumes() - volumes that this node holds, or held
 * @plan: the call
 */
void plan_volumes(struct plan *plan)
{
	const union want_item *item;
	u32 at = 0;

	if (!seen_fresh(plan->seen, SEEN_VOLUME))
		return;
	while ((item = want_next(plan->want, WANT_VOLUME, &at)))
		plan_one(plan, &item->volume);
}

static void plan_attach_done(struct agent_volume *av,
			     const struct agent_request *req, int err)
{
	if (av->term != req->term)
		return;
	if (!err) {
		av->next += req->nr_sets;
		av->whole = !req->more;
	} else if (err == -ETIMEDOUT || av->next) {
		av->spoiled = true;
	} else {
		/* a first part that is refused has changed nothing */
		av->used = false;
		av->term = 0;
	}
}

/**
 * agent_give_up() - a term is thrown away: this node can not have that volume
 * @agent: the planner
 * @volume: id
 * @term: that its kernel was given, and refused
 *
 * Who leads may be told only after that: he gives the volume to another node,
 * and the term is not to come to life here meanwhile.  Not before
 * AGENT_REFUSALS in a row: a store or a peer may only be late.
 *
 * Return: true if so; false: the kernel may have something of it, or it is to
 * be tried again.
 */
bool agent_give_up(struct agent *agent, u32 volume, u64 term)
{
	const struct want_volume *want = want_volume(agent->want, volume);
	struct agent_volume *av = agent_volume(agent, volume);
	const struct agent_try *try = agent_try(agent, QBD_CMD_VOLUME_ATTACH,
						AGENT_KEY(0, volume, 0));

	if (!av || !want || !try || try->fails < AGENT_REFUSALS ||
	    want->term != term || av->used || av->spoiled || av->next ||
	    !av->asked || av->asked != want->session)
		return false;
	av->used = true;
	return true;
}

static void plan_grow_done(struct agent_volume *av,
			   const struct agent_request *req, int err)
{
	if (av->grow != req->size)
		return;
	av->grow_next += req->nr_sets;
	/* one that is refused ends the growth, and so does the last */
	if (err || !req->more)
		av->grow = 0;
}

/**
 * plan_volume_done() - a request ended
 * @agent: the planner
 * @req: the request
 * @err: how
 * @now_ms: the clock
 */
void plan_volume_done(struct agent *agent, const struct agent_request *req,
		      int err, u64 now_ms)
{
	struct agent_volume *av = agent_volume(agent, req->volume);

	(void)now_ms;
	if (av && req->cmd == QBD_CMD_VOLUME_ATTACH)
		plan_attach_done(av, req, err);
	if (av && req->cmd == QBD_CMD_VOLUME_GROW)
		plan_grow_done(av, req, err);
}
