// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links between kernels: two daemons that find each other, and all that can
 * come between. What strangers do is in test_link_hostile.c.
 */
#include "link_world.h"

FIXTURE(link)
{
	struct link_world world;
};

FIXTURE_SETUP(link)
{
	world_init(&self->world);
}

FIXTURE_TEARDOWN(link)
{
	world_free(&self->world);
}

#define V4 "127.0.0.1:1"
#define WAIT(condition) WORLD_WAIT(world, condition)

static bool all_up(struct link_world *world, u32 a, u32 b, u32 links)
{
	u32 i;

	for (i = 0; i < links; i++)
		if (!world_is(world, a, b, i, LINK_UP) ||
		    !world_is(world, b, a, i, LINK_UP))
			return false;
	return true;
}

static void two_begin(struct link_world *world, const char *at, u32 links)
{
	world_begin(world, 1, at);
	world_begin(world, 2, at);
	world_knows(world, 1, 2, links);
	world_knows(world, 2, 1, links);
}

static struct link_counts counts(struct link_world *world, u32 id)
{
	struct link_counts counts;

	link_counts(world->node[id].net, &counts);
	return counts;
}

TEST_F(link, the_lower_id_connects)
{
	struct link_world *world = &self->world;
	struct link_status status;

	two_begin(world, V4, WORLD_LINKS);
	WAIT(all_up(world, 1, 2, WORLD_LINKS));
	EXPECT_FALSE(world->node[1].peer[2].link[7].accept);
	EXPECT_TRUE(world->node[2].peer[1].link[7].accept);
	EXPECT_EQ(WORLD_LINKS, counts(world, 1).dials);
	EXPECT_EQ(WORLD_LINKS, counts(world, 2).admitted);
	EXPECT_EQ(WORLD_LINKS, counts(world, 2).tickets);
	EXPECT_EQ(0, counts(world, 2).dials);
	EXPECT_EQ(0, counts(world, 2).refused);
	EXPECT_EQ(0, counts(world, 2).half_open);
	EXPECT_EQ(0, counts(world, 1).dialing);
	ASSERT_EQ(0, link_status(world->node[1].net, 2, 0, &status));
	EXPECT_TRUE(status.dials && status.known);
	EXPECT_TRUE(links_addr_same_host(&status.addr, &world->node[2].at));
	EXPECT_EQ(-ENOENT, link_status(world->node[1].net, 3, 0, &status));
}

TEST_F(link, by_ipv6)
{
	struct link_world *world = &self->world;

	two_begin(world, "[::1]:1", 2);
	WAIT(all_up(world, 1, 2, 2));
	EXPECT_EQ(AF_INET6, world->node[1].at.any.sa_family);
}

TEST_F(link, three_nodes)
{
	struct link_world *world = &self->world;

	two_begin(world, V4, 2);
	world_begin(world, 3, V4);
	world_knows(world, 3, 1, 2);
	world_knows(world, 3, 2, 2);
	world_knows(world, 1, 3, 2);
	world_knows(world, 2, 3, 2);
	WAIT(all_up(world, 1, 2, 2) && all_up(world, 1, 3, 2) &&
	     all_up(world, 2, 3, 2));
}

