// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a node has to have: sent by who leads, taken by the node.
 *
 * The oracle: what a node has, message by message, is what a node that begins
 * anew is told at once.
 */
#include "state_sample.h"

#include "agent/push.h"
#include "agent/push_item.h"

#define NODES 8

/* A leader, and nodes; messages are in its sessions. */
struct aw {
	struct sw w;
	struct push *push;
	struct want want[NODES + 1];
	u64 index;
	u64 stream;
	u32 sent; /* items that were, in all */
	u8 msg[WANT_MSG_MAX];
};

static void aw_lead(struct aw *aw, u64 term)
{
	struct state_delta all = { .all = true };

	push_destroy(aw->push);
	aw->stream += 1000;
	ASSERT_EQ(0, push_create(&aw->push, aw->w.s, term, aw->stream));
	push_applied(aw->push, aw->index, &all);
}

static void aw_hello(struct aw *aw, u32 node)
{
	struct want_hello hello, back;
	u8 bytes[WANT_HELLO_BYTES];

	want_hello(&aw->want[node], &hello);
	want_hello_put(&hello, bytes);
	ASSERT_EQ(0, want_hello_get(bytes, sizeof(bytes), &back));
	ASSERT_EQ(0, push_hello(aw->push, node, &back));
}

static struct aw *aw_begin(void)
{
	struct aw *aw = calloc(1, sizeof(*aw));
	u32 i;

	sample_state(&aw->w);
	aw->index = 100;
	aw_lead(aw, 5);
	for (i = 1; i <= NODES; i++)
		want_init(&aw->want[i]);
	return aw;
}

static void aw_end(struct aw *aw)
{
	u32 i;

	push_destroy(aw->push);
	for (i = 1; i <= NODES; i++)
		want_free(&aw->want[i]);
	free(aw);
}

/* All that waits for a node; how many messages. */
static u32 aw_pump(struct aw *aw, u32 node)
{
	u32 nr = 0;
	int bytes;

	while (push_waits(aw->push, node)) {
		ASSERT_LT(nr, 1000);
		bytes = push_next(aw->push, node, aw->msg, WANT_MSG_MAX);
		ASSERT_GE(bytes, 0);
		if (!bytes)
			continue;
		nr++;
		ASSERT_EQ(0, want_take(&aw->want[node], aw->msg, bytes));
	}
	return nr;
}

/* A command was done: who leads hears of it. */
static void aw_applied(struct aw *aw)
{
	push_applied(aw->push, ++aw->index, &aw->w.delta);
}

static bool aw_same(const struct want *a, const struct want *b, u32 *at)
{
	const union want_item *item, *other;
	u32 i;

	for (i = 0; i < a->now.nr; i++) {
		item = a->now.at[i];
		*at = i;
		other = agent_map_find(&b->now, item->key);
		if (!other && item->key.kind != WANT_PEER)
			return false;
		if (other && memcmp(item, other, want_item_bytes(item)))
			return false;
	}
	return true;
}

/* The node has what a new one would be told; addresses may be more. */
static void aw_check(struct aw *aw, u32 node)
{
	struct state_delta all = { .all = true };
	struct want fresh;
	struct want_hello none = { 0 };
	struct push *push;
	u32 at = 0, i;
	int bytes;

	want_init(&fresh);
	ASSERT_EQ(0, push_create(&push, aw->w.s, 5, 1));
	push_applied(push, aw->index, &all);
	ASSERT_EQ(0, push_hello(push, node, &none));
	while (push_waits(push, node)) {
		bytes = push_next(push, node, aw->msg, WANT_MSG_MAX);
		ASSERT_GE(bytes, 0);
		if (bytes)
			ASSERT_EQ(0, want_take(&fresh, aw->msg, bytes));
	}
	push_destroy(push);
	ASSERT_TRUE(fresh.good);
	ASSERT_TRUE(aw->want[node].good);
	if (!aw_same(&aw->want[node], &fresh, &at)) {
		const union want_item *item = aw->want[node].now.at[at];

		TH_LOG("node %u has kind %u id %llu number %u", node,
		       item->key.kind, item->key.id, item->key.number);
		EXPECT_TRUE(false);
	}
	if (!aw_same(&fresh, &aw->want[node], &at)) {
		const union want_item *item = fresh.now.at[at];

		TH_LOG("node %u lacks kind %u id %llu number %u", node,
		       item->key.kind, item->key.id, item->key.number);
		EXPECT_TRUE(false);
	}
	for (i = 0; i < fresh.now.nr; i++) {
		const union want_item *item = fresh.now.at[i];

		EXPECT_TRUE(agent_map_find(&aw->want[node].now, item->key));
	}
	EXPECT_EQ(aw->index, fresh.index);
	want_free(&fresh);
}

