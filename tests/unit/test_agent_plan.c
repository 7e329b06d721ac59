// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: what a kernel is asked for, and what is said.
 */
#include "state_sample.h"

#include "agent/plan.h"
#include "agent/push.h"

#define REQS 64

/* Node 2 of a small cluster, and what its kernel shows. */
struct pw {
	struct sw w;
	u64 index;
	struct want want;
	struct seen seen;
	struct agent *agent;
	u64 now_ms;
	struct agent_request req[REQS];
	u32 nr;
	struct agent_report report[REQS];
	u32 reports;
};

static const char *path_of(void *arg, const u8 uuid[16])
{
	(void)arg;
	return uuid[0] == 2 ? "/dev/sdb" : NULL;
}

/* The node is told what the state says now. */
static void pw_told(struct pw *p)
{
	struct state_delta all = { .all = true };
	static u8 msg[WANT_MSG_MAX];
	struct push *push;
	int bytes;

	ASSERT_EQ(0, push_create(&push, p->w.s, 1, ++p->index * 100));
	push_applied(push, p->index, &all);
	ASSERT_EQ(0, push_hello(push, 2, &(struct want_hello){ 0 }));
	while (push_waits(push, 2)) {
		bytes = push_next(push, 2, msg, sizeof(msg));
		ASSERT_GE(bytes, 0);
		if (bytes)
			ASSERT_EQ(0, want_take(&p->want, msg, bytes));
	}
	push_destroy(push);
}

static struct pw *pw_begin(void)
{
	struct agent_ops ops = { .path = path_of };
	struct pw *p = calloc(1, sizeof(*p));

	p->now_ms = 1000000;
	want_init(&p->want);
	seen_init(&p->seen);
	ASSERT_EQ(0, agent_create(&p->agent, &p->want, &p->seen, 99, &ops));
	sw_begin(&p->w, &SW_LIMITS, 4);
	return p;
}

static void pw_end(struct pw *p)
{
	agent_destroy(p->agent);
	want_free(&p->want);
	seen_free(&p->seen);
	free(p);
}

static void fresh(struct pw *p, enum seen_kind kind,
		  const union seen_object *object, u32 nr)
{
	u32 i;

	seen_begin(&p->seen, kind, p->now_ms);
	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, seen_put(&p->seen, kind, &object[i]));
	seen_end(&p->seen, kind, true);
}

static void fresh_node(struct pw *p)
{
	const struct state_cluster *cluster = state_cluster(p->w.s);
	union seen_object node = { .node = { .id = 2,
					     .lineage = cluster->lineage } };

	memcpy(node.node.cluster, cluster->uuid, 16);
	fresh(p, SEEN_NODE, &node, 1);
}

static union seen_object a_store(u32 state)
{
	union seen_object store = { .store = { .uuid = { 2, 5 },
					       .state = state,
					       .opens = 3,
					       .capacity = 64ULL << 30,
					       .free = 64ULL << 30 } };

	store.key = seen_store_key(store.store.uuid);
	return store;
}

static union seen_object a_volume(u32 state, u64 term)
{
	return (union seen_object){ .volume = { .key = { .id = 1 },
						.state = state,
						.term = term,
						.size = 2 * SW_SHARD,
						.shards = 2,
						.device = "qbd0" } };
}

/* A kernel with node, peers and an open store, and nothing else. */
static void fresh_all(struct pw *p)
{
	union seen_object store = a_store(QBD_STORE_STATE_ACTIVE);
	union seen_object peer[2] = { { .peer = { .key = { .id = 1 } } },
				      { .peer = { .key = { .id = 3 } } } };

	fresh_node(p);
	fresh(p, SEEN_STORE, &store, 1);
	fresh(p, SEEN_PEER, peer, 2);
	fresh(p, SEEN_REPLICA, NULL, 0);
	fresh(p, SEEN_VOLUME, NULL, 0);
	fresh(p, SEEN_SHARD, NULL, 0);
}

