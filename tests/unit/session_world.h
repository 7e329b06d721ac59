/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A few nodes in one process and one loop, on loopback, for tests of sessions:
 * what the daemon would know (keys, tokens) and what it is told.
 */
#ifndef QBD_TESTS_SESSION_WORLD_H
#define QBD_TESTS_SESSION_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>
#include <sys/socket.h>

#include "harness.h"

#include "../../daemon/log.h"
#include "../../daemon/session/session.h"

#define WORLD_NODES 4 /* ids 1 to 3 */
#define WORLD_MS 1000000ULL
#define WORLD_TYPES 16

struct world;

/* What a node was told. */
struct world_node {
	struct world *world;
	uint32_t id;
	struct identity identity;
	struct session_net *net;
	union links_addr at;
	unsigned int ups[WORLD_NODES];
	unsigned int downs[WORLD_NODES];
	enum session_why why[WORLD_NODES];
	enum detect_state state[WORLD_NODES];
	unsigned int states[WORLD_NODES];
	unsigned int got[WORLD_TYPES];
	size_t bytes[WORLD_TYPES];
	uint32_t last; /* first 4 bytes of the last message */
	unsigned int order; /* messages so far */
	unsigned int order_of[WORLD_TYPES]; /* of the last one of a type */
	uint64_t joiner;
	uint64_t join_token;
	unsigned int joins;
	bool answers; /* a join, at once */
	void (*on_received)(struct world_node *node, uint32_t from,
			    uint16_t type);
};

/* What the cluster's state knows, and all nodes of it see at once. */
struct world {
	struct loop *loop;
	struct world_node node[WORLD_NODES];
	bool removed[WORLD_NODES];
	bool unknown_yet[WORLD_NODES];
	struct token token;
	bool token_used;
	bool token_expired;
	struct session_options options;
};

static inline enum session_who world_who(void *arg, const uint8_t *key,
					 uint32_t *node)
{
	struct world *world = ((struct world_node *)arg)->world;
	uint32_t i;

	for (i = 1; i < WORLD_NODES; i++) {
		if (!world->node[i].id ||
		    memcmp(world->node[i].identity.public, key, IDENTITY_KEY))
			continue;
		*node = i;
		if (world->removed[i])
			return SESSION_WHO_REFUSED;
		return world->unknown_yet[i] ? SESSION_WHO_NOT_YET :
					       SESSION_WHO_KNOWN;
	}
	return SESSION_WHO_REFUSED;
}

static inline int world_token(void *arg, uint64_t id, uint8_t *key)
{
	struct world *world = ((struct world_node *)arg)->world;

	if (id != world->token.id)
		return -ENOENT;
	if (world->token_expired)
		return -ETIMEDOUT;
	if (world->token_used)
		return -EALREADY;
	return token_key(&world->token, key);
}

static inline void world_up(void *arg, uint32_t node)
{
	struct world_node *mine = arg;

	mine->ups[node]++;
	ASSERT_EQ(mine->ups[node], mine->downs[node] + 1);
}

static inline void world_down(void *arg, uint32_t node, enum session_why why)
{
	struct world_node *mine = arg;

	mine->downs[node]++;
	mine->why[node] = why;
	ASSERT_EQ(mine->ups[node], mine->downs[node]);
}

static inline void world_state(void *arg, uint32_t node,
			       enum detect_state state)
{
	struct world_node *mine = arg;

	mine->states[node]++;
	mine->state[node] = state;
}

static inline void world_received(void *arg, uint32_t node,
				  enum session_class class, uint16_t type,
				  const void *data, size_t bytes)
{
	struct world_node *mine = arg;

	ASSERT_LT(type, WORLD_TYPES);
	ASSERT_TRUE(class == SESSION_URGENT || class == SESSION_NORMAL ||
		    class == SESSION_BULK);
	mine->got[type]++;
	mine->bytes[type] += bytes;
	mine->order_of[type] = ++mine->order;
	if (bytes >= 4)
		memcpy(&mine->last, data, 4);
	if (mine->on_received)
		mine->on_received(mine, node, type);
}