/* All nodes are told of the last command, and have what they ought to. */
static void aw_all(struct aw *aw)
{
	u32 i;

	aw_applied(aw);
	for (i = 1; i <= 6; i++) {
		aw_pump(aw, i);
		aw_check(aw, i);
	}
}

static struct aw *aw_up(void)
{
	struct aw *aw = aw_begin();
	u32 i;

	for (i = 1; i <= 6; i++) {
		aw_hello(aw, i);
		ASSERT_GT(aw_pump(aw, i), 0);
		aw_check(aw, i);
	}
	return aw;
}

/* Node 2 holds db1, whose shard 0 is joint: 1 leaves, 5 joins. */
TEST(holder)
{
	struct aw *aw = aw_up();
	struct want *want = &aw->want[2];
	const struct want_cluster *cluster = want_cluster(want);
	const struct want_volume *volume = want_volume(want, 1);
	const struct want_shard *shard = want_shard(want, 1, 0);
	u32 at = 0, nr = 0;

	ASSERT_TRUE(cluster);
	EXPECT_EQ(2, cluster->node);
	EXPECT_STREQ("n1", cluster->name);
	EXPECT_EQ(77, cluster->lineage);
	ASSERT_TRUE(volume);
	EXPECT_STREQ("db1", volume->name);
	EXPECT_EQ(2, volume->holder);
	EXPECT_EQ(1, volume->term);
	EXPECT_EQ(5, volume->session);
	EXPECT_FALSE(volume->release); /* who attached it wants it there */
	EXPECT_EQ(0, volume->whole); /* it grows: shard 2 is placed nowhere */
	EXPECT_EQ(2, volume->shards);
	ASSERT_TRUE(shard);
	EXPECT_EQ(2, shard->epoch);
	EXPECT_EQ(STATE_STAGE_JOINT, shard->stage);
	ASSERT_EQ(4, shard->nr);
	EXPECT_EQ(STATE_ROLE_LEAVING, shard->member[0].role);
	EXPECT_EQ(STATE_ROLE_JOINING, shard->member[3].role);
	ASSERT_TRUE(want_mine(want, shard));
	EXPECT_EQ(2, want_mine(want, shard)->node);
	EXPECT_TRUE(want_whole(want, volume, 2));
	EXPECT_FALSE(want_whole(want, volume, 3));
	while (want_next(want, WANT_PEER, &at))
		nr++;
	EXPECT_EQ(4, nr); /* 1, 3, 5 and 4 of wide */
	aw_end(aw);
}

/* Node 6 has nothing but a replica that it has to delete. */
TEST(tombs)
{
	struct aw *aw = aw_up();
	const union want_item *item;
	u32 at = 0;

	item = want_next(&aw->want[6], WANT_TOMBS, &at);
	ASSERT_TRUE(item);
	ASSERT_EQ(1, item->tombs.nr);
	EXPECT_EQ(12, item->tombs.tomb[0].replica);
	at = 0;
	EXPECT_FALSE(want_next(&aw->want[6], WANT_SHARD, &at));
	sw_obey(&aw->w); /* many commands, of which this is the last delta */
	aw->w.delta.all = true;
	aw_all(aw);
	at = 0;
	EXPECT_FALSE(want_next(&aw->want[6], WANT_TOMBS, &at));
	aw_end(aw);
}

