// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restore believes nothing: damage, chunks that are missing or in another
 * order, and bytes that are right for somebody with the key to the crc.
 */
#include "state_sample.h"

static struct state *fresh;

/* An empty state, again and again in one place. */
static struct state *empty(void)
{
	u64 bytes = state_bytes(&SW_LIMITS);

	if (!fresh)
		fresh = sw_map(bytes);
	memset(fresh, 0, bytes);
	ASSERT_EQ(0, state_create(fresh, bytes, &SW_LIMITS));
	return fresh;
}

TEST(same_again)
{
	struct sample_snap snap, again;
	struct sw w;
	u32 i;

	sample_state(&w);
	sample_encode(w.s, &snap);
	ASSERT_STREQ("", sample_restore(&snap, empty()) ?: "");
	sample_encode(fresh, &again);
	ASSERT_EQ(snap.nr, again.nr);
	for (i = 0; i < snap.nr; i++)
		EXPECT_MEMEQ(snap.chunk[i], again.chunk[i], snap.bytes[i]);
	sample_free(&snap);
	sample_free(&again);
	/* and it goes on in the same way */
	w.s = fresh;
	SW_OK(&w, SHARD_ADOPT, .volume = 1, .term = 1, .epoch = 2);
	SW_OK(&w, SHARD_SETTLED, .volume = 1, .term = 1, .epoch = 3);
	sw_obey(&w);
	EXPECT_EQ(STATE_WHY_ATTACHED,
		  SW_DO(&w, ATTACH, .volume = 1, .node = 3, .session = 1));
}

TEST(flipped_bits)
{
	struct sample_snap snap;
	struct sw w;
	u32 i, bit;

	sample_state(&w);
	sample_encode(w.s, &snap);
	for (i = 0; i < snap.nr; i++)
		for (bit = 0; bit < snap.bytes[i] * 8; bit += 13) {
			snap.chunk[i][bit / 8] ^= 1U << bit % 8;
			EXPECT_TRUE(sample_restore(&snap, empty()));
			snap.chunk[i][bit / 8] ^= 1U << bit % 8;
		}
	EXPECT_TRUE(!sample_restore(&snap, empty()));
	sample_free(&snap);
}

TEST(chunks)
{
	struct sample_snap snap, other;
	struct state_limits limits = SW_LIMITS;
	struct sw w;
	u32 i;

	sample_state(&w);
	sample_encode(w.s, &snap);
	for (i = 0; i < snap.nr; i++) {
		other = snap;
		other.nr = i; /* cut */
		EXPECT_TRUE(sample_restore(&other, empty()));
		other = snap; /* one is missing */
		other.nr--;
		memmove(other.chunk + i, other.chunk + i + 1,
			(other.nr - i) * sizeof(other.chunk[0]));
		memmove(other.bytes + i, other.bytes + i + 1,
			(other.nr - i) * sizeof(other.bytes[0]));
		EXPECT_TRUE(sample_restore(&other, empty()));
	}
	limits.jobs++;
	EXPECT_STREQ("its limits are others",
		     sample_restore(&snap, sw_state(&limits)));
	sample_free(&snap);
}

/* The crc of each chunk is made right again, as whoever wants to harm would. */
static void reseal(struct sample_snap *snap)
{
	u32 crc = ~0U, i;

	for (i = 0; i < snap->nr; i++)
		crc = state_chunk_seal(snap->chunk[i], snap->bytes[i],
				       snap->chunk[i][12], i, crc);
}

/* Whatever is believed keeps the rules, and makes the bytes that it came from.
 */
static void believed(const struct sample_snap *snap)
{
	struct sample_snap again;
	u32 i;

	EXPECT_TRUE(!state_check(fresh));
	sample_encode(fresh, &again);
	EXPECT_EQ(snap->nr, again.nr);
	for (i = 0; i < again.nr; i++) {
		EXPECT_EQ(snap->bytes[i], again.bytes[i]);
		EXPECT_MEMEQ(snap->chunk[i], again.chunk[i], again.bytes[i]);
	}
	sample_free(&again);
}

TEST(hostile)
{
	struct sample_snap snap;
	u32 round, good = 0, i, at;
	struct sw w;

	sample_state(&w);
	sample_encode(w.s, &snap);
	ASSERT_GT(snap.nr, 0);
	for (round = 0; round < 6000; round++) {
		u8 *byte, old;

		i = th_rand() % snap.nr;
		if (snap.bytes[i] == STATE_CHUNK_HEAD)
			continue;
		at = STATE_CHUNK_HEAD +
		     th_rand() % (snap.bytes[i] - STATE_CHUNK_HEAD);
		byte = snap.chunk[i] + at;
		old = *byte;
		*byte = th_rand() % 3 ? old + 1 : th_rand();
		reseal(&snap);
		if (!sample_restore(&snap, empty())) {
			good++;
			believed(&snap);
		}
		*byte = old;
	}
	/* some of it only says other names */
	EXPECT_GT(good, 50);
	EXPECT_LT(good, 4000);
	sample_free(&snap);
}

/* What it means is not known here; and level 0 would allow nothing. */
TEST(level)
{
	u32 *level;
	struct sample_snap snap;
	struct sw w;

	sample_state(&w);
	level = &w.s->cluster.setting[STATE_SET_FEATURE];
	*level = STATE_LEVEL_MAX;
	sample_encode(w.s, &snap);
	EXPECT_STREQ("", sample_restore(&snap, empty()) ?: "");
	sample_free(&snap);
	*level = STATE_LEVEL_MAX + 1;
	sample_encode(w.s, &snap);
	EXPECT_STREQ("a newer version wrote it: start that one again",
		     sample_restore(&snap, empty()) ?: "");
	sample_free(&snap);
	*level = 0;
	sample_encode(w.s, &snap);
	EXPECT_STREQ("a setting is out of bounds",
		     sample_restore(&snap, empty()) ?: "");
	sample_free(&snap);
}

TEST_HARNESS_MAIN
