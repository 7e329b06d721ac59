// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hands of daemons of one cluster, in one loop, on a machine that need not
 * have the module: what the nodes have to have gets to all of them, and what
 * they say about links gets to each other, also without a session.
 */
#include "cluster_world.h"

#include "../../daemon/hands/inner.h"
#include "../../daemon/session/bytes.h"

static struct hands *hands[NODES];

static int grow_hands(u32 i)
{
	char run[96];
	struct hands_options opt = { .state_dir = node[i].dir,
				     .run_dir = run,
				     .name = node[i].name };
	char why[HANDS_WHY_MAX];

	snprintf(run, sizeof(run), "%s/run", node[i].dir);
	return hands_create(&hands[i], loop, node[i].c, &opt, why);
}

static void drop_hands(u32 i)
{
	if (hands[i])
		hands_destroy(hands[i]);
	hands[i] = NULL;
}

static void drop_all(void)
{
	u32 i;

	for (i = 0; i < NODES; i++)
		drop_hands(i);
}

/* All of those that run have what the one that leads has applied. */
static bool all_know(u64 index)
{
	u32 i;

	for (i = 0; i < NODES; i++)
		if (hands[i] &&
		    (!hands[i]->want.good || hands[i]->want.index < index))
			return false;
	return true;
}

static bool name_is(u32 i, const char *name)
{
	const struct want_cluster *cluster = want_cluster(&hands[i]->want);

	return cluster && !strcmp(cluster->name, name);
}

/* All of those that run know it from the one that leads now. */
static bool all_heard_it(void)
{
	struct node *n = leader();
	struct cluster_self self;
	u32 i;

	if (!n)
		return false;
	cluster_self(n->c, &self);
	for (i = 0; i < NODES; i++)
		if (hands[i] &&
		    (!hands[i]->want.good || hands[i]->want.term != self.term))
			return false;
	return true;
}

/* Five nodes, three of them in the group. */
TEST_F(cluster, want)
{
	u32 i;

	ASSERT_TRUE(make_nodes(5));
	for (i = 0; i < NODES; i++)
		ASSERT_EQ(0, grow_hands(i));
	ASSERT_TRUE(WAIT_FOR(all_know(1)));
	for (i = 0; i < NODES; i++)
		EXPECT_TRUE(name_is(i, node[i].name));
	/* a daemon that was restarted learns it anew; the others go on */
	drop_hands(4);
	stop(&node[4]);
	ASSERT_EQ(0, start(&node[4]));
	ASSERT_EQ(0, grow_hands(4));
	ASSERT_TRUE(WAIT_FOR(hands[4]->want.good));
	/* another leader: they hear it from that one */
	for (i = 0; &node[i] != leader(); i++)
		;
	drop_hands(i);
	stop(&node[i]);
	ASSERT_TRUE(WAIT_FOR(all_heard_it()));
	drop_all();
}

static u32 node_id(u32 i)
{
	return node[i].c->record.node;
}

/* From a session of @from: who said it, to whom. */
static int link_said(u32 at, u32 from, u32 who, u32 to)
{
	u8 msg[12] = { 0 };

	session_put32(msg, who);
	session_put32(msg + 4, to);
	return tell_ops.received(&hands[at]->beside, from, MSG_LINK, msg,
				 sizeof(msg));
}

/* Nobody speaks in another one's name but a member, who passes it on. */
TEST_F(cluster, links)
{
	u8 data[4] = { 0 };
	u32 i, out[2], nr = 0;

	ASSERT_TRUE(make_nodes(5));
	for (i = 0; i < NODES; i++) {
		ASSERT_EQ(0, grow_hands(i));
		if (!node[i].c->group && nr < 2)
			out[nr++] = i;
	}
	ASSERT_EQ(2, nr);
	ASSERT_TRUE(WAIT_FOR(all_know(1)));
	/* two that have no session */
	EXPECT_FALSE(cluster_reaches(node[out[0]].c, node_id(out[1])));
	EXPECT_EQ(0, tell_link(hands[out[0]], node_id(out[1]), data,
			       sizeof(data)));
	for (i = 0; !node[i].c->group; i++)
		;
	EXPECT_EQ(0, link_said(out[0], node_id(i), node_id(out[1]),
			       node_id(out[0])));
	EXPECT_EQ(0, link_said(i, node_id(out[0]), node_id(out[0]),
			       node_id(out[1])));
	EXPECT_EQ(-EBADMSG, link_said(out[0], node_id(out[1]), node_id(i),
				      node_id(out[0])));
	EXPECT_EQ(-EBADMSG,
		  link_said(i, node_id(out[0]), node_id(out[1]), node_id(i)));
	EXPECT_EQ(-EBADMSG, link_said(i, node_id(out[0]), node_id(out[1]),
				      node_id(out[0])));
	EXPECT_EQ(-EBADMSG,
		  tell_ops.received(&hands[i]->beside, node_id(out[0]),
				    MSG_HELLO, data, sizeof(data)));
	drop_all();
}

