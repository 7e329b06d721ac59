// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's file: what is taken, what is refused and with which words, all
 * errors at once, and bytes that are no text.
 */
#include <arpa/inet.h>

#include "harness.h"

#include "../../daemon/qbdd/conf.h"

#define GOOD                             \
	"[node]\nname = alpha\n"         \
	"[control]\nlisten = 10.0.0.1\n" \
	"[data]\naddresses = 10.1.0.1\n"

#define NAMES                                           \
	"expected 1 to 63 letters, digits and -_. that" \
	" begin and end with a letter or digit\n"
#define ADDRESSES "expected 1 to 8 addresses, as 10.0.0.1, fd00::1\n"
#define SOCKET "expected a path, as /run/qbd/qbdd.sock\n"

static struct conf conf;

static bool read_bytes(const char *text, size_t len)
{
	FILE *file = fmemopen((void *)text, len, "r");
	bool good;

	ASSERT_TRUE(file);
	good = conf_read(&conf, "f", file);
	fclose(file);
	return good;
}

static bool read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* All that conf_error_print() says. */
static const char *said(void)
{
	static char text[16384];
	FILE *file;

	memset(text, 0, sizeof(text));
	file = fmemopen(text, sizeof(text) - 1, "w");
	ASSERT_TRUE(file);
	conf_error_print(&conf, file);
	fclose(file);
	return text;
}

TEST(least)
{
	EXPECT_TRUE(read_text(GOOD));
	EXPECT_STREQ("", said());
	EXPECT_STREQ("alpha", conf.name);
	EXPECT_EQ(1U, conf.listen.nr);
	EXPECT_EQ(CONF_CONTROL_PORT, ntohs(conf.listen.addr[0].v4.sin_port));
	EXPECT_EQ(0x0a010001U, ntohl(conf.data.addr[0].v4.sin_addr.s_addr));
	EXPECT_EQ(CONF_DATA_PORT, ntohs(conf.data.addr[0].v4.sin_port));
	EXPECT_STREQ("/var/lib/qbd", conf.state_dir);
	EXPECT_STREQ("/run/qbd/qbdd.sock", conf.socket);
	EXPECT_EQ(LOG_LEVEL_INFO, conf.level);
	EXPECT_STREQ("", conf.zone);
}

TEST(all)
{
	EXPECT_TRUE(read_text(
		"# caf\xc3\xa9\n; another\n\n"
		"[daemon]\n\tstate-dir=/a/b\nsocket =/c/d\t\nlog-level\t= debug\n"
		"[labels]\nzone = z1\nrack = r.1\nhost = h-1_2\n"
		"[data]\nport = 1\naddresses = 10.1.0.1,10.1.0.2 , fd00::2\n"
		"[control]\nport = 65535\nlisten = 0.0.0.0, ::\n"
		"[node]\nname = 9\n"));
	EXPECT_STREQ("", said());
	EXPECT_STREQ("/a/b", conf.state_dir);
	EXPECT_STREQ("/c/d", conf.socket);
	EXPECT_EQ(LOG_LEVEL_DEBUG, conf.level);
	EXPECT_STREQ("z1", conf.zone);
	EXPECT_STREQ("r.1", conf.rack);
	EXPECT_STREQ("h-1_2", conf.host);
	EXPECT_EQ(3U, conf.data.nr);
	EXPECT_EQ(AF_INET6, conf.data.addr[2].any.sa_family);
	EXPECT_EQ(1, ntohs(conf.data.addr[2].v6.sin6_port));
	EXPECT_EQ(65535, ntohs(conf.listen.addr[0].v4.sin_port));
	EXPECT_STREQ("9", conf.name);
}

