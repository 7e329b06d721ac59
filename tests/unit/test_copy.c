// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/copy.c: a pin of one replica, a shadow of another one, on one store.
 */
#include "harness.h"
#include "bed.h"
#include "copy.h"

#define C BED_CHUNK_BLOCKS
#define CHUNKS (BED_SHARD_BLOCKS / C)

FIXTURE(copy)
{
	struct bed *bed;
	struct qbd_store_core *core;
	u32 source;
	u32 target;
	struct qbd_pin_info info;
	u64 shadow;
	u8 config[QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_map_entry entry[QBD_MAP_MAX];
};

FIXTURE_SETUP(copy)
{
	self->bed = bed_new(IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	self->core = self->bed->core;
	self->source = bed_replica(self->bed, 5);
	self->target = bed_replica(self->bed, 6);
}

FIXTURE_TEARDOWN(copy)
{
	bed_free(self->bed);
}

static void add(FIXTURE_DATA(copy) * self, u32 slot, u8 op, u32 block,
		u32 blocks)
{
	ASSERT_LE(0, bed_append(self->bed, slot, op, block, blocks));
}

static void checkpoint(FIXTURE_DATA(copy) * self)
{
	bed_settle(self->bed, self->source);
	bed_settle(self->bed, self->target);
	ASSERT_EQ(0, bed_checkpoint(self->bed, false));
}

/* The source is pinned as it is now. */
static void pin(FIXTURE_DATA(copy) * self)
{
	ASSERT_EQ(-EAGAIN, qbd_copy_pin(self->core, self->source, &self->info));
	image_pages(&self->bed->img);
	checkpoint(self);
	ASSERT_EQ(0, qbd_copy_pin(self->core, self->source, &self->info));
}

static int map(FIXTURE_DATA(copy) * self, u64 have, u32 most, u32 *from)
{
	memset(self->entry, 0, sizeof(self->entry));
	return qbd_copy_map(self->core, self->source, self->info.seq, have,
			    most, from, self->entry);
}

static int begin(FIXTURE_DATA(copy) * self)
{
	image_pages(&self->bed->img);
	return qbd_copy_shadow(self->core, self->target, &self->info,
			       self->config, &self->shadow);
}

/* What the source has: A: 1, 2; B: 3; C: 4 and gone with 5. */
static void pinned(FIXTURE_DATA(copy) * self)
{
	add(self, self->source, QBD_OP_WRITE, 0, 2);
	add(self, self->source, QBD_OP_WRITE, 1, 2);
	add(self, self->source, QBD_OP_WRITE, 2 * C, 1);
	add(self, self->source, QBD_OP_WRITE, 3 * C, 1);
	add(self, self->source, QBD_OP_DISCARD, 3 * C, C);
	pin(self);
	ASSERT_EQ(0, qbd_copy_config(self->core, self->source, self->info.seq,
				     self->config));
}

/* And the target: two records, in A and D. */
static void shadowed(FIXTURE_DATA(copy) * self)
{
	pinned(self);
	add(self, self->target, QBD_OP_WRITE, 0, 1);
	add(self, self->target, QBD_OP_WRITE, 3 * C, 1);
	checkpoint(self);
	ASSERT_EQ(0, begin(self));
	image_pages(&self->bed->img);
}

static int look(FIXTURE_DATA(copy) * self, u32 chunk, u64 last, u32 flags)
{
	struct qbd_map_entry entry = {
		.chunk = chunk,
		.last = last,
		.flags = flags,
	};

	image_pages(&self->bed->img);
	return qbd_copy_look(self->core, self->target, &entry);
}

static struct qbd_shadowed is(FIXTURE_DATA(copy) * self, u32 chunk)
{
	struct qbd_shadowed got = { 0 };
	int err = qbd_store_shadow_get(self->core, self->target, chunk, &got);

	EXPECT_TRUE(!err || err == -ENODATA);
	return got;
}

static struct qbd_msg reply(u32 chunk, u64 differs)
{
	return (struct qbd_msg){
		.type = QBD_MSG_DIFF_REPLY,
		.diff_reply = { .chunk = chunk, .differs = { differs } },
	};
}

static int fill(FIXTURE_DATA(copy) * self, u32 chunk, u64 last, u64 differs,
		struct qbd_copy_fill *todo)
{
	struct qbd_msg msg = reply(chunk, differs);

	image_pages(&self->bed->img);
	return qbd_copy_fill(self->core, self->target, self->shadow, &msg, last,
			     todo);
}

static int filled(FIXTURE_DATA(copy) * self, u32 chunk, int err)
{
	return qbd_copy_filled(self->core, self->target, self->shadow, chunk,
			       err);
}

/* --- the source --------------------------------------------------------- */

TEST_F(copy, a_pin_says_what_it_has)
{
	u64 seq;

	EXPECT_EQ(-ENOENT, qbd_copy_pin(self->core, U32_MAX, &self->info));
	pinned(self);
	EXPECT_EQ(5, self->info.at.index);
	EXPECT_EQ(1, self->info.at.term);
	EXPECT_EQ(CHUNKS, self->info.chunks);
	EXPECT_EQ(C, self->info.chunk_blocks);
	seq = self->info.seq;
	EXPECT_NE(0, seq);
	/* Who comes second gets the same. */
	EXPECT_EQ(0, qbd_copy_pin(self->core, self->source, &self->info));
	EXPECT_EQ(seq, self->info.seq);
	qbd_store_unpin(self->core, self->source);
	EXPECT_EQ(-EAGAIN, qbd_copy_pin(self->core, self->source, &self->info));
	checkpoint(self);
	pin(self);
	EXPECT_NE(seq, self->info.seq);
}

/* One that a target remembers is none of the source's next life. */
TEST_F(copy, a_pin_of_another_life_is_another)
{
	u64 seq;

	pinned(self);
	seq = self->info.seq;
	ASSERT_EQ(0, bed_reopen(self->bed));
	self->core = self->bed->core;
	self->core->super.incarnation += 1000; /* of the image: always 77 */
	checkpoint(self);
	pin(self);
	EXPECT_NE(seq, self->info.seq);
	EXPECT_FALSE(qbd_store_pin_holds(self->core, self->source, seq));
}

TEST_F(copy, no_pin_beside_a_shadow)
{
	shadowed(self);
	EXPECT_EQ(-EAGAIN, qbd_copy_pin(self->core, self->target, &self->info));
	checkpoint(self);
	EXPECT_EQ(-EAGAIN, qbd_copy_pin(self->core, self->target, &self->info));
}

TEST_F(copy, map_of_what_changed)
{
	u32 from = 0;

	pinned(self);
	ASSERT_EQ(3, map(self, 0, CHUNKS, &from));
	EXPECT_EQ(CHUNKS, from);
	EXPECT_EQ(0, self->entry[0].chunk);
	EXPECT_EQ(2, self->entry[0].last);
	EXPECT_EQ(0, self->entry[0].flags);
	EXPECT_EQ(2, self->entry[1].chunk);
	EXPECT_EQ(3, self->entry[1].last);
	/* One that was discarded changed, too. */
	EXPECT_EQ(3, self->entry[2].chunk);
	EXPECT_EQ(5, self->entry[2].last);
	EXPECT_EQ(QBD_MAP_ZERO, self->entry[2].flags);
	/* A target that has 2 lacks what came after that. */
	from = 0;
	ASSERT_EQ(2, map(self, 2, CHUNKS, &from));
	EXPECT_EQ(2, self->entry[0].chunk);
	from = 0;
	EXPECT_EQ(0, map(self, 5, CHUNKS, &from));
	EXPECT_EQ(CHUNKS, from);
}

TEST_F(copy, map_looks_at_a_few)
{
	u32 from = 0;

	pinned(self);
	EXPECT_EQ(1, map(self, 0, 2, &from));
	EXPECT_EQ(2, from);
	EXPECT_EQ(2, map(self, 0, 2, &from));
	EXPECT_EQ(4, from);
	EXPECT_EQ(0, map(self, 0, 2, &from));
	EXPECT_EQ(6, from);
	EXPECT_EQ(0, map(self, 0, 100, &from));
	EXPECT_EQ(CHUNKS, from);
	EXPECT_EQ(0, map(self, 0, 100, &from));
	EXPECT_EQ(CHUNKS, from);
}

/* A reply has room for so many: the next begins with the one after them. */
TEST_F(copy, map_has_an_end)
{
	u32 i, from = 0;

	for (i = 0; i < CHUNKS; i++)
		add(self, self->source, QBD_OP_WRITE, i * C, 1);
	pin(self);
	ASSERT_EQ(QBD_MAP_MAX, map(self, 0, 100, &from));
	EXPECT_EQ(QBD_MAP_MAX, from);
	EXPECT_EQ(QBD_MAP_MAX - 1, self->entry[QBD_MAP_MAX - 1].chunk);
	ASSERT_EQ(QBD_MAP_MAX, map(self, 0, 100, &from));
	EXPECT_EQ(CHUNKS, from);
	EXPECT_EQ(QBD_MAP_MAX, self->entry[0].chunk);
}

TEST_F(copy, only_of_the_pin_that_is_there)
{
	struct qbd_copy_chunk chunk = { 0 };
	struct qbd_msg diff = { .diff = { .nr = 1 } };
	u32 from = 0;

	pinned(self);
	diff.diff.seq = self->info.seq;
	self->info.seq++;
	EXPECT_EQ(-ENODATA, map(self, 0, CHUNKS, &from));
	EXPECT_EQ(-ENODATA, qbd_copy_config(self->core, self->source,
					    self->info.seq, self->config));
	qbd_store_unpin(self->core, self->source);
	self->info.seq--;
	EXPECT_EQ(-ENODATA, map(self, 0, CHUNKS, &from));
	EXPECT_EQ(0, from);
	EXPECT_EQ(-ENODATA, qbd_copy_config(self->core, self->source,
					    self->info.seq, self->config));
	EXPECT_EQ(-ENODATA,
		  qbd_copy_source(self->core, self->source, &diff, 0, &chunk));
}

/* The set as of then, whatever came later. */
TEST_F(copy, config_of_the_pin)
{
	struct qbd_config config;

	pinned(self);
	ASSERT_LE(0, bed_config(self->bed, self->source, 9));
	checkpoint(self);
	memset(self->config, 0xee, sizeof(self->config));
	ASSERT_EQ(0, qbd_copy_config(self->core, self->source, self->info.seq,
				     self->config));
	ASSERT_EQ(0, qbd_config_decode((const void *)self->config, &config));
	EXPECT_EQ(1, config.epoch);
	EXPECT_EQ(5, config.set[0].replica);
	/* Nothing else goes out by the wire. */
	EXPECT_TRUE(
		mem_is_zero(self->config + sizeof(struct qbd_disk_config),
			    QBD_BLOCK_SIZE - sizeof(struct qbd_disk_config)));
}

/* Where the digests of a chunk are: behind those of the ones before. */
TEST_F(copy, digests_one_after_the_other)
{
	struct qbd_msg diff = {
		.diff = { .chunk = { 2, 0, 3, 7 }, .nr = 4 },
	};
	struct qbd_copy_chunk chunk;
	struct qbd_pinned have;

	pinned(self);
	diff.diff.seq = self->info.seq;
	diff.diff.zero = 1U << 1;
	diff.diff.all = 1U << 2;
	ASSERT_EQ(0, qbd_store_pinned(self->core, self->source, 2, &have));
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 0, &chunk));
	EXPECT_EQ(have.block, chunk.block);
	EXPECT_EQ(C, chunk.blocks);
	EXPECT_EQ(0, chunk.digest);
	EXPECT_FALSE(chunk.zero);
	EXPECT_FALSE(chunk.all);
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 1, &chunk));
	EXPECT_TRUE(chunk.zero);
	EXPECT_FALSE(chunk.all);
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 2, &chunk));
	EXPECT_FALSE(chunk.zero);
	EXPECT_TRUE(chunk.all);
	EXPECT_EQ(0, chunk.block);
	/* Two have none. */
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 3, &chunk));
	EXPECT_EQ(C, chunk.digest);
	EXPECT_FALSE(chunk.zero);
	EXPECT_FALSE(chunk.all);
	EXPECT_EQ(0, chunk.block);
}

