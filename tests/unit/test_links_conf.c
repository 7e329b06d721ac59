// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of peers: what is taken, and that all else is refused with its
 * file and line.
 */
#include "harness.h"

#include <arpa/inet.h>

#include "../../daemon/links_conf.h"

static struct links_conf conf;

static bool read_bytes(const char *bytes, size_t len)
{
	FILE *file = fmemopen((void *)bytes, len, "r");
	bool good = links_conf_read(&conf, "f", file);

	fclose(file);
	return good;
}

static bool read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

TEST(whole_file)
{
	char text[LINKS_ADDR_TEXT];

	ASSERT_TRUE(read_text("# a comment\n"
			      "\n"
			      "listen 0.0.0.0:7789\n"
			      "\tlisten  [::]:7789 # both\r\n"
			      "peer 2 10.0.0.2:1\n"
			      "links 8\n"
			      "peer 4294967295 [fd00::3]:65535"));
	ASSERT_EQ(2, conf.nr_listens);
	ASSERT_EQ(2, conf.nr_peers);
	EXPECT_EQ(AF_INET, conf.listen[0].addr.any.sa_family);
	EXPECT_EQ(3, conf.listen[0].line);
	EXPECT_EQ(htons(7789), conf.listen[1].addr.v6.sin6_port);
	EXPECT_EQ(2, conf.peer[0].id);
	EXPECT_EQ(htonl(0x0a000002), conf.peer[0].addr.v4.sin_addr.s_addr);
	EXPECT_EQ(UINT32_MAX, conf.peer[1].id);
	EXPECT_EQ(8, conf.links);
	EXPECT_EQ(7, conf.peer[1].line);
	links_addr_format(text, &conf.peer[1].addr);
	EXPECT_STREQ("[fd00::3]:65535", text);
	links_addr_format(text, &conf.peer[0].addr);
	EXPECT_STREQ("10.0.0.2:1", text);
}

/* Wherever the number stands, it is for all; the kernel has a default. */
TEST(links)
{
	ASSERT_TRUE(read_text("peer 2 10.0.0.2:1\n"));
	EXPECT_EQ(0, conf.links);
	ASSERT_TRUE(read_text("peer 2 10.0.0.2:1\nlinks 1\n"));
	EXPECT_EQ(1, conf.links);
}

