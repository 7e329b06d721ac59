// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores and volumes, asked of five daemons in one loop: made, placed, made
 * ready by what agents report, attached, detached, resized, deleted; what
 * leaders go on with, what they pass over, and whose reports count.
 */
#include "volume_world.h"

TEST_F(cluster, stores)
{
	struct json_object *list, *row;
	struct asked asked;
	u8 uuid[16] = { 0x55, 2 };

	ASSERT_TRUE(make_stores(3));
	/* twice is once, and nobody speaks for another node */
	list = with(json_object_new_object(), "capacity", GIB);
	json_object_object_add(list, "uuid", json_hex(uuid, sizeof(uuid)));
	EXPECT_TRUE(refused(&node[2], "store add", list, "STORE_TAKEN", "n2"));
	EXPECT_TRUE(refused(&node[0], "store add",
			    with(json_object_new_object(), "node", 2),
			    "BAD_REQUEST", "its node"));
	ASSERT_TRUE(asked_ok(&node[1], "store list", NULL, &asked));
	ASSERT_TRUE(json_object_object_get_ex(asked.ok, "stores", &list));
	ASSERT_EQ(3, json_object_array_length(list));
	row = json_object_array_get_idx(list, 1);
	EXPECT_STREQ("n2", word(row, "node"));
	EXPECT_STREQ("active", word(row, "state"));
	EXPECT_EQ(1000 * GIB, args_number(row, "free", 0));
	json_object_put(asked.ok);
	/* by its uuid, and by its id */
	ASSERT_TRUE(asked_ok(&node[2], "store show",
			     with_text(json_object_new_object(), "store",
				       "55020000000000000000000000000000"),
			     &asked));
	EXPECT_EQ(2, args_number(asked.ok, "id", 0));
	json_object_put(asked.ok);
	ASSERT_TRUE(make_volume(&node[0], "db", 64, 3));
	EXPECT_TRUE(refused(&node[0], "store remove",
			    with_text(json_object_new_object(), "store", "2"),
			    "STORE_HOLDS", "has 1 replicas"));
	ASSERT_TRUE(did(&node[0], "volume delete", named("db")));
	ASSERT_TRUE(obey());
	ASSERT_TRUE(did(&node[0], "store remove",
			with_text(json_object_new_object(), "store", "2")));
	EXPECT_TRUE(refused(&node[0], "store show",
			    with_text(json_object_new_object(), "store", "2"),
			    "NOT_FOUND", "no store 2"));
}

