// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where copies go: apart, evenly, and why not.
 */
#include "state_world.h"
#include "state/place.h"

static u32 store[20], planned[20];

static struct place_work work = { .store = store, .planned = planned };

/* Nodes 1 to 4 are in zone z0, 5 to 8 in z1; two of them in each rack. */
TEST(spread)
{
	struct place_want want = { .copies = 3,
				   .level = PLACE_HOST,
				   .volume = 1 };
	u32 out[3 * 16], again[3 * 16], load[9] = { 0 }, i, zones;
	struct place_why why;
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 8);
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	EXPECT_EQ(8, work.nr);
	ASSERT_EQ(0, place_shards(w.s, &want, &work, 0, 16, out, &why));
	for (i = 0; i < 16; i++) {
		const u32 *set = out + 3 * i;

		EXPECT_NE(set[0], set[1]);
		EXPECT_NE(set[0], set[2]);
		EXPECT_NE(set[1], set[2]);
		zones = (set[0] > 4) + (set[1] > 4) + (set[2] > 4);
		EXPECT_TRUE(zones == 1 || zones == 2);
		/* the two in one zone are in two racks of it */
		EXPECT_NE((set[0] - 1) / 2, (set[1] - 1) / 2);
		EXPECT_NE((set[0] - 1) / 2, (set[2] - 1) / 2);
		EXPECT_NE((set[1] - 1) / 2, (set[2] - 1) / 2);
	}
	for (i = 0; i < 48; i++)
		load[out[i]]++;
	for (i = 1; i <= 8; i++) {
		EXPECT_GE(load[i], 5);
		EXPECT_LE(load[i], 7);
	}
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	ASSERT_EQ(0, place_shards(w.s, &want, &work, 0, 16, again, &why));
	EXPECT_MEMEQ(out, again, sizeof(out));
}

TEST(no_place)
{
	struct place_want want = { .copies = 3, .level = PLACE_HOST };
	struct place_why why;
	char text[160];
	u32 out[12];
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 8);
	want.level = PLACE_ZONE;
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	EXPECT_EQ(-ENOSPC, place_shards(w.s, &want, &work, 0, 1, out, &why));
	place_why_text(&why, text, sizeof(text));
	EXPECT_STREQ("3 copies need 3 zones with a store that has room: "
		     "there are 2",
		     text);
	want.level = PLACE_HOST;
	memcpy(want.zone, "z9", 3);
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	EXPECT_EQ(-ENOSPC, place_shards(w.s, &want, &work, 0, 1, out, &why));
	place_why_text(&why, text, sizeof(text));
	EXPECT_STREQ("no store that may be used has room", text);
	want.copies = 8;
	EXPECT_EQ(-EINVAL, place_begin(w.s, &want, &work));
}

TEST(only_where)
{
	struct place_want want = { .copies = 1,
				   .level = PLACE_NODE,
				   .label = { "disk", "ssd" } };
	struct state_cmd label = { .kind = STATE_CMD_NODE_SET,
				   .node = 3,
				   .flags = STATE_NODE_SET_LABELS,
				   .nr_labels = 1,
				   .label = { { "disk", "ssd" } } };
	struct place_why why;
	u32 out[1];
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 4);
	ASSERT_EQ(0, sw_do(&w, label));
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	EXPECT_EQ(1, work.nr);
	ASSERT_EQ(0, place_shards(w.s, &want, &work, 0, 1, out, &why));
	EXPECT_EQ(3, out[0]);
	SW_OK(&w, STORE_STATE, .store = 3, .state = STATE_STORE_DRAINING);
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	EXPECT_EQ(0, work.nr);
}

TEST(replaced)
{
	struct place_want want = { .copies = 3,
				   .level = PLACE_HOST,
				   .volume = 1 };
	struct place_why why;
	char text[160];
	struct sw w;
	u32 out;

	sw_begin(&w, &SW_LIMITS, 5);
	sw_volume(&w, "db1", 1, 3, 3); /* on 1, 2, 3 */
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	ASSERT_EQ(0, place_replace(w.s, &want, &work, 0, 1, &out, &why));
	EXPECT_EQ(5, out); /* the other zone */
	EXPECT_EQ(-ENOENT, place_replace(w.s, &want, &work, 0, 9, &out, &why));
	EXPECT_EQ(-ENOENT, place_replace(w.s, &want, &work, 1, 1, &out, &why));
	SW_OK(&w, STORE_STATE, .store = 5, .state = STATE_STORE_GONE);
	SW_OK(&w, STORE_STATE, .store = 4, .state = STATE_STORE_GONE);
	ASSERT_EQ(0, place_begin(w.s, &want, &work));
	/* back to the node that it leaves is no place: not even for a while */
	EXPECT_EQ(-ENOSPC, place_replace(w.s, &want, &work, 0, 1, &out, &why));
	place_why_text(&why, text, sizeof(text));
	EXPECT_STREQ("3 copies need 3 hosts with a store that has room: "
		     "there are 2",
		     text);
	SW_OK(&w, STORE_STATE, .store = 4, .state = STATE_STORE_ACTIVE);
	SW_OK(&w, SHARD_PROPOSE, .volume = 1, .epoch = 1, .nr_add = 1,
	      .add = { 4 });
	EXPECT_EQ(-EBUSY, place_replace(w.s, &want, &work, 0, 1, &out, &why));
}

TEST_HARNESS_MAIN
