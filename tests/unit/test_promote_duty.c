// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failover, rule by rule: what is due, and above all what is not. The commands
 * go into a real state.
 */
#include "state_world.h"
#include "promote/duty.h"

#define SUSPECT 1500
#define GRACE 10000
#define DOUBT 10000
#define BACKOFF 10000

FIXTURE(duty)
{
	struct sw w;
	struct duty *duty;
	u64 now;
	u64 session;
	struct state_cmd cmd;
	u64 again;
};

/* Through the state, and told to the duty. */
static u32 run(struct th_fix_duty *self, struct state_cmd cmd)
{
	u32 why = sw_do(&self->w, cmd);

	duty_changed(self->duty, self->w.s, &self->w.delta);
	return why;
}

#define RUN(self, name, ...) \
	run(self, (struct state_cmd){ .kind = STATE_CMD_##name, __VA_ARGS__ })

static void node(struct th_fix_duty *self, u32 id, bool alive, bool heard)
{
	struct duty_node is = {
		.node = id, .alive = alive, .heard = heard, .since_ms = 1000
	};

	duty_node(self->duty, &is);
}

/* Is something due, in any number of calls at this time? */
static bool due(struct th_fix_duty *self)
{
	u32 i;

	for (i = 0; i < 100; i++) {
		if (duty_next(self->duty, self->w.s, self->now, &self->cmd,
			      &self->again))
			return true;
		if (self->again != self->now)
			return false;
	}
	ASSERT_TRUE(false);
	return false;
}

/* The command that is due is done, or refused. */
static u32 obey(struct th_fix_duty *self)
{
	u32 why;

	if (self->cmd.kind == STATE_CMD_ATTACH)
		self->cmd.session = ++self->session;
	why = run(self, self->cmd);
	duty_answered(self->duty, self->cmd.volume, !why, self->now);
	return why;
}

static const struct state_volume *vol(struct th_fix_duty *self)
{
	return state_volume_by_id(self->w.s, 1);
}

static u32 autos(struct th_fix_duty *self, u32 a, u32 b, u32 c)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_SET,
				 .volume = 1,
				 .flags = STATE_VOLUME_SET_AUTOS,
				 .nr_autos = !!a + !!b + !!c,
				 .autos = { a, b, c } };

	return run(self, cmd);
}

/* Replica i of shard 0 is on node i: 1, 2, 3. */
static int word_of(struct th_fix_duty *self, u32 from, u64 term, u64 silent_ms,
		   u64 age_ms)
{
	struct duty_said said = { .from = from,
				  .volume = 1,
				  .term = term,
				  .word = { .replica = from,
					    .alive = true,
					    .age_ms = age_ms,
					    .silent_ms = silent_ms } };

	return duty_word(self->duty, self->w.s, &said, self->now);
}

static int word(struct th_fix_duty *self, u32 from)
{
	return word_of(self, from, vol(self)->term, SUSPECT, 0);
}

#define EXPECT_ATTACH(self, to, of_term, with)                            \
	do {                                                              \
		ASSERT_TRUE(due(self));                                   \
		EXPECT_EQ(STATE_CMD_ATTACH, (self)->cmd.kind);            \
		EXPECT_EQ(1, (self)->cmd.volume);                         \
		EXPECT_EQ(to, (self)->cmd.node);                          \
		EXPECT_EQ(of_term, (self)->cmd.term);                     \
		EXPECT_EQ(STATE_ATTACH_AUTO | (with), (self)->cmd.flags); \
	} while (0)

/* Five nodes, all there; volume 1 on 1, 2, 3. */
FIXTURE_SETUP(duty)
{
	u32 i;

	sw_begin(&self->w, &SW_LIMITS, 5);
	ASSERT_EQ(1, sw_volume(&self->w, "db1", 2, 3, 5));
	self->now = 100000;
	self->session = 100;
	self->duty = duty_create(NULL);
	duty_begin(self->duty, self->now);
	for (i = 1; i <= 5; i++)
		node(self, i, true, true);
}

FIXTURE_TEARDOWN(duty)
{
	duty_destroy(self->duty);
}

TEST_F(duty, first_choice)
{
	EXPECT_FALSE(due(self)); /* nobody may */
	EXPECT_EQ(DUTY_NEVER, self->again);
	ASSERT_EQ(0, autos(self, 4, 5, 1));
	EXPECT_ATTACH(self, 4, 0, 0);
	/* one at a time, whatever happens meanwhile */
	node(self, 3, false, true);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(4, vol(self)->holder);
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
}