/* Replicas of volume 1 on node 2: 2 of shard 0, 3 of shard 1 (sw_place()). */
static void fresh_replicas(struct pw *p)
{
	union seen_object replica[2] = {
		{ .replica = { .key = { .id = 2 }, .volume = 1 } },
		{ .replica = { .key = { .id = 3 }, .volume = 1, .shard = 1 } },
	};

	memcpy(replica[0].replica.store, (u8[16]){ 2, 5 }, 16);
	memcpy(replica[1].replica.store, (u8[16]){ 2, 5 }, 16);
	fresh(p, SEEN_REPLICA, replica, 2);
}

static u32 plan(struct pw *p)
{
	p->nr = agent_plan(p->agent, p->now_ms, p->req, REQS);
	return p->nr;
}

static void done(struct pw *p, u32 at, int err)
{
	agent_done(p->agent, &p->req[at], err, err ? "because" : NULL,
		   p->now_ms);
}

static const struct agent_report *said(struct pw *p, enum agent_say say)
{
	u32 i;

	for (i = 0; i < p->reports; i++)
		if (p->report[i].say == say)
			return &p->report[i];
	return NULL;
}

static void reports(struct pw *p)
{
	p->reports = agent_reports(p->agent, p->now_ms, p->report, REQS);
}

/* Volume 1, "db", two shards with copies on nodes 1 and 2, 2 and 3. */
static void a_db(struct pw *p)
{
	sw_volume(&p->w, "db", 2, 2, 3);
	SW_OK(&p->w, VOLUME_SET, .volume = 1, .node = 2,
	      .flags = STATE_VOLUME_SET_WANT);
}

/* Node 2 holds "db" under the session that its agent asked for. */
static void held(struct pw *p)
{
	a_db(p);
	pw_told(p);
	fresh_all(p);
	fresh_replicas(p);
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_TERM));
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 2,
	      .session = said(p, AGENT_SAY_TERM)->session);
	pw_told(p);
}

TEST(nothing_known)
{
	struct pw *p = pw_begin();

	fresh_all(p);
	EXPECT_EQ(0, plan(p));
	reports(p);
	EXPECT_EQ(0, p->reports);
	EXPECT_EQ(U64_MAX, agent_due_ms(p->agent, p->now_ms));
	pw_end(p);
}

TEST(from_nothing)
{
	struct pw *p = pw_begin();
	union seen_object store = a_store(QBD_STORE_STATE_ACTIVE);
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .size = 2 * SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = 2,
				 .name = "db" };

	ASSERT_EQ(0, sw_do(&p->w, cmd));
	ASSERT_EQ(0, sw_place(&p->w, 1, 0, 2, 2, 3));
	pw_told(p);
	EXPECT_EQ(0, plan(p)); /* nobody has looked */
	fresh(p, SEEN_NODE, NULL, 0);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_NODE_START, p->req[0].cmd);
	EXPECT_STREQ("n1", p->req[0].name);
	EXPECT_EQ(0, plan(p)); /* it is under way */
	done(p, 0, 0);
	EXPECT_EQ(0, plan(p));
	fresh_node(p);
	fresh(p, SEEN_STORE, NULL, 0);
	fresh(p, SEEN_PEER, NULL, 0);
	fresh(p, SEEN_REPLICA, NULL, 0);
	ASSERT_EQ(3, plan(p));
	EXPECT_EQ(QBD_CMD_PEER_ADD, p->req[0].cmd);
	EXPECT_EQ(QBD_CMD_PEER_ADD, p->req[1].cmd);
	EXPECT_EQ(4, p->req[0].node + p->req[1].node);
	EXPECT_EQ(QBD_CMD_STORE_ADD, p->req[2].cmd);
	EXPECT_STREQ("/dev/sdb", p->req[2].path);
	done(p, 0, 0);
	done(p, 1, 0);
	done(p, 2, 0);
	EXPECT_EQ(0, plan(p));
	fresh_all(p);
	store.store.state = QBD_STORE_STATE_OPENING;
	fresh(p, SEEN_STORE, &store, 1);
	EXPECT_EQ(0, plan(p)); /* not open yet */
	fresh_all(p);
	ASSERT_EQ(2, plan(p));
	EXPECT_EQ(QBD_CMD_REPLICA_CREATE, p->req[0].cmd);
	EXPECT_EQ(2, p->req[0].replica);
	EXPECT_EQ(SW_SHARD, p->req[0].size);
	ASSERT_EQ(1, p->req[0].nr_sets);
	EXPECT_EQ(2, p->req[0].set[0]->nr);
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_MADE));
	ASSERT_TRUE(said(p, AGENT_SAY_STORE));
	EXPECT_EQ(3, said(p, AGENT_SAY_STORE)->opens);
	done(p, 0, 0);
	done(p, 1, 0);
	fresh_replicas(p);
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_MADE));
	EXPECT_EQ(2, said(p, AGENT_SAY_MADE)->replica);
	/* said again until it was heard */
	reports(p);
	EXPECT_EQ(0, p->reports);
	p->now_ms += AGENT_SAY_MS;
	reports(p);
	EXPECT_TRUE(said(p, AGENT_SAY_MADE));
	sw_obey(&p->w);
	pw_told(p);
	p->now_ms += AGENT_SAY_MS;
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_MADE));
	EXPECT_EQ(0, plan(p));
	pw_end(p);
}

