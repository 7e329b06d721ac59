// SPDX-License-Identifier: GPL-2.0-only
/* core/rec.c: the ring of records, the lists of replicas, the hash. */
#include "harness.h"
#include "rec.h"

#define RECS 64U
#define SLOTS 3

FIXTURE(rec)
{
	struct qbd_rec_index index;
	struct qbd_rec_list list[SLOTS];
	void *mem;
};

FIXTURE_SETUP(rec)
{
	u32 i;

	self->mem = calloc(1, qbd_rec_mem_bytes(RECS));
	qbd_rec_init(&self->index, RECS, self->mem);
	for (i = 0; i < SLOTS; i++)
		qbd_rec_list_init(&self->list[i]);
}

FIXTURE_TEARDOWN(rec)
{
	free(self->mem);
}

static u32 push(FIXTURE_DATA(rec) * self, u16 slot, u64 index)
{
	struct qbd_desc desc = { .replica = 100 + slot,
				 .index = index,
				 .op = QBD_OP_WRITE };

	return qbd_rec_push(&self->index, slot, &desc, NULL);
}

static u32 add(FIXTURE_DATA(rec) * self, u16 slot, u64 index)
{
	u32 id = push(self, slot, index);

	qbd_rec_link(&self->index, &self->list[slot], id);
	return id;
}

static void drop(FIXTURE_DATA(rec) * self, u32 id)
{
	qbd_rec_unlink(&self->index, &self->list[self->index.rec[id].slot], id);
}

/* Is the list of @slot exactly these, from both ends and by the hash? */
static void expect_list(FIXTURE_DATA(rec) * self, u16 slot, const u64 *index,
			u32 nr)
{
	const struct qbd_rec_list *list = &self->list[slot];
	u32 id, i;

	ASSERT_EQ(nr, list->nr);
	for (i = 0, id = list->first; i < nr; i++) {
		ASSERT_NE(QBD_REC_NONE, id);
		ASSERT_EQ(index[i], self->index.rec[id].desc.index);
		ASSERT_EQ(id, qbd_rec_find(&self->index, slot, index[i]));
		id = self->index.rec[id].next;
	}
	ASSERT_EQ(QBD_REC_NONE, id);
	for (i = nr, id = list->last; i-- > 0;) {
		ASSERT_NE(QBD_REC_NONE, id);
		ASSERT_EQ(index[i], self->index.rec[id].desc.index);
		id = self->index.rec[id].prev;
	}
	ASSERT_EQ(QBD_REC_NONE, id);
}

TEST_F(rec, a_new_record_waits)
{
	int cookie;
	struct qbd_desc desc = { .replica = 9, .index = 4, .term = 2 };
	u32 id = qbd_rec_push(&self->index, 1, &desc, &cookie);
	const struct qbd_rec *rec = &self->index.rec[id];

	EXPECT_EQ(QBD_REC_WAITING, rec->state);
	EXPECT_EQ(1, rec->slot);
	EXPECT_FALSE(rec->dead);
	EXPECT_TRUE(rec->payload == &cookie);
	EXPECT_MEMEQ(&desc, &rec->desc, sizeof(desc));
	EXPECT_EQ(1, qbd_rec_used(&self->index));
	/* It is in no list before it is linked. */
	EXPECT_EQ(QBD_REC_NONE, qbd_rec_find(&self->index, 1, 4));
}

TEST_F(rec, the_ring_fills_and_wraps)
{
	u32 i, first;

	first = push(self, 0, 1);
	for (i = 1; i < RECS; i++) {
		ASSERT_EQ(RECS - i, qbd_rec_room(&self->index));
		ASSERT_EQ((first + i) % RECS, push(self, 0, i + 1));
	}
	EXPECT_EQ(0, qbd_rec_room(&self->index));
	EXPECT_EQ(RECS, qbd_rec_used(&self->index));
	qbd_rec_pop(&self->index);
	EXPECT_EQ(QBD_REC_FREE, self->index.rec[first].state);
	EXPECT_EQ(1, qbd_rec_room(&self->index));
	/* The oldest id is used again. */
	EXPECT_EQ(first, push(self, 0, RECS + 1));
	EXPECT_EQ(QBD_REC_WAITING, self->index.rec[first].state);
	EXPECT_EQ(0, qbd_rec_room(&self->index));
}

TEST_F(rec, replicas_have_lists_of_their_own)
{
	static const u64 all[] = { 1, 2, 3 };
	u16 slot;
	u64 i;

	for (i = 1; i <= 3; i++)
		for (slot = 0; slot < SLOTS; slot++)
			add(self, slot, i);
	for (slot = 0; slot < SLOTS; slot++)
		expect_list(self, slot, all, 3);
	EXPECT_EQ(QBD_REC_NONE, qbd_rec_find(&self->index, 0, 4));
	EXPECT_EQ(QBD_REC_NONE, qbd_rec_find(&self->index, SLOTS, 1));
	EXPECT_EQ(QBD_REC_NONE, qbd_rec_find(&self->index, 0, 0));
}