TEST_F(copy, more_digests_than_a_block_has)
{
	struct qbd_msg diff = {
		.diff = { .chunk = { 0, 1, 2, 3, 4 }, .nr = 5 },
	};
	struct qbd_copy_chunk chunk;
	u32 i;

	pinned(self);
	diff.diff.seq = self->info.seq;
	for (i = 0; i < QBD_DIFF_BLOCKS_MAX / C; i++)
		EXPECT_EQ(0, qbd_copy_source(self->core, self->source, &diff, i,
					     &chunk));
	EXPECT_EQ(-EINVAL,
		  qbd_copy_source(self->core, self->source, &diff, i, &chunk));
	diff.diff.all = 1U << 1;
	EXPECT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, i, &chunk));
	EXPECT_EQ(3 * C, chunk.digest);
	/* Nor of a chunk that there is not. */
	diff.diff.chunk[0] = CHUNKS;
	EXPECT_EQ(-EINVAL,
		  qbd_copy_source(self->core, self->source, &diff, 0, &chunk));
	EXPECT_EQ(-EINVAL,
		  qbd_copy_source(self->core, self->source, &diff, 1, &chunk));
}

/* The last chunk of a replica may be short, at both ends. */
TEST_F(copy, a_short_last_chunk)
{
	struct qbd_msg diff = {
		.diff = { .chunk = { 1, 0 }, .nr = 2 },
	};
	struct qbd_copy_chunk chunk = { 0 };

	ASSERT_LE(0, bed_create(self->bed, 7, C + 5));
	bed_commit(self->bed);
	self->source = qbd_store_find(self->core, 7);
	add(self, self->source, QBD_OP_WRITE, C, 1);
	pin(self);
	EXPECT_EQ(2, self->info.chunks);
	diff.diff.seq = self->info.seq;
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 0, &chunk));
	EXPECT_EQ(5, chunk.blocks);
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 1, &chunk));
	EXPECT_EQ(5, chunk.digest);
	EXPECT_EQ(C, chunk.blocks);
}

