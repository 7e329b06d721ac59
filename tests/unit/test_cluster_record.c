// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a node keeps of its cluster, and what daemons say to each other: back
 * and forth, and all that is refused.
 */
#include <stdlib.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/stat.h>

#include "harness.h"
#include "../../daemon/cluster/msg.h"

#define KEY8(b) b "" b "" b "" b "" b "" b "" b "" b
#define KEY(b) KEY8(b) KEY8(b) KEY8(b) KEY8(b)

static const char sample[] =
	"qbd-record 1\n"
	"cluster 000102030405060708090a0b0c0d0e0f\n"
	"lineage 77\n"
	"node 3\n"
	"server 12884901890 ready\n"
	"peer 1 " KEY("11") " 10.0.0.1:7788\n"
			    "peer 2 " KEY(
				    "22") " 10.0.0.2:7788,[fd00::2]:7788\n";

/* With the end that belongs to it. */
static size_t whole(const char *body, char *text, size_t room)
{
	return snprintf(text, room, "%send %08x\n", body,
			crc32c(~0U, body, strlen(body)));
}

static int parse(const char *body, struct record *record, char *why)
{
	static char text[2 * RECORD_BYTES_MAX];

	return record_parse(record, text, whole(body, text, sizeof(text)), why);
}

TEST(record)
{
	static char text[RECORD_BYTES_MAX], again[RECORD_BYTES_MAX];
	char why[RECORD_WHY_MAX];
	struct record record;
	size_t bytes = whole(sample, text, sizeof(text));

	ASSERT_EQ(0, record_parse(&record, text, bytes, why));
	EXPECT_EQ(77, record.lineage);
	EXPECT_EQ(3, record.node);
	EXPECT_EQ(3ULL << 32 | 2, record.server);
	EXPECT_TRUE(record.ready);
	ASSERT_EQ(2, record.nr_peers);
	EXPECT_EQ(2, record.peer[1].nr);
	EXPECT_EQ(0x22, record.peer[1].key[31]);
	EXPECT_EQ(AF_INET6, record.peer[1].addr[1].any.sa_family);
	ASSERT_EQ((int)bytes, record_print(&record, again, sizeof(again)));
	EXPECT_MEMEQ(text, again, bytes);
	EXPECT_EQ(-ENOSPC, record_print(&record, again, bytes));
}

/* Each byte that is another one, and each that is missing. */
TEST(record_flipped_and_cut)
{
	static char text[RECORD_BYTES_MAX];
	char why[RECORD_WHY_MAX], *copy;
	struct record record;
	size_t bytes = whole(sample, text, sizeof(text)), i;

	for (i = 0; i < bytes; i++) {
		text[i] ^= 0x10;
		EXPECT_EQ(-EBADMSG, record_parse(&record, text, bytes, why));
		text[i] ^= 0x10;
		copy = malloc(i + 1);
		memcpy(copy, text, i);
		EXPECT_EQ(-EBADMSG, record_parse(&record, copy, i, why));
		free(copy);
	}
}

TEST(record_refused)
{
	static const struct {
		const char *from;
		const char *to;
		const char *why;
	} row[] = {
		{ "qbd-record 1", "qbd-record 2", "later version" },
		{ "000102", "00010x", "uuid" },
		{ "lineage 77", "lineage 0", "can not be" },
		{ "lineage 77", "lineage 18446744073709551616", "can not be" },
		{ "node 3", "node 4294967296", "can not be" },
		{ "node 3", "node 3 4", "node" },
		{ "12884901890 ready", "0 ready", "no server" },
		{ "12884901890 ready", "1 maybe", "pending" },
		{ "peer 1 11", "peer 0 11", "number of a node" },
		{ "peer 1 11", "peer 1 1", "key" },
		{ "10.0.0.1:7788", "10.0.0.1", "addresses" },
		{ "10.0.0.1:7788", "name:7788", "addresses" },
		{ "10.0.0.1:7788",
		  "1.1.1.1:1,1.1.1.1:2,1.1.1.1:3,1.1.1.1:4,1.1.1.1:5",
		  "addresses" },
		{ " 10.0.0.1:7788", "", "peer" },
		{ "node 3\n", "", "node" },
		{ "node 3\n", "node 3\nnode 3\n", "server" },
	};
	char body[2048], why[RECORD_WHY_MAX];
	struct record record;
	const char *at;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		at = strstr(sample, row[i].from);
		ASSERT_TRUE(at);
		snprintf(body, sizeof(body), "%.*s%s%s", (int)(at - sample),
			 sample, row[i].to, at + strlen(row[i].from));
		EXPECT_EQ(-EBADMSG, parse(body, &record, why));
		if (!strstr(why, row[i].why))
			TH_LOG("%s: %s", row[i].to, why);
		EXPECT_TRUE(strstr(why, row[i].why));
	}
}

