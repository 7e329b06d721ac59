/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node with a good key that says what the test wants: HELLOs that lie, frames
 * that break the rules.
 */
#ifndef QBD_TESTS_SESSION_ROGUE_H
#define QBD_TESTS_SESSION_ROGUE_H

#include "session_wait.h"

#include "../../daemon/session/conn.h"

struct rogue {
	struct conn_hub hub;
	struct world_node *as; /* whose key it has */
	struct conn *conn;
	struct session_hello hello; /* sent when it is shaken, if it has a nonce
				     */
	bool shaken;
	bool ended;
	enum session_why why;
	enum session_why refused; /* what the other side said */
	bool hello_came;
	unsigned int beats;
};

static inline void rogue_shaken(struct conn *conn)
{
	struct rogue *rogue = conn->owner;
	uint8_t bytes[SESSION_HELLO_BYTES];

	rogue->shaken = true;
	if (!rogue->hello.nonce)
		return;
	session_hello_put(bytes, &rogue->hello);
	ASSERT_EQ(0, conn_send(conn, SESSION_CONTROL, SESSION_HELLO, bytes,
			       sizeof(bytes)));
}

static inline void rogue_message(struct conn *conn, const struct inbox_msg *msg)
{
	struct rogue *rogue = conn->owner;

	if (msg->class != SESSION_CONTROL)
		return;
	rogue->hello_came |= msg->type == SESSION_HELLO;
	rogue->beats += msg->type == SESSION_BEAT;
	if (msg->type == SESSION_REFUSE)
		rogue->refused = msg->data[0];
}

static inline void rogue_ended(struct conn *conn, enum session_why why)
{
	struct rogue *rogue = conn->owner;

	rogue->ended = true;
	rogue->why = why;
	rogue->conn = NULL;
}

static const struct conn_ops rogue_ops = {
	.shaken = rogue_shaken,
	.message = rogue_message,
	.ended = rogue_ended,
};

/* With the key of @as, and all that is right in its HELLO to @to. */
static inline void rogue_init(struct rogue *rogue, struct world *world,
			      uint32_t as, uint32_t to)
{
	struct tls_ops ops = world_ops.tls;

	memset(rogue, 0, sizeof(*rogue));
	rogue->as = &world->node[as];
	ops.arg = rogue->as;
	ASSERT_EQ(0, conn_hub_init(&rogue->hub, world->loop,
				   &rogue->as->identity, &ops));
	rogue->hello.version = SESSION_VERSION;
	rogue->hello.least = SESSION_VERSION;
	rogue->hello.from = as;
	rogue->hello.to = to;
	rogue->hello.lineage = world->options.lineage;
	memcpy(rogue->hello.cluster, world->options.cluster, 16);
	rogue->hello.nonce = 0x1234;
	rogue->hello.number = 1;
}

static inline void rogue_dial(struct rogue *rogue, struct world *world,
			      uint32_t to)
{
	rogue->shaken = false;
	rogue->ended = false;
	rogue->hello_came = false;
	rogue->refused = SESSION_WHY_NONE;
	rogue->conn = conn_dial(&rogue->hub, &rogue_ops, rogue,
				&world->node[to].at, NULL,
				loop_now(world->loop) + 5000 * WORLD_MS);
	ASSERT_TRUE(rogue->conn);
}

static inline void rogue_free(struct rogue *rogue)
{
	conn_hub_free(&rogue->hub);
}

#endif /* QBD_TESTS_SESSION_ROGUE_H */