TEST(again)
{
	struct pw *p = pw_begin();
	u64 due = AGENT_AGAIN_MS;
	u32 i;

	pw_told(p);
	fresh(p, SEEN_NODE, NULL, 0);
	for (i = 0; i < 12; i++) {
		ASSERT_EQ(1, plan(p));
		done(p, 0, -EIO);
		fresh(p, SEEN_NODE, NULL, 0);
		EXPECT_EQ(0, plan(p));
		EXPECT_EQ(p->now_ms + due, agent_due_ms(p->agent, p->now_ms));
		p->now_ms += due - 1;
		EXPECT_EQ(0, plan(p));
		p->now_ms++;
		due = min_t(u64, 2 * due, AGENT_AGAIN_MAX_MS);
	}
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_FAILED));
	EXPECT_EQ(-EIO, said(p, AGENT_SAY_FAILED)->error);
	EXPECT_STREQ("because", said(p, AGENT_SAY_FAILED)->text);
	reports(p);
	EXPECT_EQ(0, p->reports);
	agent_say_again(p->agent);
	reports(p);
	EXPECT_TRUE(said(p, AGENT_SAY_FAILED));
	pw_end(p);
}

/* Held for repair: without a device, until one is wanted, here or elsewhere. */
TEST(held_for_repair)
{
	struct pw *p = pw_begin();
	union seen_object volume = a_volume(QBD_VOLUME_STATE_SERVING, 2);
	u64 session;

	a_db(p);
	SW_OK(&p->w, VOLUME_SET, .volume = 1, .flags = STATE_VOLUME_SET_WANT);
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 2, .session = 99,
	      .flags = STATE_ATTACH_REPAIR);
	pw_told(p);
	fresh_all(p);
	fresh_replicas(p);
	/* the term is nobody's: S2 holds for repair, too */
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_TERM));
	session = said(p, AGENT_SAY_TERM)->session;
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 2, .session = session,
	      .flags = STATE_ATTACH_REPAIR);
	pw_told(p);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_ATTACH, p->req[0].cmd);
	EXPECT_EQ(2, p->req[0].term);
	EXPECT_TRUE(p->req[0].repair);
	done(p, 0, 0);
	volume.volume.device[0] = '\0';
	fresh(p, SEEN_VOLUME, &volume, 1);
	fresh(p, SEEN_SHARD, NULL, 0);
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_ATTACHED));
	EXPECT_STREQ("", said(p, AGENT_SAY_ATTACHED)->text);
	/* a device is wanted here: that ends, and another term is needed */
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 2, .session = 98);
	pw_told(p);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_DETACH, p->req[0].cmd);
	EXPECT_TRUE(p->req[0].force);
	done(p, 0, 0);
	fresh(p, SEEN_VOLUME, NULL, 0);
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_TERM));
	EXPECT_NE(session, said(p, AGENT_SAY_TERM)->session);
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 2,
	      .session = said(p, AGENT_SAY_TERM)->session);
	pw_told(p);
	/* one request after the other, with a pause */
	p->now_ms += AGENT_AGAIN_MS;
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_ATTACH, p->req[0].cmd);
	EXPECT_FALSE(p->req[0].repair);
	pw_end(p);
}