/* --- the target --------------------------------------------------------- */

TEST_F(copy, a_source_of_another_shape)
{
	pinned(self);
	self->info.chunk_blocks *= 2;
	EXPECT_EQ(-EPROTO, begin(self));
	self->info.chunk_blocks /= 2;
	self->info.chunks--;
	EXPECT_EQ(-EPROTO, begin(self));
	self->info.chunks += 2;
	EXPECT_EQ(-EPROTO, begin(self));
	self->info.chunks--;
	memset(self->config, 0xff, sizeof(self->config));
	EXPECT_EQ(-EPROTO, begin(self));
	ASSERT_EQ(0, qbd_copy_config(self->core, self->source, self->info.seq,
				     self->config));
	EXPECT_EQ(-ENOENT, qbd_copy_shadow(self->core, U32_MAX, &self->info,
					   self->config, &self->shadow));
	EXPECT_EQ(-ENOENT, qbd_store_shadow_state(self->core, self->target,
						  &self->info.at));
	EXPECT_EQ(0, begin(self));
}

TEST_F(copy, a_shadow_when_all_is_home)
{
	u64 seq;

	pinned(self);
	add(self, self->target, QBD_OP_WRITE, 0, 1);
	bed_settle(self->bed, self->target);
	EXPECT_EQ(-EAGAIN, begin(self));
	checkpoint(self);
	ASSERT_EQ(0, begin(self));
	EXPECT_NE(0, self->shadow);
	/* It can lead further, and is the same then; not back. */
	seq = self->shadow;
	self->info.at.index++;
	EXPECT_EQ(0, begin(self));
	EXPECT_EQ(seq, self->shadow);
	self->info.at.index--;
	EXPECT_EQ(-EINVAL, begin(self));
}