/* Words about copies: of their length, of a kind that there is, or nothing. */
TEST_F(cluster, copies)
{
	struct repair_counts counts;
	u8 copy[40] = { 0 };
	u32 i, lead;

	ASSERT_TRUE(make_nodes(3));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, grow_hands(i));
	ASSERT_TRUE(WAIT_FOR(all_know(1)));
	for (lead = 0; &node[lead] != leader(); lead++)
		;
	ASSERT_TRUE(WAIT_FOR(hands[lead]->repair));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EBADMSG,
			  tell_ops.received(&hands[i]->beside, node_id(0),
					    MSG_COPY, copy, sizeof(copy) - 1));
		EXPECT_EQ(0, tell_ops.received(&hands[i]->beside, node_id(0),
					       MSG_COPY, copy, sizeof(copy)));
	}
	repair_counts(hands[lead]->repair, &counts);
	EXPECT_EQ(1, counts.refused);
	/* a volume that there never was, of somebody who asks for it */
	session_put32(copy, 64);
	session_put32(copy + 4, 77);
	EXPECT_EQ(0, tell_ops.received(&hands[lead]->beside, node_id(0),
				       MSG_COPY, copy, sizeof(copy)));
	/* a kind beyond all */
	session_put32(copy, 0xffffffff);
	EXPECT_EQ(0, tell_ops.received(&hands[lead]->beside, node_id(0),
				       MSG_COPY, copy, sizeof(copy)));
	repair_counts(hands[lead]->repair, &counts);
	EXPECT_EQ(2, counts.refused);
	drop_all();
}

static void device_told(struct hands_device *device)
{
	device->done = NULL;
}

static int device_asked(const char *path,
			void (*how)(struct hands *hands,
				    struct hands_device *device))
{
	struct hands_device device = { .done = device_told };

	snprintf(device.path, sizeof(device.path), "%s", path);
	how(hands[0], &device);
	return WAIT_FOR(!device.done) ? device.err : -ETIME;
}

/* The file of devices: written, read again, and refused if it makes no sense.
 */
TEST_F(cluster, stores)
{
	char path[128], why[HANDS_WHY_MAX];
	struct hands_options opt = { .state_dir = node[0].dir,
				     .run_dir = node[0].dir,
				     .name = "n1" };
	FILE *file;

	ASSERT_EQ(0, grow_hands(0));
	EXPECT_NE(0, device_asked("/dev/null", hands_store_look));
	EXPECT_NE(0, device_asked("/none", hands_store_look));
	EXPECT_EQ(0, device_asked("/dev/null", hands_store_keep));
	EXPECT_EQ(0, device_asked("/dev/zero", hands_store_keep));
	EXPECT_EQ(0, device_asked("/dev/null", hands_store_keep));
	EXPECT_NE(0, device_asked("/dev/a\nb", hands_store_keep));
	drop_hands(0);
	ASSERT_EQ(0, grow_hands(0));
	EXPECT_EQ(2, hands[0]->nr_stores);
	EXPECT_STREQ("/dev/zero", hands[0]->store[1].path);
	drop_hands(0);
	snprintf(path, sizeof(path), "%s/stores", node[0].dir);
	file = fopen(path, "w");
	ASSERT_TRUE(file);
	fputs("/dev/null\nno path\n", file);
	fclose(file);
	EXPECT_EQ(-EBADMSG,
		  hands_create(&hands[0], loop, node[0].c, &opt, why));
	EXPECT_TRUE(strstr(why, "line 2"));
}

TEST_HARNESS_MAIN
