// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: its memory, and the frame of what it does (plan.h).
 */
#include "plan_inner.h"

/**
 * agent_create() - a planner
 * @made: it
 * @want: what the node has to have
 * @seen: what its kernel has
 * @life: random, of this life of the daemon: sessions are made of it
 * @ops: what is asked
 *
 * Return: 0 or -ENOMEM.
 */
int agent_create(struct agent **made, const struct want *want,
		 struct seen *seen, u64 life, const struct agent_ops *ops)
{
	struct agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return -ENOMEM;
	agent->want = want;
	agent->seen = seen;
	agent->life = life;
	agent->ops = *ops;
	agent->tries.max = AGENT_TRIES_MAX;
	agent->volumes.max = AGENT_VOLUMES_MAX;
	*made = agent;
	return 0;
}

/**
 * agent_destroy() - the planner is not needed any more
 * @agent: it, or NULL; what the kernel has stays
 */
void agent_destroy(struct agent *agent)
{
	if (!agent)
		return;
	agent_map_clear(&agent->tries);
	agent_map_clear(&agent->volumes);
	free(agent);
}

/* --- memory ------------------------------------------------------------ */

/**
 * agent_ids_add() - one more id
 * @ids: the set; what does not fit is left out
 * @id: not 0
 */
void agent_ids_add(struct agent_ids *ids, u32 id)
{
	u32 at = id * 2654435761U % AGENT_IDS;

	while (ids->cell[at] && ids->cell[at] != id)
		at = (at + 1) % AGENT_IDS;
	if (ids->cell[at] == id || ids->nr >= AGENT_IDS / 2)
		return;
	ids->cell[at] = id;
	ids->nr++;
}

/**
 * agent_ids_has() - is an id in a set?
 * @ids: the set
 * @id: not 0
 *
 * Return: true if so.
 */
bool agent_ids_has(const struct agent_ids *ids, u32 id)
{
	u32 at = id * 2654435761U % AGENT_IDS;

	while (ids->cell[at] && ids->cell[at] != id)
		at = (at + 1) % AGENT_IDS;
	return ids->cell[at] == id;
}

/* Room for others: what has not been of interest for long goes. */
static void agent_tries_prune(struct agent *agent, u64 now_ms)
{
	struct agent_try *try;
	u32 i, to = 0;

	for (i = 0; i < agent->tries.nr; i++) {
		try = agent->tries.at[i];
		if (!try->busy &&
		    try->again_ms + 2ULL * AGENT_AGAIN_MAX_MS < now_ms)
			free(try);
		else
			agent->tries.at[to++] = try;
	}
	agent->tries.nr = to;
}

/**
 * agent_try() - what is remembered of something
 * @agent: the planner
 * @kind: QBD_CMD_* or AGENT_TRY_SAY + enum agent_say
 * @object: what it is about
 *
 * Return: it or NULL.
 */
struct agent_try *agent_try(const struct agent *agent, u32 kind,
			    struct agent_key object)
{
	return agent_map_find(&agent->tries,
			      AGENT_KEY(kind, object.id, object.number));
}

/**
 * agent_busy() - is it under way?
 * @agent: the planner
 * @kind: QBD_CMD_*
 * @object: what it is about
 *
 * Return: true if so.
 */
bool agent_busy(const struct agent *agent, u32 kind, struct agent_key object)
{
	const struct agent_try *try = agent_try(agent, kind, object);

	return try && try->busy;
}

/* --- requests ---------------------------------------------------------- */

/**
 * plan_ask() - a request is due
 * @plan: the call
 * @cmd: QBD_CMD_*
 * @object: what it is about
 *
 * Return: the request, to be filled; NULL: it is under way, failed a short
 * time ago, or there is no room: another time.
 */
struct agent_request *plan_ask(struct plan *plan, u8 cmd,
			       struct agent_key object)
{
	struct agent *agent = plan->agent;
	struct agent_request *req;
	struct agent_try *try;

	if (plan->nr == plan->max || agent->busy >= AGENT_BUSY_MAX)
		return NULL;
	if (agent->tries.nr >= AGENT_TRIES_MAX)
		agent_tries_prune(agent, plan->now_ms);
	try = agent_map_make(&agent->tries,
			     AGENT_KEY(cmd, object.id, object.number),
			     sizeof(*try));
	if (!try || try->busy || try->again_ms > plan->now_ms)
		return NULL;
	try->busy = true;
	try->done = false; /* that was the last time */
	agent->busy++;
	req = &plan->req[plan->nr++];
	memset(req, 0, sizeof(*req));
	req->cmd = cmd;
	req->object = AGENT_KEY(0, object.id, object.number);
	return req;
}

/* What a request changes; enum seen_kind, as bits. */
static u32 agent_cmd_kinds(u8 cmd)
{
	switch (cmd) {
	case QBD_CMD_NODE_START:
		return 1U << SEEN_NODE;
	case QBD_CMD_STORE_ADD:
	case QBD_CMD_STORE_REMOVE:
		return 1U << SEEN_STORE | 1U << SEEN_REPLICA;
	case QBD_CMD_REPLICA_CREATE:
	case QBD_CMD_REPLICA_DELETE:
	case QBD_CMD_REPLICA_FLOOR:
		return 1U << SEEN_REPLICA;
	case QBD_CMD_VOLUME_ATTACH:
	case QBD_CMD_VOLUME_DETACH:
	case QBD_CMD_VOLUME_GROW:
		return 1U << SEEN_VOLUME | 1U << SEEN_SHARD;
	case QBD_CMD_VOLUME_SET:
		return 1U << SEEN_VOLUME;
	case QBD_CMD_SHARD_CONFIG:
		return 1U << SEEN_SHARD;
	case QBD_CMD_PEER_ADD:
	case QBD_CMD_PEER_REMOVE:
		return 1U << SEEN_PEER;
	default:
		return 0;
	}
}