TEST(record_too_many)
{
	static char body[2 * RECORD_BYTES_MAX];
	const char *peer = strstr(sample, "peer 1");
	char why[RECORD_WHY_MAX];
	struct record record;
	size_t len = peer - sample;
	u32 i;

	memcpy(body, sample, len);
	for (i = 0; i < RECORD_PEERS_MAX; i++)
		len += snprintf(body + len, sizeof(body) - len, "%.*s",
				(int)(strchr(peer, '\n') + 1 - peer), peer);
	EXPECT_EQ(0, parse(body, &record, why));
	EXPECT_EQ(RECORD_PEERS_MAX, record.nr_peers);
	snprintf(body + len, sizeof(body) - len, "%s", peer);
	EXPECT_EQ(-EBADMSG, parse(body, &record, why));
	EXPECT_TRUE(strstr(why, "more than 16"));
}

TEST(record_file)
{
	char dir[] = "/tmp/qbd-record-XXXXXX", path[64], why[RECORD_WHY_MAX];
	struct record record, seen;
	struct stat st;

	ASSERT_TRUE(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/record", dir);
	EXPECT_EQ(-ENOENT, record_load(&seen, path, why));
	ASSERT_EQ(0, parse(sample, &record, why));
	ASSERT_EQ(0, record_save(&record, path, true, why));
	ASSERT_EQ(0, record_load(&seen, path, why));
	EXPECT_EQ(record.server, seen.server);
	EXPECT_EQ(2, seen.nr_peers);
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	/* it is replaced whole, or it stays */
	record.node = 9;
	ASSERT_EQ(0, record_save(&record, path, false, why));
	ASSERT_EQ(0, record_load(&seen, path, why));
	EXPECT_EQ(9, seen.node);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, mkdir(path, 0700));
	EXPECT_LT(record_save(&record, path, true, why), 0);
	EXPECT_TRUE(strstr(why, "replace"));
	rmdir(path);
	snprintf(path, sizeof(path), "%s/record.new", dir);
	unlink(path);
	rmdir(dir);
}

/* --- messages ---------------------------------------------------------------
 */

/* Exactly so many bytes exist: reading on is seen by ASan. */
static int members_get(const u8 *bytes, size_t len, struct msg_members *members)
{
	u8 *copy = malloc(len ?: 1);
	int err;

	memcpy(copy, bytes, len);
	err = msg_members_get(copy, len, members);
	free(copy);
	return err;
}

TEST(members)
{
	static u8 bytes[MSG_MEMBERS_MAX];
	struct msg_members members = { .term = 9,
				       .log_term = 8,
				       .log_index = 77,
				       .leader = 2,
				       .nr = 2 },
			   seen;
	char why[RECORD_WHY_MAX];
	struct record record;
	int len, i;

	ASSERT_EQ(0, parse(sample, &record, why));
	memcpy(members.peer, record.peer, 2 * sizeof(record.peer[0]));
	len = msg_members_put(&members, bytes, sizeof(bytes));
	ASSERT_EQ(32 + 2 * 40 + 3 * 20, len);
	ASSERT_EQ(0, members_get(bytes, len, &seen));
	EXPECT_EQ(2, seen.leader);
	EXPECT_EQ(9, seen.term);
	EXPECT_EQ(8, seen.log_term);
	EXPECT_EQ(77, seen.log_index);
	EXPECT_MEMEQ(members.peer, seen.peer, sizeof(seen.peer));
	for (i = 0; i < len; i++)
		EXPECT_EQ(-EBADMSG, members_get(bytes, i, &seen));
	EXPECT_EQ(-EMSGSIZE, msg_members_put(&members, bytes, len));
	bytes[28] = 0; /* nobody */
	EXPECT_EQ(-EBADMSG, members_get(bytes, 32, &seen));
	bytes[28] = RECORD_PEERS_MAX + 1;
	EXPECT_EQ(-EBADMSG, members_get(bytes, len, &seen));
	bytes[28] = 2;
	bytes[36] = 0; /* one without an address */
	EXPECT_EQ(-EBADMSG, members_get(bytes, len, &seen));
	bytes[36] = 1;
	bytes[72] = 5; /* an address of no family */
	EXPECT_EQ(-EBADMSG, members_get(bytes, len, &seen));
}

