// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: what is said to who leads (plan.h: REPORTS).
 */
#include "plan_inner.h"

/* Two reports with the same sum say the same; numbers that are others each time
 * are left out.
 */
static u32 plan_report_sum(const struct agent_report *report)
{
	const u64 number[] = { report->store,	report->failed,
			       report->opens,	report->capacity,
			       report->replica, report->volume,
			       report->shard,	report->term,
			       report->epoch,	report->session,
			       report->size,	report->node,
			       report->cmd };
	u8 bytes[sizeof(number)] = { 0 };
	struct state_out out = { .at = bytes, .left = sizeof(bytes) };
	u32 sum, i;

	for (i = 0; i < ARRAY_SIZE(number); i++)
		state_put(&out, number[i], sizeof(number[i]));
	sum = crc32c(~0U, bytes, sizeof(bytes));
	sum = crc32c(sum, report->uuid, sizeof(report->uuid));
	return crc32c(sum, report->text, strlen(report->text));
}

/*
 * Say it, unless it was said: @once, and it was with these words; else a short
 * time ago.
 */
static void plan_say(struct plan *plan, const struct agent_report *report,
		     struct agent_key object, bool once)
{
	bool silent = report->say == AGENT_SAY_SILENT;
	/* how long it was silent is other news each time, and none */
	u32 sum = silent ? 0 : plan_report_sum(report);
	struct agent_try *try;

	if (plan->nr == plan->max)
		return;
	try = agent_map_make(&plan->agent->tries,
			     AGENT_KEY(AGENT_TRY_SAY + report->say, object.id,
				       object.number),
			     sizeof(*try));
	if (!try || (try->done && try->sum == sum &&
		     (once || try->again_ms > plan->now_ms)))
		return;
	try->done = true;
	try->sum = sum;
	try->again_ms =
		plan->now_ms + (silent ? AGENT_SILENT_MS : AGENT_SAY_MS);
	plan->report[plan->nr++] = *report;
}

static struct agent_report plan_report(enum agent_say say)
{
	return (struct agent_report){ .say = say };
}

static void plan_text(struct agent_report *report, const char *text)
{
	snprintf(report->text, sizeof(report->text), "%s", text);
}

/* --- stores ------------------------------------------------------------ */

static bool plan_store_news(const struct want_store *store,
			    const struct seen_store *is)
{
	u64 off = is->free > store->free ? is->free - store->free :
					   store->free - is->free;

	if (is->state == QBD_STORE_STATE_FAILED)
		return store->state == STATE_STORE_ACTIVE ||
		       store->state == STATE_STORE_DRAINING;
	return is->opens != store->opens || off > store->capacity / 64;
}

static void plan_say_stores(struct plan *plan)
{
	const struct want_store *store;
	const union seen_object *is;
	struct agent_report report;
	u32 at = 0;

	if (!seen_fresh(plan->seen, SEEN_STORE))
		return;
	while ((is = seen_next(plan->seen, SEEN_STORE, &at))) {
		if (is->store.state != QBD_STORE_STATE_ACTIVE &&
		    is->store.state != QBD_STORE_STATE_FAILED)
			continue;
		store = plan_store_by_uuid(plan, is->store.uuid);
		if (store && (store->state == STATE_STORE_REMOVED ||
			      !plan_store_news(store, &is->store)))
			continue;
		report = plan_report(AGENT_SAY_STORE);
		report.store = store ? store->key.id : 0;
		memcpy(report.uuid, is->store.uuid, sizeof(report.uuid));
		report.failed = is->store.state == QBD_STORE_STATE_FAILED;
		report.opens = is->store.opens;
		report.capacity = is->store.capacity;
		report.free = is->store.free;
		plan_text(&report, is->store.reason);
		/* one that is not known, or rolled back, gets no answer */
		plan_say(plan, &report, is->key,
			 !store || is->store.opens < store->opens);
	}
}

/* --- replicas ---------------------------------------------------------- */

static void plan_say_replica(struct plan *plan, enum agent_say say, u64 replica,
			     u32 volume, u32 shard)
{
	struct agent_report report = plan_report(say);

	report.replica = replica;
	report.volume = volume;
	report.shard = shard;
	plan_say(plan, &report, AGENT_KEY(0, replica, 0),
		 say == AGENT_SAY_LOST || say == AGENT_SAY_UNKNOWN);
}