TEST_F(copy, look)
{
	struct qbd_copy_fill todo;

	EXPECT_EQ(-ENOENT, look(self, 0, 2, 0));
	shadowed(self);
	EXPECT_EQ(1, look(self, 0, 2, 0));
	EXPECT_EQ(1, look(self, 0, 2, 0));
	EXPECT_EQ(1, look(self, 7, 3, 0)); /* not there: compared with zero */
	EXPECT_EQ(-ENOENT, look(self, CHUNKS, 3, 0));
	/* All that there is to know of one that is zero is in the map. */
	EXPECT_EQ(0, look(self, 3, 5, QBD_MAP_ZERO));
	EXPECT_EQ(5, is(self, 3).last);
	EXPECT_EQ(0, is(self, 3).block);
	EXPECT_EQ(0, look(self, 3, 5, QBD_MAP_ZERO));
	/* Beyond what the shadow leads to. */
	EXPECT_EQ(-EINVAL, look(self, 1, 6, QBD_MAP_ZERO));
	/* Written to, then there. */
	ASSERT_EQ(0, fill(self, 0, 4, 1, &todo));
	EXPECT_EQ(-EBUSY, look(self, 0, 4, 0));
	EXPECT_EQ(-EBUSY, look(self, 0, 4, QBD_MAP_ZERO));
	ASSERT_EQ(0, filled(self, 0, 0));
	EXPECT_EQ(0, look(self, 0, 4, 0));
	/* It changed once more, before another pin. */
	EXPECT_EQ(1, look(self, 0, 5, 0));
}

