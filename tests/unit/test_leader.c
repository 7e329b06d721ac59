// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leader and replicas together, in the small cluster of shard_world.h: what a
 * user would see, with machines that die; and the same at random, checked as a
 * register per block: a read shows the newest version acknowledged before it
 * began, or a newer one, and never goes back.
 */
#include "harness.h"
#include "shard_world.h"

static void must_serve(struct sw_world *world, u32 id)
{
	ASSERT_TRUE(
		sw_run_until(world, &world->node[id].serving, 20000 * SW_MS));
}

static void must_write(struct sw_world *world, u32 id, u32 block, u64 value)
{
	struct sw_req req;

	ASSERT_EQ(0, sw_write(world, id, &req, block, value));
	ASSERT_TRUE(sw_run_until(world, &req.done, 10000 * SW_MS));
	ASSERT_EQ(0, req.err);
}

static u64 must_read(struct sw_world *world, u32 id, u32 block)
{
	struct sw_req req;
	int err = sw_read(world, id, &req, block);

	ASSERT_EQ(0, err);
	ASSERT_TRUE(sw_run_until(world, &req.done, 10000 * SW_MS));
	ASSERT_EQ(0, req.err);
	return req.value;
}

TEST(one_copy_serves)
{
	struct sw_world *world = sw_new(1, 1);
	u32 i;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	for (i = 0; i < 200; i++)
		must_write(world, 1, i % SW_BLOCKS, 1000 + i);
	EXPECT_EQ(1199, must_read(world, 1, 199 % SW_BLOCKS));
	EXPECT_EQ(200, world->node[1].puts);
	EXPECT_EQ(0, world->msgs);
	sw_free(world);
}

TEST(three_copies_survive_the_leader)
{
	struct sw_world *world = sw_new(3, 1);
	u32 i;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	for (i = 0; i < 20; i++)
		must_write(world, 1, i % SW_BLOCKS, 1000 + i);
	sw_crash(world, 1);
	sw_attach(world, 2, 6);
	must_serve(world, 2);
	EXPECT_EQ(1019, must_read(world, 2, 19 % SW_BLOCKS));
	must_write(world, 2, 0, 2000);
	sw_start(world, 1);
	must_write(world, 2, 1, 2001);
	sw_run(world, 3000 * SW_MS);
	EXPECT_EQ(world->node[2].mem.last, world->node[1].mem.last);
	EXPECT_EQ(2001, sw_value(world, 1, 1, U64_MAX));
	sw_free(world);
}

TEST(takeover_waits_for_the_lease)
{
	struct sw_world *world = sw_new(3, 1);
	u64 start;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 0, 1);
	sw_run(world, 500 * SW_MS);
	sw_crash(world, 1);
	start = world->now_ns;
	sw_attach(world, 2, 6);
	must_serve(world, 2);
	EXPECT_GE(world->now_ns - start, 1300 * SW_MS);
	EXPECT_LE(world->now_ns - start, 2500 * SW_MS);
	sw_free(world);
}

TEST(release_hands_over_at_once)
{
	struct sw_world *world = sw_new(3, 1);
	u64 start;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 0, 1);
	sw_event(world, 1,
		 &(struct qbd_leader_event){ .kind = QBD_LEADER_RELEASE });
	sw_run(world, 10 * SW_MS);
	EXPECT_EQ(1, world->node[1].released);
	start = world->now_ns;
	sw_attach(world, 2, 6);
	must_serve(world, 2);
	EXPECT_LE(world->now_ns - start, 20 * SW_MS);
	EXPECT_EQ(1, must_read(world, 2, 0));
	sw_free(world);
}

TEST(old_leader_is_fenced)
{
	struct sw_world *world = sw_new(3, 1);
	struct sw_req req;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 0, 1);
	sw_attach(world, 2, 6);
	must_serve(world, 2);
	if (!world->node[1].lost) {
		sw_write(world, 1, &req, 0, 2);
		sw_run(world, 1000 * SW_MS);
	}
	EXPECT_TRUE(world->node[1].lost);
	EXPECT_EQ(6, world->node[1].lost_term);
	EXPECT_EQ(1, must_read(world, 2, 0));
	sw_free(world);
}