TEST_F(cluster, made)
{
	struct json_object *list;
	struct asked asked;

	ASSERT_TRUE(make_stores(3));
	EXPECT_TRUE(refused(&node[1], "volume create", volume_args("v", 64, 4),
			    "BAD_REQUEST", "4 copies need 4 hosts"));
	EXPECT_TRUE(refused(&node[1], "volume create",
			    with(named("v"), "size", 4097), "BAD_REQUEST",
			    "multiple"));
	EXPECT_TRUE(refused(&node[1], "volume create",
			    with(named("v"), "size", 1ULL << 60), "BAD_REQUEST",
			    "--shard-size"));
	EXPECT_TRUE(refused(&node[1], "volume create",
			    with_text(volume_args("v", 64, 3), "on-no-quorum",
				      "error"),
			    "BAD_REQUEST", "--no-quorum-after"));
	ASSERT_TRUE(asked_ok(&node[1], "volume create",
			     volume_args("db", 1000, 3), &asked));
	EXPECT_STREQ("creating", word(asked.ok, "state"));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "to be placed"));
	json_object_put(asked.ok);
	EXPECT_TRUE(refused(&node[1], "volume create", volume_args("db", 64, 3),
			    "NAME_TAKEN", "in use"));
	ASSERT_TRUE(placed("db"));
	EXPECT_EQ(16, volume("db")->shards);
	ASSERT_TRUE(asked_ok(&node[2], "volume show", named("db"), &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "48 copies to be made"));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "which is alive"));
	ASSERT_TRUE(json_object_object_get_ex(asked.ok, "sets", &list));
	EXPECT_EQ(16, json_object_array_length(list));
	json_object_put(asked.ok);
	EXPECT_TRUE(refused(&node[0], "volume attach", named("db"),
			    "BAD_REQUEST", "not ready"));
	ASSERT_TRUE(asked_ok(&node[0], "job list", NULL, &asked));
	ASSERT_TRUE(json_object_object_get_ex(asked.ok, "jobs", &list));
	ASSERT_EQ(1, json_object_array_length(list));
	EXPECT_STREQ("create", word(json_object_array_get_idx(list, 0), "job"));
	EXPECT_EQ(48,
		  args_number(json_object_array_get_idx(list, 0), "total", 0));
	json_object_put(asked.ok);
	ASSERT_TRUE(obey());
	EXPECT_EQ(STATE_VOLUME_READY, volume("db")->state);
	ASSERT_TRUE(asked_ok(&node[2], "volume show", named("db"), &asked));
	EXPECT_STREQ("", word(asked.ok, "waits"));
	json_object_put(asked.ok);
	ASSERT_TRUE(did(&node[0], "volume delete", named("db")));
	ASSERT_TRUE(asked_ok(&node[2], "volume show", named("db"), &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "16 shards to be deleted"));
	json_object_put(asked.ok);
	ASSERT_TRUE(obey());
	EXPECT_TRUE(refused(&node[2], "volume show", named("db"), "NOT_FOUND",
			    "no volume db"));
}

/* More than one command has room for; and the leader goes in between. */
TEST_F(cluster, parts)
{
	struct asked asked;
	struct node *old, *n;
	u32 shards = 3 * VOLUME_PART + 5;

	ASSERT_TRUE(make_stores(4));
	ASSERT_EQ(512, VOLUME_PART);
	/* four stores take 512 copies each: one copy of each shard fits */
	old = leader();
	n = old == &node[0] ? &node[1] : &node[0];
	asked = (struct asked){ .ask.verb = "volume create",
				.ask.args =
					volume_args("big", 64ULL * shards, 1),
				.ask.timeout_ms = 20000,
				.ask.done = asked_done };
	cluster_ask(n->c, &asked.ask);
	ASSERT_TRUE(WAIT_FOR(volume("big") && volume("big")->shards));
	EXPECT_GT(shards, volume("big")->shards);
	stop(old);
	ASSERT_TRUE(WAIT_FOR(asked.done && leader()));
	EXPECT_STREQ("", asked.code);
	json_object_put(asked.ask.args);
	json_object_put(asked.ok);
	ASSERT_TRUE(placed("big"));
	EXPECT_EQ(shards, volume("big")->shards);
}

/* One that finds no place does not keep the others, nor nodes, from theirs. */
TEST_F(cluster, no_place)
{
	struct asked asked;
	char token[TOKEN_TEXT];
	struct json_object *args;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(make_volume(&node[0], "a", 64, 3));
	args = with(report("store-failed"), "store", 3);
	EXPECT_TRUE(refused(&node[0], "agent report", args, "NOT_YOURS",
			    "not one of this node"));
	args = with(report("store-failed"), "store", 3);
	ASSERT_TRUE(did(&node[2], "agent report", args));
	ASSERT_TRUE(did(&node[0], "volume resize",
			with(named("a"), "size", 640 * MIB)));
	ASSERT_TRUE(asked_ok(&node[1], "volume show", named("a"), &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "a place for shard 1"));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "there are 2"));
	json_object_put(asked.ok);
	ASSERT_TRUE(make_volume(&node[0], "b", 64, 2));
	ASSERT_TRUE(make_token(&node[0], 1, 60000, token));
	ASSERT_EQ(0, join(&node[3], &node[0], token));
	ASSERT_TRUE(WAIT_FOR(state_node_by_id(leader()->c->s, 4)->state ==
			     STATE_NODE_ACTIVE));
	EXPECT_EQ(1, volume("a")->shards);
	/* and when there is one again it is taken */
	ASSERT_TRUE(add_store(&node[3]));
	ASSERT_TRUE(placed("a"));
	ASSERT_TRUE(obey());
	EXPECT_EQ(640 * MIB, volume("a")->size);
}