static inline void world_join(void *arg, uint64_t joiner, uint64_t token,
			      const void *data, size_t bytes)
{
	struct world_node *mine = arg;
	struct world *world = mine->world;
	char answer[64];
	int len;

	mine->joins++;
	mine->joiner = joiner;
	mine->join_token = token;
	if (!mine->answers)
		return;
	/* both came before the token was used: here one of them is late */
	len = snprintf(answer, sizeof(answer), "%s %.*s",
		       world->token_used ? "no" : "yes", (int)bytes,
		       (const char *)data);
	world->token_used = true;
	ASSERT_EQ(0,
		  session_join_answer(mine->net, joiner, answer, (size_t)len));
}

static const struct session_ops world_ops = {
	.tls = { .who = world_who, .token = world_token },
	.up = world_up,
	.down = world_down,
	.state = world_state,
	.received = world_received,
	.join = world_join,
};

/* As if nobody had been up or down yet. */
static inline void world_forget(struct world *world)
{
	uint32_t id;

	for (id = 1; id < WORLD_NODES; id++) {
		memset(world->node[id].ups, 0, sizeof(world->node[id].ups));
		memset(world->node[id].downs, 0, sizeof(world->node[id].downs));
	}
}

static inline union links_addr world_loopback(uint8_t last, uint16_t port)
{
	union links_addr addr = { 0 };

	addr.v4.sin_family = AF_INET;
	addr.v4.sin_addr.s_addr = htonl(0x7f000000U | last);
	addr.v4.sin_port = htons(port);
	return addr;
}

/* A node begins, or begins again: with its key, at its address. */
static inline void world_start(struct world *world, uint32_t id)
{
	struct world_node *node = &world->node[id];
	struct session_options options = world->options;
	struct session_ops ops = world_ops;

	node->world = world;
	node->id = id;
	options.identity = &node->identity;
	options.node = id;
	if (!options.nr_listens) {
		options.nr_listens = 1;
		options.listen[0] = node->at.any.sa_family ?
					    node->at :
					    world_loopback(1, 0);
	}
	ops.tls.arg = node;
	ASSERT_EQ(0,
		  session_net_create(&node->net, world->loop, &options, &ops));
	session_listens_at(node->net, 0, &node->at);
}

static inline void world_key(struct identity *identity)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/qbd-world-%d.key", (int)getpid());
	ASSERT_EQ(0, identity_create(identity, path));
	unlink(path);
}

static inline void world_stop(struct world *world, uint32_t id)
{
	session_net_destroy(world->node[id].net);
	world->node[id].net = NULL;
}

static inline void world_init(struct world *world, unsigned int nodes)
{
	uint32_t id;

	log_level(getenv("QBD_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_NONE);
	memset(world, 0, sizeof(*world));
	world->loop = loop_create();
	ASSERT_TRUE(world->loop);
	memcpy(world->options.cluster, "the one cluster", 16);
	world->options.lineage = 7;
	world->options.beat_ms = 100;
	world->options.dead_ms = 1500;
	world->options.shake_ms = 3000;
	world->options.hold_ms = 100;
	world->options.hold_max_ms = 1000;
	ASSERT_EQ(0, token_make(&world->token));
	for (id = 1; id <= nodes; id++) {
		world_key(&world->node[id].identity);
		world_start(world, id);
	}
}

static inline void world_free(struct world *world)
{
	uint32_t id;

	for (id = 1; id < WORLD_NODES; id++) {
		world_stop(world, id);
		identity_free(&world->node[id].identity);
	}
	loop_destroy(world->loop);
}

static inline void world_meet(struct world *world, uint32_t a, uint32_t b)
{
	struct world_node *one = &world->node[a];
	struct world_node *other = &world->node[b];

	ASSERT_EQ(0, session_peer_set(one->net, b, &other->at, 1));
	ASSERT_EQ(0, session_peer_set(other->net, a, &one->at, 1));
}

static inline bool world_is_up(struct world *world, uint32_t a, uint32_t b)
{
	struct session_status status;

	return world->node[a].net &&
	       !session_peer_status(world->node[a].net, b, &status) &&
	       status.up;
}

#endif /* QBD_TESTS_SESSION_WORLD_H */
