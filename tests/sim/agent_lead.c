// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consensus: what an administrator does, and what who leads does when agents
 * report.
 */
#include "agent_sim.h"

/**
 * as_cmd() - a command of the present leader is done
 * @w: the schedule
 * @cmd: it; client, sequence and clock are filled in
 * @res: its result
 *
 * Return: its enum state_why.
 */
u32 as_cmd(struct as_world *w, struct state_cmd cmd, struct state_result *res)
{
	static u8 buf[STATE_COMMAND_BYTES_MAX];
	struct state_delta delta;
	int bytes;

	cmd.client = w->client;
	cmd.seq = ++w->seq;
	cmd.now_ms = w->now_ms;
	bytes = state_command_encode(&cmd, buf, sizeof(buf));
	if (bytes <= 0) {
		as_broken(w, "R8", "command %s can not be encoded",
			  state_command_name(cmd.kind));
		return 1;
	}
	state_apply(w->s, buf, bytes, res, &delta);
	w->index++;
	w->hash = w->hash * 31 + res->why;
	if (w->trace && cmd.kind != STATE_CMD_STORE_REPORT)
		as_trace(w, "%llu %s volume=%u shard=%u node=%u term=%llu: %s",
			 w->index, state_command_name(cmd.kind), cmd.volume,
			 cmd.number, cmd.node, cmd.term, state_result_key(res));
	if (w->push[0])
		push_applied(w->push[0], w->index, &delta);
	if (w->mend.duty)
		repair_changed(w->mend.duty, &delta);
	as_note(w);
	return res->why;
}

#define AS_CMD(w, name, ...)                                                   \
	as_cmd(w, (struct state_cmd){ .kind = STATE_CMD_##name, __VA_ARGS__ }, \
	       &(struct state_result){ 0 })

static void as_node_add(struct as_world *w, u32 i)
{
	struct state_cmd cmd = { .kind = STATE_CMD_NODE_ADD,
				 .id = i > 1,
				 .nr_addrs = 1,
				 .key = { i, 1 } };
	struct state_result res = { 0 };

	snprintf(cmd.name, sizeof(cmd.name), "n%u", i);
	cmd.addr[0] = (struct state_addr){
		.use = 1, .family = 4, .port = 7, .ip = { 10, 0, 0, i }
	};
	as_cmd(w, cmd, &res);
	if (i == 1)
		AS_CMD(w, TOKEN_CREATE, .id = 1, .key = { 1 },
		       .total = 100000000, .value = 100);
	AS_CMD(w, NODE_STATE, .node = i, .state = STATE_NODE_ACTIVE);
	AS_CMD(w, STORE_ADD, .node = i, .size = 64ULL << 30,
	       .uuid = { i, 0x5 });
}

/**
 * as_lead_init() - a cluster
 * @w: the schedule
 */
void as_lead_init(struct as_world *w)
{
	struct state_cmd client = { .kind = STATE_CMD_CLIENT_OPEN };
	struct state_result res = { 0 };
	u32 i;

	AS_CMD(w, CLUSTER_INIT, .uuid = { 0xc1 }, .name = "cell",
	       .session = 77);
	as_cmd(w, client, &res);
	w->client = res.arg[0];
	w->seq = 0;
	for (i = 1; i <= AS_NODES; i++)
		as_node_add(w, i);
	if (w->mend.on)
		AS_CMD(w, CLUSTER_SET, .what = STATE_SET_REPAIR_AFTER,
		       .value = 5000);
	if (w->mend.on)
		AS_CMD(w, CLUSTER_SET, .what = STATE_SET_JOBS_AT_ONCE,
		       .value = 1 + as_rnd(w, 8));
}

/* --- the administrator ------------------------------------------------- */

static const struct state_volume *as_some(struct as_world *w)
{
	u32 id = 1 + as_rnd(w, AS_VOLUMES - 1), i;
	const struct state_volume *volume;

	for (i = 0; i < AS_VOLUMES; i++) {
		volume = state_volume_by_id(w->s,
					    1 + (id + i) % (AS_VOLUMES - 1));
		if (volume)
			return volume;
	}
	return NULL;
}

/* One copy after the other, where something new may be. */
static u32 as_place_next(struct as_world *w, u32 *at)
{
	u32 i, id;

	for (i = 0; i < AS_NODES; i++) {
		id = 1 + (*at)++ % AS_NODES;
		if (state_store_by_id(w->s, id)->state == STATE_STORE_ACTIVE &&
		    state_node_by_id(w->s, id)->state == STATE_NODE_ACTIVE)
			break;
	}
	return id;
}

/* Shards that a volume lacks. */
static void as_place(struct as_world *w, u32 id)
{
	const struct state_volume *volume = state_volume_by_id(w->s, id);
	struct state_out out;
	u8 rest[512];
	u32 i, j, first, nr;

	if (!volume || volume->state == STATE_VOLUME_DELETING)
		return;
	nr = state_shards_wanted(volume) - volume->shards;
	if (!nr)
		return;
	out = (struct state_out){ .at = rest, .left = sizeof(rest) };
	for (i = 0; i < nr; i++) {
		first = as_rnd(w, AS_NODES);
		for (j = 0; j < volume->copies; j++)
			state_put(&out, as_place_next(w, &first), 4);
	}
	AS_CMD(w, VOLUME_SHARDS, .volume = id, .number = volume->shards,
	       .rest = { rest, sizeof(rest) - out.left });
}

static void as_create(struct as_world *w)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .shift = STATE_SHIFT_MIN };
	u32 shards = as_odds(w, 25) ? 8 + as_rnd(w, 9) : 1 + as_rnd(w, 3);
	struct state_result res = { 0 };

	if (state_cluster(w->s)->next_volume >= AS_VOLUMES)
		return;
	cmd.size =
		((u64)shards << STATE_SHIFT_MIN) - (as_odds(w, 50) ? 4096 : 0);
	cmd.copies = 1 + as_rnd(w, 3);
	snprintf(cmd.name, sizeof(cmd.name), "v%u",
		 state_cluster(w->s)->next_volume);
	if (!as_cmd(w, cmd, &res))
		as_place(w, res.arg[0]);
}

