// SPDX-License-Identifier: GPL-2.0-only
/*
 * A full cell: 1000 nodes with 15 stores each, 100000 volumes, 2.5 million
 * shards with three copies. What does it take, and how long is a snapshot?
 */
#include <sys/mman.h>
#include <time.h>

#include "state/place.h"
#include "state_sim.h"

#define CELL_NODES 1000
#define CELL_STORES 15
#define CELL_VOLUMES 100000
#define CELL_SHARDS 25
#define CELL_SECONDS 2.0 /* for a snapshot, and for the way back */

#ifdef __SANITIZE_ADDRESS__
#define CELL_TIMED false
#else
#define CELL_TIMED true
#endif

struct cell {
	struct state *s;
	u64 bytes;
	u64 client;
	u64 seq;
	u32 failed;
	u8 data[STATE_COMMAND_BYTES_MAX];
	u8 rest[STATE_COMMAND_BYTES_MAX];
};

/* Of this process: whatever else runs here is not measured. */
static double cell_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *cell_map(u64 bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

static u64 cell_do(struct cell *c, struct state_cmd cmd)
{
	struct state_delta delta;
	struct state_result res;
	char text[160];
	int bytes;

	cmd.client = c->client;
	cmd.seq = ++c->seq;
	bytes = state_command_encode(&cmd, c->data, sizeof(c->data));
	if (bytes < 0)
		abort();
	state_apply(c->s, c->data, bytes, &res, &delta);
	if (!res.why)
		return res.arg[0];
	state_result_text(c->s, &res, text, sizeof(text));
	printf("# %s: %s\n", state_command_name(cmd.kind), text);
	c->failed++;
	return 0;
}

static void cell_nodes(struct cell *c)
{
	struct state_cmd cmd;
	u64 token = 0;
	u32 i, j;

	cell_do(c, (struct state_cmd){ .kind = STATE_CMD_CLUSTER_INIT,
				       .uuid = { 1 },
				       .name = "cell",
				       .session = 1 });
	c->client =
		cell_do(c, (struct state_cmd){ .kind = STATE_CMD_CLIENT_OPEN });
	for (i = 0; i < CELL_NODES; i++) {
		cmd = (struct state_cmd){ .kind = STATE_CMD_NODE_ADD,
					  .id = token };
		snprintf(cmd.name, sizeof(cmd.name), "node%u", i);
		snprintf(cmd.zone, sizeof(cmd.zone), "zone%u", i % 4);
		snprintf(cmd.rack, sizeof(cmd.rack), "rack%u", i % 40);
		memcpy(cmd.key, &i, sizeof(i));
		cmd.key[31] = 1;
		cell_do(c, cmd);
		cell_do(c, (struct state_cmd){ .kind = STATE_CMD_NODE_STATE,
					       .node = i + 1,
					       .state = STATE_NODE_ACTIVE });
		for (j = 0; j < CELL_STORES; j++) {
			cmd = (struct state_cmd){ .kind = STATE_CMD_STORE_ADD,
						  .node = i + 1,
						  .size = 4ULL << 40 };
			memcpy(cmd.uuid, &i, sizeof(i));
			memcpy(cmd.uuid + 4, &j, sizeof(j));
			cmd.uuid[15] = 1;
			cell_do(c, cmd);
		}
		if (!i)
			token = cell_do(c,
					(struct state_cmd){
						.kind = STATE_CMD_TOKEN_CREATE,
						.id = 1,
						.key = { 1 },
						.total = 1000,
						.value = CELL_NODES });
	}
}

/* Shard k of volume v is on nodes 3 apart, and goes round all stores. */
static void cell_volume(struct cell *c, u32 volume)
{
	struct state_out out = { .at = c->rest, .left = sizeof(c->rest) };
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .size = (u64)CELL_SHARDS << 32,
				 .shift = 32,
				 .copies = 3 };
	u32 shard = volume * CELL_SHARDS, i, j;

	snprintf(cmd.name, sizeof(cmd.name), "volume%u", volume);
	cell_do(c, cmd);
	for (i = 0; i < CELL_SHARDS; i++, shard++)
		for (j = 0; j < 3; j++) {
			u32 node = (shard + j * 333) % CELL_NODES;
			u32 store = shard / CELL_NODES % CELL_STORES;

			state_put(&out, node * CELL_STORES + store + 1, 4);
		}
	cell_do(c, (struct state_cmd){
			   .kind = STATE_CMD_VOLUME_SHARDS,
			   .volume = volume + 1,
			   .rest = { c->rest, sizeof(c->rest) - out.left } });
}

/* Each node says that it made what it has to. */
static void cell_made(struct cell *c)
{
	struct state_replica_view view;
	struct state_replicas walk;
	struct state_out out;
	u32 node, bytes;
	bool more;

	for (node = 1; node <= CELL_NODES; node++) {
		state_replicas_begin(&walk, c->s, node);
		do {
			out = (struct state_out){ .at = c->rest,
						  .left = 60000 };
			while (out.left > 64 &&
			       (more = state_replicas_next(&walk, &view))) {
				state_put(&out, view.shard.volume, 4);
				state_put(&out, view.shard.number, 2);
				state_put(&out, view.replica, 8);
			}
			bytes = 60000 - out.left;
			cell_do(c, (struct state_cmd){
					   .kind = STATE_CMD_REPLICA_CREATED,
					   .node = node,
					   .rest = { c->rest, bytes } });
		} while (more);
	}
}

