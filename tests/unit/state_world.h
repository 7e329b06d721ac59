/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small cluster for tests of the state: commands go in as bytes, and after
 * each of them the state keeps its rules.
 */
#ifndef QBD_TESTS_STATE_WORLD_H
#define QBD_TESTS_STATE_WORLD_H

#include <sys/mman.h>

#include "harness.h"
#include "state/inner.h"
#include "state/view.h"

#define SW_LIMITS                                     \
	((struct state_limits){ .nodes = 8,           \
				.node_slots = 10,     \
				.stores = 16,         \
				.store_slots = 20,    \
				.store_replicas = 12, \
				.volumes = 6,         \
				.shards = 40,         \
				.wides = 4,           \
				.changes = 6,         \
				.tombs = 8,           \
				.tokens = 3,          \
				.jobs = 3,            \
				.clients = 3 })

#define SW_SHIFT 26
#define SW_SHARD BIT_ULL(SW_SHIFT)

struct sw {
	struct state *s;
	u64 bytes;
	u64 client;
	u64 seq;
	u64 now_ms;
	struct state_result res;
	struct state_delta delta;
};

static inline void *sw_map(u64 bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

static inline struct state *sw_state(const struct state_limits *limits)
{
	u64 bytes = state_bytes(limits);
	struct state *s = sw_map(bytes);

	ASSERT_EQ(0, state_create(s, bytes, limits));
	return s;
}

static inline void sw_keeps_rules(struct sw *w)
{
	const char *why = state_check(w->s);

	if (why)
		printf("# %s\n", why);
	ASSERT_TRUE(!why);
}

/* The command as it is: client, sequence and clock too. */
static inline u32 sw_raw(struct sw *w, const struct state_cmd *cmd)
{
	u8 *buf = malloc(STATE_COMMAND_BYTES_MAX);
	int bytes = state_command_encode(cmd, buf, STATE_COMMAND_BYTES_MAX);
	u8 *exact;

	ASSERT_GT(bytes, 0);
	/* exactly so many bytes exist: reading on is seen by ASan */
	exact = malloc(bytes);
	memcpy(exact, buf, bytes);
	state_apply(w->s, exact, bytes, &w->res, &w->delta);
	free(exact);
	free(buf);
	sw_keeps_rules(w);
	return w->res.why;
}

static inline u32 sw_do(struct sw *w, struct state_cmd cmd)
{
	cmd.client = w->client;
	cmd.seq = ++w->seq;
	cmd.now_ms = w->now_ms;
	return sw_raw(w, &cmd);
}

#define SW_DO(w, name, ...) \
	sw_do(w, (struct state_cmd){ .kind = STATE_CMD_##name, __VA_ARGS__ })
#define SW_OK(w, name, ...) \
	ASSERT_EQ(STATE_WHY_NONE, SW_DO(w, name, __VA_ARGS__))

static inline struct state_cmd sw_init_cmd(void)
{
	return (struct state_cmd){ .kind = STATE_CMD_CLUSTER_INIT,
				   .uuid = { 0xc1 },
				   .name = "cell",
				   .session = 77,
				   .now_ms = 1000 };
}

/* Node @i of the tests, host h@i, rack r@(i/2), zone z@(i/4). */
static inline struct state_cmd sw_node_cmd(u32 i, u64 token)
{
	struct state_cmd cmd = { .kind = STATE_CMD_NODE_ADD,
				 .id = token,
				 .nr_addrs = 1 };

	snprintf(cmd.name, sizeof(cmd.name), "n%u", i);
	snprintf(cmd.host, sizeof(cmd.host), "h%u", i);
	snprintf(cmd.rack, sizeof(cmd.rack), "r%u", i / 2);
	snprintf(cmd.zone, sizeof(cmd.zone), "z%u", i / 4);
	memcpy(cmd.key, &i, sizeof(i));
	cmd.key[31] = 0x80;
	cmd.addr[0] = (struct state_addr){ .family = 4,
					   .port = 7789,
					   .ip = { 10, 0, 0, 1 + i } };
	return cmd;
}

static inline void sw_client(struct sw *w)
{
	struct state_cmd cmd = { .kind = STATE_CMD_CLIENT_OPEN,
				 .now_ms = w->now_ms };

	ASSERT_EQ(0, sw_raw(w, &cmd));
	w->client = w->res.arg[0];
	w->seq = 0;
}

/* @nodes nodes, ids from 1, each with one store, ids from 1, 64 GiB. */
static inline void sw_begin(struct sw *w, const struct state_limits *limits,
			    u32 nodes)
{
	struct state_cmd cmd = sw_init_cmd();
	u64 token = 0;
	u32 i;

	memset(w, 0, sizeof(*w));
	w->s = sw_state(limits);
	w->now_ms = 1000;
	ASSERT_EQ(0, sw_raw(w, &cmd));
	sw_client(w);
	for (i = 0; i < nodes; i++) {
		struct state_cmd store = { .kind = STATE_CMD_STORE_ADD,
					   .node = i + 1,
					   .size = 64ULL << 30,
					   .uuid = { i + 1, 0x5 } };

		ASSERT_EQ(0, sw_do(w, sw_node_cmd(i, token)));
		SW_OK(w, NODE_STATE, .node = i + 1, .state = STATE_NODE_ACTIVE);
		ASSERT_EQ(0, sw_do(w, store));
		if (i)
			continue;
		SW_OK(w, TOKEN_CREATE, .id = 1, .key = { 1 }, .total = 1000000,
		      .value = 1000);
		token = w->res.arg[0];
	}
}

/* Lines of a report: volume, shard, replica. */
struct sw_lines {
	u8 data[STATE_COMMAND_BYTES_MAX];
	struct state_out out;
};

static inline void sw_lines_begin(struct sw_lines *lines)
{
	lines->out = (struct state_out){ .at = lines->data,
					 .left = sizeof(lines->data) };
}

static inline struct state_rest sw_lines_rest(const struct sw_lines *lines)
{
	return (struct state_rest){ lines->data,
				    sizeof(lines->data) - lines->out.left };
}

/* Each node does and says what it has to about its replicas. */
static inline void sw_obey(struct sw *w)
{
	static struct sw_lines made, gone;
	struct state_replica_view view;
	struct state_replicas walk;
	const struct state_node *node;
	u32 slot = 0;

	while ((node = state_node_walk(w->s, &slot))) {
		if (node->state == STATE_NODE_REMOVED)
			continue;
		sw_lines_begin(&made);
		sw_lines_begin(&gone);
		ASSERT_EQ(0, state_replicas_begin(&walk, w->s, node->id));
		while (state_replicas_next(&walk, &view)) {
			struct sw_lines *to =
				view.todo == STATE_TODO_CREATE ? &made : &gone;

			if (view.todo == STATE_TODO_KEEP)
				continue;
			state_put(&to->out, view.shard.volume, 4);
			state_put(&to->out, view.shard.number, 2);
			state_put(&to->out, view.replica, 8);
		}
		SW_OK(w, REPLICA_CREATED, .node = node->id,
		      .rest = sw_lines_rest(&made));
		SW_OK(w, REPLICA_DELETED, .node = node->id,
		      .rest = sw_lines_rest(&gone));
	}
}

/* Shards from @first on: copy i of shard k is on store 1 + (k + i) % stores. */
static inline u32 sw_place(struct sw *w, u32 volume, u32 first, u32 nr,
			   u32 copies, u32 stores)
{
	static struct sw_lines lines;
	u32 i, j;

	sw_lines_begin(&lines);
	for (i = first; i < first + nr; i++)
		for (j = 0; j < copies; j++)
			state_put(&lines.out, 1 + (i + j) % stores, 4);
	return SW_DO(w, VOLUME_SHARDS, .volume = volume, .number = first,
		     .rest = sw_lines_rest(&lines));
}

/* A volume that is ready; its id. */
static inline u32 sw_volume(struct sw *w, const char *name, u32 shards,
			    u32 copies, u32 stores)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .size = shards * SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = copies };
	u32 id;

	snprintf(cmd.name, sizeof(cmd.name), "%s", name);
	ASSERT_EQ(0, sw_do(w, cmd));
	id = w->res.arg[0];
	ASSERT_EQ(0, sw_place(w, id, 0, shards, copies, stores));
	sw_obey(w);
	ASSERT_EQ(STATE_VOLUME_READY, state_volume_by_id(w->s, id)->state);
	return id;
}

static inline void sw_text_is(struct sw *w, const char *want)
{
	char text[256];

	state_result_text(w->s, &w->res, text, sizeof(text));
	EXPECT_STREQ(want, text);
}

#endif /* QBD_TESTS_STATE_WORLD_H */
