// SPDX-License-Identifier: GPL-2.0-only
/*
 * A schedule: two servers, their commands, and snapshots between them.
 */
#include <stdarg.h>

#include "state_sim.h"

#define SS_SNAPSHOT_BYTES (4 * 1024 * 1024)

static const struct state_limits ss_limits = {
	.nodes = 8,
	.node_slots = 10,
	.stores = 14,
	.store_slots = 18,
	.store_replicas = 14,
	.volumes = 6,
	.shards = 20,
	.wides = 2,
	.changes = 5,
	.tombs = 6,
	.tokens = 3,
	.jobs = 3,
	.clients = 4,
};

/**
 * ss_broken() - a rule is broken; the first one counts
 * @w: the schedule
 * @rule: which
 * @fmt: how
 */
void ss_broken(struct ss_world *w, const char *rule, const char *fmt, ...)
{
	va_list args;

	if (w->rule)
		return;
	w->rule = rule;
	va_start(args, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, args);
	va_end(args);
}

/**
 * ss_world_new() - memory for schedules
 *
 * Return: it; never NULL.
 */
struct ss_world *ss_world_new(void)
{
	struct ss_world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->bytes = state_bytes(&ss_limits);
	w->a = aligned_alloc(64, w->bytes);
	w->b = aligned_alloc(64, w->bytes);
	w->spare = aligned_alloc(64, w->bytes);
	w->chunks = malloc(SS_SNAPSHOT_BYTES);
	if (!w->a || !w->b || !w->spare || !w->chunks)
		abort();
	return w;
}

static void ss_empty(struct ss_world *w, struct state *s)
{
	memset(s, 0, w->bytes);
	if (state_create(s, w->bytes, &ss_limits))
		abort();
}

static u32 ss_encode(const struct state *s, u8 *to)
{
	struct state_snapshot snap;
	u32 used = 0;
	int bytes;

	state_snapshot_begin(&snap, s);
	while ((bytes = state_snapshot_next(&snap, to + used,
					    STATE_CHUNK_BYTES_MAX)) > 0) {
		used += bytes;
		if (used > SS_SNAPSHOT_BYTES - STATE_CHUNK_BYTES_MAX)
			abort();
	}
	return used;
}

/* One of the two becomes what a snapshot of the other one says. */
static void ss_restore(struct ss_world *w)
{
	struct state_restore restore;
	u32 bytes = ss_encode(w->a, w->chunks), at = 0;
	int len;

	ss_empty(w, w->spare);
	state_restore_begin(&restore, w->spare);
	while (at < bytes) {
		len = state_chunk_bytes(w->chunks + at);
		if (len < 0 ||
		    state_restore_chunk(&restore, w->chunks + at, len))
			break;
		at += len;
	}
	if (state_restore_end(&restore)) {
		ss_broken(w, "R2", "not restored: %s", restore.reason);
		return;
	}
	swap(w->b, w->spare);
	w->restores++;
}

static void ss_same_bytes(struct ss_world *w)
{
	u8 *other = w->chunks + SS_SNAPSHOT_BYTES / 2;
	u32 bytes = ss_encode(w->a, w->chunks);

	if (ss_encode(w->b, other) != bytes || memcmp(w->chunks, other, bytes))
		ss_broken(w, "R1", "snapshots differ");
}

/* Both apply it; what they say has to be the same. */
static void ss_apply(struct ss_world *w, const u8 *data, u32 bytes,
		     struct state_result *res)
{
	struct state_delta delta_a, delta_b;
	struct state_result other;
	const char *why;

	memset(&delta_a, 0, sizeof(delta_a));
	memset(&delta_b, 0, sizeof(delta_b));
	state_apply(w->a, data, bytes, res, &delta_a);
	state_apply(w->b, data, bytes, &other, &delta_b);
	if (res->why != other.why || memcmp(res->arg, other.arg, 24))
		ss_broken(w, "R1", "%s here, %s there", state_result_key(res),
			  state_result_key(&other));
	if (delta_a.nr != delta_b.nr || delta_a.all != delta_b.all)
		ss_broken(w, "R1", "deltas differ");
	w->refused[res->why]++;
	w->hash = qbd_rng_mix(w->hash ^ res->why ^ res->arg[0] << 16);
	why = state_check(w->a);
	if (why)
		ss_broken(w, "R2", "%s", why);
}

