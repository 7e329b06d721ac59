// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often to connect, and how often to complain.
 */
#include "harness.h"

#include <arpa/inet.h>

#include "../../daemon/links_pace.h"

static union links_addr host(uint32_t number, uint16_t port)
{
	union links_addr addr = { .v4 = { .sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr.s_addr = htonl(number) } };

	return addr;
}

static bool say(struct links_hush *hush, uint32_t number, int64_t now_ms)
{
	union links_addr from = host(number, (uint16_t)(now_ms & 0xffff));

	return links_hush_say(hush, &from, now_ms);
}

TEST(backoff)
{
	static const int most_ms[] = {
		50, 100, 200, 400, 800, 1600, 2000, 2000
	};
	unsigned int tries;
	uint32_t random;

	for (tries = 0; tries < 8; tries++) {
		EXPECT_EQ(most_ms[tries] / 2, links_backoff_ms(tries, 0));
		EXPECT_EQ(most_ms[tries],
			  links_backoff_ms(tries,
					   (uint32_t)most_ms[tries] / 2));
		for (random = 0; random < 5000; random++) {
			int ms = links_backoff_ms(tries, random * 858993U);

			ASSERT_GE(ms, most_ms[tries] / 2);
			ASSERT_LE(ms, most_ms[tries]);
		}
	}
	EXPECT_EQ(1000, links_backoff_ms(UINT32_MAX, 0));
}

TEST(one_line_for_each_host)
{
	struct links_hush hush = { 0 };

	EXPECT_TRUE(say(&hush, 1, 1000));
	EXPECT_FALSE(say(&hush, 1, 1001));
	EXPECT_TRUE(say(&hush, 2, 1002));
	EXPECT_FALSE(say(&hush, 1, 1000 + LINKS_HUSH_HOST_MS - 1));
	EXPECT_TRUE(say(&hush, 1, 1000 + LINKS_HUSH_HOST_MS));
	EXPECT_EQ(5, hush.total);
	EXPECT_EQ(2, hush.silent);
}

TEST(all_hosts_together)
{
	struct links_hush hush = { 0 };
	int64_t now_ms = 1000000;
	uint32_t number;
	int lines = 0;

	for (number = 1; number <= 10000; number++)
		lines += say(&hush, number, now_ms);
	EXPECT_EQ(LINKS_HUSH_LINES, lines);
	EXPECT_EQ(10000, hush.total);
	EXPECT_EQ(10000 - LINKS_HUSH_LINES, hush.silent);
	EXPECT_TRUE(say(&hush, 20000, now_ms + LINKS_HUSH_LINES_MS));
}

/* More hosts than are remembered: the one silent longest is forgotten. */
TEST(forgets_the_oldest)
{
	struct links_hush hush = { 0 };
	int64_t now_ms = 0;
	uint32_t number;

	for (number = 1; number <= LINKS_HUSH_HOSTS; number++) {
		now_ms += LINKS_HUSH_LINES_MS / 100;
		hush.lines = 0;
		EXPECT_TRUE(say(&hush, number, now_ms));
	}
	hush.lines = 0;
	EXPECT_TRUE(say(&hush, 1000, now_ms));
	hush.lines = 0;
	EXPECT_FALSE(say(&hush, 2, now_ms));
	EXPECT_TRUE(say(&hush, 1, now_ms));
}

TEST(families_differ)
{
	union links_addr v6 = { .v6 = { .sin6_family = AF_INET6 } };
	union links_addr v4 = host(0, 0);
	union links_addr other = v6;

	EXPECT_FALSE(links_addr_same_host(&v4, &v6));
	EXPECT_TRUE(links_addr_same_host(&v6, &other));
	other.v6.sin6_port = 7;
	EXPECT_TRUE(links_addr_same_host(&v6, &other));
	other.v6.sin6_addr.s6_addr[15] = 1;
	EXPECT_FALSE(links_addr_same_host(&v6, &other));
}

TEST_HARNESS_MAIN
