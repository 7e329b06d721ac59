// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cluster and its settings.
 */
#include "state_world.h"

TEST(begins_once)
{
	struct sw w = { .s = sw_state(&SW_LIMITS) };
	struct state_cmd cmd = sw_init_cmd();

	cmd.name[0] = 0;
	EXPECT_EQ(STATE_WHY_NAME, sw_raw(&w, &cmd));
	cmd = sw_init_cmd();
	cmd.uuid[0] = 0;
	EXPECT_EQ(STATE_WHY_BAD, sw_raw(&w, &cmd));
	cmd = sw_init_cmd();
	cmd.session = 0;
	EXPECT_EQ(STATE_WHY_BAD, sw_raw(&w, &cmd));
	cmd = sw_init_cmd();
	EXPECT_EQ(0, sw_raw(&w, &cmd));
	EXPECT_STREQ("cell", state_cluster(w.s)->name);
	EXPECT_EQ(77, state_cluster(w.s)->lineage);
	EXPECT_EQ(600000, state_cluster(w.s)->setting[STATE_SET_REPAIR_AFTER]);
	EXPECT_EQ(STATE_WHY_CLUSTER, sw_raw(&w, &cmd));
}

TEST(settings)
{
	static const struct {
		u8 what;
		u32 value;
		bool good;
	} cases[] = {
		{ STATE_SET_VOTERS, 3, true },
		{ STATE_SET_VOTERS, 4, false },
		{ STATE_SET_VOTERS, 7, true },
		{ STATE_SET_VOTERS, 9, false },
		{ STATE_SET_REPAIR_AFTER, 999, false },
		{ STATE_SET_REPAIR_AFTER, 1000, true },
		{ STATE_SET_FEATURE, 2, false },
		{ STATE_SETTINGS_NR, 1, false },
		{ 255, 1, false },
	};
	struct sw w;
	u32 i;

	sw_begin(&w, &SW_LIMITS, 1);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].good ? 0 : STATE_WHY_SETTING,
			  SW_DO(&w, CLUSTER_SET, .what = cases[i].what,
				.value = cases[i].value));
		if (cases[i].good)
			EXPECT_EQ(cases[i].value,
				  state_cluster(w.s)->setting[cases[i].what]);
	}
	EXPECT_STREQ("voters", state_setting_key(STATE_SET_VOTERS));
	EXPECT_TRUE(!state_setting_key(STATE_SETTINGS_NR));
	/* the feature level is raised by a name of its own, and never falls */
	EXPECT_EQ(STATE_WHY_SETTING,
		  SW_DO(&w, CLUSTER_SET, .what = STATE_SET_LEVEL, .value = 1));
	SW_OK(&w, CLUSTER_SET, .what = STATE_SET_LEVEL, .value = 2);
	EXPECT_EQ(2, state_cluster(w.s)->setting[STATE_SET_FEATURE]);
	EXPECT_EQ(STATE_WHY_SETTING,
		  SW_DO(&w, CLUSTER_SET, .what = STATE_SET_FEATURE,
			.value = 1));
	EXPECT_EQ(STATE_WHY_SETTING,
		  SW_DO(&w, CLUSTER_SET, .what = STATE_SET_LEVEL, .value = 1));
	/* a newer server may have raised it to that: not to be passed over */
	EXPECT_EQ(STATE_WHY_NEWER,
		  SW_DO(&w, CLUSTER_SET, .what = STATE_SET_LEVEL,
			.value = STATE_LEVEL_MAX + 1));
	EXPECT_EQ(2, state_cluster(w.s)->setting[STATE_SET_FEATURE]);
}

/* S16: nothing that the lost ones may have given out is given out again. */
TEST(restored)
{
	const struct state_cluster *is;
	const struct state_node *node;
	struct state_cluster was;
	struct sw w;
	u64 first, token;

	sw_begin(&w, &SW_LIMITS, 2);
	is = state_cluster(w.s);
	token = 1;
	SW_OK(&w, NODE_RAFT, .node = 1);
	SW_OK(&w, NODE_RAFT, .node = 2);
	was = *is;
	SW_OK(&w, CLUSTER_RESTORE, .session = 78, .term = 9, .node = 2,
	      .id = STATE_SERVER(2, 70000));
	first = is->term_floor;
	EXPECT_EQ(STATE_RESTORE_JUMP, first);
	EXPECT_EQ(first, w.res.arg[0]);
	EXPECT_TRUE(w.delta.all);
	EXPECT_GE(is->next_node, was.next_node + STATE_RESTORE_IDS);
	EXPECT_GE(is->next_store, was.next_store + STATE_RESTORE_IDS);
	EXPECT_GE(is->next_volume, was.next_volume + STATE_RESTORE_IDS);
	EXPECT_EQ(0, is->next_volume % STATE_RESTORE_IDS);
	EXPECT_GE(is->next_replica, was.next_replica + STATE_RESTORE_JUMP);
	EXPECT_GE(is->next_client, was.next_client + STATE_RESTORE_JUMP);
	EXPECT_GE(is->next_job, was.next_job + STATE_RESTORE_JUMP);
	EXPECT_EQ(70001, is->next_raft);
	/* kernels stay what they were */
	EXPECT_EQ(was.lineage, is->lineage);
	node = state_node_by_id(w.s, 1);
	EXPECT_EQ(0, node->raft);
	node = state_node_by_id(w.s, 2);
	EXPECT_EQ(STATE_SERVER(2, 70000), node->raft);
	EXPECT_TRUE(!state_token_by_id(w.s, token));
	/* again, and a term that somebody found in a store */
	SW_OK(&w, CLUSTER_RESTORE, .session = 79, .term = 9 * first, .node = 1,
	      .id = STATE_SERVER(1, 5));
	EXPECT_EQ(9 * first, is->term_floor);
	EXPECT_GT(is->next_raft, 70001);
}

TEST(restore_refused)
{
	static const struct {
		u64 session;
		u64 term;
		u32 node;
		u64 id;
		u32 why;
	} cases[] = {
		{ 0, 1, 1, STATE_SERVER(1, 9), STATE_WHY_BAD },
		{ 7, STATE_TERM_MAX + 1, 1, STATE_SERVER(1, 9), STATE_WHY_BAD },
		{ 7, 1, 1, STATE_SERVER(2, 9), STATE_WHY_BAD },
		{ 7, 1, 1, STATE_SERVER(1, 0), STATE_WHY_BAD },
		{ 7, 1, 1, STATE_SERVER(1, U32_MAX), STATE_WHY_BAD },
		{ 7, 1, 5, STATE_SERVER(5, 9), STATE_WHY_NO_NODE },
	};
	struct state_cluster was;
	struct sw w;
	u32 i;

	sw_begin(&w, &SW_LIMITS, 1);
	was = *state_cluster(w.s);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(cases[i].why,
			  SW_DO(&w, CLUSTER_RESTORE,
				.session = cases[i].session,
				.term = cases[i].term, .node = cases[i].node,
				.id = cases[i].id));
	EXPECT_EQ(0, state_cluster(w.s)->term_floor);
	EXPECT_EQ(was.next_raft, state_cluster(w.s)->next_raft);
	/* as often as there are ids: then no more */
	i = 0;
	while (!SW_DO(&w, CLUSTER_RESTORE, .session = 7, .node = 1,
		      .id = STATE_SERVER(1, 9)))
		i++;
	EXPECT_EQ(STATE_WHY_IDS_FULL, w.res.why);
	EXPECT_GT(i, 30000);
}

TEST_HARNESS_MAIN