static void ss_remember(struct ss_world *w, const u8 *data, u32 bytes,
			const struct state_result *res)
{
	struct ss_past *past = &w->past[w->nr_past++ % SS_PAST];

	/* who leads does not log it: nobody remembers it */
	if (res->why == STATE_WHY_UNKNOWN || bytes > sizeof(past->data)) {
		w->nr_past--;
		return;
	}
	memcpy(past->data, data, bytes);
	past->bytes = bytes;
	past->res = *res;
}

/* A request that was sent comes again: a leader died, or the client did. */
static void ss_again(struct ss_world *w)
{
	struct state_result res;
	struct ss_past *past;

	if (!w->nr_past)
		return;
	past = &w->past[qbd_rng_below(&w->rng, min(w->nr_past, SS_PAST))];
	ss_apply(w, past->data, past->bytes, &res);
	if (w->trace)
		printf("again %s: %s\n", state_command_name(past->data[1]),
		       state_result_key(&res));
	if (res.why != STATE_WHY_FORGOTTEN &&
	    (res.why != past->res.why ||
	     memcmp(res.arg, past->res.arg, sizeof(res.arg))))
		ss_broken(w, "R4", "%s: now %s, then %s",
			  state_command_name(past->data[1]),
			  state_result_key(&res), state_result_key(&past->res));
	if (ss_digest(w->a) != w->digest)
		ss_broken(w, "R4", "%s was done twice",
			  state_command_name(past->data[1]));
}

/* Bytes that are nearly a command, or not at all. */
static void ss_hostile(struct ss_world *w, u8 *data, u32 bytes)
{
	struct state_result res;
	u32 i, nr = 1 + qbd_rng_below(&w->rng, 4);

	for (i = 0; i < nr && bytes; i++)
		data[qbd_rng_below(&w->rng, bytes)] = qbd_rng_next(&w->rng);
	if (qbd_rng_percent(&w->rng, 30))
		bytes = qbd_rng_below(&w->rng, bytes + 1);
	ss_apply(w, data, bytes, &res);
	w->digest = ss_digest(w->a);
}

static void ss_sent(struct ss_world *w, u32 client, const struct state_cmd *cmd,
		    const struct state_result *res)
{
	if (cmd->kind == STATE_CMD_CLIENT_OPEN && !res->why) {
		w->client[client] = res->arg[0];
		w->seq[client] = 0;
	} else if (cmd->client == w->client[client]) {
		w->seq[client] = max(w->seq[client], cmd->seq);
	}
	if (!res->why)
		w->done[cmd->kind]++;
}

/* Was this number used before, or can that not be known? */
static bool ss_repeats(const struct ss_world *w, u32 client,
		       const struct state_cmd *cmd)
{
	const struct state_client *known;
	u32 slot = state_find(w->a, STATE_BY_CLIENT, cmd->client);

	if (slot == STATE_NONE || !cmd->seq)
		return true;
	known = state_object(w->a, STATE_CLIENTS, slot);
	return known->seq[cmd->seq % STATE_WINDOW] == cmd->seq ||
	       cmd->seq + STATE_WINDOW <= known->last;
}

static void ss_one(struct ss_world *w)
{
	static u8 data[STATE_COMMAND_BYTES_MAX], rest[512];
	struct state_cmd cmd;
	struct state_result res;
	u32 client = ss_command(w, &cmd, rest);
	bool named = cmd.kind != STATE_CMD_CLIENT_OPEN &&
		     cmd.kind != STATE_CMD_CLUSTER_INIT &&
		     cmd.kind != STATE_CMD_CLUSTER_RESTORE;
	bool again = named && ss_repeats(w, client, &cmd);
	int bytes = state_command_encode(&cmd, data, sizeof(data));

	if (bytes < 0) {
		ss_broken(w, "R0", "a command does not encode: %d", bytes);
		return;
	}
	if (qbd_rng_percent(&w->rng, 4)) {
		ss_hostile(w, data, bytes);
		return;
	}
	ss_before(w, &cmd);
	ss_apply(w, data, bytes, &res);
	if (w->trace)
		printf("%s volume %u shard %u node %u term %llu: %s %llu %llu "
		       "%llu\n",
		       state_command_name(cmd.kind), cmd.volume, cmd.number,
		       cmd.node, cmd.term, state_result_key(&res), res.arg[0],
		       res.arg[1], res.arg[2]);
	if (again) {
		/* the result is that of the command before, of any kind */
		if (ss_digest(w->a) != w->digest)
			ss_broken(w, "R4", "%s was done for another",
				  state_command_name(cmd.kind));
		return;
	}
	ss_sent(w, client, &cmd, &res);
	if (named)
		ss_remember(w, data, bytes, &res);
	ss_after(w, &cmd, &res);
}

