// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases between two nodes, message by message.
 */
#include "harness.h"
#include "lease.h"

#define MS 1000000ULL
#define LEASE (1000 * MS)

FIXTURE(pair)
{
	struct qbd_lease_holder holder;
	struct qbd_lease_voter voter;
	u64 version; /* what a replica named in its OPEN_REPLY */
};

FIXTURE_SETUP(pair)
{
	qbd_lease_holder_init(&self->holder, 12345);
	qbd_lease_voter_init(&self->voter, 777);
	self->version = qbd_lease_stamp(&self->voter).version;
}

FIXTURE_TEARDOWN(pair)
{
}

static void answer(struct qbd_lease_holder *holder,
		   const struct qbd_lease_voter *voter, u64 now_ns)
{
	struct qbd_lease_stamp stamp = qbd_lease_stamp(voter);

	qbd_lease_echo(holder, now_ns, stamp.beat, stamp.version);
}

static bool valid(const struct qbd_lease_holder *holder, u64 version,
		  u64 now_ns)
{
	return qbd_lease_valid(holder->view, version, now_ns, LEASE);
}

TEST_F(pair, counts_from_the_sending)
{
	u64 beat = qbd_lease_beat(&self->holder, 1000 * MS);

	qbd_lease_grant(&self->voter, 1300 * MS, beat, LEASE);
	EXPECT_EQ(2300 * MS, self->voter.until_ns);
	EXPECT_FALSE(valid(&self->holder, self->version, 1300 * MS));
	answer(&self->holder, &self->voter, 1600 * MS);
	EXPECT_TRUE(valid(&self->holder, self->version, 1899 * MS));
	EXPECT_FALSE(valid(&self->holder, self->version, 1900 * MS));
}

TEST_F(pair, leaving_ends_renewals)
{
	u64 beat = qbd_lease_beat(&self->holder, 1000 * MS);

	qbd_lease_grant(&self->voter, 1000 * MS, beat, LEASE);
	answer(&self->holder, &self->voter, 1000 * MS);
	EXPECT_EQ(2000 * MS, qbd_lease_leave(&self->voter));
	/* what was granted before still holds, on both sides */
	EXPECT_TRUE(valid(&self->holder, self->version, 1800 * MS));
	beat = qbd_lease_beat(&self->holder, 1500 * MS);
	qbd_lease_grant(&self->voter, 1500 * MS, beat, LEASE);
	answer(&self->holder, &self->voter, 1500 * MS);
	EXPECT_FALSE(valid(&self->holder, self->version, 1501 * MS));
	/* another replica of that node names the new version with its ack */
	EXPECT_TRUE(valid(&self->holder, qbd_lease_stamp(&self->voter).version,
			  2000 * MS));
}

TEST_F(pair, answers_overtake_each_other)
{
	struct qbd_lease_stamp old, new;
	u64 beat = qbd_lease_beat(&self->holder, 1000 * MS);

	qbd_lease_grant(&self->voter, 1000 * MS, beat, LEASE);
	old = qbd_lease_stamp(&self->voter);
	qbd_lease_leave(&self->voter);
	beat = qbd_lease_beat(&self->holder, 1400 * MS);
	qbd_lease_grant(&self->voter, 1400 * MS, beat, LEASE);
	new = qbd_lease_stamp(&self->voter);
	qbd_lease_echo(&self->holder, 1500 * MS, new.beat, new.version);
	qbd_lease_echo(&self->holder, 1500 * MS, old.beat, old.version);
	EXPECT_TRUE(valid(&self->holder, old.version, 1899 * MS));
	EXPECT_FALSE(valid(&self->holder, old.version, 1900 * MS));
	EXPECT_FALSE(valid(&self->holder, new.version, 1600 * MS));
	/* the same version: an older answer takes nothing back */
	qbd_lease_echo(&self->holder, 1600 * MS, new.beat, new.version);
	qbd_lease_echo(&self->holder, 1600 * MS, old.beat, new.version);
	EXPECT_TRUE(valid(&self->holder, new.version, 2299 * MS));
}

TEST_F(pair, echoes_that_mean_nothing)
{
	u64 beat = qbd_lease_beat(&self->holder, 1000 * MS), i;

	qbd_lease_echo(&self->holder, 1000 * MS, beat + 1, self->version);
	qbd_lease_echo(&self->holder, 1000 * MS, beat - 1, self->version);
	qbd_lease_echo(&self->holder, 1000 * MS, beat, 0);
	qbd_lease_echo(&self->holder, 1000 * MS, 0, self->version);
	EXPECT_FALSE(valid(&self->holder, self->version, 1001 * MS));
	for (i = 0; i < QBD_LEASE_BEATS; i++)
		qbd_lease_beat(&self->holder, 1000 * MS);
	qbd_lease_echo(&self->holder, 1000 * MS, beat, self->version);
	EXPECT_FALSE(valid(&self->holder, self->version, 1001 * MS));
}

TEST_F(pair, restarts_know_nothing_of_each_other)
{
	u64 beat = qbd_lease_beat(&self->holder, 1000 * MS);

	qbd_lease_grant(&self->voter, 1000 * MS, beat, LEASE);
	answer(&self->holder, &self->voter, 1000 * MS);
	qbd_lease_voter_init(&self->voter, 999);
	beat = qbd_lease_beat(&self->holder, 1200 * MS);
	qbd_lease_grant(&self->voter, 1200 * MS, beat, LEASE);
	answer(&self->holder, &self->voter, 1200 * MS);
	EXPECT_FALSE(valid(&self->holder, self->version, 1300 * MS));
	qbd_lease_holder_init(&self->holder, 54321);
	answer(&self->holder, &self->voter, 1200 * MS);
	EXPECT_EQ(0, self->holder.view.version);
	EXPECT_EQ(0, qbd_lease_mark(&self->holder));
}

TEST_F(pair, any_message_counts_and_silence_shows)
{
	u64 beat = qbd_lease_beat(&self->holder, 1000 * MS);

	EXPECT_EQ(beat, qbd_lease_mark(&self->holder));
	qbd_lease_grant(&self->voter, 1000 * MS, beat, LEASE);
	EXPECT_FALSE(qbd_lease_silent(&self->voter, 3999 * MS, 3000 * MS));
	EXPECT_TRUE(qbd_lease_silent(&self->voter, 4000 * MS, 3000 * MS));
	/* heard, but nothing asked for: no lease */
	qbd_lease_grant(&self->voter, 5000 * MS, 0, LEASE);
	EXPECT_EQ(2000 * MS, self->voter.until_ns);
	EXPECT_FALSE(qbd_lease_silent(&self->voter, 5001 * MS, 3000 * MS));
}

TEST_HARNESS_MAIN
