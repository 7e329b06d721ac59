// SPDX-License-Identifier: GPL-2.0-only
/*
 * Daemons of one cluster, in one loop, over loopback: a cluster is made, nodes
 * join and become members, the one that leads goes, a log is lost, a disk
 * fails, a node is removed; what is asked of whom, and what is refused; what is
 * asked twice, and done once.
 */
#include "cluster_world.h"
#include "../../daemon/group/inner.h"
#include "../../daemon/raftlog/store.h"

TEST_F(cluster, alone)
{
	char why[CLUSTER_WHY_MAX];
	struct asked asked;

	EXPECT_NULL(ask(&node[0], "node list", NULL, &asked));
	EXPECT_STREQ("NO_CLUSTER", asked.code);
	EXPECT_EQ(-EINVAL, cluster_join(node[0].c, "qbd1-nonsense",
					&node[1].opt.listen[0], 1, joined,
					&node[0], why));
	ASSERT_TRUE(make_cluster());
	EXPECT_EQ(-EEXIST, cluster_init(node[0].c, "again", why));
	ASSERT_TRUE(ask(&node[0], "cluster show", NULL, &asked));
	json_object_put(asked.ok);
	/* it is still one after a restart */
	stop(&node[0]);
	ASSERT_EQ(0, start(&node[0]));
	ASSERT_TRUE(WAIT_FOR(cluster_ready(node[0].c)));
}

TEST_F(cluster, three)
{
	struct json_object *list;
	struct asked asked;
	struct node *old;
	struct token made;
	char token[TOKEN_TEXT];

	ASSERT_TRUE(make_nodes(3));
	/* whoever is asked passes it on */
	ASSERT_TRUE(ask(&node[2], "node list", NULL, &asked));
	ASSERT_TRUE(json_object_object_get_ex(asked.ok, "nodes", &list));
	EXPECT_EQ(3, json_object_array_length(list));
	json_object_put(asked.ok);
	/* the one that leads goes: another one does what is asked */
	old = leader();
	stop(old);
	ASSERT_TRUE(
		make_token(&node[old == &node[1] ? 2 : 1], 1, 60000, token));
	ASSERT_EQ(0, start(old));
	ASSERT_TRUE(
		WAIT_FOR(leader() &&
			 (leader() == old ||
			  cluster_reaches(old->c, leader()->c->record.node))));
	/* it takes in whoever comes, as soon as it knows of the token */
	ASSERT_EQ(0, token_parse(token, &made));
	ASSERT_TRUE(old->c);
	ASSERT_TRUE(WAIT_FOR(state_token_by_id(old->c->s, made.id)));
	EXPECT_EQ(0, join(&node[3], old, token));
}

TEST_F(cluster, tokens)
{
	char token[TOKEN_TEXT], late[TOKEN_TEXT];
	struct token wrong;
	struct asked asked;
	u64 made;

	ASSERT_TRUE(make_nodes(1));
	ASSERT_EQ(0, token_make(&wrong));
	token_format(token, &wrong);
	EXPECT_EQ(-ECONNREFUSED, join(&node[1], &node[0], token));
	ASSERT_TRUE(make_token(&node[0], 1, 60000, token));
	ASSERT_TRUE(make_token(&node[0], 1, 300, late));
	made = loop_now(loop);
	EXPECT_EQ(0, join(&node[1], &node[0], token));
	ASSERT_TRUE(WAIT_FOR(state_node_by_id(node[0].c->s, 2)->state ==
			     STATE_NODE_ACTIVE));
	/* used up */
	EXPECT_EQ(-ECONNREFUSED, join(&node[2], &node[0], token));
	ASSERT_TRUE(WAIT_FOR(loop_now(loop) > made + 400 * MS));
	EXPECT_EQ(-ECONNREFUSED, join(&node[2], &node[0], late));
	EXPECT_EQ(CLUSTER_ALONE, node[2].c->phase);
	ASSERT_TRUE(ask(&node[1], "token list", NULL, &asked));
	json_object_put(asked.ok);
}

