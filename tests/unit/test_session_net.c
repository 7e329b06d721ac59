// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes that find each other, and those that must not: keys, clusters, ids,
 * restarts, two sessions at once.
 */
#include "session_rogue.h"

FIXTURE(nodes)
{
	struct world world;
};

FIXTURE_SETUP(nodes)
{
	world_init(&self->world, 3);
}

FIXTURE_TEARDOWN(nodes)
{
	world_free(&self->world);
}

#define NODE(id) (&self->world.node[id])
#define WAIT(cond) WORLD_WAIT(&self->world, cond)
#define UP(a, b) world_is_up(&self->world, a, b)

/* Another life of a node, and another idea of where it is. */
static void restart(struct world *world, uint32_t id)
{
	if (world->node[id].net)
		world_stop(world, id);
	world_start(world, id);
}

TEST_F(nodes, meet_and_speak)
{
	struct session_status status;

	world_meet_up(&self->world, 1, 2);
	EXPECT_EQ(1, NODE(1)->ups[2]);
	EXPECT_EQ(1, NODE(2)->ups[1]);
	EXPECT_EQ(0, world_half_open(&self->world, 2));
	ASSERT_EQ(0,
		  session_send(NODE(1)->net, 2, SESSION_URGENT, 3, "hello", 6));
	ASSERT_EQ(0, session_send(NODE(2)->net, 1, SESSION_BULK, 4, NULL, 0));
	WAIT(NODE(2)->got[3] && NODE(1)->got[4]);
	EXPECT_EQ(6, NODE(2)->bytes[3]);
	EXPECT_EQ(0, memcmp("hell", &NODE(2)->last, 4));
	EXPECT_EQ(0, NODE(1)->bytes[4]);
	ASSERT_EQ(0, session_peer_status(NODE(1)->net, 2, &status));
	EXPECT_TRUE(status.dials);
	EXPECT_EQ(1, status.ups);
	EXPECT_NE(0, status.nonce);
	EXPECT_GT(status.heard_ns, 0);
	ASSERT_EQ(0, session_peer_status(NODE(2)->net, 1, &status));
	EXPECT_FALSE(status.dials);
	EXPECT_EQ(-ENOENT, session_peer_status(NODE(2)->net, 3, &status));
}

TEST_F(nodes, three_of_them)
{
	world_meet(&self->world, 1, 2);
	world_meet(&self->world, 1, 3);
	world_meet(&self->world, 2, 3);
	WAIT(UP(1, 2) && UP(2, 1) && UP(1, 3) && UP(3, 1) && UP(2, 3) &&
	     UP(3, 2));
	WAIT(NODE(1)->state[2] == DETECT_ALIVE &&
	     NODE(3)->state[1] == DETECT_ALIVE);
	world_pass(&self->world, 1700); /* longer than dead_ms: beats do it */
	EXPECT_TRUE(UP(1, 2) && UP(2, 1) && UP(1, 3) && UP(3, 1) && UP(2, 3));
	EXPECT_EQ(0, NODE(1)->downs[2]);
	EXPECT_EQ(DETECT_ALIVE, NODE(2)->state[3]);
}

TEST_F(nodes, ipv6)
{
	union links_addr any = { 0 };

	any.v6.sin6_family = AF_INET6;
	any.v6.sin6_addr = in6addr_loopback;
	NODE(2)->at = any;
	restart(&self->world, 2);
	EXPECT_EQ(AF_INET6, NODE(2)->at.any.sa_family);
	world_meet_up(&self->world, 1, 2);
}

/* The first address is of nobody, the second of another node. */
TEST_F(nodes, several_addresses)
{
	union links_addr addr[3] = { world_loopback(1, 1), NODE(3)->at,
				     NODE(2)->at };

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, addr, 0));
	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, addr, 3));
	WAIT(UP(1, 2) && UP(2, 1));
	EXPECT_EQ(1, NODE(1)->ups[2]);
	EXPECT_EQ(0, NODE(3)->ups[1]);
	EXPECT_GT(world_failed(&self->world, 1, SESSION_WHY_NETWORK) +
			  world_failed(&self->world, 1, SESSION_WHY_FROM),
		  0);
}

/* --- who is refused ------------------------------------------------------ */