TEST_F(copy, look_without_memory)
{
	const struct qbd_map_entry entry = { .chunk = 3,
					     .last = 5,
					     .flags = QBD_MAP_ZERO };
	void *page[64];
	u32 nr = 0;

	shadowed(self);
	while (nr < ARRAY_SIZE(page) &&
	       (page[nr] = qbd_store_page_use(self->core)))
		nr++;
	EXPECT_EQ(-ENOMEM, qbd_copy_look(self->core, self->target, &entry));
	while (nr--)
		qbd_store_page_give(self->core, page[nr]);
	EXPECT_EQ(0, qbd_copy_look(self->core, self->target, &entry));
}

TEST_F(copy, digests_of_the_target)
{
	struct qbd_msg diff = {
		.diff = { .chunk = { 3, 7, 0, 5 }, .nr = 4 },
	};
	struct qbd_copy_chunk chunk = { 0 };
	struct qbd_copy_fill todo;
	u32 i, zero = 0;

	shadowed(self);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, qbd_copy_digest(self->core, self->target,
					     self->shadow, &diff, i, &chunk));
		EXPECT_EQ(is(self, diff.diff.chunk[i]).block, chunk.block);
		EXPECT_EQ(C, chunk.blocks);
		EXPECT_EQ(!chunk.block, chunk.zero);
		EXPECT_FALSE(chunk.all);
		EXPECT_EQ(i < 1 ? 0 : i < 3 ? C : 2 * C, chunk.digest);
		zero |= chunk.zero << i;
	}
	EXPECT_EQ(1U << 1 | 1U << 3, zero);
	EXPECT_EQ(zero, diff.diff.zero);
	/* The two sides agree on the places. */
	diff.diff.seq = self->info.seq;
	ASSERT_EQ(0,
		  qbd_copy_source(self->core, self->source, &diff, 3, &chunk));
	EXPECT_EQ(2 * C, chunk.digest);

	memset(&chunk, 0, sizeof(chunk));
	EXPECT_EQ(-ENODATA,
		  qbd_copy_digest(self->core, self->target, self->shadow + 1,
				  &diff, 0, &chunk));
	ASSERT_EQ(0, fill(self, 3, 4, 1, &todo));
	EXPECT_EQ(-ENODATA, qbd_copy_digest(self->core, self->target,
					    self->shadow, &diff, 0, &chunk));
	ASSERT_EQ(0, filled(self, 3, 0));
	memset(&chunk, 0, sizeof(chunk));
	EXPECT_EQ(0, qbd_copy_digest(self->core, self->target, self->shadow,
				     &diff, 0, &chunk));
	EXPECT_EQ(todo.to, chunk.block);
}