TEST_F(cluster, same_name)
{
	char token[TOKEN_TEXT];

	ASSERT_TRUE(make_nodes(1));
	ASSERT_TRUE(make_token(&node[0], 2, 60000, token));
	node[1].c->opt.name = "n1";
	EXPECT_EQ(-EACCES, join(&node[1], &node[0], token));
	EXPECT_STREQ(
		"the name is in use: id 1; if it is that node, and lost its key, first 'qbdctl node rekey' there",
		node[1].join_why);
	node[1].c->opt.name = "n2";
	EXPECT_EQ(0, join(&node[1], &node[0], token));
}

TEST_F(cluster, lost_log)
{
	char path[128];
	struct node *n;
	u64 before;

	ASSERT_TRUE(make_nodes(3));
	n = &node[leader() == &node[1] ? 2 : 1];
	before = n->c->record.server;
	stop(n);
	snprintf(path, sizeof(path), "%s/raft", n->dir);
	dir_remove(path);
	ASSERT_EQ(0, start(n));
	EXPECT_TRUE(n->c->lost);
	/* it is a voter again, under an id that nobody had */
	ASSERT_TRUE(WAIT_FOR(!n->c->lost && n->c->group &&
			     n->c->record.server != before));
	ASSERT_TRUE(WAIT_FOR(voters() == 3 && votes(n->c->record.server)));
	EXPECT_LT(before, n->c->record.server);
}

/* Whom it knew when it joined is gone; the others it knows from a later list.
 */
TEST_F(cluster, peers)
{
	struct node *n;

	ASSERT_TRUE(make_nodes(5));
	for (n = &node[1]; n->c->group; n++)
		;
	ASSERT_TRUE(WAIT_FOR(n->c->record.nr_peers == 3));
	stop(n);
	stop(&node[0]);
	ASSERT_EQ(0, start(n));
	ASSERT_TRUE(WAIT_FOR(leader() && cluster_ready(n->c)));
}

TEST_F(cluster, removed)
{
	struct json_object *args;
	struct asked asked;
	struct node *n;

	ASSERT_TRUE(make_nodes(4));
	/* a voter can not be removed, for its word is needed for that */
	n = leader() == &node[1] ? &node[0] : &node[1];
	args = json_object_new_object();
	json_text(args, "name", n->name);
	EXPECT_NULL(ask(leader(), "node remove", args, &asked));
	EXPECT_STREQ("BAD_REQUEST", asked.code);
	/* the one that is none */
	for (n = &node[1]; n->c->group; n++)
		;
	args = json_object_new_object();
	json_text(args, "name", n->name);
	ASSERT_TRUE(ask(leader(), "node remove", args, &asked));
	json_object_put(asked.ok);
	ASSERT_TRUE(WAIT_FOR(!cluster_reaches(n->c, leader()->c->record.node)));
	EXPECT_NULL(ask(n, "node list", NULL, &asked));
	EXPECT_STREQ("NO_LEADER", asked.code);
	args = json_object_new_object();
	json_text(args, "name", n->name);
	EXPECT_NULL(ask(leader(), "node show", args, &asked));
	EXPECT_STREQ("NOT_FOUND", asked.code);
}

TEST_F(cluster, five)
{
	struct json_object *args = json_object_new_object();
	struct asked asked;

	ASSERT_TRUE(make_nodes(5));
	json_text(args, "key", "voters");
	json_number(args, "value", 5);
	ASSERT_TRUE(ask(&node[4], "cluster set", args, &asked));
	json_object_put(asked.ok);
	ASSERT_TRUE(WAIT_FOR(voters() == 5));
}