TEST_F(duty, next_choice)
{
	node(self, 4, false, true);
	ASSERT_EQ(0, autos(self, 4, 5, 1));
	EXPECT_ATTACH(self, 5, 0, 0);
	ASSERT_EQ(0, obey(self));
	/* one that is not to have anything new is no choice */
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 5, .term = 1));
	ASSERT_EQ(0, RUN(self, NODE_STATE, .node = 5,
			 .state = STATE_NODE_DRAINING));
	EXPECT_ATTACH(self, 1, 1, 0);
}

/* Nobody is there: when somebody is, at once. */
TEST_F(duty, nobody)
{
	node(self, 4, false, true);
	ASSERT_EQ(0, autos(self, 4, 0, 0));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
	node(self, 4, true, true);
	EXPECT_ATTACH(self, 4, 0, 0);
}

/* An answer does not come: it is asked again, after a while. */
TEST_F(duty, no_answer)
{
	ASSERT_EQ(0, autos(self, 4, 0, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	EXPECT_FALSE(due(self));
	self->now = self->again - 1;
	EXPECT_FALSE(due(self));
	self->now++;
	EXPECT_ATTACH(self, 4, 0, 0);
	/* refused: not at once */
	duty_answered(self->duty, 1, false, self->now);
	EXPECT_FALSE(due(self));
	EXPECT_GE(self->again, self->now + 1000);
	EXPECT_LE(self->again, self->now + 2000);
	self->now = self->again;
	EXPECT_ATTACH(self, 4, 0, 0);
}

/* V3: the daemon is dead, its kernel is not. */
TEST_F(duty, silent_daemon)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	node(self, 4, false, true);
	EXPECT_FALSE(due(self));
	EXPECT_EQ(0, word(self, 1)); /* one of three */
	self->now += 1000;
	EXPECT_FALSE(due(self));
	self->now += 3600000;
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
	EXPECT_EQ(4, vol(self)->holder);
}

TEST_F(duty, takeover)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	node(self, 4, false, true);
	EXPECT_EQ(0, word(self, 1));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(0, word(self, 3));
	/* in the same turn, without any time */
	EXPECT_ATTACH(self, 5, 1, STATE_ATTACH_TAKEOVER);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(5, vol(self)->holder);
	EXPECT_EQ(2, vol(self)->term);
	EXPECT_FALSE(due(self));
	/* the first one comes back, and does not get it back */
	node(self, 4, true, true);
	self->now += 3600000;
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
}

/* Words that are old by now are none; a stale leader's are not kept. */
TEST_F(duty, words_age)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	node(self, 4, false, true);
	EXPECT_EQ(0, word(self, 1));
	self->now += SUSPECT + 1;
	EXPECT_EQ(0, word(self, 3));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(-ESTALE, word_of(self, 1, 1, SUSPECT, SUSPECT + 1));
	EXPECT_EQ(0, word_of(self, 1, 1, SUSPECT, SUSPECT));
	EXPECT_ATTACH(self, 5, 1, STATE_ATTACH_TAKEOVER);
	duty_begin(self->duty, self->now);
	EXPECT_FALSE(due(self));
}

/* Evidence was complete, and is not when its turn comes. */
TEST_F(duty, evidence_passes)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	node(self, 4, false, true);
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	/* it is heard again */
	EXPECT_EQ(0, word_of(self, 2, 1, 0, 0));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(0, word(self, 2));
	self->now += SUSPECT + 1;
	EXPECT_FALSE(due(self));
}