TEST_F(copy, fill_with_the_same)
{
	struct qbd_copy_fill todo;
	u64 block, free;

	shadowed(self);
	free = self->core->alloc.nr_free;
	block = is(self, 0).block;
	ASSERT_EQ(0, fill(self, 0, 4, 0, &todo));
	EXPECT_EQ(0, todo.to);
	EXPECT_EQ(4, is(self, 0).last);
	EXPECT_EQ(block, is(self, 0).block);
	EXPECT_FALSE(is(self, 0).own);
	/* What is not there does not differ from zero. */
	ASSERT_EQ(0, fill(self, 7, 5, 0, &todo));
	EXPECT_EQ(0, todo.to);
	EXPECT_EQ(5, is(self, 7).last);
	EXPECT_EQ(0, is(self, 7).block);
	EXPECT_EQ(free, self->core->alloc.nr_free);
	EXPECT_EQ(-ENODATA, filled(self, 0, 0));
}

TEST_F(copy, fill_with_data)
{
	struct qbd_copy_fill todo;
	u64 old, own;

	shadowed(self);
	old = is(self, 0).block;
	ASSERT_EQ(0, fill(self, 0, 4, 2, &todo));
	EXPECT_EQ(old, todo.from);
	EXPECT_EQ(is(self, 0).block, todo.to);
	EXPECT_NE(old, todo.to);
	EXPECT_EQ(C, todo.blocks);
	EXPECT_TRUE(todo.whole);
	/* Nobody else comes between. */
	own = todo.to;
	EXPECT_EQ(-EBUSY, fill(self, 0, 4, 2, &todo));
	EXPECT_EQ(0, todo.to);
	EXPECT_EQ(0, filled(self, 0, 0));
	EXPECT_EQ(-ENODATA, filled(self, 0, 0));
	/* Its own chunk is written in place, and only what differs. */
	ASSERT_EQ(0, fill(self, 0, 5, 1ULL << 63, &todo));
	EXPECT_EQ(0, todo.from);
	EXPECT_EQ(own, todo.to);
	EXPECT_FALSE(todo.whole);
	EXPECT_EQ(0, filled(self, 0, 0));
	EXPECT_EQ(5, is(self, 0).last);
	/* The same once more: it stays what it is. */
	ASSERT_EQ(0, fill(self, 0, 5, 0, &todo));
	EXPECT_EQ(own, is(self, 0).block);
	EXPECT_TRUE(is(self, 0).own);
	/* Where nothing was, what does not differ is zero. */
	ASSERT_EQ(0, fill(self, 7, 5, 1, &todo));
	EXPECT_EQ(0, todo.from);
	EXPECT_NE(0, todo.to);
	EXPECT_TRUE(todo.whole);
	EXPECT_EQ(0, filled(self, 7, 0));
}