/* It is not there, and will not be: nothing is under way that makes it. */
static bool plan_gone(const struct plan *plan, u64 replica, u32 store)
{
	return plan_store_open(plan, store) && !plan_replica(plan, replica) &&
	       !agent_busy(plan->agent, QBD_CMD_REPLICA_CREATE,
			   AGENT_KEY(0, replica, 0));
}

/* Does this kernel hear that of who holds the volume? */
static void plan_say_silent(struct plan *plan, const struct want_volume *volume,
			    const struct want_shard *shard,
			    const struct seen_replica *is)
{
	u64 age = plan->now_ms - plan->seen->at_ms[SEEN_PEER], silent;
	const struct seen_peer *peer = seen_peer(plan->seen, volume->holder);
	struct agent_report report = plan_report(AGENT_SAY_SILENT);

	if (volume->hold != STATE_HOLD_DEVICE || volume->holder == plan->me ||
	    !peer || !seen_fresh(plan->seen, SEEN_PEER))
		return;
	silent = peer->heard_ms;
	if (silent < want_cluster(plan->want)->suspect_ms)
		return;
	report.replica = is->key.id;
	report.volume = volume->key.id;
	report.shard = shard->key.number;
	report.term = volume->term;
	report.node = volume->holder;
	report.failed = is->state != QBD_REPLICA_STATE_IN_SYNC &&
			is->state != QBD_REPLICA_STATE_LAGGING &&
			is->state != QBD_REPLICA_STATE_FULL;
	report.silent_ms = silent;
	report.age_ms = min_t(u64, age, U32_MAX);
	plan_say(plan, &report, AGENT_KEY(0, is->key.id, 0), false);
}

static void plan_say_mine(struct plan *plan, const struct want_shard *shard)
{
	const struct want_member *mine = want_mine(plan->want, shard);
	const struct want_volume *volume =
		want_volume(plan->want, shard->key.id);
	const struct seen_replica *is;
	const struct agent_try *try;

	if (!mine || !volume || !plan_store_open(plan, shard->store))
		return;
	is = plan_replica(plan, mine->replica);
	if (is && !mine->made && plan_replica_ready(is))
		plan_say_replica(plan, AGENT_SAY_MADE, mine->replica,
				 shard->key.id, shard->key.number);
	if (is) {
		plan_say_silent(plan, volume, shard, is);
		return;
	}
	try = agent_try(plan->agent, QBD_CMD_REPLICA_CREATE,
			AGENT_KEY(0, mine->replica, 0));
	if (volume->state == STATE_VOLUME_DELETING &&
	    plan_gone(plan, mine->replica, shard->store))
		plan_say_replica(plan, AGENT_SAY_GONE, mine->replica,
				 shard->key.id, shard->key.number);
	else if (volume->state != STATE_VOLUME_DELETING &&
		 mine->role != STATE_ROLE_GONE &&
		 (mine->made || (try && try->done && !try->busy &&
				 try->again_ms <= plan->now_ms)))
		plan_say_replica(plan, AGENT_SAY_LOST, mine->replica,
				 shard->key.id, shard->key.number);
}

static void plan_say_replicas(struct plan *plan)
{
	const union want_item *item;
	u32 at = 0, i;

	if (!seen_fresh(plan->seen, SEEN_STORE) ||
	    !seen_fresh(plan->seen, SEEN_REPLICA))
		return;
	while ((item = want_next(plan->want, WANT_SHARD, &at)))
		plan_say_mine(plan, &item->shard);
	at = 0;
	while ((item = want_next(plan->want, WANT_TOMBS, &at)))
		for (i = 0; i < item->tombs.nr; i++) {
			const struct want_tomb *tomb = &item->tombs.tomb[i];

			if (plan_gone(plan, tomb->replica, item->key.id))
				plan_say_replica(plan, AGENT_SAY_GONE,
						 tomb->replica, tomb->volume,
						 tomb->number);
		}
}

/* --- volumes ----------------------------------------------------------- */

/* If nobody joins there is nothing to be filled. */
static bool plan_set_filled(const struct seen_shard *is)
{
	u32 i;

	for (i = 0; i < is->nr; i++)
		if (is->member[i].role == QBD_MEMBER_ROLE_LEARNER &&
		    is->member[i].state != QBD_REPLICA_STATE_IN_SYNC)
			return false;
	return true;
}