static void as_want(struct as_world *w, const struct state_volume *volume,
		    u32 node)
{
	AS_CMD(w, VOLUME_SET, .volume = volume->id, .node = node,
	       .on_no_quorum = as_rnd(w, 2),
	       .value = 1000 + as_rnd(w, 3) * 1000,
	       .flags = STATE_VOLUME_SET_WANT | STATE_VOLUME_SET_QUORUM);
}

static void as_change(struct as_world *w, const struct state_volume *volume)
{
	struct state_shard_view view;
	struct state_cmd cmd = { .kind = STATE_CMD_SHARD_PROPOSE,
				 .volume = volume->id,
				 .term = volume->term };
	struct state_result res = { 0 };
	u32 i, node = 1 + as_rnd(w, AS_NODES);

	cmd.number = as_rnd(w, max(volume->shards, 1U));
	if (state_view_shard(w->s, volume->id, cmd.number, &view))
		return;
	cmd.epoch = view.epoch;
	for (i = 0; i < view.nr && view.member[i].node != node; i++)
		;
	if (i == view.nr) {
		cmd.add[cmd.nr_add++] = node;
		if (as_odds(w, 70))
			cmd.del[cmd.nr_del++] =
				view.member[as_rnd(w, view.nr)].replica;
	} else if (as_odds(w, 30)) {
		cmd.del[cmd.nr_del++] = view.member[i].replica;
	}
	if (cmd.nr_add + cmd.nr_del)
		as_cmd(w, cmd, &res);
}

static void as_abort(struct as_world *w, const struct state_volume *volume)
{
	struct state_shard_view view;
	u32 number;

	for (number = 0; number < volume->shards; number++)
		if (!state_view_shard(w->s, volume->id, number, &view) &&
		    view.stage && as_odds(w, 50))
			AS_CMD(w, SHARD_ABORT, .volume = volume->id,
			       .number = number, .term = volume->term,
			       .epoch = view.epoch);
}