/* Done, and the answer lost: whoever leads then has to say the same. */
TEST_F(cluster, again)
{
	struct node *n, *other, *old;
	struct asked asked;
	u64 client, seq;

	ASSERT_TRUE(make_nodes(4));
	for (n = &node[1]; n->c->group; n++)
		;
	old = leader();
	for (other = &node[0]; other == n || other == old; other++)
		;
	ASSERT_TRUE(ask(other, "node remove", named(n->name), &asked));
	json_object_put(asked.ok);
	client = asked.ask.client;
	seq = asked.ask.seq;
	ASSERT_TRUE(client && seq);
	stop(old);
	ASSERT_TRUE(WAIT_FOR(leader() &&
			     !state_node_by_name(leader()->c->s, n->name)));
	ASSERT_TRUE(ask_again(other, "node remove", named(n->name), client, seq,
			      &asked));
	json_object_put(asked.ok);
	/* as a new ask it is another one */
	EXPECT_NULL(ask(other, "node remove", named(n->name), &asked));
	EXPECT_STREQ("BAD_REQUEST", asked.code);
}

/* A node that uses another one's client gets nothing, and spoils nothing. */
TEST_F(cluster, clients)
{
	struct node *good, *bad;
	struct asked asked;
	u64 client, seq;

	ASSERT_TRUE(make_nodes(3));
	good = leader() == &node[1] ? &node[2] : &node[1];
	bad = leader() == &node[0] ? &node[3 - (good - node)] : &node[0];
	ASSERT_TRUE(ask(good, "node label", named("n1"), &asked) ||
		    !strcmp(asked.code, "BAD_REQUEST"));
	client = asked.ask.client;
	seq = asked.ask.seq;
	ASSERT_TRUE(client && seq && good != bad);
	EXPECT_NULL(ask_again(bad, "node remove", named("n1"), client, seq + 1,
			      &asked));
	EXPECT_STREQ("BAD_CLIENT", asked.code);
	/* a client that nobody has is as one that was forgotten */
	EXPECT_NULL(
		ask_again(bad, "node remove", named("n1"), 999999, 1, &asked));
	EXPECT_STREQ("FORGOTTEN", asked.code);
	EXPECT_NULL(ask(good, "node remove", named("n9"), &asked));
	EXPECT_EQ(client, asked.ask.client);
	EXPECT_STREQ("BAD_REQUEST", asked.code);
}

TEST_F(cluster, labels)
{
	struct asked zone, rack, *two[] = { &zone, &rack };
	static const char *const key[] = { "zone", "rack" };
	const struct state_node *known;
	u32 i;

	ASSERT_TRUE(make_nodes(1));
	EXPECT_NULL(ask(&node[0], "node label", named("n1"), &zone));
	EXPECT_STREQ("BAD_REQUEST", zone.code);
	/* both at once, each decided on the state before the other */
	for (i = 0; i < 2; i++) {
		*two[i] = (struct asked){ .ask.verb = "node label",
					  .ask.args = named("n1"),
					  .ask.timeout_ms = 20000,
					  .ask.done = asked_done };
		json_text(two[i]->ask.args, key[i], "x");
		cluster_ask(node[0].c, &two[i]->ask);
	}
	ASSERT_TRUE(WAIT_FOR(zone.done && rack.done));
	for (i = 0; i < 2; i++) {
		EXPECT_STREQ("", two[i]->code);
		json_object_put(two[i]->ask.args);
		json_object_put(two[i]->ok);
	}
	known = state_node_by_name(node[0].c->s, "n1");
	EXPECT_STREQ("x", known->zone);
	EXPECT_STREQ("x", known->rack);
}

static int broken_sync(void *dir, int file)
{
	(void)dir;
	(void)file;
	return -EIO;
}