TEST_F(cluster, attached)
{
	struct json_object *args;
	struct asked asked;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(make_volume(&node[0], "db", 128, 3));
	EXPECT_TRUE(refused(&node[0], "volume detach", named("db"),
			    "BAD_REQUEST", "not attached"));
	/* without a name: where it was asked */
	ASSERT_TRUE(asked_ok(&node[1], "volume attach",
			     with(named("db"), "session", 71), &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "node n2"));
	EXPECT_EQ(1, args_number(asked.ok, "term", 0));
	json_object_put(asked.ok);
	EXPECT_EQ(2, volume("db")->holder);
	args = with_text(held("attached", "db"), "device", "qbd0");
	EXPECT_TRUE(refused(&node[0], "agent report", args, "NOT_YOURS",
			    "not held by this node"));
	args = with_text(held("attached", "db"), "device", "qbd0\n");
	ASSERT_TRUE(did(&node[1], "agent report", args));
	ASSERT_TRUE(asked_ok(&node[0], "volume show", named("db"), &asked));
	EXPECT_STREQ("", word(asked.ok, "waits"));
	EXPECT_STREQ("n2", word(asked.ok, "attached"));
	EXPECT_STREQ("serving", word(asked.ok, "serves"));
	EXPECT_STREQ("qbd0?", word(asked.ok, "device"));
	json_object_put(asked.ok);
	/* neither here nor there, unless it is said */
	EXPECT_TRUE(refused(&node[1], "volume attach",
			    with(named("db"), "session", 72), "BAD_REQUEST",
			    "is attached on n2"));
	EXPECT_TRUE(refused(&node[2], "volume attach",
			    with(named("db"), "session", 73), "ATTACHED",
			    "use --force"));
	EXPECT_TRUE(refused(&node[0], "volume delete", named("db"), "HELD",
			    "detach it first"));
	EXPECT_EQ(1, volume("db")->term);
	args = with_text(with(named("db"), "session", 73), "node", "n3");
	ASSERT_TRUE(did(&node[1], "volume attach", with_flag(args, "force")));
	EXPECT_EQ(3, volume("db")->holder);
	EXPECT_EQ(2, volume("db")->term);
	/* the old holder has nothing to say any more */
	args = with(with(report("released"), "volume", volume("db")->id),
		    "term", 1);
	EXPECT_TRUE(
		refused(&node[1], "agent report", args, "NOT_YOURS", "term 1"));
	args = held("released", "db");
	EXPECT_TRUE(
		refused(&node[1], "agent report", args, "NOT_YOURS", "term 2"));
	/* in order: it is asked for, and the kernel says when */
	ASSERT_TRUE(asked_ok(&node[0], "volume detach", named("db"), &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "to release it"));
	json_object_put(asked.ok);
	EXPECT_EQ(3, volume("db")->holder);
	ASSERT_TRUE(did(&node[2], "agent report", held("released", "db")));
	EXPECT_EQ(0, volume("db")->holder);
	/* by force: nobody is asked */
	ASSERT_TRUE(did(&node[0], "volume attach",
			with(named("db"), "session", 74)));
	ASSERT_TRUE(did(&node[1], "volume detach",
			with_flag(named("db"), "force")));
	EXPECT_EQ(0, volume("db")->holder);
	EXPECT_EQ(4, volume("db")->term);
}

/* Who leads hears a node, and has done so for long enough. */
static bool believes(u32 id)
{
	bool alive = false, heard;
	uint64_t since_ns;

	if (leader())
		cluster_thinks(leader()->c, id, &alive, &heard, &since_ns);
	return alive;
}

