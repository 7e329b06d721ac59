// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries, configurations and hard state as bytes: golden, back and forth, and
 * what is refused; and the walk over a stored log: torn, or damaged.
 */
#include "harness.h"
#include "raft/codec.h"

static const struct raft_config joint = { .nr = 4,
					  .old = 7,
					  .next = 11,
					  .id = { 1, 2, 3,
						  0x1122334455667788 } };

TEST(config_golden)
{
	static const u8 golden[] = {
		1, 4, 7, 0, 11,	  0,	0,    0,    1,	  0,	0,    0,   0, 0,
		0, 0, 2, 0, 0,	  0,	0,    0,    0,	  0,	3,    0,   0, 0,
		0, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11
	};
	struct raft_config conf;
	u8 buf[RAFT_CONF_BYTES_MAX];

	ASSERT_EQ(40, raft_conf_encode(&joint, buf, sizeof(buf)));
	EXPECT_MEMEQ(golden, buf, sizeof(golden));
	ASSERT_EQ(0, raft_conf_decode(buf, 40, &conf));
	EXPECT_TRUE(raft_config_same(&joint, &conf));
	EXPECT_EQ(-ENOSPC, raft_conf_encode(&joint, buf, 39));
	EXPECT_EQ(-EBADMSG, raft_conf_decode(buf, 39, &conf));
	buf[0] = 2; /* a version that is not known */
	EXPECT_EQ(-EBADMSG, raft_conf_decode(buf, 40, &conf));
	buf[0] = 1;
	buf[4] = 27; /* a voter that is not a member */
	EXPECT_EQ(-EBADMSG, raft_conf_decode(buf, 40, &conf));
}

TEST(entry_golden)
{
	static const u8 golden[] = { 'q', 'R', 'e', '1', 0xa9, 0x9a, 0xa0, 0x06,
				     2,	  0,   0,   0,	 0,    0,    0,	   0,
				     9,	  0,   0,   0,	 0,    0,    0,	   0,
				     3,	  0,   0,   0,	 2,    0,    0,	   0,
				     'a', 'b', 'c', 0,	 0,    0,    0,	   0 };
	struct raft_entry entry = { .pos = { 2, 9 },
				    .type = RAFT_ENTRY_DATA,
				    .bytes = 3,
				    .data = "abc" };
	struct raft_scan scan = { 0 };
	u32 chain = 0;
	u8 buf[64];

	ASSERT_EQ(40, raft_entry_encode(&entry, &chain, buf, sizeof(buf)));
	EXPECT_MEMEQ(golden, buf, sizeof(golden));
	ASSERT_EQ(1, raft_scan_next(&scan, buf, 40, 0));
	EXPECT_EQ(9, scan.entry.pos.index);
	EXPECT_EQ(2, scan.entry.pos.term);
	EXPECT_EQ(3, scan.entry.bytes);
	EXPECT_MEMEQ("abc", scan.entry.data, 3);
	EXPECT_EQ(0, raft_scan_next(&scan, buf, 40, 9));
	EXPECT_EQ(-ENOSPC, raft_entry_encode(&entry, &chain, buf, 39));
	entry.type = 0;
	EXPECT_EQ(-EINVAL, raft_entry_encode(&entry, &chain, buf, 64));
}

TEST(hard_golden)
{
	static const struct raft_hard hard = { 5, 7, 3, 0x1234 };
	static const u8 golden[] = {
		'q', 'R', 's', '1', 0x8e, 0xa1, 0x46, 0x60, 5, 0, 0, 0, 0, 0,
		0,   0,	  7,   0,   0,	  0,	0,    0,    0, 0, 3, 0, 0, 0,
		0,   0,	  0,   0,   0x34, 0x12, 0,    0,    0, 0, 0, 0
	};
	struct raft_hard back;
	u8 buf[RAFT_STATE_BYTES];
	u32 i;

	raft_hard_encode(&hard, buf);
	EXPECT_MEMEQ(golden, buf, sizeof(golden));
	ASSERT_EQ(0, raft_hard_decode(buf, &back));
	EXPECT_EQ(0, memcmp(&hard, &back, sizeof(hard)));
	for (i = 0; i < sizeof(buf) * 8; i++) {
		buf[i / 8] ^= 1U << i % 8;
		EXPECT_EQ(-EBADMSG, raft_hard_decode(buf, &back));
		buf[i / 8] ^= 1U << i % 8;
	}
}

#define ENTRIES 6

/* A stored log; @at: where each record begins, and the end. */
static u32 store(u8 *buf, u32 *at)
{
	struct raft_entry entry = { .type = RAFT_ENTRY_DATA, .data = buf };
	u32 chain = 0, used = 0, i;

	for (i = 0; i < ENTRIES; i++) {
		at[i] = used;
		entry.pos = (struct raft_pos){ 1, i + 1 };
		entry.bytes = 5 * i;
		entry.data = "twenty-five bytes of data";
		used += raft_entry_encode(&entry, &chain, buf + used, 1000);
	}
	at[ENTRIES] = used;
	return used;
}

static int walk(const u8 *buf, u32 bytes, u64 known, u64 *last)
{
	struct raft_scan scan = { 0 };
	int more;

	while ((more = raft_scan_next(&scan, buf, bytes, known)) > 0)
		;
	*last = scan.last.index;
	return more;
}

/* Cut at each byte: the end is torn, unless it was known to be there. */
TEST(torn)
{
	u8 buf[1024];
	u32 at[ENTRIES + 1], bytes = store(buf, at), cut, whole;
	u64 last;

	for (cut = 0; cut <= bytes; cut++) {
		for (whole = 0; whole < ENTRIES && at[whole + 1] <= cut;
		     whole++)
			;
		EXPECT_EQ(0, walk(buf, cut, whole, &last));
		EXPECT_EQ(whole, last);
		EXPECT_EQ(-EUCLEAN, walk(buf, cut, whole + 1, &last));
	}
}

/* Flip each bit: what is behind it says that this is no torn end. */
TEST(flipped)
{
	u8 buf[1024];
	u32 at[ENTRIES + 1], bytes = store(buf, at), bit;
	u64 last;

	for (bit = 0; bit < bytes * 8; bit++) {
		buf[bit / 8] ^= 1U << bit % 8;
		EXPECT_EQ(-EUCLEAN, walk(buf, bytes, ENTRIES, &last));
		if (bit / 8 < at[ENTRIES - 2])
			EXPECT_EQ(-EUCLEAN, walk(buf, bytes, 0, &last));
		buf[bit / 8] ^= 1U << bit % 8;
	}
}

TEST_HARNESS_MAIN