/* Its daemon is well, and its disk is not: another one votes in its place. */
TEST_F(cluster, failed_disk)
{
	char token[TOKEN_TEXT];
	struct node *n;
	u64 server;

	ASSERT_TRUE(make_nodes(4));
	n = leader() == &node[1] ? &node[0] : &node[1];
	if (!n->c->group)
		n = leader() == &node[2] ? &node[0] : &node[2];
	server = n->c->record.server;
	ASSERT_TRUE(votes(server));
	n->c->group->rl->env.sync = broken_sync;
	ASSERT_TRUE(make_token(&node[0], 1, 60000, token));
	ASSERT_TRUE(WAIT_FOR(server_failed(n->c)));
	ASSERT_TRUE(WAIT_FOR(leader() && !votes(server)));
	/* it is asked, and answers, as any node that is no member */
	ASSERT_TRUE(make_token(n, 1, 60000, token));
	/* mended: it may be a member again */
	stop(n);
	ASSERT_EQ(0, start(n));
	ASSERT_TRUE(WAIT_FOR(cluster_ready(n->c)));
	EXPECT_FALSE(server_failed(n->c));
}

/*
 * Its log is an older copy, as a peer knows: it takes no part any more, under
 * that id, and never again; it is a voter again under another one.
 */
TEST_F(cluster, rolled_back)
{
	struct msg_life said;
	struct node *n;
	u32 from;
	u64 server;

	ASSERT_TRUE(make_nodes(3));
	n = leader() == &node[1] ? &node[2] : &node[1];
	from = leader()->c->record.node;
	server = n->c->record.server;
	said = (struct msg_life){ .server = leader()->c->record.server,
				  .generation = 1,
				  .your_server = server + 1,
				  .your_generation = 1000000 };
	/* what is said of another server is of no concern */
	life_heard(n->c, from, &said);
	EXPECT_FALSE(n->c->lost);
	EXPECT_TRUE(life_vouches(n->c, from));
	said.your_server = server;
	life_heard(n->c, from, &said);
	EXPECT_TRUE(n->c->lost);
	EXPECT_TRUE(!n->c->group);
	/* a daemon that is started again knows it, too */
	stop(n);
	ASSERT_EQ(0, start(n));
	ASSERT_TRUE(n->c);
	EXPECT_TRUE(n->c->lost);
	ASSERT_TRUE(WAIT_FOR(n->c->group && n->c->record.server != server &&
			     votes(n->c->record.server)));
	EXPECT_TRUE(WAIT_FOR(leader() && !votes(server)));
}

/* Before a node has said what it knows, nothing of the group is heard of it. */
TEST_F(cluster, vouches_first)
{
	struct node *n;
	u32 from;

	ASSERT_TRUE(make_nodes(3));
	n = leader() == &node[1] ? &node[2] : &node[1];
	from = leader()->c->record.node;
	ASSERT_TRUE(WAIT_FOR(life_vouches(n->c, from)));
	stop(n);
	ASSERT_EQ(0, start(n));
	EXPECT_FALSE(life_vouches(n->c, from));
	ASSERT_TRUE(WAIT_FOR(leader() &&
			     cluster_leader(n->c) == leader()->c->record.node));
	from = leader()->c->record.node;
	EXPECT_TRUE(life_vouches(n->c, from));
	life_down(n->c, from);
	EXPECT_FALSE(life_vouches(n->c, from));
	/* it says so again, and all goes on */
	ASSERT_TRUE(WAIT_FOR(life_vouches(n->c, from)));
}

/* The best candidate never makes its server: the next best becomes a voter. */
TEST_F(cluster, late_candidate)
{
	char token[TOKEN_TEXT], path[128];
	struct group_info info;
	FILE *file;
	u32 i;

	/* where its log should be is a file */
	snprintf(path, sizeof(path), "%s/raft", node[1].dir);
	file = fopen(path, "w");
	ASSERT_TRUE(file);
	ASSERT_EQ(0, fclose(file));
	for (i = 0; i < NODES; i++)
		node[i].c->opt.ready_ns = 300 * MS;
	ASSERT_TRUE(make_cluster());
	ASSERT_TRUE(make_token(&node[0], 4, 60000, token));
	for (i = 1; i < 4; i++)
		ASSERT_EQ(0, join(&node[i], &node[0], token));
	ASSERT_TRUE(WAIT_FOR(leader() &&
			     (group_look(leader()->c->group, &info),
			      hweight32(info.conf.old) == 3) &&
			     !info.conf.next));
	EXPECT_FALSE(node[1].c->group);
	EXPECT_TRUE(votes(node[2].c->record.server));
	EXPECT_TRUE(votes(node[3].c->record.server));
}