TEST(term_is_not_used_twice)
{
	struct sw_world *world = sw_new(3, 1);

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	sw_crash(world, 1);
	sw_start(world, 1);
	sw_attach(world, 1, 5);
	sw_run(world, 5000 * SW_MS);
	EXPECT_FALSE(world->node[1].serving);
	EXPECT_GE(world->node[1].need_term, 1);
	sw_free(world);
}

TEST(stale_suffix_is_truncated)
{
	struct sw_world *world = sw_new(3, 1);
	struct sw_req req[8];
	u32 i;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 0, 1);
	sw_cut(world, 1, 2, true);
	sw_cut(world, 1, 3, true);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, sw_write(world, 1, &req[i], i, 100 + i));
	sw_run(world, 100 * SW_MS);
	EXPECT_FALSE(req[0].done);
	sw_attach(world, 2, 6);
	must_serve(world, 2);
	must_write(world, 2, 1, 200);
	sw_cut(world, 1, 2, false);
	sw_cut(world, 1, 3, false);
	sw_run(world, 4000 * SW_MS);
	EXPECT_TRUE(req[0].done);
	EXPECT_NE(0, req[0].err);
	EXPECT_EQ(world->node[2].mem.last, world->node[1].mem.last);
	EXPECT_EQ(200, sw_value(world, 1, 1, U64_MAX));
	EXPECT_EQ(1, sw_value(world, 1, 0, U64_MAX));
	EXPECT_EQ(0, world->node[1].failed);
	sw_free(world);
}

TEST(long_absent_member_is_filled_by_the_other)
{
	struct sw_world *world = sw_new(3, 1);
	const struct qbd_progress *prog;
	u32 i;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 0, 1);
	sw_crash(world, 3);
	for (i = 0; i < 1000; i++)
		must_write(world, 1, i % SW_BLOCKS, 1000 + i);
	sw_start(world, 3);
	sw_run(world, 4000 * SW_MS);
	prog = qbd_leader_member(world->node[1].lead, 2);
	EXPECT_EQ(QBD_MEMBER_LIVE, prog->state);
	EXPECT_EQ(world->node[1].mem.last, world->node[3].mem.last);
	EXPECT_GE(world->fill_msgs, 990);
	EXPECT_LE(world->fill_msgs, 1010);
	sw_free(world);
}

TEST(catch_up_ends_under_load)
{
	struct sw_world *world = sw_new(3, 1);
	const struct qbd_progress *prog;
	u32 i;

	world->delay_ns = SW_MS;
	world->persist_ns = SW_MS;
	sw_attach(world, 1, 5);
	must_serve(world, 1);
	sw_crash(world, 3);
	for (i = 0; i < 300; i++)
		must_write(world, 1, i % SW_BLOCKS, 1000 + i);
	sw_start(world, 3);
	for (i = 0; i < 600; i++)
		must_write(world, 1, i % SW_BLOCKS, 2000 + i);
	prog = qbd_leader_member(world->node[1].lead, 2);
	EXPECT_EQ(QBD_MEMBER_LIVE, prog->state);
	sw_free(world);
}

TEST(log_gone_is_said)
{
	struct sw_world *world = sw_new(3, 1);
	const struct qbd_progress *prog;
	u32 i;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	sw_crash(world, 3);
	for (i = 0; i < 300; i++)
		must_write(world, 1, i % SW_BLOCKS, 1000 + i);
	world->node[1].mem.first = 200;
	world->node[2].mem.first = 200;
	sw_start(world, 3);
	sw_run(world, 3000 * SW_MS);
	prog = qbd_leader_member(world->node[1].lead, 2);
	EXPECT_EQ(QBD_MEMBER_GONE, prog->state);
	must_write(world, 1, 0, 5000);
	sw_free(world);
}

TEST(no_quorum_suspends_and_resumes)
{
	struct sw_world *world = sw_new(3, 1);
	struct qbd_leader_info info;
	struct sw_req req;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	sw_crash(world, 2);
	sw_crash(world, 3);
	ASSERT_EQ(0, sw_write(world, 1, &req, 0, 7));
	sw_run(world, 1000 * SW_MS);
	qbd_leader_info(world->node[1].lead, &info);
	EXPECT_TRUE(info.suspended);
	EXPECT_FALSE(req.done);
	sw_start(world, 3);
	ASSERT_TRUE(sw_run_until(world, &req.done, 5000 * SW_MS));
	EXPECT_EQ(0, req.err);
	EXPECT_EQ(7, must_read(world, 1, 0));
	sw_free(world);
}