TEST_F(nodes, a_key_of_nobody)
{
	identity_free(&NODE(1)->identity);
	world_key(&NODE(1)->identity);
	/* all but node 1 itself think of the old one */
	NODE(1)->id = 0;
	world_meet(&self->world, 1, 2);
	restart(&self->world, 1);
	NODE(1)->id = 0;
	world_meet(&self->world, 1, 2);
	WAIT(world_refused(&self->world, 2, SESSION_WHY_KEY) > 2);
	EXPECT_FALSE(UP(1, 2));
	EXPECT_FALSE(UP(2, 1));
	EXPECT_EQ(0, NODE(2)->ups[1]);
	WAIT(world_failed(&self->world, 1, SESSION_WHY_KEY) > 0);
}

/* Another node's key is a good key, but not that node's. */
TEST_F(nodes, the_key_of_another)
{
	union links_addr at = NODE(3)->at;

	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, &at, 1));
	ASSERT_EQ(0, session_peer_set(NODE(3)->net, 1, &NODE(1)->at, 1));
	WAIT(world_failed(&self->world, 1, SESSION_WHY_FROM) > 0);
	EXPECT_EQ(0, NODE(1)->ups[2]);
	EXPECT_EQ(0, NODE(3)->ups[1]);
}

TEST_F(nodes, a_removed_key)
{
	world_meet_up(&self->world, 1, 2);
	self->world.removed[1] = true;
	session_recheck(NODE(2)->net);
	EXPECT_EQ(1, NODE(2)->downs[1]);
	EXPECT_EQ(SESSION_WHY_KEY, NODE(2)->why[1]);
	WAIT(world_refused(&self->world, 2, SESSION_WHY_KEY) > 1);
	EXPECT_EQ(1, NODE(2)->ups[1]);
	EXPECT_FALSE(UP(1, 2));
	/* the other way: the dialer does not speak to who was removed */
	self->world.removed[1] = false;
	self->world.removed[2] = true;
	WAIT(world_failed(&self->world, 1, SESSION_WHY_KEY) > 1);
	EXPECT_FALSE(UP(1, 2));
	self->world.removed[2] = false;
	WAIT(UP(1, 2) && UP(2, 1));
}

/* Why is @b not heard by @a? */
static enum session_why why_not(struct world *world, u32 a, u32 b)
{
	struct session_status status;

	if (session_peer_status(world->node[a].net, b, &status))
		return SESSION_WHYS;
	return status.why;
}

/* Who is called by nobody asks, and hears why; that is no session. */
TEST_F(nodes, removed_while_it_was_down)
{
	struct world *world = &self->world;
	union links_addr nowhere = world_loopback(1, 1);

	world->options.knock_ms = 20;
	restart(world, 2);
	/* node 1 knows it, and can not reach it */
	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, &nowhere, 1));
	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, &NODE(1)->at, 1));
	WAIT(world_refused(world, 1, SESSION_WHY_DIRECTION) > 1);
	EXPECT_EQ(SESSION_WHY_NONE, why_not(world, 2, 1));
	WAIT(why_not(world, 1, 2) == SESSION_WHY_NETWORK);
	/* it was removed */
	session_peer_remove(NODE(1)->net, 2);
	world->removed[2] = true;
	WAIT(why_not(world, 2, 1) == SESSION_WHY_KEY);
	EXPECT_EQ(0, NODE(1)->ups[2]);
	EXPECT_EQ(0, NODE(2)->ups[1]);
	/* and was not, after all */
	world->removed[2] = false;
	world_meet(world, 1, 2);
	WAIT(UP(1, 2) && UP(2, 1));
	EXPECT_EQ(1, NODE(1)->ups[2]);
}

TEST_F(nodes, recheck_leaves_the_good)
{
	world_meet_up(&self->world, 1, 2);
	world_meet_up(&self->world, 2, 3);
	self->world.removed[3] = true;
	session_recheck(NODE(2)->net);
	EXPECT_EQ(1, NODE(2)->downs[3]);
	EXPECT_EQ(0, NODE(2)->downs[1]);
}

TEST_F(nodes, not_known_yet)
{
	self->world.unknown_yet[1] = true;
	world_meet(&self->world, 1, 2);
	WAIT(world_refused(&self->world, 2, SESSION_WHY_KEY) > 0);
	EXPECT_FALSE(UP(2, 1));
	self->world.unknown_yet[1] = false;
	WAIT(UP(1, 2) && UP(2, 1));
}