/* A node that is named gets it in order: who has it lets go first. */
TEST_F(cluster, moved)
{
	struct json_object *args;
	struct asked asked;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(make_volume(&node[0], "db", 64, 3));
	ASSERT_TRUE(WAIT_FOR(believes(1) && believes(2) && believes(3)));
	ASSERT_TRUE(did(&node[1], "volume attach",
			with(named("db"), "session", 71)));
	args = with_text(with(named("db"), "session", 72), "node", "n3");
	ASSERT_TRUE(asked_ok(&node[0], "volume attach", args, &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "node n2"));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "to release it"));
	json_object_put(asked.ok);
	/* nothing has changed before that */
	EXPECT_EQ(2, volume("db")->holder);
	EXPECT_EQ(1, volume("db")->term);
	EXPECT_EQ(3, volume("db")->want);
	/* the holder gets no other term on its way */
	args = with(held("again", "db"), "session", 75);
	EXPECT_TRUE(refused(&node[1], "agent report", args, "NOT_YOURS",
			    "not wanted here any more"));
	ASSERT_TRUE(did(&node[1], "agent report", held("released", "db")));
	ASSERT_TRUE(asked_ok(&node[0], "volume show", named("db"), &asked));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "n3"));
	EXPECT_TRUE(strstr(word(asked.ok, "waits"), "to ask for it"));
	json_object_put(asked.ok);
	args = with(held("again", "db"), "session", 76);
	ASSERT_TRUE(did(&node[2], "agent report", args));
	EXPECT_EQ(3, volume("db")->holder);
	EXPECT_EQ(2, volume("db")->term);
	EXPECT_EQ(76, volume("db")->session);
	/* back: what n3 had is no reason for n2 to wait */
	args = with_text(with(named("db"), "session", 77), "node", "n2");
	ASSERT_TRUE(did(&node[0], "volume attach", args));
	args = with(held("again", "db"), "session", 78);
	ASSERT_TRUE(did(&node[2], "agent report", held("released", "db")));
	/* of a term that has passed */
	ASSERT_TRUE(did(&node[1], "volume attach",
			with(named("db"), "session", 79)));
	EXPECT_TRUE(refused(&node[1], "agent report", args, "NOT_YOURS",
			    "under term 2"));
	ASSERT_TRUE(did(&node[1], "agent report",
			with(held("again", "db"), "session", 80)));
	EXPECT_EQ(2, volume("db")->holder);
	EXPECT_EQ(4, volume("db")->term);
	/* nor is one that let go of it in order */
	args = with_text(with(named("db"), "session", 81), "node", "n3");
	ASSERT_TRUE(did(&node[0], "volume attach", args));
	ASSERT_TRUE(did(&node[1], "agent report", held("released", "db")));
	ASSERT_TRUE(did(&node[2], "agent report",
			with(held("again", "db"), "session", 82)));
	EXPECT_EQ(3, volume("db")->holder);
}

/* Its kernel forgot it: another term for the same node, but not at each beat.
 */
