/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nodes with links between them, in one loop: of each, the true links over a
 * false kernel (link_kernel.h), and a box in which their messages wait.
 */
#ifndef QBD_TESTS_LINK_WORLD_H
#define QBD_TESTS_LINK_WORLD_H

#include "link_kernel.h"

/* --- the daemons ---------------------------------------------------------- */

static inline int world_send(void *arg, uint32_t node, const void *data,
			     size_t bytes)
{
	struct world_node *mine = arg;
	struct link_world *world = mine->world;
	struct world_mail *mail = &world->mail[world->mails];

	if (mine->send_error)
		return mine->send_error;
	ASSERT_LT(world->mails, 64);
	ASSERT_LE(bytes, sizeof(mail->data));
	world->mails++;
	mail->from = mine->fake.id;
	mail->to = node;
	mail->bytes = bytes;
	memcpy(mail->data, data, bytes);
	loop_call_later(world->loop, &world->post);
	return 0;
}

static inline void world_post(struct loop_call *call)
{
	struct link_world *world =
		(struct link_world *)((char *)call -
				      offsetof(struct link_world, post));
	struct world_mail mail[64];
	unsigned int i, nr = world->mails;

	if (world->keeps)
		return;
	memcpy(mail, world->mail, sizeof(mail));
	world->mails = 0;
	for (i = 0; i < nr; i++)
		if (mail[i].to < WORLD_NODES && world->node[mail[i].to].net)
			link_received(world->node[mail[i].to].net, mail[i].from,
				      mail[i].data, mail[i].bytes);
}

/* A daemon begins, or begins anew: its kernel is what it was. */
static inline void world_begin(struct link_world *world, u32 id,
			       const char *listen)
{
	struct world_node *node = &world->node[id];
	const struct kport_options port = {
		.sys = { fake_open, fake_join, &node->fake },
	};
	const struct link_ops ops = { world_send, node };
	struct link_options options = world->options;

	if (!node->fake.loop) {
		fake_init(&node->fake, world->loop, id);
		node->fake.answer = world_answer;
		node->fake.arg = node;
	}
	options.node = id;
	options.nr_listens = 1;
	ASSERT_TRUE(links_addr_parse(listen, &options.listen[0]));
	options.listen[0].v4.sin_port = 0; /* any; IPv6 has it there, too */
	ASSERT_EQ(0, kport_create(&node->port, world->loop, &port));
	ASSERT_EQ(0, link_net_create(&node->net, world->loop, node->port,
				     &options, &ops));
	link_listens_at(node->net, 0, &node->at);
}

static inline void world_end(struct link_world *world, u32 id)
{
	link_net_destroy(world->node[id].net);
	kport_destroy(world->node[id].port);
	world->node[id].net = NULL;
	world->node[id].port = NULL;
}

static inline void world_init(struct link_world *world)
{
	u32 a, b, i;

	world->loop = loop_create();
	ASSERT_TRUE(world->loop);
	world->post.name = "post";
	world->post.run = world_post;
	world->options = (struct link_options){ .lineage = 5,
						.attempt_ms = 30000,
						.half_ms = 30000,
						.ticket_ms = 30000,
						.given_ms = 10,
						.stock_ms = 3600000 };
	memcpy(world->options.cluster, "clusterclusterc", 16);
	for (a = 0; a < WORLD_NODES; a++) {
		world->node[a].world = world;
		for (b = 0; b < WORLD_NODES; b++)
			for (i = 0; i < WORLD_LINKS; i++)
				world->node[a].peer[b].link[i].fd = -1;
	}
}

static inline void world_free(struct link_world *world)
{
	u32 a, b, i;

	for (a = 1; a < WORLD_NODES; a++) {
		world_end(world, a);
		if (world->node[a].fake.loop)
			fake_end(&world->node[a].fake);
		for (b = 0; b < WORLD_NODES; b++)
			for (i = 0; i < WORLD_LINKS; i++)
				world_link_close(
					&world->node[a].peer[b].link[i], 0);
	}
	loop_call_stop(world->loop, &world->post);
	loop_destroy(world->loop);
}

/* The kernel of @a knows @b, and so does its daemon. */
static inline void world_knows(struct link_world *world, u32 a, u32 b,
			       u32 links)
{
	struct world_node *node = &world->node[a];

	node->peer[b].known = true;
	node->peer[b].links = links;
	ASSERT_EQ(0, link_peer_set(node->net, b, &world->node[b].at, 1));
}

static inline bool world_is(struct link_world *world, u32 a, u32 b, u32 link,
			    enum link_state state)
{
	struct link_status status;

	return !link_status(world->node[a].net, b, link, &status) &&
	       status.state == state;
}

#define WORLD_WAIT(world, condition) \
	ASSERT_TRUE(                 \
		LOOP_WAIT((world)->loop, world_kernels(world) && (condition)))

/*
 * A daemon looks at all links of its kernel, and has taken in what it saw.  The
 * first dump may have been under way, the second one is ours, and a third is
 * asked for when the second was taken in.
 */
static inline void world_looks(struct world_node *node)
{
	unsigned int dumps, i;

	for (i = 0; i < 3; i++) {
		dumps = node->dumps;
		link_look(node->net);
		WORLD_WAIT(node->world, node->dumps > dumps);
	}
}

#endif /* QBD_TESTS_LINK_WORLD_H */
