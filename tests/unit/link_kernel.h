/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels with links: false ones, which take connections and say a HELLO of
 * their own on them. A link is up when both have read exactly what the other
 * one said: a byte too many or too few, or another's, is seen.
 */
#ifndef QBD_TESTS_LINK_KERNEL_H
#define QBD_TESTS_LINK_KERNEL_H

#include <arpa/inet.h>

#include "kport_fake.h"

#include "../../daemon/link/link.h"

#define WORLD_NODES 4 /* ids 1 to 3 */
#define WORLD_LINKS 8
#define WORLD_HELLO 32

struct link_world;

struct world_link {
	int fd;
	u32 state;
	u64 ups;
	int error;
	bool accept;
	unsigned int have;
	char heard[WORLD_HELLO];
};

/* What a kernel has of a peer. */
struct world_peer {
	bool known;
	bool removed;
	u32 links;
	struct world_link link[WORLD_LINKS];
};

/* A message on its way. */
struct world_mail {
	u32 from;
	u32 to;
	size_t bytes;
	u8 data[LINK_MSG_MAX];
};

struct world_node {
	struct link_world *world;
	struct fake fake;
	struct kport *port;
	struct link_net *net;
	union links_addr at;
	struct world_peer peer[WORLD_NODES];
	unsigned int adds;
	int add_error;
	bool mute; /* link-add has no answer */
	bool holds; /* nor have dumps of links */
	unsigned int held;
	unsigned int dumps; /* of links, that were answered */
	int send_error;
};

struct link_world {
	struct loop *loop;
	struct link_options options;
	struct world_node node[WORLD_NODES];
	struct loop_call post;
	bool keeps; /* messages stay in the box */
	unsigned int mails;
	struct world_mail mail[64];
};

/* --- the kernel ----------------------------------------------------------- */

static inline void world_hello(char to[WORLD_HELLO], u32 from, u32 node,
			       u32 link)
{
	snprintf(to, WORLD_HELLO, "%04u>%04u/%04u", from, node, link);
}

static inline void world_link_close(struct world_link *link, int error)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->have = 0;
	link->state = QBD_LINK_STATE_DOWN;
	link->error = error;
}

static inline bool world_link_add(struct fake *fake)
{
	struct world_node *node = fake->arg;
	u32 id = knl_u32(fake->attr, QBD_A_LINK_PEER);
	u32 number = knl_u32(fake->attr, QBD_A_LINK_LINK);
	int fd = (int)knl_u32(fake->attr, QBD_A_LINK_FD);
	struct world_link *link;
	char hello[WORLD_HELLO] = "";

	node->adds++;
	if (node->mute)
		return true;
	if (node->add_error || id >= WORLD_NODES || !node->peer[id].known ||
	    number >= node->peer[id].links) {
		fake_refuse(fake, node->add_error ? node->add_error : -ENOENT,
			    "not wanted");
		return true;
	}
	link = &node->peer[id].link[number];
	world_link_close(link, 0);
	link->fd = dup(fd);
	ASSERT_GE(link->fd, 0);
	link->state = QBD_LINK_STATE_CONNECTING;
	link->accept = fake->attr[QBD_A_LINK_ACCEPT];
	world_hello(hello, fake->id, id, number);
	(void)send(link->fd, hello, sizeof(hello), MSG_NOSIGNAL);
	fake_ack(fake);
	return true;
}

static inline void world_peers(struct fake *fake)
{
	struct world_node *node = fake->arg;
	struct nl_msg *msg;
	u32 id;

	for (id = 1; id < WORLD_NODES; id++) {
		const struct world_peer *peer = &node->peer[id];

		if (!peer->known && !peer->removed)
			continue;
		msg = fake_object(fake, NLM_F_MULTI);
		ASSERT_EQ(0, nla_put_u32(msg, QBD_A_PEER_ID, id));
		ASSERT_EQ(0, nla_put_u32(msg, QBD_A_PEER_LINKS, peer->links));
		ASSERT_EQ(0,
			  nla_put_u32(msg, QBD_A_PEER_STATE,
				      peer->removed ? QBD_PEER_STATE_REMOVED :
						      0));
		fake_msg_put(fake->source.fd, msg);
	}
	fake_done(fake, fake_req(fake)->nlmsg_seq, 0);
}