/* Evidence is about a holder, and is worth nothing against the next one. */
TEST_F(duty, evidence_of_another_term)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	node(self, 4, false, true);
	node(self, 2, false, true);
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 3));
	ASSERT_EQ(0, RUN(self, ATTACH, .volume = 1, .node = 2, .session = 7,
			 .flags = STATE_ATTACH_FORCE));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(-ESTALE, word_of(self, 1, 1, SUSPECT, 0));
	EXPECT_FALSE(due(self));
	/* one that is about this term, and one that is not, are no quorum */
	EXPECT_EQ(0, word(self, 1));
	EXPECT_FALSE(due(self));
	/* decided before, logged after: the state refuses it */
	ASSERT_EQ(0, RUN(self, ATTACH, .volume = 1, .node = 4, .session = 8,
			 .flags = STATE_ATTACH_FORCE));
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 3));
	EXPECT_ATTACH(self, 5, 3, STATE_ATTACH_TAKEOVER);
	ASSERT_EQ(0, RUN(self, ATTACH, .volume = 1, .node = 2, .session = 9,
			 .flags = STATE_ATTACH_FORCE));
	EXPECT_EQ(STATE_WHY_TERM, obey(self));
	EXPECT_EQ(2, vol(self)->holder);
}

/* The holder's daemon is there: its kernel's connections may be mended. */
TEST_F(duty, doubt)
{
	u64 end = self->now + DOUBT + DUTY_ROUND_MS;

	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	for (; self->now < end - DUTY_ROUND_MS; self->now += 500) {
		EXPECT_EQ(0, word(self, 1));
		EXPECT_EQ(0, word(self, 2));
		EXPECT_FALSE(due(self));
	}
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	self->now = end;
	EXPECT_ATTACH(self, 5, 1, STATE_ATTACH_TAKEOVER);
}

/* A gap in the evidence, and the time begins anew. */
TEST_F(duty, doubt_begins_anew)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	EXPECT_FALSE(due(self));
	self->now += DOUBT;
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	EXPECT_FALSE(due(self));
	/* and it ends when the daemon falls silent, too */
	node(self, 4, false, true);
	EXPECT_ATTACH(self, 5, 1, STATE_ATTACH_TAKEOVER);
}

TEST_F(duty, no_device)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(0, duty_failed(self->duty, self->w.s, 1, 4, 1,
				 DUTY_FAULT_DEVICE, self->now));
	ASSERT_TRUE(due(self));
	EXPECT_EQ(STATE_CMD_DETACH, self->cmd.kind);
	EXPECT_EQ(4, self->cmd.node);
	EXPECT_EQ(1, self->cmd.term);
	ASSERT_EQ(0, obey(self));
	/* it is wanted on 4, and the first one, and put off */
	EXPECT_ATTACH(self, 5, 1, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(0, duty_failed(self->duty, self->w.s, 1, 5, 2,
				 DUTY_FAULT_DEVICE, self->now));
	ASSERT_TRUE(due(self));
	EXPECT_EQ(STATE_CMD_DETACH, self->cmd.kind);
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(self->now + BACKOFF, self->again);
	self->now = self->again;
	/* both may again; it is wanted on 5 */
	EXPECT_ATTACH(self, 5, 2, 0);
}

/* Each fault doubles the time; a long while without one forgets it. */
TEST_F(duty, backoff)
{
	u64 backoff = BACKOFF, term;
	u32 i;

	ASSERT_EQ(0, autos(self, 4, 0, 0));
	for (i = 0; i < 9; i++) {
		EXPECT_ATTACH(self, 4, vol(self)->term, 0);
		ASSERT_EQ(0, obey(self));
		term = vol(self)->term;
		ASSERT_EQ(0, duty_failed(self->duty, self->w.s, 1, 4, term,
					 DUTY_FAULT_DEVICE, self->now));
		/* said twice is not failed twice */
		ASSERT_EQ(0, duty_failed(self->duty, self->w.s, 1, 4, term,
					 DUTY_FAULT_DEVICE, self->now));
		ASSERT_TRUE(due(self));
		ASSERT_EQ(0, obey(self));
		EXPECT_FALSE(due(self));
		EXPECT_EQ(self->now + backoff, self->again);
		self->now += backoff;
		backoff = min(2 * backoff, 600000ULL);
	}
	EXPECT_ATTACH(self, 4, vol(self)->term, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
	self->now = self->again;
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
	ASSERT_EQ(0, duty_failed(self->duty, self->w.s, 1, 4, vol(self)->term,
				 DUTY_FAULT_DEVICE, self->now));
	ASSERT_TRUE(due(self));
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(self->now + BACKOFF, self->again);
}

TEST_F(duty, faults_of_others)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(-ESTALE, duty_failed(self->duty, self->w.s, 1, 5, 1,
				       DUTY_FAULT_DEVICE, self->now));
	EXPECT_EQ(-ESTALE, duty_failed(self->duty, self->w.s, 1, 4, 2,
				       DUTY_FAULT_DEVICE, self->now));
	EXPECT_EQ(-ENOENT, duty_failed(self->duty, self->w.s, 2, 4, 1,
				       DUTY_FAULT_DEVICE, self->now));
	EXPECT_EQ(-EINVAL,
		  duty_failed(self->duty, self->w.s, 1, 4, 1, 0, self->now));
	EXPECT_FALSE(due(self));
}

