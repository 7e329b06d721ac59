// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links whose tickets go over true sessions: two daemons with keys, TLS between
 * them, and false kernels.
 */
#include "link_world.h"

#include "../../daemon/log.h"
#include "../../daemon/session/session.h"

#define LINK_TYPE 9 /* of the messages, in sessions */

struct side {
	struct both *both;
	u32 id;
	struct identity identity;
	struct session_net *net;
	union links_addr at;
	unsigned int got;
};

struct both {
	struct link_world world;
	struct side side[3];
};

FIXTURE(session)
{
	struct both both;
};

static enum session_who who(void *arg, const uint8_t *key, uint32_t *node)
{
	struct both *both = ((struct side *)arg)->both;
	u32 i;

	for (i = 1; i <= 2; i++) {
		if (memcmp(both->side[i].identity.public, key, IDENTITY_KEY))
			continue;
		*node = i;
		return SESSION_WHO_KNOWN;
	}
	return SESSION_WHO_REFUSED;
}

static int no_token(void *arg, uint64_t id, uint8_t *key)
{
	return -ENOENT;
}

static void up(void *arg, uint32_t node)
{
	struct side *side = arg;

	if (side->both->world.node[side->id].net)
		link_session_up(side->both->world.node[side->id].net, node);
}

static void down(void *arg, uint32_t node, enum session_why why)
{
}

static void state(void *arg, uint32_t node, enum detect_state now)
{
}

static void received(void *arg, uint32_t node, enum session_class class,
		     uint16_t type, const void *data, size_t bytes)
{
	struct side *side = arg;

	ASSERT_EQ(LINK_TYPE, type);
	side->got++;
	link_received(side->both->world.node[side->id].net, node, data, bytes);
}

static void no_join(void *arg, uint64_t joiner, uint64_t token,
		    const void *data, size_t bytes)
{
}

static void side_begin(struct both *both, u32 id)
{
	const struct session_ops ops = {
		.tls = { .who = who, .token = no_token, .arg = &both->side[id] },
		.up = up,
		.down = down,
		.state = state,
		.received = received,
		.join = no_join,
	};
	struct session_options options = { .node = id,
					   .lineage = 5,
					   .nr_listens = 1 };
	struct side *side = &both->side[id];
	char path[64];

	side->both = both;
	side->id = id;
	snprintf(path, sizeof(path), "/tmp/qbd-link-%d.key", (int)getpid());
	ASSERT_EQ(0, identity_create(&side->identity, path));
	unlink(path);
	options.identity = &side->identity;
	memcpy(options.cluster, both->world.options.cluster, 16);
	ASSERT_TRUE(links_addr_parse("127.0.0.1:1", &options.listen[0]));
	options.listen[0].v4.sin_port = 0;
	ASSERT_EQ(0, session_net_create(&side->net, both->world.loop, &options,
					&ops));
	session_listens_at(side->net, 0, &side->at);
}

/* What the daemon does with link_ops.send(). */
static int over_session(void *arg, uint32_t node, const void *data,
			size_t bytes)
{
	struct side *side = arg;

	return session_send(side->net, node, SESSION_NORMAL, LINK_TYPE, data,
			    bytes);
}

static void links_begin(struct both *both, u32 id)
{
	struct world_node *node = &both->world.node[id];
	const struct link_ops ops = { over_session, &both->side[id] };
	struct link_options options = both->world.options;

	world_begin(&both->world, id, "127.0.0.1:1");
	link_net_destroy(node->net);
	options.node = id;
	options.nr_listens = 1;
	options.listen[0] = node->at;
	ASSERT_EQ(0, link_net_create(&node->net, both->world.loop, node->port,
				     &options, &ops));
}

FIXTURE_SETUP(session)
{
	u32 id;

	log_level(LOG_LEVEL_NONE);
	world_init(&self->both.world);
	for (id = 1; id <= 2; id++) {
		side_begin(&self->both, id);
		links_begin(&self->both, id);
	}
	world_knows(&self->both.world, 1, 2, 4);
	world_knows(&self->both.world, 2, 1, 4);
}

FIXTURE_TEARDOWN(session)
{
	u32 id;

	for (id = 1; id <= 2; id++) {
		session_net_destroy(self->both.side[id].net);
		identity_free(&self->both.side[id].identity);
	}
	world_free(&self->both.world);
}

static bool all_up(struct link_world *world)
{
	u32 i;

	for (i = 0; i < 4; i++)
		if (!world_is(world, 1, 2, i, LINK_UP) ||
		    !world_is(world, 2, 1, i, LINK_UP))
			return false;
	return true;
}

TEST_F(session, tickets_over_tls)
{
	struct both *both = &self->both;
	struct link_world *world = &both->world;
	struct link_counts counts;
	u64 failed;

	/* without a session there is no ticket */
	WORLD_WAIT(world, (link_counts(world->node[1].net, &counts),
			   counts.failed >= 4));
	EXPECT_EQ(0, both->side[2].got);
	ASSERT_EQ(0,
		  session_peer_set(both->side[1].net, 2, &both->side[2].at, 1));
	ASSERT_EQ(0,
		  session_peer_set(both->side[2].net, 1, &both->side[1].at, 1));
	WORLD_WAIT(world, all_up(world));
	link_counts(world->node[1].net, &counts);
	failed = counts.failed;
	EXPECT_GE(both->side[2].got, 4);
	EXPECT_GE(both->side[1].got, 4);
	/* links outlive the session */
	session_peer_remove(both->side[1].net, 2);
	session_peer_remove(both->side[2].net, 1);
	EXPECT_NE(0, over_session(&both->side[1], 2, "", 0));
	world_looks(&world->node[1]);
	world_looks(&world->node[2]);
	EXPECT_TRUE(all_up(world));
	/* but a new one is not made */
	world_link_close(&world->node[1].peer[2].link[0], -EIO);
	world_event(&world->node[1], 2);
	WORLD_WAIT(world, (link_counts(world->node[1].net, &counts),
			   counts.failed > failed));
	EXPECT_FALSE(world_is(world, 1, 2, 0, LINK_UP));
	EXPECT_TRUE(world_is(world, 1, 2, 1, LINK_UP));
}

TEST_HARNESS_MAIN