/* One command after the other; everybody always has what he ought to. */
TEST(changes)
{
	struct aw *aw = aw_up();
	struct sw *w = &aw->w;
	u8 rest[] = { 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0 };
	struct state_rest stores = { rest, sizeof(rest) };

	SW_OK(w, SHARD_ADOPT, .volume = 1, .term = 1, .epoch = 2);
	aw_all(aw);
	SW_OK(w, SHARD_SETTLED, .volume = 1, .term = 1, .epoch = 3);
	aw_all(aw);
	EXPECT_FALSE(want_shard(&aw->want[1], 1, 0));
	EXPECT_TRUE(want_shard(&aw->want[5], 1, 0));
	SW_OK(w, VOLUME_SHARDS, .volume = 1, .number = 2, .rest = stores);
	aw_all(aw);
	EXPECT_TRUE(want_shard(&aw->want[4], 1, 2));
	SW_OK(w, VOLUME_SET, .volume = 1, .node = 2, .on_no_quorum = 1,
	      .value = 5000,
	      .flags = STATE_VOLUME_SET_WANT | STATE_VOLUME_SET_QUORUM);
	aw_all(aw);
	EXPECT_EQ(0, want_volume(&aw->want[2], 1)->release);
	EXPECT_EQ(1, want_volume(&aw->want[3], 1)->on_no_quorum);
	sw_obey(w);
	w->delta.all = true;
	aw_all(aw);
	EXPECT_EQ(1, want_volume(&aw->want[2], 1)->whole);
	SW_OK(w, ATTACH, .volume = 1, .node = 6, .session = 9,
	      .flags = STATE_ATTACH_FORCE);
	aw_all(aw);
	EXPECT_TRUE(want_shard(&aw->want[6], 1, 1)); /* without a copy */
	SW_OK(w, VOLUME_SET, .volume = 1, .node = 2,
	      .flags = STATE_VOLUME_SET_WANT);
	aw_all(aw);
	EXPECT_EQ(1, want_volume(&aw->want[6], 1)->release);
	SW_OK(w, DETACH, .volume = 1, .node = 6, .term = 2);
	aw_all(aw);
	EXPECT_FALSE(want_shard(&aw->want[6], 1, 1));
	EXPECT_FALSE(want_volume(&aw->want[6], 1));
	SW_OK(w, STORE_STATE, .store = 4, .state = STATE_STORE_DRAINING);
	aw_all(aw);
	SW_OK(w, CLUSTER_SET, .what = STATE_SET_LEASE_MS, .value = 700);
	aw_all(aw);
	EXPECT_EQ(700, want_cluster(&aw->want[3])->lease_ms);
	SW_OK(w, STORE_REMOVE, .store = 6);
	aw_all(aw);
	EXPECT_EQ(STATE_STORE_REMOVED, want_store(&aw->want[6], 6)->state);
	SW_OK(w, VOLUME_DELETE, .volume = 1);
	aw_all(aw);
	EXPECT_EQ(STATE_VOLUME_DELETING, want_volume(&aw->want[3], 1)->state);
	aw_end(aw);
}