TEST(asks_and_answers)
{
	struct msg_text ask = {
		.id = 5, .client = 6, .seq = 7, .text = "{}", .bytes = 2
	};
	struct msg_text answer = {
		.id = 5, .what = MSG_ELSEWHERE, .leader = 9, .text = ""
	};
	struct msg_text seen;
	u8 bytes[64];

	ASSERT_EQ(MSG_ASK_HEAD + 2, msg_ask_put(&ask, bytes, sizeof(bytes)));
	ASSERT_EQ(0, msg_ask_get(bytes, MSG_ASK_HEAD + 2, &seen));
	EXPECT_EQ(7, seen.seq);
	EXPECT_EQ(2, seen.bytes);
	EXPECT_EQ(-EBADMSG, msg_ask_get(bytes, MSG_ASK_HEAD - 1, &seen));
	bytes[16] = 0; /* a client, and no number */
	EXPECT_EQ(-EBADMSG, msg_ask_get(bytes, MSG_ASK_HEAD + 2, &seen));
	EXPECT_EQ(-EMSGSIZE, msg_ask_put(&ask, bytes, MSG_ASK_HEAD + 1));
	ask.bytes = MSG_TEXT_MAX + 1;
	EXPECT_EQ(-EMSGSIZE, msg_ask_put(&ask, bytes, SIZE_MAX));
	ASSERT_EQ(MSG_ANSWER_HEAD,
		  msg_answer_put(&answer, bytes, sizeof(bytes)));
	ASSERT_EQ(0, msg_answer_get(bytes, MSG_ANSWER_HEAD, &seen));
	EXPECT_EQ(9, seen.leader);
	bytes[8] = MSG_ELSEWHERE + 1;
	EXPECT_EQ(-EBADMSG, msg_answer_get(bytes, MSG_ANSWER_HEAD, &seen));
}

TEST(servers)
{
	struct msg_server_is is = { .server = 8, .what = MSG_SERVER_LOST },
			     seen;
	u8 bytes[16];

	ASSERT_EQ(8, msg_server_put(&is, false, bytes, sizeof(bytes)));
	ASSERT_EQ(0, msg_server_get(bytes, 8, false, &seen));
	EXPECT_EQ(8, seen.server);
	EXPECT_EQ(-EBADMSG, msg_server_get(bytes, 8, true, &seen));
	ASSERT_EQ(16, msg_server_put(&is, true, bytes, sizeof(bytes)));
	ASSERT_EQ(0, msg_server_get(bytes, 16, true, &seen));
	EXPECT_EQ(MSG_SERVER_LOST, seen.what);
	bytes[8] = 9;
	EXPECT_EQ(-EBADMSG, msg_server_get(bytes, 16, true, &seen));
	bytes[8] = 0;
	bytes[12] = 1;
	EXPECT_EQ(-EBADMSG, msg_server_get(bytes, 16, true, &seen));
	memset(bytes, 0, sizeof(bytes));
	EXPECT_EQ(-EBADMSG, msg_server_get(bytes, 8, false, &seen));
}

TEST(lives)
{
	struct msg_life life = { .server = 8,
				 .generation = 7,
				 .your_server = 6,
				 .your_generation = 5 },
			seen;
	u8 bytes[MSG_LIFE_BYTES + 1] = { 0 };

	EXPECT_EQ(-EMSGSIZE, msg_life_put(&life, bytes, MSG_LIFE_BYTES - 1));
	ASSERT_EQ(MSG_LIFE_BYTES, msg_life_put(&life, bytes, sizeof(bytes)));
	ASSERT_EQ(0, msg_life_get(bytes, MSG_LIFE_BYTES, &seen));
	EXPECT_EQ(0, memcmp(&life, &seen, sizeof(life)));
	EXPECT_EQ(-EBADMSG, msg_life_get(bytes, MSG_LIFE_BYTES - 1, &seen));
	EXPECT_EQ(-EBADMSG, msg_life_get(bytes, MSG_LIFE_BYTES + 1, &seen));
	bytes[16] = 0; /* of nobody, a generation */
	EXPECT_EQ(-EBADMSG, msg_life_get(bytes, MSG_LIFE_BYTES, &seen));
	bytes[24] = 0;
	ASSERT_EQ(0, msg_life_get(bytes, MSG_LIFE_BYTES, &seen));
	bytes[8] = 0;
	EXPECT_EQ(-EBADMSG, msg_life_get(bytes, MSG_LIFE_BYTES, &seen));
}

TEST_HARNESS_MAIN
