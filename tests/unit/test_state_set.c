// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members of sets: where they are kept, and bits that belong to them.
 */
#include "state_world.h"

TEST(members)
{
	u64 five[5];
	struct state *s = sw_state(&SW_LIMITS);
	u32 slot = state_take(s, STATE_SHARDS), i;
	struct state_shard *shard = state_shard_at(s, slot);

	for (i = 0; i < 5; i++)
		five[i] = STATE_MEMBER(i * 16250ULL, 5 + i);
	EXPECT_EQ(9, STATE_MEMBER_ID(five[4]));
	EXPECT_EQ(65000, STATE_MEMBER_STORE(five[4]));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(state_members_set(s, slot, five, 3));
		EXPECT_EQ(0, s->pool[STATE_WIDES].nr);
		EXPECT_MEMEQ(five, state_members(s, shard), 24);
		ASSERT_TRUE(state_members_set(s, slot, five, 5));
		EXPECT_EQ(1, s->pool[STATE_WIDES].nr);
		EXPECT_MEMEQ(five, state_members(s, shard), 40);
		ASSERT_TRUE(state_members_set(s, slot, five + 1, 4));
		EXPECT_MEMEQ(five + 1, state_members(s, shard), 32);
	}
	for (i = 1; i < SW_LIMITS.wides; i++)
		ASSERT_TRUE(state_members_set(s, state_take(s, STATE_SHARDS),
					      five, 5));
	slot = state_take(s, STATE_SHARDS);
	ASSERT_TRUE(state_members_set(s, slot, five, 2));
	EXPECT_FALSE(state_members_set(s, slot, five, 4));
	EXPECT_EQ(2, state_shard_at(s, slot)->nr);
	EXPECT_MEMEQ(five, state_members(s, state_shard_at(s, slot)), 16);
}

TEST(numbers)
{
	static const u64 member[] = { STATE_MEMBER(3ULL, 5),
				      STATE_MEMBER(5ULL, 3) };
	struct state_volume volume = { .shift = 26, .size = 4096 };

	EXPECT_EQ(1, state_member_find(member, 2, 3));
	EXPECT_EQ(0, state_member_find(member, 2, 5));
	EXPECT_EQ(-ENOENT, state_member_find(member, 2, 4));
	EXPECT_EQ(1, state_shards_wanted(&volume));
	volume.size = SW_SHARD;
	EXPECT_EQ(1, state_shards_wanted(&volume));
	volume.grow = SW_SHARD + 4096;
	EXPECT_EQ(2, state_shards_wanted(&volume));
	EXPECT_EQ(0x05, state_bits_without(0x0b, 1));
	EXPECT_EQ(0x05, state_bits_without(0x0b, 0));
	EXPECT_EQ(0x03, state_bits_without(0x0b, 3));
	EXPECT_EQ(0x0b, state_bits_without(0x0b, 7));
}

TEST_HARNESS_MAIN
