// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is asked about repair: nodes and stores drain, and who leads changes
 * sets, step by step; nobody else does.
 */
#include "volume_world.h"

/* The step of @kind, as the duty of who leads would ask for it. */
static struct json_object *step(u32 kind, u64 add, u64 del)
{
	struct json_object *args = json_object_new_object();
	struct state_shard_view view;

	ASSERT_EQ(0, state_view_shard(leader()->c->s, 1, 0, &view));
	with(with(with(args, "kind", kind), "volume", 1), "shard", 0);
	with(with(args, "term", volume("db")->term), "epoch", view.epoch);
	if (add)
		with(args, "add", add);
	if (del)
		with(args, "del", del);
	return args;
}

static bool job_has(struct node *n, const char *job, const char *of,
		    const char *waits)
{
	struct json_object *list, *row;
	struct asked asked;
	bool found = false;
	size_t i;

	if (!asked_ok(n, "job list", NULL, &asked))
		return false;
	json_object_object_get_ex(asked.ok, "jobs", &list);
	for (i = 0; i < json_object_array_length(list); i++) {
		row = json_object_array_get_idx(list, i);
		if (strcmp(word(row, "job"), job) != 0)
			continue;
		found = !strcmp(word(row, "of"), of) &&
			strstr(word(row, "waits"), waits);
		if (!found)
			printf("# %s of %s waits for %s\n", job,
			       word(row, "of"), word(row, "waits"));
	}
	json_object_put(asked.ok);
	return found;
}

static u64 copies(struct node *n, const char *name)
{
	struct asked asked;
	u64 nr = 99;

	if (asked_ok(n, "node show", named(name), &asked))
		nr = args_number(asked.ok, "copies", 99);
	json_object_put(asked.ok);
	return nr;
}

static struct json_object *store(const char *id)
{
	return with_text(json_object_new_object(), "store", id);
}

static bool make_db(void)
{
	return make_stores(4) &&
	       did(leader(), "volume create", volume_args("db", 64, 3)) &&
	       WAIT_FOR(volume("db")->shards == 1) && obey() &&
	       did(leader(), "volume attach",
		   with(with_text(named("db"), "node", "n1"), "session", 7));
}

static bool level_is(u32 level)
{
	struct node *n = leader();

	return n && state_cluster(n->c->s)->setting[STATE_SET_FEATURE] == level;
}

/* The set of shard 0 as people see it; and by whom repair is asked. */
static bool set_says(const char *set)
{
	struct json_object *list;
	struct asked asked;
	const char *seen;
	bool same;

	if (!asked_ok(leader(), "volume show", named("db"), &asked))
		return false;
	json_object_object_get_ex(asked.ok, "sets", &list);
	seen = word(json_object_array_get_idx(list, 0), "set");
	same = !strcmp(seen, set) &&
	       args_number(asked.ok, "unknown", 99) == 7 &&
	       !strcmp(word(asked.ok, "repair"), "rain");
	json_object_put(asked.ok);
	return same;
}

static struct json_object *beside_repair(struct cluster_beside *beside,
					 u32 volume)
{
	if (volume != 1)
		return NULL;
	return with_text(with(json_object_new_object(), "unknown", 7), "repair",
			 "rain");
}

static void beside_nothing(struct cluster_beside *beside)
{
}

static void beside_applied(struct cluster_beside *beside, uint64_t index,
			   const struct state_delta *delta)
{
}

static void beside_node(struct cluster_beside *beside, u32 id)
{
}

static const struct cluster_beside_ops beside_ops = {
	.up = beside_node,
	.down = beside_node,
	.applied = beside_applied,
	.loaded = beside_nothing,
	.changed = beside_nothing,
	.repair = beside_repair,
};

