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
}

TEST(restored_from_a_backup)
{
	struct sw w;

	sw_begin(&w, &SW_LIMITS, 1);
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, CLUSTER_RESTORE, .session = 77));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, CLUSTER_RESTORE, .session = 0));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(&w, CLUSTER_RESTORE, .session = 78,
				       .term = STATE_TERM_MAX + 1));
	SW_OK(&w, CLUSTER_RESTORE, .session = 78, .term = 9);
	SW_OK(&w, CLUSTER_RESTORE, .session = 79, .term = 4);
	EXPECT_EQ(9, state_cluster(w.s)->term_floor);
	EXPECT_EQ(79, state_cluster(w.s)->lineage);
}

TEST_HARNESS_MAIN