TEST(attach)
{
	struct pw *p = pw_begin();
	union seen_object volume = a_volume(QBD_VOLUME_STATE_SERVING, 1);

	held(p);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_ATTACH, p->req[0].cmd);
	EXPECT_EQ(1, p->req[0].term);
	EXPECT_EQ(2, p->req[0].nr_sets);
	EXPECT_FALSE(p->req[0].more);
	EXPECT_STREQ("db", p->req[0].name);
	done(p, 0, 0);
	fresh(p, SEEN_VOLUME, &volume, 1);
	fresh(p, SEEN_SHARD, NULL, 0);
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_ATTACHED));
	EXPECT_STREQ("qbd0", said(p, AGENT_SAY_ATTACHED)->text);
	p->now_ms += 10 * AGENT_SAY_MS;
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_ATTACHED));
	/* it is lost: the term is never given again */
	fresh(p, SEEN_VOLUME, NULL, 0);
	EXPECT_EQ(0, plan(p));
	p->now_ms += AGENT_AGAIN_MAX_MS;
	EXPECT_EQ(0, plan(p));
	/* the one before was asked for long ago: at once */
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_TERM));
	EXPECT_EQ(1, said(p, AGENT_SAY_TERM)->term);
	EXPECT_NE(state_volume_by_id(p->w.s, 1)->session,
		  said(p, AGENT_SAY_TERM)->session);
	pw_end(p);
}

/* Terms that come to nothing one after the other have a pause between them. */
TEST(lost_at_once)
{
	struct pw *p = pw_begin();
	u64 asked_ms = p->now_ms;

	held(p);
	ASSERT_EQ(asked_ms, p->now_ms);
	ASSERT_EQ(1, plan(p));
	done(p, 0, 0);
	p->now_ms += AGENT_AGAIN_MS / 2;
	fresh(p, SEEN_VOLUME, NULL, 0);
	fresh(p, SEEN_SHARD, NULL, 0);
	EXPECT_EQ(0, plan(p));
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_TERM));
	EXPECT_EQ(asked_ms + AGENT_AGAIN_MS, agent_due_ms(p->agent, p->now_ms));
	p->now_ms = asked_ms + AGENT_AGAIN_MS;
	reports(p);
	EXPECT_TRUE(said(p, AGENT_SAY_TERM));
	pw_end(p);
}

/* A term that came for somebody else's session is not used, but adopted. */
TEST(other_life)
{
	struct pw *p = pw_begin();
	union seen_object volume = a_volume(QBD_VOLUME_STATE_SERVING, 1);

	a_db(p);
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 2, .session = 4711);
	pw_told(p);
	fresh_all(p);
	fresh_replicas(p);
	EXPECT_EQ(0, plan(p));
	reports(p);
	EXPECT_TRUE(said(p, AGENT_SAY_TERM));
	fresh(p, SEEN_VOLUME, &volume, 1);
	EXPECT_EQ(0, plan(p));
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_TERM));
	EXPECT_TRUE(said(p, AGENT_SAY_ATTACHED));
	/* of an attach that never became whole nothing is kept */
	volume = a_volume(QBD_VOLUME_STATE_OPENING, 1);
	fresh(p, SEEN_VOLUME, &volume, 1);
	EXPECT_EQ(0, plan(p));
	p->now_ms += AGENT_STUCK_MS - 1;
	EXPECT_EQ(0, plan(p));
	EXPECT_EQ(p->now_ms + 1, agent_due_ms(p->agent, p->now_ms));
	p->now_ms++;
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_DETACH, p->req[0].cmd);
	EXPECT_TRUE(p->req[0].force);
	/* under way, and over: no reason to look again and again */
	EXPECT_LT(p->now_ms, agent_due_ms(p->agent, p->now_ms));
	done(p, 0, 0);
	fresh(p, SEEN_VOLUME, NULL, 0);
	plan(p);
	p->now_ms += 2 * AGENT_STUCK_MS;
	EXPECT_LT(p->now_ms, agent_due_ms(p->agent, p->now_ms));
	pw_end(p);
}