/* Of a list that was cut nothing counts; nor of changes. */
TEST(half)
{
	struct aw *aw = aw_begin();
	struct state_limits limits = SW_LIMITS;
	struct want *want = &aw->want[2];
	struct want_hello hello;
	u64 index;
	int bytes;

	(void)limits;
	aw_hello(aw, 2);
	bytes = push_next(aw->push, 2, aw->msg, WANT_MSG_MAX);
	ASSERT_GT(bytes, WANT_HEAD);
	/* as if there were more to come */
	aw->msg[1] = WANT_FULL;
	memset(aw->msg + 24, 0, 8);
	ASSERT_EQ(0, want_take(want, aw->msg, bytes));
	EXPECT_FALSE(want->good);
	EXPECT_FALSE(want_cluster(want));
	want_end(want);
	aw_hello(aw, 2);
	EXPECT_GT(aw_pump(aw, 2), 0);
	aw_check(aw, 2);
	index = want->index;
	/* a change without its commit, then the session is cut */
	SW_OK(&aw->w, CLUSTER_SET, .what = STATE_SET_LEASE_MS, .value = 900);
	aw_applied(aw);
	while (!(bytes = push_next(aw->push, 2, aw->msg, WANT_MSG_MAX)))
		ASSERT_TRUE(push_waits(aw->push, 2));
	ASSERT_GT(bytes, WANT_HEAD);
	aw->msg[1] = 0;
	memset(aw->msg + 24, 0, 8);
	ASSERT_EQ(0, want_take(want, aw->msg, bytes));
	EXPECT_NE(900, want_cluster(want)->lease_ms);
	want_end(want);
	EXPECT_NE(900, want_cluster(want)->lease_ms);
	EXPECT_EQ(index, want->index);
	EXPECT_TRUE(want->good);
	want_hello(want, &hello);
	EXPECT_EQ(0, hello.number);
	aw_hello(aw, 2);
	aw_pump(aw, 2);
	EXPECT_EQ(900, want_cluster(want)->lease_ms);
	aw_end(aw);
}

/* Message 1 is lost: 2 does not follow, and the list begins anew. */
TEST(gap)
{
	struct aw *aw = aw_up();
	struct want *want = &aw->want[2];
	int bytes;

	SW_OK(&aw->w, CLUSTER_SET, .what = STATE_SET_LEASE_MS, .value = 900);
	aw_applied(aw);
	while (!push_next(aw->push, 2, aw->msg, WANT_MSG_MAX))
		ASSERT_TRUE(push_waits(aw->push, 2));
	SW_OK(&aw->w, CLUSTER_SET, .what = STATE_SET_LEASE_MS, .value = 950);
	aw_applied(aw);
	while (!(bytes = push_next(aw->push, 2, aw->msg, WANT_MSG_MAX)))
		ASSERT_TRUE(push_waits(aw->push, 2));
	EXPECT_EQ(-ESTALE, want_take(want, aw->msg, bytes));
	EXPECT_EQ(-ECANCELED, want_take(want, aw->msg, bytes));
	EXPECT_EQ(2, want->refused);
	aw_hello(aw, 2);
	aw_pump(aw, 2);
	EXPECT_EQ(950, want_cluster(want)->lease_ms);
	EXPECT_EQ(2, want->fulls);
	aw_end(aw);
}

/* An old leader, which does not know that it is none, is not believed. */
TEST(never_back)
{
	struct aw *aw = aw_up();
	struct want *want = &aw->want[2];
	int bytes;

	aw->index = 90;
	aw_lead(aw, 4);
	/* honest ones wait, as the node says how far it is */
	aw_hello(aw, 2);
	EXPECT_FALSE(push_waits(aw->push, 2));
	EXPECT_EQ(0, push_next(aw->push, 2, aw->msg, WANT_MSG_MAX));
	ASSERT_EQ(0, push_hello(aw->push, 2, &(struct want_hello){ 0 }));
	bytes = push_next(aw->push, 2, aw->msg, WANT_MSG_MAX);
	ASSERT_GT(bytes, 0);
	EXPECT_EQ(-ESTALE, want_take(want, aw->msg, bytes));
	EXPECT_EQ(100, want->index);
	EXPECT_TRUE(want->good);
	EXPECT_EQ(2, want_volume(want, 1)->holder);
	/* a lower term that knows more is believed */
	aw->index = 110;
	aw_lead(aw, 4);
	aw_hello(aw, 2);
	EXPECT_GT(aw_pump(aw, 2), 0);
	EXPECT_EQ(110, want->index);
	aw_end(aw);
}

