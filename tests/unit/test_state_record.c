// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects as bytes: what is derived is left out, all else comes back.
 */
#include "state_sample.h"
#include "state/record.h"

TEST(both_ways)
{
	static const u8 tables[] = { STATE_NODES,   STATE_STORES, STATE_VOLUMES,
				     STATE_CHANGES, STATE_TOMBS,  STATE_TOKENS,
				     STATE_JOBS,    STATE_CLIENTS };
	u8 one[2048], two[2048], object[2048];
	struct state_out out;
	struct state_in in;
	u32 i, slot, bytes;
	struct sw w;

	sample_state(&w);
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct state_field *fields =
			state_record_fields(tables[i]);

		slot = state_next(w.s, tables[i], 0);
		ASSERT_NE(STATE_NONE, slot);
		out = (struct state_out){ .at = one, .left = sizeof(one) };
		state_fields_put(&out, fields,
				 state_object(w.s, tables[i], slot));
		ASSERT_FALSE(out.full);
		bytes = sizeof(one) - out.left;
		memset(object, 0, sizeof(object));
		in = (struct state_in){ .at = one, .left = bytes };
		state_fields_get(&in, fields, object);
		ASSERT_FALSE(in.bad);
		EXPECT_EQ(0, in.left);
		out = (struct state_out){ .at = two, .left = sizeof(two) };
		state_fields_put(&out, fields, object);
		EXPECT_EQ(bytes, sizeof(two) - out.left);
		EXPECT_MEMEQ(one, two, bytes);
		EXPECT_LE(w.s->pool[tables[i]].size, sizeof(object));
	}
	EXPECT_TRUE(!state_record_fields(STATE_SHARDS));
	EXPECT_TRUE(!state_record_fields(STATE_WIDES));
}

/* A shard: 16 bytes, 8 for each member, and what becomes of its set. */
TEST(shard)
{
	static const u8 golden[] = { 1, 0,  0, 0, 0, 0, 3, 0x87, 2, 0, 0,
				     0, 0,  0, 0, 0, 1, 0, 0,	 0, 0, 0,
				     0, 0,  2, 0, 0, 0, 0, 0,	 1, 0, 3,
				     0, 0,  0, 0, 0, 2, 0, 2,	 1, 1, 1,
				     0, 11, 0, 0, 0, 0, 0, 4,	 0 };
	u8 buf[64];
	struct state_out out = { .at = buf, .left = sizeof(buf) };
	struct sw w;

	sample_state(&w);
	state_shard_put(&out, w.s, 0);
	EXPECT_EQ(sizeof(golden), sizeof(buf) - out.left);
	EXPECT_MEMEQ(golden, buf, sizeof(golden));
}

TEST_HARNESS_MAIN