TEST(reads_quorum_confirms_the_term)
{
	struct sw_world *world = sw_new(3, 1);
	struct sw_req req;

	world->reads_quorum = true;
	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 0, 7);
	EXPECT_EQ(7, must_read(world, 1, 0));
	sw_cut(world, 1, 2, true);
	sw_cut(world, 1, 3, true);
	ASSERT_EQ(0, sw_read(world, 1, &req, 0));
	sw_run(world, 1000 * SW_MS);
	EXPECT_FALSE(req.done);
	sw_cut(world, 1, 3, false);
	EXPECT_TRUE(sw_run_until(world, &req.done, 2000 * SW_MS));
	sw_free(world);
}

TEST(leader_without_a_copy_reads_elsewhere)
{
	struct sw_world *world = sw_new(3, 1);
	struct sw_req req;

	sw_attach(world, 1, 5);
	must_serve(world, 1);
	must_write(world, 1, 3, 9);
	sw_event(world, 1,
		 &(struct qbd_leader_event){
			 .kind = QBD_LEADER_DOWN,
			 .node = 1,
		 });
	must_write(world, 1, 3, 10);
	ASSERT_EQ(0, sw_read(world, 1, &req, 3));
	ASSERT_TRUE(sw_run_until(world, &req.done, 2000 * SW_MS));
	EXPECT_EQ(10, req.value);
	sw_free(world);
}

/* --- at random ----------------------------------------------------------- */

#define REQS 24

struct client {
	struct sw_req req[REQS];
	bool busy[REQS];
	u32 node[REQS];
	u32 holder;
	u64 term;
	u64 next;
	u64 acked[SW_BLOCKS];
	u64 seen[SW_BLOCKS];
	u64 invoked[SW_BLOCKS];
	bool writing[SW_BLOCKS];
	u32 writes;
	u32 reads;
};

static void client_collect(struct client *client)
{
	u32 i;

	for (i = 0; i < REQS; i++) {
		struct sw_req *req = &client->req[i];
		u32 block = req->block;

		if (!client->busy[i] || !req->done)
			continue;
		client->busy[i] = false;
		if (!req->is_read)
			client->writing[block] = false;
		if (req->err)
			continue;
		if (!req->is_read) {
			client->acked[block] =
				max(client->acked[block], req->value);
			client->writes++;
			continue;
		}
		client->reads++;
		ASSERT_GE(req->value, req->floor);
		ASSERT_LE(req->value, client->invoked[block]);
		client->seen[block] = max(client->seen[block], req->value);
	}
}

static void client_issue(struct client *client, struct sw_world *world)
{
	u32 id = client->holder, block = sw_rand(world, SW_BLOCKS), i;
	bool is_read = sw_rand(world, 3) == 0;
	int err;

	/* who was the holder before may be read from as long as it serves */
	if (is_read && sw_rand(world, 2))
		id = 1 + sw_rand(world, world->nr);

	for (i = 0; i < REQS && client->busy[i]; i++)
		;
	if (i == REQS || !id || !world->node[id].serving ||
	    (!is_read && client->writing[block]))
		return;
	client->busy[i] = true;
	client->node[i] = id;
	if (is_read) {
		err = sw_read(world, id, &client->req[i], block);
		client->req[i].floor =
			max(client->acked[block], client->seen[block]);
	} else {
		client->writing[block] = true;
		client->invoked[block] = ++client->next;
		err = sw_write(world, id, &client->req[i], block, client->next);
	}
	if (err) {
		client->busy[i] = false;
		if (!is_read)
			client->writing[block] = false;
	}
}

/* Its node is gone: the request never ends. */
static void client_drop(struct client *client, u32 i)
{
	if (client->busy[i] && !client->req[i].is_read)
		client->writing[client->req[i].block] = false;
	client->busy[i] = false;
}