static void as_resize(struct as_world *w, const struct state_volume *volume)
{
	u64 size = volume->size + ((u64)as_rnd(w, 9) << STATE_SHIFT_MIN);

	if (size > (u64)AS_SHARDS << STATE_SHIFT_MIN)
		return;
	AS_CMD(w, VOLUME_RESIZE, .volume = volume->id, .size = size);
	if (volume->grow && as_odds(w, 80))
		as_place(w, volume->id);
}

/* By hand, under a session that no agent knows. */
static void as_attach(struct as_world *w, const struct state_volume *volume)
{
	u32 why = AS_CMD(w, ATTACH, .volume = volume->id,
			 .node = 1 + as_rnd(w, AS_NODES),
			 .session = qbd_rng_next(&w->rng) | 1,
			 .flags = as_odds(w, 50) ? STATE_ATTACH_FORCE : 0);

	if (why == STATE_WHY_HELD)
		as_broken(w, "R18", "volume %u is kept from an attach",
			  volume->id);
}

/**
 * as_lead_act() - the administrator does something
 * @w: the schedule
 */
void as_lead_act(struct as_world *w)
{
	const struct state_volume *volume = as_some(w);
	u32 what = as_rnd(w, 100);

	if (!volume || what < 12) {
		as_create(w);
		return;
	}
	if (volume->term > AS_TERMS - 20)
		return;
	if (what < 40)
		as_want(w, volume,
			as_odds(w, 15) ? 0 : 1 + as_rnd(w, AS_NODES));
	else if (what < 65 && w->mend.on)
		as_repair_act(w);
	else if (what < 65)
		as_change(w, volume);
	else if (what < 69 && !w->mend.on)
		as_abort(w, volume);
	else if (what < 78)
		as_resize(w, volume);
	else if (what < 82)
		AS_CMD(w, FENCE, .volume = volume->id, .term = volume->term);
	else if (what < 88)
		as_attach(w, volume);
	else if (what < 92)
		AS_CMD(w, VOLUME_DELETE, .volume = volume->id);
	else if (what < 96)
		as_place(w, volume->id);
	else
		AS_CMD(w, CLUSTER_SET, .what = STATE_SET_LEASE_MS,
		       .value = 500 + as_rnd(w, 1000));
}

/*
 * What an old leader had made stands in the way of a new replica of that shard
 * on that node: at the end the administrator deletes by hand what was said.
 */
static void as_unknown_end(struct as_world *w)
{
	struct as_replica *replica;
	u32 i, j;

	for (i = 1; i <= AS_NODES; i++)
		for (j = 0; j < AS_REPLICAS; j++) {
			replica = &w->node[i].replica[j];
			if (replica->id && w->unknown[replica->id] &&
			    !as_member(w->s, replica->id, replica->volume,
				       replica->shard))
				replica->state = QBD_REPLICA_STATE_DELETED;
		}
}

/**
 * as_lead_finish() - whatever waits for somebody gets him
 * @w: the schedule
 */
void as_lead_finish(struct as_world *w)
{
	const struct state_volume *volume;
	u32 slot, id;

	as_unknown_end(w);
	as_repair_finish(w);
	for (slot = 0; (volume = state_volume_walk(w->s, &slot));) {
		id = volume->id;
		as_place(w, id);
		if (volume->state == STATE_VOLUME_DELETING)
			continue;
		/* who holds it by hand keeps it; else somebody shall */
		/* what is left alone is mended all the same */
		if (w->mend.on && volume->hold != STATE_HOLD_DEVICE &&
		    !volume->want)
			continue;
		if (volume->hold && as_odds(w, 50))
			as_want(w, volume, volume->holder);
		else if (!volume->want)
			as_want(w, volume, 1 + as_rnd(w, AS_NODES));
	}
}

/* --- who leads --------------------------------------------------------- */

static void as_heard_replica(struct as_world *w, u32 node,
			     const struct agent_report *report)
{
	u8 rest[14];
	struct state_out out = { .at = rest, .left = sizeof(rest) };
	struct state_rest line = { rest, sizeof(rest) };

	state_put(&out, report->volume, 4);
	state_put(&out, report->shard, 2);
	state_put(&out, report->replica, 8);
	if (report->say == AGENT_SAY_MADE)
		AS_CMD(w, REPLICA_CREATED, .node = node, .rest = line);
	else
		AS_CMD(w, REPLICA_DELETED, .node = node, .rest = line);
}