/* What an old log says of the group is passed over, and who led once. */
TEST_F(cluster, old_members)
{
	struct msg_members members;
	struct node *n, *from;
	u32 nr, led;

	ASSERT_TRUE(make_nodes(4));
	for (n = &node[1]; n->c->group; n++)
		;
	ASSERT_TRUE(WAIT_FOR(n->c->record.nr_peers == 3 &&
			     n->c->leader == leader()->c->record.node));
	from = leader() == &node[0] ? &node[n == &node[1] ? 2 : 1] : &node[0];
	led = n->c->leader;
	members_now(from->c, &members);
	nr = members.nr;
	ASSERT_EQ(3, nr);
	members.nr = 2;
	members.leader = from->c->record.node;
	members.term = n->c->leader_term - 1;
	members.log_term = n->c->members_term;
	members.log_index = n->c->members_index - 1;
	members_heard(n->c, from->c->record.node, &members);
	EXPECT_EQ(3, n->c->record.nr_peers);
	EXPECT_EQ(led, n->c->leader);
	/* a longer log of an older term is older */
	members.log_term--;
	members.log_index += 1000;
	members_heard(n->c, from->c->record.node, &members);
	EXPECT_EQ(3, n->c->record.nr_peers);
	/* who campaigned in vain knows of no leader, in whatever term */
	members.leader = 0;
	members.term = n->c->leader_term + 5;
	members_heard(n->c, from->c->record.node, &members);
	EXPECT_EQ(led, n->c->leader);
	members.log_term = n->c->members_term + 1;
	members.log_index = 1;
	members.leader = from->c->record.node;
	members_heard(n->c, from->c->record.node, &members);
	EXPECT_EQ(2, n->c->record.nr_peers);
	EXPECT_EQ(from->c->record.node, n->c->leader);
}

/* It was taken in and did not hear of it: the same token is still good. */
TEST_F(cluster, join_again)
{
	char token[TOKEN_TEXT], why[CLUSTER_WHY_MAX];
	const struct state_node *known;
	struct node *n = &node[1];
	struct token made;

	ASSERT_TRUE(make_nodes(1));
	ASSERT_TRUE(make_token(&node[0], 1, 60000, token));
	ASSERT_EQ(0, token_parse(token, &made));
	ASSERT_EQ(0, cluster_join(n->c, token, &node[0].opt.listen[0], 1,
				  joined, n, why));
	ASSERT_TRUE(WAIT_FOR((known = state_node_by_name(node[0].c->s, "n2"))));
	ASSERT_FALSE(n->joined);
	cluster_join_cancel(n->c);
	EXPECT_EQ(STATE_NODE_JOINING, known->state);
	EXPECT_EQ(0, state_token_by_id(node[0].c->s, made.id)->uses);
	/* somebody else can not come with it */
	EXPECT_EQ(-EACCES, join(&node[2], &node[0], token));
	EXPECT_EQ(0, join(n, &node[0], token));
	EXPECT_EQ(2, n->c->record.node);
	ASSERT_TRUE(WAIT_FOR((known = state_node_by_name(node[0].c->s, "n2")) &&
			     known->state == STATE_NODE_ACTIVE));
	EXPECT_EQ(-ECONNREFUSED, join(&node[2], &node[0], token));
}

TEST_HARNESS_MAIN
