// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/proof.c: what evidence saves a replica's vote. One replica, 5, with
 * records 1 to 3 of term 3 in a log that replay.c read whole; the evidence is
 * made by hand. test_replay.c has the same with real damage.
 */
#include "harness.h"
#include "image.h"
#include "proof.h"

FIXTURE(proof)
{
	struct image *img;
	struct qbd_proof proof;
	struct qbd_desc write;
	struct qbd_desc promise;
};

FIXTURE_SETUP(proof)
{
	struct image *img = malloc(sizeof(*img));

	self->img = img;
	image_format(img, IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
	img->super.flags = 0;
	image_super(img);
	image_create(img, 5, 0);
	image_promise(img, 5, 3);
	image_write(img, 5, 3, 1, 0, 1);
	image_write(img, 5, 3, 2, 3, 1);
	image_write(img, 5, 3, 3, 3, 1);
	image_commit(img);
	ASSERT_EQ(0, image_open_ro(img, false));
	qbd_proof_init(&self->proof, 10);
	self->write =
		(struct qbd_desc){ .op = QBD_OP_WRITE, .term = 3, .index = 3 };
	self->promise = (struct qbd_desc){ .op = QBD_OP_PROMISE, .term = 3 };
}

FIXTURE_TEARDOWN(proof)
{
	image_free(self->img);
	free(self->img);
}

static u32 flags(struct th_fix_proof *self)
{
	struct qbd_verdict verdict;

	qbd_proof_verdict(&self->proof, self->img->core, 0, &verdict);
	EXPECT_EQ(!verdict.flags, !verdict.nr_findings);
	return verdict.flags;
}

#define SUSPECT (QBD_REPLICA_SUSPECT | QBD_REPLICA_NONVOTING)

TEST_F(proof, no_damage)
{
	EXPECT_EQ(0, flags(self));
}

TEST_F(proof, damage_without_evidence)
{
	qbd_proof_seen(&self->proof, 0, &self->write, 11);
	qbd_proof_lost(&self->proof, 12, 12);
	EXPECT_EQ(SUSPECT, flags(self));
}

/* It may be one of catch-up: of an old term, under a promise that was lost. */
TEST_F(proof, a_record_behind_the_damage)
{
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	EXPECT_EQ(QBD_REPLICA_NONVOTING, flags(self));
}

TEST_F(proof, a_record_and_a_promise_behind_the_damage)
{
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->promise, 13);
	EXPECT_EQ(SUSPECT, flags(self));
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	EXPECT_EQ(0, flags(self));
}

TEST_F(proof, a_copy_proves_nothing)
{
	self->write.flags = QBD_REC_RELOG;
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	EXPECT_EQ(SUSPECT, flags(self));
}

TEST_F(proof, a_record_that_was_truncated)
{
	struct qbd_desc cut = { .op = QBD_OP_TRUNCATE, .index = 2 };

	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	qbd_proof_seen(&self->proof, 0, &cut, 14);
	EXPECT_EQ(SUSPECT, flags(self));
}

TEST_F(proof, a_record_that_is_not_in_the_history)
{
	self->write.index = 4;
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	EXPECT_EQ(SUSPECT, flags(self));
}

TEST_F(proof, a_promise_alone)
{
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->promise, 13);
	EXPECT_EQ(SUSPECT, flags(self));
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	EXPECT_EQ(0, flags(self));
}

TEST_F(proof, a_later_term_than_the_promise)
{
	self->write.term = 4;
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_seen(&self->proof, 0, &self->write, 13);
	EXPECT_EQ(QBD_REPLICA_NONVOTING, flags(self));
}

TEST_F(proof, created_behind_the_damage)
{
	qbd_proof_lost(&self->proof, 12, 12);
	qbd_proof_created(&self->proof, 0);
	EXPECT_EQ(0, flags(self));
	qbd_proof_lost(&self->proof, 14, 14);
	EXPECT_EQ(SUSPECT, flags(self));
}

TEST_F(proof, damage_before_a_checkpoint)
{
	struct qbd_table_slot table = { .logged_term = 3, .logged_index = 3 };
	struct qbd_desc cut = { .op = QBD_OP_TRUNCATE, .index = 3 };

	qbd_proof_lost(&self->proof, 8, 9);
	qbd_proof_table(&self->proof, 0, &table);
	EXPECT_EQ(0, flags(self));
	table.logged_index = 4;
	qbd_proof_table(&self->proof, 0, &table);
	EXPECT_EQ(SUSPECT, flags(self));
	/* It had a fourth one, which was truncated since. */
	qbd_proof_seen(&self->proof, 0, &cut, 9);
	EXPECT_EQ(SUSPECT, flags(self));
	qbd_proof_seen(&self->proof, 0, &cut, 10);
	EXPECT_EQ(0, flags(self));
}

TEST_F(proof, another_record_than_the_table_names)
{
	struct qbd_table_slot table = { .logged_term = 2, .logged_index = 3 };

	qbd_proof_table(&self->proof, 0, &table);
	EXPECT_EQ(0, flags(self));
	qbd_proof_lost(&self->proof, 8, 9);
	EXPECT_EQ(SUSPECT, flags(self));
}

TEST_F(proof, damage_across_the_checkpoint)
{
	struct qbd_table_slot table = { .logged_term = 3, .logged_index = 3 };

	qbd_proof_table(&self->proof, 0, &table);
	qbd_proof_lost(&self->proof, 8, 10);
	EXPECT_EQ(SUSPECT, flags(self));
	qbd_proof_seen(&self->proof, 0, &self->promise, 11);
	qbd_proof_seen(&self->proof, 0, &self->write, 11);
	EXPECT_EQ(0, flags(self));
}

TEST_F(proof, a_damaged_last_record)
{
	struct qbd_desc cut = { .op = QBD_OP_TRUNCATE, .index = 3 };

	self->write.index = 4;
	qbd_proof_damaged(&self->proof, 0, &self->write);
	EXPECT_EQ(SUSPECT, flags(self));
	qbd_proof_seen(&self->proof, 0, &cut, 11);
	EXPECT_EQ(0, flags(self));
	qbd_proof_damaged(&self->proof, 0, &self->write);
	EXPECT_EQ(SUSPECT, flags(self));
	self->write.index = 3; /* logged later: 4 was void by then */
	qbd_proof_seen(&self->proof, 0, &self->write, 12);
	EXPECT_EQ(0, flags(self));
}

TEST_F(proof, a_damaged_record_of_another_term)
{
	self->write.term = 2;
	qbd_proof_damaged(&self->proof, 0, &self->write);
	EXPECT_EQ(SUSPECT, flags(self));
	self->write.term = 3; /* a copy of it is in the log */
	qbd_proof_damaged(&self->proof, 0, &self->write);
	EXPECT_EQ(0, flags(self));
}

TEST_HARNESS_MAIN
