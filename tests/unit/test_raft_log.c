// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two rings of raft/log.c: what goes in comes out, at any size, until there
 * is no room; truncation and dropping give it back.
 */
#include "harness.h"
#include "raft/log.h"

#define SLOTS 8
#define POOL 64

static struct raft_slot slot[SLOTS];
static u8 pool[POOL];

static struct raft_log empty(struct raft_pos base)
{
	struct raft_log log = {
		.slot = slot, .slots = SLOTS, .pool = pool, .pool_bytes = POOL
	};

	raft_log_reset(&log, base);
	return log;
}

static int add(struct raft_log *log, u64 term, const void *data, u32 bytes)
{
	struct raft_entry entry = { .pos = { term, log->last + 1 },
				    .type = RAFT_ENTRY_DATA,
				    .bytes = bytes,
				    .data = data };

	return raft_log_append(log, &entry);
}

TEST(terms)
{
	struct raft_log log = empty((struct raft_pos){ 3, 10 });
	struct raft_pos pos;

	EXPECT_EQ(0, add(&log, 3, "a", 1));
	EXPECT_EQ(0, add(&log, 5, "b", 1));
	EXPECT_EQ(3, raft_log_term(&log, 10));
	EXPECT_EQ(5, raft_log_term(&log, 12));
	EXPECT_EQ(0, raft_log_term(&log, 13));
	EXPECT_EQ(0, raft_log_term(&log, 9));
	EXPECT_TRUE(raft_log_has(&log, (struct raft_pos){ 5, 12 }));
	EXPECT_FALSE(raft_log_has(&log, (struct raft_pos){ 4, 12 }));
	EXPECT_FALSE(raft_log_has(&log, (struct raft_pos){ 3, 9 }));
	EXPECT_TRUE(raft_log_newer(&log, (struct raft_pos){ 5, 11 }));
	EXPECT_TRUE(raft_log_newer(&log, (struct raft_pos){ 4, 99 }));
	EXPECT_FALSE(raft_log_newer(&log, (struct raft_pos){ 5, 12 }));
	EXPECT_FALSE(raft_log_newer(&log, (struct raft_pos){ 6, 1 }));
	pos = raft_log_agree(&log, (struct raft_pos){ 4, 99 });
	EXPECT_EQ(11, pos.index);
	EXPECT_EQ(3, pos.term);
	pos = raft_log_agree(&log, (struct raft_pos){ 1, 99 });
	EXPECT_EQ(10, pos.index);
}

TEST(full)
{
	struct raft_log log = empty((struct raft_pos){ 0, 0 });
	u8 data[POOL] = { 0 };
	u32 i;

	for (i = 0; i < SLOTS; i++)
		EXPECT_EQ(0, add(&log, 1, data, 1));
	EXPECT_EQ(-ENOSPC, add(&log, 1, data, 0));
	EXPECT_EQ(0, raft_log_room(&log));
	EXPECT_EQ(SLOTS, log.last);
	raft_log_drop(&log, 2);
	EXPECT_EQ(0, add(&log, 1, data, 50));
	EXPECT_EQ(-ENOSPC, add(&log, 1, data, 9));
	EXPECT_EQ(POOL - 56, raft_log_space(&log));
}

/* Random appends, truncations and drops against an array. */
TEST(random)
{
	struct raft_log log = empty((struct raft_pos){ 0, 0 });
	static u8 bytes[100000];
	static u8 first[100000];
	struct raft_entry entry;
	u8 data[40];
	u64 i, index;
	u32 k;

	for (i = 0; i < 60000; i++) {
		u64 what = th_rand() % 16;

		if (what == 0)
			raft_log_truncate(
				&log, log.base.index +
					      th_rand() % (log.last -
							   log.base.index + 1));
		else if (what < 4)
			raft_log_drop(&log,
				      log.base.index +
					      th_rand() % (log.last -
							   log.base.index + 1));
		k = th_rand() % sizeof(data);
		memset(data, (u8)i, sizeof(data));
		index = log.last + 1;
		if (index >= sizeof(bytes))
			break;
		if (!add(&log, 1 + i / 1000, data, k)) {
			bytes[index] = k;
			first[index] = (u8)i;
		}
		for (index = log.base.index + 1; index <= log.last; index++) {
			ASSERT_EQ(0, raft_log_get(&log, index, &entry));
			ASSERT_EQ(bytes[index], entry.bytes);
			memset(data, first[index], sizeof(data));
			ASSERT_EQ(0, memcmp(data, entry.data, entry.bytes));
		}
	}
}

/* What the store has goes back with a truncation, and forth with a snapshot. */
TEST(stored)
{
	struct raft_log log = empty((struct raft_pos){ 0, 0 });
	u32 i;

	for (i = 0; i < 6; i++)
		add(&log, 1, "x", 1);
	log.stored = 5;
	log.durable = 4;
	raft_log_truncate(&log, 2);
	EXPECT_EQ(2, log.last);
	EXPECT_EQ(2, log.stored);
	EXPECT_EQ(2, log.durable);
	add(&log, 2, "y", 1);
	add(&log, 2, "z", 1);
	raft_log_drop(&log, 3);
	EXPECT_EQ(3, log.stored);
	EXPECT_EQ(3, log.durable);
	EXPECT_EQ(2, log.base.term);
}

TEST_HARNESS_MAIN
