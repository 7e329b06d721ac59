// SPDX-License-Identifier: GPL-2.0-only
/*
 * V3: who may say that a holder is gone.
 */
#include "state_world.h"
#include "state/takeover.h"

#define SUSPECT 1500

/* Replica i of shard 0 is on node i; node 4 holds the volume, or node 1. */
static const struct {
	const char *what;
	u32 holder;
	struct takeover_word word[4];
	u32 nr;
	int err;
} cases[] = {
	{ "nobody says anything", 4, { { 0 } }, 0, -EAGAIN },
	{ "two of three",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 2, 0, true, 0, SUSPECT } },
	  2,
	  0 },
	{ "one of three", 4, { { 1, 0, true, 0, SUSPECT } }, 1, -EAGAIN },
	{ "one, twice",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 1, 0, true, 0, SUSPECT } },
	  2,
	  -EAGAIN },
	{ "one is dead",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 2, 0, false, 0, SUSPECT } },
	  2,
	  -EAGAIN },
	{ "one hears it",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 2, 0, true, 0, SUSPECT - 1 } },
	  2,
	  -EAGAIN },
	{ "one said so long ago",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 2, 0, true, SUSPECT + 1, SUSPECT } },
	  2,
	  -EAGAIN },
	{ "one contradicts itself",
	  4,
	  { { 1, 0, true, 0, SUSPECT },
	    { 2, 0, true, 0, SUSPECT },
	    { 2, 0, true, 9, 0 } },
	  3,
	  -EAGAIN },
	{ "one of another shard",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 2, 1, true, 0, SUSPECT } },
	  2,
	  -EAGAIN },
	{ "one is no member",
	  4,
	  { { 1, 0, true, 0, SUSPECT }, { 9, 0, true, 0, SUSPECT } },
	  2,
	  -EAGAIN },
	{ "the holder's own replica is no witness",
	  1,
	  { { 1, 0, true, 0, SUSPECT }, { 2, 0, true, 0, SUSPECT } },
	  2,
	  -EAGAIN },
	{ "the two others are",
	  1,
	  { { 2, 0, true, 0, SUSPECT }, { 3, 0, true, 0, SUSPECT } },
	  2,
	  0 },
};

TEST(witnesses)
{
	u64 term;
	u32 i, number;
	struct sw w;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sw_begin(&w, &SW_LIMITS, 5);
		sw_volume(&w, "db1", 2, 3, 5);
		EXPECT_EQ(-ENOENT, takeover_may(w.s, 1, cases[i].word, 1, &term,
						&number));
		SW_OK(&w, ATTACH, .volume = 1, .node = cases[i].holder,
		      .session = 5);
		if (cases[i].err != takeover_may(w.s, 1, cases[i].word,
						 cases[i].nr, &term, &number)) {
			printf("# %s\n", cases[i].what);
			EXPECT_TRUE(false);
		}
		if (cases[i].err)
			continue;
		EXPECT_EQ(1, term);
		EXPECT_EQ(0, number);
	}
}

/* The second shard's replicas 4, 5, 6 are on nodes 2, 3, 4. */
TEST(any_shard)
{
	static const struct takeover_word word[] = {
		{ 1, 0, true, 0, 0 },
		{ 2, 0, true, 0, 0 },
		{ 4, 1, true, 0, SUSPECT },
		{ 5, 1, true, 0, SUSPECT },
	};
	struct sw w;
	u64 term;
	u32 number;

	sw_begin(&w, &SW_LIMITS, 5);
	sw_volume(&w, "db1", 2, 3, 5);
	SW_OK(&w, ATTACH, .volume = 1, .node = 5, .session = 5);
	EXPECT_EQ(0, takeover_may(w.s, 1, word, 4, &term, &number));
	EXPECT_EQ(1, number);
}

/* While a set is joint it has to be a quorum of both. */
TEST(joint)
{
	static const struct takeover_word word[] = {
		{ 1, 0, true, 0, SUSPECT },
		{ 2, 0, true, 0, SUSPECT },
		{ 4, 0, true, 0, SUSPECT },
	};
	struct sw w;
	u64 term;
	u32 number;

	sw_begin(&w, &SW_LIMITS, 5);
	sw_volume(&w, "db1", 1, 3, 3);
	SW_OK(&w, ATTACH, .volume = 1, .node = 5, .session = 5);
	SW_OK(&w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = 1,
	      .nr_add = 1, .add = { 4 }, .nr_del = 1, .del = { 1 });
	sw_obey(&w);
	/* a learner is nobody */
	EXPECT_EQ(-EAGAIN, takeover_may(w.s, 1, word + 1, 2, &term, &number));
	SW_OK(&w, SHARD_JOINT, .volume = 1, .term = 1, .epoch = 1);
	EXPECT_EQ(-EAGAIN, takeover_may(w.s, 1, word, 2, &term, &number));
	EXPECT_EQ(-EAGAIN, takeover_may(w.s, 1, word + 1, 2, &term, &number));
	EXPECT_EQ(0, takeover_may(w.s, 1, word, 3, &term, &number));
}

TEST_HARNESS_MAIN
