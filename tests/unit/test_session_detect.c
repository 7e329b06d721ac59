// SPDX-License-Identifier: GPL-2.0-only
/*
 * The failure detector against links that beat, jitter, die and blink.
 */
#include "harness.h"

#include "../../daemon/session/detect.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define BEGIN (1000 * SECOND)

static const struct detect_conf conf = {
	.beat_ns = 500 * MS,
	.dead_ns = 3000 * MS,
	.hold_min_ns = 1000 * MS,
	.hold_max_ns = 60 * SECOND,
};

FIXTURE(peer)
{
	struct detect detect;
	uint64_t now;
	enum detect_state state;
	unsigned int changes;
	uint64_t alive_ns; /* how long it was believed */
};

FIXTURE_SETUP(peer)
{
	detect_init(&self->detect, &conf);
	self->now = BEGIN;
	self->state = DETECT_DEAD;
}

FIXTURE_TEARDOWN(peer)
{
}

static void seen(struct th_fix_peer *self, enum detect_state state)
{
	self->changes += state != self->state;
	self->state = state;
}

/* Time passes; who looks does so when detect_next() says, and each 10 ms. */
static void pass(struct th_fix_peer *self, uint64_t ns)
{
	uint64_t until = self->now + ns;

	while (self->now < until) {
		uint64_t step = until - self->now < 10 * MS ?
					until - self->now :
					10 * MS;

		if (self->state == DETECT_ALIVE)
			self->alive_ns += step;
		self->now += step;
		if (self->now >= detect_next(&self->detect))
			seen(self, detect_look(&self->detect, self->now));
	}
}

static void heard(struct th_fix_peer *self)
{
	seen(self, detect_heard(&self->detect, self->now));
}

/* Beats with so much jitter, for so long. */
static void beats(struct th_fix_peer *self, uint64_t jitter_ns, uint64_t ns)
{
	uint64_t until = self->now + ns;

	while (self->now < until) {
		pass(self, conf.beat_ns - jitter_ns / 2 +
				   (jitter_ns ? th_rand() % jitter_ns : 0));
		heard(self);
	}
}

TEST_F(peer, never_heard)
{
	pass(self, 100 * SECOND);
	EXPECT_EQ(DETECT_DEAD, detect_look(&self->detect, self->now));
	EXPECT_EQ(UINT64_MAX, detect_next(&self->detect));
	EXPECT_EQ(0, self->changes);
}

TEST_F(peer, believed_when_steady)
{
	heard(self);
	EXPECT_EQ(DETECT_SUSPECT, self->state);
	beats(self, 0, 900 * MS);
	EXPECT_EQ(DETECT_ALIVE, self->state);
	EXPECT_EQ(2, self->changes);
	beats(self, 0, 600 * SECOND);
	EXPECT_EQ(2, self->changes);
	EXPECT_EQ(0, self->detect.falls);
}

TEST_F(peer, dies)
{
	uint64_t last;

	beats(self, 0, 10 * SECOND);
	last = self->now;
	while (self->state == DETECT_ALIVE)
		pass(self, 10 * MS);
	EXPECT_EQ(DETECT_SUSPECT, self->state);
	EXPECT_GE(self->now - last, 1000 * MS); /* two beats at least */
	EXPECT_LE(self->now - last, 1100 * MS);
	while (self->state == DETECT_SUSPECT)
		pass(self, 10 * MS);
	EXPECT_EQ(DETECT_DEAD, self->state);
	EXPECT_GE(self->now - last, 3000 * MS);
	EXPECT_LE(self->now - last, 3020 * MS);
	EXPECT_EQ(1, self->detect.falls);
}

/* Whatever the gaps were: dead is dead_ns, and suspicion comes before. */
TEST_F(peer, dies_after_a_bad_time)
{
	uint64_t last;

	beats(self, 990 * MS, 60 * SECOND);
	last = self->now;
	pass(self, 2260 * MS);
	EXPECT_EQ(DETECT_SUSPECT, self->state);
	pass(self, 760 * MS);
	EXPECT_EQ(DETECT_DEAD, self->state);
	EXPECT_LE(self->now - last, 3020 * MS);
}

/* A link that is slow but steady is not suspected. */
TEST_F(peer, jitter)
{
	beats(self, 800 * MS, 5 * SECOND);
	self->changes = 0;
	beats(self, 800 * MS, 1000 * SECOND);
	EXPECT_EQ(0, self->changes);
	EXPECT_EQ(DETECT_ALIVE, self->state);
}

