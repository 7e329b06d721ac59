// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel has: dumps, events, and when to believe them; and requests as
 * it reads them.
 */
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "harness.h"
#include "agent/plan_nl.h"

static void put(struct seen *seen, enum seen_kind kind, u64 id)
{
	union seen_object object;

	memset(&object, 0, sizeof(object));
	object.key.id = id;
	ASSERT_EQ(0, seen_put(seen, kind, &object));
}

static void put_node(struct seen *seen, u32 id, u64 seq)
{
	union seen_object object;

	memset(&object, 0, sizeof(object));
	object.node.id = id;
	object.node.event_seq = seq;
	ASSERT_EQ(0, seen_put(seen, SEEN_NODE, &object));
}

static void dump(struct seen *seen, enum seen_kind kind, u64 first, u64 last)
{
	u64 id;

	seen_begin(seen, kind, 1000);
	for (id = first; id <= last; id++)
		put(seen, kind, id);
	seen_end(seen, kind, true);
}

static u32 count(const struct seen *seen, enum seen_kind kind)
{
	u32 at = 0, nr = 0;

	while (seen_next(seen, kind, &at))
		nr++;
	return nr;
}

TEST(dump)
{
	struct seen seen;

	seen_init(&seen);
	EXPECT_FALSE(seen_fresh(&seen, SEEN_REPLICA));
	dump(&seen, SEEN_REPLICA, 1, 5);
	dump(&seen, SEEN_VOLUME, 1, 2);
	EXPECT_TRUE(seen_fresh(&seen, SEEN_REPLICA));
	EXPECT_EQ(5, count(&seen, SEEN_REPLICA));
	EXPECT_EQ(2, count(&seen, SEEN_VOLUME));
	/* what does not come any more is gone, at the end */
	seen_begin(&seen, SEEN_REPLICA, 2000);
	put(&seen, SEEN_REPLICA, 3);
	put(&seen, SEEN_REPLICA, 7);
	EXPECT_EQ(6, count(&seen, SEEN_REPLICA));
	seen_end(&seen, SEEN_REPLICA, true);
	EXPECT_EQ(2, count(&seen, SEEN_REPLICA));
	EXPECT_FALSE(seen_replica(&seen, 1));
	EXPECT_TRUE(seen_replica(&seen, 7));
	EXPECT_EQ(2, count(&seen, SEEN_VOLUME));
	/* and not if it was interrupted */
	seen_stale(&seen, SEEN_REPLICA);
	seen_begin(&seen, SEEN_REPLICA, 3000);
	seen_end(&seen, SEEN_REPLICA, false);
	EXPECT_EQ(2, count(&seen, SEEN_REPLICA));
	EXPECT_FALSE(seen_fresh(&seen, SEEN_REPLICA));
	seen_free(&seen);
	EXPECT_EQ(0, count(&seen, SEEN_REPLICA));
}

TEST(events)
{
	struct seen seen;
	u32 kind;

	seen_init(&seen);
	for (kind = 1; kind < SEEN_KINDS; kind++)
		dump(&seen, kind, 1, 1);
	seen_event(&seen, 10, QBD_EVENT_KIND_REPLICA_STATE);
	EXPECT_FALSE(seen_fresh(&seen, SEEN_REPLICA));
	/* it may be a member, as who leads its shard sees it */
	EXPECT_FALSE(seen_fresh(&seen, SEEN_SHARD));
	EXPECT_TRUE(seen_fresh(&seen, SEEN_VOLUME));
	dump(&seen, SEEN_REPLICA, 1, 1);
	dump(&seen, SEEN_SHARD, 1, 1);
	seen_event(&seen, 11, QBD_EVENT_KIND_TERM_LOST);
	EXPECT_FALSE(seen_fresh(&seen, SEEN_VOLUME));
	EXPECT_FALSE(seen_fresh(&seen, SEEN_SHARD));
	EXPECT_TRUE(seen_fresh(&seen, SEEN_REPLICA));
	seen_event(&seen, 12, 9999); /* of a newer kernel */
	EXPECT_TRUE(seen_fresh(&seen, SEEN_REPLICA));
	/* one while a dump runs: it may be in it or not */
	seen_begin(&seen, SEEN_VOLUME, 1);
	seen_event(&seen, 13, QBD_EVENT_KIND_VOLUME_STATE);
	seen_end(&seen, SEEN_VOLUME, true);
	EXPECT_FALSE(seen_fresh(&seen, SEEN_VOLUME));
	dump(&seen, SEEN_VOLUME, 1, 1);
	/* 14 is lost */
	EXPECT_EQ(0, seen.gaps);
	seen_event(&seen, 15, QBD_EVENT_KIND_LINK_STATE);
	EXPECT_EQ(1, seen.gaps);
	for (kind = 0; kind < SEEN_KINDS; kind++)
		EXPECT_FALSE(seen_fresh(&seen, kind));
	seen_free(&seen);
}