/* There is a device, so it is asked to go, not taken. */
TEST_F(duty, command_fails)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	node(self, 5, false, true);
	EXPECT_EQ(0, duty_failed(self->duty, self->w.s, 1, 4, 1, DUTY_FAULT_RUN,
				 self->now));
	/* better there than nowhere */
	EXPECT_FALSE(due(self));
	node(self, 5, true, true);
	ASSERT_TRUE(due(self));
	EXPECT_EQ(STATE_CMD_VOLUME_SET, self->cmd.kind);
	EXPECT_EQ(5, self->cmd.node);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(4, vol(self)->holder);
	EXPECT_EQ(5, vol(self)->want);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 4, .term = 1));
	EXPECT_ATTACH(self, 5, 1, 0);
}

/* The command fails, and the administrator says that it shall be nowhere. */
TEST_F(duty, command_fails_and_parked)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(0, duty_failed(self->duty, self->w.s, 1, 4, 1, DUTY_FAULT_RUN,
				 self->now));
	ASSERT_TRUE(due(self));
	EXPECT_EQ(STATE_CMD_VOLUME_SET, self->cmd.kind);
	ASSERT_EQ(0, RUN(self, VOLUME_SET, .volume = 1,
			 .flags = STATE_VOLUME_SET_WANT));
	EXPECT_EQ(STATE_WHY_PARKED, obey(self));
	EXPECT_EQ(0, vol(self)->want);
}

TEST_F(duty, parked)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	ASSERT_EQ(0, RUN(self, VOLUME_SET, .volume = 1,
			 .flags = STATE_VOLUME_SET_WANT));
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 4, .term = 1));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
	/* the next leader knows that, too */
	duty_begin(self->duty, self->now);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 1, 0);
	/* on its way when the administrator detaches it */
	ASSERT_EQ(0, RUN(self, VOLUME_SET, .volume = 1,
			 .flags = STATE_VOLUME_SET_WANT));
	EXPECT_EQ(STATE_WHY_PARKED, obey(self));
	EXPECT_EQ(STATE_HOLD_NONE, vol(self)->hold);
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
}

/* `volume attach --node`: it is the wanted node's, not the first one's. */
TEST_F(duty, moved_on_purpose)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	ASSERT_EQ(0, RUN(self, VOLUME_SET, .volume = 1, .node = 2,
			 .flags = STATE_VOLUME_SET_WANT));
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, RUN(self, DETACH, .volume = 1, .node = 4, .term = 1));
	EXPECT_ATTACH(self, 2, 1, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_FALSE(due(self));
}

/* Without a device it is held by nobody who could lose anything. */
TEST_F(duty, held_for_repair)
{
	ASSERT_EQ(0, RUN(self, ATTACH, .volume = 1, .node = 1, .session = 5,
			 .flags = STATE_ATTACH_REPAIR));
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 1, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(4, vol(self)->holder);
}

/* All begin at once, and the first choice is a little slower. */
TEST_F(duty, booting)
{
	self->now = 2000;
	duty_begin(self->duty, self->now);
	node(self, 4, false, false);
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(1000 + GRACE, self->again);
	self->now = 3000;
	node(self, 4, true, true);
	EXPECT_ATTACH(self, 4, 0, 0);
}

TEST_F(duty, never_booting)
{
	self->now = 2000;
	duty_begin(self->duty, self->now);
	node(self, 4, false, false);
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_FALSE(due(self));
	self->now = 1000 + GRACE - 1;
	EXPECT_FALSE(due(self));
	self->now++;
	EXPECT_ATTACH(self, 5, 0, 0);
}

/* It was here just now: that is no node that boots. */
TEST_F(duty, fell_silent)
{
	self->now = 2000;
	duty_begin(self->duty, self->now);
	node(self, 4, false, true);
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 5, 0, 0);
}