static void plan_say_set(struct plan *plan, const struct want_shard *shard,
			 const struct seen_volume *is)
{
	const struct seen_shard *led =
		seen_shard(plan->seen, shard->key.id, shard->key.number);
	struct agent_report report;
	u32 i;

	if (!led || led->term != is->term || led->epoch != shard->epoch)
		return;
	if (shard->stage == STATE_STAGE_LEARN && plan_set_same(shard, led) &&
	    plan_set_filled(led))
		report = plan_report(AGENT_SAY_FILLED);
	else if (shard->stage > STATE_STAGE_LEARN &&
		 (led->committed >= shard->epoch ||
		  QBD_MUTANT(agent_set_early)))
		report = plan_report(AGENT_SAY_SET);
	else
		return;
	report.volume = shard->key.id;
	report.shard = shard->key.number;
	report.term = is->term;
	report.epoch = shard->epoch;
	/* the next one that learns does so under the same epoch */
	for (i = 0; i < shard->nr && !report.replica; i++)
		if (shard->member[i].role == STATE_ROLE_LEARNER)
			report.replica = shard->member[i].replica;
	plan_say(plan, &report, shard->key, false);
}

static void plan_say_sets(struct plan *plan, const struct want_volume *volume,
			  const struct seen_volume *is)
{
	const struct agent_map *map = &plan->want->now;
	u32 at = agent_map_from(map, AGENT_KEY(WANT_SHARD, volume->key.id, 0));
	const struct want_shard *shard;

	for (; seen_fresh(plan->seen, SEEN_SHARD) && at < map->nr; at++) {
		shard = map->at[at];
		if (shard->key.kind != WANT_SHARD ||
		    shard->key.id != volume->key.id)
			break;
		if (shard->stage)
			plan_say_set(plan, shard, is);
	}
}

static void plan_say_running(struct plan *plan,
			     const struct want_volume *volume,
			     const struct seen_volume *is)
{
	struct agent_report report = plan_report(AGENT_SAY_ATTACHED);

	if (is->term != volume->term || !plan_holds(plan, volume))
		return;
	report.volume = volume->key.id;
	report.term = is->term;
	plan_text(&report, is->device);
	if ((is->device[0] || plan_repairs(plan, volume)) &&
	    (is->state == QBD_VOLUME_STATE_SERVING ||
	     is->state == QBD_VOLUME_STATE_SUSPENDED))
		plan_say(plan, &report, volume->key, true);
	if (volume->grow && is->size >= volume->grow) {
		report = plan_report(AGENT_SAY_GROWN);
		report.volume = volume->key.id;
		report.term = is->term;
		report.size = is->size;
		plan_say(plan, &report, volume->key, false);
	}
	plan_say_sets(plan, volume, is);
}

static void plan_say_volume(struct plan *plan, const struct want_volume *volume)
{
	const struct seen_volume *is = plan_volume(plan, volume->key.id);
	struct agent_report report;
	u64 session = 0;

	if (is) {
		plan_say_running(plan, volume, is);
		return;
	}
	if (plan_released(plan, volume))
		report = plan_report(AGENT_SAY_RELEASED);
	else if (plan_needs_term(plan, volume, &session))
		report = plan_report(AGENT_SAY_TERM);
	else
		return;
	report.volume = volume->key.id;
	report.term = volume->term;
	report.session = session;
	plan_say(plan, &report, volume->key, false);
}

static void plan_say_volumes(struct plan *plan)
{
	const union want_item *item;
	const union seen_object *is;
	struct agent_report report;
	u32 at = 0;

	if (!seen_fresh(plan->seen, SEEN_VOLUME))
		return;
	while ((item = want_next(plan->want, WANT_VOLUME, &at)))
		plan_say_volume(plan, &item->volume);
	at = 0;
	while ((is = seen_next(plan->seen, SEEN_VOLUME, &at))) {
		if (want_volume(plan->want, is->key.id))
			continue;
		report = plan_report(AGENT_SAY_UNKNOWN);
		report.volume = is->key.id;
		report.term = is->volume.term;
		plan_say(plan, &report, AGENT_KEY(0, is->key.id, 1), true);
	}
}

/* --- the rest ---------------------------------------------------------- */