TEST(node)
{
	struct seen seen;

	seen_init(&seen);
	seen_begin(&seen, SEEN_NODE, 1);
	put_node(&seen, 4, 7);
	seen_end(&seen, SEEN_NODE, true);
	EXPECT_TRUE(seen.node);
	EXPECT_TRUE(seen_fresh(&seen, SEEN_NODE));
	dump(&seen, SEEN_PEER, 1, 3);
	/* the same one again: nothing changed */
	seen_begin(&seen, SEEN_NODE, 1);
	put_node(&seen, 4, 9);
	seen_end(&seen, SEEN_NODE, true);
	EXPECT_TRUE(seen_fresh(&seen, SEEN_PEER));
	/* it counts events anew: it began anew */
	seen_begin(&seen, SEEN_NODE, 1);
	put_node(&seen, 4, 2);
	seen_end(&seen, SEEN_NODE, true);
	EXPECT_TRUE(seen_fresh(&seen, SEEN_NODE));
	EXPECT_FALSE(seen_fresh(&seen, SEEN_PEER));
	EXPECT_EQ(3, count(&seen, SEEN_PEER));
	/* there is none: and so nothing else */
	seen_begin(&seen, SEEN_NODE, 1);
	seen_end(&seen, SEEN_NODE, true);
	EXPECT_FALSE(seen.node);
	EXPECT_TRUE(seen_fresh(&seen, SEEN_NODE));
	EXPECT_EQ(0, count(&seen, SEEN_PEER));
	EXPECT_EQ(0, seen.map.nr);
	seen_free(&seen);
}

/* One too many: the dump is not whole, and nothing is taken for gone. */
TEST(too_many)
{
	union seen_object object = { .key = { .id = 11 } };
	struct seen seen;

	seen_init(&seen);
	seen.map.max = 16;
	dump(&seen, SEEN_REPLICA, 1, 10);
	seen_begin(&seen, SEEN_REPLICA, 1);
	for (; object.key.id < 27; object.key.id++)
		if (seen_put(&seen, SEEN_REPLICA, &object))
			break;
	EXPECT_EQ(17, object.key.id);
	seen_end(&seen, SEEN_REPLICA, true);
	EXPECT_EQ(16, count(&seen, SEEN_REPLICA));
	EXPECT_TRUE(seen_replica(&seen, 1));
	seen_free(&seen);
}

/* As the kernel sends them. */
static struct nl_msg *message(u8 cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(16384);

	if (!msg || !genlmsg_put(msg, 0, 0, 30, 0, NLM_F_MULTI, cmd, 1))
		abort();
	return msg;
}

static int take(struct seen *seen, enum seen_kind kind, struct nl_msg *msg)
{
	struct nlattr **attrs =
		calloc(seen_attr_max(kind) + 1, sizeof(struct nlattr *));
	int err;

	ASSERT_EQ(0, genlmsg_parse(nlmsg_hdr(msg), 0, attrs,
				   seen_attr_max(kind), NULL));
	err = seen_take(seen, kind, attrs, nlmsg_hdr(msg));
	free(attrs);
	nlmsg_free(msg);
	return err;
}