/* The first address is one at which nobody listens. */
TEST_F(link, addresses_in_turn)
{
	struct link_world *world = &self->world;
	union links_addr addr[3];
	socklen_t len = sizeof(addr[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	two_begin(world, V4, 1);
	ASSERT_TRUE(links_addr_parse("127.0.0.1:1", &addr[0]));
	addr[0].v4.sin_port = 0;
	ASSERT_EQ(0, bind(fd, &addr[0].any, links_addr_len(&addr[0])));
	ASSERT_EQ(0, getsockname(fd, &addr[0].any, &len));
	addr[1] = addr[0];
	addr[2] = world->node[2].at;
	ASSERT_EQ(0, link_peer_set(world->node[1].net, 2, addr, 3));
	WAIT(all_up(world, 1, 2, 1));
	EXPECT_EQ(3, counts(world, 1).dials);
	EXPECT_EQ(2, counts(world, 1).failed);
	close(fd);
}

TEST_F(link, what_no_peer_can_be)
{
	struct link_world *world = &self->world;
	union links_addr addr[LINK_ADDRS_MAX + 1] = { { { 0 } } };
	struct link_net *net;
	u32 i;

	world_begin(world, 1, V4);
	net = world->node[1].net;
	EXPECT_EQ(-EINVAL, link_peer_set(net, 0, NULL, 0));
	EXPECT_EQ(-EINVAL, link_peer_set(net, 1, NULL, 0));
	EXPECT_EQ(-EINVAL, link_peer_set(net, 2, addr, 1));
	for (i = 0; i <= LINK_ADDRS_MAX; i++)
		addr[i] = world->node[1].at;
	EXPECT_EQ(-EINVAL, link_peer_set(net, 2, addr, LINK_ADDRS_MAX + 1));
	for (i = 0; i < LINK_PEERS_MAX; i++)
		ASSERT_EQ(0, link_peer_set(net, 2 + i, addr, 1));
	EXPECT_EQ(-ENOSPC, link_peer_set(net, 2 + i, addr, 1));
	link_peer_drop(net, 77);
	link_peer_drop(net, 77);
	EXPECT_EQ(0, link_peer_set(net, 2 + i, addr, 1));
}

TEST_F(link, a_link_that_breaks_comes_back)
{
	struct link_world *world = &self->world;
	struct world_link *link = &world->node[1].peer[2].link[1];
	u64 ups;

	two_begin(world, V4, 2);
	WAIT(all_up(world, 1, 2, 2));
	ups = link->ups;
	world_link_close(link, -ETIMEDOUT);
	world_event(&world->node[1], 2);
	WAIT(link->ups > ups && all_up(world, 1, 2, 2));
	/* the other one was left alone */
	EXPECT_EQ(1, world->node[1].peer[2].link[0].ups);
}

/* All events were lost: it is found by looking now and then. */
TEST_F(link, a_break_without_an_event_is_found)
{
	struct link_world *world = &self->world;
	struct world_link *link = &world->node[1].peer[2].link[0];
	u64 ups;

	world->options.stock_ms = 20;
	two_begin(world, V4, 1);
	WAIT(all_up(world, 1, 2, 1));
	ups = link->ups;
	world_link_close(link, -ETIMEDOUT);
	WAIT(link->ups > ups && all_up(world, 1, 2, 1));
}

TEST_F(link, a_daemon_that_begins_anew_leaves_alone_what_is_up)
{
	struct link_world *world = &self->world;
	unsigned int adds[2];

	two_begin(world, V4, 4);
	WAIT(all_up(world, 1, 2, 4));
	adds[0] = world->node[1].adds;
	adds[1] = world->node[2].adds;
	world_end(world, 1);
	world_end(world, 2);
	two_begin(world, V4, 4);
	WAIT(all_up(world, 1, 2, 4));
	EXPECT_EQ(adds[0], world->node[1].adds);
	EXPECT_EQ(adds[1], world->node[2].adds);
	EXPECT_EQ(0, counts(world, 1).dials);
}

/* However long the kernel takes to say what is up. */
TEST_F(link, nothing_is_connected_before_the_kernel_spoke)
{
	struct link_world *world = &self->world;
	struct link_status status;
	u64 until;

	two_begin(world, V4, 2);
	WAIT(all_up(world, 1, 2, 2));
	world_end(world, 1);
	world_begin(world, 1, V4);
	world->node[1].holds = true;
	world_knows(world, 1, 2, 2);
	WAIT(world->node[1].held == 1);
	ASSERT_EQ(0, link_status(world->node[1].net, 2, 0, &status));
	EXPECT_TRUE(status.known);
	link_session_up(world->node[1].net, 2);
	until = loop_now(world->loop) + 100 * LOOP_MS;
	WAIT(loop_now(world->loop) >= until);
	EXPECT_EQ(0, counts(world, 1).dials);
	world->node[1].holds = false;
	world_links(&world->node[1].fake);
	WAIT(all_up(world, 1, 2, 2));
	EXPECT_EQ(0, counts(world, 1).dials);
	EXPECT_EQ(1, world->node[1].peer[2].link[0].ups);
}

TEST_F(link, a_kernel_that_refuses)
{
	struct link_world *world = &self->world;

	world_begin(world, 1, V4);
	world->node[1].add_error = -EBUSY;
	world_begin(world, 2, V4);
	world_knows(world, 1, 2, 1);
	world_knows(world, 2, 1, 1);
	WAIT(counts(world, 1).failed >= 2);
	world->node[1].add_error = 0;
	WAIT(all_up(world, 1, 2, 1));
	/* and the one that accepts */
	world->node[2].add_error = -ENOMEM;
	world_link_close(&world->node[1].peer[2].link[0], -EIO);
	world_event(&world->node[1], 2);
	WAIT(counts(world, 2).failed >= 2);
	world->node[2].add_error = 0;
	WAIT(all_up(world, 1, 2, 1));
}

TEST_F(link, without_a_session)
{
	struct link_world *world = &self->world;

	world_begin(world, 1, V4);
	world->node[1].send_error = -ENOTCONN;
	world_begin(world, 2, V4);
	world_knows(world, 1, 2, 2);
	world_knows(world, 2, 1, 2);
	WAIT(counts(world, 1).failed >= 2);
	world->node[1].send_error = 0;
	link_session_up(world->node[1].net, 2);
	link_session_up(world->node[1].net, 3);
	WAIT(all_up(world, 1, 2, 2));
}

/* A ticket that never comes, or comes for an ask that was given up. */
TEST_F(link, tickets_that_are_late)
{
	struct link_world *world = &self->world;
	struct world_mail late;

	world->options.attempt_ms = 20;
	world->keeps = true;
	two_begin(world, V4, 1);
	WAIT(world->mails == 1);
	link_received(world->node[2].net, 1, world->mail[0].data,
		      world->mail[0].bytes);
	ASSERT_EQ(2, world->mails);
	late = world->mail[1];
	WAIT(counts(world, 1).failed == 1);
	link_received(world->node[1].net, 2, late.data, late.bytes);
	EXPECT_FALSE(world_is(world, 1, 2, 0, LINK_DIAL));
	WAIT(counts(world, 1).dials == 2);
	link_received(world->node[1].net, 2, late.data, late.bytes);
	EXPECT_FALSE(world_is(world, 1, 2, 0, LINK_DIAL));
	world->keeps = false;
	world->mails = 0;
	WAIT(all_up(world, 1, 2, 1));
}

TEST_F(link, peers_that_the_kernel_does_not_know)
{
	struct link_world *world = &self->world;

	two_begin(world, V4, 1);
	WAIT(all_up(world, 1, 2, 1));
	/* removed there: its links are none of ours any more */
	world->node[1].peer[2].known = false;
	world->node[1].peer[2].removed = true;
	world_link_close(&world->node[1].peer[2].link[0], 0);
	link_look(world->node[1].net);
	WAIT(world_is(world, 1, 2, 0, LINK_DOWN));
	WAIT(world_is(world, 2, 1, 0, LINK_DOWN));
	EXPECT_EQ(1, counts(world, 1).dials);
	/* and added again */
	world->node[1].peer[2].known = true;
	world->node[1].peer[2].removed = false;
	link_look(world->node[1].net);
	WAIT(all_up(world, 1, 2, 1));
}

TEST_F(link, a_kernel_that_is_another_node)
{
	struct link_world *world = &self->world;

	two_begin(world, V4, 1);
	WAIT(all_up(world, 1, 2, 1));
	world_link_close(&world->node[1].peer[2].link[0], 0);
	world->node[1].fake.id = 9;
	fake_happen(&world->node[1].fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_RUNNING);
	WAIT(world_is(world, 1, 2, 0, LINK_DOWN));
	EXPECT_EQ(1, counts(world, 1).dials);
	/* the right one again */
	world->node[1].fake.id = 1;
	world->node[1].fake.seq = 0;
	world->node[1].peer[2].link[0].ups = 0;
	fake_happen(&world->node[1].fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_RUNNING);
	WAIT(all_up(world, 1, 2, 1));
}

/* The kernel does not say whether it took it, but it did not. */
TEST_F(link, handed_over_or_not)
{
	struct link_world *world = &self->world;

	two_begin(world, V4, 1);
	world->node[1].mute = true;
	WAIT(world->node[1].adds == 1);
	/* meanwhile no second one is begun, whatever the dumps say */
	link_look(world->node[1].net);
	EXPECT_EQ(1, counts(world, 1).dials);
	world->node[1].mute = false;
	fake_close(&world->node[1].fake, &world->node[1].fake.tells);
	loop_source_remove(world->loop, &world->node[1].fake.source);
	/* the socket ends: unknown */
	shutdown(world->node[1].fake.source.fd, SHUT_RDWR);
	WAIT(all_up(world, 1, 2, 1));
	EXPECT_EQ(2, world->node[1].adds);
}

TEST_F(link, dropped_at_any_point)
{
	struct link_world *world = &self->world;
	struct link_net *net;
	unsigned int i;

	world->keeps = true;
	two_begin(world, V4, 1);
	net = world->node[1].net;
	WAIT(world_is(world, 1, 2, 0, LINK_ASK));
	link_peer_drop(net, 2);
	EXPECT_EQ(0, counts(world, 1).dialing);
	world_knows(world, 1, 2, 1);
	WAIT(world_is(world, 1, 2, 0, LINK_ASK));
	for (i = 0; i < world->mails && world->mail[i].to == 2; i++)
		link_received(world->node[2].net, 1, world->mail[i].data,
			      world->mail[i].bytes);
	link_received(net, 2, world->mail[world->mails - 1].data,
		      world->mail[world->mails - 1].bytes);
	EXPECT_TRUE(world_is(world, 1, 2, 0, LINK_DIAL));
	link_peer_drop(net, 2);
	EXPECT_EQ(0, counts(world, 1).dialing);
	world->mails = 0;
	world->keeps = false;
	world->node[1].mute = true;
	world_knows(world, 1, 2, 1);
	WAIT(world->node[1].adds == 1);
	link_peer_drop(net, 2); /* while it is handed over */
	EXPECT_EQ(0, counts(world, 1).dialing);
	link_peer_drop(world->node[2].net, 1);
}

TEST_HARNESS_MAIN