TEST_F(nodes, another_cluster)
{
	self->world.options.cluster[3] ^= 1;
	restart(&self->world, 1);
	world_meet(&self->world, 1, 2);
	WAIT(world_failed(&self->world, 1, SESSION_WHY_CLUSTER) > 0);
	EXPECT_GT(world_refused(&self->world, 2, SESSION_WHY_CLUSTER), 0);
	EXPECT_EQ(0, NODE(1)->ups[2] + NODE(2)->ups[1]);
}

TEST_F(nodes, another_lineage)
{
	self->world.options.lineage++;
	restart(&self->world, 1);
	world_meet(&self->world, 1, 2);
	WAIT(world_failed(&self->world, 1, SESSION_WHY_LINEAGE) > 0);
	EXPECT_GT(world_refused(&self->world, 2, SESSION_WHY_LINEAGE), 0);
	EXPECT_EQ(0, NODE(1)->ups[2] + NODE(2)->ups[1]);
}

TEST_F(nodes, not_a_peer)
{
	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, &NODE(2)->at, 1));
	WAIT(world_failed(&self->world, 1, SESSION_WHY_PEER) > 0);
	EXPECT_GT(world_refused(&self->world, 2, SESSION_WHY_PEER), 0);
	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, &NODE(1)->at, 1));
	WAIT(UP(1, 2) && UP(2, 1));
}

TEST_F(nodes, options_are_checked)
{
	struct session_options options = self->world.options;
	struct session_net *net = NULL;

	EXPECT_EQ(-EINVAL, session_net_create(&net, self->world.loop, &options,
					      &world_ops));
	options.identity = &NODE(1)->identity;
	EXPECT_EQ(-EINVAL, session_net_create(&net, self->world.loop, &options,
					      &world_ops));
	options.node = 3;
	options.nr_listens = 1;
	options.listen[0] = NODE(2)->at; /* taken */
	EXPECT_EQ(-EADDRINUSE, session_net_create(&net, self->world.loop,
						  &options, &world_ops));
	options.dead_ms = options.beat_ms;
	EXPECT_EQ(-EINVAL, session_net_create(&net, self->world.loop, &options,
					      &world_ops));
	EXPECT_NULL(net);
	EXPECT_EQ(-EINVAL, session_peer_set(NODE(1)->net, 1, &NODE(1)->at, 1));
	EXPECT_EQ(-EINVAL, session_peer_set(NODE(1)->net, 0, &NODE(1)->at, 1));
	EXPECT_EQ(-EINVAL, session_peer_set(NODE(1)->net, 2, &NODE(1)->at, 5));
	EXPECT_EQ(-ENOENT,
		  session_send(NODE(1)->net, 2, SESSION_BULK, 1, "", 1));
	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, NULL, 0));
	EXPECT_EQ(-ENOTCONN,
		  session_send(NODE(1)->net, 2, SESSION_BULK, 1, "", 1));
	EXPECT_EQ(-EINVAL,
		  session_send(NODE(1)->net, 2, SESSION_CONTROL, 1, "", 1));
	EXPECT_EQ(-EINVAL,
		  session_send(NODE(1)->net, 2, SESSION_JOIN, 1, "", 1));
}

TEST_F(nodes, peers_are_bounded)
{
	uint32_t id;

	for (id = 10; id < 10 + SESSION_PEERS_MAX; id++)
		ASSERT_EQ(0, session_peer_set(NODE(3)->net, id, NULL, 0));
	EXPECT_EQ(-ENOSPC, session_peer_set(NODE(3)->net, id, NULL, 0));
	EXPECT_EQ(0, session_peer_set(NODE(3)->net, 10, NULL, 0));
	session_peer_remove(NODE(3)->net, 11);
	EXPECT_EQ(0, session_peer_set(NODE(3)->net, id, NULL, 0));
}

/* --- ends, and what comes after ------------------------------------------ */