/* The power came back: the kernels have never heard their old holder. */
TEST_F(duty, booting_holder)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	self->now = 4000;
	duty_begin(self->duty, self->now);
	node(self, 4, false, false);
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	EXPECT_FALSE(due(self));
	self->now = 1000 + GRACE;
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	EXPECT_ATTACH(self, 5, 1, STATE_ATTACH_TAKEOVER);
	/* a leader that had heard it would not have waited */
	duty_begin(self->duty, self->now);
	node(self, 4, false, true);
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(0, word(self, 2));
	EXPECT_ATTACH(self, 5, 1, STATE_ATTACH_TAKEOVER);
}

/* Of whom nothing was said at all: as of one that was never heard. */
TEST_F(duty, unknown_node)
{
	struct duty *duty = duty_create(NULL);

	duty_destroy(self->duty);
	self->duty = duty;
	duty_begin(duty, self->now);
	node(self, 5, true, true);
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	EXPECT_FALSE(due(self));
	EXPECT_EQ(self->now + GRACE, self->again);
	self->now = self->again;
	EXPECT_ATTACH(self, 5, 0, 0);
}

TEST_F(duty, witnesses)
{
	struct duty_said said = {
		.from = 2,
		.volume = 1,
		.term = 1,
		.word = { .replica = 1, .alive = true, .silent_ms = SUSPECT }
	};
	struct duty_counts counts;

	EXPECT_EQ(-ENOENT, word(self, 1));
	ASSERT_EQ(0, autos(self, 1, 5, 0));
	EXPECT_EQ(-ESTALE, word(self, 2));
	EXPECT_ATTACH(self, 1, 0, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(-EPERM, word(self, 1)); /* the holder itself */
	EXPECT_EQ(-EPERM, word(self, 5)); /* no such replica */
	EXPECT_EQ(-EPERM, duty_word(self->duty, self->w.s, &said, self->now));
	said.word.number = 77;
	EXPECT_EQ(-EPERM, duty_word(self->duty, self->w.s, &said, self->now));
	said.volume = 9;
	EXPECT_EQ(-ENOENT, duty_word(self->duty, self->w.s, &said, self->now));
	EXPECT_EQ(-ESTALE, word_of(self, 2, 1, SUSPECT, U64_MAX));
	duty_counts(self->duty, &counts);
	EXPECT_EQ(0, counts.words);
	/* said again is said once; older than what was said is nothing new */
	EXPECT_EQ(0, word(self, 2));
	EXPECT_EQ(0, word(self, 2));
	EXPECT_EQ(-ESTALE, word_of(self, 2, 1, SUSPECT, 10));
	duty_counts(self->duty, &counts);
	EXPECT_EQ(1, counts.words);
	/* a copy that is none any more takes its word back */
	said = (struct duty_said){ .from = 2,
				   .volume = 1,
				   .term = 1,
				   .word = { .replica = 2,
					     .silent_ms = SUSPECT } };
	EXPECT_EQ(0, duty_word(self->duty, self->w.s, &said, self->now));
	duty_counts(self->duty, &counts);
	EXPECT_EQ(0, counts.words);
}

/* No more than there is room for; those that are old make some. */
TEST_F(duty, words_are_bounded)
{
	struct duty_conf conf = { .words_max = 1 };
	struct duty_counts counts;

	duty_destroy(self->duty);
	self->duty = duty_create(&conf);
	duty_begin(self->duty, self->now);
	node(self, 4, true, true);
	ASSERT_EQ(0, autos(self, 4, 0, 0));
	EXPECT_ATTACH(self, 4, 0, 0);
	ASSERT_EQ(0, obey(self));
	EXPECT_EQ(0, word(self, 1));
	EXPECT_EQ(-ENOSPC, word(self, 2));
	EXPECT_EQ(0, word(self, 1));
	duty_counts(self->duty, &counts);
	EXPECT_EQ(1, counts.words);
	EXPECT_EQ(1, counts.dropped);
	self->now += SUSPECT + 1;
	EXPECT_FALSE(due(self));
	EXPECT_EQ(0, word(self, 2));
	/* and nothing is left of a volume that is well */
	self->now += DUTY_ROUND_MS + SUSPECT + 1;
	EXPECT_FALSE(due(self));
	self->now += DUTY_ROUND_MS;
	EXPECT_FALSE(due(self));
	duty_counts(self->duty, &counts);
	EXPECT_EQ(0, counts.words);
	EXPECT_EQ(0, counts.volumes);
}

TEST_F(duty, deleted)
{
	ASSERT_EQ(0, autos(self, 4, 5, 0));
	node(self, 4, false, true);
	node(self, 5, false, true);
	EXPECT_FALSE(due(self));
	ASSERT_EQ(0, RUN(self, VOLUME_DELETE, .volume = 1));
	EXPECT_FALSE(due(self));
	node(self, 4, true, true);
	EXPECT_FALSE(due(self));
	EXPECT_EQ(DUTY_NEVER, self->again);
}

/* --- cost ---------------------------------------------------------------- */

#define MANY 2000

/* Without the check of all rules after each of them, which costs what is there.
 */
static void many_do(struct sw *w, struct state_cmd cmd)
{
	static u8 buf[STATE_COMMAND_BYTES_MAX];
	int bytes;

	cmd.client = w->client;
	cmd.seq = ++w->seq;
	cmd.now_ms = w->now_ms;
	bytes = state_command_encode(&cmd, buf, sizeof(buf));
	ASSERT_GT(bytes, 0);
	state_apply(w->s, buf, bytes, &w->res, &w->delta);
	ASSERT_EQ(0, w->res.why);
}

static void many_volume(struct sw *w, u32 i)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_CREATE,
				 .size = SW_SHARD,
				 .shift = SW_SHIFT,
				 .copies = 1,
				 .nr_autos = 1,
				 .autos = { 2 } };
	struct sw_lines lines;
	u64 id;

	snprintf(cmd.name, sizeof(cmd.name), "v%u", i);
	many_do(w, cmd);
	id = w->res.arg[0];
	sw_lines_begin(&lines);
	state_put(&lines.out, 1 + i % 5, 4);
	many_do(w, (struct state_cmd){ .kind = STATE_CMD_VOLUME_SHARDS,
				       .volume = id,
				       .rest = sw_lines_rest(&lines) });
	sw_lines_begin(&lines);
	state_put(&lines.out, id, 4);
	state_put(&lines.out, 0, 2);
	state_put(&lines.out, i + 1, 8);
	many_do(w, (struct state_cmd){ .kind = STATE_CMD_REPLICA_CREATED,
				       .node = 1 + i % 5,
				       .rest = sw_lines_rest(&lines) });
}