/* After a lost session it goes on, if all had arrived. */
TEST(session)
{
	struct aw *aw = aw_up();
	struct want *want = &aw->want[2];
	struct push_status status;

	push_down(aw->push, 2);
	EXPECT_FALSE(push_waits(aw->push, 2));
	SW_OK(&aw->w, CLUSTER_SET, .what = STATE_SET_LEASE_MS, .value = 900);
	aw_applied(aw);
	EXPECT_FALSE(push_waits(aw->push, 2));
	aw_hello(aw, 2);
	EXPECT_EQ(1, aw_pump(aw, 2));
	EXPECT_EQ(900, want_cluster(want)->lease_ms);
	push_status(aw->push, 2, &status);
	EXPECT_EQ(1, status.fulls);
	EXPECT_EQ(aw->index, status.index);
	EXPECT_EQ(0, status.left);
	EXPECT_FALSE(status.full);
	/* another leader does not know what was said */
	aw_lead(aw, 6);
	aw_hello(aw, 2);
	EXPECT_GT(aw_pump(aw, 2), 0);
	EXPECT_EQ(2, want->fulls);
	EXPECT_EQ(6, want->term);
	aw_check(aw, 2);
	aw_end(aw);
}

/* What does not fit into a delta is a look at everything, and no more. */
TEST(everything)
{
	struct aw *aw = aw_up();
	struct state_delta all = { .all = true };
	u32 i, nr = 0;

	push_applied(aw->push, ++aw->index, &all);
	for (i = 1; i <= 6; i++)
		nr += aw_pump(aw, i);
	EXPECT_EQ(0, nr);
	/* more single changes than are kept apart */
	aw->w.delta = (struct state_delta){ .nr = STATE_DELTA_MAX };
	for (i = 0; i < STATE_DELTA_MAX; i++)
		aw->w.delta.item[i] =
			(struct state_item){ .kind = i % 2 ? STATE_KIND_STORE :
							     STATE_KIND_SHARD,
					     .id = i % 2 ? 2 : 1,
					     .number = i / 2 % 2 };
	for (i = 0; i < 500; i++)
		push_applied(aw->push, ++aw->index, &aw->w.delta);
	EXPECT_EQ(0, aw_pump(aw, 2));
	aw_check(aw, 2);
	aw_end(aw);
}

/* A node asks for a volume that it has nothing to do with. */
TEST(extra)
{
	struct aw *aw = aw_up();
	struct want *want = &aw->want[6];
	u32 i;

	EXPECT_FALSE(want_volume(want, 1));
	push_extra(aw->push, 6, 1);
	push_extra(aw->push, 6, 1);
	push_extra(aw->push, 6, 5); /* not yet given out */
	EXPECT_EQ(1, aw_pump(aw, 6));
	ASSERT_TRUE(want_volume(want, 1));
	EXPECT_EQ(2, want_volume(want, 1)->holder);
	EXPECT_FALSE(want_volume(want, 5));
	SW_OK(&aw->w, FENCE, .volume = 1, .term = 1);
	aw_applied(aw);
	aw_pump(aw, 6);
	EXPECT_EQ(2, want_volume(want, 1)->term);
	EXPECT_EQ(0, want_volume(want, 1)->holder);
	/* wide goes for good: that is said, too */
	push_extra(aw->push, 6, 2);
	for (i = 0; i < 4; i++)
		sw_obey(&aw->w);
	aw->w.delta.all = true;
	aw_applied(aw);
	aw_pump(aw, 6);
	ASSERT_TRUE(want_volume(want, 2));
	EXPECT_EQ(0, want_volume(want, 2)->state);
	aw_end(aw);
}

/*
 * S16: behind a restore a volume that is not there may be one that the lost
 * servers made: nobody says that it was deleted, and what runs goes on. Nor is
 * a term that was only stepped over taken for one that was granted.
 */
TEST(extra_restored)
{
	struct aw *aw = aw_up();
	struct want *want = &aw->want[6];
	u64 floor;

	SW_OK(&aw->w, CLUSTER_RESTORE, .session = 5, .node = 1,
	      .id = STATE_SERVER(1, 9));
	floor = aw->w.res.arg[0];
	aw_all(aw);
	push_extra(aw->push, 6, 5);
	push_extra(aw->push, 6, 1);
	aw_pump(aw, 6);
	EXPECT_FALSE(want_volume(want, 5));
	ASSERT_TRUE(want_volume(want, 1));
	EXPECT_EQ(1, want_volume(want, 1)->term);
	EXPECT_EQ(floor, want_cluster(want)->term_floor);
	SW_OK(&aw->w, DETACH, .volume = 1, .node = 2, .term = 1);
	aw_applied(aw);
	aw_pump(aw, 6);
	EXPECT_EQ(1, want_volume(want, 1)->term);
	aw_end(aw);
}