/* n2 drains: its copy moves to n4, and then it can go. */
TEST_F(cluster, drain)
{
	struct json_object *args;
	struct asked asked;
	struct node *n, *other;
	u32 i;

	ASSERT_TRUE(make_db());
	n = leader();
	other = n == &node[0] ? &node[1] : &node[0];
	EXPECT_TRUE(refused(n, "node drain", named("n9"), "BAD_REQUEST",
			    "no node n9"));
	ASSERT_TRUE(asked_ok(n, "node drain", named("n2"), &asked));
	EXPECT_EQ(1, args_number(asked.ok, "copies", 9));
	json_object_put(asked.ok);
	EXPECT_TRUE(job_has(n, "drain node", "n2", "1 copies to be moved"));
	EXPECT_TRUE(did(n, "node drain", with_flag(named("n2"), "cancel")));
	EXPECT_EQ(STATE_NODE_ACTIVE, state_node_by_id(n->c->s, 2)->state);
	ASSERT_TRUE(did(n, "node drain", named("n2")));
	/* only who leads may, and only these commands */
	EXPECT_TRUE(refused(other, "repair duty",
			    step(STATE_CMD_SHARD_PROPOSE, 4, 2), "NOT_YOURS",
			    "only who leads"));
	EXPECT_TRUE(refused(n, "repair duty", step(STATE_CMD_FENCE, 0, 0),
			    "NOT_YOURS", "only who leads"));
	ASSERT_TRUE(did(n, "repair duty", step(STATE_CMD_SHARD_PROPOSE, 4, 2)));
	EXPECT_TRUE(job_has(n, "replace", "db/0", "n4 to make the new copy"));
	ASSERT_TRUE(obey());
	EXPECT_TRUE(job_has(n, "replace", "db/0", "n1 to fill the copy of n4"));
	ASSERT_TRUE(did(n, "repair duty", step(STATE_CMD_SHARD_JOINT, 0, 0)));
	ASSERT_TRUE(did(n, "repair duty", step(STATE_CMD_SHARD_ADOPT, 0, 0)));
	EXPECT_TRUE(job_has(n, "replace", "db/0", "stable media"));
	for (i = 0; i < 2; i++) {
		args = with(with(with(with(report("settled"), "volume", 1),
				      "shard", 0),
				 "term", 1),
			    "epoch", 3);
		if (i)
			ASSERT_TRUE(did(&node[0], "agent report", args));
		else /* another one does not hold it */
			EXPECT_TRUE(refused(&node[2], "agent report", args,
					    "NOT_YOURS", "not held"));
	}
	EXPECT_EQ(0, copies(n, "n2"));
	EXPECT_EQ(1, copies(n, "n4"));
	EXPECT_TRUE(job_has(n, "drain node", "n2", "1 copies to be deleted"));
	ASSERT_TRUE(obey());
	EXPECT_TRUE(job_has(n, "drain node", "n2", "it can be removed"));
	EXPECT_TRUE(did(n, "store remove", store("2")));
}

/* The hold of @kind, as the duty of who leads would ask for it. */
static struct json_object *hold(u32 kind, u32 by)
{
	return with(with(step(kind, 0, 0), "node", by), "session", 5);
}