static inline void world_links(struct fake *fake)
{
	struct world_node *node = fake->arg;
	u32 want = knl_u32(fake->attr, QBD_A_LINK_PEER);
	u32 id, i;

	node->held += node->holds;
	for (id = 1; id < WORLD_NODES && !node->holds; id++) {
		for (i = 0; i < node->peer[id].links; i++) {
			const struct world_link *link = &node->peer[id].link[i];
			struct nl_msg *msg;

			if (!node->peer[id].known || (want && want != id))
				continue;
			msg = fake_object(fake, NLM_F_MULTI);
			nla_put_u32(msg, QBD_A_LINK_PEER, id);
			nla_put_u32(msg, QBD_A_LINK_LINK, i);
			nla_put_u32(msg, QBD_A_LINK_STATE, link->state);
			nla_put_u64(msg, QBD_A_LINK_UPS, link->ups);
			nla_put_u32(msg, QBD_A_LINK_ERROR, (u32)link->error);
			nla_put_string(msg, QBD_A_LINK_REASON, "so it is");
			fake_msg_put(fake->source.fd, msg);
		}
	}
	if (node->holds)
		return;
	node->dumps++;
	fake_done(fake, fake_req(fake)->nlmsg_seq, 0);
}

static inline bool world_answer(struct fake *fake)
{
	switch (fake->cmd) {
	case QBD_CMD_PEER_GET:
		world_peers(fake);
		return true;
	case QBD_CMD_LINK_GET:
		world_links(fake);
		return true;
	case QBD_CMD_LINK_ADD:
		return world_link_add(fake);
	default:
		return false;
	}
}

static inline void world_event(struct world_node *node, u32 peer)
{
	struct nl_msg *msg = fake_event(&node->fake, ++node->fake.seq,
					QBD_EVENT_KIND_LINK_STATE, 0);

	ASSERT_EQ(0, nla_put_u32(msg, QBD_A_EVENT_PEER, peer));
	fake_msg_put(node->fake.tells, msg);
}

/* What came on a connection: HELLO, exactly, or an end. */
static inline void world_link_read(struct world_node *node, u32 id, u32 number)
{
	struct world_link *link = &node->peer[id].link[number];
	char want[WORLD_HELLO] = "", more;
	ssize_t got;

	if (link->fd < 0)
		return;
	if (link->state == QBD_LINK_STATE_UP) {
		got = recv(link->fd, &more, 1, MSG_DONTWAIT);
		ASSERT_LE(got, 0); /* nobody says anything more */
	} else {
		got = recv(link->fd, link->heard + link->have,
			   WORLD_HELLO - link->have, MSG_DONTWAIT);
	}
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		bool was_up = link->state == QBD_LINK_STATE_UP;

		world_link_close(link, -ECONNRESET);
		if (was_up)
			world_event(node, id);
		return;
	}
	link->have += (unsigned int)got;
	if (link->have < WORLD_HELLO)
		return;
	world_hello(want, id, node->fake.id, number);
	ASSERT_STREQ(want, link->heard);
	link->state = QBD_LINK_STATE_UP;
	link->ups++;
	world_event(node, id);
}

static inline bool world_kernels(struct link_world *world)
{
	u32 a, b, i;

	for (a = 1; a < WORLD_NODES; a++)
		for (b = 1; b < WORLD_NODES; b++)
			for (i = 0; i < WORLD_LINKS; i++)
				world_link_read(&world->node[a], b, i);
	return true;
}

#endif /* QBD_TESTS_LINK_KERNEL_H */