TEST_F(rec, links_out_of_order)
{
	static const u64 one[] = { 7 };
	static const u64 before[] = { 3, 7 };
	static const u64 between[] = { 3, 5, 7 };
	static const u64 run[] = { 3, 4, 5, 7 };
	static const u64 end[] = { 3, 4, 5, 7, 9 };

	add(self, 0, 7);
	expect_list(self, 0, one, 1);
	add(self, 0, 3);
	expect_list(self, 0, before, 2);
	/* Neither the record before nor the one after is there. */
	add(self, 0, 5);
	expect_list(self, 0, between, 3);
	add(self, 0, 4);
	expect_list(self, 0, run, 4);
	add(self, 0, 9);
	expect_list(self, 0, end, 5);
}

TEST_F(rec, unlinks_anywhere)
{
	static const u64 no_first[] = { 2, 3, 4 };
	static const u64 no_middle[] = { 2, 4 };
	static const u64 no_last[] = { 2 };
	u32 id[5];
	u64 i;

	for (i = 1; i <= 4; i++)
		id[i] = add(self, 0, i);
	drop(self, id[1]);
	expect_list(self, 0, no_first, 3);
	drop(self, id[3]);
	expect_list(self, 0, no_middle, 2);
	drop(self, id[4]);
	expect_list(self, 0, no_last, 1);
	drop(self, id[2]);
	expect_list(self, 0, NULL, 0);
	EXPECT_EQ(QBD_REC_NONE, self->list[0].first);
	EXPECT_EQ(QBD_REC_NONE, self->list[0].last);
	for (i = 1; i <= 4; i++)
		EXPECT_EQ(QBD_REC_NONE, qbd_rec_find(&self->index, 0, i));
	/* They keep their places in the ring. */
	EXPECT_EQ(4, qbd_rec_used(&self->index));
}

TEST_F(rec, a_copy_takes_the_place)
{
	static const u64 all[] = { 1, 2, 3 };
	u32 old[4], id;
	u64 i;

	for (i = 1; i <= 3; i++)
		old[i] = add(self, 0, i);
	for (i = 1; i <= 3; i++) {
		id = push(self, 0, i);
		qbd_rec_replace(&self->index, &self->list[0], old[i], id);
		EXPECT_EQ(id, qbd_rec_find(&self->index, 0, i));
		expect_list(self, 0, all, 3);
		EXPECT_EQ(QBD_REC_NONE, self->index.rec[old[i]].next);
		EXPECT_EQ(QBD_REC_NONE, self->index.rec[old[i]].prev);
	}
}

/* Indexes that share a chain of the hash: a multiple of its size apart. */
TEST_F(rec, a_chain_of_the_hash)
{
	u32 id[4];
	u64 i;

	for (i = 0; i < 4; i++)
		id[i] = add(self, 0, 5 + i * RECS);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(id[i], qbd_rec_find(&self->index, 0, 5 + i * RECS));
	drop(self, id[1]);
	drop(self, id[3]);
	EXPECT_EQ(id[0], qbd_rec_find(&self->index, 0, 5));
	EXPECT_EQ(QBD_REC_NONE, qbd_rec_find(&self->index, 0, 5 + RECS));
	EXPECT_EQ(id[2], qbd_rec_find(&self->index, 0, 5 + 2 * RECS));
	/* Indexes are 64 bits wide. */
	id[1] = add(self, 0, 5 + (1ULL << 32));
	EXPECT_EQ(id[1], qbd_rec_find(&self->index, 0, 5 + (1ULL << 32)));
	EXPECT_EQ(id[0], qbd_rec_find(&self->index, 0, 5));
}

struct model {
	u64 index[SLOTS][RECS];
	u32 nr[SLOTS];
	u64 next[SLOTS];
};

/* The oldest record leaves as the checkpoint makes it leave. */
static void pop(FIXTURE_DATA(rec) * self, struct model *m)
{
	u32 id = qbd_rec_at(&self->index, self->index.first);
	struct qbd_rec *rec = &self->index.rec[id];
	u16 slot = rec->slot;

	if (!rec->dead) {
		ASSERT_EQ(m->index[slot][0], rec->desc.index);
		drop(self, id);
		m->nr[slot]--;
		memmove(m->index[slot], m->index[slot] + 1,
			m->nr[slot] * sizeof(u64));
	}
	qbd_rec_pop(&self->index);
}

/* Appends, truncations and a moving tail, against plain arrays. */
TEST_F(rec, like_plain_arrays)
{
	struct model m = { .next = { 1, 1, 1 } };
	u32 round;

	for (round = 0; round < 20000; round++) {
		u16 slot = th_rand() % SLOTS;
		u32 what = th_rand() % 10;

		if (what < 6 && qbd_rec_room(&self->index)) {
			add(self, slot, m.next[slot]);
			m.index[slot][m.nr[slot]++] = m.next[slot]++;
		} else if (what == 6 && m.nr[slot]) {
			u32 id = self->list[slot].last;

			drop(self, id);
			self->index.rec[id].dead = true;
			m.nr[slot]--;
			m.next[slot]--;
		} else if (qbd_rec_used(&self->index)) {
			pop(self, &m);
		}
		expect_list(self, slot, m.index[slot], m.nr[slot]);
	}
}

TEST_HARNESS_MAIN