static void random_fault(struct client *client, struct sw_world *world)
{
	u32 a = 1 + sw_rand(world, world->nr);
	u32 b = 1 + sw_rand(world, world->nr);
	u32 i;

	switch (sw_rand(world, 6)) {
	case 0:
		if (!world->node[a].up)
			break;
		sw_crash(world, a);
		for (i = 0; i < REQS; i++)
			if (client->node[i] == a)
				client_drop(client, i);
		if (client->holder == a)
			client->holder = 0;
		break;
	case 1:
	case 2:
		if (!world->node[a].up)
			sw_start(world, a);
		break;
	case 3:
		if (a != b)
			sw_cut(world, a, b, true);
		break;
	default:
		if (a != b)
			sw_cut(world, a, b, false);
		break;
	}
}

static void random_attach(struct client *client, struct sw_world *world)
{
	u32 id = 1 + sw_rand(world, world->nr), other;

	if (!world->node[id].up)
		return;
	/* the old holder may live on, with its requests */
	client_collect(client);
	if (client->holder && client->holder != id && sw_rand(world, 3) == 0)
		sw_detach(world, client->holder);
	else if (client->holder && client->holder != id)
		for (other = 1; other <= world->nr; other++)
			if (other != client->holder && sw_rand(world, 4))
				sw_cut(world, client->holder, other, true);
	sw_detach(world, id);
	client_collect(client);
	memset(client->writing, 0, sizeof(client->writing));
	client->holder = id;
	sw_attach(world, id, ++client->term);
}

FIXTURE(chaos)
{
	struct sw_world *world;
	struct client client;
	u64 seed;
};

FIXTURE_SETUP(chaos)
{
}

FIXTURE_TEARDOWN(chaos)
{
	if (th.verdict->failed)
		TH_LOG("again with QBD_RUN=%llu", self->seed);
	sw_free(self->world);
}

/* Everything heals; then everybody has the same, and it is what was written. */
static void random_settle(struct client *client, struct sw_world *world)
{
	u32 i, j;

	for (i = 1; i <= world->nr; i++) {
		if (!world->node[i].up)
			sw_start(world, i);
		for (j = 1; j < i; j++)
			sw_cut(world, i, j, false);
		sw_detach(world, i);
	}
	client_collect(client);
	sw_attach(world, 1, ++client->term);
	must_serve(world, 1);
	for (i = 0; i < SW_BLOCKS; i++) {
		u64 value = must_read(world, 1, i);

		ASSERT_GE(value, client->acked[i]);
		ASSERT_GE(value, client->seen[i]);
		ASSERT_LE(value, client->invoked[i]);
	}
	must_write(world, 1, 0, ++client->next);
	sw_run(world, 5000 * SW_MS);
	for (i = 1; i <= world->nr; i++) {
		ASSERT_EQ(world->node[1].mem.last, world->node[i].mem.last);
		ASSERT_EQ(world->node[1].rep.bound, world->node[i].rep.bound);
		ASSERT_EQ(0, world->node[i].failed);
	}
}

static void random_run(struct client *client, struct sw_world *world, u32 steps)
{
	u32 i;

	memset(client, 0, sizeof(*client));
	world->delay_ns = sw_rand(world, 4) * SW_MS;
	world->persist_ns = sw_rand(world, 6) * SW_MS;
	world->reads_quorum = sw_rand(world, 4) == 0;
	client->term = 1;
	for (i = 0; i < steps; i++) {
		if (sw_rand(world, 100) < 2)
			random_fault(client, world);
		if (sw_rand(world, 1000) < 4 || (!client->holder && i % 8 == 0))
			random_attach(client, world);
		if (sw_rand(world, 200) == 0)
			sw_run(world, 2500 * SW_MS);
		client_issue(client, world);
		sw_run(world, sw_rand(world, 3) * SW_MS);
		client_collect(client);
	}
	random_settle(client, world);
}

/* QBD_RUNS: how many; QBD_RUN: the one that failed. */
TEST_F(chaos, random_faults)
{
	const char *runs = getenv("QBD_RUNS"), *run = getenv("QBD_RUN");
	u32 nr = run ? 1 : runs ? atoi(runs) : 60, i;

	self->seed = run ? strtoull(run, NULL, 0) : th_rand() % 1000000;
	for (i = 0; i < nr; i++, self->seed++) {
		u32 nodes = self->seed % 5 == 0 ? 5 :
			    self->seed % 7 == 0 ? 2 :
						  3;

		sw_free(self->world);
		self->world = sw_new(nodes, self->seed);
		random_run(&self->client, self->world, 800);
	}
}

TEST_HARNESS_MAIN