static void cell_verdict(struct cell *c, bool good, const char *what, double is,
			 const char *unit, double most)
{
	printf("# %-38s %10.3f %s (at most %.3f)\n", what, is, unit, most);
	if (!good) {
		printf("# that is too much\n");
		c->failed++;
	}
}

static void cell_below(struct cell *c, const char *what, double is,
		       const char *unit, double most)
{
	cell_verdict(c, is <= most, what, is, unit, most);
}

static void cell_timed(struct cell *c, const char *what, double since,
		       double most)
{
	double took = cell_now() - since;

	cell_verdict(c, !CELL_TIMED || took <= most, what, took, "s", most);
}

static u64 cell_encode(const struct state *s, u8 *to)
{
	struct state_snapshot snap;
	u64 used = 0;
	int bytes;

	state_snapshot_begin(&snap, s);
	while ((bytes = state_snapshot_next(&snap, to + used,
					    STATE_CHUNK_BYTES_MAX)) > 0)
		used += bytes;
	return bytes < 0 ? 0 : used;
}

static void cell_snapshot(struct cell *c)
{
	u64 room = 512ULL << 20, bytes, at = 0, again;
	u8 *snap = cell_map(room), *twice;
	struct state_restore restore;
	struct state *back, *clone;
	double since, ended;

	cell_encode(c->s, snap);
	since = cell_now(); /* the pages are there by now */
	bytes = cell_encode(c->s, snap);
	cell_timed(c, "snapshot", since, CELL_SECONDS);
	printf("# %-38s %10.1f MiB\n", "its bytes", (double)bytes / (1 << 20));
	back = cell_map(c->bytes);
	since = cell_now();
	if (state_create(back, c->bytes, &c->s->limits))
		abort();
	state_restore_begin(&restore, back);
	while (at < bytes && !state_restore_chunk(&restore, snap + at,
						  state_chunk_bytes(snap + at)))
		at += state_chunk_bytes(snap + at);
	ended = cell_now();
	if (state_restore_end(&restore)) {
		printf("# not restored: %s\n", restore.reason);
		c->failed++;
	}
	printf("# %-38s %10.3f s\n", "restore, but for its last check",
	       ended - since);
	cell_timed(c, "restore, with all checks", since, CELL_SECONDS);
	twice = cell_map(room);
	again = cell_encode(back, twice);
	if (again != bytes || memcmp(snap, twice, bytes)) {
		printf("# a restored state makes other bytes\n");
		c->failed++;
	}
	munmap(back, c->bytes);
	munmap(twice, room);
	clone = cell_map(c->bytes);
	since = cell_now();
	if (state_clone(clone, c->bytes, c->s))
		abort();
	cell_timed(c, "clone, which apply waits for", since, CELL_SECONDS);
	if (cell_encode(clone, snap) != bytes)
		c->failed++;
	munmap(clone, c->bytes);
	munmap(snap, room);
}

/* What objects of a table take, with what finds them. */
static double cell_each(const struct cell *c, enum state_table table)
{
	const struct state_pool *pool = &c->s->pool[table];
	u64 bytes = (u64)pool->nr * pool->size + pool->nr / 8;
	u32 by;

	for (by = 0; by < STATE_BYS; by++)
		if (state_index_table(by) == table)
			bytes += 4ULL * (c->s->index[by].mask + 1);
	return (double)bytes / pool->nr;
}

static void cell_place(struct cell *c)
{
	struct place_want want = { .copies = 3,
				   .level = PLACE_HOST,
				   .volume = CELL_VOLUMES };
	static u32 store[65000], planned[65000], out[3 * 5000];
	struct place_work work = { .store = store, .planned = planned };
	struct place_why why;
	double since = cell_now();

	if (place_begin(c->s, &want, &work) ||
	    place_shards(c->s, &want, &work, 0, 5000, out, &why))
		c->failed++;
	cell_timed(c, "place 5000 shards, one entry", since, 5);
}

/**
 * ss_cell() - measure a full cell
 *
 * Return: 0; 1: it takes too much.
 */
int ss_cell(void)
{
	struct state_limits limits = STATE_LIMITS_CELL;
	struct cell *c = calloc(1, sizeof(*c));
	double since = cell_now();
	const char *why;
	u64 bits[64];
	u32 i;

	if (!c)
		abort();
	c->bytes = state_bytes(&limits);
	c->s = cell_map(c->bytes);
	if (state_create(c->s, c->bytes, &limits))
		abort();
	cell_nodes(c);
	for (i = 0; i < CELL_VOLUMES; i++)
		cell_volume(c, i);
	cell_made(c);
	printf("# made in %.1f s, %llu commands\n", cell_now() - since, c->seq);
	cell_below(c, "a shard with three copies",
		   cell_each(c, STATE_SHARDS) + 3 * 4, "bytes", 64);
	cell_below(c, "a volume", cell_each(c, STATE_VOLUMES), "bytes", 1024);
	cell_below(c, "all of it", (double)state_bytes_used(c->s) / (1 << 20),
		   "MiB", 300);
	since = cell_now();
	for (i = 1; i <= 10; i++)
		state_view_peers(c->s, i, bits, 64);
	cell_timed(c, "ten nodes' peers", since, 1);
	cell_place(c);
	since = cell_now();
	why = state_check(c->s);
	cell_timed(c, "check", since, CELL_SECONDS);
	if (why) {
		printf("# %s\n", why);
		c->failed++;
	}
	cell_snapshot(c);
	return !!c->failed;
}