TEST(netlink_shard)
{
	struct nl_msg *msg = message(seen_cmd(SEEN_SHARD));
	const struct seen_shard *shard;
	struct nlattr *nest;
	struct seen seen;
	u32 i;

	EXPECT_EQ(QBD_CMD_SHARD_GET, seen_cmd(SEEN_SHARD));
	nla_put_u32(msg, QBD_A_SHARD_VOLUME, 7);
	nla_put_u32(msg, QBD_A_SHARD_NUMBER, 2);
	nla_put_u64(msg, QBD_A_SHARD_TERM, 5);
	nla_put_u64(msg, QBD_A_SHARD_EPOCH, 4);
	nla_put_u64(msg, QBD_A_SHARD_COMMITTED_EPOCH, 3);
	for (i = 0; i < 3; i++) {
		nest = nla_nest_start(msg, QBD_A_SHARD_MEMBER);
		nla_put_u32(msg, QBD_A_SHARD_MEMBER_NODE, i + 1);
		nla_put_u64(msg, QBD_A_SHARD_MEMBER_REPLICA, 100 + i);
		nla_put_u32(msg, QBD_A_SHARD_MEMBER_ROLE, i);
		nla_put_u32(msg, QBD_A_SHARD_MEMBER_STATE, i);
		nla_nest_end(msg, nest);
	}
	seen_init(&seen);
	seen_begin(&seen, SEEN_SHARD, 1);
	ASSERT_EQ(0, take(&seen, SEEN_SHARD, msg));
	seen_end(&seen, SEEN_SHARD, true);
	shard = seen_shard(&seen, 7, 2);
	ASSERT_TRUE(shard);
	EXPECT_EQ(5, shard->term);
	EXPECT_EQ(4, shard->epoch);
	EXPECT_EQ(3, shard->committed);
	ASSERT_EQ(3, shard->nr);
	EXPECT_EQ(102, shard->member[2].replica);
	EXPECT_EQ(QBD_MEMBER_ROLE_JOINING, shard->member[2].role);
	/* more members than a set can have */
	msg = message(seen_cmd(SEEN_SHARD));
	for (i = 0; i <= SEEN_MEMBERS_MAX; i++) {
		nest = nla_nest_start(msg, QBD_A_SHARD_MEMBER);
		nla_put_u32(msg, QBD_A_SHARD_MEMBER_NODE, i + 1);
		nla_nest_end(msg, nest);
	}
	seen_begin(&seen, SEEN_SHARD, 1);
	EXPECT_EQ(-EBADMSG, take(&seen, SEEN_SHARD, msg));
	seen_end(&seen, SEEN_SHARD, true);
	EXPECT_TRUE(seen_shard(&seen, 7, 2));
	seen_free(&seen);
}