TEST_F(cluster, another_term)
{
	struct json_object *args;
	u64 begun;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(make_volume(&node[0], "db", 64, 3));
	ASSERT_TRUE(did(&node[1], "volume attach",
			with(named("db"), "session", 7)));
	args = with(held("again", "db"), "session", 7);
	EXPECT_TRUE(refused(&node[1], "agent report", args, "BAD_REQUEST",
			    "another session"));
	args = with(held("again", "db"), "session", 8);
	EXPECT_TRUE(refused(&node[2], "agent report", args, "NOT_YOURS",
			    "not held"));
	begun = loop_now(loop);
	ASSERT_TRUE(did(&node[1], "agent report",
			with(held("again", "db"), "session", 8)));
	EXPECT_EQ(2, volume("db")->term);
	EXPECT_EQ(8, volume("db")->session);
	if (loop_now(loop) < begun + 900 * MS) {
		args = with(held("again", "db"), "session", 9);
		EXPECT_TRUE(refused(&node[1], "agent report", args, "TOO_SOON",
				    "only now"));
	}
	ASSERT_TRUE(WAIT_FOR(loop_now(loop) > begun + 3000 * MS));
	ASSERT_TRUE(did(&node[1], "agent report",
			with(held("again", "db"), "session", 9)));
	EXPECT_EQ(3, volume("db")->term);
	/* released without being asked: it is wanted there still */
	begun = loop_now(loop);
	ASSERT_TRUE(did(&node[1], "agent report", held("released", "db")));
	EXPECT_EQ(0, volume("db")->holder);
	ASSERT_TRUE(WAIT_FOR(loop_now(loop) > begun + 3000 * MS));
	args = with(held("again", "db"), "session", 11);
	EXPECT_TRUE(refused(&node[2], "agent report", args, "NOT_YOURS",
			    "not held"));
	ASSERT_TRUE(did(&node[1], "agent report",
			with(held("again", "db"), "session", 11)));
	EXPECT_EQ(2, volume("db")->holder);
	EXPECT_EQ(4, volume("db")->term);
	/* it is to go: then it is released, and not attached again */
	ASSERT_TRUE(did(&node[0], "volume detach", named("db")));
	args = with(held("again", "db"), "session", 10);
	EXPECT_TRUE(refused(&node[1], "agent report", args, "NOT_YOURS",
			    "release it"));
}

TEST_F(cluster, policies)
{
	const struct state_volume *db;
	struct json_object *args, *list;
	struct asked asked;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(make_volume(&node[0], "db", 64, 2));
	EXPECT_TRUE(refused(&node[0], "volume set", named("db"), "BAD_REQUEST",
			    "nothing to change"));
	args = with_text(with_text(named("db"), "auto-attach", "n1,n3"), "unit",
			 "db.service");
	ASSERT_TRUE(did(&node[0], "volume set", args));
	args = with_text(named("db"), "on-no-quorum", "error");
	ASSERT_TRUE(did(&node[0], "volume set",
			with(args, "no-quorum-after", 30000)));
	args = with_text(named("db"), "auto-attach", "n1,nobody");
	EXPECT_TRUE(refused(&node[0], "volume set", args, "BAD_REQUEST",
			    "no node nobody"));
	args = with_text(named("db"), "run", "relative");
	EXPECT_TRUE(refused(&node[0], "volume set", args, "BAD_REQUEST",
			    "the path of a command"));
	ASSERT_TRUE(asked_ok(&node[1], "volume show", named("db"), &asked));
	ASSERT_TRUE(json_object_object_get_ex(asked.ok, "auto_attach", &list));
	ASSERT_EQ(2, json_object_array_length(list));
	EXPECT_STREQ("n3", json_object_get_string(
				   json_object_array_get_idx(list, 1)));
	EXPECT_STREQ("db.service", word(asked.ok, "run"));
	EXPECT_STREQ("error", word(asked.ok, "on_no_quorum"));
	EXPECT_EQ(30000, args_number(asked.ok, "no_quorum_ms", 0));
	EXPECT_STREQ("lease", word(asked.ok, "reads"));
	json_object_put(asked.ok);
	ASSERT_TRUE(did(&node[0], "volume set",
			with_flag(named("db"), "no-auto-attach")));
	db = volume("db");
	ASSERT_TRUE(db);
	EXPECT_EQ(0, db->nr_autos);
	EXPECT_STREQ("", db->run);
	EXPECT_EQ(30000, db->no_quorum_ms);
}