/* What the kernel refused at once was not given; of a silence nobody knows. */
TEST(refused)
{
	struct pw *p = pw_begin();
	union seen_object volume = a_volume(QBD_VOLUME_STATE_OPENING, 1);

	held(p);
	ASSERT_EQ(1, plan(p));
	done(p, 0, -EEXIST);
	fresh(p, SEEN_VOLUME, NULL, 0);
	fresh(p, SEEN_SHARD, NULL, 0);
	EXPECT_EQ(0, plan(p));
	p->now_ms += AGENT_AGAIN_MS;
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_ATTACH, p->req[0].cmd);
	done(p, 0, -ETIMEDOUT);
	fresh(p, SEEN_VOLUME, NULL, 0);
	fresh(p, SEEN_SHARD, NULL, 0);
	p->now_ms += AGENT_AGAIN_MAX_MS;
	EXPECT_EQ(0, plan(p));
	/* it was there after all, and has not begun: undone */
	fresh(p, SEEN_VOLUME, &volume, 1);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_DETACH, p->req[0].cmd);
	EXPECT_TRUE(p->req[0].force);
	pw_end(p);
}

/* Its kernel can not: the term is thrown away before who leads hears of it. */
TEST(given_up)
{
	struct pw *p = pw_begin();
	u64 session;
	u32 i;

	held(p);
	session = said(p, AGENT_SAY_TERM)->session;
	EXPECT_FALSE(agent_give_up(p->agent, 1, 1)); /* not tried yet */
	for (i = 0; i < AGENT_REFUSALS; i++) {
		EXPECT_FALSE(agent_give_up(p->agent, 1, 1));
		ASSERT_EQ(1, plan(p));
		EXPECT_EQ(QBD_CMD_VOLUME_ATTACH, p->req[0].cmd);
		done(p, 0, -ENODEV);
		fresh(p, SEEN_VOLUME, NULL, 0);
		fresh(p, SEEN_SHARD, NULL, 0);
		p->now_ms += AGENT_AGAIN_MAX_MS;
	}
	EXPECT_FALSE(agent_give_up(p->agent, 1, 2)); /* another term */
	EXPECT_FALSE(agent_give_up(p->agent, 2, 1));
	EXPECT_TRUE(agent_give_up(p->agent, 1, 1));
	EXPECT_FALSE(agent_give_up(p->agent, 1, 1));
	EXPECT_EQ(0, plan(p));
	/* held here still: under another session, after a while */
	reports(p);
	p->now_ms += AGENT_AGAIN_MAX_MS;
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_TERM));
	EXPECT_NE(session, said(p, AGENT_SAY_TERM)->session);
	pw_end(p);
}

TEST(detach)
{
	struct pw *p = pw_begin();
	union seen_object volume = a_volume(QBD_VOLUME_STATE_SERVING, 1);

	held(p);
	ASSERT_EQ(1, plan(p));
	done(p, 0, 0);
	fresh(p, SEEN_VOLUME, &volume, 1);
	fresh(p, SEEN_SHARD, NULL, 0);
	EXPECT_EQ(0, plan(p));
	/* in order, if it shall be elsewhere */
	SW_OK(&p->w, VOLUME_SET, .volume = 1, .node = 3,
	      .flags = STATE_VOLUME_SET_WANT);
	pw_told(p);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_DETACH, p->req[0].cmd);
	EXPECT_FALSE(p->req[0].force);
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_RELEASED));
	/* what uses it ends first: that is no failure, and no pause */
	EXPECT_EQ(0, plan(p));
	agent_withdraw(p->agent, &p->req[0]);
	ASSERT_EQ(1, plan(p));
	EXPECT_EQ(QBD_CMD_VOLUME_DETACH, p->req[0].cmd);
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_FAILED));
	done(p, 0, -EBUSY);
	fresh(p, SEEN_VOLUME, &volume, 1);
	p->now_ms += AGENT_AGAIN_MS;
	/* by force, if somebody else has it */
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 3, .session = 8,
	      .flags = STATE_ATTACH_FORCE);
	pw_told(p);
	ASSERT_EQ(1, plan(p));
	EXPECT_TRUE(p->req[0].force);
	done(p, 0, 0);
	/* what is wanted is older than what runs: nothing */
	p->now_ms += AGENT_AGAIN_MS;
	volume = a_volume(QBD_VOLUME_STATE_SERVING, 7);
	fresh(p, SEEN_VOLUME, &volume, 1);
	fresh(p, SEEN_SHARD, NULL, 0);
	EXPECT_EQ(0, plan(p));
	pw_end(p);
}

