/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A repair of a small cluster, for tests: its commands go into a real state.
 */
#ifndef QBD_TESTS_UNIT_REPAIR_WORLD_H
#define QBD_TESTS_UNIT_REPAIR_WORLD_H

#include "state_world.h"
#include "repair/why.h"

#define AFTER 600000ULL
#define NODES 6

FIXTURE(repair)
{
	struct sw w;
	struct repair *r;
	u64 now;
	struct state_cmd cmd;
	u64 again;
	struct state_shard_view view;
};

/* Through the state, and told to the repair. */
static inline u32 run(struct th_fix_repair *self, struct state_cmd cmd)
{
	u32 why = sw_do(&self->w, cmd);

	repair_changed(self->r, &self->w.delta);
	return why;
}

#define RUN(self, name, ...) \
	run(self, (struct state_cmd){ .kind = STATE_CMD_##name, __VA_ARGS__ })

static inline void node(struct th_fix_repair *self, u32 id, bool alive,
			u64 silent_ms)
{
	struct repair_node is = { .node = id,
				  .alive = alive,
				  .silent_ms = silent_ms };

	repair_node(self->r, &is);
}

/* Is something due, in any number of calls, and of rounds, from now on? */
static inline bool due(struct th_fix_repair *self)
{
	u32 i, rounds;

	for (rounds = 0; rounds < 3; rounds++) {
		for (i = 0; i < 100; i++) {
			if (repair_next(self->r, self->w.s, self->now,
					&self->cmd, &self->again))
				return true;
			if (self->again != self->now)
				break;
		}
		ASSERT_LT(i, 100);
		self->now += REPAIR_ROUND_MS;
	}
	return false;
}

static inline u32 obey(struct th_fix_repair *self)
{
	u32 why = run(self, self->cmd);

	repair_answered(self->r, &self->cmd, !why, self->now);
	return why;
}

static inline const struct state_volume *vol(struct th_fix_repair *self, u32 id)
{
	return state_volume_by_id(self->w.s, id);
}

static inline void look(struct th_fix_repair *self, u32 volume, u32 number)
{
	ASSERT_EQ(0, state_view_shard(self->w.s, volume, number, &self->view));
}

static inline int say(struct th_fix_repair *self, u32 from,
		      enum repair_word word, u64 replica)
{
	struct repair_said said = { .from = from,
				    .word = word,
				    .volume = 1,
				    .term = vol(self, 1)->term,
				    .replica = replica };

	look(self, 1, 0);
	said.epoch = self->view.epoch;
	return repair_heard(self->r, self->w.s, &said, self->now);
}

#define EXPECT_DUE(self, name)                                            \
	do {                                                              \
		ASSERT_TRUE(due(self));                                   \
		ASSERT_EQ(STATE_CMD_SHARD_##name, (int)(self)->cmd.kind); \
	} while (0)

/* A copy of shard 0 on @bad leaves: the learner's id. */
static inline u64 propose(struct th_fix_repair *self, u32 bad)
{
	EXPECT_DUE(self, PROPOSE);
	EXPECT_EQ(1, self->cmd.volume);
	look(self, 1, self->cmd.number);
	ASSERT_EQ(1, self->cmd.nr_del);
	ASSERT_EQ(1, self->cmd.nr_add);
	EXPECT_EQ(bad, self->cmd.del[0]);
	ASSERT_EQ(0, obey(self));
	return self->w.res.arg[0];
}

static inline void attach(struct th_fix_repair *self, u32 volume, u32 holder)
{
	ASSERT_EQ(0, RUN(self, ATTACH, .volume = volume, .node = holder,
			 .session = 77 + volume, .flags = STATE_ATTACH_FORCE));
}

/*
 * Six nodes, all there; shard 0 of volume 1 on 1, 2, 3, replica i on node i;
 * held by 1.
 */
FIXTURE_SETUP(repair)
{
	u32 i;

	sw_begin(&self->w, &SW_LIMITS, NODES);
	ASSERT_EQ(1, sw_volume(&self->w, "db1", 1, 3, NODES));
	self->now = 100000;
	self->r = repair_create(NULL);
	repair_begin(self->r, self->now);
	for (i = 1; i <= NODES; i++)
		node(self, i, true, 0);
	attach(self, 1, 1);
	self->now += 20000;
}

FIXTURE_TEARDOWN(repair)
{
	repair_destroy(self->r);
}

#endif /* QBD_TESTS_UNIT_REPAIR_WORLD_H */