static u64 ss_setup_do(struct ss_world *w, struct state_cmd cmd)
{
	static u8 data[STATE_COMMAND_BYTES_MAX];
	struct state_result res;
	int bytes;

	cmd.client = w->client[0];
	if (cmd.client)
		cmd.seq = ++w->seq[0];
	cmd.now_ms = w->now_ms;
	bytes = state_command_encode(&cmd, data, sizeof(data));
	ss_apply(w, data, bytes, &res);
	if (res.why)
		ss_broken(w, "R0", "no cluster to begin with: %s",
			  state_result_key(&res));
	return res.arg[0];
}

/* Most schedules begin with a cluster of nodes with two stores each. */
static void ss_setup(struct ss_world *w)
{
	u32 nodes = 4 + qbd_rng_below(&w->rng, 4), i, j;
	u64 token = 0;

	ss_setup_do(w, (struct state_cmd){ .kind = STATE_CMD_CLUSTER_INIT,
					   .uuid = { 1 },
					   .name = "c",
					   .session = 1 });
	w->client[0] = ss_setup_do(
		w, (struct state_cmd){ .kind = STATE_CMD_CLIENT_OPEN });
	for (i = 0; i < nodes; i++) {
		struct state_cmd cmd = { .kind = STATE_CMD_NODE_ADD,
					 .id = token,
					 .key = { 100 + i, 1 } };

		snprintf(cmd.name, sizeof(cmd.name), "m%u", i);
		snprintf(cmd.zone, sizeof(cmd.zone), "z%u", i % 3);
		ss_setup_do(w, cmd);
		ss_setup_do(w,
			    (struct state_cmd){ .kind = STATE_CMD_NODE_STATE,
						.node = i + 1,
						.state = STATE_NODE_ACTIVE });
		ss_setup_do(w, (struct state_cmd){ .kind = STATE_CMD_NODE_RAFT,
						   .node = i + 1 });
		for (j = 0; j < 2; j++)
			ss_setup_do(w,
				    (struct state_cmd){
					    .kind = STATE_CMD_STORE_ADD,
					    .node = i + 1,
					    .size = 1ULL << 36,
					    .uuid = { 100 + 2 * i + j, 1 } });
		if (!i)
			token = ss_setup_do(
				w, (struct state_cmd){
					   .kind = STATE_CMD_TOKEN_CREATE,
					   .id = 1,
					   .key = { 1 },
					   .value = 20,
					   .total = 30000 });
	}
}

/**
 * ss_world_run() - a schedule
 * @w: what it is run in
 * @seed: which
 * @trace: print what happens
 */
void ss_world_run(struct ss_world *w, u64 seed, bool trace)
{
	u64 done[STATE_CMD_NR], refused[STATE_WHYS_NR], restores = w->restores;
	struct state *a = w->a, *b = w->b, *spare = w->spare;
	u8 *chunks = w->chunks;
	u64 bytes = w->bytes;
	u32 i;

	memcpy(done, w->done, sizeof(done));
	memcpy(refused, w->refused, sizeof(refused));
	memset(w, 0, sizeof(*w));
	memcpy(w->done, done, sizeof(done));
	memcpy(w->refused, refused, sizeof(refused));
	w->restores = restores;
	w->a = a;
	w->b = b;
	w->spare = spare;
	w->chunks = chunks;
	w->bytes = bytes;
	w->rng.state = seed;
	w->trace = trace;
	w->now_ms = 1;
	ss_empty(w, w->a);
	ss_empty(w, w->b);
	if (qbd_rng_percent(&w->rng, 80))
		ss_setup(w);
	w->digest = ss_digest(w->a);
	for (i = 0; i < SS_COMMANDS && !w->rule; i++) {
		if (qbd_rng_percent(&w->rng, 8))
			ss_again(w);
		else
			ss_one(w);
		if (!w->rule && qbd_rng_percent(&w->rng, 3))
			ss_restore(w);
		if (!w->rule && qbd_rng_percent(&w->rng, 5))
			ss_same_bytes(w);
		if (!w->rule && qbd_rng_percent(&w->rng, 5))
			ss_plans(w);
	}
	if (!w->rule)
		ss_same_bytes(w);
}