/* Nobody has it: n2 holds it for repair, and whoever wants it ends that. */
TEST_F(cluster, hold)
{
	struct asked asked;
	struct node *n;

	ASSERT_TRUE(make_db());
	n = leader();
	/* no device is taken, or let go of, by that door */
	EXPECT_TRUE(refused(n, "repair duty", hold(STATE_CMD_DETACH, 1),
			    "NOT_YOURS", "not held for repair"));
	EXPECT_FALSE(did(n, "repair duty", hold(STATE_CMD_ATTACH, 2)));
	ASSERT_TRUE(did(n, "volume detach", named("db")));
	ASSERT_TRUE(did(&node[0], "agent report", held("released", "db")));
	ASSERT_TRUE(did(n, "repair duty", hold(STATE_CMD_ATTACH, 2)));
	EXPECT_EQ(STATE_HOLD_REPAIR, (int)volume("db")->hold);
	EXPECT_TRUE(job_has(n, "repair", "db", "held by n2 for repair"));
	/* its agent has a session of its own, and that is for repair, too */
	ASSERT_TRUE(did(&node[1], "agent report",
			with(held("again", "db"), "session", 91)));
	EXPECT_EQ(STATE_HOLD_REPAIR, (int)volume("db")->hold);
	EXPECT_EQ(91, volume("db")->session);
	EXPECT_EQ(0, volume("db")->want);
	ASSERT_TRUE(did(&node[1], "agent report", held("attached", "db")));
	ASSERT_TRUE(asked_ok(n, "volume show", named("db"), &asked));
	EXPECT_STREQ("", word(asked.ok, "attached"));
	EXPECT_STREQ("n2", word(asked.ok, "repaired"));
	EXPECT_STREQ("repair", word(asked.ok, "serves"));
	json_object_put(asked.ok);
	/* the same node gets a device at once: what was for repair is apart */
	ASSERT_TRUE(
		did(n, "volume attach",
		    with(with_text(named("db"), "node", "n2"), "session", 92)));
	EXPECT_EQ(STATE_HOLD_DEVICE, (int)volume("db")->hold);
	ASSERT_TRUE(did(&node[1], "agent report",
			with(held("again", "db"), "session", 93)));
	EXPECT_EQ(STATE_HOLD_DEVICE, (int)volume("db")->hold);
	ASSERT_TRUE(did(n, "volume detach", with_flag(named("db"), "force")));
	/* a detach ends the hold, and so does who deletes it */
	ASSERT_TRUE(did(n, "repair duty", hold(STATE_CMD_ATTACH, 3)));
	ASSERT_TRUE(did(n, "volume detach", named("db")));
	EXPECT_EQ(STATE_HOLD_NONE, (int)volume("db")->hold);
	ASSERT_TRUE(did(n, "repair duty", hold(STATE_CMD_ATTACH, 3)));
	ASSERT_TRUE(did(n, "volume delete", named("db")));
	EXPECT_EQ(STATE_VOLUME_DELETING, (int)volume("db")->state);
}

/* A store that failed does not drain, one that drains can leave off. */
TEST_F(cluster, drain_store)
{
	struct cluster_beside beside = { &beside_ops };

	ASSERT_TRUE(make_db());
	EXPECT_TRUE(refused(leader(), "repair status", NULL, "NOT_FOUND",
			    "has not begun"));
	cluster_beside(leader()->c, &beside);
	/* who falls silent for a moment, on a busy machine, is unknown */
	EXPECT_TRUE(WAIT_FOR(set_says("n1, n2, n3")));
	EXPECT_TRUE(did(leader(), "store drain", store("2")));
	EXPECT_TRUE(job_has(leader(), "drain store", "2", "to be moved"));
	EXPECT_EQ(STATE_STORE_DRAINING,
		  state_store_by_id(leader()->c->s, 2)->state);
	EXPECT_TRUE(
		did(leader(), "store drain", with_flag(store("2"), "cancel")));
	EXPECT_EQ(STATE_STORE_ACTIVE,
		  state_store_by_id(leader()->c->s, 2)->state);
	EXPECT_TRUE(did(&node[1], "agent report",
			with(report("store-failed"), "store", 2)));
	EXPECT_TRUE(WAIT_FOR(set_says("n1, n2 (failed), n3")));
	EXPECT_TRUE(refused(leader(), "store drain", store("2"), "BAD_REQUEST",
			    "failed"));
	EXPECT_TRUE(refused(leader(), "store drain",
			    with_flag(store("2"), "cancel"), "BAD_REQUEST",
			    "failed"));
	cluster_beside(leader()->c, NULL);
}