static const struct {
	const char *desc;
	const char *text;
	const char *said;
} bad[] = {
	{ "empty file", "\n",
	  "f: [node] with name is missing; " NAMES
	  "f: [control] with listen is missing; " ADDRESSES
	  "f: [data] with addresses is missing; " ADDRESSES },
	{ "section without its key", GOOD "[labels]\n[node]\n",
	  "f:8: [node]: already begun above\n" },
	{ "key is missing",
	  "[control]\nlisten = ::\n[data]\naddresses = ::1\n[node]\n",
	  "f: name is missing in [node]; " NAMES },
	{ "unknown section", GOOD "[nodes]\nname = b\n",
	  "f:7: [nodes]: no such section;"
	  " there are [node], [labels], [control], [data], [daemon]\n" },
	{ "unknown key", GOOD "address = 10.0.0.1\n",
	  "f:7: address: no such key in [data]; there are addresses, port\n" },
	{ "key of another section", GOOD "name = b\n",
	  "f:7: name: no such key in [data]; there are addresses, port\n" },
	{ "key twice", GOOD "addresses = 10.1.0.2\n",
	  "f:7: addresses: already in line 6\n" },
	{ "no section yet", "name = a\nport = 1\n" GOOD,
	  "f:1: name: expected a [SECTION] before the first key\n" },
	{ "no equal sign", GOOD "port 1\n",
	  "f:7: port 1: expected [SECTION] or KEY = VALUE\n" },
	{ "open bracket", GOOD "[labels\n",
	  "f:7: [labels: expected a ']' at the end\n" },
	{ "comment behind a value", GOOD "port = 1 # one\n",
	  "f:7: port = 1 # one: not a port; expected 1 to 65535\n" },
	{ "port 0", GOOD "port = 0\n",
	  "f:7: port = 0: not a port; expected 1 to 65535\n" },
	{ "port in hex", GOOD "port = 0x10\n",
	  "f:7: port = 0x10: not a port; expected 1 to 65535\n" },
	{ "port too large", GOOD "port = 65536\n",
	  "f:7: port = 65536: not a port; expected 1 to 65535\n" },
	{ "port empty", GOOD "port =\n",
	  "f:7: port = : not a port; expected 1 to 65535\n" },
	{ "relative path", GOOD "[daemon]\nsocket = run/x\n",
	  "f:8: socket = run/x: not a path from the root; " SOCKET },
	{ "a directory as socket", GOOD "[daemon]\nsocket = /run/\n",
	  "f:8: socket = /run/: not a path from the root; " SOCKET },
	{ "level", GOOD "[daemon]\nlog-level = loud\n",
	  "f:8: log-level = loud: not a level; expected none, error, warn, info or debug\n" },
	{ "label with a blank", GOOD "[labels]\nzone = a b\n",
	  "f:8: zone = a b: not a name; " NAMES },
	{ "label that ends with a dot", GOOD "[labels]\nzone = a.\n",
	  "f:8: zone = a.: not a name; " NAMES },
	{ "carriage return", GOOD "port = 1\r\n",
	  "f:7: a byte that is not printable ASCII\n" },
	{ "escape", GOOD "\033[2J = 1\n",
	  "f:7: a byte that is not printable ASCII\n" },
	{ "byte order mark", "\xef\xbb\xbf[node]\n" GOOD,
	  "f:1: a byte that is not printable ASCII\n" },
};

TEST(refused)
{
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		TH_LOG("%s", bad[i].desc);
		EXPECT_FALSE(read_text(bad[i].text));
		EXPECT_STREQ(bad[i].said, said());
	}
}

static const struct {
	const char *value;
	const char *why;
} addrs[] = {
	{ "alpha", "not an address" },
	{ "10.0.0", "not an address" },
	{ "10.0.0.1:7788", "not an address" },
	{ "[fd00::1]", "not an address" },
	{ "10.0.0.1,", "not an address" },
	{ ",10.0.0.1", "not an address" },
	{ "10.0.0.1 10.0.0.2", "not an address" },
	{ "", "not an address" },
	{ "1234567890123456789012345678901234567890123456789",
	  "not an address" },
	{ "fe80::1", "a link-local address" },
	{ "255.255.255.255", "nobody can be reached there" },
	{ "224.0.0.1", "nobody can be reached there" },
	{ "ff02::1", "nobody can be reached there" },
	{ "0.0.0.0", "nobody can be reached there" },
	{ "::", "nobody can be reached there" },
	{ "10.0.0.1, 10.0.0.1", "an address twice" },
	{ "fd00::1, fd00:0::1", "an address twice" },
	{ "1.0.0.1,1.0.0.2,1.0.0.3,1.0.0.4,1.0.0.5,1.0.0.6,1.0.0.7,1.0.0.8,1.0.0.9",
	  "more than 8 addresses" },
};

TEST(addresses_refused)
{
	struct conf_addrs to = { .nr = 7 };
	size_t i;

	for (i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		const char *why = conf_take_hosts(addrs[i].value, &to);

		TH_LOG("%s", addrs[i].value);
		EXPECT_STREQ(addrs[i].why, why ? why : "taken");
		EXPECT_EQ(7U, to.nr); /* left alone */
	}
}