/* Traffic between the beats does not make it nervous. */
TEST_F(peer, bursts)
{
	int i, n;

	beats(self, 0, 5 * SECOND);
	for (i = 0; i < 200; i++) {
		for (n = 0; n < 100; n++) {
			pass(self, MS);
			heard(self);
		}
		pass(self, 900 * MS);
		heard(self);
	}
	EXPECT_EQ(DETECT_ALIVE, self->state);
	EXPECT_EQ(0, self->detect.falls);
}

/*
 * A link that is up for half a period and down for the other. What comes while
 * it is down is lost; the session ends and begins, or does not notice.
 */
static void blink(struct th_fix_peer *self, uint64_t period_ns, bool breaks,
		  uint64_t ns)
{
	uint64_t until = self->now + ns;
	uint64_t beat = self->now;

	while (self->now < until) {
		uint64_t on = self->now + period_ns / 2;

		for (; self->now < on; pass(self, 10 * MS)) {
			if (self->now < beat)
				continue;
			heard(self);
			beat = self->now + conf.beat_ns;
		}
		if (breaks)
			seen(self, detect_lost(&self->detect, self->now));
		pass(self, period_ns / 2);
		if (beat < self->now)
			beat = self->now; /* the first thing it says */
	}
}

TEST_F(peer, blinks)
{
	static const struct {
		uint64_t period_ms;
		bool breaks;
		unsigned int changes_max;
	} cases[] = {
		/* the state changes when it blinks slowly, but ever more seldom
		 */
		{ 10000, true, 40 }, { 10000, false, 40 }, { 5000, true, 20 },
		{ 5000, false, 20 }, { 2000, true, 12 },   { 2000, false, 12 },
		{ 1000, true, 8 },   { 1000, false, 8 },   { 500, true, 4 },
		{ 500, false, 4 },   { 200, true, 4 },	   { 200, false, 4 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int believed;

		detect_init(&self->detect, &conf);
		self->state = DETECT_DEAD;
		beats(self, 0, 20 * SECOND);
		ASSERT_EQ(DETECT_ALIVE, self->state);
		blink(self, cases[i].period_ms * MS, cases[i].breaks,
		      300 * SECOND);
		/* after five minutes of it nobody believes in it any more... */
		believed = self->detect.falls;
		self->alive_ns = 0;
		if (cases[i].breaks || cases[i].period_ms >= 5000) {
			blink(self, cases[i].period_ms * MS, cases[i].breaks,
			      300 * SECOND);
			EXPECT_EQ(believed, self->detect.falls);
			EXPECT_EQ(0, self->alive_ns);
		}
		if (believed > 6)
			TH_LOG("period %llu ms: %u falls",
			       (unsigned long long)cases[i].period_ms,
			       believed);
		EXPECT_LE(believed, 6);
		/* ...and when it is steady they do again, within a minute */
		beats(self, 0, 61 * SECOND);
		EXPECT_EQ(DETECT_ALIVE, self->state);
	}
}

TEST_F(peer, time_heals)
{
	int i;

	beats(self, 0, 5 * SECOND);
	for (i = 0; i < 4; i++) {
		seen(self, detect_lost(&self->detect, self->now));
		beats(self, 0, 30 * SECOND);
		ASSERT_EQ(DETECT_ALIVE, self->state);
		ASSERT_LE(self->detect.hold_ns, conf.hold_max_ns);
	}
	EXPECT_GT(self->detect.hold_ns, 8 * SECOND);
	beats(self, 0, 10 * DETECT_DECAY_NS);
	EXPECT_EQ(conf.hold_min_ns, self->detect.hold_ns);
	seen(self, detect_lost(&self->detect, self->now));
	EXPECT_EQ(DETECT_SUSPECT, self->state);
	beats(self, 0, 2500 * MS);
	EXPECT_EQ(DETECT_ALIVE, self->state);
}

/* A daemon that restarts is a gap, not a death. */
TEST_F(peer, restarts)
{
	beats(self, 0, 10 * SECOND);
	seen(self, detect_lost(&self->detect, self->now));
	EXPECT_EQ(DETECT_SUSPECT, self->state);
	pass(self, 300 * MS);
	heard(self);
	EXPECT_EQ(DETECT_SUSPECT, self->state);
	beats(self, 0, 2000 * MS);
	EXPECT_EQ(DETECT_ALIVE, self->state);
}

TEST_HARNESS_MAIN