TEST_F(nodes, clean_close)
{
	world_meet_up(&self->world, 1, 2);
	world_stop(&self->world, 2);
	WAIT(NODE(1)->downs[2]);
	EXPECT_EQ(SESSION_WHY_CLOSED, NODE(1)->why[2]);
	EXPECT_EQ(1, NODE(2)->downs[1]);
	EXPECT_EQ(SESSION_WHY_REMOVED, NODE(2)->why[1]);
}

TEST_F(nodes, comes_back)
{
	struct session_status before, after;
	int i;

	world_meet_up(&self->world, 1, 2);
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, session_peer_status(NODE(1)->net, 2, &before));
		restart(&self->world, 2);
		ASSERT_EQ(0,
			  session_peer_set(NODE(2)->net, 1, &NODE(1)->at, 1));
		WAIT(NODE(1)->ups[2] == i + 1 && UP(2, 1));
		ASSERT_EQ(0, session_peer_status(NODE(1)->net, 2, &after));
		EXPECT_NE(before.nonce, after.nonce); /* another life */
		restart(&self->world, 1);
		NODE(1)->ups[2] = i + 1;
		NODE(1)->downs[2] = i + 1;
		world_meet(&self->world, 1, 2);
		WAIT(UP(1, 2) && UP(2, 1));
		NODE(1)->ups[2] = i + 1;
		NODE(1)->downs[2] = i;
	}
}

TEST_F(nodes, moves)
{
	union links_addr elsewhere = world_loopback(3, 0);

	world_meet_up(&self->world, 1, 2);
	/* other addresses for a session that is up change nothing */
	ASSERT_EQ(0, session_peer_set(NODE(1)->net, 2, &elsewhere, 1));
	world_pass(&self->world, 100);
	EXPECT_TRUE(UP(1, 2));
	NODE(2)->at = elsewhere;
	restart(&self->world, 2);
	world_meet(&self->world, 1, 2);
	WAIT(UP(1, 2) && UP(2, 1));
}

TEST_F(nodes, removed_and_set)
{
	world_meet_up(&self->world, 1, 2);
	session_peer_remove(NODE(1)->net, 2);
	EXPECT_EQ(1, NODE(1)->downs[2]);
	WAIT(NODE(2)->downs[1]);
	EXPECT_EQ(SESSION_WHY_CLOSED, NODE(2)->why[1]);
	session_peer_remove(NODE(1)->net, 2);
	world_meet_up(&self->world, 1, 2);
}

/* The peer is removed in the call that its own message made. */
static void remove_it(struct world_node *node, uint32_t from, uint16_t type)
{
	(void)type;
	session_peer_remove(node->net, from);
}

TEST_F(nodes, removed_in_a_call)
{
	int i;

	world_meet_up(&self->world, 1, 2);
	NODE(2)->on_received = remove_it;
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, session_send(NODE(1)->net, 2, SESSION_URGENT, 1,
					  "x", 1));
	WAIT(NODE(1)->downs[2]);
	EXPECT_EQ(1, NODE(2)->got[1]);
	EXPECT_EQ(1, NODE(2)->downs[1]);
}

/* A message of several frames, in memory of the session that ends. */
TEST_F(nodes, removed_in_a_call_long)
{
	char *much = calloc(1, 300000);

	world_meet_up(&self->world, 1, 2);
	NODE(2)->on_received = remove_it;
	ASSERT_EQ(0,
		  session_send(NODE(1)->net, 2, SESSION_BULK, 1, much, 300000));
	WAIT(NODE(2)->downs[1]);
	EXPECT_EQ(300000, NODE(2)->bytes[1]);
	free(much);
}

/* --- two sessions -------------------------------------------------------- */

/*
 * A second node 1: the same key, another life, while the first one still has
 * its session, as after a restart whose end nobody heard.
 */
TEST_F(nodes, a_new_life_replaces)
{
	struct world_node *again = calloc(1, sizeof(*again));
	struct session_options options = self->world.options;
	struct session_ops ops = world_ops;

	world_meet_up(&self->world, 1, 2);
	again->world = &self->world;
	options.identity = &NODE(1)->identity;
	options.node = 1;
	ops.tls.arg = again;
	ASSERT_EQ(0, session_net_create(&again->net, self->world.loop, &options,
					&ops));
	ASSERT_EQ(0, session_peer_set(again->net, 2, &NODE(2)->at, 1));
	WAIT(again->ups[2]);
	EXPECT_EQ(SESSION_WHY_REPLACED, NODE(2)->why[1]);
	EXPECT_EQ(2, NODE(2)->ups[1]);
	/* the first one learns it, and does not give up: it does not know */
	WAIT(NODE(1)->downs[2] > 0);
	session_net_destroy(NODE(1)->net);
	NODE(1)->net = NULL;
	WAIT(again->ups[2] == again->downs[2] + 1 && UP(2, 1));
	session_net_destroy(again->net);
	free(again);
}