TEST(several_at_once)
{
	EXPECT_FALSE(read_text("[node]\nname = -\nbogus = 1\n"
			       "[control]\nlisten = x\nport = y\n"
			       "[daemon]\nlog-level = z\n"));
	EXPECT_EQ(6U, conf.nr_errors);
	EXPECT_EQ(2U, conf.error[0].line);
	EXPECT_EQ(3U, conf.error[1].line);
	EXPECT_EQ(5U, conf.error[2].line);
	EXPECT_EQ(6U, conf.error[3].line);
	EXPECT_EQ(8U, conf.error[4].line);
	EXPECT_EQ(0U, conf.error[5].line);
}

TEST(errors_are_bounded)
{
	char text[4096] = "[node]\n";
	size_t len = strlen(text);
	int i;

	for (i = 0; i < 40; i++)
		len += (size_t)sprintf(text + len, "k%d = 1\n", i);
	EXPECT_FALSE(read_text(text));
	EXPECT_EQ(43U, conf.nr_errors);
	EXPECT_TRUE(strstr(said(), "f: and 27 more\n"));
}

TEST(bounds_of_lines)
{
	static char text[2 * CONF_LINES_MAX + 1024];
	char *at = text;
	int i;

	at += sprintf(at, "%s", GOOD);
	memset(at, '#', CONF_LINE_MAX - 1);
	EXPECT_TRUE(read_text(text));
	at[CONF_LINE_MAX - 1] = '#';
	EXPECT_FALSE(read_text(text));
	EXPECT_STREQ("f:7: the line is longer than 511 bytes\n", said());

	memset(text, 0, sizeof(text));
	at = text + sprintf(text, "%s", GOOD);
	for (i = 6; i < CONF_LINES_MAX; i++)
		*at++ = '\n';
	EXPECT_TRUE(read_text(text));
	*at = '\n';
	EXPECT_FALSE(read_text(text));
	EXPECT_STREQ("f:1001: more than 1000 lines\n", said());
}

TEST(zero_byte)
{
	static const char text[] = GOOD "po\0rt = 1\n";

	EXPECT_FALSE(read_bytes(text, sizeof(text) - 1));
	EXPECT_STREQ("f:7: a zero byte: this is no text\n", said());
}

TEST(long_values)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s[daemon]\nstate-dir = /%0254d\n", GOOD,
		 0);
	EXPECT_TRUE(read_text(text));
	EXPECT_EQ(255U, strlen(conf.state_dir));
	snprintf(text, sizeof(text), "%s[daemon]\nstate-dir = /%0255d\n", GOOD,
		 0);
	EXPECT_FALSE(read_text(text));
	snprintf(text, sizeof(text), "%s[daemon]\nsocket = /%0106d\n", GOOD, 0);
	EXPECT_TRUE(read_text(text));
	snprintf(text, sizeof(text), "%s[daemon]\nsocket = /%0107d\n", GOOD, 0);
	EXPECT_FALSE(read_text(text));
	snprintf(text, sizeof(text), "%s[labels]\nzone = %063d\n", GOOD, 0);
	EXPECT_TRUE(read_text(text));
	snprintf(text, sizeof(text), "%s[labels]\nzone = %064d\n", GOOD, 0);
	EXPECT_FALSE(read_text(text));
}

TEST(what_changed)
{
	static struct conf before;
	unsigned int i, nr = 0;

	ASSERT_TRUE(read_text(GOOD));
	before = conf;
	ASSERT_TRUE(read_text(GOOD "port = 7\n[daemon]\nlog-level=warn\n"));
	for (i = 0; i < conf_keys_nr; i++) {
		if (!conf_changed(&before, &conf, i))
			continue;
		nr++;
		EXPECT_TRUE(!strcmp("log-level", conf_keys[i].name) ==
			    conf_keys[i].live);
	}
	EXPECT_EQ(2U, nr);
}

TEST(no_file)
{
	EXPECT_FALSE(conf_load(&conf, "/nonexistent/qbdd.conf"));
	EXPECT_STREQ("/nonexistent/qbdd.conf: No such file or directory; an "
		     "example comes with qbdd: qbdd.conf.example\n",
		     said());
	/* opens, and can not be read */
	EXPECT_FALSE(conf_load(&conf, "/"));
	EXPECT_STREQ("/: Is a directory\n", said());
}

TEST_HARNESS_MAIN