TEST(refused)
{
	static const struct {
		const char *text;
		const char *error;
	} bad[] = {
		{ "", "f:0: there is no peer in it" },
		{ "listen 1.2.3.4:5\n", "f:1: there is no peer in it" },
		{ "\nbeer 2 10.0.0.2:1\n",
		  "f:2: beer: expected listen, links or peer" },
		{ "listen\n", "f:1: expected: listen ADDRESS:PORT" },
		{ "listen 1.2.3.4:5 x\n",
		  "f:1: expected: listen ADDRESS:PORT" },
		{ "listen 1.2.3.4:5\nlisten 1.2.3.4:5\n",
		  "f:2: 1.2.3.4:5: already in line 1" },
		{ "peer 2\n", "f:1: expected: peer ID ADDRESS:PORT" },
		{ "peer\n", "f:1: expected: peer ID ADDRESS:PORT" },
		{ "peer 2 10.0.0.2:1 x\n",
		  "f:1: expected: peer ID ADDRESS:PORT" },
		{ "peer 2 10.0.0.2:1 x y z w v\n",
		  "f:1: expected: peer ID ADDRESS:PORT" },
		{ "peer 0 10.0.0.2:1\n", "f:1: 0: expected a node id" },
		{ "peer 2x 10.0.0.2:1\n", "f:1: 2x: expected a node id" },
		{ "peer 4294967296 10.0.0.2:1\n",
		  "f:1: 4294967296: expected a node id" },
		{ "peer 2 10.0.0.2:1 links=4\n",
		  "f:1: links=4: say it once for all peers, in a line of its own: links 4" },
		{ "links\n", "f:1: expected: links N" },
		{ "links 2 2\n", "f:1: expected: links N" },
		{ "links 0\n", "f:1: links 0: expected 1 to 8" },
		{ "links 9\n", "f:1: links 9: expected 1 to 8" },
		{ "links x\n", "f:1: links x: expected 1 to 8" },
		{ "links 2\n\nlinks 2\n", "f:3: links: already in line 1" },
		{ "links 2\n", "f:1: there is no peer in it" },
		{ "peer 2 0.0.0.0:1\n",
		  "f:1: 0.0.0.0:1: nobody can be reached there" },
		{ "peer 2 [::]:1\n",
		  "f:1: [::]:1: nobody can be reached there" },
		{ "peer 2 224.0.0.1:1\n",
		  "f:1: 224.0.0.1:1: nobody can be reached there" },
		{ "peer 2 [fe80::1]:1\n",
		  "f:1: [fe80::1]:1: link-local addresses are not supported" },
		{ "peer 2 10.0.0.2:1\npeer 2 10.0.0.3:1\n",
		  "f:2: peer 2: already in line 1" },
		{ "peer 2 10.0.0.2:1\npeer 3 10.0.0.2:1\n",
		  "f:2: 10.0.0.2:1: already in line 1" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_FALSE(read_text(bad[i].text));
		EXPECT_STREQ(bad[i].error, conf.error);
	}
}

TEST(addresses)
{
	static const char *const bad[] = {
		"",
		":",
		":1",
		"1.2.3.4",
		"1.2.3.4:",
		"1.2.3.4:0",
		"1.2.3.4:010",
		"1.2.3.4:0x10",
		"1.2.3.4:65536",
		"1.2.3.4:1x",
		"1.2.3:1",
		"1.2.3.256:1",
		"host:1",
		"[1.2.3.4]:1",
		"fd00::1:1",
		"[fd00::1]1",
		"[fd00::1:1",
		"fd00::1]:1",
		"[]:1",
		"[:1",
		"[fd00::1%lo]:1",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1",
	};
	union links_addr addr = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_FALSE(links_addr_parse(bad[i], &addr));
	EXPECT_EQ(0, addr.any.sa_family);
}

/* Bytes that no editor makes. */
TEST(hostile_bytes)
{
	static const char zero[] = "peer 2 10.0.0.2:1\n#\0\n";
	static const char last[] = "peer 2 10.0.0.2:1\0";
	char line[LINKS_LINE_MAX + 64];

	EXPECT_FALSE(read_bytes(zero, sizeof(zero) - 1));
	EXPECT_STREQ("f:2: a zero byte", conf.error);
	EXPECT_FALSE(read_bytes(last, sizeof(last)));
	EXPECT_STREQ("f:1: a zero byte", conf.error);
	memset(line, 'x', sizeof(line));
	EXPECT_FALSE(read_bytes(line, sizeof(line)));
	EXPECT_STREQ("f:1: the line is too long", conf.error);
	EXPECT_FALSE(read_bytes(line, LINKS_LINE_MAX - 1));
	EXPECT_EQ(0, strncmp("f:1: xxxx", conf.error, 9));
}

static char *many(const char *format, int count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	int i;

	for (i = 1; i <= count; i++)
		fprintf(file, format, i, i >> 8, i & 255);
	fclose(file);
	return text;
}

TEST(limits)
{
	char *text = many("peer %d 10.0.%d.%d:1\n", LINKS_PEERS_MAX);

	EXPECT_TRUE(read_text(text));
	EXPECT_EQ(LINKS_PEERS_MAX, conf.nr_peers);
	free(text);
	text = many("peer %d 10.0.%d.%d:1\n", LINKS_PEERS_MAX + 1);
	EXPECT_FALSE(read_text(text));
	EXPECT_STREQ("f:1025: more than 1024 peers", conf.error);
	free(text);
	text = many("listen 0.0.0.0:%d\n", LINKS_LISTENS_MAX + 1);
	EXPECT_FALSE(read_text(text));
	EXPECT_STREQ("f:9: more than 8 listen lines", conf.error);
	free(text);
}

TEST(no_file)
{
	EXPECT_FALSE(links_conf_load(&conf, "/nonexistent/file"));
	EXPECT_STREQ("/nonexistent/file: No such file or directory",
		     conf.error);
	EXPECT_FALSE(links_conf_load(&conf, "/"));
	EXPECT_STREQ("/:0: Is a directory", conf.error);
}

TEST_HARNESS_MAIN