static void as_heard_store(struct as_world *w, u32 node,
			   const struct agent_report *report)
{
	u8 rest[20];
	struct state_out out = { .at = rest, .left = sizeof(rest) };

	if (!report->store)
		return;
	state_put(&out, report->store, 4);
	state_put(&out, report->opens, 8);
	state_put(&out, report->free, 8);
	AS_CMD(w, STORE_REPORT, .node = node, .rest = { rest, sizeof(rest) });
}

static void as_heard_term(struct as_world *w, u32 node,
			  const struct agent_report *report)
{
	const struct state_volume *volume =
		state_volume_by_id(w->s, report->volume);

	if (!volume || volume->term > AS_TERMS - 4)
		return;
	if (volume->hold == STATE_HOLD_DEVICE ? volume->holder == node :
						volume->want == node)
		AS_CMD(w, ATTACH, .volume = volume->id, .node = node,
		       .session = report->session, .term = report->term);
	else if (volume->hold == STATE_HOLD_REPAIR && volume->holder == node)
		AS_CMD(w, ATTACH, .volume = volume->id, .node = node,
		       .session = report->session, .term = report->term,
		       .flags = STATE_ATTACH_REPAIR);
}

static void as_heard_serves(struct as_world *w, u32 node,
			    const struct agent_report *report)
{
	struct state_cmd cmd = { .kind = STATE_CMD_SERVES,
				 .volume = report->volume,
				 .node = node,
				 .term = report->term,
				 .state = STATE_SERVE_DEVICE };

	snprintf(cmd.name, sizeof(cmd.name), "%.63s", report->text);
	as_cmd(w, cmd, &(struct state_result){ 0 });
}

static void as_heard_set(struct as_world *w, const struct agent_report *report)
{
	struct state_cmd cmd = { .kind = STATE_CMD_SHARD_JOINT,
				 .volume = report->volume,
				 .number = report->shard,
				 .term = report->term,
				 .epoch = report->epoch };
	struct state_shard_view view;
	struct state_result res = { 0 };

	if (state_view_shard(w->s, report->volume, report->shard, &view))
		return;
	if (report->say == AGENT_SAY_SET)
		cmd.kind = view.stage == STATE_STAGE_JOINT ?
				   STATE_CMD_SHARD_ADOPT :
				   STATE_CMD_SHARD_SETTLED;
	as_cmd(w, cmd, &res);
}

/**
 * as_lead_heard() - a report came to who leads
 * @w: the schedule
 * @node: from there
 * @report: it
 */
void as_lead_heard(struct as_world *w, u32 node,
		   const struct agent_report *report)
{
	w->said[report->say]++;
	if (as_repair_heard(w, node, report))
		return;
	switch ((enum agent_say)report->say) {
	case AGENT_SAY_STORE:
		as_heard_store(w, node, report);
		break;
	case AGENT_SAY_MADE:
	case AGENT_SAY_GONE:
		as_heard_replica(w, node, report);
		break;
	case AGENT_SAY_TERM:
		as_heard_term(w, node, report);
		break;
	case AGENT_SAY_RELEASED:
		AS_CMD(w, DETACH, .volume = report->volume, .node = node,
		       .term = report->term);
		break;
	case AGENT_SAY_GROWN:
		AS_CMD(w, VOLUME_GROWN, .volume = report->volume, .node = node,
		       .term = report->term, .size = report->size);
		break;
	case AGENT_SAY_FILLED:
	case AGENT_SAY_SET:
		as_heard_set(w, report);
		break;
	case AGENT_SAY_UNKNOWN:
		if (report->replica && report->replica < AS_REPLICA_IDS) {
			w->unknown[report->replica] = true;
			if (w->heal)
				as_unknown_end(w);
		}
		if (report->volume && !report->replica)
			push_extra(w->push[0], node, report->volume);
		break;
	case AGENT_SAY_ATTACHED:
		as_heard_serves(w, node, report);
		break;
	case AGENT_SAY_LOST:
	case AGENT_SAY_SILENT:
	case AGENT_SAY_FAILED:
	case AGENT_SAY_FOREIGN:
		break;
	}
}