/* Whatever a report has in it: refused, and nothing changed. */
TEST_F(cluster, hostile_reports)
{
	static const char *const text[] = {
		"{}",
		"{\"kind\": 5}",
		"{\"kind\": \"none\"}",
		"{\"kind\": \"made\"}",
		"{\"kind\": \"made\", \"lines\": 7}",
		"{\"kind\": \"made\", \"lines\": []}",
		"{\"kind\": \"made\", \"lines\": [7]}",
		"{\"kind\": \"made\", \"lines\": [[1, 2]]}",
		"{\"kind\": \"made\", \"lines\": [[1, 2, 3, 4]]}",
		"{\"kind\": \"made\", \"lines\": [[1, 2, \"3\"]]}",
		"{\"kind\": \"made\", \"lines\": [[1, 2, -3]]}",
		"{\"kind\": \"made\", \"lines\": [[1, 65536, 3]]}",
		"{\"kind\": \"made\", \"lines\": [[4294967296, 1, 3]]}",
		"{\"kind\": \"gone\", \"lines\": {}}",
		"{\"kind\": \"stores\", \"lines\": [[3, 5, 5]]}",
		"{\"kind\": \"stores\", \"lines\": [[1, 0, 5]]}",
		"{\"kind\": \"store-failed\"}",
		"{\"kind\": \"attached\", \"volume\": 1, \"term\": 0}",
		"{\"kind\": \"released\", \"volume\": 1}",
		"{\"kind\": \"settled\", \"volume\": 1, \"shard\": 0}",
		"{\"kind\": \"again\", \"volume\": 1, \"session\": 3}",
	};
	struct json_object *args, *lines;
	struct asked asked;
	u64 before;
	u32 i;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(did(&node[0], "volume create", volume_args("db", 64, 3)));
	ASSERT_TRUE(placed("db"));
	before = volume("db")->unmade;
	ASSERT_EQ(3, before);
	for (i = 0; i < ARRAY_SIZE(text); i++) {
		args = json_of(text[i], strlen(text[i]), 8);
		ASSERT_TRUE(args);
		EXPECT_NULL(ask(&node[0], "agent report", args, &asked));
		json_object_put(asked.ok);
	}
	/* copies of other nodes: passed over */
	for (i = 1; i < 3; i++) {
		args = replicas(i + 1, STATE_TODO_CREATE);
		ASSERT_TRUE(asked_ok(&node[0], "agent report", args, &asked));
		EXPECT_EQ(0, args_number(asked.ok, "result", 9));
		json_object_put(asked.ok);
	}
	EXPECT_EQ(before, volume("db")->unmade);
	lines = json_object_new_array();
	add_line(lines, 1, 2, 7 * GIB);
	args = report("stores");
	json_object_object_add(args, "lines", lines);
	ASSERT_TRUE(did(&node[0], "agent report", args));
	EXPECT_EQ(7 * GIB, state_store_by_id(leader()->c->s, 1)->free);
	EXPECT_EQ(2, state_store_by_id(leader()->c->s, 1)->opens);
}

/* However many volumes there are: so many in a turn of the loop, and all. */
TEST_F(cluster, slices)
{
	char name[] = "v0";
	struct cluster *c;
	u32 i, slots;

	ASSERT_TRUE(make_stores(3));
	for (i = 0; i < NODES; i++)
		if (node[i].c)
			node[i].c->opt.duty_slice = 1;
	for (i = 0; i < 7; i++) {
		name[1] = '0' + i;
		ASSERT_TRUE(did(leader(), "volume create",
				volume_args(name, 64, 3)));
	}
	/* whichever comes first, none is passed over */
	for (i = 0; i < 7; i++) {
		name[1] = '0' + i;
		EXPECT_TRUE(placed(name));
	}
	ASSERT_TRUE(WAIT_FOR(leader() && !leader()->c->duty &&
			     !leader()->c->duty_left));
	c = leader()->c;
	c->opt.duty_slice = 3;
	c->duty_slot = 0;
	c->duty_look = true;
	slots = state_limits(c->s)->volumes;
	EXPECT_FALSE(duty_volumes(c));
	EXPECT_EQ(slots - 3, c->duty_left);
	EXPECT_FALSE(duty_volumes(c));
	EXPECT_EQ(slots - 6, c->duty_left);
	EXPECT_FALSE(duty_volumes(c));
	EXPECT_EQ(0, c->duty_left);
	EXPECT_EQ(0, c->duty_slot);
}

TEST_HARNESS_MAIN