/* A bit of any of the four words is a block that differs. */
TEST_F(copy, fill_looks_at_all_bits)
{
	struct qbd_msg msg = reply(0, 0);
	struct qbd_copy_fill todo;
	u32 i;

	shadowed(self);
	for (i = 0; i < ARRAY_SIZE(msg.diff_reply.differs); i++) {
		msg = reply(0, 0);
		msg.diff_reply.differs[i] = 1;
		ASSERT_EQ(0, qbd_copy_fill(self->core, self->target,
					   self->shadow, &msg, 4, &todo));
		EXPECT_NE(0, todo.to);
		ASSERT_EQ(0, filled(self, 0, 0));
	}
}

TEST_F(copy, fill_of_another_shadow)
{
	struct qbd_copy_fill todo;
	u64 seq;

	shadowed(self);
	ASSERT_EQ(0, fill(self, 0, 4, 1, &todo));
	seq = self->shadow++;
	EXPECT_EQ(-ENODATA, fill(self, 7, 4, 1, &todo));
	EXPECT_EQ(-ENODATA, fill(self, 7, 4, 0, &todo));
	EXPECT_EQ(-ENODATA, filled(self, 0, 0));
	EXPECT_EQ(-ENODATA, filled(self, 0, -EIO));
	EXPECT_EQ(0, is(self, 7).last);
	self->shadow = seq;
	ASSERT_EQ(0, filled(self, 0, 0));
	ASSERT_EQ(0, qbd_store_shadow_drop(self->core, self->target));
	EXPECT_EQ(-ENODATA, fill(self, 7, 4, 1, &todo));
	EXPECT_EQ(-ENODATA, filled(self, 0, 0));
	checkpoint(self);
	EXPECT_EQ(-ENODATA, fill(self, 7, 4, 1, &todo));
	/* The next one has another number. */
	ASSERT_EQ(0, begin(self));
	EXPECT_NE(seq, self->shadow);
	self->shadow = seq;
	EXPECT_EQ(-ENODATA, fill(self, 7, 4, 1, &todo));
}

TEST_F(copy, filled_with_an_error)
{
	struct qbd_copy_fill todo;
	u64 free, old;

	shadowed(self);
	free = self->core->alloc.nr_free;
	old = is(self, 0).block;
	ASSERT_EQ(0, fill(self, 0, 4, 1, &todo));
	EXPECT_EQ(free - 1, self->core->alloc.nr_free);
	EXPECT_EQ(-EIO, filled(self, 0, -EIO));
	/* Nothing is known of it. */
	EXPECT_EQ(old, is(self, 0).block);
	EXPECT_EQ(1, look(self, 0, 4, 0));
	EXPECT_EQ(-ENODATA, filled(self, 0, -EIO));
	checkpoint(self);
	EXPECT_EQ(free, self->core->alloc.nr_free);
}

TEST_F(copy, fill_without_room)
{
	struct qbd_copy_fill todo;
	u64 room;

	shadowed(self);
	room = qbd_alloc_room(&self->core->alloc);
	self->core->alloc.nr_reserved += room;
	EXPECT_EQ(-ENOSPC, fill(self, 0, 4, 1, &todo));
	EXPECT_EQ(0, todo.to);
	EXPECT_EQ(-ENODATA, filled(self, 0, 0));
	EXPECT_EQ(0, fill(self, 0, 4, 0, &todo));
	self->core->alloc.nr_reserved -= room;
	EXPECT_EQ(-EINVAL, fill(self, 7, 6, 1, &todo));
}

/* --- all of it ---------------------------------------------------------- */

static u8 *data(FIXTURE_DATA(copy) * self, u64 block)
{
	return self->bed->img.data + block * QBD_BLOCK_SIZE;
}

static bool same(FIXTURE_DATA(copy) * self, u64 a, u64 b)
{
	if (!a || !b)
		return mem_is_zero(data(self, a ?: b), QBD_BLOCK_SIZE);
	return !memcmp(data(self, a), data(self, b), QBD_BLOCK_SIZE);
}