/* Calls until nothing is due at this time; none looks at more than a slice. */
static u32 calls(struct th_fix_duty *self, u32 *commands)
{
	struct duty_counts before, after;
	u32 nr = 0;

	*commands = 0;
	do {
		duty_counts(self->duty, &before);
		*commands += duty_next(self->duty, self->w.s, self->now,
				       &self->cmd, &self->again);
		duty_counts(self->duty, &after);
		EXPECT_LE(after.looks, before.looks + DUTY_SLICE);
		nr++;
		ASSERT_LT(nr, 10 * MANY);
	} while (self->again == self->now);
	return nr;
}

TEST_F(duty, many)
{
	struct state_limits limits = SW_LIMITS;
	struct duty_counts counts;
	u32 i, nr, commands;

	limits.volumes = MANY;
	limits.shards = MANY;
	limits.store_replicas = 512;
	sw_begin(&self->w, &limits, 5);
	for (i = 0; i < MANY; i++)
		many_volume(&self->w, i);
	sw_keeps_rules(&self->w);
	duty_begin(self->duty, self->now);
	node(self, 2, false, true);
	nr = calls(self, &commands);
	EXPECT_EQ(0, commands);
	EXPECT_LE(nr, 2 * MANY / DUTY_SLICE + 2);
	duty_counts(self->duty, &counts);
	EXPECT_EQ(MANY, counts.volumes);
	EXPECT_EQ(DUTY_NEVER, self->again);
	/* nothing happens, nothing is looked at */
	self->now += 1000000;
	EXPECT_EQ(1, calls(self, &commands));
	/* something does that might matter to all */
	node(self, 3, false, true);
	EXPECT_GE(calls(self, &commands), MANY / DUTY_SLICE);
	EXPECT_EQ(0, commands);
	/* the node is there: all of them, one after another */
	node(self, 2, true, true);
	calls(self, &commands);
	EXPECT_EQ(MANY, commands);
}

TEST_HARNESS_MAIN