/* The store of n2 failed, and is given up: by one command, from then on. */
TEST_F(cluster, store_lost)
{
	struct json_object *args;
	struct asked asked;
	struct node *n;

	ASSERT_TRUE(make_db());
	ASSERT_TRUE(WAIT_FOR(level_is(SESSION_VERSION)));
	n = leader();
	ASSERT_TRUE(did(&node[1], "agent report",
			with(report("store-failed"), "store", 2)));
	/* without who falls silent for a moment, on a busy machine, it can't */
	ASSERT_TRUE(WAIT_FOR(asked_ok(n, "store remove",
				      with_flag(store("2"), "force"), &asked)));
	EXPECT_EQ(1, args_number(asked.ok, "copies", 9));
	json_object_put(asked.ok);
	EXPECT_EQ(STATE_STORE_LOST, state_store_by_id(n->c->s, 2)->state);
	EXPECT_TRUE(job_has(n, "replace store", "2", "1 copies to be moved"));
	EXPECT_TRUE(refused(n, "store drain", with_flag(store("2"), "cancel"),
			    "BAD_REQUEST", "was given up"));
	ASSERT_TRUE(did(n, "repair duty", step(STATE_CMD_SHARD_PROPOSE, 4, 2)));
	ASSERT_TRUE(obey());
	ASSERT_TRUE(did(n, "repair duty", step(STATE_CMD_SHARD_JOINT, 0, 0)));
	ASSERT_TRUE(did(n, "repair duty", step(STATE_CMD_SHARD_ADOPT, 0, 0)));
	EXPECT_EQ(STATE_STORE_LOST, state_store_by_id(n->c->s, 2)->state);
	args = with(with(report("settled"), "volume", 1), "shard", 0);
	ASSERT_TRUE(did(&node[0], "agent report",
			with(with(args, "term", 1), "epoch", 3)));
	/* n2 is there, and may delete what it has: others are asked first */
	ASSERT_TRUE(did(n, "store drain", store("1")));
	EXPECT_EQ(STATE_STORE_LOST, state_store_by_id(n->c->s, 2)->state);
	ASSERT_TRUE(obey());
	EXPECT_TRUE(WAIT_FOR(state_store_by_id(leader()->c->s, 2)->state ==
			     STATE_STORE_REMOVED));
}

static bool has_problem(struct node *n, const char *problem, const char *todo)
{
	struct json_object *doc = cluster_status(n->c), *list, *row;
	bool found = false;
	size_t i;

	json_object_object_get_ex(doc, "problems", &list);
	for (i = 0; i < json_object_array_length(list); i++) {
		row = json_object_array_get_idx(list, i);
		found |= strstr(word(row, "problem"), problem) &&
			 strstr(word(row, "do"), todo);
	}
	json_object_put(doc);
	return found;
}

/*
 * n3 dies for good.  It is given up, but not as long as it is needed, nor while
 * it is there; it is removed when nothing of it is left.
 */
TEST_F(cluster, lost)
{
	struct asked asked;

	ASSERT_TRUE(make_db());
	EXPECT_TRUE(refused(leader(), "node remove", named("n3"), "BAD_REQUEST",
			    "has 1 copies: 'qbdctl node drain'"));
	EXPECT_TRUE(refused(leader(), "node remove",
			    with_flag(named("n3"), "force"), "BAD_REQUEST",
			    "n3 is there"));
	EXPECT_TRUE(refused(leader(), "store remove",
			    with_flag(store("3"), "force"), "BAD_REQUEST",
			    "store 3 is there"));
	/* by itself, as soon as all nodes are heard to know the command */
	ASSERT_TRUE(WAIT_FOR(level_is(SESSION_VERSION)));
	stop(&node[2]);
	ASSERT_TRUE(WAIT_FOR(leader() && !cluster_reaches(leader()->c, 3)));
	EXPECT_TRUE(did(&node[1], "agent report",
			with(report("store-failed"), "store", 2)));
	EXPECT_TRUE(refused(leader(), "node remove", named("n3"), "BAD_REQUEST",
			    "needed for a quorum of db"));
	EXPECT_TRUE(refused(leader(), "node remove",
			    with_flag(named("n3"), "force"), "BAD_REQUEST",
			    "too few copies are left of db"));
	EXPECT_TRUE(refused(leader(), "store remove",
			    with_flag(store("3"), "force"), "BAD_REQUEST",
			    "too few copies are left of db"));
	/* the volume goes first */
	ASSERT_TRUE(did(leader(), "volume detach",
			with_flag(named("db"), "force")));
	ASSERT_TRUE(did(leader(), "volume delete", named("db")));
	ASSERT_TRUE(asked_ok(leader(), "node remove",
			     with_flag(named("n3"), "force"), &asked));
	json_object_put(asked.ok);
	EXPECT_TRUE(WAIT_FOR(state_node_by_id(leader()->c->s, 3)->state ==
			     STATE_NODE_REMOVED));
	/* who comes back nevertheless is told, though nobody calls it */
	node[2].opt.knock_ms = 100;
	ASSERT_EQ(0, start(&node[2]));
	EXPECT_TRUE(WAIT_FOR(has_problem(&node[2], "member 1 refuses this node",
					 "this node was removed")));
}

TEST_HARNESS_MAIN