/* What the shells of source and target do with a chunk, without digests. */
static void copy_chunk(FIXTURE_DATA(copy) * self,
		       const struct qbd_map_entry *entry)
{
	struct qbd_msg diff = {
		.diff = { .seq = self->info.seq, .chunk = { entry->chunk } },
	};
	struct qbd_msg msg = reply(entry->chunk, 0);
	struct qbd_copy_chunk src = { 0 }, dst = { 0 };
	struct qbd_copy_fill todo;
	u32 i;

	ASSERT_EQ(0, qbd_copy_digest(self->core, self->target, self->shadow,
				     &diff, 0, &dst));
	ASSERT_EQ(0, qbd_copy_source(self->core, self->source, &diff, 0, &src));
	for (i = 0; i < src.blocks; i++)
		if (!same(self, src.block ? src.block + i : 0,
			  dst.block ? dst.block + i : 0))
			msg.diff_reply.differs[i / 64] |= 1ULL << i % 64;
	ASSERT_EQ(0, qbd_copy_fill(self->core, self->target, self->shadow, &msg,
				   entry->last, &todo));
	if (!todo.to)
		return;
	for (i = 0; i < todo.blocks; i++) {
		u8 *to = data(self, todo.to + i);

		if (qbd_diff_has(&msg.diff_reply, i))
			memcpy(to, data(self, src.block + i), QBD_BLOCK_SIZE);
		else if (todo.from)
			memcpy(to, data(self, todo.from + i), QBD_BLOCK_SIZE);
		else if (todo.whole)
			memset(to, 0, QBD_BLOCK_SIZE);
	}
	ASSERT_EQ(0, filled(self, entry->chunk, 0));
}

TEST_F(copy, becomes_what_the_source_was)
{
	u32 i, from = 0;
	int nr, n;

	/* The target has 1 and 2 of the source's records. */
	add(self, self->source, QBD_OP_WRITE, 0, 2);
	add(self, self->source, QBD_OP_WRITE, C, 2);
	add(self, self->target, QBD_OP_WRITE, 0, 2);
	add(self, self->target, QBD_OP_WRITE, C, 2);
	add(self, self->source, QBD_OP_WRITE, 1, 1);
	add(self, self->source, QBD_OP_DISCARD, C, C);
	add(self, self->source, QBD_OP_WRITE, 5 * C + 3, 2);
	pin(self);
	ASSERT_EQ(0, qbd_copy_config(self->core, self->source, self->info.seq,
				     self->config));
	/* What comes later is not in it. */
	add(self, self->source, QBD_OP_WRITE, 0, 1);
	add(self, self->source, QBD_OP_WRITE, 6 * C, 1);
	checkpoint(self);
	ASSERT_EQ(0, begin(self));
	while (from < self->info.chunks) {
		nr = map(self, 2, 3, &from);
		ASSERT_LE(0, nr);
		for (n = 0; n < nr; n++)
			if (look(self, self->entry[n].chunk,
				 self->entry[n].last, self->entry[n].flags))
				copy_chunk(self, &self->entry[n]);
	}
	ASSERT_EQ(0, qbd_store_shadow_switch(self->core, self->target));
	checkpoint(self);
	EXPECT_EQ(5, self->core->slot[self->target].last.index);
	EXPECT_EQ(bed_fill(1), bed_read(self->bed, self->target, 0));
	EXPECT_EQ(bed_fill(3), bed_read(self->bed, self->target, 1));
	for (i = 2; i < C; i++)
		EXPECT_EQ(0, bed_read(self->bed, self->target, i));
	EXPECT_EQ(0, bed_read(self->bed, self->target, C));
	EXPECT_EQ(0, bed_read(self->bed, self->target, 5 * C));
	EXPECT_EQ(bed_fill(5), bed_read(self->bed, self->target, 5 * C + 3));
	EXPECT_EQ(bed_fill(5), bed_read(self->bed, self->target, 5 * C + 4));
	EXPECT_EQ(0, bed_read(self->bed, self->target, 6 * C));
}

TEST_HARNESS_MAIN