static bool plan_replica_known(const struct plan *plan,
			       const struct seen_replica *is)
{
	const struct want_store *store = plan_store_by_uuid(plan, is->store);
	const struct want_shard *shard =
		want_shard(plan->want, is->volume, is->shard);
	const struct want_member *mine = shard ? want_mine(plan->want, shard) :
						 NULL;
	const union want_item *tombs;
	u32 i;

	if (mine && mine->replica == is->key.id)
		return true;
	tombs = store ? agent_map_find(&plan->want->now,
				       AGENT_KEY(WANT_TOMBS, store->key.id,
						 0)) :
			NULL;
	for (i = 0; tombs && i < tombs->tombs.nr; i++)
		if (tombs->tombs.tomb[i].replica == is->key.id)
			return true;
	return false;
}

static void plan_say_unknown(struct plan *plan)
{
	const union seen_object *is;
	u32 at = 0;

	if (!seen_fresh(plan->seen, SEEN_REPLICA))
		return;
	while ((is = seen_next(plan->seen, SEEN_REPLICA, &at)))
		if (is->replica.state != QBD_REPLICA_STATE_DELETED &&
		    !plan_replica_known(plan, &is->replica))
			plan_say_replica(plan, AGENT_SAY_UNKNOWN, is->key.id,
					 is->replica.volume, is->replica.shard);
}

static void plan_say_failed(struct plan *plan, struct agent_try *try)
{
	struct agent_report report = plan_report(AGENT_SAY_FAILED);
	u32 cmd = try->key.kind;

	if (cmd >= AGENT_TRY_SAY || !try->fails || try->told ||
	    plan->nr == plan->max)
		return;
	report.cmd = cmd;
	report.error = try->error;
	plan_text(&report, try->reason);
	if (cmd == QBD_CMD_REPLICA_CREATE || cmd == QBD_CMD_REPLICA_DELETE ||
	    cmd == QBD_CMD_REPLICA_FLOOR)
		report.replica = try->key.id;
	else if (cmd == QBD_CMD_PEER_ADD || cmd == QBD_CMD_PEER_REMOVE)
		report.node = try->key.id;
	else if (cmd == QBD_CMD_STORE_ADD || cmd == QBD_CMD_STORE_REMOVE)
		memcpy(report.uuid, &try->key.id, sizeof(try->key.id));
	else
		report.volume = try->key.id;
	if (cmd == QBD_CMD_SHARD_CONFIG)
		report.shard = try->key.number;
	try->told = true;
	plan->report[plan->nr++] = report;
}

static void plan_say_foreign(struct plan *plan)
{
	struct agent_report report = plan_report(AGENT_SAY_FOREIGN);

	report.node = seen_node(plan->seen)->id;
	plan_say(plan, &report, AGENT_KEY(0, report.node, 0), true);
}

/**
 * agent_reports() - what is to be said to who leads now
 * @agent: the planner
 * @now_ms: the clock
 * @report: the reports
 * @max: how many there is room for
 *
 * Call it after agent_plan(): what was just asked for is not missing.
 *
 * Return: how many there are.
 */
u32 agent_reports(struct agent *agent, u64 now_ms, struct agent_report *report,
		  u32 max)
{
	const struct want_cluster *cluster = want_cluster(agent->want);
	struct plan plan = { .agent = agent,
			     .want = agent->want,
			     .seen = agent->seen,
			     .now_ms = now_ms,
			     .report = report,
			     .max = max };
	u32 i;

	if (!agent->want->good || !cluster ||
	    !seen_fresh(agent->seen, SEEN_NODE))
		return 0;
	plan.me = cluster->node;
	for (i = 0; i < agent->tries.nr; i++)
		plan_say_failed(&plan, agent->tries.at[i]);
	if (!agent->seen->node)
		return plan.nr;
	if (plan_foreign(&plan)) {
		plan_say_foreign(&plan);
		return plan.nr;
	}
	plan_say_stores(&plan);
	/* before words about who is silent, of which there may be many */
	plan_say_volumes(&plan);
	plan_say_replicas(&plan);
	plan_say_unknown(&plan);
	return plan.nr;
}

/**
 * agent_say_again() - who leads is another one, or may not have heard all
 * @agent: the planner
 */
void agent_say_again(struct agent *agent)
{
	struct agent_try *try;
	u32 i;

	for (i = 0; i < agent->tries.nr; i++) {
		try = agent->tries.at[i];
		try->told = false;
		if (try->key.kind < AGENT_TRY_SAY)
			continue;
		try->done = false;
		try->again_ms = 0;
	}
}