TEST(released)
{
	struct pw *p = pw_begin();

	held(p);
	SW_OK(&p->w, VOLUME_SET, .volume = 1, .node = 0,
	      .flags = STATE_VOLUME_SET_WANT);
	pw_told(p);
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_RELEASED));
	EXPECT_EQ(1, said(p, AGENT_SAY_RELEASED)->term);
	/* given up: also if it shall be here after all */
	SW_OK(&p->w, VOLUME_SET, .volume = 1, .node = 2,
	      .flags = STATE_VOLUME_SET_WANT);
	pw_told(p);
	EXPECT_EQ(0, plan(p));
	pw_end(p);
}

TEST(replicas)
{
	struct pw *p = pw_begin();
	u32 i;

	a_db(p);
	SW_OK(&p->w, VOLUME_SET, .volume = 1, .node = 3,
	      .flags = STATE_VOLUME_SET_WANT);
	pw_told(p);
	fresh_all(p);
	/* made, and not there: said, not made again */
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_LOST));
	fresh_replicas(p);
	SW_OK(&p->w, VOLUME_DELETE, .volume = 1);
	pw_told(p);
	ASSERT_EQ(2, plan(p));
	EXPECT_EQ(QBD_CMD_REPLICA_DELETE, p->req[0].cmd);
	EXPECT_EQ(1, p->req[0].epoch);
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_GONE));
	done(p, 0, 0);
	done(p, 1, 0);
	fresh(p, SEEN_REPLICA, NULL, 0);
	reports(p);
	EXPECT_TRUE(said(p, AGENT_SAY_GONE));
	sw_obey(&p->w);
	pw_told(p);
	p->now_ms += AGENT_SAY_MS;
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_GONE));
	/* one that nobody knows: said, not deleted */
	fresh_replicas(p);
	plan(p);
	for (i = 0; i < p->nr; i++)
		EXPECT_EQ(QBD_CMD_PEER_REMOVE, p->req[i].cmd);
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_UNKNOWN));
	EXPECT_EQ(2, said(p, AGENT_SAY_UNKNOWN)->replica);
	pw_end(p);
}

TEST(silent)
{
	struct pw *p = pw_begin();
	union seen_object peer[2] = {
		{ .peer = { .key = { .id = 1 }, .heard_ms = 10 } },
		{ .peer = { .key = { .id = 3 }, .heard_ms = 10 } },
	};

	a_db(p);
	SW_OK(&p->w, ATTACH, .volume = 1, .node = 3, .session = 8);
	pw_told(p);
	fresh_all(p);
	fresh_replicas(p);
	fresh(p, SEEN_PEER, peer, 2);
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_SILENT));
	peer[1].peer.heard_ms = 2000;
	fresh(p, SEEN_PEER, peer, 2);
	p->now_ms += 300;
	reports(p);
	ASSERT_TRUE(said(p, AGENT_SAY_SILENT));
	EXPECT_EQ(3, said(p, AGENT_SAY_SILENT)->node);
	EXPECT_EQ(2000, said(p, AGENT_SAY_SILENT)->silent_ms);
	EXPECT_EQ(300, said(p, AGENT_SAY_SILENT)->age_ms);
	EXPECT_FALSE(said(p, AGENT_SAY_SILENT)->failed);
	/* longer silent is no news, but a word gets old */
	peer[1].peer.heard_ms = 2100;
	fresh(p, SEEN_PEER, peer, 2);
	p->now_ms += AGENT_SILENT_MS - 1;
	reports(p);
	EXPECT_FALSE(said(p, AGENT_SAY_SILENT));
	p->now_ms++;
	reports(p);
	EXPECT_TRUE(said(p, AGENT_SAY_SILENT));
	pw_end(p);
}

TEST(foreign)
{
	struct pw *p = pw_begin();
	union seen_object node = { .node = { .id = 9 } };

	pw_told(p);
	fresh(p, SEEN_NODE, &node, 1);
	fresh(p, SEEN_PEER, NULL, 0);
	fresh(p, SEEN_STORE, NULL, 0);
	EXPECT_EQ(0, plan(p));
	reports(p);
	ASSERT_EQ(1, p->reports);
	EXPECT_EQ(AGENT_SAY_FOREIGN, p->report[0].say);
	pw_end(p);
}

TEST_HARNESS_MAIN
