// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: golden bytes, the same wherever they are made, of one moment.
 */
#include "data/golden_snapshot.h"
#include "golden.h"
#include "state_sample.h"

TEST(golden)
{
	static u8 buf[4096];
	struct sample_snap snap;
	struct sw w;
	u32 i;

	sample_state(&w);
	sample_encode(w.s, &snap);
	ASSERT_EQ(ARRAY_SIZE(golden_state_snapshot), snap.nr);
	for (i = 0; i < snap.nr; i++) {
		memset(buf, 0, sizeof(buf));
		ASSERT_LT(snap.bytes[i], sizeof(buf) - GOLDEN_LINE);
		memcpy(buf, snap.chunk[i], snap.bytes[i]);
		EXPECT_GOLDEN(golden_state_snapshot[i], buf, snap.bytes[i]);
	}
	sample_free(&snap);
}

TEST(of_one_moment)
{
	static u8 buf[STATE_CHUNK_BYTES_MAX];
	struct state_snapshot snap;
	struct sw w;

	sample_state(&w);
	state_snapshot_begin(&snap, w.s);
	EXPECT_EQ(-EINVAL, state_snapshot_next(&snap, buf, sizeof(buf) - 1));
	EXPECT_GT(state_snapshot_next(&snap, buf, sizeof(buf)), 0);
	SW_DO(&w, JOB_SET, .id = 99);
	EXPECT_EQ(-ESTALE, state_snapshot_next(&snap, buf, sizeof(buf)));
}

/* Records go on in the next chunk where they stopped. */
TEST(many_chunks)
{
	struct state_limits limits = SW_LIMITS;
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .name = "v",
				 .size = 6000 * SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = 1 };
	struct sample_snap snap, again;
	struct state *back;
	struct sw w;
	u32 i;

	limits.shards = 6000;
	limits.store_replicas = 1000;
	sw_begin(&w, &limits, 8);
	ASSERT_EQ(0, sw_do(&w, cmd));
	for (i = 0; i < 6000; i += 2000)
		ASSERT_EQ(0, sw_place(&w, 1, i, 2000, 1, 8));
	sample_encode(w.s, &snap);
	EXPECT_EQ(3, snap.nr - STATE_SECTION_END); /* two more, of shards */
	back = sw_state(&limits);
	EXPECT_STREQ("", sample_restore(&snap, back) ?: "");
	sample_encode(back, &again);
	ASSERT_EQ(snap.nr, again.nr);
	for (i = 0; i < snap.nr; i++) {
		ASSERT_EQ(snap.bytes[i], again.bytes[i]);
		EXPECT_MEMEQ(snap.chunk[i], again.chunk[i], snap.bytes[i]);
	}
	sample_free(&snap);
	sample_free(&again);
}

TEST(sections)
{
	EXPECT_EQ(STATE_TABLES, state_section_table(STATE_SECTION_HEAD));
	EXPECT_EQ(STATE_TOMBS, state_section_table(STATE_SECTION_TOMBS));
	EXPECT_EQ(STATE_TABLES, state_section_table(STATE_SECTION_END + 1));
	EXPECT_EQ(-EBADMSG, state_chunk_bytes("123456789abc"));
}

TEST_HARNESS_MAIN