/* Bytes of a peer: any may be another. */
TEST(hostile)
{
	struct aw *aw = aw_up();
	u32 i, at, good = 0;
	u8 *exact, was;
	int bytes, err;

	aw_lead(aw, 7);
	aw_hello(aw, 2);
	bytes = push_next(aw->push, 2, aw->msg, WANT_MSG_MAX);
	ASSERT_GT(bytes, WANT_HEAD);
	for (i = 0; i < (u32)bytes; i++) {
		exact = malloc(i + 1);
		memcpy(exact, aw->msg, i);
		EXPECT_TRUE(want_take(&aw->want[2], exact, i) ||
			    i >= WANT_HEAD);
		free(exact);
	}
	for (i = 0; i < 3000; i++) {
		at = th_rand() % bytes;
		if (at >= 24 && at < WANT_HEAD)
			continue; /* a higher index would be believed */
		was = aw->msg[at];
		aw->msg[at] = th_rand();
		err = want_take(&aw->want[2], aw->msg, bytes);
		good += !err;
		aw->msg[at] = was;
	}
	EXPECT_GT(good, 0); /* numbers that make sense all the same */
	EXPECT_EQ(0, want_take(&aw->want[2], aw->msg, bytes));
	EXPECT_EQ(-EBADMSG, want_take(&aw->want[2], aw->msg, 0));
	EXPECT_EQ(-EBADMSG,
		  want_hello_get(aw->msg, 3, &(struct want_hello){ 0 }));
	aw_end(aw);
}

/* A list of many messages; looked at piece by piece. */
TEST(large)
{
	struct state_limits limits = SW_LIMITS;
	struct state_delta all = { .all = true };
	struct want_hello none = { 0 };
	struct push *push;
	struct want want;
	u32 messages = 0, calls = 0, i;
	struct sw w = { 0 };
	u8 *msg = malloc(WANT_MSG_MAX);
	int bytes;

	limits.shards = 6000;
	limits.store_replicas = 512;
	sw_begin(&w, &limits, 4);
	sw_volume(&w, "big", 1900, 1, 4);
	SW_OK(&w, ATTACH, .volume = 1, .node = 1, .session = 5);
	want_init(&want);
	ASSERT_EQ(0, push_create(&push, w.s, 5, 1));
	push_applied(push, 10, &all);
	ASSERT_EQ(0, push_hello(push, 1, &none));
	while (push_waits(push, 1)) {
		EXPECT_FALSE(want.good);
		bytes = push_next(push, 1, msg, WANT_MSG_MAX);
		ASSERT_GE(bytes, 0);
		calls++;
		if (!bytes)
			continue;
		messages++;
		ASSERT_EQ(0, want_take(&want, msg, bytes));
		if (want.good)
			continue;
		/* while it is under way everything changes */
		SW_OK(&w, VOLUME_SET, .volume = 1, .node = 1, .on_no_quorum = 1,
		      .value = calls,
		      .flags = STATE_VOLUME_SET_WANT | STATE_VOLUME_SET_QUORUM);
		push_applied(push, 10 + calls, &w.delta);
	}
	EXPECT_GT(messages, 1);
	EXPECT_TRUE(want.good);
	EXPECT_EQ(9 + calls, want.index);
	EXPECT_EQ(calls - 1, want_volume(&want, 1)->no_quorum_ms);
	for (i = 0; i < 1900; i++)
		EXPECT_TRUE(want_shard(&want, 1, i));
	EXPECT_TRUE(want_whole(&want, want_volume(&want, 1), 1900));
	push_destroy(push);
	want_free(&want);
	free(msg);
}

TEST_HARNESS_MAIN
