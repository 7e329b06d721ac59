// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results as sentences, with the names that there are, and without.
 */
#include "state_world.h"

TEST(sentences)
{
	static const struct {
		struct state_result res;
		const char *text;
		int err;
	} cases[] = {
		{ { STATE_WHY_NONE, { 1 } }, "done", 0 },
		{ { STATE_WHY_NODES_FULL, { 1000 } },
		  "a cluster has at most 1000 nodes",
		  -ENOSPC },
		{ { STATE_WHY_NODE_HOLDS, { 2, 1 } },
		  "node n1 holds volume db1: detach it first",
		  -EBUSY },
		{ { STATE_WHY_NODE_HOLDS, { 77, 78 } },
		  "node 77 holds volume 78: detach it first",
		  -EBUSY },
		{ { STATE_WHY_TERM, { 1, U64_MAX, 7 } },
		  "volume db1 has term 18446744073709551615 by now, not 7",
		  -ESTALE },
		{ { STATE_WHYS_NR, { 0 } }, "?", -EINVAL },
	};
	struct sw w;
	u32 i;

	sw_begin(&w, &SW_LIMITS, 2);
	sw_volume(&w, "db1", 1, 2, 2);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		w.res = cases[i].res;
		sw_text_is(&w, cases[i].text);
		EXPECT_EQ(cases[i].err, state_result_errno(&w.res));
	}
}

/* Every reason has a key, a text, and fits wherever it is written to. */
TEST(all)
{
	struct state_result res = { .arg = { 1, 2, 3 } };
	char text[200], small[9];
	struct sw w;
	u32 i;

	sw_begin(&w, &SW_LIMITS, 1);
	for (i = 0; i < STATE_WHYS_NR; i++) {
		res.why = i;
		EXPECT_GT(strlen(state_result_key(&res)), 1);
		state_result_text(w.s, &res, text, sizeof(text));
		EXPECT_GT(strlen(text), 3);
		EXPECT_LT(strlen(text), 180);
		EXPECT_TRUE(!strchr(text, '%'));
		state_result_text(w.s, &res, small, sizeof(small));
		EXPECT_TRUE(!strncmp(text, small, strlen(small)));
		EXPECT_EQ(!i, state_result_errno(&res) == 0);
		state_result_text(w.s, &res, small, 1);
		EXPECT_STREQ("", small);
	}
	res.why = STATE_WHYS_NR;
	EXPECT_STREQ("?", state_result_key(&res));
}

TEST_HARNESS_MAIN