static u64 agent_pause(u32 fails)
{
	u64 pause = AGENT_AGAIN_MS << min(fails, 10U);

	return min_t(u64, pause, AGENT_AGAIN_MAX_MS);
}

/* It was started: how it ends takes a while, and is no reason to ask again. */
static bool agent_takes_time(const struct agent_request *req)
{
	return req->cmd != QBD_CMD_SHARD_CONFIG &&
	       req->cmd != QBD_CMD_PEER_ADD && !req->more;
}

/**
 * agent_done() - a request ended
 * @agent: the planner
 * @req: the request
 * @err: what the kernel answered; -ETIMEDOUT: nobody knows
 * @reason: the kernel's words, NULL = none
 * @now_ms: the clock
 */
void agent_done(struct agent *agent, const struct agent_request *req, int err,
		const char *reason, u64 now_ms)
{
	struct agent_try *try = agent_try(agent, req->cmd, req->object);
	u32 kinds = agent_cmd_kinds(req->cmd), kind;

	if (!try || !try->busy)
		return;
	try->busy = false;
	agent->busy--;
	for (kind = 0; kind < SEEN_KINDS; kind++)
		if (kinds & 1U << kind)
			seen_stale(agent->seen, kind);
	if (err) {
		try->told = try->told && try->error == err;
		try->error = err;
		snprintf(try->reason, sizeof(try->reason), "%s", reason ?: "");
		try->again_ms = now_ms + agent_pause(try->fails++);
	} else {
		try->done = true;
		try->fails = 0;
		try->told = false;
		try->again_ms =
			now_ms + (agent_takes_time(req) ? AGENT_AGAIN_MS : 0);
	}
	plan_volume_done(agent, req, err, now_ms);
}

/**
 * agent_withdraw() - a request was not carried out, and may be due again
 * @agent: the planner
 * @req: the request; none that has a term in it, which counts as given
 *
 * It waits for something here, which is no failure: nobody has to be told, and
 * there is no pause.  The caller plans again when that has happened.
 */
void agent_withdraw(struct agent *agent, const struct agent_request *req)
{
	struct agent_try *try = agent_try(agent, req->cmd, req->object);

	if (!try || !try->busy)
		return;
	try->busy = false;
	agent->busy--;
}

/* --- looking ----------------------------------------------------------- */

/**
 * plan_store_by_uuid() - a store that consensus knows
 * @plan: the call
 * @uuid: its uuid
 *
 * Return: it or NULL.
 */
const struct want_store *plan_store_by_uuid(const struct plan *plan,
					    const u8 uuid[16])
{
	const union want_item *item;
	u32 at = 0;

	while ((item = want_next(plan->want, WANT_STORE, &at)))
		if (!memcmp(item->store.uuid, uuid, 16))
			return &item->store;
	return NULL;
}

/**
 * plan_store_open() - has the kernel a store open, so that all of its replicas
 * are seen?
 * @plan: the call
 * @store: id
 *
 * Return: true if so.
 */
bool plan_store_open(const struct plan *plan, u32 store)
{
	const struct want_store *want = want_store(plan->want, store);
	const struct seen_store *is =
		want ? seen_store(plan->seen, want->uuid) : NULL;

	return is && is->state == QBD_STORE_STATE_ACTIVE &&
	       seen_fresh(plan->seen, SEEN_STORE) &&
	       seen_fresh(plan->seen, SEEN_REPLICA);
}

/**
 * agent_plan() - what the kernel is to be asked for now
 * @agent: the planner
 * @now_ms: the clock
 * @req: requests; each is to be carried out, in this order, and to be said to
 *	agent_done()
 * @max: how many there is room for
 *
 * Return: how many there are.
 */
u32 agent_plan(struct agent *agent, u64 now_ms, struct agent_request *req,
	       u32 max)
{
	const struct want_cluster *cluster = want_cluster(agent->want);
	struct plan plan = { .agent = agent,
			     .want = agent->want,
			     .seen = agent->seen,
			     .now_ms = now_ms,
			     .req = req,
			     .max = max };

	/* P7: whoever knows nothing changes nothing */
	if (!agent->want->good || !cluster ||
	    !seen_fresh(agent->seen, SEEN_NODE))
		return 0;
	plan.me = cluster->node;
	if (!agent->seen->node) {
		plan_node(&plan);
		return plan.nr;
	}
	if (plan_foreign(&plan) ||
	    seen_node(agent->seen)->state != QBD_NODE_STATE_RUNNING)
		return 0;
	plan_peers(&plan);
	plan_stores(&plan);
	plan_replicas(&plan);
	plan_volumes(&plan);
	plan_leavers(&plan);
	return plan.nr;
}

/**
 * agent_due_ms() - when to plan, or to report, if nothing happens
 * @agent: the planner
 * @now_ms: the clock
 *
 * Return: the time; U64_MAX: never.
 */
u64 agent_due_ms(const struct agent *agent, u64 now_ms)
{
	const struct agent_volume *volume;
	const struct agent_try *try;
	u64 due = U64_MAX;
	u32 i;

	for (i = 0; i < agent->tries.nr; i++) {
		try = agent->tries.at[i];
		if (!try->busy && try->again_ms > now_ms)
			due = min(due, try->again_ms);
	}
	for (i = 0; i < agent->volumes.nr; i++) {
		volume = agent->volumes.at[i];
		if (volume->ask_ms > now_ms)
			due = min(due, volume->ask_ms);
		if (volume->stuck_ms &&
		    volume->stuck_ms + AGENT_STUCK_MS > now_ms)
			due = min(due, volume->stuck_ms + AGENT_STUCK_MS);
	}
	return due;
}