TEST(netlink)
{
	static const u8 uuid[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	static const u8 other[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1 };
	const struct seen_replica *replica;
	const struct seen_volume *volume;
	struct nlattr *attrs[QBD_A_EVENT_MAX + 1];
	struct nlattr *nest;
	struct nl_msg *msg;
	struct seen seen;

	seen_init(&seen);
	msg = message(QBD_CMD_NODE_GET);
	nla_put_u32(msg, QBD_A_NODE_ID, 3);
	nla_put(msg, QBD_A_NODE_CLUSTER, 16, uuid);
	nla_put_u64(msg, QBD_A_NODE_LINEAGE, 9);
	ASSERT_EQ(0, take(&seen, SEEN_NODE, msg));
	EXPECT_EQ(3, seen_node(&seen)->id);
	EXPECT_EQ(9, seen_node(&seen)->lineage);
	msg = message(QBD_CMD_STORE_GET);
	nla_put(msg, QBD_A_STORE_UUID, 16, uuid);
	nla_put_u32(msg, QBD_A_STORE_STATE, QBD_STORE_STATE_FAILED);
	nla_put_u64(msg, QBD_A_STORE_OPENS, 12);
	nla_put_string(msg, QBD_A_STORE_REASON, "gone");
	ASSERT_EQ(0, take(&seen, SEEN_STORE, msg));
	ASSERT_TRUE(seen_store(&seen, uuid));
	EXPECT_FALSE(seen_store(&seen, other));
	EXPECT_EQ(12, seen_store(&seen, uuid)->opens);
	EXPECT_STREQ("gone", seen_store(&seen, uuid)->reason);
	msg = message(QBD_CMD_REPLICA_GET);
	nla_put_u64(msg, QBD_A_REPLICA_ID, 1ULL << 40);
	nla_put_u32(msg, QBD_A_REPLICA_VOLUME, 6);
	nla_put_u32(msg, QBD_A_REPLICA_PROMISED_NODE, 2);
	nest = nla_nest_start(msg, QBD_A_REPLICA_MEMBER);
	nla_put_u32(msg, QBD_A_MEMBER_NODE, 8);
	nla_nest_end(msg, nest);
	ASSERT_EQ(0, take(&seen, SEEN_REPLICA, msg));
	replica = seen_replica(&seen, 1ULL << 40);
	ASSERT_TRUE(replica);
	EXPECT_EQ(2, replica->promised_node);
	ASSERT_EQ(1, replica->nr);
	EXPECT_EQ(8, replica->node[0]);
	msg = message(QBD_CMD_VOLUME_GET);
	nla_put_u32(msg, QBD_A_VOLUME_ID, 6);
	nla_put_u64(msg, QBD_A_VOLUME_TERM, 5);
	nla_put_string(msg, QBD_A_VOLUME_DEVICE, "qbd0");
	nla_put_u64(msg, QBD_A_VOLUME_GROWING_BYTES, 4096);
	ASSERT_EQ(0, take(&seen, SEEN_VOLUME, msg));
	volume = seen_volume(&seen, 6);
	ASSERT_TRUE(volume);
	EXPECT_STREQ("qbd0", volume->device);
	EXPECT_EQ(4096, volume->growing);
	msg = message(QBD_CMD_PEER_GET);
	nla_put_u32(msg, QBD_A_PEER_ID, 6);
	ASSERT_EQ(0, take(&seen, SEEN_PEER, msg));
	EXPECT_EQ(U32_MAX, seen_peer(&seen, 6)->heard_ms);
	msg = message(QBD_CMD_EVENT_NTF);
	nla_put_u64(msg, QBD_A_EVENT_SEQ, 44);
	nla_put_u32(msg, QBD_A_EVENT_KIND, QBD_EVENT_KIND_LINK_STATE);
	ASSERT_EQ(0, genlmsg_parse(nlmsg_hdr(msg), 0, attrs, QBD_A_EVENT_MAX,
				   NULL));
	seen_event_take(&seen, attrs);
	EXPECT_EQ(44, seen.seq);
	nlmsg_free(msg);
	seen_free(&seen);
}

/* Attributes of a request, parsed; the message stays the caller's. */
static struct nl_msg *request(const struct agent_request *req,
			      struct nlattr **attrs, int max)
{
	struct nl_msg *msg = nlmsg_alloc_size(AGENT_MESSAGE_BYTES);

	if (!msg || !genlmsg_put(msg, 0, 0, 30, 0, 0, req->cmd, 1))
		abort();
	ASSERT_EQ(0, agent_request_put(msg, req));
	ASSERT_EQ(0, genlmsg_parse(nlmsg_hdr(msg), 0, attrs, max, NULL));
	return msg;
}

static u32 sets_in(struct nl_msg *msg, u32 *members)
{
	struct nlattr *at, *in;
	int rest, left;
	u32 nr = 0;

	*members = 0;
	nlmsg_for_each_attr(at, nlmsg_hdr(msg), GENL_HDRLEN, rest) {
		if (nla_type(at) != QBD_A_VOLUME_SHARD)
			continue;
		nr++;
		nla_for_each_nested(in, at, left)
			*members += nla_type(in) == QBD_A_SHARD_SET_MEMBER;
	}
	return nr;
}

/* The largest one: seven shards of two times seven members. */
TEST(request_attach)
{
	struct agent_request req = { .cmd = QBD_CMD_VOLUME_ATTACH,
				     .volume = 5,
				     .name = "db",
				     .size = 1ULL << 40,
				     .shard_bytes = 1ULL << 32,
				     .term = 9,
				     .more = true,
				     .nr_sets = AGENT_SETS_MAX };
	struct want_shard set = { .epoch = 4, .nr = WANT_MEMBERS_MAX };
	struct nlattr *attrs[QBD_A_VOLUME_MAX + 1];
	struct nl_msg *msg;
	u32 i, members;

	for (i = 0; i < AGENT_SETS_MAX; i++)
		req.set[i] = &set;
	msg = request(&req, attrs, QBD_A_VOLUME_MAX);
	EXPECT_EQ(5, nla_get_u32(attrs[QBD_A_VOLUME_ID]));
	EXPECT_STREQ("db", nla_get_string(attrs[QBD_A_VOLUME_NAME]));
	EXPECT_EQ(9, nla_get_u64(attrs[QBD_A_VOLUME_TERM]));
	EXPECT_EQ(1ULL << 40, nla_get_u64(attrs[QBD_A_VOLUME_SIZE_BYTES]));
	EXPECT_TRUE(attrs[QBD_A_VOLUME_MORE]);
	EXPECT_FALSE(attrs[QBD_A_VOLUME_FORCE]);
	EXPECT_EQ(AGENT_SETS_MAX, sets_in(msg, &members));
	EXPECT_EQ(AGENT_SETS_MAX * WANT_MEMBERS_MAX, members);
	nlmsg_free(msg);
	/* who is gone is no member */
	set.member[3].role = STATE_ROLE_GONE;
	req = (struct agent_request){ .cmd = QBD_CMD_SHARD_CONFIG,
				      .volume = 5,
				      .term = 9,
				      .nr_sets = 1,
				      .set = { &set } };
	msg = request(&req, attrs, QBD_A_VOLUME_MAX);
	EXPECT_EQ(1, sets_in(msg, &members));
	EXPECT_EQ(WANT_MEMBERS_MAX - 1, members);
	EXPECT_FALSE(attrs[QBD_A_VOLUME_SIZE_BYTES]);
	nlmsg_free(msg);
}

TEST(request)
{
	struct agent_request req = { .cmd = QBD_CMD_VOLUME_DETACH,
				     .volume = 5,
				     .force = true };
	struct nlattr *attrs[QBD_A_VOLUME_MAX + 1];
	struct want_shard set = { .epoch = 4, .nr = 2 };
	struct nl_msg *msg;

	msg = request(&req, attrs, QBD_A_VOLUME_MAX);
	EXPECT_TRUE(attrs[QBD_A_VOLUME_FORCE]);
	EXPECT_FALSE(attrs[QBD_A_VOLUME_TERM]);
	nlmsg_free(msg);
	req = (struct agent_request){ .cmd = QBD_CMD_REPLICA_CREATE,
				      .replica = 7,
				      .volume = 5,
				      .shard = 1,
				      .size = 1 << 26,
				      .nr_sets = 1,
				      .set = { &set } };
	msg = request(&req, attrs, QBD_A_REPLICA_MAX);
	EXPECT_EQ(7, nla_get_u64(attrs[QBD_A_REPLICA_ID]));
	EXPECT_EQ(4, nla_get_u64(attrs[QBD_A_REPLICA_EPOCH]));
	EXPECT_TRUE(attrs[QBD_A_REPLICA_MEMBER]);
	nlmsg_free(msg);
	req = (struct agent_request){ .cmd = QBD_CMD_REPLICA_DELETE,
				      .replica = 7,
				      .epoch = 6 };
	msg = request(&req, attrs, QBD_A_REPLICA_MAX);
	EXPECT_EQ(6, nla_get_u64(attrs[QBD_A_REPLICA_EPOCH]));
	EXPECT_FALSE(attrs[QBD_A_REPLICA_MEMBER]);
	nlmsg_free(msg);
	req = (struct agent_request){ .cmd = QBD_CMD_STORE_ADD,
				      .path = "/dev/sdb",
				      .opens = 3 };
	msg = request(&req, attrs, QBD_A_STORE_MAX);
	EXPECT_STREQ("/dev/sdb", nla_get_string(attrs[QBD_A_STORE_PATH]));
	EXPECT_EQ(3, nla_get_u64(attrs[QBD_A_STORE_OPENS_MIN]));
	nlmsg_free(msg);
	req.cmd = QBD_CMD_NODE_CRASH;
	msg = nlmsg_alloc();
	EXPECT_EQ(-EOPNOTSUPP, agent_request_put(msg, &req));
	nlmsg_free(msg);
}

TEST_HARNESS_MAIN