/* The higher id dials: refused, by the rule that both know. */
TEST_F(nodes, crossed_dials)
{
	struct rogue rogue;

	world_meet_up(&self->world, 1, 2);
	rogue_init(&rogue, &self->world, 2, 1);
	rogue.hello.number = 99;
	rogue_dial(&rogue, &self->world, 1);
	WAIT(rogue.ended);
	EXPECT_EQ(SESSION_WHY_DIRECTION, rogue.refused);
	EXPECT_EQ(1, world_refused(&self->world, 1, SESSION_WHY_DIRECTION));
	EXPECT_EQ(0, NODE(1)->downs[2] + NODE(2)->downs[1]);
	rogue_free(&rogue);
}

/* One life dials twice: the later number stays, whichever comes first. */
TEST_F(nodes, two_of_one_life)
{
	struct rogue one, two;

	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, NULL, 0));
	rogue_init(&one, &self->world, 1, 2);
	rogue_init(&two, &self->world, 1, 2);
	one.hello.number = 7;
	two.hello.number = 6;
	rogue_dial(&one, &self->world, 2);
	WAIT(one.hello_came);
	rogue_dial(&two, &self->world, 2); /* it was late */
	WAIT(two.ended);
	EXPECT_EQ(SESSION_WHY_STALE, two.refused);
	EXPECT_EQ(1, NODE(2)->ups[1]);
	EXPECT_FALSE(one.ended);
	two.hello.number = 8;
	rogue_dial(&two, &self->world, 2);
	WAIT(two.hello_came && one.ended);
	EXPECT_EQ(2, NODE(2)->ups[1]);
	EXPECT_EQ(SESSION_WHY_REPLACED, NODE(2)->why[1]);
	rogue_free(&one);
	rogue_free(&two);
	WAIT(NODE(2)->downs[1] == 2);
}

/* Only who is authenticated replaces: one that stops half way does not. */
TEST_F(nodes, nothing_is_replaced_early)
{
	struct rogue rogue;

	world_meet_up(&self->world, 1, 2);
	rogue_init(&rogue, &self->world, 1, 2);
	rogue.hello.nonce = 0; /* says no HELLO */
	rogue_dial(&rogue, &self->world, 2);
	WAIT(rogue.shaken);
	world_pass(&self->world, 200);
	EXPECT_EQ(0, NODE(2)->downs[1]);
	WAIT(rogue.ended); /* at its deadline */
	EXPECT_EQ(1, world_refused(&self->world, 2, SESSION_WHY_SLOW));
	EXPECT_EQ(0, NODE(2)->downs[1]);
	rogue_free(&rogue);
}

/* It was let in before it was known that all the others are newer. */
TEST_F(nodes, too_old_by_now)
{
	struct rogue rogue;

	world_meet_up(&self->world, 2, 3);
	ASSERT_EQ(0, session_peer_set(NODE(2)->net, 1, &NODE(1)->at, 1));
	rogue_init(&rogue, &self->world, 1, 2);
	rogue.hello.version = 1;
	rogue.hello.least = 1;
	rogue_dial(&rogue, &self->world, 2);
	WAIT(UP(2, 1));
	session_recheck(NODE(2)->net);
	EXPECT_TRUE(UP(2, 1));
	session_net_least(NODE(2)->net, 2);
	session_recheck(NODE(2)->net);
	EXPECT_FALSE(UP(2, 1));
	EXPECT_EQ(SESSION_WHY_VERSION, NODE(2)->why[1]);
	EXPECT_TRUE(UP(2, 3));
	WAIT(rogue.ended);
	EXPECT_EQ(SESSION_WHY_VERSION, rogue.refused);
	rogue_free(&rogue);
}

TEST_HARNESS_MAIN
